//! Training (业务培训, article 4.1).

use crate::town::{Town, stories};
use serde_json::{Value, json};
use shuitian::domain::identity::staff;
use shuitian::domain::training;

stories!(article_4_1_trainings_are_written_down_with_who_took_part);

async fn article_4_1_trainings_are_written_down_with_who_took_part(town: &Town) {
    let director = town.staff("director").await;
    let held = json!({
        "on": "2026-11-20", "topic": "一次性告知和收件回执", "taught_by": "冉建国", "minutes": 90,
        "attendees": ["window1", "office1", "window1"],
    });
    let wrong: [(&str, Value, shuitian::base::Refusal); 8] = [
        ("on", json!("2026-11-25"), training::BAD_TRAINING),
        ("on", json!("2025-11-22"), training::BAD_TRAINING),
        ("topic", json!("会"), training::BAD_TRAINING),
        ("taught_by", json!(""), training::BAD_TRAINING),
        ("minutes", json!(5), training::BAD_TRAINING),
        ("minutes", json!(481), training::BAD_TRAINING),
        ("attendees", json!([]), training::BAD_TRAINING),
        ("attendees", json!(["window1", "nobody"]), staff::UNKNOWN_STAFF),
    ];
    for (field, value, refusal) in wrong {
        let mut body = held.clone();
        body[field] = value;
        let told = director.post("/trainings", body).await.refused(refusal);
        assert!(told["field"].as_str().unwrap().starts_with(field), "{told}");
    }
    let made = director.once("training-1").post("/trainings", held.clone()).await.ok(201);
    assert_eq!(made, director.once("training-1").post("/trainings", held).await.ok(201), "pressed twice");
    let listed = town.staff("office2").await.get("/trainings").await.ok(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 1);
    let mut names: Vec<_> = listed["items"][0]["attendees"].as_array().unwrap().iter().map(Value::to_string).collect();
    names.sort_unstable();
    assert_eq!(names, ["\"冯秀兰\"", "\"龚文才\""], "each once");
}
