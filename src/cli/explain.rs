//! `trueline explain`: what a rule finds, and what a field of a document means.

use clap::Args;
use serde_json::{Value, json};

use super::context::Context;
use super::explain_field::{explained, kinds_with};
use super::output::{Exit, Failure};
use crate::catalog::{Kind, schema_of};
use crate::finding::did_you_mean;
use crate::kinds;
use crate::validate::{self, Rule, rule, rules};

/// What `explain` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// A rule (`fields/missing`), a group of rules (`fields`) or a field (`CatalogItem.fulfillment.strategy.mode`,
    /// `rest-api.endpoint`); a list where absent.
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
    if let Some(field) = explained(name) {
        let field = field?;
        context.show(&field, || field.as_text())?;
        return Ok(Exit::Success);
    }
    if let Some(group) = group(name) {
        context.show(&group, || as_text(&group))?;
        return Ok(Exit::Success);
    }
    let id = full_id(name);
    if !id.contains('/') {
        return Err(unknown(name));
    }
    let value = rule_as_json(id)?;
    context.show(&value, || validate::explain(id).unwrap_or_default())?;
    Ok(Exit::Success)
}

/// Lists the rules of a group, `fields` or `fields/`.
fn group(name: &str) -> Option<Value> {
    let name = name.strip_suffix('/').unwrap_or(name);
    let rules: Vec<Value> =
        rules().iter().filter(|rule| rule.group() == name).map(|rule| row(rule)).collect();
    (!rules.is_empty()).then(|| json!({"rules": rules}))
}

/// Completes what stands behind the `/` of one rule only.
fn full_id(name: &str) -> &str {
    let mut ids = rules().iter().map(|rule| rule.id);
    let mut named = ids.by_ref().filter(|id| id.split('/').nth(1) == Some(name));
    match (named.next(), named.next()) {
        (Some(id), None) => id,
        _ => name,
    }
}

fn row(rule: &Rule) -> Value {
    json!({"name": rule.id, "severity": rule.severity, "summary": rule.summary})
}

fn rule_as_json(name: &str) -> Result<Value, Failure> {
    let Some(rule) = rule(name) else {
        let failure = Failure::usage(format!("there is no rule `{name}`"));
        let near = did_you_mean(name, rules().iter().map(|rule| rule.id));
        let is_file = name.rsplit_once('.').is_some_and(|(_, ending)| ending == "yaml");
        let otherwise = match is_file {
            true => format!("a file is judged by `trueline validate {name}`"),
            false => "`trueline explain` lists all".to_owned(),
        };
        return Err(failure.hint(near.unwrap_or(otherwise)));
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
    let ends: Vec<String> = rules()
        .iter()
        .filter(|rule| rule.id.split('/').nth(1) == Some(name))
        .map(|rule| format!("`{}`", rule.id))
        .collect();
    if !ends.is_empty() {
        return failure.hint(format!("did you mean one of {}?", ends.join(", ")));
    }
    let named = rules().iter().flat_map(|rule| [rule.group(), rule.id]);
    let near = did_you_mean(first, known.chain(named));
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
    let rules: Vec<Value> = rules().iter().map(|rule| row(rule)).collect();
    json!({"kinds": kinds, "actions": actions, "rules": rules})
}

fn cell<'a>(row: &'a Value, key: &str) -> &'a str {
    row.get(key).and_then(Value::as_str).unwrap_or_default()
}

fn as_text(list: &Value) -> String {
    let mut lines = Vec::new();
    for (title, key) in [("Kinds", "kinds"), ("Actions", "actions"), ("Rules", "rules")] {
        let Some(rows) = list.get(key).and_then(Value::as_array) else { continue };
        let width = rows.iter().map(|row| cell(row, "name").len()).max().unwrap_or(0);
        lines.push(title.to_owned());
        for row in rows {
            let (name, summary) = (cell(row, "name"), cell(row, "summary"));
            lines.push(match cell(row, "severity") {
                "" => format!("  {name:width$} {summary}"),
                severity => format!("  {name:width$} {severity:8} {summary}"),
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
            let line = text.lines().find(|line| line.trim().starts_with(rule.id)).unwrap();
            let rest = line.trim().strip_prefix(rule.id).unwrap().trim_start();
            assert_eq!(rest, format!("{:8} {}", rule.severity.to_string(), rule.summary));
            assert_eq!(rule_as_json(rule.id).unwrap()["summary"], rule.summary);
            assert!(
                group(rule.group()).is_some() && group(&format!("{}/", rule.group())).is_some()
            );
        }
        for kind in Kind::ALL {
            assert!(text.contains(&format!("  {:13} ", kind.word())), "{kind}");
        }
    }

    #[test]
    fn rules_are_found_by_group_and_by_the_end_of_their_id() {
        let operations = as_text(&group("operation").unwrap());
        insta::assert_snapshot!(operations, @r"
        Rules
          operation/state error    Two operations of an item lead to the same state, or one that leads to a state has a schedule.

        `trueline explain NAME` says more; fields are named as in `Service.metadata.team`.
        ");
        assert_eq!(full_id("cron"), "window/cron");
        // More than one ends so.
        assert_eq!(full_id("duplicate-id"), "duplicate-id");
        assert!(group("duplicate-id").is_none() && group("").is_none());
    }

    #[test]
    fn what_is_not_there_is_told_with_what_is_near() {
        for (failure, expected) in [
            (rule_as_json("fields/mising").unwrap_err(), "did you mean `fields/missing`?"),
            (rule_as_json("no/rule").unwrap_err(), "`trueline explain` lists all"),
            (unknown("fulfillment.strategy.mode"), "write `CatalogItem.fulfillment.strategy.mode`"),
            (unknown("CatalogIten.metadata"), "did you mean `CatalogItem`?"),
            (unknown("rest-apo"), "did you mean `rest-api`?"),
            (
                unknown("duplicate-id"),
                "did you mean one of `action/duplicate-id`, `form/duplicate-id`?",
            ),
            (unknown("fieds"), "did you mean `fields`?"),
            (unknown("xyzzy"), "`trueline explain` lists all"),
        ] {
            assert!(format!("{failure:?}").contains(expected), "{failure:?}");
        }
    }
}
