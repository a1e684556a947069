//! What is wrong with a field of a guide, said twice: by the field's name for whoever writes a file or a program, and by its title for
//! whoever fills in the form.

use std::fmt::{self, Display};

/// A field and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    field: String,
    what: String,
}

impl Fault {
    /// What is wrong with a field, such as `materials[4].name`.
    pub(super) fn new(field: impl Into<String>, what: impl Into<String>) -> Self {
        Self { field: field.into(), what: what.into() }
    }

    /// As people of the centre read it: 材料第5项的名称：第1字起“其他材料”.
    #[must_use]
    pub fn in_words(&self) -> String {
        let said = self.field.split('.').filter(|part| *part != "elements").map(|part| {
            let (name, n) = part.split_once('[').unwrap_or((part, ""));
            match n.trim_end_matches(']').parse::<usize>() {
                Ok(n) => format!("{}第{}项", title(name), n + 1),
                Err(_) => title(name).to_owned(),
            }
        });
        format!("{}：{}", said.collect::<Vec<_>>().join("的"), self.what)
    }
}

impl Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.field, self.what)
    }
}

/// All of them in one line, for a refusal.
#[must_use]
pub fn all_in_words(faults: &[Fault]) -> String {
    faults.iter().map(Fault::in_words).collect::<Vec<_>>().join("；")
}

/// What a field of a guide is called where people read it; its own name where it is on no form.
#[must_use]
pub fn title(field: &str) -> &str {
    match field {
        "audience" => "申请人类型",
        "audience_text" => "办理对象",
        "area" => "通办范围",
        "blank_form" => "空白表格（文件编号）",
        "business_code" => "业务办理项编码",
        "closed_channels" => "不能办理的渠道",
        "conditions" => "受理条件",
        "consult" => "咨询方式",
        "copies" => "复印件份数",
        "count" => "份数",
        "days" => "工作日",
        "entrusted_by" => "委托部门",
        "fee" => "收费",
        "fee_basis" => "收费依据",
        "flow" => "环节",
        "form" => "形式",
        "ground" => "依据",
        "handling" => "办理形式",
        "hearing" => "不予批准前告知听证",
        "intermediary" => "中介服务",
        "issuer_guess" => "出具单位（不公布）",
        "local_catalog_code" => "地方基本目录编码",
        "local_item_code" => "地方实施清单编码",
        "may_follow" => "可以后补",
        "medium" => "纸质或电子",
        "mobile_url" => "移动端办理地址",
        "online" => "网上办理",
        "online_url" => "网上办理地址",
        "organ_nature" => "实施主体性质",
        "power_source" => "权力来源",
        "promise" => "可以书面承诺代替",
        "quota" => "数量限制",
        "required" => "人人都要交",
        "result_type" => "结果类型",
        "sample" => "填写样表（文件编号）",
        "source_place" => "资料来源",
        "source_url" => "来源网址",
        "special_procedures" => "特别程序",
        "handled_by" => "承办",
        "hours" => "办理时间",
        "item_code" => "实施编码",
        "joint_offices" => "联办科室",
        "kind" => "办件类型",
        "legal_basis" => "办理依据",
        "materials" => "材料",
        "name" => "名称",
        "note" => "说明",
        "organ" => "实施主体",
        "organ_code" => "实施主体的统一社会信用代码",
        "originals" => "原件份数",
        "paper_law" => "交纸质的法律依据",
        "parallel" => "同时办",
        "place" => "办理地点",
        "post" => "岗位",
        "promised_days" => "承诺时限",
        "promised_note" => "承诺时限说明",
        "result" => "办理结果",
        "source" => "来源",
        "source_note" => "来源说明",
        "specification" => "规格",
        "statutory_days" => "法定时限",
        "statutory_note" => "法定时限说明",
        "steps" => "怎么办",
        "supervise" => "监督投诉方式",
        "visits" => "到现场次数",
        other => other,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fault_is_said_by_its_field_and_by_its_title() {
        let fault = Fault::new("materials[4].paper_law", "为空");
        assert_eq!(fault.to_string(), "materials[4].paper_law 为空");
        assert_eq!(fault.in_words(), "材料第5项的交纸质的法律依据：为空");
        assert_eq!(Fault::new("elements.conditions[0]", "x").in_words(), "受理条件第1项：x");
        assert_eq!(Fault::new("promised_days", "x").in_words(), "承诺时限：x");
    }
}
