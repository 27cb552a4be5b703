//! Desired against actual: the diff, the guard, the plan.
