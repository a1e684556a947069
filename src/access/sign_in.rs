//! Signing in (登录): every way ends in a session and the same answer.

use super::token::{self, Audience, PageToken};
use super::visit::Visit;
use super::{FOREIGN_PAGE, NO_SMS, NO_WECHAT, WECHAT_AWAY, WECHAT_REFUSED};
use crate::base::error::{Error, Result};
use crate::base::personal;
use crate::domain::Who;
use crate::domain::audit;
use crate::domain::identity::session::{self, Holder, Rotation, SESSION_ENDED};
use crate::domain::identity::staff::{LOCKED, OLD_PASSWORD, WRONG_PASSWORD};
use crate::domain::identity::{password, resident, staff as people};
use crate::domain::notice;
use crate::gateway::limits::Quota;
use crate::gateway::sms::Sms;
use crate::gateway::wechat::mini::{Unvouched, Verdict};
use chrono::Duration;
use entity::Id;
use entity::identity::session::Model as Session;
use entity::review::Checked;
use serde_json::json;

const STAFF_ADDRESS: Quota = Quota { name: "staff_address", burst: 60, per: Duration::minutes(10) };
const STAFF_NAME: Quota = Quota { name: "staff_name", burst: 20, per: Duration::minutes(30) };
const UNKNOWN_NAME: Quota = Quota { name: "unknown_name", burst: 4, per: Duration::hours(1) };
/// Villages share an address, so it is lenient.
const PHONE_ADDRESS: Quota = Quota { name: "phone_address", burst: 120, per: Duration::minutes(10) };
const CODE_PAUSE: Quota = Quota { name: "code_pause", burst: 1, per: Duration::seconds(30) };
const CODE_HOUR: Quota = Quota { name: "code_hour", burst: 5, per: Duration::hours(1) };
const CODE_DAY: Quota = Quota { name: "code_day", burst: 8, per: Duration::days(1) };
const CODE_ADDRESS: Quota = Quota { name: "code_address", burst: 60, per: Duration::hours(1) };
const CODE_CENTRE: Quota = Quota { name: "code_centre", burst: 600, per: Duration::hours(1) };
/// Pages signed for one address.
const PAGES: Quota = Quota { name: "pages", burst: 300, per: Duration::minutes(10) };
/// Consents that one account's mini program tells of.
const CONSENTS: Quota = Quota { name: "consents", burst: 30, per: Duration::days(1) };
const REFRESH_ADDRESS: Quota = Quota { name: "refresh_address", burst: 300, per: Duration::minutes(10) };

/// What a sign-in gives.
pub struct Grant {
    /// For the Authorization header.
    pub access: String,
    /// Exchanged for the next pair.
    pub refresh: String,
    /// Seconds the access token is good for.
    pub expires_in: i64,
    /// For a browser's cookie, good as long as the session.
    pub page: PageToken,
}

fn grant(visit: &Visit, session: &Session) -> Result<Grant> {
    let (app, now) = (&visit.app, visit.app.clock.now());
    let minutes = app.settings.security.access_minutes;
    let issue = |to, until| token::issue(&app.vault, to, session.id, session.centre_id, now, until);
    Ok(Grant {
        access: issue(Audience::Api, now + Duration::minutes(minutes))?,
        refresh: token::refresh(&app.vault, session.id, session.generation),
        expires_in: minutes * 60,
        page: PageToken(issue(Audience::Page, session.expires_at)?),
    })
}

/// A hash that no password makes, so that an unknown name takes as long to refuse as a wrong password.
const NOBODY: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2h1aXRpYW4tbm9ib2R5$kTnSOG3c3DkFQx5xWbCmVOYMmAt9Yt1a9Zr3UmB2Ymg";

/// Signs a member of staff in by user name and password.
///
/// # Errors
/// `wrong_password`, `locked`, `too_often`, `not_counted`.
pub async fn staff(visit: &Visit, username: &str, password: &str) -> Result<Grant> {
    visit.limit(STAFF_ADDRESS, &visit.network()).await?;
    let name_key: String = username.trim().to_lowercase().chars().take(32).collect();
    let app = &visit.app;
    let now = app.clock.now();
    let found = people::find(app.read(), visit.centre.id, username, now.date()).await?;
    // A demonstration account has a published password: it is nobody's from anywhere but this machine.
    let found = found.filter(|s| !s.demo || visit.address.is_loopback());
    // Whoever wishes can give five wrong passwords; a device from which this person has signed in before is let try on.
    let familiar = match (&found, &visit.device) {
        (Some(person), Some(device)) => {
            session::is_familiar(app.read(), person.id, &visit.blinds("device", device)).await?
        }
        _ => false,
    };
    // So its tries are counted apart: strangers cannot use them up.
    let tries = if familiar { visit.blind_key(visit.device.as_deref().unwrap_or_default()) } else { String::new() };
    visit.limit(STAFF_NAME, &format!("{name_key}{tries}")).await?;
    let locked = found.as_ref().filter(|_| !familiar).map(|person| people::ensure_unlocked(person, now));
    let hash = found.as_ref().map_or_else(|| NOBODY.to_owned(), |s| s.password_hash.clone());
    // Locked or unknown, it takes as long to say so.
    let right = verify(visit, password.to_owned(), hash).await?;
    locked.transpose()?;
    let Some(person) = found else {
        // An unknown name is locked like a known one, so that the answer does not tell which it is.
        return Err(match visit.limit(UNKNOWN_NAME, &name_key).await {
            Ok(()) => WRONG_PASSWORD.into(),
            Err(Error::Refused(counted)) => LOCKED.after(counted.retry_after.unwrap_or(Duration::minutes(15))).into(),
            Err(fault) => fault,
        });
    };
    let lifetime = Duration::hours(app.settings.security.staff_hours);
    let session = visit
        .write(Who::Bearer, async |act| {
            if !right {
                people::count_failure(act, &person).await?;
                return Ok(None);
            }
            people::clear_failures(act, &person).await?;
            let session = session::open(act, Holder::Staff(person.id), visit.device.as_deref(), lifetime).await?;
            audit::note(act, "staff.signed_in", person.id, json!({})).await?;
            Ok(Some(session))
        })
        .await?;
    match session {
        Some(session) => grant(visit, &session),
        None => {
            let now = app.clock.now();
            let again = people::find(app.read(), visit.centre.id, username, now.date()).await?;
            let locked = again.and_then(|s| s.locked_until).filter(|until| *until > now);
            Err(locked.map_or_else(|| WRONG_PASSWORD.into(), |until| LOCKED.after(until - now)).into())
        }
    }
}

async fn verify(visit: &Visit, password: String, hash: String) -> Result<bool> {
    let _turn = visit.app.hashing.acquire().await.map_err(anyhow::Error::from)?;
    let verify = tokio::task::spawn_blocking(move || password::verify(&password, &hash));
    Ok(verify.await.map_err(anyhow::Error::from)?)
}

/// Changes a member of staff's own password, and ends his other sessions.
///
/// # Errors
/// `old_password`, `weak_password`, `too_often`, `not_counted`.
pub async fn change_password(visit: &Visit, who: Who, session: Id, old: String, new: String) -> Result<()> {
    let Who::Staff(staff) = &who else { return Err(super::FORBIDDEN.into()) };
    visit.limit(STAFF_NAME, &staff.id.to_string()).await?;
    let row = people::by_id(visit.app.read(), visit.centre.id, staff.id).await?;
    if !verify(visit, old.clone(), row.password_hash.clone()).await? {
        return Err(OLD_PASSWORD.on("old_password").into());
    }
    password::ensure_strong(&new, &old, &row.username)?;
    let random = visit.app.random.clone();
    let hash = {
        let _turn = visit.app.hashing.acquire().await.map_err(anyhow::Error::from)?;
        let hash = tokio::task::spawn_blocking(move || password::hash(&new, &random));
        hash.await.map_err(anyhow::Error::from)??
    };
    let id = staff.id;
    visit
        .write(who.clone(), async |act| {
            people::set_password(act, id, hash, false).await?;
            session::end_others(act, id, session).await
        })
        .await
}

/// Sends a sign-in code to a phone, for the device that asks. Whether anything is known of the phone cannot be told from the
/// answer.
///
/// # Errors
/// `bad_phone`, `too_often`, `not_counted`.
pub async fn request_code(visit: &Visit, phone: &str) -> Result<()> {
    let phone = personal::mobile(phone).ok_or_else(|| resident::BAD_PHONE.on("phone"))?;
    if !can_send_codes(visit).await? {
        return Err(NO_SMS.after(Duration::hours(1)).into());
    }
    let key = visit.blind_key(&phone);
    visit.limit(CODE_ADDRESS, &visit.network()).await?;
    for quota in [CODE_PAUSE, CODE_HOUR, CODE_DAY] {
        visit.limit(quota, &key).await?;
    }
    visit.limit(CODE_CENTRE, "all").await?;
    visit.write(Who::Bearer, async |act| resident::send_code(act, &phone, visit.device.as_deref()).await).await
}

/// True where a gateway takes a code: in any words, or by a template that its vendor has approved.
async fn can_send_codes(visit: &Visit) -> Result<bool> {
    let (app, gateways) = (&visit.app, &visit.app.sms);
    if gateways.is_empty() || gateways.iter().any(Sms::is_free) {
        return Ok(!gateways.is_empty());
    }
    let names: Vec<&str> = gateways.iter().map(Sms::name).collect();
    Ok(!notice::unapproved(app.read(), visit.centre.id, &names).await?.contains(&&notice::CODE))
}

/// Signs a resident in by a code that was sent to the phone.
///
/// # Errors
/// `bad_phone`, `wrong_code`, `too_often`, `not_counted`.
pub async fn phone(visit: &Visit, phone: &str, code: &str) -> Result<Grant> {
    let phone = personal::mobile(phone).ok_or_else(|| resident::BAD_PHONE.on("phone"))?;
    visit.limit(PHONE_ADDRESS, &visit.network()).await?;
    let lifetime = Duration::days(visit.app.settings.security.resident_days);
    let session = visit
        .write(Who::Bearer, async |act| match resident::take_code(act, &phone, code, visit.device.as_deref()).await? {
            None => Ok(None),
            Some(account) => {
                session::open(act, Holder::Account(account.id), visit.device.as_deref(), lifetime).await.map(Some)
            }
        })
        .await?;
    grant(visit, &session.ok_or_else(|| resident::WRONG_CODE.on("code"))?)
}

/// Signs a resident in by a code of WeChat.
///
/// # Errors
/// `no_wechat`, `wechat_refused`, `too_often`, `not_counted`.
pub async fn wechat(visit: &Visit, code: &str) -> Result<Grant> {
    visit.limit(PHONE_ADDRESS, &visit.network()).await?;
    ensure_wechat(visit)?;
    let openid = visit.app.wechat.openid(code).await.map_err(unvouched)?;
    open_by_wechat(visit, &openid).await
}

/// Gives a resident's account the phone that WeChat vouches for.
///
/// # Errors
/// `no_wechat`, `wechat_refused`, `bad_phone`, `not_by_wechat`.
pub async fn wechat_phone(visit: &Visit, who: Who, account: Id, code: &str) -> Result<()> {
    ensure_wechat(visit)?;
    let phone = visit.app.wechat.phone(code, visit.app.clock.now()).await.map_err(unvouched)?;
    visit.write(who, async |act| resident::bind_phone(act, account, &phone).await).await
}

/// Signs a resident in who has opened our pages in WeChat, by a code of the official account. He is another account than in the
/// mini program: WeChat knows him there by another name.
///
/// # Errors
/// `no_wechat`, `wechat_refused`, `wechat_away`, `too_often`, `not_counted`.
pub async fn official(visit: &Visit, code: &str) -> Result<Grant> {
    visit.limit(PHONE_ADDRESS, &visit.network()).await?;
    let official = visit.app.official.as_ref().ok_or_else(|| NO_WECHAT.after(Duration::hours(1)))?;
    let openid = format!("{}{}", resident::OFFICIAL, official.openid(code).await.map_err(unvouched)?);
    open_by_wechat(visit, &openid).await
}

async fn open_by_wechat(visit: &Visit, openid: &str) -> Result<Grant> {
    let lifetime = Duration::days(visit.app.settings.security.resident_days);
    let session = visit
        .write(Who::Bearer, async |act| {
            let account = resident::by_openid(act, openid).await?;
            session::open(act, Holder::Account(account.id), visit.device.as_deref(), lifetime).await
        })
        .await?;
    grant(visit, &session)
}

/// What WeChat thinks of words that a resident has just written, who came by the mini program; nothing where it cannot be asked.
/// Nobody's words are refused for it: they are kept, and read by a person before anybody shows them.
///
/// # Errors
/// Whatever the database says.
pub async fn check_words(visit: &Visit, account: Id, words: &str) -> Result<Option<Checked>> {
    let (app, now) = (&visit.app, visit.app.clock.now());
    let Some(mini) = app.wechat.mini() else { return Ok(None) };
    let known = resident::known(app.read(), &app.vault, visit.centre.id, account).await?;
    let Some(openid) = known.mini_openid() else { return Ok(None) };
    Ok(match mini.check(openid, words, now).await {
        Ok(Verdict::Pass) => Some(Checked::Pass),
        Ok(Verdict::Risky) => Some(Checked::Risky),
        Ok(Verdict::Review) => Some(Checked::Review),
        Err(fault) => {
            tracing::warn!(why = fault.word(), "WeChat does not say what it thinks of words");
            Some(Checked::Review)
        }
    })
}

/// What a page of ours needs to use WeChat's functions.
pub struct PageSignature {
    /// The official account.
    pub app_id: String,
    /// Seconds.
    pub timestamp: i64,
    /// Drawn.
    pub nonce: String,
    /// The signature.
    pub signature: String,
}

/// Signs a page of ours for WeChat.
///
/// # Errors
/// `no_wechat`, `foreign_page` for another's, `wechat_away`, `too_often`, `not_counted`.
pub async fn sign_page(visit: &Visit, url: &str) -> Result<PageSignature> {
    visit.limit(PAGES, &visit.network()).await?;
    let (app, now) = (&visit.app, visit.app.clock.now());
    let official = app.official.as_ref().ok_or_else(|| NO_WECHAT.after(Duration::hours(1)))?;
    let ours = url
        .strip_prefix(&app.rules.public_url)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(['/', '?', '#']));
    if !ours || url.len() > 2000 || url.chars().any(char::is_control) {
        return Err(FOREIGN_PAGE.on("url").into());
    }
    let nonce = app.random.word(16);
    let signature = official.sign(url, &nonce, now).await.map_err(|fault| unvouched(fault.into()))?;
    Ok(PageSignature { app_id: official.client().app_id().to_owned(), timestamp: now.seconds(), nonce, signature })
}

/// Counts what the mini program says that a resident has accepted. It is believed only where WeChat's own word does not come, and
/// only of templates that are ours.
///
/// # Errors
/// `too_often`, `not_counted`.
pub async fn note_consents(visit: &Visit, who: Who, account: Id, accepted: &[String]) -> Result<()> {
    visit.limit(CONSENTS, &account.to_string()).await?;
    if visit.app.push.is_some() {
        return Ok(());
    }
    let ours = notice::message_templates(visit.app.read(), visit.centre.id).await?;
    let long_term = &visit.app.settings.wechat.long_term;
    visit
        .write(who, async |act| {
            for template in accepted.iter().filter(|t| ours.iter().any(|(_, of)| of == *t)) {
                let standing = long_term.contains(template);
                notice::permit(&*act.tx, act.now, (act.centre.id, account), template, standing).await?;
            }
            Ok(())
        })
        .await
}

/// What a resident is told whom WeChat does not vouch for.
fn unvouched(why: Unvouched) -> Error {
    match why {
        Unvouched::Refused => WECHAT_REFUSED.on("code").into(),
        Unvouched::Away => WECHAT_AWAY.after(Duration::seconds(10)).into(),
    }
}

/// The stand-in lets anybody be anybody: it answers this machine alone, like demonstration accounts.
fn ensure_wechat(visit: &Visit) -> Result<()> {
    let wechat = &visit.app.wechat;
    if wechat.is_there() && (!wechat.stands_in() || visit.address.is_loopback()) {
        return Ok(());
    }
    Err(NO_WECHAT.after(Duration::hours(1)).into())
}

/// Exchanges a refresh token for the next pair.
///
/// # Errors
/// `not_signed_in`, `session_ended`, `too_often`, `not_counted`.
pub async fn refresh(visit: &Visit, token: &str) -> Result<Grant> {
    visit.limit(REFRESH_ADDRESS, &visit.network()).await?;
    let (session, generation) = token::read_refresh(&visit.app.vault, token)?;
    match visit.write(Who::Bearer, async |act| session::rotate(act, session, generation).await).await? {
        Rotation::Rotated(session) => grant(visit, &session),
        Rotation::Reused => Err(SESSION_ENDED.into()),
    }
}
