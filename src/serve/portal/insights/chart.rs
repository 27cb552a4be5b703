//! Charts as SVG, made on the server: no script, no style of their own, and told to who does not see them.

use maud::{Markup, html};

const WIDTH: i64 = 720;
const HEIGHT: i64 = 180;
/// Room for the numbers beside the columns, and for the days below them.
const LEFT: i64 = 44;
const BELOW: i64 = 22;

/// What bars have beside them.
const NAME: i64 = 170;
const ROW: i64 = 30;
const TOLD: i64 = 210;

/// One day: what ended well, badly, and otherwise.
pub(super) struct Column {
    pub(super) label: String,
    pub(super) parts: [i64; 3],
}

/// One row: a value, and how far beyond it something reaches.
pub(super) struct Bar {
    pub(super) label: String,
    pub(super) value: i64,
    pub(super) reach: i64,
    /// What stands beside it.
    pub(super) told: String,
}

/// Rounds a number up to one that people like to read on an axis.
fn nice(most: i64) -> i64 {
    let mut step = 1;
    loop {
        for factor in [1, 2, 5] {
            if factor * step >= most {
                return (factor * step).max(1);
            }
        }
        step *= 10;
    }
}

/// Draws columns of three parts that stand on each other.
pub(super) fn columns((title, parts): (&str, [&str; 3]), columns: &[Column]) -> Markup {
    let most = columns.iter().map(|one| one.parts.iter().sum::<i64>()).max().unwrap_or(0);
    let top = nice(most);
    let count = i64::try_from(columns.len()).unwrap_or(1).max(1);
    let (wide, high) = (WIDTH - LEFT, HEIGHT - BELOW - 8);
    let of = |value: i64| value * high / top;
    let every = (count / 6).max(1);
    let sums = columns
        .iter()
        .fold([0_i64; 3], |[a, b, c], one| [a + one.parts[0], b + one.parts[1], c + one.parts[2]]);
    let about = format!(
        "{} days, at most {most} runs on one: {} {}, {} {}, {} {} in all.",
        count, sums[0], parts[0], sums[1], parts[1], sums[2], parts[2]
    );
    html! {
        figure.chart {
            svg viewBox=(format!("0 0 {WIDTH} {HEIGHT}")) role="img" aria-labelledby="columns-title columns-about" {
                title #columns-title { (title) }
                desc #columns-about { (about) }
                @for value in [0, top / 2, top].into_iter().collect::<std::collections::BTreeSet<_>>() {
                    @let y = 8 + high - of(value);
                    line.axis x1=(LEFT) x2=(WIDTH) y1=(y) y2=(y) {}
                    text.axis x=(LEFT - 6) y=(y + 4) text-anchor="end" { (value) }
                }
                @for (index, column) in (0..).zip(columns) {
                    @let (x, next) = (LEFT + index * wide / count, LEFT + (index + 1) * wide / count);
                    @let gap = if next - x > 6 { 2 } else { 1 };
                    g {
                        title { (column.label) ": " (column.parts[0]) " " (parts[0]) ", " (column.parts[1]) " " (parts[1]) ", " (column.parts[2]) " " (parts[2]) }
                        @let mut y = 8 + high;
                        @for (part, class) in column.parts.into_iter().zip(["is-good", "is-bad", "is-off"]) {
                            @let height = of(part).max(i64::from(part > 0));
                            @let above = { y -= height; y };
                            @if height > 0 { rect class=(class) x=(x + gap) y=(above) width=((next - x - 2 * gap).max(1)) height=(height) {} }
                        }
                    }
                    @if index % every == 0 { text.axis x=(x.midpoint(next)) y=(HEIGHT - 6) text-anchor="middle" { (column.label.get(5..).unwrap_or_default()) } }
                }
            }
            figcaption {
                @for (class, name, sum) in [("is-good", parts[0], sums[0]), ("is-bad", parts[1], sums[1]), ("is-off", parts[2], sums[2])] {
                    span.key { svg viewBox="0 0 10 10" aria-hidden="true" { rect class=(class) width="10" height="10" {} } (name) " " (sum) }
                }
            }
        }
    }
}

/// Draws a bar for each row.
pub(super) fn bars(title: &str, bars: &[Bar]) -> Markup {
    let top = bars.iter().map(|bar| bar.reach).max().unwrap_or(1).max(1);
    let wide = WIDTH - NAME - TOLD;
    let height = i64::try_from(bars.len()).unwrap_or(0) * ROW + 4;
    let of = |value: i64| (i128::from(value) * i128::from(wide) / i128::from(top)).max(2);
    let id = title.split(',').next().unwrap_or_default().replace(' ', "-").to_lowercase();
    html! {
        figure.chart {
            svg viewBox=(format!("0 0 {WIDTH} {height}")) role="img" aria-labelledby=(format!("{id}-title {id}-about")) {
                title id=(format!("{id}-title")) { (title) }
                desc id=(format!("{id}-about")) { @for bar in bars { (bar.label) ": " (bar.told) ". " } }
                @for (index, bar) in (0..).zip(bars) {
                    @let y = index * ROW + 2;
                    text x=(NAME - 10) y=(y + 18) text-anchor="end" { (cut(&bar.label)) }
                    @if bar.reach > bar.value { rect.reach x=(NAME) y=(y + 10) width=(of(bar.reach)) height="6" rx="2" {} }
                    rect.is-busy x=(NAME) y=(y + 3) width=(of(bar.value)) height="20" rx="2" {}
                    text.axis x=(i128::from(NAME) + of(bar.reach) + 8) y=(y + 18) { (bar.told) }
                }
            }
        }
    }
}

/// Cuts a name that is longer than its room.
fn cut(label: &str) -> String {
    match label.char_indices().nth(20) {
        Some((place, _)) => format!("{}…", label.get(..place).unwrap_or_default()),
        None => label.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn axes_end_where_people_read_them() {
        let known = [(0, 1), (1, 1), (2, 2), (3, 5), (6, 10), (17, 20), (101, 200), (4_999, 5_000)];
        for (most, top) in known {
            assert_eq!(nice(most), top, "{most}");
        }
    }

    #[test]
    fn charts_tell_their_numbers_and_hold_nothing_hostile() {
        let hostile = "<script>alert(1)</script>".to_owned();
        let days = [Column { label: "2026-11-21".to_owned(), parts: [3, 1, 0] }];
        let html = columns(("Runs", ["good", "bad", "other"]), &days).into_string();
        assert!(html.contains("<desc id=\"columns-about\">1 days, at most 4 runs"), "{html}");
        assert!(html.contains("2026-11-21: 3 good, 1 bad, 0 other"), "{html}");
        assert!(columns(("Runs", ["a", "b", "c"]), &[]).into_string().contains("at most 0"));
        let bar = Bar { label: hostile, value: 0, reach: i64::MAX, told: "0".to_owned() };
        let html = bars("Times, by item", &[bar]).into_string();
        assert!(!html.contains("<script") && html.contains("id=\"times-title\""), "{html}");
    }
}
