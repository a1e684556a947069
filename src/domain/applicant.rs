//! Applicants (申请人, article 2.3): citizens, legal persons and other organisations, as a booking or a case was told of
//! them. A snapshot: what one case learns does not change another.

use super::act::Act;
use crate::base::error::Result;
use crate::base::vault::{Place, Vault};
use crate::base::{Kind, Refusal, personal};
use entity::applicant::{ApplicantKind, Column, Entity, IdType, Model};
use entity::{Blind, Id};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};

/// No name, or one with characters that disguise it.
pub const BAD_NAME: Refusal = Refusal::new(Kind::Invalid, "bad_name", "请填写姓名或名称，60字以内，不含特殊字符。");
/// A number that is no telephone's.
pub const BAD_CONTACT: Refusal =
    Refusal::new(Kind::Invalid, "bad_contact", "电话号码不对，请填写11位手机号，或带区号的固定电话。");
/// A check digit that does not fit.
pub const BAD_ID_CARD: Refusal =
    Refusal::new(Kind::Invalid, "bad_id_card", "身份证号码不对，请逐位核对18位号码。").article("2.3");
/// A check digit that does not fit.
pub const BAD_SOCIAL_CREDIT_CODE: Refusal =
    Refusal::new(Kind::Invalid, "bad_social_credit_code", "统一社会信用代码不对，请逐位核对18位代码。").article("2.3");
/// A document of an impossible length.
pub const BAD_ID_NUMBER: Refusal = Refusal::new(Kind::Invalid, "bad_id_number", "证件号码应为1至40个字符。");
/// Kind and number of a document go together.
pub const ID_INCOMPLETE: Refusal = Refusal::new(Kind::Invalid, "id_incomplete", "证件类型和证件号码请一并填写。");
/// A citizen does not have a social credit code, nor an organisation an identity card.
pub const ID_OF_OTHER_KIND: Refusal =
    Refusal::new(Kind::Invalid, "id_of_other_kind", "自然人请填身份证，法人和其他组织请填统一社会信用代码。")
        .article("2.3");

/// An applicant as typed.
#[derive(Clone, Debug)]
pub struct Typed {
    /// Citizen, legal person or organisation.
    pub kind: ApplicantKind,
    /// Name.
    pub name: String,
    /// Phone, if there is one.
    pub phone: Option<String>,
    /// Kind of document, if one was shown.
    pub id_type: Option<IdType>,
    /// Its number.
    pub id_number: Option<String>,
}

/// An applicant in normal form, in clear.
#[derive(Clone, PartialEq, Eq)]
pub struct Applicant {
    /// Citizen, legal person or organisation.
    pub kind: ApplicantKind,
    /// Name.
    pub name: String,
    /// Digits of the phone.
    pub phone: Option<String>,
    /// Kind and number of the document.
    pub document: Option<(IdType, String)>,
}

impl std::fmt::Debug for Applicant {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Applicant(…)")
    }
}

impl From<Applicant> for Typed {
    fn from(known: Applicant) -> Self {
        let (id_type, id_number) = known.document.unzip();
        Self { kind: known.kind, name: known.name, phone: known.phone, id_type, id_number }
    }
}

impl Typed {
    /// Checks each field and brings it into its normal form.
    ///
    /// # Errors
    /// One of this file's refusals, on the field below `applicant`.
    pub fn check(self) -> Result<Applicant> {
        let name = personal::name(&self.name).ok_or_else(|| BAD_NAME.on("applicant.name"))?;
        let phone = match filled(self.phone) {
            Some(typed) => Some(personal::contact(&typed).ok_or_else(|| BAD_CONTACT.on("applicant.phone"))?),
            None => None,
        };
        let document = match (self.id_type, filled(self.id_number)) {
            (Some(id_type), Some(number)) => Some((id_type, check_document(self.kind, id_type, &number)?)),
            (None, None) => None,
            (Some(_), None) => return Err(ID_INCOMPLETE.on("applicant.id_number").into()),
            (None, Some(_)) => return Err(ID_INCOMPLETE.on("applicant.id_type").into()),
        };
        Ok(Applicant { kind: self.kind, name, phone, document })
    }
}

fn filled(text: Option<String>) -> Option<String> {
    text.filter(|t| !t.trim().is_empty())
}

fn check_document(kind: ApplicantKind, id_type: IdType, number: &str) -> Result<String> {
    let (normal, refusal) = match (id_type, kind) {
        (IdType::IdCard, ApplicantKind::Person) => (personal::id_card(number), BAD_ID_CARD),
        (IdType::SocialCreditCode, ApplicantKind::LegalPerson | ApplicantKind::Organisation) => {
            (personal::social_credit_code(number), BAD_SOCIAL_CREDIT_CODE)
        }
        (IdType::Other, _) => (personal::name(number).filter(|n| n.chars().count() <= 40), BAD_ID_NUMBER),
        _ => return Err(ID_OF_OTHER_KIND.on("applicant.id_type").into()),
    };
    normal.ok_or_else(|| refusal.on("applicant.id_number").into())
}

/// Records a snapshot.
///
/// # Errors
/// Whatever the database says.
pub async fn record(act: &Act, applicant: &Applicant) -> Result<Model> {
    act.insert(snapshot(act, applicant)?).await
}

/// An applicant as he is now, to be recorded.
///
/// # Errors
/// Only if the cipher itself fails.
pub fn snapshot(act: &Act, applicant: &Applicant) -> Result<Model> {
    let id = act.id();
    let document = applicant.document.as_ref();
    let seal = |column, text: &String| act.seal(column, id, text);
    Ok(Model {
        id,
        centre_id: act.centre.id,
        kind: applicant.kind,
        name: seal("applicant.name", &applicant.name)?,
        name_blind: act.blind("name", &applicant.name),
        phone: applicant.phone.as_ref().map(|p| seal("applicant.phone", p)).transpose()?,
        phone_blind: applicant.phone.as_ref().map(|p| act.blind("phone", p)),
        id_type: document.map(|(id_type, _)| *id_type),
        id_number: document.map(|(_, number)| seal("applicant.id_number", number)).transpose()?,
        id_blind: document.map(|(_, number)| act.blind("id_number", number)),
        recorded_at: act.now,
    })
}

/// Opens a snapshot.
///
/// # Errors
/// Whatever the vault says.
pub fn open(vault: &Vault, row: &Model) -> Result<Applicant> {
    let open = |column, sealed: &Option<_>| match sealed {
        Some(sealed) => vault.open(Place::new(column, row.centre_id, row.id), sealed).map(Some),
        None => Ok(None),
    };
    let number = open("applicant.id_number", &row.id_number)?;
    Ok(Applicant {
        kind: row.kind,
        name: vault.open(Place::new("applicant.name", row.centre_id, row.id), &row.name)?,
        phone: open("applicant.phone", &row.phone)?,
        document: row.id_type.zip(number),
    })
}

/// One snapshot, in clear.
///
/// # Errors
/// Whatever the database or the vault says; one that is not there is a fault, for whatever names it rests on it.
pub async fn get(db: &impl ConnectionTrait, vault: &Vault, centre: Id, id: Id) -> Result<Applicant> {
    let row = Entity::find_by_id(id).filter(Column::CentreId.eq(centre)).one(db).await?;
    open(vault, &row.ok_or_else(|| anyhow::anyhow!("an applicant's snapshot is not there"))?)
}

/// Snapshots by their ids.
///
/// # Errors
/// Whatever the database says.
pub async fn of(db: &impl ConnectionTrait, centre: Id, ids: impl IntoIterator<Item = Id>) -> Result<Vec<Model>> {
    let rows = Entity::find().filter(Column::Id.is_in(ids));
    Ok(rows.filter(Column::CentreId.eq(centre)).all(db).await?)
}

/// Snapshots of whoever has a phone, by its blind indexes.
///
/// # Errors
/// Whatever the database says.
pub async fn under_phone(db: &impl ConnectionTrait, centre: Id, phone: &[Blind]) -> Result<Vec<Id>> {
    let rows = Entity::find().select_only().column(Column::Id).filter(Column::CentreId.eq(centre));
    let rows = rows.filter(Column::PhoneBlind.is_in(phone.iter().cloned()));
    // Databases limit how many values a statement may carry; the latest are the ones that are asked for.
    Ok(rows.order_by_desc(Column::Id).limit(5000).into_tuple().all(db).await?)
}

/// Snapshots of whoever has both this name and this number of a document, as a query for their ids.
#[must_use]
pub fn same_person(centre: Id, names: Vec<Blind>, numbers: Vec<Blind>) -> Select<Entity> {
    Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::CentreId.eq(centre))
        .filter(Column::IdBlind.is_in(numbers))
        .filter(Column::NameBlind.is_in(names))
}

impl Applicant {
    /// The phone, if it takes texts: a landline does not.
    #[must_use]
    pub fn mobile(&self) -> Option<String> {
        self.phone.as_deref().and_then(personal::mobile)
    }
}

/// Snapshots of whoever has exactly this number of a document, phone or name, whichever it is, as a query; none for what is neither.
#[must_use]
pub fn known_as(vault: &Vault, centre: Id, typed: &str) -> Option<Select<Entity>> {
    let number = personal::id_card(typed).or_else(|| personal::social_credit_code(typed));
    // One of the three: of two at once neither's index would give them in their order.
    let like = if let Some(number) = number {
        Column::IdBlind.is_in(vault.blinds("id_number", centre, &number))
    } else if let Some(phone) = personal::contact(typed) {
        Column::PhoneBlind.is_in(vault.blinds("phone", centre, &phone))
    } else {
        Column::NameBlind.is_in(vault.blinds("name", centre, &personal::name(typed)?))
    };
    Some(Entity::find().filter(Column::CentreId.eq(centre)).filter(like))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::Error;

    fn typed() -> Typed {
        Typed { kind: ApplicantKind::Person, name: "田小满".into(), phone: None, id_type: None, id_number: None }
    }

    fn refused(typed: Typed) -> (&'static str, Option<String>) {
        match typed.check() {
            Err(Error::Refused(r)) => (r.refusal.code, r.field),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn article_2_3_each_wrong_field_is_refused_by_name() {
        assert!(typed().check().is_ok());
        let card = |n: &str| Typed { id_type: Some(IdType::IdCard), id_number: Some(n.into()), ..typed() };
        assert_eq!(card(" 11010519491231002x").check().unwrap().document.unwrap().1, "11010519491231002X");
        assert_eq!(refused(card("110105194912310021")), ("bad_id_card", Some("applicant.id_number".into())));
        let phone = |p: &str| Typed { phone: Some(p.into()), ..typed() };
        assert_eq!(phone("  ").check().unwrap().phone, None, "an empty field is no phone");
        assert_eq!(refused(phone("1380000")), ("bad_contact", Some("applicant.phone".into())));
        assert_eq!(refused(Typed { name: " ".into(), ..typed() }), ("bad_name", Some("applicant.name".into())));
        let firm = |n: &str| Typed {
            kind: ApplicantKind::LegalPerson,
            id_type: Some(IdType::SocialCreditCode),
            id_number: Some(n.into()),
            ..typed()
        };
        assert!(firm("11500114009130311J").check().is_ok());
        assert_eq!(refused(firm("11500114009130311K")).0, "bad_social_credit_code");
        let swapped = Typed { kind: ApplicantKind::Person, ..firm("11500114009130311J") };
        assert_eq!(refused(swapped), ("id_of_other_kind", Some("applicant.id_type".into())));
        assert_eq!(refused(Typed { id_type: Some(IdType::IdCard), ..typed() }).0, "id_incomplete");
        assert_eq!(refused(Typed { id_number: Some("1".into()), ..typed() }).0, "id_incomplete");
    }
}
