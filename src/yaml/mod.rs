//! YAML as the JSON-compatible core of YAML 1.2, with a place for every node.

mod build;
pub mod edit;
mod extent;
mod key;
mod mend;
mod parse;
mod position;
mod prepass;
mod put;
mod quick;
mod quick_flow;
mod scalar;
mod set;
mod source;
mod syntax;
mod tree;

#[cfg(test)]
mod hostile;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod tests;

pub use parse::{MAX_BYTES, MAX_DEPTH, parse};
pub use position::position_in;
pub use put::put;
pub use quick::quick;
pub use set::{block, set};
pub use tree::{Entry, Node, Scalar, Span, Style};
