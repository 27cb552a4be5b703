//! What rules read of one document again and again: its actions with their configs as values, its templates with what they
//! say. Each is read once. It finds nothing.

use std::cell::{OnceCell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;

use serde_json::Value;

use super::scope::{Names, has_answered, of_actions, of_item, outputs_with};
use super::templates::{Placed, is_marked, texts_of_bundle, texts_of_rest};
use super::texts::{ActionList, action_lists, action_texts};
use crate::catalog::{Action, Body, Document, Item};
use crate::kinds::{self, ActionKind, VERIFY};
use crate::template::{self, Reading};

/// An action of an item.
pub(super) struct Acting<'a> {
    /// The action.
    pub(super) action: &'a Action,
    /// The list that it stands in.
    pub(super) list: ActionList<'a>,
    /// Its position there.
    pub(super) index: usize,
    /// JSON pointer to it.
    pub(super) at: String,
    /// Its type, where that is known.
    pub(super) kind: Option<&'static ActionKind>,
    /// Its config.
    pub(super) config: Value,
}

impl Acting<'_> {
    /// Returns all that is rendered for it where its type is known: its config, what `verify` asks, the config of its
    /// `rollback`; each with its type and the JSON pointer to it.
    pub(super) fn configs(&self) -> impl Iterator<Item = (&'static ActionKind, &Value, String)> {
        let own = self.kind.map(|kind| (kind, &self.config, format!("{}/config", self.at)));
        let poll = self.action.verify.as_ref().and_then(|verify| verify.get("poll"));
        let poll = poll.map(|poll| (&VERIFY, poll, format!("{}/verify/poll", self.at)));
        [own, poll, self.rollback()].into_iter().flatten()
    }

    /// Returns the config of its `rollback` where its type is known, with the type and the JSON pointer to it.
    pub(super) fn rollback(&self) -> Option<(&'static ActionKind, &Value, String)> {
        let back = self.action.rollback.as_ref()?;
        let kind = kinds::find(back.get("type")?.as_str()?)?;
        Some((kind, back.get("config")?, format!("{}/rollback/config", self.at)))
    }
}

/// What was read of a document so far.
#[derive(Default)]
pub(super) struct Readings<'a> {
    actions: OnceCell<Rc<[Acting<'a>]>>,
    texts: OnceCell<Rc<[Placed<'a>]>>,
    templates: RefCell<HashMap<Box<str>, Rc<Reading>>>,
}

impl<'a> Readings<'a> {
    /// Returns the actions of an item, list by list; none of anything else.
    pub(super) fn actions(&self, document: &'a Document) -> Rc<[Acting<'a>]> {
        let actions = || match &document.body {
            Some(Body::Item(item)) => action_lists(item).into_iter().flat_map(actions_of).collect(),
            _ => Rc::default(),
        };
        self.actions.get_or_init(actions).clone()
    }

    /// Returns the texts with braces of an item or bundle that may be templates, each with what it may refer to.
    pub(super) fn texts(&self, document: &'a Document) -> Rc<[Placed<'a>]> {
        let texts = || match &document.body {
            Some(Body::Item(item)) => texts_of_item(item, &self.actions(document)).into(),
            Some(Body::Bundle(bundle)) => texts_of_bundle(bundle).into(),
            _ => Rc::default(),
        };
        self.texts.get_or_init(texts).clone()
    }

    /// Reads a template.
    pub(super) fn read(&self, text: &str) -> Rc<Reading> {
        let mut templates = self.templates.borrow_mut();
        if let Some(known) = templates.get(text) {
            return known.clone();
        }
        let reading = Rc::new(template::read(text));
        templates.insert(text.into(), reading.clone());
        reading
    }
}

fn actions_of(list: ActionList<'_>) -> impl Iterator<Item = Acting<'_>> {
    list.actions.iter().enumerate().map(move |(index, action)| Acting {
        action,
        list,
        index,
        at: list.pointer_to(index),
        kind: kinds::find(&action.kind),
        config: action.config.value(),
    })
}

fn texts_of_item<'a>(item: &'a Item, actions: &[Acting<'a>]) -> Vec<Placed<'a>> {
    let of_item = of_item(item);
    let fixed = of_actions(&of_item);
    let outputs = actions.iter().map(|acting| {
        let names = outputs_with(acting.action, acting.kind, &acting.config);
        (std::ptr::from_ref(acting.action), names.map(Rc::new))
    });
    let outputs = outputs.collect();
    let mut texts = Vec::new();
    for Acting { action, list, index, at, kind, config } in actions {
        let mut names = None;
        action_texts(action, config, &mut |text, pointer| {
            // What a place may refer to is not made out for nothing.
            if !is_marked(text) {
                return;
            }
            let (names, own) = names.get_or_insert_with(|| {
                let names = Names::of_action((item, &fixed), list, *index, &outputs);
                let own = names.clone().with_own(action, &outputs);
                (Rc::new(names), Rc::new(own))
            });
            let seen = if has_answered(*kind, pointer) { &*own } else { &*names };
            let (text, pointer) = (text.to_owned(), format!("{at}{pointer}"));
            texts.push(Placed { text, pointer, names: seen.clone() });
        });
    }
    texts_of_rest(item, &of_item, &mut texts);
    texts
}
