//! What people are told about what the pointer is on: keys, ids, variables, rules. It proposes nothing.

use std::ops::Range;

use serde_json::{Value, json};

use super::complete::field_help;
use super::cursor::{rule_in_comment, variable_of};
use super::outline::{Part, Shape};
use super::reference::{Names, names, names_of_keys, word_text};
use super::scene::{Page, Scene};
use super::subject::Subject;

/// Answers what stands at an offset.
pub(super) fn hover(scene: &Scene<'_>, offset: usize) -> Value {
    let Some(page) = scene.page() else { return Value::Null };
    let Some((range, text)) = told(&page, offset) else { return Value::Null };
    json!({"contents": {"kind": "markdown", "value": text}, "range": scene.range(range)})
}

fn told(page: &Page<'_>, offset: usize) -> Option<(Range<usize>, String)> {
    let text = &*page.text;
    let Some((spot, part)) = page.outline.at(offset) else {
        let range = rule_in_comment(text, offset)?;
        let told = page.described(Names::Rule, text.get(range.clone())?, &[])?;
        return Some((range, told));
    };
    if part == Part::Value {
        if let Some(variable) = variable_of(text, spot, offset) {
            let word = text.get(variable.part.clone())?;
            let known = page.members(&spot.path, &variable.before);
            let word = known.iter().find(|known| known.name == word)?;
            return Some((variable.part, word_text(word)));
        }
        if let Some(names) = names(page.kind, &spot.path) {
            let told = page.described(names, spot.bare(text), &spot.path)?;
            return Some((spot.inner(text), told));
        }
        // What a value means is what its key means; a whole block of text is not one word.
        let short = !matches!(spot.shape, Shape::Block | Shape::Word);
        return short
            .then(|| subject_text(page.subject(&spot.path)))
            .flatten()
            .map(|told| (spot.value.clone(), told));
    }
    let key = spot.key.clone()?;
    let (_, mapping) = spot.path.split_last()?;
    let named = names_of_keys(page.kind, mapping)
        .and_then(|names| page.described(names, spot.name()?, mapping));
    let told = named.or_else(|| subject_text(page.subject(&spot.path)))?;
    Some((key, told))
}

/// Says in Markdown what stands at a path.
fn subject_text(subject: Subject<'_>) -> Option<String> {
    match subject {
        Subject::Field(field) => {
            let required = if field.is_demanded() { ", required" } else { "" };
            Some(format!("{}\n\n_{}{required}_", field_help(field), field.kind.word()))
        }
        Subject::Schema(node, required) => {
            let title = node.text("title")?;
            let mut parts = vec![format!("**{title}**")];
            parts.extend(node.text("description").map(str::to_owned));
            let required = if required { ", required" } else { "" };
            parts.push(format!("_{}{required}_", node.type_words()));
            let listed = |words: Vec<String>| {
                words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", ")
            };
            let rows = [
                ("allowed", Some(listed(node.allowed())).filter(|row| !row.is_empty())),
                ("default", node.default().map(|default| format!("`{default}`"))),
                ("limits", Some(node.limits().join("; ")).filter(|row| !row.is_empty())),
                ("example", node.example().map(|example| format!("`{example}`"))),
            ];
            parts.extend(
                rows.into_iter().filter_map(|(name, row)| Some(format!("{name}: {}", row?))),
            );
            Some(parts.join("\n\n"))
        }
        Subject::Form(_) => {
            Some("**Fields**\n\nValues of the fields of the form, by id.".to_owned())
        }
        Subject::Part | Subject::Nothing => None,
    }
}
