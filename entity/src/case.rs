//! Cases (办件), what happened to them and the materials they came with.

use crate::guide::ItemKind;
use crate::post::Letter;
use crate::{Id, Sealed, Time};
use chrono::NaiveDate;
use sea_orm::entity::prelude::*;

word! {
    /// How a case reached the centre (article 4.7).
    Channel {
        /// At the window.
        Window,
        /// WeChat mini program.
        MiniProgram,
        /// Web page.
        Web,
        /// By telephone.
        Phone,
        /// At a home visit.
        HomeVisit,
        /// Through an agent (帮办代办).
        Agent,
    }
}

word! {
    /// Where a case stands.
    CaseState {
        /// 收件: taken in against a receipt.
        Received,
        /// 待补正: its applicant was told once what is missing (article 4.5).
        Supplement,
        /// 受理: accepted, the clock runs.
        Accepted,
        /// 挂起: its clock stands still for a special procedure (特别程序).
        Suspended,
        /// 不予受理: not accepted.
        Refused,
        /// 准予: decided for the applicant, not yet handed over.
        Granted,
        /// 不予: decided against the applicant.
        Denied,
        /// 办结: handed over.
        Issued,
        /// 撤回: taken back by the applicant.
        Withdrawn,
        /// 作废: should not have been; only with a reason, by the first responsible person.
        Void,
    }
}

/// A case. Its row is where it stands; its events are what happened.
#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "service_case")]
pub struct Model {
    /// Opaque id.
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Id,
    /// Its centre.
    pub centre_id: Id,
    /// Number people read, such as `ST-B-20261123-0007`.
    pub number: String,
    /// Number of its 收件回执单, such as `ST-20261123-0007`.
    pub receipt_number: String,
    /// The 43 characters of the national scheme (办件编号); null while the matter has no 实施编码.
    pub national_number: Option<String>,
    /// The receipt's check code, which serves where a phone's tail would.
    pub check_code: Sealed,
    /// The guide.
    pub guide_id: Id,
    /// The version it began under.
    pub version_id: Id,
    /// The office that handles it.
    pub office_id: Id,
    /// Kind of promise at that time.
    pub item_kind: Option<ItemKind>,
    /// 联办件: other offices have parts of it.
    pub joint: bool,
    /// The limit it was promised, in working days.
    pub limit_days: Option<i32>,
    /// The applicant in force.
    pub applicant_id: Id,
    /// The account that booked it.
    pub account_id: Option<Id>,
    /// The booking it came by.
    pub booking_id: Option<Id>,
    /// The post that took it in, and hands its result over (article 4.6).
    pub window_id: Option<Id>,
    /// The post that has it in hand: a window until it is accepted and when it is decided, between them that of its step.
    pub post_id: Option<Id>,
    /// Who was asked first (首问), and sees to it that it is answered (article 4.5); nobody, where it came online.
    pub first_asked_id: Option<Id>,
    /// How it came.
    pub channel: Channel,
    /// Where it stands.
    pub state: CaseState,
    /// When it was received.
    pub received_at: Time,
    /// Day of acceptance, day 0 of the clock.
    pub accepted_on: Option<NaiveDate>,
    /// Last day of the promise; before acceptance, as if accepted on the day of receipt.
    pub due_on: Option<NaiveDate>,
    /// The day rests on a year without an official arrangement of holidays.
    pub due_provisional: bool,
    /// Working days by which the limit is longer than was promised: the clock stood still, or it was extended.
    pub added_days: i32,
    /// Since when the clock stands still, if it does.
    pub suspended_on: Option<NaiveDate>,
    /// When it was extended, if it was.
    pub extended_on: Option<NaiveDate>,
    /// Last day on which its applicant may ask for a hearing, if he was told that he may (行政许可法 46, 47).
    pub hearing_until: Option<NaiveDate>,
    /// Day of the decision or refusal.
    pub decided_on: Option<NaiveDate>,
    /// When it ended.
    pub ended_at: Option<Time>,
}
plain!();

word! {
    /// Procedures whose time does not count (特别程序, 行政许可法 45).
    SpecialProcedure {
        /// 听证.
        Hearing,
        /// 招标.
        Tender,
        /// 拍卖.
        Auction,
        /// 检验.
        Inspection,
        /// 检测.
        Testing,
        /// 检疫.
        Quarantine,
        /// 鉴定.
        Appraisal,
        /// 专家评审.
        ExpertReview,
    }
}

word! {
    /// What happened to a case.
    CaseEventKind {
        /// Taken in.
        Received,
        /// Accepted.
        Accepted,
        /// Not accepted.
        Refused,
        /// Decided for.
        Granted,
        /// Decided against.
        Denied,
        /// Handed over.
        Issued,
        /// Taken back.
        Withdrawn,
        /// The applicant's data were corrected.
        Corrected,
        /// The deadline was recomputed.
        Redated,
        /// 一次性告知: told what is missing.
        Supplement,
        /// An error in that was put right.
        SupplementCorrected,
        /// What was missing came.
        Supplemented,
        /// Nothing was said within five working days: accepted from the day of receipt (逾期不告知视为受理).
        DeemedAccepted,
        /// Its clock stands still.
        Suspended,
        /// It goes on.
        Resumed,
        /// Its limit is longer.
        Extended,
        /// Its applicant was told that he may ask for a hearing (听证告知).
        HearingTold,
        /// He does without one, in writing.
        HearingWaived,
        /// One of its steps is done.
        StepFinished,
        /// It should not have been.
        Void,
        /// A mistake in an earlier event was put right (更正); that one stays.
        Amended,
        /// What was to follow came, or a promise was looked into.
        MaterialSettled,
    }
}

pub mod event;

pub mod step;

word! {
    /// Why something is not accepted or not granted.
    NegativeCause {
        /// 依法不需要办理: the law asks for nothing.
        NotNeeded,
        /// 不属于本机关职权: another decides; it is said who.
        NotOurs,
        /// 逾期未补正: what was missing did not come.
        Incomplete,
        /// 不符合条件.
        Unqualified,
    }
}

/// What was refused or denied, filed with the director (否定报备, article 5.3.2c).
pub mod negative {
    use super::*;
    /// One refusal or denial.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "negative")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The case.
        pub case_id: Id,
        /// The refusal or denial; its ground stands there.
        pub event_id: Id,
        /// Why, in the law's kinds.
        pub cause: NegativeCause,
        /// The provision it rests on.
        pub basis: String,
        /// Where the applicant is to go, if it is another's.
        pub elsewhere: Option<String>,
        /// When.
        pub filed_at: Time,
        /// Who said no.
        pub filed_by: Id,
        /// When the director looked at it.
        pub seen_at: Option<Time>,
        /// Who looked.
        pub seen_by: Option<Id>,
        /// Whether it was right to say no.
        pub upheld: Option<bool>,
        /// What he wrote.
        pub words: Option<Sealed>,
    }
    plain!();
}

word! {
    /// How a result reaches its applicant.
    Handing {
        /// He, or whoever he sent, fetches it at the counter.
        Counter,
        /// By post, online or brought home: nobody comes for it.
        Sent,
    }
}

word! {
    /// Why an applicant came.
    TripCause {
        /// To hand it in.
        Counter,
        /// To bring what was missing.
        Supplement,
        /// To fetch the result.
        PickUp,
    }
}

/// Trips a case cost its applicant (跑动次数, article 2.1).
pub mod trip {
    use super::*;
    /// One trip.
    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "trip")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The case.
        pub case_id: Id,
        /// Why.
        pub cause: TripCause,
        /// When.
        pub at: Time,
        /// When it was recorded.
        pub recorded_at: Time,
        /// Beijing date.
        pub on_date: NaiveDate,
    }
    plain!();
}

/// What applicants were told once that is missing (一次性告知书, 补正材料通知书).
pub mod supplement {
    use super::*;
    /// One notice, or the correction of an error in it: the last one counts.
    #[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
    #[sea_orm(table_name = "supplement")]
    pub struct Model {
        /// Opaque id.
        #[sea_orm(primary_key, auto_increment = false)]
        pub id: Id,
        /// Its centre.
        pub centre_id: Id,
        /// The case.
        pub case_id: Id,
        /// 1 for the notice, then its corrections.
        pub n: i32,
        /// Materials and what is wanted of each, as JSON.
        pub wanted: Sealed,
        /// By when they are asked for.
        pub until: NaiveDate,
        /// Why it was corrected.
        pub why: Option<Sealed>,
        /// When.
        pub asked_at: Time,
        /// Who.
        pub asked_by: Id,
    }
    plain!();
}

pub mod agent;
pub mod custody;
pub mod material;

word! {
    /// Form of a material.
    MaterialForm {
        /// 原件.
        Original,
        /// 复印件.
        Copy,
        /// 电子材料, equal to paper (article 4.7).
        Electronic,
    }
}

word! {
    /// On what account a material counts (材料的提供方式).
    MaterialStanding {
        /// It was given.
        Given,
        /// 告知承诺: a promise in writing stands for it, which is looked into by a day.
        Promised,
        /// 容缺受理: it follows by a day.
        Follows,
        /// 复用: it was given in an earlier case, and its giver consents.
        Reused,
    }
}
