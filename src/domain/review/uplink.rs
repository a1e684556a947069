//! Texts that come in (上行): a digit is a grade, where it is clear for what.
//!
//! Every text that asks for a digit carries a letter. A bare digit counts only if exactly one invitation has been open for
//! that phone since it was made and its text said. The same digit again within a day may be the same text delivered twice:
//! it is a duplicate, and where another case waits for an answer by now, it is asked for with its letter. A different digit
//! is answered with help, at most once a phone a day. Everything else is kept for staff; nothing is guessed.

use super::dictionary::GRADES;
use super::give::rate;
use crate::base::error::{Error, Result};
use crate::base::personal;
use crate::domain::act::Act;
use crate::domain::notice::{self, Message};
use chrono::Duration;
use entity::notice::{Lane, UplinkOutcome, uplink};
use entity::review::{Column, Entity, InvitationState, ReviewChannel, invitation};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};

/// Takes a text in. Whatever it says, it is kept.
///
/// # Errors
/// Whatever the database says; an unclear text is no error.
pub async fn receive_text(act: &Act, gateway: &str, phone: &str, text: &str) -> Result<UplinkOutcome> {
    let phone = personal::contact(phone).unwrap_or_else(|| phone.chars().take(32).collect());
    let outcome = match read(text) {
        Some(answer) => match_answer(act, &phone, answer).await?,
        None if has_open(act, &phone).await? => UplinkOutcome::Unclear,
        None => UplinkOutcome::Kept,
    };
    if outcome == UplinkOutcome::Unclear {
        help(act, &phone).await?;
    }
    let id = act.id();
    let kept: String = text.chars().take(500).collect();
    let row = uplink::Model {
        id,
        centre_id: act.centre.id,
        gateway: gateway.to_owned(),
        phone: act.seal("uplink.phone", id, &phone)?,
        phone_blind: act.blind("phone", &phone),
        text: act.seal("uplink.text", id, &kept)?,
        received_at: act.now,
        outcome,
    };
    act.insert(row).await?;
    Ok(outcome)
}

/// A grade, with the letter of the invitation it answers if one was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Answer {
    tag: Option<char>,
    grade: i32,
}

/// Reads `5`, `５`, `5分`, `A5`, `非常满意`, `非常满意5`: one letter, one grade, and nothing that contradicts it.
fn read(text: &str) -> Option<Answer> {
    let plain = personal::half_width(text).to_uppercase();
    let mut rest: String = plain.chars().filter(|c| !c.is_whitespace() && !"。.!,，、“”\"".contains(*c)).collect();
    let tag = rest.chars().next().filter(char::is_ascii_uppercase);
    if tag.is_some() {
        rest.remove(0);
    }
    // The longest words first: 满意 is part of all the others.
    let mut words: Vec<_> = GRADES.iter().collect();
    words.sort_by_key(|g| std::cmp::Reverse(g.name.chars().count()));
    let named = words.iter().find(|g| rest.contains(g.name)).map(|g| (g.code, g.name));
    if let Some((_, name)) = named {
        rest = rest.replacen(name, "", 1);
    }
    let rest = rest.trim_end_matches('分');
    let digit = match rest {
        "" => None,
        "1" | "2" | "3" | "4" | "5" => rest.parse().ok(),
        _ => return None,
    };
    match (named, digit) {
        (Some((word, _)), Some(digit)) if word != digit => None,
        (Some((grade, _)), _) | (None, Some(grade)) => Some(Answer { tag, grade }),
        (None, None) => None,
    }
}

async fn of_phone(act: &Act, phone: &str) -> Result<Vec<invitation::Model>> {
    let rows = invitation::Entity::find()
        .filter(invitation::Column::CentreId.eq(act.centre.id))
        .filter(invitation::Column::PhoneBlind.is_in(act.blinds("phone", phone)))
        .filter(invitation::Column::MadeAt.gt(act.now - Duration::days(act.rules.review_days * 2)))
        .order_by_desc(invitation::Column::MadeAt);
    Ok(rows.all(&*act.tx).await?)
}

fn is_open(row: &invitation::Model, act: &Act) -> bool {
    row.state == InvitationState::Open && row.expires_at > act.now
}

async fn has_open(act: &Act, phone: &str) -> Result<bool> {
    Ok(of_phone(act, phone).await?.iter().any(|row| is_open(row, act)))
}

async fn match_answer(act: &Act, phone: &str, answer: Answer) -> Result<UplinkOutcome> {
    let rows = of_phone(act, phone).await?;
    if rows.is_empty() {
        return Ok(UplinkOutcome::Kept);
    }
    let tagged = |row: &&invitation::Model| answer.tag.is_none_or(|t| row.tag == Some(t.to_string()));
    let open: Vec<&invitation::Model> = rows.iter().filter(|r| is_open(r, act)).filter(tagged).collect();
    let meant = match (open.as_slice(), answer.tag) {
        ([only], Some(_)) => Some(*only),
        ([only], None) => {
            // Another one that was open at any time since this one's text may be what the person means.
            let rival =
                |r: &invitation::Model| r.id != only.id && r.closed_at.is_none_or(|closed| closed > only.made_at);
            (!rows.iter().any(rival)).then_some(*only)
        }
        _ => None,
    };
    let rated: Vec<_> = rows.iter().filter(tagged).map(|r| r.id).collect();
    let echo = Entity::find()
        .filter(Column::InvitationId.is_in(rated))
        .filter(Column::Channel.eq(ReviewChannel::Sms))
        .filter(Column::Grade.eq(answer.grade))
        .filter(Column::At.gt(act.now - Duration::hours(24)))
        .one(&*act.tx)
        .await?;
    if echo.is_some() {
        return Ok(if open.is_empty() { UplinkOutcome::Repeated } else { UplinkOutcome::Unclear });
    }
    if let Some(row) = meant {
        return match rate(act, row, answer.grade, String::new(), None, false, ReviewChannel::Sms).await {
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
        of_phone(act, phone).await?.iter().filter(|r| is_open(r, act)).filter_map(|r| r.tag.clone()).collect();
    let text = match tags.as_slice() {
        [] => format!("没有待评价的办件。有事请致电{}。", act.centre.phone),
        tags => format!(
            "没看懂您的评价。请按短信里的字母加数字回复，如{}5非常满意、{}1非常不满意。有事请致电{}。",
            tags[0], tags[0], act.centre.phone
        ),
    };
    let phone_key: String = act.blind("phone", phone).0.iter().take(12).map(|b| format!("{b:02x}")).collect();
    let message = Message {
        key: format!("uplink.help/{phone_key}/{}", act.now.date()),
        kind: "uplink.help",
        lane: Lane::Notice,
        phone,
        text,
        about: act.id(),
        due_at: act.now,
        expires_at: act.now + Duration::hours(6),
    };
    notice::say(act, message).await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_people_write_is_read_and_what_is_unclear_is_not() {
        let reads = |text, tag, grade| assert_eq!(read(text), Some(Answer { tag, grade }), "{text}");
        reads("5", None, 5);
        reads(" ５ ", None, 5);
        reads("4分", None, 4);
        reads("a1", Some('A'), 1);
        reads("Ｂ　２", Some('B'), 2);
        reads("非常满意", None, 5);
        reads("满意。", None, 4);
        reads("基本满意", None, 3);
        reads("不满意", None, 2);
        reads("非常不满意", None, 1);
        reads("A非常不满意", Some('A'), 1);
        reads("非常满意5", None, 5);
        for unclear in ["", "0", "6", "55", "5 4", "非常满意1", "谢谢", "满意不满意", "一般", "AB5", "TD", "12345"]
        {
            assert_eq!(read(unclear), None, "{unclear}");
        }
    }
}
