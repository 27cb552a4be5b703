//! What `trueline owners` shows: `trueline.owners/v1` for programs, and the same for people. It decides nothing.

use serde::Serialize;

use super::table::{cell, table};
use crate::owners::{Approval, Demand, Owners, Why};

const SCHEMA: &str = "trueline.owners/v1";

/// The owners of paths.
#[derive(Debug, Serialize)]
pub(super) struct PathReport {
    schema: &'static str,
    /// The file that names owners; nothing where there is none.
    pub(super) codeowners: Option<String>,
    pub(super) paths: Vec<Row>,
}

/// The owners of one path.
#[derive(Debug, Serialize)]
pub(super) struct Row {
    pub(super) path: String,
    pub(super) owners: Vec<String>,
    /// The line that decides; nothing where no line matches.
    pub(super) line: Option<LineRow>,
}

/// A line of CODEOWNERS.
#[derive(Clone, Debug, Serialize)]
pub(super) struct LineRow {
    number: u32,
    pattern: String,
}

impl PathReport {
    pub(super) fn new(codeowners: Option<String>, paths: Vec<Row>) -> Self {
        Self { schema: SCHEMA, codeowners, paths }
    }
}

impl Row {
    pub(super) fn of(owners: &Owners, path: String) -> Self {
        let line = owners.line_of(&path);
        Self {
            owners: line.map(|line| line.owners.clone()).unwrap_or_default(),
            line: line.map(|line| LineRow { number: line.number, pattern: line.pattern.clone() }),
            path,
        }
    }
}

/// Writes the owners of paths, one path a line.
pub(super) fn paths_text(report: &PathReport) -> String {
    let rows = report.paths.iter().map(|row| {
        let owners = match row.owners.as_slice() {
            [] => "nobody".to_owned(),
            owners => owners.join(" "),
        };
        [row.path.clone(), owners, why(report.codeowners.as_deref(), row.line.as_ref())]
    });
    table(["PATH", "OWNERS", "BY"], rows)
}

fn why(file: Option<&str>, line: Option<&LineRow>) -> String {
    match (file, line) {
        (None, _) => "there is no CODEOWNERS file".to_owned(),
        (Some(file), None) => format!("no line of {file} matches"),
        (Some(file), Some(line)) => format!("{file}:{} {}", line.number, line.pattern),
    }
}

/// What a change needs from owners.
#[derive(Debug, Serialize)]
pub(super) struct ChangeReport {
    schema: &'static str,
    base: String,
    head: String,
    /// The file of the base that names owners.
    codeowners: Option<String>,
    /// Whether the settings of the base hold back what is not approved.
    required: bool,
    approved: bool,
    demands: Vec<DemandRow>,
    /// Approvals that count for nothing.
    void: Vec<Void>,
}

#[derive(Debug, Serialize)]
struct DemandRow {
    why: &'static str,
    owners: Vec<String>,
    needed: u32,
    #[serde(rename = "approvedBy")]
    approved_by: Vec<String>,
    missing: u32,
    paths: Vec<AskedRow>,
}

#[derive(Debug, Serialize)]
struct AskedRow {
    path: String,
    line: Option<LineRow>,
}

#[derive(Debug, Serialize)]
struct Void {
    owner: String,
    why: String,
}

/// The commits that are compared, and by what.
pub(super) struct Between {
    pub(super) base: String,
    pub(super) head: String,
    pub(super) codeowners: Option<String>,
    pub(super) required: bool,
}

impl ChangeReport {
    pub(super) fn new(between: Between, approval: &Approval) -> Self {
        let Between { base, head, codeowners, required } = between;
        let void = approval.void.iter();
        Self {
            schema: SCHEMA,
            base,
            head,
            codeowners,
            required,
            approved: approval.is_approved(),
            demands: approval.demands.iter().map(DemandRow::of).collect(),
            void: void
                .map(|(owner, why)| Void { owner: owner.clone(), why: why.clone() })
                .collect(),
        }
    }
}

impl DemandRow {
    fn of(demand: &Demand) -> Self {
        let paths = demand.paths.iter().map(|asked| AskedRow {
            path: asked.path.clone(),
            line: asked.line.clone().map(|(number, pattern)| LineRow { number, pattern }),
        });
        Self {
            why: word(demand.why),
            owners: demand.owners.clone(),
            needed: demand.needed,
            approved_by: demand.by.clone(),
            missing: demand.missing,
            paths: paths.collect(),
        }
    }

    /// Says what is needed, and whether it is there.
    fn head(&self) -> String {
        let owners = self.owners.join(", ");
        let from = match (self.why, self.owners.len()) {
            ("nobody", _) => {
                return "missing   nobody owns this, so nobody can approve it".to_owned();
            }
            (_, 1) => owners,
            _ => format!("any of {owners}"),
        };
        let reason = match self.why {
            "fallback" => ", asked where CODEOWNERS names nobody",
            "breaking" => ", besides the owners: this breaks those who use it",
            _ => "",
        };
        let state = if self.missing == 0 { "approved" } else { "missing " };
        let count = match self.missing {
            0 | 1 => String::new(),
            count => format!("{count} of "),
        };
        let by = self.approved_by.join(", ");
        let enough = self.approved_by.len() >= usize::try_from(self.needed).unwrap_or(usize::MAX);
        let by = match (by.as_str(), self.missing) {
            ("", _) => String::new(),
            (by, 0) => format!(" (by {by})"),
            (by, _) if enough => format!(" (and not {by} again, who approved as an owner)"),
            (by, _) => format!(" (there is {by})"),
        };
        format!("{state}  {count}{from}{by}{reason}")
    }
}

fn word(why: Why) -> &'static str {
    match why {
        Why::Owners => "owners",
        Why::Fallback => "fallback",
        Why::Breaking => "breaking",
        Why::Nobody => "nobody",
    }
}

/// Writes what a change needs: first what is missing.
pub(super) fn change_text(report: &ChangeReport) -> String {
    let mut text = String::new();
    let (missing, met): (Vec<_>, Vec<_>) =
        report.demands.iter().partition(|demand| demand.missing > 0);
    for demand in missing.iter().chain(&met) {
        text.push_str(&cell(&demand.head()));
        text.push('\n');
        let rows = demand.paths.iter().map(|asked| {
            [
                String::new(),
                asked.path.clone(),
                why(report.codeowners.as_deref(), asked.line.as_ref()),
            ]
        });
        text.push_str(&table(["", "", ""], rows));
        text.push('\n');
    }
    for void in &report.void {
        text.push_str(&cell(&format!("does not count: {} {}", void.owner, void.why)));
        text.push('\n');
    }
    let end = match (report.demands.len(), missing.len()) {
        (0, _) => "nobody needs to be asked".to_owned(),
        (_, 0) => "approved: nothing is missing".to_owned(),
        (all, missing) => format!("not approved: {missing} of {all} still missing"),
    };
    text + &end
}
