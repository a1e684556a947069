//! Applying online (网上申请, article 4.7): a resident hands a case in himself, by the same guide and against the same receipt.
//!
//! Whatever the guide asks for he gives as a file, promises or lets follow where the guide allows it, or has used again what his
//! account gave before. What is missing is told once, like at the window, and he gives it the same way. Nobody at the centre took it
//! in: the office's own post has it, or any window until one goes on with it.

use super::material::Taken;
use super::receive::{By, Received, admitted, enter, takes_in};
use super::{ELECTRONIC_ONLY, TOO_MANY_APPLICATIONS, material};
use crate::base::error::Result;
use crate::domain::act::Act;
use crate::domain::applicant::Typed;
use crate::domain::guide::Guide;
use crate::domain::identity::resident;
use crate::domain::identity::session::NOT_SIGNED_IN;
use crate::domain::matter::{self, Reception};
use crate::domain::post;
use entity::Id;
use entity::case::{CaseState, Channel, Column, Entity, MaterialForm};
use entity::post::PostKind;
use sea_orm::{ColumnTrait as _, EntityTrait as _, PaginatorTrait as _, QueryFilter as _};

/// Applications that an account may have undecided at once.
const MOST: u64 = 20;

/// What a resident hands in.
#[derive(Debug)]
pub struct Application {
    /// Code of the guide.
    pub guide: String,
    /// By the mini program, or on the web.
    pub channel: Channel,
    /// For whom.
    pub applicant: Typed,
    /// What he gives.
    pub materials: Vec<Taken>,
}

/// Takes a resident's application in.
///
/// # Errors
/// `unknown_guide`, the refusals of an applicant and of a matter, `channel_closed`, `too_many_applications`, `electronic_only`, those of
/// materials.
pub async fn apply(act: &Act, application: Application) -> Result<Received> {
    let account = act.who.account().ok_or(NOT_SIGNED_IN)?;
    let Application { guide, channel, mut applicant, materials } = application;
    // Whoever gives no telephone is told on his own.
    if applicant.phone.is_none() {
        applicant.phone = resident::known(&*act.tx, &act.vault, act.centre.id, account).await?.phone;
    }
    let (guide, applicant) = admitted(act, &guide, applicant, channel).await?;
    ensure_few(act, account).await?;
    ensure_electronic(&materials)?;
    let materials = material::check(act, &guide.version.content, &applicant, materials).await?;
    let by = By {
        channel,
        booking_id: None,
        account_id: Some(account),
        post: post_of(act, &guide).await?,
        under: None,
        first_asked: None,
        agent: None,
    };
    enter(act, guide, applicant, materials, by).await
}

/// What somebody hands in from afar is a file, or is not there yet.
pub(super) fn ensure_electronic(materials: &[Taken]) -> Result<()> {
    let wrong = |taken: &Taken| match taken.instead {
        super::Instead::Given => taken.form != MaterialForm::Electronic || taken.file.is_none(),
        _ => taken.kept,
    };
    match materials.iter().position(wrong) {
        Some(n) => Err(ELECTRONIC_ONLY.on(format!("materials[{n}].file_id")).into()),
        None => Ok(()),
    }
}

async fn ensure_few(act: &Act, account: Id) -> Result<()> {
    let open = Entity::find()
        .filter(Column::AccountId.eq(account))
        .filter(Column::Channel.is_in([Channel::MiniProgram, Channel::Web]))
        .filter(Column::State.is_in([CaseState::Received, CaseState::Supplement, CaseState::Accepted]));
    if open.count(&*act.tx).await? >= MOST {
        Err(TOO_MANY_APPLICATIONS.with(&[("most", &MOST)]).into())
    } else {
        Ok(())
    }
}

/// The post that has it: the office's own where that takes its matters in itself; no window rather than another.
async fn post_of(act: &Act, guide: &Guide) -> Result<Option<Id>> {
    let (today, posts) = (act.now.date(), post::all(&*act.tx, &act.centre).await?);
    let register = matter::register(&*act.tx, &act.centre).await?;
    let reception = register.of(&guide.row, today);
    if reception == Reception::Window {
        return Ok(None);
    }
    let of = |kind| posts.on(today).find(|post| post.row.kind == kind && takes_in(post, guide, reception));
    Ok(of(PostKind::Office).or_else(|| of(PostKind::Chief)).map(|post| post.row.id))
}
