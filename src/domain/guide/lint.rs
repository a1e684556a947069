//! The vague-word linter (article 4.3: 消除“其他材料”或“有关部门”等不确定性表述).
//!
//! It reads the names of materials and the conditions, where a vague word sends people home; not headings, and not the
//! titles of statutes between 《 and 》. Errors stop publication; warnings are shown to whoever compiles the guide.

use entity::guide::Content;

/// Words after which nobody knows what to bring.
const ERRORS: [&str; 22] = [
    "其他材料",
    "其它材料",
    "其他相关",
    "其他有关",
    "其他证明",
    "其他应",
    "有关材料",
    "相关材料",
    "有关证明",
    "相关证明",
    "有关部门",
    "相关部门",
    "有关单位",
    "相关单位",
    "等材料",
    "等证明",
    "等相关",
    "等有关",
    "必要的材料",
    "所需材料",
    "需要的其他",
    "认为需要提供的",
];

/// The same, of statutes' making.
const STATUTORY_ERRORS: [&str; 2] = ["法律法规规定的其他", "规定的其他条件"];

/// Words that leave a limit or a condition open.
const WARNINGS: [&str; 14] = [
    "视情况",
    "根据实际情况",
    "原则上",
    "一般",
    "酌情",
    "适当",
    "及时",
    "尽快",
    "若干",
    "左右",
    "另行通知",
    "以窗口要求为准",
    "必要时",
    "可能需要",
];

/// Sound phrases in which a listed word means something definite.
const ALLOWED: [&str; 6] = ["等材料齐全", "等证明齐全", "一般纳税人", "一般公共", "一般贸易", "左右眼"];

/// How grave a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Severity {
    /// Stops publication.
    Error,
    /// Is shown.
    Warning,
}

/// A vague word and where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Finding {
    /// How grave.
    pub severity: Severity,
    /// The field, such as `materials[4].name`.
    pub field: String,
    /// The word.
    pub word: &'static str,
    /// Its place in the field, in characters from 1.
    pub position: usize,
}

/// Reads the fields of a guide in which a vague word does harm.
#[must_use]
pub fn guide(content: &Content) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (n, material) in content.materials.iter().enumerate() {
        findings.extend(text(&format!("materials[{n}].name"), &material.name));
        let notes = [("source_note", &material.source_note), ("specification", &material.specification)];
        for (field, said) in notes {
            findings.extend(said.iter().flat_map(|said| text(&format!("materials[{n}].{field}"), said)));
        }
    }
    for (n, condition) in content.elements.conditions.iter().enumerate() {
        findings.extend(text(&format!("elements.conditions[{n}]"), condition));
    }
    if let Some(audience) = &content.audience_text {
        findings.extend(text("audience_text", audience));
    }
    findings
}

/// Reads one text.
#[must_use]
pub fn text(field: &str, text: &str) -> Vec<Finding> {
    // A space within hides no word; the place is told in the text as it stands.
    let (open, places) = closed_up(&without_statutes(text));
    let mut findings = Vec::new();
    let listed = ERRORS.iter().chain(&STATUTORY_ERRORS).map(|w| (Severity::Error, *w));
    for (severity, word) in listed.chain(WARNINGS.iter().map(|w| (Severity::Warning, *w))) {
        for (at, _) in open.match_indices(word) {
            let allowed = ALLOWED.iter().any(|phrase| {
                open.match_indices(phrase).any(|(from, _)| from <= at && at + word.len() <= from + phrase.len())
            });
            // A colon makes it a heading: 所需材料：身份证。
            let heading = open[at + word.len()..].starts_with(['：', ':']);
            if !allowed && !heading {
                let position = places[open[..at].chars().count()];
                findings.push(Finding { severity, field: field.to_owned(), word, position });
            }
        }
    }
    findings.sort_by_key(|f| (f.position, std::cmp::Reverse(f.word.len())));
    // 其他相关 and 相关证明 in one phrase are one finding: the first word tells where.
    let mut end = 0;
    findings.retain(|f| {
        let fresh = f.position >= end;
        end = end.max(f.position + f.word.chars().count());
        fresh
    });
    findings
}

/// A text without its spaces, and at which character, from 1, each one left stands; those of blanked titles stay.
fn closed_up(text: &str) -> (String, Vec<usize>) {
    let left = text.chars().enumerate().filter(|(_, c)| *c == BLANK || !c.is_whitespace());
    left.map(|(n, c)| (c, n + 1)).unzip()
}

/// What stands for a character of a statute's title.
const BLANK: char = '\u{fffd}';

/// The text with everything between 《 and 》 blanked, places kept.
fn without_statutes(text: &str) -> String {
    let mut depth = 0usize;
    let blank = |c: char| {
        depth = match c {
            '《' => depth + 1,
            '》' => depth.saturating_sub(1),
            _ => depth,
        };
        // Same width in bytes and characters does not matter: positions are counted on the result.
        if depth > 0 { BLANK } else { c }
    };
    text.chars().map(blank).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<&'static str> {
        text("x", line).iter().filter(|f| f.severity == Severity::Error).map(|f| f.word).collect()
    }

    #[test]
    fn article_4_3_real_offending_sentences_are_found_with_their_place() {
        let findings = text("materials[4].name", "其他相关有效证明材料");
        assert_eq!(findings.len(), 1);
        let found = (findings[0].field.as_str(), findings[0].word, findings[0].position);
        assert_eq!(found, ("materials[4].name", "其他相关", 1));
        assert_eq!(text("x", "身份证、户口簿等材料")[0].position, 8);
        for line in [
            "其他应该提供的证明材料",
            "法律、法规规定的有关材料",
            "相关材料",
            "有关部门出具的意见",
            "户口簿等证明",
            "法律法规规定的其他条件",
            "办理所需材料",
            "工作人员认为需要提供的凭据",
            "有关 部门出具的意见",
            "其他\t材料",
            "其他　材料",
        ] {
            assert!(!words(line).is_empty(), "{line}");
        }
    }

    #[test]
    fn sound_sentences_pass() {
        for line in [
            "居民身份证",
            "家庭收入、财产和支出状况证明材料",
            "法定监护人证明（智力、精神残疾及未成年人）",
            "符合《关于进一步减少有关部门证明的通知》第三条",
            "依据《社会救助有关材料目录（2023年版）》列明的收入证明",
            "申请书、户口簿等材料齐全的，当场受理",
            "所需材料：居民身份证",
            "增值税一般纳税人登记表",
            "毕业证书（非必要）",
            "公示材料",
            "其他居住在同一户口的家庭成员身份证",
            "相关人身份证由申请人书面声明",
        ] {
            assert_eq!(text("x", line), [], "{line}");
        }
    }

    #[test]
    fn open_limits_are_warned_of() {
        let findings = text("x", "原则上当场办结，视情况可在若干日内补交");
        assert_eq!(findings.iter().map(|f| f.word).collect::<Vec<_>>(), ["原则上", "视情况", "若干"]);
        assert!(findings.iter().all(|f| f.severity == Severity::Warning));
    }
}
