//! State behind one trait.
