//! What happened: day by day, by the rules.

use super::people::{comment, phone, villager};
use super::then;
use crate::base::Random;
use crate::base::error::{Error, Result};
use crate::domain::booking::{self, Wish};
use crate::domain::calendar::{self, Calendar};
use crate::domain::case::{self, Intake, Taken, Verdict};
use crate::domain::identity::{resident, staff};
use crate::domain::review::{self, Key, Opinion, tags_of};
use crate::domain::{Act, StaffMember, Who, attendance, bulletin, figure, guide};
use chrono::{Datelike as _, Days, Duration, NaiveDate};
use entity::case::{Channel, MaterialForm, Model as Case};
use entity::guide::ItemKind;
use entity::identity::Role;
use entity::{Id, Time};
use std::sync::Arc;

/// The people behind the counters, and what the story needs at hand.
struct Cast<'s> {
    random: &'s Random,
    calendar: Arc<Calendar>,
    staff: Vec<Arc<StaffMember>>,
    guides: Vec<String>,
}

/// Tells everything from `from` until now.
pub(super) async fn tell(act: &Act, random: &Random, from: Time) -> Result<()> {
    let people = staff::all(&*act.tx, act.centre.id).await?;
    let member = |s: entity::identity::staff::Model| {
        let (roles, device) = (s.roles(), act.blind("device", &s.username));
        Arc::new(StaffMember { id: s.id, name: s.name, roles, office: s.office_id, device })
    };
    let mut guides: Vec<String> = guide::all(&*act.tx, &act.centre).await?.codes().cloned().collect();
    guides.sort_unstable();
    let cast = Cast {
        random,
        calendar: calendar::of(&*act.tx, &act.centre).await?,
        staff: people.into_iter().map(member).collect(),
        guides,
    };
    for day in from.date().iter_days().take_while(|d| *d <= act.now.date()) {
        if !cast.calendar.is_working_day(day) {
            continue;
        }
        let night = then(act, Time::at(day, 10), &Who::System("demo"));
        booking::mark_no_shows(&night).await?;
        booking::free_places(&night).await?;
        booking::open_slots(&night).await?;
        attend(act, &cast, day).await?;
        book(act, &cast, day).await?;
        walk_in(act, &cast, day).await?;
    }
    let last = figure::Month::of(act.now.date()).before();
    bulletin::draft(act, last).await.map(drop)
}

impl Cast<'_> {
    fn chance(&self, percent: i64) -> bool {
        self.random.between(1, 100) <= percent
    }

    fn one_of(&self, role: Role, office: Option<Id>) -> Who {
        let fits = |s: &&Arc<StaffMember>| s.roles.contains(&role) && (office.is_none() || s.office == office);
        let several: Vec<_> = self.staff.iter().filter(fits).collect();
        let n = self.random.between(0, several.len().max(1) as i64 - 1);
        match several.get(usize::try_from(n).unwrap_or(0)) {
            Some(one) => Who::Staff(Arc::clone(one)),
            // An office without seconded staff: the chief representative acts for it (article 4.2).
            None => self
                .staff
                .iter()
                .find(|s| s.roles.contains(&Role::Director))
                .map_or(Who::Operator, |s| Who::Staff(Arc::clone(s))),
        }
    }

    /// A moment when people come: mornings most, hardly anybody around noon.
    fn arrival(&self, day: NaiveDate) -> Time {
        let (from, to) = match self.random.between(1, 100) {
            1..=55 => (9 * 60, 11 * 60),
            56..=68 => (11 * 60, 12 * 60 - 10),
            69..=70 => (12 * 60 - 9, 12 * 60 - 1),
            71..=92 => (14 * 60, 16 * 60),
            _ => (16 * 60, 17 * 60 - 10),
        };
        Time::at(day, 0) + Duration::seconds(self.random.between(from * 60, to * 60))
    }

    fn guide(&self) -> String {
        // Registrations come daily, felling permits rarely.
        let favourites = ["SB-01", "SB-03", "SB-06", "WJ-01", "MZ-03", "MZ-06"];
        if self.chance(55) {
            return favourites[usize::try_from(self.random.between(0, 5)).unwrap_or(0)].to_owned();
        }
        let n = self.random.between(0, self.guides.len() as i64 - 1);
        self.guides[usize::try_from(n).unwrap_or(0)].clone()
    }
}

/// Staff come, mostly in time, and leave.
async fn attend(act: &Act, cast: &Cast<'_>, day: NaiveDate) -> Result<()> {
    attendance::roll(&then(act, Time::at(day, 5), &Who::System("demo")), day).await?;
    for (begins, ends) in [(9 * 60, 12 * 60), (14 * 60, 18 * 60)] {
        for member in cast.staff.iter().filter(|s| !s.is_any(&[Role::PartyOffice, Role::Leader, Role::Admin])) {
            let minute = match cast.random.between(1, 100) {
                1..=2 => continue,
                3..=6 => begins + cast.random.between(3, 25),
                _ => begins - cast.random.between(1, 18),
            };
            let at = Time::at(day, i32::try_from(minute).unwrap_or(0)) + Duration::seconds(cast.random.between(0, 59));
            if at > act.now {
                continue;
            }
            let who = Who::Staff(Arc::clone(member));
            let code = attendance::hall_code(&act.vault, act.centre.id, at);
            attendance::check_in(&then(act, at, &who), member, &code).await?;
            let out = Time::at(day, i32::try_from(ends + cast.random.between(-2, 12)).unwrap_or(0));
            if out <= act.now && cast.chance(92) {
                attendance::check_out(&then(act, out, &who), member).await?;
            }
        }
    }
    Ok(())
}

/// People book for this day in the days before; some cancel, some do not come.
async fn book(act: &Act, cast: &Cast<'_>, day: NaiveDate) -> Result<()> {
    for _ in 0..cast.random.between(1, 4) {
        let ahead = u64::try_from(cast.random.between(1, 5)).unwrap_or(1);
        let opened =
            Time::at(day - Days::new(ahead), i32::try_from(cast.random.between(7 * 60, 21 * 60)).unwrap_or(600));
        if opened > act.now {
            continue;
        }
        let number = phone(cast.random);
        let account = resident::by_openid(&then(act, opened, &Who::Bearer), &format!("demo-{number}")).await?;
        resident::bind_phone(&then(act, opened, &Who::Bearer), account.id, &number).await?;
        let who = Who::Resident(account.id);
        let starts = booking::starts(&*act.tx, &act.centre, "SB-03", Some(day), Some(day), opened, true).await?;
        let open: Vec<_> = starts.into_iter().filter(|s| s.remaining > 0).collect();
        if open.is_empty() {
            continue;
        }
        let slot = &open[usize::try_from(cast.random.between(0, open.len() as i64 - 1)).unwrap_or(0)];
        let mut applicant = villager(cast.random);
        let for_other = cast.chance(25);
        applicant.phone = applicant.phone.filter(|_| for_other);
        let wish = Wish { slot: slot.id, guide: cast.guide(), applicant: applicant.clone(), for_other, hold: None };
        let guide = wish.guide.clone();
        let booked = match booking::book(&then(act, opened, &who), wish).await {
            Ok(booked) => booked,
            // A namesake of the family in the same slot.
            Err(Error::Refused(_)) => continue,
            Err(fault) => return Err(fault),
        };
        match cast.random.between(1, 100) {
            1..=10 => {
                let cancelled = booked.row.starts_at - Duration::hours(cast.random.between(3, 12));
                if cancelled > opened && cancelled <= act.now {
                    booking::cancel(&then(act, cancelled, &who), booked.row.id).await?;
                }
            }
            11..=20 => {}
            _ => {
                let came = booked.row.starts_at + Duration::minutes(cast.random.between(-8, 12));
                if came <= act.now {
                    applicant.phone = applicant.phone.or(Some(number));
                    handle(act, cast, came, guide, applicant, Some(booked.row.id)).await?;
                }
            }
        }
    }
    Ok(())
}

/// People who come without booking: twice as many on market days (逢一、四、七赶场).
async fn walk_in(act: &Act, cast: &Cast<'_>, day: NaiveDate) -> Result<()> {
    let market = matches!(day.day() % 10, 1 | 4 | 7);
    for _ in 0..cast.random.between(2, 6) * if market { 2 } else { 1 } {
        let at = cast.arrival(day);
        if at <= act.now {
            handle(act, cast, at, cast.guide(), villager(cast.random), None).await?;
        }
    }
    Ok(())
}

/// One case from 收件 to its review, as far as time allows.
async fn handle(
    act: &Act,
    cast: &Cast<'_>,
    at: Time,
    guide: String,
    applicant: crate::domain::applicant::Typed,
    booking: Option<Id>,
) -> Result<()> {
    let window = cast.one_of(Role::Window, None);
    let content = guide::get(&*act.tx, &act.centre, &guide).await?.version.content.clone();
    let taken = |m: &entity::guide::Material| Taken {
        name: m.name.clone(),
        form: if m.form.as_deref() == Some("copy") { MaterialForm::Copy } else { MaterialForm::Original },
        copies: m.count.unwrap_or(1),
    };
    let materials = content.materials.iter().map(taken).collect();
    let channel = if cast.chance(6) { Channel::HomeVisit } else { Channel::Window };
    let intake = Intake { guide, channel, booking, applicant, materials };
    let case = case::receive(&then(act, at, &window), intake).await?.case;
    let number = case.number.clone();
    let office = cast.one_of(Role::Office, Some(case.office_id));
    let accepted =
        if cast.chance(85) { at + Duration::minutes(cast.random.between(3, 25)) } else { next_day(cast, at) };
    if accepted > act.now {
        return Ok(());
    }
    match cast.random.between(1, 100) {
        1..=2 => {
            let ground = "户籍不在本乡，请向户籍所在地乡镇申请。";
            let case = case::refuse(&then(act, accepted, &window), &number, ground).await?;
            return end(act, cast, accepted, &case).await;
        }
        3..=4 => {
            let back = accepted + Duration::hours(1);
            if back <= act.now {
                case::withdraw(&then(act, back, &window), &number).await?;
            }
            return Ok(());
        }
        _ => case::accept(&then(act, accepted, &window), &number).await?,
    };
    let instant = content.kind == Some(ItemKind::Instant);
    let limit = case.limit_days.unwrap_or(8);
    let late = cast.chance(4);
    let days = match (instant, late) {
        (true, false) => 0,
        (_, true) => limit + 1 + i32::try_from(cast.random.between(0, 2)).unwrap_or(0),
        (false, false) => i32::try_from(cast.random.between(1, i64::from(limit.clamp(1, 12)))).unwrap_or(1).min(limit),
    };
    let decided = if days == 0 {
        accepted + Duration::minutes(cast.random.between(4, 15))
    } else {
        Time::at(
            cast.calendar.add(accepted.date(), days.unsigned_abs()).on,
            i32::try_from(cast.random.between(570, 690)).unwrap_or(600),
        )
    };
    if decided > act.now {
        return Ok(());
    }
    let decider = if instant { &window } else { &office };
    let deny = !instant && cast.chance(3);
    let verdict = if deny {
        Verdict::Deny("家庭人均收入超过保障标准，不符合条件。".to_owned())
    } else {
        Verdict::Grant
    };
    let case = case::decide(&then(act, decided, decider), &number, verdict).await?;
    if deny {
        return end(act, cast, decided, &case).await;
    }
    let issued = if instant { decided + Duration::minutes(3) } else { next_day(cast, decided) };
    if issued > act.now {
        return Ok(());
    }
    let case = case::issue(&then(act, issued, &window), &number).await?;
    end(act, cast, issued, &case).await
}

fn next_day(cast: &Cast<'_>, at: Time) -> Time {
    Time::at(cast.calendar.add(at.date(), 1).on, i32::try_from(cast.random.between(9 * 60 + 5, 11 * 60)).unwrap_or(600))
}

/// The end: an invitation, and from two in five an answer.
async fn end(act: &Act, cast: &Cast<'_>, at: Time, case: &Case) -> Result<()> {
    review::invite(&then(act, at, &Who::System("demo")), case).await?;
    let given = at + Duration::minutes(cast.random.between(10, 60 * 30));
    if !cast.chance(42) || given > act.now {
        return Ok(());
    }
    let Some(ticket) = review::ticket(&*act.tx, &act.vault, &act.rules.public_url, case).await? else { return Ok(()) };
    let grade = match cast.random.between(1, 100) {
        1..=68 => 5,
        69..=86 => 4,
        87..=94 => 3,
        95..=97 => 2,
        _ => 1,
    };
    let tags = tags_of(i32::try_from(grade).unwrap_or(5));
    let chosen = tags.iter().filter(|_| cast.chance(25)).map(|t| t.code.clone()).collect();
    let key = if cast.chance(60) {
        Key::Token(ticket.url.rsplit('/').next().unwrap_or_default().to_owned())
    } else {
        Key::Code(ticket.code)
    };
    let opinion = Opinion {
        grade: i32::try_from(grade).unwrap_or(5),
        tags: chosen,
        comment: comment(cast.random, grade),
        anonymous: cast.chance(20),
    };
    review::give(&then(act, given, &Who::Bearer), &key, opinion).await
}
