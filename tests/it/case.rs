//! Cases at the window and in the office.

use crate::town::{Town, at, audit_of, stories, tuesday};
use chrono::Duration;
use serde_json::{Value, json};
use shuitian::access;
use shuitian::domain::calendar::{self, HolidayFile};
use shuitian::domain::{applicant, booking, case, guide, review};
use std::sync::Arc;

stories!(
    a_case_without_phone_or_booking_has_a_receipt_and_a_way_to_ask,
    numbers_run_without_gaps_though_ten_windows_press,
    the_limit_runs_in_working_days_from_acceptance,
    a_case_without_a_published_limit_has_no_deadline_and_is_never_overdue,
    a_provisional_day_moves_when_the_holidays_come_out_and_a_promise_is_kept,
    an_act_out_of_order_is_refused_with_the_state,
    two_officers_act_at_once_and_one_is_told_what_changed,
    article_4_2_an_office_decides_its_own_matters_only,
    article_5_3_2c_a_refusal_needs_a_ground_and_the_applicant_can_read_it,
    whoever_waits_is_told_to_collect_and_whoever_has_it_is_not,
    an_applicant_takes_his_case_back,
    a_wrong_phone_is_corrected_and_the_strangers_link_is_void,
    seeing_in_full_needs_a_purpose_and_leaves_a_line,
    who_may_see_which_cases,
    under_a_phone_one_sees_the_matter_and_state_alone,
    progress_tells_nothing_to_who_guesses,
    a_booking_is_used_up_on_its_day_only,
    wrong_materials_are_refused_by_field,
);

fn number(case: &Value) -> String {
    case["number"].as_str().unwrap().to_owned()
}

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

async fn the_limit_runs_in_working_days_from_acceptance(town: &Town) {
    // 林木采伐许可证: seven working days promised, twenty by law.
    let case = town.received("NY-01", None).await;
    assert_eq!(case["due_on"], "2026-12-03", "as if accepted at once");
    town.move_to(at("2026-11-27", 9, 0)).await;
    let window = town.staff("window1").await;
    let accepted = window.post(&format!("/cases/{}/accept", number(&case)), json!({})).await.ok(200);
    assert_eq!((&accepted["accepted_on"], &accepted["due_on"]), (&json!("2026-11-27"), &json!("2026-12-08")));
    assert_eq!((&accepted["overdue"], &accepted["due_provisional"]), (&json!(false), &json!(false)));
    town.move_to(at("2026-12-08", 23, 59)).await;
    let see =
        async || town.staff("window1").await.get(&format!("/cases/{}", number(&case))).await.ok(200)["overdue"].clone();
    assert_eq!(see().await, false);
    town.move_to(at("2026-12-09", 0, 0)).await;
    assert_eq!(see().await, true, "from the next local midnight");
}

async fn a_case_without_a_published_limit_has_no_deadline_and_is_never_overdue(town: &Town) {
    let case = town.received("MZ-03", None).await;
    assert_eq!((&case["due_on"], &case["due_provisional"]), (&Value::Null, &json!(false)));
    let window = town.staff("window1").await;
    window.post(&format!("/cases/{}/accept", number(&case)), json!({})).await.ok(200);
    town.move_to(tuesday() + Duration::days(400)).await;
    let window = town.staff("window1").await;
    assert_eq!(window.get(&format!("/cases/{}", number(&case))).await.ok(200)["overdue"], false);
    let receipt = window.get(&format!("/cases/{}/receipt", number(&case))).await;
    assert!(receipt.text.contains("未公布"));
    let pdf = window.get(&format!("/cases/{}/receipt.pdf", number(&case))).await;
    assert_eq!((pdf.status, pdf.body["code"].as_str()), (404, Some("pdf_not_built")));
}

async fn import_2027(town: &Town, days: Value) {
    let file: HolidayFile =
        serde_json::from_value(json!({ "year": 2027, "official": true, "source": "国务院办公厅", "days": days }))
            .unwrap();
    let tx = town.app.database.begin().await.unwrap();
    calendar::import(&tx, town.app.clock.now(), file).await.unwrap();
    tx.commit().await.unwrap();
    town.app
        .write(&Arc::clone(&town.centre), shuitian::domain::Who::Operator, async |act| case::redate(act).await)
        .await
        .unwrap();
}

async fn a_provisional_day_moves_when_the_holidays_come_out_and_a_promise_is_kept(town: &Town) {
    town.move_to(at("2026-12-25", 9, 30)).await;
    // 乡村建设规划许可证: twenty working days.
    let later = town.received("GJ-02", Some("13800000001")).await;
    let seven = town.received("NY-01", Some("13800000002")).await;
    let window = town.staff("window1").await;
    window.post(&format!("/cases/{}/accept", number(&later)), json!({})).await.ok(200);
    assert_eq!((&later["due_on"], &later["due_provisional"]), (&json!("2027-01-25"), &json!(true)));
    assert_eq!((&seven["due_on"], &seven["due_provisional"]), (&json!("2027-01-06"), &json!(true)));
    // The arrangement makes 10 January a working Sunday, so the twentieth day comes sooner; and 4 January a day off, which
    // would put the seventh off: that promise is kept.
    import_2027(
        town,
        json!([
            { "date": "2027-01-01", "off": true, "name": "元旦" },
            { "date": "2027-01-04", "off": true, "name": "元旦" },
            { "date": "2027-01-10", "off": false, "name": "元旦" },
            { "date": "2027-01-17", "off": false, "name": "元旦" },
        ]),
    )
    .await;
    let see = async |case: &Value| town.staff("window1").await.get(&format!("/cases/{}", number(case))).await.ok(200);
    let (moved, kept) = (see(&later).await, see(&seven).await);
    assert_eq!((&moved["due_on"], &moved["due_provisional"]), (&json!("2027-01-22"), &json!(false)));
    assert_eq!((&kept["due_on"], &kept["due_provisional"]), (&json!("2027-01-06"), &json!(false)));
    assert!(town.texts("13800000001").await.pop().unwrap().contains("1月22日"));
    assert!(town.texts("13800000002").await.is_empty(), "nothing moved for him");
}

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

async fn article_4_2_an_office_decides_its_own_matters_only(town: &Town) {
    let civil = number(&town.received("MZ-01", None).await);
    let social = number(&town.received("SB-01", None).await);
    let (window, office) = (town.staff("window1").await, town.staff("office1").await);
    office.post(&format!("/cases/{civil}/accept"), json!({})).await.ok(200);
    office.post(&format!("/cases/{social}/accept"), json!({})).await.refused(case::UNKNOWN_CASE);
    let told =
        window.post(&format!("/cases/{civil}/decide"), json!({ "grant": true })).await.refused(case::NOT_YOURS_TO_DO);
    assert_eq!(told["article"], "4.2");
    office.post(&format!("/cases/{civil}/decide"), json!({ "grant": true })).await.ok(200);
    office.post(&format!("/cases/{civil}/issue"), json!({})).await.refused(case::NOT_YOURS_TO_DO);
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
    assert_eq!(
        (&corrected["fields"], &corrected["by"]),
        (&json!("phone"), &json!("田小满")),
        "the clerk happens to be called so too"
    );
    let none = window.post(&format!("/cases/{case}/applicant"), json!({ "phone": null })).await.ok(200);
    assert_eq!(none["applicant"]["phone"], Value::Null, "null takes it away");
    let half = json!({ "id_type": "id_card" });
    window.post(&format!("/cases/{case}/applicant"), half).await.refused(applicant::ID_INCOMPLETE);
    let firm = json!({ "id_type": "social_credit_code", "id_number": "11500114009130311J" });
    window.post(&format!("/cases/{case}/applicant"), firm).await.refused(applicant::ID_OF_OTHER_KIND);
    let line = audit_of(town, "case.corrected").await.remove(0);
    assert_eq!(line.detail, json!({ "fields": ["phone"] }));
}

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
    // Written otherwise, it is the same number; and guessing locks out nobody who holds the receipt.
    ask(&case["receipt"]["number"].as_str().unwrap().to_lowercase(), "0001").await.refused(access::TOO_OFTEN);
    let receipt = json!({ "number": number(&case), "check_code": case["receipt"]["check_code"] });
    town.stranger().post("/progress", receipt).await.ok(200);
    town.wait(Duration::minutes(73)).await;
    let seen = ask(&number(&case), "0001").await.ok(200);
    assert!(!seen.to_string().contains("田小满"), "never a name");
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
