//! Pages (网页): what people see in a browser. Plain HTML made on the server, without scripts but on the hall's queue screen,
//! so that an old phone and a strict policy suffice. A page calls the same rules as a door.

mod application;
mod booking;
mod bulletin;
mod document;
mod form;
mod guide;
mod hall;
mod progress;
mod queue;
mod rate;
mod resident;
mod staff;
mod wechat;

use crate::access::answer::ours;
use crate::base::error::Error;
use crate::domain::identity::staff::MUST_CHANGE;
use askama::Template;
use poem::http::{Method, StatusCode, header};
use poem::web::Html;
use poem::{IntoResponse as _, Response, Route, get, handler, post};

/// All pages.
pub fn routes(route: Route) -> Route {
    let route = route
        .at("/assets/style.css", get(style))
        .at("/", get(resident::home))
        .at("/guides/:code", get(guide::read))
        .at("/guides/:code/print", get(guide::print))
        .at("/guides/:code/slots", get(booking::choose_slot))
        .at("/guides/:code/book", get(booking::fill_in_booking))
        .at("/guides/:code/apply", get(application::fill_in).post(application::hand_in))
        .at("/applications", get(application::own_cases))
        .at("/applications/:number", get(application::show))
        .at("/applications/:number/receipt", get(application::print_receipt))
        .at("/applications/:number/documents/:id", get(application::show_document))
        .at("/applications/:number/supply", post(application::supply))
        .at("/applications/:number/withdraw", post(application::take_back))
        .at("/guides/:code/ticket", get(queue::offer_number).post(queue::take_number))
        .at("/tickets/:id", get(queue::own_ticket))
        .at("/tickets/:id/arrive", post(queue::come_with_number))
        .at("/bookings/:id/arrive", post(queue::come_by_booking))
        .at("/guides/:code/hold", post(booking::hold_place))
        .at("/sign-in", get(resident::sign_in_form).post(resident::sign_in))
        .at("/sign-in/code", post(resident::send_code))
        .at("/sign-in/wechat", get(wechat::ask))
        .at("/sign-in/wechat/back", get(wechat::come_back).post(wechat::sign_in))
        .at("/sign-out", post(resident::sign_out))
        .at("/bookings", get(booking::own_bookings).post(booking::take_place))
        .at("/bookings/:id/move", get(booking::choose_other).post(booking::move_to))
        .at("/bookings/:id/cancel", post(booking::give_back))
        .at("/bookings/:id/appeal", post(booking::appeal))
        .at("/v", get(document::ask).post(document::tell))
        .at("/v/:code", get(document::by_code))
        .at("/progress", get(progress::ask_progress).post(progress::tell_progress))
        .at("/r", get(rate::ask_code).post(rate::by_code))
        .at("/r/give", post(rate::give_review))
        .at("/r/append", post(rate::append_review))
        .at("/r/:token", get(rate::by_link))
        .at("/hall/check-in", get(hall::check_in_screen))
        .at("/hall/queue", get(hall::queue_screen))
        .at("/hall/rate", get(rate::at_desk).post(rate::give_at_desk))
        .at("/assets/queue.js", get(hall::queue_script))
        .at("/bulletins", get(bulletin::all_bulletins))
        .at("/bulletins/:period", get(bulletin::one_bulletin))
        .at("/bulletins/:period/draft", post(bulletin::draft_again))
        .at("/bulletins/:period/sign", post(bulletin::sign_draft))
        .at("/bulletins/:period/figures/:key", get(bulletin::open_figure));
    staff::routes(route)
}

/// Files that a form may carry which is sent to a path.
#[must_use]
pub fn files_at(path: &str) -> u64 {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    match parts[..] {
        ["guides", _, "apply"] | ["applications", _, "supply"] => application::FILES,
        _ => 1,
    }
}

/// True for paths that people open in a browser, where a "no" is a page and not JSON.
#[must_use]
pub fn are_for(path: &str) -> bool {
    !["/api", "/hooks", "/openapi", "/docs", "/healthz", "/readyz", "/metrics"]
        .iter()
        .any(|prefix| path.starts_with(prefix))
}

#[handler]
fn style() -> Response {
    let css = include_str!("style.css").with_content_type("text/css; charset=utf-8");
    css.with_header(header::CACHE_CONTROL, "public, max-age=300").into_response()
}

#[derive(Template)]
#[template(path = "wrong.html")]
struct Wrong<'w> {
    title: &'static str,
    /// On a page of staff.
    staff: bool,
    /// A form was sent.
    sent: bool,
    message: &'w str,
    article: Option<&'w str>,
    request_id: &'w str,
}

/// Whatever ended a request, as a page: the way to sign in, or what happened and what to do.
#[must_use]
pub fn problem(error: poem::Error, request_id: &str, method: &Method, place: &str) -> Response {
    let staff = ["/staff", "/bulletins", "/hall"].iter().any(|p| place.starts_with(p));
    let (status, message, article, wait) = match ours(error) {
        Error::Refused(refused) => {
            let refused = *refused;
            tracing::debug!(code = refused.refusal.code, field = refused.field, "refused");
            if refused.refusal == MUST_CHANGE {
                return form::go_to("/staff/password");
            }
            if refused.refusal.kind == crate::base::Kind::Unknown {
                let (door, home) = if staff { ("/staff/sign-in", "/staff") } else { ("/sign-in", "/") };
                // What was posted is gone; after signing in, a page is opened.
                let next = if method == Method::GET { place } else { home };
                let next: String = form_urlencoded::byte_serialize(next.as_bytes()).collect();
                return form::go_to(&format!("{door}?next={next}"));
            }
            let status = StatusCode::from_u16(refused.refusal.kind.status()).unwrap_or_default();
            (status, refused.message, refused.refusal.article, refused.retry_after)
        }
        Error::Fault(fault) => {
            tracing::error!(error = format!("{fault:#}"), "a request failed");
            let message = "系统出错，您的操作没有完成。请稍后再试，或把请求编号告诉工作人员。".into();
            (StatusCode::INTERNAL_SERVER_ERROR, message, None, None)
        }
    };
    let title = match status {
        StatusCode::FORBIDDEN => "不能打开",
        StatusCode::NOT_FOUND => "没有找到",
        _ => "没有完成",
    };
    let sent = method == Method::POST;
    // Bulletins are everybody's, and whoever passes stands before a screen of the hall.
    let staff = place.starts_with("/staff");
    let html = Wrong { title, staff, sent, message: &message, article, request_id }.render();
    let response = Html(html.unwrap_or_else(|_| message.into_owned())).with_status(status);
    match wait {
        Some(wait) => response.with_header(header::RETRY_AFTER, (wait.num_milliseconds() + 999) / 1000).into_response(),
        None => response.into_response(),
    }
}
