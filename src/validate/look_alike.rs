//! What texts look like: two that look the same have the same look. It judges no text.

use std::borrow::Cow;

use unicode_security::skeleton;

/// Returns what a text looks like; of two texts that are hard to tell apart it is the same.
///
/// `l`, `1` and `I` look alike, so do `0`, `O` and `o`, and `rn` and `m`; other scripts have many more.
pub(super) fn look(text: &str) -> Cow<'_, str> {
    if !text.is_ascii() {
        return Cow::Owned(skeleton(text).map(round).collect());
    }
    let is_plain =
        |byte: u8| !matches!(byte, b'0' | b'O' | b'1' | b'I' | b'|' | b'm' | b'`' | b'"');
    if text.bytes().all(is_plain) {
        return Cow::Borrowed(text);
    }
    let mut look = String::with_capacity(text.len() + 4);
    for each in text.chars() {
        match each {
            '1' | 'I' | '|' => look.push('l'),
            'm' => look.push_str("rn"),
            '`' => look.push('\''),
            '"' => look.push_str("''"),
            each => look.push(round(each)),
        }
    }
    Cow::Owned(look)
}

fn round(each: char) -> char {
    if matches!(each, '0' | 'O') { 'o' } else { each }
}

/// Returns the letter or digit of ASCII that a letter of another script looks like.
pub(super) fn looks_like(letter: char) -> Option<char> {
    // Letters with accents are letters of Latin; these are scripts of their own, and copies of letters.
    let foreign = matches!(letter,
        '\u{370}'..='\u{3ff}' | '\u{400}'..='\u{52f}' | '\u{531}'..='\u{58f}'
        | '\u{13a0}'..='\u{13ff}' | '\u{2c80}'..='\u{2cff}' | '\u{a4d0}'..='\u{a4ff}'
        | '\u{ab70}'..='\u{abbf}' | '\u{ff10}'..='\u{ff5a}' | '\u{1d400}'..='\u{1d7ff}');
    if !foreign {
        return None;
    }
    let text = letter.to_string();
    let mut look = skeleton(&text);
    let first = look.next().filter(char::is_ascii_alphanumeric)?;
    look.next().is_none().then_some(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ascii_looks_as_unicode_says() {
        for each in
            "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_./ '\"`|".chars()
        {
            let each = each.to_string();
            assert_eq!(look(&each), skeleton(&each).map(round).collect::<String>(), "{each}");
        }
    }

    #[test]
    fn what_is_hard_to_tell_apart_looks_the_same() {
        for (one, other) in [
            ("payments", "p\u{430}yments"),
            ("payments", "payrnents"),
            ("vlan1", "vlanl"),
            ("disk-o", "disk-0"),
            ("I1", "ll"),
            ("caf\u{e9}", "cafe\u{301}"),
            ("a\u{200b}b", "ab"),
        ] {
            assert_eq!(look(one), look(other), "{one} {other}");
        }
        for (one, other) in [("app-1", "app-2"), ("a", "b"), ("db", "bd"), ("cafe", "caf\u{e9}")] {
            assert_ne!(look(one), look(other), "{one} {other}");
        }
    }

    #[test]
    fn letters_of_other_scripts_have_their_doubles() {
        let doubles = ['\u{430}', '\u{3bf}', '\u{ff41}', '\u{1d41a}'].map(looks_like);
        assert_eq!(doubles, [Some('a'), Some('o'), Some('a'), Some('a')]);
        assert_eq!(['a', 'é', 'ı', 'ß', 'µ', 'Ω', 'ж', '漢'].map(looks_like), [None; 8]);
    }
}
