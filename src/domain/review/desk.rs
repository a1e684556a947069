//! Rating at the desk (窗口评价器): a device that stands at a post offers the case that has just ended there, and no other.
//!
//! Whoever sits there was handed his result, or told no, at the counter, and his case is the last that ended at the post, some
//! minutes ago at most. When the next one ends, the one before can no longer be rated there: nobody rates for another. By link, code
//! and text it can be, as ever.

use super::give::{Given, Opinion, rate};
use super::invite::open_of;
use super::ticket::ticket;
use super::{ELSEWHERE_NOW, UNKNOWN_INVITATION};
use crate::base::error::Result;
use crate::base::vault::Vault;
use crate::domain::act::Act;
use crate::domain::guide;
use crate::domain::published::Centre;
use chrono::Duration;
use entity::case::{CaseEventKind, Channel, Entity as Cases, Handing, Model as Case, event, trip};
use entity::review::{ReviewChannel, invitation};
use entity::{Id, Time};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
};

/// For how long after its end a case is offered.
const OFFERED: Duration = Duration::minutes(10);

/// For how long somebody sits at a desk whose application is refused there.
const SITS: Duration = Duration::minutes(30);

/// What a device offers.
#[derive(Clone, Debug)]
pub struct AtDesk {
    /// The invitation.
    pub invitation: Id,
    /// Name of the matter.
    pub item: String,
    /// The link, for whoever would rather use his own phone.
    pub url: String,
}

/// What is offered at a post now.
///
/// # Errors
/// Whatever the database or the vault says.
pub async fn at_desk(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    public_url: &str,
    post: Id,
    now: Time,
) -> Result<Option<AtDesk>> {
    let Some((case, row)) = offered(db, centre, post, now).await? else { return Ok(None) };
    let Some(ticket) = ticket(db, vault, public_url, &case).await? else { return Ok(None) };
    let item = guide::by_id(db, centre, case.guide_id).await?.row.name.clone();
    Ok(Some(AtDesk { invitation: row.id, item, url: ticket.url }))
}

/// The case that ended last at a post, with its invitation, if its applicant sits there and can rate it still.
async fn offered(
    db: &impl ConnectionTrait,
    centre: &Centre,
    post: Id,
    now: Time,
) -> Result<Option<(Case, invitation::Model)>> {
    use event::Column as E;
    let ended = [CaseEventKind::Issued, CaseEventKind::Refused, CaseEventKind::Denied];
    let last = event::Entity::find()
        .filter(E::CentreId.eq(centre.id))
        .filter(E::OnDate.eq(now.date()))
        .filter(E::Kind.is_in(ended))
        .filter(E::PostId.eq(post))
        .filter(E::At.gt(now - OFFERED))
        .order_by_desc(E::At)
        .order_by_desc(E::Id)
        .one(db)
        .await?;
    let Some(last) = last else { return Ok(None) };
    let Some(case) = Cases::find_by_id(last.case_id).one(db).await? else { return Ok(None) };
    let here = if last.kind == CaseEventKind::Issued {
        last.handing == Some(Handing::Counter) && case.channel != Channel::Agent
    } else {
        // Told no while he sits there: he came some minutes before.
        let came = trip::Entity::find().filter(trip::Column::CaseId.eq(case.id));
        came.filter(trip::Column::At.gt(last.at - SITS)).count(db).await? > 0
    };
    if !here {
        return Ok(None);
    }
    let open = open_of(&case).filter(invitation::Column::ExpiresAt.gt(now)).one(db).await?;
    Ok(open.map(|row| (case, row)))
}

/// Gives the one review of the case that a device offers.
///
/// # Errors
/// `elsewhere_now` for one that is not offered there any longer, `bad_grade`, `bad_tag`, `bad_comment`, `already_rated`.
pub async fn give_at_desk(act: &Act, post: Id, invitation: Id, opinion: Opinion) -> Result<()> {
    let offered = offered(&*act.tx, &act.centre, post, act.now).await?;
    let Some((_, row)) = offered.filter(|(_, row)| row.id == invitation) else {
        let known = invitation::Entity::find_by_id(invitation).filter(invitation::Column::CentreId.eq(act.centre.id));
        let known = known.one(&*act.tx).await?.is_some();
        return Err(if known { ELSEWHERE_NOW } else { UNKNOWN_INVITATION }.into());
    };
    let review = Given::first(opinion, ReviewChannel::Device)?.of(act, &row)?;
    rate(act, &row, review).await
}
