//! Supervision orders (督办, article 4.2).

use crate::town::{Town, at, stories};
use serde_json::{Value, json};
use shuitian::domain::identity::staff;
use shuitian::domain::{case, cover, supervision};

stories!(
    article_4_2_what_was_promised_is_seen_to_by_an_order,
    article_4_2_an_order_that_nobody_answers_goes_up,
    article_4_2_only_what_is_promised_and_under_way_is_seen_to,
    an_order_is_there_for_whoever_sees_its_case,
);

async fn accepted(town: &Town) -> String {
    let number = town.received("MZ-01", None).await["number"].as_str().unwrap().to_owned();
    town.staff("window1").await.post(&format!("/cases/{number}/accept"), json!({})).await.ok(200);
    number
}

fn order(due_on: &str) -> Value {
    json!({ "words": "入户调查拖了三天，请尽快安排", "due_on": due_on })
}

async fn phones(town: &Town) {
    for (who, phone) in [("office1", "13900000001"), ("head1", "13900000002"), ("leader", "13900000003")] {
        town.act(async |act| staff::set_phone(act, who, Some(phone)).await.map(drop)).await;
    }
    // Whoever is there holds his post.
    town.sign_in("office1").await;
}

async fn article_4_2_what_was_promised_is_seen_to_by_an_order(town: &Town) {
    phones(town).await;
    let number = accepted(town).await;
    let (director, office) = (town.staff("director").await, town.staff("office1").await);
    let path = format!("/cases/{number}/orders");
    for (field, value) in [
        ("words", json!("快办")),
        ("due_on", json!("2026-11-24")),
        ("due_on", json!("2026-11-28")),
        ("due_on", json!("2026-12-28")),
    ] {
        let mut body = order("2026-11-26");
        body[field] = value;
        assert_eq!(director.post(&path, body).await.refused(supervision::BAD_ORDER)["field"], field);
    }
    office.post(&path, order("2026-11-26")).await.refused(cover::NOT_YOUR_POST);
    let given = director.post(&path, order("2026-11-26")).await.ok(201);
    assert_eq!((&given["open"], &given["given_by"]), (&json!(true), &json!("冉建国")));
    director.post(&path, order("2026-11-27")).await.refused(supervision::ORDER_OPEN);
    let texts = town.texts("13900000001").await;
    assert!(texts.len() == 1 && texts[0].contains("督办") && texts[0].contains("11月26日"), "{texts:?}");

    let id = given["id"].as_str().unwrap();
    director.post(&format!("/orders/{id}/close"), json!({})).await.refused(supervision::NOT_ANSWERED);
    let answer = format!("/orders/{id}/answer");
    office.post(&answer, json!({ "words": "好的" })).await.refused(supervision::BAD_ANSWER);
    let done = json!({ "words": "今天下午已入户，明天出意见" });
    town.staff("office2").await.post(&answer, done.clone()).await.refused(supervision::UNKNOWN_ORDER);
    let told = town.staff("window1").await.post(&answer, done.clone()).await;
    told.refused(cover::NOT_YOUR_POST);
    let answered = office.post(&answer, done.clone()).await.ok(200);
    assert_eq!((&answered["answered_by"], &answered["answer"]), (&json!("龚文才"), &done["words"]));
    office.post(&answer, done).await.refused(supervision::ORDER_ANSWERED);
    office.post(&format!("/orders/{id}/close"), json!({})).await.refused(cover::NOT_YOUR_POST);
    assert_eq!(director.post(&format!("/orders/{id}/close"), json!({})).await.ok(200)["open"], false);
    // Another one may follow.
    director.post(&path, order("2026-11-27")).await.ok(201);
    town.deliver().await;
}

async fn article_4_2_an_order_that_nobody_answers_goes_up(town: &Town) {
    phones(town).await;
    let number = accepted(town).await;
    let path = format!("/cases/{number}/orders");
    town.staff("director").await.post(&path, order("2026-11-26")).await.ok(201);
    let count = async |phone: &str| town.texts(phone).await.iter().filter(|t| t.contains("督办")).count();
    let told = async || (count("13900000001").await, count("13900000002").await, count("13900000003").await);
    assert_eq!(told().await, (1, 0, 0), "whoever has it in hand");
    town.move_to(at("2026-11-26", 17, 0)).await;
    assert_eq!(told().await, (1, 0, 0), "its day is not over");
    town.move_to(at("2026-11-27", 9, 30)).await;
    assert_eq!(told().await, (1, 1, 0), "the head of the office");
    town.move_to(at("2026-11-30", 9, 30)).await;
    assert_eq!(told().await, (1, 1, 0), "two working days of patience");
    town.move_to(at("2026-12-01", 9, 30)).await;
    town.move_to(at("2026-12-02", 9, 30)).await;
    assert_eq!(told().await, (1, 1, 1), "then the leaders, each once");
}

async fn article_4_2_only_what_is_promised_and_under_way_is_seen_to(town: &Town) {
    let director = town.staff("director").await;
    let instant = town.received("SB-03", None).await["number"].as_str().unwrap().to_owned();
    let path = |number: &str| format!("/cases/{number}/orders");
    director.post(&path(&instant), order("2026-11-26")).await.refused(supervision::NOT_TO_SUPERVISE);
    let ended = town.issued("MZ-01", None).await["number"].as_str().unwrap().to_owned();
    director.post(&path(&ended), order("2026-11-26")).await.refused(supervision::NOT_TO_SUPERVISE);
    // One whose case ends meanwhile is moot: nobody is told of it, and it can be closed.
    let number = accepted(town).await;
    let id = director.post(&path(&number), order("2026-11-26")).await.ok(201)["id"].as_str().unwrap().to_owned();
    director.post(&format!("/cases/{number}/decide"), json!({ "grant": true })).await.ok(200);
    town.staff("window1").await.post(&format!("/cases/{number}/issue"), json!({})).await.ok(200);
    let listed = director.get("/orders").await.ok(200);
    assert_eq!((&listed["items"][0]["number"], &listed["items"][0]["open"]), (&json!(number), &json!(false)));
    director.post(&format!("/orders/{id}/close"), json!({})).await.ok(200);
    town.deliver().await;
}

async fn an_order_is_there_for_whoever_sees_its_case(town: &Town) {
    let number = accepted(town).await;
    town.staff("director").await.post(&format!("/cases/{number}/orders"), order("2026-11-26")).await.ok(201);
    for (who, sees) in [("window1", 1), ("office1", 1), ("head1", 1), ("leader", 1), ("supervisor", 1), ("office2", 0)]
    {
        let listed = town.staff(who).await.get("/orders").await.ok(200);
        assert_eq!(listed["items"].as_array().unwrap().len(), sees, "{who}");
    }
    let none = town.staff("office2").await.post(&format!("/cases/{number}/orders"), order("2026-11-26")).await;
    none.refused(case::UNKNOWN_CASE);
    town.deliver().await;
}
