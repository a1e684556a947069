//! Doors of cases: from 收件 to 办结, and looking in between.

use super::Noun;
use super::file::FileBody;
use super::problem::Failure;
use super::view::{Created, Listed, part};
use crate::access::{By, CaseHandler, CaseParty, CaseReader, Rank, ReceiptParty, Resident, Visit};
use crate::base::{Kind, Refusal};
use crate::document::{issued, receipt};
use crate::domain::case::{self, Filter, Intake, Lamp, Proof};
use crate::domain::identity::Viewer;
use crate::domain::{Act, centre, document, review};
use chrono::NaiveDate;
use entity::case::{CaseState, Model as Row};
use entity::document::DocumentKind;
use poem_openapi::OpenApi;
use poem_openapi::param::{Path, Query};
use poem_openapi::payload::{Html, Json};
use poem_openapi::types::ToJSON as _;

/// This build cannot make PDF.
const PDF_NOT_BUILT: Refusal =
    Refusal::new(Kind::Missing, "pdf_not_built", "这个版本不生成PDF，请打开网页回执单用浏览器打印。");

mod acted;
mod application;
mod clock;
mod course;
mod detail;
mod export;
mod input;
mod material;
mod negative;
mod supplement;
mod view;

/// The doors of one noun.
pub(super) type Doors = (
    Cases,
    application::Applications,
    course::Course,
    supplement::Supplements,
    material::Materials,
    clock::Clock,
    negative::Negatives,
    export::Export,
);

/// Each of them.
pub(super) const fn doors() -> Doors {
    (
        Cases,
        application::Applications,
        course::Course,
        supplement::Supplements,
        material::Materials,
        clock::Clock,
        negative::Negatives,
        export::Export,
    )
}

use acted::{Acted, acted, ticket_view};
use detail::{CaseDetail, detail};
use input::{
    AgentInput, CorrectionInput, MaterialInput, ProgressInput, ProofInput, ReceiveInput, RevealInput, SearchInput,
};
use view::{CaseView, Clockwork, EventView, ProgressView, Receipt, ReceivedView, Revealed, shown};

pub(super) struct Cases;

/// One act on a case and, if it ended it, the invitation in the same transaction.
async fn once<R: Rank>(
    who: &By<R>,
    operation: &'static str,
    request: String,
    step: impl AsyncFnOnce(&Act) -> crate::base::Result<Row>,
) -> Result<Json<Acted>, Failure> {
    let done = who.visit.write_once(who.who.clone(), operation, &request, async |act| {
        let row = step(act).await?;
        review::invite(act, &row).await?;
        acted(act, row).await
    });
    Ok(Json(done.await?))
}

type Answer<T> = Result<T, Failure>;

#[OpenApi(tag = "Noun::Case")]
impl Cases {
    /// Take a case in against a receipt
    #[oai(path = "/cases", method = "post", operation_id = "receive_case")]
    async fn receive_case(&self, who: By<CaseHandler>, body: Json<ReceiveInput>) -> Answer<Created<ReceivedView>> {
        let request = body.0.to_json_string();
        let made = who
            .visit
            .write_once(who.who.clone(), "receive_case", &request, async |act| {
                let at_once = body.0.at_once == Some(true);
                let intake = Intake {
                    guide: body.0.guide.into(),
                    channel: body.0.channel,
                    booking: body.0.booking_id,
                    consultation: body.0.consultation_id,
                    applicant: body.0.applicant.into(),
                    agent: body.0.agent.map(AgentInput::into),
                    materials: body.0.materials.unwrap_or_default().into_iter().map(MaterialInput::into).collect(),
                };
                let received =
                    if at_once { case::at_once(act, intake).await? } else { case::receive(act, intake).await? };
                review::invite(act, &received.case).await?;
                Ok(ReceivedView {
                    invitation: ticket_view(act, &received.case).await?,
                    number: received.case.number,
                    receipt: Receipt { number: received.case.receipt_number, check_code: received.check_code },
                    state: received.case.state,
                    due_on: received.case.due_on,
                    due_provisional: received.case.due_provisional,
                })
            })
            .await?;
        Ok(Created(made))
    }

    /// Cases one may see, latest first
    ///
    /// A resident sees what his account booked, and in part what was entered under his phone.
    #[oai(path = "/cases", method = "get", operation_id = "list_cases")]
    #[expect(clippy::too_many_arguments, reason = "a door names each of its parameters")]
    async fn list_cases(
        &self,
        who: By<CaseParty>,
        /// Where they stand.
        state: Query<Option<CaseState>>,
        /// Code of an office.
        office: Query<Option<String>>,
        /// User name of whoever holds the post that has them in hand; for staff.
        holder: Query<Option<String>>,
        /// How near their last day is; the list is then by that day, the soonest first.
        lamp: Query<Option<Lamp>>,
        /// Received on this day or later.
        from: Query<Option<NaiveDate>>,
        /// Received on this day or before.
        until: Query<Option<NaiveDate>>,
        /// At most so many, 1 to 100.
        limit: Query<Option<u64>>,
        /// Where the part before ended.
        cursor: Query<Option<String>>,
    ) -> Answer<Json<Listed<CaseView>>> {
        let (app, centre) = (&who.visit.app, &who.visit.centre);
        let (page, now) = (part(limit.0, cursor.0.as_ref())?, app.clock.now());
        let offices = centre::offices(app.read(), centre.id).await?;
        let office = match office.0 {
            Some(code) => Some(centre::office(app.read(), centre.id, &code).await?.id),
            None => None,
        };
        let sight = who.sight().await?;
        let posts = match holder.0.filter(|_| sight.viewer().is_staff()) {
            Some(username) => Some(case::posts_of(app.read(), centre, &username, now).await?),
            None => None,
        };
        let (state, lamp, from, until) = (state.0, lamp.0, from.0, until.0);
        let filter = Filter { state, office, posts, lamp, from, until, applied_by: None };
        let (cases, next_cursor) = case::list(app.read(), &app.vault, centre, &sight, filter, page, now).await?;
        let clock = Clockwork::of(app.read(), centre, now).await?;
        let items = cases.into_iter().map(|seen| shown(seen, &offices, &clock, sight.viewer())).collect();
        Ok(Json(Listed { items, next_cursor }))
    }

    /// Cases of a person: by exact name, phone or number of a document
    #[oai(path = "/cases/search", method = "post", operation_id = "search_cases")]
    async fn search_cases(
        &self,
        who: By<CaseReader>,
        /// At most so many, 1 to 100.
        limit: Query<Option<u64>>,
        /// Where the part before ended.
        cursor: Query<Option<String>>,
        body: Json<SearchInput>,
    ) -> Answer<Json<Listed<CaseView>>> {
        let page = part(limit.0, cursor.0.as_ref())?;
        who.visit.limit_search(who.holder.id).await?;
        let (app, viewer) = (&who.visit.app, Viewer::Staff(who.holder.clone()));
        let offices = centre::offices(app.read(), who.visit.centre.id).await?;
        let search = async |act: &Act| case::search(act, &body.person, page).await;
        let (cases, next_cursor) = who.visit.write(who.who.clone(), search).await?;
        let clock = Clockwork::of(app.read(), &who.visit.centre, app.clock.now()).await?;
        let items = cases.into_iter().map(|seen| shown(seen, &offices, &clock, &viewer)).collect();
        Ok(Json(Listed { items, next_cursor }))
    }

    /// Read a case by its number or its receipt's
    #[oai(path = "/cases/:number", method = "get", operation_id = "get_case")]
    async fn get_case(&self, who: By<CaseParty>, number: Path<String>) -> Answer<Json<CaseDetail>> {
        let (app, centre) = (&who.visit.app, &who.visit.centre);
        let sight = who.sight().await?;
        let seen = case::see(app.read(), &app.vault, centre, &number.0, &sight).await?;
        Ok(Json(detail(app, centre, seen, sight.viewer()).await?))
    }

    /// Read a case that one sees in part in full, for a proof
    ///
    /// For a resident whose phone it was received under, or who made it before his account was surely his.
    #[oai(path = "/cases/:number/open", method = "post", operation_id = "open_case")]
    async fn open_case(
        &self,
        who: By<Resident>,
        number: Path<String>,
        body: Json<ProofInput>,
    ) -> Answer<Json<CaseDetail>> {
        let ProofInput { check_code, id_tail } = body.0;
        let proof = match (check_code, id_tail) {
            (Some(code), _) => Proof::check_code(&code),
            (None, Some(tail)) => Proof::id_tail(&tail),
            (None, None) => return Err(case::WRONG_PROOF.on("check_code").into()),
        };
        who.visit.limit_opening(who.holder, &number.0, &proof).await?;
        let (app, centre) = (&who.visit.app, &who.visit.centre);
        let sight = who.sight().await?;
        let seen = case::open(app.read(), &app.vault, centre, &number.0, &sight, &proof).await?;
        Ok(Json(detail(app, centre, seen, sight.viewer()).await?))
    }

    /// The receipt (收件回执单) as a page to print
    #[oai(path = "/cases/:number/receipt", method = "get", operation_id = "case_receipt")]
    async fn case_receipt(&self, who: By<ReceiptParty>, number: Path<String>) -> Answer<Html<String>> {
        let (app, sight) = (&who.visit.app, who.sight().await?);
        let page = receipt::page(app.read(), &app.vault, &who.visit.centre, &app.rules.public_url, &number.0, &sight);
        Ok(Html(page.await?))
    }

    /// The receipt as PDF
    ///
    /// As it was issued, in builds with PDF; elsewhere `pdf_not_built`.
    #[oai(path = "/cases/:number/receipt.pdf", method = "get", operation_id = "case_receipt_pdf")]
    async fn case_receipt_pdf(&self, who: By<ReceiptParty>, number: Path<String>) -> Answer<FileBody> {
        if cfg!(not(feature = "pdf")) {
            return Err(PDF_NOT_BUILT.into());
        }
        let (app, centre, sight) = (&who.visit.app, &who.visit.centre, who.sight().await?);
        let row = case::papers(app.read(), &app.vault, centre, &number.0, &sight).await?.row;
        let issued = document::of_case(app.read(), row.id).await?;
        let receipt = issued.into_iter().find(|d| d.kind == DocumentKind::Receipt);
        let file = issued::kept(app, centre, &receipt.ok_or(document::UNKNOWN_DOCUMENT)?).await?;
        FileBody::of(app, &file).await
    }

    /// Correct a wrong name, phone or document
    ///
    /// An open invitation to rate is sent anew when the phone changes; the old link and code are void.
    #[oai(path = "/cases/:number/applicant", method = "post", operation_id = "correct_applicant")]
    async fn correct_applicant(
        &self,
        who: By<CaseHandler>,
        number: Path<String>,
        body: Json<CorrectionInput>,
    ) -> Answer<Json<Acted>> {
        let request = format!("{} {}", number.0, body.0.to_json_string());
        let done = who.visit.write_once(who.who.clone(), "correct_applicant", &request, async |act| {
            let (row, fields) = case::correct(act, &number.0, body.0.into()).await?;
            if fields.contains(&"phone") {
                review::readdress(act, &row).await?;
            }
            acted(act, row).await
        });
        Ok(Json(done.await?))
    }

    /// See personal data in full, for a purpose that is written down
    #[oai(path = "/cases/:number/reveal", method = "post", operation_id = "reveal")]
    async fn reveal(
        &self,
        who: By<CaseReader>,
        number: Path<String>,
        body: Json<RevealInput>,
    ) -> Answer<Json<Revealed>> {
        let RevealInput { fields, purpose } = body.0;
        let fields: Vec<String> = fields.into_iter().map(String::from).collect();
        let values =
            who.visit.write(who.who.clone(), async |act| case::reveal(act, &number.0, &fields, &purpose).await).await?;
        let value = |field: &str| values.iter().find(|(f, _)| *f == field).and_then(|(_, v)| v.clone());
        Ok(Json(Revealed {
            name: value("name"),
            phone: value("phone"),
            id_number: value("id_number"),
            agent_name: value("agent_name"),
            agent_phone: value("agent_phone"),
        }))
    }

    /// How far is it: for whoever holds the number and a proof
    #[oai(path = "/progress", method = "post", operation_id = "progress")]
    async fn progress(&self, visit: Visit, body: Json<ProgressInput>) -> Answer<Json<ProgressView>> {
        let ProgressInput { number, check_code, phone_tail } = body.0;
        let proof = match (check_code, phone_tail) {
            (Some(code), _) => Proof::check_code(&code),
            (None, Some(tail)) => Proof::phone_tail(&tail),
            (None, None) => return Err(case::PROOF_NEEDED.on("check_code").into()),
        };
        let app = &visit.app;
        let look = async || case::progress(app.read(), &app.vault, &visit.centre, &number, &proof).await;
        let case::Progress { receipt_number, item, state, due_on, due_provisional, events, .. } =
            visit.prove(&number, &proof, look).await?;
        let state_text = case::state_name(state).to_owned();
        let timeline = events.into_iter().map(EventView::from).collect();
        Ok(Json(ProgressView { receipt_number, item, state, state_text, due_on, due_provisional, timeline }))
    }
}
