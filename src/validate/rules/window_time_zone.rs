//! `window/time-zone`: time zones are those of the IANA database.

use jiff::tz::{self, TimeZone};

use crate::catalog::{Body, Document};
use crate::finding::{Severity, nearest};
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};
use crate::validate::texts::escape;

pub(super) static RULE: Rule = Rule {
    id: "window/time-zone",
    severity: Severity::Error,
    summary: "A time zone is not one of the IANA database.",
    why: "A window that cannot be read keeps closed.",
    mend: "Write a name such as `Europe/Berlin` or `UTC`; abbreviations such as `CEST` mean different things in different places.",
    bad: "timezone: Europe/Munich",
    good: "timezone: Europe/Berlin",
    check: Check::Document(check),
};

fn check(document: &Document, findings: &mut Findings<'_>) {
    match &document.body {
        Some(Body::Environment(environment)) => {
            for (index, window) in environment.change_windows.iter().enumerate() {
                let at = format!("/changeWindows/{index}");
                if let Some(allow) = &window.allow {
                    check_zone(&allow.timezone, &format!("{at}/allow/timezone"), findings);
                }
                if let Some(deny) = &window.deny {
                    check_zone(&deny.timezone, &format!("{at}/deny/timezone"), findings);
                }
            }
        }
        Some(Body::Settings(settings)) => {
            if let Some(zone) = &settings.defaults.timezone {
                check_zone(zone, "/defaults/timezone", findings);
            }
        }
        Some(Body::Item(item)) => {
            for (name, operation) in &item.fulfillment.operations {
                let schedule = operation.schedule.as_ref();
                let zone = schedule.and_then(|schedule| schedule.get("timezone")?.as_str());
                let at = format!("/fulfillment/operations/{}/schedule/timezone", escape(name));
                if let Some(zone) = zone {
                    check_zone(zone, &at, findings);
                }
            }
        }
        _ => {}
    }
}

fn check_zone(name: &str, pointer: &str, findings: &mut Findings<'_>) {
    if TimeZone::get(name).is_ok() || tz::db().is_definitively_empty() {
        return;
    }
    // Zones are named after a few cities: the right region or city is half the name.
    let (region, city) = name.rsplit_once('/').unwrap_or(("", name));
    let known: Vec<String> = tz::db().available().map(|zone| zone.as_str().to_owned()).collect();
    let near = nearest(name, known.iter().map(String::as_str));
    let same_city =
        || known.iter().map(String::as_str).find(|zone| zone.rsplit('/').next() == Some(city));
    let finding = findings.at(pointer, format!("no time zone `{name}`"));
    let finding = match near.filter(|_| !region.is_empty()).or_else(same_city) {
        Some(near) => findings.respell(finding, name, near).hint(format!("did you mean `{near}`?")),
        None => finding.hint("write a name such as `Europe/Berlin` or `UTC`"),
    };
    findings.add(finding);
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::check;

    #[test]
    fn a_time_zone_is_known() {
        let with = |zone: &str| {
            format!(
                "--- environments/production.yaml\nschemaVersion: catalog/v1\nkind: Environment\nmetadata: {{id: production, name: Production}}\nchangeWindows:\n  - {{deny: {{from: 2026-12-20, to: 2027-01-06, timezone: {zone}}}}}\n"
            )
        };
        check(&with("Europe/Berlin"), "");
        check(
            &with("Europe/Berln"),
            "environments/production.yaml:5:57: error window/time-zone no time zone `Europe/Berln` (did you mean `Europe/Berlin`?)",
        );
        check(
            &with("Berlin"),
            "environments/production.yaml:5:57: error window/time-zone no time zone `Berlin` (did you mean `Europe/Berlin`?)",
        );
    }
}
