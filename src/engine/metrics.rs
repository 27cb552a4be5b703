//! What is counted of the loop and of runs, for whoever scrapes it. It is plain data in memory: it is sent to nobody, and
//! who reads it slowly, or not at all, holds nothing up.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::Registry;

use super::github_metrics::OfGitHub;
use super::unit_state::UnitState;
use crate::forge::github::Memory;
use crate::run::{Breaker, BreakerKey, BreakerState, RunState};

/// What `GET /metrics` is answered with.
pub const METRICS_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// How long ticks take, in seconds.
const TICKS: [f64; 10] = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 120.0];
/// How long attempts at steps take, in seconds.
const STEPS: [f64; 11] = [0.01, 0.05, 0.1, 0.5, 1.0, 5.0, 30.0, 60.0, 300.0, 1_800.0, 7_200.0];

type Labels<const N: usize> = [(&'static str, String); N];
type Seconds<const N: usize> = Family<Labels<N>, Histogram, fn() -> Histogram>;

/// What is counted, shared between who counts and who reads.
#[derive(Clone)]
pub struct Metrics(Arc<Inner>);

struct Inner {
    registry: Registry,
    ticks: Counter,
    tick_seconds: Histogram,
    plan_changes: Gauge,
    runs: Family<Labels<2>, Counter>,
    step_seconds: Seconds<1>,
    queue_depth: Gauge,
    queue_age: Gauge<f64, AtomicU64>,
    breakers: Family<Labels<2>, Gauge>,
    services: Family<Labels<1>, Gauge>,
    webhooks: Family<Labels<1>, Counter>,
}

impl Default for Metrics {
    fn default() -> Self {
        Self::of(Arc::default())
    }
}

impl Metrics {
    /// Begins to count; what is remembered of GitHub is told with the rest.
    pub fn of(github: Arc<Memory>) -> Self {
        let mut inner = Inner {
            registry: Registry::with_prefix("trueline"),
            ticks: Counter::default(),
            tick_seconds: Histogram::new(TICKS),
            plan_changes: Gauge::default(),
            runs: Family::default(),
            step_seconds: Family::new_with_constructor(|| Histogram::new(STEPS)),
            queue_depth: Gauge::default(),
            queue_age: Gauge::default(),
            breakers: Family::default(),
            services: Family::default(),
            webhooks: Family::default(),
        };
        inner.register();
        inner.registry.register_collector(Box::new(OfGitHub(github)));
        Self(Arc::new(inner))
    }
}

impl Inner {
    fn register(&mut self) {
        let all = &mut self.registry;
        let version = Info::new([("version", env!("CARGO_PKG_VERSION"))]);
        all.register("build", "What this is", version);
        all.register("ticks", "Ticks that did their work", self.ticks.clone());
        all.register("tick_duration_seconds", "How long ticks take", self.tick_seconds.clone());
        all.register("plan_changes", "Changes in the newest plan", self.plan_changes.clone());
        let runs = "Runs that ended, by what they did and how they ended";
        all.register("runs", runs, self.runs.clone());
        let steps = "How long attempts at steps take, by type of action";
        all.register("step_duration_seconds", steps, self.step_seconds.clone());
        all.register("queue_depth", "Runs that wait for their turn", self.queue_depth.clone());
        let age = "How long the oldest of the runs that wait for their turn has waited";
        all.register("queue_age_seconds", age, self.queue_age.clone());
        let breakers = "Whom steps ask: 0 asked as always, 1 asked once to see, 2 not asked";
        all.register("breaker_state", breakers, self.breakers.clone());
        all.register("services", "Services, by how they stand", self.services.clone());
        let webhooks = "Messages that others posted, by what became of them";
        all.register("webhooks", webhooks, self.webhooks.clone());
    }
}

impl fmt::Debug for Metrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Metrics")
    }
}

impl Metrics {
    /// Writes all of it in the text format of `OpenMetrics`.
    pub fn text(&self) -> String {
        let mut text = String::new();
        // Writing to a text can't fail.
        let _ = encode(&mut text, &self.0.registry);
        text
    }

    /// Counts a tick that did its work.
    pub fn ticked(&self, took: Duration) {
        self.0.ticks.inc();
        self.0.tick_seconds.observe(took.as_secs_f64());
    }

    /// Counts a run that ended.
    pub fn run_ended(&self, kind: impl fmt::Display, state: RunState) {
        let labels = [("action", kind.to_string()), ("outcome", state.to_string())];
        self.0.runs.get_or_create(&labels).inc();
    }

    /// Counts an attempt at a step, by the type of its action.
    pub fn attempted(&self, action: &str, took: Duration) {
        let labels = [("action", action.to_owned())];
        self.0.step_seconds.get_or_create(&labels).observe(took.as_secs_f64());
    }

    /// Counts a message that somebody posted, by what became of it: `accepted`, `repeated`, `ignored` (about nothing
    /// that is known here), `refused`.
    pub fn posted(&self, result: &'static str) {
        self.0.webhooks.get_or_create(&[("result", result.to_owned())]).inc();
    }

    /// Says how many changes are planned, and which runs wait: how many, and how long the oldest has.
    pub fn planned(&self, changes: usize, (depth, oldest): (usize, Duration)) {
        self.0.plan_changes.set(whole(changes));
        self.0.queue_depth.set(whole(depth));
        self.0.queue_age.set(oldest.as_secs_f64());
    }

    /// Says whom steps ask, and whether they may just now.
    pub fn asks<'b>(&self, breakers: impl Iterator<Item = (&'b BreakerKey, &'b Breaker)>) {
        for (key, breaker) in breakers {
            let state = match breaker.state {
                BreakerState::Closed => 0,
                BreakerState::HalfOpen => 1,
                BreakerState::Open { .. } => 2,
            };
            let labels = [("action", key.action.clone()), ("target", key.target.clone())];
            self.0.breakers.get_or_create(&labels).set(state);
        }
    }

    /// Says how services stand; states that none has are said too.
    pub fn services(&self, states: &BTreeMap<UnitState, usize>) {
        for state in UnitState::ALL {
            let number = states.get(&state).copied().unwrap_or_default();
            self.0.services.get_or_create(&[("state", state.to_string())]).set(whole(number));
        }
    }
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::run::{BreakerPolicy, Fault, Verdict};

    #[test]
    fn what_is_counted_has_the_names_that_are_documented() {
        let metrics = Metrics::default();
        metrics.ticked(Duration::from_millis(3));
        metrics.run_ended("create", RunState::Succeeded);
        metrics.run_ended("create", RunState::Succeeded);
        metrics.attempted("rest-api", Duration::from_secs(2));
        metrics.posted("accepted");
        metrics.planned(4, (2, Duration::from_secs(90)));
        let key = BreakerKey { action: "rest-api".to_owned(), target: "a\"b\n".to_owned() };
        let mut open = Breaker::default();
        let policy = BreakerPolicy { failures: 1, ..BreakerPolicy::default() };
        let fails = Verdict::of(&Err::<(), _>(Fault::transient("503")));
        open.end(0, fails, &policy, (jiff::Timestamp::UNIX_EPOCH, 0.0));
        metrics.asks([(&key, &open)].into_iter());
        metrics.services(&[(UnitState::Ready, 7)].into());
        let text = metrics.text();
        for line in [
            "trueline_ticks_total 1",
            "trueline_tick_duration_seconds_count 1",
            "trueline_plan_changes 4",
            "trueline_runs_total{action=\"create\",outcome=\"succeeded\"} 2",
            "trueline_step_duration_seconds_bucket{le=\"5.0\",action=\"rest-api\"} 1",
            "trueline_queue_depth 2",
            "trueline_queue_age_seconds 90.0",
            "trueline_breaker_state{action=\"rest-api\",target=\"a\\\"b\\n\"} 2",
            "trueline_webhooks_total{result=\"accepted\"} 1",
            "trueline_services{state=\"ready\"} 7",
            "trueline_services{state=\"held\"} 0",
        ] {
            assert!(text.lines().any(|it| it == line), "{line}\n{text}");
        }
        let version = concat!("trueline_build_info{version=\"", env!("CARGO_PKG_VERSION"), "\"} 1");
        assert!(text.contains(version) && text.ends_with("# EOF\n"), "{text}");
    }
}
