//! `reference/unknown-output`: outputs that are read are offered.

use crate::catalog::{Bundle, Entry};
use crate::finding::{Finding, Severity};
use crate::template::references;
use crate::validate::context::{Context, Offer, ServiceContext};
use crate::validate::findings::Findings;
use crate::validate::references::each_read;
use crate::validate::registry::{Check, Rule};
use crate::validate::scope::listed;
use crate::validate::texts::escape;

pub(super) static RULE: Rule = Rule {
    id: "reference/unknown-output",
    severity: Severity::Error,
    summary: "A service, component or bundle reads an output that is not offered.",
    why: "Only outputs that an item or bundle declares are kept for others.",
    mend: "Read one of the outputs that are offered, or declare it under `outputs` of the item.",
    bad: "fields: {databaseUrl: \"{{services.payments-db.outputs.uri}}\"}",
    good: "fields: {databaseUrl: \"{{services.payments-db.outputs.url}}\"}",
    check: Check::ServiceAndBundle(check_service, check_bundle),
};

fn check_service(of: &ServiceContext<'_>, findings: &mut Findings<'_>) {
    for read in &of.reads {
        let Some(entry) = of.context.catalog.services.get(&read.service) else { continue };
        let Some(offer) = of.context.offer_of(entry) else { continue };
        if offer.output(&read.output).is_some() {
            continue;
        }
        let pointer = read.pointer.as_deref().unwrap_or("/catalogBundle");
        let whose = format!("service `{}`", read.service);
        findings.add(unknown(findings, findings.at(pointer, ""), offer, (&whose, &read.output)));
    }
}

fn check_bundle(context: &Context<'_>, bundle: &Entry<Bundle>, findings: &mut Findings<'_>) {
    let offer_of = |id: &str| {
        let component = bundle.body.components.iter().find(|component| component.id == id)?;
        context.catalog.items.get(&component.catalog_item).map(Offer::Item)
    };
    for (index, component) in bundle.body.components.iter().enumerate() {
        for (at, name) in component.outputs.iter().enumerate() {
            let Some(offer) = offer_of(&component.id).filter(|offer| offer.output(name).is_none())
            else {
                continue;
            };
            let finding = findings.at(&format!("/components/{index}/outputs/{at}"), "");
            let whose = format!("item `{}`", component.catalog_item);
            findings.add(unknown(findings, finding, offer, (&whose, name)));
        }
        each_read(component, &mut |path, pointer, offset| {
            if let Some((offer, whose, name)) = unknown_of(path, &offer_of) {
                let pointer = format!("/components/{index}/config{pointer}");
                let finding = findings.in_text(&pointer, offset, "");
                findings.add(unknown(findings, finding, offer, (&whose, name)));
            }
        });
    }
    for (name, output) in &bundle.body.outputs {
        for reference in references(&output.value) {
            if let Some((offer, whose, unknown_name)) = unknown_of(&reference.path, &offer_of) {
                let pointer = format!("/outputs/{}/value", escape(name));
                let finding = findings.in_text(&pointer, reference.offset, "");
                findings.add(unknown(findings, finding, offer, (&whose, unknown_name)));
            }
        }
    }
}

/// Reads a path to an output of a component; returns it where that component does not offer it.
fn unknown_of<'p, 'a>(
    path: &'p [String],
    offer_of: &dyn Fn(&str) -> Option<Offer<'a>>,
) -> Option<(Offer<'a>, String, &'p str)> {
    let [root, id, outputs, name, ..] = path else { return None };
    let offer = offer_of(id).filter(|_| root == "components" && outputs == "outputs")?;
    offer.output(name).is_none().then(|| (offer, format!("component `{id}`"), name.as_str()))
}

fn unknown(
    findings: &Findings<'_>,
    finding: Finding,
    offer: Offer<'_>,
    (whose, name): (&str, &str),
) -> Finding {
    let known: Vec<&str> = offer.output_names().collect();
    let finding = Finding { message: format!("{whose} has no output `{name}`"), ..finding };
    findings.near(finding, name, known.iter().copied()).or_hint(|| {
        if known.is_empty() {
            return "it offers none".to_owned();
        }
        format!("it offers {}", listed(&known))
    })
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{BUNDLE, ITEM, SERVICE, check};

    #[test]
    fn outputs_of_services_are_offered() {
        let reader = SERVICE.replace("payments-db", "payments-app");
        let read = |output: &str| {
            reader.replace(
                "size: small",
                &format!("label: \"{{{{services.payments-db.outputs.{output}}}}}\""),
            )
        };
        check(&format!("{ITEM}{SERVICE}{}", read("url")), "");
        check(
            &format!("{ITEM}{SERVICE}{}", read("address")),
            "services/payments/payments-app.yaml:5:17: error reference/unknown-output service `payments-db` has no output `address` (it offers `url`)",
        );
    }

    #[test]
    fn outputs_of_components_are_offered() {
        check(&format!("{ITEM}{}", BUNDLE.replace("outputs.url", "outputs.uri")), "
            bundles/bundle-webapp.yaml:16:24: error reference/unknown-output component `database` has no output `uri` (did you mean `url`?)
            bundles/bundle-webapp.yaml:25:19: error reference/unknown-output component `database` has no output `uri` (did you mean `url`?)
        ");
        check(
            &format!("{ITEM}{}", BUNDLE.replace("[url]", "[host]")),
            "bundles/bundle-webapp.yaml:13:15: error reference/unknown-output item `database-standard` has no output `host` (it offers `url`)",
        );
    }
}
