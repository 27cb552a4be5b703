//! `schema/…`: what the JSON Schemas of the kinds say. It is found while reading; these rows explain.

use crate::finding::Severity;
use crate::validate::registry::{Check, Rule};

pub(super) static RULES: [Rule; 4] = [
    Rule {
        id: "schema/unknown-key",
        severity: Severity::Error,
        summary: "A property is there that the format does not know.",
        why: "It would have no effect, and somebody thinks that it has.",
        mend: "Correct the name, or take it away.",
        bad: "catalogItm: database-standard",
        good: "catalogItem: database-standard",
        check: Check::Reader,
    },
    Rule {
        id: "schema/missing-key",
        severity: Severity::Error,
        summary: "A property that the format requires is missing.",
        why: "Without it the document does not say what is wanted.",
        mend: "Add the property; the message says what it is for.",
        bad: "metadata: {id: payments-db}",
        good: "metadata: {id: payments-db, team: payments}",
        check: Check::Reader,
    },
    Rule {
        id: "schema/type",
        severity: Severity::Error,
        summary: "A value has another type than the format says.",
        why: "Nothing is converted silently: `1.10` the number is `1.1`, the text is not.",
        mend: "Put texts that look like numbers in quotes, and take quotes from numbers.",
        bad: "version: 1.4",
        good: "version: \"1.4\"",
        check: Check::Reader,
    },
    Rule {
        id: "schema/value",
        severity: Severity::Error,
        summary: "A value is not one that the format allows.",
        why: "It means nothing here.",
        mend: "Choose one that the message names.",
        bad: "priority: urgent",
        good: "priority: high",
        check: Check::Reader,
    },
];

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, SERVICE, check};

    #[test]
    fn what_the_schema_finds_is_reported() {
        let with = |from: &str, to: &str| format!("{ITEM}{}", SERVICE.replace(from, to));
        check(
            &with("fields:", "feilds:"),
            "services/payments/payments-db.yaml:5:1: error schema/unknown-key unknown property `feilds` (did you mean `fields`?)",
        );
        check(
            &with(", team: payments", ""),
            "services/payments/payments-db.yaml:3:11: error schema/missing-key missing property `team` (`team`: the folder under `services/` that it stands in)",
        );
        check(
            &with("fields: {size: small}", "version: 1.4"),
            "services/payments/payments-db.yaml:5:10: error schema/type expected text, found number `1.4` (put it in quotes as it stands there)",
        );
        check(
            &with("fields: {size: small}", "priority: hihg"),
            "services/payments/payments-db.yaml:5:11: error schema/value expected one of `critical`, `high`, `normal`, `low`, `background`, found `hihg` (did you mean `high`?)",
        );
    }
}
