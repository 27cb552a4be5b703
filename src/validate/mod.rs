//! Validation: rules find what is wrong with a catalog, and the judge says which of its documents count.
//!
//! Files become a [`Snapshot`](crate::catalog::Snapshot) (`source` reads one from a directory or from git), a
//! [`Judge`](crate::validate::Judge) says what is wrong with it, and a [`Report`](crate::validate::report::Report) shows that in
//! any of the [formats](crate::validate::report::formats).
//! `examples/validate.rs` is a whole program.
//!
//! ```
//! use trueline::catalog::Snapshot;
//! use trueline::validate::Judge;
//! use trueline::validate::report::{self, Report};
//!
//! let file = ("services/shop/shop-db.yaml".to_owned(), b"kind: Servise\n".to_vec());
//! let snapshot = Snapshot::of_files([file]);
//! let judged = Judge::default().judge(&snapshot);
//! assert!(judged.findings.iter().any(|finding| finding.rule == "document/kind"));
//!
//! let report = Report::new(&snapshot, &judged.findings);
//! assert!(report.has_failed());
//! assert!(report::text(&report).contains("did you mean `Service`?"));
//! assert!(report::sarif(&report).contains("\"version\": \"2.1.0\""));
//! ```

mod breaks;
mod changed;
mod comments;
mod context;
mod credential_shapes;
mod credentials;
mod effective;
mod explain;
mod findings;
mod fit;
pub mod fix;
mod fresh;
mod graph;
mod judge;
mod known;
mod look_alike;
mod lost;
mod parts;
mod readings;
mod references;
mod registry;
pub mod report;
mod rules;
mod run;
mod scope;
mod severities;
mod suppress;
mod templates;
#[cfg(test)]
pub(crate) mod testing;
mod texts;
mod versions;
mod wrong;

pub use breaks::{Break, breaking_items, bundle_breaks, item_breaks};
pub use context::{Context, Offer, ServiceContext};
pub use effective::{Good, Overlay};
pub use explain::{explain, rules_document};
pub use findings::Findings;
pub use fresh::fresh;
pub use judge::{Against, Judge, Judged};
pub use references::ServiceRead;
pub use registry::{Check, OfBundle, OfChange, OfService, Rule, rule, rules};
pub use suppress::{Allows, Suppressed};
