//! Cases as a table to take away (办件台账导出), with what a list shows: names and telephones masked.

use super::guide::channel_name;
use super::sheet::{Cell, Sheet};
use crate::base::personal::{mask_name, mask_phone};
use crate::domain::case::{self, Seen};
use entity::centre::office;

/// The table of some cases.
#[must_use]
pub fn sheet(cases: Vec<Seen>, offices: &[office::Model]) -> Sheet {
    let text = Cell::Text;
    let day = |day: Option<chrono::NaiveDate>| day.map_or(Cell::Empty, Cell::Day);
    let row = |seen: Seen| {
        let (row, person) = (seen.row, seen.applicant);
        let office = offices.iter().find(|o| o.id == row.office_id).map(|o| o.name.clone()).unwrap_or_default();
        let phone = person.as_ref().and_then(|p| p.phone.as_deref()).map(mask_phone);
        vec![
            text(row.number),
            text(row.receipt_number),
            row.national_number.map_or(Cell::Empty, text),
            text(seen.item),
            text(office),
            text(channel_name(row.channel).to_owned()),
            text(case::state_name(row.state).to_owned()),
            text(person.map(|p| mask_name(&p.name)).unwrap_or_default()),
            phone.map_or(Cell::Empty, text),
            Cell::Day(row.received_at.date()),
            day(row.accepted_on),
            day(row.due_on),
            day(row.decided_on),
            day(row.ended_at.map(|at| at.date())),
            row.limit_days.map_or(Cell::Empty, |days| Cell::Number(days.into())),
        ]
    };
    Sheet {
        name: "办件",
        head: vec![
            "办件编号",
            "回执号",
            "国家办件编号",
            "事项",
            "承办科室",
            "渠道",
            "状态",
            "申请人",
            "电话",
            "收件日期",
            "受理日期",
            "期限",
            "决定日期",
            "办结日期",
            "承诺工作日",
        ],
        rows: cases.into_iter().map(row).collect(),
    }
}
