//! Judges names in trees and directories, so that no name of theirs can lead or show us astray.
//! It never repairs a name.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::finding::{Finding, Place};
use crate::id::{as_one_file, how_files_differ};

/// How deep directories may be nested.
pub(crate) const MAX_DEPTH: usize = 32;
const MAX_NAME: usize = 255;

/// Returns a text that can be shown on a terminal: control characters, bytes that are no UTF-8, and characters that turn the direction of
/// writing stand as escapes.
pub fn escaped(bytes: &[u8]) -> String {
    let mut shown = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        for character in chunk.valid().chars() {
            if is_unshowable(character) {
                shown.extend(character.escape_unicode());
            } else {
                shown.push(character);
            }
        }
        for byte in chunk.invalid() {
            // Writing to a String cannot fail.
            let _ = write!(shown, "\\x{byte:02x}");
        }
    }
    shown
}

/// Tells whether a character acts on a terminal instead of being seen on it.
fn is_unshowable(character: char) -> bool {
    character.is_control()
        || matches!(character, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Returns why one name is refused, or nothing.
pub(crate) fn refusal(name: &[u8]) -> Option<&'static str> {
    let Ok(text) = std::str::from_utf8(name) else {
        return Some("is not UTF-8");
    };
    if text.is_empty() || text == "." || text == ".." {
        return Some("leads to another directory");
    }
    if text.contains(['/', '\\']) {
        return Some("contains a slash");
    }
    if text.chars().any(is_unshowable) {
        return Some("contains control characters");
    }
    if name.len() > MAX_NAME {
        return Some("is longer than 255 bytes");
    }
    if names_git_directory(text) {
        return Some("is reserved for git");
    }
    None
}

/// Tells whether some file system would take a name for `.git`: in another case, with trailing dots or spaces, as a stream, by its
/// short name, or with characters that HFS+ ignores.
fn names_git_directory(name: &str) -> bool {
    let plain: String =
        name.chars().filter(|c| !matches!(c, '\u{206a}'..='\u{206f}')).collect::<String>();
    let stem = plain.split(':').next().unwrap_or_default().trim_end_matches(['.', ' ']);
    stem.eq_ignore_ascii_case(".git") || stem.eq_ignore_ascii_case("git~1")
}

/// Judges the names of one directory: which positions are accepted, and one finding for each of the rest.
pub(crate) fn judge(prefix: &str, names: &[&[u8]]) -> (Vec<bool>, Vec<Finding>) {
    if are_plain(names) { (vec![true; names.len()], Vec::new()) } else { judge_each(prefix, names) }
}

fn judge_each(prefix: &str, names: &[&[u8]]) -> (Vec<bool>, Vec<Finding>) {
    let mut alike: BTreeMap<String, Vec<&[u8]>> = BTreeMap::new();
    for name in names {
        alike.entry(folded(name)).or_default().push(name);
    }
    let mut accepted = Vec::with_capacity(names.len());
    let mut findings = Vec::new();
    for name in names {
        let same = alike.get(&folded(name)).map(Vec::as_slice).unwrap_or_default();
        let reason = refusal(name).map(|reason| format!("the name {reason}"));
        let reason = reason.or_else(|| collision(name, same));
        accepted.push(reason.is_none());
        if let Some(reason) = reason {
            findings.push(hostile(format!("{prefix}{}", escaped(name)), reason));
        }
    }
    (accepted, findings)
}

/// Tells of most directories at a glance that nothing is wrong with any name: each is in small letters and digits that no
/// file system takes for others, and none stands there twice.
fn are_plain(names: &[&[u8]]) -> bool {
    let is_plain = |name: &&[u8]| {
        let is_known = |byte: &u8| matches!(byte, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.');
        name.first().is_some_and(u8::is_ascii_alphanumeric)
            && name.len() <= MAX_NAME
            && name.iter().all(is_known)
    };
    names.iter().all(is_plain) && names.is_sorted_by(|one, next| one < next)
}

/// Returns what some file system takes for the same name: it tells no cases apart, or composes accents.
fn folded(name: &[u8]) -> String {
    as_one_file(&String::from_utf8_lossy(name)).into_owned()
}

/// Says with which other name of its directory a name collides.
fn collision(name: &[u8], same: &[&[u8]]) -> Option<String> {
    if same.len() < 2 {
        return None;
    }
    Some(match same.iter().find(|other| **other != name) {
        Some(other) => {
            let how =
                how_files_differ(&String::from_utf8_lossy(name), &String::from_utf8_lossy(other));
            format!("the name differs from `{}` {how}", escaped(other))
        }
        None => "the name stands twice in its directory".to_owned(),
    })
}

/// Makes the finding about a name or depth that is refused.
pub(crate) fn hostile(path: String, reason: String) -> Finding {
    let mut path = path;
    if path.len() > 400 {
        path = format!("{}…", path.chars().take(300).collect::<String>());
    }
    Finding::error("source/hostile-name", Place::start_of(path), reason)
        .hint("rename it; until then nothing under this name is read")
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn names_that_lead_astray_are_refused() {
        let long = "x".repeat(256);
        for name in [
            "",
            ".",
            "..",
            "a/b",
            "a\\b",
            ".git",
            ".GIT",
            ".Git.",
            ".git ",
            "git~1",
            "GIT~1",
            ".git::$INDEX_ALLOCATION",
            ".g\u{200c}it",
            ".gi\u{206a}t",
            "a\nb",
            "a\u{1b}[31m",
            "a\u{202e}b",
            &long,
        ] {
            assert!(refusal(name.as_bytes()).is_some(), "{name:?}");
        }
        assert!(refusal(b"\xff\xfe").is_some());
        for name in
            ["a", ".gitignore", ".github", ".gitattributes", "ümlaut.yaml", "git", "-x", "a b"]
        {
            assert_eq!(refusal(name.as_bytes()), None, "{name:?}");
        }
    }

    #[test]
    fn of_two_names_that_collide_neither_is_taken() {
        let names: Vec<&[u8]> = vec![b"Web.yaml", b"db.yaml", b"web.yaml"];
        let (accepted, findings) = judge("services/a/", &names);
        assert_eq!(accepted, [false, true, false]);
        assert_eq!(findings.len(), 2);
        assert_eq!(
            findings[1].to_string(),
            "services/a/web.yaml:1:1: error source/hostile-name the name differs from `Web.yaml` in case only (rename it; until then nothing under this name is read)"
        );
        let accents: Vec<&[u8]> =
            vec!["caf\u{e9}".as_bytes(), "cafe".as_bytes(), "cafe\u{301}".as_bytes()];
        let (accepted, findings) = judge("services/", &accents);
        assert_eq!(accepted, [false, true, false]);
        assert_eq!(
            findings[1].message,
            "the name differs from `caf\u{e9}` only in how its accents are stored: they are characters of their own here (Unicode NFD)"
        );
        let twice: Vec<&[u8]> = vec![b"a", b"a"];
        assert_eq!(judge("", &twice).0, [false, false]);
    }

    proptest! {
        #[test]
        fn what_is_plain_at_a_glance_is_so_on_a_second_look(
            mut names in prop::collection::vec("[a-bA0._~ -]{0,3}|\\.git|git~1|[ab]{254,257}", 0..6),
            sorted in any::<bool>(),
        ) {
            if sorted {
                names.sort();
            }
            let names: Vec<&[u8]> = names.iter().map(String::as_bytes).collect();
            prop_assert!(!are_plain(&names) || judge_each("", &names).0.iter().all(|accepted| *accepted));
        }
    }

    #[test]
    fn what_is_shown_cannot_act() {
        assert_eq!(escaped(b"a\x1b[2Jb\xffc"), "a\\u{1b}[2Jb\\xffc");
        assert_eq!(escaped("ä\u{202e}".as_bytes()), "ä\\u{202e}");
    }
}
