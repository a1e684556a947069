//! Reading a text as an answer (短信答复): a letter, a grade, and words after both; and nothing that could be something else.

use super::dictionary::GRADES;
use crate::base::personal;

/// A grade, with the letter of the invitation it answers if one was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    /// The letter.
    pub(super) tag: Option<char>,
    /// The grade.
    pub(super) grade: i32,
}

/// Reads `A5 办得很好`: a letter and a grade that words follow. Without the letter the digit may belong to the words.
pub(super) fn with_words(text: &str) -> Option<(Answer, &str)> {
    let parted = |c: char| c.is_whitespace() || "。.!,，、；;：:！".contains(c);
    let (first, words) = text.trim().split_once(parted)?;
    let words = words.trim_start_matches(parted);
    let answer = read(first).filter(|answer| answer.tag.is_some() && !words.is_empty())?;
    Some((answer, words))
}

/// Reads `5`, `５`, `5分`, `A5`, `非常满意`, `非常满意5`: one letter, one grade, and nothing that contradicts it.
pub(super) fn read(text: &str) -> Option<Answer> {
    let plain = personal::half_width(text).to_uppercase();
    let mut rest: String = plain.chars().filter(|c| !c.is_whitespace() && !"。.!,，、“”\"".contains(*c)).collect();
    let tag = rest.chars().next().filter(char::is_ascii_uppercase);
    if tag.is_some() {
        rest.remove(0);
    }
    // The longest words first: 满意 is part of all the others.
    let mut words: Vec<_> = GRADES.iter().collect();
    words.sort_by_key(|g| std::cmp::Reverse(g.name.chars().count()));
    let named = words.iter().find(|g| rest.contains(g.name)).map(|g| (g.code, g.name));
    if let Some((_, name)) = named {
        rest = rest.replacen(name, "", 1);
    }
    let rest = rest.trim_end_matches('分');
    let digit = match rest {
        "" => None,
        "1" | "2" | "3" | "4" | "5" => rest.parse().ok(),
        _ => return None,
    };
    match (named, digit) {
        (Some((word, _)), Some(digit)) if word != digit => None,
        (Some((grade, _)), _) | (None, Some(grade)) => Some(Answer { tag, grade }),
        (None, None) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_after_a_letter_and_a_grade_are_told_from_it() {
        let five = Answer { tag: Some('A'), grade: 5 };
        assert_eq!(with_words("A5 办得很好"), Some((five, "办得很好")));
        assert_eq!(with_words("ａ５，谢谢，小田"), Some((five, "谢谢，小田")));
        // A bare digit may be a window's, and two grades contradict each other.
        for unclear in ["5，谢谢", "1 号窗口在哪", "A5", "A5。", "A5号窗口", "A9 好", "谢谢 A5"] {
            assert_eq!(with_words(unclear), None, "{unclear}");
        }
    }

    #[test]
    fn what_people_write_is_read_and_what_is_unclear_is_not() {
        let reads = |text, tag, grade| assert_eq!(read(text), Some(Answer { tag, grade }), "{text}");
        reads("5", None, 5);
        reads(" ５ ", None, 5);
        reads("4分", None, 4);
        reads("a1", Some('A'), 1);
        reads("Ｂ　２", Some('B'), 2);
        reads("非常满意", None, 5);
        reads("满意。", None, 4);
        reads("基本满意", None, 3);
        reads("不满意", None, 2);
        reads("非常不满意", None, 1);
        reads("A非常不满意", Some('A'), 1);
        reads("非常满意5", None, 5);
        for unclear in ["", "0", "6", "55", "5 4", "非常满意1", "谢谢", "满意不满意", "一般", "AB5", "TD", "12345"]
        {
            assert_eq!(read(unclear), None, "{unclear}");
        }
    }
}
