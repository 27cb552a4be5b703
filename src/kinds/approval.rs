//! The row of `approval`: people say yes or no in the middle of a run. It asks nobody.

use serde_json::Value;

use super::registry::{ActionKind, Reversal, none};
use super::shown::Shown;

/// Waits until people approve.
pub(super) static APPROVAL: ActionKind = ActionKind {
    name: "approval",
    summary: "waits until people approve, and offers what they answered",
    schema: include_str!("../../schemas/actions/approval.json"),
    slots: &[],
    secrets: &[],
    shown: |_| Shown::Masked,
    reversal: Reversal::Nothing,
    observable: None,
    available: true,
    lacks: none,
    is_tied: false,
    repeats: true,
    claims: none,
    targets: none,
    outputs,
};

/// The decision, and the answers to the fields of its form.
fn outputs(config: &Value) -> Vec<String> {
    let groups = config.pointer("/form/groups").and_then(Value::as_array);
    let fields = groups.into_iter().flatten().filter_map(|group| group.get("fields")?.as_array());
    let ids = fields.flatten().filter_map(|field| field.get("id")?.as_str().map(str::to_owned));
    ["decision", "by", "comment"].map(str::to_owned).into_iter().chain(ids).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn answers_are_outputs() {
        let config =
            json!({"form": {"groups": [{"fields": [{"id": "costCentre"}, {"id": "until"}]}]}});
        assert_eq!(outputs(&config), ["decision", "by", "comment", "costCentre", "until"]);
    }
}
