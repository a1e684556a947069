//! Limits: working days from acceptance, and what becomes of a promise when holidays come out.

use super::number;
use crate::town::{Town, at, stories, tuesday};
use chrono::Duration;
use serde_json::{Value, json};
use shuitian::domain::calendar::{self, HolidayFile};
use shuitian::domain::case;
use std::sync::Arc;

stories!(
    the_limit_runs_in_working_days_from_acceptance,
    a_case_without_a_published_limit_has_no_deadline_and_is_never_overdue,
    a_provisional_day_moves_when_the_holidays_come_out_and_a_promise_is_kept,
);

async fn the_limit_runs_in_working_days_from_acceptance(town: &Town) {
    // 林木采伐许可证: seven working days promised, twenty by law.
    let case = town.received("NY-01", None).await;
    assert_eq!(case["due_on"], "2026-12-03", "as if accepted at once");
    town.move_to(at("2026-11-27", 9, 0)).await;
    let window = town.staff("window1").await;
    let accepted = window.post(&format!("/cases/{}/accept", number(&case)), json!({})).await.ok(200);
    assert_eq!((&accepted["accepted_on"], &accepted["due_on"]), (&json!("2026-11-27"), &json!("2026-12-08")));
    assert_eq!((&accepted["overdue"], &accepted["due_provisional"]), (&json!(false), &json!(false)));
    town.move_to(at("2026-12-08", 23, 59)).await;
    let see =
        async || town.staff("window1").await.get(&format!("/cases/{}", number(&case))).await.ok(200)["overdue"].clone();
    assert_eq!(see().await, false);
    town.move_to(at("2026-12-09", 0, 0)).await;
    assert_eq!(see().await, true, "from the next local midnight");
}

async fn a_case_without_a_published_limit_has_no_deadline_and_is_never_overdue(town: &Town) {
    let case = town.received("MZ-03", None).await;
    assert_eq!((&case["due_on"], &case["due_provisional"]), (&Value::Null, &json!(false)));
    let window = town.staff("window1").await;
    window.post(&format!("/cases/{}/accept", number(&case)), json!({})).await.ok(200);
    town.move_to(tuesday() + Duration::days(400)).await;
    let window = town.staff("window1").await;
    assert_eq!(window.get(&format!("/cases/{}", number(&case))).await.ok(200)["overdue"], false);
    let receipt = window.get(&format!("/cases/{}/receipt", number(&case))).await;
    assert!(receipt.text.contains("未公布"));
    let pdf = window.get(&format!("/cases/{}/receipt.pdf", number(&case))).await;
    let expected = if cfg!(feature = "pdf") { (200, None) } else { (404, Some("pdf_not_built")) };
    assert_eq!((pdf.status, pdf.body["code"].as_str()), expected);
}

async fn import_2027(town: &Town, days: Value) {
    let file: HolidayFile =
        serde_json::from_value(json!({ "year": 2027, "official": true, "source": "国务院办公厅", "days": days }))
            .unwrap();
    town.app.establish(async |tx| calendar::import(tx, town.app.clock.now(), file).await).await.unwrap();
    town.app
        .write(&Arc::clone(&town.centre), shuitian::domain::Who::Operator, async |act| case::redate(act).await)
        .await
        .unwrap();
}

async fn a_provisional_day_moves_when_the_holidays_come_out_and_a_promise_is_kept(town: &Town) {
    town.move_to(at("2026-12-25", 9, 30)).await;
    // 乡村建设规划许可证: twenty working days.
    let later = town.received("GJ-02", Some("13800000001")).await;
    let seven = town.received("NY-01", Some("13800000002")).await;
    let window = town.staff("window1").await;
    window.post(&format!("/cases/{}/accept", number(&later)), json!({})).await.ok(200);
    assert_eq!((&later["due_on"], &later["due_provisional"]), (&json!("2027-01-25"), &json!(true)));
    assert_eq!((&seven["due_on"], &seven["due_provisional"]), (&json!("2027-01-06"), &json!(true)));
    // The arrangement makes 10 January a working Sunday, so the twentieth day comes sooner; and 4 January a day off, which
    // would put the seventh off: that promise is kept.
    import_2027(
        town,
        json!([
            { "date": "2027-01-01", "off": true, "name": "元旦" },
            { "date": "2027-01-04", "off": true, "name": "元旦" },
            { "date": "2027-01-10", "off": false, "name": "元旦" },
            { "date": "2027-01-17", "off": false, "name": "元旦" },
        ]),
    )
    .await;
    let see = async |case: &Value| town.staff("window1").await.get(&format!("/cases/{}", number(case))).await.ok(200);
    let (moved, kept) = (see(&later).await, see(&seven).await);
    assert_eq!((&moved["due_on"], &moved["due_provisional"]), (&json!("2027-01-22"), &json!(false)));
    assert_eq!((&kept["due_on"], &kept["due_provisional"]), (&json!("2027-01-06"), &json!(false)));
    assert!(town.texts("13800000001").await.pop().unwrap().contains("1月22日"));
    assert!(town.texts("13800000002").await.is_empty(), "nothing moved for him");
}
