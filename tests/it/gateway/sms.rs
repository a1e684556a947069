//! The three gateways for texts against a stand-in: what they ask, how they take each answer, and what they make of none.

use super::stand_in::{Behaviour, StandIn};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chrono::Duration;
use entity::{Id, Time};
use serde_json::{Value, json};
use shuitian::base::Random;
use shuitian::base::settings::Settings;
use shuitian::gateway::outside::{Lost, Outside};
use shuitian::gateway::sms::aliyun::Aliyun;
use shuitian::gateway::sms::mas::Mas;
use shuitian::gateway::sms::tencent::{Signer, Tencent};
use shuitian::gateway::sms::{Form, Outcome, Outgoing, Sms, aliyun};
use std::collections::BTreeMap;
use std::path::Path;

fn now() -> Time {
    crate::town::at("2026-11-24", 7, 59)
}

fn settings(gateway: &str, url: &str) -> Settings {
    let pairs = [
        ("TENCENT__ENDPOINT", url),
        ("TENCENT__SECRET_ID", "AKIDEXAMPLE"),
        ("TENCENT__SECRET_KEY", "tencent-secret"),
        ("TENCENT__SDK_APP_ID", "1400006666"),
        ("TENCENT__SIGN_NAME", "水田乡政府"),
        ("TENCENT__TIMEOUT", "1"),
        ("ALIYUN__ENDPOINT", url),
        ("ALIYUN__ACCESS_KEY_ID", "LTAIEXAMPLE"),
        ("ALIYUN__ACCESS_KEY_SECRET", "aliyun-secret"),
        ("ALIYUN__SIGN_NAME", "水田乡政府"),
        ("ALIYUN__TIMEOUT", "1"),
        ("MAS__BASE", &format!("{url}/sms")),
        ("MAS__EC_NAME", "水田乡人民政府"),
        ("MAS__AP_ID", "shuitian"),
        ("MAS__SECRET_KEY", "mas-secret"),
        ("MAS__SIGN", "DWItALe3A"),
        ("MAS__TIMEOUT", "1"),
        ("GATEWAYS", gateway),
    ]
    .map(|(key, value)| (format!("SHUITIAN__SMS__{key}"), value.to_owned()));
    Settings::load(Some(Path::new("/dev/null")), pairs.into_iter()).unwrap()
}

fn gateway(name: &str, url: &str) -> Sms {
    let settings = settings(name, url).sms;
    match name {
        "tencent" => Sms::Tencent(Tencent::open(&settings.tencent, "").unwrap()),
        "aliyun" => Sms::Aliyun(Aliyun::open(&settings.aliyun, "", Random::system()).unwrap()),
        _ => Sms::Mas(Mas::open(&settings.mas, "").unwrap()),
    }
}

fn text() -> Outgoing<'static> {
    Outgoing {
        id: Id::from_u128(7),
        phone: "13800138000",
        text: "【水田乡便民中心】您的“社保卡”已办结【请带身份证】。",
        sign: None,
    }
}

fn form() -> Form {
    let values = [("item", "养老保险 (续) *~'!"), ("number", "ST-1")];
    let values = values.map(|(name, value)| (name.to_owned(), value.to_owned())).to_vec();
    Form { template: "1234567".to_owned(), values }
}

async fn send(gateway: &Sms) -> Outcome {
    gateway.send(&text(), Some(&form()), now()).await.unwrap()
}

/// Answers as the vendor does where all is well.
async fn vendor(name: &'static str) -> StandIn {
    StandIn::open(move |_| Behaviour::ok(well(name))).await
}

fn well(name: &str) -> Value {
    match name {
        "tencent" => tencent("Ok"),
        "aliyun" => json!({ "Code": "OK", "Message": "OK", "BizId": "biz-1", "RequestId": "r" }),
        _ => json!({ "msgGroup": "group-1", "rspcod": "success", "success": true }),
    }
}

fn tencent(code: &str) -> Value {
    let status = json!({
        "SerialNo": "serial-1", "PhoneNumber": "+8613800138000", "Fee": 1, "SessionContext": "n", "Code": code,
        "Message": "m", "IsoCode": "CN",
    });
    json!({ "Response": { "SendStatusSet": [status], "RequestId": "r" } })
}

const ALL: [(&str, &str); 3] = [("tencent", "serial-1"), ("aliyun", "biz-1"), ("mas", "group-1")];

#[tokio::test]
async fn each_is_asked_as_it_wants_and_signs_what_it_sends() {
    for (name, vendor_id) in ALL {
        let there = vendor(name).await;
        let gateway = gateway(name, &there.url());
        assert_eq!(send(&gateway).await, Outcome::Accepted(vendor_id.to_owned()), "{name}");
        let asked = there.last();
        assert_eq!(asked.method, "POST");
        match name {
            "tencent" => {
                assert_eq!((asked.place.as_str(), asked.header("x-tc-action")), ("/", "SendSms"));
                assert_eq!((asked.header("x-tc-version"), asked.header("x-tc-region")), ("2021-01-11", "ap-guangzhou"));
                assert_eq!(asked.header("x-tc-timestamp"), now().seconds().to_string());
                let signer = Signer {
                    id: "AKIDEXAMPLE",
                    key: "tencent-secret",
                    service: "sms",
                    host: asked.header("host"),
                    action: "SendSms",
                };
                assert_eq!(asked.header("authorization"), signer.authorize(&asked.body, now()));
                let expected = json!({
                    "PhoneNumberSet": ["+8613800138000"], "SmsSdkAppId": "1400006666", "TemplateId": "1234567",
                    "SignName": "水田乡政府", "TemplateParamSet": ["养老保险 (续) *~'!", "ST-1"],
                    "SessionContext": Id::from_u128(7).to_string(),
                });
                assert_eq!(asked.json(), expected);
            }
            "aliyun" => {
                let (path, query) = asked.place.split_once('?').unwrap();
                assert_eq!((path, asked.body.len()), ("/", 0));
                assert!(query.contains("%20%28%E7%BB%AD%29%20%2A~%27%21") && !query.contains('+'), "{query}");
                let signed = ["host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce"];
                let signed = signed.into_iter().chain(["x-acs-version"]);
                let headers: BTreeMap<&str, String> = signed.map(|n| (n, asked.header(n).to_owned())).collect();
                assert_eq!(headers["x-acs-date"], "2026-11-23T23:59:00Z");
                let expected = aliyun::authorize("LTAIEXAMPLE", "aliyun-secret", query, &headers);
                assert_eq!(asked.header("authorization"), expected);
                let nonce = asked.header("x-acs-signature-nonce").to_owned();
                send(&gateway).await;
                assert_ne!(there.last().header("x-acs-signature-nonce"), nonce, "a new one for each attempt");
            }
            _ => {
                assert_eq!(asked.place, "/sms/norsubmit");
                let body: Value = serde_json::from_slice(&STANDARD.decode(&asked.body).unwrap()).unwrap();
                assert_eq!(body["content"], "您的“社保卡”已办结【请带身份证】。", "they put the signature before it");
                assert_eq!((&body["mobiles"], &body["addSerial"]), (&json!("13800138000"), &json!("")));
                assert!(!body.to_string().contains("mas-secret"), "the password goes into the mac alone");
            }
        }
        let bare = gateway.send(&text(), None, now()).await;
        assert_eq!(bare.is_some(), gateway.is_free(), "{name} without a template of theirs");
    }
}

#[tokio::test]
async fn each_code_is_of_its_class() {
    use Outcome::{Accepted, Ambiguous, ChannelDown, Later, Rejected, RetrySafe};
    let (soon, morning) = (|s: i64| Later(now() + Duration::seconds(s)), Later(crate::town::at("2026-11-25", 8, 0)));
    let word = |class: fn(String) -> Outcome, code: &str| class(code.to_owned());
    let error = |code: &str| json!({ "Response": { "Error": { "Code": code, "Message": "m" }, "RequestId": "r" } });
    let aliyun =
        |code: &str, message: &str| json!({ "Code": code, "Message": message, "RequestId": "r", "HostId": "h" });
    let mas = |code: &str| json!({ "msgGroup": "", "rspcod": code, "success": false });
    let mut cases = vec![
        ("tencent", tencent("ok"), word(Ambiguous, "ok")),
        ("tencent", error("RequestLimitExceeded.UinLimitExceeded"), RetrySafe(Duration::seconds(5))),
        ("tencent", error("AuthFailure.SignatureExpire"), RetrySafe(Duration::seconds(30))),
        ("tencent", tencent("LimitExceeded.PhoneNumberThirtySecondLimit"), soon(30)),
        ("tencent", tencent("LimitExceeded.PhoneNumberOneHourLimit"), soon(3600)),
        (
            "tencent",
            json!({ "Response": { "SendStatusSet": [], "RequestId": "r" } }),
            word(Ambiguous, "not_one_answer"),
        ),
        ("aliyun", aliyun("Throttling.User", ""), RetrySafe(Duration::seconds(5))),
        ("aliyun", aliyun("SignatureNonceUsed", ""), RetrySafe(Duration::zero())),
        ("aliyun", aliyun("isv.BUSINESS_LIMIT_CONTROL", "触发分钟级流控Permits:1"), soon(60)),
        ("aliyun", aliyun("isv.BUSINESS_LIMIT_CONTROL", "触发小时级流控Permits:5"), soon(3600)),
        ("aliyun", json!({ "Code": "OK" }), word(Ambiguous, "no_biz_id")),
        ("mas", json!({ "mgsGroup": "g", "rspcod": "success" }), Accepted("g".to_owned())),
        ("mas", json!({ "rspcod": "success" }), word(Ambiguous, "no_msg_group")),
    ];
    for code in ["LimitExceeded.PhoneNumberDailyLimit", "FailedOperation.MarketingSendTimeConstraint"] {
        cases.push(("tencent", tencent(code), morning.clone()));
    }
    for code in ["isv.DAY_LIMIT_CONTROL", "isv.MONTH_LIMIT_CONTROL"] {
        cases.push(("aliyun", aliyun(code, ""), morning.clone()));
    }
    cases.push(("aliyun", aliyun("isv.BUSINESS_LIMIT_CONTROL", "触发天级流控Permits:10"), morning));
    type Class = fn(String) -> Outcome;
    let of_tencent: [(Class, &[&str]); 3] = [
        (Ambiguous, &["InternalError.Timeout", "InternalError.SendAndRecvFail", "FailedOperation.NeverHeardOf"]),
        (
            Rejected,
            &[
                "FailedOperation.PhoneNumberInBlacklist",
                "FailedOperation.ContainSensitiveWord",
                "InvalidParameterValue.ContentLengthLimit",
                "InvalidParameterValue.IncorrectPhoneNumber",
                "UnsupportedOperation.ContainDomesticAndInternationalPhoneNumber",
                "FailedOperation.TemplateParamSetNotMatchApprovedTemplate",
                "MissingParameter.EmptyPhoneNumberSet",
            ],
        ),
        (
            ChannelDown,
            &[
                "FailedOperation.InsufficientBalanceInSmsPackage",
                "UnauthorizedOperation.ServiceSuspendDueToArrears",
                "FailedOperation.SignatureIncorrectOrUnapproved",
                "FailedOperation.TemplateUnapprovedOrNotExist",
                "AuthFailure.SecretIdNotFound",
            ],
        ),
    ];
    let of_aliyun: [(Class, &[&str]); 3] = [
        (Ambiguous, &["isp.SYSTEM_ERROR", "InternalError", "isv.NEVER_HEARD_OF"]),
        (Rejected, &["isv.MOBILE_NUMBER_ILLEGAL", "isv.BLACK_KEY_CONTROL_LIMIT", "isv.TEMPLATE_MISSING_PARAMETERS"]),
        (
            ChannelDown,
            &[
                "isv.AMOUNT_NOT_ENOUGH",
                "isv.ACCOUNT_ABNORMAL",
                "isv.SMS_TEMPLATE_ILLEGAL",
                "InvalidAccessKeyId.NotFound",
                "InvalidTimeStamp.Expired",
                "SignatureDoesNotMatch",
            ],
        ),
    ];
    let of_mas: [(Class, &[&str]); 3] = [
        (Ambiguous, &["NeverHeardOf"]),
        (Rejected, &["InvalidMessage", "TooManyMobiles", "InvalidMobile"]),
        (ChannelDown, &["IllegalMac", "IllegalSignId", "NoSignId", "InvalidUsrOrPwd"]),
    ];
    for (class, codes) in of_tencent {
        cases.extend(codes.iter().map(|code| ("tencent", tencent(code), word(class, code))));
        cases.extend(codes.iter().map(|code| ("tencent", error(code), word(class, code))));
    }
    for (class, codes) in of_aliyun {
        cases.extend(codes.iter().map(|code| ("aliyun", aliyun(code, ""), word(class, code))));
    }
    for (class, codes) in of_mas {
        cases.extend(codes.iter().map(|code| ("mas", mas(code), word(class, code))));
    }
    for (name, _) in ALL {
        let there = vendor(name).await;
        let gateway = gateway(name, &there.url());
        for (_, answer, expected) in cases.iter().filter(|(n, ..)| *n == name) {
            there.next(Behaviour::ok(answer));
            assert_eq!(send(&gateway).await, *expected, "{name} {answer}");
        }
    }
    // Two answers where one text was sent: nobody can say which is its.
    let there = vendor("tencent").await;
    let mut two = tencent("Ok");
    let status = two["Response"]["SendStatusSet"][0].clone();
    two["Response"]["SendStatusSet"].as_array_mut().unwrap().push(status);
    there.next(Behaviour::ok(two));
    assert_eq!(send(&gateway("tencent", &there.url())).await, word(Ambiguous, "not_one_answer"));
}

#[tokio::test]
async fn what_does_not_answer_or_answers_strangely_is_never_taken_for_certain() {
    let ambiguous = |word: &str| Outcome::Ambiguous(word.to_owned());
    let status = |status, headers, body: &str| Behaviour::Answer(status, headers, body.to_owned());
    let page = "<html>请先登录</html>";
    for (name, _) in ALL {
        let there = vendor(name).await;
        let gateway = gateway(name, &there.url());
        for (behaviour, expected) in [
            (Behaviour::Hang(std::time::Duration::from_secs(3)), ambiguous("timeout")),
            (Behaviour::Reset, ambiguous("broken_off")),
            (Behaviour::CutOff, ambiguous("cut_off")),
            (status(200, "", page), ambiguous("garbage")),
            (status(200, "", ""), ambiguous("garbage")),
            (status(200, "", "{}"), ambiguous("garbage")),
            (status(200, "", &"好".repeat(400_000)), ambiguous("too_long")),
            (status(502, "", page), ambiguous("http_502")),
            (status(500, "", page), ambiguous("http_500")),
            (status(503, "", page), ambiguous("http_503")),
            (status(503, "retry-after: 7\r\n", page), Outcome::RetrySafe(Duration::seconds(7))),
            (status(429, "retry-after: 86400\r\n", page), Outcome::RetrySafe(Duration::seconds(3600))),
            (status(403, "", page), Outcome::ChannelDown("http_403".to_owned())),
            (status(302, "location: http://127.0.0.1:1/\r\n", page), Outcome::ChannelDown("http_302".to_owned())),
        ] {
            there.next(behaviour.clone());
            let before = there.asked().len();
            assert_eq!(send(&gateway).await, expected, "{name} {behaviour:?}");
            assert_eq!(there.asked().len(), before + 1, "{name} was asked once for {behaviour:?}");
        }
        // Nobody is there: it was certainly not sent.
        let url = there.url();
        drop(there);
        let nobody = self::gateway(name, &url);
        assert_eq!(send(&nobody).await, Outcome::RetrySafe(Duration::seconds(30)), "{name}");
    }
}

#[tokio::test]
async fn a_proxy_is_used_where_it_is_set_and_an_error_tells_no_address() {
    let second = std::time::Duration::from_secs(1);
    let proxy = vendor("mas").await;
    let outside = Outside::open("http://mas.example.invalid:1992/sms", second, second, &proxy.url()).unwrap();
    let request = |outside: &Outside| outside.request(reqwest::Method::GET, "/any", Some("secret=1"));
    assert_eq!(outside.ask(request(&outside)).await.unwrap().status, 200);
    assert_eq!(proxy.last().place, "http://mas.example.invalid:1992/sms/any?secret=1");
    let bare = Outside::open("http://127.0.0.1:1/sms", second, second, "").unwrap();
    let lost = bare.ask(request(&bare)).await.unwrap_err();
    assert_eq!(lost, Lost::Unasked("no_connection".to_owned()));
    for wrong in ["", "no address", "mailto:somebody"] {
        assert!(Outside::open(wrong, second, second, "").is_err(), "{wrong}");
    }
    assert!(Outside::open("http://here", second, second, "not a proxy").is_err());
}
