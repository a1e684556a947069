//! Telemetry (日志): log lines for operators, without personal data.

use super::settings::{Log, LogFormat};
use std::io::IsTerminal as _;
use tracing_subscriber::EnvFilter;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::util::SubscriberInitExt as _;

/// The subscriber that writes log lines to `writer`.
///
/// h2 prints whole header blocks at its lower levels, tokens included, so it is never heard below warnings.
pub fn subscriber<W>(log: &Log, writer: W) -> Box<dyn tracing::Subscriber + Send + Sync>
where
    W: for<'w> MakeWriter<'w> + Send + Sync + 'static,
{
    // The filter was read once when the settings were checked.
    let filter = EnvFilter::new(format!("{},h2=warn", log.filter));
    let colours = std::io::stderr().is_terminal();
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(writer).with_ansi(colours);
    match log.format {
        LogFormat::Text => Box::new(lines.finish()),
        LogFormat::Json => Box::new(lines.json().flatten_event(true).finish()),
    }
}

/// Sends log lines to standard error from here on.
pub fn start(log: &Log) {
    // Only a second start in one process can fail, and then lines already go where the first sent them.
    let _ = subscriber(log, std::io::stderr).try_init();
    // The words of a panic may hold anything that was being worked on; where it happened is what mends it.
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "a panic");
    }));
}
