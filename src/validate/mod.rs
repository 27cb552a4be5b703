//! Validation: rules find what is wrong with a catalog, and the judge says which of its documents count.

mod comments;
mod context;
mod effective;
mod explain;
mod findings;
mod fit;
pub mod fix;
mod graph;
mod judge;
mod references;
mod registry;
pub mod report;
mod rules;
mod scope;
mod severities;
mod suppress;
mod templates;
#[cfg(test)]
mod testing;
mod texts;
mod wrong;

pub use context::{Context, Offer, ServiceContext};
pub use effective::{Good, Overlay};
pub use explain::{explain, rules_document};
pub use findings::Findings;
pub use judge::{Against, Judge, Judged};
pub use references::ServiceRead;
pub use registry::{Check, OfBundle, OfChange, OfService, Rule, rule, rules};
pub use suppress::Allows;
