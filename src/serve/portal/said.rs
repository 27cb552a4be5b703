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
    let label = html! { "Why" };
    words(("reason", true), (&label, Some("It is kept with your name.")), (form, wrong))
}

/// Asks what is to be said to it.
pub(super) fn comment(form: &Form, wrong: Option<&Refused>) -> Markup {
    let help = "It is kept with your name, beside the digest.";
    let label = html! { "Comment " span.quiet { "(optional)" } };
    words(("comment", false), (&label, Some(help)), (form, wrong))
}

/// Asks for some words, in a field of a name.
pub(super) fn words(
    (name, required): (&str, bool),
    (label, help): (&Markup, Option<&str>),
    (form, wrong): (&Form, Option<&Refused>),
) -> Markup {
    let wrong = wrong.and_then(|wrong| wrong.of(&format!("/{name}")));
    let described = format!("{name}-help");
    html! {
        div.field {
            label for=(name) { (label) }
            textarea id=(name) name=(name) required[required] maxlength=(LONGEST) aria-describedby=[help.map(|_| &described)] aria-invalid[wrong.is_some()] { (form.text(name)) }
            @if let Some(help) = help { p.help id=(described) { (help) } }
            @if let Some(wrong) = wrong { p.wrong { (spoken(wrong)) } }
        }
    }
}

/// Leads back to a page that tells that it was recorded.
pub(super) fn said(path: &str, answer: &Value) -> String {
    let driven = answer.get("driven").and_then(Value::as_bool).unwrap_or(true);
    link(path, &[("done", if driven { "said" } else { "waiting" })])
}
