//! Doors of posts: who holds them, substitutes and handovers.

use super::Noun;
use super::problem::Failure;
use super::view::{Created, Listed, Moment, OfficeView, Text, moment};
use crate::access::{By, Director, Staff};
use crate::domain::cover::{self, Cover};
use crate::domain::identity::staff;
use crate::domain::{case, centre, post};
use chrono::NaiveDate;
use entity::cover::{Model as Substitute, handover};
use entity::identity::Role;
use entity::post::{Letter, PostKind};
use entity::{Id, Time};
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use std::collections::HashMap;

pub(super) struct Posts;

/// Somebody at a post.
#[derive(Object)]
struct HolderView {
    /// User name.
    username: String,
    /// Name.
    name: String,
    /// A, B or substitute.
    letter: Letter,
    /// On leave, out, or not signed in to the session under way.
    away: bool,
}

/// A post and who holds it now.
#[derive(Object)]
struct PostView {
    /// Short code.
    code: String,
    /// Name.
    name: String,
    /// What is done there.
    kind: PostKind,
    /// Whose it is, if it is an office's.
    office: Option<OfficeView>,
    /// Who may hold it, in their turn.
    turns: Vec<HolderView>,
    /// Who holds it now: the first who is not away.
    holder: Option<HolderView>,
}

/// A substitute to be named.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct SubstituteInput {
    /// User name.
    staff: Text,
    /// Until when.
    until: Moment,
}

/// A substitute.
#[derive(Object)]
struct SubstituteView {
    /// Opaque id.
    id: Id,
    /// From when.
    starts_at: Moment,
    /// Until when.
    ends_at: Moment,
}

impl From<Substitute> for SubstituteView {
    fn from(row: Substitute) -> Self {
        Self { id: row.id, starts_at: moment(row.starts_at), ends_at: moment(row.ends_at) }
    }
}

/// What is handed over.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct GiveInput {
    /// What there is to know of it.
    words: Text,
    /// Why it was not given by its day.
    late_reason: Option<Text>,
}

/// A handover of a post for the time of a leave.
#[derive(Object)]
struct HandoverView {
    /// Opaque id.
    id: Id,
    /// Code of the post.
    post: String,
    /// Name of who goes.
    from: String,
    /// Name of who stays.
    to: String,
    /// The day by whose end it is to be given.
    due_on: NaiveDate,
    /// When it was given.
    given_at: Option<Moment>,
    /// Numbers of the cases in hand then, where they stood, and their last days.
    list: Option<serde_json::Value>,
    /// What there is to know of them.
    words: Option<String>,
    /// Why it came late.
    late_reason: Option<String>,
    /// When it was taken.
    accepted_at: Option<Moment>,
}

type Answer<T> = Result<T, Failure>;

#[OpenApi(tag = "Noun::Post")]
impl Posts {
    /// Posts, and who holds each now
    #[oai(path = "/posts", method = "get", operation_id = "list_posts")]
    async fn list_posts(&self, who: By<Staff>) -> Answer<Json<Listed<PostView>>> {
        let (app, centre) = (&who.visit.app, &who.visit.centre);
        let cover = Cover::at(app.read(), centre, app.clock.now()).await?;
        let offices = centre::offices(app.read(), centre.id).await?;
        let people = people(&who).await?;
        let holder = |(id, letter): (Id, Letter)| {
            let (username, name) = people.get(&id).cloned().unwrap_or_default();
            HolderView { username, name, letter, away: cover.away(id).is_some() }
        };
        let view = |post: &post::Post| PostView {
            code: post.row.code.clone(),
            name: post.row.name.clone(),
            kind: post.row.kind,
            office: offices.iter().find(|o| Some(o.id) == post.row.office_id).map(OfficeView::from),
            turns: cover.turns(post).into_iter().map(holder).collect(),
            holder: cover.holder(post).map(holder),
        };
        Ok(Json(Listed { items: cover.posts().map(view).collect(), next_cursor: None }))
    }

    /// Name a substitute for a post whose A and B are away
    #[oai(path = "/posts/:code/substitutes", method = "post", operation_id = "name_substitute")]
    async fn name_substitute(
        &self,
        who: By<Director>,
        code: Path<String>,
        body: Json<SubstituteInput>,
    ) -> Answer<Created<SubstituteView>> {
        let until = Time::from(body.until);
        let name = async |act: &_| cover::substitute(act, &who.holder, &code.0, &body.staff, until).await;
        Ok(Created(who.visit.write(who.who.clone(), name).await?.into()))
    }

    /// Handovers that are not done: one's own; the director's list has all
    #[oai(path = "/handovers", method = "get", operation_id = "list_handovers")]
    async fn list_handovers(&self, who: By<Staff>) -> Answer<Json<Listed<HandoverView>>> {
        let (app, centre) = (&who.visit.app, &who.visit.centre);
        let of = Some(who.holder.id).filter(|_| !who.holder.is_any(&[Role::Director, Role::PartyOffice]));
        let rows = cover::handovers(app.read(), centre.id, of).await?;
        let mut items = Vec::with_capacity(rows.len());
        for row in rows {
            items.push(view(&who, row).await?);
        }
        Ok(Json(Listed { items, next_cursor: None }))
    }

    /// Hand a post over, with the list of what is in hand there
    #[oai(path = "/handovers/:id/give", method = "post", operation_id = "give_handover")]
    async fn give_handover(&self, who: By<Staff>, id: Path<Id>, body: Json<GiveInput>) -> Answer<Json<HandoverView>> {
        let GiveInput { words, late_reason } = body.0;
        let give =
            async |act: &_| case::hand_over(act, &who.holder, id.0, &words, late_reason.as_deref()).await.map(|h| h.id);
        let id = who.visit.write(who.who.clone(), give).await?;
        one(&who, id).await
    }

    /// Take a post over
    #[oai(path = "/handovers/:id/accept", method = "post", operation_id = "accept_handover")]
    async fn accept_handover(&self, who: By<Staff>, id: Path<Id>) -> Answer<Json<HandoverView>> {
        let row = who.visit.write(who.who.clone(), async |act| cover::accept(act, &who.holder, id.0).await).await?;
        Ok(Json(view(&who, row).await?))
    }
}

/// User names and names of the centre's staff.
async fn people(who: &By<Staff>) -> crate::base::Result<HashMap<Id, (String, String)>> {
    let staff = staff::all(who.visit.app.read(), who.visit.centre.id).await?;
    Ok(staff.into_iter().map(|s| (s.id, (s.username, s.name))).collect())
}

async fn one(who: &By<Staff>, id: Id) -> Answer<Json<HandoverView>> {
    let rows = cover::handovers(who.visit.app.read(), who.visit.centre.id, Some(who.holder.id)).await?;
    let row = rows.into_iter().find(|row| row.id == id).ok_or(cover::UNKNOWN_HANDOVER)?;
    Ok(Json(view(who, row).await?))
}

async fn view(who: &By<Staff>, row: handover::Model) -> crate::base::Result<HandoverView> {
    let (app, centre) = (&who.visit.app, &who.visit.centre);
    let (people, posts) = (people(who).await?, post::all(app.read(), centre).await?);
    let name = |id: &Id| people.get(id).map(|(_, name)| name.clone()).unwrap_or_default();
    let (words, late_reason) = cover::words(&app.vault, &row)?;
    Ok(HandoverView {
        id: row.id,
        post: posts.of(row.post_id).map(|post| post.row.code.clone()).unwrap_or_default(),
        from: name(&row.from_id),
        to: name(&row.to_id),
        due_on: row.due_on,
        given_at: row.given_at.map(moment),
        list: row.list,
        words,
        late_reason,
        accepted_at: row.accepted_at.map(moment),
    })
}
