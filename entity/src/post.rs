//! Posts (岗位): what is to be done at them, and who holds them.

use crate::{Id, Time};
use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

word! {
    /// What is done at a post.
    PostKind {
        /// 综合窗口: receives, accepts and issues for the whole centre.
        Window,
        /// 承办岗: handles the matters of its office.
        Office,
        /// 首席代表岗: the first responsible person (article 4.1).
        Chief,
        /// 群众接待和咨询监督窗口.
        Supervision,
    }
}

word! {
    /// In which turn somebody holds a post (article 4.8).
    Letter {
        /// A岗责任人.
        A,
        /// B岗责任人, who holds it while A is away.
        B,
        /// 顶岗人员, named by the centre for when both are away.
        Substitute,
    }
}

/// A post of the centre. It is held by one person at a time.
#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "post")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// Short code, unique in the centre.
    pub code: String,
    /// Name, as on its sign (岗位牌).
    pub name: String,
    /// What is done there.
    pub kind: PostKind,
    /// The office whose post it is; none for the centre's own.
    pub office_id: Option<Id>,
    /// First day on which it is to be held.
    pub valid_from: NaiveDate,
    /// Last day, if there is one.
    pub valid_until: Option<NaiveDate>,
}
plain!();

/// Who holds posts as A and as B, from when to when.
pub mod holder {
    use super::*;
    /// One person at one post.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "post_holder")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The post.
        pub post_id: Id,
        /// Who.
        pub staff_id: Id,
        /// A or B.
        pub letter: Letter,
        /// First day.
        pub valid_from: NaiveDate,
        /// Last day, if there is one.
        pub valid_until: Option<NaiveDate>,
        /// When it was recorded.
        pub recorded_at: Time,
    }
    plain!();
}

/// The matters a post is for; one without a row is for all of its office, or of the centre.
pub mod item {
    use super::*;
    /// One matter of one post.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "post_item")]
    pub struct Model {
        /// The post.
        #[sea_orm(primary_key, auto_increment = false)]
        pub post_id: Id,
        /// The matter.
        #[sea_orm(primary_key, auto_increment = false)]
        pub guide_id: Id,
        /// Their centre.
        pub centre_id: Id,
    }
    plain!();
}
