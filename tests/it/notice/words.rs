//! The words of texts: data, by kind and version.

use crate::town::{Town, at, stories};
use chrono::Duration;
use entity::notice::{Column, Entity};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use shuitian::domain::identity::staff;
use shuitian::domain::notice::{self, Imported};
use shuitian::domain::{Who, calendar};

stories!(
    a_centres_own_words_count_from_then_on,
    words_that_networks_refuse_are_told_fault_by_fault,
    a_case_is_told_step_by_step_unless_it_goes_on_at_once,
    a_deadline_that_was_not_kept_is_apologised_for_once,
    staff_are_told_in_the_morning_what_waits_for_them,
);

async fn import(town: &Town, files: Value) -> shuitian::base::Result<Vec<Imported>> {
    let files = serde_json::from_value(files).unwrap();
    town.app.publish(&town.centre, Who::Operator, async |act| notice::import(act, files).await).await
}

async fn a_centres_own_words_count_from_then_on(town: &Town) {
    let person = town.resident("13800000001").await;
    let book = async |day: &str, name: &str| {
        let slot = town.slot("SB-03", at(day, 10, 0)).await;
        let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": name } });
        person.post("/bookings", wish).await.ok(201);
        town.texts("13800000001").await.pop().unwrap()
    };
    assert!(book("2026-11-25", "田小满").await.contains("不能来请提前取消"));
    let words = json!([{ "kind": "booking.confirmed", "body": "约好了：{when}，{item}，{number}。{place}见。" }]);
    let imported = import(town, words.clone()).await.unwrap();
    assert_eq!((imported.len(), imported[0].version, imported[0].segments), (1, 1, 2));
    assert!(import(town, words).await.unwrap().is_empty(), "the same again is nothing new");
    assert!(book("2026-11-26", "田小满").await.contains("约好了：11月26日 10:00，失业登记"));
    let kept = Entity::find().filter(Column::Kind.eq("booking.confirmed")).all(town.app.read()).await.unwrap();
    let mut versions: Vec<i32> = kept.iter().map(|n| n.version).collect();
    versions.sort_unstable();
    assert_eq!(versions, [0, 1]);
    assert_eq!(crate::town::audit_of(town, "text.imported").await.len(), 1);
    // Another centre has its own.
    let slot = town.slot("SB-03", at("2026-11-27", 10, 0)).await;
    let other = town.second_centre().await;
    let words = json!([{ "kind": "booking.confirmed", "body": "别处的话{when}" }]);
    let files = serde_json::from_value(words).unwrap();
    town.app.publish(&other, Who::Operator, async |act| notice::import(act, files).await).await.unwrap();
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "田小满" } });
    person.post("/bookings", wish).await.ok(201);
    assert!(town.texts("13800000001").await.pop().unwrap().contains("约好了："));
    town.deliver().await;
}

async fn words_that_networks_refuse_are_told_fault_by_fault(town: &Town) {
    let before = town.rows().await;
    for (file, words) in [
        (json!({ "kind": "booking.sung", "body": "唱歌" }), "第1行 kind 没有 booking.sung"),
        (json!({ "kind": "code", "body": "{name}您好{code}" }), "第1行 body 不能用 {name}，code 可用 code、minutes"),
        (json!({ "kind": "code", "body": "验证码{code" }), "大括号不成对"),
        (json!({ "kind": "review.invitation", "body": "评价有礼{way}" }), "运营商会当作营销短信拒发"),
        (json!({ "kind": "code", "body": "码" }), "应为2至300字"),
        (json!({ "kind": "code", "body": "字".repeat(301) }), "应为2至300字"),
        (json!({ "kind": "code", "body": "验证码{code}😀" }), "手机可能显示不出来"),
        (json!({ "kind": "code", "body": "验证码{code}", "line": "{code}" }), "不用 line 和 merged"),
        (json!({ "kind": "booking.reminder", "body": "提醒{when}" }), "要同时写 line 和 merged"),
    ] {
        let good = json!({ "kind": "stop.done", "body": "已停发。" });
        let told = import(town, json!([file, good])).await.err().unwrap().to_string();
        assert!(told.contains(words), "{words}: {told}");
    }
    assert_eq!(town.rows().await, before, "nothing of a wrong file is taken");
}

async fn a_case_is_told_step_by_step_unless_it_goes_on_at_once(town: &Town) {
    let phone = "13800000001";
    let number = town.received("MZ-01", Some(phone)).await["number"].as_str().unwrap().to_owned();
    assert!(town.texts(phone).await.is_empty());
    town.wait(Duration::minutes(4)).await;
    assert!(
        town.texts(phone).await.pop().unwrap().contains("已收到您办的")
            || town.texts(phone).await.pop().unwrap().contains("已收到您办“")
    );
    let window = town.staff("window1").await;
    window.post(&format!("/cases/{number}/accept"), json!({})).await.ok(200);
    town.wait(Duration::minutes(4)).await;
    let told = town.texts(phone).await.pop().unwrap();
    assert!(told.contains("已受理") && told.contains("前办结"), "{told}");
    // One that is done on the spot is told once, at its end.
    let phone = "13800000002";
    town.issued("SB-03", Some(phone)).await;
    town.wait(Duration::minutes(4)).await;
    let texts = town.texts(phone).await;
    assert!(texts.len() == 1 && texts[0].contains("回复"), "{texts:?}");
}

async fn a_deadline_that_was_not_kept_is_apologised_for_once(town: &Town) {
    let phone = "13800000001";
    let number = town.received("SB-01", Some(phone)).await["number"].as_str().unwrap().to_owned();
    let window = town.staff("window1").await;
    let case = window.post(&format!("/cases/{number}/accept"), json!({})).await.ok(200);
    let due = case["due_on"].as_str().unwrap().to_owned();
    let sorry = async || town.texts(phone).await.iter().filter(|t| t.contains("对不起")).count();
    town.move_to(at(&due, 17, 0)).await;
    assert_eq!(sorry().await, 0, "the day itself is still in time");
    let next = at(&due, 0, 0) + Duration::days(1) + Duration::hours(9);
    town.move_to(next).await;
    assert_eq!(sorry().await, 1);
    for _ in 0..3 {
        town.wait(Duration::hours(1)).await;
    }
    assert_eq!(sorry().await, 1);
    town.deliver().await;
}

async fn staff_are_told_in_the_morning_what_waits_for_them(town: &Town) {
    let note = async |username: &str, phone: Option<&str>| {
        town.app
            .write(&town.centre, Who::Operator, async |act| staff::set_phone(act, username, phone).await.map(drop))
            .await
    };
    let phones = [("director", "13900000001"), ("office2", "13900000002"), ("office1", "13900000003")];
    for (username, phone) in phones {
        note(username, Some(phone)).await.unwrap();
    }
    for (username, phone) in [("nobody", "13900000004"), ("window1", "0231234567"), ("window1", "")] {
        assert!(note(username, Some(phone)).await.is_err(), "{username} {phone}");
    }
    // Due on Friday, in the office of social security.
    let number = town.received("SB-01", None).await["number"].as_str().unwrap().to_owned();
    let window = town.staff("window1").await;
    let case = window.post(&format!("/cases/{number}/accept"), json!({})).await.ok(200);
    let due = case["due_on"].as_str().unwrap().to_owned();
    let told = async |phone: &str| {
        town.texts(phone).await.iter().filter(|t| t.contains("登录工作台")).cloned().collect::<Vec<_>>()
    };
    town.move_to(at(&due, 7, 30)).await;
    assert!(told("13900000002").await.is_empty(), "not before eight");
    for minutes in [35, 10, 10] {
        town.wait(Duration::minutes(minutes)).await;
    }
    for (phone, expected) in [("13900000001", 1), ("13900000002", 1), ("13900000003", 0)] {
        let texts = told(phone).await;
        assert_eq!(texts.len(), expected, "{texts:?}");
        assert!(texts.iter().all(|t| t.contains("今天到期1件，已超期0件") && !t.contains(&number)), "{texts:?}");
    }
    // Whoever no longer wants it is not told; others hear of what is late on the next working day, and on no other.
    note("director", None).await.unwrap();
    let mut day: chrono::NaiveDate = due.parse().unwrap();
    for _ in 0..3 {
        day += Duration::days(1);
        town.move_to(at(&day.to_string(), 9, 0)).await;
    }
    let texts = told("13900000002").await;
    assert!(texts.len() >= 2 && texts.last().unwrap().contains("今天到期0件，已超期1件"), "{texts:?}");
    let working = calendar::load(town.app.read()).await.unwrap();
    let first = due.parse::<chrono::NaiveDate>().unwrap();
    let days = first.iter_days().take(4).filter(|d| working.is_working_day(*d)).count();
    assert_eq!((texts.len(), told("13900000001").await.len()), (days, 1));
}
