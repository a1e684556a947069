//! The mini program (小程序): signing in, messages that people have asked for, codes and links that open it.

use super::client::{Client, Fault, read};
use crate::gateway::sms::Outcome;
use bytes::Bytes;
use chrono::{Days, Duration};
use entity::Time;
use serde::Deserialize;
use serde_json::{Map, Value, json};

/// WeChat's word for one who has not asked for a message, or no longer.
pub const NO_PERMIT: &str = "wechat_43101";
/// Pause before a busy WeChat is asked once more to send something.
const PAUSE: std::time::Duration = std::time::Duration::from_millis(500);

/// Why WeChat does not vouch for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unvouched {
    /// The code is used, over or none of theirs, or WeChat holds him for dangerous.
    Refused,
    /// WeChat does not answer now.
    Away,
}

impl From<Fault> for Unvouched {
    fn from(fault: Fault) -> Self {
        match fault {
            Fault::Code(40029 | 40163 | 40226 | 41008) => Self::Refused,
            fault => {
                tracing::error!(why = fault.word(), "WeChat does not vouch for anybody");
                Self::Away
            }
        }
    }
}

/// A message that somebody has asked for (订阅消息).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscribed<'t> {
    /// The openid of him.
    pub to: &'t str,
    /// WeChat's id of the template.
    pub template: &'t str,
    /// Its fields.
    pub fields: &'t [(String, String)],
    /// The page that it opens.
    pub page: &'t str,
}

/// What WeChat thinks of a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing against it.
    Pass,
    /// A person should read it first.
    Review,
    /// It should not be shown.
    Risky,
}

/// The mini program.
pub struct Mini {
    client: Client,
    /// formal, trial or developer.
    state: String,
}

impl Mini {
    /// The app, and which version of it messages open: formal, trial or developer.
    #[must_use]
    pub fn new(client: Client, state: &str) -> Self {
        Self { client, state: state.to_owned() }
    }

    /// The app as it asks.
    #[must_use]
    pub const fn client(&self) -> &Client {
        &self.client
    }

    /// The openid that a login code stands for. What else WeChat tells stays with it.
    ///
    /// # Errors
    /// [`Unvouched`].
    pub async fn openid(&self, code: &str) -> Result<String, Unvouched> {
        #[derive(Deserialize)]
        struct Session {
            openid: String,
        }
        if !is_code(code) {
            return Err(Unvouched::Refused);
        }
        let rest = format!("js_code={code}&grant_type=authorization_code");
        let session: Session = self.client.ask_by_secret("/sns/jscode2session", &rest).await?;
        Ok(session.openid)
    }

    /// The phone that a phone code stands for, if it was given to this app.
    ///
    /// # Errors
    /// [`Unvouched`].
    pub async fn phone(&self, code: &str, now: Time) -> Result<String, Unvouched> {
        #[derive(Deserialize)]
        struct Told {
            phone_info: Info,
        }
        #[derive(Deserialize)]
        #[serde(rename_all = "camelCase")]
        struct Info {
            pure_phone_number: String,
            watermark: Watermark,
        }
        #[derive(Deserialize)]
        struct Watermark {
            appid: String,
        }
        if !is_code(code) {
            return Err(Unvouched::Refused);
        }
        let body = json!({ "code": code });
        let Told { phone_info } = self.client.told("/wxa/business/getuserphonenumber", &body, now).await?;
        if phone_info.watermark.appid == self.client.app_id() {
            Ok(phone_info.pure_phone_number)
        } else {
            Err(Unvouched::Refused)
        }
    }

    /// Sends a message that somebody has asked for.
    pub async fn send(&self, message: &Subscribed<'_>, now: Time) -> Outcome {
        let fields: Map<String, Value> =
            message.fields.iter().map(|(name, value)| (name.clone(), json!({ "value": cut(name, value) }))).collect();
        let body = json!({
            "touser": message.to, "template_id": message.template, "page": message.page,
            "miniprogram_state": self.state, "lang": "zh_CN", "data": fields,
        });
        let path = "/cgi-bin/message/subscribe/send";
        let mut answer = self.client.ask(path, &body, now).await;
        if answer.as_ref().err() == Some(&Fault::Code(-1)) {
            tokio::time::sleep(PAUSE).await;
            answer = self.client.ask(path, &body, now).await;
        }
        let outcome = match answer {
            // Only what says so has gone: something else may have answered.
            Ok(answer) => match read(&answer).ok().filter(|told| told.get("errcode").is_some()) {
                None => Outcome::Ambiguous("garbage".to_owned()),
                Some(told) => {
                    match told.get("msgid").map(|id| id.as_str().map_or_else(|| id.to_string(), ToOwned::to_owned)) {
                        Some(id) => Outcome::Accepted(id),
                        // Older apps are told none: it went, and no report will be known for it.
                        None => Outcome::Accepted(String::new()),
                    }
                }
            },
            Err(fault) => outcome(&fault, now),
        };
        outcome.kept()
    }

    /// A picture of the code that opens a page with a word of up to 32 characters (小程序码).
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn code(&self, scene: &str, page: &str, now: Time) -> Result<Bytes, Fault> {
        let body =
            json!({ "scene": scene, "page": page, "check_path": true, "env_version": self.version(), "width": 430 });
        self.client.picture("/wxa/getwxacodeunlimit", &body, now).await
    }

    /// An address that opens a page from a text or a browser, for so many days.
    ///
    /// # Errors
    /// [`Fault`].
    pub async fn link(&self, page: &str, query: &str, days: i64, now: Time) -> Result<String, Fault> {
        #[derive(Deserialize)]
        struct Told {
            url_link: String,
        }
        let body = json!({
            "path": page, "query": query, "expire_type": 1, "expire_interval": days.clamp(1, 30),
            "env_version": self.version(),
        });
        let told: Told = self.client.told("/wxa/generate_urllink", &body, now).await?;
        Ok(told.url_link)
    }

    /// What WeChat thinks of words that somebody has just written, who must have been in the app within two hours.
    ///
    /// # Errors
    /// [`Fault`]; the words are to be read by a person first then.
    pub async fn check(&self, openid: &str, words: &str, now: Time) -> Result<Verdict, Fault> {
        #[derive(Deserialize)]
        struct Told {
            result: Suggested,
        }
        #[derive(Deserialize)]
        struct Suggested {
            suggest: String,
        }
        let body = json!({ "version": 2, "openid": openid, "scene": 2, "content": words });
        let told: Told = self.client.told("/wxa/msg_sec_check", &body, now).await?;
        Ok(match told.result.suggest.as_str() {
            "pass" => Verdict::Pass,
            "risky" => Verdict::Risky,
            _ => Verdict::Review,
        })
    }

    fn version(&self) -> &'static str {
        match self.state.as_str() {
            "trial" => "trial",
            "developer" => "develop",
            _ => "release",
        }
    }
}

/// What goes into an address must be what WeChat gives out.
pub(super) fn is_code(code: &str) -> bool {
    (1..=128).contains(&code.len()) && code.chars().all(|c| c.is_ascii_alphanumeric() || "-_".contains(c))
}

fn outcome(fault: &Fault, now: Time) -> Outcome {
    match fault {
        Fault::Unasked(_) | Fault::Code(-1) => Outcome::RetrySafe(Duration::seconds(30)),
        Fault::Unanswered(word) => Outcome::Ambiguous(word.clone()),
        Fault::Code(45009) => Outcome::Later(Time::at(now.date() + Days::new(1), 0)),
        Fault::Code(45011) => Outcome::Later(now + Duration::minutes(1)),
        Fault::Code(40001 | 40014 | 41001 | 42001) => Outcome::ChannelDown(fault.word()),
        Fault::Code(_) if fault.is_of_app() => Outcome::ChannelDown(fault.word()),
        Fault::Code(_) => Outcome::Rejected(fault.word()),
    }
}

/// Kinds of fields whose values are words of ours, and how many characters each takes.
pub const FIELDS: [(&str, usize); 7] = [
    ("thing", 20),
    ("phrase", 5),
    ("name", 10),
    ("character_string", 32),
    ("letter", 32),
    ("number", 32),
    ("phone_number", 17),
];

/// A value as its field takes it: WeChat refuses the whole message for one that is too long, of the wrong characters or empty.
#[must_use]
pub fn cut(field: &str, value: &str) -> String {
    let kind = field.trim_end_matches(|c: char| c.is_ascii_digit());
    let longest = FIELDS.iter().find(|(name, _)| *name == kind).map_or(20, |(_, longest)| *longest);
    let fits = |c: &char| match kind {
        "character_string" | "phone_number" => c.is_ascii_graphic(),
        "letter" => c.is_ascii_alphabetic(),
        "number" => c.is_ascii_digit() || *c == '.',
        "phrase" | "name" => c.is_alphabetic(),
        _ => !c.is_control(),
    };
    let fitting: Vec<char> = value.chars().filter(fits).collect();
    match fitting.len() {
        0 if matches!(kind, "number") => "0".to_owned(),
        0 if matches!(kind, "character_string" | "letter" | "phone_number") => "-".to_owned(),
        0 => "无".to_owned(),
        length if length > longest && kind == "thing" => fitting[..longest - 1].iter().chain(&['…']).collect(),
        _ => fitting.into_iter().take(longest).collect(),
    }
}
