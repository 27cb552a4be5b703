//! Whose turn it is: between teams by what each had, within a team by priority and age. Pure; it starts nothing.
//!
//! Every start costs its team something, and the team that would have had the least is next (self-clocked fair
//! queueing). A start of priority `critical` costs a third of one that is `background`: so priorities are strict within
//! a team, and worth up to three turns between teams. However much one team asks for, and however urgently, another
//! that asks too has its turn at least a third as often.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use super::places::{Entry, Place};
use crate::catalog::Priority;

/// What a start costs its team: at most three times what another one costs.
fn cost(priority: Priority) -> u64 {
    match priority {
        Priority::Critical => 2,
        Priority::High => 3,
        Priority::Normal => 4,
        Priority::Low => 5,
        Priority::Background => 6,
    }
}

/// What each team had so far.
#[derive(Clone, Debug, Default)]
pub struct Turns {
    /// What the team whose turn was last had had then.
    now: u64,
    had: HashMap<String, u64>,
}

impl Turns {
    /// Returns what a team would have had with one more start. Who asked for nothing, or was held up, keeps one turn up
    /// for later and no more.
    fn with(&self, team: &str, priority: Priority) -> u64 {
        let had = self.had.get(team).copied().unwrap_or_default();
        had.saturating_add(cost(priority)).max(self.now)
    }

    /// Counts a start.
    pub fn take(&mut self, team: &str, priority: Priority) {
        let had = self.with(team, priority);
        self.now = had;
        self.had.insert(team.to_owned(), had);
    }
}

/// What may start, by what it counts against: so what is held at one place costs nothing, however much it is.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Queue {
    waiting: BTreeMap<Place, BTreeSet<Entry>>,
}

impl Queue {
    /// Adds an entry.
    pub fn push(&mut self, place: Place, entry: Entry) {
        self.waiting.entry(place).or_default().insert(entry);
    }

    /// Takes an entry out; tells whether it was there.
    pub fn remove(&mut self, place: &Place, entry: &Entry) -> bool {
        let Some(entries) = self.waiting.get_mut(place) else { return false };
        let was_there = entries.remove(entry);
        if entries.is_empty() {
            self.waiting.remove(place);
        }
        was_there
    }

    /// Takes any entry out.
    pub fn pop(&mut self) -> Option<(Place, Entry)> {
        let mut place = self.waiting.first_entry()?;
        let entry = place.get_mut().pop_first()?;
        let key = place.key().clone();
        if place.get().is_empty() {
            place.remove();
        }
        Some((key, entry))
    }

    /// Tells whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    /// Returns the first entry of each place that is not held, passed-over ones left out.
    fn heads<'q>(
        &'q self,
        is_held: &impl Fn(&Place) -> bool,
        passed: &BTreeSet<Entry>,
    ) -> impl Iterator<Item = (&'q Place, &'q Entry)> {
        self.waiting.iter().filter_map(move |(place, entries)| {
            let first = entries.iter().find(|entry| !passed.contains(entry))?;
            (!is_held(place)).then_some((place, first))
        })
    }
}

/// Returns what is next of all that may start: nothing at a place that is held, and nothing that was passed over.
pub fn whose_turn<'q>(
    queues: [&'q Queue; 2],
    turns: &Turns,
    is_held: impl Fn(&Place) -> bool,
    passed: &BTreeSet<Entry>,
) -> Option<(&'q Place, &'q Entry)> {
    let heads = queues.into_iter().flat_map(|queue| queue.heads(&is_held, passed));
    let mut teams: BTreeMap<&str, (&Place, &Entry)> = BTreeMap::new();
    for (place, entry) in heads {
        let first = teams.entry(&place.team).or_insert((place, entry));
        if entry < first.1 {
            *first = (place, entry);
        }
    }
    teams.into_values().min_by_key(|(place, entry)| {
        (turns.with(&place.team, entry.priority), entry.priority, *entry)
    })
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;
    use crate::id::RunId;

    const PRIORITIES: [Priority; 5] =
        [Priority::Critical, Priority::High, Priority::Normal, Priority::Low, Priority::Background];

    fn place(team: &str) -> Place {
        Place { team: team.to_owned(), action: "notify".to_owned(), target: None }
    }

    fn entry(priority: Priority, number: usize) -> Entry {
        Entry { priority, run: RunId(format!("{number:06}")), step: None }
    }

    /// What waits, and what each team had; a number for each start.
    #[derive(Default)]
    struct Told {
        queue: Queue,
        turns: Turns,
        pushed: usize,
    }

    impl Told {
        fn push(&mut self, team: &str, priority: Priority) -> RunId {
            self.pushed += 1;
            let entry = entry(priority, self.pushed);
            self.queue.push(place(team), entry.clone());
            entry.run
        }

        fn start(&mut self, is_held: impl Fn(&Place) -> bool) -> Option<(String, Entry)> {
            let nothing = (Queue::default(), BTreeSet::new());
            let next = whose_turn([&nothing.0, &self.queue], &self.turns, is_held, &nothing.1);
            let (place, entry) = next.map(|(place, entry)| (place.clone(), entry.clone()))?;
            assert!(self.queue.remove(&place, &entry));
            self.turns.take(&place.team, entry.priority);
            Some((place.team, entry))
        }

        fn starts(&mut self) -> String {
            let starts = std::iter::from_fn(|| self.start(|_| false));
            starts.map(|(team, _)| team).collect::<String>()
        }
    }

    #[test]
    fn teams_take_turns_however_much_one_asks_for() {
        let mut told = Told::default();
        (0..8).for_each(|_| drop(told.push("a", Priority::Normal)));
        (0..2).for_each(|_| drop(told.push("b", Priority::Normal)));
        told.push("c", Priority::Normal);
        assert_eq!(told.starts(), "abcabaaaaaa");
        (0..3).for_each(|_| drop(told.push("a", Priority::Normal)));
        told.push("d", Priority::Normal);
        assert_eq!(
            told.starts(),
            "daaa",
            "who had nothing so far is next, and keeps nothing up for later"
        );
    }

    #[test]
    fn within_a_team_priority_is_strict_and_then_age() {
        let mut told = Told::default();
        let low = told.push("a", Priority::Low);
        let first = told.push("a", Priority::Normal);
        let second = told.push("a", Priority::Normal);
        let urgent = told.push("a", Priority::Critical);
        let starts: Vec<RunId> =
            std::iter::from_fn(|| told.start(|_| false)).map(|(_, entry)| entry.run).collect();
        assert_eq!(starts, [urgent, first, second, low]);
    }

    #[test]
    fn between_teams_priority_is_worth_three_turns_at_most() {
        let mut told = Told::default();
        (0..12).for_each(|_| drop(told.push("a", Priority::Critical)));
        (0..4).for_each(|_| drop(told.push("b", Priority::Background)));
        assert_eq!(told.starts(), "aaabaaabaaabaaab");
        told.push("b", Priority::Normal);
        told.push("c", Priority::Critical);
        assert_eq!(told.starts(), "cb", "what is urgent goes first where all had the same");
    }

    #[test]
    fn what_is_held_holds_nobody_else_up() {
        let mut told = Told::default();
        told.push("a", Priority::Critical);
        told.push("b", Priority::Background);
        assert_eq!(told.start(|place| place.team == "a").unwrap().0, "b");
        assert_eq!(told.start(|place| place.team == "a"), None);
        assert_eq!(told.start(|_| false).unwrap().0, "a");
        assert!(told.queue.is_empty());
    }

    /// Returns the middle one.
    fn median(numbers: &[usize]) -> usize {
        let mut sorted = numbers.to_vec();
        sorted.sort_unstable();
        sorted[sorted.len() / 2]
    }

    proptest! {
        #[test]
        fn no_team_waits_more_than_three_times_the_median_under_a_flood(
            // Each team but the first has one run at a time, of some priority, and asks for the next as soon as that
            // started; the first has more than can ever be started, as urgent as it likes.
            flood in 0_usize..5, asked in vec(0_usize..5, 2..24), late in vec(0_usize..40, 24),
        ) {
            let mut told = Told::default();
            let rounds = asked.len() * 100;
            (0..rounds).for_each(|_| drop(told.push("flood", PRIORITIES[flood])));
            let mut since: Vec<Option<usize>> = vec![None; asked.len()];
            let mut waited: Vec<Vec<usize>> = vec![Vec::new(); asked.len()];
            for now in 0..rounds {
                for (team, priority) in asked.iter().enumerate() {
                    if now >= late[team] && since[team].is_none() {
                        told.push(&format!("t{team}"), PRIORITIES[*priority]);
                        since[team] = Some(now);
                    }
                }
                let (team, _) = told.start(|_| false).expect("the flood never ends");
                if let Some(team) = team.strip_prefix('t') {
                    let team: usize = team.parse().unwrap();
                    let began = since[team].take().expect("it asked");
                    waited[team].push(now - began + 1);
                }
            }
            let worst: Vec<usize> = waited.iter().map(|all| *all.iter().max().unwrap()).collect();
            let mean: Vec<usize> =
                waited.iter().map(|all| all.iter().sum::<usize>() * 10 / all.len()).collect();
            let usual = median(&mean);
            for (team, waits) in waited.iter().enumerate() {
                prop_assert!(!waits.is_empty());
                // A turn is a whole one: the last of a round may come one turn later than its share.
                prop_assert!(mean[team] <= 3 * usual + 10, "{mean:?}");
                prop_assert!(worst[team] <= 3 * (asked.len() + 1) + asked.len(), "{worst:?}");
            }
        }

        #[test]
        fn everything_starts_once_and_never_before_what_is_more_urgent_in_its_team(
            draws in vec((0_usize..4, 0_usize..5, any::<bool>()), 1..120),
        ) {
            let mut told = Told::default();
            let mut waiting: BTreeSet<(String, Entry)> = BTreeSet::new();
            for (team, priority, start) in draws {
                let team = format!("t{team}");
                let run = told.push(&team, PRIORITIES[priority]);
                waiting.insert((team, Entry { priority: PRIORITIES[priority], run, step: None }));
                let Some(started) = start.then(|| told.start(|_| false)).flatten() else { continue };
                let first = waiting.iter().find(|(team, _)| *team == started.0).cloned();
                prop_assert_eq!(first.as_ref(), Some(&started));
                waiting.remove(&started);
            }
            while let Some(started) = told.start(|_| false) {
                prop_assert!(waiting.remove(&started));
            }
            prop_assert!(waiting.is_empty() && told.queue.is_empty());
        }
    }
}
