//! The national dictionary of grades and tags. It is versioned nationally: nothing here is added to or left out.

use serde::Deserialize;
use std::sync::LazyLock;

/// A grade (评价等级).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Grade {
    /// 5 to 1.
    pub code: i32,
    /// The official word.
    pub name: &'static str,
    /// A bad review (差评).
    pub bad: bool,
}

/// The five grades, best first.
pub const GRADES: [Grade; 5] = [
    Grade { code: 5, name: "非常满意", bad: false },
    Grade { code: 4, name: "满意", bad: false },
    Grade { code: 3, name: "基本满意", bad: false },
    Grade { code: 2, name: "不满意", bad: true },
    Grade { code: 1, name: "非常不满意", bad: true },
];

/// A tag of a grade; its code begins with the grade.
#[derive(Clone, Debug, Deserialize)]
pub struct Tag {
    /// Three digits.
    pub code: String,
    /// The grade it belongs to.
    pub grade: i32,
    /// Its words.
    pub text: String,
    /// Shown first.
    pub core: bool,
}

#[derive(Default, Deserialize)]
struct File {
    tags: Vec<Tag>,
}

static FILE: LazyLock<File> = LazyLock::new(|| {
    // A test reads the shipped file, so an unreadable one never leaves the house.
    serde_json::from_str(include_str!("../../../seed/review_codes.json")).unwrap_or_default()
});

/// The tags of a grade, core ones first.
#[must_use]
pub fn tags_of(grade: i32) -> Vec<&'static Tag> {
    let mut tags: Vec<&Tag> = FILE.tags.iter().filter(|t| t.grade == grade).collect();
    tags.sort_by_key(|t| !t.core);
    tags
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forty_tags_eight_a_grade_and_the_first_digit_is_the_grade() {
        assert_eq!(FILE.tags.len(), 40);
        for grade in GRADES {
            let tags = tags_of(grade.code);
            assert_eq!(tags.len(), 8);
            assert!(tags.iter().all(|t| t.code.starts_with(&grade.code.to_string())));
            assert!(tags[..3].iter().all(|t| t.core) && tags[3..].iter().all(|t| !t.core));
        }
        let file: serde_json::Value = serde_json::from_str(include_str!("../../../seed/review_codes.json")).unwrap();
        for (shipped, ours) in file["grades"].as_array().unwrap().iter().zip(GRADES) {
            assert_eq!(
                (shipped["code"].as_i64(), shipped["name"].as_str()),
                (Some(i64::from(ours.code)), Some(ours.name))
            );
            assert_eq!(shipped["bad"].as_bool(), Some(ours.bad));
        }
    }
}
