//! WeChat: who is vouched for, one token for all programs, messages that people have asked for and the texts that stand in.

mod client;
mod sign_in;
mod told;

use super::stand_in::{Asked, Behaviour, StandIn};
use crate::person::{Answer, Person};
use crate::town::{Door, Town};
use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entity::notice::{Entity, Model, permit};
use sea_orm::{EntityTrait as _, QueryOrder as _};
use serde_json::{Value, json};
use shuitian::app::App;
use shuitian::domain::Who;
use shuitian::domain::notice;
use shuitian::gateway::digest::sha1;

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
    let shipped: Value = serde_json::from_str(include_str!("../../../../seed/texts.json")).unwrap();
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
