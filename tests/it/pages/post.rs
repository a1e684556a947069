//! Posts, leave and handovers by page.

use super::Browser;
use crate::town::{Town, at, stories};
use serde_json::json;

stories!(the_page_of_posts_says_who_is_there_and_where_others_are, leave_is_asked_for_ruled_on_and_handed_over_by_page,);

async fn the_page_of_posts_says_who_is_there_and_where_others_are(town: &Town) {
    let browser = Browser::staff(town, "window1").await;
    let word = browser.word("/staff/posts").await;
    let before = browser.get("/staff/posts").await.text;
    assert!(before.contains("1号综合窗口") && before.contains("无人在岗"), "nobody has signed in");
    town.sign_in("window1").await;
    assert!(browser.get("/staff/posts").await.text.contains("冯秀兰（A岗）"));
    let director = Browser::staff(town, "director").await;
    assert!(director.get("/staff").await.text.contains("现在无人在岗：规建岗"));
    assert!(!browser.get("/staff").await.text.contains("无人在岗"), "it is the director's");
    let his = director.word("/staff/posts").await;
    let stands_in = |who| [("w", his.as_str()), ("substitute", who), ("until", "2026-11-24T17:00")];
    town.sign_in("office1").await;
    let wrong = director.post("/staff/posts/GJ1/substitute", &stands_in("office4")).await;
    assert!(wrong.text.contains("不能顶岗") && wrong.text.contains("管理办法 5.1.3"));
    assert_eq!(director.post("/staff/posts/GJ1/substitute", &stands_in("office1")).await.status, 303);
    assert!(browser.get("/staff/posts").await.text.contains("龚文才（指定顶岗）"));
    assert_eq!(browser.post("/staff/posts/GJ1/substitute", &[("w", &word)]).await.status, 403);
    let out = |until| [("w", word.as_str()), ("out_place", "去李家坝送证"), ("out_until", until)];
    let wrong = browser.post("/staff/whereabouts", &out("2026-11-24T08:00")).await;
    assert!(wrong.text.contains("管理办法 5.1.2") && wrong.text.contains("去李家坝送证"), "what was typed stays");
    assert!(browser.post("/staff/whereabouts", &out("soon")).await.text.contains("请假时间"));
    assert_eq!(browser.post("/staff/whereabouts", &out("2026-11-24T11:30")).await.status, 303);
    let seen = Browser::staff(town, "office1").await.get("/staff/posts").await.text;
    assert!(seen.contains("冯秀兰　去李家坝送证　11月24日 周二 11:30回来"));
    assert_eq!(browser.post("/staff/whereabouts/back", &[("w", &word)]).await.status, 303);
    assert!(browser.get("/staff/posts").await.text.contains("没有人外出"));
}

async fn leave_is_asked_for_ruled_on_and_handed_over_by_page(town: &Town) {
    let number = town.received("SB-01", None).await["number"].as_str().unwrap().to_owned();
    town.staff("window1").await.post(&format!("/cases/{number}/accept"), json!({})).await.ok(200);
    let (browser, director) = (Browser::staff(town, "office2").await, Browser::staff(town, "director").await);
    let word = browser.word("/staff/posts").await;
    let form = [
        ("w", word.as_str()),
        ("kind", "official_trip"),
        ("starts_at", "2026-11-26T09:00"),
        ("ends_at", "2026-11-26T18:00"),
        ("reason", "去区里开会"),
        ("place", "区人力社保局"),
    ];
    assert_eq!(browser.post("/staff/leaves", &form).await.status, 303);
    let mine = browser.get("/staff/posts").await.text;
    assert!(
        mine.contains("因公外出　11月26日 周四 09:00至11月26日 周四 18:00　待批") && !mine.contains("name=\"approve\"")
    );
    let ruling = director.get("/staff/posts").await.text;
    let id = ruling.split("action=\"/staff/leaves/").nth(1).unwrap()[..36].to_owned();
    let his = director.word("/staff/posts").await;
    let no = [("w", his.as_str()), ("approve", "no"), ("words", "")];
    assert!(director.post(&format!("/staff/leaves/{id}"), &no).await.text.contains("请写明"));
    // Nobody else rules, whatever he posts.
    let own = [("w", word.as_str()), ("approve", "yes")];
    assert_eq!(browser.post(&format!("/staff/leaves/{id}"), &own).await.status, 403);
    let ruled = [("w", his.as_str()), ("approve", "yes"), ("post", "JD"), ("substitute", "office1"), ("post", "")];
    let told = director.post(&format!("/staff/leaves/{id}"), &ruled).await.text;
    assert!(told.contains("不能顶岗"), "the B of a post is no substitute: {told}");
    let ruled = [("w", his.as_str()), ("approve", "yes"), ("post", ""), ("substitute", "")];
    assert_eq!(director.post(&format!("/staff/leaves/{id}"), &ruled).await.status, 303);
    let giving = browser.get("/staff/posts").await.text;
    assert!(giving.contains("社保岗　庞大海 → 向玉珍　11月25日前"), "{giving}");
    let handover = giving.split("社保岗　庞大海").nth(1).unwrap().split("action=\"/staff/handovers/").nth(1).unwrap()
        [..36]
        .to_owned();
    let give = [("w", word.as_str()), ("handed", "参保登记一件，已核对")];
    assert_eq!(browser.post(&format!("/staff/handovers/{handover}"), &give).await.status, 303);
    let b = Browser::staff(town, "office3").await;
    let taking = b.get("/staff/posts").await.text;
    assert!(taking.contains("参保登记一件，已核对") && taking.contains(&format!("在办：{number}")), "{taking}");
    let take = [("w", &*b.word("/staff/posts").await), ("take", "yes")];
    assert_eq!(b.post(&format!("/staff/handovers/{handover}"), &take).await.status, 303);
    assert!(!b.get("/staff/posts").await.text.contains("参保登记一件，已核对"));
    town.move_to(at("2026-11-26", 10, 0)).await;
    town.sign_in("office3").await;
    assert!(Browser::staff(town, "window1").await.get("/staff/posts").await.text.contains("向玉珍（B岗顶岗）"));
}
