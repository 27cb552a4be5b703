//! Templates: strict Handlebars with known scopes, escaped for the target they are rendered into.

mod argument;
mod call;
mod check;
mod compile;
mod dialect;
mod escape;
mod fill;
mod helpers;
mod markdown;
mod marker;
mod misfit;
mod parse;
mod quoting;
mod references;
mod render;
mod run;
mod scope;
mod simple;
mod system_helpers;
mod text_helpers;
mod token;
mod value_helpers;
mod write;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod laws_text;
#[cfg(test)]
mod literal_laws;
#[cfg(test)]
mod tests;

pub use check::{Reading, Rewrite, TemplateProblem, check, read};
pub use escape::Target;
pub use fill::{fill, marker_paths};
pub use helpers::HELPERS;
pub use marker::{has_sensitive, has_unknown, sensitive, show_markers, strip_markers, unknown};
pub use misfit::{Misfit, Place, Shape, misfits};
pub use references::{Reference, lone_path, lone_reference, references};
pub use render::{MAX_OUTPUT_BYTES, RenderError, evaluate, is_template, render};
pub use scope::{ROOTS, Scope};
