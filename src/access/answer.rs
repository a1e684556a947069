//! How an [`Error`] leaves: its status, and what of it is logged. The words are the refusal's own.

use crate::base::database;
use crate::base::error::{Error, Kind, Refusal, Refused};
use poem::error::{MethodNotAllowedError, NotFoundError, ReadBodyError, ResponseError};
use poem::http::StatusCode;
use sea_orm::DbErr;

/// The request cannot be read as the document of the interface says.
pub const UNREADABLE: Refusal =
    Refusal::new(Kind::Unreadable, "unreadable", "请求无法识别，请对照接口文档检查字段、类型和格式。");
/// The request has a field that is not in the document.
pub const UNKNOWN_FIELD: Refusal = Refusal::new(Kind::Unreadable, "unknown_field", "请求里有接口文档没有的字段。");
/// No such address.
pub const NO_ROUTE: Refusal = Refusal::new(Kind::Missing, "no_route", "没有这个地址，请检查网址。");
/// The address exists, this method does not.
pub const NO_METHOD: Refusal = Refusal::new(Kind::Method, "no_method", "这个地址不支持这种请求方法。");
/// More files come at once than there is room for.
pub const TOO_MANY_UPLOADS: Refusal =
    Refusal::new(Kind::Unavailable, "too_many_uploads", "现在上传文件的人太多，请过一会儿再试。");
/// The body is larger than `http.body_limit`.
pub const BODY_TOO_LARGE: Refusal = Refusal::new(Kind::TooLarge, "body_too_large", "提交的内容太大，请减少后重试。");
/// The body is not of a kind that is read here.
pub const UNSUPPORTED_BODY: Refusal =
    Refusal::new(Kind::Unsupported, "unsupported_body", "提交内容的类型不对，请使用 application/json。");
/// Something we rest on does not answer.
pub const NOT_NOW: Refusal = Refusal::new(Kind::Unavailable, "not_now", "系统暂时不可用，请过一会儿再试。");

impl ResponseError for Error {
    fn status(&self) -> StatusCode {
        match self {
            Self::Refused(refused) => StatusCode::from_u16(refused.refusal.kind.status()).unwrap_or_default(),
            Self::Fault(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }
}

/// Whatever ended a request, as one of ours. Words of others are not repeated: they may hold what was typed.
#[must_use]
pub fn ours(error: poem::Error) -> Error {
    if error.is::<Error>() {
        return match error.downcast::<Error>() {
            Ok(Error::Fault(fault)) if fault.downcast_ref::<DbErr>().is_some_and(database::is_away) => {
                tracing::error!(error = format!("{fault:#}"), "the database does not answer");
                NOT_NOW.after(chrono::Duration::seconds(5)).into()
            }
            Ok(error) => error,
            Err(error) => Error::Fault(anyhow::anyhow!("{error}")),
        };
    }
    let refused: Refused = if error.is::<NotFoundError>() {
        NO_ROUTE.into()
    } else if error.is::<MethodNotAllowedError>() {
        NO_METHOD.into()
    } else if error.is::<ReadBodyError>() && error.status() == StatusCode::PAYLOAD_TOO_LARGE {
        BODY_TOO_LARGE.into()
    } else {
        match error.status() {
            StatusCode::UNSUPPORTED_MEDIA_TYPE => UNSUPPORTED_BODY.into(),
            StatusCode::NOT_FOUND => NO_ROUTE.into(),
            StatusCode::PAYLOAD_TOO_LARGE => BODY_TOO_LARGE.into(),
            status if status.is_client_error() => match unknown_field(&error.to_string()) {
                Some(field) => UNKNOWN_FIELD.on(field),
                None => UNREADABLE.into(),
            },
            _ => return Error::Fault(anyhow::anyhow!("{error}")),
        }
    };
    refused.into()
}

/// The name of an unknown field, if that is what was wrong and it looks like a name.
fn unknown_field(words: &str) -> Option<String> {
    let (_, rest) = words.split_once("unknown field `")?;
    let (name, _) = rest.split_once('`')?;
    let looks_so = name.len() <= 40 && name.chars().all(|c| c.is_ascii_alphabetic() || c == '_');
    looks_so.then(|| name.to_owned())
}
