//! What `quick` reads is what `parse` reads.

use std::sync::Arc;

use proptest::prelude::*;

use super::quick;
use crate::yaml::parse;

/// Fails where both read something, and not the same.
fn same(text: &str) -> Result<bool, TestCaseError> {
    let Some(value) = quick(text.as_bytes()) else { return Ok(false) };
    let (tree, findings) = parse(&Arc::from("a.yaml"), text.as_bytes());
    prop_assert!(findings.is_empty(), "{:?} in {:?}", findings, text);
    prop_assert_eq!(tree.map(|tree| tree.to_json()), Some(value), "{:?}", text);
    Ok(true)
}

#[track_caller]
fn reads(text: &str) {
    assert!(same(text).unwrap(), "not read: {text:?}");
}

#[track_caller]
fn leaves(text: &str) {
    assert_eq!(quick(text.as_bytes()), None, "{text:?}");
}

#[test]
fn plain_documents_are_read() {
    for text in [
        "a: 1\n",
        "# c\n\na: b # c\nb:\n  c: 'it''s'\n  d: \"x\\n\\\"y\\\"\"\n\n# d\ne: ~\n"
            .replace('~', "null")
            .as_str(),
        "a:\n- b\n- c: 1\n  d: 2\n-\n  e: 3\nf: [g, {h: i}, [], {}]\n",
        "a:\n  - - b\n".replace("- - b", "- b").as_str(),
        "a: |\n  b\n   c\n\n  d\ne: >-\n  f\n  g\n\n  h\ni: >\n  j\n\n\nk: |- # c\n  l\n",
        "a:\n  - |\n    b\n  - c: >-\n      d\n    e: f\n",
        "a: {b: 1.5, c: -2, d: true, e: x y, f: \"{{g}}\"} # c\nh: https://example.com/a#b\n",
        "a:\n\nb:\n  # c\n  c: 2027-01-31\n",
        "a: eu-west-1\nb: (c)\nd: a:b\ne: x'y\nf: ^1.4\ng: 12a\n",
    ] {
        reads(text);
    }
}

#[test]
fn whatever_is_not_certain_is_left() {
    for text in [
        "",
        "a\n",
        "a: 1",
        "- a\n",
        "a: é\n",
        "a: b\r\n",
        "a:\tb\n",
        "a: b\n c\n",
        "a: b\n  c: d\n",
        "a: 1\na: 2\n",
        "1: a\n",
        "true: a\n",
        "\"a\": b\n",
        "a: *b\n",
        "a: &b c\n",
        "a: !!str b\n",
        "a: 007\n",
        "a: {{b}}\n",
        "a: x {{b}}\n",
        "a: \"b\" c\n",
        "a: [b,\n  c]\n",
        "a: [b, ]\n",
        "a: [b: c]\n",
        "a: {b}\n",
        "a: |+\n  b\n",
        "a: |2\n    b\n",
        "a: |\n\n  b\n",
        "a: |\n  b\n c: d\n",
        "a: >\n  b\n    c\n",
        "---\na: b\n",
        "%YAML 1.2\n",
        "? a\n: b\n",
        "a: b: c\n",
        "a: b:\n",
        "a: 'b\n  c'\n",
        "a: @b\n",
        "<<: b\n",
        "a: x # {{b}}\n",
        "a: \"x\"#b\n",
        "a: |\n  b\n  \n",
        "a: - b\n",
        "a:b\n",
        "a: \"\\u0041\"\n",
        "- a\nb: c\n",
        "a: 'x' # }}\n",
        "a: {b: 1}c\n",
    ] {
        leaves(text);
    }
}

#[test]
fn the_documents_of_the_example_are_the_same() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    let (mut read, mut all) = (0, 0);
    let mut folders = vec![root.join("catalog-example"), root.join("benches/documents")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "yaml") {
                all += 1;
                let text = std::fs::read_to_string(&path).unwrap();
                read += usize::from(same(&text).unwrap());
            }
        }
    }
    assert!(read * 3 > all * 2, "{read} of {all}");
}

/// Pieces that make lines which are nearly what people write.
fn piece() -> impl Strategy<Value = &'static str> {
    prop::sample::select(vec![
        "a",
        "b",
        "key",
        "true",
        "null",
        "12",
        "-3",
        "1.50",
        "0x1",
        "007",
        "x y",
        ": ",
        ":",
        "- ",
        "-",
        "[",
        "]",
        "{",
        "}",
        ", ",
        ",",
        "\"",
        "'",
        "''",
        "\\n",
        "\\",
        "#",
        " #",
        " # c",
        " ",
        "  ",
        "|",
        ">",
        "|-",
        ">-",
        "+",
        "{{a}}",
        "\n",
        "\n  ",
        "\n    ",
        "\n- ",
        "\n  - ",
        "\n\n",
        "?",
        "*a",
        "&a",
        "!",
        "%",
        "@",
        "~",
        "a: ",
        "b: ",
        "c: ",
        "\nd: ",
        "\n  e: ",
        "\n    f: ",
        "/",
        ".",
        "=",
        "<<",
        "$",
        "(",
        "^",
    ])
}

/// Documents of the shapes that are read, with texts of all kinds.
fn document() -> impl Strategy<Value = String> {
    let text = prop::sample::select(vec![
        "x",
        "x y",
        "'q'",
        "\"q\"",
        "12",
        "true",
        "",
        "[a, b]",
        "{c: d, e: [f]}",
        "|\n  t\n  u",
        ">-\n  t\n  u",
        "# c",
        "x # c",
        "\n  g: h",
        "\n  - i\n  - j: k\n    l: m",
        "\n- n",
        "{o: \"{{p}}\"}",
        "a#b",
        "a:b",
        "\n\n  q: r",
    ]);
    prop::collection::vec((prop::sample::select(vec!["a", "b", "c", "d-e", "f.g"]), text), 1..6)
        .prop_map(|lines| {
            lines
                .into_iter()
                .map(|(key, text)| format!("{key}: {text}\n"))
                .collect::<Vec<_>>()
                .concat()
        })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(4_000))]

    #[test]
    fn what_is_read_is_the_same(pieces in prop::collection::vec(piece(), 0..24)) {
        same(&format!("{}\n", pieces.concat()))?;
    }

    #[test]
    fn documents_are_the_same(text in document()) {
        same(&text)?;
    }

    #[test]
    fn edited_documents_are_the_same(text in document(), piece in piece(), at in 0_usize..200) {
        let at = at % (text.len() + 1);
        let (before, after) = text.split_at(at);
        same(&format!("{before}{piece}{after}"))?;
    }
}
