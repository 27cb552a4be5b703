//! Recognises texts that look like credentials. It repeats none of them, and asks nobody whether they are valid.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::LazyLock;

use regex::Regex;

use super::credential_shapes::{SHAPES, Shape};

/// One text that looks like a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Credential {
    /// Where it stands, in bytes.
    pub(super) range: Range<usize>,
    /// What it looks like.
    pub(super) what: What,
}

/// Why a text looks like a credential.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// It has the shape of a known kind, which stands here in words.
    Known(&'static str),
    /// It looks random and stands under a key of this name.
    Under(String),
}

/// The fewest different characters in anything that was drawn at random.
const VARIETY: usize = 6;
/// The fewest random characters of a value of letters and digits, which ids and digests have too.
const PLAIN: usize = 12;
/// The fewest random characters of a value that has capitals or signs, too.
const MIXED: usize = 8;
/// What people write where a credential would stand.
const STAND_INS: [&str; 12] = [
    "changeme",
    "change-me",
    "example",
    "mypassword",
    "pass",
    "passwd",
    "password",
    "placeholder",
    "pwd",
    "secret",
    "token",
    "your-password",
];

/// The beginnings of all known shapes as one pattern, so that a text is searched once.
static BEGINNINGS: LazyLock<Regex> = LazyLock::new(|| {
    let beginnings = SHAPES.iter().flat_map(|shape| shape.beginnings.iter());
    let mut literals: Vec<String> = beginnings.map(|literal| regex::escape(literal)).collect();
    literals.sort_by_key(|literal| std::cmp::Reverse(literal.len()));
    pattern(&literals.join("|"))
});

/// Each shape, anchored to where it begins.
static ANCHORED: LazyLock<Vec<Regex>> =
    LazyLock::new(|| SHAPES.iter().map(|shape| pattern(&format!(r"\A(?:{})", shape.pattern))).collect());

/// A key that names a credential, and its value: on one line, or as `name:` with `value:` behind it.
static KEYED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"(?i)(?:passw(?:or)?d|passphrase|pwd|secret|token|credentials?|(?:api|access|secret|private|account|auth|encryption|signing)[_-]?key)["']?(?:[ \t]*[:=][ \t]*|[ \t]*,?\s+["']?value["']?[ \t]*[:=][ \t]*)["']?([^\s"'`,;(){}\[\]<>|]{8,200})"#,
    )
});

/// What stands in a header behind the name of a scheme.
static HEADER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"\b(Basic|Bearer)[ \t]+([A-Za-z0-9+/=_.~-]{16,})"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of this file, compiled by its tests")
}

/// Returns what looks like a credential in a text, by place, none of it twice.
pub(super) fn credentials(text: &str) -> Vec<Credential> {
    let mut found: Vec<Credential> =
        BEGINNINGS.find_iter(text).filter_map(|begin| known(text, begin.range())).collect();
    for caught in KEYED.captures_iter(text) {
        let (Some(whole), Some(value)) = (caught.get(0), caught.get(1)) else { continue };
        if is_random(value.as_str()) {
            let what = What::Under(key_around(text, whole.start()));
            add(&mut found, Credential { range: value.range(), what });
        }
    }
    for caught in HEADER.captures_iter(text) {
        let (Some(scheme), Some(value)) = (caught.get(1), caught.get(2)) else { continue };
        if is_random(value.as_str()) {
            let what = What::Under(scheme.as_str().to_owned());
            add(&mut found, Credential { range: value.range(), what });
        }
    }
    found.sort_by_key(|credential| credential.range.start);
    found
}

/// Adds one unless it is a part of what was found already.
fn add(found: &mut Vec<Credential>, new: Credential) {
    let apart =
        |old: &Credential| old.range.end <= new.range.start || new.range.end <= old.range.start;
    if found.iter().all(apart) {
        found.push(new);
    }
}

/// Returns the credential of a known shape that begins here.
fn known(text: &str, begin: Range<usize>) -> Option<Credential> {
    let before = text.get(..begin.start)?.chars().next_back();
    let beginning = text.get(begin.clone())?;
    let is_word = beginning.starts_with(|each: char| each.is_ascii_alphanumeric());
    if is_word && before.is_some_and(|each| each.is_ascii_alphanumeric() || each == '_') {
        return None;
    }
    let shapes = SHAPES.iter().zip(ANCHORED.iter());
    let mut of_it = shapes.filter(|(shape, _)| shape.beginnings.contains(&beginning));
    of_it.find_map(|(shape, anchored)| {
        let caught = anchored.captures(text.get(begin.start..)?)?;
        let part = caught.get(1).or_else(|| caught.get(0))?;
        let range = begin.start + part.start()..begin.start + part.end();
        let meant = !is_made_up(shape, beginning, part.as_str());
        meant.then_some(Credential { range, what: What::Known(shape.what) })
    })
}

/// Tells whether a text only shows what a credential of its shape would look like.
fn is_made_up(shape: &Shape, beginning: &str, text: &str) -> bool {
    if !shape.is_random {
        return is_stand_in(text);
    }
    let body = text.strip_prefix(beginning).unwrap_or(text);
    body.contains("EXAMPLE") || variety(body) < VARIETY || is_counted(body)
}

/// Tells whether a text is what people write where a password would stand.
fn is_stand_in(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let is_name = text.bytes().all(|each| matches!(each, b'A'..=b'Z' | b'0'..=b'9' | b'_'))
        && text.starts_with(|each: char| each.is_ascii_uppercase())
        && text.contains('_');
    is_name || STAND_INS.contains(&lower.as_str()) || variety(&lower) < 3
}

/// Tells whether a text holds letters or digits in their order, as nothing random does.
fn is_counted(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    ["abcdefgh", "12345678", "01234567"].iter().any(|run| lower.contains(run))
}

fn variety(text: &str) -> usize {
    text.chars().collect::<HashSet<char>>().len()
}

/// Returns the whole key that a place in it belongs to.
fn key_around(text: &str, at: usize) -> String {
    let is_part = |each: char| each.is_ascii_alphanumeric() || matches!(each, '_' | '-' | '.');
    let before = text.get(..at).unwrap_or_default();
    let start = before.trim_end_matches(is_part).len();
    let key: String = text.get(start..).unwrap_or_default().chars().take_while(|c| is_part(*c)).collect();
    key
}

/// Tells whether a value looks as if it was drawn at random, and not written by a person as a name, path or address.
fn is_random(value: &str) -> bool {
    let value = value.trim_end_matches(['.', ':', '\\']);
    if value.starts_with(['$', '%', '*', '&', '!', '@', '^']) || value.contains("://") {
        return false;
    }
    if is_uuid(value) || is_digest(value) || is_counted(value) || is_stand_in(value) {
        return false;
    }
    let is_join = |each: char| matches!(each, '-' | '_' | '.' | '/' | ':' | '+' | '=' | '@' | '~');
    let random: Vec<&str> = value.split(is_join).filter(|part| !is_word(part)).collect();
    let length: usize = random.iter().map(|part| part.chars().count()).sum();
    let has = |of: fn(char) -> bool| usize::from(random.iter().any(|part| part.contains(of)));
    let classes = has(|each| each.is_ascii_lowercase())
        + has(|each| each.is_ascii_uppercase())
        + has(|each| each.is_ascii_digit())
        + has(|each| !each.is_ascii_alphanumeric());
    let enough = if classes >= 3 { MIXED } else { PLAIN };
    classes >= 2 && length >= enough && variety(value) >= VARIETY
}

/// Tells whether a part of a value reads like a word, a number or a version.
fn is_word(part: &str) -> bool {
    let letters = part.trim_end_matches(|each: char| each.is_ascii_digit());
    let digits = part.len() - letters.len();
    if part.len() <= 4 || (letters.is_empty() && digits <= 14) {
        return true;
    }
    let inside = letters.chars().filter(char::is_ascii_digit).count();
    let is_plain = letters.chars().all(|each| each.is_alphanumeric());
    let humps = letters.as_bytes().windows(2);
    let humps = humps.filter(|two| matches!(two, [b'a'..=b'z', b'A'..=b'Z'])).count();
    let few = inside == 0 || (inside == 1 && part.len() < 12);
    is_plain && few && digits <= 4 && humps <= letters.len() / 4
}

fn is_uuid(value: &str) -> bool {
    let lengths: Vec<usize> = value.split('-').map(str::len).collect();
    let is_hex = value.bytes().all(|each| each.is_ascii_hexdigit() || each == b'-');
    is_hex && lengths == [8, 4, 4, 4, 12]
}

fn is_digest(value: &str) -> bool {
    ["sha1", "sha256", "sha384", "sha512", "md5", "SHA256"].iter().any(|name| {
        value.strip_prefix(name).is_some_and(|rest| rest.starts_with([':', '-']))
            || value.contains(&format!("@{name}:"))
    })
}

#[cfg(test)]
#[path = "credentials_tests.rs"]
mod tests;
