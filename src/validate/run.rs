//! Runs rules over one document, which is parsed for its places at most once. It judges nothing.

use super::findings::Findings;
use super::registry::{Check, Rule, rules};
use crate::catalog::Document;
use crate::finding::Finding;

/// Runs the rules about one document.
pub(super) fn check_document(document: &Document) -> Vec<Finding> {
    if document.body.is_none() {
        return Vec::new();
    }
    run(document, |rule, findings| {
        if let Check::Document(check) = rule.check {
            check(document, findings);
        }
    })
}

/// Runs a check of every rule over a document.
pub(super) fn run(
    document: &Document,
    mut check: impl FnMut(&'static Rule, &mut Findings<'_>),
) -> Vec<Finding> {
    let mut rules = rules().iter();
    let Some(first) = rules.next() else { return Vec::new() };
    let mut findings = Findings::new(document, first);
    check(first, &mut findings);
    for rule in rules {
        findings.turn_to(rule);
        check(rule, &mut findings);
    }
    findings.into_found()
}
