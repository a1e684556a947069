//! What we rest on goes away, and comes back.

use crate::ground::{admin, postgres};
use crate::person::Answer;
use crate::town::{memory_of, say_texts};
use chrono::Duration;
use entity::notice::{Column, Entity, NoticeState};
use migration::MigratorTrait as _;
use reqwest::Method;
use sea_orm::{ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use shuitian::access::{self, answer};
use shuitian::app::App;
use shuitian::base::Clock;
use shuitian::base::settings::Settings;
use shuitian::domain::{Who, notice};
use shuitian::{demo, jobs};
use std::path::Path;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

/// A line to another server that can be cut and mended.
struct Line {
    port: u16,
    whole: watch::Sender<bool>,
}

impl Line {
    async fn to(server: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (whole, watched) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((mut near, _)) = listener.accept().await {
                let (server, mut watched) = (server.clone(), watched.clone());
                tokio::spawn(async move {
                    if !*watched.borrow_and_update() {
                        return;
                    }
                    let mut far = TcpStream::connect(server).await.unwrap();
                    tokio::select! {
                        _ = tokio::io::copy_bidirectional(&mut near, &mut far) => {}
                        _ = watched.changed() => {}
                    }
                });
            }
        });
        Self { port, whole }
    }
}

/// A server whose settings are these.
async fn serve(variables: &[(&str, String)], keys: &Path) -> (App, String, watch::Sender<bool>) {
    let keys = ("SECURITY__KEYS_DIR", keys.join("keys").display().to_string());
    let variables = variables.iter().chain([&keys]).map(|(k, v)| (format!("SHUITIAN__{k}"), v.clone()));
    let settings = Settings::load(Some(Path::new("/dev/null")), variables).unwrap();
    let app = App::open(settings, Clock::default()).await.unwrap();
    migration::Migrator::up(app.database.writer(), None).await.unwrap();
    demo::township(&app).await.unwrap();
    let listening = shuitian::serve::listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let url = format!("http://{}", listening.address);
    let (stop, stopped) = watch::channel(false);
    tokio::spawn(shuitian::serve::run(app.clone(), listening, false, stopped));
    (app, url, stop)
}

async fn send(url: &str, method: Method, path: &str, body: Option<Value>) -> Answer {
    let web = reqwest::Client::builder().no_proxy().build().unwrap();
    let mut request = web.request(method, format!("{url}{path}"));
    if let Some(body) = body {
        request = request.json(&body);
    }
    Answer::of(request.send().await.unwrap()).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_goes_away_and_comes_back() {
    let Some(server) = postgres() else { return };
    let (here, name) = (tempfile::tempdir().unwrap(), format!("outage_{}", std::process::id()));
    admin(&server).await.execute_unprepared(&format!("create database {name}")).await.unwrap();
    let (before, address) = server.rsplit_once('@').unwrap();
    let line = Line::to(address.split('/').next().unwrap().to_owned()).await;
    let database = format!("{before}@127.0.0.1:{}/{name}", line.port);
    let (app, url, stop) = serve(&[("DATABASE__URL", database), ("SMS__GATEWAYS", "memory".into())], here.path()).await;
    let guides = async || send(&url, Method::GET, "/api/v1/guides", None).await;
    let sign_in = async || {
        let director = json!({ "username": "director", "password": demo::PASSWORD });
        send(&url, Method::POST, "/api/v1/auth/staff", Some(director)).await
    };
    guides().await.ok(200);
    sign_in().await.ok(200);
    line.whole.send_replace(false);
    // Connections that were open break, and no new one can be had: never an empty list, never a fault without a remedy.
    for _ in 0..8 {
        guides().await.refused(answer::NOT_NOW);
    }
    sign_in().await.refused(answer::NOT_NOW);
    let page = send(&url, Method::GET, "/", None).await;
    assert!(page.status == 503 && page.text.contains("系统暂时不可用"), "{}", page.text);
    assert_eq!(send(&url, Method::GET, "/readyz", None).await.status, 503);
    assert_eq!(send(&url, Method::GET, "/healthz", None).await.status, 200, "it lives, and waits");
    line.whole.send_replace(true);
    guides().await.ok(200);
    sign_in().await.ok(200);
    assert_eq!(send(&url, Method::GET, "/readyz", None).await.status, 200);
    stop.send(true).unwrap();
    app.database.close().await;
    admin(&server).await.execute_unprepared(&format!("drop database {name} with (force)")).await.unwrap();
}

/// PostgreSQL as it is when it is started again: every connection breaks, and for a moment none is taken.
async fn restart(server: &str, name: &str) {
    let admin = admin(server).await;
    admin.execute_unprepared(&format!("alter database {name} allow_connections false")).await.unwrap();
    let end = format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'");
    admin.execute_unprepared(&end).await.unwrap();
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    admin.execute_unprepared(&format!("alter database {name} allow_connections true")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_database_is_started_again_under_the_deliverer() {
    let Some(server) = postgres() else { return };
    let (here, name) = (tempfile::tempdir().unwrap(), format!("restart_{}", std::process::id()));
    admin(&server).await.execute_unprepared(&format!("create database {name}")).await.unwrap();
    let variables = [
        ("DATABASE__URL", format!("{server}/{name}")),
        ("SMS__GATEWAYS", "memory".to_owned()),
        ("SMS__QUIET_HOURS", String::new()),
    ];
    let (app, _, stop) = serve(&variables, here.path()).await;
    let centre = Arc::clone(&app.published().await.unwrap().centres[0]);
    let said = 1500;
    app.write(&centre, Who::System("story"), async |act| say_texts(act, 0..said).await).await.unwrap();
    let count =
        async |state| Entity::find().filter(Column::State.eq(state)).count(app.read()).await.unwrap_or_default();
    // The worker as it runs: what fails is tried again, and what a dead round left is recovered.
    let (done, finished) = watch::channel(false);
    let worker = tokio::spawn(jobs::work(app.clone(), finished));
    let mut restarts = 0;
    while memory_of(&app).sent().len() < said * 9 / 10 && restarts < 4 {
        let (before, began) = (memory_of(&app).sent().len(), app.clock.now());
        while memory_of(&app).sent().len() < before + 40 && app.clock.now() < began + Duration::minutes(1) {
            tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        }
        restart(&server, &name).await;
        restarts += 1;
        app.clock.advance(notice::LEASE * 2);
    }
    for _ in 0..200 {
        app.clock.advance(notice::LEASE);
        if count(NoticeState::Accepted).await + count(NoticeState::Unsure).await == said as u64 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    done.send(true).unwrap();
    worker.await.unwrap();
    let (accepted, unsure) = (count(NoticeState::Accepted).await, count(NoticeState::Unsure).await);
    let mut sent: Vec<String> = memory_of(&app).sent().into_iter().map(|s| s.phone).collect();
    sent.sort();
    let handed_over = sent.len() as u64;
    sent.dedup();
    assert_eq!(sent.len() as u64, handed_over, "one was sent twice");
    assert_eq!(accepted + unsure, said as u64, "sent and unsure are said: {accepted} + {unsure}");
    assert!(accepted <= handed_over && handed_over <= said as u64);
    assert!(restarts >= 3, "it was started again under way: {restarts}");
    println!("{restarts} restarts: {accepted} sent, {unsure} unsure");
    stop.send(true).unwrap();
    app.database.close().await;
    admin(&server).await.execute_unprepared(&format!("drop database {name} with (force)")).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_nothing_brings_texts_and_wechat_is_not_there_it_is_said() {
    let here = tempfile::tempdir().unwrap();
    let database = format!("sqlite://{}", here.path().join("town.db").display());
    let none = [("DATABASE__URL", database), ("SMS__GATEWAYS", String::new()), ("WECHAT__SIGN_IN", "none".into())];
    let (app, url, stop) = serve(&none, here.path()).await;
    let post = async |path: &str, body: Value| send(&url, Method::POST, &format!("/api/v1{path}"), Some(body)).await;
    post("/auth/phone/code", json!({ "phone": "13800000001" })).await.refused(access::NO_SMS);
    post("/auth/wechat", json!({ "code": "somebody" })).await.refused(access::NO_WECHAT);
    let director = json!({ "username": "director", "password": demo::PASSWORD });
    post("/auth/staff", director).await.ok(200);
    stop.send(true).unwrap();
    app.database.close().await;
}
