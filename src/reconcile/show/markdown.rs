//! A plan as Markdown for a pull request. What people wrote never becomes structure, link or mention.

use super::change::lines_of;
use super::reasons::{holds, pending, short_commit};
use super::sections::{Row, sections, summary};
use super::values::{cut, visible};
use crate::reconcile::change::Change;
use crate::reconcile::plan::Plan;

/// The most characters of a comment; forges refuse more than 65 536.
pub(super) const MOST: usize = 60_000;

/// Characters kept for the closing lines.
const CLOSING: usize = 600;

/// Characters up to which the table, and then each section, goes on.
const MOST_OF_TABLE: usize = 20_000;

/// The shortest rest in which a cut diff still says something.
const LEAST_DIFF: usize = 600;

/// Shows a plan as Markdown: a table, then the diff of each service, folded; at most 60 000 characters.
pub fn markdown(plan: &Plan) -> String {
    let mut page = Page::of(MOST - CLOSING);
    page.add(&format!("### {}\n", escaped(summary(plan).trim_end_matches('.'))));
    for hold in holds(plan) {
        page.add(&format!("\n> **{}**\n", escaped(&hold)));
    }
    table(plan, &mut page);
    for section in sections(plan) {
        page.add(&format!("\n**{}**\n\n", section.title));
        let row =
            |row: &Row| format!("- {}: {}\n", code(&row.subject), escaped(&cut(&row.what, 300)));
        page.rows(section.rows.iter().map(row));
    }
    let mut left_out = 0;
    for change in &plan.changes {
        left_out += usize::from(!details(plan, change, &mut page));
    }
    page.widen(MOST);
    if left_out > 0 {
        let what = if left_out == 1 { "diff is" } else { "diffs are" };
        page.add(&format!(
            "\n_Cut: {left_out} more {what} not shown; `trueline plan` shows all._\n"
        ));
    }
    if !plan.is_empty() {
        let commit = code(&short_commit(&plan.commit));
        page.add(&format!("\nPlan digest `{}` at {commit}\n", plan.digest.short()));
    }
    page.into_text()
}

/// A text that does not grow beyond its limit, in characters.
pub(super) struct Page {
    text: String,
    length: usize,
    limit: usize,
}

impl Page {
    /// Begins an empty one.
    pub(super) fn of(limit: usize) -> Self {
        Self { text: String::new(), length: 0, limit }
    }

    /// Lets it grow further.
    pub(super) fn widen(&mut self, limit: usize) {
        self.limit = limit;
    }

    /// Returns what it holds.
    pub(super) fn into_text(self) -> String {
        self.text
    }

    /// Adds a part as a whole, or not at all.
    pub(super) fn add(&mut self, part: &str) -> bool {
        let length = part.chars().count();
        let fits = self.length + length <= self.limit;
        if fits {
            self.text.push_str(part);
            self.length += length;
        }
        fits
    }

    fn left(&self) -> usize {
        self.limit.saturating_sub(self.length)
    }

    /// Adds rows while they keep to their share, and says how many there are more.
    pub(super) fn rows(&mut self, rows: impl Iterator<Item = String>) {
        let share = (self.length + MOST_OF_TABLE).min(self.limit.saturating_sub(100));
        let mut more = 0;
        for row in rows {
            let fits = more == 0 && self.length + row.chars().count() <= share;
            if !(fits && self.add(&row)) {
                more += 1;
            }
        }
        if more > 0 {
            self.add(&format!("\n_… and {more} more_\n"));
        }
    }
}

pub(super) fn table(plan: &Plan, page: &mut Page) {
    if plan.is_empty() {
        return;
    }
    page.add("\n| | Service | Team | Environment | What | Does not start yet |\n|---|---|---|---|---|---|\n");
    let row = |change: &Change| {
        let waits = pending(plan, change);
        let waits = match waits.as_slice() {
            [] => String::new(),
            [first] => first.clone(),
            [first, rest @ ..] => format!("{first} (and {} more)", rest.len()),
        };
        let kind = change.kind();
        format!(
            "| `{}` | {} | {} | {} | {kind} | {} |\n",
            kind.sign(),
            code(&change.service),
            escaped(&change.team),
            escaped(change.environment.as_deref().unwrap_or_default()),
            escaped(&cut(&waits, 300)),
        )
    };
    page.rows(plan.changes.iter().map(row));
}

/// Adds the diff of a service, cut where it does not fit; tells whether there was any room.
pub(super) fn details(plan: &Plan, change: &Change, page: &mut Page) -> bool {
    let mut diff = String::new();
    for line in lines_of(plan, change, 100) {
        line.write_diff(&mut diff);
    }
    let kind = change.kind();
    let head = format!(
        "\n<details>\n<summary><code>{} {kind} {}</code></summary>\n\n",
        html(kind.sign()),
        html(&change.service),
    );
    let fence = "`".repeat(longest_run(&diff).max(2) + 1);
    let frame = head.chars().count() + 2 * fence.len() + 60;
    let room = page.left().saturating_sub(frame);
    let length = diff.chars().count();
    if length > room {
        if room < LEAST_DIFF {
            return false;
        }
        diff = diff.chars().take(room).collect();
        diff.truncate(diff.rfind('\n').map_or(0, |end| end + 1));
        diff.push_str("… cut, `trueline plan` shows all\n");
    }
    page.add(&format!("{head}{fence}diff\n{diff}{fence}\n\n</details>\n"))
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}

/// Writes a name as code where it is an ordinary name, and escaped otherwise.
pub fn code(text: &str) -> String {
    let tame = |c: char| c.is_ascii_alphanumeric() || "-_./:~ ".contains(c);
    if text.trim().is_empty() || !text.chars().all(tame) {
        return escaped(&cut(text, 200));
    }
    format!("`{}`", cut(text.trim(), 200))
}

/// Writes a text so that no character of it is Markdown, HTML, a mention, a reference or a link: for what Trueline writes
/// whole, where it knows what stands around it. A value inside somebody's template, where it does not, is escaped by
/// `template`, which can't use a backslash there.
pub fn escaped(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let text = visible(text);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '|' | '~' | '!' | '$' => {
                safe.push('\\');
                safe.push(c);
            }
            // A backslash would not keep a forge from linking these: it looks at the text that is shown.
            '@' | '#' => {
                safe.push(c);
                safe.push('\u{200B}');
            }
            '-' if ends_with(&safe, "gh") => safe.push_str("-\u{200B}"),
            ':' if chars.peek() == Some(&'/')
                || ends_with(&safe, "mailto")
                || ends_with(&safe, "xmpp") =>
            {
                safe.push_str("&#58;");
            }
            '.' if ends_with(&safe, "www") => safe.push_str("&#46;"),
            '\t' => safe.push(' '),
            c => safe.push(c),
        }
    }
    safe
}

fn ends_with(text: &str, word: &str) -> bool {
    let end = text.get(text.len().saturating_sub(word.len())..);
    end.is_some_and(|end| end.eq_ignore_ascii_case(word))
}

/// Writes a text into a line of HTML.
pub(super) fn html(text: &str) -> String {
    let text = visible(text).replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    text.replace('"', "&quot;").replace('@', "@\u{200B}")
}
