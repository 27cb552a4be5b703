//! `suppression/…`: comments that allow findings are checked themselves. `suppress.rs` finds; these rows explain.

use crate::finding::Severity;
use crate::validate::registry::{Check, Rule};

pub(super) static RULES: [Rule; 4] = [
    Rule {
        id: "suppression/no-reason",
        severity: Severity::Warning,
        summary: "A comment allows a finding and does not say why.",
        why: "Whoever reads it next year could not tell whether it still holds; without a reason it has no effect.",
        mend: "Write the reason behind the rule.",
        bad: "title: \"{{services.db.outputs.url}}/x\" # trueline: allow template/literal",
        good: "title: \"{{services.db.outputs.url}}/x\" # trueline: allow template/literal shown as it stands",
        check: Check::Reader,
    },
    Rule {
        id: "suppression/unknown-rule",
        severity: Severity::Warning,
        summary: "A comment allows a rule that is not there.",
        why: "It has no effect, and somebody thinks that it has.",
        mend: "Write the id of the rule as the finding shows it.",
        bad: "# trueline: allow template/litteral shown as it stands",
        good: "# trueline: allow template/literal shown as it stands",
        check: Check::Reader,
    },
    Rule {
        id: "suppression/not-possible",
        severity: Severity::Warning,
        summary: "A comment allows what is an error by itself.",
        why: "What cannot be read, carried out or found stays so, whatever a comment says.",
        mend: "Mend what the rule finds, and take the comment away. Comments allow what is a warning or note by itself, or by the settings of the catalog.",
        bad: "catalogItem: no-such-item # trueline: allow reference/unknown-item it will come",
        good: "catalogItem: database-standard",
        check: Check::Reader,
    },
    Rule {
        id: "suppression/unused",
        severity: Severity::Warning,
        summary: "A comment allows a finding that is not there.",
        why: "It would hide the next one.",
        mend: "Take the comment away; `trueline validate --fix` does.",
        bad: "title: A database # trueline: allow template/literal shown as it stands",
        good: "title: A database",
        check: Check::Reader,
    },
];
