//! Laws of what people read: JIRA's wiki text shows a value and takes no markup from it; plain text is the value.

use proptest::prelude::*;

use super::escape::Target;
use super::laws::{any_value, scope_of};
use super::render::render;

/// Reads JIRA's wiki text: what it shows, and the characters in it that mean something.
fn read_jira(text: &str) -> (String, String) {
    let (mut shown, mut marks) = (String::new(), String::new());
    let all: Vec<char> = text.chars().collect();
    let mut at = 0;
    while let Some(c) = all.get(at) {
        if *c == '\\' {
            at += 1;
            shown.extend(all.get(at));
        } else {
            let word = |near: Option<&char>| near.is_some_and(|c| c.is_alphanumeric());
            let inside = at > 0 && word(all.get(at - 1)) && word(all.get(at + 1));
            if "*^~?{}[]|!#@&<>".contains(*c) || ("-_+".contains(*c) && !inside) {
                marks.push(*c);
            }
            shown.push(*c);
        }
        at += 1;
    }
    (shown, marks)
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn jira_text_shows_the_value_and_marks_nothing(value in any_value()) {
        let rendered = render("h1. {{fields.a}} *bold*\n{{fields.a}}", Target::Jira, &scope_of(&value)).unwrap();
        let inside = rendered.strip_prefix("h1. ").unwrap();
        let read = format!("{value} *bold*\n{value}");
        let (shown, marks) = read_jira(inside);
        prop_assert_eq!(shown, read);
        // Only the template's own two stars mean anything.
        prop_assert_eq!(marks, "**");
    }

    #[test]
    fn plain_text_holds_the_value_as_it_is(value in any_value()) {
        let rendered = render("a {{fields.a}} b", Target::Text, &scope_of(&value));
        prop_assert_eq!(rendered, Ok(format!("a {value} b")));
    }
}
