//! Supervision orders (督办) at the counter.

use crate::access::{By, CaseHandler, CaseReader};
use crate::domain::act::Page as Part;
use crate::domain::calendar::day_in_words;
use crate::domain::case::Power;
use crate::domain::identity::staff;
use crate::domain::supervision::{self, Order};
use crate::pages::booking::moment_in_words;
use crate::pages::form::{Fields, Frame, Sent, Someone, go_to, page, word, words};
use askama::Template;
use entity::Id;
use poem::web::Path;
use poem::{Response, handler};

#[derive(Template)]
#[template(path = "orders.html")]
struct Orders {
    frame: Frame,
    word: String,
    orders: Vec<Line>,
    typed: Fields,
    wrong: Option<String>,
}

struct Line {
    id: Id,
    number: String,
    given: String,
    words: String,
    answer: Option<String>,
    open: bool,
    late: bool,
    answers: bool,
    closes: bool,
}

async fn orders_page<R: crate::access::Rank>(
    by: &By<R>,
    typed: Fields,
    wrong: Option<String>,
) -> poem::Result<Response> {
    let (app, centre, sight) = (&by.visit.app, &by.visit.centre, by.sight().await?);
    let names = staff::names(app.read(), centre.id).await?;
    let today = app.clock.now().date();
    let (orders, _) = supervision::list(app.read(), &app.vault, centre, &sight, Part::new(Some(50), None)?).await?;
    let name = |id: Id| names.get(&id.to_string()).cloned().unwrap_or_default();
    let line = |order: Order| {
        let (row, has) = (&order.row, |power| sight.under(&order.case, power).is_ok());
        let answered = row.answered_at.map(moment_in_words).unwrap_or_default();
        let by = row.answered_by.map(name).unwrap_or_default();
        Line {
            id: row.id,
            given: format!("{}　{}", moment_in_words(row.given_at), name(row.given_by)),
            words: format!("{}（{}前答复）", order.words, day_in_words(row.due_on)),
            answer: order.answer.as_ref().map(|words| format!("{answered}　{by}：{words}")),
            open: order.is_open(),
            late: order.is_open() && row.answered_at.is_none() && row.due_on < today,
            answers: order.is_open() && row.answered_at.is_none() && order.answering(&sight).is_ok(),
            closes: order.is_open() && row.answered_at.is_some() && has(Power::Amend),
            number: order.case.number,
        }
    };
    page(&Orders {
        frame: Frame::of_staff(by),
        word: word(by),
        orders: orders.into_iter().map(line).collect(),
        typed,
        wrong,
    })
}

#[handler]
pub(super) async fn list(Someone(by): Someone<CaseReader>) -> poem::Result<Response> {
    orders_page(&by, Fields::default(), None).await
}

/// Gives an order over a case.
#[handler]
pub(super) async fn give(sent: Sent<CaseHandler>, Path(number): Path<String>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let due_on = fields.get("due_on").parse().unwrap_or_default();
    let give = async |act: &_| supervision::give(act, &number, fields.get("words"), due_on).await;
    let given = by.visit.write(by.who.clone(), give).await;
    super::supplement::done(&by, number, given)
}

/// Answers an order, or closes it.
#[handler]
pub(super) async fn press(sent: Sent<CaseHandler>, Path(id): Path<Id>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let pressed = by.visit.write(by.who.clone(), async |act| {
        if fields.get("close") == "yes" {
            return supervision::close(act, id).await;
        }
        supervision::answer(act, id, fields.get("words")).await
    });
    match pressed.await {
        Ok(_) => Ok(go_to("/staff/orders")),
        Err(error) => {
            let wrong = words(error)?;
            orders_page(&by, fields, Some(wrong)).await
        }
    }
}
