//! One rendering: what has been written, how much work it was, and the values of arguments. Paths are
//! strict, markers are kept, and no template keeps it busy for long.

use std::borrow::Cow;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use handlebars::{Context, Output, PathAndJson, RenderContext, ScopedJson};
use serde_json::Value;

use super::escape::Target;
use super::marker::{Held, is_only_markers};
use super::render::RenderError;
use super::scope::Scope;
use super::write::Writer;
use crate::digest::Digest;

/// Parts and bytes that one template may go through.
const MAX_WORK: usize = 16 << 20;

/// One rendering of a template. The crate wants its helpers to be `Sync`, hence the lock.
#[derive(Debug)]
pub(super) struct Run<'s> {
    pub(super) scope: &'s Scope,
    writer: Mutex<Writer>,
    work: AtomicUsize,
}

impl<'s> Run<'s> {
    pub(super) fn new(scope: &'s Scope, target: Target) -> Self {
        Self { scope, writer: Mutex::new(Writer::new(target)), work: AtomicUsize::new(0) }
    }

    /// Checks the whole text and gives it.
    pub(super) fn finish(self) -> Result<String, RenderError> {
        let writer = self.writer.into_inner().unwrap_or_else(PoisonError::into_inner);
        writer.finish().map_err(RenderError::new)
    }

    pub(super) fn writer(&self) -> MutexGuard<'_, Writer> {
        self.writer.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts work that was done.
    pub(super) fn spend(&self, work: usize) -> Result<(), RenderError> {
        let before = self.work.fetch_add(work, Ordering::Relaxed);
        if before.saturating_add(work) > MAX_WORK {
            return Err(RenderError::new("the template does too much: fewer items, fewer helpers"));
        }
        Ok(())
    }

    /// Finds the value of an argument: strictly, and below a marker everything is a marker.
    pub(super) fn value<'p, 'rc>(
        &self,
        argument: &'p PathAndJson<'rc>,
        place: Place<'p, '_, 'rc>,
    ) -> Result<Cow<'p, Value>, RenderError> {
        self.spend(1)?;
        if argument.is_value_missing() {
            let written = argument.relative_path().map_or("", String::as_str);
            let marker = place.below_marker(written).map(Cow::Owned);
            return marker.ok_or_else(|| RenderError::of(written, "is not known"));
        }
        if argument.context_path().is_none() {
            // The crate has made a copy of it.
            self.spend(weight(argument.value()))?;
        }
        Ok(Cow::Borrowed(argument.value()))
    }
}

impl Output for &Run<'_> {
    fn write(&mut self, text: &str) -> Result<(), std::io::Error> {
        self.writer().plain(text).map_err(std::io::Error::other)
    }
}

/// Where the crate stands in a template: what paths start at there.
#[derive(Clone, Copy, Debug)]
pub(super) struct Place<'p, 'reg, 'rc> {
    pub(super) context: &'rc Context,
    pub(super) render: &'p RenderContext<'reg, 'rc>,
}

impl<'rc> Place<'_, '_, 'rc> {
    /// The marker of a path without a value, where a marker stands on the way to it.
    fn below_marker(self, written: &str) -> Option<Value> {
        let ups = written.rfind("../").map_or(0, |found| found + 3);
        let mut above = written;
        while let Some((shorter, _)) = above.rsplit_once('.').filter(|(it, _)| it.len() > ups) {
            above = shorter;
            // A name in brackets may hold a dot, and then it does not parse.
            if let Some(value) = self.found(above) {
                return marker_of(&value, written);
            }
        }
        let local = !written.starts_with('@');
        let start = format!("{}this", written.get(..ups)?);
        marker_of(&self.found(&start).filter(|_| local)?, written)
    }

    fn found(self, path: &str) -> Option<ScopedJson<'rc>> {
        self.render.evaluate(self.context, path).ok().filter(|found| !found.is_missing())
    }
}

fn marker_of(found: &ScopedJson<'_>, written: &str) -> Option<Value> {
    let mut held = Held::default();
    held.add(Some(found.as_json()).filter(|value| undecided(value))?);
    Some(Value::String(held.marker("of", Some(&Digest::of_bytes(written.as_bytes())))))
}

/// Tells whether nobody can say yet if a value counts as true.
pub(super) fn undecided(value: &Value) -> bool {
    value.as_str().is_some_and(is_only_markers)
}

/// About how many bytes a value holds.
pub(super) fn weight(value: &Value) -> usize {
    match value {
        Value::String(text) => text.len() + 1,
        Value::Array(items) => items.iter().map(weight).sum::<usize>() + 1,
        Value::Object(map) => {
            map.iter().map(|(key, item)| key.len() + weight(item)).sum::<usize>() + 1
        }
        _ => 1,
    }
}
