//! Progress (办件进度): what a stranger who holds a number and a proof is told of a case, and nothing else of it is read.

use super::look::numbered;
use super::receive::normal_code;
use super::{NO_PROGRESS, check_code};
use crate::base::error::Result;
use crate::base::personal;
use crate::base::vault::{Place, Vault, same};
use crate::domain::published::Centre;
use crate::domain::{applicant, guide};
use chrono::NaiveDate;
use entity::case::{CaseEventKind, CaseState, Column, Entity, Model, event};
use entity::{Id, Sealed, Time};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, FromQueryResult, JoinType, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, RelationDef, Select,
};

/// How far a case is.
#[derive(Clone, Debug)]
pub struct Progress {
    /// Number of its receipt.
    pub receipt_number: String,
    /// Name of the matter.
    pub item: String,
    /// Where it stands.
    pub state: CaseState,
    /// It has ended.
    pub ended: bool,
    /// Last day of the promise.
    pub due_on: Option<NaiveDate>,
    /// The day may still move.
    pub due_provisional: bool,
    /// What happened, in its order.
    pub events: Vec<Happened>,
}

/// One thing that happened.
#[derive(Clone, Debug)]
pub struct Happened {
    /// What.
    pub kind: CaseEventKind,
    /// When.
    pub at: Time,
    /// The ground, where there is one: for who holds the receipt. What can be guessed shows none.
    pub ground: Option<String>,
    /// Names of corrected fields.
    pub fields: Option<String>,
}

/// How far a case is, for whoever holds its number and a proof. One question: this is what people ask for most.
///
/// # Errors
/// `no_progress`, the same for a wrong number and a wrong proof.
pub async fn progress(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    number: &str,
    proof: &Proof,
) -> Result<Progress> {
    let lines = lines(centre.id, number).into_model::<Line>().all(db).await?;
    let case = lines.first().ok_or(NO_PROGRESS)?;
    if !proof.holds(db, vault, case.into()).await? {
        return Err(NO_PROGRESS.into());
    }
    let guide = guide::by_id(db, centre, case.guide_id).await?;
    let happened = |line: &Line| {
        let words = line.words.as_ref().filter(|_| proof.tail().is_none() && is_public(line.kind));
        let ground = words.map(|words| open_ground(vault, centre.id, line.event_id, words)).transpose()?;
        Ok(Happened { kind: line.kind, at: line.at, ground, fields: line.fields.clone() })
    };
    Ok(Progress {
        receipt_number: case.receipt_number.clone(),
        item: guide.row.name.clone(),
        state: case.state,
        ended: case.ended_at.is_some(),
        due_on: case.due_on,
        due_provisional: case.due_provisional,
        events: lines.iter().map(happened).collect::<Result<_>>()?,
    })
}

/// What progress reads of a case, beside each thing that happened to it.
#[derive(FromQueryResult)]
struct Line {
    id: Id,
    centre_id: Id,
    applicant_id: Id,
    check_code: Sealed,
    receipt_number: String,
    guide_id: Id,
    state: CaseState,
    ended_at: Option<Time>,
    due_on: Option<NaiveDate>,
    due_provisional: bool,
    event_id: Id,
    kind: CaseEventKind,
    at: Time,
    words: Option<Sealed>,
    fields: Option<String>,
}

/// The one question.
#[must_use]
pub fn lines(centre: Id, number: &str) -> Select<Entity> {
    use event::Column as E;
    let events: RelationDef = Entity::belongs_to(event::Entity).from(Column::Id).to(E::CaseId).into();
    numbered(centre, number)
        .select_only()
        .columns([Column::Id, Column::CentreId, Column::ApplicantId, Column::CheckCode, Column::ReceiptNumber])
        .columns([Column::GuideId, Column::State, Column::EndedAt, Column::DueOn, Column::DueProvisional])
        .column_as(E::Id, "event_id")
        .columns([E::Kind, E::At, E::Words, E::Fields])
        .join(JoinType::InnerJoin, events)
        .order_by_asc(E::At)
        .order_by_asc(E::Id)
}

/// What is written of an event is for its applicant too; the opinions of steps are not.
#[must_use]
pub const fn is_public(kind: CaseEventKind) -> bool {
    !matches!(kind, CaseEventKind::StepFinished)
}

/// An entry of a case's timeline: what is told of an event, and not what figures rest on.
#[derive(Clone, Debug, FromQueryResult)]
pub struct TimelineEntry {
    /// The event.
    pub id: Id,
    centre_id: Id,
    /// What happened.
    pub kind: CaseEventKind,
    /// The step that was finished.
    pub step: Option<i32>,
    /// The event that was a mistake.
    pub amends_id: Option<Id>,
    /// When.
    pub at: Time,
    /// Account, staff or job.
    pub actor: String,
    /// The letter of delegation under which it was done.
    pub delegation_id: Option<Id>,
    /// The deadline after it.
    pub due_on: Option<NaiveDate>,
    words: Option<Sealed>,
    /// Names of corrected fields.
    pub fields: Option<String>,
}

/// What happened to a case, in its order.
///
/// # Errors
/// Whatever the database says.
pub async fn timeline(db: &impl ConnectionTrait, case: &Model) -> Result<Vec<TimelineEntry>> {
    use event::Column as E;
    let events = entries().filter(E::CaseId.eq(case.id)).order_by_asc(E::At).order_by_asc(E::Id);
    Ok(events.into_model().all(db).await?)
}

/// What is read of events for a [`TimelineEntry`].
pub(super) fn entries() -> Select<event::Entity> {
    use event::Column as E;
    let about = [E::Id, E::CentreId, E::Kind, E::Step, E::AmendsId, E::At, E::Actor, E::DelegationId];
    let told = about.into_iter().chain([E::DueOn, E::Words, E::Fields]);
    event::Entity::find().select_only().columns(told)
}

/// The ground an event carries, in clear.
///
/// # Errors
/// Whatever the vault says.
pub fn ground(vault: &Vault, event: &TimelineEntry) -> Result<Option<String>> {
    event.words.as_ref().map(|words| open_ground(vault, event.centre_id, event.id, words)).transpose()
}

fn open_ground(vault: &Vault, centre: Id, event: Id, words: &Sealed) -> Result<String> {
    Ok(vault.open(Place::new("case_event.words", centre, event), words)?)
}

/// What proves that a stranger has to do with a case, in its normal form: as it is compared, so it is counted.
#[derive(Clone)]
pub struct Proof {
    of: ProofOf,
    word: String,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum ProofOf {
    Receipt,
    Phone,
    Document,
}

/// What a proof is held against.
pub(super) struct Kept<'a> {
    centre: Id,
    case: Id,
    check_code: &'a Sealed,
    applicant: Id,
}

impl<'a> From<&'a Model> for Kept<'a> {
    fn from(case: &'a Model) -> Self {
        Self { centre: case.centre_id, case: case.id, check_code: &case.check_code, applicant: case.applicant_id }
    }
}

impl<'a> From<&'a Line> for Kept<'a> {
    fn from(case: &'a Line) -> Self {
        Self { centre: case.centre_id, case: case.id, check_code: &case.check_code, applicant: case.applicant_id }
    }
}

impl Proof {
    /// The check code of the receipt.
    #[must_use]
    pub fn check_code(typed: &str) -> Self {
        Self { of: ProofOf::Receipt, word: normal_code(typed) }
    }

    /// The last four digits of the applicant's phone.
    #[must_use]
    pub fn phone_tail(typed: &str) -> Self {
        Self { of: ProofOf::Phone, word: normal_code(typed) }
    }

    /// The last four characters of the applicant's document.
    #[must_use]
    pub fn id_tail(typed: &str) -> Self {
        Self { of: ProofOf::Document, word: normal_code(typed) }
    }

    /// What is short enough to be guessed, so that tries must be counted. A check code is not, and whoever holds a receipt
    /// is never locked out by somebody else's guessing.
    #[must_use]
    pub fn tail(&self) -> Option<&str> {
        (self.of != ProofOf::Receipt).then_some(&self.word)
    }

    /// True when it fits a case.
    pub(super) async fn holds(&self, db: &impl ConnectionTrait, vault: &Vault, case: Kept<'_>) -> Result<bool> {
        let applicant = async || applicant::get(db, vault, case.centre, case.applicant).await;
        let kept = match self.of {
            ProofOf::Receipt => Some(check_code(vault, case.centre, case.case, case.check_code)?),
            ProofOf::Phone => applicant().await?.phone.map(|p| personal::tail(&p, 4)),
            ProofOf::Document => {
                applicant().await?.document.map(|(_, number)| personal::tail(&normal_code(&number), 4))
            }
        };
        // What is shorter than four characters proves nothing.
        let kept = kept.filter(|k| k.chars().count() >= 4);
        Ok(kept.is_some_and(|kept| same(kept.as_bytes(), self.word.as_bytes())))
    }
}
