//! Pages of bulletins: signed ones for everybody, drafts and names for the director and leaders.

use super::form::{Frame, Maybe, Sent, go_to, page, word, words};
use crate::access::{BulletinReader, Director, Visit};
use crate::document::bulletin::{month_in_words, signature_in_words};
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
    /// Word of the director's forms, if it is he.
    word: Option<String>,
    /// Months he may draft from here, and their titles: this one, and the one before if nobody has.
    drafting: Vec<(String, String)>,
}

#[handler]
pub(super) async fn all_bulletins(visit: Visit, Maybe(by): Maybe<BulletinReader>) -> poem::Result<Response> {
    let app = &visit.app;
    let rows = bulletin::list(app.read(), visit.centre.id, by.is_some()).await?;
    let shown = |row: entity::bulletin::Model| {
        (row.period.clone(), month_in_words(&row.period), row.state == BulletinState::Signed)
    };
    let this = Month::of(app.clock.now().date());
    let before = Some(this.before().word()).filter(|month| rows.iter().all(|row| row.period != *month));
    let drafting = before.into_iter().chain([this.word()]).map(|month| (month_in_words(&month), month)).collect();
    let word = by.as_ref().filter(|by| by.holder.is_any(&[Role::Director])).map(word);
    let frame = by.as_ref().map_or_else(|| Frame::of(&visit), Frame::of_staff);
    page(&List { frame, bulletins: rows.into_iter().map(shown).collect(), word, drafting })
}

#[derive(Template)]
#[template(path = "bulletin_page.html")]
struct Shown {
    frame: Frame,
    period: String,
    title: String,
    signed: Option<String>,
    frozen: String,
    sha256: String,
    word: Option<String>,
    /// Why it cannot be signed yet.
    unripe: Option<String>,
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
    let month = Month::parse(&period)?;
    let row = bulletin::open(visit.app.read(), visit.centre.id, month, by.is_some()).await?;
    let signature = bulletin::signature(visit.app.read(), &row).await?;
    let line = |l: bulletin::Line| Line {
        text: l.in_words(),
        counts: l.counts(),
        key: l.key,
        title: l.title,
        meaning: l.meaning,
    };
    let director = by.as_ref().filter(|by| by.holder.is_any(&[Role::Director]) && signature.is_none());
    page(&Shown {
        frame: by.as_ref().map_or_else(|| Frame::of(&visit), Frame::of_staff),
        title: month_in_words(&row.period),
        signed: signature.as_ref().map(signature_in_words),
        frozen: row.frozen_at.local().format("%Y年%-m月%-d日 %H:%M").to_string(),
        word: director.map(word),
        unripe: bulletin::ensure_ripe(&row, month, visit.app.clock.now()).err().map(words).transpose()?,
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
    /// Some row says which one it is.
    named: bool,
    rows: Vec<Row>,
}

#[handler]
pub(super) async fn open_figure(
    visit: Visit,
    Maybe(by): Maybe<BulletinReader>,
    Path((period, key)): Path<(String, String)>,
) -> poem::Result<Response> {
    let app = &visit.app;
    if by.is_none() {
        visit.limit_figures().await?;
    }
    let row = bulletin::open(app.read(), visit.centre.id, Month::parse(&period)?, by.is_some()).await?;
    let figure = bulletin::rows(app.read(), &row, &key, by.is_some()).await?;
    let counts = match figure.denominator() {
        Some(all) => format!("{}／{all}", figure.numerator()),
        None => figure.numerator().to_string(),
    };
    let (title, meaning) = (figure.title, figure.meaning);
    let frame = by.as_ref().map_or_else(|| Frame::of(&visit), Frame::of_staff);
    let named = figure.rows.iter().any(|r| r.reference.is_some());
    page(&Rows { frame, named, period: row.period, title, meaning, counts, rows: figure.rows })
}
