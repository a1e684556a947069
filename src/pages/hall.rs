//! Screens of the hall. A screen is a browser that a member of staff has paired; nobody is signed in on it.

use super::form::cookie;
use crate::access::Visit;
use crate::base::error::Error;
use crate::base::{Kind, Refusal};
use crate::document::qr;
use crate::domain::{attendance, centre};
use askama::Template;
use poem::{Request, Response, handler};

/// A browser that nobody paired.
const NOT_A_SCREEN: Refusal = Refusal::new(
    Kind::Forbidden,
    "not_a_screen",
    "这台电脑还没有登记为大厅屏。请中心主任或党政办在这台电脑上登录，到“考勤”里按“把这台电脑设为大厅签到屏”。",
)
.article("4.9");

/// The cookie of a paired screen.
pub(super) const SCREEN: &str = "shuitian_screen";

#[derive(Template)]
#[template(path = "check_in_screen.html")]
struct CheckIn {
    centre: String,
    code: String,
    qr: String,
    clock: String,
}

/// The code of this half minute, for staff who arrive.
#[handler]
pub(super) async fn check_in_screen(visit: Visit, req: &Request) -> poem::Result<Response> {
    let app = &visit.app;
    let paired = match cookie(req.headers(), SCREEN) {
        Some(token) => centre::is_screen(app.read(), visit.centre.id, token).await?,
        None => false,
    };
    if !paired {
        return Err(Error::from(NOT_A_SCREEN).into());
    }
    let now = app.clock.now();
    let code = attendance::hall_code(&app.vault, visit.centre.id, now);
    let address = format!("{}/staff/attendance?code={code}", app.rules.public_url);
    let clock = now.local().format("%H:%M:%S").to_string();
    super::form::page(&CheckIn { centre: visit.centre.name.clone(), qr: qr::svg(&address)?, code, clock })
}
