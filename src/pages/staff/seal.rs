//! Registers of the centre (登记册): letters of delegation, its seals, and the training of its staff.

use crate::access::{By, CaseHandler, Director, Staff};
use crate::base::error::Error;
use crate::domain::act::Page as Part;
use crate::domain::authority::{self, Delegation};
use crate::domain::identity::staff;
use crate::domain::training::{self, Held};
use crate::domain::{centre, file, post, seal};
use crate::pages::document::hand_out;
use crate::pages::form::{Fields, Frame, Sent, SentFile, Someone, Upload, go_to, page, word, words};
use askama::Template;
use chrono::NaiveDate;
use entity::Id;
use entity::centre::office;
use entity::file::FilePurpose;
use entity::identity::Role;
use poem::web::Path;
use poem::{Response, handler};

#[derive(Template)]
#[template(path = "registers.html")]
struct Registers {
    frame: Frame,
    word: String,
    today: NaiveDate,
    director: bool,
    letters: Vec<LetterLine>,
    seals: Vec<Line>,
    trainings: Vec<String>,
    posts: Vec<(String, String)>,
    offices: Vec<(String, String)>,
    people: Vec<(String, String)>,
    typed: Fields,
    wrong: Option<String>,
}

struct Line {
    id: Id,
    words: String,
    in_use: bool,
}

/// A letter of delegation.
struct LetterLine {
    id: Id,
    words: String,
    scanned: bool,
}

impl LetterLine {
    fn of(letter: &Delegation, offices: &[office::Model], posts: &post::Posts) -> Self {
        let row = &letter.row;
        let office = offices.iter().find(|o| o.id == row.office_id).map(|o| o.name.as_str()).unwrap_or_default();
        let post = posts.of(row.post_id).map(|post| post.row.name.as_str()).unwrap_or_default();
        let own = letter.powers.iter().filter(|p| p.post_id == row.post_id);
        let powers: Vec<_> = own.map(|p| authority::power_name(p.power)).collect();
        let day = |day: NaiveDate| day.format("%Y年%-m月%-d日").to_string();
        let days = format!("{}至{}", day(row.valid_from), day(row.valid_until));
        let mut words = format!("{}　{office}授给{post}：{}（{days}）", row.number, powers.join("、"));
        // What the first responsible person gave on (转授权), post by post.
        let mut others: Vec<Id> = letter.powers.iter().map(|p| p.post_id).filter(|id| *id != row.post_id).collect();
        others.sort_unstable();
        others.dedup();
        let on = others.into_iter().filter_map(|id| {
            let given = letter.powers.iter().filter(|p| p.post_id == id).map(|p| {
                let only = if p.instant_only { "（即办件）" } else { "" };
                format!("{}{only}", authority::power_name(p.power))
            });
            Some(format!("{}：{}", posts.of(id)?.row.name, given.collect::<Vec<_>>().join("、")))
        });
        let on: Vec<_> = on.collect();
        if !on.is_empty() {
            words += &format!("；转授权给{}", on.join("；"));
        }
        Self { id: row.id, words, scanned: row.file_id.is_some() }
    }
}

async fn registers_page<R: crate::access::Rank>(
    by: &By<R>,
    typed: Fields,
    wrong: Option<String>,
) -> poem::Result<Response> {
    let (db, centre, today) = (by.visit.app.read(), &by.visit.centre, by.visit.app.clock.now().date());
    let (posts, offices) = (post::all(db, centre).await?, centre::offices(db, centre.id).await?);
    let names = staff::names(db, centre.id).await?;
    let line = |row: entity::seal::Model| {
        let of = offices.iter().find(|o| Some(o.id) == row.office_id).map_or("中心", |o| o.name.as_str());
        let keeper = posts.of(row.post_id).map(|post| post.row.name.clone()).unwrap_or_default();
        let until = row.valid_until.map(|day| format!("，{}停用", day.format("%Y年%-m月%-d日")));
        let from = row.valid_from.format("%Y年%-m月%-d日");
        let words = format!("{}（{of}），{keeper}保管，{from}启用{}", row.name, until.unwrap_or_default());
        Line { id: row.id, words, in_use: row.valid_until.is_none() }
    };
    let (trainings, _) = training::list(db, centre.id, Part::new(Some(50), None)?).await?;
    let training = |t: training::Training| {
        let there: Vec<_> = t.attendees.iter().filter_map(|id| names.get(&id.to_string()).cloned()).collect();
        let (on, topic) = (t.row.on_date.format("%Y年%-m月%-d日"), t.row.topic);
        format!("{on}　{topic}　{}主讲，{}分钟　参训：{}", t.row.taught_by, t.row.minutes, there.join("、"))
    };
    let letters = authority::all(db, centre).await?;
    let serving = staff::all(db, centre.id).await?.into_iter().filter(|s| s.serves(today));
    page(&Registers {
        frame: Frame::of_staff(by),
        word: word(by),
        today,
        director: by.ensure::<Staff>()?.is_any(&[Role::Director]),
        letters: letters.each().rev().map(|letter| LetterLine::of(letter, &offices, &posts)).collect(),
        seals: seal::all(db, centre.id).await?.into_iter().map(line).collect(),
        trainings: trainings.into_iter().map(training).collect(),
        posts: posts.on(today).map(|post| (post.row.code.clone(), post.row.name.clone())).collect(),
        people: serving.map(|s| (s.username, s.name)).collect(),
        offices: offices.iter().map(|o| (o.code.clone(), o.name.clone())).collect(),
        typed,
        wrong,
    })
}

#[handler]
pub(super) async fn list(Someone(by): Someone<Staff>) -> poem::Result<Response> {
    registers_page(&by, Fields::default(), None).await
}

#[handler]
pub(super) async fn enter(sent: Sent<Director>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let from = fields.get("from").parse().unwrap_or_default();
    let (name, office, keeper) = (fields.get("name"), fields.typed("office"), fields.get("keeper"));
    let enter = async |act: &_| seal::enter(act, &by.holder, name, (office.as_deref(), keeper), from).await.map(drop);
    match by.visit.write(by.who.clone(), enter).await {
        Ok(()) => Ok(go_to("/staff/registers")),
        Err(error) => {
            let wrong = words(error)?;
            registers_page(&by, fields, Some(wrong)).await
        }
    }
}

#[handler]
pub(super) async fn give_back(sent: Sent<Director>, Path(id): Path<Id>) -> poem::Result<Response> {
    let by = sent.by;
    by.visit.write(by.who.clone(), async |act| seal::give_back(act, id).await).await?;
    Ok(go_to("/staff/registers"))
}

#[handler]
pub(super) async fn record_training(sent: Sent<Director>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let held = Held {
        on: fields.get("on").parse().unwrap_or_default(),
        topic: fields.get("topic").to_owned(),
        taught_by: fields.get("taught_by").to_owned(),
        minutes: fields.get("minutes").parse().unwrap_or_default(),
        attendees: fields.all("attendee"),
    };
    let record = async |act: &_| training::record(act, &by.holder, held).await.map(drop);
    match by.visit.write(by.who.clone(), record).await {
        Ok(()) => Ok(go_to("/staff/registers")),
        Err(error) => {
            let wrong = words(error)?;
            registers_page(&by, fields, Some(wrong)).await
        }
    }
}

/// Keeps the scan of a letter of delegation.
#[handler]
pub(super) async fn scan_letter(sent: SentFile<Director>, Path(id): Path<Id>) -> poem::Result<Response> {
    let SentFile { by, mut files, .. } = sent;
    let Upload { name, bytes, .. } = files.pop().unwrap_or_default();
    let (visit, who) = (&by.visit, &by.who);
    let scanned = async {
        visit.limit_uploads(who).await?;
        let file = visit.app.keep_file(&visit.centre, who.clone(), FilePurpose::Letter, &name, bytes).await?;
        let keep = async |act: &_| authority::keep_letter(act, &by.holder, id, file.id).await;
        visit.app.publish(&visit.centre, who.clone(), keep).await
    };
    match scanned.await {
        Ok(()) => Ok(go_to("/staff/registers")),
        Err(error) => {
            let wrong = words(error)?;
            registers_page(&by, Fields::default(), Some(wrong)).await
        }
    }
}

#[handler]
pub(super) async fn show_letter(Someone(by): Someone<Staff>, Path(id): Path<Id>) -> poem::Result<Response> {
    let (app, centre) = (&by.visit.app, &by.visit.centre);
    let letters = authority::all(app.read(), centre).await?;
    let id = letters.of(id)?.row.file_id.ok_or(Error::from(file::UNKNOWN_FILE))?;
    let row = file::get(app.read(), centre.id, id).await?;
    hand_out(app, &row).await
}

/// Puts a seal on a document of a case.
#[handler]
pub(super) async fn put(
    sent: Sent<CaseHandler>,
    Path((number, document)): Path<(String, Id)>,
) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let seal = fields.id("seal").unwrap_or_default();
    let put = by.visit.write(by.who.clone(), async |act| seal::put(act, &number, document, seal).await).await;
    super::supplement::done(&by, number, put)
}
