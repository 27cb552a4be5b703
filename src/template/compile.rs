//! Compiles a template that was checked, and puts our own calls into what the crate made of it: one
//! before every value that is written, one around every block. It renders nothing.

use handlebars::Template;
use handlebars::template::TemplateElement::{Comment, Expression, HelperBlock, RawString};
use handlebars::template::{HelperTemplate, Parameter, Subexpression};
use serde_json::Value;

use super::check::TemplateProblem;
use super::helpers::{self, Helper};
use super::parse::BLOCKS;
use crate::digest::Digest;

/// Writes its second argument; the first says what it is called in a message.
pub(super) const WRITE: &str = "write";
/// Stands around a block: its name, how many parts its body has, its value.
pub(super) const GUARD: &str = "guard";

/// Compiles a template that the parser found no problem in.
pub(super) fn compile(text: &str) -> Result<Template, TemplateProblem> {
    let mut template = Template::compile(text).map_err(|error| {
        let offset = error.pos().map_or(0, |(line, column)| offset_of(text, line, column));
        refused(offset)
    })?;
    let mut calls = Calls { text, uuids: 0 };
    calls.put_into(&mut template).ok_or_else(|| refused(0))?;
    Ok(template)
}

fn refused(offset: usize) -> TemplateProblem {
    TemplateProblem::new(offset, "Handlebars does not read this").hint("write it more simply")
}

/// The place of a line and column, both counted from 1 and in characters.
fn offset_of(text: &str, line: usize, column: usize) -> usize {
    let start: usize = text.split_inclusive('\n').take(line.saturating_sub(1)).map(str::len).sum();
    let line = text.get(start..).unwrap_or_default();
    start + line.chars().take(column.saturating_sub(1)).map(char::len_utf8).sum::<usize>()
}

/// Puts our calls into a template; what the parser should not have let through gives `None`.
struct Calls<'a> {
    text: &'a str,
    uuids: usize,
}

impl Calls<'_> {
    fn put_into(&mut self, template: &mut Template) -> Option<()> {
        for element in &mut template.elements {
            match element {
                RawString(_) | Comment(_) => {}
                Expression(call) => self.write(call)?,
                HelperBlock(block) => self.guard(block)?,
                _ => return None,
            }
        }
        Some(())
    }

    /// Makes `{{write "name" value}}` of `{{value}}` and of `{{name …}}`.
    fn write(&mut self, call: &mut HelperTemplate) -> Option<()> {
        let name = std::mem::replace(&mut call.name, Parameter::Name(WRITE.to_owned()));
        let params = std::mem::take(&mut call.params);
        let mut value = match name.as_name().and_then(helpers::find) {
            Some(_) => Parameter::Subexpression(Subexpression::new(name, params, [].into())),
            None => name,
        };
        self.argument(&mut value)?;
        let called = match &value {
            Parameter::Subexpression(call) => called(call)?.name,
            path => path.as_name()?,
        };
        call.params = vec![Parameter::Literal(called.into()), value];
        Some(())
    }

    /// Makes `{{#guard "each" 2 x}}{{#each x}}…{{/each}}{{/guard}}` of a block.
    fn guard(&mut self, block: &mut HelperTemplate) -> Option<()> {
        let name = block.name.as_name().filter(|name| BLOCKS.contains(name))?.to_owned();
        let (mut body, mut inverse) = (block.template.take()?, block.inverse.take());
        // Where there is nothing to repeat, the strict crate takes a missing `else` for an error.
        self.put_into(&mut body)?;
        self.put_into(inverse.get_or_insert_default())?;
        block.params.iter_mut().try_for_each(|param| self.argument(param))?;

        let mut guard = block.clone();
        guard.name = Parameter::Name(GUARD.to_owned());
        let parts = Parameter::Literal(body.elements.len().into());
        guard.params = vec![Parameter::Literal(name.into()), parts, block.params.first()?.clone()];
        guard.block_param = None;
        (block.template, block.inverse) = (Some(body), inverse);
        let guarded = HelperBlock(Box::new(std::mem::replace(block, guard)));
        block.template.get_or_insert_default().elements.push(guarded);
        Some(())
    }

    /// Goes through calls in one another, and tells each `(uuid)` where it stands.
    fn argument(&mut self, argument: &mut Parameter) -> Option<()> {
        let Parameter::Subexpression(call) = argument else { return Some(()) };
        let helper = called(call)?;
        let Expression(call) = call.element.as_mut() else { return None };
        if helper.name == "uuid" && call.params.is_empty() {
            self.uuids += 1;
            let text = Digest::of_bytes(self.text.as_bytes());
            let place = Value::from(format!("{}:{text}", self.uuids));
            call.hash.insert("place".to_owned(), Parameter::Literal(place));
        }
        call.params.iter_mut().try_for_each(|param| self.argument(param))
    }
}

/// The helper that a call names.
fn called(call: &Subexpression) -> Option<&'static Helper> {
    let Expression(call) = call.as_element() else { return None };
    helpers::find(call.name.as_name()?)
}
