//! Hooks (回调): texts that come in through a gateway. The secret in the address is the only thing that vouches for them.

use super::problem::Failure;
use crate::access::Visit;
use crate::access::answer::{NO_ROUTE, UNREADABLE};
use crate::app::App;
use crate::base::Error;
use crate::base::vault::same;
use crate::domain::Who;
use crate::domain::published::{self, Centre};
use crate::domain::review::{self, Uplink};
use poem::web::{Data, Json, Path};
use poem::{Route, handler, post};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};
use std::sync::Arc;

/// A text as the console gateway hands it over.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Reply {
    mobile: String,
    text: String,
}

/// All hooks.
pub fn routes() -> Route {
    Route::new().at("/sms/:gateway/:secret/reply", post(reply))
}

#[handler]
async fn reply(
    req: &poem::Request,
    app: Data<&App>,
    Path((gateway, secret)): Path<(String, String)>,
    body: poem::Body,
) -> Result<Json<Value>, Failure> {
    let known = app.sms.iter().any(|s| s.name() == gateway) && (gateway == "console" || gateway == "memory");
    if !known || !same(secret.as_bytes(), app.hook_secret.expose_secret().as_bytes()) {
        return Err(NO_ROUTE.into());
    }
    let bytes = body.into_bytes().await.map_err(|_| Error::from(UNREADABLE))?;
    let Ok(Reply { mobile, text }) = serde_json::from_slice(&bytes) else { return Err(UNREADABLE.into()) };
    let uplink = Uplink::new(&gateway, &mobile, &text);
    let outcome = match centre_of(req, *app, &uplink).await? {
        Some(centre) => app.write(&centre, Who::Bearer, async |act| review::receive_text(act, &uplink).await).await?,
        None => {
            let now = app.clock.now();
            uplink.keep_unmatched(app.database.writer(), &app.vault, app.random.id(now), now).await?
        }
    };
    Ok(Json(json!({ "outcome": outcome })))
}

/// The centre a text is for: the one whose address was called, else the one that asked.
async fn centre_of(req: &poem::Request, app: &App, uplink: &Uplink<'_>) -> crate::base::Result<Option<Arc<Centre>>> {
    match Visit::of(req).await {
        Ok(visit) => return Ok(Some(visit.centre)),
        // The address names none; one that names a wrong one is refused, and the gateway tries again when it is put right.
        Err(Error::Refused(refused)) if refused.refusal == published::UNKNOWN_CENTRE && refused.field.is_none() => {}
        Err(other) => return Err(other),
    }
    let published = app.published().await?;
    let meant = uplink.meant_for(app.read(), &app.vault, &published.centres, app.clock.now(), &app.rules).await?;
    Ok(meant.and_then(|id| published.by_id(id)))
}
