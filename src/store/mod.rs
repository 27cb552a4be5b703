//! State behind one trait: what was applied, plans, decisions, runs and their journal, the audit chain.

mod approval;
mod audit;
mod decision;
mod error;
mod lease;
mod private;
mod seal;
mod sqlite;
mod store;

pub use approval::{Approval, ApprovalState};
pub use audit::{AuditEntry, verify_chain};
pub use decision::{Decision, DecisionKind};
pub use error::StoreError;
pub use lease::{Lease, LeaseHolder};
pub use seal::Sealer;
pub use sqlite::SqliteStore;
pub use store::{
    ABOUT_CATALOG, Adrift, Arrival, CatalogState, JournalEntry, LastGood, LeftBehind, Proposal,
    RunSummary, Store, Task, TaskState, UnitWrite,
};
