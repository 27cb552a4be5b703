//! Reads the arguments of a tag: literals, paths, calls of helpers. It notes the paths that start at
//! the scope, and refuses what Handlebars would read in another way than it looks.

use serde_json::Number;

use super::check::{Rewrite, TemplateProblem};
use super::dialect::{ELSE_IFS, foreign_helper, renamed};
use super::helpers::{self, HELPERS, Helper};
use super::parse::{BLOCKS, MAX_NESTING, Open};
use super::references::Reference;
use super::scope::ROOTS;
use super::token::{Part, Token};
use crate::finding::nearest;

/// The tokens of one tag, read from the front.
pub(super) struct Arguments<'t, 'a> {
    start: usize,
    tokens: &'t [Token<'a>],
    open: &'t [Open],
    references: &'t mut Vec<Reference>,
}

/// Words of other dialects that end a block.
const ENDS: [&str; 7] = ["end", "endif", "endfor", "endeach", "endunless", "endwith", "fi"];

/// What is wrong with a path, and how to write it.
type Wrong = (String, Option<String>);

impl<'t, 'a> Arguments<'t, 'a> {
    pub(super) fn new(
        start: usize,
        tokens: &'t [Token<'a>],
        open: &'t [Open],
        references: &'t mut Vec<Reference>,
    ) -> Self {
        Self { start, tokens, open, references }
    }

    /// Reads a whole tag: one path, or a helper and its arguments.
    pub(super) fn whole(mut self) -> Result<(), TemplateProblem> {
        match self.tokens.first() {
            None => {
                return Err(TemplateProblem::new(self.start, "the tag is empty")
                    .hint("write a path between the braces: `{{fields.name}}`"));
            }
            Some(Token { offset, part: Part::Word(word) }) if ELSE_IFS.contains(word) => {
                let message = format!("`{word}` begins no other case of a block");
                return Err(TemplateProblem::new(*offset, message).hint("write `{{else if x}}`"));
            }
            Some(Token { offset, part: Part::Word(word) })
                if self.tokens.len() == 1 && ENDS.contains(word) && !self.open.is_empty() =>
            {
                return Err(self.wrong_end(*offset, word));
            }
            Some(Token { offset, part: Part::Word(word) }) if word.starts_with("else") => {
                let message = format!("Handlebars reads `{word}` as an `else`");
                return Err(
                    TemplateProblem::new(*offset, message).hint(format!("write `this.{word}`"))
                );
            }
            Some(Token { part: Part::ParenOpen, .. }) => {
                self.argument(self.open.len(), false)?;
            }
            Some(_) => self.call(self.open.len())?,
        }
        self.end()
    }

    /// Says how the block that is open is closed.
    fn wrong_end(&self, offset: usize, word: &str) -> TemplateProblem {
        let name = self.open.last().map_or("if", Open::name);
        let text = format!("/{name}");
        let hint = format!("write `{{{{{text}}}}}`");
        TemplateProblem::new(offset, format!("`{word}` closes no block"))
            .hint(hint)
            .instead(Rewrite { start: offset, end: offset + word.len(), text, safe: false })
    }

    /// Reads the argument of a block, and gives the names after it.
    pub(super) fn of_block(mut self, name: &str) -> Result<Vec<String>, TemplateProblem> {
        if self.tokens.is_empty() {
            let message = format!("`{{{{#{name}}}}}` needs a value");
            return Err(TemplateProblem::new(self.start, message)
                .hint(format!("write `{{{{#{name} fields.x}}}}`")));
        }
        self.argument(self.open.len(), false)?;
        let names = match name {
            "each" => self.names(name, 2)?,
            "with" => self.names(name, 1)?,
            _ => Vec::new(),
        };
        self.end()?;
        Ok(names)
    }

    fn names(&mut self, block: &str, most: usize) -> Result<Vec<String>, TemplateProblem> {
        let Some((Token { offset, part: Part::Word("as") }, rest)) = self.tokens.split_first()
        else {
            return Ok(Vec::new());
        };
        let wrong = || {
            let names = if most == 2 { "|item index|" } else { "|name|" };
            TemplateProblem::new(*offset, "the names after `as` stand between `|`")
                .hint(format!("write `{{{{#{block} fields.x as {names}}}}}`"))
        };
        let Some((Token { part: Part::Pipe, .. }, rest)) = rest.split_first() else {
            return Err(wrong());
        };
        let mut names = Vec::new();
        for (index, token) in rest.iter().enumerate() {
            match token.part {
                Part::Word(name)
                    if names.len() < most && is_name(name) && helpers::find(name).is_none() =>
                {
                    names.push(name.to_owned());
                }
                Part::Pipe if !names.is_empty() => {
                    self.tokens = rest.get(index + 1..).unwrap_or_default();
                    return Ok(names);
                }
                _ => break,
            }
        }
        Err(wrong())
    }

    /// Refuses what is left over.
    fn end(&self) -> Result<(), TemplateProblem> {
        let Some(token) = self.tokens.first() else { return Ok(()) };
        let problem = |message: &str| TemplateProblem::new(token.offset, message);
        Err(match token.part {
            Part::ParenClose => problem("`)` closes nothing"),
            Part::Pipe => problem("a value is not piped into a helper")
                .hint("write the helper first: `{{upper fields.name}}`"),
            _ => problem("one value too many")
                .hint("write a helper first where values belong together: `{{concat a b}}`"),
        })
    }

    /// Reads a helper with its arguments, or one path of a whole tag, up to the end of the tag or
    /// parenthesis.
    fn call(&mut self, depth: usize) -> Result<(), TemplateProblem> {
        let Some((first, rest)) = self.tokens.split_first() else {
            return Err(TemplateProblem::new(self.start, "a value is missing"));
        };
        let Part::Word(name) = first.part else {
            return Err(TemplateProblem::new(first.offset, "a value alone needs no tag")
                .hint("write the text itself, or a helper first"));
        };
        refuse_call_by_parenthesis(first.offset, name, rest)?;
        let alone = matches!(rest, [] | [Token { part: Part::ParenClose | Part::Pipe, .. }, ..]);
        match helpers::find(name) {
            Some(helper) => {
                self.tokens = rest;
                self.helper(helper, first.offset, depth)
            }
            _ if is_literal(name) => {
                Err(TemplateProblem::new(first.offset, format!("`{name}` alone needs no tag"))
                    .hint("write the text itself, or a helper first"))
            }
            _ if BLOCKS.contains(&name) => {
                let hint = format!("write `{{{{#{name} …}}}}…{{{{/{name}}}}}`");
                Err(TemplateProblem::new(first.offset, format!("`{name}` is a block")).hint(hint))
            }
            _ if alone || name.starts_with('.') => self.argument(depth, false),
            _ => Err(unknown_helper(first.offset, "helper", name, HELPERS.iter().copied())),
        }
    }

    fn helper(
        &mut self,
        helper: &'static Helper,
        offset: usize,
        depth: usize,
    ) -> Result<(), TemplateProblem> {
        let mut count = 0;
        while self.tokens.first().is_some_and(|token| {
            !matches!(token.part, Part::ParenClose | Part::Pipe | Part::Word("as"))
        }) {
            self.argument(depth, helper.forgives() && count == 0)?;
            count += 1;
        }
        if count < helper.least || count > helper.most {
            let message = format!("`{}` takes {}", helper.name, helper.takes());
            return Err(TemplateProblem::new(offset, message)
                .hint(format!("write `{{{{{}}}}}`", helper.usage)));
        }
        Ok(())
    }

    /// Reads one value; it recurses as deep as [`MAX_NESTING`] at the most.
    fn argument(&mut self, depth: usize, lenient: bool) -> Result<(), TemplateProblem> {
        let Some((first, rest)) = self.tokens.split_first() else {
            return Err(TemplateProblem::new(self.start, "a value is missing"));
        };
        self.tokens = rest;
        match &first.part {
            Part::Text => Ok(()),
            Part::Word(word) => {
                refuse_call_by_parenthesis(first.offset, word, rest)?;
                if let Some(helper) = helpers::find(word) {
                    let message = format!("`{word}` is a helper, not a value");
                    return Err(TemplateProblem::new(first.offset, message)
                        .hint(format!("write it in parentheses: `({})`", helper.usage)));
                }
                if is_literal(word) { Ok(()) } else { self.path(word, first.offset, lenient) }
            }
            Part::ParenOpen if depth >= MAX_NESTING => {
                let limit = format!("more than {MAX_NESTING} calls stand in one another");
                Err(TemplateProblem::new(first.offset, limit).hint("split the template"))
            }
            Part::ParenOpen => {
                self.in_parentheses(first.offset, depth)?;
                match self.tokens.split_first() {
                    Some((Token { part: Part::ParenClose, .. }, rest)) => {
                        self.tokens = rest;
                        Ok(())
                    }
                    _ => Err(TemplateProblem::new(first.offset, "`(` has no `)`")),
                }
            }
            Part::ParenClose => Err(TemplateProblem::new(first.offset, "`)` closes nothing")),
            Part::Pipe => Err(TemplateProblem::new(first.offset, "`|` has no meaning here")),
        }
    }

    /// Reads the call between parentheses, where a value alone does not stand.
    fn in_parentheses(&mut self, offset: usize, depth: usize) -> Result<(), TemplateProblem> {
        let value = match self.tokens {
            [Token { part: Part::Word(word), .. }, Token { part: Part::ParenClose, .. }, ..] => {
                helpers::find(word).is_none()
            }
            [Token { part: Part::Text | Part::ParenOpen, .. }, ..] => true,
            _ => false,
        };
        if value {
            return Err(TemplateProblem::new(offset, "a value needs no parentheses")
                .hint("write them around a helper and its arguments only: `(upper x)`"));
        }
        self.call(depth + 1)
    }

    fn path(&mut self, written: &str, offset: usize, lenient: bool) -> Result<(), TemplateProblem> {
        let found = self
            .resolve(written)
            .map_err(|(message, hint)| TemplateProblem::new(offset, message).maybe_hint(hint))?;
        if let Some(segments) = found {
            let path = super::references::without_alias(&segments);
            self.references.push(Reference { path, offset, optional: lenient });
        }
        Ok(())
    }

    /// Gives the names of a path that starts at the scope; one of a block gives nothing.
    fn resolve(&self, written: &str) -> Result<Option<Vec<String>>, Wrong> {
        if let Some(name) = written.strip_prefix('@') {
            return self.resolve_at(name);
        }
        let mut rest = written;
        let mut ups = 0;
        while let Some(after) = rest.strip_prefix("../") {
            (rest, ups) = (after, ups + 1);
        }
        if rest == ".." {
            let hint = Some(format!("write `{written}/this`"));
            return Err((format!("`{written}` is not a path"), hint));
        }
        let frames = self.open.iter().filter(|open| open.is_frame()).count();
        if ups > frames {
            return Err((format!("`{written}` leads out of the template"), None));
        }
        let local = frames > ups;
        let explicit = ups > 0 || rest.starts_with("./") || rest.split('.').next() == Some("this");
        let rest = rest.strip_prefix("./").or(rest.strip_prefix("this.")).unwrap_or(rest);
        if rest == "this" {
            let nothing = || (format!("`{written}` names no value here"), None);
            return if local { Ok(None) } else { Err(nothing()) };
        }
        let segments = segments(written, rest)?;
        let first = segments.first().map_or("", String::as_str);
        let mut frames = self.open.iter().filter(|open| open.is_frame());
        let named = frames.any(|open| open.names.iter().any(|name| name == first));
        if explicit && named {
            let message = format!("Handlebars reads `{written}` as the `{first}` after `as`");
            return Err((message, Some("give what stands after `as` another name".into())));
        }
        if local && !explicit && !named && ROOTS.contains(&first) {
            let message = format!("inside `each` and `with`, `{written}` starts at their value");
            let hint = format!("write `@root.{written}`, or `this.{written}` where that is meant");
            return Err((message, Some(hint)));
        }
        Ok((!local && !named).then_some(segments))
    }

    fn resolve_at(&self, name: &str) -> Result<Option<Vec<String>>, Wrong> {
        let written = format!("@{name}");
        if let Some(rest) = name.strip_prefix("root.") {
            return segments(&written, rest).map(Some);
        }
        let known = ["index", "key", "first", "last"];
        if !known.contains(&name) {
            let hint = nearest(name, known).map(|name| format!("did you mean `@{name}`?"));
            return Err((format!("there is no `{written}`"), hint));
        }
        if !self.open.iter().any(Open::is_each) {
            return Err((format!("`{written}` is known inside `{{{{#each}}}}` only"), None));
        }
        Ok(None)
    }
}

/// Says that a name is unknown, and which was probably meant.
pub(super) fn unknown_helper<'n>(
    offset: usize,
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'n str>,
) -> TemplateProblem {
    let problem = TemplateProblem::new(offset, format!("there is no {what} `{name}`"));
    if let (Some(hint), None) = (foreign_helper(name), renamed(name)) {
        return problem.hint(hint);
    }
    let Some(near) = renamed(name).or_else(|| nearest(name, known)) else { return problem };
    let problem = problem.hint(format!("did you mean `{near}`?"));
    // The end of a block would have to be written anew as well.
    if what == "block" {
        return problem;
    }
    let (end, text) = (offset + name.len(), near.to_owned());
    problem.instead(Rewrite { start: offset, end, text, safe: false })
}

fn refuse_call_by_parenthesis(
    offset: usize,
    name: &str,
    rest: &[Token<'_>],
) -> Result<(), TemplateProblem> {
    let touches = rest
        .first()
        .is_some_and(|next| next.part == Part::ParenOpen && next.offset == offset + name.len());
    if !touches {
        return Ok(());
    }
    Err(TemplateProblem::new(offset, format!("`{name}(…)` is not how a helper is called"))
        .hint(format!("write `{{{{{name} x}}}}`")))
}

fn segments(written: &str, rest: &str) -> Result<Vec<String>, Wrong> {
    if let Some(path) = written.strip_prefix('.').filter(|path| !path.starts_with(['.', '/'])) {
        let hint = if path.is_empty() { "this" } else { path };
        return Err(("a path does not start with a dot".into(), Some(format!("write `{hint}`"))));
    }
    let wrong = || {
        let message = format!("`{written}` is not a path");
        (message, Some("write names with dots between them: `fields.name`".to_owned()))
    };
    let mut segments = Vec::new();
    let mut left = rest;
    loop {
        let (segment, after) = match left.strip_prefix('[') {
            Some(inside) => inside.split_once(']').ok_or_else(wrong)?,
            None => left.split_at(left.find('.').unwrap_or(left.len())),
        };
        let plain = !left.starts_with('[') && segment.contains(['/', '@', '[', ']']);
        if segment.is_empty() || plain || written.starts_with('[') {
            return Err(wrong());
        }
        if segment == "this" {
            let hint = "write `lookup x \"this\"` for a member of that name";
            return Err((format!("Handlebars skips the `this` in `{written}`"), Some(hint.into())));
        }
        segments.push(segment.to_owned());
        if after.is_empty() {
            return Ok(segments);
        }
        left = after.strip_prefix('.').ok_or_else(wrong)?;
    }
}

fn is_name(word: &str) -> bool {
    !is_literal(word) && word.chars().all(|c| c.is_alphanumeric() || c == '_') && word != "this"
}

/// Tells whether a word is a value of JSON; `1e9` is none for Handlebars.
fn is_literal(word: &str) -> bool {
    let number = word.starts_with(|c: char| c.is_ascii_digit() || c == '-')
        && !word.contains('e')
        && word.parse::<Number>().is_ok();
    number || matches!(word, "true" | "false" | "null")
}
