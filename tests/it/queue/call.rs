//! Calling: one ticket, one desk.

use super::{deed, give, next, two_groups};
use crate::town::{Town, nobody, stories};
use chrono::Duration;
use entity::queue::{TicketEventKind, event};
use futures_util::future::join_all;
use sea_orm::{EntityTrait as _, QueryOrder as _};
use serde_json::{Value, json};
use shuitian::domain::{booking, queue};
use std::collections::BTreeSet;

stories!(
    ten_desks_press_at_once_and_each_calls_another,
    ten_press_at_one_desk_and_one_is_called,
    called_three_times_and_passed_over,
    parked_in_ones_turn_and_handed_on,
    a_desk_calls_its_own_group_only,
    every_deed_is_written_down,
);

async fn ten_desks_press_at_once_and_each_calls_another(town: &Town) {
    two_groups(town).await;
    let window = town.staff("window1").await;
    for _ in 0..8 {
        give(&window, json!({ "group": "ZH" })).await;
    }
    let desks: Vec<String> = (1..=10).map(|n| n.to_string()).collect();
    let called = join_all(desks.iter().map(|desk| next(&window, desk))).await;
    let numbers: Vec<&str> = called.iter().filter_map(|t| t["number"].as_str()).collect();
    let each: BTreeSet<&str> = numbers.iter().copied().collect();
    assert_eq!((numbers.len(), each.len()), (8, 8), "eight are called once, and two desks hear that nobody waits");
    assert!(called.iter().filter(|t| t.is_null()).count() == 2);
}

async fn ten_press_at_one_desk_and_one_is_called(town: &Town) {
    let window = town.staff("window1").await;
    for _ in 0..5 {
        give(&window, json!({})).await;
    }
    let pressed = join_all((0..10).map(|_| window.post("/queue/call", json!({ "desk": "1" })))).await;
    let (called, busy): (Vec<_>, Vec<_>) = pressed.into_iter().partition(|a| a.status == 200);
    assert_eq!((called.len(), called[0].body["ticket"]["number"].clone()), (1, json!("A001")));
    for answer in busy {
        assert!(answer.refused(queue::DESK_BUSY)["message"].as_str().unwrap().contains("A001"));
    }
    // Ended by ten at once, it is ended once, and the next is called once.
    let ended = join_all((0..10).map(|_| deed(&window, &called[0].body["ticket"], "end"))).await;
    assert_eq!(ended.iter().filter(|a| a.status == 200).count(), 1);
    // With a key, a second press is the first one.
    let keyed = window.once("one-press-0001");
    let (first, second) = (next(&keyed, "1").await, next(&keyed, "1").await);
    assert_eq!((&first["number"], &first), (&json!("A002"), &second));
}

async fn called_three_times_and_passed_over(town: &Town) {
    let window = town.staff("window1").await;
    give(&window, json!({})).await;
    give(&window, json!({})).await;
    let called = next(&window, "1").await;
    for calls in 2..=3 {
        town.app.clock.advance(Duration::minutes(1));
        assert_eq!(deed(&window, &called, "recall").await.ok(200)["calls"], calls);
    }
    deed(&window, &called, "recall").await.refused(queue::CALLED_ENOUGH);
    assert_eq!(deed(&window, &called, "skip").await.ok(200)["state"], "missed");
    let told = deed(&window, &called, "end").await.refused(queue::WRONG_STATE);
    assert!(told["message"].as_str().unwrap().contains("过号"));
    // He turns up, and waits as if he came now: behind whoever came before.
    let back = deed(&window, &called, "resume").await.ok(200);
    assert_eq!((&back["state"], &back["estimate"]["ahead"]), (&json!("waiting"), &json!(1)));
    assert_eq!(next(&window, "1").await["number"], "A002");
}

async fn parked_in_ones_turn_and_handed_on(town: &Town) {
    two_groups(town).await;
    let window = town.staff("window1").await;
    let zh = json!({ "group": "ZH" });
    let (first, second) = (give(&window, zh.clone()).await, give(&window, zh).await);
    next(&window, "1").await;
    deed(&window, &first, "park").await.ok(200);
    assert_eq!(next(&window, "1").await["number"], second["number"]);
    // Back with his form he is the next, at whichever desk is free.
    deed(&window, &first, "resume").await.ok(200);
    assert_eq!(next(&window, "2").await["number"], first["number"]);
    // Another group serves him on, with his number and his turn.
    give(&window, json!({ "group": "SB" })).await;
    let path = format!("/tickets/{}/transfer", first["id"].as_str().unwrap());
    window.post(&path, json!({ "group": "XX" })).await.refused(queue::UNKNOWN_GROUP);
    window.post(&path, json!({ "group": "ZH" })).await.refused(queue::UNKNOWN_GROUP);
    let moved = window.post(&path, json!({ "group": "SB" })).await.ok(200);
    assert_eq!((&moved["state"], &moved["group_name"]), (&json!("waiting"), &json!("社保窗口")));
    assert_eq!(next(&window, "B1").await["number"], first["number"], "he came before whoever waits there");
}

async fn a_desk_calls_its_own_group_only(town: &Town) {
    two_groups(town).await;
    let window = town.staff("window1").await;
    let ticket = give(&window, json!({ "group": "ZH" })).await;
    assert_eq!(next(&window, "B1").await, Value::Null);
    let path = format!("/tickets/{}/call", ticket["id"].as_str().unwrap());
    window.post(&path, json!({ "desk": "B1" })).await.refused(queue::OTHER_GROUP);
    assert_eq!(window.post(&path, json!({ "desk": "99" })).await.refused(booking::UNKNOWN_DESK)["field"], "desk");
    window.post("/queue/call", json!({ "desk": "99" })).await.refused(booking::UNKNOWN_DESK);
    let nowhere = format!("/tickets/{}/call", nobody());
    window.post(&nowhere, json!({ "desk": "1" })).await.refused(queue::UNKNOWN_TICKET);
    assert_eq!(window.post(&path, json!({ "desk": "7" })).await.ok(200)["desk"], "7号窗口");
    window.post(&path, json!({ "desk": "8" })).await.refused(queue::WRONG_STATE);
    let busy = window.post("/queue/call", json!({ "desk": "7" })).await.refused(queue::DESK_BUSY);
    assert!(busy["message"].as_str().unwrap().contains(ticket["number"].as_str().unwrap()));
}

async fn every_deed_is_written_down(town: &Town) {
    use TicketEventKind::{Called, Issued, Missed, Parked, Recalled, Resumed, Served};
    let window = town.staff("window1").await;
    let ticket = give(&window, json!({})).await;
    next(&window, "1").await;
    for what in ["recall", "park", "resume"] {
        town.app.clock.advance(Duration::seconds(1));
        deed(&window, &ticket, what).await.ok(200);
    }
    next(&window, "2").await;
    deed(&window, &ticket, "skip").await.ok(200);
    town.app.clock.advance(Duration::seconds(1));
    window.post(&format!("/tickets/{}/call", ticket["id"].as_str().unwrap()), json!({ "desk": "1" })).await.ok(200);
    deed(&window, &ticket, "end").await.ok(200);
    let told = event::Entity::find().order_by_asc(event::Column::Id).all(town.app.read()).await.unwrap();
    let mut told: Vec<TicketEventKind> = told.iter().map(|e| e.kind).collect();
    told.sort_unstable();
    let mut expected = vec![Issued, Called, Recalled, Parked, Resumed, Called, Missed, Called, Served];
    expected.sort_unstable();
    assert_eq!(told, expected);
}
