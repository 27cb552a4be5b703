//! How many proposals are filed in one repository: in an hour, and open at once. What was filed is counted as the forge
//! shows it, so that a restart forgets nothing; who may not file now gets a turn in the order they came. It files nothing.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::Deserialize;
use tokio::time::Instant;

use super::error::ForgeError;
use super::proposal::{Proposal, ProposalState};
use super::read::ForgeRead;

/// The time in which a number of proposals may be filed.
const SPAN: SignedDuration = SignedDuration::from_hours(1);

/// For how long somebody who does not ask again keeps their place.
const PATIENCE: Duration = Duration::from_mins(10);

/// How many proposals Trueline files in one repository.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bounds {
    /// In an hour.
    pub hourly: u32,
    /// Open at once.
    pub concurrent: u32,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { hourly: 20, concurrent: 10 }
    }
}

/// Why a proposal can't be filed just now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Full {
    /// For people; the same as long as the reason is.
    pub why: String,
    /// Since when it waits.
    pub since: Timestamp,
}

/// Who asks to file something.
#[derive(Clone, Copy, Debug)]
pub struct Asker<'a> {
    /// The repository, named the same by everybody.
    pub place: &'a str,
    /// What is filed: its marker.
    pub marker: &'a str,
    /// Since when it waits, where it does.
    pub since: Option<Timestamp>,
    /// Whether asking the forge costs nothing.
    pub is_here: bool,
}

/// For how long the answer of a forge elsewhere is good, unless it is said otherwise.
const ELSEWHERE: Duration = Duration::from_secs(30);

/// Counts what is filed, and keeps the order of those who wait.
#[derive(Debug)]
pub struct Quota {
    bounds: Bounds,
    /// For how long an answer is good, so that a forge elsewhere is not asked at every look.
    elsewhere: Duration,
    waiting: Mutex<HashMap<String, Queue>>,
}

/// Those who wait to file in one repository.
#[derive(Debug, Default)]
struct Queue {
    /// By marker: since when, and when they asked last.
    askers: BTreeMap<String, (Timestamp, Instant)>,
    /// What the forge was found to have room for, and when.
    found: Option<(Instant, Room)>,
}

/// Room for more.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Room {
    places: usize,
    /// What there is too much of, where there is no room.
    why: String,
}

impl Default for Quota {
    fn default() -> Self {
        Self::new(Bounds::default())
    }
}

impl Quota {
    /// Keeps to these bounds.
    pub fn new(bounds: Bounds) -> Self {
        Self { bounds, elsewhere: ELSEWHERE, waiting: Mutex::default() }
    }

    /// Has it believe a forge elsewhere for so long.
    #[must_use]
    pub fn believing(self, elsewhere: Duration) -> Self {
        Self { elsewhere, ..self }
    }

    /// Tells whether something may be filed now; otherwise why not. Who asks holds the repository's turn until it is
    /// filed, so that nobody else counts the same room.
    pub async fn admit(
        &self,
        forge: &dyn ForgeRead,
        asker: Asker<'_>,
        now: Timestamp,
    ) -> Result<Option<Full>, ForgeError> {
        let since = asker.since.unwrap_or(now);
        let room = match self.known(&asker) {
            Some(room) => room,
            None => room(self.bounds, &forge.ours(now - SPAN).await?, now),
        };
        let mut waiting = self.waiting();
        let queue = waiting.entry(asker.place.to_owned()).or_default();
        let moment = Instant::now();
        queue.askers.retain(|_, (_, asked)| moment.duration_since(*asked) < PATIENCE);
        let me = (since, asker.marker);
        let others = queue.askers.iter().filter(|(marker, _)| *marker != asker.marker);
        let before = others.filter(|(marker, (at, _))| (*at, marker.as_str()) < me).count();
        if before < room.places {
            queue.askers.remove(asker.marker);
            // What is filed next changes what was counted.
            queue.found = None;
            return Ok(None);
        }
        let why = match room.places {
            0 => room.why.clone(),
            _ => "others have waited for longer".to_owned(),
        };
        if queue.found.is_none() {
            queue.found = Some((moment, room));
        }
        queue.askers.insert(asker.marker.to_owned(), (since, moment));
        Ok(Some(Full { why, since }))
    }

    /// Returns what was found of late.
    fn known(&self, asker: &Asker<'_>) -> Option<Room> {
        let good = if asker.is_here { Duration::ZERO } else { self.elsewhere };
        let mut waiting = self.waiting();
        let queue = waiting.get_mut(asker.place)?;
        let found = queue.found.take_if(|(at, _)| at.elapsed() >= good);
        drop(found);
        queue.found.as_ref().map(|(_, room)| room.clone())
    }

    fn waiting(&self) -> MutexGuard<'_, HashMap<String, Queue>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Tells how many more may be filed where these are, and what there is too much of where none may.
fn room(bounds: Bounds, ours: &[Proposal], now: Timestamp) -> Room {
    let count = |wanted: &dyn Fn(&Proposal) -> bool| {
        u32::try_from(ours.iter().filter(|it| wanted(it)).count()).unwrap_or(u32::MAX)
    };
    let open = count(&|it| it.state == ProposalState::Open);
    let lately = count(&|it| it.created_at > now - SPAN);
    let (at_once, in_hour) =
        (bounds.concurrent.saturating_sub(open), bounds.hourly.saturating_sub(lately));
    let why = if at_once == 0 {
        format!("as many of Trueline's are open as may be at once ({})", bounds.concurrent)
    } else {
        format!("as many were opened within an hour as may be ({})", bounds.hourly)
    };
    Room { places: usize::try_from(at_once.min(in_hour)).unwrap_or(usize::MAX), why }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::super::proposal::ProposalDetail;
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_700_000_000 + second).unwrap()
    }

    fn proposal(number: u64, state: ProposalState, created_at: Timestamp) -> Proposal {
        Proposal {
            number,
            title: String::new(),
            body: String::new(),
            author: String::new(),
            source_branch: String::new(),
            head: String::new(),
            base_branch: String::new(),
            state,
            merge_commit: None,
            settled_by: None,
            comment: None,
            created_at,
            updated_at: created_at,
            marker: format!("trueline-{number}"),
        }
    }

    /// A forge with these proposals; it counts how often it is asked.
    #[derive(Default)]
    struct Fixed(Mutex<(Vec<Proposal>, usize)>);

    #[async_trait]
    impl ForgeRead for Fixed {
        async fn list(&self, _: Option<ProposalState>) -> Result<Vec<Proposal>, ForgeError> {
            let mut all = self.0.lock().unwrap();
            all.1 += 1;
            Ok(all.0.clone())
        }
        async fn show(&self, number: u64) -> Result<ProposalDetail, ForgeError> {
            Err(ForgeError::Unknown { number })
        }
        async fn find_by_marker(&self, _: &str) -> Result<Option<Proposal>, ForgeError> {
            Ok(None)
        }
        async fn is_edited(&self, _: &Proposal) -> Result<bool, ForgeError> {
            Ok(false)
        }
    }

    #[test]
    fn room_is_what_is_left_of_the_tighter_bound() {
        use ProposalState::{Closed, Merged, Open};
        let bounds = Bounds { hourly: 3, concurrent: 2 };
        let check = |ours: &[(ProposalState, i64)], expected: (usize, &str)| {
            let ours: Vec<Proposal> =
                ours.iter().map(|(state, second)| proposal(1, *state, at(*second))).collect();
            let found = room(bounds, &ours, at(3600));
            let word = if found.why.contains("at once") { "at once" } else { "an hour" };
            assert_eq!((found.places, word), expected, "{ours:?}");
        };
        check(&[], (2, "an hour"));
        check(&[(Open, 0)], (1, "an hour"));
        check(&[(Open, 0), (Open, 1)], (0, "at once"));
        // Those that were settled count for the hour in which they were opened, and no longer.
        check(&[(Closed, 1), (Merged, 2)], (1, "an hour"));
        check(&[(Closed, 1), (Merged, 2), (Closed, 3600)], (0, "an hour"));
        check(&[(Closed, 0), (Merged, 0), (Closed, -9)], (2, "an hour"));
    }

    #[tokio::test]
    async fn who_waits_gets_a_turn_in_order_and_a_forge_is_not_asked_at_every_look() {
        let forge = Fixed::default();
        let quota = Quota::new(Bounds { hourly: 9, concurrent: 1 });
        forge.0.lock().unwrap().0.push(proposal(1, ProposalState::Open, at(0)));
        let ask = async |marker: &str, since: Option<i64>, is_here: bool, now: i64| {
            let asker = Asker { place: "acme/app", marker, since: since.map(at), is_here };
            quota.admit(&forge, asker, at(now)).await.unwrap().map(|full| (full.why, full.since))
        };
        let open = "as many of Trueline's are open as may be at once (1)";
        assert_eq!(ask("a", None, true, 10).await, Some((open.to_owned(), at(10))));
        assert_eq!(ask("b", None, false, 20).await, Some((open.to_owned(), at(20))));
        assert_eq!(ask("b", Some(20), false, 30).await, Some((open.to_owned(), at(20))));
        assert_eq!(forge.0.lock().unwrap().1, 1);
        forge.0.lock().unwrap().0.clear();
        // There is room for one, and the first has not come yet.
        let others = "others have waited for longer".to_owned();
        assert_eq!(ask("b", Some(20), true, 40).await, Some((others, at(20))));
        assert_eq!(ask("a", Some(10), true, 50).await, None);
        assert_eq!(ask("b", Some(20), true, 60).await, None);
        // Elsewhere nobody waits.
        forge.0.lock().unwrap().0.push(proposal(2, ProposalState::Open, at(0)));
        assert!(ask("c", None, true, 70).await.is_some());
    }
}
