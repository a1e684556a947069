//! No personal data and no secret in any line of the log, at its most talkative.

use crate::process::Server;
use reqwest::Method;
use serde_json::json;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_at_its_most_talkative_names_nobody_and_opens_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let server = Server::start(directory.path(), &[("SHUITIAN__LOG__FILTER", "trace")]);
    let (name, phone, card) = ("欧阳阿弥陀", "13912345678", "11010519491231002X");
    let mut secret = vec![name.to_owned(), phone.to_owned(), card.to_owned(), "shuitian-demo".to_owned()];

    // A resident by phone.
    server.post("/auth/phone/code", None, json!({ "phone": phone })).await.ok(202);
    let text = server.printed(phone).await;
    let code = text.split("验证码").nth(1).unwrap()[..6].to_owned();
    server.post("/auth/phone", None, json!({ "phone": phone, "code": "000000" })).await.ok(401);
    let resident = server.post("/auth/phone", None, json!({ "phone": phone, "code": code })).await.ok(200);
    let token = |answer: &serde_json::Value, name: &str| answer[name].as_str().unwrap().to_owned();
    secret.extend([token(&resident, "access_token"), token(&resident, "refresh_token")]);
    let access = token(&resident, "access_token");
    let slots = server.send(Method::GET, "/api/v1/slots?guide=SB-03", Some(&access), None).await.ok(200);
    let slot = slots["items"].as_array().unwrap().last().unwrap()["id"].clone();
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": name, "id_type": "id_card", "id_number": card } });
    server.post("/bookings", Some(&access), wish).await.ok(201);

    // The window, with right and wrong bodies.
    let staff = json!({ "username": "window1", "password": "shuitian-demo" });
    let window = token(&server.post("/auth/staff", None, staff).await.ok(200), "access_token");
    server.post("/auth/staff", None, json!({ "username": name, "password": phone })).await.ok(401);
    secret.push(window.clone());
    let applicant = json!({ "name": name, "phone": phone, "id_type": "id_card", "id_number": card });
    server
        .post("/cases", Some(&window), json!({ "guide": name, "channel": phone, "applicant": applicant }))
        .await
        .ok(400);
    let intake = json!({ "guide": "SB-03", "channel": "window", "applicant": applicant });
    let case = server.post("/cases", Some(&window), intake).await.ok(201);
    let check_code = case["receipt"]["check_code"].as_str().unwrap().to_owned();
    secret.push(check_code.clone());
    let number = case["number"].as_str().unwrap();
    for (step, body) in [("accept", json!({})), ("decide", json!({ "grant": true }))] {
        server.post(&format!("/cases/{number}/{step}"), Some(&window), body).await.ok(200);
    }
    let issued = server.post(&format!("/cases/{number}/issue"), Some(&window), json!({})).await.ok(200);
    let link = issued["invitation"]["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    secret.extend([link.clone(), issued["invitation"]["code"].as_str().unwrap().to_owned()]);
    let see = json!({ "fields": ["name", "phone", "id_number"], "purpose": "核对" });
    server.post(&format!("/cases/{number}/reveal"), Some(&window), see).await.ok(200);
    server.send(Method::GET, &format!("/api/v1/cases/{number}/receipt"), Some(&window), None).await;
    server.send(Method::GET, &format!("/progress?number={phone}&name={name}"), None, None).await;
    server.post("/progress", None, json!({ "number": number, "check_code": check_code })).await.ok(200);

    // The link in a path, the hook's secret in another, a cookie, and paths that are not there.
    server.send(Method::GET, &format!("/r/{link}"), None, None).await;
    server.send(Method::GET, &format!("/nowhere/{phone}/{link}"), None, None).await;
    let printed = server.printed("/hooks/sms/console/").await;
    let hook = printed.split("/hooks/sms/console/").nth(1).unwrap().split('/').next().unwrap().to_owned();
    secret.push(hook.clone());
    let path = format!("/hooks/sms/console/{hook}/reply");
    server.send(Method::POST, &path, None, Some(json!({ "mobile": phone, "text": format!("5 {name}") }))).await;
    server.post("/reviews", None, json!({ "token": link, "grade": 5, "comment": name })).await.ok(201);
    let form = format!("username=window2&password=shuitian-demo&next=%2Fstaff&x={phone}");
    let request = server
        .web
        .post(format!("{}/staff/sign-in", server.url))
        .header("content-type", "application/x-www-form-urlencoded");
    let signed = request.body(form).send().await.unwrap();
    let cookie = signed.headers()["set-cookie"].to_str().unwrap().split(['=', ';']).nth(1).unwrap().to_owned();
    assert!(cookie.len() > 100);
    secret.push(cookie);

    let log = server.stop();
    let lines = log.lines().count();
    assert!(lines > 40, "the log was not talkative: {lines} lines");
    for word in ["DEBUG", "/api/v1/cases", "answered", "refused", "an act was committed", "a text was handed over"] {
        assert!(log.contains(word), "{word} is not in the log");
    }
    let plain = without_colour(&log);
    for word in secret {
        if let Some(line) = plain.lines().find(|l| l.contains(&word)) {
            panic!("the log holds {word}: {line}");
        }
    }
}

/// The log without the escapes that colour it, which could hide a word.
fn without_colour(log: &str) -> String {
    let mut plain = String::with_capacity(log.len());
    let mut inside = false;
    for c in log.chars() {
        match c {
            '\u{1b}' => inside = true,
            'm' if inside => inside = false,
            _ if !inside => plain.push(c),
            _ => {}
        }
    }
    plain
}
