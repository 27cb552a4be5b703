//! Runs told as text, for tests: changes, events and what came of them, a line each.

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value, json};

use super::{Added, Event, Fault, Run, RunEvent, Said, StepEvent, StepState, Wait, next};
use crate::digest::Digest;
use crate::id::{RunId, StepPath};
use crate::reconcile::{Change, PlannedStep, UnitChange};

/// Makes a queued run of a change, a unit a line: `unit < units before it: step < steps before it, step keep`.
pub(super) fn run(change: &str) -> Run {
    let mut units = Vec::new();
    for line in change.lines().map(str::trim).filter(|line| !line.is_empty()) {
        let (head, steps) = line.split_once(':').unwrap();
        let (unit, before) = head.split_once('<').unwrap_or((head, ""));
        let steps = steps.split(',').map(str::trim).filter(|step| !step.is_empty());
        units.push(unit_change(
            unit.trim(),
            &before.split_whitespace().collect::<Vec<_>>(),
            &steps.map(|step| planned(unit.trim(), step)).collect::<Vec<_>>(),
        ));
    }
    run_of(&units)
}

/// Makes a queued run of units.
pub(super) fn run_of(units: &[UnitChange]) -> Run {
    let change: Change = serde_json::from_value(json!({
        "digest": Digest::of_bytes(b"change"), "service": "shop", "team": "web",
        "environment": null, "path": "services/web/shop.yaml", "priority": "normal",
        "units": units, "needs": [], "after": [],
    }))
    .unwrap();
    Run::new(RunId("run-1".into()), Arc::new(change), 1, "c0ffee".into(), Timestamp::UNIX_EPOCH)
}

/// Makes a unit of the service `shop`.
pub(super) fn unit_change(unit: &str, before: &[&str], steps: &[PlannedStep]) -> UnitChange {
    let digest = Digest::of_bytes(unit.as_bytes());
    let before: Vec<String> = before.iter().map(|unit| format!("shop/{unit}")).collect();
    serde_json::from_value(json!({
        "unit": format!("shop/{unit}"), "uid": null, "kind": "create", "from": null,
        "intent": digest, "definition_digest": digest, "source": digest, "fields": [],
        "depends_on": before, "steps": steps,
        "definition": {
            "item": "item", "version": "1.0.0", "mode": "automatic", "onFailure": "stop",
            "create": [], "update": null, "delete": null, "before": [], "after": [],
            "operations": {}, "outputs": {}, "metadata": {}, "immutable": [], "fields": [], "secretFields": [],
            "manual": [{"id": "by-hand", "type": "manual-task", "config": {"title": "{{failure.step}}"}}],
        },
        "inputs": {"fields": {}, "service": {}, "environment": {}},
        "state": "active", "deletion": "confirm", "requires": [],
    }))
    .unwrap()
}

/// Makes a step of a unit: `name [keep|no|maybe] [< steps before it]`.
pub(super) fn planned(unit: &str, text: &str) -> PlannedStep {
    let (head, before) = text.split_once('<').unwrap_or((text, ""));
    let mut words = head.split_whitespace();
    let name = words.next().unwrap();
    let flag = words.next();
    let path = |name: &str| StepPath(format!("{unit}/{name}"));
    let keep = flag == Some("keep");
    let when = flag.filter(|flag| *flag != "keep").unwrap_or("yes");
    serde_json::from_value(json!({
        "path": path(name), "effect": if keep { "keep" } else { "perform" }, "when": when,
        "depends_on": before.split_whitespace().map(path).collect::<Vec<_>>(),
        "action": {"id": name, "type": "notify"}, "config": {},
        "outputs": if keep { json!({"id": name}) } else { json!({}) },
    }))
    .unwrap()
}

/// Reads an event: `run started`, `db/create start 1`, `db/create retry 10`.
pub(super) fn event(text: &str) -> Event {
    let words: Vec<&str> = text.split_whitespace().collect();
    let (why, by, commit) = ("why".to_owned(), "ann".to_owned(), "beef".to_owned());
    if let ["run", what, rest @ ..] = &words[..] {
        let said = Said { by: "ann".into(), why: "why".into(), decision: 0 };
        let effect = || rest[0].parse().unwrap();
        let paths = |texts: &[&str]| texts.iter().map(|text| StepPath((*text).into())).collect();
        let event = match *what {
            "started" => RunEvent::Started,
            "succeeded" => RunEvent::Succeeded,
            "failed" => RunEvent::Failed { why },
            "unknown" => RunEvent::NeedsDecision { why },
            "superseded" => RunEvent::Superseded { commit },
            "parked" => RunEvent::Parked { why },
            "cancelled" => RunEvent::Cancelled { by, why },
            "paused" => RunEvent::Paused { said },
            "resumed" => RunEvent::Resumed { said },
            "retried" => RunEvent::Retried { said, effect: effect(), again: paths(&rest[1..]) },
            "redriven" => RunEvent::Redriven { said },
            "escalated" => RunEvent::Escalated { said, units: added(rest) },
            "back" => RunEvent::RollingBack { said, effect: effect(), units: added(&rest[1..]) },
            "rolled-back" => RunEvent::RolledBack,
            "hooked" => RunEvent::Hooked { why, units: added(rest) },
            _ => panic!("no run event {what}"),
        };
        return Event::Run { event };
    }
    let path = StepPath(words[0].to_owned());
    let key = words.get(3).copied().unwrap_or(words[0]).to_owned();
    let event = match words[1..] {
        ["ready"] => StepEvent::Ready,
        ["start", attempt] | ["start", attempt, _] => {
            let attempt = attempt.parse().unwrap();
            StepEvent::Started { attempt, key, sent: Digest::of_bytes(b"sent") }
        }
        ["done"] => {
            let outputs = Map::from_iter([("id".to_owned(), json!(path))]);
            StepEvent::Succeeded { result: json!({"made": path}), outputs }
        }
        ["wait", number] => {
            let what = format!("task {number}");
            let reference: Value = number.parse().unwrap();
            StepEvent::Waiting { on: Wait { on: "task".into(), reference, what } }
        }
        ["retry", seconds] => {
            let not_before = at(seconds.parse().unwrap());
            StepEvent::Retry { fault: Fault::transient("no answer"), not_before }
        }
        ["lost", seconds] => {
            let not_before = at(seconds.parse().unwrap());
            StepEvent::Unknown { fault: Fault::unknown("cut off"), not_before }
        }
        [word @ ("yes" | "no")] => {
            let said = Said { by, why, decision: 0 };
            StepEvent::Answered { said, happened: word == "yes", outputs: Map::new() }
        }
        ["fail"] => StepEvent::Failed { fault: Fault::terminal("refused") },
        ["unknown"] => StepEvent::NeedsDecision { fault: Fault::unknown("cut off") },
        ["skip"] => StepEvent::Skipped { why },
        ["cancel"] => StepEvent::Cancelled { why },
        _ => panic!("no step event {text}"),
    };
    Event::Step { path, event }
}

/// Steps that are added, one after the other: `db/a~undo`.
fn added(paths: &[&str]) -> Vec<Added> {
    let mut units: Vec<Added> = Vec::new();
    let mut before: Option<StepPath> = None;
    for path in paths {
        let (unit, name) = path.split_once('/').unwrap();
        let mut step = planned(unit, name);
        step.depends_on = before.into_iter().collect();
        before = Some(step.path.clone());
        units.push(Added { unit: format!("shop/{unit}").parse().unwrap(), steps: vec![step] });
    }
    units
}

/// Returns a moment.
pub(super) fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).unwrap()
}

/// Tells a story: events, and `next 10` for what follows at second 10, applied at once.
/// Returns a line for every refusal and every `next`, and one for how the run stands at the end.
pub(super) fn tell(change: &str, script: &str) -> String {
    let mut run = run(change);
    let mut told = String::new();
    for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
        if let Some(seconds) = line.strip_prefix("next") {
            let next = next(&run, at(seconds.trim().parse().unwrap_or(0)));
            told.push_str("next");
            for event in &next.events {
                run.apply(event).unwrap();
                told.push_str(&short(event));
            }
            for path in next.start {
                write!(told, " | start {path}").unwrap();
            }
            if let Some(wake_at) = next.wake_at {
                write!(told, " | wake at {}", wake_at.as_second()).unwrap();
            }
            told.push('\n');
        } else if let Err(error) = run.apply(&event(line)) {
            writeln!(told, "{error}").unwrap();
        }
    }
    told + &stands(&run)
}

fn short(event: &Event) -> String {
    match event {
        Event::Run { event: RunEvent::Failed { why } | RunEvent::NeedsDecision { why } } => {
            format!(" | run ends: {why}")
        }
        Event::Run { event } => format!(" | run {event}"),
        Event::Step { path, event } => format!(" | {path} {event}"),
    }
}

/// Returns how a run stands: its state, and that of each step with its attempts.
pub(super) fn stands(run: &Run) -> String {
    let mut line = format!("{}:", run.state);
    for (path, progress) in &run.steps {
        write!(line, " {path}={}", progress.state).unwrap();
        if progress.by_hand {
            line.push('!');
        }
        if let StepState::Ready { not_before: Some(not_before) }
        | StepState::Unknown { not_before } = progress.state
        {
            write!(line, "@{}", not_before.as_second()).unwrap();
        }
        if progress.attempts > 0 {
            write!(line, "#{}", progress.attempts).unwrap();
        }
    }
    line
}

/// Checks what a story tells.
#[track_caller]
pub(super) fn check(change: &str, script: &str, expected: &str) {
    let expected: Vec<&str> = expected.lines().map(str::trim).filter(|l| !l.is_empty()).collect();
    assert_eq!(tell(change, script), expected.join("\n"));
}
