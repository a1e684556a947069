//! WeChat: who is vouched for, one token for all programs, messages that people have asked for and the texts that stand in.

use super::stand_in::{Asked, Behaviour, StandIn};
use crate::person::{Answer, Person};
use crate::town::{Door, Town, memory_of, stories};
use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Duration;
use entity::Time;
use entity::notice::{AttemptOutcome, Delivery, Entity, Model, NoticeState, attempt, permit};
use futures_util::future::join_all;
use sea_orm::{EntityTrait as _, QueryOrder as _};
use serde_json::{Value, json};
use shuitian::access;
use shuitian::app::App;
use shuitian::domain::Who;
use shuitian::domain::notice;
use shuitian::gateway::digest::sha1;
use shuitian::gateway::sms::Outcome;
use shuitian::gateway::wechat::client::Fault;
use shuitian::gateway::wechat::mini::{Subscribed, Verdict, cut};
use shuitian::jobs::deliver;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

stories!(
    who_comes_by_the_mini_program_is_vouched_for_by_wechat_alone,
    a_token_that_is_over_is_fetched_once_by_all,
    each_answer_of_wechat_is_of_its_class,
    who_has_asked_is_told_by_wechat_once_for_each_consent,
    who_took_his_consent_back_is_told_by_text_at_once,
    what_wechat_did_not_bring_goes_by_text,
    what_is_pushed_counts_once_and_only_what_wechat_sealed,
    without_pushes_the_mini_programs_word_counts,
    codes_links_and_words_are_asked_for_as_wechat_wants,
    who_opens_our_pages_in_wechat_signs_in_by_the_official_account,
    the_windows_code_is_fetched_once_and_words_are_looked_at,
);

const APP: &str = "wx0123456789abcdef";
const TOKEN: &str = "shuitian_push_token";
const KEY: &str = "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8";
const OPENID: &str = "oSHUITIAN_resident_0001";
const PHONE: &str = "13800000001";

/// What WeChat answers where all is well.
fn well(asked: &Asked) -> Behaviour {
    let path = asked.place.split('?').next().unwrap();
    Behaviour::ok(match path {
        "/cgi-bin/stable_token" => json!({ "access_token": "token-1", "expires_in": 7200 }),
        "/sns/jscode2session" => json!({ "openid": OPENID, "session_key": "never-leaves", "unionid": "u" }),
        "/wxa/business/getuserphonenumber" => json!({
            "errcode": 0, "errmsg": "ok",
            "phone_info": { "phoneNumber": PHONE, "purePhoneNumber": PHONE, "countryCode": "86",
                "watermark": { "timestamp": 1, "appid": APP } },
        }),
        "/cgi-bin/message/subscribe/send" => json!({ "errcode": 0, "errmsg": "ok", "msgid": 4_294_967_296_i64 }),
        _ => json!({ "errcode": 0, "errmsg": "ok" }),
    })
}

fn refused(code: i64) -> Behaviour {
    Behaviour::ok(json!({ "errcode": code, "errmsg": format!("no rid: 6-{code}") }))
}

async fn program(town: &Town, url: &str, more: &[(&str, &str)]) -> App {
    let settings = [
        ("WECHAT__SIGN_IN", "mini"),
        ("WECHAT__API_BASE", url),
        ("WECHAT__TIMEOUT", "1"),
        ("WECHAT__MINI__APP_ID", APP),
        ("WECHAT__MINI__APP_SECRET", "mini-secret"),
        ("WECHAT__MINI__PUSH_TOKEN", TOKEN),
        ("WECHAT__MINI__PUSH_AES_KEY", KEY),
    ];
    town.another(&[&settings[..], more].concat()).await
}

/// A program without pushes.
const NO_PUSH: [(&str, &str); 2] = [("WECHAT__MINI__PUSH_TOKEN", ""), ("WECHAT__MINI__PUSH_AES_KEY", "")];

/// Somebody at the doors of another program.
async fn post(door: &Door, token: Option<&str>, path: &str, body: Value) -> Answer {
    let web = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = web.post(format!("{}/api/v1{path}", door.url)).json(&body);
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    Answer::of(request.send().await.unwrap()).await
}

/// A resident who came by WeChat and gave his phone, as a person of the town.
async fn resident<'t>(town: &'t Town, door: &Door) -> Person<'t> {
    let signed = post(door, None, "/auth/wechat", json!({ "code": "login-code" })).await.ok(200);
    let person = Person::new(town).with(&signed);
    post(door, person.token.as_deref(), "/auth/wechat/phone", json!({ "code": "phone-code" })).await.ok(204);
    person
}

/// Has WeChat approve a template for the confirmation.
async fn approve(town: &Town) {
    let shipped: Value = serde_json::from_str(include_str!("../../../seed/texts.json")).unwrap();
    let mut file = shipped.as_array().unwrap().iter().find(|f| f["kind"] == "booking.confirmed").unwrap().clone();
    let values = ["thing1=item", "thing2=when", "character_string3=number"];
    file["vendors"] = json!({ "wechat": { "template": "TPL_BOOKED", "values": values, "state": "approved" } });
    let files = serde_json::from_value(json!([file])).unwrap();
    town.app.publish(&town.centre, Who::Operator, async |act| notice::import(act, files).await).await.unwrap();
}

async fn book(town: &Town, person: &Person<'_>, hour: i32) {
    let slot = town.slot("SB-03", crate::town::at("2026-11-25", hour, 0)).await;
    let other =
        json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": format!("田小满{hour}"), "phone": PHONE } });
    person.post("/bookings", other).await.ok(201);
}

async fn confirmations(town: &Town) -> Vec<Model> {
    let all = Entity::find().order_by_asc(entity::notice::Column::Id).all(town.app.read()).await.unwrap();
    all.into_iter().filter(|n| n.kind == "booking.confirmed").collect()
}

async fn permits(town: &Town) -> Option<(i32, bool)> {
    let all = permit::Entity::find().all(town.app.read()).await.unwrap();
    all.first().map(|p| (p.ready, p.standing))
}

/// Messages that WeChat was asked to send.
fn sent(there: &StandIn) -> Vec<Value> {
    let sends = there.asked().into_iter().filter(|a| a.place.starts_with("/cgi-bin/message/subscribe/send"));
    sends.map(|a| a.json()).collect()
}

/// As WeChat seals an event and signs it: its query and its body.
fn sealed(event: &Value, nonce: &str) -> (String, String) {
    let engine = base64::engine::GeneralPurpose::new(
        &base64::alphabet::STANDARD,
        base64::engine::GeneralPurposeConfig::new()
            .with_decode_allow_trailing_bits(true)
            .with_decode_padding_mode(base64::engine::DecodePaddingMode::Indifferent),
    );
    let key = engine.decode(KEY).unwrap();
    let message = event.to_string();
    let mut plain = b"0123456789abcdef".to_vec();
    plain.extend(u32::try_from(message.len()).unwrap().to_be_bytes());
    plain.extend(message.as_bytes());
    plain.extend(APP.as_bytes());
    let fill = 32 - plain.len() % 32;
    plain.extend(vec![u8::try_from(fill).unwrap(); fill]);
    let vector = EncryptionContext::Iv128(<&[u8; 16]>::try_from(&key[..16]).unwrap().into());
    let cipher = EncryptingKey::cbc(UnboundCipherKey::new(&AES_256, &key).unwrap()).unwrap();
    cipher.less_safe_encrypt(&mut plain, vector).unwrap();
    let encrypt = STANDARD.encode(&plain);
    let mut parts = [TOKEN, "1795449600", nonce, &encrypt];
    parts.sort_unstable();
    let signature = sha1(parts.concat().as_bytes());
    let query = format!("signature=x&timestamp=1795449600&nonce={nonce}&encrypt_type=aes&msg_signature={signature}");
    (query, json!({ "ToUserName": "gh", "Encrypt": encrypt }).to_string())
}

async fn push(door: &Door, (query, body): (String, String)) -> Answer {
    let web = reqwest::Client::builder().no_proxy().build().unwrap();
    Answer::of(web.post(format!("{}/hooks/wechat?{query}", door.url)).body(body).send().await.unwrap()).await
}

fn event(kind: &str, at: i64, list: Value) -> Value {
    json!({
        "ToUserName": "gh", "FromUserName": OPENID, "CreateTime": at, "MsgType": "event", "Event": kind, "List": list,
    })
}

fn popup(status: &str, at: i64) -> Value {
    let item = json!({ "TemplateId": "TPL_BOOKED", "SubscribeStatusString": status, "PopupScene": "0" });
    event("subscribe_msg_popup_event", at, item)
}

async fn who_comes_by_the_mini_program_is_vouched_for_by_wechat_alone(town: &Town) {
    let there = StandIn::open(well).await;
    let app = program(town, &there.url(), &[]).await;
    let door = Door::open(&app).await;
    let person = resident(town, &door).await;
    assert_eq!(person.get("/auth/me").await.ok(200)["phone"], "138****0001");
    let login = &there.asked()[0];
    assert_eq!(
        login.place,
        format!("/sns/jscode2session?appid={APP}&secret=mini-secret&js_code=login-code&grant_type=authorization_code")
    );
    let again = post(&door, None, "/auth/wechat", json!({ "code": "another-code" })).await.ok(200);
    let again = Person::new(town).with(&again);
    assert_eq!(again.get("/auth/me").await.ok(200)["phone"], "138****0001", "the same openid is the same account");
    for (code, refusal) in [
        (40029, access::WECHAT_REFUSED),
        (40163, access::WECHAT_REFUSED),
        (40226, access::WECHAT_REFUSED),
        (45011, access::WECHAT_AWAY),
        (-1, access::WECHAT_AWAY),
        (40125, access::WECHAT_AWAY),
    ] {
        there.next(refused(code));
        post(&door, None, "/auth/wechat", json!({ "code": "x" })).await.refused(refusal);
    }
    for behaviour in [Behaviour::Reset, Behaviour::ok("<html>"), Behaviour::ok("{}"), Behaviour::ok("[]")] {
        there.next(behaviour);
        post(&door, None, "/auth/wechat", json!({ "code": "x" })).await.refused(access::WECHAT_AWAY);
    }
    let before = there.asked().len();
    for code in ["", "a&openid=b", "a b", &"x".repeat(129)] {
        post(&door, None, "/auth/wechat", json!({ "code": code })).await.refused(access::WECHAT_REFUSED);
    }
    assert_eq!(there.asked().len(), before, "what is no code is not asked about");
    // A phone that was given to another app is nobody's here.
    let info = json!({ "purePhoneNumber": "13800000002", "watermark": { "appid": "wx-another" } });
    there.next(Behaviour::ok(json!({ "errcode": 0, "phone_info": info })));
    let stranger = post(&door, again.token.as_deref(), "/auth/wechat/phone", json!({ "code": "y" })).await;
    stranger.refused(access::WECHAT_REFUSED);
    door.close().await;
    app.database.close().await;
}

async fn a_token_that_is_over_is_fetched_once_by_all(town: &Town) {
    let fetched = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&fetched);
    // The first token is over from the beginning; the next one is good.
    let there = StandIn::open(move |asked| {
        if asked.place == "/cgi-bin/stable_token" {
            let n = counted.fetch_add(1, SeqCst) + 1;
            let token = json!({ "access_token": format!("token-{n}"), "expires_in": 7200 });
            return Behaviour::Slow(std::time::Duration::from_millis(100), Box::new(Behaviour::ok(token)));
        }
        if asked.place.contains("access_token=token-1") { refused(42001) } else { well(asked) }
    })
    .await;
    let (one, two) = (program(town, &there.url(), &[]).await, program(town, &there.url(), &[]).await);
    let message = Subscribed { to: OPENID, template: "T", fields: &[], page: "p" };
    let now = town.app.clock.now();
    let shared = one.settings.redis.url.clone();
    let shares = !secrecy::ExposeSecret::expose_secret(&shared).is_empty();
    let send = async |app: &App| app.wechat.mini().unwrap().send(&message, now).await;
    let hundred = (0..100).map(|n| send(if shares && n % 2 == 0 { &two } else { &one }));
    for outcome in join_all(hundred).await {
        assert_eq!(outcome, Outcome::Accepted("4294967296".to_owned()));
    }
    assert_eq!(fetched.load(SeqCst), 2, "one that was over, and one for all, whichever program they are of");
    // Five minutes before its end it is fetched anew, once.
    let later = now + Duration::seconds(7200 - 299);
    let message = &message;
    join_all((0..20).map(|_| async { one.wechat.mini().unwrap().send(message, later).await })).await;
    assert_eq!(fetched.load(SeqCst), 3);
    for app in [one, two] {
        app.database.close().await;
    }
    // Without the Redis that they shared, each fetches for itself.
    if shares {
        let alone = program(town, &there.url(), &[("REDIS__URL", "redis://127.0.0.1:1/0")]).await;
        assert_eq!(send(&alone).await, Outcome::Accepted("4294967296".to_owned()));
        assert_eq!(fetched.load(SeqCst), 4);
        alone.database.close().await;
    }
}

async fn each_answer_of_wechat_is_of_its_class(town: &Town) {
    let there = StandIn::open(well).await;
    let app = program(town, &there.url(), &[]).await;
    let mini = app.wechat.mini().unwrap();
    let message = Subscribed { to: OPENID, template: "T", fields: &[], page: "p" };
    let now = town.app.clock.now();
    mini.send(&message, now).await;
    let midnight = Time::at("2026-11-25".parse().unwrap(), 0);
    let word = |code: i64| format!("wechat_{code}");
    for (code, expected) in [
        (43101, Outcome::Rejected(word(43101))),
        (40003, Outcome::Rejected(word(40003))),
        (40037, Outcome::Rejected(word(40037))),
        (47003, Outcome::Rejected(word(47003))),
        (41030, Outcome::Rejected(word(41030))),
        (45009, Outcome::Later(midnight)),
        (45011, Outcome::Later(now + Duration::minutes(1))),
        (40013, Outcome::ChannelDown(word(40013))),
        (48001, Outcome::ChannelDown(word(48001))),
    ] {
        there.next(refused(code));
        assert_eq!(mini.send(&message, now).await, expected, "{code}");
    }
    // Busy: once more, and no more than that.
    let before = sent(&there).len();
    there.next(refused(-1));
    assert_eq!(mini.send(&message, now).await, Outcome::Accepted("4294967296".to_owned()));
    for _ in 0..2 {
        there.next(refused(-1));
    }
    assert_eq!(mini.send(&message, now).await, Outcome::RetrySafe(Duration::seconds(30)));
    assert_eq!(sent(&there).len(), before + 4);
    for (behaviour, expected) in [
        (Behaviour::Reset, Outcome::Ambiguous("broken_off".to_owned())),
        (Behaviour::CutOff, Outcome::Ambiguous("cut_off".to_owned())),
        (Behaviour::Answer(502, "", "<html>".to_owned()), Outcome::Ambiguous("http_502".to_owned())),
        (Behaviour::Hang(std::time::Duration::from_secs(2)), Outcome::Ambiguous("timeout".to_owned())),
    ] {
        there.next(behaviour.clone());
        assert_eq!(mini.send(&message, now).await, expected, "{behaviour:?}");
    }
    app.database.close().await;
}

#[test]
fn a_value_is_cut_to_what_its_field_takes() {
    for (field, value, cut_to) in [
        ("thing1", "城乡居民基本养老保险参保登记", "城乡居民基本养老保险参保登记"),
        ("thing1", "城乡居民基本养老保险参保登记和待遇领取资格认证", "城乡居民基本养老保险参保登记和待遇领取…"),
        ("thing20", "", "无"),
        ("phrase2", "已经受理啦，请等候", "已经受理啦"),
        ("character_string3", "受理号ST-20261124-0001", "ST-20261124-0001"),
        ("character_string3", "无", "-"),
        ("number4", "第3号", "3"),
        ("number4", "", "0"),
        ("name5", "欧阳·阿弥陀", "欧阳阿弥陀"),
        ("letter6", "A5", "A"),
        ("phone_number7", "0394-6081234（办公室）", "0394-6081234"),
    ] {
        assert_eq!(cut(field, value), cut_to, "{field} {value}");
    }
}

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
    assert_eq!((permits(town).await, town.rows().await["gateway_hold"]), (Some((2, false)), 1));
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
    assert_eq!(town.rows().await, before);
    town.app.clock.advance(Duration::days(4));
    shuitian::jobs::tick(&app, "sweeping").await;
    assert_eq!(town.rows().await["wechat_event"], 0);
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

async fn codes_links_and_words_are_asked_for_as_wechat_wants(town: &Town) {
    let there = StandIn::open(well).await;
    let app = program(town, &there.url(), &[("WECHAT__MINI__STATE", "trial")]).await;
    let (mini, now) = (app.wechat.mini().unwrap(), town.app.clock.now());
    mini.client().token(now, None).await.unwrap();
    there.next(Behaviour::ok("\u{7f}JPEG and what follows"));
    let picture = mini.code("k=ABCDEF", "pages/rate", now).await.unwrap();
    assert!(picture.starts_with(b"\x7fJPEG"));
    let asked = there.last();
    assert!(asked.place.starts_with("/wxa/getwxacodeunlimit?access_token=token-1"));
    assert_eq!((&asked.json()["scene"], &asked.json()["env_version"]), (&json!("k=ABCDEF"), &json!("trial")));
    for (code, fault) in [(40129, Fault::Code(40129)), (41030, Fault::Code(41030))] {
        there.next(refused(code));
        assert_eq!(mini.code("k=1", "p", now).await, Err(fault));
    }
    there.next(Behaviour::ok("<html>"));
    assert_eq!(mini.code("k=1", "p", now).await, Err(Fault::Unanswered("http_200".to_owned())));
    there.next(Behaviour::ok(json!({ "errcode": 0, "url_link": "https://wxaurl.cn/x" })));
    assert_eq!(mini.link("pages/rate", "k=1", 99, now).await.unwrap(), "https://wxaurl.cn/x");
    assert_eq!(there.last().json()["expire_interval"], 30, "no more than they give");
    for (suggest, verdict) in
        [("pass", Verdict::Pass), ("review", Verdict::Review), ("risky", Verdict::Risky), ("?", Verdict::Review)]
    {
        there.next(Behaviour::ok(json!({ "errcode": 0, "result": { "suggest": suggest, "label": "100" } })));
        assert_eq!(mini.check(OPENID, "服务很好", now).await, Ok(verdict));
    }
    there.next(refused(61010));
    assert_eq!(mini.check(OPENID, "服务很好", now).await, Err(Fault::Code(61010)));
    app.database.close().await;
}

async fn who_opens_our_pages_in_wechat_signs_in_by_the_official_account(town: &Town) {
    let there = StandIn::open(|asked| {
        let path = asked.place.split('?').next().unwrap();
        Behaviour::ok(match path {
            "/cgi-bin/stable_token" => json!({ "access_token": "token-of-the-account", "expires_in": 7200 }),
            "/cgi-bin/ticket/getticket" => {
                json!({ "errcode": 0, "errmsg": "ok", "ticket": "ticket-1", "expires_in": 7200 })
            }
            _ => json!({ "access_token": "of the person", "openid": "oOfficial_1", "scope": "snsapi_base" }),
        })
    })
    .await;
    let official = [
        ("WECHAT__OFFICIAL__APP_ID", "wxofficial"),
        ("WECHAT__OFFICIAL__APP_SECRET", "official-secret"),
        ("HTTP__PUBLIC_URL", "https://bm.example.gov.cn"),
    ];
    let app = program(town, &there.url(), &official).await;
    let door = Door::open(&app).await;
    let web = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let form = web.get(format!("{}/sign-in?next=/bookings", door.url)).send().await.unwrap().text().await.unwrap();
    assert!(form.contains("/sign-in/wechat?next="), "{form}");
    let sent = web.get(format!("{}/sign-in/wechat?next=/bookings", door.url)).send().await.unwrap();
    assert_eq!(sent.status(), 303);
    let cookie = sent.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let away = sent.headers()["location"].to_str().unwrap().to_owned();
    assert!(away.starts_with("https://open.weixin.qq.com/connect/oauth2/authorize?appid=wxofficial&redirect_uri="));
    assert!(away.contains("&response_type=code&scope=snsapi_base&state=") && away.ends_with("#wechat_redirect"));
    let state = away.split("state=").nth(1).unwrap().split('#').next().unwrap().to_owned();
    assert!(state.len() <= 128 && state.chars().all(|c| c.is_ascii_alphanumeric()));
    // Coming back changes nothing: whoever is sent such a link is asked first.
    let before = town.rows().await;
    let back = format!("{}/sign-in/wechat/back?next=%2Fbookings&code=oauth-code&state={state}", door.url);
    let shown = web.get(&back).header("cookie", &cookie).send().await.unwrap().text().await.unwrap();
    assert!(shown.contains("用微信身份进入") && shown.contains("oauth-code"));
    assert_eq!((town.rows().await, there.asked().len()), (before, 0));
    let press = async |cookie: &str, state: &str, code: &str| {
        let form = [("code", code), ("state", state), ("next", "/bookings")];
        let mut request = web.post(format!("{}/sign-in/wechat/back", door.url)).form(&form);
        if !cookie.is_empty() {
            request = request.header("cookie", cookie);
        }
        request.send().await.unwrap()
    };
    // Another browser, or another's word, signs in nobody.
    for (cookie, state) in [("", state.as_str()), ("shuitian_wechat=another", state.as_str()), (cookie.as_str(), "x")] {
        let answer = press(cookie, state, "oauth-code").await;
        assert!(answer.status() == 200 && answer.text().await.unwrap().contains("微信登录失败"));
    }
    assert!(there.asked().is_empty());
    let signed = press(&cookie, &state, "oauth-code").await;
    assert_eq!((signed.status().as_u16(), signed.headers()["location"].to_str().unwrap()), (303, "/bookings"));
    let query = "appid=wxofficial&secret=official-secret&code=oauth-code&grant_type=authorization_code";
    assert_eq!(there.last().place, format!("/sns/oauth2/access_token?{query}"));
    assert_eq!(town.rows().await["account"], 1);
    // A visitor who has not said who he is, and a code that is used.
    there.next(Behaviour::ok(json!({ "openid": "o_virtual", "is_snapshotuser": 1 })));
    assert_eq!(press(&cookie, &state, "oauth-code").await.status(), 200);
    there.next(refused(40163));
    assert_eq!(press(&cookie, &state, "oauth-code").await.status(), 200);
    assert_eq!(town.rows().await["account"], 1);
    // A page of ours may use WeChat's functions; nobody else's is signed.
    let sign = async |url: &str| post(&door, None, "/auth/wechat/page-signature", json!({ "url": url })).await;
    let page = "https://bm.example.gov.cn/bookings?a=1#part";
    let signed = sign(page).await.ok(200);
    let number = signed["timestamp"].as_i64().unwrap();
    let nonce = signed["nonce"].as_str().unwrap();
    let expected = shuitian::gateway::wechat::sign_page("ticket-1", nonce, number, page);
    assert_eq!((&signed["signature"], &signed["app_id"]), (&json!(expected), &json!("wxofficial")));
    sign(page).await.ok(200);
    let tickets = there.asked().iter().filter(|a| a.place.starts_with("/cgi-bin/ticket")).count();
    assert_eq!(tickets, 1, "a ticket is asked for once");
    for foreign in ["https://evil.example/", "https://bm.example.gov.cn.evil.example/", "http://bm.example.gov.cn/", ""]
    {
        sign(foreign).await.refused(access::FOREIGN_PAGE);
    }
    door.close().await;
    app.database.close().await;
    // Without an account of that kind there is no such way.
    let page = town.stranger().send_to(reqwest::Method::GET, "/sign-in/wechat", None).await;
    assert_eq!(page.status, 404);
}

async fn the_windows_code_is_fetched_once_and_words_are_looked_at(town: &Town) {
    let there = StandIn::open(well).await;
    let app = program(town, &there.url(), &[]).await;
    let door = Door::open(&app).await;
    let ended = town.issued("SB-03", Some(PHONE)).await;
    town.deliver().await;
    let number = ended["number"].as_str().unwrap();
    let browser = crate::pages::Browser::staff(town, "window1").await;
    let look = async |path: &str| {
        let cookie = browser.cookies();
        let web = reqwest::Client::builder().no_proxy().build().unwrap();
        web.get(format!("{}{path}", door.url)).header("cookie", cookie).send().await.unwrap()
    };
    app.wechat.mini().unwrap().client().token(town.app.clock.now(), None).await.unwrap();
    there.next(Behaviour::ok("\u{7f}picture"));
    for _ in 0..3 {
        let picture = look(&format!("/staff/cases/{number}/mini-code")).await;
        assert_eq!(
            (picture.status().as_u16(), picture.headers()["content-type"].to_str().unwrap()),
            (200, "image/jpeg")
        );
        assert_eq!(picture.bytes().await.unwrap().as_ref(), b"\x7fpicture");
    }
    let codes: Vec<Asked> =
        there.asked().into_iter().filter(|a| a.place.starts_with("/wxa/getwxacodeunlimit")).collect();
    assert_eq!(codes.len(), 1, "it is fetched once, and kept");
    assert_eq!(codes[0].json()["scene"], format!("k={}", ended["invitation"]["code"].as_str().unwrap()));
    // What is written in the mini program is looked at, and refused for nothing.
    let person = resident(town, &door).await;
    let token = ended["invitation"]["url"].as_str().unwrap().rsplit('/').next().unwrap();
    there.next(Behaviour::ok(json!({ "errcode": 0, "result": { "suggest": "risky", "label": 20001 } })));
    let review = json!({ "token": token, "grade": 1, "comment": "说了不好听的话" });
    post(&door, person.token.as_deref(), "/reviews", review).await.ok(201);
    assert_eq!(there.last().json()["content"], "说了不好听的话");
    there.next(refused(61010));
    let more = json!({ "token": token, "comment": "再说一句" });
    post(&door, person.token.as_deref(), "/reviews/append", more).await.ok(201);
    let rows =
        entity::review::Entity::find().order_by_asc(entity::review::Column::At).all(town.app.read()).await.unwrap();
    let thought: Vec<_> = rows.iter().map(|r| r.checked).collect();
    assert_eq!(thought, [Some(entity::review::Checked::Risky), Some(entity::review::Checked::Review)]);
    // The invitation is over: there is no code any more.
    assert_eq!(look(&format!("/staff/cases/{number}/mini-code")).await.status(), 404);
    door.close().await;
    app.database.close().await;
    town.deliver().await;
}
