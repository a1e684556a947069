//! PostgreSQL's own bench, for what the database can do by itself.

use std::io::Write as _;
use std::process::Command;
use std::sync::atomic::{AtomicU64, Ordering};

/// Where the program is: beside the server's others, which are rarely on the path.
fn program() -> String {
    std::env::var("SHUITIAN_BENCH_PGBENCH").unwrap_or_else(|_| "pgbench".to_owned())
}

/// Transactions a second of a script, by so many clients for so many seconds.
pub fn run(database: &str, script: &str, clients: usize, seconds: u64) -> f64 {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(script.as_bytes()).unwrap();
    let (clients, seconds) = (clients.to_string(), seconds.to_string());
    let file = file.path().to_str().unwrap();
    // Each run counts on from a number of its own.
    static RUNS: AtomicU64 = AtomicU64::new(1);
    let from = format!("n={}", RUNS.fetch_add(1, Ordering::Relaxed) * 100_000_000);
    let words = ["-n", "-D", &from, "-M", "prepared", "-c", &clients, "-j", "2", "-T", &seconds, "-f", file, database];
    let output = Command::new(program()).args(words).output().expect("pgbench is there");
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{told}{errors}");
    let tps = told.lines().find_map(|l| l.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
    let failed = told.lines().find(|l| l.starts_with("number of failed transactions"));
    assert!(failed.is_none_or(|l| l.contains(": 0 ")), "{told}");
    tps.unwrap_or_else(|| panic!("pgbench told no rate: {told}"))
}
