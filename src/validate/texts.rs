//! Walks over the texts of values and actions, each with its JSON pointer. It reads no template.

use std::borrow::Cow;

use serde_json::Value;

use crate::catalog::{Action, Item};

/// Calls back with every text of a value and the JSON pointer to it.
pub(super) fn each_text<'v>(
    value: &'v Value,
    pointer: &mut String,
    visit: &mut dyn FnMut(&'v str, &str),
) {
    let length = pointer.len();
    match value {
        Value::String(text) => visit(text, pointer),
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                pointer.push('/');
                pointer.push_str(&index.to_string());
                each_text(item, pointer, visit);
                pointer.truncate(length);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                pointer.push('/');
                pointer.push_str(&escape(key));
                each_text(item, pointer, visit);
                pointer.truncate(length);
            }
        }
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Calls back with every key of a value and the JSON pointer to it.
pub(super) fn each_key<'v>(
    value: &'v Value,
    pointer: &mut String,
    visit: &mut dyn FnMut(&'v str, &str),
) {
    let length = pointer.len();
    let mut below = |key: &str, item: &'v Value, visit: &mut dyn FnMut(&'v str, &str)| {
        pointer.push('/');
        pointer.push_str(key);
        each_key(item, pointer, visit);
        pointer.truncate(length);
    };
    match value {
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                below(&index.to_string(), item, visit);
            }
        }
        Value::Object(map) => {
            for (key, item) in map {
                let escaped = escape(key);
                below(&escaped, item, visit);
            }
            for key in map.keys() {
                visit(key, &format!("{pointer}/{}", escape(key)));
            }
        }
        _ => {}
    }
}

/// Writes a key as a part of a JSON pointer.
pub(super) fn escape(key: &str) -> Cow<'_, str> {
    if key.contains(['~', '/']) {
        return key.replace('~', "~0").replace('/', "~1").into();
    }
    key.into()
}

/// A list of actions, where it stands, and the list that is done before it.
#[derive(Clone, Copy, Debug)]
pub(super) struct ActionList<'a> {
    /// JSON pointer to the list.
    pub(super) pointer: &'static str,
    /// Name of the operation that it belongs to, which stands where the pointer has a `*`.
    pub(super) operation: Option<&'a str>,
    /// The actions.
    pub(super) actions: &'a [Action],
}

impl ActionList<'_> {
    /// Returns the JSON pointer to an action.
    pub(super) fn pointer_to(&self, index: usize) -> String {
        let list = match self.operation {
            Some(name) => self.pointer.replace('*', &escape(name)),
            None => self.pointer.to_owned(),
        };
        format!("{list}/{index}")
    }
}

/// Returns all lists of actions of an item.
pub(super) fn action_lists(item: &Item) -> Vec<ActionList<'_>> {
    let fulfillment = &item.fulfillment;
    let plain = |pointer, actions| ActionList { pointer, operation: None, actions };
    let mut lists = vec![plain("/fulfillment/manual/actions", &fulfillment.manual.actions[..])];
    if let Some(automatic) = &fulfillment.automatic {
        lists.push(plain("/fulfillment/automatic/actions", &automatic.actions));
        let update = automatic.update.as_ref();
        lists.extend(
            update.map(|block| plain("/fulfillment/automatic/update/actions", &block.actions)),
        );
        let delete = automatic.delete.as_ref();
        lists.extend(
            delete.map(|block| plain("/fulfillment/automatic/delete/actions", &block.actions)),
        );
    }
    lists.extend(fulfillment.operations.iter().map(|(name, operation)| ActionList {
        pointer: "/fulfillment/operations/*/actions",
        operation: Some(name),
        actions: &operation.actions,
    }));
    let hooks = &fulfillment.hooks;
    lists.push(plain("/fulfillment/hooks/before", &hooks.before));
    lists.push(plain("/fulfillment/hooks/after", &hooks.after));
    lists.push(plain("/fulfillment/hooks/onFailure", &hooks.on_failure));
    lists.retain(|list| !list.actions.is_empty());
    lists
}

/// Calls back with every text of an action where a template may stand, and its JSON pointer, relative to the action.
pub(super) fn action_texts(action: &Action, config: &Value, visit: &mut dyn FnMut(&str, &str)) {
    if let Some(when) = &action.when {
        visit(when, "/when");
    }
    each_text(config, &mut "/config".to_owned(), &mut |text, at| visit(text, at));
    for (value, name) in [(&action.verify, "/verify"), (&action.rollback, "/rollback")] {
        if let Some(value) = value {
            each_text(value, &mut name.to_owned(), &mut |text, at| visit(text, at));
        }
    }
}
