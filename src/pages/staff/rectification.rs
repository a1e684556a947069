//! Bad reviews that are to be seen to (差评整改), for whoever had no hand in them.

use crate::access::Rectifier;
use crate::domain::act::Page as Part;
use crate::domain::guide;
use crate::domain::review::{self, GRADES, Rectification, tags_of};
use crate::pages::booking::moment_in_words;
use crate::pages::form::{Frame, Someone, page};
use askama::Template;
use entity::review::{Model as Review, Ordinal};
use poem::web::Query;
use poem::{Response, handler};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "rectifications.html")]
struct Rectifications {
    frame: Frame,
    rows: Vec<Line>,
    next: Option<String>,
}

struct Line {
    number: String,
    item: String,
    opened: String,
    said: Vec<String>,
}

#[derive(Deserialize)]
struct Place {
    cursor: Option<String>,
}

#[handler]
pub(super) async fn list(Someone(by): Someone<Rectifier>, Query(place): Query<Place>) -> poem::Result<Response> {
    let (app, centre, part) = (&by.visit.app, &by.visit.centre, Part::new(Some(50), place.cursor.as_deref())?);
    let (rows, next) = review::rectifications(app.read(), &app.vault, centre, &by.holder, part).await?;
    let guides = guide::all(app.read(), centre).await?;
    let line = |of: Rectification| Line {
        item: guides.of(of.case.guide_id).map(|guide| guide.row.name.clone()).unwrap_or_default(),
        opened: moment_in_words(of.row.opened_at),
        said: of.reviews.iter().map(|(review, comment)| in_words(review, comment.as_deref())).collect(),
        number: of.case.number,
    };
    page(&Rectifications { frame: Frame::of_staff(&by), rows: rows.into_iter().map(line).collect(), next })
}

/// A review as it is read: its grade, its tags, its words.
fn in_words(review: &Review, comment: Option<&str>) -> String {
    let grade = review.grade.and_then(|grade| GRADES.iter().find(|g| g.code == grade)).map(|g| g.name);
    let of_grade = review.grade.map(tags_of).unwrap_or_default();
    let tags = review.tags.split(',').filter_map(|code| of_grade.iter().find(|tag| tag.code == code));
    let mut parts: Vec<&str> = grade.into_iter().chain(tags.map(|tag| tag.text.as_str())).chain(comment).collect();
    if review.anonymous {
        parts.push("（请对被评价人保密）");
    }
    let added = if review.ordinal == Ordinal::Append { "追评：" } else { "" };
    format!("{added}{}", parts.join("　"))
}
