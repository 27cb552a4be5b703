//! Reads the tags of a template and collects what is wrong with it, before anything compiles it:
//! depth is counted while it goes, because the compiler would run out of stack. It renders nothing.

use super::argument::{Arguments, unknown_helper};
use super::check::TemplateProblem;
use super::marker::{CLOSE, OPEN};
use super::references::Reference;
use super::token::{Part, Sigil, Tag, Token, next_tag, read_tag};

/// The longest template, in bytes.
const MAX_TEMPLATE_BYTES: usize = 64 << 10;
/// The most tags, because the time of compiling grows with tags times bytes.
const MAX_TAGS: usize = 512;
/// How deep blocks and calls of helpers may stand in one another.
pub(super) const MAX_NESTING: usize = 32;
/// More problems than this help nobody.
const MAX_PROBLEMS: usize = 32;

/// What was read of a template.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) references: Vec<Reference>,
    pub(super) problems: Vec<TemplateProblem>,
}

/// Reads a template; with problems, it is not to be compiled.
pub(super) fn parse(text: &str) -> Parsed {
    let mut parser = Parser { text, parsed: Parsed::default(), open: Vec::new() };
    if text.len() > MAX_TEMPLATE_BYTES {
        parser.problem(
            TemplateProblem::new(
                text.floor_char_boundary(MAX_TEMPLATE_BYTES),
                "the template is longer than 64 KiB",
            )
            .hint("put the text into a file of the target repository"),
        );
    } else if let Some(offset) = text.find([OPEN, CLOSE]) {
        parser.problem(TemplateProblem::new(offset, "a character that stands for no text"));
    } else {
        parser.run();
    }
    parser.parsed
}

/// The blocks that there are.
pub(super) const BLOCKS: [&str; 4] = ["if", "unless", "each", "with"];

/// A block whose end has not been read yet.
#[derive(Debug)]
pub(super) struct Open {
    name: &'static str,
    offset: usize,
    /// Names between `|`.
    pub(super) names: Vec<String>,
    /// Whether its `{{else}}` has been read.
    inverse: bool,
    /// Opened by `{{else if …}}`: ends together with the block above it.
    chained: bool,
}

impl Open {
    /// Its word.
    pub(super) fn name(&self) -> &'static str {
        self.name
    }

    /// Tells whether paths start at its value here.
    pub(super) fn is_frame(&self) -> bool {
        matches!(self.name, "each" | "with") && !self.inverse
    }

    /// Tells whether `@index` and its like come from it here.
    pub(super) fn is_each(&self) -> bool {
        self.name == "each" && !self.inverse
    }
}

struct Parser<'a> {
    text: &'a str,
    parsed: Parsed,
    open: Vec<Open>,
}

impl<'a> Parser<'a> {
    fn run(&mut self) {
        let (mut at, mut tags) = (0, 0);
        while self.parsed.problems.len() < MAX_PROBLEMS {
            let Some(start) = next_tag(self.text, at) else { break };
            tags += 1;
            if tags > MAX_TAGS {
                let limit = format!("more than {MAX_TAGS} tags");
                return self.problem(TemplateProblem::new(start, limit).hint("split the template"));
            }
            match read_tag(self.text, start) {
                Ok(tag) => {
                    at = tag.end;
                    if let Err(problem) = self.tag(&tag) {
                        self.problem(problem);
                    }
                    if self.open.len() > MAX_NESTING {
                        return;
                    }
                }
                Err((problem, resume)) => {
                    self.problem(problem);
                    at = resume;
                }
            }
        }
        self.finish();
    }

    /// Reports blocks without an end, unless another problem is the likely cause.
    fn finish(&mut self) {
        if let (Some(open), true) = (self.open.last(), self.parsed.problems.is_empty()) {
            let name = open.name;
            let problem =
                TemplateProblem::new(open.offset, format!("`{{{{#{name}}}}}` is not closed"))
                    .hint(format!("add `{{{{/{name}}}}}`"));
            self.problem(problem);
        }
    }

    fn problem(&mut self, problem: TemplateProblem) {
        self.parsed.problems.push(problem);
    }

    fn tag(&mut self, tag: &Tag<'a>) -> Result<(), TemplateProblem> {
        match tag.sigil {
            Sigil::Comment => Ok(()),
            Sigil::Open => self.open_block(tag, &tag.tokens, false),
            Sigil::Close => self.close(tag),
            Sigil::Invert if tag.tokens.is_empty() => self.turn(tag),
            Sigil::Invert => Err(TemplateProblem::new(tag.start, "`{{^` opens no block here")
                .hint("write `{{#unless x}}`")),
            Sigil::Value if is_else(tag) => {
                self.turn(tag)?;
                match tag.tokens.get(1..) {
                    Some(tokens) if !tokens.is_empty() => self.open_block(tag, tokens, true),
                    _ => Ok(()),
                }
            }
            Sigil::Value => self.arguments(tag, &tag.tokens).whole(),
        }
    }

    fn arguments<'t>(&'t mut self, tag: &Tag<'a>, tokens: &'t [Token<'a>]) -> Arguments<'t, 'a> {
        Arguments::new(tag.start, tokens, &self.open, &mut self.parsed.references)
    }

    fn open_block(
        &mut self,
        tag: &Tag<'a>,
        tokens: &[Token<'a>],
        chained: bool,
    ) -> Result<(), TemplateProblem> {
        let (name, tokens) = block_name(tag, tokens)?;
        let mut open = Open { name, offset: tag.start, names: Vec::new(), inverse: false, chained };
        if self.open.len() >= MAX_NESTING {
            let limit = format!("more than {MAX_NESTING} blocks stand in one another");
            // Left open on purpose: the parser stops here.
            self.open.push(open);
            return Err(TemplateProblem::new(tag.start, limit).hint("split the template"));
        }
        let read = self.arguments(tag, tokens).of_block(name);
        let result = read.map(|names| open.names = names);
        // Opened although its argument is wrong, so that its end is not reported too.
        self.open.push(open);
        result
    }

    /// Goes on to the other body of the block: `{{else}}`.
    fn turn(&mut self, tag: &Tag<'_>) -> Result<(), TemplateProblem> {
        match self.open.last_mut() {
            Some(Open { inverse: true, .. }) => {
                Err(TemplateProblem::new(tag.start, "a second `{{else}}` in one block"))
            }
            Some(open) => {
                open.inverse = true;
                Ok(())
            }
            None if self.parsed.problems.is_empty() => {
                Err(TemplateProblem::new(tag.start, "`{{else}}` stands in no block"))
            }
            None => Ok(()),
        }
    }

    fn close(&mut self, tag: &Tag<'a>) -> Result<(), TemplateProblem> {
        let name = match tag.tokens.as_slice() {
            [Token { part: Part::Word(name), .. }] => *name,
            _ => return Err(TemplateProblem::new(tag.start, "`{{/` names one block")),
        };
        let Some(last) = self.open.iter().rposition(|open| !open.chained) else {
            self.open.clear();
            // The end of a block whose start was refused says nothing new.
            if !self.parsed.problems.is_empty() {
                return Ok(());
            }
            let message = format!("`{{{{/{name}}}}}` closes no block");
            return Err(TemplateProblem::new(tag.start, message));
        };
        let closed = self.open.drain(last..).next();
        let Some(Open { name: expected, offset, .. }) = closed else { return Ok(()) };
        if name == expected || !self.parsed.problems.is_empty() {
            return Ok(());
        }
        let message = format!("`{{{{/{name}}}}}` where `{{{{#{expected}}}}}` is open");
        let line = self.text.get(..offset).unwrap_or_default().matches('\n').count() + 1;
        Err(TemplateProblem::new(tag.start, message)
            .hint(format!("close `{{{{#{expected}}}}}` of line {line} first")))
    }
}

pub(super) fn is_else(tag: &Tag<'_>) -> bool {
    tag.tokens.first().is_some_and(|token| token.part == Part::Word("else"))
}

/// Reads which block a tag opens, and gives the tokens after its name.
fn block_name<'t, 'a>(
    tag: &Tag<'a>,
    tokens: &'t [Token<'a>],
) -> Result<(&'static str, &'t [Token<'a>]), TemplateProblem> {
    let Some((Token { offset, part: Part::Word(name) }, rest)) = tokens.split_first() else {
        return Err(TemplateProblem::new(tag.start, "the tag names no block")
            .hint("`if`, `unless`, `each` and `with` are blocks"));
    };
    if let Some(block) = BLOCKS.into_iter().find(|block| block == name) {
        return Ok((block, rest));
    }
    Err(if super::helpers::find(name).is_some() {
        TemplateProblem::new(*offset, format!("`{name}` is not a block"))
            .hint(format!("write `{{{{#if ({name} …)}}}}…{{{{/if}}}}`"))
    } else {
        unknown_helper(*offset, "block", name, BLOCKS)
    })
}
