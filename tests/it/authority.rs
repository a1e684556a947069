//! What offices delegate, and what is done under it (articles 4.1 and 4.2).

use crate::town::{Town, at, stories};
use entity::case::{CaseEventKind, event};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde_json::{Value, json};
use shuitian::access;
use shuitian::base::Result;
use shuitian::domain::authority::{self, DelegationFile};
use shuitian::domain::{Who, file};

stories!(
    article_4_1_a_letter_gives_powers_to_a_post_and_another_than_the_chiefs_needs_a_reason,
    article_4_2_a_decision_says_under_which_letter_it_was_made,
    article_4_2_a_letter_that_is_over_decides_nothing,
    article_4_2_a_window_decides_what_it_was_entrusted_with,
    article_4_1_the_letter_itself_is_kept_once,
);

async fn import(town: &Town, files: Value) -> Result<usize> {
    let files: Vec<DelegationFile> = serde_json::from_value(files).unwrap();
    town.app.publish(&town.centre, Who::Operator, async |act| authority::import(act, files).await).await
}

/// The letter of the civil affairs office, as it was recorded.
pub fn letter(until: &str) -> Value {
    let shipped: Vec<Value> = serde_json::from_str(include_str!("../../seed/delegations.json")).unwrap();
    let mut letter = shipped.into_iter().find(|letter| letter["office"] == "MZ").unwrap();
    (letter["from"], letter["until"]) = (json!("2026-07-01"), json!(until));
    letter
}

async fn accepted(town: &Town, guide: &str) -> String {
    let number = town.received(guide, None).await["number"].as_str().unwrap().to_owned();
    town.staff("window1").await.post(&format!("/cases/{number}/accept"), json!({})).await.ok(200);
    number
}

async fn granted(town: &Town) -> event::Model {
    let granted = event::Entity::find().filter(event::Column::Kind.eq(CaseEventKind::Granted));
    granted.order_by_desc(event::Column::Id).one(town.app.read()).await.unwrap().unwrap()
}

async fn article_4_1_a_letter_gives_powers_to_a_post_and_another_than_the_chiefs_needs_a_reason(town: &Town) {
    let new = json!({
        "number": "水田府授〔2026〕20号", "office": "MZ", "post": "SX", "powers": ["decide", "seal"],
        "entrusted": [{ "post": "MZ1", "powers": ["decide"] }], "from": "2026-12-01", "until": "2027-12-31",
    });
    let before = town.rows().await;
    let wrong: [(&str, Value, &str); 9] = [
        ("number", json!("一"), "number 应为2至40字的文号"),
        ("office", json!("XX"), "office XX 不是本中心的科室"),
        ("post", json!("XX"), "没有岗位 XX"),
        ("post", json!("MZ1"), "reason 不授给首席代表岗的，请写明理由"),
        ("powers", json!([]), "powers 至少一项"),
        ("until", json!("2026-11-30"), "until 早于 from"),
        ("entrusted", json!([{ "post": "XX", "powers": ["decide"] }]), "entrusted 在2026-12-01没有岗位 XX"),
        ("entrusted", json!([{ "post": "MZ1", "powers": ["report"] }]), "entrusted MZ1 的权力超出授权书"),
        ("number", json!("水田府授〔2026〕1号"), "已经登记，只能改 until"),
    ];
    for (field, value, says) in wrong {
        let mut file = new.clone();
        file[field] = value;
        let told = import(town, json!([file])).await.unwrap_err().to_string();
        assert!(told.contains("第1行") && told.contains(says), "{told}");
    }
    let twice = import(town, json!([new, new])).await.unwrap_err().to_string();
    assert!(twice.contains("第2行 number 水田府授〔2026〕20号 重复"), "{twice}");
    assert_eq!(town.rows().await, before, "all of a file or nothing");
    let mut own = new.clone();
    (own["number"], own["post"], own["entrusted"]) = (json!("水田府授〔2026〕21号"), json!("MZ1"), json!([]));
    own["reason"] = json!("负责人常驻村里，由承办岗审批");
    assert_eq!(import(town, json!([new, own])).await.unwrap(), 2);
}

async fn article_4_2_a_decision_says_under_which_letter_it_was_made(town: &Town) {
    let number = accepted(town, "MZ-01").await;
    town.staff("director").await.post(&format!("/cases/{number}/decide"), json!({ "grant": true })).await.ok(200);
    let letters = authority::all(town.app.read(), &town.centre).await.unwrap();
    let of = |number: &str| letters.on(at("2026-11-24", 9, 0).date()).find(|d| d.row.number == number).unwrap().row.id;
    assert_eq!(granted(town).await.delegation_id, Some(of("水田府授〔2026〕1号")));
    let events = event::Entity::find().all(town.app.read()).await.unwrap();
    assert_eq!(events.iter().filter(|e| e.delegation_id.is_some()).count(), 1, "what takes no power says none");
}

async fn article_4_2_a_letter_that_is_over_decides_nothing(town: &Town) {
    assert_eq!(import(town, json!([letter("2026-11-25")])).await.unwrap(), 1, "it ends earlier");
    let (civil, social) = (accepted(town, "MZ-01").await, accepted(town, "SB-01").await);
    town.move_to(at("2026-11-26", 9, 30)).await;
    let decide = |number: &str| format!("/cases/{number}/decide");
    for who in ["director", "office1"] {
        let told = town.staff(who).await.post(&decide(&civil), json!({ "grant": true })).await;
        assert_eq!(told.refused(authority::NO_POWER)["article"], "4.2");
        let denied = json!({ "grant": false, "ground": "不符合条件，详见说明" });
        town.staff(who).await.post(&decide(&civil), denied).await.refused(authority::NO_POWER);
    }
    town.staff("director").await.post(&decide(&social), json!({ "grant": true })).await.ok(200);
    // A new letter takes its place.
    let mut new = letter("2027-12-31");
    (new["number"], new["from"]) = (json!("水田府授〔2026〕31号"), json!("2026-11-26"));
    import(town, json!([new])).await.unwrap();
    town.staff("office1").await.post(&decide(&civil), json!({ "grant": true })).await.ok(200);
    let letters = authority::all(town.app.read(), &town.centre).await.unwrap();
    let letter = letters.on(town.app.clock.now().date()).find(|d| d.row.number == "水田府授〔2026〕31号").unwrap();
    assert_eq!(granted(town).await.delegation_id, Some(letter.row.id));
}

async fn article_4_2_a_window_decides_what_it_was_entrusted_with(town: &Town) {
    let (instant, promised) = (accepted(town, "SB-03").await, accepted(town, "SB-01").await);
    let window = town.staff("window1").await;
    window.post(&format!("/cases/{promised}/decide"), json!({ "grant": true })).await.refused(authority::NO_POWER);
    window.post(&format!("/cases/{instant}/decide"), json!({ "grant": true })).await.ok(200);
    assert!(granted(town).await.delegation_id.is_some());
}

async fn article_4_1_the_letter_itself_is_kept_once(town: &Town) {
    let (director, window) = (town.staff("director").await, town.staff("window1").await);
    let listed = window.get("/delegations").await.ok(200);
    let letter = &listed["items"].as_array().unwrap().iter().find(|l| l["office"]["code"] == "MZ").unwrap().clone();
    assert_eq!(
        (&letter["post"], &letter["has_file"], letter["powers"].as_array().unwrap().len()),
        (&json!("SX"), &json!(false), 11)
    );
    let path = format!("/delegations/{}/file", letter["id"].as_str().unwrap());
    window.get(&path).await.refused(file::UNKNOWN_FILE);
    const PDF: &[u8] = b"%PDF-1.7\n%%EOF";
    window.upload("letter", "授权书.pdf", PDF).await.refused(access::FORBIDDEN);
    director.upload("document", "决定书.pdf", PDF).await.refused(access::FORBIDDEN);
    let material = director.upload("material", "户口簿.pdf", PDF).await.ok(201)["id"].clone();
    let scan = director.upload("letter", "授权书.pdf", PDF).await.ok(201)["id"].clone();
    let theirs = window.upload("material", "户口簿.pdf", PDF).await.ok(201)["id"].clone();
    for wrong in [material, theirs, json!(crate::town::nobody())] {
        director.post(&path, json!({ "file_id": wrong })).await.refused(file::UNKNOWN_FILE);
    }
    director.post(&path, json!({ "file_id": scan })).await.ok(204);
    let told = director.post(&path, json!({ "file_id": scan })).await.refused(authority::LETTER_KEPT);
    assert_eq!(told["article"], "4.1");
    assert!(window.get(&path).await.text.starts_with("%PDF-"));
}
