//! Posts that cover each other, leave, whereabouts and handovers (articles 4.8, 4.9 and 5.1).

use crate::person::Person;
use crate::town::{Town, at, stories};
use entity::case::event;
use entity::post::Letter;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde_json::{Value, json};
use shuitian::access;
use shuitian::domain::identity::staff;
use shuitian::domain::post::{self, PostFile};
use shuitian::domain::{Who, authority, case, cover, leave};

stories!(
    article_4_8_b_holds_a_post_while_a_is_away_and_acts_for_him,
    article_4_8_each_works_at_his_own_post_and_no_other,
    article_4_8_work_is_handed_over_the_day_before,
    article_4_8_a_post_that_nobody_holds_calls_the_director,
    article_4_8_posts_come_from_a_file_with_a_and_b,
    article_4_9_whoever_is_out_by_the_board_does_not_act,
    article_5_1_2_nobody_rules_on_his_own_leave,
    article_5_1_3_no_leave_leaves_a_post_to_nobody,
    a_and_b_who_are_let_go_at_once_are_not_both,
);

fn moment(day: &str, hour: i32) -> Value {
    json!(at(day, hour, 0).local().to_rfc3339())
}

/// Asks for leave on a day, from nine to six.
async fn asks(who: &Person<'_>, day: &str) -> String {
    let wish = json!({
        "kind": "personal", "starts_at": moment(day, 9), "ends_at": moment(day, 18),
        "reason": "送孩子看病", "place": "黔江中心医院",
    });
    who.post("/leaves", wish).await.ok(201)["id"].as_str().unwrap().to_owned()
}

async fn accepted(town: &Town, guide: &str) -> String {
    let number = town.received(guide, None).await["number"].as_str().unwrap().to_owned();
    town.staff("window1").await.post(&format!("/cases/{number}/accept"), json!({})).await.ok(200);
    number
}

async fn article_4_8_b_holds_a_post_while_a_is_away_and_acts_for_him(town: &Town) {
    let number = accepted(town, "SB-01").await;
    let (a, b) = (town.staff("office2").await, town.staff("office3").await);
    town.sign_in("office2").await;
    town.sign_in("office3").await;
    let posts = a.get("/posts").await.ok(200);
    let holder = |list: &Value, code: &str| {
        let post = list["items"].as_array().unwrap().iter().find(|p| p["code"] == code).unwrap();
        post["holder"]["username"].as_str().map(ToOwned::to_owned)
    };
    assert_eq!(holder(&posts, "SB1").as_deref(), Some("office2"));
    // While A is there, B sees nothing of his and may not act.
    b.get(&format!("/cases/{number}")).await.refused(case::UNKNOWN_CASE);
    b.post(&format!("/cases/{number}/decide"), json!({ "grant": true })).await.refused(case::UNKNOWN_CASE);
    // He goes home: B has his queue beside his own, and his powers.
    a.post("/attendance/check-outs", json!({})).await.ok(201);
    assert_eq!(holder(&a.get("/posts").await.ok(200), "SB1").as_deref(), Some("office3"));
    let own = accepted(town, "WJ-04").await;
    let list = b.get("/cases").await.ok(200);
    let seen: Vec<&str> = list["items"].as_array().unwrap().iter().map(|c| c["number"].as_str().unwrap()).collect();
    assert_eq!(seen, [&own, &number]);
    b.post(&format!("/cases/{number}/decide"), json!({ "grant": true })).await.ok(200);
    let done = event::Entity::find().order_by_desc(event::Column::Id).one(town.app.read()).await.unwrap().unwrap();
    let people = staff::all(town.app.read(), town.centre.id).await.unwrap();
    let id = |name: &str| people.iter().find(|s| s.username == name).unwrap().id;
    let posts = post::all(town.app.read(), &town.centre).await.unwrap();
    let post = posts.named("SB1", town.app.clock.now().date()).unwrap().row.id;
    assert_eq!((done.actor, done.post_id), (id("office3").to_string(), Some(post)), "at his post");
    assert_eq!((done.letter, done.of_id), (Some(Letter::B), Some(id("office2"))), "as its B, for its A");
}

async fn article_4_8_each_works_at_his_own_post_and_no_other(town: &Town) {
    let number = accepted(town, "MZ-01").await;
    let window = town.staff("window1").await;
    town.sign_in("director").await;
    // A 承诺件 is decided by its office or the chief representative, whose B the head of that office is.
    let told = window.post(&format!("/cases/{number}/decide"), json!({ "grant": true })).await;
    assert_eq!(told.refused(authority::NO_POWER)["article"], "4.2");
    let intake = json!({ "guide": "SB-03", "channel": "window", "applicant": { "name": "田小满" } });
    town.sign_in("office1").await;
    town.staff("office1").await.post("/cases", intake.clone()).await.refused(cover::NOT_YOUR_POST);
    // The head is B of the chief and of the office: both are there.
    let head = town.staff("head1").await;
    let held = head.post(&format!("/cases/{number}/decide"), json!({ "grant": true })).await;
    held.refused(cover::HELD_BY_ANOTHER);
    head.post("/cases", intake).await.refused(cover::HELD_BY_ANOTHER);
    // Who forgot to stamp is at his own post when he acts.
    town.staff("office1").await.post("/attendance/check-outs", json!({})).await.ok(201);
    town.staff("office1").await.post(&format!("/cases/{number}/decide"), json!({ "grant": true })).await.ok(200);
    let done = event::Entity::find().filter(event::Column::Letter.is_not_null());
    let letters = done.all(town.app.read()).await.unwrap().into_iter().map(|e| e.letter.unwrap());
    assert_eq!(letters.collect::<Vec<_>>(), [Letter::A; 3], "received, accepted, granted");
}

async fn article_4_8_work_is_handed_over_the_day_before(town: &Town) {
    let number = accepted(town, "SB-01").await;
    let (a, b, director) = (town.staff("office2").await, town.staff("office3").await, town.staff("director").await);
    let leave = asks(&a, "2026-11-26").await;
    director.post(&format!("/leaves/{leave}/approve"), json!({})).await.ok(200);
    let list = a.get("/handovers").await.ok(200);
    let of =
        |post: &str| list["items"].as_array().unwrap().iter().find(|h| h["post"] == post).cloned().unwrap_or_default();
    assert_eq!(list["items"].as_array().unwrap().len(), 2, "he is A of two posts: {list}");
    let handover = of("SB1");
    assert_eq!((&handover["to"], &handover["due_on"]), (&json!("向玉珍"), &json!("2026-11-25")));
    let give = format!("/handovers/{}/give", handover["id"].as_str().unwrap());
    let accept = format!("/handovers/{}/accept", handover["id"].as_str().unwrap());
    b.post(&accept, json!({})).await.refused(cover::NOT_GIVEN);
    b.post(&give, json!({ "words": "不是我的" })).await.refused(cover::UNKNOWN_HANDOVER);
    a.post(&give, json!({ "words": " " })).await.refused(cover::WORDS_NEEDED);
    let given = a.post(&give, json!({ "words": "一件参保登记，材料齐了" })).await.ok(200);
    assert_eq!(given["list"], json!([{ "number": number, "state": "accepted", "due_on": "2026-11-27" }]));
    a.post(&give, json!({ "words": "再来一次" })).await.refused(cover::HANDOVER_DONE);
    a.post(&accept, json!({})).await.refused(cover::UNKNOWN_HANDOVER);
    b.post(&accept, json!({})).await.ok(200);
    b.post(&accept, json!({})).await.refused(cover::HANDOVER_DONE);
    // The other was forgotten. B stands in all the same, and it is made up for with a reason.
    town.move_to(at("2026-11-26", 9, 30)).await;
    let late = format!("/handovers/{}/give", of("TY1")["id"].as_str().unwrap());
    let a = town.staff("office2").await;
    let told = a.post(&late, json!({ "words": "没有在办的" })).await.refused(cover::LATE_REASON_NEEDED);
    assert_eq!(told["article"], "4.8");
    let made_up = json!({ "words": "没有在办的", "late_reason": "夜里接到医院电话" });
    assert_eq!(a.post(&late, made_up).await.ok(200)["late_reason"], "夜里接到医院电话");
    let b = town.staff("office3").await;
    b.post(&format!("/cases/{number}/decide"), json!({ "grant": true })).await.ok(200);
    assert_eq!(town.staff("director").await.get("/handovers").await.ok(200)["items"].as_array().unwrap().len(), 1);
}

async fn article_4_8_a_post_that_nobody_holds_calls_the_director(town: &Town) {
    let phone = Some("13700000001");
    town.act(async |act| staff::set_phone(act, "director", phone).await.map(drop)).await;
    town.move_to(at("2026-11-25", 8, 50)).await;
    for who in ["window1", "supervisor", "office1", "office2", "director"] {
        town.sign_in(who).await;
    }
    let calls = async || {
        let texts = town.texts("13700000001").await;
        texts.into_iter().filter(|text| text.contains("没有人在岗")).count()
    };
    town.move_to(at("2026-11-25", 9, 5)).await;
    assert_eq!(calls().await, 0, "some minutes are given");
    town.move_to(at("2026-11-25", 9, 12)).await;
    // A and B of two posts have not come: 规建 and 文化.
    assert_eq!(calls().await, 2);
    town.move_to(at("2026-11-25", 9, 40)).await;
    assert_eq!(calls().await, 2, "once for each session");
    let director = town.staff("director").await;
    let until = moment("2026-11-25", 17);
    let name = async |post: &str, who: &str| {
        director.post(&format!("/posts/{post}/substitutes"), json!({ "staff": who, "until": until })).await
    };
    name("GJ1", "office4").await.refused(cover::BAD_SUBSTITUTE);
    name("GJ9", "office1").await.refused(post::UNKNOWN_POST);
    name("GJ1", "nobody").await.refused(staff::UNKNOWN_STAFF);
    let past = json!({ "staff": "office1", "until": moment("2026-11-25", 9) });
    director.post("/posts/GJ1/substitutes", past).await.refused(leave::BAD_TIME);
    name("GJ1", "office1").await.ok(201);
    let number = accepted(town, "GJ-02").await;
    town.staff("office1").await.post(&format!("/cases/{number}/decide"), json!({ "grant": true })).await.ok(200);
    let done = event::Entity::find().order_by_desc(event::Column::Id).one(town.app.read()).await.unwrap().unwrap();
    assert_eq!(done.letter, Some(Letter::Substitute));
    // In the afternoon his time is over when the windows close.
    town.move_to(at("2026-11-25", 17, 1)).await;
    town.staff("office1").await.get(&format!("/cases/{number}")).await.refused(case::UNKNOWN_CASE);
}

async fn article_4_8_posts_come_from_a_file_with_a_and_b(town: &Town) {
    let shipped: Vec<Value> = serde_json::from_str(include_str!("../../seed/posts.json")).unwrap();
    let import = async |change: &dyn Fn(&mut Vec<Value>)| {
        let mut files = shipped.clone();
        for file in &mut files {
            file["from"] = json!("2026-12-01");
        }
        change(&mut files);
        let files: Vec<PostFile> = files.into_iter().map(|f| serde_json::from_value(f).unwrap()).collect();
        town.app.publish(&town.centre, Who::Operator, async |act| post::import(act, files).await).await
    };
    let wrong: [(&str, Value, &str); 9] = [
        ("code", json!("ZH2"), "第2行 code ZH2 应为1至8位大写字母或数字，且不重复"),
        ("code", json!("zh"), "第1行 code zh 应为"),
        ("office", json!("MZ"), "第1行 office 只有承办岗"),
        ("kind", json!("office"), "第1行 office 承办岗须写明科室代码"),
        ("items", json!(["XX-99"]), "第1行 items 没有事项 XX-99"),
        ("a", json!("nobody"), "第1行 a 没有工作人员 nobody"),
        ("b", json!("window1"), "第1行 b A岗和B岗不能是同一个人"),
        ("from", json!("2026-06-30"), "第1行 a window1 在2026-06-30不在任"),
        ("until", json!("2026-11-30"), "第1行 until 早于 from"),
    ];
    for (field, value, says) in wrong {
        let told = import(&|files| files[0][field] = value.clone()).await.unwrap_err().to_string();
        assert!(told.contains(says), "{told}");
    }
    // Two change places from December on; who was there before stays written.
    let swapped = |files: &mut Vec<Value>| {
        (files[0]["a"], files[0]["b"]) = (json!("window2"), json!("window1"));
        files[5]["items"] = json!(["SB-01", "SB-02"]);
    };
    assert_eq!(import(&swapped).await.unwrap(), [] as [String; 0], "every office has a post");
    let rewritten = |files: &mut Vec<Value>| files[0]["from"] = json!("2026-11-30");
    let told = import(&rewritten).await.unwrap_err().to_string();
    assert!(told.contains("第1行 from 已有2026-12-01起的任岗记录"), "{told}");
    let posts = post::all(town.app.read(), &town.centre).await.unwrap();
    let a_on = |day: &str| {
        let day = day.parse().unwrap();
        posts.named("ZH1", day).unwrap().holders(day).next().unwrap().staff_id
    };
    assert_ne!(a_on("2026-11-30"), a_on("2026-12-01"));
    let social = posts.named("SB1", "2026-12-01".parse().unwrap()).unwrap();
    let guides = shuitian::domain::guide::all(town.app.read(), &town.centre).await.unwrap();
    let takes = |code: &str| {
        let guide = guides.each().find(|g| g.row.code == code).unwrap();
        social.takes(guide.row.id, guide.row.office_id)
    };
    assert!(takes("SB-01") && !takes("SB-03") && !takes("MZ-01"));
}

async fn article_4_9_whoever_is_out_by_the_board_does_not_act(town: &Town) {
    let (one, two) = (town.staff("window1").await, town.staff("window2").await);
    let intake = json!({ "guide": "SB-03", "channel": "window", "applicant": { "name": "田小满" } });
    let out = json!({ "place": "去村里送证，李家坝3组", "until": moment("2026-11-24", 11) });
    one.post("/whereabouts", json!({ "place": "办事", "until": moment("2026-11-24", 9) }))
        .await
        .refused(leave::BAD_TIME);
    let vague = json!({ "place": "外", "until": moment("2026-11-24", 11) });
    assert_eq!(one.post("/whereabouts", vague).await.refused(leave::REASON_NEEDED)["article"], "4.9");
    one.post("/whereabouts", out.clone()).await.ok(201);
    one.post("/whereabouts", out).await.refused(leave::ALREADY_OUT);
    let board = two.get("/whereabouts").await.ok(200);
    assert_eq!(
        (&board["items"][0]["name"], &board["items"][0]["place"]),
        (&json!("冯秀兰"), &json!("去村里送证，李家坝3组"))
    );
    one.post("/cases", intake.clone()).await.refused(cover::YOU_ARE_AWAY);
    two.post("/cases", intake.clone()).await.ok(201);
    two.post("/whereabouts/back", json!({})).await.refused(leave::NOT_OUT);
    one.post("/whereabouts/back", json!({})).await.ok(200);
    one.post("/cases", intake).await.ok(201);
    town.resident("13800000001").await.get("/whereabouts").await.refused(access::FORBIDDEN);
}

async fn article_5_1_2_nobody_rules_on_his_own_leave(town: &Town) {
    let (window, director, leader) =
        (town.staff("window1").await, town.staff("director").await, town.staff("leader").await);
    let approve = |id: &str| format!("/leaves/{id}/approve");
    let own = asks(&director, "2026-11-26").await;
    assert_eq!(director.post(&approve(&own), json!({})).await.refused(leave::OWN_LEAVE)["article"], "5.1.2");
    window.post(&approve(&own), json!({})).await.refused(access::FORBIDDEN);
    leader.post(&approve(&own), json!({})).await.ok(200);
    director.post(&approve(&own), json!({})).await.refused(leave::OWN_LEAVE);
    leader.post(&approve(&own), json!({})).await.refused(leave::LEAVE_CLOSED);
    let hers = asks(&window, "2026-11-26").await;
    let again = json!({
        "kind": "sick", "starts_at": moment("2026-11-26", 14), "ends_at": moment("2026-11-27", 12),
        "reason": "感冒发烧", "place": "家里",
    });
    window.post("/leaves", again).await.refused(leave::LEAVE_OVERLAPS);
    let backwards = json!({
        "kind": "sick", "starts_at": moment("2026-11-27", 14), "ends_at": moment("2026-11-27", 12),
        "reason": "感冒发烧", "place": "家里",
    });
    window.post("/leaves", backwards).await.refused(leave::BAD_TIME);
    let silent = json!({
        "kind": "sick", "starts_at": moment("2026-11-27", 9), "ends_at": moment("2026-11-27", 12),
        "reason": "", "place": "家里",
    });
    window.post("/leaves", silent).await.refused(leave::REASON_NEEDED);
    // Others do not see why; whoever rules, and the party office that keeps the files, do.
    assert_eq!(town.staff("office1").await.get("/leaves").await.ok(200)["items"], json!([]));
    for reader in [&director, &leader, &town.staff("party").await] {
        assert_eq!(reader.get("/leaves").await.ok(200)["items"].as_array().unwrap().len(), 2);
    }
    director.post(&format!("/leaves/{hers}/refuse"), json!({ "words": "" })).await.refused(leave::REASON_NEEDED);
    let told = director.post(&format!("/leaves/{hers}/refuse"), json!({ "words": "当天赶场，请改期" })).await.ok(200);
    assert_eq!((&told["state"], &told["words"]), (&json!("refused"), &json!("当天赶场，请改期")));
    window.post(&format!("/leaves/{hers}/withdraw"), json!({})).await.refused(leave::LEAVE_CLOSED);
    // One that has begun ends when he is back (销假).
    town.move_to(at("2026-11-26", 10, 0)).await;
    let director = town.staff("director").await;
    let intake = json!({ "guide": "SB-03", "channel": "window", "applicant": { "name": "田小满" } });
    director.post("/cases", intake.clone()).await.refused(cover::YOU_ARE_AWAY);
    director.post(&format!("/leaves/{own}/withdraw"), json!({})).await.ok(200);
    director.post("/cases", intake).await.ok(201);
}

async fn article_5_1_3_no_leave_leaves_a_post_to_nobody(town: &Town) {
    let (two, three, director) =
        (town.staff("office2").await, town.staff("office3").await, town.staff("director").await);
    let first = asks(&two, "2026-11-26").await;
    director.post(&format!("/leaves/{first}/approve"), json!({})).await.ok(200);
    // She is B of his post and A of one whose B he is.
    let second = asks(&three, "2026-11-26").await;
    let approve =
        async |named: Value| director.post(&format!("/leaves/{second}/approve"), json!({ "substitutes": named })).await;
    let told = approve(json!([])).await.refused(cover::NO_COVER);
    assert_eq!(told["article"], "5.1.3");
    assert!(told["message"].as_str().unwrap().contains("“社保岗、卫健岗”"), "{told}");
    approve(json!([{ "post": "SB1", "staff": "office1" }])).await.refused(cover::NO_COVER);
    let away = json!([{ "post": "SB1", "staff": "office1" }, { "post": "WJ1", "staff": "office2" }]);
    approve(away).await.refused(cover::BAD_SUBSTITUTE);
    assert_eq!(town.rows().await["substitute"], 0, "nothing of it stays");
    approve(json!([{ "post": "SB1", "staff": "office1" }, { "post": "WJ1", "staff": "office1" }])).await.ok(200);
    let to: Vec<Value> = director.get("/handovers").await.ok(200)["items"].as_array().unwrap().clone();
    let to: Vec<(&Value, &Value)> = to.iter().map(|h| (&h["post"], &h["to"])).collect();
    assert!(to.contains(&(&json!("WJ1"), &json!("龚文才"))), "{to:?}");
    let number = accepted(town, "SB-01").await;
    let third = town.staff("office1").await;
    third.get(&format!("/cases/{number}")).await.refused(case::UNKNOWN_CASE);
    town.move_to(at("2026-11-26", 9, 30)).await;
    let third = town.staff("office1").await;
    third.post(&format!("/cases/{number}/decide"), json!({ "grant": true })).await.ok(200);
}

async fn a_and_b_who_are_let_go_at_once_are_not_both(town: &Town) {
    for day in ["2026-11-26", "2026-11-27", "2026-11-30", "2026-12-01"] {
        let one = asks(&town.staff("window1").await, day).await;
        let two = asks(&town.staff("window2").await, day).await;
        let (director, leader) = (town.staff("director").await, town.staff("leader").await);
        let (a, b) = (format!("/leaves/{one}/approve"), format!("/leaves/{two}/approve"));
        let (a, b) = tokio::join!(director.post(&a, json!({})), leader.post(&b, json!({})));
        let mut statuses = [a.status, b.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{} {}", a.text, b.text);
    }
}
