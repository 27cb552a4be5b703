//! Walks an audit chain entry by entry, and says what a break in it means. It reads no store.

use std::fmt;

use serde_json::Value;

use super::audit::{AuditEntry, start_of_chain};
use crate::digest::Digest;

/// Walks a chain in pieces of any size.
#[derive(Clone, Debug, Default)]
pub struct ChainWalk {
    /// Number and hash of the entry that was taken last.
    before: Option<(i64, Digest)>,
    /// Number of the entry that was taken first.
    first: Option<i64>,
    /// Number of the last decision that an entry told of.
    decision: i64,
}

/// The first entry that does not fit, and why.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChainBreak {
    /// Its number.
    pub seq: i64,
    /// What is wrong with it.
    pub kind: BreakKind,
}

/// What is wrong with an entry of a chain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BreakKind {
    /// It is the first one, and does not begin a chain.
    Start,
    /// Another one should stand between it and the one before.
    Gap {
        /// The number that is missing.
        missing: i64,
    },
    /// It does not name the hash of the entry before it.
    Unlinked,
    /// Its hash is not that of what it says.
    Altered,
    /// It can't be read at all.
    Unreadable,
    /// The chain ends before it, and something else tells that it was there.
    Cut,
    /// It is there, with another hash than the one that was noted for it.
    Rewritten,
}

impl BreakKind {
    /// Returns the word that programs know it by.
    pub fn word(self) -> &'static str {
        match self {
            BreakKind::Start => "start",
            BreakKind::Gap { .. } => "gap",
            BreakKind::Unlinked => "unlinked",
            BreakKind::Altered => "altered",
            BreakKind::Unreadable => "unreadable",
            BreakKind::Cut => "cut",
            BreakKind::Rewritten => "rewritten",
        }
    }
}

impl fmt::Display for ChainBreak {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seq, kind } = self;
        match kind {
            BreakKind::Start => write!(
                f,
                "entry {seq} is the first and does not begin a chain: the beginning was replaced"
            ),
            BreakKind::Gap { missing } if *missing > *seq => {
                write!(f, "entry {seq} stands where entry {missing} should: entries were put in")
            }
            BreakKind::Gap { missing } if *missing + 1 == *seq => {
                write!(f, "entry {missing} is missing: it was deleted")
            }
            BreakKind::Gap { missing } => {
                write!(f, "entries {missing} to {} are missing: they were deleted", seq - 1)
            }
            BreakKind::Unlinked => write!(
                f,
                "entry {seq} does not name the hash of the entry before it: one of the two was \
                 replaced, or everything before it was rewritten"
            ),
            BreakKind::Altered => {
                write!(f, "entry {seq} does not have the hash of what it says: it was altered")
            }
            BreakKind::Unreadable => {
                write!(f, "entry {seq} can't be read: it was altered, or the file is damaged")
            }
            BreakKind::Cut => write!(f, "the chain ends before entry {seq}: its end was cut off"),
            BreakKind::Rewritten => write!(
                f,
                "entry {seq} has another hash than the one that was noted: it, or something before \
                 it, was rewritten"
            ),
        }
    }
}

impl ChainWalk {
    /// Takes the next entry, or says why it does not fit.
    pub fn take(&mut self, entry: &AuditEntry) -> Result<(), ChainBreak> {
        let broken = |kind| Err(ChainBreak { seq: entry.seq, kind });
        match self.before {
            None if entry.seq < 1 => return broken(BreakKind::Start),
            None if entry.seq == 1 && entry.previous != start_of_chain() => {
                return broken(BreakKind::Start);
            }
            None => self.first = Some(entry.seq),
            Some((seq, hash)) => {
                let missing = seq.saturating_add(1);
                if missing != entry.seq {
                    return broken(BreakKind::Gap { missing });
                }
                if hash != entry.previous {
                    return broken(BreakKind::Unlinked);
                }
            }
        }
        if entry.compute_hash() != entry.hash {
            return broken(BreakKind::Altered);
        }
        self.before = Some((entry.seq, entry.hash));
        let decision = entry.detail.get("decision").and_then(Value::as_i64);
        self.decision = self.decision.max(decision.unwrap_or_default());
        Ok(())
    }

    /// Returns number and hash of the entry that was taken last.
    pub fn head(&self) -> Option<(i64, Digest)> {
        self.before
    }

    /// Returns the number of the entry that was taken first.
    pub fn first(&self) -> Option<i64> {
        self.first
    }

    /// Returns the number of the last decision that the chain told of.
    pub fn decision(&self) -> i64 {
        self.decision
    }

    /// Returns the number that comes next.
    pub fn next(&self) -> i64 {
        self.before.map_or(1, |(seq, _)| seq.saturating_add(1))
    }
}

/// Checks a chain, or the part of one; the number of the first entry that does not fit, where there is one.
pub fn verify_chain(entries: &[AuditEntry]) -> Result<(), i64> {
    let mut walk = ChainWalk::default();
    entries.iter().try_for_each(|entry| walk.take(entry)).map_err(|broken| broken.seq)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;
    use serde_json::json;

    fn chain(length: i64) -> Vec<AuditEntry> {
        let mut previous = start_of_chain();
        (1..=length)
            .map(|seq| {
                let mut entry = AuditEntry {
                    seq,
                    at: Timestamp::UNIX_EPOCH,
                    actor: "trueline".to_owned(),
                    what: "run.started".to_owned(),
                    detail: json!({"run": seq}),
                    previous,
                    hash: previous,
                };
                entry.hash = entry.compute_hash();
                previous = entry.hash;
                entry
            })
            .collect()
    }

    fn check(edit: impl FnOnce(&mut Vec<AuditEntry>), expected: &str) {
        let mut entries = chain(4);
        edit(&mut entries);
        let mut walk = ChainWalk::default();
        let told = entries.iter().try_for_each(|entry| walk.take(entry));
        assert_eq!(told.map_or_else(|broken| broken.to_string(), |()| String::new()), expected);
        assert_eq!(verify_chain(&entries).is_ok(), expected.is_empty());
    }

    #[test]
    fn a_chain_and_any_part_of_it_verifies() {
        check(|_| {}, "");
        check(|entries| drop(entries.remove(0)), "");
        check(Vec::clear, "");
    }

    #[test]
    fn every_edit_is_noticed_and_named() {
        let altered =
            |seq| format!("entry {seq} does not have the hash of what it says: it was altered");
        check(|entries| entries[1].actor = "somebody".to_owned(), &altered(2));
        check(|entries| entries[2].detail = json!({"run": 9}), &altered(3));
        check(|entries| entries[0].at = Timestamp::MAX, &altered(1));
        check(|entries| drop(entries.remove(1)), "entry 2 is missing: it was deleted");
        check(|entries| drop(entries.drain(1..3)), "entries 2 to 3 are missing: they were deleted");
        check(|entries| entries.swap(1, 2), "entry 2 is missing: it was deleted");
        check(
            |entries| entries.insert(2, entries[0].clone()),
            "entry 1 stands where entry 3 should: entries were put in",
        );
        check(
            |entries| entries[0].previous = Digest::of_bytes(b"other"),
            "entry 1 is the first and does not begin a chain: the beginning was replaced",
        );
    }

    #[test]
    fn an_edit_with_a_new_hash_is_noticed_at_the_next_entry() {
        let rewrite = |entries: &mut Vec<AuditEntry>| {
            entries[1].what = "approve".to_owned();
            entries[1].hash = entries[1].compute_hash();
        };
        check(
            rewrite,
            "entry 3 does not name the hash of the entry before it: one of the two was replaced, or \
             everything before it was rewritten",
        );
    }
}
