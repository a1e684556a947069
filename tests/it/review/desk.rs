//! Rating on the device at a desk (article 4.5).

use crate::pages::{Browser, hidden};
use crate::town::{Town, audit_of, stories};
use chrono::Duration;
use entity::review::{self as reviews, ReviewChannel};
use sea_orm::EntityTrait as _;
use serde_json::json;
use shuitian::domain::review;

stories!(
    article_4_5_the_device_offers_the_case_that_has_just_ended_at_its_post,
    article_4_5_whoever_hands_a_result_over_at_an_offices_post_shows_its_code,
);

/// A device at a post's desk.
async fn device<'t>(town: &'t Town, post: &str) -> Browser<'t> {
    let director = Browser::staff(town, "director").await;
    let word = director.word("/staff/attendance").await;
    let paired = director.post("/staff/screen", &[("w", &word), ("post", post)]).await;
    assert_eq!((paired.status, paired.headers["location"].to_str().unwrap()), (303, "/hall/rate"), "{}", paired.text);
    director
}

/// A 即办件 that is done at a window.
async fn done(town: &Town, who: &str, name: &str) -> String {
    let intake = json!({ "guide": "SB-03", "channel": "window", "at_once": true, "applicant": { "name": name } });
    town.staff(who).await.post("/cases", intake).await.ok(201)["number"].as_str().unwrap().to_owned()
}

async fn article_4_5_the_device_offers_the_case_that_has_just_ended_at_its_post(town: &Town) {
    let (one, two) = (device(town, "ZH1").await, device(town, "ZH2").await);
    assert_eq!(audit_of(town, "screen.paired").await.len(), 2);
    // Nobody is signed in on it, it is no screen of the hall, and another browser is no device.
    assert_eq!(one.get("/staff").await.status, 303);
    assert_eq!(one.get("/hall/check-in").await.status, 403);
    let stranger = Browser::new(town);
    let told = stranger.get("/hall/rate").await;
    assert!(told.status == 403 && told.text.contains("还没有登记为窗口评价器"), "{}", told.text);
    let wrong = Browser::staff(town, "director").await;
    let word = wrong.word("/staff/attendance").await;
    assert_eq!(wrong.post("/staff/screen", &[("w", &word), ("post", "XX")]).await.status, 404);
    assert!(one.get("/hall/rate").await.text.contains("办完事请在这里评价"));
    for who in ["window1", "window2"] {
        town.sign_in(who).await;
    }
    done(town, "window1", "田小满").await;
    assert!(two.get("/hall/rate").await.text.contains("办完事请在这里评价"), "another desk");
    let shown = one.get("/hall/rate").await.text;
    assert!(shown.contains("办得怎么样") && shown.contains("<svg") && !shown.contains("田小满"), "{shown}");
    let first = hidden(&shown, "invitation");
    let form = |invitation: &str, grade: &str| -> Vec<(String, String)> {
        [("invitation", invitation), ("grade", grade)].map(|(k, v)| (k.to_owned(), v.to_owned())).into()
    };
    let send = async |device: &Browser<'_>, form: Vec<(String, String)>| {
        let form: Vec<(&str, &str)> = form.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        device.post("/hall/rate", &form).await
    };
    assert!(send(&one, form(&first, "6")).await.text.contains(review::BAD_GRADE.message));
    assert!(send(&two, form(&first, "5")).await.text.contains(review::ELSEWHERE_NOW.message), "not at this desk");
    assert_eq!(send(&stranger, form(&first, "5")).await.status, 403);
    let guessed = crate::town::nobody().to_string();
    assert!(send(&one, form(&guessed, "5")).await.text.contains(review::UNKNOWN_INVITATION.message));
    // The next one's case ends: the one before is not rated there any more.
    done(town, "window1", "石桂花").await;
    assert!(send(&one, form(&first, "5")).await.text.contains(review::ELSEWHERE_NOW.message));
    let second = hidden(&one.get("/hall/rate").await.text, "invitation");
    assert_ne!(first, second);
    assert!(send(&one, form(&second, "5")).await.text.contains("谢谢您的评价"));
    assert!(send(&one, form(&second, "4")).await.text.contains(review::ELSEWHERE_NOW.message), "once");
    assert!(one.get("/hall/rate").await.text.contains("办完事请在这里评价"));
    let given = reviews::Entity::find().all(town.app.read()).await.unwrap();
    assert_eq!((given.len(), given[0].channel, given[0].grade), (1, ReviewChannel::Device, Some(5)));
    // What was sent home, or is over for ten minutes, nobody sits there for.
    done(town, "window1", "冉光明").await;
    town.wait(Duration::minutes(11)).await;
    assert!(one.get("/hall/rate").await.text.contains("办完事请在这里评价"));
    // Sent to him, or told no long after he went: nobody sits there.
    let window = town.staff("window1").await;
    let case = town.received("SB-01", None).await["number"].as_str().unwrap().to_owned();
    window.post(&format!("/cases/{case}/accept"), json!({})).await.ok(200);
    town.staff("director").await.post(&format!("/cases/{case}/decide"), json!({ "grant": true })).await.ok(200);
    window.post(&format!("/cases/{case}/issue?handing=sent"), json!({})).await.ok(200);
    assert!(one.get("/hall/rate").await.text.contains("办完事请在这里评价"), "sent");
    let refused = async |wait: i64| {
        let case = town.received("SB-01", None).await["number"].as_str().unwrap().to_owned();
        town.wait(Duration::minutes(wait)).await;
        let no = json!({ "ground": "户籍不在本乡，不予受理" });
        town.staff("window1").await.post(&format!("/cases/{case}/refuse"), no).await.ok(200);
        one.get("/hall/rate").await.text.contains("办得怎么样")
    };
    assert_eq!((refused(40).await, refused(2).await), (false, true));
    let agent = json!({ "name": "石代办", "kind": "kin", "authorised_on": "2026-11-20" });
    let intake = json!({ "guide": "SB-03", "channel": "agent", "at_once": true, "applicant": { "name": "田大爷" }, "agent": agent });
    town.staff("window1").await.post("/cases", intake).await.ok(201);
    assert!(one.get("/hall/rate").await.text.contains("办完事请在这里评价"), "he is not here");
    town.deliver().await;
}

async fn article_4_5_whoever_hands_a_result_over_at_an_offices_post_shows_its_code(town: &Town) {
    let director = town.staff("director").await;
    let consents = director.get("/windows").await.ok(200);
    let own = consents["items"].as_array().unwrap().iter().find(|c| c["office"]["code"] == "SB").unwrap();
    director
        .post(&format!("/windows/{}/end", own["id"].as_str().unwrap()), json!({ "from": "2026-11-25" }))
        .await
        .ok(200);
    town.move_to(crate::town::at("2026-11-25", 10, 0)).await;
    town.sign_in("office2").await;
    let office = town.staff("office2").await;
    let intake = json!({ "guide": "SB-03", "channel": "window", "at_once": true, "applicant": { "name": "田小满" } });
    let done = office.post("/cases", intake).await.ok(201);
    assert_eq!(done["invitation"]["code"].as_str().unwrap().len(), 6, "{done}");
    let page =
        Browser::staff(town, "office2").await.get(&format!("/staff/cases/{}", done["number"].as_str().unwrap())).await;
    assert!(page.text.contains("请申请人评价"));
    // A colleague who did not is not shown it.
    let other = Browser::staff(town, "supervisor")
        .await
        .get(&format!("/staff/cases/{}", done["number"].as_str().unwrap()))
        .await;
    assert!(other.status == 200 && !other.text.contains("请申请人评价"), "{}", other.text);
    town.deliver().await;
}
