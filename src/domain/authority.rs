//! Authority (授权, articles 4.1 and 4.2): what offices have delegated, by which letter, and who may use it.
//!
//! An office gives its powers to a post by a letter with a number and days: in principle to the chief representative's, who is the
//! first responsible person for its matters. That post may entrust others with some of them: the office's own, and windows for what
//! is done on the spot. Whoever holds the post has the power, by the rule of A and B; a role has none. What is done under a power
//! says under which letter.

use super::act::{Act, Publishing, StaffMember};
use super::post::{self, Posts};
use super::published::Centre;
use super::{audit, centre, file};
use crate::base::error::Result;
use crate::base::{Kind, Refusal};
use chrono::NaiveDate;
use entity::Id;
use entity::authority::{Column, DelegatedPower, Entity, Model, power};
use entity::centre::office;
use entity::file::FilePurpose;
use entity::post::PostKind;
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde::Deserialize;
use serde_json::json;
use std::collections::BTreeSet;
use std::sync::Arc;

/// Nobody here has the power, or not any longer.
pub const NO_POWER: Refusal = Refusal::new(
    Kind::Forbidden,
    "no_power",
    "承办科室没有把这项权力授给您的岗位，或授权书还没有生效、已经到期。请先办理授权书（shuitian import delegations）。",
)
.article("4.2");
/// A file that does not describe delegations.
pub const BAD_DELEGATIONS: Refusal =
    Refusal::new(Kind::Invalid, "bad_delegations", "授权书有误，未导入：{fault}").article("4.1");

/// No such letter.
pub const UNKNOWN_DELEGATION: Refusal = Refusal::new(Kind::Missing, "unknown_delegation", "没有找到这份授权书。");
/// There is a scan of it.
pub const LETTER_KEPT: Refusal =
    Refusal::new(Kind::Conflict, "letter_kept", "这份授权书已经存了扫描件，不能再换；改授权请另发文号。")
        .article("4.1");

/// A letter and what it gives.
#[derive(Clone, Debug)]
pub struct Delegation {
    /// The letter.
    pub row: Model,
    /// What it gives, and to which posts.
    pub powers: Vec<power::Model>,
}

/// The letters of a centre.
pub struct Delegations(Vec<Delegation>);

impl Delegations {
    async fn read(db: &impl ConnectionTrait, centre: Id) -> Result<Self> {
        let rows = Entity::find().filter(Column::CentreId.eq(centre)).order_by_asc(Column::ValidFrom);
        let powers = power::Entity::find().filter(power::Column::CentreId.eq(centre)).all(db).await?;
        let with = |row: Model| {
            let of = powers.iter().filter(|power| power.delegation_id == row.id);
            Delegation { powers: of.cloned().collect(), row }
        };
        Ok(Self(rows.all(db).await?.into_iter().map(with).collect()))
    }

    /// Every letter, in the order in which they begin.
    pub fn each(&self) -> impl DoubleEndedIterator<Item = &Delegation> {
        self.0.iter()
    }

    /// The letter of an id.
    ///
    /// # Errors
    /// `unknown_delegation`.
    pub fn of(&self, id: Id) -> Result<&Delegation> {
        Ok(self.0.iter().find(|d| d.row.id == id).ok_or(UNKNOWN_DELEGATION)?)
    }

    /// Those in force on a day.
    pub fn on(&self, day: NaiveDate) -> impl Iterator<Item = &Delegation> {
        self.0.iter().filter(move |d| (d.row.valid_from..=d.row.valid_until).contains(&day))
    }

    /// The letter by which a post has a power over an office's matters on a day; of several the one that began last.
    #[must_use]
    pub fn giving(&self, wanted: Wanted, on: NaiveDate) -> Option<&Delegation> {
        self.on(on).filter(|d| d.row.office_id == wanted.office && d.gives(wanted)).last()
    }

    /// The posts to which an office has given a power over its matters, not of instant ones alone.
    pub fn given(&self, office: Id, power: DelegatedPower, on: NaiveDate) -> impl Iterator<Item = Id> {
        let powers = self.on(on).filter(move |d| d.row.office_id == office).flat_map(|d| &d.powers);
        powers.filter(move |p| p.power == power && !p.instant_only).map(|p| p.post_id)
    }
}

impl Delegation {
    fn gives(&self, wanted: Wanted) -> bool {
        let is_it = |p: &power::Model| p.post_id == wanted.post && p.power == wanted.power;
        self.powers.iter().any(|p| is_it(p) && (wanted.instant || !p.instant_only))
    }
}

/// A power, as the Measures call it.
#[must_use]
pub const fn power_name(power: DelegatedPower) -> &'static str {
    match power {
        DelegatedPower::Decide => "审批决定权",
        DelegatedPower::Report => "审核上报权",
        DelegatedPower::Seal => "印章使用权",
        DelegatedPower::Coordinate => "组织协调权",
    }
}

/// A power that is asked for.
#[derive(Clone, Copy, Debug)]
pub struct Wanted {
    /// The office whose matter it is.
    pub office: Id,
    /// The post.
    pub post: Id,
    /// The power.
    pub power: DelegatedPower,
    /// It is a 即办件.
    pub instant: bool,
}

/// All letters of a centre, read once an edition.
///
/// # Errors
/// Whatever the database says.
pub async fn all(db: &impl ConnectionTrait, centre: &Centre) -> Result<Arc<Delegations>> {
    centre.part(async |id| Delegations::read(db, id).await).await
}

/// Keeps the scan of a letter, once.
///
/// # Errors
/// `unknown_delegation`, `unknown_file` for one that whoever acts did not give for this, `letter_kept`.
pub async fn keep_letter(act: &Publishing, by: &StaffMember, id: Id, scan: Id) -> Result<()> {
    let letters = Delegations::read(&*act.tx, act.centre.id).await?;
    let letter = letters.of(id)?;
    let given = file::find(&*act.tx, act.centre.id, scan).await?.is_some_and(|row| row.staff_id == Some(by.id));
    if !given {
        return Err(file::UNKNOWN_FILE.on("file_id").into());
    }
    file::keep(act, FilePurpose::Letter, &[scan]).await?;
    let kept = Entity::update_many()
        .col_expr(Column::FileId, Expr::value(scan))
        .filter(Column::Id.eq(id))
        .filter(Column::FileId.is_null())
        .exec(&*act.tx)
        .await?;
    if kept.rows_affected == 0 {
        return Err(LETTER_KEPT.into());
    }
    audit::note(act, "delegation.scanned", &letter.row.number, json!({})).await
}

/// A letter in a file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DelegationFile {
    /// Its number.
    pub number: String,
    /// Code of the office that gives it.
    pub office: String,
    /// Code of the post that it is given to.
    pub post: String,
    /// Why it is another's than the chief representative's.
    #[serde(default)]
    pub reason: Option<String>,
    /// The powers it gives.
    pub powers: Vec<DelegatedPower>,
    /// Who is entrusted with some of them.
    #[serde(default)]
    pub entrusted: Vec<EntrustedFile>,
    /// First day.
    pub from: NaiveDate,
    /// Last day.
    pub until: NaiveDate,
}

/// A post that is entrusted with powers of a letter.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EntrustedFile {
    /// Code of the post.
    pub post: String,
    /// The powers.
    pub powers: Vec<DelegatedPower>,
    /// For 即办件 alone.
    #[serde(default)]
    pub instant: bool,
}

/// Records the letters of a file. Of a letter that is known only its last day may change; what was done under it stays.
///
/// # Errors
/// `bad_delegations` with every fault by row and field; nothing is changed then.
pub async fn import(act: &Publishing, files: Vec<DelegationFile>) -> Result<usize> {
    let offices = centre::offices(&*act.tx, act.centre.id).await?;
    let posts = post::all(&*act.tx, &act.centre).await?;
    let known = Delegations::read(&*act.tx, act.centre.id).await?;
    let mut faults = Vec::new();
    for (n, file) in files.iter().enumerate() {
        let said = faults_of(file, &posts);
        let mut fault = |what: String| faults.push(format!("第{}行 {what}", n + 1));
        said.into_iter().for_each(&mut fault);
        if !offices.iter().any(|o| o.code == file.office) {
            fault(format!("office {} 不是本中心的科室", file.office));
        }
        if files[..n].iter().any(|f| f.number == file.number) {
            fault(format!("number {} 重复", file.number));
        }
        let known = known.0.iter().find(|d| d.row.number == file.number);
        if known.is_some_and(|known| !is_the_same(known, file, &posts, &offices)) {
            fault(format!("number {} 已经登记，只能改 until；改授权请另发文号", file.number));
        }
    }
    if !faults.is_empty() {
        return Err(BAD_DELEGATIONS.with(&[("fault", &faults.join("；"))]).into());
    }
    let count = files.len();
    for file in files {
        let (number, until) = (file.number.clone(), file.until);
        if let Some(known) = known.0.iter().find(|d| d.row.number == number) {
            Entity::update_many()
                .col_expr(Column::ValidUntil, Expr::value(until))
                .filter(Column::Id.eq(known.row.id))
                .exec(&*act.tx)
                .await?;
        } else {
            record(act, file, &posts, &offices).await?;
        }
        audit::note(act, "delegation.recorded", number, json!({ "until": until })).await?;
    }
    Ok(count)
}

fn faults_of(file: &DelegationFile, posts: &Posts) -> Vec<String> {
    let mut faults = Vec::new();
    let mut check = |right: bool, what: &str| {
        if !right {
            faults.push(what.to_owned());
        }
    };
    check((2..=40).contains(&file.number.trim().chars().count()), "number 应为2至40字的文号");
    check(!file.powers.is_empty(), "powers 至少一项");
    check(file.from <= file.until, "until 早于 from");
    let of = |code: &str| posts.named(code, file.from).ok();
    match of(&file.post) {
        None => check(false, &format!("post 在{}没有岗位 {}", file.from, file.post)),
        Some(post) => {
            let explained =
                file.reason.as_deref().is_some_and(|reason| (2..=200).contains(&reason.trim().chars().count()));
            check(post.row.kind == PostKind::Chief || explained, "reason 不授给首席代表岗的，请写明理由（2至200字）");
        }
    }
    for entrusted in &file.entrusted {
        check(of(&entrusted.post).is_some(), &format!("entrusted 在{}没有岗位 {}", file.from, entrusted.post));
        let within = entrusted.powers.iter().all(|power| file.powers.contains(power));
        check(within, &format!("entrusted {} 的权力超出授权书", entrusted.post));
        let once = file.entrusted.iter().filter(|e| e.post == entrusted.post).count() == 1;
        check(once && entrusted.post != file.post, &format!("entrusted {} 重复", entrusted.post));
    }
    faults
}

/// Everything that a letter gives: to which post, which power, for 即办件 alone or for all.
fn gives(file: &DelegationFile, posts: &Posts) -> BTreeSet<(Id, DelegatedPower, bool)> {
    let id = |code: &str| posts.named(code, file.from).ok().map(|post| post.row.id);
    let own = file.powers.iter().filter_map(|power| Some((id(&file.post)?, *power, false)));
    let entrusted = file.entrusted.iter().flat_map(|e| e.powers.iter().map(move |power| (e, *power)));
    let entrusted = entrusted.filter_map(|(e, power)| Some((id(&e.post)?, power, e.instant)));
    own.chain(entrusted).collect()
}

fn is_the_same(known: &Delegation, file: &DelegationFile, posts: &Posts, offices: &[office::Model]) -> bool {
    let given = known.powers.iter().map(|p| (p.post_id, p.power, p.instant_only)).collect::<BTreeSet<_>>();
    let office = offices.iter().find(|o| o.code == file.office).map(|o| o.id);
    Some(known.row.office_id) == office && known.row.valid_from == file.from && given == gives(file, posts)
}

async fn record(act: &Act, file: DelegationFile, posts: &Posts, offices: &[office::Model]) -> Result<()> {
    let office = offices.iter().find(|o| o.code == file.office).ok_or(centre::UNKNOWN_OFFICE)?;
    let row = Model {
        id: act.id(),
        centre_id: act.centre.id,
        office_id: office.id,
        post_id: posts.named(&file.post, file.from)?.row.id,
        valid_from: file.from,
        valid_until: file.until,
        recorded_at: act.now,
        reason: file.reason.clone(),
        number: file.number.clone(),
        file_id: None,
    };
    let delegation_id = act.insert(row).await?.id;
    let power = |(post_id, power, instant_only)| power::Model {
        delegation_id,
        post_id,
        power,
        centre_id: act.centre.id,
        instant_only,
    };
    act.insert_all(gives(&file, posts).into_iter().map(power).collect()).await
}
