//! Looking at bookings: one's own, or the window's day.

use super::{Booked, UNKNOWN_BOOKING};
use crate::base::error::Result;
use crate::base::personal;
use crate::base::vault::Vault;
use crate::domain::act::Page;
use crate::domain::identity::Viewer;
use crate::domain::identity::resident::Known;
use crate::domain::published::Centre;
use crate::domain::{applicant, guide};
use chrono::NaiveDate;

use entity::booking::{Column, Entity, Model};
use entity::{Id, Time};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use std::collections::HashMap;

/// A booking that a viewer may see: staff those of the centre, a resident those of his account.
///
/// # Errors
/// `unknown_booking`, also for one that is another's.
pub async fn see(db: &impl ConnectionTrait, vault: &Vault, centre: &Centre, id: Id, viewer: &Viewer) -> Result<Booked> {
    let mut row = Entity::find_by_id(id).filter(Column::CentreId.eq(centre.id));
    let mut since = None;
    if let Viewer::Resident(known) = viewer {
        row = row.filter(Column::AccountId.eq(known.id));
        since = Some(known.since);
    }
    show(db, vault, centre, row.all(db).await?, since).await?.pop().ok_or_else(|| UNKNOWN_BOOKING.into())
}

/// What an account booked, latest first. What is older than its verifications shows the matter and the state alone.
///
/// # Errors
/// `bad_cursor`.
pub async fn list_of_account(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    known: &Known,
    page: Page,
) -> Result<(Vec<Booked>, Option<String>)> {
    let mine = Entity::find().filter(Column::CentreId.eq(centre.id)).filter(Column::AccountId.eq(known.id));
    let rows = page.of(mine, Column::StartsAt, Column::Id).all(db).await?;
    let (rows, next) = page.cut(rows, |r| (r.starts_at, r.id));
    Ok((show(db, vault, centre, rows, Some(known.since)).await?, next))
}

/// A day's bookings by time, for the windows; narrowed by the last four digits of a phone.
///
/// # Errors
/// Whatever the database says.
pub async fn list_of_day(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    on: NaiveDate,
    phone_tail: Option<&str>,
) -> Result<Vec<Booked>> {
    let rows = Entity::find()
        .filter(Column::CentreId.eq(centre.id))
        .filter(Column::OnDate.eq(on))
        .order_by_asc(Column::StartsAt)
        .order_by_asc(Column::Id)
        .limit(1000)
        .all(db)
        .await?;
    let mut booked = show(db, vault, centre, rows, None).await?;
    if let Some(tail) = phone_tail {
        let fits = |b: &Booked| {
            b.applicant.as_ref().and_then(|a| a.phone.as_ref()).is_some_and(|p| personal::tail(p, 4) == tail)
        };
        booked.retain(fits);
    }
    Ok(booked)
}

/// Puts item and applicant beside bookings, the applicant only where the booking was made since a moment.
pub(super) async fn show(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    rows: Vec<Model>,
    since: Option<Time>,
) -> Result<Vec<Booked>> {
    let guides = guide::all(db, centre).await?;
    let snapshots = applicant::of(db, centre.id, rows.iter().map(|r| r.applicant_id)).await?;
    let snapshots: HashMap<Id, _> = snapshots.into_iter().map(|s| (s.id, s)).collect();
    let mut booked = Vec::with_capacity(rows.len());
    for row in rows {
        let snapshot = snapshots.get(&row.applicant_id).filter(|_| since.is_none_or(|since| row.created_at >= since));
        let guide = guides.of(row.guide_id);
        booked.push(Booked {
            item: guide.map(|g| g.row.name.clone()).unwrap_or_default(),
            guide_code: guide.map(|g| g.row.code.clone()).unwrap_or_default(),
            applicant: snapshot.map(|s| applicant::open(vault, s)).transpose()?,
            row,
        });
    }
    Ok(booked)
}
