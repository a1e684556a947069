//! What keeps a guide from being published, whoever wrote it.

use super::code;
use super::fault::Fault;
use super::lint::{self, Severity};
use crate::base::personal;
use entity::Id;
use entity::centre::office;
use entity::guide::{Content, FlowStep, ItemKind, Material, StepKind};
use entity::post::Model as Post;
use std::fmt::Display;

/// Longest text of a field, in characters; a statute's title fits, a chapter does not.
const LONGEST: usize = 2000;
/// Most entries of a list.
const MOST: usize = 100;

/// What is wrong with a guide by itself, field by field, vague words among it.
#[must_use]
pub fn faults(content: &Content) -> Vec<Fault> {
    let mut wrong = unreadable(content);
    if personal::name(&content.name).is_none() {
        wrong.push(Fault::new("name", "为空、过长或含特殊字符"));
    }
    limits(content, &mut wrong);
    flow(&content.flow, content.promised_days.or(content.statutory_days), &mut wrong);
    joint(content, &mut wrong);
    for (n, material) in content.materials.iter().enumerate() {
        of_material(n, material, &mut wrong);
    }
    elements(content, &mut wrong);
    wrong.extend(findings(content, Severity::Error));
    wrong
}

/// What is shown to whoever compiles a guide, and stops nothing.
#[must_use]
pub fn warnings(content: &Content) -> Vec<Fault> {
    findings(content, Severity::Warning).collect()
}

fn findings(content: &Content, severity: Severity) -> impl Iterator<Item = Fault> {
    let graver = lint::guide(content).into_iter().filter(move |f| f.severity == severity);
    graver.map(|f| Fault::new(f.field, format!("第{}字起“{}”", f.position, f.word)))
}

/// Texts that hold what no keyboard types, or are a book: what is not even written down.
#[must_use]
pub fn unreadable(content: &Content) -> Vec<Fault> {
    fn walk(path: &str, value: &serde_json::Value, wrong: &mut Vec<Fault>) {
        match value {
            serde_json::Value::String(text) => {
                let odd = |c: char| personal::is_disguise(c) && c != '\n' && c != '\r' && c != '\t';
                if text.chars().any(odd) || text.chars().count() > LONGEST {
                    wrong.push(Fault::new(path, format!("含特殊字符或超过{LONGEST}字")));
                }
            }
            serde_json::Value::Array(items) => {
                if items.len() > MOST {
                    wrong.push(Fault::new(path, format!("超过{MOST}项")));
                }
                items.iter().enumerate().for_each(|(n, item)| walk(&format!("{path}[{n}]"), item, wrong));
            }
            serde_json::Value::Object(fields) => {
                let name = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
                fields.iter().for_each(|(key, field)| walk(&name(key), field, wrong));
            }
            _ => {}
        }
    }
    let mut wrong = Vec::new();
    walk("", &serde_json::to_value(content).unwrap_or_default(), &mut wrong);
    wrong
}

fn limits(content: &Content, wrong: &mut Vec<Fault>) {
    for (field, days) in [("statutory_days", content.statutory_days), ("promised_days", content.promised_days)] {
        if days.is_some_and(|d| !(0..=3650).contains(&d)) {
            wrong.push(Fault::new(field, "应为0至3650个工作日"));
        }
    }
    if let (Some(by_law), Some(promised)) = (content.statutory_days, content.promised_days)
        && promised > by_law
    {
        wrong.push(Fault::new("promised_days", format!("{promised}个工作日，长于法定时限{by_law}个工作日")));
    }
}

fn flow(flow: &[FlowStep], limit: Option<i32>, wrong: &mut Vec<Fault>) {
    for (n, step) in flow.iter().enumerate() {
        if !(1..=40).contains(&step.name.trim().chars().count()) || !(1..=365).contains(&step.days) {
            wrong.push(Fault::new(format!("flow[{n}]"), "应有名称（1至40字）和1至365个工作日的时限"));
        }
        if step.kind == StepKind::Decide {
            wrong.push(Fault::new(format!("flow[{n}].kind"), "不能是决定（decide）：决定是每个办件的最后一步，不用写"));
        }
    }
    if flow.first().is_some_and(|step| step.parallel) {
        wrong.push(Fault::new("flow[0].parallel", "第一个环节之前没有环节，不能与上一环节并行"));
    }
    // Of steps beside one another the longest counts.
    let (mut together, mut longest) = (0, 0);
    for step in flow {
        if !step.parallel {
            together += std::mem::take(&mut longest);
        }
        longest = longest.max(i64::from(step.days));
    }
    together += longest;
    if limit.is_some_and(|limit| together > i64::from(limit)) {
        wrong.push(Fault::new("flow", format!("各环节共{together}个工作日，超过办理期限")));
    }
}

/// Working days within which offices together decide (行政许可法 42).
const JOINT_DAYS: i32 = 45;

/// A joint matter (联办件) is promised, within 45 working days, and says which office does what.
fn joint(content: &Content, wrong: &mut Vec<Fault>) {
    if content.elements.joint_offices.is_empty() {
        return;
    }
    let limit = content.promised_days.or(content.statutory_days);
    if !limit.is_some_and(|limit| (1..=JOINT_DAYS).contains(&limit)) {
        let what = format!("联办件（写了联办科室）应公布期限，不超过{JOINT_DAYS}个工作日");
        wrong.push(Fault::new("promised_days", what));
    }
    if content.kind == Some(ItemKind::Instant) {
        wrong.push(Fault::new("kind", "联办件不能是即办件"));
    }
    if content.flow.is_empty() {
        wrong.push(Fault::new("flow", "联办件应写明各家的环节、岗位和时限"));
    }
}

/// Offices that are named as taking part and are none of the centre's, or the matter's own; steps at posts of other offices that it
/// does not name, which would not see its cases; and a joint matter of which no other office has a part.
#[must_use]
pub fn parts(content: &Content, office: Id, posts: &[Post], offices: &[office::Model]) -> Vec<Fault> {
    let at = |step: &FlowStep| posts.iter().find(|post| post.code == step.post);
    let other = |step: &FlowStep| at(step)?.office_id.filter(|of| *of != office);
    let mut wrong = Vec::new();
    for (n, named) in content.elements.joint_offices.iter().enumerate() {
        let what = match offices.iter().find(|o| o.name == *named) {
            None => "不是本中心的科室",
            Some(own) if own.id == office => "就是承办科室，联办科室是另外的科室",
            Some(_) => continue,
        };
        wrong.push(Fault::new(format!("elements.joint_offices[{n}]"), format!("“{named}”{what}")));
    }
    // A file of guides may come before the posts that it speaks of.
    if !posts.is_empty()
        && !content.elements.joint_offices.is_empty()
        && !content.flow.iter().any(|s| other(s).is_some())
    {
        wrong.push(Fault::new("flow", "联办件（写了联办科室）应至少有一个环节在联办科室的岗位"));
    }
    for (n, step) in content.flow.iter().enumerate() {
        let name = other(step).and_then(|of| offices.iter().find(|o| o.id == of)).map(|o| &o.name);
        if let Some(name) = name.filter(|name| !content.elements.joint_offices.contains(name)) {
            let what = format!("是{name}的岗位，请把“{name}”写进联办科室（elements.joint_offices）");
            wrong.push(Fault::new(format!("flow[{n}].post"), what));
        }
    }
    wrong
}

fn of_material(n: usize, material: &Material, wrong: &mut Vec<Fault>) {
    let mut fault = |field: &str, what: &str| wrong.push(Fault::new(format!("materials[{n}].{field}"), what));
    if material.name.trim().is_empty() {
        fault("name", "为空");
    }
    for (field, count) in [("count", material.count), ("originals", material.originals), ("copies", material.copies)] {
        let least = i32::from(field == "count");
        if count.is_some_and(|c| !(least..=99).contains(&c)) {
            fault(field, if least == 1 { "应为正数，不超过99" } else { "应为0至99" });
        }
    }
    if material.paper_law.as_ref().is_some_and(|law| !law.contains('《') || law.chars().count() < 5) {
        fault("paper_law", "应写明要求纸质材料的法律法规名称和条款，如《…法》第…条");
    }
}

fn elements(content: &Content, wrong: &mut Vec<Fault>) {
    let elements = &content.elements;
    let mut fault =
        |field: &str, what: &dyn Display| wrong.push(Fault::new(format!("elements.{field}"), what.to_string()));
    let item = elements.item_code.as_deref().map(|c| (c, code::item(c)));
    if let Some((_, Err(why))) = &item {
        fault("item_code", why);
    }
    if let Some(business) = elements.business_code.as_deref() {
        match (code::business(business), &item) {
            (Err(why), _) => fault("business_code", &why),
            (Ok(_), Some((item, Ok(_)))) if !business.starts_with(item) => {
                fault("business_code", &"前31位与实施编码不一致");
            }
            _ => {}
        }
    }
    if let Some(organ) = elements.organ_code.as_deref() {
        if !code::is_organ(organ) {
            fault("organ_code", &"不是有效的统一社会信用代码");
        } else if item.is_some_and(|(_, code)| code.is_ok_and(|code| code.organ != organ)) {
            fault("organ_code", &"与实施编码的前18位不一致");
        }
    }
    if elements.visits.is_some_and(|visits| !(0..=9).contains(&visits)) {
        fault("visits", &"应为0至9次");
    }
    for (n, closed) in elements.closed_channels.iter().enumerate() {
        if !(5..=200).contains(&closed.ground.trim().chars().count()) {
            fault(&format!("closed_channels[{n}].ground"), &"关闭一个办理渠道必须写明依据或理由（5至200字）");
        }
    }
}
