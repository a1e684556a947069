//! Nobody came: marked, warned of, limited for a while, and appealed against.

use super::{book, day_off};
use crate::person::Person;
use crate::town::{Town, at, audit_of, nobody, stories};
use chrono::Duration;
use serde_json::{Value, json};
use shuitian::access::FORBIDDEN;
use shuitian::domain::booking;

stories!(
    the_first_time_is_a_warning_and_the_second_ends_booking_online_for_a_while,
    what_was_booked_for_others_is_held_against_nobody_but_who_booked,
    whoever_comes_late_on_the_day_has_come,
    nobody_is_blamed_for_a_day_on_which_the_centre_was_closed,
    the_director_takes_a_no_show_back,
    an_appeal_is_refused_to_whom_it_is_not_due,
);

/// Books for a day, in the name of the person himself or another's.
async fn miss(town: &Town, person: &Person<'_>, day: &str, for_other: bool) -> String {
    let slot = town.slot("SB-03", at(day, 9, 0)).await;
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "for_other": for_other,
        "applicant": { "name": "田小满", "phone": "13900000009" } });
    person.post("/bookings", wish).await.ok(201)["id"].as_str().unwrap().to_owned()
}

async fn state(person: &Person<'_>, id: &str) -> Value {
    person.get(&format!("/bookings/{id}")).await.ok(200)["state"].clone()
}

async fn the_first_time_is_a_warning_and_the_second_ends_booking_online_for_a_while(town: &Town) {
    let phone = "13800000001";
    let person = town.resident(phone).await;
    let first = miss(town, &person, "2026-11-25", false).await;
    town.move_to(at("2026-11-25", 23, 50)).await;
    let person = person.again().await;
    assert_eq!(state(&person, &first).await, "booked", "a day ends before it is judged");
    town.move_to(at("2026-11-26", 0, 10)).await;
    let person = person.again().await;
    assert_eq!(state(&person, &first).await, "no_show");
    // Nobody is rung awake for it.
    let before = town.texts(phone).await.len();
    town.move_to(at("2026-11-26", 9, 0)).await;
    let texts = town.texts(phone).await;
    assert_eq!(texts.len(), before + 1);
    assert!(texts[before].contains("11月25日 09:00") && texts[before].contains("下次来不了请提前取消"), "{texts:?}");
    assert!(town.texts("13900000009").await.iter().all(|t| !t.contains("没有来")), "the booker is told");
    let person = person.again().await;
    let second = miss(town, &person, "2026-11-27", false).await;
    town.move_to(at("2026-11-28", 9, 0)).await;
    let person = person.again().await;
    assert_eq!(state(&person, &second).await, "no_show");
    let told = town.texts(phone).await.pop().unwrap();
    assert!(told.contains("已有2次") && told.contains("暂停到12月27日"), "{told}");
    let slot = town.slot("SB-03", at("2026-12-01", 9, 0)).await;
    let refused = book(&person, &slot, "田小满").await.refused(booking::LIMITED);
    assert!(refused["message"].as_str().unwrap().contains("12月27日"));
    let keep = json!({ "slot_id": slot, "guide": "SB-03" });
    person.post("/holds", keep).await.refused(booking::LIMITED);
    // For others he may, the windows may for him, and both count as they did.
    miss(town, &person, "2026-12-01", true).await;
    let window = town.staff("window1").await;
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "田小满", "phone": phone } });
    window.post("/bookings", wish).await.ok(201);
    // It ends.
    town.move_to(at("2026-12-27", 9, 0)).await;
    let later = town.slot("SB-03", at("2026-12-29", 9, 0)).await;
    book(&town.resident(phone).await, &later, "田小满").await.refused(booking::LIMITED);
    town.move_to(at("2026-12-28", 9, 0)).await;
    book(&town.resident(phone).await, &later, "田小满").await.ok(201);
    town.deliver().await;
}

async fn what_was_booked_for_others_is_held_against_nobody_but_who_booked(town: &Town) {
    let helper = town.resident("13800000001").await;
    miss(town, &helper, "2026-11-25", true).await;
    miss(town, &helper, "2026-11-26", true).await;
    // Booked at the window, and nobody came either.
    let window = town.staff("window1").await;
    let slot = town.slot("SB-03", at("2026-11-25", 10, 0)).await;
    book(&window, &slot, "谢大爷").await.ok(201);
    town.move_to(at("2026-11-27", 9, 0)).await;
    let helper = helper.again().await;
    assert!(town.texts("13800000001").await.pop().unwrap().contains("您替别人约的"));
    let slot = town.slot("SB-03", at("2026-12-01", 9, 0)).await;
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "向大娘" }, "for_other": true });
    helper.post("/bookings", wish).await.refused(booking::LIMITED);
    book(&helper, &slot, "田小满").await.ok(201);
    book(&town.resident("13900000009").await, &slot, "田小满").await.ok(201);
    book(&town.staff("window1").await, &slot, "谢大爷").await.ok(201);
    town.deliver().await;
}

async fn whoever_comes_late_on_the_day_has_come(town: &Town) {
    let person = town.resident("13800000001").await;
    let id = miss(town, &person, "2026-11-25", false).await;
    town.move_to(at("2026-11-25", 16, 50)).await;
    let intake = json!({ "guide": "SB-03", "channel": "window", "booking_id": id,
        "applicant": { "name": "田小满", "phone": "13900000009" } });
    town.staff("window1").await.post("/cases", intake).await.ok(201);
    town.move_to(at("2026-11-26", 9, 0)).await;
    assert_eq!(state(&person.again().await, &id).await, "arrived");
    assert!(!town.texts("13800000001").await.iter().any(|t| t.contains("没有来")));
    town.deliver().await;
}

async fn nobody_is_blamed_for_a_day_on_which_the_centre_was_closed(town: &Town) {
    let person = town.resident("13800000001").await;
    let id = miss(town, &person, "2026-11-25", false).await;
    // The day goes by before anybody says that it was off.
    town.app.clock.set(at("2026-11-26", 9, 0));
    day_off(town, "2026-11-25").await;
    town.move_to(at("2026-11-26", 9, 0)).await;
    assert_eq!(state(&person.again().await, &id).await, "excused");
    assert!(!town.texts("13800000001").await.iter().any(|t| t.contains("没有来")));
    town.wait(Duration::minutes(10)).await;
    let director = town.staff("director").await;
    let draft = director.post("/bulletins/2026-11/draft", json!({})).await.ok(200);
    let figure = |key: &str| {
        let figure = draft["figures"].as_array().unwrap().iter().find(|f| f["key"] == key).unwrap().clone();
        (figure["numerator"].clone(), figure["denominator"].clone())
    };
    assert_eq!((figure("booked").0, figure("no_show").1), (json!(1), json!(0)));
}

async fn the_director_takes_a_no_show_back(town: &Town) {
    let phone = "13800000001";
    let person = town.resident(phone).await;
    let ids = [miss(town, &person, "2026-11-25", false).await, miss(town, &person, "2026-11-26", false).await];
    town.move_to(at("2026-11-27", 9, 0)).await;
    let (person, director) = (person.again().await, town.staff("director").await);
    town.deliver().await;
    let slot = town.slot("SB-03", at("2026-12-01", 9, 0)).await;
    book(&person, &slot, "田小满").await.refused(booking::LIMITED);
    for id in &ids {
        let appeal = json!({ "reason": "当天村里停电，电话打不通。" });
        person.post(&format!("/bookings/{id}/appeal"), appeal.clone()).await.ok(200);
        // Asked twice, it is asked once.
        town.staff("window1").await.post(&format!("/bookings/{id}/appeal"), appeal).await.ok(200);
    }
    let open = director.get("/booking-appeals").await.ok(200)["items"].clone();
    assert_eq!(open.as_array().unwrap().len(), 2);
    assert_eq!(
        (&open[0]["reason"], &open[0]["booking"]["applicant"]["name"]),
        (&json!("当天村里停电，电话打不通。"), &json!("田**"))
    );
    let rule = async |n: usize, grant: bool| {
        let path = format!("/booking-appeals/{}/rule", open[n]["id"].as_str().unwrap());
        director.post(&path, json!({ "grant": grant, "words": "经核实，按规定处理。" })).await
    };
    assert_eq!(rule(0, false).await.ok(200)["state"], "no_show");
    book(&person, &slot, "田小满").await.refused(booking::LIMITED);
    assert!(town.texts(phone).await.pop().unwrap().contains("记录保留。经核实"));
    assert_eq!(rule(1, true).await.ok(200)["state"], "excused");
    rule(1, true).await.refused(booking::UNKNOWN_APPEAL);
    assert!(town.texts(phone).await.pop().unwrap().contains("已撤销“没有来”的记录"));
    book(&person, &slot, "田小满").await.ok(201);
    assert_eq!(director.get("/booking-appeals").await.ok(200)["items"], json!([]));
    assert_eq!(audit_of(town, "booking.appeal_ruled").await.len(), 2);
    town.deliver().await;
}

async fn an_appeal_is_refused_to_whom_it_is_not_due(town: &Town) {
    let (person, other) = (town.resident("13800000001").await, town.resident("13800000002").await);
    let id = miss(town, &person, "2026-11-25", false).await;
    let path = format!("/bookings/{id}/appeal");
    let reason = |text: &str| json!({ "reason": text });
    person.post(&path, reason("还没到时间。")).await.refused(booking::NOT_A_NO_SHOW);
    town.move_to(at("2026-11-26", 9, 0)).await;
    let (person, other) = (person.again().await, other.again().await);
    other.post(&path, reason("不是我的。")).await.refused(booking::UNKNOWN_BOOKING);
    for text in [" ", "无", &"长".repeat(301)] {
        assert_eq!(person.post(&path, reason(text)).await.refused(booking::REASON_NEEDED)["field"], "reason");
    }
    person.post(&path, reason("记错了。")).await.ok(200);
    let window = town.staff("window1").await;
    window.get("/booking-appeals").await.refused(FORBIDDEN);
    let director = town.staff("director").await;
    let open = director.get("/booking-appeals").await.ok(200)["items"][0]["id"].as_str().unwrap().to_owned();
    let rule = |words: &str| json!({ "grant": true, "words": words });
    let path = format!("/booking-appeals/{open}/rule");
    window.post(&path, rule("同意撤销。")).await.refused(FORBIDDEN);
    assert_eq!(director.post(&path, rule("")).await.refused(booking::WORDS_NEEDED)["field"], "words");
    let nowhere = format!("/booking-appeals/{}/rule", nobody());
    director.post(&nowhere, rule("同意撤销。")).await.refused(booking::UNKNOWN_APPEAL);
    assert_eq!(state(&person, &id).await, "no_show");
    town.deliver().await;
}
