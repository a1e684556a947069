//! Doors of bulletins: a month's figures, each open to its rows.

use super::Noun;
use super::problem::Failure;
use super::view::{Listed, Moment, moment};
use crate::access::{BulletinReader, By, Director, Perhaps, Visit};
use crate::app::App;
use crate::base::Error;
use crate::domain::act::BAD_CURSOR;
use crate::domain::bulletin::{self, Line};
use crate::domain::figure::Month;
use chrono::NaiveDate;
use entity::bulletin::{BulletinState, Model};
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

pub(super) struct Bulletins;

/// A figure.
#[derive(Object)]
struct FigureView {
    /// Stable key.
    key: String,
    /// Name.
    title: String,
    /// How it is counted.
    meaning: String,
    /// Article that asks for it.
    article: String,
    /// Version of its meaning.
    version: u32,
    /// Rows that count.
    numerator: i64,
    /// All rows, for a ratio.
    denominator: Option<i64>,
    /// As people read it; a dash where there was nothing to count.
    text: String,
}

impl From<Line> for FigureView {
    fn from(line: Line) -> Self {
        Self {
            text: line.in_words(),
            key: line.key,
            title: line.title,
            meaning: line.meaning,
            article: line.article,
            version: line.version,
            numerator: line.numerator,
            denominator: line.denominator,
        }
    }
}

/// A month's bulletin.
#[derive(Object)]
struct BulletinView {
    /// Such as `2026-10`.
    period: String,
    /// Draft or signed.
    state: BulletinState,
    /// Nothing recorded later counts.
    frozen_at: Moment,
    /// SHA-256 of the figures as canonical JSON.
    sha256: String,
    /// When it was signed.
    signed_at: Option<Moment>,
    /// Post and name of who signed it.
    signed_by: Option<String>,
    /// The figures.
    figures: Vec<FigureView>,
}

async fn view(app: &App, row: &Model) -> crate::base::Result<BulletinView> {
    let body = bulletin::read(row)?;
    let signature = bulletin::signature(app.read(), row).await?;
    Ok(BulletinView {
        period: row.period.clone(),
        state: row.state,
        frozen_at: moment(row.frozen_at),
        sha256: row.sha256.clone(),
        signed_at: signature.as_ref().map(|s| moment(s.at)),
        signed_by: signature.map(|s| s.by),
        figures: body.figures.into_iter().map(FigureView::from).collect(),
    })
}

/// One row a figure rests on.
#[derive(Object)]
struct RowView {
    /// A case's or booking's number, a person's session; null for the public where it would tell who it was.
    reference: Option<String>,
    /// The day it counts for; null likewise.
    on: Option<NaiveDate>,
    /// It is in the numerator.
    counted: bool,
}

type Answer<T> = Result<T, Failure>;

#[OpenApi(prefix_path = "/bulletins", tag = "Noun::Bulletin")]
impl Bulletins {
    /// Read a month's bulletin; a draft for the director and leaders only
    #[oai(path = "/:period", method = "get", operation_id = "get_bulletin")]
    async fn get_bulletin(&self, who: Perhaps<BulletinReader>, period: Path<String>) -> Answer<Json<BulletinView>> {
        let visit = who.visit();
        let reads_drafts = matches!(who, Perhaps::Known(_));
        let row = bulletin::open(visit.app.read(), visit.centre.id, Month::parse(&period.0)?, reads_drafts).await?;
        Ok(Json(view(&visit.app, &row).await?))
    }

    /// Draft a month's bulletin, or draft it again
    #[oai(path = "/:period/draft", method = "post", operation_id = "draft_bulletin")]
    async fn draft_bulletin(&self, who: By<Director>, period: Path<String>) -> Answer<Json<BulletinView>> {
        let month = Month::parse(&period.0)?;
        let row = who.visit.write(who.who.clone(), async |act| bulletin::draft(act, month).await).await?;
        Ok(Json(view(&who.visit.app, &row).await?))
    }

    /// Sign a month's bulletin; it never changes from here
    #[oai(path = "/:period/sign", method = "post", operation_id = "sign_bulletin")]
    async fn sign_bulletin(
        &self,
        who: By<Director>,
        period: Path<String>,
        /// Hash of the draft that was read; when given, a draft made since is refused.
        sha256: Query<Option<String>>,
    ) -> Answer<Json<BulletinView>> {
        let month = Month::parse(&period.0)?;
        let sign = async |act: &_| bulletin::sign(act, &who.holder, month, sha256.0.as_deref()).await;
        let row = who.visit.write(who.who.clone(), sign).await?;
        Ok(Json(view(&who.visit.app, &row).await?))
    }

    /// Open a figure to its rows, as of the moment the bulletin was frozen; of a draft for the director and leaders only
    #[oai(path = "/:period/figures/:key/rows", method = "get", operation_id = "figure_rows")]
    async fn figure_rows(
        &self,
        who: Perhaps<BulletinReader>,
        period: Path<String>,
        key: Path<String>,
        /// At most so many, 1 to 1000.
        limit: Query<Option<u64>>,
        /// Where the part before ended.
        cursor: Query<Option<String>>,
    ) -> Answer<Json<Listed<RowView>>> {
        let Visit { app, centre, .. } = who.visit();
        let reads_drafts = matches!(who, Perhaps::Known(_));
        if !reads_drafts {
            who.visit().limit_figures().await?;
        }
        let row = bulletin::open(app.read(), centre.id, Month::parse(&period.0)?, reads_drafts).await?;
        let figure = bulletin::rows(app.read(), &row, &key.0, reads_drafts).await?;
        let from: usize = match cursor.0 {
            Some(cursor) => cursor.parse().map_err(|_| Error::from(BAD_CURSOR.on("cursor")))?,
            None => 0,
        };
        let limit = usize::try_from(limit.0.unwrap_or(100).clamp(1, 1000)).unwrap_or(100);
        let all = figure.rows.len();
        let items = figure.rows.into_iter().skip(from).take(limit);
        let items = items.map(|r| RowView { reference: r.reference, on: r.on, counted: r.counted }).collect();
        let next = from.saturating_add(limit);
        Ok(Json(Listed { items, next_cursor: (next < all).then(|| next.to_string()) }))
    }
}
