//! Which documents differ between two states of a catalog; costs as much as differs.

use std::sync::Arc;

use imbl::ordmap::DiffItem;

use crate::catalog::{Document, Documents};

/// A document before and after, by its path.
pub(super) type Changed = (Arc<str>, Option<Arc<Document>>, Option<Arc<Document>>);

/// Returns which documents differ, by path.
pub(super) fn changed(before: &Documents, after: &Documents) -> Vec<Changed> {
    let changed = before.diff(after).map(|item| match item {
        DiffItem::Add(path, new) => (path.clone(), None, Some(new.clone())),
        DiffItem::Update { old: (path, old), new: (_, new) } => {
            (path.clone(), Some(old.clone()), Some(new.clone()))
        }
        DiffItem::Remove(path, old) => (path.clone(), Some(old.clone()), None),
    });
    changed.collect()
}
