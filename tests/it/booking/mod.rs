//! Places in the hall's slots.

use crate::person::{Answer, Person};
use crate::town::Town;
use serde_json::json;

mod change;
mod crowd;
mod offer;
mod take;

async fn book(person: &Person<'_>, slot: &str, name: &str) -> Answer {
    person.post("/bookings", json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": name } })).await
}

async fn remaining(town: &Town, slot: &str) -> i64 {
    let list = town.stranger().get("/slots?guide=SB-03").await.ok(200);
    list["items"].as_array().unwrap().iter().find(|s| s["id"] == slot).unwrap()["remaining"].as_i64().unwrap()
}
