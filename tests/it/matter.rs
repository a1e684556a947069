//! The register of matters, one place for each, and the comprehensive window (articles 4.1 and 4.6).

use crate::person::Person;
use crate::town::{Town, at, audit_of, stories, tuesday};
use chrono::Duration;
use serde_json::{Value, json};
use shuitian::domain::{Who, cover, matter};

stories!(
    article_4_1_what_stays_outside_says_where_to_go_and_is_not_taken_in,
    article_4_1_a_matter_is_taken_in_at_one_place,
    article_4_1_how_far_an_office_has_come_is_read_from_what_is_there,
    article_4_6_the_window_takes_in_once_the_government_consents,
    article_4_6_what_an_office_took_in_it_hands_over,
    article_4_6_desk_then_office_then_desk,
    article_4_6_a_file_of_consents_is_taken_in_whole_or_not_at_all,
);

/// A case of the civil affairs office, received by somebody.
async fn receive(person: &Person<'_>, guide: &str) -> crate::person::Answer {
    let applicant = json!({ "name": "田小满", "phone": "13800000001" });
    person.post("/cases", json!({ "guide": guide, "channel": "window", "applicant": applicant })).await
}

/// The id of an office's consent in force.
async fn consent_of(town: &Town, office: &str) -> String {
    let windows = town.staff("director").await.get("/windows").await.ok(200);
    let of = |row: &&Value| row["office"]["code"] == office && row["state"] == "consented";
    windows["items"].as_array().unwrap().iter().find(of).unwrap()["id"].as_str().unwrap().to_owned()
}

/// From tomorrow on the civil affairs office takes its matters in itself. Gives that morning.
async fn given_back(town: &Town) -> entity::Time {
    let id = consent_of(town, "MZ").await;
    let director = town.staff("director").await;
    director.post(&format!("/windows/{id}/end"), json!({ "from": "2026-11-24" })).await.refused(matter::TOO_EARLY);
    let ended = director.post(&format!("/windows/{id}/end"), json!({ "from": "2026-11-25" })).await.ok(200);
    assert_eq!((&ended["state"], &ended["until"]), (&json!("ended"), &json!("2026-11-24")));
    director
        .post(&format!("/windows/{id}/end"), json!({ "from": "2026-11-26" }))
        .await
        .refused(matter::CONSENT_DECIDED);
    let morning = tuesday() + Duration::days(1);
    town.move_to(morning).await;
    morning
}

async fn article_4_1_what_stays_outside_says_where_to_go_and_is_not_taken_in(town: &Town) {
    let director = town.staff("director").await;
    let outside = json!({
        "from": "2026-11-25", "ground": "区级设备未到位，暂不能在中心制证", "place": "区残联服务大厅，023-79200000",
    });
    let wrong = [
        ("ground", json!("无"), matter::BAD_OUTSIDE),
        ("place", json!("区残联服务大厅"), matter::BAD_OUTSIDE),
        ("from", json!("2026-11-23"), matter::TOO_EARLY),
    ];
    for (field, value, refusal) in wrong {
        let mut body = outside.clone();
        body[field] = value;
        assert_eq!(director.post("/matters/MZ-05/outside", body).await.refused(refusal)["field"], field);
    }
    director.post("/matters/XX-99/outside", outside.clone()).await.refused(shuitian::domain::guide::UNKNOWN_GUIDE);
    let slot = town.slot("MZ-05", at("2026-11-26", 9, 30)).await;
    director.post("/matters/MZ-05/outside", outside.clone()).await.ok(204);
    director.post("/matters/MZ-05/outside", outside).await.refused(matter::ALREADY_OUTSIDE);
    let window = town.staff("window1").await;
    receive(&window, "MZ-05").await.ok(201);
    // Nobody is to come for nothing on a day on which it is outside.
    let resident = town.resident("13800000001").await;
    let wish = json!({ "slot_id": slot, "guide": "MZ-05", "applicant": { "name": "田小满" } });
    resident.post("/bookings", wish).await.refused(matter::NOT_ENTERED);
    resident.post("/holds", json!({ "slot_id": slot, "guide": "MZ-05" })).await.refused(matter::NOT_ENTERED);

    town.move_to(at("2026-11-25", 9, 30)).await;
    for who in ["window1", "director", "office1"] {
        let told = receive(&town.staff(who).await, "MZ-05").await.refused(matter::NOT_ENTERED);
        let message = told["message"].as_str().unwrap();
        assert!(message.contains("023-79200000") && message.contains("制证") && told["article"] == "4.1", "{told}");
    }
    let listed = town.staff("window1").await.get("/matters").await.ok(200);
    let of = |code: &str| listed["items"].as_array().unwrap().iter().find(|m| m["code"] == code).unwrap().clone();
    assert_eq!((&of("MZ-05")["place"], &of("MZ-01")["place"]), (&json!("outside"), &json!("window")));
    assert_eq!(of("MZ-05")["elsewhere"], "区残联服务大厅，023-79200000");
    // Brought in, it is taken in again; what was never outside need not be.
    let director = town.staff("director").await;
    director.post("/matters/MZ-05/enter", json!({ "from": "2026-11-24" })).await.refused(matter::TOO_EARLY);
    director.post("/matters/MZ-05/enter", json!({ "from": "2026-11-26" })).await.ok(204);
    director.post("/matters/MZ-05/enter", json!({ "from": "2026-11-26" })).await.refused(matter::NOTHING_TO_ENTER);
    director.post("/matters/MZ-01/enter", json!({ "from": "2026-11-26" })).await.refused(matter::NOTHING_TO_ENTER);
    town.move_to(at("2026-11-26", 9, 30)).await;
    receive(&town.staff("window1").await, "MZ-05").await.ok(201);
    assert_eq!((audit_of(town, "matter.outside").await.len(), audit_of(town, "matter.entered").await.len()), (1, 1));
    town.deliver().await;
}

async fn article_4_1_a_matter_is_taken_in_at_one_place(town: &Town) {
    let told = receive(&town.staff("office1").await, "MZ-01").await.refused(matter::AT_THE_WINDOW);
    assert_eq!(told["article"], "4.1");
    // Another office's post is not even that.
    receive(&town.staff("office2").await, "MZ-01").await.refused(cover::NOT_YOUR_POST);
    receive(&town.staff("window1").await, "MZ-01").await.ok(201);
    given_back(town).await;
    let told = receive(&town.staff("window1").await, "MZ-01").await.refused(matter::NOT_AUTHORISED);
    assert!(told["message"].as_str().unwrap().contains("民政和社会事务办公室") && told["article"] == "4.6", "{told}");
    receive(&town.staff("office1").await, "MZ-01").await.ok(201);
    receive(&town.staff("director").await, "MZ-01").await.ok(201);
    receive(&town.staff("window1").await, "SB-01").await.ok(201);
    town.deliver().await;
}

async fn article_4_1_how_far_an_office_has_come_is_read_from_what_is_there(town: &Town) {
    let of = async |code: &str| {
        let rows = town.staff("director").await.get("/matters/offices").await.ok(200);
        rows["items"].as_array().unwrap().iter().find(|row| row["office"]["code"] == code).unwrap().clone()
    };
    let civil = of("MZ").await;
    assert_eq!((&civil["matters"], &civil["entered"], &civil["entered_all"]), (&json!(9), &json!(9), &json!(true)));
    for said in ["functions", "people", "delegated"] {
        assert_eq!(civil[said], true, "{said}");
    }
    assert_eq!((&civil["platform"], &civil["watched"]), (&json!(false), &json!(false)), "no steps, and some no limit");
    let outside = json!({ "from": "2026-11-24", "ground": "设备未到位，暂不进驻", "place": "区残联，023-79200000" });
    town.staff("director").await.post("/matters/MZ-05/outside", outside).await.ok(204);
    let civil = of("MZ").await;
    assert_eq!((&civil["entered"], &civil["entered_all"]), (&json!(8), &json!(false)));
    // A letter that is over gives nothing.
    town.move_to(at("2040-01-03", 9, 30)).await;
    assert_eq!(of("MZ").await["delegated"], false);
}

async fn article_4_6_the_window_takes_in_once_the_government_consents(town: &Town) {
    given_back(town).await;
    receive(&town.staff("office1").await, "MZ-01").await.ok(201);
    let (head, leader) = (town.staff("head1").await, town.staff("leader").await);
    let ask = |office: &str, reason: &str| json!({ "office": office, "reason": reason });
    head.post("/windows", ask("SB", "事项少、办件少")).await.refused(matter::OTHER_OFFICE);
    head.post("/windows", ask("MZ", "少")).await.refused(matter::WINDOW_REASON_NEEDED);
    let asked = head.post("/windows", ask("MZ", "事项少、办件少，窗口人手紧")).await.ok(201);
    assert_eq!((&asked["items"], &asked["cases"]), (&json!(9), &json!(1)), "both counts, counted: {asked}");
    head.post("/windows", ask("MZ", "事项少、办件少，窗口人手紧")).await.refused(matter::ALREADY_ASKED);
    // Asked is not consented.
    receive(&town.staff("window1").await, "MZ-01").await.refused(matter::NOT_AUTHORISED);
    let id = asked["id"].as_str().unwrap();
    let word = json!({ "on": "2026-11-25", "document": "水田府函〔2026〕31号", "from": "2026-11-26" });
    for (field, value, refusal) in [
        ("on", json!("2026-11-26"), matter::BAD_CONSENT),
        ("document", json!("函"), matter::BAD_CONSENT),
        ("from", json!("2026-11-24"), matter::TOO_EARLY),
    ] {
        let mut body = word.clone();
        body[field] = value;
        let told = leader.post(&format!("/windows/{id}/consent"), body).await.refused(refusal);
        assert_eq!(told["field"], field);
    }
    let given = leader.post(&format!("/windows/{id}/consent"), word.clone()).await.ok(200);
    assert_eq!((&given["state"], &given["document"]), (&json!("consented"), &json!("水田府函〔2026〕31号")));
    leader.post(&format!("/windows/{id}/consent"), word).await.refused(matter::CONSENT_DECIDED);
    leader.post(&format!("/windows/{id}/refuse"), json!({ "words": "再议一议" })).await.refused(matter::BAD_CONSENT);
    leader
        .post(&format!("/windows/{id}/refuse"), json!({ "words": "再议一议吧" }))
        .await
        .refused(matter::CONSENT_DECIDED);
    receive(&town.staff("window1").await, "MZ-01").await.refused(matter::NOT_AUTHORISED);
    town.move_to(at("2026-11-26", 9, 30)).await;
    receive(&town.staff("window1").await, "MZ-01").await.ok(201);
    receive(&town.staff("office1").await, "MZ-01").await.refused(matter::AT_THE_WINDOW);
    // One that was refused may ask again.
    let director = town.staff("director").await;
    let id = consent_of(town, "SB").await;
    director.post(&format!("/windows/{id}/end"), json!({ "from": "2026-11-27" })).await.ok(200);
    let again = director.post("/windows", ask("SB", "办件少，请综合窗口代收")).await.ok(201);
    let id = again["id"].as_str().unwrap();
    let leader = town.staff("leader").await;
    let no = leader.post(&format!("/windows/{id}/refuse"), json!({ "words": "办件量大，暂不同意" })).await.ok(200);
    assert_eq!(no["state"], "refused");
    director.post("/windows", ask("SB", "办件少，请综合窗口代收")).await.ok(201);
    town.deliver().await;
}

async fn article_4_6_what_an_office_took_in_it_hands_over(town: &Town) {
    given_back(town).await;
    let (office, window) = (town.staff("office1").await, town.staff("window1").await);
    let case = receive(&office, "MZ-01").await.ok(201)["number"].as_str().unwrap().to_owned();
    for act in ["accept", "decide"] {
        let body = if act == "accept" { json!({}) } else { json!({ "grant": true }) };
        window.post(&format!("/cases/{case}/{act}"), body.clone()).await.refused(cover::NOT_YOUR_POST);
        office.post(&format!("/cases/{case}/{act}"), body).await.ok(200);
    }
    window.post(&format!("/cases/{case}/issue"), json!({})).await.refused(cover::NOT_YOUR_POST);
    office.post(&format!("/cases/{case}/issue"), json!({})).await.ok(200);
    town.deliver().await;
}

async fn article_4_6_desk_then_office_then_desk(town: &Town) {
    for who in ["window1", "office1"] {
        town.sign_in(who).await;
    }
    let (window, office) = (town.staff("window1").await, town.staff("office1").await);
    let case = receive(&window, "MZ-01").await.ok(201)["number"].as_str().unwrap().to_owned();
    // Who has it in hand.
    let holds = async |who: &str| {
        let listed = window.get(&format!("/cases?holder={who}")).await.ok(200);
        listed["items"].as_array().unwrap().iter().any(|row| row["number"] == case)
    };
    let hand = async || (holds("window1").await, holds("office1").await);
    assert_eq!(hand().await, (true, false));
    window.post(&format!("/cases/{case}/accept"), json!({})).await.ok(200);
    assert_eq!(hand().await, (false, true), "handled behind");
    office.post(&format!("/cases/{case}/decide"), json!({ "grant": true })).await.ok(200);
    assert_eq!(hand().await, (true, false), "handed over where it was received");
    office.post(&format!("/cases/{case}/issue"), json!({})).await.refused(cover::NOT_YOUR_POST);
    // The windows stand in for one another.
    town.staff("window2").await.post(&format!("/cases/{case}/issue"), json!({})).await.ok(200);
    town.deliver().await;
}

async fn article_4_6_a_file_of_consents_is_taken_in_whole_or_not_at_all(town: &Town) {
    let import = async |files: Value| {
        let files = serde_json::from_value(files).unwrap();
        town.app.publish(&town.centre, Who::Operator, async |act| matter::import(act, files).await).await
    };
    let new = json!({
        "office": "MZ", "reason": "事项少、办件少", "consented_on": "2026-11-20", "document": "水田府函〔2026〕40号",
        "from": "2026-11-24",
    });
    let before = town.rows().await;
    for (field, value, says) in [
        ("office", json!("XX"), "office XX 不是本中心的科室"),
        ("reason", json!("少"), "reason 应为5至200字"),
        ("document", json!("函"), "document 应为2至60字的文号"),
        ("consented_on", json!("2026-11-25"), "consented_on 晚于今天"),
        ("from", json!("2026-11-19"), "from 早于 consented_on"),
    ] {
        let mut file = new.clone();
        file[field] = value;
        let told = import(json!([file])).await.unwrap_err().to_string();
        assert!(told.contains("第1行") && told.contains(says), "{told}");
    }
    let twice = import(json!([new, new])).await.unwrap_err().to_string();
    assert!(twice.contains("第2行 office MZ 重复"), "{twice}");
    assert_eq!(town.rows().await, before);
    // The one that has a consent keeps it.
    assert_eq!(import(json!([new])).await.unwrap(), 0);
    given_back(town).await;
    assert_eq!(import(json!([new])).await.unwrap(), 1);
}
