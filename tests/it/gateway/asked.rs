//! What a vendor is asked: what became of a text that it did not answer for, and what it would have brought if it could reach us.

use super::back::{bring, kept, say, stands, text, vendor};
use super::stand_in::Behaviour;
use super::{approve, program};
use crate::town::{Door, Town, stories};
use chrono::Duration;
use entity::notice::{Column, Delivery, Entity, NoticeState};
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use shuitian::jobs::deliver;

stories!(
    what_one_vendor_did_not_answer_it_is_asked_about,
    of_two_texts_to_one_phone_nobody_guesses_which_it_was,
    a_vendor_that_echoes_our_id_says_which_text_it_took,
    where_no_hook_can_be_reached_reports_and_texts_are_fetched,
);

/// Rows of a phone, as Tencent tells them when it is asked.
fn known_to_tencent(rows: &[(&str, &str, &str)]) -> Value {
    let row = |(sid, status, echo): &(&str, &str, &str)| {
        json!({
            "UserReceiveTime": 1_795_449_660, "CountryCode": "86", "SubscriberNumber": "13800000000",
            "PhoneNumber": "+8613800000000", "SerialNo": sid, "ReportStatus": status, "Description": "DELIVRD",
            "SessionContext": echo,
        })
    };
    json!({ "Response": { "PullSmsSendStatusSet": rows.iter().map(row).collect::<Vec<_>>(), "RequestId": "r" } })
}

async fn what_one_vendor_did_not_answer_it_is_asked_about(town: &Town) {
    let there = vendor("tencent").await;
    let app = program(town, "tencent", &there.url(), &[]).await;
    approve(town, "booking.appeal_ruled", "tencent").await;
    say(town, 0..1).await;
    there.next(Behaviour::Reset);
    deliver::all(&app).await.unwrap();
    assert_eq!(stands(town, 0).await.0, NoticeState::Unsure);
    let ask = async || {
        town.app.clock.advance(Duration::minutes(1));
        shuitian::jobs::tick(&app, "asking").await;
    };
    // It knows nothing yet, and the text is not sent again.
    there.next(Behaviour::ok(known_to_tencent(&[])));
    ask().await;
    let asked = there.last();
    assert_eq!(asked.header("x-tc-action"), "PullSmsSendStatusByPhoneNumber");
    let sent_at = text(town, 0).await.sent_at.unwrap();
    assert_eq!(asked.json()["BeginTime"], json!(sent_at.seconds() - 60));
    assert_eq!(asked.json()["PhoneNumber"], "+8613800000000");
    assert_eq!(stands(town, 0).await.0, NoticeState::Unsure);
    // It does not tell, and then it does.
    there.next(Behaviour::ok(json!({ "Response": { "Error": { "Code": "FailedOperation.X", "Message": "" } } })));
    ask().await;
    there.next(Behaviour::ok(known_to_tencent(&[("sid-after-all", "SUCCESS", "")])));
    ask().await;
    let known = text(town, 0).await;
    assert_eq!((known.state, known.delivery, known.fault), (NoticeState::Accepted, Delivery::Delivered, None));
    assert_eq!((known.gateway.as_deref(), known.vendor_id.as_deref()), (Some("tencent"), Some("sid-after-all")));
    let before = there.asked().len();
    ask().await;
    assert_eq!(there.asked().len(), before, "nothing is left to ask");
    // Beyond the set time it is staff's, and nobody asks any more.
    say(town, 1..2).await;
    there.next(Behaviour::Reset);
    deliver::all(&app).await.unwrap();
    let before = there.asked().len();
    town.app.clock.advance(Duration::minutes(31));
    shuitian::jobs::tick(&app, "asking").await;
    assert_eq!((there.asked().len(), stands(town, 1).await.0), (before, NoticeState::Unsure));
    app.database.close().await;
}

async fn of_two_texts_to_one_phone_nobody_guesses_which_it_was(town: &Town) {
    let there = vendor("tencent").await;
    let app = program(town, "tencent", &there.url(), &[("SMS__LIMITS__SPACING", "0")]).await;
    approve(town, "booking.appeal_ruled", "tencent").await;
    for key in ["one", "two"] {
        town.act(async |act| {
            use shuitian::domain::notice;
            let message = notice::Message {
                key: key.to_owned(),
                kind: &notice::APPEAL_RULED,
                phone: "13800000000".to_owned(),
                values: vec![("words", key.to_owned())],
                about: act.id(),
                account: None,
                matter_at: act.now,
                due_at: act.now,
                expires_at: act.now + Duration::days(1),
            };
            notice::say(act, message).await
        })
        .await;
        there.next(Behaviour::Reset);
    }
    deliver::all(&app).await.unwrap();
    let unsure =
        async || Entity::find().filter(Column::State.eq(NoticeState::Unsure)).count(town.app.read()).await.unwrap();
    assert_eq!(unsure().await, 2);
    for _ in 0..2 {
        there.next(Behaviour::ok(known_to_tencent(&[("sid-one-of-them", "SUCCESS", "")])));
    }
    town.app.clock.advance(Duration::minutes(1));
    shuitian::jobs::tick(&app, "asking").await;
    assert_eq!(unsure().await, 2, "one of the two went out, and nobody knows which");
    // Where its support has opened the echo, it says which.
    let two = Entity::find().filter(Column::Key.eq("two")).one(town.app.read()).await.unwrap().unwrap();
    for _ in 0..2 {
        there.next(Behaviour::ok(known_to_tencent(&[("sid-two", "FAIL", &two.id.to_string())])));
    }
    town.app.clock.advance(Duration::minutes(1));
    shuitian::jobs::tick(&app, "asking").await;
    let two = Entity::find_by_id(two.id).one(town.app.read()).await.unwrap().unwrap();
    assert_eq!((two.state, two.delivery, unsure().await), (NoticeState::Accepted, Delivery::Failed, 1));
    app.database.close().await;
}

async fn a_vendor_that_echoes_our_id_says_which_text_it_took(town: &Town) {
    let there = vendor("aliyun").await;
    let app = program(town, "aliyun", &there.url(), &[]).await;
    let door = Door::open(&app).await;
    approve(town, "booking.appeal_ruled", "aliyun").await;
    say(town, 0..3).await;
    for _ in 0..3 {
        there.next(Behaviour::Reset);
    }
    deliver::all(&app).await.unwrap();
    let id = async |n| text(town, n).await.id.to_string();
    // By its report: one arrived, one did not.
    let report = json!([
        { "phone_number": "13800000000", "success": true, "err_code": "DELIVERED", "biz_id": "b0", "out_id": id(0).await, "sms_size": "1" },
        { "phone_number": "13800000001", "success": false, "err_code": "MK:0012", "biz_id": "b1", "out_id": id(1).await },
        { "phone_number": "13800000001", "success": true, "err_code": "DELIVERED", "biz_id": "b9", "out_id": "somebody's" },
    ]);
    let answer = bring(&door, &app, "aliyun", "report", &report.to_string()).await;
    assert_eq!((answer.status, answer.text.as_str()), (200, r#"{"code":0,"msg":"接收成功"}"#));
    assert_eq!(stands(town, 0).await, (NoticeState::Accepted, Delivery::Delivered, None));
    assert_eq!(stands(town, 1).await, (NoticeState::Accepted, Delivery::Failed, Some("MK:0012".to_owned())));
    assert_eq!(kept(town).await, 1, "the third is nobody's here");
    // By asking: it has it, and does not know of its arrival yet; its report says the rest.
    let details = |status: Value, id: String| {
        let row = json!({ "PhoneNum": "13800000002", "SendStatus": status, "ErrCode": "", "OutId": id });
        Behaviour::ok(json!({ "Code": "OK", "TotalCount": "1", "SmsSendDetailDTOs": { "SmsSendDetailDTO": [row] } }))
    };
    there.next(details(json!(1), id(2).await));
    town.app.clock.advance(Duration::minutes(1));
    shuitian::jobs::tick(&app, "asking").await;
    let asked = there.last();
    assert!(asked.header("x-acs-action") == "QuerySendDetails" && asked.place.contains("SendDate=20261124"));
    assert_eq!(stands(town, 2).await, (NoticeState::Accepted, Delivery::Sent, None));
    let report = json!([{ "success": true, "err_code": "DELIVERED", "biz_id": "b2", "out_id": id(2).await }]);
    bring(&door, &app, "aliyun", "report", &report.to_string()).await.ok(200);
    assert_eq!(stands(town, 2).await.1, Delivery::Delivered);
    door.close().await;
    app.database.close().await;
}

async fn where_no_hook_can_be_reached_reports_and_texts_are_fetched(town: &Town) {
    let there = vendor("tencent").await;
    let app = program(town, "tencent", &there.url(), &[("SMS__TENCENT__POLL", "true")]).await;
    approve(town, "booking.appeal_ruled", "tencent").await;
    town.issued("SB-03", Some("13800000009")).await;
    town.deliver().await;
    say(town, 0..2).await;
    deliver::all(&app).await.unwrap();
    there.next(Behaviour::ok(known_to_tencent(&[("sid-+8613800000000", "SUCCESS", "")])));
    let replies = json!([{
        "CountryCode": "86", "ReplyContent": "5", "SubscriberNumber": "13800000009", "ExtendCode": "11",
        "ReplyTime": 1_795_449_600, "PhoneNumber": "+8613800000009", "SignName": "水田乡",
    }]);
    there.next(Behaviour::ok(json!({ "Response": { "PullSmsReplyStatusSet": replies, "RequestId": "r" } })));
    // The second it is asked about by itself, a little later.
    there.next(Behaviour::ok(known_to_tencent(&[("sid-+8613800000001", "FAIL", "")])));
    town.app.clock.advance(Duration::minutes(2));
    shuitian::jobs::tick(&app, "asking").await;
    assert_eq!(stands(town, 0).await.1, Delivery::Delivered);
    assert_eq!(town.rows().await["review"], 1);
    assert_eq!(stands(town, 1).await.1, Delivery::Failed);
    let actions: Vec<String> = there.asked().iter().map(|a| a.header("x-tc-action").to_owned()).collect();
    assert_eq!(actions[2..], ["PullSmsSendStatus", "PullSmsReplyStatus", "PullSmsSendStatusByPhoneNumber"]);
    app.database.close().await;
    town.deliver().await;
}
