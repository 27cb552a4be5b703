//! `action/inner-address`: a URL of an action names no address that only the own network reaches.

use serde_json::Value;

use crate::catalog::{Body, Document};
use crate::finding::Severity;
use crate::kinds::{ActionKind, InnerHost, VERIFY, inner_host, target_of};
use crate::template::Target;
use crate::validate::findings::Findings;
use crate::validate::readings::Acting;
use crate::validate::registry::{Check, Rule};
use crate::validate::texts::each_text;

pub(super) static RULE: Rule = Rule {
    id: "action/inner-address",
    severity: Severity::Warning,
    summary: "A URL of an action names a loopback, private, link-local or metadata address.",
    why: "Such addresses are refused when the step runs, unless the operator opened them; and what they mean differs from \
          machine to machine.",
    mend: "Write the public name of the service, or a variable of the environment that holds its address. Where the operator \
           opened the address under `[egress] allow`, allow the finding with the reason.",
    bad: "endpoint: {url: \"http://10.0.0.7/v1/databases\"}",
    good: "endpoint: {url: \"{{environment.databaseApi}}/v1/databases\"}",
    check: Check::Document(check),
};

const HINT: &str = "write a public name, or a variable of the environment; if the operator opened it under `[egress] allow`, write \
                    `# trueline: allow action/inner-address WHY` above";

fn check(document: &Document, findings: &mut Findings<'_>) {
    let Some(Body::Item(item)) = &document.body else { return };
    for (kind, config, at) in findings.actions().iter().flat_map(Acting::configs) {
        addresses((kind, config), &at, findings);
    }
    if let Some(poll) = item.fulfillment.health.as_ref().and_then(|health| health.get("poll")) {
        addresses((&VERIFY, poll), "/fulfillment/health/poll", findings);
    }
}

/// Finds inner addresses in the URLs of a `config`, which stands at a JSON pointer.
fn addresses((kind, config): (&ActionKind, &Value), base: &str, findings: &mut Findings<'_>) {
    each_text(config, &mut String::new(), &mut |text, pointer| {
        let Some(InnerHost { host, why }) = inner_host(text) else { return };
        if target_of(kind, config, pointer) != Target::Url {
            return;
        }
        let offset = text.find("://").map_or(0, |at| at + 3);
        let message = format!("`{host}` is {why}, and is refused when the step runs");
        findings.add(findings.in_text(&format!("{base}{pointer}"), offset, message).hint(HINT));
    });
}

#[cfg(test)]
mod tests {
    use crate::validate::testing::{ITEM, check};

    fn with(action: &str) -> String {
        ITEM.replace("mode: manual", "mode: automatic").replace(
            "outputs:\n  url",
            &format!("  automatic:\n    actions:\n      - id: provision\n        {action}\n        outputs: {{url: /url}}\noutputs:\n  url"),
        )
    }

    #[test]
    fn an_inner_address_is_found_in_every_url() {
        check(
            &with("type: rest-api\n        config:\n          endpoint: {url: \"http://10.0.0.7/{{fields.size}}\"}\n          delete: {url: \"http://[::1]:{{environment.port}}/a\"}"),
            "
            catalog/databases/database-standard.yaml:33:35: warning action/inner-address `10.0.0.7` is a private address, and is refused when the step runs (write a public name, or a variable of the environment; if the operator opened it under `[egress] allow`, write `# trueline: allow action/inner-address WHY` above)
            catalog/databases/database-standard.yaml:34:33: warning action/inner-address `[::1]` is a loopback address, and is refused when the step runs (write a public name, or a variable of the environment; if the operator opened it under `[egress] allow`, write `# trueline: allow action/inner-address WHY` above)
        ",
        );
        check(
            &with(
                "type: webhook\n        config:\n          endpoint: {url: \"https://169.254.169.254/latest\"}",
            ),
            "catalog/databases/database-standard.yaml:33:36: warning action/inner-address `169.254.169.254` is an address of cloud metadata, and is refused when the step runs (write a public name, or a variable of the environment; if the operator opened it under `[egress] allow`, write `# trueline: allow action/inner-address WHY` above)",
        );
    }

    #[test]
    fn an_inner_address_is_found_in_what_verifies_and_takes_back() {
        let hint = "write a public name, or a variable of the environment; if the operator opened it under `[egress] allow`, write `# trueline: allow action/inner-address WHY` above";
        check(
            &with("type: notify\n        config: {channel: log, message: x}\n        verify: {poll: {url: \"http://10.0.0.7/a\"}}\n        rollback: {type: rest-api, config: {endpoint: {url: \"http://10.0.0.8/a\"}}}"),
            &format!(
                "catalog/databases/database-standard.yaml:33:38: warning action/inner-address `10.0.0.7` is a private address, and is refused when the step runs ({hint})
                 catalog/databases/database-standard.yaml:34:69: warning action/inner-address `10.0.0.8` is a private address, and is refused when the step runs ({hint})"
            ),
        );
    }

    #[test]
    fn what_is_no_url_of_ours_or_opened_is_left_alone() {
        check(
            &with(
                "type: rest-api\n        config:\n          endpoint: {url: \"{{environment.api}}/a\"}\n          body: {contentTemplate: {callback: \"http://10.0.0.7/a\"}}",
            ),
            "",
        );
        check(
            &with(
                "type: rest-api\n        config:\n          # trueline: allow action/inner-address it stands beside us, and is opened\n          endpoint: {url: \"http://10.0.0.7/a\"}",
            ),
            "",
        );
    }
}
