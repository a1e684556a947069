//! What a file is (文件类型), by its content and never by its name; and pictures without what cameras write into them.
//!
//! A telephone's picture says where it was taken, when, and with whose device. Nothing of that is the centre's business: of a
//! picture only what draws it is kept, and which way up it is held. Its pixels are not touched.

use entity::file::MediaType;
use std::io::Cursor;

/// What a file is, and its bytes as they are kept; nothing for what is neither PDF, DOCX, JPEG nor PNG, or is broken.
#[must_use]
pub fn read(bytes: Vec<u8>) -> Option<(MediaType, Vec<u8>)> {
    if bytes.starts_with(b"%PDF-") {
        let tail = &bytes[bytes.len().saturating_sub(1024)..];
        return tail.windows(5).any(|w| w == b"%%EOF").then_some((MediaType::Pdf, bytes));
    }
    if bytes.starts_with(b"PK\x03\x04") {
        return is_docx(&bytes).then_some((MediaType::Docx, bytes));
    }
    if bytes.starts_with(PNG) {
        return Some((MediaType::Png, png(&bytes)?));
    }
    Some((MediaType::Jpeg, jpeg(&bytes)?))
}

/// The type that a browser is told.
#[must_use]
pub const fn mime(media: MediaType) -> &'static str {
    match media {
        MediaType::Pdf => "application/pdf",
        MediaType::Docx => "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
        MediaType::Jpeg => "image/jpeg",
        MediaType::Png => "image/png",
        MediaType::Html => "text/html; charset=utf-8",
    }
}

/// A text of Word's, without programs in it.
fn is_docx(bytes: &[u8]) -> bool {
    let Ok(zip) = zip::ZipArchive::new(Cursor::new(bytes)) else { return false };
    let has = |name: &str| zip.file_names().filter_map(Result::ok).any(|n| n.eq_ignore_ascii_case(name));
    has("[Content_Types].xml") && has("word/document.xml") && !has("word/vbaProject.bin")
}

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n";
/// Chunks that draw a picture; all others speak of it.
const DRAWING: [&[u8; 4]; 11] =
    [b"IHDR", b"PLTE", b"IDAT", b"IEND", b"tRNS", b"gAMA", b"cHRM", b"sRGB", b"iCCP", b"sBIT", b"pHYs"];

/// A PNG of the chunks that draw it. Each carries its own sum, so none is written anew.
fn png(bytes: &[u8]) -> Option<Vec<u8>> {
    let (mut kept, mut rest) = (PNG.to_vec(), bytes.strip_prefix(PNG)?);
    loop {
        let length = usize::try_from(u32::from_be_bytes(*rest.first_chunk()?)).ok()?;
        let (chunk, after) = rest.split_at_checked(length.checked_add(12)?)?;
        let kind = &chunk[4..8];
        if DRAWING.iter().any(|drawing| kind == *drawing) {
            kept.extend_from_slice(chunk);
        }
        if kind == b"IEND" {
            return Some(kept);
        }
        rest = after;
    }
}

const SOI: u8 = 0xD8;
const EOI: u8 = 0xD9;
const SOS: u8 = 0xDA;
const COM: u8 = 0xFE;
const APP0: u8 = 0xE0;
const APP1: u8 = 0xE1;
/// Says how the colours are meant: a picture without it may turn pink.
const ADOBE: u8 = 0xEE;

/// A JPEG up to its end, without comments and without what applications have written, but for the way up.
fn jpeg(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut rest = bytes.strip_prefix(&[0xFF, SOI])?;
    let mut kept = vec![0xFF, SOI];
    let (mut way_up, mut drawn) = (None, false);
    loop {
        let marker = loop {
            let (byte, after) = rest.split_first()?;
            rest = after;
            match rest.first()? {
                _ if *byte != 0xFF => return None,
                0xFF => {}
                marker => break *marker,
            }
        };
        rest = &rest[1..];
        if marker == EOI {
            kept.extend_from_slice(&[0xFF, EOI]);
            // What lies behind the end is another picture, or anything.
            return drawn.then_some(kept);
        }
        let length = usize::from(u16::from_be_bytes(*rest.first_chunk()?));
        let (segment, after) = rest.split_at_checked(length.max(2))?;
        rest = after;
        if marker == APP1 && way_up.is_none() {
            way_up = segment[2..].strip_prefix(b"Exif\0\0").and_then(orientation);
        }
        if (APP0..=0xEF).contains(&marker) && marker != APP0 && marker != ADOBE || marker == COM {
            continue;
        }
        if marker != APP0
            && let Some(way) = way_up.take_if(|way| *way != WRITTEN)
        {
            kept.extend_from_slice(&exif(way));
            way_up = Some(WRITTEN);
        }
        kept.extend_from_slice(&[0xFF, marker]);
        kept.extend_from_slice(segment);
        if marker == SOS {
            drawn = true;
            let end = scan_end(rest)?;
            kept.extend_from_slice(&rest[..end]);
            rest = &rest[end..];
        }
    }
}

/// Stands for a way up that is written down.
const WRITTEN: u8 = 0;

/// Where the drawing of a scan ends: at the next marker that is neither a stuffed byte nor a restart.
fn scan_end(scan: &[u8]) -> Option<usize> {
    scan.windows(2).position(|w| w[0] == 0xFF && !matches!(w[1], 0 | 0xFF | 0xD0..=0xD7))
}

/// The way up, 1 to 8, in the first directory of what a camera wrote (Exif, tag 0x0112).
fn orientation(tiff: &[u8]) -> Option<u8> {
    let big = match tiff.get(..4)? {
        b"MM\0*" => true,
        b"II*\0" => false,
        _ => return None,
    };
    let short = |at: usize| {
        let two = *tiff.get(at..)?.first_chunk()?;
        Some(if big { u16::from_be_bytes(two) } else { u16::from_le_bytes(two) })
    };
    let long = |at: usize| {
        let four = *tiff.get(at..)?.first_chunk()?;
        usize::try_from(if big { u32::from_be_bytes(four) } else { u32::from_le_bytes(four) }).ok()
    };
    let directory = long(4)?;
    let entry = |n: usize| directory.checked_add(2 + 12 * n);
    let found = (0..usize::from(short(directory)?)).filter_map(entry).find(|at| short(*at) == Some(0x0112))?;
    let way = short(found.checked_add(8)?)?;
    u8::try_from(way).ok().filter(|way| (1..=8).contains(way))
}

/// A segment that says the way up and nothing else.
fn exif(way: u8) -> Vec<u8> {
    let mut segment = vec![0xFF, APP1, 0, 34];
    segment.extend_from_slice(b"Exif\0\0MM\0*\0\0\0\x08\0\x01\x01\x12\0\x03\0\0\0\x01\0");
    segment.extend_from_slice(&[way, 0, 0, 0, 0, 0, 0]);
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    fn segment(marker: u8, contents: &[u8]) -> Vec<u8> {
        let length = u16::try_from(contents.len() + 2).unwrap().to_be_bytes();
        [&[0xFF, marker], &length[..], contents].concat()
    }

    /// What a telephone writes: which way up it was held, and where.
    fn camera(way: u8) -> Vec<u8> {
        let mut tiff = b"Exif\0\0II*\0\x08\0\0\0\x02\0".to_vec();
        tiff.extend_from_slice(b"\x0f\x01\x02\0\x04\0\0\0HUAW");
        tiff.extend_from_slice(&[0x12, 0x01, 3, 0, 1, 0, 0, 0, way, 0, 0, 0]);
        tiff.extend_from_slice(b"GPS 29.53N 108.77E");
        tiff
    }

    fn picture(parts: &[Vec<u8>]) -> Vec<u8> {
        let head = [vec![0xFF, SOI], segment(APP0, b"JFIF\0\x01\x01")].concat();
        let scan = [segment(SOS, b"\x01\x01\0"), b"ab\xFF\0cd\xFF\xD0ef".to_vec()].concat();
        [head, parts.concat(), segment(0xDB, &[0xFF, EOI, 1]), scan, vec![0xFF, EOI]].concat()
    }

    #[test]
    fn of_a_telephones_picture_only_the_drawing_and_the_way_up_are_kept() {
        let plain = picture(&[]);
        assert_eq!(read(plain.clone()), Some((MediaType::Jpeg, plain.clone())));
        let told = picture(&[segment(APP1, &camera(6)), segment(COM, b"by Tian"), segment(0xE2, b"MPF\0")]);
        let behind = [told, picture(&[segment(APP1, &camera(1))])].concat();
        let (_, kept) = read(behind).unwrap();
        assert_eq!(kept, picture(&[exif(6)]));
        assert_eq!(orientation(&exif(6)[10..]), Some(6));
        for word in [&b"GPS"[..], b"HUAW", b"Tian"] {
            assert!(!kept.windows(word.len()).any(|w| w == word));
        }
        assert_eq!(read(kept.clone()).unwrap().1, kept, "what was cleaned is clean");
    }

    #[test]
    fn what_is_cut_short_or_is_something_else_is_nothing() {
        let whole = picture(&[segment(APP1, &camera(6))]);
        for cut in 0..whole.len() {
            assert_eq!(read(whole[..cut].to_vec()), None, "{cut}");
        }
        for other in
            [&b""[..], b"GIF89a", b"<html>", b"MZ", b"%PDF-1.7 without an end", b"PK\x03\x04", b"\xFF\xD8\xFF\xD9"]
        {
            assert_eq!(read(other.to_vec()), None);
        }
    }

    #[test]
    fn a_png_keeps_the_chunks_that_draw() {
        let chunk = |kind: &[u8; 4], data: &[u8]| {
            [&u32::try_from(data.len()).unwrap().to_be_bytes()[..], kind, data, b"sum!"].concat()
        };
        let of = |parts: &[Vec<u8>]| [PNG.to_vec(), parts.concat()].concat();
        let (head, body, end) = (chunk(b"IHDR", b"13"), chunk(b"IDAT", b"pixels"), chunk(b"IEND", b""));
        let told = of(&[head.clone(), chunk(b"tEXt", b"Author"), chunk(b"eXIf", b"GPS"), body.clone(), end.clone()]);
        assert_eq!(read([told, b"behind".to_vec()].concat()), Some((MediaType::Png, of(&[head.clone(), body, end]))));
        assert_eq!(read(of(&[head])), None);
    }
}
