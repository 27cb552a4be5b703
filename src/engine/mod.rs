//! Facts, runs, steps.
