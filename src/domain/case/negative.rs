//! Saying no (否定报备, article 5.3.2c): a refusal or denial says its ground, what it rests on, where else to go and what can be done
//! against it; it is filed with the director in the same act, and he looks at each.

use super::look::{Sight, colleague};
use super::progress::{TimelineEntry, entries};
use super::{ALREADY_SEEN, BASIS_NEEDED, ELSEWHERE_NEEDED, SEEN_WORDS_NEEDED, UNKNOWN_FILING};
use crate::base::error::Result;
use crate::base::vault::{Place, Vault};
use crate::domain::act::{Act, Who};
use entity::case::negative::{Column, Entity, Model};
use entity::case::{Column as CaseColumn, Entity as Cases, Model as Case, NegativeCause, event};
use entity::guide::Content;
use entity::{Id, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _,
};
use std::collections::HashMap;

/// What can be done against a no (行政复议法 20, 24; 行政诉讼法 46).
pub const REMEDIES: &str = "不服本决定的，可以自收到之日起60日内向乡人民政府所属的区县人民政府申请行政复议，\
                            或者自收到之日起6个月内依法向人民法院提起行政诉讼；也可以先向本中心投诉。";

/// A no.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct No {
    /// Why, in the law's kinds.
    pub cause: NegativeCause,
    /// In words for the applicant.
    pub ground: String,
    /// The provision it rests on; what the guide rests on, if it is not named.
    pub basis: Option<String>,
    /// Where he is to go.
    pub elsewhere: Option<String>,
}

impl No {
    /// One for which he does not fulfil the conditions.
    #[must_use]
    pub fn unqualified(ground: impl Into<String>) -> Self {
        Self { cause: NegativeCause::Unqualified, ground: ground.into(), basis: None, elsewhere: None }
    }
}

/// The filing of a refusal or denial.
pub(super) fn filed(act: &Act, event: &event::Model, no: &No, content: &Content) -> Result<Model> {
    let written = |words: &Option<String>| {
        words.as_deref().map(str::trim).filter(|words| !words.is_empty()).map(ToOwned::to_owned)
    };
    let own = written(&no.basis);
    let basis = own.clone().unwrap_or_else(|| content.legal_basis.join("；"));
    if basis.is_empty() || own.is_some_and(|own| !(2..=500).contains(&own.chars().count())) {
        return Err(BASIS_NEEDED.on("basis").into());
    }
    let elsewhere = written(&no.elsewhere);
    let told = elsewhere.as_ref().is_some_and(|words| (2..=200).contains(&words.chars().count()));
    if (no.cause == NegativeCause::NotOurs || elsewhere.is_some()) && !told {
        return Err(ELSEWHERE_NEEDED.on("elsewhere").into());
    }
    // Only staff say no.
    let filed_by = match &act.who {
        Who::Staff(staff) => staff.id,
        _ => return Err(super::UNKNOWN_CASE.into()),
    };
    Ok(Model {
        id: act.id(),
        centre_id: act.centre.id,
        case_id: event.case_id,
        event_id: event.id,
        cause: no.cause,
        basis,
        elsewhere,
        filed_at: act.now,
        filed_by,
        seen_at: None,
        seen_by: None,
        upheld: None,
        words: None,
    })
}

/// A filing with the number of its case.
#[derive(Clone, Debug)]
pub struct Filed {
    /// The filing.
    pub row: Model,
    /// Number of the case.
    pub number: String,
    /// The ground, in words.
    pub ground: Option<String>,
    /// What the director wrote.
    pub words: Option<String>,
}

/// How many filings wait for the director.
///
/// # Errors
/// Whatever the database says.
pub async fn waiting(db: &impl ConnectionTrait, centre: Id) -> Result<u64> {
    Ok(Entity::find().filter(Column::CentreId.eq(centre)).filter(Column::SeenAt.is_null()).count(db).await?)
}

/// Filings that nobody has looked at, oldest first, for the first responsible person.
///
/// # Errors
/// The refusals of his post.
pub async fn unseen(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: Id,
    sight: &Sight,
    limit: u64,
) -> Result<Vec<Filed>> {
    sight.ensure_chief()?;
    let rows = Entity::find().filter(Column::CentreId.eq(centre)).filter(Column::SeenAt.is_null());
    let rows = rows.order_by_asc(Column::FiledAt).order_by_asc(Column::Id).limit(limit).all(db).await?;
    with_case(db, vault, rows).await
}

async fn with_case(db: &impl ConnectionTrait, vault: &Vault, rows: Vec<Model>) -> Result<Vec<Filed>> {
    let cases = Cases::find().filter(CaseColumn::Id.is_in(rows.iter().map(|row| row.case_id))).all(db).await?;
    let numbers: HashMap<Id, String> = cases.into_iter().map(|case| (case.id, case.number)).collect();
    let events = entries().filter(event::Column::Id.is_in(rows.iter().map(|row| row.event_id)));
    let events: Vec<TimelineEntry> = events.into_model().all(db).await?;
    let grounds = events.into_iter().map(|event| Ok((event.id, super::ground(vault, &event)?)));
    let grounds: HashMap<Id, Option<String>> = grounds.collect::<Result<_>>()?;
    let with = |row: Model| {
        let words = row.words.as_ref().map(|w| vault.open(Place::new("negative.words", row.centre_id, row.id), w));
        Ok(Filed {
            number: numbers.get(&row.case_id).cloned().unwrap_or_default(),
            ground: grounds.get(&row.event_id).cloned().flatten(),
            words: words.transpose()?,
            row,
        })
    };
    rows.into_iter().map(with).collect()
}

/// What is filed of a case, if its applicant was told no and it still stands; the last one.
///
/// # Errors
/// Whatever the database or the vault says.
pub async fn of(db: &impl ConnectionTrait, vault: &Vault, case: &Case) -> Result<Option<Filed>> {
    let of_case = Entity::find().filter(Column::CaseId.eq(case.id)).order_by_desc(Column::FiledAt);
    let row = of_case.order_by_desc(Column::Id).one(db).await?;
    Ok(with_case(db, vault, row.into_iter().collect()).await?.pop())
}

/// The director looks at a filing: it was right, or it was not. One that was not is a lead (5.3.2c); the case itself goes on when
/// the refusal is undone.
///
/// # Errors
/// `unknown_filing`, the refusals of a post, `already_seen`, `seen_words_needed` where it was not right and nothing is said of it.
pub async fn look_at(act: &Act, id: Id, upheld: bool, words: Option<&str>) -> Result<Filed> {
    let Who::Staff(director) = &act.who else { return Err(UNKNOWN_FILING.into()) };
    let row = Entity::find_by_id(id).filter(Column::CentreId.eq(act.centre.id)).one(&*act.tx).await?;
    let row = row.ok_or(UNKNOWN_FILING)?;
    let case = Cases::find_by_id(row.case_id).one(&*act.tx).await?.ok_or(UNKNOWN_FILING)?;
    let sight = colleague(act).await?;
    if super::find(&*act.tx, act.centre.id, &case.number, &sight).await.is_err() {
        return Err(UNKNOWN_FILING.into());
    }
    sight.ensure_chief()?;
    let words = words.map(str::trim).filter(|words| !words.is_empty());
    if words.map_or(!upheld, |words| !(2..=500).contains(&words.chars().count())) {
        return Err(SEEN_WORDS_NEEDED.on("words").into());
    }
    see(act, (Column::Id, id), director.id, upheld, words, act.now).await?;
    let row = Entity::find_by_id(id).one(&*act.tx).await?.ok_or(UNKNOWN_FILING)?;
    with_case(&*act.tx, &act.vault, vec![row]).await?.pop().ok_or_else(|| UNKNOWN_FILING.into())
}

async fn see(act: &Act, of: (Column, Id), by: Id, upheld: bool, words: Option<&str>, at: Time) -> Result<()> {
    let open = Entity::find().filter(of.0.eq(of.1)).filter(Column::SeenAt.is_null()).one(&*act.tx).await?;
    let open = open.ok_or(ALREADY_SEEN)?;
    let words = words.map(|words| act.seal("negative.words", open.id, words)).transpose()?;
    let seen = Entity::update_many()
        .col_expr(Column::SeenAt, Expr::value(at))
        .col_expr(Column::SeenBy, Expr::value(by))
        .col_expr(Column::Upheld, Expr::value(upheld))
        .col_expr(Column::Words, Expr::value(words))
        .filter(Column::Id.eq(open.id))
        .filter(Column::SeenAt.is_null())
        .exec(&*act.tx)
        .await?;
    if seen.rows_affected == 0 { Err(ALREADY_SEEN.into()) } else { Ok(()) }
}

/// A refusal or denial was undone: if nobody had looked at its filing, that is said there.
pub(super) async fn overturn(act: &Act, event: Id, words: &str) -> Result<()> {
    let Who::Staff(staff) = &act.who else { return Ok(()) };
    let open = Entity::find().filter(Column::EventId.eq(event)).filter(Column::SeenAt.is_null());
    if open.one(&*act.tx).await?.is_some() {
        see(act, (Column::EventId, event), staff.id, false, Some(words), act.now).await?;
    }
    Ok(())
}
