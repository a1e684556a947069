//! Lists of a million cases: each filter is answered by an index, and a page reads no more than twice its rows (PostgreSQL's own words).

use crate::ground::postgres;
use crate::town::{Ground, Town, tell};
use entity::Time;
use entity::case::{CaseState, Model};
use sea_orm::{ConnectionTrait as _, DbBackend, QueryTrait as _, Statement};
use serde_json::{Value, json};
use shuitian::domain::act::{Page, StaffMember};
use shuitian::domain::case::{self, Filter, Lamp, Sight};
use shuitian::domain::identity::staff;
use shuitian::domain::{Who, applicant};
use std::sync::Arc;

const LIMIT: u64 = 20;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_filter_of_a_million_cases_is_answered_by_an_index() {
    if postgres().is_none() {
        return;
    }
    tell(Ground::Postgres, each_filter).await;
}

async fn each_filter(town: &Town) {
    for who in ["office1", "window1", "supervisor"] {
        town.sign_in(who).await;
    }
    fill(town).await;
    let (window, office) = (sight(town, "window1").await, sight(town, "office1").await);
    let now = town.app.clock.now();
    let (db, centre) = (town.app.read(), &*town.centre);
    let civil = shuitian::domain::centre::office(db, centre.id, "MZ").await.unwrap().id;
    let held = case::posts_of(db, centre, "office1", now).await.unwrap();
    assert_eq!(held.len(), 1, "he holds the one post");
    let whole = Filter::default;
    let day = |day: &str| Some(day.parse().unwrap());
    let filters = [
        ("all", whole()),
        ("state", Filter { state: Some(CaseState::Issued), ..whole() }),
        ("a rare state", Filter { state: Some(CaseState::Suspended), ..whole() }),
        ("office", Filter { office: Some(civil), ..whole() }),
        ("holder", Filter { posts: Some(held), ..whole() }),
        ("overdue", Filter { lamp: Some(Lamp::Overdue), ..whole() }),
        ("yellow", Filter { lamp: Some(Lamp::Yellow), ..whole() }),
        ("green", Filter { lamp: Some(Lamp::Green), ..whole() }),
        ("from", Filter { from: day("2026-11-01"), ..whole() }),
        ("between", Filter { from: day("2025-03-01"), until: day("2025-03-02"), ..whole() }),
        ("until", Filter { until: day("2024-06-30"), ..whole() }),
    ];
    for (name, filter) in filters {
        // The first page, and one far on.
        let first = pages(town, &window, &filter, None, name).await;
        pages(town, &window, &filter, first, &format!("{name}, the page after")).await;
    }
    pages(town, &office, &whole(), None, "what an office sees").await;
    let deep = format!("{}.{}", crate::town::at("2025-06-30", 12, 0).0, crate::town::nobody());
    pages(town, &window, &whole(), Some(deep), "a page in the middle").await;
    // So many are not made into one table, and whoever asks is told to take them part by part.
    let all = json!({ "form": "csv", "until": "2024-12-31" });
    town.staff("director").await.post("/cases/export", all).await.refused(case::TOO_MANY_ROWS);
    // A name that many have, by its blind index: the people first, then their cases.
    let page = Page::new(Some(LIMIT), None).unwrap();
    let named = applicant::known_as(&town.app.vault, centre.id, "张伟").unwrap();
    use entity::applicant::Column;
    let people = page.of(named, Column::RecordedAt, Column::Id);
    let plan = read(town, &people.clone().build(DbBackend::Postgres), "the people of a name").await;
    assert_eq!(plan["Plan"]["Actual Rows"].as_f64().unwrap() as u64, LIMIT + 1);
    let ids: Vec<_> = people.all(db).await.unwrap().into_iter().map(|person| person.id).collect();
    read(town, &case::of_applicants(centre.id, &window, &ids).build(DbBackend::Postgres), "their cases").await;
}

/// What somebody sees.
async fn sight(town: &Town, username: &str) -> Sight {
    let (app, now) = (&town.app, town.app.clock.now());
    let row = staff::find(app.read(), town.centre.id, username, now.date()).await.unwrap().unwrap();
    let (roles, device) = (row.roles(), entity::Blind(vec![0; 32]));
    let member = StaffMember { id: row.id, name: row.name, roles, office: row.office_id, device };
    Sight::of(app.read(), &app.vault, &town.centre, &Who::Staff(Arc::new(member)), now).await.unwrap()
}

/// Reads the plans of a page; gives where the next one begins.
async fn pages(town: &Town, sight: &Sight, filter: &Filter, cursor: Option<String>, name: &str) -> Option<String> {
    let (app, now) = (&town.app, town.app.clock.now());
    let page = Page::new(Some(LIMIT), cursor.as_deref()).unwrap();
    let mut rows = Vec::new();
    for part in case::parts(app.read(), &town.centre, sight, filter, page, now).await.unwrap() {
        read(town, &part.clone().build(DbBackend::Postgres), name).await;
        rows.extend(part.all(app.read()).await.unwrap());
    }
    let at = |row: &Model| if filter.lamp.is_some() { Time::at(row.due_on.unwrap(), 0) } else { row.received_at };
    page.cut(rows, |row| (at(row), row.id)).1
}

/// What PostgreSQL did for a question: by an index, and over twice the rows of a page at most.
async fn read(town: &Town, asked: &Statement, name: &str) -> Value {
    let explain = format!("explain (analyze, format json) {asked}");
    let answer = town.app.read().query_one_raw(Statement::from_string(DbBackend::Postgres, explain)).await.unwrap();
    let plan: Value = answer.unwrap().try_get("", "QUERY PLAN").unwrap();
    let plan = plan[0].clone();
    let mut examined = 0.0;
    let mut nodes = vec![&plan["Plan"]];
    while let Some(node) = nodes.pop() {
        let kind = node["Node Type"].as_str().unwrap();
        assert_ne!(kind, "Seq Scan", "{name}: {plan:#}");
        if kind.contains("Scan") && kind != "Bitmap Index Scan" {
            let number = |key: &str| node[key].as_f64().unwrap_or(0.0);
            let of_index = number("Rows Removed by Filter") + number("Rows Removed by Index Recheck");
            examined += (number("Actual Rows") + of_index) * number("Actual Loops");
        }
        nodes.extend(node["Plans"].as_array().into_iter().flatten());
    }
    assert!(examined <= 2.0 * LIMIT as f64, "{name} examined {examined} rows: {plan:#}");
    plan
}

/// A million cases of three years, of which some thousands are under way, copied from one that was really taken in.
async fn fill(town: &Town) {
    town.received("MZ-02", None).await;
    let db = town.app.read();
    let blind = hex::encode(&town.app.vault.blinds("name", town.centre.id, "张伟")[0].0);
    let row = "select c.*, p.id as post from service_case c, post p where p.code = 'MZ1' and p.centre_id = c.centre_id";
    let columns = |of: &str| -> String {
        let changed = [
            "id",
            "number",
            "receipt_number",
            "applicant_id",
            "state",
            "office_id",
            "post_id",
            "received_at",
            "accepted_on",
            "due_on",
            "ended_at",
            "suspended_on",
            "decided_on",
        ];
        of.split(',').map(str::trim).filter(|column| !changed.contains(column)).collect::<Vec<_>>().join(", ")
    };
    let every = "id, centre_id, number, receipt_number, national_number, check_code, guide_id, version_id, office_id, item_kind, \
                 joint, limit_days, applicant_id, account_id, booking_id, window_id, first_asked_id, post_id, channel, state, \
                 received_at, accepted_on, due_on, due_provisional, added_days, suspended_on, extended_on, hearing_until, \
                 decided_on, ended_at";
    let kept = columns(every);
    let statements = [
        // What refers to what is right as it is copied; checking it a million times is not what is looked at.
        "set session_replication_role = replica".to_owned(),
        "create temp table known as select indexname, indexdef from pg_indexes where tablename = 'service_case' \
         and indexdef not like 'CREATE UNIQUE%'"
            .to_owned(),
        "do $$ declare i record; begin for i in select indexname from known loop execute 'drop index ' || i.indexname; end loop; end $$"
            .to_owned(),
        format!(
            "insert into applicant (id, centre_id, kind, name, name_blind, recorded_at) \
             select md5('person' || n)::uuid, a.centre_id, a.kind, a.name, \
             case when n % 25 = 0 then '\\x{blind}'::bytea else sha256(n::text::bytea) end, a.recorded_at - n::bigint * 1000000 \
             from (select * from applicant limit 1) a, generate_series(1, 50000) n"
        ),
        format!(
            "insert into service_case (id, number, receipt_number, applicant_id, state, office_id, post_id, received_at, \
             accepted_on, due_on, ended_at, suspended_on, decided_on, {kept}) \
             select md5('case' || n)::uuid, 'M-B-' || n, 'M-' || n, \
             case when n <= 50000 then md5('person' || n)::uuid else r.applicant_id end, \
             s.state, o.ids[1 + n % array_length(o.ids, 1)], case when s.state in ('accepted', 'suspended') then r.post end, \
             r.received_at - n::bigint * 90000, date '2026-11-24', date '2026-11-24' + (n % 60 - 30)::int, \
             case when s.state = 'issued' then r.received_at end, case when s.state = 'suspended' then date '2026-11-24' end, \
             case when s.state = 'issued' then date '2026-11-24' end, {kept} \
             from ({row}) r, (select array_agg(id) as ids from office) o, generate_series(1, 1000000) n, \
             lateral (select case when n % 200 = 7 then 'accepted' when n % 5000 = 11 then 'suspended' else 'issued' end as state) s"
        ),
        "do $$ declare i record; begin for i in select indexdef from known loop execute i.indexdef; end loop; end $$".to_owned(),
        "drop table known".to_owned(),
        "set session_replication_role = default".to_owned(),
        "analyze applicant".to_owned(),
        "analyze service_case".to_owned(),
    ];
    db.execute_unprepared(&statements.join(";\n")).await.unwrap();
}
