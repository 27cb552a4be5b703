//! Finds the value of an expression: strict paths, helpers, markers. It writes nothing, and counts
//! its work so that no template keeps it busy.

use std::borrow::Cow;

use serde_json::Value;

use super::helpers::{Body, Helper};
use super::marker::{Held, is_only_markers};
use super::references::Reference;
use super::render::RenderError;
use super::scope::{ROOTS, Scope};
use super::syntax::{Base, Call, Expression, Path};
use super::system_helpers as system;
use super::value_helpers::is_truthy;
use crate::digest::Digest;
use crate::finding::did_you_mean;

/// Parts and bytes that one template may go through.
const MAX_WORK: usize = 16 << 20;

/// A value of the scope, or one that a helper made.
pub(super) type Found<'a> = Cow<'a, Value>;

/// What `each` or `with` stands at.
#[derive(Debug)]
pub(super) struct Frame<'a> {
    pub(super) value: Found<'a>,
    pub(super) key: Value,
    pub(super) index: usize,
    pub(super) length: usize,
}

/// Evaluates the expressions of one template.
#[derive(Debug)]
pub(super) struct Evaluator<'a> {
    pub(super) scope: &'a Scope,
    /// The text of the template, which tells its helpers from those of others.
    pub(super) text: &'a str,
    pub(super) frames: Vec<Frame<'a>>,
    pub(super) work: usize,
}

impl<'a> Evaluator<'a> {
    pub(super) fn new(scope: &'a Scope, text: &'a str) -> Self {
        Self { scope, text, frames: Vec::new(), work: 0 }
    }

    /// Counts work that was done.
    pub(super) fn spend(&mut self, work: usize) -> Result<(), RenderError> {
        self.work = self.work.saturating_add(work);
        if self.work > MAX_WORK {
            return Err(RenderError::new("the template does too much: fewer items, fewer helpers"));
        }
        Ok(())
    }

    /// Finds the value of an expression; a path without one is an error.
    pub(super) fn value(&mut self, expression: &'a Expression) -> Result<Found<'a>, RenderError> {
        self.spend(1)?;
        match expression {
            Expression::Literal(value) => Ok(Cow::Borrowed(value)),
            Expression::Path(path) => self.path(path)?.ok_or_else(|| self.unknown(path)),
            Expression::Call(call) => self.call(call),
        }
    }

    /// Finds the value of an expression, or nothing where a path of a known root has none.
    fn lenient(&mut self, expression: &'a Expression) -> Result<Found<'a>, RenderError> {
        let Expression::Path(path) = expression else { return self.value(expression) };
        let named = path.segments.first().is_some_and(|root| ROOTS.contains(&root.as_str()));
        match self.path(path)? {
            Some(value) => Ok(value),
            None if named || path.base != Base::Scope => Ok(Cow::Owned(Value::Null)),
            None => Err(self.unknown(path)),
        }
    }

    fn path(&mut self, path: &'a Path) -> Result<Option<Found<'a>>, RenderError> {
        if !matches!(path.base, Base::Scope | Base::Frame(_)) && !path.segments.is_empty() {
            return Ok(None);
        }
        let frame = |index: usize| self.frames.get(index);
        let start: Option<Found<'a>> = match path.base {
            Base::Scope => Some(Cow::Borrowed(self.scope.values())),
            Base::Frame(index) => match frame(index).map(|frame| &frame.value) {
                Some(Cow::Borrowed(value)) => Some(Cow::Borrowed(*value)),
                Some(Cow::Owned(value)) => {
                    walk(value, &path.segments).map(|found| Cow::Owned(found.into_owned()))
                }
                None => None,
            },
            Base::Index(index) => frame(index).map(|frame| Cow::Owned(frame.index.into())),
            Base::Key(index) => frame(index).map(|frame| Cow::Owned(frame.key.clone())),
            Base::First(index) => frame(index).map(|frame| Cow::Owned((frame.index == 0).into())),
            Base::Last(index) => {
                frame(index).map(|frame| Cow::Owned((frame.index + 1 == frame.length).into()))
            }
        };
        Ok(match start {
            Some(Cow::Borrowed(value)) => walk(value, &path.segments),
            Some(Cow::Owned(value)) => {
                self.spend(weight(&value))?;
                Some(Cow::Owned(value))
            }
            None => None,
        })
    }

    /// Refuses a template that reads what the scope does not have, also where this rendering would not.
    pub(super) fn expect_known(&self, references: &[Reference]) -> Result<(), RenderError> {
        let unknown = references.iter().find(|reference| {
            !reference.optional && walk(self.scope.values(), &reference.path).is_none()
        });
        match unknown {
            Some(Reference { path, .. }) => Err(self.missing(&path.join("."), path)),
            None => Ok(()),
        }
    }

    fn unknown(&self, path: &Path) -> RenderError {
        let segments = if path.base == Base::Scope { path.segments.as_slice() } else { &[] };
        self.missing(&path.written, segments)
    }

    fn missing(&self, written: &str, segments: &[String]) -> RenderError {
        let message = format!("`{written}` is not known");
        RenderError::new(match self.nearest(segments) {
            Some(hint) => format!("{message}; {hint}"),
            None => message,
        })
    }

    /// Says which path was probably meant, where one name of it has a neighbour.
    fn nearest(&self, segments: &[String]) -> Option<String> {
        let known = (0..segments.len()).rev().find(|count| {
            segments.get(..*count).is_some_and(|path| self.scope.get(path).is_some())
        })?;
        let Some(Value::Object(map)) = self.scope.get(segments.get(..known)?) else { return None };
        did_you_mean(segments.get(known)?, map.keys().map(String::as_str))
    }

    fn call(&mut self, call: &'a Call) -> Result<Found<'a>, RenderError> {
        match call.helper.body {
            Body::Default => return self.default(call),
            Body::Lookup => return self.lookup(call),
            Body::And => return self.decide(call, false),
            Body::Or => return self.decide(call, true),
            _ => {}
        }
        let mut arguments = Vec::with_capacity(call.arguments.len());
        let mut held = Held::default();
        for expression in &call.arguments {
            let argument = self.value(expression)?;
            self.spend(weight(&argument))?;
            held.add(&argument);
            arguments.push(argument);
        }
        let arguments: Vec<&Value> = arguments.iter().map(AsRef::as_ref).collect();
        let keeps = matches!(call.helper.body, Body::Keeps(_));
        if !held.is_empty() && !keeps {
            return Ok(Cow::Owned(one_marker(&held, call.helper, &arguments)));
        }
        let first = arguments.first().copied();
        let made = match call.helper.body {
            Body::Pure(function) | Body::Keeps(function) => function(&arguments),
            Body::Date => system::date(self.scope, first),
            Body::Timestamp => system::moment(self.scope, first),
            _ => {
                let text = Digest::of_bytes(self.text.as_bytes());
                system::uuid(self.scope, first, &format!("{}:{text}", call.offset))
            }
        };
        let made = made.map_err(|message| RenderError::of(call.helper.name, &message))?;
        self.spend(weight(&made))?;
        Ok(Cow::Owned(made))
    }

    fn default(&mut self, call: &'a Call) -> Result<Found<'a>, RenderError> {
        let [wanted, otherwise] = call.arguments.as_slice() else { return Ok(nothing()) };
        let found = self.lenient(wanted)?;
        let empty = found.is_null() || found.as_str() == Some("");
        if empty { self.value(otherwise) } else { Ok(found) }
    }

    fn lookup(&mut self, call: &'a Call) -> Result<Found<'a>, RenderError> {
        let [container, key] = call.arguments.as_slice() else { return Ok(nothing()) };
        let (container, key) = (self.lenient(container)?, self.value(key)?);
        let mut held = Held::default();
        held.add(&key);
        if let Value::String(text) = container.as_ref() {
            held.add(&Value::String(text.clone()));
        }
        if !held.is_empty() {
            return Ok(Cow::Owned(one_marker(&held, call.helper, &[&container, &key])));
        }
        let key = match key.as_ref() {
            Value::String(key) => key.clone(),
            other => other.to_string(),
        };
        let found = match container {
            Cow::Borrowed(container) => member(container, &key).map(Cow::Borrowed),
            Cow::Owned(container) => member(&container, &key).cloned().map(Cow::Owned),
        };
        Ok(found.unwrap_or_else(nothing))
    }

    /// `and`, `or`: what is known may decide although something is not.
    fn decide(&mut self, call: &'a Call, deciding: bool) -> Result<Found<'a>, RenderError> {
        let mut held = Held::default();
        let mut arguments = Vec::with_capacity(call.arguments.len());
        for expression in &call.arguments {
            let argument = self.value(expression)?;
            match undecided(&argument) {
                true => held.add(&argument),
                false if is_truthy(&argument) == deciding => {
                    return Ok(Cow::Owned(Value::Bool(deciding)));
                }
                false => {}
            }
            arguments.push(argument);
        }
        if held.is_empty() {
            return Ok(Cow::Owned(Value::Bool(!deciding)));
        }
        let arguments: Vec<&Value> = arguments.iter().map(AsRef::as_ref).collect();
        Ok(Cow::Owned(one_marker(&held, call.helper, &arguments)))
    }
}

/// Tells whether nobody can say yet if a value counts as true.
pub(super) fn undecided(value: &Value) -> bool {
    value.as_str().is_some_and(is_only_markers)
}

fn nothing<'a>() -> Found<'a> {
    Cow::Owned(Value::Null)
}

fn one_marker(held: &Held, helper: &Helper, arguments: &[&Value]) -> Value {
    let rest = match arguments {
        [only] if undecided(only) => None,
        _ => Some(Digest::of(&arguments)),
    };
    Value::String(held.marker(helper.name, rest.as_ref()))
}

fn member<'v>(value: &'v Value, key: &str) -> Option<&'v Value> {
    match value {
        Value::Object(map) => map.get(key),
        Value::Array(items) => items.get(key.parse::<usize>().ok()?),
        _ => None,
    }
}

/// Walks a path; below a marker everything is a marker.
fn walk<'v>(start: &'v Value, segments: &[String]) -> Option<Found<'v>> {
    let mut value = start;
    for segment in segments {
        if undecided(value) {
            let mut held = Held::default();
            held.add(value);
            let rest = Digest::of(&segments);
            return Some(Cow::Owned(Value::String(held.marker("of", Some(&rest)))));
        }
        value = member(value, segment)?;
    }
    Some(Cow::Borrowed(value))
}

/// About how many bytes a value holds.
fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 1,
        Value::Array(items) => items.iter().map(weight).sum::<usize>() + 1,
        Value::Object(map) => {
            map.iter().map(|(key, item)| key.len() + weight(item)).sum::<usize>() + 1
        }
        _ => 1,
    }
}
