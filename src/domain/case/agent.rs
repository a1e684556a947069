//! Agents (帮办代办, article 4.7): who brings a case for its applicant, by a letter of authorisation.
//!
//! Whoever cannot come himself sends his kin, or the agent of his village: it costs him no trip. Who came for him and by which
//! letter is kept with the case; the case stays the applicant's, and so do its texts and its review.

use super::{AGENT_NEEDED, BAD_AGENT, BAD_AUTHORISATION};
use crate::base::error::{Error, Result};
use crate::base::vault::Vault;
use crate::domain::act::Act;
use crate::domain::applicant::{self, Applicant, Typed};
use crate::domain::file;
use crate::domain::published::Centre;
use chrono::{Months, NaiveDate};
use entity::Id;
use entity::applicant::{ApplicantKind, Model as Person};
use entity::case::agent::{AgentKind, Entity, Model};
use entity::case::{Channel, Model as Case};
use sea_orm::{ConnectionTrait, EntityTrait as _};

/// An agent as typed.
#[derive(Clone, Debug)]
pub struct Agent {
    /// Who he is.
    pub person: Typed,
    /// What he is to the applicant.
    pub kind: AgentKind,
    /// Day of the letter of authorisation.
    pub authorised_on: NaiveDate,
    /// A scan of it, that was given as `material`.
    pub letter: Option<Id>,
}

/// An agent that was looked at.
#[derive(Clone, Debug)]
pub struct Authorised {
    person: Applicant,
    kind: AgentKind,
    authorised_on: NaiveDate,
    letter: Option<Id>,
}

/// Looks at who brings a case: nobody by that channel without a letter, and by another there is none.
pub(super) async fn check(
    act: &Act,
    channel: Channel,
    applicant: &Applicant,
    agent: Option<Agent>,
) -> Result<Option<Authorised>> {
    let agent = match (channel, agent) {
        (Channel::Agent, Some(agent)) => agent,
        (Channel::Agent, None) | (_, Some(_)) => return Err(AGENT_NEEDED.on("agent").into()),
        _ => return Ok(None),
    };
    let person = agent.person.check().map_err(|error| match error {
        Error::Refused(mut refused) => {
            refused.field = refused.field.map(|field| field.replace("applicant.", "agent."));
            Error::Refused(refused)
        }
        fault => fault,
    })?;
    // Of one name, and nothing shown that tells them apart.
    let apart = person.document.is_some() && applicant.document.is_some() && person.document != applicant.document;
    let himself = person.name == applicant.name && !apart;
    if person.kind != ApplicantKind::Person || himself {
        return Err(BAD_AGENT.on("agent.name").into());
    }
    let today = act.now.date();
    if agent.authorised_on > today || agent.authorised_on + Months::new(12) < today {
        return Err(BAD_AUTHORISATION.on("agent.authorised_on").into());
    }
    if let Some(letter) = agent.letter {
        super::material::keep(act, letter, "agent.letter_id".to_owned()).await?;
    }
    let Agent { kind, authorised_on, letter, .. } = agent;
    Ok(Some(Authorised { person, kind, authorised_on, letter }))
}

impl Authorised {
    /// True when his letter was left on paper.
    pub(super) const fn is_paper(&self) -> bool {
        self.letter.is_none()
    }

    /// His name.
    pub(super) fn name(&self) -> &str {
        &self.person.name
    }

    /// What is written of him.
    pub(super) fn rows(&self, act: &Act, case: Id) -> Result<(Person, Model)> {
        let person = applicant::snapshot(act, &self.person)?;
        let row = Model {
            case_id: case,
            centre_id: act.centre.id,
            person_id: person.id,
            kind: self.kind,
            authorised_on: self.authorised_on,
            file_id: self.letter,
        };
        Ok((person, row))
    }
}

/// The scan of the letter by which an agent brought a case.
///
/// # Errors
/// `unknown_file`.
pub async fn letter(db: &impl ConnectionTrait, case: &Case) -> Result<entity::file::Model> {
    let agent = Entity::find_by_id(case.id).one(db).await?;
    let scan = agent.and_then(|agent| agent.file_id).ok_or(file::UNKNOWN_FILE)?;
    file::get(db, case.centre_id, scan).await
}

/// The agent of a case, in clear, if it came by one.
///
/// # Errors
/// Whatever the database or the vault says.
pub async fn of(
    db: &impl ConnectionTrait,
    vault: &Vault,
    centre: &Centre,
    case: &Case,
) -> Result<Option<(Model, Applicant)>> {
    if case.channel != Channel::Agent {
        return Ok(None);
    }
    let Some(row) = Entity::find_by_id(case.id).one(db).await? else { return Ok(None) };
    let person = applicant::get(db, vault, centre.id, row.person_id).await?;
    Ok(Some((row, person)))
}
