//! Change windows: when a run may start.

use croner::Cron;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

use crate::catalog::{Allow, ChangeWindow, Deny};

/// Returns why the windows are closed and until when, or `None` where a run may start.
///
/// A closing wins over an opening; a window that can't be read keeps closed, for nobody knows what was meant.
pub(super) fn closed(windows: &[ChangeWindow], now: Timestamp) -> Option<String> {
    let because = |window: &ChangeWindow| match &window.reason {
        Some(reason) => format!(" ({reason})"),
        None => String::new(),
    };
    for window in windows {
        if let Some(deny) = &window.deny {
            match denied_until(deny, now) {
                Ok(None) => {}
                Ok(Some(until)) => return Some(format!("closed until {until}{}", because(window))),
                Err(why) => return Some(format!("closed: {why}")),
            }
        }
    }
    let openings: Vec<&Allow> = windows.iter().filter_map(|window| window.allow.as_ref()).collect();
    if openings.is_empty() {
        return None;
    }
    let mut next: Option<Zoned> = None;
    for allow in openings {
        match opening(allow, now) {
            Ok(None) => return None,
            Ok(Some(at)) => {
                if next.as_ref().is_none_or(|known| at.timestamp() < known.timestamp()) {
                    next = Some(at);
                }
            }
            Err(why) => return Some(format!("closed: {why}")),
        }
    }
    next.map(|at| format!("opens at {}", at.strftime("%Y-%m-%d %H:%M %Z")))
}

fn zone(name: &str) -> Result<TimeZone, String> {
    TimeZone::get(name).map_err(|_| format!("there is no time zone `{name}`"))
}

/// Returns the date after which a closing ends, where it is in force.
fn denied_until(deny: &Deny, now: Timestamp) -> Result<Option<Date>, String> {
    let date = |text: &str| text.parse::<Date>().map_err(|_| format!("`{text}` is not a date"));
    let today = now.to_zoned(zone(&deny.timezone)?).date();
    let (from, to) = (date(&deny.from)?, date(&deny.to)?);
    Ok((from <= today && today <= to).then_some(to))
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
        check("2026-12-22T10:00:00Z", &windows, Some("closed until 2027-01-06 (year's end)"));
        check("2026-11-21T03:00:00Z", &[], None);
        check("2026-11-21T03:00:00Z", &[freeze()], None);
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
