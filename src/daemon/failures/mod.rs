//! Every action through the real engine against a counterpart that fails at every external effect. The ledger of the
//! counterpart is the judge; nothing here knows how an action works.
//!
//! To add an action: a file in `subjects/`, and its line in the registry there.

mod failure;
mod programs;
mod rows;
mod story;
mod subject;
mod subjects;
mod table;
mod wire;
