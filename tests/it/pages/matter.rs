//! Registers by page: matters, the comprehensive window, seals, training and supervision orders.

use super::Browser;
use crate::town::{Town, at, stories};
use serde_json::json;

stories!(
    the_register_of_matters_is_kept_by_page,
    seals_and_trainings_are_written_down_by_page,
    an_order_is_given_answered_and_closed_by_page,
);

async fn the_register_of_matters_is_kept_by_page(town: &Town) {
    let director = Browser::staff(town, "director").await;
    let his = director.word("/staff/matters").await;
    let seen = director.get("/staff/matters").await.text;
    assert!(seen.contains("9/9") && seen.contains("MZ-05") && seen.contains("水田府函〔2026〕1号"), "{seen}");
    let outside = |ground| {
        let (code, from, place) = (("code", "MZ-05"), ("from", "2026-11-24"), ("place", "区残联，023-79200000"));
        [("w", his.as_str()), code, from, ("ground", ground), place]
    };
    let wrong = director.post("/staff/matters", &outside("无")).await.text;
    assert!(wrong.contains("应进必进") && wrong.contains("区残联，023-79200000"), "what was typed stays");
    assert_eq!(director.post("/staff/matters", &outside("设备还没有到位")).await.status, 303);
    let seen = Browser::staff(town, "office2").await.get("/staff/matters").await.text;
    assert!(seen.contains("未进驻（设备还没有到位）：区残联，023-79200000") && seen.contains("8/9"));
    assert!(!seen.contains("action=\"/staff/matters\"") && !seen.contains("报乡政府</button>"), "it is not his");
    let enter = [("w", his.as_str()), ("code", "MZ-05"), ("from", "2026-11-24"), ("enter", "yes")];
    assert_eq!(director.post("/staff/matters", &enter).await.status, 303);
    assert!(!director.get("/staff/matters").await.text.contains("设备还没有到位"));

    let id = director.get("/staff/matters").await.text;
    let (_, after) = id.split_once("<b>民政和社会事务办公室</b>").unwrap();
    let id = after.split("action=\"/staff/windows/").nth(1).unwrap()[..36].to_owned();
    let end = [("w", his.as_str()), ("from", "2026-11-25")];
    assert_eq!(director.post(&format!("/staff/windows/{id}/end"), &end).await.status, 303);
    // From that day on its own post takes in, by page too, and the windows do not.
    town.move_to(at("2026-11-25", 9, 30)).await;
    let (office, window) = (Browser::staff(town, "office1").await, Browser::staff(town, "window1").await);
    assert!(office.get("/staff").await.text.contains("href=\"/staff/receive\""));
    for (browser, takes_in) in [(&window, false), (&office, true)] {
        let form = browser.get("/staff/receive?guide=MZ-01").await.text;
        let (word, once) = (super::hidden(&form, "w"), super::hidden(&form, "once"));
        let fields = [("w", word.as_str()), ("once", &once), ("guide", "MZ-01"), ("name", "田小满")];
        let answer = browser.post("/staff/receive", &fields).await;
        assert_eq!(answer.status, if takes_in { 303 } else { 200 }, "{}", answer.text);
        assert_eq!(answer.text.contains("还没有经乡政府同意授权综合窗口"), !takes_in);
    }
    let (head, leader) = (Browser::staff(town, "head1").await, Browser::staff(town, "leader").await);
    let hers = head.word("/staff").await;
    let ask = |reason| [("w", hers.as_str()), ("office", "MZ"), ("reason", reason)];
    assert!(head.post("/staff/windows", &ask("少")).await.text.contains("必须写明理由"));
    assert_eq!(head.post("/staff/windows", &ask("事项少、办件少")).await.status, 303);
    let seen = leader.get("/staff/matters").await.text;
    assert!(seen.contains("报送时事项9项、近一年办件1件。事项少、办件少。已报乡政府"), "{seen}");
    let id = seen.split("action=\"/staff/windows/").nth(1).unwrap()[..36].to_owned();
    let word = leader.word("/staff/matters").await;
    let (on, from) = (("on", "2026-11-24"), ("from", "2026-11-26"));
    let consent = |document| [("w", word.as_str()), on, from, ("document", document), ("consent", "yes")];
    assert!(leader.post(&format!("/staff/windows/{id}"), &consent("函")).await.text.contains("文号"));
    assert_eq!(leader.post(&format!("/staff/windows/{id}"), &consent("水田府函〔2026〕50号")).await.status, 303);
    assert!(leader.get("/staff/matters").await.text.contains("乡政府同意（水田府函〔2026〕50号，2026年11月24日）"));
}

async fn seals_and_trainings_are_written_down_by_page(town: &Town) {
    let director = Browser::staff(town, "director").await;
    let word = director.word("/staff/registers").await;
    let seal = |name| [("w", word.as_str()), ("name", name), ("office", ""), ("keeper", "SX"), ("from", "2026-11-24")];
    assert!(director.post("/staff/seals", &seal("章")).await.text.contains("管理办法 4.2"));
    assert_eq!(director.post("/staff/seals", &seal("受理专用章")).await.status, 303);
    let training = |minutes| {
        let (on, topic, by) = (("on", "2026-11-20"), ("topic", "一次性告知"), ("taught_by", "冉建国"));
        [("w", word.as_str()), on, topic, by, ("minutes", minutes), ("attendee", "window1"), ("attendee", "office1")]
    };
    assert!(director.post("/staff/trainings", &training("一")).await.text.contains("管理办法 4.1"));
    assert_eq!(director.post("/staff/trainings", &training("60")).await.status, 303);
    let seen = Browser::staff(town, "window1").await.get("/staff/registers").await.text;
    assert!(
        seen.contains("受理专用章（中心），首席代表岗保管") && seen.contains("一次性告知　冉建国主讲，60分钟"),
        "{seen}"
    );
    assert!(!seen.contains("<button>登记"), "it is the director's");
    // On a case's page it is put on a document.
    let number = town.received("MZ-01", None).await["number"].as_str().unwrap().to_owned();
    let case = director.get(&format!("/staff/cases/{number}")).await.text;
    let path =
        case.split("action=\"").find(|part| part.contains("/seal\"")).unwrap().split('"').next().unwrap().to_owned();
    let id = case.split("<option value=\"").find(|part| part.contains("受理专用章")).unwrap()[..36].to_owned();
    assert_eq!(director.post(&path, &[("w", word.as_str()), ("seal", &id)]).await.status, 303);
    let again = director.post(&path, &[("w", word.as_str()), ("seal", &id)]).await.text;
    assert!(again.contains("已经用过这枚印章"), "{again}");
    assert!(director.get(&format!("/staff/cases/{number}")).await.text.contains("受理专用章（11月24日"));
    let end = seen_end(&director).await;
    assert_eq!(director.post(&end, &[("w", word.as_str())]).await.status, 303);
    assert!(director.get("/staff/registers").await.text.contains("2026年11月24日停用"));
}

async fn seen_end(director: &Browser<'_>) -> String {
    let seen = director.get("/staff/registers").await.text;
    seen.split("action=\"").find(|part| part.contains("/end\"")).unwrap().split('"').next().unwrap().to_owned()
}

async fn an_order_is_given_answered_and_closed_by_page(town: &Town) {
    let number = town.received("MZ-01", None).await["number"].as_str().unwrap().to_owned();
    town.staff("window1").await.post(&format!("/cases/{number}/accept"), json!({})).await.ok(200);
    let (director, office) = (Browser::staff(town, "director").await, Browser::staff(town, "office1").await);
    let (path, word) = (format!("/staff/cases/{number}"), director.word("/staff").await);
    assert!(!office.get(&path).await.text.contains("发出督办"), "it is the first responsible person's");
    let order = |due| [("w", word.as_str()), ("words", "请说明为什么还没有入户"), ("due_on", due)];
    assert!(director.post(&format!("{path}/order"), &order("2026-11-28")).await.text.contains("工作日"));
    assert_eq!(director.post(&format!("{path}/order"), &order("2026-11-26")).await.status, 303);
    assert!(office.get("/staff").await.text.contains("督办（1）"));
    let seen = office.get("/staff/orders").await.text;
    assert!(seen.contains("请说明为什么还没有入户（11月26日前答复）"), "{seen}");
    let press = format!("/staff/orders/{}", &seen.split("action=\"/staff/orders/").nth(1).unwrap()[..36]);
    let his = office.word("/staff/orders").await;
    assert!(office.post(&press, &[("w", his.as_str()), ("words", "好")]).await.text.contains("管理办法 4.2"));
    assert_eq!(office.post(&press, &[("w", his.as_str()), ("words", "明天上午入户")]).await.status, 303);
    assert!(director.get("/staff/orders").await.text.contains("已答复，待销号"));
    assert_eq!(director.post(&press, &[("w", word.as_str()), ("close", "yes")]).await.status, 303);
    assert!(director.get("/staff").await.text.contains(">督办</a>"), "nothing is open");
    town.deliver().await;
}
