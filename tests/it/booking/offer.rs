//! What is offered: groups, templates, shares, matters that take longer.

use super::{book, import, new_rules, offer, remaining};
use crate::town::{Town, at, audit_of, stories};
use entity::booking::slot;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde_json::{Value, json};
use shuitian::domain::booking::{self, OfferFile};

stories!(
    one_place_is_kept_for_walk_ins_and_one_for_elders,
    a_long_matter_takes_slots_that_follow_one_another,
    takers_of_long_and_short_matters_never_pass_what_is_offered,
    online_closes_before_the_windows_do,
    a_matter_that_is_not_offered_says_so_and_its_bookings_stay,
    a_new_template_leaves_what_was_promised,
    a_file_is_taken_in_whole_or_told_fault_by_fault,
);

/// What the township offers, with a change of its group.
fn group(change: impl FnOnce(&mut Value)) -> OfferFile {
    offer(|file| change(&mut file["groups"][0]))
}

async fn one_place_is_kept_for_walk_ins_and_one_for_elders(town: &Town) {
    let slot = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    let window = town.staff("window1").await;
    for n in 0..4 {
        let person = town.resident(&format!("1380000000{n}")).await;
        book(&person, &slot, "田小满").await.ok(201);
    }
    assert_eq!(remaining(town, &slot).await, 0);
    let fifth = town.resident("13800000009").await;
    book(&fifth, &slot, "田小满").await.refused(booking::SLOT_FULL);
    // The windows see one place more, and give it; the last is for who comes without booking.
    let seen = window.get("/slots?guide=SB-03&from=2026-11-25&to=2026-11-25").await.ok(200);
    assert_eq!((&seen["items"][0]["capacity"], &seen["items"][0]["remaining"]), (&json!(5), &json!(1)));
    book(&window, &slot, "向大娘").await.ok(201);
    book(&window, &slot, "谢大爷").await.refused(booking::SLOT_FULL);
    // Places that the windows gave first are missing online as well, once there are no others.
    let other = town.slot("SB-03", at("2026-11-25", 9, 30)).await;
    for name in ["甲", "乙", "丙"] {
        book(&window, &other, name).await.ok(201);
    }
    assert_eq!(remaining(town, &other).await, 2);
    town.deliver().await;
}

async fn a_long_matter_takes_slots_that_follow_one_another(town: &Town) {
    new_rules(town, |rules| rules["cool_down_minutes"] = json!(0)).await;
    let list = town.stranger().get("/slots?guide=MZ-01&from=2026-11-25&to=2026-11-25").await.ok(200);
    let starts: Vec<&str> =
        list["items"].as_array().unwrap().iter().map(|s| &s["starts_at"].as_str().unwrap()[11..16]).collect();
    assert_eq!(starts, ["09:00", "09:30", "10:00", "10:30", "11:00", "14:00", "14:30", "15:00", "15:30", "16:00"]);
    assert_eq!(list["items"][0]["ends_at"], "2026-11-25T10:00:00+08:00");
    let person = town.resident("13800000001").await;
    let slot = town.slot("MZ-01", at("2026-11-25", 9, 30)).await;
    let wish = |slot: &str| json!({ "slot_id": slot, "guide": "MZ-01", "applicant": { "name": "田小满" } });
    let booked = person.post("/bookings", wish(&slot)).await.ok(201);
    assert_eq!(booked["ends_at"], "2026-11-25T10:30:00+08:00");
    let left = async |hour, minute| remaining(town, &town.slot("SB-03", at("2026-11-25", hour, minute)).await).await;
    assert_eq!((left(9, 0).await, left(9, 30).await, left(10, 0).await, left(10, 30).await), (4, 3, 3, 4));
    // The last half hour before noon is too short for it.
    let late = town.slot("SB-03", at("2026-11-25", 11, 30)).await;
    assert_eq!(person.post("/bookings", wish(&late)).await.refused(booking::SLOT_FULL)["field"], "slot_id");
    let nowhere = crate::town::nobody().to_string();
    assert_eq!(person.post("/bookings", wish(&nowhere)).await.refused(booking::UNKNOWN_SLOT)["field"], "slot_id");
    assert_eq!(left(11, 30).await, 4, "nothing of it was kept");
    person.post(&format!("/bookings/{}/cancel", booked["id"].as_str().unwrap()), json!({})).await.ok(200);
    assert_eq!((left(9, 30).await, left(10, 0).await), (4, 4));
    town.deliver().await;
}

async fn takers_of_long_and_short_matters_never_pass_what_is_offered(town: &Town) {
    let mut people = Vec::new();
    for n in 0..12 {
        people.push(town.resident(&format!("138000001{n:02}")).await);
    }
    let mut tries = Vec::new();
    for (n, person) in people.iter().enumerate() {
        // Long ones from nine and from half past nine, short ones in between: they want each other's slots.
        let (guide, minute) = [("MZ-01", 0), ("MZ-01", 30), ("SB-03", 30)][n % 3];
        let slot = town.slot(guide, at("2026-11-25", 9, minute)).await;
        let wish = json!({ "slot_id": slot, "guide": guide, "applicant": { "name": "田小满" } });
        tries.push(async move { person.post("/bookings", wish).await });
    }
    let answers = futures_util::future::join_all(tries).await;
    for answer in &answers {
        assert!(answer.status == 201 || answer.body["code"] == booking::SLOT_FULL.code, "{}", answer.text);
    }
    let booked = entity::booking::Entity::find().all(town.app.read()).await.unwrap();
    assert_eq!(booked.len(), answers.iter().filter(|a| a.status == 201).count());
    // Every slot counts exactly the bookings that reach into it.
    for slot in slot::Entity::find().all(town.app.read()).await.unwrap() {
        let reach = booked.iter().filter(|b| b.starts_at < slot.ends_at && slot.starts_at < b.ends_at).count();
        assert_eq!((slot.taken, slot.taken_online), (i32::try_from(reach).unwrap(), i32::try_from(reach).unwrap()));
    }
    assert_eq!(remaining(town, &town.slot("SB-03", at("2026-11-25", 9, 30)).await).await, 0, "half past nine is full");
    town.deliver().await;
}

async fn online_closes_before_the_windows_do(town: &Town) {
    let (person, window) = (town.resident("13800000001").await, town.staff("window1").await);
    let slot = town.slot("SB-03", at("2026-11-24", 10, 0)).await;
    town.move_to(at("2026-11-24", 9, 45)).await;
    let (person, window) = (person.again().await, window.again().await);
    let told = book(&person, &slot, "田小满").await.refused(booking::ONLINE_CLOSED);
    assert_eq!(told["field"], "slot_id");
    let listed = town.stranger().get("/slots?guide=SB-03").await.ok(200);
    assert_eq!(listed["items"][0]["starts_at"], "2026-11-24T10:30:00+08:00");
    let listed = window.get("/slots?guide=SB-03").await.ok(200);
    assert_eq!(listed["items"][0]["starts_at"], "2026-11-24T10:00:00+08:00");
    book(&window, &slot, "田小满").await.ok(201);
    town.move_to(at("2026-11-24", 10, 0)).await;
    book(&window.again().await, &slot, "向大娘").await.refused(booking::SLOT_PAST);
    town.deliver().await;
}

async fn a_matter_that_is_not_offered_says_so_and_its_bookings_stay(town: &Town) {
    let person = town.resident("13800000001").await;
    let slot = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    let booked = book(&person, &slot, "田小满").await.ok(201);
    let without = group(|group| {
        group["guides"].as_object_mut().unwrap().remove("SB-03");
    });
    import(town, without).await.unwrap();
    book(&person, &slot, "田大满").await.refused(booking::NOT_BOOKABLE);
    town.stranger().get("/slots?guide=SB-03").await.refused(booking::NOT_BOOKABLE);
    let page = town.stranger().send_to(reqwest::Method::GET, "/guides/SB-03", None).await.text;
    assert!(page.contains("不用预约") && !page.contains("预约办理"));
    assert_eq!(person.get("/bookings").await.ok(200)["items"][0]["id"], booked["id"]);
    person.post(&format!("/bookings/{}/cancel", booked["id"].as_str().unwrap()), json!({})).await.ok(200);
    assert_eq!(audit_of(town, "offer.imported").await.len(), 2);
    town.deliver().await;
}

async fn a_new_template_leaves_what_was_promised(town: &Town) {
    new_rules(town, |rules| rules["cool_down_minutes"] = json!(0)).await;
    let person = town.resident("13800000001").await;
    let slot = town.slot("SB-03", at("2026-11-26", 9, 30)).await;
    let booked = book(&person, &slot, "田小满").await.ok(201);
    // Ten o'clock was held and given back: its old slot stays for the record, and stands in nobody's way.
    let ten = town.slot("SB-03", at("2026-11-26", 10, 0)).await;
    let given_up = book(&person, &ten, "田小满").await.ok(201);
    person.post(&format!("/bookings/{}/cancel", given_up["id"].as_str().unwrap()), json!({})).await.ok(200);
    let faster = group(|group| {
        let mut new = group["templates"][0].clone();
        (new["from"], new["minutes"], new["capacity"], new["cut_off_minutes"]) =
            (json!("2026-11-26"), json!(20), json!(3), json!(0));
        group["templates"].as_array_mut().unwrap().push(new);
    });
    import(town, faster).await.unwrap();
    let starts = async |day: &str| {
        let list = town.stranger().get(&format!("/slots?guide=SB-03&from={day}&to={day}")).await.ok(200);
        let starts = list["items"]
            .as_array()
            .unwrap()
            .iter()
            .map(|s| format!("{} {}", &s["starts_at"].as_str().unwrap()[11..16], s["remaining"]));
        starts.take(5).collect::<Vec<_>>()
    };
    assert_eq!(starts("2026-11-25").await[0], "09:00 4", "until then it is as it was");
    // Half past nine is promised, and offers nothing more; nothing is opened over it.
    assert_eq!(starts("2026-11-26").await, ["09:00 1", "09:30 0", "10:00 1", "10:20 1", "10:40 1"]);
    assert_eq!(starts("2026-11-27").await[1], "09:20 1");
    let mine = person.get(&format!("/bookings/{}", booked["id"].as_str().unwrap())).await.ok(200);
    assert_eq!((&mine["starts_at"], &mine["ends_at"]), (&booked["starts_at"], &booked["ends_at"]));
    // Given back, the old span is gone by the next opening, and the new ones are there.
    person.post(&format!("/bookings/{}/cancel", booked["id"].as_str().unwrap()), json!({})).await.ok(200);
    town.wait(chrono::Duration::hours(1)).await;
    let day = at("2026-11-26", 0, 0).date();
    let open = slot::Entity::find().filter(slot::Column::OnDate.eq(day)).filter(slot::Column::Bookable.gt(0));
    let open = open.order_by_asc(slot::Column::StartsAt).all(town.app.read()).await.unwrap();
    assert!(open.iter().all(|s| s.ends_at - s.starts_at == chrono::Duration::minutes(20)));
    town.deliver().await;
}

async fn a_file_is_taken_in_whole_or_told_fault_by_fault(town: &Town) {
    let before = town.rows().await;
    let refused = async |change: fn(&mut Value)| import(town, group(change)).await.unwrap_err().to_string();
    let told = refused(|group| {
        group["code"] = json!("综合");
        group["name"] = json!(" ");
        group["guides"] = json!({ "SB-03": 0, "XX-99": 1 });
        group["templates"][0]["walk_in"] = json!(9);
        group["templates"][0]["minutes"] = json!(1);
    })
    .await;
    for word in [
        "bad_offer",
        "code 综合",
        "name 为空",
        "SB-03 应占1至16个时段",
        "没有事项 XX-99",
        "walk_in",
        "minutes 应为5至240",
    ] {
        assert!(told.contains(word), "{word}: {told}");
    }
    let told = refused(|group| group["templates"][0]["capacity"] = json!(7)).await;
    assert!(told.contains("自2020-01-01起的放号规则已经登记"), "{told}");
    let rules = async |change: fn(&mut Value)| {
        import(town, offer(|file| change(&mut file["rules"][0]))).await.unwrap_err().to_string()
    };
    let told = rules(|rule| {
        for key in ["own_open", "per_day", "no_show_days", "no_show_most", "limited_days"] {
            rule[key] = json!(0);
        }
        (rule["hold_minutes"], rule["cool_down_minutes"], rule["other_open"]) = (json!(31), json!(-1), json!(101));
    })
    .await;
    for key in [
        "own_open",
        "other_open",
        "per_day",
        "hold_minutes",
        "cool_down_minutes",
        "no_show_days",
        "no_show_most",
        "limited_days",
    ] {
        assert!(told.contains(&format!("rules[0] {key} 应为")), "{key}: {told}");
    }
    let told = rules(|rule| rule["per_day"] = json!(7)).await;
    assert!(told.contains("自2020-01-01起的预约规则已经登记"), "{told}");
    let told = import(town, offer(|file| file["rules"] = json!([]))).await.unwrap_err().to_string();
    assert!(told.contains("rules 至少写一条"), "{told}");
    let mut after = town.rows().await;
    for changing in ["lease", "audit", "session"] {
        after.insert(changing.to_owned(), before[changing]);
    }
    assert_eq!(after, before);
}
