//! What GitHub could not deliver to the App's hook, and has deliver again. Nothing is read from it but that it happened.

use jiff::Timestamp;
use reqwest::Method;
use serde::Deserialize;

use super::client::{GitHub, next_page};
use super::judge::{Refused, not_understood};

/// How many pages are looked through, newest first.
const PAGES: usize = 5;

/// How often one is asked for in all.
const ATTEMPTS: usize = 3;

/// An attempt to deliver («REST API endpoints for GitHub App webhooks»).
#[derive(Clone, Debug, Deserialize, PartialEq, Eq)]
pub struct DeliveryAttempt {
    /// Its own number.
    pub id: u64,
    /// The delivery's, the same for each attempt.
    pub guid: String,
    /// When.
    pub delivered_at: Timestamp,
    /// What was answered; 0 where nothing was.
    #[serde(default)]
    pub status_code: u16,
    /// What it is about.
    pub event: String,
}

impl DeliveryAttempt {
    /// Tells whether it was taken.
    pub fn is_taken(&self) -> bool {
        (200..300).contains(&self.status_code)
    }
}

impl GitHub {
    /// Lists attempts to deliver to the App's hook since a time, newest first, at most some hundreds.
    pub async fn deliveries(&self, since: Timestamp) -> Result<Vec<DeliveryAttempt>, Refused> {
        let mut route = "/app/hook/deliveries?per_page=100".to_owned();
        let mut all = Vec::new();
        for _ in 0..PAGES {
            let answer = self.core().as_app((Method::GET, &route)).await?;
            let page: Vec<DeliveryAttempt> = serde_json::from_slice(&answer.body)
                .map_err(|_| not_understood(&Method::GET, "the deliveries of the App's hook"))?;
            let is_past = page.last().is_none_or(|last| last.delivered_at < since);
            all.extend(page.into_iter().filter(|attempt| attempt.delivered_at >= since));
            match next_page(&answer.headers) {
                Some(next) if !is_past => route = next,
                _ => break,
            }
        }
        Ok(all)
    }

    /// Has those delivered again that were never taken, at most so many; returns how many.
    pub async fn deliver_again(&self, since: Timestamp, most: usize) -> Result<usize, Refused> {
        let attempts = self.deliveries(since).await?;
        let mut asked = 0;
        for attempt in missed(&attempts).into_iter().take(most) {
            let route = format!("/app/hook/deliveries/{}/attempts", attempt.id);
            match self.core().as_app((Method::POST, &route)).await {
                Ok(_) => asked += 1,
                // It is too old to be delivered again.
                Err(refused) if matches!(refused.status, 400 | 404 | 422) => {}
                Err(refused) => return Err(refused),
            }
        }
        Ok(asked)
    }
}

/// Returns the newest attempt of each delivery that was never taken and may be asked for once more, oldest first.
fn missed(attempts: &[DeliveryAttempt]) -> Vec<&DeliveryAttempt> {
    let mut missed: Vec<&DeliveryAttempt> = Vec::new();
    for attempt in attempts {
        let same = || attempts.iter().filter(|other| other.guid == attempt.guid);
        let is_newest = same().all(|other| other.id <= attempt.id);
        if is_newest && same().count() < ATTEMPTS && !same().any(DeliveryAttempt::is_taken) {
            missed.push(attempt);
        }
    }
    missed.sort_by_key(|attempt| attempt.id);
    missed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_taken_once_or_failed_thrice_is_left_alone() {
        let attempt = |id: u64, guid: &str, status_code: u16| DeliveryAttempt {
            id,
            guid: guid.to_owned(),
            delivered_at: Timestamp::UNIX_EPOCH,
            status_code,
            event: "push".to_owned(),
        };
        let attempts = [
            attempt(9, "taken later", 202),
            attempt(8, "twice", 502),
            attempt(7, "thrice", 0),
            attempt(6, "thrice", 0),
            attempt(5, "thrice", 0),
            attempt(4, "twice", 502),
            attempt(3, "once", 404),
            attempt(2, "taken later", 503),
            attempt(1, "taken", 200),
        ];
        let ids: Vec<u64> = missed(&attempts).into_iter().map(|attempt| attempt.id).collect();
        assert_eq!(ids, [3, 8]);
    }
}
