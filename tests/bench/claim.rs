//! Claiming what is due, with fifty thousand texts in the outbox and with five million: nothing may grow with the table. And
//! the deliverer whole, through the gateway that keeps texts in memory.

use crate::cpu::Cpu;
use crate::stage::Stage;
use crate::table::{Row, Table, middle};
use shuitian::domain::notice;
use shuitian::jobs::deliver;
use std::time::Instant;

/// Texts claimed at once, as the deliverer does.
const BATCH: u64 = 200;
/// Texts that are due at each measuring.
const DUE: u64 = 4000;

pub async fn run(table: &mut Table, rounds: usize) {
    let stage = Stage::open("claim").await;
    let mut rates = Vec::new();
    for rows in [50_000, 5_000_000] {
        fill(&stage, rows).await;
        let mut claims = Vec::new();
        for _ in 0..rounds {
            due(&stage).await;
            claims.push(claim(&stage).await);
            stage.run("delete from notice where state = 'claimed'").await;
        }
        rates.push(middle(claims));
    }
    let least = Some(1.0 / 1.3);
    table.add(Row::new("texts claimed, 5,000,000 in the outbox, of 50,000 in it", rates[1], rates[0], least));
    let (mut sent, mut used) = (Vec::new(), String::new());
    for _ in 0..rounds {
        due(&stage).await;
        let (before, began) = (Cpu::now(None, stage.postmaster), Instant::now());
        deliver::all(&stage.app).await.unwrap();
        sent.push(DUE as f64 / began.elapsed().as_secs_f64());
        used = format!("each {}", before.each(None, stage.postmaster, DUE as f64));
    }
    let name = "texts delivered through the memory gateway, of 2,000 a second";
    table.add(Row::new(name, middle(sent), 2000.0, Some(1.0)).with(&used));
}

/// The columns of a text as the product writes them, for so many numbers.
fn texts(key: &str, state: &str, done: bool, from: u64, to: u64) -> String {
    let (now, done_at) = ("(extract(epoch from now()) * 1000)::bigint", if done { "due" } else { "null" });
    format!(
        "insert into notice (id, centre_id, key, kind, version, lane, phone, phone_blind, text, filled, segments, about, matter_at, due_at, \
         expires_at, state, attempts, sent_at, gateway, vendor_id, delivery, created_at, done_at) \
         select gen_random_uuid(), c.id, '{key}' || n, 'booking.confirmed', 0, 'notice', decode(md5('p' || n), 'hex'), \
         decode(md5('b' || n % 20000) || md5('c' || n % 20000), 'hex'), decode(repeat(md5('t' || n), 6), 'hex'), \
         decode(repeat(md5('v' || n), 6), 'hex'), 2, \
         gen_random_uuid(), due, due, due + 864000000, '{state}', {}, {}, {}, {}, 'unknown', due, {done_at} \
         from centre c, generate_series({from}::bigint, {to}) n, \
         lateral (select {now} - {} as due) d",
        i32::from(done),
        if done { "due" } else { "null" },
        if done { "'memory'" } else { "null" },
        if done { "gen_random_uuid()::text" } else { "null" },
        // What is done was done over two years; what is due is due now.
        if done { "86400000 - n * 12000" } else { "1000" },
    )
}

/// Fills the outbox up to so many texts that went out.
async fn fill(stage: &Stage, rows: u64) {
    let began = Instant::now();
    let count = "select 1 from notice where state = 'accepted'";
    let there = sea_orm::ConnectionTrait::query_all_raw(
        stage.app.read(),
        sea_orm::Statement::from_string(sea_orm::DbBackend::Postgres, format!("{count} limit 1")),
    );
    let from = if there.await.unwrap().is_empty() { 1 } else { 50_001 };
    // Some at a time, so that it is seen to go on.
    let mut next = from;
    while next <= rows {
        let to = Ord::min(next + 499_999, rows);
        stage.run(&texts("done/", "accepted", true, next, to)).await;
        next = to + 1;
    }
    stage.run("vacuum analyze notice").await;
    // What was filled is on the disk: writing it would slow down what is measured.
    stage.run("checkpoint").await;
    println!("{rows} texts are there after {:.0} s", began.elapsed().as_secs_f64());
}

/// Texts that are due, by the rules: their words are sealed, so that they can be opened.
async fn due(stage: &Stage) {
    stage.say(DUE).await;
}

/// Texts claimed a second, until none is due.
async fn claim(stage: &Stage) -> f64 {
    let (db, random) = (stage.app.database.writer(), &stage.app.random);
    let began = Instant::now();
    let mut claimed = 0;
    loop {
        let now = stage.app.clock.now();
        let batch =
            notice::claim(db, now, &stage.app.rules.quiet, notice::Lanes::All, random.id(now), BATCH).await.unwrap();
        if batch.is_empty() {
            assert_eq!(claimed, DUE);
            return DUE as f64 / began.elapsed().as_secs_f64();
        }
        claimed += batch.len() as u64;
    }
}
