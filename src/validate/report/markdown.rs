//! The Markdown report, for comments and job summaries. Nothing in it links, pings or leaves its cell.

use std::fmt::Write as _;

use super::plain::{advice, plain};
use super::registry::Format;
use super::report::Report;
use crate::finding::{Finding, Place};

pub(super) const FORMAT: Format = Format {
    name: "markdown",
    summary: "for comments and job summaries: GitHub's Markdown",
    about: "A table, the most severe first, and what the rules are about folded below it. It is cut at 60,000 \
            characters, and says how many findings are left out. Names of people and links in the text of others \
            ping nobody and lead nowhere. Paths begin at the root of the repository.",
    language: "markdown",
    write: markdown,
};

/// How long the report may be, in characters: a comment of GitHub holds 65,536.
const MOST: usize = 60_000;
/// What of it is left to the rules.
const FOR_RULES: usize = 15_000;
/// How much of one text is shown, in characters.
const MOST_OF_TEXT: usize = 400;
/// How many related places of one finding are shown.
const MOST_RELATED: usize = 5;

/// Reports findings as Markdown.
pub fn markdown(report: &Report<'_>) -> String {
    let documents = report.documents().count();
    let mut page = Page { out: String::new(), left: MOST - FOR_RULES };
    page.add(&format!("### Trueline: {}\n\n", report.summary()));
    let plural = if documents == 1 { "" } else { "s" };
    page.add(&format!("{documents} document{plural} judged.\n"));
    if report.findings.is_empty() {
        return page.out;
    }
    page.add("\n| | where | what |\n|---|---|---|\n");
    let findings = report.severe_first();
    let shown = findings.iter().take_while(|finding| page.add(&row(report, finding))).count();
    page.left += FOR_RULES;
    if let Some(rest @ 1..) = findings.len().checked_sub(shown) {
        page.add(&format!("\nAnd {rest} more: `trueline validate --verbose` shows all.\n"));
    }
    about_rules(&mut page, report);
    page.out
}

fn row(report: &Report<'_>, finding: &Finding) -> String {
    let at = |place: &Place| {
        code(&format!("{}:{}:{}", report.path(&place.path), place.line, place.column))
    };
    let mut what = format!("{} ({})", prose(&finding.message), code(&finding.rule));
    for (word, advice) in advice(finding) {
        // Writing to a String cannot fail.
        let _ = write!(what, "<br>{word}: {}", prose(&advice));
    }
    for (place, message) in finding.related.iter().take(MOST_RELATED) {
        let _ = write!(what, "<br>{}: {}", at(place), prose(message));
    }
    if let Some(more @ 1..) = finding.related.len().checked_sub(MOST_RELATED) {
        let _ = write!(what, "<br>and {more} places more");
    }
    let cells = [format!("**{}**", finding.severity), at(&finding.place), what];
    format!("| {} |\n", cells.map(|cell| in_cell(&cell)).join(" | "))
}

/// Escapes bars, at which a cell ends wherever they stand, also in code; a bar needs an odd number of backslashes.
fn in_cell(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut backslashes = 0;
    for character in text.chars() {
        if character == '|' {
            out.push_str(if backslashes % 2 == 0 { "\\" } else { "\\\\" });
        }
        backslashes = if character == '\\' { backslashes + 1 } else { 0 };
        out.push(character);
    }
    out
}

fn about_rules(page: &mut Page, report: &Report<'_>) {
    const END: &str = "\n</details>\n";
    let rules = report.rules();
    if rules.is_empty() {
        return;
    }
    page.left = page.left.saturating_sub(END.len());
    if page.add("\n<details>\n<summary>What these rules are about</summary>\n\n") {
        for rule in rules {
            let about = [rule.summary, rule.why, rule.mend].map(prose).join(" ");
            if !page.add(&format!("* {}: {about}\n", code(rule.id))) {
                break;
            }
        }
        page.out.push_str(END);
    }
}

/// A page that ends in time.
struct Page {
    out: String,
    /// Characters that it may still take.
    left: usize,
}

impl Page {
    /// Adds a text, or says that it does not fit.
    fn add(&mut self, text: &str) -> bool {
        let Some(left) = self.left.checked_sub(text.chars().count()) else { return false };
        self.left = left;
        self.out.push_str(text);
        true
    }
}

/// Writes a text as code, whatever it holds.
fn code(text: &str) -> String {
    let text = short(text);
    let longest = text.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat(longest + 1);
    // The parser takes one space from each side.
    let pad = if text.is_empty() || text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) {
        " "
    } else {
        ""
    };
    format!("{fence}{pad}{text}{pad}{fence}")
}

/// Writes a text: what stands between two backticks as code, the rest as it reads.
fn prose(text: &str) -> String {
    let text = short(text);
    let parts: Vec<&str> = text.split('`').collect();
    // The last backtick of an odd number has no other.
    let alone = if parts.len().is_multiple_of(2) { parts.len() - 1 } else { parts.len() };
    let mut out = String::new();
    for (index, part) in parts.iter().enumerate() {
        if index == alone {
            out.push_str("\\`");
        }
        if index % 2 == 0 || index == alone {
            out.push_str(&escaped(part));
            continue;
        }
        if out.ends_with('`') {
            out.push(' ');
        }
        out.push_str(&code(part));
    }
    out
}

fn short(text: &str) -> String {
    let mut characters = text.chars();
    let start: String = characters.by_ref().take(MOST_OF_TEXT).collect();
    let start = plain(&start);
    if characters.next().is_some() { start + "…" } else { start }
}

/// Escapes what Markdown or GitHub would read as more than text.
fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for character in text.chars() {
        match character {
            // A backslash does not keep GitHub from telling people, or from linking issues.
            '@' => out.push_str("@\u{200b}"),
            '#' => out.push_str("#\u{200b}"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '<' | '>' | '&' | '~' | '!' | ':'
            | '$' => {
                out.push('\\');
                out.push(character);
            }
            character => out.push(character),
        }
    }
    // The one way to write a link without any of these.
    out.replace("www.", "www\\.")
}

#[cfg(test)]
mod tests {
    use insta::assert_snapshot;

    use super::*;
    use crate::catalog::Snapshot;
    use crate::validate::report::tests::{broken, hostile};

    #[test]
    fn findings_are_a_table() {
        let (snapshot, findings) = broken();
        assert_snapshot!(markdown(&Report::new(&snapshot, &findings)), @r#"
        ### Trueline: 3 errors, 1 warning

        3 documents judged.

        | | where | what |
        |---|---|---|
        | **error** | `services/billing/payments-db.yaml:3:16` | `services/payments/payments-db.yaml` has the id `payments-db` too (`id/duplicate`)<br>`services/payments/payments-db.yaml:3:16`: the other one |
        | **error** | `services/payments/payments-db.yaml:3:16` | `services/billing/payments-db.yaml` has the id `payments-db` too (`id/duplicate`)<br>`services/billing/payments-db.yaml:3:16`: the other one |
        | **error** | `services/payments/payments-db.yaml:6:9` | expected one of `small`, `large`, found `smal` (`fields/value`)<br>hint: did you mean `small`?<br>fix: write `small` (`trueline validate --fix`) |
        | **warning** | `services/payments/payments-db.yaml:7:14` | this is taken as it stands\: only one lone reference is read in a field (`template/literal`)<br>hint: write nothing but `{{services.<id>.outputs.<name>}}` |

        <details>
        <summary>What these rules are about</summary>

        * `fields/value`: The value of a field is not one that the form allows. The limits of a form are what the owner of the item can answer for. Choose a value within the limits that the message names.
        * `id/duplicate`: Two documents claim one id. What belongs to that id would go from one to the other and back. Items and bundles share one space of ids. Rename one of them; where it was renamed already, its old id stands under `formerIds` of one document only.
        * `template/literal`: A field of a service holds a reference among other text, or another variable; or a constant holds a variable. Both are taken as they stand. What people enter is never a template; only one lone reference to an output is read. Give the reference alone, and let the item put it together with other text.

        </details>
        "#);
        assert_snapshot!(markdown(&Report::new(&snapshot, &[])), @r#"
        ### Trueline: nothing found

        3 documents judged.
        "#);
    }

    #[test]
    fn it_is_cut_where_a_comment_ends_and_counts_the_rest() {
        let snapshot = Snapshot::default();
        let finding = |line| {
            let place = Place { path: "services/a/b.yaml".into(), line, column: 1, length: 0 };
            Finding::error("fields/value", place, "x".repeat(300)).hint("y".repeat(2_000))
        };
        let findings: Vec<Finding> = (1..=1_000).map(finding).collect();
        let text = markdown(&Report::new(&snapshot, &findings));
        assert!(text.chars().count() <= MOST && text.ends_with("</details>\n"));
        let rows = text.lines().filter(|line| line.starts_with("| **error**")).count();
        assert!(text.contains(&format!("And {} more", 1_000 - rows)), "{rows}");
    }

    #[test]
    fn a_text_stays_in_its_cell_and_acts_on_nobody() {
        let (snapshot, findings) = hostile();
        let text = markdown(&Report::new(&snapshot, &findings));
        assert!(text.chars().count() <= MOST);
        let escapes = regex::Regex::new(r"\\.").unwrap();
        for row in text.lines().filter(|line| line.starts_with("| **")) {
            assert_eq!(escapes.replace_all(row, "").matches('|').count(), 4, "{row}");
            let shown = without_code(row);
            let shown = shown.replace("<br>", "");
            for acting in ["<", "@a", "@r", "@t", "#1", "#2", "](", "://", "www."] {
                let at = shown.find(acting);
                assert!(at.is_none_or(|at| shown[..at].ends_with('\\')), "{acting} in {row}");
            }
        }
    }

    /// Takes code out as the standard reads it: a run of backticks up to the next run of that length.
    fn without_code(text: &str) -> String {
        let pattern = regex::Regex::new(r"\\.|`+|[^\\`]+").unwrap();
        let tokens: Vec<&str> = pattern.find_iter(text).map(|found| found.as_str()).collect();
        let runs = regex::Regex::new("`+").unwrap();
        let (mut out, mut at) = (String::new(), 0);
        while let Some(token) = tokens.get(at) {
            let behind = tokens[at + 1..].concat();
            let closed = token.starts_with('`').then(|| {
                let mut runs = runs.find_iter(&behind);
                runs.find(|run| run.len() == token.len()).map(|run| run.end())
            });
            at += 1;
            let Some(Some(end)) = closed else {
                out.push_str(token);
                continue;
            };
            return out + "␣" + &without_code(&behind[end..]);
        }
        out
    }

    #[test]
    fn texts_are_escaped() {
        for (text, expected) in [
            ("no item `x`", "no item `x`"),
            ("a ` b", "a \\` b"),
            ("``", "`  `"),
            ("`a``b`", "`a` `b`"),
            ("*a* <b> _c_", "\\*a\\* \\<b\\> \\_c\\_"),
        ] {
            assert_eq!(prose(text), expected, "{text}");
        }
        assert_eq!(code("a`b"), "``a`b``");
        assert_eq!(code("`"), "`` ` ``");
    }
}
