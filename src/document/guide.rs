//! A guide as people read it (办事指南): on its page, on paper and before it is published, the same words.

use super::qr;
use crate::base::Result;
use crate::domain::case::procedure_name;
use crate::domain::guide::Guide;
use crate::domain::published::Centre;
use askama::Template;
use entity::Id;
use entity::applicant::ApplicantKind;
use entity::case::Channel;
use entity::centre::office;
use entity::guide::{Content, ItemKind, Material, Medium, OrganNature, PowerSource, ResultType};

/// A guide in words. What was not published says so.
pub struct Sheet {
    /// Name of the matter.
    pub name: String,
    /// Its code.
    pub code: String,
    /// Number of the version.
    pub version: i32,
    /// Office that handles it, and its telephone.
    pub office: (String, String),
    /// What to bring.
    pub materials: Vec<Bring>,
    /// Who may apply, under which conditions.
    pub conditions: Vec<String>,
    /// Everything that is said in a line.
    pub facts: Vec<(&'static str, String)>,
    /// How it goes.
    pub steps: Vec<String>,
    /// On what it rests.
    pub basis: Vec<String>,
    /// Ways by which it cannot be had, with the ground.
    pub closed: Vec<(&'static str, String)>,
}

/// A material in words.
pub struct Bring {
    /// Its name.
    pub name: String,
    /// Form, count, source and what may stand for it.
    pub more: String,
    /// File of the blank form.
    pub blank_form: Option<Id>,
    /// File of the sample.
    pub sample: Option<Id>,
}

/// A channel in the words of the window.
#[must_use]
pub const fn channel_name(channel: Channel) -> &'static str {
    match channel {
        Channel::Window => "窗口",
        Channel::MiniProgram => "微信小程序",
        Channel::Web => "网页",
        Channel::Phone => "电话",
        Channel::HomeVisit => "上门",
        Channel::Agent => "帮办代办",
    }
}

fn published(value: Option<String>) -> String {
    value.unwrap_or_else(|| "未公布".to_owned())
}

fn days(days: Option<i32>, note: Option<&String>) -> String {
    let said = match days {
        Some(0) => "当场办结".to_owned(),
        other => published(other.map(|d| format!("{d}个工作日"))),
    };
    note.map_or(said.clone(), |note| format!("{said}（{note}）"))
}

/// The form of a material (原件、复印件) in words.
#[must_use]
pub fn form_name(form: &str) -> String {
    form.replace("original", "原件").replace("copy", "复印件").replace("electronic", "电子版").replace('+', "和")
}

/// A kind of applicant in words.
#[must_use]
pub const fn kind_name(kind: ApplicantKind) -> &'static str {
    match kind {
        ApplicantKind::Person => "自然人",
        ApplicantKind::LegalPerson => "法人",
        ApplicantKind::Organisation => "其他组织",
    }
}

pub(super) const fn item_name(kind: ItemKind) -> &'static str {
    match kind {
        ItemKind::Instant => "即办件",
        ItemKind::Promised => "承诺件",
    }
}

pub(super) const fn medium_name(medium: Medium) -> &'static str {
    match medium {
        Medium::Paper => "纸质",
        Medium::Electronic => "电子",
        Medium::Either => "纸质或电子",
    }
}

pub(super) const fn source_name(source: PowerSource) -> &'static str {
    match source {
        PowerSource::Own => "法定本级行使",
        PowerSource::HandedDown => "上级下放",
        PowerSource::Authorised => "授权",
        PowerSource::Entrusted => "委托",
    }
}

pub(super) const fn nature_name(nature: OrganNature) -> &'static str {
    match nature {
        OrganNature::Statutory => "法定机关",
        OrganNature::Authorised => "授权组织",
        OrganNature::Entrusted => "受委托组织",
    }
}

pub(super) const fn result_name(result: ResultType) -> &'static str {
    match result {
        ResultType::Licence => "证照",
        ResultType::Approval => "批文",
        ResultType::Other => "其他",
    }
}

fn joined<T: Copy>(all: &[T], name: impl Fn(T) -> &'static str) -> Option<String> {
    (!all.is_empty()).then(|| all.iter().map(|one| name(*one)).collect::<Vec<_>>().join("、"))
}

fn bring(material: &Material) -> Bring {
    let form = material.form.as_deref().map(form_name);
    let count = |n: Option<i32>, of: &str| n.filter(|n| *n > 0).map(|n| format!("{of}{n}份"));
    let medium = material.medium.map(medium_name);
    let said = |flag: Option<bool>, words: &str| (flag == Some(true)).then(|| words.to_owned());
    let more = [
        form,
        medium.map(ToOwned::to_owned),
        count(material.count, ""),
        count(material.originals, "原件"),
        count(material.copies, "复印件"),
        material.specification.clone(),
        material.source.clone(),
        material.source_note.clone(),
        (material.required == Some(false)).then(|| "有此情形的才需要".to_owned()),
        said(material.promise, "可以书面承诺代替"),
        said(material.may_follow, "可以后补"),
        material.paper_law.as_ref().map(|law| format!("须交纸质：{law}")),
    ];
    Bring {
        name: material.name.clone(),
        more: more.into_iter().flatten().collect::<Vec<_>>().join("，"),
        blank_form: material.blank_form,
        sample: material.sample,
    }
}

impl Sheet {
    /// A guide in words.
    #[must_use]
    pub fn of(guide: &Guide) -> Self {
        Self::saying(&guide.version.content, &guide.row.code, guide.version.number, &guide.office)
    }

    /// What is said of a matter of an office, in a version or in one that is to come.
    #[must_use]
    pub fn saying(content: &Content, code: &str, version: i32, office: &office::Model) -> Self {
        Self {
            name: content.name.clone(),
            code: code.to_owned(),
            version,
            office: (office.name.clone(), office.phone.clone()),
            materials: content.materials.iter().map(bring).collect(),
            conditions: content.elements.conditions.clone(),
            facts: facts(content, &office.phone),
            steps: content.steps.clone(),
            basis: content.legal_basis.clone(),
            closed: content
                .elements
                .closed_channels
                .iter()
                .map(|closed| (channel_name(closed.channel), closed.ground.clone()))
                .collect(),
        }
    }
}

/// What every guide is asked for, and what only some say.
fn facts(content: &Content, phone: &str) -> Vec<(&'static str, String)> {
    let elements = &content.elements;
    let kind = content.kind.map(|kind| item_name(kind).to_owned());
    let online = content.online.map(|o| if o { "可以" } else { "不可以" }.to_owned());
    let mut facts = vec![
        ("办件类型", published(kind)),
        ("承诺时限", days(content.promised_days, elements.promised_note.as_ref())),
        ("法定时限", days(content.statutory_days, elements.statutory_note.as_ref())),
        ("收费", published(content.fee.clone())),
        ("谁可以办", published(content.audience_text.clone())),
        ("申请人类型", published(joined(&content.audience, kind_name))),
        ("承办", published(content.handled_by.clone())),
        ("办理结果", published(content.result.clone())),
        ("网上办理", published(online)),
        ("咨询电话", elements.consult.clone().unwrap_or_else(|| phone.to_owned())),
    ];
    let visits = elements.visits.map(|n| if n == 0 { "不用跑".to_owned() } else { format!("{n}次") });
    let joint = (!elements.joint_offices.is_empty()).then(|| elements.joint_offices.join("、"));
    let hearing = content.hearing.then(|| "不予批准之前，申请人可以要求听证".to_owned());
    let some = [
        ("收费依据", elements.fee_basis.clone()),
        ("到现场次数", visits),
        ("办理地点", elements.place.clone()),
        ("办理时间", elements.hours.clone()),
        ("办理形式", elements.handling.clone()),
        ("通办范围", elements.area.clone()),
        ("联办科室", joint),
        ("听证", hearing),
        ("特别程序", joined(&elements.special_procedures, procedure_name)),
        ("结果类型", elements.result_type.map(|r| result_name(r).to_owned())),
        ("中介服务", elements.intermediary.clone()),
        ("数量限制", elements.quota.clone()),
        ("监督投诉", elements.supervise.clone()),
        ("网上办理地址", elements.online_url.clone()),
        ("移动端办理地址", elements.mobile_url.clone()),
        ("实施主体", elements.organ.clone()),
        ("统一社会信用代码", elements.organ_code.clone()),
        ("实施主体性质", elements.organ_nature.map(|n| nature_name(n).to_owned())),
        ("权力来源", elements.power_source.map(|s| source_name(s).to_owned())),
        ("委托部门", elements.entrusted_by.clone()),
        ("实施编码", elements.item_code.clone()),
        ("业务办理项编码", elements.business_code.clone()),
        ("地方基本目录编码", elements.local_catalog_code.clone()),
        ("地方实施清单编码", elements.local_item_code.clone()),
        ("资料来源", content.source_place.clone()),
        ("来源网址", content.source_url.clone()),
        ("说明", content.note.clone()),
    ];
    facts.extend(some.into_iter().filter_map(|(what, said)| Some((what, said?))));
    facts
}

#[derive(Template)]
#[template(path = "guide_sheet.html")]
struct Page<'p> {
    centre: &'p Centre,
    sheet: &'p Sheet,
    in_force: String,
    address: String,
    qr: String,
}

/// A guide as a page to print and take home.
///
/// # Errors
/// None that can be met.
pub fn page(centre: &Centre, guide: &Guide, public_url: &str) -> Result<String> {
    let address = format!("{public_url}/guides/{}", guide.row.code);
    let page = Page {
        centre,
        sheet: &Sheet::of(guide),
        in_force: guide.version.in_force_from.format("%Y年%-m月%-d日").to_string(),
        qr: qr::svg(&address)?,
        address,
    };
    Ok(page.render().map_err(anyhow::Error::from)?)
}
