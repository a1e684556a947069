//! What we rest on goes away, and comes back.

use crate::ground::{admin, postgres};
use crate::person::Answer;
use migration::MigratorTrait as _;
use reqwest::Method;
use sea_orm::ConnectionTrait as _;
use serde_json::{Value, json};
use shuitian::access::{self, answer};
use shuitian::app::App;
use shuitian::base::Clock;
use shuitian::base::settings::Settings;
use shuitian::demo;
use std::path::Path;
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
