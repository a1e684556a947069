//! What the doors of cases show, in lists and after acts.

use crate::api::view::{ApplicantView, Moment, OfficeView, moment};
use crate::base::Result;
use crate::domain::calendar::{self, Calendar};
use crate::domain::case::{self, Happened, Lamp, Seen};
use crate::domain::centre::Lamps;
use crate::domain::identity::Viewer;
use crate::domain::published::Centre;
use chrono::NaiveDate;
use entity::case::{CaseEventKind, CaseState, Channel};
use entity::centre::office;
use entity::{Id, Time};
use poem_openapi::Object;
use std::sync::Arc;

/// Number and check code of a receipt.
#[derive(Object)]
pub(super) struct Receipt {
    /// Number, such as `ST-20261123-0007`.
    pub(super) number: String,
    /// Serves where a phone's tail would.
    pub(super) check_code: String,
}

/// Link and code of an invitation to rate, for the window to show or print.
#[derive(Object)]
pub(super) struct InvitationTicket {
    /// Address with the token.
    pub(super) url: String,
    /// The code typed at `/r`.
    pub(super) code: String,
    /// Until when.
    pub(super) expires_at: Moment,
}

/// A case that was just taken in.
#[derive(Object)]
pub(super) struct ReceivedView {
    /// Number for all further paths, such as `ST-B-20261123-0007`.
    pub(super) number: String,
    /// Its receipt.
    pub(super) receipt: Receipt,
    /// Where it stands.
    pub(super) state: CaseState,
    /// Last day of the promise, if it was accepted today; null where no limit was published.
    pub(super) due_on: Option<NaiveDate>,
    /// The day may still move when an arrangement of holidays comes out.
    pub(super) due_provisional: bool,
    /// Where it has ended at once: its invitation to rate.
    #[oai(skip_serializing_if_is_none)]
    pub(super) invitation: Option<InvitationTicket>,
}

/// Personal data in full.
#[derive(Object)]
pub(super) struct Revealed {
    /// Name, if asked for.
    #[oai(skip_serializing_if_is_none)]
    pub(super) name: Option<String>,
    /// Phone, if asked for and known.
    #[oai(skip_serializing_if_is_none)]
    pub(super) phone: Option<String>,
    /// Number of the document, if asked for and known.
    #[oai(skip_serializing_if_is_none)]
    pub(super) id_number: Option<String>,
    /// Name of the agent, if asked for and there was one.
    #[oai(skip_serializing_if_is_none)]
    pub(super) agent_name: Option<String>,
    /// His phone, if asked for and known.
    #[oai(skip_serializing_if_is_none)]
    pub(super) agent_phone: Option<String>,
}

/// A case.
#[derive(Object)]
pub(super) struct CaseView {
    /// Number.
    pub(super) number: String,
    /// Number of its receipt.
    pub(super) receipt_number: String,
    /// The 43 characters of the national scheme; null while the matter has no 实施编码.
    pub(super) national_number: Option<String>,
    /// Where it stands.
    pub(super) state: CaseState,
    /// Code of its guide.
    pub(super) guide: String,
    /// Name of the matter.
    pub(super) item: String,
    /// 联办件: other offices have parts of it.
    pub(super) joint: bool,
    /// The office that handles it.
    pub(super) office: Option<OfficeView>,
    /// How it came.
    pub(super) channel: Channel,
    /// When it was received.
    pub(super) received_at: Moment,
    /// Day of acceptance.
    pub(super) accepted_on: Option<NaiveDate>,
    /// Last day of the promise; null where no limit was published.
    pub(super) due_on: Option<NaiveDate>,
    /// The day may still move.
    pub(super) due_provisional: bool,
    /// Undecided after its last day.
    pub(super) overdue: bool,
    /// How near its last day is; null where no clock runs.
    pub(super) lamp: Option<Lamp>,
    /// Day of the decision.
    pub(super) decided_on: Option<NaiveDate>,
    /// When it ended.
    pub(super) ended_at: Option<Moment>,
    /// Who applies; masked for staff, left out for a resident who was not shown to be the one.
    pub(super) applicant: Option<ApplicantView>,
}

/// Something that happened to a case.
#[derive(Object)]
pub(super) struct EventView {
    /// Its id, by which a mistake in it is named; for staff only.
    #[oai(skip_serializing_if_is_none)]
    pub(super) id: Option<Id>,
    /// What.
    pub(super) kind: CaseEventKind,
    /// The step that was finished.
    #[oai(skip_serializing_if_is_none)]
    pub(super) step: Option<i32>,
    /// The event whose mistake it puts right; for staff only.
    #[oai(skip_serializing_if_is_none)]
    pub(super) amends: Option<Id>,
    /// When.
    pub(super) at: Moment,
    /// Who did it; for staff only.
    #[oai(skip_serializing_if_is_none)]
    pub(super) by: Option<String>,
    /// The ground, where there is one.
    #[oai(skip_serializing_if_is_none)]
    pub(super) ground: Option<String>,
    /// Names of corrected fields.
    #[oai(skip_serializing_if_is_none)]
    pub(super) fields: Option<String>,
}

/// How far a case is.
#[derive(Object)]
pub(super) struct ProgressView {
    /// Number of its receipt.
    pub(super) receipt_number: String,
    /// Name of the matter.
    pub(super) item: String,
    /// Where it stands.
    pub(super) state: CaseState,
    /// The same, in Chinese.
    pub(super) state_text: String,
    /// Last day of the promise.
    pub(super) due_on: Option<NaiveDate>,
    /// The day may still move.
    pub(super) due_provisional: bool,
    /// What happened; grounds only for the holder of the check code.
    pub(super) timeline: Vec<EventView>,
}

/// What a case's lamp is told by.
pub(super) struct Clockwork {
    calendar: Arc<Calendar>,
    lamps: Lamps,
    now: Time,
}

impl Clockwork {
    pub(super) async fn of(db: &impl sea_orm::ConnectionTrait, centre: &Centre, now: Time) -> Result<Self> {
        Ok(Self { calendar: calendar::of(db, centre).await?, lamps: Lamps::of(centre), now })
    }
}

pub(super) fn shown(seen: Seen, offices: &[office::Model], clock: &Clockwork, viewer: &Viewer) -> CaseView {
    let row = seen.row;
    CaseView {
        overdue: case::is_overdue(&row, clock.now),
        lamp: case::lamp(&row, &clock.calendar, clock.lamps, clock.now),
        office: offices.iter().find(|o| o.id == row.office_id).map(OfficeView::from),
        number: row.number,
        receipt_number: row.receipt_number,
        national_number: row.national_number,
        state: row.state,
        guide: seen.guide_code,
        item: seen.item,
        joint: row.joint,
        channel: row.channel,
        received_at: moment(row.received_at),
        accepted_on: row.accepted_on,
        due_on: row.due_on,
        due_provisional: row.due_provisional,
        decided_on: row.decided_on,
        ended_at: row.ended_at.map(moment),
        applicant: seen.applicant.as_ref().map(|a| ApplicantView::to(viewer.is_staff(), a)),
    }
}

impl From<Happened> for EventView {
    fn from(event: Happened) -> Self {
        let Happened { kind, at, ground, fields } = event;
        Self { id: None, kind, step: None, amends: None, at: moment(at), by: None, ground, fields }
    }
}
