//! Texts on their way out: by templates that vendors approved, by the next gateway where the first certainly sent nothing, and
//! each attempt written down.

use super::program;
use super::stand_in::{Behaviour, StandIn};
use crate::person::{Answer, Person};
use crate::town::{Door, Town, memory_of, stories};
use chrono::Duration;
use entity::notice::{AttemptOutcome, Entity, Model, NoticeState, VendorState, attempt};
use sea_orm::{EntityTrait as _, QueryOrder as _};
use serde_json::{Value, json};
use shuitian::access;
use shuitian::app::App;
use shuitian::base::Result;
use shuitian::domain::Who;
use shuitian::domain::centre;
use shuitian::domain::notice::{self, Imported};
use shuitian::jobs::deliver;

stories!(
    a_text_goes_by_the_template_that_its_vendor_approved,
    what_one_gateway_certainly_did_not_send_the_next_one_does,
    a_familys_reminders_go_one_by_one_where_a_template_takes_one,
    a_template_that_a_vendor_could_not_take_is_refused,
    what_does_not_fit_one_vendors_template_goes_by_the_next_gateway,
    a_code_that_no_vendor_would_send_is_not_said_to_be_sent,
    each_centre_signs_with_its_own_name,
    what_gateways_said_is_written_down_though_the_database_is_busy,
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
    let app = program(town, "tencent", &there.url(), &[]).await;
    let before = attempts(town).await.len();
    // What waits for its approval does not leave, and is not lost.
    let entered = register(town, confirmed("pending")).await.unwrap();
    assert_eq!(
        (entered[0].version, entered[0].registered.as_slice()),
        (0, &[("tencent".to_owned(), VendorState::Pending)][..])
    );
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
    let app = program(town, "tencent,memory", &there.url(), &[]).await;
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
    let app = program(town, "tencent", &there.url(), &[("SMS__LIMITS__SPACING", "30")]).await;
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
    let reminded = || there.asked().iter().filter(|a| a.json()["TemplateId"] == "1002").count();
    for minute in 1..=5 {
        town.app.clock.advance(Duration::minutes(1));
        deliver::all(&app).await.unwrap();
        assert!(reminded() <= minute, "one at a time, and time to read it: {} in {minute}", reminded());
    }
    assert!(reminded() >= 2, "{}", reminded());
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

async fn what_does_not_fit_one_vendors_template_goes_by_the_next_gateway(town: &Town) {
    let (there, person) = (tencent().await, town.resident("13800000001").await);
    let app = program(town, "tencent,memory", &there.url(), &[]).await;
    register(town, confirmed("approved")).await.unwrap();
    let unfit = "FailedOperation.TemplateParamSetNotMatchApprovedTemplate";
    there.next(sent(unfit));
    book(town, &person, "田小满").await;
    deliver::all(&app).await.unwrap();
    let went = &texts(town, "booking.confirmed").await[0];
    assert_eq!((went.state, went.gateway.as_deref()), (NoticeState::Accepted, Some("memory")));
    // What is the phone's fault is so everywhere, and ends there.
    there.next(sent("FailedOperation.PhoneNumberInBlacklist"));
    book(town, &person, "田小禾").await;
    town.app.clock.advance(Duration::minutes(1));
    deliver::all(&app).await.unwrap();
    assert_eq!(texts(town, "booking.confirmed").await[1].state, NoticeState::Rejected);
    app.database.close().await;
    // Where nobody else is there, it is refused, and why is known.
    let alone = program(town, "tencent", &there.url(), &[]).await;
    there.next(sent(unfit));
    book(town, &person, "田大满").await;
    town.app.clock.advance(Duration::minutes(1));
    deliver::all(&alone).await.unwrap();
    let refused = &texts(town, "booking.confirmed").await[2];
    assert_eq!((refused.state, refused.fault.as_deref()), (NoticeState::Rejected, Some(unfit)));
    alone.database.close().await;
    town.deliver().await;
}

async fn a_code_that_no_vendor_would_send_is_not_said_to_be_sent(town: &Town) {
    let there = tencent().await;
    let app = program(town, "tencent,aliyun", &there.url(), &[]).await;
    let door = Door::open(&app).await;
    let ask = async || {
        let asked = town.web.post(format!("{}/api/v1/auth/phone/code", door.url));
        Answer::of(asked.json(&json!({ "phone": "13800000001" })).send().await.unwrap()).await
    };
    ask().await.refused(access::NO_SMS);
    super::approve(town, "code", "aliyun").await;
    ask().await.ok(202);
    door.close().await;
    app.database.close().await;
    town.deliver().await;
}

async fn each_centre_signs_with_its_own_name(town: &Town) {
    let (there, person) = (tencent().await, town.resident("13800000001").await);
    let app = program(town, "tencent", &there.url(), &[]).await;
    register(town, confirmed("approved")).await.unwrap();
    let mut file: Value = serde_json::from_str(include_str!("../../../seed/centre.json")).unwrap();
    let import = async |file: &Value| {
        let file = serde_json::from_value(file.clone()).unwrap();
        let change = async |tx: &_| centre::import(tx, &town.app.random, town.app.clock.now(), file).await;
        town.app.establish(change).await
    };
    book(town, &person, "田小满").await;
    deliver::all(&app).await.unwrap();
    assert_eq!(there.last().json()["SignName"], "水田乡政府", "that of the settings");
    file["sms_signs"] = json!({ "tencent": "水田便民" });
    import(&file).await.unwrap();
    book(town, &person, "田小禾").await;
    town.app.clock.advance(Duration::minutes(1));
    deliver::all(&app).await.unwrap();
    assert_eq!(there.last().json()["SignName"], "水田便民");
    for (signs, fault) in [
        (json!({ "pigeon": "水田乡" }), "没有 pigeon 通道"),
        (json!({ "tencent": "【水田乡】" }), "不带括号"),
        (json!({ "mas": "" }), "签名编码"),
    ] {
        file["sms_signs"] = signs;
        let refused = import(&file).await.err().unwrap().to_string();
        assert!(refused.contains(fault), "{refused}");
    }
    (file["sms_signs"], file["sms_sign"]) = (json!({}), json!("水】田"));
    assert!(import(&file).await.err().unwrap().to_string().contains("sms_sign 水】田"));
    app.database.close().await;
    town.deliver().await;
}

/// The database takes nothing for six seconds, while one gateway answers at once and another text takes longer: each is written
/// down as it was answered, and none is unsure.
async fn what_gateways_said_is_written_down_though_the_database_is_busy(town: &Town) {
    use sea_orm::{ConnectionTrait as _, TransactionTrait as _};
    let there = StandIn::open(|_| Behaviour::Slow(std::time::Duration::from_millis(700), Box::new(sent("Ok")))).await;
    let app = program(town, "tencent", &there.url(), &[]).await;
    super::approve(town, "booking.appeal_ruled", "tencent").await;
    town.act(async |act| crate::town::say_texts(act, 0..3).await).await;
    let busy = async {
        // They are marked and handed over by then, and not answered.
        while there.asked().len() < 3 {
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        let block = town.app.database.writer().begin().await.unwrap();
        let touch = if town.app.database.is_sqlite() {
            "update notice set fault = fault"
        } else {
            "lock table notice_attempt in access exclusive mode"
        };
        block.execute_unprepared(touch).await.unwrap();
        tokio::time::sleep(std::time::Duration::from_secs(6)).await;
        block.rollback().await.unwrap();
    };
    let (delivered, ()) = futures_util::join!(deliver::all(&app), busy);
    delivered.unwrap();
    let all = texts(town, "booking.appeal_ruled").await;
    assert!(
        all.iter().all(|n| n.state == NoticeState::Accepted),
        "{:?}",
        all.iter().map(|n| n.state).collect::<Vec<_>>()
    );
    assert_eq!(attempts(town).await.len(), 3);
    app.database.close().await;
}
