//! The second table of `docs/reliability.md`: which test shows which row. A test that is named there is there.

use std::path::Path;

const PAGE: &str = include_str!("../../../docs/reliability.md");

/// The rows that must stand in the table.
fn wanted() -> impl Iterator<Item = String> {
    let bad = [34, 36, 43]
        .into_iter()
        .chain(46..=56)
        .chain([89])
        .chain(103..=106)
        .map(|number| format!("B{number}"));
    let attacks = (1..=14).map(|number| format!("T{number}"));
    let faults = (1..=8).chain(14..=29).chain(42..=49).chain([51, 55]);
    bad.chain(attacks).chain(faults.map(|number| format!("F{number}")))
}

#[test]
fn every_row_names_its_tests_and_they_are_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    for row in wanted() {
        let start = format!("| {row} |");
        let Some(line) = PAGE.lines().find(|line| line.starts_with(&start)) else {
            wrong.push(format!("{row} is missing"));
            continue;
        };
        let named: Vec<&str> =
            line.split('`').skip(1).step_by(2).filter(|it| it.contains(".rs")).collect();
        if named.is_empty() && !line.contains("not in this version") {
            wrong.push(format!("{row} names no test"));
        }
        for name in named {
            let (file, test) = name.split_once("::").unwrap_or((name, ""));
            let text = std::fs::read_to_string(root.join(file)).unwrap_or_default();
            if test.is_empty() || !text.contains(&format!("fn {test}(")) {
                wrong.push(format!("{row}: there is no {name}"));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
