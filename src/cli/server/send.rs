//! How something is sent to a server: under one key, and again where its answer was lost or it asked to be asked later, for so
//! long in all. It reads no answer.

use std::sync::atomic::Ordering;
use std::time::Duration;

use reqwest::Method;
use serde_json::Value;
use tokio::time::{Instant, sleep};

use super::answer::{LOOK_FIRST, is_for_later, is_lost, why_again};
use super::{Failure, Server, cell};
use crate::action::{Request, Response};
use crate::run::{Fault, FaultClass};

/// How long something is asked for again.
pub(super) const PATIENCE: Patience = Patience {
    known: Duration::from_mins(2),
    strange: Duration::from_secs(3),
    pause: Duration::from_millis(500),
};

/// How long one answer may take.
const ANSWERS: Duration = Duration::from_mins(1);

/// How long is waited at once at most, whatever a server says.
const LONGEST: Duration = Duration::from_secs(10);

/// How long something is asked for again, from when it was asked for first.
#[derive(Clone, Copy, Debug)]
pub(in crate::cli) struct Patience {
    /// Where the server answered before, or was sent something.
    pub(super) known: Duration,
    /// Where it never answered: its address may be wrong.
    pub(super) strange: Duration,
    /// Before it is asked for the second time, where the server does not say; twice as long each time after.
    pub(super) pause: Duration,
}

/// What is asked of a server.
pub(super) struct Asked<'a> {
    pub(super) method: Method,
    /// Below `/api/v1`.
    pub(super) path: &'a str,
    pub(super) accept: &'a str,
    pub(super) body: Option<&'a Value>,
}

impl Server {
    /// Sends it until it is answered, or the patience is over.
    pub(super) async fn send(&self, asked: &Asked<'_>) -> Result<Response, Failure> {
        leads_below(asked.path)?;
        let key = asked.body.map(|_| fresh_key());
        let (begun, mut pause, mut tries) = (Instant::now(), self.patience.pause, 0);
        // Whether it may have been done, and nobody was told.
        let mut lost = false;
        loop {
            let answer = self.http.send(self.request(asked, key.as_deref())).await;
            tries += 1;
            lost |= key.is_some() && is_lost(&answer);
            let Some(why) = why_again(&answer) else { return self.ended(answer, lost) };
            let wait = later(&answer).unwrap_or(pause).max(self.patience.pause).min(LONGEST);
            let is_over = begun.elapsed() + wait > self.patience_with(&answer, lost);
            if is_over && (tries > 1 || !lost) {
                return self.ended(answer, lost);
            }
            if tries == 1 {
                let url = cell(&self.url);
                self.context.remark(format!("{url} can't be asked just now ({why}): asked again"));
            }
            sleep(wait).await;
            pause = pause.saturating_mul(2);
        }
    }

    fn patience_with(&self, answer: &Result<Response, Fault>, lost: bool) -> Duration {
        if answer.is_ok() {
            self.answered.store(true, Ordering::Relaxed);
        }
        let is_known = lost || self.answered.load(Ordering::Relaxed);
        if is_known { self.patience.known } else { self.patience.strange }
    }

    /// Hands the last answer over; where nobody knows what became of what was sent, says that.
    fn ended(&self, answer: Result<Response, Fault>, lost: bool) -> Result<Response, Failure> {
        match answer {
            Ok(answer) if lost && is_for_later(&answer) => {
                Err(self.refusal(&answer).hint(LOOK_FIRST))
            }
            Ok(answer) => {
                self.answered.store(true, Ordering::Relaxed);
                Ok(answer)
            }
            Err(fault) => Err(self.unreached(&fault, lost)),
        }
    }

    fn request(&self, asked: &Asked<'_>, key: Option<&str>) -> Request {
        let header = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        let mut headers = vec![
            header("authorization", &format!("Bearer {}", self.token.reveal())),
            header("accept", asked.accept),
        ];
        if let Some(key) = key {
            headers.push(header("content-type", "application/json"));
            headers.push(header("idempotency-key", key));
        }
        Request {
            method: asked.method.clone(),
            url: format!("{}/api/v1{}", self.url, asked.path),
            headers,
            body: asked.body.map(|body| body.to_string().into_bytes()).unwrap_or_default(),
            timeout: ANSWERS,
        }
    }

    fn unreached(&self, fault: &Fault, lost: bool) -> Failure {
        let (url, why) = (cell(&self.url), cell(&fault.message));
        let failure = Failure::usage(format!("{url} can't be asked: {why}"));
        if lost {
            return failure.hint(LOOK_FIRST);
        }
        if !is_about_trust(fault) {
            return failure
                .hint("is it running, and is its address right? `curl` to its /livez tells");
        }
        failure.hint(
            "where an authority of your own vouches for it, name its certificates with `[egress] authorities` in a file, \
             and the file with `--config`",
        )
    }
}

/// Tells whether it is its certificate that keeps a server from being asked: that does not pass.
pub(super) fn is_about_trust(fault: &Fault) -> bool {
    fault.class != FaultClass::Unknown && fault.message.contains("certificate")
}

/// Reads when a server wants to be asked again.
fn later(answer: &Result<Response, Fault>) -> Option<Duration> {
    let seconds = answer.as_ref().ok()?.header("retry-after")?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// Refuses names that lead out of where they stand: however a dot is written, `.` and `..` are never part of a path.
fn leads_below(path: &str) -> Result<(), Failure> {
    let path = path.split('?').next().unwrap_or_default();
    let mut segments = path.split('/').map(str::to_ascii_lowercase);
    if segments.any(|segment| matches!(segment.replace("%2e", ".").as_str(), "." | "..")) {
        return Err(Failure::usage("nothing on a server is named `.` or `..`"));
    }
    Ok(())
}

/// Draws what one request is known again by.
pub(super) fn fresh_key() -> String {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    format!("cli-{}", crate::digest::Digest::of_bytes(&bytes))
}
