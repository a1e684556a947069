//! Messages that people have asked for, and the texts that stand in.

use super::super::stand_in::{Behaviour, StandIn};
use super::{
    NO_PUSH, OPENID, TOKEN, approve, book, confirmations, event, permits, popup, post, program, push, refused,
    resident, sealed, sent, well,
};
use crate::person::Answer;
use crate::town::{Door, Town, memory_of, stories};
use chrono::Duration;
use entity::notice::{AttemptOutcome, Delivery, NoticeState, attempt};
use futures_util::future::join_all;
use sea_orm::{EntityTrait as _, QueryOrder as _};
use serde_json::{Value, json};
use shuitian::gateway::digest::sha1;
use shuitian::jobs::deliver;

stories!(
    who_has_asked_is_told_by_wechat_once_for_each_consent,
    who_took_his_consent_back_is_told_by_text_at_once,
    what_wechat_did_not_bring_goes_by_text,
    what_is_pushed_counts_once_and_only_what_wechat_sealed,
    without_pushes_the_mini_programs_word_counts,
);

async fn who_has_asked_is_told_by_wechat_once_for_each_consent(town: &Town) {
    let there = StandIn::open(well).await;
    let app = program(town, &there.url(), &[]).await;
    let door = Door::open(&app).await;
    approve(town).await;
    let person = resident(town, &door).await;
    assert_eq!(push(&door, sealed(&popup("accept", 1), "n1")).await.text, "success");
    assert_eq!(permits(town).await, Some((1, false)));
    book(town, &person, 9).await;
    deliver::all(&app).await.unwrap();
    let told = &confirmations(town).await[0];
    assert_eq!((told.state, told.gateway.as_deref()), (NoticeState::Accepted, Some("wechat")));
    let message = &sent(&there)[0];
    assert_eq!((&message["touser"], &message["template_id"]), (&json!(OPENID), &json!("TPL_BOOKED")));
    assert_eq!(message["miniprogram_state"], "formal");
    let data = message["data"].as_object().unwrap();
    assert!(data["thing1"]["value"] == "失业登记" && data["character_string3"]["value"].is_string(), "{data:?}");
    assert!(memory_of(&app).sent().is_empty(), "he is told once");
    assert_eq!((permits(town).await, town.rows().await["text_spend"]), (Some((0, false)), 0), "it costs nothing");
    // Its consent is used up: the next goes by text.
    town.app.clock.advance(Duration::minutes(1));
    book(town, &person, 10).await;
    deliver::all(&app).await.unwrap();
    assert_eq!((sent(&there).len(), memory_of(&app).sent().len()), (1, 1));
    // What was pushed of its arrival is written down.
    let arrived =
        json!({ "TemplateId": "TPL_BOOKED", "MsgID": "4294967296", "ErrorCode": "0", "ErrorStatus": "success" });
    push(&door, sealed(&event("subscribe_msg_sent_event", 5, arrived), "n2")).await.ok(200);
    assert_eq!(confirmations(town).await[0].delivery, Delivery::Delivered);
    door.close().await;
    app.database.close().await;
    town.deliver().await;
}

async fn who_took_his_consent_back_is_told_by_text_at_once(town: &Town) {
    let there = StandIn::open(well).await;
    let standing = [("WECHAT__LONG_TERM", "TPL_BOOKED")];
    let app = program(town, &there.url(), &standing).await;
    let door = Door::open(&app).await;
    approve(town).await;
    let person = resident(town, &door).await;
    push(&door, sealed(&popup("accept", 1), "n1")).await.ok(200);
    for hour in [9, 10] {
        book(town, &person, hour).await;
        town.app.clock.advance(Duration::minutes(1));
        deliver::all(&app).await.unwrap();
    }
    assert_eq!((sent(&there).len(), permits(town).await), (2, Some((1, true))), "it stands");
    there.next(refused(43101));
    book(town, &person, 11).await;
    deliver::all(&app).await.unwrap();
    assert_eq!((sent(&there).len(), memory_of(&app).sent().len()), (3, 1));
    assert_eq!(permits(town).await, Some((0, false)));
    let last = confirmations(town).await.pop().unwrap();
    assert_eq!((last.state, last.gateway.as_deref()), (NoticeState::Accepted, Some("memory")));
    let tried = attempt::Entity::find().order_by_asc(attempt::Column::At).order_by_asc(attempt::Column::N);
    let tried = tried.all(town.app.read()).await.unwrap();
    let tried: Vec<_> = tried.iter().rev().take(2).map(|a| (a.gateway.as_str(), a.outcome, a.segments)).collect();
    assert_eq!(tried[1], ("wechat", AttemptOutcome::Rejected, 0));
    assert_eq!((tried[0].0, tried[0].1), ("memory", AttemptOutcome::Accepted));
    // What certainly did not go leaves the consent; what may have gone is nobody's to say again.
    let popups = async |n: i64| push(&door, sealed(&popup("accept", n), &format!("n{n}"))).await.ok(200);
    popups(20).await;
    let change = json!({ "TemplateId": "TPL_BOOKED", "SubscribeStatusString": "reject" });
    push(&door, sealed(&event("subscribe_msg_change_event", 21, change), "n21")).await.ok(200);
    assert_eq!(permits(town).await, Some((0, false)), "he said no in WeChat's settings");
    popups(22).await;
    push(&door, sealed(&popup("reject", 23), "n23")).await.ok(200);
    assert_eq!(permits(town).await, Some((1, true)), "a no to one question takes back nothing");
    there.next(Behaviour::Reset);
    town.app.clock.advance(Duration::minutes(1));
    book(town, &person, 14).await;
    deliver::all(&app).await.unwrap();
    assert_eq!(confirmations(town).await.pop().unwrap().state, NoticeState::Unsure);
    assert_eq!(memory_of(&app).sent().len(), 1);
    door.close().await;
    app.database.close().await;
    town.deliver().await;
}

async fn what_wechat_did_not_bring_goes_by_text(town: &Town) {
    let there = StandIn::open(well).await;
    let app = program(town, &there.url(), &[]).await;
    let door = Door::open(&app).await;
    approve(town).await;
    let person = resident(town, &door).await;
    push(&door, sealed(&popup("accept", 1), "n1")).await.ok(200);
    book(town, &person, 9).await;
    deliver::all(&app).await.unwrap();
    let lost =
        json!([{ "TemplateId": "TPL_BOOKED", "MsgID": "4294967296", "ErrorCode": 43004, "ErrorStatus": "failed" }]);
    for _ in 0..3 {
        push(&door, sealed(&event("subscribe_msg_sent_event", 5, lost.clone()), "n2")).await.ok(200);
    }
    deliver::all(&app).await.unwrap();
    let told = &confirmations(town).await[0];
    assert_eq!((told.state, told.gateway.as_deref()), (NoticeState::Accepted, Some("memory")));
    assert_eq!((sent(&there).len(), memory_of(&app).sent().len()), (1, 1));
    // Without a token nothing was asked for: whoever has asked is told by text, and keeps his consent.
    let lost = program(town, &there.url(), &[("REDIS__URL", ""), ("DATABASE__MAX_CONNECTIONS", "4")]).await;
    push(&door, sealed(&popup("accept", 90), "n90")).await.ok(200);
    there.next(Behaviour::Reset);
    town.app.clock.advance(Duration::seconds(20));
    book(town, &person, 14).await;
    deliver::all(&lost).await.unwrap();
    assert_eq!((sent(&there).len(), memory_of(&lost).sent().len(), permits(town).await), (1, 1, Some((1, false))));
    lost.database.close().await;
    // A WeChat that is out of order is left alone, and everybody is told by text.
    for n in 2..4 {
        push(&door, sealed(&popup("accept", n), &format!("n{n}"))).await.ok(200);
    }
    there.next(refused(48001));
    for hour in [10, 11] {
        town.app.clock.advance(Duration::seconds(20));
        book(town, &person, hour).await;
        deliver::all(&app).await.unwrap();
    }
    assert_eq!((sent(&there).len(), memory_of(&app).sent().len()), (2, 3));
    assert_eq!((permits(town).await, town.rows().await["gateway_hold"]), (Some((3, false)), 1));
    door.close().await;
    app.database.close().await;
    town.deliver().await;
}

async fn what_is_pushed_counts_once_and_only_what_wechat_sealed(town: &Town) {
    let there = StandIn::open(well).await;
    let app = program(town, &there.url(), &[]).await;
    let door = Door::open(&app).await;
    let web = reqwest::Client::builder().no_proxy().build().unwrap();
    let ask = async |query: &str| {
        Answer::of(web.get(format!("{}/hooks/wechat?{query}", door.url)).send().await.unwrap()).await
    };
    let mut parts = [TOKEN, "1795449600", "n"];
    parts.sort_unstable();
    let signature = sha1(parts.concat().as_bytes());
    let asked = ask(&format!("signature={signature}&timestamp=1795449600&nonce=n&echostr=4375120948345356249")).await;
    assert_eq!((asked.status, asked.text.as_str()), (200, "4375120948345356249"));
    ask(&format!("signature={signature}&timestamp=1795449601&nonce=n&echostr=1")).await.ok(404);
    ask("echostr=1").await.ok(400);
    approve(town).await;
    resident(town, &door).await;
    let three = join_all((0..3).map(|_| push(&door, sealed(&popup("accept", 7), "n7")))).await;
    assert!(three.iter().all(|a| a.status == 200 && a.text == "success"));
    push(&door, sealed(&popup("accept", 7), "n8")).await.ok(200);
    assert_eq!(permits(town).await, Some((1, false)), "the same event is one, whatever it is sealed with");
    let two = json!([
        { "TemplateId": "TPL_BOOKED", "SubscribeStatusString": "accept" },
        { "TemplateId": "TPL_OTHER", "SubscribeStatusString": "accept" },
    ]);
    push(&door, sealed(&event("subscribe_msg_popup_event", 8, two), "n9")).await.ok(200);
    assert_eq!(town.rows().await["message_permit"], 2);
    // Events of others, of nobody here, and of kinds that do not concern us, are thanked for all the same.
    let mut stranger = popup("accept", 9);
    stranger["FromUserName"] = json!("oSomebodyElse");
    push(&door, sealed(&stranger, "n10")).await.ok(200);
    push(&door, sealed(&event("wxa_media_check", 10, Value::Null), "n11")).await.ok(200);
    let before = town.rows().await;
    let (query, body) = sealed(&popup("accept", 99), "n12");
    for (query, body) in [
        (query.replace("nonce=n12", "nonce=n13"), body.clone()),
        (query.clone(), popup("accept", 99).to_string()),
        (query.clone(), body.replace("Encrypt", "Encrypted")),
        (query.clone(), "not json".to_owned()),
        (query.replace("msg_signature", "signature2"), body.clone()),
    ] {
        push(&door, (query, body)).await.ok(400);
    }
    push(&door, (query, "x".repeat((1 << 20) + 1))).await.ok(413);
    let again = sealed(&popup("accept", 7), "n7");
    assert_eq!(town.rows().await, before);
    town.app.clock.advance(Duration::days(4));
    shuitian::jobs::tick(&app, "sweeping").await;
    assert_eq!(town.rows().await["wechat_event"], 0);
    let before = permits(town).await;
    push(&door, again).await.ok(400);
    assert_eq!(permits(town).await, before, "what is no longer remembered is no longer believed");
    door.close().await;
    app.database.close().await;
    // Where nothing is pushed, there is no such address.
    let without = program(town, &there.url(), &NO_PUSH).await;
    let door = Door::open(&without).await;
    push(&door, sealed(&popup("accept", 1), "n1")).await.ok(404);
    door.close().await;
    without.database.close().await;
    town.deliver().await;
}

async fn without_pushes_the_mini_programs_word_counts(town: &Town) {
    let there = StandIn::open(well).await;
    let (with, without) = (program(town, &there.url(), &[]).await, program(town, &there.url(), &NO_PUSH).await);
    let (pushed, unpushed) = (Door::open(&with).await, Door::open(&without).await);
    approve(town).await;
    let person = resident(town, &pushed).await;
    let listed = person.get("/auth/wechat/messages").await.ok(200);
    assert_eq!(listed["items"], json!([{ "kind": "booking.confirmed", "template": "TPL_BOOKED" }]));
    let said = json!({ "accepted": ["TPL_BOOKED", "TPL_NOT_OURS"] });
    post(&pushed, person.token.as_deref(), "/auth/wechat/consents", said.clone()).await.ok(204);
    assert_eq!(permits(town).await, None, "WeChat says so itself");
    post(&unpushed, person.token.as_deref(), "/auth/wechat/consents", said).await.ok(204);
    assert_eq!((permits(town).await, town.rows().await["message_permit"]), (Some((1, false)), 1));
    for door in [pushed, unpushed] {
        door.close().await;
    }
    for app in [with, without] {
        app.database.close().await;
    }
    town.deliver().await;
}
