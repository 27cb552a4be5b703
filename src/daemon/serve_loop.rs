//! Runs ticks when something pokes, and drives steps in between, until it is told to stop. Then it drains.

use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep_until};

use super::daemon::Daemon;
use super::error::TickError;
use crate::causes::chain;
use crate::engine::{Attempt, EngineError, News, Seen, observe};

/// How often the loop does what nobody pokes it to.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// Between two looks at the catalog; a tenth of it is jitter.
    pub poll: Duration,
    /// Between two looks for decisions of other processes.
    pub decisions: Duration,
    /// Between two drift sweeps.
    pub sweep: Duration,
    /// How long steps in effect are waited for at the end.
    pub drain: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_mins(1),
            decisions: Duration::from_millis(500),
            sweep: Duration::from_mins(5),
            drain: Duration::from_secs(30),
        }
    }
}

/// The longest that is slept until a scheduled sweep, for clocks are set.
const LONGEST_SLEEP: Duration = Duration::from_mins(1);

/// How long the end of a run waits for that of others before all is looked at again.
const TOGETHER: Duration = Duration::from_millis(50);

type Sweep = JoinHandle<Result<Vec<Seen>, EngineError>>;

/// What pokes the loop besides time.
struct Loop<'a> {
    daemon: &'a mut Daemon,
    pace: Pace,
    next_poll: Instant,
    next_sweep: Instant,
    next_decision: Instant,
    wake: Option<Instant>,
    sweep: Option<Sweep>,
}

/// Runs the loop until `stop` comes; what is in effect then is waited for.
pub async fn run(
    daemon: &mut Daemon,
    pace: Pace,
    pokes: &mut mpsc::Receiver<()>,
    stop: impl Future<Output = ()>,
) -> Result<(), TickError> {
    let now = Instant::now();
    let mut state = Loop {
        daemon,
        pace,
        next_poll: now,
        next_sweep: now + pace.sweep,
        next_decision: now + pace.decisions,
        wake: None,
        sweep: None,
    };
    tokio::pin!(stop);
    let mut listening = true;
    loop {
        let wake = state.wake.unwrap_or(state.next_poll);
        let outcome = tokio::select! {
            () = &mut stop => break,
            news = state.daemon.driver.news() => state.hear(news).await,
            poke = pokes.recv(), if listening => {
                listening = poke.is_some();
                state.tick().await
            }
            () = sleep_until(state.next_poll) => state.tick().await,
            () = sleep_until(wake), if state.wake.is_some() => state.advance().await,
            () = sleep_until(state.next_decision) => state.decide().await,
            () = sleep_until(state.next_sweep), if state.sweep.is_none() => state.begin_sweep().await,
            seen = finished(&mut state.sweep) => state.end_sweep(seen).await,
        };
        state.survive(outcome)?;
    }
    state.drain().await
}

async fn finished(sweep: &mut Option<Sweep>) -> Result<Vec<Seen>, EngineError> {
    let Some(handle) = sweep else { return std::future::pending().await };
    let seen = handle.await.unwrap_or_else(|_| Ok(Vec::new()));
    *sweep = None;
    seen
}

impl Loop<'_> {
    async fn tick(&mut self) -> Result<(), TickError> {
        let jitter = self.pace.poll.mul_f64(0.1 * f64::from(jitter_percent()) / 100.0);
        self.next_poll = Instant::now() + self.pace.poll + jitter;
        let began = Instant::now();
        self.daemon.tick().await?;
        self.daemon.health.metrics.ticked(began.elapsed());
        if let Some(next) = self.daemon.timetable.next {
            self.next_poll = self.next_poll.min(self.moment(next));
        }
        self.advance().await
    }

    /// Returns when a moment of the clock comes; one that is past comes at once.
    fn moment(&self, at: Timestamp) -> Instant {
        let now = self.daemon.driver.engine.clock.now();
        let ms = at.as_millisecond().saturating_sub(now.as_millisecond()).max(1);
        Instant::now() + Duration::from_millis(ms.unsigned_abs())
    }

    /// Only a lost lease ends the loop; everything else is told and tried again. What was in effect and could
    /// not be journaled is taken up under its key, as after a crash.
    fn survive(&mut self, outcome: Result<(), TickError>) -> Result<(), TickError> {
        let Err(error) = outcome else { return Ok(()) };
        if error.is_lease_lost() {
            return Err(error);
        }
        tracing::error!("the loop could not do its work: {}", chain(&error));
        let mut report = self.daemon.health.get();
        report.trouble = Some(chain(&error));
        self.daemon.health.set(report);
        self.wake = None;
        self.next_poll = Instant::now() + self.pace.poll.min(Duration::from_secs(5));
        Ok(())
    }

    async fn hear(&mut self, news: News) -> Result<(), TickError> {
        match news {
            News::Attempt(attempt) => self.take(*attempt).await,
            News::Forecast(made) => {
                self.daemon.driver.take_forecast(made);
                self.tick().await
            }
            News::Unwritten(error) => Err(error.into()),
        }
    }

    async fn take(&mut self, attempt: Attempt) -> Result<(), TickError> {
        let catalog = self.daemon.catalog.clone();
        let open = self.daemon.driver.memory.runs.len();
        let at = self.daemon.driver.take_all(attempt, &catalog).await?;
        self.wake_at(at);
        // A run that ended may let others on, or leave something still to be done; of many that end, not each for itself.
        if self.daemon.driver.memory.runs.len() != open {
            let pause = if self.daemon.driver.is_busy() { TOGETHER } else { Duration::ZERO };
            self.next_poll = self.next_poll.min(Instant::now() + pause);
        }
        Ok(())
    }

    async fn advance(&mut self) -> Result<(), TickError> {
        let catalog = self.daemon.catalog.clone();
        let open = self.daemon.driver.memory.runs.len();
        let at = self.daemon.driver.advance(&catalog).await?;
        self.wake_at(at);
        if self.daemon.driver.memory.runs.len() < open {
            self.next_poll = Instant::now();
        }
        Ok(())
    }

    fn wake_at(&mut self, at: Option<Timestamp>) {
        let now = self.daemon.driver.engine.clock.now();
        self.wake = at.map(|at| {
            let ms = at.as_millisecond().saturating_sub(now.as_millisecond()).max(1);
            Instant::now() + Duration::from_millis(ms.unsigned_abs())
        });
    }

    async fn decide(&mut self) -> Result<(), TickError> {
        self.next_decision = Instant::now() + self.pace.decisions;
        let catalog = self.daemon.catalog.clone();
        let heard = self.daemon.driver.hear().await?;
        if self.daemon.driver.decide(&catalog).await? > 0 || heard.catalog {
            self.tick().await?;
        } else if heard.steps > 0 {
            self.advance().await?;
        } else {
            self.daemon.prune().await?;
        }
        Ok(())
    }

    /// Sweeps where its time has come; of a schedule, none twice.
    async fn begin_sweep(&mut self) -> Result<(), TickError> {
        let is_due = self.daemon.sweep_is_due().await?;
        if is_due {
            self.start_sweep();
        }
        if let Some(next) = self.daemon.next_sweep() {
            // A clock that is set is not slept through.
            self.next_sweep = self.moment(next).min(Instant::now() + LONGEST_SLEEP);
        }
        Ok(())
    }

    fn start_sweep(&mut self) {
        let keys = self.daemon.driver.observable();
        self.sweep = Some(tokio::spawn(observe(self.daemon.driver.engine.clone(), keys)));
        self.next_sweep = Instant::now() + self.pace.sweep;
    }

    async fn end_sweep(&mut self, seen: Result<Vec<Seen>, EngineError>) -> Result<(), TickError> {
        if self.daemon.driver.take_seen(seen?).await? > 0 {
            self.tick().await?;
        }
        Ok(())
    }

    /// Waits for what is in effect; nothing new starts.
    async fn drain(&mut self) -> Result<(), TickError> {
        let until = Instant::now() + self.pace.drain;
        let catalog = self.daemon.catalog.clone();
        // What was begun begins before programs are told; what could not be written is taken up by the next process.
        if let Err(error) = self.daemon.driver.be_sure().await {
            tracing::error!("what was done last could not be written: {}", chain(&error));
        }
        // Programs are told before they are cut off, and may save what they have.
        self.daemon.driver.engine.ports.stop.ask(self.pace.drain.mul_f64(0.8));
        while self.daemon.driver.is_busy() {
            tokio::select! {
                attempt = self.daemon.driver.finished() => {
                    self.daemon.driver.take(attempt, &catalog).await?;
                }
                () = sleep_until(until) => break,
            }
        }
        self.daemon.save_state().await?;
        let engine = &self.daemon.driver.engine;
        engine.store.release(&engine.lease).await?;
        Ok(())
    }
}

/// Draws a number from 0 to 99.
fn jitter_percent() -> u8 {
    let mut byte = [0_u8; 1];
    getrandom::fill(&mut byte).expect("the operating system gives random bytes");
    let [byte] = byte;
    byte % 100
}
