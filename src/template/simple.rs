//! Tells of templates that Handlebars surely reads, so that nothing must be compiled to know. It checks nothing else.

use super::helpers;
use super::scope::ROOTS;

/// Tells whether Handlebars surely compiles a template that the parser found no problem in; `false` says nothing.
pub(super) fn is_simple(text: &str) -> bool {
    if text.contains('\\') || text.contains("{{{") {
        return false;
    }
    let mut rest = text;
    while let Some((_, tag)) = rest.split_once("{{") {
        let Some((tag, after)) = tag.split_once("}}") else { return false };
        if !is_plain(tag) {
            return false;
        }
        rest = after;
    }
    true
}

/// Tells whether a tag is one path, or the name of a helper and paths.
fn is_plain(tag: &str) -> bool {
    let mut words = tag.split(' ').filter(|word| !word.is_empty());
    let Some(first) = words.next() else { return false };
    let mut rest = words.peekable();
    if rest.peek().is_some() {
        helpers::find(first).is_some() && rest.all(is_path)
    } else {
        is_path(first)
    }
}

fn is_path(word: &str) -> bool {
    let mut names = word.split('.');
    names.next().is_some_and(|root| ROOTS.contains(&root)) && names.all(is_name)
}

/// Tells whether a name is nothing that Handlebars could read as another word.
fn is_name(name: &str) -> bool {
    let other = ["true", "false", "null", "else", "this", "as"];
    name.starts_with(|first: char| first.is_ascii_alphabetic())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        && !other.iter().any(|word| name.starts_with(word))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::compile::compile;
    use super::super::parse::parse;
    use super::*;

    #[test]
    fn most_templates_are_simple() {
        for text in [
            "",
            "a {b} c",
            "{{fields.name}}",
            "{{ json fields.size }}, \"{{env.api}}\"",
            "{{upper service.id}}",
            "{{components.main-db.outputs.end_point}}",
        ] {
            assert!(is_simple(text), "{text}");
        }
        for text in [
            "\\{{a}}",
            "{{{fields.a}}}",
            "{{#if fields.a}}x{{/if}}",
            "{{else}}",
            "{{fields.[a b]}}",
            "{{true.a}}",
            "{{fields.asIf}}",
            "{{upper (lower fields.a)}}",
            "{{json 'a'}}",
            "{{~fields.a}}",
            "{{!c}}",
        ] {
            assert!(!is_simple(text), "{text}");
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(2_000))]

        #[test]
        fn what_is_simple_compiles(pieces in prop::collection::vec(prop::sample::select(vec![
            "{{", "}}", "fields", "env", "json", "upper", "uuid", ".", "a", "b1", "else", "as", " ", "\n", "\"", "{", "}", "'",
            "fields.a", "{{fields.a}}", "{{json fields.a}}", "{{concat fields.a env.b}}", "(", ")", "|", "~", "#if", "/if", "!",
            "{{join fields.xs}}", "{{", "}}", "@", "&", ">", "*", "[", "]", "=", "$",
            "-", "_", "env.a-b", "fields.a_",
        ]), 0..12)) {
            let text = pieces.concat();
            if is_simple(&text) && parse(&text).problems.is_empty() {
                prop_assert!(compile(&text).is_ok(), "{:?}", text);
            }
        }
    }
}
