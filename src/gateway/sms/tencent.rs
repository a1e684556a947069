//! Tencent Cloud SMS (腾讯云短信), version 2021-01-11, signed by TC3-HMAC-SHA256.

use super::back::{self, About, Pulled, Reply, Untold};
use super::{Form, Outcome, Outgoing, no_answer, not_understood, tomorrow};
use crate::base::settings;
use crate::gateway::digest::{hmac_sha256, sha256};
use crate::gateway::outside::{Answer, Lost, Outside};
use chrono::{DateTime, Duration};
use entity::notice::Delivery;
use entity::notice::report::Model as Report;
use entity::{Id, Time};
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

const CONTENT_TYPE: &str = "application/json; charset=utf-8";
const VERSION: &str = "2021-01-11";
/// Rows that are asked for at once.
const ROWS: usize = 100;
/// Its clock and ours may differ by so much.
const APART: Duration = Duration::minutes(1);

/// The service, by its settings.
#[derive(Debug)]
pub struct Tencent {
    outside: Outside,
    settings: settings::Tencent,
}

#[derive(Serialize)]
#[serde(rename_all = "PascalCase")]
struct SendSms<'t> {
    phone_number_set: [String; 1],
    sms_sdk_app_id: &'t str,
    template_id: &'t str,
    sign_name: &'t str,
    template_param_set: Vec<&'t str>,
    session_context: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Answered<T> {
    response: Response<T>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Response<T> {
    #[serde(rename_all = "PascalCase")]
    Failed {
        error: Failure,
    },
    Done(T),
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Failure {
    code: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Sent {
    send_status_set: Vec<Status>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Status {
    serial_no: String,
    code: String,
}

impl Tencent {
    /// The service that the settings name.
    ///
    /// # Errors
    /// An address that is none.
    pub fn open(settings: &settings::Tencent, proxy: &str) -> anyhow::Result<Self> {
        let outside = Outside::open(&settings.endpoint, settings.connect_timeout, settings.timeout, proxy)?;
        Ok(Self { outside, settings: settings.clone() })
    }

    /// Hands one text over, by a template of theirs.
    pub async fn send(&self, text: &Outgoing<'_>, form: &Form, now: Time) -> Outcome {
        let body = SendSms {
            phone_number_set: [format!("+86{}", text.phone)],
            sms_sdk_app_id: &self.settings.sdk_app_id,
            template_id: &form.template,
            sign_name: text.sign.unwrap_or(&self.settings.sign_name),
            template_param_set: form.values.iter().map(|(_, value)| value.as_str()).collect(),
            session_context: text.id.to_string(),
        };
        match self.ask("SendSms", &body, now).await {
            Ok(answer) => sent(&answer, now),
            Err(lost) => no_answer(&lost),
        }
    }

    /// What it knows of texts that a phone was sent since a little before this one. It does not echo our ids, unless its support
    /// has opened that.
    ///
    /// # Errors
    /// [`Untold`].
    pub async fn known(&self, about: &About<'_>, now: Time) -> Result<Vec<Report>, Untold> {
        let body = json!({
            "SmsSdkAppId": self.settings.sdk_app_id,
            "PhoneNumber": format!("+86{}", about.phone),
            "BeginTime": (about.sent_at - APART).seconds(),
            "Offset": 0,
            "Limit": ROWS,
        });
        let rows: StatusRows = self.told("PullSmsSendStatusByPhoneNumber", &body, now).await?;
        Ok(rows.reports(now))
    }

    /// What it has not handed out yet. Each row is handed out once; its support has to open that.
    ///
    /// # Errors
    /// [`Untold`].
    pub async fn pull(&self, now: Time) -> Result<Pulled, Untold> {
        let body = json!({ "SmsSdkAppId": self.settings.sdk_app_id, "Limit": ROWS });
        let reports: StatusRows = self.told("PullSmsSendStatus", &body, now).await?;
        // What was handed out is not lost with what was not.
        let replies = self.told::<ReplyRows>("PullSmsReplyStatus", &body, now).await;
        let more = reports.pull_sms_send_status_set.len() >= ROWS;
        let (reports, replies) = (reports.reports(now), replies.map(ReplyRows::replies));
        match replies {
            Ok(replies) => Ok(Pulled { more: more || replies.len() >= ROWS, reports, replies }),
            Err(untold) if reports.is_empty() => Err(untold),
            Err(_) => Ok(Pulled { more: false, reports, replies: Vec::new() }),
        }
    }

    async fn told<T: DeserializeOwned>(&self, action: &str, body: &Value, now: Time) -> Result<T, Untold> {
        let answer = self.ask(action, body, now).await?;
        match serde_json::from_slice::<Answered<T>>(&answer.body) {
            Ok(Answered { response: Response::Done(told) }) => Ok(told),
            Ok(Answered { response: Response::Failed { error } }) => Err(Untold(back::code(&error.code))),
            Err(_) => Err(Untold(format!("http_{}", answer.status.as_u16()))),
        }
    }

    async fn ask(&self, action: &str, body: &impl Serialize, now: Time) -> Result<Answer, Lost> {
        // What is signed are the very bytes that are sent.
        let body = serde_json::to_vec(body).map_err(|_| Lost::Unasked("unwritable".to_owned()))?;
        let host = self.outside.host();
        let signer = Signer {
            id: &self.settings.secret_id,
            key: self.settings.secret_key.expose_secret(),
            service: "sms",
            host: &host,
            action,
        };
        let request = self
            .outside
            .request(Method::POST, "/", None)
            .header("content-type", CONTENT_TYPE)
            .header("x-tc-action", action)
            .header("x-tc-version", VERSION)
            .header("x-tc-region", &self.settings.region)
            .header("x-tc-timestamp", now.seconds())
            .header("authorization", signer.authorize(&body, now))
            .body(body);
        self.outside.ask(request).await
    }
}

/// Signs requests.
#[derive(Clone, Copy)]
pub struct Signer<'s> {
    /// `SecretId`.
    pub id: &'s str,
    /// `SecretKey`.
    pub key: &'s str,
    /// The service, such as `sms`.
    pub service: &'s str,
    /// The host that is asked.
    pub host: &'s str,
    /// What is asked of it.
    pub action: &'s str,
}

impl Signer<'_> {
    /// The header `Authorization` of a body at a moment. The day in it is London's, whatever it is here.
    #[must_use]
    pub fn authorize(&self, body: &[u8], now: Time) -> String {
        let Self { id, key, service, host, action } = self;
        let date = DateTime::from_timestamp_millis(now.0).unwrap_or_default().format("%Y-%m-%d").to_string();
        let action = action.to_lowercase();
        let signed = "content-type;host;x-tc-action";
        let canonical = format!(
            "POST\n/\n\ncontent-type:{CONTENT_TYPE}\nhost:{host}\nx-tc-action:{action}\n\n{signed}\n{}",
            sha256(body)
        );
        let scope = format!("{date}/{service}/tc3_request");
        let text = format!("TC3-HMAC-SHA256\n{}\n{scope}\n{}", now.seconds(), sha256(canonical.as_bytes()));
        let of_day = hmac_sha256(format!("TC3{key}").as_bytes(), &date);
        let of_service = hmac_sha256(&of_day, service);
        let signature = hex::encode(hmac_sha256(&hmac_sha256(&of_service, "tc3_request"), &text));
        format!("TC3-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={signed}, Signature={signature}")
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StatusRows {
    pull_sms_send_status_set: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct StatusRow {
    serial_no: String,
    report_status: String,
    #[serde(default)]
    description: Option<String>,
    #[serde(default)]
    session_context: Option<String>,
}

/// The rows that can be read: they are handed out once, and an odd one takes no other with it.
fn rows<T: DeserializeOwned>(handed_out: Vec<Value>) -> Vec<T> {
    back::readable(handed_out, |row| serde_json::from_value(row).ok()).unwrap_or_default()
}

impl StatusRows {
    fn reports(self, now: Time) -> Vec<Report> {
        let report = |row: StatusRow| {
            let echo = row.session_context.as_deref().and_then(|word| Id::parse_str(word).ok());
            report(&row.serial_no, &row.report_status, &row.description.unwrap_or_default(), echo, now)
        };
        rows(self.pull_sms_send_status_set).into_iter().filter_map(report).collect()
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReplyRows {
    pull_sms_reply_status_set: Vec<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct ReplyRow {
    subscriber_number: String,
    reply_content: String,
    reply_time: Value,
}

impl ReplyRows {
    fn replies(self) -> Vec<Reply> {
        let rows = rows::<ReplyRow>(self.pull_sms_reply_status_set).into_iter();
        rows.map(|row| reply(row.subscriber_number, row.reply_content, &row.reply_time)).collect()
    }
}

/// Reports that were pushed. None for what is none.
pub(super) fn reports(body: &[u8], now: Time) -> Option<Vec<Report>> {
    #[derive(Deserialize)]
    struct Pushed {
        sid: String,
        report_status: String,
        errmsg: Option<String>,
    }
    let pushed = back::each::<Pushed>(body)?;
    back::readable(pushed, |p| report(&p.sid, &p.report_status, &p.errmsg.unwrap_or_default(), None, now))
}

fn report(sid: &str, status: &str, code: &str, echo: Option<Id>, now: Time) -> Option<Report> {
    let delivery = match status {
        "SUCCESS" => Delivery::Delivered,
        "FAIL" => Delivery::Failed,
        _ => return None,
    };
    let (gateway, code) = ("tencent".to_owned(), back::code(code));
    Some(Report { gateway, vendor_id: back::vendor_id(sid)?, notice_id: echo, delivery, code, at: now })
}

/// Texts that were pushed. None for what is none.
pub(super) fn replies(body: &[u8]) -> Option<Vec<Reply>> {
    #[derive(Deserialize)]
    struct Pushed {
        mobile: String,
        text: String,
        time: Value,
    }
    let pushed = back::each::<Pushed>(body)?;
    Some(pushed.into_iter().map(|p| reply(p.mobile, p.text, &p.time)).collect())
}

fn reply(phone: String, text: String, time: &Value) -> Reply {
    let key = Some(format!("{phone} {} {text}", back::in_words(time)));
    Reply { phone, text, key }
}

fn sent(answer: &Answer, now: Time) -> Outcome {
    match serde_json::from_slice::<Answered<Sent>>(&answer.body) {
        Ok(Answered { response: Response::Failed { error } }) => outcome(&error.code, now),
        Ok(Answered { response: Response::Done(Sent { send_status_set }) }) => match send_status_set.as_slice() {
            [one] if one.code == "Ok" => Outcome::Accepted(one.serial_no.clone()),
            [one] => outcome(&one.code, now),
            // One was asked for: whatever this is, it says nothing of it.
            _ => Outcome::Ambiguous("not_one_answer".to_owned()),
        },
        Err(_) => not_understood(answer),
    }
}

/// True for a refusal that another gateway, or another template, may not share.
pub(super) fn blames_form(code: &str) -> bool {
    match code {
        "InvalidParameterValue.IncorrectPhoneNumber" => false,
        "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"
        | "FailedOperation.SignatureIncorrectOrUnapproved"
        | "FailedOperation.TemplateIncorrectOrUnapproved"
        | "FailedOperation.TemplateUnapprovedOrNotExist"
        | "FailedOperation.JsonParseFail"
        | "FailedOperation.FailResolvePacket" => true,
        _ => code.starts_with("InvalidParameter") || code.starts_with("MissingParameter"),
    }
}

/// The class of a code. One that is not known may stand for anything, so it is not sent again.
fn outcome(code: &str, now: Time) -> Outcome {
    let word = code.to_owned();
    let later = |seconds| Outcome::Later(now + Duration::seconds(seconds));
    match code {
        "AuthFailure.SignatureExpire" => Outcome::RetrySafe(Duration::seconds(30)),
        _ if code.starts_with("RequestLimitExceeded") => Outcome::RetrySafe(Duration::seconds(5)),
        "LimitExceeded.PhoneNumberThirtySecondLimit" | "LimitExceeded.DeliveryFrequencyLimit" => later(30),
        "LimitExceeded.PhoneNumberOneHourLimit" => later(3600),
        "LimitExceeded.PhoneNumberDailyLimit"
        | "LimitExceeded.PhoneNumberSameContentDailyLimit"
        | "LimitExceeded.AppMainlandChinaDailyLimit"
        | "LimitExceeded.AppDailyLimit"
        | "FailedOperation.MarketingSendTimeConstraint" => Outcome::Later(tomorrow(now)),
        "FailedOperation.InsufficientBalanceInSmsPackage"
        | "FailedOperation.SignatureIncorrectOrUnapproved"
        | "FailedOperation.TemplateIncorrectOrUnapproved"
        | "FailedOperation.TemplateUnapprovedOrNotExist" => Outcome::ChannelDown(word),
        "FailedOperation.PhoneNumberInBlacklist"
        | "FailedOperation.PhoneNumberParseFail"
        | "FailedOperation.ContainSensitiveWord"
        | "FailedOperation.TemplateParamSetNotMatchApprovedTemplate"
        | "FailedOperation.JsonParseFail"
        | "FailedOperation.FailResolvePacket"
        | "LimitExceeded.PhoneNumberCountLimit" => Outcome::Rejected(word),
        _ if code.starts_with("AuthFailure.") || code.starts_with("UnauthorizedOperation") => {
            Outcome::ChannelDown(word)
        }
        _ if code.starts_with("InvalidParameter")
            || code.starts_with("MissingParameter")
            || code.starts_with("UnsupportedOperation") =>
        {
            Outcome::Rejected(word)
        }
        _ => Outcome::Ambiguous(word),
    }
}
