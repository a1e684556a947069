//! The course of a case at the counter: its moves, mistakes put right, and refusals the director looks at.

use crate::access::answer::NO_ROUTE;
use crate::access::{By, CaseHandler};
use crate::base::error::Error;
use crate::domain::case::{self, Handing, Move, No};
use crate::domain::identity::staff;
use crate::domain::review;
use crate::pages::booking::moment_in_words;
use crate::pages::form::{Frame, Sent, Someone, go_to, page, word, words};
use askama::Template;
use entity::Id;
use entity::case::{NegativeCause, SpecialProcedure};
use poem::web::Path;
use poem::{Response, handler};
use sea_orm::ActiveEnum as _;

/// One act on a case, and the invitation in the same transaction if it ended it.
#[handler]
pub(super) async fn take_step(
    sent: Sent<CaseHandler>,
    Path((number, step)): Path<(String, String)>,
) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let ground = || fields.get("ground").to_owned();
    let no = || No {
        cause: NegativeCause::try_from_value(&fields.get("cause").to_owned()).unwrap_or(NegativeCause::Unqualified),
        ground: ground(),
        basis: fields.typed("basis"),
        elsewhere: fields.typed("elsewhere"),
    };
    let made = match step.as_str() {
        "accept" => Move::Accept,
        "refuse" => Move::Refuse(no()),
        "grant" => Move::Grant,
        "deny" => Move::Deny(no()),
        "issue" => Move::Issue(if fields.get("handing") == "sent" { Handing::Sent } else { Handing::Counter }),
        "finish" => Move::Finish(fields.get("n").parse().unwrap_or(0), ground()),
        "hearing" => Move::TellHearing(ground()),
        "waive" => Move::WaiveHearing(ground()),
        "void" => Move::Void(ground()),
        "suspend" => {
            let procedure = SpecialProcedure::try_from_value(&fields.get("procedure").to_owned());
            Move::Suspend(procedure.map_err(|_| Error::from(NO_ROUTE))?, ground())
        }
        "resume" => Move::Resume,
        "extend" => Move::Extend(fields.get("days").parse().unwrap_or(0), ground(), fields.typed("approval")),
        "withdraw" => Move::Withdraw,
        _ => return Err(Error::from(NO_ROUTE).into()),
    };
    let advance = async |act: &_| {
        let row = case::advance(act, &number, &made).await?;
        review::invite(act, &row).await
    };
    let advanced = by.visit.write(by.who.clone(), advance).await;
    super::supplement::done(&by, number, advanced)
}

/// Puts a mistake right; with a tick, the case goes on from where it stood before.
#[handler]
pub(super) async fn amend(sent: Sent<CaseHandler>, Path(number): Path<String>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let (event, undone) = (fields.id("event").unwrap_or_default(), fields.get("undo") == "yes");
    let amend = async |act: &_| {
        let row = case::amend(act, &number, event, fields.get("words"), undone).await?;
        review::recall(act, &row).await
    };
    let amended = by.visit.write(by.who.clone(), amend).await;
    super::supplement::done(&by, number, amended)
}

#[derive(Template)]
#[template(path = "negatives.html")]
struct Negatives {
    frame: Frame,
    word: String,
    filed: Vec<Filed>,
    wrong: Option<String>,
}

struct Filed {
    id: Id,
    number: String,
    when: String,
    by: String,
    cause: &'static str,
    ground: String,
    basis: String,
    elsewhere: Option<String>,
}

async fn negatives_page(by: &By<CaseHandler>, wrong: Option<String>) -> poem::Result<Response> {
    let (app, centre) = (&by.visit.app, by.visit.centre.id);
    let names = staff::names(app.read(), centre).await?;
    let shown = |filed: case::Filed| Filed {
        id: filed.row.id,
        number: filed.number,
        when: moment_in_words(filed.row.filed_at),
        by: names.get(&filed.row.filed_by.to_string()).cloned().unwrap_or_default(),
        cause: case::cause_name(filed.row.cause),
        ground: filed.ground.unwrap_or_default(),
        basis: filed.row.basis,
        elsewhere: filed.row.elsewhere,
    };
    let sight = by.sight().await?;
    let filed = case::unseen_negatives(app.read(), &app.vault, centre, &sight, 100).await?;
    let filed = filed.into_iter().map(shown).collect();
    page(&Negatives { frame: Frame::of_staff(by), word: word(by), filed, wrong })
}

#[handler]
pub(super) async fn list_negatives(Someone(by): Someone<CaseHandler>) -> poem::Result<Response> {
    negatives_page(&by, None).await
}

#[handler]
pub(super) async fn look_at_negative(sent: Sent<CaseHandler>, Path(id): Path<Id>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let (upheld, words_of_his) = (fields.get("upheld") == "yes", fields.typed("words"));
    let look = async |act: &_| case::look_at_negative(act, id, upheld, words_of_his.as_deref()).await;
    match by.visit.write(by.who.clone(), look).await {
        Ok(_) => Ok(go_to("/staff/negatives")),
        Err(error) => negatives_page(&by, Some(words(error)?)).await,
    }
}
