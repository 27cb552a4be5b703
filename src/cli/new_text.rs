//! The text of new documents, with hints as comments. It writes no file.

use std::fmt::Write as _;

use serde_json::{Map, Value, json};

use super::files::one_line;
use super::local::{offers, unknown};
use super::output::Failure;
use super::sample::{fields_as_yaml, inline, samples};
use super::schema::form_of;
use crate::catalog::{Catalog, Kind};

/// What is asked for.
#[derive(Clone, Debug)]
pub(super) struct Ask<'a> {
    /// The kind.
    pub(super) kind: Kind,
    /// The id.
    pub(super) id: &'a str,
    /// Category of an item.
    pub(super) category: Option<&'a str>,
    /// Team of a service, or that answers for an item or bundle.
    pub(super) team: Option<&'a str>,
    /// What a service is of, or what a bundle is made of.
    pub(super) items: Vec<&'a str>,
    /// Environment of a service.
    pub(super) environment: Option<&'a str>,
}

/// Returns path and text of a new document.
pub(super) fn text_of(ask: &Ask<'_>, catalog: &Catalog) -> Result<(String, String), Failure> {
    let id = ask.id;
    let category = ask.category.unwrap_or_default();
    let team = ask.team.unwrap_or_default();
    let (path, text) = match ask.kind {
        Kind::Item => (format!("catalog/{category}/{id}.yaml"), item(ask, catalog)),
        Kind::Bundle => (format!("bundles/{id}.yaml"), bundle(ask, catalog)?),
        Kind::Service => (format!("services/{team}/{id}.yaml"), service(ask, catalog)?),
        Kind::Environment => (format!("environments/{id}.yaml"), environment(ask)),
        Kind::Settings => ("trueline.yaml".to_owned(), String::new()),
    };
    let schema = match ask.kind {
        Kind::Item => "catalog-item.json",
        Kind::Bundle => "catalog-bundle.json",
        Kind::Service => "service.json",
        Kind::Environment => "environment.json",
        Kind::Settings => "catalog.json",
    };
    let up = "../".repeat(path.matches('/').count());
    let head = format!("# yaml-language-server: $schema={up}schemas/{schema}\n");
    let kind = ask.kind;
    Ok((path, format!("{head}schemaVersion: catalog/v1\nkind: {kind}\n{text}")))
}

/// Makes a name of an id: `payments-db` → `Payments db`.
fn name_of(id: &str) -> String {
    let words = id.replace('-', " ");
    let mut chars = words.chars();
    let name: String = chars.next().into_iter().flat_map(char::to_uppercase).chain(chars).collect();
    // Names of items have three characters at least.
    if name.chars().count() < 3 { format!("{name} (name)") } else { name }
}

fn text(value: &str) -> String {
    inline(&json!(value))
}

/// The `metadata` that items and bundles share.
fn metadata(ask: &Ask<'_>, catalog: &Catalog) -> String {
    let teams = &catalog.settings.teams;
    let team = ask.team.or_else(|| teams.keys().next().map(String::as_str)).unwrap_or("platform");
    let known = teams.get(team).and_then(|team| team.contact.as_deref());
    let contact = known.map_or_else(|| format!("{team}@example.com"), str::to_owned);
    let category = ask.category.map(|category| format!("  category: {}\n", text(category)));
    let (id, name) = (text(ask.id), text(&name_of(ask.id)));
    let (team, contact) = (text(team), text(&contact));
    format!(
        "metadata:
  id: {id}
  name: {name}
  description: >-
    Say here in 50 to 500 characters what it is, for whom it is, and what it is not made for.
  version: 0.1.0 # raise it with every change of templates or constants
{}  owner:
    team: {team}
    contact: {contact}
  tags: []
  # visibility: {{teams: [payments], environments: [production]}} # absent: everybody, everywhere
",
        category.unwrap_or_default()
    )
}

fn item(ask: &Ask<'_>, catalog: &Catalog) -> String {
    metadata(ask, catalog)
        + r#"  # constants: {defaultPort: "5432"} # templates read it as metadata.defaultPort
presentation:
  form:
    groups:
      - id: config
        name: Configuration
        fields:
          - id: name
            name: Name
            type: string # string textarea number boolean select multiselect date email file password
            required: true
            immutable: true # a change replaces the service
            placeholder: my-service
            validation: {minLength: 4, maxLength: 30}
          # - id: size
          #   name: Size
          #   type: select
          #   default: small
          #   enum: [{value: small, label: Small}, {value: large, label: Large}]
fulfillment:
  strategy:
    mode: manual # automatic: the block `automatic` runs instead
  manual: # always there: how people do it
    actions:
      - id: provide
        type: manual-task
        config:
          title: "{{request.operation}} {{fields.name}} for {{service.team}}"
          instructions: |
            Say here step by step what is to be done.
          # outputs: [{name: url, type: string}] # what is entered when it is done
  # automatic:
  #   actions: # `trueline explain rest-api`, `trueline explain git-commit`: their settings
  #     - id: provision
  #       type: rest-api
  #       config:
  #         endpoint: {url: "{{environment.api}}/things/{{fields.name}}", method: PUT}
  #         body: {contentTemplate: {name: "{{fields.name}}"}}
  #         delete: {url: "{{environment.api}}/things/{{fields.name}}"}
# outputs:
#   url: {value: "{{outputs.provide.url}}", description: Where it is.}
"#
}

fn bundle(ask: &Ask<'_>, catalog: &Catalog) -> Result<String, Failure> {
    let mut yaml = metadata(ask, catalog) + "components:\n";
    for (index, id) in ask.items.iter().enumerate() {
        let Some(item) = catalog.items.get(*id) else {
            let known: Vec<&str> = catalog.items.keys().map(String::as_str).collect();
            return Err(unknown("item", id, &known));
        };
        let repeated = ask.items.iter().take(index).filter(|other| *other == id).count();
        let component = match repeated {
            0 => (*id).to_owned(),
            count => format!("{id}-{}", count + 1),
        };
        let _ = writeln!(yaml, "  - id: {}\n    catalogItem: {}", text(&component), text(id));
        let fields = fields_as_yaml(&item.body.presentation.form, &Map::new(), "      ");
        let any = fields.lines().any(|line| !line.trim_start().starts_with('#'));
        let open = if any { "" } else { " {}" };
        let _ = write!(
            yaml,
            "    config:{open} # texts are templates over this form's fields\n{fields}"
        );
        if index > 0 {
            yaml.push_str("    # dependsOn: [] # components that come before it, besides those it reads from\n");
        }
    }
    yaml.push_str(
        r#"presentation:
  form:
    groups:
      - id: config
        name: Configuration
        fields:
          - id: name
            name: Name
            type: string
            required: true
            immutable: true
fulfillment:
  orchestration:
    mode: parallel # sequential: as they are written
    errorHandling: stop # rollback, continue
# outputs:
#   url: {value: "{{components.app.outputs.url}}", description: Where it is.}
"#,
    );
    Ok(yaml)
}

fn service(ask: &Ask<'_>, catalog: &Catalog) -> Result<String, Failure> {
    let offer = ask.items.first().copied().unwrap_or_default();
    let Some((form, name)) = form_of(catalog, offer) else {
        return Err(unknown("item or bundle", offer, &offers(catalog)));
    };
    if let Some(environment) = ask.environment
        && !catalog.environments.contains_key(environment)
    {
        let known: Vec<&str> = catalog.environments.keys().map(String::as_str).collect();
        return Err(unknown("environment", environment, &known));
    }
    let environment = match ask.environment {
        Some(environment) => format!("  environment: {}\n", text(environment)),
        None => "  # environment: production\n".to_owned(),
    };
    let of = if catalog.items.contains_key(offer) { "catalogItem" } else { "catalogBundle" };
    let given = json!({"name": ask.id}).as_object().cloned().unwrap_or_default();
    let fields = fields_as_yaml(form, &given, "  ");
    let open = if samples(form, &given).is_empty() { " {}" } else { "" };
    let (id, team, offer) = (text(ask.id), text(ask.team.unwrap_or_default()), text(offer));
    Ok(format!(
        "metadata:
  id: {id}
  team: {team}
{environment}  # description: What it is for.
{of}: {offer} # {}
# version: \"^1\" # a requirement on the version of the item
fields:{open}
{fields}# dependsOn: [] # services that must be there first
# deletionPolicy: confirm # when this file is gone: confirm, delete, retain, deny
# expires: 2030-01-31
",
        one_line(name)
    ))
}

fn environment(ask: &Ask<'_>) -> String {
    let (id, name): (Value, Value) = (json!(ask.id), json!(name_of(ask.id)));
    format!(
        r#"metadata:
  id: {}
  name: {}
variables: {{}} # static values; templates read them as environment.<name>
# defaults: # by item: over the item's own defaults, under the fields of a service
#   database-postgresql-standard: {{instanceClass: large}}
# approval: {{required: 1, from: [platform-leads]}} # of every plan that touches it
# changeWindows: # plans are made and shown at any time; they run only when open
#   - {{allow: {{cron: "0 9 * * MON-FRI", duration: 8h, timezone: Europe/Berlin}}}}
"#,
        inline(&id),
        inline(&name)
    )
}
