//! Forges: pull requests and proposals.
