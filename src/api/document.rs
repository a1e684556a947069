//! Doors of documents (文书).

use super::Noun;
use super::file::FileBody;
use super::problem::Failure;
use super::view::{Listed, Moment, Text, moment};
use crate::access::{By, ReceiptParty, Visit};
use crate::document::issued;
use crate::domain::{case, document};
use entity::Id;
use entity::document::{DocumentKind, Model};
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

pub(super) struct Documents;

/// A document of a case.
#[derive(Object)]
struct DocumentView {
    /// Its id.
    id: Id,
    /// What it says.
    kind: DocumentKind,
    /// Its name.
    title: String,
    /// Its number.
    number: String,
    /// When it was issued.
    issued_at: Moment,
    /// What it tells of was undone.
    void: bool,
}

/// A code to be checked.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct CheckInput {
    /// The code on the paper, as it is typed.
    code: Text,
}

/// What is told of a document to whoever has its code.
#[derive(Object)]
struct CheckedView {
    /// Name of the centre that issued it.
    centre: String,
    /// Its name.
    title: String,
    /// Its number.
    number: String,
    /// When it was issued.
    issued_at: Moment,
    /// To whom, masked.
    to: Option<String>,
    /// What it says first.
    first: Option<String>,
    /// What it tells of was undone: it does not hold.
    void: bool,
    /// SHA-256 of the file as it was issued, in hex; null while it is being made.
    sha256: Option<String>,
}

impl From<Model> for DocumentView {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            kind: row.kind,
            title: document::title(row.kind).to_owned(),
            number: row.number,
            issued_at: moment(row.issued_at),
            void: row.void_id.is_some(),
        }
    }
}

type Answer<T> = Result<T, Failure>;

#[OpenApi(tag = "Noun::Document")]
impl Documents {
    /// Documents that were issued in a case, for whoever sees it in full
    #[oai(path = "/cases/:number/documents", method = "get", operation_id = "list_documents")]
    async fn list_documents(&self, who: By<ReceiptParty>, number: Path<String>) -> Answer<Json<Listed<DocumentView>>> {
        let (db, sight) = (who.visit.app.read(), who.sight().await?);
        let row = case::papers(db, &who.visit.app.vault, &who.visit.centre, &number.0, &sight).await?.row;
        let items = document::of_case(db, row.id).await?.into_iter().map(Into::into).collect();
        Ok(Json(Listed { items, next_cursor: None }))
    }

    /// A document as it was issued
    #[oai(path = "/cases/:number/documents/:document", method = "get", operation_id = "get_document")]
    async fn get_document(&self, who: By<ReceiptParty>, number: Path<String>, document: Path<Id>) -> Answer<FileBody> {
        let (app, centre, sight) = (&who.visit.app, &who.visit.centre, who.sight().await?);
        let case = case::papers(app.read(), &app.vault, centre, &number.0, &sight).await?.row;
        let row = document::get(app.read(), case.id, document.0).await?;
        let file = issued::kept(app, centre, &row).await?;
        FileBody::of(app, &file).await
    }

    /// Ask whether a paper is one of the centre's, and still holds
    #[oai(path = "/documents/check", method = "post", operation_id = "check_document")]
    async fn check_document(&self, visit: Visit, body: Json<CheckInput>) -> Answer<Json<CheckedView>> {
        visit.limit_check().await?;
        let checked = document::check(visit.app.read(), &visit.app.vault, visit.centre.id, &body.code).await?;
        Ok(Json(CheckedView {
            centre: checked.centre,
            title: checked.title,
            number: checked.row.number,
            issued_at: moment(checked.row.issued_at),
            to: checked.to,
            first: checked.first,
            void: checked.row.void_id.is_some(),
            sha256: checked.sha256,
        }))
    }
}
