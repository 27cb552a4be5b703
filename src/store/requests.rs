//! Requests that are sent with a key so that they may be sent again: the first one counts, and its answer is kept.

use async_trait::async_trait;
use jiff::Timestamp;

use super::error::StoreError;

/// The answer that a request got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// Its status.
    pub status: u16,
    /// Its body and what else is given again.
    pub body: String,
}

/// How a request with a key stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Begun {
    /// It is the first; its answer is to be kept.
    First,
    /// It was answered before.
    Answered(Answer),
    /// The key belongs to another request.
    Other,
    /// The first one has not ended, or the process ended while it was carried out.
    Underway,
}

/// Keeps requests and their answers.
#[async_trait]
pub trait RequestStore {
    /// Takes a request down by its key; what was taken down before a moment is forgotten.
    async fn begin_request(
        &self,
        (who, key, digest): (&str, &str, &str),
        at: Timestamp,
        forget_before: Timestamp,
    ) -> Result<Begun, StoreError>;
    /// Keeps its answer; none means that it took no effect, and that the key is free again.
    async fn end_request(
        &self,
        (who, key): (&str, &str),
        answer: Option<&Answer>,
    ) -> Result<(), StoreError>;
}
