//! Phones in doubt (号码存疑): whoever has one now says that he is not the person, or no network finds it. The first is sent
//! nothing more about others' matters until somebody shows that the phone is his; the second is looked at by staff.

use super::kind::{Kind, Weight};
use super::vendor::WECHAT;
use crate::base::Random;
use crate::base::error::Result;
use crate::base::personal;
use crate::base::vault::{Place, Vault};
use crate::domain::act::Act;
use entity::notice::doubt::{Column, Entity, Model};
use entity::notice::{Delivery, DoubtWhy, Model as Notice};
use entity::{Id, Time};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _, QueryFilter as _};
use std::collections::HashSet;

/// True for words that say nothing but that the phone is not the person's: `0`, `不是本人`.
#[must_use]
pub fn denies(text: &str) -> bool {
    let plain: String = personal::half_width(text).chars().filter(|c| c.is_alphanumeric()).collect();
    matches!(plain.as_str(), "0" | "不是本人" | "非本人" | "不是我" | "打错了" | "发错了" | "号码错了" | "错号")
}

/// True for a network's word that there is no such phone, or none in use; a phone that is only switched off is not one of these.
fn is_dead(code: &str) -> bool {
    matches!(code, "MK:0001" | "MK:0000" | "MK:0010")
}

/// Puts a phone in doubt: whoever answered from it says that it is not the person's.
///
/// # Errors
/// Whatever the database says.
pub async fn deny(act: &Act, phone: &str) -> Result<()> {
    let id = act.id();
    let row = Model {
        id,
        centre_id: act.centre.id,
        phone: act.seal("phone_doubt.phone", id, phone)?,
        phone_blind: act.blind("phone", phone),
        why: DoubtWhy::NotTheirs,
        since: act.now,
        confirmed_at: None,
    };
    put(&*act.tx, &act.vault, phone, row).await
}

async fn put(db: &impl ConnectionTrait, vault: &Vault, phone: &str, row: Model) -> Result<()> {
    // Under an earlier key of the index it may be there as well; one phone is one row.
    let mut earlier = vault.blinds("phone", row.centre_id, phone);
    earlier.retain(|blind| *blind != row.phone_blind);
    if !earlier.is_empty() {
        let twins = Entity::delete_many().filter(Column::CentreId.eq(row.centre_id));
        twins.filter(Column::PhoneBlind.is_in(earlier)).exec(db).await?;
    }
    // What a person says weighs more than what a network does.
    let again = OnConflict::columns([Column::CentreId, Column::PhoneBlind])
        .update_columns([Column::Why, Column::Since, Column::ConfirmedAt])
        .to_owned();
    let known = OnConflict::columns([Column::CentreId, Column::PhoneBlind]).do_nothing().to_owned();
    let conflict = if row.why == DoubtWhy::NotTheirs { again } else { known };
    Entity::insert(row.into_active_model()).on_conflict(conflict).exec_without_returning(db).await?;
    Ok(())
}

/// Whoever has a phone now has shown that it is his, by a code that was sent there. He is told of what begins from now on; what
/// went before may be another's.
///
/// # Errors
/// Whatever the database says.
pub async fn confirmed(act: &Act, phone: &str) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::ConfirmedAt, Expr::value(act.now))
        .filter(Column::CentreId.eq(act.centre.id))
        .filter(Column::PhoneBlind.is_in(act.blinds("phone", phone)))
        .filter(Column::ConfirmedAt.is_null())
        .exec(&*act.tx)
        .await?;
    Ok(())
}

/// Takes the doubt from a phone: its owner says at the window that it is his. True if there was one.
///
/// # Errors
/// Whatever the database says.
pub async fn verified(act: &Act, phone: &str) -> Result<bool> {
    let doubted = Entity::delete_many()
        .filter(Column::CentreId.eq(act.centre.id))
        .filter(Column::PhoneBlind.is_in(act.blinds("phone", phone)))
        .exec(&*act.tx)
        .await?;
    Ok(doubted.rows_affected > 0)
}

/// Why a phone is in doubt, if it is.
///
/// # Errors
/// Whatever the database says.
pub async fn doubted(db: &impl ConnectionTrait, vault: &Vault, centre: Id, phone: &str) -> Result<Option<DoubtWhy>> {
    let doubt = Entity::find()
        .filter(Column::CentreId.eq(centre))
        .filter(Column::ConfirmedAt.is_null())
        .filter(Column::PhoneBlind.is_in(vault.blinds("phone", centre, phone)));
    Ok(doubt.one(db).await?.map(|d| d.why))
}

/// The same as staff read it, and what they are to do.
#[must_use]
pub const fn in_doubt(why: DoubtWhy) -> &'static str {
    match why {
        DoubtWhy::NotTheirs => "机主回复不是本人，短信已停发：请核对号码，在“更正申请人信息”里填对或再填一次",
        DoubtWhy::Unreachable => "这个号码近日收不到短信（空号或停机）：请核对号码",
    }
}

/// Of these texts and their phones, those that may not go: the phone is another's, or was when the matter began, and they are no
/// code that he has asked for.
pub(super) async fn withheld(
    db: &impl ConnectionTrait,
    vault: &Vault,
    texts: &[(&Notice, &str)],
) -> Result<HashSet<Id>> {
    let about = |n: &Notice| Kind::of(&n.kind).is_none_or(|k| k.weight < Weight::Code);
    let blinds = |n: &Notice, phone: &str| vault.blinds("phone", n.centre_id, phone);
    let of_others: Vec<&(&Notice, &str)> = texts.iter().filter(|(n, _)| about(n)).collect();
    if of_others.is_empty() {
        return Ok(HashSet::new());
    }
    let doubted = Entity::find()
        .filter(Column::PhoneBlind.is_in(of_others.iter().flat_map(|(n, phone)| blinds(n, phone))))
        .filter(Column::Why.eq(DoubtWhy::NotTheirs))
        .all(db)
        .await?;
    let is_withheld = |n: &Notice, phone: &str| {
        let of_phone = |d: &&Model| d.centre_id == n.centre_id && blinds(n, phone).contains(&d.phone_blind);
        doubted.iter().filter(of_phone).any(|d| d.confirmed_at.is_none() || n.matter_at < d.since)
    };
    Ok(of_others.into_iter().filter(|(n, phone)| is_withheld(n, phone)).map(|(n, _)| n.id).collect())
}

/// What networks say of phones: one that was reached is there again, one that does not exist is in doubt.
pub(super) async fn heard(
    db: &impl ConnectionTrait,
    vault: &Vault,
    random: &Random,
    now: Time,
    delivery: Delivery,
    code: &str,
    texts: &[Notice],
) -> Result<()> {
    // What WeChat brings says nothing of a phone.
    let by_network: Vec<&Notice> = texts.iter().filter(|n| n.gateway.as_deref() != Some(WECHAT)).collect();
    if delivery == Delivery::Delivered && !by_network.is_empty() {
        Entity::delete_many()
            .filter(Column::PhoneBlind.is_in(by_network.iter().map(|n| n.phone_blind.clone())))
            .filter(Column::Why.eq(DoubtWhy::Unreachable))
            .exec(db)
            .await?;
    }
    if delivery != Delivery::Failed || !is_dead(code) {
        return Ok(());
    }
    for text in by_network {
        // One whose key is lost tells nothing.
        let place = Place::new("notice.phone", text.centre_id, text.id);
        let Ok(phone) = vault.open(place, &text.phone) else { continue };
        let id = random.id(now);
        let row = Model {
            id,
            centre_id: text.centre_id,
            phone: vault.seal(Place::new("phone_doubt.phone", text.centre_id, id), &phone)?,
            phone_blind: vault.blind("phone", text.centre_id, &phone),
            why: DoubtWhy::Unreachable,
            since: now,
            confirmed_at: None,
        };
        put(db, vault, &phone, row).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::denies;

    #[test]
    fn only_words_that_say_nothing_else_put_a_phone_in_doubt() {
        for text in ["0", "０", " 不是本人。", "打错了！"] {
            assert!(denies(text), "{text}");
        }
        for text in ["10", "05", "不是本人办的，是我爸", "不满意", ""] {
            assert!(!denies(text), "{text}");
        }
    }
}
