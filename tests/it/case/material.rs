//! Materials: paper and sets, promises and what follows, what is used again, and who has the originals (articles 4.6, 4.7, 5.3.2e).

use super::{number, republish};
use crate::person::Person;
use crate::town::{Town, at, audit_of, nobody, stories};
use serde_json::{Value, json};
use shuitian::domain::{case, file};

stories!(
    article_4_7_paper_is_asked_for_only_where_a_law_does,
    article_4_7_the_counter_asks_for_one_set_and_for_no_upload,
    article_4_7_a_promise_stands_for_what_the_guide_says,
    article_4_7_nothing_is_granted_before_what_follows_came,
    article_4_7_what_was_given_before_is_used_again_with_consent,
    article_5_3_2e_an_original_is_handed_back_against_a_signature,
    article_5_3_2e_an_original_that_nobody_handed_back_is_a_lead,
    article_4_6_the_file_goes_to_the_office_and_back,
    article_4_7_an_electronic_material_counts_like_paper_and_is_read_by_whom_it_concerns,
);

const CARD: &str = "11010519491231002X";
const BOOK: &str = "居民户口簿";

/// The guide, with something said of one of its materials.
async fn with(town: &Town, said: Value) {
    republish(town, "MZ-01", |guide| {
        let of = |m: &&mut Value| m["name"] == BOOK;
        let material = guide["materials"].as_array_mut().unwrap().iter_mut().find(of).unwrap();
        material.as_object_mut().unwrap().extend(said.as_object().unwrap().clone());
    })
    .await;
}

/// A case with these materials.
async fn receive(person: &Person<'_>, materials: Value) -> crate::person::Answer {
    let applicant = json!({ "name": "田小满", "phone": "13800000001", "id_type": "id_card", "id_number": CARD });
    let intake = json!({ "guide": "MZ-01", "channel": "window", "applicant": applicant, "materials": materials });
    person.post("/cases", intake).await
}

async fn scan(person: &Person<'_>) -> String {
    person.upload("material", "户口簿.pdf", b"%PDF-1.7\n%%EOF").await.ok(201)["id"].as_str().unwrap().to_owned()
}

async fn article_4_7_paper_is_asked_for_only_where_a_law_does(town: &Town) {
    let window = town.staff("window1").await;
    let ask = |medium: &str| json!({ "wanted": [{ "material": BOOK, "what": "缺户主页", "medium": medium }], "until": "2026-12-08" });
    let case = number(&receive(&window, json!([])).await.ok(201));
    let path = format!("/cases/{case}/supplement");
    let told = window.post(&path, ask("paper")).await.refused(case::PAPER_NOT_DEMANDED);
    assert_eq!((&told["article"], &told["field"]), (&json!("4.7"), &json!("wanted[0].medium")));
    window.post(&path, ask("either")).await.ok(200);
    // The guide names the law: paper may be asked for, and the notice says so.
    with(town, json!({ "paper_law": "《户口登记条例》第四条" })).await;
    let case = number(&receive(&window, json!([])).await.ok(201));
    window.post(&format!("/cases/{case}/supplement"), ask("paper")).await.ok(200);
    let seen = window.get(&format!("/cases/{case}")).await.ok(200);
    assert_eq!(
        (&seen["supplement"]["wanted"][0]["medium"], &seen["supplement"]["wanted"][0]["copies"]),
        (&json!("paper"), &json!(1))
    );
    town.deliver().await;
}

async fn article_4_7_the_counter_asks_for_one_set_and_for_no_upload(town: &Town) {
    with(town, json!({ "count": 1, "originals": 1, "copies": 2 })).await;
    let window = town.staff("window1").await;
    let case = number(&receive(&window, json!([])).await.ok(201));
    let path = format!("/cases/{case}/supplement");
    let ask = |medium: &str, copies: i32| {
        let wanted = json!({ "material": BOOK, "what": "缺户主页", "medium": medium, "copies": copies });
        json!({ "wanted": [wanted], "until": "2026-12-08" })
    };
    let told = window.post(&path, ask("electronic", 1)).await.refused(case::UPLOAD_NOT_DEMANDED);
    assert_eq!(told["article"], "4.7");
    for copies in [3, 0, -1] {
        let told = window.post(&path, ask("either", copies)).await.refused(case::ONE_SET_ENOUGH);
        assert!(told["message"].as_str().unwrap().contains("只需2份"), "{told}");
    }
    window.post(&path, ask("either", 2)).await.ok(200);
    town.deliver().await;
}

async fn article_4_7_a_promise_stands_for_what_the_guide_says(town: &Town) {
    let window = town.staff("window1").await;
    let promise =
        |name: &str, due: &str| json!([{ "name": name, "form": "original", "standing": "promised", "due_on": due }]);
    let told = receive(&window, promise(BOOK, "2026-12-01")).await.refused(case::NOT_ALLOWED_INSTEAD);
    assert_eq!((&told["article"], &told["field"]), (&json!("4.7"), &json!("materials[0].standing")));
    with(town, json!({ "promise": true })).await;
    receive(&window, promise("指南外的证明", "2026-12-01")).await.refused(case::NOT_ALLOWED_INSTEAD);
    for due in ["2026-11-24", "2027-02-01"] {
        receive(&window, promise(BOOK, due)).await.refused(case::BAD_DUE);
    }
    let none = json!([{ "name": BOOK, "form": "original", "standing": "promised" }]);
    receive(&window, none).await.refused(case::BAD_DUE);
    let kept = number(&receive(&window, promise(BOOK, "2026-12-01")).await.ok(201));
    let broken = number(&receive(&window, promise(BOOK, "2026-12-01")).await.ok(201));
    // It may be granted on the promise, and is looked into afterwards.
    for case in [&kept, &broken] {
        window.post(&format!("/cases/{case}/accept"), json!({})).await.ok(200);
    }
    town.staff("office1").await.post(&format!("/cases/{kept}/decide"), json!({ "grant": true })).await.ok(200);
    let settle = |case: &str| format!("/cases/{case}/materials/1/settle");
    let office = town.staff("office1").await;
    office.post(&settle(&kept), json!({ "form": "copy" })).await.refused(case::NOTHING_OWED);
    office.post(&settle(&kept), json!({ "kept": true })).await.ok(200);
    office.post(&settle(&kept), json!({ "kept": false, "words": "再核实一次" })).await.refused(case::NOTHING_OWED);
    office.post(&settle(&broken), json!({ "kept": false, "words": "不" })).await.refused(case::BAD_PROMISE_WORDS);
    office.post(&settle(&broken), json!({ "kept": false, "words": "派出所查无此户" })).await.ok(200);
    let seen = office.get(&format!("/cases/{broken}")).await.ok(200);
    assert_eq!((&seen["materials"][0]["kept"], &seen["materials"][0]["standing"]), (&json!(false), &json!("promised")));
    assert_eq!(audit_of(town, "case.promise_broken").await.len(), 1);
    let last = seen["timeline"].as_array().unwrap().last().unwrap().clone();
    assert!(last["kind"] == "material_settled" && last["ground"].as_str().unwrap().contains("查无此户"), "{last}");
    town.deliver().await;
}

async fn article_4_7_nothing_is_granted_before_what_follows_came(town: &Town) {
    with(town, json!({ "may_follow": true })).await;
    let window = town.staff("window1").await;
    let follows = json!([{ "name": BOOK, "form": "original", "standing": "follows", "due_on": "2026-11-26" }]);
    let case = number(&receive(&window, follows.clone()).await.ok(201));
    let late = number(&receive(&window, follows).await.ok(201));
    window.post(&format!("/cases/{case}/accept"), json!({})).await.ok(200);
    window.post(&format!("/cases/{late}/accept"), json!({})).await.ok(200);
    let office = town.staff("office1").await;
    let told = office.post(&format!("/cases/{case}/decide"), json!({ "grant": true })).await;
    assert!(told.refused(case::MATERIAL_OPEN)["message"].as_str().unwrap().contains(BOOK));
    let settle = format!("/cases/{case}/materials/1/settle");
    window.post(&settle, json!({ "kept": true })).await.refused(case::NOTHING_OWED);
    window.post(&settle, json!({ "form": "copy", "copies": 0 })).await.refused(case::BAD_MATERIAL);
    window.post(&settle, json!({ "form": "copy", "file_id": nobody() })).await.refused(file::UNKNOWN_FILE);
    window.post(&format!("/cases/{case}/materials/2/settle"), json!({})).await.refused(case::NOTHING_OWED);
    // Two press at once.
    let (a, b) = futures_util::join!(
        window.post(&settle, json!({ "form": "copy" })),
        window.post(&settle, json!({ "form": "copy" }))
    );
    let mut statuses = [a.status, b.status];
    statuses.sort_unstable();
    assert_eq!(statuses, [200, 409]);
    let seen = window.get(&format!("/cases/{case}")).await.ok(200);
    assert_eq!((&seen["trips"], &seen["materials"][0]["form"]), (&json!(2), &json!("copy")), "he came for it");
    office.post(&format!("/cases/{case}/decide"), json!({ "grant": true })).await.ok(200);
    // What did not come by its day is a lead, once.
    town.move_to(at("2026-11-27", 9, 30)).await;
    town.move_to(at("2026-11-27", 11, 30)).await;
    let leads = audit_of(town, "case.material_late").await;
    assert_eq!(leads.iter().map(|line| line.subject.as_str()).collect::<Vec<_>>(), [late.as_str()]);
    town.deliver().await;
}

async fn article_4_7_what_was_given_before_is_used_again_with_consent(town: &Town) {
    let window = town.staff("window1").await;
    let file = scan(&window).await;
    let given = json!([{ "name": BOOK, "form": "copy", "file_id": file }, { "name": "未留影像的", "form": "copy" }]);
    let first = receive(&window, given).await.ok(201);
    let look = |name: &str, id: Option<&str>| {
        let id_type = id.map(|_| "id_card");
        json!({ "guide": "MZ-01", "applicant": { "name": name, "id_type": id_type, "id_number": id } })
    };
    let found = window.post("/materials/reusable", look("田小满", Some(CARD))).await.ok(200);
    assert_eq!((found["items"].as_array().unwrap().len(), &found["items"][0]["name"]), (1, &json!(BOOK)));
    assert_eq!(found["items"][0]["receipt_number"], first["receipt"]["number"]);
    assert_eq!(audit_of(town, "case.materials_searched").await.len(), 1, "it tells that somebody was here");
    // Another name under the number, or no number, is another person.
    for other in [look("田大满", Some(CARD)), look("田小满", None)] {
        let none = window.post("/materials/reusable", other).await.ok(200);
        assert_eq!(none["items"], json!([]));
    }
    let id = found["items"][0]["id"].clone();
    let reuse = |name: &str, consent: bool| json!([{ "name": name, "form": "copy", "standing": "reused", "reuses": id, "consent": consent }]);
    receive(&window, reuse(BOOK, false)).await.refused(case::REUSE_CONSENT_NEEDED);
    receive(&window, reuse("身份证", true)).await.refused(case::NOT_REUSABLE);
    let again = number(&receive(&window, reuse(BOOK, true)).await.ok(201));
    let seen = window.get(&format!("/cases/{again}")).await.ok(200);
    assert_eq!(
        (&seen["materials"][0]["standing"], &seen["materials"][0]["has_file"]),
        (&json!("reused"), &json!(true))
    );
    let receipt = window.get(&format!("/cases/{again}/receipt")).await.text;
    assert!(receipt.contains("经同意沿用以前提供的"), "{receipt}");
    assert!(window.get(&format!("/cases/{again}/materials/1/file")).await.text.starts_with("%PDF-"));
    // After a year it is asked for anew.
    town.deliver().await;
    town.move_to(at("2027-11-25", 9, 30)).await;
    let window = town.staff("window1").await;
    let old = window.post("/materials/reusable", look("田小满", Some(CARD))).await.ok(200);
    assert_eq!(old["items"], json!([]));
    receive(&window, reuse(BOOK, true)).await.refused(case::NOT_REUSABLE);
    town.deliver().await;
}

async fn article_5_3_2e_an_original_is_handed_back_against_a_signature(town: &Town) {
    let window = town.staff("window1").await;
    let copy = json!([{ "name": BOOK, "form": "copy", "kept": true }]);
    assert_eq!(receive(&window, copy).await.refused(case::BAD_MATERIAL)["field"], "materials[0].kept");
    let kept = json!([{ "name": BOOK, "form": "original", "kept": true }, { "name": "照片", "form": "original" }]);
    let case = number(&receive(&window, kept).await.ok(201));
    let seen = window.get(&format!("/cases/{case}")).await.ok(200);
    assert_eq!(
        (&seen["materials"][0]["held_by"], &seen["materials"][1]["held_by"]),
        (&json!("1号综合窗口"), &Value::Null)
    );
    let back = |n: i32| format!("/cases/{case}/materials/{n}/hand-back");
    window.post(&back(1), json!({ "signed_by": " " })).await.refused(case::SIGNATURE_NEEDED);
    window.post(&back(2), json!({ "signed_by": "田小满" })).await.refused(case::NOT_KEPT);
    window.post(&back(3), json!({ "signed_by": "田小满" })).await.refused(case::NOT_KEPT);
    let office = town.staff("office1").await;
    assert_eq!(
        office.post(&back(1), json!({ "signed_by": "田小满" })).await.refused(case::NOT_WITH_YOU)["article"],
        "5.3.2e"
    );
    // Whoever takes it says so himself, and hands it back.
    office.post(&format!("/cases/{case}/custody/take"), json!({})).await.ok(200);
    office.post(&format!("/cases/{case}/custody/take"), json!({})).await.refused(case::NOT_KEPT);
    window.post(&back(1), json!({ "signed_by": "田小满" })).await.refused(case::NOT_WITH_YOU);
    office.post(&back(1), json!({ "signed_by": "田小满" })).await.ok(200);
    office.post(&back(1), json!({ "signed_by": "田小满" })).await.refused(case::NOT_KEPT);
    let passed = town.staff("supervisor").await.get(&format!("/cases/{case}/custody")).await.ok(200);
    let of_book: Vec<_> = passed["items"].as_array().unwrap().iter().filter(|row| row["n"] == 1).collect();
    let posts: Vec<_> = of_book.iter().map(|row| row["post"].as_str()).collect();
    assert_eq!((posts, &of_book[2]["handed_back"]), (vec![Some("1号综合窗口"), Some("民政岗"), None], &json!(true)));
    town.staff("office2").await.post(&back(1), json!({ "signed_by": "田小满" })).await.refused(case::UNKNOWN_CASE);
    town.deliver().await;
}

async fn article_5_3_2e_an_original_that_nobody_handed_back_is_a_lead(town: &Town) {
    let window = town.staff("window1").await;
    let kept = json!([{ "name": BOOK, "form": "original", "kept": true }]);
    let (gap, none) =
        (number(&receive(&window, kept.clone()).await.ok(201)), number(&receive(&window, kept).await.ok(201)));
    for case in [&gap, &none] {
        window.post(&format!("/cases/{case}/withdraw"), json!({})).await.ok(200);
    }
    window.post(&format!("/cases/{none}/materials/1/hand-back"), json!({ "signed_by": "田小满" })).await.ok(200);
    town.deliver().await;
    town.move_to(at("2026-11-27", 23, 0)).await;
    assert!(audit_of(town, "case.custody_gap").await.is_empty(), "three working days are not over");
    for hour in [1, 3, 5] {
        town.move_to(at("2026-11-28", hour, 0)).await;
    }
    let leads = audit_of(town, "case.custody_gap").await;
    assert_eq!(leads.iter().map(|line| line.subject.as_str()).collect::<Vec<_>>(), [gap.as_str()], "once");
    town.deliver().await;
}

async fn article_4_6_the_file_goes_to_the_office_and_back(town: &Town) {
    let window = town.staff("window1").await;
    let case = number(&receive(&window, json!([{ "name": BOOK, "form": "copy" }])).await.ok(201));
    window.post(&format!("/cases/{case}/accept"), json!({})).await.ok(200);
    town.move_to(at("2026-11-24", 10, 0)).await;
    let (window, office) = (town.staff("window1").await, town.staff("office1").await);
    office.post(&format!("/cases/{case}/custody/take"), json!({})).await.ok(200);
    office.post(&format!("/cases/{case}/decide"), json!({ "grant": true })).await.ok(200);
    let told = window.post(&format!("/cases/{case}/issue"), json!({})).await.refused(case::FILE_NOT_BACK);
    assert!(told["message"].as_str().unwrap().contains("民政岗") && told["article"] == "4.6", "{told}");
    town.move_to(at("2026-11-24", 11, 0)).await;
    town.staff("window2").await.post(&format!("/cases/{case}/custody/take"), json!({})).await.ok(200);
    let (window, office) = (town.staff("window1").await, town.staff("office1").await);
    window.post(&format!("/cases/{case}/issue"), json!({})).await.ok(200);
    let passed = window.get(&format!("/cases/{case}/custody")).await.ok(200);
    let row = |row: &Value| (row["post"].as_str().unwrap().to_owned(), row["at"].as_str().unwrap()[11..16].to_owned());
    let rows: Vec<_> = passed["items"].as_array().unwrap().iter().map(row).collect();
    let expected = [("1号综合窗口", "09:30"), ("民政岗", "10:00"), ("2号综合窗口", "11:00")];
    assert_eq!(rows, expected.map(|(post, at)| (post.to_owned(), at.to_owned())), "handed over and back");
    // Where nothing came on paper, nothing is passed on.
    let file = scan(&window).await;
    let electronic = json!([{ "name": BOOK, "form": "electronic", "file_id": file }]);
    let case = number(&receive(&window, electronic).await.ok(201));
    office.post(&format!("/cases/{case}/custody/take"), json!({})).await.refused(case::NOT_KEPT);
    town.deliver().await;
}

async fn article_4_7_an_electronic_material_counts_like_paper_and_is_read_by_whom_it_concerns(town: &Town) {
    let (window, office) = (town.staff("window1").await, town.staff("office1").await);
    let file = scan(&window).await;
    let with = |file: &str| json!([{ "name": BOOK, "form": "electronic", "file_id": file }]);
    // A file that somebody else gave is not his to name.
    let others = scan(&office).await;
    assert_eq!(receive(&window, with(&others)).await.refused(file::UNKNOWN_FILE)["field"], "materials[0].file_id");
    let form = window.upload("form", "表.pdf", b"%PDF-1.7\n%%EOF").await.ok(201)["id"].as_str().unwrap().to_owned();
    receive(&window, with(&form)).await.refused(file::UNKNOWN_FILE);
    let case = number(&receive(&window, with(&file)).await.ok(201));
    window.post(&format!("/cases/{case}/accept"), json!({})).await.ok(200);
    let path = format!("/cases/{case}/materials/1/file");
    for who in ["window1", "window2", "office1", "head1", "director"] {
        assert!(town.staff(who).await.get(&path).await.text.starts_with("%PDF-"), "{who}");
    }
    town.staff("office2").await.get(&path).await.refused(case::UNKNOWN_CASE);
    town.resident("13800000001").await.get(&path).await.refused(case::UNKNOWN_CASE);
    window.get(&format!("/cases/{case}/materials/2/file")).await.refused(file::UNKNOWN_FILE);
    // Paper is scanned at the window, once.
    let case = number(&receive(&window, json!([{ "name": BOOK, "form": "copy" }])).await.ok(201));
    let path = format!("/cases/{case}/materials/1/scan");
    window.post(&path, json!({ "file_id": others })).await.refused(file::UNKNOWN_FILE);
    let own = scan(&window).await;
    window.post(&path, json!({ "file_id": own })).await.ok(200);
    window.post(&path, json!({ "file_id": own })).await.refused(case::SCANNED_BEFORE);
    town.staff("office2").await.post(&path, json!({ "file_id": own })).await.refused(case::UNKNOWN_CASE);
    town.deliver().await;
}
