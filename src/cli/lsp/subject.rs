//! What stands at a path of a document: a schema, a form, a field of a form. It reads no text.

use serde_json::Value;

use super::super::schema::action_schema;
use super::super::schema_node::SchemaNode;
use super::outline::Step;
use super::scene::{Page, below};
use crate::catalog::{Field, Form, Kind, schema_of};
use crate::kinds;

/// The schemas of all kinds and of the settings of all action types, read once.
#[derive(Debug)]
pub(super) struct Schemas {
    kinds: Vec<(Kind, Value)>,
    actions: Vec<(&'static str, Value)>,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let actions = kinds::all().iter();
        Self {
            kinds: Kind::ALL.into_iter().map(|kind| (kind, schema_of(kind))).collect(),
            actions: actions
                .filter_map(|kind| Some((kind.name, action_schema(kind.name)?)))
                .collect(),
        }
    }

    fn kind(&self, kind: Kind) -> Option<&Value> {
        self.kinds.iter().find(|(known, _)| *known == kind).map(|(_, schema)| schema)
    }

    fn action(&self, name: &str) -> Option<&Value> {
        self.actions.iter().find(|(known, _)| *known == name).map(|(_, schema)| schema)
    }
}

/// What stands at a path.
#[derive(Clone, Debug)]
pub(super) enum Subject<'s> {
    /// Something that a schema describes, and whether it must be given.
    Schema(SchemaNode<'s>, bool),
    /// The fields of a form.
    Form(&'s Form),
    /// One field of a form.
    Field(&'s Field),
    /// A part of the value of a field.
    Part,
    /// Nothing that anybody describes.
    Nothing,
}

impl<'s> Page<'s> {
    /// Returns what stands at a path.
    pub(super) fn subject(&self, path: &[Step]) -> Subject<'s> {
        let Some(schema) = self.schemas.kind(self.kind) else { return Subject::Nothing };
        let mut subject = Subject::Schema(SchemaNode::root(schema), true);
        for (at, step) in path.iter().enumerate() {
            let above = path.get(..at).unwrap_or_default();
            subject = match (subject, step) {
                (Subject::Schema(node, _), Step::Key(key)) => self.child(&node, above, key),
                (Subject::Schema(node, required), Step::Entry(_)) => {
                    Subject::Schema(node.entries().unwrap_or(node), required)
                }
                (Subject::Form(form), Step::Key(key)) => {
                    form.field(key).map_or(Subject::Nothing, Subject::Field)
                }
                (Subject::Field(field), Step::Entry(_)) => Subject::Field(field),
                (Subject::Field(_), Step::Key(_)) => Subject::Part,
                _ => Subject::Nothing,
            };
        }
        subject
    }

    fn child(&self, node: &SchemaNode<'s>, above: &[Step], key: &str) -> Subject<'s> {
        if let Some(form) = self.form_at(above, key) {
            return Subject::Form(form);
        }
        if key == "config"
            && let Some(kind) = self.scalar_below(above, "type")
            && let Some(schema) = self.schemas.action(kind)
        {
            return Subject::Schema(SchemaNode::root(schema), true);
        }
        match node.child(key) {
            Some((_, required, child)) => Subject::Schema(child, required),
            None => Subject::Nothing,
        }
    }

    /// Returns the form whose fields stand under a key, where that is known.
    fn form_at(&self, above: &[Step], key: &str) -> Option<&'s Form> {
        match (self.kind, super::outline::words(above).as_slice(), key) {
            (Kind::Service, [], "fields") => self.form_of(self.offer()?),
            (Kind::Bundle, ["components", "*"], "config") => {
                self.form_of(self.scalar(&below(above, "catalogItem"))?)
            }
            (Kind::Environment, ["defaults"], item) => self.form_of(item),
            _ => None,
        }
    }
}
