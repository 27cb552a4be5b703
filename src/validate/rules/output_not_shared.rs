//! `output/not-shared`: an output is read by its own team, or by those it is shared with.

use crate::finding::Severity;
use crate::validate::context::ServiceContext;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "output/not-shared",
    severity: Severity::Error,
    summary: "A service reads an output that belongs to another team and is not shared with its own.",
    why: "Outputs can hold addresses and credentials; their owner decides who reads them.",
    mend: "Ask the item's owner to add the team to `outputs.<name>.share`.",
    bad: "outputs: {url: {value: …}}",
    good: "outputs: {url: {value: …, share: [billing]}}",
    check: Check::Service(check),
};

fn check(of: &ServiceContext<'_>, findings: &mut Findings<'_>) {
    let team = &of.service.metadata.team;
    for read in &of.reads {
        let Some(entry) = of.context.catalog.services.get(&read.service) else { continue };
        let owner = &entry.body.metadata.team;
        let offer = of.context.offer_of(entry);
        let Some((offer, output)) = offer.and_then(|o| Some((o, o.output(&read.output)?))) else {
            continue;
        };
        if owner == team || output.share.contains(team) {
            continue;
        }
        let message = format!(
            "output `{}` of service `{}` belongs to team `{owner}` and is not shared with `{team}`",
            read.output, read.service
        );
        let pointer = read.pointer.as_deref().unwrap_or("/catalogBundle");
        let document = offer.document();
        let hint = format!("the owner of `{}` can share it: `share: [{team}]`", entry.body.offer());
        let place = document.place(&format!("/outputs/{}", read.output));
        findings.add(findings.at(pointer, message).hint(hint).related(place, "the output"));
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, SERVICE, check};

    #[test]
    fn an_output_is_read_by_those_it_is_shared_with() {
        let reader = SERVICE
            .replace("payments-db", "billing-app")
            .replace("payments", "billing")
            .replace("size: small", "label: \"{{services.payments-db.outputs.url}}\"");
        check(&format!("{ITEM}{SERVICE}{reader}"), "
            services/billing/billing-app.yaml:5:17: error output/not-shared output `url` of service `payments-db` belongs to team `payments` and is not shared with `billing` (the owner of `database-standard` can share it: `share: [billing]`)
            catalog/databases/database-standard.yaml:29:8: the output
        ");
        let shared = ITEM.replace("provision.url}}\"}", "provision.url}}\", share: [billing]}");
        check(&format!("{shared}{SERVICE}{reader}"), "");
    }
}
