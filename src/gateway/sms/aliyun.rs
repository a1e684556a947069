//! Aliyun SMS (阿里云短信), version 2017-05-25, signed by ACS3-HMAC-SHA256.

use super::back::{self, About, Reply, Untold};
use super::{Form, Outcome, Outgoing, no_answer, not_understood, tomorrow};
use crate::base::{Random, settings};
use crate::gateway::digest::{hmac_sha256, sha256};
use crate::gateway::outside::{Answer, Lost, Outside};
use chrono::{DateTime, Duration};
use entity::notice::Delivery;
use entity::notice::report::Model as Report;
use entity::{Id, Time};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;

const VERSION: &str = "2017-05-25";
/// Its clock and ours may differ by so much.
const APART: Duration = Duration::minutes(1);
/// What RFC 3986 leaves as it is.
const KEPT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The service, by its settings.
#[derive(Debug)]
pub struct Aliyun {
    outside: Outside,
    settings: settings::Aliyun,
    random: Random,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Sent {
    code: String,
    message: Option<String>,
    biz_id: Option<String>,
}

impl Aliyun {
    /// The service that the settings name.
    ///
    /// # Errors
    /// An address that is none.
    pub fn open(settings: &settings::Aliyun, proxy: &str, random: Random) -> anyhow::Result<Self> {
        let outside = Outside::open(&settings.endpoint, settings.connect_timeout, settings.timeout, proxy)?;
        Ok(Self { outside, settings: settings.clone(), random })
    }

    /// Hands one text over, by a template of theirs.
    pub async fn send(&self, text: &Outgoing<'_>, form: &Form, now: Time) -> Outcome {
        let values: serde_json::Map<_, _> =
            form.values.iter().map(|(name, value)| (name.clone(), value.clone().into())).collect();
        let query = query(&BTreeMap::from([
            ("OutId", text.id.to_string()),
            ("PhoneNumbers", text.phone.to_owned()),
            ("SignName", text.sign.unwrap_or(&self.settings.sign_name).to_owned()),
            ("TemplateCode", form.template.clone()),
            ("TemplateParam", Value::Object(values).to_string()),
        ]));
        match self.ask("SendSms", &query, now).await {
            Ok(answer) => sent(&answer, now),
            Err(lost) => no_answer(&lost),
        }
    }

    /// What it knows of texts that a phone was sent on the day of this one; it echoes our ids, and does not tell its own.
    ///
    /// # Errors
    /// [`Untold`].
    pub async fn known(&self, about: &About<'_>, now: Time) -> Result<Vec<Report>, Untold> {
        let query = query(&BTreeMap::from([
            ("CurrentPage", "1".to_owned()),
            ("PageSize", "50".to_owned()),
            ("PhoneNumber", about.phone.to_owned()),
            ("SendDate", about.sent_at.date().format("%Y%m%d").to_string()),
        ]));
        let answer = self.ask("QuerySendDetails", &query, now).await?;
        let told: Details =
            serde_json::from_slice(&answer.body).map_err(|_| Untold(format!("http_{}", answer.status.as_u16())))?;
        if told.code != "OK" {
            return Err(Untold(back::code(&told.code)));
        }
        let rows = told.rows.map(|rows| rows.list).unwrap_or_default();
        // Attempts of one text share our id: what was sent before this one is another's.
        let since = (about.sent_at - APART).local().format("%Y-%m-%d %H:%M:%S").to_string();
        let ours = |row: &DetailRow| row.send_date.as_ref().is_none_or(|date| *date >= since);
        Ok(rows.into_iter().filter(ours).filter_map(|row| row.report(now)).collect())
    }

    async fn ask(&self, action: &str, query: &str, now: Time) -> Result<Answer, Lost> {
        let (host, nonce) = (self.outside.host(), hex::encode(self.random.bytes::<16>()));
        let headers = BTreeMap::from([
            ("host", host),
            ("x-acs-action", action.to_owned()),
            ("x-acs-content-sha256", sha256(b"")),
            ("x-acs-date", DateTime::from_timestamp(now.seconds(), 0).unwrap_or_default().format("%FT%TZ").to_string()),
            // A new one for each attempt: a nonce that was seen is refused.
            ("x-acs-signature-nonce", nonce),
            ("x-acs-version", VERSION.to_owned()),
        ]);
        let (id, secret) = (&self.settings.access_key_id, self.settings.access_key_secret.expose_secret());
        let authorization = authorize(id, secret, query, &headers);
        let mut request = self.outside.request(Method::POST, "/", Some(query)).header("authorization", authorization);
        for (name, value) in headers.into_iter().filter(|(name, _)| *name != "host") {
            request = request.header(name, value);
        }
        self.outside.ask(request).await
    }
}

/// Names and values as they stand in an address, by name: what is signed is what is sent.
#[must_use]
pub fn query(pairs: &BTreeMap<&str, String>) -> String {
    let written = |word: &str| utf8_percent_encode(word, KEPT).to_string();
    let pairs = pairs.iter().map(|(name, value)| format!("{}={}", written(name), written(value)));
    pairs.collect::<Vec<_>>().join("&")
}

/// The header `Authorization` of a request, whose headers all are signed, among them the digest of its body.
#[must_use]
pub fn authorize(id: &str, secret: &str, query: &str, headers: &BTreeMap<&str, String>) -> String {
    let lines: String = headers.iter().map(|(name, value)| format!("{name}:{}\n", value.trim())).collect();
    let signed = headers.keys().copied().collect::<Vec<_>>().join(";");
    let body = headers.get("x-acs-content-sha256").map(String::as_str).unwrap_or_default();
    let canonical = format!("POST\n/\n{query}\n{lines}\n{signed}\n{body}");
    let text = format!("ACS3-HMAC-SHA256\n{}", sha256(canonical.as_bytes()));
    let signature = hex::encode(hmac_sha256(secret.as_bytes(), &text));
    format!("ACS3-HMAC-SHA256 Credential={id},SignedHeaders={signed},Signature={signature}")
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Details {
    code: String,
    #[serde(rename = "SmsSendDetailDTOs")]
    rows: Option<DetailRows>,
}

#[derive(Deserialize)]
struct DetailRows {
    #[serde(rename = "SmsSendDetailDTO", default)]
    list: Vec<DetailRow>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct DetailRow {
    send_status: Value,
    err_code: Option<String>,
    out_id: Option<String>,
    send_date: Option<String>,
}

impl DetailRow {
    fn report(self, now: Time) -> Option<Report> {
        let delivery = match back::in_words(&self.send_status).as_str() {
            "1" => Delivery::Sent,
            "2" => Delivery::Failed,
            "3" => Delivery::Delivered,
            _ => return None,
        };
        let echo = Id::parse_str(self.out_id.as_deref()?).ok()?;
        let code = back::code(&self.err_code.unwrap_or_default());
        Some(Report {
            gateway: "aliyun".to_owned(),
            vendor_id: String::new(),
            notice_id: Some(echo),
            delivery,
            code,
            at: now,
        })
    }
}

/// Reports that were pushed. None for what is none.
pub(super) fn reports(body: &[u8], now: Time) -> Option<Vec<Report>> {
    #[derive(Deserialize)]
    struct Pushed {
        success: bool,
        err_code: Option<String>,
        biz_id: String,
        #[serde(default)]
        out_id: Option<String>,
    }
    let report = |p: Pushed| {
        Some(Report {
            gateway: "aliyun".to_owned(),
            vendor_id: back::vendor_id(&p.biz_id)?,
            notice_id: p.out_id.and_then(|word| Id::parse_str(&word).ok()),
            delivery: if p.success { Delivery::Delivered } else { Delivery::Failed },
            code: back::code(&p.err_code.unwrap_or_default()),
            at: now,
        })
    };
    back::readable(back::each(body)?, report)
}

/// Texts that were pushed. None for what is none.
pub(super) fn replies(body: &[u8]) -> Option<Vec<Reply>> {
    #[derive(Deserialize)]
    struct Pushed {
        phone_number: String,
        content: String,
        sequence_id: Value,
    }
    let reply = |p: Pushed| Reply { phone: p.phone_number, text: p.content, key: Some(back::in_words(&p.sequence_id)) };
    Some(back::each::<Pushed>(body)?.into_iter().map(reply).collect())
}

fn sent(answer: &Answer, now: Time) -> Outcome {
    match serde_json::from_slice::<Sent>(&answer.body) {
        Ok(Sent { code, biz_id, .. }) if code == "OK" => match biz_id {
            Some(id) => Outcome::Accepted(id),
            None => Outcome::Ambiguous("no_biz_id".to_owned()),
        },
        Ok(Sent { code, message, .. }) => outcome(&code, message.as_deref().unwrap_or_default(), now),
        Err(_) => not_understood(answer),
    }
}

/// True for a refusal that another gateway, or another template, may not share.
pub(super) fn blames_form(code: &str) -> bool {
    matches!(
        code,
        "isv.INVALID_JSON_PARAM"
            | "isv.TEMPLATE_MISSING_PARAMETERS"
            | "isv.PARAM_LENGTH_LIMIT"
            | "isv.PARAM_NOT_SUPPORT_URL"
            | "isv.TEMPLATE_PARAMS_ILLEGAL"
            | "isv.SMS_TEMPLATE_ILLEGAL"
            | "isv.SMS_SIGNATURE_ILLEGAL"
            | "isv.SIGN_STATE_ILLEGAL"
    )
}

/// The class of a code. One that is not known may stand for anything, so it is not sent again.
fn outcome(code: &str, message: &str, now: Time) -> Outcome {
    let word = code.to_owned();
    match code {
        "ServiceUnavailable" => Outcome::RetrySafe(Duration::seconds(30)),
        "SignatureNonceUsed" => Outcome::RetrySafe(Duration::zero()),
        _ if code.starts_with("Throttling") => Outcome::RetrySafe(Duration::seconds(5)),
        // Which of the limits it was, the message says.
        "isv.BUSINESS_LIMIT_CONTROL" if message.contains("分钟") => Outcome::Later(now + Duration::minutes(1)),
        "isv.BUSINESS_LIMIT_CONTROL" if message.contains("小时") => Outcome::Later(now + Duration::hours(1)),
        "isv.BUSINESS_LIMIT_CONTROL" | "isv.DAY_LIMIT_CONTROL" | "isv.MONTH_LIMIT_CONTROL" => {
            Outcome::Later(tomorrow(now))
        }
        "isv.MOBILE_NUMBER_ILLEGAL"
        | "isv.BLACK_KEY_CONTROL_LIMIT"
        | "isv.INVALID_JSON_PARAM"
        | "isv.TEMPLATE_MISSING_PARAMETERS"
        | "isv.PARAM_LENGTH_LIMIT"
        | "isv.PARAM_NOT_SUPPORT_URL"
        | "isv.TEMPLATE_PARAMS_ILLEGAL"
        | "isv.MOBILE_COUNT_OVER_LIMIT" => Outcome::Rejected(word),
        "isv.AMOUNT_NOT_ENOUGH"
        | "isv.OUT_OF_SERVICE"
        | "isv.SMS_SIGNATURE_ILLEGAL"
        | "isv.SIGN_STATE_ILLEGAL"
        | "isv.SMS_TEMPLATE_ILLEGAL"
        | "isp.RAM_PERMISSION_DENY"
        | "isv.DENY_IP_RANGE"
        | "SignatureDoesNotMatch" => Outcome::ChannelDown(word),
        _ if ["isv.ACCOUNT_", "InvalidAccessKeyId", "InvalidTimeStamp"].iter().any(|begin| code.starts_with(begin)) => {
            Outcome::ChannelDown(word)
        }
        _ => Outcome::Ambiguous(word),
    }
}
