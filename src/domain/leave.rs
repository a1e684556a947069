//! Leave and whereabouts (请假、去向, articles 4.9 and 5.1.2): who asks to be away, and who is out.
//!
//! A leave is asked for, and ruled on by the director; his own by the township's leaders. The board of whereabouts (岗位牌) says
//! where somebody is who has left for a while: whoever stands on it is away until he is back.

use super::act::{Act, StaffMember};
use super::audit;
use crate::base::error::Result;
use crate::base::vault::{Place, Vault};
use crate::base::{Kind, Refusal};
use chrono::Duration;
use entity::identity::Role;
use entity::leave::{Column, Entity, LeaveKind, LeaveState, Model, whereabouts};
use entity::{Id, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde_json::json;

/// No such leave, or not yours to see.
pub const UNKNOWN_LEAVE: Refusal = Refusal::new(Kind::Missing, "unknown_leave", "没有找到这次请假。");
/// A time that cannot be.
pub const BAD_TIME: Refusal =
    Refusal::new(Kind::Invalid, "bad_time", "请假时间应从现在或以后开始，先后分明，一次不超过一年。").article("5.1.2");
/// No reason, or no whereabouts.
pub const REASON_NEEDED: Refusal =
    Refusal::new(Kind::Invalid, "reason_needed", "请写明请假理由和详细去向（各2至200字）。").article("4.9");
/// Another leave lies in the same time.
pub const LEAVE_OVERLAPS: Refusal =
    Refusal::new(Kind::Conflict, "leave_overlaps", "这段时间里已经有一次请假，请先撤回那一次。").article("5.1.2");
/// It was ruled on, or taken back.
pub const LEAVE_CLOSED: Refusal = Refusal::new(Kind::Conflict, "leave_closed", "这次请假已经批过或已撤回。");
/// Nobody rules on his own leave.
pub const OWN_LEAVE: Refusal =
    Refusal::new(Kind::Forbidden, "own_leave", "不能审批本人的请假；中心主任的请假由书记或乡长审批。").article("5.1.2");
/// He stands on the board already.
pub const ALREADY_OUT: Refusal =
    Refusal::new(Kind::Conflict, "already_out", "岗位牌上已经写着您外出，请先登记返岗。").article("4.9");
/// He does not stand on the board.
pub const NOT_OUT: Refusal = Refusal::new(Kind::Conflict, "not_out", "岗位牌上没有您的外出记录。").article("4.9");

/// How long after it began a leave may still be asked for.
const BELATED: Duration = Duration::days(3);
/// The longest leave.
const LONGEST: Duration = Duration::days(366);

/// What is asked for.
#[derive(Clone, Debug)]
pub struct Wish {
    /// What for.
    pub kind: LeaveKind,
    /// From when.
    pub starts_at: Time,
    /// Until when.
    pub ends_at: Time,
    /// Why.
    pub reason: String,
    /// Where he will be.
    pub place: String,
}

/// Asks for leave.
///
/// # Errors
/// `bad_time`, `reason_needed`, `leave_overlaps`.
pub async fn ask(act: &Act, staff: &StaffMember, wish: Wish) -> Result<Model> {
    let lasts = wish.ends_at - wish.starts_at;
    if lasts <= Duration::zero() || lasts > LONGEST || wish.starts_at < act.now - BELATED || wish.ends_at <= act.now {
        return Err(BAD_TIME.on("starts_at").into());
    }
    let (reason, place) = (said(&wish.reason, "reason")?, said(&wish.place, "place")?);
    // One of two that are asked for at once waits here for the other.
    hold(act, staff.id).await?;
    let overlapping = Entity::find()
        .filter(Column::StaffId.eq(staff.id))
        .filter(Column::State.is_in([LeaveState::Asked, LeaveState::Approved]))
        .filter(Column::StartsAt.lt(wish.ends_at))
        .filter(Column::EndsAt.gt(wish.starts_at));
    if overlapping.one(&*act.tx).await?.is_some() {
        return Err(LEAVE_OVERLAPS.on("starts_at").into());
    }
    let id = act.id();
    let row = Model {
        id,
        centre_id: act.centre.id,
        staff_id: staff.id,
        kind: wish.kind,
        starts_at: wish.starts_at,
        ends_at: wish.ends_at,
        reason: act.seal("leave.reason", id, reason)?,
        place: act.seal("leave.place", id, place)?,
        state: LeaveState::Asked,
        asked_at: act.now,
        ruled_at: None,
        ruled_by: None,
        words: None,
    };
    let row = act.insert(row).await?;
    audit::note(act, "leave.asked", row.id, json!({ "kind": row.kind })).await?;
    Ok(row)
}

fn said<'w>(words: &'w str, field: &'static str) -> Result<&'w str> {
    let words = words.trim();
    if (2..=200).contains(&words.chars().count()) { Ok(words) } else { Err(REASON_NEEDED.on(field).into()) }
}

/// Holds a member of staff's row until the act ends.
async fn hold(act: &Act, staff: Id) -> Result<()> {
    use entity::identity::staff as people;
    people::Entity::find_by_id(staff)
        .select_only()
        .column(people::Column::Id)
        .lock_exclusive()
        .into_tuple::<Id>()
        .one(&*act.tx)
        .await?;
    Ok(())
}

/// Takes one's own leave back: before it was ruled on, or an approved one before it ends, from then on (销假).
///
/// # Errors
/// `unknown_leave`, `leave_closed`.
pub async fn withdraw(act: &Act, staff: &StaffMember, id: Id) -> Result<Model> {
    let leave = of_centre(&*act.tx, act.centre.id, id).await?;
    if leave.staff_id != staff.id {
        return Err(UNKNOWN_LEAVE.into());
    }
    let open = match leave.state {
        LeaveState::Asked => true,
        LeaveState::Approved => leave.ends_at > act.now,
        LeaveState::Refused | LeaveState::Withdrawn => false,
    };
    if !open {
        return Err(LEAVE_CLOSED.into());
    }
    // One that has begun ends now: that he was away until then stays true.
    let begun = leave.state == LeaveState::Approved && leave.starts_at < act.now;
    let next = if begun {
        Model { ends_at: act.now, ..leave.clone() }
    } else {
        Model { state: LeaveState::Withdrawn, ..leave.clone() }
    };
    turn(act, &leave, &next).await?;
    audit::note(act, "leave.withdrawn", id, json!({})).await?;
    Ok(next)
}

/// A leave that somebody else asked for, to be ruled on by who acts.
///
/// # Errors
/// `unknown_leave`, `leave_closed`, `own_leave`.
pub async fn to_rule(act: &Act, by: &StaffMember, id: Id) -> Result<Model> {
    let leave = of_centre(&*act.tx, act.centre.id, id).await?;
    if leave.staff_id == by.id {
        return Err(OWN_LEAVE.into());
    }
    if leave.state != LeaveState::Asked {
        return Err(LEAVE_CLOSED.into());
    }
    Ok(leave)
}

/// Writes down how it was ruled; of two who rule at once, the second is told that it is closed.
///
/// # Errors
/// `leave_closed`, `reason_needed` for a refusal without words.
pub async fn rule(act: &Act, by: &StaffMember, leave: Model, refused: Option<&str>) -> Result<Model> {
    let words = refused.map(|words| act.seal("leave.words", leave.id, said(words, "words")?)).transpose()?;
    let state = if refused.is_none() { LeaveState::Approved } else { LeaveState::Refused };
    let next = Model { state, ruled_at: Some(act.now), ruled_by: Some(by.id), words, ..leave.clone() };
    turn(act, &leave, &next).await?;
    audit::note(act, "leave.ruled", leave.id, json!({ "state": state })).await?;
    Ok(next)
}

async fn turn(act: &Act, from: &Model, next: &Model) -> Result<()> {
    let turned = Entity::update_many()
        .col_expr(Column::State, Expr::value(next.state))
        .col_expr(Column::EndsAt, Expr::value(next.ends_at))
        .col_expr(Column::RuledAt, Expr::value(next.ruled_at))
        .col_expr(Column::RuledBy, Expr::value(next.ruled_by))
        .col_expr(Column::Words, Expr::value(next.words.clone()))
        .filter(Column::Id.eq(from.id))
        .filter(Column::State.eq(from.state))
        .filter(Column::EndsAt.eq(from.ends_at))
        .exec(&*act.tx)
        .await?;
    if turned.rows_affected == 0 { Err(LEAVE_CLOSED.into()) } else { Ok(()) }
}

async fn of_centre(db: &impl ConnectionTrait, centre: Id, id: Id) -> Result<Model> {
    let row = Entity::find_by_id(id).filter(Column::CentreId.eq(centre)).one(db).await?;
    row.ok_or_else(|| UNKNOWN_LEAVE.into())
}

/// Leaves that are not over, by when they begin: all of the centre's for whoever rules on them or keeps the files (党政办), one's
/// own for the others.
///
/// # Errors
/// Whatever the database says.
pub async fn list(db: &impl ConnectionTrait, centre: Id, who: &StaffMember, now: Time) -> Result<Vec<Model>> {
    let mut rows = Entity::find().filter(Column::CentreId.eq(centre)).filter(Column::EndsAt.gt(now));
    if !who.is_any(&[Role::Director, Role::Leader, Role::PartyOffice]) {
        rows = rows.filter(Column::StaffId.eq(who.id));
    }
    Ok(rows.order_by_asc(Column::StartsAt).order_by_asc(Column::Id).all(db).await?)
}

/// Approved leaves that lie in a time, in whole or in part.
///
/// # Errors
/// Whatever the database says.
pub async fn in_force(db: &impl ConnectionTrait, centre: Id, from: Time, until: Time) -> Result<Vec<Model>> {
    let rows = Entity::find()
        .filter(Column::CentreId.eq(centre))
        .filter(Column::EndsAt.gt(from))
        .filter(Column::StartsAt.lt(until))
        .filter(Column::State.eq(LeaveState::Approved));
    Ok(rows.all(db).await?)
}

/// What a leave says, in clear: reason, whereabouts, and why it was refused.
///
/// # Errors
/// Whatever the vault says.
pub fn words(vault: &Vault, leave: &Model) -> Result<(String, String, Option<String>)> {
    let open = |column, sealed| vault.open(Place::new(column, leave.centre_id, leave.id), sealed);
    let words = leave.words.as_ref().map(|words| open("leave.words", words)).transpose()?;
    Ok((open("leave.reason", &leave.reason)?, open("leave.place", &leave.place)?, words))
}

/// Enters oneself on the board (岗位牌).
///
/// # Errors
/// `bad_time`, `reason_needed`, `already_out`.
pub async fn go_out(act: &Act, staff: &StaffMember, place: &str, until: Time) -> Result<whereabouts::Model> {
    if until <= act.now || until > act.now + LONGEST {
        return Err(BAD_TIME.on("until").into());
    }
    let (id, place) = (act.id(), said(place, "place")?);
    let row = whereabouts::Model {
        id,
        centre_id: act.centre.id,
        staff_id: staff.id,
        place: act.seal("whereabouts.place", id, place)?,
        out_at: act.now,
        until,
        back_at: None,
    };
    if act.insert_new(row.clone()).await? { Ok(row) } else { Err(ALREADY_OUT.into()) }
}

/// Takes oneself off the board.
///
/// # Errors
/// `not_out`.
pub async fn come_back(act: &Act, staff: &StaffMember) -> Result<whereabouts::Model> {
    use whereabouts::{Column, Entity};
    let back = Entity::update_many()
        .col_expr(Column::BackAt, Expr::value(act.now))
        .filter(Column::StaffId.eq(staff.id))
        .filter(Column::BackAt.is_null())
        .exec_with_returning(&*act.tx)
        .await?;
    back.into_iter().next().ok_or_else(|| NOT_OUT.into())
}

/// Who stands on the board, by when they left.
///
/// # Errors
/// Whatever the database says.
pub async fn out(db: &impl ConnectionTrait, centre: Id) -> Result<Vec<whereabouts::Model>> {
    use whereabouts::{Column, Entity};
    let rows = Entity::find().filter(Column::CentreId.eq(centre)).filter(Column::BackAt.is_null());
    Ok(rows.order_by_asc(Column::OutAt).all(db).await?)
}

/// Where somebody on the board is, in clear.
///
/// # Errors
/// Whatever the vault says.
pub fn place(vault: &Vault, out: &whereabouts::Model) -> Result<String> {
    Ok(vault.open(Place::new("whereabouts.place", out.centre_id, out.id), &out.place)?)
}
