//! Whether what reached a branch was approved by its owners: what counts of what people said, and what stays open until
//! an owner accepts it. It asks nobody; what it is told it believes.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::approval::{People, Touched, approval};
use super::name::folded;
use super::owners::{LOCATIONS, Owners};
use crate::catalog::OwnerSettings;

/// The catalog's own settings, which hold who must approve what.
const SETTINGS: &str = "trueline.yaml";

/// What somebody said about a proposal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It may be merged.
    Approves,
    /// It must change first.
    Objects,
    /// An earlier word was taken away.
    Dismissed,
}

/// One word about a proposal.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Said {
    /// Who, as owners are written.
    pub by: String,
    /// What.
    pub word: Word,
    /// The head commit that they looked at.
    pub head: String,
}

/// Returns who approves a head by their last word: an approval of another head is stale, one that was dismissed or
/// taken back is none.
pub fn standing(said: &[Said], head: &str) -> BTreeSet<String> {
    let mut last: BTreeMap<String, &Said> = BTreeMap::new();
    for one in said {
        last.insert(folded(&one.by), one);
    }
    let counts = |one: &&&Said| one.word == Word::Approves && one.head == head;
    last.values().filter(counts).map(|one| one.by.clone()).collect()
}

/// How commits got to a branch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Way {
    /// Through a proposal that was merged.
    Proposal(u64),
    /// Somebody pushed them.
    Direct,
    /// The branch was set to another history.
    Rewritten,
}

impl Way {
    fn in_words(self) -> String {
        match self {
            Self::Proposal(number) => format!("proposal {number} brought it"),
            Self::Direct => "it was pushed without a proposal".to_owned(),
            Self::Rewritten => "the history of the branch was rewritten".to_owned(),
        }
    }
}

/// What reached a branch at once.
#[derive(Clone, Debug)]
pub struct Landing {
    /// The commit that the branch was at afterwards.
    pub commit: String,
    /// How it got there.
    pub way: Way,
    /// What it changed.
    pub touched: Touched,
    /// Paths that are not as the approved head has them: somebody changed them while merging.
    pub by_hand: BTreeSet<String>,
    /// What the changed paths held before and after.
    pub blobs: BTreeMap<String, (Option<String>, Option<String>)>,
    /// Who took part.
    pub people: People,
}

/// A path that is not as its owners approved it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Unapproved {
    /// The commit that brought it last.
    pub commit: String,
    /// How.
    pub way: Way,
    /// Whose approval is missing: one of each group; a group without anybody can't be satisfied.
    pub missing: Vec<BTreeSet<String>>,
    /// Whoever had a hand in it; they can't accept it.
    pub authors: BTreeSet<String>,
    /// Whether somebody had a hand in it whom nobody knows; then nobody can.
    #[serde(default)]
    pub stranger: bool,
    /// What it held when it was approved last.
    pub was: Option<String>,
}

impl Unapproved {
    /// Says whose approval is missing, and why.
    pub fn why(&self) -> String {
        let missing: Vec<String> = self
            .missing
            .iter()
            .map(|group| match group.len() {
                0 => "nobody, for nobody owns it".to_owned(),
                _ => group.iter().cloned().collect::<Vec<_>>().join(" or "),
            })
            .collect();
        let commit: String = self.commit.chars().take(12).collect();
        format!(
            "{} in {commit}, not approved by {}",
            self.way.in_words(),
            missing.join(", nor by ")
        )
    }
}

/// What of a branch is not as its owners approved it, up to a commit.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Ledger {
    /// The commit up to which everything was looked at.
    pub commit: String,
    /// The commit whose CODEOWNERS and settings count: the last at which both were approved.
    pub rules_at: String,
    /// Whether those settings leave unconverged what owners did not approve.
    pub required: bool,
    /// By path.
    pub open: BTreeMap<String, Unapproved>,
}

impl Ledger {
    /// Begins with a commit that is taken for approved.
    pub fn begin(commit: &str, required: bool) -> Self {
        let (commit, rules_at) = (commit.to_owned(), commit.to_owned());
        Self { commit, rules_at, required, open: BTreeMap::new() }
    }

    /// Takes in what reached the branch, judged by the owners and settings that count.
    pub fn take(&mut self, owners: &Owners, settings: &OwnerSettings, landing: &Landing) {
        self.commit.clone_from(&landing.commit);
        let missing =
            if settings.required { missing(owners, settings, landing) } else { BTreeMap::new() };
        for path in &landing.touched.paths {
            let (before, after) = landing.blobs.get(path).cloned().unwrap_or_default();
            let earlier = self.open.remove(path);
            let was = earlier.map_or(before, |earlier| earlier.was);
            let Some(groups) = missing.get(path) else { continue };
            if was == after {
                continue;
            }
            let unapproved = Unapproved {
                commit: landing.commit.clone(),
                way: landing.way,
                missing: groups.clone(),
                authors: landing.people.authors.iter().map(|name| folded(name)).collect(),
                stranger: landing.people.stranger,
                was,
            };
            self.open.insert(path.clone(), unapproved);
        }
        self.follow_rules(owners);
    }

    /// Lets what an owner accepts count from now on, of some paths; returns those that nobody else is asked about.
    ///
    /// `names` are all names that the person goes by: their own, and the teams that they are in.
    pub fn accept(&mut self, paths: &BTreeSet<String>, names: &BTreeSet<String>) -> Vec<String> {
        let names: BTreeSet<String> = names.iter().map(|name| folded(name)).collect();
        let mut accepted = Vec::new();
        for path in paths {
            let Some(open) = self.open.get_mut(path) else { continue };
            if open.stranger || !open.authors.is_disjoint(&names) {
                continue;
            }
            open.missing.retain(|group| !group.iter().any(|owner| names.contains(&folded(owner))));
            if open.missing.is_empty() {
                self.open.remove(path);
                accepted.push(path.clone());
            }
        }
        accepted
    }

    /// Lets the newest rules count where both of their files are approved; tells whether they do.
    pub fn follow_rules(&mut self, owners: &Owners) -> bool {
        let is_rule = |path: &String| {
            path == SETTINGS || owners.is_location(path) || LOCATIONS.contains(&path.as_str())
        };
        let approved = !self.open.keys().any(is_rule);
        if approved {
            self.rules_at.clone_from(&self.commit);
        }
        approved
    }

    /// Says of every path that is open why it is.
    pub fn reasons(&self) -> BTreeMap<String, String> {
        self.open.iter().map(|(path, open)| (path.clone(), open.why())).collect()
    }
}

/// Returns whose approval is missing, by path.
fn missing(
    owners: &Owners,
    settings: &OwnerSettings,
    landing: &Landing,
) -> BTreeMap<String, Vec<BTreeSet<String>>> {
    let mut found: BTreeMap<String, Vec<BTreeSet<String>>> = BTreeMap::new();
    let mut ask = |touched: &Touched, people: &People| {
        for demand in approval(owners, settings, touched, people).missing() {
            let group: BTreeSet<String> = demand.owners.iter().cloned().collect();
            for asked in &demand.paths {
                let groups = found.entry(asked.path.clone()).or_default();
                let times = usize::try_from(demand.missing).unwrap_or(1);
                groups.extend(std::iter::repeat_n(group.clone(), times));
            }
        }
    };
    ask(&landing.touched, &landing.people);
    // Nobody approved what somebody made of it while merging.
    let paths: BTreeSet<String> =
        landing.by_hand.intersection(&landing.touched.paths).cloned().collect();
    let nobody = People { approved_by: BTreeSet::new(), ..landing.people.clone() };
    ask(&Touched { paths, breaking: BTreeSet::new() }, &nobody);
    for groups in found.values_mut() {
        let mut seen: Vec<BTreeSet<String>> = Vec::new();
        groups.retain(|group| {
            let again = seen.contains(group);
            seen.push(group.clone());
            !again
        });
    }
    found
}

#[cfg(test)]
#[path = "landed_tests.rs"]
mod tests;
