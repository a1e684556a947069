//! The steps of a case (环节, article 4.4): those of the version it began under, and its decision.

use super::*;
use crate::guide::StepKind;
/// One step.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "case_step")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// The case.
    pub case_id: Id,
    /// Its place, from 1.
    pub n: i32,
    /// Steps of one stage go on beside one another; the next stage begins when all of them are done.
    pub stage: i32,
    /// Its name.
    pub name: String,
    /// What is done in it.
    pub kind: StepKind,
    /// The post at which it is done; none, if no post takes the matter.
    pub post_id: Option<Id>,
    /// Working days it may take; none where the limit of the case alone holds.
    pub limit_days: Option<i32>,
    /// When it began.
    pub begun_on: Option<NaiveDate>,
    /// Its last day; the decision's is that of the case.
    pub due_on: Option<NaiveDate>,
    /// When it was finished.
    pub finished_at: Option<Time>,
    /// When it was over: finished, or its case ended before.
    pub closed_at: Option<Time>,
    /// When it was found late, if it was (article 5.3.2b).
    pub charged_on: Option<NaiveDate>,
    /// Who held its post then.
    pub charged_id: Option<Id>,
}
plain!();
