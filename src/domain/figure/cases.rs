//! Figures of cases: how many, how many in time, how many at once, and by office.

use super::{Figure, Month, Row, figure};
use crate::base::error::Result;
use crate::domain::{centre, guide};
use chrono::NaiveDate;
use entity::case::{CaseEventKind, Model as Case, event};
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
    let rows = event::Entity::find().filter(known).filter(E::CaseId.in_subquery(touched.clone())).all(db).await?;
    let cases = entity::case::Entity::find().filter(entity::case::Column::Id.in_subquery(touched)).all(db).await?;
    let mut events: HashMap<Id, Vec<event::Model>> = HashMap::new();
    for event in rows {
        events.entry(event.case_id).or_default().push(event);
    }
    let lives: Vec<Life<'_>> = cases.iter().filter_map(|c| life(c, events.get(&c.id)?)).collect();

    let row = |life: &Life<'_>, on, counted| Row { reference: life.case.number.clone(), on, counted };
    let received: Vec<(Id, Row)> = lives
        .iter()
        .filter(|l| month.has(l.received_on))
        .map(|l| (l.case.office_id, row(l, l.received_on, true)))
        .collect();
    let ended: Vec<(&Life<'_>, NaiveDate)> = lives
        .iter()
        .filter_map(|l| {
            l.ended.filter(|(kind, on)| *kind != CaseEventKind::Withdrawn && month.has(*on)).map(|(_, on)| (l, on))
        })
        .collect();
    let in_time: Vec<Row> = lives
        .iter()
        .filter(|l| l.accepted)
        .filter_map(|l| {
            let due = l.due_on?;
            match (l.decided_on, l.ended) {
                (Some(decided), _) => month.has(decided).then(|| row(l, decided, decided <= due)),
                (None, None) => (month.has(due) && Time::at(due, 24 * 60) <= frozen_at).then(|| row(l, due, false)),
                (None, Some(_)) => None,
            }
        })
        .collect();
    let instant = ended.iter().map(|(l, on)| row(l, *on, l.case.item_kind == Some(ItemKind::Instant))).collect();

    // An office without matters of its own would only be a row of noughts.
    let with_matters: Vec<Id> = guide::names(db, centre).await?.into_values().map(|g| g.office_id).collect();
    let offices = centre::offices(db, centre).await?.into_iter().filter(|o| with_matters.contains(&o.id));
    let offices: Vec<_> = offices.collect();
    let mut figures = vec![
        figure(
            "received",
            "收件量",
            "本月收件的办件数",
            "5.2.5",
            false,
            received.iter().map(|(_, r)| r.clone()).collect(),
        ),
        figure(
            "ended",
            "办结量",
            "本月办结的办件数：发件、不予批准和不予受理，不含撤回",
            "5.2.5",
            false,
            ended.iter().map(|(l, on)| row(l, *on, true)).collect(),
        ),
        figure(
            "ended_in_time",
            "按时办结率",
            "在期限内作出决定的／本月作出决定的和本月到期未决定的；没有公布时限的不计",
            "4.5",
            true,
            in_time,
        ),
        figure("instant", "即办率", "办结的即办件／办结量", "4.5", true, instant),
    ];
    for office in &offices {
        let of_office = received.iter().filter(|(id, _)| *id == office.id).map(|(_, r)| r.clone()).collect();
        let ended_of =
            ended.iter().filter(|(l, _)| l.case.office_id == office.id).map(|(l, on)| row(l, *on, true)).collect();
        let (key, name) = (&office.code, &office.name);
        figures.push(figure(
            format!("received.{key}"),
            format!("收件量·{name}"),
            "本月该科室事项收件的办件数",
            "5.2.5",
            false,
            of_office,
        ));
        figures.push(figure(
            format!("ended.{key}"),
            format!("办结量·{name}"),
            "本月该科室事项办结的办件数",
            "5.2.5",
            false,
            ended_of,
        ));
    }
    Ok(figures)
}
