//! Seals (印章, article 4.2).

use crate::authority::letter;
use crate::town::{Town, at, stories};
use serde_json::{Value, json};
use shuitian::domain::{Who, authority, case, document, post, seal};

stories!(
    article_4_2_the_register_says_who_keeps_which_seal,
    article_4_2_a_seal_is_put_on_a_document_under_the_letter_in_force,
    article_4_2_nothing_is_sealed_that_was_undone_or_is_another_offices,
);

async fn seal_of(town: &Town, name: &str, office: Option<&str>) -> String {
    let new = json!({ "name": name, "office": office, "keeper": "SX", "from": "2026-11-24" });
    town.staff("director").await.post("/seals", new).await.ok(201)["id"].as_str().unwrap().to_owned()
}

/// A case and its acceptance, of the civil affairs office.
async fn accepted(town: &Town) -> (String, String) {
    let case = town.received("MZ-01", None).await["number"].as_str().unwrap().to_owned();
    town.staff("window1").await.post(&format!("/cases/{case}/accept"), json!({})).await.ok(200);
    (case.clone(), document_of(town, &case, "acceptance").await)
}

async fn document_of(town: &Town, case: &str, kind: &str) -> String {
    let listed = town.staff("window1").await.get(&format!("/cases/{case}/documents")).await.ok(200);
    let of = |row: &&Value| row["kind"] == kind;
    listed["items"].as_array().unwrap().iter().find(of).unwrap()["id"].as_str().unwrap().to_owned()
}

async fn article_4_2_the_register_says_who_keeps_which_seal(town: &Town) {
    let director = town.staff("director").await;
    let new = json!({ "name": "水田乡民政受理专用章", "office": "MZ", "keeper": "MZ1", "from": "2026-11-24" });
    for (field, value, refusal) in [
        ("name", json!("章"), seal::BAD_SEAL),
        ("from", json!("2025-01-01"), seal::BAD_SEAL),
        ("office", json!("XX"), shuitian::domain::centre::UNKNOWN_OFFICE),
        ("keeper", json!("XX"), post::UNKNOWN_POST),
    ] {
        let mut body = new.clone();
        body[field] = value;
        director.post("/seals", body).await.refused(refusal);
    }
    let made = director.post("/seals", new.clone()).await.ok(201);
    assert_eq!((&made["keeper"], &made["office"]["code"]), (&json!("MZ1"), &json!("MZ")));
    director.post("/seals", new.clone()).await.refused(seal::SEAL_KNOWN);
    let end = format!("/seals/{}/end", made["id"].as_str().unwrap());
    director.post(&end, json!({})).await.ok(204);
    director.post(&end, json!({})).await.refused(seal::UNKNOWN_SEAL);
    director.post("/seals", new).await.ok(201);
    let listed = town.staff("office2").await.get("/seals").await.ok(200);
    let until: Vec<_> = listed["items"].as_array().unwrap().iter().map(|s| s["until"].clone()).collect();
    assert_eq!(until.len(), 2);
    assert!(until.contains(&json!("2026-11-24")) && until.contains(&Value::Null), "{until:?}");
}

async fn article_4_2_a_seal_is_put_on_a_document_under_the_letter_in_force(town: &Town) {
    let mark = seal_of(town, "受理专用章", None).await;
    let (case, document) = accepted(town).await;
    let path = format!("/cases/{case}/documents/{document}/seal");
    // A window was entrusted with seals of 即办件 alone.
    let window = town.staff("window1").await;
    assert_eq!(window.post(&path, json!({ "seal": mark })).await.refused(authority::NO_POWER)["article"], "4.2");
    town.staff("office2").await.post(&path, json!({ "seal": mark })).await.refused(case::UNKNOWN_CASE);
    let office = town.staff("office1").await;
    let used = office.post(&path, json!({ "seal": mark })).await.ok(201);
    let letters = authority::all(town.app.read(), &town.centre).await.unwrap();
    let of = letters.on(town.app.clock.now().date()).find(|d| d.row.number == "水田府授〔2026〕1号").unwrap();
    assert_eq!(used["delegation"], of.row.id.to_string());
    office.post(&path, json!({ "seal": mark })).await.refused(seal::SEALED_BEFORE);
    // The letter ends, and with it the power.
    let ended = vec![serde_json::from_value(letter("2026-11-24")).unwrap()];
    town.app.publish(&town.centre, Who::Operator, async |act| authority::import(act, ended).await).await.unwrap();
    town.move_to(at("2026-11-25", 9, 30)).await;
    let receipt = document_of(town, &case, "receipt").await;
    let path = format!("/cases/{case}/documents/{receipt}/seal");
    for who in ["office1", "director"] {
        town.staff(who).await.post(&path, json!({ "seal": mark })).await.refused(authority::NO_POWER);
    }
}

async fn article_4_2_nothing_is_sealed_that_was_undone_or_is_another_offices(town: &Town) {
    let (own, other) = (seal_of(town, "民政章", Some("MZ")).await, seal_of(town, "社保章", Some("SB")).await);
    let (case, document) = accepted(town).await;
    let path = |document: &str| format!("/cases/{case}/documents/{document}/seal");
    let (office, director) = (town.staff("office1").await, town.staff("director").await);
    let told = office.post(&path(&document), json!({ "seal": other })).await.refused(seal::WRONG_SEAL);
    assert!(told["message"].as_str().unwrap().contains("劳动就业和社会保障服务所"), "{told}");
    office.post(&path(&document), json!({ "seal": crate::town::nobody() })).await.refused(seal::UNKNOWN_SEAL);
    let none = office.post(&path(&crate::town::nobody().to_string()), json!({ "seal": own })).await;
    none.refused(document::UNKNOWN_DOCUMENT);
    director.post(&format!("/seals/{own}/end"), json!({})).await.ok(204);
    office.post(&path(&document), json!({ "seal": own })).await.refused(seal::UNKNOWN_SEAL);
    director.post(&format!("/cases/{case}/void"), json!({ "ground": "重复收件，另有一件" })).await.ok(200);
    let mark = seal_of(town, "中心章", None).await;
    office.post(&path(&document), json!({ "seal": mark })).await.refused(seal::VOID_DOCUMENT);
    town.staff("supervisor").await.get("/seals").await.ok(200);
}
