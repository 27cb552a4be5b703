//! `trueline explain`: what a rule finds, and what a field of a document means.

use clap::Args;
use serde_json::{Value, json};

use super::context::Context;
use super::explain_field::{explained, kinds_with};
use super::output::{Exit, Failure};
use crate::catalog::{Kind, schema_of};
use crate::finding::did_you_mean;
use crate::kinds;
use crate::validate::{self, rule, rules};

/// What `explain` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// A rule (`fields/missing`) or a field (`CatalogItem.fulfillment.strategy.mode`, `rest-api.endpoint`); a list where absent.
    #[arg(value_name = "RULE|PATH.TO.FIELD")]
    pub name: Option<String>,
}

/// Explains a rule or a field, or lists what there is.
pub(super) fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let Some(name) = &options.name else {
        let list = list();
        context.show(&list, || as_text(&list))?;
        return Ok(Exit::Success);
    };
    if name.contains('/') {
        let value = rule_as_json(name)?;
        context.show(&value, || validate::explain(name).unwrap_or_default())?;
        return Ok(Exit::Success);
    }
    let field = explained(name).ok_or_else(|| unknown(name))??;
    context.show(&field, || field.as_text())?;
    Ok(Exit::Success)
}

fn rule_as_json(name: &str) -> Result<Value, Failure> {
    let Some(rule) = rule(name) else {
        let failure = Failure::usage(format!("there is no rule `{name}`"));
        let near = did_you_mean(name, rules().iter().map(|rule| rule.id));
        return Err(failure.hint(near.unwrap_or_else(|| "`trueline explain` lists all".to_owned())));
    };
    Ok(json!({
        "rule": rule.id,
        "severity": rule.severity,
        "summary": rule.summary,
        "why": rule.why,
        "mend": rule.mend,
        "bad": rule.bad,
        "good": rule.good,
        "fixed": rule.is_fixed(),
    }))
}

/// Says what may be meant by a word that is neither a kind nor an action type.
fn unknown(name: &str) -> Failure {
    let failure = Failure::usage(format!("there is nothing to explain as `{name}`"));
    if let Some(kind) = kinds_with(name).first() {
        return failure.hint(format!("write `{kind}.{name}`"));
    }
    let first = name.split('.').next().unwrap_or_default();
    let known = Kind::ALL.into_iter().map(Kind::word);
    let known = known.chain(kinds::all().iter().map(|kind| kind.name));
    let near = did_you_mean(first, known.chain(rules().iter().map(|rule| rule.id)));
    failure.hint(near.unwrap_or_else(|| "`trueline explain` lists all".to_owned()))
}

fn list() -> Value {
    let kinds: Vec<Value> = Kind::ALL
        .into_iter()
        .map(|kind| {
            let description = schema_of(kind).get("description").cloned().unwrap_or_default();
            json!({"name": kind.word(), "summary": description})
        })
        .collect();
    let actions: Vec<Value> = kinds::all()
        .iter()
        .map(|kind| json!({"name": kind.name, "summary": kind.summary}))
        .collect();
    let rules: Vec<Value> = rules()
        .iter()
        .map(|rule| json!({"name": rule.id, "severity": rule.severity, "summary": rule.summary}))
        .collect();
    json!({"kinds": kinds, "actions": actions, "rules": rules})
}

fn as_text(list: &Value) -> String {
    let mut lines = Vec::new();
    for (title, key) in [("Kinds", "kinds"), ("Actions", "actions"), ("Rules", "rules")] {
        lines.push(title.to_owned());
        for row in list.get(key).and_then(Value::as_array).into_iter().flatten() {
            let cell = |key: &str| row.get(key).and_then(Value::as_str).unwrap_or_default();
            let severity = cell("severity");
            let summary = cell("summary");
            lines.push(match severity {
                "" => format!("  {:28} {summary}", cell("name")),
                _ => format!("  {:28} {severity:8} {summary}", cell("name")),
            });
        }
        lines.push(String::new());
    }
    lines.push(
        "`trueline explain NAME` says more; fields are named as in `Service.metadata.team`."
            .to_owned(),
    );
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_rule_is_listed_and_explained() {
        let text = as_text(&list());
        assert!(rules().len() > 20);
        for rule in rules() {
            assert!(
                text.contains(&format!("  {:28} {:8}", rule.id, rule.severity.to_string())),
                "{}",
                rule.id
            );
            assert_eq!(rule_as_json(rule.id).unwrap()["summary"], rule.summary);
        }
        for kind in Kind::ALL {
            assert!(text.contains(&format!("  {:28} ", kind.word())), "{kind}");
        }
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is_near() {
        for (failure, expected) in [
            (rule_as_json("fields/mising").unwrap_err(), "did you mean `fields/missing`?"),
            (rule_as_json("no/rule").unwrap_err(), "`trueline explain` lists all"),
            (unknown("fulfillment.strategy.mode"), "write `CatalogItem.fulfillment.strategy.mode`"),
            (unknown("CatalogIten.metadata"), "did you mean `CatalogItem`?"),
            (unknown("rest-apo"), "did you mean `rest-api`?"),
            (unknown("xyzzy"), "`trueline explain` lists all"),
        ] {
            assert!(format!("{failure:?}").contains(expected), "{failure:?}");
        }
    }
}
