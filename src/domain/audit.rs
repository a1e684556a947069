//! The audit trail (审计): who did or saw what, and who was locked out. Append-only; a job chains its lines after they are
//! committed, within a minute, so that a line changed or taken out later shows.

use super::act::Act;
use crate::base::vault::sha256;
use crate::base::{Result, canonical};
use entity::Id;
use entity::audit::{Column, Entity, Model};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde_json::Value;

/// Lines chained in one go.
const BATCH: u64 = 500;

/// Writes a line: what was done (`noun.verb`), to what, with field names and codes, never with personal data.
///
/// # Errors
/// Whatever the database says.
pub async fn note(act: &Act, what: &str, subject: impl ToString, detail: Value) -> Result<()> {
    let line = Model {
        id: act.id(),
        centre_id: act.centre.id,
        at: act.now,
        actor_kind: act.who.kind(),
        actor: act.who.label(),
        act: what.to_owned(),
        subject: subject.to_string(),
        detail,
        seq: None,
        hash: None,
    };
    act.insert(line).await.map(drop)
}

/// Chains the centre's lines that are not chained yet; returns how many.
///
/// # Errors
/// Whatever the database says, a second job at the same time included: the place in the chain is unique.
pub async fn chain(act: &Act) -> Result<usize> {
    let of_centre = Entity::find().filter(Column::CentreId.eq(act.centre.id));
    let last = of_centre.clone().filter(Column::Seq.is_not_null()).order_by_desc(Column::Seq).one(&*act.tx).await?;
    let (mut seq, mut hash) =
        last.map_or((0, Vec::new()), |l| (l.seq.unwrap_or(0), l.hash.map_or(Vec::new(), |h| h.0)));
    let loose = of_centre.filter(Column::Seq.is_null()).order_by_asc(Column::Id).limit(BATCH).all(&*act.tx).await?;
    for line in &loose {
        seq += 1;
        hash = link(&hash, seq, line);
        Entity::update_many()
            .col_expr(Column::Seq, Expr::value(seq))
            .col_expr(Column::Hash, Expr::value(entity::Blind(hash.clone())))
            .filter(Column::Id.eq(line.id))
            .exec(&*act.tx)
            .await?;
    }
    Ok(loose.len())
}

/// Reads the centre's chain from its beginning; the place of the first line that does not fit, if there is one.
///
/// # Errors
/// Whatever the database says.
pub async fn first_break(db: &impl ConnectionTrait, centre: Id) -> Result<Option<i64>> {
    let (mut seq, mut hash) = (0, Vec::new());
    loop {
        let chained = Entity::find().filter(Column::CentreId.eq(centre)).filter(Column::Seq.gt(seq));
        let lines = chained.order_by_asc(Column::Seq).limit(BATCH).all(db).await?;
        if lines.is_empty() {
            return Ok(None);
        }
        for line in lines {
            seq += 1;
            hash = link(&hash, seq, &line);
            if line.seq != Some(seq) || line.hash.as_ref().map(|h| &h.0) != Some(&hash) {
                return Ok(Some(seq));
            }
        }
    }
}

fn link(before: &[u8], seq: i64, line: &Model) -> Vec<u8> {
    // jsonb keeps keys in an order of its own, and a backup may go from one database to the other.
    let words = serde_json::json!([
        seq,
        line.id,
        line.at.0,
        line.actor_kind.word(),
        line.actor,
        line.act,
        line.subject,
        line.detail
    ]);
    sha256(&[before, canonical::json(&words).as_bytes()].concat()).0
}
