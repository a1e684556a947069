//! Figures of attendance: who was there of those expected, and who was late.

use super::{Figure, Month, Row, figure};
use crate::base::error::Result;
use crate::domain::identity::staff;
use chrono::NaiveDate;
use entity::{Id, Time};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};
use std::collections::{BTreeMap, HashMap};

pub(super) async fn of_attendance(
    db: &impl ConnectionTrait,
    centre: Id,
    month: Month,
    frozen_at: Time,
) -> Result<Vec<Figure>> {
    use entity::attendance::{Column as A, Entity as Stamps, Session, StampKind, duty};
    let duties = duty::Entity::find()
        .filter(duty::Column::CentreId.eq(centre))
        .filter(duty::Column::OnDate.between(month.first, month.last()))
        .filter(duty::Column::RecordedAt.lte(frozen_at))
        .filter(duty::Column::EndsAt.lte(frozen_at))
        .all(db)
        .await?;
    let stamps = Stamps::find()
        .filter(A::CentreId.eq(centre))
        .filter(A::OnDate.between(month.first, month.last()))
        .filter(A::RecordedAt.lte(frozen_at))
        .filter(A::Kind.eq(StampKind::In))
        .all(db)
        .await?;
    let stamps: BTreeMap<(Id, NaiveDate, Session), i32> =
        stamps.into_iter().map(|s| ((s.staff_id, s.on_date, s.session), s.off_by)).collect();
    let people = staff::all(db, centre).await?;
    let names: HashMap<Id, String> = people.into_iter().map(|s| (s.id, s.username)).collect();
    let row = |d: &duty::Model, counted| {
        let session = if d.session == Session::Morning { "上午" } else { "下午" };
        let name = names.get(&d.staff_id).map(String::as_str).unwrap_or_default();
        Row { reference: Some(format!("{name} {} {session}", d.on_date)), on: Some(d.on_date), counted }
    };
    let stamp = |d: &duty::Model| stamps.get(&(d.staff_id, d.on_date, d.session));
    let on_duty = duties.iter().map(|d| row(d, stamp(d).is_some())).collect();
    let late = duties.iter().filter(|d| stamp(d).is_some_and(|off| *off > 0)).map(|d| row(d, true)).collect();
    Ok(vec![
        figure("on_duty", "到岗率", "签到的／应到的人次（每人每半天一次）", "4.9", true, on_duty).personal(),
        figure("late", "迟到人次", "上班时间之后签到的人次", "5.3.4a", false, late).personal(),
    ])
}
