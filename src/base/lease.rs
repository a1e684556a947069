//! Leases: who may do what only one may do at a time, among all processes on one database.

use entity::Time;
use entity::lease::{Column, Entity, Model};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, DbErr, EntityTrait as _, ExprTrait as _, IntoActiveModel as _, QueryFilter as _,
};

/// Takes a lease that nobody holds, or renews one's own; true when it is held now.
///
/// # Errors
/// Whatever the database says.
pub async fn take(db: &impl ConnectionTrait, name: &str, holder: &str, now: Time, until: Time) -> Result<bool, DbErr> {
    let row = Model { name: name.to_owned(), holder: holder.to_owned(), until };
    let free = Expr::col((Entity, Column::Until)).lte(now).or(Expr::col((Entity, Column::Holder)).eq(holder));
    let over = OnConflict::column(Column::Name)
        .update_columns([Column::Holder, Column::Until])
        .action_and_where(free)
        .to_owned();
    Ok(Entity::insert(row.into_active_model()).on_conflict(over).exec_without_returning(db).await? == 1)
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
