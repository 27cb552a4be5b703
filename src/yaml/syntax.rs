//! The parser's complaints in our words, with a place and what to do. Never reads events.

use saphyr_parser::ScanError;

use super::mend;
use super::source::{Source, Spot};
use crate::finding::Finding;

/// What the parser's message contains, the rule, what we say, and what to do.
type Wording = (&'static str, &'static str, &'static str, &'static str);

const FEATURE: &str = "yaml/feature";
const SYNTAX: &str = "yaml/syntax";
const QUOTE: &str = "put quotes around the text";

/// The first that matches counts.
const WORDINGS: &[Wording] = &[
    (
        "unknown anchor",
        FEATURE,
        "aliases (`*name`) are not supported",
        "write the value out, or quote a text that starts with `*`",
    ),
    (
        "scanning an anchor or alias",
        FEATURE,
        "a text without quotes can't start with `*` or `&`",
        QUOTE,
    ),
    (
        "handle wasn't declared",
        FEATURE,
        "tags (`!name`) are not supported",
        "remove the tag, or quote a text that starts with `!`",
    ),
    (
        " a tag",
        FEATURE,
        "tags (`!name`) are not supported",
        "remove the tag, or quote a text that starts with `!`",
    ),
    (
        "verbatim tag",
        FEATURE,
        "tags (`!name`) are not supported",
        "remove the tag, or quote a text that starts with `!`",
    ),
    (
        "scalar, found unexpected end of stream",
        SYNTAX,
        "this quoted text is never closed",
        "close it with the quote it starts with",
    ),
    (
        "unexpected document indicator",
        SYNTAX,
        "this quoted text runs into a line `---` or `...`",
        "close it with the quote it starts with",
    ),
    (
        "indentation in quoted scalar",
        SYNTAX,
        "a line of this quoted text is indented too little",
        "indent it further than the key, or close the quote",
    ),
    (
        "unknown escape character",
        SYNTAX,
        "this text has an escape that YAML does not know",
        "write `\\\\` for a backslash, or use single quotes",
    ),
    (
        "expected hexadecimal number",
        SYNTAX,
        "this text has an escape with too few hexadecimal digits",
        "`\\x` takes 2 digits, `\\u` 4 and `\\U` 8; a backslash that stands for itself is written `\\\\`",
    ),
    (
        "invalid Unicode character escape",
        SYNTAX,
        "this text has an escape that is no character",
        "write the character itself, or its own code as `\\U` with 8 digits: D800 to DFFF are halves of one",
    ),
    (
        "trailing content after double-quoted",
        SYNTAX,
        "there is text after the closing quote",
        "quote the whole text; inside it write `''` in single or `\\\"` in double quotes",
    ),
    (
        "mapping values are not allowed",
        SYNTAX,
        "`:` can't stand here",
        "quote a text that contains `: `, or check the indentation",
    ),
    (
        "illegal placement of ':'",
        SYNTAX,
        "`:` can't stand here",
        "write the key and its `:` on one line",
    ),
    ("':' may not precede", SYNTAX, "`:` needs a space after it", "write `key: value`"),
    (
        "mapping keys are not allowed",
        FEATURE,
        "keys that start with `? ` are not supported",
        "write `key: value`, or quote a text that starts with `? `",
    ),
    (
        "block sequence entries are not allowed",
        SYNTAX,
        "a list can't start here",
        "put its first `- ` on a line of its own, or quote a text that starts with `- `",
    ),
    (
        "only valid inside a block",
        SYNTAX,
        "`- ` can't stand inside brackets",
        "separate the items with `,`",
    ),
    (
        "did not find expected key",
        SYNTAX,
        "a key is expected here",
        "start the keys of one mapping in one column, and quote a text that goes on after a quote or bracket",
    ),
    (
        "expected '-' indicator",
        SYNTAX,
        "`- ` is expected here",
        "start the items of one list in one column",
    ),
    (
        "invalid indentation",
        SYNTAX,
        "this line is indented too little",
        "indent it further than the key it belongs to",
    ),
    (
        "expected ',' or ']'",
        SYNTAX,
        "`,` or `]` is expected here",
        "close the list, or quote a text that contains brackets or commas",
    ),
    (
        "expected ',' or '}'",
        SYNTAX,
        "`,` or `}` is expected here",
        "close the mapping, or quote a text that contains braces or commas",
    ),
    (
        "misplaced bracket",
        SYNTAX,
        "this closing bracket has no opening one",
        "remove it, or quote the text",
    ),
    (
        "comment intercepting",
        SYNTAX,
        "a comment stands in the middle of a text",
        "move the comment, or quote the text: ` #` starts a comment",
    ),
    ("comments must be separated", SYNTAX, "`#` needs a space before it to start a comment", QUOTE),
    (
        "wrongly indented line in block scalar",
        SYNTAX,
        "this line is indented less than the first line of its text",
        "indent all lines of the text alike",
    ),
    (
        "scanning a block scalar",
        SYNTAX,
        "this `|` or `>` is not followed by a line break",
        "start the text on the next line, or quote a text that starts with `|` or `>`",
    ),
    (
        "expected node content",
        SYNTAX,
        "a value is expected here",
        "remove what is too much, or quote the text",
    ),
    (
        "after document end marker",
        FEATURE,
        "there is text after the end of the document",
        "write one document a file",
    ),
    (
        "expected <document start>",
        SYNTAX,
        "this does not belong to what stands above",
        "start the keys of one mapping in one column",
    ),
    (
        "directive",
        FEATURE,
        "directives (lines that start with `%`) are not supported",
        "remove the line, or quote a text that starts with `%`",
    ),
    ("recursion limit", "yaml/depth", "nested deeper than 64 levels", "flatten the structure"),
];

/// Returns where the parser stopped.
pub(super) fn spot_of(source: &Source, error: &ScanError) -> Spot {
    source.spot(*error.marker())
}

/// Returns the finding for what the parser complains about.
pub(super) fn finding(source: &Source, error: &ScanError) -> Finding {
    let spot = source.visible(spot_of(source, error));
    if let Some(tab) = tab(source, error, spot) {
        return tabbed(source, tab);
    }
    if let Some(start) = template(source, spot) {
        return unquoted_template(source, start);
    }
    let info = error.info();
    if let Some(found) = foreign(source, spot) {
        return found;
    }
    if info.starts_with("simple key expect") {
        let start = last_content(source, spot_of(source, error));
        if let Some(found) = foreign(source, start) {
            return found;
        }
        return Finding::error(SYNTAX, source.place(start, 0), "this line has no `:` after a key")
            .hint("write `key: value`, or indent a line that continues a text");
    }
    let rest = source.text.get(spot.offset..).unwrap_or_default();
    if let (true, Some(first)) = (info.contains("unexpected character"), rest.chars().next()) {
        let shown = if first == '`' { "a backtick".to_owned() } else { format!("`{first}`") };
        let message = format!("a text without quotes can't start with {shown}");
        return Finding::error(SYNTAX, source.place(spot, 1), message).hint(QUOTE);
    }
    match WORDINGS.iter().find(|(needle, ..)| info.contains(needle)) {
        Some((_, rule, message, hint)) => {
            Finding::error(rule, source.place(spot, 1), *message).hint(*hint)
        }
        None => Finding::error(SYNTAX, source.place(spot, 1), format!("not YAML: {info}"))
            .hint("check brackets, quotes and indentation"),
    }
}

/// Returns the finding for what other tools write and YAML does not know: marks of a merge, comments of programs.
pub(super) fn foreign(source: &Source, spot: Spot) -> Option<Finding> {
    let line = source.line(spot.line);
    let start = source.start_of(spot.line);
    if ["<<<<<<< ", ">>>>>>> ", "||||||| "].iter().any(|mark| line.starts_with(mark)) {
        let place = source.place(source.at(start), 7);
        let message = "a mark of git stands here: two changes of these lines met in a merge";
        let hint = "keep the lines that are meant, and take the marks (`<<<<<<<`, `=======`, `>>>>>>>`) away";
        return Some(Finding::error(SYNTAX, place, message).hint(hint));
    }
    let rest = source.text.get(spot.offset..)?;
    rest.starts_with("//").then(|| {
        Finding::error(SYNTAX, source.place(spot, 2), "`//` begins no comment in YAML")
            .hint("begin a comment with `#`")
    })
}

/// Returns the finding for a tab that indents.
pub(super) fn tabbed(source: &Source, tab: Spot) -> Finding {
    let finding = Finding::error(SYNTAX, source.place(tab, 1), "a tab stands where spaces belong")
        .hint("indent with spaces, two for each level");
    Finding { fix: mend::tabs(source), ..finding }
}

/// Returns the finding for a template that is read as nested mappings.
pub(super) fn unquoted_template(source: &Source, start: Spot) -> Finding {
    let rest = source.text.get(start.offset..).unwrap_or_default();
    let line = rest.split('\n').next().unwrap_or_default();
    let near =
        line.char_indices().nth(200).map_or(line, |(end, _)| line.get(..end).unwrap_or(line));
    let end = near.find("}}").map_or(start.offset + 2, |end| start.offset + end + 2);
    let end = source.advance(start, end);
    let place = source.place(start, end.column.saturating_sub(start.column));
    let message = "a template without quotes is read as a mapping";
    let fix = mend::template(source, &place);
    let finding = Finding::error("yaml/template-quotes", place, message);
    Finding { fix, ..finding.hint("put the whole value in quotes: `\"{{…}}\"`") }
}

/// Returns the tab that the parser stumbled over.
fn tab(source: &Source, error: &ScanError, spot: Spot) -> Option<Spot> {
    let of_line = |line: u32| {
        let text = source.line(line);
        let blank = text.len() - text.trim_start_matches([' ', '\t']).len();
        let tab = text.find('\t').filter(|tab| *tab < blank)?;
        Some(source.at(source.start_of(line) + tab))
    };
    if let Some(tab) = of_line(spot.line) {
        return Some(tab);
    }
    if error.info().contains("must be followed by a valid YAML whitespace") {
        let before = source.slice(source.start_of(spot.line), spot.offset);
        return before.rfind('\t').map(|tab| source.at(source.start_of(spot.line) + tab));
    }
    if !error.info().contains("tab") {
        return None;
    }
    let rest = source.text.get(spot.offset..).unwrap_or_default();
    rest.find('\t').map(|tab| source.at(spot.offset + tab))
}

/// Returns where the template starts that the parser stumbled over.
fn template(source: &Source, spot: Spot) -> Option<Spot> {
    let from = [0, 1, 2].into_iter().filter_map(|back| spot.offset.checked_sub(back));
    let start = from.filter(|start| *start >= source.start_of(spot.line));
    let start = start
        .into_iter()
        .find(|start| source.text.get(*start..).is_some_and(|rest| rest.starts_with("{{")));
    start.map(|start| source.at(start))
}

/// Returns the start of the last line before a spot that is neither blank nor a comment.
fn last_content(source: &Source, spot: Spot) -> Spot {
    let start = if spot.offset >= source.text.len() {
        source.text.len()
    } else {
        source.start_of(spot.line)
    };
    let before = source.slice(0, start);
    let mut end = before.len();
    for line in before.split_inclusive('\n').rev() {
        end -= line.len();
        let content = line.trim_start();
        if !content.is_empty() && !content.starts_with('#') {
            return source.at(end + line.len() - content.len());
        }
    }
    source.visible(spot)
}
