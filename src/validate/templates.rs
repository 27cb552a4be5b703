//! Gathers the texts of a document where templates may stand, each with what it may refer to. It reads none of them.

use std::rc::Rc;

use serde_json::{Map, Value};

use super::scope::Names;
use super::texts::{each_text, escape};
use crate::catalog::{Bundle, Item};
use crate::template::{HELPERS, ROOTS};

/// What to do about braces that another program is to read.
pub(super) const AS_IT_IS: &str = "write `$\\{{…}}` where the braces are meant for another program";

/// Tells whether the tag around a byte is probably one of a workflow: `${{ github.sha }}`, `${{ secrets.X }}`.
pub(super) fn is_of_a_workflow(text: &str, offset: usize) -> bool {
    let before = text.get(..offset + 2).or_else(|| text.get(..offset)).unwrap_or_default();
    let Some((before, _)) = before.rsplit_once("{{") else { return false };
    let inside = text.get(before.len() + 2..).unwrap_or_default().trim_start();
    let end = inside.find(|each: char| !(each.is_alphanumeric() || "_-".contains(each)));
    let root = inside.get(..end.unwrap_or(inside.len())).unwrap_or_default();
    // Both have these two.
    let is_theirs = matches!(root, "secrets" | "env") || !ROOTS.contains(&root);
    before.ends_with('$') && is_theirs && !HELPERS.contains(&root) && !root.is_empty()
}

/// A text of an item or bundle where a template may stand.
pub(super) struct Placed<'a> {
    /// The text.
    pub(super) text: String,
    /// JSON pointer to it.
    pub(super) pointer: String,
    /// What it may refer to.
    pub(super) names: Rc<Names<'a>>,
}

/// Tells whether a text is a template, or looks like one of another dialect.
pub(super) fn is_marked(text: &str) -> bool {
    text.contains('{') || text.contains("<%=")
}

/// Takes in the texts of an item that stand in no action.
pub(super) fn texts_of_rest<'a>(
    item: &'a Item,
    of_item: &Map<String, Value>,
    texts: &mut Vec<Placed<'a>>,
) {
    let names = Rc::new(Names::of_item_outputs(item, of_item));
    for (name, output) in &item.outputs {
        put(texts, &output.value, &format!("/outputs/{}/value", escape(name)), &names);
    }
    if let Some(targets) = &item.fulfillment.targets {
        let names = Rc::new(Names::of_targets(item, of_item));
        for (index, target) in targets.iter().enumerate() {
            put(texts, target, &format!("/fulfillment/targets/{index}"), &names);
        }
    }
    if let Some(health) = &item.fulfillment.health {
        let mut pointer = "/fulfillment/health".to_owned();
        each_text(health, &mut pointer, &mut |text, pointer| put(texts, text, pointer, &names));
    }
}

/// Returns the texts of a bundle.
pub(super) fn texts_of_bundle(bundle: &Bundle) -> Vec<Placed<'_>> {
    let mut texts = Vec::new();
    let names = Rc::new(Names::of_config(bundle));
    for (index, component) in bundle.components.iter().enumerate() {
        for (key, value) in &component.config {
            let mut pointer = format!("/components/{index}/config/{}", escape(key));
            let mut put = |text: &str, pointer: &str| put(&mut texts, text, pointer, &names);
            each_text(value, &mut pointer, &mut put);
        }
    }
    let names = Rc::new(Names::of_bundle_outputs(bundle));
    for (name, output) in &bundle.outputs {
        put(&mut texts, &output.value, &format!("/outputs/{}/value", escape(name)), &names);
    }
    texts
}

fn put<'a>(texts: &mut Vec<Placed<'a>>, text: &str, pointer: &str, names: &Rc<Names<'a>>) {
    if is_marked(text) {
        let (text, pointer) = (text.to_owned(), pointer.to_owned());
        texts.push(Placed { text, pointer, names: names.clone() });
    }
}
