//! Guides (办事指南): what the centre handles and what it takes.

use crate::applicant::ApplicantKind;
use crate::case::{Channel, SpecialProcedure};
use crate::{Id, Time};
use chrono::NaiveDate;
use poem_openapi::Object;
use sea_orm::{FromJsonQueryResult, entity::prelude::*};
use serde::{Deserialize, Serialize};

word! {
    /// How a matter is promised (办件类型).
    ItemKind {
        /// 即办件: done on the spot or the same day.
        Instant,
        /// 承诺件: done within a promised number of working days.
        Promised,
    }
}

word! {
    /// What is done in a step of handling (环节, article 4.4).
    StepKind {
        /// 承办.
        Handle,
        /// 审核, by the delegated power.
        Review,
        /// 上报 to the authority that decides, by the same power.
        Report,
        /// 决定: the last one of each case.
        Decide,
    }
}

word! {
    /// Whose power it is (权力来源).
    PowerSource {
        /// 法定本级行使.
        Own,
        /// 上级下放.
        HandedDown,
        /// 授权.
        Authorised,
        /// 委托.
        Entrusted,
    }
}

word! {
    /// What the organ is that has the power (实施主体性质).
    OrganNature {
        /// 法定机关.
        Statutory,
        /// 授权组织.
        Authorised,
        /// 受委托组织.
        Entrusted,
    }
}

word! {
    /// What the result is (结果类型).
    ResultType {
        /// 证照.
        Licence,
        /// 批文.
        Approval,
        /// 其他.
        Other,
    }
}

word! {
    /// What a material may be given on (材料形式).
    Medium {
        /// 纸质.
        Paper,
        /// 电子.
        Electronic,
        /// 纸质或电子.
        Either,
    }
}

/// A step of handling: the post at which it is done, and its limit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
pub struct FlowStep {
    /// Its name.
    pub name: String,
    /// What is done in it.
    pub kind: StepKind,
    /// Code of the post.
    pub post: String,
    /// Working days it may take.
    pub days: i32,
    /// It begins with the step before, and goes on beside it (并联): a part of another office.
    #[serde(default, skip_serializing_if = "is_not")]
    #[oai(default)]
    pub parallel: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands over a reference")]
const fn is_not(said: &bool) -> bool {
    !*said
}

/// A guide: a stable code and the version in force.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "guide")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// Stable short code, unique in the centre.
    pub code: String,
    /// The office that handles it.
    pub office_id: Id,
    /// Name of the version in force.
    pub name: String,
    /// Who may apply, as words joined by commas.
    pub audience: String,
    /// Number of the version in force; 0 while none is.
    pub version: i32,
    /// Last day on which it is handled here, if that was decided.
    pub retired_on: Option<NaiveDate>,
    /// Why it is not any longer.
    pub retired_why: Option<String>,
}
plain!();

/// A material an applicant gives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
pub struct Material {
    /// Name.
    pub name: String,
    /// Original, copy or both, where published.
    pub form: Option<String>,
    /// How many, where published.
    pub count: Option<i32>,
    /// Where it comes from, where published.
    pub source: Option<String>,
    /// Who issues it, by our own reading; not shown.
    pub issuer_guess: Option<String>,
    /// False for one that only some applicants need (必要性).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required: Option<bool>,
    /// On what it may be given.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub medium: Option<Medium>,
    /// The law that demands paper; without one nobody may ask for paper (article 4.7).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub paper_law: Option<String>,
    /// More on where it comes from (来源渠道说明).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_note: Option<String>,
    /// Size or form of the paper (规格).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub specification: Option<String>,
    /// How many originals.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub originals: Option<i32>,
    /// How many copies.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub copies: Option<i32>,
    /// A promise in writing may stand for it (告知承诺).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub promise: Option<bool>,
    /// It may follow later (容缺受理).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub may_follow: Option<bool>,
    /// File of the blank form (空白表格).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub blank_form: Option<Id>,
    /// File of a form filled in as a model (示范文本).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sample: Option<Id>,
}

/// A channel by which a matter cannot be had, with the ground: none is closed without one (article 2.3, 4.7).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(deny_unknown_fields)]
#[oai(deny_unknown_fields)]
pub struct ClosedChannel {
    /// The channel.
    pub channel: Channel,
    /// The ground.
    pub ground: String,
}

/// The rest of the national set of elements of a guide (实施清单要素, GB/T 39554.2). What was not published is null or empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, Object)]
#[serde(default, deny_unknown_fields)]
#[oai(deny_unknown_fields)]
pub struct Elements {
    /// 实施编码, 31 characters.
    pub item_code: Option<String>,
    /// 业务办理项编码, 33 characters.
    pub business_code: Option<String>,
    /// 地方基本目录编码.
    pub local_catalog_code: Option<String>,
    /// 地方实施清单编码.
    pub local_item_code: Option<String>,
    /// 实施主体.
    pub organ: Option<String>,
    /// Its 统一社会信用代码, 18 characters.
    pub organ_code: Option<String>,
    /// 实施主体性质.
    pub organ_nature: Option<OrganNature>,
    /// 委托部门.
    pub entrusted_by: Option<String>,
    /// 权力来源.
    pub power_source: Option<PowerSource>,
    /// 受理条件.
    #[oai(default)]
    pub conditions: Vec<String>,
    /// 法定时限说明.
    pub statutory_note: Option<String>,
    /// 承诺时限说明.
    pub promised_note: Option<String>,
    /// 特别程序.
    #[oai(default)]
    pub special_procedures: Vec<SpecialProcedure>,
    /// 收费依据.
    pub fee_basis: Option<String>,
    /// 办理形式, in words.
    pub handling: Option<String>,
    /// 到办事现场次数.
    pub visits: Option<i32>,
    /// 办理地点.
    pub place: Option<String>,
    /// 办理时间.
    pub hours: Option<String>,
    /// 咨询方式.
    pub consult: Option<String>,
    /// 监督投诉方式.
    pub supervise: Option<String>,
    /// 网上办理地址.
    pub online_url: Option<String>,
    /// 移动端办理地址.
    pub mobile_url: Option<String>,
    /// 通办范围.
    pub area: Option<String>,
    /// 联办机构: the other offices that have parts of it, by their names. A matter that names one is a joint one (联办件).
    #[oai(default)]
    pub joint_offices: Vec<String>,
    /// 中介服务.
    pub intermediary: Option<String>,
    /// 数量限制.
    pub quota: Option<String>,
    /// 结果类型.
    pub result_type: Option<ResultType>,
    /// Channels by which it cannot be had.
    #[oai(default)]
    pub closed_channels: Vec<ClosedChannel>,
}

/// What a guide says. A null field is one that was never published and is shown as 未公布.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, FromJsonQueryResult, Object)]
#[oai(rename = "GuideContent", deny_unknown_fields)]
pub struct Content {
    /// Name of the matter.
    pub name: String,
    /// Who handles it, in words.
    pub handled_by: Option<String>,
    /// Who may apply, in the source's words.
    pub audience_text: Option<String>,
    /// Who may apply.
    pub audience: Vec<ApplicantKind>,
    /// Kind of promise.
    pub kind: Option<ItemKind>,
    /// Legal basis.
    pub legal_basis: Vec<String>,
    /// Materials.
    pub materials: Vec<Material>,
    /// Limit by law, in working days.
    pub statutory_days: Option<i32>,
    /// Limit promised, in working days.
    pub promised_days: Option<i32>,
    /// Fee, in words.
    pub fee: Option<String>,
    /// Steps, in words.
    pub steps: Vec<String>,
    /// The same as the posts do them, each in its time (article 4.4).
    #[serde(default)]
    #[oai(default)]
    pub flow: Vec<FlowStep>,
    /// Whoever is denied may ask for a hearing before (听证).
    #[serde(default)]
    #[oai(default)]
    pub hearing: bool,
    /// What the applicant gets.
    pub result: Option<String>,
    /// Whether it can be applied for online.
    pub online: Option<bool>,
    /// Address of the source.
    pub source_url: Option<String>,
    /// Place the source speaks for.
    pub source_place: Option<String>,
    /// Remark.
    pub note: Option<String>,
    /// The rest of the national set.
    #[serde(default)]
    #[oai(default)]
    pub elements: Elements,
}

/// Versions of guides. A case stays on the version it began under (article 4.4).
pub mod version {
    use super::*;
    /// One published version; it never changes.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "guide_version")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The guide.
        pub guide_id: Id,
        /// Number, from 1.
        pub number: i32,
        /// What it says.
        pub content: Content,
        /// When it was published.
        pub published_at: Time,
        /// Who published it; null for what came by a file.
        pub published_by: Option<Id>,
        /// First day on which cases begin under it.
        pub in_force_from: NaiveDate,
        /// Last day, once that is known.
        pub in_force_until: Option<NaiveDate>,
        /// Day on which it is to be looked through again (article 4.3).
        pub review_on: NaiveDate,
    }
    plain!();
}

word! {
    /// Where a draft of a guide stands.
    DraftState {
        /// 草案: being written.
        Draft,
        /// 送审: waits for the director.
        Review,
        /// 已发布.
        Published,
        /// 已放弃.
        Dropped,
    }
}

/// Drafts of guides: what is proposed and not published yet.
pub mod draft {
    use super::*;
    /// One draft. A guide has one open at a time.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "guide_draft")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// Code of the guide, which need not be there yet.
        pub code: String,
        /// The office that handles it.
        pub office_id: Id,
        /// What it says.
        pub content: Content,
        /// How often it was written over: whoever writes says which he read.
        pub revision: i32,
        /// Where it stands.
        pub state: DraftState,
        /// Who began it.
        pub drafted_by: Id,
        /// When.
        pub drafted_at: Time,
        /// Who wrote last.
        pub written_by: Id,
        /// When.
        pub written_at: Time,
        /// Why the director gave it back.
        pub words: Option<String>,
        /// The version that came of it.
        pub version_id: Option<Id>,
    }
    plain!();
}
