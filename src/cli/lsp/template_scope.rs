//! The variable at a place of a template that may not be whole yet, and the roots that are known there. It knows no values.

use std::ops::Range;

use super::outline::{Step, words};
use crate::catalog::Kind;

/// A variable that somebody writes or looks at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Variable {
    /// Where its word stands in the text.
    pub(super) range: Range<usize>,
    /// Where the part at the cursor stands.
    pub(super) part: Range<usize>,
    /// The parts before that.
    pub(super) before: Vec<String>,
    /// Whether nothing stands between the braces and it, so that it may be a helper.
    pub(super) first: bool,
}

/// Finds the variable at an offset of a text; nothing outside of `{{ }}` and in quotes.
pub(super) fn variable_at(text: &str, offset: usize) -> Option<Variable> {
    let before = text.get(..offset)?;
    let open = before.rfind("{{")? + 2;
    let inner = before.get(open..)?;
    if inner.contains("}}") || inner.starts_with('!') || inner.contains('\n') {
        return None;
    }
    let quotes = |quote: char| inner.matches(quote).count() % 2 == 1;
    if quotes('\'') || quotes('"') {
        return None;
    }
    let is_part =
        |c: char| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '@' | super::scene::MARK);
    let start =
        offset - inner.chars().rev().take_while(|c| is_part(*c)).map(char::len_utf8).sum::<usize>();
    let after = text.get(offset..).unwrap_or_default();
    let length: usize = after.chars().take_while(|c| is_part(*c)).map(char::len_utf8).sum();
    let end = offset + length;
    let word = text.get(start..offset)?;
    let part_start = word.rfind('.').map_or(start, |dot| start + dot + 1);
    let rest = after.get(..length).unwrap_or_default();
    let part_end = rest.find('.').map_or(end, |dot| offset + dot);
    let mut parts = text.get(start..part_start)?.split('.').map(str::to_owned).collect::<Vec<_>>();
    parts.pop();
    if let Some(root) = parts.first_mut() {
        match root.as_str() {
            "env" => "environment".clone_into(root),
            "output" => "outputs".clone_into(root),
            _ => {}
        }
    }
    let lead = text.get(open..start)?.trim();
    Some(Variable {
        range: start..end,
        part: part_start..part_end,
        before: parts,
        first: lead.is_empty() || lead.ends_with('(') || lead == "~",
    })
}

/// Returns the roots that the templates at a path of a document know.
pub(super) fn roots(kind: Kind, path: &[Step]) -> &'static [&'static str] {
    match (kind, words(path).as_slice()) {
        (Kind::Service, ["fields", ..]) => &["services"],
        (Kind::Bundle, ["components", "*", "config", ..]) => {
            &["fields", "service", "environment", "components", "services"]
        }
        (Kind::Bundle, ["outputs", ..]) => &["components"],
        (Kind::Item, ["outputs", _, "value"] | ["fulfillment", "health", ..]) => {
            &["fields", "metadata", "service", "environment", "outputs"]
        }
        (Kind::Item, ["fulfillment", "hooks", "onFailure", "*", place, ..]) if rendered(place) => {
            &[
                "fields",
                "metadata",
                "service",
                "request",
                "system",
                "environment",
                "secrets",
                "outputs",
                "failure",
            ]
        }
        (Kind::Item, ["fulfillment", .., last]) if path.len() > 3 => {
            let action = super::reference::action_at(path);
            let place = action.and_then(|(_, own, _)| path.get(own.len()));
            let in_action = matches!(place, Some(Step::Key(place)) if rendered(place));
            match in_action && !last.is_empty() {
                true => &[
                    "fields",
                    "metadata",
                    "service",
                    "request",
                    "system",
                    "environment",
                    "secrets",
                    "outputs",
                ],
                false => &[],
            }
        }
        _ => &[],
    }
}

/// Tells whether the texts below a key of an action are templates.
fn rendered(key: &str) -> bool {
    matches!(key, "config" | "when" | "verify" | "rollback")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(marked: &str) -> String {
        let offset = marked.find('|').unwrap();
        let text = marked.replacen('|', "", 1);
        variable_at(&text, offset).map_or("none".to_owned(), |found| {
            let first = if found.first { "first " } else { "" };
            format!(
                "{first}{} {} {}",
                &text[found.range],
                found.before.join("/"),
                &text[found.part]
            )
        })
    }

    #[test]
    fn the_variable_at_the_cursor_is_found() {
        for (text, expected) in [
            ("a {{fie|", "first fie  fie"),
            ("a {{fields.na|me}} b", "first fields.name fields name"),
            ("{{fie|lds.name}}", "first fields.name  fields"),
            ("{{upper fields.|}}", "fields. fields "),
            ("{{#if (eq env.a| 'x')}}", "env.a environment a"),
            ("{{output.make.u|", "first output.make.u outputs/make u"),
            ("{{services.a-b.outputs.|", "first services.a-b.outputs. services/a-b/outputs "),
            ("{{a}} fie|", "none"),
            ("{{eq a 'fie|'}}", "none"),
            ("{{! fie|", "none"),
            ("no {braces|", "none"),
        ] {
            assert_eq!(check(text), expected, "{text}");
        }
    }
}
