//! What a change is to blame for: what is found in the head and was not found in the base. It judges nothing itself.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use super::judge::Judged;
use super::suppress::Suppressed;
use crate::catalog::{Kind, Snapshot};
use crate::finding::Finding;

/// Returns what is found, and what comments took away, in the head of a change and not in its base.
pub fn fresh(
    (before, base): (&Snapshot, &Judged),
    (head, judged): (&Snapshot, &Judged),
) -> (Vec<Finding>, Vec<Suppressed>) {
    let moved = moved((before, base), (head, judged));
    let findings = news((&base.findings, &judged.findings), &moved, |finding| finding);
    // What was found before and is allowed by now is news to whoever reviews the change.
    let suppressed =
        news((&base.suppressed, &judged.suppressed), &moved, |suppressed| &suppressed.finding);
    (findings, suppressed)
}

/// What makes two findings the same, wherever in the file they stand.
type Identity = (String, Arc<str>, String, Vec<Arc<str>>);

/// Keeps what was not there before: each that was there stands for one of its like.
fn news<T: Clone>(
    (before, after): (&[T], &[T]),
    moved: &HashMap<Arc<str>, Arc<str>>,
    finding: impl Fn(&T) -> &Finding,
) -> Vec<T> {
    let now = |path: &Arc<str>| moved.get(path).unwrap_or(path).clone();
    let mut known: HashMap<Identity, usize> = HashMap::new();
    for finding in before.iter().map(&finding) {
        let mut message = finding.message.clone();
        for (old, new) in moved.iter().filter(|(old, _)| finding.message.contains(&***old)) {
            message = message.replace(&**old, new);
        }
        *known.entry(identity(finding, message, now)).or_default() += 1;
    }
    let is_fresh = |one: &&T| {
        let finding = finding(one);
        match known.get_mut(&identity(finding, finding.message.clone(), Arc::clone)) {
            Some(left) if *left > 0 => {
                *left -= 1;
                false
            }
            _ => true,
        }
    };
    after.iter().filter(is_fresh).cloned().collect()
}

fn identity(finding: &Finding, message: String, path: impl Fn(&Arc<str>) -> Arc<str>) -> Identity {
    let mut related: Vec<Arc<str>> =
        finding.related.iter().map(|(place, _)| path(&place.path)).collect();
    related.sort();
    (finding.rule.clone(), path(&finding.place.path), message, related)
}

/// Returns where files of the base have gone: to the path of the same id, or of the same content.
fn moved(
    (before, base): (&Snapshot, &Judged),
    (head, judged): (&Snapshot, &Judged),
) -> HashMap<Arc<str>, Arc<str>> {
    let mut by_id: HashMap<(Kind, &str), &Arc<str>> = HashMap::new();
    for (path, document) in &judged.catalog.documents {
        if let (Some(kind), Some(id), false) =
            (document.kind, &document.id, before.files.contains_key(path))
        {
            by_id.insert((kind, id), path);
        }
    }
    let added = head.files.iter().filter(|(path, _)| !before.files.contains_key(*path));
    let by_content: HashMap<&Arc<str>, &Arc<str>> =
        added.map(|(path, blob)| (&blob.id, path)).collect();
    let mut taken: BTreeSet<&Arc<str>> = BTreeSet::new();
    let mut moved = HashMap::new();
    for (path, blob) in before.files.iter().filter(|(path, _)| !head.files.contains_key(*path)) {
        let document = base.catalog.documents.get(path);
        let key = document.and_then(|document| Some((document.kind?, document.id.as_deref()?)));
        let to = key.and_then(|key| by_id.get(&key)).or_else(|| by_content.get(&blob.id));
        if let Some(to) = to.filter(|to| taken.insert(**to)) {
            moved.insert(path.clone(), (*to).clone());
        }
    }
    moved
}
