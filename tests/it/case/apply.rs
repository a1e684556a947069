//! Channels (article 4.7): applying online, and by an agent with a letter.

use super::{number, republish};
use crate::person::Person;
use crate::town::{Town, at, nobody, stories};
use serde_json::{Value, json};
use shuitian::domain::{applicant, case, cover, file, guide, matter};

stories!(
    article_4_7_a_resident_applies_online_against_the_same_receipt,
    article_4_7_what_is_missing_is_given_online_too,
    article_4_5_what_is_missing_may_come_one_by_one_from_afar,
    article_4_7_what_an_account_gave_before_is_used_again_online,
    article_4_7_a_channel_is_closed_with_its_ground_alone,
    article_4_1_what_an_office_takes_in_itself_comes_to_its_own_post,
    article_4_7_whoever_comes_for_another_has_his_letter,
    article_2_1_an_agent_and_an_application_online_cost_no_trip,
);

const PHONE: &str = "13800000001";
const CARD: &str = "11010519491231002X";
const FORM: &str = "最低生活保障申请书";
const BOOK: &str = "居民户口簿";

fn mother() -> Value {
    json!({ "name": "田小满", "phone": PHONE, "id_type": "id_card", "id_number": CARD })
}

async fn given(person: &Person<'_>, name: &str) -> Value {
    let id = person.upload("material", "户口簿.pdf", b"%PDF-1.7\n%%EOF").await.ok(201)["id"].clone();
    json!({ "name": name, "form": "electronic", "file_id": id })
}

async fn apply(person: &Person<'_>, guide: &str, materials: Value) -> crate::person::Answer {
    person.post("/applications", json!({ "guide": guide, "applicant": mother(), "materials": materials })).await
}

async fn article_4_7_a_resident_applies_online_against_the_same_receipt(town: &Town) {
    let (mine, window) = (town.resident(PHONE).await, town.staff("window1").await);
    let book = given(&mine, BOOK).await;
    // A paper cannot be sent, another's file not be given, and nothing is promised that the guide does not allow.
    let paper = json!([{ "name": BOOK, "form": "original" }]);
    let told = apply(&mine, "MZ-01", paper).await.refused(case::ELECTRONIC_ONLY);
    assert_eq!((&told["article"], &told["field"]), (&json!("4.7"), &json!("materials[0].file_id")));
    let bare = json!([{ "name": BOOK, "form": "electronic" }]);
    apply(&mine, "MZ-01", bare).await.refused(case::ELECTRONIC_ONLY);
    let theirs = given(&town.resident("13800000002").await, BOOK).await;
    apply(&mine, "MZ-01", json!([theirs])).await.refused(file::UNKNOWN_FILE);
    let kept =
        json!([{ "name": BOOK, "form": "electronic", "standing": "follows", "due_on": "2026-12-01", "kept": true }]);
    apply(&mine, "MZ-01", kept).await.refused(case::ELECTRONIC_ONLY);
    let promise = json!([{ "name": BOOK, "form": "electronic", "standing": "promised", "due_on": "2026-12-01" }]);
    apply(&mine, "MZ-01", promise).await.refused(case::NOT_ALLOWED_INSTEAD);
    let wrong = json!({ "guide": "MZ-01", "applicant": { "name": "" } });
    mine.post("/applications", wrong).await.refused(applicant::BAD_NAME);
    // The same as at the window: number, receipt, limit, a text.
    let once = mine.once("apply-0001");
    let made = apply(&once, "MZ-01", json!([book])).await.ok(201);
    assert_eq!(apply(&once, "MZ-01", json!([book])).await.ok(201), made, "pressed twice, taken in once");
    let (path, receipt) = (format!("/cases/{}", number(&made)), &made["receipt"]);
    assert_eq!((&made["state"], receipt["check_code"].as_str().unwrap().len()), (&json!("received"), 8));
    town.wait(chrono::Duration::minutes(4)).await;
    assert!(town.texts(PHONE).await.pop().unwrap().contains(receipt["number"].as_str().unwrap()));
    let listed = mine.get("/applications").await.ok(200);
    assert_eq!(
        (listed["items"].as_array().unwrap().len(), &listed["items"][0]["channel"]),
        (1, &json!("mini_program"))
    );
    assert_eq!(mine.get(&path).await.ok(200)["materials"][0]["has_file"], true);
    let printed = mine.get(&format!("{path}/receipt")).await;
    assert!(printed.status == 200 && printed.text.contains(receipt["check_code"].as_str().unwrap()));
    assert_eq!(town.resident("13800000002").await.get("/applications").await.ok(200)["items"], json!([]));
    // Any window may go on with it; it is the one's that does, and only what is brought is a trip.
    assert_eq!(window.get("/cases?state=received").await.ok(200)["items"].as_array().unwrap().len(), 1);
    town.sign_in("window2").await;
    town.staff("window2").await.post(&format!("{path}/accept"), json!({})).await.ok(200);
    town.staff("office1").await.post(&format!("{path}/decide"), json!({ "grant": true })).await.ok(200);
    let in_hand = window.get("/cases?holder=window2").await.ok(200);
    assert_eq!(in_hand["items"][0]["number"], made["number"], "it waits where it was taken up");
    window.post(&format!("{path}/issue?handing=sent"), json!({})).await.ok(200);
    town.deliver().await;
}

async fn article_4_7_what_is_missing_is_given_online_too(town: &Town) {
    let (mine, window) = (town.resident(PHONE).await, town.staff("window1").await);
    let case = number(&apply(&mine, "MZ-01", json!([given(&mine, BOOK).await])).await.ok(201));
    let path = format!("/cases/{case}/supplement");
    // Here a file may be asked for: nobody came to the counter.
    let wanted = json!({ "material": FORM, "what": "请上传签名的申请书", "medium": "electronic" });
    window.post(&path, json!({ "wanted": [wanted], "until": "2026-12-08" })).await.ok(200);
    let complete = format!("{path}/complete");
    let form = given(&mine, FORM).await;
    let other = town.resident("13800000002").await;
    other.post(&complete, json!({ "materials": [form.clone()] })).await.refused(case::UNKNOWN_CASE);
    let paper = json!({ "materials": [{ "name": FORM, "form": "original" }] });
    mine.post(&complete, paper).await.refused(case::ELECTRONIC_ONLY);
    mine.post(&complete, json!({ "materials": [] })).await.refused(case::NOTHING_BROUGHT);
    let other = given(&mine, "户口本以外的东西").await;
    let told = mine.post(&complete, json!({ "materials": [other] })).await.refused(case::NOT_WHAT_WAS_ASKED);
    assert_eq!(told["article"], "4.5");
    let odd = json!({ "name": "申请\u{202e}书", "form": "electronic", "file_id": form["file_id"] });
    mine.post(&complete, json!({ "materials": [odd] })).await.refused(case::BAD_MATERIAL);
    let supplied = mine.post(&complete, json!({ "materials": [form.clone()] })).await.ok(200);
    assert_eq!(supplied["state"], "received");
    mine.post(&complete, json!({ "materials": [form] })).await.refused(case::WRONG_STATE);
    let seen = window.get(&format!("/cases/{case}")).await.ok(200);
    assert_eq!((&seen["trips"], seen["materials"].as_array().unwrap().len()), (&json!(0), 2));
    window.post(&format!("/cases/{case}/accept"), json!({})).await.ok(200);
    town.deliver().await;
}

async fn article_4_5_what_is_missing_may_come_one_by_one_from_afar(town: &Town) {
    let (mine, window) = (town.resident(PHONE).await, town.staff("window1").await);
    let case = number(&apply(&mine, "MZ-01", json!([])).await.ok(201));
    let path = format!("/cases/{case}/supplement");
    let wanted =
        json!([{ "material": FORM, "what": "请上传签名的申请书" }, { "material": BOOK, "what": "请上传户主页" }]);
    window.post(&path, json!({ "wanted": wanted, "until": "2026-12-08" })).await.ok(200);
    let complete = format!("{path}/complete");
    let part = json!({ "materials": [given(&mine, FORM).await] });
    assert_eq!(mine.post(&complete, part).await.ok(200)["state"], "supplement", "the book is missing still");
    // By a slip the rest is not cut off, and nobody may say no for want of it before its day is over.
    let no = json!({ "ground": "没有按期补齐材料", "cause": "incomplete" });
    let told = window.post(&format!("/cases/{case}/refuse"), no.clone()).await.refused(case::ASK_FIRST);
    assert_eq!(told["article"], "4.5");
    let rest = json!({ "materials": [given(&mine, BOOK).await] });
    assert_eq!(mine.post(&complete, rest).await.ok(200)["state"], "received");
    // Of another nothing more comes, and the day passes.
    let other = number(&apply(&mine, "MZ-02", json!([])).await.ok(201));
    window.post(&format!("/cases/{other}/refuse"), no.clone()).await.refused(case::ASK_FIRST);
    let material = town.stranger().get("/guides/MZ-02").await.ok(200)["materials"][0]["name"].clone();
    let wanted = json!([{ "material": material, "what": "缺这一项" }]);
    window
        .post(&format!("/cases/{other}/supplement"), json!({ "wanted": wanted, "until": "2026-12-04" }))
        .await
        .ok(200);
    town.move_to(at("2026-12-04", 16, 0)).await;
    let refuse = format!("/cases/{other}/refuse");
    town.staff("window1").await.post(&refuse, no.clone()).await.refused(case::ASK_FIRST);
    town.move_to(at("2026-12-07", 9, 30)).await;
    town.staff("window1").await.post(&refuse, no).await.ok(200);
    town.deliver().await;
}

async fn article_4_7_what_an_account_gave_before_is_used_again_online(town: &Town) {
    let (mine, other) = (town.resident(PHONE).await, town.resident("13800000002").await);
    let before = number(&apply(&mine, "MZ-01", json!([given(&mine, BOOK).await])).await.ok(201));
    let wish = json!({ "guide": "MZ-01", "applicant": mother() });
    let found = mine.post("/materials/reusable", wish.clone()).await.ok(200);
    let id = found["items"][0]["id"].clone();
    assert_eq!(other.post("/materials/reusable", wish).await.ok(200)["items"], json!([]), "another's account");
    let again = |id: &Value, consent: bool| json!([{ "name": BOOK, "form": "electronic", "standing": "reused", "reuses": id, "consent": consent }]);
    apply(&mine, "MZ-01", again(&id, false)).await.refused(case::REUSE_CONSENT_NEEDED);
    apply(&mine, "MZ-01", again(&json!(nobody()), true)).await.refused(case::NOT_REUSABLE);
    apply(&other, "MZ-01", again(&id, true)).await.refused(case::NOT_REUSABLE);
    let second = number(&apply(&mine, "MZ-01", again(&id, true)).await.ok(201));
    assert_ne!(before, second);
    let seen = mine.get(&format!("/cases/{second}")).await.ok(200);
    assert_eq!(
        (&seen["materials"][0]["standing"], &seen["materials"][0]["has_file"]),
        (&json!("reused"), &json!(true))
    );
    // Nobody heaps up applications that are not decided.
    let mut mine = mine;
    for _ in 0..18 {
        town.wait(chrono::Duration::hours(2)).await;
        mine = mine.again().await;
        apply(&mine, "SB-03", json!([])).await.ok(201);
    }
    apply(&mine, "SB-03", json!([])).await.refused(case::TOO_MANY_APPLICATIONS);
    town.move_to(at("2026-11-26", 9, 30)).await;
    town.deliver().await;
}

async fn article_4_7_a_channel_is_closed_with_its_ground_alone(town: &Town) {
    let mine = town.resident(PHONE).await;
    // That its source says nothing of it closes nothing.
    republish(town, "MZ-01", |guide| guide["online"] = json!(false)).await;
    apply(&mine, "MZ-01", json!([])).await.ok(201);
    let closed =
        json!({ "closed_channels": [{ "channel": "mini_program", "ground": "须当面核对近亲属关系（示例依据）" }] });
    republish(town, "MZ-01", |guide| guide["elements"] = closed).await;
    let told = apply(&mine, "MZ-01", json!([])).await.refused(guide::CHANNEL_CLOSED);
    assert!(told["message"].as_str().unwrap().contains("须当面核对") && told["article"] == "4.7", "{told}");
    // By the others it can be had still.
    let intake = |channel: &str| json!({ "guide": "MZ-01", "channel": channel, "applicant": { "name": "田小满" } });
    let window = town.staff("window1").await;
    for channel in ["window", "web", "phone", "home_visit"] {
        window.post("/cases", intake(channel)).await.ok(201);
    }
    window.post("/cases", intake("mini_program")).await.refused(guide::CHANNEL_CLOSED);
    town.deliver().await;
}

async fn article_4_1_what_an_office_takes_in_itself_comes_to_its_own_post(town: &Town) {
    let (mine, director) = (town.resident(PHONE).await, town.staff("director").await);
    let consents = director.get("/windows").await.ok(200);
    let social = consents["items"].as_array().unwrap().iter().find(|c| c["office"]["code"] == "SB").unwrap();
    let end = format!("/windows/{}/end", social["id"].as_str().unwrap());
    director.post(&end, json!({ "from": "2026-11-25" })).await.ok(200);
    town.move_to(at("2026-11-25", 10, 0)).await;
    let mine = mine.again().await;
    let case = number(&apply(&mine, "SB-01", json!([])).await.ok(201));
    let accept = format!("/cases/{case}/accept");
    town.staff("window1").await.post(&accept, json!({})).await.refused(cover::NOT_YOUR_POST);
    town.sign_in("office2").await;
    let social = town.staff("office2").await;
    assert_eq!(social.get("/cases?holder=office2").await.ok(200)["items"][0]["number"], case.as_str());
    social.post(&accept, json!({})).await.ok(200);
    // What stays outside is not applied for here at all.
    let outside =
        json!({ "from": "2026-11-25", "ground": "使用市级系统，系统未下放", "place": "区人社局二楼 023-68830000" });
    town.staff("director").await.post("/matters/SB-03/outside", outside).await.ok(204);
    apply(&mine, "SB-03", json!([])).await.refused(matter::NOT_ENTERED);
    town.deliver().await;
}

async fn article_4_7_whoever_comes_for_another_has_his_letter(town: &Town) {
    let window = town.staff("window1").await;
    let letter = given(&window, "委托书").await["file_id"].clone();
    let agent = |name: &str, day: &str| json!({ "name": name, "phone": "13900000009", "kind": "village", "authorised_on": day });
    let intake = |channel: &str, agent: Value| {
        let mut body = json!({ "guide": "MZ-01", "channel": channel, "applicant": mother() });
        if !agent.is_null() {
            body["agent"] = agent;
        }
        body
    };
    let refused = [
        (intake("agent", Value::Null), case::AGENT_NEEDED, "agent"),
        (intake("window", agent("石代办", "2026-11-20")), case::AGENT_NEEDED, "agent"),
        (intake("agent", agent("", "2026-11-20")), applicant::BAD_NAME, "agent.name"),
        (intake("agent", agent("石代办", "2026-11-25")), case::BAD_AUTHORISATION, "agent.authorised_on"),
        (intake("agent", agent("石代办", "2025-11-23")), case::BAD_AUTHORISATION, "agent.authorised_on"),
    ];
    for (body, refusal, field) in refused {
        assert_eq!(window.post("/cases", body).await.refused(refusal)["field"], field);
    }
    let mut himself = agent("田小满", "2026-11-20");
    (himself["id_type"], himself["id_number"]) = (json!("id_card"), json!(CARD));
    window.post("/cases", intake("agent", himself)).await.refused(case::BAD_AGENT);
    let unproven = intake("agent", agent("田小满", "2026-11-20"));
    window.post("/cases", unproven).await.refused(case::BAD_AGENT);
    let mut with_scan = agent("石代办", "2026-11-20");
    with_scan["letter_id"] = json!(nobody());
    window.post("/cases", intake("agent", with_scan.clone())).await.refused(file::UNKNOWN_FILE);
    with_scan["letter_id"] = letter;
    let case = number(&window.post("/cases", intake("agent", with_scan)).await.ok(201));
    let path = format!("/cases/{case}");
    let seen = window.get(&path).await.ok(200);
    let masked = json!({ "kind": "person", "name": "石**", "phone": "139****0009", "id_type": null, "id_number": null,
                         "relation": "village", "authorised_on": "2026-11-20", "has_letter": true });
    assert_eq!(seen["agent"], masked);
    assert!(window.get(&format!("{path}/agent/letter")).await.text.starts_with("%PDF-"));
    town.staff("office2").await.get(&format!("{path}/agent/letter")).await.refused(case::UNKNOWN_CASE);
    let reveal = json!({ "fields": ["agent_name", "agent_phone"], "purpose": "电话告知代办人" });
    let shown = window.post(&format!("{path}/reveal"), reveal).await.ok(200);
    assert_eq!(shown, json!({ "agent_name": "石代办", "agent_phone": "13900000009" }));
    // His letter on paper lies in the file of the case.
    let paper = number(&window.post("/cases", intake("agent", agent("石代办", "2026-11-20"))).await.ok(201));
    let custody = window.get(&format!("/cases/{paper}/custody")).await.ok(200);
    assert_eq!(custody["items"].as_array().unwrap().len(), 1);
    window.get(&format!("/cases/{paper}/agent/letter")).await.refused(file::UNKNOWN_FILE);
    // He is nobody who applies: searched for, he is not found, and his phone hears nothing.
    assert_eq!(window.post("/cases/search", json!({ "person": "石代办" })).await.ok(200)["items"], json!([]));
    town.wait(chrono::Duration::minutes(4)).await;
    assert_eq!(town.texts("13900000009").await, [] as [String; 0]);
    town.deliver().await;
}

async fn article_2_1_an_agent_and_an_application_online_cost_no_trip(town: &Town) {
    let (mine, window) = (town.resident(PHONE).await, town.staff("window1").await);
    let online = number(&apply(&mine, "MZ-01", json!([])).await.ok(201));
    let agent = json!({ "name": "石代办", "kind": "kin", "authorised_on": "2026-11-20" });
    let intake = json!({ "guide": "MZ-01", "channel": "agent", "applicant": mother(), "agent": agent });
    let by_agent = number(&window.post("/cases", intake).await.ok(201));
    let wanted = json!({ "wanted": [{ "material": BOOK, "what": "缺户主页" }], "until": "2026-12-08" });
    window.post(&format!("/cases/{by_agent}/supplement"), wanted).await.ok(200);
    let brought = json!({ "materials": [{ "name": BOOK, "form": "copy" }] });
    window.post(&format!("/cases/{by_agent}/supplement/complete"), brought).await.ok(200);
    let counter = number(&town.received("MZ-01", None).await);
    for (case, trips) in [(online, 0), (by_agent, 0), (counter, 1)] {
        assert_eq!(window.get(&format!("/cases/{case}")).await.ok(200)["trips"], trips, "{case}");
    }
    town.deliver().await;
}
