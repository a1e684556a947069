//! Looking: who may see which case, and how much of it.

use super::number;
use crate::town::{Town, audit_of, stories};
use chrono::Duration;
use serde_json::{Value, json};
use shuitian::access;
use shuitian::domain::case;

stories!(
    seeing_in_full_needs_a_purpose_and_leaves_a_line,
    who_may_see_which_cases,
    under_a_phone_one_sees_the_matter_and_state_alone,
    a_case_under_a_phone_opens_for_a_proof,
    progress_tells_nothing_to_who_guesses,
);

async fn seeing_in_full_needs_a_purpose_and_leaves_a_line(town: &Town) {
    let window = town.staff("window1").await;
    let applicant =
        json!({ "name": "田小满", "phone": "13800000001", "id_type": "id_card", "id_number": "11010519491231002X" });
    let case = number(
        &window.post("/cases", json!({ "guide": "SB-03", "channel": "window", "applicant": applicant })).await.ok(201),
    );
    let masked = window.get(&format!("/cases/{case}")).await.ok(200);
    assert_eq!(masked["applicant"]["id_number"], "1101************2X");
    let reveal = async |body: Value| window.post(&format!("/cases/{case}/reveal"), body).await;
    reveal(json!({ "fields": ["phone"], "purpose": " " })).await.refused(case::PURPOSE_NEEDED);
    // It is kept in clear for ever.
    for purpose in ["回访13899998888", "查１３９００００１１１１号", "打一三九〇〇〇〇一一一一", "①③⑨⓪⓪⓪⓪①①①①"]
    {
        let numbered = json!({ "fields": ["phone"], "purpose": purpose });
        reveal(numbered).await.refused(case::PURPOSE_WITHOUT_NUMBERS);
    }
    // A cursor that no calendar holds came from no page.
    let forged = "8210266876799999.00000000-0000-0000-0000-000000000000";
    for path in ["/cases?lamp=green&cursor=", "/cases?cursor="] {
        window.get(&format!("{path}{forged}")).await.refused(shuitian::domain::act::BAD_CURSOR);
    }
    reveal(json!({ "fields": ["phone", "password"], "purpose": "电话通知领取" })).await.refused(case::BAD_FIELDS);
    reveal(json!({ "fields": [], "purpose": "电话通知领取" })).await.refused(case::BAD_FIELDS);
    assert!(audit_of(town, "case.revealed").await.is_empty());
    let shown = reveal(json!({ "fields": ["phone", "id_number"], "purpose": "电话通知领取" })).await.ok(200);
    assert_eq!(shown, json!({ "phone": "13800000001", "id_number": "11010519491231002X" }));
    let lines = audit_of(town, "case.revealed").await;
    assert_eq!((lines.len(), &lines[0].subject), (1, &case));
    assert_eq!(lines[0].detail, json!({ "fields": ["phone", "id_number"], "purpose": "电话通知领取" }));
    town.staff("office2")
        .await
        .post(&format!("/cases/{case}/reveal"), json!({ "fields": ["name"], "purpose": "核对" }))
        .await
        .ok(200);
    town.staff("office1")
        .await
        .post(&format!("/cases/{case}/reveal"), json!({ "fields": ["name"], "purpose": "核对" }))
        .await
        .refused(case::UNKNOWN_CASE);
}

async fn who_may_see_which_cases(town: &Town) {
    let (civil, social) = (number(&town.received("MZ-01", None).await), number(&town.received("SB-01", None).await));
    let count = async |who: &str| town.staff(who).await.get("/cases").await.ok(200)["items"].as_array().unwrap().len();
    for (who, sees) in
        [("window1", 2), ("director", 2), ("leader", 2), ("supervisor", 2), ("office1", 1), ("office2", 1)]
    {
        assert_eq!(count(who).await, sees, "{who}");
    }
    for who in ["party", "admin"] {
        town.staff(who).await.get("/cases").await.refused(access::FORBIDDEN);
    }
    town.staff("office1").await.get(&format!("/cases/{civil}")).await.ok(200);
    town.staff("office1").await.get(&format!("/cases/{social}")).await.refused(case::UNKNOWN_CASE);
    let filtered = town.staff("window1").await.get("/cases?office=SB&state=received").await.ok(200);
    assert_eq!(filtered["items"][0]["number"], social);
    let first = town.staff("window1").await.get("/cases?limit=1").await.ok(200);
    let cursor = first["next_cursor"].as_str().unwrap();
    let second = town.staff("window1").await.get(&format!("/cases?limit=1&cursor={cursor}")).await.ok(200);
    assert_eq!(
        (&first["items"][0]["number"], &second["items"][0]["number"], &second["next_cursor"]),
        (&json!(social), &json!(civil), &Value::Null)
    );
    town.staff("window1").await.get("/cases?cursor=x").await.refused(shuitian::domain::act::BAD_CURSOR);
}

async fn under_a_phone_one_sees_the_matter_and_state_alone(town: &Town) {
    let case = town.received("SB-03", Some("13800000001")).await;
    let phone = town.resident("13800000001").await;
    let list = phone.get("/cases").await.ok(200);
    assert_eq!((&list["items"][0]["item"], &list["items"][0]["applicant"]), (&json!("失业登记"), &Value::Null));
    let detail = phone.get(&format!("/cases/{}", number(&case))).await.ok(200);
    assert_eq!(
        (&detail["timeline"], &detail["materials"], &detail["applicant"]),
        (&json!([]), &json!([]), &Value::Null)
    );
    phone.get(&format!("/cases/{}/receipt", number(&case))).await.refused(case::UNKNOWN_CASE);
    let other = town.resident("13800000002").await;
    assert_eq!(other.get("/cases").await.ok(200)["items"], json!([]));
    other.get(&format!("/cases/{}", number(&case))).await.refused(case::UNKNOWN_CASE);
}

async fn a_case_under_a_phone_opens_for_a_proof(town: &Town) {
    let window = town.staff("window1").await;
    let applicant =
        json!({ "name": "田小满", "phone": "13800000001", "id_type": "id_card", "id_number": "11010519491231002X" });
    let intake = json!({ "guide": "SB-03", "channel": "window", "applicant": applicant });
    let case = window.post("/cases", intake).await.ok(201);
    let path = format!("/cases/{}/open", number(&case));
    let phone = town.resident("13800000001").await;
    let before = town.rows().await;
    let code = json!({ "check_code": case["receipt"]["check_code"] });
    for proof in [code, json!({ "id_tail": "002x" })] {
        let opened = phone.post(&path, proof).await.ok(200);
        assert_eq!(
            (&opened["applicant"]["name"], &opened["timeline"][0]["kind"]),
            (&json!("田小满"), &json!("received"))
        );
        assert_eq!(opened["applicant"]["id_number"], "1101************2X", "a document is never shown");
        assert!(opened["timeline"][0]["by"].is_null());
    }
    for wrong in
        [json!({ "check_code": "AAAAAAAA" }), json!({ "id_tail": "02X" }), json!({ "id_tail": "1002" }), json!({})]
    {
        phone.post(&path, wrong).await.refused(case::WRONG_PROOF);
    }
    // Reading is reading: it stays in part without the proof.
    assert_eq!(phone.get(&format!("/cases/{}", number(&case))).await.ok(200)["timeline"], json!([]));
    let other = town.resident("13800000002").await;
    other.post(&path, json!({ "check_code": case["receipt"]["check_code"] })).await.refused(case::UNKNOWN_CASE);
    assert_eq!(town.rows().await["service_case"], before["service_case"]);
    // Four characters are guessed soon, if one may guess.
    for n in 0..7 {
        phone.post(&path, json!({ "id_tail": format!("100{n}") })).await.refused(case::WRONG_PROOF);
    }
    phone.post(&path, json!({ "id_tail": "002X" })).await.refused(access::TOO_OFTEN);
    phone.post(&path, json!({ "check_code": case["receipt"]["check_code"] })).await.ok(200);
    // Other documents are written in many ways.
    for (written, tail) in [("H1234567(8)", "5678"), ("军字第12345号", "2345"), ("ab12cd", "12CD")] {
        let applicant = json!({ "name": "谢大爷", "phone": "13800000001", "id_type": "other", "id_number": written });
        let intake = json!({ "guide": "SB-03", "channel": "window", "applicant": applicant });
        let case = town.staff("window1").await.post("/cases", intake).await.ok(201);
        phone.post(&format!("/cases/{}/open", number(&case)), json!({ "id_tail": tail })).await.ok(200);
    }
    // Without a document there is nothing to compare with.
    let bare = town.received("SB-03", Some("13800000001")).await;
    let path = format!("/cases/{}/open", number(&bare));
    phone.post(&path, json!({ "id_tail": "" })).await.refused(case::WRONG_PROOF);
}

async fn progress_tells_nothing_to_who_guesses(town: &Town) {
    let case = town.received("SB-03", Some("13800000001")).await;
    let ask = async |number: &str, tail: &str| {
        town.stranger().post("/progress", json!({ "number": number, "phone_tail": tail })).await
    };
    let wrong_number = ask("ST-B-20261124-0009", "0001").await.refused(case::NO_PROGRESS);
    let wrong_tail = ask(&number(&case), "0002").await.refused(case::NO_PROGRESS);
    assert_eq!((&wrong_number["message"], &wrong_number["field"]), (&wrong_tail["message"], &wrong_tail["field"]));
    ask(&number(&case), "01").await.refused(case::NO_PROGRESS);
    ask(&number(&case), "00001").await.refused(case::NO_PROGRESS);
    for n in 0..7 {
        ask(&number(&case), &format!("100{n}")).await.refused(case::NO_PROGRESS);
    }
    ask(&number(&case), "0001").await.refused(access::TOO_OFTEN);
    // One tail on many numbers is one guess, however it is written.
    let elsewhere = town.stranger().from("203.0.113.20");
    for n in 0..8 {
        let typed = ["0007", "00-07", "０００７", " 0.0.0.7 "][n % 4];
        let look = json!({ "number": format!("ST-B-20261123-{n:04}"), "phone_tail": typed });
        elsewhere.post("/progress", look).await.refused(case::NO_PROGRESS);
    }
    let look = json!({ "number": "ST-B-20261123-0099", "phone_tail": "0-0-0-7" });
    elsewhere.post("/progress", look).await.refused(access::TOO_OFTEN);
    // Written otherwise, it is the same number; and guessing locks out nobody who holds the receipt.
    ask(&case["receipt"]["number"].as_str().unwrap().to_lowercase(), "0001").await.refused(access::TOO_OFTEN);
    let receipt = json!({ "number": number(&case), "check_code": case["receipt"]["check_code"] });
    town.stranger().post("/progress", receipt).await.ok(200);
    town.wait(Duration::minutes(73)).await;
    let seen = ask(&number(&case), "0001").await.ok(200);
    assert!(!seen.to_string().contains("田小满"), "never a name");
    town.deliver().await;
}
