//! Finding a guide by what people type: part of its name, its pinyin, or the initials of its pinyin, also mixed.

use crate::base::personal::half_width;
use pinyin::{ToPinyin as _, ToPinyinMulti as _};

/// Readings in the names of matters that the plain table does not know: 给付 is read jǐfù.
const READINGS: [(char, &str); 1] = [('给', "ji")];

/// True when `q` is found in `name`: as characters, or read aloud from some character on.
pub(super) fn matches(name: &str, q: &str) -> bool {
    let q: String = half_width(q).to_lowercase().chars().filter(|c| !c.is_whitespace() && *c != '\'').collect();
    let name = name.to_lowercase();
    if q.is_empty() || name.contains(&q) {
        return true;
    }
    let chars: Vec<char> = name.chars().collect();
    (0..chars.len()).any(|from| reads(&chars[from..], &q))
}

/// True when the characters, from the first on, can be read as all of `q`, each by a whole reading, its initial, or
/// itself; the last may be broken off.
fn reads(chars: &[char], q: &str) -> bool {
    if q.is_empty() {
        return true;
    }
    let Some((first, rest)) = chars.split_first() else { return false };
    if let Some(left) = q.strip_prefix(*first) {
        return reads(rest, left);
    }
    let mut readings = readings(*first);
    if readings.is_empty() {
        // A comma or a bracket is not spoken.
        return !first.is_alphanumeric() && reads(rest, q);
    }
    readings.sort_unstable();
    readings.dedup();
    readings.iter().any(|reading| {
        let whole = q.strip_prefix(reading).is_some_and(|left| reads(rest, left));
        let initial = || q.strip_prefix(&reading[..1]).is_some_and(|left| reads(rest, left));
        whole || reading.starts_with(q) || initial()
    })
}

fn readings(c: char) -> Vec<&'static str> {
    let mut readings: Vec<&str> = READINGS.iter().filter(|(special, _)| *special == c).map(|(_, r)| *r).collect();
    match c.to_pinyin_multi() {
        Some(several) => readings.extend(several.into_iter().map(|p| p.plain())),
        None => readings.extend(c.to_pinyin().map(|p| p.plain())),
    }
    readings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_matter_is_found_as_people_type_it() {
        let name = "临时救助对象认定、救助金给付";
        for q in [
            "救助",
            "linshi",
            "LSJZ",
            "ls jz",
            "lin shi jiu",
            "临sjz",
            "jzjjf",
            "jiuzhujinjifu",
            "jiuzhujingeifu",
            "rdjz",
            "",
        ] {
            assert!(matches(name, q), "{q}");
        }
        for q in ["失业", "lszj", "w", "linshijiuzhuduixiangrendingjiuzhujinjifua"] {
            assert!(!matches(name, q), "{q}");
        }
        assert!(matches("失业登记", "ｓｙｄｊ"), "full-width letters");
        assert!(matches("困难残疾人生活补贴和重度残疾人护理补贴资格认定", "zhongdu"));
    }
}
