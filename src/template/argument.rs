//! Reads the arguments of a tag: literals, paths, calls of helpers. It resolves where each path
//! starts, and notes the paths that start at the scope.

use serde_json::{Number, Value};

use super::check::TemplateProblem;
use super::helpers::{self, HELPERS, Helper};
use super::parse::{MAX_NESTING, Open};
use super::references::Reference;
use super::scope::ROOTS;
use super::syntax::{Base, BlockKind, Call, Expression, Path};
use super::token::{Part, Token};
use crate::finding::{did_you_mean, nearest};

/// The tokens of one tag, read from the front.
pub(super) struct Arguments<'t, 'a> {
    start: usize,
    tokens: &'t [Token<'a>],
    open: &'t [Open],
    references: &'t mut Vec<Reference>,
}

/// Names that a block gives to its value and key.
type Names = Vec<(String, Base)>;

impl<'t, 'a> Arguments<'t, 'a> {
    pub(super) fn new(
        start: usize,
        tokens: &'t [Token<'a>],
        open: &'t [Open],
        references: &'t mut Vec<Reference>,
    ) -> Self {
        Self { start, tokens, open, references }
    }

    /// Reads a whole tag: one value, or a helper and its arguments.
    pub(super) fn whole(mut self) -> Result<Expression, TemplateProblem> {
        if self.tokens.is_empty() {
            return Err(TemplateProblem::new(self.start, "the tag is empty")
                .hint("write a path between the braces: `{{fields.name}}`"));
        }
        let expression = self.call(self.open.len(), false)?;
        self.end()?;
        Ok(expression)
    }

    /// Reads the argument of a block and its names; `frame` is the number its value will have.
    pub(super) fn of_block(
        mut self,
        kind: BlockKind,
        frame: usize,
    ) -> Result<(Expression, Names), TemplateProblem> {
        let name = kind.name();
        if self.tokens.is_empty() {
            let message = format!("`{{{{#{name}}}}}` needs a value");
            return Err(TemplateProblem::new(self.start, message)
                .hint(format!("write `{{{{#{name} fields.x}}}}`")));
        }
        let argument = self.argument(self.open.len(), false)?;
        let names = if kind.shifts() { self.names(kind, frame)? } else { Vec::new() };
        self.end()?;
        Ok((argument, names))
    }

    fn names(&mut self, kind: BlockKind, frame: usize) -> Result<Names, TemplateProblem> {
        let Some((Token { offset, part: Part::Word("as") }, rest)) = self.tokens.split_first()
        else {
            return Ok(Vec::new());
        };
        let wrong = || {
            let names = if kind == BlockKind::Each { "|item index|" } else { "|name|" };
            TemplateProblem::new(*offset, "the names after `as` stand between `|`")
                .hint(format!("write `{{{{#{} fields.x as {names}}}}}`", kind.name()))
        };
        let Some((Token { part: Part::Pipe, .. }, rest)) = rest.split_first() else {
            return Err(wrong());
        };
        let count = if kind == BlockKind::Each { 2 } else { 1 };
        let mut bases = [Base::Frame(frame), Base::Key(frame)].into_iter().take(count);
        let mut names = Vec::new();
        for (index, token) in rest.iter().enumerate() {
            match token.part {
                Part::Word(name) if is_name(name) && helpers::find(name).is_none() => {
                    names.push((name.to_owned(), bases.next().ok_or_else(wrong)?));
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

    /// Reads a helper with its arguments, or one value, up to the end of the tag or parenthesis.
    fn call(&mut self, depth: usize, lenient: bool) -> Result<Expression, TemplateProblem> {
        let Some((first, rest)) = self.tokens.split_first() else {
            return Err(TemplateProblem::new(self.start, "a value is missing"));
        };
        let Part::Word(name) = first.part else {
            return self.argument(depth, lenient);
        };
        refuse_call_by_parenthesis(first.offset, name, rest)?;
        let alone = matches!(rest, [] | [Token { part: Part::ParenClose | Part::Pipe, .. }, ..]);
        match helpers::find(name) {
            Some(helper) => {
                self.tokens = rest;
                self.helper(helper, first.offset, depth)
            }
            _ if alone || is_literal(name) => self.argument(depth, lenient),
            _ if BlockKind::of(name).is_some() => {
                let hint = format!("write `{{{{#{name} …}}}}…{{{{/{name}}}}}`");
                Err(TemplateProblem::new(first.offset, format!("`{name}` is a block")).hint(hint))
            }
            _ if name.starts_with('.') => self.argument(depth, lenient),
            _ => Err(unknown_helper(first.offset, "helper", name, HELPERS.iter().copied())),
        }
    }

    fn helper(
        &mut self,
        helper: &'static Helper,
        offset: usize,
        depth: usize,
    ) -> Result<Expression, TemplateProblem> {
        let mut arguments = Vec::new();
        while self.tokens.first().is_some_and(|token| {
            !matches!(token.part, Part::ParenClose | Part::Pipe | Part::Word("as"))
        }) {
            let lenient = helper.forgives() && arguments.is_empty();
            arguments.push(self.argument(depth, lenient)?);
        }
        if arguments.len() < helper.least || arguments.len() > helper.most {
            let message = format!("`{}` takes {}", helper.name, helper.takes());
            return Err(TemplateProblem::new(offset, message)
                .hint(format!("write `{{{{{}}}}}`", helper.usage)));
        }
        Ok(Expression::Call(Call { helper, arguments, offset }))
    }

    /// Reads one value; it recurses as deep as [`MAX_NESTING`] at the most.
    fn argument(&mut self, depth: usize, lenient: bool) -> Result<Expression, TemplateProblem> {
        let Some((first, rest)) = self.tokens.split_first() else {
            return Err(TemplateProblem::new(self.start, "a value is missing"));
        };
        self.tokens = rest;
        match &first.part {
            Part::Text(text) => Ok(Expression::Literal(Value::String(text.clone()))),
            Part::Word(word) => {
                refuse_call_by_parenthesis(first.offset, word, rest)?;
                if let Some(helper) = helpers::find(word) {
                    let message = format!("`{word}` is a helper, not a value");
                    return Err(TemplateProblem::new(first.offset, message)
                        .hint(format!("write it in parentheses: `({})`", helper.usage)));
                }
                match literal(word) {
                    Some(value) => Ok(Expression::Literal(value)),
                    None => self.path(word, first.offset, lenient).map(Expression::Path),
                }
            }
            Part::ParenOpen if depth >= MAX_NESTING => {
                let limit = format!("more than {MAX_NESTING} calls stand in one another");
                Err(TemplateProblem::new(first.offset, limit).hint("split the template"))
            }
            Part::ParenOpen => {
                let expression = self.call(depth + 1, lenient)?;
                match self.tokens.split_first() {
                    Some((Token { part: Part::ParenClose, .. }, rest)) => {
                        self.tokens = rest;
                        Ok(expression)
                    }
                    _ => Err(TemplateProblem::new(first.offset, "`(` has no `)`")),
                }
            }
            Part::ParenClose => Err(TemplateProblem::new(first.offset, "`)` closes nothing")),
            Part::Pipe => Err(TemplateProblem::new(first.offset, "`|` has no meaning here")),
        }
    }

    fn path(
        &mut self,
        written: &str,
        offset: usize,
        lenient: bool,
    ) -> Result<Path, TemplateProblem> {
        let (base, segments) = self
            .resolve(written)
            .map_err(|(message, hint)| TemplateProblem::new(offset, message).maybe_hint(hint))?;
        if base == Base::Scope {
            let path = super::references::without_alias(&segments);
            self.references.push(Reference { path, offset, optional: lenient });
        }
        Ok(Path { base, segments, written: written.to_owned() })
    }

    /// Finds where a path starts, and what it is made of from there.
    fn resolve(&self, written: &str) -> Result<(Base, Vec<String>), (String, Option<String>)> {
        let frames = self.open.iter().filter(|open| open.is_frame()).count();
        if let Some(name) = written.strip_prefix('@') {
            return self.resolve_at(name);
        }
        let mut rest = written;
        let mut ups = 0;
        while let Some(after) = rest.strip_prefix("../") {
            (rest, ups) = (after, ups + 1);
        }
        if rest == ".." {
            (rest, ups) = ("this", ups + 1);
        }
        if ups > frames {
            return Err((format!("`{written}` leads out of the template"), None));
        }
        let base = (frames - ups).checked_sub(1).map_or(Base::Scope, Base::Frame);
        let explicit = ups > 0 || rest.starts_with("./") || rest.split('.').next() == Some("this");
        let rest = rest.strip_prefix("./").or(rest.strip_prefix("this.")).unwrap_or(rest);
        if rest == "this" {
            return match base {
                Base::Scope => Err((format!("`{written}` names no value here"), None)),
                _ => Ok((base, Vec::new())),
            };
        }
        let segments = segments(written, rest)?;
        if explicit {
            return Ok((base, segments));
        }
        let first = segments.first().map_or("", String::as_str);
        let mut frames = self.open.iter().rev().filter(|open| open.is_frame());
        let local = frames.find_map(|open| open.names.iter().find(|(name, _)| name == first));
        if let Some((_, base)) = local {
            return Ok((*base, segments.get(1..).unwrap_or_default().to_vec()));
        }
        if base != Base::Scope && ROOTS.contains(&first) {
            let message = format!("inside `each` and `with`, `{written}` starts at their value");
            let hint = format!("write `@root.{written}`, or `this.{written}` where that is meant");
            return Err((message, Some(hint)));
        }
        Ok((base, segments))
    }

    fn resolve_at(&self, name: &str) -> Result<(Base, Vec<String>), (String, Option<String>)> {
        let written = format!("@{name}");
        if let Some(rest) = name.strip_prefix("root.") {
            return Ok((Base::Scope, segments(&written, rest)?));
        }
        let known = ["index", "key", "first", "last"];
        if !known.contains(&name) {
            let hint = nearest(name, known).map(|name| format!("did you mean `@{name}`?"));
            return Err((format!("there is no `{written}`"), hint));
        }
        let open: Vec<&Open> = self.open.iter().filter(|open| open.is_frame()).collect();
        let Some(frame) = open.iter().rposition(|open| open.is_each()) else {
            return Err((format!("`{written}` is known inside `{{{{#each}}}}` only"), None));
        };
        let base = match name {
            "index" => Base::Index(frame),
            "key" => Base::Key(frame),
            "first" => Base::First(frame),
            _ => Base::Last(frame),
        };
        Ok((base, Vec::new()))
    }
}

/// Says that a name is unknown, and which was probably meant.
pub(super) fn unknown_helper<'n>(
    offset: usize,
    what: &str,
    name: &str,
    known: impl IntoIterator<Item = &'n str>,
) -> TemplateProblem {
    TemplateProblem::new(offset, format!("there is no {what} `{name}`"))
        .maybe_hint(did_you_mean(name, known))
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

fn segments(written: &str, rest: &str) -> Result<Vec<String>, (String, Option<String>)> {
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
        if segment.is_empty() || plain {
            return Err(wrong());
        }
        segments.push(segment.to_owned());
        if after.is_empty() {
            return Ok(segments);
        }
        left = after.strip_prefix('.').ok_or_else(wrong)?;
    }
}

fn is_name(word: &str) -> bool {
    literal(word).is_none()
        && word.chars().all(|c| c.is_alphanumeric() || c == '_')
        && word != "this"
}

fn is_literal(word: &str) -> bool {
    literal(word).is_some()
}

fn literal(word: &str) -> Option<Value> {
    match word {
        "true" => Some(Value::Bool(true)),
        "false" => Some(Value::Bool(false)),
        "null" => Some(Value::Null),
        _ if word.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
            word.parse::<Number>().ok().map(Value::Number)
        }
        _ => None,
    }
}
