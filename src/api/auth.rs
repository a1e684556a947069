//! Doors of identity: signing in, staying in, leaving.

use super::Noun;
use super::problem::Failure;
use super::view::{Done, Listed, Text};
use crate::access::{self, By, Grant, Resident, Signed, Visit};
use crate::base::personal;
use crate::domain::Who;
use crate::domain::identity::{resident, session};
use crate::domain::notice;
use entity::identity::Role;
use poem_openapi::payload::Json;
use poem_openapi::{ApiResponse, Object, OpenApi};

pub(super) struct Auth;

/// A login code of WeChat, or the code for a phone.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct WechatCode {
    /// From `wx.login`, or from the button that asks for the phone.
    code: Text,
}

/// A phone.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct PhoneInput {
    /// Eleven digits.
    phone: Text,
}

/// A phone and the code sent to it.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct PhoneCode {
    /// Eleven digits.
    phone: Text,
    /// Six digits, good for five minutes.
    code: Text,
}

/// User name and password.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct StaffInput {
    /// User name.
    username: Text,
    /// Password.
    password: Text,
}

/// A refresh token.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct RefreshInput {
    /// As it was handed out.
    refresh_token: Text,
}

/// Old and new password.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct PasswordInput {
    /// The password in force.
    old_password: Text,
    /// At least ten characters.
    new_password: Text,
}

/// A pair of tokens.
#[derive(Object)]
struct Tokens {
    /// For `Authorization: Bearer …`.
    access_token: String,
    /// Exchange it at `/auth/refresh` for the next pair; each may be used once.
    refresh_token: String,
    /// Seconds the access token is good for.
    expires_in: i64,
}

impl From<Grant> for Tokens {
    fn from(grant: Grant) -> Self {
        Self { access_token: grant.access, refresh_token: grant.refresh, expires_in: grant.expires_in }
    }
}

/// Who has signed in.
#[derive(Object)]
struct Me {
    /// `resident` or `staff`.
    kind: String,
    /// Name of a member of staff.
    name: Option<String>,
    /// His roles.
    roles: Vec<Role>,
    /// Masked phone of a resident, if one is known.
    phone: Option<String>,
    /// The password must be changed before anything else.
    must_change_password: bool,
}

/// 202: a code is on its way, if the phone can take one.
#[derive(ApiResponse)]
enum Sent {
    /// On its way.
    #[oai(status = 202)]
    Sent,
}

/// A message that the mini program may ask consent for.
#[derive(Object)]
struct MessageTemplate {
    /// The word of the text that it stands for.
    kind: String,
    /// WeChat's id of it.
    template: String,
}

/// A page that is opened in WeChat.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct PageInput {
    /// Its address, as the browser has it.
    url: Text,
}

/// What `wx.config` asks for.
#[derive(Object)]
struct PageSignatureView {
    /// The official account.
    app_id: String,
    /// Seconds.
    timestamp: i64,
    /// `nonceStr`.
    nonce: String,
    /// The signature.
    signature: String,
}

/// What a resident said in the mini program.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct ConsentInput {
    /// WeChat's ids of the templates that he accepted, three at most.
    accepted: Vec<Text>,
}

type Answer<T> = Result<T, Failure>;

#[OpenApi(prefix_path = "/auth", tag = "Noun::Auth")]
impl Auth {
    /// Sign in by WeChat
    #[oai(path = "/wechat", method = "post", operation_id = "sign_in_wechat")]
    async fn sign_in_wechat(&self, visit: Visit, body: Json<WechatCode>) -> Answer<Json<Tokens>> {
        Ok(Json(access::wechat(&visit, &body.code).await?.into()))
    }

    /// Give one's WeChat account the phone that WeChat vouches for
    #[oai(path = "/wechat/phone", method = "post", operation_id = "bind_wechat_phone")]
    async fn bind_wechat_phone(&self, who: By<Resident>, body: Json<WechatCode>) -> Answer<Done> {
        access::wechat_phone(&who.visit, who.who.clone(), who.holder, &body.code).await?;
        Ok(Done::Done)
    }

    /// See which messages the mini program may ask consent for
    #[oai(path = "/wechat/messages", method = "get", operation_id = "list_message_templates")]
    async fn list_message_templates(&self, visit: Visit) -> Answer<Json<Listed<MessageTemplate>>> {
        let all = notice::message_templates(visit.app.read(), visit.centre.id).await?;
        let items = all.into_iter().map(|(kind, template)| MessageTemplate { kind, template }).collect();
        Ok(Json(Listed { items, next_cursor: None }))
    }

    /// Sign a page of this site that is opened in WeChat, for its functions (JS-SDK)
    #[oai(path = "/wechat/page-signature", method = "post", operation_id = "sign_wechat_page")]
    async fn sign_wechat_page(&self, visit: Visit, body: Json<PageInput>) -> Answer<Json<PageSignatureView>> {
        let signed = access::sign_page(&visit, &body.0.url).await?;
        Ok(Json(PageSignatureView {
            app_id: signed.app_id,
            timestamp: signed.timestamp,
            nonce: signed.nonce,
            signature: signed.signature,
        }))
    }

    /// Tell what one has just accepted; it counts where WeChat itself does not tell
    #[oai(path = "/wechat/consents", method = "post", operation_id = "note_consents")]
    async fn note_consents(&self, who: By<Resident>, body: Json<ConsentInput>) -> Answer<Done> {
        let accepted: Vec<String> = body.0.accepted.into_iter().take(3).map(Into::into).collect();
        access::note_consents(&who.visit, who.who.clone(), who.holder, &accepted).await?;
        Ok(Done::Done)
    }

    /// Ask for a sign-in code by text
    #[oai(path = "/phone/code", method = "post", operation_id = "request_phone_code")]
    async fn request_phone_code(&self, visit: Visit, body: Json<PhoneInput>) -> Answer<Sent> {
        access::request_code(&visit, &body.phone).await?;
        Ok(Sent::Sent)
    }

    /// Sign in by the code sent to a phone
    #[oai(path = "/phone", method = "post", operation_id = "sign_in_phone")]
    async fn sign_in_phone(&self, visit: Visit, body: Json<PhoneCode>) -> Answer<Json<Tokens>> {
        Ok(Json(access::phone(&visit, &body.phone, &body.code).await?.into()))
    }

    /// Sign in as staff
    ///
    /// Five wrong passwords in a row lock the account for fifteen minutes.
    #[oai(path = "/staff", method = "post", operation_id = "sign_in_staff")]
    async fn sign_in_staff(&self, visit: Visit, body: Json<StaffInput>) -> Answer<Json<Tokens>> {
        Ok(Json(access::staff(&visit, &body.username, &body.password).await?.into()))
    }

    /// Exchange a refresh token for the next pair
    ///
    /// One that was exchanged before ends the session, unless its answer may have been lost within the last minute.
    #[oai(path = "/refresh", method = "post", operation_id = "refresh")]
    async fn refresh(&self, visit: Visit, body: Json<RefreshInput>) -> Answer<Json<Tokens>> {
        Ok(Json(access::refresh(&visit, &body.refresh_token).await?.into()))
    }

    /// Leave: the session's tokens are void at once
    #[oai(path = "/sign-out", method = "post", operation_id = "sign_out")]
    async fn sign_out(&self, who: By<Signed>) -> Answer<Done> {
        who.visit.write(who.who.clone(), async |act| session::end(act, who.session.id).await).await?;
        Ok(Done::Done)
    }

    /// Who am I
    #[oai(path = "/me", method = "get", operation_id = "me")]
    async fn me(&self, who: By<Signed>) -> Answer<Json<Me>> {
        let (app, centre) = (&who.visit.app, who.visit.centre.id);
        let must_change_password = who.session.must_change;
        let me = match &who.holder {
            Who::Staff(member) => {
                let (name, roles) = (Some(member.name.clone()), member.roles.clone());
                Me { kind: "staff".to_owned(), name, roles, phone: None, must_change_password }
            }
            other => {
                let account = other.account().ok_or(access::FORBIDDEN)?;
                let known = resident::known(app.read(), &app.vault, centre, account).await?;
                let phone = known.phone.as_deref().map(personal::mask_phone);
                Me { kind: "resident".to_owned(), name: None, roles: Vec::new(), phone, must_change_password }
            }
        };
        Ok(Json(me))
    }

    /// Change one's own password
    ///
    /// All other sessions of the account end.
    #[oai(path = "/password", method = "post", operation_id = "change_password")]
    async fn change_password(&self, who: By<Signed>, body: Json<PasswordInput>) -> Answer<Done> {
        if !matches!(who.holder, Who::Staff(_)) {
            return Err(access::FORBIDDEN.into());
        }
        let PasswordInput { old_password, new_password } = body.0;
        let (old, new) = (old_password.into(), new_password.into());
        access::change_password(&who.visit, who.who.clone(), who.session.id, old, new).await?;
        Ok(Done::Done)
    }
}
