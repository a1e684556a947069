//! Materials of a case at the counter: scans, what was owed, and who has the originals and the file.

use super::supplement::done;
use crate::access::{CaseHandler, CaseReader};
use crate::domain::case::{self, Handing, Power, Settled, Sight};
use crate::domain::file;
use crate::domain::post::Posts;
use crate::pages::booking::moment_in_words;
use crate::pages::document::hand_out;
use crate::pages::form::{Sent, SentFile, Someone, Upload};
use chrono::NaiveDate;
use entity::Id;
use entity::case::custody::Model as Custody;
use entity::case::material::Model;
use entity::case::{MaterialForm, MaterialStanding, Model as Case};
use entity::file::FilePurpose;
use poem::web::Path;
use poem::{Response, handler};
use sea_orm::ActiveEnum as _;
use std::collections::HashMap;

/// A material as a case's page shows it.
pub(super) struct MaterialLine {
    pub(super) n: i32,
    pub(super) words: String,
    pub(super) file: bool,
    pub(super) late: bool,
    pub(super) held: Option<String>,
    /// He may hand it back.
    pub(super) returns: bool,
    pub(super) follows: bool,
    pub(super) promised: bool,
    /// There is no scan of it yet.
    pub(super) scans: bool,
}

/// Where the paper of a case is, for whoever looks.
pub(super) struct Papers {
    last: HashMap<Option<Id>, Custody>,
    /// The post that he acts at.
    post: Option<Id>,
    today: NaiveDate,
}

impl Papers {
    pub(super) fn of(last: HashMap<Option<Id>, Custody>, sight: &Sight, case: &Case, today: NaiveDate) -> Self {
        Self { last, post: sight.under(case, Power::Handle).ok().map(|under| under.standing.post), today }
    }

    /// True when something is at another post, and he may take it over.
    pub(super) fn takes(&self) -> bool {
        self.post.is_some() && self.last.values().any(|at| at.post_id.is_some() && at.post_id != self.post)
    }

    pub(super) fn line(&self, row: Model, posts: &Posts) -> MaterialLine {
        let at = self.last.get(&Some(row.id));
        let held = at.map(|at| match at.post_id.and_then(|id| posts.of(id)) {
            Some(post) => format!("原件在{}（{}起），办结后凭签收退还", post.row.name, moment_in_words(at.at)),
            None => format!("原件已退还（{}），已签收", moment_in_words(at.at)),
        });
        let owed = row.due_on.is_some() && row.settled_at.is_none();
        MaterialLine {
            n: row.n,
            words: format!("{}　{}　{}份", row.name, case::form_in_words(&row), row.copies),
            file: row.file_id.is_some(),
            late: owed && row.due_on.is_some_and(|due| due < self.today),
            held,
            returns: self.post.is_some() && at.is_some_and(|at| at.post_id == self.post),
            follows: owed && row.standing == MaterialStanding::Follows,
            promised: owed && row.standing == MaterialStanding::Promised,
            scans: row.standing == MaterialStanding::Given && row.file_id.is_none(),
        }
    }
}

/// Where the file of a case was, from when on.
pub(super) fn passed(rows: &[Custody], posts: &Posts) -> Vec<String> {
    let of_file = rows.iter().filter(|row| row.material_id.is_none());
    let line = |row: &Custody| {
        let post = row.post_id.and_then(|id| posts.of(id)).map(|post| post.row.name.clone());
        format!("{} {}", post.unwrap_or_default(), moment_in_words(row.at))
    };
    of_file.map(line).collect()
}

#[handler]
pub(super) async fn settle(sent: Sent<CaseHandler>, Path((number, n)): Path<(String, i32)>) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let handing = if fields.get("sent") == "yes" { Handing::Sent } else { Handing::Counter };
    let settled = match (fields.get("kept"), MaterialForm::try_from_value(&fields.get("form").to_owned())) {
        ("yes", _) => Settled::Kept,
        ("no", _) => Settled::Broken(fields.get("words").to_owned()),
        (_, form) => Settled::Came(form.unwrap_or(MaterialForm::Copy), 1, None, handing),
    };
    let result = by.visit.write(by.who.clone(), async |act| case::settle(act, &number, n, settled).await).await;
    done(&by, number, result)
}

#[handler]
pub(super) async fn hand_back(
    sent: Sent<CaseHandler>,
    Path((number, n)): Path<(String, i32)>,
) -> poem::Result<Response> {
    let Sent { by, fields } = sent;
    let hand_back = async |act: &_| case::hand_back(act, &number, n, fields.get("signed_by")).await;
    let result = by.visit.write(by.who.clone(), hand_back).await;
    done(&by, number, result)
}

#[handler]
pub(super) async fn take(sent: Sent<CaseHandler>, Path(number): Path<String>) -> poem::Result<Response> {
    let by = sent.by;
    let result = by.visit.write(by.who.clone(), async |act| case::take_custody(act, &number).await).await;
    done(&by, number, result)
}

#[handler]
pub(super) async fn scan(
    sent: SentFile<CaseHandler>,
    Path((number, n)): Path<(String, i32)>,
) -> poem::Result<Response> {
    let SentFile { by, mut files, .. } = sent;
    let Upload { name, bytes, .. } = files.pop().unwrap_or_default();
    let (visit, who) = (&by.visit, &by.who);
    visit.limit_uploads(who).await?;
    let kept = visit.app.keep_file(&visit.centre, who.clone(), FilePurpose::Material, &name, bytes).await;
    let result = match kept {
        Ok(file) => visit.write(who.clone(), async |act| case::scan(act, &number, n, file.id).await).await,
        Err(error) => Err(error),
    };
    done(&by, number, result)
}

/// The scan of the letter by which an agent brought a case.
#[handler]
pub(super) async fn show_letter(
    Someone(by): Someone<CaseReader>,
    Path(number): Path<String>,
) -> poem::Result<Response> {
    let (app, centre) = (&by.visit.app, &by.visit.centre);
    let case = case::papers(app.read(), &app.vault, centre, &number, &by.sight().await?).await?.row;
    hand_out(app, &case::letter(app.read(), &case).await?).await
}

/// The scan of a material, or the electronic material itself.
#[handler]
pub(super) async fn show(
    Someone(by): Someone<CaseReader>,
    Path((number, n)): Path<(String, i32)>,
) -> poem::Result<Response> {
    let (app, centre) = (&by.visit.app, &by.visit.centre);
    let case = case::papers(app.read(), &app.vault, centre, &number, &by.sight().await?).await?.row;
    let row = file::get(app.read(), centre.id, case::with_file(app.read(), &case, n).await?).await?;
    hand_out(app, &row).await
}
