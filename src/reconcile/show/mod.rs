//! Plans as text, JSON and Markdown. It shows, and never decides; every value from outside is made harmless here.

mod change;
mod compare;
mod costs;
mod json;
mod line;
mod markdown;
#[cfg(test)]
mod markdown_tests;
mod reasons;
mod review;
mod review_comment;
#[cfg(test)]
pub(super) mod sample;
mod sections;
mod text;
mod values;
mod wire;

pub use costs::costs;
pub use json::{VERSION, json, outline};
pub use markdown::{code, escaped, markdown};
pub use reasons::{holds, pending};
pub use review::{Reach, Reviewed, Standing, Unmerged};
pub use review_comment::{planning_summary, review_comment, validation_summary};
pub use text::{Style, text};
pub use values::{lines, literal, masked, visible};
