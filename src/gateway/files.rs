//! The disk (附件盘): where the bytes of files lie, sealed by whoever brings them. A file is written once, whole, and never again.

use anyhow::Context as _;
use entity::Id;
use std::fs;
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// A directory with a directory for each centre.
#[derive(Clone, Debug)]
pub struct Files(PathBuf);

impl Files {
    /// The files of a setting.
    #[must_use]
    pub fn of(directory: &Path) -> Self {
        Self(directory.to_owned())
    }

    /// Writes a file; it is on the disk when this returns.
    ///
    /// # Errors
    /// A disk that is full or not to be written to, for the operator's log.
    pub async fn put(&self, centre: Id, file: Id, bytes: Vec<u8>) -> anyhow::Result<()> {
        let files = self.clone();
        tokio::task::spawn_blocking(move || files.write(centre, file, &bytes)).await?
    }

    /// Reads a file.
    ///
    /// # Errors
    /// A file that is not there or cannot be read.
    pub async fn get(&self, centre: Id, file: Id) -> anyhow::Result<Vec<u8>> {
        let files = self.clone();
        tokio::task::spawn_blocking(move || files.read(centre, file)).await?
    }

    /// Takes a file away; one that is not there is none.
    ///
    /// # Errors
    /// A disk that is not to be written to.
    pub async fn remove(&self, centre: Id, file: Id) -> anyhow::Result<()> {
        let path = self.path(centre, file);
        match tokio::fs::remove_file(&path).await {
            Err(fault) if fault.kind() != ErrorKind::NotFound => Err(fault).with_context(|| self.told()),
            _ => Ok(()),
        }
    }

    /// [`Self::put`], for whoever may wait.
    ///
    /// # Errors
    /// The same.
    pub fn write(&self, centre: Id, file: Id, bytes: &[u8]) -> anyhow::Result<()> {
        let told = || self.told();
        let (path, directory) = (self.path(centre, file), self.0.join(centre.to_string()));
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&directory).with_context(told)?;
        let part = path.with_extension("part");
        let mut open = fs::OpenOptions::new();
        let mut writing = open.write(true).create(true).truncate(true).mode(0o600).open(&part).with_context(told)?;
        writing.write_all(bytes).and_then(|()| writing.sync_all()).with_context(told)?;
        fs::rename(&part, &path).with_context(told)?;
        fs::File::open(&directory).and_then(|d| d.sync_all()).with_context(told)
    }

    /// [`Self::get`], for whoever may wait.
    ///
    /// # Errors
    /// The same.
    pub fn read(&self, centre: Id, file: Id) -> anyhow::Result<Vec<u8>> {
        let path = self.path(centre, file);
        fs::read(&path).with_context(|| format!("cannot read {} (files.directory)", path.display()))
    }

    /// What keeps files from being written there, if anything does: for whoever looks after it.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let (centre, file) = (Id::nil(), Id::nil());
        let tried = self.write(centre, file, b"").and_then(|()| {
            fs::remove_file(self.path(centre, file)).and_then(|()| fs::remove_dir(self.0.join(centre.to_string())))?;
            Ok(())
        });
        tried.err().map(|fault| format!("{fault:#}"))
    }

    fn path(&self, centre: Id, file: Id) -> PathBuf {
        self.0.join(centre.to_string()).join(file.to_string())
    }

    fn told(&self) -> String {
        format!("cannot write to {} (files.directory)", self.0.display())
    }
}
