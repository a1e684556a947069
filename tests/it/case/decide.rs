//! From acceptance to the end, and corrections on the way.

use super::number;
use crate::town::{Town, at, audit_of, stories};
use chrono::Duration;
use serde_json::{Value, json};
use shuitian::access;
use shuitian::domain::{applicant, authority, case, cover, notice, review};
use shuitian::gateway::sms::Outcome;

stories!(
    an_act_out_of_order_is_refused_with_the_state,
    two_officers_act_at_once_and_one_is_told_what_changed,
    taking_back_forgets_nothing_that_was_done_in_the_same_moment,
    article_4_2_an_office_decides_its_own_matters_only,
    article_5_3_2c_a_refusal_needs_a_ground_and_the_applicant_can_read_it,
    whoever_waits_is_told_to_collect_and_whoever_has_it_is_not,
    handed_over_while_the_phone_is_corrected,
    an_applicant_takes_his_case_back,
    what_was_said_to_a_wrong_phone_is_said_to_the_right_one,
    a_wrong_phone_is_corrected_and_the_strangers_link_is_void,
);

async fn an_act_out_of_order_is_refused_with_the_state(town: &Town) {
    let case = number(&town.received("SB-03", None).await);
    let (window, director) = (town.staff("window1").await, town.staff("director").await);
    let act = async |step: &str, body: Value| director.post(&format!("/cases/{case}/{step}"), body).await;
    let told = act("decide", json!({ "grant": true })).await.refused(case::WRONG_STATE);
    assert!(told["message"].as_str().unwrap().contains("已收件"));
    act("issue", json!({})).await.refused(case::WRONG_STATE);
    act("accept", json!({})).await.ok(200);
    act("accept", json!({})).await.refused(case::WRONG_STATE);
    act("refuse", json!({ "ground": "材料不属实，不予受理" })).await.refused(case::WRONG_STATE);
    act("decide", json!({ "grant": true })).await.ok(200);
    act("decide", json!({ "grant": false, "ground": "改主意了不批准" })).await.refused(case::WRONG_STATE);
    window.post(&format!("/cases/{case}/issue"), json!({})).await.ok(200);
    act("withdraw", json!({})).await.refused(case::WRONG_STATE);
    act("accept", json!({})).await.refused(case::WRONG_STATE);
    director.post("/cases/ST-B-20261124-9999/accept", json!({})).await.refused(case::UNKNOWN_CASE);
    let rows = town.rows().await;
    assert_eq!((rows["case_event"], rows["invitation"]), (4, 1), "refused acts leave nothing");
}

async fn two_officers_act_at_once_and_one_is_told_what_changed(town: &Town) {
    let case = number(&town.received("SB-03", None).await);
    let (one, two) = (town.staff("window1").await, town.staff("window2").await);
    let path = format!("/cases/{case}/accept");
    let answers =
        futures_util::future::join_all((0..10).map(|n| if n % 2 == 0 { &one } else { &two }.post(&path, json!({}))))
            .await;
    assert_eq!(answers.iter().filter(|a| a.status == 200).count(), 1);
    assert!(answers.iter().filter(|a| a.status != 200).all(|a| a.status == 409 && a.text.contains("已受理")));
    assert_eq!(town.rows().await["case_event"], 2);
}

async fn taking_back_forgets_nothing_that_was_done_in_the_same_moment(town: &Town) {
    let (one, two) = (town.staff("window1").await, town.staff("window2").await);
    for _ in 0..8 {
        let case = number(&town.received("SB-03", None).await);
        let (accept, withdraw) = (format!("/cases/{case}/accept"), format!("/cases/{case}/withdraw"));
        let (accepted, back) = tokio::join!(one.post(&accept, json!({})), two.post(&withdraw, json!({})));
        back.ok(200);
        let seen = one.get(&format!("/cases/{case}")).await.ok(200);
        assert_eq!(seen["state"], "withdrawn");
        assert_eq!(seen["accepted_on"].is_null(), accepted.status != 200, "{seen}");
    }
}

async fn article_4_2_an_office_decides_its_own_matters_only(town: &Town) {
    let civil = number(&town.received("MZ-01", None).await);
    let social = number(&town.received("SB-01", None).await);
    let (window, office) = (town.staff("window1").await, town.staff("office1").await);
    office.post(&format!("/cases/{civil}/accept"), json!({})).await.ok(200);
    office.post(&format!("/cases/{social}/accept"), json!({})).await.refused(case::UNKNOWN_CASE);
    let told =
        window.post(&format!("/cases/{civil}/decide"), json!({ "grant": true })).await.refused(authority::NO_POWER);
    assert_eq!(told["article"], "4.2");
    office.post(&format!("/cases/{civil}/decide"), json!({ "grant": true })).await.ok(200);
    office.post(&format!("/cases/{civil}/issue"), json!({})).await.refused(cover::NOT_YOUR_POST);
    town.staff("leader").await.post(&format!("/cases/{civil}/issue"), json!({})).await.refused(access::FORBIDDEN);
}

async fn article_5_3_2c_a_refusal_needs_a_ground_and_the_applicant_can_read_it(town: &Town) {
    let case = town.received("MZ-01", Some("13800000001")).await;
    let window = town.staff("window1").await;
    let refuse = async |ground: &str| {
        window.post(&format!("/cases/{}/refuse", number(&case)), json!({ "ground": ground })).await
    };
    assert_eq!(refuse(" 不行 ").await.refused(case::GROUND_NEEDED)["field"], "ground");
    let refused = refuse("户籍不在本乡，请向户籍所在地乡镇申请").await.ok(200);
    assert_eq!(
        (&refused["state"], refused["invitation"].is_object()),
        (&json!("refused"), true),
        "a refusal can be rated too"
    );
    let ask = |proof: Value| {
        let mut body = json!({ "number": number(&case) });
        body.as_object_mut().unwrap().extend(proof.as_object().unwrap().clone());
        body
    };
    let holder =
        town.stranger().post("/progress", ask(json!({ "check_code": case["receipt"]["check_code"] }))).await.ok(200);
    assert_eq!(holder["timeline"][1]["ground"], "户籍不在本乡，请向户籍所在地乡镇申请");
    let neighbour = town.stranger().post("/progress", ask(json!({ "phone_tail": "0001" }))).await.ok(200);
    assert_eq!(neighbour["timeline"][1]["ground"], Value::Null, "four digits do not open a ground");
    town.deliver().await;
    let denied = number(&town.received("MZ-02", None).await);
    let director = town.staff("director").await;
    director.post(&format!("/cases/{denied}/accept"), json!({})).await.ok(200);
    director.post(&format!("/cases/{denied}/decide"), json!({ "grant": false })).await.refused(case::GROUND_NEEDED);
    let ground = json!({ "grant": false, "ground": "经核查不符合特困人员认定条件" });
    assert_eq!(director.post(&format!("/cases/{denied}/decide"), ground).await.ok(200)["state"], "denied");
}

async fn whoever_waits_is_told_to_collect_and_whoever_has_it_is_not(town: &Town) {
    const PHONE: &str = "13800000001";
    let told = async || town.texts(PHONE).await.iter().filter(|t| t.contains("已经办好，请带回执单")).count();
    let director = town.staff("director").await;
    let through = async |case: &str, steps: &[&str]| {
        for step in steps {
            let body = if *step == "decide" { json!({ "grant": true }) } else { json!({}) };
            director.post(&format!("/cases/{case}/{step}"), body).await.ok(200);
        }
    };
    let waits = number(&town.received("NY-01", Some(PHONE)).await);
    through(&waits, &["accept", "decide"]).await;
    assert_eq!(told().await, 1);
    // Handed over in the same visit, before the text left: it stays at home.
    let at_once = number(&town.received("NY-01", Some(PHONE)).await);
    through(&at_once, &["accept", "decide", "issue"]).await;
    assert_eq!(told().await, 1);
    // A 即办件 is handed over on the spot.
    let instant = number(&town.received("SB-03", Some(PHONE)).await);
    through(&instant, &["accept", "decide"]).await;
    assert_eq!(told().await, 1);
}

async fn an_applicant_takes_his_case_back(town: &Town) {
    let (owner, other) = (town.resident("13800000001").await, town.resident("13800000002").await);
    let slot = town.slot("SB-03", at("2026-11-24", 10, 0)).await;
    let booking = owner
        .post("/bookings", json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "田小满" } }))
        .await
        .ok(201);
    let window = town.staff("window1").await;
    let intake = json!({ "guide": "SB-03", "channel": "window", "booking_id": booking["id"], "applicant": { "name": "田小满", "phone": "13800000001" } });
    let case = number(&window.post("/cases", intake).await.ok(201));
    other.post(&format!("/cases/{case}/withdraw"), json!({})).await.refused(case::UNKNOWN_CASE);
    let back = owner.post(&format!("/cases/{case}/withdraw"), json!({})).await.ok(200);
    assert_eq!(
        (&back["state"], &back["invitation"]),
        (&json!("withdrawn"), &Value::Null),
        "who takes it back is not asked to rate"
    );
    assert_eq!(town.rows().await["invitation"], 0);
    // Entered at the window under his phone, it is not shown in full, and not his to take back.
    let under_phone = number(&town.received("SB-03", Some("13800000001")).await);
    owner.post(&format!("/cases/{under_phone}/withdraw"), json!({})).await.refused(case::UNKNOWN_CASE);
    town.deliver().await;
}

async fn handed_over_while_the_phone_is_corrected(town: &Town) {
    use entity::review::invitation::{Column, Entity};
    use sea_orm::{EntityTrait as _, QueryOrder as _};
    let (window, director) = (town.staff("window1").await, town.staff("director").await);
    for round in 0..8 {
        let case = number(&town.received("SB-03", Some("13800000099")).await);
        window.post(&format!("/cases/{case}/accept"), json!({})).await.ok(200);
        director.post(&format!("/cases/{case}/decide"), json!({ "grant": true })).await.ok(200);
        let (issue, applicant) = (format!("/cases/{case}/issue"), format!("/cases/{case}/applicant"));
        let right = format!("138000000{:02}", 10 + round);
        let (issued, corrected) = futures_util::future::join(
            window.post(&issue, json!({})),
            director.post(&applicant, json!({ "phone": right })),
        )
        .await;
        issued.ok(200);
        corrected.ok(200);
        // Whichever came first: who is asked is who was written down last, and the wrong phone's link is void.
        let asked = Entity::find().order_by_desc(Column::Id).all(town.app.read()).await.unwrap();
        assert_eq!(asked.len(), round + 1);
        assert_eq!(asked[0].phone_blind, Some(town.app.vault.blind("phone", town.centre.id, &right)), "round {round}");
        assert_eq!(town.texts(&right).await.len(), 1, "round {round}");
        let strangers = town.texts("13800000099").await;
        for token in strangers.iter().filter_map(|t| t.split("/r/").nth(1)) {
            let token = token.split(' ').next().unwrap();
            let opened = town.stranger().post("/invitations/open", json!({ "token": token })).await;
            opened.refused(review::UNKNOWN_INVITATION);
        }
    }
}

async fn what_was_said_to_a_wrong_phone_is_said_to_the_right_one(town: &Town) {
    const WRONG: &str = "13800000099";
    let case = number(&town.received("SB-01", Some(WRONG)).await);
    let window = town.staff("window1").await;
    let correct = async |phone: &str| window.post(&format!("/cases/{case}/applicant"), json!({ "phone": phone })).await;
    // It waits for some minutes, and does not go to the stranger any more.
    correct("13800000001").await.ok(200);
    town.wait(Duration::minutes(5)).await;
    assert!(town.texts(WRONG).await.is_empty());
    assert_eq!(town.texts("13800000001").await.len(), 1);
    // One that a gateway refused is nobody's to send there again.
    window.post(&format!("/cases/{case}/accept"), json!({})).await.ok(200);
    town.memory().answer_next(Outcome::Rejected("x".to_owned()));
    town.wait(Duration::minutes(5)).await;
    town.deliver().await;
    let refused = window.get("/texts").await.ok(200)["items"][0]["id"].as_str().unwrap().to_owned();
    correct("13800000002").await.ok(200);
    assert_eq!(window.get("/texts").await.ok(200)["items"], json!([]));
    window.post(&format!("/texts/{refused}/retry"), json!({})).await.refused(notice::NOT_TO_RETRY);
    town.wait(Duration::minutes(5)).await;
    assert!(town.texts("13800000002").await.pop().unwrap().contains("已受理"));
    assert_eq!(town.texts("13800000001").await.len(), 1);
}

async fn a_wrong_phone_is_corrected_and_the_strangers_link_is_void(town: &Town) {
    let ended = town.issued("SB-03", Some("13800000099")).await;
    let case = number(&ended);
    let wrong = town.texts("13800000099").await.pop().unwrap();
    let strangers = wrong.split("/r/").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let window = town.staff("window1").await;
    let same = json!({ "name": "田小满", "phone": "138 0000 0099" });
    window.post(&format!("/cases/{case}/applicant"), same).await.refused(case::NOTHING_TO_CORRECT);
    let right = window.post(&format!("/cases/{case}/applicant"), json!({ "phone": "13800000001" })).await.ok(200);
    assert_eq!(right["applicant"]["name"], "田**", "what is not named stays");
    assert_eq!(right["applicant"]["phone"], "138****0001");
    town.stranger()
        .post("/reviews", json!({ "token": strangers, "grade": 1 }))
        .await
        .refused(review::UNKNOWN_INVITATION);
    assert_eq!(town.text_from("13800000099", "A1").await.ok(200)["outcome"], "kept");
    let anew = town.texts("13800000001").await.pop().unwrap();
    let token = anew.split("/r/").nth(1).unwrap().split(' ').next().unwrap();
    assert_eq!(right["invitation"]["url"].as_str().unwrap().rsplit('/').next(), Some(token));
    town.stranger().post("/reviews", json!({ "token": token, "grade": 5 })).await.ok(201);
    let detail = window.get(&format!("/cases/{case}")).await.ok(200);
    let corrected = detail["timeline"].as_array().unwrap().iter().find(|e| e["kind"] == "corrected").unwrap().clone();
    assert_eq!((&corrected["fields"], &corrected["by"]), (&json!("phone"), &json!("冯秀兰")));
    let none = window.post(&format!("/cases/{case}/applicant"), json!({ "phone": null })).await.ok(200);
    assert_eq!(none["applicant"]["phone"], Value::Null, "null takes it away");
    let half = json!({ "id_type": "id_card" });
    window.post(&format!("/cases/{case}/applicant"), half).await.refused(applicant::ID_INCOMPLETE);
    let firm = json!({ "id_type": "social_credit_code", "id_number": "11500114009130311J" });
    window.post(&format!("/cases/{case}/applicant"), firm).await.refused(applicant::ID_OF_OTHER_KIND);
    let line = audit_of(town, "case.corrected").await.remove(0);
    assert_eq!(line.detail, json!({ "fields": ["phone"] }));
}
