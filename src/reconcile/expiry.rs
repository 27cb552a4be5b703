//! When a service's date has passed: at the end of that day where the catalog says it is, with the jitter of its service.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::desired::{Desired, Unit};
use super::schedule::jitter;
use crate::catalog::OnExpiry;

impl Desired {
    /// Returns when the date of a unit has passed; all units of a service expire together.
    pub fn expires_at(&self, unit: &Unit) -> Option<Timestamp> {
        let date: Date = unit.service.expires.as_ref()?.parse().ok()?;
        let zone = self.timezone.as_ref().and_then(|name| TimeZone::get(name).ok());
        let over = date.tomorrow().ok()?.to_zoned(zone.unwrap_or(TimeZone::UTC)).ok()?;
        over.timestamp().checked_add(jitter(&format!("{} expires", unit.key.service))).ok()
    }

    /// Tells whether a unit is past its date.
    pub fn is_expired(&self, unit: &Unit, now: Timestamp) -> bool {
        unit.service.expires.is_some() && self.expires_at(unit).is_some_and(|at| at <= now)
    }

    /// Tells whether a unit is past its date, and is deleted for that although its file is there.
    pub fn is_deleted_by_date(&self, unit: &Unit, now: Timestamp) -> bool {
        unit.service.on_expiry == OnExpiry::Delete && self.is_expired(unit, now)
    }
}

#[cfg(test)]
mod tests {
    use jiff::{SignedDuration, Timestamp};
    use serde_json::json;

    use crate::reconcile::DesiredBuilder;
    use crate::reconcile::policies::settled;
    use crate::reconcile::world::path_of;

    /// Checks that a service with a date expires within half a minute after a moment, and not before it.
    fn check(zone: Option<&str>, date: &str, expected: &str) {
        let mut world = settled();
        world.set(&path_of("db"), "/expires", json!(date));
        if let Some(zone) = zone {
            world.set("trueline.yaml", "/defaults", json!({"timezone": zone}));
        }
        let catalog = world.catalog();
        let desired = world.desired_by(&mut DesiredBuilder::default(), &catalog);
        let unit = desired.units_of("db").next().expect("a unit");
        let over: Timestamp = expected.parse().expect("a time");
        assert!(!desired.is_expired(unit, over - SignedDuration::from_millis(1)), "before {over}");
        assert!(desired.is_expired(unit, over + SignedDuration::from_secs(30)), "after {over}");
        assert!(desired.expires_at(unit).expect("a time") >= over);
    }

    #[test]
    fn a_day_is_over_where_the_catalog_says() {
        check(None, "2026-11-19", "2026-11-20T00:00:00Z");
        check(Some("Europe/Berlin"), "2026-11-19", "2026-11-19T23:00:00Z");
        check(Some("Pacific/Auckland"), "2026-11-19", "2026-11-19T11:00:00Z");
        check(Some("Mars/Olympus"), "2026-11-19", "2026-11-20T00:00:00Z");
    }

    #[test]
    fn days_that_are_longer_leap_or_far_away_end_too() {
        check(Some("Europe/Berlin"), "2026-10-25", "2026-10-25T23:00:00Z");
        check(Some("Africa/Cairo"), "2026-04-23", "2026-04-23T22:00:00Z");
        check(Some("Europe/Berlin"), "2028-02-29", "2028-02-29T23:00:00Z");
        check(None, "2038-01-19", "2038-01-20T00:00:00Z");
    }
}
