//! Doors of files (附件).

use super::Noun;
use super::problem::Failure;
use super::view::Created;
use crate::access::{By, Director, FORBIDDEN, FileGiver, GuideEditor, download};
use crate::app::App;
use crate::base::media;
use crate::domain::{Who, file};
use entity::Id;
use entity::file::{FilePurpose, MediaType, Model};
use poem::web::Field;
use poem_openapi::param::Path;
use poem_openapi::payload::{Binary, Payload};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, MetaSchema, MetaSchemaRef, Registry};
use poem_openapi::types::{ParseError, ParseFromMultipartField, ParseResult, Type};
use poem_openapi::{ApiResponse, Multipart, Object, OpenApi};
use std::borrow::Cow;

pub(super) struct Files;

/// A file as a form sends it: read into memory, never onto the disk as it is.
struct Sent {
    name: String,
    bytes: Vec<u8>,
}

impl Type for Sent {
    const IS_REQUIRED: bool = true;
    type RawValueType = Self;
    type RawElementValueType = Self;

    fn name() -> Cow<'static, str> {
        "string_binary".into()
    }

    fn schema_ref() -> MetaSchemaRef {
        MetaSchemaRef::Inline(Box::new(MetaSchema::new_with_format("string", "binary")))
    }

    fn as_raw_value(&self) -> Option<&Self> {
        Some(self)
    }

    fn raw_element_iter<'a>(&'a self) -> Box<dyn Iterator<Item = &'a Self> + 'a> {
        Box::new(std::iter::once(self))
    }
}

impl ParseFromMultipartField for Sent {
    async fn parse_from_multipart(field: Option<Field>) -> ParseResult<Self> {
        let field = field.ok_or_else(ParseError::expected_input)?;
        let name = field.file_name().unwrap_or_default().to_owned();
        let bytes = field.bytes().await.map_err(ParseError::custom)?;
        Ok(Self { name, bytes })
    }
}

/// A form with a file.
#[derive(Multipart)]
#[oai(deny_unknown_fields)]
struct FileForm {
    /// What it is given for; `form` is for whoever compiles guides, `letter` for the director.
    purpose: FilePurpose,
    /// The file: PDF, DOCX, JPEG or PNG.
    file: Sent,
}

/// A file that was kept.
#[derive(Object)]
struct FileView {
    /// By this id it is named elsewhere, within a day.
    id: Id,
    /// Its name.
    name: String,
    /// What it is, by its content.
    media: MediaType,
    /// Bytes that are kept.
    size: i32,
}

#[OpenApi(tag = "Noun::File")]
impl Files {
    /// Give a file
    ///
    /// Pictures lose what cameras write into them. What nothing refers to within a day is forgotten.
    #[oai(path = "/files", method = "post", operation_id = "upload_file")]
    async fn upload_file(&self, who: By<FileGiver>, form: FileForm) -> Result<Created<FileView>, Failure> {
        who.visit.limit_uploads(&who.who).await?;
        match form.purpose {
            FilePurpose::Material => {}
            FilePurpose::Form => who.ensure::<GuideEditor>().map(drop)?,
            FilePurpose::Letter => who.ensure::<Director>().map(drop)?,
            // Those are made here.
            FilePurpose::Document => return Err(FORBIDDEN.on("purpose").into()),
        }
        let (app, centre, Sent { name, bytes }) = (&who.visit.app, &who.visit.centre, form.file);
        let row = app.keep_file(centre, who.who.clone(), form.purpose, &name, bytes).await?;
        let name = file::name(&app.vault, &row)?;
        Ok(Created(FileView { id: row.id, name, media: row.media, size: row.size }))
    }

    /// Read a file that one gave oneself, or a form, for whoever compiles guides
    #[oai(path = "/files/:id", method = "get", operation_id = "get_file")]
    async fn get_file(&self, who: By<FileGiver>, id: Path<Id>) -> Result<FileBody, Failure> {
        let row = file::get(who.visit.app.read(), who.visit.centre.id, id.0).await?;
        let form = row.purpose == FilePurpose::Form && who.ensure::<GuideEditor>().is_ok();
        let own = match &who.who {
            Who::Resident(account) => row.account_id == Some(*account),
            Who::Staff(staff) => row.staff_id == Some(staff.id),
            _ => false,
        };
        if !(form || own) {
            return Err(file::UNKNOWN_FILE.into());
        }
        FileBody::of(&who.visit.app, &row).await
    }
}

/// The bytes of a file, as they leave.
pub(super) struct FileBody {
    name: String,
    row: Model,
    bytes: Vec<u8>,
}

impl FileBody {
    pub(super) async fn of(app: &App, row: &Model) -> Result<Self, Failure> {
        Ok(Self { name: file::name(&app.vault, row)?, bytes: app.file_bytes(row).await?, row: row.clone() })
    }
}

impl poem::IntoResponse for FileBody {
    fn into_response(self) -> poem::Response {
        download::file(&self.name, &self.row, self.bytes)
    }
}

impl ApiResponse for FileBody {
    fn meta() -> MetaResponses {
        let content = [MediaType::Pdf, MediaType::Docx, MediaType::Jpeg, MediaType::Png, MediaType::Html].map(|kind| {
            MetaMediaType { content_type: media::mime(kind), schema: <Binary<Vec<u8>> as Payload>::schema_ref() }
        });
        let response = MetaResponse {
            description: "The file.",
            status: Some(200),
            status_range: None,
            content: content.into(),
            headers: vec![],
        };
        MetaResponses { responses: vec![response] }
    }

    fn register(_: &mut Registry) {}
}
