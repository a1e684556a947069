//! A district's set: two servers that only serve and a worker that only works, each a process of its own, on one PostgreSQL
//! and one Redis, as `deploy/compose.yaml` sets them up.

use crate::ground::{admin, postgres, redis};
use crate::person::Answer;
use crate::process::{Server, run};
use reqwest::Method;
use sea_orm::ConnectionTrait as _;
use serde_json::json;

/// The code in the last text that holds one.
fn code(printed: &str) -> String {
    printed.lines().rev().find_map(|l| Some(l.split("验证码").nth(1)?[..6].to_owned())).unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_servers_and_a_worker_are_one_centre() {
    let (Some(server), Some(redis)) = (postgres(), redis()) else { return };
    let (here, name) = (tempfile::tempdir().unwrap(), format!("several_{}", std::process::id()));
    admin(&server).await.execute_unprepared(&format!("create database {name}")).await.unwrap();
    let (database, prefix) = (format!("{server}/{name}"), format!("{name}:"));
    // A port that was free a moment ago.
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let monitors = format!("127.0.0.1:{port}");
    let shared = [
        ("SHUITIAN__DATABASE__URL", database.as_str()),
        ("SHUITIAN__REDIS__URL", redis.as_str()),
        ("SHUITIAN__REDIS__PREFIX", prefix.as_str()),
        ("SHUITIAN__HTTP__TRUSTED_PROXIES", "127.0.0.1"),
        ("SHUITIAN__SMS__QUIET_HOURS", ""),
        ("SHUITIAN__SMS__LIMITS__SPACING", "0"),
    ];
    let watched = [&shared[..], &[("SHUITIAN__METRICS__LISTEN", monitors.as_str())]].concat();
    let serve = ["serve", "--listen", "127.0.0.1:0", "--no-worker"];
    let (status, _, words) = run(here.path(), &serve, &shared);
    assert!(status == 1 && words.contains("migrate up"), "a schema of several is brought up by nobody alone: {words}");
    assert_eq!(run(here.path(), &["migrate", "up"], &shared).0, 0);
    assert_eq!(run(here.path(), &["demo"], &shared).0, 0);
    let start = || Server::begin(here.path(), &serve, &shared, "listening on ");
    let (one, two) = (start(), start());
    let worker = Server::begin(here.path(), &["worker"], &watched, "working");

    // The code is asked of one, printed by the worker, and good at the other.
    let phone = json!({ "phone": "13800000001" });
    one.post("/auth/phone/code", None, phone).await.ok(202);
    let code = code(&worker.printed("验证码").await);
    let enter = json!({ "phone": "13800000001", "code": code });
    let token = two.post("/auth/phone", None, enter).await.ok(200)["access_token"].as_str().unwrap().to_owned();
    let slots = one.send(Method::GET, "/api/v1/slots?guide=SB-03", None, None).await.ok(200);
    let slot = slots["items"].as_array().unwrap().last().unwrap()["id"].as_str().unwrap().to_owned();
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "田小满" } });
    let booked = one.post("/bookings", Some(&token), wish.clone()).await.ok(201);
    let own = two.send(Method::GET, "/api/v1/bookings", Some(&token), None).await.ok(200);
    assert_eq!(own["items"][0]["number"], booked["number"], "what one wrote the other reads");
    two.post("/bookings", Some(&token), wish).await.ok(409);
    worker.printed(booked["number"].as_str().unwrap()).await;

    // Wrong passwords are counted together, whichever is asked.
    let wrong = json!({ "username": "window2", "password": "not-the-password" });
    let mut refused = 0;
    for n in 0..16 {
        let asked = if n % 2 == 0 { &one } else { &two };
        refused += i32::from(asked.post("/auth/staff", None, wrong.clone()).await.status == 429);
    }
    assert!(refused >= 6, "each counted for itself: {refused} of 16 were held back");

    // Each is watched by its own door: the servers by their token or none here, the worker by its own listener.
    let web = reqwest::Client::builder().no_proxy().build().unwrap();
    let told = async |url: String| Answer::of(web.get(url).send().await.unwrap()).await;
    let of_worker = told(format!("http://{monitors}/metrics")).await;
    assert!(
        of_worker.text.contains("shuitian_texts_total{gateway=\"console\",outcome=\"accepted\",kind=\"code\"}"),
        "{}",
        of_worker.text
    );
    assert!(of_worker.text.contains("shuitian_jobs_total{name=\"open_slots\",outcome=\"done\"}"));
    assert_eq!(told(format!("http://{monitors}/readyz")).await.status, 200);
    assert_eq!(
        told(format!("http://{monitors}/api/v1/guides")).await.status,
        404,
        "monitors are answered, nobody else"
    );
    let of_one = told(format!("{}/metrics", one.url)).await;
    assert!(of_one.text.contains("route=\"/api/v1/bookings\""), "{}", of_one.text);
    assert!(!of_one.text.contains("shuitian_texts_total{"), "a server that only serves sends nothing");

    // One is gone from one moment to the next, and the worker rests: the other goes on, and what was said waits.
    one.kill();
    worker.stop();
    let id = booked["id"].as_str().unwrap();
    two.post(&format!("/bookings/{id}/cancel"), Some(&token), json!({})).await.ok(200);
    two.post("/auth/phone/code", None, json!({ "phone": "13800000002" })).await.ok(202);
    let worker = Server::begin(here.path(), &["worker"], &watched, "working");
    let printed = worker.printed("13800000002").await;
    assert_eq!(printed.matches("13800000002").count(), 1);
    worker.stop();
    two.stop();
    admin(&server).await.execute_unprepared(&format!("drop database {name} with (force)")).await.unwrap();
}
