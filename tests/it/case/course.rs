//! Ends of cases and what they need: 即办件, refusals and denials, hearings, trips, voiding; and consultations before them.

use super::{accepted, number, republish};
use crate::person::Person;
use crate::town::{Town, at, nobody, stories};
use entity::case::{Entity as Cases, negative};
use sea_orm::EntityTrait as _;
use serde_json::{Value, json};
use shuitian::access::FORBIDDEN;
use shuitian::domain::{case, consultation, cover, guide};

stories!(
    article_4_5_an_instant_matter_is_received_decided_and_issued_in_one_act,
    article_5_3_2c_every_no_says_its_ground_and_remedies_and_is_filed,
    article_4_5_a_denial_waits_for_the_hearing_that_the_law_grants,
    article_2_1_a_case_counts_the_trips_it_cost,
    a_case_is_voided_by_the_first_responsible_person_alone,
    article_4_5_who_asks_is_told_department_and_telephone_and_the_first_asked_is_kept,
);

fn intake(guide: &str, more: &[(&str, Value)]) -> Value {
    let mut intake =
        json!({ "guide": guide, "channel": "window", "applicant": { "name": "田小满", "phone": "13800000001" } });
    for (key, value) in more {
        intake[*key] = value.clone();
    }
    intake
}

async fn article_4_5_an_instant_matter_is_received_decided_and_issued_in_one_act(town: &Town) {
    let window = town.staff("window1").await;
    let before = town.rows().await;
    let told = window.post("/cases", intake("SB-01", &[("at_once", json!(true))])).await.refused(case::NOT_INSTANT);
    assert_eq!((&told["article"], town.rows().await), (&json!("4.5"), before), "nothing is received then");
    let made = window.post("/cases", intake("SB-03", &[("at_once", json!(true))])).await.ok(201);
    assert_eq!(made["state"], "issued");
    assert!(made["receipt"]["check_code"].is_string() && made["invitation"]["code"].is_string(), "{made}");
    let seen = window.get(&format!("/cases/{}", number(&made))).await.ok(200);
    let kinds: Vec<_> = seen["timeline"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["received", "accepted", "granted", "issued"]);
    assert_eq!(seen["trips"], 1);
    let texts = town.texts("13800000001").await;
    assert_eq!(texts.len(), 1, "one text, of its end: {texts:?}");
    // Pressed twice with one key, it is one case.
    let keyed = window.once("one-and-the-same-key");
    let one = keyed.post("/cases", intake("SB-03", &[("at_once", json!(true))])).await.ok(201);
    let two = keyed.post("/cases", intake("SB-03", &[("at_once", json!(true))])).await.ok(201);
    assert_eq!((number(&one), town.rows().await["service_case"]), (number(&two), 2));
    // Whoever may not decide it, has not received it either.
    let office = town.staff("office1").await;
    office.post("/cases", intake("SB-03", &[("at_once", json!(true))])).await.refused(cover::NOT_YOUR_POST);
    town.deliver().await;
}

async fn article_5_3_2c_every_no_says_its_ground_and_remedies_and_is_filed(town: &Town) {
    let (window, director) = (town.staff("window1").await, town.staff("director").await);
    let case = number(&town.received("MZ-01", Some("13800000001")).await);
    let refuse = format!("/cases/{case}/refuse");
    let no = |more: &[(&str, Value)]| {
        let mut no = json!({ "ground": "户籍不在本乡，不归本乡受理" });
        more.iter().for_each(|(key, value)| no[*key] = value.clone());
        no
    };
    let not_ours = ("cause", json!("not_ours"));
    let told = window.post(&refuse, no(std::slice::from_ref(&not_ours))).await.refused(case::ELSEWHERE_NEEDED);
    assert_eq!((&told["field"], &told["article"]), (&json!("elsewhere"), &json!("5.3.1a")));
    window.post(&refuse, no(&[("basis", json!("法"))])).await.refused(case::BASIS_NEEDED);
    window.post(&refuse, no(&[("cause", json!("i_do_not_like_it"))])).await.ok(400);
    let where_to = ("elsewhere", json!("户籍所在地乡镇公共服务中心，电话023-79000100"));
    window.post(&refuse, no(&[not_ours, where_to])).await.ok(200);
    let seen = window.get(&format!("/cases/{case}")).await.ok(200);
    assert_eq!(seen["no"]["cause"], "not_ours");
    assert!(seen["no"]["basis"].as_str().unwrap().contains("《社会救助暂行办法》"), "what the guide rests on");
    assert!(seen["no"]["remedies"].as_str().unwrap().contains("60日内"), "{}", seen["no"]);
    // A denial is filed alike, in the same act.
    let denied = accepted(town, "MZ-02", None).await;
    let ground =
        json!({ "grant": false, "ground": "经核查不符合特困人员认定条件", "basis": "《特困人员认定办法》第四条" });
    director.post(&format!("/cases/{denied}/decide"), ground).await.ok(200);
    assert_eq!(town.rows().await["negative"], 2);
    let filed = director.get("/negatives").await.ok(200)["items"].as_array().unwrap().clone();
    assert_eq!((&filed[0]["number"], &filed[0]["by"]), (&json!(case), &json!("冯秀兰")));
    assert_eq!(filed[1]["no"]["basis"], "《特困人员认定办法》第四条");
    let look = |n: usize| format!("/negatives/{}/look", filed[n]["id"].as_str().unwrap());
    window.get("/negatives").await.refused(cover::NOT_YOUR_POST);
    window.post(&look(0), json!({ "upheld": true })).await.refused(cover::NOT_YOUR_POST);
    director.post(&look(0), json!({ "upheld": false })).await.refused(case::SEEN_WORDS_NEEDED);
    director
        .post(&format!("/negatives/{}/look", nobody()), json!({ "upheld": true }))
        .await
        .refused(case::UNKNOWN_FILING);
    director.post(&look(0), json!({ "upheld": true })).await.ok(200);
    director.post(&look(0), json!({ "upheld": true })).await.refused(case::ALREADY_SEEN);
    let wrong = director.post(&look(1), json!({ "upheld": false, "words": "收入算错了" })).await.ok(200);
    assert_eq!((&wrong["upheld"], &wrong["words"]), (&json!(false), &json!("收入算错了")));
    assert_eq!(director.get("/negatives").await.ok(200)["items"], json!([]));
    town.deliver().await;
}

async fn article_4_5_a_denial_waits_for_the_hearing_that_the_law_grants(town: &Town) {
    republish(town, "MZ-02", |guide| guide["hearing"] = json!(true)).await;
    const PHONE: &str = "13800000001";
    let case = accepted(town, "MZ-02", Some(PHONE)).await;
    let (path, office) = (format!("/cases/{case}"), town.staff("office1").await);
    let deny = json!({ "grant": false, "ground": "经核查不符合特困人员认定条件" });
    let tell = json!({ "ground": "拟因收入超过标准不予批准" });
    let told = office.post(&format!("{path}/decide"), deny.clone()).await.refused(case::HEARING_FIRST);
    assert_eq!(told["article"], "4.5");
    office.post(&format!("{path}/hearing/waive"), tell.clone()).await.refused(case::HEARING_FIRST);
    office.post(&format!("{path}/hearing"), json!({ "ground": "不" })).await.refused(case::GROUND_NEEDED);
    office.post(&format!("{path}/hearing"), tell.clone()).await.ok(200);
    let text = town.texts(PHONE).await.pop().unwrap();
    assert!(text.contains("12月1日前要求听证"), "{text}");
    office.post(&format!("{path}/decide"), deny.clone()).await.refused(case::HEARING_FIRST);
    // Nobody asked for one in five working days.
    town.move_to(at("2026-12-01", 16, 0)).await;
    town.staff("office1").await.post(&format!("{path}/decide"), deny.clone()).await.refused(case::HEARING_FIRST);
    town.move_to(at("2026-12-02", 9, 30)).await;
    town.staff("office1").await.post(&format!("{path}/decide"), deny.clone()).await.ok(200);
    // He does without one; or it was held; and who is granted needs none.
    let (office, director) = (town.staff("office1").await, town.staff("director").await);
    let mut heard = String::new();
    for held in [false, true] {
        let path = format!("/cases/{}", accepted(town, "MZ-02", None).await);
        office.post(&format!("{path}/hearing"), tell.clone()).await.ok(200);
        if held {
            let stop = json!({ "procedure": "hearing", "ground": "申请人要求听证" });
            office.post(&format!("{path}/suspend"), stop).await.ok(200);
            office.post(&format!("{path}/resume"), json!({})).await.ok(200);
            // By a word alone none was held: his days to ask for one are his.
            director.post(&format!("{path}/decide"), deny.clone()).await.refused(case::HEARING_FIRST);
            heard = path;
        } else {
            let waived = json!({ "ground": "申请人12月2日书面放弃" });
            office.post(&format!("{path}/hearing/waive"), waived).await.ok(200);
            director.post(&format!("{path}/decide"), deny.clone()).await.ok(200);
        }
    }
    let granted = accepted(town, "MZ-02", None).await;
    office.post(&format!("/cases/{granted}/decide"), json!({ "grant": true })).await.ok(200);
    town.move_to(at("2026-12-10", 9, 30)).await;
    town.staff("director").await.post(&format!("{heard}/decide"), deny).await.ok(200);
    town.deliver().await;
}

async fn article_2_1_a_case_counts_the_trips_it_cost(town: &Town) {
    let trips =
        async |case: &str| town.staff("window1").await.get(&format!("/cases/{case}")).await.ok(200)["trips"].clone();
    let form = "最低生活保障申请书";
    let missing = json!({ "wanted": [{ "material": form, "what": "没有签名" }], "until": "2026-12-08" });
    let through = async |case: &str, brought: Value, issue: &str| {
        let (window, director) = (town.staff("window1").await, town.staff("director").await);
        let path = format!("/cases/{case}");
        window.post(&format!("{path}/supplement"), missing.clone()).await.ok(200);
        window.post(&format!("{path}/supplement/complete"), brought).await.ok(200);
        window.post(&format!("{path}/accept"), json!({})).await.ok(200);
        director.post(&format!("{path}/decide"), json!({ "grant": true })).await.ok(200);
        window.post(&format!("{path}/{issue}"), json!({})).await.ok(200);
    };
    let materials = json!([{ "name": form, "form": "original" }]);
    let counted = number(&town.received("MZ-01", None).await);
    through(&counted, json!({ "materials": materials }), "issue").await;
    assert_eq!(trips(&counted).await, 2, "in the same visit in which he fetches it he brought what was missing");
    let sent = number(&town.received("MZ-01", None).await);
    through(&sent, json!({ "materials": materials, "sent": true }), "issue?handing=sent").await;
    assert_eq!(trips(&sent).await, 1);
    let home = town.staff("window1").await.post("/cases", intake("MZ-01", &[("channel", json!("home_visit"))])).await;
    let home = number(&home.ok(201));
    through(&home, json!({ "materials": materials, "sent": true }), "issue?handing=sent").await;
    assert_eq!(trips(&home).await, 0, "whoever is visited at home has not come");
    // Fetched on another day, it is another trip.
    let two = accepted(town, "MZ-02", None).await;
    town.staff("director").await.post(&format!("/cases/{two}/decide"), json!({ "grant": true })).await.ok(200);
    town.move_to(at("2026-11-25", 10, 0)).await;
    town.staff("window1").await.post(&format!("/cases/{two}/issue?handing=parachute"), json!({})).await.ok(400);
    town.staff("window1").await.post(&format!("/cases/{two}/issue"), json!({})).await.ok(200);
    assert_eq!(trips(&two).await, 2);
    town.deliver().await;
}

async fn a_case_is_voided_by_the_first_responsible_person_alone(town: &Town) {
    let case = number(&town.received("MZ-01", Some("13800000001")).await);
    let void = format!("/cases/{case}/void");
    let why = json!({ "ground": "同一申请登记了两次" });
    town.staff("window1").await.post(&void, why.clone()).await.refused(cover::NOT_YOUR_POST);
    town.staff("leader").await.post(&void, why.clone()).await.refused(FORBIDDEN);
    let director = town.staff("director").await;
    director.post(&void, json!({ "ground": "错了" })).await.refused(case::GROUND_NEEDED);
    let voided = director.post(&void, why.clone()).await.ok(200);
    assert_eq!((&voided["state"], &voided["invitation"]), (&json!("void"), &Value::Null), "nobody rates it");
    director.post(&void, why).await.refused(case::WRONG_STATE);
    assert!(town.texts("13800000001").await.pop().unwrap().contains("已作废"));
    assert_eq!(town.rows().await["invitation"], 0);
    assert!(Cases::find().one(town.app.read()).await.unwrap().unwrap().ended_at.is_some());
    assert!(negative::Entity::find().one(town.app.read()).await.unwrap().is_none(), "it is no refusal");
}

async fn article_4_5_who_asks_is_told_department_and_telephone_and_the_first_asked_is_kept(town: &Town) {
    let office = town.staff("office1").await;
    let ask = async |by: &Person<'_>, more: Value| {
        let mut asked = json!({ "way": "telephone", "topic": "低保要带什么材料" });
        asked.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        by.post("/consultations", asked).await
    };
    for silent in [json!({}), json!({ "elsewhere": "去问派出所" }), json!({ "elsewhere": " " })] {
        assert_eq!(ask(&office, silent).await.refused(consultation::NOT_TOLD)["article"], "5.3.1a");
    }
    ask(&office, json!({ "guide": "XX-99" })).await.refused(guide::UNKNOWN_GUIDE);
    ask(&office, json!({ "guide": "MZ-01", "topic": "问" })).await.refused(consultation::TOPIC_NEEDED);
    ask(&office, json!({ "guide": "MZ-01", "asker": "长".repeat(41) })).await.refused(consultation::BAD_ASKER);
    let ours = ask(&office, json!({ "guide": "MZ-01", "asker": "王大爷", "filled_in": true })).await.ok(201);
    assert_eq!(ours["told"], "民政和社会事务办公室，023-79000001");
    assert_eq!((&ours["first_asked"], &ours["filled_in"]), (&json!("龚文才"), &json!(true)));
    let theirs = ask(&office, json!({ "elsewhere": "县公安局户政科，023-79000200" })).await.ok(201);
    assert_eq!((&theirs["told"], &theirs["item"]), (&json!("县公安局户政科，023-79000200"), &Value::Null));
    let office_alone = ask(&office, json!({ "office": "SB" })).await.ok(201);
    assert!(office_alone["told"].as_str().unwrap().starts_with("劳动就业"));
    let listed = office.get("/consultations?limit=2").await.ok(200);
    assert_eq!(listed["items"].as_array().unwrap().len(), 2);
    assert!(listed["next_cursor"].is_string());
    town.resident("13800000001").await.get("/consultations").await.refused(FORBIDDEN);
    // The case that comes of it knows who was asked first; of others it is who took them in.
    let window = town.staff("window1").await;
    let case = window.post("/cases", intake("MZ-01", &[("consultation_id", ours["id"].clone())])).await.ok(201);
    let first =
        async |case: &Value| window.get(&format!("/cases/{}", number(case))).await.ok(200)["first_asked"].clone();
    assert_eq!(first(&case).await, "龚文才");
    assert_eq!(first(&window.post("/cases", intake("MZ-01", &[])).await.ok(201)).await, "冯秀兰");
    let unknown = ("consultation_id", json!(nobody()));
    window.post("/cases", intake("MZ-01", &[unknown])).await.refused(consultation::UNKNOWN_CONSULTATION);
    town.wait(chrono::Duration::minutes(5)).await;
    town.deliver().await;
}
