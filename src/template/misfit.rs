//! Finds values that cannot be right for what they are put into, before anything is rendered: quotes too few, quotes
//! twice, texts that are no URL or path whatever the values are. It knows no forms and no actions.

use super::check::{Reading, Rewrite};
use super::escape::{Target, WITH_USER, check_whole};
use super::helpers;
use super::parse::is_else;
use super::quoting::Quoting;
use super::references::Reference;
use super::token::{Part, Sigil, Tag, Token, next_tag, read_tag};

/// What is known of a value before there is one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A text.
    Text,
    /// A number, or yes or no: the same with quotes and without.
    Bare,
    /// A list or map.
    Parts,
    /// Nothing is known.
    Unknown,
}

/// Where a template stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// What it is rendered into.
    pub target: Target,
    /// Whether a lone path keeps its type there.
    pub structured: bool,
}

/// A value, or a whole text, that cannot be right where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Misfit {
    /// Where it stands in the text, in bytes.
    pub offset: usize,
    /// What is wrong.
    pub message: String,
    /// How to write it.
    pub hint: String,
    /// Whether it fails in any case, and is not only odd.
    pub certain: bool,
    /// How it can be written instead, where that is known.
    pub instead: Option<Rewrite>,
}

/// Returns what cannot be right in a template that has no problems; `shape` knows of each path what its value is.
pub fn misfits(
    text: &str,
    reading: &Reading,
    place: Place,
    shape: &dyn Fn(&[String]) -> Shape,
) -> Vec<Misfit> {
    // Behind two backslashes braces are a tag, and quotes are no longer what they look like.
    if !reading.problems.is_empty() || text.contains("\\\\{{") {
        return Vec::new();
    }
    let quoting = Quoting::new(place.target);
    let references = &reading.references;
    let mut walk =
        Walk { text, place, shape, references, quoting, open: Vec::new(), found: Vec::new() };
    let has_blocks = walk.run().unwrap_or(true);
    if !has_blocks {
        walk.found.extend(wrong_whole(text, place.target));
    }
    walk.found
}

struct Walk<'a> {
    text: &'a str,
    place: Place,
    shape: &'a dyn Fn(&[String]) -> Shape,
    references: &'a [Reference],
    quoting: Quoting,
    /// How quotes stood at the start of each open block, and at the end of its first body.
    open: Vec<(Quoting, Option<Quoting>)>,
    found: Vec<Misfit>,
}

/// What a tag writes: the value's source and place, and what is done to it.
struct Written<'a> {
    start: usize,
    source: &'a str,
    by: By<'a>,
}

/// What is done to a value before it is written.
enum By<'a> {
    /// Nothing, or something that leaves a value of this shape.
    Itself(Shape),
    /// It is written as JSON: the argument's source and shape.
    Json(&'a str, Shape),
    /// It is written as JSON twice.
    JsonTwice(&'a str),
}

impl<'a> Walk<'a> {
    /// Goes through the tags and tells whether there are blocks; nothing where it is lost.
    fn run(&mut self) -> Option<bool> {
        let (mut at, mut has_blocks) = (0, false);
        while let Some(start) = next_tag(self.text, at) {
            let tag = read_tag(self.text, start).ok()?;
            self.quoting.read(self.text.get(at..start)?);
            at = tag.end;
            match tag.sigil {
                Sigil::Comment => {}
                Sigil::Open => {
                    has_blocks = true;
                    self.open.push((self.quoting.clone(), None));
                }
                Sigil::Close => self.close()?,
                Sigil::Invert => self.turn()?,
                Sigil::Value if is_else(&tag) => self.turn()?,
                Sigil::Value => {
                    let written = self.written(&tag)?;
                    self.found.extend(self.judge(&tag, &written));
                }
            }
        }
        Some(has_blocks)
    }

    /// Goes on to another body of a block; nothing where two of them leave quotes in different ways.
    fn turn(&mut self) -> Option<()> {
        let (start, end) = self.open.last_mut()?;
        let now = std::mem::replace(&mut self.quoting, start.clone());
        let same = end.as_ref().is_none_or(|end| end.goes_on_as(&now));
        *end = Some(now);
        same.then_some(())
    }

    fn close(&mut self) -> Option<()> {
        let (start, end) = self.open.pop()?;
        end.unwrap_or(start).goes_on_as(&self.quoting).then_some(())
    }

    fn written(&self, tag: &Tag<'a>) -> Option<Written<'a>> {
        let start = tag.tokens.first()?.offset;
        let inside = self.text.get(start..tag.end)?.strip_suffix("}}")?;
        let source = inside.strip_suffix('~').unwrap_or(inside).trim_end();
        let shape = self.shape_of(&tag.tokens);
        let by = match tag.tokens.as_slice() {
            [Token { part: Part::Word("json"), .. }, rest @ ..] => {
                let argument = source.strip_prefix("json")?.trim_start();
                match rest {
                    [_, Token { part: Part::Word("json"), .. }, ..] => {
                        By::JsonTwice(argument.strip_prefix('(')?.strip_suffix(')')?.trim())
                    }
                    _ => By::Json(argument, self.shape_of(inner(rest))),
                }
            }
            _ => By::Itself(shape),
        };
        Some(Written { start, source, by })
    }

    /// Tells what a path, or a call of a helper, gives; of a text that may be a marker as little as of the marker.
    fn shape_of(&self, tokens: &[Token<'_>]) -> Shape {
        let path = |token: &Token<'_>| match token.part {
            Part::Word(word) if helpers::find(word).is_none() && !is_bare(word) => {
                let mut all = self.references.iter();
                let found = all.find(|reference| reference.offset == token.offset);
                Some(found.map_or(Shape::Unknown, |found| (self.shape)(&found.path)))
            }
            _ => None,
        };
        match tokens {
            [token] if path(token).is_some() => path(token).unwrap_or(Shape::Unknown),
            [Token { part: Part::Word(name), .. }, rest @ ..] if TEXTS.contains(name) => {
                let known = rest.iter().filter_map(path).all(|shape| shape != Shape::Unknown);
                if known { Shape::Text } else { Shape::Unknown }
            }
            _ => Shape::Unknown,
        }
    }

    fn judge(&self, tag: &Tag<'a>, written: &Written<'a>) -> Option<Misfit> {
        let inside = self.quoting.is_inside();
        match (&written.by, self.place.target) {
            (By::JsonTwice(once), _) => {
                let message = "`json` twice makes a text of a text".to_owned();
                Some(odd(written, message, once, "write it once"))
            }
            (By::Json(value, _), _)
                if self.place.structured && self.is_whole(tag) && !value.contains(' ') =>
            {
                let message = "`json` makes a text of the value here".to_owned();
                Some(odd(written, message, value, "a lone path keeps its type, lists too"))
            }
            (By::Json(value, Shape::Text), Target::Json | Target::Hcl) if inside => {
                let message = "`json` writes quotes, and stands inside quotes".to_owned();
                let why = "or take the quotes around it away";
                Some(odd(written, message, bare(value), why))
            }
            (By::Json(value, _), Target::Path) => {
                let message = "`json` writes quotes or brackets into a path".to_owned();
                Some(odd(written, message, bare(value), "a path takes a text as it is"))
            }
            (By::Json(value, Shape::Text), Target::Url) => {
                let message = "`json` writes quotes into a URL".to_owned();
                Some(odd(written, message, bare(value), "values in a URL are escaped already"))
            }
            (By::Itself(Shape::Text), Target::Json) if !inside => Some(unquoted(written, true)),
            (By::Itself(Shape::Text), Target::Hcl) if !inside && self.is_value_of_hcl(tag) => {
                Some(unquoted(written, false))
            }
            (By::Itself(_), Target::Url) => self.escaped_by_hand(tag),
            _ => None,
        }
    }

    fn is_whole(&self, tag: &Tag<'_>) -> bool {
        self.text.get(tag.start..tag.end).is_some_and(|tag| tag == self.text.trim())
    }

    /// Tells whether a value of an argument stands here, and not a part of a name or of a here-document.
    fn is_value_of_hcl(&self, tag: &Tag<'_>) -> bool {
        let before = self.text.get(..tag.start).unwrap_or_default().trim_end_matches(' ');
        before.ends_with(['=', '[', ',', '(']) && !self.text.contains("<<")
    }

    /// Finds `{{replace x " " "%20"}}` in a URL.
    fn escaped_by_hand(&self, tag: &Tag<'_>) -> Option<Misfit> {
        let (first, last) = (tag.tokens.first()?, tag.tokens.last()?);
        let written = self.text.get(last.offset..tag.end)?.get(1..)?;
        let hex = |byte: Option<&u8>| byte.is_some_and(u8::is_ascii_hexdigit);
        let bytes = written.as_bytes();
        let encoded = first.part == Part::Word("replace")
            && last.part == Part::Text
            && bytes.first() == Some(&b'%')
            && hex(bytes.get(1))
            && hex(bytes.get(2));
        encoded.then(|| Misfit {
            offset: last.offset,
            message: format!("`{}` is percent-encoded once more", written.get(..3).unwrap_or("%")),
            hint: "leave `replace` out: values in a URL are percent-encoded already".to_owned(),
            certain: false,
            instead: None,
        })
    }
}

/// Helpers that give a text of what is known; `uuid` and its like give what a run fixes, which is not known before.
const TEXTS: [&str; 7] = ["upper", "lower", "trim", "replace", "base64", "sha256", "slug"];

/// Takes away the parentheses around a call.
fn inner<'t, 'a>(tokens: &'t [Token<'a>]) -> &'t [Token<'a>] {
    match tokens {
        [
            Token { part: Part::ParenOpen, .. },
            inside @ ..,
            Token { part: Part::ParenClose, .. },
        ] => inside,
        _ => tokens,
    }
}

fn bare(source: &str) -> &str {
    source.strip_prefix('(').and_then(|rest| rest.strip_suffix(')')).map_or(source, str::trim)
}

fn is_bare(word: &str) -> bool {
    matches!(word, "true" | "false" | "null")
        || word.starts_with(|first: char| first.is_ascii_digit() || first == '-')
}

/// Something that is hardly meant, and what was probably meant.
fn odd(written: &Written<'_>, message: String, instead: &str, why: &str) -> Misfit {
    let end = written.start + written.source.len();
    let rewrite = Rewrite { start: written.start, end, text: instead.to_owned(), safe: false };
    Misfit {
        offset: written.start,
        message,
        hint: format!("write `{{{{{instead}}}}}`: {why}").replace(": or ", ", or "),
        certain: false,
        instead: Some(rewrite),
    }
}

fn unquoted(written: &Written<'_>, certain: bool) -> Misfit {
    let Written { start, source, .. } = *written;
    let call =
        if source.contains(' ') { format!("json ({source})") } else { format!("json {source}") };
    Misfit {
        offset: start,
        message: format!("`{source}` is a text, and stands outside of quotes"),
        hint: format!("write `{{{{{call}}}}}`, or quotes around it"),
        certain,
        instead: Some(Rewrite { start, end: start + source.len(), text: call, safe: certain }),
    }
}

/// Checks what stands between the tags of a URL, path or header: no value can mend it.
fn wrong_whole(text: &str, target: Target) -> Option<Misfit> {
    let mut stand = String::new();
    let mut at = 0;
    while let Some(start) = next_tag(text, at) {
        stand.push_str(text.get(at..start)?);
        let tag = read_tag(text, start).ok()?;
        let is_value = tag.sigil == Sigil::Value;
        // A variable that comes first may hold the beginning of a URL.
        if is_value && target == Target::Url && stand.is_empty() {
            return None;
        }
        stand.push_str(if is_value { "1" } else { "" });
        at = tag.end;
    }
    stand.push_str(text.get(at..)?);
    let message = check_whole(target, &stand).err().filter(|_| !stand.contains("\\{{"))?;
    let hint = match target {
        _ if message == WITH_USER => {
            "take it out of the URL, and name its secret under `authentication`"
        }
        Target::Url => "begin it with `https://` and a host, or with a variable that holds them",
        Target::Path => "write it from its root on: `databases/{{fields.name}}.yaml`",
        _ => "write it on one line, in quotes and not below `|` or `>`",
    };
    let (message, hint) = (message.to_owned(), hint.to_owned());
    Some(Misfit { offset: 0, message, hint, certain: true, instead: None })
}

#[cfg(test)]
#[path = "misfit_tests.rs"]
mod tests;
