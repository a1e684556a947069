//! Figures of reviews: how many of those asked, how many good, how many bad.

use super::{Figure, Month, Row, figure};
use crate::base::error::Result;
use crate::base::vault::sha256;
use entity::review::{Model as Review, Ordinal, invitation};
use entity::{Id, Time};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, QueryFilter as _, QuerySelect as _,
    QueryTrait as _,
};
use std::collections::HashMap;

pub(super) async fn of_reviews(
    db: &impl ConnectionTrait,
    centre: Id,
    month: Month,
    frozen_at: Time,
) -> Result<Vec<Figure>> {
    use entity::review::{Column as R, Entity as Reviews};
    use invitation::Column as I;
    let invited = invitation::Entity::find()
        .filter(I::CentreId.eq(centre))
        .filter(I::OnDate.between(month.first, month.last()))
        .filter(I::RecordedAt.lte(frozen_at))
        .all(db)
        .await?;
    let firsts = R::CentreId.eq(centre).and(R::RecordedAt.lte(frozen_at)).and(R::Ordinal.eq(Ordinal::First));
    let of_invited = invitation::Entity::find()
        .select_only()
        .column(I::Id)
        .filter(I::CentreId.eq(centre))
        .filter(I::OnDate.between(month.first, month.last()))
        .into_query();
    let answers =
        Reviews::find().filter(firsts.clone()).filter(R::InvitationId.in_subquery(of_invited)).all(db).await?;
    let answered: HashMap<Id, &Review> = answers.iter().map(|r| (r.invitation_id, r)).collect();
    let given = Reviews::find().filter(firsts).filter(R::OnDate.between(month.first, month.last())).all(db).await?;
    let numbers = case_numbers(db, invited.iter().map(|i| i.case_id)).await?;
    let number = |id: &Id| numbers.get(id).cloned();

    let asked = invited
        .iter()
        .map(|i| Row { reference: number(&i.case_id), on: Some(i.on_date), counted: answered.contains_key(&i.id) })
        .collect();
    let graded = |counted: fn(i32) -> bool| -> Vec<Row> {
        // By a mark of its own and without a day: whoever opens this row may be the one who was rated.
        let row = |r: &Review| Row {
            reference: Some(hex::encode(&sha256(r.id.as_bytes()).0[..8])),
            on: None,
            counted: r.grade.is_some_and(counted),
        };
        given.iter().map(row).collect()
    };
    Ok(vec![
        figure("rated", "参评率", "已评价的／本月办结而邀请评价的办件", "4.5", true, asked).held_back(),
        figure("good", "好评率", "非常满意、满意、基本满意／本月收到的评价", "4.5", true, graded(|g| g >= 3))
            .held_back(),
        figure(
            "bad",
            "差评",
            "本月收到的不满意、非常不满意",
            "4.5",
            false,
            graded(|g| g <= 2).into_iter().filter(|r| r.counted).collect(),
        )
        .held_back(),
    ])
}

async fn case_numbers(db: &impl ConnectionTrait, ids: impl Iterator<Item = Id>) -> Result<HashMap<Id, String>> {
    let mut ids: Vec<Id> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    let mut numbers = HashMap::new();
    // Databases limit how many values a statement may carry.
    for part in ids.chunks(1000) {
        let rows =
            entity::case::Entity::find().filter(entity::case::Column::Id.is_in(part.iter().copied())).all(db).await?;
        numbers.extend(rows.into_iter().map(|c| (c.id, c.number)));
    }
    Ok(numbers)
}
