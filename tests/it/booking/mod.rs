//! Places in the hall's slots.

use crate::person::{Answer, Person};
use crate::town::Town;
use serde_json::{Value, json};
use shuitian::domain::Who;
use shuitian::domain::booking::{self, OfferFile};
use shuitian::domain::calendar;

mod change;
mod closure;
mod crowd;
mod fair;
mod forms;
mod no_show;
mod offer;
mod take;

/// What the township offers, with a change.
fn offer(change: impl FnOnce(&mut Value)) -> OfferFile {
    let mut file: Value = serde_json::from_str(include_str!("../../../seed/offer.json")).unwrap();
    change(&mut file);
    serde_json::from_value(file).unwrap()
}

async fn import(town: &Town, file: OfferFile) -> shuitian::base::Result<()> {
    town.app.publish(&town.centre, Who::Operator, async |act| booking::import(act, file).await).await
}

/// From today on, places are given by other rules.
async fn new_rules(town: &Town, change: impl FnOnce(&mut Value)) {
    let file = offer(|file| {
        let mut new = file["rules"][0].clone();
        new["from"] = json!(town.app.clock.now().date());
        change(&mut new);
        file["rules"].as_array_mut().unwrap().push(new);
    });
    import(town, file).await.unwrap();
}

async fn book(person: &Person<'_>, slot: &str, name: &str) -> Answer {
    person.post("/bookings", json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": name } })).await
}

async fn remaining(town: &Town, slot: &str) -> i64 {
    let list = town.stranger().get("/slots?guide=SB-03").await.ok(200);
    list["items"].as_array().unwrap().iter().find(|s| s["id"] == slot).unwrap()["remaining"].as_i64().unwrap()
}

/// A day that was worked turns out to be off.
async fn day_off(town: &Town, day: &str) {
    let mut file: Value = serde_json::from_str(include_str!("../../../seed/holidays/2026.json")).unwrap();
    file["days"].as_array_mut().unwrap().push(json!({ "date": day, "off": true, "name": "临时放假" }));
    let file = serde_json::from_value(file).unwrap();
    town.app.establish(async |tx| calendar::import(tx, town.app.clock.now(), file).await).await.unwrap();
}
