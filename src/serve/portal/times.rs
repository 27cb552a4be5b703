//! Moments and spans as people read them. The exact moment stands beside.

use jiff::Timestamp;
use maud::{Markup, html};

/// Shows a moment as seen from now, with the exact one in its title.
pub(super) fn when(at: Timestamp, now: Timestamp) -> Markup {
    html! { time datetime=(format!("{at:.0}")) title=(exact(at)) data-relative { (relative(at, now)) } }
}

/// Shows a moment where there is one.
pub(super) fn when_any(at: Option<Timestamp>, now: Timestamp) -> Markup {
    at.map_or_else(|| html! { span.quiet { "–" } }, |at| when(at, now))
}

/// Writes a moment in full.
pub(super) fn exact(at: Timestamp) -> String {
    at.strftime("%Y-%m-%d %H:%M:%S UTC").to_string()
}

/// Writes the moments in a sentence as people read them.
pub(super) fn dated(text: &str) -> String {
    let written = |word: &str| {
        let bare = word.trim_matches(|one: char| !one.is_ascii_alphanumeric());
        match bare.parse::<Timestamp>() {
            Ok(at) if bare.ends_with('Z') => word.replacen(bare, &exact(at), 1),
            _ => word.to_owned(),
        }
    };
    text.split_inclusive(char::is_whitespace).map(written).collect()
}

/// Writes a number of things: `1 item`, `2 items`.
pub(super) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

fn relative(at: Timestamp, now: Timestamp) -> String {
    let seconds = now.as_second() - at.as_second();
    if seconds.abs() < 5 {
        return "just now".to_owned();
    }
    let span = span(seconds.abs());
    if seconds > 0 { format!("{span} ago") } else { format!("in {span}") }
}

/// Writes a span in its largest unit: `3 minutes`.
pub(super) fn span(seconds: i64) -> String {
    let (count, unit) = match seconds {
        0..60 => (seconds, "second"),
        60..3_600 => (seconds / 60, "minute"),
        3_600..86_400 => (seconds / 3_600, "hour"),
        86_400..5_184_000 => (seconds / 86_400, "day"),
        _ => (seconds / 2_592_000, "month"),
    };
    if count == 1 { format!("1 {unit}") } else { format!("{count} {unit}s") }
}

/// Writes how long something took: `1 h 02 min`, `4 min 10 s`, `2.5 s`.
pub(super) fn took(from: Timestamp, to: Timestamp) -> String {
    let ms = (to.as_millisecond() - from.as_millisecond()).max(0);
    let seconds = ms / 1_000;
    match seconds {
        0 => format!("{ms} ms"),
        1..60 => format!("{seconds}.{} s", ms % 1_000 / 100),
        60..3_600 => format!("{} min {:02} s", seconds / 60, seconds % 60),
        _ => format!("{} h {:02} min", seconds / 3_600, seconds % 3_600 / 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_told_as_people_tell_them() {
        let at = |second| Timestamp::from_second(second).expect("a moment");
        for (then, now, said) in [
            (100, 100, "just now"),
            (100, 130, "30 seconds ago"),
            (160, 100, "in 1 minute"),
            (0, 7_200, "2 hours ago"),
            (0, 86_400 * 3, "3 days ago"),
            (0, 86_400 * 90, "3 months ago"),
        ] {
            assert_eq!(relative(at(then), at(now)), said);
        }
        for (text, said) in [
            (
                "open until 1970-01-01T00:01:40Z, then asked",
                "open until 1970-01-01 00:01:40 UTC, then asked",
            ),
            ("(1970-01-01T00:01:40.5Z)\nx", "(1970-01-01 00:01:40 UTC)\nx"),
            ("at 1970-01-01 of 12:00Z v1Z", "at 1970-01-01 of 12:00Z v1Z"),
            ("", ""),
        ] {
            assert_eq!(dated(text), said);
        }
        assert_eq!([count(1, "item"), count(0, "item")], ["1 item", "0 items"]);
        assert_eq!(took(at(0), at(125)), "2 min 05 s");
        assert_eq!(took(at(0), at(3_720)), "1 h 02 min");
        assert_eq!(took(at(9), at(9)), "0 ms");
    }
}
