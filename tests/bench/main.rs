//! Benches: the product's speed beside that of what it rests on, as ratios within one run.
#![expect(
    clippy::expect_used,
    clippy::unwrap_used,
    clippy::panic,
    clippy::print_stdout,
    unreachable_pub,
    clippy::disallowed_methods,
    reason = "a bench that cannot go on has failed; it measures time, and prints"
)]

mod bare;
mod cases;
mod claim;
mod cpu;
mod load;
mod pgbench;
mod place;
mod read;
mod script;
mod send;
mod stage;
mod table;

use std::process::ExitCode;

fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).filter(|w| !w.starts_with('-')).collect();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    runtime.block_on(async {
        if words.iter().any(|w| w == bare::WORD) {
            bare::serve(words.last().and_then(|w| w.parse().ok()).unwrap_or(0)).await;
            return ExitCode::SUCCESS;
        }
        let asked = |name: &str| words.is_empty() || words.iter().any(|w| w == name);
        let mut table = table::Table::default();
        if asked("place") {
            place::run(&mut table, 3, 5).await;
        }
        if asked("read") {
            read::run(&mut table, 3, 4).await;
        }
        if asked("cases") {
            cases::run(&mut table, 3).await;
        }
        if asked("claim") {
            claim::run(&mut table, 3).await;
        }
        if asked("send") {
            send::run(&mut table, 3).await;
        }
        if table.tell() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    })
}
