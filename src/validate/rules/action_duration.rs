//! `action/duration`: timeouts and pauses are longer than nothing, and not beyond reason.

use std::time::Duration;

use crate::catalog::{Action, Body, Document, duration};
use crate::finding::Severity;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};
use crate::validate::texts::action_lists;

pub(super) static RULE: Rule = Rule {
    id: "action/duration",
    severity: Severity::Error,
    summary: "A timeout or pause of an action is not a duration, or retrying makes no sense with it.",
    why: "A step would fail at once, or hang for months without anybody hearing of it.",
    mend: "Write a number and a unit (`ms`, `s`, `m`, `h`, `d`), at most 365 days, the longest pause not below the first.",
    bad: "retry: {delay: 2m, maxDelay: 10s}",
    good: "retry: {delay: 2s, maxDelay: 1m}",
    check: Check::Document(check),
};

fn check(document: &Document, findings: &mut Findings<'_>) {
    let Some(Body::Item(item)) = &document.body else { return };
    for list in action_lists(item) {
        for (index, action) in list.actions.iter().enumerate() {
            check_action(action, &list.pointer_to(index), findings);
        }
    }
}

fn check_action(action: &Action, at: &str, findings: &mut Findings<'_>) {
    let retry = action.retry.as_ref();
    let delay = retry.and_then(|retry| retry.delay.as_ref());
    let longest = retry.and_then(|retry| retry.max_delay.as_ref());
    read(action.timeout.as_ref(), &format!("{at}/timeout"), findings);
    let delay = read(delay, &format!("{at}/retry/delay"), findings);
    let pointer = format!("{at}/retry/maxDelay");
    let longest = read(longest, &pointer, findings);
    if let (Some(delay), Some(longest)) = (delay, longest)
        && longest < delay
    {
        let finding = findings.at(&pointer, "the longest pause is shorter than the first one");
        let finding = finding.hint("raise `maxDelay`, or lower `delay`");
        findings
            .add(finding.related(findings.place(&format!("{at}/retry/delay")), "the first pause"));
    }
}

fn read(text: Option<&String>, pointer: &str, findings: &mut Findings<'_>) -> Option<Duration> {
    let text = text?;
    let read = duration(text);
    if read.is_none() {
        let finding =
            findings.at(pointer, format!("`{text}` is not a duration, or is longer than 365 days"));
        findings.add(finding.hint("write a number and a unit, for example `30s` or `5m`"));
    }
    read
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, check};

    #[test]
    fn a_duration_has_an_end() {
        let with = |key: &str| {
            ITEM.replace("type: manual-task", &format!("type: manual-task\n        {key}"))
        };
        check(&with("timeout: 5m"), "");
        check(
            &with("timeout: 9999d"),
            "catalog/databases/database-standard.yaml:24:18: error action/duration `9999d` is not a duration, or is longer than 365 days (write a number and a unit, for example `30s` or `5m`)",
        );
        check(&with("retry: {attempts: 3, delay: 2m, maxDelay: 10s}"), "
            catalog/databases/database-standard.yaml:24:51: error action/duration the longest pause is shorter than the first one (raise `maxDelay`, or lower `delay`)
            catalog/databases/database-standard.yaml:24:37: the first pause
        ");
    }
}
