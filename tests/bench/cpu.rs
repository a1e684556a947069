//! Where the processor's time goes: to the server, the database, the counters, and whoever asks.

use procfs::process::{Process, all_processes};
use std::collections::BTreeMap;

/// Seconds of processor time by part, so far.
pub struct Cpu(BTreeMap<&'static str, f64>);

impl Cpu {
    /// Reads the clocks of all processes of the parts: the server, and those that a postmaster has started.
    pub fn now(server: u32, postmaster: i32) -> Self {
        let mut parts = BTreeMap::new();
        let me = std::process::id();
        for process in all_processes().unwrap().filter_map(Result::ok) {
            let Ok(stat) = process.stat() else { continue };
            let part = match stat.comm.as_str() {
                _ if stat.pid.unsigned_abs() == server => "server",
                _ if stat.pid.unsigned_abs() == me => "asking",
                "postgres" if stat.ppid == postmaster => "postgres",
                "redis-server" => "redis",
                _ => continue,
            };
            *parts.entry(part).or_default() += seconds(&process);
        }
        Self(parts)
    }

    /// Microseconds each part used since, for each of so many.
    pub fn each(&self, server: u32, postmaster: i32, n: f64) -> String {
        let now = Self::now(server, postmaster);
        let used = |part| now.0.get(part).unwrap_or(&0.0) - self.0.get(part).unwrap_or(&0.0);
        let parts = ["server", "postgres", "redis", "asking"];
        let told: Vec<String> = parts.iter().map(|part| format!("{part} {:.0}", used(part) / n * 1e6)).collect();
        format!("{} µs", told.join(", "))
    }
}

fn seconds(process: &Process) -> f64 {
    process.stat().map_or(0.0, |s| (s.utime + s.stime) as f64 / procfs::ticks_per_second() as f64)
}
