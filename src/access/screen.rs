//! Screens of the hall (大厅屏) and devices at desks (窗口评价器): browsers that a member of staff has paired. Nobody is signed in on one,
//! and it sees no names.

use super::rank::{By, Staff};
use super::visit::Visit;
use crate::base::error::{Error, Result};
use crate::base::{Kind, Refusal};
use crate::domain::centre;
use entity::Id;
use entity::centre::screen::Model;
use poem::http::HeaderMap;
use poem::http::header::{self, AUTHORIZATION};
use poem::{FromRequest, Request, RequestBody};

/// A browser that nobody paired.
pub const NOT_A_SCREEN: Refusal = Refusal::new(
    Kind::Forbidden,
    "not_a_screen",
    "这台电脑还没有登记为大厅屏。请中心主任或党政办在这台电脑上登录，到“考勤”里按“把这台电脑设为大厅屏”。",
)
.article("4.9");

/// The cookie of a paired screen.
pub const SCREEN: &str = "shuitian_screen";

/// Reads one cookie.
#[must_use]
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let pairs = headers.get_all(header::COOKIE).iter().filter_map(|v| v.to_str().ok()).flat_map(|v| v.split(';'));
    pairs.filter_map(|pair| pair.trim().split_once('=')).find(|(n, _)| *n == name).map(|(_, value)| value)
}

/// A browser that nobody paired with a desk.
pub const NOT_A_DEVICE: Refusal = Refusal::new(
    Kind::Forbidden,
    "not_a_device",
    "这台设备还没有登记为窗口评价器。请中心主任在这台设备上登录，到“考勤”里选好岗位再登记。",
)
.article("4.5");

/// The paired screen that a request comes from, if it is one.
async fn paired(req: &Request) -> Result<(Visit, Option<Model>)> {
    let visit = Visit::of(req).await?;
    let screen = match cookie(req.headers(), SCREEN) {
        Some(token) => centre::screen(visit.app.read(), visit.centre.id, token).await?,
        None => None,
    };
    Ok((visit, screen))
}

/// A visit from a paired screen of the hall.
pub struct Screen(pub Visit);

impl Screen {
    async fn of(req: &Request) -> Result<Self> {
        match paired(req).await? {
            (visit, Some(screen)) if screen.post_id.is_none() => Ok(Self(visit)),
            _ => Err(NOT_A_SCREEN.into()),
        }
    }
}

/// A visit from the device at a post's desk, on which people rate.
pub struct Device {
    /// The visit.
    pub visit: Visit,
    /// The post.
    pub post: Id,
}

impl<'a> FromRequest<'a> for Device {
    async fn from_request(req: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let (visit, screen) = paired(req).await?;
        match screen.and_then(|screen| screen.post_id) {
            Some(post) => Ok(Self { visit, post }),
            None => Err(Error::from(NOT_A_DEVICE).into()),
        }
    }
}

impl<'a> FromRequest<'a> for Screen {
    async fn from_request(req: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        Self::of(req).await.map_err(poem::Error::from)
    }
}

/// A visit of whoever may watch the queue: a paired screen, or a member of staff.
pub struct Watcher(pub Visit);

impl<'a> FromRequest<'a> for Watcher {
    async fn from_request(req: &'a Request, _: &mut RequestBody) -> poem::Result<Self> {
        let watching = async {
            if req.headers().contains_key(AUTHORIZATION) {
                let by = By::<Staff>::of(req).await?;
                return Ok::<_, Error>(by.visit);
            }
            Ok(Screen::of(req).await?.0)
        };
        Ok(Self(watching.await?))
    }
}
