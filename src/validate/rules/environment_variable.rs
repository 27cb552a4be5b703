//! `environment/variable`: the environment of a service has the variables that its templates read.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::catalog::{Action, Bundle, Item, Mode};
use crate::finding::{Finding, Severity, did_you_mean};
use crate::template::references;
use crate::validate::context::{Offer, ServiceContext};
use crate::validate::findings::Findings;
use crate::validate::references::each_read;
use crate::validate::registry::{Check, Rule};
use crate::validate::scope::active;
use crate::validate::texts::action_texts;

pub(super) static RULE: Rule = Rule {
    id: "environment/variable",
    severity: Severity::Error,
    summary: "A service's environment lacks a variable that its templates read.",
    why: "Templates are strict: the service could not be planned.",
    mend: "Add the variable to the environment, name the right environment in the service, or read it with `default`.",
    bad: "metadata: {id: sandbox, name: Sandbox}\nvariables: {}",
    good: "metadata: {id: sandbox, name: Sandbox}\nvariables: {region: eu-west-1}",
    check: Check::Service(check),
};

fn check(of: &ServiceContext<'_>, findings: &mut Findings<'_>) {
    // A missing environment has its own finding.
    if of.environment.is_none() && of.service.metadata.environment.is_some() {
        return;
    }
    let mut lists: Vec<Arc<Vec<String>>> = of
        .items()
        .map(|(_, item)| of.context.variables_of(&item.document, || read_by(&item.body)))
        .collect();
    if let Some(Offer::Bundle(bundle)) = of.offer {
        lists.push(of.context.variables_of(&bundle.document, || read_by_bundle(&bundle.body)));
    }
    let names: BTreeSet<&str> =
        lists.iter().flat_map(|list| list.iter()).map(String::as_str).collect();
    for name in names {
        if let Some(finding) = missing(of, name, findings) {
            findings.add(finding);
        }
    }
}

/// Returns the variables of the environment that the components of a bundle read.
fn read_by_bundle(bundle: &Bundle) -> Vec<String> {
    let mut reads = Vec::new();
    for component in &bundle.components {
        each_read(component, &mut |path, _, _| note(path, &mut reads));
    }
    reads
}

fn missing(of: &ServiceContext<'_>, name: &str, findings: &Findings<'_>) -> Option<Finding> {
    let Some(environment) = of.environment else {
        let message = format!(
            "`{}` reads `environment.{name}`, and this service names no environment",
            of.service.offer()
        );
        return Some(
            findings.at("/metadata", message).hint("name one under `metadata.environment`"),
        );
    };
    let variables = &environment.body.variables;
    if variables.contains_key(name) || name == "id" {
        return None;
    }
    let message = format!(
        "`{}` reads `environment.{name}`, which environment `{}` does not have",
        of.service.offer(),
        environment.body.metadata.id
    );
    let finding = findings.at("/metadata/environment", message);
    let hint = did_you_mean(name, variables.keys().map(String::as_str));
    Some(finding.maybe_hint(hint).or_hint(|| {
        format!(
            "add `{name}` under `variables` of `{}`, or read it as `{{{{default environment.{name} '…'}}}}`",
            environment.document.path
        )
    }))
}

/// Returns the variables of the environment that an item surely reads.
fn read_by(item: &Item) -> Vec<String> {
    let hooks = &item.fulfillment.hooks;
    let mut actions: Vec<&Action> =
        hooks.before.iter().chain(active(item)).chain(&hooks.after).collect();
    if let (Mode::Automatic, Some(automatic)) =
        (item.fulfillment.strategy.mode, &item.fulfillment.automatic)
    {
        let blocks = [&automatic.update, &automatic.delete];
        actions.extend(blocks.into_iter().flatten().flat_map(|block| &block.actions));
    }
    let mut reads = Vec::new();
    for action in actions {
        action_texts(action, &action.config.value(), &mut |text, _| {
            // What stands in a block is read only sometimes.
            if !text.contains("{{") || text.contains("{{#") || !text.contains("env") {
                return;
            }
            let found = references(text);
            found
                .iter()
                .filter(|read| !read.optional)
                .for_each(|read| note(&read.path, &mut reads));
        });
    }
    reads
}

fn note(path: &[String], reads: &mut Vec<String>) {
    if let [root, name, ..] = path
        && root == "environment"
    {
        reads.push(name.clone());
    }
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, SERVICE, check};

    #[test]
    fn the_environment_has_what_templates_read() {
        let world = |text: &str, service: &str| {
            let item = ITEM.replace("Make it.", &format!("\"{text}\""));
            format!(
                "{item}{service}--- environments/production.yaml\nschemaVersion: catalog/v1\nkind: Environment\nmetadata: {{id: production, name: Production}}\nvariables: {{region: eu}}\n"
            )
        };
        let placed = SERVICE.replace("team: payments}", "team: payments, environment: production}");
        check(&world("{{environment.region}} {{environment.id}}", &placed), "");
        check(
            &world("{{environment.regoin}}", &placed),
            "services/payments/payments-db.yaml:3:58: error environment/variable `database-standard` reads `environment.regoin`, which environment `production` does not have (did you mean `region`?)",
        );
        check(
            &world("{{environment.region}}", SERVICE),
            "services/payments/payments-db.yaml:3:11: error environment/variable `database-standard` reads `environment.region`, and this service names no environment (name one under `metadata.environment`)",
        );
        check(
            &world(
                "{{default environment.zone 'a'}}{{#if fields.label}}{{environment.zone}}{{/if}}",
                &placed,
            ),
            "",
        );
    }
}
