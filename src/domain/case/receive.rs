//! Receiving (收件): taking a case in against a receipt.

use super::advance::{Move, advance};
use super::agent::{self, Agent, Authorised};
use super::desk::Under;
use super::joint::is_joint;
use super::material::{self, Taken};
use super::paper;
use super::{NOT_INSTANT, custody, tell, trip};
use crate::base::error::Result;
use crate::base::personal;
use crate::base::vault::{Place, Vault};
use crate::domain::act::{Act, Who};
use crate::domain::applicant::{self, Applicant, Typed};
use crate::domain::calendar::{self, Calendar};
use crate::domain::cover::{Cover, NOT_YOUR_POST, Standing};
use crate::domain::guide::{self, Guide};
use crate::domain::matter::{self, Reception};
use crate::domain::post::Post;
use crate::domain::{booking, centre, consultation};
use entity::case::{
    CaseEventKind, CaseState, Channel, Column, Entity, Handing, Model, custody as custody_rows, event,
    material as materials,
};
use entity::guide::ItemKind;
use entity::post::PostKind;
use entity::{Id, Sealed};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use std::sync::Arc;

/// What the window takes in.
#[derive(Debug)]
pub struct Intake {
    /// Code of the guide.
    pub guide: String,
    /// How it came.
    pub channel: Channel,
    /// The booking it came by, if it did.
    pub booking: Option<Id>,
    /// The consultation that it began with, if it is named.
    pub consultation: Option<Id>,
    /// Who applies.
    pub applicant: Typed,
    /// Who brings it for him, by 帮办代办.
    pub agent: Option<Agent>,
    /// What was handed over.
    pub materials: Vec<Taken>,
}

/// A case that was just taken in.
#[derive(Debug)]
pub struct Received {
    /// The case.
    pub case: Model,
    /// Its guide.
    pub guide: Arc<Guide>,
    /// The check code of its receipt, in clear.
    pub check_code: String,
    /// Who applies.
    pub applicant: Applicant,
}

/// Takes a case in (articles 4.5 and 5.3.2d: nobody leaves without a receipt). A booking is used up by it.
///
/// # Errors
/// `unknown_guide`, the refusals of an applicant, of a post and of a booking, `not_for_kind`, `bad_material`.
pub async fn receive(act: &Act, intake: Intake) -> Result<Received> {
    let (guide, applicant) = admitted(act, &intake.guide, intake.applicant, intake.channel).await?;
    let under = window(act, &guide).await?;
    let agent = agent::check(act, intake.channel, &applicant, intake.agent).await?;
    let materials = material::check(act, &guide.version.content, &applicant, intake.materials).await?;
    let booking = match intake.booking {
        Some(id) => {
            let arrived = booking::arrive(act, id).await?;
            let used = Entity::find().filter(Column::BookingId.eq(id)).one(&*act.tx).await?;
            if used.is_some() {
                return Err(booking::NOT_OPEN.on("booking_id").into());
            }
            Some(arrived)
        }
        None => None,
    };
    // Whoever booked follows the case only if it is for the person he booked for: a clerk may pick the wrong line.
    let account_id = match &booking {
        Some(row) if booking::is_for(act, row, &applicant).await? => row.account_id,
        _ => None,
    };
    let first_asked = match (intake.consultation, &act.who) {
        (Some(id), _) => Some(consultation::get(&*act.tx, act.centre.id, id).await?.staff_id),
        (None, Who::Staff(staff)) => Some(staff.id),
        (None, _) => None,
    };
    let by = By {
        channel: intake.channel,
        booking_id: booking.map(|b| b.id),
        account_id,
        post: Some(under.post),
        under: Some(under),
        first_asked,
        agent,
    };
    enter(act, guide, applicant, materials, by).await
}

/// A matter that is handled here by a channel, and an applicant that it is for.
pub(super) async fn admitted(
    act: &Act,
    code: &str,
    applicant: Typed,
    channel: Channel,
) -> Result<(Arc<Guide>, Applicant)> {
    let guide = guide::get(&*act.tx, &act.centre, code).await?;
    let applicant = applicant.check()?;
    guide.ensure_for(applicant.kind)?;
    matter::ensure_here(&*act.tx, &act.centre, &guide, act.now.date()).await?;
    guide.ensure_open(channel)?;
    Ok((guide, applicant))
}

/// Writes a case down that is taken in now, with its receipt, and says so.
pub(super) async fn enter(
    act: &Act,
    guide: Arc<Guide>,
    applicant: Applicant,
    materials: Vec<Taken>,
    by: By,
) -> Result<Received> {
    let calendar = calendar::of(&*act.tx, &act.centre).await?;
    let n = centre::next_number(act, NUMBERS, act.now.date()).await?;
    let agent = by.agent.as_ref().map(|agent| agent.name().to_owned());
    let entry = Entry::new(act, &guide, &applicant, materials, by, n, &calendar)?;
    act.insert(entry.applicant).await?;
    let case = act.insert(entry.case).await?;
    if let Some((person, row)) = entry.agent {
        act.insert(person).await?;
        act.insert(row).await?;
    }
    act.insert_all(entry.materials.clone()).await?;
    act.insert_all(entry.custody).await?;
    let event = act.insert(entry.event).await?;
    let content = &guide.version.content;
    let handed = (&*entry.materials, agent.as_deref());
    paper::receipt(act, &case, &event, (content, handed, &entry.check_code)).await?;
    if let Some(trip) = entry.trip {
        act.insert(trip).await?;
    }
    tell::say_news(act, &case).await?;
    Ok(Received { case, guide, check_code: entry.check_code, applicant })
}

/// Receives a 即办件, accepts, grants and hands it over, in one act (article 4.5).
///
/// # Errors
/// `not_instant`, and whatever receiving, deciding and handing over say; nothing is received then.
pub async fn at_once(act: &Act, intake: Intake) -> Result<Received> {
    let received = receive(act, intake).await?;
    if received.case.item_kind != Some(ItemKind::Instant) {
        return Err(NOT_INSTANT.into());
    }
    let mut case = received.case;
    // Where nobody came to the counter, the result did not stay there either.
    let handing = if case.channel == Channel::Window { Handing::Counter } else { Handing::Sent };
    for made in [Move::Accept, Move::Grant, Move::Issue(handing)] {
        case = advance(act, &case.number, &made).await?;
    }
    Ok(Received { case, ..received })
}

/// Under which post whoever acts takes a matter in: a window's.
async fn window(act: &Act, guide: &Guide) -> Result<Standing> {
    let Who::Staff(staff) = &act.who else { return Err(NOT_YOUR_POST.into()) };
    let register = matter::register(&*act.tx, &act.centre).await?;
    let (reception, cover) =
        (register.of(&guide.row, act.now.date()), Cover::at(&*act.tx, &act.centre, act.now).await?);
    cover.standing(staff, |post| takes_in(post, guide, reception)).map_err(|refused| {
        // He is at a post that takes in, and not this.
        let holds = |kind| cover.standing(staff, |post| post.row.kind == kind && is_for(post, guide)).is_ok();
        match reception {
            Reception::Window if holds(PostKind::Office) => matter::AT_THE_WINDOW.into(),
            Reception::Office if holds(PostKind::Window) => {
                matter::NOT_AUTHORISED.with(&[("office", &guide.office.name)]).into()
            }
            _ => refused,
        }
    })
}

/// True when a post takes a matter in, by where that is taken in.
#[must_use]
pub fn takes_in(post: &Post, guide: &Guide, reception: Reception<'_>) -> bool {
    reception.is_at(post.row.kind) && is_for(post, guide)
}

fn is_for(post: &Post, guide: &Guide) -> bool {
    post.takes(guide.row.id, guide.row.office_id)
}

/// What cases of a day are counted under.
pub const NUMBERS: &str = "case";

/// How a case came.
#[derive(Clone, Debug)]
pub struct By {
    /// The channel.
    pub channel: Channel,
    /// The booking, if it came by one.
    pub booking_id: Option<Id>,
    /// The account that follows it.
    pub account_id: Option<Id>,
    /// The post that has it; none, where it came online for the windows.
    pub post: Option<Id>,
    /// Under which post somebody takes it in.
    pub under: Option<Standing>,
    /// Who was asked first.
    pub first_asked: Option<Id>,
    /// Who brings it for the applicant.
    pub agent: Option<Authorised>,
}

/// What is written when a case is taken in.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Who applies, as he is then.
    pub applicant: entity::applicant::Model,
    /// The case.
    pub case: Model,
    /// The check code of its receipt, in clear.
    pub check_code: String,
    /// What was handed over.
    pub materials: Vec<materials::Model>,
    /// Where what stays here is.
    pub custody: Vec<custody_rows::Model>,
    /// That it was taken in.
    pub event: event::Model,
    /// The trip that it cost.
    pub trip: Option<entity::case::trip::Model>,
    /// Who brought it for the applicant.
    pub agent: Option<(entity::applicant::Model, entity::case::agent::Model)>,
}

impl Entry {
    /// A case that is taken in now, the `n`th of the day.
    ///
    /// # Errors
    /// Only if the cipher itself fails.
    pub fn new(
        act: &Act,
        guide: &Guide,
        applicant: &Applicant,
        materials: Vec<Taken>,
        by: By,
        n: i32,
        calendar: &Calendar,
    ) -> Result<Self> {
        let applicant = applicant::snapshot(act, applicant)?;
        let (today, limit_days) = (act.now.date(), guide.limit_days());
        let deadline = limit_days.map(|n| calendar.add(today, n.unsigned_abs()));
        let (code, day) = (&act.centre.code, today.format("%Y%m%d"));
        let (id, check_code) = (act.id(), act.random.word(8));
        let item_code = &guide.version.content.elements.item_code;
        let case = Model {
            id,
            centre_id: act.centre.id,
            number: format!("{code}-B-{day}-{n:04}"),
            receipt_number: format!("{code}-{day}-{n:04}"),
            // 实施编码, day and place of the day: 43 characters, once the guide has a code.
            national_number: item_code
                .as_ref()
                .map(|item| format!("{item}{day}{n:04}"))
                .filter(|number| number.len() == 43),
            check_code: act.seal("service_case.check_code", id, &check_code)?,
            guide_id: guide.row.id,
            version_id: guide.version.id,
            office_id: guide.row.office_id,
            item_kind: guide.version.content.kind,
            joint: is_joint(&guide.version.content),
            limit_days,
            applicant_id: applicant.id,
            account_id: by.account_id,
            booking_id: by.booking_id,
            window_id: by.post,
            first_asked_id: by.first_asked,
            post_id: by.post,
            channel: by.channel,
            state: CaseState::Received,
            received_at: act.now,
            accepted_on: None,
            due_on: deadline.map(|d| d.on),
            due_provisional: deadline.is_some_and(|d| d.provisional),
            added_days: 0,
            suspended_on: None,
            extended_on: None,
            hearing_until: None,
            decided_on: None,
            ended_at: None,
        };
        let agent = by.agent.as_ref().map(|agent| agent.rows(act, id)).transpose()?;
        let paper = materials.iter().any(Taken::is_paper) || by.agent.as_ref().is_some_and(Authorised::is_paper);
        let listed = |(n, taken): (i32, Taken)| {
            let kept = taken.kept;
            (taken.row(act, id, n), kept)
        };
        let materials: Vec<_> = (1..).zip(materials).map(listed).collect();
        let staff = match &act.who {
            Who::Staff(staff) => by.under.map(|under| (under.post, staff.id)),
            _ => None,
        };
        let custody = custody::received(act, &case, &materials, paper, staff);
        let materials = materials.into_iter().map(|(row, _)| row).collect();
        let under = by.under.map(|standing| Under { standing, delegation: None });
        let event = Happening::of(CaseEventKind::Received, under).written(act, &case)?;
        let trip = trip::of_receipt(act, &case);
        Ok(Self { applicant, case, check_code, materials, custody, event, trip, agent })
    }
}

/// Something that happens to a case.
pub(super) struct Happening<'w> {
    /// What.
    pub(super) kind: CaseEventKind,
    /// Under which post, if staff do it.
    pub(super) under: Option<Under>,
    /// The ground.
    pub(super) words: Option<&'w str>,
    /// Names of corrected fields.
    pub(super) fields: Option<String>,
    /// The step that was finished.
    pub(super) step: Option<i32>,
    /// The event that was a mistake.
    pub(super) amends: Option<Id>,
    /// How the result was handed over.
    pub(super) handing: Option<Handing>,
}

impl Happening<'_> {
    /// One without words.
    pub(super) const fn of(kind: CaseEventKind, under: Option<Under>) -> Self {
        Self { kind, under, words: None, fields: None, step: None, amends: None, handing: None }
    }

    /// What is written of it, with the deadline and the decision as they stand after it.
    pub(super) fn written(self, act: &Act, case: &Model) -> Result<event::Model> {
        let id = act.id();
        Ok(event::Model {
            id,
            centre_id: act.centre.id,
            case_id: case.id,
            kind: self.kind,
            state: case.state,
            step: self.step,
            amends_id: self.amends,
            at: act.now,
            recorded_at: act.now,
            on_date: act.now.date(),
            actor_kind: act.who.kind(),
            actor: act.who.label(),
            post_id: self.under.map(|under| under.standing.post),
            letter: self.under.map(|under| under.standing.letter),
            of_id: self.under.map(|under| under.standing.of),
            delegation_id: self.under.and_then(|under| under.delegation),
            due_on: case.due_on,
            decided_on: case.decided_on,
            words: self.words.map(|w| act.seal("case_event.words", id, w)).transpose()?,
            fields: self.fields,
            handing: self.handing,
        })
    }
}

/// The check code of a case, in clear: for the receipt, which can be printed again.
///
/// # Errors
/// Whatever the vault says.
pub fn check_code(vault: &Vault, centre: Id, case: Id, code: &Sealed) -> Result<String> {
    Ok(vault.open(Place::new("service_case.check_code", centre, case), code)?)
}

/// What was typed as a check code, in its normal form.
pub(super) fn normal_code(typed: &str) -> String {
    personal::half_width(typed).chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_uppercase()
}
