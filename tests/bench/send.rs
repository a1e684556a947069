//! Delivering through a gateway that takes fifty milliseconds, over real HTTP: as many as may be under way at once, with memory
//! that does not grow, and codes that no campaign delays.

use crate::bare::Bare;
use crate::cpu::Cpu;
use crate::stage::Stage;
use crate::table::{Row, Table, middle};
use entity::notice::{Column, Entity, NoticeState};
use procfs::WithCurrentSystemInfo as _;
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use serde_json::json;
use shuitian::domain::notice;
use shuitian::domain::{Publishing, Who};
use shuitian::jobs::{self, deliver};
use std::time::{Duration, Instant};

/// What the gateway takes.
const WAIT: u64 = 50;
/// Texts of one round.
const TEXTS: u64 = 10_000;
/// Texts of all rounds, after which memory is looked at.
const ALL: u64 = 100_000;

pub async fn run(table: &mut Table, rounds: usize) {
    let taken = json!({ "Response": { "SendStatusSet": [{ "SerialNo": "serial", "Code": "Ok" }], "RequestId": "r" } });
    let gateway = Bare::after(taken.to_string().as_bytes(), WAIT);
    let endpoint = format!("http://{}", gateway.address);
    let settings = [
        ("SHUITIAN__SMS__GATEWAYS", "tencent"),
        ("SHUITIAN__SMS__TENCENT__ENDPOINT", endpoint.as_str()),
        ("SHUITIAN__SMS__TENCENT__SECRET_ID", "AKIDEXAMPLE"),
        ("SHUITIAN__SMS__TENCENT__SECRET_KEY", "secret"),
        ("SHUITIAN__SMS__TENCENT__SDK_APP_ID", "1400006666"),
        ("SHUITIAN__SMS__TENCENT__SIGN_NAME", "水田乡政府"),
    ];
    let stage = Stage::open_with("send", &settings).await;
    approve(&stage).await;
    let (mut rates, mut used, mut sent, mut early) = (Vec::new(), String::new(), 0, 0);
    while sent < ALL {
        stage.say(TEXTS).await;
        let (before, began) = (Cpu::now(None, stage.postmaster), Instant::now());
        deliver::all(&stage.app).await.unwrap();
        rates.push(TEXTS as f64 / began.elapsed().as_secs_f64());
        used = format!("each {}", before.each(None, stage.postmaster, TEXTS as f64));
        sent += TEXTS;
        if sent == ALL / 2 {
            early = memory();
        }
    }
    assert_eq!(accepted(&stage).await, ALL);
    let allowed = deliver::ALLOWED as f64 * 1000.0 / WAIT as f64;
    let name = format!("delivered over HTTP to a gateway that takes {WAIT} ms, of {} at once", deliver::ALLOWED);
    table.add(Row::new(name, middle(rates), allowed, Some(0.8)).with(&used));
    let name = format!("memory after {} texts, of that after {ALL}, in KiB", ALL / 2);
    table.add(Row::new(name, early as f64, memory() as f64, Some(0.9)));
    // A code by itself, and while a campaign goes on.
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let working = tokio::spawn(jobs::work(stage.app.clone(), stopped));
    let mut waits = [Vec::new(), Vec::new()];
    for _ in 0..rounds * 5 {
        for (campaign, waits) in [false, true].into_iter().zip(&mut waits) {
            if campaign {
                stage.say(TEXTS / 5).await;
                tokio::time::sleep(Duration::from_millis(200)).await;
            }
            waits.push(code(&stage).await);
            while Entity::find().filter(Column::State.ne(NoticeState::Accepted)).count(stage.app.read()).await.unwrap()
                > 0
            {
                tokio::time::sleep(Duration::from_millis(50)).await;
            }
        }
    }
    stop.send(true).unwrap();
    working.await.unwrap();
    let [alone, amid] = waits.map(middle);
    let name = "codes a second one after the other amid a campaign, of those alone";
    table.add(Row::new(name, 1.0 / amid, 1.0 / alone, Some(0.5)));
}

/// Has the gateway approve what is sent here.
async fn approve(stage: &Stage) {
    let shipped: Vec<serde_json::Value> = serde_json::from_str(include_str!("../../seed/texts.json")).unwrap();
    let ours = ["booking.appeal_ruled", "code"];
    let files = shipped.into_iter().filter(|f| ours.iter().any(|kind| f["kind"] == *kind)).map(|mut file| {
        file["vendors"] = json!({ "tencent": { "template": "1", "values": [], "state": "approved" } });
        serde_json::from_value(file).unwrap()
    });
    let files = files.collect();
    let import = async |act: &Publishing| notice::import(act, files).await.map(drop);
    stage.app.publish(&stage.centre, Who::Operator, import).await.unwrap();
}

async fn accepted(stage: &Stage) -> u64 {
    Entity::find().filter(Column::State.eq(NoticeState::Accepted)).count(stage.app.read()).await.unwrap()
}

/// Seconds from saying a code until it is written down that the gateway has it.
async fn code(stage: &Stage) -> f64 {
    let phone = format!("139{:08}", stage.app.random.digits(8).parse::<u64>().unwrap());
    let began = Instant::now();
    let send = async |act: &_| shuitian::domain::identity::resident::send_code(act, &phone, None).await;
    stage.app.write(&stage.centre, Who::Bearer, send).await.unwrap();
    let open = Entity::find().filter(Column::Kind.eq("code")).filter(Column::State.ne(NoticeState::Accepted));
    while open.clone().count(stage.app.read()).await.unwrap() > 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    began.elapsed().as_secs_f64()
}

/// Memory of this process, in KiB.
fn memory() -> u64 {
    procfs::process::Process::myself().unwrap().stat().unwrap().rss_bytes().get() / 1024
}
