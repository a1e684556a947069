//! Leases: who may do what only one may do at a time, among all processes on one database.

use entity::Time;
use entity::lease::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, IntoActiveModel as _, QueryFilter as _,
};

/// Takes a lease that nobody holds, or renews one's own; true when it is held now. The clocks of processes may differ by less
/// than the lease lasts.
///
/// # Errors
/// Whatever the database says.
pub async fn take(db: &impl ConnectionTrait, name: &str, holder: &str, now: Time, until: Time) -> Result<bool, DbErr> {
    let row = Model { name: name.to_owned(), holder: holder.to_owned(), until };
    let over = Expr::col((Entity, Column::Until)).lte(now);
    // One that reaches twice as far as anybody takes it was taken before the clock was set back.
    let from_ahead = Expr::col((Entity, Column::Until)).gt(Time(until.0.saturating_mul(2).saturating_sub(now.0)));
    let free = over.or(from_ahead).or(Expr::col((Entity, Column::Holder)).eq(holder));
    let taking = OnConflict::column(Column::Name)
        .update_columns([Column::Holder, Column::Until])
        .action_and_where(free)
        .to_owned();
    Ok(Entity::insert(row.into_active_model()).on_conflict(taking).exec_without_returning(db).await? == 1)
}

/// Who holds a lease, if anybody does.
///
/// # Errors
/// Whatever the database says.
pub async fn holder(db: &impl ConnectionTrait, name: &str, now: Time) -> Result<Option<String>, DbErr> {
    let row = Entity::find_by_id(name).filter(Column::Until.gt(now)).one(db).await?;
    Ok(row.map(|r| r.holder))
}

/// Gives one's own lease back.
///
/// # Errors
/// Whatever the database says.
pub async fn release(db: &impl ConnectionTrait, name: &str, holder: &str) -> Result<(), DbErr> {
    Entity::delete_many().filter(Column::Name.eq(name)).filter(Column::Holder.eq(holder)).exec(db).await?;
    Ok(())
}
