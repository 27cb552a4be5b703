//! Reads what stands in brackets and quotes on one line. Like all of `quick`, it leaves what it is not sure of to `parse`.

use serde_json::{Map, Value};

use super::quick::{DEPTH, key, word};

/// The rest of a line.
pub(super) struct Flow<'a>(&'a str);

impl<'a> Flow<'a> {
    pub(super) fn new(line: &'a str) -> Self {
        Self(line)
    }

    /// Returns what has not been read.
    pub(super) fn rest(&self) -> &'a str {
        self.0
    }

    /// Reads one value.
    pub(super) fn value(&mut self, depth: usize) -> Option<Value> {
        if depth > DEPTH {
            return None;
        }
        match self.0.as_bytes().first()? {
            b'[' => self.sequence(depth + 1),
            b'{' => self.mapping(depth + 1),
            b'"' => self.double().map(Value::String),
            b'\'' => self.single().map(Value::String),
            _ => self.plain(),
        }
    }

    fn skip(&mut self, count: usize) -> Option<()> {
        self.0 = self.0.get(count..)?;
        Some(())
    }

    fn blanks(&mut self) {
        self.0 = self.0.trim_start_matches(' ');
    }

    /// Passes a comma, or the bracket that ends it; true where it goes on.
    fn goes_on(&mut self, close: u8) -> Option<bool> {
        self.blanks();
        let byte = *self.0.as_bytes().first()?;
        self.skip(1)?;
        self.blanks();
        match byte {
            b',' => Some(true),
            byte if byte == close => Some(false),
            _ => None,
        }
    }

    fn opens(&mut self, close: char) -> Option<bool> {
        self.skip(1)?;
        self.blanks();
        let Some(rest) = self.0.strip_prefix(close) else { return Some(true) };
        self.0 = rest;
        Some(false)
    }

    fn sequence(&mut self, depth: usize) -> Option<Value> {
        let mut items = Vec::new();
        let mut more = self.opens(']')?;
        let inside = self.0;
        while more {
            items.push(self.value(depth)?);
            more = self.goes_on(b']')?;
        }
        self.close(inside, Value::Array(items))
    }

    fn mapping(&mut self, depth: usize) -> Option<Value> {
        let mut map = Map::new();
        let mut more = self.opens('}')?;
        let inside = self.0;
        while more {
            let (key, rest) = key(self.0)?;
            self.0 = rest;
            self.blanks();
            if map.insert(key.to_owned(), self.value(depth)?).is_some() {
                return None;
            }
            more = self.goes_on(b'}')?;
        }
        self.close(inside, Value::Object(map))
    }

    /// Ends a bracket: blanks behind it are put back, for they tell a comment.
    fn close(&mut self, inside: &'a str, value: Value) -> Option<Value> {
        let read = inside.get(..inside.len() - self.0.len())?;
        let blanks = read.len() - read.trim_end_matches(' ').len();
        self.0 = inside.get(read.len() - blanks..)?;
        Some(value)
    }

    fn double(&mut self) -> Option<String> {
        let mut text = String::new();
        self.skip(1)?;
        loop {
            let end = self.0.find(['"', '\\'])?;
            let (read, rest) = self.0.split_at_checked(end)?;
            text.push_str(read);
            if let Some(rest) = rest.strip_prefix('"') {
                self.0 = rest;
                return Some(text);
            }
            text.push(match rest.as_bytes().get(1)? {
                b'n' => '\n',
                b't' => '\t',
                b'"' => '"',
                b'\\' => '\\',
                _ => return None,
            });
            self.0 = rest.get(2..)?;
        }
    }

    fn single(&mut self) -> Option<String> {
        let mut text = String::new();
        self.skip(1)?;
        loop {
            let (read, rest) = self.0.split_once('\'')?;
            text.push_str(read);
            self.0 = rest;
            match rest.strip_prefix('\'') {
                Some(rest) => self.0 = rest,
                None => return Some(text),
            }
            text.push('\'');
        }
    }

    /// Reads a text without quotes up to what ends it in brackets.
    fn plain(&mut self) -> Option<Value> {
        let end = self.0.find([',', '[', ']', '{', '}', '#', '"', '\''])?;
        let (text, rest) = self.0.split_at_checked(end)?;
        let text = text.trim_end_matches(' ');
        if !rest.starts_with([',', ']', '}']) || text.contains(": ") || text.ends_with(':') {
            return None;
        }
        self.0 = rest;
        word(text)
    }
}
