//! Doors of supervision orders (督办).

use super::Noun;
use super::problem::Failure;
use super::view::{Created, Listed, Moment, Text, moment, part};
use crate::access::{By, CaseHandler, CaseReader};
use crate::domain::identity::staff;
use crate::domain::supervision::{self, Order};
use chrono::NaiveDate;
use entity::Id;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::Json;
use poem_openapi::types::ToJSON as _;
use poem_openapi::{Object, OpenApi};
use std::collections::HashMap;

pub(super) struct Supervision;

/// What is to be done, and by when it is to be answered.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct OrderInput {
    /// What is to be done.
    words: Text,
    /// The working day by whose end it is to be answered.
    due_on: NaiveDate,
}

/// What was done.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct AnswerInput {
    /// In words.
    words: Text,
}

/// A supervision order.
#[derive(Object)]
struct OrderView {
    /// Opaque id.
    id: Id,
    /// Number of its case.
    number: String,
    /// What is to be done.
    words: String,
    /// The day by whose end it is to be answered.
    due_on: NaiveDate,
    /// When it was given.
    given_at: Moment,
    /// Who gave it.
    given_by: Option<String>,
    /// When it was answered.
    answered_at: Option<Moment>,
    /// Who answered.
    answered_by: Option<String>,
    /// What was done.
    answer: Option<String>,
    /// Somebody is to answer it, or to look at the answer.
    open: bool,
}

fn view(order: Order, names: &HashMap<String, String>) -> OrderView {
    let name = |id: Id| names.get(&id.to_string()).cloned();
    OrderView {
        open: order.is_open(),
        id: order.row.id,
        number: order.case.number,
        words: order.words,
        due_on: order.row.due_on,
        given_at: moment(order.row.given_at),
        given_by: name(order.row.given_by),
        answered_at: order.row.answered_at.map(moment),
        answered_by: order.row.answered_by.and_then(name),
        answer: order.answer,
    }
}

type Answer<T> = Result<T, Failure>;

#[OpenApi(tag = "Noun::Case")]
impl Supervision {
    /// Give an order to whoever has a case in hand
    #[oai(path = "/cases/:number/orders", method = "post", operation_id = "give_order")]
    async fn give_order(
        &self,
        who: By<CaseHandler>,
        number: Path<String>,
        body: Json<OrderInput>,
    ) -> Answer<Created<OrderView>> {
        let request = format!("{} {}", number.0, body.0.to_json_string());
        let made = who.visit.write_once(who.who.clone(), "give_order", &request, async |act| {
            let order = supervision::give(act, &number.0, &body.words, body.due_on).await?;
            Ok(view(order, &staff::names(&*act.tx, act.centre.id).await?))
        });
        Ok(Created(made.await?))
    }

    /// Orders over cases one may see, newest first
    #[oai(path = "/orders", method = "get", operation_id = "list_orders")]
    async fn list_orders(
        &self,
        who: By<CaseReader>,
        /// At most so many, 1 to 100.
        limit: Query<Option<u64>>,
        /// Where the part before ended.
        cursor: Query<Option<String>>,
    ) -> Answer<Json<Listed<OrderView>>> {
        let (app, centre, sight) = (&who.visit.app, &who.visit.centre, who.sight().await?);
        let page = part(limit.0, cursor.0.as_ref())?;
        let names = staff::names(app.read(), centre.id).await?;
        let (orders, next_cursor) = supervision::list(app.read(), &app.vault, centre, &sight, page).await?;
        Ok(Json(Listed { items: orders.into_iter().map(|order| view(order, &names)).collect(), next_cursor }))
    }

    /// Answer an order
    #[oai(path = "/orders/:id/answer", method = "post", operation_id = "answer_order")]
    async fn answer_order(
        &self,
        who: By<CaseHandler>,
        id: Path<Id>,
        body: Json<AnswerInput>,
    ) -> Answer<Json<OrderView>> {
        let answer = async |act: &_| supervision::answer(act, id.0, &body.words).await;
        let order = who.visit.write(who.who.clone(), answer).await?;
        let names = staff::names(who.visit.app.read(), who.visit.centre.id).await?;
        Ok(Json(view(order, &names)))
    }

    /// Close an order that was answered, or whose case has ended
    #[oai(path = "/orders/:id/close", method = "post", operation_id = "close_order")]
    async fn close_order(&self, who: By<CaseHandler>, id: Path<Id>) -> Answer<Json<OrderView>> {
        let order = who.visit.write(who.who.clone(), async |act| supervision::close(act, id.0).await).await?;
        let names = staff::names(who.visit.app.read(), who.visit.centre.id).await?;
        Ok(Json(view(order, &names)))
    }
}
