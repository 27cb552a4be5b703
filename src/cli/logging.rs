//! Logs: for people on a terminal, JSON otherwise. Findings and plans are not logs; they go to the output.

use std::io::IsTerminal;

use tracing_subscriber::EnvFilter;

use super::context::Context;

/// Starts logging to the standard error; `usual` is the level where nobody asked for one.
pub(super) fn start(context: &Context, usual: &str) {
    let configured = context.config.log.level.as_deref();
    let level = match (context.verbose, configured) {
        (0, Some(level)) => level,
        (0, None) => usual,
        (1, _) => "info",
        _ => "debug",
    };
    let filter = EnvFilter::try_from_env("TRUELINE_LOG")
        .unwrap_or_else(|_| EnvFilter::new(format!("warn,trueline={level},notify={level}")));
    let json = match context.config.log.format.as_deref() {
        Some("json") => true,
        Some("text") => false,
        _ => !std::io::stderr().is_terminal(),
    };
    let builder = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // Started once; a second start, as in tests, leaves the first one in place.
    let _ = if json {
        builder.json().flatten_event(true).try_init()
    } else {
        builder.with_target(false).with_ansi(context.color).try_init()
    };
}
