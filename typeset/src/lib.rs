//! Typesetting (排版): official documents as PDF, by typst as a library. In a crate of its own, because it is most of what is
//! compiled, and only whoever hands out PDF needs it (feature `pdf` of the program).
//!
//! It knows no document of the centre: what is said comes as data, how it looks is `templates/document.typ`.

use std::collections::BTreeMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use typst::World as _;
use typst::foundations::{Dict, IntoValue as _};
use typst_as_lib::typst_kit_options::TypstKitFontOptions;
use typst_as_lib::{TypstEngine, TypstTemplateMainFile};
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

/// A press with its letters. It is made once: looking for fonts takes a while.
pub struct Press(TypstEngine<TypstTemplateMainFile>);

impl Press {
    /// The press with the fonts of the system and, where one is given, of a directory: an office's own 仿宋 and 小标宋, for which it has
    /// a licence. A process looks for fonts once: they are the machine's, whoever asks.
    ///
    /// # Errors
    /// No font that has all characters of Chinese names.
    pub fn with(fonts: Option<&Path>) -> Result<Arc<Self>, Fault> {
        static PRESSES: Mutex<BTreeMap<Option<PathBuf>, Arc<Press>>> = Mutex::new(BTreeMap::new());
        let mut presses = PRESSES.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(press) = presses.get(&fonts.map(Path::to_owned)) {
            return Ok(Arc::clone(press));
        }
        let press = Arc::new(Self::open(fonts)?);
        presses.insert(fonts.map(Path::to_owned), Arc::clone(&press));
        Ok(press)
    }

    fn open(fonts: Option<&Path>) -> Result<Self, Fault> {
        let search = TypstKitFontOptions::default().include_system_fonts(true).include_dirs(fonts);
        let engine =
            TypstEngine::builder().main_file(TEMPLATE).search_fonts_with(search).comemo_evict_max_age(Some(8)).build();
        let has = engine.with_world(|world| NEEDED.iter().any(|family| world.book().contains_family(family)));
        match has {
            Ok(true) => Ok(Self(engine)),
            Ok(false) => Err(Fault(
                "no font with all Chinese characters: install Noto Serif CJK (fonts-noto-cjk), or name a directory in documents.fonts"
                    .to_owned(),
            )),
            Err(fault) => Err(Fault(fault.to_string())),
        }
    }

    /// Sets a document: its data as JSON, and the picture of its QR code as SVG.
    ///
    /// # Errors
    /// Data that the template does not know.
    pub fn pdf(&self, paper: &str, qr: &str) -> Result<Vec<u8>, Fault> {
        let mut inputs = Dict::new();
        inputs.insert("paper".into(), paper.into_value());
        inputs.insert("qr".into(), qr.into_value());
        let set = self.0.compile_with_input::<_, PagedDocument>(inputs).output;
        let set = set.map_err(|fault| Fault(format!("typst: {fault}")))?;
        typst_pdf::pdf(&set, &typst_pdf::PdfOptions::default()).map_err(|faults| Fault(format!("typst: {faults:?}")))
    }
}
