//! Tests of values that cannot be right where they stand.

use super::super::check::read;
use super::*;

fn shape(path: &[String]) -> Shape {
    match path.last().map(String::as_str) {
        Some("text") => Shape::Text,
        Some("number") => Shape::Bare,
        Some("list") => Shape::Parts,
        _ => Shape::Unknown,
    }
}

/// Expects what is found, with what would be written instead; a `!` before what is certain.
#[track_caller]
fn check_in(place: Place, text: &str, expected: &[&str]) {
    let found = misfits(text, &read(text), place, &shape).into_iter().map(|misfit| {
        let sure = if misfit.certain { "!" } else { "" };
        let instead = misfit.instead.map(|rewrite| {
            format!(" -> {}{}{}", &text[..rewrite.start], rewrite.text, &text[rewrite.end..])
        });
        format!("{sure}{}: {}{}", misfit.offset, misfit.message, instead.unwrap_or_default())
    });
    assert_eq!(found.collect::<Vec<_>>(), expected, "{text}");
}

#[track_caller]
fn check(target: Target, text: &str, expected: &[&str]) {
    check_in(Place { target, structured: false }, text, expected);
}

#[test]
fn texts_in_json_stand_in_quotes_once() {
    let json = Target::Json;
    check(
        json,
        r#"{"a": "{{fields.text}}", "b": {{fields.number}}, "c": {{json fields.text}}}"#,
        &[],
    );
    check(
        json,
        r#"{"a": {{fields.list}}, "b": {{outputs.a.b}}, "c": {{upper outputs.a.b}}, "d": {{uuid}}}"#,
        &[],
    );
    check(
        json,
        r#"{"a": {{ fields.text }}}"#,
        &[
            "!9: `fields.text` is a text, and stands outside of quotes -> {\"a\": {{ json fields.text }}}",
        ],
    );
    check(
        json,
        r#"{"a": {{~upper fields.text~}}}"#,
        &[
            "!9: `upper fields.text` is a text, and stands outside of quotes -> {\"a\": {{~json (upper fields.text)~}}}",
        ],
    );
    check(
        json,
        r#"{"a": "{{json fields.text}}", "b": "{{json fields.list}}"}"#,
        &[
            "9: `json` writes quotes, and stands inside quotes -> {\"a\": \"{{fields.text}}\", \"b\": \"{{json fields.list}}\"}",
        ],
    );
    check(
        json,
        "{{json (json fields.list)}}",
        &["2: `json` twice makes a text of a text -> {{json fields.list}}"],
    );
}

#[test]
fn blocks_are_followed_as_long_as_quotes_stay_balanced() {
    let json = Target::Json;
    let text = r#"{ {{#if fields.a}}"a": "{{fields.text}}"{{else}}"b": {{fields.number}}{{/if}} , "c": {{fields.text}}}"#;
    let at = text.rfind("fields.text").unwrap();
    check(
        json,
        text,
        &[&format!(
            "!{at}: `fields.text` is a text, and stands outside of quotes -> {}",
            text.replace(": {{fields.text", ": {{json fields.text")
        )],
    );
    check(json, r#"{"a": {{#if fields.a}}"{{else}}{{/if}}{{fields.text}}"}"#, &[]);
    check(json, r#"{"a": {{#if fields.a}}"{{/if}}{{fields.text}}"}"#, &[]);
    check(json, r#"[{{#each fields.list}}"{{this}}", {{/each}}""]"#, &[]);
}

#[test]
fn texts_in_hcl_stand_in_quotes() {
    let hcl = Target::Hcl;
    check(
        hcl,
        "a = \"{{fields.text}}\"\nb = {{fields.number}}\nresource \"x\" {{fields.text}} {}",
        &[],
    );
    check(hcl, "a = <<EOT\nb = {{fields.text}}\nEOT\n", &[]);
    check(
        hcl,
        "a = {{fields.text}}",
        &["6: `fields.text` is a text, and stands outside of quotes -> a = {{json fields.text}}"],
    );
    check(
        hcl,
        "a = \"{{json fields.text}}\"",
        &["7: `json` writes quotes, and stands inside quotes -> a = \"{{fields.text}}\""],
    );
}

#[test]
fn structured_values_keep_their_type_alone() {
    let place = Place { target: Target::Text, structured: true };
    check_in(place, "{{fields.list}}", &[]);
    check_in(place, "tags: {{json fields.list}}", &[]);
    check_in(
        place,
        "{{json fields.list}}",
        &["2: `json` makes a text of the value here -> {{fields.list}}"],
    );
    check(Target::Text, "{{json fields.list}}", &[]);
}

#[test]
fn urls_paths_and_headers_can_be_what_they_must_be() {
    for text in [
        "{{environment.api}}/v1",
        "https://{{environment.host}}/{{fields.text}}",
        "http://h/?q={{json fields.list}}",
    ] {
        check(Target::Url, text, &[]);
    }
    check(
        Target::Url,
        "api.example.com/{{fields.text}}",
        &["!0: the text is not an http or https URL"],
    );
    check(
        Target::Url,
        "https://h/{{json fields.text}}",
        &["12: `json` writes quotes into a URL -> https://h/{{fields.text}}"],
    );
    check(
        Target::Url,
        "https://h/{{replace fields.text ' ' '%20'}}",
        &["36: `%20` is percent-encoded once more"],
    );
    check(Target::Path, "a/{{fields.text}}.yaml", &[]);
    check(Target::Path, "{{#if fields.a}}a{{/if}}/x", &[]);
    check(
        Target::Path,
        "/a/{{fields.text}}",
        &["!0: the path is absolute: it starts at the folder it belongs to, without `/`"],
    );
    check(
        Target::Path,
        "a/{{json fields.text}}",
        &["4: `json` writes quotes or brackets into a path -> a/{{fields.text}}"],
    );
    check(Target::Header, "Bearer {{fields.text}}", &[]);
    check(
        Target::Header,
        "Bearer {{fields.text}}\n",
        &["!0: the header holds a line break or control character"],
    );
    check(Target::Text, "/a\n{{json fields.text}}", &[]);
}
