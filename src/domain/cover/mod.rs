//! Cover (顶岗, articles 4.8 and 5.1.3): who holds a post at a moment, and that somebody does.
//!
//! A post is held by its A; while he is away, by its B; while both are, by the substitute whom the centre named. Who is away is read
//! from leave, from the board of whereabouts and from the stamps of the session under way, and from nothing else: nobody has to say
//! that he stands in. Whoever holds a post has all that belongs to it, and what he does is written down as done at it, for its A.
//! Of his own post somebody is at it when he acts, though he forgot to stamp; for another's the records speak.

mod alarm;
mod approve;
mod handover;

pub use alarm::{tell_unattended, unattended};
pub use approve::{approve, substitute};
pub use handover::{accept, give, handovers, to_give, words};

use super::act::StaffMember;
use super::post::{self, Post, Posts};
use super::published::Centre;
use super::{attendance, leave};
use crate::base::error::Result;
use crate::base::{Kind, Refusal};
use chrono::{Duration, NaiveDate};
use entity::cover::{Column, Entity, Model};
use entity::post::Letter;
use entity::{Id, Time};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use std::collections::HashMap;
use std::sync::Arc;

/// A leave that would leave a post to nobody.
pub const NO_COVER: Refusal = Refusal::new(
    Kind::Conflict,
    "no_cover",
    "这段时间岗位“{posts}”的A岗、B岗都不在，不能批准。请在批准时指定顶岗人员。",
)
.article("5.1.3");
/// A substitute who cannot stand in.
pub const BAD_SUBSTITUTE: Refusal = Refusal::new(
    Kind::Invalid,
    "bad_substitute",
    "{name}不能顶岗：顶岗人员应在任，不是这个岗位的A岗、B岗，这段时间也没有请假。",
)
.article("5.1.3");
/// It is not one of his posts.
pub const NOT_YOUR_POST: Refusal =
    Refusal::new(Kind::Forbidden, "not_your_post", "您的岗位不办这件事，请交由办理它的岗位。").article("4.8");
/// Somebody whose turn comes first is at the post.
pub const HELD_BY_ANOTHER: Refusal =
    Refusal::new(Kind::Forbidden, "held_by_another", "岗位“{post}”的责任人在岗，由其办理；不在岗时由您顶岗。")
        .article("4.8");
/// He is away himself, by what is written.
pub const YOU_ARE_AWAY: Refusal =
    Refusal::new(Kind::Forbidden, "you_are_away", "您正在请假或外出。请先销假或登记返岗，再办理。").article("4.9");
/// No such handover, or not yours.
pub const UNKNOWN_HANDOVER: Refusal = Refusal::new(Kind::Missing, "unknown_handover", "没有找到这次工作移交。");
/// It was given, or taken, before.
pub const HANDOVER_DONE: Refusal = Refusal::new(Kind::Conflict, "handover_done", "这次移交已经办过这一步。");
/// What is not given cannot be taken.
pub const NOT_GIVEN: Refusal = Refusal::new(Kind::Conflict, "not_given", "对方还没有移交，不能接收。").article("4.8");
/// Given after its day, and no reason said.
pub const LATE_REASON_NEEDED: Refusal =
    Refusal::new(Kind::Invalid, "late_reason_needed", "移交应在离岗前一天办完，现在补办请写明特殊原因（2至200字）。")
        .article("4.8");
/// Nothing is said of what is handed over, or too much.
pub const WORDS_NEEDED: Refusal =
    Refusal::new(Kind::Invalid, "words_needed", "请写明移交的事项（2至1000字），没有在办的也请写明。").article("4.8");

/// Why somebody is away.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Away {
    /// 请假.
    OnLeave,
    /// 外出, by the board.
    Out,
    /// Has not signed in to the session under way, or has signed out of it.
    NotIn,
}

/// Under which post somebody acts, in which turn, and whose work it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The post.
    pub post: Id,
    /// A, B or substitute.
    pub letter: Letter,
    /// Its A.
    pub of: Id,
}

/// Who holds which post at a moment.
pub struct Cover {
    posts: Arc<Posts>,
    on: NaiveDate,
    away: HashMap<Id, Away>,
    substitutes: Vec<Model>,
}

impl Cover {
    /// As it is at a moment.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn at(db: &impl ConnectionTrait, centre: &Centre, now: Time) -> Result<Self> {
        let missing = attendance::missing(db, centre.id, now).await?;
        let mut away: HashMap<Id, Away> = missing.into_iter().map(|id| (id, Away::NotIn)).collect();
        away.extend(leave::out(db, centre.id).await?.into_iter().map(|out| (out.staff_id, Away::Out)));
        let on_leave = leave::in_force(db, centre.id, now, now + Duration::milliseconds(1)).await?;
        away.extend(on_leave.into_iter().map(|leave| (leave.staff_id, Away::OnLeave)));
        let substitutes = Entity::find()
            .filter(Column::CentreId.eq(centre.id))
            .filter(Column::EndsAt.gt(now))
            .filter(Column::StartsAt.lte(now));
        let substitutes = substitutes.order_by_asc(Column::NamedAt).all(db).await?;
        Ok(Self { posts: post::all(db, centre).await?, on: now.date(), away, substitutes })
    }

    /// As it would be with everybody there: for a demonstration's past.
    #[must_use]
    pub fn with_all_there(posts: Arc<Posts>, on: NaiveDate) -> Self {
        Self { posts, on, away: HashMap::new(), substitutes: Vec::new() }
    }

    /// The posts that are to be held, by code.
    pub fn posts(&self) -> impl Iterator<Item = &Post> {
        self.posts.on(self.on)
    }

    /// A post, whether it is to be held still or not.
    #[must_use]
    pub fn post(&self, id: Id) -> Option<&Post> {
        self.posts.of(id)
    }

    /// Why somebody is away, if he is.
    #[must_use]
    pub fn away(&self, staff: Id) -> Option<Away> {
        self.away.get(&staff).copied()
    }

    /// Who may hold a post, in their turn: A, B, substitutes.
    #[must_use]
    pub fn turns(&self, post: &Post) -> Vec<(Id, Letter)> {
        let own = post.holders(self.on).map(|h| (h.staff_id, h.letter));
        let named = self.substitutes.iter().filter(|s| s.post_id == post.row.id);
        own.chain(named.map(|s| (s.staff_id, Letter::Substitute))).collect()
    }

    /// Who holds a post: the first who is not away.
    #[must_use]
    pub fn holder(&self, post: &Post) -> Option<(Id, Letter)> {
        self.turns(post).into_iter().find(|(staff, _)| !self.away.contains_key(staff))
    }

    /// Under which of some posts somebody may act now: his own first.
    ///
    /// # Errors
    /// `not_your_post`, `you_are_away`, `held_by_another`.
    pub fn standing(&self, staff: &StaffMember, fits: impl Fn(&Post) -> bool) -> Result<Standing> {
        let place = |post| Some((post, self.turns(post).iter().position(|(id, _)| *id == staff.id)?));
        let his: Vec<(&Post, usize)> = self.posts().filter(|post| fits(post)).filter_map(place).collect();
        let Some((first, _)) = his.first() else { return Err(NOT_YOUR_POST.into()) };
        if self.away(staff.id).is_some_and(|why| why != Away::NotIn) {
            return Err(YOU_ARE_AWAY.into());
        }
        let standing = |(post, place): &(&Post, usize)| {
            let turns = self.turns(post);
            let free = turns[..*place].iter().all(|(before, _)| self.away(*before).is_some());
            free.then_some(Standing { post: post.row.id, letter: turns[*place].1, of: turns[0].0 })
        };
        let found = his.iter().filter_map(standing).min_by_key(|standing| standing.letter);
        found.ok_or_else(|| HELD_BY_ANOTHER.with(&[("post", &first.row.name)]).into())
    }
}
