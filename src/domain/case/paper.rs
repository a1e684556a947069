//! What is on the papers of a case (文书): each is issued in the act that it tells of, to the applicant by name.

use super::Handing;
use super::advance::Move;
use super::material::form_in_words;
use super::{Missing, REMEDIES, cause_name, procedure_name};
use crate::base::error::Result;
use crate::domain::act::{Act, Who};
use crate::domain::document::{self, Said, day};
use crate::domain::{applicant, centre, guide};
use chrono::NaiveDate;
use entity::case::{Model, event, material, negative};
use entity::centre::office;
use entity::document::DocumentKind;
use entity::guide::{Content, ItemKind};

/// What all papers of a case speak of.
struct About {
    item: String,
    applicant: String,
    office: Option<office::Model>,
}

impl About {
    async fn of(act: &Act, case: &Model, content: &Content) -> Result<Self> {
        let offices = centre::offices(&*act.tx, act.centre.id).await?;
        Ok(Self {
            item: content.name.clone(),
            applicant: applicant::get(&*act.tx, &act.vault, act.centre.id, case.applicant_id).await?.name,
            office: offices.into_iter().find(|office| office.id == case.office_id),
        })
    }

    /// `您于2026年11月24日申请办理的“失业登记”（回执号 ST-20261124-0001）`.
    fn matter(&self, case: &Model) -> String {
        format!("您于{}申请办理的“{}”（回执号 {}）", day(case.received_at), self.item, case.receipt_number)
    }

    fn said(&self, paragraphs: Vec<String>, act: &Act) -> Said {
        let office = self.office.as_ref().map(|o| format!("承办科室：{}，电话 {}。", o.name, o.phone));
        let handled = match &act.who {
            Who::Staff(staff) => Some(format!("经办人：{}。", staff.name)),
            _ => None,
        };
        Said {
            to: Some(self.applicant.clone()),
            paragraphs,
            closing: office.into_iter().chain(handled).collect(),
            notes: vec![format!("{}　{}　{}", act.centre.name, act.centre.phone, act.centre.address)],
            ..Said::default()
        }
    }
}

fn date(day: NaiveDate) -> String {
    day.format("%Y年%-m月%-d日").to_string()
}

/// The receipt (收件回执单, article 5.3.2d): what was handed over, how long it may last, and what it is asked after with.
pub(super) async fn receipt(
    act: &Act,
    case: &Model,
    event: &event::Model,
    (content, (materials, agent), check_code): (&Content, (&[material::Model], Option<&str>), &str),
) -> Result<()> {
    let about = About::of(act, case, content).await?;
    let limit = match (case.due_on, case.limit_days) {
        (Some(_), Some(0)) => "办理期限：当场办结。".to_owned(),
        (Some(due), Some(days)) => format!("办理期限：自受理之日起{days}个工作日；当日受理的，至{}。", date(due)),
        _ => "办理期限：未公布。".to_owned(),
    };
    let row = |m: &material::Model| vec![m.n.to_string(), m.name.clone(), form_in_words(m), m.copies.to_string()];
    let came = if materials.is_empty() { "申请已收到，没有收取材料" } else { "材料已收到" };
    let first = format!("{}，{came}，受理与否将在五个工作日内告知。", about.matter(case));
    let mut said = about.said(vec![first], act);
    if !materials.is_empty() {
        said.head = vec![("序号", 1), ("材料", 5), ("形式", 2), ("份数", 1)];
        said.rows = materials.iter().map(row).collect();
    }
    if let Some(agent) = agent {
        said.closing.insert(0, format!("受托代办人：{agent}。"));
    }
    said.closing.insert(0, limit);
    said.notes.insert(0, format!("查询码 {check_code}：凭回执号和查询码可查进度，请不要告诉别人。"));
    document::issue(act, DocumentKind::Receipt, case.id, event.id, said).await.map(drop)
}

/// What is missing (一次性告知书, article 4.5), or what was wrong in it put right.
pub(super) async fn supplement(
    act: &Act,
    case: &Model,
    event: &event::Model,
    (wanted, until, corrected): (&[Missing], NaiveDate, bool),
) -> Result<()> {
    let content = guide::version(&*act.tx, case.version_id).await?.content;
    let about = About::of(act, case, &content).await?;
    if corrected {
        // The first one is wrong: whoever checks it is told so.
        document::void(act, case.id, Some(DocumentKind::Supplement), event.id).await?;
    }
    let first = if corrected {
        format!("{}，此前告知的补正内容有误，更正如下，补正期限仍为{}。", about.matter(case), date(until))
    } else {
        format!("{}，还需要补充下列材料。请在{}前一次补齐；补齐后本中心不再要求补正。", about.matter(case), date(until))
    };
    let mut said = about.said(vec![first], act);
    said.head = vec![("序号", 1), ("材料", 4), ("要求", 5), ("形式", 2), ("份数", 1)];
    let row = |(n, m): (i32, &Missing)| {
        vec![n.to_string(), m.material.clone(), m.what.clone(), m.medium_in_words().to_owned(), m.copies.to_string()]
    };
    said.rows = (1..).zip(wanted).map(row).collect();
    if !content.legal_basis.is_empty() {
        said.closing.insert(0, format!("依据：{}。", content.legal_basis.join("；")));
    }
    let within = "上列材料都在办事指南之内。要求您提供指南以外的材料，或再次要求补正的，可向中心反映。";
    said.notes.insert(0, within.to_owned());
    document::issue(act, DocumentKind::Supplement, case.id, event.id, said).await.map(drop)
}

/// The papers that a move brings, if it brings any.
pub(super) async fn of_move(
    act: &Act,
    case: &Model,
    event: &event::Model,
    (made, no, content): (&Move, Option<&negative::Model>, &Content),
) -> Result<()> {
    if matches!(made, Move::Void(_)) {
        return document::void(act, case.id, None, event.id).await;
    }
    let kinds: &[DocumentKind] = match made {
        Move::Accept | Move::Deem => &[DocumentKind::Acceptance],
        Move::Refuse(_) => &[DocumentKind::Refusal],
        Move::Suspend(..) => &[DocumentKind::Procedure],
        Move::Extend(..) => &[DocumentKind::Extension],
        // What is done on the spot is handed over on the spot.
        Move::Grant if case.item_kind == Some(ItemKind::Instant) => &[DocumentKind::Decision],
        Move::Grant => &[DocumentKind::Decision, DocumentKind::PickUp],
        Move::Deny(_) => &[DocumentKind::Decision],
        Move::Issue(_) => &[DocumentKind::Delivery],
        _ => return Ok(()),
    };
    let about = About::of(act, case, content).await?;
    for kind in kinds {
        let said = match kind {
            DocumentKind::Delivery => delivery(act, case, &about, made).await?,
            DocumentKind::PickUp => pick_up(act, case, &about),
            _ => {
                let basis = if content.legal_basis.is_empty() {
                    "本中心公布的办事指南".to_owned()
                } else {
                    content.legal_basis.join("；")
                };
                about.said(sentences(act, case, &about, (made, no, &basis)), act)
            }
        };
        document::issue(act, *kind, case.id, event.id, said).await?;
    }
    Ok(())
}

/// What a notice or a decision says.
fn sentences(
    act: &Act,
    case: &Model,
    about: &About,
    (made, no, basis): (&Move, Option<&negative::Model>, &str),
) -> Vec<String> {
    let matter = about.matter(case);
    let limit = case.due_on.map_or_else(|| "办理期限未公布。".to_owned(), |due| format!("办理期限至{}。", date(due)));
    let negative = |ground: &str| {
        let filed = no.map(|no| (cause_name(no.cause), no.basis.as_str(), no.elsewhere.as_deref()));
        let (cause, basis, elsewhere) = filed.unwrap_or(("不符合条件", basis, None));
        let mut said = vec![format!("理由：{cause}。{ground}"), format!("依据：{basis}")];
        said.extend(elsewhere.map(|elsewhere| format!("请向下列单位申请：{elsewhere}。")));
        said.push(REMEDIES.to_owned());
        said
    };
    match made {
        Move::Accept => {
            let from = case.accepted_on.unwrap_or_else(|| act.now.date());
            vec![
                format!("{matter}，经审查予以受理，自{}起计算办理期限。", date(from)),
                limit,
                format!("依据：{basis}。"),
            ]
        }
        Move::Deem => vec![
            format!("{matter}，收件后五个工作日内没有告知您需要补正，自收件之日起即为受理。"),
            limit,
            "依据：水田府发〔2020〕62号四（五）；参照《中华人民共和国行政许可法》第三十二条。".to_owned(),
        ],
        Move::Refuse(no) => [vec![format!("{matter}，经审查，决定不予受理。")], negative(&no.ground)].concat(),
        Move::Suspend(procedure, words) => vec![
            format!(
                "{matter}，需要进行{}。所需时间不计入办理期限，自{}起暂停计算，完成后继续。",
                procedure_name(*procedure),
                date(act.now.date())
            ),
            format!("说明：{}", words.trim()),
            "依据：参照《中华人民共和国行政许可法》第四十五条。".to_owned(),
        ],
        Move::Extend(days, ground, approval) => vec![
            format!(
                "{matter}，不能在原定期限内办结，经{}批准{}延长{days}个工作日。延长后{limit}",
                if approval.is_some() { "乡政府负责人" } else { "" },
                approval.as_ref().map(|number| format!("（{}）", number.trim())).unwrap_or_default()
            ),
            format!("理由：{}", ground.trim()),
            "依据：水田府发〔2020〕62号四（五）；参照《中华人民共和国行政许可法》第四十二条。".to_owned(),
        ],
        Move::Deny(no) => [vec![format!("{matter}，经审查，决定不予批准。")], negative(&no.ground)].concat(),
        _ => vec![format!("{matter}，经审查，符合条件，决定准予。"), format!("依据：{basis}。")],
    }
}

/// That the result is there to be fetched.
fn pick_up(act: &Act, case: &Model, about: &About) -> Said {
    let place = &act.centre;
    about.said(
        vec![
            format!("{}已经办结。请持本人证件或回执单到{}领取结果。", about.matter(case), place.address),
            format!("不便前来的，可以委托他人凭双方证件代领，或拨打 {} 询问能否寄送。", place.phone),
        ],
        act,
    )
}

/// That it was handed over: what, to whom and how, to be signed.
async fn delivery(act: &Act, case: &Model, about: &About, made: &Move) -> Result<Said> {
    let issued = document::of_case(&*act.tx, case.id).await?;
    let decided = issued.iter().filter(|d| d.kind == DocumentKind::Decision && d.void_id.is_none());
    let row = |d: &entity::document::Model| vec![document::title(d.kind).to_owned(), d.number.clone(), "1".to_owned()];
    let how = if matches!(made, Move::Issue(Handing::Sent)) { "寄送" } else { "当面送达" };
    let mut said = about.said(
        vec![format!("{}的办理结果及下列文书，已于{}送达（{how}）。", about.matter(case), date(act.now.date()))],
        act,
    );
    said.head = vec![("送达文书", 3), ("文号", 5), ("份数", 1)];
    said.rows = decided.map(row).collect();
    said.signatures = vec![
        "受送达人（代收人注明关系）：＿＿＿＿＿＿　　年　　月　　日".to_owned(),
        "送达人：＿＿＿＿＿＿".to_owned(),
    ];
    Ok(said)
}
