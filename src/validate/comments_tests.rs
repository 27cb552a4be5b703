//! Tests of where a comment is one, what it names, and what it is about.

use std::sync::Arc;

use super::*;
use crate::catalog::{Blob, read};

fn read_comments(text: &str) -> Vec<Comment> {
    let path: Arc<str> = "services/payments/payments-db.yaml".into();
    let blob = Blob { id: "1".into(), bytes: text.as_bytes().into() };
    comments(&read(&path, &blob).unwrap())
}

/// Expects comments as `line scope rules|reason?`.
#[track_caller]
fn check(text: &str, expected: &[&str]) {
    for text in [text.to_owned(), text.replace('\n', "\r\n"), format!("\u{feff}{text}")] {
        let found: Vec<String> = read_comments(&text)
            .iter()
            .map(|comment| {
                let words: Vec<&str> = comment.words.iter().map(|word| &*word.rule).collect();
                let scope = match comment.scope {
                    Scope::Lines(from, to) if from == to => from.to_string(),
                    Scope::Lines(from, to) => format!("{from}-{to}"),
                    other => format!("{other:?}"),
                };
                let reason = if comment.has_reason() { "" } else { " without reason" };
                for word in &comment.words {
                    assert_eq!(&text[word.range.clone()], word.rule);
                }
                assert!(text[comment.range.clone()].starts_with('#'));
                format!("{}: {scope} {}{reason}", comment.line, words.join(","))
            })
            .collect();
        assert_eq!(found, expected, "{text:?}");
    }
}

#[test]
fn a_comment_is_about_its_line_or_the_next() {
    check("a: 1 # trueline: allow x/y it is so\nb: 2\n", &["1: 1 x/y"]);
    check("a:\n  # trueline: allow x/y so\n\n  # more\n  b: 2\n", &["2: 5 x/y"]);
    check("a: 1\n# trueline: allow x/y so", &["2: Nothing x/y"]);
    check("#trueline:allow x/y so\n---\na: 1\n", &["1: 2 x/y"]);
}

#[test]
fn a_text_of_several_lines_is_one_place() {
    check("a: |  # trueline: allow x/y so\n  b\n  c\nd: 1\n", &["1: 1-3 x/y"]);
    check("# trueline: allow x/y so\na: >\n  b\n\n  c\nd: 1\n", &["1: 2-5 x/y"]);
    check("# trueline: allow x/y so\na: 'b\n  c'\nd: 1\n", &["1: 2-3 x/y"]);
}

#[test]
fn what_stands_in_a_text_is_no_comment() {
    check("a: |\n  # trueline: allow x/y so\n  b # trueline: allow x/y so\n", &[]);
    check("a: '# trueline: allow x/y so'\n", &[]);
    check("a: \"b\n  # trueline: allow x/y so\"\n", &[]);
    check("'# trueline: allow x/y so': 1\n", &[]);
    check("a: b# trueline: allow x/y so\n", &[]);
    check("a: 'it''s' # trueline: allow x/y so\n", &["1: 1 x/y"]);
    check("a: |\n  b\n# trueline: allow x/y so\nc: 1\n", &["3: 4 x/y"]);
}

#[test]
fn rules_and_reason_are_told_apart() {
    check("a: 1 # trueline: allow x/y, z/w,v/u it is fine, really\n", &["1: 1 x/y,z/w,v/u"]);
    check("a: 1 # trueline: allow x/y, it is fine\n", &["1: 1 x/y"]);
    check("a: 1 # trueline: allow x/y\n", &["1: 1 x/y without reason"]);
    check("a: 1 # trueline: allow x/y --\n", &["1: 1 x/y without reason"]);
    check("a: 1 # trueline: allow\n", &["1: 1  without reason"]);
    check(
        "a: 1 # trueline: allowed\nb: 1 # trueline: a tool\nc: 1 # see trueline: allow x/y so\n",
        &[],
    );
}

#[test]
fn the_whole_file_is_allowed_above_its_first_key() {
    check("# trueline: allow-file x/y so\na: 1\n", &["1: File x/y"]);
    check("# c\n\n# trueline: allow-file x/y so\n---\na: 1\n", &["3: File x/y"]);
    check("a: 1\n# trueline: allow-file x/y so\nb: 1\n", &["2: Below x/y"]);
    check("a: 1 # trueline: allow-file x/y so\n", &["1: Below x/y"]);
}

#[test]
fn nothing_is_read_in_what_is_not_yaml() {
    assert_eq!(read_comments("a: [ # trueline: allow x/y so\n"), []);
}
