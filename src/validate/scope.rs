//! What the templates of each place may refer to, and which output is known where. It renders nothing.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::rc::Rc;
use std::sync::Arc;

use serde_json::{Map, Value, json};

use super::texts::ActionList;
use super::wrong::Wrong;
use crate::catalog::{Action, Bundle, FieldType, Form, Item, Mode, OnFailure};
use crate::kinds::{ActionKind, Reversal};

/// Outputs by action; nothing where the type of the action is unknown, so that any name may be one.
type Outputs<'a> = BTreeMap<&'a str, Option<Rc<BTreeSet<String>>>>;

/// The outputs of all actions of an item.
pub(super) type OutputsOf = HashMap<*const Action, Option<Rc<BTreeSet<String>>>>;

/// What the place of targets is called.
const TARGETS: &str = "the targets of an item";

/// What the templates of one place may refer to.
#[derive(Clone, Debug)]
pub(super) struct Names<'a> {
    /// What the place is called.
    place: &'static str,
    form: &'a Form,
    /// Roots with fixed members; `null` stands for members that nobody can list.
    fixed: Arc<Map<String, Value>>,
    /// Outputs that are known, and the actions whose outputs will be known only later.
    outputs: Option<(Outputs<'a>, BTreeSet<&'a str>)>,
    /// The action that it is about, whose own outputs are not known yet.
    own: &'a str,
    /// Roots that any member may follow.
    open: &'static [&'static str],
}

impl<'a> Names<'a> {
    /// What the actions of a list see, one by one.
    pub(super) fn of_action(
        (item, fixed): (&'a Item, &Arc<Map<String, Value>>),
        list: &ActionList<'a>,
        index: usize,
        all: &OutputsOf,
    ) -> Self {
        let earlier = ancestors(list.actions, index);
        let before = &item.fulfillment.hooks.before;
        let mut known: Vec<&Action> = match list.pointer {
            "/fulfillment/hooks/before" => Vec::new(),
            "/fulfillment/hooks/after" | "/fulfillment/hooks/onFailure" => {
                before.iter().chain(active(item)).collect()
            }
            _ => before.iter().collect(),
        };
        known.extend(
            list.actions.iter().enumerate().filter(|(at, _)| earlier.contains(at)).map(|(_, a)| a),
        );
        let later = list.actions.iter().map(|action| action.id.as_str()).collect();
        let escalated = item.fulfillment.strategy.on_failure == OnFailure::Manual
            && list.pointer == "/fulfillment/manual/actions";
        let open: &[&str] = match list.pointer {
            "/fulfillment/hooks/onFailure" => &["failure", "environment"],
            _ if escalated => &["failure", "environment"],
            _ => &["environment"],
        };
        Self {
            place: "an action of an item",
            form: &item.presentation.form,
            fixed: fixed.clone(),
            outputs: Some((
                known.into_iter().map(|action| outputs_in(all, action)).collect(),
                later,
            )),
            own: list.actions.get(index).map_or("", |action| &action.id),
            open,
        }
    }

    /// What an action sees where it has already answered: `observe`, `delete`, `verify`.
    pub(super) fn with_own(mut self, action: &'a Action, all: &OutputsOf) -> Self {
        if let Some((known, _)) = &mut self.outputs {
            known.extend([outputs_in(all, action)]);
        }
        self
    }

    /// What the outputs and the health of an item see.
    pub(super) fn of_item_outputs(item: &'a Item, of_item: &Map<String, Value>) -> Self {
        Self {
            place: "an output of an item",
            form: &item.presentation.form,
            fixed: Arc::new(of_item.clone()),
            outputs: None,
            own: "",
            open: &["environment", "outputs"],
        }
    }

    /// What the targets of an item see: nothing that whoever asks for a service can choose freely.
    pub(super) fn of_targets(item: &'a Item, of_item: &Map<String, Value>) -> Self {
        let mut fixed = of_item.clone();
        fixed.insert("service".to_owned(), json!({"id": "", "team": "", "environment": ""}));
        Self {
            place: TARGETS,
            form: &item.presentation.form,
            fixed: Arc::new(fixed),
            outputs: None,
            own: "",
            open: &["environment"],
        }
    }

    /// What the `config` of a component sees.
    pub(super) fn of_config(bundle: &'a Bundle) -> Self {
        Self {
            place: "the `config` of a component",
            form: &bundle.presentation.form,
            fixed: Arc::new(Map::from_iter([("service".to_owned(), service())])),
            outputs: None,
            own: "",
            open: &["environment", "components", "services"],
        }
    }

    /// What the outputs of a bundle see.
    pub(super) fn of_bundle_outputs(bundle: &'a Bundle) -> Self {
        Self {
            place: "an output of a bundle",
            form: &bundle.presentation.form,
            fixed: Arc::default(),
            outputs: None,
            own: "",
            open: &["components"],
        }
    }

    fn has_fields(&self) -> bool {
        !self.fixed.is_empty() && self.place != TARGETS
    }

    /// Says what is wrong with a path; nothing where it may have a value.
    pub(super) fn wrong(&self, path: &[String], optional: bool) -> Option<Wrong> {
        let (root, rest) = path.split_first()?;
        match root.as_str() {
            root if self.open.contains(&root) => None,
            "fields" if self.has_fields() => wrong_field(self.form, rest),
            "secrets" if self.fixed.contains_key("secrets") => wrong_secret(rest),
            "outputs" if self.outputs.is_some() => self.wrong_output(rest),
            _ => match self.fixed.get(root) {
                Some(members) if !optional => wrong_member(members, root, rest),
                Some(_) => None,
                None => Some(self.wrong_root(root)),
            },
        }
    }

    fn roots(&self) -> Vec<&str> {
        let own = [("fields", self.has_fields()), ("outputs", self.outputs.is_some())];
        let own = own.into_iter().filter(|(_, there)| *there).map(|(root, _)| root);
        let mut roots: Vec<&str> = own
            .chain(self.fixed.keys().map(String::as_str))
            .chain(self.open.iter().copied())
            .collect();
        roots.sort_unstable();
        roots
    }

    fn wrong_root(&self, root: &str) -> Wrong {
        let roots = self.roots();
        if crate::template::ROOTS.contains(&root) {
            let hint = match root {
                "services" => "write one lone reference to it in a field of the service".to_owned(),
                "components" => "components are known in bundles only".to_owned(),
                _ => format!("known here: {}", listed(&roots)),
            };
            return Wrong::new(format!("`{root}` is not known in {}", self.place)).hint(hint);
        }
        let field = self.has_fields() && self.form.field(root).is_some();
        let known = || format!("known here: {}", listed(&roots));
        let wrong = Wrong::new(format!("there is no variable `{root}`"));
        match field {
            true => wrong.hint(format!("write `fields.{root}`")),
            false => wrong.near(root, roots.iter().copied()).or_hint(known),
        }
    }

    fn wrong_output(&self, rest: &[String]) -> Option<Wrong> {
        let (known, later) = self.outputs.as_ref()?;
        let (action, rest) = rest.split_first()?;
        let Some(names) = known.get(action.as_str()) else {
            if action == self.own {
                let hint = "its own outputs are known in `observe`, `delete` and `verify`";
                return Some(
                    Wrong::new(format!("`{action}` has no outputs here: it has not run yet"))
                        .hint(hint),
                );
            }
            if later.contains(action.as_str()) {
                let message = format!("action `{action}` is not done before this one");
                let hint = format!(
                    "move `{action}` above this action; where `dependsOn` stands here, name it there"
                );
                return Some(Wrong::new(message).hint(hint));
            }
            let wrong = Wrong::new(format!("no action `{action}` is done before this one"));
            let names: Vec<&str> = known.keys().copied().collect();
            return Some(wrong.near(action, names.iter().copied()).or_hint(|| match &names[..] {
                [] => "outputs are known of actions that are done before it; none is".to_owned(),
                names => format!("done before it: {}", listed(names)),
            }));
        };
        let (names, name) = (names.as_ref()?, rest.first()?);
        if names.contains(name) {
            return None;
        }
        let wrong = Wrong::new(format!("action `{action}` has no output `{name}`"));
        Some(wrong.near(name, names.iter().map(String::as_str)).or_hint(|| {
            format!("map it under `outputs` of `{action}`: `{name}: /pointer/into/its/result`")
        }))
    }
}

/// Returns the roots with fixed members that all actions of an item see.
pub(super) fn of_actions(of_item: &Map<String, Value>) -> Arc<Map<String, Value>> {
    let mut fixed = of_item.clone();
    fixed.insert(
        "request".to_owned(),
        json!({
            "id": "", "operation": "", "commit": "", "correlationId": "",
            "user": {"name": "", "email": "", "teams": []},
        }),
    );
    fixed.insert(
        "system".to_owned(),
        json!({"date": "", "time": "", "timestamp": "", "uuid": "", "shortId": ""}),
    );
    fixed.insert("secrets".to_owned(), Value::Null);
    Arc::new(fixed)
}

/// Returns the roots with fixed members that every place of an item sees.
pub(super) fn of_item(item: &Item) -> Map<String, Value> {
    let mut metadata = serde_json::to_value(&item.metadata).unwrap_or_default();
    if let Value::Object(map) = &mut metadata {
        map.retain(|_, value| !value.is_null());
        for (name, value) in &item.metadata.constants {
            map.entry(name.clone()).or_insert_with(|| value.clone());
        }
    }
    Map::from_iter([("metadata".to_owned(), metadata), ("service".to_owned(), service())])
}

fn service() -> Value {
    json!({"id": "", "name": "", "team": "", "environment": "", "description": "", "labels": null})
}

fn wrong_field(form: &Form, rest: &[String]) -> Option<Wrong> {
    let (id, more) = rest.split_first()?;
    let Some(field) = form.field(id) else {
        let known: Vec<&str> = form.fields().map(|field| field.id.as_str()).collect();
        let wrong = Wrong::new(format!("the form has no field `{id}`"));
        return Some(wrong.near(id, known.iter().copied()).or_hint(|| {
            if known.is_empty() {
                return "it has no fields at all".to_owned();
            }
            format!("its fields: {}", listed(&known))
        }));
    };
    let parts = matches!(field.kind, FieldType::File | FieldType::Multiselect);
    (!parts && !more.is_empty()).then(|| {
        let message = format!("field `{id}` is a {} and has no parts", field.kind.word());
        Wrong::new(message).hint(format!("write `fields.{id}`"))
    })
}

fn wrong_secret(rest: &[String]) -> Option<Wrong> {
    let name = rest.first()?;
    let named = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
    let right = rest.len() == 1
        && name.starts_with(|c: char| c.is_ascii_uppercase())
        && name.chars().all(named);
    (!right).then(|| {
        let hint = "write capital letters, digits and underscores: `secrets.API_TOKEN`";
        Wrong::new(format!("`secrets.{}` is not the name of a secret", rest.join("."))).hint(hint)
    })
}

/// Follows a path through members that are all known; `null` and lists may hold anything.
fn wrong_member(members: &Value, root: &str, rest: &[String]) -> Option<Wrong> {
    let (mut at, mut path) = (members, root.to_owned());
    for part in rest {
        let below = match at {
            Value::Null | Value::Array(_) => return None,
            Value::Object(map) => map.get(part),
            _ => None,
        };
        let Some(below) = below else {
            let known: Vec<&str> =
                at.as_object().into_iter().flatten().map(|(key, _)| key.as_str()).collect();
            let wrong = Wrong::new(format!("`{path}` has no `{part}`"));
            return Some(wrong.near(part, known.iter().copied()).or_hint(|| match &known[..] {
                [] => format!("write `{path}`, which has no parts"),
                known => format!("known here: {}", listed(known)),
            }));
        };
        path = format!("{path}.{part}");
        at = below;
    }
    None
}

pub(super) fn listed(words: &[&str]) -> String {
    let shown: Vec<String> = words.iter().take(12).map(|word| format!("`{word}`")).collect();
    let more = words.len().saturating_sub(12);
    if more > 0 { format!("{} and {more} more", shown.join(", ")) } else { shown.join(", ") }
}

/// Returns the actions whose outputs the item's own outputs are made of.
pub(super) fn active(item: &Item) -> &[Action] {
    let fulfillment = &item.fulfillment;
    match (fulfillment.strategy.mode, &fulfillment.automatic) {
        (Mode::Automatic, Some(automatic)) => &automatic.actions,
        _ => &fulfillment.manual.actions,
    }
}

fn outputs_in<'a>(all: &OutputsOf, action: &'a Action) -> (&'a str, Option<Rc<BTreeSet<String>>>) {
    (&action.id, all.get(&std::ptr::from_ref(action)).cloned().flatten())
}

/// Returns the outputs that an action has: mapped by its author, or offered by its type.
pub(super) fn outputs_with(
    action: &Action,
    kind: Option<&ActionKind>,
    config: &Value,
) -> Option<BTreeSet<String>> {
    let mut names: BTreeSet<String> = action.outputs.keys().cloned().collect();
    names.extend((kind?.outputs)(config));
    Some(names)
}

/// Tells whether an action has answered where a text of it is rendered; the pointer is relative to the action.
pub(super) fn has_answered(kind: Option<&ActionKind>, pointer: &str) -> bool {
    let below = |part: &str| pointer.strip_prefix(part).is_some_and(|rest| rest.starts_with('/'));
    let in_config = |part: &str| below(&format!("/config{part}"));
    let reversed = match kind.map(|kind| kind.reversal) {
        Some(Reversal::Configured(part)) => in_config(part),
        _ => false,
    };
    reversed
        || below("/verify")
        || below("/rollback")
        || kind.and_then(|kind| kind.observable).is_some_and(in_config)
}

/// Returns the positions of all actions that are done before one.
pub(super) fn ancestors(actions: &[Action], index: usize) -> BTreeSet<usize> {
    let mut found = BTreeSet::new();
    let mut open = vec![index];
    while let Some(at) = open.pop() {
        for before in directly_before(actions, at) {
            if found.insert(before) {
                open.push(before);
            }
        }
    }
    found
}

/// Returns the positions of the actions that one names as before it, or the one above.
pub(super) fn directly_before(actions: &[Action], index: usize) -> Vec<usize> {
    let position = |id: &String| actions.iter().position(|action| action.id == *id);
    match actions.get(index).map(|action| &action.depends_on) {
        Some(Some(named)) => named.iter().filter_map(position).collect(),
        Some(None) => index.checked_sub(1).into_iter().collect(),
        None => Vec::new(),
    }
}
