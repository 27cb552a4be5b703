//! Makes the parts of a template from its tags and collects what is wrong with it. Depth is counted
//! while it goes, so that nothing that walks the parts afterwards can run out of stack.

use super::argument::{Arguments, unknown_helper};
use super::check::TemplateProblem;
use super::marker::{CLOSE, OPEN};
use super::references::Reference;
use super::syntax::{Base, Block, BlockKind, Expression, Node};
use super::token::{Part, Sigil, Tag, Token, raw_text, read_tag};

/// The longest template, in bytes.
const MAX_TEMPLATE_BYTES: usize = 64 << 10;
/// How deep blocks and calls of helpers may stand in one another.
pub(super) const MAX_NESTING: usize = 32;
/// More problems than this help nobody.
const MAX_PROBLEMS: usize = 32;

/// A template taken apart.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) nodes: Vec<Node>,
    pub(super) references: Vec<Reference>,
    pub(super) problems: Vec<TemplateProblem>,
}

/// Takes a template apart; with problems, the nodes are not to be rendered.
pub(super) fn parse(text: &str) -> Parsed {
    let mut parser = Parser { text, parsed: Parsed::default(), open: Vec::new() };
    if text.len() > MAX_TEMPLATE_BYTES {
        parser.problem(
            TemplateProblem::new(MAX_TEMPLATE_BYTES, "the template is longer than 64 KiB")
                .hint("put the text into a file of the target repository"),
        );
    } else if let Some(offset) = text.find([OPEN, CLOSE]) {
        parser.problem(TemplateProblem::new(offset, "a character that stands for no text"));
    } else {
        parser.run();
    }
    parser.parsed
}

/// A block whose end has not been read yet.
#[derive(Debug)]
pub(super) struct Open {
    kind: BlockKind,
    offset: usize,
    argument: Expression,
    /// Names between `|`, each with what it stands for.
    pub(super) names: Vec<(String, Base)>,
    body: Vec<Node>,
    inverse: Option<Vec<Node>>,
    /// Opened by `{{else if …}}`: ends together with the block above it.
    chained: bool,
}

impl Open {
    /// Tells whether paths start at its value here.
    pub(super) fn is_frame(&self) -> bool {
        self.kind.shifts() && self.inverse.is_none()
    }

    /// Tells whether `@index` and its like come from it here.
    pub(super) fn is_each(&self) -> bool {
        self.kind == BlockKind::Each && self.inverse.is_none()
    }
}

/// What white space of the next raw text goes.
#[derive(Clone, Copy, PartialEq)]
enum Trim {
    Nothing,
    /// What is left of a line that held nothing but a tag.
    Line,
    All,
}

struct Parser<'a> {
    text: &'a str,
    parsed: Parsed,
    open: Vec<Open>,
}

impl<'a> Parser<'a> {
    fn run(&mut self) {
        let mut at = 0;
        let mut trim = Trim::Nothing;
        while self.parsed.problems.len() < MAX_PROBLEMS {
            let (raw, start) = raw_text(self.text, at);
            let Some(start) = start else {
                self.push_text(&raw, trim, Trim::Nothing);
                break;
            };
            match read_tag(self.text, start) {
                Ok(tag) => {
                    let alone = tag.sigil != Sigil::Value || is_else(&tag);
                    let alone = alone && self.stands_alone(&tag);
                    let way = |all| match (all, alone) {
                        (true, _) => Trim::All,
                        (false, true) => Trim::Line,
                        (false, false) => Trim::Nothing,
                    };
                    self.push_text(&raw, trim, way(tag.trims_before));
                    (at, trim) = (tag.end, way(tag.trims_after));
                    if let Err(problem) = self.tag(&tag) {
                        self.problem(problem);
                    }
                    if self.open.len() > MAX_NESTING {
                        return;
                    }
                }
                Err((problem, resume)) => {
                    self.problem(problem);
                    (at, trim) = (resume, Trim::Nothing);
                }
            }
        }
        self.finish();
    }

    /// Reports blocks without an end, unless another problem is the likely cause.
    fn finish(&mut self) {
        if let (Some(open), true) = (self.open.last(), self.parsed.problems.is_empty()) {
            let name = open.kind.name();
            let problem =
                TemplateProblem::new(open.offset, format!("`{{{{#{name}}}}}` is not closed"))
                    .hint(format!("add `{{{{/{name}}}}}`"));
            self.problem(problem);
        }
    }

    fn problem(&mut self, problem: TemplateProblem) {
        self.parsed.problems.push(problem);
    }

    fn stands_alone(&self, tag: &Tag<'_>) -> bool {
        let blank = [' ', '\t'];
        let before = self.text.get(..tag.start).unwrap_or_default().trim_end_matches(blank);
        let after = self.text.get(tag.end..).unwrap_or_default().trim_start_matches(blank);
        (before.is_empty() || before.ends_with('\n'))
            && (after.is_empty() || after.starts_with('\n') || after.starts_with("\r\n"))
    }

    fn push_text(&mut self, raw: &str, start: Trim, end: Trim) {
        let blank = [' ', '\t'];
        let raw = match start {
            Trim::Nothing => raw,
            Trim::All => raw.trim_start(),
            Trim::Line => {
                let raw = raw.trim_start_matches(blank);
                let line = raw.strip_prefix('\r').unwrap_or(raw);
                line.strip_prefix('\n').unwrap_or(raw)
            }
        };
        let raw = match end {
            Trim::Nothing => raw,
            Trim::All => raw.trim_end(),
            Trim::Line => raw.trim_end_matches(blank),
        };
        if !raw.is_empty() {
            self.push(Node::Text(raw.to_owned()));
        }
    }

    fn push(&mut self, node: Node) {
        match self.open.last_mut() {
            Some(Open { inverse: Some(inverse), .. }) => inverse.push(node),
            Some(open) => open.body.push(node),
            None => self.parsed.nodes.push(node),
        }
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
            Sigil::Value => {
                let expression = self.arguments(tag, &tag.tokens).whole()?;
                self.push(Node::Value(expression));
                Ok(())
            }
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
        let (kind, tokens) = block_kind(tag, tokens)?;
        if self.open.len() >= MAX_NESTING {
            let limit = format!("more than {MAX_NESTING} blocks stand in one another");
            // Left open on purpose: the parser stops here.
            self.open.push(Open::unread(kind, tag.start));
            return Err(TemplateProblem::new(tag.start, limit).hint("split the template"));
        }
        let frame = self.open.iter().filter(|open| open.is_frame()).count();
        let read = self.arguments(tag, tokens).of_block(kind, frame);
        let mut open = Open::unread(kind, tag.start);
        open.chained = chained;
        let result = read.map(|(argument, names)| {
            open.argument = argument;
            open.names = names;
        });
        // Opened although its argument is wrong, so that its end is not reported too.
        self.open.push(open);
        result
    }

    /// Goes on to the other body of the block: `{{else}}`.
    fn turn(&mut self, tag: &Tag<'_>) -> Result<(), TemplateProblem> {
        match self.open.last_mut() {
            Some(Open { inverse: Some(_), .. }) => {
                Err(TemplateProblem::new(tag.start, "a second `{{else}}` in one block"))
            }
            Some(open) => {
                open.inverse = Some(Vec::new());
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
        loop {
            let Some(open) = self.open.pop() else {
                // The end of a block whose start was refused says nothing new.
                if !self.parsed.problems.is_empty() {
                    return Ok(());
                }
                let message = format!("`{{{{/{name}}}}}` closes no block");
                return Err(TemplateProblem::new(tag.start, message));
            };
            let expected = open.kind.name();
            let (chained, offset) = (open.chained, open.offset);
            self.push(Node::Block(Block {
                kind: open.kind,
                argument: open.argument,
                body: open.body,
                inverse: open.inverse.unwrap_or_default(),
            }));
            if chained {
                continue;
            }
            if name == expected || !self.parsed.problems.is_empty() {
                return Ok(());
            }
            let message = format!("`{{{{/{name}}}}}` where `{{{{#{expected}}}}}` is open");
            let line = self.text.get(..offset).unwrap_or_default().matches('\n').count() + 1;
            return Err(TemplateProblem::new(tag.start, message)
                .hint(format!("close `{{{{#{expected}}}}}` of line {line} first")));
        }
    }
}

impl Open {
    fn unread(kind: BlockKind, offset: usize) -> Self {
        Self {
            kind,
            offset,
            argument: Expression::Literal(serde_json::Value::Null),
            names: Vec::new(),
            body: Vec::new(),
            inverse: None,
            chained: false,
        }
    }
}

fn is_else(tag: &Tag<'_>) -> bool {
    tag.sigil == Sigil::Value
        && tag.tokens.first().is_some_and(|token| token.part == Part::Word("else"))
}

/// Reads which block a tag opens, and gives the tokens after its name.
fn block_kind<'t, 'a>(
    tag: &Tag<'a>,
    tokens: &'t [Token<'a>],
) -> Result<(BlockKind, &'t [Token<'a>]), TemplateProblem> {
    let Some((Token { offset, part: Part::Word(name) }, rest)) = tokens.split_first() else {
        return Err(TemplateProblem::new(tag.start, "the tag names no block")
            .hint("`if`, `unless`, `each` and `with` are blocks"));
    };
    if let Some(kind) = BlockKind::of(name) {
        return Ok((kind, rest));
    }
    Err(if super::helpers::find(name).is_some() {
        TemplateProblem::new(*offset, format!("`{name}` is not a block"))
            .hint(format!("write `{{{{#if ({name} …)}}}}…{{{{/if}}}}`"))
    } else {
        unknown_helper(*offset, "block", name, BlockKind::NAMES)
    })
}
