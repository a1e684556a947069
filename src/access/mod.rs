//! Who may enter (准入): from credentials to a permitted actor. Used by the doors and the pages alike, and the only place
//! that reads a token, an address or the name of a centre from a request.

pub mod answer;
pub mod download;
pub mod incoming;
mod limit;
mod rank;
mod screen;
mod sign_in;
mod token;
mod visit;

pub use rank::{
    BookingParty, BulletinReader, By, CaseHandler, CaseParty, CaseReader, Director, FileGiver, GuideEditor, Leader,
    LeaveRuler, OfficeHead, Perhaps, Rank, ReceiptParty, Rectifier, ReplyAttendant, Resident, Signed, Staff,
    WindowStaff,
};
pub use screen::{Device, NOT_A_DEVICE, NOT_A_SCREEN, SCREEN, Screen, Watcher, cookie};
pub use sign_in::{
    Grant, PageSignature, change_password, check_words, note_consents, official, phone, refresh, request_code,
    sign_page, staff, wechat, wechat_phone,
};
pub use token::{PageToken, may_upload};
pub use visit::Visit;

use crate::base::{Kind, Refusal};

/// Signed in, but not in this role.
pub const FORBIDDEN: Refusal = Refusal::new(Kind::Forbidden, "forbidden", "您的角色没有这项权限。");
/// The token belongs to another centre.
pub const OTHER_CENTRE: Refusal = Refusal::new(Kind::Missing, "other_centre", "没有找到。请确认您登录的是本中心。");
/// Tried too often.
pub const TOO_OFTEN: Refusal = Refusal::new(Kind::TooMany, "too_often", "操作太频繁，请稍后再试。");
/// What must be counted cannot be counted.
pub const NOT_COUNTED: Refusal = Refusal::new(Kind::Unavailable, "not_counted", "系统暂时不能核验，请稍后再试。");
/// WeChat sign-in is not set up here.
pub const NO_WECHAT: Refusal =
    Refusal::new(Kind::Unavailable, "no_wechat", "本中心还没有开通微信登录，请用手机验证码登录。");
/// No gateway brings texts to phones here.
pub const NO_SMS: Refusal = Refusal::new(
    Kind::Unavailable,
    "no_sms",
    "本中心还没有开通短信，不能用手机验证码登录，请到窗口办理或拨打中心电话。",
);
/// A page of somebody else's.
pub const FOREIGN_PAGE: Refusal = Refusal::new(Kind::Invalid, "foreign_page", "只能为本站的网页签名。");
/// WeChat does not answer.
pub const WECHAT_AWAY: Refusal =
    Refusal::new(Kind::Unavailable, "wechat_away", "微信暂时没有回应，请过一会儿再试，或用手机验证码登录。");
/// WeChat does not vouch for this code.
pub const WECHAT_REFUSED: Refusal = Refusal::new(Kind::Unknown, "wechat_refused", "微信登录失败，请退出小程序后重试。");
