//! State behind one trait: what was applied, plans, decisions, runs and their journal, the audit chain.

mod audit;
mod chain;
mod error;
mod lease;
mod private;
mod restored;
mod retention;
mod seal;
mod sqlite;
mod store;
mod verify;

pub use audit::{AuditEntry, AuditFilter};
pub use chain::{BreakKind, ChainBreak, ChainWalk, verify_chain};
pub use error::StoreError;
pub use lease::{Lease, LeaseHolder};
pub use restored::{Checked, CheckedCatalog, Restored};
pub use retention::Retention;
pub use seal::Sealer;
pub use sqlite::{PutBack, Restoring, SqliteStore};
pub use store::{
    ABOUT_CATALOG, Arrival, CatalogState, Decision, DecisionKind, JournalEntry, LeftProposal,
    PlanNote, Proposal, RunSummary, Store, Task, TaskState, UnitWrite,
};
pub use verify::verify_audit;
