//! Posts (岗位, article 4.8): each is held by its A, by its B while A is away, and by whom the centre names while both are.
//!
//! Who was at a post from when to when is kept: a new A ends the one before, and what was done under him stays his.

use super::act::{Act, Publishing};
use super::published::Centre;
use super::{audit, centre, guide};
use crate::base::error::Result;
use crate::base::{Kind, Refusal};
use crate::domain::identity::staff;
use chrono::{Days, NaiveDate};
use entity::Id;
use entity::post::{Column, Entity, Letter, Model, PostKind, holder, item};
use sea_orm::sea_query::{Expr, OnConflict};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, IntoActiveModel as _, QueryFilter as _};
use serde::Deserialize;
use serde_json::json;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// A file that does not describe posts.
pub const BAD_POSTS: Refusal = Refusal::new(Kind::Invalid, "bad_posts", "岗位表有误，未导入：{fault}").article("4.8");
/// No such post here.
pub const UNKNOWN_POST: Refusal = Refusal::new(Kind::Missing, "unknown_post", "本中心没有这个岗位。");

/// A post, who holds it and what for.
#[derive(Clone, Debug)]
pub struct Post {
    /// The post.
    pub row: Model,
    /// Its matters; all of its office, or of the centre, if none is named.
    items: HashSet<Id>,
    holders: Vec<holder::Model>,
}

impl Post {
    /// True when it is to be held on a day.
    #[must_use]
    pub fn is_in_force(&self, on: NaiveDate) -> bool {
        lies_in(self.row.valid_from, self.row.valid_until, on)
    }

    /// True when a matter of an office is among its own.
    #[must_use]
    pub fn takes(&self, guide: Id, office: Id) -> bool {
        self.row.office_id.is_none_or(|own| own == office) && (self.items.is_empty() || self.items.contains(&guide))
    }

    /// Who has it on a day: its A, then its B.
    pub fn holders(&self, on: NaiveDate) -> impl Iterator<Item = &holder::Model> {
        self.holders.iter().filter(move |h| lies_in(h.valid_from, h.valid_until, on))
    }
}

fn lies_in(from: NaiveDate, until: Option<NaiveDate>, day: NaiveDate) -> bool {
    from <= day && until.is_none_or(|until| day <= until)
}

/// The posts of a centre.
pub struct Posts(Vec<Post>);

impl Posts {
    async fn read(db: &impl ConnectionTrait, centre: Id) -> Result<Self> {
        let rows = Entity::find().filter(Column::CentreId.eq(centre)).all(db).await?;
        let mut holders: HashMap<Id, Vec<holder::Model>> = HashMap::new();
        for row in holder::Entity::find().filter(holder::Column::CentreId.eq(centre)).all(db).await? {
            holders.entry(row.post_id).or_default().push(row);
        }
        let mut items: HashMap<Id, HashSet<Id>> = HashMap::new();
        for row in item::Entity::find().filter(item::Column::CentreId.eq(centre)).all(db).await? {
            items.entry(row.post_id).or_default().insert(row.guide_id);
        }
        let whole = |row: Model| {
            let mut holders = holders.remove(&row.id).unwrap_or_default();
            holders.sort_by_key(|h| (h.letter, h.valid_from, h.recorded_at));
            Post { items: items.remove(&row.id).unwrap_or_default(), holders, row }
        };
        let mut posts: Vec<Post> = rows.into_iter().map(whole).collect();
        posts.sort_by(|a, b| a.row.code.cmp(&b.row.code));
        Ok(Self(posts))
    }

    /// Those that are to be held on a day, by code.
    pub fn on(&self, day: NaiveDate) -> impl Iterator<Item = &Post> {
        self.0.iter().filter(move |post| post.is_in_force(day))
    }

    /// The post of an id.
    #[must_use]
    pub fn of(&self, id: Id) -> Option<&Post> {
        self.0.iter().find(|post| post.row.id == id)
    }

    /// The post of a code, if it is to be held on a day.
    ///
    /// # Errors
    /// `unknown_post`.
    pub fn named(&self, code: &str, on: NaiveDate) -> Result<&Post> {
        self.on(on).find(|post| post.row.code == code).ok_or_else(|| UNKNOWN_POST.on("post").into())
    }
}

/// All posts of a centre, read once an edition.
///
/// # Errors
/// Whatever the database says.
pub async fn all(db: &impl ConnectionTrait, centre: &Centre) -> Result<Arc<Posts>> {
    centre.part(async |id| Posts::read(db, id).await).await
}

/// A post in a file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PostFile {
    /// Short code, unique in the centre.
    pub code: String,
    /// Name, as on its sign.
    pub name: String,
    /// What is done there.
    pub kind: PostKind,
    /// Code of the office whose post it is.
    #[serde(default)]
    pub office: Option<String>,
    /// Codes of its matters; none for all.
    #[serde(default)]
    pub items: Vec<String>,
    /// User name of its A.
    pub a: String,
    /// User name of its B.
    pub b: String,
    /// First day on which A and B hold it.
    pub from: NaiveDate,
    /// Last day of the post, if it ends.
    #[serde(default)]
    pub until: Option<NaiveDate>,
}

/// Puts the posts of a file in force; those that it does not name stay as they are. Gives the offices that have matters, and no
/// post of their own.
///
/// # Errors
/// `bad_posts` with every fault by row and field; nothing is changed then.
pub async fn import(act: &Publishing, files: Vec<PostFile>) -> Result<Vec<String>> {
    let offices = centre::offices(&*act.tx, act.centre.id).await?;
    let guides = guide::all(&*act.tx, &act.centre).await?;
    let people: HashMap<String, entity::identity::staff::Model> =
        staff::all(&*act.tx, act.centre.id).await?.into_iter().map(|s| (s.username.clone(), s)).collect();
    let known = Posts::read(&*act.tx, act.centre.id).await?;
    let mut faults = Vec::new();
    for (n, file) in files.iter().enumerate() {
        let mut fault = |field: &str, what: String| faults.push(format!("第{}行 {field} {what}", n + 1));
        let fits = (1..=8).contains(&file.code.len())
            && file.code.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit());
        if !fits || files[..n].iter().any(|f| f.code == file.code) {
            fault("code", format!("{} 应为1至8位大写字母或数字，且不重复", file.code));
        }
        if crate::base::personal::name(&file.name).is_none() {
            fault("name", "为空、过长或含特殊字符".to_owned());
        }
        let office = file.office.as_ref().map(|code| offices.iter().find(|o| o.code == *code));
        match (file.kind, office) {
            (PostKind::Office, None) => fault("office", "承办岗须写明科室代码".to_owned()),
            (PostKind::Office, Some(None)) => fault("office", "不是本中心的科室".to_owned()),
            (PostKind::Office, Some(Some(_))) | (_, None) => {}
            (_, Some(_)) => fault("office", "只有承办岗（kind 为 office）才写科室".to_owned()),
        }
        for code in &file.items {
            match (guides.each().find(|g| g.row.code == *code), office.flatten()) {
                (None, _) => fault("items", format!("没有事项 {code}")),
                (Some(guide), Some(office)) if guide.row.office_id != office.id => {
                    fault("items", format!("事项 {code} 不归{}", office.name));
                }
                _ => {}
            }
        }
        for (field, username) in [("a", &file.a), ("b", &file.b)] {
            match people.get(username) {
                None => fault(field, format!("没有工作人员 {username}")),
                Some(person) if !person.serves(file.from) => {
                    fault(field, format!("{username} 在{}不在任", file.from));
                }
                Some(_) => {}
            }
        }
        if file.a == file.b {
            fault("b", "A岗和B岗不能是同一个人".to_owned());
        }
        if file.until.is_some_and(|until| until < file.from) {
            fault("until", "早于 from".to_owned());
        }
        // Who held a post is told by what was done under him: it is not rewritten.
        let held = known.0.iter().find(|post| post.row.code == file.code);
        let later = held.and_then(|post| post.holders.iter().map(|h| h.valid_from).max());
        if let Some(later) = later.filter(|later| file.from < *later) {
            fault("from", format!("已有{later}起的任岗记录，不能早于它"));
        }
    }
    if !faults.is_empty() {
        return Err(BAD_POSTS.with(&[("fault", &faults.join("；"))]).into());
    }
    for file in files {
        let office = file.office.as_ref().and_then(|code| offices.iter().find(|o| o.code == *code));
        let items = guides.each().filter(|g| file.items.contains(&g.row.code)).map(|g| g.row.id).collect();
        let holders = [(Letter::A, people[&file.a].id), (Letter::B, people[&file.b].id)];
        let old = known.0.iter().find(|post| post.row.code == file.code);
        put(act, file, old, office.map(|o| o.id), items, holders).await?;
    }
    let posts = Posts::read(&*act.tx, act.centre.id).await?;
    let today = act.now.date();
    let has_post = |office: Id| posts.on(today).any(|post| post.row.office_id == Some(office));
    let has_matters = |office: Id| guides.each().any(|guide| guide.row.office_id == office);
    Ok(offices.into_iter().filter(|o| has_matters(o.id) && !has_post(o.id)).map(|o| o.name).collect())
}

/// Puts one post in force.
async fn put(
    act: &Act,
    file: PostFile,
    old: Option<&Post>,
    office_id: Option<Id>,
    items: Vec<Id>,
    holders: [(Letter, Id); 2],
) -> Result<()> {
    let row = Model {
        id: old.map_or_else(|| act.id(), |post| post.row.id),
        centre_id: act.centre.id,
        code: file.code,
        name: file.name,
        kind: file.kind,
        office_id,
        valid_from: old.map_or(file.from, |post| post.row.valid_from),
        valid_until: file.until,
    };
    let anew = [Column::Name, Column::Kind, Column::OfficeId, Column::ValidUntil];
    Entity::insert(row.clone().into_active_model())
        .on_conflict(OnConflict::column(Column::Id).update_columns(anew).to_owned())
        .exec_without_returning(&*act.tx)
        .await?;
    item::Entity::delete_many().filter(item::Column::PostId.eq(row.id)).exec(&*act.tx).await?;
    let item = |guide_id| item::Model { post_id: row.id, guide_id, centre_id: act.centre.id };
    act.insert_all(items.into_iter().map(item).collect()).await?;
    for (letter, staff_id) in holders {
        let now = old.and_then(|post| post.holders.iter().find(|h| h.letter == letter && h.valid_until.is_none()));
        if now.is_some_and(|now| now.staff_id == staff_id) {
            continue;
        }
        if let Some(now) = now {
            end(act, now, file.from).await?;
        }
        let holder = holder::Model {
            id: act.id(),
            centre_id: act.centre.id,
            post_id: row.id,
            staff_id,
            letter,
            valid_from: file.from,
            valid_until: None,
            recorded_at: act.now,
        };
        act.insert(holder).await?;
    }
    audit::note(act, "post.held", &row.code, json!({ "from": file.from })).await
}

/// Ends somebody's time at a post on the day before another's begins; one that began that same day never was.
async fn end(act: &Act, holder: &holder::Model, next: NaiveDate) -> Result<()> {
    let of = holder::Column::Id.eq(holder.id);
    if holder.valid_from == next {
        holder::Entity::delete_many().filter(of).exec(&*act.tx).await?;
        return Ok(());
    }
    holder::Entity::update_many()
        .col_expr(holder::Column::ValidUntil, Expr::value(next - Days::new(1)))
        .filter(of)
        .exec(&*act.tx)
        .await?;
    Ok(())
}
