//! What is offered (放号规则): desk groups, the templates by which their slots are opened, the guides they take, and the rules
//! by which places are given.

use super::BAD_OFFER;
use crate::base::error::Result;
use crate::domain::act::Act;
use crate::domain::audit;
use chrono::NaiveDate;
use entity::Id;
use entity::booking::{desk_group, rule, service, template};
use entity::guide::{Column as G, Entity as Guides};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
};
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
    /// How its slots are opened, by the first day on which that holds.
    pub templates: Vec<TemplateFile>,
    /// Codes of the guides it takes, and how many slots each takes.
    pub guides: BTreeMap<String, i32>,
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

/// Puts what a file says in force: its rules, its groups, their templates, and which guides are booked at all. What once held
/// stays as it was; slots that were opened by an older template give way where nobody has taken them.
///
/// # Errors
/// `bad_offer` with every fault; nothing is changed then.
pub async fn import(act: &Act, file: OfferFile) -> Result<()> {
    let OfferFile { rules, groups: files } = file;
    let guides: HashMap<String, Id> = Guides::find()
        .filter(G::CentreId.eq(act.centre.id))
        .all(&*act.tx)
        .await?
        .into_iter()
        .map(|g| (g.code, g.id))
        .collect();
    let mut faults = rule_faults(&rules);
    faults.extend(group_faults(&files, &guides));
    let old = rule::Entity::find().filter(rule::Column::CentreId.eq(act.centre.id)).all(&*act.tx).await?;
    for new in &rules {
        if old.iter().any(|o| o.valid_from == new.from && RulesFile::from(o.clone()) != *new) {
            faults.push(format!("自{}起的预约规则已经登记，改规则请写新的 from", new.from));
        }
    }
    let known = templates(&*act.tx, act.centre.id).await?;
    let groups = groups(&*act.tx, act.centre.id).await?;
    for file in &files {
        let group = groups.iter().find(|g| g.code == file.code);
        for new in &file.templates {
            let same_day =
                |old: &&template::Model| Some(old.group_id) == group.map(|g| g.id) && old.valid_from == new.from;
            if known.iter().find(same_day).is_some_and(|old| TemplateFile::from(old.clone()) != *new) {
                faults.push(format!("{} 自{}起的放号规则已经登记，改规则请写新的 from", file.code, new.from));
            }
        }
    }
    if !faults.is_empty() {
        return Err(BAD_OFFER.with(&[("fault", &faults.join("；"))]).into());
    }
    for new in rules {
        act.insert_new(rules_row(act, new)).await?;
    }
    service::Entity::delete_many().filter(service::Column::CentreId.eq(act.centre.id)).exec(&*act.tx).await?;
    for file in files {
        let group = group(act, &file).await?;
        for new in file.templates {
            act.insert_new(row(act, group, new)).await?;
        }
        for (code, slots) in file.guides {
            let guide_id = *guides.get(&code).ok_or_else(|| anyhow::anyhow!("guide {code} is not there"))?;
            act.insert(service::Model { guide_id, centre_id: act.centre.id, group_id: group, slots }).await?;
        }
    }
    audit::note(act, "offer.imported", "", serde_json::json!({})).await?;
    super::open_slots(act).await
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

/// The group of a file, made or renamed.
async fn group(act: &Act, file: &GroupFile) -> Result<Id> {
    let row = desk_group::Model {
        id: act.id(),
        centre_id: act.centre.id,
        code: file.code.clone(),
        name: file.name.trim().to_owned(),
    };
    let key = [desk_group::Column::CentreId, desk_group::Column::Code];
    let row = desk_group::Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::columns(key).update_column(desk_group::Column::Name).to_owned())
        .exec_with_returning(&*act.tx)
        .await?;
    Ok(row.id)
}

fn rules_row(act: &Act, file: RulesFile) -> rule::Model {
    rule::Model {
        id: act.id(),
        centre_id: act.centre.id,
        valid_from: file.from,
        own_open: file.own_open,
        other_open: file.other_open,
        per_day: file.per_day,
        hold_minutes: file.hold_minutes,
        cool_down_minutes: file.cool_down_minutes,
        no_show_days: file.no_show_days,
        no_show_most: file.no_show_most,
        limited_days: file.limited_days,
    }
}

fn row(act: &Act, group_id: Id, file: TemplateFile) -> template::Model {
    template::Model {
        id: act.id(),
        centre_id: act.centre.id,
        group_id,
        valid_from: file.from,
        valid_until: file.until,
        minutes: file.minutes,
        capacity: file.capacity,
        walk_in: file.walk_in,
        elder: file.elder,
        horizon_days: file.horizon_days,
        cut_off_minutes: file.cut_off_minutes,
    }
}

/// The centre's desk groups by code.
async fn groups(db: &impl ConnectionTrait, centre: Id) -> Result<Vec<desk_group::Model>> {
    let rows = desk_group::Entity::find().filter(desk_group::Column::CentreId.eq(centre));
    Ok(rows.order_by_asc(desk_group::Column::Code).all(db).await?)
}

/// The centre's templates, the newest first.
pub(super) async fn templates(db: &impl ConnectionTrait, centre: Id) -> Result<Vec<template::Model>> {
    let rows = template::Entity::find().filter(template::Column::CentreId.eq(centre));
    Ok(rows.order_by_desc(template::Column::ValidFrom).all(db).await?)
}

/// How a guide is booked, if it is.
///
/// # Errors
/// Whatever the database says.
pub async fn service(db: &impl ConnectionTrait, guide: Id) -> Result<Option<service::Model>> {
    Ok(service::Entity::find_by_id(guide).one(db).await?)
}
