//! Documents and the catalog they make: typed forms, reading, the index of ids and references.

mod actions;
mod bundle;
mod config;
mod content;
mod document;
mod duration;
mod environment;
mod folder;
mod form;
mod form_certain;
mod form_check;
mod form_conditions;
mod form_never_visible;
mod form_pattern;
mod form_pattern_known;
mod form_problems;
mod form_schema;
mod form_visibility;
mod held;
mod identity;
mod index;
mod item;
mod load;
mod memory;
mod named;
mod schema;
mod service;
mod snapshot;
mod written;

pub use bundle::{
    Bundle, BundleFulfillment, Component, ErrorHandling, Orchestration, OrchestrationMode,
};
pub use config::Config;
pub use content::{Content, Lender};
pub use document::{Body, Brief, Document, Documents, Kind, Layout, place_in};
pub use duration::duration;
pub use environment::{
    Allow, ApprovalRule, BreakingChange, ChangeWindow, Defaults, Deny, Environment,
    EnvironmentMetadata, FirstContact, Guard, OwnerSettings, Quota, Settings, Team, Validation,
};
pub use folder::{joined, seen_from};
pub use form::{Condition, Field, FieldType, Form, Group};
pub use form_check::Checks;
pub use held::Held;
pub use index::{Catalog, Entry};
pub use item::{
    Action, AutomaticBlock, Block, DriftMode, Fulfillment, Hooks, Item, Lifecycle, Metadata, Mode,
    OnFailure, Operation, Output, Owner, Presentation, Retry, Strategy, Visibility,
};
pub use load::{Reader, read};
pub use memory::{MAX_BYTES as MAX_MEMORY_BYTES, Memory, Recalled, Right, Torn, put_off};
pub use named::Named;
pub use schema::{Problem, problems, schema_of, schemas};
pub use service::{DeletionPolicy, OnExpiry, Priority, Service, ServiceMetadata};
pub use snapshot::{Blob, Files, Snapshot, directory_commit};
pub use written::Written;
