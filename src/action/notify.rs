//! The `notify` action.
