//! Tests of the files that requests make, and of what the rules say of them.
