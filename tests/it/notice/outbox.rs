//! The outbox: said once, sent once, and honest about what nobody knows.

use crate::town::{Town, stories, tuesday};
use chrono::Duration;
use entity::notice::{Column, Entity, Lane, Model, NoticeState};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use shuitian::domain::Act;
use shuitian::domain::notice::{self, Message, Parcel};
use shuitian::gateway::sms::Outcome;

stories!(
    a_text_is_said_once_for_its_key_and_leaves_after_the_commit,
    what_is_cancelled_is_not_sent,
    a_claim_whose_worker_died_is_due_again,
    a_sending_whose_worker_died_is_unsure_and_never_sent_again,
    a_gateway_that_is_busy_is_asked_again_and_then_no_more,
    what_may_have_gone_out_is_not_repeated,
    what_is_refused_or_too_late_ends,
    one_that_cannot_be_opened_does_not_hold_up_the_others,
    codes_go_before_reminders,
    three_workers_send_each_text_once,
);

/// Says a text of its lane, each to a phone of its own.
async fn say(act: &Act, key: &str, lane: Lane) -> shuitian::base::Result<()> {
    let kind = match lane {
        Lane::Code => &notice::CODE,
        Lane::Notice => &notice::APPEAL_RULED,
        Lane::Bulk => &notice::TASKS,
    };
    let number = key.bytes().fold(0u64, |n, b| (n * 31 + u64::from(b)) % 100_000_000);
    let message = Message {
        key: key.to_owned(),
        kind,
        phone: format!("138{number:08}"),
        values: vec![("words", format!("内容{key}"))],
        about: act.centre.id,
        account: None,
        matter_at: act.now,
        due_at: act.now,
        expires_at: act.now + Duration::hours(1),
    };
    notice::say(act, message).await
}

async fn state(town: &Town, key: &str) -> Model {
    Entity::find().filter(Column::Key.eq(key)).one(town.app.read()).await.unwrap().unwrap()
}

fn sent(town: &Town, key: &str) -> usize {
    town.memory().sent().iter().filter(|s| s.text.ends_with(key)).count()
}

async fn a_text_is_said_once_for_its_key_and_leaves_after_the_commit(town: &Town) {
    let failed = town.app.write(&town.centre, shuitian::domain::Who::Operator, async |act| {
        say(act, "k0", Lane::Notice).await?;
        Err::<(), _>(shuitian::domain::published::UNKNOWN_CENTRE.into())
    });
    assert!(failed.await.is_err());
    town.act(async |act| {
        say(act, "k1", Lane::Notice).await?;
        say(act, "k1", Lane::Notice).await
    })
    .await;
    town.act(async |act| say(act, "k1", Lane::Notice).await).await;
    town.deliver().await;
    assert_eq!((town.rows().await["notice"], sent(town, "k0"), sent(town, "k1")), (1, 0, 1));
    let row = state(town, "k1").await;
    assert_eq!((row.state, row.gateway.as_deref(), row.attempts), (NoticeState::Accepted, Some("memory"), 1));
    assert_eq!(row.vendor_id.as_deref(), Some(row.id.to_string().as_str()));
}

async fn what_is_cancelled_is_not_sent(town: &Town) {
    town.act(async |act| say(act, "k1", Lane::Notice).await).await;
    let now = town.app.clock.now();
    let claimed = claim(town, 10).await;
    assert_eq!(claimed.len(), 1);
    // Cancelled between the claim and the sending.
    town.act(async |act| notice::withdraw(act, act.centre.id).await).await;
    assert!(begin(town, now, claimed).await.is_empty());
    town.deliver().await;
    assert_eq!((state(town, "k1").await.state, sent(town, "k1")), (NoticeState::Withdrawn, 0));
}

/// Claims as a worker does.
async fn claim(town: &Town, limit: u64) -> Vec<Model> {
    let now = town.app.clock.now();
    let (db, worker) = (town.app.database.writer(), town.app.random.id(now));
    notice::claim(db, now, &town.app.rules.quiet, notice::Lanes::All, worker, limit).await.unwrap()
}

async fn begin(town: &Town, now: entity::Time, claimed: Vec<Model>) -> Vec<Parcel> {
    let limits = &town.app.settings.sms.limits;
    notice::begin_sending(town.app.database.writer(), &town.app.vault, now, limits, &[], false, claimed).await.unwrap()
}

async fn claim_and_die(town: &Town, begun: bool) -> usize {
    let claimed = claim(town, 10).await;
    if begun { begin(town, town.app.clock.now(), claimed).await.len() } else { 0 }
}

async fn a_claim_whose_worker_died_is_due_again(town: &Town) {
    town.act(async |act| say(act, "k1", Lane::Notice).await).await;
    claim_and_die(town, false).await;
    town.wait(Duration::seconds(31)).await;
    town.deliver().await;
    assert_eq!(sent(town, "k1"), 0, "its lease may still be alive");
    town.wait(notice::LEASE).await;
    town.deliver().await;
    assert_eq!((sent(town, "k1"), state(town, "k1").await.state), (1, NoticeState::Accepted));
}

async fn a_sending_whose_worker_died_is_unsure_and_never_sent_again(town: &Town) {
    town.act(async |act| say(act, "k1", Lane::Notice).await).await;
    assert_eq!(claim_and_die(town, true).await, 1);
    for _ in 0..5 {
        town.wait(Duration::minutes(1)).await;
        town.deliver().await;
    }
    let row = state(town, "k1").await;
    assert_eq!((sent(town, "k1"), row.state, row.fault.as_deref()), (0, NoticeState::Unsure, Some("deliverer_died")));
}

async fn a_gateway_that_is_busy_is_asked_again_and_then_no_more(town: &Town) {
    town.act(async |act| say(act, "k1", Lane::Notice).await).await;
    town.memory().answer_next(Outcome::RetrySafe(Duration::seconds(10)));
    town.memory().answer_next(Outcome::Later(tuesday() + Duration::minutes(5)));
    town.deliver().await;
    assert_eq!(state(town, "k1").await.state, NoticeState::Due);
    town.wait(Duration::seconds(11)).await;
    town.deliver().await;
    assert_eq!((state(town, "k1").await.attempts, sent(town, "k1")), (2, 0));
    town.wait(Duration::minutes(5)).await;
    town.deliver().await;
    assert_eq!(sent(town, "k1"), 1);
    town.act(async |act| say(act, "k2", Lane::Notice).await).await;
    for _ in 0..notice::TRIES {
        town.memory().answer_next(Outcome::RetrySafe(Duration::seconds(10)));
        town.wait(Duration::minutes(9)).await;
        town.deliver().await;
    }
    let row = state(town, "k2").await;
    assert_eq!((row.state, row.fault.as_deref(), sent(town, "k2")), (NoticeState::GaveUp, Some("retry_safe"), 0));
}

async fn what_may_have_gone_out_is_not_repeated(town: &Town) {
    town.act(async |act| say(act, "k1", Lane::Notice).await).await;
    town.memory().answer_next(Outcome::Ambiguous("read_timeout".to_owned()));
    town.deliver().await;
    town.wait(Duration::minutes(30)).await;
    town.deliver().await;
    let row = state(town, "k1").await;
    assert_eq!((row.state, row.fault.as_deref(), sent(town, "k1")), (NoticeState::Unsure, Some("read_timeout"), 1));
}

async fn what_is_refused_or_too_late_ends(town: &Town) {
    town.act(async |act| say(act, "k1", Lane::Notice).await).await;
    town.memory().answer_next(Outcome::Rejected("black_list".to_owned()));
    town.deliver().await;
    assert_eq!(state(town, "k1").await.state, NoticeState::Rejected);
    town.act(async |act| say(act, "k2", Lane::Notice).await).await;
    town.wait(Duration::hours(1)).await;
    town.deliver().await;
    let row = state(town, "k2").await;
    assert_eq!((row.state, row.fault.as_deref(), sent(town, "k2")), (NoticeState::GaveUp, Some("expired"), 0));
}

async fn one_that_cannot_be_opened_does_not_hold_up_the_others(town: &Town) {
    use sea_orm::sea_query::Expr;
    town.act(async |act| {
        for n in 0..12 {
            say(act, &format!("n{n:02}"), Lane::Notice).await?;
        }
        Ok(())
    })
    .await;
    Entity::update_many()
        .col_expr(Column::Text, Expr::value(entity::Sealed(vec![1, 2, 3])))
        .filter(Column::Key.eq("n00"))
        .exec(town.app.database.writer())
        .await
        .unwrap();
    town.deliver().await;
    assert_eq!(town.memory().sent().len(), 11);
    let row = state(town, "n00").await;
    assert_eq!((row.state, row.fault.as_deref()), (NoticeState::GaveUp, Some("cannot_be_opened")));
}

async fn codes_go_before_reminders(town: &Town) {
    town.act(async |act| {
        for n in 0..20 {
            say(act, &format!("bulk{n}"), Lane::Bulk).await?;
        }
        say(&act.at(act.now + Duration::milliseconds(1), act.who.clone()), "code", Lane::Code).await
    })
    .await;
    town.app.clock.advance(Duration::seconds(1));
    assert_eq!(claim(town, 1).await[0].key, "code");
    town.wait(Duration::minutes(2)).await;
    town.deliver().await;
    assert_eq!(town.memory().sent().len(), 21);
}

async fn three_workers_send_each_text_once(town: &Town) {
    town.act(async |act| {
        for n in 0..120 {
            say(act, &format!("n{n:03}"), Lane::Notice).await?;
        }
        Ok(())
    })
    .await;
    let work = async || shuitian::jobs::deliver::all(&town.app).await.unwrap();
    futures_util::join!(work(), work(), work());
    town.deliver().await;
    let mut texts: Vec<String> = town.memory().sent().into_iter().map(|s| s.text).collect();
    texts.sort();
    let said = texts.len();
    texts.dedup();
    assert_eq!((said, texts.len()), (120, 120));
}
