//! One review a case, by link or by code; by a digit in a text, see `uplink`.

mod desk;
mod secret;
mod uplink;

use crate::town::{Town, stories, tuesday};
use chrono::Duration;
use reqwest::Method;
use serde_json::{Value, json};
use shuitian::access;
use shuitian::access::answer;
use shuitian::domain::{Who, case, review};

stories!(
    a_second_review_is_refused_though_twenty_press_at_once,
    looking_spends_nothing_however_often,
    a_tag_of_another_grade_is_refused,
    a_code_is_typed_by_hand_and_cannot_be_guessed,
    time_passes_and_the_invitation_lapses,
    an_append_comes_once_and_after_a_review,
    the_net_invites_whoever_was_forgotten,
);

fn token(ended: &Value) -> String {
    ended["invitation"]["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned()
}

fn code(ended: &Value) -> String {
    ended["invitation"]["code"].as_str().unwrap().to_owned()
}

async fn a_second_review_is_refused_though_twenty_press_at_once(town: &Town) {
    let token = token(&town.issued("SB-03", None).await);
    let people: Vec<_> = (0..20).map(|_| town.stranger()).collect();
    let tries = people
        .iter()
        .enumerate()
        .map(|(n, person)| person.post("/reviews", json!({ "token": token, "grade": 1 + n % 5 })));
    let answers = futures_util::future::join_all(tries).await;
    assert_eq!(answers.iter().filter(|a| a.status == 201).count(), 1);
    for refused in answers.into_iter().filter(|a| a.status != 201) {
        assert_eq!(refused.refused(review::ALREADY_RATED)["article"], "4.5");
    }
    assert_eq!(town.rows().await["review"], 1);
}

async fn looking_spends_nothing_however_often(town: &Town) {
    let ended = town.issued("SB-03", None).await;
    let (token, before) = (token(&ended), town.rows().await);
    for method in [Method::GET, Method::HEAD] {
        for path in ["/r".to_owned(), format!("/r/{token}"), "/r/give".to_owned(), "/r/nonsense".to_owned()] {
            town.stranger().send_to(method.clone(), &path, None).await;
        }
    }
    for _ in 0..3 {
        town.stranger().post("/invitations/open", json!({ "token": token })).await.ok(200);
    }
    let page = town.stranger().send_to(Method::GET, &format!("/r/{token}"), None).await;
    assert!(page.text.contains("失业登记") && !page.text.contains("田小满"), "the matter, and nothing of the person");
    assert_eq!(town.rows().await, before);
    town.stranger().post("/reviews", json!({ "token": token, "grade": 5 })).await.ok(201);
}

async fn a_tag_of_another_grade_is_refused(town: &Town) {
    let token = token(&town.issued("SB-03", None).await);
    let give = async |body: Value| {
        let mut whole = json!({ "token": token });
        whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
        town.stranger().post("/reviews", whole).await
    };
    assert_eq!(give(json!({ "grade": 5, "tags": ["510", "108"] })).await.refused(review::BAD_TAG)["field"], "tags[1]");
    assert_eq!(give(json!({ "grade": 6 })).await.refused(review::BAD_GRADE)["field"], "grade");
    give(json!({ "grade": 5, "comment": "好".repeat(501) })).await.refused(review::BAD_COMMENT);
    give(json!({ "grade": 5, "code": "ABCDEF" })).await.refused(review::KEY_NEEDED);
    town.stranger().post("/reviews", json!({ "grade": 5 })).await.refused(review::KEY_NEEDED);
    give(json!({ "grade": 5.5 })).await.refused(answer::UNREADABLE);
    assert_eq!(town.rows().await["review"], 0);
    give(json!({ "grade": 1, "tags": ["108", "115"] })).await.ok(201);
}

async fn a_code_is_typed_by_hand_and_cannot_be_guessed(town: &Town) {
    let code = code(&town.issued("SB-03", None).await);
    assert_eq!(code.len(), 6);
    let typed = format!(" {} {} ", &code[..3].to_lowercase(), &code[3..]);
    let opened = town.stranger().post("/invitations/open", json!({ "code": typed })).await.ok(200);
    assert_eq!(opened["state"], "open");
    let guesser = town.stranger().from("203.0.113.7");
    for _ in 0..60 {
        guesser.post("/invitations/open", json!({ "code": "AAAAAA" })).await.refused(review::UNKNOWN_INVITATION);
    }
    guesser.post("/invitations/open", json!({ "code": code })).await.refused(access::TOO_OFTEN);
    guesser.post("/reviews", json!({ "code": code, "grade": 1 })).await.refused(access::TOO_OFTEN);
    town.stranger().post("/reviews", json!({ "code": code, "grade": 4 })).await.ok(201);
    town.stranger().post("/invitations/open", json!({ "code": code })).await.refused(review::UNKNOWN_INVITATION);
}

async fn time_passes_and_the_invitation_lapses(town: &Town) {
    let ended = town.issued("SB-03", None).await;
    town.move_to(tuesday() + Duration::days(31)).await;
    let opened = town.stranger().post("/invitations/open", json!({ "token": token(&ended) })).await.ok(200);
    assert_eq!(opened["state"], "lapsed");
    town.stranger().post("/reviews", json!({ "token": token(&ended), "grade": 5 })).await.refused(review::LAPSED);
    town.stranger()
        .post("/reviews", json!({ "code": code(&ended), "grade": 5 }))
        .await
        .refused(review::UNKNOWN_INVITATION);
    assert_eq!(town.rows().await["review"], 0, "unrated stays unrated");
}

async fn an_append_comes_once_and_after_a_review(town: &Town) {
    let token = token(&town.issued("SB-03", None).await);
    let more = json!({ "token": token, "comment": "整改了，谢谢", "grade": 4 });
    town.stranger().post("/reviews/append", more.clone()).await.refused(review::NOT_RATED);
    town.stranger().post("/reviews", json!({ "token": token, "grade": 2 })).await.ok(201);
    let opened = town.stranger().post("/invitations/open", json!({ "token": token })).await.ok(200);
    assert_eq!((&opened["state"], &opened["can_append"]), (&json!("rated"), &json!(true)));
    town.stranger()
        .post("/reviews/append", json!({ "token": token, "comment": " " }))
        .await
        .refused(review::BAD_COMMENT);
    town.stranger()
        .post("/reviews/append", json!({ "token": token, "comment": "好", "grade": 9 }))
        .await
        .refused(review::BAD_GRADE);
    town.stranger().post("/reviews/append", more.clone()).await.ok(201);
    town.stranger().post("/reviews/append", more).await.refused(review::ALREADY_APPENDED);
    assert_eq!(town.rows().await["review"], 2);
}

async fn the_net_invites_whoever_was_forgotten(town: &Town) {
    let number = town.received("SB-03", Some("13800000001")).await["number"].as_str().unwrap().to_owned();
    let director = town.staff("director").await;
    director.post(&format!("/cases/{number}/accept"), json!({})).await.ok(200);
    director.post(&format!("/cases/{number}/decide"), json!({ "grant": true })).await.ok(200);
    let me: Who = {
        use entity::identity::staff::{Column, Entity};
        use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
        let row = Entity::find().filter(Column::Username.eq("director")).one(town.app.read()).await.unwrap().unwrap();
        let roles = row.roles();
        Who::Staff(std::sync::Arc::new(shuitian::domain::StaffMember {
            id: row.id,
            name: row.name,
            roles,
            office: None,
            device: entity::Blind(vec![]),
        }))
    };
    // The end is written, and the server dies before it invites.
    town.app
        .write(&town.centre, me, async |act| {
            case::advance(act, &number, &case::Move::Issue(case::Handing::Counter)).await
        })
        .await
        .unwrap();
    assert_eq!(town.rows().await["invitation"], 0);
    town.wait(Duration::minutes(10)).await;
    town.wait(Duration::minutes(10)).await;
    assert_eq!(town.rows().await["invitation"], 1);
    assert_eq!(town.texts("13800000001").await.len(), 1);
}
