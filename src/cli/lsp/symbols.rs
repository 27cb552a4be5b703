//! The outline of a document that an editor shows beside it: its keys, and what has an id. It looks at no catalog.

use std::ops::Range;

use lsp_types::SymbolKind;
use serde_json::{Value, json};

use super::outline::{Outline, Shape, Spot, Step};
use super::text::{Encoding, Text};

/// Answers the symbols of a document.
pub(super) fn symbols(text: &Text, encoding: Encoding) -> Value {
    let outline = Outline::of(text.as_str());
    let top: Vec<(&Spot, Range<usize>)> = outline
        .spots
        .iter()
        .filter(|spot| spot.path.len() == 1 && spot.shape != Shape::Word)
        .filter_map(|spot| Some((spot, spot.key.clone()?)))
        .collect();
    let ends = top.iter().skip(1).map(|(_, key)| key.start).chain([text.as_str().len()]);
    let symbol = |name: &str, kind: SymbolKind, all: Range<usize>, own: Range<usize>| {
        json!({
            "name": name, "kind": kind,
            "range": text.range(all, encoding), "selectionRange": text.range(own, encoding),
        })
    };
    top.iter()
        .zip(ends)
        .filter_map(|((spot, key), end)| {
            let below = outline
                .spots
                .iter()
                .filter(|other| other.path.len() > 1 && other.path.first() == spot.path.first());
            let children: Vec<Value> = below
                .filter_map(|spot| {
                    let (name, kind) = named(spot, text.as_str())?;
                    let key = spot.key.clone()?;
                    Some(symbol(name, kind, key.start..spot.value.end.max(key.end), key))
                })
                .collect();
            let mut symbol = symbol(
                spot.name()?,
                SymbolKind::PROPERTY,
                key.start..end.max(key.end),
                key.clone(),
            );
            symbol.as_object_mut()?.insert("children".to_owned(), children.into());
            Some(symbol)
        })
        .collect()
}

/// Names a key of the second level, or something that has an id.
fn named<'s>(spot: &'s Spot, text: &'s str) -> Option<(&'s str, SymbolKind)> {
    let name = spot.name()?;
    let in_list = matches!(spot.path.iter().rev().nth(1), Some(Step::Entry(_)));
    match (name, spot.bare(text)) {
        ("id", id) if in_list && !id.is_empty() => Some((id, SymbolKind::OBJECT)),
        _ if spot.path.len() == 2 => Some((name, SymbolKind::PROPERTY)),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_and_ids_are_shown() {
        let text =
            Text::new("kind: X\nlist:\n  - id: one\n    a: 1\n  - id: two\nmap:\n  a: {b: c}\n");
        let shown = symbols(&text, Encoding::Utf16);
        let names = |value: &Value| -> Vec<String> {
            let symbols = value.as_array().unwrap().iter();
            symbols.map(|symbol| symbol["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names(&shown), ["kind", "list", "map"]);
        assert_eq!(names(&shown[1]["children"]), ["one", "two"]);
        assert_eq!(names(&shown[2]["children"]), ["a"]);
        assert_eq!(shown[1]["range"]["end"], json!({"line": 5, "character": 0}));
    }
}
