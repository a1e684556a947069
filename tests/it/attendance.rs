//! Signing in at the hall (article 4.9).

use crate::person::Person;
use crate::town::{Town, at, stories};
use chrono::Duration;
use serde_json::{Value, json};
use shuitian::access;
use shuitian::domain::attendance;

stories!(
    article_4_9_a_code_of_the_hall_stamps_in_time_and_late,
    a_code_is_stale_after_its_half_minute_and_the_next,
    one_device_does_not_stamp_for_two,
    the_board_tells_who_is_there_late_or_absent,
    what_was_expected_stays_as_it_was_written,
    who_begins_at_noon_was_not_absent_in_the_morning,
    a_stamp_on_a_day_off_is_no_duty,
    signing_out_needs_signing_in,
);

fn code(town: &Town) -> String {
    attendance::hall_code(&town.app.vault, town.centre.id, town.app.clock.now())
}

async fn stamp(town: &Town, person: &Person<'_>) -> crate::person::Answer {
    person.post("/attendance/check-ins", json!({ "code": code(town) })).await
}

async fn article_4_9_a_code_of_the_hall_stamps_in_time_and_late(town: &Town) {
    town.move_to(at("2026-11-25", 8, 55)).await;
    let on_time = stamp(town, &town.staff("window1").await).await.ok(201);
    assert_eq!((&on_time["session"], &on_time["off_by"]), (&json!("morning"), &json!(0)));
    town.move_to(at("2026-11-25", 9, 12)).await;
    let window2 = town.staff("window2").await;
    let late = stamp(town, &window2).await.ok(201);
    assert_eq!(late["off_by"], 12, "by the server's clock");
    let twice = stamp(town, &window2).await.refused(attendance::ALREADY_STAMPED);
    assert_eq!(twice["article"], "4.9");
    // Between the sessions, an arrival belongs to the afternoon.
    town.move_to(at("2026-11-25", 13, 0)).await;
    assert_eq!(stamp(town, &town.staff("window2").await).await.ok(201)["session"], "afternoon");
    town.move_to(at("2026-11-25", 18, 0)).await;
    stamp(town, &town.staff("office1").await).await.refused(attendance::DAY_OVER);
    town.resident("13800000001")
        .await
        .post("/attendance/check-ins", json!({ "code": "000000" }))
        .await
        .refused(access::FORBIDDEN);
}

async fn a_code_is_stale_after_its_half_minute_and_the_next(town: &Town) {
    let window = town.staff("window1").await;
    town.move_to(at("2026-11-24", 9, 40)).await;
    let shown = code(town);
    town.wait(Duration::seconds(61)).await;
    let stale = window.post("/attendance/check-ins", json!({ "code": shown })).await.refused(attendance::STALE_CODE);
    assert_eq!(stale["field"], "code");
    window.post("/attendance/check-ins", json!({ "code": "" })).await.refused(attendance::STALE_CODE);
    let shown = code(town);
    town.wait(Duration::seconds(30)).await;
    assert_ne!(shown, code(town));
    window.post("/attendance/check-ins", json!({ "code": format!(" {shown} ") })).await.ok(201);
    for _ in 0..7 {
        window.post("/attendance/check-ins", json!({ "code": "000000" })).await.refused(attendance::STALE_CODE);
    }
    window.post("/attendance/check-ins", json!({ "code": "000000" })).await.refused(access::TOO_OFTEN);
    assert_eq!(town.rows().await["attendance"], 1);
}

async fn one_device_does_not_stamp_for_two(town: &Town) {
    town.move_to(at("2026-11-25", 8, 50)).await;
    stamp(town, &town.staff("window1").await).await.ok(201);
    let mut lent = town.stranger();
    lent.device = Some("device-of-window1".to_owned());
    let lent = lent
        .with(&lent.post("/auth/staff", json!({ "username": "window2", "password": "shuitian-demo" })).await.ok(200));
    stamp(town, &lent).await.refused(attendance::DEVICE_OF_ANOTHER);
    stamp(town, &town.staff("window2").await).await.ok(201);
    // Not for the way out either.
    lent.post("/attendance/check-outs", json!({})).await.refused(attendance::DEVICE_OF_ANOTHER);
}

async fn the_board_tells_who_is_there_late_or_absent(town: &Town) {
    let board = async || {
        let list = town.staff("party").await.get("/attendance/board").await.ok(200);
        let line = move |who: &str, session: &str| {
            let lines = list["items"].as_array().unwrap();
            lines
                .iter()
                .find(|l| l["username"] == who && l["session"] == session)
                .map(|l| l["presence"].as_str().unwrap().to_owned())
        };
        move |who: &str, session: &str| line(who, session).unwrap_or_else(|| "-".to_owned())
    };
    town.move_to(at("2026-11-25", 8, 50)).await;
    stamp(town, &town.staff("window1").await).await.ok(201);
    let seen = board().await;
    assert_eq!((seen("window1", "morning"), seen("window2", "morning")), ("present".into(), "expected".into()));
    town.move_to(at("2026-11-25", 9, 5)).await;
    stamp(town, &town.staff("window2").await).await.ok(201);
    let seen = board().await;
    assert_eq!((seen("window2", "morning"), seen("office1", "morning")), ("late".into(), "awaited".into()));
    town.staff("window2").await.post("/attendance/check-outs", json!({})).await.ok(201);
    town.move_to(at("2026-11-25", 12, 0)).await;
    town.staff("window1").await.post("/attendance/check-outs", json!({})).await.ok(201);
    let seen = board().await;
    assert_eq!(
        (seen("window1", "morning"), seen("window2", "morning"), seen("office1", "morning")),
        ("left".into(), "left_early".into(), "absent".into())
    );
    assert_eq!((seen("office1", "afternoon"), seen("leader", "morning")), ("expected".into(), "-".into()));
    town.resident("13800000001").await.get("/attendance/board").await.refused(access::FORBIDDEN);
}

async fn what_was_expected_stays_as_it_was_written(town: &Town) {
    use entity::identity::staff::{Column, Entity};
    use sea_orm::EntityTrait as _;
    use sea_orm::sea_query::Expr;
    let before = town.rows().await["duty"];
    assert_eq!(before, 16, "eight people, two sessions, today");
    Entity::update_many().col_expr(Column::Attends, Expr::value(false)).exec(town.app.database.writer()).await.unwrap();
    town.wait(Duration::hours(1)).await;
    assert_eq!(town.rows().await["duty"], before);
    town.move_to(at("2026-11-25", 0, 10)).await;
    assert_eq!(town.rows().await["duty"], before, "from tomorrow on nobody attends");
}

async fn who_begins_at_noon_was_not_absent_in_the_morning(town: &Town) {
    use shuitian::domain::Who;
    use shuitian::domain::identity::staff;
    town.move_to(at("2026-11-25", 11, 0)).await;
    let file = json!({ "username": "newcomer", "name": "新人", "title": "", "roles": ["window"], "attends": true });
    let file = serde_json::from_value(file).unwrap();
    town.app.write(&town.centre, Who::Operator, async |act| staff::add(act, vec![file]).await).await.unwrap();
    town.move_to(at("2026-11-25", 17, 30)).await;
    let board = town.staff("party").await.get("/attendance/board").await.ok(200);
    let rows = board["items"].as_array().unwrap();
    let sessions: Vec<&Value> = rows.iter().filter(|r| r["username"] == "newcomer").map(|r| &r["session"]).collect();
    assert_eq!(sessions, [&json!("afternoon")], "{board}");
}

async fn a_stamp_on_a_day_off_is_no_duty(town: &Town) {
    town.move_to(at("2026-11-28", 9, 30)).await;
    let rows = town.rows().await["duty"];
    let officer = stamp(town, &town.staff("window1").await).await.ok(201);
    assert_eq!(
        (&officer["session"], &officer["off_by"]),
        (&json!("morning"), &json!(0)),
        "nobody is late on a Saturday"
    );
    assert_eq!(town.rows().await["duty"], rows);
    let board = town.staff("window1").await.get("/attendance/board").await.ok(200);
    assert_eq!(board["items"][0]["presence"], Value::from("extra"));
}

async fn signing_out_needs_signing_in(town: &Town) {
    let window = town.staff("window1").await;
    window.post("/attendance/check-outs", json!({})).await.refused(attendance::NOT_STAMPED_IN);
    stamp(town, &window).await.ok(201);
    let out = window.post("/attendance/check-outs", json!({})).await.ok(201);
    assert_eq!(
        (&out["kind"], out["off_by"].as_i64().unwrap() > 0),
        (&json!("out"), true),
        "two and a half hours early"
    );
    window.post("/attendance/check-outs", json!({})).await.refused(attendance::ALREADY_STAMPED);
}
