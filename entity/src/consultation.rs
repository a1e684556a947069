//! Consultations (咨询), at the counter or by telephone.

use crate::{Id, Sealed, Time};
use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

word! {
    /// How somebody asked.
    ConsultationWay {
        /// At the counter.
        Visit,
        /// By telephone.
        Telephone,
    }
}

/// A consultation: who was asked first, what, and what was told (article 4.5).
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "consultation")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// How.
    pub way: ConsultationWay,
    /// Who was asked first (首问责任人).
    pub staff_id: Id,
    /// The matter, if it is one of the centre's.
    pub guide_id: Option<Id>,
    /// What was asked.
    pub topic: Sealed,
    /// Who asked, as far as he said.
    pub asker: Option<Sealed>,
    /// The office of the centre that handles it.
    pub office_id: Option<Id>,
    /// Who else handles it, if nobody here does.
    pub elsewhere: Option<String>,
    /// The department and its telephone, as they were told (article 5.3.1a).
    pub told: String,
    /// He was helped with filling in (指导填写).
    pub filled_in: bool,
    /// When.
    pub at: Time,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Beijing date.
    pub on_date: NaiveDate,
}
plain!();
