//! Walks over the templates of a document, each with what it may refer to.

use super::scope::{Names, has_answered, of_actions};
use super::texts::{action_lists, action_texts, each_text, escape};
use crate::catalog::{Body, Bundle, Document, Item};
use crate::kinds;
use crate::template::{HELPERS, ROOTS, is_template};

/// Takes a template, the JSON pointer to it, and what it may refer to.
pub(super) type Visit<'v> = &'v mut dyn FnMut(&str, &str, &Names<'_>);

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

/// Calls back with every template of an item or bundle.
pub(super) fn each_template(document: &Document, visit: Visit<'_>) {
    each_text_with_names(document, is_template, visit);
}

/// Calls back with every text of an item or bundle that is wanted, wherever a template may stand.
pub(super) fn each_text_with_names(
    document: &Document,
    is_wanted: fn(&str) -> bool,
    visit: Visit<'_>,
) {
    let visit = &mut |text: &str, pointer: &str, names: &Names<'_>| {
        if is_wanted(text) {
            visit(text, pointer, names);
        }
    };
    match &document.body {
        Some(Body::Item(item)) => of_item(item, is_wanted, visit),
        Some(Body::Bundle(bundle)) => of_bundle(bundle, visit),
        _ => {}
    }
}

fn of_item(item: &Item, is_wanted: fn(&str) -> bool, visit: Visit<'_>) {
    let fixed = of_actions(item);
    for list in action_lists(item) {
        for (index, action) in list.actions.iter().enumerate() {
            let at = list.pointer_to(index);
            let kind = kinds::find(&action.kind);
            let mut names: Option<(Names<'_>, Names<'_>)> = None;
            action_texts(action, &mut |text, pointer| {
                // What a place may refer to is not made out for nothing.
                if !is_wanted(text) {
                    return;
                }
                let (names, own) = names.get_or_insert_with(|| {
                    let names = Names::of_action(item, &fixed, &list, index);
                    (names.clone(), names.with_own(action))
                });
                let seen = if has_answered(kind, pointer) { &*own } else { &*names };
                visit(text, &format!("{at}{pointer}"), seen);
            });
        }
    }
    let names = Names::of_item_outputs(item);
    for (name, output) in &item.outputs {
        visit(&output.value, &format!("/outputs/{}/value", escape(name)), &names);
    }
    let names = Names::of_targets(item);
    for (index, target) in item.fulfillment.targets.iter().flatten().enumerate() {
        visit(target, &format!("/fulfillment/targets/{index}"), &names);
    }
    let names = Names::of_item_outputs(item);
    if let Some(health) = &item.fulfillment.health {
        let mut pointer = "/fulfillment/health".to_owned();
        each_text(health, &mut pointer, &mut |text, pointer| visit(text, pointer, &names));
    }
}

fn of_bundle(bundle: &Bundle, visit: Visit<'_>) {
    let names = Names::of_config(bundle);
    for (index, component) in bundle.components.iter().enumerate() {
        for (key, value) in &component.config {
            let mut pointer = format!("/components/{index}/config/{}", escape(key));
            each_text(value, &mut pointer, &mut |text, pointer| visit(text, pointer, &names));
        }
    }
    let names = Names::of_bundle_outputs(bundle);
    for (name, output) in &bundle.outputs {
        visit(&output.value, &format!("/outputs/{}/value", escape(name)), &names);
    }
}
