//! The demonstration is believable, and the same for the same seed.

use crate::town::{Town, at, stories};
use chrono::{Datelike as _, Timelike as _};
use entity::Time;
use entity::case::Entity;
use migration::MigratorTrait as _;
use sea_orm::EntityTrait as _;
use serde_json::json;
use shuitian::app::App;
use shuitian::base::settings::Settings;
use shuitian::base::{Clock, Random};
use shuitian::demo::{self, Scale};
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
    town.act(async |act| demo::tell(act, &Random::seeded(62), Scale::default(), |_, _| ()).await).await;
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
    demo::load(&app, 62, Scale::default(), |_, _| ()).await.unwrap();
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
const TOLD: ((i64, i64), i64, (i64, Option<i64>)) = ((190, 137), 4, (34, Some(40)));

/// The rules themselves tell a plan, and what they write is, row for row, what was written in bulk.
mod by_the_rules {
    use super::*;
    use crate::town::{Ground, tell};
    use flate2::read::GzDecoder;
    use sea_orm::{ColumnTrait as _, QueryFilter as _};
    use shuitian::demo::{Booked, Fate, NIGHT, Plan, Visit};
    use shuitian::domain::applicant::Typed;
    use shuitian::domain::archive::{self, Scope};
    use shuitian::domain::booking::{self, Wish};
    use shuitian::domain::case::{self, Intake, Move};
    use shuitian::domain::identity::resident;
    use shuitian::domain::review::{self, Key};
    use shuitian::domain::{Act, Who, attendance, reseal};
    use std::io::Read as _;

    /// One by which a small story lacks nothing.
    const SEED: u64 = 62;
    const SMALL: Scale = Scale { residents: 150, cases: 110, months: 2 };

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn sqlite() {
        compare(Ground::Sqlite).await;
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn postgres() {
        compare(Ground::Postgres).await;
    }

    async fn compare(ground: Ground) {
        tell(ground, async |bulk| {
            let before = rows(bulk).await;
            // At the same second as the other: who has come today rests on it.
            bulk.app.clock.set(at("2026-11-24", 9, 31));
            bulk.act(async |act| demo::tell(act, &Random::seeded(SEED), SMALL, |_, _| ()).await).await;
            let bulk = told(rows(bulk).await, &before);
            tell(ground, async |ruled| {
                let before = rows(ruled).await;
                ruled.app.clock.set(at("2026-11-24", 9, 31));
                ruled.act(async |act| by_rules(act).await).await;
                let ruled = told(rows(ruled).await, &before);
                // A past that is told has no papers: nobody was given any.
                let papers = |table: &str| ["document", "file", "counter"].contains(&table);
                for (table, ruled) in ruled.iter().filter(|(table, _)| !papers(table)) {
                    let bulk = &bulk[table];
                    let only = |a: &[String], b: &[String]| {
                        a.iter().filter(|row| !b.contains(row)).cloned().collect::<Vec<_>>()
                    };
                    assert_eq!((only(bulk, ruled), only(ruled, bulk)), (vec![], vec![]), "{table}");
                    assert_eq!(bulk.len(), ruled.len(), "{table}");
                }
                for told in ["booking", "service_case", "review", "notice", "attendance", "bulletin", "account"] {
                    assert!(!ruled[told].is_empty(), "{told}");
                }
            })
            .await;
        })
        .await;
    }

    /// What was told, without what was there before.
    fn told(mut rows: Rows, before: &Rows) -> Rows {
        for (table, rows) in &mut rows {
            rows.retain(|row| !before.get(table).is_some_and(|there| there.contains(row)));
        }
        rows
    }

    type Rows = BTreeMap<String, Vec<String>>;

    /// Every row of every table but what is drawn anew each time: ids, codes and what is sealed.
    async fn rows(town: &Town) -> Rows {
        let (centres, mut file) = (vec![(**town.centre).clone()], Vec::new());
        let scope = Scope { now: town.app.clock.now(), schema: String::new(), centres: &centres, whole: true };
        archive::backup(town.app.read(), &town.app.vault, &scope, &mut file, |_, _| unreachable!(), |_, _| ())
            .await
            .unwrap();
        let mut text = String::new();
        GzDecoder::new(&*file).read_to_string(&mut text).unwrap();
        let sealed = reseal::columns();
        let (mut rows, mut table, mut columns) = (Rows::new(), String::new(), Vec::new());
        for line in text.lines().skip(1) {
            let line: serde_json::Value = serde_json::from_str(line).unwrap();
            if let Some(name) = line["table"].as_str() {
                table = name.to_owned();
                columns = line["columns"].as_array().unwrap().iter().map(|c| c.as_str().unwrap().to_owned()).collect();
            } else if let Some(values) = line.as_array() {
                let drawn = |column: &str| {
                    let place = format!("{table}.{column}");
                    let codes =
                        ["invitation.token_hash", "invitation.code_blind", "booking.number", "staff.password_hash"];
                    // Whom an account's bookings are for is indexed with the account's id.
                    sealed.contains(&&*place) || codes.contains(&&*place) || place == "booking.person_blind"
                };
                let kept = columns.iter().zip(values).filter(|(column, _)| !drawn(column));
                let shown: Vec<String> = kept.map(|(column, value)| format!("{column}={value}")).collect();
                rows.entry(table.clone()).or_default().push(without_ids(&shown.join(" ")));
            }
        }
        for rows in rows.values_mut() {
            rows.sort_unstable();
        }
        rows
    }

    fn without_ids(mut text: &str) -> String {
        let mut without = String::new();
        while let Some(next) = text.chars().next() {
            let is_id = text.get(..36).is_some_and(|word| entity::Id::parse_str(word).is_ok());
            without.push(if is_id { '*' } else { next });
            text = &text[if is_id { 36 } else { next.len_utf8() }..];
        }
        without
    }

    async fn by_rules(act: &Act) -> shuitian::base::Result<()> {
        let from = demo::begins(act.now, SMALL.months);
        let plan = Plan::draw(act, &Random::seeded(SEED), SMALL, from).await?;
        everything_happens(&plan);
        for day in &plan.days {
            if day.on <= act.now.date() {
                let night = act.at(Time::at(day.on, NIGHT), Who::System("demo"));
                sent(&night).await?;
                review::lapse(&*act.tx, night.now).await?;
                booking::mark_no_shows(&night).await?;
                booking::free_places(&night).await?;
                booking::open_slots(&night).await?;
                attendance::roll(&night, day.on).await?;
            }
            for shift in &day.shifts {
                let then = |at| act.at(at, Who::Staff(shift.staff.clone()));
                let code = attendance::hall_code(&act.vault, act.centre.id, shift.came);
                attendance::check_in(&then(shift.came), &shift.staff, &code).await?;
                if let Some(left) = shift.left {
                    attendance::check_out(&then(left), &shift.staff).await?;
                }
            }
            for visit in &day.visits {
                let booking = match &visit.booked {
                    Some(booked) => Some(book(act, &plan, visit, booked).await?),
                    None => None,
                };
                handle(act, &plan, visit, booking).await?;
            }
        }
        booking::free_places(act).await?;
        sent(act).await?;
        review::lapse(&*act.tx, act.now).await?;
        demo::report(act, &plan, |_| ()).await
    }

    /// The plan is small, and yet nothing that can happen is missing from it.
    fn everything_happens(plan: &Plan) {
        let visits = || plan.days.iter().flat_map(|day| &day.visits);
        let fated = |is: fn(&Fate) -> bool| visits().filter_map(|v| v.booked.as_ref()).any(|b| is(&b.fate));
        assert!(fated(|f| *f == Fate::Came) && fated(|f| *f == Fate::Ahead));
        assert!(fated(|f| matches!(f, Fate::Cancelled(_))) && fated(|f| matches!(f, Fate::Missed(Some(_)))));
        let steps = || visits().filter_map(|v| v.course.as_ref()).flat_map(|c| &c.steps);
        let taken = |is: fn(&Move) -> bool| steps().any(|done| is(&done.step));
        assert!(
            taken(|s| *s == Move::Accept) && taken(|s| *s == Move::Grant) && taken(|s| matches!(s, Move::Issue(_)))
        );
        assert!(taken(|s| matches!(s, Move::Refuse(_))) && taken(|s| matches!(s, Move::Deny(_))));
        assert!(taken(|s| *s == Move::Withdraw));
        assert!(visits().any(|v| v.booked.as_ref().is_some_and(|b| b.by != v.who)), "somebody books for another");
        assert!(visits().any(|v| v.booked.as_ref().is_some_and(|b| b.slots.len() > 1)), "a long matter is booked");
    }

    /// What is due has gone out.
    async fn sent(then: &Act) -> shuitian::base::Result<()> {
        use entity::notice::{Column, Entity, NoticeState};
        use sea_orm::sea_query::Expr;
        Entity::update_many()
            .col_expr(Column::State, Expr::value(NoticeState::Accepted))
            .col_expr(Column::Gateway, Expr::value("demo"))
            .col_expr(Column::DoneAt, Expr::col(Column::DueAt))
            .filter(Column::State.eq(NoticeState::Due))
            .filter(Column::DueAt.lte(then.now))
            .exec(&*then.tx)
            .await?;
        Ok(())
    }

    async fn book(act: &Act, plan: &Plan, visit: &Visit, booked: &Booked) -> shuitian::base::Result<entity::Id> {
        use entity::booking::slot::{Column, Entity};
        let phone = plan.residents[booked.by].applicant.phone.clone().unwrap();
        let bearer = act.at(booked.at, Who::Bearer);
        let account = resident::by_openid(&bearer, &demo::openid(booked.by)).await?;
        resident::bind_phone(&bearer, account.id, &phone).await?;
        let planned = &plan.slots[booked.slots.start];
        let slot = Entity::find()
            .filter(Column::TemplateId.eq(planned.template_id))
            .filter(Column::StartsAt.eq(planned.starts_at))
            .one(&*act.tx)
            .await?
            .unwrap();
        let for_other = visit.who != booked.by;
        let mut applicant = Typed::from(plan.residents[visit.who].applicant.clone());
        applicant.phone = applicant.phone.filter(|_| for_other);
        let wish = Wish { slot: slot.id, guide: visit.guide.row.code.clone(), applicant, for_other, hold: None };
        let id = booking::book(&act.at(booked.at, Who::Resident(account.id)), wish).await?.row.id;
        if let Fate::Cancelled(at) = booked.fate {
            let then = act.at(at, Who::Resident(account.id));
            sent(&then).await?;
            booking::cancel(&then, id).await?;
        }
        Ok(id)
    }

    async fn handle(act: &Act, plan: &Plan, visit: &Visit, booking: Option<entity::Id>) -> shuitian::base::Result<()> {
        let Some(course) = &visit.course else { return Ok(()) };
        let applicant = Typed::from(plan.applicant(visit));
        let (guide, materials) = (visit.guide.row.code.clone(), demo::materials(&visit.guide));
        let intake =
            Intake { guide, channel: course.channel, booking, consultation: None, applicant, materials, agent: None };
        let then = act.at(course.received, Who::Staff(course.window.clone()));
        sent(&then).await?;
        let mut case = case::receive(&then, intake).await?.case;
        for done in &course.steps {
            let then = act.at(done.at, Who::Staff(done.by.clone()));
            sent(&then).await?;
            case = case::advance(&then, &case.number, &done.step).await?;
        }
        if let Some(ended) = case.ended_at {
            review::invite(&act.at(ended, Who::System("demo")), &case).await?;
        }
        if let Some(rated) = &course.review {
            let then = act.at(rated.at, Who::Bearer);
            sent(&then).await?;
            let ticket = review::ticket(&*act.tx, &act.vault, &act.rules.public_url, &case).await?.unwrap();
            let key = match rated.channel {
                entity::review::ReviewChannel::Link => Key::Token(ticket.url.rsplit('/').next().unwrap().to_owned()),
                _ => Key::Code(ticket.code),
            };
            review::give(&then, &key, rated.opinion.clone()).await?;
        }
        Ok(())
    }
}
