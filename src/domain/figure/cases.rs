//! Figures of cases: how many, how many in time, how many at once, by office; and for how many people came once or not at all, by matter.

use super::{Figure, Month, Row, figure};
use crate::base::error::Result;
use crate::domain::centre;
use chrono::NaiveDate;
use entity::case::{CaseEventKind, Model as Case, event, trip};
use entity::centre::office;
use entity::guide::{self, ItemKind};
use entity::{Id, Time};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _,
    QuerySelect as _, QueryTrait as _,
};
use std::collections::HashMap;

/// What is known of one case at the frozen moment, from its events alone.
struct Life<'c> {
    case: &'c Case,
    trips: usize,
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
    // An event that was a mistake and was undone has not been: what names it left the case in another state.
    let undone = |e: &event::Model| events.iter().any(|by| by.amends_id == Some(e.id) && by.state != e.state);
    let is_end = |e: &&event::Model| matches!(e.kind, K::Refused | K::Denied | K::Issued | K::Withdrawn | K::Void);
    let ended = events.iter().filter(is_end).find(|e| !undone(e));
    Some(Life {
        case,
        trips: 0,
        received_on: received.on_date,
        accepted: events.iter().any(|e| matches!(e.kind, K::Accepted | K::DeemedAccepted)),
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
    let trips = trip::Entity::find()
        .filter(trip::Column::CaseId.is_in(cases.iter().map(|case| case.id)))
        .filter(trip::Column::RecordedAt.lte(frozen_at))
        .filter(trip::Column::OnDate.lte(month.last()));
    let mut came: HashMap<Id, usize> = HashMap::new();
    for trip in trips.all(db).await? {
        *came.entry(trip.case_id).or_default() += 1;
    }
    let mut lives: Vec<Life<'_>> = cases.iter().filter_map(|c| life(c, events.get(&c.id)?)).collect();
    for life in &mut lives {
        life.trips = came.get(&life.case.id).copied().unwrap_or(0);
    }

    let all: Vec<&Life<'_>> = lives.iter().collect();
    let mut figures = of_lives(month, frozen_at, &all, None);
    for office in centre::offices(db, centre).await? {
        let its: Vec<&Life<'_>> = all.iter().copied().filter(|l| l.case.office_id == office.id).collect();
        figures.extend(of_lives(month, frozen_at, &its, Some(&office)));
    }
    figures.extend(of_trips(month, &all, None));
    for guide in guides(db, centre).await? {
        let its: Vec<&Life<'_>> = all.iter().copied().filter(|l| l.case.guide_id == guide.id).collect();
        figures.extend(of_trips(month, &its, Some(&guide)));
    }
    Ok(figures)
}

async fn guides(db: &impl ConnectionTrait, centre: Id) -> Result<Vec<guide::Model>> {
    let guides = guide::Entity::find().filter(guide::Column::CentreId.eq(centre));
    Ok(guides.order_by_asc(guide::Column::Code).all(db).await?)
}

/// How many of the matters that were handed over brought people here once at most, and how many not at all (article 2.1): of the
/// centre, or of one matter.
fn of_trips(month: Month, lives: &[&Life<'_>], guide: Option<&guide::Model>) -> Vec<Figure> {
    let issued = || {
        let on = |l: &&&Life<'_>| l.ended.filter(|(kind, on)| *kind == CaseEventKind::Issued && month.has(*on));
        lives.iter().filter_map(move |l| Some((*l, on(&l)?.1)))
    };
    let rows = |most: usize| {
        let row = |(l, on): (&Life<'_>, NaiveDate)| Row {
            reference: Some(l.case.number.clone()),
            on: Some(on),
            counted: l.trips <= most,
        };
        issued().map(row).collect()
    };
    let named = |key: &str, title: &str, meaning, most| {
        let (key, title) = match guide {
            None => (key.to_owned(), title.to_owned()),
            Some(guide) => (format!("{key}.{}", guide.code), format!("{title}·{}", guide.name)),
        };
        figure(key, title, meaning, "2.1", true, rows(most))
    };
    vec![
        named("one_trip", "只跑一次率", "跑动不超过一次的／本月办结发件的；当天收件当天领取的算一次", 1),
        named("zero_trip", "零跑动率", "没有跑动的／本月办结发件的", 0),
    ]
}

/// True for an end with a result: what was taken back or voided has none.
const fn is_result(kind: CaseEventKind) -> bool {
    !matches!(kind, CaseEventKind::Withdrawn | CaseEventKind::Void)
}

/// The four figures of some cases: of the centre, or of one office.
fn of_lives(month: Month, frozen_at: Time, lives: &[&Life<'_>], office: Option<&office::Model>) -> Vec<Figure> {
    let row = |life: &Life<'_>, on, counted| Row { reference: Some(life.case.number.clone()), on: Some(on), counted };
    let received = lives.iter().filter(|l| month.has(l.received_on)).map(|l| row(l, l.received_on, true)).collect();
    let ended: Vec<(&Life<'_>, NaiveDate)> = lives
        .iter()
        .filter_map(|l| l.ended.filter(|(kind, on)| is_result(*kind) && month.has(*on)).map(|(_, on)| (*l, on)))
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
