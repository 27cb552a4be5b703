//! The row of `terraform`: a configuration that is planned and applied. It runs nothing.

use serde_json::Value;

use super::registry::{ActionKind, Decided, Reversal, Slot, known_text, none};
use crate::template::Target;

/// Plans and applies a configuration.
pub(super) static TERRAFORM: ActionKind = ActionKind {
    name: "terraform",
    summary: "plans and applies a Terraform configuration, or files it as a pull request",
    schema: include_str!("../../schemas/actions/terraform.json"),
    slots: &[
        Slot::new("/contentTemplate", Target::Hcl).decided(Decided::ByEnding("/filename")),
        Slot::new("/files/*", Target::Text).decided(Decided::ByKey),
        Slot::new("/filename", Target::Path),
        Slot::new("/repositoryMapping/path", Target::Path),
    ],
    secrets: &[],
    reversal: Reversal::Natural,
    observable: Some(""),
    available: false,
    lacks: none,
    is_tied: false,
    repeats: false,
    claims,
    targets: |config| match config.get("repositoryMapping") {
        Some(_) => {
            let repository = known_text(config, "/repositoryMapping/repository");
            repository.map(|repository| format!("git:{repository}")).into_iter().collect()
        }
        None => claims(config),
    },
    outputs: none,
};

/// Its workspace.
fn claims(config: &Value) -> Vec<String> {
    let workspace = known_text(config, "/workspace");
    workspace.map(|workspace| format!("terraform:{workspace}")).into_iter().collect()
}
