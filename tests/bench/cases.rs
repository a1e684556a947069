//! Cases: a page of a list among a million, and a timeline of 200 events, beside the read of a single row by the same pool.

use crate::stage::Stage;
use crate::table::{Row, Table, middle};
use sea_orm::EntityTrait as _;
use shuitian::domain::Who;
use shuitian::domain::act::Page;
use shuitian::domain::case::{self, Filter, Sight};
use std::time::Instant;

/// Cases that are read; a million others lie behind them.
const READ: usize = 100;
/// Reads of each kind, in turns.
const READS: usize = 2000;

pub async fn run(table: &mut Table, rounds: usize) {
    let stage = Stage::open("cases").await;
    let last = fill(&stage).await;
    let (app, centre, now) = (&stage.app, &*stage.centre, stage.app.clock.now());
    let db = app.read();
    let clerk = Who::Staff(stage.clerk().await);
    let sight = Sight::of(db, &app.vault, centre, &clerk, now).await.unwrap();
    let (mut single, mut listed, mut timelines) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..rounds {
        let (mut one, mut page, mut timeline) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..READS {
            let began = Instant::now();
            let row = entity::case::Entity::find_by_id(last).one(db).await.unwrap().unwrap();
            one.push(began.elapsed().as_secs_f64());
            let began = Instant::now();
            let part = Page::new(Some(20), None).unwrap();
            let (cases, _) = case::list(db, &app.vault, centre, &sight, Filter::default(), part, now).await.unwrap();
            page.push(began.elapsed().as_secs_f64());
            let began = Instant::now();
            let events = case::timeline(db, &row).await.unwrap();
            timeline.push(began.elapsed().as_secs_f64());
            assert_eq!((cases.len(), events.len()), (20, 200));
        }
        single.push(1.0 / middle(one));
        listed.push(1.0 / middle(page));
        timelines.push(1.0 / middle(timeline));
    }
    let one = middle(single);
    let least = Some(1.0 / 5.0);
    table.add(Row::new("a list page of 20 among 1,000,000 cases, of a single row", middle(listed), one, least));
    table.add(Row::new("a timeline of 200 events, of a single row", middle(timelines), one, least));
}

/// Takes cases in, puts a million older ones behind them, and lets much happen to the last; gives its id.
async fn fill(stage: &Stage) -> entity::Id {
    let clerk = stage.clerk().await;
    let receive = async |act: &_| {
        let mut last = None;
        for n in 0..READ {
            let intake = Stage::intake(format!("村民{n}"));
            last = Some(case::receive(act, intake).await?.case.id);
        }
        Ok(last)
    };
    let last = stage.app.write(&stage.centre, Who::Staff(clerk), receive).await.unwrap().unwrap();
    let changed = [
        ("id", "md5('bench' || n)::uuid"),
        ("number", "'B-' || n"),
        ("receipt_number", "'R-' || n"),
        ("received_at", "received_at - n::bigint * 90000 - 1"),
    ];
    copy(stage, "service_case", &format!("id = '{last}'"), &changed, 1_000_000).await;
    let changed = [("id", "md5('event' || n)::uuid"), ("at", "at + n"), ("kind", "'step_finished'"), ("step", "n")];
    copy(stage, "case_event", &format!("case_id = '{last}'"), &changed, 199).await;
    stage.run("vacuum analyze service_case; ").await;
    stage.run("vacuum analyze case_event").await;
    last
}

/// Copies a row so many times, with some of its columns changed by number.
async fn copy(stage: &Stage, table: &str, of: &str, changed: &[(&str, &str)], times: u32) {
    let columns = format!(
        "select string_agg(quote_ident(column_name::text), ',') from information_schema.columns where table_name = '{table}'"
    );
    let names: Vec<&str> = changed.iter().map(|(name, _)| *name).collect();
    let values: Vec<&str> = changed.iter().map(|(_, value)| *value).collect();
    let quoted: Vec<String> = names.iter().map(|name| format!("'{name}'")).collect();
    let insert = format!(
        "do $$ declare kept text; begin set local session_replication_role = replica; \
         kept := ({columns} and column_name not in ({})); \
         execute 'insert into {table} ({}, ' || kept || ') select {}, ' || kept || ' from {table}, generate_series(1, {times}) n where {}'; end $$",
        quoted.join(", "),
        names.join(", "),
        values.join(", ").replace('\'', "''"),
        of.replace('\'', "''"),
    );
    stage.run(&insert).await;
}
