//! Templates (短信模板): the words of each kind. They are data: the centre's newest version counts, else what ships.

use super::BAD_TEXTS;
use super::kind::{ALL, Kind};
use super::vendor::{self, VendorFile};
use crate::base::error::Result;
use crate::domain::act::{Act, Publishing};
use crate::domain::audit;
use entity::Id;
use entity::notice::VendorState;
use entity::notice::template::{Column, Entity, Model};
use sea_orm::{ColumnTrait as _, ConnectionTrait, EntityTrait as _, QueryFilter as _, QueryOrder as _};
use serde::Deserialize;
use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

/// Words by which networks take a notice for advertising, and refuse it.
const ADVERTISING: [&str; 5] = ["评价有礼", "好评", "问卷", "中奖", "优惠"];
/// Longer templates leave no room for their values: networks take 500 characters.
const LONGEST: usize = 300;

/// A template in a file.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextFile {
    /// The word of its kind.
    pub kind: String,
    /// Its words, with `{name}` where a value goes.
    pub body: String,
    /// How it is told among several to one phone.
    #[serde(default)]
    pub line: Option<String>,
    /// The words around several of them, with `{n}` and `{lines}`.
    #[serde(default)]
    pub merged: Option<String>,
    /// The same as vendors know it, by gateway.
    #[serde(default)]
    pub vendors: BTreeMap<String, VendorFile>,
}

/// The words of a kind, in force.
#[derive(Clone, Debug)]
pub(super) struct Template {
    /// 0 for what ships.
    pub(super) version: i32,
    pub(super) body: String,
    pub(super) line: Option<String>,
    pub(super) merged: Option<String>,
}

/// What ships. A test reads it.
static SHIPPED: LazyLock<HashMap<String, TextFile>> = LazyLock::new(|| {
    let files: Vec<TextFile> = serde_json::from_str(include_str!("../../../seed/texts.json")).unwrap_or_default();
    files.into_iter().map(|f| (f.kind.clone(), f)).collect()
});

/// A centre's own words, the newest of each kind.
struct Own(HashMap<String, Template>);

impl Own {
    async fn read(db: &impl ConnectionTrait, centre: Id) -> Result<Self> {
        let rows = Entity::find().filter(Column::CentreId.eq(centre)).order_by_asc(Column::Version).all(db).await?;
        let words = |Model { kind, version, body, line, merged, .. }| (kind, Template { version, body, line, merged });
        // Of a kind, the last one stays.
        Ok(Self(rows.into_iter().map(words).collect()))
    }
}

/// The words of a kind that are in force in the act's centre.
pub(super) async fn in_force(act: &Act, kind: &Kind) -> Result<Template> {
    let own = act.centre.part(async |id| Own::read(&*act.tx, id).await).await?;
    if let Some(template) = own.0.get(kind.word) {
        return Ok(template.clone());
    }
    let shipped = SHIPPED.get(kind.word).ok_or_else(|| anyhow::anyhow!("no words for {}", kind.word))?;
    let TextFile { body, line, merged, .. } = shipped.clone();
    Ok(Template { version: 0, body, line, merged })
}

/// How a text is told among several: its line, and the words around all of them, into which [`together`] puts the lines.
#[must_use]
pub(super) fn apart(template: &Template, sign: &str, values: &[(&'static str, String)]) -> Option<String> {
    let (line, merged) = (template.line.as_ref()?, template.merged.as_ref()?);
    // What is not known yet stands for itself.
    let open = [("n", "{n}".to_owned()), ("lines", "{lines}".to_owned())];
    Some(format!("{}\n【{sign}】{}", render(line, values), render(merged, &[&open[..], values].concat())))
}

/// Several texts as one, in the words around the first.
#[must_use]
pub(super) fn together(apart: &[String]) -> Option<String> {
    let (_, around) = apart.first()?.split_once('\n')?;
    let lines: Vec<&str> = apart.iter().filter_map(|a| Some(a.split_once('\n')?.0)).collect();
    Some(render(around, &[("n", lines.len().to_string()), ("lines", lines.join("；"))]))
}

/// Puts values where a template names them. A value is never read as a template.
#[must_use]
pub(super) fn render(words: &str, values: &[(&str, String)]) -> String {
    let mut text = String::with_capacity(words.len() + 64);
    let mut rest = words;
    while let Some((before, after)) = rest.split_once('{') {
        text.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            text.push('{');
            rest = after;
            continue;
        };
        if let Some((_, value)) = values.iter().find(|(n, _)| *n == name) {
            text.push_str(value);
        }
        rest = after;
    }
    text.push_str(rest);
    text
}

/// Texts that a message is billed as: one up to 70 characters, else one for each 67 (by UTF-16, as networks count).
#[must_use]
pub fn segments(text: &str) -> i32 {
    let length = text.encode_utf16().count();
    let count = if length <= 70 { 1 } else { length.div_ceil(67) };
    i32::try_from(count).unwrap_or(i32::MAX)
}

/// A template that was put in force, and what one text of it is billed as.
pub struct Imported {
    /// The word of its kind.
    pub kind: String,
    /// Its version.
    pub version: i32,
    /// Such a text, with values as long as they often are.
    pub sample: String,
    /// Texts that it is billed as.
    pub segments: i32,
    /// Gateways whose vendors know it now, or say something else of it, and what they say.
    pub registered: Vec<(String, VendorState)>,
}

/// Puts a centre's own words in force; what was said before stays as it was. Words that are in force already are passed over.
///
/// # Errors
/// `bad_texts` with every fault; nothing is changed then.
pub async fn import(act: &Publishing, files: Vec<TextFile>) -> Result<Vec<Imported>> {
    let faults: Vec<String> = files.iter().enumerate().flat_map(|(n, file)| faults(n + 1, file)).collect();
    if !faults.is_empty() {
        return Err(BAD_TEXTS.with(&[("fault", &faults.join("；"))]).into());
    }
    let mut imported = Vec::new();
    for file in files {
        let kind = Kind::of(&file.kind).ok_or_else(|| anyhow::anyhow!("no kind {}", file.kind))?;
        let old = in_force(act, kind).await?;
        let same = (&old.body, &old.line, &old.merged) == (&file.body, &file.line, &file.merged);
        let version = if same { old.version } else { old.version + 1 };
        let mut registered = Vec::new();
        for (gateway, vendor) in file.vendors {
            let state = vendor.state;
            if vendor::enter(act, kind, version, &gateway, vendor).await? {
                registered.push((gateway, state));
            }
        }
        let values: Vec<_> = kind.values.iter().map(|name| (*name, sample(act, name))).collect();
        let sample = format!("【{}】{}", act.centre.sms_sign, render(&file.body, &values));
        if !same || !registered.is_empty() {
            let segments = segments(&sample);
            imported.push(Imported { kind: file.kind.clone(), version, sample, segments, registered });
        }
        if same {
            continue;
        }
        let row = Model {
            id: act.id(),
            centre_id: act.centre.id,
            kind: file.kind,
            version,
            body: file.body,
            line: file.line,
            merged: file.merged,
            created_at: act.now,
        };
        audit::note(act, "text.imported", &row.kind, serde_json::json!({ "version": row.version })).await?;
        act.insert(row).await?;
    }
    Ok(imported)
}

/// A value as long as it often is, so that the cost of a template is known before it is paid.
fn sample(act: &Act, name: &str) -> String {
    let (centre, url) = (&act.centre, &act.rules.public_url);
    let grades = "A5非常满意 A4满意 A3基本满意 A2不满意 A1非常不满意";
    match name {
        "when" | "new" => "11月25日(周三)上午9:30".to_owned(),
        "until" => "12月8日".to_owned(),
        "item" => "城乡居民基本养老保险参保登记".to_owned(),
        "number" => format!("{}-20261124-0001", centre.code),
        "place" => centre.address.clone(),
        "phone" => centre.phone.clone(),
        "code" => "482913".to_owned(),
        "tag" => "A".to_owned(),
        "link" => format!("{url}/r/{}", "x".repeat(22)),
        "way" => format!("请打开 {url}/r/{} 评价，或回复A加数字：{grades}", "x".repeat(22)),
        "outcome" => "不予受理，理由凭查询码查进度或问窗口".to_owned(),
        "whose" => "您替别人约的".to_owned(),
        "why" => "中心当天停电检修".to_owned(),
        "words" | "result" => "情况属实，已撤销“没有来”的记录".to_owned(),
        "gateway" => "tencent".to_owned(),
        _ => "5".to_owned(),
    }
}

/// What is wrong with a template.
fn faults(row: usize, file: &TextFile) -> Vec<String> {
    let Some(kind) = Kind::of(&file.kind) else {
        let known: Vec<&str> = ALL.iter().map(|k| k.word).collect();
        return vec![format!("第{row}行 kind 没有 {}，可用的有 {}", file.kind, known.join("、"))];
    };
    let mut faults = Vec::new();
    let parts = [("body", Some(&file.body)), ("line", file.line.as_ref()), ("merged", file.merged.as_ref())];
    for (name, words) in parts.into_iter().filter_map(|(name, words)| Some((name, words?))) {
        let at = format!("第{row}行 {name}");
        for placeholder in placeholders(words) {
            if !kind.values.contains(&placeholder.as_str()) {
                faults.push(format!("{at} 不能用 {{{placeholder}}}，{} 可用 {}", kind.word, kind.values.join("、")));
            }
        }
        if words.matches('{').count() != words.matches('}').count() || words.chars().any(char::is_control) {
            faults.push(format!("{at} 的大括号不成对，或有换行等控制字符"));
        }
        if let Some(word) = ADVERTISING.iter().find(|word| words.contains(**word)) {
            faults.push(format!("{at} 有“{word}”，运营商会当作营销短信拒发"));
        }
        let length = words.encode_utf16().count();
        if !(2..=LONGEST).contains(&length) {
            faults.push(format!("{at} 应为2至{LONGEST}字"));
        }
        if !words.chars().all(|c| c.len_utf16() == 1) {
            faults.push(format!("{at} 有表情或生僻字，手机可能显示不出来"));
        }
    }
    for (gateway, vendor) in &file.vendors {
        faults.extend(vendor::faults(&format!("第{row}行 vendors.{gateway}"), kind, gateway, vendor));
    }
    if kind.merges != (file.line.is_some() && file.merged.is_some()) || file.line.is_some() != file.merged.is_some() {
        let what = if kind.merges { "要同时写 line 和 merged" } else { "不用 line 和 merged" };
        faults.push(format!("第{row}行 {} {what}", kind.word));
    }
    faults
}

/// What stands in braces.
fn placeholders(words: &str) -> Vec<String> {
    words.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name.to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_ships_has_words_for_every_kind_and_no_fault() {
        let files: Vec<TextFile> = serde_json::from_str(include_str!("../../../seed/texts.json")).unwrap();
        assert_eq!(files.len(), ALL.len());
        for kind in ALL {
            assert!(files.iter().any(|f| f.kind == kind.word), "{}", kind.word);
        }
        let faults: Vec<String> = files.iter().enumerate().flat_map(|(n, f)| faults(n + 1, f)).collect();
        assert_eq!(faults, Vec::<String>::new());
    }

    #[test]
    fn seventy_characters_are_one_text_and_more_are_billed_by_sixty_seven() {
        for (length, count) in [(1, 1), (70, 1), (71, 2), (134, 2), (135, 3), (201, 3), (202, 4)] {
            assert_eq!(segments(&"字".repeat(length)), count, "{length}");
        }
        assert_eq!(segments(&"😀".repeat(36)), 2, "networks count halves of what lies beyond the basic plane");
    }

    #[test]
    fn a_value_is_never_read_as_a_template() {
        let values = [("a", "{b}".to_owned()), ("b", "不".to_owned())];
        assert_eq!(render("一{a}二{b}三{c}四", &values), "一{b}二不三四");
        assert_eq!(render("没有{收尾", &values), "没有{收尾");
    }

    #[test]
    fn several_are_told_as_one_in_the_words_around_the_first() {
        let template = Template {
            version: 0,
            body: "您约了{when}".to_owned(),
            line: Some("{when}“{item}”".to_owned()),
            merged: Some("您家约了{n}件事：{lines}。到{place}。".to_owned()),
        };
        let told = |when: &str, item: &str| {
            let values = [("when", when.to_owned()), ("item", item.to_owned()), ("place", "大厅{n}".to_owned())];
            apart(&template, "中心", &values).unwrap()
        };
        let both = together(&[told("9点", "社保卡"), told("10点", "{lines}")]).unwrap();
        assert_eq!(both, "【中心】您家约了2件事：9点“社保卡”；10点“{lines}”。到大厅2。");
        assert_eq!(together(&[]), None);
    }

    proptest! {
        #[test]
        fn words_without_braces_stay_as_they_are(words in "[^{}]{0,80}") {
            prop_assert_eq!(render(&words, &[]), words);
        }
    }
}
