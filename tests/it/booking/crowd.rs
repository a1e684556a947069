//! Crowds: many who press at once.

use super::{book, import, offer};
use crate::person::Person;
use crate::town::{Town, at, stories};
use chrono::Duration;
use entity::Id;
use entity::applicant::ApplicantKind;
use entity::booking::{BookingState, held, slot};
use futures_util::stream::{self, StreamExt as _};
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};
use serde_json::json;
use shuitian::base::{Error, Random};
use shuitian::domain::Who;
use shuitian::domain::applicant::Typed;
use shuitian::domain::booking::{self, Wish};
use shuitian::domain::identity::resident;
use std::collections::BTreeMap;
use std::sync::Mutex;

stories!(
    of_a_thousand_who_want_ten_places_ten_get_one,
    ten_thousand_takes_holds_moves_and_returns_lose_no_place_and_pass_no_limit,
);

/// People who came by WeChat, each from an address of his own.
async fn people(town: &Town, count: usize) -> Vec<Person<'_>> {
    let sign_in = async |n: usize| {
        // The stand-in answers this machine alone, which has many addresses.
        let person = town.stranger().from(&format!("127.1.{}.{}", n >> 8, n & 255));
        let answer = person.post("/auth/wechat", json!({ "code": format!("crowd-{n}") })).await.ok(200);
        person.with(&answer)
    };
    stream::iter(0..count).map(sign_in).buffered(16).collect().await
}

async fn of_a_thousand_who_want_ten_places_ten_get_one(town: &Town) {
    let wide = offer(|file| {
        let templates = &mut file["groups"][0]["templates"];
        let mut wide = templates[0].clone();
        (wide["from"], wide["capacity"]) = (json!("2026-11-25"), json!(12));
        templates.as_array_mut().unwrap().push(wide);
    });
    import(town, wide).await.unwrap();
    let people = people(town, 1000).await;
    let slot = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    let keyed: Vec<Person<'_>> = people.iter().map(|p| p.once("key-of-the-crowd")).collect();
    let take = |person| book(person, &slot, "田小满");
    let answers: Vec<_> = stream::iter(&keyed).map(take).buffered(1000).collect().await;
    let taken: Vec<usize> = (0..1000).filter(|n| answers[*n].status == 201).collect();
    assert_eq!(taken.len(), 10);
    // Whoever did not hear his answer asks again, and is given the same, though all is taken.
    for n in &taken {
        assert_eq!(book(&keyed[*n], &slot, "田小满").await.ok(201), answers[*n].body);
    }
    for other in answers.into_iter().filter(|a| a.status != 201) {
        other.refused(booking::SLOT_FULL);
    }
    let kept = slot::Entity::find().filter(slot::Column::Id.eq(slot.parse::<Id>().unwrap()));
    assert_eq!(kept.one(town.app.read()).await.unwrap().unwrap().taken, 10);
    town.deliver().await;
}

/// What one of the crowd does.
#[derive(Clone, Copy)]
enum Deed {
    Take,
    Hold,
    Move,
    GiveBack,
    /// The timetable comes by, a minute later.
    Free,
}

async fn ten_thousand_takes_holds_moves_and_returns_lose_no_place_and_pass_no_limit(town: &Town) {
    const DEEDS: usize = 10_000;
    let accounts: Vec<Id> = town
        .act(async |act| {
            let mut accounts = Vec::new();
            for n in 0..100 {
                accounts.push(resident::by_openid(act, &format!("crowd-{n}")).await?.id);
            }
            Ok(accounts)
        })
        .await;
    let starts = town.stranger().get("/slots?guide=SB-03&from=2026-11-25&to=2026-12-01").await.ok(200);
    let slots: Vec<Id> = starts["items"]
        .as_array()
        .unwrap()
        .iter()
        .take(50)
        .map(|s| s["id"].as_str().unwrap().parse().unwrap())
        .collect();
    assert_eq!(slots.len(), 50);
    // What the crowd holds, as it believes: the model.
    let (held, seed) = (Mutex::new(Vec::<(Id, Id)>::new()), Random::system().between(0, i64::MAX - 1));
    let random = Random::seeded(seed.unsigned_abs());
    let holds = Mutex::new(BTreeMap::<usize, (Id, Id)>::new());
    let pick = |n: usize| usize::try_from(random.between(0, i64::try_from(n).unwrap() - 1)).unwrap();
    let deeds: Vec<(Deed, usize, usize)> = (0..DEEDS)
        .map(|_| {
            let deeds = [Deed::Take, Deed::Take, Deed::Hold, Deed::Move, Deed::GiveBack];
            let deed = if pick(40) == 0 { Deed::Free } else { deeds[pick(deeds.len())] };
            (deed, pick(accounts.len()), pick(slots.len()))
        })
        .collect();
    let refused = Mutex::new(BTreeMap::<&'static str, usize>::new());
    let one = async |n: usize, (deed, account, slot): (Deed, usize, usize)| {
        let (n_account, account, slot) = (account, accounts[account], slots[slot]);
        let mine = {
            let mut held = held.lock().unwrap();
            let at = (!held.is_empty()).then(|| n % held.len());
            // Two may reach for the same booking: it is put back by whoever did not give it up.
            let takes_one = matches!(deed, Deed::Move | Deed::GiveBack);
            at.map(|at| if takes_one { held.swap_remove(at) } else { held[at] })
        };
        let who = |account| Who::Resident(account);
        let done = match (deed, mine) {
            (Deed::Free, _) => {
                town.app.clock.advance(Duration::minutes(1));
                town.act(booking::free_places).await;
                Ok(None)
            }
            (Deed::Hold, _) => {
                let hold = async |act: &_| booking::hold(act, "SB-03", slot, false).await;
                let held = town.app.write(&town.centre, who(account), hold).await;
                held.map(|hold| {
                    holds.lock().unwrap().insert(n_account, (slot, hold.id));
                    None
                })
            }
            (Deed::Take, _) | (_, None) => {
                // Whoever had a place kept comes back for it, sooner or later.
                let kept = holds.lock().unwrap().remove(&n_account);
                let (slot, hold) = kept.map_or((slot, None), |(slot, hold)| (slot, Some(hold)));
                let applicant = Typed {
                    kind: ApplicantKind::Person,
                    name: format!("第{n}位"),
                    phone: None,
                    id_type: None,
                    id_number: None,
                };
                let wish = Wish { slot, guide: "SB-03".to_owned(), applicant, for_other: false, hold };
                let taken =
                    town.app.write(&town.centre, who(account), async |act| booking::book(act, wish).await).await;
                taken.map(|b| Some((account, b.row.id)))
            }
            (Deed::Move, Some((account, id))) => {
                let moved = async |act: &_| booking::reschedule(act, id, slot).await;
                let moved = town.app.write(&town.centre, who(account), moved).await;
                if moved.is_err() {
                    held.lock().unwrap().push((account, id));
                }
                moved.map(|_| Some((account, id)))
            }
            (Deed::GiveBack, Some((account, id))) => {
                town.app.write(&town.centre, who(account), async |act| booking::cancel(act, id).await).await.unwrap();
                Ok(None)
            }
        };
        match done {
            Ok(Some(pair)) => held.lock().unwrap().push(pair),
            Ok(None) => {}
            Err(Error::Refused(told)) => *refused.lock().unwrap().entry(told.refusal.code).or_default() += 1,
            Err(fault) => panic!("seed {seed}: {fault}"),
        }
    };
    stream::iter(deeds.into_iter().enumerate()).for_each_concurrent(64, |(n, deed)| one(n, deed)).await;
    let refused = refused.into_inner().unwrap();
    assert!(refused.keys().all(|c| ["slot_full", "too_many_bookings", "already_booked"].contains(c)), "{refused:?}");
    assert!(refused["slot_full"] > 100, "the crowd was large enough: {refused:?}");
    // The database holds what the crowd believes, place by place.
    let mut believed: Vec<Id> = held.into_inner().unwrap().into_iter().map(|(_, id)| id).collect();
    let open = entity::booking::Entity::find().filter(entity::booking::Column::State.eq(BookingState::Booked));
    let open = open.all(town.app.read()).await.unwrap();
    let mut kept: Vec<Id> = open.iter().map(|b| b.id).collect();
    believed.sort_unstable();
    kept.sort_unstable();
    assert_eq!(kept, believed, "seed {seed}");
    let kept_back = held::Entity::find().all(town.app.read()).await.unwrap();
    assert!(!kept_back.is_empty());
    for slot in slot::Entity::find().all(town.app.read()).await.unwrap() {
        let booked = open.iter().filter(|b| b.slot_id == slot.id).count();
        let here = i32::try_from(booked + kept_back.iter().filter(|k| k.slot_id == slot.id).count()).unwrap();
        assert_eq!((slot.taken, slot.taken_online), (here, here), "seed {seed}");
        assert!(slot.taken_online <= slot.online, "seed {seed}");
    }
    // An hour later nothing is kept from anybody, and all that nobody holds is there again.
    town.wait(Duration::hours(1)).await;
    assert_eq!(held::Entity::find().count(town.app.read()).await.unwrap(), 0);
    for slot in slot::Entity::find().all(town.app.read()).await.unwrap() {
        let booked = open.iter().filter(|b| b.slot_id == slot.id).count();
        assert_eq!(slot.taken, i32::try_from(booked).unwrap(), "seed {seed}");
    }
}
