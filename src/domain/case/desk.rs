//! At a desk (在岗办理): which post an act on a case takes, and by which letter its power was delegated (articles 4.2 and 4.8).

use crate::base::error::Result;
use crate::domain::act::StaffMember;
use crate::domain::authority::{Delegations, NO_POWER, Wanted};
use crate::domain::cover::{Cover, Standing};
use crate::domain::post::Post;
use chrono::NaiveDate;
use entity::Id;
use entity::authority::DelegatedPower;
use entity::case::Model;
use entity::guide::ItemKind;
use entity::post::PostKind;
use std::sync::Arc;

/// What an act needs: the post that it is done at (article 4.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Power {
    /// Accepting and refusing: the windows, and the office that handles it.
    Handle,
    /// Deciding: whoever the office has delegated it to (article 4.2).
    Decide,
    /// Extending a limit: the first responsible person (article 4.1).
    Extend,
    /// Handing over and taking back: the windows.
    Issue,
    /// A step of its version: the post of the step, by the power of reporting where it is reviewed or reported.
    Step {
        /// The post.
        post: Option<Id>,
        /// The delegated power.
        delegated: Option<DelegatedPower>,
    },
    /// What only the first responsible person does: voiding, putting mistakes right, looking at refusals.
    Amend,
    /// Putting a seal on a document: whoever the office has delegated it to.
    Seal,
    /// Accepting a case of which other offices have parts: whoever may coordinate them (article 4.2).
    Coordinate,
}

impl Power {
    /// The delegated power that it takes, if it takes one.
    const fn delegated(self) -> Option<DelegatedPower> {
        match self {
            Self::Decide | Self::Extend => Some(DelegatedPower::Decide),
            Self::Step { delegated, .. } => delegated,
            Self::Seal => Some(DelegatedPower::Seal),
            Self::Coordinate => Some(DelegatedPower::Coordinate),
            Self::Handle | Self::Issue | Self::Amend => None,
        }
    }

    /// True when a post may have it over a case that was taken in at another. The windows stand in for one another; what an office
    /// took in itself is handed over at its own post, and nowhere else (一事一地, articles 4.1 and 4.6).
    #[must_use]
    pub fn belongs_to(self, post: &Post, case: &Model, taken_in_at: Option<&Post>) -> bool {
        // A part of a joint case is another office's, at its own post.
        if let Self::Step { post: Some(at), .. } = self
            && at == post.row.id
        {
            return true;
        }
        let by_office = taken_in_at.is_some_and(|at| at.row.kind == PostKind::Office);
        let has = match (post.row.kind, self) {
            (PostKind::Chief, _) => true,
            (_, Self::Step { .. }) => false,
            (PostKind::Window, Self::Handle | Self::Decide | Self::Issue | Self::Seal | Self::Coordinate) => !by_office,
            (PostKind::Office, Self::Handle | Self::Decide | Self::Seal | Self::Coordinate) => true,
            (PostKind::Office, Self::Issue) => taken_in_at.is_some_and(|at| at.row.id == post.row.id),
            (PostKind::Window | PostKind::Office, Self::Extend | Self::Amend) | (PostKind::Supervision, _) => false,
        };
        has && post.takes(case.guide_id, case.office_id)
    }
}

/// Who holds which post at a moment, and what was delegated to it.
pub struct Desk {
    /// Who holds which post.
    pub cover: Cover,
    /// The letters of delegation.
    pub delegations: Arc<Delegations>,
    /// The day.
    pub on: NaiveDate,
}

/// Under which post an act is done, and by which letter of delegation where it takes a delegated power.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Under {
    /// The post.
    pub standing: Standing,
    /// The letter.
    pub delegation: Option<Id>,
}

impl Desk {
    /// Under which post a member of staff has a power over a case; whether it is its turn is another question.
    ///
    /// # Errors
    /// `not_your_post`, `you_are_away`, `held_by_another`, `no_power`.
    pub fn under(&self, staff: &StaffMember, case: &Model, power: Power) -> Result<Under> {
        let taken_in_at = case.window_id.and_then(|at| self.cover.post(at));
        let takes = |post: &Post| power.belongs_to(post, case, taken_in_at);
        let Some(delegated) = power.delegated() else {
            return Ok(Under { standing: self.cover.standing(staff, takes)?, delegation: None });
        };
        let instant = case.item_kind == Some(ItemKind::Instant);
        // What is reported of a part is reported by the office whose part it is.
        let of_part = match power {
            Power::Step { post: Some(at), .. } => self.cover.post(at).and_then(|post| post.row.office_id),
            _ => None,
        };
        let office = of_part.unwrap_or(case.office_id);
        let giving = |post: Id| {
            let wanted = Wanted { office, post, power: delegated, instant };
            self.delegations.giving(wanted, self.on).map(|letter| letter.row.id)
        };
        match self.cover.standing(staff, |post| takes(post) && giving(post.row.id).is_some()) {
            Ok(standing) => Ok(Under { standing, delegation: giving(standing.post) }),
            // He is at a post that would do, if it had the power.
            Err(refused) => Err(if self.cover.standing(staff, takes).is_ok() { NO_POWER.into() } else { refused }),
        }
    }
}
