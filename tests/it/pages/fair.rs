//! Pages on which places are kept, no-shows appealed against, and days closed.

use super::{Browser, hidden};
use crate::town::{Town, at, stories};
use serde_json::json;

stories!(
    a_place_is_kept_while_the_villager_types,
    a_no_show_is_appealed_against_and_taken_back,
    the_director_closes_a_day_after_a_look_beforehand,
);

async fn a_place_is_kept_while_the_villager_types(town: &Town) {
    let slot = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    let browser = Browser::resident(town, "13800000001").await;
    let form = format!("/guides/SB-03/book?slot={slot}");
    let page = browser.get(&form).await.text;
    assert!(page.contains("/guides/SB-03/hold") && !page.contains("<animate"), "looking keeps nothing");
    assert_eq!(town.rows().await["held_place"], 0);
    let word = hidden(&page, "w");
    let kept = browser.post("/guides/SB-03/hold", &[("w", &word), ("slot", &slot)]).await;
    let place = kept.headers["location"].to_str().unwrap().to_owned();
    let page = browser.get(&place).await.text;
    // Counted down without a script: five words for five minutes, and a bar.
    for word in ["09:35:", "还有不到5分钟", "还有不到1分钟", "名额已放回", "dur=\"300s\""] {
        assert!(page.contains(word), "{word}: {page}");
    }
    assert!(!page.contains("<script"));
    let (hold, once) = (hidden(&page, "hold"), hidden(&page, "once"));
    let mut fields = vec![
        ("w", word.as_str()),
        ("once", &once),
        ("slot", &slot),
        ("guide", "SB-03"),
        ("hold", &hold),
        ("name", "田小满"),
        ("phone", "123"),
    ];
    let wrong = browser.post("/bookings", &fields).await;
    assert!(wrong.status == 200 && wrong.text.contains("<animate"), "a wrong number does not lose the place");
    fields.pop();
    let made = browser.post("/bookings", &fields).await;
    assert!(made.headers["location"].to_str().unwrap().starts_with("/bookings?made="), "{}", made.text);
    assert_eq!(town.rows().await["held_place"], 0);
    // Another's hold shows nothing, and a page that is left open offers to keep it again.
    town.wait(chrono::Duration::seconds(31)).await;
    let other = Browser::resident(town, "13800000002").await;
    assert!(!other.get(&place).await.text.contains("<animate"));
    let gone = other.post("/guides/SB-03/hold", &[("w", &other.word(&form).await), ("slot", "none")]).await;
    assert_eq!(gone.status, 404);
    town.deliver().await;
}

async fn a_no_show_is_appealed_against_and_taken_back(town: &Town) {
    let person = town.resident("13800000001").await;
    let slot = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "田小满" } });
    let id = person.post("/bookings", wish).await.ok(201)["id"].as_str().unwrap().to_owned();
    town.move_to(at("2026-11-26", 9, 0)).await;
    let browser = Browser::resident(town, "13800000001").await;
    let page = browser.get("/bookings").await.text;
    assert!(page.contains("没有来") && page.contains(&format!("/bookings/{id}/appeal")));
    let word = hidden(&page, "w");
    let form = [("w", word.as_str()), ("reason", "那天村里停电。")];
    let sent = browser.post(&format!("/bookings/{id}/appeal"), &form).await;
    assert_eq!(sent.headers["location"], "/bookings?appealed=yes");
    assert!(browser.get("/bookings?appealed=yes").await.text.contains("申诉已提交"));
    assert_eq!(Browser::staff(town, "window1").await.get("/staff/appeals").await.status, 403);
    let director = Browser::staff(town, "director").await;
    assert!(director.get("/staff").await.text.contains("/staff/appeals"));
    let page = director.get("/staff/appeals").await.text;
    assert!(page.contains("那天村里停电。") && page.contains("田**"));
    let appeal = page.split("/staff/appeals/").nth(1).unwrap()[..36].to_owned();
    let (path, word) = (format!("/staff/appeals/{appeal}"), hidden(&page, "w"));
    let wrong = director.post(&path, &[("w", &word), ("words", " "), ("grant", "yes")]).await;
    assert!(wrong.status == 200 && wrong.text.contains("请写明处理意见"));
    let done = director.post(&path, &[("w", &word), ("words", "情况属实。"), ("grant", "yes")]).await;
    assert_eq!(done.headers["location"], "/staff/appeals");
    assert!(director.get("/staff/appeals").await.text.contains("没有待处理的申诉"));
    assert!(browser.get("/bookings").await.text.contains("没有来（不计）"));
    town.deliver().await;
}

async fn the_director_closes_a_day_after_a_look_beforehand(town: &Town) {
    let window = town.staff("window1").await;
    let slot = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "向大娘", "phone": "023-79123456" } });
    window.post("/bookings", wish).await.ok(201);
    let (director, clerk) = (Browser::staff(town, "director").await, Browser::staff(town, "window1").await);
    assert!(!clerk.get("/staff/closures").await.text.contains("登记停办"));
    let word = director.word("/staff/closures").await;
    let form = |reason: &'static str| {
        let extra =
            [("extra_date", "2026-11-28"), ("extra_from", "09:00"), ("extra_to", "10:00"), ("extra_places", "1")];
        let fields = [("part", ""), ("date", "2026-11-25"), ("from", "08:00"), ("to", "12:00"), ("then", "move")];
        [&fields[..], &extra[..], &[("reason", reason)]].concat()
    };
    let with = |fields: Vec<(&'static str, &'static str)>, once: &str| {
        let mut all: Vec<(String, String)> = fields.iter().map(|(k, v)| ((*k).to_owned(), (*v).to_owned())).collect();
        all.extend([("w".to_owned(), word.clone()), ("once".to_owned(), once.to_owned())]);
        all
    };
    let post = async |path: &str, fields: Vec<(String, String)>| {
        let fields: Vec<(&str, &str)> = fields.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        director.post(path, &fields).await
    };
    let wrong = post("/staff/closures/preview", with(form("停"), "")).await;
    assert!(wrong.text.contains("请写明停办原因") && wrong.text.contains("value=\"2026-11-25\""));
    let seen = post("/staff/closures/preview", with(form("停电检修"), "")).await.text;
    for word in ["影响 1 个预约", "11月25日 周三 09:00", "改到 11月25日 周三 14:00", "要打电话或上门告知"]
    {
        assert!(seen.contains(word), "{word}: {seen}");
    }
    assert_eq!(town.rows().await["closure"], 0);
    let once = hidden(&seen, "once");
    for _ in 0..2 {
        let done = post("/staff/closures", with(form("停电检修"), &once)).await;
        assert!(done.headers["location"].to_str().unwrap().starts_with("/staff/closures/"), "{}", done.text);
    }
    assert_eq!(town.rows().await["closure"], 1, "pressed twice, closed once");
    assert!(
        town.stranger().send_to(reqwest::Method::GET, "/", None).await.text.contains("停办通知：11月25日 08:00—12:00")
    );
    let list = clerk.get("/staff/closures").await.text;
    let id = list.split("/staff/closures/").nth(1).unwrap()[..36].to_owned();
    assert!(clerk.get(&format!("/staff/closures/{id}")).await.text.contains("要打电话或上门告知"));
    let back = director.post(&format!("/staff/closures/{id}/reopen"), &[("w", &word)]).await;
    assert_eq!(back.headers["location"], "/staff/closures");
    assert!(!town.stranger().send_to(reqwest::Method::GET, "/", None).await.text.contains("停办通知"));
    town.deliver().await;
}
