//! The registry of action types.

use serde_json::Value;

use super::shown::Shown;
use crate::template::Target;

/// Tells whether an action can say beforehand what it would bring about.
pub fn forecasts(kind: &str, config: &Value) -> bool {
    // What is filed as a pull request shows itself there.
    kind == "terraform" && config.get("repositoryMapping").is_none()
}

/// What one action type is, in one row.
#[derive(Debug)]
pub struct ActionKind {
    /// The word that documents use, `rest-api`.
    pub name: &'static str,
    /// One sentence for people.
    pub summary: &'static str,
    /// JSON Schema of its `config`, as text.
    pub schema: &'static str,
    /// Places in its `config` whose texts are escaped for something else than plain text.
    pub slots: &'static [Slot],
    /// JSON pointers to texts of its `config` that name a secret: the value takes the name's place when it is sent.
    pub secrets: &'static [&'static str],
    /// Tells which parts of a `config` others read, so that no secret may stand there.
    pub shown: fn(&Value) -> Shown,
    /// How it is undone.
    pub reversal: Reversal,
    /// Whether what it made can be looked at afterwards; the pointer names the key of `config` that it takes.
    pub observable: Option<&'static str>,
    /// Whether this build can perform it.
    pub available: bool,
    /// Names what an unrendered `config` asks for that this build can't do, where it is available.
    pub lacks: fn(&Value) -> Vec<String>,
    /// Whether what it makes is tied to what the same type made in the units that come before.
    pub is_tied: bool,
    /// Whether it is done again in an update although nothing of it changed.
    pub repeats: bool,
    /// Names the things in the outside world that a rendered `config` claims for itself, for two units must not claim one.
    pub claims: fn(&Value) -> Vec<String>,
    /// Names the targets (hosts, repositories) that a rendered `config` touches, for first contact.
    pub targets: fn(&Value) -> Vec<String>,
    /// Names of the outputs that it has, given its unrendered `config`, beside those that an action maps itself.
    pub outputs: fn(&Value) -> Vec<String>,
}

/// A place in a `config`, and what its text is rendered into.
#[derive(Debug)]
pub struct Slot {
    /// JSON pointer, `*` for any one key or index: `/files/*/path`.
    pub pointer: &'static str,
    /// What its text is rendered into.
    pub target: Target,
    /// What else decides.
    pub decided: Decided,
    /// Whether a map or list may stand in the place of the text: it keeps its shape and the types of its values.
    pub structured: bool,
}

/// What decides, beside the place of a text, what it is rendered into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// Nothing: the slot's target holds.
    Always,
    /// The slot's target holds while the word at this pointer of the `config` is this one, or absent.
    ByWord(&'static str, &'static str),
    /// The ending of the file name at this pointer, a `*` standing for the same key as in the slot's;
    /// the slot's target holds where there is no name.
    ByEnding(&'static str),
    /// The ending of the key that the last `*` of the slot stands for.
    ByKey,
}

impl Slot {
    pub(super) const fn new(pointer: &'static str, target: Target) -> Self {
        Self { pointer, target, decided: Decided::Always, structured: false }
    }

    pub(super) const fn decided(self, decided: Decided) -> Self {
        Self { decided, ..self }
    }

    pub(super) const fn structured(self) -> Self {
        Self { structured: true, ..self }
    }
}

/// How an action is undone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reversal {
    /// It has a reverse of its own.
    Natural,
    /// It has one where this pointer into its `config` holds something.
    Configured(&'static str),
    /// A person undoes it.
    Person,
    /// There is nothing to undo.
    Nothing,
}

static KINDS: [&ActionKind; 10] = [
    &super::approval::APPROVAL,
    &super::command::COMMAND,
    &super::git_commit::GIT_COMMIT,
    &super::github_workflow::GITHUB_WORKFLOW,
    &super::jira_ticket::JIRA_TICKET,
    &super::manual_task::MANUAL_TASK,
    &super::notify::NOTIFY,
    &super::rest_api::REST_API,
    &super::terraform::TERRAFORM,
    &super::webhook::WEBHOOK,
];

/// Returns all action types that documents may name, by name.
pub fn all() -> &'static [&'static ActionKind] {
    &KINDS
}

/// Returns an action type by its name, also one that only plans name.
pub fn find(name: &str) -> Option<&'static ActionKind> {
    let own = &super::verify::VERIFY;
    all().iter().copied().chain([own]).find(|kind| kind.name == name)
}

/// Nothing to name.
pub(super) fn none(_: &Value) -> Vec<String> {
    Vec::new()
}

/// Returns the text at a pointer of a rendered `config`, unless some of it is not known yet.
pub(super) fn known_text<'c>(config: &'c Value, pointer: &str) -> Option<&'c str> {
    let text = config.pointer(pointer)?.as_str()?;
    (!crate::template::has_unknown(text)).then_some(text)
}

/// Names the host of the URL at a pointer of a rendered `config`.
pub(super) fn host_at(config: &Value, pointer: &str) -> Option<String> {
    let url = url::Url::parse(known_text(config, pointer)?).ok()?;
    let host = url.host_str()?;
    Some(match url.port() {
        Some(port) => format!("host:{host}:{port}"),
        None => format!("host:{host}"),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Map;

    use super::*;

    fn schema_of(kind: &ActionKind) -> Value {
        serde_json::from_str(kind.schema).unwrap()
    }

    /// Visits every schema of a property or item below a schema.
    fn each_property(schema: &Value, path: &str, visit: &mut impl FnMut(&str, &Value)) {
        let empty = Map::new();
        for (name, property) in schema["properties"].as_object().unwrap_or(&empty) {
            let path = format!("{path}/{name}");
            visit(&path, property);
            each_property(property, &path, visit);
        }
        for key in ["items", "additionalProperties"] {
            if schema[key].is_object() {
                let path = format!("{path}/*");
                visit(&path, &schema[key]);
                each_property(&schema[key], &path, visit);
            }
        }
    }

    #[test]
    fn they_stand_by_name_and_are_found() {
        let names: Vec<&str> = all().iter().map(|kind| kind.name).collect();
        assert!(names.is_sorted(), "{names:?}");
        assert!(names.iter().all(|name| find(name).is_some_and(|kind| kind.name == *name)));
        let available: Vec<&str> =
            all().iter().filter(|kind| kind.available).map(|kind| kind.name).collect();
        assert_eq!(
            available,
            [
                "approval",
                "command",
                "git-commit",
                "github-workflow",
                "jira-ticket",
                "manual-task",
                "notify",
                "rest-api",
                "terraform",
                "webhook"
            ]
        );
        assert!(find("rest").is_none());
    }

    #[test]
    fn every_property_is_described_and_no_other_is_taken() {
        for kind in all() {
            let schema = schema_of(kind);
            let mut count = 0;
            let mut visit = |path: &str, property: &Value| {
                count += 1;
                for key in ["title", "description"] {
                    let text = property[key].as_str().unwrap_or_default();
                    assert!(!text.is_empty(), "{} {path} has no {key}", kind.name);
                }
                if property["properties"].is_object() {
                    assert_eq!(property["additionalProperties"], false, "{} {path}", kind.name);
                }
            };
            visit("", &schema);
            each_property(&schema, "", &mut visit);
            assert!(count > 3, "{}", kind.name);
        }
    }

    #[test]
    fn every_pointer_of_a_row_exists_in_its_schema() {
        for kind in all() {
            let mut known = vec![String::new()];
            each_property(&schema_of(kind), "", &mut |path, _| known.push(path.to_owned()));
            let mut pointers: Vec<&str> = kind.slots.iter().map(|slot| slot.pointer).collect();
            pointers.extend(kind.observable);
            if let Reversal::Configured(pointer) = kind.reversal {
                pointers.push(pointer);
            }
            for slot in kind.slots {
                match slot.decided {
                    Decided::ByWord(pointer, _) | Decided::ByEnding(pointer) => {
                        pointers.push(pointer);
                    }
                    Decided::Always | Decided::ByKey => {}
                }
            }
            for pointer in pointers {
                assert!(known.iter().any(|path| path == pointer), "{} {pointer}", kind.name);
            }
        }
    }
}
