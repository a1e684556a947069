//! Every door of the document is tried as a stranger, in every role, and as the right role of another centre.
//!
//! The table beside it is written by hand, apart from the ranks in the handlers: the two must agree, and a door that is not in
//! the table fails.

mod table;

use crate::person::Person;
use crate::town::{Town, nobody, stories};
use entity::Id;
use entity::booking::appeal;
use entity::notice::{Column, Entity as Notices, NoticeState, uplink};
use reqwest::Method;
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde_json::{Value, json};
use shuitian::access::{FORBIDDEN, OTHER_CENTRE};
use shuitian::api;
use shuitian::base::Refusal;
use shuitian::domain::identity::session::NOT_SIGNED_IN;
use shuitian::domain::identity::staff;
use shuitian::domain::published::Centre;
use shuitian::domain::{
    Act, Who, authority, booking, case, cover, file, guide, leave, matter, notice, queue, seal, supervision,
};
use shuitian::gateway::sms::Outcome;
use std::collections::BTreeMap;
use std::sync::Arc;
use table::{ROLES, body_of, table};

stories!(each_door_opens_to_its_roles_and_to_nobody_else, each_door_is_closed_to_the_wrong_owner);

/// What doors are about, by the first word of their path, and how each says that it is not there.
type Things = BTreeMap<&'static str, (String, Refusal)>;

/// Things that nobody has.
fn nothing() -> Things {
    let of = |refusal| (nobody().to_string(), refusal);
    BTreeMap::from([
        ("bookings", of(booking::UNKNOWN_BOOKING)),
        ("holds", of(booking::UNKNOWN_HOLD)),
        ("booking-appeals", of(booking::UNKNOWN_APPEAL)),
        ("calendar", of(booking::UNKNOWN_CLOSURE)),
        ("tickets", of(queue::UNKNOWN_TICKET)),
        ("texts", of(notice::UNKNOWN_NOTICE)),
        ("replies", of(notice::UNKNOWN_NOTICE)),
        ("leaves", of(leave::UNKNOWN_LEAVE)),
        ("handovers", of(cover::UNKNOWN_HANDOVER)),
        ("negatives", of(case::UNKNOWN_FILING)),
        ("orders", of(supervision::UNKNOWN_ORDER)),
        ("windows", of(matter::UNKNOWN_CONSENT)),
        ("delegations", of(authority::UNKNOWN_DELEGATION)),
        ("seals", of(seal::UNKNOWN_SEAL)),
        ("guides", of(guide::draft::UNKNOWN_DRAFT)),
        ("files", of(file::UNKNOWN_FILE)),
        ("cases", ("ST-B-20261124-9999".to_owned(), case::UNKNOWN_CASE)),
    ])
}

/// Method, path and name of every operation in the document, about these things.
fn operations(things: &Things) -> Vec<(Method, String, String)> {
    let document: Value = serde_json::from_str(&api::document()).unwrap();
    let mut operations = Vec::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let thing = things.get(path.split('/').nth(1).unwrap()).map_or("", |(thing, _)| thing);
            let path = path
                .replace("{id}", thing)
                .replace("{number}", thing)
                .replace("{period}", "2026-09")
                .replace("{key}", "received")
                .replace("{n}", "1")
                .replace("{code}", "SB-99")
                .replace("{document}", &nobody().to_string());
            let method = method.to_uppercase().parse().unwrap();
            operations.push((method, path, operation["operationId"].as_str().unwrap().to_owned()));
        }
    }
    operations
}

async fn each_door_opens_to_its_roles_and_to_nobody_else(town: &Town) {
    let table = table();
    let mut people = vec![("stranger", town.stranger())];
    for role in ROLES {
        let person = if role == "resident" { town.resident("13800000001").await } else { town.staff(role).await };
        people.push((role, person));
    }
    let operations = operations(&nothing());
    assert_eq!(operations.len(), table.len(), "a door is missing from the table, or no longer there");
    for (method, path, name) in &operations {
        let who = table.get(name.as_str()).unwrap_or_else(|| panic!("{name} is not in the table"));
        for (role, person) in &people {
            // Leaving would end the session that the next door needs; what displays hear never ends (`queue::watch`).
            if (name == "sign_out" && *role != "stranger") || name == "events" {
                continue;
            }
            // Without fields every body is refused: what passes the guard stops there and changes nothing.
            let answer = person.send(method.clone(), path, Some(json!({}))).await;
            let at = format!("{name} as {role}: {} {}", answer.status, answer.text);
            assert_ne!(answer.status, 500, "{at}");
            if who.is_empty() || who.contains(role) {
                assert!(answer.status != 403 || answer.body["code"] != FORBIDDEN.code, "{at}");
                assert_ne!(answer.status, 401, "{at}");
            } else if *role == "stranger" {
                answer.refused(NOT_SIGNED_IN);
            } else {
                assert_eq!(answer.body["code"], FORBIDDEN.code, "{at}");
                answer.refused(FORBIDDEN);
            }
        }
    }
    // A second centre: whoever is of the right role there finds nothing here.
    town.second_centre().await;
    for (method, path, name) in &operations {
        if table[name.as_str()].is_empty() || name == "events" {
            continue;
        }
        for (role, person) in &people {
            if *role != "stranger" {
                let answer = person.at("QX").send(method.clone(), path, Some(json!({}))).await;
                assert_eq!(answer.body["code"], OTHER_CENTRE.code, "{name} as {role}: {}", answer.text);
            }
        }
    }
}

async fn each_door_is_closed_to_the_wrong_owner(town: &Town) {
    let owner = town.resident("13800000001").await;
    let slot = town.slot("SB-03", crate::town::at("2026-11-24", 10, 0)).await;
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "田小满" } });
    let used = owner.post("/bookings", wish).await.ok(201)["id"].as_str().unwrap().to_owned();
    let slot = town.slot("SB-03", crate::town::at("2026-11-25", 10, 0)).await;
    let wish = json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "田小满" } });
    let booked = owner.post("/bookings", wish).await.ok(201)["id"].as_str().unwrap().to_owned();
    let intake = json!({ "guide": "SB-03", "channel": "window", "booking_id": used, "applicant": { "name": "田小满", "phone": "13800000001" } });
    let number =
        town.staff("window1").await.post("/cases", intake).await.ok(201)["number"].as_str().unwrap().to_owned();
    let hold = json!({ "slot_id": slot, "guide": "SB-03" });
    let hold = owner.post("/holds", hold).await.ok(201)["id"].as_str().unwrap().to_owned();
    let appeal = town.act(async |act| appealed(act, booked.parse().unwrap()).await).await;
    let closing = json!({ "date": "2026-12-02", "reason": "停电检修", "then": "move" });
    let closed = town.staff("director").await.post("/calendar/closures", closing).await.ok(201);
    let closure = closed["id"].as_str().unwrap().to_owned();
    let ticket = town.staff("window1").await.post("/tickets", json!({})).await.ok(201);
    let ticket = ticket["id"].as_str().unwrap().to_owned();
    town.memory().answer_next(Outcome::Rejected("black_list".to_owned()));
    town.act(async |act| crate::town::say_texts(act, 0..1).await).await;
    town.deliver().await;
    let refused = Column::State.eq(NoticeState::Rejected);
    let refused = Notices::find().filter(refused).one(town.app.read()).await.unwrap().unwrap().id.to_string();
    town.text_from("13800000001", "请问几点上班").await.ok(200);
    let reply = uplink::Entity::find().one(town.app.read()).await.unwrap().unwrap().id.to_string();
    let (leave, handover) = (asked(town, "supervisor").await, asked(town, "window2").await);
    let approve = format!("/leaves/{handover}/approve");
    town.staff("director").await.post(&approve, json!({})).await.ok(200);
    let handover =
        town.staff("window2").await.get("/handovers").await.ok(200)["items"][0]["id"].as_str().unwrap().to_owned();
    let no = town.received("SB-01", None).await["number"].as_str().unwrap().to_owned();
    let ground = json!({ "ground": "户籍不在本乡，不予受理" });
    town.staff("window1").await.post(&format!("/cases/{no}/refuse"), ground).await.ok(200);
    let negative =
        town.staff("director").await.get("/negatives").await.ok(200)["items"][0]["id"].as_str().unwrap().to_owned();
    let order = json!({ "words": "请说明为什么不予受理", "due_on": "2026-11-26" });
    let order_of = town.received("SB-01", None).await["number"].as_str().unwrap().to_owned();
    let order = town.staff("director").await.post(&format!("/cases/{order_of}/orders"), order).await.ok(201);
    let order = order["id"].as_str().unwrap().to_owned();
    let window =
        town.staff("director").await.get("/windows").await.ok(200)["items"][0]["id"].as_str().unwrap().to_owned();
    let mark = json!({ "name": "受理专用章", "keeper": "SX", "from": "2026-11-24" });
    let mark = town.staff("director").await.post("/seals", mark).await.ok(201)["id"].as_str().unwrap().to_owned();
    let began = town.staff("window1").await.post("/guides/drafts", json!({ "code": "SB-01" })).await.ok(201);
    let draft = began["id"].as_str().unwrap().to_owned();
    let file =
        owner.upload("material", "身份证.pdf", b"%PDF-1.7\n%%EOF").await.ok(201)["id"].as_str().unwrap().to_owned();
    let mut things = nothing();
    let appeal = appeal.to_string();
    let real = [
        ("bookings", booked),
        ("holds", hold),
        ("booking-appeals", appeal),
        ("calendar", closure),
        ("tickets", ticket),
        ("texts", refused),
        ("replies", reply),
        ("leaves", leave),
        ("handovers", handover),
        ("negatives", negative),
        ("orders", order),
        ("windows", window),
        ("seals", mark),
        ("guides", draft),
        ("files", file),
        ("cases", number),
    ];
    for (word, thing) in real {
        things.get_mut(word).unwrap().0 = thing;
    }
    // While the chief representative is there, nobody stands in for him.
    town.sign_in("director").await;
    // Another resident, an office whose matter it is not, and people of another centre with every role: right roles,
    // wrong owners.
    let here = [
        ("resident", town.resident("13800000002").await),
        ("office1", town.staff("office1").await),
        ("head1", town.staff("head1").await),
    ];
    let other = town.second_centre().await;
    let there = [
        ("director", colleague(town, &other, "director").await),
        ("window1", colleague(town, &other, "window").await),
        ("resident", neighbour(town).await),
    ];
    let before = town.rows().await;
    let (table, mut tried) = (table(), 0);
    for (method, path, name) in operations(&things) {
        let Some((_, refusal)) = things.values().find(|(thing, _)| path.contains(thing)) else { continue };
        for (role, person) in here.iter().chain(&there) {
            if !table[name.as_str()].contains(role) || name == "case_receipt_pdf" && cfg!(not(feature = "pdf")) {
                continue;
            }
            person.send(method.clone(), &path, Some(body_of(&name))).await.refused(*refusal);
            tried += 1;
        }
    }
    let pdf = if cfg!(feature = "pdf") { 6 } else { 0 };
    assert_eq!((tried, town.rows().await), (256 + pdf, before), "every door about one thing, and nothing changed");
}

/// A leave that somebody asked for.
async fn asked(town: &Town, who: &str) -> String {
    let at = |hour| crate::town::at("2026-11-27", hour, 0).local().to_rfc3339();
    let wish = json!({
        "kind": "annual", "starts_at": at(9), "ends_at": at(18), "reason": "年休假", "place": "老家",
    });
    town.staff(who).await.post("/leaves", wish).await.ok(201)["id"].as_str().unwrap().to_owned()
}

/// An appeal that the owner of a booking made.
async fn appealed(act: &Act, booking: Id) -> shuitian::base::Result<Id> {
    let id = act.id();
    let reason = act.seal("booking_appeal.reason", id, "那天停电。")?;
    let (centre_id, at) = (act.centre.id, act.now);
    act.insert(appeal::Model {
        id,
        centre_id,
        booking_id: booking,
        reason,
        at,
        ruled_at: None,
        ruled_by: None,
        granted: None,
        words: None,
    })
    .await?;
    Ok(id)
}

/// A member of staff of another centre, who has signed in there.
async fn colleague<'t>(town: &'t Town, centre: &Arc<Centre>, role: &str) -> Person<'t> {
    let file = json!({ "username": role, "name": "邻乡人", "title": "", "roles": [role] });
    let (file, there) = (serde_json::from_value(file).unwrap(), town.stranger().at("QX"));
    let added = town.app.write(centre, Who::Operator, async |act| staff::add(act, vec![file]).await).await.unwrap();
    let first = &added[0].password;
    let signed = there.post("/auth/staff", json!({ "username": role, "password": first })).await.ok(200);
    let change = json!({ "old_password": first, "new_password": "neighbour-9283" });
    there.with(&signed).post("/auth/password", change).await.ok(204);
    there.with(&there.post("/auth/staff", json!({ "username": role, "password": "neighbour-9283" })).await.ok(200))
}

/// The same villager's phone, signed in at another centre.
async fn neighbour(town: &Town) -> Person<'_> {
    let there = town.stranger().at("QX");
    there.post("/auth/phone/code", json!({ "phone": "13800000001" })).await.ok(202);
    let code = town.code("13800000001").await;
    there.with(&there.post("/auth/phone", json!({ "phone": "13800000001", "code": code })).await.ok(200))
}
