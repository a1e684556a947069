//! Who brings a case for its applicant (帮办代办, article 4.7), by a letter of authorisation.

use super::*;

word! {
    /// What the agent is to the applicant.
    AgentKind {
        /// 亲属.
        Kin,
        /// 村（社区）代办员.
        Village,
        /// 其他受托人.
        Other,
    }
}

/// The agent of a case.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "case_agent")]
pub struct Model {
    /// The case.
    #[sea_orm(primary_key, auto_increment = false)]
    pub case_id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// Who he is, as he was then: a snapshot like an applicant's.
    pub person_id: Id,
    /// What he is to the applicant.
    pub kind: AgentKind,
    /// Day of the letter of authorisation (委托书).
    pub authorised_on: NaiveDate,
    /// A scan of the letter, where it was not left on paper.
    pub file_id: Option<Id>,
}
plain!();
