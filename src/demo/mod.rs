//! The demonstration (演示): a believable township of any size, the same for the same seed on the same day; only keys and ids
//! differ.
//!
//! Bookings, cases, reviews, attendance and bulletins of some months, with a lunch dip, market days, late cases and bad
//! reviews. It is drawn first ([`Plan`]) and then written in bulk, by what the rules make their rows with; a test has the
//! rules themselves tell the same plan, and compares every row.

mod course;
mod dice;
mod draw;
mod people;
mod plan;
mod write;

pub use course::{Course, Done, Rated};
pub use people::Resident;
pub use plan::{Booked, Day, Fate, NIGHT, Plan, Scale, Shift, Visit};
pub use write::{materials, openid};

use crate::app::App;
use crate::base::error::Result;
use crate::base::{Kind, Random, Refusal};
use crate::domain::authority::{self, DelegationFile};
use crate::domain::calendar::{self, HolidayFile};
use crate::domain::centre::{self, CentreFile};
use crate::domain::figure::Month;
use crate::domain::identity::staff::{self, StaffFile};
use crate::domain::matter::{self, ConsentFile};
use crate::domain::post::{self, PostFile};
use crate::domain::published::{self, Centre};
use crate::domain::{Act, Who, booking, bulletin, guide};
use chrono::{Datelike as _, Duration, Months, NaiveDate};
use entity::Time;
use entity::identity::Role;
use sea_orm::ConnectionTrait as _;
use std::sync::Arc;

/// The database holds a centre already.
pub const NOT_EMPTY: Refusal =
    Refusal::new(Kind::Conflict, "not_empty", "数据库里已有中心，演示数据只能装入空数据库。");

/// The published password of demonstration accounts, which sign in on loopback only.
pub const PASSWORD: &str = "shuitian-demo";

/// Loads the arrangements of holidays that come with the program, where none is known for their year.
///
/// # Errors
/// Whatever the database says.
pub async fn holidays(app: &App) -> Result<()> {
    for text in [
        include_str!("../../seed/holidays/2024.json"),
        include_str!("../../seed/holidays/2025.json"),
        include_str!("../../seed/holidays/2026.json"),
        include_str!("../../seed/holidays/2027.json"),
    ] {
        let file: HolidayFile = serde_json::from_str(text).map_err(anyhow::Error::from)?;
        if !calendar::load(app.read()).await?.knows(file.year) {
            app.establish(async |tx| calendar::import(tx, app.clock.now(), file).await).await?;
        }
    }
    Ok(())
}

/// Sets the shipped centre up with its guides and staff, and nothing that happened yet.
///
/// # Errors
/// `not_empty`; whatever the database says.
pub async fn township(app: &App) -> Result<Arc<Centre>> {
    found(app, begins(app.clock.now(), Scale::default().months)).await
}

/// The same, with people who have been there since a day.
async fn found(app: &App, since: NaiveDate) -> Result<Arc<Centre>> {
    if !published::all(app.read()).await?.is_empty() {
        return Err(NOT_EMPTY.into());
    }
    holidays(app).await?;
    let file: CentreFile = serde_json::from_str(include_str!("../../seed/centre.json")).map_err(anyhow::Error::from)?;
    let centre = app.establish(async |tx| centre::import(tx, &app.random, app.clock.now(), file).await).await?;
    app.publish(&Centre::unkept(centre), Who::Operator, async |act| {
        let files = serde_json::from_str(include_str!("../../seed/guides.json")).map_err(anyhow::Error::from)?;
        guide::import(act, files).await?;
        let offer = serde_json::from_str(include_str!("../../seed/offer.json")).map_err(anyhow::Error::from)?;
        booking::import(act, offer).await?;
        let people: Vec<StaffFile> =
            serde_json::from_str(include_str!("../../seed/staff.json")).map_err(anyhow::Error::from)?;
        let people = people.into_iter().map(|p| StaffFile { active_from: Some(since), ..p }).collect();
        // Written down when the story begins, so that they were expected from then on.
        staff::add_demo(&act.at(Time::at(since, 0), Who::Operator), people, PASSWORD).await?;
        let posts: Vec<PostFile> =
            serde_json::from_str(include_str!("../../seed/posts.json")).map_err(anyhow::Error::from)?;
        post::import(act, posts.into_iter().map(|p| PostFile { from: since, ..p }).collect()).await?;
        let in_force = |d: DelegationFile| DelegationFile { from: since, until: since + Months::new(120), ..d };
        let letters: Vec<DelegationFile> =
            serde_json::from_str(include_str!("../../seed/delegations.json")).map_err(anyhow::Error::from)?;
        authority::import(act, letters.into_iter().map(in_force).collect()).await?;
        let consents: Vec<ConsentFile> =
            serde_json::from_str(include_str!("../../seed/windows.json")).map_err(anyhow::Error::from)?;
        let given = |c: ConsentFile| ConsentFile { from: since, consented_on: since, ..c };
        matter::import(act, consents.into_iter().map(given).collect()).await
    })
    .await?;
    app.published().await?.find(None, None)
}

/// Loads a township and what happened there. `progress` hears how many days and bulletins are written, and of how many.
///
/// # Errors
/// `not_empty`; whatever the database says.
pub async fn load(app: &App, seed: u64, scale: Scale, progress: impl Fn(usize, usize)) -> Result<()> {
    let centre = found(app, begins(app.clock.now(), scale.months)).await?;
    app.write(&centre, Who::System("demo"), async |act| tell(act, &Random::seeded(seed), scale, progress).await).await
}

/// Tells what happened in a township that has its people and guides.
///
/// # Errors
/// Whatever the database says.
pub async fn tell(act: &Act, random: &Random, scale: Scale, progress: impl Fn(usize, usize)) -> Result<()> {
    let plan = Plan::draw(act, random, scale, begins(act.now, scale.months)).await?;
    let (days, of) = (plan.days.len(), plan.days.len() + usize::try_from(scale.months).unwrap_or(0));
    write::write(act, &plan, |written| progress(written, of)).await?;
    // Figures are counted next, and neither database knows yet how much there is.
    act.tx.execute_unprepared("analyze").await?;
    report(act, &plan, |written| progress(days + written, of)).await?;
    progress(of, of);
    Ok(())
}

/// Writes the bulletins of the months that are over, and signs them on the third of the next; the last waits for its signature.
/// `progress` hears how many are written.
///
/// # Errors
/// Whatever the database says.
pub async fn report(act: &Act, plan: &Plan, progress: impl Fn(usize)) -> Result<()> {
    let director = plan.staff.iter().find(|s| s.is_any(&[Role::Director]));
    let (mut month, mut written) = (Month::of(plan.from), 0);
    while month.ends() <= act.now {
        let over = month.ends() + Duration::minutes(NIGHT.into());
        let drafted = bulletin::draft(&act.at(over, Who::System("demo")), month).await?;
        let read = month.ends() + Duration::hours(2 * 24 + 10);
        if let Some(director) = director.filter(|_| month != Month::of(act.now.date()).before()) {
            let then = act.at(read, Who::Staff(Arc::clone(director)));
            bulletin::sign(&then, director, month, Some(&drafted.sha256)).await?;
        }
        month = Month::of(month.ends().date());
        written += 1;
        progress(written);
    }
    Ok(())
}

/// The first of the month with which so many months begin.
#[must_use]
pub fn begins(now: Time, months: u32) -> NaiveDate {
    let today = now.date();
    let first = today.with_day(1).unwrap_or(today);
    first.checked_sub_months(Months::new(months.max(1) - 1)).unwrap_or(first)
}
