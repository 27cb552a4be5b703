//! The `command` action: a program that the operator allows, whose JSON is the result. No shell reads anything, and
//! nothing but what is listed reaches its environment.

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::action::{Action, Call, Outcome, Ports};
use super::folder::WorkFolder;
use super::process::{self, Cause, Ended, MAX_OUTPUT_BYTES, Order, Orphan, Patience};
use super::scrub::Scrub;
use crate::kinds::is_reserved_variable;
use crate::reconcile::Observation;
use crate::run::{Fault, Wait};

/// The most that is read as a result, in bytes.
const MAX_RESULT_BYTES: usize = 1 << 20;
/// The most that is kept of a result, in bytes.
const KEPT_BYTES: usize = 48 << 10;
/// The exit code by which a program says that trying again can help: `EX_TEMPFAIL` of `sysexits.h`.
const EX_TEMPFAIL: i32 = 75;
/// The `command` action.
pub(super) struct Command;

/// The rendered `config`.
#[derive(Deserialize)]
struct Config {
    program: String,
    #[serde(default)]
    args: Vec<Value>,
    #[serde(default)]
    stdin: String,
    #[serde(default)]
    env: Map<String, Value>,
}

/// Finds the program among those that the operator allows: by its path, or by its name where one has it.
fn allowed(program: &str, programs: &[PathBuf]) -> Result<PathBuf, Fault> {
    let by_path = programs.iter().find(|path| path.as_os_str() == program);
    let mut by_name = programs.iter().filter(|path| path.file_name().is_some_and(|n| n == program));
    let found = match (by_path, by_name.next(), by_name.next()) {
        (Some(path), ..) | (None, Some(path), None) => path,
        (None, Some(one), Some(other)) => {
            return Err(Fault::terminal(format!(
                "`{program}` may be {} or {}; name it by its path",
                one.display(),
                other.display()
            )));
        }
        (None, None, _) => {
            return Err(Fault::terminal(format!(
                "the operator does not allow `{program}`; it must be listed by its absolute path in `[actions.command] programs`"
            )));
        }
    };
    if !found.is_absolute() {
        return Err(Fault::terminal(format!(
            "`{}` in `[actions.command] programs` is not an absolute path",
            found.display()
        )));
    }
    process::find(&found.display().to_string()).map_err(Fault::terminal)
}

/// Writes a value as a program takes it: a text as it is, all else as JSON.
fn plain(value: &Value) -> OsString {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned).into()
}

/// Returns the variables of the `config`, where a document may set them.
fn variables(env: &Map<String, Value>) -> Result<Vec<(OsString, OsString)>, Fault> {
    let mut variables = Vec::new();
    for (name, value) in env {
        let is_name = name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
            && name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
        if !is_name {
            return Err(Fault::terminal(format!(
                "`{}` in `config/env` is not a name: letters, digits and `_`",
                name.escape_debug()
            )));
        }
        if is_reserved_variable(name) {
            return Err(Fault::terminal(format!(
                "`{name}` in `config/env` decides what code runs, or is set by Trueline; choose another name"
            )));
        }
        variables.push((name.into(), plain(value)));
    }
    Ok(variables)
}

/// Puts together what is run.
fn order(
    ports: &Ports,
    call: &Call,
    folder: &WorkFolder,
    scrub: &mut Scrub,
) -> Result<Order, Fault> {
    let config = Config::deserialize(&call.config)
        .map_err(|error| Fault::terminal(format!("`config` cannot be read: {error}")))?;
    let operator = &ports.operator;
    let program = allowed(&config.program, &operator.programs)?;
    let (mut environment, secrets) =
        process::environment(folder.path(), &operator.command_environment).map_err(|error| {
            Fault::transient(format!("the work folder can't be prepared: {error}"))
        })?;
    scrub.add(secrets);
    environment.extend(variables(&config.env)?);
    for (name, value) in [
        ("TRUELINE_IDEMPOTENCY_KEY", &call.key),
        ("TRUELINE_CORRELATION_ID", &call.correlation),
        ("TRUELINE_SERVICE", &call.service),
    ] {
        environment.push((name.into(), value.into()));
    }
    let text = config.args.iter().any(|value| value.as_str().is_some_and(|t| t.contains('\0')));
    let value = config.env.values().any(|value| value.as_str().is_some_and(|t| t.contains('\0')));
    if text || value {
        return Err(Fault::terminal("`config` holds a zero byte, which no argument may"));
    }
    Ok(Order {
        program,
        arguments: config.args.iter().map(plain).collect(),
        environment,
        folder: folder.path().to_owned(),
        stdin: config.stdin.into_bytes(),
        note: folder.note(),
        orphan: Orphan::Kill,
    })
}

/// Says what it means that a program ended as it did.
fn judge(program: &Path, ended: &Ended, scrub: &Scrub) -> Result<(), Fault> {
    if ended.cause == Cause::Exit(0) {
        return Ok(());
    }
    let name = program.display();
    let said = ended.said(scrub);
    let said = if said.is_empty() { said } else { format!(": {said}") };
    Err(match ended.cause {
        Cause::Exit(EX_TEMPFAIL) => {
            Fault::transient(format!("{name} asks to be tried again (exit code 75){said}"))
        }
        Cause::Exit(code) => Fault::terminal(format!("{name} ended with exit code {code}{said}")),
        Cause::Signal(signal) => {
            Fault::unknown(format!("{name} was killed by signal {signal}{said}"))
        }
        Cause::TimedOut => Fault::unknown(format!("{name} took too long and was ended{said}")),
        Cause::Stopped => {
            Fault::unknown(format!("{name} was ended because this process ends{said}"))
        }
        Cause::Abandoned => Fault::unknown(format!("{name} was ended{said}")),
        Cause::TooMuch => {
            let most = MAX_OUTPUT_BYTES >> 20;
            Fault::unknown(format!("{name} wrote more than {most} MiB and was ended{said}"))
        }
    })
}

/// Reads what a program printed.
fn printed(ended: &Ended, scrub: &Scrub) -> Result<Value, Fault> {
    let stdout = ended.stdout.trim_ascii();
    if stdout.is_empty() {
        return Ok(Value::Null);
    }
    if stdout.len() > MAX_RESULT_BYTES {
        return Err(Fault::terminal(format!(
            "it succeeded, but printed {} bytes, more than the {MAX_RESULT_BYTES} that are read as a result",
            stdout.len()
        )));
    }
    serde_json::from_slice(stdout).map_err(|error| {
        let said = process::shortened(scrub, stdout);
        Fault::terminal(format!("it succeeded, but what it printed is not JSON ({error}): {said}"))
    })
}

/// Returns the outputs: each by its pointer into what was printed.
fn outputs(call: &Call, printed: &Value) -> Result<Map<String, Value>, Fault> {
    let mut outputs = Map::new();
    for (name, pointer) in &call.outputs {
        let Some(value) = printed.pointer(pointer) else {
            return Err(Fault::terminal(format!(
                "it succeeded, but output `{name}` is missing: what it printed has nothing at `{pointer}`"
            )));
        };
        outputs.insert(name.clone(), super::scrub::without_markers(value));
    }
    Ok(outputs)
}

async fn perform(ports: &Ports, call: &Call, scrub: &mut Scrub) -> Result<Outcome, Fault> {
    let patience = Patience::of(call.timeout);
    let folder = WorkFolder::open(&ports.state_dir, ("command", &call.marker), "command").await?;
    if let Some(left) = folder.left()
        && !left.end(patience.grace.min(Duration::from_secs(20))).await
    {
        return Err(Fault::transient(format!(
            "process {} of an earlier attempt still runs and can't be ended",
            left.pid
        )));
    }
    let order = order(ports, call, &folder, scrub)?;
    let program = order.program.clone();
    let ended = process::run(order, patience, &ports.stop).await;
    folder.remove();
    let ended = ended?;
    judge(&program, &ended, scrub)?;
    let printed = printed(&ended, scrub)?;
    let outputs = outputs(call, &printed)?;
    let kept = scrub.value(&printed);
    let kept = if kept.to_string().len() <= KEPT_BYTES {
        kept
    } else {
        Value::String(process::shortened(scrub, kept.to_string().as_bytes()))
    };
    let result = json!({"program": program.display().to_string(), "printed": kept});
    Ok(Outcome::Done { result, outputs })
}

#[async_trait]
impl Action for Command {
    fn kind(&self) -> &'static str {
        "command"
    }

    async fn perform(&self, ports: &Ports, call: &Call) -> Result<Outcome, Fault> {
        let mut scrub = Scrub::of(call);
        let outcome = perform(ports, call, &mut scrub).await;
        outcome.map_err(|fault| scrub.fault(&fault))
    }

    /// Nothing tells what a program did: only its own word that it does the same once under one key.
    fn may_repeat(&self, config: &Value) -> bool {
        config.get("idempotent").and_then(Value::as_bool).unwrap_or_default()
    }

    /// It never waits.
    async fn look(&self, _: &Ports, _: &Call, on: &Wait) -> Result<Outcome, Fault> {
        Ok(Outcome::Waiting { on: on.clone() })
    }

    async fn observe(&self, _: &Ports, _: &Call) -> Result<Observation, Fault> {
        Ok(Observation::Same)
    }

    /// What a program did only a person can undo; the engine asks one, and never comes here.
    async fn undo(&self, _: &Ports, _: &Call) -> Result<Outcome, Fault> {
        Err(Fault::terminal("what a program did can't be undone by itself"))
    }
}
