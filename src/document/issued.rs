//! Bytes of issued documents (文书成文): made once and kept. As PDF where the program was built to set it (feature `pdf`), else as a
//! page that any browser prints.

use super::qr;
use crate::app::App;
use crate::base::Result;
use crate::domain::document::{self, Paper};
use crate::domain::published::Centre;
use crate::domain::{Who, file};
use entity::document::Model;
use entity::file::MediaType;
use std::sync::Arc;

/// The file of a document, made now if it was not before.
///
/// # Errors
/// `unknown_file`; no fonts to set it with, or a disk that cannot be written to.
pub async fn kept(app: &App, centre: &Arc<Centre>, row: &Model) -> Result<entity::file::Model> {
    if let Some(id) = row.file_id {
        return file::get(app.read(), centre.id, id).await;
    }
    let paper = document::paper(&app.vault, row)?;
    let name = format!("{} {}", paper.title, paper.number);
    let (media, template, bytes) = set(app, paper).await?;
    let who = || Who::System("set_documents");
    let file = app.put_document(centre, who(), &name, media, bytes).await?;
    let id = file.id;
    let kept = app.write(centre, who(), async |act| {
        act.insert(file).await?;
        document::made(act, row.id, id, template).await
    });
    // Somebody may have been quicker: what he made is the document, and ours is forgotten with what nothing rests on.
    let kept = kept.await?.file_id.ok_or(document::UNKNOWN_DOCUMENT)?;
    file::get(app.read(), centre.id, kept).await
}

#[cfg(feature = "pdf")]
async fn set(app: &App, paper: Paper) -> Result<(MediaType, &'static str, Vec<u8>)> {
    let (press, qr) = (app.press().await?, qr::svg(&paper.verify_url)?);
    let data = serde_json::to_string(&paper).map_err(anyhow::Error::from)?;
    let set = tokio::task::spawn_blocking(move || press.pdf(&data, &qr)).await.map_err(anyhow::Error::from)?;
    Ok((MediaType::Pdf, typeset::TEMPLATE_VERSION, set.map_err(anyhow::Error::from)?))
}

#[cfg(not(feature = "pdf"))]
#[expect(clippy::unused_async, reason = "setting PDF takes a while; a page is made at once")]
async fn set(_: &App, paper: Paper) -> Result<(MediaType, &'static str, Vec<u8>)> {
    use askama::Template as _;
    let qr = qr::svg(&paper.verify_url)?;
    let page = page::Page { paper, qr }.render().map_err(anyhow::Error::from)?;
    Ok((MediaType::Html, "document.html/1", page.into_bytes()))
}

#[cfg(not(feature = "pdf"))]
mod page {
    use super::Paper;
    use askama::Template;

    #[derive(Template)]
    #[template(path = "document.html")]
    pub(super) struct Page {
        pub(super) paper: Paper,
        pub(super) qr: String,
    }
}
