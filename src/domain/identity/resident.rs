//! Residents (群众): accounts by WeChat or by phone.
//!
//! A phone alone names one account; people who come by WeChat have one each and may share a phone. While verifications
//! follow one another within 180 days, the account is held to be the same person's; after a longer gap the number may
//! have been reissued (二次号), and what is older than the gap is shown only in part.

use crate::base::error::Result;
use crate::base::vault::{Place, Vault};
use crate::base::{Kind, Refusal, personal};
use crate::domain::act::Act;
use crate::domain::notice::{self, Message};
use chrono::Duration;
use entity::identity::{account, phone_code};
use entity::{Blind, Id, Time};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, IntoActiveModel as _, QueryFilter as _,
};

/// A phone that takes no texts.
pub const BAD_PHONE: Refusal = Refusal::new(Kind::Invalid, "bad_phone", "手机号不对，请填写11位手机号码。");
/// The code is wrong, used or over.
pub const WRONG_CODE: Refusal =
    Refusal::new(Kind::Unknown, "wrong_code", "验证码不对或已过期，请核对短信，或重新获取验证码。");
/// A phone can be bound to an account that came by WeChat.
pub const NOT_BY_WECHAT: Refusal =
    Refusal::new(Kind::Conflict, "not_by_wechat", "用手机号登录的账号不用再绑定；换手机号请直接用新号码登录。");
/// An account that is gone.
pub const NO_ACCOUNT: Refusal = Refusal::new(Kind::Missing, "no_account", "没有这个账号。");

const CODE_LIFE: Duration = Duration::minutes(5);
const CODE_TRIES: i32 = 5;
const SAME_PERSON: Duration = Duration::days(180);

/// Sends a fresh code to a phone, for the device that asks; an earlier one of that device is void from here. Whoever else
/// asks for a code, or guesses at one, spends his own tries.
///
/// # Errors
/// `bad_phone`.
pub async fn send_code(act: &Act, phone: &str, device: Option<&str>) -> Result<()> {
    let phone = personal::mobile(phone).ok_or_else(|| BAD_PHONE.on("phone"))?;
    let code = act.random.digits(6);
    let row = phone_code::Model {
        id: act.id(),
        centre_id: act.centre.id,
        phone_blind: act.blind("phone", &phone),
        device: act.blind("device", device.unwrap_or_default()),
        code_hash: act.blind("phone_code", &format!("{phone} {code}")),
        expires_at: act.now + CODE_LIFE,
        tries: 0,
        used_at: None,
    };
    let id = row.id;
    let renewed = [
        phone_code::Column::Id,
        phone_code::Column::CodeHash,
        phone_code::Column::ExpiresAt,
        phone_code::Column::Tries,
        phone_code::Column::UsedAt,
    ];
    phone_code::Entity::insert(row.into_active_model())
        .on_conflict(
            OnConflict::columns([
                phone_code::Column::CentreId,
                phone_code::Column::PhoneBlind,
                phone_code::Column::Device,
            ])
            .update_columns(renewed)
            .to_owned(),
        )
        .exec_without_returning(&*act.tx)
        .await?;
    let message = Message {
        key: format!("code/{id}"),
        kind: &notice::CODE,
        phone,
        values: vec![("code", code), ("minutes", CODE_LIFE.num_minutes().to_string())],
        about: id,
        account: None,
        matter_at: act.now,
        due_at: act.now,
        expires_at: act.now + CODE_LIFE,
    };
    notice::say(act, message).await
}

/// Takes a code that this device asked for: the account of its phone, or none if the code is wrong. A wrong one is counted,
/// so the act must be committed either way.
///
/// # Errors
/// `bad_phone`.
pub async fn take_code(act: &Act, phone: &str, code: &str, device: Option<&str>) -> Result<Option<account::Model>> {
    let phone = personal::mobile(phone).ok_or_else(|| BAD_PHONE.on("phone"))?;
    let given = personal::half_width(code);
    let given = act.blinds("phone_code", &format!("{phone} {}", given.trim()));
    let of_phone = phone_code::Column::PhoneBlind.is_in(act.blinds("phone", &phone));
    // One statement counts the try and lets the sixth find nothing, however many press at once.
    let tried = phone_code::Entity::update_many()
        .col_expr(phone_code::Column::Tries, Expr::col(phone_code::Column::Tries).add(1))
        .filter(phone_code::Column::CentreId.eq(act.centre.id))
        .filter(of_phone)
        .filter(phone_code::Column::Device.is_in(act.blinds("device", device.unwrap_or_default())))
        .filter(phone_code::Column::UsedAt.is_null())
        .filter(phone_code::Column::ExpiresAt.gt(act.now))
        .filter(phone_code::Column::Tries.lt(CODE_TRIES))
        .exec_with_returning(&*act.tx)
        .await?;
    let Some(row) = tried.into_iter().find(|row| given.contains(&row.code_hash)) else { return Ok(None) };
    phone_code::Entity::update_many()
        .col_expr(phone_code::Column::UsedAt, Expr::value(act.now))
        .filter(phone_code::Column::Id.eq(row.id))
        .exec(&*act.tx)
        .await?;
    notice::confirmed(act, &phone).await?;
    let known = account::Column::Openid.is_null().and(account::Column::PhoneBlind.is_in(act.blinds("phone", &phone)));
    let id = act.id();
    let fresh = account::Model {
        id,
        centre_id: act.centre.id,
        phone: Some(act.seal("account.phone", id, &phone)?),
        phone_blind: Some(act.blind("phone", &phone)),
        openid: None,
        openid_blind: None,
        verified_at: act.now,
        verified_since: act.now,
        created_at: act.now,
        turn: 0,
    };
    enter(act, known, fresh).await.map(Some)
}

/// The account of a WeChat openid that WeChat has vouched for.
///
/// # Errors
/// Whatever the database says.
pub async fn by_openid(act: &Act, openid: &str) -> Result<account::Model> {
    let fresh = by_wechat(act, openid, None)?;
    enter(act, account::Column::OpenidBlind.is_in(act.blinds("openid", openid)), fresh).await
}

/// An account of whoever comes by WeChat, as it is made now.
///
/// # Errors
/// Only if the cipher itself fails.
pub fn by_wechat(act: &Act, openid: &str, phone: Option<&str>) -> Result<account::Model> {
    let id = act.id();
    Ok(account::Model {
        id,
        centre_id: act.centre.id,
        phone: phone.map(|phone| act.seal("account.phone", id, phone)).transpose()?,
        phone_blind: phone.map(|phone| act.blind("phone", phone)),
        openid: Some(act.seal("account.openid", id, openid)?),
        openid_blind: Some(act.blind("openid", openid)),
        verified_at: act.now,
        verified_since: act.now,
        created_at: act.now,
        turn: 0,
    })
}

/// An account that is verified again.
#[must_use]
pub fn verified(account: account::Model, now: Time) -> account::Model {
    let since = if now - account.verified_at > SAME_PERSON { now } else { account.verified_since };
    account::Model { verified_at: now, verified_since: since, ..account }
}

/// Doubts that a phone's account is the same person's any longer: what it made before shows only in part, from the next time
/// that whoever has the phone signs in.
///
/// # Errors
/// Whatever the database says.
pub async fn doubt(act: &Act, phone: &str) -> Result<()> {
    account::Entity::update_many()
        .col_expr(account::Column::VerifiedAt, Expr::value(act.now - SAME_PERSON - Duration::seconds(1)))
        .filter(account::Column::CentreId.eq(act.centre.id))
        .filter(account::Column::Openid.is_null())
        .filter(account::Column::PhoneBlind.is_in(act.blinds("phone", phone)))
        .exec(&*act.tx)
        .await?;
    Ok(())
}

/// Finds the account, or makes it, and marks it verified now.
async fn enter(act: &Act, known: sea_orm::sea_query::SimpleExpr, fresh: account::Model) -> Result<account::Model> {
    let find = || account::Entity::find().filter(account::Column::CentreId.eq(act.centre.id)).filter(known.clone());
    let old = match find().one(&*act.tx).await? {
        Some(old) => old,
        None if act.insert_new(fresh.clone()).await? => return Ok(fresh),
        // Another sign-in made it a moment ago.
        None => find().one(&*act.tx).await?.ok_or(NO_ACCOUNT)?,
    };
    let known = verified(old, act.now);
    account::Entity::update_many()
        .col_expr(account::Column::VerifiedAt, Expr::value(known.verified_at))
        .col_expr(account::Column::VerifiedSince, Expr::value(known.verified_since))
        .filter(account::Column::Id.eq(known.id))
        .exec(&*act.tx)
        .await?;
    Ok(known)
}

/// Gives an account that came by WeChat the phone that WeChat has vouched for.
///
/// # Errors
/// `bad_phone`, `not_by_wechat`.
pub async fn bind_phone(act: &Act, account: Id, phone: &str) -> Result<()> {
    let phone = personal::mobile(phone).ok_or_else(|| BAD_PHONE.on("phone"))?;
    notice::confirmed(act, &phone).await?;
    let bound = account::Entity::update_many()
        .col_expr(account::Column::Phone, Expr::value(act.seal("account.phone", account, &phone)?))
        .col_expr(account::Column::PhoneBlind, Expr::value(act.blind("phone", &phone)))
        .filter(account::Column::Id.eq(account))
        .filter(account::Column::CentreId.eq(act.centre.id))
        .filter(account::Column::Openid.is_not_null())
        .exec(&*act.tx)
        .await?;
    if bound.rows_affected == 1 { Ok(()) } else { Err(NOT_BY_WECHAT.into()) }
}

/// What rules of seeing need to know of an account.
#[derive(Clone, Debug)]
pub struct Known {
    /// The account.
    pub id: Id,
    /// Its phone in clear, if it has one.
    pub phone: Option<String>,
    /// Its openid in the mini program, if it came from there.
    pub openid: Option<String>,
    /// Blind indexes under which its phone may be stored.
    pub phone_blinds: Vec<Blind>,
    /// Since when it is held to be the same person's.
    pub since: Time,
}

impl Known {
    /// Its openid in the mini program: the official account knows people by others.
    #[must_use]
    pub fn mini_openid(&self) -> Option<&str> {
        self.openid.as_deref().filter(|openid| !openid.starts_with(OFFICIAL))
    }
}

/// What the openid of an official account begins with here.
pub const OFFICIAL: &str = "official:";

/// Looks an account up.
///
/// # Errors
/// `no_account`.
pub async fn known(db: &impl ConnectionTrait, vault: &Vault, centre: Id, id: Id) -> Result<Known> {
    let row = account::Entity::find_by_id(id).filter(account::Column::CentreId.eq(centre)).one(db).await?;
    open(vault, row.ok_or(NO_ACCOUNT)?)
}

/// The accounts of an openid, in all centres, as (centre, account).
///
/// # Errors
/// Whatever the database says.
pub async fn of_openid(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centres: impl Iterator<Item = Id>,
    openid: &str,
) -> Result<Vec<(Id, Id)>> {
    let blinds = centres.flat_map(|centre| vault.blinds("openid", centre, openid));
    let rows = account::Entity::find().filter(account::Column::OpenidBlind.is_in(blinds)).all(db).await?;
    Ok(rows.into_iter().map(|row| (row.centre_id, row.id)).collect())
}

/// What is known of an account's row.
///
/// # Errors
/// A key that is not here.
pub fn open(vault: &Vault, row: account::Model) -> Result<Known> {
    let (id, centre) = (row.id, row.centre_id);
    let phone = match &row.phone {
        Some(sealed) => Some(vault.open(Place::new("account.phone", centre, id), sealed)?),
        None => None,
    };
    let openid = match &row.openid {
        Some(sealed) => Some(vault.open(Place::new("account.openid", centre, id), sealed)?),
        None => None,
    };
    let phone_blinds = phone.as_ref().map(|p| vault.blinds("phone", centre, p)).unwrap_or_default();
    Ok(Known { id, phone, openid, phone_blinds, since: row.verified_since })
}

/// Takes an account's turn, which locks it until the act ends: of several wishes at once, each sees what the ones before took.
///
/// # Errors
/// `no_account`.
pub async fn take_turn(act: &Act, id: Id) -> Result<Known> {
    let taken = account::Entity::update_many()
        .col_expr(account::Column::Turn, Expr::col(account::Column::Turn).add(1))
        .filter(account::Column::Id.eq(id))
        .filter(account::Column::CentreId.eq(act.centre.id))
        .exec_with_returning(&*act.tx)
        .await?;
    open(&act.vault, taken.into_iter().next().ok_or(NO_ACCOUNT)?)
}

/// Forgets codes that are over.
///
/// # Errors
/// Whatever the database says.
pub async fn sweep(db: &impl ConnectionTrait, now: Time) -> Result<()> {
    phone_code::Entity::delete_many()
        .filter(phone_code::Column::ExpiresAt.lt(now - Duration::hours(1)))
        .exec(db)
        .await?;
    Ok(())
}
