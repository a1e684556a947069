//! Doors of leave and whereabouts.

use super::Noun;
use super::problem::Failure;
use super::view::{Created, Listed, Moment, Text, moment};
use crate::access::{By, LeaveRuler, Staff};
use crate::base::vault::Vault;
use crate::domain::cover;
use crate::domain::identity::staff;
use crate::domain::leave::{self, Wish};
use entity::leave::{LeaveKind, LeaveState, Model, whereabouts};
use entity::{Id, Time};
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};

pub(super) struct Leaves;

/// What is asked for.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct LeaveInput {
    /// What for.
    kind: LeaveKind,
    /// From when.
    starts_at: Moment,
    /// Until when.
    ends_at: Moment,
    /// Why.
    reason: Text,
    /// Where one will be.
    place: Text,
}

/// A leave.
#[derive(Object)]
struct LeaveView {
    /// Opaque id.
    id: Id,
    /// Whose, by name.
    name: String,
    /// What for.
    kind: LeaveKind,
    /// From when.
    starts_at: Moment,
    /// Until when.
    ends_at: Moment,
    /// Why.
    reason: String,
    /// Where he will be.
    place: String,
    /// Where it stands.
    state: LeaveState,
    /// When it was asked for.
    asked_at: Moment,
    /// When it was ruled on.
    ruled_at: Option<Moment>,
    /// Why it was refused.
    words: Option<String>,
}

/// Who stands in at a post.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct NamedInput {
    /// Code of the post.
    post: Text,
    /// User name.
    staff: Text,
}

/// An approval.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct ApproveLeaveInput {
    /// Who stands in where A and B are both away.
    substitutes: Option<Vec<NamedInput>>,
}

/// A refusal.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct RefuseLeaveInput {
    /// Why.
    words: Text,
}

/// An entry on the board.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct OutInput {
    /// Where, in detail.
    place: Text,
    /// Until when.
    until: Moment,
}

/// Somebody on the board.
#[derive(Object)]
struct OutView {
    /// Name.
    name: String,
    /// Where.
    place: String,
    /// Since when.
    out_at: Moment,
    /// Until when, as he says.
    until: Moment,
    /// When he was back.
    back_at: Option<Moment>,
}

type Answer<T> = Result<T, Failure>;

#[OpenApi(tag = "Noun::Leave")]
impl Leaves {
    /// Ask for leave
    #[oai(path = "/leaves", method = "post", operation_id = "ask_leave")]
    async fn ask_leave(&self, who: By<Staff>, body: Json<LeaveInput>) -> Answer<Created<LeaveView>> {
        let LeaveInput { kind, starts_at, ends_at, reason, place } = body.0;
        let (starts_at, ends_at) = (Time::from(starts_at), Time::from(ends_at));
        let wish = Wish { kind, starts_at, ends_at, reason: reason.into(), place: place.into() };
        let asked = who.visit.write(who.who.clone(), async |act| leave::ask(act, &who.holder, wish).await).await?;
        Ok(Created(LeaveView::of(&who.visit.app.vault, asked, who.holder.name.clone())?))
    }

    /// Leaves that are not over: one's own; director, leaders and party office see all
    #[oai(path = "/leaves", method = "get", operation_id = "list_leaves")]
    async fn list_leaves(&self, who: By<Staff>) -> Answer<Json<Listed<LeaveView>>> {
        let (app, centre) = (&who.visit.app, &who.visit.centre);
        let names = staff::names(app.read(), centre.id).await?;
        let rows = leave::list(app.read(), centre.id, &who.holder, app.clock.now()).await?;
        let name = |id: Id| names.get(&id.to_string()).cloned().unwrap_or_default();
        let items = rows.into_iter().map(|row| {
            let name = name(row.staff_id);
            LeaveView::of(&app.vault, row, name)
        });
        Ok(Json(Listed { items: items.collect::<Result<_, _>>()?, next_cursor: None }))
    }

    /// Approve a leave that leaves no post to nobody
    #[oai(path = "/leaves/:id/approve", method = "post", operation_id = "approve_leave")]
    async fn approve_leave(
        &self,
        who: By<LeaveRuler>,
        id: Path<Id>,
        body: Json<ApproveLeaveInput>,
    ) -> Answer<Json<LeaveView>> {
        let named = body.0.substitutes.unwrap_or_default();
        let named = named.into_iter().map(|n| (n.post.into(), n.staff.into())).collect();
        let approve = async |act: &_| cover::approve(act, &who.holder, id.0, named).await;
        let row = who.visit.write(who.who.clone(), approve).await?;
        ruled(&who, row).await
    }

    /// Refuse a leave, with the reason
    #[oai(path = "/leaves/:id/refuse", method = "post", operation_id = "refuse_leave")]
    async fn refuse_leave(
        &self,
        who: By<LeaveRuler>,
        id: Path<Id>,
        body: Json<RefuseLeaveInput>,
    ) -> Answer<Json<LeaveView>> {
        let refuse = async |act: &_| {
            let leave = leave::to_rule(act, &who.holder, id.0).await?;
            leave::rule(act, &who.holder, leave, Some(&body.words)).await
        };
        let row = who.visit.write(who.who.clone(), refuse).await?;
        ruled(&who, row).await
    }

    /// Take one's own leave back, or end it before its time
    #[oai(path = "/leaves/:id/withdraw", method = "post", operation_id = "withdraw_leave")]
    async fn withdraw_leave(&self, who: By<Staff>, id: Path<Id>) -> Answer<Json<LeaveView>> {
        let back = who.visit.write(who.who.clone(), async |act| leave::withdraw(act, &who.holder, id.0).await).await?;
        Ok(Json(LeaveView::of(&who.visit.app.vault, back, who.holder.name.clone())?))
    }

    /// Enter oneself on the board of whereabouts
    #[oai(path = "/whereabouts", method = "post", operation_id = "go_out")]
    async fn go_out(&self, who: By<Staff>, body: Json<OutInput>) -> Answer<Created<OutView>> {
        let until = Time::from(body.until);
        let go = async |act: &_| leave::go_out(act, &who.holder, &body.place, until).await;
        let out = who.visit.write(who.who.clone(), go).await?;
        Ok(Created(OutView::of(&who.visit.app.vault, &out, who.holder.name.clone())?))
    }

    /// Who is out, and where
    #[oai(path = "/whereabouts", method = "get", operation_id = "list_whereabouts")]
    async fn list_whereabouts(&self, who: By<Staff>) -> Answer<Json<Listed<OutView>>> {
        let (app, centre) = (&who.visit.app, &who.visit.centre);
        let names = staff::names(app.read(), centre.id).await?;
        let name = |id: Id| names.get(&id.to_string()).cloned().unwrap_or_default();
        let out = leave::out(app.read(), centre.id).await?;
        let items = out.iter().map(|out| OutView::of(&app.vault, out, name(out.staff_id)));
        Ok(Json(Listed { items: items.collect::<Result<_, _>>()?, next_cursor: None }))
    }

    /// Take oneself off the board
    #[oai(path = "/whereabouts/back", method = "post", operation_id = "come_back")]
    async fn come_back(&self, who: By<Staff>) -> Answer<Json<OutView>> {
        let back = who.visit.write(who.who.clone(), async |act| leave::come_back(act, &who.holder).await).await?;
        Ok(Json(OutView::of(&who.visit.app.vault, &back, who.holder.name.clone())?))
    }
}

async fn ruled(who: &By<LeaveRuler>, row: Model) -> Answer<Json<LeaveView>> {
    let (app, centre) = (&who.visit.app, &who.visit.centre);
    let person = staff::by_id(app.read(), centre.id, row.staff_id).await?;
    Ok(Json(LeaveView::of(&app.vault, row, person.name)?))
}

impl LeaveView {
    fn of(vault: &Vault, row: Model, name: String) -> crate::base::Result<Self> {
        let (reason, place, words) = leave::words(vault, &row)?;
        Ok(Self {
            id: row.id,
            name,
            kind: row.kind,
            starts_at: moment(row.starts_at),
            ends_at: moment(row.ends_at),
            reason,
            place,
            state: row.state,
            asked_at: moment(row.asked_at),
            ruled_at: row.ruled_at.map(moment),
            words,
        })
    }
}

impl OutView {
    fn of(vault: &Vault, out: &whereabouts::Model, name: String) -> crate::base::Result<Self> {
        Ok(Self {
            name,
            place: leave::place(vault, out)?,
            out_at: moment(out.out_at),
            until: moment(out.until),
            back_at: out.back_at.map(moment),
        })
    }
}
