//! The hall's screen and the desk, as people see them.

use super::{code, deed, give, next, paired};
use crate::browser::{Browser as Chromium, browser_program};
use crate::pages::{Browser, hidden};
use crate::town::{Ground, Town, at, stories, tell};
use sea_orm::ConnectionTrait as _;
use serde_json::json;
use shuitian::access::SCREEN;
use thirtyfour::prelude::*;

stories!(
    a_clerk_works_the_queue_by_its_buttons,
    a_villager_takes_a_number_at_home_and_comes,
    who_booked_takes_his_number_by_the_halls_code,
);

/// Told once: a browser of its own takes its time, and the database behind it is the other stories' matter.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_screen_shows_calls_and_says_when_it_hears_nothing() {
    tell(Ground::Sqlite, async |town| the_screen(town).await).await;
}

async fn the_screen(town: &Town) {
    let Some(program) = browser_program() else { return };
    let window = town.staff("window1").await;
    let first = give(&window, json!({})).await;
    give(&window, json!({})).await;
    next(&window, "1").await;
    let chromium = Chromium::open(program).await;
    chromium.go(&format!("{}/", town.url)).await;
    chromium.driver.add_cookie(Cookie::new(SCREEN, paired(town).await)).await.unwrap();
    chromium.go(&format!("{}/hall/queue?branch=DT", town.url)).await;
    let text = async |id: &str| {
        let script = format!("return document.getElementById('{id}').innerText");
        chromium.driver.execute(&script, vec![]).await.unwrap().convert::<String>().unwrap()
    };
    assert!(text("called").await.contains("A001") && text("lines").await.contains("1人"));
    // What changes is shown without anybody touching the screen.
    deed(&window, &first, "end").await.ok(200);
    next(&window, "2").await;
    chromium.sees("A002").await;
    chromium.sees("0人").await;
    assert!(!chromium.text().await.contains("暂时收不到新消息"));
    // What cannot be read is said, and what was shown last stays.
    town.app.database.writer().execute_unprepared("alter table ticket rename to ticket_away").await.unwrap();
    chromium.sees("暂时收不到新消息").await;
    assert!(text("called").await.contains("A002"));
    town.app.database.writer().execute_unprepared("alter table ticket_away rename to ticket").await.unwrap();
    for _ in 0..60 {
        if !chromium.text().await.contains("暂时收不到新消息") {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(100)).await;
    }
    assert!(!chromium.text().await.contains("暂时收不到新消息"), "and it is heard of again");
    chromium.close().await;
}

async fn a_clerk_works_the_queue_by_its_buttons(town: &Town) {
    let browser = Browser::staff(town, "window1").await;
    assert!(browser.get("/staff/queue").await.text.contains("先选您所在的窗口"));
    let word = browser.word("/staff/queue").await;
    let press = async |what: &str, id: &str| {
        browser.post("/staff/queue", &[("w", &word), ("desk", "1"), ("do", what), ("id", id)]).await
    };
    let given = browser.post("/staff/queue", &[("w", &word), ("do", "issue"), ("priority", "elder")]).await;
    let paper = given.headers["location"].to_str().unwrap().to_owned();
    let page = browser.get(&paper).await.text;
    assert!(page.contains("A001") && page.contains("还没有打印") && page.contains("前面没有人了"));
    let id = paper.rsplit('/').next().unwrap().to_owned();
    let print = format!("{paper}/print");
    browser.post(&print, &[("w", &word), ("printed", "no")]).await;
    assert!(browser.get(&paper).await.text.contains("没有打出来，可以重打"));
    assert_eq!(browser.post(&print, &[("w", &word), ("printed", "yes")]).await.headers["location"], "/staff/queue");
    assert_eq!(press("next", "").await.headers["location"], "/staff/queue?desk=1");
    let page = browser.get("/staff/queue?desk=1").await.text;
    assert!(page.contains("老年人") && page.contains("已叫1次") && page.contains("value=\"skip\""));
    assert!(press("next", "").await.text.contains("本窗口正在办理A001号"));
    for what in ["recall", "recall", "skip", "resume", "call", "park", "resume", "call", "end"] {
        assert_eq!(press(what, &id).await.status, 303, "{what}");
    }
    assert!(press("end", &id).await.text.contains("这个号现在是“已办”"));
    assert!(press("dance", &id).await.text.contains("没有找到这个号"));
    assert!(
        press("next", "").await.status == 303 && browser.get("/staff/queue?desk=1").await.text.contains("等候 0 人")
    );
    assert_eq!(Browser::new(town).get("/hall/queue").await.status, 403);
    let script = Browser::new(town).get("/assets/queue.js").await;
    assert_eq!(script.headers["content-type"], "text/javascript; charset=utf-8");
}

async fn a_villager_takes_a_number_at_home_and_comes(town: &Town) {
    let browser = Browser::resident(town, "13800000001").await;
    assert!(browser.get("/guides/SB-03").await.text.contains("/guides/SB-03/ticket"));
    let word = browser.word("/guides/SB-03/ticket").await;
    let taken = browser.post("/guides/SB-03/ticket", &[("w", &word)]).await;
    let ticket = taken.headers["location"].to_str().unwrap().to_owned();
    let page = browser.get(&ticket).await.text;
    assert!(page.contains("A001") && page.contains("未到场") && page.contains("到场码"));
    let twice = browser.post("/guides/SB-03/ticket", &[("w", &word)]).await;
    assert!(twice.status == 200 && twice.text.contains("已经取过号"));
    let come = format!("{ticket}/arrive");
    assert!(browser.post(&come, &[("w", &word), ("code", "000000")]).await.text.contains("到场码不对"));
    assert_eq!(browser.post(&come, &[("w", &word), ("code", &code(town))]).await.headers["location"], ticket);
    let page = browser.get(&ticket).await.text;
    assert!(page.contains("等候") && page.contains("前面没有人了") && !page.contains("到场码"));
    assert_eq!(Browser::new(town).get(&ticket).await.status, 303);
    town.deliver().await;
}

async fn who_booked_takes_his_number_by_the_halls_code(town: &Town) {
    let browser = Browser::resident(town, "13800000001").await;
    let word = browser.word("/bookings").await;
    for (day, hour) in [("2026-11-24", 10), ("2026-11-25", 9)] {
        let slot = town.slot("SB-03", at(day, hour, 0)).await;
        let page = browser.get(&format!("/guides/SB-03/book?slot={slot}")).await.text;
        let once = hidden(&page, "once");
        let form = [("w", word.as_str()), ("once", &once), ("slot", &slot), ("guide", "SB-03"), ("name", "田小满")];
        assert_eq!(browser.post("/bookings", &form).await.status, 303);
    }
    let page = browser.get("/bookings").await.text;
    assert_eq!(page.matches("取号排队").count(), 1, "only today's");
    let path = page.split("action=\"").find(|p| p.contains("/arrive\"")).unwrap().split('"').next().unwrap().to_owned();
    let wrong = browser.post(&path, &[("w", &word), ("code", "000000")]).await;
    assert!(wrong.status == 422 && wrong.text.contains("到场码不对"));
    let come = browser.post(&path, &[("w", &word), ("code", &code(town))]).await;
    assert!(come.headers["location"].to_str().unwrap().starts_with("/tickets/"));
    assert!(browser.get("/bookings").await.text.contains("已到场"));
    // The window does it for who has no phone.
    let window = Browser::staff(town, "window1").await;
    let desk = window.get("/staff").await.text;
    assert!(!desk.contains("来了，取号"), "he has come");
    town.deliver().await;
}
