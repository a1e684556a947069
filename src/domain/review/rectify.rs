//! Rectification (差评整改, article 4.5): each bad review opens one, for the head of its office or the supervision window to see to.
//!
//! Whoever had a hand in the case is rated by it, whatever his rank, and never sees it.

use super::dictionary::GRADES;
use crate::base::error::Result;
use crate::base::vault::{Place, Vault};
use crate::domain::act::{Act, Page, StaffMember};
use crate::domain::published::Centre;
use entity::audit::ActorKind;
use entity::case::{Entity as Cases, Model as Case, custody, event, step};
use entity::identity::Role;
use entity::review::rectification::{Column, Entity, Model};
use entity::review::{Entity as Reviews, Model as Review};
use entity::{document, seal};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _,
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
    let acted = event::Entity::find()
        .select_only()
        .column(event::Column::CaseId)
        .filter(event::Column::CentreId.eq(centre.id))
        .filter(event::Column::ActorKind.eq(ActorKind::Staff))
        .filter(event::Column::Actor.eq(who.id.to_string()));
    // Not every hand leaves an event: who had an original, put a seal on, was charged with a step or stood for its A had one too.
    let held = custody::Entity::find().select_only().column(custody::Column::CaseId);
    let held = held.filter(custody::Column::CentreId.eq(centre.id)).filter(custody::Column::StaffId.eq(who.id));
    let charged = step::Entity::find().select_only().column(step::Column::CaseId);
    let charged = charged.filter(step::Column::CentreId.eq(centre.id)).filter(step::Column::ChargedId.eq(who.id));
    let whose = event::Entity::find().select_only().column(event::Column::CaseId);
    let whose = whose.filter(event::Column::CentreId.eq(centre.id)).filter(event::Column::OfId.eq(who.id));
    let sealed = document::Entity::find().select_only().column(document::Column::CaseId).filter(
        document::Column::Id.in_subquery(
            seal::used::Entity::find()
                .select_only()
                .column(seal::used::Column::DocumentId)
                .filter(seal::used::Column::CentreId.eq(centre.id))
                .filter(seal::used::Column::StaffId.eq(who.id))
                .into_query(),
        ),
    );
    let of = entity::case::Column::CentreId.eq(centre.id).and(entity::case::Column::FirstAskedId.eq(who.id));
    let asked_first = Cases::find().select_only().column(entity::case::Column::Id).filter(of);
    let mut rows = Entity::find()
        .filter(Column::CentreId.eq(centre.id))
        .filter(Column::CaseId.not_in_subquery(acted.into_query()))
        .filter(Column::CaseId.not_in_subquery(asked_first.into_query()))
        .filter(Column::CaseId.not_in_subquery(held.into_query()))
        .filter(Column::CaseId.not_in_subquery(charged.into_query()))
        .filter(Column::CaseId.not_in_subquery(whose.into_query()))
        .filter(Column::CaseId.not_in_subquery(sealed.into_query()));
    if !who.is_any(&[Role::SupervisionWindow, Role::Director]) {
        rows = rows.filter(Column::OfficeId.is_in(who.office.filter(|_| who.is_any(&[Role::OfficeHead]))));
    }
    let rows = page.of(rows, Column::OpenedAt, Column::Id).all(db).await?;
    let (rows, next) = page.cut(rows, |row| (row.opened_at, row.id));
    let cases = Cases::find().filter(entity::case::Column::Id.is_in(rows.iter().map(|row| row.case_id)));
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
