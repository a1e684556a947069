//! A centre (中心): the tenant. Its offices, its hours, the numbers it gives and the screens in its hall.
//!
//! Every row but the national ones belongs to a centre, and no query leaves its centre (article 2.2) but those that find out
//! which one is meant.

use super::act::Act;
use crate::base::vault::sha256;
use crate::base::{Kind, Random, Refusal, Result};
use chrono::{NaiveDate, NaiveTime, Timelike as _};
pub use entity::centre::Model as Centre;
use entity::centre::{Column, Entity, HoursKind, branch, counter, host, hours, office, screen};
use entity::{Id, Time};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{
    ActiveValue::Set, ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _,
};
use serde::Deserialize;

/// The request names no centre that is here.
pub const UNKNOWN_CENTRE: Refusal =
    Refusal::new(Kind::Missing, "unknown_centre", "没有找到这个服务中心，请检查网址，或用 centre 参数指明中心代码。");
/// An office that is not one of the centre's.
pub const UNKNOWN_OFFICE: Refusal = Refusal::new(Kind::Missing, "unknown_office", "本中心没有这个科室。");
/// A file that does not describe a centre.
pub const BAD_CENTRE: Refusal = Refusal::new(Kind::Invalid, "bad_centre", "中心资料有误：{fault}");

/// A centre as a file describes it.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CentreFile {
    /// One to eight capital letters or digits; case and receipt numbers begin with it.
    pub code: String,
    /// Full name.
    pub name: String,
    /// Telephone shown to residents.
    pub phone: String,
    /// Address shown to residents.
    pub address: String,
    /// Name in the brackets that open its texts.
    pub sms_sign: String,
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
pub async fn import(db: &impl ConnectionTrait, random: &Random, now: Time, file: CentreFile) -> Result<Centre> {
    let faults = faults(&file);
    if !faults.is_empty() {
        return Err(BAD_CENTRE.with(&[("fault", &faults.join("；"))]).into());
    }
    let old = Entity::find().filter(Column::Code.eq(&file.code)).one(db).await?;
    if let Some(old) = &old {
        ensure_hours_are_new(db, old.id, &file).await?;
    }
    let centre = Centre {
        id: old.as_ref().map_or_else(|| random.id(now), |c| c.id),
        code: file.code,
        name: file.name,
        phone: file.phone,
        address: file.address,
        sms_sign: file.sms_sign,
        created_at: old.as_ref().map_or(now, |c| c.created_at),
    };
    let everything = [Column::Name, Column::Phone, Column::Address, Column::SmsSign];
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

/// The centre a request means: by host name, else by the code it names, else the only one there is.
///
/// # Errors
/// `unknown_centre`.
pub async fn find(db: &impl ConnectionTrait, host_name: Option<&str>, code: Option<&str>) -> Result<Centre> {
    if let Some(name) = host_name {
        let by_host = host::Entity::find_by_id(name.to_lowercase()).one(db).await?;
        if let Some(found) = by_host {
            let centre = Entity::find_by_id(found.centre_id).one(db).await?;
            return centre.ok_or_else(|| UNKNOWN_CENTRE.into());
        }
    }
    if let Some(code) = code {
        let centre = Entity::find().filter(Column::Code.eq(code)).one(db).await?;
        return centre.ok_or_else(|| UNKNOWN_CENTRE.on("centre").into());
    }
    match <[Centre; 1]>::try_from(all(db).await?) {
        Ok([only]) => Ok(only),
        Err(_) => Err(UNKNOWN_CENTRE.into()),
    }
}

/// All centres of this installation.
///
/// # Errors
/// Whatever the database says.
pub async fn all(db: &impl ConnectionTrait) -> Result<Vec<Centre>> {
    Ok(Entity::find().order_by_asc(Column::Code).all(db).await?)
}

/// The centre's offices by code.
///
/// # Errors
/// Whatever the database says.
pub async fn offices(db: &impl ConnectionTrait, centre: Id) -> Result<Vec<office::Model>> {
    let offices = office::Entity::find().filter(office::Column::CentreId.eq(centre));
    Ok(offices.order_by_asc(office::Column::Code).all(db).await?)
}

/// The centre's branches by code.
///
/// # Errors
/// Whatever the database says.
pub async fn branches(db: &impl ConnectionTrait, centre: Id) -> Result<Vec<branch::Model>> {
    let branches = branch::Entity::find().filter(branch::Column::CentreId.eq(centre));
    Ok(branches.order_by_asc(branch::Column::Code).all(db).await?)
}

/// One of the centre's offices, by code.
///
/// # Errors
/// `unknown_office`.
pub async fn office(db: &impl ConnectionTrait, centre: Id, code: &str) -> Result<office::Model> {
    let office =
        office::Entity::find().filter(office::Column::CentreId.eq(centre)).filter(office::Column::Code.eq(code));
    office.one(db).await?.ok_or_else(|| UNKNOWN_OFFICE.into())
}

/// A centre's hours of one kind, with the days from which they hold.
pub struct Hours(Vec<hours::Model>);

impl Hours {
    /// Hours in force on a day, as minutes past midnight, in their order.
    #[must_use]
    pub fn on(&self, day: NaiveDate) -> Vec<(i32, i32)> {
        let newest = self.0.iter().map(|h| h.valid_from).filter(|from| *from <= day).max();
        self.0.iter().filter(|h| Some(h.valid_from) == newest).map(|h| (h.opens, h.closes)).collect()
    }
}

/// A centre's hours of one kind.
///
/// # Errors
/// Whatever the database says.
pub async fn hours(db: &impl ConnectionTrait, centre: Id, kind: HoursKind) -> Result<Hours> {
    let rows = hours::Entity::find().filter(hours::Column::CentreId.eq(centre)).filter(hours::Column::Kind.eq(kind));
    Ok(Hours(rows.order_by_asc(hours::Column::Opens).all(db).await?))
}

/// The next number of its kind today, from 1, without gaps among acts that are committed.
///
/// # Errors
/// Whatever the database says.
pub async fn next_number(act: &Act, kind: &str) -> Result<i32> {
    let row = counter::ActiveModel {
        centre_id: Set(act.centre.id),
        kind: Set(kind.to_owned()),
        on_date: Set(act.now.date()),
        n: Set(1),
    };
    let key = [counter::Column::CentreId, counter::Column::Kind, counter::Column::OnDate];
    let more = Expr::col((counter::Entity, counter::Column::N)).add(1);
    let row = counter::Entity::insert(row)
        .on_conflict(OnConflict::columns(key).value(counter::Column::N, more).to_owned())
        .exec_with_returning(&*act.tx)
        .await?;
    Ok(row.n)
}

/// Pairs a screen of the hall; the cookie's value is returned once and kept as a hash.
///
/// # Errors
/// Whatever the database says.
pub async fn pair_screen(act: &Act, staff: Id) -> Result<String> {
    let token = act.random.word(32);
    let row = screen::Model {
        id: act.id(),
        centre_id: act.centre.id,
        token_hash: sha256(token.as_bytes()),
        paired_by: staff,
        paired_at: act.now,
        ended_at: None,
    };
    act.insert(row).await?;
    Ok(token)
}

/// True when the cookie's value belongs to a paired screen of the centre.
///
/// # Errors
/// Whatever the database says.
pub async fn is_screen(db: &impl ConnectionTrait, centre: Id, token: &str) -> Result<bool> {
    let row = screen::Entity::find()
        .filter(screen::Column::TokenHash.eq(sha256(token.as_bytes())))
        .filter(screen::Column::CentreId.eq(centre))
        .filter(screen::Column::EndedAt.is_null());
    Ok(row.one(db).await?.is_some())
}
