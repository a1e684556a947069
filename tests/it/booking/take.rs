//! Taking places, and giving them back.

use super::{book, day_off, new_rules, remaining};
use crate::town::{Town, at, nobody, stories, tuesday};
use chrono::Duration;
use entity::booking::slot;
use futures_util::future::join_all;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use shuitian::domain::booking;
use shuitian::domain::calendar;
use shuitian::domain::{applicant, guide};

stories!(
    slots_are_half_hours_of_working_days_in_the_windows_hours,
    forty_press_at_once_and_four_get_a_place,
    one_person_takes_one_place_and_a_namesake_another,
    a_place_given_back_is_offered_again_and_its_reminder_is_withdrawn,
    two_cancel_at_once_and_one_place_comes_back,
    nobody_touches_anothers_booking,
    what_cannot_be_booked_is_refused_by_field,
    the_window_cancels_and_the_person_is_told,
    the_window_books_for_who_rings_up,
    of_nine_wishes_at_once_five_are_granted,
    one_account_holds_five_places_and_asks_fifteen_times_a_day,
    a_day_that_turns_out_to_be_off_offers_nothing_more,
);

async fn slots_are_half_hours_of_working_days_in_the_windows_hours(town: &Town) {
    let list = town.stranger().get("/slots?guide=SB-03&from=2026-11-24&to=2026-12-31").await.ok(200);
    let slots = list["items"].as_array().unwrap();
    let starts: Vec<&str> = slots.iter().map(|s| s["starts_at"].as_str().unwrap()).collect();
    assert_eq!(starts[0], "2026-11-24T10:00:00+08:00", "half past nine has begun");
    let tomorrow: Vec<&str> = starts.iter().filter(|s| s.starts_with("2026-11-25")).map(|s| &s[11..16]).collect();
    assert_eq!(
        tomorrow,
        ["09:00", "09:30", "10:00", "10:30", "11:00", "11:30", "14:00", "14:30", "15:00", "15:30", "16:00", "16:30"]
    );
    assert!(!starts.iter().any(|s| s.starts_with("2026-11-28")), "Saturday");
    assert!(
        starts.iter().any(|s| s.starts_with("2026-12-08")) && !starts.iter().any(|s| s.starts_with("2026-12-09")),
        "two weeks ahead"
    );
    let before = town.rows().await["slot"];
    town.wait(Duration::hours(1)).await;
    assert_eq!(town.rows().await["slot"], before, "opening again opens nothing twice");
    town.stranger().get("/slots?guide=SB-03&from=2026-12-01&to=2026-11-01").await.refused(booking::BAD_SPAN);
    town.stranger().get("/slots?guide=XX-99").await.refused(guide::UNKNOWN_GUIDE);
}

async fn forty_press_at_once_and_four_get_a_place(town: &Town) {
    let slot = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    let mut people = Vec::new();
    for n in 0..8 {
        people.push(town.resident(&format!("138000001{n:02}")).await);
    }
    let tries = people.iter().flat_map(|person| (0..5).map(move |n| (person, n)));
    let answers = join_all(tries.map(|(person, n)| book(person, &slot, ["甲", "乙", "丙", "丁", "戊"][n]))).await;
    let status = |code| answers.iter().filter(|a| a.status == code).count();
    assert_eq!((status(201), status(409)), (4, 36));
    for full in answers.into_iter().filter(|a| a.status == 409) {
        full.refused(booking::SLOT_FULL);
    }
    assert_eq!((remaining(town, &slot).await, town.rows().await["booking"]), (0, 4));
    town.deliver().await;
}

async fn one_person_takes_one_place_and_a_namesake_another(town: &Town) {
    let slot = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    let (one, other) = (town.resident("13800000001").await, town.resident("13800000002").await);
    let taps = join_all((0..6).map(|_| book(&one, &slot, "王秀英"))).await;
    assert_eq!(taps.iter().filter(|a| a.status == 201).count(), 1, "a double tap takes one place");
    assert!(taps.iter().filter(|a| a.status != 201).all(|a| a.body["code"] == booking::ALREADY_BOOKED.code));
    book(&one, &slot, "王秀兰").await.ok(201);
    book(&other, &slot, "王秀英").await.ok(201);
    assert_eq!(remaining(town, &slot).await, 1);
    town.deliver().await;
}

async fn a_place_given_back_is_offered_again_and_its_reminder_is_withdrawn(town: &Town) {
    new_rules(town, |rules| rules["cool_down_minutes"] = json!(0)).await;
    let slot = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    let person = town.resident("13800000001").await;
    let id = book(&person, &slot, "田小满").await.ok(201)["id"].as_str().unwrap().to_owned();
    assert_eq!(remaining(town, &slot).await, 3);
    let cancelled = person.post(&format!("/bookings/{id}/cancel"), json!({})).await.ok(200);
    assert_eq!(cancelled["state"], "cancelled");
    assert_eq!(remaining(town, &slot).await, 4);
    person.post(&format!("/bookings/{id}/cancel"), json!({})).await.refused(booking::NOT_OPEN);
    town.move_to(at("2026-11-24", 16, 30)).await;
    let texts = town.texts("13800000001").await;
    assert!(!texts.iter().any(|t| t.contains("提醒")), "{texts:?}");
    let person = person.again().await;
    book(&person, &slot, "田小满").await.ok(201);
    town.move_to(at("2026-11-25", 8, 0)).await;
    let texts = town.texts("13800000001").await;
    assert_eq!(texts.iter().filter(|t| t.contains("提醒")).count(), 1, "two hours before would be at night");
    town.move_to(at("2026-11-25", 9, 0)).await;
    let person = person.again().await;
    let late = person.get("/bookings").await.ok(200)["items"][0]["id"].as_str().unwrap().to_owned();
    person.post(&format!("/bookings/{late}/cancel"), json!({})).await.refused(booking::TOO_LATE);
}

async fn two_cancel_at_once_and_one_place_comes_back(town: &Town) {
    new_rules(town, |rules| rules["cool_down_minutes"] = json!(0)).await;
    let slot = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    let person = town.resident("13800000001").await;
    let window = town.staff("window1").await;
    let id = book(&person, &slot, "田小满").await.ok(201)["id"].as_str().unwrap().to_owned();
    let path = format!("/bookings/{id}/cancel");
    let (a, b) = futures_util::join!(person.post(&path, json!({})), window.post(&path, json!({})));
    let mut codes = [a.status, b.status];
    codes.sort_unstable();
    assert_eq!(codes, [200, 409]);
    assert_eq!(remaining(town, &slot).await, 4);
    town.deliver().await;
}

async fn nobody_touches_anothers_booking(town: &Town) {
    let slot = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    let (owner, other) = (town.resident("13800000001").await, town.resident("13800000002").await);
    let id = book(&owner, &slot, "田小满").await.ok(201)["id"].as_str().unwrap().to_owned();
    let before = town.rows().await;
    other.get(&format!("/bookings/{id}")).await.refused(booking::UNKNOWN_BOOKING);
    other.post(&format!("/bookings/{id}/cancel"), json!({})).await.refused(booking::UNKNOWN_BOOKING);
    other.get(&format!("/bookings/{}", nobody())).await.refused(booking::UNKNOWN_BOOKING);
    other.get("/bookings?phone_tail=0001&date=2026-11-25").await.ok(200)["items"]
        .as_array()
        .unwrap()
        .is_empty()
        .then_some(())
        .unwrap();
    assert_eq!((town.rows().await, remaining(town, &slot).await), (before, 3));
    town.deliver().await;
}

async fn what_cannot_be_booked_is_refused_by_field(town: &Town) {
    let person = town.resident("13800000001").await;
    let slot = town.slot("SB-03", at("2026-11-24", 10, 0)).await;
    let before = town.rows().await;
    let wish = |applicant: Value| json!({ "slot_id": slot, "guide": "SB-03", "applicant": applicant });
    for (body, refusal, field) in [
        (wish(json!({ "name": " " })), applicant::BAD_NAME, "applicant.name"),
        (wish(json!({ "name": "甲", "phone": "123" })), applicant::BAD_CONTACT, "applicant.phone"),
        (
            wish(json!({ "name": "甲", "id_type": "other", "id_number": "1".repeat(41) })),
            applicant::BAD_ID_NUMBER,
            "applicant.id_number",
        ),
        (
            wish(json!({ "name": "甲", "id_type": "id_card", "id_number": "110105194912310021" })),
            applicant::BAD_ID_CARD,
            "applicant.id_number",
        ),
        (
            wish(
                json!({ "name": "甲", "kind": "legal_person", "id_type": "social_credit_code", "id_number": "11500114009130311K" }),
            ),
            applicant::BAD_SOCIAL_CREDIT_CODE,
            "applicant.id_number",
        ),
        (wish(json!({ "name": "某公司", "kind": "legal_person" })), guide::NOT_FOR_KIND, "applicant.kind"),
        (
            json!({ "slot_id": nobody(), "guide": "SB-03", "applicant": { "name": "甲" } }),
            booking::UNKNOWN_SLOT,
            "slot_id",
        ),
    ] {
        assert_eq!(person.post("/bookings", body).await.refused(refusal)["field"], field);
    }
    town.move_to(at("2026-11-24", 10, 0)).await;
    let person = person.again().await;
    assert_eq!(
        person.post("/bookings", wish(json!({ "name": "甲" }))).await.refused(booking::SLOT_PAST)["field"],
        "slot_id"
    );
    let after = town.rows().await;
    for table in ["booking", "booking_event", "applicant", "notice"] {
        assert_eq!(before[table], after[table], "{table}");
    }
}

async fn the_window_cancels_and_the_person_is_told(town: &Town) {
    let slot = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    let person = town.resident("13800000001").await;
    let id = book(&person, &slot, "田小满").await.ok(201)["id"].as_str().unwrap().to_owned();
    let window = town.staff("window1").await;
    let view = window.post(&format!("/bookings/{id}/cancel"), json!({})).await.ok(200);
    assert_eq!(view["applicant"]["name"], "田**");
    assert!(town.texts("13800000001").await.pop().unwrap().contains("已由中心取消"));
    assert_eq!(crate::town::audit_of(town, "booking.cancelled").await.len(), 1);
}

async fn the_window_books_for_who_rings_up(town: &Town) {
    let window = town.staff("window1").await;
    let slot = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    let take = async |applicant: Value| {
        window.post("/bookings", json!({ "slot_id": slot, "guide": "SB-03", "applicant": applicant })).await
    };
    let booked = take(json!({ "name": "田小满", "phone": "13800000001" })).await.ok(201);
    assert_eq!(booked["applicant"]["name"], "田**", "masked, as all that staff see");
    assert!(town.texts("13800000001").await[0].contains("已约11月25日 09:00"));
    take(json!({ "name": "田小满", "phone": "13800000001" })).await.refused(booking::ALREADY_BOOKED);
    // A namesake with another phone, and one without any, are others.
    take(json!({ "name": "田小满", "phone": "13800000002" })).await.ok(201);
    take(json!({ "name": "田小满" })).await.ok(201);
    take(json!({ "name": "田小满" })).await.refused(booking::ALREADY_BOOKED);
    // No account sees it, for a phone is a contact and no identity.
    let phone = town.resident("13800000001").await;
    assert_eq!(phone.get("/bookings").await.ok(200)["items"], json!([]));
    let path = format!("/bookings/{}", booked["id"].as_str().unwrap());
    phone.get(&path).await.refused(booking::UNKNOWN_BOOKING);
    // New index keys know each of them still.
    let before = window.get("/bookings?date=2026-11-25").await.ok(200)["items"].clone();
    let done = shuitian::domain::reseal::all(&town.app.database, &town.app.vault).await.unwrap();
    assert!(done.contains(&("booking", 3)), "{done:?}");
    take(json!({ "name": "田小满", "phone": "13800000002" })).await.refused(booking::ALREADY_BOOKED);
    assert_eq!(window.get("/bookings?date=2026-11-25").await.ok(200)["items"], before);
    // It is kept like any other, and the case is nobody's account's.
    town.move_to(at("2026-11-25", 9, 5)).await;
    let intake = json!({ "guide": "SB-03", "channel": "window", "booking_id": booked["id"],
        "applicant": { "name": "田小满", "phone": "13800000001" } });
    let case = town.staff("window1").await.post("/cases", intake).await.ok(201);
    let seen = phone.again().await.get(&format!("/cases/{}", case["number"].as_str().unwrap())).await.ok(200);
    assert_eq!(seen["applicant"], Value::Null, "under the phone, in part");
    town.deliver().await;
}

async fn of_nine_wishes_at_once_five_are_granted(town: &Town) {
    let person = town.resident("13800000001").await;
    let mut slots = Vec::new();
    for n in 0..9 {
        slots.push(town.slot("SB-03", at("2026-11-25", 9 + 5 * (n / 6), 30 * (n % 6))).await);
    }
    let names = ["甲", "乙", "丙", "丁", "戊", "己", "庚", "辛", "壬"];
    let answers = join_all(slots.iter().zip(names).map(|(slot, name)| book(&person, slot, name))).await;
    assert_eq!(answers.iter().filter(|a| a.status == 201).count(), 5);
    for refused in answers.into_iter().filter(|a| a.status != 201) {
        refused.refused(booking::TOO_MANY);
    }
    assert_eq!(town.rows().await["booking"], 5);
    town.deliver().await;
}

async fn one_account_holds_five_places_and_asks_fifteen_times_a_day(town: &Town) {
    new_rules(town, |rules| rules["cool_down_minutes"] = json!(0)).await;
    let person = town.resident("13800000001").await;
    let mut ids = Vec::new();
    for n in 0..5 {
        let slot = town.slot("SB-03", at("2026-11-25", 9, 30 * n)).await;
        let name = ["甲", "乙", "丙", "丁", "戊"][n as usize];
        ids.push(book(&person, &slot, name).await.ok(201)["id"].as_str().unwrap().to_owned());
    }
    let slot = town.slot("SB-03", at("2026-11-26", 9, 0)).await;
    let full = book(&person, &slot, "田大满").await.refused(booking::TOO_MANY);
    assert!(full["message"].as_str().unwrap().contains("已有5个"));
    assert_eq!(remaining(town, &slot).await, 4, "a refused wish takes no place");
    for id in &ids {
        person.post(&format!("/bookings/{id}/cancel"), json!({})).await.ok(200);
    }
    for _ in 0..9 {
        let id = book(&person, &slot, "田小满").await.ok(201)["id"].as_str().unwrap().to_owned();
        person.post(&format!("/bookings/{id}/cancel"), json!({})).await.ok(200);
    }
    book(&person, &slot, "田小满").await.refused(shuitian::access::TOO_OFTEN);
    // The day after there are more tries; and the window is not counted.
    town.wait(Duration::hours(25)).await;
    book(&person.again().await, &slot, "田小满").await.ok(201);
    town.deliver().await;
}

async fn a_day_that_turns_out_to_be_off_offers_nothing_more(town: &Town) {
    let slot = town.slot("SB-03", at("2026-12-01", 9, 0)).await;
    let person = town.resident("13800000001").await;
    book(&person, &slot, "田小满").await.ok(201);
    town.deliver().await;
    day_off(town, "2026-12-01").await;
    town.wait(Duration::hours(1)).await;
    let person = person.again().await;
    book(&person, &slot, "第二个").await.refused(booking::OUTSIDE_HOURS);
    let listed = town.stranger().get("/slots?guide=SB-03&from=2026-12-01&to=2026-12-01").await.ok(200);
    assert_eq!(listed["items"], json!([]));
    // Who had booked is given the next time there is, and told.
    let mine = person.get("/bookings").await.ok(200)["items"][0].clone();
    assert_eq!((&mine["starts_at"], &mine["state"]), (&json!("2026-12-02T09:00:00+08:00"), &json!("booked")));
    let told = town.texts("13800000001").await.pop().unwrap();
    assert!(told.contains("中心当天不上班") && told.contains("改到12月2日 09:00"), "{told}");
    let kept = slot::Entity::find()
        .filter(slot::Column::OnDate.eq(at("2026-12-01", 0, 0).date()))
        .all(town.app.read())
        .await
        .unwrap();
    assert!(kept.iter().all(|s| s.taken == 0 && s.bookable == 0));
    // Taken back, the day offers all its places again, those of slots that somebody once held too.
    let file = serde_json::from_str(include_str!("../../../seed/holidays/2026.json")).unwrap();
    town.app.establish(async |tx| calendar::import(tx, tuesday(), file).await).await.unwrap();
    town.wait(Duration::hours(1)).await;
    let slot = town.slot("SB-03", at("2026-12-01", 9, 0)).await;
    assert_eq!(remaining(town, &slot).await, 4);
    assert_eq!(remaining(town, &town.slot("SB-03", at("2026-12-01", 9, 30)).await).await, 4);
    let person = person.again().await;
    book(&person, &slot, "第二个").await.ok(201);
    // The database itself keeps a slot from passing its capacity.
    let over = slot::Entity::update_many()
        .col_expr(slot::Column::Taken, Expr::value(99))
        .exec(town.app.database.writer())
        .await;
    assert!(over.is_err());
    town.deliver().await;
}
