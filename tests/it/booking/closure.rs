//! Closing a day, some hours, a branch or a desk.

use super::{book, remaining};
use crate::person::{Answer, Person};
use crate::town::{Town, at, audit_of, nobody, stories};
use chrono::Duration;
use entity::booking::{BookingState, slot};
use futures_util::future::{join, join_all};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use shuitian::access::FORBIDDEN;
use shuitian::domain::booking;

stories!(
    a_day_is_closed_and_each_is_moved_and_told,
    a_look_beforehand_says_the_same_and_changes_nothing,
    who_cannot_be_moved_is_cancelled_and_told,
    hours_are_closed_and_the_rest_of_the_day_is_not,
    of_a_closed_desk_those_who_booked_last_are_moved,
    a_saturday_makes_up_for_it,
    a_kept_place_and_a_long_matter_go_too,
    a_kept_place_alone_is_let_go_of,
    who_uses_a_kept_place_up_meanwhile_is_not_left_behind,
    what_is_closed_afterwards_blames_nobody,
    a_closure_taken_back_offers_its_hours_again,
    who_books_while_it_is_closed_is_not_left_behind,
    what_cannot_be_closed_is_refused_by_field,
);

async fn close(town: &Town, with: Value) -> Answer {
    let mut body = json!({ "date": "2026-11-25", "reason": "停电检修", "then": "move" });
    body.as_object_mut().unwrap().extend(with.as_object().unwrap().clone());
    town.staff("director").await.post("/calendar/closures", body).await
}

async fn starts(person: &Person<'_>) -> Vec<(String, String)> {
    let list = person.get("/bookings").await.ok(200)["items"].clone();
    let of = |b: &Value| (b["starts_at"].as_str().unwrap()[5..16].to_owned(), b["state"].as_str().unwrap().to_owned());
    list.as_array().unwrap().iter().map(of).collect()
}

fn one(start: &str, state: &str) -> Vec<(String, String)> {
    vec![(start.to_owned(), state.to_owned())]
}

/// Every slot counts the bookings that reach into it, and none is at a time that offers nothing.
async fn all_is_counted(town: &Town) {
    let open = entity::booking::Entity::find().filter(entity::booking::Column::State.eq(BookingState::Booked));
    let open = open.all(town.app.read()).await.unwrap();
    for slot in slot::Entity::find().all(town.app.read()).await.unwrap() {
        let reach = open.iter().filter(|b| b.starts_at < slot.ends_at && slot.starts_at < b.ends_at).count();
        assert_eq!(slot.taken, i32::try_from(reach).unwrap(), "{}", slot.starts_at.local());
        assert!(slot.taken_online <= slot.taken && slot.taken <= slot.bookable);
    }
}

async fn a_day_is_closed_and_each_is_moved_and_told(town: &Town) {
    let nine = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    // The next day's first half hour has one place left, for whoever booked first.
    let next = town.slot("SB-03", at("2026-11-26", 9, 0)).await;
    for n in 0..3 {
        book(&town.resident(&format!("1380000001{n}")).await, &next, "别人").await.ok(201);
    }
    let (first, second, window) =
        (town.resident("13800000001").await, town.resident("13800000002").await, town.staff("window1").await);
    book(&window, &next, "吴大爷").await.ok(201);
    book(&first, &nine, "田小满").await.ok(201);
    town.app.clock.advance(Duration::seconds(1));
    book(&second, &nine, "谢大爷").await.ok(201);
    let landline =
        json!({ "slot_id": nine, "guide": "SB-03", "applicant": { "name": "向大娘", "phone": "023-79123456" } });
    window.post("/bookings", landline).await.ok(201);
    town.deliver().await;
    let closed = close(town, json!({})).await.ok(201);
    let touched = closed["touched"].as_array().unwrap();
    assert_eq!(touched.iter().map(|t| t["texted"].as_bool().unwrap()).collect::<Vec<_>>(), [true, true, false]);
    assert_eq!(touched[0]["was"], "2026-11-25T09:00:00+08:00");
    assert_eq!(
        (&touched[0]["booking"]["applicant"]["name"], &touched[0]["booking"]["applicant"]["phone"]),
        (&json!("田**"), &json!("138****0001"))
    );
    assert_eq!(starts(&first).await, one("11-26T09:00", "booked"));
    assert_eq!(starts(&second).await, one("11-26T09:30", "booked"));
    let told = town.texts("13800000001").await.pop().unwrap();
    assert!(told.contains("停电检修，您11月25日 09:00的预约") && told.contains("改到11月26日 09:00"), "{told}");
    assert_eq!(
        town.stranger().get("/slots?guide=SB-03&from=2026-11-25&to=2026-11-25").await.ok(200)["items"],
        json!([])
    );
    book(&first, &nine, "田小满").await.refused(booking::OUTSIDE_HOURS);
    all_is_counted(town).await;
    // Published without names; the windows see whom to ring up.
    let list = town.stranger().get("/calendar/closures").await.ok(200)["items"].clone();
    assert_eq!(
        (&list[0]["what"], &list[0]["hours"], &list[0]["reason"]),
        (&json!("全部窗口"), &json!("全天"), &json!("停电检修"))
    );
    let path = format!("/calendar/closures/{}", closed["id"].as_str().unwrap());
    let touched = window.get(&path).await.ok(200)["items"].clone();
    assert_eq!(touched.as_array().unwrap().iter().filter(|t| t["texted"] == json!(false)).count(), 1);
    first.get(&path).await.refused(FORBIDDEN);
    assert_eq!(audit_of(town, "closure.made").await.len(), 1);
    // The reminder is for the new time alone.
    town.move_to(at("2026-11-25", 16, 0)).await;
    let texts = town.texts("13800000001").await;
    let reminders: Vec<&String> = texts.iter().filter(|t| t.contains("提醒")).collect();
    assert!(reminders.len() == 1 && reminders[0].contains("11月26日 09:00"), "{reminders:?}");
}

async fn a_look_beforehand_says_the_same_and_changes_nothing(town: &Town) {
    let person = town.resident("13800000001").await;
    book(&person, &town.slot("SB-03", at("2026-11-25", 9, 0)).await, "田小满").await.ok(201);
    town.deliver().await;
    let before = town.rows().await;
    let seen = close(town, json!({ "dry_run": true })).await.ok(201);
    let mut after = town.rows().await;
    after.insert("session".to_owned(), before["session"]);
    after.insert("audit".to_owned(), before["audit"]);
    assert_eq!((after, &seen["id"]), (before, &Value::Null));
    assert_eq!(starts(&person).await, one("11-25T09:00", "booked"));
    let done = close(town, json!({})).await.ok(201);
    assert_eq!(done["touched"], seen["touched"]);
    town.deliver().await;
}

async fn who_cannot_be_moved_is_cancelled_and_told(town: &Town) {
    let (asked, full) = (town.resident("13800000001").await, town.resident("13800000002").await);
    book(&asked, &town.slot("SB-03", at("2026-11-25", 9, 0)).await, "田小满").await.ok(201);
    close(town, json!({ "then": "cancel" })).await.ok(201);
    assert_eq!(starts(&asked).await, one("11-25T09:00", "cancelled"));
    let told = town.texts("13800000001").await.pop().unwrap();
    assert!(told.contains("停电检修") && told.contains("已取消，请另约时间"), "{told}");
    // On the last day of the horizon there is no later one.
    book(&full, &town.slot("SB-03", at("2026-12-08", 16, 0)).await, "谢大爷").await.ok(201);
    let closed = close(town, json!({ "date": "2026-12-08" })).await.ok(201);
    assert_eq!(closed["touched"][0]["booking"]["state"], "cancelled");
    assert_eq!(starts(&full).await, one("12-08T16:00", "cancelled"));
    assert!(town.texts("13800000002").await.pop().unwrap().contains("已取消，请另约时间"));
    all_is_counted(town).await;
}

async fn hours_are_closed_and_the_rest_of_the_day_is_not(town: &Town) {
    let (early, late) = (town.resident("13800000001").await, town.resident("13800000002").await);
    book(&early, &town.slot("SB-03", at("2026-11-25", 9, 30)).await, "田小满").await.ok(201);
    book(&late, &town.slot("SB-03", at("2026-11-25", 10, 0)).await, "谢大爷").await.ok(201);
    let closed = close(town, json!({ "branch": "DT", "from": "08:00", "to": "09:45" })).await.ok(201);
    assert_eq!(closed["touched"].as_array().unwrap().len(), 1);
    assert_eq!(starts(&early).await, one("11-25T10:00", "booked"));
    assert_eq!(starts(&late).await, one("11-25T10:00", "booked"));
    let list = town.stranger().get("/slots?guide=SB-03&from=2026-11-25&to=2026-11-25").await.ok(200);
    assert_eq!(list["items"][0]["starts_at"], "2026-11-25T10:00:00+08:00");
    let list = town.stranger().get("/calendar/closures").await.ok(200);
    assert_eq!((&list["items"][0]["what"], &list["items"][0]["hours"]), (&json!("中心大厅"), &json!("08:00—09:45")));
    all_is_counted(town).await;
    town.deliver().await;
}

async fn of_a_closed_desk_those_who_booked_last_are_moved(town: &Town) {
    let nine = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    let mut people = Vec::new();
    for n in 0..4 {
        let person = town.resident(&format!("1380000000{n}")).await;
        book(&person, &nine, "田小满").await.ok(201);
        town.app.clock.advance(Duration::seconds(1));
        people.push(person);
    }
    // Two desks serve six, one of whom comes without booking: one desk serves three, and two can be booked.
    let closed = close(town, json!({ "desk": "2", "from": "09:00", "to": "10:00" })).await.ok(201);
    assert_eq!(closed["touched"].as_array().unwrap().len(), 2);
    for (n, start) in ["11-25T09:00", "11-25T09:00", "11-25T09:30", "11-25T09:30"].iter().enumerate() {
        assert_eq!(starts(&people[n]).await, one(start, "booked"), "{n}");
    }
    let half = town.slot("SB-03", at("2026-11-25", 9, 30)).await;
    book(&town.resident("13800000009").await, &half, "别人").await.refused(booking::SLOT_FULL);
    let list = town.stranger().get("/calendar/closures").await.ok(200);
    assert_eq!(list["items"][0]["what"], "2号窗口");
    all_is_counted(town).await;
    town.deliver().await;
}

async fn a_saturday_makes_up_for_it(town: &Town) {
    let person = town.resident("13800000001").await;
    book(&person, &town.slot("SB-03", at("2026-11-27", 16, 30)).await, "田小满").await.ok(201);
    let saturday = json!([{ "date": "2026-11-28", "from": "09:00", "to": "11:00", "places": 2 }]);
    close(town, json!({ "date": "2026-11-27", "make_up": saturday })).await.ok(201);
    assert_eq!(starts(&person).await, one("11-28T09:00", "booked"));
    let list = town.stranger().get("/slots?guide=SB-03&from=2026-11-28&to=2026-11-28").await.ok(200);
    let left: Vec<i64> = list["items"].as_array().unwrap().iter().map(|s| s["remaining"].as_i64().unwrap()).collect();
    assert_eq!(left, [1, 2, 2, 2]);
    // On a day that is worked, they are places on top.
    let more = json!([{ "date": "2026-12-01", "from": "09:00", "to": "10:00", "places": 3 }]);
    close(town, json!({ "date": "2026-11-30", "make_up": more })).await.ok(201);
    let at_nine = town.slot("SB-03", at("2026-12-01", 9, 0)).await;
    assert_eq!(remaining(town, &at_nine).await, 7);
    // Whoever does not come on such a day is a no-show like any other: the hall was open.
    town.move_to(at("2026-11-29", 9, 0)).await;
    assert_eq!(starts(&person.again().await).await, one("11-28T09:00", "no_show"));
    all_is_counted_after(town).await;
    town.deliver().await;
}

/// The same for days ahead: what was not kept stays counted in its slot.
async fn all_is_counted_after(town: &Town) {
    let now = town.app.clock.now();
    let open = entity::booking::Entity::find().filter(entity::booking::Column::State.eq(BookingState::Booked));
    let open = open.all(town.app.read()).await.unwrap();
    for slot in slot::Entity::find().filter(slot::Column::StartsAt.gt(now)).all(town.app.read()).await.unwrap() {
        assert_eq!(usize::try_from(slot.taken).unwrap(), open.iter().filter(|b| b.slot_id == slot.id).count());
    }
}

async fn a_kept_place_and_a_long_matter_go_too(town: &Town) {
    let (keeper, long) = (town.resident("13800000001").await, town.resident("13800000002").await);
    let slot = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    let hold = keeper.post("/holds", json!({ "slot_id": slot, "guide": "SB-03" })).await.ok(201)["id"].clone();
    let start = town.slot("MZ-01", at("2026-11-25", 11, 0)).await;
    let wish = json!({ "slot_id": start, "guide": "MZ-01", "applicant": { "name": "谢大爷" } });
    long.post("/bookings", wish).await.ok(201);
    close(town, json!({})).await.ok(201);
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "田小满" }, "hold_id": hold });
    keeper.post("/bookings", wish).await.refused(booking::OUTSIDE_HOURS);
    let moved = long.get("/bookings").await.ok(200)["items"][0].clone();
    assert_eq!(
        (&moved["starts_at"], &moved["ends_at"]),
        (&json!("2026-11-26T09:00:00+08:00"), &json!("2026-11-26T10:00:00+08:00"))
    );
    assert_eq!(town.rows().await["held_place"], 0);
    all_is_counted(town).await;
    town.deliver().await;
}

async fn a_kept_place_alone_is_let_go_of(town: &Town) {
    let keeper = town.resident("13800000001").await;
    let slot = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    let hold = keeper.post("/holds", json!({ "slot_id": slot, "guide": "SB-03" })).await.ok(201)["id"].clone();
    // Nobody has booked yet, so nobody is touched.
    assert_eq!(close(town, json!({})).await.ok(201)["touched"], json!([]));
    assert_eq!(town.rows().await["held_place"], 0);
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "田小满" }, "hold_id": hold });
    keeper.post("/bookings", wish).await.refused(booking::OUTSIDE_HOURS);
    all_is_counted(town).await;
    town.deliver().await;
}

async fn who_uses_a_kept_place_up_meanwhile_is_not_left_behind(town: &Town) {
    let mut keepers = Vec::new();
    for n in 0..6 {
        let keeper = town.resident(&format!("1380000000{n}")).await;
        let slot = town.slot("SB-03", at("2026-11-25", 9, 30 * n)).await;
        let hold = keeper.post("/holds", json!({ "slot_id": slot, "guide": "SB-03" })).await.ok(201)["id"].clone();
        let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "田小满" }, "hold_id": hold });
        keepers.push((keeper, wish));
    }
    let using = join_all(keepers.iter().map(|(keeper, wish)| keeper.post("/bookings", wish.clone())));
    let (used, closed) = join(using, close(town, json!({}))).await;
    closed.ok(201);
    for answer in used {
        assert!(answer.status == 201 || answer.body["code"] == booking::OUTSIDE_HOURS.code, "{}", answer.text);
    }
    let left = entity::booking::Entity::find()
        .filter(entity::booking::Column::State.eq(BookingState::Booked))
        .filter(entity::booking::Column::OnDate.eq(at("2026-11-25", 0, 0).date()));
    assert_eq!(left.all(town.app.read()).await.unwrap(), []);
    all_is_counted(town).await;
    town.deliver().await;
}

async fn what_is_closed_afterwards_blames_nobody(town: &Town) {
    let (yesterday, today) = (town.resident("13800000001").await, town.resident("13800000002").await);
    book(&yesterday, &town.slot("SB-03", at("2026-11-25", 9, 0)).await, "田小满").await.ok(201);
    book(&today, &town.slot("SB-03", at("2026-11-26", 9, 0)).await, "谢大爷").await.ok(201);
    town.move_to(at("2026-11-26", 10, 0)).await;
    let (yesterday, today) = (yesterday.again().await, today.again().await);
    assert_eq!(starts(&yesterday).await, one("11-25T09:00", "no_show"));
    close(town, json!({})).await.ok(201);
    assert_eq!(starts(&yesterday).await, one("11-25T09:00", "excused"));
    // This morning's is given another time, with two hours to hear of it.
    close(town, json!({ "date": "2026-11-26", "to": "12:00" })).await.ok(201);
    assert_eq!(starts(&today).await, one("11-26T14:00", "booked"));
    town.deliver().await;
}

async fn a_closure_taken_back_offers_its_hours_again(town: &Town) {
    let person = town.resident("13800000001").await;
    book(&person, &town.slot("SB-03", at("2026-11-25", 9, 0)).await, "田小满").await.ok(201);
    let closed = close(town, json!({})).await.ok(201);
    let path = format!("/calendar/closures/{}/reopen", closed["id"].as_str().unwrap());
    let director = town.staff("director").await;
    town.staff("window1").await.post(&path, json!({})).await.refused(FORBIDDEN);
    director.post(&path, json!({})).await.ok(204);
    director.post(&path, json!({})).await.refused(booking::UNKNOWN_CLOSURE);
    director
        .post(&format!("/calendar/closures/{}/reopen", nobody()), json!({}))
        .await
        .refused(booking::UNKNOWN_CLOSURE);
    assert_eq!(town.stranger().get("/calendar/closures").await.ok(200)["items"], json!([]));
    assert_eq!(remaining(town, &town.slot("SB-03", at("2026-11-25", 9, 0)).await).await, 4);
    assert_eq!(starts(&person).await, one("11-26T09:00", "booked"), "he was told so");
    // It can be closed anew.
    close(town, json!({})).await.ok(201);
    all_is_counted(town).await;
    town.deliver().await;
}

async fn who_books_while_it_is_closed_is_not_left_behind(town: &Town) {
    let mut people = Vec::new();
    for n in 0..12 {
        people.push(town.resident(&format!("138000001{n:02}")).await);
    }
    let mut slots = Vec::new();
    for n in 0..6 {
        slots.push(town.slot("SB-03", at("2026-11-25", 9, 30 * n)).await);
    }
    let takers = join_all(people.iter().enumerate().map(|(n, person)| book(person, &slots[n % 6], "田小满")));
    let (taken, closed) = join(takers, close(town, json!({}))).await;
    closed.ok(201);
    for answer in taken {
        assert!(answer.status == 201 || answer.body["code"] == booking::OUTSIDE_HOURS.code, "{}", answer.text);
    }
    let left = entity::booking::Entity::find()
        .filter(entity::booking::Column::State.eq(BookingState::Booked))
        .filter(entity::booking::Column::OnDate.eq(at("2026-11-25", 0, 0).date()));
    assert_eq!(left.all(town.app.read()).await.unwrap(), []);
    all_is_counted(town).await;
    town.deliver().await;
}

async fn what_cannot_be_closed_is_refused_by_field(town: &Town) {
    let before = town.rows().await;
    let extra = |date: &str, from: &str, places: i32| json!({ "make_up": [{ "date": date, "from": from, "to": "11:00", "places": places }] });
    for (with, refusal, field) in [
        (json!({ "branch": "XX" }), booking::UNKNOWN_BRANCH, "branch"),
        (json!({ "desk": "9" }), booking::UNKNOWN_DESK, "desk"),
        (json!({ "reason": " " }), booking::BAD_CLOSURE_REASON, "reason"),
        (json!({ "reason": "长".repeat(41) }), booking::BAD_CLOSURE_REASON, "reason"),
        (json!({ "reason": "停电\n检修" }), booking::BAD_CLOSURE_REASON, "reason"),
        (json!({ "date": "2026-10-01" }), booking::TOO_FAR, "date"),
        (json!({ "date": "2027-11-25" }), booking::TOO_FAR, "date"),
        (json!({ "date": "2026-11-28" }), booking::NOTHING_TO_CLOSE, "date"),
        (json!({ "from": "12:00", "to": "14:00" }), booking::NOTHING_TO_CLOSE, "date"),
        (json!({ "from": "11:00", "to": "10:00" }), booking::BAD_HOURS, "to"),
        (json!({ "from": "9点" }), booking::BAD_HOURS, "to"),
        (extra("2026-11-20", "09:00", 1), booking::BAD_MAKE_UP, "make_up"),
        (extra("2026-11-28", "09:00", 0), booking::BAD_MAKE_UP, "make_up"),
        (extra("2026-11-28", "25:00", 1), booking::BAD_HOURS, "make_up"),
    ] {
        assert_eq!(close(town, with.clone()).await.refused(refusal)["field"], field, "{with}");
    }
    let mut after = town.rows().await;
    after.insert("session".to_owned(), before["session"]);
    after.insert("audit".to_owned(), before["audit"]);
    assert_eq!(after, before);
    close(town, json!({})).await.ok(201);
    close(town, json!({})).await.refused(booking::ALREADY_CLOSED);
}
