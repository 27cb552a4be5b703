//! `reference/cycle`: services do not wait for one another in a ring.

use std::collections::HashMap;

use crate::catalog::{Entry, Service};
use crate::finding::{Finding, Place, Severity};
use crate::validate::context::Context;
use crate::validate::findings::Findings;
use crate::validate::graph::rings;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "reference/cycle",
    severity: Severity::Error,
    summary: "Services depend on one another in a ring.",
    why: "None of them could ever be made: each waits for the next.",
    mend: "Break the ring: take away the dependency or the reference that is not truly needed.",
    bad: "payments-a: dependsOn: [payments-b]\npayments-b: dependsOn: [payments-a]",
    good: "payments-a: dependsOn: []\npayments-b: dependsOn: [payments-a]",
    check: Check::Catalog(check),
};

fn check(context: &Context<'_>, rule: &'static Rule, found: &mut Vec<Finding>) {
    let names: Vec<&str> = context.waiting.keys().map(String::as_str).collect();
    let positions: HashMap<&str, usize> =
        names.iter().enumerate().map(|(index, name)| (*name, index)).collect();
    // Whoever waits for nobody is in no ring, and was left out.
    let positions_of = |others: &Vec<String>| {
        others.iter().filter_map(|other| positions.get(other.as_str()).copied()).collect()
    };
    let next: Vec<Vec<usize>> = context.waiting.values().map(positions_of).collect();
    for ring in rings(&next) {
        let ring: Vec<&str> = ring.iter().filter_map(|index| names.get(*index).copied()).collect();
        let Some(first) = ring.first() else { continue };
        let way = ring.iter().chain([first]).copied().collect::<Vec<_>>().join(" → ");
        let message = match ring.len() {
            1 => format!("service `{first}` waits for itself"),
            _ => format!("services wait for one another: {way}"),
        };
        let edges: Vec<(Place, String)> = ring
            .iter()
            .zip(ring.iter().skip(1).chain([first]))
            .filter_map(|(from, to)| {
                let (_, pointer) = edges_of(context, from).into_iter().find(|(id, _)| id == to)?;
                let place = context.catalog.services.get(*from)?.document.place(&pointer);
                Some((place, format!("`{from}` waits for `{to}`")))
            })
            .collect();
        for name in &ring {
            if let Some(entry) = context.catalog.services.get(*name) {
                found.push(of_one(entry, rule, (&message, &edges)));
            }
        }
    }
}

/// Each service of a ring is told, for each of them is blocked.
fn of_one(
    entry: &Entry<Service>,
    rule: &'static Rule,
    (message, edges): (&str, &[(Place, String)]),
) -> Finding {
    let own = edges.iter().find(|(place, _)| place.path == entry.document.path);
    let findings = Findings::new(&entry.document, rule);
    let hint = "break the ring: take a name out of `dependsOn`, or stop reading an output";
    let mut finding = findings.at("", message).hint(hint);
    if let Some((place, _)) = own {
        finding.place = place.clone();
    }
    finding.related = edges.to_vec();
    finding
}

/// A service that is waited for, and the JSON pointer to where that is said.
type Edge = (String, String);

/// Returns whom a service waits for; most wait for nobody.
fn edges_of(context: &Context<'_>, id: &str) -> Vec<Edge> {
    let Some(entry) = context.catalog.services.get(id) else { return Vec::new() };
    let service = &entry.body;
    let named = service.depends_on.iter().enumerate();
    let named = named.map(|(index, id)| (id.clone(), format!("/dependsOn/{index}")));
    let mut edges: Vec<Edge> = named.collect();
    let reads = context.reads_of(service, context.offer_of(entry));
    edges.extend(
        reads.into_iter().map(|read| {
            (read.service, read.pointer.unwrap_or_else(|| "/catalogBundle".to_owned()))
        }),
    );
    edges
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, SERVICE, check, judge};

    #[test]
    fn a_ring_is_printed_with_the_place_of_each_edge() {
        let service = |id: &str, rest: &str| SERVICE.replace("payments-db", id) + rest;
        let reader = service("payments-c", "")
            .replace("size: small", "label: \"{{services.payments-a.outputs.url}}\"");
        let files = format!(
            "{ITEM}{}{}{reader}{}",
            service("payments-a", "dependsOn: [payments-b]\n"),
            service("payments-b", "dependsOn: [payments-c]\n"),
            service("payments-d", "dependsOn: [payments-a]\n"),
        );
        check(&files, "
            services/payments/payments-a.yaml:6:13: error reference/cycle services wait for one another: payments-a → payments-b → payments-c → payments-a (break the ring: take a name out of `dependsOn`, or stop reading an output)
            services/payments/payments-a.yaml:6:13: `payments-a` waits for `payments-b`
            services/payments/payments-b.yaml:6:13: `payments-b` waits for `payments-c`
            services/payments/payments-c.yaml:5:17: `payments-c` waits for `payments-a`
            services/payments/payments-b.yaml:6:13: error reference/cycle services wait for one another: payments-a → payments-b → payments-c → payments-a (break the ring: take a name out of `dependsOn`, or stop reading an output)
            services/payments/payments-a.yaml:6:13: `payments-a` waits for `payments-b`
            services/payments/payments-b.yaml:6:13: `payments-b` waits for `payments-c`
            services/payments/payments-c.yaml:5:17: `payments-c` waits for `payments-a`
            services/payments/payments-c.yaml:5:17: error reference/cycle services wait for one another: payments-a → payments-b → payments-c → payments-a (break the ring: take a name out of `dependsOn`, or stop reading an output)
            services/payments/payments-a.yaml:6:13: `payments-a` waits for `payments-b`
            services/payments/payments-b.yaml:6:13: `payments-b` waits for `payments-c`
            services/payments/payments-c.yaml:5:17: `payments-c` waits for `payments-a`
        ");
        assert_eq!(
            judge(&files).misfits.keys().collect::<Vec<_>>(),
            ["payments-a", "payments-b", "payments-c"]
        );
    }

    #[test]
    fn nobody_waits_for_itself() {
        check(&format!("{ITEM}{SERVICE}dependsOn: [payments-db]\n"), "
            services/payments/payments-db.yaml:6:13: error reference/cycle service `payments-db` waits for itself (break the ring: take a name out of `dependsOn`, or stop reading an output)
            services/payments/payments-db.yaml:6:13: `payments-db` waits for `payments-db`
        ");
    }
}
