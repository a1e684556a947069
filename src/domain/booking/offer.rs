//! What is offered (放号规则): desk groups, the templates by which their slots are opened, the guides they take, and the rules
//! by which places are given.

use super::offer_file::{DeskFile, GroupFile, OfferFile, RulesFile, TemplateFile, faults};
use super::{BAD_OFFER, NO_RULES};
use crate::base::error::Result;
use crate::domain::act::{Act, Publishing};
use crate::domain::published::Centre;
use crate::domain::{audit, centre};
use chrono::NaiveDate;
use entity::Id;
use entity::booking::{desk, desk_group, rule, service, template};
use entity::guide::{Column as G, Entity as Guides};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
};
use std::collections::HashMap;
use std::sync::Arc;

/// Puts what a file says in force: its rules, its groups, their templates, and which guides are booked at all. What once held
/// stays as it was; slots that were opened by an older template give way where nobody has taken them.
///
/// # Errors
/// `bad_offer` with every fault; nothing is changed then.
pub async fn import(act: &Publishing, file: OfferFile) -> Result<()> {
    let OfferFile { rules, groups: files } = file;
    let guides: HashMap<String, Id> = Guides::find()
        .filter(G::CentreId.eq(act.centre.id))
        .all(&*act.tx)
        .await?
        .into_iter()
        .map(|g| (g.code, g.id))
        .collect();
    let branches: HashMap<String, Id> =
        centre::branches(&*act.tx, act.centre.id).await?.into_iter().map(|b| (b.code, b.id)).collect();
    let mut faults = faults(&rules, &files, &guides, &branches);
    let offered = Offer::of(&*act.tx, &act.centre).await?;
    for new in &rules {
        if offered.rules.iter().any(|o| o.valid_from == new.from && RulesFile::from(o.clone()) != *new) {
            faults.push(format!("自{}起的预约规则已经登记，改规则请写新的 from", new.from));
        }
    }
    for file in &files {
        let group = offered.groups.iter().find(|g| g.code == file.code);
        for new in &file.templates {
            let same_day =
                |old: &&template::Model| Some(old.group_id) == group.map(|g| g.id) && old.valid_from == new.from;
            if offered.templates.iter().find(same_day).is_some_and(|old| TemplateFile::from(old.clone()) != *new) {
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
    // A desk that the file no longer names is not used any more.
    desk::Entity::update_many()
        .col_expr(desk::Column::Active, Expr::value(false))
        .filter(desk::Column::CentreId.eq(act.centre.id))
        .exec(&*act.tx)
        .await?;
    for file in files {
        let branch =
            branches.get(&file.branch).ok_or_else(|| anyhow::anyhow!("branch {} is not there", file.branch))?;
        let group = group(act, &file, *branch).await?;
        for desk in &file.desks {
            put_desk(act, group, desk).await?;
        }
        for new in file.templates {
            act.insert_new(row(act, group, new)).await?;
        }
        for (code, slots) in file.guides {
            let guide_id = *guides.get(&code).ok_or_else(|| anyhow::anyhow!("guide {code} is not there"))?;
            act.insert(service::Model { guide_id, centre_id: act.centre.id, group_id: group, slots }).await?;
        }
    }
    audit::note(act, "offer.imported", "", serde_json::json!({})).await?;
    super::open_slots(act).await.map(drop)
}

/// The group of a file, made or brought up to date.
async fn group(act: &Act, file: &GroupFile, branch: Id) -> Result<Id> {
    use desk_group::Column as C;
    let row = desk_group::Model {
        id: act.id(),
        centre_id: act.centre.id,
        code: file.code.clone(),
        name: file.name.trim().to_owned(),
        branch_id: branch,
        prefix: file.band.prefix.clone(),
        first_number: file.band.first,
        last_number: file.band.last,
    };
    let changing = [C::Name, C::BranchId, C::Prefix, C::FirstNumber, C::LastNumber];
    let row = desk_group::Entity::insert(row.into_active_model())
        .on_conflict(OnConflict::columns([C::CentreId, C::Code]).update_columns(changing).to_owned())
        .exec_with_returning(&*act.tx)
        .await?;
    Ok(row.id)
}

/// A desk of a file, made or brought up to date.
async fn put_desk(act: &Act, group_id: Id, file: &DeskFile) -> Result<()> {
    use desk::Column as D;
    let (code, name) = (file.code.clone(), file.name.trim().to_owned());
    let row = desk::Model { id: act.id(), centre_id: act.centre.id, group_id, code, name, active: true };
    desk::Entity::insert(row.into_active_model())
        .on_conflict(
            OnConflict::columns([D::CentreId, D::Code]).update_columns([D::GroupId, D::Name, D::Active]).to_owned(),
        )
        .exec_without_returning(&*act.tx)
        .await?;
    Ok(())
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

/// What a centre offers.
pub struct Offer {
    /// Its desk groups, by code.
    pub groups: Vec<desk_group::Model>,
    /// Its desks in use, by code.
    pub desks: Vec<desk::Model>,
    /// How its slots are opened, the newest first.
    pub(super) templates: Vec<template::Model>,
    /// How places are given, the newest first.
    rules: Vec<rule::Model>,
    services: HashMap<Id, service::Model>,
}

impl Offer {
    /// What a centre offers, read once an edition.
    ///
    /// # Errors
    /// Whatever the database says.
    pub async fn of(db: &impl ConnectionTrait, centre: &Centre) -> Result<Arc<Self>> {
        centre.part(async |id| Self::read(db, id).await).await
    }

    async fn read(db: &impl ConnectionTrait, centre: Id) -> Result<Self> {
        let groups = desk_group::Entity::find().filter(desk_group::Column::CentreId.eq(centre));
        let desks =
            desk::Entity::find().filter(desk::Column::CentreId.eq(centre)).filter(desk::Column::Active.eq(true));
        let templates = template::Entity::find().filter(template::Column::CentreId.eq(centre));
        let rules = rule::Entity::find().filter(rule::Column::CentreId.eq(centre));
        let services = service::Entity::find().filter(service::Column::CentreId.eq(centre));
        Ok(Self {
            groups: groups.order_by_asc(desk_group::Column::Code).all(db).await?,
            desks: desks.order_by_asc(desk::Column::Code).all(db).await?,
            templates: templates.order_by_desc(template::Column::ValidFrom).all(db).await?,
            rules: rules.order_by_desc(rule::Column::ValidFrom).all(db).await?,
            services: services.all(db).await?.into_iter().map(|s| (s.guide_id, s)).collect(),
        })
    }

    /// How a guide is booked, if it is.
    #[must_use]
    pub fn service(&self, guide: Id) -> Option<&service::Model> {
        self.services.get(&guide)
    }

    /// The rules that hold on a day; before the first of them, those.
    ///
    /// # Errors
    /// `no_rules`.
    pub(super) fn rules(&self, on: NaiveDate) -> Result<&rule::Model> {
        let of_day = self.rules.iter().find(|r| r.valid_from <= on).or(self.rules.last());
        Ok(of_day.ok_or(NO_RULES)?)
    }

    /// Seconds that one person is meant to take at one desk of a group, by its template of the day.
    #[must_use]
    pub fn seconds_each(&self, group: Id, on: NaiveDate) -> u64 {
        let of_day = self.templates.iter().find(|t| t.group_id == group && t.valid_from <= on);
        let Some(template) = of_day else { return 600 };
        let desks = self.desks.iter().filter(|d| d.group_id == group).count() as u64;
        u64::from(template.minutes.unsigned_abs()) * 60 * Ord::max(desks, 1)
            / u64::from(template.capacity.unsigned_abs())
    }
}
