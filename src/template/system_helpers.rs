//! Helpers that stand for the run: its day, its moment, names made from its own. They read `system` in
//! the scope and never a clock, so that a retry renders the same.

use jiff::Timestamp;
use jiff::fmt::strtime;
use jiff::tz::TimeZone;
use serde_json::Value;

use super::marker::Held;
use super::scope::Scope;
use crate::digest::Digest;

/// The day of the run in UTC, `2026-07-31`, or in the format given.
pub(super) fn date(scope: &Scope, format: Option<&Value>) -> Result<Value, String> {
    moment(scope, Some(format.unwrap_or(&Value::String("%Y-%m-%d".into()))))
}

/// The moment of the run in UTC, by RFC 3339, or in the format given.
pub(super) fn moment(scope: &Scope, format: Option<&Value>) -> Result<Value, String> {
    let text = system(scope, "timestamp")?;
    if let Some(marker) = held(text, "timestamp", format) {
        return Ok(marker);
    }
    let Some(format) = format else { return Ok(Value::String(text.to_owned())) };
    let Value::String(format) = format else {
        return Err("needs a format as text, \"%Y-%m-%d\"".into());
    };
    let moment: Timestamp =
        text.parse().map_err(|_| "found no RFC 3339 time in `system.timestamp`".to_owned())?;
    strtime::format(format, &moment.to_zoned(TimeZone::UTC))
        .map(Value::String)
        .map_err(|_| format!("does not understand the format \"{format}\""))
}

/// A UUID made from the run's and a name; without a name, from where the helper stands.
pub(super) fn uuid(scope: &Scope, name: Option<&Value>, place: &str) -> Result<Value, String> {
    let seed = system(scope, "uuid")?;
    if let Some(marker) = held(seed, "uuid", Some(name.unwrap_or(&Value::String(place.to_owned()))))
    {
        return Ok(marker);
    }
    let name = name.map_or_else(|| format!("at {place}"), |name| format!("of {name}"));
    let digest = Digest::of_bytes(format!("{seed}\0{name}").as_bytes()).to_string();
    let hex: Vec<char> = digest.chars().collect();
    let part =
        |from: usize, to: usize| hex.get(from..to).unwrap_or_default().iter().collect::<String>();
    // Version 8 (RFC 9562) is the one for names made by a digest of one's own.
    let parts =
        [part(0, 8), part(8, 12), "8".to_owned() + &part(13, 16), "a".to_owned() + &part(17, 20)];
    Ok(Value::String(format!("{}-{}", parts.join("-"), part(20, 32))))
}

fn system<'s>(scope: &'s Scope, name: &str) -> Result<&'s str, String> {
    let path = ["system".to_owned(), name.to_owned()];
    scope
        .get(&path)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("needs `system.{name}`, which is not known here"))
}

/// The marker to give where the run's own value is one.
fn held(text: &str, helper: &str, argument: Option<&Value>) -> Option<Value> {
    let mut held = Held::default();
    held.add(&Value::String(text.to_owned()));
    let rest = argument.map(Digest::of_json);
    (!held.is_empty()).then(|| Value::String(held.marker(helper, rest.as_ref())))
}
