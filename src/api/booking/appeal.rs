//! Doors of no-shows: an appeal, and the director's ruling.

use super::super::view::{Listed, Moment, Text, moment};
use super::{Answer, BookingView, view};
use crate::access::{BookingParty, By, Director, Visit};
use crate::api::Noun;
use crate::domain::booking::{self, Appealed};
use entity::Id;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::types::ToJSON as _;
use poem_openapi::{Object, OpenApi};

pub(in crate::api) struct Appeals;

/// Why nobody is to blame.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct AppealInput {
    /// In the person's words, 2 to 300 characters.
    reason: Text,
}

/// A ruling.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct RulingInput {
    /// The no-show is taken back.
    grant: bool,
    /// Why, as the person reads it, 2 to 300 characters.
    words: Text,
}

/// An appeal that waits for a ruling.
#[derive(Object)]
struct AppealView {
    /// Opaque id.
    id: Id,
    /// The booking that nobody came for.
    booking: BookingView,
    /// In the person's words.
    reason: String,
    /// When it was made.
    at: Moment,
}

#[OpenApi(tag = "Noun::Booking")]
impl Appeals {
    /// Ask the director to take a no-show back; the windows, for who rings up
    #[oai(path = "/bookings/:id/appeal", method = "post", operation_id = "appeal_no_show")]
    async fn appeal_no_show(
        &self,
        who: By<BookingParty>,
        id: Path<Id>,
        body: Json<AppealInput>,
    ) -> Answer<Json<BookingView>> {
        let request = format!("{} {}", id.0, body.0.to_json_string());
        let done = async |act: &_| Ok(view(booking::appeal(act, id.0, &body.0.reason).await?, &act.who));
        Ok(Json(who.visit.write_once(who.who.clone(), "appeal_no_show", &request, done).await?))
    }

    /// Read the appeals that wait for a ruling
    #[oai(path = "/booking-appeals", method = "get", operation_id = "list_no_show_appeals")]
    async fn list_no_show_appeals(&self, who: By<Director>) -> Answer<Json<Listed<AppealView>>> {
        let Visit { app, centre, .. } = &who.visit;
        let open = booking::appeals(app.read(), &app.vault, centre).await?;
        let shown = |a: Appealed| AppealView {
            id: a.id,
            booking: view(a.booked, &who.who),
            reason: a.reason,
            at: moment(a.at),
        };
        Ok(Json(Listed { items: open.into_iter().map(shown).collect(), next_cursor: None }))
    }

    /// Rule on an appeal
    #[oai(path = "/booking-appeals/:id/rule", method = "post", operation_id = "rule_on_no_show")]
    async fn rule_on_no_show(
        &self,
        who: By<Director>,
        id: Path<Id>,
        body: Json<RulingInput>,
    ) -> Answer<Json<BookingView>> {
        let request = format!("{} {}", id.0, body.0.to_json_string());
        let done = async |act: &_| {
            let ruled = booking::rule_on(act, &who.holder, id.0, body.0.grant, &body.0.words).await?;
            Ok(view(ruled, &act.who))
        };
        Ok(Json(who.visit.write_once(who.who.clone(), "rule_on_no_show", &request, done).await?))
    }
}
