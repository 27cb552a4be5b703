//! What `trueline status` prints for people: the urgent first. It shows, and decides nothing.

use jiff::Timestamp;

use super::run::runs_table;
use super::status::{BreakerWire, HeldWire, LeftWire, PendingWire, StatusWire, TickWire};
use super::table::{Listed, ago, block, count, short_commit, table};
use crate::daemon::outgoing::Waiting;

/// Writes it for people; a driver whose last tick is older than so many seconds is silent.
pub(super) fn text(wire: &StatusWire, (now, silence): (Timestamp, i64)) -> String {
    let mut text = table([""; 2], head(wire, (now, silence)));
    if let Some(TickWire { trouble: Some(trouble), .. }) = &wire.last_tick {
        text += &block("", &format!("\nTrouble: {trouble}"));
    }
    for held in wire.plan.iter().flat_map(|plan| &plan.held) {
        text += &block("", &format!("\nGuard: {held}"));
    }
    text += &section(
        "Stopped: mend the cause, then `trueline service reconcile ID`",
        &wire.stopped,
        |runs| runs_table(runs, now),
    );
    text += &section("Blocked: these do not fit the catalog", &wire.blocked, |rows| {
        table(["SERVICE", "WHY"], rows.iter().map(|row| [row.service.clone(), row.why.clone()]))
    });
    let last_good = "Not in force: the last good version of these documents is";
    text += &section(last_good, &wire.overlay, |rows| {
        table(["PATH", "WHY"], rows.iter().map(|row| [row.path.clone(), row.why.clone()]))
    });
    let held = "Held: `trueline service release ID` lets them go on";
    text += &section(held, &wire.held, |rows| held_table(rows, now));
    text += &section("Pending", &wire.pending, pending_table);
    let approve = wire.plan.as_ref().and_then(|plan| plan.approve.as_ref());
    if let Some(approve) = approve.filter(|_| wire.pending.total > 1) {
        text.extend(["  all of the plan at once: ", approve, "\n"]);
    }
    text +=
        &section("Tasks: `trueline task list` says how to complete them", &wire.tasks, |tasks| {
            let head = ["TASK", "SERVICE", "AGE", "TITLE"];
            table(head, tasks.iter().map(|task| task.cells_of_open(now)))
        });
    text += &section(
        "Approvals: `trueline approval list` says how to answer them",
        &wire.approvals,
        |approvals| {
            let head = ["APPROVAL", "SERVICE", "AGE", "NEEDS"];
            table(head, approvals.iter().map(|approval| approval.cells_of_open(now)))
        },
    );
    text +=
        &section("Not asked just now: steps that would ask them wait", &wire.breakers, |rows| {
            let row = |row: &BreakerWire| {
                let since = row.breaker.since.map(|since| ago(now, since)).unwrap_or_default();
                [row.key.target.clone(), row.key.action.clone(), since, row.breaker.to_string()]
            };
            table(["WHOM", "BY", "SINCE", "WHY"], rows.iter().map(row))
        });
    let filings = "Not filed yet: `trueline proposal list --ours` shows what is";
    text += &section(filings, &wire.filings, |rows| filings_table(rows, now));
    let left = "Left behind: nobody waits for these any more, and they could not be taken back";
    text += &section(left, &wire.left, |rows| left_table(rows, now));
    text += &section("Runs", &wire.runs, |runs| runs_table(runs, now));
    if wire.ready {
        let head = wire.head.as_deref().map(short_commit).unwrap_or_default();
        text.extend(["\nReady: all is as ", &head, " wants it.\n"]);
    }
    text
}

/// Writes the lines that stand above all sections.
fn head(wire: &StatusWire, (now, silence): (Timestamp, i64)) -> Vec<[String; 2]> {
    let row = |name: &str, text: String| [name.to_owned(), text];
    let commit = |commit: &Option<String>| commit.as_deref().map(short_commit);
    let head = match (commit(&wire.head), commit(&wire.applied_revision)) {
        (None, _) => "not read yet".to_owned(),
        (Some(head), Some(applied)) if head != applied => format!("{head} ({applied} is applied)"),
        (Some(head), None) => format!("{head} (nothing is applied yet)"),
        (Some(head), _) => head,
    };
    let tick = match &wire.last_tick {
        None => "none yet".to_owned(),
        Some(tick) if tick.trouble.is_some() => format!("{}, with trouble", ago(now, tick.at)),
        Some(tick) => ago(now, tick.at),
    };
    let silent =
        wire.last_tick.as_ref().is_none_or(|tick| now.as_second() - tick.at.as_second() > silence);
    let driver = match &wire.driver {
        None => "nobody drives: `trueline serve` or `trueline apply`".to_owned(),
        Some(driver) => format!(
            "process {} ({}) on {}{}",
            driver.pid,
            driver.command,
            driver.host,
            if silent { ", which is silent" } else { "" }
        ),
    };
    let mut rows = vec![
        row("Catalog", wire.catalog.clone()),
        row("Head", head),
        row("Last tick", tick),
        row("Driver", driver),
        row("Units", wire.units.text()),
    ];
    rows.extend(wire.restored.map(|restored| {
        let since = format!("{}, knows nothing since {:.0}", ago(now, restored.at), restored.until);
        row("Restored", format!("{since}; nothing is carried out until its plan is approved"))
    }));
    rows.extend(wire.retention.as_ref().map(|kept| row("Keeps", kept.text())));
    if let Some(plan) = wire.plan.as_ref().filter(|plan| plan.changes > 0) {
        let changes = count(plan.changes, "change");
        rows.push(row("Plan", format!("{} with {changes}", plan.digest.short())));
    }
    rows
}

fn section<T>(title: &str, listed: &Listed<T>, write: impl FnOnce(&[T]) -> String) -> String {
    if listed.total == 0 {
        return String::new();
    }
    let lines = write(&listed.items);
    let indented: String = lines.lines().flat_map(|line| ["  ", line, "\n"]).collect();
    let rest = listed.rest();
    let rest = if rest.is_empty() { rest } else { format!("  {rest}") };
    format!("\n{title}\n{indented}{rest}")
}

fn held_table(rows: &[HeldWire], now: Timestamp) -> String {
    let row = |row: &HeldWire| {
        let HeldWire { service, held } = row;
        [service.clone(), held.by.clone(), ago(now, held.at), held.why.clone()]
    };
    table(["SERVICE", "BY", "SINCE", "WHY"], rows.iter().map(row))
}

fn filings_table(rows: &[Waiting], now: Timestamp) -> String {
    let row = |row: &Waiting| {
        [row.service.clone(), row.title.clone(), ago(now, row.since), row.why.clone()]
    };
    table(["SERVICE", "WHAT", "SINCE", "WHY"], rows.iter().map(row))
}

fn left_table(rows: &[LeftWire], now: Timestamp) -> String {
    let row =
        |row: &LeftWire| [row.service.clone(), row.what.clone(), ago(now, row.at), row.why.clone()];
    table(["SERVICE", "WHAT", "SINCE", "WHY"], rows.iter().map(row))
}

fn pending_table(rows: &[PendingWire]) -> String {
    let row = |row: &PendingWire| [row.service.clone(), row.commands.join(" && "), row.why.clone()];
    table(["SERVICE", "WHAT TO DO", "WHY"], rows.iter().map(row))
}
