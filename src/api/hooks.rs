//! Hooks (回调): texts that come in through a gateway. The secret in the address is the only thing that vouches for them.

use super::problem::Failure;
use crate::access::Visit;
use crate::access::answer::{NO_ROUTE, UNREADABLE};
use crate::base::Error;
use crate::base::vault::same;
use crate::domain::{Who, review};
use poem::web::{Data, Json, Path};
use poem::{Route, handler, post};
use secrecy::ExposeSecret as _;
use serde::Deserialize;
use serde_json::{Value, json};

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
    visit: Visit,
    app: Data<&crate::app::App>,
    Path((gateway, secret)): Path<(String, String)>,
    body: poem::Body,
) -> Result<Json<Value>, Failure> {
    let known = app.sms.iter().any(|s| s.name() == gateway) && (gateway == "console" || gateway == "memory");
    if !known || !same(secret.as_bytes(), app.hook_secret.expose_secret().as_bytes()) {
        return Err(NO_ROUTE.into());
    }
    let bytes = body.into_bytes().await.map_err(|_| Error::from(UNREADABLE))?;
    let Ok(Reply { mobile, text }) = serde_json::from_slice(&bytes) else { return Err(UNREADABLE.into()) };
    let outcome =
        visit.write(Who::Bearer, async |act| review::receive_text(act, &gateway, &mobile, &text).await).await?;
    Ok(Json(json!({ "outcome": outcome })))
}
