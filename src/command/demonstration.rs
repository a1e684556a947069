//! `shuitian demo`.

use super::{bar, say};
use crate::app::App;
use crate::base::settings::Profile;
use crate::demo::{self, Scale};

/// The seed of the township that an empty database is given.
pub(super) const SEED: u64 = 62;

#[derive(clap::Args)]
pub(super) struct Demo {
    /// People who live there.
    #[arg(long, default_value_t = Scale::default().residents as u64, value_parser = clap::value_parser!(u64).range(1..=1_000_000))]
    residents: u64,
    /// Cases taken in.
    #[arg(long, default_value_t = Scale::default().cases as u64, value_parser = clap::value_parser!(u64).range(1..=5_000_000))]
    cases: u64,
    /// Months, this one among them.
    #[arg(long, default_value_t = Scale::default().months, value_parser = clap::value_parser!(u32).range(1..=120))]
    months: u32,
    /// The same seed on the same day tells the same story.
    #[arg(long, default_value_t = SEED)]
    seed: u64,
}

impl Demo {
    pub(super) async fn run(&self, app: &App) -> anyhow::Result<()> {
        anyhow::ensure!(
            app.settings.profile != Profile::Production,
            "profile = \"production\" takes no demonstration: its accounts have a published password"
        );
        let (residents, cases) = (usize::try_from(self.residents)?, usize::try_from(self.cases)?);
        let scale = Scale { residents, cases, months: self.months };
        let bar = bar("{wide_bar} {pos} of {len} days and bulletins");
        let loaded = demo::load(app, self.seed, scale, |written, of| {
            bar.set_length(of as u64);
            bar.set_position(written as u64);
        });
        let loaded = loaded.await;
        bar.finish_and_clear();
        loaded?;
        say("loaded the demonstration township")
    }
}
