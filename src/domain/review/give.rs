//! Giving a review, and adding to it (评价、追评).

use super::dictionary::{GRADES, Tag, tags_of};
use super::invite::case_of;
use super::{
    ALREADY_APPENDED, ALREADY_RATED, BAD_COMMENT, BAD_GRADE, BAD_TAG, KEY_NEEDED, LAPSED, NOT_RATED, UNKNOWN_INVITATION,
};
use super::{rectify, upload};
use crate::base::error::Result;
use crate::base::personal::half_width;
use crate::base::vault::{Vault, sha256};
use crate::domain::act::Act;
use crate::domain::published::Centre;
use crate::domain::{guide, notice};
use chrono::Duration;
use entity::review::{Checked, Column, Entity, InvitationState, Model, Ordinal, ReviewChannel, invitation};
use entity::{Blind, Id, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};

/// What opens an invitation.
#[derive(Clone, Debug)]
pub enum Key {
    /// The link's token.
    Token(String),
    /// The code typed by hand.
    Code(String),
}

impl Key {
    /// Reads whichever of the two was given.
    ///
    /// # Errors
    /// `key_needed` for both or neither.
    pub fn new(token: Option<String>, code: Option<String>) -> Result<Self> {
        match (token, code) {
            (Some(token), None) => Ok(Self::Token(token)),
            (None, Some(code)) => Ok(Self::Code(code)),
            _ => Err(KEY_NEEDED.on("token").into()),
        }
    }

    const fn channel(&self) -> ReviewChannel {
        match self {
            Self::Token(_) => ReviewChannel::Link,
            Self::Code(_) => ReviewChannel::Code,
        }
    }

    /// The invitation it opens.
    ///
    /// # Errors
    /// `unknown_invitation`.
    pub async fn find(&self, db: &impl ConnectionTrait, vault: &Vault, centre: Id) -> Result<invitation::Model> {
        let found = invitation::Entity::find().filter(invitation::Column::CentreId.eq(centre));
        let found = match self {
            Self::Token(token) => found.filter(invitation::Column::TokenHash.eq(sha256(token.as_bytes()))),
            Self::Code(code) => {
                let code: String = half_width(code).chars().filter(char::is_ascii_alphanumeric).collect();
                let blinds: Vec<Blind> = vault.blinds("review_code", centre, &code.to_ascii_uppercase());
                found
                    .filter(invitation::Column::CodeBlind.is_in(blinds))
                    .filter(invitation::Column::State.eq(InvitationState::Open))
            }
        };
        found.one(db).await?.ok_or_else(|| UNKNOWN_INVITATION.into())
    }
}

/// An invitation as its holder sees it: the matter, and nothing of the person.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Name of the matter.
    pub item: String,
    /// Whether it can be rated, was, or is over.
    pub state: InvitationState,
    /// A review was given and can still be added to.
    pub can_append: bool,
    /// Until when it can be rated.
    pub expires_at: Time,
}

/// Shows an invitation; changes nothing.
///
/// # Errors
/// `unknown_invitation`.
pub async fn open(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    key: &Key,
    days: i64,
    now: Time,
) -> Result<Opened> {
    let row = key.find(db, vault, centre.id).await?;
    let case = case_of(db, row.case_id).await?;
    let item = guide::by_id(db, centre, case.guide_id).await?.row.name.clone();
    let reviews = Entity::find().filter(Column::InvitationId.eq(row.id)).all(db).await?;
    let first = reviews.iter().find(|r| r.ordinal == Ordinal::First);
    let can_append = reviews.len() == 1 && first.is_some_and(|r| now < r.at + Duration::days(days));
    let over = row.state == InvitationState::Open && row.expires_at <= now;
    let state = if over { InvitationState::Lapsed } else { row.state };
    Ok(Opened { item, state, can_append, expires_at: row.expires_at })
}

/// What a person says.
#[derive(Clone, Debug)]
pub struct Opinion {
    /// 5 to 1.
    pub grade: i32,
    /// Codes of tags of that grade.
    pub tags: Vec<String>,
    /// In his own words.
    pub comment: Option<String>,
    /// He asks to stay unknown to those rated.
    pub anonymous: bool,
    /// What WeChat thinks of his words, if it was asked.
    pub checked: Option<Checked>,
}

/// Gives the one review of a case.
///
/// # Errors
/// `unknown_invitation`, `bad_grade`, `bad_tag`, `bad_comment`, `already_rated`, `invitation_lapsed`.
pub async fn give(act: &Act, key: &Key, opinion: Opinion) -> Result<()> {
    let row = key.find(&*act.tx, &act.vault, act.centre.id).await?;
    let review = Given::first(opinion, key.channel())?.of(act, &row)?;
    rate(act, &row, review).await
}

/// Closes the invitation and writes its review; of two who press at once, one succeeds.
pub(super) async fn rate(act: &Act, row: &invitation::Model, review: Model) -> Result<()> {
    let closed = invitation::Entity::update_many()
        .col_expr(invitation::Column::State, Expr::value(InvitationState::Rated))
        .col_expr(invitation::Column::ClosedAt, Expr::value(act.now))
        .filter(invitation::Column::Id.eq(row.id))
        .filter(invitation::Column::State.eq(InvitationState::Open))
        .filter(invitation::Column::ExpiresAt.gt(act.now))
        .exec(&*act.tx)
        .await?;
    if closed.rows_affected == 0 {
        let now = invitation::Entity::find_by_id(row.id).one(&*act.tx).await?.ok_or(UNKNOWN_INVITATION)?;
        return Err(if now.state == InvitationState::Rated { ALREADY_RATED } else { LAPSED }.into());
    }
    // A text that has not left yet would ask for what was just given.
    notice::withdraw(act, row.id).await?;
    if !act.insert_new(review.clone()).await? {
        return Err(ALREADY_RATED.into());
    }
    rectify::open(act, &review).await?;
    upload::note(act, &review).await
}

/// What is added to a review.
#[derive(Clone, Debug)]
pub struct Append {
    /// In the person's own words.
    pub comment: String,
    /// A new grade, if it changed.
    pub grade: Option<i32>,
    /// What WeChat thinks of the words, if it was asked.
    pub checked: Option<Checked>,
}

/// Adds to a review, once.
///
/// # Errors
/// `unknown_invitation`, `not_rated`, `bad_grade`, `bad_comment`, `invitation_lapsed`, `already_appended`.
pub async fn append(act: &Act, key: &Key, more: Append) -> Result<()> {
    let row = key.find(&*act.tx, &act.vault, act.centre.id).await?;
    if let Some(grade) = more.grade {
        check_tags(grade, &[])?;
    }
    let comment = check_comment(Some(more.comment))?.ok_or_else(|| BAD_COMMENT.on("comment"))?;
    let reviews = Entity::find().filter(Column::InvitationId.eq(row.id)).all(&*act.tx).await?;
    let first = reviews.iter().find(|r| r.ordinal == Ordinal::First).ok_or(NOT_RATED)?;
    if act.now >= first.at + Duration::days(act.rules.review_days) {
        return Err(LAPSED.into());
    }
    let given = Given {
        ordinal: Ordinal::Append,
        grade: more.grade,
        tags: String::new(),
        comment: Some(comment),
        anonymous: first.anonymous,
        checked: more.checked,
        channel: ReviewChannel::Link,
    };
    let review = given.of(act, &row)?;
    if !act.insert_new(review.clone()).await? {
        return Err(ALREADY_APPENDED.into());
    }
    rectify::open(act, &review).await?;
    upload::note(act, &review).await
}

/// A review that was checked.
pub struct Given {
    ordinal: Ordinal,
    grade: Option<i32>,
    tags: String,
    comment: Option<String>,
    anonymous: bool,
    checked: Option<Checked>,
    channel: ReviewChannel,
}

impl Given {
    /// A first one.
    ///
    /// # Errors
    /// `bad_grade`, `bad_tag`, `bad_comment`.
    pub fn first(opinion: Opinion, channel: ReviewChannel) -> Result<Self> {
        Ok(Self {
            ordinal: Ordinal::First,
            grade: Some(opinion.grade),
            tags: check_tags(opinion.grade, &opinion.tags)?,
            comment: check_comment(opinion.comment)?,
            anonymous: opinion.anonymous,
            checked: opinion.checked,
            channel,
        })
    }

    /// The row of it, given now.
    ///
    /// # Errors
    /// Only if the cipher itself fails.
    pub fn of(self, act: &Act, row: &invitation::Model) -> Result<Model> {
        let id = act.id();
        let before = match (&row.comment, self.ordinal) {
            (Some(sealed), Ordinal::First) => Some(act.open("invitation.comment", row.id, sealed)?),
            _ => None,
        };
        let earlier = before.is_some();
        let words: Vec<String> = self.comment.into_iter().chain(before).collect();
        let comment = Some(words.join("\n")).filter(|words| !words.is_empty());
        Ok(Model {
            id,
            centre_id: act.centre.id,
            invitation_id: row.id,
            case_id: row.case_id,
            service_no: row.service_no,
            ordinal: self.ordinal,
            grade: self.grade,
            tags: self.tags,
            comment: comment.map(|c| act.seal("review.comment", id, &c)).transpose()?,
            anonymous: self.anonymous,
            // What came by text before, nobody has looked at.
            checked: if earlier { self.checked.map(|_| Checked::Review) } else { self.checked },
            channel: self.channel,
            at: act.now,
            recorded_at: act.now,
            on_date: act.now.date(),
        })
    }
}

/// Refuses what is no grade, and tags that belong to another; gives the tags as they are kept.
fn check_tags(grade: i32, tags: &[String]) -> Result<String> {
    if !GRADES.iter().any(|g| g.code == grade) {
        return Err(BAD_GRADE.on("grade").into());
    }
    let of_grade: Vec<&Tag> = tags_of(grade);
    if let Some(n) = tags.iter().position(|code| !of_grade.iter().any(|t| t.code == *code)) {
        return Err(BAD_TAG.on(format!("tags[{n}]")).into());
    }
    let mut tags = tags.to_vec();
    tags.sort_unstable();
    tags.dedup();
    Ok(tags.join(","))
}

fn check_comment(comment: Option<String>) -> Result<Option<String>> {
    let Some(comment) = comment else { return Ok(None) };
    let kept: String = comment.chars().filter(|c| *c == '\n' || !c.is_control()).collect();
    match kept.trim() {
        "" => Ok(None),
        words if words.chars().count() <= 500 => Ok(Some(words.to_owned())),
        _ => Err(BAD_COMMENT.on("comment").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tag_belongs_to_its_grade() {
        assert_eq!(check_tags(5, &["517".into(), "510".into(), "510".into()]).unwrap(), "510,517");
        assert_eq!(check_tags(1, &[]).unwrap(), "");
        assert!(check_tags(5, &["108".into()]).is_err());
        assert!(check_tags(5, &["501".into()]).is_err(), "a code of the set that is no longer offered");
        assert!(check_tags(0, &[]).is_err() && check_tags(6, &[]).is_err());
    }

    #[test]
    fn comments_lose_control_characters_and_keep_lines() {
        assert_eq!(check_comment(Some(" 很好\u{7}\n谢谢 ".into())).unwrap().as_deref(), Some("很好\n谢谢"));
        assert_eq!(check_comment(Some("  ".into())).unwrap(), None);
        assert!(check_comment(Some("好".repeat(501))).is_err());
    }
}
