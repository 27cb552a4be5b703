//! What a step leaves behind, and its outputs.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::config::Work;
use super::edits::Edits;
use crate::action::Outcome;
use crate::run::Fault;

/// Where the wanted files stand, or wait to be merged.
#[derive(Clone, Debug)]
pub(super) struct Standing {
    /// The commit that holds them; nothing where there was nothing to do in an empty repository.
    pub(super) commit: Option<String>,
    pub(super) edits: Edits,
    /// Number, URL, and whether it is merged.
    pub(super) proposal: Option<(u64, String, bool)>,
}

impl Standing {
    /// Returns the answer of a step that is done.
    pub(super) fn answer(self, work: &Work) -> Result<Outcome, Fault> {
        let written = |path: &str, blob: String| json!({"path": path, "blob": blob});
        let files = work.wanted.files.iter().map(|file| {
            let mut entry = written(&file.path, file.blob.to_string());
            entry["sha256"] = json!(file.sha256);
            entry
        });
        let mut result = json!({
            "repository": work.place.repository,
            "branch": work.place.branch,
            "commit": self.commit,
            "files": files.collect::<Vec<_>>(),
        });
        let left = self.edits.left.iter().map(|left| json!({"path": left.path, "why": left.why}));
        let left: Vec<Value> = left.collect();
        if !left.is_empty() {
            result["left"] = json!(left);
        }
        if work.proposal.is_some() {
            result["number"] = json!(self.proposal.as_ref().map(|(number, _, _)| number));
            result["url"] = json!(self.proposal.as_ref().map(|(_, url, _)| url));
        }
        if self.proposal.is_some_and(|(_, _, merged)| !merged) {
            let removes = self.edits.removes.iter();
            let removes = removes.map(|file| written(&file.path, file.blob.to_string()));
            result["removes"] = json!(removes.collect::<Vec<_>>());
            result["state"] = json!("open");
        }
        let outputs = if work.undo { Map::new() } else { outputs(&result, work)? };
        Ok(Outcome::Done { result, outputs })
    }
}

/// Returns the outputs of a step that was performed: its own, and those that the action maps.
fn outputs(result: &Value, work: &Work) -> Result<Map<String, Value>, Fault> {
    let mut pointers = BTreeMap::from([("commit", "/commit"), ("branch", "/branch")]);
    if work.proposal.is_some() {
        pointers.extend([("pullRequestUrl", "/url"), ("pullRequestNumber", "/number")]);
    }
    pointers.extend(work.outputs.iter().map(|(name, pointer)| (name.as_str(), pointer.as_str())));
    let found = pointers.into_iter().map(|(name, pointer)| match result.pointer(pointer) {
        Some(value) => Ok((name.to_owned(), value.clone())),
        None => Err(Fault::terminal(format!(
            "output `{name}` is missing: the result has nothing at `{pointer}`"
        ))),
    });
    found.collect()
}
