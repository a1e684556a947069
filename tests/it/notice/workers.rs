//! Several programs at once, and one that is killed between any two steps.

use crate::town::{Town, memory_of, say_texts, stories};
use chrono::Duration;
use entity::notice::{Column, Entity, Lane, Model, NoticeState};
use futures_util::future::join_all;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _, QueryTrait as _,
};
use shuitian::app::App;
use shuitian::domain::notice;
use shuitian::gateway::sms::{Outcome, Outgoing};
use shuitian::jobs::{self, deliver};

stories!(
    killed_between_any_two_steps_sent_and_unsure_are_said,
    two_workers_and_three_servers_send_each_text_once,
    the_timetable_on_four_programs_does_each_thing_once,
    a_slow_gateway_holds_up_no_others,
    a_clock_set_back_loses_nothing_and_sends_nothing_twice,
    a_claim_takes_no_more_than_it_may,
    a_claim_reads_no_more_than_it_takes,
);

/// Says so many texts, each to a phone of its own.
async fn say(town: &Town, from: usize, to: usize) {
    town.act(async |act| say_texts(act, from..to).await).await;
}

async fn count(town: &Town, state: NoticeState) -> u64 {
    Entity::find().filter(Column::State.eq(state)).count(town.app.read()).await.unwrap()
}

async fn claim(app: &App, limit: u64) -> Vec<Model> {
    let now = app.clock.now();
    notice::claim(app.database.writer(), now, &app.rules.quiet, notice::Lanes::All, app.random.id(now), limit)
        .await
        .unwrap()
}

/// Everything that was handed to the gateways of these programs.
fn sent(apps: &[&App]) -> Vec<String> {
    let mut texts: Vec<String> = apps.iter().flat_map(|a| memory_of(a).sent()).map(|s| s.text).collect();
    texts.sort();
    texts
}

fn each_once(texts: &[String]) {
    let mut once = texts.to_vec();
    once.dedup();
    assert_eq!(once.len(), texts.len(), "one was sent twice");
}

/// A worker that is killed after so many steps: claim, mark, hand over, settle.
async fn killed_after(app: &App, steps: usize) {
    let (db, now) = (app.database.writer(), app.clock.now());
    let claimed = claim(app, 20).await;
    if steps == 1 {
        return;
    }
    let parcels =
        notice::begin_sending(db, &app.vault, now, &app.settings.sms.limits, &[], false, claimed).await.unwrap();
    if steps == 2 {
        return;
    }
    for parcel in &parcels {
        let text = Outgoing { id: parcel.notice.id, phone: &parcel.phone, text: &parcel.text, sign: None };
        app.sms[0].send(&text, None, now).await;
    }
}

async fn killed_between_any_two_steps_sent_and_unsure_are_said(town: &Town) {
    say(town, 0, 100).await;
    for steps in [1, 2, 3] {
        killed_after(&town.app, steps).await;
    }
    for _ in 0..4 {
        town.wait(Duration::minutes(1)).await;
        town.deliver().await;
    }
    let texts = sent(&[&town.app]);
    each_once(&texts);
    let (accepted, unsure) = (count(town, NoticeState::Accepted).await, count(town, NoticeState::Unsure).await);
    // Of three workers the first had handed nothing over, the second marked, the third sent without writing it down.
    assert_eq!((accepted, unsure, texts.len()), (60, 40, 80));
    assert_eq!(accepted + unsure, 100);
}

async fn two_workers_and_three_servers_send_each_text_once(town: &Town) {
    let (one, two) = (town.another(&[]).await, town.another(&[]).await);
    let (three, four) = (town.another(&[]).await, town.another(&[]).await);
    let apps = [&town.app, &one, &two, &three, &four];
    let work = async |app: &App| {
        for _ in 0..30 {
            deliver::round(app).await.unwrap();
            tokio::task::yield_now().await;
        }
    };
    let talk = async {
        for n in 0..10 {
            say(town, n * 40, (n + 1) * 40).await;
        }
    };
    futures_util::join!(talk, join_all(apps.iter().map(|app| work(app))));
    for app in apps {
        deliver::all(app).await.unwrap();
    }
    let texts = sent(&apps);
    each_once(&texts);
    assert_eq!((texts.len(), count(town, NoticeState::Accepted).await), (400, 400));
    for app in [one, two, three, four] {
        app.database.close().await;
    }
}

async fn the_timetable_on_four_programs_does_each_thing_once(town: &Town) {
    let (one, two, three) = (town.another(&[]).await, town.another(&[]).await, town.another(&[]).await);
    let apps = [&town.app, &one, &two, &three];
    let person = town.resident("13800000001").await;
    let slot = town.slot("SB-03", crate::town::at("2026-11-25", 9, 0)).await;
    let wish = serde_json::json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "田小满" } });
    person.post("/bookings", wish).await.ok(201);
    for hours in 1..=48 {
        town.app.clock.set(crate::town::tuesday() + Duration::hours(hours));
        join_all(apps.iter().enumerate().map(|(n, app)| jobs::tick(app, ["a", "b", "c", "d"][n]))).await;
        for app in apps {
            deliver::all(app).await.unwrap();
        }
    }
    let kinds = |word: &str| sent(&apps).iter().filter(|t| t.contains(word)).count();
    assert_eq!((kinds("没有来"), kinds("提醒：")), (1, 2));
    assert_eq!(town.rows().await["booking_event"], 2);
    for app in [one, two, three] {
        app.database.close().await;
    }
}

async fn a_slow_gateway_holds_up_no_others(town: &Town) {
    say(town, 0, 64).await;
    memory_of(&town.app).wait_next(std::time::Duration::from_secs(3));
    let round = deliver::round(&town.app);
    let look = async {
        tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
        count(town, NoticeState::Accepted).await
    };
    let (claimed, meanwhile) = futures_util::join!(round, look);
    assert_eq!((claimed.unwrap(), meanwhile), (64, 63), "the others are sent and written down meanwhile");
    assert_eq!(count(town, NoticeState::Accepted).await, 64);
}

async fn a_clock_set_back_loses_nothing_and_sends_nothing_twice(town: &Town) {
    say(town, 0, 20).await;
    claim(&town.app, 10).await;
    memory_of(&town.app).answer_next(Outcome::RetrySafe(Duration::seconds(30)));
    town.deliver().await;
    assert_eq!(sent(&[&town.app]).len(), 9);
    // An hour back: the timetable goes on at once, and frees what is claimed for an hour and a minute.
    town.app.clock.set(town.app.clock.now() - Duration::hours(1));
    say(town, 20, 30).await;
    town.tick().await;
    assert_eq!(count(town, NoticeState::Claimed).await, 0);
    town.deliver().await;
    assert_eq!(sent(&[&town.app]).len(), 19, "what was due at the later time waits for it");
    town.wait(Duration::minutes(61)).await;
    town.deliver().await;
    let texts = sent(&[&town.app]);
    each_once(&texts);
    assert_eq!((texts.len(), count(town, NoticeState::Accepted).await), (30, 30));
}

async fn a_claim_takes_no_more_than_it_may(town: &Town) {
    say(town, 0, 60).await;
    let claims = join_all((0..4).map(|_| claim(&town.app, 10))).await;
    assert_eq!(claims.iter().map(Vec::len).collect::<Vec<_>>(), [10, 10, 10, 10]);
    assert_eq!(count(town, NoticeState::Claimed).await, 40);
    town.wait(Duration::minutes(2)).await;
    town.deliver().await;
    assert_eq!(count(town, NoticeState::Accepted).await, 60);
}

async fn a_claim_reads_no_more_than_it_takes(town: &Town) {
    // What is known of the table is that nothing is due, as after a quiet night; then many are.
    town.app.database.writer().execute_unprepared("analyze notice").await.unwrap();
    say(town, 0, 1500).await;
    let (now, worker) = (town.app.clock.now(), town.app.random.id(town.app.clock.now()));
    let claiming = notice::claiming(Lane::Notice, now, worker, 200);
    let plan = town.plan(&claiming.into_query()).await;
    let by_id = if town.app.database.is_sqlite() { "sqlite_autoindex_notice_1 (id=?)" } else { "using notice_pkey" };
    assert!(plan.contains("notice_due") && plan.contains(by_id) && !plan.contains("notice_unwell"), "{plan}");
    assert!(!plan.contains("Sort") && !plan.contains("TEMP B-TREE"), "{plan}");
    town.deliver().await;
}
