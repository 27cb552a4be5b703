//! Escaping by target: a value never changes the shape of what it is put into.

use serde::{Deserialize, Serialize};

/// What a template is rendered into, which decides how its values are escaped.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Target {
    /// Plain text: as it is.
    Text,
    /// Inside a JSON document: as the inside of a JSON string.
    Json,
    /// A URL: percent-encoded; a template that is one whole value is taken as a URL itself.
    Url,
    /// A header: carriage return and line feed are refused.
    Header,
    /// A path: `..`, `/` in a value and absolute paths are refused.
    Path,
    /// HCL: `"`, `\`, `${` and `%{` are escaped.
    Hcl,
    /// JIRA's wiki markup: its characters are escaped.
    Jira,
}
