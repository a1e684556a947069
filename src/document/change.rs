//! What a draft of a guide says otherwise than the guide in force (修改对照): whoever publishes it sees each change, none is hidden.

use super::guide::{Bring, Sheet};
use entity::guide::{Content, FlowStep, StepKind};

/// Something that is said otherwise. What was not there before, or is not any longer, is a dash.
#[derive(Debug, PartialEq, Eq)]
pub struct Change {
    /// Of what.
    pub what: String,
    /// As it is in force.
    pub before: String,
    /// As it would be.
    pub after: String,
}

const NOTHING: &str = "—";

/// A guide as it is published, and the steps at their posts, which its public page does not tell.
pub struct Reading {
    /// What people will read.
    pub sheet: Sheet,
    /// Steps: name, post and days.
    pub flow: Vec<String>,
}

impl Reading {
    /// Reads what a guide says; `post` gives the name of a post by its code.
    #[must_use]
    pub fn new(sheet: Sheet, content: &Content, post: impl Fn(&str) -> String) -> Self {
        Self { sheet, flow: content.flow.iter().map(|step| in_words(step, &post)).collect() }
    }

    /// What it says otherwise than the one before.
    #[must_use]
    pub fn changes(&self, before: &Self) -> Vec<Change> {
        let (old, new) = (&before.sheet, &self.sheet);
        let mut changes = Vec::new();
        let mut said = |what: &str, before: Option<String>, after: Option<String>| {
            if before != after {
                let or_dash = |said: Option<String>| said.unwrap_or_else(|| NOTHING.to_owned());
                changes.push(Change { what: what.to_owned(), before: or_dash(before), after: or_dash(after) });
            }
        };
        said("事项名称", Some(old.name.clone()), Some(new.name.clone()));
        let fact = |of: &Sheet, what: &str| of.facts.iter().find(|(w, _)| *w == what).map(|(_, said)| said.clone());
        let titles = new.facts.iter().chain(old.facts.iter().filter(|(what, _)| fact(new, what).is_none()));
        for (what, _) in titles {
            said(what, fact(old, what), fact(new, what));
        }
        let (was, is) = (materials(old), materials(new));
        let material = |of: &[(String, String)], name: &str| of.iter().find(|(n, _)| n == name).map(|(_, m)| m.clone());
        let gone = was.iter().filter(|(name, _)| material(&is, name).is_none());
        for (name, _) in is.iter().chain(gone) {
            said(&format!("材料：{name}"), material(&was, name), material(&is, name));
        }
        let order = |of: &[(String, String)], other: &[(String, String)]| {
            let kept = of.iter().filter(|(name, _)| material(other, name).is_some());
            kept.map(|(name, _)| name.clone()).collect::<Vec<_>>()
        };
        let ways = |of: &Sheet| of.closed.iter().map(|(way, ground)| format!("{way}：{ground}")).collect::<Vec<_>>();
        for (what, before, after) in [
            ("材料的先后", order(&was, &is), order(&is, &was)),
            ("受理条件", old.conditions.clone(), new.conditions.clone()),
            ("环节", before.flow.clone(), self.flow.clone()),
            ("怎么办", old.steps.clone(), new.steps.clone()),
            ("依据", old.basis.clone(), new.basis.clone()),
            ("不能办理的渠道", ways(old), ways(new)),
        ] {
            let (gone, new) = apart(&before, &after);
            said(what, gone, new);
        }
        changes
    }
}

/// The lines that are in one list alone; both lists whole, where they differ in the order alone.
fn apart(before: &[String], after: &[String]) -> (Option<String>, Option<String>) {
    let only = |one: &[String], other: &[String]| {
        one.iter().filter(|line| !other.contains(line)).cloned().collect::<Vec<_>>().join("\n")
    };
    let (gone, new) = (only(before, after), only(after, before));
    if before != after && gone.is_empty() && new.is_empty() {
        return (Some(before.join("\n")), Some(after.join("\n")));
    }
    (Some(gone).filter(|lines| !lines.is_empty()), Some(new).filter(|lines| !lines.is_empty()))
}

/// Materials by name, a second one of a name by its number, with all that is said of each.
fn materials(sheet: &Sheet) -> Vec<(String, String)> {
    let mut all: Vec<(String, String)> = Vec::new();
    for material in &sheet.materials {
        let before = sheet.materials.iter().take(all.len()).filter(|m| m.name == material.name).count();
        let number = if before == 0 { String::new() } else { format!("（第{}份）", before + 1) };
        all.push((format!("{}{number}", material.name), whole(material)));
    }
    all
}

fn whole(material: &Bring) -> String {
    let file =
        |what: &str, id: Option<entity::Id>| id.map(|id| format!("{what}（文件{}）", &id.simple().to_string()[20..]));
    let said = [
        Some(material.more.clone()).filter(|more| !more.is_empty()),
        file("空白表格", material.blank_form),
        file("填写样表", material.sample),
    ];
    let said = said.into_iter().flatten().collect::<Vec<_>>().join("，");
    if said.is_empty() { "需要".to_owned() } else { said }
}

fn in_words(step: &FlowStep, post: &impl Fn(&str) -> String) -> String {
    let kind = match step.kind {
        StepKind::Handle => "承办",
        StepKind::Review => "审核",
        StepKind::Report => "上报",
        StepKind::Decide => "决定",
    };
    let beside = if step.parallel { "，与上一个环节同时办" } else { "" };
    format!("{}（{kind}，{}，{}个工作日{beside}）", step.name, post(&step.post), step.days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use entity::Id;
    use entity::centre::office;
    use serde_json::{Value, json};

    fn read(content: &Content) -> Reading {
        let office = office::Model {
            id: Id::nil(),
            centre_id: Id::nil(),
            code: "MZ".to_owned(),
            name: "民政办".to_owned(),
            phone: "023".to_owned(),
        };
        Reading::new(Sheet::saying(content, "MZ-01", 1, &office), content, ToOwned::to_owned)
    }

    /// A guide that says something in every field.
    fn full() -> Value {
        let text = r#"{
            "name": "名", "handled_by": "承", "audience_text": "谁", "audience": ["person"], "kind": "promised",
            "legal_basis": ["法"], "statutory_days": 9, "promised_days": 8, "fee": "无", "steps": ["来"],
            "flow": [{ "name": "核", "kind": "handle", "post": "MZ1", "days": 2, "parallel": true }], "hearing": true,
            "result": "证", "online": true, "source_url": "http://a", "source_place": "区", "note": "注",
            "materials": [{
                "name": "表", "form": "original", "count": 1, "source": "自备", "issuer_guess": null, "required": false,
                "medium": "paper", "paper_law": "《法》", "source_note": "说", "specification": "A4", "originals": 1,
                "copies": 2, "promise": true, "may_follow": true,
                "blank_form": "00000000-0000-0000-0000-000000000000", "sample": "00000000-0000-0000-0000-000000000000"
            }],
            "elements": {
                "item_code": "1", "business_code": "2", "local_catalog_code": "3", "local_item_code": "4", "organ": "乡",
                "organ_code": "5", "organ_nature": "statutory", "entrusted_by": "县", "power_source": "own",
                "conditions": ["居"], "statutory_note": "法", "promised_note": "承", "special_procedures": ["hearing"],
                "fee_basis": "据", "handling": "窗", "visits": 1, "place": "厅", "hours": "时", "consult": "问",
                "supervise": "督", "online_url": "u", "mobile_url": "m", "area": "县", "joint_offices": ["农"],
                "intermediary": "无", "quota": "无", "result_type": "licence",
                "closed_channels": [{ "channel": "phone", "ground": "须当面" }]
            }
        }"#;
        serde_json::from_str(text).unwrap()
    }

    #[test]
    fn article_4_3_no_field_of_a_draft_changes_unseen() {
        let content: Content = serde_json::from_value(full()).unwrap();
        // Nothing was left out above, but the guess that is shown to nobody.
        let all = serde_json::to_value(&content).unwrap();
        let empty = |of: &Value| of.as_object().unwrap().values().filter(|v| v.is_null() || *v == &json!([])).count();
        assert_eq!((empty(&all), empty(&all["elements"]), empty(&all["materials"][0])), (0, 0, 1), "{all}");
        assert_eq!(read(&content).changes(&read(&content)), []);
        let other = |of: &Value| match of {
            Value::String(word) => match word.as_str() {
                "promised" => json!("instant"),
                "paper" => json!("either"),
                "statutory" => json!("authorised"),
                "own" => json!("entrusted"),
                "licence" => json!("approval"),
                "handle" => json!("review"),
                id if Id::parse_str(id).is_ok() => json!(Id::max()),
                text => json!(format!("{text}改")),
            },
            Value::Number(n) => json!(n.as_i64().unwrap() + 1),
            Value::Bool(b) => json!(!b),
            _ => json!([]),
        };
        let mut tried = 0;
        for room in ["", "/elements", "/materials/0", "/flow/0"] {
            for field in all.pointer(room).unwrap().as_object().unwrap().keys() {
                if matches!(field.as_str(), "elements" | "issuer_guess") {
                    continue;
                }
                let mut changed = all.clone();
                let place = changed.pointer_mut(&format!("{room}/{field}")).unwrap();
                *place = other(place);
                let changed: Content = serde_json::from_value(changed).unwrap();
                let changes = read(&changed).changes(&read(&content));
                assert!(!changes.is_empty(), "{room}/{field}");
                tried += 1;
            }
        }
        assert_eq!(tried, 18 + 28 + 15 + 5);
    }

    #[test]
    fn lists_show_what_came_and_what_went() {
        let lines = |of: &[&str]| of.iter().map(|l| (*l).to_owned()).collect::<Vec<_>>();
        let some = |said: &str| Some(said.to_owned());
        assert_eq!(apart(&lines(&["a", "b"]), &lines(&["b", "c"])), (some("a"), some("c")));
        assert_eq!(apart(&lines(&["a"]), &lines(&["a", "b"])), (None, some("b")));
        assert_eq!(apart(&lines(&["a", "b"]), &lines(&["b", "a"])), (some("a\nb"), some("b\na")));
        assert_eq!(apart(&lines(&["a"]), &lines(&["a"])), (None, None));
    }
}
