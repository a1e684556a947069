//! What happened to cases; append-only, figures rest on this.

use super::*;
use crate::audit::ActorKind;
/// One event. It carries the deadline as it stood afterwards.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "case_event")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// The case.
    pub case_id: Id,
    /// What happened.
    pub kind: CaseEventKind,
    /// Where the case stood after it.
    pub state: CaseState,
    /// The step that was finished.
    pub step: Option<i32>,
    /// The event that was a mistake.
    pub amends_id: Option<Id>,
    /// When it happened.
    pub at: Time,
    /// When it was recorded.
    pub recorded_at: Time,
    /// Beijing date on which it happened.
    pub on_date: NaiveDate,
    /// Kind of the actor.
    pub actor_kind: ActorKind,
    /// Account, staff or job.
    pub actor: String,
    /// The post at which staff did it (article 4.8).
    pub post_id: Option<Id>,
    /// As its A, its B or a substitute.
    pub letter: Option<Letter>,
    /// Whose work it is: the post's A.
    pub of_id: Option<Id>,
    /// The letter of delegation under which it was decided (article 4.2).
    pub delegation_id: Option<Id>,
    /// The deadline after it.
    pub due_on: Option<NaiveDate>,
    /// The day of the decision after it.
    pub decided_on: Option<NaiveDate>,
    /// Ground or remark in the writer's words.
    pub words: Option<Sealed>,
    /// Names of corrected fields, joined by commas.
    pub fields: Option<String>,
    /// How the result was handed over.
    pub handing: Option<Handing>,
}
plain!();
