//! Taking a file of guides in: the whole file or nothing, with every fault told by row and field.

use super::lint::{self, Severity};
use crate::base::error::Result;
use crate::base::{Kind, Refusal};
use crate::domain::act::{Act, Publishing};
use crate::domain::{audit, centre};
use entity::Id;
use entity::applicant::ApplicantKind;
use entity::guide::{Column, Content, Entity, ItemKind, Material, Model, version};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait as _, EntityTrait as _, ExprTrait as _, QueryFilter as _};
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeMap, HashMap};

/// Faults of a file of guides.
pub const BAD_GUIDES: Refusal =
    Refusal::new(Kind::Invalid, "bad_guides", "办事指南文件有误，未导入：{fault}").article("4.3");

/// Codes and offices of the matters that come with the program. A file may give its own beside each matter.
const CODES: &str = include_str!("../../../seed/guide_codes.json");

/// A matter in a file of guides.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GuideFile {
    /// Stable short code; taken from the guide of the same name, else from the shipped list, when absent.
    #[serde(default)]
    pub code: Option<String>,
    /// Code of the office that handles it; likewise.
    #[serde(default)]
    pub office_code: Option<String>,
    name: String,
    office: Option<String>,
    audience: Option<String>,
    kind: Option<String>,
    legal_basis: Vec<String>,
    materials: Vec<Material>,
    statutory_days: Option<i32>,
    promised_days: Option<i32>,
    fee: Option<String>,
    steps: Vec<String>,
    result: Option<String>,
    online: Option<bool>,
    source_url: Option<String>,
    source_place: Option<String>,
    #[serde(default)]
    other_sources: Vec<String>,
    note: Option<String>,
    #[serde(default)]
    kind_source: Option<String>,
}

/// What an import did.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Imported {
    /// Guides that are new.
    pub added: usize,
    /// Guides that got a new version.
    pub changed: usize,
    /// Guides that say what they said before.
    pub unchanged: usize,
    /// Vague words that are only warned of, by row.
    pub warnings: Vec<String>,
}

/// Publishes the guides of a file: a new version where a matter says something new.
///
/// # Errors
/// `bad_guides` with every fault by row and field, vague words among them; nothing is published then.
pub async fn import(act: &Publishing, files: Vec<GuideFile>) -> Result<Imported> {
    let shipped: BTreeMap<String, (String, String)> =
        serde_json::from_str(CODES).map_err(|e| anyhow::anyhow!("seed/guide_codes.json: {e}"))?;
    let offices: HashMap<String, Id> =
        centre::offices(&*act.tx, act.centre.id).await?.into_iter().map(|o| (o.code, o.id)).collect();
    let known: HashMap<String, Model> = Entity::find()
        .filter(Column::CentreId.eq(act.centre.id))
        .all(&*act.tx)
        .await?
        .into_iter()
        .map(|g| (g.name.clone(), g))
        .collect();
    let office_code_of = |id: Id| offices.iter().find(|(_, o)| **o == id).map(|(code, _)| code.clone());

    let mut imported = Imported::default();
    let mut faults = Vec::new();
    let mut rows: Vec<(String, Id, Content)> = Vec::new();
    for (n, file) in files.into_iter().enumerate() {
        let row = n + 1;
        let name = file.name.clone();
        let known = known.get(&name);
        let code = file.code.clone().or_else(|| known.map(|g| g.code.clone()));
        let code = code.or_else(|| shipped.get(&name).map(|(code, _)| code.clone()));
        let office = file.office_code.clone().or_else(|| known.and_then(|g| office_code_of(g.office_id)));
        let office = office.or_else(|| shipped.get(&name).map(|(_, office)| office.clone()));
        let (content, mut wrong) = read(file);
        if rows.iter().any(|(_, _, c)| c.name == name) {
            wrong.push(format!("name “{name}”重复"));
        }
        let code = code.filter(|c| {
            (2..=16).contains(&c.len()) && c.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '-')
        });
        match &code {
            None => wrong.push("code 缺少或不对：请给出2至16位大写字母、数字或 - 的事项代码".to_owned()),
            Some(code) if rows.iter().any(|(c, ..)| c == code) => wrong.push(format!("code {code} 重复")),
            Some(_) => {}
        }
        let office_id = office.as_ref().and_then(|code| offices.get(code)).copied();
        match (&office, office_id) {
            (None, _) => wrong.push("office_code 缺少：请给出承办科室代码".to_owned()),
            (Some(code), None) => wrong.push(format!("office_code {code} 不是本中心的科室")),
            _ => {}
        }
        for finding in lint::guide(&content) {
            match finding.severity {
                Severity::Error => wrong.push(finding.to_string()),
                Severity::Warning => imported.warnings.push(format!("第{row}行 {finding}")),
            }
        }
        faults.extend(wrong.into_iter().map(|what| format!("第{row}行 {what}")));
        if let (Some(code), Some(office_id)) = (code, office_id) {
            rows.push((code, office_id, content));
        }
    }
    if !faults.is_empty() {
        return Err(BAD_GUIDES.with(&[("fault", &faults.join("；"))]).into());
    }
    for (code, office_id, content) in rows {
        publish(act, code, office_id, content, &mut imported).await?;
    }
    Ok(imported)
}

/// Publishes what one guide says now.
async fn publish(act: &Act, code: String, office_id: Id, content: Content, imported: &mut Imported) -> Result<()> {
    let old =
        Entity::find().filter(Column::CentreId.eq(act.centre.id)).filter(Column::Code.eq(&code)).one(&*act.tx).await?;
    let audience = content.audience.iter().map(|a| a.word()).collect::<Vec<_>>().join(",");
    let (guide_id, number) = match old {
        None => {
            let guide = Model {
                id: act.id(),
                centre_id: act.centre.id,
                code: code.clone(),
                office_id,
                name: content.name.clone(),
                audience,
                version: 1,
            };
            imported.added += 1;
            (act.insert(guide).await?.id, 1)
        }
        Some(guide) => {
            let in_force = version::Entity::find()
                .filter(version::Column::GuideId.eq(guide.id))
                .filter(version::Column::Number.eq(guide.version))
                .one(&*act.tx)
                .await?;
            if in_force.is_some_and(|v| v.content == content) && guide.office_id == office_id {
                imported.unchanged += 1;
                return Ok(());
            }
            imported.changed += 1;
            Entity::update_many()
                .col_expr(Column::Name, Expr::value(content.name.clone()))
                .col_expr(Column::OfficeId, Expr::value(office_id))
                .col_expr(Column::Audience, Expr::value(audience))
                .col_expr(Column::Version, Expr::col(Column::Version).add(1))
                .filter(Column::Id.eq(guide.id))
                .exec(&*act.tx)
                .await?;
            (guide.id, guide.version + 1)
        }
    };
    let row =
        version::Model { id: act.id(), centre_id: act.centre.id, guide_id, number, content, published_at: act.now };
    act.insert(row).await?;
    audit::note(act, "guide.published", code, json!({ "version": number })).await
}

/// A matter of the file as content, and what is wrong with its fields.
fn read(file: GuideFile) -> (Content, Vec<String>) {
    let mut wrong = Vec::new();
    if crate::base::personal::name(&file.name).is_none() {
        wrong.push("name 为空、过长或含特殊字符".to_owned());
    }
    let kind = match file.kind.as_deref() {
        None => None,
        Some("即办件") => Some(ItemKind::Instant),
        Some("承诺件") => Some(ItemKind::Promised),
        Some(other) => {
            wrong.push(format!("kind “{other}”应为即办件或承诺件"));
            None
        }
    };
    for (field, days) in [("statutory_days", file.statutory_days), ("promised_days", file.promised_days)] {
        if days.is_some_and(|d| !(0..=3650).contains(&d)) {
            wrong.push(format!("{field} 应为0至3650个工作日"));
        }
    }
    if let (Some(by_law), Some(promised)) = (file.statutory_days, file.promised_days)
        && promised > by_law
    {
        wrong.push(format!("promised_days {promised} 长于 statutory_days {by_law}"));
    }
    for (n, material) in file.materials.iter().enumerate() {
        if material.name.trim().is_empty() {
            wrong.push(format!("materials[{n}].name 为空"));
        }
        if material.count.is_some_and(|c| c < 1) {
            wrong.push(format!("materials[{n}].count 应为正数"));
        }
    }
    let audience_text = file.audience.unwrap_or_default();
    let named = [
        ("自然人", ApplicantKind::Person),
        ("法人", ApplicantKind::LegalPerson),
        ("其他组织", ApplicantKind::Organisation),
    ];
    let audience = named.iter().filter(|(word, _)| audience_text.contains(word)).map(|(_, kind)| *kind).collect();
    let mut notes: Vec<String> = file.note.into_iter().collect();
    notes.extend(file.kind_source.map(|s| format!("办件类型出处：{s}")));
    notes.extend(file.other_sources.into_iter().map(|s| format!("另见：{s}")));
    let content = Content {
        name: file.name,
        handled_by: file.office,
        audience_text: Some(audience_text).filter(|t| !t.is_empty()),
        audience,
        kind,
        legal_basis: file.legal_basis,
        materials: file.materials,
        statutory_days: file.statutory_days,
        promised_days: file.promised_days,
        fee: file.fee,
        steps: file.steps,
        result: file.result,
        online: file.online,
        source_url: file.source_url,
        source_place: file.source_place,
        note: (!notes.is_empty()).then(|| notes.join("\n")),
    };
    (content, wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vague words that the shipped guides keep, each with its reason: none.
    const KEPT: [&str; 0] = [];

    #[test]
    fn article_4_3_all_shipped_guides_pass_the_linter_and_have_a_code() {
        let files: Vec<GuideFile> = serde_json::from_str(include_str!("../../../seed/guides.json")).unwrap();
        let codes: BTreeMap<String, (String, String)> = serde_json::from_str(CODES).unwrap();
        assert_eq!((files.len(), codes.len()), (26, 26));
        for file in files {
            assert!(codes.contains_key(&file.name), "{}", file.name);
            let (content, wrong) = read(file);
            assert_eq!(wrong, [] as [String; 0], "{}", content.name);
            let found: Vec<String> = lint::guide(&content).iter().map(ToString::to_string).collect();
            assert_eq!(found, KEPT, "{}", content.name);
        }
    }

    #[test]
    fn article_4_3_the_sentence_taken_out_of_a_real_guide_is_refused_when_put_back() {
        let mut files: Vec<GuideFile> = serde_json::from_str(include_str!("../../../seed/guides.json")).unwrap();
        files[0].materials.push(Material {
            name: "其他相关有效证明材料".to_owned(),
            form: None,
            count: None,
            source: None,
            issuer_guess: None,
        });
        let findings = lint::guide(&read(files.remove(0)).0);
        assert_eq!(findings[0].to_string(), "materials[5].name 第1字起“其他相关”");
    }

    #[test]
    fn a_promise_longer_than_the_law_is_a_fault() {
        let mut files: Vec<GuideFile> = serde_json::from_str(include_str!("../../../seed/guides.json")).unwrap();
        files[3].promised_days = Some(25);
        assert_eq!(read(files.remove(3)).1, ["promised_days 25 长于 statutory_days 24"]);
    }
}
