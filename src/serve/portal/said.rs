//! What forms that say something have in common: the reason, and what is told once it is recorded.

use maud::{Markup, html};
use serde_json::Value;

use super::form::Form;
use super::local::link;
use super::problem_page::{Refused, spoken};

/// The longest reason.
const LONGEST: &str = "2000";

/// Asks why.
pub(super) fn reason(form: &Form, wrong: Option<&Refused>) -> Markup {
    let wrong = wrong.and_then(|wrong| wrong.of("/reason"));
    html! {
        div.field {
            label for="reason" { "Why" }
            textarea #reason name="reason" required maxlength=(LONGEST) aria-describedby="reason-help" aria-invalid[wrong.is_some()] { (form.text("reason")) }
            p.help #reason-help { "It is kept with your name." }
            @if let Some(wrong) = wrong { p.wrong { (spoken(wrong)) } }
        }
    }
}

/// Asks what is to be said to it.
pub(super) fn comment(form: &Form, wrong: Option<&Refused>) -> Markup {
    let wrong = wrong.and_then(|wrong| wrong.of("/comment"));
    html! {
        div.field {
            label for="comment" { "Comment " span.quiet { "(optional)" } }
            textarea #comment name="comment" maxlength=(LONGEST) aria-describedby="comment-help" aria-invalid[wrong.is_some()] { (form.text("comment")) }
            p.help #comment-help { "It is kept with your name, beside the digest." }
            @if let Some(wrong) = wrong { p.wrong { (spoken(wrong)) } }
        }
    }
}

/// Leads back to a page that tells that it was recorded.
pub(super) fn said(path: &str, answer: &Value) -> String {
    let driven = answer.get("driven").and_then(Value::as_bool).unwrap_or(true);
    link(path, &[("done", if driven { "said" } else { "waiting" })])
}
