//! Runs rules over one document, which is parsed for its places at most once. It judges nothing.

use super::findings::Findings;
use super::registry::{Check, Rule, rules};
use crate::catalog::Document;
use crate::finding::Finding;

/// Runs the rules about one document.
pub(super) fn check_document(document: &Document) -> Vec<Finding> {
    run(document, |rule, findings| match rule.check {
        Check::Document(check) if document.body.is_some() => check(document, findings),
        Check::Text(check) => check(document, findings),
        _ => {}
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
