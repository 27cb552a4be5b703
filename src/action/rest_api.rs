//! The `rest-api` action.
