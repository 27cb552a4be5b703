//! The helpers beside Handlebars' own.

/// Names of all helpers that a template may call, built-in ones included.
pub const HELPERS: &[&str] = &[];
