//! Mistakes of staff put right: by a new event that names the old one, and nothing is taken away.

use super::{accepted, number};
use crate::town::{Town, at, audit_of, nobody, stories};
use entity::case::{CaseEventKind, event};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use shuitian::domain::figure::{self, Month};
use shuitian::domain::{case, cover, review};

stories!(
    a_mistaken_end_is_undone_and_the_case_goes_on,
    only_the_last_decision_or_end_is_undone,
    article_5_3_2c_a_refusal_that_is_undone_is_found_wrong_in_its_filing,
    a_remark_names_what_was_wrong_and_moves_nothing,
    figures_count_no_end_that_was_undone,
);

async fn events(town: &Town, case: &str) -> Vec<Value> {
    let seen = town.staff("director").await.get(&format!("/cases/{case}")).await.ok(200);
    seen["timeline"].as_array().unwrap().clone()
}

async fn last(town: &Town, case: &str) -> Value {
    events(town, case).await.pop().unwrap()["id"].clone()
}

fn wrong(event: &Value, undo: bool) -> Value {
    json!({ "event_id": event, "words": "点错了按钮，申请人还没有领到", "undo": undo })
}

async fn a_mistaken_end_is_undone_and_the_case_goes_on(town: &Town) {
    const PHONE: &str = "13800000001";
    let case = number(&town.issued("SB-03", Some(PHONE)).await);
    let link = town.texts(PHONE).await.pop().unwrap();
    let token = link.split("/r/").nth(1).unwrap().split(' ').next().unwrap().to_owned();
    let (window, director) = (town.staff("window1").await, town.staff("director").await);
    let amend = format!("/cases/{case}/amend");
    let end = last(town, &case).await;
    window.post(&amend, wrong(&end, true)).await.refused(cover::NOT_YOUR_POST);
    director.post(&amend, wrong(&json!(nobody()), true)).await.refused(case::UNKNOWN_EVENT);
    let mut silent = wrong(&end, true);
    silent["words"] = json!("错");
    director.post(&amend, silent).await.refused(case::AMEND_REASON_NEEDED);
    let back = director.post(&amend, wrong(&end, true)).await.ok(200);
    assert_eq!(
        (&back["state"], &back["ended_at"], &back["invitation"]),
        (&json!("granted"), &Value::Null, &Value::Null)
    );
    assert!(town.texts(PHONE).await.pop().unwrap().contains("已更正并继续办理"));
    // What asked him to rate is void; nothing that happened is gone.
    let rated = town.stranger().post("/reviews", json!({ "token": token, "grade": 1 })).await;
    rated.refused(review::LAPSED);
    let all = events(town, &case).await;
    let kinds: Vec<_> = all.iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["received", "accepted", "granted", "issued", "amended"]);
    assert_eq!(all[4]["amends"], end);
    director.post(&amend, wrong(&end, true)).await.refused(case::NOT_TO_AMEND);
    assert_eq!(audit_of(town, "case.amended").await.len(), 1, "a lead");
    // It ends once more, and is rated by its own link.
    town.wait(chrono::Duration::minutes(1)).await;
    let again = window.post(&format!("/cases/{case}/issue"), json!({})).await.ok(200);
    let url = again["invitation"]["url"].as_str().unwrap().to_owned();
    let anew = url.rsplit('/').next().unwrap();
    assert_ne!(anew, token);
    town.stranger().post("/reviews", json!({ "token": anew, "grade": 5 })).await.ok(201);
    town.stranger().post("/reviews", json!({ "token": anew, "grade": 4 })).await.refused(review::ALREADY_RATED);
    town.deliver().await;
}

async fn only_the_last_decision_or_end_is_undone(town: &Town) {
    let case = accepted(town, "MZ-02", None).await;
    let director = town.staff("director").await;
    let amend = format!("/cases/{case}/amend");
    director.post(&format!("/cases/{case}/decide"), json!({ "grant": true })).await.ok(200);
    let all = events(town, &case).await;
    let why = |told: Value| told["message"].as_str().unwrap().to_owned();
    for early in &all[..2] {
        why(director.post(&amend, wrong(&early["id"], true)).await.refused(case::NOT_TO_AMEND));
    }
    // A decision: the case is in hand again, with its last day and its last step.
    let back = director.post(&amend, wrong(&all[2]["id"], true)).await.ok(200);
    assert_eq!((&back["state"], &back["decided_on"]), (&json!("accepted"), &Value::Null));
    assert_eq!(back["due_on"], "2026-12-15");
    let seen = director.get(&format!("/cases/{case}")).await.ok(200);
    assert!(seen["steps"][0]["finished_at"].is_null() && seen["steps"][0]["begun_on"].is_string());
    let denied = json!({ "grant": false, "ground": "经核查不符合特困人员认定条件" });
    director.post(&format!("/cases/{case}/decide"), denied).await.ok(200);
    // Of two who press at once, one.
    let end = last(town, &case).await;
    let (a, b) = tokio::join!(director.post(&amend, wrong(&end, true)), director.post(&amend, wrong(&end, true)));
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409], "{} {}", a.text, b.text);
    // Withdrawn while its clock stood still, it stands still again, since the same day.
    let stop = json!({ "procedure": "inspection", "ground": "上级组织入户核验" });
    director.post(&format!("/cases/{case}/suspend"), stop).await.ok(200);
    town.move_to(at("2026-11-26", 10, 0)).await;
    let director = town.staff("director").await;
    director.post(&format!("/cases/{case}/withdraw"), json!({})).await.ok(200);
    let end = last(town, &case).await;
    assert_eq!(director.post(&amend, wrong(&end, true)).await.ok(200)["state"], "suspended");
    let resumed = director.post(&format!("/cases/{case}/resume"), json!({})).await.ok(200);
    assert_eq!(resumed["due_on"], "2026-12-17", "two days longer");
    town.deliver().await;
}

async fn article_5_3_2c_a_refusal_that_is_undone_is_found_wrong_in_its_filing(town: &Town) {
    let case = number(&town.received("MZ-01", None).await);
    let (window, director) = (town.staff("window1").await, town.staff("director").await);
    let refused = json!({ "ground": "户籍不在本乡，不予受理" });
    window.post(&format!("/cases/{case}/refuse"), refused).await.ok(200);
    let end = last(town, &case).await;
    let back = director.post(&format!("/cases/{case}/amend"), wrong(&end, true)).await.ok(200);
    assert_eq!(back["state"], "received");
    assert_eq!(director.get("/negatives").await.ok(200)["items"], json!([]));
    let filed = entity::case::negative::Entity::find().one(town.app.read()).await.unwrap().unwrap();
    assert_eq!(filed.upheld, Some(false), "a lead");
    window.post(&format!("/cases/{case}/accept"), json!({})).await.ok(200);
    town.deliver().await;
}

async fn a_remark_names_what_was_wrong_and_moves_nothing(town: &Town) {
    let received = town.received("MZ-01", None).await;
    let case = number(&received);
    let director = town.staff("director").await;
    let first = last(town, &case).await;
    let amend = format!("/cases/{case}/amend");
    let after = director.post(&amend, wrong(&first, false)).await.ok(200);
    assert_eq!(after["state"], "received");
    director.post(&amend, wrong(&first, false)).await.refused(case::NOT_TO_AMEND);
    let remark = last(town, &case).await;
    director.post(&amend, wrong(&remark, false)).await.ok(200);
    // The applicant reads it with his receipt.
    let proof = json!({ "number": case, "check_code": received["receipt"]["check_code"] });
    let told = town.stranger().post("/progress", proof).await.ok(200);
    assert_eq!(told["timeline"][1]["kind"], "amended");
    assert_eq!(told["timeline"][1]["ground"], "点错了按钮，申请人还没有领到");
    assert!(told["timeline"][1].get("by").is_none() && told["timeline"][1].get("amends").is_none());
    let amended = event::Column::Kind.eq(CaseEventKind::Amended);
    assert_eq!(event::Entity::find().filter(amended).all(town.app.read()).await.unwrap().len(), 2);
    town.wait(chrono::Duration::minutes(5)).await;
    town.deliver().await;
}

async fn figures_count_no_end_that_was_undone(town: &Town) {
    let case = number(&town.issued("SB-03", None).await);
    town.issued("SB-03", None).await;
    let end = last(town, &case).await;
    let director = town.staff("director").await;
    director.post(&format!("/cases/{case}/amend"), wrong(&end, true)).await.ok(200);
    let month = Month::parse("2026-11").unwrap();
    let ended = async || {
        let figures = figure::month(town.app.read(), town.centre.id, month, town.app.clock.now()).await.unwrap();
        figures.into_iter().find(|f| f.key == "ended").unwrap().rows.len()
    };
    assert_eq!(ended().await, 1);
    town.wait(chrono::Duration::minutes(1)).await;
    town.staff("window1").await.post(&format!("/cases/{case}/issue"), json!({})).await.ok(200);
    assert_eq!(ended().await, 2);
    town.deliver().await;
}
