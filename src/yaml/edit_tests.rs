//! Tests of edits: what is written, and that all else stands as it stood.

use std::sync::Arc;

use super::*;

fn parsed(source: &str) -> Node {
    let (tree, findings) = super::super::parse(&Arc::from("a.yaml"), source.as_bytes());
    tree.unwrap_or_else(|| panic!("{source:?} {findings:?}"))
}

fn applied(source: &str, fix: Option<Fix>) -> Option<String> {
    let mut text = source.to_owned();
    for edit in fix?.edits.iter().rev() {
        text.replace_range(edit.start..edit.end, &edit.text);
    }
    Some(text)
}

/// Expects what an edit of the value under `a` makes of a source, in every way that lines can end.
#[track_caller]
fn check(edit: impl Fn(&[u8], &Node) -> Option<Fix>, source: &str, expected: &str) {
    let crlf = |text: &str| text.replace('\n', "\r\n");
    let marked = |text: &str| format!("\u{feff}{text}");
    for (source, expected) in [
        (source.to_owned(), expected.to_owned()),
        (crlf(source), crlf(expected)),
        (marked(source), marked(expected)),
        (format!("é: ü # ñ\n{source}"), format!("é: ü # ñ\n{expected}")),
    ] {
        let tree = parsed(&source);
        let fix = edit(source.as_bytes(), tree.get("a").unwrap());
        assert_eq!(applied(&source, fix).as_deref().unwrap_or(&source), expected);
    }
}

#[test]
fn a_number_is_quoted_as_it_is_written() {
    for (source, expected) in [
        ("a: 1.10 # c\n", "a: \"1.10\" # c\n"),
        ("a:   -3\n", "a:   \"-3\"\n"),
        ("a: true\n", "a: \"true\"\n"),
        ("a: null\n", "a: \"null\"\n"),
        ("{b: é, a: 1e3}\n", "{b: é, a: \"1e3\"}\n"),
        // Nothing stands there, or a text.
        ("a: ~\n", "a: ~\n"),
        ("a:\n", "a:\n"),
        ("a: b\n", "a: b\n"),
    ] {
        if source.starts_with('{') {
            let tree = parsed(source);
            let fix = quote(source.as_bytes(), tree.get("a").unwrap());
            assert_eq!(applied(source, fix).as_deref(), Some(expected));
        } else {
            check(quote, source, expected);
        }
    }
}

#[test]
fn quotes_are_taken_from_what_is_surely_no_text() {
    check(unquote, "a: '5432' # c\n", "a: 5432 # c\n");
    check(unquote, "a: \"true\"\n", "a: true\n");
    for source in ["a: '007'\n", "a: ' 1'\n", "a: \"\\x31\"\n", "a: 'b'\n", "a: 1\n"] {
        check(unquote, source, source);
    }
}

#[test]
fn what_stands_twice_in_a_list_is_taken_once() {
    for (source, expected) in [
        ("a: [x, y, x] # c\n", "a: [x, y] # c\n"),
        ("a: [x,x , 'x', y]\n", "a: [x, y]\n"),
        ("a:\n  - x\n  - y # c\n  - x\n  - y\nb: 1\n", "a:\n  - x\n  - y # c\nb: 1\n"),
        // A comment would be lost, a line would be torn.
        ("a:\n  - x\n  - x # why\n", "a:\n  - x\n  - x # why\n"),
        ("a: [x,\n  x]\n", "a: [x,\n  x]\n"),
        ("a: [{b: 1}, {b: 1}]\n", "a: [{b: 1}, {b: 1}]\n"),
        ("a: [x, y]\n", "a: [x, y]\n"),
    ] {
        check(without_repeats, source, expected);
    }
}

#[track_caller]
fn check_word(source: &str, (old, new): (&str, &str), expected: Option<&str>) {
    let at = source.find('‸').unwrap();
    let before = &source[..at];
    let source = source.replace('‸', "");
    let line = u32::try_from(before.matches('\n').count()).unwrap() + 1;
    let column = before.rsplit('\n').next().unwrap().trim_start_matches('\u{feff}').chars().count();
    let place = Place {
        path: Arc::from("a.yaml"),
        line,
        column: u32::try_from(column).unwrap() + 1,
        length: 0,
    };
    let fix = respell(source.as_bytes(), &place, old, new);
    assert_eq!(applied(&source, fix).as_deref(), expected);
}

#[test]
fn a_word_is_respelled_where_it_stands() {
    let pair = ("sise", "size");
    check_word("a:\n  ‸sise: 1 # sise\n", pair, Some("a:\n  size: 1 # sise\n"));
    check_word("\u{feff}‸sise: 1\n", pair, Some("\u{feff}size: 1\n"));
    check_word("é: {ü: x, ‸sise: x}\n", pair, Some("é: {ü: x, size: x}\n"));
    check_word("a: ‸'sise'\r\n", pair, Some("a: 'size'\r\n"));
    check_word("a: \"x {{‸fields.sise}}\"\n", pair, Some("a: \"x {{fields.size}}\"\n"));
    check_word("a: ‸\"{{ x.sise.y }}\"\n", pair, Some("a: \"{{ x.size.y }}\"\n"));
    check_word("a: ‸sise.sise\n", pair, None);
    check_word("a: ‸sises\n", pair, None);
    check_word("a: ‸\"si\\x73e\"\n", pair, None);
    check_word("a: ‸a/b\n", ("a/b", "a/c"), Some("a: a/c\n"));
}

#[test]
fn a_word_that_would_become_something_else_is_left() {
    check_word("a: ‸tru\n", ("tru", "true"), None);
    check_word("a: ‸'tru'\n", ("tru", "true"), Some("a: 'true'\n"));
    check_word("a: ‸x1\n", ("x1", "1"), None);
    check_word("a: ‸sise\n", ("sise", "si ze"), None);
    check_word("a: ‸sise\n", ("sise", "#size"), None);
}

#[test]
fn a_line_goes_below_the_comments_at_the_top() {
    let insert =
        |source: &str| applied(source, insert_first(source.as_bytes(), &parsed(source), "kind: X"));
    assert_eq!(insert("# c\n\na: 1\n").as_deref(), Some("# c\n\nkind: X\na: 1\n"));
    assert_eq!(insert("---\r\na: 1\r\n").as_deref(), Some("---\r\nkind: X\r\na: 1\r\n"));
    assert_eq!(insert("\u{feff}a: 1").as_deref(), Some("\u{feff}kind: X\na: 1"));
    assert_eq!(insert("{a: 1}\n"), None);
}

#[test]
fn places_that_are_not_there_have_no_byte() {
    let source = "\u{feff}é\r\nb";
    assert_eq!(byte_at(source.as_bytes(), 1, 1), Some(3));
    assert_eq!(byte_at(source.as_bytes(), 1, 2), Some(5));
    assert_eq!(byte_at(source.as_bytes(), 2, 2), Some(8));
    for (line, column) in [(0, 1), (1, 0), (1, 9), (2, 3), (3, 1), (u32::MAX, u32::MAX)] {
        assert_eq!(byte_at(source.as_bytes(), line, column), None, "{line}:{column}");
    }
    assert_eq!(byte_at(&[0xff, 0xfe], 1, 1), None);
}
