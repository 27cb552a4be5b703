//! What `trueline why` prints for people. It shows, and decides nothing.

use std::fmt::Write as _;

use jiff::Timestamp;

use super::table::{ago, block, cell, short_commit, table};
use super::why::{AppliedWire, ChangeWire, WhyUnit, WhyWire};
use super::why_documents::{DocumentsWire, LinesWire};
use crate::reconcile::show::visible;

/// Writes it for people.
pub(super) fn text(wire: &WhyWire, now: Timestamp) -> String {
    let mut text = format!("{} is {}", cell(&wire.service), wire.state);
    text += &wire.why.as_ref().map_or(String::new(), |why| format!(": {}", cell(why)));
    text.push('\n');
    for command in &wire.commands {
        let _ = writeln!(text, "  to do: {}", cell(command));
    }
    if let Some(next) = &wire.next {
        text += "\nWhat is to be done\n";
        text += &change(next, now);
    }
    for unit in &wire.units {
        text += &unit_text(unit, now);
    }
    text
}

fn unit_text(unit: &WhyUnit, now: Timestamp) -> String {
    let name = visible(&unit.unit.to_string());
    let Some(applied) = &unit.applied else {
        let why = unit.why.as_deref().map_or(String::new(), |why| format!(": {}", cell(why)));
        return format!("\nUnit {name} is {}{why}\n  nothing is applied in full yet\n", unit.state);
    };
    let mut text = format!("\nUnit {name} is {} by\n", applied.state);
    if let Some(documents) = &applied.documents {
        text += &documents_text(documents, applied);
    }
    match &applied.change {
        Some(made) => text += &change(made, now),
        None => text += "  a change that is no longer kept\n",
    }
    let state = applied.run.state.map_or("no longer kept".to_owned(), |state| state.to_string());
    let _ = writeln!(text, "  run {} ({state}), {}", cell(&applied.run.id.0), ago(now, applied.at));
    for said in &applied.run.said {
        let _ = writeln!(text, "    {}", cell(said));
    }
    let steps = applied.run.steps.iter().map(|step| {
        let at = step.at.map(|at| ago(now, at)).unwrap_or_default();
        let key = step.key.clone().unwrap_or_default();
        [step.step.clone(), step.action.clone(), step.state.clone(), at, key]
    });
    text + &block("    ", &table([""; 5], steps))
}

fn documents_text(documents: &DocumentsWire, applied: &AppliedWire) -> String {
    let mut text = format!(
        "  {} {} at commit {}\n",
        cell(&applied.item),
        cell(&applied.version),
        short_commit(&applied.commit)
    );
    if let Some(why) = &documents.unknown {
        let _ = writeln!(text, "    {}", cell(why));
    }
    for file in &documents.files {
        let _ = writeln!(text, "    {} {} ({})", file.kind, cell(&file.id), cell(&file.path));
        for lines in &file.lines {
            let _ =
                writeln!(text, "      {}{}  {}", cell(&file.path), range(lines), cell(&lines.what));
        }
    }
    text
}

fn range(lines: &LinesWire) -> String {
    if lines.first == lines.last {
        format!(":{}", lines.first)
    } else {
        format!(":{}-{}", lines.first, lines.last)
    }
}

fn change(change: &ChangeWire, now: Timestamp) -> String {
    let author =
        change.author.as_ref().map_or(String::new(), |author| format!(", by {}", cell(author)));
    let mut text = format!(
        "  change {} ({} {}{author})\n",
        change.digest.short(),
        change.kind,
        cell(&change.path)
    );
    match &change.plan {
        Some(plan) => {
            let _ = writeln!(
                text,
                "    first in plan {} at commit {}, {}",
                plan.digest.short(),
                short_commit(&plan.commit),
                ago(now, plan.at)
            );
        }
        None => text += "    its plan is no longer kept\n",
    }
    for approval in &change.approvals {
        let _ = writeln!(
            text,
            "    approved by {}, {} ({} {})",
            cell(&approval.by),
            ago(now, approval.at),
            approval.of,
            approval.subject.short()
        );
    }
    if change.approvals.is_empty() {
        text += "    nobody approved it\n";
    }
    text
}
