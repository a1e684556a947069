//! Whoever is rated does not learn by whom, or how: through no door, no page, no table and no text (article 4.5).

use super::token;
use crate::pages::Browser;
use crate::person::Person;
use crate::town::{Town, at, stories};
use reqwest::Method;
use serde_json::{Value, json};
use shuitian::access::FORBIDDEN;
use shuitian::api;
use shuitian::domain::Who;
use shuitian::domain::identity::staff;
use std::collections::BTreeSet;

stories!(
    article_4_5_the_rated_person_finds_nothing_of_a_review_anywhere,
    article_4_5_a_bad_review_opens_its_rectification_for_whoever_had_no_hand_in_it,
);

const WORDS: &str = "暗号红伞：窗口的人把我晾了半天";
const MORE: &str = "暗号蓝伞：后来也没有人管";
const TAG: &str = "115";

/// A case that window1 and office1 did, rated badly and added to; its number.
async fn rated(town: &Town) -> String {
    let number = town.received("MZ-03", Some("13800000001")).await["number"].as_str().unwrap().to_owned();
    let (window, office) = (town.staff("window1").await, town.staff("office1").await);
    window.post(&format!("/cases/{number}/accept"), json!({})).await.ok(200);
    office.post(&format!("/cases/{number}/decide"), json!({ "grant": true })).await.ok(200);
    let ended = window.post(&format!("/cases/{number}/issue"), json!({})).await.ok(200);
    let (who, token) = (town.stranger(), token(&ended));
    let review = json!({ "token": token, "grade": 1, "tags": [TAG], "comment": WORDS, "anonymous": true });
    who.post("/reviews", review).await.ok(201);
    who.post("/reviews/append", json!({ "token": token, "comment": MORE })).await.ok(201);
    number
}

/// Fails where an answer holds anything of the review. A table of all grades and tags tells nothing.
fn finds_nothing(answer: &str, at: &str) {
    for secret in ["暗号", "红伞", "蓝伞", "\"grade\":1", "\"grade\": 1", "\"115\""] {
        assert!(!answer.contains(secret), "{at} holds {secret}: {answer}");
    }
}

async fn article_4_5_the_rated_person_finds_nothing_of_a_review_anywhere(town: &Town) {
    let phones = [("window1", "13900000001"), ("office1", "13900000002"), ("supervisor", "13900000003")];
    for (username, phone) in phones {
        let set = async |act: &_| staff::set_phone(act, username, Some(phone)).await.map(drop);
        town.app.write(&town.centre, Who::Operator, set).await.unwrap();
    }
    let case = rated(town).await;
    town.move_to(at("2026-12-02", 9, 30)).await;
    for who in ["director", "window1", "office1", "head1", "supervisor"] {
        town.sign_in(who).await;
    }
    let director = town.staff("director").await;
    director.post("/bulletins/2026-11/draft", json!({})).await.ok(200);
    director.post("/bulletins/2026-11/sign", json!({})).await.ok(200);
    for who in ["window1", "office1"] {
        let person = town.staff(who).await;
        let asked = doors(&person, &case).await;
        assert!(asked > 90, "{who} went through {asked} doors");
        tables(town, &person).await;
        let seen = pages(town, who).await;
        assert!(seen > 20, "{who} read {seen} pages");
        // Of reviews he opens how many there are, and no more.
        for key in ["rated", "good", "bad"] {
            let rows = person.get(&format!("/bulletins/2026-11/figures/{key}/rows")).await;
            assert!(rows.status == 200 && !rows.text.contains(&case), "{key}: {}", rows.text);
            assert!(rows.body["items"].as_array().unwrap().iter().all(|row| row["on"].is_null()), "{}", rows.text);
        }
    }
    town.deliver().await;
    town.move_to(at("2026-12-09", 9, 30)).await;
    town.deliver().await;
    for (_, phone) in phones {
        for text in town.memory().sent().iter().filter(|text| text.phone == phone) {
            finds_nothing(&text.text, phone);
        }
    }
    // Whoever sees to it reads it: there was something to be found.
    let seen = town.staff("supervisor").await.get("/rectifications").await;
    assert!(seen.text.contains(WORDS) && seen.text.contains(MORE) && seen.text.contains("\"115\""), "{}", seen.text);
}

/// Goes through every door of the interface about this case; gives how many there were.
async fn doors(person: &Person<'_>, case: &str) -> usize {
    let document: Value = serde_json::from_str(&api::document()).unwrap();
    let mut asked = 0;
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            // What displays hear never ends, and a session that is left sees nothing more.
            if ["events", "sign_out"].contains(&name) {
                continue;
            }
            let path = path
                .replace("{number}", case)
                .replace("{period}", "2026-11")
                .replace("{key}", "bad")
                .replace("{n}", "1")
                .replace("{code}", "MZ-03")
                .replace("{id}", &crate::town::nobody().to_string())
                .replace("{document}", &crate::town::nobody().to_string());
            let body = match name {
                "reveal" => json!({ "fields": ["name", "phone"], "purpose": "电话回访" }),
                "search_cases" => json!({ "person": "田小满" }),
                _ => json!({}),
            };
            let body = Some(body).filter(|_| method != "get");
            let answer = person.send(method.to_uppercase().parse::<Method>().unwrap(), &path, body).await;
            assert_ne!(answer.status, 500, "{name}");
            if name == "list_rectifications" {
                assert_eq!(answer.body["code"], FORBIDDEN.code);
            }
            finds_nothing(&answer.text, name);
            asked += 1;
        }
    }
    asked
}

/// Takes away every table that there is.
async fn tables(town: &Town, person: &Person<'_>) {
    let request = town.web.post(format!("{}/api/v1/cases/export", town.url));
    let request = request.bearer_auth(person.token.as_ref().unwrap()).json(&json!({ "form": "csv" }));
    let table = request.send().await.unwrap().text().await.unwrap();
    assert!(table.lines().count() > 1);
    finds_nothing(&table, "the table");
    assert!(!table.contains("不满意"), "{table}");
}

/// Reads every page that links lead to; gives how many there were.
async fn pages(town: &Town, who: &str) -> usize {
    let browser = Browser::staff(town, who).await;
    let mut waiting: Vec<String> = ["/staff", "/staff/rectifications", "/bulletins", "/"].map(str::to_owned).into();
    let mut seen: BTreeSet<String> = BTreeSet::new();
    while let Some(path) = waiting.pop() {
        if seen.len() > 300 || !seen.insert(path.clone()) {
            continue;
        }
        let answer = browser.get(&path).await;
        assert_ne!(answer.status, 500, "{path}");
        // The page on which one rates offers every grade and tag.
        finds_nothing(&answer.text, &path);
        if answer.headers.get("content-type").is_some_and(|kind| kind.to_str().unwrap().starts_with("text/html")) {
            let links = answer.text.split("href=\"").skip(1).filter_map(|rest| rest.split('"').next());
            let ours = links.filter(|link| link.starts_with('/') && !link.starts_with("/assets"));
            waiting.extend(ours.map(|link| link.replace("&amp;", "&").replace("&#38;", "&")));
        }
    }
    seen.len()
}

async fn article_4_5_a_bad_review_opens_its_rectification_for_whoever_had_no_hand_in_it(town: &Town) {
    for who in ["director", "head1", "supervisor"] {
        town.sign_in(who).await;
    }
    let case = rated(town).await;
    // The head of the office, the supervision window and the director had no hand in it.
    for who in ["head1", "supervisor", "director"] {
        let listed = town.staff(who).await.get("/rectifications").await.ok(200);
        assert_eq!(
            (listed["items"].as_array().unwrap().len(), &listed["items"][0]["number"]),
            (1, &json!(case)),
            "{who}"
        );
        let reviews = listed["items"][0]["reviews"].as_array().unwrap();
        assert_eq!((reviews.len(), &reviews[0]["grade"], &reviews[1]["grade"]), (2, &json!(1), &Value::Null));
    }
    let page = Browser::staff(town, "supervisor").await.get("/staff/rectifications").await.text;
    assert!(page.contains(WORDS) && page.contains("服务态度差效率低") && page.contains("保密"), "{page}");
    for who in ["window1", "office1"] {
        town.staff(who).await.get("/rectifications").await.refused(FORBIDDEN);
    }
    // What the director decided himself, he does not read of; a good review opens none, and two bad words are one.
    let ended = town.issued("SB-03", Some("13800000002")).await;
    let bad = json!({ "token": token(&ended), "grade": 2, "comment": "等得太久" });
    town.stranger().post("/reviews", bad).await.ok(201);
    let good = town.issued("SB-03", Some("13800000003")).await;
    town.stranger().post("/reviews", json!({ "token": token(&good), "grade": 3 })).await.ok(201);
    let worse = json!({ "token": token(&good), "grade": 1, "comment": "回家一看，证打错了" });
    town.stranger().post("/reviews/append", worse).await.ok(201);
    // Who had an original in his hands had a hand in it, though he did nothing else.
    let held = town.received("MZ-03", Some("13800000004")).await["number"].as_str().unwrap().to_owned();
    let copy = json!([{ "name": "残疾人证", "form": "copy" }]);
    let intake = json!({ "guide": "MZ-03", "channel": "window", "applicant": { "name": "石桂花" }, "materials": copy });
    let window = town.staff("window1").await;
    let paper = window.post("/cases", intake).await.ok(201)["number"].as_str().unwrap().to_owned();
    for case in [&held, &paper] {
        window.post(&format!("/cases/{case}/accept"), json!({})).await.ok(200);
    }
    town.staff("head1").await.post(&format!("/cases/{paper}/custody/take"), json!({})).await.ok(200);
    town.staff("window1").await.post(&format!("/cases/{paper}/custody/take"), json!({})).await.ok(200);
    town.staff("office1").await.post(&format!("/cases/{paper}/decide"), json!({ "grant": true })).await.ok(200);
    let ended = window.post(&format!("/cases/{paper}/issue"), json!({})).await.ok(200);
    let bad = json!({ "token": token(&ended), "grade": 1, "comment": "拿材料的人态度不好" });
    town.stranger().post("/reviews", bad).await.ok(201);
    let count = async |who: &str| {
        let listed = town.staff(who).await.get("/rectifications").await.ok(200);
        listed["items"].as_array().unwrap().len()
    };
    assert_eq!((count("director").await, count("supervisor").await, count("head1").await), (2, 4, 1));
    town.deliver().await;
}
