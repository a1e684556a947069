//! Where the processor's time goes: to the server, the database, the counters, and whoever asks.

use procfs::process::all_processes;
use std::collections::BTreeMap;

/// Seconds of processor time by process and part, so far.
pub struct Cpu(BTreeMap<i32, (&'static str, f64)>);

impl Cpu {
    /// Reads the clocks of all processes of the parts: the server, if it is one of its own, and those that a postmaster has
    /// started.
    pub fn now(server: Option<u32>, postmaster: i32) -> Self {
        let me = std::process::id();
        let clocks = all_processes().unwrap().filter_map(|process| {
            let stat = process.ok()?.stat().ok()?;
            let part = match stat.comm.as_str() {
                _ if Some(stat.pid.unsigned_abs()) == server => "server",
                _ if stat.pid.unsigned_abs() == me => {
                    if server.is_some() {
                        "asking"
                    } else {
                        "deliverer"
                    }
                }
                "postgres" if stat.ppid == postmaster => "postgres",
                "redis-server" => "redis",
                _ => return None,
            };
            let seconds = (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64;
            Some((stat.pid, (part, seconds)))
        });
        Self(clocks.collect())
    }

    /// Microseconds each part used since, for each of so many. What ended meanwhile is not in it.
    pub fn each(&self, server: Option<u32>, postmaster: i32, n: f64) -> String {
        let mut used = BTreeMap::<&str, f64>::new();
        for (pid, (part, seconds)) in Self::now(server, postmaster).0 {
            *used.entry(part).or_default() += seconds - self.0.get(&pid).map_or(0.0, |(_, before)| *before);
        }
        let told: Vec<String> = used.iter().map(|(part, used)| format!("{part} {:.0}", used / n * 1e6)).collect();
        format!("{} µs", told.join(", "))
    }
}
