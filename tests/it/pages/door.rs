//! Who gets in, by which door, and how often.

use super::{Browser, hidden};
use crate::town::{Town, at, audit_of, stories};
use shuitian::demo;

stories!(
    a_form_needs_its_word_and_our_own_origin,
    cookies_are_out_of_reach_and_each_door_has_its_own,
    signing_in_leads_to_where_one_wanted_to_go_and_nowhere_else,
    a_code_asked_for_too_soon_can_still_be_typed,
    the_page_of_a_code_is_limited,
    the_halls_screen_is_paired_by_the_right_person,
    drafts_and_rows_are_not_for_everybody,
    the_first_page_tells_when_the_windows_are_open,
);

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
    // A "no" leads on: staff to their desk, residents home, and nobody back to what he cannot change.
    let clerk = Browser::staff(town, "window1").await;
    let no = clerk.get("/staff/cases/ST-B-20261124-9999").await;
    assert!(no.status == 404 && no.text.contains("没有找到") && no.text.contains("回到工作台"), "{}", no.text);
    assert!(no.text.contains("/staff/attendance") && !no.text.contains("返回键"), "{}", no.text);
    let no = browser.get("/guides/XX-1").await;
    assert!(no.status == 404 && no.text.contains("回到首页") && !no.text.contains("/staff"), "{}", no.text);
    let form = [("username", "window1"), ("password", "wrong-password")];
    let wrong = browser.post("/staff/sign-in", &form).await;
    assert!(wrong.status == 200 && wrong.text.contains("用户名或密码不对") && !wrong.text.contains("wrong-password"));
}

async fn a_code_asked_for_too_soon_can_still_be_typed(town: &Town) {
    let browser = Browser::new(town);
    let form = browser.get("/sign-in").await.text;
    let asker = hidden(&form, "asker");
    let ask = [("phone", "13800000001"), ("next", "/bookings"), ("asker", asker.as_str())];
    assert!(browser.post("/sign-in/code", &ask).await.text.contains("验证码已发到"));
    let code = town.code("13800000001").await;
    // The page was opened anew: it is the same browser, and he is told how long to wait.
    assert_eq!(hidden(&browser.get("/sign-in").await.text, "asker"), asker);
    let soon = browser.post("/sign-in/code", &ask).await.text;
    assert!(soon.contains("约30秒后可以再试") && soon.contains("name=\"code\""), "{soon}");
    let none = browser.post("/sign-in/code", &[("phone", "138"), ("asker", &asker)]).await.text;
    assert!(!none.contains("name=\"code\""), "nothing was sent there");
    let sign_in = |asker: &str| {
        [("phone", "13800000001"), ("code", &code), ("next", "/bookings"), ("asker", asker)]
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
    };
    let send = async |browser: &Browser<'_>, form: [(String, String); 4]| {
        let form: Vec<(&str, &str)> = form.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
        browser.post("/sign-in", &form).await
    };
    let other = Browser::new(town);
    let others = hidden(&other.get("/sign-in").await.text, "asker");
    assert_eq!(send(&other, sign_in(&others)).await.status, 200, "another browser");
    assert_eq!(send(&browser, sign_in(&asker)).await.status, 303);
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
    for _ in 0..8 {
        assert!(
            post("/progress", &[("number", "ST-20261124-0001"), ("proof", "0000")]).await.text.contains("没有查到")
        );
    }
    assert!(post("/progress", &[("number", "ST-20261124-0001"), ("proof", "0000")]).await.text.contains("操作太频繁"));
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
    // What is paired is listed for whoever pairs, and unpaired when it is lost.
    let listed = Browser::staff(town, "party").await.get("/staff/attendance").await.text;
    assert!(listed.contains("已登记的设备") && listed.contains("大厅屏"), "{listed}");
    let end = listed.split("action=\"/staff/screens/").nth(1).unwrap()[..36].to_owned();
    let end = format!("/staff/screens/{end}/end");
    let word = window.word("/staff/attendance").await;
    assert!(!window.get("/staff/attendance").await.text.contains("/staff/screens/"));
    assert_eq!(window.post(&end, &[("w", &word)]).await.status, 403);
    let director = Browser::staff(town, "director").await;
    let his = director.word("/staff/attendance").await;
    assert_eq!(director.post(&end, &[("w", &his)]).await.status, 303);
    assert_eq!(party.get("/hall/check-in").await.status, 403, "it is a browser like any other now");
    assert_eq!(director.post(&end, &[("w", &his)]).await.status, 404);
    assert_eq!(audit_of(town, "screen.unpaired").await.len(), 1);
    // The same browser does not stamp for a colleague.
    let form = [("username", "window2"), ("password", demo::PASSWORD), ("next", "/staff")];
    window.post("/staff/sign-in", &form).await;
    let word = window.word("/staff/attendance").await;
    let lent = window.post("/staff/attendance/in", &[("w", word.as_str()), ("code", &code)]).await;
    assert!(lent.text.contains("已为另一位同事打卡"));
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
    // A month that is not over is not offered for signature.
    assert!(shown.contains("/bulletins/2026-10/sign"));
    assert_eq!(director.post("/bulletins/2026-11/draft", &[("w", &word)]).await.status, 303);
    let early = director.get("/bulletins/2026-11").await.text;
    assert!(!early.contains("/bulletins/2026-11/sign") && early.contains("还没有过完"), "{early}");
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

async fn the_first_page_tells_when_the_windows_are_open(town: &Town) {
    let told = async || town.stranger().send_to(reqwest::Method::GET, "/", None).await.text;
    let page = told().await;
    assert!(page.contains("今天办事时间：9:00—12:00"), "{page}");
    town.app.clock.set(at("2026-11-28", 10, 0));
    let page = told().await;
    assert!(page.contains("今天不办公，11月30日 周一办事时间：9:00—12:00"), "{page}");
}
