//! Tests of tags as other dialects write them.

use super::*;

fn check(text: &str, expected: Option<(&str, bool)>) {
    let offset = text.find("{{").unwrap_or_default();
    let found = translated(text, offset);
    let found = found.as_ref().map(|rewrite| (rewrite.text.as_str(), rewrite.safe));
    assert_eq!(found, expected, "{text}");
}

#[test]
fn what_is_plain_is_written_anew() {
    for (text, expected) in [
        ("{{upper(fields.a)}}", "{{upper fields.a}}"),
        (
            "{{ concat(fields.a, '-', lower(fields.b)) }}",
            "{{concat fields.a '-' (lower fields.b)}}",
        ),
        ("{{fields.a == fields.b}}", "{{eq fields.a fields.b}}"),
        (
            "{{#if fields.a != 'x' && !fields.b || fields.c}}1{{/if}}",
            "{{#if (or (and (ne fields.a 'x') (not fields.b)) fields.c)}}",
        ),
        ("{{#if eq fields.a 'b'}}1{{/if}}", "{{#if (eq fields.a 'b')}}"),
        ("{{#each fields.xs as x}}{{x}}{{/each}}", "{{#each fields.xs as |x|}}"),
        ("{{#each fields.xs as x, i}}{{x}}{{/each}}", "{{#each fields.xs as |x i|}}"),
        ("{{~#each x in fields.xs~}}{{x}}{{/each}}", "{{~#each fields.xs as |x|~}}"),
        ("{{.fields.name}}", "{{fields.name}}"),
        ("{{ fields.name | lower | default: 'x' }}", "{{default (lower fields.name) 'x'}}"),
        ("{{fields.name | default('x')}}", "{{default fields.name 'x'}}"),
        ("{{concat fields.a, fields.b}}", "{{concat fields.a fields.b}}"),
        ("{{upper trim fields.a}}", "{{upper (trim fields.a)}}"),
    ] {
        check(text, Some((expected, true)));
    }
}

#[test]
fn what_is_guessed_is_not_safe() {
    check("{{{fields.a}}}", Some(("{{fields.a}}", false)));
    check("{{&fields.a}}", Some(("{{fields.a}}", false)));
    check("{{fields.a | upcase}}", Some(("{{upper fields.a}}", false)));
    check("{{ .Values.name }}", Some(("{{fields.name}}", false)));
}

#[test]
fn what_is_not_plain_is_left() {
    for text in [
        "{{fields.a}}",
        "{{fields.a ? 1 : 2}}",
        "{{fields.a + 1}}",
        "{{fields.a | reverse}}",
        "{{upper(fields.a}}",
        "{{replace(fields.a)}}",
        "{{> part}}",
        "{{",
        "{{}}",
        "{{#if}}",
        "{{(((((}}",
    ] {
        check(text, None);
    }
    let deep = format!("{{{{{}a{}}}}}", "(".repeat(150), ")".repeat(150));
    assert_eq!(translated(&deep, 0).map(|rewrite| rewrite.text), Some("{{a}}".to_owned()));
    let text = "{{#if fields.a}}1{{elseif fields.b == 2}}2{{/if}}";
    let rewrite = translated(text, 19).expect("it is plain");
    assert_eq!((&*rewrite.text, rewrite.safe), ("{{else if (eq fields.b 2)}}", true));
}
