//! Doors by which cases are taken away as a table.

use super::super::Noun;
use super::super::problem::Failure;
use super::super::view::Text;
use crate::access::{By, CaseReader, download};
use crate::document::cases;
use crate::document::sheet::{CSV, XLSX};
use crate::domain::case::{self, Filter, Lamp};
use crate::domain::centre;
use chrono::NaiveDate;
use entity::case::CaseState;
use poem_openapi::payload::{Binary, Json, Payload};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::{ApiResponse, Enum, Object, OpenApi};

pub(in crate::api) struct Export;

/// The form of a table.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Enum)]
#[oai(rename_all = "snake_case")]
enum TableForm {
    /// Comma-separated, UTF-8 with its mark.
    Csv,
    /// A workbook.
    Xlsx,
}

/// Which cases, and in which form.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct ExportInput {
    /// The form.
    form: TableForm,
    /// Where they stand.
    state: Option<CaseState>,
    /// Code of an office.
    office: Option<Text>,
    /// User name of whoever holds the post that has them in hand.
    holder: Option<Text>,
    /// How near their last day is.
    lamp: Option<Lamp>,
    /// Received on this day or later.
    from: Option<NaiveDate>,
    /// Received on this day or before.
    until: Option<NaiveDate>,
}

/// A table as a file.
struct Table {
    form: TableForm,
    bytes: Vec<u8>,
}

impl poem::IntoResponse for Table {
    fn into_response(self) -> poem::Response {
        let (kind, name) = match self.form {
            TableForm::Csv => (CSV, "办件.csv"),
            TableForm::Xlsx => (XLSX, "办件.xlsx"),
        };
        download::attached(name, kind, self.bytes)
    }
}

impl ApiResponse for Table {
    fn meta() -> MetaResponses {
        let of = |content_type| MetaMediaType { content_type, schema: <Binary<Vec<u8>> as Payload>::schema_ref() };
        let response = MetaResponse {
            description: "The table.",
            status: Some(200),
            status_range: None,
            content: vec![of(CSV), of(XLSX)],
            headers: vec![],
        };
        MetaResponses { responses: vec![response] }
    }

    fn register(_: &mut Registry) {}
}

#[OpenApi(tag = "Noun::Case")]
impl Export {
    /// Take the cases that one may see away as a table
    ///
    /// With what a list shows: names and telephones masked. It leaves a line in the trail.
    #[oai(path = "/cases/export", method = "post", operation_id = "export_cases")]
    async fn export_cases(&self, who: By<CaseReader>, body: Json<ExportInput>) -> Result<Table, Failure> {
        who.visit.limit_search(who.holder.id).await?;
        let ExportInput { form, state, office, holder, lamp, from, until } = body.0;
        let (app, centre, sight) = (&who.visit.app, &who.visit.centre, who.sight().await?);
        let (db, now) = (app.read(), app.clock.now());
        let office = match office {
            Some(code) => Some(centre::office(db, centre.id, &code).await?.id),
            None => None,
        };
        let posts = match holder {
            Some(username) => Some(case::posts_of(db, centre, &username, now).await?),
            None => None,
        };
        let filter = Filter { state, office, posts, lamp, from, until, applied_by: None };
        let found = case::all(db, &app.vault, centre, &sight, &filter, now).await?;
        let rows = found.len();
        let sheet = cases::sheet(found, &centre::offices(db, centre.id).await?);
        let bytes = match form {
            TableForm::Csv => sheet.csv(),
            TableForm::Xlsx => sheet.xlsx()?,
        };
        who.visit.write(who.who.clone(), async |act| case::taken_away(act, rows).await).await?;
        Ok(Table { form, bytes })
    }
}
