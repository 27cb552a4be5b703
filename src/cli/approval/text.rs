//! What `trueline approval` prints for people. It shows, and decides nothing.

use jiff::Timestamp;

use super::{ApprovalLine, ApprovalsWire};
use crate::cli::table::{ago, block, table, value};
use crate::store::ApprovalState;

/// Lists them.
pub(super) fn text(wire: &ApprovalsWire, now: Timestamp) -> String {
    let approvals = &wire.approvals.items;
    if approvals.is_empty() {
        return "no approvals".to_owned();
    }
    let rows = approvals.iter().map(|approval| {
        let [number, service, age, missing] = approval.cells_of_open(now);
        let is_open = approval.state == ApprovalState::Open;
        let why = if is_open { missing } else { approval.why.clone().unwrap_or_default() };
        [number, service, approval.state.to_string(), age, why]
    });
    let mut text = table(["APPROVAL", "SERVICE", "STATE", "AGE", "WHY"], rows);
    text += &wire.approvals.rest();
    for approval in approvals.iter().filter(|approval| approval.state == ApprovalState::Open) {
        text += &["\nApproval ", &approval.number.to_string(), "\n", &approval.how()].concat();
    }
    text
}

/// Shows one.
pub(super) fn show_text(approval: &ApprovalLine, now: Timestamp) -> String {
    let row = |name: &str, text: String| [name.to_owned(), text];
    let mut rows = vec![
        row("Approval", approval.number.to_string()),
        row("Service", approval.service.clone()),
        row("Run", approval.run.to_string()),
        row("Step", approval.step.to_string()),
        row("State", approval.state.to_string()),
        row("Asked", ago(now, approval.opened_at)),
        row("Needs", format!("{} of {}", approval.required, approval.may)),
    ];
    rows.extend(approval.expires_at.map(|at| row("Until", format!("{at:.0} ({})", ago(now, at)))));
    if !approval.granted.is_empty() {
        rows.push(row("Granted", approval.granted.join(", ")));
    }
    rows.extend(approval.why.as_ref().map(|why| row("Why", why.clone())));
    let mut text = table(["", ""], rows);
    if !approval.comment.is_empty() {
        text += "\nSaid to it\n";
        text += &block("  ", &approval.comment);
    }
    if !approval.answers.is_empty() {
        text += "\nFilled in\n";
        let rows = approval.answers.iter().map(|(id, one)| [id.clone(), value(one)]);
        text += &block("  ", &table([""; 2], rows));
    }
    if approval.state != ApprovalState::Open {
        return text;
    }
    if !approval.fields.is_empty() {
        text += "\nTo fill in\n";
        let rows = approval.fields.iter().map(|field| {
            let required = if field.required { "required" } else { "" };
            let help = field.description.clone().unwrap_or_else(|| field.name.clone());
            [field.id.clone(), field.kind.to_owned(), required.to_owned(), help]
        });
        text += &block("  ", &table([""; 4], rows));
    }
    text.push('\n');
    text + &approval.how()
}
