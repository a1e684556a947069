//! Crowds: many who press at once.

use super::book;
use crate::person::Person;
use crate::town::{Town, at, stories};
use entity::booking::slot;
use futures_util::stream::{self, StreamExt as _};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::json;
use shuitian::domain::Who;
use shuitian::domain::booking;

stories!(of_a_thousand_who_want_ten_places_ten_get_one);

/// People who came by WeChat, each from an address of his own.
async fn people(town: &Town, count: usize) -> Vec<Person<'_>> {
    let sign_in = async |n: usize| {
        // The stand-in answers this machine alone, which has many addresses.
        let person = town.stranger().from(&format!("127.1.{}.{}", n >> 8, n & 255));
        let answer = person.post("/auth/wechat", json!({ "code": format!("crowd-{n}") })).await.ok(200);
        person.with(&answer)
    };
    stream::iter(0..count).map(sign_in).buffered(16).collect().await
}

async fn of_a_thousand_who_want_ten_places_ten_get_one(town: &Town) {
    let mut offer: serde_json::Value = serde_json::from_str(include_str!("../../../seed/offer.json")).unwrap();
    let mut wide = offer[0]["templates"][0].clone();
    (wide["from"], wide["capacity"]) = (json!("2026-11-25"), json!(12));
    offer[0]["templates"].as_array_mut().unwrap().push(wide);
    let files = serde_json::from_value(offer).unwrap();
    town.app.write(&town.centre, Who::Operator, async |act| booking::import(act, files).await).await.unwrap();
    let people = people(town, 1000).await;
    let slot = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    let keyed: Vec<Person<'_>> = people.iter().map(|p| p.once("key-of-the-crowd")).collect();
    let take = |person| book(person, &slot, "田小满");
    let answers: Vec<_> = stream::iter(&keyed).map(take).buffered(1000).collect().await;
    let taken: Vec<usize> = (0..1000).filter(|n| answers[*n].status == 201).collect();
    assert_eq!(taken.len(), 10);
    // Whoever did not hear his answer asks again, and is given the same, though all is taken.
    for n in &taken {
        assert_eq!(book(&keyed[*n], &slot, "田小满").await.ok(201), answers[*n].body);
    }
    for other in answers.into_iter().filter(|a| a.status != 201) {
        other.refused(booking::SLOT_FULL);
    }
    let kept = slot::Entity::find().filter(slot::Column::Id.eq(slot.parse::<entity::Id>().unwrap()));
    assert_eq!(kept.one(town.app.read()).await.unwrap().unwrap().taken, 10);
    town.deliver().await;
}
