//! A town to tell stories in: a real server over a real database, a clock that is moved, people who call by HTTP, and the
//! texts they were sent. A story that leaves work undone fails.

use crate::ground::{admin, keys_of_templates, postgres, postgres_template, redis, settings, sqlite_template};
use crate::person::{Answer, Person};
use chrono::{Duration, NaiveDate};
use entity::notice::NoticeState;
use entity::{Id, Time};
use reqwest::Method;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, DatabaseConnection, EntityTrait as _, PaginatorTrait as _,
    QueryFilter as _, StatementBuilder,
};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use shuitian::app::App;
use shuitian::base::Clock;
use shuitian::base::settings::Settings;
use shuitian::domain::Act;
use shuitian::domain::Who;
use shuitian::domain::published::Centre;
use shuitian::domain::{attendance, centre, notice};
use shuitian::gateway::sms::{Memory, Sms};
use shuitian::{demo, jobs, serve};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use tempfile::TempDir;
use tokio::sync::watch;

/// The two pairs every story is told on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ground {
    /// SQLite, counting in memory.
    Sqlite,
    /// PostgreSQL, counting in Redis.
    Postgres,
}

/// A Tuesday, half past nine.
pub fn tuesday() -> Time {
    at("2026-11-24", 9, 30)
}

/// A moment in the town.
pub fn at(day: &str, hour: i32, minute: i32) -> Time {
    Time::at(day.parse::<NaiveDate>().unwrap(), hour * 60 + minute)
}

/// Tells each story on both grounds.
macro_rules! stories {
    ($($(#[$meta:meta])* $name:ident),+ $(,)?) => { $(
        mod $name {
            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn sqlite() {
                crate::town::tell($crate::town::Ground::Sqlite, async |town| super::$name(town).await).await;
            }
            $(#[$meta])*
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn postgres() {
                crate::town::tell($crate::town::Ground::Postgres, async |town| super::$name(town).await).await;
            }
        }
    )+ };
}
pub(crate) use stories;

/// Tells one story, if its ground is there, and sees that nothing is left undone.
pub async fn tell(ground: Ground, story: impl AsyncFnOnce(&Town)) {
    let Some(town) = Town::open(ground).await else { return };
    story(&town).await;
    town.leave().await;
}

/// A township with its people and guides, in which nothing has happened yet.
pub struct Town {
    pub app: App,
    pub centre: Arc<Centre>,
    pub url: String,
    pub web: reqwest::Client,
    door: Door,
    _directory: TempDir,
    database: Option<String>,
    database_url: String,
    redis_url: String,
}

impl Town {
    /// Opens a town, or says why it cannot.
    async fn open(ground: Ground) -> Option<Self> {
        let directory = tempfile::tempdir().unwrap();
        let (mut url, database) = match ground {
            Ground::Sqlite => {
                let file = directory.path().join("town.db");
                std::fs::copy(sqlite_template().await, &file).unwrap();
                (format!("sqlite://{}", file.display()), None)
            }
            Ground::Postgres => {
                let server = postgres()?;
                let name = format!(
                    "town_{}",
                    directory.path().file_name().unwrap().to_string_lossy().replace('.', "").to_lowercase()
                );
                let template = postgres_template(&server).await;
                admin(&server)
                    .await
                    .execute_unprepared(&format!("create database {name} template {template}"))
                    .await
                    .unwrap();
                (format!("{server}/{name}"), Some(name))
            }
        };
        let redis = if ground == Ground::Postgres { redis()? } else { String::new() };
        let mut settings = settings(&url, &redis, &keys_of_templates());
        settings.insert("SHUITIAN__REDIS__PREFIX".to_owned(), format!("{}:", directory.path().display()));
        let files = directory.path().join("files").display().to_string();
        settings.insert("SHUITIAN__FILES__DIRECTORY".to_owned(), files);
        let clock = Clock::default();
        clock.set(tuesday());
        let app = App::open(Settings::load(Some(Path::new("/dev/null")), settings.into_iter()).unwrap(), clock)
            .await
            .unwrap();
        // It keeps nothing: stories publish as they go.
        let centre = Arc::new(app.published().await.unwrap().centres[0].anew());
        let door = Door::open(&app).await;
        let database_url = std::mem::replace(&mut url, door.url.clone());
        let web = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
        let town =
            Self { app, centre, url, web, door, _directory: directory, database, database_url, redis_url: redis };
        town.tick().await;
        Some(town)
    }

    /// Sees that no text is due or on its way, and takes the town down.
    async fn leave(self) {
        let now = self.app.clock.now();
        use entity::notice::{Column, Entity};
        let due = Entity::find()
            .filter(Column::State.is_in([NoticeState::Due]))
            .filter(Column::DueAt.lte(now))
            .count(self.app.read())
            .await
            .unwrap();
        let held = Entity::find().filter(Column::State.is_in([NoticeState::Claimed, NoticeState::Sending]));
        assert_eq!((due, held.count(self.app.read()).await.unwrap()), (0, 0), "texts were left undelivered");
        self.door.close().await;
        self.app.database.close().await;
        if let (Some(name), Some(server)) = (&self.database, postgres()) {
            admin(&server).await.execute_unprepared(&format!("drop database {name} with (force)")).await.unwrap();
        }
    }

    /// Moves the clock to a moment and lets the timetable catch up.
    pub async fn move_to(&self, moment: Time) {
        self.app.clock.set(moment);
        self.tick().await;
    }

    /// Moves the clock on and lets the timetable catch up.
    pub async fn wait(&self, by: Duration) {
        self.app.clock.advance(by);
        self.tick().await;
    }

    /// Runs the jobs that are due.
    pub async fn tick(&self) {
        jobs::tick(&self.app, "town").await;
    }

    /// Delivers every text that is due.
    pub async fn deliver(&self) {
        jobs::deliver::all(&self.app).await.unwrap();
    }

    /// Another program on the same database and counters, with some settings of its own; its texts go to its own memory.
    pub async fn another(&self, more: &[(&str, &str)]) -> App {
        let mut settings = settings(&self.database_url, &self.redis_url, &keys_of_templates());
        settings.insert("SHUITIAN__REDIS__PREFIX".to_owned(), self.app.settings.redis.prefix.clone());
        let files = self.app.settings.files.directory.display().to_string();
        settings.insert("SHUITIAN__FILES__DIRECTORY".to_owned(), files);
        settings.extend(more.iter().map(|(k, v)| (format!("SHUITIAN__{k}"), (*v).to_owned())));
        let settings = Settings::load(Some(Path::new("/dev/null")), settings.into_iter()).unwrap();
        App::open(settings, self.app.clock.clone()).await.unwrap()
    }

    /// The gateway that keeps texts.
    pub fn memory(&self) -> &Memory {
        memory_of(&self.app)
    }

    /// Texts a phone was sent, oldest first.
    pub async fn texts(&self, phone: &str) -> Vec<String> {
        self.deliver().await;
        self.memory().sent().into_iter().filter(|s| s.phone == phone).map(|s| s.text).collect()
    }

    /// A second centre on the same server.
    pub async fn second_centre(&self) -> Arc<Centre> {
        let mut file: Value = serde_json::from_str(include_str!("../../seed/centre.json")).unwrap();
        file["code"] = json!("QX");
        let file = serde_json::from_value(file).unwrap();
        let change = async |tx: &_| centre::import(tx, &self.app.random, self.app.clock.now(), file).await;
        Arc::new(Centre::unkept(self.app.establish(change).await.unwrap()))
    }

    /// Nobody.
    pub fn stranger(&self) -> Person<'_> {
        Person::new(self)
    }

    /// A member of staff who has signed in.
    pub async fn staff(&self, username: &str) -> Person<'_> {
        let device = Some(format!("device-of-{username}"));
        let person = Person { device, ..self.stranger() };
        let answer =
            person.post("/auth/staff", json!({ "username": username, "password": demo::PASSWORD })).await.ok(200);
        person.with(&answer)
    }

    /// Has a member of staff sign in at the hall.
    pub async fn sign_in(&self, username: &str) {
        let code = attendance::hall_code(&self.app.vault, self.centre.id, self.app.clock.now());
        self.staff(username).await.post("/attendance/check-ins", json!({ "code": code })).await.ok(201);
    }

    /// A resident who has signed in by a code sent to his phone.
    pub async fn resident(&self, phone: &str) -> Person<'_> {
        let person = self.stranger();
        person.post("/auth/phone/code", json!({ "phone": phone })).await.ok(202);
        let code = self.code(phone).await;
        let answer = person.post("/auth/phone", json!({ "phone": phone, "code": code })).await.ok(200);
        person.with(&answer)
    }

    /// The sign-in code that a phone was sent last.
    pub async fn code(&self, phone: &str) -> String {
        let texts = self.texts(phone).await;
        let code = texts.iter().rev().find_map(|t| Some(t.split("验证码").nth(1)?[..6].to_owned()));
        code.unwrap_or_else(|| panic!("no code in {texts:?}"))
    }

    /// Does an act by hand, as a job would.
    pub async fn act<T>(&self, act: impl AsyncFnOnce(&Act) -> shuitian::base::Result<T>) -> T {
        self.app.write(&self.centre, Who::System("story"), act).await.unwrap()
    }

    /// How many rows each table has.
    pub async fn rows(&self) -> BTreeMap<String, i64> {
        rows(self.app.read()).await
    }

    /// How the database would answer a statement, in its own words.
    pub async fn plan(&self, statement: &impl StatementBuilder) -> String {
        let (db, sqlite) = (self.app.read(), self.app.database.is_sqlite());
        let explain = if sqlite { "explain query plan" } else { "explain" };
        let asked = db.get_database_backend().build(statement).to_string();
        let asked = sea_orm::Statement::from_string(db.get_database_backend(), format!("{explain} {asked}"));
        let column = if sqlite { "detail" } else { "QUERY PLAN" };
        let lines = db.query_all_raw(asked).await.unwrap().into_iter();
        lines.map(|line| line.try_get::<String>("", column).unwrap()).collect::<Vec<_>>().join("\n")
    }

    /// A text from a phone, as the console gateway's hook brings it.
    pub async fn text_from(&self, phone: &str, text: &str) -> Answer {
        let secret = self.app.hook_secret.expose_secret();
        self.stranger()
            .send_to(
                Method::POST,
                &format!("/hooks/sms/memory/{secret}/reply"),
                Some(json!({ "mobile": phone, "text": text })),
            )
            .await
    }

    /// The half hour of this day and time, as its id.
    pub async fn slot(&self, guide: &str, moment: Time) -> String {
        let day = moment.date();
        let list = self.stranger().get(&format!("/slots?guide={guide}&from={day}&to={day}")).await.ok(200);
        let wanted = moment.local().to_rfc3339();
        let slots = list["items"].as_array().unwrap();
        slots.iter().find(|s| s["starts_at"] == wanted).unwrap_or_else(|| panic!("no slot at {wanted}"))["id"]
            .as_str()
            .unwrap()
            .to_owned()
    }

    /// A case at the window, received, by someone with this phone.
    pub async fn received(&self, guide: &str, phone: Option<&str>) -> Value {
        let window = self.staff("window1").await;
        let applicant = json!({ "name": "田小满", "phone": phone });
        window.post("/cases", json!({ "guide": guide, "channel": "window", "applicant": applicant })).await.ok(201)
    }

    /// A case at its end: received, accepted, granted and handed over. Gives the last answer.
    pub async fn issued(&self, guide: &str, phone: Option<&str>) -> Value {
        let number = self.received(guide, phone).await["number"].as_str().unwrap().to_owned();
        let (window, director) = (self.staff("window1").await, self.staff("director").await);
        window.post(&format!("/cases/{number}/accept"), json!({})).await.ok(200);
        director.post(&format!("/cases/{number}/decide"), json!({ "grant": true })).await.ok(200);
        window.post(&format!("/cases/{number}/issue"), json!({})).await.ok(200)
    }
}

/// The doors of another program.
pub struct Door {
    pub url: String,
    stop: watch::Sender<bool>,
    served: tokio::task::JoinHandle<shuitian::base::Result<()>>,
}

impl Door {
    /// Opens them, without its worker.
    pub async fn open(app: &App) -> Self {
        let listening = serve::listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let url = format!("http://{}", listening.address);
        let (stop, stopped) = watch::channel(false);
        Self { url, stop, served: tokio::spawn(serve::run(app.clone(), listening, false, stopped)) }
    }

    /// Closes them, once all who came are answered.
    pub async fn close(self) {
        self.stop.send(true).unwrap();
        self.served.await.unwrap().unwrap();
    }
}

/// Says texts by number that may go at once, each to a phone of its own.
pub async fn say_texts(act: &Act, numbers: std::ops::Range<usize>) -> shuitian::base::Result<()> {
    for n in numbers {
        let message = notice::Message {
            key: format!("n{n:04}"),
            kind: &notice::APPEAL_RULED,
            phone: format!("138{n:08}"),
            values: vec![("words", format!("第{n:04}条"))],
            about: act.id(),
            account: None,
            matter_at: act.now,
            due_at: act.now,
            expires_at: act.now + Duration::days(1),
        };
        notice::say(act, message).await?;
    }
    Ok(())
}

/// The gateway of a program that keeps its texts.
pub fn memory_of(app: &App) -> &Memory {
    match &app.sms[0] {
        Sms::Memory(memory) => memory,
        other => panic!("the town's texts go to memory, not to {}", other.name()),
    }
}

/// How many rows each table has.
pub async fn rows(db: &DatabaseConnection) -> BTreeMap<String, i64> {
    let mut counts = BTreeMap::new();
    for table in tables() {
        let statement =
            sea_orm::Statement::from_string(db.get_database_backend(), format!("select count(*) as n from {table}"));
        let row = db.query_one_raw(statement).await.unwrap().unwrap();
        counts.insert(table.to_owned(), row.try_get::<i64>("", "n").unwrap());
    }
    counts
}

/// Tables of the schema, in the order of their making.
pub fn tables() -> Vec<&'static str> {
    let sql = include_str!("../../migration/src/m0001_foundation/up.sql");
    sql.lines().filter_map(|l| l.strip_prefix("create table ")).filter_map(|l| l.split_whitespace().next()).collect()
}

/// Rows of the audit trail about something.
pub async fn audit_of(town: &Town, act: &str) -> Vec<entity::audit::Model> {
    use entity::audit::{Column, Entity};
    Entity::find().filter(Column::Act.eq(act)).all(town.app.read()).await.unwrap()
}

/// An id that nobody has.
pub fn nobody() -> Id {
    Id::from_u128(1)
}
