//! Laws of braces that are meant as they are, in each target; and the examples of the guide, each as it says. Tests only.

use proptest::prelude::*;
use serde_json::json;

use super::check::check;
use super::escape::Target;
use super::helpers::HELPERS;
use super::references::references;
use super::render::render;
use super::scope::Scope;

const PAGE: &str = include_str!("../../docs/guide/templates.md");

/// A target, what stands before the braces, and what stands behind them.
const PLACES: [(Target, &str, &str); 9] = [
    (Target::Text, "on: $", " # {{fields.a}}"),
    (Target::Json, "{\"a\": \"", "\", \"b\": \"{{fields.a}}\"}"),
    (Target::Url, "https://host/", "?q={{fields.a}}"),
    (Target::Header, "for ", " {{fields.a}}"),
    (Target::Path, "a/", "/{{fields.a}}"),
    (Target::Hcl, "a = \"", "\" # {{fields.a}}"),
    (Target::Jira, "h1. ", " {{fields.a}}"),
    (Target::Markdown, "# ", " {{fields.a}}"),
    (Target::Message, "feat: ", " {{fields.a}}"),
];

fn scope() -> Scope {
    let mut scope = Scope::new();
    scope.set("fields", json!({"a": "v", "label": "5\" ${x} *b*", "tags": ["a", "b c"]}));
    scope.set("service", json!({"id": "payments-db"}));
    scope
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn braces_behind_a_backslash_stay_in_every_target(inside in "[ a-zA-Z0-9_.()=&|'>!#-]{0,24}") {
        for (target, before, behind) in PLACES {
            // No blank and no separator stands in a URL or path as it is.
            let inside = match target {
                Target::Url | Target::Path => inside.replace([' ', '#', '.'], ""),
                _ => inside.clone(),
            };
            let text = format!("{before}\\{{{{{inside}}}}}{behind}");
            prop_assert_eq!(check(&text), vec![], "{}", text);
            prop_assert_eq!(references(&text).len(), 1, "{}", text);
            let behind = behind.replace("{{fields.a}}", "v");
            let expected = format!("{before}{{{{{inside}}}}}{behind}");
            prop_assert_eq!(render(&text, target, &scope()), Ok(expected), "{}", text);
        }
    }

    #[test]
    fn a_backslash_twice_is_one_before_a_value(count in 0_usize..4) {
        let text = format!("{}\\\\{{{{fields.a}}}}", "x".repeat(count));
        let expected = format!("{}\\v", "x".repeat(count));
        prop_assert_eq!(render(&text, Target::Text, &scope()), Ok(expected));
    }
}

/// The rows between two marks of the page.
fn rows(mark: &str) -> Vec<&'static str> {
    let (start, end) = (format!("<!-- {mark} -->"), format!("<!-- /{mark} -->"));
    let part = PAGE.split(&start).nth(1).and_then(|rest| rest.split(&end).next()).unwrap();
    part.lines().filter(|line| line.starts_with("| ")).skip(1).collect()
}

#[test]
fn the_examples_of_the_guide_become_what_it_says() {
    let rows = rows("examples");
    assert!(rows.len() > 12);
    let mut targets: Vec<&str> = Vec::new();
    for row in rows {
        let cells: Vec<&str> = row.trim_matches('|').split(" | ").map(str::trim).collect();
        let [place, written, becomes] = cells.as_slice() else { panic!("{row}") };
        let target = match *place {
            "JSON" => Target::Json,
            "a URL" => Target::Url,
            "a header" => Target::Header,
            "a path" => Target::Path,
            "HCL" => Target::Hcl,
            "JIRA's text" => Target::Jira,
            "Markdown" => Target::Markdown,
            "a message" => Target::Message,
            "text" => Target::Text,
            other => panic!("{other}"),
        };
        targets.push(place);
        let (written, becomes) = (written.trim_matches('`'), becomes.trim_matches('`'));
        assert_eq!(render(written, target, &scope()).as_deref(), Ok(becomes), "{row}");
    }
    targets.sort_unstable();
    targets.dedup();
    assert_eq!(targets.len(), PLACES.len(), "every target is shown");
}

#[test]
fn the_guide_names_every_helper() {
    let listed = rows("helpers").join(" ");
    let words: Vec<&str> = listed.split(['`', ' ', ',']).collect();
    let blocks = ["if", "unless", "each", "with"];
    for helper in HELPERS.iter().filter(|helper| !blocks.contains(*helper)) {
        assert!(words.contains(helper), "{helper}");
    }
}
