//! The helpers and blocks as the `handlebars` crate calls them. A helper only gives a value; writing
//! goes through `write`, and every block through `guard`.

use std::borrow::Cow;

use handlebars::{
    Context, Handlebars, Helper as Given, HelperDef, HelperResult, Output, PathAndJson,
    RenderContext, RenderErrorReason, Renderable, ScopedJson,
};
use serde_json::Value;

use super::compile::{GUARD, WRITE};
use super::helpers::{self, Body, Helper};
use super::marker::Held;
use super::render::RenderError;
use super::run::{Place, Run, undecided, weight};
use super::system_helpers as system;
use super::value_helpers::{is_truthy, kind_of};
use crate::digest::Digest;

/// Makes what the crate renders in: our helpers, all bound to one run.
pub(super) fn with_helpers<'rc>(run: &'rc Run<'_>) -> RenderContext<'static, 'rc> {
    let mut render = RenderContext::new(None);
    for helper in helpers::all() {
        render.register_local_helper(helper.name, Box::new(Call { helper, run }));
    }
    render.register_local_helper(WRITE, Box::new(Write { run }));
    render.register_local_helper(GUARD, Box::new(Guard { run }));
    render
}

/// Writes one value.
struct Write<'r> {
    run: &'r Run<'r>,
}

impl HelperDef for Write<'_> {
    fn call<'reg: 'rc, 'rc>(
        &self,
        given: &Given<'rc>,
        _: &'reg Handlebars<'reg>,
        context: &'rc Context,
        render: &mut RenderContext<'reg, 'rc>,
        _: &mut dyn Output,
    ) -> HelperResult {
        let (Some(name), Some(value)) = (given.param(0), given.param(1)) else {
            return Err(RenderErrorReason::ParamNotFoundForIndex(WRITE, 1).into());
        };
        let name = name.value().as_str().unwrap_or_default();
        let value = self.run.value(value, Place { context, render })?;
        let mut writer = self.run.writer();
        let written = match (name, value.as_ref()) {
            ("json", Value::String(json)) => writer.json(json),
            (_, value) => writer.value(value),
        };
        written.map_err(|message| RenderError::of(name, &message).into())
    }
}

/// Looks at the value of a block before the crate does.
struct Guard<'r> {
    run: &'r Run<'r>,
}

impl Guard<'_> {
    /// Tells whether the block is to be rendered; where nobody knows yet, a marker stands for it.
    fn admits(
        &self,
        block: &str,
        parts: u64,
        value: &Value,
        name: &str,
    ) -> Result<bool, RenderError> {
        if undecided(value) {
            let mut held = Held::default();
            held.add(value);
            let marker = Value::String(held.marker(block, None));
            let written = self.run.writer().value(&marker);
            return written.map(|()| false).map_err(|why| RenderError::of(name, &why));
        }
        if block == "each" {
            let members = match value {
                Value::Array(items) => items.len(),
                Value::Object(map) => map.len(),
                Value::Null => 0,
                other => {
                    let message = format!("is {}, not a list or map", kind_of(other));
                    return Err(RenderError::of(name, &message));
                }
            };
            let parts = usize::try_from(parts).unwrap_or(usize::MAX).saturating_add(8);
            self.run.spend(members.saturating_mul(parts))?;
        }
        Ok(true)
    }
}

impl HelperDef for Guard<'_> {
    fn call<'reg: 'rc, 'rc>(
        &self,
        given: &Given<'rc>,
        registry: &'reg Handlebars<'reg>,
        context: &'rc Context,
        render: &mut RenderContext<'reg, 'rc>,
        out: &mut dyn Output,
    ) -> HelperResult {
        let ([block, parts, argument], Some(guarded)) =
            (given.params().as_slice(), given.template())
        else {
            return Err(RenderErrorReason::ParamNotFoundForIndex(GUARD, 2).into());
        };
        let value = self.run.value(argument, Place { context, render })?;
        let block = block.value().as_str().unwrap_or_default();
        let name = argument.relative_path().map_or(block, String::as_str);
        if self.admits(block, parts.value().as_u64().unwrap_or_default(), &value, name)? {
            guarded.render(registry, context, render, out)?;
        }
        Ok(())
    }
}

/// Calls one helper of the table.
struct Call<'r> {
    helper: &'static Helper,
    run: &'r Run<'r>,
}

impl HelperDef for Call<'_> {
    fn call_inner<'reg: 'rc, 'rc>(
        &self,
        given: &Given<'rc>,
        _: &'reg Handlebars<'reg>,
        context: &'rc Context,
        render: &mut RenderContext<'reg, 'rc>,
    ) -> Result<ScopedJson<'rc>, handlebars::RenderError> {
        let place = Place { context, render };
        let value = match self.helper.body {
            Body::Default => self.default(given.params(), place)?,
            Body::Lookup => self.lookup(given.params(), place)?,
            Body::And => self.decide(given.params(), place, false)?,
            Body::Or => self.decide(given.params(), place, true)?,
            _ => self.function(given, place)?,
        };
        self.run.spend(weight(&value))?;
        Ok(ScopedJson::Derived(value))
    }
}

impl Call<'_> {
    fn function<'p, 'rc>(
        &self,
        given: &'p Given<'rc>,
        place: Place<'p, '_, 'rc>,
    ) -> Result<Value, RenderError> {
        let mut arguments = Vec::with_capacity(given.params().len());
        let mut held = Held::default();
        for argument in given.params() {
            let argument = self.run.value(argument, place)?;
            self.run.spend(weight(&argument))?;
            held.add(&argument);
            arguments.push(argument);
        }
        let arguments: Vec<&Value> = arguments.iter().map(AsRef::as_ref).collect();
        let keeps = matches!(self.helper.body, Body::Keeps(_));
        if !held.is_empty() && !keeps {
            return Ok(self.one_marker(&held, &arguments));
        }
        let first = arguments.first().copied();
        let made = match self.helper.body {
            Body::Pure(function) | Body::Keeps(function) => function(&arguments),
            Body::Date => system::date(self.run.scope, first),
            Body::Timestamp => system::moment(self.run.scope, first),
            _ => {
                let stands = given.hash_get("place").and_then(|place| place.value().as_str());
                system::uuid(self.run.scope, first, stands.unwrap_or_default())
            }
        };
        made.map_err(|message| RenderError::of(self.helper.name, &message))
    }

    fn default<'p, 'rc>(
        &self,
        given: &'p [PathAndJson<'rc>],
        place: Place<'p, '_, 'rc>,
    ) -> Result<Value, RenderError> {
        let [wanted, otherwise] = given else { return Ok(Value::Null) };
        match self.run.value(wanted, place) {
            Ok(found) if !found.is_null() && found.as_str() != Some("") => Ok(found),
            _ => self.run.value(otherwise, place),
        }
        .map(Cow::into_owned)
    }

    fn lookup<'p, 'rc>(
        &self,
        given: &'p [PathAndJson<'rc>],
        place: Place<'p, '_, 'rc>,
    ) -> Result<Value, RenderError> {
        let [container, key] = given else { return Ok(Value::Null) };
        let container = self.run.value(container, place).unwrap_or_default();
        let key = self.run.value(key, place)?;
        let mut held = Held::default();
        held.add(&key);
        if container.is_string() {
            held.add(&container);
        }
        if !held.is_empty() {
            return Ok(self.one_marker(&held, &[&container, &key]));
        }
        let key = match key.as_ref() {
            Value::String(key) => key.clone(),
            other => other.to_string(),
        };
        let member = match container.as_ref() {
            Value::Object(map) => map.get(&key),
            Value::Array(items) => key.parse::<usize>().ok().and_then(|index| items.get(index)),
            _ => None,
        };
        Ok(member.cloned().unwrap_or_default())
    }

    /// `and`, `or`: what is known may decide although something is not.
    fn decide<'p, 'rc>(
        &self,
        given: &'p [PathAndJson<'rc>],
        place: Place<'p, '_, 'rc>,
        deciding: bool,
    ) -> Result<Value, RenderError> {
        let mut held = Held::default();
        let mut arguments = Vec::with_capacity(given.len());
        for argument in given {
            let argument = self.run.value(argument, place)?;
            match undecided(&argument) {
                true => held.add(&argument),
                false if is_truthy(&argument) == deciding => return Ok(Value::Bool(deciding)),
                false => {}
            }
            arguments.push(argument);
        }
        if held.is_empty() {
            return Ok(Value::Bool(!deciding));
        }
        let arguments: Vec<&Value> = arguments.iter().map(AsRef::as_ref).collect();
        Ok(self.one_marker(&held, &arguments))
    }

    fn one_marker(&self, held: &Held, arguments: &[&Value]) -> Value {
        let rest = match arguments {
            [only] if undecided(only) => None,
            _ => Some(Digest::of(&arguments)),
        };
        Value::String(held.marker(self.helper.name, rest.as_ref()))
    }
}
