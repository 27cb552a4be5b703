//! What a step leaves behind, and its outputs.

use std::collections::BTreeMap;

use serde_json::{Map, Value, json};

use super::config::Work;
use super::edits::{Edits, Left};
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
        let Self { commit, edits, proposal } = self;
        let files = work.wanted.files.iter().map(
            |file| json!({"path": file.path, "blob": file.blob.to_string(), "sha256": file.sha256}),
        );
        let mut result = BTreeMap::from([
            ("repository", json!(work.place.repository)),
            ("branch", json!(work.place.branch)),
            ("commit", json!(commit)),
            ("files", files.collect()),
        ]);
        let mut left = edits.left;
        if work.proposal.is_some() {
            left.extend(left_elsewhere(work));
            result.insert("number", json!(proposal.as_ref().map(|(number, _, _)| number)));
            result.insert("url", json!(proposal.as_ref().map(|(_, url, _)| url)));
        }
        if !left.is_empty() {
            let left = left.iter().map(|left| json!({"path": left.path, "why": left.why}));
            result.insert("left", left.collect());
        }
        if proposal.is_some_and(|(_, _, merged)| !merged) {
            let removes = edits.removes.iter();
            let removes =
                removes.map(|file| json!({"path": file.path, "blob": file.blob.to_string()}));
            result.insert("removes", removes.collect());
            result.insert("state", json!("open"));
        }
        let result = json!(result);
        let outputs = if work.undo { Map::new() } else { outputs(&result, work)? };
        Ok(Outcome::Done { result, outputs })
    }
}

/// Names what stands where `config` no longer points: a proposal is for one place only.
fn left_elsewhere(work: &Work) -> Vec<Left> {
    let Some((place, old)) = &work.elsewhere else { return Vec::new() };
    let why = format!("it stands on `{}` of {}; remove it there", place.branch, place.repository);
    old.iter().map(|file| Left { path: file.path.clone(), why: why.clone() }).collect()
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
