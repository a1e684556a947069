//! The file of a centre: what it says, what can be wrong with it, and putting it in force.

use super::{BAD_CENTRE, Lamps};
use crate::base::{Random, Result};
use chrono::{NaiveDate, NaiveTime, Timelike as _};
use entity::centre::{Column, Entity, HoursKind, Model, branch, host, hours, office};
use entity::{Id, Time};
use sea_orm::sea_query::OnConflict;
use sea_orm::{
    ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _, QueryFilter as _, QueryOrder as _,
};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// A centre as a file describes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CentreFile {
    /// One to eight capital letters or digits; case and receipt numbers begin with it.
    pub code: String,
    /// Full name.
    pub name: String,
    /// What it is called in the numbers of documents; its name, unless given.
    #[serde(default)]
    pub abbreviation: Option<String>,
    /// Telephone shown to residents.
    pub phone: String,
    /// Address shown to residents.
    pub address: String,
    /// Name in the brackets that open its texts.
    pub sms_sign: String,
    /// The same as vendors know it, by gateway, where it is not that of the settings.
    #[serde(default)]
    pub sms_signs: BTreeMap<String, String>,
    /// As the platform for reviews knows it.
    #[serde(default)]
    pub reporting: Reporting,
    /// When lamps of cases turn.
    #[serde(default)]
    pub lamps: Lamps,
    /// Host names that mean this centre.
    #[serde(default)]
    pub hosts: Vec<String>,
    /// First day on which the hours hold.
    pub hours_from: NaiveDate,
    /// When the windows are open, as `["09:00", "12:00"]` pairs.
    pub window_hours: Vec<(NaiveTime, NaiveTime)>,
    /// When staff must be there: the county organs' hours (article 5.1.1).
    pub shift_hours: Vec<(NaiveTime, NaiveTime)>,
    /// Its offices.
    pub offices: Vec<OfficeFile>,
    /// Where it receives people: one or more halls.
    pub branches: Vec<BranchFile>,
}

/// A centre as the platform for reviews knows it (好差评上报); what is not known there is empty.
#[derive(Debug, Default, Deserialize, Serialize)]
#[serde(deny_unknown_fields, default)]
pub struct Reporting {
    /// Code of its area (行政区划代码).
    pub area_code: String,
    /// Name of its area.
    pub area_name: String,
    /// The 18 characters of its 统一社会信用代码.
    pub dept_code: String,
}

/// A branch in a centre's file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BranchFile {
    /// Short code, unique in the centre.
    pub code: String,
    /// Full name.
    pub name: String,
    /// Where it is.
    pub address: String,
}

/// An office in a centre's file.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OfficeFile {
    /// Short code, unique in the centre.
    pub code: String,
    /// Full name.
    pub name: String,
    /// Telephone told to whoever asks (article 5.3.1a).
    pub phone: String,
}

/// Sets a centre up, or brings one up to date, from its file. Hours that once held stay as they were.
///
/// # Errors
/// `bad_centre` with every fault; nothing is changed then.
pub async fn import(db: &impl ConnectionTrait, random: &Random, now: Time, file: CentreFile) -> Result<Model> {
    let faults = faults(&file);
    if !faults.is_empty() {
        return Err(BAD_CENTRE.with(&[("fault", &faults.join("；"))]).into());
    }
    let old = Entity::find().filter(Column::Code.eq(&file.code)).one(db).await?;
    if let Some(old) = &old {
        ensure_hours_are_new(db, old.id, &file).await?;
    }
    let centre = Model {
        id: old.as_ref().map_or_else(|| random.id(now), |c| c.id),
        code: file.code,
        abbreviation: file.abbreviation.unwrap_or_else(|| file.name.clone()),
        name: file.name,
        phone: file.phone,
        address: file.address,
        sms_sign: file.sms_sign,
        reporting: serde_json::to_value(file.reporting).map_err(anyhow::Error::from)?,
        lamps: serde_json::to_value(file.lamps).map_err(anyhow::Error::from)?,
        sms_signs: serde_json::to_value(file.sms_signs).map_err(anyhow::Error::from)?,
        created_at: old.as_ref().map_or(now, |c| c.created_at),
    };
    let everything = [
        Column::Name,
        Column::Abbreviation,
        Column::Phone,
        Column::Address,
        Column::SmsSign,
        Column::SmsSigns,
        Column::Reporting,
        Column::Lamps,
    ];
    Entity::insert(centre.clone().into_active_model())
        .on_conflict(OnConflict::column(Column::Id).update_columns(everything).to_owned())
        .exec_without_returning(db)
        .await?;
    for name in file.hosts {
        host::Entity::insert(host::Model { host: name.to_lowercase(), centre_id: centre.id }.into_active_model())
            .on_conflict(OnConflict::column(host::Column::Host).update_column(host::Column::CentreId).to_owned())
            .exec_without_returning(db)
            .await?;
    }
    let sessions = [(HoursKind::Window, file.window_hours), (HoursKind::Shift, file.shift_hours)];
    for (kind, (opens, closes)) in sessions.into_iter().flat_map(|(k, s)| s.into_iter().map(move |s| (k, s))) {
        let row = hours::Model {
            id: random.id(now),
            centre_id: centre.id,
            kind,
            opens: minute(opens),
            closes: minute(closes),
            valid_from: file.hours_from,
        };
        hours::Entity::insert(row.into_active_model())
            .on_conflict(OnConflict::new().do_nothing().to_owned())
            .exec_without_returning(db)
            .await?;
    }
    for o in file.offices {
        let row =
            office::Model { id: random.id(now), centre_id: centre.id, code: o.code, name: o.name, phone: o.phone };
        office::Entity::insert(row.into_active_model())
            .on_conflict(
                OnConflict::columns([office::Column::CentreId, office::Column::Code])
                    .update_columns([office::Column::Name, office::Column::Phone])
                    .to_owned(),
            )
            .exec_without_returning(db)
            .await?;
    }
    for b in file.branches {
        let row =
            branch::Model { id: random.id(now), centre_id: centre.id, code: b.code, name: b.name, address: b.address };
        branch::Entity::insert(row.into_active_model())
            .on_conflict(
                OnConflict::columns([branch::Column::CentreId, branch::Column::Code])
                    .update_columns([branch::Column::Name, branch::Column::Address])
                    .to_owned(),
            )
            .exec_without_returning(db)
            .await?;
    }
    Ok(centre)
}

/// Hours that hold from a day are never changed afterwards: what was promised by them stays explained.
async fn ensure_hours_are_new(db: &impl ConnectionTrait, centre: Id, file: &CentreFile) -> Result<()> {
    let minutes =
        |sessions: &[(NaiveTime, NaiveTime)]| sessions.iter().map(|(a, b)| (minute(*a), minute(*b))).collect();
    for (kind, sessions) in [(HoursKind::Window, &file.window_hours), (HoursKind::Shift, &file.shift_hours)] {
        let rows = hours::Entity::find()
            .filter(hours::Column::CentreId.eq(centre))
            .filter(hours::Column::Kind.eq(kind))
            .filter(hours::Column::ValidFrom.eq(file.hours_from))
            .order_by_asc(hours::Column::Opens)
            .all(db)
            .await?;
        let known: Vec<(i32, i32)> = rows.into_iter().map(|r| (r.opens, r.closes)).collect();
        let wanted: Vec<(i32, i32)> = minutes(sessions);
        if !known.is_empty() && known != wanted {
            let fault = format!("自{}起的作息时间已经登记，改作息请写新的 hours_from", file.hours_from);
            return Err(BAD_CENTRE.with(&[("fault", &fault)]).into());
        }
    }
    Ok(())
}

fn faults(file: &CentreFile) -> Vec<String> {
    let mut faults = Vec::new();
    let code_fits =
        |c: &str| (1..=8).contains(&c.len()) && c.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
    if !code_fits(&file.code) {
        faults.push(format!("code {} 应为1至8位大写字母或数字", file.code));
    }
    let offices: Vec<&str> = file.offices.iter().map(|o| o.code.as_str()).collect();
    let branches: Vec<&str> = file.branches.iter().map(|b| b.code.as_str()).collect();
    for (list, codes) in [("offices", offices), ("branches", branches)] {
        for (row, code) in codes.iter().enumerate() {
            if !code_fits(code) {
                faults.push(format!("{list} 第{}行 code {code} 应为1至8位大写字母或数字", row + 1));
            }
            if codes[..row].contains(code) {
                faults.push(format!("{list} 第{}行 code {code} 重复", row + 1));
            }
        }
    }
    if file
        .abbreviation
        .as_ref()
        .is_some_and(|a| !(2..=20).contains(&a.chars().count()) || a.chars().any(char::is_control))
    {
        faults.push("abbreviation 应为2至20字的机关简称".to_owned());
    }
    // Networks take two to twelve characters, and put the brackets there themselves.
    let sign_fits = |sign: &str| (2..=12).contains(&sign.chars().count()) && sign.chars().all(char::is_alphanumeric);
    if !sign_fits(&file.sms_sign) {
        faults.push(format!("sms_sign {} 应为2至12个字，不带括号和标点", file.sms_sign));
    }
    for (gateway, sign) in &file.sms_signs {
        if !["tencent", "aliyun", "mas"].contains(&gateway.as_str()) {
            faults.push(format!("sms_signs 没有 {gateway} 通道，可用的有 tencent、aliyun、mas"));
        }
        let code = gateway == "mas" && (1..=64).contains(&sign.len()) && sign.chars().all(|c| c.is_ascii_graphic());
        if !(code || sign_fits(sign)) {
            faults.push(format!("sms_signs {gateway} 的签名 {sign} 应为2至12个字，不带括号和标点；云MAS填签名编码"));
        }
    }
    if file.lamps.red > file.lamps.yellow || file.lamps.yellow > 60 {
        faults.push("lamps 应有 red 不大于 yellow，yellow 不大于60个工作日".to_owned());
    }
    if file.branches.is_empty() {
        faults.push("branches 至少写一个办事点".to_owned());
    }
    for (key, sessions) in [("window_hours", &file.window_hours), ("shift_hours", &file.shift_hours)] {
        let ordered = sessions.iter().all(|(a, b)| a < b) && sessions.windows(2).all(|w| w[0].1 <= w[1].0);
        if sessions.is_empty() || !ordered {
            faults.push(format!("{key} 应为一段或多段先后不重叠的时间"));
        }
    }
    faults
}

fn minute(time: NaiveTime) -> i32 {
    i32::try_from(time.num_seconds_from_midnight() / 60).unwrap_or(0)
}
