//! `trueline render`: what the templates of an item become. Nothing is sent, and no secret is read.

use clap::Args;
use serde_json::{Map, Value, json};

use super::context::Context;
use super::local::unknown;
use super::output::{Exit, Failure};
use super::render_ask::given;
use crate::clock::Clock;
use crate::daemon::SystemClock;
use crate::engine::render::{RenderAsk, Unrendered, render};
use crate::reconcile::show;
use crate::validate::Judge;

/// What `render` takes.
#[derive(Clone, Debug, Default, Args)]
pub struct Options {
    /// The item.
    pub item: String,
    /// A field of its form; a password field takes the name of a secret.
    #[arg(long, value_name = "NAME=VALUE")]
    pub field: Vec<String>,
    /// The environment of the made-up service.
    #[arg(long, value_name = "ID")]
    pub environment: Option<String>,
    /// The team of the made-up service.
    #[arg(long, value_name = "ID")]
    pub team: Option<String>,
    /// Its id; a service of the catalog lends its fields, team and environment.
    #[arg(long, value_name = "ID")]
    pub service: Option<String>,
    /// Only this action.
    #[arg(long, value_name = "ID")]
    pub action: Option<String>,
    /// `create`, `update`, `delete`, or an operation of the item.
    #[arg(long, default_value = "create", value_name = "NAME")]
    pub operation: String,
}

/// Shows scopes and rendered actions.
pub(super) fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let rendered = rendered(context, options)?;
    context.show(&rendered, || as_text(&rendered))?;
    Ok(Exit::Success)
}

/// Renders; everything in it is masked.
fn rendered(context: &Context, options: &Options) -> Result<Value, Failure> {
    let snapshot = context.snapshot()?;
    let mut judge = Judge::new(Vec::new());
    let catalog = judge.judge(&snapshot).catalog;
    let fields = match catalog.items.get(&options.item) {
        Some(item) => given(&item.body.presentation.form, &options.field)?,
        // That there is none is told once it is looked for.
        None => Map::new(),
    };
    let ask = RenderAsk {
        item: options.item.clone(),
        fields,
        environment: options.environment.clone(),
        team: options.team.clone(),
        service: options.service.clone(),
        action: options.action.clone(),
        operation: options.operation.clone(),
    };
    render(&mut judge, snapshot, &ask, SystemClock.now()).map_err(told)
}

/// Tells why nothing was rendered, and what to do.
fn told(why: Unrendered) -> Failure {
    let visible =
        |why: &[String]| why.iter().map(|why| show::visible(why)).collect::<Vec<_>>().join("; ");
    match why {
        Unrendered::Unknown { what, name, known } => {
            unknown(what, &name, &known.iter().map(String::as_str).collect::<Vec<_>>())
        }
        Unrendered::Bundle(id) => Failure::usage(format!("`{id}` is a bundle"))
            .hint("render the items that it is made of, or `trueline plan` a service of it"),
        Unrendered::Misfit(why) => {
            Failure::failed(format!("the service would not fit: {}", visible(&why))).hint(
                "give each field with --field NAME=VALUE; --team, --environment and --service set the rest",
            )
        }
        Unrendered::Blocked(why) => {
            Failure::failed(format!("it can't be rendered: {}", visible(&why)))
        }
        Unrendered::Nothing => Failure::failed("there is nothing to do for this operation"),
    }
}

fn as_text(rendered: &Value) -> String {
    let text = |value: &Value, key: &str| {
        show::visible(value.get(key).and_then(Value::as_str).unwrap_or_default())
    };
    let mut lines = vec![format!(
        "{} of {} {} (service {}, team {}{})",
        text(rendered, "operation"),
        text(rendered, "item"),
        text(rendered, "itemVersion"),
        text(rendered, "service"),
        text(rendered, "team"),
        Some(text(rendered, "environment"))
            .filter(|id| !id.is_empty())
            .map(|id| format!(", environment {id}"))
            .unwrap_or_default(),
    )];
    lines.push("\nscopes".to_owned());
    if let Some(scopes) = rendered.get("scopes") {
        lines.extend(show::lines(scopes).into_iter().map(|line| format!("  {line}")));
    }
    lines.push("\nactions".to_owned());
    let actions = rendered.get("actions").and_then(Value::as_array);
    for action in actions.into_iter().flatten() {
        let mut words = vec![format!("  {}  {}", text(action, "id"), text(action, "type"))];
        words.extend((action.get("undo") == Some(&json!(true))).then(|| "(undo)".to_owned()));
        words.extend(match action.get("when").and_then(Value::as_str) {
            Some("no") => Some("(left out, by `when`)".to_owned()),
            Some("maybe") => Some("(maybe, by `when`)".to_owned()),
            _ => None,
        });
        lines.push(words.join("  "));
        if let Some(config) = action.get("config") {
            lines.extend(show::lines(config).into_iter().map(|line| format!("    {line}")));
        }
    }
    lines.join("\n")
}

#[cfg(test)]
#[path = "render_tests.rs"]
mod tests;
