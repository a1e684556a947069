//! Doors of versions of guides, and how two of them compare.

use super::GuideView;
use crate::access::Visit;
use crate::api::Noun;
use crate::api::file::FileBody;
use crate::api::problem::Failure;
use crate::api::view::{Listed, Moment, moment};
use crate::domain::centre;
use crate::domain::guide::{self, Comparison, Count, Guide, UNKNOWN_VERSION};
use chrono::NaiveDate;
use entity::Id;
use entity::guide::version;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

pub(in crate::api) struct Versions;

/// A version of a guide.
#[derive(Object)]
struct VersionView {
    /// Its number.
    number: i32,
    /// When it was published.
    published_at: Moment,
    /// First day on which cases began under it.
    in_force_from: NaiveDate,
    /// Last day, if it is over.
    in_force_until: Option<NaiveDate>,
    /// Day on which it is to be looked through again.
    review_on: NaiveDate,
}

/// How a count changed; null where it was not published.
#[derive(Object)]
struct CountView {
    /// In the version before.
    before: Option<i32>,
    /// In the version after.
    after: Option<i32>,
}

/// Two versions compared on the four counts of article 4.4.
#[derive(Object)]
pub(super) struct ComparisonView {
    /// Steps (减环节).
    steps: CountView,
    /// Working days (减时间).
    days: CountView,
    /// Materials (减材料).
    materials: CountView,
    /// Visits (减跑动).
    visits: CountView,
}

impl From<Comparison> for ComparisonView {
    fn from(of: Comparison) -> Self {
        let view = |Count { before, after }| CountView { before, after };
        Self { steps: view(of.steps), days: view(of.days), materials: view(of.materials), visits: view(of.visits) }
    }
}

type Answer<T> = Result<T, Failure>;

#[OpenApi(prefix_path = "/guides", tag = "Noun::Guide")]
impl Versions {
    /// Versions of a guide, the newest first
    #[oai(path = "/:code/versions", method = "get", operation_id = "list_guide_versions")]
    async fn list_guide_versions(&self, visit: Visit, code: Path<String>) -> Answer<Json<Listed<VersionView>>> {
        let (_, versions) = guide::history(visit.app.read(), visit.centre.id, &code.0).await?;
        let view = |v: version::Model| VersionView {
            number: v.number,
            published_at: moment(v.published_at),
            in_force_from: v.in_force_from,
            in_force_until: v.in_force_until,
            review_on: v.review_on,
        };
        Ok(Json(Listed { items: versions.into_iter().map(view).collect(), next_cursor: None }))
    }

    /// Read a version of a guide: the one a case began under, say
    #[oai(path = "/:code/versions/:number", method = "get", operation_id = "get_guide_version")]
    async fn get_guide_version(&self, visit: Visit, code: Path<String>, number: Path<i32>) -> Answer<Json<GuideView>> {
        let db = visit.app.read();
        let (row, versions) = guide::history(db, visit.centre.id, &code.0).await?;
        let version = versions.into_iter().find(|v| v.number == number.0).ok_or(UNKNOWN_VERSION)?;
        let offices = centre::offices(db, visit.centre.id).await?;
        let office = offices.into_iter().find(|o| o.id == row.office_id).ok_or(centre::UNKNOWN_OFFICE)?;
        Ok(Json(Guide { row, office, version }.into()))
    }

    /// Compare two versions on steps, days, materials and visits
    #[oai(path = "/:code/compare", method = "get", operation_id = "compare_guide_versions")]
    async fn compare_guide_versions(
        &self,
        visit: Visit,
        code: Path<String>,
        /// Number of the version before.
        before: Query<i32>,
        /// Number of the version after.
        after: Query<i32>,
    ) -> Answer<Json<ComparisonView>> {
        let (_, versions) = guide::history(visit.app.read(), visit.centre.id, &code.0).await?;
        let of = |n: i32| versions.iter().find(|v| v.number == n).ok_or(UNKNOWN_VERSION);
        Ok(Json(Comparison::of(&of(before.0)?.content, &of(after.0)?.content).into()))
    }

    /// A blank form or a sample that a version of a guide names
    #[oai(path = "/:code/files/:id", method = "get", operation_id = "get_guide_file")]
    async fn get_guide_file(&self, visit: Visit, code: Path<String>, id: Path<Id>) -> Answer<FileBody> {
        let row = guide::form(visit.app.read(), visit.centre.id, &code.0, id.0).await?;
        FileBody::of(&visit.app, &row).await
    }
}
