//! What lies outside: the signers against vectors of others, and the clients against a stand-in that behaves and misbehaves.

mod asked;
mod back;
mod held;
mod send;
mod signers;
mod sms;
pub mod stand_in;
mod wechat;

use crate::town::Town;
use serde_json::{Value, json};
use shuitian::app::App;
use shuitian::domain::Who;
use shuitian::domain::notice;

/// A program that sends by these gateways, all of which are found at this address.
async fn program(town: &Town, gateways: &str, url: &str, more: &[(&str, &str)]) -> App {
    let mas = format!("{url}/sms");
    let settings = [
        ("SMS__GATEWAYS", gateways),
        ("SMS__TENCENT__ENDPOINT", url),
        ("SMS__TENCENT__SECRET_ID", "AKIDEXAMPLE"),
        ("SMS__TENCENT__SECRET_KEY", "tencent-secret"),
        ("SMS__TENCENT__SDK_APP_ID", "1400006666"),
        ("SMS__TENCENT__SIGN_NAME", "水田乡政府"),
        ("SMS__TENCENT__TIMEOUT", "1"),
        ("SMS__ALIYUN__ENDPOINT", url),
        ("SMS__ALIYUN__ACCESS_KEY_ID", "LTAIEXAMPLE"),
        ("SMS__ALIYUN__ACCESS_KEY_SECRET", "aliyun-secret"),
        ("SMS__ALIYUN__SIGN_NAME", "水田乡政府"),
        ("SMS__ALIYUN__TIMEOUT", "1"),
        ("SMS__MAS__BASE", &mas),
        ("SMS__MAS__EC_NAME", "水田乡人民政府"),
        ("SMS__MAS__AP_ID", "shuitian"),
        ("SMS__MAS__SECRET_KEY", "mas-secret"),
        ("SMS__MAS__SIGN", "DWItALe3A"),
        ("SMS__MAS__TIMEOUT", "1"),
    ];
    town.another(&[&settings[..], more].concat()).await
}

/// Has a vendor approve a template for the shipped words of a kind.
async fn approve(town: &Town, kind: &str, gateway: &str) {
    let shipped: Value = serde_json::from_str(include_str!("../../../seed/texts.json")).unwrap();
    let mut file = shipped.as_array().unwrap().iter().find(|f| f["kind"] == kind).unwrap().clone();
    file["vendors"] = json!({ gateway: { "template": "1001", "values": [], "state": "approved" } });
    let files = serde_json::from_value(json!([file])).unwrap();
    town.app.publish(&town.centre, Who::Operator, async |act| notice::import(act, files).await).await.unwrap();
}
