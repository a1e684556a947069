//! Joint cases: several offices have parts of one (articles 4.1 and 4.2).

use super::{number, republish};
use crate::town::{Town, at, stories};
use entity::case::{CaseEventKind, event};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use shuitian::domain::{Who, authority, case, cover, guide};

stories!(
    article_4_2_a_joint_case_has_one_receipt_one_limit_and_parts_beside_one_another,
    article_4_2_a_joint_matter_without_its_limit_or_its_offices_is_not_published,
    article_4_2_a_joint_limit_is_extended_by_the_word_of_the_government,
    article_4_2_a_part_is_reported_by_the_power_of_its_own_office,
    article_4_5_a_late_part_is_charged_to_its_own_post,
);

/// Three offices at once, then the first responsible person.
fn joint(guide: &mut Value) {
    guide["flow"] = json!([
        { "name": "入户调查", "kind": "handle", "post": "MZ1", "days": 3 },
        { "name": "参保核对", "kind": "report", "post": "SB1", "days": 5, "parallel": true },
        { "name": "残疾核对", "kind": "handle", "post": "WJ1", "days": 2, "parallel": true },
        { "name": "审核", "kind": "review", "post": "SX", "days": 2 },
    ]);
    guide["elements"] = json!({ "joint_offices": ["劳动就业和社会保障服务所", "卫生健康办公室"] });
}

/// A joint case that was accepted: its path.
async fn accepted(town: &Town) -> String {
    republish(town, "MZ-02", joint).await;
    let path = format!("/cases/{}", number(&town.received("MZ-02", None).await));
    town.staff("director").await.post(&format!("{path}/accept"), json!({})).await.ok(200);
    path
}

async fn steps(town: &Town, path: &str) -> Vec<Value> {
    town.staff("director").await.get(path).await.ok(200)["steps"].as_array().unwrap().clone()
}

async fn article_4_2_a_joint_case_has_one_receipt_one_limit_and_parts_beside_one_another(town: &Town) {
    republish(town, "MZ-02", joint).await;
    let received = town.received("MZ-02", None).await;
    let (case, path) = (number(&received), format!("/cases/{}", number(&received)));
    let [window, director] = [town.staff("window1").await, town.staff("director").await];
    let [civil, social, health, other] = [
        town.staff("office1").await,
        town.staff("office2").await,
        town.staff("office3").await,
        town.staff("office4").await,
    ];
    social.get(&path).await.refused(case::UNKNOWN_CASE);
    // Whoever accepts it coordinates: by a letter that gives the power.
    let accept = format!("{path}/accept");
    for who in [&window, &civil] {
        assert_eq!(who.post(&accept, json!({})).await.refused(authority::NO_POWER)["article"], "4.2");
    }
    let accepted = director.post(&accept, json!({})).await.ok(200);
    assert_eq!((&accepted["joint"], &accepted["due_on"]), (&json!(true), &json!("2026-12-15")));
    let of_acceptance = event::Entity::find().filter(event::Column::Kind.eq(CaseEventKind::Accepted));
    assert!(of_acceptance.one(town.app.read()).await.unwrap().unwrap().delegation_id.is_some(), "under which letter");
    let begun = |all: &[Value]| all.iter().map(|s| s["due_on"].as_str().map(str::to_owned)).collect::<Vec<_>>();
    let day = |day: &str| Some(day.to_owned());
    let all = steps(town, &path).await;
    assert_eq!(begun(&all), [day("2026-11-27"), day("2026-12-01"), day("2026-11-26"), None, None]);
    // Each office that has a part sees it and has it in hand; another learns of nothing.
    let in_hand = async |who: &str| {
        let listed = director.get(&format!("/cases?holder={who}")).await.ok(200);
        listed["items"].as_array().unwrap().iter().any(|c| c["number"] == case)
    };
    for who in ["office1", "office2", "office3", "window2"] {
        town.sign_in(who).await;
    }
    for (who, has) in [("office1", true), ("office2", true), ("office4", false), ("window2", false)] {
        assert_eq!(in_hand(who).await, has, "{who}");
    }
    assert_eq!(social.get("/cases").await.ok(200)["items"].as_array().unwrap().len(), 1);
    assert!(social.get(&format!("{path}/receipt")).await.status == 200, "the papers, while its part is under way");
    other.get(&path).await.refused(case::UNKNOWN_CASE);
    assert_eq!(other.get("/cases").await.ok(200)["items"], json!([]));
    // An order reaches all of them, and whoever has a part answers.
    let order = json!({ "words": "请各科室抓紧核对", "due_on": "2026-11-27" });
    let order = director.post(&format!("{path}/orders"), order).await.ok(201)["id"].as_str().unwrap().to_owned();
    social.post(&format!("/orders/{order}/answer"), json!({ "words": "参保情况明天核对完" })).await.ok(200);
    let finish = |n: i32| format!("{path}/steps/{n}/finish");
    social.post(&finish(1), json!({})).await.refused(cover::NOT_YOUR_POST);
    civil.post(&finish(2), json!({})).await.refused(cover::NOT_YOUR_POST);
    director.post(&finish(4), json!({})).await.refused(case::WRONG_STEP);
    social.post(&finish(2), json!({ "words": "未重复享受" })).await.ok(200);
    assert!(!in_hand("office2").await && in_hand("office1").await);
    social.post(&finish(2), json!({})).await.refused(case::WRONG_STEP);
    social.get(&format!("{path}/receipt")).await.refused(case::UNKNOWN_CASE);
    let reveal = json!({ "fields": ["name"], "purpose": "电话核对" });
    social.post(&format!("{path}/reveal"), reveal.clone()).await.refused(case::UNKNOWN_CASE);
    health.post(&format!("{path}/reveal"), reveal).await.ok(200);
    health.post(&finish(3), json!({})).await.ok(200);
    assert_eq!(steps(town, &path).await[3]["begun_on"], Value::Null, "one part is open still");
    civil.post(&format!("{path}/decide"), json!({ "grant": true })).await.refused(case::STEPS_OPEN);
    civil.post(&finish(1), json!({})).await.ok(200);
    director.post(&finish(4), json!({})).await.ok(200);
    social.post(&format!("{path}/decide"), json!({ "grant": true })).await.refused(cover::NOT_YOUR_POST);
    civil.post(&format!("{path}/decide"), json!({ "grant": true })).await.ok(200);
    window.post(&format!("{path}/issue"), json!({})).await.ok(200);
    // When it has ended, it is the office's own again.
    social.get(&path).await.refused(case::UNKNOWN_CASE);
    civil.get(&path).await.ok(200);
    town.deliver().await;
}

async fn article_4_2_a_joint_matter_without_its_limit_or_its_offices_is_not_published(town: &Town) {
    let told = async |change: fn(&mut Value)| {
        let guides: Vec<Value> = serde_json::from_str(include_str!("../../../seed/guides.json")).unwrap();
        let codes: Value = serde_json::from_str(include_str!("../../../seed/guide_codes.json")).unwrap();
        let mut guide = guides.into_iter().find(|g| codes[g["name"].as_str().unwrap()][0] == "MZ-02").unwrap();
        joint(&mut guide);
        change(&mut guide);
        let file = serde_json::from_value(guide).unwrap();
        let import = town.app.publish(&town.centre, Who::Operator, async |act| guide::import(act, vec![file]).await);
        import.await.err().map(|refused| refused.to_string()).unwrap_or_default()
    };
    assert_eq!(told(|_| ()).await, "");
    for (change, fault) in [
        (
            (|g| g["elements"]["joint_offices"] = json!(["卫生健康办公室"])) as fn(&mut Value),
            "写进联办科室（elements.joint_offices）",
        ),
        (|g| (g["promised_days"], g["statutory_days"]) = (json!(46), json!(60)), "不超过45个工作日"),
        (|g| (g["promised_days"], g["statutory_days"]) = (Value::Null, Value::Null), "不超过45个工作日"),
        (|g| g["kind"] = json!("即办件"), "联办件不能是即办件"),
        (|g| g["flow"] = json!([]), "应写明各家的环节"),
        (
            |g| g["flow"] = json!([{ "name": "入户调查", "kind": "handle", "post": "MZ1", "days": 3 }]),
            "应至少有一个环节",
        ),
        (|g| g["flow"][0]["parallel"] = json!(true), "第一个环节之前没有环节"),
        (|g| g["flow"][3]["days"] = json!(11), "flow 各环节共16个工作日"),
    ] {
        let told = told(change).await;
        assert!(told.contains(fault), "{fault}: {told}");
    }
}

async fn article_4_2_a_joint_limit_is_extended_by_the_word_of_the_government(town: &Town) {
    let path = accepted(town).await;
    let director = town.staff("director").await;
    let longer = |days: u32, approval: Option<&str>| {
        let mut body = json!({ "days": days, "ground": "两个科室的核对还没有回来" });
        if let Some(approval) = approval {
            body["approval"] = json!(approval);
        }
        body
    };
    let extend = format!("{path}/extend");
    let told = director.post(&extend, longer(15, None)).await.refused(case::APPROVAL_NEEDED);
    assert_eq!(told["article"], "4.2");
    director.post(&extend, longer(15, Some("无"))).await.refused(case::APPROVAL_NEEDED);
    director.post(&extend, longer(16, Some("水田府〔2026〕77号"))).await.refused(case::BAD_EXTENSION);
    let extended = director.post(&extend, longer(15, Some("水田府〔2026〕77号"))).await.ok(200);
    assert_eq!(extended["due_on"], "2027-01-06");
    let seen = director.get(&path).await.ok(200);
    let event = seen["timeline"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(event["ground"], "经乡政府负责人批准（水田府〔2026〕77号）：两个科室的核对还没有回来");
    // Another case is extended by the first responsible person, and has no such word to name.
    let other = format!("/cases/{}", number(&town.received("MZ-06", None).await));
    town.staff("window1").await.post(&format!("{other}/accept"), json!({})).await.ok(200);
    let named = director.post(&format!("{other}/extend"), longer(3, Some("水田府〔2026〕77号"))).await;
    named.refused(case::APPROVAL_NEEDED);
    director.post(&format!("{other}/extend"), longer(11, None)).await.refused(case::BAD_EXTENSION);
    director.post(&format!("{other}/extend"), longer(3, None)).await.ok(200);
    town.deliver().await;
}

async fn article_4_2_a_part_is_reported_by_the_power_of_its_own_office(town: &Town) {
    let path = accepted(town).await;
    // From tomorrow on the office of the part keeps its powers to itself; the matter's own has given all of its.
    let ended = json!([{
        "number": "水田府授〔2026〕2号", "office": "SB", "post": "SX", "powers": ["decide", "report", "seal", "coordinate"],
        "entrusted": [{ "post": "SB1", "powers": ["decide", "report", "seal"] },
                      { "post": "ZH1", "powers": ["decide", "seal"], "instant": true },
                      { "post": "ZH2", "powers": ["decide", "seal"], "instant": true }],
        "from": "2026-07-01", "until": "2026-11-24"
    }]);
    let letters = serde_json::from_value(ended).unwrap();
    town.app.publish(&town.centre, Who::Operator, async |act| authority::import(act, letters).await).await.unwrap();
    town.move_to(at("2026-11-25", 10, 0)).await;
    let social = town.staff("office2").await;
    social.post(&format!("{path}/steps/2/finish"), json!({})).await.refused(authority::NO_POWER);
    town.staff("director").await.post(&format!("{path}/steps/2/finish"), json!({})).await.refused(authority::NO_POWER);
    town.staff("office1").await.post(&format!("{path}/steps/1/finish"), json!({})).await.ok(200);
}

async fn article_4_5_a_late_part_is_charged_to_its_own_post(town: &Town) {
    let path = accepted(town).await;
    town.move_to(at("2026-11-30", 9, 40)).await;
    let late: Vec<_> = steps(town, &path)
        .await
        .iter()
        .filter(|step| !step["charged_on"].is_null())
        .map(|step| (step["post"].as_str().unwrap().to_owned(), step["charged"].as_str().unwrap().to_owned()))
        .collect();
    let line = |post: &str, who: &str| (post.to_owned(), who.to_owned());
    assert_eq!(late, [line("民政岗", "龚文才"), line("卫健岗", "向玉珍")], "the third has until Tuesday");
}
