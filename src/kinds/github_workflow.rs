//! The row of `github-workflow`: a run of GitHub Actions. It dispatches none.

use super::registry::{ActionKind, Reversal, known_text, none};
use super::shown::Shown;

/// Dispatches a workflow.
pub(super) static GITHUB_WORKFLOW: ActionKind = ActionKind {
    name: "github-workflow",
    summary: "dispatches a workflow of GitHub Actions and waits for its end",
    schema: include_str!("../../schemas/actions/github-workflow.json"),
    slots: &[],
    secrets: &[],
    shown: |_| Shown::Never(&[""]),
    reversal: Reversal::Person,
    observable: None,
    available: true,
    lacks: none,
    is_tied: false,
    repeats: false,
    claims: none,
    targets: |config| {
        let repository = known_text(config, "/repository");
        repository.map(|repository| format!("github:{repository}")).into_iter().collect()
    },
    outputs: |_| ["url", "conclusion"].map(str::to_owned).to_vec(),
};
