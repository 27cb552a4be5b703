//! The parts of a parsed template. They only hold; nothing is looked up or rendered here.

use serde_json::Value;

use super::helpers::Helper;

/// One part of a template, in its order.
#[derive(Debug)]
pub(super) enum Node {
    /// Text that stands for itself.
    Text(String),
    /// `{{expression}}`.
    Value(Expression),
    /// `{{#block}}…{{else}}…{{/block}}`.
    Block(Block),
}

/// A block with both its bodies.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) kind: BlockKind,
    pub(super) argument: Expression,
    pub(super) body: Vec<Node>,
    pub(super) inverse: Vec<Node>,
}

/// The blocks that there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum BlockKind {
    If,
    Unless,
    Each,
    With,
}

impl BlockKind {
    pub(super) const NAMES: [&'static str; 4] = ["if", "unless", "each", "with"];

    pub(super) fn of(name: &str) -> Option<Self> {
        Some(match name {
            "if" => Self::If,
            "unless" => Self::Unless,
            "each" => Self::Each,
            "with" => Self::With,
            _ => return None,
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::If => "if",
            Self::Unless => "unless",
            Self::Each => "each",
            Self::With => "with",
        }
    }

    /// Tells whether paths in its body start at its value.
    pub(super) fn shifts(self) -> bool {
        matches!(self, Self::Each | Self::With)
    }
}

/// What gives a value.
#[derive(Debug)]
pub(super) enum Expression {
    Literal(Value),
    Path(Path),
    Call(Call),
}

/// A path, its start already known.
#[derive(Debug)]
pub(super) struct Path {
    pub(super) base: Base,
    pub(super) segments: Vec<String>,
    /// As the author wrote it, for messages and markers.
    pub(super) written: String,
}

/// Where a path starts; frames are the enclosing `each` and `with`, the outermost first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Base {
    Scope,
    Frame(usize),
    Index(usize),
    Key(usize),
    First(usize),
    Last(usize),
}

/// A call of a helper.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) helper: &'static Helper,
    pub(super) arguments: Vec<Expression>,
    /// Where it stands in the text, in bytes.
    pub(super) offset: usize,
}
