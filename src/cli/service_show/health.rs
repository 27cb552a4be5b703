//! The health of a unit as people and programs read it.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::cli::table::{ago, cell};
use crate::reconcile::{Observation, Observed};

/// What was last answered about the health of a unit.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct HealthWire {
    healthy: bool,
    /// Since when that is so.
    since: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    why: Option<String>,
}

impl HealthWire {
    /// Takes it from what was observed.
    pub(super) fn of(seen: &Observed) -> Self {
        let why = match &seen.observation {
            Observation::Unknown { reason } => Some(reason.clone()),
            _ => None,
        };
        Self { healthy: seen.observation == Observation::Same, since: seen.at, why }
    }

    /// Says it in a line.
    pub(super) fn text(&self, now: Timestamp) -> String {
        let word = if self.healthy { "healthy" } else { "not healthy" };
        let why = self.why.as_deref().map(|why| format!(": {}", cell(why))).unwrap_or_default();
        format!("{word} since {}{why}", ago(now, self.since))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn health_is_told_with_why_it_is_missing() {
        let at = |second| Timestamp::from_second(second).unwrap();
        let told = |observation| {
            let health = HealthWire::of(&Observed { at: at(0), observation });
            (health.text(at(180)), serde_json::to_value(health).unwrap())
        };
        let well = json!({"healthy": true, "since": "1970-01-01T00:00:00Z"});
        assert_eq!(told(Observation::Same), ("healthy since 3m ago".to_owned(), well));
        let reason = "GET http://h/ answered 503".to_owned();
        let ill = json!({"healthy": false, "since": "1970-01-01T00:00:00Z", "why": reason});
        let line = "not healthy since 3m ago: GET http://h/ answered 503".to_owned();
        assert_eq!(told(Observation::Unknown { reason }), (line, ill));
    }
}
