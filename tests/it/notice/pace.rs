//! When and how much a phone is sent.

use crate::town::{Town, at, memory_of, stories, tuesday};
use chrono::Duration;
use entity::Time;
use entity::notice::{Column, Entity, Model, NoticeState};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::json;
use shuitian::app::App;
use shuitian::domain::notice::{self, Kind, Message};
use shuitian::gateway::sms::{Outcome, Sent};
use shuitian::jobs::deliver;

stories!(
    one_is_reminded_the_day_before_and_two_hours_before,
    nobody_is_woken_at_night_but_by_a_code_he_asked_for,
    a_phone_is_given_half_a_minute_to_read,
    of_too_many_thanks_are_dropped_reminders_wait_and_facts_go,
    beyond_the_budget_facts_still_go,
    a_familys_reminders_are_told_as_one,
    what_was_told_together_fails_and_is_tried_together,
);

const PHONE: &str = "13800000001";

/// Says a text of a kind, to go at once.
async fn say(town: &Town, key: &str, kind: &'static Kind, phone: &str) {
    let expires_at = town.app.clock.now() + Duration::days(2);
    say_until(town, key, kind, phone, expires_at).await;
}

async fn say_until(town: &Town, key: &str, kind: &'static Kind, phone: &str, expires_at: Time) {
    town.act(async |act| {
        let message = Message {
            key: key.to_owned(),
            kind,
            phone: phone.to_owned(),
            values: vec![("words", key.to_owned()), ("when", key.to_owned()), ("due", key.to_owned())],
            about: act.id(),
            account: None,
            matter_at: act.now,
            due_at: act.now,
            expires_at,
        };
        notice::say(act, message).await
    })
    .await;
}

async fn state(town: &Town, key: &str) -> Model {
    Entity::find().filter(Column::Key.eq(key)).one(town.app.read()).await.unwrap().unwrap()
}

async fn deliver(app: &App) -> Vec<Sent> {
    deliver::all(app).await.unwrap();
    memory_of(app).sent()
}

async fn one_is_reminded_the_day_before_and_two_hours_before(town: &Town) {
    let person = town.resident(PHONE).await;
    // Monday afternoon: the working day before is Friday.
    let slot = town.slot("SB-03", at("2026-11-30", 14, 0)).await;
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "田小满" } });
    person.post("/bookings", wish).await.ok(201);
    let reminders = async || town.texts(PHONE).await.iter().filter(|t| t.contains("提醒")).count();
    for (day, hour, minute, count) in [
        ("2026-11-27", 15, 59, 0),
        ("2026-11-27", 16, 0, 1),
        ("2026-11-30", 11, 59, 1),
        ("2026-11-30", 12, 0, 2),
        ("2026-11-30", 14, 0, 2),
    ] {
        town.move_to(at(day, hour, minute)).await;
        assert_eq!(reminders().await, count, "{day} {hour}:{minute:02}");
    }
}

async fn nobody_is_woken_at_night_but_by_a_code_he_asked_for(town: &Town) {
    // One that a busy gateway puts off until after nine does not wake anybody either.
    town.move_to(at("2026-11-24", 20, 59)).await;
    say(town, "late", &notice::APPEAL_RULED, "13800000003").await;
    town.memory().answer_next(Outcome::RetrySafe(Duration::minutes(5)));
    town.deliver().await;
    town.move_to(at("2026-11-24", 21, 10)).await;
    say(town, "fact", &notice::APPEAL_RULED, PHONE).await;
    say_until(town, "gone", &notice::APPEAL_RULED, PHONE, at("2026-11-25", 7, 0)).await;
    town.resident("13800000002").await;
    assert!(town.texts(PHONE).await.is_empty());
    assert_eq!(town.texts("13800000002").await.len(), 1, "the code");
    town.app.clock.set(at("2026-11-25", 7, 59));
    town.tick().await;
    assert!(town.texts(PHONE).await.is_empty() && town.texts("13800000003").await.is_empty());
    town.move_to(at("2026-11-25", 8, 0)).await;
    assert_eq!((town.texts(PHONE).await.len(), town.texts("13800000003").await.len()), (1, 1));
    assert_eq!(state(town, "gone").await.state, NoticeState::GaveUp);
    // What would come too late in the morning goes the evening before.
    let early = at("2026-11-27", 8, 0);
    town.act(async |act| {
        let values = vec![("when", "8点".to_owned()), ("item", "社保卡".to_owned())];
        let message = Message {
            key: "early".to_owned(),
            kind: &notice::REMINDER,
            phone: PHONE.to_owned(),
            values,
            about: act.id(),
            account: None,
            matter_at: act.now,
            due_at: early - Duration::hours(2),
            expires_at: early,
        };
        notice::say(act, message).await
    })
    .await;
    town.move_to(at("2026-11-26", 20, 29)).await;
    assert_eq!(town.texts(PHONE).await.len(), 1);
    town.move_to(at("2026-11-26", 20, 30)).await;
    assert_eq!(town.texts(PHONE).await.len(), 2);
}

async fn a_phone_is_given_half_a_minute_to_read(town: &Town) {
    let app = town.another(&[("SMS__LIMITS__SPACING", "30")]).await;
    for key in ["一", "二", "三"] {
        say(town, key, &notice::APPEAL_RULED, PHONE).await;
    }
    say(town, "别人", &notice::APPEAL_RULED, "13800000002").await;
    assert_eq!(deliver(&app).await.len(), 2, "one a phone");
    let waiting = Entity::find().filter(Column::State.eq(NoticeState::Due)).all(town.app.read()).await.unwrap();
    assert!(waiting.iter().all(|n| n.fault.as_deref() == Some("spacing") && n.attempts == 0));
    for (seconds, count) in [(29, 2), (1, 3), (29, 3), (1, 4)] {
        town.wait(Duration::seconds(seconds)).await;
        assert_eq!(deliver(&app).await.len(), count);
    }
    // A clock that was set back does not silence a phone.
    town.app.clock.set(tuesday() - Duration::hours(1));
    say(town, "四", &notice::APPEAL_RULED, PHONE).await;
    assert_eq!(deliver(&app).await.len(), 5);
    app.database.close().await;
}

async fn of_too_many_thanks_are_dropped_reminders_wait_and_facts_go(town: &Town) {
    let app = town.another(&[("SMS__LIMITS__PER_HOUR", "3"), ("SMS__LIMITS__PER_DAY", "5")]).await;
    for n in 0..3 {
        say(town, &format!("fact{n}"), &notice::APPEAL_RULED, PHONE).await;
        deliver(&app).await;
    }
    say(town, "thanks", &notice::STOP_DONE, PHONE).await;
    say(town, "reminder", &notice::TASKS, PHONE).await;
    say_until(town, "short", &notice::TASKS, PHONE, tuesday() + Duration::minutes(30)).await;
    say(town, "fact3", &notice::APPEAL_RULED, PHONE).await;
    assert_eq!(deliver(&app).await.len(), 4, "the fact goes");
    let dropped = state(town, "thanks").await;
    assert_eq!((dropped.state, dropped.fault.as_deref()), (NoticeState::GaveUp, Some("phone_limit")));
    assert_eq!(state(town, "reminder").await.state, NoticeState::Due);
    town.wait(Duration::minutes(59)).await;
    assert_eq!(deliver(&app).await.len(), 4);
    town.wait(Duration::minutes(2)).await;
    assert_eq!(deliver(&app).await.len(), 5, "an hour later the reminder goes");
    assert_eq!(state(town, "short").await.fault.as_deref(), Some("expired"), "the other's time has passed");
    // Five in a day are enough; the next waits for tomorrow.
    say(town, "sixth", &notice::TASKS, PHONE).await;
    town.wait(Duration::hours(5)).await;
    assert_eq!(deliver(&app).await.len(), 5);
    town.move_to(at("2026-11-25", 9, 31)).await;
    assert_eq!(deliver(&app).await.len(), 6);
    app.database.close().await;
}

async fn beyond_the_budget_facts_still_go(town: &Town) {
    let app = town.another(&[("SMS__LIMITS__DAILY_BUDGET", "3")]).await;
    let phone = |n: usize| format!("1380000010{n}");
    for n in 0..3 {
        say(town, &format!("fact{n}"), &notice::APPEAL_RULED, &phone(n)).await;
    }
    deliver(&app).await;
    say(town, "thanks", &notice::STOP_DONE, &phone(3)).await;
    say(town, "reminder", &notice::TASKS, &phone(4)).await;
    say(town, "fact3", &notice::APPEAL_RULED, &phone(5)).await;
    assert_eq!(deliver(&app).await.len(), 4);
    assert_eq!(state(town, "thanks").await.fault.as_deref(), Some("budget"));
    let waits = state(town, "reminder").await;
    assert_eq!(
        (waits.state, waits.fault.as_deref(), waits.due_at),
        (NoticeState::Due, Some("budget"), at("2026-11-25", 8, 0))
    );
    town.move_to(at("2026-11-25", 8, 0)).await;
    assert_eq!(deliver(&app).await.len(), 5);
    app.database.close().await;
}

/// A family of three books from one phone for one morning.
async fn family(town: &Town) {
    let person = town.resident(PHONE).await;
    for (minute, name) in [(0, "田小满"), (30, "田大满"), (0, "向大娘")] {
        let slot = town.slot("SB-03", at("2026-11-26", 10, minute)).await;
        let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": name } });
        person.post("/bookings", wish).await.ok(201);
    }
    town.deliver().await;
}

async fn a_familys_reminders_are_told_as_one(town: &Town) {
    let app = town.another(&[("SMS__LIMITS__SPACING", "30")]).await;
    family(town).await;
    let person = town.resident("13800000002").await;
    let slot = town.slot("SB-03", at("2026-11-26", 10, 0)).await;
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "谢大爷" } });
    person.post("/bookings", wish).await.ok(201);
    town.deliver().await;
    town.move_to(at("2026-11-25", 16, 0)).await;
    let sent = deliver(&app).await;
    assert_eq!(sent.len(), 2, "{sent:?}");
    let family = sent.iter().find(|s| s.phone == PHONE).unwrap();
    for part in ["您家约了3件事", "11月26日 10:00", "11月26日 10:30", "失业登记", "；", "请带齐材料到"]
    {
        assert!(family.text.contains(part), "{part}: {}", family.text);
    }
    assert!(sent.iter().find(|s| s.phone == "13800000002").unwrap().text.contains("提醒：您约了"));
    // Each of them counts as said, by the one that told it.
    let of_day = Entity::find().filter(Column::Key.starts_with("booking.reminder/day/"));
    let rows = of_day.all(town.app.read()).await.unwrap();
    assert!(rows.iter().all(|n| n.state == NoticeState::Accepted));
    assert_eq!(rows.iter().filter(|n| n.carried_by == Some(family.id)).count(), 2);
    town.move_to(at("2026-11-26", 10, 30)).await;
    town.deliver().await;
    app.database.close().await;
}

async fn what_was_told_together_fails_and_is_tried_together(town: &Town) {
    family(town).await;
    let said = town.memory().sent().len();
    town.move_to(at("2026-11-25", 16, 0)).await;
    town.memory().answer_next(Outcome::RetrySafe(Duration::seconds(20)));
    town.deliver().await;
    assert_eq!(town.memory().sent().len(), said);
    // One is cancelled meanwhile: it is not told with the others.
    let person = town.resident(PHONE).await;
    let mine = person.get("/bookings").await.ok(200)["items"][0].clone();
    person.post(&format!("/bookings/{}/cancel", mine["id"].as_str().unwrap()), json!({})).await.ok(200);
    town.wait(Duration::minutes(1)).await;
    let told = town.texts(PHONE).await.pop().unwrap();
    assert!(told.contains("您家约了2件事") && !told.contains(mine["number"].as_str().unwrap()), "{told}");
    // Where nobody knows whether it went out, none of them is sent again.
    town.app.clock.set(at("2026-11-26", 8, 30));
    town.memory().answer_next(Outcome::Ambiguous("read_timeout".to_owned()));
    town.tick().await;
    town.deliver().await;
    let of_hours = Entity::find().filter(Column::Key.starts_with("booking.reminder/hours/"));
    let rows = of_hours.all(town.app.read()).await.unwrap();
    assert_eq!(rows.iter().filter(|n| n.state == NoticeState::Unsure).count(), 2);
    town.deliver().await;
}
