//! What changes between two values, line by line: unified, what stays the same folded, words marked.

use maud::{Markup, html};
use serde_json::Value;
use similar::{ChangeTag, DiffOp, TextDiff};

use super::marks::told;
use crate::reconcile::show::lines;

/// Lines that are shown around what changes.
const AROUND: usize = 3;

/// The longest value of which words are compared, in lines.
const MOST: usize = 5_000;

/// Shows what becomes of a value; all of it is new where there was none.
pub(super) fn between(before: Option<&Value>, after: Option<&Value>) -> Markup {
    let text =
        |value: Option<&Value>| value.map(|value| told_lines(&lines(value))).unwrap_or_default();
    texts(&text(before), &text(after))
}

fn told_lines(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [told(line), "\n".to_owned()]).collect()
}

/// Shows what becomes of a text.
pub(super) fn texts(before: &str, after: &str) -> Markup {
    if before.lines().count() + after.lines().count() > MOST {
        return html! { p.quiet { "It is too long to be compared here; the command line shows it." } };
    }
    let diff = TextDiff::from_lines(before, after);
    html! { div.diff { @for op in diff.ops() { (of_op(&diff, op)) } } }
}

type Lines<'t> = TextDiff<'t, 't, str>;

fn of_op(diff: &Lines<'_>, op: &DiffOp) -> Markup {
    if let DiffOp::Equal { len, .. } = op {
        return same(diff, op, *len);
    }
    html! {
        @for change in diff.iter_inline_changes(op) {
            @let (class, sign, said) = match change.tag() {
                ChangeTag::Delete => ("remove", "- ", "removed: "),
                ChangeTag::Insert => ("add", "+ ", "added: "),
                ChangeTag::Equal => ("", "  ", ""),
            };
            div class=(class) {
                span aria-hidden="true" { (sign) } span.unseen { (said) }
                @for (is_changed, text) in change.iter_strings_lossy() {
                    @let text = text.trim_end_matches('\n');
                    @if !is_changed || text.trim().is_empty() { (text) }
                    @else if change.tag() == ChangeTag::Delete { del { (text) } }
                    @else { ins { (text) } }
                }
            }
        }
    }
}

/// Shows lines that stay; the middle of many is folded.
fn same(diff: &Lines<'_>, op: &DiffOp, count: usize) -> Markup {
    let all: Vec<String> = diff
        .iter_changes(op)
        .map(|change| change.value().trim_end_matches('\n').to_owned())
        .collect();
    let line = |text: &String| html! { div { "  " (text) } };
    let folded = if count > 2 * AROUND + 2 { AROUND..count - AROUND } else { 0..0 };
    html! {
        @for text in all.iter().take(folded.start) { (line(text)) }
        @if !folded.is_empty() {
            details {
                summary { (folded.len()) " lines stay as they are" }
                @for text in all.iter().take(folded.end).skip(folded.start) { (line(text)) }
            }
        }
        @for text in all.iter().skip(folded.end) { (line(text)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_that_change_are_marked_and_what_stays_is_folded() {
        let html = texts("size: small\nname: a\n", "size: large\nname: a\n").into_string();
        assert!(html.contains("<del>small</del>") && html.contains("<ins>large</ins>"), "{html}");
        let many = (0..40).fold(String::new(), |text, number| text + &format!("line {number}\n"));
        let html = texts(&many, &format!("{many}more\n")).into_string();
        assert!(html.contains("<summary>34 lines stay as they are</summary>"), "{html}");
        assert_eq!(html.matches("class=\"add\"").count(), 1);
        let hostile = json!({"name": "<script>alert(1)</script>"});
        let html = between(None, Some(&hostile)).into_string();
        assert!(!html.contains("<script"), "{html}");
    }
}
