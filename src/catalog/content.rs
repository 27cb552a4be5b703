//! The bytes of a file: held, or lent by whoever can read them again. It reads nothing itself.

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use crate::digest::Digest;

/// Reads the content of files again.
pub trait Lender: fmt::Debug + Send + Sync {
    /// Returns the bytes of a file as they are now; nothing where it can't be read.
    fn read(&self, path: &str) -> Option<Vec<u8>>;
}

/// The bytes of a file.
///
/// Most documents are right, and nobody looks at the bytes of a right one again: those of a catalog of a hundred thousand
/// need not be held all at once, nor be read where they are known to be what they were.
#[derive(Clone, Debug)]
pub enum Content {
    /// They are here.
    Held(Arc<[u8]>),
    /// They can be had.
    Lent(Arc<Lent>),
}

/// Bytes that can be had.
#[derive(Debug)]
pub struct Lent {
    path: Arc<str>,
    digest: Digest,
    size: u64,
    held: Mutex<Option<Arc<[u8]>>>,
    from: Arc<dyn Lender>,
}

impl Content {
    /// Makes content of a file that can be read again; `bytes` where they are at hand just now.
    pub fn lent(
        from: Arc<dyn Lender>,
        path: Arc<str>,
        (digest, size): (Digest, u64),
        bytes: Option<Vec<u8>>,
    ) -> Self {
        let held = Mutex::new(bytes.map(Into::into));
        Self::Lent(Arc::new(Lent { path, digest, size, held, from }))
    }

    /// Returns the bytes, and holds them from now on; none where the file has another content by now.
    pub fn get(&self) -> Arc<[u8]> {
        match self {
            Content::Held(bytes) => bytes.clone(),
            Content::Lent(lent) => lent.get(),
        }
    }

    /// Returns the bytes where they are held already.
    pub fn at_hand(&self) -> Option<Arc<[u8]>> {
        match self {
            Content::Held(bytes) => Some(bytes.clone()),
            Content::Lent(lent) => lent.held.lock().unwrap_or_else(PoisonError::into_inner).clone(),
        }
    }

    /// Returns how many bytes there are.
    pub fn size(&self) -> u64 {
        match self {
            Content::Held(bytes) => bytes.len() as u64,
            Content::Lent(lent) => lent.size,
        }
    }

    /// Lets go of bytes that can be had again.
    pub fn release(&self) {
        if let Content::Lent(lent) = self {
            *lent.held.lock().unwrap_or_else(PoisonError::into_inner) = None;
        }
    }
}

impl Lent {
    fn get(&self) -> Arc<[u8]> {
        let mut held = self.held.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(bytes) = &*held {
            return bytes.clone();
        }
        let read = self.from.read(&self.path);
        let same = read.filter(|bytes| Digest::of_bytes(bytes) == self.digest);
        held.insert(same.unwrap_or_default().into()).clone()
    }
}

impl<B: Into<Arc<[u8]>>> From<B> for Content {
    fn from(bytes: B) -> Self {
        Self::Held(bytes.into())
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Content::Lent(one), Content::Lent(other)) => one.digest == other.digest,
            _ => self.get() == other.get(),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[derive(Debug)]
    struct Shelf(&'static str, AtomicUsize);

    impl Lender for Shelf {
        fn read(&self, path: &str) -> Option<Vec<u8>> {
            self.1.fetch_add(1, Ordering::Relaxed);
            (path == "a").then(|| self.0.as_bytes().to_vec())
        }
    }

    fn content(path: &str, on_shelf: &'static str, held: Option<&str>) -> (Content, Arc<Shelf>) {
        let shelf = Arc::new(Shelf(on_shelf, AtomicUsize::new(0)));
        let of = (Digest::of_bytes(b"text"), 4);
        (Content::lent(shelf.clone(), path.into(), of, held.map(Into::into)), shelf)
    }

    #[test]
    fn it_is_read_when_it_is_asked_for_and_held_until_it_is_released() {
        let (content, shelf) = content("a", "text", None);
        assert_eq!((content.size(), shelf.1.load(Ordering::Relaxed)), (4, 0));
        assert_eq!((&*content.get(), &*content.get()), (&b"text"[..], &b"text"[..]));
        assert_eq!(shelf.1.load(Ordering::Relaxed), 1);
        content.release();
        assert_eq!(&*content.get(), b"text");
        assert_eq!(shelf.1.load(Ordering::Relaxed), 2);
    }

    #[test]
    fn what_is_at_hand_is_not_read() {
        let (content, shelf) = content("a", "text", Some("text"));
        assert_eq!(&*content.get(), b"text");
        assert_eq!(shelf.1.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn another_content_and_a_file_that_is_gone_are_nothing() {
        for (path, on_shelf) in [("a", "another"), ("b", "text")] {
            let (content, _) = content(path, on_shelf, None);
            assert_eq!((&*content.get(), content.size()), (&b""[..], 4), "{path}");
        }
    }

    #[test]
    fn it_equals_the_same_bytes_wherever_they_are() {
        let (lent, _) = content("a", "text", None);
        assert_eq!(lent, Content::from(b"text".as_slice()));
        assert_ne!(lent, Content::from(b"other".as_slice()));
        assert_eq!(lent, content("b", "", None).0);
    }
}
