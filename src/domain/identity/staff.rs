//! Staff (工作人员): user names, passwords and roles.

use super::{password, session};
use crate::base::error::Result;
use crate::base::{Kind, Refusal, personal};
use crate::domain::act::Act;
use crate::domain::{audit, centre};
use chrono::{Duration, NaiveDate};
use entity::centre::office;
use entity::identity::{Role, staff};
use entity::{Id, Sealed, Time};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, QueryFilter as _, QueryOrder as _};
use serde::Deserialize;
use serde_json::json;
use std::collections::HashMap;

/// Name or password is wrong; which, is not said.
pub const WRONG_PASSWORD: Refusal = Refusal::new(Kind::Unknown, "wrong_password", "用户名或密码不对，请重新输入。");
/// Too many wrong passwords in a row.
pub const LOCKED: Refusal =
    Refusal::new(Kind::TooMany, "locked", "密码连续输错5次，账号已锁定15分钟。请稍后再试，或请管理员重设密码。");
/// The first password must be changed before anything else.
pub const MUST_CHANGE: Refusal = Refusal::new(Kind::Forbidden, "must_change_password", "首次登录请先修改密码。");
/// The password now in force was not given rightly.
pub const OLD_PASSWORD: Refusal = Refusal::new(Kind::Invalid, "old_password", "原密码不对，请重新输入。");
/// No such member of staff here.
pub const UNKNOWN_STAFF: Refusal = Refusal::new(Kind::Missing, "unknown_staff", "本中心没有这位工作人员。");
/// A file that does not describe staff.
pub const BAD_STAFF: Refusal = Refusal::new(Kind::Invalid, "bad_staff", "人员名单有误：{fault}");

const FAILURES: i32 = 5;
const LOCK: Duration = Duration::minutes(15);

/// The member of staff of a user name, if there is one who serves.
///
/// # Errors
/// Whatever the database says.
pub async fn find(
    db: &impl ConnectionTrait,
    centre: Id,
    username: &str,
    on: NaiveDate,
) -> Result<Option<staff::Model>> {
    Ok(named(db, centre, username).await?.filter(|s| s.serves(on)))
}

/// Whoever has a user name: serving, gone, or yet to come.
async fn named(db: &impl ConnectionTrait, centre: Id, username: &str) -> Result<Option<staff::Model>> {
    let staff = staff::Entity::find()
        .filter(staff::Column::CentreId.eq(centre))
        .filter(staff::Column::Username.eq(username.trim().to_lowercase()));
    Ok(staff.one(db).await?)
}

/// A member of staff by id.
///
/// # Errors
/// `unknown_staff`.
pub async fn by_id(db: &impl ConnectionTrait, centre: Id, id: Id) -> Result<staff::Model> {
    let row = staff::Entity::find_by_id(id).filter(staff::Column::CentreId.eq(centre)).one(db).await?;
    row.ok_or_else(|| UNKNOWN_STAFF.into())
}

/// All of the centre's staff, by user name.
///
/// # Errors
/// Whatever the database says.
pub async fn all(db: &impl ConnectionTrait, centre: Id) -> Result<Vec<staff::Model>> {
    let rows = staff::Entity::find().filter(staff::Column::CentreId.eq(centre)).order_by_asc(staff::Column::Username);
    Ok(rows.all(db).await?)
}

/// Names of the centre's staff by id, as the trail writes ids.
///
/// # Errors
/// Whatever the database says.
pub async fn names(db: &impl ConnectionTrait, centre: Id) -> Result<HashMap<String, String>> {
    Ok(all(db, centre).await?.into_iter().map(|s| (s.id.to_string(), s.name)).collect())
}

/// Refuses while he is locked out.
///
/// # Errors
/// `locked` with the time that is left.
pub fn ensure_unlocked(staff: &staff::Model, now: Time) -> Result<()> {
    match staff.locked_until {
        Some(until) if until > now => Err(LOCKED.after(until - now).into()),
        _ => Ok(()),
    }
}

/// Counts a wrong password; the fifth in a row locks.
///
/// # Errors
/// Whatever the database says.
pub async fn count_failure(act: &Act, staff: &staff::Model) -> Result<()> {
    let row = staff::Entity::update_many()
        .col_expr(staff::Column::Failures, Expr::col(staff::Column::Failures).add(1))
        .filter(staff::Column::Id.eq(staff.id))
        .exec_with_returning(&*act.tx)
        .await?;
    if row.first().is_some_and(|s| s.failures >= FAILURES) {
        settle(act, staff.id, Some(act.now + LOCK)).await?;
        audit::note(act, "staff.locked", staff.id, json!({})).await?;
    }
    Ok(())
}

/// Forgets wrong passwords after a right one.
///
/// # Errors
/// Whatever the database says.
pub async fn clear_failures(act: &Act, staff: &staff::Model) -> Result<()> {
    if staff.failures > 0 || staff.locked_until.is_some() { settle(act, staff.id, None).await } else { Ok(()) }
}

async fn settle(act: &Act, staff: Id, locked_until: Option<Time>) -> Result<()> {
    staff::Entity::update_many()
        .col_expr(staff::Column::Failures, Expr::value(0))
        .col_expr(staff::Column::LockedUntil, Expr::value(locked_until))
        .filter(staff::Column::Id.eq(staff))
        .exec(&*act.tx)
        .await?;
    Ok(())
}

/// Puts a new password in force.
///
/// # Errors
/// Whatever the database says.
pub async fn set_password(act: &Act, staff: Id, hash: String, must_change: bool) -> Result<()> {
    staff::Entity::update_many()
        .col_expr(staff::Column::PasswordHash, Expr::value(hash))
        .col_expr(staff::Column::MustChange, Expr::value(must_change))
        .col_expr(staff::Column::Failures, Expr::value(0))
        .col_expr(staff::Column::LockedUntil, Expr::value(None::<Time>))
        .filter(staff::Column::Id.eq(staff))
        .filter(staff::Column::CentreId.eq(act.centre.id))
        .exec(&*act.tx)
        .await?;
    audit::note(act, "staff.password", staff, json!({ "must_change": must_change })).await
}

/// A member of staff as a file or the command line describes him.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StaffFile {
    /// 3 to 32 letters, digits, `.`, `-` or `_`.
    pub username: String,
    /// Name, as on the board.
    pub name: String,
    /// Post, in words.
    pub title: String,
    /// Roles.
    pub roles: Vec<Role>,
    /// Code of his office.
    #[serde(default)]
    pub office: Option<String>,
    /// True for those who must sign in at the hall.
    #[serde(default)]
    pub attends: bool,
    /// Mobile number on which he is told what waits for him; none if absent.
    #[serde(default)]
    pub phone: Option<String>,
    /// First day of service; today if absent.
    #[serde(default)]
    pub active_from: Option<NaiveDate>,
}

/// A new member of staff and his first password, told once.
pub struct Newcomer {
    /// The row.
    pub staff: staff::Model,
    /// In clear; it must be changed at the first sign-in.
    pub password: String,
}

/// Adds staff, with passwords drawn for them.
///
/// # Errors
/// `bad_staff` with every fault by row and field; nobody is added then.
pub async fn add(act: &Act, people: Vec<StaffFile>) -> Result<Vec<Newcomer>> {
    let offices = check(act, &people).await?;
    let mut newcomers = Vec::new();
    for person in people {
        let password = act.random.word(12).to_lowercase();
        let hash = password::hash(&password, &act.random)?;
        let staff = insert(act, person, &offices, hash, false).await?;
        newcomers.push(Newcomer { staff, password });
    }
    Ok(newcomers)
}

/// Gives someone a first password again and ends his sessions: he forgot it, or someone else knows it.
///
/// # Errors
/// `unknown_staff`.
pub async fn reset(act: &Act, username: &str) -> Result<Newcomer> {
    let staff = named(&*act.tx, act.centre.id, username).await?;
    // Whoever is yet to come may need one; to whoever has gone it would promise a way in.
    let staff = staff.filter(|s| s.active_until.is_none_or(|until| act.now.date() <= until)).ok_or(UNKNOWN_STAFF)?;
    let password = act.random.word(12).to_lowercase();
    set_password(act, staff.id, password::hash(&password, &act.random)?, true).await?;
    session::end_all(act, staff.id).await?;
    Ok(Newcomer { staff, password })
}

/// Ends someone's service after a day; a day mistyped is put right by another. What he did keeps his name.
///
/// # Errors
/// `unknown_staff`, `bad_staff` for a day before his first.
pub async fn leave(act: &Act, username: &str, last_day: NaiveDate) -> Result<staff::Model> {
    let staff = named(&*act.tx, act.centre.id, username).await?.ok_or(UNKNOWN_STAFF)?;
    if last_day < staff.active_from {
        let fault = format!("{username} 从{}起任职，不能在{last_day}离任", staff.active_from);
        return Err(BAD_STAFF.with(&[("fault", &fault)]).into());
    }
    staff::Entity::update_many()
        .col_expr(staff::Column::ActiveUntil, Expr::value(last_day))
        .filter(staff::Column::Id.eq(staff.id))
        .exec(&*act.tx)
        .await?;
    audit::note(act, "staff.left", staff.id, json!({ "last_day": last_day })).await?;
    Ok(staff)
}

/// Notes on which number someone is told what waits for him; none: he is not.
///
/// # Errors
/// `unknown_staff`, `bad_staff` for what is no mobile number.
pub async fn set_phone(act: &Act, username: &str, phone: Option<&str>) -> Result<staff::Model> {
    let staff = named(&*act.tx, act.centre.id, username).await?.ok_or(UNKNOWN_STAFF)?;
    if phone.is_some_and(|phone| personal::mobile(phone).is_none()) {
        return Err(BAD_STAFF.with(&[("fault", &"phone 应为11位手机号")]).into());
    }
    staff::Entity::update_many()
        .col_expr(staff::Column::Phone, Expr::value(seal_phone(act, staff.id, phone)?))
        .filter(staff::Column::Id.eq(staff.id))
        .exec(&*act.tx)
        .await?;
    audit::note(act, "staff.phone", staff.id, json!({ "told": phone.is_some() })).await?;
    Ok(staff)
}

fn seal_phone(act: &Act, staff: Id, phone: Option<&str>) -> Result<Option<Sealed>> {
    phone.and_then(personal::mobile).map(|phone| act.seal("staff.phone", staff, &phone)).transpose()
}

/// Those who serve on a day and are told by text what waits for them, with their numbers.
///
/// # Errors
/// Whatever the database says; a number that no key opens.
pub async fn told(act: &Act, on: NaiveDate) -> Result<Vec<(staff::Model, String)>> {
    let rows = staff::Entity::find()
        .filter(staff::Column::CentreId.eq(act.centre.id))
        .filter(staff::Column::Phone.is_not_null())
        .all(&*act.tx)
        .await?;
    let open = |staff: staff::Model| {
        let phone = act.open("staff.phone", staff.id, staff.phone.as_ref()?);
        Some(phone.map(|phone| (staff, phone)))
    };
    rows.into_iter().filter(|s| s.serves(on)).filter_map(open).collect()
}

/// Adds demonstration accounts, all with one published password.
///
/// # Errors
/// `bad_staff` with every fault by row and field; nobody is added then.
pub async fn add_demo(act: &Act, people: Vec<StaffFile>, password: &str) -> Result<()> {
    let offices = check(act, &people).await?;
    let hash = password::hash(password, &act.random)?;
    for person in people {
        insert(act, person, &offices, hash.clone(), true).await?;
    }
    Ok(())
}

/// Refuses a list with faults; gives the centre's offices.
async fn check(act: &Act, people: &[StaffFile]) -> Result<Vec<office::Model>> {
    let offices = centre::offices(&*act.tx, act.centre.id).await?;
    let mut names: Vec<String> = all(&*act.tx, act.centre.id).await?.into_iter().map(|s| s.username).collect();
    let mut faults = Vec::new();
    for (row, person) in people.iter().enumerate() {
        let mut fault = |field: &str, what: String| faults.push(format!("第{}行 {field} {what}", row + 1));
        let username = person.username.to_lowercase();
        let readable = username.chars().all(|c| c.is_ascii_alphanumeric() || ".-_".contains(c));
        if !(3..=32).contains(&username.len()) || !readable {
            fault("username", format!("{username} 应为3至32位字母、数字或 . - _"));
        }
        if names.contains(&username) {
            fault("username", format!("{username} 已有"));
        }
        names.push(username);
        if personal::name(&person.name).is_none() {
            fault("name", "为空或含特殊字符".to_owned());
        }
        if person.phone.as_deref().is_some_and(|phone| personal::mobile(phone).is_none()) {
            // A number is not repeated where others may read it.
            fault("phone", "应为11位手机号".to_owned());
        }
        if person.roles.is_empty() {
            fault("roles", "至少一个角色".to_owned());
        }
        if let Some(code) = person.office.as_ref().filter(|code| !offices.iter().any(|o| o.code == **code)) {
            fault("office", format!("{code} 不是本中心的科室"));
        }
        if person.office.is_none() && person.roles.iter().any(|r| [Role::Office, Role::OfficeHead].contains(r)) {
            fault("office", "科室人员须写明所在科室".to_owned());
        }
    }
    if faults.is_empty() { Ok(offices) } else { Err(BAD_STAFF.with(&[("fault", &faults.join("；"))]).into()) }
}

async fn insert(
    act: &Act,
    person: StaffFile,
    offices: &[office::Model],
    hash: String,
    demo: bool,
) -> Result<staff::Model> {
    let id = act.id();
    let row = staff::Model {
        id,
        centre_id: act.centre.id,
        username: person.username.to_lowercase(),
        name: person.name,
        title: person.title,
        roles: person.roles.iter().map(|r| r.word()).collect::<Vec<_>>().join(","),
        office_id: person.office.and_then(|code| offices.iter().find(|o| o.code == code)).map(|o| o.id),
        phone: seal_phone(act, id, person.phone.as_deref())?,
        password_hash: hash,
        must_change: !demo,
        demo,
        failures: 0,
        locked_until: None,
        attends: person.attends,
        active_from: person.active_from.unwrap_or_else(|| act.now.date()),
        active_until: None,
        recorded_at: act.now,
    };
    let staff = act.insert(row).await?;
    audit::note(act, "staff.added", staff.id, json!({ "roles": staff.roles })).await?;
    Ok(staff)
}

/// User names of the demonstration accounts of all centres.
///
/// # Errors
/// Whatever the database says.
pub async fn demo_accounts(db: &impl ConnectionTrait) -> Result<Vec<String>> {
    let rows = staff::Entity::find().filter(staff::Column::Demo.eq(true)).order_by_asc(staff::Column::Username);
    Ok(rows.all(db).await?.into_iter().map(|s| s.username).collect())
}
