//! A centre (中心): the tenant. Its offices, its hours, the numbers it gives and the screens in its hall.
//!
//! Every row but the national ones belongs to a centre, and no query leaves its centre (article 2.2) but those that find out
//! which one is meant.

use super::act::Act;
use crate::base::{Kind, Refusal, Result};
use chrono::NaiveDate;
use entity::Id;
use entity::centre::{HoursKind, branch, counter, hours, office};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, QueryFilter as _,
    QueryOrder as _,
};
use serde::{Deserialize, Serialize};

mod import;
mod screen;

pub use import::{BranchFile, CentreFile, OfficeFile, import};
pub use screen::{UNKNOWN_SCREEN, pair_screen, screen, screens, unpair_screen};

/// An office that is not one of the centre's.
pub const UNKNOWN_OFFICE: Refusal = Refusal::new(Kind::Missing, "unknown_office", "本中心没有这个科室。");
/// A file that does not describe a centre.
pub const BAD_CENTRE: Refusal = Refusal::new(Kind::Invalid, "bad_centre", "中心资料有误：{fault}");

/// When lamps of cases turn (亮灯): at so many working days that are left, or fewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Lamps {
    /// To yellow.
    pub yellow: u32,
    /// To red.
    pub red: u32,
}

impl Default for Lamps {
    /// Yellow for the last three working days, red on the last.
    fn default() -> Self {
        Self { yellow: 3, red: 0 }
    }
}

/// The centre's offices by code.
///
/// # Errors
/// Whatever the database says.
pub async fn offices(db: &impl ConnectionTrait, centre: Id) -> Result<Vec<office::Model>> {
    let offices = office::Entity::find().filter(office::Column::CentreId.eq(centre));
    Ok(offices.order_by_asc(office::Column::Code).all(db).await?)
}

/// The centre's branches by code.
///
/// # Errors
/// Whatever the database says.
pub async fn branches(db: &impl ConnectionTrait, centre: Id) -> Result<Vec<branch::Model>> {
    let branches = branch::Entity::find().filter(branch::Column::CentreId.eq(centre));
    Ok(branches.order_by_asc(branch::Column::Code).all(db).await?)
}

/// One of the centre's offices, by code.
///
/// # Errors
/// `unknown_office`.
pub async fn office(db: &impl ConnectionTrait, centre: Id, code: &str) -> Result<office::Model> {
    let office =
        office::Entity::find().filter(office::Column::CentreId.eq(centre)).filter(office::Column::Code.eq(code));
    office.one(db).await?.ok_or_else(|| UNKNOWN_OFFICE.into())
}

/// A centre's hours of one kind, with the days from which they hold.
pub struct Hours(Vec<hours::Model>);

impl Hours {
    /// Hours in force on a day, as minutes past midnight, in their order.
    #[must_use]
    pub fn on(&self, day: NaiveDate) -> Vec<(i32, i32)> {
        let newest = self.0.iter().map(|h| h.valid_from).filter(|from| *from <= day).max();
        self.0.iter().filter(|h| Some(h.valid_from) == newest).map(|h| (h.opens, h.closes)).collect()
    }
}

/// A centre's hours of one kind.
///
/// # Errors
/// Whatever the database says.
pub async fn hours(db: &impl ConnectionTrait, centre: Id, kind: HoursKind) -> Result<Hours> {
    let rows = hours::Entity::find().filter(hours::Column::CentreId.eq(centre)).filter(hours::Column::Kind.eq(kind));
    Ok(Hours(rows.order_by_asc(hours::Column::Opens).all(db).await?))
}

/// The next number of its kind since a day (today, or the first of the year), from 1, without gaps among acts that are committed.
///
/// # Errors
/// Whatever the database says.
pub async fn next_number(act: &Act, kind: &str, since: NaiveDate) -> Result<i32> {
    let row = counter::ActiveModel {
        centre_id: Set(act.centre.id),
        kind: Set(kind.to_owned()),
        on_date: Set(since),
        n: Set(1),
    };
    let key = [counter::Column::CentreId, counter::Column::Kind, counter::Column::OnDate];
    let more = Expr::col((counter::Entity, counter::Column::N)).add(1);
    let row = counter::Entity::insert(row)
        .on_conflict(OnConflict::columns(key).value(counter::Column::N, more).to_owned())
        .exec_with_returning(&*act.tx)
        .await?;
    Ok(row.n)
}
