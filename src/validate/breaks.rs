//! What a change of an item or bundle breaks for those who use it. It compares; it looks at no service and no version.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::context::Offer;
use super::texts::escape;
use crate::catalog::{Bundle, Catalog, Entry, Item, Metadata, Output, Visibility};

mod fields;

/// One thing that a change breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Break {
    /// JSON pointer to where it stands, or stood, in the changed document.
    pub pointer: String,
    /// What is broken, as a clause: "field `size` no longer takes `large`".
    pub what: String,
}

impl Break {
    pub(super) fn new(pointer: impl Into<String>, what: impl Into<String>) -> Self {
        Self { pointer: pointer.into(), what: what.into() }
    }
}

/// An item or bundle that is in the base and in the head, and not the same in both.
#[derive(Clone, Copy, Debug)]
pub(super) struct ChangedOffer<'a> {
    pub(super) before: Offer<'a>,
    pub(super) after: Offer<'a>,
}

impl ChangedOffer<'_> {
    /// Returns everything that the change breaks.
    pub(super) fn breaks(&self, head: &Catalog) -> Vec<Break> {
        match (self.before, self.after) {
            (Offer::Item(before), Offer::Item(after)) => item_breaks(&before.body, &after.body),
            (Offer::Bundle(before), Offer::Bundle(after)) => {
                bundle_breaks(&before.body, &after.body, head)
            }
            // Not a pair.
            _ => Vec::new(),
        }
    }
}

/// Returns the items and bundles that a change touches, found by their id or by what it was before.
pub(super) fn changed_offers<'a>(base: &'a Catalog, head: &'a Catalog) -> Vec<ChangedOffer<'a>> {
    let mut changed = Vec::new();
    for (id, before) in &base.items {
        let renamed = || head.items.values().find(|item| was(&item.body.metadata, id));
        if let Some(after) = head.items.get(id).or_else(renamed)
            && before.document.blob != after.document.blob
        {
            changed.push(ChangedOffer { before: Offer::Item(before), after: Offer::Item(after) });
        }
    }
    for (id, before) in &base.bundles {
        let renamed = || head.bundles.values().find(|bundle| was(&bundle.body.metadata, id));
        if let Some(after) = head.bundles.get(id).or_else(renamed)
            && before.document.blob != after.document.blob
        {
            changed
                .push(ChangedOffer { before: Offer::Bundle(before), after: Offer::Bundle(after) });
        }
    }
    changed
}

fn was(metadata: &Metadata, id: &str) -> bool {
    metadata.former_ids.iter().any(|former| former == id)
}

/// Returns the paths of items and bundles that a change breaks for those who use them, whatever became of their
/// versions: changed so that services may no longer fit, or gone while something of the base used them.
///
/// Of one that moved, both paths are returned.
pub fn breaking_items(base: &Catalog, head: &Catalog) -> Vec<Arc<str>> {
    let mut paths: BTreeSet<Arc<str>> = BTreeSet::new();
    for changed in changed_offers(base, head) {
        if !changed.breaks(head).is_empty() {
            paths.insert(changed.before.document().path.clone());
            paths.insert(changed.after.document().path.clone());
        }
    }
    let used = used(base);
    let kept = |id: &String| {
        head.items
            .values()
            .map(|item| &item.body.metadata)
            .chain(head.bundles.values().map(|bundle| &bundle.body.metadata))
            .any(|metadata| metadata.id == *id || was(metadata, id))
    };
    let items = base.items.iter().map(|(id, entry)| (id, &entry.document));
    let bundles = base.bundles.iter().map(|(id, entry)| (id, &entry.document));
    let gone = items.chain(bundles).filter(|(id, _)| used.contains(id.as_str()) && !kept(id));
    paths.extend(gone.map(|(_, document)| document.path.clone()));
    paths.into_iter().collect()
}

/// Returns the ids of items and bundles that services and bundles are of.
fn used(catalog: &Catalog) -> BTreeSet<&str> {
    let services = catalog.services.values().map(Entry::offer);
    let components = catalog.bundles.values().flat_map(|bundle| &bundle.body.components);
    services.chain(components.map(|component| component.catalog_item.as_str())).collect()
}

/// Returns what a change of an item breaks for its services.
pub fn item_breaks(before: &Item, after: &Item) -> Vec<Break> {
    let mut breaks = Vec::new();
    of_visibility(&before.metadata, &after.metadata, &mut breaks);
    fields::compare(&before.presentation.form, &after.presentation.form, &mut breaks);
    for (name, operation) in &before.fulfillment.operations {
        let pointer = format!("/fulfillment/operations/{}", escape(name));
        match after.fulfillment.operations.get(name) {
            None => breaks.push(Break::new(pointer, format!("operation `{name}` is gone"))),
            Some(now) if operation.state.is_some() && now.state != operation.state => {
                let state = operation.state.as_deref().unwrap_or_default();
                let what = format!("operation `{name}` no longer leads to the state `{state}`");
                breaks.push(Break::new(format!("{pointer}/state"), what));
            }
            Some(_) => {}
        }
    }
    of_outputs(before.outputs.iter(), |name| after.outputs.get(name), &mut breaks);
    breaks
}

/// Returns what a change of a bundle breaks for its services; the head says what its items were called before.
pub fn bundle_breaks(before: &Bundle, after: &Bundle, head: &Catalog) -> Vec<Break> {
    let mut breaks = Vec::new();
    of_visibility(&before.metadata, &after.metadata, &mut breaks);
    for component in &before.components {
        let id = &component.id;
        let is_it = |now: &&crate::catalog::Component| {
            now.id == *id || now.former_ids.iter().any(|former| former == id)
        };
        let found = after.components.iter().enumerate().find(|(_, now)| is_it(now));
        let Some((index, now)) = found else {
            let what = format!("component `{id}` is gone, and what services have of it is deleted");
            breaks.push(Break::new("/components", what));
            continue;
        };
        let (old, new) = (&component.catalog_item, &now.catalog_item);
        let renamed = head.items.get(new).is_some_and(|item| was(&item.body.metadata, old));
        if old != new && !renamed {
            let what = format!(
                "component `{id}` is of `{new}` now, and replaces what services have of `{old}`"
            );
            breaks.push(Break::new(format!("/components/{index}/catalogItem"), what));
        }
    }
    fields::compare(&before.presentation.form, &after.presentation.form, &mut breaks);
    of_outputs(before.outputs.iter(), |name| after.outputs.get(name), &mut breaks);
    breaks
}

fn of_outputs<'a>(
    before: impl Iterator<Item = (&'a String, &'a Output)>,
    after: impl Fn(&str) -> Option<&'a Output>,
    breaks: &mut Vec<Break>,
) {
    for (name, output) in before {
        let pointer = format!("/outputs/{}", escape(name));
        let Some(now) = after(name) else {
            breaks.push(Break::new(pointer, format!("output `{name}` is gone")));
            continue;
        };
        if now.sensitive && !output.sensitive {
            let what = format!("output `{name}` is sensitive now");
            breaks.push(Break::new(format!("{pointer}/sensitive"), what));
        }
        let lost: Vec<&String> =
            output.share.iter().filter(|team| !now.share.contains(team)).collect();
        if !lost.is_empty() {
            let what = format!("output `{name}` is no longer shared with {}", listed(lost));
            breaks.push(Break::new(format!("{pointer}/share"), what));
        }
    }
}

fn of_visibility(before: &Metadata, after: &Metadata, breaks: &mut Vec<Break>) {
    let Some(now) = &after.visibility else { return };
    let everybody = Visibility::default();
    let then = before.visibility.as_ref().unwrap_or(&everybody);
    for (then, now, name, what) in [
        (&then.teams, &now.teams, "teams", "team"),
        (&then.environments, &now.environments, "environments", "environment"),
    ] {
        if now.is_empty() {
            continue;
        }
        let pointer = format!("/metadata/visibility/{name}");
        let lost: Vec<&String> = then.iter().filter(|id| !now.contains(id)).collect();
        if then.is_empty() {
            let text =
                format!("it is no longer offered to every {what}, but to {} only", listed(now));
            breaks.push(Break::new(pointer, text));
        } else if !lost.is_empty() {
            let text = format!("it is no longer offered to {what} {}", listed(lost));
            breaks.push(Break::new(pointer, text));
        }
    }
}

/// How many names are listed before the rest is counted.
const MOST: usize = 5;

/// Lists names, and counts those after the first.
pub(super) fn listed<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| format!("`{}`", name.as_ref())).collect();
    let shown: Vec<&str> = names.iter().take(MOST).map(String::as_str).collect();
    match (shown.split_last(), names.len().saturating_sub(MOST)) {
        (None, _) => String::new(),
        (Some((one, [])), 0) => (*one).to_owned(),
        (Some((last, rest)), 0) => format!("{} and {last}", rest.join(", ")),
        (_, more) => format!("{} and {more} more", shown.join(", ")),
    }
}

#[cfg(test)]
#[path = "breaks/tests.rs"]
mod tests;
