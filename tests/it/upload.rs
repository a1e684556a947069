//! Reviews on their way to the platform above: in batches, at least once, each as one; a bad grade waits for its reason.

use crate::town::{Town, stories};
use chrono::Duration;
use entity::review::upload::{Entity, Model, Upload};
use sea_orm::{EntityTrait as _, QueryOrder as _};
use serde_json::{Value, json};
use shuitian::app::App;
use shuitian::domain::{Who, review};
use std::path::Path;

stories!(
    reviews_go_as_files_in_the_national_fields,
    a_bad_grade_waits_for_its_reason,
    a_batch_that_was_not_heard_of_goes_again_as_the_same,
    without_a_directory_they_wait,
);

async fn rated(town: &Town, phone: &str, grade: i32, more: Value) -> Value {
    let ended = town.issued("SB-03", Some(phone)).await;
    let token = ended["invitation"]["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let mut review = json!({ "token": token, "grade": grade });
    review.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    town.stranger().post("/reviews", review).await.ok(201);
    json!({ "token": token, "number": ended["number"] })
}

async fn program(town: &Town, directory: &Path) -> App {
    town.another(&[("UPLOAD__DIRECTORY", &directory.display().to_string()), ("UPLOAD__SMS", "6")]).await
}

async fn run(town: &Town, app: &App) {
    town.app.clock.advance(Duration::minutes(31));
    shuitian::jobs::tick(app, "uploading").await;
}

/// Every record in the files of a directory, and how many files there are.
fn records(directory: &Path) -> (usize, Vec<Value>) {
    let mut files: Vec<_> = std::fs::read_dir(directory).unwrap().map(|f| f.unwrap().path()).collect();
    files.sort();
    assert!(files.iter().all(|f| f.extension().is_some_and(|e| e == "json")), "nothing half written: {files:?}");
    let all = files.iter().flat_map(|file| {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(std::fs::metadata(file).unwrap().permissions().mode() & 0o777, 0o600);
        let whole: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
        whole["evaluate"].as_array().unwrap().clone()
    });
    let all = all.collect();
    (files.len(), all)
}

async fn stand(town: &Town) -> Vec<Model> {
    use entity::review::upload::Column;
    Entity::find().order_by_asc(Column::At).all(town.app.read()).await.unwrap()
}

async fn reviews_go_as_files_in_the_national_fields(town: &Town) {
    let directory = tempfile::tempdir().unwrap();
    let out = directory.path().join("to the platform");
    let app = program(town, &out).await;
    let mut file: Value = serde_json::from_str(include_str!("../../seed/centre.json")).unwrap();
    file["reporting"] = json!({ "area_code": "500114110", "area_name": "水田乡", "dept_code": "11500114MB1A00000X" });
    let file = serde_json::from_value(file).unwrap();
    let change =
        async |tx: &_| shuitian::domain::centre::import(tx, &app.random, app.clock.now(), file).await.map(drop);
    town.app.establish(change).await.unwrap();
    let first = rated(town, "13800000001", 5, json!({ "tags": ["510", "517"], "comment": "办得快" })).await;
    rated(town, "13800000002", 4, json!({ "anonymous": true })).await;
    town.issued("SB-03", Some("13800000003")).await;
    town.deliver().await;
    town.text_from("13800000003", "3").await.ok(200);
    run(town, &app).await;
    let (files, all) = records(&out);
    assert_eq!((files, all.len()), (1, 3));
    let record = &all[0];
    for (field, value) in [
        ("areaCode", json!("500114110")),
        ("deptCode", json!("11500114MB1A00000X")),
        ("taskCode", json!("SB-03")),
        ("taskName", json!("失业登记")),
        ("projectNo", first["number"].clone()),
        ("serviceNumber", json!(1)),
        ("proStatus", json!("3")),
        ("pf", json!("2")),
        ("userProp", json!("1")),
        ("userName", json!("田**")),
        ("satisfaction", json!(5)),
        ("evalDetail", json!("510,517")),
        ("writingEvaluation", json!("办得快")),
        ("assessNumber", json!("1")),
        ("anonymityFlag", json!("2")),
        ("appStatus", json!("3")),
        ("publicFlag", json!("2")),
    ] {
        assert_eq!(record[field], value, "{field}");
    }
    assert!(record["assessTime"].as_str().unwrap().starts_with("2026-11-24 "), "{record}");
    assert!(!record.to_string().contains("13800000001"), "no phone leaves the house");
    assert_eq!((&all[1]["userName"], &all[1]["anonymityFlag"]), (&json!(""), &json!("1")));
    assert_eq!((&all[2]["pf"], &all[2]["satisfaction"]), (&json!("6"), &json!(3)));
    assert!(stand(town).await.iter().all(|row| row.state == Upload::Done));
    // What was there before does not go again; what is added goes as the second.
    let more = json!({ "token": first["token"], "comment": "第二天就收到了" });
    town.stranger().post("/reviews/append", more).await.ok(201);
    run(town, &app).await;
    let (files, all) = records(&out);
    assert_eq!((files, all.len()), (2, 4));
    let added = all.iter().find(|r| r["assessNumber"] == "2").unwrap();
    assert_eq!((&added["satisfaction"], &added["projectNo"]), (&json!(5), &first["number"]));
    run(town, &app).await;
    assert_eq!(records(&out).0, 2);
    town.deliver().await;
    app.database.close().await;
}

async fn a_bad_grade_waits_for_its_reason(town: &Town) {
    let directory = tempfile::tempdir().unwrap();
    let app = program(town, directory.path()).await;
    let bare = rated(town, "13800000001", 1, json!({})).await;
    rated(town, "13800000002", 2, json!({ "tags": ["207"] })).await;
    rated(town, "13800000003", 1, json!({ "comment": "等了一上午" })).await;
    run(town, &app).await;
    assert_eq!(records(directory.path()).1.len(), 2);
    let waiting = review::uploads(town.app.read(), town.centre.id).await.unwrap();
    assert_eq!(waiting, [(Upload::Waits, 1)], "shown, and not sent");
    let reason = json!({ "token": bare["token"], "comment": "材料跑了三趟" });
    town.stranger().post("/reviews/append", reason).await.ok(201);
    run(town, &app).await;
    let (_, all) = records(directory.path());
    let of_it: Vec<&Value> = all.iter().filter(|r| r["projectNo"] == bare["number"]).collect();
    assert_eq!(of_it.len(), 2, "the grade, and what explains it");
    assert!(of_it.iter().all(|r| r["writingEvaluation"] == "材料跑了三趟"), "neither is without a reason: {of_it:?}");
    town.deliver().await;
    app.database.close().await;
}

async fn a_batch_that_was_not_heard_of_goes_again_as_the_same(town: &Town) {
    let directory = tempfile::tempdir().unwrap();
    let app = program(town, directory.path()).await;
    for n in 1..4 {
        rated(town, &format!("1380000000{n}"), 5, json!({})).await;
    }
    // Killed after the batch was begun, and again after it was written.
    let next = async |act: &_| review::next_batch(act, &app.settings.upload).await;
    let begun = app.write(&town.centre, Who::System("killed"), next).await.unwrap().unwrap();
    assert_eq!(begun.reviews.len(), 3);
    rated(town, "13800000009", 5, json!({})).await;
    app.platform.upload(&begun.name, &begun.records).await.unwrap();
    run(town, &app).await;
    let (files, all) = records(directory.path());
    assert_eq!((files, all.len()), (2, 4), "the same batch is the same file, and the new review is in one of its own");
    assert!(directory.path().join(format!("{}.json", begun.name)).exists());
    assert!(stand(town).await.iter().all(|row| row.state == Upload::Done));
    // Two workers at once, and a directory that cannot be written to.
    rated(town, "13800000008", 5, json!({})).await;
    town.app.clock.advance(Duration::minutes(31));
    let two = program(town, directory.path()).await;
    futures_util::join!(shuitian::jobs::tick(&app, "a"), shuitian::jobs::tick(&two, "b"));
    assert_eq!(records(directory.path()).1.len(), 5);
    let blocked = tempfile::NamedTempFile::new().unwrap();
    let nowhere = program(town, blocked.path()).await;
    rated(town, "13800000007", 5, json!({})).await;
    run(town, &nowhere).await;
    assert_eq!(review::uploads(town.app.read(), town.centre.id).await.unwrap(), [(Upload::Claimed, 1)]);
    run(town, &app).await;
    assert_eq!(records(directory.path()).1.len(), 6);
    town.deliver().await;
    for app in [app, two, nowhere] {
        app.database.close().await;
    }
}

async fn without_a_directory_they_wait(town: &Town) {
    rated(town, "13800000001", 5, json!({})).await;
    town.wait(Duration::hours(2)).await;
    assert_eq!(stand(town).await[0].state, Upload::Due);
    // A platform may have some already, and refuse others: both are heard of.
    let next = async |act: &_| review::next_batch(act, &town.app.settings.upload).await;
    let batch = town.act(next).await.unwrap();
    let refused = [review::Taken::Refused("事项编码不存在".to_owned())];
    town.act(async |act| review::settle_batch(act, &batch, &refused).await).await;
    let row = &stand(town).await[0];
    assert_eq!((row.state, row.reason.as_deref()), (Upload::Refused, Some("事项编码不存在")));
    assert!(town.act(next).await.is_none(), "it does not go again by itself");
    town.deliver().await;
}
