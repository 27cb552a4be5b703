//! Who must approve a change, by the CODEOWNERS and the settings of its base. It asks nobody and remembers nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::demand::{Approval, AskedPath, Demand, Why};
use super::name::folded;
use super::owners::{Line, Owners};
use crate::catalog::OwnerSettings;

/// What a change touches.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Touched {
    /// Every path that differs from the base: what was deleted too, and both names of what was renamed.
    pub paths: BTreeSet<String>,
    /// Those of the paths where an item's change breaks its users.
    pub breaking: BTreeSet<String>,
}

/// Who takes part in a change.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct People {
    /// Who approved it, as owners are written: users, mail addresses, or a team for one of its members.
    pub approved_by: BTreeSet<String>,
    /// Whoever wrote, committed, opened or pushed it; their approval never counts.
    pub authors: BTreeSet<String>,
    /// Whether somebody pushed to it whom nobody knows: any approval could be theirs, so none counts.
    pub stranger: bool,
    /// The members of teams, as far as they are known.
    pub members: BTreeMap<String, BTreeSet<String>>,
}

/// Says what a change needs, and what of that is there.
///
/// `owners` and `settings` are those of the base, never those that the change brings along.
pub fn approval(
    owners: &Owners,
    settings: &OwnerSettings,
    touched: &Touched,
    people: &People,
) -> Approval {
    let mut groups = Groups::default();
    for path in &touched.paths {
        ask(owners, settings, path, path, &mut groups);
        // A new file in a place that comes first takes over, so the owners of the one that counts are asked.
        if let (true, Some(counts)) = (owners.is_location(path), &owners.path) {
            ask(owners, settings, path, counts, &mut groups);
        }
    }
    let votes = Votes::of(people);
    let mut demands = Vec::new();
    for group in groups.0.into_values() {
        let by = votes.for_any(&group.owners);
        let missing = u32::from(by.is_empty());
        let breaking = breaking(settings, touched, &group, &votes);
        demands.push(group.into_demand((1, by, missing)));
        demands.extend(breaking);
    }
    let unasked = touched.breaking.iter().filter(|path| {
        !demands.iter().any(|demand| demand.paths.iter().any(|asked| asked.path == **path))
    });
    let unasked: Vec<AskedPath> =
        unasked.map(|path| AskedPath { path: path.clone(), line: None }).collect();
    let unasked = Group { why: Why::Nobody, owners: Vec::new(), paths: unasked };
    demands.extend(breaking(settings, touched, &unasked, &votes));
    demands.sort_by(|one, other| (one.why, &one.owners).cmp(&(other.why, &other.owners)));
    Approval { demands, void: votes.void }
}

/// Paths that the same owners are asked about.
#[derive(Debug)]
struct Group {
    why: Why,
    owners: Vec<String>,
    paths: Vec<AskedPath>,
}

impl Group {
    fn into_demand(self, (needed, by, missing): (u32, Vec<String>, u32)) -> Demand {
        Demand { why: self.why, paths: self.paths, owners: self.owners, needed, by, missing }
    }
}

/// Groups by why and by whom.
#[derive(Debug, Default)]
struct Groups(BTreeMap<(Why, BTreeSet<String>), Group>);

impl Groups {
    fn add(&mut self, why: Why, owners: &[String], path: &str, line: Option<&Line>) {
        let key = (why, owners.iter().map(|owner| folded(owner)).collect());
        let group = self.0.entry(key).or_insert_with(|| {
            let mut seen = BTreeSet::new();
            let once = owners.iter().filter(|owner| seen.insert(folded(owner)));
            Group { why, owners: once.cloned().collect(), paths: Vec::new() }
        });
        if group.paths.last().is_some_and(|last| last.path == path) {
            return;
        }
        let line = line.map(|line| (line.number, line.pattern.clone()));
        group.paths.push(AskedPath { path: path.to_owned(), line });
    }
}

/// Asks for the owners of a path, by the line for another one where that decides over it.
fn ask(owners: &Owners, settings: &OwnerSettings, path: &str, by: &str, groups: &mut Groups) {
    let line = owners.line_of(by);
    let fallback = &settings.fallback;
    let decides = owners.is_location(by);
    if let (Some(skipped), false) = (owners.skipped_line_of(by), fallback.is_empty()) {
        groups.add(Why::Fallback, fallback, path, Some(skipped));
    }
    match line {
        Some(named) if !named.owners.is_empty() => {
            groups.add(Why::Owners, &named.owners, path, line);
        }
        _ if !fallback.is_empty() => groups.add(Why::Fallback, fallback, path, line),
        // Who leaves the owners of a line empty says that nobody needs to be asked, except about that line itself.
        Some(_) if !decides => {}
        _ if settings.required => groups.add(Why::Nobody, &[], path, line),
        _ => {}
    }
}

/// Says what a breaking change of a group's items needs besides their own owners.
fn breaking(
    settings: &OwnerSettings,
    touched: &Touched,
    group: &Group,
    votes: &Votes,
) -> Option<Demand> {
    let rule = settings.breaking_change.as_ref()?;
    let broken = group.paths.iter().filter(|asked| touched.breaking.contains(&asked.path));
    let paths: Vec<AskedPath> = broken.cloned().collect();
    if paths.is_empty() {
        return None;
    }
    let by = votes.for_any(&rule.from);
    let own = votes.for_any(&group.owners);
    let there = |votes: &BTreeSet<&String>| u32::try_from(votes.len()).unwrap_or(u32::MAX);
    let of_rule = there(&by.iter().collect());
    let together = there(&by.iter().chain(&own).collect());
    // Nobody approves twice: one of those who own the item is another person.
    let besides = if own.is_empty() { 0 } else { rule.approvals.saturating_add(1) };
    let missing = rule.approvals.saturating_sub(of_rule).max(besides.saturating_sub(together));
    let asked = Group { why: Why::Breaking, owners: rule.from.clone(), paths };
    Some(asked.into_demand((rule.approvals, by, missing)))
}

/// The approvals that count.
struct Votes {
    /// By the name that they are compared by, as they were given.
    given: BTreeMap<String, String>,
    members: BTreeMap<String, BTreeSet<String>>,
    void: Vec<(String, String)>,
}

impl Votes {
    fn of(people: &People) -> Self {
        let authors: BTreeSet<String> = people.authors.iter().map(|name| folded(name)).collect();
        let members = people.members.iter().map(|(team, members)| {
            (folded(team), members.iter().map(|name| folded(name)).collect())
        });
        let mut votes =
            Self { given: BTreeMap::new(), members: members.collect(), void: Vec::new() };
        for name in &people.approved_by {
            let why = match (authors.contains(&folded(name)), people.stranger) {
                (true, _) => "takes part in the change as an author",
                (_, true) => "may have pushed to the change: somebody did whom nobody knows",
                _ => {
                    votes.given.insert(folded(name), name.clone());
                    continue;
                }
            };
            votes.void.push((name.clone(), why.to_owned()));
        }
        votes
    }

    /// Returns whose approval counts where any of some owners is asked; one person counts once.
    fn for_any(&self, owners: &[String]) -> Vec<String> {
        let owners: BTreeSet<String> = owners.iter().map(|owner| folded(owner)).collect();
        let is_member = |team: &str, name: &str| {
            self.members.get(team).is_some_and(|members| members.contains(name))
        };
        let counts =
            |name: &str| owners.contains(name) || owners.iter().any(|team| is_member(team, name));
        let counted: Vec<&String> = self.given.keys().filter(|name| counts(name)).collect();
        // A team approves by one of its members, who may be one that is counted already.
        let again = |team: &str| counted.iter().any(|name| is_member(team, name));
        let once = counted.iter().filter(|name| !again(name));
        once.filter_map(|name| self.given.get(*name).cloned()).collect()
    }
}

#[cfg(test)]
#[path = "approval_tests.rs"]
mod tests;
