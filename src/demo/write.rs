//! Writing a plan down, in bulk: the rows that the rules would have written, made by what the rules make them with.

use super::course::Course;
use super::plan::{Booked, Day, Fate, NIGHT, Plan, Visit};
use crate::base::error::{Error, Result};
use crate::domain::attendance::{self, Stamp};
use crate::domain::booking::{self, Place};
use crate::domain::calendar::{self, Calendar};
use crate::domain::case::{self, By, Desk, Ground, Taken, Whole};
use crate::domain::cover::Cover;
use crate::domain::guide::Guide;
use crate::domain::identity::resident;
use crate::domain::notice::{self, Message};
use crate::domain::review::{self, Asked, Given, Round};
use crate::domain::{Act, Who, authority, matter, post};
use chrono::NaiveDate;
use entity::attendance::StampKind;
use entity::booking::{BookingState, slot};
use entity::case::MaterialForm;
use entity::centre::counter;
use entity::identity::account;
use entity::notice::NoticeState;
use entity::review::{InvitationState, invitation};
use entity::{Id, Time};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use std::collections::HashMap;
use std::sync::Arc;

/// Writes everything of a plan. `progress` hears how many of its days are written.
///
/// # Errors
/// Whatever the database says.
pub(super) async fn write(act: &Act, plan: &Plan, progress: impl Fn(usize)) -> Result<()> {
    let accounts = accounts(act, plan)?;
    let ids = accounts.iter().map(|(of, row)| (*of, row.id)).collect();
    act.insert_all(accounts.into_values().collect()).await?;
    take_places(act, plan).await?;
    let mut book = Book {
        act,
        plan,
        accounts: ids,
        calendar: calendar::of(&*act.tx, &act.centre).await?,
        letters: HashMap::new(),
        rows: Rows::default(),
    };
    for (n, day) in plan.days.iter().enumerate() {
        book.day(day).await?;
        std::mem::take(&mut book.rows).put(act).await?;
        progress(n + 1);
    }
    Ok(())
}

/// The accounts of those who book, as their last booking leaves them.
fn accounts(act: &Act, plan: &Plan) -> Result<HashMap<usize, account::Model>> {
    let mut accounts: HashMap<usize, account::Model> = HashMap::new();
    for booked in plan.days.iter().flat_map(|day| &day.visits).filter_map(|visit| visit.booked.as_ref()) {
        let then = act.at(booked.at, Who::Bearer);
        let known = match accounts.remove(&booked.by) {
            Some(known) => resident::verified(known, booked.at),
            None => {
                resident::by_wechat(&then, &openid(booked.by), plan.residents[booked.by].applicant.phone.as_deref())?
            }
        };
        accounts.insert(booked.by, account::Model { turn: known.turn + 1, ..known });
    }
    Ok(accounts)
}

/// What WeChat would call a resident.
#[must_use]
pub fn openid(resident: usize) -> String {
    format!("demo-{resident}")
}

/// Writes how many places of each slot are taken.
async fn take_places(act: &Act, plan: &Plan) -> Result<()> {
    for slot in plan.slots.iter().filter(|s| s.taken > 0) {
        slot::Entity::update_many()
            .col_expr(slot::Column::Taken, slot.taken.into())
            .col_expr(slot::Column::TakenOnline, slot.taken_online.into())
            .filter(slot::Column::Id.eq(slot.id))
            .exec(&*act.tx)
            .await?;
    }
    Ok(())
}

/// Declares the rows of some tables, each after those that it refers to.
macro_rules! rows {
    ($($name:ident: $($part:ident)::+),+ $(,)?) => {
        #[derive(Default)]
        struct Rows { $($name: Vec<entity::$($part)::+::Model>),+ }

        impl Rows {
            async fn put(self, act: &Act) -> Result<()> {
                $(act.insert_all(self.$name).await?;)+
                Ok(())
            }
        }
    };
}

rows! {
    stamps: attendance,
    numbers: centre::counter,
    applicants: applicant,
    bookings: booking,
    booking_events: booking::event,
    cases: case,
    materials: case::material,
    custody: case::custody,
    case_events: case::event,
    steps: case::step,
    negatives: case::negative,
    trips: case::trip,
    invitations: review::invitation,
    reviews: review,
    rectifications: review::rectification,
    uploads: review::upload,
    notices: notice,
}

/// What is being written.
struct Book<'p> {
    act: &'p Act,
    plan: &'p Plan,
    accounts: HashMap<usize, Id>,
    calendar: Arc<Calendar>,
    /// The invitations that each phone had of late.
    letters: HashMap<String, Vec<invitation::Model>>,
    rows: Rows,
}

impl Book<'_> {
    async fn day(&mut self, day: &Day) -> Result<()> {
        if day.on <= self.act.now.date() {
            self.attend(day).await?;
        }
        let mut n = 0;
        for visit in &day.visits {
            let booking = match &visit.booked {
                Some(booked) => Some(self.book(visit, booked).await?),
                None => None,
            };
            if let Some(course) = &visit.course {
                n += 1;
                self.handle(visit, course, booking, n).await?;
            }
        }
        if n > 0 {
            let kind = case::NUMBERS.to_owned();
            self.rows.numbers.push(counter::Model { centre_id: self.act.centre.id, kind, on_date: day.on, n });
        }
        Ok(())
    }

    /// Who was expected, and who came.
    async fn attend(&mut self, day: &Day) -> Result<()> {
        let early = self.act.at(Time::at(day.on, NIGHT), Who::System("demo"));
        let duties = attendance::roll(&early, day.on).await?;
        for shift in &day.shifts {
            let staff = &*shift.staff;
            let duty = duties.iter().find(|d| d.staff_id == staff.id && shift.came < d.ends_at);
            let Some(duty) = duty else { continue };
            let stamp = |kind, at: Time, code_step| {
                let stamp = Stamp { staff, kind, session: duty.session, duty: Some(duty), code_step };
                stamp.row(&self.act.at(at, Who::Staff(Arc::clone(&shift.staff))))
            };
            self.rows.stamps.push(stamp(StampKind::In, shift.came, Some(attendance::step(shift.came))));
            self.rows.stamps.extend(shift.left.map(|left| stamp(StampKind::Out, left, None)));
        }
        Ok(())
    }

    /// A booking, and what becomes of it.
    async fn book(&mut self, visit: &Visit, booked: &Booked) -> Result<entity::booking::Model> {
        let Self { act, plan, .. } = *self;
        let account = self.accounts[&booked.by];
        let then = act.at(booked.at, Who::Resident(account));
        let (applicant, known) = (plan.applicant(visit), plan.residents[booked.by].applicant.phone.clone());
        let place = Place::of(plan.slots[booked.slots.clone()].to_vec());
        let place = place.ok_or_else(|| anyhow::anyhow!("a place of the plan has a gap"))?;
        let item = &visit.guide.row.name;
        let entry =
            booking::Entry::new(&then, &visit.guide, &place, &applicant, Some(account), visit.who != booked.by)?;
        let mut row = entry.booking;
        self.rows.applicants.push(entry.applicant);
        self.rows.booking_events.push(entry.event);
        let phone = applicant.phone.as_deref().unwrap_or_default();
        let news = booking::news(&then, &self.calendar, &row, item, phone).collect();
        let mut texts = notice::compose(&then, news).await?;
        let turned = match (booked.fate, &visit.course) {
            (Fate::Came, Some(course)) => {
                Some((BookingState::Arrived, act.at(course.received, Who::Staff(Arc::clone(&course.window)))))
            }
            (Fate::Cancelled(at), _) => Some((BookingState::Cancelled, act.at(at, Who::Resident(account)))),
            (Fate::Missed(Some(at)), _) => Some((BookingState::NoShow, act.at(at, Who::System("demo")))),
            _ => None,
        };
        if let Some((state, then)) = turned {
            row.sequence += i32::from(state == BookingState::Cancelled);
            row.state = state;
            self.rows.booking_events.push(booking::happened(&then, &row, None));
            pass(&mut texts, then.now);
            if let (BookingState::NoShow, Some(phone)) = (state, known) {
                texts.extend(notice::compose(&then, vec![booking::missed(&then, &row, item, phone, None)]).await?);
            }
        }
        self.keep(texts);
        self.rows.bookings.push(row.clone());
        Ok(row)
    }

    /// A case, and what becomes of it.
    async fn handle(
        &mut self,
        visit: &Visit,
        course: &Course,
        booking: Option<entity::booking::Model>,
        n: i32,
    ) -> Result<()> {
        let act = self.act;
        let then = act.at(course.received, Who::Staff(Arc::clone(&course.window)));
        let desk = async |on: NaiveDate| {
            let cover = Cover::with_all_there(post::all(&*act.tx, &act.centre).await?, on);
            Ok::<_, Error>(Desk { cover, delegations: authority::all(&*act.tx, &act.centre).await?, on })
        };
        let reception = desk(course.received.date()).await?.cover;
        let register = matter::register(&*act.tx, &act.centre).await?;
        let taken_in = register.of(&visit.guide.row, course.received.date());
        let applicant = self.plan.applicant(visit);
        let under = reception.standing(&course.window, |post| case::takes_in(post, &visit.guide, taken_in))?;
        let by = By {
            channel: course.channel,
            booking_id: booking.as_ref().map(|b| b.id),
            account_id: booking.and_then(|b| b.account_id),
            post: Some(under.post),
            under: Some(under),
            first_asked: Some(course.window.id),
            agent: None,
        };
        let entry = case::Entry::new(&then, &visit.guide, &applicant, materials(&visit.guide), by, n, &self.calendar)?;
        self.rows.applicants.push(entry.applicant);
        self.rows.materials.extend(entry.materials);
        self.rows.custody.extend(entry.custody);
        self.rows.case_events.push(entry.event);
        let came = entry.trip.as_ref().map(|trip| trip.on_date);
        self.rows.trips.extend(entry.trip);
        let (mut whole, item, phone) =
            (Whole { case: entry.case, steps: Vec::new() }, &visit.guide.row.name, applicant.phone.as_deref());
        let news = |then: &Act, case: &_| phone.and_then(|phone| case::news(then, case, item, phone));
        let mut texts = compose(&then, news(&then, &whole.case)).await?;
        let ground = Ground {
            calendar: Arc::clone(&self.calendar),
            posts: post::all(&*act.tx, &act.centre).await?,
            content: visit.guide.version.content.clone(),
        };
        for done in &course.steps {
            let then = act.at(done.at, Who::Staff(Arc::clone(&done.by)));
            let power = done.step.power(&whole.case, &whole.steps);
            let under = desk(done.at.date()).await?.under(&done.by, &whole.case, power)?;
            let made = done.step.made(&then, whole, &ground, Some(under))?;
            whole = made.whole;
            self.rows.case_events.push(made.event);
            self.rows.negatives.extend(made.negative);
            // Fetched in the visit in which it was handed in, it was one.
            self.rows.trips.extend(made.trip.filter(|trip| came != Some(trip.on_date)));
            pass(&mut texts, done.at);
            texts.extend(compose(&then, news(&then, &whole.case)).await?);
        }
        self.rows.steps.append(&mut whole.steps);
        let case = whole.case;
        self.keep(texts);
        if let Some(ended) = case.ended_at.filter(|_| review::is_rated(&case)) {
            let then = act.at(ended, Who::System("demo"));
            self.ask(&then, &case, course, item, applicant.mobile()).await?;
        }
        self.rows.cases.push(case);
        Ok(())
    }

    /// An invitation, and what it brings.
    async fn ask(
        &mut self,
        then: &Act,
        case: &entity::case::Model,
        course: &Course,
        item: &str,
        phone: Option<String>,
    ) -> Result<()> {
        let mut none = Vec::new();
        let late = phone.as_ref().map_or(&mut none, |phone| self.letters.entry(phone.clone()).or_default());
        late.retain(|i| i.made_at > then.now - review::of_late(then));
        let tag = phone.as_ref().and_then(|_| review::letter(late));
        let asked = Asked::new(then, case, (then.id(), Round::FIRST), phone, tag)?;
        let mut texts = compose(then, asked.message(then, case, item)).await?;
        let mut row = asked.row;
        if let Some(rated) = &course.review {
            let then = self.act.at(rated.at, Who::Bearer);
            (row.state, row.closed_at) = (InvitationState::Rated, Some(rated.at));
            let review = Given::first(rated.opinion.clone(), rated.channel)?.of(&then, &row)?;
            self.rows.uploads.push(review::waiting(&review));
            self.rows.rectifications.extend(review::rectification(&then, &review, case));
            self.rows.reviews.push(review);
            pass(&mut texts, rated.at);
        } else if row.expires_at <= self.act.now {
            (row.state, row.closed_at) = (InvitationState::Lapsed, Some(row.expires_at));
        }
        late.push(row.clone());
        self.rows.invitations.push(row);
        self.keep(texts);
        Ok(())
    }

    /// Keeps texts as they are in the end.
    fn keep(&mut self, mut texts: Vec<entity::notice::Model>) {
        for text in texts.iter_mut().filter(|text| text.state == NoticeState::Due && text.due_at <= self.act.now) {
            went_out(text);
        }
        self.rows.notices.extend(texts);
    }
}

/// A text, if there is one.
async fn compose(then: &Act, message: Option<Message>) -> Result<Vec<entity::notice::Model>> {
    notice::compose(then, message.into_iter().collect()).await
}

/// What they spoke of is no longer so: texts that have not gone out by then do not.
fn pass(texts: &mut [entity::notice::Model], at: Time) {
    for text in texts.iter_mut().filter(|text| text.state == NoticeState::Due) {
        if text.due_at <= at {
            went_out(text);
        } else {
            (text.state, text.done_at) = (NoticeState::Withdrawn, Some(at));
        }
    }
}

/// What the past would have sent was never sent: it must not reach anybody now.
fn went_out(text: &mut entity::notice::Model) {
    text.state = NoticeState::Accepted;
    text.gateway = Some("demo".to_owned());
    text.done_at = Some(text.due_at);
}

/// Everything that a guide asks for.
#[must_use]
pub fn materials(guide: &Guide) -> Vec<Taken> {
    let taken = |m: &entity::guide::Material| {
        let form = if m.form.as_deref() == Some("copy") { MaterialForm::Copy } else { MaterialForm::Original };
        Taken::given(m.name.clone(), form, m.count.unwrap_or(1))
    };
    guide.version.content.materials.iter().map(taken).collect()
}
