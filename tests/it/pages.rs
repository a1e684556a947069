//! Web pages: what a browser may do, and what another site may not make it do.

use crate::person::Answer;
use crate::town::{Town, at, audit_of, stories};
use reqwest::header::HeaderMap;
use serde_json::json;
use shuitian::demo;

stories!(
    a_form_needs_its_word_and_our_own_origin,
    cookies_are_out_of_reach_and_each_door_has_its_own,
    signing_in_leads_to_where_one_wanted_to_go_and_nowhere_else,
    a_wrong_form_keeps_what_was_typed,
    the_desk_begins_with_what_is_due_soonest,
    a_page_offers_the_steps_that_are_ones_own,
    a_receipt_is_printed_by_whoever_may_and_nobody_else,
    a_booked_person_is_received_without_typing_a_name,
    the_halls_screen_is_paired_by_the_right_person,
    the_page_of_a_code_is_limited,
    drafts_and_rows_are_not_for_everybody,
);

/// A browser: it keeps cookies and says where its forms come from.
struct Browser<'t> {
    town: &'t Town,
    cookies: std::sync::Mutex<std::collections::BTreeMap<String, String>>,
}

impl<'t> Browser<'t> {
    fn new(town: &'t Town) -> Self {
        Self { town, cookies: std::sync::Mutex::default() }
    }

    async fn send(&self, path: &str, form: Option<&[(&str, &str)]>, headers: &[(&'static str, &str)]) -> Answer {
        let url = format!("{}{path}", self.town.url);
        let mut request = match form {
            Some(form) => self.town.web.post(url).form(form),
            None => self.town.web.get(url),
        };
        let cookies: Vec<String> = self.cookies.lock().unwrap().iter().map(|(k, v)| format!("{k}={v}")).collect();
        request = request.header("cookie", cookies.join("; "));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let answer = Answer::of(request.send().await.unwrap()).await;
        self.keep(&answer.headers);
        answer
    }

    fn keep(&self, headers: &HeaderMap) {
        for set in headers.get_all("set-cookie") {
            let (pair, rest) = set.to_str().unwrap().split_once(';').unwrap();
            assert!(rest.contains("HttpOnly") && rest.contains("SameSite=Lax"), "{rest}");
            let (name, value) = pair.split_once('=').unwrap();
            self.cookies.lock().unwrap().insert(name.to_owned(), value.to_owned());
        }
    }

    async fn get(&self, path: &str) -> Answer {
        self.send(path, None, &[]).await
    }

    /// Sends a form as the page of ours would.
    async fn post(&self, path: &str, form: &[(&str, &str)]) -> Answer {
        self.send(path, Some(form), &[("sec-fetch-site", "same-origin")]).await
    }

    async fn staff(town: &'t Town, username: &str) -> Self {
        let browser = Self::new(town);
        let form = [("username", username), ("password", demo::PASSWORD), ("next", "/staff")];
        let answer = browser.post("/staff/sign-in", &form).await;
        assert_eq!((answer.status, answer.headers["location"].to_str().unwrap()), (303, "/staff"), "{}", answer.text);
        browser
    }

    async fn resident(town: &'t Town, phone: &str) -> Self {
        let browser = Self::new(town);
        assert_eq!(browser.post("/sign-in/code", &[("phone", phone), ("next", "/bookings")]).await.status, 200);
        let code = town.texts(phone).await.pop().unwrap().split("验证码").nth(1).unwrap()[..6].to_owned();
        let answer = browser.post("/sign-in", &[("phone", phone), ("code", &code), ("next", "/bookings")]).await;
        assert_eq!((answer.status, answer.headers["location"].to_str().unwrap()), (303, "/bookings"));
        browser
    }

    /// The hidden word of this session's forms.
    async fn word(&self, path: &str) -> String {
        let page = scraper::Html::parse_document(&self.get(path).await.text);
        let hidden = scraper::Selector::parse("input[name=w]").unwrap();
        page.select(&hidden).next().expect("a form with a word").attr("value").unwrap().to_owned()
    }
}

async fn a_form_needs_its_word_and_our_own_origin(town: &Town) {
    let (window, other) = (Browser::staff(town, "window1").await, Browser::staff(town, "window2").await);
    let word = window.word("/staff").await;
    assert_ne!(word, other.word("/staff").await);
    let before = town.rows().await;
    let form = |word: &str| {
        let (w, once) = (word.to_owned(), "one-press-0000001".to_owned());
        [("w".to_owned(), w), ("once".into(), once), ("guide".into(), "SB-03".into()), ("name".into(), "田小满".into())]
    };
    let send = async |word: &str, headers: &[(&'static str, &str)]| {
        let form = form(word);
        let form: Vec<(&str, &str)> = form.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        window.send("/staff/receive", Some(&form), headers).await
    };
    let host = town.url.trim_start_matches("http://");
    for (word, headers) in [
        ("", vec![("sec-fetch-site", "same-origin")]),
        ("guessed", vec![("sec-fetch-site", "same-origin")]),
        (other.word("/staff").await.as_str(), vec![("sec-fetch-site", "same-origin")]),
        (word.as_str(), vec![("sec-fetch-site", "cross-site")]),
        (word.as_str(), vec![("sec-fetch-site", "same-site")]),
        (word.as_str(), vec![("origin", "https://evil.example")]),
        (word.as_str(), vec![("origin", "null")]),
    ] {
        let answer = send(word, &headers).await;
        assert_eq!(answer.status, 403, "{headers:?}");
        assert!(answer.text.contains("没有执行"));
    }
    assert_eq!(town.rows().await, before);
    assert_eq!(
        send(&word, &[("origin", &format!("http://{host}"))]).await.status,
        303,
        "an older browser says its origin alone"
    );
    assert_eq!(town.rows().await["service_case"], 1);
    // Signing in as somebody else by a foreign form is refused too.
    let stranger = Browser::new(town);
    let form = [("username", "window1"), ("password", demo::PASSWORD)];
    assert_eq!(stranger.send("/staff/sign-in", Some(&form), &[("origin", "https://evil.example")]).await.status, 403);
}

async fn cookies_are_out_of_reach_and_each_door_has_its_own(town: &Town) {
    let resident = Browser::resident(town, "13800000001").await;
    assert_eq!(resident.get("/bookings").await.status, 200);
    let away = resident.get("/staff").await;
    assert_eq!(
        away.headers["location"].to_str().unwrap(),
        "/staff/sign-in?next=%2Fstaff",
        "a resident's cookie opens no staff page"
    );
    // A page's cookie is no token of the interface, nor the other way round.
    let cookie = resident.cookies.lock().unwrap()["shuitian_resident"].clone();
    let mut person = town.stranger();
    person.token = Some(cookie);
    person.get("/bookings").await.refused(shuitian::domain::identity::session::NOT_SIGNED_IN);
    let forger = Browser::new(town);
    let token = town.resident("13800000002").await.token.unwrap();
    forger.cookies.lock().unwrap().insert("shuitian_resident".to_owned(), token);
    assert_eq!(forger.get("/bookings").await.status, 303);
    // After leaving, the old cookie opens nothing.
    let kept = resident.cookies.lock().unwrap().clone();
    let word = resident.word("/bookings").await;
    assert_eq!(resident.post("/sign-out", &[("w", &word)]).await.status, 303);
    *resident.cookies.lock().unwrap() = kept;
    assert_eq!(resident.get("/bookings").await.status, 303);
    let admin = Browser::staff(town, "admin").await;
    assert_eq!(admin.get("/staff/cases").await.status, 403);
    assert_eq!(admin.get("/staff/receive").await.status, 403);
}

async fn signing_in_leads_to_where_one_wanted_to_go_and_nowhere_else(town: &Town) {
    let browser = Browser::new(town);
    let slot = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    let wanted = format!("/guides/SB-03/book?slot={slot}");
    let away = browser.get(&wanted).await.headers["location"].to_str().unwrap().to_owned();
    assert!(away.starts_with("/sign-in?next=%2Fguides%2FSB-03%2Fbook%3Fslot%3D"), "{away}");
    assert!(browser.get(&away).await.text.contains(&wanted));
    for evil in ["https://evil.example", "//evil.example", "/\\evil.example"] {
        let form = [("username", "window1"), ("password", demo::PASSWORD), ("next", evil)];
        assert_eq!(browser.post("/staff/sign-in", &form).await.headers["location"].to_str().unwrap(), "/");
    }
    let form = [("username", "window1"), ("password", "wrong-password")];
    let wrong = browser.post("/staff/sign-in", &form).await;
    assert!(wrong.status == 200 && wrong.text.contains("用户名或密码不对") && !wrong.text.contains("wrong-password"));
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
    assert!(refused.text.contains("您的岗位不能做这一步"), "{}", refused.text);
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
    let desk = window.get("/staff?tail=0001").await.text;
    assert!(desk.contains("欧****") && desk.contains("138****0001") && !desk.contains("欧阳一二三"));
    assert!(window.get("/staff?tail=9999").await.text.contains("没有尾号 9999 的预约"));
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
    assert!(shown.contains("欧****") && shown.contains("1101************2X") && shown.contains("户口簿　2份"));
    // The steps of the page, and one that is none.
    let number = case.rsplit('/').next().unwrap();
    let step = async |step: &str, ground: &str| {
        window.post(&format!("/staff/cases/{number}/{step}"), &[("w", word.as_str()), ("ground", ground)]).await
    };
    assert_eq!(step("dance", "").await.status, 404);
    assert_eq!(step("refuse", "短").await.status, 422);
    for one in ["accept", "grant", "issue"] {
        assert_eq!(step(one, "").await.status, 303, "{one}");
    }
    assert_eq!(step("issue", "").await.status, 409);
    assert!(window.get(&case).await.text.contains("请申请人评价"));
    town.deliver().await;
}

async fn the_halls_screen_is_paired_by_the_right_person(town: &Town) {
    let window = Browser::staff(town, "window1").await;
    let word = window.word("/staff/attendance").await;
    assert_eq!(window.post("/staff/screen", &[("w", &word)]).await.status, 403);
    let unpaired = window.get("/hall/check-in").await;
    assert!(unpaired.status == 403 && unpaired.text.contains("还没有登记为大厅屏"));
    let party = Browser::staff(town, "party").await;
    let word = party.word("/staff/attendance").await;
    assert_eq!(
        party.post("/staff/screen", &[("w", &word)]).await.headers["location"].to_str().unwrap(),
        "/hall/check-in"
    );
    assert_eq!(party.get("/staff").await.status, 303, "whoever paired it is signed out of it");
    let shown = party.get("/hall/check-in").await.text;
    let code = shown.split("class=\"code\">").nth(1).unwrap()[..6].to_owned();
    assert_eq!(audit_of(town, "screen.paired").await.len(), 1);
    let word = window.word("/staff/attendance").await;
    let stamped = window.post("/staff/attendance/in", &[("w", word.as_str()), ("code", &code)]).await;
    assert_eq!(stamped.status, 303, "{}", stamped.text);
    let again = window.post("/staff/attendance/in", &[("w", word.as_str()), ("code", &code)]).await;
    assert!(again.text.contains("已经打过卡"));
    // The same browser does not stamp for a colleague.
    let form = [("username", "window2"), ("password", demo::PASSWORD), ("next", "/staff")];
    window.post("/staff/sign-in", &form).await;
    let word = window.word("/staff/attendance").await;
    let lent = window.post("/staff/attendance/in", &[("w", word.as_str()), ("code", &code)]).await;
    assert!(lent.text.contains("已为另一位同事打卡"));
}

async fn the_page_of_a_code_is_limited(town: &Town) {
    let browser = Browser::new(town);
    let post = async |path: &str, form: &[(&str, &str)]| {
        browser.send(path, Some(form), &[("x-forwarded-for", "203.0.113.7"), ("sec-fetch-site", "same-origin")]).await
    };
    for _ in 0..60 {
        assert!(post("/r", &[("code", "AAAAAA")]).await.text.contains("评价码不对"));
    }
    assert!(post("/r", &[("code", "AAAAAA")]).await.text.contains("操作太频繁"));
    let form = [("code", "AAAAAA"), ("grade", "1")];
    assert_eq!(post("/r/give", &form).await.status, 429);
    for _ in 0..10 {
        assert!(
            post("/progress", &[("number", "ST-20261124-0001"), ("proof", "0000")]).await.text.contains("没有查到")
        );
    }
    assert!(post("/progress", &[("number", "ST-20261124-0001"), ("proof", "0000")]).await.text.contains("操作太频繁"));
}

async fn drafts_and_rows_are_not_for_everybody(town: &Town) {
    let director = Browser::staff(town, "director").await;
    let word = director.word("/bulletins").await;
    assert_eq!(director.post("/bulletins/2026-10/draft", &[("w", &word)]).await.status, 303);
    let shown = director.get("/bulletins/2026-10").await.text;
    assert!(shown.contains("（草稿）") && shown.contains("—"));
    assert_eq!(director.get("/bulletins/2026-10/figures/received").await.status, 200);
    let public = Browser::new(town);
    assert!(public.get("/bulletins").await.text.contains("还没有发布的通报"));
    assert_eq!(public.get("/bulletins/2026-10").await.status, 404);
    assert_eq!(public.get("/bulletins/2026-10/figures/received").await.status, 404);
    let window = Browser::staff(town, "window1").await;
    assert_eq!(window.get("/bulletins/2026-10/figures/received").await.status, 404);
    let hash = shown.split("SHA-256）").nth(1).unwrap()[..64].to_owned();
    let stale = director.post("/bulletins/2026-10/sign", &[("w", word.as_str()), ("sha256", &"0".repeat(64))]).await;
    assert_eq!(stale.status, 409);
    assert_eq!(director.post("/bulletins/2026-10/sign", &[("w", word.as_str()), ("sha256", &hash)]).await.status, 303);
    let published = public.get("/bulletins/2026-10").await;
    assert!(
        published.status == 200
            && published.text.contains(&hash)
            && published.text.contains("签发：中心主任、首席代表 冉建国，")
            && published.text.contains("2026年11月24日")
    );
    for reader in [&public, &window] {
        assert_eq!(reader.get("/bulletins/2026-10/figures/received").await.status, 200);
    }
}
