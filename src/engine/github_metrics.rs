//! What is told of GitHub to whoever scrapes: what is left of its limits, and what became of requests. It asks nobody.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use crate::forge::github::{Budget, Memory};

/// Reads what is remembered of GitHub when somebody scrapes.
pub(super) struct OfGitHub(pub(super) Arc<Memory>);

impl fmt::Debug for OfGitHub {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("OfGitHub")
    }
}

type Read = fn(&Budget) -> Option<i64>;

/// Names, what they mean, and what is read.
const BUDGET: [(&str, &str, Read); 3] = [
    ("github_budget_limit", "What GitHub allows in an hour, by account and resource", |it| {
        i64::try_from(it.limit).ok()
    }),
    ("github_budget_remaining", "What is left of it, as was said last", |it| {
        i64::try_from(it.remaining).ok()
    }),
    ("github_budget_reset_timestamp_seconds", "When all of it is there again", |it| {
        it.reset.map(jiff::Timestamp::as_second)
    }),
];

impl Collector for OfGitHub {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let budget = self.0.budget();
        for (name, help, read) in BUDGET {
            let values = budget.iter().filter_map(|it| Some((it, read(it)?)));
            let mut values = values.peekable();
            if values.peek().is_none() {
                continue;
            }
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for (it, value) in values {
                let labels = [("account", it.account.as_str()), ("resource", it.resource.as_str())];
                ConstGauge::new(value).encode(family.encode_family(&labels)?)?;
            }
        }
        let requests = self.0.requests();
        if requests.is_empty() {
            return Ok(());
        }
        let help = "Requests to GitHub, by what became of them";
        let mut family =
            encoder.encode_descriptor("github_requests", help, None, MetricType::Counter)?;
        for (account, outcome, count) in requests {
            let labels = [("account", account), ("result", outcome.to_string())];
            ConstCounter::new(count).encode(family.encode_family(&labels)?)?;
        }
        Ok(())
    }
}
