//! From where to where a scalar reaches in the source, which the parser only says roughly.

use saphyr_parser::{ScalarStyle, Span as Range};

use super::source::{Source, Spot};

/// Returns where a scalar starts and ends; `previous` is the byte offset behind the event before.
pub(super) fn of_scalar(
    source: &Source,
    text: &str,
    style: ScalarStyle,
    range: Range,
    previous: usize,
) -> (Spot, Spot) {
    match style {
        ScalarStyle::Plain if text.is_empty() => {
            let start = source.spot(range.start);
            let marked = usize::from(source.byte(start.offset) == b':');
            (start, source.advance(start, start.offset + marked))
        }
        ScalarStyle::Plain => (source.spot(range.start), source.spot(range.end)),
        ScalarStyle::SingleQuoted => quoted(source, range, b'\''),
        ScalarStyle::DoubleQuoted => quoted(source, range, b'"'),
        ScalarStyle::Literal | ScalarStyle::Folded => block(source, text, range, previous),
    }
}

/// The parser's range goes on over blanks and the comment behind the quote.
fn quoted(source: &Source, range: Range, quote: u8) -> (Spot, Spot) {
    let start = source.spot(range.start);
    if source.byte(start.offset) != quote {
        return (start, source.spot(range.end));
    }
    let mut offset = start.offset + 1;
    while offset < source.text.len() {
        match source.byte(offset) {
            b'\\' if quote == b'"' => offset += 2,
            b'\'' if quote == b'\'' && source.byte(offset + 1) == b'\'' => offset += 2,
            byte if byte == quote => break,
            _ => offset += 1,
        }
    }
    (start, source.advance(start, offset + 1))
}

/// The parser's range starts with the first character of the text, not with its indicator.
fn block(source: &Source, text: &str, range: Range, previous: usize) -> (Spot, Spot) {
    let content = source.spot(range.start);
    let behind = source.spot(range.end).offset;
    let is_indicator = matches!(source.byte(content.offset), b'|' | b'>');
    let start = if text.trim().is_empty() && is_indicator {
        content
    } else {
        indicator(source, content, previous)
    };
    let end = start.offset + source.slice(start.offset, behind).trim_end().len();
    (start, source.advance(start, end))
}

/// Returns the `|` or `>` on the last line with anything on it before the text.
fn indicator(source: &Source, content: Spot, previous: usize) -> Spot {
    let mut line = content.line.saturating_sub(1);
    while line > 1 && source.line(line).trim().is_empty() {
        line -= 1;
    }
    let from = previous.max(source.start_of(line));
    let header = source.slice(from, content.offset);
    source.at(from + header.find(['|', '>']).unwrap_or_default())
}
