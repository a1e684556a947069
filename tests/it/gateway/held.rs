//! Gateways that are out of order: left alone, told of, taken up again; and no text is lost or said twice for it.

use super::stand_in::{Behaviour, StandIn};
use super::{approve, program};
use crate::town::{Door, Town, say_texts, stories};
use chrono::Duration;
use entity::notice::{Column, Entity, NoticeState, hold};
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use serde_json::json;
use shuitian::app::App;
use shuitian::gateway::sms::Sms;
use shuitian::jobs::deliver;

stories!(
    one_that_is_out_of_order_is_left_alone_told_of_and_taken_up_again,
    a_single_error_moves_nobody_and_many_in_a_minute_do,
    where_nobody_is_in_order_texts_wait_and_no_try_is_counted,
    a_template_that_is_refused_holds_up_nobody_else,
    what_one_gateway_cannot_take_waits_for_one_that_is_held,
    a_campaign_that_hangs_delays_no_code,
    whatever_a_gateway_does_sent_and_unsure_are_said,
);

const NO_MONEY: &str = "FailedOperation.InsufficientBalanceInSmsPackage";

fn sent(code: &str) -> Behaviour {
    let status = json!({ "SerialNo": "serial-1", "Code": code });
    Behaviour::ok(json!({ "Response": { "SendStatusSet": [status], "RequestId": "r" } }))
}

async fn tencent() -> StandIn {
    StandIn::open(|_| sent("Ok")).await
}

async fn say(town: &Town, numbers: std::ops::Range<usize>) {
    town.act(async |act| say_texts(act, numbers).await).await;
}

async fn count(town: &Town, state: NoticeState) -> u64 {
    Entity::find().filter(Column::State.eq(state)).count(town.app.read()).await.unwrap()
}

/// What the second gateway of a program kept.
fn by_memory(app: &App) -> Vec<String> {
    match &app.sms[1] {
        Sms::Memory(memory) => memory.sent().into_iter().map(|s| s.text).collect(),
        other => panic!("{}", other.name()),
    }
}

async fn told(door: &Door, path: &str) -> String {
    let web = reqwest::Client::builder().no_proxy().build().unwrap();
    let answer = web.get(format!("{}{path}", door.url)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    answer.text().await.unwrap()
}

async fn one_that_is_out_of_order_is_left_alone_told_of_and_taken_up_again(town: &Town) {
    let there = tencent().await;
    let operator = [("SMS__OPERATOR_PHONE", "13900000001")];
    let app = program(town, "tencent,memory", &there.url(), &operator).await;
    let (door, second) = (Door::open(&app).await, program(town, "tencent,memory", &there.url(), &[]).await);
    approve(town, "booking.appeal_ruled", "tencent").await;
    assert!(told(&door, "/readyz").await.contains(r#""tencent":"in order""#));
    say(town, 0..1).await;
    there.next(sent(NO_MONEY));
    for _ in 0..2 {
        deliver::all(&app).await.unwrap();
    }
    assert_eq!(there.asked().len(), 1);
    let texts = by_memory(&app);
    assert!(texts.iter().any(|t| t.contains("第0000条")), "{texts:?}");
    let alarm = texts.iter().find(|t| t.contains("短信通道tencent停用")).expect("the operator is told");
    assert!(alarm.contains(NO_MONEY), "{alarm}");
    let ready = told(&door, "/readyz").await;
    assert!(ready.contains("out of order since") && ready.contains(NO_MONEY) && ready.contains(r#""ready":true"#));
    assert!(told(&door, "/metrics").await.contains(r#"shuitian_gateway_held{gateway="tencent"} 1"#));
    // It is asked by nobody, here or there, until its time is over; then once more, and left alone for longer.
    say(town, 1..4).await;
    deliver::all(&app).await.unwrap();
    deliver::all(&second).await.unwrap();
    assert_eq!(there.asked().len(), 1);
    town.app.clock.advance(Duration::seconds(61));
    there.next(sent(NO_MONEY));
    say(town, 4..5).await;
    deliver::all(&app).await.unwrap();
    say(town, 5..6).await;
    town.app.clock.advance(Duration::seconds(90));
    deliver::all(&second).await.unwrap();
    assert_eq!(there.asked().len(), 2);
    let held = hold::Entity::find().one(town.app.read()).await.unwrap().unwrap();
    let for_so_long = (held.until - held.since).num_seconds();
    assert!(held.times == 2 && (181..190).contains(&for_so_long), "{for_so_long}");
    assert_eq!(by_memory(&app).iter().filter(|t| t.contains("停用")).count(), 1, "the operator is told once");
    // It takes texts again.
    town.app.clock.advance(Duration::minutes(2));
    say(town, 6..7).await;
    deliver::all(&second).await.unwrap();
    assert_eq!((there.asked().len(), town.rows().await["gateway_hold"]), (3, 0));
    assert!(told(&door, "/readyz").await.contains(r#""tencent":"in order""#));
    say(town, 7..9).await;
    deliver::all(&app).await.unwrap();
    assert_eq!(there.asked().len(), 5);
    assert_eq!(count(town, NoticeState::Accepted).await, 10);
    door.close().await;
    for app in [app, second] {
        app.database.close().await;
    }
}

async fn a_single_error_moves_nobody_and_many_in_a_minute_do(town: &Town) {
    let there = tencent().await;
    let app = program(town, "tencent,memory", &there.url(), &[]).await;
    approve(town, "booking.appeal_ruled", "tencent").await;
    let busy = || Behaviour::Answer(503, "retry-after: 1\r\n", String::new());
    say(town, 0..1).await;
    there.next(busy());
    deliver::all(&app).await.unwrap();
    assert_eq!((by_memory(&app).len(), count(town, NoticeState::Due).await), (0, 1), "it waits for its own gateway");
    town.app.clock.advance(Duration::minutes(1));
    deliver::all(&app).await.unwrap();
    assert_eq!((there.asked().len(), count(town, NoticeState::Accepted).await), (2, 1));
    // Five within a minute: the others go by the next gateway, and so do these, which certainly did not go.
    for _ in 0..5 {
        there.next(busy());
    }
    say(town, 10..15).await;
    deliver::all(&app).await.unwrap();
    say(town, 15..20).await;
    deliver::all(&app).await.unwrap();
    assert_eq!((there.asked().len(), by_memory(&app).len()), (7, 5));
    town.app.clock.advance(Duration::seconds(40));
    deliver::all(&app).await.unwrap();
    assert_eq!((by_memory(&app).len(), count(town, NoticeState::Accepted).await), (10, 11));
    app.database.close().await;
}

async fn where_nobody_is_in_order_texts_wait_and_no_try_is_counted(town: &Town) {
    let there = StandIn::open(|_| sent(NO_MONEY)).await;
    let app = program(town, "tencent", &there.url(), &[]).await;
    approve(town, "booking.appeal_ruled", "tencent").await;
    say(town, 0..3).await;
    let spent = town.rows().await["text_spend"];
    for _ in 0..180 {
        town.app.clock.advance(Duration::minutes(1));
        deliver::all(&app).await.unwrap();
    }
    let waiting = Entity::find().filter(Column::State.eq(NoticeState::Due)).all(town.app.read()).await.unwrap();
    assert_eq!((waiting.len(), waiting.iter().map(|n| n.attempts).max()), (3, Some(0)));
    assert!(there.asked().len() < 40, "it is asked less and less: {}", there.asked().len());
    assert_eq!(town.rows().await["text_spend"], spent, "what did not go is not billed");
    app.database.close().await;
    town.deliver().await;
}

async fn a_template_that_is_refused_holds_up_nobody_else(town: &Town) {
    let there = tencent().await;
    let app = program(town, "tencent", &there.url(), &[]).await;
    approve(town, "booking.appeal_ruled", "tencent").await;
    say(town, 0..1).await;
    there.next(sent("FailedOperation.TemplateIncorrectOrUnapproved"));
    deliver::all(&app).await.unwrap();
    assert_eq!((count(town, NoticeState::Due).await, town.rows().await["gateway_hold"]), (1, 0));
    say(town, 1..3).await;
    deliver::all(&app).await.unwrap();
    assert_eq!(count(town, NoticeState::Accepted).await, 2, "the others go meanwhile");
    town.app.clock.advance(Duration::minutes(11));
    deliver::all(&app).await.unwrap();
    assert_eq!((there.asked().len(), count(town, NoticeState::Accepted).await), (4, 3), "and so does it, put right");
    app.database.close().await;
}

async fn what_one_gateway_cannot_take_waits_for_one_that_is_held(town: &Town) {
    let there = tencent().await;
    // Aliyun first, which is found nowhere and so is held after five tries.
    let settings = [("SMS__ALIYUN__ENDPOINT", "http://127.0.0.1:9")];
    let app = program(town, "aliyun,tencent", &there.url(), &settings).await;
    for gateway in ["aliyun", "tencent"] {
        approve(town, "booking.appeal_ruled", gateway).await;
    }
    say(town, 0..5).await;
    deliver::all(&app).await.unwrap();
    assert_eq!(town.rows().await["gateway_hold"], 1);
    say(town, 5..6).await;
    there.next(sent("InvalidParameterValue.TemplateParameterLengthLimit"));
    deliver::all(&app).await.unwrap();
    let waiting = Entity::find().filter(Column::Key.eq("n0005")).one(town.app.read()).await.unwrap().unwrap();
    assert_eq!((waiting.state, waiting.fault.as_deref()), (NoticeState::Due, Some("held")));
    let held = hold::Entity::find().one(town.app.read()).await.unwrap().unwrap();
    assert_eq!(waiting.due_at, held.until, "it is not asked again before");
    app.database.close().await;
    town.app.clock.advance(Duration::minutes(5));
    town.deliver().await;
}

async fn a_campaign_that_hangs_delays_no_code(town: &Town) {
    let hang = || Behaviour::Hang(std::time::Duration::from_secs(30));
    let there =
        StandIn::open(move |asked| if asked.json()["TemplateId"] == "1002" { sent("Ok") } else { hang() }).await;
    let app = program(town, "tencent", &there.url(), &[("SMS__TENCENT__TIMEOUT", "30")]).await;
    approve(town, "booking.appeal_ruled", "tencent").await;
    let shipped: serde_json::Value = serde_json::from_str(include_str!("../../../seed/texts.json")).unwrap();
    let mut code = shipped.as_array().unwrap().iter().find(|f| f["kind"] == "code").unwrap().clone();
    code["vendors"] = json!({ "tencent": { "template": "1002", "values": ["code"], "state": "approved" } });
    let files = serde_json::from_value(json!([code])).unwrap();
    let import = async |act: &_| shuitian::domain::notice::import(act, files).await;
    town.app.publish(&town.centre, shuitian::domain::Who::Operator, import).await.unwrap();
    say(town, 0..300).await;
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let working = tokio::spawn(shuitian::jobs::work(app.clone(), stopped));
    // Everything that may be under way at once is, and hangs.
    let of_template = |template: &str| there.asked().iter().filter(|a| a.json()["TemplateId"] == template).count();
    while of_template("1001") < 100 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    town.stranger().post("/auth/phone/code", json!({ "phone": "13800000001" })).await.ok(202);
    while of_template("1002") == 0 {
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(of_template("1001"), 100, "the code went though none of the campaign was answered");
    // The gateway goes down: what hung is unsure, and the rest waits for it.
    drop(there);
    stop.send(true).unwrap();
    working.await.unwrap();
    let (unsure, due) = (count(town, NoticeState::Unsure).await, count(town, NoticeState::Due).await);
    let claimed = count(town, NoticeState::Claimed).await;
    assert_eq!((unsure, due + claimed), (100, 200));
    app.database.close().await;
    town.wait(Duration::minutes(3)).await;
    town.deliver().await;
    assert_eq!((count(town, NoticeState::Unsure).await, count(town, NoticeState::Accepted).await), (100, 201));
}

/// A gateway that does all that gateways do: each text is at most once taken, and what was taken is accepted or unsure.
async fn whatever_a_gateway_does_sent_and_unsure_are_said(town: &Town) {
    use std::sync::Mutex;
    let taken: std::sync::Arc<Mutex<Vec<String>>> = std::sync::Arc::default();
    let (keeping, turn) = (std::sync::Arc::clone(&taken), std::sync::atomic::AtomicUsize::new(0));
    let there = StandIn::open(move |asked| {
        let context = asked.json()["SessionContext"].as_str().unwrap_or_default().to_owned();
        let take = || keeping.lock().unwrap().push(context.clone());
        let quick = std::time::Duration::from_millis(5);
        match turn.fetch_add(1, std::sync::atomic::Ordering::SeqCst) % 11 {
            0 => Behaviour::Answer(429, "retry-after: 1\r\n", String::new()),
            1 => Behaviour::Answer(503, "retry-after: 1\r\n", String::new()),
            // It says yes and loses the answer, cuts it off, or answers garbage.
            2 => {
                take();
                Behaviour::Reset
            }
            3 => {
                take();
                Behaviour::CutOff
            }
            4 => {
                take();
                Behaviour::Answer(500, "", "<html>".to_owned())
            }
            5 => sent("RequestLimitExceeded"),
            6 => sent("LimitExceeded.PhoneNumberThirtySecondLimit"),
            7 => Behaviour::Reset,
            _ => {
                take();
                Behaviour::Slow(quick, Box::new(sent("Ok")))
            }
        }
    })
    .await;
    let (one, two) =
        (program(town, "tencent", &there.url(), &[]).await, program(town, "tencent", &there.url(), &[]).await);
    approve(town, "booking.appeal_ruled", "tencent").await;
    say(town, 0..200).await;
    // A gateway may be held for half an hour and again: until nothing waits any longer.
    for _ in 0..600 {
        if count(town, NoticeState::Due).await == 0 {
            break;
        }
        let (first, second) = futures_util::join!(deliver::all(&one), deliver::all(&two));
        first.and(second).unwrap();
        town.app.clock.advance(Duration::minutes(1));
    }
    let mut once = taken.lock().unwrap().clone();
    let all = once.len();
    once.sort();
    once.dedup();
    assert_eq!(once.len(), all, "one was taken twice");
    let (accepted, unsure) = (count(town, NoticeState::Accepted).await, count(town, NoticeState::Unsure).await);
    let gave_up = count(town, NoticeState::GaveUp).await;
    let notices = Entity::find().all(town.app.read()).await.unwrap();
    assert_eq!(accepted + unsure + gave_up, 200, "nothing is lost");
    let of = |id: &String| notices.iter().find(|n| n.id.to_string() == *id).unwrap();
    let well = |n: &entity::notice::Model| matches!(n.state, NoticeState::Accepted | NoticeState::Unsure);
    assert!(once.iter().all(|id| well(of(id))), "what was taken is not said to have failed");
    assert!(unsure >= 20 && accepted >= 80, "{accepted} accepted, {unsure} unsure, {gave_up} given up");
    for app in [one, two] {
        app.database.close().await;
    }
}
