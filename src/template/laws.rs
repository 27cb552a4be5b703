//! Laws that hold for every value and every text.

use handlebars::template::{HelperTemplate, Parameter, TemplateElement};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::*;

pub(super) fn scope_of(value: &str) -> Scope {
    let mut scope = Scope::new();
    scope.set("fields", json!({"a": value, "list": [value, {"b": value}], "n": 1}));
    scope.set("outputs", json!({"x": unknown("outputs.x")}));
    scope.set("system", json!({"timestamp": "2026-07-31T22:15:00Z", "uuid": "u"}));
    scope
}

/// Texts with the characters that mean something somewhere.
pub(super) fn any_value() -> impl Strategy<Value = String> {
    prop_oneof![
        "[ -~]{0,12}",
        r#"["'\\/.${}%&?#=:@<>\r\n\t\[\]*|~-]{0,8}"#,
        r"\.{0,3}",
        "\\PC{0,12}",
        any::<String>(),
    ]
    .prop_map(|text| strip_markers(&text))
}

/// Texts that look like templates, right and wrong.
fn any_template() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        Just("{{"),
        Just("}}"),
        Just("{{{"),
        Just("{{~"),
        Just("~}}"),
        Just("{{#"),
        Just("{{/"),
        Just("{{!"),
        Just("{{!--"),
        Just("--}}"),
        Just("{{else}}"),
        Just("{{else if fields.a}}"),
        Just("{{/if}}"),
        Just("{{/each}}"),
        Just("{{#if fields.a}}"),
        Just("{{#each fields.list as |x i|}}"),
        Just("{{#each fields.list}}"),
        Just("{{#with fields}}"),
        Just("{{/with}}"),
        Just("{{fields.a}}"),
        Just("{{x}}"),
        Just("{{this}}"),
        Just("{{@index}}"),
        Just("../"),
        Just("fields.a"),
        Just("(upper "),
        Just("(concat "),
        Just(")"),
        Just(" "),
        Just("\n"),
        Just("\\"),
        Just("\""),
        Just("'"),
        Just("["),
        Just("]"),
        Just("|"),
        Just("="),
        Just("ä"),
        Just("json "),
        Just("."),
        Just("1e9"),
        Just("{{json outputs.x}}"),
    ];
    prop_oneof![
        prop::collection::vec(part, 0..24).prop_map(|parts| parts.concat()),
        any::<String>()
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn no_text_panics(text in any_template(), value in any_value()) {
        let scope = scope_of(&value);
        let problems = check(&text);
        prop_assert!(problems.iter().all(|problem| text.is_char_boundary(problem.offset)));
        for reference in references(&text) {
            prop_assert!(text.is_char_boundary(reference.offset));
            prop_assert!(!reference.path.is_empty());
        }
        for target in [Target::Text, Target::Json, Target::Url, Target::Header, Target::Path, Target::Hcl, Target::Jira, Target::Markdown, Target::Message] {
            let once = render(&text, target, &scope);
            prop_assert_eq!(&once, &render(&text, target, &scope));
            prop_assert!(problems.is_empty() || once.is_err());
        }
        let _ = evaluate(&text, &scope);
    }

    #[test]
    fn text_without_braces_is_itself(text in any_value()) {
        prop_assume!(!text.contains("{{") && text.len() < 1_000);
        prop_assert_eq!(render(&text, Target::Text, &Scope::new()), Ok(text));
    }

    #[test]
    fn json_parses_to_the_value(value in any_value()) {
        let template = r#"{"a": "<{{fields.a}}>", "{{fields.a}}": {{json fields.list}}, "c": "{{json fields.list}}"}"#;
        let rendered = render(template, Target::Json, &scope_of(&value)).unwrap();
        let parsed: Value = serde_json::from_str(&rendered).unwrap();
        prop_assume!(value != "a" && value != "c");
        prop_assert_eq!(parsed.as_object().unwrap().len(), 3);
        prop_assert_eq!(&parsed["a"], &json!(format!("<{value}>")));
        prop_assert_eq!(&parsed[&value], &json!([value, {"b": value}]));
        let inner: Value = serde_json::from_str(parsed["c"].as_str().unwrap()).unwrap();
        prop_assert_eq!(inner, json!([value, {"b": value}]));
    }

    #[test]
    fn a_url_keeps_its_parts(value in any_value()) {
        let template = "https://host:8443/v1/{{fields.a}}/x{{fields.a}}?q={{fields.a}}&r=1#{{fields.a}}";
        let Ok(rendered) = render(template, Target::Url, &scope_of(&value)) else {
            prop_assert!(value.is_empty() || value == "." || value == "..");
            return Ok(());
        };
        let url = url::Url::parse(&rendered).unwrap();
        prop_assert_eq!(url.host_str(), Some("host"));
        prop_assert_eq!(url.port(), Some(8443));
        let segments: Vec<String> = url.path_segments().unwrap().map(|segment| {
            percent_encoding::percent_decode_str(segment).decode_utf8().unwrap().into_owned()
        }).collect();
        prop_assert_eq!(segments, vec!["v1".to_owned(), value.clone(), format!("x{value}")]);
        let pairs: Vec<(String, String)> = url.query_pairs().into_owned().collect();
        prop_assert_eq!(pairs, vec![("q".to_owned(), value), ("r".to_owned(), "1".to_owned())]);
    }

    #[test]
    fn a_host_keeps_its_end(value in any_value()) {
        let scope = scope_of(&value);
        if let Ok(rendered) = render("https://{{fields.a}}.example.com:8443/p", Target::Url, &scope) {
            let url = url::Url::parse(&rendered).unwrap();
            prop_assert!(url.host_str().unwrap().ends_with(".example.com"), "{}", rendered);
            prop_assert_eq!((url.port(), url.path(), url.username()), (Some(8443), "/p", ""));
        }
        if let Ok(rendered) = render("https://host:{{fields.a}}/p", Target::Url, &scope) {
            let url = url::Url::parse(&rendered).unwrap();
            prop_assert_eq!((url.host_str(), url.path(), url.username()), (Some("host"), "/p", ""));
        }
    }

    #[test]
    fn a_header_stays_one_line(value in any_value()) {
        match render("Bearer {{fields.a}}", Target::Header, &scope_of(&value)) {
            Ok(header) => prop_assert!(!header.contains(['\r', '\n', '\0']) && header.ends_with(&value)),
            Err(_) => prop_assert!(value.chars().any(char::is_control)),
        }
    }

    #[test]
    fn a_path_keeps_its_names(value in any_value()) {
        if let Ok(path) = render("a/{{fields.a}}/c{{fields.a}}.tf", Target::Path, &scope_of(&value)) {
            let names: Vec<&str> = path.split('/').collect();
            let last = format!("c{value}.tf");
            prop_assert_eq!(names, ["a", value.as_str(), last.as_str()]);
            prop_assert!(!value.is_empty() && value != "." && value != ".." && value != ".git");
        }
    }

    #[test]
    fn hcl_stays_in_its_quotes(value in any_value()) {
        let rendered = render("a = \"{{fields.a}}{b} ${{fields.a}}\"", Target::Hcl, &scope_of(&value)).unwrap();
        let inside = rendered.strip_prefix("a = \"").and_then(|rest| rest.strip_suffix('"')).unwrap();
        prop_assert_eq!(read_hcl(inside), Some(format!("{value}{{b}} ${value}")));
    }

    #[test]
    fn markers_survive_every_target(value in "[a-z]{1,8}") {
        let mut scope = scope_of(&value);
        let held = format!("{value}{}{}", unknown("outputs.x"), sensitive("secrets.Y"));
        scope.set("fields", json!({"a": held}));
        for (target, text) in [
            (Target::Text, "{{fields.a}}"),
            (Target::Json, "\"{{fields.a}}\""),
            (Target::Url, "https://h/{{fields.a}}"),
            (Target::Header, "{{fields.a}}"),
            (Target::Path, "{{fields.a}}"),
            (Target::Hcl, "{{fields.a}}"),
            (Target::Jira, "{{fields.a}}"),
        ] {
            let rendered = render(text, target, &scope).unwrap();
            prop_assert!(rendered.contains(&unknown("outputs.x")) && rendered.contains(&sensitive("secrets.Y")));
        }
    }

    #[test]
    fn a_helper_never_reads_a_marker(helper in prop::sample::select(vec![
        "upper", "lower", "trim", "base64", "sha256", "slug", "not", "eq 'a'", "replace 'a' 'b'", "date", "uuid",
    ])) {
        let (name, rest) = helper.split_once(' ').unwrap_or((helper, ""));
        let text = format!("{{{{{name} outputs.x {rest}}}}}");
        let rendered = render(&text, Target::Text, &scope_of("a"));
        prop_assert!(has_unknown(&rendered.unwrap()));
    }

    #[test]
    fn references_are_what_handlebars_reads(text in any_arguments()) {
        if !check(&text).is_empty() {
            return Ok(());
        }
        let mut read = Vec::new();
        paths_of(&handlebars::Template::compile(&text).unwrap(), &mut read);
        let found: Vec<usize> = references(&text).iter().map(|reference| reference.offset).collect();
        prop_assert_eq!(read.len(), found.len(), "{:?} of {:?}", read, text);
        for (path, offset) in read.iter().zip(found) {
            prop_assert!(text[offset..].starts_with(path), "{:?} of {:?}", read, text);
        }
    }

    #[test]
    fn we_render_what_handlebars_renders(inner in any_valid()) {
        // The crate keeps white space at the very start and end that Handlebars takes.
        let text = format!("start\n{inner}\nend");
        let scope = scope_of("v");
        let mut reference = handlebars::Handlebars::new();
        reference.register_escape_fn(handlebars::no_escape);
        reference.set_strict_mode(true);
        let theirs = reference.render_template(&text, scope.values()).unwrap();
        prop_assert_eq!(render(&text, Target::Text, &scope), Ok(theirs), "{:?}", text);
    }
}

/// Tags of words that Handlebars may read in another way than they look.
fn any_arguments() -> impl Strategy<Value = String> {
    let word = prop::sample::select(vec![
        "fields.a",
        "./fields.n",
        "this.fields.a",
        "@root.fields.n",
        "fields.[a b]",
        "fields.[a.b]",
        "a.[[",
        "[1]",
        "[a]",
        "[true].a",
        "x",
        "ä-ö",
        "elsewhere",
        "else.a",
        "as",
        "asx",
        "else",
        "this",
        "..",
        "../a",
        "1",
        "-1.5",
        "01",
        "1.",
        "1.a",
        "1e9",
        "1E9",
        "-x",
        "true",
        "true.a",
        "truex",
        "null",
        "'a\\'b'",
        "\"a\\'b\"",
        "'a\"b'",
        "'a\nb'",
        "\"\\/\"",
        "(upper",
        "(concat",
        "(uuid)",
        "(x)",
        "((",
        ")",
        "eq",
        "concat",
        "default",
        "if",
        "~",
        "--",
        "_",
        "a.this.b",
        "a.[this]",
    ]);
    let words = prop::collection::vec(word, 1..4).prop_map(|words| words.join(" "));
    (words, 0..6).prop_map(|(words, shape)| match shape {
        0 => format!("{{{{{words}}}}}"),
        1 => format!("{{{{#if {words}}}}}x{{{{else if {words}}}}}{{{{/if}}}}"),
        2 => format!("{{{{#unless fields.a}}}}{{{{~{words}}}}}{{{{/unless}}}}"),
        3 => format!("{{{{default {words}}}}}"),
        4 => format!("{{{{concat ({words})}}}}"),
        _ => format!("{{{{concat {words} ~}}}}"),
    })
}

/// The paths that a compiled template reads, in their order.
fn paths_of(template: &handlebars::Template, found: &mut Vec<String>) {
    for element in &template.elements {
        let (TemplateElement::Expression(call) | TemplateElement::HelperBlock(call)) = element
        else {
            continue;
        };
        arguments_of(call, found);
        call.template.iter().chain(&call.inverse).for_each(|inner| paths_of(inner, found));
    }
}

fn arguments_of(call: &HelperTemplate, found: &mut Vec<String>) {
    let lone =
        call.params.is_empty() && !HELPERS.contains(&call.name.as_name().unwrap_or_default());
    for parameter in call.params.iter().chain(lone.then_some(&call.name)) {
        match parameter {
            Parameter::Subexpression(inner) => match inner.as_element() {
                TemplateElement::Expression(inner) => arguments_of(inner, found),
                other => panic!("{other:?}"),
            },
            Parameter::Literal(_) => {}
            path => found.push(path.as_name().unwrap().to_owned()),
        }
    }
}

/// Templates without a fault, blocks in one another.
fn any_valid() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "{{@root.fields.a}}",
        "{{~@root.fields.n}}",
        "{{@root.fields.n~}}",
        "{{lookup @root.fields 'a'}}",
        "\\{{x}}",
        "\\\\{{@root.fields.n}}",
        " ",
        "\n",
        "\r\n",
        "  \n",
        "text",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(5, 40, 6, |inner| {
        let bodies = prop::collection::vec(inner, 0..6);
        (prop::sample::select(vec![0, 1, 2, 3, 4, 5, 6]), bodies.clone(), bodies).prop_map(
            |(shape, body, other)| {
                let (body, other) = (body.concat(), other.concat());
                match shape {
                    0 => format!("{{{{#if @root.fields.n}}}}{body}{{{{else}}}}{other}{{{{/if}}}}"),
                    1 => format!("{{{{#unless @root.fields.n}}}}{body}{{{{^}}}}{other}{{{{/unless}}}}"),
                    2 => format!("{{{{#each @root.fields.list}}}}{{{{@index}}}}{body}{{{{/each}}}}{other}"),
                    3 => format!("{{{{#each @root.fields.list as |x i|}}}}{{{{i}}}}{body}{{{{/each}}}}"),
                    4 => format!("{{{{#with @root.fields}}}}{{{{n}}}}{body}{{{{/with}}}}{other}"),
                    5 => format!(
                        "{{{{#if false}}}}{body}{{{{else if (eq @root.fields.n 1)}}}}{other}{{{{/if}}}}"
                    ),
                    _ => body + &other,
                }
            },
        )
    })
}

/// Reads the inside of a quoted text of HCL; `None` where something in it would be interpolated.
fn read_hcl(inside: &str) -> Option<String> {
    let mut text = String::new();
    let mut chars = inside.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' | '\n' => return None,
            '$' | '%' if chars.peek() == Some(&'{') => return None,
            '$' | '%' if chars.clone().take(2).eq([c, '{']) => {
                chars.next();
                text.push(c);
            }
            '\\' => match chars.next()? {
                'n' => text.push('\n'),
                'r' => text.push('\r'),
                't' => text.push('\t'),
                'u' => {
                    let hex: String = chars.by_ref().take(4).collect();
                    text.push(char::from_u32(u32::from_str_radix(&hex, 16).ok()?)?);
                }
                c => text.push(c),
            },
            c => text.push(c),
        }
    }
    Some(text)
}
