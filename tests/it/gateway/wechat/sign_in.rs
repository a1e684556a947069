//! Who is vouched for: by the mini program, and by the official account in pages that are opened in WeChat.

use super::super::stand_in::{Behaviour, StandIn};
use super::{APP, post, program, refused, resident, well};
use crate::person::Person;
use crate::town::{Door, Town, stories};
use serde_json::json;
use shuitian::access;

stories!(
    who_comes_by_the_mini_program_is_vouched_for_by_wechat_alone,
    who_opens_our_pages_in_wechat_signs_in_by_the_official_account,
);

async fn who_comes_by_the_mini_program_is_vouched_for_by_wechat_alone(town: &Town) {
    let there = StandIn::open(well).await;
    let app = program(town, &there.url(), &[]).await;
    let door = Door::open(&app).await;
    let person = resident(town, &door).await;
    assert_eq!(person.get("/auth/me").await.ok(200)["phone"], "138****0001");
    let login = &there.asked()[0];
    assert_eq!(
        login.place,
        format!("/sns/jscode2session?appid={APP}&secret=mini-secret&js_code=login-code&grant_type=authorization_code")
    );
    let again = post(&door, None, "/auth/wechat", json!({ "code": "another-code" })).await.ok(200);
    let again = Person::new(town).with(&again);
    assert_eq!(again.get("/auth/me").await.ok(200)["phone"], "138****0001", "the same openid is the same account");
    for (code, refusal) in [
        (40029, access::WECHAT_REFUSED),
        (40163, access::WECHAT_REFUSED),
        (40226, access::WECHAT_REFUSED),
        (45011, access::WECHAT_AWAY),
        (-1, access::WECHAT_AWAY),
        (40125, access::WECHAT_AWAY),
    ] {
        there.next(refused(code));
        post(&door, None, "/auth/wechat", json!({ "code": "x" })).await.refused(refusal);
    }
    for behaviour in [Behaviour::Reset, Behaviour::ok("<html>"), Behaviour::ok("{}"), Behaviour::ok("[]")] {
        there.next(behaviour);
        post(&door, None, "/auth/wechat", json!({ "code": "x" })).await.refused(access::WECHAT_AWAY);
    }
    let before = there.asked().len();
    for code in ["", "a&openid=b", "a b", &"x".repeat(129)] {
        post(&door, None, "/auth/wechat", json!({ "code": code })).await.refused(access::WECHAT_REFUSED);
    }
    assert_eq!(there.asked().len(), before, "what is no code is not asked about");
    // A phone that was given to another app is nobody's here.
    let info = json!({ "purePhoneNumber": "13800000002", "watermark": { "appid": "wx-another" } });
    there.next(Behaviour::ok(json!({ "errcode": 0, "phone_info": info })));
    let stranger = post(&door, again.token.as_deref(), "/auth/wechat/phone", json!({ "code": "y" })).await;
    stranger.refused(access::WECHAT_REFUSED);
    door.close().await;
    app.database.close().await;
}

async fn who_opens_our_pages_in_wechat_signs_in_by_the_official_account(town: &Town) {
    let there = StandIn::open(|asked| {
        let path = asked.place.split('?').next().unwrap();
        Behaviour::ok(match path {
            "/cgi-bin/stable_token" => json!({ "access_token": "token-of-the-account", "expires_in": 7200 }),
            "/cgi-bin/ticket/getticket" => {
                json!({ "errcode": 0, "errmsg": "ok", "ticket": "ticket-1", "expires_in": 7200 })
            }
            _ => json!({ "access_token": "of the person", "openid": "oOfficial_1", "scope": "snsapi_base" }),
        })
    })
    .await;
    let official = [
        ("WECHAT__OFFICIAL__APP_ID", "wxofficial"),
        ("WECHAT__OFFICIAL__APP_SECRET", "official-secret"),
        ("HTTP__PUBLIC_URL", "https://bm.example.gov.cn"),
    ];
    let app = program(town, &there.url(), &official).await;
    let door = Door::open(&app).await;
    let web = reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build().unwrap();
    let form = web.get(format!("{}/sign-in?next=/bookings", door.url)).send().await.unwrap().text().await.unwrap();
    assert!(form.contains("/sign-in/wechat?next="), "{form}");
    let sent = web.get(format!("{}/sign-in/wechat?next=/bookings", door.url)).send().await.unwrap();
    assert_eq!(sent.status(), 303);
    let cookie = sent.headers()["set-cookie"].to_str().unwrap().split(';').next().unwrap().to_owned();
    let away = sent.headers()["location"].to_str().unwrap().to_owned();
    assert!(away.starts_with("https://open.weixin.qq.com/connect/oauth2/authorize?appid=wxofficial&redirect_uri="));
    assert!(away.contains("&response_type=code&scope=snsapi_base&state=") && away.ends_with("#wechat_redirect"));
    let state = away.split("state=").nth(1).unwrap().split('#').next().unwrap().to_owned();
    assert!(state.len() <= 128 && state.chars().all(|c| c.is_ascii_alphanumeric()));
    // Coming back changes nothing: whoever is sent such a link is asked first.
    let before = town.rows().await;
    let back = format!("{}/sign-in/wechat/back?next=%2Fbookings&code=oauth-code&state={state}", door.url);
    let shown = web.get(&back).header("cookie", &cookie).send().await.unwrap().text().await.unwrap();
    assert!(shown.contains("用微信身份进入") && shown.contains("oauth-code"));
    assert_eq!((town.rows().await, there.asked().len()), (before, 0));
    let press = async |cookie: &str, state: &str, code: &str| {
        let form = [("code", code), ("state", state), ("next", "/bookings")];
        let mut request = web.post(format!("{}/sign-in/wechat/back", door.url)).form(&form);
        if !cookie.is_empty() {
            request = request.header("cookie", cookie);
        }
        request.send().await.unwrap()
    };
    // Another browser, or another's word, signs in nobody.
    for (cookie, state) in [("", state.as_str()), ("shuitian_wechat=another", state.as_str()), (cookie.as_str(), "x")] {
        let answer = press(cookie, state, "oauth-code").await;
        assert!(answer.status() == 200 && answer.text().await.unwrap().contains("微信登录失败"));
    }
    assert!(there.asked().is_empty());
    let signed = press(&cookie, &state, "oauth-code").await;
    assert_eq!((signed.status().as_u16(), signed.headers()["location"].to_str().unwrap()), (303, "/bookings"));
    let query = "appid=wxofficial&secret=official-secret&code=oauth-code&grant_type=authorization_code";
    assert_eq!(there.last().place, format!("/sns/oauth2/access_token?{query}"));
    assert_eq!(town.rows().await["account"], 1);
    // A visitor who has not said who he is, and a code that is used.
    there.next(Behaviour::ok(json!({ "openid": "o_virtual", "is_snapshotuser": 1 })));
    assert_eq!(press(&cookie, &state, "oauth-code").await.status(), 200);
    there.next(refused(40163));
    assert_eq!(press(&cookie, &state, "oauth-code").await.status(), 200);
    assert_eq!(town.rows().await["account"], 1);
    // A page of ours may use WeChat's functions; nobody else's is signed.
    let sign = async |url: &str| post(&door, None, "/auth/wechat/page-signature", json!({ "url": url })).await;
    let page = "https://bm.example.gov.cn/bookings?a=1#part";
    let signed = sign(page).await.ok(200);
    let number = signed["timestamp"].as_i64().unwrap();
    let nonce = signed["nonce"].as_str().unwrap();
    let expected = shuitian::gateway::wechat::sign_page("ticket-1", nonce, number, page);
    assert_eq!((&signed["signature"], &signed["app_id"]), (&json!(expected), &json!("wxofficial")));
    sign(page).await.ok(200);
    let tickets = there.asked().iter().filter(|a| a.place.starts_with("/cgi-bin/ticket")).count();
    assert_eq!(tickets, 1, "a ticket is asked for once");
    for foreign in ["https://evil.example/", "https://bm.example.gov.cn.evil.example/", "http://bm.example.gov.cn/", ""]
    {
        sign(foreign).await.refused(access::FOREIGN_PAGE);
    }
    door.close().await;
    app.database.close().await;
    // Without an account of that kind there is no such way.
    let page = town.stranger().send_to(reqwest::Method::GET, "/sign-in/wechat", None).await;
    assert_eq!(page.status, 404);
}
