//! Tables, lists and times for people. Every cell is made harmless here, so that no document can steer a terminal.

use clap::Args;
use comfy_table::{Cell, Table, presets};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use crate::reconcile::show::{literal, visible};
use crate::secret::MASK;

/// The longest text of a cell, in characters.
const LONGEST_CELL: usize = 240;

/// How much of a list is shown.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Limit {
    /// How many are shown at most.
    #[arg(long, value_name = "NUMBER", default_value_t = 50,
          value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(super) limit: u32,
}

impl Limit {
    /// Returns it as a number of items.
    pub(super) fn items(self) -> usize {
        usize::try_from(self.limit).unwrap_or(usize::MAX)
    }
}

/// A list that is cut, and how many there are.
#[derive(Debug, Serialize)]
pub(super) struct Listed<T> {
    /// How many there are.
    pub(super) total: usize,
    /// The first of them.
    pub(super) items: Vec<T>,
    /// There are more, which a server did not count.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) more: bool,
}

impl<T> Listed<T> {
    /// Keeps the first ones of a list.
    pub(super) fn of(items: impl IntoIterator<Item = T>, limit: Limit) -> Self {
        let mut items = items.into_iter();
        let kept: Vec<T> = items.by_ref().take(limit.items()).collect();
        Self { total: kept.len() + items.count(), items: kept, more: false }
    }

    /// Takes the first ones of a list of which nobody counted the rest.
    pub(super) fn page(items: impl IntoIterator<Item = T>, more: bool) -> Self {
        let items: Vec<T> = items.into_iter().collect();
        Self { total: items.len(), items, more }
    }

    /// Keeps the items, changed.
    pub(super) fn map<U>(self, change: impl FnMut(T) -> U) -> Listed<U> {
        let items = self.items.into_iter().map(change).collect();
        Listed { total: self.total, items, more: self.more }
    }

    /// Says how many are not shown; nothing where all are.
    pub(super) fn rest(&self) -> String {
        match self.total.saturating_sub(self.items.len()) {
            0 if self.more => "… and more; --limit shows them\n".to_owned(),
            0 => String::new(),
            rest => format!("… and {rest} more; --limit shows them\n"),
        }
    }
}

/// Writes a table without borders, as `kubectl` does; empty names make it one without a head.
pub(super) fn table<const N: usize>(
    head: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> String {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if !head.iter().all(|name| name.is_empty()) {
        table.set_header(head);
    }
    for row in rows {
        table.add_row(row.map(|text| Cell::new(cell(&text))));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// Makes a text from outside fit for one cell.
pub(super) fn cell(text: &str) -> String {
    let text = visible(text);
    if text.chars().count() <= LONGEST_CELL {
        return text;
    }
    text.chars().take(LONGEST_CELL).chain(['…']).collect()
}

/// Writes a value that was masked before; what stands for a secret has no quotes.
pub(super) fn value(value: &Value) -> String {
    if value == MASK { MASK.to_owned() } else { cell(&literal(value)) }
}

/// Makes a text of several lines harmless, line by line, and indents it.
pub(super) fn block(indent: &str, text: &str) -> String {
    let lines = text.trim_end().lines().map(|line| format!("{indent}{}", visible(line)));
    lines.map(|line| line.trim_end().to_owned() + "\n").collect()
}

/// Says how long ago a moment was.
pub(super) fn ago(now: Timestamp, at: Timestamp) -> String {
    let seconds = now.as_second() - at.as_second();
    let words = match seconds.unsigned_abs() {
        less @ 0..60 => format!("{less}s"),
        less @ 60..3_600 => format!("{}m", less / 60),
        less @ 3_600..172_800 => format!("{}h", less / 3_600),
        more => format!("{}d", more / 86_400),
    };
    if seconds < 0 { format!("in {words}") } else { format!("{words} ago") }
}

/// Writes a number with its word: `1 unit`, `2 units`.
pub(super) fn count(number: usize, word: &str) -> String {
    format!("{number} {word}{}", if number == 1 { "" } else { "s" })
}

/// Shortens a commit as people do, also behind `dir:`.
pub(super) fn short_commit(commit: &str) -> String {
    let (lead, id) = commit.strip_prefix("dir:").map_or(("", commit), |id| ("dir:", id));
    cell(&format!("{lead}{}", id.chars().take(12).collect::<String>()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_has_no_borders_and_can_t_be_steered() {
        let rows = [
            ["shop".to_owned(), "ready".to_owned()],
            ["\u{1b}[31mred\n".to_owned(), "数".repeat(300)],
        ];
        let text = table(["SERVICE", "STATE"], rows);
        let cut = format!("{}…", "数".repeat(LONGEST_CELL));
        assert_eq!(
            text,
            format!("SERVICE          STATE\nshop             ready\n\\u{{1b}}[31mred\\n  {cut}\n")
        );
        assert_eq!(table(["A"], Vec::<[String; 1]>::new()), "A\n");
    }

    #[test]
    fn moments_are_said_as_people_say_them() {
        let at = |second| Timestamp::from_second(second).expect("a time");
        for (second, expected) in [
            (0, "0s ago"),
            (59, "59s ago"),
            (60, "1m ago"),
            (7_199, "1h ago"),
            (172_800, "2d ago"),
            (-61, "in 1m"),
        ] {
            assert_eq!(ago(at(second), at(0)), expected);
        }
    }

    #[test]
    fn a_list_says_what_it_left_out() {
        let listed = Listed::of(1..=5, Limit { limit: 3 });
        assert_eq!((listed.items.as_slice(), listed.total), (&[1, 2, 3][..], 5));
        assert_eq!(listed.rest(), "… and 2 more; --limit shows them\n");
        assert_eq!(Listed::of(1..=3, Limit { limit: 3 }).rest(), "");
    }
}
