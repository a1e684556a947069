//! A case's clock: it stands still for what the law names, and is extended once (article 4.5).

use super::number;
use crate::town::{Town, at, stories};
use serde_json::{Value, json};
use shuitian::domain::{authority, case};

stories!(
    article_4_5_the_clock_stands_still_for_a_special_procedure_alone,
    article_4_5_a_limit_is_extended_once_by_the_first_responsible_person,
    an_extended_limit_stays_so_when_holidays_come_out,
);

/// A case of fifteen working days, accepted on Tuesday the 24th: due on 15 December.
async fn accepted(town: &Town, phone: Option<&str>) -> String {
    let number = number(&town.received("MZ-02", phone).await);
    let accepted = town.staff("window1").await.post(&format!("/cases/{number}/accept"), json!({})).await.ok(200);
    assert_eq!(accepted["due_on"], "2026-12-15");
    number
}

async fn article_4_5_the_clock_stands_still_for_a_special_procedure_alone(town: &Town) {
    const PHONE: &str = "13800000001";
    let path = format!("/cases/{}", accepted(town, Some(PHONE)).await);
    let office = town.staff("office1").await;
    let suspend = |procedure: &str, ground: &str| json!({ "procedure": procedure, "ground": ground });
    let (stop, go) = (format!("{path}/suspend"), format!("{path}/resume"));
    office.post(&go, json!({})).await.refused(case::WRONG_STATE);
    office.post(&stop, suspend("waiting_for_the_boss", "领导出差了")).await.ok(400);
    // A hearing of which he was not told is none; and the clock is not the window's to stop, once the office has it.
    office.post(&stop, suspend("hearing", "申请人要求听证")).await.refused(case::HEARING_FIRST);
    town.staff("window1").await.post(&stop, suspend("appraisal", "伤残等级鉴定")).await.refused(authority::NO_POWER);
    office.post(&format!("{path}/hearing"), json!({ "ground": "拟因收入超过标准不予批准" })).await.ok(200);
    office.post(&stop, suspend("hearing", "听")).await.refused(case::GROUND_NEEDED);
    town.move_to(at("2026-11-26", 10, 0)).await;
    let office = town.staff("office1").await;
    let stopped = office.post(&stop, suspend("hearing", "申请人要求听证，12月初举行")).await.ok(200);
    assert_eq!(stopped["state"], "suspended");
    let text = town.texts(PHONE).await.pop().unwrap();
    assert!(text.contains("依法进行听证") && text.contains("不计入办理期限"), "{text}");
    office.post(&stop, suspend("hearing", "再来一次听证")).await.refused(case::WRONG_STATE);
    office.post(&format!("{path}/decide"), json!({ "grant": true })).await.refused(case::WRONG_STATE);
    // Four working days: Thursday, Friday, Monday and Tuesday. Nobody apologises for a clock that stands.
    town.move_to(at("2026-12-02", 10, 0)).await;
    let resumed = town.staff("office1").await.post(&go, json!({})).await.ok(200);
    assert_eq!((&resumed["state"], &resumed["due_on"]), (&json!("accepted"), &json!("2026-12-21")));
    assert!(town.texts(PHONE).await.pop().unwrap().contains("12月21日前办结"));
    let seen = town.staff("window1").await.get(&path).await.ok(200);
    let timeline: Vec<&Value> = seen["timeline"].as_array().unwrap().iter().collect();
    let stood = timeline.iter().find(|e| e["kind"] == "suspended").unwrap();
    assert_eq!(stood["ground"], "听证：申请人要求听证，12月初举行", "the applicant can read why");
    // Taken back while it stands still, it is over.
    let other = format!("/cases/{}", number(&town.received("MZ-02", None).await));
    let window = town.staff("window1").await;
    window.post(&format!("{other}/accept"), json!({})).await.ok(200);
    let office = town.staff("office1").await;
    office.post(&format!("{other}/suspend"), suspend("appraisal", "伤残等级鉴定")).await.ok(200);
    assert_eq!(window.post(&format!("{other}/withdraw"), json!({})).await.ok(200)["state"], "withdrawn");
    town.deliver().await;
}

async fn article_4_5_a_limit_is_extended_once_by_the_first_responsible_person(town: &Town) {
    const PHONE: &str = "13800000001";
    let case = accepted(town, Some(PHONE)).await;
    let path = format!("/cases/{case}/extend");
    let (office, director) = (town.staff("office1").await, town.staff("director").await);
    let by = |days: u32| json!({ "days": days, "ground": "邻里访问还没有走完" });
    office.post(&path, by(3)).await.refused(shuitian::domain::cover::NOT_YOUR_POST);
    for days in [0, 11] {
        director.post(&path, by(days)).await.refused(case::BAD_EXTENSION);
    }
    director.post(&path, json!({ "days": 3, "ground": "" })).await.refused(case::GROUND_NEEDED);
    let extended = director.post(&path, by(3)).await.ok(200);
    assert_eq!(extended["due_on"], "2026-12-18");
    assert!(town.texts(PHONE).await.pop().unwrap().contains("延期，12月18日前办结"));
    assert_eq!(director.post(&path, by(3)).await.refused(case::EXTENDED_BEFORE)["article"], "4.5");
    // Two at once: one.
    let other = accepted(town, None).await;
    let path = format!("/cases/{other}/extend");
    let (a, b) = tokio::join!(director.post(&path, by(2)), director.post(&path, by(5)));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    // Where no limit was published, there is none to be longer.
    let open = number(&town.received("MZ-03", None).await);
    town.staff("window1").await.post(&format!("/cases/{open}/accept"), json!({})).await.ok(200);
    director.post(&format!("/cases/{open}/extend"), by(3)).await.refused(case::BAD_EXTENSION);
    // It takes the power in force.
    let letters = json!([crate::authority::letter("2026-11-24")]);
    let letters = serde_json::from_value(letters).unwrap();
    let who = shuitian::domain::Who::Operator;
    town.app.publish(&town.centre, who, async |act| authority::import(act, letters).await).await.unwrap();
    town.move_to(at("2026-11-25", 10, 0)).await;
    let third = number(&town.received("MZ-02", None).await);
    town.staff("window1").await.post(&format!("/cases/{third}/accept"), json!({})).await.ok(200);
    let late = town.staff("director").await.post(&format!("/cases/{third}/extend"), by(3)).await;
    late.refused(authority::NO_POWER);
}

async fn an_extended_limit_stays_so_when_holidays_come_out(town: &Town) {
    use shuitian::domain::calendar::{self, HolidayFile};
    // Thirty working days from 24 November reach into January, whose holidays nobody has arranged.
    let number = number(&town.received("MZ-06", None).await);
    let (window, director) = (town.staff("window1").await, town.staff("director").await);
    let first = window.post(&format!("/cases/{number}/accept"), json!({})).await.ok(200);
    assert!(first["due_provisional"].as_bool().unwrap(), "{first}");
    let longer = json!({ "days": 10, "ground": "等上级核对信息" });
    let extended = director.post(&format!("/cases/{number}/extend"), longer).await.ok(200);
    let mut file: Value = serde_json::from_str(include_str!("../../../seed/holidays/2027.json")).unwrap();
    file["official"] = json!(true);
    let file: HolidayFile = serde_json::from_value(file).unwrap();
    town.app.establish(async |tx| calendar::import(tx, town.app.clock.now(), file).await).await.unwrap();
    town.act(async |act| case::redate(act).await).await;
    let seen = window.get(&format!("/cases/{number}")).await.ok(200);
    assert_eq!((&seen["due_on"], &seen["due_provisional"]), (&extended["due_on"], &json!(false)));
}
