//! `shuitian staff …`: people come, forget their passwords, and go.

use super::{centre_of, say};
use crate::app::App;
use crate::base::settings::Fault;
use crate::domain::Who;
use crate::domain::identity::staff::{self, Newcomer, StaffFile};
use chrono::NaiveDate;
use clap::{Args, Subcommand};
use entity::identity::Role;
use sea_orm::{ActiveEnum as _, Iterable as _};

#[derive(Subcommand)]
pub(super) enum StaffCommand {
    /// Add one person; the first password is printed once.
    Add(Person),
    /// Give someone a new first password, and end the sessions under the old one.
    Reset {
        /// User name.
        username: String,
    },
    /// Note on which mobile number someone is told in the morning what is due; without a number, that he is not.
    Phone {
        /// User name.
        username: String,
        /// The number.
        phone: Option<String>,
    },
    /// End someone's service: after the last day he cannot sign in, and what he did keeps his name.
    Leave {
        /// User name.
        username: String,
        /// The last day of service, such as 2026-11-30.
        #[arg(long)]
        last_day: NaiveDate,
    },
}

#[derive(Args)]
pub(super) struct Person {
    /// User name.
    username: String,
    /// Name.
    #[arg(long)]
    name: String,
    /// Post, in words.
    #[arg(long, default_value = "")]
    title: String,
    /// A role; may be given several times.
    #[arg(long = "role", required = true)]
    roles: Vec<String>,
    /// Code of the office.
    #[arg(long)]
    office: Option<String>,
    /// Mobile number on which he is told in the morning what is due.
    #[arg(long)]
    phone: Option<String>,
    /// Must sign in at the hall.
    #[arg(long)]
    attends: bool,
}

impl StaffCommand {
    pub(super) async fn run(self, app: &App, code: Option<&str>) -> anyhow::Result<()> {
        match self {
            Self::Add(person) => {
                let file = person.file()?;
                let centre = centre_of(app, code).await?;
                tell_passwords(&app.write(&centre, Who::Operator, async |act| staff::add(act, vec![file]).await).await?)
            }
            Self::Reset { username } => {
                let centre = centre_of(app, code).await?;
                let reset = app.write(&centre, Who::Operator, async |act| staff::reset(act, &username).await).await?;
                tell_passwords(&[reset])
            }
            Self::Phone { username, phone } => {
                let centre = centre_of(app, code).await?;
                let note = async |act: &_| staff::set_phone(act, &username, phone.as_deref()).await;
                let told = app.write(&centre, Who::Operator, note).await?;
                let how = if phone.is_some() { "is told in the morning what is due" } else { "is not told by text" };
                say(&format!("{} {} {how}", told.username, told.name))
            }
            Self::Leave { username, last_day } => {
                let centre = centre_of(app, code).await?;
                let leave = async |act: &_| staff::leave(act, &username, last_day).await;
                let gone = app.write(&centre, Who::Operator, leave).await?;
                say(&format!("{} {} serves until {last_day}", gone.username, gone.name))
            }
        }
    }
}

impl Person {
    fn file(self) -> Result<StaffFile, Fault> {
        let role = |word: &String| {
            Role::try_from_value(word).map_err(|_| {
                let known: Vec<String> = Role::iter().map(Role::word).collect();
                Fault(format!("--role {word} is not a role; there are: {}", known.join(", ")))
            })
        };
        Ok(StaffFile {
            roles: self.roles.iter().map(role).collect::<Result<_, _>>()?,
            username: self.username,
            name: self.name,
            title: self.title,
            office: self.office,
            attends: self.attends,
            phone: self.phone,
            active_from: None,
        })
    }
}

/// Prints first passwords, which are kept nowhere.
pub(super) fn tell_passwords(added: &[Newcomer]) -> anyhow::Result<()> {
    for newcomer in added {
        say(&format!(
            "{}  first password {}  (to be changed at the first sign-in)",
            newcomer.staff.username, newcomer.password
        ))?;
    }
    Ok(())
}
