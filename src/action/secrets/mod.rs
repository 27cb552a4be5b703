//! Where secrets come from. A name resolves under its owner: a team's, or the operator's own. Values are never stored.

mod local;
mod source;

pub use local::{EnvironmentSecrets, FolderSecrets};
pub use source::{Owner, SecretRef, SecretSource};
