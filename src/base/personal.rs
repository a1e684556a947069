//! Personal data (个人信息): normal forms, check digits and masks.

use chrono::NaiveDate;

/// Full-width letters, digits and spaces as their plain forms: what an input method leaves behind.
#[must_use]
pub fn half_width(text: &str) -> String {
    let plain = |c| match c {
        '\u{3000}' => ' ',
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0).unwrap_or(c),
        c => c,
    };
    text.chars().map(plain).collect()
}

/// A name in its normal form, or none if it is empty, too long, or holds characters that could disguise it.
#[must_use]
pub fn name(text: &str) -> Option<String> {
    let name = text.split_whitespace().collect::<Vec<_>>().join(" ");
    ((1..=60).contains(&name.chars().count()) && !name.chars().any(is_disguise)).then_some(name)
}

/// True for a text that holds a telephone's number or a document's, in whatever digits it is written.
#[must_use]
pub fn holds_a_number(text: &str) -> bool {
    let plain = half_width(text);
    let written = |c: char| c.is_numeric() || "〇零一二三四五六七八九".contains(c);
    let digits = plain.chars().filter(|c| c.is_numeric()).count();
    // In words numbers are told of days and counts too: there it is the row of them that tells.
    let (mut row, mut longest) = (0, 0);
    for c in plain.chars().filter(|c| !c.is_whitespace() && *c != '-') {
        row = if written(c) { row + 1 } else { 0 };
        longest = row.max(longest);
    }
    digits > 6 || longest > 6 || text.chars().any(char::is_control)
}

/// True for characters that show nothing or turn a line around, and for line ends.
#[must_use]
pub fn is_disguise(c: char) -> bool {
    // What Unicode calls default ignorable, beside controls.
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}')
        || matches!(c, '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}')
        || matches!(c, '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' | '\u{ffa0}')
        || matches!(c, '\u{fff0}'..='\u{fff8}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}')
        || matches!(c, '\u{e0000}'..='\u{e0fff}')
}

/// A mobile number as eleven digits, or none.
#[must_use]
pub fn mobile(text: &str) -> Option<String> {
    let digits = digits(text)?;
    let digits = if digits.len() == 13 { digits.strip_prefix("86")?.to_owned() } else { digits };
    let fits = digits.len() == 11 && digits.starts_with('1') && ('3'..='9').contains(&digits.chars().nth(1)?);
    fits.then_some(digits)
}

/// A mobile or landline number (with its area code) as digits, or none. A landline takes no texts.
#[must_use]
pub fn contact(text: &str) -> Option<String> {
    mobile(text).or_else(|| {
        let digits = digits(text)?;
        let landline = digits.starts_with('0') && !digits.starts_with("00") && (10..=12).contains(&digits.len());
        landline.then_some(digits)
    })
}

fn digits(text: &str) -> Option<String> {
    let plain = half_width(text);
    let kept: String = plain.trim().trim_start_matches('+').chars().filter(|c| !" -()".contains(*c)).collect();
    kept.chars().all(|c| c.is_ascii_digit()).then_some(kept)
}

/// An identity card number in its normal form, or none if GB 11643 does not allow it.
#[must_use]
pub fn id_card(text: &str) -> Option<String> {
    const WEIGHTS: [u32; 17] = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    let number = half_width(text).trim().to_ascii_uppercase();
    if number.len() != 18 || !number.is_ascii() || !number[..17].bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    NaiveDate::parse_from_str(&number[6..14], "%Y%m%d").ok()?;
    let sum: u32 = number.bytes().zip(WEIGHTS).map(|(b, w)| u32::from(b - b'0') * w).sum();
    let check = b"10X98765432"[(sum % 11) as usize];
    (number.as_bytes()[17] == check).then_some(number)
}

/// A unified social credit code (统一社会信用代码) in its normal form, or none if GB 32100 does not allow it.
#[must_use]
pub fn social_credit_code(text: &str) -> Option<String> {
    const ALPHABET: &[u8; 31] = b"0123456789ABCDEFGHJKLMNPQRTUWXY";
    const WEIGHTS: [usize; 17] = [1, 3, 9, 27, 19, 26, 16, 17, 20, 29, 25, 13, 8, 24, 10, 30, 28];
    let code = half_width(text).trim().to_ascii_uppercase();
    let values: Vec<usize> = code.bytes().map(|b| ALPHABET.iter().position(|a| *a == b)).collect::<Option<_>>()?;
    if values.len() != 18 {
        return None;
    }
    let sum: usize = values.iter().zip(WEIGHTS).map(|(v, w)| v * w).sum();
    (values[17] == (31 - sum % 31) % 31).then_some(code)
}

/// `138****0001`; a landline keeps its last four.
#[must_use]
pub fn mask_phone(phone: &str) -> String {
    let tail = tail(phone, 4);
    match phone.get(..3) {
        Some(head) if phone.len() == 11 && phone.starts_with('1') => format!("{head}****{tail}"),
        _ => format!("****{tail}"),
    }
}

/// `田**`: the first character and a star for each other.
#[must_use]
pub fn mask_name(name: &str) -> String {
    let mut chars = name.chars();
    let first = chars.next().map(String::from).unwrap_or_default();
    first + &"*".repeat(chars.count())
}

/// The first four characters and the last two. Never the last four: an applicant may give those as proof of himself.
#[must_use]
pub fn mask_id(number: &str) -> String {
    let count = number.chars().count();
    if count < 8 {
        return "*".repeat(count);
    }
    let head: String = number.chars().take(4).collect();
    format!("{head}{}{}", "*".repeat(count - 6), tail(number, 2))
}

/// The last `n` characters.
#[must_use]
pub fn tail(text: &str, n: usize) -> String {
    let count = text.chars().count();
    text.chars().skip(count.saturating_sub(n)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn phones_are_read_as_people_write_them() {
        for written in ["13800000001", " 138 0000 0001", "+86 138-0000-0001", "１３８００００００01"] {
            assert_eq!(mobile(written).as_deref(), Some("13800000001"), "{written}");
        }
        for wrong in ["", "1380000000", "138000000011", "12800000001", "1380000000x", "02379312345"] {
            assert_eq!(mobile(wrong), None, "{wrong}");
        }
        assert_eq!(contact("023-7931 2345").as_deref(), Some("02379312345"));
        assert_eq!(contact("79312345"), None, "a landline needs its area code");
    }

    #[test]
    fn id_cards_need_a_day_that_exists_and_the_right_check_digit() {
        assert_eq!(id_card("11010519491231002x").as_deref(), Some("11010519491231002X"));
        for wrong in ["110105194912310021", "110105194913310029", "11010519491231002", "1101051949123100２X0", ""] {
            assert_eq!(id_card(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn social_credit_codes_of_two_real_bodies_pass_and_a_changed_one_fails() {
        for code in ["11500114009130311J", "11500114MB1574604M"] {
            assert_eq!(social_credit_code(&code.to_lowercase()).as_deref(), Some(code));
        }
        for wrong in ["11500114009130311K", "1150011400913031", "11500114009130311I", "中"] {
            assert_eq!(social_credit_code(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn masks_keep_what_a_clerk_needs_and_no_more() {
        assert_eq!(mask_phone("13800000001"), "138****0001");
        assert_eq!(mask_phone("02379312345"), "****2345");
        assert_eq!(mask_name("田小满"), "田**");
        assert_eq!(mask_id("11010519491231002X"), "1101************2X");
        assert_eq!(mask_id("K12"), "***");
        assert_eq!((mask_name(""), mask_phone(""), mask_id("")), (String::new(), "****".into(), String::new()));
    }

    #[test]
    fn names_lose_disguise() {
        assert_eq!(name("  田  小满 ").as_deref(), Some("田 小满"));
        for wrong in [
            "",
            "  ",
            "田\u{202e}小满",
            "a\0b",
            "\u{3164}",
            "田\u{ad}小满",
            "田\u{fe0f}",
            "\u{61c}田",
            &"长".repeat(61),
        ] {
            assert_eq!(name(wrong), None);
        }
    }

    proptest! {
        #[test]
        fn one_wrong_digit_never_passes(place in 0usize..17, by in 1u8..10) {
            let mut digits = *b"11010519491231002X";
            digits[place] = b'0' + (digits[place] - b'0' + by) % 10;
            prop_assert_eq!(id_card(std::str::from_utf8(&digits).unwrap()), None);
        }

        #[test]
        fn nothing_typed_makes_them_panic(text in "\\PC{0,40}") {
            let _ = (name(&text), mobile(&text), contact(&text), id_card(&text), social_credit_code(&text));
            let _ = (mask_id(&text), mask_name(&text), mask_phone(&text));
        }
    }
}
