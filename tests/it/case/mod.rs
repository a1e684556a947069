//! Cases at the window and in the office.

mod receive;
mod limit;
mod clock;
mod decide;
mod look;
mod supplement;

fn number(case: &serde_json::Value) -> String {
    case["number"].as_str().unwrap().to_owned()
}
