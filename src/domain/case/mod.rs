//! Cases (办件): from 收件 to 办结.
//!
//! ```text
//! received ── accept ──► accepted ── grant ──► granted ── issue ──► issued ■
//!  ▲ │ │                    │ deny                │
//!  │ │ └─ refuse ─► refused ■└──────► denied ■     └─ withdraw (from any open state) ─► withdrawn ■
//!  │ └─ told once what is missing ─► supplement ── refuse ─► refused ■
//!  └──────────── it came ──────────────┘      accepted ◄── resume ── suspend ──► suspended
//! ```
//!
//! The row is where a case stands; its events are what happened, append-only, and figures rest on them alone. Day 0 of the
//! limit is the day of acceptance; the last day is the N-th working day after it, and the limit is kept by the decision.
//! A case stays on the version of the guide it began under (article 4.4). Every receipt has a check code, which serves where
//! a phone's tail would: a villager without a phone loses nothing.

mod decide;
mod desk;
mod hand;
mod look;
mod progress;
mod receive;
mod supplement;
mod tell;

pub use decide::{Correction, Step, correct, redate, step};
pub use desk::{Desk, Power, Under};
pub use hand::{hand_over, in_hand};
pub use look::{
    Filter, Seen, Sight, agenda, find, is_due_today, is_overdue, list, materials, normal_number, open, reveal, search,
    see, timeline,
};
pub use progress::{Happened, Progress, Proof, ground, lines, progress};
pub use receive::{By, Entry, Intake, NUMBERS, Received, Taken, check_code, receive, takes_in};
pub use supplement::{
    Missing, Told, complete, correct as correct_supplement, deem_accepted, materials_of_guide, request, told,
};
pub use tell::{news, tell_overdue, tell_tasks};

use crate::base::{Kind, Refusal};

/// No such case, or not yours.
pub const UNKNOWN_CASE: Refusal = Refusal::new(Kind::Missing, "unknown_case", "没有找到这个办件，请核对编号。");
/// Number and proof do not fit, or there is no such number; which, is not said.
pub const NO_PROGRESS: Refusal = Refusal::new(
    Kind::Missing,
    "no_progress",
    "没有查到。请核对回执单上的编号和8位查询码，或编号和办事人手机号后四位。",
);
/// A number alone proves nothing.
pub const PROOF_NEEDED: Refusal =
    Refusal::new(Kind::Invalid, "proof_needed", "请填写回执单上的8位查询码，或办事人手机号后四位。");
/// A proof that does not fit a case that is known.
pub const WRONG_PROOF: Refusal =
    Refusal::new(Kind::Invalid, "wrong_proof", "没有对上。请核对回执单上的8位查询码，或办事人证件号码后四位。");
/// The state does not allow this act.
pub const WRONG_STATE: Refusal =
    Refusal::new(Kind::Conflict, "wrong_state", "办件现在的状态是“{state}”，不能这样操作。");
/// A refusal or denial without a ground.
pub const GROUND_NEEDED: Refusal =
    Refusal::new(Kind::Invalid, "ground_needed", "不予受理或不予批准必须写明理由（5至500字）。").article("5.3.2c");
/// A second notice of what is missing.
pub const SECOND_NOTICE: Refusal = Refusal::new(
    Kind::Conflict,
    "second_notice",
    "这个办件已经一次性告知过要补的材料，不能再次要求补正；告知有误的，由中心主任更正。",
)
.article("4.5");
/// What the guide does not ask for.
pub const OUTSIDE_GUIDE: Refusal =
    Refusal::new(Kind::Invalid, "outside_guide", "“{name}”不在这个办件所依据的办事指南里，不得要求申请人提供。")
        .article("5.3.2b");
/// Nothing is named that is missing, or not what is wanted of it.
pub const NOTHING_MISSING: Refusal = Refusal::new(
    Kind::Invalid,
    "nothing_missing",
    "请逐项写明要补的材料和要求（2至200字，一项只写一次），补正期限在明天到90天内。",
)
.article("4.5");
/// The days within which it may be said are over.
pub const TOO_LATE_TO_ASK: Refusal = Refusal::new(
    Kind::Conflict,
    "too_late_to_ask",
    "收件已过5个工作日，没有告知补正的，自收件之日起视为受理，不能再要求补正。",
)
.article("4.5");
/// Nothing was asked for.
pub const NOT_ASKED_FOR: Refusal =
    Refusal::new(Kind::Conflict, "not_asked_for", "这个办件没有待补正的告知，没有可以更正的。").article("4.5");
/// A correction without its reason.
pub const WHY_NEEDED: Refusal =
    Refusal::new(Kind::Invalid, "why_needed", "更正告知必须写明原因（2至500字）。").article("4.5");
/// It was extended before.
pub const EXTENDED_BEFORE: Refusal =
    Refusal::new(Kind::Conflict, "extended_before", "这个办件已经延期过一次，不能再延。").article("4.5");
/// Days that cannot be, or no limit that could be longer.
pub const BAD_EXTENSION: Refusal =
    Refusal::new(Kind::Invalid, "bad_extension", "延期应为1至10个工作日，没有公布期限的办件不用延期。").article("4.5");
/// A material without a name, or copies that cannot be.
pub const BAD_MATERIAL: Refusal =
    Refusal::new(Kind::Invalid, "bad_material", "材料名称应为1至200字，份数应为1至99份。");
/// Nothing to correct.
pub const NOTHING_TO_CORRECT: Refusal =
    Refusal::new(Kind::Invalid, "nothing_to_correct", "填写的内容与登记的一样，没有需要更正的。");
/// A field that is not kept, or none at all.
pub const BAD_FIELDS: Refusal =
    Refusal::new(Kind::Invalid, "bad_fields", "fields 只能是 name、phone、id_number，至少一项。");
/// A look at personal data without a purpose.
pub const PURPOSE_NEEDED: Refusal =
    Refusal::new(Kind::Invalid, "purpose_needed", "查看完整信息必须写明用途（2至60字）。");
/// A purpose that holds a telephone's number or a document's: it is written down in clear, for ever.
pub const PURPOSE_WITHOUT_NUMBERS: Refusal = Refusal::new(
    Kind::Invalid,
    "purpose_without_numbers",
    "用途会长期留存，请不要写电话、证件号码和姓名，只写办什么事。",
);

/// A special procedure, as the law calls it.
#[must_use]
pub const fn procedure_name(procedure: entity::case::SpecialProcedure) -> &'static str {
    use entity::case::SpecialProcedure as P;
    match procedure {
        P::Hearing => "听证",
        P::Tender => "招标",
        P::Auction => "拍卖",
        P::Inspection => "检验",
        P::Testing => "检测",
        P::Quarantine => "检疫",
        P::Appraisal => "鉴定",
        P::ExpertReview => "专家评审",
    }
}

/// The state in the words of the window.
#[must_use]
pub const fn state_name(state: entity::case::CaseState) -> &'static str {
    use entity::case::CaseState as S;
    match state {
        S::Received => "已收件",
        S::Supplement => "待补正",
        S::Accepted => "已受理",
        S::Suspended => "特别程序中，期限暂停",
        S::Refused => "不予受理",
        S::Granted => "准予，待领取",
        S::Denied => "不予批准",
        S::Issued => "已办结",
        S::Withdrawn => "已撤回",
    }
}
