//! A guide as people read it (办事指南): on its page and on paper, the same words.

use super::qr;
use crate::base::Result;
use crate::domain::guide::Guide;
use crate::domain::published::Centre;
use askama::Template;
use entity::Id;
use entity::case::Channel;
use entity::guide::{Content, ItemKind, Material, Medium};

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

fn bring(material: &Material) -> Bring {
    let form = material.form.as_deref().map(|f| {
        f.replace("original", "原件").replace("copy", "复印件").replace("electronic", "电子版").replace('+', "和")
    });
    let count = |n: Option<i32>, of: &str| n.filter(|n| *n > 0).map(|n| format!("{of}{n}份"));
    let medium = material.medium.map(|medium| match medium {
        Medium::Paper => "纸质",
        Medium::Electronic => "电子",
        Medium::Either => "纸质或电子",
    });
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
        let content = &guide.version.content;
        Self {
            name: content.name.clone(),
            code: guide.row.code.clone(),
            version: guide.version.number,
            office: (guide.office.name.clone(), guide.office.phone.clone()),
            materials: content.materials.iter().map(bring).collect(),
            conditions: content.elements.conditions.clone(),
            facts: facts(content, &guide.office.phone),
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
    let kind = content.kind.map(|k| if k == ItemKind::Instant { "即办件" } else { "承诺件" }.to_owned());
    let online = content.online.map(|o| if o { "可以" } else { "不可以" }.to_owned());
    let mut facts = vec![
        ("办件类型", published(kind)),
        ("承诺时限", days(content.promised_days, elements.promised_note.as_ref())),
        ("法定时限", days(content.statutory_days, elements.statutory_note.as_ref())),
        ("收费", published(content.fee.clone())),
        ("谁可以办", published(content.audience_text.clone())),
        ("承办", published(content.handled_by.clone())),
        ("办理结果", published(content.result.clone())),
        ("网上办理", published(online)),
        ("咨询电话", elements.consult.clone().unwrap_or_else(|| phone.to_owned())),
    ];
    let visits = elements.visits.map(|n| if n == 0 { "不用跑".to_owned() } else { format!("{n}次") });
    let joint = (!elements.joint_offices.is_empty()).then(|| elements.joint_offices.join("、"));
    let some = [
        ("收费依据", elements.fee_basis.clone()),
        ("到现场次数", visits),
        ("办理地点", elements.place.clone()),
        ("办理时间", elements.hours.clone()),
        ("办理形式", elements.handling.clone()),
        ("通办范围", elements.area.clone()),
        ("联办机构", joint),
        ("中介服务", elements.intermediary.clone()),
        ("数量限制", elements.quota.clone()),
        ("监督投诉", elements.supervise.clone()),
        ("网上办理地址", elements.online_url.clone()),
        ("实施主体", elements.organ.clone()),
        ("实施编码", elements.item_code.clone()),
        ("业务办理项编码", elements.business_code.clone()),
        ("资料来源", content.source_place.clone()),
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
