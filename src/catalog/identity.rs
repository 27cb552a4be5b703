//! What a document says it is, against where it stands: version, kind, id, folder.

use std::sync::Arc;

use super::document::{Kind, place_in};
use super::load::VERSION;
use crate::finding::{Finding, Fix, nearest};
use crate::id::is_kebab;
use crate::kinds::words::{bare, cut, listed};
use crate::yaml::{Node, edit};

/// Returns `metadata.id`, where it can be read.
pub(super) fn id_of(tree: &Node) -> Option<String> {
    Some(tree.pointer("/metadata/id")?.text()?.to_owned())
}

/// Returns the kind that a document says it is, where that is one.
pub(super) fn kind_of(tree: &Node) -> Option<Kind> {
    Kind::from_word(tree.get("kind")?.text()?)
}

/// Returns where a document belongs, as far as it says.
pub(super) fn belongs(kind: Kind, tree: &Node) -> String {
    let word = |pointer: &str, unknown: &'static str| {
        let text = tree.pointer(pointer).and_then(Node::text).filter(|text| is_kebab(text, 64));
        text.unwrap_or(unknown).to_owned()
    };
    let id = word("/metadata/id", "<id>");
    match kind {
        Kind::Item => format!("catalog/{}/{id}.yaml", word("/metadata/category", "<category>")),
        Kind::Bundle => format!("bundles/{id}.yaml"),
        Kind::Service => format!("services/{}/{id}.yaml", word("/metadata/team", "<team>")),
        Kind::Environment => format!("environments/{id}.yaml"),
        Kind::Settings => "trueline.yaml".to_owned(),
    }
}

/// Checks the version of the format.
pub(super) fn check_version(source: &[u8], path: &Arc<str>, tree: &Node) -> Option<Finding> {
    let line = format!("schemaVersion: {VERSION}");
    let (place, message, hint, fix) = match tree.get("schemaVersion") {
        Some(version) if version.text() == Some(VERSION) => return None,
        Some(version) => {
            let place = place_in(path, tree, "/schemaVersion", false);
            let message = format!("unknown schemaVersion `{}`", cut(&bare(&version.to_json())));
            let hint = format!("this program knows `{line}`");
            (place, message, hint, edit::rewrite(source, version, VERSION))
        }
        None => {
            let place = place_in(path, tree, "", false);
            let message = "missing property `schemaVersion`".to_owned();
            let hint = format!("write `{line}` at the top");
            (place, message, hint, edit::insert_first(source, tree, &line))
        }
    };
    let finding = Finding::error("document/schema-version", place, message).hint(hint);
    Some(Finding { fix, ..finding })
}

/// Checks that the kind is one, and the one that belongs here.
pub(super) fn check_kind(
    source: &[u8],
    path: &Arc<str>,
    tree: &Node,
    expected: Kind,
) -> Option<Finding> {
    let Some(node) = tree.get("kind") else {
        let place = place_in(path, tree, "", false);
        let line = format!("kind: {expected}");
        let fix = edit::insert_first(source, tree, &line);
        let finding = Finding::error("document/kind", place, "missing property `kind`");
        return Some(Finding { fix, ..finding.hint(format!("write `{line}`")) });
    };
    let place = place_in(path, tree, "/kind", false);
    let word = bare(&node.to_json());
    let known = Kind::ALL.map(Kind::word);
    match Kind::from_word(&word) {
        Some(kind) if kind == expected => None,
        Some(kind) => {
            let (one, other) = (article(kind), article(expected));
            let message = format!("{one} `{kind}` stands where {other} `{expected}` belongs");
            let hint = format!("write `kind: {expected}`, or move it to `{}`", belongs(kind, tree));
            Some(Finding::error("document/kind", place, message).hint(hint))
        }
        None => {
            let message =
                format!("unknown kind `{}`, expected one of {}", cut(&word), listed(&known));
            let near = nearest(&word, known);
            let hint = match near {
                Some(near) => format!("did you mean `{near}`?"),
                None => format!("by its path this is a `{expected}`: write `kind: {expected}`"),
            };
            // Where spelling and path agree, nothing else can be meant.
            let safe = near == Some(expected.word());
            let fix = edit::rewrite(source, node, near.unwrap_or(expected.word()));
            let fix = fix.map(|fix| Fix { safe, ..fix });
            Some(Finding { fix, ..Finding::error("document/kind", place, message).hint(hint) })
        }
    }
}

fn article(kind: Kind) -> &'static str {
    if kind == Kind::Environment { "an" } else { "a" }
}

/// Checks that the file is named after its id; the settings are not.
pub(super) fn check_id(
    source: &[u8],
    (path, kind, stem): (&Arc<str>, Kind, &str),
    tree: &Node,
) -> Option<Finding> {
    let id = id_of(tree).filter(|id| id != stem && kind != Kind::Settings)?;
    let place = place_in(path, tree, "/metadata/id", false);
    let message = format!("the id is `{}`, and the file is named `{}`", cut(&id), cut(stem));
    let hint = match (is_id_of(kind, stem), is_id_of(kind, &id)) {
        (true, true) => format!("rename the id to `{stem}`, or the file to `{id}.yaml`"),
        (true, false) => format!("rename the id to `{stem}`"),
        (false, true) => format!("rename the file to `{id}.yaml`"),
        (false, false) => "rename both: small letters, digits and hyphens".to_owned(),
    };
    let fix = if is_id_of(kind, stem) { edit::respell(source, &place, &id, stem) } else { None };
    Some(Finding { fix, ..Finding::error("document/id", place, message).hint(hint) })
}

/// Tells whether the schema of a kind takes a text as an id.
fn is_id_of(kind: Kind, text: &str) -> bool {
    let (least, most) = match kind {
        Kind::Item | Kind::Bundle => (4, 64),
        Kind::Service => (4, 30),
        Kind::Environment | Kind::Settings => (1, 63),
    };
    text.len() >= least && is_kebab(text, most)
}

/// Checks that the folder is the category or the team.
pub(super) fn check_folder(
    path: &Arc<str>,
    tree: &Node,
    kind: Kind,
    folder: Option<&str>,
) -> Option<Finding> {
    let (word, pointer) = match kind {
        Kind::Item => ("category", "/metadata/category"),
        Kind::Service => ("team", "/metadata/team"),
        _ => return None,
    };
    let folder = folder?;
    let said = tree.pointer(pointer)?.text().filter(|said| *said != folder)?;
    let place = place_in(path, tree, pointer, false);
    let message = format!("the {word} is `{}`, and the folder is `{}`", cut(said), cut(folder));
    let hint =
        format!("move the file to `{}`, or write `{word}: {}`", belongs(kind, tree), cut(folder));
    Some(Finding::error("document/folder", place, message).hint(hint))
}
