//! What is wrong with the pattern of a field: it must run in linear time, and say what a whole text looks like.

use regex_syntax::ast;
use regex_syntax::hir::{Hir, HirKind, Look};
use serde_json::Value;

use super::form::Field;
use super::form_pattern_known::Pattern;
use super::schema::Problem;
use crate::kinds::words::cut;

const AT: &str = "/validation/pattern";

/// Returns what is wrong with the pattern of a field.
pub(super) fn pattern_problems(field: &Field) -> Vec<Problem> {
    let pattern = field.limit("pattern").and_then(Value::as_str);
    pattern.and_then(|pattern| Pattern::of(pattern).problem.clone()).into_iter().collect()
}

/// Returns what is wrong with a pattern that can be compiled, or not.
pub(super) fn problem_of(pattern: &str, is_compiled: bool) -> Option<Problem> {
    if is_compiled { open(pattern) } else { Some(broken(pattern)) }
}

/// What other engines have, and this one cannot do in linear time: how it begins, its name, what to do instead.
const FOREIGN: [(&str, &str, &str); 12] = [
    ("(?=", "a look-ahead", INSTEAD_OF_LOOKING),
    ("(?!", "a negative look-ahead", INSTEAD_OF_LOOKING),
    ("(?<=", "a look-behind", INSTEAD_OF_LOOKING),
    ("(?<!", "a negative look-behind", INSTEAD_OF_LOOKING),
    ("(?>", "an atomic group", "write `(?:`: nothing goes back here in any case"),
    ("(?P=", "a back-reference", INSTEAD_OF_REPEATING),
    ("\\k", "a back-reference", INSTEAD_OF_REPEATING),
    ("\\g", "a back-reference", INSTEAD_OF_REPEATING),
    ("(?(", "a conditional group", "write both ways with `|` between them"),
    ("(?R", "a recursion", INSTEAD_OF_REPEATING),
    ("(?&", "a recursion", INSTEAD_OF_REPEATING),
    ("(?|", "a branch reset", "write `(?:`: groups are not numbered here"),
];
const INSTEAD_OF_LOOKING: &str =
    "say what is allowed instead, or check it with `minLength` and `maxLength`";
const INSTEAD_OF_REPEATING: &str = "write out what may stand there";

/// Says why a pattern cannot be used, and at which character.
fn broken(pattern: &str) -> Problem {
    let problem = |message: String, hint: &str| {
        Problem::new("form/pattern", AT, message, Some(hint.to_owned()))
    };
    let Err(error) = ast::parse::Parser::new().parse(pattern) else {
        return problem(
            "the pattern is too costly".to_owned(),
            "repeat less: repetitions in one another multiply",
        );
    };
    let offset = error.span().start.offset;
    let number = |offset: usize| pattern.get(..offset).unwrap_or_default().chars().count() + 1;
    if let Some((at, name, hint)) = foreign(pattern, offset, error.kind()) {
        let message = format!(
            "{name} at character {}: patterns take linear time and never go back",
            number(at)
        );
        return problem(message, hint).offset(at);
    }
    let message = format!(
        "the pattern is not a regular expression: {} at character {}",
        cut(&error.kind().to_string()),
        number(offset)
    );
    problem(message, "escape `( ) [ ] { } . * + ? \\` where they stand for themselves")
        .offset(offset)
}

/// Names the construct of another engine that a parser stopped at, or a little before.
fn foreign(
    pattern: &str,
    offset: usize,
    kind: &ast::ErrorKind,
) -> Option<(usize, String, &'static str)> {
    if *kind == ast::ErrorKind::UnsupportedBackreference {
        let digits = pattern.get(offset + 1..).unwrap_or_default();
        let digits: String = digits.chars().take_while(char::is_ascii_digit).collect();
        return Some((offset, format!("`\\{digits}` is a back-reference"), INSTEAD_OF_REPEATING));
    }
    (0..=3).filter_map(|back| offset.checked_sub(back)).find_map(|at| {
        let rest = pattern.get(at..)?;
        let (sign, name, hint) = FOREIGN.iter().find(|(sign, ..)| rest.starts_with(sign))?;
        Some((at, format!("`{sign}` is {name}"), *hint))
    })
}

/// Warns about a pattern that texts of any other content can match too.
fn open(pattern: &str) -> Option<Problem> {
    let (from_start, to_end) = anchored(pattern)?;
    // Whoever lets anything follow says so.
    let start = from_start || pattern.starts_with(".*");
    let end = to_end || pattern.ends_with(".*");
    let message = match (start, end) {
        (true, true) => return None,
        (false, false) => {
            "the pattern is not anchored: it matches a part of a text, whatever else is in it"
        }
        (false, true) => {
            "the pattern is not anchored at its start: anything may stand before what it matches"
        }
        (true, false) => {
            "the pattern is not anchored at its end: anything may follow what it matches"
        }
    };
    let whole = closed(pattern);
    let hint = match whole.as_ref().filter(|whole| cut(whole) == **whole) {
        Some(whole) => {
            format!("write `{whole}`, or `.*` at that end where anything may stand there")
        }
        None => "begin it with `^` and end it with `$`".to_owned(),
    };
    let problem = Problem::new("form/pattern-anchored", AT, message, Some(hint)).warning();
    Some(match whole {
        Some(whole) => problem.instead(whole),
        None => problem,
    })
}

/// Tells whether every match begins where the text does, and ends where it does; nothing where that is not known.
fn anchored(pattern: &str) -> Option<(bool, bool)> {
    let parsed = regex_syntax::parse(pattern).ok()?;
    let properties = parsed.properties();
    let start = properties.look_set_prefix().contains(Look::Start);
    Some((start, properties.look_set_suffix().contains(Look::End)))
}

/// Returns how many characters every text that matches has at least, and at most where that has an end.
pub(super) fn lengths(pattern: &str) -> Option<(u64, Option<u64>)> {
    let parsed = regex_syntax::parse(pattern).ok()?;
    let most = if anchored(pattern)? == (true, true) { most(&parsed) } else { None };
    Some((least(&parsed), most))
}

fn least(part: &Hir) -> u64 {
    match part.kind() {
        HirKind::Empty | HirKind::Look(_) => 0,
        HirKind::Literal(text) => characters(&text.0),
        HirKind::Class(_) => 1,
        HirKind::Repetition(repeated) => {
            u64::from(repeated.min).saturating_mul(least(&repeated.sub))
        }
        HirKind::Capture(group) => least(&group.sub),
        HirKind::Concat(parts) => parts.iter().map(least).fold(0, u64::saturating_add),
        HirKind::Alternation(parts) => parts.iter().map(least).min().unwrap_or(0),
    }
}

fn most(part: &Hir) -> Option<u64> {
    match part.kind() {
        HirKind::Empty | HirKind::Look(_) => Some(0),
        HirKind::Literal(text) => Some(characters(&text.0)),
        HirKind::Class(_) => Some(1),
        HirKind::Repetition(repeated) => u64::from(repeated.max?).checked_mul(most(&repeated.sub)?),
        HirKind::Capture(group) => most(&group.sub),
        HirKind::Concat(parts) => {
            parts.iter().try_fold(0_u64, |sum, part| sum.checked_add(most(part)?))
        }
        HirKind::Alternation(parts) => {
            parts.iter().try_fold(0, |longest: u64, part| Some(longest.max(most(part)?)))
        }
    }
}

fn characters(text: &[u8]) -> u64 {
    String::from_utf8_lossy(text).chars().count() as u64
}

/// The pattern between anchors that hold for all of it; nothing where it would not be closed even so.
fn closed(pattern: &str) -> Option<String> {
    let inside = pattern.strip_prefix('^').unwrap_or(pattern);
    let inside = inside.strip_suffix('$').filter(|rest| !rest.ends_with('\\')).unwrap_or(inside);
    let flat = format!("^{inside}$");
    let grouped = format!("^(?:{inside})$");
    [flat, grouped].into_iter().find(|whole| anchored(whole) == Some((true, true)))
}
