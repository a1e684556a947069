//! Every cause answers in one shape, and changes nothing.

use crate::person::Answer;
use crate::town::{Town, stories};
use reqwest::Method;
use serde_json::{Value, json};
use shuitian::access::{self, answer};
use shuitian::domain::identity::session;
use shuitian::domain::post::{self, PostFile};
use shuitian::domain::published::{self, Centre};
use shuitian::domain::{case, centre};
use std::sync::Arc;

stories!(
    every_cause_has_its_status_and_one_shape,
    a_body_over_the_limit_is_refused_told_or_not,
    another_centres_things_are_not_there,
    a_page_says_no_in_words_and_the_interface_in_json,
    ready_says_what_is_missing,
    a_panic_is_answered_like_any_fault,
    whoever_hangs_up_leaves_nothing_half_done,
);

async fn raw(town: &Town, method: Method, path: &str, kind: &str, body: impl Into<reqwest::Body>) -> Answer {
    let request = town.web.request(method, format!("{}{path}", town.url)).header("content-type", kind).body(body);
    Answer::of(request.send().await.unwrap()).await
}

async fn every_cause_has_its_status_and_one_shape(town: &Town) {
    let window = town.staff("window1").await;
    let before = town.rows().await;
    let post = async |body: &str| {
        raw(town, Method::POST, "/api/v1/auth/phone/code", "application/json", body.to_owned()).await
    };
    for unreadable in ["", "{", "[]", "null", "{}", r#"{"phone": 13800000001}"#, r#"{"phone": null}"#, "\u{1f600}"] {
        post(unreadable).await.refused(answer::UNREADABLE);
    }
    let unknown = post(r#"{"phone": "13800000001", "admin": true}"#).await.refused(answer::UNKNOWN_FIELD);
    assert_eq!(unknown["field"], "admin");
    raw(town, Method::POST, "/api/v1/auth/phone/code", "text/plain", "{}").await.refused(answer::UNSUPPORTED_BODY);
    raw(town, Method::POST, "/api/v1/auth/phone/code", "application/json", vec![0xff, 0xfe])
        .await
        .refused(answer::UNREADABLE);
    // No keyboard types a NUL, and PostgreSQL cannot compare with one: it is never a fault of ours.
    for path in
        ["/guides/%00", "/guides?q=%00", "/slots?guide=%00", "/bulletins/%00", "/bulletins/2026-10/figures/%00/rows"]
    {
        let answer = town.stranger().get(path).await;
        assert!(matches!(answer.status, 200 | 400 | 404 | 422), "{path}: {} {}", answer.status, answer.text);
    }
    for path in ["/cases/%00", "/cases?office=%00", "/cases?cursor=%00", "/bookings?phone_tail=%00"] {
        let answer = window.get(path).await;
        assert!(matches!(answer.status, 200 | 400 | 404 | 422), "{path}: {} {}", answer.status, answer.text);
    }
    for path in ["/guides/%00", "/?q=%00", "/r/%00", "/bulletins/%00", "/progress?number=%00", "/?centre=%00"] {
        let answer = town.stranger().send_to(Method::GET, path, None).await;
        assert!(answer.status < 500, "{path}: {} {}", answer.status, answer.text);
    }
    let nul = json!({ "number": "ST-20261124-0001\0", "phone_tail": "0001" });
    town.stranger().post("/progress", nul).await.refused(answer::UNREADABLE);
    town.stranger().get("/nowhere").await.refused(answer::NO_ROUTE);
    town.stranger().send(Method::PUT, "/guides", None).await.refused(answer::NO_METHOD);
    town.stranger().get("/cases").await.refused(session::NOT_SIGNED_IN);
    town.staff("admin").await.get("/cases").await.refused(access::FORBIDDEN);
    window.get("/cases/ST-B-20261124-0001").await.refused(case::UNKNOWN_CASE);
    window.get("/cases?limit=x").await.refused(answer::UNREADABLE);
    window.get("/bookings?date=2026-13-01").await.refused(answer::UNREADABLE);
    town.resident("13800000001").await.get("/bookings/not-an-id").await.refused(answer::UNREADABLE);
    let typed = json!({ "guide": "SB-03", "channel": "telepathy", "applicant": { "name": "甲" } });
    window.post("/cases", typed).await.refused(answer::UNREADABLE);
    let nested = json!({ "guide": "SB-03", "channel": "window", "applicant": { "name": "甲", "age": 3 } });
    assert_eq!(window.post("/cases", nested).await.refused(answer::UNKNOWN_FIELD)["field"], "age");
    let after = town.rows().await;
    for table in ["service_case", "case_event", "applicant", "material", "counter", "booking", "review"] {
        assert_eq!(before[table], after[table], "{table}");
    }
    // What was typed is not repeated to whoever reads the answer.
    let echoed = post(r#"{"phone": {"13800000001": "田小满"}}"#).await;
    assert!(!echoed.text.contains("13800000001") && !echoed.text.contains("田小满"));
}

async fn a_body_over_the_limit_is_refused_told_or_not(town: &Town) {
    let before = town.rows().await;
    let large = format!(r#"{{"phone": "{}"}}"#, "1".repeat(1_100_000));
    raw(town, Method::POST, "/api/v1/auth/phone/code", "application/json", large.clone())
        .await
        .refused(answer::BODY_TOO_LARGE);
    let chunks: Vec<Result<String, std::io::Error>> =
        large.as_bytes().chunks(10_000).map(|c| Ok(String::from_utf8_lossy(c).into_owned())).collect();
    let stream = reqwest::Body::wrap_stream(futures_util::stream::iter(chunks));
    raw(town, Method::POST, "/api/v1/auth/phone/code", "application/json", stream)
        .await
        .refused(answer::BODY_TOO_LARGE);
    assert_eq!(town.rows().await, before);
}

async fn whoever_hangs_up_leaves_nothing_half_done(town: &Town) {
    use tokio::io::AsyncWriteExt as _;
    let token = town.staff("window1").await.token.unwrap();
    let address = town.url.strip_prefix("http://").unwrap();
    let body = json!({ "guide": "SB-03", "channel": "window", "applicant": { "name": "田小满" } }).to_string();
    let request = format!(
        "POST /api/v1/cases HTTP/1.1\r\nhost: {address}\r\nauthorization: Bearer {token}\r\n\
         content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    );
    for n in 0..20 {
        let mut line = tokio::net::TcpStream::connect(address).await.unwrap();
        line.write_all(request.as_bytes()).await.unwrap();
        // At another moment each time.
        tokio::time::sleep(std::time::Duration::from_millis(n % 5)).await;
    }
    // What was asked for is brought to its end, one after the other, and whole.
    for _ in 0..100 {
        if town.rows().await["service_case"] == 20 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let rows = town.rows().await;
    assert_eq!([rows["service_case"], rows["case_event"], rows["applicant"]], [20; 3]);
    town.received("SB-03", None).await;
}

/// A second centre on the same installation, with a host of its own, its people and a case.
async fn neighbour(town: &Town) -> (String, Arc<Centre>) {
    let mut file: Value = serde_json::from_str(include_str!("../../seed/centre.json")).unwrap();
    file["code"] = json!("QX");
    file["hosts"] = json!(["qx.example.gov.cn"]);
    let file = serde_json::from_value(file).unwrap();
    let change = async |tx: &_| centre::import(tx, &town.app.random, town.app.clock.now(), file).await;
    let centre = Arc::new(Centre::unkept(town.app.establish(change).await.unwrap()));
    let number = town.app.publish(&centre, shuitian::domain::Who::Operator, async |act| {
        let guides = serde_json::from_str(include_str!("../../seed/guides.json")).map_err(anyhow_of)?;
        shuitian::domain::guide::import(act, guides).await?;
        let people = serde_json::from_str(include_str!("../../seed/staff.json")).map_err(anyhow_of)?;
        shuitian::domain::identity::staff::add_demo(act, people, shuitian::demo::PASSWORD).await?;
        let mut posts: Vec<PostFile> =
            serde_json::from_str(include_str!("../../seed/posts.json")).map_err(anyhow_of)?;
        posts.iter_mut().for_each(|post| post.from = act.now.date());
        post::import(act, posts).await?;
        let consents = serde_json::from_str(include_str!("../../seed/windows.json")).map_err(anyhow_of)?;
        shuitian::domain::matter::import(act, consents).await
    });
    number.await.unwrap();
    let window = town.stranger().at("QX");
    let window = window
        .with(&window.post("/auth/staff", json!({ "username": "window1", "password": "shuitian-demo" })).await.ok(200));
    let intake =
        json!({ "guide": "SB-03", "channel": "window", "applicant": { "name": "邻乡人", "phone": "13800000001" } });
    let number = window.post("/cases", intake).await.ok(201)["number"].as_str().unwrap().to_owned();
    (number, centre)
}

fn anyhow_of(error: serde_json::Error) -> shuitian::base::Error {
    shuitian::base::Error::Fault(error.into())
}

async fn another_centres_things_are_not_there(town: &Town) {
    let (theirs, _) = neighbour(town).await;
    assert!(theirs.starts_with("QX-B-"));
    // With two centres, a request must say which it means.
    town.stranger().get("/guides").await.refused(published::UNKNOWN_CENTRE);
    town.stranger().at("XX").get("/guides").await.refused(published::UNKNOWN_CENTRE);
    town.stranger().at("ST").get("/guides/SB-03").await.ok(200);
    town.stranger().get("/guides/SB-03?centre=ST").await.ok(200);
    let by_host = town
        .web
        .get(format!("{}/api/v1/guides/SB-03", town.url))
        .header("host", "qx.example.gov.cn")
        .send()
        .await
        .unwrap();
    assert_eq!(by_host.status(), 200);
    let director = town.stranger().at("ST");
    let director = director.with(
        &director.post("/auth/staff", json!({ "username": "director", "password": "shuitian-demo" })).await.ok(200),
    );
    let before = town.rows().await;
    director.get(&format!("/cases/{theirs}")).await.refused(case::UNKNOWN_CASE);
    director.post(&format!("/cases/{theirs}/accept"), json!({})).await.refused(case::UNKNOWN_CASE);
    director
        .post(&format!("/cases/{theirs}/reveal"), json!({ "fields": ["name"], "purpose": "好奇" }))
        .await
        .refused(case::UNKNOWN_CASE);
    director.get(&format!("/cases/{theirs}/receipt")).await.refused(case::UNKNOWN_CASE);
    assert_eq!(director.get("/cases").await.ok(200)["items"], json!([]));
    // His token is good for his own centre alone, which it carries when the request names none.
    director.at("QX").get("/cases").await.refused(access::OTHER_CENTRE);
    let mut unnamed = director.clone();
    unnamed.centre = None;
    unnamed.get("/cases").await.ok(200);
    let proof = json!({ "number": theirs, "phone_tail": "0001" });
    town.stranger().at("ST").post("/progress", proof.clone()).await.refused(case::NO_PROGRESS);
    town.stranger().at("QX").post("/progress", proof).await.ok(200);
    let refresh = town.stranger().at("QX");
    refresh.post("/auth/refresh", json!({ "refresh_token": director.refresh })).await.refused(session::SESSION_ENDED);
    assert_eq!(town.rows().await, before);
}

async fn a_page_says_no_in_words_and_the_interface_in_json(town: &Town) {
    let page = town.stranger().send_to(Method::GET, "/nowhere", None).await;
    assert_eq!((page.status, page.headers["content-type"].to_str().unwrap()), (404, "text/html; charset=utf-8"));
    assert!(page.text.contains("没有这个地址"));
    for header in
        ["content-security-policy", "x-content-type-options", "referrer-policy", "x-frame-options", "x-request-id"]
    {
        assert!(page.headers.contains_key(header), "{header}");
    }
    assert!(!page.headers["content-security-policy"].to_str().unwrap().contains("unsafe"));
    let away = town.stranger().send_to(Method::GET, "/staff", None).await;
    assert_eq!((away.status, away.headers["location"].to_str().unwrap()), (303, "/staff/sign-in?next=%2Fstaff"));
}

async fn ready_says_what_is_missing(town: &Town) {
    let ready = town.stranger().send_to(Method::GET, "/readyz", None).await.ok(200);
    assert_eq!(
        ready,
        json!({ "ready": true, "database": "current", "cache": "reachable", "gateways": { "memory": "in order" } })
    );
    assert_eq!(town.stranger().send_to(Method::GET, "/healthz", None).await.text, "ok");
}

#[poem::handler]
fn panics() -> String {
    panic!("13800000001 田小满")
}

async fn a_panic_is_answered_like_any_fault(town: &Town) {
    use poem::listener::{Acceptor as _, Listener as _, TcpListener};
    let acceptor = TcpListener::bind("127.0.0.1:0").into_acceptor().await.unwrap();
    let address = acceptor.local_addr()[0].as_socket_addr().copied().unwrap();
    let routes = poem::Route::new().at("/api/v1/panics", poem::get(panics)).at("/panics", poem::get(panics));
    let gated = shuitian::serve::behind_gate(town.app.clone(), routes);
    let served = tokio::spawn(poem::Server::new_with_acceptor(acceptor).run(gated));
    for path in ["/api/v1/panics", "/panics", "/api/v1/panics"] {
        let answer = Answer::of(town.web.get(format!("http://{address}{path}")).send().await.unwrap()).await;
        assert_eq!(answer.status, 500);
        assert!(answer.text.contains("系统出错") && !answer.text.contains("13800000001"), "{}", answer.text);
        assert_eq!(answer.headers["x-request-id"].len(), 12);
        if path.starts_with("/api") {
            assert_eq!(answer.body["code"], "internal");
        }
    }
    served.abort();
}
