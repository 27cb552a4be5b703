//! What a key must be: one visible text on one line, once. Never keeps the tree.

use saphyr_parser::ScalarStyle;

use super::build::Written;
use super::prepass::{code_point, is_invisible};
use super::scalar::resolve;
use super::source::{Source, Spot, shorten};
use super::syntax;
use super::tree::{Scalar, Span};
use crate::finding::Finding;

/// Returns what is wrong with a key by itself.
pub(super) fn check(source: &Source, key: &Written, span: Span, flow: bool) -> Vec<Finding> {
    let place = source.place_of(span);
    let mut findings = Vec::new();
    if let Some((message, hint)) = shape(source, key, span) {
        findings.push(Finding::error("yaml/feature", place.clone(), message).hint(hint));
    }
    if let Some(character) = key.text.chars().find(|each| is_invisible(*each)) {
        let message = format!("key with the invisible character {}", code_point(character));
        findings.push(Finding::error("yaml/invisible", place, message).hint("remove it"));
    }
    if !flow {
        findings.extend(tab_before(source, key.start).map(|tab| syntax::tabbed(source, tab)));
    }
    findings
}

/// Returns the finding for a key that stands in its mapping a second time.
pub(super) fn duplicate(source: &Source, key: &str, span: Span, first: Span) -> Finding {
    let message = format!("duplicate key `{}`, first on line {}", shorten(key), first.line);
    Finding::error("yaml/duplicate-key", source.place_of(span), message)
        .hint("keep one of the two")
        .related(source.place_of(first), "the first")
}

/// Returns why a key is not simply a text, and what to do.
fn shape(source: &Source, key: &Written, span: Span) -> Option<(String, &'static str)> {
    let rest = source.text.get(key.start.offset..).unwrap_or_default();
    if span.line != span.end_line && rest.starts_with("//") {
        let message = "`//` begins no comment in YAML".to_owned();
        return Some((message, "begin a comment with `#`"));
    }
    let block = matches!(key.style, ScalarStyle::Literal | ScalarStyle::Folded);
    if block || span.line != span.end_line {
        return Some(("a key must be on one line".to_owned(), "write `key: value` on one line"));
    }
    let before = blank_before(source, key.start);
    if before > 0 && before < key.start.offset && source.byte(before - 1) == b'?' {
        let message = "keys that start with `? ` are not supported".to_owned();
        return Some((message, "write `key: value`"));
    }
    if key.style != ScalarStyle::Plain {
        return None;
    }
    if key.text == "<<" {
        let message = "merge keys (`<<`) are not supported".to_owned();
        return Some((message, "write the merged keys out, or quote the key"));
    }
    let what = match resolve(key.text.clone()) {
        Ok(Scalar::Text(..)) => return None,
        Ok(Scalar::Null) => "nothing",
        Ok(Scalar::Bool(_)) => "a boolean",
        Ok(Scalar::Number(_)) | Err(_) => "a number",
    };
    Some((format!("a key must be a text, not {what}"), "put quotes around the key"))
}

/// Returns where the blanks start that stand right before a spot.
fn blank_before(source: &Source, spot: Spot) -> usize {
    let before = source.slice(0, spot.offset);
    before.trim_end_matches([' ', '\t']).len()
}

/// Returns the first tab among the blanks right before a spot.
fn tab_before(source: &Source, spot: Spot) -> Option<Spot> {
    let start = blank_before(source, spot);
    let tab = source.slice(start, spot.offset).find('\t')?;
    Some(source.at(start + tab))
}
