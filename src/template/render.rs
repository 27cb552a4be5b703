//! Renders templates, with a cap on what comes out. It checks a template first and never renders one
//! with problems.

use std::borrow::Cow;

use serde_json::Value;

use super::escape::Target;
use super::evaluate::{Evaluator, Found, Frame, undecided};
use super::helpers::Body;
use super::marker::Held;
use super::parse::{Parsed, parse};
use super::scope::Scope;
use super::syntax::{Block, BlockKind, Call, Expression, Node};
use super::value_helpers::{is_truthy, kind_of};
use super::write::Writer;

/// The largest text that a template may render to, in bytes.
pub const MAX_OUTPUT_BYTES: usize = 1 << 20;

/// A template could not be rendered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct RenderError {
    /// What went wrong, without any value.
    pub message: String,
}

impl RenderError {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self { message: message.into() }
    }

    /// Says what is wrong with one value or helper.
    pub(super) fn of(name: &str, message: &str) -> Self {
        Self { message: format!("`{name}` {message}") }
    }
}

/// Tells whether a text holds anything to render.
pub fn is_template(text: &str) -> bool {
    text.contains("{{")
}

/// Renders a template to a text that is escaped for its target.
pub fn render(text: &str, target: Target, scope: &Scope) -> Result<String, RenderError> {
    let parsed = parsed(text)?;
    let mut writer = Writer::new(target);
    let mut evaluator = Evaluator::new(scope, text);
    evaluator.expect_known(&parsed.references)?;
    evaluator.nodes(&parsed.nodes, &mut writer)?;
    writer.finish().map_err(RenderError::new)
}

/// Evaluates a template to a value: one lone path keeps its type, everything else becomes a text.
///
/// `{{default …}}` and `{{lookup …}}` that stand alone choose a value and keep its type too.
pub fn evaluate(text: &str, scope: &Scope) -> Result<Value, RenderError> {
    if !is_template(text) {
        return Ok(Value::String(text.to_owned()));
    }
    let parsed = parsed(text)?;
    let keeps = match parsed.nodes.as_slice() {
        [Node::Value(Expression::Call(call))] => call.helper.forgives(),
        [Node::Value(Expression::Path(_))] => true,
        _ => false,
    };
    match parsed.nodes.as_slice() {
        [Node::Value(expression)] if keeps => {
            let mut evaluator = Evaluator::new(scope, text);
            evaluator.expect_known(&parsed.references)?;
            evaluator.value(expression).map(Cow::into_owned)
        }
        _ => render(text, Target::Text, scope).map(Value::String),
    }
}

/// Parses a template and refuses one with problems, by the first of them.
fn parsed(text: &str) -> Result<Parsed, RenderError> {
    let parsed = parse(text);
    match parsed.problems.first() {
        None => Ok(parsed),
        Some(problem) => Err(RenderError::new(match &problem.hint {
            Some(hint) => format!("{}; {hint}", problem.message),
            None => problem.message.clone(),
        })),
    }
}

impl<'a> Evaluator<'a> {
    /// Writes parts in their order; it recurses as deep as blocks stand in one another.
    fn nodes(&mut self, nodes: &'a [Node], out: &mut Writer) -> Result<(), RenderError> {
        for node in nodes {
            self.spend(1)?;
            match node {
                Node::Text(text) => out.plain(text).map_err(RenderError::new)?,
                Node::Value(expression) => {
                    let leads = out.len() == 0 && self.frames.is_empty();
                    let value = self.value(expression)?;
                    let written = match (expression, value.as_ref()) {
                        (Expression::Call(call), Value::String(json)) if is_json(call) => {
                            out.json(json)
                        }
                        (_, value) => out.value(value, leads),
                    };
                    written.map_err(|message| RenderError::of(name_of(expression), &message))?;
                }
                Node::Block(block) => self.block(block, out)?,
            }
        }
        Ok(())
    }

    fn block(&mut self, block: &'a Block, out: &mut Writer) -> Result<(), RenderError> {
        let value = self.value(&block.argument)?;
        if undecided(&value) {
            let mut held = Held::default();
            held.add(&value);
            let marker = Value::String(held.marker(block.kind.name(), None));
            return out
                .value(&marker, false)
                .map_err(|message| RenderError::of(name_of(&block.argument), &message));
        }
        match block.kind {
            BlockKind::If | BlockKind::Unless => {
                let first = is_truthy(&value) == (block.kind == BlockKind::If);
                self.nodes(if first { &block.body } else { &block.inverse }, out)
            }
            BlockKind::With if is_truthy(&value) => {
                let frame = Frame { value, key: Value::Null, index: 0, length: 1 };
                self.framed(frame, &block.body, out)
            }
            BlockKind::With => self.nodes(&block.inverse, out),
            BlockKind::Each => self.each(value, block, out),
        }
    }

    fn each(
        &mut self,
        value: Found<'a>,
        block: &'a Block,
        out: &mut Writer,
    ) -> Result<(), RenderError> {
        let members: Vec<(Value, Found<'a>)> = match value {
            Cow::Borrowed(Value::Array(items)) => items
                .iter()
                .enumerate()
                .map(|(at, item)| (at.into(), Cow::Borrowed(item)))
                .collect(),
            Cow::Borrowed(Value::Object(map)) => {
                map.iter().map(|(key, item)| (key.as_str().into(), Cow::Borrowed(item))).collect()
            }
            Cow::Owned(Value::Array(items)) => items
                .into_iter()
                .enumerate()
                .map(|(at, item)| (at.into(), Cow::Owned(item)))
                .collect(),
            Cow::Owned(Value::Object(map)) => {
                map.into_iter().map(|(key, item)| (key.into(), Cow::Owned(item))).collect()
            }
            Cow::Owned(Value::Null) | Cow::Borrowed(Value::Null) => Vec::new(),
            other => {
                let message = format!("is {}, not a list or map", kind_of(&other));
                return Err(RenderError::of(name_of(&block.argument), &message));
            }
        };
        self.spend(members.len())?;
        if members.is_empty() {
            return self.nodes(&block.inverse, out);
        }
        let length = members.len();
        for (index, (key, value)) in members.into_iter().enumerate() {
            self.spend(8)?;
            self.framed(Frame { value, key, index, length }, &block.body, out)?;
        }
        Ok(())
    }

    fn framed(
        &mut self,
        frame: Frame<'a>,
        body: &'a [Node],
        out: &mut Writer,
    ) -> Result<(), RenderError> {
        self.frames.push(frame);
        let result = self.nodes(body, out);
        self.frames.pop();
        result
    }
}

fn is_json(call: &Call) -> bool {
    matches!(call.helper.body, Body::Keeps(_)) && call.helper.name == "json"
}

/// What an expression is called in a message.
fn name_of(expression: &Expression) -> &str {
    match expression {
        Expression::Path(path) => &path.written,
        Expression::Call(call) => call.helper.name,
        Expression::Literal(_) => "the text",
    }
}
