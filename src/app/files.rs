//! Files, as the application keeps them: the disk first, then the row.

use super::App;
use crate::base::database::Work;
use crate::base::error::Result;
use crate::domain::published::Centre;
use crate::domain::{Who, file};
use entity::file::{FilePurpose, MediaType, Model};
use std::sync::Arc;

impl App {
    /// Keeps what was uploaded: its bytes on the disk first, then its row.
    ///
    /// # Errors
    /// The refusals of [`file::seal`]; a disk that cannot be written to.
    pub async fn keep_file(
        &self,
        centre: &Arc<Centre>,
        who: Who,
        purpose: FilePurpose,
        name: &str,
        bytes: Vec<u8>,
    ) -> Result<Model> {
        let looking = self.act(Work::Look(self.read().clone()), Arc::clone(centre), who.clone());
        let sealed = file::seal(&looking, purpose, name, bytes, self.settings.files.largest())?;
        self.files.put(centre.id, sealed.row.id, sealed.bytes).await?;
        self.write(centre, who, async |act| act.insert(sealed.row).await).await
    }

    /// Puts a document's bytes onto the disk; its row is still to be written.
    ///
    /// # Errors
    /// A disk that cannot be written to.
    pub async fn put_document(
        &self,
        centre: &Arc<Centre>,
        who: Who,
        name: &str,
        media: MediaType,
        bytes: Vec<u8>,
    ) -> Result<Model> {
        let looking = self.act(Work::Look(self.read().clone()), Arc::clone(centre), who);
        let sealed = file::lock(&looking, FilePurpose::Document, name, media, bytes)?;
        self.files.put(centre.id, sealed.row.id, sealed.bytes).await?;
        Ok(sealed.row)
    }

    /// The press that sets documents as PDF.
    ///
    /// # Errors
    /// No fonts to set them with.
    #[cfg(feature = "pdf")]
    pub async fn press(&self) -> Result<Arc<typeset::Press>> {
        let fonts = Some(self.settings.documents.fonts.clone()).filter(|directory| !directory.as_os_str().is_empty());
        let press = tokio::task::spawn_blocking(move || typeset::Press::with(fonts.as_deref())).await;
        Ok(press.map_err(anyhow::Error::from)?.map_err(anyhow::Error::from)?)
    }

    /// The bytes of a file.
    ///
    /// # Errors
    /// A file that is not on the disk, was changed, or whose key is not here.
    pub async fn file_bytes(&self, row: &Model) -> Result<Vec<u8>> {
        file::open(&self.vault, row, &self.files.get(row.centre_id, row.id).await?)
    }
}
