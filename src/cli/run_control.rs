//! `trueline run cancel`, `pause`, `retry` and their like: what a person asks of a run. It records the word, once it
//! makes sense; whoever drives acts on it within a second.

use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value};

use super::approve::record;
use super::context::Context;
use super::output::{Exit, Failure, demand_reason};
use super::run::find;
use super::table::cell;
use crate::engine::{may_control, seal_outputs};
use crate::id::{RunId, StepPath};
use crate::reconcile::output_names;
use crate::run::{Control, Run, StepState};
use crate::store::{DecisionKind, Store};

/// What is said with every word on a run.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Its id, or the beginning of it.
    pub(super) id: String,
    /// Why; it is kept with who says so.
    #[arg(long)]
    pub(super) reason: String,
}

/// What `retry` takes.
#[derive(Debug, Args)]
pub(super) struct RetryOptions {
    #[command(flatten)]
    pub(super) word: Options,
    /// Leaves alone what succeeded.
    #[arg(long)]
    pub(super) from_failed: bool,
}

/// What `decide` takes.
#[derive(Debug, Args)]
pub(super) struct DecideOptions {
    #[command(flatten)]
    pub(super) word: Options,
    /// The step; may be left out where it is the only one.
    #[arg(long, value_name = "PATH")]
    pub(super) step: Option<String>,
    /// It took effect.
    #[arg(long, required_unless_present = "did_not_happen")]
    pub(super) happened: bool,
    /// It did not take effect, and is done again.
    #[arg(long, conflicts_with = "happened")]
    pub(super) did_not_happen: bool,
    /// An output of the step, where it took effect: a text, or JSON.
    #[arg(long = "output", value_name = "NAME=VALUE", value_parser = super::task::pair)]
    pub(super) outputs: Vec<(String, String)>,
}

/// What was recorded.
#[derive(Debug, Serialize)]
pub(super) struct RecordedWire {
    pub(super) version: &'static str,
    pub(super) run: RunId,
    pub(super) word: &'static str,
    pub(super) decision: i64,
    pub(super) by: String,
}

/// Version of the wire form.
pub(super) const SAID: &str = "trueline.run-word/v1";

/// Records a word on a run, where it makes sense.
pub(super) async fn say(
    context: &Context,
    options: &Options,
    control: Control,
) -> Result<Exit, Failure> {
    let store = context.existing_store().await?;
    let run = find(&*store, &options.id).await?;
    recorded(context, &*store, (&run, options), control).await
}

/// Records what became of a step.
pub(super) async fn decide(context: &Context, options: &DecideOptions) -> Result<Exit, Failure> {
    let store = context.existing_store().await?;
    let run = find(&*store, &options.word.id).await?;
    let step = undecided(&run, options.step.as_deref())?;
    let outputs = entered(context, (&run, &step), options)?;
    let control = Control::Decide { step, happened: options.happened, outputs };
    recorded(context, &*store, (&run, &options.word), control).await
}

async fn recorded(
    context: &Context,
    store: &dyn Store,
    (run, options): (&Run, &Options),
    control: Control,
) -> Result<Exit, Failure> {
    demand_reason(&options.reason)?;
    may(store, run, &control).await?;
    let word = control.word();
    let decision = DecisionKind::Control {
        run: run.id.clone(),
        service: run.change.service.clone(),
        control,
        reason: options.reason.clone(),
    };
    let decision = record(context, &decision).await?;
    let by = context.person();
    let wire = RecordedWire { version: SAID, run: run.id.clone(), word, decision, by: by.clone() };
    context.show(&wire, || {
        format!("{word} of run {} of {} recorded", run.id, cell(&run.change.service))
    })?;
    context.remark(format!("said as {} (self-declared)", cell(&by)));
    if store.holder().await?.is_none() {
        context.remark("nobody drives: `trueline serve` or `trueline apply` acts on it");
    }
    Ok(Exit::Success)
}

/// Refuses a word that makes no sense, and says what is possible.
async fn may(store: &dyn Store, run: &Run, control: &Control) -> Result<(), Failure> {
    let may = may_control(store, run, control).await?;
    may.map_err(|refused| Failure::failed(cell(&refused.message)).hint(cell(&refused.hint)))
}

/// Finds the step whose outcome a person says.
fn undecided(run: &Run, named: Option<&str>) -> Result<StepPath, Failure> {
    let unknown = run
        .steps
        .iter()
        .filter(|(_, step)| matches!(step.state, StepState::NeedsDecision { .. }) && !step.by_hand);
    let unknown: Vec<&str> = unknown.map(|(path, _)| path.0.as_str()).collect();
    Ok(StepPath(only_undecided(&unknown, named)?))
}

/// Returns the step that is named, or the only one whose outcome nobody knows; none where there is none.
pub(super) fn only_undecided(unknown: &[&str], named: Option<&str>) -> Result<String, Failure> {
    match (named, unknown) {
        (Some(named), _) => Ok(named.to_owned()),
        (None, []) => Ok(String::new()),
        (None, [only]) => Ok((*only).to_owned()),
        (None, many) => {
            let names = cell(&many.join(", "));
            Err(Failure::usage(format!("nobody knows the outcome of {names}"))
                .hint("name one with `--step`"))
        }
    }
}

/// Reads an output of a step: a text, or JSON.
pub(super) fn output((name, text): &(String, String)) -> (String, Value) {
    let value = serde_json::from_str(text).unwrap_or_else(|_| Value::String(text.clone()));
    (name.clone(), value)
}

/// Reads the outputs that a step is said to have, and seals what is sensitive of them.
fn entered(
    context: &Context,
    (run, path): (&Run, &StepPath),
    options: &DecideOptions,
) -> Result<Map<String, Value>, Failure> {
    let found = run.change.units.iter().find_map(|unit| {
        let step = unit.steps.iter().find(|step| step.path == *path)?;
        Some((&unit.definition, step))
    });
    let Some((definition, step)) = found else { return Ok(Map::new()) };
    let names = output_names(&step.action);
    let mut outputs = Map::new();
    for (name, value) in options.outputs.iter().map(output) {
        if !names.contains(&name) || !options.happened {
            let known = names.iter().cloned().collect::<Vec<_>>().join(", ");
            return Err(Failure::usage(format!("step `{path}` has no output `{}`", cell(&name)))
                .hint(format!("it has: {}", if known.is_empty() { "none" } else { &known })));
        }
        outputs.insert(name, value);
    }
    let missing: Vec<&String> =
        step.action.outputs.keys().filter(|name| !outputs.contains_key(*name)).collect();
    if let Some(name) = missing.first().filter(|_| options.happened) {
        return Err(Failure::usage(format!("output `{}` of step `{path}` is missing", cell(name)))
            .hint(format!("--output {}=…", cell(name))));
    }
    Ok(seal_outputs(definition, &step.action.id, outputs, &context.sealer()?))
}

#[cfg(test)]
#[path = "run_control_tests.rs"]
mod tests;
