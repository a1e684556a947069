//! Counting tries: in memory and in Redis alike, and refusing when it cannot be counted.

use crate::ground::redis;
use crate::town::tuesday;
use chrono::Duration;
use entity::applicant::ApplicantKind;
use entity::case::Channel;
use migration::MigratorTrait as _;
use proptest::prelude::*;
use serde_json::json;
use shuitian::access;
use shuitian::app::App;
use shuitian::base::settings::Settings;
use shuitian::base::{Clock, Random};
use shuitian::demo;
use shuitian::domain::applicant::Typed;
use shuitian::domain::case::{self, Intake};
use shuitian::domain::identity::staff;
use shuitian::domain::{Act, StaffMember, Who};
use shuitian::gateway::limits::{Limits, Quota, Verdict};
use shuitian::gateway::shared::Shared;
use std::path::Path;
use std::sync::Arc;

const QUOTA: Quota = Quota { name: "test", burst: 5, per: Duration::seconds(50) };

#[tokio::test]
async fn five_at_once_and_one_more_every_ten_seconds() {
    let limits = Limits::memory();
    let now = tuesday();
    let mut passes = 0;
    for _ in 0..8 {
        passes += i32::from(limits.take(QUOTA, "k", now).await.unwrap() == Verdict::Pass);
    }
    assert_eq!(passes, 5);
    assert_eq!(limits.take(QUOTA, "k", now).await.unwrap(), Verdict::Wait(Duration::seconds(10)));
    assert_eq!(limits.take(QUOTA, "k", now + Duration::seconds(10)).await.unwrap(), Verdict::Pass);
    assert_eq!(
        limits.take(QUOTA, "k", now + Duration::seconds(10)).await.unwrap(),
        Verdict::Wait(Duration::seconds(10))
    );
    assert_eq!(limits.take(QUOTA, "other", now).await.unwrap(), Verdict::Pass);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]
    #[test]
    fn memory_and_redis_say_the_same(tries in proptest::collection::vec((0u8..3, 0i64..15_000), 1..60)) {
        let Some(url) = redis() else { return Ok(()) };
        let run = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        run.block_on(async {
            // In the far future: Redis forgets by its own clock, which must not come in between.
            let mut now = tuesday() + Duration::days(4000);
            let (memory, shared) = (Limits::memory(), Limits::Redis(Shared::open(&url, format!("{}:", Random::system().word(12))).unwrap()));
            for (key, later) in tries {
                now = now + Duration::milliseconds(later);
                let (key, quota) = (format!("k{key}"), QUOTA);
                assert_eq!(memory.take(quota, &key, now).await.unwrap(), shared.take(quota, &key, now).await.unwrap());
            }
        });
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_counted_is_refused_and_what_need_not_be_goes_on() {
    let directory = tempfile::tempdir().unwrap();
    let path = |name: &str| directory.path().join(name).display().to_string();
    let variables = [
        ("DATABASE__URL", format!("sqlite://{}", path("town.db"))),
        ("SECURITY__KEYS_DIR", path("keys")),
        ("REDIS__URL", "redis://127.0.0.1:1/0".to_owned()),
        ("SMS__GATEWAYS", "memory".to_owned()),
    ];
    let variables = variables.into_iter().map(|(k, v)| (format!("SHUITIAN__{k}"), v));
    let app =
        App::open(Settings::load(Some(Path::new("/dev/null")), variables).unwrap(), Clock::default()).await.unwrap();
    migration::Migrator::up(app.database.writer(), None).await.unwrap();
    let centre = demo::township(&app).await.unwrap();
    let clerk = staff::find(app.read(), centre.id, "window1", app.clock.now().date()).await.unwrap().unwrap();
    let (roles, device) = (clerk.roles(), entity::Blind(vec![0; 32]));
    let clerk = StaffMember { id: clerk.id, name: clerk.name, roles, office: clerk.office_id, device };
    let intake = Intake {
        guide: "SB-01".to_owned(),
        channel: Channel::Window,
        booking: None,
        consultation: None,
        agent: None,
        applicant: Typed {
            kind: ApplicantKind::Person,
            name: "田小满".to_owned(),
            phone: None,
            id_type: None,
            id_number: None,
        },
        materials: Vec::new(),
    };
    let receive = async |act: &Act| case::receive(act, intake).await;
    let received = app.write(&centre, Who::Staff(Arc::new(clerk)), receive).await.unwrap();
    let listening = shuitian::serve::listen("127.0.0.1:0".parse().unwrap()).await.unwrap();
    let url = format!("http://{}", listening.address);
    let (stop, stopped) = tokio::sync::watch::channel(false);
    let served = tokio::spawn(shuitian::serve::run(app, listening, false, stopped));
    let web = reqwest::Client::builder().no_proxy().build().unwrap();
    let post = async |path: &str, body: serde_json::Value| {
        crate::person::Answer::of(web.post(format!("{url}/api/v1{path}")).json(&body).send().await.unwrap()).await
    };
    for (path, body) in [
        ("/auth/staff", json!({ "username": "director", "password": "shuitian-demo" })),
        ("/auth/phone/code", json!({ "phone": "13800000001" })),
        ("/auth/phone", json!({ "phone": "13800000001", "code": "000000" })),
        ("/auth/wechat", json!({ "code": "somebody" })),
        ("/progress", json!({ "number": "ST-20261124-0001", "check_code": "AAAAAAAA" })),
        ("/invitations/open", json!({ "code": "AAAAAA" })),
    ] {
        post(path, body).await.refused(access::NOT_COUNTED);
    }
    // Whoever holds a receipt waits for no counter.
    let receipt = |code: &str| json!({ "number": received.case.receipt_number, "check_code": code });
    post("/progress", receipt(&received.check_code)).await.ok(200);
    post("/progress", receipt("AAAAAAAA")).await.refused(access::NOT_COUNTED);
    let open = web.get(format!("{url}/api/v1/guides")).send().await.unwrap();
    assert_eq!(open.status(), 200, "reading goes on");
    let ready = web.get(format!("{url}/readyz")).send().await.unwrap();
    assert_eq!(ready.status(), 503);
    assert_eq!(ready.json::<serde_json::Value>().await.unwrap()["cache"], "redis does not answer");
    stop.send(true).unwrap();
    served.await.unwrap().unwrap();
}
