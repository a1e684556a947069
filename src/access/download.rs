//! How a file leaves: as what it is, never run.

use crate::base::media;
use entity::file::MediaType;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use poem::Response;
use poem::http::header;

/// A file, to be kept by whoever asked and never run by his browser; what we issued ourselves is shown.
#[must_use]
pub fn file(name: &str, media: MediaType, bytes: Vec<u8>) -> Response {
    let (how, ending, policy) = match media {
        MediaType::Html => {
            ("inline", ".html", "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox")
        }
        MediaType::Pdf => ("inline", ".pdf", "default-src 'none'; frame-ancestors 'none'"),
        MediaType::Docx => ("attachment", ".docx", "default-src 'none'; sandbox"),
        MediaType::Jpeg => ("attachment", ".jpg", "default-src 'none'; sandbox"),
        MediaType::Png => ("attachment", ".png", "default-src 'none'; sandbox"),
    };
    let ending = if name.to_lowercase().ends_with(ending) { "" } else { ending };
    sent(&format!("{name}{ending}"), media::mime(media), how, policy, bytes)
}

/// A table or a like thing that is made for whoever asks, to be kept.
#[must_use]
pub fn attached(name: &str, kind: &'static str, bytes: Vec<u8>) -> Response {
    sent(name, kind, "attachment", "default-src 'none'; sandbox", bytes)
}

fn sent(name: &str, kind: &'static str, how: &str, policy: &'static str, bytes: Vec<u8>) -> Response {
    let name = utf8_percent_encode(name, NON_ALPHANUMERIC);
    Response::builder()
        .header(header::CONTENT_TYPE, kind)
        .header(header::CONTENT_DISPOSITION, format!("{how}; filename*=UTF-8''{name}"))
        .header(header::CONTENT_SECURITY_POLICY, policy)
        .body(bytes)
}
