//! Signers and ciphers against `vectors.json`, the only proof of them that is not our own. Each vector names its source: the
//! vendors' documents, or a run of their own SDKs and of wechatpy.

use aws_lc_rs::cipher::{AES_256, EncryptingKey, EncryptionContext, UnboundCipherKey};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entity::Time;
use proptest::prelude::*;
use serde_json::Value;
use shuitian::base::settings::{self, Settings};
use shuitian::gateway::digest::{open_cbc, sha1, sha256};
use shuitian::gateway::sms::{aliyun, mas, tencent};
use shuitian::gateway::wechat;
use shuitian::gateway::wechat::push::{self, Delivered, NotTheirs, Permit, Push, What};
use std::collections::BTreeMap;
use std::path::Path;

fn vectors(of: &str) -> Value {
    let all: Value = serde_json::from_str(include_str!("vectors.json")).unwrap();
    all[of].clone()
}

fn word<'v>(vector: &'v Value, name: &str) -> &'v str {
    vector[name].as_str().unwrap_or_else(|| panic!("no {name} in {vector}"))
}

fn at(vector: &Value) -> Time {
    Time(vector["timestamp"].as_i64().unwrap() * 1000)
}

#[test]
fn tencent_is_signed_as_its_document_and_its_sdk_do() {
    let vectors = vectors("tencent");
    let sms = |vector: &Value, host: &str| {
        let signer = tencent::Signer {
            id: word(vector, "secret_id"),
            key: word(vector, "secret_key"),
            service: "sms",
            host,
            action: "SendSms",
        };
        signer.authorize(word(vector, "body").as_bytes(), at(vector))
    };
    for name in ["one", "utc_midnight"] {
        let vector = &vectors[name];
        assert_eq!(sha256(word(vector, "body").as_bytes()), word(vector, "hashed_payload"));
        assert_eq!(sms(vector, "sms.tencentcloudapi.com"), word(&vector["doc_style"], "authorization"), "{name}");
        assert_ne!(sms(vector, "sms.tencentcloudapi.com:443"), word(&vector["doc_style"], "authorization"));
    }
    // In Beijing it is the next day already.
    let midnight = &vectors["utc_midnight"];
    assert_eq!(at(midnight).date().to_string(), "2026-11-24");
    assert!(sms(midnight, "sms.tencentcloudapi.com").contains("/2026-11-23/sms/tc3_request"));
    let cvm = &vectors["doc_cvm"];
    let signer = tencent::Signer {
        id: word(cvm, "secret_id"),
        key: word(cvm, "secret_key"),
        service: word(cvm, "service"),
        host: word(cvm, "host"),
        action: word(cvm, "action"),
    };
    let authorization = signer.authorize(word(cvm, "payload").as_bytes(), at(cvm));
    assert!(authorization.ends_with(&format!("Signature={}", word(cvm, "signature"))), "{authorization}");
}

#[test]
fn aliyun_is_signed_as_its_document_and_its_sdk_do() {
    let vectors = vectors("aliyun");
    for name in ["one", "form_body", "doc_ecs"] {
        let vector = &vectors[name];
        let pairs = |of: &'static str| {
            let pairs = vector[of].as_object().unwrap().iter();
            pairs.map(|(k, v)| (k.as_str(), v.as_str().unwrap().to_owned())).collect::<BTreeMap<&str, String>>()
        };
        let (query, headers) = (aliyun::query(&pairs("query")), pairs("headers"));
        if let Some(canonical) = vector["canonical_request"].as_str() {
            assert_eq!(query, canonical.lines().nth(2).unwrap(), "{name}");
        }
        assert_eq!(headers["x-acs-content-sha256"], sha256(word(vector, "body").as_bytes()), "{name}");
        let (id, secret) = (word(vector, "access_key_id"), word(vector, "access_key_secret"));
        assert_eq!(aliyun::authorize(id, secret, &query, &headers), word(vector, "authorization"), "{name}");
    }
}

fn mas_settings(vector: &Value) -> settings::Mas {
    let variables = [
        ("EC_NAME", "ecName"),
        ("AP_ID", "apId"),
        ("SECRET_KEY", "secretKey"),
        ("SIGN", "sign"),
        ("ADD_SERIAL", "addSerial"),
    ];
    let pairs = variables.map(|(key, name)| (format!("SHUITIAN__SMS__MAS__{key}"), word(vector, name).to_owned()));
    Settings::load(Some(Path::new("/dev/null")), pairs.into_iter()).unwrap().sms.mas
}

#[test]
fn mas_is_signed_as_its_document_and_other_clients_do() {
    let vectors = vectors("mas");
    for name in ["nor_doc", "nor_easysms"] {
        let vector = &vectors[name];
        let body =
            mas::free(&mas_settings(vector), word(vector, "sign"), word(vector, "mobiles"), word(vector, "content"));
        assert_eq!(body["mac"], vector["mac"], "{name}");
    }
    let vector = &vectors["tmp"];
    let values: Vec<String> = serde_json::from_str(word(vector, "params")).unwrap();
    let values: Vec<&str> = values.iter().map(String::as_str).collect();
    let template = word(vector, "templateId");
    let body =
        mas::by_template(&mas_settings(vector), word(vector, "sign"), word(vector, "mobiles"), template, &values);
    let theirs = STANDARD.decode(word(vector, "http_body")).unwrap();
    assert_eq!(body, serde_json::from_slice::<Value>(&theirs).unwrap(), "whole, mac and all");
    let none = mas::by_template(&mas_settings(vector), word(vector, "sign"), "13800138000", template, &[]);
    assert_eq!(none["params"], r#"[""]"#, "a template without variables is given an empty one");
}

fn push_of(vector: &Value) -> Push {
    Push::new(word(vector, "token"), word(vector, "encoding_aes_key"), word(vector, "appid")).unwrap()
}

fn open(vector: &Value, push: &Push) -> Result<String, NotTheirs> {
    let [signature, timestamp, nonce, sealed] =
        ["msg_signature", "timestamp", "nonce", "encrypt"].map(|name| word(vector, name));
    push.open(signature, timestamp, nonce, sealed)
}

#[test]
fn what_wechat_pushes_is_opened_and_nothing_else() {
    let vectors = vectors("wechat");
    for name in ["url_verify", "plain_post"] {
        let vector = &vectors[name];
        let push = Push::new(word(vector, "token"), &"A".repeat(43), "any").unwrap();
        let (signature, timestamp, nonce) =
            (word(vector, "signature"), word(vector, "timestamp"), word(vector, "nonce"));
        assert!(push.asks(signature, timestamp, nonce), "{name}");
        assert!(!push.asks(signature, timestamp, "0") && !push.asks("", timestamp, nonce));
    }
    let mut opened = 0;
    for (name, vector) in vectors.as_object().unwrap().iter().filter(|(_, v)| v["encrypt"].is_string()) {
        assert_eq!(open(vector, &push_of(vector)).as_deref(), Ok(word(vector, "plaintext")), "{name}");
        let others = Push::new(word(vector, "token"), word(vector, "encoding_aes_key"), "wx0000000000000000").unwrap();
        assert_eq!(open(vector, &others), Err(NotTheirs), "{name} is for another app");
        for field in ["msg_signature", "timestamp", "nonce", "encrypt"] {
            let mut changed = vector.clone();
            let mut letters: Vec<char> = word(vector, field).chars().collect();
            letters[0] = if letters[0] == '4' { '5' } else { '4' };
            changed[field] = letters.into_iter().collect::<String>().into();
            assert_eq!(open(&changed, &push_of(vector)), Err(NotTheirs), "{name} with another {field}");
        }
        opened += 1;
    }
    assert_eq!(opened, 11);
    assert!(Push::new("t", "short", "a").is_none() && Push::new("t", &"A".repeat(44), "a").is_none());
}

/// Seals as WeChat does, but with a filling of one's own.
fn seal(plain: &[u8], token: &str, key: &[u8; 32]) -> (String, String) {
    let cipher = EncryptingKey::cbc(UnboundCipherKey::new(&AES_256, key).unwrap()).unwrap();
    let mut sealed = plain.to_vec();
    let vector: [u8; 16] = key[..16].try_into().unwrap();
    cipher.less_safe_encrypt(&mut sealed, EncryptionContext::Iv128((&vector).into())).unwrap();
    let sealed = STANDARD.encode(sealed);
    let mut parts = [token, "1", "2", &sealed];
    parts.sort_unstable();
    (sha1(parts.concat().as_bytes()), sealed)
}

proptest! {
    /// Whatever the lengths and the filling say: it opens where all of it is well, and never panics.
    #[test]
    fn only_what_is_well_filled_opens(
        message in "[a-z]{0,80}", length in 0u32..200, fill in 0u8..=255, count in 0usize..=64, right in any::<bool>(),
    ) {
        let (token, key) = ("token", [7u8; 32]);
        let symbols = STANDARD.encode(key);
        let push = Push::new(token, symbols.trim_end_matches('='), "wx").unwrap();
        let length = if right { message.len() as u32 } else { length };
        let mut plain = [&[0u8; 16][..], &length.to_be_bytes(), message.as_bytes(), b"wx"].concat();
        let missing = 32 - plain.len() % 32;
        let (fill, count) = if right { (missing as u8, missing) } else { (fill, count) };
        plain.resize(plain.len() + count, fill);
        plain.resize(plain.len().div_ceil(32) * 32, fill);
        let (signature, sealed) = seal(&plain, token, &key);
        let opened = push.open(&signature, "1", "2", &sealed);
        let filled = plain.iter().rev().take_while(|b| **b == fill).count();
        let body = plain.len() - usize::from(fill).min(plain.len());
        let well = (1..=32).contains(&fill)
            && filled >= usize::from(fill)
            && plain[20..body].get(length as usize..).is_some_and(|rest| rest == b"wx");
        prop_assert_eq!(opened.is_ok(), well);
        if right {
            prop_assert_eq!(opened, Ok(message));
        }
    }
}

#[test]
fn events_are_read_whether_they_carry_one_item_or_several() {
    let vectors = vectors("wechat");
    let read = |name: &str| push::read(word(&vectors[name], "plaintext"));
    let permit = |template: &str, accepted| Permit { template: template.to_owned(), accepted };
    let single = read("event_popup_single").unwrap();
    assert_eq!((single.from.as_str(), single.at), ("oSHUITIAN_resident_0001", 1_795_449_600));
    assert_eq!(single.what, What::Asked(vec![permit("TPL_REMIND", true)]));
    let What::Asked(several) = read("event_popup_multi").unwrap().what else { panic!("several were asked") };
    assert_eq!(several[..2], [permit("TPL_REMIND", true), permit("TPL_RATE", false)]);
    assert_eq!(read("event_change_single").unwrap().what, What::Changed(vec![permit("TPL_REMIND", false)]));
    let sent = |message: &str, code| {
        What::Sent(vec![Delivered { template: "TPL_REMIND".to_owned(), message: message.to_owned(), code }])
    };
    assert_eq!(read("event_sent_ok").unwrap().what, sent("1700827132819554304", 0));
    assert_eq!(read("event_sent_refused").unwrap().what, sent("1700827132819554305", 1));
    assert_eq!(read("event_media_check").unwrap().what, What::Other);
    assert_eq!(read("text_cn_xml"), None, "we ask for JSON");
    // Numbers are written as texts, and texts as numbers.
    let mixed = r#"{"ToUserName":"g","FromUserName":"o","CreateTime":"1795449600","MsgType":"event",
        "Event":"subscribe_msg_sent_event","List":{"TemplateId":"T","MsgID":17,"ErrorCode":43101}}"#;
    let delivered = Delivered { template: "T".to_owned(), message: "17".to_owned(), code: 43101 };
    assert_eq!(push::read(mixed).unwrap().what, What::Sent(vec![delivered]));
    for none in ["", "{}", "[]", r#"{"ToUserName":"g","FromUserName":"o","CreateTime":"soon"}"#] {
        assert_eq!(push::read(none), None, "{none}");
    }
}

#[test]
fn pages_are_signed_as_the_document_does_and_older_forms_agree() {
    let vectors = vectors("wechat");
    for name in ["jssdk", "jssdk_old", "jssdk_cn"] {
        let vector = &vectors[name];
        let (ticket, nonce, url) = (word(vector, "jsapi_ticket"), word(vector, "noncestr"), word(vector, "url"));
        let seconds = vector["timestamp"].as_i64().unwrap();
        assert_eq!(wechat::sign_page(ticket, nonce, seconds, url), word(vector, "signature"), "{name}");
        let below = format!("{url}#below");
        assert_eq!(wechat::sign_page(ticket, nonce, seconds, &below), word(vector, "signature"), "{name}");
    }
    // Forms we do not use ourselves, for the digests and ciphers they rest on.
    let raw = &vectors["raw_data"];
    let signed = format!("{}{}", word(raw, "raw_data"), word(raw, "session_key"));
    assert_eq!(sha1(signed.as_bytes()), word(raw, "signature"));
    let sealed = &vectors["encrypted_data"];
    let [key, vector, data] =
        ["session_key", "iv", "encrypted_data"].map(|n| STANDARD.decode(word(sealed, n)).unwrap());
    let mut plain = open_cbc(&key, &vector, data).unwrap();
    plain.truncate(plain.len() - usize::from(*plain.last().unwrap()));
    assert_eq!(serde_json::from_slice::<Value>(&plain).unwrap(), sealed["plaintext"]);
    assert_eq!(open_cbc(&key[..15], &vector, plain.clone()), None, "a key that cannot be");
}
