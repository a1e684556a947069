//! Taking a file of guides in: the whole file or nothing, with every fault told by row and field.

use super::check;
use super::fault::Fault;
use super::publish::{Days, publish};
use crate::base::error::Result;
use crate::base::{Kind, Refusal};
use crate::domain::act::Publishing;
use crate::domain::centre;
use chrono::NaiveDate;
use entity::Id;
use entity::applicant::ApplicantKind;
use entity::guide::{Column, Content, Elements, Entity, FlowStep, ItemKind, Material, Model};
use sea_orm::{ColumnTrait as _, EntityTrait as _, QueryFilter as _};
use serde::Deserialize;
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
    #[serde(default)]
    flow: Vec<FlowStep>,
    #[serde(default)]
    hearing: bool,
    result: Option<String>,
    online: Option<bool>,
    source_url: Option<String>,
    source_place: Option<String>,
    #[serde(default)]
    other_sources: Vec<String>,
    note: Option<String>,
    #[serde(default)]
    kind_source: Option<String>,
    #[serde(default)]
    elements: Option<Elements>,
    /// First day on which cases begin under it; today unless it says so.
    #[serde(default)]
    in_force_from: Option<NaiveDate>,
    /// Day on which it is to be looked through again; a year later unless it says so.
    #[serde(default)]
    review_on: Option<NaiveDate>,
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
    let (rooms, posts) =
        (centre::offices(&*act.tx, act.centre.id).await?, super::draft::posts(&*act.tx, act.centre.id).await?);
    let offices: HashMap<String, Id> = rooms.iter().map(|o| (o.code.clone(), o.id)).collect();
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
    let in_force = super::all(&*act.tx, &act.centre).await?;
    let mut rows: Vec<(String, Id, Content, Days)> = Vec::new();
    for (n, file) in files.into_iter().enumerate() {
        let row = n + 1;
        let name = file.name.clone();
        let known = known.get(&name);
        let code = file.code.clone().or_else(|| known.map(|g| g.code.clone()));
        let code = code.or_else(|| shipped.get(&name).map(|(code, _)| code.clone()));
        let office = file.office_code.clone().or_else(|| known.and_then(|g| office_code_of(g.office_id)));
        let office = office.or_else(|| shipped.get(&name).map(|(_, office)| office.clone()));
        let before = code.as_deref().and_then(|code| in_force.by_code.get(code)).map(|g| &g.version.content);
        let days = Days::of(act.now.date(), file.in_force_from, file.review_on);
        let (content, mut wrong) = read(file, before);
        if days.is_none() {
            wrong.push(Fault::new("in_force_from", "不能早于今天，review_on 应在生效之后、五年之内"));
        }
        if rows.iter().any(|(_, _, c, _)| c.name == name) {
            wrong.push(Fault::new("name", format!("“{name}”重复")));
        }
        let code = code.filter(|code| super::is_code(code));
        match &code {
            None => wrong.push(Fault::new("code", "缺少或不对：请给出2至16位大写字母、数字或 - 的事项代码")),
            Some(code) if rows.iter().any(|(c, ..)| c == code) => {
                wrong.push(Fault::new("code", format!("{code} 重复")));
            }
            Some(_) => {}
        }
        let office_id = office.as_ref().and_then(|code| offices.get(code)).copied();
        if let Some(office) = office_id {
            wrong.extend(check::parts(&content, office, &posts, &rooms));
        }
        match (&office, office_id) {
            (None, _) => wrong.push(Fault::new("office_code", "缺少：请给出承办科室代码")),
            (Some(code), None) => wrong.push(Fault::new("office_code", format!("{code} 不是本中心的科室"))),
            _ => {}
        }
        imported.warnings.extend(check::warnings(&content).into_iter().map(|what| format!("第{row}行 {what}")));
        faults.extend(wrong.into_iter().map(|what| format!("第{row}行 {what}")));
        if let (Some(code), Some(office_id), Some(days)) = (code, office_id, days) {
            rows.push((code, office_id, content, days));
        }
    }
    if !faults.is_empty() {
        return Err(BAD_GUIDES.with(&[("fault", &faults.join("；"))]).into());
    }
    for (code, office_id, content, days) in rows {
        let done = publish(act, &code, office_id, content, days, None).await?;
        match done.map(|published| published.number) {
            None => imported.unchanged += 1,
            Some(1) => imported.added += 1,
            Some(_) => imported.changed += 1,
        }
    }
    Ok(imported)
}

/// A matter of the file as content, and what is wrong with its fields.
///
/// A file knows nothing of forms, and may know nothing of the rest of the set: those in force stay.
fn read(mut file: GuideFile, before: Option<&Content>) -> (Content, Vec<Fault>) {
    let mut wrong = Vec::new();
    for material in &mut file.materials {
        if let Some(old) = before.and_then(|b| b.materials.iter().find(|m| m.name == material.name)) {
            material.blank_form = material.blank_form.or(old.blank_form);
            material.sample = material.sample.or(old.sample);
        }
    }
    let kind = match file.kind.as_deref() {
        None => None,
        Some("即办件") => Some(ItemKind::Instant),
        Some("承诺件") => Some(ItemKind::Promised),
        Some(other) => {
            wrong.push(Fault::new("kind", format!("“{other}”应为即办件或承诺件")));
            None
        }
    };
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
        flow: file.flow,
        hearing: file.hearing,
        result: file.result,
        online: file.online,
        source_url: file.source_url,
        source_place: file.source_place,
        note: (!notes.is_empty()).then(|| notes.join("\n")),
        elements: file.elements.or_else(|| before.map(|b| b.elements.clone())).unwrap_or_default(),
    };
    wrong.extend(check::faults(&content));
    (content, wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vague words that the shipped guides keep, each with its reason: none.
    const KEPT: [Fault; 0] = [];

    #[test]
    fn article_4_3_all_shipped_guides_pass_the_linter_and_have_a_code() {
        let files: Vec<GuideFile> = serde_json::from_str(include_str!("../../../seed/guides.json")).unwrap();
        let codes: BTreeMap<String, (String, String)> = serde_json::from_str(CODES).unwrap();
        assert_eq!((files.len(), codes.len()), (26, 26));
        for file in files {
            assert!(codes.contains_key(&file.name), "{}", file.name);
            let (content, wrong) = read(file, None);
            assert_eq!(wrong, [], "{}", content.name);
            assert_eq!(check::warnings(&content), KEPT, "{}", content.name);
        }
    }

    #[test]
    fn article_4_3_the_sentence_taken_out_of_a_real_guide_is_refused_when_put_back() {
        let mut files: Vec<GuideFile> = serde_json::from_str(include_str!("../../../seed/guides.json")).unwrap();
        files[0].materials.push(Material { name: "其他相关有效证明材料".to_owned(), ..Material::default() });
        let wrong = read(files.remove(0), None).1;
        assert_eq!(wrong, [Fault::new("materials[5].name", "第1字起“其他相关”")]);
    }

    #[test]
    fn a_promise_longer_than_the_law_is_a_fault() {
        let mut files: Vec<GuideFile> = serde_json::from_str(include_str!("../../../seed/guides.json")).unwrap();
        files[3].promised_days = Some(25);
        assert_eq!(read(files.remove(3), None).1, [Fault::new("promised_days", "25个工作日，长于法定时限24个工作日")]);
    }
}
