//! Doors of rectifications (差评整改).

use super::Noun;
use super::problem::Failure;
use super::view::{Listed, Moment, OfficeView, moment, part};
use crate::access::{By, Rectifier};
use crate::domain::review::{self, Rectification};
use crate::domain::{centre, guide};
use entity::Id;
use entity::review::{Ordinal, ReviewChannel};
use poem_openapi::param::Query;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

pub(super) struct Rectifications;

/// A review, as whoever sees to it reads it.
#[derive(Object)]
struct ReviewView {
    /// First, or append.
    ordinal: Ordinal,
    /// 5 非常满意 … 1 非常不满意; an append may have none.
    grade: Option<i32>,
    /// Codes of tags.
    tags: Vec<String>,
    /// What was written.
    comment: Option<String>,
    /// The reviewer asked to stay unknown to those rated.
    anonymous: bool,
    /// The way it came.
    channel: ReviewChannel,
    /// When.
    at: Moment,
}

/// What a bad review opened.
#[derive(Object)]
struct RectificationView {
    /// Opaque id.
    id: Id,
    /// Number of the case.
    number: String,
    /// Name of the matter.
    item: String,
    /// The office that handles it.
    office: Option<OfficeView>,
    /// When it was opened.
    opened_at: Moment,
    /// What was said.
    reviews: Vec<ReviewView>,
}

#[OpenApi(tag = "Noun::Review")]
impl Rectifications {
    /// What bad reviews opened, latest first: a head his office's, the supervision window and the director all
    ///
    /// Never of a case that whoever looks had a hand in.
    #[oai(path = "/rectifications", method = "get", operation_id = "list_rectifications")]
    async fn list_rectifications(
        &self,
        who: By<Rectifier>,
        /// At most so many, 1 to 100.
        limit: Query<Option<u64>>,
        /// Where the part before ended.
        cursor: Query<Option<String>>,
    ) -> Result<Json<Listed<RectificationView>>, Failure> {
        let (app, centre, page) = (&who.visit.app, &who.visit.centre, part(limit.0, cursor.0.as_ref())?);
        let (rows, next_cursor) = review::rectifications(app.read(), &app.vault, centre, &who.holder, page).await?;
        let (offices, guides) = (centre::offices(app.read(), centre.id).await?, guide::all(app.read(), centre).await?);
        let view = |of: Rectification| RectificationView {
            id: of.row.id,
            item: guides.of(of.case.guide_id).map(|guide| guide.row.name.clone()).unwrap_or_default(),
            office: offices.iter().find(|office| office.id == of.row.office_id).map(OfficeView::from),
            opened_at: moment(of.row.opened_at),
            reviews: of.reviews.into_iter().map(|(review, comment)| said(&review, comment)).collect(),
            number: of.case.number,
        };
        Ok(Json(Listed { items: rows.into_iter().map(view).collect(), next_cursor }))
    }
}

fn said(review: &entity::review::Model, comment: Option<String>) -> ReviewView {
    ReviewView {
        ordinal: review.ordinal,
        grade: review.grade,
        tags: review.tags.split(',').filter(|tag| !tag.is_empty()).map(ToOwned::to_owned).collect(),
        comment,
        anonymous: review.anonymous,
        channel: review.channel,
        at: moment(review.at),
    }
}
