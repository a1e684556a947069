//! Reviews (好差评, article 4.5 一事一评): one review a case, and one that adds to it.
//!
//! An invitation is made when a case ends in issue, refusal or denial, in the same transaction; withdrawal makes none. It
//! is `open → rated | lapsed`, and is answered by link, by a code typed by hand, or by a digit in a text. Unrated stays
//! unrated: no grade is ever invented. Opening a link or a page changes nothing.

mod answer;
mod desk;
mod dictionary;
mod give;
mod invite;
mod rectify;
mod ticket;
mod uplink;
mod upload;

pub use desk::{AtDesk, at_desk, give_at_desk};
pub use dictionary::{GRADES, Grade, Tag, tags_of};
pub use give::{Append, Given, Key, Opened, Opinion, append, give, open};
pub use invite::{Asked, Round, invite, invite_ended, is_rated, lapse, letter, of_late, readdress, recall};
pub use rectify::{Rectification, list as rectifications, opened as rectification};
pub use ticket::{Pictured, Ticket, keep_picture, pictured, ticket};
pub use uplink::{Uplink, receive_text};
pub use upload::{Batch, Taken, next_batch, settle_batch, uploads, waiting};

use crate::base::{Kind, Refusal};

/// The link or code is wrong, or used.
pub const UNKNOWN_INVITATION: Refusal =
    Refusal::new(Kind::Missing, "unknown_invitation", "评价码不对、已经用过或已过期，请核对短信，或请窗口查一下。");
/// It is not the case that the device offers any longer.
pub const ELSEWHERE_NOW: Refusal =
    Refusal::new(Kind::Conflict, "elsewhere_now", "这件事已经不能在这台评价器上评价了，请用短信、评价码或二维码评价。")
        .article("4.5");
/// There is a review.
pub const ALREADY_RATED: Refusal =
    Refusal::new(Kind::Conflict, "already_rated", "这件事已经评价过了，谢谢您。").article("4.5");
/// The time to rate is over.
pub const LAPSED: Refusal = Refusal::new(Kind::Conflict, "invitation_lapsed", "评价期限已过，如有意见请拨打中心电话。");
/// Not one of the five grades.
pub const BAD_GRADE: Refusal =
    Refusal::new(Kind::Invalid, "bad_grade", "评价等级应为5非常满意、4满意、3基本满意、2不满意、1非常不满意之一。");
/// A tag that does not belong to the grade.
pub const BAD_TAG: Refusal = Refusal::new(Kind::Invalid, "bad_tag", "所选标签不属于这个评价等级，请重新选择。");
/// A comment that is too long or empty where one is needed.
pub const BAD_COMMENT: Refusal = Refusal::new(Kind::Invalid, "bad_comment", "评价内容应为1至500字。");
/// There is no review yet to add to.
pub const NOT_RATED: Refusal = Refusal::new(Kind::Conflict, "not_rated", "请先评价，再追加。");
/// It was added to before.
pub const ALREADY_APPENDED: Refusal =
    Refusal::new(Kind::Conflict, "already_appended", "这件事已经追加过评价了。").article("4.5");
/// Either a link's token or a code.
pub const KEY_NEEDED: Refusal = Refusal::new(Kind::Invalid, "key_needed", "请提供评价链接或评价码，二者之一。");
