//! Tokens (令牌): short access tokens, refresh tokens that carry a generation, and the cookie of a browser.
//!
//! None is kept: an access token and a cookie are signed words that name a session, and the session is asked for at every
//! request; a refresh token is a session, a generation and a signature over both.

use crate::app::App;
use crate::base::Result;
use crate::base::vault::{Vault, same};
use crate::domain::identity::session::NOT_SIGNED_IN;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use entity::{Id, Time};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, decode_header, encode};
use poem::Request;
use poem::http::{HeaderValue, header};
use serde::{Deserialize, Serialize};

/// Where a token may be shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Audience {
    /// In the Authorization header of the interface.
    Api,
    /// In the cookie of a page.
    Page,
}

impl Audience {
    const fn word(self) -> &'static str {
        match self {
            Self::Api => "api",
            Self::Page => "page",
        }
    }
}

/// What a token says.
#[derive(Serialize, Deserialize)]
pub(super) struct Claims {
    /// The session.
    pub(super) sid: Id,
    /// Its centre.
    pub(super) cen: Id,
    aud: String,
    iat: i64,
    exp: i64,
}

pub(super) fn issue(vault: &Vault, to: Audience, session: Id, centre: Id, now: Time, until: Time) -> Result<String> {
    let key = vault.token_keys().active();
    let header = Header { kid: Some(key.id.clone()), ..Header::new(Algorithm::HS256) };
    let aud = to.word().to_owned();
    let claims = Claims { sid: session, cen: centre, aud, iat: now.seconds(), exp: until.seconds() };
    let token = encode(&header, &claims, &EncodingKey::from_secret(&key.bytes));
    Ok(token.map_err(|e| anyhow::anyhow!("signing a token: {e}"))?)
}

/// Reads a token that was signed here for this use and is not over, by our own clock.
pub(super) fn read(vault: &Vault, to: Audience, token: &str, now: Time) -> Result<Claims> {
    let read = || {
        let kid = decode_header(token).ok()?.kid?;
        let key = vault.token_keys().get(&kid)?;
        let mut rules = Validation::new(Algorithm::HS256);
        rules.validate_exp = false;
        rules.required_spec_claims.clear();
        rules.set_audience(&[to.word()]);
        let claims = decode::<Claims>(token, &DecodingKey::from_secret(&key.bytes), &rules).ok()?.claims;
        (claims.exp > now.seconds()).then_some(claims)
    };
    read().ok_or_else(|| NOT_SIGNED_IN.into())
}

/// A refresh token for a generation of a session.
pub(super) fn refresh(vault: &Vault, session: Id, generation: i32) -> String {
    let generation = generation.to_be_bytes();
    let (kid, tag) = vault.sign("refresh", &[session.as_bytes(), &generation]);
    let body = [session.as_bytes().as_slice(), &generation, &tag].concat();
    format!("{kid}.{}", URL_SAFE_NO_PAD.encode(body))
}

/// Reads a refresh token that was made here.
pub(super) fn read_refresh(vault: &Vault, token: &str) -> Result<(Id, i32)> {
    let read = || {
        let (kid, body) = token.split_once('.')?;
        let body = URL_SAFE_NO_PAD.decode(body).ok()?;
        let (session, rest) = body.split_first_chunk::<16>()?;
        let (generation, tag) = rest.split_first_chunk::<4>()?;
        let expected = vault.sign_with(kid, "refresh", &[session, generation])?;
        same(&expected, tag).then_some((Id::from_bytes(*session), i32::from_be_bytes(*generation)))
    };
    read().ok_or_else(|| NOT_SIGNED_IN.into())
}

/// The value of a page's cookie.
#[derive(Clone, Debug)]
pub struct PageToken(pub String);

impl PageToken {
    /// A word for hidden fields of this session's forms, which another site cannot know.
    #[must_use]
    pub fn form_word(vault: &Vault, session: Id) -> String {
        let (_, tag) = vault.sign("form", &[session.as_bytes()]);
        URL_SAFE_NO_PAD.encode(&tag[..18])
    }
}

/// True for a form with a file by somebody who has signed in: a stranger's long body is not even read.
#[must_use]
pub fn may_upload(app: &App, req: &Request) -> bool {
    let word = |name| req.headers().get(name).and_then(|v: &HeaderValue| v.to_str().ok());
    if !word(header::CONTENT_TYPE).is_some_and(|kind| kind.starts_with("multipart/form-data")) {
        return false;
    }
    let good = |to, token: &str| read(&app.vault, to, token, app.clock.now()).is_ok();
    let bearer = word(header::AUTHORIZATION)
        .and_then(|h| h.get(..7).filter(|b| b.eq_ignore_ascii_case("bearer ")).map(|_| &h[7..]));
    let cookies = word(header::COOKIE).unwrap_or_default().split(';').filter_map(|pair| pair.split_once('='));
    bearer.is_some_and(|token| good(Audience::Api, token))
        || cookies.take(8).any(|(_, token)| good(Audience::Page, token.trim()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Random;
    use crate::base::keys::{Keys, fresh};

    fn vault(keys: &[String], random: &Random) -> Vault {
        let one = || Keys::parse(&keys.join(",")).unwrap();
        Vault::new(one(), one(), one(), random.clone())
    }

    #[test]
    fn a_token_is_good_for_its_use_its_time_and_while_its_key_is_kept() {
        let random = Random::seeded(5);
        let (old, new) = (fresh(&random), fresh(&random));
        let (session, centre, now) = (random.id(Time(1)), random.id(Time(2)), Time(1_000_000));
        let before = vault(std::slice::from_ref(&old), &random);
        let token = issue(&before, Audience::Api, session, centre, now, Time(1_060_000)).unwrap();
        let claims = read(&before, Audience::Api, &token, now).unwrap();
        assert_eq!((claims.sid, claims.cen), (session, centre));
        assert!(read(&before, Audience::Page, &token, now).is_err());
        assert!(read(&before, Audience::Api, &token, Time(1_060_000)).is_err());
        let rotated = vault(&[new.clone(), old], &random);
        assert!(read(&rotated, Audience::Api, &token, now).is_ok());
        assert!(read(&vault(&[new], &random), Audience::Api, &token, now).is_err());
        let unsigned = token.rsplit_once('.').unwrap().0;
        assert!(read(&before, Audience::Api, &format!("{unsigned}."), now).is_err());
    }

    #[test]
    fn a_refresh_token_names_its_generation_and_cannot_be_raised() {
        let random = Random::seeded(6);
        let vault = vault(&[fresh(&random)], &random);
        let session = random.id(Time(1));
        let token = refresh(&vault, session, 3);
        assert_eq!(read_refresh(&vault, &token).unwrap(), (session, 3));
        let (kid, body) = token.split_once('.').unwrap();
        let mut bytes = URL_SAFE_NO_PAD.decode(body).unwrap();
        bytes[19] = 4;
        assert!(read_refresh(&vault, &format!("{kid}.{}", URL_SAFE_NO_PAD.encode(bytes))).is_err());
        for wrong in ["", ".", "x.y", kid] {
            assert!(read_refresh(&vault, wrong).is_err());
        }
    }
}
