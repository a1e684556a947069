//! What comes back: reports and texts from phones, pushed by each vendor in its own form.

use super::stand_in::{Behaviour, StandIn};
use super::{approve, program};
use crate::person::Answer;
use crate::town::{Door, Town, say_texts, stories};
use chrono::Duration;
use entity::notice::{Column, Delivery, Entity, Model, NoticeState, UplinkOutcome, report, uplink};
use reqwest::Method;
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shuitian::app::App;
use shuitian::domain::notice;
use shuitian::jobs::deliver;

stories!(
    what_is_known_of_a_texts_arrival_only_rises,
    a_report_that_comes_before_our_own_commit_is_kept_and_matched,
    what_is_no_report_or_comes_by_a_wrong_address_changes_nothing,
    each_vendors_texts_from_phones_count_once_and_are_thanked_as_it_wants,
    an_odd_row_takes_no_other_with_it,
    nobody_who_waits_to_be_asked_about_waits_for_ever,
);

/// What a program was brought, by the hook of a gateway.
pub(super) async fn bring(door: &Door, app: &App, gateway: &str, what: &str, body: &str) -> Answer {
    let secret = app.hook_secret(gateway).expose_secret().to_owned();
    bring_to(door, &format!("/hooks/sms/{gateway}/{secret}/{what}"), body).await
}

async fn bring_to(door: &Door, path: &str, body: &str) -> Answer {
    let web = reqwest::Client::builder().no_proxy().build().unwrap();
    Answer::of(web.request(Method::POST, format!("{}{path}", door.url)).body(body.to_owned()).send().await.unwrap())
        .await
}

pub(super) async fn say(town: &Town, numbers: std::ops::Range<usize>) {
    town.act(async |act| say_texts(act, numbers).await).await;
}

/// The text of a number, as it stands.
pub(super) async fn text(town: &Town, n: usize) -> Model {
    Entity::find().filter(Column::Key.eq(format!("n{n:04}"))).one(town.app.read()).await.unwrap().unwrap()
}

pub(super) async fn stands(town: &Town, n: usize) -> (NoticeState, Delivery, Option<String>) {
    let text = text(town, n).await;
    (text.state, text.delivery, text.fault)
}

pub(super) async fn kept(town: &Town) -> u64 {
    report::Entity::find().count(town.app.read()).await.unwrap()
}

/// Answers each text with an id of its own.
pub(super) async fn vendor(name: &'static str) -> StandIn {
    StandIn::open(move |asked| {
        Behaviour::ok(match name {
            "tencent" => {
                let phone = asked.json()["PhoneNumberSet"][0].as_str().unwrap_or_default().to_owned();
                let status = json!({ "SerialNo": format!("sid-{phone}"), "Code": "Ok" });
                json!({ "Response": { "SendStatusSet": [status], "RequestId": "r" } })
            }
            "aliyun" => {
                let phone = asked.place.split("PhoneNumbers=").nth(1).unwrap_or_default();
                json!({ "Code": "OK", "BizId": format!("biz-{}", phone.split('&').next().unwrap_or_default()) })
            }
            _ => json!({ "msgGroup": "group-1", "rspcod": "success", "success": true }),
        })
    })
    .await
}

fn tencent_report(n: usize, status: &str, code: &str) -> String {
    let row = json!({
        "user_receive_time": "2026-11-24 09:31:00", "nationcode": "86", "mobile": format!("138{n:08}"),
        "report_status": status, "errmsg": code, "description": "用户短信", "sid": format!("sid-+86138{n:08}"),
    });
    json!([row]).to_string()
}

async fn what_is_known_of_a_texts_arrival_only_rises(town: &Town) {
    let there = vendor("tencent").await;
    let app = program(town, "tencent", &there.url(), &[]).await;
    let door = Door::open(&app).await;
    approve(town, "booking.appeal_ruled", "tencent").await;
    say(town, 0..3).await;
    deliver::all(&app).await.unwrap();
    assert_eq!(stands(town, 0).await, (NoticeState::Accepted, Delivery::Unknown, None));
    for _ in 0..3 {
        let answer = bring(&door, &app, "tencent", "report", &tencent_report(0, "SUCCESS", "DELIVRD")).await;
        assert_eq!((answer.status, answer.text.as_str()), (200, r#"{"result":0,"errmsg":"OK"}"#));
    }
    assert_eq!(stands(town, 0).await, (NoticeState::Accepted, Delivery::Delivered, None));
    bring(&door, &app, "tencent", "report", &tencent_report(0, "FAIL", "MK:0001")).await.ok(200);
    assert_eq!(stands(town, 0).await.1, Delivery::Delivered, "what has arrived has arrived");
    bring(&door, &app, "tencent", "report", &tencent_report(1, "FAIL", "DB:0140")).await.ok(200);
    let failed = (NoticeState::Accepted, Delivery::Failed, Some("DB:0140".to_owned()));
    assert_eq!(stands(town, 1).await, failed);
    assert_eq!(kept(town).await, 0);
    // The number is gone: staff are shown that, until something reaches it again.
    bring(&door, &app, "tencent", "report", &tencent_report(2, "FAIL", "MK:0001")).await.ok(200);
    assert_eq!(town.rows().await["phone_doubt"], 1);
    say(town, 2..3).await;
    door.close().await;
    app.database.close().await;
}

async fn a_report_that_comes_before_our_own_commit_is_kept_and_matched(town: &Town) {
    let there = vendor("tencent").await;
    let app = program(town, "tencent", &there.url(), &[]).await;
    let door = Door::open(&app).await;
    approve(town, "booking.appeal_ruled", "tencent").await;
    for _ in 0..2 {
        bring(&door, &app, "tencent", "report", &tencent_report(7, "SUCCESS", "DELIVRD")).await.ok(200);
    }
    assert_eq!(kept(town).await, 1, "the same report is one");
    town.wait(Duration::minutes(1)).await;
    say(town, 7..8).await;
    deliver::all(&app).await.unwrap();
    assert_eq!(stands(town, 7).await.1, Delivery::Unknown);
    town.wait(Duration::minutes(1)).await;
    assert_eq!((stands(town, 7).await.1, kept(town).await), (Delivery::Delivered, 0));
    // One that is nobody's is forgotten after days.
    bring(&door, &app, "tencent", "report", &tencent_report(8, "SUCCESS", "DELIVRD")).await.ok(200);
    town.wait(Duration::days(2)).await;
    assert_eq!(kept(town).await, 1);
    town.wait(Duration::days(2)).await;
    assert_eq!(kept(town).await, 0);
    door.close().await;
    app.database.close().await;
}

async fn what_is_no_report_or_comes_by_a_wrong_address_changes_nothing(town: &Town) {
    let app = program(town, "tencent,aliyun,mas", "http://127.0.0.1:9", &[]).await;
    let door = Door::open(&app).await;
    let before = town.rows().await;
    for gateway in ["tencent", "aliyun", "mas"] {
        for (what, body) in [
            ("report", ""),
            ("report", "[]x"),
            ("report", "{}"),
            ("report", r#"[{"sid": 5}]"#),
            (
                "report",
                r#"[{"sid":"","biz_id":"","msgGroup":"","report_status":"SUCCESS","success":true,"errorCode":"DELIVRD"}]"#,
            ),
            ("reply", "null"),
            ("reply", "[[]]"),
            ("reply", r#"{"mobile":"13800000001"}"#),
        ] {
            let answer = bring(&door, &app, gateway, what, body).await;
            assert_eq!((answer.status, &answer.body["code"]), (400, &json!("unreadable")), "{gateway} {what} {body}");
        }
        let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
        bring(&door, &app, gateway, "report", &deep).await.ok(400);
        let large = format!("[\"{}\"]", "x".repeat(1 << 20));
        bring(&door, &app, gateway, "report", &large).await.ok(413);
        for secret in ["", "x", "console"] {
            bring_to(&door, &format!("/hooks/sms/{gateway}/{secret}/report"), "[]").await.ok(404);
        }
    }
    let secret = app.hook_secret("console").expose_secret().to_owned();
    bring_to(&door, &format!("/hooks/sms/console/{secret}/report"), "[]").await.ok(404);
    bring_to(&door, &format!("/hooks/sms/pigeon/{secret}/report"), "[]").await.ok(404);
    assert_eq!(town.rows().await, before);
    door.close().await;
    app.database.close().await;
    // A gateway may have a secret of its own.
    let own = program(town, "mas", "http://127.0.0.1:9", &[("SMS__MAS__HOOK_SECRET", "a-secret-of-its-own")]).await;
    let door = Door::open(&own).await;
    bring_to(&door, &format!("/hooks/sms/mas/{secret}/report"), "[]").await.ok(404);
    bring_to(&door, "/hooks/sms/mas/a-secret-of-its-own/report", "[]").await.ok(200);
    door.close().await;
    own.database.close().await;
}

async fn an_odd_row_takes_no_other_with_it(town: &Town) {
    let app = program(town, "mas", "http://127.0.0.1:9", &[]).await;
    let door = Door::open(&app).await;
    let row = |id: Value| json!({ "reportStatus": "CM:0000", "mobile": "13800000000", "msgGroup": id, "errorCode": "DELIVRD" });
    let rows = [json!(12), json!("a\u{0}b"), json!("x".repeat(5000)), json!("good")].map(row);
    bring(&door, &app, "mas", "report", &Value::from(rows.to_vec()).to_string()).await.ok(200);
    assert_eq!(kept(town).await, 1);
    bring(&door, &app, "mas", "report", &Value::from(rows[..3].to_vec()).to_string()).await.ok(400);
    door.close().await;
    app.database.close().await;
    // What is pulled is handed out once.
    let row = |status: Value| json!({ "SerialNo": "pulled", "ReportStatus": status, "Description": "DELIVRD" });
    let rows = [row(json!(null)), row(json!("SUCCESS"))];
    let all = json!({ "PullSmsSendStatusSet": rows, "PullSmsReplyStatusSet": [], "RequestId": "r" });
    let there = StandIn::open(move |_| Behaviour::ok(json!({ "Response": all }))).await;
    let app = program(town, "tencent", &there.url(), &[]).await;
    let pulled = app.sms[0].pull(app.clock.now()).await.unwrap().unwrap();
    assert_eq!(pulled.reports.iter().map(|r| r.vendor_id.as_str()).collect::<Vec<_>>(), ["pulled"]);
    app.database.close().await;
}

async fn nobody_who_waits_to_be_asked_about_waits_for_ever(town: &Town) {
    use sea_orm::sea_query::Expr;
    say(town, 0..23).await;
    Entity::update_many()
        .col_expr(Column::State, Expr::value(NoticeState::Unsure))
        .col_expr(Column::DoneAt, Expr::value(town.app.clock.now()))
        .exec(town.app.database.writer())
        .await
        .unwrap();
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..4 {
        town.app.clock.advance(Duration::minutes(1));
        let asked =
            notice::to_ask_about(town.app.read(), town.app.clock.now(), Duration::minutes(30), 10).await.unwrap();
        assert_eq!(asked.len(), 10);
        seen.extend(asked.into_iter().map(|text| text.id));
    }
    assert_eq!(seen.len(), 23);
}

async fn each_vendors_texts_from_phones_count_once_and_are_thanked_as_it_wants(town: &Town) {
    let app = program(town, "tencent,aliyun,mas", "http://127.0.0.1:9", &[]).await;
    let door = Door::open(&app).await;
    for (n, (gateway, body, thanks)) in [
        (
            "tencent",
            json!({ "extend": "", "mobile": "13800000000", "nationcode": "86", "sign": "水田乡", "text": "5", "time": 1_795_449_600 }),
            r#"{"result":0,"errmsg":"OK"}"#,
        ),
        (
            "aliyun",
            json!([{ "phone_number": "13800000001", "content": "５", "send_time": "2026-11-24 09:40:00", "dest_code": "1", "sequence_id": 17 }]),
            r#"{"code":0,"msg":"接收成功"}"#,
        ),
        (
            "mas",
            json!({ "mobile": "13800000002", "smsContent": "非常满意", "sendTime": "2026-11-24 09:40:00", "addSerial": "106573" }),
            r#"{"result":"ok"}"#,
        ),
    ]
    .into_iter()
    .enumerate()
    {
        town.issued("SB-03", Some(&format!("138{n:08}"))).await;
        for _ in 0..3 {
            let answer = bring(&door, &app, gateway, "reply", &body.to_string()).await;
            assert_eq!((answer.status, answer.text.as_str()), (200, thanks));
        }
        assert_eq!(town.rows().await["review"], i64::try_from(n).unwrap() + 1);
        assert_eq!(town.rows().await["uplink"], i64::try_from(n).unwrap() + 1, "the same text is kept once");
    }
    // Twenty at once: the same text, brought by a vendor that does not wait.
    let phone = "13800000009";
    town.issued("SB-03", Some(phone)).await;
    let body = json!([{ "phone_number": phone, "content": "4", "sequence_id": "99" }]).to_string();
    let brought = (0..20).map(|_| bring(&door, &app, "aliyun", "reply", &body));
    for answer in futures_util::future::join_all(brought).await {
        answer.ok(200);
    }
    assert_eq!((town.rows().await["review"], town.rows().await["uplink"]), (4, 4));
    let rows = uplink::Entity::find().order_by_asc(uplink::Column::Id).all(town.app.read()).await.unwrap();
    assert!(rows.iter().all(|row| row.outcome == UplinkOutcome::Rated));
    let keys: Vec<&String> = rows.iter().filter_map(|row| row.key.as_ref()).collect();
    assert!(keys.len() == 4 && keys.iter().all(|key| key.len() == 64 && !key.contains("1380000")), "{keys:?}");
    town.deliver().await;
    door.close().await;
    app.database.close().await;
}
