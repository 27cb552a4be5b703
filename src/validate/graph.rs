//! Finds rings in a graph, without recursion, so that no chain is too long for it.

use std::collections::BTreeSet;

/// Nodes that lead back to the first of them; one node alone leads to itself.
pub(super) type Ring = Vec<usize>;

/// Returns rings of a graph, no node in two of them, each beginning at its smallest node; it is given by what follows each
/// node.
pub(super) fn rings(next: &[Vec<usize>]) -> Vec<Ring> {
    let mut done = in_no_ring(next);
    let edges = |node: usize| next.get(node).cloned().unwrap_or_default();
    let mut rings: Vec<Ring> = Vec::new();
    let mut reported: BTreeSet<usize> = BTreeSet::new();
    for start in 0..next.len() {
        // The way from the start, each node with its edges that were not followed yet.
        let mut way: Vec<(usize, Vec<usize>)> = Vec::new();
        let mut on_way: BTreeSet<usize> = BTreeSet::new();
        if done.get(start).copied().unwrap_or(true) {
            continue;
        }
        way.push((start, edges(start)));
        on_way.insert(start);
        while let Some((node, left)) = way.last_mut() {
            let node = *node;
            let Some(next) = left.pop() else {
                if let Some(done) = done.get_mut(node) {
                    *done = true;
                }
                on_way.remove(&node);
                way.pop();
                continue;
            };
            if on_way.contains(&next) {
                let ring: Ring =
                    way.iter().map(|(node, _)| *node).skip_while(|node| *node != next).collect();
                if !ring.iter().any(|node| reported.contains(node)) {
                    reported.extend(ring.iter().copied());
                    rings.push(from_smallest(ring));
                }
            } else if done.get(next) == Some(&false) {
                on_way.insert(next);
                way.push((next, edges(next)));
            }
        }
    }
    rings.sort();
    rings
}

/// Tells of each node whether nothing that is in a ring leads to it: most graphs have none, and are seen through at once.
fn in_no_ring(next: &[Vec<usize>]) -> Vec<bool> {
    let mut leading_to = vec![0_usize; next.len()];
    for to in next.iter().flatten() {
        leading_to.get_mut(*to).into_iter().for_each(|count| *count += 1);
    }
    let free = leading_to.iter().enumerate().filter(|(_, count)| **count == 0);
    let mut free: Vec<usize> = free.map(|(node, _)| node).collect();
    let mut none = vec![false; next.len()];
    while let Some(node) = free.pop() {
        none.get_mut(node).into_iter().for_each(|none| *none = true);
        for to in next.get(node).into_iter().flatten() {
            let Some(count) = leading_to.get_mut(*to) else { continue };
            *count -= 1;
            if *count == 0 {
                free.push(*to);
            }
        }
    }
    none
}

fn from_smallest(mut ring: Ring) -> Ring {
    let smallest = ring.iter().enumerate().min_by_key(|(_, node)| **node).map_or(0, |(at, _)| at);
    ring.rotate_left(smallest);
    ring
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(edges: &[&[usize]], expected: &[&[usize]]) {
        let edges: Vec<Vec<usize>> = edges.iter().map(|next| next.to_vec()).collect();
        let found = rings(&edges);
        assert_eq!(found, expected);
    }

    #[test]
    fn rings_are_found_once() {
        check(&[&[1], &[2], &[]], &[]);
        check(&[&[1, 2], &[3], &[3], &[]], &[]);
        check(&[&[0]], &[&[0]]);
        check(&[&[1], &[2], &[0]], &[&[0, 1, 2]]);
        check(&[&[2], &[], &[0, 1], &[4], &[3]], &[&[0, 2], &[3, 4]]);
        check(&[&[1], &[2], &[1]], &[&[1, 2]]);
        check(&[&[1], &[2], &[1, 3], &[4], &[]], &[&[1, 2]]);
        check(&[&[1, 1], &[2, 2], &[9]], &[]);
    }

    #[test]
    fn a_long_chain_is_no_burden() {
        let count = 200_000;
        let chain: Vec<Vec<usize>> = (0..count).map(|node| vec![(node + 1) % count]).collect();
        assert_eq!(rings(&chain).len(), 1);
        assert_eq!(rings(&chain[..count - 1]).len(), 0);
    }
}
