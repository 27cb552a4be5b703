//! Renders templates by the `handlebars` crate, with a cap on what comes out. It checks a template
//! first and never compiles one with problems.

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use handlebars::template::{HelperTemplate, Parameter, TemplateElement};
use handlebars::{Handlebars, RenderErrorReason, Renderable, Template, no_escape};
use serde_json::Value;

use super::call::with_helpers;
use super::check::TemplateProblem;
use super::compile::compile;
use super::escape::Target;
use super::helpers;
use super::parse::parse;
use super::references::Reference;
use super::run::{Place, Run, undecided};
use super::scope::{ROOTS, Scope};
use crate::finding::did_you_mean;
use crate::remembered::Remembered;

/// The largest text that a template may render to, in bytes.
pub const MAX_OUTPUT_BYTES: usize = 1 << 20;

/// How many templates are remembered, and how long one of them may be, in bytes: a few thousand small ones at most.
const MOST: usize = 2_048;
const LONGEST: usize = 4 << 10;

/// Blocks are the crate's own; [`Run`] brings the helpers, and escapes what it writes by itself.
static REGISTRY: LazyLock<Handlebars<'static>> = LazyLock::new(|| {
    let mut registry = Handlebars::new();
    registry.set_strict_mode(true);
    registry.register_escape_fn(no_escape);
    registry
});

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

impl From<RenderError> for handlebars::RenderError {
    fn from(error: RenderError) -> Self {
        RenderErrorReason::Other(error.message).into()
    }
}

impl From<handlebars::RenderError> for RenderError {
    fn from(error: handlebars::RenderError) -> Self {
        match RenderErrorReason::from(error) {
            RenderErrorReason::IOError(error) => Self::new(error.to_string()),
            RenderErrorReason::InvalidJsonIndex(name) => {
                Self::of(&name, "is no item of a list: write its number, from 0")
            }
            reason => Self::new(reason.to_string()),
        }
    }
}

impl From<&TemplateProblem> for RenderError {
    fn from(problem: &TemplateProblem) -> Self {
        Self::new(match &problem.hint {
            Some(hint) => format!("{}; {hint}", problem.message),
            None => problem.message.clone(),
        })
    }
}

/// Tells whether a text holds anything to render.
pub fn is_template(text: &str) -> bool {
    text.contains("{{")
}

/// Renders a template to a text that is escaped for its target.
pub fn render(text: &str, target: Target, scope: &Scope) -> Result<String, RenderError> {
    let run = Run::new(scope, target);
    render_in(&run, Compiled::of(text).within(scope)?)?;
    run.finish()
}

/// Evaluates a template to a value: one lone path keeps its type, everything else becomes a text.
///
/// `{{default …}}` and `{{lookup …}}` that stand alone choose a value and keep its type too.
pub fn evaluate(text: &str, scope: &Scope) -> Result<Value, RenderError> {
    if !is_template(text) {
        return Ok(Value::String(text.to_owned()));
    }
    let compiled = Compiled::of(text);
    let template = compiled.within(scope)?;
    let run = Run::new(scope, Target::Text);
    let Some(value) = lone_value(template) else {
        render_in(&run, template)?;
        return run.finish().map(Value::String);
    };
    let mut render = with_helpers(&run);
    let found = value.expand(&REGISTRY, scope.context(), &mut render)?;
    let place = Place { context: scope.context(), render: &render };
    run.value(&found, place).map(Cow::into_owned)
}

fn render_in(run: &Run<'_>, template: &Template) -> Result<(), RenderError> {
    let mut render = with_helpers(run);
    template.render(&REGISTRY, run.scope.context(), &mut render, &mut &*run)?;
    Ok(())
}

/// A template that was checked and compiled, for any scope.
struct Compiled {
    references: Vec<Reference>,
    template: Result<Template, RenderError>,
}

impl Compiled {
    /// Looks at a text once, for the same templates are rendered for every service of an item.
    fn of(text: &str) -> Arc<Self> {
        static KNOWN: Remembered<Compiled> = Remembered::new(MOST, LONGEST);
        KNOWN.of(text, || {
            let parsed = parse(text);
            let template = match parsed.problems.first() {
                Some(problem) => Err(problem.into()),
                None => Ok(()),
            };
            // What nobody can render is not compiled.
            let compile = |()| compile(text).map_err(|problem| RenderError::from(&problem));
            Self { template: template.and_then(compile), references: parsed.references }
        })
    }

    /// Returns the template; one with problems is refused by the first of them, and what the scope does not know, too.
    fn within(&self, scope: &Scope) -> Result<&Template, RenderError> {
        let template = self.template.as_ref().map_err(Clone::clone)?;
        match self.references.iter().find(|reference| !is_known(reference, scope)) {
            Some(reference) => Err(unknown(&reference.path, scope)),
            None => Ok(template),
        }
    }
}

/// Tells whether the scope has a path, or a marker above it; where none is needed, its root will do.
fn is_known(reference: &Reference, scope: &Scope) -> bool {
    if let (true, Some(root)) = (reference.optional, reference.path.first()) {
        return ROOTS.contains(&root.as_str());
    }
    let mut above = (0..reference.path.len()).rev().filter_map(|count| reference.path.get(..count));
    scope.get(&reference.path).is_some()
        || above.find_map(|path| scope.get(path)).is_some_and(undecided)
}

/// Says that a path has no value, and which was probably meant where one name of it has a neighbour.
fn unknown(path: &[String], scope: &Scope) -> RenderError {
    let message = "is not known";
    let nearest = (0..path.len()).rev().find_map(|count| {
        let (known, name) = (path.get(..count)?, path.get(count)?);
        Some((scope.get(known)?, name))
    });
    let hint = nearest.and_then(|(value, name)| {
        did_you_mean(name, value.as_object()?.keys().map(String::as_str))
    });
    let path = path.join(".");
    match hint {
        Some(hint) => RenderError::of(&path, &format!("{message}; {hint}")),
        None => RenderError::of(&path, message),
    }
}

/// The value of a template that writes one path, or one helper that chooses a value, and nothing else.
fn lone_value(template: &Template) -> Option<&Parameter> {
    let mut parts =
        template.elements.iter().filter(|part| !matches!(part, TemplateElement::Comment(_)));
    let (Some(TemplateElement::Expression(write)), None) = (parts.next(), parts.next()) else {
        return None;
    };
    let HelperTemplate { params, .. } = write.as_ref();
    let [name, value] = params.as_slice() else { return None };
    match (name, value) {
        (_, Parameter::Path(_)) => Some(value),
        (Parameter::Literal(Value::String(name)), _) => {
            helpers::find(name).filter(|helper| helper.forgives()).map(|_| value)
        }
        _ => None,
    }
}
