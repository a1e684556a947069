//! The one shape in which every "no" leaves.

use crate::access::answer::ours;
use crate::base::error::Error;
use poem::http::StatusCode;
use poem::http::header::RETRY_AFTER;
use poem::{IntoResponse, Response};
use poem_openapi::payload::{Json, Payload};
use poem_openapi::registry::{MetaMediaType, MetaResponse, MetaResponses, Registry};
use poem_openapi::types::ToJSON;
use poem_openapi::{ApiResponse, Object};

/// What happened, what to do, and the id under which operators find it.
#[derive(Object)]
pub(crate) struct Problem {
    /// Stable word for programs.
    code: String,
    /// For the person who reads it.
    message: String,
    /// The field of the request it is about.
    #[oai(skip_serializing_if_is_none)]
    field: Option<String>,
    /// Article of the Measures it rests on.
    #[oai(skip_serializing_if_is_none)]
    article: Option<String>,
    /// To be told to whoever runs the system.
    request_id: String,
}

/// An error of a door. It leaves through [`answer`].
#[derive(Debug)]
pub(crate) struct Failure(Error);

impl<E: Into<Error>> From<E> for Failure {
    fn from(error: E) -> Self {
        Self(error.into())
    }
}

impl From<Failure> for poem::Error {
    fn from(failure: Failure) -> Self {
        failure.0.into()
    }
}

impl ApiResponse for Failure {
    fn meta() -> MetaResponses {
        let content = MetaMediaType {
            content_type: <Json<Problem> as Payload>::CONTENT_TYPE,
            schema: <Json<Problem> as Payload>::schema_ref(),
        };
        let description = "400 看不懂，401 未登录，403 无权限，404 没有或不是您的，409 状态或名额不允许，422 规则不允许，\
                           429 太频繁，503 暂时不可用";
        let response =
            MetaResponse { description, status: None, status_range: None, content: vec![content], headers: vec![] };
        MetaResponses { responses: vec![response] }
    }

    fn register(registry: &mut Registry) {
        <Json<Problem> as Payload>::register(registry);
    }
}

/// Whatever ended a request, as an answer. A fault is logged here, once.
#[must_use]
pub fn answer(error: poem::Error, request_id: &str) -> Response {
    let request_id = request_id.to_owned();
    match ours(error) {
        Error::Refused(refused) => {
            let refused = *refused;
            tracing::debug!(code = refused.refusal.code, field = refused.field, "refused");
            let status = StatusCode::from_u16(refused.refusal.kind.status()).unwrap_or_default();
            let problem = Problem {
                code: refused.refusal.code.to_owned(),
                message: refused.message.into_owned(),
                field: refused.field,
                article: refused.refusal.article.map(ToOwned::to_owned),
                request_id,
            };
            let response = body(&problem).with_status(status);
            match refused.retry_after {
                // Rounded up: a second too early would be refused again.
                Some(wait) => response.with_header(RETRY_AFTER, (wait.num_milliseconds() + 999) / 1000).into_response(),
                None => response.into_response(),
            }
        }
        Error::Fault(fault) => {
            tracing::error!(error = format!("{fault:#}"), "a request failed");
            let problem = Problem {
                code: "internal".to_owned(),
                message: "系统出错，您的操作没有完成。请稍后再试，或把请求编号告诉工作人员。".to_owned(),
                field: None,
                article: None,
                request_id,
            };
            body(&problem).with_status(StatusCode::INTERNAL_SERVER_ERROR).into_response()
        }
    }
}

fn body(problem: &Problem) -> impl IntoResponse + use<> {
    problem.to_json_string().with_content_type("application/json; charset=utf-8")
}
