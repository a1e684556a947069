//! What the doors of the queue take and show.

use crate::api::view::{Moment, Text, moment};
use crate::domain::queue::{self, Basis, Board, Estimate, Seen};
use entity::Id;
use entity::queue::{PrintState, Priority, TicketState};
use poem_openapi::{Enum, Object, Union};

/// What a ticket is wanted for.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(super) struct TicketInput {
    /// Code of the guide, if one knows.
    pub(super) guide: Option<Text>,
    /// Code of the group of desks, where no guide says which.
    pub(super) group: Option<Text>,
    /// An older person, or one with a disability; the windows say so, not whoever takes a number from afar.
    pub(super) priority: Option<Priority>,
}

/// That someone is there.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(super) struct ArriveInput {
    /// The six digits that the hall shows; residents type them.
    pub(super) code: Option<Text>,
    /// An older person, or one with a disability; the windows say so.
    pub(super) priority: Option<Priority>,
}

/// A desk.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(super) struct DeskInput {
    /// Its code.
    pub(super) desk: Text,
}

/// Another group of desks.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(super) struct TransferInput {
    /// Its code.
    pub(super) group: Text,
}

/// What the printer did.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(super) struct PrintInput {
    /// The ticket came out.
    pub(super) printed: bool,
}

/// What an estimate rests on.
#[derive(Enum)]
#[oai(rename_all = "snake_case")]
pub(super) enum BasisView {
    /// People served today.
    Today,
    /// People served in the last seven days.
    Week,
    /// How long a slot is made for.
    Plan,
}

/// How long someone has still to wait.
#[derive(Object)]
pub(super) struct EstimateView {
    /// People before him.
    ahead: u64,
    /// Minutes, rounded up.
    minutes: u64,
    /// Minutes that one person takes, in the middle.
    each: u64,
    /// Desks that call.
    desks: u64,
    /// What that rests on.
    basis: BasisView,
    /// People served that it rests on.
    served: u64,
}

impl From<Estimate> for EstimateView {
    fn from(estimate: Estimate) -> Self {
        let Estimate { ahead, minutes, each, desks, basis, served } = estimate;
        let basis = match basis {
            Basis::Today => BasisView::Today,
            Basis::Week => BasisView::Week,
            Basis::Plan => BasisView::Plan,
        };
        Self { ahead, minutes, each, desks, basis, served: served as u64 }
    }
}

/// A ticket.
#[derive(Object)]
pub(super) struct TicketView {
    /// Opaque id.
    id: Id,
    /// What is called.
    number: String,
    /// Code of the group that calls it.
    group: String,
    /// Name of that group.
    group_name: String,
    /// Where it stands.
    state: TicketState,
    /// Who is called earlier.
    priority: Priority,
    /// Name of the desk that called it.
    desk: Option<String>,
    /// How often that desk called it.
    calls: i32,
    /// Its turn among those who wait.
    turn_at: Moment,
    /// The booking its holder came by.
    booking_id: Option<Id>,
    /// Whether it is on paper.
    print: PrintState,
    /// How long it has still to wait, while it does.
    estimate: Option<EstimateView>,
}

pub(super) fn view(seen: Seen, estimate: Option<Estimate>) -> TicketView {
    let Seen { row, group, group_name, desk } = seen;
    TicketView {
        id: row.id,
        number: row.number,
        group,
        group_name,
        state: row.state,
        priority: row.priority,
        desk,
        calls: row.calls,
        turn_at: moment(row.turn_at),
        booking_id: row.booking_id,
        print: row.print,
        estimate: estimate.map(Into::into),
    }
}

/// Whoever was next.
#[derive(Object)]
pub(super) struct NextView {
    /// The ticket; absent when nobody waits.
    pub(super) ticket: Option<TicketView>,
}

/// A call as the board shows it.
#[derive(Object)]
pub(super) struct CalledView {
    /// What is called.
    number: String,
    /// Name of the desk.
    desk: String,
    /// When it was called last.
    at: Moment,
    /// How often.
    calls: i32,
}

/// A group as the board shows it.
#[derive(Object)]
pub(super) struct LineView {
    /// Its code.
    group: String,
    /// Its name.
    name: String,
    /// How many wait.
    waiting: i64,
}

/// The queue of a branch, without names.
#[derive(Object)]
pub(super) struct BoardView {
    /// As of when.
    at: Moment,
    /// The last calls, the latest first.
    called: Vec<CalledView>,
    /// Its groups.
    lines: Vec<LineView>,
}

pub(super) fn board_view(board: Board, at: entity::Time) -> BoardView {
    let called = |c: queue::Called| CalledView { number: c.number, desk: c.desk, at: moment(c.at), calls: c.calls };
    let line = |l: queue::Line| LineView { group: l.group.code, name: l.group.name, waiting: l.waiting };
    BoardView {
        at: moment(at),
        called: board.called.into_iter().map(called).collect(),
        lines: board.lines.into_iter().map(line).collect(),
    }
}

/// The queue cannot be read; what was shown last is old.
#[derive(Object)]
pub(super) struct TroubleView {
    /// Since when, for displays.
    pub(super) at: Moment,
}

/// What a watcher hears.
#[derive(Union)]
#[oai(discriminator_name = "kind", one_of)]
pub(super) enum News {
    /// The board as it stands, whenever it changed.
    #[oai(mapping = "board")]
    Board(BoardView),
    /// It cannot be read: not to be shown as an empty queue.
    #[oai(mapping = "trouble")]
    Trouble(TroubleView),
}
