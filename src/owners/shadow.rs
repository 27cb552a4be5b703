//! Finds patterns that never decide, because a later one matches all that they match. It misses some, and is never wrong.

use std::collections::HashMap;

use super::pattern::{Part, Pattern};
use super::steps::step;

/// Patterns with more parts are only compared as they are: nobody writes them.
const MOST_PARTS: usize = 16;

/// Returns pairs of a pattern and a later one that covers it, in order.
pub(super) fn shadowed(patterns: &[Pattern]) -> Vec<(usize, usize)> {
    let mut later: HashMap<&[Part], usize> = HashMap::new();
    let mut found = Vec::new();
    for (at, pattern) in patterns.iter().enumerate().rev() {
        let wider = wider(pattern);
        step(pattern.parts.len() + wider.iter().map(Vec::len).sum::<usize>());
        let cover = wider.into_iter().filter_map(|wider| later.get(wider.as_slice()).copied());
        let same = later.get(pattern.parts.as_slice()).copied();
        if let Some(cover) = same.into_iter().chain(cover).max() {
            found.push((at, cover));
        }
        later.insert(&pattern.parts, at);
    }
    found.reverse();
    found
}

/// Returns patterns that match all that a pattern matches: everything, folders that it begins with or has somewhere.
fn wider(pattern: &Pattern) -> Vec<Vec<Part>> {
    let parts = &pattern.parts;
    let mut wider = vec![vec![Part::One, Part::Many]];
    if parts.len() > MOST_PARTS {
        return wider;
    }
    let prefix = pattern.prefix();
    for (at, part) in parts.iter().enumerate() {
        if part.literal().is_none() {
            continue;
        }
        let below = parts.iter().skip(at + 1).any(|part| *part != Part::Many);
        let front = parts.get(..=at).filter(|_| at < prefix).map(<[Part]>::to_vec);
        for front in front.into_iter().chain([vec![Part::Many, part.clone()]]) {
            if below {
                wider.push([front.clone(), vec![Part::One, Part::Many]].concat());
            }
            wider.push([front, vec![Part::Many]].concat());
        }
    }
    wider
}
