//! Numbers in the hall, and the desks that call them.

use crate::person::{Answer, Person};
use crate::town::Town;
use entity::identity::staff;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use shuitian::domain::attendance;
use shuitian::domain::booking::{self, OfferFile};
use shuitian::domain::{Publishing, Who, centre};

mod call;
mod screen;
mod ticket;
mod watch;

/// Somebody who is there is given a number.
async fn give(window: &Person<'_>, with: Value) -> Value {
    window.post("/tickets", with).await.ok(201)
}

async fn next(person: &Person<'_>, desk: &str) -> Value {
    person.post("/queue/call", json!({ "desk": desk })).await.ok(200)["ticket"].clone()
}

async fn deed(person: &Person<'_>, ticket: &Value, what: &str) -> Answer {
    person.post(&format!("/tickets/{}/{what}", ticket["id"].as_str().unwrap()), json!({})).await
}

/// The code that the hall shows now.
fn code(town: &Town) -> String {
    attendance::hall_code(&town.app.vault, town.centre.id, town.app.clock.now())
}

/// Two groups of desks, and twelve desks in the first.
async fn two_groups(town: &Town) {
    let mut file: Value = serde_json::from_str(include_str!("../../../seed/offer.json")).unwrap();
    let groups = file["groups"].as_array_mut().unwrap();
    let mut other = groups[0].clone();
    (other["code"], other["name"], other["guides"]) = (json!("SB"), json!("社保窗口"), json!({ "SB-01": 1 }));
    other["band"] = json!({ "prefix": "A", "first": 500, "last": 501 });
    other["desks"] = json!([{ "code": "B1", "name": "社保1号" }]);
    groups[0]["guides"].as_object_mut().unwrap().remove("SB-01");
    let desks: Vec<Value> = (1..=12).map(|n| json!({ "code": n.to_string(), "name": format!("{n}号窗口") })).collect();
    groups[0]["desks"] = json!(desks);
    groups.push(other);
    let file: OfferFile = serde_json::from_value(file).unwrap();
    let import = async |act: &Publishing| booking::import(act, file).await;
    town.app.publish(&town.centre, Who::Operator, import).await.unwrap();
}

/// A browser of the hall that the director has paired: the value of its cookie.
async fn paired(town: &Town) -> String {
    let director = staff::Entity::find().filter(staff::Column::Username.eq("director"));
    let director = director.one(town.app.read()).await.unwrap().unwrap().id;
    town.act(async |act| centre::pair_screen(act, director, None).await).await
}
