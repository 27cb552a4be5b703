//! How bad findings are in this catalog: the rules' own word, or what its settings say.

use std::collections::BTreeMap;

use super::registry::rule;
use crate::catalog::Settings;
use crate::finding::{Finding, Severity};

/// Severity by rule, where the settings of the catalog name one; nothing means off.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Severities(BTreeMap<String, Option<Severity>>);

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
        Self(known.collect())
    }

    /// Gives a finding its severity; nothing where its rule is off.
    pub(super) fn apply(&self, finding: Finding) -> Option<Finding> {
        match self.0.get(&finding.rule) {
            None => Some(finding),
            Some(severity) => severity.map(|severity| Finding { severity, ..finding }),
        }
    }

    /// Tells whether a finding means that its document is wrong.
    pub(super) fn is_error(&self, finding: &Finding) -> bool {
        match self.0.get(&finding.rule) {
            None => finding.is_error(),
            Some(severity) => *severity == Some(Severity::Error),
        }
    }
}
