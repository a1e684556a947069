//! `shuitian keys …`: making keys, putting a new one in use, and bringing stored data under it.

use super::{Start, say};
use crate::base::Random;
use crate::base::keys::{self, Purpose};
use crate::domain::reseal;
use clap::{Subcommand, ValueEnum};

#[derive(Subcommand)]
pub(super) enum KeysCommand {
    /// Print a new key, to be put in front of a list in settings.
    New,
    /// Put a new key in use in the directory of keys; servers take it up when they start again.
    Rotate {
        /// Which list; all three if left out.
        purpose: Option<Which>,
    },
    /// Seal all stored personal data with the keys in use, and make their blind indexes anew.
    Reindex,
}

#[derive(Clone, Copy, ValueEnum)]
pub(super) enum Which {
    Token,
    Data,
    Index,
}

impl KeysCommand {
    pub(super) async fn run(self, start: Start<impl Iterator<Item = (String, String)>>) -> anyhow::Result<()> {
        match self {
            Self::New => say(&keys::fresh(&Random::system())),
            Self::Rotate { purpose } => {
                let app = start.open().await?;
                let chosen = match purpose {
                    None => Purpose::ALL.to_vec(),
                    Some(Which::Token) => vec![Purpose::Token],
                    Some(Which::Data) => vec![Purpose::Data],
                    Some(Which::Index) => vec![Purpose::Index],
                };
                for purpose in chosen {
                    let id = keys::rotate(purpose, &app.settings.security, &app.random)?;
                    say(&format!("{}: key {id} is in front; the ones before it are kept to read", purpose.word()))?;
                }
                say("start the servers again, then run `shuitian keys reindex`")
            }
            Self::Reindex => {
                let app = start.open().await?;
                super::serve::ensure_current(&app).await?;
                for (table, rows) in reseal::all(&app.database, &app.vault).await? {
                    say(&format!("{table}: {rows} rows"))?;
                }
                say("all stored data are under the keys in use")
            }
        }
    }
}
