//! Whoever wants no more reminders.

use crate::town::{Town, at, stories};
use serde_json::json;

stories!(a_stop_word_is_asked_back_and_facts_still_come, reminders_come_again_when_asked_for);

const PHONE: &str = "13800000001";

async fn outcome(town: &Town, text: &str) -> String {
    town.text_from(PHONE, text).await.ok(200)["outcome"].as_str().unwrap().to_owned()
}

/// A booking, told of by two reminders.
async fn book(town: &Town, day: &str) {
    let person = town.resident(PHONE).await;
    let slot = town.slot("SB-03", at(day, 11, 0)).await;
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "田小满" } });
    person.post("/bookings", wish).await.ok(201);
    town.deliver().await;
}

async fn a_stop_word_is_asked_back_and_facts_still_come(town: &Town) {
    assert_eq!(outcome(town, "TD").await, "stop_asked");
    assert_eq!(outcome(town, "退订").await, "stop_asked");
    let asked = town.texts(PHONE).await;
    assert_eq!(asked.len(), 1, "asked back once a day");
    assert!(asked[0].contains("请回复“退订确认”"));
    assert_eq!(town.rows().await["phone_stop"], 0, "nothing is stopped by one word");
    for _ in 0..2 {
        assert_eq!(outcome(town, "退订确认").await, "stopped");
    }
    assert_eq!(town.rows().await["phone_stop"], 1);
    town.deliver().await;
    book(town, "2026-11-26").await;
    town.move_to(at("2026-11-26", 11, 0)).await;
    let texts = town.texts(PHONE).await;
    assert!(texts.iter().any(|t| t.contains("已约11月26日")), "{texts:?}");
    assert!(!texts.iter().any(|t| t.contains("提醒：")), "{texts:?}");
    // New index keys know the phone still.
    let done = shuitian::domain::reseal::all(&town.app.database, &town.app.vault).await.unwrap();
    assert!(done.contains(&("phone_stop", 1)), "{done:?}");
}

async fn reminders_come_again_when_asked_for(town: &Town) {
    outcome(town, "退订确认").await;
    assert_eq!(outcome(town, "恢复提醒").await, "resumed");
    assert_eq!(town.rows().await["phone_stop"], 0);
    book(town, "2026-11-26").await;
    town.move_to(at("2026-11-25", 16, 0)).await;
    assert!(town.texts(PHONE).await.iter().any(|t| t.contains("提醒：")));
    town.move_to(at("2026-11-26", 11, 0)).await;
    town.deliver().await;
    // What says more than a stop word is read as before.
    assert_eq!(outcome(town, "怎么退订").await, "kept");
    assert_eq!(town.rows().await["uplink"], 3);
}
