//! The alarm (空岗提醒, article 4.8): a post that nobody holds while the windows are open.

use super::Cover;
use crate::base::error::Result;
use crate::domain::act::Act;
use crate::domain::identity::staff;
use crate::domain::notice::{self, Message};
use crate::domain::post::Post;
use crate::domain::published::Centre;
use crate::domain::{calendar, centre};
use chrono::Duration;
use entity::Time;
use entity::centre::HoursKind;
use entity::identity::Role;
use sea_orm::ConnectionTrait;

/// How long after the doors open nobody is called yet.
const GRACE: Duration = Duration::minutes(10);

/// When the windows opened that are open at a moment, if they are.
async fn opened(db: &impl ConnectionTrait, centre: &Centre, now: Time) -> Result<Option<Time>> {
    let today = now.date();
    if !calendar::of(db, centre).await?.is_working_day(today) {
        return Ok(None);
    }
    let hours = centre::hours(db, centre.id, HoursKind::Window).await?.on(today);
    let open = hours.into_iter().find(|(opens, closes)| (*opens..*closes).contains(&now.minute()));
    Ok(open.map(|(opens, _)| Time::at(today, opens)))
}

/// Names of the posts that nobody holds, while the windows are open.
///
/// # Errors
/// Whatever the database says.
pub async fn unattended(db: &impl ConnectionTrait, centre: &Centre, now: Time) -> Result<Vec<String>> {
    if opened(db, centre, now).await?.is_none() {
        return Ok(Vec::new());
    }
    let cover = Cover::at(db, centre, now).await?;
    let empty = cover.posts().filter(|post| cover.holder(post).is_none());
    Ok(empty.map(|post| post.row.name.clone()).collect())
}

/// Tells the director of posts that nobody holds some minutes after the doors opened, once for each session. Safe to repeat.
///
/// # Errors
/// Whatever the database says.
pub async fn tell_unattended(act: &Act) -> Result<()> {
    let Some(opened) = opened(&*act.tx, &act.centre, act.now).await?.filter(|opened| act.now >= *opened + GRACE) else {
        return Ok(());
    };
    let cover = Cover::at(&*act.tx, &act.centre, act.now).await?;
    let empty: Vec<&Post> = cover.posts().filter(|post| cover.holder(post).is_none()).collect();
    let mut texts = Vec::new();
    for (of, phone) in
        staff::told(act, act.now.date()).await?.iter().filter(|(s, _)| s.roles().contains(&Role::Director))
    {
        texts.extend(empty.iter().map(|post| Message {
            key: format!("post.unattended/{}/{}/{}", post.row.id, of.id, opened.0),
            kind: &notice::UNATTENDED,
            phone: phone.clone(),
            values: vec![("post", post.row.name.clone())],
            about: post.row.id,
            account: None,
            matter_at: act.now,
            due_at: act.now,
            expires_at: act.now + Duration::hours(1),
        }));
    }
    let said = notice::said(&*act.tx, act.centre.id, texts.iter().map(|text| text.key.clone())).await?;
    texts.retain(|text| !said.contains(&text.key));
    notice::put(act, notice::compose(act, texts).await?).await
}
