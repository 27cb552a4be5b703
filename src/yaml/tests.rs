//! What the room takes and refuses, from bytes to tree.

use std::fmt::Write;
use std::sync::Arc;

use super::{MAX_BYTES, Node, parse};
use crate::finding::{Finding, Severity};

pub(super) fn read(input: impl AsRef<[u8]>) -> (Option<Node>, Vec<Finding>) {
    let (tree, findings) = parse(&Arc::from("a.yaml"), input.as_ref());
    assert_eq!(tree.is_none(), findings.iter().any(Finding::is_error), "{findings:?}");
    assert!(findings.iter().all(|finding| finding.hint.is_some()), "{findings:?}");
    (tree, findings)
}

/// `line:column+length rule` of each finding, a warning's with `?`, and the tree as JSON.
fn shown(input: &str) -> String {
    let (tree, findings) = read(input);
    let findings = findings.iter().map(|finding| {
        let place = &finding.place;
        let mark = if finding.severity == Severity::Error { "" } else { "?" };
        let rule = finding.rule.strip_prefix("yaml/").unwrap();
        format!("{}:{}+{} {rule}{mark}", place.line, place.column, place.length)
    });
    findings.chain(tree.map(|tree| tree.to_json().to_string())).collect::<Vec<_>>().join("; ")
}

fn check(cases: &[(&str, &str)]) {
    for (input, expected) in cases {
        assert_eq!(shown(input), *expected, "{input:?}");
    }
}

#[test]
fn a_key_stands_once() {
    check(&[
        ("a: 1\nb: 2\na: 3\n", "3:1+1 duplicate-key"),
        ("a: 1\n\"\\x61\": 2\n", "2:1+6 duplicate-key"),
        ("a: {b: 1, b: 2}\n", "1:11+1 duplicate-key"),
        ("a: {b: 1}\nb: {b: 2}\n", "{\"a\":{\"b\":1},\"b\":{\"b\":2}}"),
    ]);
}

#[test]
fn spaces_indent() {
    check(&[
        ("a:\n\tb: 1\n", "2:1+1 syntax"),
        ("\ta: 1\n", "1:1+1 syntax"),
        ("a:\n  b: 1\n  \tc: 2\n", "3:3+1 syntax"),
        ("a:\n  - x\n\t- y\n", "3:1+1 syntax"),
        ("a: |\n\tx\n", "2:1+1 syntax"),
        ("-\ta: 1\n", "1:2+1 syntax"),
        ("a:\tb\n", "1:3+1 syntax"),
        ("a: [\n\tb]\n", "2:1+1 syntax"),
        ("a: b\t# c\n", "{\"a\":\"b\"}"),
    ]);
}

#[test]
fn lines_end_as_people_see_them() {
    check(&[
        ("\u{feff}a: 1\r\nb: x\r\nb: 2\r\n", "3:1+1 duplicate-key"),
        ("a: 1\rb: 2\n", "1:5+1 character"),
        ("a: x\u{85}y\u{2028}z\u{2029}\n", "1:5+1 character; 1:7+1 character; 1:9+1 character"),
        ("a: 1\n\u{feff}b: 1\n", "2:1+1 character"),
    ]);
}

#[test]
fn characters_are_seen() {
    check(&[
        ("a: \u{7}\nb: \u{7}\n", "1:4+1 character"),
        ("a: \0\n", "1:4+1 character"),
        ("a: \"\\0\"\n", "1:4+4 character"),
        ("a: \"\\r\\n\\t\"\n", "{\"a\":\"\\r\\n\\t\"}"),
        ("a: \u{e000}\n", "1:4+1 character"),
        ("a: \"\\uE001\"\n", "1:4+8 character"),
        (
            "a\u{200b}: x\u{202e}y\n# \u{ad}\n",
            "1:1+2 invisible; 1:6+1 invisible?; 2:3+1 invisible?",
        ),
        ("\"a\\u200b\": x\n", "1:1+9 invisible"),
        ("a: \"\\u200b\"\n", "{\"a\":\"\u{200b}\"}"),
        (
            "a: é\u{200d}\nb: \u{200d}\n",
            "1:5+1 invisible?; {\"a\":\"é\u{200d}\",\"b\":\"\u{200d}\"}",
        ),
    ]);
}

#[test]
fn there_is_one_document_and_it_is_a_mapping() {
    check(&[
        ("", "1:1+0 empty"),
        ("# x\n", "1:1+0 empty"),
        ("---\n", "1:1+0 empty"),
        ("--- # x\n...\n", "1:1+0 empty"),
        ("\r\n\n", "1:1+0 empty"),
        ("~\n", "1:1+1 root"),
        ("- a\n- b\n", "1:1+3 root"),
        ("[1, 2]", "1:1+6 root"),
        ("just text", "1:1+9 root"),
        ("12", "1:1+2 root"),
        ("a: 1\n---\nb: 1\n", "2:1+3 feature"),
        ("a: 1\n...\nb: 1\n", "3:1+3 feature"),
        ("---\n---\na: 1\n", "2:1+3 feature"),
        ("a: 1\n---\n", "2:1+3 feature"),
        ("a: 1\n...\n", "{\"a\":1}"),
        ("--- \na: 1", "{\"a\":1}"),
    ]);
}

#[test]
fn what_json_lacks_is_refused() {
    check(&[
        ("%YAML 1.2\n---\na: 1\n", "1:1+9 feature"),
        ("# c\n%TAG ! x:\n---\na: 1\n", "2:1+9 feature"),
        ("a: %x\n", "1:4+1 syntax"),
        ("a: 1\n%YAML 1.2\n---\n", "2:1+1 feature"),
        ("a: &x 1\nb: *x\n", "1:4+1 feature; 2:4+2 feature"),
        ("a: *x\n", "1:4+1 feature"),
        ("a: * * *\n", "1:4+1 feature"),
        ("a: &\n", "1:4+1 feature"),
        ("*a : 1\n", "1:1+1 feature"),
        ("&a b: 1\n", "1:1+1 feature"),
        ("a: &x [1]\n", "1:4+1 feature"),
        ("a: !!str 1\n", "1:4+1 feature"),
        ("a: !x {b: 1}\n", "1:4+1 feature"),
        ("a: !x!y 1\n", "1:4+1 feature"),
        ("!!map\na: 1\n", "1:1+1 feature"),
        ("a: !<x> 1\n", "1:4+1 feature"),
        ("a: !{}\n", "1:4+1 feature"),
        ("<<: {a: 1}\nb: 1\n", "1:1+2 feature"),
        ("\"<<\": 1\n", "{\"<<\":1}"),
    ]);
}

#[test]
fn a_key_is_a_text() {
    check(&[
        ("1: a\n", "1:1+1 feature"),
        ("true: a\n", "1:1+4 feature"),
        ("~: a\n", "1:1+1 feature"),
        (": a\n", "1:1+1 feature"),
        ("1.5: a\n", "1:1+3 feature"),
        ("007: a\n", "1:1+3 feature"),
        ("on: a\n", "{\"on\":\"a\"}"),
        ("'1': a\n", "{\"1\":\"a\"}"),
        ("? a\n: b\n", "1:3+1 feature"),
        ("? [a]\n: b\n", "1:3+1 feature"),
        ("[a]: b\n", "1:1+1 feature"),
        ("{a: b}: c\n", "1:1+1 feature"),
        ("a: {? b : c}\n", "1:7+1 feature"),
        ("? |\n  x\n: b\n", "1:3+1 feature"),
        ("a: {b\n  c: d}\n", "1:5+1 feature"),
        ("? a\n", "1:3+1 feature"),
        ("a: { {b: c}: d }\n", "1:6+1 feature"),
        ("a: [b: c]\n", "{\"a\":[{\"b\":\"c\"}]}"),
    ]);
}

#[test]
fn templates_have_quotes() {
    check(&[
        ("a: {{x}}\n", "1:4+5 template-quotes"),
        ("a: {{x}}-db\n", "1:4+5 template-quotes"),
        ("a: x{{x}}\n", "{\"a\":\"x{{x}}\"}"),
        ("a: \"{{x}}\"\n", "{\"a\":\"{{x}}\"}"),
        ("a: [{{x}}]\n", "1:5+5 template-quotes"),
        ("a: [b {{x}}]\n", "1:7+5 template-quotes"),
        ("a: {{#if x}}y{{/if}}\n", "1:4+2 template-quotes"),
        ("{{x}}: 1\n", "1:1+5 template-quotes"),
        ("a: {{{x}}}\nb: {{y}}\n", "1:4+6 template-quotes; 2:4+5 template-quotes"),
        ("a: {b: {{x}}}\n", "1:8+5 template-quotes"),
        ("- {{x}}\n", "1:3+5 template-quotes"),
        ("a: {{x\nb: 1\n", "1:4+2 template-quotes; 1:6+1 feature; 2:5+1 syntax"),
        ("a: {{eq x 'y'}}\n", "1:4+12 template-quotes"),
        ("a: {{\"x\" y}}\n", "1:4+2 template-quotes"),
        ("a: {{x | y: z}}\nb: 1\n", "1:4+12 template-quotes"),
        ("a: x {{y #z}}\n", "1:10+4 comment-cuts-template?; {\"a\":\"x {{y\"}"),
        ("a: x {{y}} # z\n", "{\"a\":\"x {{y}}\"}"),
        ("a: x {{y}} #{{z}}\n", "1:12+6 comment-cuts-template?; {\"a\":\"x {{y}}\"}"),
        ("a: x {{y}}#z\n", "{\"a\":\"x {{y}}#z\"}"),
    ]);
}

#[test]
fn scalars_are_exact() {
    check(&[
        (
            "a: 0x1f\nb: 1_000\nc: .inf\nd: 99999999999999999999\n",
            "1:4+4 number; 2:4+5 number; 3:4+4 number; 4:4+20 number",
        ),
        (
            "a: no\nb: on\nc: 1.10\nd: 007a\ne:\nf: ~\ng: True\nh: true\n",
            "{\"a\":\"no\",\"b\":\"on\",\"c\":1.1,\"d\":\"007a\",\"e\":null,\"f\":null,\"g\":\"True\",\"h\":true}",
        ),
        (
            "a: 18446744073709551615\nb: 1e3\nc: '1'\n",
            "{\"a\":18446744073709551615,\"b\":1000.0,\"c\":\"1\"}",
        ),
    ]);
}

#[test]
fn faults_of_syntax_have_a_place() {
    check(&[
        ("a: \"x\n", "1:4+1 syntax"),
        ("a: 'x\nb: 1\n", "1:4+1 syntax"),
        ("a: \"x\" y\n", "1:8+1 syntax"),
        ("a: \"\\q\"\n", "1:4+1 syntax"),
        ("a: \"\\ud83d\\ude00\"\n", "1:4+1 syntax"),
        ("a: b: c\n", "1:5+1 syntax"),
        ("a b\nc: d\n", "2:2+1 syntax"),
        ("a: 1\nb\n# c\n\nc: 2\n", "2:1+0 syntax"),
        ("a: 1\n b: 2\n", "2:3+1 syntax"),
        ("a:\n  b: 1\n c: 2\n", "3:2+1 syntax"),
        ("a: 1\nb\n", "2:1+0 syntax"),
        ("a: [1, 2\nb: 1\n", "2:2+1 syntax"),
        ("a: [1, 2\n", "1:9+1 syntax"),
        ("a: {b: 1\n", "1:9+1 syntax"),
        ("a: ]\n", "1:4+1 syntax"),
        ("a: @x\n", "1:4+1 syntax"),
        ("a: - b\n", "1:4+1 syntax"),
        ("a: [- b]\n", "1:5+1 syntax"),
        ("a: | x\n  y\n", "1:4+1 syntax"),
        ("a: |\n   x\n  y\n", "3:3+1 syntax"),
        ("a: x #y\n  z\n", "1:6+1 syntax"),
        ("a: [x]#y\n", "1:7+1 syntax"),
        ("a: [x] y\n", "1:8+1 syntax"),
        ("a: [,]\n", "1:5+1 syntax"),
        ("a: x\n- b\n", "2:3+1 syntax"),
        ("a: 1\n... x\n", "2:5+1 feature"),
        ("a: \"x\n---\n\"\n", "1:4+1 syntax"),
        ("a: {b:[c]}", "1:6+1 syntax"),
        ("a: ? b\n", "1:4+1 feature"),
    ]);
}

#[test]
fn bytes_are_utf8_and_not_too_many() {
    let of = |input: &[u8]| {
        let (_, findings) = read(input);
        findings.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
    };
    assert_eq!(
        of(&b"a: 1\n".repeat(MAX_BYTES / 5 + 1)),
        "a.yaml:1:1: error yaml/size the document has 1048580 bytes, and at most 1048576 are read (make it shorter: documents have a few thousand; look for what was repeated or pasted in)"
    );
    let utf16: Vec<u8> = "a: 1".encode_utf16().flat_map(u16::to_le_bytes).collect();
    for input in [utf16.as_slice(), b"\xff\xfea\0", b"\xfe\xff\0a", b"\0a\0:"] {
        assert_eq!(
            of(input),
            "a.yaml:1:1: error yaml/encoding the file is UTF-16 (save it as UTF-8)"
        );
    }
    assert_eq!(
        of(b"\xef\xbb\xbfa: 1\nb: \xc3\xa9\xe9\n"),
        "a.yaml:2:5: error yaml/encoding byte 0xE9 at offset 13 is not UTF-8 (save the file as UTF-8)"
    );
    assert!(read([b"a: ".as_slice(), &b"x".repeat(MAX_BYTES - 3)].concat()).0.is_some());
}

#[test]
fn findings_say_what_and_what_to_do() {
    let (_, findings) = read("a: 1\nb: &x [*x]\na: 2\nc: 1_000\n");
    let shown: Vec<String> = findings.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(shown.join("\n"), @r#"
    a.yaml:2:4: error yaml/feature anchors (`&name`) are not supported (write the value out where it is needed, or quote a text that starts with `&`)
    a.yaml:2:8: error yaml/feature aliases (`*name`) are not supported (write the value out, or quote a text that starts with `*`)
    a.yaml:3:1: error yaml/duplicate-key duplicate key `a`, first on line 1 (keep one of the two)
    a.yaml:4:4: error yaml/number `1_000` is a number to some readers and a text to others (quote it where it is a text: `"1_000"`; a number has no underscores)
    "#);
    let (_, findings) = read("a: 1\na: 2\n");
    let [(place, what)] = findings[0].related.as_slice() else { panic!("{findings:?}") };
    assert_eq!((place.line, place.column, place.length, what.as_str()), (1, 1, 1, "the first"));
    let (_, findings) = read("- 1");
    assert_eq!(findings[0].message, "expected a mapping, found a list");
    let (_, findings) = read("a: {\n  b: [}\n");
    assert_eq!(findings[0].message, "a value is expected here");
}

#[test]
fn nodes_know_where_they_stand() {
    let input = "\
é: 'x''y'  # c
b: \"z\\\"\" # c
list:
- one
-   - deep
    - [ a, {k: v} ] # c
text: | # c

  line
  more

fold: >-
  x
none:
many: plain
  text
last: {a: 1
  }
";
    let (tree, _) = read(input);
    let tree = tree.unwrap();
    let mut shown = String::new();
    for pointer in [
        "/é",
        "/b",
        "/list",
        "/list/0",
        "/list/1",
        "/list/1/0",
        "/list/1/1",
        "/list/1/1/0",
        "/list/1/1/1",
        "/list/1/1/1/k",
        "/text",
        "/fold",
        "/none",
        "/many",
        "/last",
        "",
    ] {
        let span = tree.pointer(pointer).unwrap().span();
        let (start, end) = ((span.line, span.column), (span.end_line, span.end_column));
        writeln!(shown, "{pointer} {}:{}-{}:{}", start.0, start.1, end.0, end.1).unwrap();
    }
    insta::assert_snapshot!(shown.trim_end(), @r"
    /é 1:4-1:10
    /b 2:4-2:9
    /list 4:1-6:20
    /list/0 4:3-4:6
    /list/1 5:5-6:20
    /list/1/0 5:7-5:11
    /list/1/1 6:7-6:20
    /list/1/1/0 6:9-6:10
    /list/1/1/1 6:12-6:18
    /list/1/1/1/k 6:16-6:17
    /text 7:7-10:7
    /fold 12:7-13:4
    /none 14:5-14:6
    /many 15:7-16:7
    /last 17:7-18:4
     1:1-18:4
    ");
}
