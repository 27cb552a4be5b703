//! What pages are put together of: states with word, colour and shape, facts, empty lists, links to the next page.

use maud::{Markup, html};

use super::local::link;
use super::times::dated;
use crate::reconcile::show::{literal, visible};

/// How a state feels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Tone {
    /// As it should be.
    Good,
    /// Under way by itself.
    Busy,
    /// Waits for somebody.
    Wait,
    /// Somebody has to look.
    Bad,
    /// Over, and nothing to do.
    Off,
}

impl Tone {
    /// Tells how a state of a service, a run, a step, an approval or a task feels.
    pub(super) fn of(state: &str) -> Self {
        match state {
            "ready" | "succeeded" | "granted" | "done" | "healthy" | "ok" | "whole"
            | "completed" => Self::Good,
            "converging" | "running" | "rolling-back" | "queued" | "pending" | "retry"
            | "starting" | "unmade" | "submitted" | "processing" | "retrying" => Self::Busy,
            "waiting" | "paused" | "held" | "open" | "outdated" | "warning" | "drifted"
            | "proposed" | "escalated" => Self::Wait,
            "failed" | "stalled" | "blocked" | "needs-decision" | "parked" | "unknown"
            | "error" | "rejected" | "expired" | "degraded" | "broken" | "ill" | "shut-out" => {
                Self::Bad
            }
            _ => Self::Off,
        }
    }

    fn class(self) -> &'static str {
        match self {
            Self::Good => "mark good",
            Self::Busy => "mark busy",
            Self::Wait => "mark wait",
            Self::Bad => "mark bad",
            Self::Off => "mark off",
        }
    }

    /// A shape of its own, for who does not tell the colours apart.
    fn shape(self) -> Markup {
        let path = match self {
            Self::Good => {
                "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zm-1 10L3.7 7.7l1.3-1.3L7 8.4l4-4 1.3 1.3z"
            }
            Self::Busy => {
                "M8 1a7 7 0 1 0 7 7h-2a5 5 0 1 1-5-5zM10 1.3v2.1A5 5 0 0 1 12.6 6h2.1A7 7 0 0 0 10 1.3z"
            }
            Self::Wait => "M3 2h4v12H3zM9 2h4v12H9z",
            Self::Bad => "M8 1l7.5 13.5H.5zM7 6v4h2V6zm0 5v2h2v-2z",
            Self::Off => "M8 1a7 7 0 1 0 0 14A7 7 0 0 0 8 1zm0 2a5 5 0 1 1 0 10A5 5 0 0 1 8 3z",
        };
        html! { svg viewBox="0 0 16 16" aria-hidden="true" { path d=(path) fill-rule="evenodd" {} } }
    }
}

/// Shows a state: shape, colour and word.
pub(super) fn mark(state: &str) -> Markup {
    toned(Tone::of(state), state)
}

/// Shows a word with a tone of its own.
pub(super) fn toned(tone: Tone, word: &str) -> Markup {
    html! { span class=(tone.class()) { (tone.shape()) (word.replace('-', " ")) } }
}

/// Shows a word with a sign of its own, as the command line writes it.
pub(super) fn signed(tone: Tone, sign: &str, word: &str) -> Markup {
    html! { span class=(tone.class()) { span.sign aria-hidden="true" { (sign) } (word.replace('-', " ")) } }
}

/// Shows names and values beside each other; what is not there is left out.
pub(super) fn facts(rows: &[(&str, Option<Markup>)]) -> Markup {
    html! {
        dl.facts {
            @for (name, value) in rows {
                @if let Some(value) = value { div { dt { (name) } dd { (value) } } }
            }
        }
    }
}

/// Says that a list is empty, and what to do next.
pub(super) fn empty(what: &str, next: &Markup) -> Markup {
    html! { div.empty { p.lead { (what) } p { (next) } } }
}

/// Leads from one page of a list to the next: `path` with the filters as they are.
pub(super) fn pager(
    path: &str,
    filters: &[(&str, &str)],
    (now, next): (&str, Option<&str>),
) -> Markup {
    html! {
        @if !now.is_empty() || next.is_some() {
            nav.pager aria-label="Pages" {
                @if !now.is_empty() { a.button.plain href=(link(path, filters)) { "← First page" } }
                @if let Some(next) = next {
                    @let all = filters.iter().copied().chain([("cursor", next)]).collect::<Vec<_>>();
                    a.button.plain rel="next" href=(link(path, &all)) { "Next page →" }
                }
            }
        }
    }
}

/// Shows the beginning of a digest or a commit, with all of it in its title.
pub(super) fn short(digest: &str) -> Markup {
    let plain = digest.rsplit(':').next().unwrap_or(digest);
    html! { code.digest title=(digest) { (plain.get(..12).unwrap_or(plain)) } }
}

/// Writes a text from outside so that nothing in it hides or reorders what stands beside it; lines stay.
pub(super) fn told(text: &str) -> String {
    text.lines().map(visible).collect::<Vec<_>>().join("\n")
}

/// Shows a sentence from outside; what stands between backticks as code, and moments as people read them.
pub(super) fn prose(text: &str) -> Markup {
    let text = told(text);
    let paired = text.matches('`').count().is_multiple_of(2);
    html! {
        @if paired {
            @for (index, part) in text.split('`').enumerate() {
                @if index % 2 == 1 { code { (part) } } @else { (dated(part)) }
            }
        } @else { (dated(&text)) }
    }
}

/// Shows a value of a document or an answer: texts as they are, the rest as JSON.
pub(super) fn value(value: &serde_json::Value) -> Markup {
    match value {
        serde_json::Value::Null => nothing(),
        serde_json::Value::String(text) if text.is_empty() => html! { span.quiet { "empty" } },
        serde_json::Value::String(text) if is_link(text) => {
            html! { a href=(text) rel="noopener noreferrer" { (text) } }
        }
        serde_json::Value::String(text) if text.contains('\n') => html! { pre { (told(text)) } },
        serde_json::Value::String(text) => html! { span.value { (visible(text)) } },
        other => html! { code.value { (literal(other)) } },
    }
}

/// Shows that there is no value.
pub(super) fn nothing() -> Markup {
    html! { span.quiet { "nothing" } }
}

/// Only what a browser opens harmlessly is a link.
fn is_link(text: &str) -> bool {
    let begins = text.starts_with("https://") || text.starts_with("http://");
    begins && url::Url::parse(text).is_ok() && !text.contains(char::is_whitespace)
}

/// One choice of a filter, chosen or not.
pub(super) fn choice(value: &str, chosen: &str, label: &str) -> Markup {
    html! { option value=(value) selected[value == chosen] { (label) } }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn values_never_become_markup() {
        let shown = |one: serde_json::Value| value(&one).into_string();
        let hostile = "<script>alert(1)</script>";
        assert!(!shown(json!(hostile)).contains("<script"));
        assert!(!shown(json!({ hostile: hostile })).contains("<script"));
        assert!(!shown(json!("javascript:alert(1)")).contains("<a"));
        assert!(!shown(json!("https://a\" onclick=\"x")).contains("\" onclick"));
        assert!(shown(json!("https://db.example/x")).contains("<a href=\"https://db.example/x\""));
        assert!(!mark(hostile).into_string().contains("<script"));
    }

    #[test]
    fn what_stands_between_backticks_is_code() {
        let shown = |text: &str| prose(text).into_string();
        assert_eq!(shown("`a<b` is not"), "<code>a&lt;b</code> is not");
        assert_eq!(shown("one ` alone"), "one ` alone");
    }

    #[test]
    fn a_pager_keeps_the_filters() {
        let html =
            pager("/runs", &[("state", "failed"), ("q", "")], ("abc", Some("x&y"))).into_string();
        assert!(html.contains("/runs?state=failed\""), "{html}");
        assert!(html.contains("/runs?state=failed&amp;cursor=x%26y"), "{html}");
        assert_eq!(pager("/runs", &[], ("", None)).into_string(), "");
    }
}
