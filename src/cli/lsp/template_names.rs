//! The names that a template may write at a place, and where they come from. It renders and checks nothing.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::outline::{Shape, Step, words};
use super::reference::{Names, Target, Word, action_at};
use super::scene::{Page, below, keys};
use super::template_scope::roots;
use crate::catalog::{Action, Output};
use crate::kinds;

/// What the roots are, for people.
const ROOTS: [(&str, &str); 9] = [
    ("fields", "What the requester filled in."),
    ("metadata", "The metadata of the item, with its constants."),
    ("service", "The service that it is about."),
    ("request", "What is being done, and for whom."),
    ("system", "Date, time and ids; the same for all of a run."),
    ("environment", "The variables of the environment of the service."),
    ("secrets", "Secrets by name; their values are nowhere shown."),
    ("outputs", "What actions before this one gave."),
    ("failure", "What failed."),
];

/// Members that are always the same.
const FIXED: [(&str, &[&str]); 5] = [
    ("service", &["id", "name", "team", "environment", "description", "labels"]),
    ("request", &["id", "operation", "user", "commit", "correlationId"]),
    ("request.user", &["name", "email", "teams"]),
    ("system", &["date", "time", "timestamp", "uuid", "shortId"]),
    ("failure", &["step", "action", "message", "class", "attempts", "run", "unit", "remaining"]),
];

impl Page<'_> {
    /// Returns what may follow the parts of a variable in the text at a path.
    pub(super) fn members(&self, at: &[Step], before: &[String]) -> Vec<Word> {
        let known = roots(self.kind, at);
        let parts: Vec<&str> = before.iter().map(String::as_str).collect();
        let Some(root) = parts.first() else {
            return known.iter().map(|root| root_word(root)).collect();
        };
        if !known.contains(root) {
            return Vec::new();
        }
        if let Some((_, members)) = FIXED.iter().find(|(path, _)| *path == parts.join(".")) {
            return members.iter().map(|name| Word::new(name, root, "")).collect();
        }
        match parts.as_slice() {
            ["fields"] => self.own_fields(),
            ["metadata", rest @ ..] => self.metadata(rest),
            ["environment"] => self.variables(),
            ["secrets"] => self.secrets(),
            ["outputs"] => self.actions_before(at).iter().map(|(word, _)| word.clone()).collect(),
            ["outputs", action] => self.outputs_of(at, action),
            ["services"] => self.all(Names::Service, at),
            ["components"] => self.all(Names::Component, at),
            ["services" | "components", _] => {
                vec![Word::new("outputs", root, "What it offers to others.")]
            }
            ["services", service, "outputs"] => self.outputs_of_service(service),
            ["components", component, "outputs"] => self
                .component(component)
                .and_then(|entry| self.scalar_below(&entry, "catalogItem"))
                .map(|item| self.outputs_of_offer(item))
                .unwrap_or_default(),
            _ => Vec::new(),
        }
    }

    fn metadata(&self, rest: &[&str]) -> Vec<Word> {
        let mut path = vec!["metadata"];
        path.extend(rest);
        let mut found = self.keys_below(&keys(&path));
        if rest.is_empty() {
            found.extend(self.keys_below(&keys(&["metadata", "constants"])));
        }
        found
    }

    fn keys_below(&self, path: &[Step]) -> Vec<Word> {
        let spots = self.outline.below(path);
        spots
            .filter_map(|spot| {
                let value = if spot.shape == Shape::Block { "" } else { spot.bare(&self.text) };
                Some(Word::new(spot.name()?, value, ""))
            })
            .collect()
    }

    fn variables(&self) -> Vec<Word> {
        let mut by_name: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        for (id, environment) in &self.catalog.environments {
            for (name, value) in &environment.body.variables {
                let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
                by_name.entry(name).or_default().push(format!("- {id}: `{shown}`"));
            }
        }
        let word =
            |(name, values): (&str, Vec<String>)| Word::new(name, "variable", &values.join("\n"));
        by_name.into_iter().map(word).collect()
    }

    /// Returns the secrets that the documents of the catalog name already.
    fn secrets(&self) -> Vec<Word> {
        let mut names = BTreeSet::new();
        let offers = self.catalog.items.values().map(|item| item.document.bytes.get());
        for bytes in offers {
            let text = String::from_utf8_lossy(&bytes);
            for (at, found) in text.match_indices("secrets.") {
                let rest = text.get(at + found.len()..).unwrap_or_default();
                let is_part = |c: char| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_';
                let end = rest.find(|c| !is_part(c)).unwrap_or(rest.len());
                names.extend(rest.get(..end).filter(|name| !name.is_empty()).map(str::to_owned));
            }
        }
        names.iter().map(|name| Word::new(name, "secret", "")).collect()
    }

    /// Returns the actions whose outputs are known in the text at a path, each with its path.
    fn actions_before(&self, at: &[Step]) -> Vec<(Word, Vec<Step>)> {
        let in_order = |list: &[Step], most: usize| {
            let ids = self.ids(list);
            let ids = ids.into_iter().filter(|(entry, _)| match entry.last() {
                Some(Step::Entry(number)) => *number < most,
                _ => false,
            });
            ids.map(|(entry, spot)| {
                let kind = self.scalar_below(&entry, "type").unwrap_or("action");
                (Word::new(spot.bare(&self.text), kind, ""), entry)
            })
            .collect::<Vec<_>>()
        };
        let Some((list, own, number)) = action_at(at) else {
            let automatic = keys(&["fulfillment", "automatic", "actions"]);
            let mode = self.scalar(&keys(&["fulfillment", "strategy", "mode"]));
            let manual = keys(&["fulfillment", "manual", "actions"]);
            return in_order(
                if mode == Some("automatic") { &automatic } else { &manual },
                usize::MAX,
            );
        };
        let answered = at.get(own.len()..).is_some_and(|inside| {
            let inside = words(inside);
            matches!(
                inside.as_slice(),
                ["verify" | "rollback", ..] | ["config", "observe" | "delete", ..]
            )
        });
        let mut found = in_order(list, number + usize::from(answered));
        let hooks = keys(&["fulfillment", "hooks", "before"]);
        if list != hooks {
            found.extend(in_order(&hooks, usize::MAX));
        }
        found
    }

    fn outputs_of(&self, at: &[Step], action: &str) -> Vec<Word> {
        let found = self.actions_before(at).into_iter().find(|(word, _)| word.name == action);
        let Some((_, entry)) = found else { return Vec::new() };
        let mut names = self.keys_below(&below(&entry, "outputs"));
        // What the type offers by itself depends on settings: they are taken from the version read last.
        let own = self.scalar(&keys(&["metadata", "id"])).and_then(|id| self.catalog.items.get(id));
        let known =
            own.and_then(|item| item_action(&serde_json::to_value(&*item.body).ok()?, &entry));
        if let Some(known) = known
            && let Some(kind) = kinds::find(&known.kind)
        {
            names.extend(
                (kind.outputs)(&known.config.value())
                    .iter()
                    .map(|name| Word::new(name, kind.name, "")),
            );
        }
        names.sort_by(|a, b| a.name.cmp(&b.name));
        names.dedup_by(|a, b| a.name == b.name);
        names
    }

    fn outputs_of_service(&self, id: &str) -> Vec<Word> {
        let service = self.catalog.services.get(id);
        service.map(|service| self.outputs_of_offer(service.body.offer())).unwrap_or_default()
    }

    /// Returns what services of an item or bundle offer to others.
    pub(super) fn outputs_of_offer(&self, id: &str) -> Vec<Word> {
        let item = self.catalog.items.get(id).map(|item| &item.body.outputs);
        let outputs = item.or_else(|| self.catalog.bundles.get(id).map(|of| &of.body.outputs));
        let word = |(name, output): (&String, &Output)| {
            let detail = if output.sensitive { "sensitive output" } else { "output" };
            Word::new(name, detail, output.description.as_deref().unwrap_or_default())
        };
        outputs.into_iter().flatten().map(word).collect()
    }

    fn component(&self, id: &str) -> Option<Vec<Step>> {
        let mut ids = self.ids(&keys(&["components"])).into_iter();
        ids.find(|(_, spot)| spot.bare(&self.text) == id).map(|(entry, _)| entry)
    }

    /// Returns where what a variable reads stands: all of it, the parts up to the one that is looked at.
    pub(super) fn source(&self, at: &[Step], parts: &[&str]) -> Vec<Target> {
        if !parts.first().is_some_and(|root| roots(self.kind, at).contains(root)) {
            return Vec::new();
        }
        let found = match parts {
            ["fields", field, ..] => self.target(Names::Field, field, at),
            ["services", service] | ["services", service, "outputs"] => {
                self.target(Names::Service, service, at)
            }
            ["services", service, "outputs", name, ..] => {
                let service = self.catalog.services.get(*service);
                service.and_then(|service| self.output(service.body.offer(), name))
            }
            ["components", component] | ["components", component, "outputs"] => {
                self.component(component).map(|entry| Target::Here(below(&entry, "id")))
            }
            ["components", component, "outputs", name, ..] => self
                .component(component)
                .and_then(|entry| self.scalar_below(&entry, "catalogItem"))
                .and_then(|item| self.output(item, name)),
            ["outputs", action, rest @ ..] => {
                let actions = self.actions_before(at);
                let found = actions.into_iter().find(|(word, _)| word.name == *action);
                found.map(|(_, entry)| {
                    let named = rest.first().map(|name| below(&below(&entry, "outputs"), name));
                    let named = named.filter(|path| self.outline.get(path).is_some());
                    Target::Here(named.unwrap_or_else(|| below(&entry, "id")))
                })
            }
            ["metadata", rest @ ..] if !rest.is_empty() => {
                let own = keys(&[&["metadata"], rest].concat());
                let constant = keys(&[&["metadata", "constants"], rest].concat());
                let there = |path: &Vec<Step>| self.outline.get(path).is_some();
                [own, constant].into_iter().find(there).map(Target::Here)
            }
            ["environment", name, ..] => return self.variable(name),
            _ => None,
        };
        found.into_iter().collect()
    }

    /// Returns where an output of an item or bundle stands.
    pub(super) fn output(&self, offer: &str, name: &str) -> Option<Target> {
        let item = self.catalog.items.get(offer).map(|item| &item.document);
        let document = item.or_else(|| self.catalog.bundles.get(offer).map(|of| &of.document))?;
        Some(Target::Document(document.clone(), keys(&["outputs", name])))
    }

    fn variable(&self, name: &str) -> Vec<Target> {
        let with = self.catalog.environments.values();
        let with = with.filter(|environment| environment.body.variables.contains_key(name));
        with.map(|entry| Target::Document(entry.document.clone(), keys(&["variables", name])))
            .collect()
    }
}

fn root_word(root: &str) -> Word {
    let help = ROOTS.iter().find(|(name, _)| *name == root).map_or("", |(_, help)| help);
    let help = match root {
        "services" => "Other services; the text must be one lone reference.",
        "components" => "Other components of the bundle.",
        _ => help,
    };
    Word::new(root, "variable", help)
}

/// Returns the action at a path of an item, as it was read.
fn item_action(item: &Value, entry: &[Step]) -> Option<Action> {
    let at = entry.iter().try_fold(item, |value, step| match step {
        Step::Key(key) => value.get(key),
        Step::Entry(index) => value.get(index),
    })?;
    serde_json::from_value(at.clone()).ok()
}
