//! The platform above (上级好差评平台): where reviews are uploaded. Its province's adapter is a variant of its own, when its
//! interface is known; a directory takes them meanwhile, for whoever carries them there.

use anyhow::Context as _;
use serde_json::{Value, json};
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

/// Where reviews go.
#[derive(Clone, Debug)]
pub enum Platform {
    /// Nowhere: they wait.
    None,
    /// Into files of a directory, a file a batch.
    Directory(PathBuf),
}

/// What a platform says of one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It has it now.
    Taken,
    /// It had it before: it is there, which is all that is wanted.
    Duplicate,
    /// It will not take it.
    Refused(String),
}

impl Platform {
    /// The platform of a setting.
    #[must_use]
    pub fn of(directory: &Path) -> Self {
        if directory.as_os_str().is_empty() { Self::None } else { Self::Directory(directory.to_owned()) }
    }

    /// True where reviews go anywhere.
    #[must_use]
    pub const fn is_there(&self) -> bool {
        !matches!(self, Self::None)
    }

    /// What keeps reviews from going there, if anything does: for whoever looks after it.
    #[must_use]
    pub fn fault(&self) -> Option<String> {
        let Self::Directory(directory) = self else { return None };
        // As a batch would be written, though it be an empty one.
        let tried =
            write(directory, ".doctor", b"").and_then(|()| Ok(fs::remove_file(directory.join(".doctor.json"))?));
        tried.err().map(|fault| format!("{fault:#}"))
    }

    /// Uploads a batch, which may have been uploaded before: an answer a record, or none of it was taken for certain.
    ///
    /// # Errors
    /// Why it is to be uploaded again.
    pub async fn upload(&self, name: &str, records: &[Value]) -> anyhow::Result<Vec<Answer>> {
        match self {
            Self::None => anyhow::bail!("reviews go nowhere here"),
            Self::Directory(directory) => {
                let whole = serde_json::to_vec_pretty(&json!({ "batch": name, "evaluate": records }))?;
                let (directory, name) = (directory.clone(), name.to_owned());
                let written = tokio::task::spawn_blocking(move || write(&directory, &name, &whole));
                written.await??;
                Ok(vec![Answer::Taken; records.len()])
            }
        }
    }
}

/// Writes a file that is whole or not there, for its owner alone. The same batch is the same file.
fn write(directory: &Path, name: &str, whole: &[u8]) -> anyhow::Result<()> {
    let told = || format!("cannot write to {} (upload.directory)", directory.display());
    fs::DirBuilder::new().recursive(true).mode(0o700).create(directory).with_context(told)?;
    let (part, file) = (directory.join(format!(".{name}.part")), directory.join(format!("{name}.json")));
    let mut open = fs::OpenOptions::new();
    let mut writing = open.write(true).create(true).truncate(true).mode(0o600).open(&part).with_context(told)?;
    writing.write_all(whole).and_then(|()| writing.sync_all()).with_context(told)?;
    fs::rename(&part, &file).with_context(told)?;
    fs::File::open(directory).and_then(|d| d.sync_all()).with_context(told)
}
