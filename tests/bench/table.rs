//! The table that a run ends with.

/// One comparison.
pub struct Row {
    what: String,
    ours: f64,
    theirs: f64,
    least: Option<f64>,
    note: String,
}

impl Row {
    /// How many a second we do, how many the other does, and the ratio that is asked for, if one is.
    pub fn new(what: impl Into<String>, ours: f64, theirs: f64, least: Option<f64>) -> Self {
        Self { what: what.into(), ours, theirs, least, note: String::new() }
    }

    /// With where the time went.
    pub fn with(mut self, note: &str) -> Self {
        self.note = note.to_owned();
        self
    }
}

/// All comparisons of a run.
#[derive(Default)]
pub struct Table(Vec<Row>);

impl Table {
    pub fn add(&mut self, row: Row) {
        let ratio = row.ours / row.theirs;
        let asked = row.least.map(|least| format!(" (asked: {least}{})", if ratio < least { ", MISSED" } else { "" }));
        println!("{}: {:.0}/s of {:.0}/s = {ratio:.2}{}", row.what, row.ours, row.theirs, asked.unwrap_or_default());
        if !row.note.is_empty() {
            println!("    {}", row.note);
        }
        self.0.push(row);
    }

    /// Prints it for a note, and tells whether everything that was asked for was reached.
    pub fn tell(&self) -> bool {
        println!("\n| what | a second | beside | ratio | asked |\n|---|---|---|---|---|");
        let mut reached = true;
        for row in &self.0 {
            let ratio = row.ours / row.theirs;
            let asked = row.least.map_or_else(|| "-".to_owned(), |least| least.to_string());
            reached &= row.least.is_none_or(|least| ratio >= least);
            println!("| {} | {:.0} | {:.0} | {ratio:.2} | {asked} |", row.what, row.ours, row.theirs);
        }
        reached
    }
}

/// The middle of several runs.
pub fn middle(mut runs: Vec<f64>) -> f64 {
    runs.sort_by(f64::total_cmp);
    runs[runs.len() / 2]
}
