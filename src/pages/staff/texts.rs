//! Texts that did not arrive, and what phones answered that nobody understood.

use crate::access::{By, ReplyAttendant, WindowStaff};
use crate::domain::notice::{self, ReplyReader, Unattended, Unread};
use crate::pages::booking::moment_in_words;
use crate::pages::form::{Frame, Sent, Someone, go_to, page, word, words};
use askama::Template;
use chrono::Duration;
use entity::Id;
use entity::notice::{Attended, NoticeState};
use poem::web::Path;
use poem::{Response, handler};

#[derive(Template)]
#[template(path = "texts.html")]
struct Texts {
    frame: Frame,
    word: String,
    texts: Vec<Shown>,
    replies: Vec<Reply>,
    /// A text, its phone and what was said to it, or what it said.
    opened: Option<(Id, String, String)>,
    wrong: Option<String>,
}

struct Shown {
    id: Id,
    when: String,
    title: &'static str,
    phone: String,
    what: String,
    unsure: bool,
}

struct Reply {
    id: Id,
    when: String,
    phone: String,
    text: String,
}

async fn texts_page(
    by: &By<ReplyAttendant>,
    opened: Option<(Id, String, String)>,
    wrong: Option<String>,
) -> poem::Result<Response> {
    let (app, centre, now) = (&by.visit.app, &by.visit.centre, by.visit.app.clock.now());
    let asked_for = Duration::minutes(app.settings.sms.ask_minutes);
    // What did not arrive is the windows' to tell.
    let texts = if by.ensure::<WindowStaff>().is_ok() {
        notice::unattended(app.read(), &app.vault, centre.id, now, asked_for).await?
    } else {
        Vec::new()
    };
    let shown = |text: Unattended| Shown {
        id: text.row.id,
        when: moment_in_words(text.row.due_at),
        title: text.title,
        phone: text.phone.unwrap_or_else(|| "号码无法解密".to_owned()),
        what: text.what,
        unsure: text.row.state == NoticeState::Unsure,
    };
    let unread = notice::unread(app.read(), &app.vault, centre.id, now, ReplyReader::of(&by.holder)).await?;
    let reply = |unread: Unread| Reply {
        id: unread.row.id,
        when: moment_in_words(unread.row.received_at),
        phone: unread.phone,
        text: unread.text,
    };
    page(&Texts {
        frame: Frame::of_staff(by),
        word: word(by),
        texts: texts.into_iter().map(shown).collect(),
        replies: unread.into_iter().map(reply).collect(),
        opened,
        wrong,
    })
}

#[handler]
pub(super) async fn list_texts(Someone(by): Someone<ReplyAttendant>) -> poem::Result<Response> {
    texts_page(&by, None, None).await
}

/// Opens a text to ring up, sends it once more, or notes that it was seen to.
#[handler]
pub(super) async fn see_to_text(sent: Sent<ReplyAttendant>, Path(id): Path<Id>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    by.ensure::<WindowStaff>()?;
    let who = by.who.clone();
    let done = match fields.get("do") {
        "open" => {
            let opened = async |act: &_| notice::open_text(act, id, "电话告知").await;
            match by.visit.write(who, opened).await {
                Ok((phone, text)) => return texts_page(&by, Some((id, phone, text)), None).await,
                Err(error) => Err(error),
            }
        }
        "retry" => {
            let though_unsure = fields.get("unsure") == "yes";
            by.visit.write(who, async |act| notice::retry(act, id, though_unsure).await).await
        }
        "called" => by.visit.write(who, async |act| notice::attend(act, id, Attended::Called).await).await,
        _ => by.visit.write(who, async |act| notice::attend(act, id, Attended::LetBe).await).await,
    };
    match done {
        Ok(()) => Ok(go_to("/staff/texts")),
        Err(error) => texts_page(&by, None, Some(words(error)?)).await,
    }
}

/// Opens an answer, to ring back, or notes that it was seen to.
#[handler]
pub(super) async fn read_reply(sent: Sent<ReplyAttendant>, Path(id): Path<Id>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let (who, reader) = (by.who.clone(), ReplyReader::of(&by.holder));
    let done = if fields.get("do") == "open" {
        match by.visit.write(who, async |act| notice::open_reply(act, id, reader).await).await {
            Ok((phone, text)) => return texts_page(&by, Some((id, phone, text)), None).await,
            Err(error) => Err(error),
        }
    } else {
        by.visit.write(who, async |act| notice::note_read(act, id, reader).await).await
    };
    match done {
        Ok(_) => Ok(go_to("/staff/texts")),
        Err(error) => texts_page(&by, None, Some(words(error)?)).await,
    }
}
