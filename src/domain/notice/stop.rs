//! Stop words (退订): whoever wants no more reminders says so twice, and hears from then on only what he must know.

use super::kind::{STOP_ASKED, STOP_DONE};
use super::say::{Message, say};
use crate::base::error::Result;
use crate::base::personal;
use crate::domain::act::Act;
use chrono::Duration;
use entity::notice::UplinkOutcome;
use entity::notice::stop::{Column, Entity, Model};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use std::collections::HashSet;

/// What a text says about reminders.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// No more of them, perhaps.
    Stop,
    /// No more of them, surely.
    Confirm,
    /// Some again.
    Resume,
}

impl Word {
    /// Reads a text that says nothing else.
    #[must_use]
    pub fn read(text: &str) -> Option<Self> {
        let plain: String = personal::half_width(text).chars().filter(|c| c.is_alphanumeric()).collect();
        match plain.to_uppercase().as_str() {
            "TD" | "T" | "R" | "退订" | "拒收" | "停发" => Some(Self::Stop),
            "退订确认" | "确认退订" | "TD确认" => Some(Self::Confirm),
            "恢复提醒" | "恢复" => Some(Self::Resume),
            _ => None,
        }
    }
}

/// Does as a phone says: asks back at a stop word, at most once a day, and stops or resumes at the word that follows.
///
/// # Errors
/// Whatever the database says.
pub async fn heed(act: &Act, phone: &str, word: Word) -> Result<UplinkOutcome> {
    let blinds = act.blinds("phone", phone);
    let mine = Column::CentreId.eq(act.centre.id);
    match word {
        Word::Stop => {
            answer(act, phone, &STOP_ASKED).await?;
            Ok(UplinkOutcome::StopAsked)
        }
        Word::Confirm => {
            answer(act, phone, &STOP_DONE).await?;
            // Under an earlier key of the index it may be there already.
            let there =
                Entity::find().filter(mine.clone()).filter(Column::PhoneBlind.is_in(blinds)).one(&*act.tx).await?;
            if there.is_some() {
                return Ok(UplinkOutcome::Stopped);
            }
            let id = act.id();
            let row = Model {
                id,
                centre_id: act.centre.id,
                phone: act.seal("phone_stop.phone", id, phone)?,
                phone_blind: act.blind("phone", phone),
                stopped_at: act.now,
            };
            act.insert_new(row).await?;
            Ok(UplinkOutcome::Stopped)
        }
        Word::Resume => {
            Entity::delete_many().filter(mine).filter(Column::PhoneBlind.is_in(blinds)).exec(&*act.tx).await?;
            Ok(UplinkOutcome::Resumed)
        }
    }
}

async fn answer(act: &Act, phone: &str, kind: &'static super::Kind) -> Result<()> {
    let message = Message {
        key: answer_key(act, phone, kind),
        kind,
        phone: phone.to_owned(),
        values: Vec::new(),
        about: act.id(),
        account: None,
        matter_at: act.now,
        due_at: act.now,
        expires_at: act.now + Duration::hours(12),
    };
    say(act, message).await
}

/// The key of an automatic answer: one of a kind a phone a day.
pub fn answer_key(act: &Act, phone: &str, kind: &super::Kind) -> String {
    let phone = hex::encode(&act.blind("phone", phone).0[..12]);
    format!("{}/{phone}/{}", kind.word, act.now.date())
}

/// Which of these phones want no reminders.
pub(super) async fn stopped(act: &Act, phones: Vec<&str>) -> Result<HashSet<String>> {
    if phones.is_empty() {
        return Ok(HashSet::new());
    }
    let blinds = |phone: &str| act.blinds("phone", phone);
    let rows = Entity::find()
        .filter(Column::CentreId.eq(act.centre.id))
        .filter(Column::PhoneBlind.is_in(phones.iter().flat_map(|phone| blinds(phone))))
        .all(&*act.tx)
        .await?;
    let is_stopped = |phone: &&str| blinds(phone).iter().any(|blind| rows.iter().any(|row| row.phone_blind == *blind));
    Ok(phones.into_iter().filter(is_stopped).map(ToOwned::to_owned).collect())
}

#[cfg(test)]
mod tests {
    use super::Word;

    #[test]
    fn a_stop_word_is_one_that_says_nothing_else() {
        for (text, word) in [
            ("TD", Some(Word::Stop)),
            ("ｔｄ", Some(Word::Stop)),
            (" 退订。", Some(Word::Stop)),
            ("R", Some(Word::Stop)),
            ("退订 确认", Some(Word::Confirm)),
            ("恢复提醒！", Some(Word::Resume)),
            ("怎么退订", None),
            ("T5", None),
            ("5", None),
            ("", None),
        ] {
            assert_eq!(Word::read(text), word, "{text}");
        }
    }
}
