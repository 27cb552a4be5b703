//! Claims of tokens and of providers: found by name or path, read as texts. It believes none of them.

use serde_json::{Map, Value};

/// The most groups of somebody that are kept.
const MOST_GROUPS: usize = 1_000;

/// The longest name of a group that is kept, in bytes.
const LONGEST_GROUP: usize = 256;

/// Finds a claim: by its name as it stands, or as a path through objects, `realm_access.roles`.
pub(super) fn at<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c Value> {
    if let Some(found) = claims.get(name) {
        return Some(found);
    }
    let (first, rest) = name.split_once('.')?;
    at(claims.get(first)?.as_object()?, rest)
}

/// Reads a claim as a text that is not empty.
pub(super) fn text<'c>(claims: &'c Map<String, Value>, name: &str) -> Option<&'c str> {
    at(claims, name)?.as_str().filter(|text| !text.is_empty())
}

/// Reads a claim as names of groups: a list of texts, or one.
pub(super) fn groups(claims: &Map<String, Value>, name: &str) -> Vec<String> {
    let all = match at(claims, name) {
        Some(Value::Array(all)) => all.iter().filter_map(Value::as_str).collect(),
        Some(Value::String(one)) => vec![one.as_str()],
        _ => Vec::new(),
    };
    let fits = |group: &&str| !group.is_empty() && group.len() <= LONGEST_GROUP;
    let mut kept: Vec<String> = all.into_iter().filter(fits).map(str::to_owned).collect();
    kept.sort_unstable();
    kept.dedup();
    kept.truncate(MOST_GROUPS);
    kept
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn claims_are_found_by_name_and_by_path() {
        let claims =
            json!({"a.b": "x", "a": {"b": "y", "c": {"d": ["g", "", "g", 7, "e"]}}, "n": 7});
        let claims = claims.as_object().expect("an object");
        assert_eq!(text(claims, "a.b"), Some("x"));
        assert_eq!(groups(claims, "a.c.d"), ["e", "g"]);
        assert_eq!(groups(claims, "a.b"), ["x"]);
        assert_eq!(
            (text(claims, "n"), text(claims, "a.c.d.e"), text(claims, "")),
            (None, None, None)
        );
        let long = json!({"g": ["x".repeat(257), "y"]});
        assert_eq!(groups(long.as_object().expect("an object"), "g"), ["y"]);
    }
}
