//! Applicants (申请人, article 2.3): who a booking or a case is for, as it was told then.

use crate::{Blind, Id, Sealed, Time};
use sea_orm::entity::prelude::*;

word! {
    /// What an applicant is (article 2.3).
    ApplicantKind {
        /// 自然人.
        Person,
        /// 法人.
        LegalPerson,
        /// 其他组织.
        Organisation,
    }
}

word! {
    /// Kind of an identity document.
    IdType {
        /// 居民身份证, GB 11643.
        IdCard,
        /// 统一社会信用代码, GB 32100.
        SocialCreditCode,
        /// Any other; its number is not checked.
        Other,
    }
}

/// One snapshot. Retention blanks it without touching events.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "applicant")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// Citizen, legal person or organisation.
    pub kind: ApplicantKind,
    /// Name.
    pub name: Sealed,
    /// Blind index of the name.
    pub name_blind: Blind,
    /// Phone, if there is one.
    pub phone: Option<Sealed>,
    /// Blind index of the phone.
    pub phone_blind: Option<Blind>,
    /// Kind of document.
    pub id_type: Option<IdType>,
    /// Number of the document.
    pub id_number: Option<Sealed>,
    /// Blind index of the number.
    pub id_blind: Option<Blind>,
    /// When it was recorded.
    pub recorded_at: Time,
}
plain!();
