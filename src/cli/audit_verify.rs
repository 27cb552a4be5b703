//! `trueline audit verify`: walks the chain of the store, or of an export, and says where it breaks and what that means.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::Path;

use serde::Serialize;

use super::audit::{ExportLine, VerifyOptions, chain_after};
use super::context::Context;
use super::output::{Exit, Failure};
use super::server::Server;
use super::table::count;
use crate::digest::Digest;
use crate::reconcile::show::visible;
use crate::store::{BreakKind, ChainBreak, ChainWalk, Store, verify_audit};

/// Verifies a file, what a server tells, or the store: 0 whole, 1 broken.
pub(super) async fn run(
    context: &Context,
    server: Option<&Server>,
    options: &VerifyOptions,
) -> Result<Exit, Failure> {
    let (walk, broken) = match (&options.file, server) {
        (Some(file), _) => walk_file(file)?,
        (None, Some(server)) => walk_server(server, options.head).await?,
        (None, None) => {
            let store = context.existing_store().await?;
            let found = verify_audit(&*store).await?;
            with_noted(&*store, found, options.head).await?
        }
    };
    let broken = broken.or_else(|| match (options.head, walk.head()) {
        (Some((seq, hash)), Some((last, found))) if seq == last && hash != found => {
            Some(ChainBreak { seq, kind: BreakKind::Rewritten })
        }
        (Some((seq, _)), last) if last.is_none_or(|(last, _)| last < seq) => {
            Some(ChainBreak { seq: walk.next(), kind: BreakKind::Cut })
        }
        _ => None,
    });
    let wire = VerifyWire::of(&walk, broken);
    context.show(&wire, || wire.text())?;
    Ok(if broken.is_some() { Exit::Findings } else { Exit::Success })
}

/// Compares the entry that was noted with the one that is there now.
async fn with_noted(
    store: &dyn Store,
    (walk, broken): (ChainWalk, Option<ChainBreak>),
    noted: Option<(i64, Digest)>,
) -> Result<(ChainWalk, Option<ChainBreak>), Failure> {
    let Some((seq, hash)) = noted.filter(|(seq, _)| *seq < walk.next()) else {
        return Ok((walk, broken));
    };
    let found = store.audit_after(seq - 1, 1).await?;
    let same = found.first().is_some_and(|entry| entry.seq == seq && entry.hash == hash);
    let rewritten = (!same).then_some(ChainBreak { seq, kind: BreakKind::Rewritten });
    Ok((walk, broken.or(rewritten)))
}

/// Walks the chain as a server tells it, and compares the entry that was noted with the one that is there.
async fn walk_server(
    server: &Server,
    noted: Option<(i64, Digest)>,
) -> Result<(ChainWalk, Option<ChainBreak>), Failure> {
    let mut walk = ChainWalk::default();
    let mut seen = 0;
    loop {
        let entries = chain_after(server, seen).await?;
        let Some(last) = entries.last().map(|entry| entry.seq) else { return Ok((walk, None)) };
        for entry in entries {
            if walk.head().is_none() && entry.seq != 1 {
                let kind = BreakKind::Gap { missing: 1 };
                return Ok((walk, Some(ChainBreak { seq: entry.seq, kind })));
            }
            if noted.is_some_and(|(seq, hash)| seq == entry.seq && hash != entry.hash) {
                let broken = ChainBreak { seq: entry.seq, kind: BreakKind::Rewritten };
                return Ok((walk, Some(broken)));
            }
            if let Err(broken) = walk.take(&entry) {
                return Ok((walk, Some(broken)));
            }
        }
        // What follows is no higher only where it does not fit, which was told above.
        seen = last.max(seen + 1);
    }
}

fn walk_file(path: &Path) -> Result<(ChainWalk, Option<ChainBreak>), Failure> {
    let failed = |error: std::io::Error| Failure::usage(format!("{}: {error}", path.display()));
    let mut walk = ChainWalk::default();
    for line in BufReader::new(File::open(path).map_err(failed)?).lines() {
        let line = line.map_err(failed)?;
        let read = serde_json::from_str::<ExportLine>(&line).ok().and_then(ExportLine::entry);
        let Some(entry) = read else {
            let broken = ChainBreak { seq: walk.next(), kind: BreakKind::Unreadable };
            return Ok((walk, Some(broken)));
        };
        if let Err(broken) = walk.take(&entry) {
            return Ok((walk, Some(broken)));
        }
    }
    Ok((walk, None))
}

/// Reads an entry as it was noted: its number and its hash.
pub(super) fn noted(text: &str) -> Result<(i64, Digest), String> {
    let read = text.split_once(':').and_then(|(seq, hash)| {
        let seq = seq.parse::<i64>().ok().filter(|seq| *seq > 0)?;
        Some((seq, hash.parse().ok()?))
    });
    read.ok_or_else(|| {
        format!("`{}` is not NUMBER:HASH, as `audit verify` prints it", visible(text))
    })
}

#[derive(Debug, Serialize)]
struct VerifyWire {
    version: &'static str,
    whole: bool,
    /// Entries that fit.
    first: Option<i64>,
    last: Option<i64>,
    head: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    broken: Option<BrokenWire>,
}

#[derive(Debug, Serialize)]
struct BrokenWire {
    entry: i64,
    kind: &'static str,
    text: String,
}

impl VerifyWire {
    fn of(walk: &ChainWalk, broken: Option<ChainBreak>) -> Self {
        Self {
            version: "trueline.audit-verify/v1",
            whole: broken.is_none(),
            first: walk.first(),
            last: walk.head().map(|(seq, _)| seq),
            head: walk.head().map(|(seq, hash)| format!("{seq}:{hash}")),
            broken: broken.map(|broken| BrokenWire {
                entry: broken.seq,
                kind: broken.kind.word(),
                text: broken.to_string(),
            }),
        }
    }

    fn text(&self) -> String {
        let range = self.first.zip(self.last);
        let entries = range.map_or(0, |(first, last)| last.saturating_sub(first).saturating_add(1));
        let entries = count(usize::try_from(entries).unwrap_or(usize::MAX), "entry")
            .replace("entrys", "entries");
        if let Some(broken) = &self.broken {
            let before = match range {
                Some((first, last)) => format!("{entries} before it fit ({first} to {last})"),
                None => "nothing before it fits".to_owned(),
            };
            return format!(
                "broken: {}\n{before}; what comes after it was not looked at",
                broken.text
            );
        }
        let Some(head) = &self.head else { return "the audit chain is empty".to_owned() };
        let begins = match range {
            Some((first, _)) if first > 1 => format!(", from entry {first} on"),
            _ => String::new(),
        };
        format!(
            "the audit chain is whole: {entries}{begins}\nhead {head}\nkeep the head elsewhere: \
             `trueline audit verify --head` tells whether anything up to it was cut off or rewritten"
        )
    }
}
