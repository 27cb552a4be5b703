//! The helpers beside the blocks: one row each. A helper gives a value from values and nothing else.

use serde_json::Value;

use super::{text_helpers as text, value_helpers as value};

/// Names of all helpers that a template may call, built-in ones included.
pub const HELPERS: &[&str] = &[
    "if",
    "unless",
    "each",
    "with",
    "lookup",
    "eq",
    "ne",
    "gt",
    "gte",
    "lt",
    "lte",
    "and",
    "or",
    "not",
    "upper",
    "lower",
    "trim",
    "replace",
    "concat",
    "join",
    "default",
    "json",
    "base64",
    "sha256",
    "slug",
    "date",
    "uuid",
    "timestamp",
];

/// One helper.
#[derive(Debug)]
pub(super) struct Helper {
    pub(super) name: &'static str,
    /// How a person writes it.
    pub(super) usage: &'static str,
    /// Fewest arguments.
    pub(super) least: usize,
    /// Most arguments.
    pub(super) most: usize,
    pub(super) body: Body,
}

/// A function of values; its error says what is wrong with them.
pub(super) type Function = fn(&[&Value]) -> Result<Value, String>;

/// How a helper works.
#[derive(Clone, Copy, Debug)]
pub(super) enum Body {
    /// By a function; over a marker it gives a marker.
    Pure(Function),
    /// By a function that leaves markers where they stand.
    Keeps(Function),
    /// The first argument, or the second where that has no value.
    Default,
    /// One member of a list or map.
    Lookup,
    /// Whether all arguments hold something.
    And,
    /// Whether any argument holds something.
    Or,
    /// The day of the run.
    Date,
    /// The moment of the run.
    Timestamp,
    /// A name made from the run's.
    Uuid,
}

impl Helper {
    /// Tells whether its first argument may be unknown.
    pub(super) fn forgives(&self) -> bool {
        matches!(self.body, Body::Default | Body::Lookup)
    }

    /// Says how many arguments it takes.
    pub(super) fn takes(&self) -> String {
        let many = |count: usize| format!("{count} argument{}", if count == 1 { "" } else { "s" });
        match (self.least, self.most) {
            (least, most) if least == most => many(least),
            (0, most) => format!("at most {}", many(most)),
            (least, ANY) => format!("at least {}", many(least)),
            (least, most) => format!("{least} to {}", many(most)),
        }
    }
}

const ANY: usize = usize::MAX;

/// All helpers, without the blocks.
pub(super) fn all() -> &'static [Helper] {
    &TABLE
}

/// Finds a helper by its name; blocks are none.
pub(super) fn find(name: &str) -> Option<&'static Helper> {
    TABLE.iter().find(|helper| helper.name == name)
}

const fn row(
    usage: &'static str,
    least: usize,
    most: usize,
    body: Body,
    name: &'static str,
) -> Helper {
    Helper { name, usage, least, most, body }
}

static TABLE: [Helper; 24] = [
    row("lookup map key", 2, 2, Body::Lookup, "lookup"),
    row("eq a b", 2, 2, Body::Pure(value::eq), "eq"),
    row("ne a b", 2, 2, Body::Pure(value::ne), "ne"),
    row("gt a b", 2, 2, Body::Pure(value::gt), "gt"),
    row("gte a b", 2, 2, Body::Pure(value::gte), "gte"),
    row("lt a b", 2, 2, Body::Pure(value::lt), "lt"),
    row("lte a b", 2, 2, Body::Pure(value::lte), "lte"),
    row("and a b", 1, ANY, Body::And, "and"),
    row("or a b", 1, ANY, Body::Or, "or"),
    row("not a", 1, 1, Body::Pure(value::not), "not"),
    row("upper x", 1, 1, Body::Pure(text::upper), "upper"),
    row("lower x", 1, 1, Body::Pure(text::lower), "lower"),
    row("trim x", 1, 1, Body::Pure(text::trim), "trim"),
    row("replace x \"from\" \"to\"", 3, 3, Body::Pure(text::replace), "replace"),
    row("concat a b", 1, ANY, Body::Keeps(text::concat), "concat"),
    row("join list \", \"", 1, 2, Body::Keeps(text::join), "join"),
    row("default x \"otherwise\"", 2, 2, Body::Default, "default"),
    row("json x", 1, 1, Body::Keeps(value::json), "json"),
    row("base64 x", 1, 1, Body::Pure(text::base64), "base64"),
    row("sha256 x", 1, 1, Body::Pure(text::sha256), "sha256"),
    row("slug x", 1, 1, Body::Pure(text::slug), "slug"),
    row("date \"%Y-%m-%d\"", 0, 1, Body::Date, "date"),
    row("uuid \"name\"", 0, 1, Body::Uuid, "uuid"),
    row("timestamp \"%H:%M\"", 0, 1, Body::Timestamp, "timestamp"),
];

#[cfg(test)]
mod tests {
    use super::super::parse::BLOCKS;
    use super::*;

    #[test]
    fn the_names_are_those_of_the_table_and_the_blocks() {
        let mut known: Vec<&str> = TABLE.iter().map(|helper| helper.name).collect();
        known.extend(BLOCKS);
        known.sort_unstable();
        let mut named = HELPERS.to_vec();
        named.sort_unstable();
        assert_eq!(named, known);
        assert!(TABLE.iter().all(|helper| helper.usage.starts_with(helper.name)));
    }
}
