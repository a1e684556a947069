//! Moving a booking to another time.

use super::{book, new_rules, remaining};
use crate::person::{Answer, Person};
use crate::town::{Town, at, stories};
use entity::booking::slot;
use futures_util::future::{join, join_all};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};
use shuitian::domain::booking;

stories!(
    a_place_is_held_until_the_new_one_is_sure,
    what_cannot_be_moved_is_refused_and_stays,
    two_who_want_each_others_time_never_wait_for_ever,
    moved_and_given_up_at_once_is_counted_once,
    a_calendar_follows_by_the_same_uid_and_a_higher_sequence,
    a_booking_moved_to_another_month_counts_there,
);

async fn reschedule(person: &Person<'_>, id: &str, slot: &str) -> Answer {
    person.post(&format!("/bookings/{id}/reschedule"), json!({ "slot_id": slot })).await
}

/// A place given back is there at once.
fn at_once(rules: &mut Value) {
    rules["cool_down_minutes"] = json!(0);
}

fn id(booked: &Value) -> String {
    booked["id"].as_str().unwrap().to_owned()
}

/// Every slot counts the bookings that reach into it.
async fn all_is_counted(town: &Town) {
    let booked = entity::booking::Entity::find().all(town.app.read()).await.unwrap();
    let open: Vec<_> = booked.iter().filter(|b| b.state == entity::booking::BookingState::Booked).collect();
    for slot in slot::Entity::find().all(town.app.read()).await.unwrap() {
        let reach = open.iter().filter(|b| b.starts_at < slot.ends_at && slot.starts_at < b.ends_at).count();
        assert_eq!(slot.taken, i32::try_from(reach).unwrap(), "{}", slot.starts_at.local());
        assert_eq!(slot.taken_online, slot.taken);
    }
}

async fn a_place_is_held_until_the_new_one_is_sure(town: &Town) {
    new_rules(town, at_once).await;
    let person = town.resident("13800000001").await;
    let (old, new) =
        (town.slot("SB-03", at("2026-11-26", 9, 0)).await, town.slot("SB-03", at("2026-11-27", 9, 0)).await);
    let booked = book(&person, &old, "田小满").await.ok(201);
    for n in 0..4 {
        book(&town.resident(&format!("1380000001{n}")).await, &new, "别人").await.ok(201);
    }
    reschedule(&person, &id(&booked), &new).await.refused(booking::SLOT_FULL);
    assert_eq!(person.get("/bookings").await.ok(200)["items"][0]["starts_at"], booked["starts_at"]);
    assert_eq!(remaining(town, &old).await, 3);
    let other = town.slot("SB-03", at("2026-11-27", 9, 30)).await;
    let moved = reschedule(&person, &id(&booked), &other).await.ok(200);
    assert_eq!((&moved["id"], &moved["number"]), (&booked["id"], &booked["number"]), "the same booking");
    assert_eq!(moved["starts_at"], "2026-11-27T09:30:00+08:00");
    assert_eq!((remaining(town, &old).await, remaining(town, &other).await), (4, 3));
    all_is_counted(town).await;
    let said = town.texts("13800000001").await;
    assert!(said.last().unwrap().contains("已改约到11月27日 09:30"), "{said:?}");
    // The reminder is for the new time alone.
    town.move_to(at("2026-11-26", 16, 0)).await;
    let reminders: Vec<String> = town.texts("13800000001").await.into_iter().filter(|t| t.contains("提醒")).collect();
    assert!(reminders.len() == 1 && reminders[0].contains("11月27日 09:30"), "{reminders:?}");
}

async fn what_cannot_be_moved_is_refused_and_stays(town: &Town) {
    new_rules(town, at_once).await;
    let (person, other) = (town.resident("13800000001").await, town.resident("13800000002").await);
    let (old, new) =
        (town.slot("SB-03", at("2026-11-24", 10, 0)).await, town.slot("SB-03", at("2026-11-25", 9, 0)).await);
    let booked = book(&person, &old, "田小满").await.ok(201);
    reschedule(&other, &id(&booked), &new).await.refused(booking::UNKNOWN_BOOKING);
    reschedule(&person, &id(&booked), &old).await.refused(booking::ALREADY_BOOKED);
    let nowhere = crate::town::nobody().to_string();
    assert_eq!(reschedule(&person, &id(&booked), &nowhere).await.refused(booking::UNKNOWN_SLOT)["field"], "slot_id");
    // The same person twice in one slot is not had by moving either.
    let twin = book(&person, &new, "田小满").await.ok(201);
    reschedule(&person, &id(&booked), &new).await.refused(booking::ALREADY_BOOKED);
    person.post(&format!("/bookings/{}/cancel", id(&twin)), json!({})).await.ok(200);
    reschedule(&person, &id(&twin), &old).await.refused(booking::NOT_OPEN);
    town.move_to(at("2026-11-24", 10, 0)).await;
    reschedule(&person.again().await, &id(&booked), &new).await.refused(booking::TOO_LATE);
    all_is_counted(town).await;
    town.deliver().await;
}

async fn two_who_want_each_others_time_never_wait_for_ever(town: &Town) {
    new_rules(town, at_once).await;
    let (nine, half) =
        (town.slot("SB-03", at("2026-11-25", 9, 0)).await, town.slot("SB-03", at("2026-11-25", 9, 30)).await);
    let (one, two) = (town.resident("13800000001").await, town.resident("13800000002").await);
    let (first, second) = (book(&one, &nine, "田小满").await.ok(201), book(&two, &half, "谢大爷").await.ok(201));
    let (mut mine, mut theirs) = (half.clone(), nine.clone());
    for _ in 0..6 {
        let (a, b) = join(reschedule(&one, &id(&first), &mine), reschedule(&two, &id(&second), &theirs)).await;
        a.ok(200);
        b.ok(200);
        std::mem::swap(&mut mine, &mut theirs);
    }
    all_is_counted(town).await;
    town.deliver().await;
}

async fn moved_and_given_up_at_once_is_counted_once(town: &Town) {
    new_rules(town, at_once).await;
    let person = town.resident("13800000001").await;
    let mut times = Vec::new();
    for n in 0..6 {
        times.push(town.slot("SB-03", at("2026-11-25", 9, 30 * n)).await);
    }
    for _ in 0..3 {
        let mine = id(&book(&person, &times[0], "田小满").await.ok(201));
        // It is moved to three times and given up, all in the same moment.
        let moves = join_all(times[1..4].iter().map(|slot| reschedule(&person, &mine, slot)));
        let cancel = format!("/bookings/{mine}/cancel");
        let (moved, given_up) = join(moves, person.post(&cancel, json!({}))).await;
        for answer in moved.iter().chain([&given_up]) {
            let code = answer.body["code"].as_str().unwrap_or("done");
            assert!(["done", "booking_changed", "booking_not_open"].contains(&code), "{}", answer.text);
        }
        all_is_counted(town).await;
        if given_up.status != 200 {
            person.post(&cancel, json!({})).await.ok(200);
        }
        all_is_counted(town).await;
    }
    town.deliver().await;
}

async fn a_calendar_follows_by_the_same_uid_and_a_higher_sequence(town: &Town) {
    let person = town.resident("13800000001").await;
    let (old, new) =
        (town.slot("SB-03", at("2026-11-25", 9, 0)).await, town.slot("SB-03", at("2026-11-25", 10, 0)).await);
    let booked = book(&person, &old, "田小满").await.ok(201);
    let path = format!("/bookings/{}/calendar.ics", id(&booked));
    let entry = async || {
        let answer = person.get(&path).await;
        assert_eq!(answer.headers["content-type"], "text/calendar; charset=utf-8");
        assert!(answer.status == 200 && !answer.text.contains("田小满") && !answer.text.contains("13800000001"));
        // Long lines are folded.
        answer.text.replace("\r\n ", "")
    };
    let has = |text: &str, lines: &[&str]| {
        for line in lines {
            assert!(text.contains(line), "{line}: {text}");
        }
    };
    let uid = format!("UID:{}@st.shuitian\r\n", id(&booked));
    has(
        &entry().await,
        &[&uid, "SEQUENCE:0", "DTSTART:20261125T010000Z", "DTEND:20261125T013000Z", "STATUS:CONFIRMED"],
    );
    reschedule(&person, &id(&booked), &new).await.ok(200);
    has(&entry().await, &[&uid, "SEQUENCE:1", "DTSTART:20261125T020000Z", "失业登记"]);
    person.post(&format!("/bookings/{}/cancel", id(&booked)), json!({})).await.ok(200);
    let gone = entry().await;
    has(&gone, &[&uid, "SEQUENCE:2", "STATUS:CANCELLED"]);
    assert!(!gone.contains("VALARM"), "nobody is woken for what was given up");
    town.resident("13800000002").await.get(&path).await.refused(booking::UNKNOWN_BOOKING);
    town.deliver().await;
}

async fn a_booking_moved_to_another_month_counts_there(town: &Town) {
    let person = town.resident("13800000001").await;
    let (old, new) =
        (town.slot("SB-03", at("2026-11-27", 9, 0)).await, town.slot("SB-03", at("2026-12-01", 9, 0)).await);
    let booked = book(&person, &old, "田小满").await.ok(201);
    reschedule(&person, &id(&booked), &new).await.ok(200);
    town.move_to(at("2026-12-01", 17, 0)).await;
    let director = town.staff("director").await;
    for (month, booked) in [("2026-11", 0), ("2026-12", 1)] {
        let draft = director.post(&format!("/bulletins/{month}/draft"), json!({})).await.ok(200);
        let of = |key: &str| {
            let figure = draft["figures"].as_array().unwrap().iter().find(|f| f["key"] == key).unwrap().clone();
            (figure["numerator"].clone(), figure["denominator"].clone())
        };
        assert_eq!(of("booked").0, booked, "{month}");
        assert_eq!(of("no_show"), (json!(booked), json!(booked)), "{month}");
    }
    town.deliver().await;
}
