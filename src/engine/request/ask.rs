//! What somebody asks for: a service of an item, another value in one, or its end. It judges only what it can by itself.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::upload::Upload;
use crate::finding::Place;
use crate::finding::did_you_mean;

/// Fields of one request.
const MOST_FIELDS: usize = 500;

/// Bytes of one request's values.
const MOST_BYTES: usize = 64 * 1024;

/// Bytes of a reason and of a description.
const LONGEST_TEXT: usize = 2_000;

/// What somebody asks for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ask {
    /// The item or bundle that a new service is of.
    pub item: Option<String>,
    /// The service that is there and is to be different.
    pub service: Option<String>,
    /// Id of a new service.
    pub id: Option<String>,
    /// Team of a new service.
    pub team: Option<String>,
    /// Environment of a new service.
    pub environment: Option<String>,
    /// What it is for.
    pub description: Option<String>,
    /// Values of fields; `null` takes one away.
    pub fields: Map<String, Value>,
    /// Files that are put beside the service, by the field that names each.
    pub uploads: BTreeMap<String, Upload>,
    /// Services that must be there first.
    pub depends_on: Option<Vec<String>>,
    /// The state that it is to be in.
    pub state: Option<String>,
    /// The day after which it should be gone; an empty text takes the day away.
    pub expires: Option<String>,
    /// Takes the service away.
    pub delete: bool,
    /// Why.
    pub reason: String,
}

/// What is wrong with what somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Where in the request: a JSON pointer, such as `/fields/size`.
    pub pointer: String,
    /// What: one sentence without a full stop.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
    /// Where in the file that it would become; of another document where `elsewhere` says so.
    pub place: Option<Place>,
    /// It is about a document that the request does not write.
    pub elsewhere: bool,
}

impl Wrong {
    /// Says that something is wrong at a place of the request.
    pub fn at(pointer: &str, message: impl Into<String>) -> Self {
        let (pointer, message) = (pointer.to_owned(), message.into());
        Self { pointer, message, hint: None, place: None, elsewhere: false }
    }

    /// Adds what to do.
    #[must_use]
    pub fn hint(self, hint: impl Into<String>) -> Self {
        Self { hint: Some(hint.into()), ..self }
    }

    /// Says that nothing of a name is there, and what was probably meant.
    pub(super) fn unknown<'n>(
        pointer: &str,
        (what, name): (&str, &str),
        known: impl IntoIterator<Item = &'n str> + Clone,
    ) -> Self {
        let wrong = Self::at(pointer, format!("there is no {what} `{}`", cut(name)));
        match did_you_mean(name, known) {
            Some(hint) => wrong.hint(hint),
            None => wrong,
        }
    }
}

/// Cuts what came from outside, so that no answer repeats a megabyte of it or steers a terminal.
pub(super) fn cut(text: &str) -> String {
    let text = crate::reconcile::show::visible(text);
    let short: String = text.chars().take(80).collect();
    if short.len() < text.len() { format!("{short}…") } else { short }
}

impl Ask {
    /// Returns what is wrong with it whatever the catalog holds.
    pub fn problems(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        match (&self.item, &self.service) {
            (None, None) => wrong.push(
                Wrong::at("", "it names neither an item nor a service")
                    .hint("`item` asks for a new service of it, `service` for a change of one"),
            ),
            (Some(_), Some(_)) => wrong.push(
                Wrong::at("/service", "it names an item and a service")
                    .hint("`item` asks for a new service, whose name is `id`; `service` for a change of one"),
            ),
            (Some(_), None) => wrong.extend(self.odd_for_new()),
            (None, Some(_)) => wrong.extend(self.odd_for_change()),
        }
        wrong.extend(self.too_large());
        wrong
    }

    fn odd_for_new(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        if self.delete {
            wrong.push(
                Wrong::at("/delete", "a new service is not deleted").hint("name the `service`"),
            );
        }
        for (id, _) in self.fields.iter().filter(|(_, value)| value.is_null()) {
            let pointer = format!("/fields/{}", escaped(id));
            wrong.push(Wrong::at(&pointer, "there is no value to take away yet"));
        }
        wrong
    }

    fn odd_for_change(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        for (name, given) in [("id", self.id.is_some()), ("team", self.team.is_some())] {
            if given {
                let message = format!("`{name}` of a service that is there can't be changed");
                wrong.push(Wrong::at(&format!("/{name}"), message));
            }
        }
        let more = !self.fields.is_empty()
            || !self.uploads.is_empty()
            || self.depends_on.is_some()
            || [&self.environment, &self.description, &self.state, &self.expires]
                .into_iter()
                .any(Option::is_some);
        if self.delete && more {
            wrong.push(Wrong::at("/delete", "what is deleted is not changed besides"));
        }
        if !self.delete && !more {
            wrong.push(
                Wrong::at("", "nothing is asked for")
                    .hint("give `fields`, `state`, `expires` or another value, or `delete`"),
            );
        }
        wrong
    }

    fn too_large(&self) -> Vec<Wrong> {
        let mut wrong = Vec::new();
        let texts = [("reason", Some(&self.reason)), ("description", self.description.as_ref())];
        for (name, text) in texts {
            if text.is_some_and(|text| text.len() > LONGEST_TEXT) {
                let message = format!("it has more than {LONGEST_TEXT} bytes");
                wrong.push(Wrong::at(&format!("/{name}"), message));
            }
        }
        if self.fields.len() > MOST_FIELDS {
            wrong.push(Wrong::at("/fields", format!("there are more than {MOST_FIELDS} fields")));
        }
        let bytes = serde_json::to_string(&self.fields).map_or(usize::MAX, |text| text.len());
        if bytes > MOST_BYTES {
            wrong.push(Wrong::at("/fields", format!("they have more than {MOST_BYTES} bytes")));
        }
        wrong.extend(super::upload::too_large(&self.uploads));
        if self.depends_on.as_ref().is_some_and(|list| list.len() > MOST_FIELDS) {
            wrong.push(Wrong::at("/dependsOn", format!("there are more than {MOST_FIELDS}")));
        }
        wrong
    }
}

/// Writes a name into a JSON pointer.
pub(super) fn escaped(name: &str) -> String {
    name.replace('~', "~0").replace('/', "~1")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn said(ask: &Ask) -> String {
        let wrong = ask.problems().into_iter().map(|it| format!("{}: {}", it.pointer, it.message));
        wrong.collect::<Vec<_>>().join("; ")
    }

    #[test]
    fn what_makes_no_sense_is_told_with_its_place() {
        let item = || Ask { item: Some("db".to_owned()), ..Ask::default() };
        let service = || Ask { service: Some("db".to_owned()), ..Ask::default() };
        let fields = |value: Value| value.as_object().cloned().unwrap_or_default();
        assert_eq!(said(&item()), "");
        assert_eq!(said(&Ask { delete: true, ..service() }), "");
        assert_eq!(said(&Ask { fields: fields(json!({"a": null})), ..service() }), "");
        assert_eq!(said(&Ask::default()), ": it names neither an item nor a service");
        assert_eq!(said(&service()), ": nothing is asked for");
        let both = Ask { service: Some("x".to_owned()), ..item() };
        assert_eq!(said(&both), "/service: it names an item and a service");
        let gone = Ask { fields: fields(json!({"a/b": null})), ..item() };
        assert_eq!(said(&gone), "/fields/a~1b: there is no value to take away yet");
        let moved = Ask { team: Some("x".to_owned()), state: Some("y".to_owned()), ..service() };
        assert_eq!(said(&moved), "/team: `team` of a service that is there can't be changed");
        let large = Ask { fields: fields(json!({"a": "x".repeat(70_000)})), ..item() };
        assert_eq!(said(&large), "/fields: they have more than 65536 bytes");
        let long = Ask { reason: "x".repeat(3_000), ..item() };
        assert_eq!(said(&long), "/reason: it has more than 2000 bytes");
    }
}
