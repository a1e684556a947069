//! 三集中三到位 and 进驻率, office by office (article 4.1): read from what is there, never declared.

use super::{Reception, register};
use crate::base::error::Result;
use crate::domain::published::Centre;
use crate::domain::{authority, centre, guide, post};
use chrono::NaiveDate;
use entity::authority::DelegatedPower;
use entity::centre::office;
use entity::post::PostKind;
use sea_orm::ConnectionTrait;

/// How far an office has come into the centre on a day.
#[derive(Clone, Debug)]
pub struct Gathered {
    /// The office.
    pub office: office::Model,
    /// Its matters.
    pub matters: usize,
    /// Those of them that are taken in at the centre: 进驻率 is this by that.
    pub entered: usize,
    /// 职能集中: one post in the centre handles all of its matters.
    pub functions: bool,
    /// 人员集中: that post has its A and its B.
    pub people: bool,
    /// 事项集中: each of its matters has its steps and posts here, and so goes by the platform.
    pub platform: bool,
    /// 授权到位: letters in force give all four powers over its matters.
    pub delegated: bool,
    /// 监督到位: each of its matters has a limit that lamps watch.
    pub watched: bool,
}

impl Gathered {
    /// 进驻到位: nothing of it stays outside.
    #[must_use]
    pub const fn is_entered(&self) -> bool {
        self.entered == self.matters
    }
}

/// Offices with matters, by code.
///
/// # Errors
/// Whatever the database says.
pub async fn gathered(db: &impl ConnectionTrait, centre: &Centre, on: NaiveDate) -> Result<Vec<Gathered>> {
    const POWERS: [DelegatedPower; 4] =
        [DelegatedPower::Decide, DelegatedPower::Report, DelegatedPower::Seal, DelegatedPower::Coordinate];
    let (guides, posts) = (guide::all(db, centre).await?, post::all(db, centre).await?);
    let (letters, register) = (authority::all(db, centre).await?, register(db, centre).await?);
    let mut found = Vec::new();
    for office in centre::offices(db, centre.id).await? {
        let own: Vec<_> = guides.each().filter(|guide| guide.row.office_id == office.id).collect();
        if own.is_empty() {
            continue;
        }
        let handles = |post: &&post::Post| {
            post.row.kind == PostKind::Office && own.iter().all(|guide| post.takes(guide.row.id, office.id))
        };
        let post = posts.on(on).find(handles);
        found.push(Gathered {
            matters: own.len(),
            entered: own.iter().filter(|guide| !matches!(register.of(&guide.row, on), Reception::Outside(_))).count(),
            functions: post.is_some(),
            people: post.is_some_and(|post| post.holders(on).count() >= 2),
            platform: own.iter().all(|guide| !guide.version.content.flow.is_empty()),
            delegated: POWERS.iter().all(|power| letters.given(office.id, *power, on).next().is_some()),
            watched: own.iter().all(|guide| guide.limit_days().is_some()),
            office,
        });
    }
    Ok(found)
}
