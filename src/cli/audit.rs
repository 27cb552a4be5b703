//! `trueline audit`: lists the audit chain, newest first, and exports it. It adds nothing to it.

mod remote;

use std::io::{ErrorKind, Write};
use std::path::PathBuf;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::audit_verify;
use super::context::Context;
use super::output::{Exit, Failure};
use super::table::{Limit, cell, table};
use crate::clock::Clock;
use crate::daemon::SystemClock;
use crate::digest::Digest;
use crate::reconcile::show::literal;
use crate::store::{AuditEntry, AuditFilter, Store};

pub(super) use remote::after as chain_after;

/// How many entries are read at once for an export.
const PIECE: u32 = 2_000;

/// What `audit` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists entries, newest first.
    List(ListOptions),
    /// Walks the whole chain and says where it breaks, and what that means.
    Verify(VerifyOptions),
    /// Prints the chain as JSON Lines with its hashes, so that others can verify it.
    Export {
        /// Only what comes after this entry.
        #[arg(long, value_name = "NUMBER", default_value_t = 0)]
        after: i64,
    },
}

/// What `audit list` takes.
#[derive(Debug, Args)]
struct ListOptions {
    /// Only about this service: its runs, the approvals of its changes, its tasks.
    #[arg(long, value_name = "ID")]
    service: Option<String>,
    /// Only by this person, or by `trueline` itself.
    #[arg(long, value_name = "NAME")]
    actor: Option<String>,
    /// Only since a moment (2026-03-01T12:00:00Z), or for so long (24h).
    #[arg(long, value_name = "TIME|DURATION")]
    since: Option<String>,
    /// Only before this entry: the next page.
    #[arg(long, value_name = "NUMBER")]
    before: Option<i64>,
    #[command(flatten)]
    limit: Limit,
}

/// What `audit verify` takes.
#[derive(Debug, Args)]
pub(super) struct VerifyOptions {
    /// A file that `trueline audit export` wrote; the store where absent.
    pub(super) file: Option<PathBuf>,
    /// An entry as it was noted before, NUMBER:HASH: tells whether anything up to it was cut off or rewritten.
    #[arg(long, value_name = "NUMBER:HASH", value_parser = audit_verify::noted)]
    pub(super) head: Option<(i64, Digest)>,
}

/// Runs it.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    if let Some(server) = context.asks()? {
        return remote::run(context, &server, &options.command).await;
    }
    match &options.command {
        Command::List(options) => {
            let store = context.existing_store().await?;
            let filter = filter(options, SystemClock.now())?;
            let wire = list(&*store, &filter, options.limit).await?;
            context.show(&wire, || list_text(&wire))?;
            Ok(Exit::Success)
        }
        Command::Verify(options) => audit_verify::run(context, None, options).await,
        Command::Export { after } => {
            let store = context.existing_store().await?;
            let mut out = std::io::BufWriter::new(std::io::stdout().lock());
            exported(export(&*store, *after, &mut out).await?)
        }
    }
}

fn filter(options: &ListOptions, now: Timestamp) -> Result<AuditFilter, Failure> {
    let since = options.since.as_deref().map(|text| moment(text, now)).transpose()?;
    Ok(AuditFilter {
        service: options.service.clone(),
        actor: options.actor.clone(),
        since,
        before: options.before,
    })
}

fn moment(text: &str, now: Timestamp) -> Result<Timestamp, Failure> {
    if let Some(ago) = crate::catalog::duration(text) {
        return Ok(now.checked_sub(ago).unwrap_or(Timestamp::MIN));
    }
    let day = || {
        Some(
            text.parse::<jiff::civil::Date>()
                .ok()?
                .to_zoned(jiff::tz::TimeZone::UTC)
                .ok()?
                .timestamp(),
        )
    };
    text.parse().ok().or_else(day).ok_or_else(|| {
        Failure::usage(format!("`{}` is neither a moment nor a duration", cell(text)))
            .hint("such as 2026-03-01T12:00:00Z, 2026-03-01 or 24h")
    })
}

#[derive(Debug, Serialize)]
struct AuditWire {
    version: &'static str,
    entries: Vec<AuditEntry>,
    /// What `--before` takes for the next page; nothing where this is the last one.
    next: Option<i64>,
}

async fn list(store: &dyn Store, filter: &AuditFilter, limit: Limit) -> Result<AuditWire, Failure> {
    let mut entries = store.audit_list(filter, limit.limit + 1).await?;
    let more = entries.len() > limit.items();
    entries.truncate(limit.items());
    let next = entries.last().filter(|_| more).map(|entry| entry.seq);
    Ok(AuditWire { version: "trueline.audit/v1", entries, next })
}

fn list_text(wire: &AuditWire) -> String {
    if wire.entries.is_empty() {
        return "no entries".to_owned();
    }
    let rows = wire.entries.iter().map(|entry| {
        let about = |name: &str| entry.detail.get(name).and_then(Value::as_str).unwrap_or_default();
        let subject = [about("service"), about("subject"), about("run")];
        let subject = subject.into_iter().find(|text| !text.is_empty()).unwrap_or_default();
        let subject = subject.chars().take(40).collect();
        [
            entry.seq.to_string(),
            format!("{:.0}", entry.at),
            entry.actor.clone(),
            entry.what.clone(),
            subject,
            detail(&entry.detail),
        ]
    });
    let mut text = table(["ENTRY", "AT", "ACTOR", "WHAT", "ABOUT", "DETAIL"], rows);
    if let Some(next) = wire.next {
        text.extend(["… and more: --before ", &next.to_string(), "\n"]);
    }
    text
}

/// Writes the details that have no column of their own.
fn detail(detail: &Value) -> String {
    let Value::Object(map) = detail else { return String::new() };
    let shown = map.iter().filter(|(name, value)| {
        !matches!(name.as_str(), "service" | "subject" | "change" | "sent") && !value.is_null()
    });
    let words = shown.map(|(name, value)| match value {
        Value::String(text) => format!("{name}: {text}"),
        other => format!("{name}: {}", literal(other)),
    });
    words.collect::<Vec<_>>().join(", ")
}

/// One line of an export: an entry of the chain, its time in milliseconds as it is hashed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ExportLine {
    seq: i64,
    at: i64,
    actor: String,
    what: String,
    detail: Value,
    previous: Digest,
    hash: Digest,
}

impl ExportLine {
    fn of(entry: AuditEntry) -> Self {
        let AuditEntry { seq, at, actor, what, detail, previous, hash } = entry;
        Self { seq, at: at.as_millisecond(), actor, what, detail, previous, hash }
    }

    /// Reads the entry; nothing where its time is none.
    pub(super) fn entry(self) -> Option<AuditEntry> {
        let Self { seq, at, actor, what, detail, previous, hash } = self;
        let at = Timestamp::from_millisecond(at).ok()?;
        Some(AuditEntry { seq, at, actor, what, detail, previous, hash })
    }
}

/// Writes the chain after a number, a line each; the inner error is that of the writer.
async fn export(
    store: &dyn Store,
    mut after: i64,
    out: &mut impl Write,
) -> Result<std::io::Result<()>, Failure> {
    loop {
        let entries = store.audit_after(after, PIECE).await?;
        let Some(last) = entries.last() else { return Ok(out.flush()) };
        after = last.seq;
        if let Err(error) = write(entries, out)? {
            return Ok(Err(error));
        }
    }
}

/// Writes entries, a line each; the inner error is that of the writer.
fn write(entries: Vec<AuditEntry>, out: &mut impl Write) -> Result<std::io::Result<()>, Failure> {
    for entry in entries {
        let line = serde_json::to_string(&ExportLine::of(entry))?;
        if let Err(error) = writeln!(out, "{line}") {
            return Ok(Err(error));
        }
    }
    Ok(Ok(()))
}

/// Ends an export; who reads it may have gone away, as `head` does.
fn exported(ended: std::io::Result<()>) -> Result<Exit, Failure> {
    match ended {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Exit::Success),
        Err(error) => Err(error.into()),
        Ok(()) => Ok(Exit::Success),
    }
}

#[cfg(test)]
#[path = "audit_tests.rs"]
mod tests;
