//! Metrics (指标): what this process counts of itself for those who watch it, in the text form of OpenMetrics. Labels come
//! from short lists of our own: never a path, a phone or a word that somebody sent.

use entity::Time;
use procfs::WithCurrentSystemInfo as _;
use prometheus_client::encoding::{EncodeLabelSet, text};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};
use std::fmt;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// Bounds of the histogram of answers, in seconds: from a page out of memory to one that people give up on.
const TOOK: [f64; 11] = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Answered {
    route: String,
    method: &'static str,
    status: u16,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Took {
    route: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Handed {
    gateway: &'static str,
    outcome: &'static str,
    kind: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Ran {
    // Not `job`: Prometheus gives that name to what it scrapes.
    name: &'static str,
    outcome: &'static str,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Outbox {
    state: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Centre {
    centre: String,
}

#[derive(Clone, Debug, Hash, PartialEq, Eq, EncodeLabelSet)]
struct Gateway {
    gateway: String,
}

/// How much waits in the outbox, and what centres were billed: asked of the database when somebody looks.
#[derive(Debug, Default)]
pub struct Waiting {
    /// Texts by the word of their state: on their way, or failed within a day.
    pub texts: Vec<(String, i64)>,
    /// When the text that has been due longest was due.
    pub due_since: Option<Time>,
    /// What each centre was billed today, by its code.
    pub billed: Vec<(String, i64)>,
    /// Gateways that are left alone.
    pub held: Vec<String>,
}

/// Everything that is counted.
pub struct Metrics {
    registry: Registry,
    answered: Family<Answered, Counter>,
    took: Family<Took, Histogram, fn() -> Histogram>,
    handed: Family<Handed, Counter>,
    ran: Family<Ran, Counter>,
    ran_at: Family<Ran, Gauge>,
    outbox: Family<Outbox, Gauge>,
    lag: Gauge<f64, AtomicU64>,
    billed: Family<Centre, Gauge>,
    budget: Gauge,
    held: Family<Gateway, Gauge>,
    memory: Gauge,
    cpu: Gauge<f64, AtomicU64>,
    files: Gauge,
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Metrics").finish_non_exhaustive()
    }
}

impl Default for Metrics {
    fn default() -> Self {
        let mut all = Registry::with_prefix("shuitian");
        let took = Family::new_with_constructor((|| Histogram::new(TOOK)) as fn() -> Histogram);
        all.register("request_seconds", "How long answers took", took.clone());
        Self {
            took,
            answered: add(&mut all, "requests", "Requests answered"),
            handed: add(&mut all, "texts", "Texts handed to a gateway, by how that ended"),
            ran: add(&mut all, "jobs", "Runs of the timetable's jobs in this process, by how they ended"),
            ran_at: add(&mut all, "job_ran_at_seconds", "When a job of the timetable last ended so"),
            outbox: add(&mut all, "outbox_texts", "Texts that are on their way, or failed within a day"),
            lag: add(&mut all, "outbox_lag_seconds", "How long ago the oldest text that is due was due"),
            billed: add(&mut all, "billed_texts_today", "Texts that a centre was billed today"),
            held: add(&mut all, "gateway_held", "Gateways that are out of order and left alone"),
            budget: add(&mut all, "texts_budget", "Texts that a centre may be billed a day, 0: no limit"),
            memory: add(&mut all, "process_memory_bytes", "Resident memory of this process"),
            cpu: add(&mut all, "process_cpu_seconds", "Processor time this process has used"),
            files: add(&mut all, "process_open_files", "Files and connections this process has open"),
            registry: all,
        }
    }
}

fn add<M: Metric + Clone + Default>(to: &mut Registry, name: &str, help: &str) -> M {
    let metric = M::default();
    to.register(name, help, metric.clone());
    metric
}

impl Metrics {
    /// Counts an answer, by the template of its route.
    pub fn answered(&self, method: &str, route: &str, status: u16, took: Duration) {
        // A stranger may invent methods; he does not fill our memory with them.
        let method = ["GET", "POST", "HEAD", "PUT", "DELETE", "OPTIONS", "PATCH"].into_iter().find(|m| *m == method);
        let (route, method) = (route.to_owned(), method.unwrap_or("other"));
        self.took.get_or_create(&Took { route: route.clone() }).observe(took.as_secs_f64());
        self.answered.get_or_create(&Answered { route, method, status }).inc();
    }

    /// Counts an attempt to hand a text of a kind to a gateway.
    pub fn handed(&self, gateway: &'static str, outcome: &'static str, kind: &str) {
        self.handed.get_or_create(&Handed { gateway, outcome, kind: kind.to_owned() }).inc();
    }

    /// Counts a run of a job.
    pub fn ran(&self, job: &'static str, well: bool, at: Time) {
        let ran = Ran { name: job, outcome: if well { "done" } else { "failed" } };
        self.ran.get_or_create(&ran).inc();
        self.ran_at.get_or_create(&ran).set(at.0 / 1000);
    }

    /// Everything counted, and what waits now.
    ///
    /// # Errors
    /// None that can be met: a string takes what is written into it.
    pub fn tell(&self, waiting: &Waiting, budget: i64, now: Time) -> Result<String, fmt::Error> {
        // What nothing is in any longer, or was not billed today, is not told at all.
        self.outbox.clear();
        self.billed.clear();
        self.held.clear();
        for (state, n) in &waiting.texts {
            self.outbox.get_or_create(&Outbox { state: state.clone() }).set(*n);
        }
        for (centre, n) in &waiting.billed {
            self.billed.get_or_create(&Centre { centre: centre.clone() }).set(*n);
        }
        for gateway in &waiting.held {
            self.held.get_or_create(&Gateway { gateway: gateway.clone() }).set(1);
        }
        let lag = waiting.due_since.map_or(0, |since| Ord::max(now.0 - since.0, 0));
        self.lag.set(Duration::from_millis(lag.unsigned_abs()).as_secs_f64());
        self.budget.set(budget);
        self.look_at_process();
        let mut told = String::new();
        text::encode(&mut told, &self.registry)?;
        Ok(told)
    }

    /// What the kernel says of this process; what it does not say stays as it was.
    fn look_at_process(&self) {
        let Ok(process) = procfs::process::Process::myself() else { return };
        if let Ok(stat) = process.stat() {
            let ticks = Duration::from_secs(stat.utime + stat.stime).as_secs_f64();
            self.cpu.set(ticks / Duration::from_secs(procfs::ticks_per_second()).as_secs_f64());
            self.memory.set(i64::try_from(stat.rss_bytes().get()).unwrap_or(i64::MAX));
        }
        if let Ok(files) = process.fd_count() {
            self.files.set(i64::try_from(files).unwrap_or(i64::MAX));
        }
    }
}
