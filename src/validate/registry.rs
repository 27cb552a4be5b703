//! The registry of rules: what each one finds, why it matters, how to mend it. It runs none of them.

use std::sync::LazyLock;

use super::context::{Context, ServiceContext};
use super::findings::Findings;
use super::rules as rows;
use crate::catalog::{Bundle, Catalog, Document, Entry};
use crate::finding::{Finding, Severity};

/// One rule, with everything that people are told about it.
#[derive(Debug)]
pub struct Rule {
    /// Stable id, `group/name`.
    pub id: &'static str,
    /// How bad it is where the catalog's settings say nothing else.
    pub severity: Severity,
    /// What it finds, as one sentence.
    pub summary: &'static str,
    /// Why that matters.
    pub why: &'static str,
    /// How to mend it.
    pub mend: &'static str,
    /// What it finds fault with.
    pub bad: &'static str,
    /// How that should be written.
    pub good: &'static str,
    /// How it is checked.
    pub check: Check,
}

impl Rule {
    /// Returns what stands before the `/` of its id.
    pub fn group(&self) -> &'static str {
        self.id.split('/').next().unwrap_or_default()
    }

    /// Tells whether the catalog's settings may say how bad it is.
    ///
    /// What makes a document unreadable, or two documents claim one id, is an error whatever anybody says.
    pub fn is_fixed(&self) -> bool {
        let read = matches!(self.check, Check::Reader) && self.severity == Severity::Error;
        read || self.id == "id/duplicate"
    }
}

/// How a rule is checked.
#[derive(Clone, Copy, Debug)]
pub enum Check {
    /// While documents are read.
    Reader,
    /// By the check of another rule, which finds both.
    With(&'static str),
    /// Of one document by itself: an error means that its last good version stays in force.
    Document(fn(&Document, &mut Findings<'_>)),
    /// Of the text of one document, comments included, also where it cannot be read: an error means the same.
    Text(fn(&Document, &mut Findings<'_>)),
    /// Of a service with what it is of and what it reads: an error blocks it.
    Service(OfService),
    /// Of a bundle with its items: an error blocks its services.
    Bundle(OfBundle),
    /// Of services and of bundles.
    ServiceAndBundle(OfService, OfBundle),
    /// Of the catalog as a whole: an error in the document of a service blocks that service.
    Catalog(fn(&Context<'_>, &'static Rule, &mut Vec<Finding>)),
    /// Of the catalog as a whole, by paths, kinds, ids and owners alone: looked at again only where one of these changed.
    Names(fn(&Context<'_>, &'static Rule, &mut Vec<Finding>)),
    /// Of the catalog against what it was at the base of a change; nothing where there is no base.
    Change(OfChange),
}

/// Checks a catalog (in the context) against its base.
pub type OfChange = fn(&Context<'_>, &Catalog, &'static Rule, &mut Vec<Finding>);
/// Checks a service.
pub type OfService = fn(&ServiceContext<'_>, &mut Findings<'_>);
/// Checks a bundle.
pub type OfBundle = fn(&Context<'_>, &Entry<Bundle>, &mut Findings<'_>);

static SORTED: LazyLock<Vec<&'static Rule>> = LazyLock::new(|| {
    let mut rules: Vec<&'static Rule> = rows::all().collect();
    rules.sort_by_key(|rule| rule.id);
    rules
});

/// Returns all rules, by id.
pub fn rules() -> &'static [&'static Rule] {
    &SORTED
}

/// Returns a rule by its id.
pub fn rule(id: &str) -> Option<&'static Rule> {
    let at = SORTED.binary_search_by(|rule| rule.id.cmp(id)).ok()?;
    SORTED.get(at).copied()
}
