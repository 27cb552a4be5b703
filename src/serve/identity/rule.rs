//! Rules over claims: which must be there, and what they must be. A rule that anybody would keep is refused.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::claims::at;
use crate::serve::auth::{Role, Scope};

/// What a claim must be: one of some texts, in which `*` is any text.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Pattern {
    /// This one.
    One(String),
    /// One of these.
    Any(Vec<String>),
    /// This word of yes or no.
    Flag(bool),
}

impl Pattern {
    fn texts(&self) -> Vec<&str> {
        match self {
            Self::One(text) => vec![text],
            Self::Any(texts) => texts.iter().map(String::as_str).collect(),
            Self::Flag(true) => vec!["true"],
            Self::Flag(false) => vec!["false"],
        }
    }

    /// Tells whether a claim is as it says; of a list one entry is enough.
    pub(super) fn fits(&self, claim: &Value) -> bool {
        let one = |claim: &str| self.texts().into_iter().any(|text| matches(text, claim));
        match claim {
            Value::String(text) => one(text),
            Value::Bool(_) | Value::Number(_) => one(&claim.to_string()),
            Value::Array(all) => all.iter().filter_map(Value::as_str).any(one),
            Value::Null | Value::Object(_) => false,
        }
    }

    /// Tells whether it lets everything through.
    fn is_open(&self) -> bool {
        self.texts().into_iter().any(|text| text.bytes().all(|one| one == b'*'))
    }
}

/// Matches a text with `*` in it, letter by letter otherwise.
fn matches(pattern: &str, text: &str) -> bool {
    let mut parts = pattern.split('*');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = text.strip_prefix(first) else { return false };
    let mut parts: Vec<&str> = parts.collect();
    let Some(last) = parts.pop() else { return rest.is_empty() };
    for part in parts {
        let Some(found) = rest.find(part) else { return false };
        rest = rest.get(found + part.len()..).unwrap_or_default();
    }
    rest.ends_with(last)
}

/// Says of claims which are missing, or not as they must be.
pub(super) fn unmet(rules: &BTreeMap<String, Pattern>, claims: &Map<String, Value>) -> Vec<String> {
    let kept = |name: &str, pattern: &Pattern| at(claims, name).is_some_and(|it| pattern.fits(it));
    rules.iter().filter(|(name, it)| !kept(name, it)).map(|(name, _)| name.clone()).collect()
}

/// Which jobs may what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JobRule {
    /// Claims that the job's token must have.
    #[serde(rename = "match")]
    pub claims: BTreeMap<String, Pattern>,
    /// The role that it gets.
    pub role: Role,
    /// For which teams; `*` is all.
    #[serde(default)]
    pub teams: Vec<String>,
    /// What it is cut down to.
    #[serde(default)]
    pub scopes: Vec<String>,
}

impl JobRule {
    /// Tells whether a job is one that it means.
    pub(super) fn fits(&self, claims: &Map<String, Value>) -> bool {
        unmet(&self.claims, claims).is_empty()
    }

    /// Says what is wrong with it.
    pub(super) fn problem(&self) -> Option<String> {
        if self.claims.values().all(Pattern::is_open) {
            return Some(
                "`match` lets anybody in: name a claim that is yours, such as `repository`"
                    .to_owned(),
            );
        }
        if self.role == Role::Admin {
            return Some("a job is never an admin".to_owned());
        }
        if self.teams.is_empty() || self.teams.iter().any(|team| team == "own") {
            return Some("`teams` must name teams, or `*`: a job is in none".to_owned());
        }
        let wrong = self.scopes.iter().find(|scope| Scope::read(scope).is_none())?;
        Some(format!("`{wrong}` is not a scope such as `read` or `operate:run`"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn patterns_match_as_they_are_written() {
        for (pattern, text, expected) in [
            ("acme/shop", "acme/shop", true),
            ("acme/shop", "acme/shop-2", false),
            ("acme/shop", "evil/acme/shop", false),
            ("acme/*", "acme/shop", true),
            ("acme/*", "acme-evil/shop", false),
            ("*/shop", "evil/shop", true),
            ("refs/heads/release/*", "refs/heads/release/1.2", true),
            ("refs/heads/release/*", "refs/heads/main", false),
            ("a*b*c", "a-b-b-c", true),
            ("a*b*c", "acb", false),
            ("ab*b", "ab", false),
            ("*", "", true),
            ("", "", true),
            ("", "x", false),
            ("acme/shop", "ACME/shop", false),
        ] {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn a_claim_that_is_not_there_fits_nothing() {
        let rules: BTreeMap<String, Pattern> = serde_json::from_value(
            json!({"ref": "*", "email_verified": true, "groups": ["a", "b"]}),
        )
        .expect("reads");
        let unmet = |claims: Value| unmet(&rules, claims.as_object().expect("an object"));
        let right = json!({"ref": "x", "email_verified": true, "groups": ["z", "b"]});
        assert!(unmet(right).is_empty());
        assert_eq!(unmet(json!({})), ["email_verified", "groups", "ref"]);
        let wrong = json!({"ref": null, "email_verified": "no", "groups": {"a": 1}});
        assert_eq!(unmet(wrong), ["email_verified", "groups", "ref"]);
    }

    #[test]
    fn rules_that_cannot_be_meant_are_told() {
        let rule = |text: Value| serde_json::from_value::<JobRule>(text).expect("reads").problem();
        let right =
            json!({"match": {"repository": "acme/shop"}, "role": "requester", "teams": ["shop"]});
        assert_eq!(rule(right), None);
        for wrong in [
            json!({"match": {}, "role": "viewer", "teams": ["*"]}),
            json!({"match": {"repository": "**"}, "role": "viewer", "teams": ["*"]}),
            json!({"match": {"repository": ["acme/a", "*"]}, "role": "viewer", "teams": ["*"]}),
            json!({"match": {"repository": "acme/a"}, "role": "admin", "teams": ["*"]}),
            json!({"match": {"repository": "acme/a"}, "role": "viewer"}),
            json!({"match": {"repository": "acme/a"}, "role": "viewer", "teams": ["own"]}),
            json!({"match": {"repository": "acme/a"}, "role": "viewer", "teams": ["a"], "scopes": ["all"]}),
        ] {
            assert!(rule(wrong.clone()).is_some(), "{wrong}");
        }
    }
}
