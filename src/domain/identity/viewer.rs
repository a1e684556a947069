//! Who looks (查看人): what rules of seeing go by.

use super::resident::{self, Known};
use super::session::NOT_SIGNED_IN;
use crate::base::error::Result;
use crate::base::vault::Vault;
use crate::domain::act::{Act, StaffMember, Who};
use entity::Id;
use sea_orm::ConnectionTrait;
use std::sync::Arc;

/// Who looks. What each may see of a noun is said where the noun is.
#[derive(Clone, Debug)]
pub enum Viewer {
    /// A member of staff, by his roles and his office; personal data are masked.
    Staff(Arc<StaffMember>),
    /// A resident: what his account made while it was surely his, in full; older things, and what was entered under his
    /// phone, in part.
    Resident(Known),
}

impl Viewer {
    /// The viewer that someone signed in is.
    ///
    /// # Errors
    /// `not_signed_in` for whoever is neither resident nor staff, `no_account`.
    pub async fn of(db: &impl ConnectionTrait, vault: &Vault, centre: Id, who: &Who) -> Result<Self> {
        match who {
            Who::Staff(member) => Ok(Self::Staff(Arc::clone(member))),
            Who::Resident(account) => Ok(Self::Resident(resident::known(db, vault, centre, *account).await?)),
            _ => Err(NOT_SIGNED_IN.into()),
        }
    }

    /// The viewer that whoever acts is.
    ///
    /// # Errors
    /// As [`Viewer::of`].
    pub async fn acting(act: &Act) -> Result<Self> {
        Self::of(&*act.tx, &act.vault, act.centre.id, &act.who).await
    }

    /// True for a member of staff.
    #[must_use]
    pub const fn is_staff(&self) -> bool {
        matches!(self, Self::Staff(_))
    }
}
