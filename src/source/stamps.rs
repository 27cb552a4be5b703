//! What tells that a file is the one that was read, as the index of git does; kept between runs as bytes.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::sync::Arc;

use jiff::Timestamp;

use crate::digest::Digest;

const MAGIC: &[u8] = b"trueline stamps 1\n";
/// A file that was written so many seconds ago may be written again and look the same: clocks are that coarse.
const GRAIN: i64 = 2;
/// More than any folder of a catalog takes, and nothing that a machine would feel.
pub const MAX_BYTES: usize = 64 << 20;

/// What changes when a file's content does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    modified: (i64, i64),
    changed: (i64, i64),
    size: u64,
    inode: u64,
}

impl Stamp {
    pub(super) fn of(metadata: &Metadata) -> Self {
        Self {
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
            size: metadata.len(),
            inode: metadata.ino(),
        }
    }

    /// Tells whether the file cannot have changed again within the clock's grain before it was read.
    pub(super) fn is_settled(self, read_at: Timestamp) -> bool {
        read_at.as_second() - self.modified.0.max(self.changed.0) >= GRAIN
    }

    fn words(self) -> [u64; 6] {
        let [modified, fine] = [self.modified.0, self.modified.1].map(i64::cast_unsigned);
        let [changed, finer] = [self.changed.0, self.changed.1].map(i64::cast_unsigned);
        [modified, fine, changed, finer, self.size, self.inode]
    }

    fn of_words([modified, fine, changed, finer, size, inode]: [u64; 6]) -> Self {
        Self {
            modified: (modified.cast_signed(), fine.cast_signed()),
            changed: (changed.cast_signed(), finer.cast_signed()),
            size,
            inode,
        }
    }
}

/// Of each file that was read, by its path: its stamp, its digest and its size.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stamps(pub(super) Vec<Record>);

type Record = (Arc<str>, (Stamp, Digest, u64));

impl Stamps {
    /// Reads what was written; nothing is known where a byte of it is another.
    pub fn read(bytes: &[u8]) -> Self {
        Self(records(bytes).unwrap_or_default())
    }

    /// Writes them down.
    pub fn write(&self) -> Vec<u8> {
        let mut records = Vec::new();
        for (path, (stamp, digest, size)) in &self.0 {
            let Ok(length) = u16::try_from(path.len()) else { continue };
            records.extend_from_slice(&length.to_le_bytes());
            records.extend_from_slice(path.as_bytes());
            for word in stamp.words().into_iter().chain([*size]) {
                records.extend_from_slice(&word.to_le_bytes());
            }
            records.extend_from_slice(digest.as_bytes());
        }
        let sum = Digest::of_bytes(&records);
        [MAGIC, sum.as_bytes(), &records].concat()
    }
}

fn records(bytes: &[u8]) -> Option<Vec<Record>> {
    let (sum, mut rest) = bytes.strip_prefix(MAGIC)?.split_first_chunk::<32>()?;
    if *sum != *Digest::of_bytes(rest).as_bytes() {
        return None;
    }
    let mut records = Vec::new();
    while !rest.is_empty() {
        let (length, after) = rest.split_first_chunk::<2>()?;
        let (path, mut after) = after.split_at_checked(u16::from_le_bytes(*length).into())?;
        let mut words = [0; 7];
        for word in &mut words {
            let (read, behind) = after.split_first_chunk::<8>()?;
            (*word, after) = (u64::from_le_bytes(*read), behind);
        }
        let (digest, behind) = after.split_first_chunk::<32>()?;
        let [of_stamp @ .., size] = words;
        let found = (Stamp::of_words(of_stamp), Digest::from(*digest), size);
        records.push((std::str::from_utf8(path).ok()?.into(), found));
        rest = behind;
    }
    Some(records)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stamps() -> Stamps {
        let stamp = Stamp { modified: (5, 1), changed: (-6, 2), size: 7, inode: u64::MAX };
        let of = |text: &str| (Arc::from(text), (stamp, Digest::of_bytes(text.as_bytes()), 7));
        Stamps([of("services/payments/db.yaml"), of("")].into_iter().collect())
    }

    #[test]
    fn what_is_written_is_read() {
        assert_eq!(Stamps::read(&stamps().write()), stamps());
    }

    #[test]
    fn what_is_foreign_cut_off_or_changed_is_nothing() {
        let written = stamps().write();
        for length in 0..written.len() {
            assert_eq!(Stamps::read(written.get(..length).unwrap()), Stamps::default());
        }
        for at in 0..written.len() {
            let mut changed = written.clone();
            changed[at] ^= 1;
            assert_eq!(Stamps::read(&changed), Stamps::default(), "{at}");
        }
    }

    #[test]
    fn a_file_that_was_just_written_may_be_written_again_unseen() {
        let stamp = Stamp { modified: (100, 0), changed: (103, 9), size: 1, inode: 1 };
        let at = |second| Timestamp::from_second(second).unwrap();
        let settled = [99, 104, 105, 200].map(|second| stamp.is_settled(at(second)));
        assert_eq!(settled, [false, false, true, true]);
    }
}
