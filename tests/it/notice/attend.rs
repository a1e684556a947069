//! What did not arrive, or may not have, is seen to by somebody: sent once more, told by telephone, or let be.

use crate::pages::Browser;
use crate::person::Person;
use crate::town::{Town, audit_of, say_texts, stories};
use chrono::Duration;
use serde_json::{Value, json};
use shuitian::domain::{case, notice};
use shuitian::gateway::sms::Outcome;

stories!(
    a_text_that_was_refused_is_told_by_telephone_and_leaves_the_list,
    one_that_nobody_is_sure_of_is_asked_about_first_and_sent_again_only_where_that_is_said,
    what_phones_answer_is_read_by_somebody_once,
    a_phone_in_doubt_is_shown_and_confirmed_at_the_window,
);

async fn listed(town: &Town) -> Vec<Value> {
    town.staff("window1").await.get("/texts").await.ok(200)["items"].as_array().unwrap().clone()
}

/// Facts that were handed over and answered so.
async fn answered(town: &Town, n: usize, outcome: Outcome) {
    town.memory().answer_next(outcome);
    town.act(async |act| say_texts(act, n..n + 1).await).await;
    town.deliver().await;
}

async fn a_text_that_was_refused_is_told_by_telephone_and_leaves_the_list(town: &Town) {
    answered(town, 1, Outcome::Rejected("black_list".to_owned())).await;
    let (window, texts) = (town.staff("window1").await, listed(town).await);
    assert_eq!(texts.len(), 1);
    assert_eq!((&texts[0]["title"], &texts[0]["state"]), (&json!("申诉结果"), &json!("rejected")));
    assert_eq!((&texts[0]["phone"], &texts[0]["what"]), (&json!("138****0001"), &json!("通道拒收（black_list）")));
    let place = |what: &str| format!("/texts/{}/{what}", texts[0]["id"].as_str().unwrap());
    for purpose in ["", "打", "打给13800000001"] {
        window.post(&place("open"), json!({ "purpose": purpose })).await.refused(notice::PURPOSE_NEEDED);
    }
    let opened = window.post(&place("open"), json!({ "purpose": "电话告知" })).await.ok(200);
    assert!(opened["phone"] == "13800000001" && opened["text"].as_str().unwrap().contains("第0001条"));
    assert_eq!(audit_of(town, "notice.opened").await.len(), 1);
    window.post(&place("attend"), json!({ "how": "shouted" })).await.ok(400);
    window.post(&place("attend"), json!({ "how": "called" })).await.ok(204);
    window.post(&place("attend"), json!({ "how": "let_be" })).await.refused(notice::UNKNOWN_NOTICE);
    assert!(listed(town).await.is_empty());
    // Sent once more after all, and refused again, it waits for somebody again.
    town.memory().answer_next(Outcome::Rejected("black_list".to_owned()));
    window.post(&place("retry"), json!({})).await.ok(204);
    town.deliver().await;
    assert_eq!(listed(town).await.len(), 1);
    window.post(&place("retry"), json!({})).await.ok(204);
    town.deliver().await;
    assert!(listed(town).await.is_empty());
    window.post(&place("retry"), json!({})).await.refused(notice::NOT_TO_RETRY);
    assert_eq!(town.memory().sent().len(), 1);
}

async fn one_that_nobody_is_sure_of_is_asked_about_first_and_sent_again_only_where_that_is_said(town: &Town) {
    answered(town, 1, Outcome::Ambiguous("timeout".to_owned())).await;
    assert!(listed(town).await.is_empty(), "it may be known by itself yet");
    town.app.clock.advance(Duration::minutes(31));
    let (window, texts) = (town.staff("window1").await, listed(town).await);
    assert_eq!(texts[0]["what"], "不知道有没有发出，通道没有答复");
    let place = format!("/texts/{}/retry", texts[0]["id"].as_str().unwrap());
    window.post(&place, json!({})).await.refused(notice::NOT_TO_RETRY);
    window.post(&place, json!({ "though_unsure": true })).await.ok(204);
    town.deliver().await;
    assert_eq!((listed(town).await.len(), town.memory().sent().len()), (0, 2));
    // Courtesies and reminders are nobody's to ring up for, and nor is what is long past.
    answered(town, 2, Outcome::Rejected("x".to_owned())).await;
    town.app.clock.advance(Duration::days(31));
    assert!(listed(town).await.is_empty());
}

async fn what_phones_answer_is_read_by_somebody_once(town: &Town) {
    let (window, supervisor) = (town.staff("window2").await, town.staff("supervisor").await);
    town.issued("SB-03", Some("13800000001")).await;
    town.deliver().await;
    // Of a phone that was asked for nothing, the windows read what it says.
    town.text_from("13800000009", "明天开门吗").await.ok(200);
    for (text, outcome) in [("请问几点上班", "commented"), ("5", "rated"), ("谢谢", "kept")] {
        assert_eq!(town.text_from("13800000001", text).await.ok(200)["outcome"], outcome);
        town.app.clock.advance(Duration::seconds(1));
    }
    let said = async |who: &Person<'_>| who.get("/replies").await.ok(200)["items"].as_array().unwrap().clone();
    let replies = said(&supervisor).await;
    let texts: Vec<&str> = replies.iter().map(|r| r["text"].as_str().unwrap()).collect();
    assert_eq!(texts, ["谢谢", "请问几点上班", "明天开门吗"], "what was understood need not be read");
    assert_eq!(replies[0]["phone"], "138****0001");
    // What may be a review's words, the windows do not read: they are who is rated.
    let theirs = said(&window).await;
    assert_eq!((theirs.len(), &theirs[0]["text"]), (1, &json!("明天开门吗")));
    let place = format!("/replies/{}/read", replies[0]["id"].as_str().unwrap());
    window.post(&place, json!({})).await.refused(notice::UNKNOWN_NOTICE);
    assert_eq!(supervisor.post(&place, json!({})).await.ok(200)["phone"], "13800000001");
    supervisor.post(&place, json!({})).await.refused(notice::UNKNOWN_NOTICE);
    assert_eq!(said(&supervisor).await.len(), 2);
    let page = Browser::staff(town, "window1").await.get("/staff/texts").await.text;
    assert!(page.contains("明天开门吗") && !page.contains("请问几点上班"), "{page}");
    assert!(Browser::staff(town, "supervisor").await.get("/staff/texts").await.text.contains("请问几点上班"));
    town.deliver().await;
}

async fn a_phone_in_doubt_is_shown_and_confirmed_at_the_window(town: &Town) {
    const PHONE: &str = "13800000001";
    let received = town.received("SB-03", Some(PHONE)).await;
    let path = format!("/cases/{}", received["number"].as_str().unwrap());
    town.deliver().await;
    let window = town.staff("window1").await;
    assert!(window.get(&path).await.ok(200)["phone_doubt"].is_null());
    let same = json!({ "phone": PHONE });
    window.post(&format!("{path}/applicant"), same.clone()).await.refused(case::NOTHING_TO_CORRECT);
    town.text_from(PHONE, "不是本人").await.ok(200);
    assert_eq!(window.get(&path).await.ok(200)["phone_doubt"], "not_theirs");
    window.post(&format!("{path}/accept"), json!({})).await.ok(200);
    town.wait(Duration::minutes(5)).await;
    town.deliver().await;
    assert_eq!(listed(town).await[0]["what"], "机主回复不是本人，没有再发");
    let withheld = listed(town).await[0]["id"].as_str().unwrap().to_owned();
    window.post(&format!("/texts/{withheld}/retry"), json!({})).await.refused(notice::IN_DOUBT);
    // The applicant is there, and says that it is his.
    window.post(&format!("{path}/applicant"), same).await.ok(200);
    assert!(window.get(&path).await.ok(200)["phone_doubt"].is_null());
    let text = listed(town).await[0]["id"].as_str().unwrap().to_owned();
    window.post(&format!("/texts/{text}/retry"), json!({})).await.ok(204);
    assert!(town.texts(PHONE).await.pop().unwrap().contains("受理"));
    let owner = town.resident(PHONE).await;
    assert!(owner.get(&path).await.ok(200)["phone_doubt"].is_null(), "it is nothing for residents");
}
