//! Trueline keeps a platform true to its catalog: git says what is wanted, Trueline makes it so.
//!
//! The modules below stand in the order in which data flows through them, and a module imports only
//! from those above it. Everything down to [`run`] is pure: values in, values out, no clock, no file,
//! no network. `ARCHITECTURE.md` is the map; `tests/architecture.rs` proves it.

// Words: the leaves that every room shares.
pub(crate) mod causes;
pub mod clock;
pub mod digest;
pub mod finding;
pub mod id;
pub(crate) mod remembered;
pub mod secret;

/// Performs, observes and undoes each action type.
pub mod action;
/// Reads the documents of a commit and indexes them as one catalog.
pub mod catalog;
/// Holds the command line, one file a command.
pub mod cli;
/// Runs the loop: pokes, ticks, sweeps.
pub mod daemon;
/// Gathers facts, starts runs and drives their steps to an outcome.
pub mod engine;
/// Speaks to forges: pull requests, or proposals in a plain repository.
pub mod forge;
/// Describes each action type: its configuration, its slots, what it can do.
pub mod kinds;
/// Reaches the network: the one HTTP client, and which addresses it may reach.
pub mod net;
/// Knows who owns a path by CODEOWNERS, and who must approve a change.
pub mod owners;
/// Compares desired with actual state and makes the plan.
pub mod reconcile;
/// Knows what a run is: steps, events and the next state.
pub mod run;
/// Answers over HTTP: health, and what others post.
pub mod serve;
/// Reads catalogs from git and directories, and writes branches.
pub mod source;
/// Keeps state: units, plans, approvals, the journal of runs, the audit chain.
pub mod store;
/// Renders templates with known scopes, strict paths and escaping by target.
pub mod template;
/// Checks a catalog by rules and reports what they find.
pub mod validate;
/// Turns bytes into a tree that knows the place of every node.
pub mod yaml;
