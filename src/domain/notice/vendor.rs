//! Templates of vendors (报备模板): a gateway that sends by templates takes a text by the one that its vendor approved, with the
//! values that went into ours. What it has not approved does not leave by it.

use super::kind::{ALL, Kind};
use crate::base::error::Result;
use crate::base::vault::{Place, Vault};
use crate::domain::act::Publishing;
use crate::domain::audit;
use entity::Id;
use entity::notice::vendor::{Column, Entity, Model};
use entity::notice::{Model as Notice, VendorState};
use sea_orm::{
    ActiveModelTrait as _, ColumnTrait as _, ConnectionTrait, EntityTrait as _, ExprTrait as _, IntoActiveModel as _,
    QueryFilter as _, QueryOrder as _, QuerySelect as _,
};
use serde::Deserialize;
use std::collections::{BTreeMap, HashSet};

/// Gateways that may have templates of their own.
const GATEWAYS: [&str; 4] = ["tencent", "aliyun", "mas", WECHAT];
/// Messages that residents ask for in WeChat (订阅消息): each value stands for a field, as `thing1=item`.
pub const WECHAT: &str = "wechat";
/// Kinds of fields that take words of ours; times and dates there have a form of their own.
const FIELDS: [&str; 7] = ["thing", "phrase", "name", "character_string", "letter", "number", "phone_number"];
/// Values that are no values for a vendor: a link is refused in a variable, and lines are too long for one.
const NOT_FOR_VENDORS: [&str; 3] = ["way", "link", "lines"];

/// A template of a vendor in a file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VendorFile {
    /// The vendor's id of it.
    pub template: String,
    /// Names of the values that go into it, in its order.
    pub values: Vec<String>,
    /// What the vendor says of it.
    pub state: VendorState,
    /// Why it was refused, in the vendor's words.
    #[serde(default)]
    pub reason: Option<String>,
}

/// What a vendor is handed in the place of words.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    /// The gateway.
    pub gateway: String,
    /// The vendor's id of the template.
    pub template: String,
    /// Names and values, in its order.
    pub values: Vec<(String, String)>,
}

/// What is wrong with a template of a vendor.
pub(super) fn faults(at: &str, kind: &Kind, gateway: &str, file: &VendorFile) -> Vec<String> {
    let mut faults = Vec::new();
    if !GATEWAYS.contains(&gateway) {
        faults.push(format!("{at} 没有 {gateway} 通道，可用的有 {}", GATEWAYS.join("、")));
    }
    let readable = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if !(1..=64).contains(&file.template.len()) || !file.template.chars().all(readable) {
        faults.push(format!("{at} template 应为1至64位字母、数字、_ 或 -"));
    }
    // How many are told as one is said with their lines, which no vendor takes.
    let is_none = |name: &str| NOT_FOR_VENDORS.contains(&name) || (kind.merges && name == "n");
    let known: Vec<&str> = kind.values.iter().copied().filter(|name| !is_none(name)).collect();
    for (n, value) in file.values.iter().enumerate() {
        let (field, name) = value.split_once('=').unwrap_or(("", value));
        let is_field = FIELDS.contains(&field.trim_end_matches(|c: char| c.is_ascii_digit()));
        if (gateway == WECHAT) != is_field {
            let form = if gateway == WECHAT {
                "应写成 thing1=item 这样，字段类型可用 "
            } else {
                "不用写字段，WeChat 才用，如 "
            };
            faults.push(format!("{at} {value} {form}{}", FIELDS.join("、")));
        }
        if !known.contains(&name) {
            faults.push(format!("{at} 不能用 {name}，{} 可用 {}", kind.word, known.join("、")));
        }
        if file.values[..n].contains(value) {
            faults.push(format!("{at} {value} 重复"));
        }
    }
    faults
}

/// Enters what a vendor knows of a version of ours; true if that is new.
pub(super) async fn enter(
    act: &Publishing,
    kind: &Kind,
    version: i32,
    gateway: &str,
    file: VendorFile,
) -> Result<bool> {
    let here = Column::CentreId.eq(act.centre.id).and(Column::Kind.eq(kind.word)).and(Column::Version.eq(version));
    let old = Entity::find().filter(here).filter(Column::Gateway.eq(gateway)).one(&*act.tx).await?;
    let VendorFile { template, values, state, reason } = file;
    let new = Model {
        id: old.as_ref().map_or_else(|| act.id(), |old| old.id),
        centre_id: act.centre.id,
        kind: kind.word.to_owned(),
        version,
        gateway: gateway.to_owned(),
        template,
        names: values.join(","),
        state,
        reason,
        changed_at: act.now,
    };
    match old {
        Some(old) if Model { changed_at: old.changed_at, ..new.clone() } == old => return Ok(false),
        Some(_) => drop(Entity::update(new.clone().into_active_model().reset_all()).exec(&*act.tx).await?),
        None => drop(act.insert(new.clone()).await?),
    }
    let said = serde_json::json!({ "version": version, "gateway": gateway, "state": new.state.word() });
    audit::note(act, "text.registered", kind.word, said).await?;
    Ok(true)
}

/// Kinds of texts of a centre that no gateway of these may send yet: no vendor has approved a template.
///
/// # Errors
/// Whatever the database says.
pub async fn unapproved(db: &impl ConnectionTrait, centre: Id, gateways: &[&str]) -> Result<Vec<&'static Kind>> {
    let approved: HashSet<String> = Entity::find()
        .select_only()
        .column(Column::Kind)
        .filter(Column::CentreId.eq(centre))
        .filter(Column::Gateway.is_in(gateways.iter().copied()))
        .filter(Column::State.eq(VendorState::Approved))
        .into_tuple::<String>()
        .all(db)
        .await?
        .into_iter()
        .collect();
    Ok(ALL.into_iter().filter(|kind| !approved.contains(kind.word)).collect())
}

/// What a name stands for: a field of its own name, or the one that is said before it.
fn named(name: &str, value: &impl Fn(&str) -> String) -> (String, String) {
    let (field, of) = name.split_once('=').unwrap_or((name, name));
    (field.to_owned(), value(of))
}

/// Templates of WeChat's that are approved in a centre, by kind: what the mini program may ask consent for.
///
/// # Errors
/// Whatever the database says.
pub async fn message_templates(db: &impl ConnectionTrait, centre: Id) -> Result<Vec<(String, String)>> {
    let approved = Entity::find()
        .filter(Column::CentreId.eq(centre))
        .filter(Column::Gateway.eq(WECHAT))
        .filter(Column::State.eq(VendorState::Approved))
        .order_by_asc(Column::Version);
    let newest: BTreeMap<String, String> =
        approved.all(db).await?.into_iter().map(|row| (row.kind, row.template)).collect();
    Ok(newest.into_iter().collect())
}

/// Approved templates for these texts at these gateways.
pub(super) struct Approved(Vec<Model>);

impl Approved {
    pub(super) async fn read(db: &impl ConnectionTrait, gateways: &[&str], texts: &[Notice]) -> Result<Self> {
        if gateways.is_empty() || texts.is_empty() {
            return Ok(Self(Vec::new()));
        }
        let (centres, kinds): (HashSet<_>, HashSet<_>) = texts.iter().map(|t| (t.centre_id, t.kind.as_str())).unzip();
        let approved = Entity::find()
            .filter(Column::CentreId.is_in(centres))
            .filter(Column::Kind.is_in(kinds))
            .filter(Column::Gateway.is_in(gateways.iter().copied()))
            .filter(Column::State.eq(VendorState::Approved));
        Ok(Self(approved.all(db).await?))
    }

    /// A text as each of the gateways takes it: by the template for its version or, until that is approved, the newest before.
    pub(super) fn fill(&self, vault: &Vault, text: &Notice) -> anyhow::Result<Vec<Filled>> {
        let fits = |m: &&Model| m.centre_id == text.centre_id && m.kind == text.kind && m.version <= text.version;
        let fitting: Vec<&Model> = self.0.iter().filter(fits).collect();
        let newest =
            fitting.iter().filter(|m| fitting.iter().all(|o| o.gateway != m.gateway || o.version <= m.version));
        if fitting.is_empty() {
            return Ok(Vec::new());
        }
        let values = vault.open(Place::new("notice.filled", text.centre_id, text.id), &text.filled)?;
        let values: Vec<(String, String)> = serde_json::from_str(&values)?;
        let value = |name: &str| values.iter().find(|(n, _)| n == name).map(|(_, v)| v.clone()).unwrap_or_default();
        let fill = |m: &&Model| Filled {
            gateway: m.gateway.clone(),
            template: m.template.clone(),
            values: m.names.split(',').filter(|n| !n.is_empty()).map(|n| named(n, &value)).collect(),
        };
        Ok(newest.map(fill).collect())
    }
}
