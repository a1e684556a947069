//! The demonstration (演示): a small believable township, told by the same rules as the real one.
//!
//! Three months of bookings, cases, reviews and attendance, with a lunch dip, market days, late cases and bad reviews.
//! The same seed on the same day tells the same story; only keys and ids differ.

mod people;
mod story;

use crate::app::App;
use crate::base::error::Result;
use crate::base::{Kind, Random, Refusal};
use crate::domain::calendar::{self, HolidayFile};
use crate::domain::centre::{self, CentreFile};
use crate::domain::identity::staff::{self, StaffFile};
use crate::domain::published::{self, Centre};
use crate::domain::{Act, Who, booking, guide, notice};
use chrono::{Datelike as _, Months};
use entity::Time;
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
        include_str!("../../seed/holidays/2025.json"),
        include_str!("../../seed/holidays/2026.json"),
        include_str!("../../seed/holidays/2027.json"),
    ] {
        let file: HolidayFile = serde_json::from_str(text).map_err(anyhow::Error::from)?;
        let tx = app.database.begin().await?;
        if !calendar::load(&tx).await?.knows(file.year) {
            calendar::import(&tx, app.clock.now(), file).await?;
        }
        tx.commit().await?;
    }
    Ok(())
}

/// Sets the shipped centre up with its guides and staff, and nothing that happened yet.
///
/// # Errors
/// `not_empty`; whatever the database says.
pub async fn township(app: &App) -> Result<Arc<Centre>> {
    if !published::all(app.read()).await?.is_empty() {
        return Err(NOT_EMPTY.into());
    }
    holidays(app).await?;
    let file: CentreFile = serde_json::from_str(include_str!("../../seed/centre.json")).map_err(anyhow::Error::from)?;
    let tx = app.database.begin().await?;
    let centre = centre::import(&tx, &app.random, app.clock.now(), file).await?;
    tx.commit().await?;
    app.publish(&Centre::unkept(centre), Who::Operator, async |act| {
        let files = serde_json::from_str(include_str!("../../seed/guides.json")).map_err(anyhow::Error::from)?;
        guide::import(act, files).await?;
        let offer = serde_json::from_str(include_str!("../../seed/offer.json")).map_err(anyhow::Error::from)?;
        booking::import(act, offer).await?;
        let people: Vec<StaffFile> =
            serde_json::from_str(include_str!("../../seed/staff.json")).map_err(anyhow::Error::from)?;
        let since = begins(act.now);
        let people = people.into_iter().map(|p| StaffFile { active_from: Some(since.date()), ..p }).collect();
        // Written down when the story begins, so that they were expected from then on.
        staff::add_demo(&then(act, since, &Who::Operator), people, PASSWORD).await
    })
    .await?;
    app.published().await?.find(None, None)
}

/// Loads the township and its last three months.
///
/// # Errors
/// `not_empty`; whatever the database says.
pub async fn load(app: &App, seed: u64) -> Result<()> {
    let centre = township(app).await?;
    app.write(&centre, Who::System("demo"), async |act| tell(act, &Random::seeded(seed)).await).await
}

/// Tells the last three months of a township that has its people and guides.
///
/// # Errors
/// Whatever the database says.
pub async fn tell(act: &Act, random: &Random) -> Result<()> {
    story::tell(act, random, begins(act.now)).await?;
    // What the past would have sent was never sent: it must not reach anybody now.
    notice::assume_sent(&*act.tx, act.now).await
}

/// The first of the month two months ago.
fn begins(now: Time) -> Time {
    let today = now.date();
    let first = today.with_day(1).unwrap_or(today);
    Time::at(first.checked_sub_months(Months::new(2)).unwrap_or(first), 0)
}

/// An act of somebody at another moment of the story.
fn then(act: &Act, at: Time, who: &Who) -> Act {
    act.at(at, who.clone())
}
