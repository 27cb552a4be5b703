//! What a question about a position is answered from: the document, its outline, the catalog around it. It answers none.

use std::borrow::Cow;
use std::ops::Range;

use super::folder::Folder;
use super::outline::{Outline, Spot, Step};
use super::subject::Schemas;
use super::text::{Encoding, Text};
use crate::catalog::{Catalog, Form, Kind, Layout};

/// A document in its catalog.
#[derive(Debug)]
pub(super) struct Scene<'s> {
    pub(super) folder: &'s Folder,
    /// Path from the root of the catalog.
    pub(super) path: &'s str,
    pub(super) text: &'s Text,
    pub(super) schemas: &'s Schemas,
    pub(super) encoding: Encoding,
}

/// A document as it is read for one question.
#[derive(Debug)]
pub(super) struct Page<'s> {
    pub(super) path: &'s str,
    pub(super) text: Cow<'s, str>,
    pub(super) outline: Outline,
    pub(super) kind: Kind,
    pub(super) catalog: &'s Catalog,
    pub(super) schemas: &'s Schemas,
}

/// Stands where somebody writes, so that there is something in every place; no document has it.
pub(super) const MARK: char = '\u{e5ff}';

impl<'s> Scene<'s> {
    /// Reads the document as it is; nothing where it is none of a catalog.
    pub(super) fn page(&self) -> Option<Page<'s>> {
        self.read(Cow::Borrowed(self.text.as_str()))
    }

    /// Reads the document with a mark at an offset.
    pub(super) fn marked(&self, offset: usize) -> Option<Page<'s>> {
        let mut text = self.text.as_str().to_owned();
        text.insert(offset, MARK);
        self.read(Cow::Owned(text))
    }

    fn read(&self, text: Cow<'s, str>) -> Option<Page<'s>> {
        let outline = Outline::of(&text);
        let kind = match Layout::of(self.path) {
            Layout::Document { kind, .. } => kind,
            _ => Kind::from_word(outline.scalar(&text, &[Step::Key("kind".to_owned())])?)?,
        };
        let Self { folder, path, schemas, .. } = *self;
        Some(Page { path, text, outline, kind, catalog: &folder.catalog, schemas })
    }

    /// Returns the positions of a stretch of the document.
    pub(super) fn range(&self, bytes: Range<usize>) -> lsp_types::Range {
        self.text.range(bytes, self.encoding)
    }
}

impl<'s> Page<'s> {
    /// Returns the text of the scalar at a path.
    pub(super) fn scalar(&self, path: &[Step]) -> Option<&str> {
        self.outline.scalar(&self.text, path)
    }

    /// Returns the text of the scalar under a key below a path.
    pub(super) fn scalar_below(&self, path: &[Step], key: &str) -> Option<&str> {
        self.scalar(&below(path, key))
    }

    /// Returns the entries of a list whose key `id` has a value, each with its path and that spot.
    pub(super) fn ids(&self, list: &[Step]) -> Vec<(Vec<Step>, &Spot)> {
        let is_id = |spot: &&Spot| {
            spot.path.len() == list.len() + 2
                && spot.path.starts_with(list)
                && spot.name() == Some("id")
                && matches!(spot.path.get(list.len()), Some(Step::Entry(_)))
        };
        let found = self.outline.spots.iter().filter(is_id);
        found
            .filter(|spot| !spot.bare(&self.text).is_empty())
            .map(|spot| (spot.path.iter().take(list.len() + 1).cloned().collect(), spot))
            .collect()
    }

    /// Returns the fields of the document's own form, each with its path and the spot of its id.
    pub(super) fn fields(&self) -> Vec<(Vec<Step>, &Spot)> {
        let groups = keys(&["presentation", "form", "groups"]);
        let lists = self.outline.spots.iter().filter(|spot| {
            spot.path.len() == groups.len() + 2
                && spot.path.starts_with(&groups)
                && spot.name() == Some("fields")
        });
        lists.flat_map(|spot| self.ids(&spot.path)).collect()
    }

    /// Returns the form of an item or bundle.
    pub(super) fn form_of(&self, id: &str) -> Option<&'s Form> {
        super::super::schema::form_of(self.catalog, id).map(|(form, _)| form)
    }

    /// Returns what the service is of.
    pub(super) fn offer(&self) -> Option<&str> {
        let of = |key: &str| self.scalar(&keys(&[key]));
        of("catalogItem").or_else(|| of("catalogBundle"))
    }
}

/// Returns a path of keys.
pub(super) fn keys(names: &[&str]) -> Vec<Step> {
    names.iter().map(|name| Step::Key((*name).to_owned())).collect()
}

/// Returns the path of a key below a path.
pub(super) fn below(path: &[Step], key: &str) -> Vec<Step> {
    path.iter().cloned().chain([Step::Key(key.to_owned())]).collect()
}
