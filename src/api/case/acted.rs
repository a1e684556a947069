//! What is answered after an act on a case.

use super::view::{CaseView, Clockwork, InvitationTicket, shown};
use crate::api::view::moment;
use crate::base::Result;
use crate::domain::case::{self, Power, Sight};
use crate::domain::{Act, StaffMember, Who, centre, review};
use entity::case::Model as Row;
use entity::identity::Role;
use poem_openapi::Object;

/// A case after an act.
#[derive(Object)]
pub(super) struct Acted {
    /// The case.
    #[oai(flatten)]
    pub(super) case: CaseView,
    /// Where the case has ended: its invitation to rate.
    pub(super) invitation: Option<InvitationTicket>,
}

async fn view(act: &Act, row: Row) -> Result<CaseView> {
    let sight = Sight::acting(act).await?;
    let offices = centre::offices(&*act.tx, act.centre.id).await?;
    let seen = case::see(&*act.tx, &act.vault, &act.centre, &row.number, &sight).await?;
    let clock = Clockwork::of(&*act.tx, &act.centre, act.now).await?;
    Ok(shown(seen, &offices, &clock, sight.viewer()))
}

/// The case after an act, with its invitation if it has ended.
pub(super) async fn acted(act: &Act, row: Row) -> Result<Acted> {
    let invitation = ticket_view(act, &row).await?;
    Ok(Acted { case: view(act, row).await?, invitation })
}

/// True for the windows, and for whoever hands results over at an office's own post.
async fn hands_it_over(act: &Act, member: &StaffMember, row: &Row) -> Result<bool> {
    let window = member.is_any(&[Role::Window, Role::Director]);
    Ok(window || Sight::acting(act).await?.under(row, Power::Issue).is_ok())
}

/// The invitation of a case that has ended. Whoever hands the result over hands it over too; whoever else saw it could rate himself.
pub(super) async fn ticket_view(act: &Act, row: &Row) -> Result<Option<InvitationTicket>> {
    let ticket = match &act.who {
        Who::Staff(member) if hands_it_over(act, member, row).await? => {
            review::ticket(&*act.tx, &act.vault, &act.rules.public_url, row).await?
        }
        _ => None,
    };
    Ok(ticket.map(|t| InvitationTicket { url: t.url, code: t.code, expires_at: moment(t.expires_at) }))
}
