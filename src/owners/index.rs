//! Finds the last of many patterns that matches a path, by looking only at those that can. It knows no owner.

use std::collections::HashMap;

use super::pattern::{Part, Pattern};
use super::steps::step;

/// How many keys of one pattern are weighed; the rarest is taken.
const KEYS: usize = 8;

/// Patterns by what a path must have for them to match.
#[derive(Clone, Debug, Default)]
pub(super) struct Index {
    patterns: Vec<Pattern>,
    /// By the names that a path begins with.
    prefixes: Buckets,
    /// By a name that a path has somewhere.
    names: Buckets,
    /// By what stands after the last dot of a name.
    endings: Buckets,
    /// What no key was found for.
    others: Vec<usize>,
    /// The last one that matches everything.
    everything: Option<usize>,
    /// How many names the longest key in front has.
    deepest: usize,
}

/// Patterns by a key; in each bucket the last ones come first.
type Buckets = HashMap<String, Vec<usize>>;

/// What a path must have.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum Key {
    Prefix(String),
    Name(String),
    Ending(String),
}

impl Index {
    pub(super) fn of(patterns: Vec<Pattern>) -> Self {
        let candidates: Vec<Vec<Key>> = patterns.iter().map(keys).collect();
        let mut crowds: HashMap<&Key, usize> = HashMap::new();
        for key in candidates.iter().flatten() {
            *crowds.entry(key).or_default() += 1;
        }
        let crowd = |key: &&Key| crowds.get(key).copied().unwrap_or_default();
        let mut index = Self::default();
        for (at, (pattern, keys)) in patterns.iter().zip(&candidates).enumerate().rev() {
            if pattern.is_everything() {
                index.everything = index.everything.max(Some(at));
                continue;
            }
            let (buckets, key) = match keys.iter().min_by_key(crowd) {
                None => {
                    index.others.push(at);
                    continue;
                }
                Some(Key::Prefix(key)) => {
                    index.deepest = index.deepest.max(pattern.prefix());
                    (&mut index.prefixes, key)
                }
                Some(Key::Name(key)) => (&mut index.names, key),
                Some(Key::Ending(key)) => (&mut index.endings, key),
            };
            buckets.entry(key.clone()).or_default().push(at);
        }
        Self { patterns, ..index }
    }

    pub(super) fn patterns(&self) -> &[Pattern] {
        &self.patterns
    }

    /// Returns which pattern is the last that matches a path.
    pub(super) fn last(&self, path: &str) -> Option<usize> {
        let names: Vec<&str> = path.split('/').collect();
        let mut search = Search { patterns: &self.patterns, names: &names, best: self.everything };
        search.look(Some(&self.others));
        let mut end = 0;
        for (depth, name) in names.iter().enumerate() {
            end += name.len() + usize::from(depth > 0);
            if depth < self.deepest {
                search.look(path.get(..end).and_then(|prefix| self.prefixes.get(prefix)));
            }
            search.look(self.names.get(*name));
            if let (false, Some((_, ending))) = (self.endings.is_empty(), name.rsplit_once('.')) {
                search.look(self.endings.get(ending));
            }
        }
        search.best
    }
}

struct Search<'a> {
    patterns: &'a [Pattern],
    names: &'a [&'a str],
    best: Option<usize>,
}

impl Search<'_> {
    /// Looks for a later match in a bucket.
    fn look(&mut self, bucket: Option<&Vec<usize>>) {
        for at in bucket.into_iter().flatten() {
            step(1);
            if self.best >= Some(*at) {
                return;
            }
            if self.patterns.get(*at).is_some_and(|pattern| pattern.matches_names(self.names)) {
                self.best = Some(*at);
                return;
            }
        }
    }
}

/// Returns what a path must have for a pattern to match: each of the keys alone would do.
fn keys(pattern: &Pattern) -> Vec<Key> {
    let prefix = pattern.prefix();
    let front = pattern.parts.iter().take(prefix).filter_map(Part::literal);
    let front = front.collect::<Vec<_>>().join("/");
    let behind = pattern.parts.iter().skip(prefix).filter_map(|part| match part {
        Part::Literal(name) => Some(Key::Name(name.clone())),
        Part::Glob(glob) => glob.ending().map(Key::Ending),
        Part::One | Part::Many => None,
    });
    let front = (prefix > 0).then_some(Key::Prefix(front));
    front.into_iter().chain(behind).take(KEYS).collect()
}
