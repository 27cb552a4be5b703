//! What a template refers to.

use super::parse::parse;

/// One path that a template reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The path, aliases resolved: `["environment", "region"]`.
    pub path: Vec<String>,
    /// Where it stands in the text, in bytes.
    pub offset: usize,
    /// Whether it may have no value: the first argument of `default` and `lookup`.
    pub optional: bool,
}

/// Returns every path that a template reads from its scope; locals of `each` and `with` are not among them.
///
/// A template with problems gives what could be read of it.
pub fn references(text: &str) -> Vec<Reference> {
    parse(text).references
}

/// Puts the name of a root for its alias.
pub(super) fn without_alias(segments: &[String]) -> Vec<String> {
    let mut path = segments.to_vec();
    if let Some(root) = path.first_mut() {
        match root.as_str() {
            "env" => *root = "environment".to_owned(),
            "output" => *root = "outputs".to_owned(),
            _ => {}
        }
    }
    path
}
