//! What was made of a text, remembered for whoever asks again: bounded, and the same for all threads. It makes nothing
//! itself.

use std::collections::HashMap;
use std::convert::Infallible;
use std::sync::{Arc, PoisonError, RwLock};

/// What was made of texts.
pub(crate) struct Remembered<T> {
    known: RwLock<Option<HashMap<Box<str>, Arc<T>>>>,
    most: usize,
    longest: usize,
}

impl<T> Remembered<T> {
    /// Remembers so many texts at most, and none that is longer, in bytes.
    pub(crate) const fn new(most: usize, longest: usize) -> Self {
        Self { known: RwLock::new(None), most, longest }
    }

    /// Returns what was made of a text, or makes it.
    pub(crate) fn of(&self, text: &str, make: impl FnOnce() -> T) -> Arc<T> {
        match self.try_of(text, || Ok::<T, Infallible>(make())) {
            Ok(made) => made,
        }
    }

    /// Returns what was made of a text, or tries to make it; what fails is not remembered.
    pub(crate) fn try_of<E>(
        &self,
        text: &str,
        make: impl FnOnce() -> Result<T, E>,
    ) -> Result<Arc<T>, E> {
        if text.len() > self.longest {
            return make().map(Arc::new);
        }
        let known = self.known.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(found) = known.as_ref().and_then(|known| known.get(text)) {
            return Ok(found.clone());
        }
        drop(known);
        let made = Arc::new(make()?);
        let mut known = self.known.write().unwrap_or_else(PoisonError::into_inner);
        let known = known.get_or_insert_default();
        if known.len() >= self.most {
            known.clear();
        }
        known.insert(text.into(), made.clone());
        Ok(made)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_looked_at_once_while_there_is_room() {
        let known = Remembered::new(2, 3);
        let made = |text: &str| {
            let mut fresh = false;
            let found = known.of(text, || {
                fresh = true;
                text.to_uppercase()
            });
            (found.to_string(), fresh)
        };
        assert_eq!(known.try_of("a", || Err("no")), Err("no"));
        assert_eq!(made("a"), ("A".to_owned(), true));
        assert_eq!(made("a"), ("A".to_owned(), false));
        assert_eq!(made("b"), ("B".to_owned(), true));
        assert_eq!(made("c"), ("C".to_owned(), true), "there was no room, and all was let go");
        assert_eq!(made("a"), ("A".to_owned(), true));
        assert_eq!([made("long"), made("long")].map(|it| it.1), [true, true]);
    }
}
