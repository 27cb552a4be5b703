//! How many steps may be in effect at once: in all, and for one team, one action type, one target. It only counts.

use std::collections::{BTreeMap, HashMap};
use std::fmt;

use super::breaker::BreakerKey;
use crate::catalog::Priority;
use crate::id::{RunId, StepPath};

/// What a step counts against.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place {
    /// The team of its service.
    pub team: String,
    /// Its action type.
    pub action: String,
    /// Whom it asks: a host, with its port where that is unusual; nothing where that is not known or is nobody.
    pub target: Option<String>,
}

impl Place {
    /// Names the breaker that it depends on, where there is one.
    pub fn breaker(&self) -> Option<BreakerKey> {
        let target = self.target.clone()?;
        Some(BreakerKey { action: self.action.clone(), target })
    }
}

/// A bound of each of some things by name.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Cap {
    /// Of each; no bound where absent.
    pub usual: Option<usize>,
    /// Of those that are named.
    pub named: BTreeMap<String, usize>,
}

impl Cap {
    /// The same bound of each.
    pub fn of_each(usual: usize) -> Self {
        Self { usual: Some(usual), ..Self::default() }
    }

    /// Returns the bound of one.
    pub fn of(&self, name: &str) -> Option<usize> {
        self.named.get(name).copied().or(self.usual)
    }
}

/// How many steps may be in effect at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capacity {
    /// In all.
    pub all: usize,
    /// Of one team.
    pub teams: Cap,
    /// Of one action type.
    pub actions: Cap,
    /// At one target.
    pub targets: Cap,
}

impl Default for Capacity {
    fn default() -> Self {
        Self::within(16)
    }
}

impl Capacity {
    /// Takes a bound of all: one team gets at most three quarters of it, so that something is left for others at once.
    pub fn within(all: usize) -> Self {
        Self {
            all,
            teams: Cap::of_each((all.saturating_mul(3) / 4).max(1)),
            actions: Cap::default(),
            targets: Cap::of_each(8),
        }
    }
}

/// Why a step that may start does not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Full {
    /// As many are in effect as may be.
    All(usize),
    /// Of its team.
    Team(String, usize),
    /// Of its action type.
    Action(String, usize),
    /// At its target.
    Target(String, usize),
}

impl fmt::Display for Full {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let steps = |most: &usize| if *most == 1 { "step" } else { "steps" };
        match self {
            Full::All(most) => write!(f, "a free place: {most} {} in effect already", steps(most)),
            Full::Team(team, most) => write!(
                f,
                "a free place of team {team}: {most} of its {} in effect already",
                steps(most)
            ),
            Full::Action(action, most) => write!(
                f,
                "a free place for `{action}`: {most} such {} in effect already",
                steps(most)
            ),
            Full::Target(target, most) => {
                write!(f, "a free place at {target}: {most} {} there already", steps(most))
            }
        }
    }
}

/// What is in effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InEffect {
    all: usize,
    teams: HashMap<String, usize>,
    actions: HashMap<String, usize>,
    targets: HashMap<String, usize>,
}

impl InEffect {
    /// Counts a step.
    pub fn take(&mut self, place: &Place) {
        self.all += 1;
        for (counts, name) in self.counts(place) {
            *counts.entry(name.to_owned()).or_default() += 1;
        }
    }

    /// Counts it no more.
    pub fn give_back(&mut self, place: &Place) {
        self.all = self.all.saturating_sub(1);
        for (counts, name) in self.counts(place) {
            if let Some(count) = counts.get_mut(name) {
                *count = count.saturating_sub(1);
                if *count == 0 {
                    counts.remove(name);
                }
            }
        }
    }

    /// Tells whether nothing is in effect.
    pub fn is_empty(&self) -> bool {
        self.all == 0
    }

    /// Says why a step may not join in; nothing where it may.
    pub fn full(&self, place: &Place, capacity: &Capacity) -> Option<Full> {
        let is_full = |counts: &HashMap<String, usize>, cap: &Cap, name: &str| {
            cap.of(name).filter(|most| counts.get(name).copied().unwrap_or_default() >= *most)
        };
        if self.all >= capacity.all {
            return Some(Full::All(capacity.all));
        }
        if let Some(most) = is_full(&self.teams, &capacity.teams, &place.team) {
            return Some(Full::Team(place.team.clone(), most));
        }
        if let Some(most) = is_full(&self.actions, &capacity.actions, &place.action) {
            return Some(Full::Action(place.action.clone(), most));
        }
        let target = place.target.as_ref()?;
        let most = is_full(&self.targets, &capacity.targets, target)?;
        Some(Full::Target(target.clone(), most))
    }

    fn counts<'a>(
        &mut self,
        place: &'a Place,
    ) -> impl Iterator<Item = (&mut HashMap<String, usize>, &'a str)> {
        [
            Some((&mut self.teams, place.team.as_str())),
            Some((&mut self.actions, place.action.as_str())),
            place.target.as_deref().map(|target| (&mut self.targets, target)),
        ]
        .into_iter()
        .flatten()
    }
}

/// Something that may start: a step, or a queued run with its first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Entry {
    /// Its place within its team.
    pub priority: Priority,
    /// The run; those that were made first come first.
    pub run: RunId,
    /// The step; nothing where the run is queued.
    pub step: Option<StepPath>,
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn place(text: &str) -> Place {
        let words: Vec<&str> = text.split(' ').collect();
        let target = words.get(2).map(|target| (*target).to_owned());
        Place { team: words[0].to_owned(), action: words[1].to_owned(), target }
    }

    fn capacity() -> Capacity {
        let named = [("terraform".to_owned(), 1)].into();
        Capacity {
            all: 6,
            teams: Cap::of_each(4),
            actions: Cap { named, ..Cap::default() },
            targets: Cap { usual: Some(3), named: [("slow".to_owned(), 1)].into() },
        }
    }

    /// Takes places, one after the other, as long as there are free ones; tells why the last does not get one.
    #[track_caller]
    fn check(taken: &[&str], last: &str, expected: &str) {
        let mut in_effect = InEffect::default();
        for text in taken {
            assert_eq!(in_effect.full(&place(text), &capacity()), None, "{text}");
            in_effect.take(&place(text));
        }
        let full = in_effect.full(&place(last), &capacity());
        assert_eq!(full.map(|full| full.to_string()).unwrap_or_default(), expected);
    }

    #[test]
    fn each_bound_holds_by_itself_and_says_so() {
        check(&[], "web rest-api api", "");
        check(
            &["web rest-api slow"],
            "ops webhook slow",
            "a free place at slow: 1 step there already",
        );
        check(
            &["web terraform"],
            "ops terraform",
            "a free place for `terraform`: 1 such step in effect already",
        );
        check(
            &["web notify"; 4],
            "web rest-api api",
            "a free place of team web: 4 of its steps in effect already",
        );
        check(&["web notify"; 4], "ops rest-api api", "");
        let six =
            ["web notify", "web notify", "web notify", "ops notify", "ops notify", "ops notify"];
        check(&six, "new notify", "a free place: 6 steps in effect already");
    }

    #[test]
    fn one_team_never_gets_all_places_unless_there_is_one() {
        let most = |all| Capacity::within(all).teams.of("web");
        assert_eq!([1, 2, 4, 16].map(most), [Some(1), Some(1), Some(3), Some(12)]);
    }

    proptest! {
        #[test]
        fn what_is_given_back_is_free_again(draws in vec((0_usize..3, 0_usize..3, 0_usize..3), 0..40)) {
            let mut in_effect = InEffect::default();
            let mut taken = Vec::new();
            for (team, action, target) in draws {
                let place = Place {
                    team: format!("t{team}"),
                    action: ["terraform", "rest-api", "notify"][action].to_owned(),
                    target: ["slow", "quick", ""].get(target).filter(|t| !t.is_empty()).map(|t| (*t).to_owned()),
                };
                if in_effect.full(&place, &capacity()).is_some() {
                    if let Some(oldest) = taken.pop() { in_effect.give_back(&oldest); }
                    continue;
                }
                in_effect.take(&place);
                taken.push(place);
                let of = |test: &dyn Fn(&Place) -> bool| taken.iter().filter(|place| test(place)).count();
                prop_assert!(taken.len() <= 6 && of(&|p| p.action == "terraform") <= 1);
                let teams = ["t0", "t1", "t2"];
                prop_assert!(teams.iter().all(|team| of(&|p| p.team == *team) <= 4));
                prop_assert!(of(&|p| p.target.as_deref() == Some("slow")) <= 1);
            }
            taken.iter().for_each(|place| in_effect.give_back(place));
            prop_assert_eq!(in_effect, InEffect::default());
        }
    }
}
