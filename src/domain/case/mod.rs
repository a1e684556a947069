//! Cases (办件): from 收件 to 办结.
//!
//! ```text
//! received ── accept ──► accepted ── its steps, grant ──► granted ── issue ──► issued ■
//!  ▲ │ │                    │ deny
//!  │ │ └─ refuse ─► refused ■└──────► denied ■     from any open state: withdraw ─► withdrawn ■, void ─► void ■
//!  │ └─ told once what is missing ─► supplement ── refuse ─► refused ■
//!  └──────────── it came ──────────────┘      accepted ◄── resume ── suspend ──► suspended
//! ```
//!
//! A mistaken decision or end is undone by an event that names it, and the case goes on from where it stood.
//! The row is where a case stands; its events are what happened, append-only, and figures rest on them alone. Day 0 of the
//! limit is the day of acceptance; the last day is the N-th working day after it, and the limit is kept by the decision.
//! A case stays on the version of the guide it began under (article 4.4). Every receipt has a check code, which serves where
//! a phone's tail would: a villager without a phone loses nothing.

mod advance;
mod agent;
mod apply;
mod clock;
mod correct;
mod custody;
mod desk;
mod hand;
mod joint;
mod list;
mod look;
mod material;
mod negative;
mod owed;
mod paper;
mod progress;
mod receive;
mod remind;
mod step;
mod supplement;
mod tell;
mod trip;

pub use advance::{Ground, Made, Move, Whole, advance, is_end};
pub use agent::{Agent, Authorised, letter, of as agent};
pub use apply::{Application, apply};
pub use clock::{Lamp, is_due_today, is_overdue, lamp, redate};
pub use correct::{Correction, amend, correct};
pub use custody::{find_gaps, hand_back, last as last_custody, of as custody, take as take_custody};
pub use desk::{Desk, Power, Under};
pub use hand::{hand_over, in_hand};
pub use joint::is_joint;
pub use list::{Filter, agenda, all, list, parts, posts_of, taken_away};
pub use look::{Seen, Sight, find, materials, normal_number, of_applicants, open, papers, reveal, search, see};
pub use material::{Instead, Reusable, Taken, form_in_words, known as known_materials, lacking, scan, with_file};
pub use negative::{
    Filed, No, REMEDIES, look_at as look_at_negative, of as negative_of, unseen as unseen_negatives,
    waiting as negatives_waiting,
};
pub use owed::{Settled, find_late, settle};
pub use progress::{Happened, Progress, Proof, TimelineEntry, ground, is_public, lines, progress, timeline};
pub use receive::{By, Entry, Intake, NUMBERS, Received, at_once, check_code, receive, takes_in};
pub use remind::tell_tasks;
pub use step::{charge_late, is_under_way, of as steps, posts_in_hand};
pub use supplement::{
    Missing, Told, complete, correct as correct_supplement, deem_accepted, materials_of_guide, request, told, wanting,
};
pub use tell::{news, tell_overdue};
pub use trip::of as trips;

pub use entity::case::Handing;

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
/// Nothing was chosen that came.
pub const NOTHING_BROUGHT: Refusal =
    Refusal::new(Kind::Invalid, "nothing_brought", "还没有选补来的材料，请至少选一项（网上补交的请选文件）。")
        .article("4.5");
/// A no for want of what was not asked for, or may come still.
pub const ASK_FIRST: Refusal = Refusal::new(
    Kind::Conflict,
    "ask_first",
    "材料不齐的应先一次性告知补正，补正期限过了仍没有补齐，才能以逾期未补正为由不予受理。",
)
.article("4.5");
/// None of it was asked for.
pub const NOT_WHAT_WAS_ASKED: Refusal = Refusal::new(
    Kind::Invalid,
    "not_what_was_asked",
    "补来的材料都不在一次性告知的清单里，请对照告知书逐项补齐（至少补一项）。",
)
.article("4.5");
/// A correction without its reason.
pub const WHY_NEEDED: Refusal =
    Refusal::new(Kind::Invalid, "why_needed", "更正告知必须写明原因（2至500字）。").article("4.5");
/// It was extended before.
pub const EXTENDED_BEFORE: Refusal =
    Refusal::new(Kind::Conflict, "extended_before", "这个办件已经延期过一次，不能再延。").article("4.5");
/// Days that cannot be, or no limit that could be longer.
pub const BAD_EXTENSION: Refusal =
    Refusal::new(Kind::Invalid, "bad_extension", "延期应为1至{most}个工作日，没有公布期限的办件不用延期。")
        .article("4.5");
/// A joint case is extended by the word of the township's government alone.
pub const APPROVAL_NEEDED: Refusal = Refusal::new(
    Kind::Invalid,
    "approval_needed",
    "联办件延期须经乡政府负责人批准，请写明批准文号（2至60字）；其他办件不用写。",
)
.article("4.2");
/// The last day has passed.
pub const TOO_LATE_TO_EXTEND: Refusal =
    Refusal::new(Kind::Conflict, "too_late_to_extend", "办理期限已过，不能再延期；延期应在期限内批准并告知申请人。")
        .article("4.5");
/// Steps before the decision are not done.
pub const STEPS_OPEN: Refusal =
    Refusal::new(Kind::Conflict, "steps_open", "环节“{step}”还没有办完，办完后才能作出决定。").article("4.4");
/// It is not the turn of this step, or there is none.
pub const WRONG_STEP: Refusal =
    Refusal::new(Kind::Conflict, "wrong_step", "现在不是这个环节，请按办理环节的顺序办。").article("4.4");
/// An opinion that is too long.
pub const BAD_OPINION: Refusal = Refusal::new(Kind::Invalid, "bad_opinion", "环节意见不超过500字。");
/// A denial before its applicant could ask for a hearing.
pub const HEARING_FIRST: Refusal = Refusal::new(
    Kind::Conflict,
    "hearing_first",
    "这个事项依法应先告知听证权利：告知满5个工作日（要求听证的，听证举行以后）或申请人书面放弃，才能不予批准，也才谈得上听证。",
)
.article("4.5");
/// Nothing is said of what it rests on.
pub const BASIS_NEEDED: Refusal =
    Refusal::new(Kind::Invalid, "basis_needed", "请写明依据的条款（2至500字）。").article("5.3.2c");
/// Nothing is said of where to go.
pub const ELSEWHERE_NEEDED: Refusal =
    Refusal::new(Kind::Invalid, "elsewhere_needed", "不属于本中心职权的，请写明向谁申请、电话多少（2至200字）。")
        .article("5.3.1a");
/// No such filing.
pub const UNKNOWN_FILING: Refusal = Refusal::new(Kind::Missing, "unknown_filing", "没有找到这条否定报备。");
/// Somebody looked at it before.
pub const ALREADY_SEEN: Refusal = Refusal::new(Kind::Conflict, "already_seen", "这条否定报备已经审过。");
/// It was not right, and nothing is said of why.
pub const SEEN_WORDS_NEEDED: Refusal =
    Refusal::new(Kind::Invalid, "seen_words_needed", "认为不当的，请写明意见（2至500字）。").article("5.3.2c");
/// It is not a 即办件.
pub const NOT_INSTANT: Refusal =
    Refusal::new(Kind::Invalid, "not_instant", "这个事项不是即办件，不能当场办结，请按收件、受理、决定的顺序办。")
        .article("4.5");
/// More cases than one table takes.
pub const TOO_MANY_ROWS: Refusal =
    Refusal::new(Kind::Invalid, "too_many_rows", "符合条件的办件超过{most}件，请按收件日期分段导出。");
/// No such event of this case.
pub const UNKNOWN_EVENT: Refusal =
    Refusal::new(Kind::Invalid, "unknown_event", "这个办件没有这条经过，请从经过里选要更正的一条。");
/// A mistake is put right without saying why.
pub const AMEND_REASON_NEEDED: Refusal =
    Refusal::new(Kind::Invalid, "amend_reason_needed", "更正必须写明哪里错了、应当怎样（5至500字）。")
        .article("5.3.1d");
/// It cannot be undone.
pub const NOT_TO_AMEND: Refusal = Refusal::new(Kind::Conflict, "not_to_amend", "这一条不能这样更正：{why}。");
/// A material without a name, or copies that cannot be.
pub const BAD_MATERIAL: Refusal =
    Refusal::new(Kind::Invalid, "bad_material", "材料名称应为1至200字，份数应为1至99份。");
/// The guide does not allow a promise, or that it follows.
pub const NOT_ALLOWED_INSTEAD: Refusal =
    Refusal::new(Kind::Invalid, "not_allowed_instead", "办事指南没有写明“{name}”可以{what}。").article("4.7");
/// A day that cannot be.
pub const BAD_DUE: Refusal =
    Refusal::new(Kind::Invalid, "bad_due", "补交或核实的日期应在明天到60天内。").article("4.7");
/// Used again without its giver's consent.
pub const REUSE_CONSENT_NEEDED: Refusal =
    Refusal::new(Kind::Invalid, "reuse_consent_needed", "沿用以前提供的材料，应先问过申请人并经他同意。")
        .article("4.7");
/// Nothing of the kind was given by this person within a year.
pub const NOT_REUSABLE: Refusal = Refusal::new(
    Kind::Invalid,
    "not_reusable",
    "没有可以沿用的：一年内这个人（姓名、证件号码都相同）没有在这里交过这份材料，或者没有留存影像。",
)
.article("4.7");
/// There is a scan already, or nothing to scan.
pub const SCANNED_BEFORE: Refusal =
    Refusal::new(Kind::Conflict, "scanned_before", "这份材料已有影像，或者不是现场提供的，不用扫描。");
/// Nothing is owed under this number.
pub const NOTHING_OWED: Refusal =
    Refusal::new(Kind::Conflict, "nothing_owed", "这份材料没有待补交或待核实的，可能已经办过。");
/// A promise that was not kept, and nothing is said of it.
pub const BAD_PROMISE_WORDS: Refusal =
    Refusal::new(Kind::Invalid, "bad_promise_words", "承诺不实的，请写明怎样核实的（5至200字）。").article("4.7");
/// Something is to follow still.
pub const MATERIAL_OPEN: Refusal =
    Refusal::new(Kind::Conflict, "material_open", "容缺的“{name}”还没有补交，补交后才能准予。").article("4.7");
/// There is nothing to take over or to hand back.
pub const NOT_KEPT: Refusal = Refusal::new(
    Kind::Conflict,
    "not_kept",
    "没有可以接收或退还的：没有留存的原件或案卷，或者已经在您的岗位、已经退还。",
)
.article("5.3.2e");
/// Another post has it.
pub const NOT_WITH_YOU: Refusal =
    Refusal::new(Kind::Conflict, "not_with_you", "这份原件现在不在您的岗位，请先接收再退还。").article("5.3.2e");
/// Nobody signed for it.
pub const SIGNATURE_NEEDED: Refusal =
    Refusal::new(Kind::Invalid, "signature_needed", "退还原件要由领回的人签收，请写签收人姓名。").article("5.3.2e");
/// The file of the case is at an office still.
pub const FILE_NOT_BACK: Refusal =
    Refusal::new(Kind::Conflict, "file_not_back", "案卷还在{post}，请窗口先接回案卷再出件（一窗接件、出件）。")
        .article("4.6");
/// Paper is asked for, and no law does.
pub const PAPER_NOT_DEMANDED: Refusal = Refusal::new(
    Kind::Invalid,
    "paper_not_demanded",
    "办事指南没有写明“{name}”依法必须提供纸质材料，电子材料同样有效，不得要求申请人再交纸质。",
)
.article("4.7");
/// Whoever came to the counter is to upload it.
pub const UPLOAD_NOT_DEMANDED: Refusal = Refusal::new(
    Kind::Invalid,
    "upload_not_demanded",
    "申请人是线下申请的，不得要求他再在线上提供“{name}”；需要电子件的由窗口扫描。",
)
.article("4.7");
/// More than one set is asked for.
pub const ONE_SET_ENOUGH: Refusal =
    Refusal::new(Kind::Invalid, "one_set_enough", "“{name}”按办事指南只需{sets}份，线下申请只交一套，不得多要。")
        .article("4.7");
/// By this channel somebody comes for another, and is not named; or by another one, and is.
pub const AGENT_NEEDED: Refusal = Refusal::new(
    Kind::Invalid,
    "agent_needed",
    "帮办代办的，请登记代办人姓名、与申请人的关系和委托书日期；不是帮办代办的，不登记代办人。",
)
.article("4.7");
/// The applicant himself, or an organisation.
pub const BAD_AGENT: Refusal =
    Refusal::new(Kind::Invalid, "bad_agent", "代办人应为申请人以外的一个人；本人来办的，请选窗口或上门。")
        .article("4.7");
/// A letter of a day that cannot be.
pub const BAD_AUTHORISATION: Refusal = Refusal::new(
    Kind::Invalid,
    "bad_authorisation",
    "委托书的日期应在一年之内、不晚于今天；委托已过期的，请先补办委托书。",
)
.article("4.7");
/// From afar nothing comes on paper.
pub const ELECTRONIC_ONLY: Refusal = Refusal::new(
    Kind::Invalid,
    "electronic_only",
    "网上申请的材料请上传文件；暂时没有的可以不填，窗口会一次性告知补正。",
)
.article("4.7");
/// Undecided ones enough.
pub const TOO_MANY_APPLICATIONS: Refusal = Refusal::new(
    Kind::Conflict,
    "too_many_applications",
    "您已有{most}件网上申请还没有办完，请先看看办到哪一步，或到窗口办理。",
);
/// Nothing to correct.
pub const NOTHING_TO_CORRECT: Refusal =
    Refusal::new(Kind::Invalid, "nothing_to_correct", "填写的内容与登记的一样，没有需要更正的。");
/// A field that is not kept, or none at all.
pub const BAD_FIELDS: Refusal = Refusal::new(
    Kind::Invalid,
    "bad_fields",
    "fields 只能是 name、phone、id_number、agent_name、agent_phone，至少一项。",
);
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

/// Why something was not accepted or granted, in the words of the law.
#[must_use]
pub const fn cause_name(cause: entity::case::NegativeCause) -> &'static str {
    use entity::case::NegativeCause as C;
    match cause {
        C::NotNeeded => "依法不需要办理",
        C::NotOurs => "不属于本机关职权",
        C::Incomplete => "逾期未补正",
        C::Unqualified => "不符合条件",
    }
}

/// What an agent is to the applicant, in words.
#[must_use]
pub const fn agent_name(kind: entity::case::agent::AgentKind) -> &'static str {
    use entity::case::agent::AgentKind as K;
    match kind {
        K::Kin => "亲属",
        K::Village => "村（社区）代办员",
        K::Other => "其他受托人",
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
        S::Void => "已作废",
    }
}
