//! `settings/guard`: the guard of a catalog still guards.

use crate::catalog::{Body, Document};
use crate::finding::Severity;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "settings/guard",
    severity: Severity::Warning,
    summary: "The budgets of the guard are so wide that they never hold a plan.",
    why: "One wrong merge could then delete everything without anybody being asked.",
    mend: "Allow what an ordinary day needs, and approve the day that needs more.",
    bad: "guard: {maxDeletionsPercent: 100}",
    good: "guard: {maxDeletions: 5, maxDeletionsPercent: 30}",
    check: Check::Document(check),
};

/// Deletions in one plan above which nobody can have looked at each.
const MANY: u32 = 1_000;

fn check(document: &Document, findings: &mut Findings<'_>) {
    let Some(Body::Settings(settings)) = &document.body else { return };
    if settings.guard.max_deletions_percent >= 100 {
        let message = "even a plan that deletes everything would run without anybody's approval";
        findings.add(
            findings.at("/guard/maxDeletionsPercent", message).hint("lower it; the default is 30"),
        );
    }
    if settings.guard.max_deletions >= MANY {
        let message = format!(
            "a plan that deletes {} units would run without anybody's approval",
            settings.guard.max_deletions
        );
        findings
            .add(findings.at("/guard/maxDeletions", message).hint("lower it; the default is 5"));
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::check;

    #[test]
    fn a_guard_guards() {
        let with = |guard: &str| {
            format!("--- trueline.yaml\nschemaVersion: catalog/v1\nkind: Catalog\nguard: {guard}\n")
        };
        check(&with("{maxDeletions: 5}"), "");
        check(&with("{maxDeletions: 5000, maxDeletionsPercent: 100}"), "
            trueline.yaml:3:23: warning settings/guard a plan that deletes 5000 units would run without anybody's approval (lower it; the default is 5)
            trueline.yaml:3:50: warning settings/guard even a plan that deletes everything would run without anybody's approval (lower it; the default is 30)
        ");
    }
}
