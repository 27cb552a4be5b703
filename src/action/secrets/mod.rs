//! Where secrets come from. A name resolves under its owner: a team's, or the operator's own. Values are never stored.

mod aws;
mod chain;
mod command;
mod local;
mod settings;
mod source;
mod vault;

pub use local::{EnvironmentSecrets, FolderSecrets};
pub use settings::{Grant, SecretsSettings, SourceKind, SourceSettings};
pub use source::{Owner, SecretKeeper, SecretRef, SecretSource};
