//! Verifies the whole audit chain of a store, piece by piece, beside whoever writes to it.

use super::chain::{BreakKind, ChainBreak, ChainWalk};
use super::error::StoreError;
use super::store::Store;

/// How many entries are read at once.
const PIECE: u32 = 2_000;

/// Walks the whole audit chain; returns how far it goes, and the first entry that does not fit, where there is one.
///
/// Every decision has its entry: where the last decision has none, the end of the chain was cut off.
pub async fn verify_audit(
    store: &dyn Store,
) -> Result<(ChainWalk, Option<ChainBreak>), StoreError> {
    // Read first: whatever is decided from now on may not be seen by the walk.
    let decisions = store.last_decision().await?;
    let mut walk = ChainWalk::default();
    let mut piece = PIECE;
    loop {
        let after = walk.next() - 1;
        let entries = match store.audit_after(after, piece).await {
            Ok(entries) => entries,
            Err(StoreError::Unreadable { .. }) if piece > 1 => {
                piece = 1;
                continue;
            }
            Err(StoreError::Unreadable { .. }) => {
                let seq = walk.next();
                return Ok((walk, Some(ChainBreak { seq, kind: BreakKind::Unreadable })));
            }
            Err(error) => return Err(error),
        };
        if entries.is_empty() {
            break;
        }
        for entry in &entries {
            if walk.head().is_none() && entry.seq > 1 {
                let kind = BreakKind::Gap { missing: 1 };
                return Ok((walk, Some(ChainBreak { seq: entry.seq, kind })));
            }
            if let Err(broken) = walk.take(entry) {
                return Ok((walk, Some(broken)));
            }
        }
    }
    let is_cut = walk.decision() < decisions;
    let seq = walk.next();
    Ok((walk, is_cut.then_some(ChainBreak { seq, kind: BreakKind::Cut })))
}
