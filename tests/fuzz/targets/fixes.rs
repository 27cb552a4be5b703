//! Documents and what `--fix` makes of them: any document is judged, and a safe fix changes nothing but what it says.

use std::sync::Arc;

use trueline::catalog::Snapshot;
use trueline::finding::Finding;
use trueline::validate::Judge;
use trueline::validate::fix::mend;
use trueline::yaml::{Entry, Node, Scalar, parse};

use super::catalog::{FILES, path_of};
use super::{grown, soon, source};

pub(super) fn run(bytes: &[u8]) {
    check(bytes);
    if let Some(grown) = grown(bytes, 1 << 16) {
        let (_, snapshot) = with(&grown);
        soon(grown.len(), || found(&snapshot));
    }
}

/// Puts a document into the small catalog.
fn with(bytes: &[u8]) -> (&'static str, Snapshot) {
    let own = path_of(&String::from_utf8_lossy(bytes));
    let files = FILES.iter().map(|(path, text)| {
        let bytes = if *path == own { bytes.to_vec() } else { text.as_bytes().to_vec() };
        ((*path).to_owned(), bytes)
    });
    (own, Snapshot::of_files(files))
}

fn found(snapshot: &Snapshot) -> Vec<Finding> {
    Judge::default().judge(snapshot).findings
}

fn check(bytes: &[u8]) {
    let (path, snapshot) = with(bytes);
    let findings = soon(bytes.len(), || found(&snapshot));
    for finding in &findings {
        let blob = snapshot.files.get(&finding.place.path).expect("a file that is there");
        source::stands_in(finding, &blob.bytes.get());
    }
    if findings.iter().all(|finding| finding.fix.is_none()) {
        return;
    }
    let is_safe = |finding: &Finding| finding.fix.as_ref().is_some_and(|fix| fix.safe);
    let mended = mend(&snapshot, &is_safe, &mut found);
    for file in &mended.files {
        says_the_same(path, &file.before, &file.after);
    }
    let again = mend(&mended.snapshot, &is_safe, &mut found);
    assert_eq!(again.files, [], "fixed twice is fixed more");
    let daring = mend(&snapshot, &|finding| finding.fix.is_some(), &mut found);
    for file in &daring.files {
        let was_read = tree(path, &file.before).is_some();
        assert!(!was_read || tree(path, &file.after).is_some(), "a fix made it unreadable");
    }
}

fn tree(path: &str, bytes: &[u8]) -> Option<Node> {
    parse(&Arc::from(path), bytes).0
}

fn says_the_same(path: &str, before: &[u8], after: &[u8]) {
    let comments = |bytes: &[u8]| -> Vec<String> {
        let text = String::from_utf8_lossy(bytes).into_owned();
        let comments = text.lines().map(str::trim).filter(|line| line.starts_with('#'));
        comments.filter(|line| !line.contains("trueline:")).map(str::to_owned).collect()
    };
    assert_eq!(comments(before), comments(after));
    let Some(before) = tree(path, before) else { return };
    let after = tree(path, after).expect("what could be read can be read");
    let head = |entry: &&Entry| !["kind", "schemaVersion"].contains(&entry.key.as_str());
    let before: Vec<&Entry> = before.entries().iter().filter(head).collect();
    let after: Vec<&Entry> = after.entries().iter().filter(head).collect();
    assert!(same_entries(&before, &after), "{before:?}\n{after:?}");
}

/// Returns what stands beside the tags of a text: a tag of another template language may be rewritten.
fn beside_tags(text: &str) -> Vec<&str> {
    let mut parts = text.split("{{");
    let first = parts.next().unwrap_or_default();
    let behind = |part: &'_ str| part.rfind("}}").map_or(0, |end| end + 2);
    std::iter::once(first).chain(parts.map(|part| part.split_at(behind(part)).1)).collect()
}

fn same(before: &Node, after: &Node) -> bool {
    match (before, after) {
        (Node::Scalar(before, _), Node::Scalar(after, _)) => {
            let bare = |scalar: &Scalar| matches!(scalar, Scalar::Number(_) | Scalar::Bool(_));
            let text = |scalar: &Scalar| matches!(scalar, Scalar::Text(..));
            let quoted = (bare(before) && text(after)) || (text(before) && bare(after));
            quoted
                || matches!((before, after), (Scalar::Text(one, _), Scalar::Text(other, _))
                    if beside_tags(one) == beside_tags(other))
                || before == after
        }
        (Node::Sequence(before, _), Node::Sequence(after, _)) => {
            let mut kept: Vec<&Node> = Vec::new();
            for (at, item) in before.iter().enumerate() {
                let twice = before[..at].iter().any(|earlier| same(earlier, item));
                // What stood there twice may be gone.
                if !twice || after.get(kept.len()).is_some_and(|after| same(item, after)) {
                    kept.push(item);
                }
            }
            kept.len() == after.len() && kept.iter().zip(after).all(|(one, other)| same(one, other))
        }
        (Node::Mapping(before, _), Node::Mapping(after, _)) => {
            same_entries(&before.iter().collect::<Vec<_>>(), &after.iter().collect::<Vec<_>>())
        }
        _ => false,
    }
}

fn same_entries(before: &[&Entry], after: &[&Entry]) -> bool {
    before.len() == after.len()
        && before
            .iter()
            .zip(after)
            .all(|(one, other)| one.key == other.key && same(&one.value, &other.value))
}
