//! Two texts, line by line, with the words that differ marked and what is the same folded. Bounded, whatever comes in.

use similar::{ChangeTag, DiffOp, DiffTag, TextDiff};

use super::line::{Line, Tone};
use super::reasons::count;
use super::values::cut;

/// Lines of context around what differs.
const CONTEXT: usize = 3;

/// Lines that one comparison shows at most.
const MOST_LINES: usize = 200;

/// Comparing costs at most the product of the lines that differ; above this, all of them are shown as replaced.
const MOST_PAIRS: usize = 4_000_000;

/// Bytes of two passages up to which their words are compared.
const MOST_BYTES_BY_WORD: usize = 8 << 10;

/// Compares two texts, given as lines, at an indent.
pub(super) fn compare(before: &[String], after: &[String], indent: usize) -> Vec<Line> {
    let mut lines = Vec::new();
    let old: Vec<&str> = before.iter().map(String::as_str).collect();
    let new: Vec<&str> = after.iter().map(String::as_str).collect();
    if is_small(&old, &new) {
        small(&old, &new, (indent, &mut lines));
    } else {
        replaced(&old, &new, (indent, &mut lines));
    }
    if lines.len() > MOST_LINES {
        let more = lines.len() - MOST_LINES;
        lines.truncate(MOST_LINES);
        lines.push(Line::plain(indent, Tone::Faint, format!("… {}", count(more, "more line"))));
    }
    lines
}

fn is_small(old: &[&str], new: &[&str]) -> bool {
    let head = old.iter().zip(new).take_while(|(a, b)| a == b).count();
    let rest = old.iter().skip(head).rev().zip(new.iter().skip(head).rev());
    let same = head + rest.take_while(|(a, b)| a == b).count();
    (old.len() - same).saturating_mul(new.len() - same) <= MOST_PAIRS
}

fn small(old: &[&str], new: &[&str], (indent, lines): (usize, &mut Vec<Line>)) {
    let diff = TextDiff::from_slices(old, new);
    let mut shown = 0;
    for group in diff.grouped_ops(CONTEXT) {
        let start = group.first().map_or(0, |op| op.old_range().start);
        fold(start.saturating_sub(shown), indent, lines);
        shown = group.last().map_or(shown, |op| op.old_range().end);
        for op in &group {
            operation(&diff, op, (indent, lines));
        }
    }
    if shown > 0 {
        fold(old.len().saturating_sub(shown), indent, lines);
    }
}

fn fold(same: usize, indent: usize, lines: &mut Vec<Line>) {
    if same > 0 {
        let word = if same == 1 { "line" } else { "lines" };
        lines.push(Line::plain(indent + 2, Tone::Faint, format!("… {same} {word} the same")));
    }
}

fn operation(diff: &TextDiff<'_, '_, str>, op: &DiffOp, (indent, lines): (usize, &mut Vec<Line>)) {
    let (old, new) = (op.old_range(), op.new_range());
    let bytes: usize = diff.iter_changes(op).map(|change| change.value().len()).sum();
    if op.tag() == DiffTag::Replace
        && bytes > MOST_BYTES_BY_WORD
        && old.len() == 1
        && new.len() == 1
    {
        let before = diff.old_slice(old.start).unwrap_or_default();
        let after = diff.new_slice(new.start).unwrap_or_default();
        return by_ends(before, after, (indent, lines));
    }
    if op.tag() != DiffTag::Replace || bytes > MOST_BYTES_BY_WORD {
        for change in diff.iter_changes(op) {
            lines.push(one(change.tag(), &[(false, change.value())], indent));
        }
        return;
    }
    // Without a deadline: time must not decide what is shown.
    for change in diff.iter_inline_changes_deadline(op, None) {
        let words: Vec<(bool, &str)> =
            change.values().iter().map(|(m, text)| (*m, *text)).collect();
        lines.push(one(change.tag(), &words, indent));
    }
}

/// Two long lines: what they begin and end with alike, and what differs between.
fn by_ends(before: &str, after: &str, (indent, lines): (usize, &mut Vec<Line>)) {
    let alike = |(a, b): &(char, char)| a == b;
    let head: usize =
        before.chars().zip(after.chars()).take_while(alike).map(|(c, _)| c.len_utf8()).sum();
    let rests = before.get(head..).zip(after.get(head..)).unwrap_or_default();
    let ends = rests.0.chars().rev().zip(rests.1.chars().rev());
    let tail: usize = ends.take_while(alike).map(|(c, _)| c.len_utf8()).sum();
    for (tag, text) in [(ChangeTag::Delete, before), (ChangeTag::Insert, after)] {
        let end = text.len() - tail;
        let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
        let words =
            [(false, part(0..head)), (true, part(head..end)), (false, part(end..text.len()))];
        lines.push(one(tag, &words, indent));
    }
}

fn replaced(old: &[&str], new: &[&str], (indent, lines): (usize, &mut Vec<Line>)) {
    // Half of what is shown for each side, so that neither hides the other.
    for (tag, side) in [(ChangeTag::Delete, old), (ChangeTag::Insert, new)] {
        let most = MOST_LINES / 2 - 1;
        lines.extend(side.iter().take(most).map(|line| one(tag, &[(false, line)], indent)));
        if side.len() > most {
            let more = format!("… {}", count(side.len() - most, "more line"));
            lines.push(Line::plain(indent + 2, Tone::Faint, more));
        }
    }
}

fn one(tag: ChangeTag, words: &[(bool, &str)], indent: usize) -> Line {
    let (sign, tone, word) = match tag {
        ChangeTag::Equal => (" ", Tone::Plain, Tone::Plain),
        ChangeTag::Delete => ("-", Tone::Removed, Tone::RemovedWord),
        ChangeTag::Insert => ("+", Tone::Added, Tone::AddedWord),
    };
    let most = if words.len() > 1 { 200 } else { 400 };
    words
        .iter()
        .filter(|(_, text)| !text.is_empty())
        .fold(Line::signed(indent, sign), |line, (marked, text)| {
            line.with(if *marked { word } else { tone }, cut(text, most))
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &[String], after: &[String]) -> String {
        let mut text = String::new();
        for line in compare(before, after, 0) {
            line.write(&mut text, false);
        }
        text
    }

    fn numbered(range: std::ops::Range<usize>) -> Vec<String> {
        range.map(|n| format!("line {n}")).collect()
    }

    #[test]
    fn what_is_the_same_is_folded() {
        let before = numbered(0..20);
        let mut after = before.clone();
        after[9] = "line nine".to_owned();
        insta::assert_snapshot!(check(&before, &after), @r#"
          … 6 lines the same
          line 6
          line 7
          line 8
        - line 9
        + line nine
          line 10
          line 11
          line 12
          … 7 lines the same
        "#);
        assert_eq!(check(&before, &before), "");
    }

    #[test]
    fn words_that_differ_are_marked() {
        let mut text = String::new();
        let (before, after) = (["the small size".to_owned()], ["the large size".to_owned()]);
        for line in compare(&before, &after, 0) {
            line.write(&mut text, true);
        }
        insta::assert_snapshot!(text.replace('\u{1b}', "^"), @r#"
        ^[31m-^[0m ^[31mthe ^[0m^[31;7msmall^[0m^[31m size^[0m
        ^[32m+^[0m ^[32mthe ^[0m^[32;7mlarge^[0m^[32m size^[0m
        "#);
    }

    #[test]
    fn two_long_lines_show_where_they_differ() {
        let long = |middle: &str| vec![format!("{}{middle}{}", "a".repeat(9000), "b".repeat(9000))];
        let shown = check(&long("one"), &long("two"));
        assert!(shown.len() < 2000, "{}", shown.len());
        assert!(shown.contains("one") && shown.contains("two"), "{shown}");
    }

    #[test]
    fn hostile_texts_are_bounded() {
        let shown = check(&numbered(0..30_000), &numbered(40_000..70_000));
        assert_eq!(shown.lines().count(), 200);
        assert!(shown.contains("line 0\n") && shown.contains("line 40000\n"), "both sides show");
        let shown = check(&[], &numbered(0..100_000));
        assert!(shown.ends_with("… 99800 more lines\n"), "{shown}");
    }
}
