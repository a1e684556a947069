//! What a draft of a guide says otherwise than the guide in force (修改对照): whoever publishes it sees each change, none is hidden.

use super::guide::{channel_name, form_name, item_name, kind_name, medium_name, nature_name, result_name, source_name};
use crate::domain::case::procedure_name;
use crate::domain::guide::fault::title;
use entity::applicant::ApplicantKind;
use entity::case::SpecialProcedure;
use entity::guide::{Content, FlowStep, ItemKind, Medium, OrganNature, PowerSource, ResultType, StepKind};
use sea_orm::ActiveEnum as _;
use serde_json::Value;

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

/// A field that says something: where it stands, what is kept there, and both in words.
struct Said {
    /// The material, if it is of one, by its name and its place among those of that name; and the field.
    at: (Option<(String, usize)>, String),
    kept: Value,
    what: String,
    words: String,
}

/// What a draft says otherwise, field by field as it is kept, so that no words in one field can pass for another; `post` names a post by
/// its code.
#[must_use]
pub fn changes(before: &Content, after: &Content, post: impl Fn(&str) -> String) -> Vec<Change> {
    let (old, new) = (fields(before, &post), fields(after, &post));
    let twin = |of: &Said, all: &[Said]| all.iter().position(|other| other.at == of.at);
    let words = |of: Option<&Said>| of.map_or_else(|| NOTHING.to_owned(), |said| said.words.clone());
    let changed = new.iter().filter_map(|is| {
        let was = twin(is, &old).map(|n| &old[n]);
        let same = was.is_some_and(|was| was.kept == is.kept);
        (!same).then(|| Change { what: is.what.clone(), before: words(was), after: words(Some(is)) })
    });
    let gone = old.iter().filter(|was| twin(was, &new).is_none());
    let gone = gone.map(|was| Change { what: was.what.clone(), before: words(Some(was)), after: words(None) });
    changed.chain(gone).collect()
}

/// Everything that a guide says, by field, but what it does not say.
fn fields(content: &Content, post: &impl Fn(&str) -> String) -> Vec<Said> {
    let mut all = Vec::new();
    let mut whole = serde_json::to_value(content).unwrap_or_default();
    let elements = whole["elements"].take();
    for part in [&whole, &elements] {
        for (field, value) in part.as_object().into_iter().flatten() {
            let words = match (field.as_str(), value) {
                ("materials" | "elements", _) => continue,
                ("flow", _) => numbered(content.flow.iter().map(|step| in_words(step, post))),
                ("closed_channels", _) => numbered(
                    content
                        .elements
                        .closed_channels
                        .iter()
                        .map(|c| format!("{}：{}", channel_name(c.channel), c.ground)),
                ),
                (_, Value::Array(items)) => numbered(items.iter().filter_map(|item| word(field, item))),
                (_, value) => word(field, value),
            };
            let what = title(field).to_owned();
            all.extend(words.map(|words| Said { at: (None, field.clone()), kept: value.clone(), what, words }));
        }
    }
    let names: Vec<&str> = content.materials.iter().map(|material| material.name.as_str()).collect();
    let (at, kept) = ((None, "materials".to_owned()), Value::from(names.clone()));
    let listed = numbered(names.iter().map(|name| (*name).to_owned()));
    all.extend(listed.map(|words| Said { at, kept, what: "材料清单".to_owned(), words }));
    for (n, material) in content.materials.iter().enumerate() {
        // Those of one name by their order among themselves: what stands before one moves none.
        let twin = names.iter().take(n).filter(|other| **other == material.name).count();
        let among = if twin == 0 { String::new() } else { format!("（同名第{}项）", twin + 1) };
        let fields = serde_json::to_value(material).unwrap_or_default();
        for (field, value) in fields.as_object().into_iter().flatten().filter(|(field, _)| *field != "name") {
            let what = format!("材料《{}》{among}的{}", material.name, title(field));
            let at = (Some((material.name.clone(), twin)), field.clone());
            all.extend(word(field, value).map(|words| Said { at, kept: value.clone(), what, words }));
        }
    }
    all
}

/// A list by its numbers, if it has something.
fn numbered(lines: impl Iterator<Item = String>) -> Option<String> {
    let lines: Vec<_> = lines.enumerate().map(|(n, line)| format!("{}. {line}", n + 1)).collect();
    (!lines.is_empty()).then(|| lines.join("\n"))
}

/// A value as people read it; the words of ours that a field holds by their names here.
fn word(field: &str, value: &Value) -> Option<String> {
    let text = match value {
        Value::Null | Value::Array(_) | Value::Object(_) => return None,
        Value::Bool(yes) => if *yes { "是" } else { "否" }.to_owned(),
        Value::Number(n) => n.to_string(),
        Value::String(text) => text.clone(),
    };
    let named = |named: Option<&str>| named.map(ToOwned::to_owned);
    let own = match field {
        "form" => Some(form_name(&text)),
        "kind" => named(ItemKind::try_from_value(&text).ok().map(item_name)),
        "audience" => named(ApplicantKind::try_from_value(&text).ok().map(kind_name)),
        "medium" => named(Medium::try_from_value(&text).ok().map(medium_name)),
        "power_source" => named(PowerSource::try_from_value(&text).ok().map(source_name)),
        "organ_nature" => named(OrganNature::try_from_value(&text).ok().map(nature_name)),
        "result_type" => named(ResultType::try_from_value(&text).ok().map(result_name)),
        "special_procedures" => named(SpecialProcedure::try_from_value(&text).ok().map(procedure_name)),
        _ => None,
    };
    Some(own.unwrap_or(text))
}

/// A step with its post and its days.
#[must_use]
pub fn in_words(step: &FlowStep, post: &impl Fn(&str) -> String) -> String {
    let kind = match step.kind {
        StepKind::Handle => "承办",
        StepKind::Review => "审核",
        StepKind::Report => "上报",
        StepKind::Decide => "决定",
    };
    let beside = if step.parallel { "，与上一个环节同时办" } else { "" };
    format!("{}（{kind}，{}（{}），{}个工作日{beside}）", step.name, post(&step.post), step.post, step.days)
}

#[cfg(test)]
mod tests {
    use super::*;
    use entity::Id;
    use serde_json::{Value, json};

    fn told(before: &Content, after: &Content) -> Vec<Change> {
        changes(before, after, ToOwned::to_owned)
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
        assert_eq!(told(&content, &content), []);
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
                if field == "elements" || (field == "issuer_guess" && room.starts_with("/m")) {
                    continue;
                }
                let mut changed = all.clone();
                let place = changed.pointer_mut(&format!("{room}/{field}")).unwrap();
                *place = other(place);
                let changed: Content = serde_json::from_value(changed).unwrap();
                let changes = told(&content, &changed);
                assert!(!changes.is_empty(), "{room}/{field}");
                tried += 1;
            }
        }
        assert_eq!(tried, 18 + 28 + 15 + 5);
    }

    #[test]
    fn article_4_3_no_words_pass_for_another_field_and_no_change_hides_behind_another() {
        let mut before: Content = serde_json::from_value(full()).unwrap();
        before.materials[0].source = None;
        let mut after = before.clone();
        (after.materials[0].promise, after.materials[0].source) = (Some(false), Some("可以书面承诺代替".to_owned()));
        let what = |of: &[Change]| of.iter().map(|c| c.what.clone()).collect::<Vec<_>>();
        let said = told(&before, &after);
        assert_eq!(what(&said), ["材料《表》的来源", "材料《表》的可以书面承诺代替"]);
        assert_eq!((said[1].before.as_str(), said[1].after.as_str()), ("是", "否"));
        // The order is told though a line is new as well.
        let steps = |of: &[&str]| of.iter().map(|s| (*s).to_owned()).collect::<Vec<_>>();
        (before.steps, after.steps) = (steps(&["甲", "乙", "丙"]), steps(&["乙", "甲", "丁"]));
        let said = told(&before, &after);
        let row = said.iter().find(|c| c.what == "怎么办").unwrap();
        assert_eq!((row.before.as_str(), row.after.as_str()), ("1. 甲\n2. 乙\n3. 丙", "1. 乙\n2. 甲\n3. 丁"));
        // What reads the same and is not is told: a word of ours, and a text that is written like its name.
        let mut alike = before.clone();
        (alike.materials[0].form, alike.steps) = (Some("原件".to_owned()), steps(&["甲\n2. 乙", "丙"]));
        assert_eq!(what(&told(&before, &alike)), ["怎么办", "材料《表》的形式"]);
        // Of two materials of one name each is told.
        let mut twins = before.clone();
        twins.materials.push(twins.materials[0].clone());
        twins.materials[1].count = Some(30);
        assert!(what(&told(&before, &twins)).contains(&"材料《表》（同名第2项）的份数".to_owned()));
    }
}
