//! Resealing (换钥): bringing stored personal data under the keys in use.
//!
//! It knows every sealed column and the kind of its blind index, and nothing else of the nouns. Rows are taken in small
//! transactions, so that a township goes on working meanwhile; it may be stopped and run again.

use super::{applicant, booking};
use crate::base::database::Database;
use crate::base::error::Result;
use crate::base::vault::{NO_CENTRE, Place, Vault};
use entity::{Id, Sealed};
use sea_orm::sea_query::{Alias, Expr, ExprTrait as _, Query};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use std::collections::HashMap;

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
const TABLES: [(&str, &[Column]); 23] = [
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
    ("booking_appeal", &[sealed("reason", "booking_appeal.reason"), sealed("words", "booking_appeal.words")]),
    ("case_event", &[sealed("words", "case_event.words")]),
    ("consultation", &[sealed("topic", "consultation.topic"), sealed("asker", "consultation.asker")]),
    ("custody", &[sealed("signed_by", "custody.signed_by")]),
    ("document", &[indexed("code", "document.code", "code_blind", "document_code"), sealed("data", "document.data")]),
    ("file", &[sealed("name", "file.name"), sealed("key", "file.key")]),
    ("handover", &[sealed("words", "handover.words"), sealed("late_reason", "handover.late_reason")]),
    ("idempotency", &[sealed("answer", "idempotency.answer")]),
    (
        "invitation",
        &[
            indexed("code", "invitation.code", "code_blind", "review_code"),
            indexed("phone", "invitation.phone", "phone_blind", "phone"),
            sealed("comment", "invitation.comment"),
            sealed("picture", "invitation.picture"),
        ],
    ),
    ("leave", &[sealed("reason", "leave.reason"), sealed("place", "leave.place"), sealed("words", "leave.words")]),
    ("negative", &[sealed("words", "negative.words")]),
    (
        "notice",
        &[
            indexed("phone", "notice.phone", "phone_blind", "phone"),
            sealed("text", "notice.text"),
            sealed("line", "notice.line"),
            sealed("filled", "notice.filled"),
        ],
    ),
    ("phone_doubt", &[indexed("phone", "phone_doubt.phone", "phone_blind", "phone")]),
    ("phone_stop", &[indexed("phone", "phone_stop.phone", "phone_blind", "phone")]),
    ("review", &[sealed("comment", "review.comment")]),
    ("service_case", &[sealed("check_code", "service_case.check_code")]),
    ("staff", &[sealed("phone", "staff.phone")]),
    ("supplement", &[sealed("wanted", "supplement.wanted"), sealed("why", "supplement.why")]),
    ("supervision_order", &[sealed("words", "supervision_order.words"), sealed("answer", "supervision_order.answer")]),
    ("uplink", &[indexed("phone", "uplink.phone", "phone_blind", "phone"), sealed("text", "uplink.text")]),
    ("whereabouts", &[sealed("place", "whereabouts.place")]),
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
            let id: Id = row.try_get("", "id")?;
            // A text that is nobody's is sealed for no centre.
            let centre: Option<Id> = row.try_get("", "centre_id")?;
            let centre = centre.unwrap_or(NO_CENTRE);
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

/// A booking's index is made of its account and its applicant.
async fn reindex_bookings(database: &Database, vault: &Vault) -> Result<usize> {
    use entity::booking::{Column, Entity};
    let (mut last, mut count) = (Id::nil(), 0);
    loop {
        let tx = database.begin().await?;
        let rows = Entity::find().filter(Column::Id.gt(last)).order_by_asc(Column::Id).limit(BATCH).all(&tx).await?;
        if rows.is_empty() {
            return Ok(count);
        }
        let snapshots = entity::applicant::Entity::find()
            .filter(entity::applicant::Column::Id.is_in(rows.iter().map(|r| r.applicant_id)));
        let snapshots: HashMap<Id, _> = snapshots.all(&tx).await?.into_iter().map(|s| (s.id, s)).collect();
        for row in &rows {
            last = row.id;
            let snapshot = snapshots.get(&row.applicant_id);
            let snapshot = snapshot.ok_or_else(|| anyhow::anyhow!("an applicant's snapshot is not there"))?;
            let words = booking::person(row.account_id, &applicant::open(vault, snapshot)?);
            let blind = vault.blind("person", row.centre_id, &words);
            let person = Entity::update_many().col_expr(Column::PersonBlind, Expr::value(blind));
            person.filter(Column::Id.eq(row.id)).exec(&tx).await?;
        }
        count += rows.len();
        tx.commit().await?;
    }
}
