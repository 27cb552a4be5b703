//! The `git-commit` action.
