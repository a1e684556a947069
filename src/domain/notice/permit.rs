//! Permits (订阅授权): what residents have asked WeChat to be told. One consent is one message; a template that stands is sent
//! until its reader says no. WeChat's events count; what the mini program says of itself counts only where no events come.

use crate::base::error::Result;
use crate::base::vault::{NO_CENTRE, Vault};
use chrono::Duration;
use entity::notice::heard;
use entity::notice::permit::{Column, Entity, Model};
use entity::{Id, Time};
use sea_orm::sea_query::{CaseStatement, Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, IntoActiveModel as _, QueryFilter as _,
};

/// Nobody stores up more of one template.
const MOST: i32 = 100;
/// WeChat repeats within seconds; what is older is none of it.
pub const REMEMBERED: Duration = Duration::days(3);

/// What became of a permit that a message took.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Spent {
    /// It is used up, or may be.
    Used,
    /// The message certainly did not go.
    Unused,
    /// WeChat says that there is none.
    Gone,
}

/// Counts a consent of an account.
///
/// # Errors
/// Whatever the database says.
pub async fn permit(
    db: &impl ConnectionTrait,
    now: Time,
    (centre_id, account_id): (Id, Id),
    template: &str,
    standing: bool,
) -> Result<()> {
    let row = Model { account_id, template: template.to_owned(), centre_id, ready: 1, standing, changed_at: now };
    let more = CaseStatement::new()
        .case(Expr::col((Entity, Column::Ready)).lt(MOST), Expr::col((Entity, Column::Ready)).add(1))
        .finally(Expr::col((Entity, Column::Ready)));
    let again = OnConflict::columns([Column::AccountId, Column::Template])
        .value(Column::Ready, more)
        .update_columns([Column::Standing, Column::ChangedAt])
        .to_owned();
    Entity::insert(row.into_active_model()).on_conflict(again).exec_without_returning(db).await?;
    Ok(())
}

/// Takes an account's consents back: he said no, or WeChat knows of none.
///
/// # Errors
/// Whatever the database says.
pub async fn forbid(db: &impl ConnectionTrait, now: Time, account: Id, template: &str) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::Ready, Expr::value(0))
        .col_expr(Column::Standing, Expr::value(false))
        .col_expr(Column::ChangedAt, Expr::value(now))
        .filter(Column::AccountId.eq(account))
        .filter(Column::Template.eq(template))
        .exec(db)
        .await?;
    Ok(())
}

/// Takes one consent for a message; true if there was one. Of two messages at once, one gets the last.
pub(super) async fn take(db: &impl ConnectionTrait, account: Id, template: &str) -> Result<bool> {
    let left = CaseStatement::new()
        .case(Expr::col(Column::Standing).eq(true), Expr::col(Column::Ready))
        .finally(Expr::col(Column::Ready).sub(1));
    let taken = Entity::update_many()
        .col_expr(Column::Ready, left.into())
        .filter(Column::AccountId.eq(account))
        .filter(Column::Template.eq(template))
        .filter(Column::Standing.eq(true).or(Column::Ready.gt(0)))
        .exec(db)
        .await?;
    Ok(taken.rows_affected > 0)
}

/// Settles what became of a consent that was taken.
pub(super) async fn settle(
    db: &impl ConnectionTrait,
    now: Time,
    account: Id,
    template: &str,
    spent: Spent,
) -> Result<()> {
    match spent {
        Spent::Used => Ok(()),
        Spent::Gone => forbid(db, now, account, template).await,
        Spent::Unused => {
            Entity::update_many()
                .col_expr(Column::Ready, Expr::col(Column::Ready).add(1))
                .filter(Column::AccountId.eq(account))
                .filter(Column::Template.eq(template))
                .filter(Column::Standing.eq(false))
                .exec(db)
                .await?;
            Ok(())
        }
    }
}

/// Hears an event once; false where it was heard before. The key may hold an openid, and is made blind.
///
/// # Errors
/// Whatever the database says.
pub async fn hear_once(db: &impl ConnectionTrait, vault: &Vault, now: Time, key: &str) -> Result<bool> {
    let key = hex::encode(vault.blind("wechat_event", NO_CENTRE, key).0);
    let new = heard::Entity::insert(heard::Model { key, at: now }.into_active_model())
        .on_conflict(OnConflict::new().do_nothing().to_owned())
        .exec_without_returning(db)
        .await?;
    Ok(new == 1)
}

/// Forgets events that WeChat will not repeat.
///
/// # Errors
/// Whatever the database says.
pub async fn forget_heard(db: &impl ConnectionTrait, now: Time) -> Result<()> {
    heard::Entity::delete_many().filter(heard::Column::At.lt(now - REMEMBERED)).exec(db).await?;
    Ok(())
}
