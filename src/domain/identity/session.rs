//! Sessions (会话): one signed-in device each. Access tokens name the session, and every request asks whether it still
//! stands; refresh tokens carry a generation, and one that was used before ends the session.

use crate::base::error::Result;
use crate::base::{Kind, Refusal};
use crate::domain::act::{Act, StaffMember, Who};
use crate::domain::published;
use chrono::{Duration, NaiveDate};
use entity::identity::{session, staff};
use entity::{Blind, Id, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, FromQueryResult, JoinType, QueryFilter as _,
    QuerySelect as _, RelationDef,
};
use std::sync::Arc;

/// Nobody has signed in, or the token does not read.
pub const NOT_SIGNED_IN: Refusal = Refusal::new(Kind::Unknown, "not_signed_in", "请先登录。");
/// The session was ended or its time is over.
pub const SESSION_ENDED: Refusal = Refusal::new(Kind::Unknown, "session_ended", "登录已失效，请重新登录。");

/// How long a refresh token stays good after its successor was handed out, while that is unused: an answer may be lost
/// on the way to the phone.
const GRACE: Duration = Duration::seconds(60);

/// Whose session it is.
#[derive(Clone, Copy, Debug)]
pub enum Holder {
    /// A resident's account.
    Account(Id),
    /// A member of staff.
    Staff(Id),
}

/// Opens a session for a device, known by its own id if it gives one.
///
/// # Errors
/// Whatever the database says.
pub async fn open(act: &Act, holder: Holder, device: Option<&str>, lifetime: Duration) -> Result<session::Model> {
    let id = act.id();
    let (account_id, staff_id) = match holder {
        Holder::Account(id) => (Some(id), None),
        Holder::Staff(id) => (None, Some(id)),
    };
    let row = session::Model {
        id,
        centre_id: act.centre.id,
        account_id,
        staff_id,
        device: act.blind("device", &device.map_or_else(|| id.to_string(), ToOwned::to_owned)),
        generation: 1,
        rotated_at: act.now,
        created_at: act.now,
        expires_at: act.now + lifetime,
        ended_at: None,
    };
    act.insert(row).await
}

/// True when this member of staff has signed in from this device before.
///
/// # Errors
/// Whatever the database says.
pub async fn is_familiar(db: &impl ConnectionTrait, staff: Id, device: &[Blind]) -> Result<bool> {
    let before = session::Entity::find()
        .filter(session::Column::StaffId.eq(staff))
        .filter(session::Column::Device.is_in(device.iter().cloned()));
    Ok(before.one(db).await?.is_some())
}

/// Who holds a session, and whether he may do nothing but change his password.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The session.
    pub id: Id,
    /// Its holder.
    pub who: Who,
    /// A first password must be changed before anything else.
    pub must_change: bool,
    /// The edition of what is published that was in force when this was asked.
    pub edition: i64,
}

/// What is asked of a session.
#[derive(FromQueryResult)]
struct Asked {
    account_id: Option<Id>,
    device: Blind,
    expires_at: Time,
    ended_at: Option<Time>,
    staff_id: Option<Id>,
    name: Option<String>,
    roles: Option<String>,
    office_id: Option<Id>,
    must_change: Option<bool>,
    active_from: Option<NaiveDate>,
    active_until: Option<NaiveDate>,
    edition: i64,
}

/// The holder of a session that stands: one query, asked at every request.
///
/// # Errors
/// `session_ended` for one that was ended, is over, or whose holder has left.
pub async fn standing(db: &impl ConnectionTrait, centre: Id, id: Id, now: Time) -> Result<Standing> {
    let of_staff: RelationDef =
        session::Entity::belongs_to(staff::Entity).from(session::Column::StaffId).to(staff::Column::Id).into();
    use session::Column as S;
    use staff::Column as F;
    let found = session::Entity::find_by_id(id)
        .select_only()
        .columns([S::AccountId, S::Device, S::ExpiresAt, S::EndedAt, S::StaffId])
        .columns([F::Name, F::Roles, F::OfficeId, F::MustChange, F::ActiveFrom, F::ActiveUntil])
        .expr_as(Expr::SubQuery(None, Box::new(published::asking().into())), "edition")
        .filter(S::CentreId.eq(centre))
        .join(JoinType::LeftJoin, of_staff)
        .into_model::<Asked>()
        .one(db)
        .await?;
    let Some(found) = found.filter(|s| s.ended_at.is_none() && s.expires_at > now) else {
        return Err(SESSION_ENDED.into());
    };
    let serves = found.active_from.is_some_and(|from| staff::serves(from, found.active_until, now.date()));
    let who = match (found.account_id, found.staff_id, found.name, found.roles) {
        (Some(account), ..) => Who::Resident(account),
        (None, Some(id), Some(name), Some(roles)) if serves => Who::Staff(Arc::new(StaffMember {
            id,
            name,
            roles: staff::roles(&roles),
            office: found.office_id,
            device: found.device,
        })),
        _ => return Err(SESSION_ENDED.into()),
    };
    let must_change = found.account_id.is_none() && found.must_change == Some(true);
    Ok(Standing { id, who, must_change, edition: found.edition })
}

/// What became of a refresh token.
#[derive(Debug)]
pub enum Rotation {
    /// It is exchanged; the session's generation is that of the next token.
    Rotated(session::Model),
    /// It was used before: someone else may hold it, and the session is ended.
    Reused,
}

/// Exchanges a refresh token of a generation for the next. One that was exchanged within the last minute gives the same
/// successor again, as long as that is unused.
///
/// # Errors
/// `session_ended`.
pub async fn rotate(act: &Act, id: Id, generation: i32) -> Result<Rotation> {
    let mine = || session::Column::Id.eq(id).and(session::Column::CentreId.eq(act.centre.id));
    let stands = || session::Column::EndedAt.is_null().and(session::Column::ExpiresAt.gt(act.now));
    let rotated = session::Entity::update_many()
        .col_expr(session::Column::Generation, Expr::col(session::Column::Generation).add(1))
        .col_expr(session::Column::RotatedAt, Expr::value(act.now))
        .filter(mine())
        .filter(stands())
        .filter(session::Column::Generation.eq(generation))
        .exec_with_returning(&*act.tx)
        .await?;
    if let Some(session) = rotated.into_iter().next() {
        return Ok(Rotation::Rotated(session));
    }
    let session = session::Entity::find().filter(mine()).filter(stands()).one(&*act.tx).await?;
    let session = session.ok_or(SESSION_ENDED)?;
    if session.generation == generation + 1 && act.now - session.rotated_at <= GRACE {
        return Ok(Rotation::Rotated(session));
    }
    end(act, id).await?;
    super::super::audit::note(act, "session.reused", id, serde_json::json!({})).await?;
    Ok(Rotation::Reused)
}

/// Ends a session at once.
///
/// # Errors
/// Whatever the database says.
pub async fn end(act: &Act, id: Id) -> Result<()> {
    end_where(act, session::Column::Id.eq(id)).await
}

/// Ends all sessions of a member of staff but one.
///
/// # Errors
/// Whatever the database says.
pub async fn end_others(act: &Act, staff: Id, keep: Id) -> Result<()> {
    end_where(act, session::Column::StaffId.eq(staff).and(session::Column::Id.ne(keep))).await
}

/// Ends all sessions of a member of staff.
///
/// # Errors
/// Whatever the database says.
pub async fn end_all(act: &Act, staff: Id) -> Result<()> {
    end_where(act, session::Column::StaffId.eq(staff)).await
}

async fn end_where(act: &Act, which: sea_orm::sea_query::SimpleExpr) -> Result<()> {
    session::Entity::update_many()
        .col_expr(session::Column::EndedAt, Expr::value(act.now))
        .filter(session::Column::CentreId.eq(act.centre.id))
        .filter(session::Column::EndedAt.is_null())
        .filter(which)
        .exec(&*act.tx)
        .await?;
    Ok(())
}

/// Forgets sessions whose time was over more than a month ago.
///
/// # Errors
/// Whatever the database says.
pub async fn sweep(db: &impl ConnectionTrait, now: Time) -> Result<()> {
    session::Entity::delete_many().filter(session::Column::ExpiresAt.lt(now - Duration::days(30))).exec(db).await?;
    Ok(())
}
