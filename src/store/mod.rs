//! State behind one trait: what was applied, plans, decisions, runs and their journal, the audit chain.

mod activity;
mod approval;
mod audit;
mod breaker;
mod catalog_state;
mod chain;
mod decision;
mod error;
mod forgetting;
mod gather;
mod lease;
#[cfg(test)]
mod lease_model;
mod on_hold;
mod operating;
mod pages;
mod people;
mod private;
mod requests;
mod restored;
mod retention;
mod reviews;
mod seal;
mod service_requests;
mod sqlite;
mod store;
mod verify;

pub use activity::{
    Activity, ActivityFilter, ActivityStore, DayCount, ItemCount, Outcomes, QueueCount,
};
pub use approval::{Approval, ApprovalState};
pub use audit::{AuditEntry, AuditFilter};
pub use breaker::BreakerStore;
pub use catalog_state::CatalogState;
pub use chain::{BreakKind, ChainBreak, ChainWalk, verify_chain};
pub use decision::{Decision, DecisionKind};
pub use error::StoreError;
pub use forgetting::{Forgetting, TellStore};
pub use gather::{GatherStore, RunWrite};
pub use lease::{Lease, LeaseHolder, LeaseRow};
pub use on_hold::OnHold;
pub use operating::Operating;
pub use pages::{Before, Numbered, PageStore, RunFilter};
pub use people::{
    Actor, ActorKind, Key, Link, PeopleStore, Session, SessionKind, SessionSeen, Taken, User,
};
pub use requests::{Answer, Begun, RequestStore};
pub use restored::{Checked, CheckedCatalog, Restored};
pub use retention::Retention;
pub use reviews::{ABOUT_REVIEWS, ReviewStore, is_about_proposals};
pub use seal::Sealer;
pub use service_requests::{
    Moment, RequestAdded, RequestFile, RequestFilter, RequestKind, RequestProgress, RequestState,
    ServiceRequest, ServiceRequestStore,
};
pub use sqlite::{PutBack, Restoring, SqliteStore};
pub use store::{
    ABOUT_CATALOG, Adrift, Arrival, JournalEntry, LeftBehind, PlanNote, Proposal, RunSummary,
    Store, Task, TaskState, UnitWrite,
};
pub use verify::verify_audit;
