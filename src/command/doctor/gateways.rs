//! What lies outside, as the doctor asks it: gateways, WeChat, and what vendors have approved.

use super::Finding;
use super::State::{Ill, Poor, Well};
use crate::app::App;
use crate::domain::notice;
use crate::domain::published::Centre;
use crate::gateway::sms::Sms;
use crate::gateway::sms::back::{About, Untold};
use chrono::Duration;

/// Asks each gateway that can be asked, with the keys and by the way that texts take.
pub(super) async fn ask(app: &App) -> Vec<Finding> {
    let now = app.clock.now();
    let holds = notice::holds(app.read()).await.unwrap_or_default();
    let mut findings = Vec::new();
    for gateway in &app.sms {
        let name = gateway.name();
        // A phone that is nobody's: what is asked is whether it answers.
        let about = About { id: app.random.id(now), phone: "13000000000", sent_at: now - Duration::minutes(1) };
        let held = holds.iter().find(|h| h.gateway == name).map(|held| {
            let since = held.since.local().format("%Y-%m-%d %H:%M");
            format!("{name} has taken nothing since {since}: {}", in_words(&held.code))
        });
        findings.extend(match (gateway.known(&about, now).await, held) {
            (Ok(Some(_)), None) => Some(("gateway", Well, format!("{name} answers, and knows these keys"))),
            (Ok(Some(_)), Some(held)) => {
                Some(("gateway", Poor, format!("{held}; it answers now, and is tried when a text needs it")))
            }
            (Ok(None), held) => held.map(|held| ("gateway", Ill, held)),
            (Err(Untold(code)), _) => Some(("gateway", Ill, format!("{name} was asked: {}", in_words(&code)))),
        });
        if name == "mas" {
            let words = "mas cannot be asked whether it knows these keys: see what became of a text";
            findings.push(("gateway", Poor, format!("{words}, `shuitian notice list`")));
        }
    }
    if let Some(mini) = app.wechat.mini() {
        findings.push(match mini.client().token(now, None).await {
            Ok(_) => ("wechat", Well, "the mini program answers, and knows these keys".to_owned()),
            Err(fault) => ("wechat", Ill, format!("the mini program was asked: {}", in_words(&fault.word()))),
        });
    }
    if let Some(official) = &app.official {
        findings.push(match official.client().token(now, None).await {
            Ok(_) => ("wechat", Well, "the official account answers, and knows these keys".to_owned()),
            Err(fault) => ("wechat", Ill, format!("the official account was asked: {}", in_words(&fault.word()))),
        });
    }
    findings
}

/// What a vendor's code means to whoever can mend it.
pub(in crate::command) fn in_words(code: &str) -> String {
    let begins = |words: &[&str]| words.iter().any(|word| code.starts_with(word));
    let words = match code {
        "no_connection" | "connect_timeout" => "it cannot be reached from here; check the network and outbound.proxy",
        "timeout" | "broken_off" | "cut_off" => "it does not answer in time; look again in a while",
        "too_long" | "garbage" => "something else answers there; check its address and outbound.proxy",
        _ if begins(&["AuthFailure.SignatureExpire", "InvalidTimeStamp"]) => "this machine's clock is wrong",
        _ if begins(&[
            "AuthFailure",
            "SignatureDoesNotMatch",
            "InvalidAccessKeyId",
            "IllegalMac",
            "InvalidUsrOrPwd",
        ]) =>
        {
            "its id or key is wrong, or was changed there"
        }
        "wechat_40013" | "wechat_40125" | "wechat_41002" | "wechat_41004" | "wechat_40001" => {
            "app_id or app_secret is wrong, or was changed there"
        }
        "wechat_40164" => "this machine's address is not on its list (IP白名单); add it in its console",
        "wechat_40243" => "the secret is frozen; see its console",
        "wechat_48001" | "wechat_50002" => "the account may not do this, or is limited; see its console",
        _ if begins(&["UnauthorizedOperation.RequestIp", "isv.DENY_IP_RANGE"]) => {
            "this machine's address is not on its list; add it in its console"
        }
        _ if begins(&["UnauthorizedOperation", "isp.RAM_PERMISSION_DENY"]) => {
            "the account may not do this; see its console"
        }
        _ if begins(&["FailedOperation.InsufficientBalance", "isv.AMOUNT_NOT_ENOUGH", "isv.OUT_OF_SERVICE"])
            || code.contains("Arrears") =>
        {
            "its money is used up; top it up"
        }
        _ if code.contains("Sign") || code.contains("SIGN") => "the signature is not approved, or is another's",
        _ if code.contains("emplate") || code.contains("TEMPLATE") => "a template is not approved, or is another's",
        _ if code.starts_with("http_") => "something before it answers; check its address and outbound.proxy",
        _ => return code.to_owned(),
    };
    format!("{words} ({code})")
}

/// Texts that no gateway may send yet.
pub(super) async fn templates(app: &App, centre: &Centre) -> anyhow::Result<Option<Finding>> {
    if app.sms.is_empty() || app.sms.iter().any(Sms::is_free) {
        return Ok(None);
    }
    let gateways: Vec<&str> = app.sms.iter().map(Sms::name).collect();
    let missing = notice::unapproved(app.read(), centre.id, &gateways).await?;
    if missing.is_empty() {
        return Ok(None);
    }
    let code = missing.contains(&&notice::CODE);
    let kinds: Vec<&str> = missing.iter().map(|kind| kind.word).collect();
    let words = format!("{}: no vendor has approved a template for {}", centre.code, kinds.join(", "));
    let words = if code { format!("{words}: residents cannot sign in by phone") } else { words };
    Ok(Some(("texts", if code { Ill } else { Poor }, format!("{words}; see `shuitian import texts`"))))
}
