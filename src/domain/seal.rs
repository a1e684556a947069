//! Seals (印章使用, article 4.2): which are kept at the centre, by which post, and what they were put on, under which letter.

use super::act::{Act, StaffMember, Who};
use super::authority::NO_POWER;
use super::case::{self, Power, Sight};
use super::document;
use super::{audit, centre, post};
use crate::base::error::Result;
use crate::base::{Kind, Refusal};
use chrono::{Days, NaiveDate};
use entity::Id;
use entity::seal::{Column, Entity, Model, used};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde_json::json;

/// No such seal here, or not any longer.
pub const UNKNOWN_SEAL: Refusal =
    Refusal::new(Kind::Missing, "unknown_seal", "印章登记里没有这枚印章，或者已经停用。").article("4.2");
/// A seal without a name.
pub const BAD_SEAL: Refusal =
    Refusal::new(Kind::Invalid, "bad_seal", "请写明印章上的字（2至60字），启用日期不早于今天前一年。").article("4.2");
/// It stands in the register.
pub const SEAL_KNOWN: Refusal =
    Refusal::new(Kind::Conflict, "seal_known", "印章登记里已有同名的印章，停用后才能再登记。");
/// Another office's seal.
pub const WRONG_SEAL: Refusal =
    Refusal::new(Kind::Invalid, "wrong_seal", "这枚印章是{office}的，不能用在别的科室的文书上。").article("4.2");
/// What was undone is not sealed.
pub const VOID_DOCUMENT: Refusal =
    Refusal::new(Kind::Conflict, "void_document", "这份文书已经作废，不能用印。").article("4.2");
/// It bears this seal already.
pub const SEALED_BEFORE: Refusal =
    Refusal::new(Kind::Conflict, "sealed_before", "这份文书已经用过这枚印章，登记里有记录。");

/// Enters a seal in the register, with the post that keeps it.
///
/// # Errors
/// `bad_seal`, `unknown_office`, `unknown_post`, `seal_known`.
pub async fn enter(
    act: &Act,
    by: &StaffMember,
    name: &str,
    (office, keeper): (Option<&str>, &str),
    from: NaiveDate,
) -> Result<Model> {
    let name = name.trim();
    if !(2..=60).contains(&name.chars().count()) || name.chars().any(char::is_control) {
        return Err(BAD_SEAL.on("name").into());
    }
    let today = act.now.date();
    if from + Days::new(366) < today {
        return Err(BAD_SEAL.on("from").into());
    }
    let office = match office {
        Some(code) => Some(centre::office(&*act.tx, act.centre.id, code).await?.id),
        None => None,
    };
    let posts = post::all(&*act.tx, &act.centre).await?;
    let row = Model {
        id: act.id(),
        centre_id: act.centre.id,
        name: name.to_owned(),
        office_id: office,
        post_id: posts.named(keeper, today)?.row.id,
        valid_from: from,
        valid_until: None,
        recorded_at: act.now,
        recorded_by: by.id,
    };
    if !act.insert_new(row.clone()).await? {
        return Err(SEAL_KNOWN.on("name").into());
    }
    audit::note(act, "seal.entered", name, json!({ "keeper": keeper })).await?;
    Ok(row)
}

/// Takes a seal out of use (停用): what it was put on stays.
///
/// # Errors
/// `unknown_seal`.
pub async fn give_back(act: &Act, id: Id) -> Result<()> {
    let today = act.now.date();
    let ended = Entity::update_many()
        .col_expr(Column::ValidUntil, Expr::value(today))
        .filter(Column::Id.eq(id))
        .filter(Column::CentreId.eq(act.centre.id))
        .filter(Column::ValidUntil.is_null())
        .exec(&*act.tx)
        .await?;
    if ended.rows_affected == 0 {
        return Err(UNKNOWN_SEAL.into());
    }
    audit::note(act, "seal.given_back", id, json!({})).await
}

/// Puts a seal on a document of a case, and writes down under which letter.
///
/// # Errors
/// `unknown_case`, `unknown_document`, `unknown_seal`, the refusals of a post, `no_power`, `wrong_seal`, `void_document`,
/// `sealed_before`.
pub async fn put(act: &Act, number: &str, document: Id, seal: Id) -> Result<used::Model> {
    let Who::Staff(staff) = &act.who else { return Err(case::UNKNOWN_CASE.into()) };
    let sight = Sight::acting(act).await?;
    let case = case::find(&*act.tx, act.centre.id, number, &sight).await?;
    let under = sight.under(&case, Power::Seal)?;
    let document = document::get(&*act.tx, case.id, document).await?;
    let of_centre = Entity::find_by_id(seal).filter(Column::CentreId.eq(act.centre.id));
    let row = of_centre.one(&*act.tx).await?.filter(|row| is_in_use(row, act.now.date())).ok_or(UNKNOWN_SEAL)?;
    if let Some(office) = row.office_id.filter(|office| *office != case.office_id) {
        let offices = centre::offices(&*act.tx, act.centre.id).await?;
        let name = offices.into_iter().find(|o| o.id == office).map(|o| o.name).unwrap_or_default();
        return Err(WRONG_SEAL.with(&[("office", &name)]).into());
    }
    if document.void_id.is_some() {
        return Err(VOID_DOCUMENT.into());
    }
    let used = used::Model {
        id: act.id(),
        centre_id: act.centre.id,
        seal_id: row.id,
        document_id: document.id,
        at: act.now,
        staff_id: staff.id,
        post_id: under.standing.post,
        letter: under.standing.letter,
        of_id: under.standing.of,
        delegation_id: under.delegation.ok_or(NO_POWER)?,
    };
    if !act.insert_new(used.clone()).await? {
        return Err(SEALED_BEFORE.into());
    }
    Ok(used)
}

/// True when a seal is in use on a day.
#[must_use]
pub fn is_in_use(row: &Model, on: NaiveDate) -> bool {
    row.valid_from <= on && row.valid_until.is_none()
}

/// The register, by name; what is out of use is in it too.
///
/// # Errors
/// Whatever the database says.
pub async fn all(db: &impl ConnectionTrait, centre: Id) -> Result<Vec<Model>> {
    let rows = Entity::find().filter(Column::CentreId.eq(centre));
    Ok(rows.order_by_asc(Column::Name).order_by_asc(Column::ValidFrom).all(db).await?)
}

/// What seals were put on some documents.
///
/// # Errors
/// Whatever the database says.
pub async fn on(db: &impl ConnectionTrait, documents: impl IntoIterator<Item = Id>) -> Result<Vec<used::Model>> {
    let rows = used::Entity::find().filter(used::Column::DocumentId.is_in(documents));
    Ok(rows.order_by_asc(used::Column::At).all(db).await?)
}
