//! Identity (身份): residents' accounts, staff, sessions and what signing in needs.

use crate::{Blind, Id, Sealed, Time};
use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

/// A resident's account: a WeChat openid, a phone, or both.
pub mod account {
    use super::*;
    /// One account. A phone is a contact, never an identity: families share one, numbers are reissued.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "account")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The phone last verified.
        pub phone: Option<Sealed>,
        /// Its blind index.
        pub phone_blind: Option<Blind>,
        /// The WeChat openid.
        pub openid: Option<Sealed>,
        /// Its blind index.
        pub openid_blind: Option<Blind>,
        /// When it was last verified.
        pub verified_at: Time,
        /// Since when verifications have followed one another within 180 days.
        pub verified_since: Time,
        /// When it was made.
        pub created_at: Time,
        /// Grows by one with everything that is counted against it: who saw it unchanged saw all of that.
        pub turn: i32,
    }
    plain!();
}

word! {
    /// What a member of staff may do (角色), in the widest sense.
    Role {
        /// 窗口人员: receives and issues.
        Window,
        /// 科室人员: handles and decides its office's matters.
        Office,
        /// 科室负责人.
        OfficeHead,
        /// 中心主任.
        Director,
        /// 党政办: keeps attendance.
        PartyOffice,
        /// 组织人事办: allocates award quotas.
        PersonnelOffice,
        /// 书记、乡长.
        Leader,
        /// 群众接待和咨询监督窗口.
        SupervisionWindow,
        /// System administrator.
        Admin,
    }
}

/// A member of staff (工作人员).
pub mod staff {
    use super::*;
    /// One person who signs in with a user name.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "staff")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// Unique in the centre, lower case.
        pub username: String,
        /// Name, as on the board.
        pub name: String,
        /// Post, in words.
        pub title: String,
        /// Roles, as words joined by commas: a request learns them with the session, in one query.
        pub roles: String,
        /// The office it is seconded from or belongs to.
        pub office_id: Option<Id>,
        /// Where he is told by text what waits for him, if he wants that.
        pub phone: Option<Sealed>,
        /// Argon2id hash.
        pub password_hash: String,
        /// Set until the person has chosen a password.
        pub must_change: bool,
        /// A demonstration account, which signs in on loopback only.
        pub demo: bool,
        /// Wrong passwords in a row.
        pub failures: i32,
        /// Until when sign-in is locked.
        pub locked_until: Option<Time>,
        /// True for those who must sign in at the hall (article 4.9).
        pub attends: bool,
        /// First day of service.
        pub active_from: NaiveDate,
        /// Last day of service, if it has ended.
        pub active_until: Option<NaiveDate>,
        /// When this row was recorded.
        pub recorded_at: Time,
    }
    plain!();

    impl Model {
        /// His roles.
        #[must_use]
        pub fn roles(&self) -> Vec<Role> {
            roles(&self.roles)
        }

        /// True when a day lies within his service.
        #[must_use]
        pub fn serves(&self, on: NaiveDate) -> bool {
            serves(self.active_from, self.active_until, on)
        }
    }

    /// Roles from their words, joined by commas.
    #[must_use]
    pub fn roles(words: &str) -> Vec<Role> {
        words.split(',').filter_map(|word| Role::try_from_value(&word.to_owned()).ok()).collect()
    }

    /// True when a day lies within a service.
    #[must_use]
    pub fn serves(from: NaiveDate, until: Option<NaiveDate>, on: NaiveDate) -> bool {
        from <= on && until.is_none_or(|until| on <= until)
    }
}

/// Sessions of residents and staff.
pub mod session {
    use super::*;
    /// One signed-in device. Access tokens name it; ending it ends them at once.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "session")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The resident, if it is one.
        pub account_id: Option<Id>,
        /// The member of staff, if it is one.
        pub staff_id: Option<Id>,
        /// Hash of the device's own id; of the session's if the device gave none.
        pub device: Blind,
        /// Number of the refresh token in force.
        pub generation: i32,
        /// When that token was first handed out.
        pub rotated_at: Time,
        /// When it was opened.
        pub created_at: Time,
        /// When it ends by itself.
        pub expires_at: Time,
        /// When it was ended.
        pub ended_at: Option<Time>,
    }
    plain!();
}

/// One-time codes sent to phones.
pub mod phone_code {
    use super::*;
    /// The code in force for a phone and the device that asked; a new one replaces it.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "phone_code")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The phone.
        pub phone_blind: Blind,
        /// Hash of the asking device's own id; of nothing if it gave none. Unique with the phone.
        pub device: Blind,
        /// Keyed hash of the code.
        pub code_hash: Blind,
        /// When it ends.
        pub expires_at: Time,
        /// Wrong tries so far.
        pub tries: i32,
        /// When it was used.
        pub used_at: Option<Time>,
    }
    plain!();
}

/// Kept answers of writes that carried an Idempotency-Key.
pub mod idempotency {
    use super::*;
    /// One kept answer.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "idempotency")]
    pub struct Model {
        /// Opaque id, to which the sealed answer is bound.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// Hash of actor, operation and key.
        pub scope: Blind,
        /// Hash of the request, that a key is not used for another.
        pub request: Blind,
        /// The answer as JSON.
        pub answer: Option<Sealed>,
        /// When it was made; kept 24 hours.
        pub created_at: Time,
    }
    plain!();
}
