//! The month ends (article 5.2.5).

use crate::town::{Town, at, audit_of, stories};
use serde_json::{Value, json};
use shuitian::access;
use shuitian::domain::{bulletin, figure};

stories!(
    a_month_without_anything_shows_dashes,
    a_signed_month_opens_to_the_same_rows_whatever_comes_later,
    article_4_3_a_guide_past_its_review_and_a_matter_outside_show_in_the_month,
    article_5_2_5_the_same_month_twice_is_the_same_bytes,
    a_draft_made_since_it_was_read_is_not_signed,
    a_month_is_signed_after_its_end_by_the_director_alone,
    the_timetable_drafts_the_month_before,
    a_published_figure_opens_without_names,
    a_late_case_and_an_unended_one_count_against_the_office,
    who_cancelled_is_no_no_show,
    a_changed_body_is_a_fault_and_not_an_answer,
);

async fn draft(town: &Town, period: &str) -> Value {
    // A draft is frozen a minute before it is made.
    town.wait(chrono::Duration::seconds(61)).await;
    town.staff("director").await.post(&format!("/bulletins/{period}/draft"), json!({})).await.ok(200)
}

fn figure_of(bulletin: &Value, key: &str) -> (Value, Value, String) {
    let figure =
        bulletin["figures"].as_array().unwrap().iter().find(|f| f["key"] == key).unwrap_or_else(|| panic!("no {key}"));
    (figure["numerator"].clone(), figure["denominator"].clone(), figure["text"].as_str().unwrap().to_owned())
}

async fn a_month_without_anything_shows_dashes(town: &Town) {
    let empty = draft(town, "2026-10").await;
    for key in ["ended_in_time", "instant", "rated", "good", "kept", "no_show", "on_duty"] {
        assert_eq!(figure_of(&empty, key), (json!(0), json!(0), "—".to_owned()), "{key}");
    }
    assert_eq!(figure_of(&empty, "received"), (json!(0), Value::Null, "0".to_owned()));
    let keys: Vec<&str> = empty["figures"].as_array().unwrap().iter().map(|f| f["key"].as_str().unwrap()).collect();
    assert!(!keys.iter().any(|k| k.contains("complaint")), "what is not built is absent");
}

async fn article_4_3_a_guide_past_its_review_and_a_matter_outside_show_in_the_month(town: &Town) {
    let looked = |guide: &mut Value| {
        guide["note"] = json!("下月复核");
        guide["review_on"] = json!("2026-11-30");
    };
    crate::case::republish(town, "MZ-02", looked).await;
    let director = town.staff("director").await;
    let outside =
        json!({ "from": "2026-11-25", "ground": "使用市级系统，系统未下放", "place": "区人社局二楼 023-68830000" });
    director.post("/matters/SB-03/outside", outside).await.ok(204);
    assert_eq!(figure_of(&draft(town, "2026-11").await, "reviews_due").0, json!(0), "the day has not come");
    town.move_to(at("2026-12-01", 9, 0)).await;
    let month = draft(town, "2026-11").await;
    assert_eq!(figure_of(&month, "entered"), (json!(25), json!(26), "96.2%".to_owned()));
    assert_eq!(figure_of(&month, "reviews_due").0, json!(1));
    let director = town.staff("director").await;
    director.post("/bulletins/2026-11/sign", json!({})).await.ok(200);
    let rows = async |key: &str| {
        let director = town.staff("director").await;
        director.get(&format!("/bulletins/2026-11/figures/{key}/rows?limit=1000")).await.ok(200)["items"].clone()
    };
    let late = rows("reviews_due").await;
    assert_eq!(late[0]["reference"], "MZ-02", "{late}");
    let entered = rows("entered").await;
    let away: Vec<_> = entered.as_array().unwrap().iter().filter(|row| row["counted"] == false).collect();
    assert_eq!((away.len(), &away[0]["reference"]), (1, &json!("SB-03")));
    // Brought in and looked through afterwards, the signed month says what it said.
    crate::case::republish(town, "MZ-02", |guide| guide["note"] = json!("已复核")).await;
    director.post("/matters/SB-03/enter", json!({ "from": "2026-12-01" })).await.ok(204);
    town.move_to(at("2026-12-03", 9, 0)).await;
    assert_eq!((rows("reviews_due").await, rows("entered").await), (late, entered));
    assert_eq!(figure_of(&draft(town, "2026-12").await, "reviews_due").0, json!(0));
}

async fn a_signed_month_opens_to_the_same_rows_whatever_comes_later(town: &Town) {
    let ended = town.issued("SB-03", None).await;
    let open = town.received("NY-01", None).await;
    town.move_to(at("2026-12-01", 9, 0)).await;
    draft(town, "2026-11").await;
    let director = town.staff("director").await;
    let signed = director.post("/bulletins/2026-11/sign", json!({})).await.ok(200);
    let rows = async |key: &str| {
        director.get(&format!("/bulletins/2026-11/figures/{key}/rows")).await.ok(200)["items"].clone()
    };
    let before = (rows("received").await, rows("ended").await, rows("rated").await);
    // Later: a review of a November case, the end of another, a correction.
    let token = ended["invitation"]["url"].as_str().unwrap().rsplit('/').next().unwrap();
    town.stranger().post("/reviews", json!({ "token": token, "grade": 1 })).await.ok(201);
    let number = open["number"].as_str().unwrap();
    for (step, body) in [("accept", json!({})), ("decide", json!({ "grant": true })), ("issue", json!({}))] {
        director.post(&format!("/cases/{number}/{step}"), body).await.ok(200);
    }
    director.post(&format!("/cases/{number}/applicant"), json!({ "name": "田大满" })).await.ok(200);
    assert_eq!((rows("received").await, rows("ended").await, rows("rated").await), before);
    assert_eq!(before.2[0]["counted"], false, "unrated at the frozen moment");
    for anybody in [town.stranger(), town.resident("13800000001").await, town.staff("window1").await] {
        assert_eq!(anybody.get("/bulletins/2026-11").await.ok(200), signed, "an app sends its token everywhere");
    }
    town.deliver().await;
    director.post("/bulletins/2026-11/draft", json!({})).await.refused(bulletin::ALREADY_SIGNED);
    director.post("/bulletins/2026-11/sign", json!({})).await.refused(bulletin::ALREADY_SIGNED);
    director.get("/bulletins/2026-11/figures/nonsense/rows").await.refused(figure::UNKNOWN_FIGURE);
    // The late review counts where it was given.
    let early = draft(town, "2026-12").await;
    let counted =
        |of: &Value| of["figures"].as_array().unwrap().iter().any(|f| f["key"] == "bad" || f["key"] == "rated");
    assert!(!counted(&early), "drafted twice in its course, they would tell how a case was rated between");
    director.get("/bulletins/2026-12/figures/bad/rows").await.refused(figure::UNKNOWN_FIGURE);
    town.move_to(at("2027-01-02", 9, 0)).await;
    assert_eq!(figure_of(&draft(town, "2026-12").await, "bad").0, json!(1));
    assert_eq!(audit_of(town, "bulletin.signed").await[0].detail["sha256"], signed["sha256"]);
}

async fn article_5_2_5_the_same_month_twice_is_the_same_bytes(town: &Town) {
    town.issued("SB-03", None).await;
    town.move_to(at("2026-12-01", 9, 0)).await;
    draft(town, "2026-11").await;
    let row = async || {
        bulletin::find(town.app.read(), town.centre.id, figure::Month::parse("2026-11").unwrap()).await.unwrap()
    };
    let first = row().await;
    let body: Value = serde_json::from_str(&first.body).unwrap();
    assert_eq!(shuitian::base::canonical::json(&body), first.body, "sorted keys, integers only");
    draft(town, "2026-11").await;
    let (a, b) = (bulletin::read(&first).unwrap(), bulletin::read(&row().await).unwrap());
    assert_eq!(a.figures, b.figures);
    town.staff("director").await.post("/bulletins/2026-11/sign", json!({})).await.ok(200);
    assert_eq!(row().await.body, row().await.body);
}

async fn a_draft_made_since_it_was_read_is_not_signed(town: &Town) {
    town.move_to(at("2026-12-01", 9, 0)).await;
    let read = draft(town, "2026-11").await["sha256"].as_str().unwrap().to_owned();
    let newer = draft(town, "2026-11").await["sha256"].as_str().unwrap().to_owned();
    assert_ne!(read, newer, "frozen at another moment");
    let director = town.staff("director").await;
    director.post(&format!("/bulletins/2026-11/sign?sha256={read}"), json!({})).await.refused(bulletin::DRAFT_CHANGED);
    director.post(&format!("/bulletins/2026-11/sign?sha256={newer}"), json!({})).await.ok(200);
}

async fn a_month_is_signed_after_its_end_by_the_director_alone(town: &Town) {
    draft(town, "2026-11").await;
    let director = town.staff("director").await;
    director.post("/bulletins/2026-11/sign", json!({})).await.refused(bulletin::NOT_OVER);
    director.post("/bulletins/2026-12/draft", json!({})).await.refused(bulletin::NOT_BEGUN);
    director.post("/bulletins/2026-10/sign", json!({})).await.ok(200);
    for wrong in ["2026-13", "2026-H1", "2026", "x"] {
        director.post(&format!("/bulletins/{wrong}/draft"), json!({})).await.refused(figure::BAD_PERIOD);
    }
    for who in ["leader", "window1", "party"] {
        town.staff(who).await.post("/bulletins/2026-11/sign", json!({})).await.refused(access::FORBIDDEN);
    }
    for path in ["/bulletins/2026-11", "/bulletins/2026-11/figures/received/rows"] {
        town.stranger().get(path).await.refused(bulletin::NO_BULLETIN);
        town.staff("window1").await.get(path).await.refused(bulletin::NO_BULLETIN);
        town.staff("leader").await.get(path).await.ok(200);
    }
    town.move_to(at("2026-12-01", 0, 0)).await;
    let director = town.staff("director").await;
    // The draft was made in November: the month is over, but not all of it was counted.
    director.post("/bulletins/2026-11/sign", json!({})).await.refused(bulletin::FROZEN_EARLY);
    town.wait(chrono::Duration::minutes(2)).await;
    director.post("/bulletins/2026-11/draft", json!({})).await.ok(200);
    director.post("/bulletins/2026-11/sign", json!({})).await.ok(200);
}

async fn the_timetable_drafts_the_month_before(town: &Town) {
    town.move_to(at("2026-12-01", 1, 2)).await;
    town.wait(chrono::Duration::hours(1)).await;
    let drafted = town.staff("director").await.get("/bulletins/2026-11").await.ok(200);
    assert_eq!(drafted["state"], "draft");
    town.staff("director").await.post("/bulletins/2026-11/sign", json!({})).await.ok(200);
    town.wait(chrono::Duration::hours(2)).await;
}

async fn a_published_figure_opens_without_names(town: &Town) {
    let ended = town.issued("SB-03", None).await;
    let token = ended["invitation"]["url"].as_str().unwrap().rsplit('/').next().unwrap();
    town.stranger().post("/reviews", json!({ "token": token, "grade": 1 })).await.ok(201);
    town.move_to(at("2026-12-01", 9, 0)).await;
    draft(town, "2026-11").await;
    let director = town.staff("director").await;
    let signed = director.post("/bulletins/2026-11/sign", json!({})).await.ok(200);
    assert!(signed["signed_by"].as_str().unwrap().eq("中心主任、首席代表 冉建国"));
    let number = ended["number"].as_str().unwrap();
    let public = [town.stranger(), town.resident("13800000001").await, town.staff("window1").await];
    for figure in signed["figures"].as_array().unwrap() {
        let path = format!("/bulletins/2026-11/figures/{}/rows?limit=1000", figure["key"].as_str().unwrap());
        let inside = director.get(&path).await.ok(200);
        let seen = public[0].get(&path).await;
        for anybody in &public[1..] {
            assert_eq!(anybody.get(&path).await.text, seen.text, "{path}");
        }
        assert!(!seen.text.contains("window1") && !seen.text.contains("director"), "{path}");
        let rows = seen.ok(200)["items"].as_array().unwrap().clone();
        // The same rows and the same number.
        assert_eq!(rows.len(), inside["items"].as_array().unwrap().len(), "{path}");
        let counted = rows.iter().filter(|r| r["counted"] == true).count();
        assert_eq!(figure["numerator"], counted, "{path}");
        // Who was absent, and which case was rated, is not told: not by a word, not by the place in the list.
        let told = rows.iter().filter(|r| !r["reference"].is_null()).count();
        match figure["key"].as_str().unwrap() {
            "on_duty" | "late" | "rated" | "good" | "bad" => {
                assert_eq!(told, 0, "{path}");
                assert!(rows.iter().all(|r| r["on"].is_null()), "a day beside another figure's would tell");
                assert!(rows.iter().map(|r| r["counted"].as_bool()).is_sorted(), "{path}");
                assert!(inside["items"].as_array().unwrap().iter().all(|r| r["reference"].is_string()));
            }
            _ => assert_eq!(told, rows.len(), "{path}"),
        }
        if figure["key"] == "received" {
            assert_eq!(rows[0]["reference"], number);
        }
    }
    town.deliver().await;
}

async fn a_late_case_and_an_unended_one_count_against_the_office(town: &Town) {
    // Three working days promised, from the 20th of October on.
    town.move_to(at("2026-10-20", 9, 0)).await;
    let mut numbers = Vec::new();
    for _ in 0..4 {
        numbers.push(town.received("SB-01", None).await["number"].as_str().unwrap().to_owned());
    }
    let window = town.staff("window1").await;
    for number in &numbers[..3] {
        window.post(&format!("/cases/{number}/accept"), json!({})).await.ok(200);
    }
    let grant = async |number: &str| {
        town.staff("office2").await.post(&format!("/cases/{number}/decide"), json!({ "grant": true })).await.ok(200)
    };
    town.move_to(at("2026-10-23", 16, 0)).await;
    grant(&numbers[0]).await;
    town.move_to(at("2026-10-26", 9, 0)).await;
    grant(&numbers[1]).await;
    town.move_to(at("2026-11-02", 9, 0)).await;
    let october = draft(town, "2026-10").await;
    // In time, late, and due without a decision; the fourth was never accepted, so no limit ran.
    assert_eq!(figure_of(&october, "ended_in_time"), (json!(1), json!(3), "33.3%".to_owned()));
    assert_eq!(figure_of(&october, "ended").0, json!(0), "decided is not handed over");
    let rows = town.staff("director").await.get("/bulletins/2026-10/figures/ended_in_time/rows?limit=2").await.ok(200);
    assert_eq!((rows["items"].as_array().unwrap().len(), &rows["next_cursor"]), (2, &json!("2")));
    let rest = town
        .staff("director")
        .await
        .get("/bulletins/2026-10/figures/ended_in_time/rows?limit=2&cursor=2")
        .await
        .ok(200);
    assert_eq!((rest["items"].as_array().unwrap().len(), &rest["next_cursor"]), (1, &Value::Null));
}

async fn who_cancelled_is_no_no_show(town: &Town) {
    let person = town.resident("13800000001").await;
    let mut ids = Vec::new();
    for (n, name) in ["来了的", "取消的", "没来的"].iter().enumerate() {
        let slot = town.slot("SB-03", at("2026-11-25", 9, 30 * i32::try_from(n).unwrap())).await;
        let booking = person
            .post("/bookings", json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": name } }))
            .await
            .ok(201);
        ids.push(booking["id"].as_str().unwrap().to_owned());
    }
    person.post(&format!("/bookings/{}/cancel", ids[1]), json!({})).await.ok(200);
    town.move_to(at("2026-11-25", 9, 0)).await;
    town.deliver().await;
    let intake =
        json!({ "guide": "SB-03", "channel": "window", "booking_id": ids[0], "applicant": { "name": "来了的" } });
    town.staff("window1").await.post("/cases", intake).await.ok(201);
    town.move_to(at("2026-11-25", 17, 0)).await;
    let november = draft(town, "2026-11").await;
    assert_eq!(figure_of(&november, "booked").0, json!(3));
    assert_eq!(figure_of(&november, "kept"), (json!(1), json!(2), "50.0%".to_owned()));
    assert_eq!(figure_of(&november, "no_show"), (json!(1), json!(2), "50.0%".to_owned()));
    // Eight people, two sessions, two days, of which the second afternoon is not over; nobody signed in.
    assert_eq!(figure_of(&november, "on_duty"), (json!(0), json!(24), "0.0%".to_owned()));
}

async fn a_changed_body_is_a_fault_and_not_an_answer(town: &Town) {
    use entity::bulletin::{Column, Entity};
    use sea_orm::EntityTrait as _;
    use sea_orm::sea_query::Expr;
    draft(town, "2026-10").await;
    town.staff("director").await.post("/bulletins/2026-10/sign", json!({})).await.ok(200);
    Entity::update_many().col_expr(Column::Body, Expr::value("{}")).exec(town.app.database.writer()).await.unwrap();
    let answer = town.stranger().get("/bulletins/2026-10").await;
    assert_eq!((answer.status, answer.body["code"].as_str()), (500, Some("internal")));
    assert!(!answer.text.contains("hash"), "no internals in the answer");
}
