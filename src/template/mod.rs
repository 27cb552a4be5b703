//! Templates: strict Handlebars with known scopes, escaped for the target they are rendered into.

mod escape;
mod helpers;
mod marker;
mod references;
mod render;
mod scope;

pub use escape::Target;
pub use helpers::HELPERS;
pub use marker::{has_sensitive, has_unknown, sensitive, show_markers, strip_markers, unknown};
pub use references::{Reference, references};
pub use render::{
    MAX_OUTPUT_BYTES, RenderError, TemplateProblem, check, evaluate, is_template, render,
};
pub use scope::{ROOTS, Scope};
