//! `[limits]` of `trueline.toml`: how much is done at once, for how long, and when to leave somebody alone.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::Deserialize;

use crate::catalog::duration;
use crate::engine::Limits;
use crate::reconcile::Schedule;
use crate::run::{BreakerPolicy, Cap, Capacity};

/// Bounds.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default, rename_all = "camelCase")]
pub struct LimitsConfig {
    /// Steps in effect at once.
    pub concurrency: Option<usize>,
    /// Of one team; three quarters of all where absent.
    pub per_team: Option<usize>,
    /// At one host; 8 where absent.
    pub per_host: Option<usize>,
    /// Of one action type; no bound where absent.
    pub per_type: Option<usize>,
    /// Of teams by name.
    pub teams: BTreeMap<String, usize>,
    /// At hosts by name, with the port where that is unusual.
    pub hosts: BTreeMap<String, usize>,
    /// Of action types by name.
    pub types: BTreeMap<String, usize>,
    /// Between two drift sweeps, as a duration.
    pub sweep: Option<String>,
    /// When drift sweeps come, in the place of `sweep`: `{cron, timezone, catchUp}`.
    #[serde(alias = "sweep_at")]
    pub sweep_at: Option<serde_json::Value>,
    /// How long a step is tried again, as a duration; 7 days where absent.
    pub step_timeout: Option<String>,
    /// How long a run may take, as a duration; for ever where absent.
    pub run_timeout: Option<String>,
    /// How often the process may end in the middle of a step, or a run break it down, before the run is parked.
    pub crashes: Option<u32>,
    /// When whom steps ask is left alone for a while.
    pub breaker: BreakerConfig,
}

/// When whom steps ask is left alone for a while.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct BreakerConfig {
    /// Failures in a row.
    pub failures: Option<u32>,
    /// The first pause, as a duration; each further one is twice as long.
    pub pause: Option<String>,
    /// The longest pause, as a duration.
    pub longest: Option<String>,
}

impl LimitsConfig {
    /// Returns the driver's limits.
    pub fn limits(&self) -> Limits {
        let usual = Limits::default();
        let policy = BreakerPolicy::default();
        let read = |text: &Option<String>| text.as_deref().and_then(duration);
        let capacity = self.concurrency.map_or_else(Capacity::default, Capacity::within);
        let cap = |usual: Cap, each: Option<usize>, named: &BTreeMap<String, usize>| Cap {
            usual: each.or(usual.usual),
            named: named.clone(),
        };
        let breaker = BreakerPolicy {
            failures: self.breaker.failures.unwrap_or(policy.failures),
            pause: read(&self.breaker.pause).unwrap_or(policy.pause),
            longest: read(&self.breaker.longest).unwrap_or(policy.longest),
        };
        Limits {
            capacity: Capacity {
                all: capacity.all,
                teams: cap(capacity.teams, self.per_team, &self.teams),
                actions: cap(capacity.actions, self.per_type, &self.types),
                targets: cap(capacity.targets, self.per_host, &self.hosts),
            },
            breaker: BreakerPolicy { longest: breaker.longest.max(breaker.pause), ..breaker },
            crashes: self.crashes.unwrap_or(usual.crashes),
            step: read(&self.step_timeout).or(usual.step),
            run: read(&self.run_timeout),
            ..usual
        }
    }

    /// Returns how often drift is looked for.
    pub fn sweep(&self, otherwise: Duration) -> Duration {
        self.sweep.as_deref().and_then(duration).unwrap_or(otherwise)
    }

    /// Returns when drift sweeps come, where that is scheduled.
    pub fn sweep_at(&self) -> Option<Schedule> {
        Schedule::read(self.sweep_at.as_ref()?).ok()
    }

    /// Returns all values that can't be meant.
    pub(super) fn problems(&self) -> Vec<String> {
        let mut problems = Vec::new();
        for (key, text) in [
            ("sweep", &self.sweep),
            ("stepTimeout", &self.step_timeout),
            ("runTimeout", &self.run_timeout),
            ("breaker.pause", &self.breaker.pause),
            ("breaker.longest", &self.breaker.longest),
        ] {
            if let Some(text) = text.as_ref().filter(|text| duration(text).is_none()) {
                problems.push(format!("limits.{key} `{text}` is not a duration such as `60s`"));
            }
        }
        if let Some(why) = self.sweep_at.as_ref().and_then(|it| Schedule::read(it).err()) {
            problems.push(format!("limits.sweepAt: {why}"));
        }
        let counts = [
            ("concurrency", self.concurrency),
            ("perTeam", self.per_team),
            ("perHost", self.per_host),
            ("perType", self.per_type),
            ("crashes", self.crashes.and_then(|count| usize::try_from(count).ok())),
            ("breaker.failures", self.breaker.failures.and_then(|it| usize::try_from(it).ok())),
        ];
        let named = [("teams", &self.teams), ("hosts", &self.hosts), ("types", &self.types)];
        let named = named.into_iter().flat_map(|(table, named)| {
            named.iter().map(move |(name, count)| (format!("{table}.{name}"), Some(*count)))
        });
        let all = counts.into_iter().map(|(key, count)| (key.to_owned(), count)).chain(named);
        problems.extend(
            all.filter(|(_, count)| *count == Some(0))
                .map(|(key, _)| format!("limits.{key} must be at least 1")),
        );
        let unknown = self.types.keys().filter(|kind| crate::kinds::find(kind).is_none());
        problems.extend(unknown.map(|kind| format!("limits.types.{kind} is no action type")));
        problems
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> LimitsConfig {
        toml::from_str(text).expect("reads")
    }

    #[test]
    fn what_is_not_said_is_as_usual() {
        assert_eq!(read("").limits(), Limits::default());
        let limits = read("concurrency = 4").limits();
        assert_eq!((limits.capacity.all, limits.capacity.teams.usual), (4, Some(3)));
    }

    #[test]
    fn every_bound_is_read() {
        let limits = read(
            "perTeam = 2\nperHost = 3\nperType = 4\nrunTimeout = \"2d\"\nstepTimeout = \"1h\"\ncrashes = 9\n\
             [teams]\nops = 5\n[hosts]\n\"api.example.com:8443\" = 1\n[types]\nterraform = 6\n\
             [breaker]\nfailures = 7\npause = \"1h\"",
        );
        assert_eq!(limits.problems(), [""; 0]);
        let limits = limits.limits();
        let capacity = &limits.capacity;
        assert_eq!((capacity.teams.of("ops"), capacity.teams.of("web")), (Some(5), Some(2)));
        let hosts = &capacity.targets;
        assert_eq!((hosts.of("api.example.com:8443"), hosts.of("other")), (Some(1), Some(3)));
        let types = &capacity.actions;
        assert_eq!((types.of("terraform"), types.of("notify")), (Some(6), Some(4)));
        let hour = Duration::from_hours(1);
        assert_eq!((limits.step, limits.run), (Some(hour), Some(Duration::from_hours(48))));
        assert_eq!((limits.breaker.failures, limits.breaker.pause), (7, hour));
        assert_eq!((limits.breaker.longest, limits.crashes), (hour, 9));
    }

    #[test]
    fn all_that_cannot_be_meant_is_told() {
        let wrong = "perHost = 0\nrunTimeout = \"soon\"\n[teams]\nops = 0\n[types]\nmagic = 1\n\
                     [breaker]\nfailures = 0";
        assert_eq!(
            read(wrong).problems().join("; "),
            "limits.runTimeout `soon` is not a duration such as `60s`; limits.perHost must be at least 1; \
             limits.breaker.failures must be at least 1; limits.teams.ops must be at least 1; \
             limits.types.magic is no action type"
        );
    }
}
