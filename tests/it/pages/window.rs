//! The window at work.

use super::Browser;
use crate::town::{Town, at, audit_of, stories};
use entity::notice::spend;
use sea_orm::{EntityTrait as _, IntoActiveModel as _};
use serde_json::json;
use shuitian::access;
use shuitian::domain::case;

stories!(
    a_wrong_form_keeps_what_was_typed,
    the_desk_begins_with_what_is_due_soonest,
    a_page_offers_the_steps_that_are_ones_own,
    a_receipt_is_printed_by_whoever_may_and_nobody_else,
    a_booked_person_is_received_without_typing_a_name,
    a_clerk_books_for_who_rings_up,
    a_villager_moves_his_booking,
    a_person_is_found_by_name_and_never_by_address,
    what_is_due_today_says_so_and_papers_are_for_handlers,
    the_director_sees_when_texts_run_short,
    an_answer_is_read_with_its_number_before_it_is_done_with,
    what_is_missing_is_told_printed_and_taken_in_by_page,
);

async fn what_is_missing_is_told_printed_and_taken_in_by_page(town: &Town) {
    let case = town.received("MZ-01", Some("13800000001")).await;
    let path = format!("/staff/cases/{}", case["number"].as_str().unwrap());
    let (window, director) = (Browser::staff(town, "window1").await, Browser::staff(town, "director").await);
    let word = window.word(&path).await;
    assert!(window.get(&path).await.text.contains("材料不齐：一次性告知补正"));
    let form = |until| {
        let (book, what) = ("居民户口簿", "缺户主页复印件");
        [
            ("w", word.as_str()),
            ("material", "最低生活保障申请书"),
            ("what", ""),
            ("material", book),
            ("what", what),
            ("until", until),
        ]
    };
    let wrong = window.post(&format!("{path}/supplement"), &form("")).await;
    assert!(wrong.text.contains("补正期限在明天到90天内") && wrong.text.contains("管理办法 4.5"), "{}", wrong.text);
    assert_eq!(window.post(&format!("{path}/supplement"), &form("2026-12-08")).await.status, 303);
    let seen = window.get(&path).await.text;
    let link = seen.split("href=\"").find(|part| part.contains("打印一次性告知书")).unwrap().split('"').next().unwrap();
    let paper = window.get(link).await.text;
    if cfg!(feature = "pdf") {
        assert!(paper.starts_with("%PDF-"), "what stands in it, `document` reads");
    } else {
        assert!(paper.contains("一次性告知书") && paper.contains("缺户主页复印件") && paper.contains("2026年12月8日"));
        assert!(
            paper.contains("田小满") && paper.contains("社会救助暂行办法") && !paper.contains("最低生活保障申请书")
        );
    }
    assert!(seen.contains("待补正") && !seen.contains("材料不齐") && !seen.contains("哪里写错了"));
    let his = director.word(&path).await;
    let right = [("w", his.as_str()), ("material", "居民户口簿"), ("what", "缺本人页复印件"), ("why", "写错了页")];
    assert_eq!(window.post(&format!("{path}/supplement/correct"), &right).await.status, 403);
    assert_eq!(director.post(&format!("{path}/supplement/correct"), &right).await.status, 303);
    let seen = window.get(&path).await.text;
    let anew = seen.split("href=\"").find(|part| part.contains("打印一次性告知书")).unwrap().split('"').next().unwrap();
    assert!(
        seen.contains("一次性告知补正（更正过）") && seen.contains("已作废") && anew != link,
        "the first one is void"
    );
    let brought = [("w", word.as_str()), ("material", "居民户口簿"), ("form", "copy")];
    assert_eq!(window.post(&format!("{path}/supplement/complete"), &brought).await.status, 303);
    let seen = window.get(&path).await.text;
    assert!(seen.contains("已收件") && seen.contains("居民户口簿　复印件　1份") && seen.contains("/accept"));
    town.deliver().await;
}

async fn an_answer_is_read_with_its_number_before_it_is_done_with(town: &Town) {
    town.text_from("13800000001", "请问几点上班").await.ok(200);
    let browser = Browser::staff(town, "window1").await;
    let shown = browser.get("/staff/texts").await.text;
    assert!(shown.contains("138****0001") && !shown.contains("13800000001"));
    let id = shown.split("action=\"/staff/replies/").nth(1).unwrap()[..36].to_owned();
    let (path, word) = (format!("/staff/replies/{id}"), browser.word("/staff/texts").await);
    let opened = browser.post(&path, &[("w", &word), ("do", "open")]).await.text;
    assert!(opened.contains("<b>13800000001</b><br>请问几点上班"), "{opened}");
    assert_eq!(audit_of(town, "uplink.opened").await.len(), 1);
    assert!(browser.get("/staff/texts").await.text.contains("请问几点上班"), "it stays until it is done with");
    assert_eq!(browser.post(&path, &[("w", &word), ("do", "read")]).await.status, 303);
    assert!(browser.get("/staff/texts").await.text.contains("没有未看的回复"));
    assert!(browser.post(&path, &[("w", &word), ("do", "open")]).await.text.contains("没有这条短信"));
}

async fn a_wrong_form_keeps_what_was_typed(town: &Town) {
    let browser = Browser::resident(town, "13800000001").await;
    let slot = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    let word = browser.word(&format!("/guides/SB-03/book?slot={slot}")).await;
    let evil = "<script>alert(1)</script>\"'";
    let with = |id_number: &'static str| {
        let once = ("once", "one-press-0000001");
        [("w", word.as_str()), once, ("slot", &slot), ("guide", "SB-03"), ("name", evil), ("id_number", id_number)]
    };
    let form = with("123");
    let again = browser.post("/bookings", &form).await;
    assert!(again.text.contains("身份证号码不对") && again.text.contains("管理办法 2.3"));
    assert!(
        !again.text.contains("<script>") && again.text.contains("&#60;script&#62;alert(1)"),
        "what was typed comes back as text"
    );
    let form = with("");
    let made = browser.post("/bookings", &form).await;
    assert_eq!(made.status, 303, "a strange name is a name");
    let before = town.rows().await;
    let pressed_twice = browser.post("/bookings", &form).await;
    assert_eq!(pressed_twice.headers["location"], made.headers["location"], "the same place, not a second one");
    assert_eq!(town.rows().await["booking"], before["booking"]);
    let shown = browser.get("/bookings").await.text;
    assert!(!shown.contains("<script>") && shown.contains("&#60;script&#62;"));
    town.deliver().await;
}

async fn the_desk_begins_with_what_is_due_soonest(town: &Town) {
    let mut numbers = Vec::new();
    // No published limit, seven days, three days.
    for guide in ["MZ-03", "NY-01", "SB-01"] {
        numbers.push(town.received(guide, None).await["number"].as_str().unwrap().to_owned());
    }
    let desk = Browser::staff(town, "director").await.get("/staff").await.text;
    let place = |n: usize| desk.find(&numbers[n]).unwrap();
    assert!(place(2) < place(1) && place(1) < place(0), "three days, seven days, and what has no limit last");
}

async fn a_page_offers_the_steps_that_are_ones_own(town: &Town) {
    let case = town.received("MZ-01", None).await;
    let path = format!("/staff/cases/{}", case["number"].as_str().unwrap());
    let (window, office) = (Browser::staff(town, "window1").await, Browser::staff(town, "office1").await);
    let word = window.word(&path).await;
    assert!(window.get(&path).await.text.contains("/accept"));
    assert_eq!(window.post(&format!("{path}/accept"), &[("w", &word)]).await.status, 303);
    let seen = window.get(&path).await.text;
    assert!(!seen.contains("/grant") && seen.contains("这一步由民政"), "{seen}");
    // Whoever sends the form all the same is told.
    let refused = window.post(&format!("{path}/grant"), &[("w", &word)]).await;
    assert!(refused.text.contains("没有把这项权力授给您的岗位"), "{}", refused.text);
    let word = office.word(&path).await;
    assert!(office.get(&path).await.text.contains("/grant"));
    assert_eq!(office.post(&format!("{path}/grant"), &[("w", &word)]).await.status, 303);
    let seen = office.get(&path).await.text;
    assert!(!seen.contains("/issue") && !seen.contains("/withdraw") && seen.contains("这一步由窗口办"), "{seen}");
    town.deliver().await;
}

async fn a_receipt_is_printed_by_whoever_may_and_nobody_else(town: &Town) {
    let case = town.received("MZ-01", Some("13800000001")).await;
    let path = format!("/staff/cases/{}/receipt", case["number"].as_str().unwrap());
    let check_code = case["receipt"]["check_code"].as_str().unwrap();
    for who in ["window2", "office1", "director"] {
        assert!(Browser::staff(town, who).await.get(&path).await.text.contains(check_code), "{who}");
    }
    for who in ["office2", "admin", "party"] {
        let answer = Browser::staff(town, who).await.get(&path).await;
        assert!(matches!(answer.status, 403 | 404) && !answer.text.contains(check_code), "{who}");
    }
    assert_eq!(Browser::new(town).get(&path).await.status, 303);
    let printed = Browser::staff(town, "window1").await.get(&path).await.text;
    assert!(printed.contains("至2026年12月29日") && printed.contains("放假安排公布后可能调整"));
}

async fn a_booked_person_is_received_without_typing_a_name(town: &Town) {
    let person = town.resident("13800000001").await;
    let slot = town.slot("SB-03", at("2026-11-24", 10, 0)).await;
    let applicant = json!({ "name": "欧阳一二三", "id_type": "id_card", "id_number": "11010519491231002X" });
    let booking =
        person.post("/bookings", json!({ "slot_id": slot, "guide": "SB-03", "applicant": applicant })).await.ok(201);
    town.deliver().await;
    let window = Browser::staff(town, "window1").await;
    let id = booking["id"].as_str().unwrap();
    let word = window.word("/staff").await;
    let tail =
        async |tail: &str| window.post("/staff", &[("w", word.as_str()), ("tail", tail), ("day", "")]).await.text;
    let desk = tail("0001").await;
    assert!(desk.contains("欧****") && desk.contains("138****0001") && !desk.contains("欧阳一二三"));
    assert!(tail("9999").await.contains("没有尾号 9999 的预约"));
    let path = format!("/staff/receive?guide=SB-03&booking={id}");
    let page = window.get(&path).await.text;
    assert!(
        page.contains("欧****") && !page.contains("欧阳一二三"),
        "the clerk compares with the card and types nothing"
    );
    let word = window.word(&path).await;
    let form = [
        ("w", word.as_str()),
        ("once", "one-press-0000001"),
        ("guide", "SB-03"),
        ("booking", id),
        ("name", ""),
        ("material_name", "户口簿"),
        ("form0", "copy"),
        ("copies0", "2"),
    ];
    let received = window.post("/staff/receive", &form).await;
    let before = town.rows().await["service_case"];
    let pressed_twice = window.post("/staff/receive", &form).await;
    assert_eq!(pressed_twice.headers["location"], received.headers["location"], "the same case, not a second one");
    assert_eq!(town.rows().await["service_case"], before);
    // Gone back, and something else typed: told once, and the next press is a new case.
    let other = |once: &'static str| {
        [("w", word.as_str()), ("once", once), ("guide", "SB-03"), ("name", "向小燕"), ("channel", "window")]
    };
    let told = window.post("/staff/receive", &other("one-press-0000001")).await;
    assert!(told.status == 200 && told.text.contains("已经提交过") && !told.text.contains("one-press-0000001"));
    assert!(told.text.contains("向小燕"), "what was typed is kept");
    assert_eq!(town.rows().await["service_case"], before);
    assert_eq!(window.post("/staff/receive", &other("one-press-0000002")).await.status, 303);
    let case = received.headers["location"].to_str().unwrap().to_owned();
    let shown = window.get(&case).await.text;
    assert!(shown.contains("欧****") && shown.contains("1101************2X") && shown.contains("户口簿　复印件　2份"));
    // The steps of the page, and one that is none.
    let number = case.rsplit('/').next().unwrap();
    let step = async |step: &str, ground: &str| {
        window.post(&format!("/staff/cases/{number}/{step}"), &[("w", word.as_str()), ("ground", ground)]).await
    };
    assert_eq!(step("dance", "").await.status, 404);
    let short = step("refuse", "短").await.text;
    assert!(short.contains(case::GROUND_NEEDED.message) && short.contains("回到办件"), "{short}");
    for one in ["accept", "grant", "issue"] {
        assert_eq!(step(one, "").await.status, 303, "{one}");
    }
    assert!(step("issue", "").await.text.contains("不能这样操作"));
    assert!(window.get(&case).await.text.contains("请申请人评价"));
    town.deliver().await;
}

async fn a_clerk_books_for_who_rings_up(town: &Town) {
    let window = Browser::staff(town, "window1").await;
    assert!(window.get("/staff").await.text.contains("代约"));
    assert!(window.get("/staff/book").await.text.contains("失业登记"));
    let slot = town.slot("SB-03", at("2026-11-25", 9, 30)).await;
    let times = window.get("/staff/book?guide=SB-03").await.text;
    assert!(times.contains(&format!("slot={slot}\"")));
    let path = format!("/staff/book?guide=SB-03&slot={slot}");
    let page = window.get(&path).await.text;
    assert!(page.contains("周三 09:30") && !page.contains("替别人预约"));
    let word = window.word(&path).await;
    let form = |once: &'static str, phone: &'static str| {
        let slot = slot.as_str();
        [("w", word.as_str()), ("once", once), ("guide", "SB-03"), ("slot", slot), ("name", "田小满"), ("phone", phone)]
    };
    let wrong = window.post("/staff/book", &form("one-press-0000001", "12345")).await;
    assert!(wrong.status == 200 && wrong.text.contains("电话号码不对") && wrong.text.contains("田小满"));
    let made = window.post("/staff/book", &form("one-press-0000002", "13800000001")).await;
    assert_eq!((made.status, made.headers["location"].to_str().unwrap()), (303, "/staff?day=2026-11-25"));
    window.post("/staff/book", &form("one-press-0000002", "13800000001")).await;
    assert_eq!(town.rows().await["booking"], 1, "pressed twice, booked once");
    let twice = window.post("/staff/book", &form("one-press-0000003", "13800000001")).await;
    assert!(twice.text.contains("已经为这位办事人约过"));
    // A firm rings up too.
    let firm = [
        ("w", word.as_str()),
        ("once", "one-press-0000004"),
        ("guide", "SB-03"),
        ("slot", slot.as_str()),
        ("kind", "legal_person"),
        ("name", "水田茶业公司"),
        ("id_number", "11500114009130311J"),
    ];
    let refused = window.post("/staff/book", &firm).await.text;
    assert!(refused.contains("自然人") && refused.contains("水田茶业公司"), "this matter is for citizens: {refused}");
    // The day's list shows it, gives it back, and takes it in on that day alone.
    let day = window.get("/staff?day=2026-11-25").await.text;
    assert!(day.contains("11月25日的预约") && day.contains("田**") && !day.contains("来了，收件"), "{day}");
    let today = window.post("/staff", &[("w", word.as_str()), ("day", ""), ("tail", "")]).await.text;
    assert!(today.contains("今天的预约") && !today.contains("11月25日的预约"));
    let searched = window.post("/staff", &[("w", word.as_str()), ("day", "2026-11-25"), ("tail", "0001")]).await.text;
    assert!(searched.contains("11月25日的预约") && searched.contains("田**"));
    let id = day.split("/staff/bookings/").nth(1).unwrap()[..36].to_owned();
    let back = window.post(&format!("/staff/bookings/{id}/cancel"), &[("w", &word)]).await;
    assert_eq!(back.headers["location"].to_str().unwrap(), "/staff?day=2026-11-25");
    let office = Browser::staff(town, "office1").await;
    assert_eq!(office.get(&path).await.status, 403);
    town.deliver().await;
}

async fn a_villager_moves_his_booking(town: &Town) {
    let person = town.resident("13800000001").await;
    let (old, new) =
        (town.slot("SB-03", at("2026-11-25", 9, 0)).await, town.slot("SB-03", at("2026-11-26", 9, 0)).await);
    let wish = json!({ "slot_id": old, "guide": "SB-03", "applicant": { "name": "田小满" } });
    let id = person.post("/bookings", wish).await.ok(201)["id"].as_str().unwrap().to_owned();
    town.deliver().await;
    town.wait(chrono::Duration::seconds(31)).await;
    let browser = Browser::resident(town, "13800000001").await;
    assert!(browser.get("/bookings").await.text.contains(&format!("/bookings/{id}/move")));
    let path = format!("/bookings/{id}/move");
    let page = browser.get(&path).await.text;
    assert!(page.contains("11月25日 周三 09:00") && page.contains(&new) && !page.contains(&old));
    let word = browser.word(&path).await;
    let form = [("w", word.as_str()), ("once", "one-press-0000001"), ("slot", new.as_str())];
    for _ in 0..2 {
        let moved = browser.post(&path, &form).await;
        assert!(
            moved.headers["location"].to_str().unwrap().starts_with("/bookings?made="),
            "pressed twice, moved once"
        );
    }
    assert!(browser.get("/bookings").await.text.contains("11月26日 周四 09:00"));
    let nowhere = browser.post(&path, &[("w", word.as_str()), ("once", "one-press-0000002"), ("slot", &new)]).await;
    assert!(nowhere.status == 200 && nowhere.text.contains("已经为这位办事人约过这个时段"));
    assert_eq!(Browser::new(town).get(&path).await.status, 303);
    town.deliver().await;
}

async fn a_person_is_found_by_name_and_never_by_address(town: &Town) {
    let window = Browser::staff(town, "window1").await;
    let word = window.word("/staff/cases").await;
    let (civil, social) = (town.received("MZ-01", Some("13800000001")).await, town.received("SB-01", None).await);
    let numbers = [&civil, &social].map(|c| c["number"].as_str().unwrap().to_owned());
    let find = async |browser: &Browser<'_>, wanted: &str| {
        let word = browser.word("/staff/cases").await;
        browser.post("/staff/cases", &[("w", word.as_str()), ("wanted", wanted)]).await
    };
    let by_number = find(&window, &numbers[0].to_lowercase()).await;
    assert_eq!(by_number.headers["location"].to_str().unwrap(), format!("/staff/cases/{}", numbers[0]));
    let by_name = find(&window, " 田小满 ").await.text;
    assert!(numbers.iter().all(|n| by_name.contains(n)));
    let by_phone = find(&window, "138 0000 0001").await.text;
    assert!(by_phone.contains(&numbers[0]) && !by_phone.contains(&numbers[1]));
    for nothing in ["田小", "13800000002", "ST-B-20261124-9999", "11010519491231002X"] {
        assert!(find(&window, nothing).await.text.contains("没有这样的办件"), "{nothing}");
    }
    // An office finds its own.
    let office = Browser::staff(town, "office1").await;
    let found = find(&office, "田小满").await.text;
    assert!(found.contains(&numbers[0]) && !found.contains(&numbers[1]));
    assert_eq!(window.post("/staff/cases", &[("w", "guessed"), ("wanted", "田小满")]).await.status, 403);
    assert_eq!(window.post("/staff/cases", &[("w", word.as_str()), ("wanted", "")]).await.status, 200);
    let by_api = town.staff("window1").await.post("/cases/search", json!({ "person": "田小满" })).await.ok(200);
    assert_eq!(by_api["items"].as_array().unwrap().len(), 2);
    assert_eq!(by_api["items"][0]["applicant"]["name"], "田**");
    // Whoever searches leaves a line that names nobody, and does not search on for ever.
    let lines = audit_of(town, "case.searched").await;
    assert!(lines.len() > 5 && lines.iter().all(|l| l.subject.is_empty()), "{lines:?}");
    assert!(lines.iter().any(|l| l.detail == json!({ "found": 2 })), "how many, and not whose");
    let office = town.staff("office1").await;
    for n in 0..59 {
        office.post("/cases/search", json!({ "person": format!("138000000{n:02}") })).await.ok(200);
    }
    office.post("/cases/search", json!({ "person": "田小满" })).await.refused(access::TOO_OFTEN);
}

async fn what_is_due_today_says_so_and_papers_are_for_handlers(town: &Town) {
    let case = town.received("SB-01", None).await;
    let path = format!("/staff/cases/{}", case["number"].as_str().unwrap());
    let desk = async || Browser::staff(town, "window1").await.get("/staff").await.text;
    assert!(!desk().await.contains("今天到期"));
    town.move_to(at("2026-11-27", 23, 30)).await;
    assert!(desk().await.contains("今天到期") && !desk().await.contains("已超期"));
    town.move_to(at("2026-11-28", 0, 0)).await;
    assert!(!desk().await.contains("今天到期") && desk().await.contains("已超期"));
    for (who, papers) in
        [("window1", true), ("office2", true), ("director", true), ("leader", false), ("supervisor", false)]
    {
        let page = Browser::staff(town, who).await.get(&path).await.text;
        assert_eq!((page.contains("/receipt"), page.contains("/correct")), (papers, papers), "{who}");
        assert!(page.contains("/reveal"), "{who}");
    }
}

async fn the_director_sees_when_texts_run_short(town: &Town) {
    let budget = i32::try_from(town.app.settings.sms.limits.daily_budget).unwrap();
    let (director, window) = (Browser::staff(town, "director").await, Browser::staff(town, "window1").await);
    let spend = async |segments: i32| {
        let row = spend::Model { centre_id: town.centre.id, on_date: town.app.clock.now().date(), segments };
        spend::Entity::delete_many().exec(town.app.database.writer()).await.unwrap();
        spend::Entity::insert(row.into_active_model())
            .exec_without_returning(town.app.database.writer())
            .await
            .unwrap();
    };
    spend(budget * 4 / 5 - 1).await;
    assert!(!director.get("/staff").await.text.contains("短信已用"));
    spend(budget * 4 / 5).await;
    let words = format!("今天的短信已用 {} 条，预算 {budget} 条", budget * 4 / 5);
    assert!(director.get("/staff").await.text.contains(&words));
    assert!(!window.get("/staff").await.text.contains("短信已用"), "it is not the window's to decide");
}
