//! A review as Markdown: the one comment under a proposal, and the summaries of its checks. What people wrote never
//! becomes structure, link or mention; what does not fit is left out at a boundary, and that is said.

use super::markdown::{MOST, Page, code, details, escaped, table};
use super::reasons::{count, holds, short_commit};
use super::review::{Reviewed, Unmerged, some};
use super::sections::{Row, sections};
use super::values::cut;
use crate::finding::Finding;
use crate::owners::{Demand, Why};
use crate::reconcile::plan::Plan;

/// Characters kept for the closing lines.
const CLOSING: usize = 800;

/// Findings that are shown of one review.
const MOST_FINDINGS: usize = 50;

/// Paths that are shown of one demand.
const MOST_PATHS: usize = 10;

/// Writes the comment under a proposal; at most 60 000 characters.
pub fn review_comment(reviewed: &Reviewed) -> String {
    let mut page = Page::of(MOST - CLOSING);
    page.add(&format!("### Trueline: {}\n", escaped(&reviewed.planning().1)));
    unmerged(reviewed, &mut page);
    findings(reviewed, &mut page);
    owners(reviewed, &mut page);
    warnings(reviewed, &mut page);
    let left_out = planned(reviewed, &mut page);
    page.widen(MOST);
    closing(reviewed, left_out, &mut page);
    page.into_text()
}

/// Writes the summary of the check of the documents.
pub fn validation_summary(reviewed: &Reviewed) -> String {
    let mut page = Page::of(MOST - CLOSING);
    unmerged(reviewed, &mut page);
    findings(reviewed, &mut page);
    let text = page.into_text();
    if text.trim().is_empty() { "Nothing was found.\n".to_owned() } else { text }
}

/// Writes the summary of the check of the plan.
pub fn planning_summary(reviewed: &Reviewed) -> String {
    let mut page = Page::of(MOST - CLOSING);
    unmerged(reviewed, &mut page);
    owners(reviewed, &mut page);
    warnings(reviewed, &mut page);
    let left_out = planned(reviewed, &mut page);
    page.widen(MOST);
    closing(reviewed, left_out, &mut page);
    page.into_text()
}

fn unmerged(reviewed: &Reviewed, page: &mut Page) {
    let said = match &reviewed.unmerged {
        None => return,
        Some(Unmerged::Conflict(paths)) => {
            let paths: Vec<String> = paths.iter().map(|path| code(path)).collect();
            format!("It conflicts with its base in {}: bring it up to date.", some(&paths))
        }
        Some(Unmerged::Unreadable(why)) => format!("It can't be judged: {}.", escaped(why)),
    };
    page.add(&format!("\n> **{said}**\n"));
}

fn findings(reviewed: &Reviewed, page: &mut Page) {
    if reviewed.errors_before > 0 {
        let errors = count(reviewed.errors_before, "error");
        page.add(&format!(
            "\n_The base has {errors} by itself, which this change is not to blame for; where a document is wrong \
             there, its last good version counts._\n"
        ));
    }
    if reviewed.findings.is_empty() {
        return;
    }
    page.add("\n**Findings**\n\n");
    let mut severe: Vec<&Finding> = reviewed.findings.iter().collect();
    severe.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    let more = severe.len().saturating_sub(MOST_FINDINGS);
    page.rows(severe.into_iter().take(MOST_FINDINGS).map(finding_row));
    if more > 0 {
        page.add(&format!(
            "\n_… and {}: `trueline validate --base` shows all_\n",
            count(more, "more finding")
        ));
    }
}

fn finding_row(finding: &Finding) -> String {
    let hint = finding.hint.as_ref();
    let hint = hint.map(|hint| format!(" — {}", escaped(&cut(hint, 400)))).unwrap_or_default();
    format!(
        "- **{}** {} {} ({}){hint}\n",
        finding.severity,
        code(&finding.place.to_string()),
        escaped(&cut(&finding.message, 600)),
        code(&finding.rule),
    )
}

fn owners(reviewed: &Reviewed, page: &mut Page) {
    let approval = &reviewed.approval;
    if approval.demands.is_empty() && approval.void.is_empty() {
        return;
    }
    let head = match (approval.is_approved(), reviewed.owners_required) {
        (true, _) => "Owners: approved",
        (false, true) => {
            "Owners: approvals are missing, and nothing of it is converged without them"
        }
        (false, false) => "Owners: approvals are missing",
    };
    page.add(&format!("\n**{head}**\n\n"));
    let (missing, met): (Vec<&Demand>, Vec<&Demand>) =
        approval.demands.iter().partition(|demand| !demand.is_met());
    page.rows(missing.into_iter().chain(met).map(demand_row));
    let void = approval.void.iter();
    page.rows(
        void.map(|(who, why)| format!("- does not count: {} {}\n", escaped(who), escaped(why))),
    );
}

fn demand_row(demand: &Demand) -> String {
    let from: Vec<String> = demand.owners.iter().map(|owner| escaped(owner)).collect();
    let from = match (demand.why, from.as_slice()) {
        (Why::Nobody, _) => "nobody owns this, so nobody can approve it".to_owned(),
        (_, [one]) => one.clone(),
        (_, several) => format!("any of {}", several.join(", ")),
    };
    let reason = match demand.why {
        Why::Owners | Why::Nobody => "",
        Why::Fallback => ", asked where CODEOWNERS names nobody",
        Why::Breaking => ", besides the owners: this breaks those who use it",
    };
    let mark = if demand.is_met() { "x" } else { " " };
    let missing = match demand.missing {
        0 | 1 => String::new(),
        several => format!("{several} of "),
    };
    let by: Vec<String> = demand.by.iter().map(|by| escaped(by)).collect();
    let by = if by.is_empty() { String::new() } else { format!(" (by {})", by.join(", ")) };
    let paths: Vec<String> = demand
        .paths
        .iter()
        .take(MOST_PATHS)
        .map(|asked| match &asked.line {
            Some((number, pattern)) => {
                format!("{} (line {number}: {})", code(&asked.path), code(pattern))
            }
            None => code(&asked.path),
        })
        .collect();
    let more = demand.paths.len().saturating_sub(MOST_PATHS);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    format!("- [{mark}] {missing}{from}{by}{reason}: {}{more}\n", paths.join(", "))
}

fn warnings(reviewed: &Reviewed, page: &mut Page) {
    let warnings = reviewed.warnings();
    if !warnings.is_empty() {
        page.add("\n**Mind**\n\n");
        page.rows(warnings.iter().map(|said| format!("- **!** {}\n", escaped(&cut(said, 600)))));
    }
    let reach: Vec<String> = reviewed
        .reach
        .iter()
        .map(|reach| {
            let services = count(reach.services, "service");
            let (changed, what) = (reach.changed, escaped(&cut(&reach.what, 200)));
            format!("- {services}, of which {changed} would be changed: {what}\n")
        })
        .collect();
    if !reach.is_empty() {
        page.add("\n**Blast radius**\n\n");
        page.rows(reach.into_iter());
    }
    for (currency, (before, after)) in &reviewed.costs {
        let sign = if after >= before { "+" } else { "−" };
        page.add(&format!(
            "\nEstimated cost: {before:.2} → {after:.2} {} a month ({sign}{:.2})\n",
            escaped(currency),
            (after - before).abs()
        ));
    }
}

/// Adds the plan; returns how many diffs are left out.
fn planned(reviewed: &Reviewed, page: &mut Page) -> usize {
    let Some(plan) = &reviewed.plan else { return 0 };
    for hold in holds(plan) {
        page.add(&format!("\n> **{}**\n", escaped(&hold)));
    }
    numbers(plan, page);
    table(plan, page);
    for section in sections(plan) {
        page.add(&format!("\n**{}**\n\n", section.title));
        let row =
            |row: &Row| format!("- {}: {}\n", code(&row.subject), escaped(&cut(&row.what, 300)));
        page.rows(section.rows.iter().map(row));
    }
    plan.changes.iter().filter(|change| !details(plan, change, page)).count()
}

fn numbers(plan: &Plan, page: &mut Page) {
    use crate::reconcile::change::ChangeKind::{Create, Delete, Replace, Update};
    if plan.is_empty() && plan.blocked.is_empty() {
        page.add("\nNothing of what is looked after would be changed.\n");
        return;
    }
    let units = |kind| super::sections::units(plan, kind);
    page.add(&format!(
        "\n| create | update | replace | delete | blocked |\n|---|---|---|---|---|\n| {} | {} | {} | {} | {} |\n",
        units(Create),
        units(Update),
        units(Replace),
        units(Delete),
        plan.blocked.len(),
    ));
}

fn closing(reviewed: &Reviewed, left_out: usize, page: &mut Page) {
    let (base, head) = (short_commit(&reviewed.base), short_commit(&reviewed.head));
    if left_out > 0 {
        let what = if left_out == 1 { "diff is" } else { "diffs are" };
        page.add(&format!(
            "\n_Cut: {left_out} more {what} not shown; `trueline plan --base {base}` shows all._\n"
        ));
    }
    let of = format!("{} merged into {}", code(&head), code(&base));
    match &reviewed.plan {
        Some(plan) if !plan.is_empty() => page.add(&format!(
            "\nPlan `{}` of {of}. `/trueline approve` approves what is shown here; `/trueline help` says more.\n",
            plan.digest.short()
        )),
        _ => page.add(&format!("\nOf {of}. `/trueline help` says what can be asked for here.\n")),
    };
}
