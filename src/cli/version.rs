//! `trueline version`.

use super::context::Context;
use super::output::{Exit, Failure};

/// Prints the version.
pub(super) fn run(context: &Context) -> Result<Exit, Failure> {
    let version = env!("CARGO_PKG_VERSION");
    let value = serde_json::json!({"version": version, "format": "catalog/v1"});
    context.show(&value, || format!("trueline {version} (catalog/v1)"))?;
    Ok(Exit::Success)
}
