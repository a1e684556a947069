//! A case in full: what happened to it, what was handed over, its steps, and what its applicant was told.

use super::view::{CaseView, Clockwork, EventView, shown};
use crate::api::view::{ApplicantView, Moment, moment};
use crate::app::App;
use crate::base::Result;
use crate::domain::case::{self, Filed, Missing, Seen, Told};
use crate::domain::identity::{Viewer, staff};
use crate::domain::published::Centre;
use crate::domain::{centre, notice, post};
use chrono::NaiveDate;
use entity::Id;
use entity::case::agent::AgentKind;
use entity::case::{CaseState, MaterialForm, MaterialStanding, NegativeCause};
use entity::guide::{Medium, StepKind};
use entity::notice::DoubtWhy;
use poem_openapi::Object;

/// Who brought a case for its applicant.
#[derive(Object)]
pub(super) struct AgentView {
    /// Who; masked for staff.
    #[oai(flatten)]
    person: ApplicantView,
    /// What he is to the applicant.
    relation: AgentKind,
    /// Day of the letter of authorisation.
    authorised_on: NaiveDate,
    /// There is a scan of the letter.
    has_letter: bool,
}

/// A material that was taken in.
#[derive(Object)]
pub(super) struct TakenView {
    /// Name.
    pub(super) name: String,
    /// Original, copy or electronic.
    pub(super) form: MaterialForm,
    /// Copies.
    pub(super) copies: i32,
    /// Place in the list.
    pub(super) n: i32,
    /// On what account it counts.
    pub(super) standing: MaterialStanding,
    /// The day by whose end it follows, or the promise is looked into.
    pub(super) due_on: Option<NaiveDate>,
    /// When it came, or the promise was looked into.
    pub(super) settled_at: Option<Moment>,
    /// Whether the promise was kept.
    pub(super) kept: Option<bool>,
    /// There is a file of it.
    pub(super) has_file: bool,
    /// Name of the post that has the original, which is to be handed back.
    pub(super) held_by: Option<String>,
    /// When the original was handed back.
    pub(super) handed_back_at: Option<Moment>,
}

/// A step of a case.
#[derive(Object)]
pub(super) struct StepView {
    /// Its place, from 1.
    pub(super) n: i32,
    /// Steps of one stage go on beside one another.
    pub(super) stage: i32,
    /// Its name.
    pub(super) name: String,
    /// What is done in it.
    pub(super) kind: StepKind,
    /// Name of the post; for staff only.
    #[oai(skip_serializing_if_is_none)]
    pub(super) post: Option<String>,
    /// When it began.
    pub(super) begun_on: Option<NaiveDate>,
    /// Its last day.
    pub(super) due_on: Option<NaiveDate>,
    /// When it was finished.
    pub(super) finished_at: Option<Moment>,
    /// When it was found late; for staff only.
    #[oai(skip_serializing_if_is_none)]
    pub(super) charged_on: Option<NaiveDate>,
    /// Who held its post then; for staff only.
    #[oai(skip_serializing_if_is_none)]
    pub(super) charged: Option<String>,
}

/// What an applicant who was told no is told beside the ground.
#[derive(Object)]
pub(super) struct NoView {
    /// Why, in the law's kinds.
    pub(super) cause: NegativeCause,
    /// The ground, in words.
    pub(super) ground: Option<String>,
    /// The provision it rests on.
    pub(super) basis: String,
    /// Where to go instead.
    pub(super) elsewhere: Option<String>,
    /// What can be done against it.
    pub(super) remedies: String,
}

/// A material that is missing.
#[derive(Object)]
pub(super) struct MissingView {
    /// Its name, as in the guide.
    material: String,
    /// What is wanted of it.
    what: String,
    /// On what.
    medium: Medium,
    /// How many.
    copies: i32,
}

/// What the applicant was told that is missing.
#[derive(Object)]
pub(super) struct SupplementView {
    /// The materials.
    wanted: Vec<MissingView>,
    /// By when.
    until: NaiveDate,
    /// How often an error in it was put right.
    corrected: i32,
}

impl From<Told> for SupplementView {
    fn from(told: Told) -> Self {
        let view = |missing: Missing| MissingView {
            material: missing.material,
            what: missing.what,
            medium: missing.medium,
            copies: missing.copies,
        };
        let wanted = told.wanted.into_iter().map(view).collect();
        Self { wanted, until: told.until, corrected: told.corrected }
    }
}

/// A case with what happened and what was handed over.
#[derive(Object)]
pub(super) struct CaseDetail {
    /// The case.
    #[oai(flatten)]
    pub(super) case: CaseView,
    /// What happened.
    pub(super) timeline: Vec<EventView>,
    /// What was handed over.
    pub(super) materials: Vec<TakenView>,
    /// Its steps; none before acceptance.
    pub(super) steps: Vec<StepView>,
    /// How often it brought its applicant here.
    pub(super) trips: u32,
    /// Who brought it for the applicant, if somebody did.
    #[oai(skip_serializing_if_is_none)]
    pub(super) agent: Option<AgentView>,
    /// Who was asked first; for staff only.
    #[oai(skip_serializing_if_is_none)]
    pub(super) first_asked: Option<String>,
    /// The no, where it was one.
    #[oai(skip_serializing_if_is_none)]
    pub(super) no: Option<NoView>,
    /// What the applicant was told that is missing, if so.
    #[oai(skip_serializing_if_is_none)]
    pub(super) supplement: Option<SupplementView>,
    /// Why the applicant's phone may not be his any longer, if so; for staff only.
    #[oai(skip_serializing_if_is_none)]
    pub(super) phone_doubt: Option<DoubtWhy>,
}

/// A case with its timeline and materials; of one that is seen in part, the matter and the state alone.
pub(super) async fn detail(app: &App, centre: &Centre, seen: Seen, viewer: &Viewer) -> Result<CaseDetail> {
    let db = app.read();
    let offices = centre::offices(db, centre.id).await?;
    let phone = seen.applicant.as_ref().and_then(|a| a.phone.as_deref()).filter(|_| viewer.is_staff());
    let phone_doubt = match phone {
        Some(phone) => notice::doubted(db, &app.vault, centre.id, phone).await?,
        None => None,
    };
    let (row, in_full) = (seen.row.clone(), seen.applicant.is_some());
    let clock = Clockwork::of(db, centre, app.clock.now()).await?;
    let mut detail = CaseDetail {
        case: shown(seen, &offices, &clock, viewer),
        timeline: Vec::new(),
        materials: Vec::new(),
        steps: Vec::new(),
        trips: 0,
        agent: None,
        first_asked: None,
        no: None,
        supplement: None,
        phone_doubt,
    };
    if !in_full {
        return Ok(detail);
    }
    // Who did what is the staff's own to know.
    let names = if viewer.is_staff() { Some(staff::names(db, centre.id).await?) } else { None };
    let name = |id: Id| names.as_ref()?.get(&id.to_string()).cloned();
    for e in case::timeline(db, &row).await? {
        let by = names.as_ref().map(|names| names.get(&e.actor).cloned().unwrap_or_else(|| e.actor.clone()));
        let readable = viewer.is_staff() || case::is_public(e.kind);
        let ground = if readable { case::ground(&app.vault, &e)? } else { None };
        let ours = |id: Option<Id>| id.filter(|_| viewer.is_staff());
        let (id, amends) = (ours(Some(e.id)), ours(e.amends_id));
        let at = moment(e.at);
        detail.timeline.push(EventView { id, kind: e.kind, step: e.step, amends, at, by, ground, fields: e.fields });
    }
    let posts = post::all(db, centre).await?;
    let custody = case::last_custody(case::custody(db, &row).await?);
    let taken = |m: entity::case::material::Model| {
        let at = custody.get(&Some(m.id));
        TakenView {
            held_by: at.and_then(|at| posts.of(at.post_id?)).map(|post| post.row.name.clone()),
            handed_back_at: at.filter(|at| at.post_id.is_none()).map(|at| moment(at.at)),
            n: m.n,
            name: m.name,
            form: m.form,
            copies: m.copies,
            standing: m.standing,
            due_on: m.due_on,
            settled_at: m.settled_at.map(moment),
            kept: m.kept,
            has_file: m.file_id.is_some(),
        }
    };
    detail.materials = case::materials(db, &row).await?.into_iter().map(taken).collect();
    let step = |step: entity::case::step::Model| StepView {
        n: step.n,
        stage: step.stage,
        name: step.name,
        kind: step.kind,
        post: step.post_id.filter(|_| viewer.is_staff()).and_then(|id| posts.of(id)).map(|p| p.row.name.clone()),
        begun_on: step.begun_on,
        due_on: step.due_on,
        finished_at: step.finished_at.map(moment),
        charged_on: step.charged_on.filter(|_| viewer.is_staff()),
        charged: step.charged_id.and_then(name),
    };
    detail.steps = case::steps(db, &row).await?.into_iter().map(step).collect();
    detail.trips = u32::try_from(case::trips(db, &row).await?.len()).unwrap_or(u32::MAX);
    detail.agent = case::agent(db, &app.vault, centre, &row).await?.map(|(agent, person)| AgentView {
        person: ApplicantView::to(viewer.is_staff(), &person),
        relation: agent.kind,
        authorised_on: agent.authorised_on,
        has_letter: agent.file_id.is_some(),
    });
    detail.first_asked = row.first_asked_id.and_then(name);
    if matches!(row.state, CaseState::Refused | CaseState::Denied) {
        detail.no = case::negative_of(db, &app.vault, &row).await?.map(NoView::from);
    }
    detail.supplement = case::told(db, &app.vault, &row).await?.map(SupplementView::from);
    Ok(detail)
}

impl From<Filed> for NoView {
    fn from(filed: Filed) -> Self {
        let Filed { row, ground, .. } = filed;
        let remedies = case::REMEDIES.to_owned();
        Self { cause: row.cause, ground, basis: row.basis, elsewhere: row.elsewhere, remedies }
    }
}
