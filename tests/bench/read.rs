//! Reading: what residents ask for most, beside PostgreSQL's own select of the same row, and beside a bare route of the same
//! framework that returns the same bytes.

use crate::bare::Bare;
use crate::cpu::Cpu;
use crate::load::{self, Line, Load, request};
use crate::pgbench;
use crate::stage::{CLIENTS, Stage};
use crate::table::{Row, Table, middle};
use sea_orm::{DbBackend, EntityTrait as _, QueryTrait as _};
use serde_json::json;
use shuitian::domain::Who;
use shuitian::domain::booking;
use shuitian::domain::case;
use std::time::Duration;

/// What is asked, and what the database does for it.
struct Door {
    name: &'static str,
    path: String,
    body: String,
    post: bool,
    select: String,
    /// It is answered from memory but for one question.
    kept: bool,
}

pub async fn run(table: &mut Table, rounds: usize, seconds: u64) {
    let mut stage = Stage::open("read").await;
    let doors = [guide(&stage), slots(&stage).await, progress(&stage).await];
    stage.serve();
    for door in doors {
        let bytes = body(&stage, &door).await;
        let bare = Bare::start(&bytes);
        let (mut http, mut select, mut plain, mut used) = (Vec::new(), Vec::new(), Vec::new(), String::new());
        for _ in 0..rounds {
            select.push(pgbench::run(&stage.database, &format!("{};\n", door.select), CLIENTS, seconds));
            plain.push(ask(&bare.address, &door, seconds).await.rate(200));
            let before = Cpu::now(Some(stage.pid()), stage.postmaster);
            let load = ask(stage.address(), &door, seconds).await;
            let done = load.answers.get(&200).copied().unwrap_or(0) as f64;
            assert!(load.answers.len() == 1 && done > 0.0, "{:?} {}", load.answers, load.odd);
            let times = format!("p50 {:.2} ms, p99 {:.2} ms", load.within(50), load.within(99));
            used = format!(
                "{} bytes; each {}; {times}",
                bytes.len(),
                before.each(Some(stage.pid()), stage.postmaster, done)
            );
            http.push(load.rate(200));
        }
        let (http, select, plain) = (middle(http), middle(select), middle(plain));
        let name = door.name;
        table.add(Row::new(format!("{name}: over HTTP, of pgbench's select"), http, select, Some(0.25)).with(&used));
        let asked = door.kept.then_some(0.4);
        table.add(Row::new(format!("{name}: over HTTP, of a bare route with the same bytes"), http, plain, asked));
    }
}

/// Each request comes from an address of its own: a village has not so many.
async fn ask(address: &str, door: &Door, seconds: u64) -> Load {
    let (path, body, method) = (door.path.clone(), door.body.clone(), if door.post { "POST" } else { "GET" });
    let ask = move |n: u64| {
        let from = format!("x-forwarded-for: 10.{}.{}.{}\r\n", n >> 16 & 255, n >> 8 & 255, n & 255);
        Some(request(method, &path, None, &from, &body))
    };
    load::run(address, CLIENTS, Duration::from_secs(seconds), ask).await
}

async fn body(stage: &Stage, door: &Door) -> Vec<u8> {
    let mut line = Line::to(stage.address()).await;
    let method = if door.post { "POST" } else { "GET" };
    let (status, body) = line.ask(&request(method, &door.path, None, "", &door.body)).await;
    assert_eq!(status, 200, "{}", String::from_utf8_lossy(body));
    body.to_vec()
}

fn guide(stage: &Stage) -> Door {
    let select = format!(
        "select g.*, v.*, o.* from guide g join guide_version v on v.guide_id = g.id and v.number = g.version \
         join office o on o.id = g.office_id where g.centre_id = '{}' and g.code = 'SB-03'",
        stage.centre.id
    );
    let path = "/api/v1/guides/SB-03".to_owned();
    Door { name: "get_guide", path, body: String::new(), post: false, select, kept: true }
}

async fn slots(stage: &Stage) -> Door {
    use entity::booking::slot::Entity;
    let now = stage.app.clock.now();
    let one = Entity::find().one(stage.app.read()).await.unwrap().unwrap();
    let (today, last) = (now.date(), now.date() + chrono::Days::new(30));
    let select = booking::offered(one.group_id, today, last, now, true).build(DbBackend::Postgres).to_string();
    let path = "/api/v1/slots?guide=SB-03".to_owned();
    Door { name: "list_slots", path, body: String::new(), post: false, select, kept: false }
}

async fn progress(stage: &Stage) -> Door {
    let staff = stage.clerk().await;
    let intake = Stage::intake("田小满".to_owned());
    let received = stage.app.write(&stage.centre, Who::Staff(staff), async |act| case::receive(act, intake).await);
    let received = received.await.unwrap();
    let number = received.case.number.clone();
    let select = case::lines(stage.centre.id, &number).build(DbBackend::Postgres).to_string();
    let body = json!({ "number": number, "check_code": received.check_code }).to_string();
    Door { name: "progress", path: "/api/v1/progress".to_owned(), body, post: true, select, kept: false }
}
