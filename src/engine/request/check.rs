//! Judges what a request would make of the catalog, before anything is pushed: what the rules find is told with its place in the
//! request and in the file. It writes nothing.

use std::sync::Arc;

use jiff::civil::Date;

use super::ask::{Wrong, cut};
use super::compose::{Draft, in_request};
use crate::catalog::{Blob, Catalog, Snapshot};
use crate::digest::Digest;
use crate::finding::{Finding, Place};
use crate::id::is_kebab;
use crate::store::RequestKind;
use crate::validate::{Against, Judge, fresh};
use crate::yaml::{self, Node, Span};

/// What the catalog would be.
#[derive(Clone, Debug)]
pub struct Checked {
    /// Its files.
    pub snapshot: Snapshot,
    /// The catalog in them.
    pub catalog: Arc<Catalog>,
    /// What is found and is not in the way.
    pub remarks: Vec<Finding>,
}

/// Judges a request over the head of the catalog; going on from what was judged last costs as much as is different.
pub fn check(
    judge: &mut Judge,
    head: &Snapshot,
    draft: &Draft,
    today: Date,
) -> Result<Checked, Vec<Wrong>> {
    let base = judge.judge_against(head, &Against { base: None, today: Some(today) });
    let snapshot = with(head, draft);
    let against = Against { base: Some(base.catalog.clone()), today: Some(today) };
    let judged = judge.judge_against(&snapshot, &against);
    let (found, _) = fresh((head, &base), (&snapshot, &judged));
    let (errors, remarks): (Vec<Finding>, Vec<Finding>) =
        found.into_iter().partition(Finding::is_error);
    let tree = draft.content.as_ref().and_then(|text| yaml::parse(&draft.path, text).0);
    let mut wrong: Vec<Wrong> =
        errors.iter().map(|finding| told(finding, draft, tree.as_ref())).collect();
    for (service, why) in &judged.misfits {
        if base.misfits.get(service) == Some(why) {
            continue;
        }
        let is_own = *service == draft.service;
        // What is in the way of one is said by the finding where there is one.
        if is_own && !wrong.is_empty() {
            continue;
        }
        let message = match is_own {
            true => why.join("; "),
            false => format!("service {service} would no longer fit: {}", why.join("; ")),
        };
        wrong.push(Wrong { elsewhere: !is_own, ..Wrong::at("", message) });
    }
    let is_there = judged.catalog.services.contains_key(&draft.service);
    if wrong.is_empty() && draft.kind != RequestKind::Delete && !is_there {
        wrong.push(Wrong::at("", "the catalog would not hold the service then"));
    }
    if wrong.is_empty() {
        Ok(Checked { snapshot, catalog: judged.catalog.clone(), remarks })
    } else {
        Err(wrong)
    }
}

/// Puts what is asked for over the head.
fn with(head: &Snapshot, draft: &Draft) -> Snapshot {
    let mut snapshot = head.clone();
    match &draft.content {
        None => drop(snapshot.files.remove(&draft.path)),
        Some(content) => {
            let digest = Digest::of_bytes(content);
            let blob = Blob { id: digest.to_string().into(), bytes: content.clone().into() };
            snapshot.files.insert(draft.path.clone(), blob);
        }
    }
    for (path, bytes) in &draft.files {
        let id = Digest::of_bytes(bytes).to_string().into();
        snapshot.files.insert(path.clone(), Blob { id, bytes: bytes.clone().into() });
    }
    let content = draft.content.as_deref().unwrap_or_default();
    let told = Digest::of_parts([head.commit.as_bytes(), draft.path.as_bytes(), content]);
    snapshot.commit = format!("request:{}", told.short());
    snapshot
}

/// Tells a finding with its place in the request.
fn told(finding: &Finding, draft: &Draft, tree: Option<&Node>) -> Wrong {
    let is_own = *finding.place.path == *draft.path;
    let pointer = match tree.filter(|_| is_own) {
        Some(tree) => in_request(&pointer_at(tree, &finding.place)),
        None => String::new(),
    };
    let pointer = match missing(finding) {
        // Its place is that of all fields, where the first of them begins.
        Some(field) if is_own => format!("/fields/{}", super::ask::escaped(field)),
        _ => pointer,
    };
    Wrong {
        pointer,
        message: finding.message.clone(),
        hint: finding.hint.clone(),
        place: Some(finding.place.clone()),
        elsewhere: !is_own,
    }
}

/// Names the field that is missing: it has no place of its own.
fn missing(finding: &Finding) -> Option<&str> {
    (finding.rule == "fields/missing").then(|| finding.message.split('`').nth(1))?
}

/// Returns the JSON pointer of the innermost node at a place.
fn pointer_at(tree: &Node, place: &Place) -> String {
    let at = (place.line, place.column);
    let holds =
        |span: Span| (span.line, span.column) <= at && at <= (span.end_line, span.end_column);
    let (mut node, mut pointer) = (tree, String::new());
    loop {
        let entry =
            node.entries().iter().find(|entry| holds(entry.key_span) || holds(entry.value.span()));
        let item = node.items().iter().enumerate().find(|(_, item)| holds(item.span()));
        let (name, next, is_key) = match (entry, item) {
            (Some(entry), _) => {
                (super::ask::escaped(&entry.key), &entry.value, holds(entry.key_span))
            }
            (None, Some((index, item))) => (index.to_string(), item, false),
            (None, None) => return pointer,
        };
        pointer = format!("{pointer}/{name}");
        if is_key {
            return pointer;
        }
        node = next;
    }
}

impl Draft {
    /// Returns the unified difference of the file.
    pub fn diff(&self) -> String {
        let text = |bytes: &Option<Vec<u8>>| {
            String::from_utf8_lossy(bytes.as_deref().unwrap_or_default()).into_owned()
        };
        let name = |side: &str, is_there: bool| match is_there {
            true => format!("{side}/{}", self.path),
            false => "/dev/null".to_owned(),
        };
        let names = (name("a", self.before.is_some()), name("b", self.content.is_some()));
        let (before, after) = (text(&self.before), text(&self.content));
        let diff = similar::TextDiff::from_lines(before.as_str(), after.as_str());
        diff.unified_diff().header(&names.0, &names.1).to_string()
    }
}

/// Names what is wrong with documents that whoever asks may not see without saying which.
pub fn seen_by(wrong: Vec<Wrong>, sees: impl Fn(&str) -> bool) -> Vec<Wrong> {
    let team = |place: &Option<Place>| -> Option<String> {
        let path: Arc<str> = place.as_ref()?.path.clone();
        let mut parts = path.split('/');
        let is_service = parts.next() == Some("services");
        parts.next().filter(|team| is_service && is_kebab(team, 64)).map(str::to_owned)
    };
    let hidden = |one: &Wrong| one.elsewhere && team(&one.place).is_none_or(|team| !sees(&team));
    let (away, mut kept): (Vec<Wrong>, Vec<Wrong>) = wrong.into_iter().partition(hidden);
    if !away.is_empty() {
        kept.push(
            Wrong::at("", "other documents of the catalog would be wrong then").hint(
                "something depends on what this changes: ask whoever looks after the catalog",
            ),
        );
    }
    kept
}

/// Writes what is wrong on a line, with its place in the file.
impl std::fmt::Display for Wrong {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let message = cut_long(&self.message);
        match (&self.place, self.pointer.as_str()) {
            (Some(place), "") => write!(f, "{place}: {message}"),
            (Some(place), pointer) => write!(f, "{pointer} ({place}): {message}"),
            (None, "") => f.write_str(&message),
            (None, pointer) => write!(f, "{}: {message}", cut(pointer)),
        }?;
        match &self.hint {
            Some(hint) => write!(f, " ({})", cut_long(hint)),
            None => Ok(()),
        }
    }
}

fn cut_long(text: &str) -> String {
    crate::reconcile::show::visible(text).chars().take(600).collect()
}
