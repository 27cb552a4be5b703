//! Looks after open requests while a daemon runs: those that were taken down are filed, those that are filed are followed. It
//! drives nothing.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::desk::{Desk, RequestError};
use crate::causes::chain;
use crate::store::{RequestState, ServiceRequest, Store, StoreError, is_about_proposals};

/// How often requests are looked at.
#[derive(Clone, Copy, Debug)]
pub struct FollowPace {
    /// Between two looks at what is recorded.
    pub every: Duration,
    /// Between two questions to the forge about what is filed there; a message of it asks at once.
    pub forge: Duration,
}

impl FollowPace {
    /// Returns the pace for a forge, which is on this machine or elsewhere.
    pub fn of(is_here: bool) -> Self {
        let forge = Duration::from_secs(if is_here { 1 } else { 60 });
        Self { every: Duration::from_millis(300), forge }
    }
}

/// After a request failed to get on outside, how long until it is tried again.
const PAUSE: Duration = Duration::from_secs(5);

/// Looks after open requests until it is told to stop.
pub async fn follow(desk: Desk, pace: FollowPace, stop: impl Future<Output = ()>) {
    tokio::pin!(stop);
    let (mut heard, mut next, mut paused) = (None, Instant::now(), Instant::now());
    loop {
        tokio::select! {
            () = &mut stop => return,
            () = sleep(pace.every) => {}
        }
        let now = Instant::now();
        let is_told = match news(&*desk.store, &mut heard).await {
            Ok(is_told) => is_told,
            Err(error) => {
                tracing::warn!("messages can't be read: {}", chain(&error));
                false
            }
        };
        let asks = now >= next || is_told;
        if asks {
            next = now + pace.forge;
        }
        match pass(&desk, asks, now >= paused).await {
            Ok(0) => {}
            Ok(_) => paused = Instant::now() + PAUSE,
            Err(error) => tracing::warn!("requests can't be looked at: {}", chain(&error)),
        }
    }
}

/// Looks at all open requests once; returns how many failed to get on outside.
async fn pass(desk: &Desk, asks: bool, tries: bool) -> Result<usize, RequestError> {
    let mut failed = 0;
    for request in desk.store.open_service_requests().await? {
        if is_stuck(&request) && !tries {
            continue;
        }
        match desk.look(request, asks).await {
            Ok(now) => failed += usize::from(is_stuck(&now)),
            Err(error @ RequestError::Store(_)) => return Err(error),
            Err(error) => tracing::warn!("a request can't be looked at: {}", chain(&error)),
        }
    }
    Ok(failed)
}

/// Tells whether a request is to be filed or called off, and that failed outside when it was tried last.
fn is_stuck(request: &ServiceRequest) -> bool {
    let progress = &request.progress;
    let is_to_be_done = progress.state == RequestState::Submitted || progress.aborted.is_some();
    progress.failing && is_to_be_done
}

/// Tells whether messages have come that are about proposals or the branch; those that were there before are no news.
async fn news(store: &dyn Store, heard: &mut Option<i64>) -> Result<bool, StoreError> {
    let arrived = store.arrivals_after(heard.unwrap_or(0)).await?;
    let is_first = heard.is_none();
    *heard = Some(arrived.last().map_or(heard.unwrap_or(0), |(seq, _)| *seq));
    Ok(!is_first && arrived.iter().any(|(_, about)| is_about_proposals(about)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::view_sample::at;
    use crate::store::{Arrival, RequestKind, RequestProgress, SqliteStore};

    #[tokio::test]
    async fn messages_of_reviews_are_news_whatever_head_they_name() {
        let store = SqliteStore::in_memory("main").await.expect("opens");
        let arrive = async |about: &str| {
            let (id, about) = (format!("test/{about}"), about.to_owned());
            let arrival = Arrival { id, about, body: None };
            assert!(store.arrive(at(1), &arrival).await.expect("kept"));
        };
        let mut heard = None;
        let mut told = async || news(&store, &mut heard).await.expect("read");
        assert!(!told().await, "nothing was there");
        for about in ["reviews:c0ffee", "reviews", "catalog"] {
            arrive(about).await;
            assert!(told().await, "{about}");
            assert!(!told().await, "{about} is heard once");
        }
        arrive("jira:1").await;
        arrive("reviewsomething").await;
        assert!(!told().await);
        arrive("reviews:c1").await;
        assert!(!news(&store, &mut None).await.expect("read"), "it was there before");
    }

    #[test]
    fn who_failed_outside_is_told_by_a_fact_and_not_by_words() {
        let mut request = ServiceRequest {
            id: "q1".to_owned(),
            by: "ada".to_owned(),
            email: String::new(),
            kind: RequestKind::Create,
            offer: "postgres".to_owned(),
            service: "db".to_owned(),
            team: "payments".to_owned(),
            environment: None,
            reason: String::new(),
            path: String::new(),
            base: String::new(),
            content: None,
            files: Vec::new(),
            branch: String::new(),
            marker: String::new(),
            title: String::new(),
            body: String::new(),
            at: at(1),
            progress: RequestProgress::new(at(1)),
            version: 0,
        };
        request.progress.why = Some("tried again: nobody says so".to_owned());
        assert!(!is_stuck(&request));
        request.progress.failing = true;
        assert!(is_stuck(&request));
        request.progress.state = RequestState::Proposed;
        assert!(!is_stuck(&request), "it is filed, and only followed");
        request.progress.aborted = Some(("ada".to_owned(), "no more".to_owned()));
        assert!(is_stuck(&request));
    }
}
