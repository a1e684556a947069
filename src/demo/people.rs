//! The people of the story: made up, with check digits that fit.

use super::dice::Dice;
use crate::base::personal;
use crate::domain::applicant::Applicant;
use entity::applicant::{ApplicantKind, IdType};
use std::ops::Range;

const SURNAMES: [&str; 16] =
    ["田", "谢", "冉", "龚", "庞", "石", "向", "罗", "杨", "张", "李", "王", "任", "何", "简", "彭"];
const GIVEN: [&str; 24] = [
    "秀英", "桂兰", "德成", "光明", "小梅", "国强", "玉珍", "兴旺", "春花", "永福", "建华", "大山", "金凤", "长生",
    "维芳", "世贵", "红霞", "安平", "淑云", "正明", "翠兰", "启富", "文秀", "立春",
];
/// Numbers that families have; beyond so many families, some have the same.
const NUMBERS: usize = 10_000;

/// Somebody who lives there.
pub struct Resident {
    /// As he applies: some have no phone and some bring no document, and families share a phone.
    pub applicant: Applicant,
    /// Those of his family, among all residents.
    pub family: Range<usize>,
}

/// The residents, family by family.
pub(super) fn residents(dice: Dice<'_>, count: usize) -> Vec<Resident> {
    let mut all = Vec::with_capacity(count);
    for number in 0.. {
        let family = all.len()..Ord::min(all.len() + dice.up_to(4) + 1, count);
        if family.is_empty() {
            break;
        }
        let (surname, phone) = (dice.one_of(&SURNAMES), format!("1990000{:04}", number % NUMBERS));
        let has_phone = dice.chance(85);
        let names =
            family.clone().map(|_| (format!("{surname}{}", dice.one_of(&GIVEN)), dice.chance(75), id_card(dice)));
        let member = |(name, shares, document): (String, bool, Option<String>)| Resident {
            applicant: Applicant {
                kind: ApplicantKind::Person,
                name,
                phone: (has_phone && shares).then(|| phone.clone()),
                document: document.map(|number| (IdType::IdCard, number)),
            },
            family: family.clone(),
        };
        all.extend(names.map(member));
    }
    all
}

/// Six in ten bring their card.
fn id_card(dice: Dice<'_>) -> Option<String> {
    let birth = format!("{}{:02}{:02}", 1938 + dice.up_to(66), 1 + dice.up_to(11), 1 + dice.up_to(27));
    let body = format!("500114{birth}{:03}", 1 + dice.up_to(998));
    let brought = dice.chance(60);
    "0123456789X".chars().filter(|_| brought).find_map(|check| personal::id_card(&format!("{body}{check}")))
}

/// What people write beside a grade.
pub(super) fn comment(dice: Dice<'_>, grade: i32) -> Option<String> {
    let words: &[&str] = match grade {
        5 => &["小田态度好，一次就办好了", "帮我填了表，谢谢", "很快"],
        4 => &["可以", "办得快，就是人多"],
        3 => &["等得久了点"],
        2 => &["跑了两趟才办好", "说好的时间没办完"],
        _ => &["让我带指南上没有的材料", "窗口没人，等了一上午"],
    };
    let said = dice.chance(if grade <= 2 { 70 } else { 20 });
    said.then(|| (*dice.one_of(words)).to_owned())
}
