//! What an item's actions may touch: the targets that it declares, for the team that asks. It touches none.

use serde_json::Value;

use super::definition::Definition;
use super::evaluate::Inputs;
use crate::kinds::{ActionKind, is_target_named};
use crate::template::{self, Scope, Target};

/// Says which target of a rendered `config` its item does not name, if any; those that are not known yet are left out.
pub fn refused_target(
    kind: &ActionKind,
    config: &Value,
    (definition, inputs): (&Definition, &Inputs),
) -> Option<String> {
    let patterns = definition.targets.as_ref()?;
    let touched = (kind.targets)(config);
    if touched.is_empty() {
        return None;
    }
    let scope = scope_of(definition, inputs);
    let mut named = Vec::new();
    for pattern in patterns {
        match template::render(pattern, Target::Text, &scope) {
            Ok(pattern) => named.push(pattern),
            Err(error) => return Some(format!("`targets` of the item can't be read: {error}")),
        }
    }
    let is_named = |target: &String| named.iter().any(|pattern| is_target_named(pattern, target));
    let target = touched.iter().find(|target| !is_named(target))?;
    let (item, named) = (&definition.item, named.join("`, `"));
    let allowed = if named.is_empty() { "none".to_owned() } else { format!("`{named}`") };
    Some(format!(
        "`{}` is no target that `{item}` may touch for this service; it may touch {allowed}",
        template::show_markers(target)
    ))
}

/// Names are those that nobody who asks for a service can choose freely.
fn scope_of(definition: &Definition, inputs: &Inputs) -> Scope {
    let mut scope = Scope::new();
    let mut service = serde_json::Map::new();
    for name in ["id", "team", "environment"] {
        let value = inputs.service.get(name).and_then(Value::as_str).unwrap_or_default();
        // A star of a value names nothing but itself, and no name has one.
        service.insert(name.to_owned(), Value::String(value.replace(['*', '{'], "")));
    }
    scope.set("service", Value::Object(service));
    scope.set("metadata", definition.metadata.clone());
    scope.set("environment", inputs.environment.clone());
    scope
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::kinds::find;
    use crate::reconcile::ChangeKind;
    use crate::reconcile::show::sample::unit;
    use crate::template::{sensitive, unknown};

    #[track_caller]
    fn check(targets: Option<&[&str]>, kind: &str, config: &Value, expected: &str) {
        let mut definition = Definition::clone(&unit("db", ChangeKind::Create).definition);
        definition.targets = targets.map(|all| all.iter().map(|it| (*it).to_owned()).collect());
        let inputs = Inputs {
            service: json!({"id": "payments-db", "team": "payments", "labels": {"a": "*"}}),
            environment: json!({"githubOwner": "acme"}),
            ..Inputs::default()
        };
        let refused = refused_target(find(kind).unwrap(), config, (&definition, &inputs));
        assert_eq!(refused.unwrap_or_default(), expected);
    }

    const OURS: [&str; 2] =
        ["git:{{environment.githubOwner}}/{{service.team}}-*", "host:dns.example.com"];

    #[test]
    fn a_team_reaches_its_own_and_nobody_elses() {
        let repository = |name: &str| json!({"repository": name});
        check(Some(&OURS), "git-commit", &repository("acme/payments-web"), "");
        check(
            Some(&OURS),
            "git-commit",
            &repository("acme/billing-web"),
            "`git:acme/billing-web` is no target that `database-postgresql-standard` may touch for this service; it may touch \
             `git:acme/payments-*`, `host:dns.example.com`",
        );
        check(None, "git-commit", &repository("acme/billing-web"), "");
        check(Some(&OURS), "git-commit", &repository(&unknown("outputs.a.b")), "");
        let refused = "may touch for this service; it may touch none";
        let secret = repository(&sensitive("secrets.a/B"));
        check(
            Some(&[]),
            "git-commit",
            &secret,
            &format!(
                "`git:(sensitive)` is no target that `database-postgresql-standard` {refused}"
            ),
        );
    }

    #[test]
    fn every_request_counts_and_what_touches_nothing_is_free() {
        let config = |delete: &str| json!({"endpoint": {"url": "https://dns.example.com/a"}, "delete": {"url": delete}});
        check(Some(&OURS), "rest-api", &config("https://dns.example.com/b"), "");
        check(
            Some(&["host:dns.example.com"]),
            "rest-api",
            &config("https://dns.example.com:8443/b"),
            "`host:dns.example.com:8443` is no target that `database-postgresql-standard` may touch for this service; it may \
             touch `host:dns.example.com`",
        );
        check(Some(&[]), "manual-task", &json!({"title": "t"}), "");
    }

    #[test]
    fn what_can_not_be_read_lets_nothing_through() {
        check(
            Some(&["git:{{service.labels.a}}"]),
            "git-commit",
            &json!({"repository": "acme/a"}),
            "`targets` of the item can't be read: `service.labels.a` is not known",
        );
    }
}
