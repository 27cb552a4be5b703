//! Recognises texts that look like credentials. It repeats none of them, and asks nobody whether they are valid.

use std::collections::{BTreeSet, HashSet};
use std::ops::Range;
use std::sync::{LazyLock, OnceLock};

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

/// The rule about what is certainly a credential.
pub(super) const IN_CLEAR: &str = "secret/in-clear";
/// What to do about a text that has the shape of one.
pub(super) const NAME_IT: &str = "put it into the secret store, write `{{secrets.NAME}}` in the action or `{secret: NAME}` in the field that needs it, and replace it by a new one: this one is known; if it opens nothing, write `# trueline: allow secret/in-clear WHY` above";

/// The longest credential, in bytes: what begins like one is looked at no further.
const LONGEST: usize = 4_096;
/// How many letters of what a shape begins with are searched for.
const SHORT: usize = 4;
/// How much of a key is shown before and after what tells of a credential.
const LONGEST_KEY: usize = 32;
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

/// The first letters of all known shapes, so that a text is searched twice and not once for each: a search for few short
/// words is many times faster than one for many.
static BEGINNINGS: LazyLock<[Regex; 2]> = LazyLock::new(|| {
    let all = SHAPES.iter().flat_map(|shape| shape.beginnings.iter());
    let short: BTreeSet<&str> = all.map(|word| word.get(..SHORT).unwrap_or(word)).collect();
    let short: Vec<String> = short.into_iter().map(regex::escape).collect();
    let (one, other) = short.split_at(short.len() / 2);
    [pattern(&one.join("|")), pattern(&other.join("|"))]
});

/// Each shape, anchored to where it begins, once something begins like it.
static ANCHORED: [OnceLock<Regex>; SHAPES.len()] = [const { OnceLock::new() }; SHAPES.len()];

/// What is in every key that names a credential, in the ways that people write it: a search for words as they stand is
/// several times faster than one in which the case of no letter counts.
static WORDS: LazyLock<Regex> = LazyLock::new(|| {
    let words = ["passw", "passp", "pwd", "secret", "token", "credential", "key"];
    let written = words.into_iter().flat_map(|word| {
        let (first, rest) = word.split_at(1);
        [word.to_owned(), word.to_ascii_uppercase(), first.to_ascii_uppercase() + rest]
    });
    let humps = ["passW", "PassW", "passP", "PassP"].map(ToOwned::to_owned);
    pattern(&written.chain(humps).collect::<Vec<String>>().join("|"))
});

/// The rest of such a key, and its value: on one line, or as `name:` with `value:` behind it.
static KEYED: LazyLock<Regex> = LazyLock::new(|| {
    pattern(
        r#"\A(?i-u:passw(?:or)?d|passphrase|pwd|secret|token|credentials?|key)["']?(?:[ \t]*[:=][ \t]*|[ \t]*,?\s+["']?value["']?[ \t]*[:=][ \t]*)["']?([^\s"'`,;(){}\[\]<>|]{8,})"#,
    )
});

/// What makes a key one that opens something.
const KINDS_OF_KEYS: [&str; 8] =
    ["api", "access", "secret", "private", "account", "auth", "encryption", "signing"];

/// What stands in a header behind the name of a scheme.
static HEADER: LazyLock<Regex> =
    LazyLock::new(|| pattern(r"(?-u:\b)(Basic|Bearer)[ \t]+([A-Za-z0-9+/=_.~-]{16,})"));

fn pattern(text: &str) -> Regex {
    Regex::new(text).expect("a pattern of this file, compiled by its tests")
}

/// Returns what looks like a credential in a text, by place, none of it twice.
pub(super) fn credentials(text: &str) -> Vec<Credential> {
    let begins = BEGINNINGS.iter().flat_map(|beginnings| beginnings.find_iter(text));
    let mut found: Vec<Credential> =
        begins.filter_map(|begin| known(text, begin.start())).collect();
    found.sort_by_key(|one| one.range.start);
    let shaped = found.len();
    let mut end = 0;
    for word in WORDS.find_iter(text) {
        // A value is looked at once, whatever words are in it.
        if word.start() >= end
            && let Some(value) = value_behind(text, word.start())
        {
            end = value.end;
            if is_random(text.get(value.clone()).unwrap_or_default()) {
                let what = What::Under(key_around(text, word.start()));
                found.push(Credential { range: value, what });
            }
        }
    }
    for caught in HEADER.captures_iter(text) {
        let (Some(scheme), Some(value)) = (caught.get(1), caught.get(2)) else { continue };
        if is_random(value.as_str()) {
            let what = What::Under(scheme.as_str().to_owned());
            found.push(Credential { range: value.range(), what });
        }
    }
    // A value that has a shape is known by it, whatever key it stands under.
    let known: Vec<Range<usize>> = found.iter().take(shaped).map(|one| one.range.clone()).collect();
    let mut at = 0;
    found.retain(|one| {
        at += 1;
        at <= shaped || !overlaps(&known, &one.range)
    });
    found.sort_by_key(|one| one.range.start);
    let mut end = 0;
    found.retain(|one| {
        let apart = one.range.start >= end;
        end = if apart { one.range.end } else { end };
        apart
    });
    found
}

/// Tells whether a range shares bytes with one of those that are there, which are ordered by their start.
fn overlaps(ranges: &[Range<usize>], one: &Range<usize>) -> bool {
    let before = ranges.partition_point(|range| range.start < one.end);
    ranges.get(..before).and_then(<[_]>::last).is_some_and(|range| range.end > one.start)
}

/// Returns where the value of a key stands, when the word that stands here makes it one that names a credential.
fn value_behind(text: &str, start: usize) -> Option<Range<usize>> {
    let value = KEYED.captures(window(text, start))?.get(1)?;
    let before = text.get(..start)?;
    // `checksum/secret` is the digest of one.
    if before.ends_with('/') {
        return None;
    }
    if text.as_bytes().get(start).is_some_and(|each| each.eq_ignore_ascii_case(&b'k')) {
        let before = before.strip_suffix(['_', '-']).unwrap_or(before);
        let is_kind = |kind: &str| {
            let at = before.len().checked_sub(kind.len()).and_then(|at| before.get(at..));
            at.is_some_and(|word| word.eq_ignore_ascii_case(kind))
        };
        KINDS_OF_KEYS.iter().find(|kind| is_kind(kind))?;
    }
    Some(start + value.start()..start + value.end())
}

/// Returns the credential of a known shape that begins here.
fn known(text: &str, start: usize) -> Option<Credential> {
    let rest = window(text, start);
    let begins = |shape: &(&Shape, &OnceLock<Regex>)| {
        shape.0.beginnings.iter().any(|beginning| rest.starts_with(beginning))
    };
    let shapes = SHAPES.iter().zip(ANCHORED.iter());
    let mut of_it = shapes.filter(begins).peekable();
    of_it.peek()?;
    let before = text.get(..start)?.chars().next_back();
    let is_part = |each: char| each.is_ascii_alphanumeric() || matches!(each, '_' | '-');
    if rest.starts_with(|each: char| each.is_ascii_alphanumeric()) && before.is_some_and(is_part) {
        return None;
    }
    of_it.find_map(|(shape, anchored)| {
        let anchored = anchored.get_or_init(|| pattern(&format!(r"\A(?:{})", shape.pattern)));
        let caught = anchored.captures(rest)?;
        let part = caught.get(1).or_else(|| caught.get(0))?;
        let range = start + part.start()..start + part.end();
        let meant = !is_made_up(shape, part.as_str());
        meant.then_some(Credential { range, what: What::Known(shape.what) })
    })
}

/// Returns the part of a text that a credential which begins here may take.
fn window(text: &str, start: usize) -> &str {
    let end = text.floor_char_boundary(start.saturating_add(LONGEST));
    text.get(start..end).unwrap_or_default()
}

/// Tells whether a text only shows what a credential of its shape would look like.
fn is_made_up(shape: &Shape, text: &str) -> bool {
    if !shape.is_random {
        return is_stand_in(text);
    }
    let beginning = shape.beginnings.iter().find_map(|beginning| text.strip_prefix(beginning));
    let body = beginning.unwrap_or(text);
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
    let before = text.get(..at).unwrap_or_default().chars().rev().take_while(|c| is_part(*c));
    let before: usize = before.take(LONGEST_KEY).count();
    let key = text.get(at - before..).unwrap_or_default().chars().take_while(|c| is_part(*c));
    key.take(2 * LONGEST_KEY).collect()
}

/// Tells whether a value looks as if it was drawn at random, and not written by a person as a name, path or address.
fn is_random(value: &str) -> bool {
    let value = window(value, 0).trim_end_matches(['.', ':', '\\']);
    if value.starts_with(['$', '%', '*', '&', '!', '@', '^']) || value.contains("://") {
        return false;
    }
    if is_reference(value) || is_digest(value) || is_counted(value) || is_stand_in(value) {
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
    let is_plain = letters.chars().all(char::is_alphanumeric);
    let humps = letters.as_bytes().windows(2);
    let humps = humps.filter(|two| matches!(two, [b'a'..=b'z', b'A'..=b'Z'])).count();
    let few = inside == 0 || (inside == 1 && part.len() < 12);
    is_plain && few && digits <= 4 && humps <= letters.len() / 4
}

/// Tells whether a value is an id, or says where something else is found: `vault:kv/data/shop`, a path with an id in it.
fn is_reference(value: &str) -> bool {
    let scheme = value.split_once(':').filter(|(_, rest)| rest.contains('/'));
    scheme.is_some_and(|(scheme, _)| scheme.bytes().all(|each| each.is_ascii_lowercase()))
        || value.split('/').any(is_uuid)
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
