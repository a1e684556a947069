//! Matters (事项): the register of what the centre takes in, and at which one place (一事一地, articles 4.1 and 4.6).
//!
//! What an office does for the public is brought into the centre unless the register says why not, and where it is taken in instead
//! (应进必进). Within the centre a matter is taken in at one place: at its office's own post, or, once 乡政府 has consented that an
//! office with few matters and few cases leaves them to it, at the comprehensive window. Nowhere else is it taken in, and where it was
//! taken in its result is handed over.

mod entered;
mod gathered;
mod window;

pub use entered::{enter, keep_outside};
pub use gathered::{Gathered, gathered};
pub use window::{ConsentFile, ask, consent, consents, end, import, refuse};

use super::guide::Guide;
use super::published::Centre;
use crate::base::error::Result;
use crate::base::{Kind, Refusal};
use chrono::NaiveDate;
use entity::Id;
use entity::matter::{Column, ConsentState, Entity, Model, consent as window_consent};
use entity::post::PostKind;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};
use std::sync::Arc;

/// The matter is not brought in: nobody here takes it in.
pub const NOT_ENTERED: Refusal =
    Refusal::new(Kind::Conflict, "not_entered", "这个事项不在本中心办理（{ground}），请到这里办：{place}。")
        .article("4.1");
/// It is taken in at the comprehensive window alone.
pub const AT_THE_WINDOW: Refusal = Refusal::new(
    Kind::Forbidden,
    "at_the_window",
    "一事一地：这个事项由无差别综合窗口收件、出件，科室在后台办理，不另行收件。",
)
.article("4.1");
/// The office has not left it to the comprehensive window.
pub const NOT_AUTHORISED: Refusal = Refusal::new(
    Kind::Forbidden,
    "not_authorised",
    "{office}还没有经乡政府同意授权综合窗口，这个事项由该科室的窗口收件、出件，请引导群众过去。",
)
.article("4.6");
/// Nothing is said of why a matter stays outside, or of where it is taken in.
pub const BAD_OUTSIDE: Refusal = Refusal::new(
    Kind::Invalid,
    "bad_outside",
    "应进必进：不进驻的事项必须写明理由（5至200字）和群众到哪里办、电话多少（5至200字）。",
)
.article("4.1");
/// It is there already, or was never away.
pub const NOTHING_TO_ENTER: Refusal =
    Refusal::new(Kind::Conflict, "nothing_to_enter", "登记册里这个事项没有在外的记录，不用再办进驻。");
/// It is recorded as outside already.
pub const ALREADY_OUTSIDE: Refusal =
    Refusal::new(Kind::Conflict, "already_outside", "登记册里这个事项已经在外，改理由或地点请先办进驻再登记。");
/// A day that is over.
pub const TOO_EARLY: Refusal =
    Refusal::new(Kind::Invalid, "too_early", "只能从今天或以后的日期起，已经过去的收件不能改。");
/// An office's wish for the window without a reason.
pub const WINDOW_REASON_NEEDED: Refusal = Refusal::new(
    Kind::Invalid,
    "window_reason_needed",
    "申请授权综合窗口必须写明理由（5至200字），事项数和近一年办件数由系统附上。",
)
.article("4.6");
/// It was asked, or consented to, before.
pub const ALREADY_ASKED: Refusal =
    Refusal::new(Kind::Conflict, "already_asked", "这个科室的申请已经报送，或者已经授权综合窗口。").article("4.6");
/// No such application.
pub const UNKNOWN_CONSENT: Refusal = Refusal::new(Kind::Missing, "unknown_consent", "没有找到这份申请。");
/// It is decided already.
pub const CONSENT_DECIDED: Refusal =
    Refusal::new(Kind::Conflict, "consent_decided", "这份申请已经有结论，不能再次办理。");
/// The government's word has a day and a document.
pub const BAD_CONSENT: Refusal = Refusal::new(
    Kind::Invalid,
    "bad_consent",
    "请写明乡政府同意的日期（不晚于今天）和文号（2至60字）；不同意的写明理由（5至60字）。",
)
.article("4.6");
/// A file that does not describe consents.
pub const BAD_WINDOWS: Refusal =
    Refusal::new(Kind::Invalid, "bad_windows", "综合窗口授权表有误，未导入：{fault}").article("4.6");
/// Another office's matter.
pub const OTHER_OFFICE: Refusal =
    Refusal::new(Kind::Forbidden, "other_office", "科室负责人只能为本科室申请，请由中心主任办理。");

/// Where a matter is taken in on a day.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reception<'p> {
    /// 综合窗口: for its office, which works behind.
    Window,
    /// 科室窗口: at its office's own post in the centre.
    Office,
    /// Not in the centre.
    Outside(&'p Model),
}

/// The register of a centre.
pub struct Register {
    outside: Vec<Model>,
    consents: Vec<window_consent::Model>,
}

impl Register {
    async fn read(db: &impl ConnectionTrait, centre: Id) -> Result<Self> {
        let consents = window_consent::Entity::find().filter(window_consent::Column::CentreId.eq(centre));
        let granted = window_consent::Column::State.is_in([ConsentState::Consented, ConsentState::Ended]);
        Ok(Self {
            outside: Entity::find().filter(Column::CentreId.eq(centre)).all(db).await?,
            consents: consents.filter(granted).all(db).await?,
        })
    }

    /// Where a matter is taken in on a day.
    #[must_use]
    pub fn of(&self, guide: &entity::guide::Model, on: NaiveDate) -> Reception<'_> {
        let outside = self.outside.iter().find(|row| row.guide_id == guide.id && row.holds(on));
        let left = |row: &window_consent::Model| row.office_id == guide.office_id && row.holds(on);
        match outside {
            Some(row) => Reception::Outside(row),
            None if self.consents.iter().any(left) => Reception::Window,
            None => Reception::Office,
        }
    }
}

impl Reception<'_> {
    /// True when it is this kind of post that takes it in.
    #[must_use]
    pub const fn is_at(self, kind: PostKind) -> bool {
        match self {
            Self::Window => matches!(kind, PostKind::Window | PostKind::Chief),
            Self::Office => matches!(kind, PostKind::Office | PostKind::Chief),
            Self::Outside(_) => false,
        }
    }
}

/// A row that holds from one day to another.
trait Holds {
    fn holds(&self, on: NaiveDate) -> bool;
}

impl Holds for Model {
    fn holds(&self, on: NaiveDate) -> bool {
        self.valid_from <= on && self.valid_until.is_none_or(|last| on <= last)
    }
}

impl Holds for window_consent::Model {
    fn holds(&self, on: NaiveDate) -> bool {
        self.valid_from.is_some_and(|first| first <= on) && self.valid_until.is_none_or(|last| on <= last)
    }
}

/// The register of a centre, read once an edition.
///
/// # Errors
/// Whatever the database says.
pub async fn register(db: &impl ConnectionTrait, centre: &Centre) -> Result<Arc<Register>> {
    centre.part(async |id| Register::read(db, id).await).await
}

/// Refuses a matter that the centre does not handle on a day: it is over, or taken in elsewhere.
///
/// # Errors
/// `guide_retired`, `not_entered`.
pub async fn ensure_here(db: &impl ConnectionTrait, centre: &Centre, guide: &Guide, on: NaiveDate) -> Result<()> {
    guide.ensure_on(on)?;
    match register(db, centre).await?.of(&guide.row, on) {
        Reception::Outside(row) => Err(NOT_ENTERED.with(&[("ground", &row.ground), ("place", &row.place)]).into()),
        Reception::Window | Reception::Office => Ok(()),
    }
}
