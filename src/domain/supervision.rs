//! Supervision orders (督办, article 4.2): the first responsible person sees to what the centre has promised.
//!
//! An order goes to the post that has the case in hand, with a day by whose end it is to be answered. What is not answered by then is
//! told to the head of the office, and two working days later to the township's leaders. It is open until it is closed, or its case
//! has ended.

use super::act::{Act, Page, Who};
use super::case::{self, Power, Sight, Under, is_end};
use super::identity::staff;
use super::notice::{self, Message};
use super::published::Centre;
use super::{audit, calendar, cover::Cover};
use crate::base::error::Result;
use crate::base::vault::{Place, Vault};
use crate::base::{Kind, Refusal};
use chrono::{Days, Duration, NaiveDate};
use entity::case::{Entity as Cases, Model as Case};
use entity::guide::ItemKind;
use entity::identity::Role;
use entity::supervision::{Column, Entity, Model};
use entity::{Id, case as stored};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _};
use std::collections::BTreeSet;

/// No such order, or not yours.
pub const UNKNOWN_ORDER: Refusal = Refusal::new(Kind::Missing, "unknown_order", "没有找到这份督办。");
/// Only what was promised and is under way is seen to.
pub const NOT_TO_SUPERVISE: Refusal =
    Refusal::new(Kind::Conflict, "not_to_supervise", "只督办正在办理的承诺件；这个办件已经办结，或者是即办件。")
        .article("4.2");
/// There is one already.
pub const ORDER_OPEN: Refusal =
    Refusal::new(Kind::Conflict, "order_open", "这个办件已有一份没有销号的督办，请先看答复。").article("4.2");
/// An order without what is to be done, or its day.
pub const BAD_ORDER: Refusal =
    Refusal::new(Kind::Invalid, "bad_order", "督办必须写明要求（5至300字）和答复期限（明天到30天内的工作日）。")
        .article("4.2");
/// An answer that says nothing.
pub const BAD_ANSWER: Refusal =
    Refusal::new(Kind::Invalid, "bad_answer", "答复应写明办到哪一步、什么时候办结（5至500字）。").article("4.2");
/// It was answered before.
pub const ORDER_ANSWERED: Refusal = Refusal::new(Kind::Conflict, "order_answered", "这份督办已经答复。");
/// Nobody has answered, and the case is under way.
pub const NOT_ANSWERED: Refusal =
    Refusal::new(Kind::Conflict, "not_answered", "这份督办还没有答复，办件也没有办结，不能销号。").article("4.2");

/// Working days after its day, when nobody has answered still, that the leaders are told.
const PATIENCE: u32 = 2;
/// How far off the day of an answer may be.
const LONGEST: Days = Days::new(30);

/// An order in clear, with its case.
#[derive(Clone, Debug)]
pub struct Order {
    /// The row.
    pub row: Model,
    /// The case.
    pub case: Case,
    /// What is to be done.
    pub words: String,
    /// What was done.
    pub answer: Option<String>,
    /// The posts that have the case in hand.
    posts: BTreeSet<Id>,
}

impl Order {
    /// True while somebody is to answer, or to look at the answer.
    #[must_use]
    pub const fn is_open(&self) -> bool {
        self.row.closed_at.is_none() && !is_end(self.case.state)
    }

    /// Under which post somebody answers for the case: one that has it in hand; any that handles it, where none has.
    ///
    /// # Errors
    /// The refusals of a post.
    pub fn answering(&self, sight: &Sight) -> Result<Under> {
        let mut powers = self.posts.iter().map(|post| Power::Step { post: Some(*post), delegated: None });
        let first = powers.next().unwrap_or(Power::Handle);
        let refused = match sight.under(&self.case, first) {
            Ok(under) => return Ok(under),
            Err(refused) => refused,
        };
        powers.find_map(|power| sight.under(&self.case, power).ok()).ok_or(refused)
    }
}

/// Gives an order to whoever has a case in hand.
///
/// # Errors
/// `unknown_case`, the refusals of a post, `bad_order`, `not_to_supervise`, `order_open`.
pub async fn give(act: &Act, number: &str, words: &str, due_on: NaiveDate) -> Result<Order> {
    let Who::Staff(by) = &act.who else { return Err(case::UNKNOWN_CASE.into()) };
    let sight = Sight::acting(act).await?;
    let case = case::find(&*act.tx, act.centre.id, number, &sight).await?;
    sight.under(&case, Power::Amend)?;
    if is_end(case.state) || case.item_kind == Some(ItemKind::Instant) {
        return Err(NOT_TO_SUPERVISE.into());
    }
    let words = words.trim();
    if !(5..=300).contains(&words.chars().count()) {
        return Err(BAD_ORDER.on("words").into());
    }
    let today = act.now.date();
    let works = calendar::of(&*act.tx, &act.centre).await?.is_working_day(due_on);
    if due_on <= today || due_on > today + LONGEST || !works {
        return Err(BAD_ORDER.on("due_on").into());
    }
    let id = act.id();
    let row = Model {
        id,
        centre_id: act.centre.id,
        case_id: case.id,
        words: act.seal("supervision_order.words", id, words)?,
        due_on,
        post_id: case.post_id,
        given_at: act.now,
        given_by: by.id,
        answered_at: None,
        answered_by: None,
        answer: None,
        closed_at: None,
        closed_by: None,
    };
    if !act.insert_new(row.clone()).await? {
        return Err(ORDER_OPEN.into());
    }
    audit::note(act, "case.supervised", &case.number, serde_json::json!({ "due_on": due_on })).await?;
    let posts = case::posts_in_hand(&*act.tx, std::slice::from_ref(&case)).await?.remove(&case.id).unwrap_or_default();
    let order = Order { words: words.to_owned(), answer: None, row, case, posts };
    tell(act, std::slice::from_ref(&order), Rung::Holder).await?;
    Ok(order)
}

/// Answers an order, by whoever has the case in hand.
///
/// # Errors
/// `unknown_order`, the refusals of a post, `bad_answer`, `order_answered`.
pub async fn answer(act: &Act, id: Id, words: &str) -> Result<Order> {
    let Who::Staff(by) = &act.who else { return Err(UNKNOWN_ORDER.into()) };
    let (order, sight) = hold(act, id).await?;
    order.answering(&sight)?;
    let words = words.trim();
    if !(5..=500).contains(&words.chars().count()) {
        return Err(BAD_ANSWER.on("words").into());
    }
    let row = Model {
        answered_at: Some(act.now),
        answered_by: Some(by.id),
        answer: Some(act.seal("supervision_order.answer", id, words)?),
        ..order.row
    };
    let written = Entity::update_many()
        .col_expr(Column::AnsweredAt, Expr::value(row.answered_at))
        .col_expr(Column::AnsweredBy, Expr::value(row.answered_by))
        .col_expr(Column::Answer, Expr::value(row.answer.clone()))
        .filter(Column::Id.eq(id))
        .filter(Column::AnsweredAt.is_null())
        .filter(Column::ClosedAt.is_null())
        .exec(&*act.tx)
        .await?;
    if written.rows_affected == 0 {
        return Err(ORDER_ANSWERED.into());
    }
    Ok(Order { row, answer: Some(words.to_owned()), ..order })
}

/// Closes an order (销号) that was answered, or whose case has ended.
///
/// # Errors
/// `unknown_order`, the refusals of a post, `not_answered`.
pub async fn close(act: &Act, id: Id) -> Result<Order> {
    let Who::Staff(by) = &act.who else { return Err(UNKNOWN_ORDER.into()) };
    let (order, sight) = hold(act, id).await?;
    sight.under(&order.case, Power::Amend)?;
    if order.row.answered_at.is_none() && !is_end(order.case.state) {
        return Err(NOT_ANSWERED.into());
    }
    let row = Model { closed_at: Some(act.now), closed_by: Some(by.id), ..order.row };
    Entity::update_many()
        .col_expr(Column::ClosedAt, Expr::value(row.closed_at))
        .col_expr(Column::ClosedBy, Expr::value(row.closed_by))
        .filter(Column::Id.eq(id))
        .filter(Column::ClosedAt.is_null())
        .exec(&*act.tx)
        .await?;
    Ok(Order { row, ..order })
}

/// An order whose case whoever acts may see.
async fn hold(act: &Act, id: Id) -> Result<(Order, Sight)> {
    let sight = Sight::acting(act).await?;
    let row = Entity::find_by_id(id).filter(Column::CentreId.eq(act.centre.id)).one(&*act.tx).await?;
    let row = row.ok_or(UNKNOWN_ORDER)?;
    let order = with_cases(&*act.tx, &act.vault, vec![row]).await?.pop().ok_or(UNKNOWN_ORDER)?;
    // Whoever does not see the case learns of no order.
    let seen = case::find(&*act.tx, act.centre.id, &order.case.number, &sight).await;
    seen.map_err(|_| UNKNOWN_ORDER)?;
    Ok((order, sight))
}

/// Orders over cases that somebody may see, newest first.
///
/// # Errors
/// Whatever the database or the vault says.
pub async fn list(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    sight: &Sight,
    page: Page,
) -> Result<(Vec<Order>, Option<String>)> {
    let cases = sight.among(centre.id, Entity::find(), Column::CaseId);
    let rows = page.of(cases.filter(Column::CentreId.eq(centre.id)), Column::GivenAt, Column::Id).all(db).await?;
    let (rows, next) = page.cut(rows, |row| (row.given_at, row.id));
    Ok((with_cases(db, vault, rows).await?, next))
}

/// Orders over cases that somebody may see, which are to be answered or closed.
///
/// # Errors
/// Whatever the database or the vault says.
pub async fn open(db: &impl ConnectionTrait, vault: &Vault, centre: &Centre, sight: &Sight) -> Result<Vec<Order>> {
    let rows = sight.among(centre.id, Entity::find(), Column::CaseId);
    let rows = rows.filter(Column::CentreId.eq(centre.id)).filter(Column::ClosedAt.is_null()).all(db).await?;
    Ok(with_cases(db, vault, rows).await?.into_iter().filter(Order::is_open).collect())
}

async fn with_cases(db: &impl ConnectionTrait, vault: &Vault, rows: Vec<Model>) -> Result<Vec<Order>> {
    let ids = rows.iter().map(|row| row.case_id);
    let cases = Cases::find().filter(stored::Column::Id.is_in(ids)).all(db).await?;
    let in_hand = case::posts_in_hand(db, &cases).await?;
    let mut orders = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(case) = cases.iter().find(|case| case.id == row.case_id) else { continue };
        let clear = |column, sealed| vault.open(Place::new(column, row.centre_id, row.id), sealed);
        let words = clear("supervision_order.words", &row.words)?;
        let answer = row.answer.as_ref().map(|answer| clear("supervision_order.answer", answer)).transpose()?;
        let posts = in_hand.get(&case.id).cloned().unwrap_or_default();
        orders.push(Order { case: case.clone(), words, answer, row, posts });
    }
    Ok(orders)
}

/// Who is told of an order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Rung {
    /// Whoever holds a post that has the case in hand.
    Holder,
    /// The head of its office; the director, where it has none.
    Head,
    /// The leaders of the township.
    Leaders,
}

/// Tells heads of offices of orders that nobody answered by their day, and leaders of those that nobody answered two working days later
/// still. Safe to repeat.
///
/// # Errors
/// Whatever the database says.
pub async fn escalate(act: &Act) -> Result<()> {
    let today = act.now.date();
    let late = Entity::find()
        .filter(Column::CentreId.eq(act.centre.id))
        .filter(Column::AnsweredAt.is_null())
        .filter(Column::ClosedAt.is_null())
        .filter(Column::DueOn.lt(today))
        .all(&*act.tx)
        .await?;
    let late = with_cases(&*act.tx, &act.vault, late).await?;
    let late: Vec<Order> = late.into_iter().filter(Order::is_open).collect();
    let calendar = calendar::of(&*act.tx, &act.centre).await?;
    let worse: Vec<Order> = late.iter().filter(|o| calendar.add(o.row.due_on, PATIENCE).on < today).cloned().collect();
    tell(act, &late, Rung::Head).await?;
    tell(act, &worse, Rung::Leaders).await
}

/// Tells whoever is on a rung of orders, each once.
async fn tell(act: &Act, orders: &[Order], rung: Rung) -> Result<()> {
    if orders.is_empty() {
        return Ok(());
    }
    let today = act.now.date();
    let cover = Cover::at(&*act.tx, &act.centre, act.now).await?;
    let staff = staff::told(act, today).await?;
    let headed =
        |office| staff.iter().any(|(of, _)| of.office_id == Some(office) && of.roles().contains(&Role::OfficeHead));
    let mut texts = Vec::new();
    for Order { row, case, posts, .. } in orders {
        let at_them = cover.posts().filter(|post| posts.contains(&post.row.id));
        let holders: Vec<Id> = at_them.filter_map(|post| Some(cover.holder(post)?.0)).collect();
        let reaches = |of: &entity::identity::staff::Model| match rung {
            Rung::Holder => holders.contains(&of.id),
            Rung::Head if headed(case.office_id) => {
                of.roles().contains(&Role::OfficeHead) && of.office_id == Some(case.office_id)
            }
            Rung::Head => of.roles().contains(&Role::Director),
            Rung::Leaders => of.roles().contains(&Role::Leader),
        };
        texts.extend(staff.iter().filter(|(of, _)| reaches(of)).map(|(of, phone)| Message {
            key: format!("staff.supervised/{}/{rung:?}/{}", row.id, of.id),
            kind: &notice::SUPERVISED,
            phone: phone.clone(),
            values: vec![("number", case.number.clone()), ("until", row.due_on.format("%-m月%-d日").to_string())],
            about: row.id,
            account: None,
            matter_at: act.now,
            due_at: act.now,
            expires_at: act.now + Duration::days(3),
        }));
    }
    let said = notice::said(&*act.tx, act.centre.id, texts.iter().map(|text| text.key.clone())).await?;
    texts.retain(|text| !said.contains(&text.key));
    notice::put(act, notice::compose(act, texts).await?).await
}
