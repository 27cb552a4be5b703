//! Answers by their `ETag`, so that what did not change costs nothing of a limit. It is bounded, and never answers by
//! itself: GitHub is asked every time.

use std::collections::BTreeMap;

/// The most answers that are kept.
const MOST: usize = 512;

/// The most bytes that are kept in all, and of one answer.
const MOST_BYTES: usize = 16 << 20;
const MOST_BYTES_OF_ONE: usize = 256 << 10;

/// One answer.
#[derive(Clone, Debug)]
pub(super) struct Kept {
    pub(super) etag: String,
    /// Of the header, for the pages that follow.
    pub(super) link: Option<String>,
    pub(super) body: Vec<u8>,
}

/// Answers by who asked, and what.
#[derive(Debug, Default)]
pub(super) struct Cache {
    kept: BTreeMap<(String, String), (u64, Kept)>,
    bytes: usize,
    turn: u64,
}

impl Cache {
    /// Returns the answer that was given to the same one before.
    pub(super) fn find(&mut self, who: &str, url: &str) -> Option<Kept> {
        self.turn += 1;
        let (used, kept) = self.kept.get_mut(&(who.to_owned(), url.to_owned()))?;
        *used = self.turn;
        Some(kept.clone())
    }

    /// Keeps an answer, in the place of those that were not used for longest.
    pub(super) fn keep(&mut self, who: &str, url: &str, answer: Kept) {
        let key = (who.to_owned(), url.to_owned());
        self.forget(&key);
        if answer.body.len() > MOST_BYTES_OF_ONE {
            return;
        }
        while self.kept.len() >= MOST || self.bytes + answer.body.len() > MOST_BYTES {
            let oldest = self.kept.iter().min_by_key(|(_, (used, _))| *used);
            let Some(oldest) = oldest.map(|(key, _)| key.clone()) else { break };
            self.forget(&oldest);
        }
        self.turn += 1;
        self.bytes += answer.body.len();
        self.kept.insert(key, (self.turn, answer));
    }

    fn forget(&mut self, key: &(String, String)) {
        if let Some((_, old)) = self.kept.remove(key) {
            self.bytes -= old.body.len();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(size: usize) -> Kept {
        Kept { etag: "\"1\"".into(), link: None, body: vec![b'x'; size] }
    }

    #[test]
    fn what_was_not_used_goes_first_and_nobody_sees_anothers() {
        let mut cache = Cache::default();
        for number in 0..MOST {
            cache.keep("a", &number.to_string(), answer(1));
        }
        assert!(cache.find("a", "0").is_some() && cache.find("b", "0").is_none());
        cache.keep("a", "new", answer(1));
        assert!(cache.find("a", "0").is_some() && cache.find("a", "1").is_none());
        assert_eq!(cache.bytes, MOST);
    }

    #[test]
    fn large_answers_do_not_fill_it() {
        let mut cache = Cache::default();
        cache.keep("a", "huge", answer(MOST_BYTES_OF_ONE + 1));
        assert!(cache.find("a", "huge").is_none());
        for number in 0..200 {
            cache.keep("a", &number.to_string(), answer(MOST_BYTES_OF_ONE));
        }
        assert!(cache.bytes <= MOST_BYTES);
        cache.keep("a", "199", answer(1));
        assert_eq!(cache.find("a", "199").unwrap().body.len(), 1);
    }
}
