//! Where somebody is writing: a key, a value, a variable, a rule in a comment. It proposes nothing.

use std::ops::Range;

use super::outline::{Part, Shape, Spot, Step};
use super::scene::{MARK, Page};
use super::template_scope::{Variable, variable_at};

/// Where somebody is writing; ranges are those of the text without the mark.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Cursor {
    /// A key of the mapping at a path; whether its colon is there already.
    Key { mapping: Vec<Step>, range: Range<usize>, colon: bool },
    /// The value at a path.
    Value { path: Vec<Step>, range: Range<usize>, quoted: bool },
    /// A variable of a template in the value at a path.
    Variable { path: Vec<Step>, variable: Variable },
    /// A rule in a comment that allows it.
    Rule { range: Range<usize> },
}

/// Finds what is written at the mark, which stands at an offset.
pub(super) fn cursor(page: &Page<'_>, offset: usize) -> Option<Cursor> {
    let text = &*page.text;
    let unmarked = |range: Range<usize>| range.start..range.end.saturating_sub(MARK.len_utf8());
    let Some((spot, part)) = page.outline.at(offset) else {
        return rule_in_comment(text, offset).map(|range| Cursor::Rule { range: unmarked(range) });
    };
    let path = spot.path.clone();
    if part == Part::Key {
        let range = unmarked(spot.key.clone()?);
        let mapping = without_last(&path);
        return Some(Cursor::Key { mapping, range, colon: true });
    }
    if let Some(mut variable) = variable_of(text, spot, offset) {
        variable.range = unmarked(variable.range);
        variable.part = unmarked(variable.part);
        return Some(Cursor::Variable { path, variable });
    }
    match spot.shape {
        Shape::Block => None,
        Shape::Word => {
            Some(Cursor::Key { mapping: path, range: unmarked(spot.value.clone()), colon: false })
        }
        shape => {
            let range = unmarked(spot.inner(text));
            Some(Cursor::Value { path, range, quoted: shape == Shape::Quoted })
        }
    }
}

/// Finds the variable at an offset of a value.
pub(super) fn variable_of(text: &str, spot: &Spot, offset: usize) -> Option<Variable> {
    let start = spot.value.start;
    let value = text.get(spot.value.clone())?;
    // A quote that opens the value is no quote of the template.
    let mut found = variable_at(value, offset.checked_sub(start)?)?;
    found.range = found.range.start + start..found.range.end + start;
    found.part = found.part.start + start..found.part.end + start;
    Some(found)
}

/// Finds the word after `# trueline: allow` at an offset.
pub(super) fn rule_in_comment(text: &str, offset: usize) -> Option<Range<usize>> {
    let line_start = text.get(..offset)?.rfind('\n').map_or(0, |at| at + 1);
    let before = text.get(line_start..offset)?;
    let comment = before.get(before.find('#')?..)?;
    let allow = comment.find("trueline: allow ")? + "trueline: allow ".len();
    let word = comment.get(allow..)?;
    if word.contains(' ') {
        return None;
    }
    let after = text.get(offset..)?;
    let end = offset + after.find(char::is_whitespace).unwrap_or(after.len());
    Some(offset - word.len()..end)
}

fn without_last(path: &[Step]) -> Vec<Step> {
    path.split_last().map(|(_, above)| above.to_vec()).unwrap_or_default()
}
