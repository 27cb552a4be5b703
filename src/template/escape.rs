//! Escaping by target: a value never changes the shape of what it is put into.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::markdown::{inside_markdown, inside_message};
use super::marker::{Piece, pieces};

/// What a template is rendered into, which decides how its values are escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Plain text: as it is.
    Text,
    /// Inside a JSON document: as the inside of a JSON string.
    Json,
    /// A URL: percent-encoded; a URL that stands at the very start is taken as it is.
    Url,
    /// A header: carriage return, line feed and other control characters are refused.
    Header,
    /// A path: `..`, `/` in a value and absolute paths are refused.
    Path,
    /// HCL: `"`, `\`, `${` and `%{` are escaped.
    Hcl,
    /// JIRA's wiki markup: its characters are escaped.
    Jira,
    /// Markdown as a forge shows it: a value is text, and names nobody.
    Markdown,
    /// A commit message or a title: one line of text, which names nobody and closes nothing.
    Message,
}

/// What RFC 3986 calls unreserved stays.
const IN_URL: AsciiSet = NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Escapes the text of a value for what stands `before` it; markers stay whole.
pub(super) fn escape(target: Target, text: &str, before: &str) -> Result<String, &'static str> {
    refuse(target, text, before)?;
    if target == Target::Text {
        return Ok(text.to_owned());
    }
    if text.is_empty() {
        // Where nothing stands, two lines may become two paragraphs.
        return Ok(escape_piece(target, text, before));
    }
    let mut escaped = String::with_capacity(text.len());
    for piece in pieces(text) {
        match piece {
            Piece::Marker(marker) => escaped.push_str(marker),
            Piece::Text(text) => {
                let before = if escaped.is_empty() { before } else { &escaped };
                let text = escape_piece(target, text, before);
                escaped.push_str(&text);
            }
        }
    }
    Ok(escaped)
}

/// Refuses a value that no escaping makes safe.
fn refuse(target: Target, text: &str, before: &str) -> Result<(), &'static str> {
    match target {
        Target::Url if text.is_empty() && !before.contains('?') => {
            Err("is empty, and would make it another URL")
        }
        Target::Header if text.chars().any(breaks_header) => {
            Err("holds a line break or control character, which no header may")
        }
        Target::Path if text.is_empty() => Err("is empty, and would make it another path"),
        Target::Path if text == "." || text == ".." => Err("leads out of its folder"),
        Target::Path if text.contains(['/', '\\']) => Err("holds a `/`, which one name may not"),
        Target::Path if text.chars().any(char::is_control) => Err("holds a control character"),
        _ => Ok(()),
    }
}

fn escape_piece(target: Target, text: &str, before: &str) -> String {
    match target {
        Target::Text | Target::Header | Target::Path => text.to_owned(),
        Target::Json => inside_json(text),
        Target::Url => utf8_percent_encode(text, &IN_URL).to_string(),
        Target::Hcl => inside_hcl(text, before),
        Target::Jira => inside_jira(text),
        Target::Markdown => inside_markdown(text, before),
        Target::Message => inside_message(text, before),
    }
}

/// The inside of a JSON string.
pub(super) fn inside_json(text: &str) -> String {
    let quoted = Value::String(text.to_owned()).to_string();
    quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default().to_owned()
}

/// The inside of a quoted text of HCL; `$` and `%` never meet a `{`, on neither side.
fn inside_hcl(text: &str, before: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    if before.ends_with(['$', '%']) && chars.next_if_eq(&'{').is_some() {
        escaped.push_str("\\u007b");
    }
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('$', None) => escaped.push_str("\\u0024"),
            ('%', None) => escaped.push_str("\\u0025"),
            ('$' | '%', Some('{')) => escaped.extend([c, c]),
            ('"' | '\\', _) => escaped.extend(['\\', c]),
            ('\n', _) => escaped.push_str("\\n"),
            ('\r', _) => escaped.push_str("\\r"),
            ('\t', _) => escaped.push_str("\\t"),
            (c, _) if c.is_control() => escaped.extend(format!("\\u{:04x}", u32::from(c)).chars()),
            (c, _) => escaped.push(c),
        }
    }
    escaped
}

/// JIRA's wiki text: its marks behind a backslash, hyphens inside words left alone.
fn inside_jira(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    let mut previous = None;
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let in_word = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let marks = match c {
            '-' | '_' | '+' => !(in_word(previous) && in_word(chars.peek().copied())),
            '.' => starts_a_heading(&escaped),
            _ => "\\*^~?{}[]|!#@&<>".contains(c),
        };
        if marks {
            escaped.push('\\');
        }
        escaped.push(c);
        previous = Some(c);
    }
    escaped
}

/// Tells whether a dot would make the start of this line a heading or a quote.
fn starts_a_heading(before: &str) -> bool {
    let line = before.rsplit('\n').next().unwrap_or_default().trim_start();
    line == "bq" || matches!(line.as_bytes(), [b'h', b'1'..=b'6'])
}

fn breaks_header(c: char) -> bool {
    c.is_control() && c != '\t'
}

/// Checks a whole rendered text against what its target may be.
pub(super) fn check_whole(target: Target, text: &str) -> Result<(), &'static str> {
    match target {
        Target::Header if text.chars().any(breaks_header) => {
            Err("the header holds a line break or control character")
        }
        Target::Path => check_path(text),
        Target::Url => check_url(text),
        _ => Ok(()),
    }
}

fn check_path(path: &str) -> Result<(), &'static str> {
    if path.starts_with('/') {
        return Err("the path is absolute: it starts at the folder it belongs to, without `/`");
    }
    if path.chars().any(|c| c.is_control() || c == '\\') {
        return Err("the path holds a backslash or control character");
    }
    for name in path.split('/') {
        match name.trim_end_matches([' ', '.']) {
            git if git.eq_ignore_ascii_case(".git") => return Err("the path leads into `.git`"),
            "" => return Err("the path holds an empty name, `.` or `..`"),
            _ => {}
        }
    }
    Ok(())
}

/// Who calls is no part of where: a URL is logged and shown.
pub(super) const WITH_USER: &str = "the URL holds a user name or a password";

fn check_url(text: &str) -> Result<(), &'static str> {
    if matches!(pieces(text).next(), Some(Piece::Marker(_))) {
        return Ok(());
    }
    if !is_url(text) {
        return Err("the text is not an http or https URL");
    }
    let shown = with_stand_in(text);
    let has_user = |url: url::Url| !url.username().is_empty() || url.password().is_some();
    if url::Url::parse(&shown).is_ok_and(has_user) {
        return Err(WITH_USER);
    }
    let path = shown.split(['?', '#']).next().unwrap_or_default();
    let dots =
        |name: &str| matches!(name.to_ascii_lowercase().replace("%2e", ".").as_str(), "." | "..");
    if path.split('/').any(dots) {
        return Err("the URL holds `.` or `..` as a name");
    }
    Ok(())
}

/// Tells whether a text is an http or https URL with a host; markers may stand anywhere in it.
pub(super) fn is_url(text: &str) -> bool {
    let shown = with_stand_in(text);
    !shown.chars().any(|c| c.is_control() || c.is_whitespace() || c == '\\')
        && url::Url::parse(&shown)
            .is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}

/// The text with a plain word in the place of each marker.
fn with_stand_in(text: &str) -> String {
    pieces(text)
        .map(|piece| match piece {
            Piece::Text(text) => text,
            Piece::Marker(_) => "1",
        })
        .collect()
}
