//! Texts that come in (上行): a digit is a grade, where it is clear for what.
//!
//! Every text that asks for a digit carries a letter. A bare digit counts only if exactly one invitation has been open for
//! that phone since it was made and its text said. The same digit again within a day may be the same text delivered twice:
//! it is a duplicate, and where another case waits for an answer by now, it is asked for with its letter. A different digit
//! is answered with help, at most once a phone a day. Words to the only invitation that is open are kept with it, and become
//! the comment of its review when a grade comes. Everything else is kept for staff; nothing is guessed. Whoever says that the
//! phone is not the person's is believed, and answers for nobody from then on. Where one gateway serves several centres, a
//! text belongs to the one whose question it can only answer, or that alone has written to the phone of late; one that could
//! be several centres', or nobody's, is kept as nobody's.

use super::answer::{Answer, read, with_words};
use super::give::{Given, Opinion, rate};
use crate::base::error::{Error, Result};
use crate::base::personal;
use crate::base::vault::{NO_CENTRE, Place, Vault};
use crate::domain::act::{Act, Rules};
use crate::domain::identity::resident;
use crate::domain::notice::{self, Message, Word};
use crate::domain::published::Centre;
use chrono::Duration;
use entity::notice::uplink::Entity as Uplinks;
use entity::notice::{DoubtWhy, UplinkOutcome, uplink};
use entity::review::{Column, Entity, InvitationState, Model as Review, ReviewChannel, invitation};
use entity::{Blind, Id, Time};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use std::sync::Arc;

/// A text as it came in.
pub struct Uplink<'t> {
    gateway: &'t str,
    phone: String,
    text: &'t str,
    key: Option<&'t str>,
}

impl<'t> Uplink<'t> {
    /// From what a gateway handed over, and tells from other texts by `key` if it does; a phone that is none is kept as it came.
    #[must_use]
    pub fn new(gateway: &'t str, phone: &str, text: &'t str, key: Option<&'t str>) -> Self {
        let phone = personal::contact(phone).unwrap_or_else(|| phone.chars().take(32).collect());
        Self { gateway, phone, text, key }
    }

    /// The centre it belongs to, of several that share a gateway: the one whose question it can only answer, or has
    /// answered; else the only one that asked this phone anything of late.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn meant_for(
        &self,
        db: &impl ConnectionTrait,
        vault: &Vault,
        centres: &[Arc<Centre>],
        now: Time,
        rules: &Rules,
    ) -> Result<Option<Id>> {
        let blinds: Vec<Blind> = centres.iter().flat_map(|c| vault.blinds("phone", c.id, &self.phone)).collect();
        let rows = asked_of_late(db, blinds.clone(), now, rules).await?;
        if rows.is_empty() {
            // Nothing a grade could answer.
            let senders = notice::senders(db, blinds, now).await?;
            return Ok(<[Id; 1]>::try_from(senders).ok().map(|[only]| only));
        }
        let only = only_centre(rows.iter());
        let Some(answer) = read(self.text) else { return Ok(only) };
        if let Some(review) = echo(db, &rows, answer, now).await? {
            return Ok(rows.iter().find(|r| r.id == review.invitation_id).map(|r| r.centre_id));
        }
        // Past 26 invitations to one phone, two centres may have written the same letter.
        let one_asks = answer.tag.is_none() || only_centre(rows.iter().filter(|r| has_tag(r, answer))).is_some();
        let meant = meant(&rows, answer, now).filter(|_| one_asks);
        Ok(meant.map(|row| row.centre_id).or(only))
    }

    /// The centres that it concerns whichever it is meant for: whoever says that a phone is not the person's, or that he wants no more
    /// reminders, says so to all that have written to it of late. A 0 to one's question is no such word.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn concerns(
        &self,
        db: &impl ConnectionTrait,
        vault: &Vault,
        centres: &[Arc<Centre>],
        now: Time,
        is_meant: bool,
    ) -> Result<Vec<Id>> {
        let denies = notice::denies(self.text) && !(is_meant && is_zero(self.text));
        if !denies && Word::read(self.text).is_none() {
            return Ok(Vec::new());
        }
        let blinds = centres.iter().flat_map(|c| vault.blinds("phone", c.id, &self.phone)).collect();
        notice::senders(db, blinds, now).await
    }

    /// True if it came before.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn is_known(&self, db: &impl ConnectionTrait, vault: &Vault) -> Result<bool> {
        let Some(key) = self.key(vault) else { return Ok(false) };
        let known =
            Uplinks::find().filter(uplink::Column::Gateway.eq(self.gateway)).filter(uplink::Column::Key.eq(key));
        Ok(known.one(db).await?.is_some())
    }

    /// What it is told from others by. It may hold the phone and the words, and is kept blind.
    fn key(&self, vault: &Vault) -> Option<String> {
        self.key.map(|key| hex::encode(&vault.blind("uplink", NO_CENTRE, key).0))
    }

    /// The same without what it is told from others by: for one that several centres heed.
    #[must_use]
    pub fn unkeyed(&self) -> Self {
        Self { phone: self.phone.clone(), key: None, ..*self }
    }

    /// Keeps it where no centre asked for it; true if it is new.
    ///
    /// # Errors
    /// Whatever the database or the vault says.
    pub async fn keep_unmatched(&self, db: &impl ConnectionTrait, vault: &Vault, id: Id, now: Time) -> Result<bool> {
        let row = self.kept(vault, None, id, now)?;
        let new = Uplinks::insert(row.into_active_model())
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(db)
            .await?;
        Ok(new == 1)
    }

    fn kept(&self, vault: &Vault, centre_id: Option<Id>, id: Id, now: Time) -> Result<uplink::Model> {
        let centre = centre_id.unwrap_or(NO_CENTRE);
        let key = self.key(vault);
        let text: String = self.text.chars().take(500).collect();
        Ok(uplink::Model {
            id,
            centre_id,
            gateway: self.gateway.to_owned(),
            phone: vault.seal(Place::new("uplink.phone", centre, id), &self.phone)?,
            phone_blind: vault.blind("phone", centre, &self.phone),
            text: vault.seal(Place::new("uplink.text", centre, id), &text)?,
            received_at: now,
            outcome: UplinkOutcome::Kept,
            key,
            attended: false,
        })
    }
}

/// The centre of these invitations, if they are one centre's.
fn only_centre<'r>(mut rows: impl Iterator<Item = &'r invitation::Model>) -> Option<Id> {
    let first = rows.next()?.centre_id;
    rows.all(|row| row.centre_id == first).then_some(first)
}

/// Takes a text in, once, though it come several times. Whatever it says, it is kept.
///
/// # Errors
/// Whatever the database says; an unclear text is no error.
pub async fn receive_text(act: &Act, uplink: &Uplink<'_>) -> Result<UplinkOutcome> {
    let id = act.id();
    // Kept before it is heeded: of the same text twice, one waits here for the other.
    if !act.insert_new(uplink.kept(&act.vault, Some(act.centre.id), id, act.now)?).await? {
        return Ok(UplinkOutcome::Repeated);
    }
    let outcome = heed(act, &uplink.phone, uplink.text).await?;
    Uplinks::update_many()
        .col_expr(uplink::Column::Outcome, Expr::value(outcome))
        // What was understood need not be read.
        .col_expr(uplink::Column::Attended, Expr::value(!is_to_be_read(outcome)))
        .filter(uplink::Column::Id.eq(id))
        .exec(&*act.tx)
        .await?;
    Ok(outcome)
}

/// True for what only a person understands.
const fn is_to_be_read(outcome: UplinkOutcome) -> bool {
    matches!(
        outcome,
        UplinkOutcome::Kept | UplinkOutcome::Commented | UplinkOutcome::Unclear | UplinkOutcome::NotTheirs
    )
}

async fn heed(act: &Act, phone: &str, text: &str) -> Result<UplinkOutcome> {
    // An angry 0 to a question for grades is no such word: it is asked back.
    if notice::denies(text) && (!is_zero(text) || open_of(act, phone).await?.is_empty()) {
        notice::deny(act, phone).await?;
        resident::doubt(act, phone).await?;
        return Ok(UplinkOutcome::NotTheirs);
    }
    if let Some(word) = Word::read(text) {
        return notice::heed(act, phone, word).await;
    }
    let doubt = notice::doubted(&*act.tx, &act.vault, act.centre.id, phone).await?;
    if doubt == Some(DoubtWhy::NotTheirs) {
        return Ok(UplinkOutcome::Kept);
    }
    let outcome = match (read(text), with_words(text)) {
        (Some(answer), _) => match_answer(act, phone, answer, None).await?,
        (None, Some((answer, words))) => match_answer(act, phone, answer, Some(words)).await?,
        (None, None) => comment(act, phone, text).await?,
    };
    if matches!(outcome, UplinkOutcome::Unclear | UplinkOutcome::Commented) {
        help(act, phone).await?;
    }
    Ok(outcome)
}

/// Keeps words with the only invitation that is open for a phone.
async fn comment(act: &Act, phone: &str, text: &str) -> Result<UplinkOutcome> {
    let open = open_of(act, phone).await?;
    let only = match open.as_slice() {
        [] => return Ok(UplinkOutcome::Kept),
        [only] if !is_zero(text) => only,
        _ => return Ok(UplinkOutcome::Unclear),
    };
    let held = invitation::Entity::find_by_id(only.id)
        .filter(invitation::Column::State.eq(InvitationState::Open))
        .lock_exclusive()
        .one(&*act.tx)
        .await?;
    // Rated by link in the same moment.
    let Some(row) = held else { return Ok(UplinkOutcome::Kept) };
    keep_words(act, &row, text).await?;
    Ok(UplinkOutcome::Commented)
}

/// Keeps words with an invitation, for the review that comes of it.
async fn keep_words(act: &Act, row: &invitation::Model, text: &str) -> Result<invitation::Model> {
    let before = row.comment.as_ref().map(|c| act.open("invitation.comment", row.id, c)).transpose()?;
    let words = before.into_iter().chain([text.trim().to_owned()]).collect::<Vec<_>>().join("\n");
    let words: String = words.chars().filter(|c| *c == '\n' || !c.is_control()).take(500).collect();
    let comment = Some(act.seal("invitation.comment", row.id, &words)?);
    invitation::Entity::update_many()
        .col_expr(invitation::Column::Comment, Expr::value(comment.clone()))
        .filter(invitation::Column::Id.eq(row.id))
        .exec(&*act.tx)
        .await?;
    Ok(invitation::Model { comment, ..row.clone() })
}

/// Invitations of a phone that may still be answered, or lately were, latest first.
async fn asked_of_late(
    db: &impl ConnectionTrait,
    phone: Vec<Blind>,
    now: Time,
    rules: &Rules,
) -> Result<Vec<invitation::Model>> {
    let rows = invitation::Entity::find()
        .filter(invitation::Column::PhoneBlind.is_in(phone))
        .filter(invitation::Column::MadeAt.gt(now - Duration::days(rules.review_days * 2)))
        .order_by_desc(invitation::Column::MadeAt);
    Ok(rows.all(db).await?)
}

async fn of_phone(act: &Act, phone: &str) -> Result<Vec<invitation::Model>> {
    asked_of_late(&*act.tx, act.blinds("phone", phone), act.now, &act.rules).await
}

/// Invitations of a phone that may be answered now.
async fn open_of(act: &Act, phone: &str) -> Result<Vec<invitation::Model>> {
    let rows = of_phone(act, phone).await?;
    Ok(rows.into_iter().filter(|row| is_open(row, act.now)).collect())
}

fn is_zero(text: &str) -> bool {
    personal::half_width(text).trim() == "0"
}

fn is_open(row: &invitation::Model, now: Time) -> bool {
    row.state == InvitationState::Open && row.expires_at > now
}

fn has_tag(row: &invitation::Model, answer: Answer) -> bool {
    answer.tag.is_none_or(|t| row.tag == Some(t.to_string()))
}

/// The invitation an answer can only mean, if there is one.
fn meant(rows: &[invitation::Model], answer: Answer, now: Time) -> Option<&invitation::Model> {
    let mut open = rows.iter().filter(|r| is_open(r, now) && has_tag(r, answer));
    let only = open.next().filter(|_| open.next().is_none())?;
    // Another one that was open at any time since this one's text may be what the person means.
    let rival = |r: &invitation::Model| r.id != only.id && r.closed_at.is_none_or(|closed| closed > only.made_at);
    (answer.tag.is_some() || !rows.iter().any(rival)).then_some(only)
}

/// The review that the same digit made within a day: the same text may be delivered twice.
async fn echo(
    db: &impl ConnectionTrait,
    rows: &[invitation::Model],
    answer: Answer,
    now: Time,
) -> Result<Option<Review>> {
    let tagged = rows.iter().filter(|r| has_tag(r, answer)).map(|r| r.id);
    let same = Entity::find()
        .filter(Column::InvitationId.is_in(tagged))
        .filter(Column::Channel.eq(ReviewChannel::Sms))
        .filter(Column::Grade.eq(answer.grade))
        .filter(Column::At.gt(now - Duration::hours(24)));
    Ok(same.one(db).await?)
}

async fn match_answer(act: &Act, phone: &str, answer: Answer, words: Option<&str>) -> Result<UplinkOutcome> {
    let rows = of_phone(act, phone).await?;
    if rows.is_empty() {
        return Ok(UplinkOutcome::Kept);
    }
    if echo(&*act.tx, &rows, answer, act.now).await?.is_some() {
        let asks = rows.iter().any(|r| has_tag(r, answer) && is_open(r, act.now));
        return Ok(if asks { UplinkOutcome::Unclear } else { UplinkOutcome::Repeated });
    }
    if let Some(row) = meant(&rows, answer, act.now) {
        let row = &match words {
            Some(words) => keep_words(act, row, words).await?,
            None => row.clone(),
        };
        let opinion = Opinion { grade: answer.grade, tags: Vec::new(), comment: None, anonymous: false, checked: None };
        let review = Given::first(opinion, ReviewChannel::Sms)?.of(act, row)?;
        return match rate(act, row, review).await {
            Ok(()) => Ok(UplinkOutcome::Rated),
            // Rated by link in the same moment.
            Err(Error::Refused(_)) => Ok(UplinkOutcome::Unclear),
            Err(fault) => Err(fault),
        };
    }
    Ok(UplinkOutcome::Unclear)
}

/// Answers with help, at most once a phone a day: the day is part of the text's key.
async fn help(act: &Act, phone: &str) -> Result<()> {
    let tags: Vec<String> =
        of_phone(act, phone).await?.iter().filter(|r| is_open(r, act.now)).filter_map(|r| r.tag.clone()).collect();
    let at = ("phone", act.centre.phone.clone());
    let (kind, values) = match tags.first() {
        None => (&notice::NOTHING_ASKED, vec![at]),
        Some(tag) => (&notice::HELP, vec![("tag", tag.clone()), at]),
    };
    let message = Message {
        // Whichever help it is, there is one a day.
        key: notice::answer_key(act, phone, &notice::HELP),
        kind,
        phone: phone.to_owned(),
        values,
        about: act.id(),
        account: None,
        matter_at: act.now,
        due_at: act.now,
        expires_at: act.now + Duration::hours(6),
    };
    notice::say(act, message).await
}
