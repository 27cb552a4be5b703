//! How values stand in columns: times as milliseconds, digests and states as words, the rest as JSON.

use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::digest::Digest;
use crate::store::StoreError;

/// How many rows one statement writes: a few numbers, so that each statement is prepared once.
const TOGETHER: [usize; 4] = [64, 16, 4, 1];

/// Splits what is to be written into what one statement takes.
pub(super) fn together<T>(all: &[T]) -> impl Iterator<Item = &[T]> {
    let mut rest = all;
    std::iter::from_fn(move || {
        let most = TOGETHER.into_iter().find(|most| *most <= rest.len())?;
        let (now, later) = rest.split_at(most);
        rest = later;
        Some(now)
    })
}

/// Writes a value as JSON.
pub(super) fn to_json<T: Serialize>(what: &'static str, value: &T) -> Result<String, StoreError> {
    serde_json::to_string(value).map_err(StoreError::unreadable(what))
}

/// Reads a value from JSON.
pub(super) fn from_json<T: DeserializeOwned>(
    what: &'static str,
    text: &str,
) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(StoreError::unreadable(what))
}

/// Writes a value that serialises to one word.
pub(super) fn to_word<T: Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(Value::String(word)) => word,
        _ => String::new(),
    }
}

/// Reads a value from its word.
pub(super) fn from_word<T: DeserializeOwned>(
    what: &'static str,
    word: String,
) -> Result<T, StoreError> {
    serde_json::from_value(Value::String(word)).map_err(StoreError::unreadable(what))
}

/// Reads a time.
pub(super) fn time(milliseconds: i64) -> Result<Timestamp, StoreError> {
    Timestamp::from_millisecond(milliseconds).map_err(StoreError::unreadable("a time"))
}

/// Reads a digest.
pub(super) fn digest(text: &str) -> Result<Digest, StoreError> {
    text.parse().map_err(StoreError::unreadable("a digest"))
}
