//! What a saved plan would change, in a normal form: no moments, no order of chance, nothing sensitive. It reads the
//! plan's JSON and runs nothing.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::config::SENSITIVE;
use crate::action::scrub::Scrub;
use crate::secret::MASK;

/// The most lines that are shown.
const MAX_LINES: usize = 400;
/// The longest value that is shown, in bytes.
const MAX_VALUE: usize = 300;

/// What would change.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Changes(BTreeMap<String, Change>);

/// What would become of one resource or output.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Change {
    actions: Vec<String>,
    attributes: BTreeMap<String, Attribute>,
}

/// What would become of one attribute.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Attribute {
    pub(super) before: Option<Value>,
    pub(super) after: Option<Value>,
    /// It is known after apply.
    unknown: bool,
}

impl Changes {
    /// Reads a list of the plan: `resource_changes` or `resource_drift`.
    pub(super) fn of(plan: &Value, list: &str, scrub: &Scrub) -> Self {
        let resources = plan.get(list).and_then(Value::as_array);
        let changes = resources.into_iter().flatten().filter_map(|resource| {
            let address = resource.get("address")?.as_str()?;
            let deposed = resource.get("deposed").and_then(Value::as_str);
            let name =
                deposed.map_or_else(|| address.to_owned(), |key| format!("{address} ({key})"));
            Some((scrub.text(&name), Change::of(resource.get("change")?, scrub)?))
        });
        Self(changes.collect())
    }

    /// Reads everything that a plan would change.
    pub(super) fn of_plan(plan: &Value, scrub: &Scrub) -> Self {
        let mut changes = Self::of(plan, "resource_changes", scrub);
        let outputs = plan.get("output_changes").and_then(Value::as_object);
        for (name, change) in outputs.into_iter().flatten() {
            if name.starts_with(SENSITIVE) {
                continue;
            }
            if let Some(change) = Change::of_output(change, scrub) {
                changes.0.insert(format!("output {}", scrub.text(name)), change);
            }
        }
        changes
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns every attribute that would change, by `address.attribute`.
    pub(super) fn attributes(&self) -> impl Iterator<Item = (String, &Attribute)> {
        self.0.iter().flat_map(|(address, change)| {
            change
                .attributes
                .iter()
                .map(move |(name, attribute)| (format!("{address}{name}"), attribute))
        })
    }

    /// Tells whether all this was in what was approved: what was unknown then may be known by now.
    pub(super) fn is_part_of(&self, approved: &Self) -> bool {
        self.0.iter().all(|(name, change)| {
            approved.0.get(name).is_some_and(|known| change.is_part_of(known))
        })
    }

    /// Says in one line how much it is.
    pub(super) fn summary(&self) -> String {
        let [mut add, mut change, mut destroy, mut outputs] = [0; 4];
        for (name, one) in &self.0 {
            if name.starts_with("output ") {
                outputs += 1;
                continue;
            }
            for action in &one.actions {
                match action.as_str() {
                    "create" => add += 1,
                    "update" => change += 1,
                    "delete" => destroy += 1,
                    _ => {}
                }
            }
        }
        if self.is_empty() {
            return "no changes".to_owned();
        }
        let counted = format!("{add} to add, {change} to change, {destroy} to destroy");
        match outputs {
            0 => counted,
            1 => format!("{counted}, 1 output changes"),
            more => format!("{counted}, {more} outputs change"),
        }
    }

    /// Says what changes, line by line, as much as a person reads.
    pub(super) fn lines(&self) -> Vec<String> {
        let mut lines = Vec::new();
        for (name, change) in &self.0 {
            lines.push(format!("{} {}{}", change.sign(), plain(name), change.remark()));
            for (name, attribute) in &change.attributes {
                let name = plain(&name.trim_start_matches('/').replace('/', "."));
                let lead = if name.is_empty() { String::new() } else { format!("{name}: ") };
                lines.push(format!("    {lead}{}", attribute.shown()));
            }
        }
        if lines.len() > MAX_LINES {
            let more = lines.len() - MAX_LINES;
            lines.truncate(MAX_LINES);
            lines.push(format!("… {more} more lines"));
        }
        lines
    }
}

impl Change {
    fn of(change: &Value, scrub: &Scrub) -> Option<Self> {
        let actions: Vec<String> = Deserialize::deserialize(change.get("actions")?).ok()?;
        if actions.iter().all(|action| action == "no-op") {
            return None;
        }
        let mut attributes = BTreeMap::new();
        if actions != ["delete"] && actions != ["forget"] {
            Side::of(change).compare(&mut String::new(), &mut attributes, scrub);
        }
        Some(Self { actions, attributes })
    }

    /// An output that is only named by what it is made of, and so does not change by itself, is left out.
    fn of_output(change: &Value, scrub: &Scrub) -> Option<Self> {
        let actions: Vec<String> = Deserialize::deserialize(change.get("actions")?).ok()?;
        if actions.iter().all(|action| action == "no-op") {
            return None;
        }
        let attribute = Side::of(change).whole(scrub);
        Some(Self { actions, attributes: BTreeMap::from([(String::new(), attribute)]) })
    }

    fn is_part_of(&self, known: &Self) -> bool {
        // What was to be made and was cut off half-way is made once more.
        let again = known.actions == ["create"] && self.actions == ["delete", "create"];
        let same = |known: &Attribute, now: &Attribute| {
            (known.after == now.after && known.unknown == now.unknown)
                && (again || known.before == now.before)
        };
        let part = |(name, now): (&String, &Attribute)| {
            // What was unknown as a whole may have parts by now.
            let whole = |lead: &str| known.attributes.get(lead).is_some_and(|known| known.unknown);
            let mut above = name.match_indices('/').filter_map(|(end, _)| name.get(..end));
            known.attributes.get(name).is_some_and(|known| same(known, now))
                || whole(name)
                || above.any(whole)
        };
        (again || self.actions == known.actions) && self.attributes.iter().all(part)
    }

    fn sign(&self) -> &'static str {
        match self.actions.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["create"] => "+",
            ["delete" | "forget"] => "-",
            ["update"] => "~",
            ["read"] => "=",
            _ => "-/+",
        }
    }

    fn remark(&self) -> &'static str {
        match self.actions.first().map(String::as_str) {
            Some("read") => "  (is read)",
            Some("forget") => "  (is forgotten, and stays outside)",
            _ => "",
        }
    }
}

impl Attribute {
    fn shown(&self) -> String {
        let after =
            if self.unknown { "(known after apply)".to_owned() } else { text(self.after.as_ref()) };
        match &self.before {
            None => after,
            Some(_) => format!("{} → {after}", text(self.before.as_ref())),
        }
    }
}

/// Writes a name so that it acts on no terminal, and not without an end.
fn plain(name: &str) -> String {
    let short = name.get(..name.floor_char_boundary(MAX_VALUE)).unwrap_or_default();
    let shown = short.chars().map(|c| match c {
        c if c.is_control() => c.escape_default().to_string(),
        c => c.to_string(),
    });
    shown.collect()
}

fn text(value: Option<&Value>) -> String {
    let text = match value {
        None => "null".to_owned(),
        Some(Value::String(mask)) if mask == MASK => mask.clone(),
        Some(value) => value.to_string(),
    };
    match text.get(..text.floor_char_boundary(MAX_VALUE)) {
        Some(start) if start.len() < text.len() => format!("{start}…"),
        _ => text,
    }
}

/// A value before and after, with what of it is unknown and what is sensitive.
#[derive(Clone, Copy)]
struct Side<'a> {
    before: &'a Value,
    after: &'a Value,
    unknown: &'a Value,
    hidden: [&'a Value; 2],
}

impl<'a> Side<'a> {
    fn of(change: &'a Value) -> Self {
        let part = |name: &str| change.get(name).unwrap_or(&Value::Null);
        Self {
            before: part("before"),
            after: part("after"),
            unknown: part("after_unknown"),
            hidden: [part("before_sensitive"), part("after_sensitive")],
        }
    }

    fn below(self, key: &str) -> Self {
        fn part<'v>(value: &'v Value, key: &str) -> &'v Value {
            match value {
                Value::Bool(_) => value,
                _ => value.get(key).unwrap_or(&Value::Null),
            }
        }
        Self {
            before: part(self.before, key),
            after: part(self.after, key),
            unknown: part(self.unknown, key),
            hidden: self.hidden.map(|hidden| part(hidden, key)),
        }
    }

    /// Notes what differs, as deep as objects go.
    fn compare(self, path: &mut String, into: &mut BTreeMap<String, Attribute>, scrub: &Scrub) {
        let empty = Map::new();
        let object = |value: &'a Value| match value {
            Value::Object(map) => Some(map),
            _ => None,
        };
        let is_scalar = |value: &Value| !value.is_object() && !value.is_null();
        let parts = [object(self.before), object(self.after), object(self.unknown)];
        if parts.iter().all(Option::is_none) || is_scalar(self.before) || is_scalar(self.after) {
            let unknown = self.is_unknown();
            if unknown || self.before != self.after {
                into.insert(path.clone(), self.whole(scrub));
            }
            return;
        }
        let keys = parts.iter().flat_map(|part| part.unwrap_or(&empty).keys());
        let keys: std::collections::BTreeSet<&String> = keys.collect();
        for key in keys {
            let length = path.len();
            path.push('/');
            path.push_str(&scrub.text(key));
            self.below(key).compare(path, into, scrub);
            path.truncate(length);
        }
    }

    fn is_unknown(self) -> bool {
        match self.unknown {
            Value::Bool(unknown) => *unknown,
            Value::Array(items) => items.iter().any(|item| item.to_string().contains("true")),
            _ => false,
        }
    }

    fn whole(self, scrub: &Scrub) -> Attribute {
        let [before, after] = self.hidden;
        let seen = |value: &Value, hidden: &Value| {
            (!value.is_null()).then(|| scrub.value(&masked(value, hidden)))
        };
        Attribute {
            before: seen(self.before, before),
            after: seen(self.after, after),
            unknown: self.is_unknown(),
        }
    }
}

/// Masks those parts of a value that are sensitive.
fn masked(value: &Value, hidden: &Value) -> Value {
    match (value, hidden) {
        (_, Value::Bool(true)) => Value::String(MASK.to_owned()),
        (Value::Object(map), Value::Object(hidden)) => {
            let of = |name: &String| hidden.get(name).unwrap_or(&Value::Null);
            Value::Object(
                map.iter().map(|(name, value)| (name.clone(), masked(value, of(name)))).collect(),
            )
        }
        (Value::Array(items), Value::Array(hidden)) => {
            let of = |index: usize| hidden.get(index).unwrap_or(&Value::Null);
            items.iter().enumerate().map(|(index, value)| masked(value, of(index))).collect()
        }
        _ => value.clone(),
    }
}
