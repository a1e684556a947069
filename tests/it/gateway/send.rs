//! Texts on their way out: by templates that vendors approved, by the next gateway where the first certainly sent nothing, and
//! each attempt written down.

use super::stand_in::{Behaviour, StandIn};
use crate::person::Person;
use crate::town::{Town, memory_of, stories};
use chrono::Duration;
use entity::notice::{AttemptOutcome, Entity, Model, NoticeState, attempt};
use sea_orm::{EntityTrait as _, QueryOrder as _};
use serde_json::{Value, json};
use shuitian::app::App;
use shuitian::base::Result;
use shuitian::domain::Who;
use shuitian::domain::notice::{self, Imported};
use shuitian::jobs::deliver;

stories!(
    a_text_goes_by_the_template_that_its_vendor_approved,
    what_one_gateway_certainly_did_not_send_the_next_one_does,
    a_familys_reminders_go_one_by_one_where_a_template_takes_one,
    a_template_that_a_vendor_could_not_take_is_refused,
);

const CONFIRMED: &str = "已约{when}办理“{item}”，预约号{number}。地点：{place}。不能来请提前取消。";

async fn register(town: &Town, files: Value) -> Result<Vec<Imported>> {
    let files = serde_json::from_value(files).unwrap();
    town.app.publish(&town.centre, Who::Operator, async |act| notice::import(act, files).await).await
}

/// The confirmation as it ships, as Tencent knows it.
fn confirmed(state: &str) -> Value {
    let tencent = json!({ "template": "1001", "values": ["when", "number"], "state": state });
    json!([{ "kind": "booking.confirmed", "body": CONFIRMED, "vendors": { "tencent": tencent } }])
}

fn sent(code: &str) -> Behaviour {
    let status = json!({ "SerialNo": "serial-1", "Code": code });
    Behaviour::ok(json!({ "Response": { "SendStatusSet": [status], "RequestId": "r" } }))
}

async fn tencent() -> StandIn {
    StandIn::open(|_| sent("Ok")).await
}

/// A program that sends by Tencent first, and by another gateway then.
async fn program(town: &Town, gateways: &str, url: &str) -> App {
    let more = [
        ("SMS__GATEWAYS", gateways),
        ("SMS__TENCENT__ENDPOINT", url),
        ("SMS__TENCENT__SECRET_ID", "AKIDEXAMPLE"),
        ("SMS__TENCENT__SECRET_KEY", "tencent-secret"),
        ("SMS__TENCENT__SDK_APP_ID", "1400006666"),
        ("SMS__TENCENT__SIGN_NAME", "水田乡政府"),
        ("SMS__TENCENT__TIMEOUT", "1"),
    ];
    town.another(&more).await
}

async fn book(town: &Town, person: &Person<'_>, name: &str) {
    let slot = town.slot("SB-03", crate::town::at("2026-11-25", 9, 0)).await;
    let wish =
        json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": name }, "for_other": name != "田小满" });
    person.post("/bookings", wish).await.ok(201);
}

async fn texts(town: &Town, kind: &str) -> Vec<Model> {
    let all = Entity::find().order_by_asc(entity::notice::Column::Id).all(town.app.read()).await.unwrap();
    all.into_iter().filter(|n| n.kind == kind).collect()
}

async fn attempts(town: &Town) -> Vec<(String, AttemptOutcome, Option<String>)> {
    let all = attempt::Entity::find()
        .order_by_asc(attempt::Column::At)
        .order_by_asc(attempt::Column::N)
        .all(town.app.read())
        .await
        .unwrap();
    all.into_iter().map(|a| (a.gateway, a.outcome, a.vendor_id.or(a.code))).collect()
}

async fn a_text_goes_by_the_template_that_its_vendor_approved(town: &Town) {
    let (there, person) = (tencent().await, town.resident("13800000001").await);
    let app = program(town, "tencent", &there.url()).await;
    let before = attempts(town).await.len();
    // What waits for its approval does not leave, and is not lost.
    let entered = register(town, confirmed("pending")).await.unwrap();
    assert_eq!((entered[0].version, entered[0].registered.as_slice()), (0, &["tencent".to_owned()][..]));
    assert!(register(town, confirmed("pending")).await.unwrap().is_empty(), "entered again it is nothing new");
    book(town, &person, "田小满").await;
    deliver::all(&app).await.unwrap();
    let waiting = &texts(town, "booking.confirmed").await[0];
    assert_eq!((waiting.state, waiting.fault.as_deref()), (NoticeState::Due, Some("no_template")));
    assert!(there.asked().is_empty());
    register(town, confirmed("approved")).await.unwrap();
    town.app.clock.advance(Duration::minutes(2));
    deliver::all(&app).await.unwrap();
    let went = &texts(town, "booking.confirmed").await[0];
    assert_eq!((went.state, went.gateway.as_deref()), (NoticeState::Accepted, Some("tencent")));
    assert_eq!(went.vendor_id.as_deref(), Some("serial-1"));
    let asked = there.last().json();
    assert_eq!((&asked["TemplateId"], &asked["PhoneNumberSet"]), (&json!("1001"), &json!(["+8613800000001"])));
    let values = asked["TemplateParamSet"].as_array().unwrap();
    assert!(values.len() == 2 && values[0].as_str().unwrap().contains("11月25日"), "{values:?}");
    assert_eq!(asked["SessionContext"], went.id.to_string());
    let accepted = ("tencent".to_owned(), AttemptOutcome::Accepted, Some("serial-1".to_owned()));
    assert_eq!(attempts(town).await[before..], [accepted], "what was never handed over is no attempt");
    // Words of our own are new: until theirs are approved, the approved ones go on.
    register(town, json!([{ "kind": "booking.confirmed", "body": "约好了{when}，{number}。" }])).await.unwrap();
    book(town, &person, "田小禾").await;
    town.app.clock.advance(Duration::minutes(1));
    deliver::all(&app).await.unwrap();
    assert_eq!(there.asked().len(), 2);
    app.database.close().await;
    town.deliver().await;
}

async fn what_one_gateway_certainly_did_not_send_the_next_one_does(town: &Town) {
    let (there, person) = (tencent().await, town.resident("13800000001").await);
    let app = program(town, "tencent,memory", &there.url()).await;
    let before = attempts(town).await.len();
    register(town, confirmed("approved")).await.unwrap();
    let down = "FailedOperation.InsufficientBalanceInSmsPackage";
    there.next(sent(down));
    book(town, &person, "田小满").await;
    deliver::all(&app).await.unwrap();
    let went = &texts(town, "booking.confirmed").await[0];
    assert_eq!((went.state, went.gateway.as_deref()), (NoticeState::Accepted, Some("memory")));
    assert!(memory_of_second(&app).iter().any(|text| text.contains("已约")));
    let tried = attempts(town).await[before..].to_vec();
    assert_eq!(tried[0], ("tencent".to_owned(), AttemptOutcome::ChannelDown, Some(down.to_owned())));
    assert_eq!((tried[1].0.as_str(), tried[1].1), ("memory", AttemptOutcome::Accepted));
    // What may have gone out is nobody's to send again, here or there.
    let said = memory_of_second(&app).len();
    there.next(Behaviour::Reset);
    book(town, &person, "田小禾").await;
    town.app.clock.advance(Duration::minutes(1));
    deliver::all(&app).await.unwrap();
    let unsure = texts(town, "booking.confirmed").await.pop().unwrap();
    assert_eq!((unsure.state, unsure.fault.as_deref()), (NoticeState::Unsure, Some("broken_off")));
    assert_eq!(memory_of_second(&app).len(), said);
    let ambiguous = ("tencent".to_owned(), AttemptOutcome::Ambiguous, Some("broken_off".to_owned()));
    assert_eq!(attempts(town).await.last(), Some(&ambiguous));
    app.database.close().await;
    town.deliver().await;
}

async fn a_familys_reminders_go_one_by_one_where_a_template_takes_one(town: &Town) {
    let (there, person) = (tencent().await, town.resident("13800000001").await);
    let app = program(town, "tencent", &there.url()).await;
    let tencent = json!({ "template": "1002", "values": ["item", "when"], "state": "approved" });
    let reminder = json!([{
        "kind": "booking.reminder",
        "body": "提醒：您约了{when}办理“{item}”，预约号{number}。请带齐材料到{place}。",
        "line": "{when}“{item}”（{number}）",
        "merged": "提醒：您家约了{n}件事：{lines}。请带齐材料到{place}。",
        "vendors": { "tencent": tencent },
    }]);
    register(town, reminder).await.unwrap();
    register(town, confirmed("approved")).await.unwrap();
    for name in ["田小满", "田小禾"] {
        book(town, &person, name).await;
    }
    town.app.clock.set(crate::town::at("2026-11-25", 8, 50));
    for _ in 0..4 {
        town.app.clock.advance(Duration::minutes(1));
        deliver::all(&app).await.unwrap();
    }
    let asked = there.asked();
    let reminded = asked.iter().filter(|a| a.json()["TemplateId"] == "1002").count();
    assert!(reminded >= 2, "{reminded} of {}", asked.len());
    assert!(texts(town, "booking.reminder").await.iter().all(|n| n.carried_by.is_none()));
    app.database.close().await;
    town.deliver().await;
}

async fn a_template_that_a_vendor_could_not_take_is_refused(town: &Town) {
    let file = |vendors: Value| json!([{ "kind": "booking.confirmed", "body": CONFIRMED, "vendors": vendors }]);
    let vendor =
        |template: &str, values: &[&str]| json!({ "template": template, "values": values, "state": "approved" });
    for (vendors, fault) in [
        (json!({ "pigeon": vendor("1", &[]) }), "没有 pigeon 通道"),
        (json!({ "aliyun": vendor("", &[]) }), "template 应为"),
        (json!({ "aliyun": vendor("SMS 1", &[]) }), "template 应为"),
        (json!({ "aliyun": vendor("SMS_1", &["who"]) }), "不能用 who"),
        (json!({ "aliyun": vendor("SMS_1", &["when", "when"]) }), "when 重复"),
    ] {
        let refused = register(town, file(vendors)).await.err().unwrap().to_string();
        assert!(refused.contains(fault), "{refused}");
    }
    let invitation = json!([{
        "kind": "review.invitation",
        "body": "您办的“{item}”（{number}）{outcome}。{way}。",
        "vendors": { "tencent": vendor("1", &["item", "link"]) },
    }]);
    let refused = register(town, invitation).await.err().unwrap().to_string();
    assert!(refused.contains("不能用 link"), "no vendor takes a link in a variable: {refused}");
}

/// What the second gateway of a program kept.
fn memory_of_second(app: &App) -> Vec<String> {
    match &app.sms[1] {
        shuitian::gateway::sms::Sms::Memory(memory) => memory.sent().into_iter().map(|s| s.text).collect(),
        _ => memory_of(app).sent().into_iter().map(|s| s.text).collect(),
    }
}
