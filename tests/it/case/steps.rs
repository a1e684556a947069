//! The steps of a case, lamps and reminders (articles 4.4 and 4.5).

use super::{accepted, number, republish};
use crate::town::{Town, at, stories};
use chrono::Duration;
use entity::case::event;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde_json::{Value, json};
use shuitian::domain::identity::staff;
use shuitian::domain::{Who, authority, case, cover};

stories!(
    article_4_4_a_decision_waits_for_the_steps_of_its_version,
    article_4_4_a_case_goes_through_the_steps_it_began_under,
    article_4_2_reviewing_and_reporting_take_the_power_in_force,
    article_4_5_a_late_step_is_charged_to_its_post_and_whoever_holds_it,
    article_4_5_a_step_gets_the_days_that_its_case_gets,
    article_4_5_lamps_turn_by_the_settings_of_the_centre,
    article_4_5_the_holder_is_reminded_then_the_head_then_the_director,
);

/// Three steps, as an office would propose them.
fn flow() -> Value {
    json!([
        { "name": "入户调查", "kind": "handle", "post": "MZ1", "days": 5 },
        { "name": "审核", "kind": "review", "post": "SX", "days": 2 },
        { "name": "上报区民政局", "kind": "report", "post": "MZ1", "days": 2 },
    ])
}

async fn with_flow(town: &Town) {
    republish(town, "MZ-02", |guide| guide["flow"] = flow()).await;
}

async fn steps(town: &Town, case: &str) -> Vec<Value> {
    let seen = town.staff("window1").await.get(&format!("/cases/{case}")).await.ok(200);
    seen["steps"].as_array().unwrap().clone()
}

async fn article_4_4_a_decision_waits_for_the_steps_of_its_version(town: &Town) {
    with_flow(town).await;
    let case = accepted(town, "MZ-02", Some("13800000001")).await;
    let (office, director) = (town.staff("office1").await, town.staff("director").await);
    let path = format!("/cases/{case}");
    let finish = |n: i32| format!("{path}/steps/{n}/finish");
    let said = |words: &str| json!({ "words": words });
    let told = office.post(&format!("{path}/decide"), json!({ "grant": true })).await.refused(case::STEPS_OPEN);
    assert_eq!((&told["article"], told["message"].as_str().unwrap().contains("入户调查")), (&json!("4.4"), true));
    for n in [2, 3, 4, 5, 0, -1] {
        director.post(&finish(n), said("抢先")).await.refused(case::WRONG_STEP);
    }
    office.post(&finish(1), said(&"字".repeat(501))).await.refused(case::BAD_OPINION);
    town.staff("window1").await.post(&finish(1), said("不是我的岗")).await.refused(cover::NOT_YOUR_POST);
    let first = steps(town, &case).await;
    let shown: Vec<_> = first.iter().map(|s| (s["name"].as_str().unwrap(), s["due_on"].as_str())).collect();
    assert_eq!(
        shown,
        [("入户调查", Some("2026-12-01")), ("审核", None), ("上报区民政局", None), ("作出决定", None)],
        "one after the other"
    );
    town.move_to(at("2026-11-26", 10, 0)).await;
    let (office, director) = (town.staff("office1").await, town.staff("director").await);
    office.post(&finish(1), said("家庭情况属实")).await.ok(200);
    office.post(&finish(1), said("再来一次")).await.refused(case::WRONG_STEP);
    director.post(&finish(2), said("同意")).await.ok(200);
    office.post(&finish(3), json!({})).await.ok(200);
    let all = steps(town, &case).await;
    assert_eq!(
        (&all[3]["begun_on"], &all[3]["due_on"]),
        (&json!("2026-11-26"), &json!("2026-12-15")),
        "the case's own"
    );
    office.post(&format!("{path}/decide"), json!({ "grant": true })).await.ok(200);
    assert!(steps(town, &case).await.iter().all(|step| step["finished_at"].is_string()));
    // What staff think of it is theirs; that a step is done, the applicant may know.
    let mine = town.resident("13800000001").await;
    assert_eq!(mine.get(&path).await.ok(200)["timeline"], json!([]), "entered at the window: in part");
    let code = town.stranger();
    let receipt = town.staff("window1").await.get(&format!("{path}/receipt")).await.text;
    let check = receipt.split("查询码</th><td class=\"number\">").nth(1).unwrap()[..8].to_owned();
    let told = code.post("/progress", json!({ "number": case, "check_code": check })).await.ok(200);
    let finished: Vec<&Value> =
        told["timeline"].as_array().unwrap().iter().filter(|e| e["kind"] == "step_finished").collect();
    assert_eq!((finished.len(), finished[0].get("ground")), (3, None), "{told}");
    let seen = office.get(&path).await.ok(200);
    let opinions: Vec<_> = seen["timeline"].as_array().unwrap().iter().filter_map(|e| e["ground"].as_str()).collect();
    assert_eq!(opinions, ["家庭情况属实", "同意"]);
    town.deliver().await;
}

async fn article_4_4_a_case_goes_through_the_steps_it_began_under(town: &Town) {
    let before = accepted(town, "MZ-02", None).await;
    with_flow(town).await;
    let after = accepted(town, "MZ-02", None).await;
    assert_eq!((steps(town, &before).await.len(), steps(town, &after).await.len()), (1, 4));
    let office = town.staff("office1").await;
    office.post(&format!("/cases/{before}/decide"), json!({ "grant": true })).await.ok(200);
    office.post(&format!("/cases/{after}/decide"), json!({ "grant": true })).await.refused(case::STEPS_OPEN);
    // Taken back, nothing of it is open any longer.
    town.staff("window1").await.post(&format!("/cases/{after}/withdraw"), json!({})).await.ok(200);
    let open = entity::case::step::Entity::find().filter(entity::case::step::Column::ClosedAt.is_null());
    assert!(open.all(town.app.read()).await.unwrap().is_empty());
    town.deliver().await;
}

async fn article_4_2_reviewing_and_reporting_take_the_power_in_force(town: &Town) {
    with_flow(town).await;
    let case = accepted(town, "MZ-02", None).await;
    let finish = |n: i32| format!("/cases/{case}/steps/{n}/finish");
    town.staff("office1").await.post(&finish(1), json!({})).await.ok(200);
    // From tomorrow on the office keeps the power of reporting to itself.
    let letter = |number: &str, powers: Value, from: &str, until: &str| {
        let of = |these: &[&str]| -> Vec<Value> {
            powers.as_array().unwrap().iter().filter(|p| these.contains(&p.as_str().unwrap())).cloned().collect()
        };
        let window = |post| json!({ "post": post, "powers": of(&["decide", "seal"]), "instant": true });
        let office = json!({ "post": "MZ1", "powers": of(&["decide", "report", "seal"]) });
        json!({ "number": number, "office": "MZ", "post": "SX", "powers": powers, "from": from, "until": until,
                "entrusted": [office, window("ZH1"), window("ZH2")] })
    };
    let import = async |letters: Value| {
        let letters = serde_json::from_value(letters).unwrap();
        town.app.publish(&town.centre, Who::Operator, async |act| authority::import(act, letters).await).await.unwrap();
    };
    let all = json!(["decide", "report", "seal", "coordinate"]);
    import(json!([
        letter("水田府授〔2026〕1号", all.clone(), "2026-07-01", "2026-11-24"),
        letter("水田府授〔2026〕41号", json!(["decide"]), "2026-11-25", "2026-12-31"),
    ]))
    .await;
    town.move_to(at("2026-11-25", 10, 0)).await;
    let told = town.staff("director").await.post(&finish(2), json!({})).await.refused(authority::NO_POWER);
    assert_eq!(told["article"], "4.2");
    import(json!([letter("水田府授〔2026〕42号", all, "2026-11-25", "2026-12-31")])).await;
    town.staff("director").await.post(&finish(2), json!({})).await.ok(200);
    town.staff("office1").await.post(&finish(3), json!({})).await.ok(200);
    let letters = authority::all(town.app.read(), &town.centre).await.unwrap();
    let number = |id| letters.on(town.app.clock.now().date()).find(|d| d.row.id == id).map(|d| d.row.number.clone());
    let events = event::Entity::find().filter(event::Column::Step.is_not_null()).order_by_asc(event::Column::Id);
    let under: Vec<_> =
        events.all(town.app.read()).await.unwrap().iter().map(|e| e.delegation_id.and_then(number)).collect();
    let letter = Some("水田府授〔2026〕42号".to_owned());
    assert_eq!(under, [None, letter.clone(), letter], "handling takes no power");
}

async fn article_4_5_a_late_step_is_charged_to_its_post_and_whoever_holds_it(town: &Town) {
    with_flow(town).await;
    let (mine, theirs) = (accepted(town, "MZ-02", None).await, accepted(town, "MZ-02", None).await);
    let in_time = accepted(town, "MZ-02", None).await;
    let finish = |case: &str| format!("/cases/{case}/steps/1/finish");
    town.staff("office1").await.post(&finish(&in_time), json!({})).await.ok(200);
    // Its last day is Tuesday the 1st.
    town.move_to(at("2026-12-01", 23, 0)).await;
    assert!(steps(town, &mine).await[0]["charged_on"].is_null());
    // On Wednesday A is on leave: B holds the post when it is found late.
    let wish = json!({ "kind": "annual", "starts_at": "2026-12-02T00:00:00+08:00", "ends_at": "2026-12-02T23:00:00+08:00",
                       "reason": "年休假", "place": "老家" });
    let leave = town.staff("office1").await.post("/leaves", wish).await.ok(201)["id"].as_str().unwrap().to_owned();
    town.staff("director").await.post(&format!("/leaves/{leave}/approve"), json!({})).await.ok(200);
    town.move_to(at("2026-12-02", 9, 40)).await;
    let late = steps(town, &mine).await.remove(0);
    assert_eq!((&late["post"], &late["charged_on"]), (&json!("民政岗"), &json!("2026-12-02")));
    assert_eq!(late["charged"], "冉启明", "B held it then");
    let on_time = steps(town, &in_time).await;
    assert!(on_time[0]["charged_on"].is_null());
    // It stays charged to him, though A comes back and does it; and no second time.
    town.move_to(at("2026-12-03", 9, 40)).await;
    let office = town.staff("office1").await;
    office.post(&finish(&mine), json!({ "words": "迟了一天" })).await.ok(200);
    let done = steps(town, &mine).await.remove(0);
    assert_eq!((&done["charged"], &done["charged_on"]), (&late["charged"], &late["charged_on"]));
    // A clock that stands still makes nothing late.
    office.post(&finish(&theirs), json!({})).await.ok(200);
    let stop = json!({ "procedure": "inspection", "ground": "上级组织入户核验" });
    office.post(&format!("/cases/{theirs}/suspend"), stop).await.ok(200);
    town.move_to(at("2026-12-09", 9, 40)).await;
    assert!(steps(town, &theirs).await[1]["charged_on"].is_null());
    assert_eq!(steps(town, &mine).await[1]["charged"], "冉建国", "the review was late too, at the chief's post");
    town.deliver().await;
}

async fn article_4_5_a_step_gets_the_days_that_its_case_gets(town: &Town) {
    with_flow(town).await;
    let case = accepted(town, "MZ-02", None).await;
    let path = format!("/cases/{case}");
    let stop = json!({ "procedure": "inspection", "ground": "上级组织入户核验" });
    town.staff("office1").await.post(&format!("{path}/suspend"), stop).await.ok(200);
    town.move_to(at("2026-11-26", 10, 0)).await;
    town.staff("office1").await.post(&format!("{path}/resume"), json!({})).await.ok(200);
    assert_eq!(steps(town, &case).await[0]["due_on"], "2026-12-03", "two days stood still");
    let longer = json!({ "days": 3, "ground": "申请人外出，约定下周入户" });
    let extended = town.staff("director").await.post(&format!("{path}/extend"), longer).await.ok(200);
    assert_eq!(
        (&extended["due_on"], &steps(town, &case).await[0]["due_on"]),
        (&json!("2026-12-22"), &json!("2026-12-08"))
    );
    // After its last day nothing is extended any more.
    let other = accepted(town, "MZ-02", None).await;
    town.move_to(at("2026-12-18", 10, 0)).await;
    let late = json!({ "days": 3, "ground": "申请人外出，约定下周入户" });
    let told = town.staff("director").await.post(&format!("/cases/{other}/extend"), late).await;
    assert_eq!(told.refused(case::TOO_LATE_TO_EXTEND)["article"], "4.5");
}

async fn article_4_5_lamps_turn_by_the_settings_of_the_centre(town: &Town) {
    // Fifteen working days from 24 November: 15 December.
    let case = accepted(town, "MZ-02", None).await;
    let lamp = async |case: &str, day: &str, hour| {
        town.app.clock.set(at(day, hour, 0));
        let window = town.staff("window1").await;
        let seen = window.get(&format!("/cases/{case}")).await.ok(200)["lamp"].clone();
        for lamp in ["green", "yellow", "red", "overdue"] {
            let listed = window.get(&format!("/cases?lamp={lamp}")).await.ok(200);
            let found = listed["items"].as_array().unwrap().iter().any(|c| c["number"] == case);
            assert_eq!(found, seen == lamp, "{lamp} on {day}");
        }
        seen.as_str().unwrap().to_owned()
    };
    for (day, hour, expected) in [
        ("2026-11-24", 10, "green"),
        ("2026-12-09", 23, "green"),
        ("2026-12-10", 0, "yellow"),
        ("2026-12-14", 10, "yellow"),
        ("2026-12-15", 23, "red"),
        ("2026-12-16", 0, "overdue"),
    ] {
        assert_eq!(lamp(&case, day, hour).await, expected, "{day}");
    }
    let mut file: Value = serde_json::from_str(include_str!("../../../seed/centre.json")).unwrap();
    file["lamps"] = json!({ "yellow": 1, "red": 2 });
    let wrong = serde_json::from_value(file.clone()).unwrap();
    let import = async |file| {
        town.app
            .establish(async |tx| {
                shuitian::domain::centre::import(tx, &town.app.random, town.app.clock.now(), file).await
            })
            .await
    };
    assert!(import(wrong).await.unwrap_err().to_string().contains("lamps 应有 red 不大于 yellow"));
    file["lamps"] = json!({ "yellow": 5, "red": 1 });
    import(serde_json::from_value(file).unwrap()).await.unwrap();
    // Due on 7 January.
    let case = accepted(town, "MZ-02", None).await;
    for (day, expected) in [("2026-12-29", "green"), ("2026-12-30", "yellow"), ("2027-01-06", "red")] {
        assert_eq!(lamp(&case, day, 10).await, expected, "{day}");
    }
    town.staff("window1").await.get("/cases?lamp=blue").await.ok(400);
    let window = town.staff("window1").await;
    let by_holder = async |who: &str| window.get(&format!("/cases?holder={who}")).await;
    assert_eq!(by_holder("office1").await.ok(200)["items"][0]["number"], case.as_str());
    assert_eq!(by_holder("office2").await.ok(200)["items"], json!([]));
    by_holder("nobody").await.refused(staff::UNKNOWN_STAFF);
    let between = window.get("/cases?from=2026-11-25&until=2026-12-15").await.ok(200);
    assert_eq!(between["items"], json!([]));
    let between = window.get("/cases?from=2026-11-24&until=2026-11-24").await.ok(200);
    assert_eq!(between["items"].as_array().unwrap().len(), 1);
}

async fn article_4_5_the_holder_is_reminded_then_the_head_then_the_director(town: &Town) {
    let phones =
        [("office1", "13900000001"), ("head1", "13900000002"), ("director", "13900000003"), ("office2", "13900000004")];
    for (username, phone) in phones {
        let set = async |act: &_| staff::set_phone(act, username, Some(phone)).await.map(drop);
        town.app.write(&town.centre, Who::Operator, set).await.unwrap();
    }
    accepted(town, "MZ-02", None).await;
    let mut heard = 0;
    let mut told = async |day: &str| {
        town.move_to(at(day, 8, 30)).await;
        town.deliver().await;
        let texts: Vec<_> = town.memory().sent().into_iter().filter(|t| t.text.contains("登录工作台")).collect();
        let who = |phone: &str| phones.iter().find(|(_, p)| *p == phone).unwrap().0;
        let new: Vec<_> = texts[heard..].iter().map(|t| (t.phone.clone(), t.text.clone())).collect();
        heard = texts.len();
        let mut lines: Vec<_> = new
            .into_iter()
            .map(|(phone, text)| format!("{} {}", who(&phone), text.split('】').next_back().unwrap()))
            .collect();
        lines.sort_by_key(|line| phones.iter().position(|(who, _)| line.starts_with(who)));
        lines
    };
    let line = |who: &str, due: i32, late: i32, near: i32| {
        format!("{who} 今天到期{due}件，已超期{late}件，快到期{near}件，请登录工作台办理。")
    };
    assert_eq!(told("2026-12-09").await, [] as [String; 0]);
    assert_eq!(told("2026-12-10").await, [line("office1", 0, 0, 1)]);
    assert_eq!(told("2026-12-12").await, [] as [String; 0], "a Saturday");
    assert_eq!(told("2026-12-15").await, [line("office1", 1, 0, 0), line("head1", 1, 0, 0)]);
    let late = [line("office1", 0, 1, 0), line("head1", 0, 1, 0), line("director", 0, 1, 0)];
    assert_eq!(told("2026-12-16").await, late);
    town.wait(Duration::minutes(30)).await;
    assert_eq!(number(&town.received("MZ-02", None).await).len(), 18);
    town.deliver().await;
}
