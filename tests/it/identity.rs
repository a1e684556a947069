//! Signing in, staying in, leaving.

use crate::person::Person;
use crate::town::{Town, at, audit_of, stories, tuesday};
use chrono::Duration;
use serde_json::{Value, json};
use shuitian::access;
use shuitian::domain::Who;
use shuitian::domain::identity::staff::{self, StaffFile};
use shuitian::domain::identity::{idempotency, password as passwords, resident, session};

stories!(
    five_wrong_passwords_lock_for_a_quarter_of_an_hour,
    a_first_password_is_changed_before_anything_else,
    demonstration_accounts_are_nobodys_from_outside,
    a_refresh_token_is_used_once_with_a_minute_of_grace,
    a_stolen_refresh_token_ends_the_session,
    signing_out_is_at_once,
    a_code_is_good_for_five_minutes_five_tries_and_once,
    a_stranger_who_guesses_spends_his_own_tries,
    codes_to_one_phone_are_spaced,
    guessing_is_limited_by_address,
    a_family_shares_a_phone_on_wechat,
    a_number_may_have_changed_hands_after_180_days,
    an_account_of_a_phone_binds_no_other,
    who_has_left_has_no_session,
    a_reset_password_ends_what_the_old_one_opened,
    a_known_device_is_not_locked_out_by_others,
    a_name_that_is_nobodys_locks_like_any_other,
    a_key_answers_twice_the_same_and_only_for_its_request,
    the_trail_is_chained_and_a_changed_line_shows,
);

fn password(username: &str, password: &str) -> Value {
    json!({ "username": username, "password": password })
}

async fn five_wrong_passwords_lock_for_a_quarter_of_an_hour(town: &Town) {
    let stranger = town.stranger();
    for _ in 0..4 {
        stranger.post("/auth/staff", password("window1", "wrong-password")).await.refused(staff::WRONG_PASSWORD);
    }
    stranger.post("/auth/staff", password("nobody-here", "wrong-password")).await.refused(staff::WRONG_PASSWORD);
    let locked = stranger.post("/auth/staff", password("Window1", "wrong-password")).await;
    assert_eq!(locked.headers["retry-after"], "900");
    locked.refused(staff::LOCKED);
    stranger.post("/auth/staff", password("window1", "shuitian-demo")).await.refused(staff::LOCKED);
    stranger.post("/auth/staff", password("window2", "shuitian-demo")).await.ok(200);
    town.wait(Duration::minutes(15)).await;
    stranger.post("/auth/staff", password("window1", "shuitian-demo")).await.ok(200);
    assert_eq!(audit_of(town, "staff.locked").await.len(), 1);
}

async fn newcomer(town: &Town) -> String {
    let file: StaffFile =
        serde_json::from_value(json!({ "username": "newcomer", "name": "新人", "title": "", "roles": ["window"] }))
            .unwrap();
    let added =
        town.app.write(&town.centre, Who::Operator, async |act| staff::add(act, vec![file]).await).await.unwrap();
    added[0].password.clone()
}

async fn a_first_password_is_changed_before_anything_else(town: &Town) {
    let first = newcomer(town).await;
    let person = town.stranger();
    let person = person.with(&person.post("/auth/staff", password("newcomer", &first)).await.ok(200));
    person.get("/bookings").await.refused(staff::MUST_CHANGE);
    assert_eq!(person.get("/auth/me").await.ok(200)["must_change_password"], true);
    let change = |old: &str, new: &str| json!({ "old_password": old, "new_password": new });
    person.post("/auth/password", change("not-it-at-all", "tian-shui-2026")).await.refused(staff::OLD_PASSWORD);
    let weak = person.post("/auth/password", change(&first, "newcomer-1")).await.refused(passwords::WEAK_PASSWORD);
    assert_eq!(weak["field"], "new_password");
    let elsewhere = person.with(&person.post("/auth/staff", password("newcomer", &first)).await.ok(200));
    person.post("/auth/password", change(&first, "tian-shui-2026")).await.ok(204);
    person.get("/bookings").await.ok(200);
    elsewhere.get("/bookings").await.refused(session::SESSION_ENDED);
    town.stranger().post("/auth/staff", password("newcomer", &first)).await.refused(staff::WRONG_PASSWORD);
    let resident = town.resident("13800000002").await;
    resident.post("/auth/password", change("a", "b")).await.refused(access::FORBIDDEN);
}

async fn demonstration_accounts_are_nobodys_from_outside(town: &Town) {
    let outside = town.stranger().from("203.0.113.9");
    outside.post("/auth/staff", password("director", "shuitian-demo")).await.refused(staff::WRONG_PASSWORD);
    town.stranger().post("/auth/staff", password("director", "shuitian-demo")).await.ok(200);
}

async fn a_refresh_token_is_used_once_with_a_minute_of_grace(town: &Town) {
    let person = town.resident("13800000001").await;
    let first = person.refresh.clone();
    let exchange = async |token: &str| town.stranger().post("/auth/refresh", json!({ "refresh_token": token })).await;
    let second = exchange(&first).await.ok(200);
    // The answer was lost on the way: the same token brings the same successor.
    town.wait(Duration::seconds(59)).await;
    let again = exchange(&first).await.ok(200);
    assert_eq!(second["refresh_token"], again["refresh_token"]);
    person.with(&again).get("/bookings").await.ok(200);
    let third = exchange(second["refresh_token"].as_str().unwrap()).await.ok(200);
    person.with(&third).get("/bookings").await.ok(200);
    exchange("nonsense").await.refused(session::NOT_SIGNED_IN);
}

async fn a_stolen_refresh_token_ends_the_session(town: &Town) {
    let person = town.resident("13800000001").await;
    let stolen = person.refresh.clone();
    let person = person.again().await;
    let person = person.again().await;
    town.stranger().post("/auth/refresh", json!({ "refresh_token": stolen })).await.refused(session::SESSION_ENDED);
    person.get("/bookings").await.refused(session::SESSION_ENDED);
    town.stranger()
        .post("/auth/refresh", json!({ "refresh_token": person.refresh }))
        .await
        .refused(session::SESSION_ENDED);
    assert_eq!(audit_of(town, "session.reused").await.len(), 1);
    // Past its minute, a predecessor is no longer taken for a lost answer.
    let other = town.resident("13800000002").await;
    other.again().await;
    town.wait(Duration::seconds(61)).await;
    town.stranger()
        .post("/auth/refresh", json!({ "refresh_token": other.refresh }))
        .await
        .refused(session::SESSION_ENDED);
}

async fn signing_out_is_at_once(town: &Town) {
    let window = town.staff("window1").await;
    window.get("/bookings").await.ok(200);
    window.post("/auth/sign-out", json!({})).await.ok(204);
    window.get("/bookings").await.refused(session::SESSION_ENDED);
    town.stranger().get("/bookings").await.refused(session::NOT_SIGNED_IN);
    let mut forged = window.clone();
    forged.token = Some("eyJhbGciOiJub25lIn0.e30.".to_owned());
    forged.get("/bookings").await.refused(session::NOT_SIGNED_IN);
    let staff = town.staff("window2").await;
    town.wait(Duration::minutes(16)).await;
    staff.get("/bookings").await.refused(session::NOT_SIGNED_IN);
    staff.again().await.get("/bookings").await.ok(200);
    town.wait(Duration::hours(12)).await;
    town.stranger()
        .post("/auth/refresh", json!({ "refresh_token": staff.refresh }))
        .await
        .refused(session::SESSION_ENDED);
}

async fn send_code(town: &Town, phone: &str) -> String {
    town.stranger().post("/auth/phone/code", json!({ "phone": phone })).await.ok(202);
    town.texts(phone).await.pop().unwrap().split("验证码").nth(1).unwrap()[..6].to_owned()
}

async fn a_code_is_good_for_five_minutes_five_tries_and_once(town: &Town) {
    let enter = async |phone: &str, code: &str| {
        town.stranger().post("/auth/phone", json!({ "phone": phone, "code": code })).await
    };
    let code = send_code(town, "13800000001").await;
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..5 {
        enter("13800000001", wrong).await.refused(resident::WRONG_CODE);
    }
    enter("13800000001", &code).await.refused(resident::WRONG_CODE);
    let code = send_code(town, "13800000002").await;
    enter("13800000001", &code).await.refused(resident::WRONG_CODE);
    town.wait(Duration::minutes(5)).await;
    enter("13800000002", &code).await.refused(resident::WRONG_CODE);
    let code = send_code(town, "13800000003").await;
    enter("+86 138-0000-0003", &code).await.ok(200);
    enter("13800000003", &code).await.refused(resident::WRONG_CODE);
    let bad =
        town.stranger().post("/auth/phone/code", json!({ "phone": "02379312345" })).await.refused(resident::BAD_PHONE);
    assert_eq!(bad["field"], "phone");
}

async fn a_stranger_who_guesses_spends_his_own_tries(town: &Town) {
    const PHONE: &str = "13800000001";
    let with = |device: &str| Person { device: Some(device.to_owned()), ..town.stranger() };
    let (owner, stranger) = (with("the-owners-own-phone"), with("a-strangers-phone"));
    owner.post("/auth/phone/code", json!({ "phone": PHONE })).await.ok(202);
    let code = town.texts(PHONE).await.pop().unwrap().split("验证码").nth(1).unwrap()[..6].to_owned();
    let wrong = if code == "000000" { "000001" } else { "000000" };
    for _ in 0..30 {
        stranger.post("/auth/phone", json!({ "phone": PHONE, "code": wrong })).await.refused(resident::WRONG_CODE);
    }
    // Nor does it help him to hear the code, or to ask for one of his own.
    stranger.post("/auth/phone", json!({ "phone": PHONE, "code": code })).await.refused(resident::WRONG_CODE);
    town.wait(Duration::seconds(30)).await;
    stranger.post("/auth/phone/code", json!({ "phone": PHONE })).await.ok(202);
    owner.post("/auth/phone", json!({ "phone": PHONE, "code": code })).await.ok(200);
    town.deliver().await;
}

async fn codes_to_one_phone_are_spaced(town: &Town) {
    let ask = async || town.stranger().post("/auth/phone/code", json!({ "phone": "13800000001" })).await;
    ask().await.ok(202);
    let soon = ask().await;
    assert_eq!(soon.headers["retry-after"], "30");
    soon.refused(access::TOO_OFTEN);
    for _ in 0..4 {
        town.wait(Duration::seconds(30)).await;
        ask().await.ok(202);
    }
    town.wait(Duration::seconds(30)).await;
    ask().await.refused(access::TOO_OFTEN);
    town.deliver().await;
}

async fn guessing_is_limited_by_address(town: &Town) {
    let village = town.stranger().from("203.0.113.7");
    let mut refused = 0;
    for n in 0..125 {
        let phone = format!("1380000{n:04}");
        let answer = village.post("/auth/phone", json!({ "phone": phone, "code": "000000" })).await;
        refused += u32::from(answer.status == 429);
    }
    assert_eq!(refused, 5, "120 tries in ten minutes from one address");
    let elsewhere = town.stranger().from("203.0.113.8");
    elsewhere
        .post("/auth/phone", json!({ "phone": "13800000001", "code": "000000" }))
        .await
        .refused(resident::WRONG_CODE);
}

async fn a_family_shares_a_phone_on_wechat(town: &Town) {
    let come = async |code: &str| {
        let person = town.stranger();
        let person = person.with(&person.post("/auth/wechat", json!({ "code": code })).await.ok(200));
        person.post("/auth/wechat/phone", json!({ "code": "13800000001" })).await.ok(204);
        person
    };
    let (mother, son) = (come("mother").await, come("son").await);
    assert_eq!(mother.get("/auth/me").await.ok(200)["phone"], "138****0001");
    assert_eq!(son.get("/auth/me").await.ok(200), mother.get("/auth/me").await.ok(200));
    let slot = town.slot("SB-03", tuesday() + Duration::days(1)).await;
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "母亲" } });
    let booking = mother.post("/bookings", wish).await.ok(201)["id"].as_str().unwrap().to_owned();
    assert_eq!(son.get("/bookings").await.ok(200)["items"], json!([]), "one phone, two accounts");
    son.get(&format!("/bookings/{booking}")).await.refused(shuitian::domain::booking::UNKNOWN_BOOKING);
    town.stranger().post("/auth/wechat", json!({ "code": "no spaces" })).await.refused(access::WECHAT_REFUSED);
    son.post("/auth/wechat/phone", json!({ "code": "12" })).await.refused(resident::BAD_PHONE);
    town.deliver().await;
}

async fn a_number_may_have_changed_hands_after_180_days(town: &Town) {
    let before = town.resident("13800000001").await;
    let slot = town.slot("SB-03", tuesday() + Duration::days(1)).await;
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "旧主人" } });
    before.post("/bookings", wish).await.ok(201);
    town.deliver().await;
    let items = async |person: &Person<'_>| person.get("/bookings").await.ok(200)["items"].clone();
    town.move_to(tuesday() + Duration::days(170)).await;
    town.deliver().await;
    let same = town.resident("13800000001").await;
    assert_eq!(items(&same).await[0]["applicant"]["name"], "旧主人");
    town.move_to(tuesday() + Duration::days(360)).await;
    let after = town.resident("13800000001").await;
    let seen = items(&after).await;
    assert_eq!((&seen[0]["item"], &seen[0]["applicant"]), (&json!("失业登记"), &Value::Null));
}

async fn an_account_of_a_phone_binds_no_other(town: &Town) {
    let phone = town.resident("13800000001").await;
    let bind = json!({ "code": "13800000002" });
    phone.post("/auth/wechat/phone", bind).await.refused(resident::NOT_BY_WECHAT);
}

async fn who_has_left_has_no_session(town: &Town) {
    town.move_to(at("2026-11-24", 23, 55)).await;
    let window = town.staff("window1").await;
    let today = tuesday().date();
    town.act(async |act| staff::leave(act, "window1", today).await.map(drop)).await;
    window.get("/bookings").await.ok(200);
    town.wait(Duration::minutes(5)).await;
    window.get("/bookings").await.refused(session::SESSION_ENDED);
    town.stranger().post("/auth/staff", password("window1", "shuitian-demo")).await.refused(staff::WRONG_PASSWORD);
    let reset = town.app.write(&town.centre, Who::Operator, async |act| staff::reset(act, "window1").await).await;
    assert!(reset.is_err(), "a new password would promise a way in");
    // The day was mistyped, and is put right.
    let later = at("2026-12-31", 0, 0).date();
    town.act(async |act| staff::leave(act, "window1", later).await.map(drop)).await;
    town.stranger().post("/auth/staff", password("window1", "shuitian-demo")).await.ok(200);
}

async fn a_reset_password_ends_what_the_old_one_opened(town: &Town) {
    let window = town.staff("window1").await;
    let reset = town.app.write(&town.centre, Who::Operator, async |act| staff::reset(act, "Window1").await).await;
    window.get("/bookings").await.refused(session::SESSION_ENDED);
    town.stranger().post("/auth/staff", password("window1", "shuitian-demo")).await.refused(staff::WRONG_PASSWORD);
    let first = reset.unwrap().password;
    let person = town.stranger();
    let person = person.with(&person.post("/auth/staff", password("window1", &first)).await.ok(200));
    person.get("/bookings").await.refused(staff::MUST_CHANGE);
}

async fn a_known_device_is_not_locked_out_by_others(town: &Town) {
    let window = town.staff("window1").await;
    let stranger = town.stranger();
    for _ in 0..5 {
        stranger.post("/auth/staff", password("window1", "wrong-password")).await;
    }
    stranger.post("/auth/staff", password("window1", "shuitian-demo")).await.refused(staff::LOCKED);
    for _ in 0..20 {
        stranger.post("/auth/staff", password("window1", "wrong-password")).await;
    }
    stranger.post("/auth/staff", password("window1", "shuitian-demo")).await.refused(access::TOO_OFTEN);
    let at_his_desk = Person { device: window.device.clone(), ..town.stranger() };
    at_his_desk.post("/auth/staff", password("window1", "shuitian-demo")).await.ok(200);
}

async fn a_name_that_is_nobodys_locks_like_any_other(town: &Town) {
    let stranger = town.stranger();
    for _ in 0..5 {
        stranger.post("/auth/staff", password("nobody-here", "wrong-password")).await;
    }
    stranger.post("/auth/staff", password("nobody-here", "shuitian-demo")).await.refused(staff::LOCKED);
}

async fn a_key_answers_twice_the_same_and_only_for_its_request(town: &Town) {
    let window = town.staff("window1").await.once("key-00000001");
    let intake = |name: &str| json!({ "guide": "SB-03", "channel": "window", "applicant": { "name": name } });
    let first = window.post("/cases", intake("田小满")).await.ok(201);
    let again = window.post("/cases", intake("田小满")).await.ok(201);
    assert_eq!(first, again, "check code included");
    window.post("/cases", intake("别人")).await.refused(idempotency::KEY_REUSED);
    let colleague = town.staff("window2").await.once("key-00000001");
    let other = colleague.post("/cases", intake("田小满")).await.ok(201);
    assert_ne!(first["number"], other["number"], "a key is its actor's own");
    town.staff("window1").await.once("short").post("/cases", intake("田小满")).await.refused(idempotency::BAD_KEY);
    // A refusal is not kept: the same key may succeed once the reason is gone.
    let retry = town.staff("window1").await.once("key-00000002");
    retry.post("/cases", json!({ "guide": "SB-03", "channel": "window", "applicant": { "name": "" } })).await.ok(422);
    retry.post("/cases", intake("田小满")).await.ok(201);
    assert_eq!(town.rows().await["service_case"], 3);
    let twins = futures_util::future::join_all((0..6).map(|_| {
        let window = window.once("key-00000003");
        async move {
            window
                .post("/cases", json!({ "guide": "SB-03", "channel": "window", "applicant": { "name": "双胞胎" } }))
                .await
        }
    }))
    .await;
    let (done, waiting): (Vec<_>, Vec<_>) = twins.into_iter().partition(|a| a.status == 201);
    assert!(!done.is_empty() && done.iter().all(|a| a.body == done[0].body));
    for twin in waiting {
        assert_eq!((twin.status, twin.body["code"].as_str()), (409, Some(idempotency::TWIN.code)));
        assert_eq!(twin.headers["retry-after"], "1");
    }
    assert_eq!(town.rows().await["service_case"], 4);
    let kept = sqlx_text(town, "select count(*) as n from idempotency where answer is null").await;
    assert_eq!(kept, 0, "only answers of writes that were done are kept");
    town.wait(Duration::hours(25)).await;
    assert_eq!(town.rows().await["idempotency"], 0, "for a day");
}

async fn sqlx_text(town: &Town, sql: &str) -> i64 {
    use sea_orm::ConnectionTrait as _;
    let db = town.app.read();
    let statement = sea_orm::Statement::from_string(db.get_database_backend(), sql);
    db.query_one_raw(statement).await.unwrap().unwrap().try_get("", "n").unwrap()
}

async fn the_trail_is_chained_and_a_changed_line_shows(town: &Town) {
    use entity::audit::{Column, Entity};
    use sea_orm::sea_query::Expr;
    use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
    use shuitian::domain::audit;
    town.staff("window1").await;
    town.staff("director").await;
    town.wait(Duration::minutes(1)).await;
    town.staff("office1").await;
    town.wait(Duration::minutes(1)).await;
    let loose = Entity::find().filter(Column::Seq.is_null()).count(town.app.read()).await.unwrap();
    assert_eq!(loose, 0, "chained within a minute");
    assert_eq!(audit::first_break(town.app.read(), town.centre.id).await.unwrap(), None);
    Entity::update_many()
        .col_expr(Column::Actor, Expr::value("somebody-else"))
        .filter(Column::Seq.eq(3))
        .exec(town.app.database.writer())
        .await
        .unwrap();
    assert_eq!(audit::first_break(town.app.read(), town.centre.id).await.unwrap(), Some(3));
}
