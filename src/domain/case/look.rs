//! Looking at cases: who may see what is decided here, once.

use super::clock::Lamp;
use super::desk::{Desk, Power, Under};
use super::progress::Proof;
use super::{BAD_FIELDS, PURPOSE_NEEDED, PURPOSE_WITHOUT_NUMBERS, TOO_MANY_ROWS, UNKNOWN_CASE, WRONG_PROOF};
use crate::base::error::Result;
use crate::base::personal;
use crate::base::vault::Vault;
use crate::domain::act::{Act, Page, Who};
use crate::domain::applicant::{self, Applicant};
use crate::domain::centre::Lamps;
use crate::domain::cover::{Cover, NOT_YOUR_POST};
use crate::domain::identity::{Viewer, staff};
use crate::domain::published::Centre;
use crate::domain::{audit, authority, calendar, guide};
use chrono::NaiveDate;
use entity::case::{CaseState, Column, Entity, Model, event, material};
use entity::identity::Role;
use entity::post::PostKind;
use entity::{Id, Time};
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, Select,
};
use std::collections::{BTreeSet, HashMap};

/// What somebody may see of cases at a moment, and under which posts he acts there.
pub struct Sight {
    viewer: Viewer,
    rows: Condition,
    desk: Option<Desk>,
}

impl Sight {
    /// The rows a viewer may see at all: the windows, the director, leaders and the supervision window see the centre's cases,
    /// an office its own, a resident what his account made or what was entered under his phone, others none. Whoever stands in
    /// at a post sees what belongs to it (article 4.8).
    ///
    /// # Errors
    /// `not_signed_in` for whoever is neither resident nor staff, `no_account`.
    pub async fn of(db: &impl ConnectionTrait, vault: &Vault, centre: &Centre, who: &Who, now: Time) -> Result<Self> {
        const WHOLE_CENTRE: [Role; 4] = [Role::Window, Role::Director, Role::Leader, Role::SupervisionWindow];
        let viewer = Viewer::of(db, vault, centre.id, who).await?;
        let (rows, desk) = match &viewer {
            Viewer::Staff(staff) => {
                let cover = Cover::at(db, centre, now).await?;
                let held = || cover.posts().filter(|post| cover.standing(staff, |of| of.row.id == post.row.id).is_ok());
                let whole = held().any(|post| matches!(post.row.kind, PostKind::Window | PostKind::Chief));
                let rows = if whole || staff.is_any(&WHOLE_CENTRE) {
                    Condition::all()
                } else {
                    let own = staff.office.filter(|_| staff.is_any(&[Role::Office, Role::OfficeHead]));
                    let offices: BTreeSet<Id> = held().filter_map(|post| post.row.office_id).chain(own).collect();
                    Condition::all().add(Column::OfficeId.is_in(offices))
                };
                let delegations = authority::all(db, centre).await?;
                (rows, Some(Desk { cover, delegations, on: now.date() }))
            }
            Viewer::Resident(known) => {
                // Their ids, not a subquery: beside an OR it would be asked for every case of the centre.
                let under_phone = applicant::under_phone(db, centre.id, &known.phone_blinds).await?;
                let rows =
                    Condition::any().add(Column::AccountId.eq(known.id)).add(Column::ApplicantId.is_in(under_phone));
                (rows, None)
            }
        };
        Ok(Self { viewer, rows, desk })
    }

    /// The same for whoever acts.
    ///
    /// # Errors
    /// As [`Sight::of`].
    pub async fn acting(act: &Act) -> Result<Self> {
        Self::of(&*act.tx, &act.vault, &act.centre, &act.who, act.now).await
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
    let row = numbered(centre, number).filter(sight.rows.clone()).one(db).await?;
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
    let row = numbered(act.centre.id, number).filter(sight.rows.clone()).lock_exclusive().one(&*act.tx).await?;
    row.ok_or_else(|| UNKNOWN_CASE.into())
}

/// The row of a case or receipt number.
pub(super) fn numbered(centre: Id, number: &str) -> Select<Entity> {
    let number = normal_number(number);
    let either = Column::Number.eq(&number).or(Column::ReceiptNumber.eq(&number));
    Entity::find().filter(Column::CentreId.eq(centre)).filter(either)
}

/// What a list of cases is narrowed by.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Where they stand.
    pub state: Option<CaseState>,
    /// The office that handles them.
    pub office: Option<Id>,
    /// The posts that have them in hand.
    pub posts: Option<Vec<Id>>,
    /// How near their last day is.
    pub lamp: Option<Lamp>,
    /// Received on this day or later.
    pub from: Option<NaiveDate>,
    /// Received on this day or before.
    pub until: Option<NaiveDate>,
}

/// Cases that one table takes: it is made in memory.
const MOST: usize = 20_000;

/// All cases that a list would show part by part, to be taken away.
///
/// # Errors
/// `too_many_rows`, and those of a list.
pub async fn all(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    sight: &Sight,
    filter: &Filter,
    now: Time,
) -> Result<Vec<Seen>> {
    let (mut found, mut cursor): (Vec<Seen>, Option<String>) = (Vec::new(), None);
    loop {
        let page = Page::new(Some(100), cursor.as_deref())?;
        let (cases, next) = list(db, vault, centre, sight, filter.clone(), page, now).await?;
        found.extend(cases);
        if found.len() > MOST {
            return Err(TOO_MANY_ROWS.with(&[("most", &MOST)]).into());
        }
        cursor = next;
        if cursor.is_none() {
            return Ok(found);
        }
    }
}

/// Leaves a line of cases that were taken away.
///
/// # Errors
/// Whatever the database says.
pub async fn taken_away(act: &Act, rows: usize) -> Result<()> {
    audit::note(act, "case.exported", act.now.date(), serde_json::json!({ "rows": rows })).await
}

/// The posts that somebody holds now.
///
/// # Errors
/// `unknown_staff`.
pub async fn posts_of(db: &impl ConnectionTrait, centre: &Centre, username: &str, now: Time) -> Result<Vec<Id>> {
    let staff =
        staff::find(db, centre.id, username, now.date()).await?.ok_or_else(|| staff::UNKNOWN_STAFF.on("holder"))?;
    let cover = Cover::at(db, centre, now).await?;
    let held = cover.posts().filter(|post| cover.holder(post).is_some_and(|(holder, _)| holder == staff.id));
    Ok(held.map(|post| post.row.id).collect())
}

/// Cases of the centre that a viewer may see: latest first; of one lamp, the soonest due first.
///
/// # Errors
/// Whatever the database says.
pub async fn list(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    sight: &Sight,
    filter: Filter,
    page: Page,
    now: Time,
) -> Result<(Vec<Seen>, Option<String>)> {
    let cases = narrowed(centre, sight, &filter);
    let (rows, next) = match filter.lamp {
        None => {
            let rows = page.of(cases, Column::ReceivedAt, Column::Id).all(db).await?;
            page.cut(rows, |r| (r.received_at, r.id))
        }
        Some(lamp) => {
            let calendar = calendar::of(db, centre).await?;
            let (from, until) = Lamps::of(centre).days(&calendar, lamp, now.date());
            let running = Column::State.is_in([CaseState::Received, CaseState::Accepted]);
            let mut cases = cases.filter(running);
            if let Some(from) = from {
                cases = cases.filter(Column::DueOn.gte(from));
            }
            if let Some(until) = until {
                cases = cases.filter(Column::DueOn.lte(until));
            }
            let rows = page.of_days(cases, Column::DueOn, Column::Id).all(db).await?;
            page.cut(rows, |r| (r.due_on.map_or(r.received_at, |due| Time::at(due, 0)), r.id))
        }
    };
    Ok((show(db, vault, centre, rows, sight).await?, next))
}

/// The cases of a list, before they are put in order.
fn narrowed(centre: &Centre, sight: &Sight, filter: &Filter) -> Select<Entity> {
    let mut cases = Entity::find().filter(Column::CentreId.eq(centre.id)).filter(sight.rows.clone());
    if let Some(state) = filter.state {
        cases = cases.filter(Column::State.eq(state));
    }
    if let Some(office) = filter.office {
        cases = cases.filter(Column::OfficeId.eq(office));
    }
    if let Some(posts) = &filter.posts {
        cases = cases.filter(Column::PostId.is_in(posts.iter().copied()));
    }
    if let Some(from) = filter.from {
        cases = cases.filter(Column::ReceivedAt.gte(Time::at(from, 0)));
    }
    if let Some(until) = filter.until {
        cases = cases.filter(Column::ReceivedAt.lt(Time::at(until, 24 * 60)));
    }
    cases
}

/// Cases of whoever has exactly this name, phone or number of a document, that the member of staff who acts may see, latest
/// first. It leaves a line: whoever searches learns whether somebody has a case here.
///
/// # Errors
/// `unknown_case` for whoever is not staff, `bad_cursor`.
pub async fn search(act: &Act, person: &str, page: Page) -> Result<(Vec<Seen>, Option<String>)> {
    let (sight, centre) = (colleague(act).await?, act.centre.id);
    let cases = Entity::find()
        .filter(Column::CentreId.eq(centre))
        .filter(Column::ApplicantId.is_in(applicant::known_as(&*act.tx, &act.vault, centre, person).await?))
        .filter(sight.rows.clone());
    let rows = page.of(cases, Column::ReceivedAt, Column::Id).all(&*act.tx).await?;
    let (rows, next) = page.cut(rows, |r| (r.received_at, r.id));
    audit::note(act, "case.searched", "", serde_json::json!({ "found": rows.len() })).await?;
    Ok((show(&*act.tx, &act.vault, &act.centre, rows, &sight).await?, next))
}

/// What the member of staff who acts may see.
pub(super) async fn colleague(act: &Act) -> Result<Sight> {
    match &act.who {
        Who::Staff(_) => Sight::acting(act).await,
        _ => Err(UNKNOWN_CASE.into()),
    }
}

/// Cases under way that a member of staff may see, the soonest due first; those without a limit last.
///
/// # Errors
/// Whatever the database says.
pub async fn agenda(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    sight: &Sight,
    limit: u64,
) -> Result<Vec<Seen>> {
    let rows = Entity::find()
        .filter(Column::CentreId.eq(centre.id))
        .filter(Column::State.is_in([
            CaseState::Received,
            CaseState::Supplement,
            CaseState::Accepted,
            CaseState::Suspended,
            CaseState::Granted,
        ]))
        .filter(sight.rows.clone())
        .order_by_asc(Column::DueOn.is_null())
        .order_by_asc(Column::DueOn)
        .order_by_asc(Column::Id)
        .limit(limit);
    show(db, vault, centre, rows.all(db).await?, sight).await
}

async fn show(
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

/// A case whose papers a viewer may read: they say in full whom they are for, so staff handle it, and a resident sees it in full.
///
/// # Errors
/// `unknown_case`.
pub async fn papers(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    number: &str,
    sight: &Sight,
) -> Result<Model> {
    let seen = see(db, vault, centre, number, sight).await?;
    let may = match sight.viewer() {
        Viewer::Staff(_) => sight.under(&seen.row, Power::Handle).is_ok(),
        Viewer::Resident(_) => seen.applicant.is_some(),
    };
    if may { Ok(seen.row) } else { Err(UNKNOWN_CASE.into()) }
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

/// What happened to a case, in its order.
///
/// # Errors
/// Whatever the database says.
pub async fn timeline(db: &impl ConnectionTrait, case: &Model) -> Result<Vec<event::Model>> {
    let events = event::Entity::find().filter(event::Column::CaseId.eq(case.id));
    Ok(events.order_by_asc(event::Column::At).order_by_asc(event::Column::Id).all(db).await?)
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
    const FIELDS: [&str; 3] = ["name", "phone", "id_number"];
    let wanted: Vec<&'static str> = FIELDS.into_iter().filter(|f| fields.iter().any(|w| w == f)).collect();
    if wanted.is_empty() || !fields.iter().all(|f| FIELDS.contains(&f.as_str())) {
        return Err(BAD_FIELDS.on("fields").into());
    }
    let purpose = purpose.trim();
    if !(2..=60).contains(&purpose.chars().count()) {
        return Err(PURPOSE_NEEDED.on("purpose").into());
    }
    // It is written down for ever: whose it is, the case says.
    if purpose.chars().filter(char::is_ascii_digit).count() > 6 {
        return Err(PURPOSE_WITHOUT_NUMBERS.on("purpose").into());
    }
    let seen = see(&*act.tx, &act.vault, &act.centre, number, &colleague(act).await?).await?;
    let applicant = seen.applicant.ok_or(UNKNOWN_CASE)?;
    audit::note(act, "case.revealed", &seen.row.number, serde_json::json!({ "fields": wanted, "purpose": purpose }))
        .await?;
    let value = |field| match field {
        "name" => Some(applicant.name.clone()),
        "phone" => applicant.phone.clone(),
        _ => applicant.document.as_ref().map(|(_, number)| number.clone()),
    };
    Ok(wanted.into_iter().map(|field| (field, value(field))).collect())
}
