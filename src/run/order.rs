//! What comes before what in a run; never what becomes of a step.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::id::{StepPath, UnitKey};
use crate::reconcile::{Change, PlannedStep, is_hook};

/// Which steps have everything before them behind them, at a cost that is linear over a whole run.
///
/// Order passes through steps that were done or left out from the start: with `a`, `b`, `c` in a row and
/// `b` kept, `c` still comes after `a`. What comes after itself, or after a step that is not there, never opens.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Order {
    graph: Arc<Graph>,
    /// How many of those right before each node have not passed.
    missing: Vec<usize>,
}

/// Steps, and two gates for each unit: one before all of its steps, one after.
#[derive(Debug, Default, PartialEq)]
struct Graph {
    index: BTreeMap<StepPath, usize>,
    nodes: Vec<Node>,
}

#[derive(Debug, Default, PartialEq)]
struct Node {
    /// Nothing where it is a gate.
    step: Option<StepPath>,
    after: Vec<usize>,
}

impl Order {
    /// Reads the order out of a change; `lets_on` tells which steps are done or left out from the start.
    pub(super) fn of(change: &Change, lets_on: impl Fn(&StepPath) -> bool) -> Self {
        let mut graph = Graph::default();
        let gates = graph.gates(change);
        graph.steps(change);
        let mut missing = vec![0; graph.nodes.len()];
        let mut by_key: BTreeMap<&UnitKey, Vec<(usize, usize)>> = BTreeMap::new();
        for (unit, gates) in change.units.iter().zip(&gates) {
            by_key.entry(&unit.unit).or_default().push(*gates);
        }
        for (unit, &(start, end)) in change.units.iter().zip(&gates) {
            graph.link(start, end, &mut missing);
            for key in &unit.depends_on {
                for &(other, passed) in by_key.get(key).into_iter().flatten() {
                    if other != start {
                        graph.link(passed, start, &mut missing);
                    }
                }
            }
            for step in unit.steps.iter().filter(|step| !is_hook(&step.path)) {
                let Some(&node) = graph.index.get(&step.path) else { continue };
                graph.link(start, node, &mut missing);
                graph.link(node, end, &mut missing);
                for before in &step.depends_on {
                    match graph.index.get(before) {
                        Some(&before) => graph.link(before, node, &mut missing),
                        None => bump(&mut missing, node),
                    }
                }
            }
        }
        Self::begun(graph, missing, lets_on)
    }

    /// Reads the order of some steps that stand for themselves; all others are not part of it.
    pub(super) fn of_steps<'a>(
        steps: impl Iterator<Item = &'a PlannedStep> + Clone,
        lets_on: impl Fn(&StepPath) -> bool,
    ) -> Self {
        let mut graph = Graph::default();
        for step in steps.clone() {
            let node = graph.add(Some(step.path.clone()));
            graph.index.insert(step.path.clone(), node);
        }
        let mut missing = vec![0; graph.nodes.len()];
        for step in steps {
            let Some(&node) = graph.index.get(&step.path) else { continue };
            for before in &step.depends_on {
                if let Some(&before) = graph.index.get(before) {
                    graph.link(before, node, &mut missing);
                }
            }
        }
        Self::begun(graph, missing, lets_on)
    }

    fn begun(graph: Graph, missing: Vec<usize>, lets_on: impl Fn(&StepPath) -> bool) -> Self {
        let first = (0..missing.len()).filter(|node| missing.get(*node) == Some(&0)).collect();
        let mut order = Self { graph: Arc::new(graph), missing };
        order.walk(first, lets_on);
        order
    }

    /// Tells whether a step is part of it.
    pub(super) fn has(&self, path: &StepPath) -> bool {
        self.graph.index.contains_key(path)
    }

    /// Tells whether all that comes before a step is done.
    pub(super) fn is_open(&self, path: &StepPath) -> bool {
        self.graph.index.get(path).is_some_and(|node| self.missing.get(*node) == Some(&0))
    }

    /// Takes in that a step now lets on what comes after it; to be said once for each step.
    pub(super) fn pass(&mut self, path: &StepPath, lets_on: impl Fn(&StepPath) -> bool) {
        let Some(&node) = self.graph.index.get(path) else { return };
        if self.is_open(path) {
            self.walk(vec![node], lets_on);
        }
    }

    fn walk(&mut self, mut open: Vec<usize>, lets_on: impl Fn(&StepPath) -> bool) {
        while let Some(node) = open.pop().and_then(|node| self.graph.nodes.get(node)) {
            if node.step.as_ref().is_some_and(|path| !lets_on(path)) {
                continue;
            }
            for after in &node.after {
                let Some(missing) = self.missing.get_mut(*after) else { continue };
                *missing = missing.saturating_sub(1);
                if *missing == 0 {
                    open.push(*after);
                }
            }
        }
    }
}

impl Graph {
    /// Adds the gates of all units: before the steps, after them.
    fn gates(&mut self, change: &Change) -> Vec<(usize, usize)> {
        change.units.iter().map(|_| (self.add(None), self.add(None))).collect()
    }

    fn steps(&mut self, change: &Change) {
        let steps = change.units.iter().flat_map(|unit| &unit.steps);
        // Hooks that follow a failure have an order of their own, and are part of no other.
        for step in steps.filter(|step| !is_hook(&step.path)) {
            if !self.index.contains_key(&step.path) {
                let node = self.add(Some(step.path.clone()));
                self.index.insert(step.path.clone(), node);
            }
        }
    }

    fn add(&mut self, step: Option<StepPath>) -> usize {
        self.nodes.push(Node { step, after: Vec::new() });
        self.nodes.len() - 1
    }

    fn link(&mut self, before: usize, after: usize, missing: &mut [usize]) {
        if let Some(node) = self.nodes.get_mut(before) {
            node.after.push(after);
            bump(missing, after);
        }
    }
}

fn bump(missing: &mut [usize], node: usize) {
    if let Some(count) = missing.get_mut(node) {
        *count += 1;
    }
}
