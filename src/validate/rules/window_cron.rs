//! `window/cron`: a time that recurs comes at all, and a closing ends after it begins.

use croner::Cron;
use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::catalog::{Body, Document, duration};
use crate::finding::Severity;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};
use crate::validate::texts::escape;

pub(super) static RULE: Rule = Rule {
    id: "window/cron",
    severity: Severity::Error,
    summary: "A change window or schedule never comes, or ends before it begins.",
    why: "Runs would wait for ever, or start when nobody expects it.",
    mend: "Correct the cron expression (minute, hour, day, month, weekday) or the dates.",
    bad: "allow: {cron: \"0 9 30 2 *\", duration: 8h, timezone: UTC}",
    good: "allow: {cron: \"0 9 * * MON-FRI\", duration: 8h, timezone: UTC}",
    check: Check::Document(check),
};

fn check(document: &Document, findings: &mut Findings<'_>) {
    match &document.body {
        Some(Body::Environment(environment)) => {
            for (index, window) in environment.change_windows.iter().enumerate() {
                let at = format!("/changeWindows/{index}");
                if let Some(allow) = &window.allow {
                    check_cron(&allow.cron, &format!("{at}/allow/cron"), findings);
                    if duration(&allow.duration).is_none() {
                        let message = format!(
                            "`{}` is not a duration, or is longer than 365 days",
                            allow.duration
                        );
                        let finding = findings.at(&format!("{at}/allow/duration"), message);
                        findings.add(
                            finding.hint("write a number and a unit, for example `30m` or `8h`"),
                        );
                    }
                }
                if let Some(deny) = window.deny.as_ref().filter(|deny| deny.to < deny.from) {
                    let message = format!(
                        "the closing ends on {}, before it begins on {}",
                        deny.to, deny.from
                    );
                    let finding = findings.at(&format!("{at}/deny/to"), message);
                    findings.add(finding.hint("correct one of the two dates"));
                }
            }
        }
        Some(Body::Item(item)) => {
            for (name, operation) in &item.fulfillment.operations {
                let schedule = operation.schedule.as_ref();
                let cron = schedule.and_then(|schedule| schedule.get("cron")?.as_str());
                let pointer = format!("/fulfillment/operations/{}/schedule/cron", escape(name));
                if let Some(cron) = cron {
                    check_cron(cron, &pointer, findings);
                }
            }
        }
        _ => {}
    }
}

fn check_cron(text: &str, pointer: &str, findings: &mut Findings<'_>) {
    // Any day will do: what never comes after it never comes.
    let day = Timestamp::UNIX_EPOCH.to_zoned(TimeZone::UTC);
    let message = match text.parse::<Cron>() {
        Err(error) => format!("`{text}` is no cron expression: {error}"),
        Ok(cron) if cron.find_next_occurrence(&day, false).is_err() => {
            format!("the time `{text}` never comes")
        }
        Ok(_) => return,
    };
    findings.add(
        findings.at(pointer, message).hint(
            "write minute, hour, day, month and weekday: `0 9 * * MON-FRI` is nine o'clock on working days",
        ),
    );
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::check;

    #[track_caller]
    fn with(window: &str, expected: &str) {
        check(
            &format!(
                "--- environments/production.yaml\nschemaVersion: catalog/v1\nkind: Environment\nmetadata: {{id: production, name: Production}}\nchangeWindows:\n  - {window}\n"
            ),
            expected,
        );
    }

    #[test]
    fn a_window_opens_at_some_time() {
        with("{allow: {cron: \"0 9 * * MON-FRI\", duration: 8h, timezone: Europe/Berlin}}", "");
        with("{allow: {cron: \"0 9 29 2 *\", duration: 8h, timezone: UTC}}", "");
        with(
            "{allow: {cron: \"0 9 30 2 *\", duration: 8h, timezone: UTC}}",
            "environments/production.yaml:5:20: error window/cron the time `0 9 30 2 *` never comes (write minute, hour, day, month and weekday: `0 9 * * MON-FRI` is nine o'clock on working days)",
        );
        with(
            "{allow: {cron: \"0 9 * * *\", duration: 999d, timezone: UTC}}",
            "environments/production.yaml:5:43: error window/cron `999d` is not a duration, or is longer than 365 days (write a number and a unit, for example `30m` or `8h`)",
        );
        with(
            "{allow: {cron: \"0 99 * * *\", duration: 8h, timezone: UTC}}",
            "environments/production.yaml:5:20: error schema/value expected a cron expression of five fields: minute, hour, day, month and weekday, found `0 99 * * *` (for example `0 9 * * MON-FRI`)",
        );
    }

    #[test]
    fn a_closing_ends_after_it_begins() {
        with("{deny: {from: 2026-12-20, to: 2027-01-06, timezone: UTC}}", "");
        with(
            "{deny: {from: 2026-12-20, to: 2026-01-06, timezone: UTC}}",
            "environments/production.yaml:5:35: error window/cron the closing ends on 2026-01-06, before it begins on 2026-12-20 (correct one of the two dates)",
        );
    }
}
