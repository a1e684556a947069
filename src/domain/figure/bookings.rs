//! Figures of bookings: made, kept, not kept.

use super::{Figure, Month, Row, figure};
use crate::base::error::Result;
use entity::booking::BookingState;
use entity::{Id, Time};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, QueryFilter as _, QuerySelect as _,
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
    let of_month = B::CentreId.eq(centre).and(B::OnDate.between(month.first, month.last()));
    let rows = Bookings::find().filter(of_month.clone()).all(db).await?;
    let ids = Bookings::find().select_only().column(B::Id).filter(of_month).into_query();
    let events = history::Entity::find()
        .filter(history::Column::BookingId.in_subquery(ids))
        .filter(history::Column::RecordedAt.lte(frozen_at))
        .all(db)
        .await?;
    let mut states: HashMap<Id, Vec<BookingState>> = HashMap::new();
    for event in events {
        states.entry(event.booking_id).or_default().push(event.state);
    }
    let known: Vec<_> = rows.iter().filter_map(|b| states.get(&b.id).map(|s| (b, s))).collect();
    let row =
        |b: &entity::booking::Model, counted| Row { reference: Some(b.number.clone()), on: Some(b.on_date), counted };
    let due = || known.iter().filter(|(b, s)| !s.contains(&BookingState::Cancelled) && b.ends_at <= frozen_at);
    let kept = |s: &[BookingState]| s.contains(&BookingState::Arrived);
    Ok(vec![
        figure(
            "booked",
            "预约量",
            "约在本月的预约数，含后来取消的",
            "2.1",
            false,
            known.iter().map(|(b, _)| row(b, true)).collect(),
        ),
        figure(
            "kept",
            "履约率",
            "按约到场的／本月到期且未取消的预约",
            "2.1",
            true,
            due().map(|(b, s)| row(b, kept(s))).collect(),
        ),
        figure(
            "no_show",
            "爽约率",
            "未到场的／本月到期且未取消的预约",
            "2.1",
            true,
            due().map(|(b, s)| row(b, !kept(s))).collect(),
        ),
    ])
}
