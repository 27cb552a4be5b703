//! YAML as the JSON-compatible core of YAML 1.2, with a place for every node.

mod parse;
mod tree;

pub use parse::{MAX_BYTES, MAX_DEPTH, parse};
pub use tree::{Entry, Node, Scalar, Span, Style};
