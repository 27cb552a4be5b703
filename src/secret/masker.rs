//! Hides secrets in texts and in streams of bytes, however they are written there. It keeps no text.

use std::fmt;

use serde_json::Value;

use super::forms::{Form, Found, MOST_BYTES_OF_A_CHARACTER, Places, forms_of};
use super::{MASK, Secret};

/// The bytes that begin a character written in another way than it is.
const ESCAPES: [u8; 4] = *b"\\%&'";

/// Hides secrets, in whatever encoding: as they are, in JSON, URLs, forms, HTML, shells, HCL, hexadecimal and base64
/// at any place in it, each of these written in any other; a secret of several lines line by line too.
///
/// Values shorter than four characters, and lines shorter than eight, are left: masking them would blot out
/// ordinary words.
#[derive(Clone, Default)]
pub struct Masker {
    forms: Vec<Form>,
    /// For each byte the forms that can begin with it.
    starts: Vec<Vec<usize>>,
}

impl fmt::Debug for Masker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Masker")
    }
}

impl Masker {
    /// Knows these secrets.
    pub fn new<'s>(secrets: impl IntoIterator<Item = &'s Secret>) -> Self {
        let mut forms: Vec<Form> =
            secrets.into_iter().flat_map(|secret| forms_of(secret.reveal())).collect();
        forms.retain(|form| !form.chars.is_empty());
        let mut starts = vec![Vec::new(); 256];
        for (index, form) in forms.iter().enumerate() {
            for byte in form.first_bytes().into_iter().chain(ESCAPES) {
                let start: Option<&mut Vec<usize>> = starts.get_mut(usize::from(byte));
                if let Some(start) = start.filter(|start| start.last() != Some(&index)) {
                    start.push(index);
                }
            }
        }
        Self { forms, starts }
    }

    /// Hides the secrets in a text.
    pub fn text(&self, text: &str) -> String {
        if self.forms.is_empty() {
            return text.to_owned();
        }
        let mut masked = Vec::with_capacity(text.len());
        self.run(text.as_bytes(), true, &mut masked);
        String::from_utf8_lossy(&masked).into_owned()
    }

    /// Hides the secrets in all texts and numbers of a JSON value, keys included.
    pub fn value(&self, value: &Value) -> Value {
        match value {
            Value::String(text) => Value::String(self.text(text)),
            Value::Number(number) => {
                let text = number.to_string();
                let masked = self.text(&text);
                if masked == text { value.clone() } else { Value::String(masked) }
            }
            Value::Array(items) => items.iter().map(|item| self.value(item)).collect(),
            Value::Object(map) => {
                map.iter().map(|(key, value)| (self.text(key), self.value(value))).collect()
            }
            other => other.clone(),
        }
    }

    /// Begins to hide the secrets in bytes that come piece by piece.
    pub fn stream(&self) -> MaskStream<'_> {
        MaskStream { masker: self, held: Vec::new() }
    }

    /// Writes what can be decided, and returns how many bytes that was.
    fn run(&self, text: &[u8], whole: bool, masked: &mut Vec<u8>) -> usize {
        let mut places = Places::default();
        let mut at = 0;
        while let Some(byte) = text.get(at) {
            if !whole && at + MOST_BYTES_OF_A_CHARACTER > text.len() && !self.forms.is_empty() {
                break;
            }
            let mut end = None;
            for index in self.starts.get(usize::from(*byte)).into_iter().flatten() {
                let Some(form) = self.forms.get(*index) else { continue };
                match form.look(text, at, whole, &mut places) {
                    Found::No => {}
                    Found::Perhaps => return at,
                    Found::Until(place) => end = end.max(Some(place)),
                }
            }
            if let Some(end) = end.filter(|end| *end > at) {
                masked.extend_from_slice(MASK.as_bytes());
                at = end;
            } else {
                masked.push(*byte);
                at += 1;
            }
        }
        at
    }
}

/// Hides secrets in bytes that come piece by piece; a little is held back until more comes.
#[derive(Debug)]
pub struct MaskStream<'m> {
    masker: &'m Masker,
    held: Vec<u8>,
}

impl MaskStream<'_> {
    /// Takes a piece, and returns what can be passed on.
    pub fn push(&mut self, piece: &[u8]) -> Vec<u8> {
        self.held.extend_from_slice(piece);
        let mut masked = Vec::with_capacity(self.held.len());
        let done = self.masker.run(&self.held, false, &mut masked);
        self.held.drain(..done);
        masked
    }

    /// Returns the rest.
    pub fn finish(self) -> Vec<u8> {
        let mut masked = Vec::with_capacity(self.held.len());
        self.masker.run(&self.held, true, &mut masked);
        masked
    }
}

#[cfg(test)]
mod tests;
