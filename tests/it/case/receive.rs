//! Receiving: a receipt for everybody, numbers without gaps, bookings used up.

use super::number;
use crate::town::{Town, at, stories};
use serde_json::{Value, json};
use shuitian::domain::{booking, case, guide};

stories!(
    a_case_without_phone_or_booking_has_a_receipt_and_a_way_to_ask,
    numbers_run_without_gaps_though_ten_windows_press,
    a_booking_is_used_up_on_its_day_only,
    wrong_materials_are_refused_by_field,
);

async fn a_case_without_phone_or_booking_has_a_receipt_and_a_way_to_ask(town: &Town) {
    let case = town.received("SB-03", None).await;
    let ask = |proof: Value| {
        let mut body = json!({ "number": case["receipt"]["number"] });
        body.as_object_mut().unwrap().extend(proof.as_object().unwrap().clone());
        body
    };
    let check_code = case["receipt"]["check_code"].as_str().unwrap();
    let spaced = format!("{} {}", check_code[..4].to_lowercase(), &check_code[4..]);
    let seen = town.stranger().post("/progress", ask(json!({ "check_code": spaced }))).await.ok(200);
    assert_eq!((&seen["state"], &seen["item"]), (&json!("received"), &json!("失业登记")));
    town.stranger().post("/progress", ask(json!({ "phone_tail": "0001" }))).await.refused(case::NO_PROGRESS);
    town.stranger().post("/progress", ask(json!({}))).await.refused(case::PROOF_NEEDED);
    let landline = town
        .staff("window1")
        .await
        .post(
            "/cases",
            json!({
                "guide": "SB-03", "channel": "home_visit", "applicant": { "name": "李家", "phone": "023-7931 2345" }
            }),
        )
        .await
        .ok(201);
    let by_tail = json!({ "number": number(&landline), "phone_tail": "2345" });
    town.stranger().post("/progress", by_tail).await.ok(200);
    assert!(town.memory().sent().is_empty(), "a landline takes no texts");
}

async fn numbers_run_without_gaps_though_ten_windows_press(town: &Town) {
    let window = town.staff("window1").await;
    let intake = json!({ "guide": "SB-03", "channel": "window", "applicant": { "name": "甲" } });
    let cases = futures_util::future::join_all((0..10).map(|_| window.post("/cases", intake.clone()))).await;
    let mut numbers: Vec<String> = cases.into_iter().map(|a| number(&a.ok(201))).collect();
    // A refused one between them takes no number.
    window.post("/cases", json!({ "guide": "SB-03", "channel": "window", "applicant": { "name": "" } })).await.ok(422);
    numbers.push(number(&window.post("/cases", intake.clone()).await.ok(201)));
    numbers.sort();
    let expected: Vec<String> = (1..=11).map(|n| format!("ST-B-20261124-{n:04}")).collect();
    assert_eq!(numbers, expected);
    town.move_to(at("2026-11-25", 9, 0)).await;
    let next_day = town.staff("window1").await.post("/cases", intake).await.ok(201);
    assert_eq!(number(&next_day), "ST-B-20261125-0001");
}

async fn a_booking_is_used_up_on_its_day_only(town: &Town) {
    let person = town.resident("13800000001").await;
    let slot = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    let booking = person
        .post("/bookings", json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "田小满" } }))
        .await
        .ok(201);
    let intake = json!({ "guide": "SB-03", "channel": "window", "booking_id": booking["id"], "applicant": { "name": "田小满" } });
    let early = town.staff("window1").await.post("/cases", intake.clone()).await.refused(booking::NOT_TODAY);
    assert_eq!(early["field"], "booking_id");
    town.move_to(at("2026-11-25", 9, 0)).await;
    town.deliver().await;
    town.staff("window1").await.post("/cases", intake.clone()).await.ok(201);
    town.staff("window2").await.post("/cases", intake).await.refused(booking::NOT_OPEN);
    assert_eq!(town.rows().await["service_case"], 1);
}

async fn wrong_materials_are_refused_by_field(town: &Town) {
    let window = town.staff("window1").await;
    let before = town.rows().await;
    let with = |materials: Value| json!({ "guide": "SB-03", "channel": "window", "applicant": { "name": "甲" }, "materials": materials });
    let nameless = window
        .post("/cases", with(json!([{ "name": "身份证", "form": "copy" }, { "name": " ", "form": "copy" }])))
        .await;
    assert_eq!(nameless.refused(case::BAD_MATERIAL)["field"], "materials[1].name");
    let none = window.post("/cases", with(json!([{ "name": "身份证", "form": "copy", "copies": 0 }]))).await;
    assert_eq!(none.refused(case::BAD_MATERIAL)["field"], "materials[0].copies");
    window
        .post("/cases", json!({ "guide": "SB-99", "channel": "window", "applicant": { "name": "甲" } }))
        .await
        .refused(guide::UNKNOWN_GUIDE);
    assert_eq!(town.rows().await, before);
}
