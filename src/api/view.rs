//! Parts that several doors take or show.

use crate::base::personal;
use crate::domain::act::Page as Part;
use crate::domain::applicant::{Applicant, Typed};
use bytes::Bytes;
use chrono::{DateTime, FixedOffset};
use entity::Time;
use entity::applicant::{ApplicantKind, IdType};
use entity::centre::office;
use poem_openapi::payload::{Json, Payload};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::{ParseError, ParseFromJSON, ParseResult, ToJSON, Type};
use poem_openapi::{ApiResponse, NewType, Object};
use serde::Serialize;
use std::marker::PhantomData;

/// A moment as the wire shows it: RFC 3339 with +08:00.
pub(super) type Moment = DateTime<FixedOffset>;

/// A moment for the wire.
pub(super) fn moment(time: Time) -> Moment {
    time.local()
}

/// A text that must come as a JSON string: a number in its place is a mistake of the program that sent it.
#[derive(Clone, NewType)]
#[oai(from_json = false, from_parameter = false, from_multipart = false, to_header = false)]
pub(super) struct Text(pub(super) String);

impl ParseFromJSON for Text {
    fn parse_from_json(value: Option<serde_json::Value>) -> ParseResult<Self> {
        match value.unwrap_or_default() {
            // No keyboard types a NUL, and PostgreSQL cannot keep one.
            serde_json::Value::String(text) if !text.contains('\0') => Ok(Self(text)),
            other => Err(ParseError::expected_type(other)),
        }
    }
}

impl std::ops::Deref for Text {
    type Target = str;
    fn deref(&self) -> &str {
        &self.0
    }
}

impl From<Text> for String {
    fn from(text: Text) -> Self {
        text.0
    }
}

/// A part of a list.
#[derive(Object, Serialize)]
pub(super) struct Listed<T: Send + Type + ParseFromJSON + ToJSON> {
    /// Its items.
    pub(super) items: Vec<T>,
    /// Give this as `cursor` for the next part; absent on the last.
    pub(super) next_cursor: Option<String>,
}

/// Reads `limit` and `cursor`.
pub(super) fn part(limit: Option<u64>, cursor: Option<&String>) -> crate::base::Result<Part> {
    Part::new(limit, cursor.map(String::as_str))
}

/// An answer written in one go, where `Json` builds a tree of it first: for what is asked most. It may be kept, for all who ask
/// while an edition is in force.
pub(super) struct Rendered<T>(Bytes, PhantomData<fn() -> T>);

impl<T: Serialize> Rendered<T> {
    /// An answer's bytes.
    ///
    /// # Errors
    /// None that can be met: it is made of words and numbers.
    pub(super) fn of(answer: &T) -> crate::base::Result<Self> {
        let bytes = serde_json::to_vec(answer).map_err(anyhow::Error::from)?;
        Ok(Self(bytes.into(), PhantomData))
    }
}

impl<T> Clone for Rendered<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone(), PhantomData)
    }
}

impl<T: Type + Send> poem::IntoResponse for Rendered<T> {
    fn into_response(self) -> poem::Response {
        self.0.with_content_type(<Json<T> as Payload>::CONTENT_TYPE).into_response()
    }
}

impl<T: ToJSON + Type> ApiResponse for Rendered<T> {
    fn meta() -> MetaResponses {
        <Json<T> as ApiResponse>::meta()
    }

    fn register(registry: &mut Registry) {
        T::register(registry);
    }
}

/// 201 with what was made.
pub(super) struct Created<T>(pub(super) T);

impl<T: ToJSON + Send + Sync> poem::IntoResponse for Created<T> {
    fn into_response(self) -> poem::Response {
        Json(self.0).with_status(poem::http::StatusCode::CREATED).into_response()
    }
}

impl<T: ToJSON + Type> ApiResponse for Created<T> {
    fn meta() -> MetaResponses {
        let content = MetaMediaType {
            content_type: <Json<T> as Payload>::CONTENT_TYPE,
            schema: <Json<T> as Payload>::schema_ref(),
        };
        let response = MetaResponse {
            description: "",
            status: Some(201),
            status_range: None,
            content: vec![content],
            headers: vec![],
        };
        MetaResponses { responses: vec![response] }
    }

    fn register(registry: &mut Registry) {
        <Json<T> as Payload>::register(registry);
    }
}

/// 204: done, and nothing to say.
#[derive(ApiResponse)]
pub(super) enum Done {
    /// Done.
    #[oai(status = 204)]
    Done,
}

/// An office.
#[derive(Object, Serialize)]
pub(super) struct OfficeView {
    /// Short code.
    code: String,
    /// Full name.
    name: String,
    /// Telephone to ask.
    phone: String,
}

impl From<&office::Model> for OfficeView {
    fn from(office: &office::Model) -> Self {
        Self { code: office.code.clone(), name: office.name.clone(), phone: office.phone.clone() }
    }
}

/// An applicant as typed.
#[derive(Object)]
#[oai(deny_unknown_fields)]
pub(super) struct ApplicantInput {
    /// Name.
    name: Text,
    /// Mobile, or landline with its area code.
    phone: Option<Text>,
    /// Citizen unless said otherwise.
    kind: Option<ApplicantKind>,
    /// Kind of document, if one is shown.
    id_type: Option<IdType>,
    /// Its number.
    id_number: Option<Text>,
}

impl From<ApplicantInput> for Typed {
    fn from(input: ApplicantInput) -> Self {
        Self {
            kind: input.kind.unwrap_or(ApplicantKind::Person),
            name: input.name.into(),
            phone: input.phone.map(String::from),
            id_type: input.id_type,
            id_number: input.id_number.map(String::from),
        }
    }
}

/// An applicant as shown. A document's number is always masked; `reveal` shows it for a purpose.
#[derive(Object)]
pub(super) struct ApplicantView {
    /// Citizen, legal person or organisation.
    kind: ApplicantKind,
    /// Name; masked for staff.
    name: String,
    /// Phone; masked for staff.
    phone: Option<String>,
    /// Kind of document.
    id_type: Option<IdType>,
    /// Masked number.
    id_number: Option<String>,
}

impl ApplicantView {
    /// As staff may know it, or the one it is.
    pub(super) fn to(staff: bool, applicant: &Applicant) -> Self {
        if staff { Self::masked(applicant) } else { Self::own(applicant) }
    }

    fn masked(applicant: &Applicant) -> Self {
        Self {
            name: personal::mask_name(&applicant.name),
            phone: applicant.phone.as_deref().map(personal::mask_phone),
            ..Self::own(applicant)
        }
    }

    fn own(applicant: &Applicant) -> Self {
        Self {
            kind: applicant.kind,
            name: applicant.name.clone(),
            phone: applicant.phone.clone(),
            id_type: applicant.document.as_ref().map(|(kind, _)| *kind),
            id_number: applicant.document.as_ref().map(|(_, number)| personal::mask_id(number)),
        }
    }
}
