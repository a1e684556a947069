//! The main job once, by HTTP alone: guide → booking → window → end → progress → text → review → the month's figures.

use crate::town::{Town, at, stories};
use serde_json::{Value, json};
use shuitian::domain::review;

stories!(a_villager_comes_once_and_the_month_counts_it, three_ways_to_rate);

const PHONE: &str = "13800000001";

async fn a_villager_comes_once_and_the_month_counts_it(town: &Town) {
    // She looks for what she needs by the initials of its pinyin, and reads the guide of the real list.
    let found = town.stranger().get("/guides?q=sydj").await.ok(200);
    assert_eq!(found["items"][0]["name"], "失业登记");
    let guide = town.stranger().get("/guides/SB-03").await.ok(200);
    assert_eq!(
        (&guide["promised_days"], &guide["fee"]),
        (&json!(0), &Value::Null),
        "what was not published stays null"
    );

    // She books a half hour tomorrow, and is told and reminded by text.
    let resident = town.resident(PHONE).await;
    let slot = town.slot("SB-03", at("2026-11-25", 9, 30)).await;
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "田小满" } });
    let booking = resident.post("/bookings", wish).await.ok(201);
    let (booking_id, number) = (booking["id"].as_str().unwrap(), booking["number"].as_str().unwrap());
    let told = town.texts(PHONE).await.pop().unwrap();
    assert!(
        told.starts_with("【水田乡便民中心】") && told.contains(number) && told.contains("11月25日 09:30"),
        "{told}"
    );
    assert!(!told.contains("田小满"), "no personal data in a text");
    town.move_to(at("2026-11-24", 16, 1)).await;
    assert!(town.texts(PHONE).await.pop().unwrap().contains("提醒"));

    // She comes; the window finds her by the last four of her phone, and receives the case.
    town.move_to(at("2026-11-25", 9, 35)).await;
    let window = town.staff("window1").await;
    let today = window.get("/bookings?phone_tail=0001").await.ok(200);
    assert_eq!(
        today["items"][0]["applicant"],
        json!({
            "kind": "person", "name": "田**", "phone": "138****0001", "id_type": null, "id_number": null
        })
    );
    let materials = json!([{ "name": "重庆市失业登记申请表", "form": "original" }, { "name": "居民身份证（社会保障卡）", "form": "copy", "copies": 1 }]);
    let intake = json!({
        "guide": "SB-03", "channel": "window", "booking_id": booking_id, "materials": materials,
        "applicant": { "name": "田小满", "phone": PHONE, "id_type": "id_card", "id_number": "11010519491231002x" },
    });
    let case = window.post("/cases", intake).await.ok(201);
    assert_eq!(
        (&case["number"], &case["receipt"]["number"]),
        (&json!("ST-B-20261125-0001"), &json!("ST-20261125-0001"))
    );
    assert_eq!((&case["state"], &case["due_on"]), (&json!("received"), &json!("2026-11-25")));
    let number = case["number"].as_str().unwrap();
    let receipt = window.get(&format!("/cases/{number}/receipt")).await;
    assert_eq!(receipt.status, 200);
    for part in [
        "收件回执单",
        "ST-20261125-0001",
        case["receipt"]["check_code"].as_str().unwrap(),
        "重庆市失业登记申请表",
        "<svg",
    ] {
        assert!(receipt.text.contains(part), "{part}");
    }
    let resident = resident.again().await;
    let kept = resident.get(&format!("/bookings/{booking_id}")).await.ok(200);
    assert_eq!(kept["state"], "arrived");

    // A 即办件: accepted, decided and handed over at the window within the half hour.
    window.post(&format!("/cases/{number}/accept"), json!({})).await.ok(200);
    window.post(&format!("/cases/{number}/decide"), json!({ "grant": true })).await.ok(200);
    let issued = window.post(&format!("/cases/{number}/issue"), json!({})).await.ok(200);
    assert_eq!(issued["state"], "issued");

    // Whoever holds the receipt sees how far it is; she sees her own case in full.
    let progress = json!({ "number": "st-20261125-0001", "check_code": case["receipt"]["check_code"] });
    let progress = town.stranger().post("/progress", progress).await.ok(200);
    let kinds: Vec<&str> =
        progress["timeline"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(
        (progress["state_text"].as_str(), kinds),
        (Some("已办结"), vec!["received", "accepted", "granted", "issued"])
    );
    let own = resident.get(&format!("/cases/{number}")).await.ok(200);
    assert_eq!(
        (own["applicant"]["name"].as_str(), own["applicant"]["id_number"].as_str()),
        (Some("田小满"), Some("1101************2X"))
    );

    // A text invites her; she rates by the link and adds to it once.
    let invited = town.texts(PHONE).await.pop().unwrap();
    let token = invited.split("/r/").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    assert_eq!(issued["invitation"]["url"], format!("http://town.example/r/{token}"));
    let opened = town.stranger().post("/invitations/open", json!({ "token": token })).await.ok(200);
    assert_eq!(
        (&opened["item"], &opened["state"], opened["grades"].as_array().unwrap().len()),
        (&json!("失业登记"), &json!("open"), 5)
    );
    let opinion = json!({ "token": token, "grade": 5, "tags": ["517"], "comment": "一次办好", "anonymous": true });
    town.stranger().post("/reviews", opinion.clone()).await.ok(201);
    town.stranger().post("/reviews", opinion).await.refused(review::ALREADY_RATED);
    town.stranger().post("/reviews/append", json!({ "token": token, "comment": "回家后又想说声谢谢" })).await.ok(201);

    // The month ends in a bulletin that the director signs, and whose every figure opens to its rows.
    town.move_to(at("2026-12-01", 9, 0)).await;
    let director = town.staff("director").await;
    let draft = director.post("/bulletins/2026-11/draft", json!({})).await.ok(200);
    let figure = |key: &str| draft["figures"].as_array().unwrap().iter().find(|f| f["key"] == key).unwrap().clone();
    for (key, numerator, denominator, text) in [
        ("received", 1, Value::Null, "1"),
        ("ended", 1, Value::Null, "1"),
        ("ended_in_time", 1, json!(1), "100.0%"),
        ("instant", 1, json!(1), "100.0%"),
        ("received.SB", 1, Value::Null, "1"),
        ("rated", 1, json!(1), "100.0%"),
        ("good", 1, json!(1), "100.0%"),
        ("bad", 0, Value::Null, "0"),
        ("booked", 1, Value::Null, "1"),
        ("kept", 1, json!(1), "100.0%"),
        ("no_show", 0, json!(1), "0.0%"),
    ] {
        let figure = figure(key);
        assert_eq!(
            (&figure["numerator"], &figure["denominator"], &figure["text"]),
            (&json!(numerator), &denominator, &json!(text)),
            "{key}"
        );
    }
    let rows = director.get("/bulletins/2026-11/figures/ended_in_time/rows").await.ok(200);
    assert_eq!(rows["items"], json!([{ "reference": number, "on": "2026-11-25", "counted": true }]));
    let hash = draft["sha256"].as_str().unwrap();
    let signed = director.post(&format!("/bulletins/2026-11/sign?sha256={hash}"), json!({})).await.ok(200);
    assert_eq!((&signed["state"], &signed["sha256"]), (&json!("signed"), &draft["sha256"]));
    let public = town.stranger().get("/bulletins/2026-11").await.ok(200);
    assert_eq!(public["figures"], signed["figures"], "a published bulletin is anybody's to read");
}

async fn three_ways_to_rate(town: &Town) {
    let by_link = town.issued("SB-03", Some("13800000011")).await;
    let by_code = town.issued("SB-06", None).await;
    town.issued("WJ-01", Some("13800000013")).await;
    let token = by_link["invitation"]["url"].as_str().unwrap().rsplit('/').next().unwrap();
    town.stranger().post("/reviews", json!({ "token": token, "grade": 4 })).await.ok(201);
    let code = by_code["invitation"]["code"].as_str().unwrap().to_lowercase();
    town.stranger().post("/reviews", json!({ "code": code, "grade": 3, "tags": ["309"] })).await.ok(201);
    assert!(town.texts("13800000013").await.pop().unwrap().contains("A5非常满意"));
    assert_eq!(town.text_from("13800000013", "５").await.ok(200)["outcome"], "rated");
    let reviews = town.rows().await["review"];
    assert_eq!(reviews, 3);
}
