//! Figures of bookings: made, kept, not kept.

use super::{Figure, Month, Row, figure};
use crate::base::error::Result;
use entity::booking::BookingState;
use entity::{Id, Time};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
    QueryTrait as _,
};
use std::collections::HashMap;

pub(super) async fn of_bookings(
    db: &impl ConnectionTrait,
    centre: Id,
    month: Month,
    frozen_at: Time,
) -> Result<Vec<Figure>> {
    use entity::booking::{Column as B, Entity as Bookings, event as history};
    use history::Column as E;
    // Whatever was once promised for this month; some of it was moved to another since.
    let touched = history::Entity::find()
        .select_only()
        .column(E::BookingId)
        .filter(E::CentreId.eq(centre))
        .filter(E::OnDate.between(month.first, month.last()))
        .filter(E::RecordedAt.lte(frozen_at))
        .into_query();
    let rows = Bookings::find().filter(B::CentreId.eq(centre)).filter(B::Id.in_subquery(touched.clone()));
    let numbers: HashMap<Id, String> = rows.all(db).await?.into_iter().map(|b| (b.id, b.number)).collect();
    let events = history::Entity::find()
        .filter(E::BookingId.in_subquery(touched))
        .filter(E::RecordedAt.lte(frozen_at))
        .order_by_asc(E::At)
        .order_by_asc(E::Id)
        .all(db)
        .await?;
    // The last event says how it stands and what it is promised.
    let last: HashMap<Id, history::Model> = events.into_iter().map(|e| (e.booking_id, e)).collect();
    let known: Vec<&history::Model> = last.values().filter(|e| month.has(e.on_date)).collect();
    let row = |e: &history::Model, counted| Row {
        reference: numbers.get(&e.booking_id).cloned(),
        on: Some(e.on_date),
        counted,
    };
    let nobodys = [BookingState::Cancelled, BookingState::Excused];
    let due = || known.iter().filter(|e| !nobodys.contains(&e.state) && e.ends_at <= frozen_at);
    let kept = |e: &history::Model| e.state == BookingState::Arrived;
    Ok(vec![
        figure(
            "booked",
            "预约量",
            "约在本月的预约数，含后来取消的",
            "2.1",
            false,
            known.iter().map(|e| row(e, true)).collect(),
        ),
        figure(
            "kept",
            "履约率",
            "按约到场的／本月到期、未取消也未免责的预约",
            "2.1",
            true,
            due().map(|e| row(e, kept(e))).collect(),
        ),
        figure(
            "no_show",
            "爽约率",
            "未到场的／本月到期、未取消也未免责的预约",
            "2.1",
            true,
            due().map(|e| row(e, !kept(e))).collect(),
        ),
    ])
}
