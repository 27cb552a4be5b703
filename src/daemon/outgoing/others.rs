//! Looks how the proposals of the catalog's repository stand that no run filed: what people opened, and what they asked for.
//! Open ones are found by looking; those that are not open any more are asked for once.

use std::collections::BTreeSet;

use super::board::{Line, Standing};
use super::gather::{Filed, Known, MOST_SETTLED, asked_for, ended, line, settled};
use crate::causes::chain;
use crate::engine::filing::Place;
use crate::forge::{Forge, Proposal};
use crate::store::Store;

/// Looks at them.
pub(super) async fn others(
    (place, forge): (&Place, &dyn Forge),
    (open, filed): (&[Proposal], &Filed),
    store: &dyn Store,
    known: &mut Known,
) -> Result<Vec<Line>, String> {
    let people = open.iter().filter(|it| !it.is_ours());
    let mut lines: Vec<Line> = people.map(|it| line(place, (Standing::Open, it), None)).collect();
    if place.is_here() {
        // On this machine all of them can be listed, at no cost to anybody.
        let all = forge.list(None).await.map_err(|error| chain(&error))?;
        known.watched.extend(all.iter().map(|it| it.number));
    }
    known.watched.extend(open.iter().map(|it| it.number));
    known.watched.retain(|number| !filed.contains_key(number));
    let is_open = |number: &u64| open.iter().any(|it| it.number == *number);
    let over: Vec<u64> = known.watched.iter().copied().filter(|it| !is_open(it)).collect();
    let newest: Vec<u64> = over.iter().rev().take(MOST_SETTLED).copied().collect();
    let kept: BTreeSet<u64> = newest.iter().copied().collect();
    known.watched.retain(|number| is_open(number) || kept.contains(number));
    for number in newest {
        let proposal = settled((place, forge), number, known).await?;
        lines.push(asked_for(store, &proposal, ended(place, &proposal, None)).await?);
    }
    Ok(lines)
}
