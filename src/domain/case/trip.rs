//! Trips (跑动次数, article 2.1): how often a case brought its applicant here, and why. Whoever fetches his result in the visit in which
//! he handed it in came once.

use crate::base::error::Result;
use crate::domain::act::Act;
use entity::case::trip::{Column, Entity, Model};
use entity::case::{Channel, Model as Case, TripCause};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _};

/// A trip that is made now.
pub(super) fn made(act: &Act, case: &Case, cause: TripCause) -> Model {
    Model {
        id: act.id(),
        centre_id: act.centre.id,
        case_id: case.id,
        cause,
        at: act.now,
        recorded_at: act.now,
        on_date: act.now.date(),
    }
}

/// The trip of whoever hands something in at the counter himself; what an agent brings, or staff fetch, costs him none.
pub(super) fn of_receipt(act: &Act, case: &Case) -> Option<Model> {
    (case.channel == Channel::Window).then(|| made(act, case, TripCause::Counter))
}

/// The trip of whoever brings what was missing; what his agent brings costs him none.
pub(super) fn of_bringing(act: &Act, case: &Case) -> Option<Model> {
    (case.channel != Channel::Agent).then(|| made(act, case, TripCause::Supplement))
}

/// The trip of whoever fetches a result; whose agent brought the case, him he sends again.
pub(super) fn of_fetching(act: &Act, case: &Case) -> Option<Model> {
    (case.channel != Channel::Agent).then(|| made(act, case, TripCause::PickUp))
}

/// Writes a trip down, unless it is the visit of the same day in which the result is fetched.
pub(super) async fn record(act: &Act, trip: Model) -> Result<()> {
    let same_day = Entity::find().filter(Column::CaseId.eq(trip.case_id)).filter(Column::OnDate.eq(trip.on_date));
    if trip.cause != TripCause::PickUp || same_day.one(&*act.tx).await?.is_none() {
        act.insert(trip).await?;
    }
    Ok(())
}

/// The trips of a case, in their order.
///
/// # Errors
/// Whatever the database says.
pub async fn of(db: &impl ConnectionTrait, case: &Case) -> Result<Vec<Model>> {
    let trips = Entity::find().filter(Column::CaseId.eq(case.id));
    Ok(trips.order_by_asc(Column::At).order_by_asc(Column::Id).all(db).await?)
}
