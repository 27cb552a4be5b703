//! A typed body that is here, or is read when somebody first looks at it. It reads nothing itself.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, LazyLock};

type Read<T> = Box<dyn FnOnce() -> T + Send + Sync>;

/// The typed body of a document, shared by all who hold it.
///
/// Of ten thousand services that are as they were, a rule looks at the few that a change touches: the others are not read.
#[derive(Debug)]
pub struct Held<T>(Arc<Inner<T>>);

enum Inner<T> {
    Here(T),
    Later(LazyLock<T, Read<T>>),
}

impl<T> Held<T> {
    /// Holds what is read when it is looked at.
    pub fn later(read: impl FnOnce() -> T + Send + Sync + 'static) -> Self {
        Self(Arc::new(Inner::Later(LazyLock::new(Box::new(read)))))
    }
}

impl<T> From<T> for Held<T> {
    fn from(body: T) -> Self {
        Self(Arc::new(Inner::Here(body)))
    }
}

impl<T> Clone for Held<T> {
    fn clone(&self) -> Self {
        Self(self.0.clone())
    }
}

impl<T> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &*self.0 {
            Inner::Here(body) => body,
            Inner::Later(body) => body,
        }
    }
}

impl<T: fmt::Debug> fmt::Debug for Inner<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Inner::Here(body) => body.fmt(f),
            Inner::Later(body) => body.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn it_is_read_once_and_only_when_it_is_looked_at() {
        let read = Arc::new(AtomicUsize::new(0));
        let counted = read.clone();
        let held = Held::later(move || counted.fetch_add(1, Ordering::Relaxed) + 7);
        let other = held.clone();
        assert_eq!(read.load(Ordering::Relaxed), 0);
        assert_eq!((*held, *other, read.load(Ordering::Relaxed)), (7, 7, 1));
        assert_eq!(*Held::from(3), 3);
    }
}
