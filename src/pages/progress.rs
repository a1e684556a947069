//! The page that tells how far a case is.

use super::booking::moment_in_words;
use super::form::{Fields, Frame, page, words};
use crate::access::Visit;
use crate::base::error::Result;
use crate::base::personal;
use crate::domain::case::{self, Happened, Proof};
use askama::Template;
use chrono::NaiveDate;
use entity::case::CaseEventKind;
use poem::web::Query;
use poem::{Response, handler};
use serde::Deserialize;

#[derive(Template)]
#[template(path = "progress.html")]
struct Progress {
    frame: Frame,
    number: String,
    found: Option<Found>,
    wrong: Option<String>,
}

struct Found {
    item: String,
    number: String,
    state: &'static str,
    limit: String,
    events: Vec<String>,
}

#[derive(Deserialize)]
struct Number {
    number: Option<String>,
}

#[handler]
pub(super) fn ask_progress(visit: Visit, Query(number): Query<Number>) -> poem::Result<Response> {
    page(&Progress { frame: Frame::of(&visit), number: number.number.unwrap_or_default(), found: None, wrong: None })
}

#[handler]
pub(super) async fn tell_progress(visit: Visit, fields: Fields) -> poem::Result<Response> {
    let number = fields.get("number").to_owned();
    let (found, wrong) = match look(&visit, &number, fields.get("proof")).await {
        Ok(found) => (Some(found), None),
        Err(error) => (None, Some(words(error)?)),
    };
    page(&Progress { frame: Frame::of(&visit), number, found, wrong })
}

async fn look(visit: &Visit, number: &str, proof: &str) -> Result<Found> {
    let proof = personal::half_width(proof).trim().to_owned();
    let proof = if proof.len() == 4 { Proof::phone_tail(&proof) } else { Proof::check_code(&proof) };
    let app = &visit.app;
    let look = async || case::progress(app.read(), &app.vault, &visit.centre, number, &proof).await;
    let told = visit.prove(number, &proof, look).await?;
    let words = |event: Happened| {
        let ground = event.ground.map(|g| format!("：{g}")).unwrap_or_default();
        format!("{}　{}{ground}", moment_in_words(event.at), event_name(event.kind))
    };
    Ok(Found {
        limit: limit_in_words(told.ended, told.due_on, told.due_provisional),
        item: told.item,
        number: told.receipt_number,
        state: case::state_name(told.state),
        events: told.events.into_iter().map(words).collect(),
    })
}

/// The last day of a promise, in words for the applicant.
pub(super) fn limit_in_words(ended: bool, due_on: Option<NaiveDate>, provisional: bool) -> String {
    match due_on {
        _ if ended => String::new(),
        Some(due) => {
            let may_move = if provisional { "（放假安排公布后可能调整）" } else { "" };
            format!("办理期限至{}{may_move}", due.format("%Y年%-m月%-d日"))
        }
        None => "办理期限未公布".to_owned(),
    }
}

/// An event in the words of the window.
pub(super) const fn event_name(kind: CaseEventKind) -> &'static str {
    match kind {
        CaseEventKind::Received => "收件",
        CaseEventKind::Accepted => "受理",
        CaseEventKind::Refused => "不予受理",
        CaseEventKind::Granted => "准予",
        CaseEventKind::Denied => "不予批准",
        CaseEventKind::Issued => "办结发件",
        CaseEventKind::Withdrawn => "撤回",
        CaseEventKind::Corrected => "更正申请人信息",
        CaseEventKind::Redated => "调整办理期限",
        CaseEventKind::Supplement => "一次性告知补正",
        CaseEventKind::SupplementCorrected => "更正补正告知",
        CaseEventKind::Supplemented => "补正材料已收",
        CaseEventKind::Suspended => "进入特别程序，期限暂停",
        CaseEventKind::Resumed => "恢复办理",
        CaseEventKind::Extended => "延期",
        CaseEventKind::HearingTold => "告知听证权利",
        CaseEventKind::HearingWaived => "放弃听证",
        CaseEventKind::StepFinished => "一个环节办完",
        CaseEventKind::Void => "作废",
        CaseEventKind::Amended => "更正",
        CaseEventKind::MaterialSettled => "材料补交或承诺核实",
        CaseEventKind::DeemedAccepted => "逾期未告知，视为受理",
    }
}
