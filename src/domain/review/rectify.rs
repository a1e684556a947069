//! Rectification (差评整改, article 4.5): each bad review opens one, for the head of its office or the supervision window to see to.
//!
//! Whoever had a hand in the case is rated by it, whatever his rank, and never sees it.

use super::dictionary::GRADES;
use crate::base::error::Result;
use crate::base::vault::{Place, Vault};
use crate::domain::act::{Act, Page, StaffMember};
use crate::domain::published::Centre;
use entity::Id;
use entity::audit::ActorKind;
use entity::case::{self, Entity as Cases, Model as Case, custody, event, step};
use entity::identity::Role;
use entity::review::rectification::{Column, Entity, Model};
use entity::review::{Entity as Reviews, Model as Review};
use entity::{document, seal};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, Condition, ConnectionTrait, EntityTrait, ExprTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _,
};

/// What a review opens, if it is bad.
#[must_use]
pub fn opened(act: &Act, review: &Review, case: &Case) -> Option<Model> {
    let bad = |grade: i32| GRADES.iter().any(|g| g.code == grade && g.bad);
    review.grade.is_some_and(bad).then(|| Model {
        id: act.id(),
        centre_id: act.centre.id,
        invitation_id: review.invitation_id,
        review_id: review.id,
        case_id: case.id,
        office_id: case.office_id,
        opened_at: act.now,
    })
}

/// Opens it; what is added to a bad review opens no second one.
pub(super) async fn open(act: &Act, review: &Review) -> Result<()> {
    let case = super::invite::case_of(&*act.tx, review.case_id).await?;
    if let Some(row) = opened(act, review, &case) {
        act.insert_new(row).await?;
    }
    Ok(())
}

/// A rectification, with what was said.
#[derive(Clone, Debug)]
pub struct Rectification {
    /// The row.
    pub row: Model,
    /// Its case.
    pub case: Case,
    /// The reviews of it, with their words in clear, first and append.
    pub reviews: Vec<(Review, Option<String>)>,
}

/// Whoever did something of a case of a rectification, or for whom it was done; who was asked first, had an original, put a seal on,
/// or was charged with a step: not every hand leaves an event.
fn had_a_hand(staff: Id) -> Condition {
    fn exists<E: EntityTrait>(case: E::Column, his: impl Into<Condition>) -> Expr {
        let of = Expr::col((E::default(), case)).equals((Entity, Column::CaseId));
        Expr::exists(E::find().select_only().column(case).filter(of).filter(his.into()).into_query())
    }
    let by_staff = event::Column::ActorKind.eq(ActorKind::Staff).and(event::Column::Actor.eq(staff.to_string()));
    let sealed = seal::used::Entity::find()
        .select_only()
        .column(seal::used::Column::DocumentId)
        .filter(seal::used::Column::StaffId.eq(staff));
    let sealed = document::Column::Id.in_subquery(sealed.into_query());
    let asked = case::Column::FirstAskedId.eq(staff);
    Condition::any()
        .add(exists::<event::Entity>(event::Column::CaseId, by_staff.or(event::Column::OfId.eq(staff))))
        .add(exists::<Cases>(case::Column::Id, asked))
        .add(exists::<custody::Entity>(custody::Column::CaseId, custody::Column::StaffId.eq(staff)))
        .add(exists::<step::Entity>(step::Column::CaseId, step::Column::ChargedId.eq(staff)))
        .add(exists::<document::Entity>(document::Column::CaseId, sealed))
}

/// Those that somebody sees to, latest first: a head his office's, the supervision window and the director all; nobody one of a case
/// that he had a hand in.
///
/// # Errors
/// Whatever the database or the vault says.
pub async fn list(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    who: &StaffMember,
    page: Page,
) -> Result<(Vec<Rectification>, Option<String>)> {
    let mut rows = Entity::find().filter(Column::CentreId.eq(centre.id)).filter(had_a_hand(who.id).not());
    if !who.is_any(&[Role::SupervisionWindow, Role::Director]) {
        rows = rows.filter(Column::OfficeId.is_in(who.office.filter(|_| who.is_any(&[Role::OfficeHead]))));
    }
    let rows = page.of(rows, Column::OpenedAt, Column::Id).all(db).await?;
    let (rows, next) = page.cut(rows, |row| (row.opened_at, row.id));
    let cases = Cases::find().filter(case::Column::Id.is_in(rows.iter().map(|row| row.case_id)));
    let cases = cases.all(db).await?;
    let given = Reviews::find()
        .filter(entity::review::Column::InvitationId.is_in(rows.iter().map(|row| row.invitation_id)))
        .order_by_asc(entity::review::Column::At)
        .all(db)
        .await?;
    let mut found = Vec::with_capacity(rows.len());
    for row in rows {
        let Some(case) = cases.iter().find(|case| case.id == row.case_id).cloned() else { continue };
        let mut reviews = Vec::new();
        for review in given.iter().filter(|review| review.invitation_id == row.invitation_id) {
            let open = |sealed| vault.open(Place::new("review.comment", review.centre_id, review.id), sealed);
            reviews.push((review.clone(), review.comment.as_ref().map(open).transpose()?));
        }
        found.push(Rectification { row, case, reviews });
    }
    Ok((found, next))
}
