//! Moments and ids that templates see as `system`. They are those of the run: no clock is asked, and nothing is drawn.

use serde_json::{Value, json};

use crate::digest::Digest;
use crate::run::Run;

/// Moments and ids that are fixed for a run, so that a retry renders the same.
pub(super) fn system(run: &Run) -> Value {
    let moment = run.created_at.to_zoned(jiff::tz::TimeZone::UTC);
    let hash = Digest::of_bytes(run.id.0.as_bytes()).to_string();
    let part = |from: usize, to: usize| hash.get(from..to).unwrap_or_default();
    let uuid = format!(
        "{}-{}-8{}-8{}-{}",
        part(0, 8),
        part(8, 12),
        part(13, 16),
        part(17, 20),
        part(20, 32)
    );
    json!({
        "date": moment.strftime("%Y-%m-%d").to_string(),
        "time": moment.strftime("%H:%M:%S").to_string(),
        "timestamp": run.created_at.to_string(),
        "uuid": uuid,
        "shortId": part(0, 8),
    })
}
