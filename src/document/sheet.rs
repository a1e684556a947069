//! Tables to take away (导出): CSV and XLSX of the same rows, which no program takes for formulas.

use crate::base::Result;
use chrono::NaiveDate;
use rust_xlsxwriter::{Format, Workbook};

/// The type of a CSV.
pub const CSV: &str = "text/csv; charset=utf-8";
/// The type of a workbook.
pub const XLSX: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// A cell, typed: a text stays a text, whatever it looks like.
#[derive(Clone, Debug)]
pub enum Cell {
    /// A text.
    Text(String),
    /// A day.
    Day(NaiveDate),
    /// A number.
    Number(i64),
    /// Nothing.
    Empty,
}

/// A table.
#[derive(Clone, Debug)]
pub struct Sheet {
    /// Its name.
    pub name: &'static str,
    /// Heads of its columns.
    pub head: Vec<&'static str>,
    /// Its rows.
    pub rows: Vec<Vec<Cell>>,
}

impl Sheet {
    /// As CSV (RFC 4180) that the office's programs open as it is: UTF-8 with its mark. A text that they would take for a formula
    /// begins with an apostrophe.
    #[must_use]
    pub fn csv(&self) -> Vec<u8> {
        let mut out = String::from('\u{feff}');
        let mut line = |cells: &mut dyn Iterator<Item = String>| {
            out += &cells.map(|cell| format!("\"{}\"", cell.replace('"', "\"\""))).collect::<Vec<_>>().join(",");
            out += "\r\n";
        };
        line(&mut self.head.iter().map(|words| (*words).to_owned()));
        for row in &self.rows {
            line(&mut row.iter().map(|cell| match cell {
                Cell::Text(words) => harmless(words),
                Cell::Day(day) => day.to_string(),
                Cell::Number(n) => n.to_string(),
                Cell::Empty => String::new(),
            }));
        }
        out.into_bytes()
    }

    /// As XLSX: texts are texts, days are days.
    ///
    /// # Errors
    /// More rows than a sheet has.
    pub fn xlsx(&self) -> Result<Vec<u8>> {
        Ok(self.workbook()?)
    }

    fn workbook(&self) -> anyhow::Result<Vec<u8>> {
        let (mut book, bold, day) =
            (Workbook::new(), Format::new().set_bold(), Format::new().set_num_format("yyyy-mm-dd"));
        // In memory: ways that need less write what is in it to the disk, as it is.
        let sheet = book.add_worksheet();
        sheet.set_name(self.name)?;
        for (column, words) in (0..).zip(&self.head) {
            sheet.write_string_with_format(0, column, *words, &bold)?;
        }
        for (n, row) in (1..).zip(&self.rows) {
            for (column, cell) in (0..).zip(row) {
                match cell {
                    Cell::Text(words) => sheet.write_string(n, column, words)?,
                    Cell::Day(on) => sheet.write_date_with_format(n, column, on, &day)?,
                    #[expect(clippy::cast_precision_loss, reason = "counts and days, far below 2^53")]
                    Cell::Number(number) => sheet.write_number(n, column, *number as f64)?,
                    Cell::Empty => continue,
                };
            }
        }
        Ok(book.save_to_buffer()?)
    }
}

/// A text that no program of tables takes for a formula.
fn harmless(words: &str) -> String {
    if words.starts_with(['=', '+', '-', '@', '\t', '\r', '\n', '＝', '＋', '－', '＠']) {
        format!("'{words}")
    } else {
        words.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_looks_like_a_formula_is_a_text() {
        let rows = ["=1+1", "+86 138", "-2", "@SUM(A1)", "\tx", "＝1", "a,\"b\"\nc", "平安"];
        let sheet =
            Sheet {
                name: "办件", head: vec!["字"], rows: rows.map(|words| vec![Cell::Text(words.to_owned())]).into()
            };
        let csv = String::from_utf8(sheet.csv()).unwrap();
        let expected = "\u{feff}\"字\"\r\n\"'=1+1\"\r\n\"'+86 138\"\r\n\"'-2\"\r\n\"'@SUM(A1)\"\r\n\"'\tx\"\r\n\"'＝1\"\r\n\"a,\"\"b\"\"\nc\"\r\n\"平安\"\r\n";
        assert_eq!(csv, expected);
        assert!(sheet.xlsx().unwrap().starts_with(b"PK"));
    }
}
