//! Doors of texts: what did not arrive, and what phones answered that nobody understood.

use super::problem::Failure;
use super::view::{Done, Listed, Moment, Text, moment};
use crate::access::{By, ReplyAttendant, Visit, WindowStaff};
use crate::api::Noun;
use crate::domain::notice::{self, ReplyReader, Unattended, Unread};
use chrono::Duration;
use entity::Id;
use entity::notice::{Attended, NoticeState, UplinkOutcome};
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

type Answer<T> = Result<T, Failure>;

pub(super) struct Notices;

/// A text that did not arrive, or may not have.
#[derive(Object)]
struct TextView {
    /// Opaque id.
    id: Id,
    /// What kind of text it is.
    kind: String,
    /// The name of its kind.
    title: String,
    /// To whom, masked.
    #[oai(skip_serializing_if_is_none)]
    phone: Option<String>,
    /// Where it stands.
    state: NoticeState,
    /// What became of it, in words.
    what: String,
    /// When it was to go.
    due_at: Moment,
    /// Handed to a gateway so often.
    attempts: i32,
}

/// Why it is looked at.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct PurposeInput {
    /// 2 to 60 characters, without numbers of telephones or documents.
    purpose: Text,
}

/// A text in full.
#[derive(Object)]
struct OpenedText {
    /// To whom.
    phone: String,
    /// What it says.
    text: String,
}

/// Once more.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct RetryInput {
    /// It may come twice: nobody is sure that it did not go out.
    though_unsure: Option<bool>,
}

/// How it was seen to.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct AttendInput {
    /// By telephone, or not at all.
    how: Attended,
}

/// A text from a phone.
#[derive(Object)]
struct ReplyView {
    /// Opaque id.
    id: Id,
    /// From whom, masked.
    phone: String,
    /// What it says.
    text: String,
    /// What became of it.
    outcome: UplinkOutcome,
    /// When it came.
    received_at: Moment,
}

/// The phone of a text that was read.
#[derive(Object)]
struct ReadReply {
    /// For whoever rings back.
    phone: String,
}

#[OpenApi(tag = "Noun::Notice")]
impl Notices {
    /// See the texts that did not arrive, or may not have
    #[oai(path = "/texts", method = "get", operation_id = "list_texts")]
    async fn list_texts(&self, who: By<WindowStaff>) -> Answer<Json<Listed<TextView>>> {
        let Visit { app, centre, .. } = &who.visit;
        let asked_for = Duration::minutes(app.settings.sms.ask_minutes);
        let texts = notice::unattended(app.read(), &app.vault, centre.id, app.clock.now(), asked_for).await?;
        let view = |text: Unattended| TextView {
            id: text.row.id,
            kind: text.row.kind,
            title: text.title.to_owned(),
            phone: text.phone,
            state: text.row.state,
            what: text.what,
            due_at: moment(text.row.due_at),
            attempts: text.row.attempts,
        };
        Ok(Json(Listed { items: texts.into_iter().map(view).collect(), next_cursor: None }))
    }

    /// Read one of them in full, to ring up instead
    #[oai(path = "/texts/:id/open", method = "post", operation_id = "open_text")]
    async fn open_text(
        &self,
        who: By<WindowStaff>,
        id: Path<Id>,
        body: Json<PurposeInput>,
    ) -> Answer<Json<OpenedText>> {
        let opened = async |act: &_| notice::open_text(act, id.0, &body.0.purpose).await;
        let (phone, text) = who.visit.write(who.who.clone(), opened).await?;
        Ok(Json(OpenedText { phone, text }))
    }

    /// Send one of them once more
    #[oai(path = "/texts/:id/retry", method = "post", operation_id = "retry_text")]
    async fn retry_text(&self, who: By<WindowStaff>, id: Path<Id>, body: Json<RetryInput>) -> Answer<Done> {
        let though_unsure = body.0.though_unsure.unwrap_or(false);
        let retry = async |act: &_| notice::retry(act, id.0, though_unsure).await;
        who.visit.write(who.who.clone(), retry).await?;
        Ok(Done::Done)
    }

    /// Note how one of them was seen to
    #[oai(path = "/texts/:id/attend", method = "post", operation_id = "attend_text")]
    async fn attend_text(&self, who: By<WindowStaff>, id: Path<Id>, body: Json<AttendInput>) -> Answer<Done> {
        who.visit.write(who.who.clone(), async |act| notice::attend(act, id.0, body.0.how).await).await?;
        Ok(Done::Done)
    }

    /// See the texts from phones that nobody has read
    #[oai(path = "/replies", method = "get", operation_id = "list_replies")]
    async fn list_replies(&self, who: By<ReplyAttendant>) -> Answer<Json<Listed<ReplyView>>> {
        let Visit { app, centre, .. } = &who.visit;
        let unread =
            notice::unread(app.read(), &app.vault, centre.id, app.clock.now(), ReplyReader::of(&who.holder)).await?;
        let view = |unread: Unread| ReplyView {
            id: unread.row.id,
            phone: unread.phone,
            text: unread.text,
            outcome: unread.row.outcome,
            received_at: moment(unread.row.received_at),
        };
        Ok(Json(Listed { items: unread.into_iter().map(view).collect(), next_cursor: None }))
    }

    /// Note that one of them was read; its phone, to ring back
    #[oai(path = "/replies/:id/read", method = "post", operation_id = "read_reply")]
    async fn read_reply(&self, who: By<ReplyAttendant>, id: Path<Id>) -> Answer<Json<ReadReply>> {
        let reader = ReplyReader::of(&who.holder);
        let phone = who.visit.write(who.who.clone(), async |act| notice::note_read(act, id.0, reader).await).await?;
        Ok(Json(ReadReply { phone }))
    }
}
