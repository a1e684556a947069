//! What monitors ask, and who is answered.

use crate::person::Answer;
use crate::town::{Door, Town, say_texts, stories, tuesday};
use chrono::Duration;
use reqwest::Method;
use serde_json::Value;
use shuitian::app::App;
use shuitian::base::metrics::{Metrics, Waiting};
use shuitian::gateway::sms::Outcome;

stories!(
    what_was_done_is_counted_and_nobody_is_named,
    the_outbox_and_the_budget_are_told_as_they_stand,
    in_production_the_counts_are_for_who_holds_the_token,
);

/// The line of a metric, if it is told.
fn line<'t>(told: &'t str, metric: &str) -> Option<&'t str> {
    told.lines().find(|l| l.strip_prefix(metric).is_some_and(|rest| rest.starts_with([' ', '{'])))
}

/// What a metric with these labels counts; 0 if it is not told.
fn value(told: &str, metric: &str) -> f64 {
    let found = told.lines().find_map(|l| l.strip_prefix(metric)?.strip_prefix(' '));
    found.map_or(0.0, |n| n.parse().unwrap())
}

async fn metrics(town: &Town) -> String {
    let answer = town.web.get(format!("{}/metrics", town.url)).send().await.unwrap();
    assert_eq!(answer.status(), 200);
    let kind = answer.headers()["content-type"].to_str().unwrap().to_owned();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    answer.text().await.unwrap()
}

async fn what_was_done_is_counted_and_nobody_is_named(town: &Town) {
    let person = town.resident("13800000001").await;
    let id = town.received("SB-03", Some("13800000001")).await["number"].as_str().unwrap().to_owned();
    person.get("/bookings").await.ok(200);
    person.get("/bookings").await.ok(200);
    town.stranger().send_to(Method::GET, "/no/such/place", None).await.ok(404);
    let odd = Method::from_bytes(b"BREW").unwrap();
    town.web.request(odd, format!("{}/r/secret-token-of-somebody", town.url)).send().await.unwrap();
    town.deliver().await;
    let told = metrics(town).await;
    assert!(told.ends_with("# EOF\n"), "{told}");
    let list = "shuitian_requests_total{route=\"/api/v1/bookings\",method=\"GET\",status=\"200\"}";
    assert_eq!(value(&told, list), 2.0, "{told}");
    assert_eq!(value(&told, "shuitian_request_seconds_count{route=\"/api/v1/bookings\"}"), 2.0);
    let texts = town.memory().sent().len();
    assert!(texts > 0);
    assert_eq!(
        value(&told, "shuitian_texts_total{gateway=\"memory\",outcome=\"accepted\",kind=\"code\"}"),
        texts as f64
    );
    assert_eq!(value(&told, "shuitian_jobs_total{name=\"open_slots\",outcome=\"done\"}"), 1.0);
    let ran_at = value(&told, "shuitian_job_ran_at_seconds{name=\"open_slots\",outcome=\"done\"}");
    assert!((ran_at - tuesday().0 as f64 / 1000.0).abs() < 60.0, "{ran_at}");
    assert!(value(&told, "shuitian_process_memory_bytes") > 1e6);
    assert!(value(&told, "shuitian_process_cpu_seconds") > 0.0);
    assert!(value(&told, "shuitian_process_open_files") > 3.0);
    assert!(
        told.contains("route=\"-\",method=\"GET\",status=\"404\""),
        "where there is no route, none is told: {told}"
    );
    assert!(told.contains("method=\"other\""), "{told}");
    for secret in [&id, "13800000001", "secret-token-of-somebody", "BREW", "no/such/place", "田小满"] {
        assert!(!told.contains(secret), "{secret} is told");
    }
}

async fn the_outbox_and_the_budget_are_told_as_they_stand(town: &Town) {
    town.act(async |act| say_texts(act, 0..2).await).await;
    town.app.clock.advance(Duration::seconds(90));
    let told = metrics(town).await;
    assert_eq!(value(&told, "shuitian_outbox_texts{state=\"due\"}"), 2.0, "{told}");
    let lag = value(&told, "shuitian_outbox_lag_seconds");
    assert!((90.0..120.0).contains(&lag), "{lag}");
    assert_eq!(value(&told, "shuitian_billed_texts_today{centre=\"ST\"}"), 0.0);
    assert_eq!(value(&told, "shuitian_texts_budget"), town.app.settings.sms.limits.daily_budget as f64);
    town.memory().answer_next(Outcome::Ambiguous("timeout".to_owned()));
    town.deliver().await;
    let told = metrics(town).await;
    assert_eq!(value(&told, "shuitian_outbox_texts{state=\"due\"}"), 0.0);
    assert_eq!(value(&told, "shuitian_outbox_texts{state=\"unsure\"}"), 1.0, "{told}");
    assert_eq!(value(&told, "shuitian_outbox_lag_seconds"), 0.0);
    assert_eq!(
        value(&told, "shuitian_texts_total{gateway=\"memory\",outcome=\"ambiguous\",kind=\"booking.appeal_ruled\"}"),
        1.0
    );
    assert_eq!(value(&told, "shuitian_billed_texts_today{centre=\"ST\"}"), 2.0);
    town.app.clock.advance(Duration::days(2));
    let told = metrics(town).await;
    assert_eq!(value(&told, "shuitian_outbox_texts{state=\"unsure\"}"), 0.0, "what failed long ago alarms nobody");
    assert_eq!(value(&told, "shuitian_billed_texts_today{centre=\"ST\"}"), 0.0);
    assert!(line(&told, "shuitian_billed_texts_today").is_some());
}

/// A panel that asks for what is not counted shows an empty room, and nobody notices.
#[test]
fn the_dashboard_asks_for_what_is_counted() {
    let metrics = Metrics::default();
    metrics.answered("GET", "/", 200, std::time::Duration::from_millis(1));
    metrics.handed("memory", "accepted", "code");
    metrics.ran("optimize", true, tuesday());
    let (texts, billed) = (vec![("due".to_owned(), 1)], vec![("ST".to_owned(), 1)]);
    let waiting = Waiting { texts, due_since: None, billed, held: vec!["tencent".to_owned()] };
    let told = metrics.tell(&waiting, 0, tuesday()).unwrap();
    let counted: Vec<&str> = told.lines().filter_map(|l| l.strip_prefix("# TYPE ")?.split(' ').next()).collect();
    let dashboard: Value = serde_json::from_str(include_str!("../../deploy/grafana.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut asked = Vec::new();
    for target in panels.iter().flat_map(|p| p["targets"].as_array().unwrap()) {
        let words = target["expr"].as_str().unwrap().split(|c: char| !(c.is_alphanumeric() || c == '_'));
        asked.extend(words.filter(|w| w.starts_with("shuitian_")));
    }
    assert!(panels.len() >= 8 && asked.len() >= 10, "the panels were not read");
    for name in &asked {
        let base =
            ["_total", "_bucket", "_sum", "_count"].iter().find_map(|end| name.strip_suffix(end)).unwrap_or(name);
        assert!(counted.contains(&base), "{name} is asked for and not counted: {counted:?}");
    }
    for name in counted {
        assert!(asked.iter().any(|a| a.starts_with(name)), "{name} is counted and nobody looks at it");
    }
}

/// Asks another program of the town for its metrics.
async fn asked(app: &App, token: Option<&str>) -> Answer {
    let door = Door::open(app).await;
    let mut request = reqwest::Client::builder().no_proxy().build().unwrap().get(format!("{}/metrics", door.url));
    if let Some(token) = token {
        request = request.bearer_auth(token);
    }
    let answer = Answer::of(request.send().await.unwrap()).await;
    door.close().await;
    answer
}

async fn in_production_the_counts_are_for_who_holds_the_token(town: &Town) {
    let production = [
        ("PROFILE", "production"),
        ("HTTP__PUBLIC_URL", "https://bm.example.gov.cn"),
        ("SMS__GATEWAYS", ""),
        ("WECHAT__SIGN_IN", "none"),
    ];
    let without = town.another(&production).await;
    asked(&without, None).await.ok(404);
    asked(&without, Some("")).await.ok(404);
    let token = [("METRICS__TOKEN", "a-token-of-the-district")];
    let with = town.another(&[&production[..], &token].concat()).await;
    asked(&with, None).await.ok(404);
    asked(&with, Some("a-token-of-the-distric")).await.ok(404);
    let answer = asked(&with, Some("a-token-of-the-district")).await;
    assert!(answer.status == 200 && answer.text.contains("shuitian_outbox_lag_seconds"), "{}", answer.text);
    // A demonstration that names a token means it.
    let demo = town.another(&token).await;
    asked(&demo, None).await.ok(404);
    for app in [without, with, demo] {
        app.database.close().await;
    }
}
