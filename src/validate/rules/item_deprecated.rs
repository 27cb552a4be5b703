//! `item/deprecated`: services and bundles are of items that stay.

use jiff::civil::Date;

use crate::catalog::{Document, Metadata};
use crate::finding::{Finding, Severity};
use crate::validate::context::Context;
use crate::validate::findings::Findings;
use crate::validate::registry::{Check, Rule};

pub(super) static RULE: Rule = Rule {
    id: "item/deprecated",
    severity: Severity::Warning,
    summary: "A service or a bundle is of an item that is on its way out.",
    why: "After its sunset nobody looks after it, and moving takes longer the later it begins.",
    mend: "Move to the replacement that the message names, or ask the owner of the item what to use instead.",
    bad: "catalogItem: database-mysql-legacy",
    good: "catalogItem: database-postgresql-standard",
    check: Check::Catalog(check),
};

fn check(context: &Context<'_>, rule: &'static Rule, found: &mut Vec<Finding>) {
    for service in context.catalog.services.values() {
        if let Some(offer) = context.offer_of(service) {
            let pointer = match service.is_of_bundle() {
                false => "/catalogItem",
                true => "/catalogBundle",
            };
            let used = (offer.metadata(), &**offer.document());
            found.extend(wrong(context, rule, (&service.document, pointer), used));
        }
    }
    for bundle in context.catalog.bundles.values() {
        for (index, component) in bundle.body.components.iter().enumerate() {
            let Some(item) = context.catalog.items.get(&component.catalog_item) else { continue };
            let pointer = format!("/components/{index}/catalogItem");
            let used = (&item.body.metadata, &*item.document);
            found.extend(wrong(context, rule, (&bundle.document, &pointer), used));
        }
    }
}

fn wrong(
    context: &Context<'_>,
    rule: &'static Rule,
    (document, pointer): (&Document, &str),
    (used, definition): (&Metadata, &Document),
) -> Option<Finding> {
    let lifecycle = used.lifecycle.as_ref().filter(|lifecycle| lifecycle.deprecated)?;
    // A bundle may wrap the item that it takes the place of.
    if lifecycle.replacement.is_some() && lifecycle.replacement.as_deref() == document.id.as_deref()
    {
        return None;
    }
    let id = &used.id;
    let sunset = lifecycle.sunset.as_deref();
    let message = match sunset {
        None => format!("`{id}` is deprecated"),
        Some(date) if is_over(date, context.today) => {
            format!("`{id}` is deprecated and ended on {date}: nobody looks after it any more")
        }
        Some(date) => format!("`{id}` is deprecated and ends on {date}"),
    };
    let hint = match &lifecycle.replacement {
        Some(replacement) => format!("move to `{replacement}`"),
        None => {
            format!("ask team `{}` ({}) what to use instead", used.owner.team, used.owner.contact)
        }
    };
    let place = definition.place("/metadata/lifecycle");
    let finding = Findings::new(document, rule).at(pointer, message).hint(hint);
    Some(finding.related(place, "what its owner says"))
}

/// Tells whether a date has passed; where nobody knows the day, it has not.
fn is_over(date: &str, today: Option<Date>) -> bool {
    date.parse::<Date>().ok().zip(today).is_some_and(|(date, today)| date < today)
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{BUNDLE, ITEM, SERVICE, check, check_on};

    fn deprecated(rest: &str) -> String {
        let lifecycle = format!("  lifecycle: {{deprecated: true{rest}}}\n  category:");
        ITEM.replace("  category:", &lifecycle)
    }

    #[test]
    fn what_uses_a_deprecated_item_is_told() {
        check(&format!("{}{SERVICE}", deprecated("")), "
            services/payments/payments-db.yaml:4:14: warning item/deprecated `database-standard` is deprecated (ask team `platform` (platform@acme.example) what to use instead)
            catalog/databases/database-standard.yaml:8:14: what its owner says
        ");
        let alone = BUNDLE.replace("  - id: replica\n    catalogItem: database-standard\n    config: {label: \"{{components.database.outputs.url}}\"}\n", "");
        let lifecycle = ", replacement: database-other, sunset: 2027-06-30";
        let other = ITEM.replace("database-standard", "database-other");
        check(&format!("{}{alone}{other}", deprecated(lifecycle)), "
            bundles/bundle-webapp.yaml:11:18: warning item/deprecated `database-standard` is deprecated and ends on 2027-06-30 (move to `database-other`)
            catalog/databases/database-standard.yaml:8:14: what its owner says
        ");
        let wrapped = deprecated(", replacement: bundle-webapp");
        check(&format!("{wrapped}{BUNDLE}"), "");
        let stays = ITEM.replace("  category:", "  lifecycle: {sunset: 2027-06-30}\n  category:");
        check(&format!("{stays}{SERVICE}"), "");
    }

    #[test]
    fn after_the_sunset_it_is_said_louder() {
        let files = format!("{}{SERVICE}", deprecated(", sunset: 2027-06-30"));
        let with = |ends: &str| {
            format!(
                "services/payments/payments-db.yaml:4:14: warning item/deprecated `database-standard` is deprecated and {ends} (ask team `platform` (platform@acme.example) what to use instead)
                catalog/databases/database-standard.yaml:8:14: what its owner says"
            )
        };
        check_on("2027-06-30", &files, &with("ends on 2027-06-30"));
        let over = "ended on 2027-06-30: nobody looks after it any more";
        check_on("2027-07-01", &files, &with(over));
    }
}
