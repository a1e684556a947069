//! Seeing to it (人工处置): texts that did not go out or may not have, and texts from phones that nobody understood, until a member
//! of staff has seen to each: sent once more, told by telephone, or let be.

use super::kind::{ALL, Kind, Weight};
use super::{PURPOSE_NEEDED, UNKNOWN_NOTICE};
use crate::base::error::Result;
use crate::base::personal;
use crate::base::vault::{Place, Vault};
use crate::domain::act::Act;
use crate::domain::audit;
use chrono::Duration;
use entity::notice::{Attended, Column, Delivery, Entity, Model, NoticeState, uplink};
use entity::{Id, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, ExprTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, Select,
};

/// What is older than this, nobody can mend by telephone.
const OLDEST: Duration = Duration::days(30);
/// A list that is longer is begun at its newest.
const LONGEST: u64 = 200;

/// A text that waits for somebody to see to it.
#[derive(Clone, Debug)]
pub struct Unattended {
    /// Its row.
    pub row: Model,
    /// The name of its kind.
    pub title: &'static str,
    /// To whom, masked; nothing if no key opens it.
    pub phone: Option<String>,
    /// What became of it, as staff read it.
    pub what: String,
}

/// Facts that did not arrive, or may not have, the latest first. What nobody is sure of is asked about for a while before it is
/// shown.
///
/// # Errors
/// Whatever the database says.
pub async fn unattended(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: Id,
    now: Time,
    asked_for: Duration,
) -> Result<Vec<Unattended>> {
    let rows = waiting(centre, now, asked_for).order_by_desc(Column::DueAt).limit(LONGEST).all(db).await?;
    let shown = |row: Model| {
        let phone = vault.open(Place::new("notice.phone", centre, row.id), &row.phone).ok();
        let title = Kind::of(&row.kind).map_or("短信", |k| k.title);
        Unattended { phone: phone.map(|p| personal::mask_phone(&p)), title, what: what(&row), row }
    };
    Ok(rows.into_iter().map(shown).collect())
}

/// How many texts and answers wait for somebody.
///
/// # Errors
/// Whatever the database says.
pub async fn to_attend(db: &impl ConnectionTrait, centre: Id, now: Time, asked_for: Duration) -> Result<u64> {
    Ok(waiting(centre, now, asked_for).count(db).await? + unheard(centre, now).count(db).await?)
}

fn waiting(centre: Id, now: Time, asked_for: Duration) -> Select<Entity> {
    let facts = ALL.into_iter().filter(|k| k.weight == Weight::Fact).map(|k| k.word);
    let ended = Column::State.is_in([NoticeState::Rejected, NoticeState::GaveUp]);
    let unsure = Column::State.eq(NoticeState::Unsure).and(Column::DoneAt.lte(now - asked_for));
    let failed = Column::Delivery.eq(Delivery::Failed);
    Entity::find()
        .filter(Column::CentreId.eq(centre))
        .filter(Column::DueAt.gt(now - OLDEST))
        .filter(Condition::any().add(ended).add(unsure).add(failed))
        .filter(Column::Attended.is_null())
        .filter(Column::CarriedBy.is_null())
        .filter(Column::Kind.is_in(facts))
}

fn what(row: &Model) -> String {
    let code = row.fault.as_deref().unwrap_or("-");
    match (row.state, code) {
        (NoticeState::Unsure, _) => "不知道有没有发出，通道没有答复".to_owned(),
        (NoticeState::Rejected, _) => format!("通道拒收（{code}）"),
        (NoticeState::GaveUp, "not_theirs") => "机主回复不是本人，没有再发".to_owned(),
        (NoticeState::GaveUp, "expired") => "过了时间，没能发出".to_owned(),
        (NoticeState::GaveUp, _) => format!("多次没能发出（{code}）"),
        _ => format!("已发出，手机没有收到（{code}）"),
    }
}

/// Shows a text and its phone in full to whoever is about to ring up, which leaves a line.
///
/// # Errors
/// `unknown_notice`, `purpose_needed`.
pub async fn open_text(act: &Act, id: Id, purpose: &str) -> Result<(String, String)> {
    let purpose = purpose.trim();
    let fits = (2..=60).contains(&purpose.chars().count()) && purpose.chars().filter(char::is_ascii_digit).count() < 7;
    if !fits {
        return Err(PURPOSE_NEEDED.on("purpose").into());
    }
    let row = mine(act, id).await?;
    audit::note(act, "notice.opened", id, serde_json::json!({ "purpose": purpose })).await?;
    Ok((act.open("notice.phone", id, &row.phone)?, act.open("notice.text", id, &row.text)?))
}

/// Notes that a text was seen to.
///
/// # Errors
/// `unknown_notice`, also for one that was seen to before.
pub async fn attend(act: &Act, id: Id, how: Attended) -> Result<()> {
    let row = mine(act, id).await?;
    let seen_to = Entity::update_many()
        .col_expr(Column::Attended, Expr::value(how))
        .filter(Column::Id.eq(row.id))
        .filter(Column::Attended.is_null())
        .exec(&*act.tx)
        .await?;
    if seen_to.rows_affected == 0 {
        return Err(UNKNOWN_NOTICE.into());
    }
    audit::note(act, "notice.attended", id, serde_json::json!({ "how": how })).await
}

/// A text of the centre that somebody may have to see to.
async fn mine(act: &Act, id: Id) -> Result<Model> {
    let over = Condition::any()
        .add(Column::State.is_in([NoticeState::Rejected, NoticeState::GaveUp, NoticeState::Unsure]))
        .add(Column::Delivery.eq(Delivery::Failed));
    let row = Entity::find_by_id(id).filter(Column::CentreId.eq(act.centre.id)).filter(over).one(&*act.tx).await?;
    row.ok_or_else(|| UNKNOWN_NOTICE.into())
}

/// A text from a phone that waits for somebody to read it.
#[derive(Clone, Debug)]
pub struct Unread {
    /// Its row.
    pub row: uplink::Model,
    /// From whom, masked.
    pub phone: String,
    /// What it says.
    pub text: String,
}

/// Texts from phones that nobody has read, the latest first.
///
/// # Errors
/// Whatever the database says; a key that is not here.
pub async fn unread(db: &impl ConnectionTrait, vault: &Vault, centre: Id, now: Time) -> Result<Vec<Unread>> {
    let rows = unheard(centre, now).order_by_desc(uplink::Column::ReceivedAt).limit(LONGEST);
    let open = |row: uplink::Model| {
        let phone = vault.open(Place::new("uplink.phone", centre, row.id), &row.phone)?;
        let text = vault.open(Place::new("uplink.text", centre, row.id), &row.text)?;
        Ok(Unread { phone: personal::mask_phone(&phone), text, row })
    };
    rows.all(db).await?.into_iter().map(open).collect()
}

fn unheard(centre: Id, now: Time) -> Select<uplink::Entity> {
    uplink::Entity::find()
        .filter(uplink::Column::CentreId.eq(centre))
        .filter(uplink::Column::Attended.eq(false))
        .filter(uplink::Column::ReceivedAt.gt(now - OLDEST))
}

/// Notes that a text from a phone was read; gives its phone in full, for whoever rings back.
///
/// # Errors
/// `unknown_notice`, also for one that was read before.
pub async fn note_read(act: &Act, id: Id) -> Result<String> {
    let unread = uplink::Entity::update_many()
        .col_expr(uplink::Column::Attended, Expr::value(true))
        .filter(uplink::Column::Id.eq(id))
        .filter(uplink::Column::CentreId.eq(act.centre.id))
        .filter(uplink::Column::Attended.eq(false))
        .exec_with_returning(&*act.tx)
        .await?;
    let row = unread.into_iter().next().ok_or(UNKNOWN_NOTICE)?;
    audit::note(act, "uplink.read", id, serde_json::json!({})).await?;
    act.open("uplink.phone", id, &row.phone)
}
