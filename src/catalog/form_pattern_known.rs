//! What is known of patterns: the forms of a catalog have the same few, and each is compiled once. It names no field.

use std::sync::Arc;

use jsonschema::Validator;
use serde_json::{Value, json};

use super::form_pattern::{lengths, problem_of};
use super::schema::{Problem, compile};
use crate::remembered::Remembered;

/// How many patterns are remembered; a compiled one may take a megabyte.
const MOST: usize = 64;
/// The longest pattern that is remembered, in bytes.
const LONGEST: usize = 256;

/// What is known of a pattern.
pub(super) struct Pattern {
    validator: Option<Validator>,
    /// What is wrong with it.
    pub(super) problem: Option<Problem>,
    /// How many characters every text that matches has at least, and at most where that has an end.
    pub(super) lengths: Option<(u64, Option<u64>)>,
}

impl Pattern {
    /// Returns what is known of a pattern.
    pub(super) fn of(pattern: &str) -> Arc<Self> {
        static KNOWN: Remembered<Pattern> = Remembered::new(MOST, LONGEST);
        KNOWN.of(pattern, || Self::compiled(pattern))
    }

    fn compiled(pattern: &str) -> Self {
        let validator = compile(&json!({"pattern": pattern}));
        let problem = problem_of(pattern, validator.is_some());
        Self { validator, problem, lengths: lengths(pattern) }
    }

    /// Tells whether a text surely matches.
    pub(super) fn takes(&self, text: &Value) -> bool {
        self.validator.as_ref().is_some_and(|validator| validator.is_valid(text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_known_the_second_time_and_after_many_others() {
        let takes = |pattern: &str, text: &str| Pattern::of(pattern).takes(&json!(text));
        for _ in 0..2 {
            assert!(takes("^known-[a-z]+$", "known-abc"));
            assert!(!takes("^known-[a-z]+$", "known-1"));
            assert!(!takes("(?=a)", "a"), "what cannot be compiled takes nothing for certain");
            for other in 0..2 * MOST {
                assert!(takes(&format!("^{other}$"), &other.to_string()));
            }
        }
        let (one, two) = (Pattern::of("^twice$"), Pattern::of("^twice$"));
        assert_eq!((one.lengths, &one.problem), (Some((5, Some(5))), &two.problem));
    }
}
