//! The file of an offer: its form, and what can be wrong with it.

use chrono::NaiveDate;
use entity::Id;
use entity::booking::{rule, template};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};

/// What a centre offers, as a file describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfferFile {
    /// How places are given, by the first day on which that holds.
    pub rules: Vec<RulesFile>,
    /// Who gives them.
    pub groups: Vec<GroupFile>,
}

/// Rules in a file.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct RulesFile {
    /// First day on which they hold.
    pub from: NaiveDate,
    /// Places that an account may hold for its owner.
    pub own_open: i32,
    /// Places that it may hold for others.
    pub other_open: i32,
    /// Places of one person on one day.
    pub per_day: i32,
    /// Minutes for which a place is kept while its form is filled in; 0 for not at all.
    pub hold_minutes: i32,
    /// Minutes after which a place given back is offered again, at the earliest; 0 for at once.
    pub cool_down_minutes: i32,
    /// Days within which no-shows count together.
    pub no_show_days: i32,
    /// So many of them end booking online for a while.
    pub no_show_most: i32,
    /// For so many days from the last of them.
    pub limited_days: i32,
}

impl From<rule::Model> for RulesFile {
    fn from(row: rule::Model) -> Self {
        Self {
            from: row.valid_from,
            own_open: row.own_open,
            other_open: row.other_open,
            per_day: row.per_day,
            hold_minutes: row.hold_minutes,
            cool_down_minutes: row.cool_down_minutes,
            no_show_days: row.no_show_days,
            no_show_most: row.no_show_most,
            limited_days: row.limited_days,
        }
    }
}

/// A desk group as a file describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupFile {
    /// Short code, unique in the centre.
    pub code: String,
    /// Name, as on the board.
    pub name: String,
    /// Code of the branch it sits in.
    pub branch: String,
    /// The numbers of its tickets.
    pub band: BandFile,
    /// Its desks.
    pub desks: Vec<DeskFile>,
    /// How its slots are opened, by the first day on which that holds.
    pub templates: Vec<TemplateFile>,
    /// Codes of the guides it takes, and how many slots each takes.
    pub guides: BTreeMap<String, i32>,
}

/// The band of a group's tickets: a prefix and the numbers from first to last.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BandFile {
    /// None or one capital letter.
    pub prefix: String,
    /// First number.
    pub first: i32,
    /// Last number.
    pub last: i32,
}

/// A desk in a group's file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeskFile {
    /// Short code, unique in the centre.
    pub code: String,
    /// Name, as on its sign.
    pub name: String,
}

/// A template in a group's file.
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
#[serde(deny_unknown_fields)]
pub struct TemplateFile {
    /// First day on which it holds.
    pub from: NaiveDate,
    /// Last day on which it holds, if it ends by itself.
    #[serde(default)]
    pub until: Option<NaiveDate>,
    /// Length of a slot in minutes.
    pub minutes: i32,
    /// People whom the group's desks serve in one slot.
    pub capacity: i32,
    /// Of these, kept for who comes without booking.
    pub walk_in: i32,
    /// Of these, kept for older people, for whom the windows book.
    pub elder: i32,
    /// Days ahead for which slots are opened.
    pub horizon_days: i32,
    /// Minutes before a slot at which it can no longer be taken online.
    pub cut_off_minutes: i32,
}

impl From<template::Model> for TemplateFile {
    fn from(row: template::Model) -> Self {
        Self {
            from: row.valid_from,
            until: row.valid_until,
            minutes: row.minutes,
            capacity: row.capacity,
            walk_in: row.walk_in,
            elder: row.elder,
            horizon_days: row.horizon_days,
            cut_off_minutes: row.cut_off_minutes,
        }
    }
}

/// Everything that is wrong with a file, by row and field.
pub(super) fn faults(
    rules: &[RulesFile],
    groups: &[GroupFile],
    guides: &HashMap<String, Id>,
    branches: &HashMap<String, Id>,
) -> Vec<String> {
    [rule_faults(rules), group_faults(groups, guides), hall_faults(groups, branches)].concat()
}

fn rule_faults(files: &[RulesFile]) -> Vec<String> {
    let mut faults = Vec::new();
    if files.is_empty() {
        faults.push("rules 至少写一条".to_owned());
    }
    for (n, r) in files.iter().enumerate() {
        for (right, what) in [
            ((1..=100).contains(&r.own_open), "own_open 应为1至100"),
            ((0..=100).contains(&r.other_open), "other_open 应为0至100"),
            ((1..=100).contains(&r.per_day), "per_day 应为1至100"),
            ((0..=30).contains(&r.hold_minutes), "hold_minutes 应为0至30"),
            ((0..=1440).contains(&r.cool_down_minutes), "cool_down_minutes 应为0至1440"),
            ((1..=366).contains(&r.no_show_days), "no_show_days 应为1至366"),
            ((1..=100).contains(&r.no_show_most), "no_show_most 应为1至100"),
            ((1..=366).contains(&r.limited_days), "limited_days 应为1至366"),
            (!files[..n].iter().any(|o| o.from == r.from), "from 重复"),
        ] {
            if !right {
                faults.push(format!("rules[{n}] {what}"));
            }
        }
    }
    faults
}

fn group_faults(files: &[GroupFile], guides: &HashMap<String, Id>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut taken: Vec<&str> = Vec::new();
    for (n, file) in files.iter().enumerate() {
        let row = n + 1;
        let fits = (1..=8).contains(&file.code.len())
            && file.code.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        if !fits || files[..n].iter().any(|f| f.code == file.code) {
            faults.push(format!("第{row}行 code {} 应为1至8位大写字母或数字，且不重复", file.code));
        }
        if file.name.trim().is_empty() {
            faults.push(format!("第{row}行 name 为空"));
        }
        for (m, t) in file.templates.iter().enumerate() {
            let at = format!("第{row}行 templates[{m}]");
            let places = t.walk_in >= 0 && t.elder >= 0 && t.walk_in.saturating_add(t.elder) <= t.capacity;
            for (right, what) in [
                ((5..=240).contains(&t.minutes), "minutes 应为5至240"),
                ((1..=1000).contains(&t.capacity), "capacity 应为1至1000"),
                (places, "walk_in 与 elder 之和不能超过 capacity，也不能为负"),
                ((1..=60).contains(&t.horizon_days), "horizon_days 应为1至60"),
                ((0..=10080).contains(&t.cut_off_minutes), "cut_off_minutes 应为0至10080"),
                (t.until.is_none_or(|until| until >= t.from), "until 早于 from"),
                (!file.templates[..m].iter().any(|o| o.from == t.from), "from 重复"),
            ] {
                if !right {
                    faults.push(format!("{at} {what}"));
                }
            }
        }
        for (code, slots) in &file.guides {
            if !guides.contains_key(code) {
                faults.push(format!("第{row}行 guides 没有事项 {code}"));
            }
            if taken.contains(&code.as_str()) {
                faults.push(format!("第{row}行 guides 事项 {code} 已属于前面的窗口组"));
            }
            if !(1..=16).contains(slots) {
                faults.push(format!("第{row}行 guides {code} 应占1至16个时段"));
            }
            taken.push(code);
        }
    }
    faults
}

/// Faults of where groups sit, and of the numbers they give: two groups of a branch never give the same.
fn hall_faults(files: &[GroupFile], branches: &HashMap<String, Id>) -> Vec<String> {
    let mut faults = Vec::new();
    let mut desks: Vec<&str> = Vec::new();
    for (n, file) in files.iter().enumerate() {
        let (row, band) = (n + 1, &file.band);
        if !branches.contains_key(&file.branch) {
            faults.push(format!("第{row}行 branch 没有办事点 {}", file.branch));
        }
        let letter = band.prefix.len() <= 1 && band.prefix.chars().all(|c| c.is_ascii_uppercase());
        if !letter || band.first < 0 || band.last > 9999 || band.first > band.last {
            faults.push(format!("第{row}行 band 应为至多一个大写字母和 0 至 9999 之间的首末号"));
        }
        let shares = |other: &&GroupFile| {
            let theirs = &other.band;
            other.branch == file.branch
                && theirs.prefix == band.prefix
                && theirs.first <= band.last
                && band.first <= theirs.last
        };
        if let Some(other) = files[..n].iter().find(shares) {
            faults.push(format!("第{row}行 band 与窗口组 {} 的号段重叠", other.code));
        }
        for desk in &file.desks {
            if desks.contains(&desk.code.as_str()) || !(1..=8).contains(&desk.code.len()) || desk.name.trim().is_empty()
            {
                faults.push(format!("第{row}行 desks {} 编号应为1至8个字符且不重复，名称不能为空", desk.code));
            }
            desks.push(&desk.code);
        }
    }
    faults
}
