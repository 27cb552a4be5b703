//! Durations as documents write them.

use std::time::Duration;

/// Reads a duration (`500ms`, `2s`, `5m`, `1h`, `3d`); longer than nothing, at most 365 days.
pub fn duration(text: &str) -> Option<Duration> {
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (number, unit) = text.split_at(digits);
    let number: u64 = number.parse().ok()?;
    let unit_ms: u64 = match unit {
        "ms" => 1,
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    let total_ms = number.checked_mul(unit_ms)?;
    (1..=365 * 86_400_000).contains(&total_ms).then(|| Duration::from_millis(total_ms))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_has_a_number_and_a_unit() {
        assert_eq!(duration("500ms"), Some(Duration::from_millis(500)));
        assert_eq!(duration("3d"), Some(Duration::from_hours(72)));
        for wrong in
            ["", "5", "m", "0s", "-1s", "1.5h", "5 m", "366d", "99999999999999999999d", "5é"]
        {
            assert_eq!(duration(wrong), None, "{wrong}");
        }
    }
}
