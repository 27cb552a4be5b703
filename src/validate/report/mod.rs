//! Reports of findings: text for people, and what programs and forges read. None of them looks at a file.

#[cfg(test)]
mod document;
mod excerpt;
mod github;
mod json;
mod junit;
mod markdown;
mod plain;
mod registry;
mod report;
mod sarif;
mod sarif_log;
mod summary;
#[cfg(test)]
mod tests;
mod text;

pub use github::github;
pub use json::{FindingsReport, json};
pub use junit::junit;
pub use markdown::markdown;
pub use registry::{Format, format, formats};
pub use report::{Report, Shown, covers};
pub use sarif::sarif;
pub use summary::Summary;
pub use text::text;
