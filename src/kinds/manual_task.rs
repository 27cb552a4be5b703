//! The row of `manual-task`: work that people do and report here. It opens no task.

use serde_json::Value;

use super::registry::{ActionKind, Reversal, none};
use super::shown::Shown;

/// Opens a task for people.
pub(super) static MANUAL_TASK: ActionKind = ActionKind {
    name: "manual-task",
    summary: "opens a task for people, who enter its outputs when it is done",
    schema: include_str!("../../schemas/actions/manual-task.json"),
    slots: &[],
    secrets: &[],
    shown: |_| Shown::Masked,
    reversal: Reversal::Person,
    observable: None,
    available: true,
    lacks: none,
    is_tied: false,
    repeats: false,
    claims: none,
    targets: none,
    outputs,
};

/// The outputs that it declares.
fn outputs(config: &Value) -> Vec<String> {
    let declared = config.get("outputs").and_then(Value::as_array);
    let names = declared.into_iter().flatten().filter_map(|output| output.get("name")?.as_str());
    names.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn declared_outputs_are_its_outputs() {
        let config = json!({"title": "t", "outputs": [{"name": "host"}, {"type": "string"}, {"name": "port"}]});
        assert_eq!(outputs(&config), ["host", "port"]);
    }
}
