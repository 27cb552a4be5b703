//! The fields of a form of the catalog as a page asks for them. Whether what is filled in fits is decided by the API.

mod control;
mod read;
#[cfg(test)]
mod tests;
mod words;

use std::collections::BTreeSet;

use maud::{Markup, html};

use self::control::{control, is_group};
use self::words::{default_of, only_where};
use super::form::Form;
use super::marks::told;
use super::problem_page::{Refused, at_its_field, spoken};
use crate::catalog::{Field, FieldType, Form as CatalogForm};

pub(super) use self::read::{Kept, filled, uploads};

/// What names of fields begin with, so that they are never taken for ours.
pub(super) const PREFIX: &str = "field.";

/// How fields are filled in, and what is said beside them.
pub(super) struct Shown<'f> {
    /// What was filled in.
    pub(super) form: &'f Form,
    /// What is wrong with it.
    pub(super) wrong: Option<&'f Refused>,
    /// Defaults stand in their fields; otherwise they are told beside, and hold where nothing is given.
    pub(super) prefills: bool,
    /// Names of secrets that can be picked.
    pub(super) secrets: &'f [String],
    /// Secrets and files that stay as they are where nothing else is given.
    pub(super) keeps: &'f BTreeSet<String>,
}

impl<'f> Shown<'f> {
    /// Shows a form whose defaults stand in it.
    pub(super) fn filled_in(form: &'f Form, wrong: Option<&'f Refused>) -> Self {
        static NONE: BTreeSet<String> = BTreeSet::new();
        Self { form, wrong, prefills: true, secrets: &[], keeps: &NONE }
    }
}

/// Returns where a field stands on its page.
pub(super) fn anchor(id: &str) -> String {
    format!("field-{id}")
}

/// Shows the groups and fields of a form.
pub(super) fn inputs(asked: &CatalogForm, shown: &Shown<'_>) -> Markup {
    html! {
        @for group in &asked.groups {
            @if !group.fields.is_empty() {
                fieldset.group {
                    legend { (told(&group.name)) }
                    @if let Some(about) = &group.description { p.help { (told(about)) } }
                    @for field in &group.fields { (input(asked, field, shown)) }
                }
            }
        }
        @if !shown.secrets.is_empty() {
            datalist #secrets { @for name in shown.secrets { option value=(name) {} } }
        }
    }
}

fn input(asked: &CatalogForm, field: &Field, shown: &Shown<'_>) -> Markup {
    let id = anchor(&field.id);
    let about = format!("{id}-about");
    let wrong = shown.wrong.map(|wrong| wrong.under(&format!("/fields/{}", field.id)));
    let wrong = wrong.unwrap_or_default();
    let is_wrong = !wrong.is_empty();
    let condition = field.conditional.as_ref();
    let when = condition.and_then(|condition| serde_json::to_string(condition).ok());
    let default = field.default.as_ref().map(ToString::to_string);
    let body = html! {
        div id=(about) {
            @if let Some(condition) = condition { p.help.when { (only_where(asked, condition)) } }
            @if let Some(about) = &field.description { p.help { (told(about)) } }
            @if let Some(default) = default_of(field).filter(|_| !shown.prefills) { p.help { "Where nothing is given: " (default) "." } }
            @if field.kind == FieldType::Password { p.help { "The name of a secret; never its value." } }
            div.wrongs aria-live="polite" { @for wrong in &wrong { p.wrong { (spoken(at_its_field(wrong))) } } }
        }
    };
    html! {
        div.field data-field=(field.id) data-kind=(field.kind.word()) data-when=[when] data-default=[default] {
            @if is_group(field, shown) {
                fieldset.choices id=(id) aria-describedby=(about) {
                    legend { (name(field)) }
                    (control(field, (&id, &about), (shown, is_wrong)))
                }
            } @else {
                label for=(id) { (name(field)) }
                (control(field, (&id, &about), (shown, is_wrong)))
            }
            (body)
        }
    }
}

fn name(field: &Field) -> Markup {
    html! {
        (told(&field.name))
        @if !field.is_demanded() { " " span.quiet { "(optional)" } }
        @if field.immutable { " " span.quiet { "(a change of it makes the service anew)" } }
    }
}
