//! What comments allow: `# trueline: allow RULE reason` takes a finding away, and is itself checked. It allows no error of reading.

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::comments::{Comment, Scope, Word, comments, place_of};
use super::credentials::{IN_CLEAR, NAME_IT};
use super::registry::{Check, Rule, rule, rules};
use crate::catalog::{Document, Documents};
use crate::finding::{Edit, Finding, Fix, Place, Severity, nearest};
use crate::yaml::edit;

/// What the comments of one document allow, and which of them were needed.
#[derive(Debug)]
pub struct Allows {
    path: Arc<str>,
    bytes: Arc<[u8]>,
    comments: Arc<Vec<Comment>>,
    /// For every rule of every comment what became of it: `IDLE`, `REFUSED` or `USED`.
    used: Vec<Vec<AtomicU8>>,
    /// What they took away; some of it is asked about more than once.
    taken: Mutex<Vec<Suppressed>>,
}

/// No finding of the rule stands where the comment counts.
const IDLE: u8 = 0;
/// It was about a finding that no comment takes away.
const REFUSED: u8 = 1;
/// It took a finding away.
const USED: u8 = 2;

/// A finding that a comment took away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Suppressed {
    /// What was found.
    pub finding: Finding,
    /// Why that is fine, in the words of the comment.
    pub reason: String,
}

/// The comments of documents by path; most have none.
#[derive(Debug, Default)]
pub(super) struct Shelf(BTreeMap<Arc<str>, Arc<Vec<Comment>>>);

/// What is allowed, by path.
pub(super) type Allowed = HashMap<Arc<str>, Arc<Allows>>;

impl Shelf {
    /// Reads the comments of documents that are new, and forgets those of what is gone.
    pub(super) fn follow<'d>(
        &mut self,
        changed: impl IntoIterator<Item = (&'d Arc<str>, Option<&'d Arc<Document>>)>,
    ) {
        for (path, document) in changed {
            self.put(path, document.map(|document| comments(document)).unwrap_or_default());
        }
    }

    /// Takes in the comments of a document, in the place of those that it had.
    pub(super) fn put(&mut self, path: &Arc<str>, comments: Vec<Comment>) {
        self.0.remove(path);
        if !comments.is_empty() {
            self.0.insert(path.clone(), Arc::new(comments));
        }
    }

    /// Tells whether a document has any.
    pub(super) fn has(&self, path: &Arc<str>) -> bool {
        self.0.contains_key(path)
    }

    /// Returns what the comments allow, none of it needed yet.
    pub(super) fn allowed(&self, documents: &Documents) -> Allowed {
        let rows = self.0.iter().filter_map(|(path, comments)| {
            let allows = Allows::made_of(documents.get(path)?, comments.clone());
            Some((path.clone(), Arc::new(allows)))
        });
        rows.collect()
    }
}

/// What has been checked, which decides whether a comment that took nothing away is needed.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ran {
    /// Whether the rules about changes ran.
    pub(super) base: bool,
    /// Whether the rules about the whole knew which day it is.
    pub(super) today: bool,
    /// Whether every document counts, so that nothing waits in silence for another.
    pub(super) all: bool,
}

impl Ran {
    fn has(self, rule: &Rule) -> bool {
        let check = match rule.check {
            Check::With(other) => super::registry::rule(other).map_or(rule.check, |row| row.check),
            check => check,
        };
        match check {
            Check::Reader | Check::With(_) | Check::Document(_) | Check::Text(_) => true,
            Check::Service(_) | Check::Bundle(_) | Check::ServiceAndBundle(..) => self.all,
            Check::Catalog(_) | Check::Names(_) => self.all && self.today,
            Check::Change(_) => self.all && self.base,
        }
    }
}

/// Tells whether a comment may take a finding of a rule away that is this bad.
///
/// What is an error by the rule's own word says that a document cannot be read, cannot be carried out or
/// refers to nothing: no comment makes that untrue. The settings can, for all to see in one place.
pub(super) fn may_be_allowed(rule: &Rule, severity: Severity) -> bool {
    let mild = severity.min(rule.severity) < Severity::Error;
    mild && !rule.is_fixed() && rule.group() != "suppression"
}

/// Tells whether a finding is an error that people know better: what looks like a credential may be an example.
fn is_known_better(finding: &Finding) -> bool {
    finding.rule == IN_CLEAR && finding.hint.as_deref() == Some(NAME_IT)
}

impl Allows {
    /// Reads what the comments of a document allow; costs a search for one word where there are none.
    pub fn of(document: &Document) -> Self {
        Self::made_of(document, Arc::new(comments(document)))
    }

    fn made_of(document: &Document, comments: Arc<Vec<Comment>>) -> Self {
        let unused = |comment: &Comment| -> Vec<AtomicU8> {
            comment.words.iter().map(|_| AtomicU8::new(IDLE)).collect()
        };
        Self {
            path: document.path.clone(),
            bytes: document.bytes.get(),
            used: comments.iter().map(unused).collect(),
            taken: Mutex::default(),
            comments,
        }
    }

    /// Tells whether a comment takes a finding away, and remembers that the comment is needed.
    pub fn covers(&self, finding: &Finding) -> bool {
        let covering = self.comments.iter().zip(&self.used).filter(|(comment, _)| {
            comment.has_reason()
                && match comment.scope {
                    Scope::File => true,
                    Scope::Lines(from, to) => (from..=to).contains(&finding.place.line),
                    Scope::Nothing | Scope::Below => false,
                }
        });
        let words = covering.flat_map(|(comment, used)| {
            comment.words.iter().zip(used).map(move |(word, used)| (comment, word, used))
        });
        let naming: Vec<(&Comment, &AtomicU8)> = words
            .filter(|(_, word, _)| word.rule == finding.rule)
            .map(|(comment, _, used)| (comment, used))
            .collect();
        let Some((first, _)) = naming.first() else { return false };
        let may = rule(&finding.rule)
            .is_some_and(|row| may_be_allowed(row, finding.severity) || is_known_better(finding));
        let became = if may { USED } else { REFUSED };
        naming.iter().for_each(|(_, used)| {
            used.fetch_max(became, Ordering::Relaxed);
        });
        if !may {
            return false;
        }
        let taken = Suppressed { finding: finding.clone(), reason: first.reason.clone() };
        let mut known = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(&taken) {
            known.push(taken);
        }
        true
    }

    /// Returns what the comments took away until now.
    pub(super) fn taken(&self) -> Vec<Suppressed> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says what is wrong with the comments themselves; `severity` tells how bad a rule is here, `ran` what was checked.
    pub(super) fn problems(
        &self,
        severity: &dyn Fn(&Rule) -> Option<Severity>,
        ran: Option<Ran>,
    ) -> Vec<Finding> {
        let mut found = Vec::new();
        for (comment, used) in self.comments.iter().zip(&self.used) {
            if comment.words.is_empty() {
                let message = "this comment allows nothing: it names no rule";
                let hint = "write `# trueline: allow RULE why it is fine here`";
                found.push(self.at("suppression/unknown-rule", comment, message).hint(hint));
                continue;
            }
            if !comment.has_reason() {
                let message = "this comment has no effect: it does not say why";
                let hint = "write the reason behind the rule: `# trueline: allow RULE why it is fine here`";
                found.push(self.at("suppression/no-reason", comment, message).hint(hint));
            }
            let mut idle = Vec::new();
            for (word, used) in comment.words.iter().zip(used) {
                let used = used.load(Ordering::Relaxed);
                match rule(&word.rule) {
                    None => found.push(self.unknown(comment, word)),
                    Some(_) if used == USED => {}
                    Some(row) => match severity(row) {
                        Some(severity)
                            if !may_be_allowed(row, severity)
                                && (row.id != IN_CLEAR || used == REFUSED) =>
                        {
                            found.push(self.not_possible(comment, word));
                        }
                        Some(_) if comment.has_reason() => {
                            idle.extend(ran.filter(|ran| ran.has(row)).map(|_| word));
                        }
                        _ => {}
                    },
                }
            }
            found.extend(self.unused(comment, &idle));
        }
        found
    }

    fn at(&self, rule: &str, comment: &Comment, message: impl Into<String>) -> Finding {
        Finding::warning(rule, self.place(comment, &comment.range), message)
    }

    fn place(&self, comment: &Comment, range: &std::ops::Range<usize>) -> Place {
        let column = |byte| place_of(&self.bytes, comment.line, byte);
        let (start, end) = (column(range.start), column(range.end));
        let length = end.saturating_sub(start);
        Place { path: self.path.clone(), line: comment.line, column: start, length }
    }

    fn unknown(&self, comment: &Comment, word: &Word) -> Finding {
        let place = self.place(comment, &word.range);
        let message = format!("this comment has no effect: there is no rule `{}`", word.rule);
        let near = nearest(&word.rule, rules().iter().map(|rule| rule.id));
        let fix = near.and_then(|near| edit::respell(&self.bytes, &place, &word.rule, near));
        let hint = near.map_or_else(
            || {
                "write the rule of the finding, such as `template/literal`, right behind `allow`"
                    .to_owned()
            },
            |near| format!("did you mean `{near}`?"),
        );
        Finding { fix, ..Finding::warning("suppression/unknown-rule", place, message).hint(hint) }
    }

    fn not_possible(&self, comment: &Comment, word: &Word) -> Finding {
        let place = self.place(comment, &word.range);
        let message = format!("this comment has no effect: `{}` is an error", word.rule);
        Finding::warning("suppression/not-possible", place, message)
            .hint("mend what it finds, and take the comment away: comments allow warnings and notes alone")
    }

    fn unused(&self, comment: &Comment, idle: &[&Word]) -> Option<Finding> {
        let (first, last) = (idle.first()?, comment.words.last()?);
        let (place, message) = match comment.scope {
            Scope::Below => (
                self.place(comment, &comment.range),
                "`allow-file` counts only above the first key of the file".to_owned(),
            ),
            Scope::Nothing => (
                self.place(comment, &comment.range),
                "nothing stands below this comment that it could allow".to_owned(),
            ),
            _ => {
                let names: Vec<String> =
                    idle.iter().map(|word| format!("`{}`", word.rule)).collect();
                let message = format!(
                    "this comment is not needed: what it is about does not break {}",
                    names.join(", ")
                );
                (self.place(comment, &first.range), message)
            }
        };
        let kept: Vec<&str> = comment
            .words
            .iter()
            .filter(|word| !idle.contains(word))
            .map(|word| word.rule.as_str())
            .collect();
        let start = comment.words.first().map_or(last.range.start, |word| word.range.start);
        let (range, hint) = match kept.is_empty() {
            true => (comment.whole.clone(), "take the comment away"),
            false => (start..last.range.end, "take the rule away from the comment"),
        };
        let edit = Edit { start: range.start, end: range.end, text: kept.join(", ") };
        // What stands at the wrong place was meant for something.
        let safe = matches!(comment.scope, Scope::File | Scope::Lines(..));
        let fix = Fix { what: hint.to_owned(), safe, edits: vec![edit] };
        Some(Finding::warning("suppression/unused", place, message).hint(hint).fix(fix))
    }
}

#[cfg(test)]
#[path = "suppress_tests.rs"]
mod tests;
