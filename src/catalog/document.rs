//! One document: where it stands, what kind it is, its typed body, and what is wrong with it.

use std::fmt;
use std::sync::Arc;

use imbl::OrdMap;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::bundle::Bundle;
use super::content::Content;
use super::environment::{Environment, Settings};
use super::held::Held;
use super::item::Item;
use super::service::Service;
use crate::finding::{Finding, Place};
use crate::yaml::{self, Node};

/// Kinds of documents.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Kind {
    /// `CatalogItem`
    #[serde(rename = "CatalogItem")]
    Item,
    /// `CatalogBundle`
    #[serde(rename = "CatalogBundle")]
    Bundle,
    /// `Service`
    Service,
    /// `Environment`
    Environment,
    /// `Catalog`, the settings
    #[serde(rename = "Catalog")]
    Settings,
}

impl Kind {
    /// All kinds, in the order in which they are explained.
    pub const ALL: [Kind; 5] =
        [Kind::Item, Kind::Bundle, Kind::Service, Kind::Environment, Kind::Settings];

    /// Returns the word that documents use.
    pub fn word(self) -> &'static str {
        match self {
            Kind::Item => "CatalogItem",
            Kind::Bundle => "CatalogBundle",
            Kind::Service => "Service",
            Kind::Environment => "Environment",
            Kind::Settings => "Catalog",
        }
    }

    /// Reads the word that documents use.
    pub fn from_word(word: &str) -> Option<Kind> {
        Kind::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.word())
    }
}

/// What the path of a file says about it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout<'a> {
    /// A document of a kind: the folder that must match its category or team, and the stem that must be its id.
    Document {
        /// The kind that belongs here.
        kind: Kind,
        /// The category or team.
        folder: Option<&'a str>,
        /// The file's stem.
        stem: &'a str,
    },
    /// In a catalog folder, but with an ending (`.yml`, `.YAML`, `.json`) or depth that is not read.
    Misnamed,
    /// Anything else; left alone unless it declares `schemaVersion: catalog/…`.
    Other,
}

impl<'a> Layout<'a> {
    /// Reads a path from the catalog's root.
    pub fn of(path: &'a str) -> Self {
        let (folders, file) = path.rsplit_once('/').unwrap_or(("", path));
        let document = |kind, folder| match file.strip_suffix(".yaml") {
            Some(stem) if !stem.is_empty() => Layout::Document { kind, folder, stem },
            _ => Layout::other_ending(file),
        };
        let (top, below) = match folders.split_once('/') {
            Some((top, below)) => (top, Some(below)),
            None => (folders, None),
        };
        let folder = below.filter(|below| !below.contains('/'));
        match (top, below, folder) {
            _ if file.starts_with('.') => Layout::Other,
            // Files that services name lie here.
            ("services", Some(below), None) if below.split('/').nth(1) == Some("files") => {
                Layout::Other
            }
            ("", None, _) if path == "trueline.yaml" => document(Kind::Settings, None),
            ("catalog", _, Some(_)) => document(Kind::Item, folder),
            ("services", _, Some(_)) => document(Kind::Service, folder),
            ("bundles", None, _) => document(Kind::Bundle, None),
            ("environments", None, _) => document(Kind::Environment, None),
            ("catalog" | "services" | "bundles" | "environments", ..) => {
                match file.strip_suffix(".yaml") {
                    Some(_) => Layout::Misnamed,
                    None => Layout::other_ending(file),
                }
            }
            _ => Layout::Other,
        }
    }

    fn other_ending(file: &str) -> Self {
        let ending = file.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
        match ending.as_deref() {
            Some("yml" | "yaml" | "json") => Layout::Misnamed,
            _ => Layout::Other,
        }
    }
}

/// The typed body of a document.
#[derive(Clone, Debug)]
pub enum Body {
    /// An offer.
    Item(Held<Item>),
    /// Several offers as one.
    Bundle(Held<Bundle>),
    /// What a team asks for.
    Service(Held<Service>),
    /// A place that services live in.
    Environment(Held<Environment>),
    /// The catalog's settings.
    Settings(Arc<Settings>),
}

impl Body {
    /// Returns the kind.
    pub fn kind(&self) -> Kind {
        match self {
            Body::Item(_) => Kind::Item,
            Body::Bundle(_) => Kind::Bundle,
            Body::Service(_) => Kind::Service,
            Body::Environment(_) => Kind::Environment,
            Body::Settings(_) => Kind::Settings,
        }
    }

    /// Writes it so that it is recalled as it is; nothing where that is not certain. Services are read again instead.
    pub(super) fn as_recalled(&self) -> Option<Vec<u8>> {
        fn certain<T: Serialize + DeserializeOwned + PartialEq>(body: &T) -> Option<Vec<u8>> {
            let text = serde_json::to_vec(body).ok()?;
            let read: T = serde_json::from_slice(&text).ok()?;
            (read == *body).then_some(text)
        }
        match self {
            Body::Item(body) => certain(&**body),
            Body::Bundle(body) => certain(&**body),
            Body::Environment(body) => certain(&**body),
            Body::Settings(body) => certain(&**body),
            Body::Service(_) => None,
        }
    }

    /// Reads what was written to be recalled.
    pub(super) fn recalled(kind: Kind, text: &str) -> Option<Self> {
        let body = match kind {
            Kind::Item => Body::Item(serde_json::from_str::<Item>(text).ok()?.into()),
            Kind::Bundle => Body::Bundle(serde_json::from_str::<Bundle>(text).ok()?.into()),
            Kind::Environment => {
                Body::Environment(serde_json::from_str::<Environment>(text).ok()?.into())
            }
            Kind::Settings => Body::Settings(serde_json::from_str(text).ok()?),
            Kind::Service => return None,
        };
        Some(body)
    }
}

/// Documents by their path; what two catalogs share is held once and compared at no cost.
pub type Documents = OrdMap<Arc<str>, Arc<Document>>;

/// What others need to know of a service, so that it need not be read for them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Brief {
    /// Id of the item or bundle that it is of.
    pub offer: Arc<str>,
    /// Whether it is of a bundle.
    pub is_bundle: bool,
    /// Id of its environment.
    pub environment: Option<Arc<str>>,
    /// Ids that it had before.
    pub former_ids: Vec<String>,
}

/// One document of a catalog.
///
/// A document equals itself alone: what was read once is shared.
#[derive(Clone, Debug)]
pub struct Document {
    /// Path from the catalog's root, with `/`.
    pub path: Arc<str>,
    /// Names the content.
    pub blob: Arc<str>,
    /// The content.
    pub bytes: Content,
    /// The kind, as far as the path or the document tells.
    pub kind: Option<Kind>,
    /// `metadata.id`, as far as it can be read.
    pub id: Option<Arc<str>>,
    /// The typed body; present where syntax and schema are without error.
    pub body: Option<Body>,
    /// What is wrong with syntax and schema.
    pub findings: Vec<Finding>,
    /// It was found to be right in itself by an earlier run, and to have no comment for us: nobody looked at its bytes.
    pub is_recalled: bool,
    /// What is known of a service that was recalled.
    pub brief: Option<Box<Brief>>,
}

impl PartialEq for Document {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Eq for Document {}

impl Document {
    /// Lets go of what can be had again: its bytes, and what its form compiles to.
    pub fn release(&self) {
        self.bytes.release();
        match &self.body {
            Some(Body::Item(item)) => item.presentation.form.release(),
            Some(Body::Bundle(bundle)) => bundle.presentation.form.release(),
            _ => {}
        }
    }

    /// Parses the document again, for its places.
    pub fn tree(&self) -> Option<Node> {
        yaml::parse(&self.path, &self.bytes.get()).0
    }

    /// Returns the place of the value at a JSON pointer, or of the nearest ancestor there is.
    pub fn place(&self, pointer: &str) -> Place {
        self.tree().map_or_else(
            || Place::start_of(self.path.clone()),
            |tree| place_in(&self.path, &tree, pointer, false),
        )
    }

    /// Returns the place of the key at a JSON pointer.
    pub fn place_of_key(&self, pointer: &str) -> Place {
        self.tree().map_or_else(
            || Place::start_of(self.path.clone()),
            |tree| place_in(&self.path, &tree, pointer, true),
        )
    }
}

/// Returns the place of a JSON pointer in a tree that is at hand.
pub fn place_in(path: &Arc<str>, tree: &Node, pointer: &str, of_key: bool) -> Place {
    let (span, _) = tree.locate(pointer, of_key);
    let length =
        if span.line == span.end_line { span.end_column.saturating_sub(span.column) } else { 0 };
    Place { path: path.clone(), line: span.line, column: span.column, length }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_path_tells_the_kind() {
        let document = |kind, folder, stem| Layout::Document { kind, folder, stem };
        for (path, expected) in [
            ("catalog/databases/pg.yaml", document(Kind::Item, Some("databases"), "pg")),
            ("services/payments/db.yaml", document(Kind::Service, Some("payments"), "db")),
            ("bundles/web.yaml", document(Kind::Bundle, None, "web")),
            ("environments/production.yaml", document(Kind::Environment, None, "production")),
            ("trueline.yaml", document(Kind::Settings, None, "trueline")),
            ("services/payments/db.yml", Layout::Misnamed),
            ("services/payments/DB.YAML", Layout::Misnamed),
            ("services/db.yaml", Layout::Misnamed),
            ("services/payments/.db.yaml", Layout::Other),
            ("services/payments/README.md", Layout::Other),
            ("services/payments/files/db/policy.json", Layout::Other),
            ("services/payments/files/db.yaml", Layout::Other),
            ("services/payments/more/db.yaml", Layout::Misnamed),
            ("services/files/db.json", Layout::Misnamed),
            ("README.md", Layout::Other),
        ] {
            assert_eq!(Layout::of(path), expected, "{path}");
        }
    }
}
