//! Giving numbers, and coming with one.

use super::{code, deed, give, two_groups};
use crate::town::{Town, at, nobody, stories};
use chrono::Duration;
use futures_util::future::join_all;
use serde_json::{Value, json};
use shuitian::access::TOO_OFTEN;
use shuitian::domain::{Publishing, booking, guide, queue};
use std::collections::BTreeSet;

stories!(
    forty_numbers_at_once_are_forty_numbers,
    a_band_ends_and_never_runs_into_the_next,
    a_matter_that_went_to_another_group_is_served_where_it_was_booked,
    who_booked_comes_and_is_next_at_his_time,
    who_is_old_waits_as_if_he_had_come_earlier,
    a_number_from_afar_counts_from_when_its_holder_comes,
    a_number_is_saved_before_it_is_printed,
    the_wait_is_told_with_what_it_rests_on,
    what_gives_no_number_is_refused,
    a_day_ends_with_its_numbers,
);

async fn forty_numbers_at_once_are_forty_numbers(town: &Town) {
    let window = town.staff("window1").await;
    let given = join_all((0..40).map(|_| give(&window, json!({})))).await;
    let numbers: BTreeSet<&str> = given.iter().map(|t| t["number"].as_str().unwrap()).collect();
    let expected: Vec<String> = (1..=40).map(|n| format!("A{n:03}")).collect();
    assert_eq!(numbers.into_iter().collect::<Vec<_>>(), expected, "without a gap and without a twin");
    // The next day begins anew.
    town.move_to(at("2026-11-25", 9, 0)).await;
    assert_eq!(give(&town.staff("window1").await, json!({})).await["number"], "A001");
}

async fn a_band_ends_and_never_runs_into_the_next(town: &Town) {
    two_groups(town).await;
    let window = town.staff("window1").await;
    let of = |group: &str| json!({ "group": group });
    assert_eq!(give(&window, of("SB")).await["number"], "A500");
    assert_eq!(give(&window, json!({ "guide": "SB-01" })).await["number"], "A501");
    let before = town.rows().await;
    let full = window.post("/tickets", of("SB")).await.refused(queue::BAND_FULL);
    assert!(full["message"].as_str().unwrap().contains("社保窗口"));
    window.post("/tickets", of("SB")).await.refused(queue::BAND_FULL);
    assert_eq!(town.rows().await, before);
    assert_eq!(give(&window, of("ZH")).await["number"], "A001");
    // What could not be told apart is refused with the file that says so.
    let mut file: Value = serde_json::from_str(include_str!("../../../seed/offer.json")).unwrap();
    let mut other = file["groups"][0].clone();
    (other["code"], other["guides"], other["branch"]) = (json!("SB"), json!({}), json!("XX"));
    (other["band"]["first"], other["band"]["prefix"]) = (json!(499), json!("A"));
    file["groups"].as_array_mut().unwrap().push(other);
    let told = refused(town, &file).await;
    for word in ["没有办事点 XX", "desks 1 编号"] {
        assert!(told.contains(word), "{word}: {told}");
    }
    assert!(!told.contains("号段重叠"), "another branch has numbers of its own");
    file["groups"][1]["branch"] = json!("DT");
    assert!(refused(town, &file).await.contains("band 与窗口组 ZH 的号段重叠"));
    for band in [json!({ "prefix": "AB", "first": 1, "last": 9 }), json!({ "prefix": "B", "first": 9, "last": 1 })] {
        file["groups"][1]["band"] = band;
        assert!(refused(town, &file).await.contains("band 应为至多一个大写字母"));
    }
}

/// Why an offer is not taken.
async fn refused(town: &Town, file: &Value) -> String {
    let file = serde_json::from_value(file.clone()).unwrap();
    let import = async |act: &Publishing| booking::import(act, file).await;
    town.app.publish(&town.centre, shuitian::domain::Who::Operator, import).await.unwrap_err().to_string()
}

/// Whoever booked goes to the group that he was promised.
async fn a_matter_that_went_to_another_group_is_served_where_it_was_booked(town: &Town) {
    let person = town.resident("13800000001").await;
    let slot = town.slot("SB-01", at("2026-11-24", 10, 0)).await;
    let wish = json!({ "slot_id": slot, "guide": "SB-01", "applicant": { "name": "田小满" } });
    let booked = person.post("/bookings", wish).await.ok(201);
    two_groups(town).await;
    let path = format!("/bookings/{}/arrive", booked["id"].as_str().unwrap());
    let ticket = town.staff("window1").await.post(&path, json!({})).await.ok(200);
    assert_eq!((&ticket["group"], &ticket["number"]), (&json!("ZH"), &json!("A001")));
    town.deliver().await;
}

async fn who_booked_comes_and_is_next_at_his_time(town: &Town) {
    let (person, window) = (town.resident("13800000001").await, town.staff("window1").await);
    let slot = town.slot("SB-03", at("2026-11-24", 10, 0)).await;
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "田小满" } });
    let booked = person.post("/bookings", wish).await.ok(201);
    let path = format!("/bookings/{}/arrive", booked["id"].as_str().unwrap());
    // A quarter to ten there are walk-ins who came before and after him.
    town.move_to(at("2026-11-24", 9, 40)).await;
    let early = give(&town.staff("window1").await, json!({})).await;
    town.move_to(at("2026-11-24", 9, 45)).await;
    let person = person.again().await;
    person.post(&path, json!({})).await.refused(queue::WRONG_HALL_CODE);
    person.post(&path, json!({ "code": "000000" })).await.refused(queue::WRONG_HALL_CODE);
    town.resident("13800000002")
        .await
        .post(&path, json!({ "code": code(town) }))
        .await
        .refused(booking::UNKNOWN_BOOKING);
    let ticket = person.post(&path, json!({ "code": code(town) })).await.ok(200);
    assert_eq!((&ticket["number"], &ticket["state"]), (&json!("A002"), &json!("waiting")));
    assert_eq!(ticket["turn_at"], "2026-11-24T09:30:00+08:00", "half an hour before what he booked");
    assert_eq!(ticket["estimate"]["ahead"], 0);
    let window = window.again().await;
    let again = window.post(&path, json!({})).await.ok(200);
    assert_eq!((&again["id"], &again["number"]), (&ticket["id"], &ticket["number"]), "asked twice, it is one number");
    let called = window.post("/queue/call", json!({ "desk": "1" })).await.ok(200)["ticket"].clone();
    assert_eq!(called["number"], "A002");
    deed(&window, &called, "end").await.ok(200);
    assert_eq!(window.post("/queue/call", json!({ "desk": "1" })).await.ok(200)["ticket"]["number"], early["number"]);
    // The case is received by the same booking, once.
    let intake = json!({ "guide": "SB-03", "channel": "window", "booking_id": booked["id"],
        "applicant": { "name": "田小满", "phone": "13800000001" } });
    window.post("/cases", intake.clone()).await.ok(201);
    window.post("/cases", intake).await.refused(booking::NOT_OPEN);
    assert_eq!(person.get("/bookings").await.ok(200)["items"][0]["state"], "arrived");
    town.deliver().await;
}

async fn who_is_old_waits_as_if_he_had_come_earlier(town: &Town) {
    let window = town.staff("window1").await;
    let numbers = ["A001", "A002", "A003"];
    give(&window, json!({})).await;
    town.app.clock.advance(Duration::minutes(10));
    give(&window, json!({ "priority": "elder" })).await;
    town.app.clock.advance(Duration::minutes(40));
    let window = window.again().await;
    give(&window, json!({ "priority": "disabled" })).await;
    let listed = window.get("/tickets").await.ok(200)["items"].clone();
    let order: Vec<&str> = listed.as_array().unwrap().iter().map(|t| t["number"].as_str().unwrap()).collect();
    assert_eq!(order, [numbers[1], numbers[0], numbers[2]]);
    assert_eq!((&listed[0]["priority"], &listed[2]["priority"]), (&json!("elder"), &json!("disabled")));
}

async fn a_number_from_afar_counts_from_when_its_holder_comes(town: &Town) {
    let (person, other, window) =
        (town.resident("13800000001").await, town.resident("13800000002").await, town.staff("window1").await);
    // Nobody is old from afar.
    let remote = give(&person, json!({ "guide": "SB-03", "priority": "elder" })).await;
    assert_eq!((&remote["state"], &remote["priority"]), (&json!("remote"), &json!("none")));
    person.post("/tickets", json!({ "guide": "SB-03" })).await.refused(queue::HAS_TICKET);
    other.get(&format!("/tickets/{}", remote["id"].as_str().unwrap())).await.refused(queue::UNKNOWN_TICKET);
    let next = window.post("/queue/call", json!({ "desk": "1" })).await.ok(200);
    assert_eq!(next["ticket"], Value::Null, "who is not there is not called");
    town.move_to(at("2026-11-24", 10, 50)).await;
    let (person, other, window) = (person.again().await, other.again().await, window.again().await);
    let there = give(&window, json!({})).await;
    let path = format!("/tickets/{}/arrive", remote["id"].as_str().unwrap());
    person.post(&path, json!({ "code": "999999" })).await.refused(queue::WRONG_HALL_CODE);
    other.post(&path, json!({ "code": code(town) })).await.refused(queue::UNKNOWN_TICKET);
    let come = person.post(&path, json!({ "code": code(town) })).await.ok(200);
    assert_eq!((&come["state"], &come["number"]), (&json!("waiting"), &json!("A001")));
    let turn = come["turn_at"].as_str().unwrap();
    assert!(turn.starts_with("2026-11-24T10:20"), "half an hour of credit at most: {turn}");
    person.post(&path, json!({ "code": code(town) })).await.refused(queue::WRONG_STATE);
    let called = window.post("/queue/call", json!({ "desk": "1" })).await.ok(200);
    assert_eq!(called["ticket"]["number"], "A001");
    deed(&person, &there, "end").await.refused(shuitian::access::FORBIDDEN);
    // The hall's code is six digits: it is not for guessing.
    for _ in 0..12 {
        other.post(&path, json!({ "code": "999999" })).await;
    }
    other.post(&path, json!({ "code": "999999" })).await.refused(TOO_OFTEN);
    town.deliver().await;
}

async fn a_number_is_saved_before_it_is_printed(town: &Town) {
    let window = town.staff("window1").await;
    let ticket = give(&window, json!({})).await;
    assert_eq!(ticket["print"], "unprinted");
    let path = format!("/tickets/{}/print", ticket["id"].as_str().unwrap());
    for (printed, state) in [(false, "failed"), (true, "printed"), (true, "printed")] {
        assert_eq!(window.post(&path, json!({ "printed": printed })).await.ok(200)["print"], state);
    }
    assert_eq!(deed(&window, &ticket, "void").await.ok(200)["state"], "void");
    deed(&window, &ticket, "void").await.refused(queue::WRONG_STATE);
    assert_eq!(give(&window, json!({})).await["number"], "A002", "a number is given once");
}

async fn the_wait_is_told_with_what_it_rests_on(town: &Town) {
    let window = town.staff("window1").await;
    let mut last = Value::Null;
    for _ in 0..7 {
        last = give(&window, json!({})).await;
    }
    // Nobody was served yet: a slot is made for six people in half an hour at two desks.
    let wait = |t: &Value| {
        let e = &t["estimate"];
        (e["ahead"].as_u64().unwrap(), e["minutes"].as_u64().unwrap(), e["basis"].as_str().unwrap().to_owned())
    };
    assert_eq!(wait(&last), (6, 60, "plan".to_owned()));
    for _ in 0..5 {
        let called = super::next(&window, "1").await;
        town.app.clock.advance(Duration::minutes(2));
        deed(&window, &called, "end").await.ok(200);
    }
    let path = format!("/tickets/{}", last["id"].as_str().unwrap());
    let window = window.again().await;
    let seen = window.get(&path).await.ok(200);
    assert_eq!(wait(&seen), (1, 2, "today".to_owned()));
    assert_eq!(
        (&seen["estimate"]["each"], &seen["estimate"]["served"], &seen["estimate"]["desks"]),
        (&json!(2), &json!(5), &json!(1))
    );
    // Tomorrow it rests on the week.
    town.move_to(at("2026-11-25", 9, 0)).await;
    let window = town.staff("window1").await;
    give(&window, json!({})).await;
    assert_eq!(wait(&give(&window, json!({})).await), (1, 2, "week".to_owned()));
}

async fn what_gives_no_number_is_refused(town: &Town) {
    let window = town.staff("window1").await;
    assert_eq!(window.post("/tickets", json!({ "group": "XX" })).await.refused(queue::UNKNOWN_GROUP)["field"], "group");
    window.post("/tickets", json!({ "guide": "XX-99" })).await.refused(guide::UNKNOWN_GUIDE);
    two_groups(town).await;
    window.post("/tickets", json!({})).await.refused(queue::UNKNOWN_GROUP);
    for (day, hour) in [("2026-11-24", 17), ("2026-11-28", 9)] {
        town.move_to(at(day, hour, 0)).await;
        let window = town.staff("window1").await;
        window.post("/tickets", json!({ "group": "ZH" })).await.refused(queue::HALL_CLOSED);
    }
    let nowhere = format!("/tickets/{}", nobody());
    town.resident("13800000002").await.get(&nowhere).await.refused(queue::UNKNOWN_TICKET);
    assert_eq!(town.rows().await["ticket"], 0);
}

async fn a_day_ends_with_its_numbers(town: &Town) {
    let window = town.staff("window1").await;
    let (first, second) = (give(&window, json!({})).await, give(&window, json!({})).await);
    super::next(&window, "1").await;
    // A number of yesterday is nobody's today, and a desk that was left open is free.
    town.app.clock.set(at("2026-11-25", 9, 0));
    let window = town.staff("window1").await;
    deed(&window, &first, "end").await.refused(queue::UNKNOWN_TICKET);
    give(&window, json!({})).await;
    assert_eq!(super::next(&window, "1").await["number"], "A001");
    town.tick().await;
    for old in [first, second] {
        let path = format!("/tickets/{}", old["id"].as_str().unwrap());
        assert_eq!(window.get(&path).await.ok(200)["state"], "lapsed");
    }
}
