//! `template/syntax`: every template can be read, and traps of other dialects say how to write it.

use crate::catalog::Document;
use crate::finding::Severity;
use crate::template::is_template;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};
use crate::validate::templates::{AS_IT_IS, Placed, is_of_a_workflow};

pub(super) static RULE: Rule = Rule {
    id: "template/syntax",
    severity: Severity::Error,
    summary: "A template cannot be read.",
    why: "What a template means must be known before anything is sent; nothing is guessed.",
    mend: "Write it as the hint says: helpers are called with spaces (`{{upper x}}`), comparisons are helpers \
           (`{{eq a b}}`), blocks are closed.",
    bad: "title: \"{{upper(fields.name)}}\"",
    good: "title: \"{{upper fields.name}}\"",
    check: Check::Document(check),
};

fn check(_: &Document, findings: &mut Findings<'_>) {
    for Placed { text, pointer, .. } in findings.texts().iter().filter(|it| is_template(&it.text)) {
        for problem in &findings.read(text).problems {
            let finding = findings.in_text(pointer, problem.offset, &problem.message);
            if is_of_a_workflow(text, problem.offset) {
                findings.add(finding.hint(AS_IT_IS));
                continue;
            }
            let finding = finding.maybe_hint(problem.hint.clone());
            findings.add(match &problem.instead {
                Some(rewrite) => findings.rewrite(finding, pointer, rewrite),
                None => finding,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, check, judge};

    #[test]
    fn a_template_that_cannot_be_read_is_found_on_its_line() {
        let item = ITEM.replace(
            "instructions: Make it.",
            "instructions: |\n            1. Make it.\n            2. {{#if (eq fields.size 'large')}}Call {{upper(fields.label)}}.",
        );
        check(
            &item,
            "catalog/databases/database-standard.yaml:28:55: error template/syntax `upper(…)` is not how a helper is called (write `{{upper fields.label}}`)",
        );
    }

    #[test]
    fn what_is_plain_is_fixed_in_every_way_of_quoting() {
        for (text, expected) in [
            ("\"{{upper(fields.label)}}\"", "{{upper fields.label}}"),
            ("\"{{fields.label | default: \\\"x\\\"}}\"", "{{default fields.label \\\"x\\\"}}"),
            ("'{{#if fields.size == ''large''}}L{{/if}}'", "{{#if (eq fields.size ''large'')}}"),
            ("|\n            It''s {{.fields.label}}.", "{{fields.label}}"),
            ("Make {{fields.size, }}", ""),
        ] {
            let files = ITEM.replace("Make it.", text);
            let found = judge(&files).findings.remove(0);
            assert_eq!(found.rule, "template/syntax", "{found}");
            let fix = found.fix.map(|fix| (fix.safe, fix.edits[0].text.clone()));
            let expected = Some((true, expected.to_owned())).filter(|(_, text)| !text.is_empty());
            assert_eq!(fix, expected, "{text}");
        }
    }

    #[test]
    fn other_dialects_are_told_how_to_write_it() {
        check(
            &ITEM.replace("Make it.", "\"{{fields.size == 'large'}} {{#each fields.label as x}}\""),
            "
            catalog/databases/database-standard.yaml:26:40: error template/syntax templates have no `==` (write `{{eq fields.size 'large'}}`)
            catalog/databases/database-standard.yaml:26:74: error template/syntax the names after `as` stand between `|` (write `{{#each fields.label as |x|}}`)
        ",
        );
    }

    #[test]
    fn expressions_of_workflows_are_told_how_to_stay() {
        let with = |text: &str| ITEM.replace("Make it.", &format!("\"{text}\""));
        for text in [
            "${{ github.event_name == 'push' }}",
            "${{ secrets.X || '' }}",
            "${{ format('a', 1) }}",
        ] {
            let found = judge(&with(text)).findings;
            let hints = found.iter().filter(|found| found.rule == "template/syntax");
            let hints: Vec<_> =
                hints.map(|found| (found.hint.as_deref(), found.fix.is_some())).collect();
            let stays = "write `$\\{{…}}` where the braces are meant for another program";
            assert_eq!(hints, [(Some(stays), false)], "{text}");
            check(&with(&text.replace("{{", "\\\\{{")), "");
        }
        let ours = judge(&with("${{fields.size == 'large'}}")).findings;
        assert!(ours[0].fix.is_some(), "{ours:?}");
    }
}
