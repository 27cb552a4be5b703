//! How the demo prints: sections, what a person would type, and what was read back.

use crate::cli::context::Context;

/// Prints sections one after another.
#[derive(Clone, Debug)]
pub(super) struct Page {
    context: Context,
    section: usize,
}

impl Page {
    /// Prints in the way that a context says.
    pub(super) fn of(context: &Context) -> Self {
        Self { context: context.clone(), section: 0 }
    }

    /// Begins a section: its name, and in one line what happens.
    pub(super) fn section(&mut self, name: &str, what: &str) {
        self.section += 1;
        self.line("");
        self.line(self.painted("1;36", &format!("━━ {} {name}", self.section)));
        self.line(what);
    }

    /// Prints what a person would type for what follows.
    pub(super) fn typed(&self, command: &str) {
        self.line("");
        self.line(self.painted("1", &format!("$ {command}")));
    }

    /// Prints a line.
    pub(super) fn line(&self, text: impl AsRef<str>) {
        self.context.say(text.as_ref().trim_end());
    }

    /// Prints lines, moved in.
    pub(super) fn block(&self, text: &str) {
        for line in text.trim_end().lines() {
            self.line(format!("  {line}"));
        }
    }

    /// Prints what was checked and found to be so.
    pub(super) fn holds(&self, what: &str) {
        self.line(format!("{} {what}", self.painted("32", "✓")));
    }

    /// Prints rows as columns.
    pub(super) fn table(&self, rows: &[Vec<String>]) {
        let columns = rows.iter().map(Vec::len).max().unwrap_or_default();
        let width = |column: usize| {
            let cells = rows.iter().filter_map(|row| row.get(column));
            cells.map(|cell| cell.chars().count()).max().unwrap_or_default()
        };
        let widths: Vec<usize> = (0..columns).map(width).collect();
        for row in rows {
            let cells = row.iter().zip(&widths);
            let cells: Vec<String> = cells.map(|(cell, width)| format!("{cell:width$}")).collect();
            self.line(format!("  {}", cells.join("  ")));
        }
    }

    fn painted(&self, code: &str, text: &str) -> String {
        if self.context.color { format!("\u{1b}[{code}m{text}\u{1b}[0m") } else { text.to_owned() }
    }
}
