//! One notice of what is missing, and no second (article 4.5).

use super::number;
use crate::town::{Town, at, audit_of, stories};
use chrono::Duration;
use serde_json::{Value, json};
use shuitian::domain::{case, cover};

stories!(
    article_4_5_everything_that_is_missing_is_told_once,
    article_4_5_nobody_sends_a_second_notice_though_two_press_at_once,
    article_5_3_2b_nothing_outside_the_guide_is_asked_for,
    article_4_5_the_director_puts_an_error_right_and_no_day_moves,
    article_4_5_what_nobody_spoke_of_in_five_days_is_accepted_from_its_receipt,
    article_4_5_after_five_days_nothing_more_is_asked_for,
    article_4_4_a_case_is_asked_by_the_version_it_began_under,
);

const FORM: &str = "最低生活保障申请书";
const BOOK: &str = "居民户口簿";

fn wanted(items: &[(&str, &str)]) -> Value {
    let items: Vec<Value> = items.iter().map(|(m, what)| json!({ "material": m, "what": what })).collect();
    json!({ "wanted": items, "until": "2026-12-08" })
}

async fn article_4_5_everything_that_is_missing_is_told_once(town: &Town) {
    const PHONE: &str = "13800000001";
    let case = number(&town.received("MZ-01", Some(PHONE)).await);
    let (path, window) = (format!("/cases/{case}"), town.staff("window1").await);
    let ask = format!("{path}/supplement");
    let both = wanted(&[(FORM, "没有签名"), (BOOK, "缺户主页复印件")]);
    for (body, refusal) in [
        (wanted(&[]), case::NOTHING_MISSING),
        (wanted(&[(FORM, "。")]), case::NOTHING_MISSING),
        (wanted(&[(FORM, "没有签名"), (FORM, "没有日期")]), case::NOTHING_MISSING),
        (json!({ "wanted": [{ "material": FORM, "what": "没有签名" }], "until": "2026-11-24" }), case::NOTHING_MISSING),
    ] {
        window.post(&ask, body).await.refused(refusal);
    }
    let told = window.post(&ask, both).await.ok(200);
    assert_eq!(told["state"], "supplement");
    let text = town.texts(PHONE).await.pop().unwrap();
    assert!(text.contains("要补材料") && text.contains("12月8日"), "{text}");
    assert_eq!(window.post(&ask, wanted(&[(BOOK, "还缺一页")])).await.refused(case::SECOND_NOTICE)["article"], "4.5");
    let seen = window.get(&path).await.ok(200);
    assert_eq!(
        seen["supplement"]["wanted"][1],
        json!({ "material": BOOK, "what": "缺户主页复印件", "medium": "either", "copies": 1 })
    );
    assert!(!seen["overdue"].as_bool().unwrap());
    window.post(&format!("{path}/accept"), json!({})).await.refused(case::WRONG_STATE);
    // It comes, and the case waits to be accepted; what was told stays written.
    let complete = format!("{path}/supplement/complete");
    window.post(&complete, json!({ "materials": [] })).await.refused(case::NOTHING_BROUGHT);
    town.wait(Duration::days(3)).await;
    let window = town.staff("window1").await;
    let brought = json!({ "materials": [{ "name": FORM, "form": "original" }, { "name": BOOK, "form": "copy" }] });
    window.post(&complete, brought.clone()).await.ok(200);
    window.post(&complete, brought).await.refused(case::WRONG_STATE);
    window.post(&ask, wanted(&[(BOOK, "还缺一页")])).await.refused(case::SECOND_NOTICE);
    let accepted = window.post(&format!("{path}/accept"), json!({})).await.ok(200);
    assert_eq!(accepted["accepted_on"], "2026-11-27", "the clock begins with acceptance");
    let seen = window.get(&path).await.ok(200);
    let kinds: Vec<&str> = seen["timeline"].as_array().unwrap().iter().map(|e| e["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["received", "supplement", "supplemented", "accepted"]);
    assert_eq!(seen["materials"].as_array().unwrap().len(), 2);
    town.deliver().await;
}

async fn article_4_5_nobody_sends_a_second_notice_though_two_press_at_once(town: &Town) {
    let (one, two) = (town.staff("window1").await, town.staff("office1").await);
    for _ in 0..5 {
        let case = number(&town.received("MZ-01", None).await);
        let ask = format!("/cases/{case}/supplement");
        let (a, b) =
            tokio::join!(one.post(&ask, wanted(&[(FORM, "没有签名")])), two.post(&ask, wanted(&[(BOOK, "缺户主页")])));
        let mut statuses = [a.status, b.status];
        statuses.sort_unstable();
        assert_eq!(statuses, [200, 409], "{} {}", a.text, b.text);
    }
    assert_eq!(town.rows().await["supplement"], 5);
}

async fn article_5_3_2b_nothing_outside_the_guide_is_asked_for(town: &Town) {
    let case = number(&town.received("MZ-01", None).await);
    let ask = format!("/cases/{case}/supplement");
    let window = town.staff("window1").await;
    let before = town.rows().await;
    for outside in ["无犯罪记录证明", "其他材料", ""] {
        let told = window.post(&ask, wanted(&[(FORM, "没有签名"), (outside, "要原件")])).await;
        let told = told.refused(case::OUTSIDE_GUIDE);
        assert_eq!((&told["article"], &told["field"]), (&json!("5.3.2b"), &json!("wanted[1].material")));
    }
    assert_eq!(town.rows().await, before);
    // Of an office whose matter it is not, it is not there; who is at no such post, asks nobody.
    town.sign_in("office2").await;
    town.staff("office3").await.post(&ask, wanted(&[(FORM, "没有签名")])).await.refused(case::UNKNOWN_CASE);
    town.sign_in("director").await;
    town.sign_in("office1").await;
    town.staff("head1").await.post(&ask, wanted(&[(FORM, "没有签名")])).await.refused(cover::HELD_BY_ANOTHER);
}

async fn article_4_5_the_director_puts_an_error_right_and_no_day_moves(town: &Town) {
    const PHONE: &str = "13800000001";
    let case = number(&town.received("MZ-01", Some(PHONE)).await);
    let (window, director) = (town.staff("window1").await, town.staff("director").await);
    let correct = format!("/cases/{case}/supplement/correct");
    let right = json!({ "wanted": [{ "material": BOOK, "what": "缺本人页复印件" }], "why": "写成了户主页" });
    director.post(&correct, right.clone()).await.refused(case::NOT_ASKED_FOR);
    window.post(&format!("/cases/{case}/supplement"), wanted(&[(BOOK, "缺户主页复印件")])).await.ok(200);
    window.post(&correct, right.clone()).await.refused(shuitian::access::FORBIDDEN);
    let mut silent = right.clone();
    silent["why"] = json!(" ");
    director.post(&correct, silent).await.refused(case::WHY_NEEDED);
    let mut outside = right.clone();
    outside["wanted"][0]["material"] = json!("收入证明");
    director.post(&correct, outside).await.refused(case::OUTSIDE_GUIDE);
    let before = window.get(&format!("/cases/{case}")).await.ok(200);
    director.post(&correct, right).await.ok(200);
    let seen = window.get(&format!("/cases/{case}")).await.ok(200);
    assert_eq!(
        seen["supplement"]["wanted"],
        json!([{ "material": BOOK, "what": "缺本人页复印件", "medium": "either", "copies": 1 }])
    );
    assert_eq!((&seen["supplement"]["until"], &seen["supplement"]["corrected"]), (&json!("2026-12-08"), &json!(1)));
    assert_eq!((&seen["due_on"], &seen["state"]), (&before["due_on"], &json!("supplement")));
    assert_eq!(audit_of(town, "case.supplement_corrected").await.len(), 1, "a lead");
    assert_eq!(town.rows().await["supplement"], 2, "what was wrong stays written");
    let told = town.texts(PHONE).await.into_iter().filter(|text| text.contains("12月8日")).count();
    assert_eq!(told, 2, "he is told of the notice that holds");
}

async fn article_4_5_what_nobody_spoke_of_in_five_days_is_accepted_from_its_receipt(town: &Town) {
    // Received on Tuesday the 24th: the fifth working day is the next Tuesday.
    let silent = number(&town.received("MZ-02", Some("13800000001")).await);
    let told = number(&town.received("MZ-01", None).await);
    town.staff("window1").await.post(&format!("/cases/{told}/supplement"), wanted(&[(FORM, "没有签名")])).await.ok(200);
    town.move_to(at("2026-12-01", 23, 50)).await;
    let seen = async |case: &str| town.staff("window1").await.get(&format!("/cases/{case}")).await.ok(200);
    assert_eq!(seen(&silent).await["state"], "received");
    town.move_to(at("2026-12-02", 0, 20)).await;
    let accepted = seen(&silent).await;
    assert_eq!((&accepted["state"], &accepted["accepted_on"]), (&json!("accepted"), &json!("2026-11-24")));
    assert_eq!(accepted["due_on"], "2026-12-15", "fifteen working days from the receipt");
    let last = accepted["timeline"].as_array().unwrap().last().unwrap().clone();
    assert_eq!(last["kind"], "deemed_accepted", "flagged");
    assert_eq!(seen(&told).await["state"], "supplement", "who was told is not");
    let before = town.rows().await["case_event"];
    town.wait(Duration::hours(1)).await;
    assert_eq!(town.rows().await["case_event"], before, "once");
    town.move_to(at("2026-12-02", 9, 0)).await;
    assert!(town.texts("13800000001").await.pop().unwrap().contains("已受理"));
}

async fn article_4_5_after_five_days_nothing_more_is_asked_for(town: &Town) {
    let case = number(&town.received("MZ-01", None).await);
    // The timetable has not run yet.
    town.app.clock.set(at("2026-12-02", 0, 1));
    let ask = json!({ "wanted": [{ "material": FORM, "what": "没有签名" }], "until": "2026-12-10" });
    let told = town.staff("window1").await.post(&format!("/cases/{case}/supplement"), ask).await;
    assert_eq!(told.refused(case::TOO_LATE_TO_ASK)["article"], "4.5");
}

async fn article_4_4_a_case_is_asked_by_the_version_it_began_under(town: &Town) {
    use shuitian::domain::{Who, guide};
    let case = number(&town.received("MZ-01", None).await);
    let mut guides: Vec<Value> = serde_json::from_str(include_str!("../../../seed/guides.json")).unwrap();
    guides.truncate(1);
    guides[0]["materials"][1]["name"] = json!("家庭成员名单");
    let files = serde_json::from_value(json!(guides)).unwrap();
    town.app.publish(&town.centre, Who::Operator, async |act| guide::import(act, files).await).await.unwrap();
    let window = town.staff("window1").await;
    let (old, new) = (format!("/cases/{case}/supplement"), number(&town.received("MZ-01", None).await));
    window.post(&old, wanted(&[("家庭成员名单", "没有带")])).await.refused(case::OUTSIDE_GUIDE);
    window.post(&old, wanted(&[(BOOK, "没有带")])).await.ok(200);
    let new = format!("/cases/{new}/supplement");
    window.post(&new, wanted(&[(BOOK, "没有带")])).await.refused(case::OUTSIDE_GUIDE);
    window.post(&new, wanted(&[("家庭成员名单", "没有带")])).await.ok(200);
}
