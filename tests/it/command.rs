//! What an operator types.

use crate::process::{Server, run};
use reqwest::Method;
use serde_json::{Value, json};
use std::path::Path;

fn refused(directory: &Path, words: &[&str], variables: &[(&str, &str)], code: i32, told: &[&str]) {
    let (status, _, errors) = run(directory, words, variables);
    assert_eq!(status, code, "{words:?}: {errors}");
    for part in told {
        assert!(errors.contains(part), "{part} is not in: {errors}");
    }
}

#[test]
fn wrong_use_is_told_from_failure() {
    let here = tempfile::tempdir().unwrap();
    let here = here.path();
    refused(here, &["dance"], &[], 2, &["dance"]);
    refused(here, &["serve"], &[("SHUITIAN__HTTP__LISTN", "x")], 2, &["http.listn", "listen"]);
    refused(
        here,
        &["serve"],
        &[("SHUITIAN__DATABASE__MAX_CONNECTIONS", "0")],
        2,
        &["database.max_connections = 0", "1 to 100"],
    );
    refused(here, &["serve", "--config", "nowhere.toml"], &[], 2, &["nowhere.toml"]);
    refused(
        here,
        &["migrate"],
        &[("SHUITIAN__SECURITY__DATA_KEYS", "k1 c2hvcnQ=")],
        2,
        &["security.data_keys", "32 bytes"],
    );
    std::fs::write(here.join("shuitian.toml"), "[sms]\ngateways = [\"pigeon\"]\n").unwrap();
    refused(here, &["serve"], &[], 2, &["sms.gateways", "console (prints"]);
    std::fs::remove_file(here.join("shuitian.toml")).unwrap();
    let (status, words, _) = run(here, &["--help"], &[]);
    assert!(status == 0 && words.contains("serve"));
    refused(here, &["serve"], &[("SHUITIAN__SMS__GATEWAYS", "pigeon")], 2, &["sms.gateways"]);
    assert!(!here.join("data").exists(), "a wrong setting makes nothing");
}

#[test]
fn production_refuses_what_lets_anybody_in() {
    let here = tempfile::tempdir().unwrap();
    let https = ("SHUITIAN__HTTP__PUBLIC_URL", "https://bm.example.gov.cn");
    let production = ("SHUITIAN__PROFILE", "production");
    refused(here.path(), &["serve"], &[production], 2, &["http.public_url", "https://"]);
    refused(here.path(), &["serve"], &[production, https], 2, &["sms.gateways"]);
    let quiet = [production, https, ("SHUITIAN__SMS__GATEWAYS", ""), ("SHUITIAN__WECHAT__SIGN_IN", "none")];
    refused(here.path(), &["serve"], &quiet, 1, &["holds no centre", "database.url"]);
    assert_eq!(run(here.path(), &["demo"], &[]).0, 0);
    refused(here.path(), &["serve"], &quiet, 1, &["demonstration accounts"]);
    refused(here.path(), &["migrate", "down", "1"], &quiet, 1, &["refused in production"]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let monitors = taken.local_addr().unwrap().to_string();
    let monitored = [&quiet[..], &[("SHUITIAN__METRICS__LISTEN", monitors.as_str())]].concat();
    refused(here.path(), &["worker"], &monitored, 1, &["metrics.listen", &monitors]);
    // Whom the morning's text goes to: no number is repeated where others may read it.
    for (words, told) in [
        (&["staff", "phone", "director", "0231234567"][..], "bad_staff"),
        (&["staff", "phone", "nobody", "13900000001"], "unknown_staff"),
        (&["staff", "add", "newone", "--name", "新人", "--role", "window", "--phone", "139"], "phone 应为11位手机号"),
    ] {
        refused(here.path(), words, &quiet, 1, &[told]);
    }
    let (status, said, _) = run(here.path(), &["staff", "phone", "director", "13900000001"], &quiet);
    assert!(status == 0 && said.contains("is told in the morning") && !said.contains("139"), "{said}");
    let (status, said, _) = run(here.path(), &["staff", "phone", "director"], &quiet);
    assert!(status == 0 && said.contains("is not told by text"), "{said}");
    refused(
        here.path(),
        &["serve", "--listen", "0.0.0.0:0"],
        &[],
        1,
        &["http.listen", "demonstration accounts", "127.0.0.1"],
    );
}

#[test]
fn files_are_taken_in_whole_or_told_fault_by_fault() {
    let here = tempfile::tempdir().unwrap();
    let here = here.path();
    let seed = Path::new(env!("CARGO_MANIFEST_DIR")).join("seed");
    let file = |name: &str| seed.join(name).display().to_string();
    let import = |what: &str, name: &str| run(here, &["import", what, &file(name)], &[]);
    refused(here, &["import", "guides", &file("guides.json")], &[], 1, &["import centre"]);
    let nameless = here.join("nameless.json");
    let mut centre: Value = serde_json::from_str(&std::fs::read_to_string(file("centre.json")).unwrap()).unwrap();
    centre["code"] = json!("水田");
    centre["window_hours"] = json!([["12:00", "09:00"]]);
    centre["branches"] = json!([]);
    std::fs::write(&nameless, centre.to_string()).unwrap();
    refused(
        here,
        &["import", "centre", nameless.to_str().unwrap()],
        &[],
        1,
        &["bad_centre", "code", "window_hours", "branches 至少写一个"],
    );
    // As Notepad writes it, with a mark in front.
    let marked = here.join("centre.json");
    std::fs::write(&marked, format!("\u{feff}{}", std::fs::read_to_string(file("centre.json")).unwrap())).unwrap();
    assert_eq!(run(here, &["import", "centre", marked.to_str().unwrap()], &[]).0, 0);
    for year in ["2025", "2026", "2027"] {
        let (status, words, errors) = import("holidays", &format!("holidays/{year}.json"));
        assert!(status == 0 && words.contains(year), "{errors}");
    }
    let (status, words, _) = import("guides", "guides.json");
    assert_eq!((status, words.contains("26 added, 0 changed, 0 unchanged")), (0, true), "{words}");
    let (status, words, errors) = import("offer", "offer.json");
    assert!(status == 0 && words.contains("in force"), "{errors}");
    let (status, words, _) = import("staff", "staff.json");
    assert!(status == 0 && words.lines().count() == 13 && words.contains("first password"), "{words}");
    refused(here, &["import", "staff", &file("staff.json")], &[], 1, &["第1行 username director 已有", "第11行"]);
    let wrong = here.join("wrong.json");
    std::fs::write(&wrong, r#"[{"name": 3}]"#).unwrap();
    refused(here, &["import", "guides", wrong.to_str().unwrap()], &[], 1, &["[0].name"]);
    std::fs::write(&wrong, r#"{"year": 2026, "official": true, "source": "x", "days": [{"date": "2025-01-01", "off": true, "name": "x"}]}"#).unwrap();
    refused(here, &["import", "holidays", wrong.to_str().unwrap()], &[], 1, &["第1行 date 2025-01-01"]);
    let (status, words, _) =
        run(here, &["staff", "add", "newcomer", "--name", "新人", "--role", "window", "--attends"], &[]);
    assert!(status == 0 && words.starts_with("newcomer  first password "), "{words}");
    refused(
        here,
        &["staff", "add", "second", "--name", "新人", "--role", "king"],
        &[],
        2,
        &["king", "window", "director"],
    );
    let homeless = ["staff", "add", "third", "--name", "新人", "--role", "office"];
    refused(here, &homeless, &[], 1, &["须写明所在科室"]);
    let (status, words, _) = run(here, &["staff", "reset", "window1"], &[]);
    assert!(status == 0 && words.starts_with("window1  first password "), "{words}");
    let (status, words, _) = run(here, &["staff", "leave", "newcomer", "--last-day", "2099-12-31"], &[]);
    assert!(status == 0 && words.contains("newcomer 新人 serves until 2099-12-31"), "{words}");
    refused(
        here,
        &["staff", "leave", "newcomer", "--last-day", "2020-01-01"],
        &[],
        1,
        &["bad_staff", "不能在2020-01-01离任"],
    );
    refused(here, &["staff", "leave", "window1", "--last-day", "tomorrow"], &[], 2, &["last-day"]);
    refused(here, &["staff", "reset", "nobody"], &[], 1, &["unknown_staff"]);
}

#[test]
fn schema_document_keys_and_bulletin() {
    let here = tempfile::tempdir().unwrap();
    let here = here.path();
    let (status, words, _) = run(here, &["openapi"], &[]);
    let document: Value = serde_json::from_str(&words).unwrap();
    assert!(status == 0 && document["openapi"].is_string());
    let (_, key, _) = run(here, &["keys", "new"], &[]);
    assert!(shuitian::base::keys::Keys::parse(&key).is_ok());
    assert!(!here.join("data").exists(), "printing the document or a key opens nothing");
    let (_, words, _) = run(here, &["migrate", "status"], &[]);
    assert!(words.contains("m0001_foundation  Pending"), "asking changes nothing: {words}");
    let (_, words, _) = run(here, &["migrate"], &[]);
    assert!(words.contains("m0001_foundation  Applied"), "{words}");
    let (status, words, _) = run(here, &["migrate", "down", "1"], &[]);
    assert!(status == 0 && words.contains("Pending"), "{words}");
    for (wrong, words) in [("--cases=0", "--cases"), ("--residents=none", "--residents"), ("--months=121", "1..=120")] {
        refused(here, &["demo", wrong], &[], 2, &[words]);
    }
    let size = ["demo", "--seed", "7", "--residents", "200", "--cases", "90", "--months", "4"];
    assert_eq!(run(here, &size, &[]).0, 0);
    refused(here, &["demo"], &[], 1, &["not_empty"]);
    refused(here, &["bulletin", "2026-H1"], &[], 1, &["2026-10"]);
    let month = shuitian::domain::figure::Month::of(shuitian::base::Clock::default().now().date()).before().word();
    let (status, words, errors) = run(here, &["bulletin", &month, "--out", "通报"], &[]);
    assert_eq!(status, 0, "{errors}");
    let body = std::fs::read_to_string(here.join("通报").join(format!("ST-{month}.json"))).unwrap();
    let page = std::fs::read_to_string(here.join("通报").join(format!("ST-{month}.html"))).unwrap();
    let hash = words.rsplit(' ').next().unwrap().trim();
    assert!(page.contains(hash) && page.contains("草稿") && serde_json::from_str::<Value>(&body).is_ok());
    let again = run(here, &["bulletin", &month, "--out", "通报"], &[]).1;
    assert_eq!(again, words, "same month, same bytes, same hash");
    // The keys go missing beside what they sealed: nothing is made in their place.
    std::fs::remove_file(here.join("data/keys/data.keys")).unwrap();
    refused(here, &["serve"], &[], 2, &["data.keys", "put it back"]);
    assert!(!here.join("data/keys/data.keys").exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_server_without_redis_and_the_next_start_after_a_crash() {
    let here = tempfile::tempdir().unwrap();
    let first = Server::start(here.path(), &[]);
    refused(
        here.path(),
        &["serve", "--listen", "127.0.0.1:0"],
        &[],
        1,
        &[&format!("pid {}", first.pid()), "redis.url"],
    );
    assert_eq!(first.send(Method::GET, "/readyz", None, None).await.status, 200, "the first goes on");
    // New keys under a server that has the old ones: what they seal it could not open.
    assert_eq!(run(here.path(), &["keys", "rotate", "data"], &[]).0, 0);
    refused(here.path(), &["keys", "reindex"], &[], 1, &["a server runs with other keys", "start it again first"]);
    first.kill();
    let next = Server::start(here.path(), &[]);
    let staff = json!({ "username": "director", "password": "shuitian-demo" });
    next.post("/auth/staff", None, staff).await.ok(200);
    next.stop();
    Server::start(here.path(), &[]).stop();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changed_audit_trail_is_told_in_the_log() {
    use sea_orm::ConnectionTrait as _;
    let here = tempfile::tempdir().unwrap();
    let chained = async || {
        let db =
            sea_orm::Database::connect(format!("sqlite://{}/data/shuitian.db", here.path().display())).await.unwrap();
        let count = "select count(*) as n from audit where seq is not null".to_owned();
        let row = db.query_one_raw(sea_orm::Statement::from_string(sea_orm::DbBackend::Sqlite, count)).await.unwrap();
        (row.unwrap().try_get::<i64>("", "n").unwrap(), db)
    };
    let first = Server::start(here.path(), &[]);
    let db = loop {
        let (lines, db) = chained().await;
        if lines > 0 {
            break db;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    };
    assert!(!first.stop().contains("audit trail"), "nobody changed it");
    db.execute_unprepared("update audit set subject = 'somebody else' where seq = 1").await.unwrap();
    db.close().await.unwrap();
    // The next day.
    let next = Server::start(here.path(), &[("SHUITIAN__CLOCK__OFFSET", "86400")]);
    tokio::time::sleep(std::time::Duration::from_secs(3)).await;
    let log = next.stop();
    assert!(log.contains("check_audit") && log.contains("the audit trail of ST was changed at line 1"), "{log}");
}

#[tokio::test]
async fn the_operator_looks_after_texts() {
    let here = tempfile::tempdir().unwrap();
    let here = here.path();
    // Without a gateway nothing goes out.
    let mute = [("SHUITIAN__SMS__GATEWAYS", "")];
    let server = Server::start(here, &mute);
    let signed = server.post("/auth/wechat", None, json!({ "code": "operator-story" })).await.ok(200);
    let token = signed["access_token"].as_str().unwrap();
    let tomorrow = server.send(Method::GET, "/api/v1/slots?guide=SB-03", None, None).await.ok(200);
    let slot = tomorrow["items"].as_array().unwrap().last().unwrap()["id"].clone();
    let applicant = json!({ "name": "田小满", "phone": "13800000001" });
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": applicant });
    server.post("/bookings", Some(token), wish).await.ok(201);
    server.stop();
    let (status, words, _) = run(here, &["notice", "list", "--state", "due"], &mute);
    let confirmed = words.lines().find(|l| l.contains("booking.confirmed")).unwrap_or_else(|| panic!("{words}"));
    let id = confirmed.split_whitespace().next().unwrap().to_owned();
    assert!(status == 0 && !words.contains("13800000001"), "{words}");
    let (status, words, _) = run(here, &["notice", "explain", &id], &mute);
    assert!(status == 0 && words.contains("138****0001") && words.contains("billed as 1"), "{words}");
    refused(here, &["notice", "retry", &id], &mute, 1, &["not_to_retry", "due"]);
    let change = async |state: &str, fault: &str| {
        let file = format!("sqlite://{}", here.join("data/shuitian.db").display());
        let db = sea_orm::Database::connect(file).await.unwrap();
        let sql = format!(
            "update notice set state = '{state}', fault = '{fault}', done_at = 1 where kind = 'booking.confirmed'"
        );
        sea_orm::ConnectionTrait::execute_unprepared(&db, &sql).await.unwrap();
        db.close().await.unwrap();
    };
    change("unsure", "read_timeout").await;
    let (_, words, _) = run(here, &["notice", "explain", &id], &mute);
    assert!(words.contains("may have gone out, nobody knows (read_timeout)"), "{words}");
    refused(here, &["notice", "retry", &id], &mute, 1, &["not_to_retry", "--unsure"]);
    assert_eq!(run(here, &["notice", "retry", &id, "--unsure"], &mute).0, 0);
    change("rejected", "black_list").await;
    let (_, words, _) = run(here, &["notice", "list"], &mute);
    assert!(words.contains("rejected") && words.contains("black_list"), "{words}");
    let (status, words, _) = run(here, &["notice", "retry", &id], &mute);
    assert!(status == 0 && words.contains("next round"), "{words}");
    let nobody = "00000000-0000-0000-0000-000000000001";
    refused(here, &["notice", "explain", nobody], &mute, 1, &["unknown_notice"]);
    refused(here, &["notice", "list", "--state", "lost"], &mute, 2, &["lost", "unsure"]);
    // A centre's own words.
    let file = here.join("texts.json");
    std::fs::write(&file, r#"[{"kind": "booking.confirmed", "body": "约好了：{when}。"}]"#).unwrap();
    let (status, words, _) = run(here, &["import", "texts", "--dry-run", file.to_str().unwrap()], &mute);
    assert!(status == 0 && words.contains("1 texts would change") && words.contains("约好了：11月25日"), "{words}");
    let (status, words, _) = run(here, &["import", "texts", file.to_str().unwrap()], &mute);
    assert!(status == 0 && words.contains("booking.confirmed version 1: billed as 1"), "{words}");
    std::fs::write(&file, r#"[{"kind": "booking.confirmed", "body": "约好了：{name}。"}]"#).unwrap();
    refused(here, &["import", "texts", file.to_str().unwrap()], &mute, 1, &["bad_texts", "{name}"]);
}

#[test]
fn the_doctor_says_what_is_wrong_and_what_to_do() {
    let here = tempfile::tempdir().unwrap();
    let here = here.path();
    let doctor = |variables: &[(&str, &str)]| run(here, &["doctor"], variables);
    let (status, words, _) = doctor(&[]);
    assert!(status == 1 && words.contains("schema behind: run `shuitian migrate`"), "{words}");
    assert_eq!(run(here, &["migrate", "up"], &[]).0, 0);
    let (status, words, _) = doctor(&[]);
    assert!(status == 1 && words.contains("ILL   centre     there is none"), "{words}");
    let centre = concat!(env!("CARGO_MANIFEST_DIR"), "/seed/centre.json");
    assert_eq!(run(here, &["import", "centre", centre], &[]).0, 0);
    let none = [("SHUITIAN__SMS__GATEWAYS", ""), ("SHUITIAN__HTTP__PUBLIC_URL", "https://bm.example.gov.cn")];
    let (status, words, errors) = doctor(&none);
    assert_eq!(status, 0, "{words}{errors}");
    for part in [
        "look  centre     ST has no guides",
        "look  centre     ST has no staff",
        "look  centre     ST has no posts",
        "look  centre     ST has no delegations",
        "look  gateway    no gateway takes texts",
        "look  proxies    http.trusted_proxies is empty",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    // Without consents the windows take in for nobody: an office without a post of its own is left.
    let seed = |file: &str| format!("{}/seed/{file}.json", env!("CARGO_MANIFEST_DIR"));
    let shipped =
        |file: &str| -> Vec<Value> { serde_json::from_str(&std::fs::read_to_string(seed(file)).unwrap()).unwrap() };
    let written = |name: &str, rows: Vec<Value>| {
        let file = here.join(name);
        std::fs::write(&file, serde_json::to_string(&rows).unwrap()).unwrap();
        file.to_str().unwrap().to_owned()
    };
    let few = shipped("posts").into_iter().filter(|post| post["office"] != "TY").collect();
    let mut long_there = shipped("staff");
    long_there.iter_mut().for_each(|of| of["active_from"] = json!("2020-01-01"));
    let files = [
        ("guides", seed("guides")),
        ("staff", written("staff.json", long_there)),
        ("posts", written("posts.json", few)),
    ];
    for (what, file) in files {
        assert_eq!(run(here, &["import", what, &file], &[]).0, 0, "{what}");
    }
    let (_, words, _) = doctor(&none);
    assert!(words.contains("takes the matters of TY in nowhere: run `shuitian import windows FILE`"), "{words}");
    let (status, said, _) = run(here, &["import", "windows", &seed("windows")], &[]);
    assert!(status == 0 && said.contains("8 consents are recorded"), "{said}");
    assert!(!doctor(&none).1.contains("in nowhere"));
    std::fs::remove_dir_all(here.join("data")).unwrap();
    assert_eq!(run(here, &["demo", "--seed", "7"], &[]).0, 0);
    let (status, words, errors) = doctor(&[]);
    assert_eq!(status, 0, "{words}{errors}");
    for part in [
        "look  settings   profile demo",
        "look  gateway    texts are printed here",
        "ok    database   SQLite",
        "ok    file       the file is whole",
        "ok    keys",
        "look  timetable  no worker has run yet",
        "look  accounts   demonstration accounts exist",
        "ok    audit      ST: the trail is whole",
        "ok    cache      tries are counted in memory",
    ] {
        assert!(words.contains(part), "{part}: {words}");
    }
    // What would wait for ever, and what nobody could write.
    let nothing_approved = [
        ("SHUITIAN__SMS__GATEWAYS", "tencent"),
        ("SHUITIAN__SMS__TENCENT__ENDPOINT", "http://127.0.0.1:1"),
        ("SHUITIAN__SMS__TENCENT__SECRET_ID", "AKIDEXAMPLE"),
        ("SHUITIAN__SMS__TENCENT__SECRET_KEY", "secret"),
        ("SHUITIAN__SMS__TENCENT__SDK_APP_ID", "1400006666"),
        ("SHUITIAN__SMS__TENCENT__SIGN_NAME", "水田乡政府"),
        ("SHUITIAN__UPLOAD__DIRECTORY", "/proc/nowhere"),
    ];
    let (status, words, _) = doctor(&nothing_approved);
    for part in [
        "ILL   gateway    tencent was asked: it cannot be reached from here",
        "ILL   texts      ST: no vendor has approved a template for code, booking.confirmed",
        "ILL   upload     cannot write to /proc/nowhere (upload.directory)",
        "look  upload     ST: its file does not say how the platform knows it",
    ] {
        assert!(status == 1 && words.contains(part), "{part}: {words}");
    }
    let (status, words, errors) = doctor(&[("SHUITIAN__REDIS__URL", "redis://127.0.0.1:1")]);
    assert!(status == 1 && words.contains("ILL   cache") && errors.contains("1 parts need help"), "{words}{errors}");
    let away = [("SHUITIAN__DATABASE__URL", "postgres://nobody@127.0.0.1:1/none")];
    let (status, _, errors) = doctor(&away);
    assert!(status == 1 && errors.contains("cannot reach PostgreSQL at database.url"), "{errors}");
    // A key that was lost is named before anybody needs it.
    let keys = here.join("data/keys/data.keys");
    let lost = std::fs::read_to_string(&keys).unwrap();
    let (_, fresh, _) = run(here, &["keys", "new"], &[]);
    std::fs::write(&keys, fresh).unwrap();
    let (status, words, _) = doctor(&[]);
    let id = lost.split_whitespace().next().unwrap();
    assert!(status == 1 && words.contains("ILL   keys") && words.contains(&format!("data key {id}")), "{words}");
}
