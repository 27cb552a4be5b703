//! The named parts of one document: groups, fields, actions, components, outputs and variables. It judges none of them.

use super::findings::Findings;
use super::texts::{action_lists, escape};
use crate::catalog::{Body, Document, Form};
use crate::finding::Finding;

/// A part that has a name.
pub(super) struct Part<'a> {
    /// The word for what it is.
    pub(super) what: &'static str,
    pub(super) id: &'a str,
    pointer: String,
    /// Whether the name is a key, and no value.
    is_key: bool,
}

impl Part<'_> {
    /// Makes a finding about the name.
    pub(super) fn finding(&self, findings: &Findings<'_>, message: String) -> Finding {
        match self.is_key {
            true => findings.at_key(&self.pointer, message),
            false => findings.at(&self.pointer, message),
        }
    }
}

/// Returns the named parts of a document; those of one kind stand together.
pub(super) fn parts(document: &Document) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    match &document.body {
        Some(Body::Item(item)) => {
            of_form(&item.presentation.form, &mut parts);
            for list in action_lists(item) {
                let ids = list.actions.iter().map(|action| action.id.as_str()).enumerate();
                let ids = ids.map(|(index, id)| (id, format!("{}/id", list.pointer_to(index))));
                parts.extend(ids.map(|(id, pointer)| value("action", id, pointer)));
            }
            parts.extend(item.outputs.keys().map(|id| key("output", id, "/outputs")));
        }
        Some(Body::Bundle(bundle)) => {
            of_form(&bundle.presentation.form, &mut parts);
            for (index, component) in bundle.components.iter().enumerate() {
                parts.push(value("component", &component.id, format!("/components/{index}/id")));
            }
            parts.extend(bundle.outputs.keys().map(|id| key("output", id, "/outputs")));
        }
        Some(Body::Environment(environment)) => {
            parts.extend(environment.variables.keys().map(|id| key("variable", id, "/variables")));
        }
        _ => {}
    }
    parts
}

fn of_form<'a>(form: &'a Form, parts: &mut Vec<Part<'a>>) {
    for (at, group) in form.groups.iter().enumerate() {
        let pointer = format!("/presentation/form/groups/{at}");
        for (index, field) in group.fields.iter().enumerate() {
            parts.push(value("field", &field.id, format!("{pointer}/fields/{index}/id")));
        }
    }
    for (at, group) in form.groups.iter().enumerate() {
        parts.push(value("group", &group.id, format!("/presentation/form/groups/{at}/id")));
    }
}

fn value<'a>(what: &'static str, id: &'a str, pointer: String) -> Part<'a> {
    Part { what, id, pointer, is_key: false }
}

fn key<'a>(what: &'static str, id: &'a str, below: &str) -> Part<'a> {
    Part { what, id, pointer: format!("{below}/{}", escape(id)), is_key: true }
}
