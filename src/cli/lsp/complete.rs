//! Completion: keys by the schema or the form, values by what there is, variables by where they are known. It judges nothing.

use lsp_types::CompletionItemKind;
use serde_json::{Value, json};

use super::complete_value::values;
use super::cursor::{Cursor, cursor};
use super::outline::{Shape, Step};
use super::reference::{Names, Word, names_of_keys};
use super::scene::{Page, Scene};
use super::subject::Subject;
use crate::catalog::{Field, Form};
use crate::template::HELPERS;

/// One thing that can be written.
#[derive(Clone, Debug)]
pub(super) struct Choice {
    pub(super) word: Word,
    pub(super) kind: CompletionItemKind,
    /// What is written; the word where absent.
    pub(super) text: Option<String>,
    /// Smaller ones come first.
    pub(super) rank: u8,
}

impl Choice {
    pub(super) fn new(word: Word, kind: CompletionItemKind) -> Self {
        Self { word, kind, text: None, rank: 1 }
    }
}

/// Answers what can be written at an offset.
pub(super) fn completions(scene: &Scene<'_>, offset: usize) -> Value {
    let Some(page) = scene.marked(offset) else { return Value::Null };
    let Some(cursor) = cursor(&page, offset) else { return Value::Null };
    let (range, choices) = match &cursor {
        Cursor::Key { mapping, range, colon } => (range, keys(&page, mapping, *colon)),
        Cursor::Value { path, range, quoted } => {
            let values = values(&page, path, *quoted);
            // An entry of a list may begin with a key.
            let entry = values.is_empty() && !quoted && matches!(path.last(), Some(Step::Entry(_)));
            (range, if entry { keys(&page, path, false) } else { values })
        }
        Cursor::Variable { path, variable } => {
            let words = page.members(path, &variable.before);
            let mut choices: Vec<Choice> = words
                .into_iter()
                .map(|word| Choice::new(word, CompletionItemKind::VARIABLE))
                .collect();
            if variable.first && variable.before.is_empty() && !choices.is_empty() {
                let helpers = HELPERS.iter().map(|name| Word::new(name, "helper", ""));
                choices.extend(helpers.map(|word| Choice::new(word, CompletionItemKind::FUNCTION)));
            }
            (&variable.part, choices)
        }
        Cursor::Rule { range } => {
            let words = page.all(Names::Rule, &[]).into_iter();
            (range, words.map(|word| Choice::new(word, CompletionItemKind::VALUE)).collect())
        }
    };
    let range = scene.range(range.clone());
    let items = choices.into_iter().enumerate().map(|(number, choice)| {
        let Choice { word, kind, text, rank } = choice;
        let mut item = json!({
            "label": word.name,
            "kind": kind,
            "detail": word.detail,
            "sortText": format!("{rank}{number:04}"),
            "filterText": word.name,
            "textEdit": {"range": range, "newText": text.unwrap_or_else(|| word.name.clone())},
        });
        if let (false, Value::Object(fields)) = (word.help.is_empty(), &mut item) {
            let help = json!({"kind": "markdown", "value": word.help});
            fields.insert("documentation".to_owned(), help);
        }
        item
    });
    items.collect()
}

/// Returns the keys that the mapping at a path may have and has not.
fn keys(page: &Page<'_>, mapping: &[Step], colon: bool) -> Vec<Choice> {
    let there: Vec<&str> = page.outline.below(mapping).filter_map(|spot| spot.name()).collect();
    let mut choices = match page.subject(mapping) {
        Subject::Schema(node, _) => {
            let own = node.properties().into_iter().map(|(name, required, child)| {
                let help = child.text("description").unwrap_or_default();
                let detail = told(&child.type_words(), required);
                let mut choice =
                    Choice::new(Word::new(&name, &detail, help), CompletionItemKind::PROPERTY);
                let below =
                    ["mapping", "list"].iter().any(|word| child.type_words().starts_with(word));
                choice.text = Some(format!("{name}:{}", if below { "" } else { " " }));
                choice.rank = u8::from(!required);
                choice
            });
            own.collect()
        }
        Subject::Form(form) => fields(page, form, mapping),
        _ => Vec::new(),
    };
    if let Some(names) = names_of_keys(page.kind, mapping) {
        choices.extend(page.all(names, mapping).into_iter().map(|word| {
            let text = Some(format!("{}: ", word.name));
            Choice { text, ..Choice::new(word, CompletionItemKind::PROPERTY) }
        }));
    }
    choices.retain(|choice| !there.contains(&choice.word.name.as_str()));
    if colon {
        choices.iter_mut().for_each(|choice| choice.text = None);
    }
    // Where keys are not known, the word is a value that stands below its key.
    if choices.is_empty() && there.is_empty() { values(page, mapping, false) } else { choices }
}

/// Returns the fields of a form: those that must be given first, those that are hidden last.
fn fields(page: &Page<'_>, form: &Form, mapping: &[Step]) -> Vec<Choice> {
    let given = page.outline.below(mapping).filter_map(|spot| {
        let text = spot.bare(&page.text);
        let value = match spot.shape {
            Shape::Plain => serde_yaml::from_str(text).unwrap_or_default(),
            _ => Value::from(text),
        };
        Some((spot.name()?.to_owned(), value))
    });
    let visible = form.visible(&form.with_defaults(&given.collect()));
    let choice = |field: &Field| {
        let demanded = field.is_demanded();
        let (detail, rank) = match &field.conditional {
            Some(condition) if !visible.contains(field.id.as_str()) => {
                let (name, operator) = (&condition.field, &condition.operator);
                (format!("only where {name} {operator} {}", bare(&condition.value)), 2)
            }
            _ => (told(field.kind.word(), demanded), u8::from(!demanded)),
        };
        let word = Word::new(&field.id, &detail, &field_help(field));
        let text = Some(format!("{}: ", field.id));
        Choice { text, rank, ..Choice::new(word, CompletionItemKind::FIELD) }
    };
    form.fields().map(choice).collect()
}

/// Says in Markdown what a field is.
pub(super) fn field_help(field: &Field) -> String {
    let mut lines = vec![format!("**{}**", field.name)];
    lines.extend(field.description.clone());
    let values: Vec<String> = field.values().map(|value| format!("`{}`", bare(value))).collect();
    if !values.is_empty() {
        lines.push(format!("one of {}", values.join(", ")));
    }
    lines.extend(field.default.as_ref().map(|default| format!("default: `{}`", bare(default))));
    let message = field.limit("message").and_then(Value::as_str);
    lines.extend(message.map(str::to_owned));
    if field.immutable {
        lines.push("A change replaces the service.".to_owned());
    }
    lines.join("\n\n")
}

/// Returns a value as text without quotes.
pub(super) fn bare(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

fn told(kind: &str, required: bool) -> String {
    if required { format!("{kind}, required") } else { kind.to_owned() }
}
