//! Documents made to hurt: huge, deep or both. Each must be answered, and in linear time.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{MAX_BYTES, MAX_DEPTH, Node, parse};
use crate::finding::Finding;

/// What takes milliseconds as released, and minutes where something is quadratic.
const BUDGET: Duration = Duration::from_secs(5);

fn read(input: &str) -> (Option<Node>, Vec<Finding>) {
    let start = Instant::now();
    let (tree, findings) = parse(&Arc::from("a.yaml"), input.as_bytes());
    let took = start.elapsed();
    assert!(took < BUDGET, "{took:?} for {:?}", input.chars().take(30).collect::<String>());
    assert_eq!(tree.is_none(), findings.iter().any(Finding::is_error));
    (tree, findings)
}

fn fill(start: &str, part: &str, bytes: usize) -> String {
    format!("{start}{}", part.repeat((bytes - start.len()) / part.len()))
}

#[test]
fn the_first_place_that_is_too_deep_is_told() {
    let steps: String = (0..1400).map(|depth| " ".repeat(depth) + "a:\n").collect();
    for (input, line, column) in [
        (fill("", "[", MAX_BYTES), 1, 65),
        (fill("a: ", "[", MAX_BYTES), 1, 67),
        (fill("", "[[],", MAX_BYTES), 1, 254),
        (fill("", "{a: ", MAX_BYTES), 1, 257),
        (fill("", "{", MAX_BYTES), 1, 65),
        (fill("", "- ", MAX_BYTES), 1, 129),
        (fill("", "? ", MAX_BYTES), 1, 129),
        (fill("", "- ? ", MAX_BYTES), 1, 129),
        (fill("a:\n  - [", "\"[\", [", MAX_BYTES), 2, 377),
        (steps, 65, 65),
    ] {
        let (_, findings) = read(&input);
        let deep: Vec<_> = findings.iter().filter(|finding| finding.rule == "yaml/depth").collect();
        let [finding] = deep.as_slice() else { panic!("{findings:?}") };
        let place = (finding.place.line, finding.place.column);
        assert_eq!(place, (line, column), "{:?}", input.chars().take(30).collect::<String>());
        assert!(!findings.iter().any(|finding| finding.rule == "yaml/syntax"), "{findings:?}");
    }
}

#[test]
fn the_deepest_that_is_read_is_read() {
    let lists = MAX_DEPTH - 1;
    let input = format!("a: {}{}", "[".repeat(lists), "]".repeat(lists));
    let (tree, findings) = read(&input);
    assert_eq!(findings, []);
    let pointer = format!("/a{}", "/0".repeat(lists - 1));
    assert_eq!(tree.unwrap().pointer(&pointer).unwrap().items(), []);
    assert!(read(&format!("a: [{}]", &input[3..])).0.is_none());
}

#[test]
fn whatever_fills_a_document_is_answered_quickly() {
    let parts = [
        "[",
        "{",
        "- ",
        "? ",
        "&a ",
        "*a ",
        "!a ",
        "a: ",
        "- &a 1\n",
        "- *a\n",
        "a",
        "\"",
        "'",
        "|",
        "#",
        " ",
        "\t",
        "\n",
        "{{",
        "{{x}} ",
        "[]",
        "}",
        "]",
        ",",
        ":",
        "--- \n",
        "...\n",
        "%a\n",
        "é",
        "\u{200b}",
        "\\",
        "- - \n",
        "{{x}},",
        "[*a ",
        "a: 1\n",
        "? a\n",
        "[? ",
        "- : ",
        "<<: 1\n",
        "|\n",
        "\"a\":",
        "[{",
        "\r\n",
        "\u{7}",
        "0",
        "1e",
        "\"é\",",
        "'\u{200b}':",
        "a #{{\n",
    ];
    for part in parts {
        for start in ["", "a: ", "a: [", "a: {", "a: \"", "a: |\n  ", "é: [é, "] {
            read(&fill(start, part, MAX_BYTES / 32));
        }
    }
}

#[test]
fn findings_end_before_they_are_a_flood() {
    for part in ["- &a 1\n", "- 0x1\n", "- {1: 1}\n", "- {{x}}\n", "- {a: 1, a: 1}\n"] {
        let (_, findings) = read(&fill("", part, MAX_BYTES / 4));
        assert!((100..110).contains(&findings.len()), "{} {part:?}", findings.len());
    }
}

#[test]
fn many_keys_are_compared_quickly_and_right() {
    let lines: Vec<String> = (0..50_000).map(|number| format!("k{number}: 1\n")).collect();
    let many = lines.concat();
    assert_eq!(read(&many).0.unwrap().entries().len(), 50_000);
    for twice in [0, 7, 8, 9, 49_999] {
        let (_, findings) = read(&format!("{many}k{twice}: 2\n"));
        let expected = format!("duplicate key `k{twice}`, first on line {}", twice + 1);
        assert_eq!(findings[0].message, expected);
        assert_eq!(findings[0].place.line, 50_001);
    }
}
