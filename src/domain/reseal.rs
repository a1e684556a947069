//! Resealing (换钥): bringing stored personal data under the keys in use.
//!
//! It knows every sealed column and the kind of its blind index, and nothing else of the nouns. Rows are taken in small
//! transactions, so that a township goes on working meanwhile; it may be stopped and run again.

use super::booking;
use crate::base::database::Database;
use crate::base::error::Result;
use crate::base::vault::{Place, Vault};
use entity::{Blind, Id, Sealed};
use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Query};
use sea_orm::{ConnectionTrait as _, FromQueryResult, QueryResult};

const BATCH: u64 = 200;

/// A sealed column, and its blind index if it has one.
struct Column {
    name: &'static str,
    place: &'static str,
    blind: Option<(&'static str, &'static str)>,
}

const fn sealed(name: &'static str, place: &'static str) -> Column {
    Column { name, place, blind: None }
}

const fn indexed(name: &'static str, place: &'static str, blind: &'static str, kind: &'static str) -> Column {
    Column { name, place, blind: Some((blind, kind)) }
}

/// Every table with sealed columns. A test compares it with the schema.
const TABLES: [(&str, &[Column]); 9] = [
    (
        "account",
        &[
            indexed("phone", "account.phone", "phone_blind", "phone"),
            indexed("openid", "account.openid", "openid_blind", "openid"),
        ],
    ),
    (
        "applicant",
        &[
            indexed("name", "applicant.name", "name_blind", "name"),
            indexed("phone", "applicant.phone", "phone_blind", "phone"),
            indexed("id_number", "applicant.id_number", "id_blind", "id_number"),
        ],
    ),
    ("case_event", &[sealed("words", "case_event.words")]),
    ("idempotency", &[sealed("answer", "idempotency.answer")]),
    (
        "invitation",
        &[
            indexed("code", "invitation.code", "code_blind", "review_code"),
            indexed("phone", "invitation.phone", "phone_blind", "phone"),
        ],
    ),
    ("notice", &[indexed("phone", "notice.phone", "phone_blind", "phone"), sealed("text", "notice.text")]),
    ("review", &[sealed("comment", "review.comment")]),
    ("service_case", &[sealed("check_code", "service_case.check_code")]),
    ("uplink", &[indexed("phone", "uplink.phone", "phone_blind", "phone"), sealed("text", "uplink.text")]),
];

/// Names of all sealed columns, as `table.column`.
#[must_use]
pub fn columns() -> Vec<&'static str> {
    TABLES.iter().flat_map(|(_, columns)| columns.iter().map(|c| c.place)).collect()
}

/// Reseals everything; returns how many rows of each table were gone through.
///
/// # Errors
/// A key that is not here, or whatever the database says; what was resealed before stays so.
pub async fn all(database: &Database, vault: &Vault) -> Result<Vec<(&'static str, usize)>> {
    let mut done = Vec::new();
    for (table, columns) in TABLES {
        done.push((table, reseal(database, vault, table, columns).await?));
    }
    done.push(("booking", reindex_bookings(database, vault).await?));
    Ok(done)
}

async fn reseal(database: &Database, vault: &Vault, table: &'static str, columns: &[Column]) -> Result<usize> {
    let (mut last, mut count) = (Id::nil(), 0);
    loop {
        let tx = database.begin().await?;
        let mut query = Query::select();
        query.from(Alias::new(table)).columns(["id", "centre_id"].map(Alias::new));
        query.columns(columns.iter().map(|c| Alias::new(c.name)));
        query
            .and_where(Expr::col(Alias::new("id")).gt(last))
            .order_by(Alias::new("id"), sea_orm::Order::Asc)
            .limit(BATCH);
        // Held while it is resealed: an act may be writing the very row.
        query.lock_exclusive();
        let rows = tx.query_all(&query).await?;
        if rows.is_empty() {
            return Ok(count);
        }
        for row in &rows {
            let (id, centre): (Id, Id) = (row.try_get("", "id")?, row.try_get("", "centre_id")?);
            last = id;
            let mut update = Query::update();
            update.table(Alias::new(table)).and_where(Expr::col(Alias::new("id")).eq(id));
            let mut changed = false;
            for column in columns {
                let Some(old): Option<Sealed> = row.try_get("", column.name)? else { continue };
                let place = Place::new(column.place, centre, id);
                let clear = vault.open(place, &old)?;
                if !vault.is_current(&old) {
                    update.value(Alias::new(column.name), vault.seal(place, &clear)?);
                    changed = true;
                }
                if let Some((blind, kind)) = column.blind {
                    update.value(Alias::new(blind), vault.blind(kind, centre, &clear));
                    changed = true;
                }
            }
            if changed {
                tx.execute(&update).await?;
            }
        }
        count += rows.len();
        tx.commit().await?;
    }
}

#[derive(FromQueryResult)]
struct Person {
    id: Id,
    centre_id: Id,
    account_id: Id,
    applicant_id: Id,
    name: Sealed,
}

/// A booking's index is made of its account and its applicant's name.
async fn reindex_bookings(database: &Database, vault: &Vault) -> Result<usize> {
    let (mut last, mut count) = (Id::nil(), 0);
    loop {
        let tx = database.begin().await?;
        let (b, a) = (Alias::new("booking"), Alias::new("applicant"));
        let col = |table: &Alias, name: &str| Expr::col((table.clone(), Alias::new(name)));
        let mut query = Query::select();
        for name in ["id", "centre_id", "account_id", "applicant_id"] {
            query.expr_as(col(&b, name), Alias::new(name));
        }
        query
            .expr_as(col(&a, "name"), Alias::new("name"))
            .from(b.clone())
            .inner_join(a.clone(), col(&a, "id").equals((b.clone(), Alias::new("applicant_id"))))
            .and_where(col(&b, "account_id").is_not_null())
            .and_where(col(&b, "id").gt(last))
            .order_by((b.clone(), Alias::new("id")), sea_orm::Order::Asc)
            .limit(BATCH);
        let rows: Vec<QueryResult> = tx.query_all(&query).await?;
        if rows.is_empty() {
            return Ok(count);
        }
        for row in &rows {
            let person = Person::from_query_result(row, "")?;
            last = person.id;
            let place = Place::new("applicant.name", person.centre_id, person.applicant_id);
            let words = booking::person(person.account_id, &vault.open(place, &person.name)?);
            let blind: Blind = vault.blind("person", person.centre_id, &words);
            let mut update = Query::update();
            update
                .table(b.clone())
                .value(Alias::new("person_blind"), blind)
                .and_where(Expr::col(Alias::new("id")).eq(person.id));
            tx.execute(&update).await?;
        }
        count += rows.len();
        tx.commit().await?;
    }
}
