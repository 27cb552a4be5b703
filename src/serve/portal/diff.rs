//! What changes between two values, line by line: one below the other or side by side, what stays the same folded, words marked.

use maud::{Markup, html};
use serde_json::Value;
use similar::{ChangeTag, DiffOp, TextDiff};

use super::marks::told;
use crate::reconcile::show::lines;

/// Lines that are shown around what changes.
const AROUND: usize = 3;

/// The longest value of which words are compared, in lines.
const MOST: usize = 5_000;

/// How a difference is shown.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum View {
    /// What goes, and below it what comes.
    #[default]
    Unified,
    /// What goes, and beside it what comes.
    Split,
}

impl View {
    /// Reads the word of an address.
    pub(super) fn of(word: &str) -> Self {
        if word == "split" { Self::Split } else { Self::Unified }
    }

    /// Leads to the same page in the other view.
    pub(super) fn other(self, path: &str) -> Markup {
        html! {
            p.views {
                @match self {
                    Self::Unified => a href=(format!("{path}?view=split")) { "Show differences side by side" },
                    Self::Split => a href=(path) { "Show differences one below the other" },
                }
            }
        }
    }
}

/// Shows what becomes of a value; all of it is new where there was none.
pub(super) fn between(before: Option<&Value>, after: Option<&Value>, view: View) -> Markup {
    let text =
        |value: Option<&Value>| value.map(|value| told_lines(&lines(value))).unwrap_or_default();
    texts(&text(before), &text(after), view)
}

fn told_lines(lines: &[String]) -> String {
    lines.iter().flat_map(|line| [told(line), "\n".to_owned()]).collect()
}

/// Shows what becomes of a text.
pub(super) fn texts(before: &str, after: &str, view: View) -> Markup {
    if before.lines().count() + after.lines().count() > MOST {
        return html! { p.quiet { "It is too long to be compared here; the command line shows it." } };
    }
    let diff = TextDiff::from_lines(before, after);
    html! {
        div.diff.split[view == View::Split] tabindex="0" role="region" aria-label="Difference" {
            @for op in diff.ops() {
                @match (op, view) {
                    (DiffOp::Equal { len, .. }, _) => (same(&diff, op, *len)),
                    (_, View::Unified) => @for line in differing(&diff, op) { (line.show()) },
                    (_, View::Split) => (beside(&differing(&diff, op))),
                }
            }
        }
    }
}

type Lines<'t> = TextDiff<'t, 't, str>;

/// One line that goes or comes.
struct Line {
    tag: ChangeTag,
    /// Its parts, and whether each is what is different.
    parts: Vec<(bool, String)>,
}

impl Line {
    fn show(&self) -> Markup {
        let (class, sign, said) = match self.tag {
            ChangeTag::Delete => ("remove", "- ", "removed: "),
            ChangeTag::Insert => ("add", "+ ", "added: "),
            ChangeTag::Equal => ("", "  ", ""),
        };
        html! {
            div class=(class) {
                span aria-hidden="true" { (sign) } span.unseen { (said) }
                @for (is_changed, text) in &self.parts {
                    @if !is_changed || text.trim().is_empty() { (text) }
                    @else if self.tag == ChangeTag::Delete { del { (text) } }
                    @else { ins { (text) } }
                }
            }
        }
    }
}

fn differing(diff: &Lines<'_>, op: &DiffOp) -> Vec<Line> {
    let changes = diff.iter_inline_changes(op).map(|change| {
        let parts = change.iter_strings_lossy();
        let part = |(is_changed, text): (bool, std::borrow::Cow<'_, str>)| {
            (is_changed, told(text.trim_end_matches('\n')))
        };
        Line { tag: change.tag(), parts: parts.map(part).collect() }
    });
    changes.collect()
}

/// Shows what goes and what comes beside each other.
fn beside(lines: &[Line]) -> Markup {
    let of = |tag: ChangeTag| lines.iter().filter(move |line| line.tag == tag).collect::<Vec<_>>();
    let (gone, come) = (of(ChangeTag::Delete), of(ChangeTag::Insert));
    html! {
        @for row in 0..gone.len().max(come.len()) {
            div.pair {
                @for side in [gone.get(row), come.get(row)] {
                    @match side { Some(line) => (line.show()), None => div.void {} }
                }
            }
        }
    }
}

/// Shows lines that stay; the middle of many is folded.
fn same(diff: &Lines<'_>, op: &DiffOp, count: usize) -> Markup {
    let all: Vec<String> =
        diff.iter_changes(op).map(|change| told(change.value().trim_end_matches('\n'))).collect();
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
        for view in [View::Unified, View::Split] {
            let html =
                texts("size: small\nname: a\n", "size: large\nname: a\n", view).into_string();
            assert!(
                html.contains("<del>small</del>") && html.contains("<ins>large</ins>"),
                "{html}"
            );
            let many =
                (0..40).fold(String::new(), |text, number| text + &format!("line {number}\n"));
            let html = texts(&many, &format!("{many}more\n"), view).into_string();
            assert!(html.contains("<summary>34 lines stay as they are</summary>"), "{html}");
            assert_eq!(html.matches("class=\"add\"").count(), 1);
            let hostile = json!({"name": "<script>alert(1)</script>"});
            let html = between(None, Some(&hostile), view).into_string();
            assert!(!html.contains("<script"), "{html}");
        }
    }

    #[test]
    fn what_goes_stands_beside_what_comes() {
        let html = texts("a: 1\nb: 2\n", "a: 3\n", View::Split).into_string();
        assert_eq!(html.matches("class=\"pair\"").count(), 2, "{html}");
        assert_eq!(html.matches("class=\"void\"").count(), 1, "{html}");
        assert_eq!(View::of("split").other("/x").into_string().matches("href=\"/x\"").count(), 1);
    }
}
