//! Seeing to it (人工处置): texts that did not go out or may not have, and texts from phones that nobody understood, until a member
//! of staff has seen to each: sent once more, told by telephone, or let be.

use super::kind::{ALL, GATEWAY_DOWN, HELP, Kind, NOTHING_ASKED, STOP_ASKED, Weight};
use super::look::unwell;
use super::{PURPOSE_NEEDED, UNKNOWN_NOTICE};
use crate::base::error::Result;
use crate::base::personal;
use crate::base::vault::{Place, Vault};
use crate::domain::act::{Act, StaffMember};
use crate::domain::audit;
use chrono::Duration;
use entity::identity::Role;
use entity::notice::{Attended, Column, Delivery, Entity, Model, NoticeState, UplinkOutcome, uplink};
use entity::review::invitation;
use entity::{Id, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait as _, ExprTrait as _, PaginatorTrait as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _, Select,
};

/// What is older than this, nobody can mend by telephone.
const OLDEST: Duration = Duration::days(30);
/// What no key here opens.
const LOST: &str = "（无法解密）";
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
    let newest = |rows: Select<Entity>| rows.order_by_desc(Column::DueAt).limit(LONGEST);
    let mut rows = newest(ended(centre, now, asked_for)).all(db).await?;
    rows.extend(newest(undelivered(centre, now)).all(db).await?);
    rows.sort_by_key(|row| std::cmp::Reverse(row.due_at));
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
    let texts = ended(centre, now, asked_for).count(db).await? + undelivered(centre, now).count(db).await?;
    Ok(texts + unheard(centre, now, ReplyReader::Window).count(db).await?)
}

/// Facts for residents that ended without having gone out, or that nobody is sure of.
fn ended(centre: Id, now: Time, asked_for: Duration) -> Select<Entity> {
    let ended = Column::State.is_in([NoticeState::Rejected, NoticeState::GaveUp]);
    let unsure = Column::State.eq(NoticeState::Unsure).and(Column::DoneAt.lte(now - asked_for));
    of_centre(centre, now).filter(unwell()).filter(Condition::any().add(ended).add(unsure))
}

/// The same that went out and did not arrive.
fn undelivered(centre: Id, now: Time) -> Select<Entity> {
    of_centre(centre, now).filter(Column::Delivery.eq(Delivery::Failed)).filter(Column::State.eq(NoticeState::Accepted))
}

fn of_centre(centre: Id, now: Time) -> Select<Entity> {
    Entity::find()
        .filter(Column::CentreId.eq(centre))
        .filter(Column::DueAt.gt(now - OLDEST))
        .filter(Column::Attended.is_null())
        .filter(Column::CarriedBy.is_null())
        .filter(Column::Kind.is_in(ALL.into_iter().filter(|k| is_for_residents(k)).map(|k| k.word)))
}

/// True for what a resident must know: neither courtesies nor codes, and no answer that only answers.
fn is_for_residents(kind: &Kind) -> bool {
    let others = [&GATEWAY_DOWN, &HELP, &NOTHING_ASKED, &STOP_ASKED];
    kind.weight == Weight::Fact && !others.contains(&kind)
}

fn what(row: &Model) -> String {
    let word = row.fault.as_deref().unwrap_or("-");
    let code = in_words(word).map_or_else(|| word.to_owned(), |words| format!("{words}，{word}"));
    match (row.state, word) {
        (NoticeState::Unsure, _) => "不知道有没有发出，通道没有答复".to_owned(),
        (NoticeState::Rejected, _) => format!("通道拒收（{code}）"),
        (NoticeState::GaveUp, "not_theirs") => "机主回复不是本人，没有再发".to_owned(),
        (NoticeState::GaveUp, "expired") => "过了时间，没能发出".to_owned(),
        (NoticeState::GaveUp, _) => format!("多次没能发出（{code}）"),
        _ => format!("已发出，手机没有收到（{code}）"),
    }
}

/// What networks' codes mean that clerks meet most.
fn in_words(code: &str) -> Option<&'static str> {
    match code {
        "DB:0140" | "DB:0144" => Some("号码在运营商黑名单里"),
        _ if code.contains("lacklist") || code.contains("BLACK_KEY") => Some("号码在运营商黑名单里"),
        "MK:0001" | "MK:0000" | "MK:0010" => Some("空号或停机"),
        "MK:0012" | "EXPIRED" => Some("手机关机或不在服务区"),
        _ if code.contains("PhoneNumber") || code.contains("MOBILE_NUMBER") => Some("号码不对"),
        _ if code.contains("Sensitive") => Some("内容有敏感词"),
        _ => None,
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
    let row = row.filter(|row| Kind::of(&row.kind).is_some_and(is_for_residents));
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
/// Whatever the database says.
pub async fn unread(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: Id,
    now: Time,
    reader: ReplyReader,
) -> Result<Vec<Unread>> {
    let rows = unheard(centre, now, reader).order_by_desc(uplink::Column::ReceivedAt).limit(LONGEST);
    let open = |row: uplink::Model| {
        // One whose key is lost hides no others.
        let open = |column, sealed| vault.open(Place::new(column, centre, row.id), sealed).ok();
        let phone =
            open("uplink.phone", &row.phone).map_or_else(|| LOST.to_owned(), |phone| personal::mask_phone(&phone));
        let text = open("uplink.text", &row.text).unwrap_or_else(|| LOST.to_owned());
        Unread { phone, text, row }
    };
    Ok(rows.all(db).await?.into_iter().map(open).collect())
}

/// Who reads what phones answered. Of a phone that was asked to rate, the words may be a review's, and the windows are who is rated:
/// such a text is the supervision window's alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplyReader {
    /// The windows.
    Window,
    /// The supervision window.
    Supervision,
}

impl ReplyReader {
    /// As which of the two somebody reads.
    #[must_use]
    pub fn of(staff: &StaffMember) -> Self {
        if staff.is_any(&[Role::SupervisionWindow]) { Self::Supervision } else { Self::Window }
    }
}

fn unheard(centre: Id, now: Time, reader: ReplyReader) -> Select<uplink::Entity> {
    let all = uplink::Entity::find()
        .filter(uplink::Column::CentreId.eq(centre))
        .filter(uplink::Column::Attended.eq(false))
        .filter(uplink::Column::ReceivedAt.gt(now - OLDEST));
    if reader == ReplyReader::Supervision {
        return all;
    }
    let of_phone = Expr::col((invitation::Entity, invitation::Column::PhoneBlind))
        .equals((uplink::Entity, uplink::Column::PhoneBlind));
    let asked = invitation::Entity::find()
        .select_only()
        .column(invitation::Column::Id)
        .filter(of_phone)
        .filter(invitation::Column::CentreId.eq(centre))
        .filter(invitation::Column::MadeAt.gt(now - OLDEST - OLDEST));
    all.filter(uplink::Column::Outcome.ne(UplinkOutcome::Commented)).filter(Expr::exists(asked.into_query()).not())
}

/// Opens a text from a phone for whoever rings back: its phone in full, and what it says. It leaves a line.
///
/// # Errors
/// `unknown_notice`, also for one that was seen to.
pub async fn open_reply(act: &Act, id: Id, reader: ReplyReader) -> Result<(String, String)> {
    let row = unheard(act.centre.id, act.now, reader).filter(uplink::Column::Id.eq(id)).one(&*act.tx).await?;
    let row = row.ok_or(UNKNOWN_NOTICE)?;
    audit::note(act, "uplink.opened", id, serde_json::json!({})).await?;
    Ok((act.open("uplink.phone", id, &row.phone)?, act.open("uplink.text", id, &row.text)?))
}

/// Notes that a text from a phone was read; gives its phone in full, for whoever rings back.
///
/// # Errors
/// `unknown_notice`, also for one that was read before.
pub async fn note_read(act: &Act, id: Id, reader: ReplyReader) -> Result<String> {
    let his = unheard(act.centre.id, act.now, reader).filter(uplink::Column::Id.eq(id)).one(&*act.tx).await?;
    his.ok_or(UNKNOWN_NOTICE)?;
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
