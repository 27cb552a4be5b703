//! `trueline new`: a document to be filled in, in its folder. It never overwrites one, and writes none that can't be read.

use std::path::Path;
use std::sync::Arc;

use clap::{Args, ValueEnum};
use serde_json::json;

use super::context::Context;
use super::files::write_new;
use super::new_text::{Ask, text_of};
use super::output::{Exit, Failure};
use crate::catalog::{Blob, Catalog, Kind, read, schemas};

/// What `new` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// What it is.
    #[arg(value_name = "KIND")]
    pub kind: NewKind,
    /// Its id, which is also the name of its file.
    pub id: String,
    /// Category of an item: its folder below `catalog`.
    #[arg(long, value_name = "NAME")]
    pub category: Option<String>,
    /// Team that a service is of, or that answers for an item or bundle.
    #[arg(long, value_name = "ID")]
    pub team: Option<String>,
    /// Item or bundle that a service is of; the items that a bundle is made of, one after the other.
    #[arg(long, value_name = "ID")]
    pub item: Vec<String>,
    /// Environment that a service lives in; the only one, where there is one.
    #[arg(long, value_name = "ID")]
    pub environment: Option<String>,
}

/// Kinds of documents that can be added.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum NewKind {
    /// An offer
    Item,
    /// Several offers as one
    Bundle,
    /// What a team asks for
    Service,
    /// A place that services live in
    Environment,
}

impl NewKind {
    fn kind(self) -> Kind {
        match self {
            NewKind::Item => Kind::Item,
            NewKind::Bundle => Kind::Bundle,
            NewKind::Service => Kind::Service,
            NewKind::Environment => Kind::Environment,
        }
    }
}

/// Writes the document, and says where.
pub(super) fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let root = context.directory()?;
    let catalog = context.judged()?.catalog;
    let path = write(&root, &catalog, options)?;
    let schemas = write_schemas(&root)?;
    let value = json!({"path": path, "schemas": schemas});
    context.show(&value, || format!("wrote {path}"))?;
    if !schemas.is_empty() {
        let count = schemas.len();
        context.remark(format!("wrote {count} schemas below schemas/, which its first line names"));
    }
    context.remark("next: fill it in, then trueline validate");
    if let Some(team) = &options.team
        && !catalog.settings.teams.is_empty()
        && !catalog.settings.teams.contains_key(team)
    {
        context
            .remark(format!("the team `{team}` is not listed yet under `teams` in trueline.yaml"));
    }
    Ok(Exit::Success)
}

/// Writes the document into a directory; returns its path.
fn write(root: &Path, catalog: &Catalog, options: &Options) -> Result<String, Failure> {
    let kind = options.kind.kind();
    let (path, text) = text_of(&ask(catalog, options)?, catalog)?;
    must_be_free(catalog, kind, &options.id)?;
    must_be_readable(&path, &text)?;
    if !write_new(root, &path, &text)? {
        return Err(Failure::usage(format!("{path} is there already, and stays as it is")));
    }
    Ok(path)
}

/// Writes the schemas that are not there: the first line of every document names one. Returns their paths.
fn write_schemas(root: &Path) -> Result<Vec<String>, Failure> {
    let mut written = Vec::new();
    for (name, text) in schemas() {
        let path = format!("schemas/{name}");
        if write_new(root, &path, text)? {
            written.push(path);
        }
    }
    Ok(written)
}

/// Puts together what was asked for, with what can be told from the catalog.
fn ask<'a>(catalog: &'a Catalog, options: &'a Options) -> Result<Ask<'a>, Failure> {
    let only = || match catalog.environments.keys().collect::<Vec<_>>().as_slice() {
        [only] => Some(only.as_str()),
        _ => None,
    };
    let teams = catalog.settings.teams.keys();
    let ask = Ask {
        kind: options.kind.kind(),
        id: &options.id,
        category: options.category.as_deref(),
        team: options.team.as_deref(),
        items: options.item.iter().map(String::as_str).collect(),
        environment: options.environment.as_deref().or_else(only),
    };
    let needs = |what: &str, how: String| {
        Err(Failure::usage(format!("a new {} needs {what}", ask.kind)).hint(how))
    };
    match ask.kind {
        Kind::Item if ask.category.is_none() => {
            needs("a category", "name the folder below `catalog` with --category NAME".to_owned())
        }
        Kind::Service if ask.team.is_none() => {
            let teams: Vec<&str> = teams.map(String::as_str).take(8).collect();
            let known =
                if teams.is_empty() { String::new() } else { format!(": {}", teams.join(", ")) };
            needs("a team", format!("name it with --team ID{known}"))
        }
        Kind::Service if ask.items.len() != 1 => needs(
            "one item or bundle",
            "name it with --item ID; `trueline schema` lists them".to_owned(),
        ),
        Kind::Bundle if ask.items.is_empty() => {
            needs("items", "name each with --item ID; `trueline schema` lists them".to_owned())
        }
        _ => Ok(ask),
    }
}

/// Refuses an id that another document has, wherever that stands.
fn must_be_free(catalog: &Catalog, kind: Kind, id: &str) -> Result<(), Failure> {
    let same = |document: &&Arc<crate::catalog::Document>| {
        let offers = [Some(Kind::Item), Some(Kind::Bundle)];
        let space = document.kind == Some(kind)
            || (offers.contains(&document.kind) && offers.contains(&Some(kind)));
        space && document.id.as_deref() == Some(id)
    };
    match catalog.documents.values().find(same) {
        Some(document) => {
            Err(Failure::usage(format!("`{id}` is taken: {} has this id", document.path)))
        }
        None => Ok(()),
    }
}

/// Refuses to write what would be found fault with: above all an id or folder that is not one.
fn must_be_readable(path: &str, text: &str) -> Result<(), Failure> {
    let blob = Blob { id: "new".into(), bytes: text.as_bytes().into() };
    let document = read(&path.into(), &blob)
        .ok_or_else(|| Failure::usage(format!("{path} is no place of a document")))?;
    match document.findings.first() {
        None => Ok(()),
        Some(finding) => {
            let failure = Failure::usage(finding.message.clone());
            Err(match &finding.hint {
                Some(hint) => failure.hint(hint.clone()),
                None => failure,
            })
        }
    }
}

#[cfg(test)]
#[path = "new_tests.rs"]
mod tests;
