//! The people of the story: made up, with check digits that fit.

use crate::base::{Random, personal};
use crate::domain::applicant::Typed;
use entity::applicant::{ApplicantKind, IdType};

const SURNAMES: [&str; 16] =
    ["田", "谢", "冉", "龚", "庞", "石", "向", "罗", "杨", "张", "李", "王", "任", "何", "简", "彭"];
const GIVEN: [&str; 24] = [
    "秀英", "桂兰", "德成", "光明", "小梅", "国强", "玉珍", "兴旺", "春花", "永福", "建华", "大山", "金凤", "长生",
    "维芳", "世贵", "红霞", "安平", "淑云", "正明", "翠兰", "启富", "文秀", "立春",
];

/// A villager. Some have no phone, and families share one.
pub(super) fn villager(random: &Random) -> Typed {
    let pick =
        |words: &[&str]| words[usize::try_from(random.between(0, words.len() as i64 - 1)).unwrap_or(0)].to_owned();
    let name = pick(&SURNAMES) + &pick(&GIVEN);
    let has_phone = random.between(1, 10) <= 7;
    let document = (random.between(1, 10) <= 6).then(|| id_card(random)).flatten();
    Typed {
        kind: ApplicantKind::Person,
        name,
        phone: has_phone.then(|| phone(random)),
        id_type: document.as_ref().map(|_| IdType::IdCard),
        id_number: document,
    }
}

/// One of two thousand numbers, so that some are shared.
pub(super) fn phone(random: &Random) -> String {
    format!("1990000{:04}", random.between(0, 1999))
}

fn id_card(random: &Random) -> Option<String> {
    let birth = format!("{}{:02}{:02}", random.between(1938, 2004), random.between(1, 12), random.between(1, 28));
    let body = format!("500114{birth}{:03}", random.between(1, 999));
    "0123456789X".chars().find_map(|check| personal::id_card(&format!("{body}{check}")))
}

/// What people write beside a grade.
pub(super) fn comment(random: &Random, grade: i64) -> Option<String> {
    let words: &[&str] = match grade {
        5 => &["小田态度好，一次就办好了", "帮我填了表，谢谢", "很快"],
        4 => &["可以", "办得快，就是人多"],
        3 => &["等得久了点"],
        2 => &["跑了两趟才办好", "说好的时间没办完"],
        _ => &["让我带指南上没有的材料", "窗口没人，等了一上午"],
    };
    let said = random.between(1, 10) <= if grade <= 2 { 7 } else { 2 };
    said.then(|| words[usize::try_from(random.between(0, words.len() as i64 - 1)).unwrap_or(0)].to_owned())
}
