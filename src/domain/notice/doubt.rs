//! Phones in doubt (号码存疑): whoever has one now says that he is not the person, or no network finds it. The first is sent
//! nothing more about others' matters until somebody shows that the phone is his; the second is looked at by staff.

use super::kind::{Kind, Weight};
use crate::base::Random;
use crate::base::error::Result;
use crate::base::personal;
use crate::base::vault::{Place, Vault};
use crate::domain::act::Act;
use entity::notice::doubt::{Column, Entity, Model};
use entity::notice::{Delivery, DoubtWhy, Model as Notice};
use entity::{Blind, Id, Time};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QuerySelect as _,
};
use std::collections::HashSet;

/// True for words that say nothing but that the phone is not the person's: `0`, `不是本人`.
#[must_use]
pub fn denies(text: &str) -> bool {
    let plain: String = personal::half_width(text).chars().filter(|c| c.is_alphanumeric()).collect();
    matches!(plain.as_str(), "0" | "不是本人" | "非本人" | "不是我" | "打错了" | "发错了" | "号码错了" | "错号")
}

/// True for a network's word that there is no such phone, or none in use. One that is switched off for an hour is no such phone.
fn is_dead(code: &str) -> bool {
    matches!(code, "MK:0001" | "MK:0000" | "MK:0010" | "UNDELIV:0001" | "isv.MOBILE_NUMBER_ILLEGAL")
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
    };
    put(&*act.tx, row).await
}

async fn put(db: &impl ConnectionTrait, row: Model) -> Result<()> {
    // What a person says weighs more than what a network does.
    let again = OnConflict::columns([Column::CentreId, Column::PhoneBlind])
        .update_columns([Column::Why, Column::Since])
        .to_owned();
    let known = OnConflict::columns([Column::CentreId, Column::PhoneBlind]).do_nothing().to_owned();
    let conflict = if row.why == DoubtWhy::NotTheirs { again } else { known };
    Entity::insert(row.into_active_model()).on_conflict(conflict).exec_without_returning(db).await?;
    Ok(())
}

/// Takes the doubt from a phone: somebody has shown that it is his, by a code that was sent there, or at the window. True if there
/// was one.
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

/// Of these texts, those that may not go: the phone is another's, and they are no code that he has asked for.
pub(super) async fn withheld(db: &impl ConnectionTrait, texts: &[Notice]) -> Result<HashSet<Id>> {
    let about = |n: &&Notice| Kind::of(&n.kind).is_none_or(|k| k.weight < Weight::Code);
    let phones: HashSet<Vec<u8>> = texts.iter().filter(about).map(|n| n.phone_blind.0.clone()).collect();
    if phones.is_empty() {
        return Ok(HashSet::new());
    }
    let doubted: Vec<(Id, Blind)> = Entity::find()
        .select_only()
        .column(Column::CentreId)
        .column(Column::PhoneBlind)
        .filter(Column::PhoneBlind.is_in(phones.into_iter().map(Blind)))
        .filter(Column::Why.eq(DoubtWhy::NotTheirs))
        .into_tuple()
        .all(db)
        .await?;
    let is_doubted = |n: &&Notice| doubted.iter().any(|(c, p)| *c == n.centre_id && *p == n.phone_blind);
    Ok(texts.iter().filter(about).filter(is_doubted).map(|n| n.id).collect())
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
    if delivery == Delivery::Delivered {
        Entity::delete_many()
            .filter(Column::PhoneBlind.is_in(texts.iter().map(|n| n.phone_blind.clone())))
            .filter(Column::Why.eq(DoubtWhy::Unreachable))
            .exec(db)
            .await?;
    }
    if delivery != Delivery::Failed || !is_dead(code) {
        return Ok(());
    }
    for text in texts {
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
        };
        put(db, row).await?;
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
