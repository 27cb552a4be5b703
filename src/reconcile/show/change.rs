//! One change as lines: what it is, the fields and files that differ, the steps that get there.

use serde_json::Value;

use super::compare::compare;
use super::line::{Line, Tone, sign_tone};
use super::reasons::{self, count};
use super::values::{cut, lines, literal};
use crate::reconcile::change::{
    Change, ChangeKind, Effect, FieldChange, PlannedStep, UnitChange, When,
};
use crate::reconcile::plan::Plan;
use crate::secret::MASK;

/// Shows a change of a plan, and why it does not start yet.
pub(super) fn lines_of(plan: &Plan, change: &Change, width: usize) -> Vec<Line> {
    let mut shown = vec![header(change)];
    let several = !is_lone(change);
    for unit in &change.units {
        let indent = if several { 4 } else { 2 };
        if several {
            shown.push(unit_header(unit, 2));
        }
        for field in &unit.fields {
            shown.extend(field_lines(unit, field, (indent, width)));
        }
        shown.extend(step_lines(unit, indent));
    }
    if !change.after.is_empty() {
        let after = format!("starts after {}", change.after.join(", "));
        shown.push(Line::plain(2, Tone::Faint, after));
    }
    for why in reasons::pending(plan, change) {
        shown.push(Line::plain(2, Tone::Alert, why));
    }
    let digest = format!("change {}", change.digest.short());
    shown.push(Line::plain(2, Tone::Faint, digest));
    shown
}

/// Tells whether a change is of one unit that bears the service's own name.
fn is_lone(change: &Change) -> bool {
    matches!(change.units.as_slice(), [unit] if unit.unit.component.is_none())
}

fn header(change: &Change) -> Line {
    let kind = change.kind();
    let mut about = Vec::new();
    match change.units.as_slice() {
        [unit] if unit.unit.component.is_none() => about.push(item(unit)),
        units => about.push(count(units.len(), "component")),
    }
    about.extend(change.environment.clone());
    about.extend(Some(format!("team {}", change.team)).filter(|_| !change.team.is_empty()));
    let line = title(0, kind, (&change.service, &about));
    match change.units.as_slice() {
        [unit] if unit.unit.component.is_none() => with_state(line, unit),
        _ => line,
    }
}

fn unit_header(unit: &UnitChange, indent: usize) -> Line {
    with_state(title(indent, unit.kind, (&unit.unit.to_string(), &[item(unit)])), unit)
}

fn item(unit: &UnitChange) -> String {
    format!("item {} {}", unit.definition.item, unit.definition.version)
}

fn title(indent: usize, kind: ChangeKind, (name, about): (&str, &[String])) -> Line {
    Line::signed(indent, kind.sign())
        .with(sign_tone(kind.sign()), format!("{kind} "))
        .with(Tone::Strong, name)
        .with(Tone::Faint, format!("  ({})", about.join(", ")))
}

fn with_state(line: Line, unit: &UnitChange) -> Line {
    match unit.kind {
        ChangeKind::Operate if unit.due.is_some() => {
            let due =
                unit.due.as_ref().map(|due| format!("  {}, due {}", due.operation, due.fired.slot));
            line.with(Tone::Changed, due.unwrap_or_default())
        }
        ChangeKind::Operate => line.with(Tone::Changed, format!("  → {}", unit.state)),
        _ => line,
    }
}

/// A field that changes: on one line where it fits, else line by line.
fn field_lines(
    unit: &UnitChange,
    field: &FieldChange,
    (indent, width): (usize, usize),
) -> Vec<Line> {
    let hidden = unit.definition.secret_fields.contains(&field.name);
    let (before, after) = (side(field.before.as_ref(), hidden), side(field.after.as_ref(), hidden));
    let (sign, value) = match (&before, &after) {
        (None, Some(after)) => ("+", literal(after)),
        (Some(before), None) => ("-", literal(before)),
        (Some(before), Some(after)) => ("~", both(before, after)),
        (None, None) => return Vec::new(),
    };
    let tone = sign_tone(sign);
    let is_forced = field.immutable && unit.kind == ChangeKind::Replace;
    let forces = if is_forced { "  (forces replacement)" } else { "" };
    let name = format!("{}:", field.name);
    let fits = name.len() + value.len() + indent + 4 <= width.max(40);
    let long = |value: &Option<Value>| value.as_ref().is_some_and(|value| lines(value).len() > 1);
    if fits && !long(&before) && !long(&after) {
        let line =
            Line::signed(indent, sign).with(tone, name).with(Tone::Plain, format!(" {value}"));
        return vec![line.with(Tone::Alert, forces)];
    }
    let mut shown = vec![Line::signed(indent, sign).with(tone, name).with(Tone::Alert, forces)];
    let of = |value: Option<Value>| value.as_ref().map(lines).unwrap_or_default();
    shown.extend(compare(&of(before), &of(after), indent + 4));
    shown
}

fn side(value: Option<&Value>, hidden: bool) -> Option<Value> {
    value.map(|value| if hidden { hidden_value() } else { value.clone() })
}

/// Whatever stands in a field that names a secret, it is never shown.
fn hidden_value() -> Value {
    Value::String(crate::template::sensitive("field"))
}

fn both(before: &Value, after: &Value) -> String {
    let (old, new) = (literal(before), literal(after));
    if old == new && old.contains(MASK) {
        return format!("{old} → {new}, which differs");
    }
    format!("{old} → {new}")
}

/// The steps of a unit; those that are kept or left out are only counted.
fn step_lines(unit: &UnitChange, indent: usize) -> Vec<Line> {
    let quiet = |step: &&PlannedStep| step.effect == Effect::Keep || step.when == When::No;
    let shown: Vec<&PlannedStep> = unit.steps.iter().filter(|step| !quiet(step)).collect();
    let widest = |text: fn(&PlannedStep) -> usize| shown.iter().map(|step| text(step)).max();
    let path = widest(|step| step.path.0.chars().count()).unwrap_or(0);
    let kind = widest(|step| step.action.kind.chars().count()).unwrap_or(0);
    let mut lines = Vec::new();
    for step in &shown {
        lines.push(step_line(step, indent, (path, kind)));
        lines.extend(config_lines(step, indent + 4));
        lines.extend(forecast_lines(step, indent + 4));
    }
    let kept = unit.steps.iter().filter(|step| step.effect == Effect::Keep).count();
    let left_out = unit.steps.iter().filter(quiet).count() - kept;
    if kept > 0 {
        lines.push(Line::plain(indent, Tone::Faint, format!("{} kept", count(kept, "step"))));
    }
    if left_out > 0 {
        let text = format!("{} left out, by `when`", count(left_out, "step"));
        lines.push(Line::plain(indent, Tone::Faint, text));
    }
    lines
}

fn step_line(step: &PlannedStep, indent: usize, (path, kind): (usize, usize)) -> Line {
    let sign = match (step.effect, &step.previous) {
        (Effect::Undo | Effect::UndoByHand, _) => "-",
        (Effect::Adopt, _) => "=",
        (_, Some(_)) => "~",
        (_, None) => "+",
    };
    let mut words = Vec::new();
    match step.effect {
        Effect::Undo => words.push("(undo)"),
        Effect::UndoByHand => words.push("(undo, by hand)"),
        Effect::Restore => words.push("(restore)"),
        Effect::Perform if step.previous.as_ref() == Some(&step.config) => words.push("(again)"),
        Effect::Adopt => words.push("(only looked at)"),
        Effect::Perform | Effect::Keep => {}
    }
    if step.when == When::Maybe {
        words.push("(maybe)");
    }
    let line = Line::signed(indent, sign)
        .with(sign_tone(sign), format!("{:path$}", step.path.0))
        .with(Tone::Faint, format!("  {:kind$}", step.action.kind))
        .with(Tone::Plain, target(step).map_or_else(String::new, |target| format!("  {target}")));
    words.into_iter().fold(line, |line, word| line.with(Tone::Alert, format!("  {word}")))
}

/// What a step works on, in a few words, whatever its type.
fn target(step: &PlannedStep) -> Option<String> {
    let text = |pointer: &str| step.config.pointer(pointer).and_then(Value::as_str);
    let url = text("/endpoint/url").or_else(|| text("/url"));
    let found = match (url, text("/repository")) {
        (Some(url), _) => {
            let method = text("/endpoint/method").or_else(|| text("/method"));
            match method.filter(|_| step.effect == Effect::Perform) {
                Some(method) => format!("{method} {url}"),
                None => url.to_owned(),
            }
        }
        (None, Some(repository)) => match text("/files/0/path") {
            Some(path) => format!("{repository} {path}{}", more_files(step)),
            None => repository.to_owned(),
        },
        (None, None) => {
            ["/title", "/channel", "/subject", "/message"].into_iter().find_map(text)?.to_owned()
        }
    };
    Some(cut(&found, 160))
}

fn more_files(step: &PlannedStep) -> String {
    match step.config.pointer("/files").and_then(Value::as_array).map_or(0, Vec::len) {
        0 | 1 => String::new(),
        files => format!(" and {}", count(files - 1, "other")),
    }
}

/// What the program of a step says that it would bring about.
fn forecast_lines(step: &PlannedStep, indent: usize) -> Vec<Line> {
    let kind = &step.action.kind;
    let is_late = step.effect == Effect::Perform && crate::kinds::forecasts(kind, &step.config);
    let Some(forecast) = step.forecast.as_ref() else {
        if !is_late {
            return Vec::new();
        }
        let known = !crate::template::has_unknown(&step.config.to_string());
        let when = if known { "planned after the merge" } else { "known after apply" };
        return vec![Line::plain(indent, Tone::Faint, format!("{kind}: ({when})"))];
    };
    let mut shown =
        vec![Line::plain(indent, Tone::Strong, format!("{kind}: {}", forecast.summary))];
    shown.extend(forecast.lines.iter().map(|line| {
        let sign = line.split(' ').next().unwrap_or_default();
        Line::plain(indent + 2, sign_tone(sign), line.clone())
    }));
    shown
}

/// What a step sends or writes, against what it did the last time.
fn config_lines(step: &PlannedStep, indent: usize) -> Vec<Line> {
    if step.effect != Effect::Perform || step.previous.as_ref() == Some(&step.config) {
        return Vec::new();
    }
    let before = step.previous.as_ref().map(lines).unwrap_or_default();
    let after = match &step.config {
        Value::Null => Vec::new(),
        config => lines(config),
    };
    let compared = compare(&before, &after, indent);
    if compared.is_empty() && step.previous.is_some() {
        let text = "differs only in what is not shown here";
        return vec![Line::plain(indent, Tone::Faint, text)];
    }
    compared
}
