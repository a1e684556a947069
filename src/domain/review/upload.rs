//! Uploading (好差评上报): reviews go to the platform above in batches, in the national field set, at least once; a review is
//! told from others by case, service and whether it adds to one. A bad grade waits for a reason: the platform takes none without.

use super::dictionary::GRADES;
use crate::base::error::Result;
use crate::base::personal;
use crate::base::settings;
use crate::base::vault::{Place, Vault};
use crate::domain::act::Act;
use crate::domain::applicant;
use crate::domain::published::Centre;
use entity::applicant::ApplicantKind;
use entity::case::{Entity as Cases, Model as Case};
use entity::guide::ItemKind;
use entity::review::upload::{Column, Entity, Model, Upload};
use entity::review::{Checked, Column as Of, Entity as Reviews, Model as Review, Ordinal, ReviewChannel};
use entity::{Id, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde_json::{Value, json};
use std::collections::HashMap;

/// Reviews that go together.
const BATCH: u64 = 500;

/// A review as it waits to be uploaded.
#[must_use]
pub fn waiting(review: &Review) -> Model {
    let reasonless = review.tags.is_empty() && review.comment.is_none();
    let bad = |grade: i32| GRADES.iter().any(|g| g.code == grade && g.bad);
    let waits = review.grade.is_some_and(bad) && reasonless;
    Model {
        review_id: review.id,
        centre_id: review.centre_id,
        state: if waits { Upload::Waits } else { Upload::Due },
        batch: None,
        reason: None,
        at: review.at,
    }
}

/// Notes that a review was given. What adds to one that waited for its reason brings it.
pub(super) async fn note(act: &Act, review: &Review) -> Result<()> {
    act.insert(waiting(review)).await?;
    if review.ordinal == Ordinal::Append {
        let first = Reviews::find()
            .select_only()
            .column(Of::Id)
            .filter(Of::InvitationId.eq(review.invitation_id))
            .filter(Of::Ordinal.eq(Ordinal::First));
        Entity::update_many()
            .col_expr(Column::State, Expr::value(Upload::Due))
            .filter(Column::ReviewId.in_subquery(sea_orm::QueryTrait::into_query(first)))
            .filter(Column::State.eq(Upload::Waits))
            .exec(&*act.tx)
            .await?;
    }
    Ok(())
}

/// A batch that is to go, or to go again: its name and what it holds.
pub struct Batch {
    /// Its name. The same one holds the same, however often it goes.
    pub name: String,
    /// The reviews, in the order of their records.
    pub reviews: Vec<Id>,
    /// As the platform takes them.
    pub records: Vec<Value>,
}

/// The next batch of the act's centre: one that was begun and not heard of, else a new one of what is due.
///
/// # Errors
/// Whatever the database or the vault says.
pub async fn next_batch(act: &Act, profile: &settings::Upload) -> Result<Option<Batch>> {
    let open = Column::State.ne(Upload::Done);
    let mine = || Entity::find().filter(Column::CentreId.eq(act.centre.id)).filter(open.clone());
    let begun = mine().filter(Column::State.eq(Upload::Claimed)).order_by_asc(Column::Batch).one(&*act.tx).await?;
    let name = match begun.and_then(|row| row.batch) {
        Some(name) => name,
        None => {
            let due = mine().filter(Column::State.eq(Upload::Due)).order_by_asc(Column::At).limit(BATCH);
            let due: Vec<Id> = due.all(&*act.tx).await?.into_iter().map(|row| row.review_id).collect();
            if due.is_empty() {
                return Ok(None);
            }
            let day = act.now.date().format("%Y%m%d");
            let name = format!("{}-{day}-{}", act.centre.code, act.random.word(6).to_lowercase());
            Entity::update_many()
                .col_expr(Column::State, Expr::value(Upload::Claimed))
                .col_expr(Column::Batch, Expr::value(&name))
                .filter(Column::ReviewId.is_in(due))
                .filter(Column::State.eq(Upload::Due))
                .exec(&*act.tx)
                .await?;
            name
        }
    };
    let rows = mine().filter(Column::Batch.eq(&name)).filter(Column::State.eq(Upload::Claimed));
    let ids = rows.order_by_asc(Column::ReviewId).all(&*act.tx).await?.into_iter().map(|row| row.review_id);
    let reviews: Vec<Id> = ids.collect();
    let (records, broken) = records(&*act.tx, &act.vault, &act.centre, profile, &reviews).await?;
    for review in &broken {
        // It would stop every batch from here on.
        tracing::error!(%review, "a review cannot be opened, and is not uploaded");
        settle_one(act, *review, &name, Upload::Refused, Some("cannot_be_opened")).await?;
    }
    let reviews: Vec<Id> = reviews.into_iter().filter(|id| !broken.contains(id)).collect();
    Ok(Some(Batch { name, reviews, records }).filter(|batch| !batch.reviews.is_empty()))
}

async fn settle_one(act: &Act, review: Id, batch: &str, state: Upload, reason: Option<&str>) -> Result<()> {
    Entity::update_many()
        .col_expr(Column::State, Expr::value(state))
        .col_expr(Column::Reason, Expr::value(reason))
        .col_expr(Column::At, Expr::value(act.now))
        .filter(Column::ReviewId.eq(review))
        .filter(Column::Batch.eq(batch))
        .exec(&*act.tx)
        .await?;
    Ok(())
}

/// What became of one review of a batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Taken {
    /// It is there, by this or an earlier upload.
    There,
    /// The platform will not take it, for this reason.
    Refused(String),
}

/// Writes down what became of a batch.
///
/// # Errors
/// Whatever the database says.
pub async fn settle_batch(act: &Act, batch: &Batch, taken: &[Taken]) -> Result<()> {
    for (review, taken) in batch.reviews.iter().zip(taken) {
        let (state, reason) = match taken {
            Taken::There => (Upload::Done, None),
            Taken::Refused(reason) => (Upload::Refused, Some(reason.chars().take(200).collect::<String>())),
        };
        settle_one(act, *review, &batch.name, state, reason.as_deref()).await?;
    }
    Ok(())
}

/// How many reviews of a centre stand so.
///
/// # Errors
/// Whatever the database says.
pub async fn uploads(db: &impl ConnectionTrait, centre: Id) -> Result<Vec<(Upload, i64)>> {
    let rows = Entity::find()
        .select_only()
        .column(Column::State)
        .column_as(Column::ReviewId.count(), "n")
        .filter(Column::CentreId.eq(centre))
        .filter(Column::State.ne(Upload::Done))
        .group_by(Column::State);
    Ok(rows.into_tuple().all(db).await?)
}

async fn records(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    profile: &settings::Upload,
    ids: &[Id],
) -> Result<(Vec<Value>, Vec<Id>)> {
    let reviews = Reviews::find().filter(Of::Id.is_in(ids.iter().copied())).order_by_asc(Of::Id).all(db).await?;
    let cases = Cases::find().filter(entity::case::Column::Id.is_in(reviews.iter().map(|r| r.case_id))).all(db).await?;
    let cases: HashMap<Id, Case> = cases.into_iter().map(|case| (case.id, case)).collect();
    let both = Reviews::find().filter(Of::InvitationId.is_in(reviews.iter().map(|r| r.invitation_id))).all(db).await?;
    let other =
        |of: &Review, ordinal| both.iter().find(|r| r.invitation_id == of.invitation_id && r.ordinal == ordinal);
    let words = |of: &Review| {
        let open = |sealed| vault.open(Place::new("review.comment", centre.id, of.id), sealed);
        of.comment.as_ref().map(open).transpose().map(Option::unwrap_or_default)
    };
    let offices = crate::domain::centre::offices(db, centre.id).await?;
    let guides = crate::domain::guide::all(db, centre).await?;
    let (mut records, mut broken) = (Vec::with_capacity(reviews.len()), Vec::new());
    for review in reviews {
        let case = cases.get(&review.case_id).ok_or_else(|| anyhow::anyhow!("a review without its case"))?;
        // A grade that was given without a word is explained by what was added.
        let explains = other(&review, Ordinal::Append).filter(|_| review.ordinal == Ordinal::First);
        let said = match (words(&review), explains) {
            (Ok(none), Some(added)) if none.is_empty() => words(added),
            (said, _) => said,
        };
        let (Ok(comment), Ok(person)) = (said, applicant::get(db, vault, centre.id, case.applicant_id).await) else {
            broken.push(review.id);
            continue;
        };
        let guide = guides.of(case.guide_id);
        let office = offices.iter().find(|o| o.id == case.office_id).map(|o| o.name.as_str());
        let told = |key: &str| centre.reporting.get(key).and_then(Value::as_str).unwrap_or_default();
        // An addition that says nothing of a grade leaves the first one's.
        let grade = review.grade.or_else(|| other(&review, Ordinal::First)?.grade);
        let document = person.document.as_ref().map(|(_, number)| personal::mask_id(number));
        records.push(json!({
            "areaCode": told("area_code"),
            "areaName": told("area_name"),
            "deptCode": told("dept_code"),
            "taskCode": guide.map(|g| g.row.code.clone()),
            "taskName": guide.map(|g| g.row.name.clone()),
            "projectNo": case.national_number.as_ref().unwrap_or(&case.number),
            "serviceNumber": review.service_no,
            "proStatus": "3",
            "proDepart": office,
            "acceptDate": case.accepted_on,
            "resultDate": case.ended_at.map(|at| at.date()),
            "promiseTime": case.item_kind.map(|kind| if kind == ItemKind::Instant { "1" } else { "2" }),
            "pf": profile.channel(review.channel).to_string(),
            "userProp": match person.kind {
                ApplicantKind::Person => "1",
                ApplicantKind::LegalPerson => "2",
                ApplicantKind::Organisation => "9",
            },
            "userName": if review.anonymous { String::new() } else { personal::mask_name(&person.name) },
            "certKey": document.filter(|_| !review.anonymous),
            "satisfaction": grade,
            "evalDetail": review.tags,
            "writingEvaluation": comment,
            "assessTime": in_their_form(review.at),
            "assessNumber": if review.ordinal == Ordinal::First { "1" } else { "2" },
            "anonymityFlag": if review.anonymous { "1" } else { "2" },
            // 1 无需审核, 2 已审核, 3 未审核.
            "appStatus": match review.checked {
                _ if comment.is_empty() => "1",
                Some(Checked::Pass) => "2",
                _ => "3",
            },
            // Whether it may be shown, nobody here has decided.
            "publicFlag": "2",
        }));
    }
    Ok((records, broken))
}

fn in_their_form(at: Time) -> String {
    at.local().format("%Y-%m-%d %H:%M:%S").to_string()
}

impl settings::Upload {
    /// The code (pf) by which the platform knows a channel: two dialects are in use.
    #[must_use]
    pub const fn channel(&self, channel: ReviewChannel) -> i64 {
        match channel {
            ReviewChannel::Link => self.link,
            ReviewChannel::Code => self.code,
            ReviewChannel::Sms => self.sms,
            ReviewChannel::Device => self.device,
        }
    }
}
