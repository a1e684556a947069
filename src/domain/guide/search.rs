//! Finding a guide by what people type: part of its name or of what it is called in the village, its pinyin, or the initials of its
//! pinyin, also mixed.

use crate::base::personal::half_width;
use pinyin::{ToPinyin as _, ToPinyinMulti as _};

/// Readings in the names of matters that the plain table does not know: 给付 is read jǐfù.
const READINGS: [(char, &str); 1] = [('给', "ji")];

/// What people say (俗称), and the words that stand for it in the names of matters.
const SAID: [(&str, &str); 20] = [
    ("低保", "最低生活保障"),
    ("五保", "特困人员"),
    ("困难补助", "临时救助"),
    ("高龄补贴", "高龄津贴"),
    ("残疾证", "残疾人证"),
    ("残疾补贴", "残疾人生活补贴"),
    ("社保", "养老保险"),
    ("社保", "医疗保险"),
    ("社保", "社会保险"),
    ("养老金", "养老保险待遇"),
    ("医保", "医疗保险"),
    ("合作医疗", "居民基本医疗保险"),
    ("失业证", "失业登记"),
    ("准生证", "生育登记"),
    ("独生子女证", "独生子女父母光荣证"),
    ("砍树", "林木采伐"),
    ("公租房", "公共租赁住房"),
    ("廉租房", "公共租赁住房"),
    ("盖房", "建房"),
    ("修房子", "建房"),
];

/// True when `q` is found in `name` or in what people call it: as characters, or read aloud from some character on.
pub(super) fn matches(name: &str, q: &str) -> bool {
    let called = SAID.iter().filter(|(_, official)| name.contains(official)).map(|(said, _)| *said);
    std::iter::once(name).chain(called).any(|name| holds(name, q))
}

fn holds(name: &str, q: &str) -> bool {
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
    fn a_matter_is_found_by_what_it_is_called_in_the_village() {
        for (q, name) in [
            ("低保", "最低生活保障对象认定"),
            ("dibao", "最低生活保障对象认定"),
            ("yb", "城乡居民基本医疗保险参保登记"),
            ("社保", "城乡居民基本养老保险参保登记"),
            ("残疾证", "残疾人证换领"),
        ] {
            assert!(matches(name, q), "{q}");
        }
        assert!(!matches("失业登记", "低保"));
        for (said, _) in SAID {
            assert!(SAID.iter().all(|(_, official)| !official.contains(said)), "{said} is found without being listed");
        }
    }

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
