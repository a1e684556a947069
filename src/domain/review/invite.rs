//! Inviting (邀评): when a case has ended, by a text that carries a link, a code or a letter for a digit.

use crate::base::error::Result;
use crate::base::settings::Links;
use crate::base::vault::{Vault, sha256};
use crate::domain::act::Act;
use crate::domain::notice::{self, Message};
use crate::domain::published;
use crate::domain::{applicant, guide};
use chrono::Duration;
use entity::case::{CaseState, Model as Case};
use entity::review::{InvitationState, invitation};
use entity::{Id, Time};
use sea_orm::sea_query::{Alias, Expr};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _, QueryTrait as _, Select,
};

/// The link's token: base62 of 128 bits of an HMAC, so that it can be printed again and is kept nowhere.
pub(super) fn token(vault: &Vault, key_id: Option<&str>, case: &Case, of: Round) -> Result<(String, String)> {
    let (service_no, generation) = (of.service_no.to_be_bytes(), of.generation.to_be_bytes());
    let parts: [&[u8]; 4] = [case.centre_id.as_bytes(), case.id.as_bytes(), &service_no, &generation];
    let (key_id, tag) = match key_id {
        None => {
            let (id, tag) = vault.sign("review", &parts);
            (id.to_owned(), tag)
        }
        Some(id) => {
            let tag = vault.sign_with(id, "review", &parts);
            (id.to_owned(), tag.ok_or_else(|| anyhow::anyhow!("no token key {id}, which an invitation needs"))?)
        }
    };
    let mut half = [0; 16];
    half.copy_from_slice(&tag[..16]);
    Ok((key_id, base62(u128::from_be_bytes(half))))
}

/// Which asking it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Round {
    /// Which end of the case is rated: 1, unless an end was undone.
    pub service_no: i32,
    /// How often it was sent anew.
    pub generation: i32,
}

impl Round {
    /// That of a case that ends for the first time.
    pub const FIRST: Self = Self { service_no: 1, generation: 1 };

    pub(super) const fn of(row: &invitation::Model) -> Self {
        Self { service_no: row.service_no, generation: row.generation }
    }
}

/// 22 letters and digits.
fn base62(mut number: u128) -> String {
    const ALPHABET: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let mut text = [b'0'; 22];
    for place in text.iter_mut().rev() {
        *place = ALPHABET[(number % 62) as usize];
        number /= 62;
    }
    text.iter().map(|b| char::from(*b)).collect()
}

/// Invites the applicant of a case that has just ended. Safe to repeat.
///
/// # Errors
/// Whatever the database says.
pub async fn invite(act: &Act, case: &Case) -> Result<()> {
    if !is_rated(case) {
        return Ok(());
    }
    let phone = applicant::get(&*act.tx, &act.vault, act.centre.id, case.applicant_id).await?.mobile();
    let tag = match &phone {
        Some(phone) => free_tag(act, phone).await?,
        None => None,
    };
    // An end that was undone is another's; one that was rated is rated for good.
    let before = invitation::Entity::find().filter(invitation::Column::CaseId.eq(case.id));
    let before = before.order_by_desc(invitation::Column::ServiceNo).one(&*act.tx).await?;
    let undone = before.filter(|row| row.state == InvitationState::Lapsed && row.closed_at < case.ended_at);
    let service_no = undone.map_or(1, |row| row.service_no + 1);
    let asked = Asked::new(act, case, (act.id(), Round { service_no, ..Round::FIRST }), phone, tag)?;
    if act.insert_new(asked.row.clone()).await? {
        say(act, case, &asked).await?;
    }
    Ok(())
}

/// True when a case has ended and can be rated: one that was taken back or should not have been is not.
#[must_use]
pub fn is_rated(case: &Case) -> bool {
    case.ended_at.is_some() && !matches!(case.state, CaseState::Withdrawn | CaseState::Void)
}

/// An invitation, with what is not kept in clear.
pub struct Asked {
    /// What is kept.
    pub row: invitation::Model,
    /// The telephone, if it takes texts.
    phone: Option<String>,
    /// The link's token.
    token: String,
    /// The code typed by hand.
    code: String,
}

impl Asked {
    /// An invitation for a case that has ended, of an id and generation.
    ///
    /// # Errors
    /// Only if the cipher itself fails.
    pub fn new(
        act: &Act,
        case: &Case,
        (id, round): (Id, Round),
        phone: Option<String>,
        tag: Option<String>,
    ) -> Result<Self> {
        let (key_id, token) = token(&act.vault, None, case, round)?;
        let code = act.random.word(6);
        let row = invitation::Model {
            id,
            centre_id: act.centre.id,
            case_id: case.id,
            service_no: round.service_no,
            generation: round.generation,
            key_id,
            token_hash: sha256(token.as_bytes()),
            code: act.seal("invitation.code", id, &code)?,
            code_blind: act.blind("review_code", &code),
            phone: phone.as_ref().map(|p| act.seal("invitation.phone", id, p)).transpose()?,
            phone_blind: phone.as_ref().map(|p| act.blind("phone", p)),
            tag,
            comment: None,
            picture: None,
            state: InvitationState::Open,
            made_at: act.now,
            recorded_at: act.now,
            on_date: case.ended_at.unwrap_or(act.now).date(),
            expires_at: act.now + Duration::days(act.rules.review_days),
            closed_at: None,
        };
        Ok(Self { row, phone, token, code })
    }

    /// The text that carries it.
    #[must_use]
    pub fn message(&self, act: &Act, case: &Case, item: &str) -> Option<Message> {
        let (row, url) = (&self.row, &act.rules.public_url);
        let open = match act.rules.links {
            Links::PerCase => format!("请打开 {url}/r/{} 评价", self.token),
            Links::Fixed => format!("请打开 {url}/r 输入评价码{}", self.code),
            Links::None => String::new(),
        };
        let digit = row.tag.as_ref().map(|t| {
            format!(
                "{}回复{t}加数字：{t}5非常满意 {t}4满意 {t}3基本满意 {t}2不满意 {t}1非常不满意",
                if open.is_empty() { "请" } else { "，或" }
            )
        });
        let way = open.clone() + &digit.unwrap_or_default();
        Some(Message {
            key: format!("review.invitation/{}/{}", row.id, row.generation),
            kind: &notice::INVITATION,
            phone: self.phone.clone()?,
            values: vec![
                ("item", item.to_owned()),
                ("number", case.receipt_number.clone()),
                ("outcome", outcome(case.state).to_owned()),
                ("way", way),
                ("link", format!("{url}/r/{}", self.token)),
                ("code", self.code.clone()),
                ("tag", row.tag.clone().unwrap_or_default()),
            ],
            about: row.id,
            account: case.account_id,
            matter_at: case.received_at,
            due_at: act.now,
            expires_at: row.expires_at,
        })
    }
}

/// A letter for this phone: the first that no invitation of late carried, in any centre that shares the gateway, so that an
/// answer that comes late or twice is not taken for another case's; past 26 of them, the one that was closed longest ago.
async fn free_tag(act: &Act, phone: &str) -> Result<Option<String>> {
    let centres = published::all(&*act.tx).await?;
    let phones = centres.iter().flat_map(|c| act.vault.blinds("phone", c.id, phone));
    let late = invitation::Entity::find()
        .filter(invitation::Column::PhoneBlind.is_in(phones))
        .filter(invitation::Column::MadeAt.gt(act.now - of_late(act)))
        .all(&*act.tx)
        .await?;
    Ok(letter(&late))
}

/// For how long a letter is not given again, if there are others.
#[must_use]
pub fn of_late(act: &Act) -> Duration {
    Duration::days(act.rules.review_days * 2)
}

/// The letter for a phone, after the invitations that it had of late.
#[must_use]
pub fn letter(late: &[invitation::Model]) -> Option<String> {
    let carried = |letter: &String| late.iter().any(|i| i.tag.as_ref() == Some(letter));
    if let Some(fresh) = ('A'..='Z').map(String::from).find(|letter| !carried(letter)) {
        return Some(fresh);
    }
    let open: Vec<_> =
        late.iter().filter(|i| i.state == InvitationState::Open).filter_map(|i| i.tag.as_ref()).collect();
    let free = late.iter().filter(|i| i.tag.as_ref().is_some_and(|tag| !open.contains(&tag)));
    // With all letters open the phone is not one villager's; such an invitation is answered by link or code alone.
    free.min_by_key(|i| i.closed_at).and_then(|i| i.tag.clone())
}

async fn say(act: &Act, case: &Case, asked: &Asked) -> Result<()> {
    let item = guide::by_id(&*act.tx, &act.centre, case.guide_id).await?.row.name.clone();
    match asked.message(act, case, &item) {
        Some(message) => notice::say(act, message).await,
        None => Ok(()),
    }
}

/// How it ended, in the words of a text. The ground is not for a text that others may read.
const fn outcome(state: CaseState) -> &'static str {
    match state {
        CaseState::Refused => "不予受理，理由凭查询码查进度或问窗口",
        CaseState::Denied => "不予批准，理由凭查询码查进度或问窗口",
        _ => "已办完",
    }
}

/// Sends an open invitation anew after the phone was corrected: the old link and code are void, for a stranger has them.
///
/// # Errors
/// Whatever the database says.
pub async fn readdress(act: &Act, case: &Case) -> Result<()> {
    // Held, so that it is not rated in between; the invitation before its notices, as `rate` takes them.
    let Some(old) = open_of(case).lock_exclusive().one(&*act.tx).await? else { return Ok(()) };
    notice::supersede(act, old.id).await?;
    let phone = applicant::get(&*act.tx, &act.vault, act.centre.id, case.applicant_id).await?.mobile();
    let tag = match &phone {
        Some(phone) => free_tag(act, phone).await?,
        None => None,
    };
    let round = Round { generation: old.generation + 1, ..Round::of(&old) };
    let mut asked = Asked::new(act, case, (old.id, round), phone, tag)?;
    let invitation::Model { made_at, recorded_at, on_date, expires_at, .. } = old;
    asked.row = invitation::Model { made_at, recorded_at, on_date, expires_at, ..asked.row };
    invitation::Entity::update(asked.row.clone().into_active_model().reset_all()).exec(&*act.tx).await?;
    say(act, case, &asked).await
}

/// Takes an open invitation back: the end of its case was a mistake, and was undone.
///
/// # Errors
/// Whatever the database says.
pub async fn recall(act: &Act, case: &Case) -> Result<()> {
    if case.ended_at.is_some() {
        return Ok(());
    }
    let Some(open) = open_of(case).lock_exclusive().one(&*act.tx).await? else { return Ok(()) };
    notice::supersede(act, open.id).await?;
    invitation::Entity::update_many()
        .col_expr(invitation::Column::State, Expr::value(InvitationState::Lapsed))
        .col_expr(invitation::Column::ClosedAt, Expr::value(act.now))
        .filter(invitation::Column::Id.eq(open.id))
        .exec(&*act.tx)
        .await?;
    Ok(())
}

/// A case's invitation, while it is open.
pub(super) fn open_of(case: &Case) -> Select<invitation::Entity> {
    invitation::Entity::find()
        .filter(invitation::Column::CaseId.eq(case.id))
        .filter(invitation::Column::State.eq(InvitationState::Open))
}

/// The net under `invite`: cases that ended in the last two days without an invitation get one.
///
/// # Errors
/// Whatever the database says.
pub async fn invite_ended(act: &Act) -> Result<()> {
    use entity::case::{Column, Entity};
    let invited = invitation::Entity::find()
        .select_only()
        .column(invitation::Column::Id)
        .filter(
            Expr::col((invitation::Entity, invitation::Column::CaseId))
                .equals((Alias::new("service_case"), Column::Id)),
        )
        .into_query();
    let ended = Entity::find()
        .filter(Column::CentreId.eq(act.centre.id))
        .filter(Column::State.is_in([CaseState::Issued, CaseState::Refused, CaseState::Denied]))
        .filter(Column::EndedAt.gt(act.now - Duration::days(2)))
        .filter(Expr::exists(invited).not())
        .all(&*act.tx)
        .await?;
    for case in ended {
        invite(act, &case).await?;
    }
    Ok(())
}

/// Closes invitations whose time is over.
///
/// # Errors
/// Whatever the database says.
pub async fn lapse(db: &impl ConnectionTrait, now: Time) -> Result<()> {
    invitation::Entity::update_many()
        .col_expr(invitation::Column::State, Expr::value(InvitationState::Lapsed))
        .col_expr(invitation::Column::ClosedAt, Expr::col(invitation::Column::ExpiresAt))
        .filter(invitation::Column::State.eq(InvitationState::Open))
        .filter(invitation::Column::ExpiresAt.lte(now))
        .exec(db)
        .await?;
    Ok(())
}

/// The case of an invitation.
pub(super) async fn case_of(db: &impl ConnectionTrait, id: Id) -> Result<Case> {
    let case = entity::case::Entity::find_by_id(id).one(db).await?;
    Ok(case.ok_or_else(|| anyhow::anyhow!("an invitation without its case"))?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_has_22_characters_that_need_no_escaping() {
        assert_eq!(base62(0), "0".repeat(22));
        assert_eq!(base62(u128::MAX), "7n42DGM5Tflk9n8mt7Fhc7");
        assert!(base62(u128::MAX / 3).chars().all(|c| c.is_ascii_alphanumeric()));
    }
}
