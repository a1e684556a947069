//! Taking a case in at the window.

use crate::access::{By, CaseHandler, WindowStaff};
use crate::base::error::Result;
use crate::base::personal;
use crate::domain::Act;
use crate::domain::applicant::Typed;
use crate::domain::case::{self, Agent, Instead, Intake, Taken};
use crate::domain::guide::{self, Wanted};
use crate::domain::identity::Viewer;
use crate::domain::matter::{self, Reception};
use crate::domain::{booking, review};
use crate::pages::booking::{applicant, moment_in_words};
use crate::pages::form::{Fields, Frame, SentFile, Someone, go_to, keep_files, page, word, words_once};
use askama::Template;
use entity::Id;
use entity::applicant::{ApplicantKind, IdType};
use entity::case::agent::AgentKind;
use entity::case::{Channel, MaterialForm};
use entity::guide::ItemKind;
use poem::web::Query;
use poem::{Response, handler};
use sea_orm::ActiveEnum as _;
use serde::Deserialize;

#[derive(Template)]
#[template(path = "receive.html")]
struct Form {
    frame: Frame,
    word: String,
    once: String,
    guides: Vec<(String, String)>,
    guide: Option<Chosen>,
    booking: Option<Booked>,
    consultation: Option<Id>,
    /// How a case may come to the counter.
    channels: [(&'static str, &'static str); 6],
    typed: Fields,
    wrong: Option<String>,
}

/// How a case comes to whoever takes it in; what comes by the province's platform is entered here too.
const CHANNELS: [(&str, &str); 6] = [
    ("window", "本人到窗口"),
    ("agent", "帮办代办（持委托书）"),
    ("home_visit", "上门收件"),
    ("phone", "电话申请"),
    ("web", "渝快办等网上平台转来"),
    ("mini_program", "渝快办等小程序转来"),
];

struct Chosen {
    code: String,
    name: String,
    materials: Vec<Line>,
    /// It can be done at once.
    instant: bool,
}

/// A line for a material: one of the guide's, or an empty one for what else was handed over.
struct Line {
    name: String,
    own: bool,
    form: String,
    copies: String,
    due: String,
    /// A promise may stand for it.
    promise: bool,
    /// It may follow.
    follows: bool,
}

/// Lines for what the guide does not name.
const MORE: usize = 3;

struct Booked {
    id: Id,
    words: String,
}

impl Line {
    fn of(typed: &Fields, n: usize, name: String, own: bool) -> Self {
        let copies = typed.typed(&format!("copies{n}")).unwrap_or_else(|| "1".to_owned());
        let (form, due) = (typed.get(&format!("form{n}")).to_owned(), typed.get(&format!("due{n}")).to_owned());
        Self { name, own, form, copies, due, promise: false, follows: false }
    }
}

/// What a receipt begins with.
#[derive(Deserialize)]
pub(super) struct Begun {
    guide: Option<String>,
    booking: Option<Id>,
    consultation: Option<Id>,
}

async fn form_page(by: &By<CaseHandler>, begun: Begun, typed: Fields, wrong: Option<String>) -> Result<Form> {
    let (app, centre) = (&by.visit.app, &by.visit.centre);
    let mut guides = guide::list(app.read(), centre, Wanted::default()).await?;
    let register = matter::register(app.read(), centre).await?;
    guides.retain(|g| !matches!(register.of(&g.row, app.clock.now().date()), Reception::Outside(_)));
    let chosen = match begun.guide.as_deref().filter(|code| !code.is_empty()) {
        Some(code) => {
            let guide = guide::get(app.read(), centre, code).await?;
            matter::ensure_here(app.read(), centre, &guide, app.clock.now().date()).await?;
            let of_guide = guide.version.content.materials.iter().enumerate().map(|(n, m)| Line {
                promise: m.promise == Some(true),
                follows: m.may_follow == Some(true),
                ..Line::of(&typed, n, m.name.clone(), false)
            });
            let mut materials: Vec<Line> = of_guide.collect();
            let named = materials.len();
            let written = typed.all("material_name");
            materials.extend(
                (named..named + MORE).map(|n| Line::of(&typed, n, written.get(n).cloned().unwrap_or_default(), true)),
            );
            let instant = guide.version.content.kind == Some(ItemKind::Instant);
            Some(Chosen { code: guide.row.code.clone(), name: guide.row.name.clone(), materials, instant })
        }
        None => None,
    };
    // Bookings are the windows' to look at.
    let booked = match begun.booking {
        Some(id) => {
            by.ensure::<WindowStaff>()?;
            let viewer = Viewer::Staff(by.holder.clone());
            let b = booking::see(app.read(), &app.vault, centre, id, &viewer).await?;
            let name = b.applicant.as_ref().map(|a| personal::mask_name(&a.name)).unwrap_or_default();
            let phone = b.applicant.and_then(|a| a.phone).map(|p| personal::mask_phone(&p)).unwrap_or_default();
            Some(Booked { id, words: format!("{}　{name}　{phone}", moment_in_words(b.row.starts_at)) })
        }
        None => None,
    };
    Ok(Form {
        frame: Frame::of_staff(by),
        word: word(by),
        once: typed.once(&app.random),
        guides: guides.iter().map(|g| (g.row.code.clone(), g.row.name.clone())).collect(),
        guide: chosen,
        booking: booked,
        consultation: begun.consultation,
        channels: CHANNELS,
        typed,
        wrong,
    })
}

#[handler]
pub(super) async fn fill_in(Someone(by): Someone<CaseHandler>, Query(begun): Query<Begun>) -> poem::Result<Response> {
    page(&form_page(&by, begun, Fields::default(), None).await?)
}

#[handler]
pub(super) async fn take_in(sent: SentFile<CaseHandler>) -> poem::Result<Response> {
    let SentFile { by, mut fields, files } = sent;
    let (code, booking) = (fields.get("guide").to_owned(), fields.id("booking"));
    let request = fields.request_with(&files);
    let received = match keep_files(&by, &mut fields, files).await {
        Ok(()) => received(&by, &fields, &request).await,
        Err(error) => Err(error),
    };
    match received {
        Ok(number) => Ok(go_to(&format!("/staff/cases/{number}"))),
        Err(error) => {
            let wrong = words_once(error, &mut fields)?;
            let begun = Begun { guide: Some(code), booking, consultation: fields.id("consultation") };
            page(&form_page(&by, begun, fields, Some(wrong)).await?)
        }
    }
}

/// Takes in what a form says; gives the number of the case.
async fn received(by: &By<CaseHandler>, fields: &Fields, request: &str) -> Result<String> {
    let booking = fields.id("booking");
    let visit = by.visit.once(fields.get("once"))?;
    let receive = async |act: &Act| {
        let as_booked = fields.get("name").is_empty();
        let who = match booking {
            // Nothing typed: the person is the one who booked, as the clerk has compared with the card.
            Some(id) if as_booked => {
                by.ensure::<WindowStaff>()?;
                let viewer = Viewer::acting(act).await?;
                let booked = booking::see(&*act.tx, &act.vault, &act.centre, id, &viewer).await?;
                booked.applicant.ok_or(booking::UNKNOWN_BOOKING)?.into()
            }
            _ => applicant(fields),
        };
        let intake = Intake {
            guide: fields.get("guide").to_owned(),
            channel: Channel::try_from_value(&fields.get("channel").to_owned()).unwrap_or(Channel::Window),
            booking,
            agent: agent(fields),
            consultation: fields.id("consultation"),
            applicant: who,
            materials: materials(fields),
        };
        if fields.get("at_once") != "yes" {
            return Ok(case::receive(act, intake).await?.case.number);
        }
        let received = case::at_once(act, intake).await?;
        review::invite(act, &received.case).await?;
        Ok(received.case.number)
    };
    visit.write_once(by.who.clone(), "receive_case", request, receive).await
}

/// Who brings it for the applicant, where one is named.
fn agent(fields: &Fields) -> Option<Agent> {
    let person = Typed {
        kind: ApplicantKind::Person,
        name: fields.typed("agent_name")?,
        phone: fields.typed("agent_phone"),
        id_type: fields.typed("agent_id").map(|_| IdType::IdCard),
        id_number: fields.typed("agent_id"),
    };
    Some(Agent {
        person,
        kind: AgentKind::try_from_value(&fields.get("agent_kind").to_owned()).unwrap_or(AgentKind::Other),
        authorised_on: fields.get("authorised_on").parse().unwrap_or_default(),
        letter: fields.id("kept_letter"),
    })
}

/// The guide's materials that were ticked, and what was written beside.
fn materials(fields: &Fields) -> Vec<Taken> {
    let names = fields.all("material_name");
    let named = names.iter().enumerate().filter(|(_, name)| !name.trim().is_empty());
    let ticked = named.filter_map(|(n, name)| {
        let due = || fields.get(&format!("due{n}")).parse().unwrap_or_default();
        let (form, instead, kept) = match fields.get(&format!("form{n}")) {
            "original" => (MaterialForm::Original, Instead::Given, false),
            "kept" => (MaterialForm::Original, Instead::Given, true),
            "copy" => (MaterialForm::Copy, Instead::Given, false),
            "electronic" => (MaterialForm::Electronic, Instead::Given, false),
            "promised" => (MaterialForm::Original, Instead::Promise(due()), false),
            "follows" => (MaterialForm::Original, Instead::Follow(due()), false),
            _ => return None,
        };
        let copies = fields.get(&format!("copies{n}"));
        let copies = if copies.is_empty() { 1 } else { copies.parse().unwrap_or(0) };
        Some(Taken { instead, kept, ..Taken::given(name.clone(), form, copies) })
    });
    ticked.collect()
}
