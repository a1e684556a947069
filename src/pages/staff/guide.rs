//! Page of those who compile guides: what is in force and until when it is good, and the drafts that are open.

use crate::access::{By, Director, GuideEditor};
use crate::base::error::Error;
use crate::domain::guide::draft::{self, state_name};
use crate::domain::guide::{self, Wanted};
use crate::domain::identity::staff;
use crate::pages::booking::moment_in_words;
use crate::pages::form::{Frame, Sent, Someone, go_to, page, word, words};
use askama::Template;
use chrono::NaiveDate;
use entity::Id;
use poem::web::Query;
use poem::{Response, handler};
use serde::Deserialize;

/// What has just been done, for the page that comes after it.
#[derive(Default, Deserialize)]
pub(super) struct Done {
    done: Option<String>,
}

impl Done {
    pub(super) fn in_words(&self) -> Option<&'static str> {
        Some(match self.done.as_deref()? {
            "saved" => "已保存。",
            "sent" => "已保存并送审，等主任发布。",
            "given" => "文件已收好，送审、发布后群众就能下载。",
            "returned" => "已退回，起草人会看到您写的意见。",
            "published" => "已发布。到生效日起，新收的办件按新版办；已收的仍按原来的版本办。",
            "dropped" => "草案已放弃，现行指南没有变。",
            "retired" => "已登记停办日期，此前照常办理。",
            _ => return None,
        })
    }
}

#[derive(Template)]
#[template(path = "guides_staff.html")]
struct Guides {
    frame: Frame,
    word: String,
    drafts: Vec<DraftLine>,
    guides: Vec<GuideLine>,
    director: bool,
    done: Option<&'static str>,
    wrong: Option<String>,
}

struct DraftLine {
    id: Id,
    code: String,
    name: String,
    state: &'static str,
    by: String,
    when: String,
}

struct GuideLine {
    code: String,
    name: String,
    office: String,
    version: i32,
    since: NaiveDate,
    review_on: NaiveDate,
    review_over: bool,
    retired_on: Option<NaiveDate>,
    /// He may draft what it is to say.
    may_draft: bool,
}

async fn guides_page(by: &By<GuideEditor>, done: &Done, wrong: Option<String>) -> poem::Result<Response> {
    let (db, centre, today) = (by.visit.app.read(), &by.visit.centre, by.visit.app.clock.now().date());
    let names = staff::names(db, centre.id).await?;
    let drafts = draft::list(db, centre.id, &by.holder).await?.into_iter().map(|row| DraftLine {
        by: names.get(&row.written_by.to_string()).cloned().unwrap_or_default(),
        when: moment_in_words(row.written_at),
        state: state_name(row.state),
        id: row.id,
        code: row.code,
        name: row.content.name,
    });
    let guides = guide::list(db, centre, Wanted::default()).await?;
    let line = |g: &std::sync::Arc<guide::Guide>| GuideLine {
        code: g.row.code.clone(),
        name: g.row.name.clone(),
        office: g.office.name.clone(),
        version: g.version.number,
        since: g.version.in_force_from,
        review_on: g.version.review_on,
        review_over: g.version.review_on <= today,
        retired_on: g.row.retired_on,
        may_draft: draft::ensure_may(&by.holder, g.row.office_id).is_ok(),
    };
    page(&Guides {
        frame: Frame::of_staff(by),
        word: word(by),
        drafts: drafts.collect(),
        guides: guides.iter().map(line).collect(),
        director: by.ensure::<Director>().is_ok(),
        done: done.in_words(),
        wrong,
    })
}

#[handler]
pub(super) async fn list(Someone(by): Someone<GuideEditor>, Query(done): Query<Done>) -> poem::Result<Response> {
    guides_page(&by, &done, None).await
}

#[handler]
pub(super) async fn begin(sent: Sent<GuideEditor>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let begin = async |act: &_| draft::begin(act, &by.holder, fields.get("code"), None, None).await;
    match by.visit.write(by.who.clone(), begin).await {
        Ok(row) => Ok(go_to(&format!("/staff/guides/{}", row.id))),
        Err(error) => guides_page(&by, &Done::default(), Some(words(error)?)).await,
    }
}

/// Says on which day a matter is handled here for the last time.
#[handler]
pub(super) async fn retire(sent: Sent<Director>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let last = fields.get("last_day").parse::<NaiveDate>().map_err(|_| Error::from(guide::BAD_RETIREMENT));
    let done = match last {
        Ok(last) => {
            let (code, why) = (fields.get("code"), fields.get("why"));
            let retire = async |act: &_| guide::retire(act, code, last, why).await;
            by.visit.app.publish(&by.visit.centre, by.who.clone(), retire).await
        }
        Err(error) => Err(error),
    };
    match done {
        Ok(()) => Ok(go_to("/staff/guides?done=retired")),
        Err(error) => {
            let wrong = words(error)?;
            let By { visit, holder, who, session } = by;
            guides_page(&By { visit, holder, who, session }, &Done::default(), Some(wrong)).await
        }
    }
}
