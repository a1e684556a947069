//! Doors of closures: what is closed, and whom it touches.

use super::Noun;
use super::booking::{BookingView, view};
use super::problem::Failure;
use super::view::{Created, Done, Listed, Moment, Text, moment};
use crate::access::{By, Director, Visit, WindowStaff};
use crate::domain::applicant::Applicant;
use crate::domain::booking::{self, Booked, Closed, Closing, MakeUp, Touched};
use chrono::NaiveDate;
use entity::Id;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::types::ToJSON as _;
use poem_openapi::{Enum, Object, OpenApi};

pub(super) struct Closures;

/// What becomes of bookings.
#[derive(Enum, Clone, Copy, PartialEq, Eq)]
#[oai(rename_all = "snake_case")]
enum Then {
    /// They are cancelled.
    Cancel,
    /// They are moved to the next time there is, and cancelled where there is none.
    Move,
}

/// Places offered instead.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct MakeUpInput {
    /// The day, working or not.
    date: NaiveDate,
    /// From when, such as `09:00`.
    from: Text,
    /// Until when.
    to: Text,
    /// Places in each slot, on top of what is offered there, 1 to 100.
    places: i32,
}

/// What is to be closed.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct CloseInput {
    /// Code of a branch, if not the whole centre is closed.
    branch: Option<Text>,
    /// Code of a desk, if only that is.
    desk: Option<Text>,
    /// The day.
    date: NaiveDate,
    /// From when, such as `09:00`; from the morning on if left out.
    from: Option<Text>,
    /// Until when; all day if left out.
    to: Option<Text>,
    /// Why, as residents read it, 2 to 40 characters.
    reason: Text,
    /// What becomes of bookings.
    then: Then,
    /// What is offered instead.
    make_up: Option<Vec<MakeUpInput>>,
    /// Only say what would come of it.
    dry_run: Option<bool>,
}

impl From<CloseInput> for Closing {
    fn from(input: CloseInput) -> Self {
        let offer = |m: MakeUpInput| MakeUp { on: m.date, from: m.from.into(), to: m.to.into(), places: m.places };
        Self {
            branch: input.branch.map(Into::into),
            desk: input.desk.map(Into::into),
            on: input.date,
            from: input.from.map(Into::into),
            to: input.to.map(Into::into),
            reason: input.reason.into(),
            moves: input.then == Then::Move,
            make_up: input.make_up.unwrap_or_default().into_iter().map(offer).collect(),
        }
    }
}

/// A booking that a closure touches.
#[derive(Object)]
struct TouchedView {
    /// As it stands afterwards: at its new time, or cancelled.
    booking: BookingView,
    /// When it was to be.
    was: Option<Moment>,
    /// The person is told by text; else somebody has to ring him up.
    texted: bool,
}

/// What came of closing, or would.
#[derive(Object)]
struct ClosingView {
    /// The closure; absent where it was only tried.
    id: Option<Id>,
    /// Whom it touches.
    touched: Vec<TouchedView>,
}

/// A closure.
#[derive(Object)]
struct ClosureView {
    /// Opaque id.
    id: Id,
    /// The day.
    date: NaiveDate,
    /// All day, or from when until when, in words.
    hours: String,
    /// What is closed, in words.
    what: String,
    /// Why.
    reason: String,
}

impl From<Closed> for ClosureView {
    fn from(closed: Closed) -> Self {
        let hours = closed.hours();
        Self { id: closed.row.id, date: closed.row.on_date, hours, what: closed.what, reason: closed.row.reason }
    }
}

type Answer<T> = Result<T, Failure>;

#[OpenApi(tag = "Noun::Closure")]
impl Closures {
    /// Close a day, some hours of it, a branch or a desk; whoever booked is moved or cancelled, and told
    #[oai(path = "/calendar/closures", method = "post", operation_id = "close_day")]
    async fn close_day(&self, who: By<Director>, body: Json<CloseInput>) -> Answer<Created<ClosingView>> {
        let (request, dry_run) = (body.0.to_json_string(), body.0.dry_run.unwrap_or(false));
        let closing = Closing::from(body.0);
        let close = async |act: &_| {
            let (id, touched) = booking::close(act, &who.holder, closing).await?;
            let shown = |t: Touched| TouchedView {
                booking: view(t.booked, &who.who),
                was: Some(moment(t.was)),
                texted: t.texted,
            };
            Ok(ClosingView { id: (!dry_run).then_some(id), touched: touched.into_iter().map(shown).collect() })
        };
        Ok(Created(match dry_run {
            true => who.visit.app.preview(&who.visit.centre, who.who.clone(), close).await?,
            false => who.visit.write_once(who.who.clone(), "close_day", &request, close).await?,
        }))
    }

    /// See what is closed from today on
    #[oai(path = "/calendar/closures", method = "get", operation_id = "list_closures")]
    async fn list_closures(&self, visit: Visit) -> Answer<Json<Listed<ClosureView>>> {
        let closed = booking::closures(visit.app.read(), &visit.centre, visit.app.clock.now().date()).await?;
        Ok(Json(Listed { items: closed.into_iter().map(Into::into).collect(), next_cursor: None }))
    }

    /// See whom a closure touched: who could not be told by text is rung up
    #[oai(path = "/calendar/closures/:id", method = "get", operation_id = "closure_touched")]
    async fn closure_touched(&self, who: By<WindowStaff>, id: Path<Id>) -> Answer<Json<Listed<TouchedView>>> {
        let Visit { app, centre, .. } = &who.visit;
        let touched = booking::touched_by(app.read(), &app.vault, centre, id.0).await?;
        let shown = |b: Booked| {
            let texted = b.applicant.as_ref().and_then(Applicant::mobile).is_some();
            TouchedView { booking: view(b, &who.who), was: None, texted }
        };
        Ok(Json(Listed { items: touched.into_iter().map(shown).collect(), next_cursor: None }))
    }

    /// Take a closure back: its hours are offered again; who was moved or cancelled stays so
    #[oai(path = "/calendar/closures/:id/reopen", method = "post", operation_id = "reopen_closure")]
    async fn reopen_closure(&self, who: By<Director>, id: Path<Id>) -> Answer<Done> {
        who.visit.write(who.who.clone(), async |act| booking::reopen(act, &who.holder, id.0).await).await?;
        Ok(Done::Done)
    }
}
