//! The row of `terraform`: a configuration that is planned and applied. It runs nothing.

use serde_json::Value;

use super::registry::{ActionKind, Decided, Reversal, Slot, known_text, none};
use super::shown::Shown;
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
        Slot::new("/variables", Target::Text).structured(),
        Slot::new("/backend", Target::Text).structured(),
    ],
    secrets: &[],
    shown: |config| match config.get("repositoryMapping") {
        Some(_) => Shown::Never(&[""]),
        None => Shown::Never(&["/filename", "/workspace"]),
    },
    reversal: Reversal::Natural,
    observable: Some(""),
    available: true,
    lacks: none,
    is_tied: false,
    repeats: false,
    claims: |config| match config.get("repositoryMapping") {
        Some(_) => filed(config),
        None => claims(config),
    },
    targets: |config| match config.get("repositoryMapping") {
        Some(_) => {
            let repository = known_text(config, "/repositoryMapping/repository");
            repository.map(|repository| format!("git:{repository}")).into_iter().collect()
        }
        None => claims(config),
    },
    outputs: |config| match config.get("repositoryMapping") {
        Some(_) => {
            ["commit", "branch", "pullRequestUrl", "pullRequestNumber"].map(str::to_owned).into()
        }
        None => Vec::new(),
    },
};

/// The folder that it is filed in.
fn filed(config: &Value) -> Vec<String> {
    let text = |name: &str| known_text(config, &format!("/repositoryMapping/{name}"));
    let (Some(repository), Some(path)) = (text("repository"), text("path")) else {
        return Vec::new();
    };
    let branch = text("branch").unwrap_or("main");
    vec![format!("git:{repository}#{branch}:{}/", path.trim_end_matches('/'))]
}

/// Its workspace.
fn claims(config: &Value) -> Vec<String> {
    let workspace = known_text(config, "/workspace");
    workspace.map(|workspace| format!("terraform:{workspace}")).into_iter().collect()
}
