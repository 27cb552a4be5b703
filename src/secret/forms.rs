//! The forms in which a secret may stand in a text, and how each of its characters may be written there.
//! It changes no text.

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};

/// The most bytes in which one character is written.
pub(super) const MOST_BYTES_OF_A_CHARACTER: usize = 160;

/// How often a mark that escapes may be repeated, for what is escaped twice or more.
const DEPTH: usize = 12;

/// At how many places a form may go on at once: only quotes among quotes come near.
const MOST_PLACES: usize = 64;

/// The shortest line of a secret of several lines that is masked by itself, in characters.
const SHORTEST_LINE: usize = 8;

/// The shortest secret that is masked, in characters: shorter ones would blot out ordinary words.
const SHORTEST: usize = 4;

/// One form of a secret: its characters in order, each however it is escaped.
#[derive(Clone, Debug)]
pub(super) struct Form {
    pub(super) chars: Vec<char>,
    kind: Kind,
    /// Whether a backslash is among them: only then it matters how often they were escaped.
    slashes: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// As it stands.
    Plain,
    /// Hexadecimal: in either case, and over several lines.
    Hex,
    /// Base64, over several lines; whether a character follows that holds the last bits of the secret.
    Base64 { more: bool },
}

/// Returns all forms of a value; none of one that is too short to be masked.
pub(super) fn forms_of(value: &str) -> Vec<Form> {
    let value = value.trim();
    if value.chars().count() < SHORTEST {
        return Vec::new();
    }
    let plain = |text: &str| Form::of(text.chars(), Kind::Plain);
    let mut forms = vec![plain(value)];
    let lines = value.lines().map(str::trim).filter(|line| line.chars().count() >= SHORTEST_LINE);
    forms.extend(lines.filter(|line| *line != value).map(plain));
    let hex = value.bytes().flat_map(|byte| [byte >> 4, byte & 15]);
    let digits = hex.filter_map(|digit| char::from_digit(digit.into(), 16));
    forms.push(Form::of(digits, Kind::Hex));
    for shift in 0..3 {
        let padded: Vec<u8> = std::iter::repeat_n(0, shift).chain(value.bytes()).collect();
        let bits = 8 * padded.len();
        let sure = (8 * shift).div_ceil(6)..bits / 6;
        let encoded = [STANDARD_NO_PAD.encode(&padded), URL_SAFE_NO_PAD.encode(&padded)];
        let [standard, safe] = encoded.map(|text| text.get(sure.clone()).unwrap_or("").to_owned());
        let kind = Kind::Base64 { more: !bits.is_multiple_of(6) };
        let base64 = |text: &str| Form::of(text.chars(), kind);
        if safe != standard {
            forms.push(base64(&safe));
        }
        forms.push(base64(&standard));
    }
    forms
}

/// What came of looking for a form at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Found {
    /// It does not stand there.
    No,
    /// It may, once more of the text is there.
    Perhaps,
    /// It stands there, and ends before this place.
    Until(usize),
}

/// Places where a form may go on; kept between looks so that nothing is allocated.
#[derive(Debug, Default)]
pub(super) struct Places {
    now: Vec<usize>,
    next: Vec<usize>,
}

impl Form {
    fn of(chars: impl Iterator<Item = char>, kind: Kind) -> Self {
        let chars: Vec<char> = chars.collect();
        Self { slashes: chars.contains(&'\\'), chars, kind }
    }

    /// Returns the bytes that it can begin with, beside those that begin an escape.
    pub(super) fn first_bytes(&self) -> Vec<u8> {
        let Some(first) = self.chars.first() else { return Vec::new() };
        let mut bytes = vec![first.to_string().bytes().next().unwrap_or_default()];
        if self.kind == Kind::Hex {
            bytes.extend(bytes.first().map(u8::to_ascii_uppercase));
        }
        if *first == ' ' {
            bytes.push(b'+');
        }
        bytes.sort_unstable();
        bytes.dedup();
        bytes
    }

    /// Looks whether it stands at a place; `whole` says that no more text comes.
    pub(super) fn look(&self, text: &[u8], at: usize, whole: bool, places: &mut Places) -> Found {
        let levels: &[usize] = if self.slashes { &[1, 2, 4, 8] } else { &[1] };
        let mut best = Found::No;
        for level in levels {
            match self.look_at_level(*level, (text, at), whole, places) {
                Found::Perhaps => return Found::Perhaps,
                Found::Until(end) => best = best.max(Found::Until(end)),
                Found::No => {}
            }
        }
        best
    }

    /// The same where each backslash stands as so many: once, twice or three times escaped.
    fn look_at_level(
        &self,
        level: usize,
        (text, at): (&[u8], usize),
        whole: bool,
        places: &mut Places,
    ) -> Found {
        let Places { now, next } = places;
        now.clear();
        now.push(at);
        for (index, c) in self.chars.iter().enumerate() {
            next.clear();
            for place in now.iter().copied() {
                if !whole && place + MOST_BYTES_OF_A_CHARACTER > text.len() {
                    return Found::Perhaps;
                }
                let place = if index > 0 { self.over_line_end(text, place) } else { place };
                let rest = text.get(place..).unwrap_or_default();
                let way = Way { any_case: self.kind == Kind::Hex, level };
                way.written(*c, rest, &mut |length| next.push(place + length));
            }
            next.sort_unstable();
            next.dedup();
            next.truncate(MOST_PLACES);
            if next.is_empty() {
                return Found::No;
            }
            std::mem::swap(now, next);
        }
        let (first, last) = (now.first().copied().unwrap_or(at), now.last().copied().unwrap_or(at));
        // A quote at the end is not doubled by the one that closes the text around it.
        let quoted = matches!(self.chars.last(), Some('"' | '\''));
        let end = if quoted && last == first + 1 { first } else { last };
        if !whole && end + MOST_BYTES_OF_A_CHARACTER > text.len() {
            return Found::Perhaps;
        }
        Found::Until(self.over_rest(text, end))
    }

    fn over_line_end(&self, text: &[u8], place: usize) -> usize {
        if self.kind == Kind::Plain {
            return place;
        }
        let mut rest = text.get(place..).unwrap_or_default();
        let mut length = 0;
        while length < DEPTH {
            let step = match rest {
                [b'\r' | b'\n' | b' ' | b'\t', ..] => 1,
                [b'\\', b'r' | b'n', ..] => 2,
                _ => break,
            };
            length += step;
            rest = rest.get(step..).unwrap_or_default();
        }
        place + length
    }

    /// Goes over the last bits of base64 and its padding.
    fn over_rest(&self, text: &[u8], end: usize) -> usize {
        let Kind::Base64 { more: true } = self.kind else { return end };
        let is_letter = |b: &u8| b.is_ascii_alphanumeric() || b"+/-_".contains(b);
        let letter_at = |at: usize| at + usize::from(text.get(at).is_some_and(is_letter));
        let next_line = self.over_line_end(text, end);
        let there = letter_at(next_line);
        // Only padding tells that a letter on the next line is a part of it.
        if next_line > end && padding(text, there) > 0 {
            return there + padding(text, there);
        }
        let here = letter_at(end);
        here + padding(text, here)
    }
}

/// Returns how many bytes of padding stand at a place.
fn padding(text: &[u8], at: usize) -> usize {
    let mut length = 0;
    for _ in 0..2 {
        let rest = text.get(at + length..).unwrap_or_default();
        length += match rest {
            [b'=', ..] => 1,
            rest => percent_encoded('=', rest).unwrap_or(0),
        };
    }
    length
}

/// How characters are looked for.
#[derive(Clone, Copy)]
struct Way {
    any_case: bool,
    /// As how many backslashes one stands.
    level: usize,
}

impl Way {
    /// Tells `found` the length of every way in which a character is written at the start of a text.
    fn written(self, c: char, text: &[u8], found: &mut impl FnMut(usize)) {
        let slashes = text.iter().take(DEPTH).take_while(|byte| **byte == b'\\').count();
        if c == '\\' && slashes >= self.level {
            found(self.level);
        }
        let after = text.get(slashes..).unwrap_or_default();
        if c != '\\' {
            self.as_it_is(c, after, &mut |length| found(slashes + length));
        }
        if slashes > 0
            && let Some(length) = behind_a_slash(c, after)
        {
            found(slashes + length);
        }
        match text.first() {
            Some(b'%') if c == '%' => percent_itself(text, found),
            Some(b'%') => percent_encoded(c, text).into_iter().for_each(&mut *found),
            Some(b'&') => entity(c, text, found),
            Some(b'+') if c == ' ' => found(1),
            _ => {}
        }
    }

    fn as_it_is(self, c: char, text: &[u8], found: &mut impl FnMut(usize)) {
        let mut buffer = [0; 4];
        let raw = c.encode_utf8(&mut buffer).as_bytes();
        if text.starts_with(raw) {
            found(raw.len());
        } else if self.any_case
            && text.first().is_some_and(|byte| char::from(*byte).eq_ignore_ascii_case(&c))
        {
            found(1);
        }
        let other: &[&[u8]] = match c {
            '\n' => &[b"\r\n"],
            '\'' => &[b"''", br"'\''", br#"'"'"'"#],
            '"' => &[b"\"\""],
            '$' => &[b"$$"],
            '%' => &[b"%%"],
            _ => &[],
        };
        other.iter().filter(|other| text.starts_with(other)).for_each(|other| found(other.len()));
    }
}

/// Reads what stands behind a backslash in JSON, HCL and most languages.
fn behind_a_slash(c: char, text: &[u8]) -> Option<usize> {
    let letter = *text.first()?;
    let named = match letter {
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'x' => return (hex(text.get(1..3)?)? == u32::from(c)).then_some(3),
        b'u' => return by_number(c, text),
        _ => return None,
    };
    (named == c).then_some(1)
}

/// Reads `u00e9`, and what lies beyond as two such numbers.
fn by_number(c: char, text: &[u8]) -> Option<usize> {
    let mut units = [0; 2];
    let mut length = 0;
    for unit in c.encode_utf16(&mut units) {
        let mut rest = text.get(length..)?;
        if length > 0 {
            let slashes = rest.iter().take(DEPTH).take_while(|byte| **byte == b'\\').count();
            length += slashes;
            rest = rest.get(slashes..)?;
        }
        if rest.first() != Some(&b'u') || hex(rest.get(1..5)?)? != u32::from(*unit) {
            return None;
        }
        length += 5;
    }
    Some(length)
}

/// Reads `%C3%A9`, however often its `%` was encoded again.
fn percent_encoded(c: char, text: &[u8]) -> Option<usize> {
    let mut buffer = [0; 4];
    let mut length = 0;
    for byte in c.encode_utf8(&mut buffer).bytes() {
        let rest = text.get(length..)?.strip_prefix(b"%")?;
        let again = again(rest);
        let digits = rest.get(2 * again..2 * again + 2)?;
        if hex(digits)? != u32::from(byte) {
            return None;
        }
        length += 3 + 2 * again;
    }
    Some(length)
}

/// Reads `%25` for a `%`: each `25` that follows may be a part of it, or what comes after it.
fn percent_itself(text: &[u8], found: &mut impl FnMut(usize)) {
    let again = text.strip_prefix(b"%").map_or(0, again);
    (0..again).for_each(|again| found(3 + 2 * again));
}

/// Counts how often a `%` was encoded again.
fn again(rest: &[u8]) -> usize {
    rest.chunks(2).take(DEPTH).take_while(|pair| *pair == b"25").count()
}

/// Reads `&lt;`, `&#60;` and `&#x3c;`, however often their `&` was escaped again. For a `&` itself each `amp;` that
/// follows may be a part of it, or what comes after it.
fn entity(c: char, text: &[u8], found: &mut impl FnMut(usize)) {
    let Some(mut rest) = text.strip_prefix(b"&") else { return };
    for _ in 0..DEPTH {
        let Some(after) = rest.strip_prefix(b"amp;") else { break };
        rest = after;
        if c == '&' {
            found(text.len() - rest.len());
        }
    }
    if let Some(length) = named(c, rest) {
        found(text.len() - rest.len() + length);
    }
}

/// Reads what stands behind the `&` of an entity.
fn named(c: char, rest: &[u8]) -> Option<usize> {
    let end = rest.iter().take(10).position(|byte| *byte == b';')?;
    let number = match rest.get(..end)? {
        b"lt" => Some(u32::from('<')),
        b"gt" => Some(u32::from('>')),
        b"quot" => Some(u32::from('"')),
        b"apos" => Some(u32::from('\'')),
        [b'#', b'x' | b'X', digits @ ..] => hex(digits),
        [b'#', digits @ ..] => std::str::from_utf8(digits).ok()?.parse().ok(),
        _ => None,
    };
    (number? == u32::from(c)).then_some(end + 1)
}

fn hex(digits: &[u8]) -> Option<u32> {
    u32::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()
}
