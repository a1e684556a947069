//! China Mobile cloud MAS (中国移动云MAS), over HTTP: free text, or a template of theirs. It has no request key, echoes nothing
//! and cannot be asked: what it did not answer is never sent again.

use super::back::{self, Reply};
use super::{Form, Outcome, Outgoing, no_answer, not_understood};
use crate::base::settings::{self, MasVariant};
use crate::gateway::digest::md5;
use crate::gateway::outside::{Answer, Outside};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use entity::Time;
use entity::notice::Delivery;
use entity::notice::report::Model as Report;
use reqwest::Method;
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

/// The service, by its settings.
#[derive(Debug)]
pub struct Mas {
    outside: Outside,
    settings: settings::Mas,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    // Their document misspells it in one table.
    #[serde(alias = "mgsGroup")]
    msg_group: Option<String>,
    rspcod: String,
}

impl Mas {
    /// The service that the settings name.
    ///
    /// # Errors
    /// An address that is none.
    pub fn open(settings: &settings::Mas, proxy: &str) -> anyhow::Result<Self> {
        let outside = Outside::open(&settings.base, settings.connect_timeout, settings.timeout, proxy)?;
        Ok(Self { outside, settings: settings.clone() })
    }

    /// True where it takes any words, and needs no template.
    #[must_use]
    pub fn is_free(&self) -> bool {
        self.settings.variant == MasVariant::Nor
    }

    /// Hands one text over, by a template of theirs, or in its own words.
    pub async fn send(&self, text: &Outgoing<'_>, form: Option<&Form>) -> Outcome {
        let sign = text.sign.unwrap_or(&self.settings.sign);
        let (path, body) = match form {
            None => ("/norsubmit", free(&self.settings, sign, text.phone, text.words())),
            Some(form) => {
                let values: Vec<&str> = form.values.iter().map(|(_, value)| value.as_str()).collect();
                ("/tmpsubmit", by_template(&self.settings, sign, text.phone, &form.template, &values))
            }
        };
        let request = self
            .outside
            .request(Method::POST, path, None)
            .header("content-type", "application/json")
            .body(STANDARD.encode(body.to_string()));
        match self.outside.ask(request).await {
            Ok(answer) => sent(&answer),
            Err(lost) => no_answer(&lost),
        }
    }
}

/// A request to send these words, which carry no signature: the service puts it before them.
#[must_use]
pub fn free(settings: &settings::Mas, sign: &str, mobiles: &str, content: &str) -> Value {
    let settings::Mas { ec_name, ap_id, add_serial, .. } = settings;
    let secret = settings.secret_key.expose_secret();
    let mac = md5(format!("{ec_name}{ap_id}{secret}{mobiles}{content}{sign}{add_serial}").as_bytes());
    // `addSerial` must be there though it be empty; the password need not, and the line may be in clear.
    json!({
        "ecName": ec_name, "apId": ap_id, "mobiles": mobiles, "content": content, "sign": sign, "addSerial": add_serial,
        "mac": mac,
    })
}

/// A request to send a template of theirs with these values.
#[must_use]
pub fn by_template(settings: &settings::Mas, sign: &str, mobiles: &str, template: &str, values: &[&str]) -> Value {
    let settings::Mas { ec_name, ap_id, add_serial, .. } = settings;
    let secret = settings.secret_key.expose_secret();
    // A template without variables is given one that is empty.
    let params = if values.is_empty() { json!([""]) } else { json!(values) }.to_string();
    let mac = md5(format!("{ec_name}{ap_id}{secret}{template}{mobiles}{params}{sign}{add_serial}").as_bytes());
    json!({
        "ecName": ec_name, "apId": ap_id, "templateId": template, "mobiles": mobiles, "params": params, "sign": sign,
        "addSerial": add_serial, "mac": mac,
    })
}

/// Reports that were pushed. None for what is none. What says that a text arrived differs from province to province.
pub(super) fn reports(body: &[u8], now: Time) -> Option<Vec<Report>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Pushed {
        report_status: Option<String>,
        error_code: Option<String>,
        #[serde(alias = "mgsGroup")]
        msg_group: String,
    }
    let report = |p: Pushed| {
        let (status, error) = (p.report_status.unwrap_or_default(), p.error_code.unwrap_or_default());
        let arrived = error == "DELIVRD" || matches!(status.as_str(), "CM:0000" | "DELIVRD");
        let said = if error.is_empty() { &status } else { &error };
        // One that says neither says nothing.
        let code = Some(back::code(said)).filter(|code| !code.is_empty())?;
        Some(Report {
            gateway: "mas".to_owned(),
            vendor_id: back::vendor_id(&p.msg_group)?,
            notice_id: None,
            delivery: if arrived { Delivery::Delivered } else { Delivery::Failed },
            code,
            at: now,
        })
    };
    back::readable(back::each(body)?, report)
}

/// Texts that were pushed. None for what is none.
pub(super) fn replies(body: &[u8]) -> Option<Vec<Reply>> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Pushed {
        mobile: String,
        sms_content: String,
        send_time: String,
    }
    let reply = |p: Pushed| {
        let key = Some(format!("{} {} {}", p.mobile, p.send_time, p.sms_content));
        Reply { phone: p.mobile, text: p.sms_content, key }
    };
    Some(back::each::<Pushed>(body)?.into_iter().map(reply).collect())
}

fn sent(answer: &Answer) -> Outcome {
    let Ok(Sent { msg_group, rspcod }) = serde_json::from_slice(&answer.body) else { return not_understood(answer) };
    match rspcod.as_str() {
        "success" => msg_group.map_or_else(|| Outcome::Ambiguous("no_msg_group".to_owned()), Outcome::Accepted),
        "IllegalMac" | "IllegalSignId" | "NoSignId" | "InvalidUsrOrPwd" => Outcome::ChannelDown(rspcod),
        "InvalidMessage" | "TooManyMobiles" | "InvalidMobile" | "DupMobile" => Outcome::Rejected(rspcod),
        _ => Outcome::Ambiguous(rspcod),
    }
}
