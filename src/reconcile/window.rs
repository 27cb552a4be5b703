//! Change windows: when a run may start.

use croner::Cron;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

use crate::catalog::{Allow, ChangeWindow, Deny};

/// How many closings and openings are gone through to find when a run may start; they may close for ever.
const MOST: usize = 400;

/// Why a run may not start at a moment.
struct Shut<'w> {
    /// When that ends; something else may keep closed then.
    until: Zoned,
    /// The closing that is in force; nothing where no opening is.
    denied: Option<&'w ChangeWindow>,
}

/// Returns why the windows are closed and when they open, or `None` where a run may start.
///
/// A closing wins over an opening; a window that can't be read keeps closed, for nobody knows what was meant.
pub(super) fn closed(windows: &[ChangeWindow], now: Timestamp) -> Option<String> {
    let unreadable = |why: String| Some(format!("closed: {why}"));
    let first = match shut(windows, now) {
        Ok(shut) => shut?,
        Err(why) => return unreadable(why),
    };
    let reason = first.denied.and_then(|window| window.reason.as_ref());
    let because = reason.map(|reason| format!(" ({reason})")).unwrap_or_default();
    let mut opens = first.until;
    for _ in 0..MOST {
        match shut(windows, opens.timestamp()) {
            Ok(Some(next)) => opens = next.until,
            Ok(None) => {
                let at = opens.strftime("%Y-%m-%d %H:%M %Z");
                let closed = first.denied.map(|_| format!("closed{because}, "));
                return Some(format!("{}opens at {at}", closed.unwrap_or_default()));
            }
            Err(why) => return unreadable(why),
        }
    }
    Some(format!("closed{because}, with no opening in sight"))
}

/// Tells what keeps the windows closed at a moment; nothing where they are open.
fn shut(windows: &[ChangeWindow], at: Timestamp) -> Result<Option<Shut<'_>>, String> {
    for window in windows {
        let until = window.deny.as_ref().map(|deny| denied_until(deny, at)).transpose()?.flatten();
        if let Some(until) = until {
            return Ok(Some(Shut { until, denied: Some(window) }));
        }
    }
    let mut next: Option<Zoned> = None;
    for allow in windows.iter().filter_map(|window| window.allow.as_ref()) {
        let Some(opens) = opening(allow, at)? else { return Ok(None) };
        if next.as_ref().is_none_or(|known| opens.timestamp() < known.timestamp()) {
            next = Some(opens);
        }
    }
    Ok(next.map(|until| Shut { until, denied: None }))
}

fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| format!("there is no time zone `{name}`"))
}

/// Returns when a closing ends, at the beginning of the day after its last, where it is in force.
fn denied_until(deny: &Deny, now: Timestamp) -> Result<Option<Zoned>, String> {
    let date = |text: &str| text.parse::<Date>().map_err(|_| format!("`{text}` is not a date"));
    let zone = zone(&deny.timezone)?;
    let today = now.to_zoned(zone.clone()).date();
    let (from, to) = (date(&deny.from)?, date(&deny.to)?);
    if today < from || to < today {
        return Ok(None);
    }
    let until = to.tomorrow().and_then(|next| next.to_zoned(zone));
    until.map(Some).map_err(|error| error.to_string())
}

/// Returns nothing where an opening is in force, else when it opens next.
fn opening(allow: &Allow, now: Timestamp) -> Result<Option<Zoned>, String> {
    let cron: Cron =
        allow.cron.parse().map_err(|error| format!("cron `{}`: {error}", allow.cron))?;
    let length = crate::catalog::duration(&allow.duration)
        .ok_or_else(|| format!("`{}` is not a duration", allow.duration))?;
    let seconds = i64::try_from(length.as_secs()).unwrap_or(i64::MAX / 4);
    let here = now.to_zoned(zone(&allow.timezone)?);
    let never = |error: croner::errors::CronError| format!("cron `{}`: {error}", allow.cron);
    let since = here.checked_sub(seconds.seconds()).map_err(|error| error.to_string())?;
    let opened = cron.find_next_occurrence(&since, false).map_err(never)?;
    if opened <= here {
        return Ok(None);
    }
    Ok(Some(cron.find_next_occurrence(&here, false).map_err(never)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn office_hours() -> ChangeWindow {
        let allow = Allow {
            cron: "0 9 * * MON-FRI".to_owned(),
            duration: "8h".to_owned(),
            timezone: "Europe/Berlin".to_owned(),
        };
        ChangeWindow { allow: Some(allow), deny: None, reason: None }
    }

    fn freeze() -> ChangeWindow {
        let deny = Deny {
            from: "2026-12-20".to_owned(),
            to: "2027-01-06".to_owned(),
            timezone: "Europe/Berlin".to_owned(),
        };
        ChangeWindow { allow: None, deny: Some(deny), reason: Some("year's end".to_owned()) }
    }

    fn check(now: &str, windows: &[ChangeWindow], expected: Option<&str>) {
        let now: Timestamp = now.parse().expect("a time");
        assert_eq!(closed(windows, now).as_deref(), expected, "{now}");
    }

    #[test]
    fn a_run_starts_only_while_a_window_is_open() {
        let windows = [office_hours(), freeze()];
        check("2026-11-20T10:00:00Z", &windows, None);
        check("2026-11-20T17:00:00Z", &windows, Some("opens at 2026-11-23 09:00 CET"));
        check("2026-11-20T07:59:00Z", &windows, Some("opens at 2026-11-20 09:00 CET"));
        check(
            "2026-12-22T10:00:00Z",
            &windows,
            Some("closed (year's end), opens at 2027-01-07 09:00 CET"),
        );
        check("2026-11-21T03:00:00Z", &[], None);
        check("2026-11-21T03:00:00Z", &[freeze()], None);
        // The opening that is told is one at which a run may start: behind the closing, and behind the next one.
        check("2026-12-19T10:00:00Z", &windows, Some("opens at 2027-01-07 09:00 CET"));
        check(
            "2026-12-22T10:00:00Z",
            &[freeze()],
            Some("closed (year's end), opens at 2027-01-07 00:00 CET"),
        );
        let mut forever = freeze();
        if let Some(deny) = &mut forever.deny {
            deny.to = "9999-12-31".to_owned();
        }
        let told = closed(&[forever], "2026-12-22T10:00:00Z".parse().expect("a time"));
        assert!(told.is_some_and(|told| told.starts_with("closed")), "nobody starts");
    }

    #[test]
    fn a_window_that_cannot_be_read_keeps_closed() {
        let mut window = office_hours();
        if let Some(allow) = &mut window.allow {
            allow.timezone = "Mars/Olympus".to_owned();
        }
        check(
            "2026-11-20T10:00:00Z",
            &[window],
            Some("closed: there is no time zone `Mars/Olympus`"),
        );
    }
}
