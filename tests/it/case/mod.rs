//! Cases at the window and in the office.

mod apply;
mod receive;
mod joint;
mod limit;
mod clock;
mod course;
mod export;
mod decide;
mod look;
mod material;
mod mistake;
mod model;
mod plans;
mod steps;
mod supplement;

use crate::town::Town;
use serde_json::Value;
use shuitian::domain::{Who, guide};
use std::collections::BTreeMap;

fn number(case: &Value) -> String {
    case["number"].as_str().unwrap().to_owned()
}

/// Publishes a shipped guide with something changed in it.
pub async fn republish(town: &Town, code: &str, change: impl FnOnce(&mut Value)) {
    let codes: BTreeMap<String, (String, String)> =
        serde_json::from_str(include_str!("../../../seed/guide_codes.json")).unwrap();
    let (name, _) = codes.into_iter().find(|(_, (c, _))| c == code).unwrap();
    let guides: Vec<Value> = serde_json::from_str(include_str!("../../../seed/guides.json")).unwrap();
    let mut guide = guides.into_iter().find(|g| g["name"] == name).unwrap();
    change(&mut guide);
    let file = serde_json::from_value(guide).unwrap();
    town.app.publish(&town.centre, Who::Operator, async |act| guide::import(act, vec![file]).await).await.unwrap();
}

/// A case at the window that was accepted.
async fn accepted(town: &Town, guide: &str, phone: Option<&str>) -> String {
    let number = number(&town.received(guide, phone).await);
    town.staff("window1").await.post(&format!("/cases/{number}/accept"), serde_json::json!({})).await.ok(200);
    number
}
