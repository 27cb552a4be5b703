//! Which targets an item may touch: patterns of hosts, repositories, workspaces, against what a `config` names.

use regex::Regex;

/// Tells whether a target is one that a pattern names: `git:acme/payments-*`, `host:*.dns.example.com`.
///
/// `*` stands for one part of a name: it goes over no `/` and no `:`, and in a host over no dot. A tag of a template
/// that was not rendered stands for anything.
pub fn is_target_named(pattern: &str, target: &str) -> bool {
    let part = if pattern.starts_with("host:") { "[^/:.]+" } else { "[^/:]+" };
    let mut written = String::from("^");
    let mut rest = pattern;
    while let Some((before, after)) = rest.split_once("{{") {
        written += &literal(before, part);
        written += ".+";
        rest = after.split_once("}}").map_or("", |(_, after)| after);
    }
    written += &literal(rest, part);
    written.push('$');
    Regex::new(&written).is_ok_and(|regex| regex.is_match(target))
}

fn literal(text: &str, part: &str) -> String {
    text.split('*').map(regex::escape).collect::<Vec<_>>().join(part)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_names_what_it_says_and_nothing_beside() {
        let check = |pattern: &str, target: &str, expected: bool| {
            assert_eq!(is_target_named(pattern, target), expected, "{pattern} {target}");
        };
        check("git:acme/dns", "git:acme/dns", true);
        check("git:acme/dns", "git:acme/dns2", false);
        check("git:acme/dns", "github:acme/dns", false);
        check("git:acme/payments-*", "git:acme/payments-web", true);
        check("git:acme/payments-*", "git:acme/payments-", false);
        check("git:acme/*", "git:acme/a/../../other/b", false);
        check("git:*/dns", "git:acme/dns", true);
        check("host:*.dns.example.com", "host:eu.dns.example.com", true);
        check("host:*.dns.example.com", "host:a.eu.dns.example.com", false);
        check("host:*.dns.example.com", "host:eu.dns.example.com:8443", false);
        check("host:*.dns.example.com:*", "host:eu.dns.example.com:8443", true);
        check("host:dns.example.com", "host:dnsxexample.com", false);
        check("git:acme/{{service.team}}-*", "git:acme/payments-web", true);
        check("git:acme/{{service.team}}", "git:other/payments", false);
        check("git:acme/.*", "git:acme/anything", false);
        check("git:acme/{{", "git:acme/x", true);
    }

    #[test]
    fn many_stars_take_no_time() {
        let pattern = format!("git:{}b", "a*".repeat(60));
        assert!(!is_target_named(&pattern, &format!("git:{}", "a".repeat(4_000))));
    }
}
