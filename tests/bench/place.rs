//! Taking a place: POST /bookings by residents who have signed in, beside the database alone: the product's one statement, and
//! the same work as three. Many slots first, then one that all want.

use crate::cpu::Cpu;
use crate::load::{self, request};
use crate::pgbench;
use crate::script::{Script, id};
use crate::stage::{CLIENTS, Stage};
use crate::table::{Row, Table, middle};
use entity::applicant::ApplicantKind;
use sea_orm::sea_query::{Expr, PostgresQueryBuilder};
use sea_orm::{DbBackend, EntityTrait, IntoActiveModel, QueryTrait as _};
use serde_json::json;
use shuitian::domain::applicant::Typed;
use shuitian::domain::booking::{self, Taking, Wish};
use shuitian::domain::{Act, Who};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

/// Slots of a working day.
const PER_DAY: usize = 14;

pub async fn run(table: &mut Table, rounds: usize, seconds: u64) {
    let mut stage = Stage::open("place").await;
    stage.offer(1000).await;
    let (accounts, _) = stage.residents(0..6000).await;
    let (_, tokens) = stage.residents(6000..12_000).await;
    let tokens = Arc::new(tokens);
    let slots = Arc::new(stage.slots("SB-03").await);
    let hot = slots[slots.len() - 1].clone();
    stage.widen(&hot).await;
    stage.serve();
    let (script, taking) = script(&stage, &slots, &accounts).await;
    let many = stage.numbered("slot", &slots, ":n::bigint * 7 + :client_id::int").await;
    let next = Arc::new(AtomicUsize::new(0));
    for (name, slot, one_slot, least) in
        [("many slots", many, None, 0.4), ("one hot slot", format!("'{hot}'"), Some(hot.clone()), 0.5)]
    {
        let script = script.clone().put(taking.slots[0], slot);
        let at_once = format!("\\set n :n + 1\n{};\n", script.of(&taking.statement().to_string(PostgresQueryBuilder)));
        let in_three = format!("\\set n :n + 1\n{}", in_three(&script, &taking));
        let (mut one, mut three, mut http, mut used) = (Vec::new(), Vec::new(), Vec::new(), String::new());
        for _ in 0..rounds {
            one.push(pgbench::run(&stage.database, &at_once, CLIENTS, seconds));
            three.push(pgbench::run(&stage.database, &in_three, CLIENTS, seconds));
            let (tokens, slots, next, one_slot) =
                (Arc::clone(&tokens), Arc::clone(&slots), Arc::clone(&next), one_slot.clone());
            let ask = move |_| {
                let k = next.fetch_add(1, Ordering::Relaxed);
                let (person, round) = (k % tokens.len(), k / tokens.len());
                let slot = one_slot.as_ref().unwrap_or(&slots[(round * PER_DAY + person % PER_DAY) % slots.len()]);
                // Where all want one slot, each press is for another of the family.
                let (applicant, for_other) = (json!({ "name": format!("田{round}") }), one_slot.is_some());
                let body = json!({ "slot_id": slot, "guide": "SB-03", "applicant": applicant, "for_other": for_other });
                Some(request("POST", "/api/v1/bookings", Some(&tokens[person]), "", &body.to_string()))
            };
            let before = Cpu::now(Some(stage.pid()), stage.postmaster);
            let load = load::run(stage.address(), CLIENTS, Duration::from_secs(seconds), ask).await;
            let done = load.answers.get(&201).copied().unwrap_or(0) as f64;
            assert!(load.answers.len() == 1 && done > 0.0, "{:?} {}", load.answers, load.odd);
            let times = format!("p50 {:.1} ms, p99 {:.1} ms", load.within(50), load.within(99));
            used = format!("each {}; {times}", before.each(Some(stage.pid()), stage.postmaster, done));
            http.push(load.rate(201));
        }
        let (one, three, http) = (middle(one), middle(three), middle(http));
        let told = |beside: &str| format!("take a place, {name}: over HTTP, of pgbench {beside}");
        table.add(Row::new(told("on the one statement"), http, one, Some(least)).with(&used));
        table.add(Row::new(told("as three statements"), http, three, Some(0.9)));
        table.add(Row::new(format!("take a place, {name}: pgbench, one statement of three"), one, three, None));
    }
}

/// What a booking by the rules would write, and how its values are stood in for.
async fn script(stage: &Stage, slots: &[String], accounts: &[String]) -> (Script, Taking) {
    let prepare = async |act: &Act| {
        let name = "田小满".to_owned();
        let applicant = Typed { name, phone: None, kind: ApplicantKind::Person, id_type: None, id_number: None };
        let slot = slots[0].parse().map_err(anyhow::Error::from)?;
        booking::prepare(act, Wish { slot, guide: "SB-03".to_owned(), applicant, for_other: false, hold: None }).await
    };
    let who = Who::Resident(accounts[0].parse().unwrap());
    let taking = stage.app.preview(&stage.centre, who, prepare).await.unwrap().taking;
    let account = stage.numbered("account", accounts, ":n::bigint * 17 + :client_id::int * 375").await;
    let (booking, applicant) = (&taking.entry.booking, &taking.entry.applicant);
    let blind: String = booking.person_blind.0.iter().map(|byte| format!("{byte:02X}")).collect();
    let hashed = format!("decode(md5({}) || md5({}), 'hex')", id(0), id(1));
    let mut script = Script::default()
        .put(booking.id, id(0))
        .put(&accounts[0], account)
        .put(applicant.id, id(1))
        .put(taking.entry.event.id, id(2))
        .put(&booking.number, format!("md5({})", id(0)))
        .put(format!("\\x{blind}"), hashed);
    for (n, notice) in taking.entry.notices.iter().enumerate() {
        script = script.put(notice.id, id(3 + u8::try_from(n).unwrap()));
    }
    (script, taking)
}

/// The same as a program writes it that knows no better: the place, the booking, what is said.
fn in_three(script: &Script, taking: &Taking) -> String {
    fn insert<E: EntityTrait>(models: impl IntoIterator<Item = E::Model>) -> String
    where
        E::Model: IntoActiveModel<E::ActiveModel>,
    {
        E::insert_many(models.into_iter().map(IntoActiveModel::into_active_model))
            .build(DbBackend::Postgres)
            .to_string()
    }
    use entity::booking::slot::{Column, Entity};
    use sea_orm::{ColumnTrait as _, ExprTrait as _, QueryFilter as _};
    let place = Entity::update_many()
        .col_expr(Column::Taken, Expr::col(Column::Taken).add(1))
        .col_expr(Column::TakenOnline, Expr::col(Column::TakenOnline).add(1))
        .filter(Column::Id.eq(taking.slots[0]))
        .filter(Column::GroupId.eq(taking.group))
        .filter(Expr::col(Column::Taken).lt(Expr::col(Column::Bookable)))
        .filter(Expr::col(Column::TakenOnline).lt(Expr::col(Column::Online)))
        .filter(Column::OnlineUntil.gt(taking.now))
        .build(DbBackend::Postgres)
        .to_string();
    let entry = taking.entry.clone();
    let booking = format!(
        "with a as ({}), b as ({}) {}",
        insert::<entity::applicant::Entity>([entry.applicant]),
        insert::<entity::booking::Entity>([entry.booking]),
        insert::<entity::booking::event::Entity>([entry.event]),
    );
    let said = insert::<entity::notice::Entity>(entry.notices);
    let statements = [&place, &booking, &said].map(|sql| script.of(sql)).join(";\n");
    format!("begin;\n{statements};\ncommit;\n")
}
