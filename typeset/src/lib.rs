//! Typesetting (排版): official documents as PDF, by typst as a library. In a crate of its own, because it is most of what is
//! compiled, and only whoever hands out PDF needs it (feature `pdf` of the program).
//!
//! It knows no document of the centre: what is said comes as data, how it looks is `templates/document.typ`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use typst::comemo;
use typst::diag::{FileError, FileResult};
use typst::foundations::{Bytes, Datetime, Dict, Duration, IntoValue as _};
use typst::syntax::{FileId, Source};
use typst::text::{Font, FontBook};
use typst::utils::LazyHash;
use typst::{Library, LibraryExt as _, World};
use typst_kit::fonts::{self, FontStore};
use typst_layout::PagedDocument;

const TEMPLATE: &str = include_str!("../templates/document.typ");
/// Which template set a document; a change of what it looks like is a new one.
pub const TEMPLATE_VERSION: &str = "document/1";
/// Families of which one has every character that names are written with.
const NEEDED: [&str; 4] = ["noto serif cjk sc", "source han serif sc", "noto sans cjk sc", "source han sans sc"];

/// Why a document could not be set, for the operator.
#[derive(Debug)]
pub struct Fault(String);

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for Fault {}

/// A press with its letters. It is made once: looking for fonts takes a while. Each font is read when it is first wanted, and stays.
pub struct Press {
    template: Source,
    fonts: FontStore,
}

impl Press {
    /// The press with the fonts of the system and, where one is given, of a directory: an office's own 仿宋 and 小标宋, for which it has
    /// a licence. A process looks for fonts once: they are the machine's, whoever asks.
    ///
    /// # Errors
    /// No font that has all characters of Chinese names.
    pub fn with(directory: Option<&Path>) -> Result<Arc<Self>, Fault> {
        static PRESSES: Mutex<BTreeMap<Option<PathBuf>, Arc<Press>>> = Mutex::new(BTreeMap::new());
        let mut presses = PRESSES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(press) = presses.get(&directory.map(Path::to_owned)) {
            return Ok(Arc::clone(press));
        }
        let press = Arc::new(Self::open(directory)?);
        presses.insert(directory.map(Path::to_owned), Arc::clone(&press));
        Ok(press)
    }

    fn open(directory: Option<&Path>) -> Result<Self, Fault> {
        let mut found = FontStore::new();
        found.extend(fonts::system());
        found.extend(directory.into_iter().flat_map(fonts::scan));
        if NEEDED.iter().any(|family| found.book().contains_family(family)) {
            return Ok(Self { template: Source::detached(TEMPLATE), fonts: found });
        }
        Err(Fault(
            "no font with all Chinese characters: install Noto Serif CJK (fonts-noto-cjk), or name a directory in documents.fonts"
                .to_owned(),
        ))
    }

    /// Sets a document: its data as JSON, and the picture of its QR code as SVG.
    ///
    /// # Errors
    /// Data that the template does not know.
    pub fn pdf(&self, paper: &str, qr: &str) -> Result<Vec<u8>, Fault> {
        let mut inputs = Dict::new();
        inputs.insert("paper".into(), paper.into_value());
        inputs.insert("qr".into(), qr.into_value());
        let library = LazyHash::new(Library::builder().with_inputs(inputs).build());
        let set = typst::compile::<PagedDocument>(&Sheet { press: self, library }).output;
        // What was worked out for this one serves some after it, and is forgotten then.
        comemo::evict(8);
        let set = set.map_err(|faults| Fault(format!("typst: {faults:?}")))?;
        typst_pdf::pdf(&set, &typst_pdf::PdfOptions::default()).map_err(|faults| Fault(format!("typst: {faults:?}")))
    }
}

/// One document on the press: all that its template may ask for.
struct Sheet<'p> {
    press: &'p Press,
    library: LazyHash<Library>,
}

impl World for Sheet<'_> {
    fn library(&self) -> &LazyHash<Library> {
        &self.library
    }

    fn book(&self) -> &LazyHash<FontBook> {
        self.press.fonts.book()
    }

    fn main(&self) -> FileId {
        self.press.template.id()
    }

    fn source(&self, id: FileId) -> FileResult<Source> {
        if id == self.main() { Ok(self.press.template.clone()) } else { Err(FileError::AccessDenied) }
    }

    fn file(&self, _: FileId) -> FileResult<Bytes> {
        Err(FileError::AccessDenied)
    }

    fn font(&self, index: usize) -> Option<Font> {
        self.press.fonts.font(index)
    }

    /// A document says itself of which day it is.
    fn today(&self, _: Option<Duration>) -> Option<Datetime> {
        None
    }
}
