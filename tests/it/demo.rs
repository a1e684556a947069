//! The demonstration is believable, and the same for the same seed.

use crate::town::{Town, at, stories};
use chrono::{Datelike as _, Timelike as _};
use entity::case::Entity;
use migration::MigratorTrait as _;
use sea_orm::EntityTrait as _;
use serde_json::json;
use shuitian::app::App;
use shuitian::base::settings::Settings;
use shuitian::base::{Clock, Random};
use shuitian::demo;
use shuitian::domain::figure::{self, Month};
use std::collections::BTreeMap;
use std::path::Path;

stories!(three_months_with_market_days_a_lunch_dip_late_cases_and_bad_reviews);

async fn figures(town: &Town, month: &str) -> BTreeMap<String, (i64, Option<i64>)> {
    let month = Month::parse(month).unwrap();
    let figures = figure::month(town.app.read(), town.centre.id, month, town.app.clock.now()).await.unwrap();
    figures.into_iter().map(|f| (f.key.clone(), (f.numerator(), f.denominator()))).collect()
}

async fn three_months_with_market_days_a_lunch_dip_late_cases_and_bad_reviews(town: &Town) {
    // A town that is told the story, on the day on which the others stand.
    town.act(async |act| demo::tell(act, &Random::seeded(62)).await).await;
    let october = figures(town, "2026-10").await;
    assert!(october["received"].0 > 60 && october["booked"].0 > 15 && october["rated"].0 > 20, "{october:?}");
    let (in_time, due) = october["ended_in_time"];
    assert!(in_time < due.unwrap(), "some are late");
    assert!(october["bad"].0 > 0 && october["no_show"].0 > 0 && october["late"].0 > 0);
    assert!(october["on_duty"].0 < october["on_duty"].1.unwrap(), "some are absent");

    let cases = Entity::find().all(town.app.read()).await.unwrap();
    let (mut market, mut plain, mut hours) = (Vec::new(), Vec::new(), [0; 24]);
    let mut days: BTreeMap<_, usize> = BTreeMap::new();
    for case in &cases {
        *days.entry(case.received_at.date()).or_default() += 1;
        hours[case.received_at.local().hour() as usize] += 1;
    }
    for (day, count) in days {
        if matches!(day.day() % 10, 1 | 4 | 7) { market.push(count) } else { plain.push(count) }
    }
    let mean = |counts: &[usize]| counts.iter().sum::<usize>() * 100 / counts.len();
    assert!(mean(&market) > mean(&plain) * 5 / 4, "market days are busier: {} and {}", mean(&market), mean(&plain));
    assert!(hours[12] * 10 < hours[10] && hours[15] > 0, "hardly anybody comes at noon: {hours:?}");
    assert!(cases.iter().any(|c| c.ended_at.is_none()) && cases.iter().all(|c| c.received_at <= town.app.clock.now()));
    assert!(town.texts("19900000000").await.is_empty() && town.memory().sent().is_empty(), "the past reaches nobody");

    // The bulletin of last month waits to be signed.
    let director = town.staff("director").await;
    director.post("/bulletins/2026-10/sign", json!({})).await.ok(200);
    // Told again elsewhere, it is the same story, whichever database it is told to.
    let received = (figures(town, "2026-09").await["received"].0, october["received"].0);
    assert_eq!((received, october["bad"].0, october["kept"]), TOLD);
}

/// As an operator loads it: into an empty file, at one moment.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn loaded_at_once_it_has_its_attendance_too() {
    let here = tempfile::tempdir().unwrap();
    let path = |name: &str| here.path().join(name).display().to_string();
    let variables = [
        ("SHUITIAN__DATABASE__URL".to_owned(), format!("sqlite://{}", path("town.db"))),
        ("SHUITIAN__SECURITY__KEYS_DIR".to_owned(), path("keys")),
    ];
    let settings = Settings::load(Some(Path::new("/dev/null")), variables.into_iter()).unwrap();
    let clock = Clock::default();
    clock.set(at("2026-11-24", 9, 30));
    let app = App::open(settings, clock).await.unwrap();
    migration::Migrator::up(app.database.writer(), None).await.unwrap();
    demo::load(&app, 62).await.unwrap();
    let centre = &app.published().await.unwrap().centres[0];
    let october = Month::parse("2026-10").unwrap();
    let figures = figure::month(app.read(), centre.id, october, app.clock.now()).await.unwrap();
    let of = |key: &str| figures.iter().find(|f| f.key == key).map(|f| (f.numerator(), f.denominator())).unwrap();
    let (there, expected) = of("on_duty");
    assert!(there > 100 && there < expected.unwrap(), "{there} of {expected:?}");
    assert!(of("late").0 > 0);
    app.database.close().await;
}

/// Seed 62, told on 24 November 2026: cases received in September and October, October's bad reviews and kept bookings.
const TOLD: ((i64, i64), i64, (i64, Option<i64>)) = ((154, 128), 4, (34, Some(39)));
