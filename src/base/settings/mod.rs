//! Settings (设置): built-in defaults < a file < the environment. Every key stands in `settings.toml` with its comment,
//! and that comment is what a wrong value is answered with, so the two cannot differ.

mod read;
mod sms;
mod wechat;

use ipnet::IpNet;
use read::{from_variable, lookup, overlay, read_secret_files, wrong};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;
use std::fmt;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;
use toml::{Table, Value};

pub use sms::{Aliyun, Console, Gateway, Links, Mas, MasVariant, Quiet, Sms, Tencent, TextLimits};
pub use wechat::{MiniProgram, MiniState, OfficialAccount, Wechat, WechatSignIn};

/// The embedded defaults, as `settings.example.toml` shows them.
pub const DEFAULTS: &str = include_str!("settings.toml");

/// Which promises the program makes about its surroundings.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Profile {
    /// On one machine, to look at.
    Demo,
    /// With people's data.
    Production,
}

/// All settings; each field is the key of the same name in `settings.toml`.
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each key is described in settings.toml, once")]
pub struct Settings {
    pub profile: Profile,
    pub http: Http,
    pub database: Database,
    pub redis: Redis,
    pub security: Security,
    pub wechat: Wechat,
    pub sms: Sms,
    pub outbound: Outbound,
    pub review: Review,
    pub files: Files,
    pub documents: Documents,
    pub upload: Upload,
    pub clock: ClockOffset,
    pub metrics: Metrics,
    pub log: Log,
}

/// `[http]`
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each key is described in settings.toml, once")]
pub struct Http {
    pub listen: SocketAddr,
    pub public_url: String,
    #[serde(deserialize_with = "networks")]
    pub trusted_proxies: Vec<IpNet>,
    #[serde(deserialize_with = "within::<1024, 16_777_216, _>")]
    pub body_limit: i64,
}

/// `[database]`
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each key is described in settings.toml, once")]
pub struct Database {
    pub url: SecretString,
    #[serde(deserialize_with = "within::<1, 100, _>")]
    pub max_connections: i64,
}

/// `[redis]`
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each key is described in settings.toml, once")]
pub struct Redis {
    pub url: SecretString,
    pub prefix: String,
}

/// `[security]`
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each key is described in settings.toml, once")]
pub struct Security {
    pub keys_dir: PathBuf,
    pub token_keys: SecretString,
    pub data_keys: SecretString,
    pub index_keys: SecretString,
    #[serde(deserialize_with = "within::<1, 60, _>")]
    pub access_minutes: i64,
    #[serde(deserialize_with = "within::<1, 72, _>")]
    pub staff_hours: i64,
    #[serde(deserialize_with = "within::<1, 180, _>")]
    pub resident_days: i64,
}

/// `[outbound]`
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each key is described in settings.toml, once")]
pub struct Outbound {
    pub proxy: SecretString,
}

/// `[review]`
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each key is described in settings.toml, once")]
pub struct Review {
    #[serde(deserialize_with = "within::<1, 365, _>")]
    pub days: i64,
}

/// `[files]`
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each key is described in settings.toml, once")]
pub struct Files {
    pub directory: PathBuf,
    #[serde(deserialize_with = "within::<1, 100, _>")]
    pub largest_mb: i64,
}

impl Files {
    /// Largest file that is taken, in bytes.
    #[must_use]
    pub fn largest(&self) -> usize {
        usize::try_from(self.largest_mb).unwrap_or(1) << 20
    }
}

/// `[documents]`
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each key is described in settings.toml, once")]
pub struct Documents {
    pub fonts: PathBuf,
}

/// `[upload]`
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each key is described in settings.toml, once")]
pub struct Upload {
    pub directory: PathBuf,
    #[serde(deserialize_with = "within::<1, 99, _>")]
    pub link: i64,
    #[serde(deserialize_with = "within::<1, 99, _>")]
    pub code: i64,
    #[serde(deserialize_with = "within::<1, 99, _>")]
    pub sms: i64,
    #[serde(deserialize_with = "within::<1, 99, _>")]
    pub device: i64,
}

/// `[clock]`
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each key is described in settings.toml, once")]
pub struct ClockOffset {
    pub offset: i64,
}

/// `[metrics]`
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each key is described in settings.toml, once")]
pub struct Metrics {
    #[serde(deserialize_with = "address_or_none")]
    pub listen: Option<SocketAddr>,
    pub token: SecretString,
}

/// `[log]`
#[derive(Clone, Debug, Deserialize)]
#[expect(missing_docs, reason = "each key is described in settings.toml, once")]
pub struct Log {
    #[serde(deserialize_with = "filter")]
    pub filter: String,
    pub format: LogFormat,
}

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// For eyes.
    Text,
    /// For machines.
    Json,
}

/// A wrong setting, in words for the operator.
#[derive(Debug, PartialEq, Eq)]
pub struct Fault(pub String);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

impl Settings {
    /// Reads defaults, then `file` (`shuitian.toml` if there is one, when none is named), then the `SHUITIAN__…`
    /// variables among `environment`.
    ///
    /// # Errors
    /// The first wrong key or value: its name, the value unless it is a secret, and what is allowed.
    pub fn load(file: Option<&Path>, environment: impl Iterator<Item = (String, String)>) -> Result<Self, Fault> {
        let defaults: Table = DEFAULTS.parse().map_err(|e| Fault(format!("built-in settings: {e}")))?;
        let mut settings = defaults.clone();
        let path = file.unwrap_or(Path::new("shuitian.toml"));
        if file.is_some() || path.exists() {
            let text = std::fs::read_to_string(path)
                .map_err(|e| Fault(format!("cannot read the settings file {}: {e}", path.display())))?;
            // Notepad puts a mark in front of a text that other programs do not read.
            let table: Table = text
                .trim_start_matches('\u{feff}')
                .parse()
                .map_err(|e| Fault(format!("{} is not TOML: {e}", path.display())))?;
            overlay(&mut settings, &defaults, table, "")?;
        }
        let variables: BTreeMap<String, String> = environment.filter(|(k, _)| k.starts_with("SHUITIAN__")).collect();
        for (name, value) in variables {
            let table = from_variable(&name, &value, &defaults)?;
            overlay(&mut settings, &defaults, table, "")?;
        }
        read_secret_files(&mut settings, &defaults, "")?;
        let settings: Self = serde_path_to_error::deserialize(Value::Table(settings.clone())).map_err(|e| {
            let key = e.path().to_string();
            wrong(&key, lookup(&settings, &key))
        })?;
        settings.agree()?;
        Ok(settings)
    }

    /// What no single value can say: keys that do not go together.
    fn agree(&self) -> Result<(), Fault> {
        let url = self.database.url.expose_secret();
        if !url.starts_with("sqlite://") && !url.starts_with("postgres://") && !url.starts_with("postgresql://") {
            return Err(wrong("database.url", None));
        }
        let public = &self.http.public_url;
        if public.ends_with('/') || !(public.is_empty() || public.starts_with("http")) {
            return Err(wrong("http.public_url", Some(&Value::String(public.clone()))));
        }
        let redis = self.redis.url.expose_secret();
        if !redis.is_empty() && !redis.starts_with("redis://") {
            return Err(wrong("redis.url", None));
        }
        let token = self.metrics.token.expose_secret();
        if !(token.is_empty() || token.len() >= 16) {
            return Err(wrong("metrics.token", None));
        }
        if let Some(fault) = self.wechat.fault() {
            return Err(Fault(fault.to_owned()));
        }
        if let Some(key) = self.sms.short_secret() {
            return Err(Fault(format!("{key} (not shown) is too short: 16 characters or more")));
        }
        if let Some(key) = self.sms.missing() {
            return Err(Fault(format!("{key} is empty, and sms.gateways names its gateway")));
        }
        if self.profile != Profile::Production {
            return Ok(());
        }
        let refuse = |key: &str, why: &str| Err(Fault(format!("profile = \"production\" refuses {key}: {why}")));
        if !public.starts_with("https://") {
            return refuse("http.public_url", "it must begin with https://");
        }
        if self.sms.gateways.iter().any(|g| matches!(g, Gateway::Console | Gateway::Memory)) {
            return refuse("sms.gateways", "console and memory reach nobody's phone; leave them out");
        }
        if self.wechat.sign_in == WechatSignIn::StandIn {
            return refuse("wechat.sign_in", "the stand-in lets anybody in; set it to none or mini");
        }
        if self.clock.offset != 0 {
            return refuse("clock.offset", "the clock must not be moved");
        }
        Ok(())
    }

    /// The address people open, without a slash at the end.
    #[must_use]
    pub fn public_url(&self) -> String {
        if self.http.public_url.is_empty() {
            format!("http://{}", self.http.listen)
        } else {
            self.http.public_url.clone()
        }
    }
}

fn seconds<'de, const MOST: i64, D: Deserializer<'de>>(from: D) -> Result<Duration, D::Error> {
    within::<1, MOST, D>(from).map(|n| Duration::from_secs(n.unsigned_abs()))
}

fn within<'de, const LOW: i64, const HIGH: i64, D: Deserializer<'de>>(from: D) -> Result<i64, D::Error> {
    let n = i64::deserialize(from)?;
    if (LOW..=HIGH).contains(&n) { Ok(n) } else { Err(serde::de::Error::custom("out of range")) }
}

fn address_or_none<'de, D: Deserializer<'de>>(from: D) -> Result<Option<SocketAddr>, D::Error> {
    let words = String::deserialize(from)?;
    let address = (!words.is_empty()).then(|| words.parse()).transpose();
    address.map_err(serde::de::Error::custom)
}

fn networks<'de, D: Deserializer<'de>>(from: D) -> Result<Vec<IpNet>, D::Error> {
    let words = Vec::<String>::deserialize(from)?;
    let network = |w: &String| w.parse().or_else(|_| w.parse::<IpAddr>().map(IpNet::from));
    words.iter().map(network).collect::<Result<_, _>>().map_err(serde::de::Error::custom)
}

fn filter<'de, D: Deserializer<'de>>(from: D) -> Result<String, D::Error> {
    let words = String::deserialize(from)?;
    tracing_subscriber::EnvFilter::try_new(&words).map_err(serde::de::Error::custom)?;
    Ok(words)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)]) -> Result<Settings, String> {
        let pairs = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        Settings::load(Some(Path::new("/dev/null")), pairs).map_err(|f| f.0)
    }

    #[test]
    fn every_key_has_a_comment_and_a_default_that_loads() {
        let settings = load(&[]).unwrap();
        assert_eq!(settings.public_url(), "http://127.0.0.1:8080");
        let keys = DEFAULTS.lines().filter(|l| l.contains(" = ") && !l.starts_with('#')).count();
        let commented = DEFAULTS.split("\n\n").flat_map(|part| part.lines().collect::<Vec<_>>()).collect::<Vec<_>>();
        let with_comment = commented.windows(2).filter(|w| w[0].starts_with("# ") && w[1].contains(" = ")).count();
        assert_eq!(keys, with_comment);
    }

    #[test]
    fn an_unknown_key_is_named_with_its_value_and_its_neighbours() {
        let message = load(&[("SHUITIAN__HTTP__LISTN", "1")]).unwrap_err();
        assert!(message.contains("http.listn = \"1\""), "{message}");
        assert!(message.contains("listen"), "{message}");
        assert!(load(&[("SHUITIAN__HTPP", "1")]).unwrap_err().contains("htpp"));
    }

    #[test]
    fn a_wrong_value_is_answered_with_what_is_allowed() {
        let message = load(&[("SHUITIAN__DATABASE__MAX_CONNECTIONS", "1000")]).unwrap_err();
        assert!(message.contains("database.max_connections = 1000"), "{message}");
        assert!(message.contains("1 to 100"), "{message}");
        assert!(load(&[("SHUITIAN__HTTP__LISTEN", "here")]).unwrap_err().contains("Address and port"));
        assert!(load(&[("SHUITIAN__METRICS__LISTEN", "there")]).unwrap_err().contains("metrics.listen"));
        let short = load(&[("SHUITIAN__METRICS__TOKEN", "fifteen-letters")]).unwrap_err();
        assert!(short.contains("metrics.token") && !short.contains("fifteen"), "{short}");
        assert!(load(&[("SHUITIAN__SMS__GATEWAYS", "carrier_pigeon")]).unwrap_err().contains("sms.gateways"));
        assert!(load(&[("SHUITIAN__SMS__GATEWAYS", "console,console")]).unwrap_err().contains("sms.gateways"));
        assert!(load(&[("SHUITIAN__SMS__MAS__TIMEOUT", "31")]).unwrap_err().contains("1 to 30"));
        for (gateway, key) in [("tencent", "secret_id"), ("aliyun", "access_key_id"), ("mas", "ec_name")] {
            let message = load(&[("SHUITIAN__SMS__GATEWAYS", gateway)]).unwrap_err();
            assert!(message.contains(&format!("sms.{gateway}.{key} is empty")), "{message}");
        }
        assert!(load(&[("SHUITIAN__PROFILE", "staging")]).unwrap_err().contains("demo | production"));
        assert!(load(&[("SHUITIAN__HTTP__TRUSTED_PROXIES", "10.0.0.0/33")]).unwrap_err().contains("trusted_proxies"));
    }

    #[test]
    fn a_secret_is_never_repeated() {
        let message = load(&[("SHUITIAN__DATABASE__URL", "mysql://root:hunter2@db/x")]).unwrap_err();
        assert!(message.contains("database.url") && !message.contains("hunter2"), "{message}");
    }

    #[test]
    fn production_names_what_it_refuses() {
        let https = ("SHUITIAN__HTTP__PUBLIC_URL", "https://bm.example.gov.cn");
        let production = ("SHUITIAN__PROFILE", "production");
        let no_sms = ("SHUITIAN__SMS__GATEWAYS", "");
        let no_stand_in = ("SHUITIAN__WECHAT__SIGN_IN", "none");
        assert!(load(&[production]).unwrap_err().contains("http.public_url"));
        assert!(load(&[production, https]).unwrap_err().contains("sms.gateways"));
        assert!(load(&[production, https, no_sms]).unwrap_err().contains("wechat.sign_in"));
        let moved = ("SHUITIAN__CLOCK__OFFSET", "60");
        assert!(load(&[production, https, no_sms, no_stand_in, moved]).unwrap_err().contains("clock.offset"));
        load(&[production, https, no_sms, no_stand_in]).unwrap();
    }

    #[test]
    fn a_secret_may_come_from_a_file_and_not_from_two_places() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "k1 abc\n\nk0 def\n").unwrap();
        let path = file.path().to_string_lossy().into_owned();
        let settings = load(&[("SHUITIAN__SECURITY__DATA_KEYS_FILE", &path)]).unwrap();
        assert_eq!(settings.security.data_keys.expose_secret(), "k1 abc,k0 def");
        let both = [("SHUITIAN__SECURITY__DATA_KEYS_FILE", path.as_str()), ("SHUITIAN__SECURITY__DATA_KEYS", "k9 zzz")];
        assert!(load(&both).unwrap_err().contains("both set"));
        assert!(load(&[("SHUITIAN__REDIS__URL_FILE", "/nowhere")]).unwrap_err().contains("/nowhere"));
    }
}
