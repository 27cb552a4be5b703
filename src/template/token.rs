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
    /// A quoted text.
    Text,
}

/// Finds where the braces of the next tag stand; those behind one backslash are text.
pub(super) fn next_tag(text: &str, from: usize) -> Option<usize> {
    let mut at = from;
    loop {
        let rest = text.get(at..)?;
        let found = rest.find("{{")?;
        let before = rest.get(..found)?;
        if before.bytes().rev().take_while(|byte| *byte == b'\\').count() != 1 {
            return Some(at + found);
        }
        at += found + 2;
        if text.get(at..).is_some_and(|rest| rest.starts_with("{{")) {
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
        self.take("~");
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
            if self.take("}}") || self.take("~}}") {
                return Ok(Tag { start, end: self.at, sigil, tokens });
            }
            if self.rest().is_empty() {
                return Err(TemplateProblem::new(start, "`{{` has no `}}`").hint(
                    "close the tag with `}}`, or write `\\{{` where braces are meant as they are; in double quotes `\\\\{{`",
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
        Ok(Tag { start, end, sigil: Sigil::Comment, tokens: Vec::new() })
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
            self.quoted()?;
            Part::Text
        } else {
            Part::Word(self.word()?)
        };
        Ok(Token { offset, part })
    }

    fn quoted(&mut self) -> Result<(), TemplateProblem> {
        let start = self.at;
        let mut chars = self.rest().char_indices();
        let quote = chars.next().map_or('"', |(_, quote)| quote);
        while let Some((index, c)) = chars.next() {
            if c == quote {
                self.at = start + index + 1;
                return Ok(());
            }
            let problem = if c.is_control() {
                TemplateProblem::new(start + index, "a line break or control character in a text")
                    .hint("write `\\n`, `\\r` or `\\t`")
            } else if c != '\\'
                || matches!(chars.next(), Some((_, c)) if c == quote || "\\/nrt".contains(c))
            {
                continue;
            } else {
                TemplateProblem::new(start + index, "unknown escape in a text")
                    .hint(format!("`\\{quote}`, `\\\\`, `\\n`, `\\r` and `\\t` are known"))
            };
            self.at = start + index + 1;
            return Err(problem);
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
        Some('{') if rest.starts_with("{{") => (
            "raw blocks are not available",
            "write `\\{{` where braces are meant as they are; in double quotes `\\\\{{`",
        ),
        Some('{') => (
            "`{{{` is not available: values are always escaped",
            "write two braces, with a space before them where a `{` of the text comes first",
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
