//! The `manual-task` action.
