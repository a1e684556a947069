//! Doors of reviews: for whoever holds a link or a code.

use super::Noun;
use super::problem::Failure;
use super::view::{Created, Moment, Text, moment};
use crate::access::{self, Perhaps, Resident, Visit};
use crate::domain::Who;
use crate::domain::review::{self, Append, GRADES, Key, Opinion, tags_of};
use entity::review::{Checked, InvitationState};
use poem_openapi::payload::Json;
use poem_openapi::types::ToJSON as _;
use poem_openapi::{Object, OpenApi};

pub(super) struct Reviews;

/// What opens an invitation: one of the two.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct OpenInput {
    /// The link's token.
    token: Option<Text>,
    /// The code typed by hand.
    code: Option<Text>,
}

/// A tag of a grade.
#[derive(Object)]
struct TagView {
    /// Code.
    code: String,
    /// Words.
    text: String,
    /// Shown first.
    core: bool,
}

/// A grade and its tags.
#[derive(Object)]
struct GradeView {
    /// 5 to 1.
    grade: i32,
    /// The official word.
    name: String,
    /// Tags that belong to it.
    tags: Vec<TagView>,
}

/// An invitation. It says nothing of the person.
#[derive(Object)]
struct InvitationView {
    /// Name of the matter.
    item: String,
    /// Open, rated or lapsed.
    state: InvitationState,
    /// A review was given and can be added to.
    can_append: bool,
    /// Until when it can be rated.
    expires_at: Moment,
    /// The five grades with their tags.
    grades: Vec<GradeView>,
}

/// A review.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct ReviewInput {
    /// The link's token, or
    token: Option<Text>,
    /// the code typed by hand.
    code: Option<Text>,
    /// 5 非常满意 … 1 非常不满意.
    grade: i32,
    /// Codes of tags of that grade.
    #[oai(default)]
    tags: Vec<Text>,
    /// In one's own words.
    comment: Option<Text>,
    /// Stay unknown to those rated.
    #[oai(default)]
    anonymous: bool,
}

/// What is added to a review.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct AppendInput {
    /// The link's token.
    token: Text,
    /// In one's own words.
    comment: Text,
    /// A new grade, if it changed.
    grade: Option<i32>,
}

/// Thanks.
#[derive(Object)]
struct Thanks {
    /// Always true: it was written down.
    accepted: bool,
}

type Answer<T> = Result<T, Failure>;

/// What WeChat thinks of words, where whoever wrote them has just come by the mini program.
async fn checked(who: &Perhaps<Resident>, words: Option<&Text>) -> crate::base::Result<Option<Checked>> {
    match (who, words.filter(|words| !words.trim().is_empty())) {
        (Perhaps::Known(by), Some(words)) => access::check_words(&by.visit, by.holder, words).await,
        _ => Ok(None),
    }
}

#[OpenApi(tag = "Noun::Review")]
impl Reviews {
    /// See an invitation; nothing is spent by looking
    #[oai(path = "/invitations/open", method = "post", operation_id = "get_invitation")]
    async fn get_invitation(&self, visit: Visit, body: Json<OpenInput>) -> Answer<Json<InvitationView>> {
        let key = Key::new(body.0.token.map(String::from), body.0.code.map(String::from))?;
        visit.admit_review(&key).await?;
        let (app, now) = (&visit.app, visit.app.clock.now());
        let opened = review::open(app.read(), &app.vault, &visit.centre, &key, app.rules.review_days, now).await?;
        let tag = |t: &&review::Tag| TagView { code: t.code.clone(), text: t.text.clone(), core: t.core };
        let grade = |g: &review::Grade| GradeView {
            grade: g.code,
            name: g.name.to_owned(),
            tags: tags_of(g.code).iter().map(tag).collect(),
        };
        Ok(Json(InvitationView {
            item: opened.item,
            state: opened.state,
            can_append: opened.can_append,
            expires_at: moment(opened.expires_at),
            grades: GRADES.iter().map(grade).collect(),
        }))
    }

    /// Give the one review of a case
    #[oai(path = "/reviews", method = "post", operation_id = "give_review")]
    async fn give_review(&self, who: Perhaps<Resident>, body: Json<ReviewInput>) -> Answer<Created<Thanks>> {
        let request = body.0.to_json_string();
        let ReviewInput { token, code, grade, tags, comment, anonymous } = body.0;
        let key = Key::new(token.map(String::from), code.map(String::from))?;
        let visit = who.visit();
        visit.admit_review(&key).await?;
        let tags = tags.into_iter().map(String::from).collect();
        let checked = checked(&who, comment.as_ref()).await?;
        let opinion = Opinion { grade, tags, comment: comment.map(String::from), anonymous, checked };
        let thanks = visit
            .write_once(Who::Bearer, "give_review", &request, async |act| {
                review::give(act, &key, opinion).await?;
                Ok(Thanks { accepted: true })
            })
            .await?;
        Ok(Created(thanks))
    }

    /// Add to a review, once
    #[oai(path = "/reviews/append", method = "post", operation_id = "append_review")]
    async fn append_review(&self, who: Perhaps<Resident>, body: Json<AppendInput>) -> Answer<Created<Thanks>> {
        let request = body.0.to_json_string();
        let AppendInput { token, comment, grade } = body.0;
        let key = Key::Token(token.into());
        let visit = who.visit();
        visit.admit_review(&key).await?;
        let checked = checked(&who, Some(&comment)).await?;
        let thanks = visit
            .write_once(Who::Bearer, "append_review", &request, async |act| {
                review::append(act, &key, Append { comment: comment.into(), grade, checked }).await?;
                Ok(Thanks { accepted: true })
            })
            .await?;
        Ok(Created(thanks))
    }
}
