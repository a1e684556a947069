//! Drafts of guides (草案, articles 4.3 and 4.4): the office's head proposes steps, posts and routes of its matters, the centre
//! compiles, the director publishes.
//!
//! A guide has one open draft. Whoever writes says which revision he read, so nobody writes over what he has not seen. A draft may be
//! faulty while it is written; it is sent for review and published only without a fault.

use super::check;
use super::fault::{Fault, all_in_words};
use super::publish::{self, Days};
use crate::base::error::Result;
use crate::base::{Kind, Refusal};
use crate::domain::act::{Act, Publishing, StaffMember};
use crate::domain::{audit, centre, file};
use chrono::NaiveDate;
use entity::Id;
use entity::file::FilePurpose;
use entity::guide::draft::{Column, Entity, Model};
use entity::guide::{Content, DraftState, version};
use entity::identity::Role;
use sea_orm::sea_query::{Expr, ExprTrait as _};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
};
use serde_json::json;

/// No such draft, or not yours.
pub const UNKNOWN_DRAFT: Refusal = Refusal::new(Kind::Missing, "unknown_draft", "没有找到这份草案。");
/// The guide has a draft that is not done with.
pub const DRAFT_OPEN: Refusal =
    Refusal::new(Kind::Conflict, "draft_open", "这个事项已有一份没办完的草案，请接着改那一份，或先放弃它。");
/// Somebody wrote meanwhile.
pub const DRAFT_CHANGED: Refusal = Refusal::new(
    Kind::Conflict,
    "draft_changed",
    "这份草案刚被别人改过（现在是第{revision}稿），请打开最新的一稿再改。",
);
/// It does not stand where this may be done.
pub const DRAFT_STATE: Refusal = Refusal::new(Kind::Conflict, "draft_state", "草案现在是“{state}”，不能这样操作。");
/// It has faults.
pub const BAD_GUIDE: Refusal =
    Refusal::new(Kind::Invalid, "bad_guide", "办事指南还有问题，不能送审或发布：{fault}").article("4.3");
/// Another office's matter.
pub const NOT_YOUR_OFFICE: Refusal =
    Refusal::new(Kind::Forbidden, "not_your_office", "科室负责人只能起草本科室事项的办事指南。").article("4.4");
/// A code that cannot be.
pub const BAD_CODE: Refusal =
    Refusal::new(Kind::Invalid, "bad_code", "事项代码应为2至16位大写字母、数字或 -，如 SB-01。");
/// A new matter without its office or its content.
pub const NEW_NEEDS_ALL: Refusal = Refusal::new(
    Kind::Invalid,
    "new_needs_all",
    "新事项请写明承办科室代码（office）和指南内容（content）；已有事项不能在草案里换科室。",
);
/// It is given back without a reason.
pub const RETURN_WORDS: Refusal = Refusal::new(Kind::Invalid, "return_words", "退回草案必须写明要改什么（2至500字）。");
/// Days that cannot be.
pub const BAD_DAYS: Refusal =
    Refusal::new(Kind::Invalid, "bad_days", "生效日应在今天起一年之内，复核日应在生效之后、五年之内。").article("4.3");
/// It says what is in force already.
pub const NOTHING_NEW: Refusal = Refusal::new(Kind::Conflict, "nothing_new", "草案和现行指南一样，没有要发布的。");

/// The state in the words of the centre.
#[must_use]
pub const fn state_name(state: DraftState) -> &'static str {
    match state {
        DraftState::Draft => "草案",
        DraftState::Review => "送审中",
        DraftState::Published => "已发布",
        DraftState::Dropped => "已放弃",
    }
}

/// Who drafts for all offices.
const CENTRES: [Role; 3] = [Role::Window, Role::SupervisionWindow, Role::Director];

/// Refuses whoever may not draft for an office: the centre's own draft for all, heads for theirs.
///
/// # Errors
/// `not_your_office`.
pub fn ensure_may(staff: &StaffMember, office: Id) -> Result<()> {
    if staff.is_any(&CENTRES) || staff.office == Some(office) { Ok(()) } else { Err(NOT_YOUR_OFFICE.into()) }
}

/// Begins a draft: of a guide in force, from what it says, or of a new one.
///
/// # Errors
/// `draft_open`, `bad_code`, `new_needs_all`, `unknown_office`, `not_your_office`, `unknown_file`, `bad_guide` for what cannot even
/// be kept.
pub async fn begin(
    act: &Act,
    staff: &StaffMember,
    code: &str,
    office: Option<&str>,
    content: Option<Content>,
) -> Result<Model> {
    let known = super::known(&*act.tx, act.centre.id, code).await?;
    let (office_id, content) = match (known, office, content) {
        (Some((guide, latest)), None, content) => (guide.office_id, content.unwrap_or(latest.content)),
        (None, Some(office), Some(content)) => {
            if !super::is_code(code) {
                return Err(BAD_CODE.on("code").into());
            }
            (centre::office(&*act.tx, act.centre.id, office).await?.id, content)
        }
        _ => return Err(NEW_NEEDS_ALL.into()),
    };
    ensure_may(staff, office_id)?;
    let row = Model {
        id: act.id(),
        centre_id: act.centre.id,
        code: code.to_owned(),
        office_id,
        revision: 1,
        state: DraftState::Draft,
        drafted_by: staff.id,
        drafted_at: act.now,
        written_by: staff.id,
        written_at: act.now,
        words: None,
        version_id: None,
        content: kept(act, content).await?,
    };
    if !act.insert_new(row.clone()).await? {
        return Err(DRAFT_OPEN.into());
    }
    audit::note(act, "guide.drafted", code, json!({ "draft": row.id })).await?;
    Ok(row)
}

/// What may be written down though it has faults, with its files kept.
async fn kept(act: &Act, content: Content) -> Result<Content> {
    let unreadable = check::unreadable(&content);
    if !unreadable.is_empty() {
        return Err(BAD_GUIDE.with(&[("fault", &all_in_words(&unreadable))]).into());
    }
    let forms = content.materials.iter().flat_map(|m| [m.blank_form, m.sample]).flatten().collect::<Vec<_>>();
    file::keep(act, FilePurpose::Form, &forms).await?;
    Ok(content)
}

/// Writes a draft anew.
///
/// # Errors
/// `unknown_draft`, `draft_state`, `draft_changed`, `unknown_file`, `bad_guide`.
pub async fn write(act: &Act, staff: &StaffMember, id: Id, revision: i32, content: Content) -> Result<Model> {
    let draft = get(&*act.tx, act.centre.id, staff, id).await?;
    let content = kept(act, content).await?;
    let json = serde_json::to_value(&content).map_err(anyhow::Error::from)?;
    let write = [(Column::Content, Expr::value(json)), (Column::WrittenBy, Expr::value(staff.id))];
    advance(act, &draft, revision, DraftState::Draft, DraftState::Draft, write).await
}

/// Sends a draft to the director. It has no fault by now.
///
/// # Errors
/// `unknown_draft`, `draft_state`, `draft_changed`, `bad_guide` with every fault.
pub async fn submit(act: &Act, staff: &StaffMember, id: Id, revision: i32) -> Result<Model> {
    let draft = get(&*act.tx, act.centre.id, staff, id).await?;
    ensure_sound(act, &draft, act.now.date()).await?;
    let sent = advance(act, &draft, revision, DraftState::Draft, DraftState::Review, []).await?;
    audit::note(act, "guide.sent_for_review", &draft.code, json!({ "draft": id })).await?;
    Ok(sent)
}

/// Gives a draft back with what is to be changed.
///
/// # Errors
/// `unknown_draft`, `draft_state`, `return_words`.
pub async fn give_back(act: &Act, staff: &StaffMember, id: Id, words: &str) -> Result<Model> {
    let draft = get(&*act.tx, act.centre.id, staff, id).await?;
    let words = words.trim();
    if !(2..=500).contains(&words.chars().count()) {
        return Err(RETURN_WORDS.on("words").into());
    }
    let given = [(Column::Words, Expr::value(words))];
    let back = advance(act, &draft, draft.revision, DraftState::Review, DraftState::Draft, given).await?;
    audit::note(act, "guide.given_back", &draft.code, json!({ "draft": id })).await?;
    Ok(back)
}

/// Gives a draft up.
///
/// # Errors
/// `unknown_draft`, `draft_state`.
pub async fn drop(act: &Act, staff: &StaffMember, id: Id) -> Result<Model> {
    let draft = get(&*act.tx, act.centre.id, staff, id).await?;
    if !matches!(draft.state, DraftState::Draft | DraftState::Review) {
        return Err(DRAFT_STATE.with(&[("state", &state_name(draft.state))]).into());
    }
    let gone = advance(act, &draft, draft.revision, draft.state, DraftState::Dropped, []).await?;
    audit::note(act, "guide.dropped", &draft.code, json!({ "draft": id })).await?;
    Ok(gone)
}

/// Publishes a draft that was sent for review, from a day on.
///
/// # Errors
/// `unknown_draft`, `draft_state`, `draft_changed`, `bad_guide`, `bad_days`, `nothing_new`, `name_taken`.
pub async fn publish(
    act: &Publishing,
    staff: &StaffMember,
    id: Id,
    revision: i32,
    from: Option<NaiveDate>,
    review_on: Option<NaiveDate>,
) -> Result<version::Model> {
    let draft = get(&*act.tx, act.centre.id, staff, id).await?;
    let today = act.now.date();
    ensure_sound(act, &draft, from.unwrap_or(today)).await?;
    let days = Days::of(today, from, review_on).ok_or(BAD_DAYS)?;
    // Seen before anything is written: that it stands where it may be published.
    ensure_at(&draft, revision, DraftState::Review)?;
    let published =
        publish::publish(act, &draft.code, draft.office_id, draft.content.clone(), days, Some(staff.id)).await?;
    let version = published.ok_or(NOTHING_NEW)?;
    let came = [(Column::VersionId, Expr::value(version.id))];
    advance(act, &draft, revision, DraftState::Review, DraftState::Published, came).await?;
    Ok(version)
}

async fn ensure_sound(act: &Act, draft: &Model, day: NaiveDate) -> Result<()> {
    let faults = faults(&*act.tx, draft, day).await?;
    if faults.is_empty() { Ok(()) } else { Err(BAD_GUIDE.with(&[("fault", &all_in_words(&faults))]).into()) }
}

/// What keeps a draft from being published, beside the days.
///
/// # Errors
/// Whatever the database says.
pub async fn faults(db: &impl ConnectionTrait, draft: &Model, day: NaiveDate) -> Result<Vec<Fault>> {
    let mut faults = check::faults(&draft.content);
    let (posts, offices) = (posts(db, draft.centre_id).await?, centre::offices(db, draft.centre_id).await?);
    let lasts = |post: &entity::post::Model| post.valid_until.is_none_or(|last| last >= day);
    for (n, step) in draft.content.flow.iter().enumerate() {
        if !posts.iter().any(|post| post.code == step.post && lasts(post)) {
            faults.push(Fault::new(format!("flow[{n}].post"), format!("没有岗位“{}”", step.post)));
        }
    }
    faults.extend(check::parts(&draft.content, draft.office_id, &posts, &offices));
    Ok(faults)
}

/// The posts at which steps may be: their rows alone, for who holds them is told below.
pub(super) async fn posts(db: &impl ConnectionTrait, centre: Id) -> Result<Vec<entity::post::Model>> {
    Ok(entity::post::Entity::find().filter(entity::post::Column::CentreId.eq(centre)).all(db).await?)
}

/// The step between two states of a draft; whoever comes second is told.
async fn advance<const N: usize>(
    act: &Act,
    draft: &Model,
    revision: i32,
    from: DraftState,
    to: DraftState,
    write: [(Column, sea_orm::sea_query::SimpleExpr); N],
) -> Result<Model> {
    ensure_at(draft, revision, from)?;
    let mut update = Entity::update_many()
        .col_expr(Column::State, Expr::value(to.word()))
        .col_expr(Column::Revision, Expr::col(Column::Revision).add(1))
        .col_expr(Column::WrittenAt, Expr::value(act.now))
        .filter(Column::Id.eq(draft.id))
        .filter(Column::Revision.eq(revision))
        .filter(Column::State.eq(from));
    for (column, value) in write {
        update = update.col_expr(column, value);
    }
    let done = update.exec(&*act.tx).await?;
    let now = Entity::find_by_id(draft.id).one(&*act.tx).await?.ok_or(UNKNOWN_DRAFT)?;
    if done.rows_affected == 0 {
        ensure_at(&now, revision, from)?;
    }
    Ok(now)
}

fn ensure_at(draft: &Model, revision: i32, state: DraftState) -> Result<()> {
    if draft.state != state {
        return Err(DRAFT_STATE.with(&[("state", &state_name(draft.state))]).into());
    }
    if draft.revision != revision {
        return Err(DRAFT_CHANGED.with(&[("revision", &draft.revision.to_string())]).into());
    }
    Ok(())
}

/// A draft that one may see.
///
/// # Errors
/// `unknown_draft`.
pub async fn get(db: &impl ConnectionTrait, centre: Id, staff: &StaffMember, id: Id) -> Result<Model> {
    let draft = Entity::find_by_id(id).filter(Column::CentreId.eq(centre)).one(db).await?;
    Ok(draft.filter(|draft| ensure_may(staff, draft.office_id).is_ok()).ok_or(UNKNOWN_DRAFT)?)
}

/// What was decided of a guide before and is undone when a draft of it is published now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overruled {
    /// The last day that was named for it.
    pub retired_on: Option<NaiveDate>,
    /// A version that waits for its day: its number, and the day.
    pub waiting: Option<(i32, NaiveDate)>,
}

/// What the publication of a draft undoes; nothing of a new matter.
///
/// # Errors
/// Whatever the database says.
pub async fn overruled(db: &impl ConnectionTrait, draft: &Model) -> Result<Option<Overruled>> {
    let known = super::known(db, draft.centre_id, &draft.code).await?;
    Ok(known.map(|(guide, latest)| Overruled {
        retired_on: guide.retired_on,
        waiting: (latest.number > guide.version).then_some((latest.number, latest.in_force_from)),
    }))
}

/// Open drafts that one may see, by code.
///
/// # Errors
/// Whatever the database says.
pub async fn list(db: &impl ConnectionTrait, centre: Id, staff: &StaffMember) -> Result<Vec<Model>> {
    let open = Entity::find().filter(Column::CentreId.eq(centre));
    let open = open.filter(Column::State.is_in([DraftState::Draft, DraftState::Review]));
    let drafts = open.order_by_asc(Column::Code).all(db).await?;
    Ok(drafts.into_iter().filter(|draft| ensure_may(staff, draft.office_id).is_ok()).collect())
}

/// How many open drafts wait for somebody: those sent for review for the director, those given back for whoever may put them right.
///
/// # Errors
/// Whatever the database says.
pub async fn waiting(db: &impl ConnectionTrait, centre: Id, staff: &StaffMember) -> Result<u64> {
    let of_centre = Entity::find().filter(Column::CentreId.eq(centre));
    let waits = if staff.is_any(&[Role::Director]) {
        of_centre.filter(Column::State.eq(DraftState::Review))
    } else {
        of_centre.filter(Column::State.eq(DraftState::Draft)).filter(Column::Words.is_not_null())
    };
    let waits = if staff.is_any(&CENTRES) { waits } else { waits.filter(Column::OfficeId.is_in(staff.office)) };
    Ok(waits.count(db).await?)
}
