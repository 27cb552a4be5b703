//! `yaml/…`: what the reader of YAML refuses. It finds while reading; these rows explain.

use crate::finding::Severity;
use crate::validate::registry::{Check, Rule};

pub(super) static RULES: [Rule; 13] = [
    Rule {
        id: "yaml/syntax",
        severity: Severity::Error,
        summary: "The file is not YAML.",
        why: "Nothing in it can be read, so its last good version stays in force.",
        mend: "Mend the line that the message names; often a quote, a colon or the indentation above it.",
        bad: "title: it's: broken",
        good: "title: \"it's: fine\"",
        check: Check::Reader,
    },
    Rule {
        id: "yaml/encoding",
        severity: Severity::Error,
        summary: "The file is not UTF-8.",
        why: "Nobody could say which characters were meant.",
        mend: "Save the file as UTF-8.",
        bad: "a file saved as UTF-16 or Latin-1",
        good: "a file saved as UTF-8",
        check: Check::Reader,
    },
    Rule {
        id: "yaml/size",
        severity: Severity::Error,
        summary: "The file is larger than 1 MiB.",
        why: "Documents are read by people; a limit keeps hostile ones from costing memory.",
        mend: "Split the file, or keep large content in the target repository.",
        bad: "a document of 3 MiB",
        good: "several documents, each in its own file",
        check: Check::Reader,
    },
    Rule {
        id: "yaml/empty",
        severity: Severity::Error,
        summary: "There is no document in the file.",
        why: "An empty file says nothing about what is wanted, not even that nothing is.",
        mend: "Write the document, or delete the file.",
        bad: "a file that holds a comment only",
        good: "a file that holds a document",
        check: Check::Reader,
    },
    Rule {
        id: "yaml/root",
        severity: Severity::Error,
        summary: "The file does not hold a mapping.",
        why: "A document is made of keys with values.",
        mend: "Begin with `schemaVersion: catalog/v1`.",
        bad: "- kind: Service",
        good: "kind: Service",
        check: Check::Reader,
    },
    Rule {
        id: "yaml/depth",
        severity: Severity::Error,
        summary: "The document is nested deeper than 64 levels.",
        why: "Nothing that people write is; a limit keeps hostile documents from costing time.",
        mend: "Write it flatter.",
        bad: "[[[[[[…]]]]]]",
        good: "a list of a few levels",
        check: Check::Reader,
    },
    Rule {
        id: "yaml/duplicate-key",
        severity: Severity::Error,
        summary: "A key stands twice in one mapping.",
        why: "Programs differ in which of the two counts.",
        mend: "Keep the one that is meant.",
        bad: "size: small\nsize: large",
        good: "size: large",
        check: Check::Reader,
    },
    Rule {
        id: "yaml/feature",
        severity: Severity::Error,
        summary: "A feature of YAML is used that catalogs do not have: anchors, aliases, merge keys, tags, several documents, keys that are no texts.",
        why: "Documents are JSON in a friendlier form; whoever reads one must see all of it.",
        mend: "Write the value out where it is needed.",
        bad: "base: &base {a: 1}\nother: *base",
        good: "base: {a: 1}\nother: {a: 1}",
        check: Check::Reader,
    },
    Rule {
        id: "yaml/number",
        severity: Severity::Error,
        summary: "A number is written in a way that other programs read differently, or that no number can hold.",
        why: "`010` is eight to some and ten to others; a number that is rounded is another number.",
        mend: "Write decimal digits, or put it in quotes where it is a text.",
        bad: "port: 0o17",
        good: "port: 15",
        check: Check::Reader,
    },
    Rule {
        id: "yaml/character",
        severity: Severity::Error,
        summary: "A character that cannot be seen, or that stands for no text, is in the file.",
        why: "Reviewers approve what they see.",
        mend: "Remove the character; write it as an escape in double quotes where it is meant.",
        bad: "a NUL or a line separator in a text",
        good: "a text of characters that can be seen",
        check: Check::Reader,
    },
    Rule {
        id: "yaml/invisible",
        severity: Severity::Warning,
        summary: "A character that cannot be seen is in a text.",
        why: "Text can be made to look other than it is. In a key or id it is an error.",
        mend: "Remove the character, or leave it where the script needs it.",
        bad: "a zero-width space in a name",
        good: "the name without it",
        check: Check::Reader,
    },
    Rule {
        id: "yaml/template-quotes",
        severity: Severity::Error,
        summary: "A template stands without quotes and is read as a mapping.",
        why: "`{{x}}` is YAML too, and means something else.",
        mend: "Put the template in quotes.",
        bad: "title: {{fields.name}}",
        good: "title: \"{{fields.name}}\"",
        check: Check::Reader,
    },
    Rule {
        id: "yaml/comment-cuts-template",
        severity: Severity::Warning,
        summary: "A `#` cuts a template in two: the rest is a comment.",
        why: "Half a template is sent.",
        mend: "Put the text in quotes.",
        bad: "subject: {{a}} #{{b}}",
        good: "subject: \"{{a}} #{{b}}\"",
        check: Check::Reader,
    },
];

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, SERVICE, check};

    #[test]
    fn what_the_reader_finds_is_reported() {
        check(
            &format!("{ITEM}{}", SERVICE.replace("{size: small}", "{size: small")),
            "services/payments/payments-db.yaml:5:21: error yaml/syntax `,` or `}` is expected here (close the mapping, or quote a text that contains braces or commas)",
        );
        check(
            &format!("{ITEM}{}", SERVICE.replace("{size: small}", "{size: small, size: large}")),
            "
            services/payments/payments-db.yaml:5:23: error yaml/duplicate-key duplicate key `size`, first on line 5 (keep one of the two)
            services/payments/payments-db.yaml:5:10: the first
        ",
        );
        check(
            &format!("{ITEM}{}", SERVICE.replace("{size: small}", "&a {size: small}")),
            "services/payments/payments-db.yaml:5:9: error yaml/feature anchors (`&name`) are not supported (write the value out where it is needed, or quote a text that starts with `&`)",
        );
    }
}
