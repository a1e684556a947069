//! How a file leaves: as what it is, never run.

use crate::base::media;
use entity::file::{FilePurpose, MediaType, Model};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use poem::Response;
use poem::http::header;

/// A file, named as what it is. What people gave is for keeping, never for running in a browser; what we issued is shown.
#[must_use]
pub fn file(name: &str, row: &Model, bytes: Vec<u8>) -> Response {
    let ending = match row.media {
        MediaType::Html => ".html",
        MediaType::Pdf => ".pdf",
        MediaType::Docx => ".docx",
        MediaType::Jpeg => ".jpg",
        MediaType::Png => ".png",
    };
    let ending = if name.to_lowercase().ends_with(ending) { "" } else { ending };
    let (name, kind) = (format!("{name}{ending}"), media::mime(row.media));
    if row.purpose != FilePurpose::Document {
        return attached(&name, kind, bytes);
    }
    // Nothing runs in a PDF of ours, and what would bind a page keeps browsers from showing it.
    let policy = match row.media {
        MediaType::Pdf => "frame-ancestors 'none'",
        _ => "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'; sandbox",
    };
    sent(&name, kind, "inline", policy, bytes)
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
