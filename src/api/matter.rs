//! Doors of the register of matters (事项登记), and of what offices leave to the comprehensive window.

use super::Noun;
use super::problem::Failure;
use super::view::{Created, Done, Listed, Moment, OfficeView, Text, moment};
use crate::access::{By, Director, Leader, OfficeHead, Staff};
use crate::domain::matter::{self, Reception};
use crate::domain::{centre, guide};
use chrono::NaiveDate;
use entity::Id;
use entity::centre::office;
use entity::matter::ConsentState;
use entity::matter::consent::Model as Consent;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Enum, Object, OpenApi};

pub(super) struct Matters;

/// Where a matter is taken in.
#[derive(Enum)]
#[oai(rename_all = "snake_case")]
enum ReceptionView {
    /// 综合窗口.
    Window,
    /// 科室窗口.
    Office,
    /// 未进驻.
    Outside,
}

/// A matter in the register.
#[derive(Object)]
struct MatterView {
    /// Code of its guide.
    code: String,
    /// Its name.
    name: String,
    /// Whose it is.
    office: OfficeView,
    /// Where it is taken in today.
    place: ReceptionView,
    /// Why it stays outside.
    ground: Option<String>,
    /// Where it is taken in instead, with a telephone.
    elsewhere: Option<String>,
}

/// How far an office has come into the centre (三集中三到位), read from what is there.
#[derive(Object)]
struct GatheredView {
    /// The office.
    office: OfficeView,
    /// Its matters.
    matters: i64,
    /// Those taken in at the centre.
    entered: i64,
    /// 职能集中: one post in the centre handles all of them.
    functions: bool,
    /// 人员集中: that post has its A and B.
    people: bool,
    /// 事项集中: each has its steps and posts here.
    platform: bool,
    /// 进驻到位: nothing stays outside.
    entered_all: bool,
    /// 授权到位: letters in force give all four powers.
    delegated: bool,
    /// 监督到位: each has a limit that lamps watch.
    watched: bool,
}

/// Why a matter stays outside.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct OutsideInput {
    /// First day.
    from: NaiveDate,
    /// Why.
    ground: Text,
    /// Where it is taken in instead, with a telephone.
    place: Text,
}

/// From when on.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct FromInput {
    /// First day.
    from: NaiveDate,
}

/// An office that would leave its matters to the comprehensive window.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct WindowInput {
    /// Code of the office.
    office: Text,
    /// Why.
    reason: Text,
}

/// The government's word.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct GovernmentInput {
    /// Its day.
    on: NaiveDate,
    /// Its document.
    document: Text,
    /// First day on which the window takes the office's matters in.
    from: NaiveDate,
}

/// Why the government did not consent.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct RefusedInput {
    /// In words.
    words: Text,
}

/// What an office asked of the comprehensive window.
#[derive(Object)]
struct WindowView {
    /// Opaque id.
    id: Id,
    /// The office.
    office: Option<OfficeView>,
    /// Where it stands.
    state: ConsentState,
    /// How many matters it had when it asked.
    items: i32,
    /// How many cases in the year before.
    cases: i32,
    /// Why it asked.
    reason: String,
    /// When it asked.
    asked_at: Moment,
    /// Day of the government's word.
    decided_on: Option<NaiveDate>,
    /// Its document, or why it did not consent.
    document: Option<String>,
    /// First day on which the window takes its matters in.
    from: Option<NaiveDate>,
    /// Last day, once that is known.
    until: Option<NaiveDate>,
}

impl WindowView {
    fn of(row: Consent, offices: &[office::Model]) -> Self {
        Self {
            id: row.id,
            office: offices.iter().find(|o| o.id == row.office_id).map(OfficeView::from),
            state: row.state,
            items: row.items,
            cases: row.cases,
            reason: row.reason,
            asked_at: moment(row.asked_at),
            decided_on: row.decided_on,
            document: row.document,
            from: row.valid_from,
            until: row.valid_until,
        }
    }
}

type Answer<T> = Result<T, Failure>;

#[OpenApi(tag = "Noun::Matter")]
impl Matters {
    /// The register: where each matter is taken in today
    #[oai(path = "/matters", method = "get", operation_id = "list_matters")]
    async fn list_matters(&self, who: By<Staff>) -> Answer<Json<Listed<MatterView>>> {
        let (app, centre) = (&who.visit.app, &who.visit.centre);
        let (guides, register) = (
            guide::list(app.read(), centre, guide::Wanted::default()).await?,
            matter::register(app.read(), centre).await?,
        );
        let today = app.clock.now().date();
        let view = |guide: &guide::Guide| {
            let (place, outside) = match register.of(&guide.row, today) {
                Reception::Window => (ReceptionView::Window, None),
                Reception::Office => (ReceptionView::Office, None),
                Reception::Outside(row) => (ReceptionView::Outside, Some(row)),
            };
            MatterView {
                code: guide.row.code.clone(),
                name: guide.row.name.clone(),
                office: OfficeView::from(&guide.office),
                place,
                ground: outside.map(|row| row.ground.clone()),
                elsewhere: outside.map(|row| row.place.clone()),
            }
        };
        Ok(Json(Listed { items: guides.iter().map(|guide| view(guide)).collect(), next_cursor: None }))
    }

    /// How far each office has come into the centre: 进驻率 and 三集中三到位
    #[oai(path = "/matters/offices", method = "get", operation_id = "list_gathered")]
    async fn list_gathered(&self, who: By<Staff>) -> Answer<Json<Listed<GatheredView>>> {
        let (app, centre) = (&who.visit.app, &who.visit.centre);
        let rows = matter::gathered(app.read(), centre, app.clock.now().date()).await?;
        let count = |n: usize| i64::try_from(n).unwrap_or(i64::MAX);
        let view = |row: matter::Gathered| GatheredView {
            office: OfficeView::from(&row.office),
            matters: count(row.matters),
            entered: count(row.entered),
            functions: row.functions,
            people: row.people,
            platform: row.platform,
            entered_all: row.is_entered(),
            delegated: row.delegated,
            watched: row.watched,
        };
        Ok(Json(Listed { items: rows.into_iter().map(view).collect(), next_cursor: None }))
    }

    /// Record that a matter is not brought into the centre, why, and where it is taken in instead
    #[oai(path = "/matters/:code/outside", method = "post", operation_id = "keep_outside")]
    async fn keep_outside(&self, who: By<Director>, code: Path<String>, body: Json<OutsideInput>) -> Answer<Done> {
        let OutsideInput { from, ground, place } = body.0;
        let keep = async |act: &_| matter::keep_outside(act, &who.holder, &code.0, from, (&ground, &place)).await;
        who.visit.app.publish(&who.visit.centre, who.who.clone(), keep).await?;
        Ok(Done::Done)
    }

    /// Record that a matter is brought in
    #[oai(path = "/matters/:code/enter", method = "post", operation_id = "enter_matter")]
    async fn enter_matter(&self, who: By<Director>, code: Path<String>, body: Json<FromInput>) -> Answer<Done> {
        let enter = async |act: &_| matter::enter(act, &code.0, body.from).await;
        who.visit.app.publish(&who.visit.centre, who.who.clone(), enter).await?;
        Ok(Done::Done)
    }

    /// What offices asked of the comprehensive window
    #[oai(path = "/windows", method = "get", operation_id = "list_windows")]
    async fn list_windows(&self, who: By<Staff>) -> Answer<Json<Listed<WindowView>>> {
        let (db, centre) = (who.visit.app.read(), &who.visit.centre);
        let offices = centre::offices(db, centre.id).await?;
        let rows = matter::consents(db, centre.id).await?.into_iter();
        Ok(Json(Listed { items: rows.map(|row| WindowView::of(row, &offices)).collect(), next_cursor: None }))
    }

    /// Ask that the comprehensive window takes an office's matters in; both counts go with it
    #[oai(path = "/windows", method = "post", operation_id = "ask_window")]
    async fn ask_window(&self, who: By<OfficeHead>, body: Json<WindowInput>) -> Answer<Created<WindowView>> {
        let ask = async |act: &_| matter::ask(act, &who.holder, &body.office, &body.reason).await;
        let row = who.visit.write(who.who.clone(), ask).await?;
        Ok(Created(consent_view(&who, row).await?))
    }

    /// Record that 乡政府 consented
    #[oai(path = "/windows/:id/consent", method = "post", operation_id = "consent_window")]
    async fn consent_window(
        &self,
        who: By<Leader>,
        id: Path<Id>,
        body: Json<GovernmentInput>,
    ) -> Answer<Json<WindowView>> {
        let GovernmentInput { on, document, from } = body.0;
        let consent = async |act: &_| matter::consent(act, &who.holder, id.0, (on, &document), from).await;
        let row = who.visit.app.publish(&who.visit.centre, who.who.clone(), consent).await?;
        Ok(Json(consent_view(&who, row).await?))
    }

    /// Record that 乡政府 did not consent, and why
    #[oai(path = "/windows/:id/refuse", method = "post", operation_id = "refuse_window")]
    async fn refuse_window(&self, who: By<Leader>, id: Path<Id>, body: Json<RefusedInput>) -> Answer<Json<WindowView>> {
        let refuse = async |act: &_| matter::refuse(act, &who.holder, id.0, &body.words).await;
        let row = who.visit.write(who.who.clone(), refuse).await?;
        Ok(Json(consent_view(&who, row).await?))
    }

    /// Give an office its matters back: it takes them in itself
    #[oai(path = "/windows/:id/end", method = "post", operation_id = "end_window")]
    async fn end_window(&self, who: By<Director>, id: Path<Id>, body: Json<FromInput>) -> Answer<Json<WindowView>> {
        let end = async |act: &_| matter::end(act, id.0, body.from).await;
        let row = who.visit.app.publish(&who.visit.centre, who.who.clone(), end).await?;
        Ok(Json(consent_view(&who, row).await?))
    }
}

async fn consent_view<R: crate::access::Rank>(who: &By<R>, row: Consent) -> crate::base::Result<WindowView> {
    let offices = centre::offices(who.visit.app.read(), who.visit.centre.id).await?;
    Ok(WindowView::of(row, &offices))
}
