//! What earlier runs found to be right, by content: bytes in, bytes out. It touches no file, and knows of nothing wrong.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};

use super::document::{Body, Document, Kind};
use crate::digest::Digest;

/// The most bytes that it is written as.
pub const MAX_BYTES: usize = 48 << 20;
/// The most bytes of documents: what is found in services takes less room and saves as much.
const MAX_DOCUMENTS: usize = MAX_BYTES / 4 * 3;

const MAGIC: &[u8] = b"trueline memory 1\n";
/// After how many writings something goes that nobody asked for.
const MAX_AGE: u8 = 8;
/// How many new things are worth writing it down: fewer are found anew in less time than a person notices.
const WORTH: usize = 200;

/// What is known to be right. Where it is forgotten or refused, everything is looked at again.
#[derive(Debug, Default)]
pub struct Memory {
    program: Option<Digest>,
    bytes: Vec<u8>,
    known: HashMap<Digest, Known>,
    fresh: Mutex<Vec<(Digest, Vec<u8>)>>,
    /// Bytes of what is asked for and of what is new.
    size: AtomicUsize,
}

#[derive(Debug)]
struct Known {
    range: Range<usize>,
    age: u8,
    is_used: AtomicBool,
}

impl Memory {
    /// Reads what a program of the same name wrote; remembers nothing where these bytes are anything else.
    pub fn read(program: &str, bytes: Vec<u8>) -> Self {
        let program = Digest::of_bytes(program.as_bytes());
        let empty = Self { program: Some(program), ..Self::default() };
        let Some(known) = records(program, &bytes) else { return empty };
        Self { bytes, known, ..empty }
    }

    /// Returns what is known under a key.
    pub fn get(&self, key: &Digest) -> Option<&[u8]> {
        let known = self.known.get(key)?;
        if !known.is_used.swap(true, Ordering::Relaxed) {
            self.size.fetch_add(size_of(known.range.len()), Ordering::Relaxed);
        }
        self.bytes.get(known.range.clone())
    }

    /// Remembers that something is right.
    pub fn put(&self, key: Digest, what: Vec<u8>) {
        if self.size.fetch_add(size_of(what.len()), Ordering::Relaxed) > MAX_BYTES {
            return;
        }
        self.fresh.lock().unwrap_or_else(PoisonError::into_inner).push((key, what));
    }

    /// Writes it down where enough is new to be worth it.
    pub fn write(&self) -> Option<Vec<u8>> {
        let fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner).len();
        (fresh >= WORTH).then(|| self.written()).flatten()
    }

    /// Writes it down, without what nobody asks for any more.
    pub fn written(&self) -> Option<Vec<u8>> {
        let fresh = self.fresh.lock().unwrap_or_else(PoisonError::into_inner);
        let mut records = Vec::new();
        for (key, what) in fresh.iter() {
            push(&mut records, (key, 0), what);
        }
        // What was asked for comes before what was not, where there is not room for both.
        let used = |known: &Known| known.is_used.load(Ordering::Relaxed);
        for is_used in [true, false] {
            for (key, known) in self.known.iter().filter(|(_, known)| used(known) == is_used) {
                let age = if is_used { 0 } else { known.age.saturating_add(1) };
                let what = self.bytes.get(known.range.clone()).unwrap_or_default();
                if age <= MAX_AGE {
                    push(&mut records, (key, age), what);
                }
            }
        }
        let program = self.program?;
        let sum = Digest::of_bytes(&records);
        Some([MAGIC, program.as_bytes(), sum.as_bytes(), &records].concat())
    }

    /// Returns a document that is known to be right, without reading it.
    pub(super) fn recall(&self, document: &Document, kind: Kind) -> Option<Body> {
        Body::recalled(kind, self.get(&key_of(document))?)
    }

    /// Tells whether a document is known to be right.
    pub fn knows(&self, document: &Document) -> bool {
        document.body.is_some() && self.get(&key_of(document)).is_some()
    }

    /// Remembers that a document is right in itself.
    pub fn keep(&self, document: &Document) {
        let is_room = self.size.load(Ordering::Relaxed) < MAX_DOCUMENTS;
        let body = document.body.as_ref().filter(|_| is_room);
        if let Some(text) = body.and_then(Body::as_recalled) {
            self.put(key_of(document), text);
        }
    }
}

/// Returns how many bytes a record takes.
fn size_of(what: usize) -> usize {
    32 + 1 + 4 + what
}

/// Names a document by where it stands and what it holds.
fn key_of(document: &Document) -> Digest {
    Digest::of_bytes(format!("document\0{}\0{}", document.path, document.blob).as_bytes())
}

fn push(records: &mut Vec<u8>, (key, age): (&Digest, u8), what: &[u8]) {
    let Ok(length) = u32::try_from(what.len()) else { return };
    if records.len() + size_of(what.len()) <= MAX_BYTES {
        records.extend_from_slice(key.as_bytes());
        records.push(age);
        records.extend_from_slice(&length.to_le_bytes());
        records.extend_from_slice(what);
    }
}

/// Finds the records in what was written; nothing where a byte of it is another.
fn records(program: Digest, bytes: &[u8]) -> Option<HashMap<Digest, Known>> {
    let (by, rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<32>()?;
    let (sum, records) = rest.split_first_chunk::<32>()?;
    if by != program.as_bytes() || *sum != *Digest::of_bytes(records).as_bytes() {
        return None;
    }
    let mut known = HashMap::new();
    let mut rest = records;
    while !rest.is_empty() {
        let (key, after) = rest.split_first_chunk::<32>()?;
        let (age, after) = after.split_first()?;
        let (length, after) = after.split_first_chunk::<4>()?;
        let length = usize::try_from(u32::from_le_bytes(*length)).ok()?;
        let start = bytes.len() - after.len();
        rest = after.get(length..)?;
        let is_used = AtomicBool::new(false);
        known
            .insert(Digest::from(*key), Known { range: start..start + length, age: *age, is_used });
    }
    Some(known)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(text: &str) -> Digest {
        Digest::of_bytes(text.as_bytes())
    }

    fn written() -> Vec<u8> {
        let memory = Memory::read("a", Vec::new());
        memory.put(key("x"), b"one".to_vec());
        memory.put(key("y"), Vec::new());
        assert_eq!(memory.write(), None);
        memory.written().unwrap()
    }

    #[test]
    fn what_is_written_is_known() {
        let memory = Memory::read("a", written());
        assert_eq!(memory.get(&key("x")), Some(b"one".as_slice()));
        assert_eq!(memory.get(&key("y")), Some(b"".as_slice()));
        assert_eq!(memory.get(&key("z")), None);
        assert_eq!(memory.write(), None);
    }

    #[test]
    fn what_is_foreign_cut_off_or_changed_is_nothing() {
        let written = written();
        assert_eq!(Memory::read("b", written.clone()).get(&key("x")), None);
        for length in 0..written.len() {
            let cut = written.get(..length).unwrap().to_vec();
            assert_eq!(Memory::read("a", cut).get(&key("x")), None, "{length}");
        }
        for at in 0..written.len() {
            let mut changed = written.clone();
            changed[at] ^= 1;
            assert_eq!(Memory::read("a", changed).get(&key("x")), None, "{at}");
        }
    }

    #[test]
    fn it_grows_only_so_large() {
        let memory = Memory::read("a", Vec::new());
        for index in 0..60 {
            memory.put(key(&index.to_string()), vec![0; 1 << 20]);
        }
        let written = memory.written().unwrap();
        assert!(written.len() > MAX_BYTES / 2 && written.len() < MAX_BYTES + 1024);
        assert!(Memory::read("a", written).get(&key("0")).is_some());
    }

    #[test]
    fn what_nobody_asks_for_goes() {
        let mut bytes = written();
        for round in 0..10 {
            let memory = Memory::read("a", bytes);
            assert_eq!(memory.known.contains_key(&key("y")), round <= 8, "{round}");
            assert!(memory.get(&key("x")).is_some());
            assert_eq!(memory.write(), None);
            (0..WORTH).for_each(|index| memory.put(key(&format!("{round} {index}")), Vec::new()));
            bytes = memory.write().unwrap();
        }
    }
}
