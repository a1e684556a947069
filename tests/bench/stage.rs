//! The stage: a township on PostgreSQL and Redis, the program as an operator starts it, and residents who have signed in.

use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use migration::MigratorTrait as _;
use procfs::process::Process;
use sea_orm::{ConnectOptions, ConnectionTrait as _, Database, DbBackend, Statement};
use serde_json::{Value, json};
use shuitian::app::App;
use shuitian::base::Clock;
use shuitian::base::settings::Settings;
use shuitian::demo;
use shuitian::domain::applicant::Typed;
use shuitian::domain::case::Intake;
use shuitian::domain::identity::session::{self, Holder};
use shuitian::domain::identity::{resident, staff};
use shuitian::domain::notice::{self, Message};
use shuitian::domain::published::Centre;
use shuitian::domain::{Act, Publishing, StaffMember, Who, booking};
use std::io::{BufRead as _, BufReader};
use std::ops::Range;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::SeqCst};
use tempfile::TempDir;

/// Connections of the server's pool, clients of pgbench, and lines that ask.
pub const CLIENTS: usize = 16;

pub struct Stage {
    pub app: App,
    pub centre: Arc<Centre>,
    /// Address of the database.
    pub database: String,
    /// The process that starts PostgreSQL's others.
    pub postmaster: i32,
    variables: Vec<(String, String)>,
    server: Option<(Child, String)>,
    directory: TempDir,
}

fn needed(name: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| panic!("{name} is not set: run tests/bench/run"))
}

impl Stage {
    /// Opens a township that offers many places, and serves it.
    pub async fn open(name: &str) -> Self {
        Self::open_with(name, &[]).await
    }

    /// The same with some settings of its own.
    pub async fn open_with(name: &str, more: &[(&str, &str)]) -> Self {
        let (server, redis) = (needed("SHUITIAN_BENCH_POSTGRES"), needed("SHUITIAN_BENCH_REDIS"));
        let directory = tempfile::tempdir().unwrap();
        let mut options = ConnectOptions::new(format!("{server}/postgres"));
        options.max_connections(1).sqlx_logging(false);
        let admin = Database::connect(options).await.unwrap();
        let name = format!("bench_{name}");
        admin.execute_unprepared(&format!("drop database if exists {name} with (force)")).await.unwrap();
        admin.execute_unprepared(&format!("create database {name}")).await.unwrap();
        let database = format!("{server}/{name}");
        let (keys, pool) = (directory.path().join("keys").display().to_string(), CLIENTS.to_string());
        let variables = [
            ("SHUITIAN__DATABASE__URL", database.as_str()),
            ("SHUITIAN__DATABASE__MAX_CONNECTIONS", &pool),
            ("SHUITIAN__REDIS__URL", &redis),
            ("SHUITIAN__REDIS__PREFIX", &format!("{name}:{}:", std::process::id())),
            ("SHUITIAN__SECURITY__KEYS_DIR", &keys),
            ("SHUITIAN__SECURITY__ACCESS_MINUTES", "60"),
            ("SHUITIAN__HTTP__TRUSTED_PROXIES", "127.0.0.1"),
            ("SHUITIAN__SMS__GATEWAYS", "memory"),
            ("SHUITIAN__SMS__QUIET_HOURS", ""),
            ("SHUITIAN__SMS__LIMITS__DAILY_BUDGET", "0"),
            ("SHUITIAN__LOG__FILTER", "warn"),
        ];
        let variables = [&variables[..], more].concat();
        let pairs = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned()));
        let settings = Settings::load(Some(Path::new("/dev/null")), pairs).unwrap();
        let app = App::open(settings, Clock::default()).await.unwrap();
        migration::Migrator::up(app.database.writer(), None).await.unwrap();
        let centre = demo::township(&app).await.unwrap();
        let variables = variables.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        let ours = Statement::from_string(DbBackend::Postgres, "select pg_backend_pid() as pid");
        let ours = app.read().query_one_raw(ours).await.unwrap().unwrap().try_get::<i32>("", "pid").unwrap();
        let postmaster = Process::new(ours).unwrap().stat().unwrap().ppid;
        Self { app, centre, database, postmaster, variables, server: None, directory }
    }

    /// Starts the program.
    pub fn serve(&mut self) {
        let mut child = Command::new(env!("CARGO_BIN_EXE_shuitian"))
            .args(["serve", "--no-worker", "--listen", "127.0.0.1:0"])
            .current_dir(self.directory.path())
            .env_clear()
            .envs(self.variables.clone())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let address = loop {
            let line = lines.next().expect("it listens").unwrap();
            if let Some(address) = line.strip_prefix("listening on ") {
                break address.to_owned();
            }
        };
        std::thread::spawn(move || lines.for_each(drop));
        self.server = Some((child, address));
    }

    /// Where the program listens.
    pub fn address(&self) -> &str {
        &self.server.as_ref().unwrap().1
    }

    /// Its process.
    pub fn pid(&self) -> u32 {
        self.server.as_ref().unwrap().0.id()
    }

    /// Offers so many places in each slot, for two months, to whoever asks.
    pub async fn offer(&self, capacity: i32) {
        let mut offer: Value = serde_json::from_str(include_str!("../../seed/offer.json")).unwrap();
        let today = self.app.clock.now().date();
        let rules = &mut offer["rules"][0];
        rules["from"] = json!(today);
        for (rule, n) in [("own_open", 50), ("other_open", 50), ("per_day", 20)] {
            rules[rule] = json!(n);
        }
        let template = &mut offer["groups"][0]["templates"][0];
        template["from"] = json!(today);
        for (key, n) in [("capacity", capacity), ("walk_in", 0), ("elder", 0), ("horizon_days", 60)] {
            template[key] = json!(n);
        }
        let offer = serde_json::from_value(offer).unwrap();
        let write = async |act: &Publishing| {
            booking::import(act, offer).await?;
            booking::open_slots(act).await.map(drop)
        };
        self.app.publish(&self.centre, Who::Operator, write).await.unwrap();
    }

    /// Residents by number, as ids of their accounts and access tokens: each has a phone and a session, as if he had signed in.
    pub async fn residents(&self, numbers: Range<usize>) -> (Vec<String>, Vec<String>) {
        let write = async |act: &Act| {
            let mut sessions = Vec::with_capacity(numbers.len());
            for n in numbers {
                let account = resident::by_openid(act, &format!("resident{n}")).await?;
                resident::bind_phone(act, account.id, &format!("139{n:08}")).await?;
                sessions.push(session::open(act, Holder::Account(account.id), None, chrono::Duration::days(1)).await?);
            }
            Ok(sessions)
        };
        let sessions = self.app.write(&self.centre, Who::Bearer, write).await.unwrap();
        let key = self.app.vault.token_keys().active();
        let header = Header { kid: Some(key.id.clone()), ..Header::new(Algorithm::HS256) };
        let now = self.app.clock.now().0 / 1000;
        let token = |session: &entity::identity::session::Model| {
            let claims =
                json!({ "sid": session.id, "cen": session.centre_id, "aud": "api", "iat": now, "exp": now + 3600 });
            encode(&header, &claims, &EncodingKey::from_secret(&key.bytes)).unwrap()
        };
        sessions.iter().map(|s| (s.account_id.unwrap().to_string(), token(s))).unzip()
    }

    /// Ids of the slots that can be taken online, by time.
    pub async fn slots(&self, guide: &str) -> Vec<String> {
        let (now, db) = (self.app.clock.now(), self.app.read());
        let until = Some(now.date() + chrono::Days::new(59));
        let starts = booking::starts(db, &self.centre, guide, None, until, now, true).await.unwrap();
        starts.into_iter().map(|s| s.id.to_string()).collect()
    }

    /// Gives a slot more places than anybody can take.
    pub async fn widen(&self, slot: &str) {
        self.run(&format!("update slot set bookable = 1000000000, online = 1000000000 where id = '{slot}'")).await;
    }

    /// Ids by number, so that a script can choose one: the expression that does, by a number of its own.
    pub async fn numbered(&self, what: &str, ids: &[String], n: &str) -> String {
        let list = ids.iter().map(|id| format!("'{id}'::uuid")).collect::<Vec<_>>().join(",");
        let from = format!("from unnest(array[{list}]) with ordinality as t(id, n)");
        self.run(&format!("create table bench_{what} as select n::int, id {from}")).await;
        self.run(&format!("create unique index on bench_{what} (n) include (id)")).await;
        self.run(&format!("vacuum analyze bench_{what}")).await;
        format!("(select id from bench_{what} where n = (1 + ({n}) % {})::int)", ids.len())
    }

    /// What a window takes in of somebody.
    pub fn intake(name: String) -> Intake {
        let kind = entity::applicant::ApplicantKind::Person;
        Intake {
            guide: "SB-01".to_owned(),
            channel: entity::case::Channel::Window,
            booking: None,
            consultation: None,
            agent: None,
            applicant: Typed { kind, name, phone: None, id_type: None, id_number: None },
            materials: Vec::new(),
        }
    }

    /// A clerk of the window.
    pub async fn clerk(&self) -> Arc<StaffMember> {
        let row = staff::find(self.app.read(), self.centre.id, "window1", self.app.clock.now().date())
            .await
            .unwrap()
            .unwrap();
        let device = entity::Blind(vec![0; 32]);
        Arc::new(StaffMember { id: row.id, roles: row.roles(), office: row.office_id, name: row.name, device })
    }

    /// Says so many texts that may go at once, each to a phone that was sent nothing before: one that was is given time to read.
    pub async fn say(&self, n: u64) {
        static PHONES: AtomicU64 = AtomicU64::new(0);
        let first = PHONES.fetch_add(n, SeqCst);
        let say = async |act: &Act| {
            for part in (first..first + n).collect::<Vec<_>>().chunks(500) {
                let message = |n| Message {
                    key: format!("bench/{}", act.id()),
                    kind: &notice::APPEAL_RULED,
                    phone: format!("138{n:08}"),
                    values: Vec::new(),
                    about: act.id(),
                    account: None,
                    matter_at: act.now,
                    due_at: act.now,
                    expires_at: act.now + chrono::Duration::days(1),
                };
                let messages = part.iter().map(message).collect();
                notice::put(act, notice::compose(act, messages).await?).await?;
            }
            Ok(())
        };
        self.app.write(&self.centre, Who::System("bench"), say).await.unwrap();
    }

    pub async fn run(&self, sql: &str) {
        self.app.database.writer().execute_unprepared(sql).await.unwrap();
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        if let Some((server, _)) = &mut self.server {
            let _ = server.kill();
            let _ = server.wait();
        }
    }
}
