//! Places are given fairly: kept, cooled down, and not all to one.

use super::{book, new_rules, remaining};
use crate::person::{Answer, Person};
use crate::town::{Town, at, nobody, stories};
use chrono::Duration;
use entity::booking::rule;
use futures_util::future::{join, join_all};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};
use shuitian::access::TOO_OFTEN;
use shuitian::domain::booking;

stories!(
    a_place_given_back_cools_down_before_others_see_it,
    a_place_is_kept_while_a_form_is_filled_in,
    a_kept_place_gives_itself_back,
    a_kept_place_is_for_one_account_and_one_time,
    a_long_matter_is_kept_whole,
    two_who_let_go_of_what_the_other_wants_never_wait_for_ever,
    one_person_takes_two_places_a_day,
    what_one_books_for_others_counts_apart,
    new_rules_hold_from_their_day,
    a_centre_that_said_no_rule_gives_no_places,
);

fn id(answer: &Value) -> String {
    answer["id"].as_str().unwrap().to_owned()
}

async fn hold(person: &Person<'_>, slot: &str) -> Answer {
    person.post("/holds", json!({ "slot_id": slot, "guide": "SB-03" })).await
}

async fn book_held(person: &Person<'_>, slot: &str, name: &str, hold: &str) -> Answer {
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": name }, "hold_id": hold });
    person.post("/bookings", wish).await
}

async fn cancel(person: &Person<'_>, id: &str) -> Answer {
    person.post(&format!("/bookings/{id}/cancel"), json!({})).await
}

async fn a_place_given_back_cools_down_before_others_see_it(town: &Town) {
    let (slot, other) =
        (town.slot("SB-03", at("2026-11-25", 9, 0)).await, town.slot("SB-03", at("2026-11-25", 10, 0)).await);
    let person = town.resident("13800000001").await;
    let booked = book(&person, &slot, "田小满").await.ok(201);
    // Moved away and given up, both places cool down, by no less than half an hour and no more than three quarters.
    person.post(&format!("/bookings/{}/reschedule", id(&booked)), json!({ "slot_id": other })).await.ok(200);
    cancel(&person, &id(&booked)).await.ok(200);
    assert_eq!((remaining(town, &slot).await, remaining(town, &other).await), (3, 3));
    town.wait(Duration::minutes(29)).await;
    assert_eq!((remaining(town, &slot).await, remaining(town, &other).await), (3, 3));
    town.wait(Duration::minutes(17)).await;
    assert_eq!((remaining(town, &slot).await, remaining(town, &other).await), (4, 4));
    // A place of the windows is theirs to give again at once.
    let window = town.staff("window1").await;
    let booked = book(&window, &slot, "向大娘").await.ok(201);
    let seen = async || {
        let list = window.get("/slots?guide=SB-03&from=2026-11-25&to=2026-11-25").await.ok(200);
        list["items"][0]["remaining"].as_i64().unwrap()
    };
    assert_eq!(seen().await, 4);
    cancel(&window, &id(&booked)).await.ok(200);
    assert_eq!(seen().await, 5);
    // Where it could not be offered online again, it does not cool down: somebody at the window may have it.
    let person = person.again().await;
    let soon = town.slot("SB-03", at("2026-11-24", 11, 0)).await;
    let booked = book(&person, &soon, "田小满").await.ok(201);
    cancel(&person, &id(&booked)).await.ok(200);
    assert_eq!(remaining(town, &soon).await, 4);
    town.deliver().await;
}

async fn a_place_is_kept_while_a_form_is_filled_in(town: &Town) {
    let slot = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    let slow = town.resident("13800000001").await;
    let kept = hold(&slow, &slot).await.ok(201);
    assert!(kept["until"].as_str().unwrap().starts_with("2026-11-24T09:35"));
    for n in 0..3 {
        book(&town.resident(&format!("1380000001{n}")).await, &slot, "别人").await.ok(201);
    }
    assert_eq!(remaining(town, &slot).await, 0);
    book(&town.resident("13800000019").await, &slot, "别人").await.refused(booking::SLOT_FULL);
    town.app.clock.advance(Duration::minutes(4));
    book_held(&slow, &slot, "田小满", &id(&kept)).await.ok(201);
    assert_eq!((remaining(town, &slot).await, town.rows().await["held_place"]), (0, 0));
    town.wait(Duration::minutes(10)).await;
    assert_eq!(remaining(town, &slot).await, 0, "what was used is not given back");
    town.deliver().await;
}

async fn a_kept_place_gives_itself_back(town: &Town) {
    let slot = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    let slow = town.resident("13800000001").await;
    let kept = hold(&slow, &slot).await.ok(201);
    assert_eq!(remaining(town, &slot).await, 3);
    town.wait(Duration::minutes(5)).await;
    assert_eq!(remaining(town, &slot).await, 4);
    // Too late for what was kept, but there are places.
    book_held(&slow, &slot, "田小满", &id(&kept)).await.ok(201);
    slow.post(&format!("/holds/{}/release", id(&kept)), json!({})).await.refused(booking::UNKNOWN_HOLD);
    // Run out and not yet given back, it is not used either: the place is taken anew, and both are counted right.
    let kept = hold(&slow, &slot).await.ok(201);
    town.app.clock.advance(Duration::minutes(6));
    book_held(&slow, &slot, "田大满", &id(&kept)).await.ok(201);
    town.wait(Duration::minutes(1)).await;
    assert_eq!(remaining(town, &slot).await, 2);
    town.deliver().await;
}

async fn a_kept_place_is_for_one_account_and_one_time(town: &Town) {
    let (nine, ten) =
        (town.slot("SB-03", at("2026-11-25", 9, 0)).await, town.slot("SB-03", at("2026-11-25", 10, 0)).await);
    let (one, other) = (town.resident("13800000001").await, town.resident("13800000002").await);
    let first = hold(&one, &nine).await.ok(201);
    // Whoever looks at another time lets go of the first.
    let second = hold(&one, &ten).await.ok(201);
    assert_eq!((remaining(town, &nine).await, remaining(town, &ten).await), (4, 3));
    one.post(&format!("/holds/{}/release", id(&first)), json!({})).await.refused(booking::UNKNOWN_HOLD);
    other.post(&format!("/holds/{}/release", id(&second)), json!({})).await.refused(booking::UNKNOWN_HOLD);
    // Another's hold, or one for another time, is as none.
    book_held(&other, &ten, "谢大爷", &id(&second)).await.ok(201);
    book_held(&one, &nine, "田小满", &id(&second)).await.ok(201);
    assert_eq!((remaining(town, &nine).await, remaining(town, &ten).await), (3, 2));
    one.post(&format!("/holds/{}/release", id(&second)), json!({})).await.ok(204);
    assert_eq!(remaining(town, &ten).await, 3);
    // Pressed six times at once, one place is kept.
    let pressed = join_all((0..6).map(|_| hold(&one, &ten))).await;
    assert!(pressed.iter().all(|a| a.status == 201));
    assert_eq!((remaining(town, &ten).await, town.rows().await["held_place"]), (2, 1));
    // What is refused keeps nothing; and one keeps places twenty times a day.
    let wish = |slot: &str, guide: &str| json!({ "slot_id": slot, "guide": guide });
    one.post("/holds", wish(&nobody().to_string(), "SB-03")).await.refused(booking::UNKNOWN_SLOT);
    one.post("/holds", wish(&nine, "XX-99")).await.refused(shuitian::domain::guide::UNKNOWN_GUIDE);
    for _ in 0..10 {
        hold(&one, &ten).await.ok(201);
    }
    hold(&one, &ten).await.refused(TOO_OFTEN);
    assert_eq!(town.rows().await["held_place"], 1);
    town.deliver().await;
}

async fn a_long_matter_is_kept_whole(town: &Town) {
    let slot = town.slot("MZ-01", at("2026-11-25", 9, 30)).await;
    let person = town.resident("13800000001").await;
    let kept = person.post("/holds", json!({ "slot_id": slot, "guide": "MZ-01" })).await.ok(201);
    let left = async |hour, minute| remaining(town, &town.slot("SB-03", at("2026-11-25", hour, minute)).await).await;
    assert_eq!((left(9, 0).await, left(9, 30).await, left(10, 0).await, left(10, 30).await), (4, 3, 3, 4));
    // For a shorter matter it is another place.
    book_held(&person, &slot, "田小满", &id(&kept)).await.ok(201);
    assert_eq!((left(9, 30).await, left(10, 0).await), (2, 3));
    let wish = json!({ "slot_id": slot, "guide": "MZ-01", "applicant": { "name": "田大满" }, "hold_id": kept["id"] });
    let booked = person.post("/bookings", wish).await.ok(201);
    assert_eq!(booked["ends_at"], "2026-11-25T10:30:00+08:00");
    assert_eq!((left(9, 30).await, left(10, 0).await), (2, 3));
    cancel(&person, &id(&booked)).await.ok(200);
    town.wait(Duration::hours(1)).await;
    assert_eq!((left(9, 30).await, left(10, 0).await, town.rows().await["held_place"]), (3, 4, 0));
    town.deliver().await;
}

async fn two_who_let_go_of_what_the_other_wants_never_wait_for_ever(town: &Town) {
    let (nine, ten) =
        (town.slot("SB-03", at("2026-11-25", 9, 0)).await, town.slot("SB-03", at("2026-11-25", 10, 0)).await);
    let (one, two) = (town.resident("13800000001").await, town.resident("13800000002").await);
    for round in 0..10 {
        let (mine, theirs) = if round % 2 == 0 { (&nine, &ten) } else { (&ten, &nine) };
        let (a, b) = join(hold(&one, mine), hold(&two, theirs)).await;
        a.ok(201);
        b.ok(201);
        assert_eq!((remaining(town, &nine).await, remaining(town, &ten).await), (3, 3));
    }
    town.deliver().await;
}

async fn one_person_takes_two_places_a_day(town: &Town) {
    let mut slots = Vec::new();
    for (day, hour) in [("2026-11-25", 9), ("2026-11-25", 10), ("2026-11-25", 11), ("2026-11-26", 9)] {
        slots.push(town.slot("SB-03", at(day, hour, 0)).await);
    }
    let (person, window) = (town.resident("13800000001").await, town.staff("window1").await);
    for who in [&person, &window] {
        book(who, &slots[0], "田小满").await.ok(201);
        let second = book(who, &slots[1], "田小满").await.ok(201);
        let told = book(who, &slots[2], "田小满").await.refused(booking::TOO_MANY_THAT_DAY);
        assert!(told["message"].as_str().unwrap().contains("最多约2个"));
        // Another person and another day are others, and a day's place may be moved within it.
        book(who, &slots[2], "田大满").await.ok(201);
        book(who, &slots[3], "田小满").await.ok(201);
        let path = format!("/bookings/{}/reschedule", id(&second));
        who.post(&path, json!({ "slot_id": slots[2] })).await.ok(200);
        let last = who.get("/bookings?date=2026-11-26").await.ok(200)["items"]
            .as_array()
            .unwrap()
            .iter()
            .find(|b| b["starts_at"].as_str().unwrap().starts_with("2026-11-26"))
            .map(id)
            .unwrap();
        let path = format!("/bookings/{last}/reschedule");
        who.post(&path, json!({ "slot_id": slots[1] })).await.refused(booking::TOO_MANY_THAT_DAY);
    }
    town.deliver().await;
}

async fn what_one_books_for_others_counts_apart(town: &Town) {
    new_rules(town, |rules| (rules["own_open"], rules["other_open"]) = (json!(1), json!(2))).await;
    let person = town.resident("13800000001").await;
    let mut slots = Vec::new();
    for n in 0..5 {
        slots.push(town.slot("SB-03", at("2026-11-25", 9, 30 * n)).await);
    }
    let other = async |slot: &str, name: &str| {
        let applicant = json!({ "name": name, "phone": "13900000009" });
        let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": applicant, "for_other": true });
        person.post("/bookings", wish).await
    };
    other(&slots[0], "谢大爷").await.ok(201);
    other(&slots[1], "向大娘").await.ok(201);
    let told = other(&slots[2], "吴大爷").await.refused(booking::TOO_MANY);
    assert!(told["message"].as_str().unwrap().contains("已有2个"));
    let keep = json!({ "slot_id": slots[2], "guide": "SB-03", "for_other": true });
    person.post("/holds", keep).await.refused(booking::TOO_MANY);
    book(&person, &slots[3], "田小满").await.ok(201);
    book(&person, &slots[4], "田小满").await.refused(booking::TOO_MANY);
    town.deliver().await;
}

async fn a_centre_that_said_no_rule_gives_no_places(town: &Town) {
    let person = town.resident("13800000001").await;
    let slot = town.slot("SB-03", at("2026-11-26", 9, 0)).await;
    let none = async |tx: &_| Ok(rule::Entity::delete_many().exec(tx).await?);
    town.app.establish(none).await.unwrap();
    book(&person, &slot, "田小满").await.refused(booking::NO_RULES);
    hold(&person, &slot).await.refused(booking::NO_RULES);
    town.deliver().await;
}

async fn new_rules_hold_from_their_day(town: &Town) {
    let slot = town.slot("SB-03", at("2026-11-26", 9, 0)).await;
    new_rules(town, |rules| {
        (rules["from"], rules["hold_minutes"], rules["cool_down_minutes"]) = (json!("2026-11-25"), json!(0), json!(0));
    })
    .await;
    let person = town.resident("13800000001").await;
    hold(&person, &slot).await.ok(201);
    town.move_to(at("2026-11-25", 9, 0)).await;
    let person = person.again().await;
    hold(&person, &slot).await.refused(booking::NO_HOLDS);
    let booked = book(&person, &slot, "田小满").await.ok(201);
    cancel(&person, &id(&booked)).await.ok(200);
    assert_eq!(remaining(town, &slot).await, 4, "without a time for cooling down it is there at once");
    town.deliver().await;
}
