//! Cuts the text of a template into raw text and tags, and a tag into tokens. It knows no names, and
//! neither recurses nor looks back, so that no text is too deep or too long for it.

use super::check::TemplateProblem;

/// What a tag begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Sigil {
    /// `{{`
    Value,
    /// `{{#`
    Open,
    /// `{{/`
    Close,
    /// `{{^`
    Invert,
    /// `{{!`
    Comment,
}

/// One tag, from its braces to its braces.
#[derive(Debug)]
pub(super) struct Tag<'a> {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) sigil: Sigil,
    /// `{{~`: white space before it goes.
    pub(super) trims_before: bool,
    /// `~}}`: white space after it goes.
    pub(super) trims_after: bool,
    pub(super) tokens: Vec<Token<'a>>,
}

/// One token of a tag.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Token<'a> {
    pub(super) offset: usize,
    pub(super) part: Part<'a>,
}

/// What a token is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Part<'a> {
    ParenOpen,
    ParenClose,
    Pipe,
    /// A path, a name, a number or a keyword.
    Word(&'a str),
    /// A quoted text, unescaped.
    Text(String),
}

/// Finds the next tag: the raw text before it, unescaped, and where its braces stand.
pub(super) fn raw_text(text: &str, from: usize) -> (String, Option<usize>) {
    let mut raw = String::new();
    let mut at = from;
    loop {
        let rest = text.get(at..).unwrap_or_default();
        let Some(found) = rest.find("{{") else {
            raw.push_str(rest);
            return (raw, None);
        };
        let before = rest.get(..found).unwrap_or_default();
        let slashes = before.bytes().rev().take_while(|byte| *byte == b'\\').count();
        if slashes == 0 {
            raw.push_str(before);
            return (raw, Some(at + found));
        }
        raw.push_str(before.get(..before.len() - 1).unwrap_or_default());
        if slashes > 1 {
            return (raw, Some(at + found));
        }
        raw.push_str("{{");
        at += found + 2;
        if text.get(at..).is_some_and(|rest| rest.starts_with("{{")) {
            raw.push_str("{{");
            at += 2;
        }
    }
}

/// Reads the tag whose braces stand at `start`; a fault comes with the place to go on from.
pub(super) fn read_tag(text: &str, start: usize) -> Result<Tag<'_>, (TemplateProblem, usize)> {
    let mut cursor = Cursor { text, at: start + 2 };
    cursor.tag(start).map_err(|problem| {
        let rest = text.get(cursor.at..).unwrap_or_default();
        let resume = rest.find("}}").map_or(text.len(), |found| cursor.at + found + 2);
        (problem, resume)
    })
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        self.text.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, expected: &str) -> bool {
        let found = self.rest().starts_with(expected);
        if found {
            self.at += expected.len();
        }
        found
    }

    fn skip_space(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn tag(&mut self, start: usize) -> Result<Tag<'a>, TemplateProblem> {
        if self.rest().starts_with('!') {
            return self.comment(start);
        }
        let trims_before = self.take("~");
        self.skip_space();
        refuse_foreign(self.rest(), start)?;
        let sigil = if self.take("#") {
            self.skip_space();
            refuse_foreign(self.rest(), start)?;
            Sigil::Open
        } else if self.take("/") {
            Sigil::Close
        } else if self.take("^") {
            Sigil::Invert
        } else {
            Sigil::Value
        };
        let mut tokens = Vec::new();
        loop {
            self.skip_space();
            let trims_after = self.rest().starts_with("~}}");
            if trims_after {
                self.at += 1;
            }
            if self.take("}}") {
                return Ok(Tag { start, end: self.at, sigil, trims_before, trims_after, tokens });
            }
            if self.rest().is_empty() {
                return Err(TemplateProblem::new(start, "`{{` has no `}}`").hint(
                    "close the tag with `}}`, or write `\\{{` where braces are meant as they are",
                ));
            }
            tokens.push(self.token()?);
        }
    }

    fn comment(&mut self, start: usize) -> Result<Tag<'a>, TemplateProblem> {
        self.at += 1;
        self.skip_space();
        let closing = if self.take("--") { "--}}" } else { "}}" };
        let Some(found) = self.rest().find(closing) else {
            self.at = self.text.len();
            return Err(TemplateProblem::new(start, format!("a comment has no `{closing}`")));
        };
        let end = self.at + found + closing.len();
        Ok(Tag {
            start,
            end,
            sigil: Sigil::Comment,
            trims_before: false,
            trims_after: false,
            tokens: Vec::new(),
        })
    }

    fn token(&mut self) -> Result<Token<'a>, TemplateProblem> {
        let offset = self.at;
        let part = if self.take("(") {
            Part::ParenOpen
        } else if self.take(")") {
            Part::ParenClose
        } else if !self.rest().starts_with("||") && self.take("|") {
            Part::Pipe
        } else if self.rest().starts_with(['"', '\'']) {
            Part::Text(self.quoted()?)
        } else {
            Part::Word(self.word()?)
        };
        Ok(Token { offset, part })
    }

    fn quoted(&mut self) -> Result<String, TemplateProblem> {
        let start = self.at;
        let mut chars = self.rest().char_indices();
        let quote = chars.next().map_or('"', |(_, quote)| quote);
        let mut unquoted = String::new();
        while let Some((index, c)) = chars.next() {
            if c == quote {
                self.at = start + index + 1;
                return Ok(unquoted);
            }
            if c != '\\' {
                unquoted.push(c);
                continue;
            }
            unquoted.push(match chars.next() {
                Some((_, c @ ('"' | '\'' | '\\' | '/'))) => c,
                Some((_, 'n')) => '\n',
                Some((_, 'r')) => '\r',
                Some((_, 't')) => '\t',
                _ => {
                    self.at = start + index + 1;
                    return Err(TemplateProblem::new(start + index, "unknown escape in a text")
                        .hint("`\\\"`, `\\'`, `\\\\`, `\\n`, `\\r` and `\\t` are known"));
                }
            });
        }
        self.at = start + 1;
        Err(TemplateProblem::new(start, "a quoted text is not closed")
            .hint(format!("end it with {quote}")))
    }

    fn word(&mut self) -> Result<&'a str, TemplateProblem> {
        let start = self.at;
        let rest = self.rest();
        let mut in_brackets = false;
        let end = rest
            .char_indices()
            .find(|(_, c)| {
                match c {
                    '[' if !in_brackets => in_brackets = true,
                    ']' if in_brackets => in_brackets = false,
                    '}' => return true,
                    _ if in_brackets => {}
                    _ => return !(c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | '@')),
                }
                false
            })
            .map_or(rest.len(), |(index, _)| index);
        if in_brackets {
            return Err(TemplateProblem::new(start, "`[` has no `]`"));
        }
        if end == 0 {
            return Err(refuse_sign(rest, start));
        }
        self.at += end;
        rest.get(..end).ok_or_else(|| refuse_sign(rest, start))
    }
}

/// Refuses what Handlebars has and a catalog does not: partials, decorators, raw blocks, raw values.
fn refuse_foreign(rest: &str, start: usize) -> Result<(), TemplateProblem> {
    let (message, hint) = match rest.chars().next() {
        Some('>') => ("partials are not available", "write the text here"),
        Some('*') => ("decorators are not available", "write the text here"),
        Some('&') => ("`{{&` is not available: values are always escaped", "write `{{x}}`"),
        Some('{') if rest.starts_with("{{") => {
            ("raw blocks are not available", "write `\\{{` where braces are meant as they are")
        }
        Some('{') => (
            "`{{{` is not available: values are always escaped",
            "write `{{x}}`, with a space before it where a `{` of the text comes first",
        ),
        _ => return Ok(()),
    };
    Err(TemplateProblem::new(start, message).hint(hint))
}

/// Says how to write what an operator of another language was meant to do.
fn refuse_sign(rest: &str, offset: usize) -> TemplateProblem {
    const SIGNS: [(&str, &str); 14] = [
        ("===", "`{{eq a b}}`"),
        ("!==", "`{{ne a b}}`"),
        ("==", "`{{eq a b}}`"),
        ("!=", "`{{ne a b}}`"),
        (">=", "`{{gte a b}}`"),
        ("<=", "`{{lte a b}}`"),
        ("&&", "`{{and a b}}`"),
        ("||", "`{{or a b}}`"),
        (">", "`{{gt a b}}`"),
        ("<", "`{{lt a b}}`"),
        ("!", "`{{not a}}`"),
        ("+", "`{{concat a b}}`"),
        ("?", "`{{#if a}}b{{else}}c{{/if}}`"),
        ("=", "the arguments in their order, without names"),
    ];
    if let Some((sign, way)) = SIGNS.iter().find(|(sign, _)| rest.starts_with(sign)) {
        return TemplateProblem::new(offset, format!("templates have no `{sign}`"))
            .hint(format!("write {way}"));
    }
    if rest.starts_with(',') {
        return TemplateProblem::new(offset, "arguments are not separated by commas")
            .hint("write spaces between them");
    }
    if rest.starts_with('}') {
        return TemplateProblem::new(offset, "a single `}` in a tag").hint("end the tag with `}}`");
    }
    let sign: String = rest.chars().take(1).collect();
    TemplateProblem::new(offset, format!("`{sign}` has no meaning in a template"))
}
