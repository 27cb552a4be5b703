//! What taking over has in common for all action types: what is there must be what would have been made, and nothing is
//! changed to find out.

use serde_json::Value;

use crate::reconcile::FieldChange;
use crate::run::Fault;
use crate::template::show_markers;

/// Differences that are told; of more it is told how many.
const TOLD: usize = 8;
/// The longest value that is told, in characters.
const LONGEST: usize = 120;

/// Refuses to take over what can't be looked at.
pub(super) fn unseen(kind: &str) -> Fault {
    Fault::terminal(format!(
        "it can't be taken over: nobody can look at what `{kind}` would leave behind"
    ))
}

/// Refuses to take over what is not there.
pub(super) fn absent(what: &str) -> Fault {
    Fault::terminal(format!("it can't be taken over: {what} is not there"))
}

/// Refuses to take over what differs, and says in what.
pub(super) fn differs(changes: &[FieldChange]) -> Fault {
    let mut told: Vec<String> = changes.iter().take(TOLD).map(told).collect();
    if changes.len() > TOLD {
        told.push(format!("and {} more", changes.len() - TOLD));
    }
    Fault::terminal(format!(
        "it can't be taken over, for what is there differs: {}",
        told.join("; ")
    ))
}

fn told(change: &FieldChange) -> String {
    let value = |value: Option<&Value>| value.map_or_else(|| "nothing".to_owned(), shown);
    format!(
        "{} is {}, wanted is {}",
        change.name,
        value(change.after.as_ref()),
        value(change.before.as_ref())
    )
}

fn shown(value: &Value) -> String {
    let text = show_markers(&value.to_string());
    if text.chars().count() <= LONGEST {
        return text;
    }
    text.chars().take(LONGEST).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_refusal_names_what_differs_and_is_not_endless() {
        let change = |index: usize| FieldChange {
            name: format!("/field{index}"),
            before: Some(json!("x".repeat(index * 100))),
            after: (index > 0).then(|| json!(index)),
            immutable: false,
        };
        let changes: Vec<FieldChange> = (0..10).map(change).collect();
        let said = differs(&changes).message;
        assert!(
            said.contains("differs: /field0 is nothing, wanted is \"\"; /field1 is 1"),
            "{said}"
        );
        assert!(said.ends_with("; and 2 more") && said.len() < 2000, "{said}");
    }
}
