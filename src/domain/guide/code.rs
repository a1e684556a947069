//! Codes of items (实施编码, 业务办理项编码): checked by their parts, for they carry no sum of their own.
//!
//! 31 characters: the organ's 统一社会信用代码 (18, with its own check character, GB 32100), the level at which the power is used
//! (1), and the code of the national catalogue (12), which places may fill in their own way. Two more make a 业务办理项.

use crate::base::personal::social_credit_code;

/// Provinces in a national catalogue code; 00 is the nation's own.
const PROVINCES: [&str; 32] = [
    "00", "11", "12", "13", "14", "15", "21", "22", "23", "31", "32", "33", "34", "35", "36", "37", "41", "42", "43",
    "44", "45", "46", "50", "51", "52", "53", "54", "61", "62", "63", "64", "65",
];

/// The parts of an item's code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ItemCode<'c> {
    /// The organ's 统一社会信用代码.
    pub organ: &'c str,
    /// The level, 1 (国家) to 6 (村); a township's is 5.
    pub level: u8,
    /// The code of the catalogue.
    pub catalogue: &'c str,
}

/// Reads an 实施编码 of 31 characters.
///
/// # Errors
/// Which part is wrong, in words.
pub fn item(code: &str) -> Result<ItemCode<'_>, &'static str> {
    if code.len() != 31 || !code.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err("应为31位数字或字母");
    }
    let (organ, rest) = code.split_at(18);
    if !is_organ(organ) {
        return Err("前18位不是有效的统一社会信用代码");
    }
    let (level, catalogue) = rest.split_at(1);
    let level = level.parse().ok().filter(|level| (1..=6).contains(level)).ok_or("第19位行使层级应为1至6")?;
    // What is all figures follows the national catalogue; a place's own may hold letters.
    let national = catalogue.chars().all(|c| c.is_ascii_digit());
    if national && !PROVINCES.contains(&&catalogue[..2]) {
        return Err("第20、21位不是国家（00）或省级代码");
    }
    if national
        && !matches!(&catalogue[2..4], "01" | "02" | "03" | "04" | "05" | "06" | "07" | "08" | "09" | "10" | "20")
    {
        return Err("第22、23位不是事项类型代码");
    }
    Ok(ItemCode { organ, level, catalogue })
}

/// Reads a 业务办理项编码 of 33 characters: an item's, and which of its variants.
///
/// # Errors
/// Which part is wrong, in words.
pub fn business(code: &str) -> Result<ItemCode<'_>, &'static str> {
    if code.len() != 33 || !code.chars().all(|c| c.is_ascii_alphanumeric()) {
        return Err("应为33位数字或字母");
    }
    if !code[31..].chars().all(|c| c.is_ascii_digit()) {
        return Err("最后2位应为数字");
    }
    item(&code[..31])
}

/// True for a 统一社会信用代码 as it is written in full.
#[must_use]
pub fn is_organ(code: &str) -> bool {
    social_credit_code(code).as_deref() == Some(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn real_codes_read_as_their_parts() {
        for code in
            ["11430682006378338L4000511002000", "11431081006538362A4000711019000", "1137030300421743465ac0a77037000"]
        {
            assert_eq!(item(code).map(|c| c.organ.len()), Ok(18), "{code}");
        }
        let township = item("1137030300421743465ac0a77037000").unwrap();
        assert_eq!((township.level, township.catalogue), (5, "ac0a77037000"));
        let variant = business("1132108101446122X1432100501200001");
        assert_eq!(variant.map(|c| (c.level, c.catalogue)), Ok((4, "321005012000")));
        for organ in ["11500114009130311J", "11500114MB1574604M"] {
            assert!(is_organ(organ), "{organ}");
        }
    }

    #[test]
    fn each_part_is_refused_by_itself() {
        let right = "11430682006378338L4000511002000";
        for (at, with, why) in [
            (0, "2", "前18位不是有效的统一社会信用代码"),
            (17, "M", "前18位不是有效的统一社会信用代码"),
            (18, "7", "第19位行使层级应为1至6"),
            (19, "99", "第20、21位不是国家（00）或省级代码"),
            (21, "77", "第22、23位不是事项类型代码"),
            (30, "。", "应为31位数字或字母"),
        ] {
            let mut wrong = right.to_owned();
            wrong.replace_range(at..at + with.chars().count(), with);
            assert_eq!(item(&wrong), Err(why), "{wrong}");
        }
        assert_eq!(item(&right[..30]), Err("应为31位数字或字母"));
        assert_eq!(business(right), Err("应为33位数字或字母"));
        assert_eq!(business(&format!("{right}X1")), Err("最后2位应为数字"));
        // A letter that looks like a figure.
        assert!(!is_organ("11430682OO6378338L") && !is_organ(""));
    }
}
