//! The bulletin (月通报) as a page to print.

use crate::base::Result;
use crate::domain::bulletin::{self, Signature};
use askama::Template;
use entity::bulletin::Model;

#[derive(Template)]
#[template(path = "bulletin.html")]
struct Page {
    centre: String,
    period: String,
    signed: Option<String>,
    frozen: String,
    sha256: String,
    lines: Vec<Line>,
}

struct Line {
    title: String,
    text: String,
    counts: String,
    meaning: String,
    article: String,
}

/// A bulletin as a page that stands on its own; with a signature, what was signed.
///
/// # Errors
/// A body that was changed in the database.
pub fn page(row: &Model, signature: Option<&Signature>) -> Result<String> {
    let body = bulletin::read(row)?;
    let line = |l: bulletin::Line| Line {
        text: l.in_words(),
        counts: l.counts(),
        title: l.title,
        meaning: l.meaning,
        article: l.article,
    };
    let page = Page {
        centre: body.centre_name,
        period: month_in_words(&row.period),
        signed: signature.map(signature_in_words),
        frozen: row.frozen_at.local().format("%Y年%-m月%-d日 %H:%M").to_string(),
        sha256: row.sha256.clone(),
        lines: body.figures.into_iter().filter(|l| !l.is_blank()).map(line).collect(),
    };
    Ok(page.render().map_err(anyhow::Error::from)?)
}

/// `签发：中心主任 田主任，2026年11月2日`.
#[must_use]
pub fn signature_in_words(signature: &Signature) -> String {
    format!("签发：{}，{}", signature.by, signature.at.local().format("%Y年%-m月%-d日"))
}

/// `2026年10月` for `2026-10`.
#[must_use]
pub fn month_in_words(period: &str) -> String {
    let (year, month) = period.split_once('-').unwrap_or((period, ""));
    format!("{year}年{}月", month.trim_start_matches('0'))
}
