//! How bad findings are in this catalog: the rules' own word, what its settings say, what comments allow.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::registry::{Rule, rule};
use super::suppress::{Allowed, Ran, Suppressed};
use crate::catalog::Settings;
use crate::finding::{Finding, Severity};

/// Severity by rule, where the settings of the catalog name one; nothing means off.
#[derive(Clone, Debug, Default)]
pub(super) struct Severities {
    named: BTreeMap<String, Option<Severity>>,
    /// What the comments of each document allow.
    allowed: Allowed,
}

impl Severities {
    pub(super) fn of(settings: &Settings) -> Self {
        let known = settings.validation.rules.iter().filter_map(|(id, word)| {
            let severity = match word.as_str() {
                "error" => Some(Severity::Error),
                "warning" => Some(Severity::Warning),
                "note" => Some(Severity::Note),
                "off" => None,
                _ => return None,
            };
            let settable = rule(id).is_some_and(|rule| !rule.is_fixed());
            settable.then(|| (id.clone(), severity))
        });
        Self { named: known.collect(), allowed: Allowed::new() }
    }

    /// Lets comments count, beside the settings.
    pub(super) fn allowing(&self, allowed: Allowed) -> Self {
        Self { named: self.named.clone(), allowed }
    }

    /// Returns what comments allow.
    pub(super) fn allowed(&self) -> &Allowed {
        &self.allowed
    }

    /// Gives a finding its severity; nothing where its rule is off or a comment allows it.
    pub(super) fn apply(&self, finding: Finding) -> Option<Finding> {
        let severity = match self.named.get(&finding.rule) {
            None => finding.severity,
            Some(severity) => (*severity)?,
        };
        let finding = Finding { severity, ..finding };
        let allows = self.allowed.get(&finding.place.path);
        (!allows.is_some_and(|allows| allows.covers(&finding))).then_some(finding)
    }

    /// Returns what comments took away until now, by place.
    pub(super) fn suppressed(&self) -> Vec<Suppressed> {
        let mut all: Vec<Suppressed> =
            self.allowed.values().flat_map(|allows| allows.taken()).collect();
        let key = |one: &Suppressed| (one.finding.place.clone(), one.finding.rule.clone());
        all.sort_by_cached_key(|one| (key(one), one.finding.message.clone()));
        all
    }

    /// Tells whether a finding means that its document is wrong.
    pub(super) fn is_error(&self, finding: &Finding) -> bool {
        let is_error = match self.named.get(&finding.rule) {
            None => finding.is_error(),
            Some(severity) => *severity == Some(Severity::Error),
        };
        // Most findings are of documents without comments: nothing is copied for those.
        is_error
            && (!self.allowed.contains_key(&finding.place.path)
                || self.apply(finding.clone()).is_some())
    }

    /// Says what is wrong with the comments of documents; of those that are wrong in themselves not what is unused.
    pub(super) fn of_comments(&self, ran: Ran, wrong: &BTreeMap<Arc<str>, String>) -> Vec<Finding> {
        let severity = |rule: &Rule| match self.named.get(rule.id) {
            None => Some(rule.severity),
            Some(severity) => *severity,
        };
        let found = self.allowed.iter().flat_map(|(path, allows)| {
            allows.problems(&severity, (!wrong.contains_key(path)).then_some(ran))
        });
        found.filter_map(|finding| self.apply(finding)).collect()
    }
}
