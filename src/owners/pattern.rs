//! One pattern of CODEOWNERS, and whether it matches a path. It knows no file and no owner.

use std::fmt;
use std::str::Chars;

use super::steps::step;

/// A pattern, read.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Pattern {
    pub(super) parts: Vec<Part>,
}

/// What stands between two slashes, or for what is below the last one.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Part {
    /// Exactly this name.
    Literal(String),
    /// Names of this form.
    Glob(Glob),
    /// One name, whichever.
    One,
    /// Any number of names, none included.
    Many,
}

/// The form of a name.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Glob {
    tokens: Vec<Token>,
    /// How many characters a name has at least.
    least: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Token {
    Char(char),
    One,
    Star,
}

/// Why a pattern cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, as a clause.
    pub message: String,
    /// What to do.
    pub hint: String,
    /// Where it begins, in characters from the start of the pattern.
    pub start: usize,
    /// How long it is, in characters.
    pub length: usize,
}

impl Fault {
    fn new((start, length): (usize, usize), message: &str, hint: &str) -> Self {
        Self { message: message.to_owned(), hint: hint.to_owned(), start, length }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl Pattern {
    /// Reads a pattern as it stands in the file, escapes included.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let mut names = names_of(text)?;
        let whole = (0, text.chars().count());
        let from_root = names.first().is_some_and(Vec::is_empty) && names.len() > 1;
        if from_root {
            names.remove(0);
        }
        let is_folder = names.last().is_some_and(Vec::is_empty);
        if is_folder {
            names.pop();
        }
        if names.is_empty() {
            let message = format!("the pattern `{text}` matches nothing");
            return Err(Fault::new(whole, &message, "did you mean `*`?"));
        }
        let anchored = from_root || names.len() > 1;
        let mut parts = Vec::with_capacity(names.len() + 3);
        for name in names {
            parts.push(part_of(name, whole)?);
        }
        if !anchored && parts.first() != Some(&Part::Many) {
            parts.insert(0, Part::Many);
        }
        match (parts.last(), is_folder) {
            // What ends with `**` is all that is inside.
            (Some(Part::Many), _) => {
                parts.pop();
                parts.extend([Part::One, Part::Many]);
            }
            // `docs/*` is what is directly in it, and no folder's content.
            (Some(Part::One), _) | (_, true) => {}
            (_, false) => parts.push(Part::Many),
        }
        if is_folder {
            parts.extend([Part::One, Part::Many]);
        }
        Ok(Self { parts: in_order(parts) })
    }

    /// Tells whether it matches everything.
    pub(super) fn is_everything(&self) -> bool {
        self.parts == [Part::One, Part::Many]
    }

    /// Returns how many names it begins with that are written out.
    pub(super) fn prefix(&self) -> usize {
        self.parts.iter().take_while(|part| matches!(part, Part::Literal(_))).count()
    }

    /// Tells whether it matches a path from the root, without a slash in front.
    pub fn matches(&self, path: &str) -> bool {
        self.matches_names(&path.split('/').collect::<Vec<_>>())
    }

    /// Tells whether it matches a path that is split already.
    pub(super) fn matches_names(&self, names: &[&str]) -> bool {
        let (mut part, mut name) = (0, 0);
        // Where to go on when the last `Many` takes one name more: the shortest way is always the best one.
        let mut retry: Option<(usize, usize)> = None;
        loop {
            step(1);
            match (self.parts.get(part), names.get(name)) {
                (Some(Part::Many), _) => {
                    part += 1;
                    if part == self.parts.len() {
                        return true;
                    }
                    retry = Some((part, name));
                    continue;
                }
                (Some(wanted), Some(there)) if wanted.takes(there) => {
                    part += 1;
                    name += 1;
                    continue;
                }
                (None, None) => return true,
                _ => {}
            }
            let Some((after, from)) = &mut retry else { return false };
            *from += 1;
            if *from > names.len() {
                return false;
            }
            (part, name) = (*after, *from);
        }
    }
}

impl Part {
    /// Returns the name where it is written out.
    pub(super) fn literal(&self) -> Option<&str> {
        match self {
            Part::Literal(name) => Some(name),
            _ => None,
        }
    }

    fn takes(&self, name: &str) -> bool {
        match self {
            Part::Literal(literal) => literal == name,
            Part::Glob(glob) => glob.matches(name),
            Part::One | Part::Many => true,
        }
    }
}

impl Glob {
    /// Returns what stands after the last dot, where every name of this form has that.
    pub(super) fn ending(&self) -> Option<String> {
        let tail = self.tokens.iter().rev().map_while(|token| match token {
            Token::Char(c) => Some(*c),
            Token::One | Token::Star => None,
        });
        let tail: Vec<char> = tail.collect();
        let dot = tail.iter().position(|c| *c == '.')?;
        Some(tail.into_iter().take(dot).rev().collect())
    }

    fn matches(&self, name: &str) -> bool {
        // A character has at least one byte.
        if name.len() < self.least {
            return false;
        }
        let mut token = 0;
        let mut rest = name.chars();
        let mut retry: Option<(usize, Chars<'_>)> = None;
        loop {
            step(1);
            let mut ahead = rest.clone();
            match (self.tokens.get(token), ahead.next()) {
                (Some(Token::Star), _) => {
                    token += 1;
                    retry = Some((token, rest.clone()));
                    continue;
                }
                (Some(Token::Char(wanted)), Some(there)) if *wanted == there => {
                    (token, rest) = (token + 1, ahead);
                    continue;
                }
                (Some(Token::One), Some(_)) => {
                    (token, rest) = (token + 1, ahead);
                    continue;
                }
                (None, None) => return true,
                _ => {}
            }
            let Some((after, from)) = &mut retry else { return false };
            if from.next().is_none() {
                return false;
            }
            (token, rest) = (*after, from.clone());
        }
    }
}

/// Splits a pattern at its slashes, and takes the escapes out.
fn names_of(text: &str) -> Result<Vec<Vec<Token>>, Fault> {
    let mut names = vec![Vec::new()];
    let mut chars = text.chars().enumerate();
    while let Some((at, c)) = chars.next() {
        step(1);
        let escaped = c == '\\';
        let c = if escaped { chars.next().map(|(_, c)| c) } else { Some(c) };
        let token = match c {
            None => {
                let message = "a lone `\\` ends the pattern, and nothing is escaped by it";
                return Err(Fault::new((at, 1), message, "take it away, or write `\\\\`"));
            }
            Some('/') => {
                names.push(Vec::new());
                continue;
            }
            Some('#') if escaped && at == 0 => {
                let message = "GitHub takes a line that begins with `\\#` for a comment";
                return Err(Fault::new((0, 2), message, "write `?` where the name has its `#`"));
            }
            Some('!') if !escaped && at == 0 => {
                let message = "a pattern cannot be negated with `!`";
                let hint = "write the exception without `!` on a line further down, with its owners or none";
                return Err(Fault::new((0, 1), message, hint));
            }
            Some(c @ ('[' | ']')) if !escaped => {
                let message =
                    format!("a pattern cannot hold `{c}`: there are no ranges of characters");
                let hint = "write `?` for one character, or a line for each of them";
                return Err(Fault::new((at, 1), &message, hint));
            }
            Some(c) if c.is_control() => {
                let message =
                    format!("a pattern cannot hold the control character {}", c.escape_unicode());
                return Err(Fault::new((at, 1), &message, "take it away"));
            }
            Some('*') if !escaped => Token::Star,
            Some('?') if !escaped => Token::One,
            Some(c) => Token::Char(c),
        };
        names.last_mut().expect("there is always one name").push(token);
    }
    Ok(names)
}

/// Makes a part of a name; no path has the names that are refused.
fn part_of(name: Vec<Token>, whole: (usize, usize)) -> Result<Part, Fault> {
    if name.is_empty() {
        let message = "the pattern has two slashes side by side and matches nothing";
        return Err(Fault::new(whole, message, "take one of them away"));
    }
    if name.iter().all(|token| *token == Token::Char('.')) && name.len() <= 2 {
        let message = "the pattern has `.` or `..` as a name and matches nothing";
        return Err(Fault::new(
            whole,
            message,
            "write it from the root of the repository: `/docs/`",
        ));
    }
    if name.iter().all(|token| *token == Token::Star) {
        return Ok(if name.len() == 2 { Part::Many } else { Part::One });
    }
    let literal: Option<String> = name
        .iter()
        .map(|token| match token {
            Token::Char(c) => Some(*c),
            Token::One | Token::Star => None,
        })
        .collect();
    if let Some(literal) = literal {
        return Ok(Part::Literal(literal));
    }
    let mut tokens = name;
    tokens.dedup_by(|one, other| *one == Token::Star && *other == Token::Star);
    let least = tokens.iter().filter(|token| **token != Token::Star).count();
    Ok(Part::Glob(Glob { tokens, least }))
}

/// Writes what means the same in the same way: `One` before `Many`, and `Many` once.
fn in_order(parts: Vec<Part>) -> Vec<Part> {
    let mut ordered: Vec<Part> = Vec::with_capacity(parts.len());
    let mut any = false;
    for part in parts {
        match part {
            Part::Many => any = true,
            Part::One => ordered.push(Part::One),
            part => {
                if std::mem::take(&mut any) {
                    ordered.push(Part::Many);
                }
                ordered.push(part);
            }
        }
    }
    if any {
        ordered.push(Part::Many);
    }
    ordered
}
