//! Pages of bulletins: signed ones for everybody, drafts and rows for the director and leaders.

use super::form::{Frame, Maybe, Sent, Someone, go_to, page, word};
use crate::access::{BulletinReader, Director, Visit};
use crate::base::error::Error;
use crate::document::bulletin::month_in_words;
use crate::domain::bulletin;
use crate::domain::figure::{Month, Row};
use askama::Template;
use entity::bulletin::BulletinState;
use entity::identity::Role;
use poem::web::Path;
use poem::{Response, handler};

#[derive(Template)]
#[template(path = "bulletins.html")]
struct List {
    frame: Frame,
    bulletins: Vec<(String, String, bool)>,
    /// Word of the director's forms, and the month he may draft.
    drafting: Option<(String, String, String)>,
}

#[handler]
pub(super) async fn all_bulletins(visit: Visit, Maybe(by): Maybe<BulletinReader>) -> poem::Result<Response> {
    let app = &visit.app;
    let rows = bulletin::list(app.read(), visit.centre.id, by.is_some()).await?;
    let shown = |row: entity::bulletin::Model| {
        (row.period.clone(), month_in_words(&row.period), row.state == BulletinState::Signed)
    };
    let drafting = by.as_ref().filter(|by| by.holder.is_any(&[Role::Director])).map(|by| {
        let month = Month::of(app.clock.now().date()).word();
        (word(by), month_in_words(&month), month)
    });
    let frame = by.as_ref().map_or_else(|| Frame::of(&visit), Frame::of_staff);
    page(&List { frame, bulletins: rows.into_iter().map(shown).collect(), drafting })
}

#[derive(Template)]
#[template(path = "bulletin_page.html")]
struct Shown {
    frame: Frame,
    period: String,
    title: String,
    signed: bool,
    frozen: String,
    sha256: String,
    opens: bool,
    word: Option<String>,
    lines: Vec<Line>,
}

struct Line {
    key: String,
    title: String,
    text: String,
    counts: String,
    meaning: String,
}

#[handler]
pub(super) async fn one_bulletin(
    visit: Visit,
    Maybe(by): Maybe<BulletinReader>,
    Path(period): Path<String>,
) -> poem::Result<Response> {
    let row = bulletin::find(visit.app.read(), visit.centre.id, Month::parse(&period)?).await?;
    let signed = row.state == BulletinState::Signed;
    if !signed && by.is_none() {
        return Err(Error::from(bulletin::NO_BULLETIN).into());
    }
    let line = |l: bulletin::Line| Line {
        text: l.in_words(),
        counts: l.counts(),
        key: l.key,
        title: l.title,
        meaning: l.meaning,
    };
    let director = by.as_ref().filter(|by| by.holder.is_any(&[Role::Director]) && !signed);
    page(&Shown {
        frame: by.as_ref().map_or_else(|| Frame::of(&visit), Frame::of_staff),
        title: month_in_words(&row.period),
        signed,
        frozen: row.frozen_at.local().format("%Y年%-m月%-d日 %H:%M").to_string(),
        opens: by.is_some(),
        word: director.map(word),
        lines: bulletin::read(&row)?.figures.into_iter().filter(|l| !l.is_blank()).map(line).collect(),
        period: row.period,
        sha256: row.sha256,
    })
}

#[handler]
pub(super) async fn draft_again(sent: Sent<Director>, Path(period): Path<String>) -> poem::Result<Response> {
    let (by, month) = (sent.by, Month::parse(&period)?);
    by.visit.write(by.who.clone(), async |act| bulletin::draft(act, month).await).await?;
    Ok(go_to(&format!("/bulletins/{}", month.word())))
}

#[handler]
pub(super) async fn sign_draft(sent: Sent<Director>, Path(period): Path<String>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let month = Month::parse(&period)?;
    let read = fields.typed("sha256");
    let sign = async |act: &_| bulletin::sign(act, &by.holder, month, read.as_deref()).await;
    by.visit.write(by.who.clone(), sign).await?;
    Ok(go_to(&format!("/bulletins/{}", month.word())))
}

#[derive(Template)]
#[template(path = "rows.html")]
struct Rows {
    frame: Frame,
    period: String,
    title: String,
    meaning: &'static str,
    counts: String,
    rows: Vec<Row>,
}

#[handler]
pub(super) async fn open_figure(
    Someone(by): Someone<BulletinReader>,
    Path((period, key)): Path<(String, String)>,
) -> poem::Result<Response> {
    let app = &by.visit.app;
    let row = bulletin::find(app.read(), by.visit.centre.id, Month::parse(&period)?).await?;
    let figure = bulletin::rows(app.read(), &row, &key).await?;
    let counts = match figure.denominator() {
        Some(all) => format!("{}／{all}", figure.numerator()),
        None => figure.numerator().to_string(),
    };
    let (title, meaning) = (figure.title, figure.meaning);
    page(&Rows { frame: Frame::of_staff(&by), period: row.period, title, meaning, counts, rows: figure.rows })
}
