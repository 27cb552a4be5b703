//! Applies fixes to files in memory, judges the result, and takes back what did not mend. It writes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::registry::{Check, rule};
use crate::catalog::{Blob, Snapshot, directory_commit};
use crate::digest::Digest;
use crate::finding::{Edit, Finding, Fix};

/// After how many rounds of fixing and judging nothing more is fixed: what is mended may show what is below it.
pub const ROUNDS: usize = 5;

/// How many fixes of files that became worse are tried one by one in a round.
const TRIES: usize = 16;

/// Bytes with fixes applied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Applied {
    /// The bytes.
    pub bytes: Vec<u8>,
    /// For every fix whether it is in them; those that touch another, or have no place there, are not.
    pub taken: Vec<bool>,
}

/// Applies fixes to the bytes of a file: each as a whole or not at all, the earlier one where two touch.
pub fn apply(bytes: &[u8], fixes: &[&Fix]) -> Applied {
    let mut order: Vec<usize> = (0..fixes.len()).collect();
    let first = |index: &usize| fixes.get(*index)?.edits.iter().map(|edit| edit.start).min();
    order.sort_by_key(|index| (first(index), *index));
    let mut taken = vec![false; fixes.len()];
    let mut edits: Vec<&Edit> = Vec::new();
    let mut whole: Vec<&Fix> = Vec::new();
    for index in order {
        let (Some(fix), Some(taken)) = (fixes.get(index), taken.get_mut(index)) else { continue };
        let again = whole.iter().any(|other| other.edits == fix.edits);
        if again || fits(bytes, fix, &edits) {
            *taken = true;
            edits.extend(fix.edits.iter().filter(|_| !again));
            whole.push(fix);
        }
    }
    edits.sort_by_key(|edit| edit.start);
    let mut written = Vec::with_capacity(bytes.len());
    let mut at = 0;
    for edit in edits {
        written.extend_from_slice(bytes.get(at..edit.start).unwrap_or_default());
        written.extend_from_slice(edit.text.as_bytes());
        at = edit.end;
    }
    written.extend_from_slice(bytes.get(at..).unwrap_or_default());
    Applied { bytes: written, taken }
}

/// Tells whether all edits of a fix lie in the file, tear no character and touch neither each other nor those taken.
fn fits(bytes: &[u8], fix: &Fix, taken: &[&Edit]) -> bool {
    let whole = |at: usize| bytes.get(at).is_none_or(|byte| byte & 0xc0 != 0x80);
    let inside = |edit: &Edit| {
        edit.start <= edit.end && edit.end <= bytes.len() && whole(edit.start) && whole(edit.end)
    };
    let touch = |one: &Edit, other: &Edit| one.start <= other.end && other.start <= one.end;
    let mut own = fix.edits.iter().enumerate();
    !fix.edits.is_empty()
        && own.all(|(index, edit)| {
            let others = fix.edits.iter().take(index).chain(taken.iter().copied());
            inside(edit) && !others.into_iter().any(|other| touch(edit, other))
        })
}

/// A file that fixes have changed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MendedFile {
    /// Its path from the catalog's root.
    pub path: Arc<str>,
    /// What stood in it.
    pub before: Arc<[u8]>,
    /// What stands in it with the fixes.
    pub after: Arc<[u8]>,
}

/// What became of a snapshot by fixing it.
#[derive(Clone, Debug, Default)]
pub struct Mended {
    /// The snapshot with the fixes.
    pub snapshot: Snapshot,
    /// The files that differ, by path.
    pub files: Vec<MendedFile>,
    /// What was found and is fixed, in the order of fixing; places are those of that round.
    pub fixed: Vec<Finding>,
    /// What has a fix that did not mend it, or broke something else, and was taken back.
    pub refused: Vec<Finding>,
    /// What is found now.
    pub findings: Vec<Finding>,
}

/// Judges a snapshot.
pub type JudgeSnapshot<'j> = &'j mut dyn FnMut(&Snapshot) -> Vec<Finding>;

/// Fixes what is wanted, round by round, until nothing is left that can be fixed.
///
/// After each round everything is judged again. A fix after which its finding is still there, its file can
/// be read less far, or (where it is called safe) a new error stands in the file, is taken back.
pub fn mend(
    snapshot: &Snapshot,
    wanted: &dyn Fn(&Finding) -> bool,
    judge: JudgeSnapshot<'_>,
) -> Mended {
    let mut mending = Mending {
        now: snapshot.clone(),
        findings: judge(snapshot),
        judge,
        banned: BTreeSet::new(),
    };
    let (mut fixed, mut refused) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        let Some(round) = mending.round(wanted) else { break };
        fixed.extend(round.fixed);
        refused.extend(round.refused);
    }
    let Mending { now, findings, .. } = mending;
    let changed = now.files.iter().filter_map(|(path, blob)| {
        let before = snapshot.files.get(path)?;
        (before.bytes != blob.bytes).then(|| MendedFile {
            path: path.clone(),
            before: before.bytes.get(),
            after: blob.bytes.get(),
        })
    });
    Mended { files: changed.collect(), snapshot: now, fixed, refused, findings }
}

struct Mending<'a> {
    now: Snapshot,
    findings: Vec<Finding>,
    judge: JudgeSnapshot<'a>,
    /// Fixes that were taken back.
    banned: BTreeSet<(Arc<str>, String, String)>,
}

/// What one round did.
#[derive(Default)]
struct Round {
    fixed: Vec<Finding>,
    refused: Vec<Finding>,
}

impl Mending<'_> {
    /// Applies every fix that is wanted; nothing where there is none.
    fn round(&mut self, wanted: &dyn Fn(&Finding) -> bool) -> Option<Round> {
        let mut by_file: BTreeMap<Arc<str>, Vec<Finding>> = BTreeMap::new();
        for finding in &self.findings {
            let applicable = finding.fix.is_some() && !self.banned.contains(&key(finding));
            if applicable && wanted(finding) && self.now.files.contains_key(&finding.place.path) {
                by_file.entry(finding.place.path.clone()).or_default().push(finding.clone());
            }
        }
        if by_file.is_empty() {
            return None;
        }
        let mut taken: BTreeMap<Arc<str>, Vec<Finding>> = BTreeMap::new();
        let mut next = self.now.clone();
        for (path, findings) in by_file {
            let fixed = change(&mut next, &path, findings);
            taken.insert(path, fixed);
        }
        let found = (self.judge)(&next);
        let is_worse =
            |(path, fixed): &(&Arc<str>, &Vec<Finding>)| worse(path, fixed, &self.findings, &found);
        let worse: Vec<Arc<str>> =
            taken.iter().filter(is_worse).map(|(path, _)| path.clone()).collect();
        let mut round = Round::default();
        if worse.is_empty() {
            (self.now, self.findings) = (next, found);
        } else {
            let mut tries = TRIES;
            for path in &worse {
                let fixed = taken.remove(path).unwrap_or_default();
                if let Some(blob) = self.now.files.get(path) {
                    next.files.insert(path.clone(), blob.clone());
                }
                round.refused.extend(self.try_alone(path, fixed, &mut tries));
            }
            self.findings = (self.judge)(&next);
            self.now = next;
        }
        round.fixed = taken.into_values().flatten().collect();
        Some(round)
    }

    /// Tries the fixes of a file one by one, and bans those that do not mend; returns what they were for.
    fn try_alone(
        &mut self,
        path: &Arc<str>,
        findings: Vec<Finding>,
        tries: &mut usize,
    ) -> Vec<Finding> {
        let mut refused = Vec::new();
        for finding in &findings {
            let mends = tries.checked_sub(1).is_some_and(|left| {
                *tries = left;
                let mut alone = self.now.clone();
                let fixed = change(&mut alone, path, vec![finding.clone()]);
                let found = (self.judge)(&alone);
                !fixed.is_empty() && !worse(path, &fixed, &self.findings, &found)
            });
            if !mends {
                refused.push(finding.clone());
            }
        }
        if refused.is_empty() {
            // Each mends alone, and all together do not: the first has to do.
            refused.extend(findings.into_iter().skip(1));
        }
        self.banned.extend(refused.iter().map(key));
        refused
    }
}

/// Names a fix in a way that other fixes do not change.
fn key(finding: &Finding) -> (Arc<str>, String, String) {
    (finding.place.path.clone(), finding.rule.clone(), finding.message.clone())
}

/// Applies the fixes of findings to a file of a snapshot; returns the findings whose fix was taken.
fn change(snapshot: &mut Snapshot, path: &Arc<str>, findings: Vec<Finding>) -> Vec<Finding> {
    let Some(blob) = snapshot.files.get_mut(path) else { return Vec::new() };
    let fixes: Vec<&Fix> = findings.iter().filter_map(|finding| finding.fix.as_ref()).collect();
    let Applied { bytes, taken } = apply(&blob.bytes.get(), &fixes);
    *blob = Blob { id: Digest::of_bytes(&bytes).to_string().into(), bytes: bytes.into() };
    if snapshot.commit.starts_with("dir:") {
        snapshot.commit = directory_commit(&snapshot.files);
    }
    findings
        .into_iter()
        .zip(taken)
        .filter(|(_, taken)| *taken)
        .map(|(finding, _)| finding)
        .collect()
}

/// Tells whether a file is worse after fixes than before them.
fn worse(path: &str, fixed: &[Finding], before: &[Finding], after: &[Finding]) -> bool {
    let of_file = |findings: &'_ [Finding]| -> Vec<Finding> {
        findings.iter().filter(|finding| *finding.place.path == *path).cloned().collect()
    };
    let (before, after) = (of_file(before), of_file(after));
    let (depth_before, depth_after) = (depth(&before), depth(&after));
    if depth_after != depth_before {
        return depth_after < depth_before;
    }
    let count = |all: &[Finding], one: &Finding| all.iter().filter(|f| key(f) == key(one)).count();
    if fixed.iter().any(|one| count(&after, one) + count(fixed, one) > count(&before, one)) {
        return true;
    }
    // What cannot be read shows its next fault only when the first is gone.
    let safe = fixed.iter().all(|finding| finding.fix.as_ref().is_some_and(|fix| fix.safe));
    let new = |finding: &&Finding| finding.is_error() && count(&before, finding) == 0;
    safe && depth_after > 0 && after.iter().any(|finding| new(&finding))
}

/// Tells how far a file was checked: errors of one kind hide those of the next.
fn depth(findings: &[Finding]) -> u8 {
    let errors = findings.iter().filter(|finding| finding.is_error());
    errors.map(|finding| depth_of(&finding.rule)).min().unwrap_or(4)
}

fn depth_of(id: &str) -> u8 {
    let Some(row) = rule(id) else { return 3 };
    let check = match row.check {
        Check::With(other) => rule(other).map_or(row.check, |row| row.check),
        check => check,
    };
    match check {
        _ if row.group() == "yaml" => 0,
        Check::Reader => 1,
        Check::Document(_) | Check::Text(_) => 2,
        _ => 3,
    }
}

#[cfg(test)]
#[path = "fix_tests.rs"]
mod tests;
