//! Collects what a template renders to: escapes every value for the target and refuses to grow
//! beyond the cap.

use serde_json::Value;

use super::escape::{Target, check_whole, escape, inside_json, is_url};
use super::marker::is_only_markers;
use super::quoting::Quoting;
use super::render::MAX_OUTPUT_BYTES;
use super::text_helpers::text_of;
use super::value_helpers::kind_of;

/// The text that a template has rendered to so far.
#[derive(Debug)]
pub(super) struct Writer {
    target: Target,
    text: String,
    quoting: Quoting,
}

impl Writer {
    pub(super) fn new(target: Target) -> Self {
        Self { target, text: String::new(), quoting: Quoting::new(target) }
    }

    /// Adds the template's own text, or what is escaped already.
    pub(super) fn plain(&mut self, text: &str) -> Result<(), String> {
        if self.text.len() + text.len() > MAX_OUTPUT_BYTES {
            return Err("the template renders to more than 1 MiB".into());
        }
        if matches!(self.target, Target::Json | Target::Hcl) {
            self.quoting.read(text);
        }
        self.text.push_str(text);
        Ok(())
    }

    /// Adds a value; a whole URL that comes first stays as it is.
    pub(super) fn value(&mut self, value: &Value) -> Result<(), String> {
        let text = match value {
            Value::Array(_) | Value::Object(_) => {
                let kind = kind_of(value);
                return Err(format!("is {kind}, not a text: write `{{{{json …}}}}`"));
            }
            Value::String(text) if self.is_bare_json() => {
                if is_only_markers(text) {
                    return self.plain(&format!("\"{text}\""));
                }
                return Err("is a text outside of quotes: write `\"{{…}}\"` or `{{json …}}`".into());
            }
            Value::String(url)
                if self.target == Target::Url && self.text.is_empty() && is_url(url) =>
            {
                return self.plain(url);
            }
            Value::Null if self.is_bare_json() => "null".to_owned(),
            _ => text_of(value)?,
        };
        let escaped = escape(self.target, &text, &self.text)?;
        self.plain(&escaped)
    }

    /// Adds a value written as JSON: as it is where JSON may stand, else as a text.
    pub(super) fn json(&mut self, json: &str) -> Result<(), String> {
        match self.target {
            Target::Json if self.quoting.is_inside() => self.plain(&inside_json(json)),
            Target::Json => self.plain(json),
            Target::Hcl if !self.quoting.is_inside() => {
                self.plain(&json.replace("${", "$${").replace("%{", "%%{"))
            }
            _ => self.value(&Value::String(json.to_owned())),
        }
    }

    /// Checks the whole and gives it.
    pub(super) fn finish(self) -> Result<String, String> {
        check_whole(self.target, &self.text)?;
        Ok(self.text)
    }

    fn is_bare_json(&self) -> bool {
        self.target == Target::Json && !self.quoting.is_inside()
    }
}
