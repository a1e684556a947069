//! Figures of cases: how many, how many in time, how many at once, and by office.

use super::{Figure, Month, Row, figure};
use crate::base::error::Result;
use crate::domain::centre;
use chrono::NaiveDate;
use entity::case::{CaseEventKind, Model as Case, event};
use entity::centre::office;
use entity::guide::ItemKind;
use entity::{Id, Time};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, QueryFilter as _, QuerySelect as _,
    QueryTrait as _,
};
use std::collections::HashMap;

/// What is known of one case at the frozen moment, from its events alone.
struct Life<'c> {
    case: &'c Case,
    received_on: NaiveDate,
    accepted: bool,
    ended: Option<(CaseEventKind, NaiveDate)>,
    due_on: Option<NaiveDate>,
    decided_on: Option<NaiveDate>,
}

fn life<'c>(case: &'c Case, events: &[event::Model]) -> Option<Life<'c>> {
    use CaseEventKind as K;
    let received = events.iter().find(|e| e.kind == K::Received)?;
    let last = events.iter().max_by_key(|e| (e.recorded_at, e.id))?;
    let ended = events.iter().find(|e| matches!(e.kind, K::Refused | K::Denied | K::Issued | K::Withdrawn));
    Some(Life {
        case,
        received_on: received.on_date,
        accepted: events.iter().any(|e| e.kind == K::Accepted),
        ended: ended.map(|e| (e.kind, e.on_date)),
        due_on: last.due_on,
        decided_on: last.decided_on,
    })
}

pub(super) async fn of_cases(
    db: &impl ConnectionTrait,
    centre: Id,
    month: Month,
    frozen_at: Time,
) -> Result<Vec<Figure>> {
    use event::Column as E;
    let known = E::CentreId.eq(centre).and(E::RecordedAt.lte(frozen_at));
    let touched = event::Entity::find()
        .select_only()
        .column(E::CaseId)
        .filter(known.clone())
        .filter(E::OnDate.between(month.first, month.last()).or(E::DueOn.between(month.first, month.last())))
        .into_query();
    // What happened after the month is the next one's: a case decided late counts against the month it was due in, on
    // whichever day that month is frozen.
    let until_its_end = known.and(E::OnDate.lte(month.last()));
    let rows =
        event::Entity::find().filter(until_its_end).filter(E::CaseId.in_subquery(touched.clone())).all(db).await?;
    let cases = entity::case::Entity::find().filter(entity::case::Column::Id.in_subquery(touched)).all(db).await?;
    let mut events: HashMap<Id, Vec<event::Model>> = HashMap::new();
    for event in rows {
        events.entry(event.case_id).or_default().push(event);
    }
    let lives: Vec<Life<'_>> = cases.iter().filter_map(|c| life(c, events.get(&c.id)?)).collect();

    let all: Vec<&Life<'_>> = lives.iter().collect();
    let mut figures = of_lives(month, frozen_at, &all, None);
    for office in centre::offices(db, centre).await? {
        let its: Vec<&Life<'_>> = all.iter().copied().filter(|l| l.case.office_id == office.id).collect();
        figures.extend(of_lives(month, frozen_at, &its, Some(&office)));
    }
    Ok(figures)
}

/// The four figures of some cases: of the centre, or of one office.
fn of_lives(month: Month, frozen_at: Time, lives: &[&Life<'_>], office: Option<&office::Model>) -> Vec<Figure> {
    let row = |life: &Life<'_>, on, counted| Row { reference: Some(life.case.number.clone()), on: Some(on), counted };
    let received = lives.iter().filter(|l| month.has(l.received_on)).map(|l| row(l, l.received_on, true)).collect();
    let ended: Vec<(&Life<'_>, NaiveDate)> = lives
        .iter()
        .filter_map(|l| {
            l.ended.filter(|(kind, on)| *kind != CaseEventKind::Withdrawn && month.has(*on)).map(|(_, on)| (*l, on))
        })
        .collect();
    let due = |l: &&Life<'_>| {
        let due = l.due_on?;
        match (l.decided_on, l.ended) {
            (Some(decided), _) => month.has(decided).then(|| row(l, decided, decided <= due)),
            (None, None) => (month.has(due) && Time::at(due, 24 * 60) <= frozen_at).then(|| row(l, due, false)),
            (None, Some(_)) => None,
        }
    };
    let in_time = lives.iter().filter(|l| l.accepted).filter_map(due).collect();
    let instant = ended.iter().map(|(l, on)| row(l, *on, l.case.item_kind == Some(ItemKind::Instant))).collect();
    let ended = ended.iter().map(|(l, on)| row(l, *on, true)).collect();
    let named = |key: &str, title: &str, meaning, article, is_ratio, rows| {
        let (key, title) = match office {
            None => (key.to_owned(), title.to_owned()),
            Some(office) => (format!("{key}.{}", office.code), format!("{title}·{}", office.name)),
        };
        figure(key, title, meaning, article, is_ratio, rows)
    };
    let meaning = "在期限内作出决定的／本月作出决定的和本月到期未决定的；没有公布时限的不计";
    vec![
        named("received", "收件量", "本月收件的办件数", "5.2.5", false, received),
        named("ended", "办结量", "本月办结的办件数：发件、不予批准和不予受理，不含撤回", "5.2.5", false, ended),
        named("ended_in_time", "按时办结率", meaning, "4.5", true, in_time),
        named("instant", "即办率", "办结的即办件／办结量", "4.5", true, instant),
    ]
}
