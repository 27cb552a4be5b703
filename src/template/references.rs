//! What a template refers to.

use super::parse::parse;

/// One path that a template reads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reference {
    /// The path, aliases resolved: `["environment", "region"]`.
    pub path: Vec<String>,
    /// Where it stands in the text, in bytes.
    pub offset: usize,
    /// Whether it may have no value: the first argument of `default` and `lookup`.
    pub optional: bool,
}

/// Returns every path that a template reads from its scope; locals of `each` and `with` are not among them.
///
/// A template with problems gives what could be read of it.
pub fn references(text: &str) -> Vec<Reference> {
    parse(text).references
}

/// Puts the name of a root for its alias.
pub(super) fn without_alias(segments: &[String]) -> Vec<String> {
    let mut path = segments.to_vec();
    if let Some(root) = path.first_mut() {
        match root.as_str() {
            "env" => "environment".clone_into(root),
            "output" => "outputs".clone_into(root),
            _ => {}
        }
    }
    path
}

/// Returns the path of a text that is one path between braces and nothing else.
pub fn lone_path(text: &str) -> Option<Vec<String>> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
    match <[Reference; 1]>::try_from(references(text)) {
        Ok([Reference { path, .. }]) if !inner.contains([' ', '{', '}', '(']) => Some(path),
        _ => None,
    }
}

/// Returns service and output of a text that is one lone reference, `{{services.<id>.outputs.<name>}}`.
pub fn lone_reference(text: &str) -> Option<(String, String)> {
    let inner = text.trim().strip_prefix("{{")?.strip_suffix("}}")?.trim();
    if !inner.starts_with("services.") {
        return None;
    }
    let parts: Vec<&str> = inner.split('.').collect();
    match parts.as_slice() {
        ["services", service, "outputs", name]
            if !service.is_empty()
                && !name.is_empty()
                && !inner.contains(|c: char| c.is_whitespace() || c == '{' || c == '}') =>
        {
            Some(((*service).to_owned(), (*name).to_owned()))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &[(&str, usize)]) {
        let found = references(text);
        let found: Vec<(String, usize)> =
            found.iter().map(|reference| (reference.path.join("."), reference.offset)).collect();
        let found: Vec<(&str, usize)> =
            found.iter().map(|(path, at)| (path.as_str(), *at)).collect();
        assert_eq!(found, expected, "{text}");
    }

    #[test]
    fn every_path_of_the_scope_is_found_where_it_stands() {
        check("{{fields.a}}", &[("fields.a", 2)]);
        check("ü {{env.x}}{{output.a.b}}", &[("environment.x", 5), ("outputs.a.b", 14)]);
        check("{{services.payments-db.outputs.url}}", &[("services.payments-db.outputs.url", 2)]);
        check("{{services.[payments-db].outputs}}", &[("services.payments-db.outputs", 2)]);
        check(
            "{{#if (eq fields.a (upper fields.b))}}{{x}}{{else if fields.c}}{{/if}}",
            &[("fields.a", 10), ("fields.b", 26), ("x", 40), ("fields.c", 53)],
        );
        check(
            "{{uuid}} {{concat 'fields.a' fields.a fields.a}}",
            &[("fields.a", 29), ("fields.a", 38)],
        );
        check("\\{{fields.a}} {{! fields.b }}", &[]);
    }

    #[test]
    fn locals_are_none() {
        check(
            "{{#each fields.xs}}{{name}}{{this}}{{@index}}{{../env.x}}{{/each}}",
            &[("fields.xs", 8), ("environment.x", 47)],
        );
        check(
            "{{#each fields.xs as |x i|}}{{x.name}}{{i}}{{@root.fields.y}}{{/each}}",
            &[("fields.xs", 8), ("fields.y", 45)],
        );
        check(
            "{{#with fields.x}}{{a}}{{#each b}}{{c}}{{../d}}{{../../e.f}}{{/each}}{{else}}{{g}}{{/with}}",
            &[("fields.x", 8), ("e.f", 49), ("g", 79)],
        );
    }

    #[test]
    fn what_may_have_no_value_says_so() {
        let optional: Vec<bool> =
            references("{{default fields.a fields.b}}{{lookup fields.c fields.d}}{{fields.e}}")
                .iter()
                .map(|reference| reference.optional)
                .collect();
        assert_eq!(optional, [true, false, true, false, false]);
    }

    #[test]
    fn only_one_lone_reference_is_a_reference() {
        assert_eq!(
            lone_reference("{{ services.shop-net.outputs.cidr }}"),
            Some(("shop-net".to_owned(), "cidr".to_owned()))
        );
        for literal in [
            "x {{services.a.outputs.b}}",
            "{{services.a.outputs.b}}{{services.a.outputs.b}}",
            "{{upper services.a.outputs.b}}",
            "{{services.a.outputs}}",
            "services.a.outputs.b",
        ] {
            assert_eq!(lone_reference(literal), None, "{literal}");
        }
    }
}
