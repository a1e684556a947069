//! Doors of what was refused or denied and is filed with the director (否定报备).

use super::detail::NoView;
use crate::access::{By, CaseHandler};
use crate::api::Noun;
use crate::api::problem::Failure;
use crate::api::view::{Listed, Moment, Text, moment};
use crate::domain::case::{self, Filed};
use crate::domain::identity::staff;
use entity::Id;
use poem_openapi::param::Path;
use poem_openapi::payload::Json;
use poem_openapi::{Object, OpenApi};
use std::collections::HashMap;

pub(in crate::api) struct Negatives;

/// A no that was filed.
#[derive(Object)]
struct FiledView {
    /// Its id.
    id: Id,
    /// Number of the case.
    number: String,
    /// What the applicant was told.
    no: NoView,
    /// Who said it.
    by: Option<String>,
    /// When.
    filed_at: Moment,
    /// Whether it was right, once the director has looked at it.
    upheld: Option<bool>,
    /// What he wrote.
    words: Option<String>,
}

/// What the director finds.
#[derive(Object)]
#[oai(deny_unknown_fields)]
struct FindingInput {
    /// It was right to say no.
    upheld: bool,
    /// What he writes; needed where it was not.
    words: Option<Text>,
}

fn view(filed: Filed, names: &HashMap<String, String>) -> FiledView {
    FiledView {
        id: filed.row.id,
        number: filed.number.clone(),
        by: names.get(&filed.row.filed_by.to_string()).cloned(),
        filed_at: moment(filed.row.filed_at),
        upheld: filed.row.upheld,
        words: filed.words.clone(),
        no: filed.into(),
    }
}

type Answer<T> = Result<T, Failure>;

#[OpenApi(tag = "Noun::Case")]
impl Negatives {
    /// Refusals and denials that nobody has looked at, oldest first
    #[oai(path = "/negatives", method = "get", operation_id = "list_negatives")]
    async fn list_negatives(&self, who: By<CaseHandler>) -> Answer<Json<Listed<FiledView>>> {
        let (app, centre) = (&who.visit.app, who.visit.centre.id);
        let names = staff::names(app.read(), centre).await?;
        let sight = who.sight().await?;
        let filed = case::unseen_negatives(app.read(), &app.vault, centre, &sight, 100).await?;
        let items = filed.into_iter().map(|filed| view(filed, &names)).collect();
        Ok(Json(Listed { items, next_cursor: None }))
    }

    /// Look at one: it was right, or it was not
    #[oai(path = "/negatives/:id/look", method = "post", operation_id = "look_at_negative")]
    async fn look_at_negative(
        &self,
        who: By<CaseHandler>,
        id: Path<Id>,
        body: Json<FindingInput>,
    ) -> Answer<Json<FiledView>> {
        let FindingInput { upheld, words } = body.0;
        let words = words.map(String::from);
        let look = async |act: &_| case::look_at_negative(act, id.0, upheld, words.as_deref()).await;
        let filed = who.visit.write(who.who.clone(), look).await?;
        let names = staff::names(who.visit.app.read(), who.visit.centre.id).await?;
        Ok(Json(view(filed, &names)))
    }
}
