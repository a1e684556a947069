//! Doors of the queue: tickets, calling them, and the board.

mod view;

use super::Noun;
use super::problem::Failure;
use super::view::{Created, Listed, moment};
use crate::access::{BookingParty, By, Visit, Watcher, WindowStaff};
use crate::base::error::Result;
use crate::domain::act::Act;
use crate::domain::identity::Viewer;
use crate::domain::published::UNKNOWN_CENTRE;
use crate::domain::queue::{self, Board, Wish};
use entity::Id;
use entity::queue::Model;
use futures_util::stream::BoxStream;
use poem::web::sse::Event;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::{EventStream, Json};
use poem_openapi::types::ToJSON as _;
use std::time::Duration;
use view::{
    ArriveInput, BoardView, DeskInput, News, NextView, PrintInput, TicketInput, TicketView, TransferInput, TroubleView,
    board_view, view,
};

pub(super) struct Queue;

/// How often watchers look. A display two seconds late is early enough.
const LOOK: Duration = Duration::from_secs(2);

type Answer<T> = std::result::Result<T, Failure>;

/// A ticket as it stands in the act, with what the holder has still to wait.
async fn shown(act: &Act, row: Model) -> Result<TicketView> {
    let viewer = Viewer::acting(act).await?;
    let seen = queue::see(&*act.tx, &act.centre, row.id, &viewer).await?;
    let estimate = queue::estimate(&*act.tx, &act.centre, &seen.row, act.now).await?;
    Ok(view(seen, estimate))
}

/// One deed at a desk, done once.
async fn at_desk(
    who: &By<WindowStaff>,
    operation: &'static str,
    request: String,
    deed: impl AsyncFnOnce(&Act) -> Result<Model>,
) -> Answer<Json<TicketView>> {
    let done = async |act: &Act| shown(act, deed(act).await?).await;
    Ok(Json(who.visit.write_once(who.who.clone(), operation, &request, done).await?))
}

#[OpenApi(tag = "Noun::Queue")]
impl Queue {
    /// Come by a booking: it is kept, and one has a ticket
    #[oai(path = "/bookings/:id/arrive", method = "post", operation_id = "arrive")]
    async fn arrive(&self, who: By<BookingParty>, id: Path<Id>, body: Json<ArriveInput>) -> Answer<Json<TicketView>> {
        who.visit.limit_arrival(&who.who).await?;
        let request = format!("{} {}", id.0, body.0.to_json_string());
        let ArriveInput { code, priority } = body.0;
        let come =
            async |act: &Act| shown(act, queue::arrive_by_booking(act, id.0, code.as_deref(), priority).await?).await;
        Ok(Json(who.visit.write_once(who.who.clone(), "arrive", &request, come).await?))
    }

    /// Take a number: at the window for whoever is there; from afar, and it counts from when one comes
    #[oai(path = "/tickets", method = "post", operation_id = "take_ticket")]
    async fn take_ticket(&self, who: By<BookingParty>, body: Json<TicketInput>) -> Answer<Created<TicketView>> {
        who.visit.limit_booking(&who.who, "take_ticket").await?;
        let request = body.0.to_json_string();
        let TicketInput { guide, group, priority } = body.0;
        let wish = Wish { guide: guide.map(Into::into), group: group.map(Into::into), priority };
        let take = async |act: &Act| shown(act, queue::issue(act, wish).await?).await;
        Ok(Created(who.visit.write_once(who.who.clone(), "take_ticket", &request, take).await?))
    }

    /// See today's tickets that are not over, in their turn
    #[oai(path = "/tickets", method = "get", operation_id = "list_tickets")]
    async fn list_tickets(&self, who: By<WindowStaff>) -> Answer<Json<Listed<TicketView>>> {
        let Visit { app, centre, .. } = &who.visit;
        let open = queue::open(app.read(), centre, app.clock.now()).await?;
        Ok(Json(Listed { items: open.into_iter().map(|seen| view(seen, None)).collect(), next_cursor: None }))
    }

    /// Read a ticket, and how long it has still to wait
    #[oai(path = "/tickets/:id", method = "get", operation_id = "get_ticket")]
    async fn get_ticket(&self, who: By<BookingParty>, id: Path<Id>) -> Answer<Json<TicketView>> {
        let Visit { app, centre, .. } = &who.visit;
        let viewer = Viewer::of(app.read(), &app.vault, centre.id, &who.who).await?;
        let seen = queue::see(app.read(), centre, id.0, &viewer).await?;
        let estimate = queue::estimate(app.read(), centre, &seen.row, app.clock.now()).await?;
        Ok(Json(view(seen, estimate)))
    }

    /// Come with a ticket that was taken from afar
    #[oai(path = "/tickets/:id/arrive", method = "post", operation_id = "arrive_ticket")]
    async fn arrive_ticket(
        &self,
        who: By<BookingParty>,
        id: Path<Id>,
        body: Json<ArriveInput>,
    ) -> Answer<Json<TicketView>> {
        who.visit.limit_arrival(&who.who).await?;
        let request = format!("{} {}", id.0, body.0.to_json_string());
        let ArriveInput { code, priority } = body.0;
        let come = async |act: &Act| shown(act, queue::arrive(act, id.0, code.as_deref(), priority).await?).await;
        Ok(Json(who.visit.write_once(who.who.clone(), "arrive_ticket", &request, come).await?))
    }

    /// Call whoever is next
    #[oai(path = "/queue/call", method = "post", operation_id = "call_next")]
    async fn call_next(&self, who: By<WindowStaff>, body: Json<DeskInput>) -> Answer<Json<NextView>> {
        let request = body.0.to_json_string();
        let call = async |act: &Act| {
            let ticket = match queue::call_next(act, &body.0.desk).await? {
                Some(row) => Some(shown(act, row).await?),
                None => None,
            };
            Ok(NextView { ticket })
        };
        Ok(Json(who.visit.write_once(who.who.clone(), "call_next", &request, call).await?))
    }

    /// Call one ticket out of its turn
    #[oai(path = "/tickets/:id/call", method = "post", operation_id = "call_ticket")]
    async fn call_ticket(&self, who: By<WindowStaff>, id: Path<Id>, body: Json<DeskInput>) -> Answer<Json<TicketView>> {
        let request = format!("{} {}", id.0, body.0.to_json_string());
        at_desk(&who, "call_ticket", request, async |act| queue::call(act, id.0, &body.0.desk).await).await
    }

    /// Call again, up to three times
    #[oai(path = "/tickets/:id/recall", method = "post", operation_id = "recall_ticket")]
    async fn recall_ticket(&self, who: By<WindowStaff>, id: Path<Id>) -> Answer<Json<TicketView>> {
        at_desk(&who, "recall_ticket", id.0.to_string(), async |act| queue::recall(act, id.0).await).await
    }

    /// Pass over who did not come
    #[oai(path = "/tickets/:id/skip", method = "post", operation_id = "skip_ticket")]
    async fn skip_ticket(&self, who: By<WindowStaff>, id: Path<Id>) -> Answer<Json<TicketView>> {
        at_desk(&who, "skip_ticket", id.0.to_string(), async |act| queue::miss(act, id.0).await).await
    }

    /// Let someone fill in a form or fetch something; he keeps his turn
    #[oai(path = "/tickets/:id/park", method = "post", operation_id = "park_ticket")]
    async fn park_ticket(&self, who: By<WindowStaff>, id: Path<Id>) -> Answer<Json<TicketView>> {
        at_desk(&who, "park_ticket", id.0.to_string(), async |act| queue::park(act, id.0).await).await
    }

    /// Let someone wait again who was parked or passed over
    #[oai(path = "/tickets/:id/resume", method = "post", operation_id = "resume_ticket")]
    async fn resume_ticket(&self, who: By<WindowStaff>, id: Path<Id>) -> Answer<Json<TicketView>> {
        at_desk(&who, "resume_ticket", id.0.to_string(), async |act| queue::resume(act, id.0).await).await
    }

    /// Hand someone over to another group of desks; he keeps his number and his turn
    #[oai(path = "/tickets/:id/transfer", method = "post", operation_id = "transfer_ticket")]
    async fn transfer_ticket(
        &self,
        who: By<WindowStaff>,
        id: Path<Id>,
        body: Json<TransferInput>,
    ) -> Answer<Json<TicketView>> {
        let request = format!("{} {}", id.0, body.0.to_json_string());
        at_desk(&who, "transfer_ticket", request, async |act| queue::transfer(act, id.0, &body.0.group).await).await
    }

    /// End: the holder was served
    #[oai(path = "/tickets/:id/end", method = "post", operation_id = "end_ticket")]
    async fn end_ticket(&self, who: By<WindowStaff>, id: Path<Id>) -> Answer<Json<TicketView>> {
        at_desk(&who, "end_ticket", id.0.to_string(), async |act| queue::end(act, id.0).await).await
    }

    /// Take back a ticket that was given by mistake
    #[oai(path = "/tickets/:id/void", method = "post", operation_id = "void_ticket")]
    async fn void_ticket(&self, who: By<WindowStaff>, id: Path<Id>) -> Answer<Json<TicketView>> {
        at_desk(&who, "void_ticket", id.0.to_string(), async |act| queue::void(act, id.0).await).await
    }

    /// Say whether a ticket came out of the printer; it was saved before
    #[oai(path = "/tickets/:id/print", method = "post", operation_id = "mark_printed")]
    async fn mark_printed(
        &self,
        who: By<WindowStaff>,
        id: Path<Id>,
        body: Json<PrintInput>,
    ) -> Answer<Json<TicketView>> {
        let request = format!("{} {}", id.0, body.0.printed);
        at_desk(&who, "mark_printed", request, async |act| queue::mark_printed(act, id.0, body.0.printed).await).await
    }

    /// See the queue, without names
    #[oai(path = "/queue", method = "get", operation_id = "queue")]
    async fn queue(
        &self,
        visit: Visit,
        /// Code of the branch; the first if left out.
        branch: Query<Option<String>>,
    ) -> Answer<Json<BoardView>> {
        let (db, centre, now) = (visit.app.read(), &visit.centre, visit.app.clock.now());
        let branch = queue::watched_branch(db, centre.id, branch.0.as_deref()).await?;
        Ok(Json(board_view(queue::board(db, centre, branch, now).await?, now)))
    }

    /// Hear of the queue whenever it changes (Server-Sent Events), for the hall's displays
    #[oai(path = "/events", method = "get", operation_id = "events")]
    async fn events(
        &self,
        who: Watcher,
        /// Code of the branch; the first if left out.
        branch: Query<Option<String>>,
    ) -> Answer<EventStream<BoxStream<'static, News>>> {
        let visit = who.0;
        let branch = queue::watched_branch(visit.app.read(), visit.centre.id, branch.0.as_deref()).await?;
        let news = EventStream::new(Box::pin(news(visit, branch)) as BoxStream<'static, News>);
        let event = |news: News| {
            let kind = if matches!(news, News::Board(_)) { "board" } else { "trouble" };
            Event::message(news.to_json_string()).event_type(kind)
        };
        Ok(news.to_event(event).keep_alive(Duration::from_secs(15)))
    }
}

/// The board as it is, of a centre as it is: a display stays on for days, and desks are published meanwhile.
async fn board_now(visit: &Visit, branch: Id) -> Result<Board, crate::base::Error> {
    let published = visit.app.published().await?;
    let centre = published.by_id(visit.centre.id).ok_or(UNKNOWN_CENTRE)?;
    queue::board(visit.app.read(), &centre, branch, visit.app.clock.now()).await
}

/// The board whenever it differs from what was said last, and once that it cannot be read.
fn news(visit: Visit, branch: Id) -> impl futures_util::Stream<Item = News> + Send {
    let begin = (visit, None::<std::result::Result<Board, ()>>);
    futures_util::stream::unfold(begin, move |(visit, mut said)| async move {
        loop {
            if said.is_some() {
                tokio::time::sleep(LOOK).await;
            }
            let now = visit.app.clock.now();
            let looked = board_now(&visit, branch).await;
            let fault = looked.as_ref().err().map(ToString::to_string);
            let seen = looked.map_err(drop);
            if said.as_ref() != Some(&seen) {
                if let Some(error) = fault {
                    tracing::warn!(error, "a display learns nothing of the queue");
                }
                let news = match &seen {
                    Ok(board) => News::Board(board_view(board.clone(), now)),
                    Err(()) => News::Trouble(TroubleView { at: moment(now) }),
                };
                return Some((news, (visit, Some(seen))));
            }
            said = Some(seen);
        }
    })
}
