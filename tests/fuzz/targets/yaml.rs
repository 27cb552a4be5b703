//! YAML: every text is answered, what is read has its place, and says the same when it is written again.

use std::sync::Arc;

use serde_json::Value;
use trueline::finding::Finding;
use trueline::yaml::edit::range_of;
use trueline::yaml::{Node, Scalar, Style, parse};

use super::{grown, soon, source};

pub(super) fn run(bytes: &[u8]) {
    let (tree, findings) = read(bytes);
    findings.iter().for_each(|finding| source::stands_in(finding, bytes));
    if let Some(tree) = &tree {
        stands(tree, bytes);
        says_what_json_says(tree, bytes);
        is_read_back(tree);
    }
    if let Some(grown) = grown(bytes, 1 << 18) {
        read(&grown);
    }
}

fn read(bytes: &[u8]) -> (Option<Node>, Vec<Finding>) {
    let path: Arc<str> = Arc::from("services/a/b.yaml");
    let (tree, findings) = soon(bytes.len(), || parse(&path, bytes));
    assert_eq!(tree.is_none(), findings.iter().any(Finding::is_error), "{findings:?}");
    assert!(findings.len() <= 110, "{} findings", findings.len());
    (tree, findings)
}

/// Expects that each node has a place, inside that of what it is part of.
fn stands(node: &Node, bytes: &[u8]) {
    let range = range_of(bytes, node.span());
    let range = range.unwrap_or_else(|| panic!("{:?} is no place", node.span()));
    let inside = |other: &Node| {
        let other_range = range_of(bytes, other.span()).unwrap_or_default();
        let empty = other_range.is_empty();
        assert!(
            empty || (range.start <= other_range.start && other_range.end <= range.end),
            "{:?} is not inside {:?}",
            other.span(),
            node.span()
        );
        stands(other, bytes);
    };
    if let Node::Scalar(Scalar::Text(text, Style::Plain), span) = node
        && span.line == span.end_line
    {
        assert_eq!(&bytes[range.clone()], text.as_bytes());
    }
    node.items().iter().for_each(inside);
    for entry in node.entries() {
        assert!(range_of(bytes, entry.key_span).is_some(), "{:?} is no place", entry.key_span);
        inside(&entry.value);
    }
}

/// JSON is YAML: what both readers take means the same to both.
fn says_what_json_says(tree: &Node, bytes: &[u8]) {
    if let Ok(value) = serde_json::from_slice::<Value>(bytes) {
        assert_eq!(tree.to_json(), value);
    }
}

fn is_read_back(tree: &Node) {
    let value = tree.to_json();
    let Ok(written) = serde_yaml::to_string(&value) else { return };
    // The writer leaves without quotes what our reader wants in quotes: then it says so, and reads nothing.
    if let (Some(again), _) = read(written.as_bytes()) {
        assert_eq!(again.to_json(), value, "{written:?}");
    }
}
