//! Looking at cases: who may see what is decided here, once.

use super::desk::{Desk, Power, Under};
use super::progress::Proof;
use super::{BAD_FIELDS, PURPOSE_NEEDED, PURPOSE_WITHOUT_NUMBERS, UNKNOWN_CASE, WRONG_PROOF};
use super::{agent, custody, joint, step};
use crate::base::error::Result;
use crate::base::personal;
use crate::base::vault::Vault;
use crate::domain::act::{Act, Page, Who};
use crate::domain::applicant::{self, Applicant};
use crate::domain::cover::{Cover, NOT_YOUR_POST};
use crate::domain::identity::Viewer;
use crate::domain::published::Centre;
use crate::domain::{audit, authority, guide};
use entity::case::{Column, Entity, Model, material};
use entity::identity::Role;
use entity::post::PostKind;
use entity::{Id, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait, ExprTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _, Select,
};
use std::cmp::Reverse;
use std::collections::{BTreeSet, HashMap};

/// What somebody may see of cases at a moment, and under which posts he acts there.
pub struct Sight {
    viewer: Viewer,
    /// The offices whose cases he sees; none where he sees all, or is no member of staff.
    offices: Option<BTreeSet<Id>>,
    /// What he sees is any of these; never none, each by an index of its own.
    pub(super) scopes: Vec<Condition>,
    desk: Option<Desk>,
}

impl Sight {
    /// The rows a viewer may see at all: the windows, the director, leaders and the supervision window see the centre's cases,
    /// an office its own and the joint ones under way that it has a part of, a resident what his account made or what was entered
    /// under his phone, others none. Whoever stands in at a post sees what belongs to it (article 4.8).
    ///
    /// # Errors
    /// `not_signed_in` for whoever is neither resident nor staff, `no_account`.
    pub async fn of(db: &impl ConnectionTrait, vault: &Vault, centre: &Centre, who: &Who, now: Time) -> Result<Self> {
        const WHOLE_CENTRE: [Role; 4] = [Role::Window, Role::Director, Role::Leader, Role::SupervisionWindow];
        let viewer = Viewer::of(db, vault, centre.id, who).await?;
        let (offices, scopes, desk) = match &viewer {
            Viewer::Staff(staff) => {
                let cover = Cover::at(db, centre, now).await?;
                let held = || cover.posts().filter(|post| cover.standing(staff, |of| of.row.id == post.row.id).is_ok());
                let whole = held().any(|post| matches!(post.row.kind, PostKind::Window | PostKind::Chief));
                let (offices, scopes) = if whole || staff.is_any(&WHOLE_CENTRE) {
                    (None, vec![Condition::all()])
                } else {
                    let own = staff.office.filter(|_| staff.is_any(&[Role::Office, Role::OfficeHead]));
                    let offices: BTreeSet<Id> = held().filter_map(|post| post.row.office_id).chain(own).collect();
                    let theirs =
                        cover.posts().filter(|post| post.row.office_id.is_some_and(|of| offices.contains(&of)));
                    let parts = joint::parts(db, centre.id, theirs.map(|post| post.row.id), false).await?;
                    let own = offices.iter().map(|office| Column::OfficeId.eq(*office)).collect();
                    let scopes = either(own, Column::Id, parts);
                    (Some(offices), scopes)
                };
                let delegations = authority::all(db, centre).await?;
                (offices, scopes, Some(Desk { cover, delegations, on: now.date() }))
            }
            Viewer::Resident(known) => {
                // Their ids, not a subquery: beside an OR it would be asked for every case of the centre.
                let under_phone = applicant::under_phone(db, centre.id, &known.phone_blinds).await?;
                (None, either(vec![Column::AccountId.eq(known.id)], Column::ApplicantId, under_phone), None)
            }
        };
        Ok(Self { viewer, offices, scopes, desk })
    }

    /// True when he sees a case for a part of it alone.
    fn by_part(&self, case: &Model) -> bool {
        self.offices.as_ref().is_some_and(|offices| !offices.contains(&case.office_id))
    }

    /// Rows that he may see.
    pub(super) fn rows(&self) -> Condition {
        match &self.scopes[..] {
            [all] => all.clone(),
            scopes => scopes.iter().cloned().fold(Condition::any(), Condition::add),
        }
    }

    /// The same for whoever acts.
    ///
    /// # Errors
    /// As [`Sight::of`].
    pub async fn acting(act: &Act) -> Result<Self> {
        Self::of(&*act.tx, &act.vault, &act.centre, &act.who, act.now).await
    }

    /// Narrows a query to rows whose case he may see.
    #[must_use]
    pub fn among<E: EntityTrait>(&self, centre: Id, rows: Select<E>, case: E::Column) -> Select<E> {
        let own = self.rows();
        if own.is_empty() {
            return rows;
        }
        let seen = Entity::find().select_only().column(Column::Id).filter(Column::CentreId.eq(centre));
        rows.filter(case.in_subquery(seen.filter(own).into_query()))
    }

    /// Who looks.
    #[must_use]
    pub const fn viewer(&self) -> &Viewer {
        &self.viewer
    }

    /// Under which post whoever looks has a power over a case; whether it is its turn is another question.
    ///
    /// # Errors
    /// As [`Desk::under`].
    pub fn under(&self, case: &Model, power: Power) -> Result<Under> {
        match (&self.viewer, &self.desk) {
            (Viewer::Staff(staff), Some(desk)) => desk.under(staff, case, power),
            _ => Err(NOT_YOUR_POST.into()),
        }
    }

    /// Lets only whoever holds the first responsible person's post pass.
    ///
    /// # Errors
    /// `not_your_post`, `you_are_away`, `held_by_another`.
    pub fn ensure_chief(&self) -> Result<()> {
        match (&self.viewer, &self.desk) {
            (Viewer::Staff(staff), Some(desk)) => {
                desk.cover.standing(staff, |post| post.row.kind == PostKind::Chief).map(drop)
            }
            _ => Err(NOT_YOUR_POST.into()),
        }
    }

    /// True when he may see the applicant and the timeline of a row in his scope, and not the matter alone.
    pub(super) fn in_full(&self, case: &Model) -> bool {
        match &self.viewer {
            Viewer::Staff(_) => true,
            Viewer::Resident(known) => case.account_id == Some(known.id) && case.received_at >= known.since,
        }
    }
}

/// Each as a scope of its own, beside those whose column is among some ids: without ids that would be a question for nothing, unless
/// there is no other.
pub(super) fn either(own: Vec<Expr>, column: Column, ids: Vec<Id>) -> Vec<Condition> {
    let among = (!ids.is_empty() || own.is_empty()).then(|| column.is_in(ids));
    own.into_iter().chain(among).map(|scope| Condition::all().add(scope)).collect()
}

/// A case with what is shown beside it.
#[derive(Clone, Debug)]
pub struct Seen {
    /// The case.
    pub row: Model,
    /// Name of the matter.
    pub item: String,
    /// Code of its guide.
    pub guide_code: String,
    /// The applicant in clear, if the one who looks may know; masked by whoever shows it to staff.
    pub applicant: Option<Applicant>,
}

/// The case of a case or receipt number that this viewer may see.
///
/// # Errors
/// `unknown_case`, also for one that is another's.
pub async fn find(db: &impl ConnectionTrait, centre: Id, number: &str, sight: &Sight) -> Result<Model> {
    let row = numbered(centre, number).filter(sight.rows()).one(db).await?;
    row.ok_or_else(|| UNKNOWN_CASE.into())
}

/// A number as it is kept, however it was typed.
#[must_use]
pub fn normal_number(typed: &str) -> String {
    personal::half_width(typed).trim().to_ascii_uppercase()
}

/// The same, held against others until the act ends: what is read of it stays true.
///
/// # Errors
/// `unknown_case`.
pub(super) async fn hold(act: &Act, number: &str, sight: &Sight) -> Result<Model> {
    let row = numbered(act.centre.id, number).filter(sight.rows()).lock_exclusive().one(&*act.tx).await?;
    row.ok_or_else(|| UNKNOWN_CASE.into())
}

/// The row of a case or receipt number.
pub(super) fn numbered(centre: Id, number: &str) -> Select<Entity> {
    let number = normal_number(number);
    let either = Column::Number.eq(&number).or(Column::ReceiptNumber.eq(&number));
    Entity::find().filter(Column::CentreId.eq(centre)).filter(either)
}

/// Cases of whoever has exactly this name, phone or number of a document, that the member of staff who acts may see; whose person was
/// written down last, first. It leaves a line: whoever searches learns whether somebody has a case here.
///
/// # Errors
/// `unknown_case` for whoever is not staff, `bad_cursor`.
pub async fn search(act: &Act, person: &str, page: Page) -> Result<(Vec<Seen>, Option<String>)> {
    use entity::applicant::Column as Person;
    let (sight, centre) = (colleague(act).await?, act.centre.id);
    let (mut found, mut part) = (Vec::new(), Some(page));
    // Part by part, for a person was written down for bookings too; after the first in large ones.
    while let Some(batch) = part.filter(|_| found.len() as u64 <= page.limit) {
        let Some(people) = applicant::known_as(&act.vault, centre, person) else { break };
        let people = batch.of(people, Person::RecordedAt, Person::Id).all(&*act.tx).await?;
        let (people, next) = batch.cut(people, |p| (p.recorded_at, p.id));
        let ids: Vec<Id> = people.iter().map(|person| person.id).collect();
        let mut cases = of_applicants(centre, &sight, &ids).all(&*act.tx).await?;
        cases.sort_unstable_by_key(|case| (ids.iter().position(|id| *id == case.applicant_id), Reverse(case.id)));
        let at = |case: &Model| people.iter().find(|p| p.id == case.applicant_id).map(|p| (p.recorded_at, p.id));
        found.extend(cases.into_iter().filter_map(|case| Some((at(&case)?, case))));
        part = match next {
            Some(next) => Some(Page::new(Some(100), Some(&next))?),
            None => None,
        };
    }
    let (found, next) = page.cut(found, |(at, _)| *at);
    let rows: Vec<Model> = found.into_iter().map(|(_, case)| case).collect();
    audit::note(act, "case.searched", "", serde_json::json!({ "found": rows.len() })).await?;
    Ok((show(&*act.tx, &act.vault, &act.centre, rows, &sight).await?, next))
}

/// The cases of some applicants that a viewer may see.
#[must_use]
pub fn of_applicants(centre: Id, sight: &Sight, applicants: &[Id]) -> Select<Entity> {
    let theirs = Column::ApplicantId.is_in(applicants.iter().copied());
    Entity::find().filter(Column::CentreId.eq(centre)).filter(theirs).filter(sight.rows())
}

/// What the member of staff who acts may see.
pub(super) async fn colleague(act: &Act) -> Result<Sight> {
    match &act.who {
        Who::Staff(_) => Sight::acting(act).await,
        _ => Err(UNKNOWN_CASE.into()),
    }
}

pub(super) async fn show(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    rows: Vec<Model>,
    sight: &Sight,
) -> Result<Vec<Seen>> {
    let guides = guide::all(db, centre).await?;
    let snapshots = applicant::of(db, centre.id, rows.iter().map(|r| r.applicant_id)).await?;
    let snapshots: HashMap<Id, _> = snapshots.into_iter().map(|s| (s.id, s)).collect();
    let mut seen = Vec::with_capacity(rows.len());
    for row in rows {
        let snapshot = snapshots.get(&row.applicant_id).filter(|_| sight.in_full(&row));
        let guide = guides.of(row.guide_id);
        seen.push(Seen {
            item: guide.map(|g| g.row.name.clone()).unwrap_or_default(),
            guide_code: guide.map(|g| g.row.code.clone()).unwrap_or_default(),
            applicant: snapshot.map(|s| applicant::open(vault, s)).transpose()?,
            row,
        });
    }
    Ok(seen)
}

/// A case with its item and, where the viewer may know, its applicant.
///
/// # Errors
/// `unknown_case`.
pub async fn see(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    number: &str,
    sight: &Sight,
) -> Result<Seen> {
    let row = find(db, centre.id, number, sight).await?;
    show(db, vault, centre, vec![row], sight).await?.pop().ok_or_else(|| UNKNOWN_CASE.into())
}

/// A case whose papers a viewer may read: they say in full whom they are for, so staff handle it or have a part of it in hand, and a
/// resident sees it in full.
///
/// # Errors
/// `unknown_case`.
pub async fn papers(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    number: &str,
    sight: &Sight,
) -> Result<Seen> {
    let seen = see(db, vault, centre, number, sight).await?;
    let may = match sight.viewer() {
        Viewer::Staff(_) => {
            let parts = if seen.row.joint { step::of(db, &seen.row).await? } else { Vec::new() };
            custody::standing(sight, &seen.row, &parts).is_ok()
        }
        Viewer::Resident(_) => seen.applicant.is_some(),
    };
    if may { Ok(seen) } else { Err(UNKNOWN_CASE.into()) }
}

/// A case that a viewer sees in part, in full for a proof: it was entered at the window under his phone, or before his
/// account was surely his.
///
/// # Errors
/// `unknown_case`, `wrong_proof`.
pub async fn open(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    number: &str,
    sight: &Sight,
    proof: &Proof,
) -> Result<Seen> {
    let seen = see(db, vault, centre, number, sight).await?;
    if !proof.holds(db, vault, (&seen.row).into()).await? {
        return Err(WRONG_PROOF.into());
    }
    let applicant = applicant::get(db, vault, centre.id, seen.row.applicant_id).await?;
    Ok(Seen { applicant: Some(applicant), ..seen })
}

/// What was handed over with a case.
///
/// # Errors
/// Whatever the database says.
pub async fn materials(db: &impl ConnectionTrait, case: &Model) -> Result<Vec<material::Model>> {
    let rows = material::Entity::find().filter(material::Column::CaseId.eq(case.id));
    Ok(rows.order_by_asc(material::Column::N).all(db).await?)
}

/// Shows personal data in full, for a purpose, and writes that down.
///
/// # Errors
/// `unknown_case`, `bad_fields`, `purpose_needed`, `purpose_without_numbers`.
pub async fn reveal(
    act: &Act,
    number: &str,
    fields: &[String],
    purpose: &str,
) -> Result<Vec<(&'static str, Option<String>)>> {
    const FIELDS: [&str; 5] = ["name", "phone", "id_number", "agent_name", "agent_phone"];
    let wanted: Vec<&'static str> = FIELDS.into_iter().filter(|f| fields.iter().any(|w| w == f)).collect();
    if wanted.is_empty() || !fields.iter().all(|f| FIELDS.contains(&f.as_str())) {
        return Err(BAD_FIELDS.on("fields").into());
    }
    let purpose = purpose.trim();
    if !(2..=60).contains(&purpose.chars().count()) {
        return Err(PURPOSE_NEEDED.on("purpose").into());
    }
    // It is written down for ever: whose it is, the case says.
    if personal::holds_a_number(purpose) {
        return Err(PURPOSE_WITHOUT_NUMBERS.on("purpose").into());
    }
    let sight = colleague(act).await?;
    let mut seen = see(&*act.tx, &act.vault, &act.centre, number, &sight).await?;
    if sight.by_part(&seen.row) {
        // Whose part is done has no more to do with the person.
        seen = papers(&*act.tx, &act.vault, &act.centre, number, &sight).await?;
    }
    let applicant = seen.applicant.ok_or(UNKNOWN_CASE)?;
    audit::note(act, "case.revealed", &seen.row.number, serde_json::json!({ "fields": wanted, "purpose": purpose }))
        .await?;
    let agent = agent::of(&*act.tx, &act.vault, &act.centre, &seen.row).await?.map(|(_, person)| person);
    let value = |field| match field {
        "name" => Some(applicant.name.clone()),
        "phone" => applicant.phone.clone(),
        "agent_name" => agent.as_ref().map(|agent| agent.name.clone()),
        "agent_phone" => agent.as_ref().and_then(|agent| agent.phone.clone()),
        _ => applicant.document.as_ref().map(|(_, number)| number.clone()),
    };
    Ok(wanted.into_iter().map(|field| (field, value(field))).collect())
}
