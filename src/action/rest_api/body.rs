//! The body of a request, as its `config` gives it. It sends nothing.

use serde::Deserialize;
use serde_json::Value;

use super::config::plain;
use crate::run::Fault;

/// The media type of bodies that are values.
pub(super) const JSON: &str = "application/json";

/// The largest body that is sent, in bytes.
const MOST_SENT_BYTES: usize = 1 << 20;

/// Media type, bytes and value of a body.
pub(super) type Content = (&'static str, Vec<u8>, Value);

/// The rendered `body`.
#[derive(Debug, Deserialize)]
pub(super) struct Body {
    #[serde(rename = "type")]
    kind: Option<String>,
    #[serde(rename = "contentTemplate")]
    content: Value,
}

impl Body {
    /// Returns what is sent; `place` is where the body stands in `config`.
    pub(super) fn content(&self, place: &str) -> Result<Content, Fault> {
        let content = self.written(place)?;
        if content.1.len() > MOST_SENT_BYTES {
            return Err(Fault::terminal(format!(
                "the `{place}` is larger than 1 MiB, and is not sent"
            )));
        }
        Ok(content)
    }

    fn written(&self, place: &str) -> Result<Content, Fault> {
        Ok(match (self.kind.as_deref().unwrap_or("json"), &self.content) {
            ("json", Value::String(text)) => {
                let value = serde_json::from_str(text).map_err(|error| {
                    Fault::terminal(format!(
                        "`config/{place}/contentTemplate` does not render to JSON: {error}"
                    ))
                })?;
                (JSON, text.clone().into_bytes(), value)
            }
            ("json", value) => (JSON, value.to_string().into_bytes(), value.clone()),
            ("form", Value::Object(fields)) => {
                let pairs = fields.iter().map(|(key, value)| (key, plain(value)));
                let text = url::form_urlencoded::Serializer::new(String::new())
                    .extend_pairs(pairs)
                    .finish();
                ("application/x-www-form-urlencoded", text.into_bytes(), self.content.clone())
            }
            ("form", Value::String(text)) => {
                let bytes = text.clone().into_bytes();
                ("application/x-www-form-urlencoded", bytes, self.content.clone())
            }
            ("text", Value::String(text)) => {
                let bytes = text.clone().into_bytes();
                ("text/plain; charset=utf-8", bytes, self.content.clone())
            }
            ("form" | "text", _) => {
                return Err(Fault::terminal(format!(
                    "`config/{place}/contentTemplate` has the wrong shape for its `type`"
                )));
            }
            (other, _) => {
                return Err(Fault::terminal(format!(
                    "`config/{place}/type`: `{other}` is not one of json, form, text"
                )));
            }
        })
    }
}
