//! Documents for the catalogs of the tests.

use std::net::SocketAddr;
use std::path::Path;

/// How the steps of a chain follow each other.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Order {
    /// One after the other, each with what the one before it answered.
    Sequential,
    /// All after the first one.
    Fanned,
}

const HEAD: &str = r"schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: ITEM
  name: An item of the tests
  description: Makes what the tests look for, on parts that are real.
  version: 1.0.0
  category: tests
  owner: {team: platform, contact: platform@example.com}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: size, name: Size, type: number, required: true}
";

pub(crate) const MANUAL: &str = "  manual:
    actions:
      - {id: by-hand, type: manual-task, config: {title: Do it, instructions: By hand}}
";

pub(crate) fn head(item: &str) -> String {
    HEAD.replace("ITEM", item)
}

/// An item whose automatic block sets as many resources as named; a step named `post…` posts.
pub(crate) fn chain_item(api: SocketAddr, steps: &[&str], order: Order) -> String {
    let mut text = head("chain");
    text += &format!(
        "fulfillment:\n  strategy: {{mode: automatic}}\n{MANUAL}  automatic:\n    actions:\n"
    );
    for (index, step) in steps.iter().enumerate() {
        let method = if step.starts_with("post") { "POST" } else { "PUT" };
        let url = format!("http://{api}/v1/{{{{service.id}}}}-{step}");
        let before = match (order, index) {
            (_, 0) => None,
            (Order::Sequential, _) => Some(steps[index - 1]),
            (Order::Fanned, _) => Some(steps[0]),
        };
        let after = before.map_or_else(String::new, |before| {
            format!(", \"after\": \"{{{{outputs.{before}.endpoint}}}}\"")
        });
        let depends =
            before.map_or_else(String::new, |before| format!("        dependsOn: [{before}]\n"));
        text += &format!(
            r#"      - id: {step}
        type: rest-api
        retry: {{attempts: 3, delay: 200ms}}
{depends}        config:
          endpoint: {{url: "{url}", method: {method}}}
          body: {{type: json, contentTemplate: '{{"size": {{{{json fields.size}}}}{after}}}'}}
          observe: {{url: "{url}"}}
          delete: {{url: "{url}"}}
        outputs: {{endpoint: /endpoint}}
"#
        );
    }
    let last = steps.last().unwrap();
    text + &format!("outputs:\n  endpoint: {{value: \"{{{{outputs.{last}.endpoint}}}}\"}}\n")
}

/// A bundle of parts, each of which sets as many resources as named, one part after the other; with the item of the
/// parts. What a part makes is named after service, part and step.
pub(crate) fn bundle(api: SocketAddr, parts: &[&str], steps: &[&str]) -> (String, String) {
    let part = chain_item(api, steps, Order::Sequential)
        .replace("id: chain", "id: part")
        .replace("{{service.id}}", "{{fields.name}}")
        .replace(
            "          - {id: size,",
            "          - {id: name, name: Name, type: string, required: true}\n          - {id: size,",
        );
    let mut text = String::from(
        "schemaVersion: catalog/v1\nkind: CatalogBundle\nmetadata:\n  id: parts\n  name: Parts of the tests\n  description: Parts that follow each other, each with what the one before it answered.\n  version: 1.0.0\n  owner: {team: platform, contact: platform@example.com}\ncomponents:\n",
    );
    for (index, part) in parts.iter().enumerate() {
        let depends = match index {
            0 => String::new(),
            _ => format!("    dependsOn: [{}]\n", parts[index - 1]),
        };
        text += &format!(
            "  - id: {part}\n    catalogItem: part\n{depends}    config: {{name: \"{{{{fields.name}}}}-{part}\", size: \"{{{{fields.size}}}}\"}}\n    outputs: [endpoint]\n"
        );
    }
    text += "presentation:\n  form:\n    groups:\n      - id: main\n        name: Main\n        fields:\n          - {id: name, name: Name, type: string, required: true}\n          - {id: size, name: Size, type: number, required: true}\n";
    text += "fulfillment:\n  orchestration: {mode: sequential, errorHandling: stop}\n";
    (part, text)
}

/// A service of the bundle.
pub(crate) fn bundle_service(id: &str, size: u32) -> String {
    format!(
        "schemaVersion: catalog/v1\nkind: Service\nmetadata: {{id: {id}, team: alpha}}\ncatalogBundle: parts\nfields: {{name: {id}, size: {size}}}\n"
    )
}

/// An item that a person fulfils, who enters a number.
pub(crate) fn licence_item() -> String {
    head("licence")
        + r#"fulfillment:
  strategy: {mode: manual}
  manual:
    actions:
      - id: order
        type: manual-task
        config:
          title: "Order {{fields.size}} seats for {{service.team}}"
          instructions: Order them and enter the number of the contract.
          outputs:
            - {name: contractNumber, type: string}
outputs:
  contractNumber: {value: "{{outputs.order.contractNumber}}"}
"#
}

/// An item that writes a file to a repository, by a proposal where asked.
pub(crate) fn page_item(item: &str, target: &Path, proposes: bool) -> String {
    let proposal = if proposes {
        "          createPullRequest: true
          waitFor: merged
          pullRequest: {title: \"Page {{service.id}}\", body: \"Please.\"}
"
    } else {
        ""
    };
    let target = target.display();
    head(item)
        + &format!(
            r#"fulfillment:
  strategy: {{mode: automatic}}
{MANUAL}  automatic:
    actions:
      - id: write
        type: git-commit
        config:
          repository: "file://{target}"
          branch: main
          commitMessage: "pages: {{{{service.id}}}}"
{proposal}          files:
            - {{path: "pages/{{{{service.id}}}}.txt", contentTemplate: "size {{{{fields.size}}}}\n"}}
"#
        )
}

/// A service of an item of these.
pub(crate) fn service_of(item: &str, id: &str, size: u32) -> String {
    format!(
        "schemaVersion: catalog/v1\nkind: Service\nmetadata: {{id: {id}, team: alpha}}\ncatalogItem: {item}\nfields: {{size: {size}}}\n"
    )
}

/// A service of the chain.
pub(crate) fn service(id: &str, size: u32) -> String {
    service_of("chain", id, size)
}

/// Where a service of the team stands.
pub(crate) fn place(id: &str) -> String {
    format!("services/alpha/{id}.yaml")
}
