//! Events → tree, on a stack of its own. Never recurses, and never keeps what it refuses.

use std::collections::HashMap;
use std::ops::{ControlFlow, Range};

use saphyr_parser::{Event, ScalarStyle, Span as EventSpan};

use super::extent;
use super::key;
use super::mend;
use super::parse::{MAX_DEPTH, MAX_FINDINGS};
use super::prepass::{code_point, is_invisible, is_refused};
use super::scalar::resolve;
use super::source::{Source, Spot, between, narrow};
use super::syntax;
use super::tree::{Entry, Node, Scalar, Span, Style};
use crate::finding::Finding;

/// Up to how many keys are compared one by one.
const FEW_KEYS: usize = 8;

/// Builds the tree of one document.
pub(super) struct Builder<'a> {
    source: &'a Source<'a>,
    frames: Vec<Frame>,
    started: bool,
    /// Byte offset behind the event before.
    previous: usize,
    /// The root, once it is complete.
    pub(super) root: Option<Node>,
    /// What was found.
    pub(super) findings: Vec<Finding>,
    /// Keys that were refused for characters nobody sees.
    pub(super) unseen_keys: Vec<Range<usize>>,
}

/// A list or mapping that is not complete.
struct Frame {
    parts: Parts,
    start: Spot,
    /// Where the last part ends.
    end: Spot,
    /// Whether it stands inside brackets.
    flow: bool,
    /// Whether it has brackets itself.
    bracket: bool,
    /// Whether it stands where only a text may stand: as a key.
    is_key: bool,
}

enum Parts {
    Sequence(Vec<Node>),
    Mapping { entries: Vec<Entry>, many: HashMap<String, Span>, key: Option<Key> },
}

/// A key whose value is to come.
struct Key {
    text: String,
    span: Span,
    /// Whether the entry belongs to the tree.
    kept: bool,
}

/// A scalar of the source with where it stands.
pub(super) struct Written {
    /// What it says.
    pub(super) text: String,
    /// How it is written.
    pub(super) style: ScalarStyle,
    /// Its first character.
    pub(super) start: Spot,
    /// Behind its last character.
    pub(super) end: Spot,
}

impl<'a> Builder<'a> {
    /// Starts with nothing.
    pub(super) fn new(source: &'a Source<'a>) -> Self {
        Self {
            source,
            frames: Vec::new(),
            started: false,
            previous: 0,
            root: None,
            findings: Vec::new(),
            unseen_keys: Vec::new(),
        }
    }

    /// Takes the next event, and says whether reading on makes sense.
    pub(super) fn take(&mut self, event: Event<'_>, span: EventSpan) -> ControlFlow<()> {
        let behind = self.source.spot(span.end).offset;
        let flow = match event {
            Event::DocumentStart(_) if self.started => {
                let start = self.source.spot(span.start);
                self.feature(
                    start,
                    3,
                    "several documents in one file",
                    "write one document a file",
                );
                ControlFlow::Break(())
            }
            Event::DocumentStart(_) => {
                self.started = true;
                ControlFlow::Continue(())
            }
            Event::Alias(_) => self.alias(span),
            Event::Scalar(text, style, anchor, tag) => {
                self.decorations(span, anchor > 0, tag.is_some());
                let (start, end) =
                    extent::of_scalar(self.source, &text, style, span, self.previous);
                self.scalar(Written { text: text.into_owned(), style, start, end })
            }
            Event::SequenceStart(anchor, tag) => {
                self.decorations(span, anchor > 0, tag.is_some());
                self.open(Parts::Sequence(Vec::new()), span)
            }
            Event::MappingStart(anchor, tag) => {
                self.decorations(span, anchor > 0, tag.is_some());
                let many = HashMap::new();
                self.open(Parts::Mapping { entries: Vec::new(), many, key: None }, span)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(span),
            _ => ControlFlow::Continue(()),
        };
        self.previous = behind;
        match flow {
            ControlFlow::Continue(()) if self.findings.len() < MAX_FINDINGS => flow,
            _ => ControlFlow::Break(()),
        }
    }

    fn feature(&mut self, start: Spot, length: u32, message: &str, hint: &str) {
        let place = self.source.place(start, length);
        self.findings.push(Finding::error("yaml/feature", place, message).hint(hint));
    }

    fn alias(&mut self, span: EventSpan) -> ControlFlow<()> {
        let start = self.source.spot(span.start);
        let hint = "write the value out, or quote a text that starts with `*`";
        self.feature(start, narrow(span.len()), "aliases (`*name`) are not supported", hint);
        let end = self.source.spot(span.end);
        let span = between(start, end);
        if self.expects_key() {
            self.set_key(Key { text: String::new(), span, kept: false }, end);
        } else {
            self.attach(Node::Scalar(Scalar::Null, span), end);
        }
        ControlFlow::Continue(())
    }

    /// Refuses anchors and tags, which come in any order before a node.
    fn decorations(&mut self, span: EventSpan, anchor: bool, tag: bool) {
        if !anchor && !tag {
            return;
        }
        let start = self.source.spot(span.start);
        if anchor {
            let hint =
                "write the value out where it is needed, or quote a text that starts with `&`";
            self.feature(start, 1, "anchors (`&name`) are not supported", hint);
        }
        if tag {
            let hint = "remove the tag, or quote a text that starts with `!`";
            self.feature(start, 1, "tags (`!name`) are not supported", hint);
        }
    }

    fn expects_key(&self) -> bool {
        matches!(self.frames.last(), Some(Frame { parts: Parts::Mapping { key: None, .. }, .. }))
    }

    fn open(&mut self, parts: Parts, span: EventSpan) -> ControlFlow<()> {
        let mut start = self.source.spot(span.start);
        if self.frames.len() >= MAX_DEPTH {
            let message = format!("nested deeper than {MAX_DEPTH} levels");
            let finding = Finding::error("yaml/depth", self.source.place(start, 1), message);
            self.findings.push(finding.hint("flatten the structure"));
            return ControlFlow::Break(());
        }
        let is_key = self.expects_key();
        if is_key && !self.frames.iter().any(|frame| frame.is_key) {
            self.complex_key(start);
        }
        let bracket = matches!(self.source.byte(start.offset), b'[' | b'{');
        let flow = bracket || self.frames.last().is_some_and(|frame| frame.flow);
        let is_value =
            matches!(self.frames.last(), Some(Frame { parts: Parts::Mapping { .. }, .. }));
        if matches!(parts, Parts::Sequence(_)) && is_value && !flow {
            start = self.dash(start);
        }
        self.frames.push(Frame { parts, start, end: start, flow, bracket, is_key });
        ControlFlow::Continue(())
    }

    /// A list that is a value may stand in its key's column; the parser then marks what follows `-`.
    fn dash(&self, start: Spot) -> Spot {
        let line = self.source.start_of(start.line);
        let blanks = self.source.slice(line, start.offset).bytes().take_while(|byte| *byte == b' ');
        let column = blanks.count();
        match self.source.byte(line + column) {
            b'-' => Spot { offset: line + column, line: start.line, column: narrow(column + 1) },
            _ => start,
        }
    }

    fn complex_key(&mut self, start: Spot) {
        let is_brace = |offset: usize| self.source.byte(offset) == b'{';
        if is_brace(start.offset) && start.offset > 0 && is_brace(start.offset - 1) {
            let start =
                Spot { offset: start.offset - 1, line: start.line, column: start.column - 1 };
            self.findings.push(syntax::unquoted_template(self.source, start));
        } else if is_brace(start.offset) && is_brace(start.offset + 1) {
            self.findings.push(syntax::unquoted_template(self.source, start));
        } else {
            let hint = "write the key as a text, in quotes if need be";
            self.feature(start, 1, "a list or mapping can't be a key", hint);
        }
    }

    fn close(&mut self, span: EventSpan) -> ControlFlow<()> {
        let Some(frame) = self.frames.pop() else { return ControlFlow::Break(()) };
        let mut end = frame.end;
        if frame.bracket {
            let last = self.source.spot(span.start);
            end = self.source.advance(last, (last.offset + 1).min(self.source.text.len()));
        }
        let span = between(frame.start, end);
        if frame.is_key {
            self.set_key(Key { text: String::new(), span, kept: false }, end);
            return ControlFlow::Continue(());
        }
        let node = match frame.parts {
            Parts::Sequence(items) => Node::Sequence(items, span),
            Parts::Mapping { entries, .. } => Node::Mapping(entries, span),
        };
        self.attach(node, end);
        ControlFlow::Continue(())
    }

    fn set_key(&mut self, new: Key, new_end: Spot) {
        if let Some(Frame { parts: Parts::Mapping { key, .. }, end, .. }) = self.frames.last_mut() {
            *key = Some(new);
            *end = new_end;
        }
    }

    /// Puts a complete node where it belongs.
    fn attach(&mut self, node: Node, node_end: Spot) {
        let Some(Frame { parts, end, .. }) = self.frames.last_mut() else {
            self.root = Some(node);
            return;
        };
        *end = node_end;
        match parts {
            Parts::Sequence(items) => items.push(node),
            Parts::Mapping { entries, many, key } => {
                let Some(Key { text, span, kept: true }) = key.take() else { return };
                if entries.len() == FEW_KEYS {
                    many.extend(entries.iter().map(|entry| (entry.key.clone(), entry.key_span)));
                }
                if entries.len() >= FEW_KEYS {
                    many.insert(text.clone(), span);
                }
                entries.push(Entry { key: text, key_span: span, value: node });
            }
        }
    }

    fn scalar(&mut self, scalar: Written) -> ControlFlow<()> {
        let span = between(scalar.start, scalar.end);
        if scalar.style == ScalarStyle::DoubleQuoted {
            self.escapes(&scalar, span);
        }
        if self.expects_key() {
            self.key(scalar, span);
            return ControlFlow::Continue(());
        }
        let Written { text, style, start, end } = scalar;
        let value = match style {
            ScalarStyle::Plain => {
                self.cut_template(&text, end);
                resolve(text).unwrap_or_else(|doubt| {
                    let place = self.source.place_of(span);
                    let finding = Finding::error("yaml/number", place, doubt.message);
                    let fix = mend::quote(self.source, start.offset..end.offset);
                    self.findings.push(Finding { fix, ..finding.hint(doubt.hint) });
                    Scalar::Null
                })
            }
            ScalarStyle::SingleQuoted | ScalarStyle::DoubleQuoted => {
                Scalar::Text(text, Style::Quoted)
            }
            ScalarStyle::Literal | ScalarStyle::Folded => Scalar::Text(text, Style::Block),
        };
        self.attach(Node::Scalar(value, span), end);
        ControlFlow::Continue(())
    }

    /// Refuses characters that were written as an escape to get past the first look.
    fn escapes(&mut self, scalar: &Written, span: Span) {
        let Some(refused) = scalar.text.chars().find(|each| is_refused(*each)) else { return };
        let message = format!("this text contains {} as an escape", code_point(refused));
        let finding = Finding::error("yaml/character", self.source.place_of(span), message);
        self.findings.push(finding.hint("remove the escape"));
    }

    /// Warns where ` #` ends a text in the middle of a template.
    fn cut_template(&mut self, text: &str, end: Spot) {
        let Some(open) = text.rfind("{{") else { return };
        let rest = self.source.text.get(end.offset..).unwrap_or_default();
        let rest = rest.split('\n').next().unwrap_or_default();
        let comment = rest.trim_start_matches([' ', '\t']);
        if !comment.starts_with('#') {
            return;
        }
        let is_open = text.rfind("}}").is_none_or(|close| close < open);
        if is_open || comment.contains("{{") || comment.contains("}}") {
            let start = self.source.advance(end, end.offset + rest.len() - comment.len());
            let place = self.source.place(start, narrow(comment.trim_end().chars().count()));
            let message = "` #` starts a comment here and cuts off a template";
            let finding = Finding::warning("yaml/comment-cuts-template", place, message);
            self.findings.push(finding.hint("put quotes around the text"));
        }
    }

    fn key(&mut self, scalar: Written, span: Span) {
        let Some(Frame { parts: Parts::Mapping { entries, many, .. }, flow, .. }) =
            self.frames.last()
        else {
            return;
        };
        let first = if many.is_empty() {
            entries.iter().find(|entry| entry.key == scalar.text).map(|entry| entry.key_span)
        } else {
            many.get(&scalar.text).copied()
        };
        let source = self.source;
        let mut findings = key::check(source, &scalar, span, *flow);
        if let Some(first) = first {
            findings.push(key::duplicate(source, &scalar.text, span, first));
        }
        let kept = findings.is_empty();
        if scalar.text.chars().any(is_invisible) {
            self.unseen_keys.push(scalar.start.offset..scalar.end.offset);
        }
        self.findings.append(&mut findings);
        self.set_key(Key { text: scalar.text, span, kept }, scalar.end);
    }
}
