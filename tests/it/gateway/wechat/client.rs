//! How WeChat is asked: by one token for all programs, and each answer taken for what it is.

use super::super::stand_in::{Asked, Behaviour, StandIn};
use super::{OPENID, PHONE, post, program, refused, resident, sent, well};
use crate::town::{Door, Town, stories};
use chrono::Duration;
use entity::Time;
use futures_util::future::join_all;
use sea_orm::{EntityTrait as _, QueryOrder as _};
use serde_json::json;
use shuitian::app::App;
use shuitian::gateway::sms::Outcome;
use shuitian::gateway::wechat::client::Fault;
use shuitian::gateway::wechat::mini::{Subscribed, Verdict, cut};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};

stories!(
    a_token_that_is_over_is_fetched_once_by_all,
    each_answer_of_wechat_is_of_its_class,
    codes_links_and_words_are_asked_for_as_wechat_wants,
    the_windows_code_is_fetched_once_and_words_are_looked_at,
);

async fn a_token_that_is_over_is_fetched_once_by_all(town: &Town) {
    let fetched = Arc::new(AtomicUsize::new(0));
    let counted = Arc::clone(&fetched);
    // The first token is over from the beginning; the next one is good.
    let there = StandIn::open(move |asked| {
        if asked.place == "/cgi-bin/stable_token" {
            let n = counted.fetch_add(1, SeqCst) + 1;
            let token = json!({ "access_token": format!("token-{n}"), "expires_in": 7200 });
            return Behaviour::Slow(std::time::Duration::from_millis(100), Box::new(Behaviour::ok(token)));
        }
        if asked.place.contains("access_token=token-1") { refused(42001) } else { well(asked) }
    })
    .await;
    let (one, two) = (program(town, &there.url(), &[]).await, program(town, &there.url(), &[]).await);
    let message = Subscribed { to: OPENID, template: "T", fields: &[], page: "p" };
    let now = town.app.clock.now();
    let shared = one.settings.redis.url.clone();
    let shares = !secrecy::ExposeSecret::expose_secret(&shared).is_empty();
    let send = async |app: &App| app.wechat.mini().unwrap().send(&message, now).await;
    let hundred = (0..100).map(|n| send(if shares && n % 2 == 0 { &two } else { &one }));
    for outcome in join_all(hundred).await {
        assert_eq!(outcome, Outcome::Accepted("4294967296".to_owned()));
    }
    assert_eq!(fetched.load(SeqCst), 2, "one that was over, and one for all, whichever program they are of");
    // Five minutes before its end it is fetched anew, once.
    let later = now + Duration::seconds(7200 - 299);
    let message = &message;
    join_all((0..20).map(|_| async { one.wechat.mini().unwrap().send(message, later).await })).await;
    assert_eq!(fetched.load(SeqCst), 3);
    for app in [one, two] {
        app.database.close().await;
    }
    // Without the Redis that they shared, each fetches for itself.
    if shares {
        let alone = program(town, &there.url(), &[("REDIS__URL", "redis://127.0.0.1:1/0")]).await;
        assert_eq!(send(&alone).await, Outcome::Accepted("4294967296".to_owned()));
        assert_eq!(fetched.load(SeqCst), 4);
        alone.database.close().await;
    }
}

async fn each_answer_of_wechat_is_of_its_class(town: &Town) {
    let there = StandIn::open(well).await;
    let app = program(town, &there.url(), &[]).await;
    let mini = app.wechat.mini().unwrap();
    let message = Subscribed { to: OPENID, template: "T", fields: &[], page: "p" };
    let now = town.app.clock.now();
    mini.send(&message, now).await;
    let midnight = Time::at("2026-11-25".parse().unwrap(), 0);
    let word = |code: i64| format!("wechat_{code}");
    for (code, expected) in [
        (43101, Outcome::Rejected(word(43101))),
        (40003, Outcome::Rejected(word(40003))),
        (40037, Outcome::Rejected(word(40037))),
        (47003, Outcome::Rejected(word(47003))),
        (41030, Outcome::Rejected(word(41030))),
        (45009, Outcome::Later(midnight)),
        (45011, Outcome::Later(now + Duration::minutes(1))),
        (40013, Outcome::ChannelDown(word(40013))),
        (48001, Outcome::ChannelDown(word(48001))),
    ] {
        there.next(refused(code));
        assert_eq!(mini.send(&message, now).await, expected, "{code}");
    }
    // Busy: once more, and no more than that.
    let before = sent(&there).len();
    there.next(refused(-1));
    assert_eq!(mini.send(&message, now).await, Outcome::Accepted("4294967296".to_owned()));
    for _ in 0..2 {
        there.next(refused(-1));
    }
    assert_eq!(mini.send(&message, now).await, Outcome::RetrySafe(Duration::seconds(30)));
    assert_eq!(sent(&there).len(), before + 4);
    for (behaviour, expected) in [
        (Behaviour::Reset, Outcome::Ambiguous("broken_off".to_owned())),
        (Behaviour::CutOff, Outcome::Ambiguous("cut_off".to_owned())),
        (Behaviour::Answer(502, "", "<html>".to_owned()), Outcome::Ambiguous("http_502".to_owned())),
        (Behaviour::Hang(std::time::Duration::from_secs(2)), Outcome::Ambiguous("timeout".to_owned())),
    ] {
        there.next(behaviour.clone());
        assert_eq!(mini.send(&message, now).await, expected, "{behaviour:?}");
    }
    // Something else answered, or a refusal with something before it.
    let garbage = || Outcome::Ambiguous("garbage".to_owned());
    for (body, expected) in [
        ("OK", garbage()),
        ("[]", garbage()),
        ("null", garbage()),
        ("{}", garbage()),
        ("\n{\"errcode\":43101}", Outcome::Rejected(word(43101))),
        ("\u{feff}{\"errcode\":40037}", Outcome::Rejected(word(40037))),
    ] {
        there.next(Behaviour::ok(body));
        assert_eq!(mini.send(&message, now).await, expected, "{body}");
    }
    there.next(Behaviour::ok(json!({ "errcode": 0, "msgid": "a\u{0}b" })));
    assert_eq!(mini.send(&message, now).await, Outcome::Accepted(String::new()), "an id that cannot be kept is none");
    app.database.close().await;
}

#[test]
fn a_value_is_cut_to_what_its_field_takes() {
    for (field, value, cut_to) in [
        ("thing1", "城乡居民基本养老保险参保登记", "城乡居民基本养老保险参保登记"),
        ("thing1", "城乡居民基本养老保险参保登记和待遇领取资格认证", "城乡居民基本养老保险参保登记和待遇领取…"),
        ("thing20", "", "无"),
        ("phrase2", "已经受理啦，请等候", "已经受理啦"),
        ("character_string3", "受理号ST-20261124-0001", "ST-20261124-0001"),
        ("character_string3", "无", "-"),
        ("number4", "第3号", "3"),
        ("number4", "", "0"),
        ("name5", "欧阳·阿弥陀", "欧阳阿弥陀"),
        ("letter6", "A5", "A"),
        ("phone_number7", "0394-6081234（办公室）", "0394-6081234"),
    ] {
        assert_eq!(cut(field, value), cut_to, "{field} {value}");
    }
}

async fn codes_links_and_words_are_asked_for_as_wechat_wants(town: &Town) {
    let there = StandIn::open(well).await;
    let app = program(town, &there.url(), &[("WECHAT__MINI__STATE", "trial")]).await;
    let (mini, now) = (app.wechat.mini().unwrap(), town.app.clock.now());
    mini.client().token(now, None).await.unwrap();
    there.next(Behaviour::ok("\u{7f}JPEG and what follows"));
    let picture = mini.code("k=ABCDEF", "pages/rate", now).await.unwrap();
    assert!(picture.starts_with(b"\x7fJPEG"));
    let asked = there.last();
    assert!(asked.place.starts_with("/wxa/getwxacodeunlimit?access_token=token-1"));
    assert_eq!((&asked.json()["scene"], &asked.json()["env_version"]), (&json!("k=ABCDEF"), &json!("trial")));
    for (code, fault) in [(40129, Fault::Code(40129)), (41030, Fault::Code(41030))] {
        there.next(refused(code));
        assert_eq!(mini.code("k=1", "p", now).await, Err(fault));
    }
    there.next(Behaviour::ok("<html>"));
    assert_eq!(mini.code("k=1", "p", now).await, Err(Fault::Unanswered("http_200".to_owned())));
    there.next(Behaviour::ok(json!({ "errcode": 0, "url_link": "https://wxaurl.cn/x" })));
    assert_eq!(mini.link("pages/rate", "k=1", 99, now).await.unwrap(), "https://wxaurl.cn/x");
    assert_eq!(there.last().json()["expire_interval"], 30, "no more than they give");
    for (suggest, verdict) in
        [("pass", Verdict::Pass), ("review", Verdict::Review), ("risky", Verdict::Risky), ("?", Verdict::Review)]
    {
        there.next(Behaviour::ok(json!({ "errcode": 0, "result": { "suggest": suggest, "label": "100" } })));
        assert_eq!(mini.check(OPENID, "服务很好", now).await, Ok(verdict));
    }
    there.next(refused(61010));
    assert_eq!(mini.check(OPENID, "服务很好", now).await, Err(Fault::Code(61010)));
    app.database.close().await;
}

async fn the_windows_code_is_fetched_once_and_words_are_looked_at(town: &Town) {
    let there = StandIn::open(well).await;
    let app = program(town, &there.url(), &[]).await;
    let door = Door::open(&app).await;
    let ended = town.issued("SB-03", Some(PHONE)).await;
    town.deliver().await;
    let number = ended["number"].as_str().unwrap();
    let browser = crate::pages::Browser::staff(town, "window1").await;
    let look = async |path: &str| {
        let cookie = browser.cookies();
        let web = reqwest::Client::builder().no_proxy().build().unwrap();
        web.get(format!("{}{path}", door.url)).header("cookie", cookie).send().await.unwrap()
    };
    app.wechat.mini().unwrap().client().token(town.app.clock.now(), None).await.unwrap();
    there.next(Behaviour::ok("\u{7f}picture"));
    for _ in 0..3 {
        let picture = look(&format!("/staff/cases/{number}/mini-code")).await;
        assert_eq!(
            (picture.status().as_u16(), picture.headers()["content-type"].to_str().unwrap()),
            (200, "image/jpeg")
        );
        assert_eq!(picture.bytes().await.unwrap().as_ref(), b"\x7fpicture");
    }
    let codes: Vec<Asked> =
        there.asked().into_iter().filter(|a| a.place.starts_with("/wxa/getwxacodeunlimit")).collect();
    assert_eq!(codes.len(), 1, "it is fetched once, and kept");
    assert_eq!(codes[0].json()["scene"], format!("k={}", ended["invitation"]["code"].as_str().unwrap()));
    // What is written in the mini program is looked at, and refused for nothing.
    let person = resident(town, &door).await;
    let token = ended["invitation"]["url"].as_str().unwrap().rsplit('/').next().unwrap();
    there.next(Behaviour::ok(json!({ "errcode": 0, "result": { "suggest": "risky", "label": 20001 } })));
    let review = json!({ "token": token, "grade": 1, "comment": "说了不好听的话" });
    post(&door, person.token.as_deref(), "/reviews", review).await.ok(201);
    assert_eq!(there.last().json()["content"], "说了不好听的话");
    there.next(refused(61010));
    let more = json!({ "token": token, "comment": "再说一句" });
    post(&door, person.token.as_deref(), "/reviews/append", more).await.ok(201);
    let rows =
        entity::review::Entity::find().order_by_asc(entity::review::Column::At).all(town.app.read()).await.unwrap();
    let thought: Vec<_> = rows.iter().map(|r| r.checked).collect();
    assert_eq!(thought, [Some(entity::review::Checked::Risky), Some(entity::review::Checked::Review)]);
    // The invitation is over: there is no code any more.
    assert_eq!(look(&format!("/staff/cases/{number}/mini-code")).await.status(), 404);
    door.close().await;
    app.database.close().await;
    town.deliver().await;
}
