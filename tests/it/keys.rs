//! Keys are rotated while a township goes on working.

use crate::ground::keys_of_templates;
use crate::town::{Town, at, stories};
use entity::applicant::ApplicantKind;
use serde_json::json;
use shuitian::base::Random;
use shuitian::base::database::Work;
use shuitian::base::keys::{Keys, fresh};
use shuitian::base::vault::Vault;
use shuitian::domain::act::Page;
use shuitian::domain::applicant::Typed;
use shuitian::domain::booking::Wish;
use shuitian::domain::case::{self, Filter, Sight};
use shuitian::domain::identity::resident;
use shuitian::domain::{Act, Who, booking, reseal};
use std::sync::Arc;

stories!(after_a_rotation_all_is_found_and_after_resealing_the_old_key_may_go);

async fn after_a_rotation_all_is_found_and_after_resealing_the_old_key_may_go(town: &Town) {
    const PHONE: &str = "13800000001";
    let person = town.resident(PHONE).await.once("key-of-a-booking");
    let slot = town.slot("SB-03", at("2026-11-25", 9, 0)).await;
    person
        .post("/bookings", json!({ "slot_id": slot, "guide": "SB-03", "applicant": { "name": "田小满" } }))
        .await
        .ok(201);
    let window = town.staff("window1").await;
    let rings_up = json!({ "name": "向大娘", "phone": "13800000002" });
    window.post("/bookings", json!({ "slot_id": slot, "guide": "SB-03", "applicant": rings_up })).await.ok(201);
    let applicant =
        json!({ "name": "田小满", "phone": PHONE, "id_type": "id_card", "id_number": "11010519491231002X" });
    let refused =
        window.post("/cases", json!({ "guide": "MZ-01", "channel": "window", "applicant": applicant })).await.ok(201);
    let number = refused["number"].as_str().unwrap().to_owned();
    window.post(&format!("/cases/{number}/refuse"), json!({ "ground": "户籍不在本乡，请到户籍地" })).await.ok(200);
    town.deliver().await;
    town.text_from(PHONE, "A2").await.ok(200);
    let ended = town.issued("SB-03", Some(PHONE)).await;
    let token = ended["invitation"]["url"].as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    town.stranger().post("/reviews", json!({ "token": token, "grade": 5, "comment": "谢谢" })).await.ok(201);
    town.deliver().await;

    let random = Random::system();
    let old = |name: &str| std::fs::read_to_string(keys_of_templates().join(format!("{name}.keys"))).unwrap();
    let new = [fresh(&random), fresh(&random)];
    let keys = |text: &str| Keys::parse(text).unwrap();
    let vault = |data: &str, index: &str| Vault::new(keys(&old("token")), keys(data), keys(index), random.clone());
    let rotated = vault(&format!("{},{}", new[0], old("data")), &format!("{},{}", new[1], old("index")));
    let alone = vault(&new[0], &new[1]);
    let (db, centre) = (town.app.read(), town.centre.id);
    let account = entity_account(town).await;

    let seen_with = async |vault: &Vault| {
        let known = resident::known(db, vault, centre, account).await?;
        let (cases, _) = case::list(
            db,
            vault,
            &town.centre,
            &Sight::of(db, vault, &town.centre, &Who::Resident(account), town.app.clock.now()).await?,
            Filter::default(),
            Page::new(None, None)?,
            town.app.clock.now(),
        )
        .await?;
        let (bookings, _) = booking::list_of_account(db, vault, &town.centre, &known, Page::new(None, None)?).await?;
        let names: Vec<String> = bookings.into_iter().filter_map(|b| b.applicant).map(|a| a.name).collect();
        Ok::<_, shuitian::base::Error>((known.phone, cases.len(), names))
    };
    let expected = (Some(PHONE.to_owned()), 2, vec!["田小满".to_owned()]);
    assert_eq!(seen_with(&rotated).await.unwrap(), expected, "found under the index of the old key");
    let lost = seen_with(&alone).await.unwrap_err().to_string();
    assert!(lost.contains("no data key"), "{lost}");

    // The same person does not get a second place in the same half hour because the keys changed.
    let again = async |vault: Vault, who: Who, name: &str, phone: Option<&str>| {
        let (tx, now, rules) = (town.app.database.begin().await.unwrap(), town.app.clock.now(), town.app.rules.clone());
        let act =
            Act::new(Work::Transaction(tx), now, who, town.centre.clone(), Arc::new(vault), random.clone(), rules);
        let applicant = Typed {
            kind: ApplicantKind::Person,
            name: name.to_owned(),
            phone: phone.map(ToOwned::to_owned),
            id_type: None,
            id_number: None,
        };
        let wish =
            Wish { slot: slot.parse().unwrap(), guide: "SB-03".to_owned(), applicant, for_other: false, hold: None };
        booking::book(&act, wish).await.unwrap_err().to_string()
    };
    let both = || (format!("{},{}", new[0], old("data")), format!("{},{}", new[1], old("index")));
    let by_account = again(vault(&both().0, &both().1), Who::Resident(account), "田小满", None).await;
    let by_window = again(vault(&both().0, &both().1), Who::Operator, "向大娘", Some("13800000002")).await;
    assert!(by_account.contains("already_booked") && by_window.contains("already_booked"), "{by_account} {by_window}");

    let done = reseal::all(&town.app.database, &rotated).await.unwrap();
    for table in [
        "account",
        "applicant",
        "booking",
        "case_event",
        "idempotency",
        "invitation",
        "notice",
        "review",
        "service_case",
        "uplink",
    ] {
        let rows = done.iter().find(|(name, _)| *name == table).unwrap_or_else(|| panic!("{table} was passed over")).1;
        assert!(rows > 0, "{table} had nothing to reseal in this story");
    }
    assert_eq!(seen_with(&alone).await.unwrap(), expected, "the old keys are needed no more");
    assert!(seen_with(&town.app.vault).await.is_err(), "and open nothing any more");
    let new_alone = vault(&new[0], &new[1]);
    let by_window = again(new_alone, Who::Operator, "向大娘", Some("13800000002")).await;
    assert!(by_window.contains("already_booked"), "{by_window}");
    let once_more = reseal::all(&town.app.database, &alone).await.unwrap();
    assert_eq!(once_more, done, "resealing again goes through the same rows");
}

async fn entity_account(town: &Town) -> entity::Id {
    use sea_orm::EntityTrait as _;
    entity::identity::account::Entity::find().one(town.app.read()).await.unwrap().unwrap().id
}
