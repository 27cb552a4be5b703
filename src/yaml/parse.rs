//! Bytes → tree. Survives anything: what it can't take is a finding with a place.

use std::ops::ControlFlow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use saphyr_parser::{Parser, ScanError};

use super::build::Builder;
use super::mend;
use super::prepass;
use super::source::{Source, narrow};
use super::syntax;
use super::tree::{Node, Scalar};
use crate::finding::{Finding, Place};

/// The largest document that is read, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// The deepest nesting that is read.
pub const MAX_DEPTH: usize = 64;

/// After how many findings reading stops.
pub(super) const MAX_FINDINGS: usize = 100;

/// Parses one document; a tree where the whole of it could be read, and findings either way.
pub fn parse(path: &Arc<str>, bytes: &[u8]) -> (Option<Node>, Vec<Finding>) {
    let text = match prepass::decode(path, bytes) {
        Ok(text) => text,
        Err(finding) => return (None, vec![*finding]),
    };
    let source = Source::new(path, text);
    let (refused, invisible) = prepass::characters(&source);
    if !refused.is_empty() {
        return (None, refused);
    }
    if let Some(finding) = directive(&source) {
        return (None, vec![finding]);
    }
    // The last resort: no document is known that makes the parser panic.
    let read = catch_unwind(AssertUnwindSafe(|| read(&source, &invisible)));
    let (root, mut findings) = read.unwrap_or_else(|_| {
        let place = Place::start_of(Arc::clone(path));
        let message = "this document can't be read";
        (None, vec![Finding::error("yaml/syntax", place, message).hint("write it more simply")])
    });
    findings.sort_by_key(|finding| (finding.place.line, finding.place.column));
    // Edits count from the start of the file, the text from behind its byte order mark.
    let mark = bytes.len() - text.len();
    for edit in findings
        .iter_mut()
        .filter_map(|finding| finding.fix.as_mut())
        .flat_map(|fix| &mut fix.edits)
    {
        edit.start += mark;
        edit.end += mark;
    }
    (root.filter(|_| !findings.iter().any(Finding::is_error)), findings)
}

fn read(source: &Source, invisible: &[usize]) -> (Option<Node>, Vec<Finding>) {
    let mut builder = Builder::new(source);
    let (root, mut findings, unseen_keys) = match feed(source, &mut builder) {
        None => {
            if !builder.findings.iter().any(Finding::is_error) {
                builder.findings.extend(check_root(source, builder.root.as_ref()));
            }
            (builder.root, builder.findings, builder.unseen_keys)
        }
        Some(error) => {
            let (findings, unseen_keys) = before_error(source, &error);
            (None, findings, unseen_keys)
        }
    };
    let in_keys = |offset: usize| unseen_keys.iter().any(|key| key.contains(&offset));
    let in_text = invisible.iter().copied().filter(|offset| !in_keys(*offset));
    findings.extend(prepass::warn_invisible(source, in_text));
    (root, findings)
}

/// Feeds the document to a builder; returns the error that the parser stopped at.
fn feed(source: &Source, builder: &mut Builder<'_>) -> Option<ScanError> {
    let mut parser = Parser::new_from_str(source.text);
    while let Some(next) = parser.next_event() {
        match next {
            Err(error) => return Some(error),
            Ok((event, span)) => match builder.take(event, span) {
                ControlFlow::Continue(()) => {}
                ControlFlow::Break(()) => return None,
            },
        }
    }
    None
}

/// Returns the findings of a document with a syntax error.
///
/// The parser holds the whole of an outermost `[…]` or `{…}` back and loses it at an error in it.
/// What stands before the error is read once more, as it may explain the error: nested too deep,
/// or a template without quotes.
fn before_error(source: &Source, error: &ScanError) -> (Vec<Finding>, Vec<std::ops::Range<usize>>) {
    let stopped = syntax::spot_of(source, error);
    let before = source.before(stopped.offset);
    let mut builder = Builder::new(&before);
    let _ = feed(&before, &mut builder);
    let Builder { mut findings, unseen_keys, .. } = builder;
    for finding in findings.iter_mut().filter(|finding| finding.fix.is_some()) {
        // What is cut off in the middle of a line is not all there is.
        finding.fix = match finding.rule.as_str() {
            "yaml/template-quotes" => mend::template(source, &finding.place),
            _ => finding.fix.take().filter(|fix| fix.edits.iter().all(|e| e.end < stopped.offset)),
        };
    }
    let explained = findings.iter().any(|finding| match finding.rule.as_str() {
        "yaml/depth" => true,
        "yaml/template-quotes" => stopped.line <= finding.place.line + 1,
        _ => false,
    });
    if !explained && findings.len() < MAX_FINDINGS {
        findings.push(syntax::finding(source, error));
    }
    (findings, unseen_keys)
}

fn check_root(source: &Source, root: Option<&Node>) -> Option<Finding> {
    let (node, found) = match root {
        Some(Node::Mapping(..)) => return None,
        Some(node @ Node::Sequence(..)) => (node, "a list"),
        Some(node @ Node::Scalar(Scalar::Text(..), _)) => (node, "a text"),
        Some(node @ Node::Scalar(Scalar::Number(_), _)) => (node, "a number"),
        Some(node @ Node::Scalar(Scalar::Bool(_), _)) => (node, "a boolean"),
        Some(node @ Node::Scalar(Scalar::Null, span)) if !source.place_of(*span).length.eq(&0) => {
            (node, "nothing")
        }
        _ => {
            let place = source.place(source.at(0), 0);
            let finding = Finding::error("yaml/empty", place, "there is no document in this file");
            return Some(finding.hint("write one, or delete the file"));
        }
    };
    let message = format!("expected a mapping, found {found}");
    let finding = Finding::error("yaml/root", source.place_of(node.span()), message);
    Some(finding.hint("start with a line `key: value`"))
}

/// Finds a directive: a line that starts with `%` before anything else.
fn directive(source: &Source) -> Option<Finding> {
    let is_blank = |line: &str| line.trim().is_empty() || line.starts_with('#');
    let (index, line) = source.text.lines().enumerate().find(|(_, line)| !is_blank(line))?;
    let start = source.at(source.start_of(narrow(index + 1)));
    let place = source.place(start, narrow(line.trim_end().chars().count()));
    line.starts_with('%').then(|| {
        Finding::error(
            "yaml/feature",
            place,
            "directives (lines that start with `%`) are not supported",
        )
        .hint("remove the line")
    })
}
