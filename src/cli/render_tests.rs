//! Tests of `trueline render`, on the example catalog.

use super::super::local::testing::example;
use super::*;

fn options(item: &str, fields: &[&str]) -> Options {
    Options {
        item: item.to_owned(),
        field: fields.iter().map(|field| (*field).to_owned()).collect(),
        environment: Some("staging".to_owned()),
        team: Some("data".to_owned()),
        operation: "create".to_owned(),
        ..Options::default()
    }
}

fn check(options: &Options) -> String {
    match rendered(&example(), options) {
        Ok(rendered) => as_text(&rendered),
        Err(failure) => format!("{failure:?}"),
    }
}

fn actions(options: &Options) -> String {
    check(options).split("\nactions\n").last().unwrap_or_default().to_owned()
}

const RECORD: [&str; 3] = ["zone=acme.example", "host=www", "target=203.0.113.20"];

#[test]
fn what_templates_see_is_shown() {
    let text = check(&options("dns-record", &RECORD));
    insta::assert_snapshot!(text.split("\nactions\n").next().unwrap_or_default(), @r##"
    create of dns-record 1.0.3 (service example-service, team data, environment staging)

    scopes
      environment:
        alertChannel: "#platform-staging"
        awsParameterStore: "https://ssm.eu-central-1.amazonaws.com/"
        awsSecretsManager: "https://secretsmanager.eu-central-1.amazonaws.com/"
        ciVersion: "v1"
        ciWorkflows: "acme/ci/.github/workflows"
        databaseSubnets: "databases"
        deployRepository: "acme/deployments"
        dnsApi: "https://dns.acme.example/api/v1/servers/localhost"
        dnsZone: "staging.acme.example"
        githubOwner: "acme"
        id: "staging"
        observabilityRepository: "acme/observability"
        region: "eu-central-1"
        resourceApi: "http://127.0.0.1:7780"
        targetRepository: "file:///var/lib/trueline/example/target.git"
        terraformModules: "git::https://github.com/acme/platform-catalog.git//modules"
        terraformModulesRef: "main"
      fields:
        host: "www"
        recordType: "CNAME"
        target: "203.0.113.20"
        ttl: 300
        zone: "acme.example"
      metadata:
        category: "network"
        constants: {}
        cost:
          currency: "EUR"
          monthly: 0
        description: "One record in a zone of the company. It is written as a file into the repository that the name servers are fed from, so every record has a history and an owner."
        formerIds: []
        id: "dns-record"
        name: "DNS record"
        owner:
          contact: "network@acme.example"
          escalation: "on-call: network, phone 4714"
          team: "platform-network"
        sla:
          provisioningTime: "5m"
          supportLevel: "tier-2"
        tags:
          - "dns"
          - "network"
        version: "1.0.3"
      service:
        description: ""
        environment: "staging"
        id: "example-service"
        labels: {}
        name: "example-service"
        team: "data"
    "##);
}

#[test]
fn actions_are_shown_as_they_would_be_sent() {
    insta::assert_snapshot!(actions(&options("dns-record", &RECORD)), @r#"
      record  git-commit
        branch: "main"
        commitMessage: "dns: CNAME www.acme.example for data"
        files:
          - contentTemplate: |
              # Written by Trueline; change the service, not this file.
              service: "example-service"
              host: "www"
              type: "CNAME"
              ttl: 300
              value: "203.0.113.20"
            path: "dns/acme.example/www.yaml"
        repository: "file:///var/lib/trueline/example/target.git"
    "#);
}

#[test]
fn what_only_a_run_knows_is_said_in_words() {
    let fields = [
        "person=Ann Example",
        "address=ann@acme.example",
        "startDate=2027-03-01",
        "tools=repositories, dashboards",
    ];
    insta::assert_snapshot!(actions(&options("team-onboarding", &fields)), @r#"
    accounts  manual-task
      instructions: |
        1. Create the account for ann@acme.example and add it to the team data as developer.
        2. Grant access to: repositories, dashboards.
      outputs:
        - name: "account"
          type: "string"
      title: "create accounts of Ann Example"
    welcome  manual-task
      instructions: |
        Spend an hour on the platform with Ann Example, whose account is (known after apply).
      title: "Welcome Ann Example on 2027-03-01"
    "#);
}

#[test]
fn every_operation_can_be_rendered() {
    for operation in ["create", "update", "delete"] {
        let asked = Options { operation: operation.to_owned(), ..options("dns-record", &RECORD) };
        let text = check(&asked);
        assert!(text.contains("dns/acme.example/www.yaml"), "{operation}: {text}");
        assert_eq!(text.contains("(undo)"), operation == "delete", "{operation}: {text}");
    }
}

#[test]
fn a_service_of_the_catalog_lends_its_fields() {
    let catalog = example().judged().unwrap().catalog;
    for (id, entry) in &catalog.services {
        let Some(item) = &entry.body.catalog_item else { continue };
        let asked = Options {
            item: item.clone(),
            service: Some(id.clone()),
            operation: "create".to_owned(),
            ..Options::default()
        };
        let text = check(&asked);
        assert!(text.contains("\nactions\n"), "{id}: {text}");
    }
}

#[test]
fn one_action_alone() {
    let fields = ["person=Ann Example", "address=ann@acme.example", "startDate=2027-03-01"];
    let asked =
        Options { action: Some("welcome".to_owned()), ..options("team-onboarding", &fields) };
    let text = actions(&asked);
    assert!(text.contains("  welcome  manual-task") && !text.contains("  accounts"), "{text}");
    let asked = Options { action: Some("welcom".to_owned()), ..asked };
    assert!(check(&asked).contains("did you mean `welcome`?"));
}

#[test]
fn what_does_not_fit_is_said_with_what_to_do() {
    for (asked, expected) in [
        (options("dns-recrod", &[]), "did you mean `dns-record`?"),
        (options("bundle-webapp-standard", &[]), "is a bundle"),
        (options("dns-record", &["hots=www"]), "did you mean `host`?"),
        (options("dns-record", &["host"]), "has no value"),
        (options("dns-record", &["ttl=soon"]), "takes a number, not `soon`"),
        (options("dns-record", &RECORD[..2]), "target"),
        (options("dns-record", &["zone=evil.example", "host=www", "target=x"]), "evil.example"),
        (
            Options { environment: Some("prod".to_owned()), ..options("dns-record", &RECORD) },
            "prod",
        ),
        (
            Options { operation: "rotate".to_owned(), ..options("dns-record", &RECORD) },
            "there is no operation `rotate`",
        ),
        (
            Options { team: Some("../x".to_owned()), ..options("dns-record", &RECORD) },
            "would not fit",
        ),
    ] {
        let text = check(&asked);
        assert!(text.contains("Failure") && text.contains(expected), "{expected}: {text}");
    }
}

const ITEM: &str = r#"
schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: vault-standard
  name: Vault
  description: A vault for the secrets of a team, with an entry for each of them and nothing besides that.
  version: 1.0.0
  category: security
  owner: {team: platform, contact: platform@example.com}
presentation:
  form:
    groups:
      - id: config
        name: Configuration
        fields:
          - {id: password, name: Password, type: password, required: true}
          - {id: replicas, name: Replicas, type: number, default: 1}
fulfillment:
  strategy: {mode: automatic}
  manual: {actions: [{type: manual-task, config: {title: By hand}}]}
  automatic:
    actions:
      - id: make
        type: rest-api
        when: "{{gt fields.replicas 2}}"
        config:
          endpoint: {url: "https://vault.example.com/{{service.id}}", method: PUT}
          headers: {X-Run: "{{request.id}}", X-Key: "{{secrets.VAULT_KEY}}"}
          body: {contentTemplate: {password: "{{fields.password}}", replicas: "{{fields.replicas}}"}}
  operations:
    rotate:
      actions:
        - {id: turn, type: manual-task, config: {title: "{{request.operation}} {{service.id}}"}}
"#;

fn vault(fields: &[&str], operation: &str) -> String {
    let folder = tempfile::tempdir().unwrap();
    let place = folder.path().join("catalog/security");
    std::fs::create_dir_all(&place).unwrap();
    std::fs::write(place.join("vault-standard.yaml"), ITEM).unwrap();
    let asked = Options {
        environment: None,
        operation: operation.to_owned(),
        ..options("vault-standard", fields)
    };
    let context = super::super::local::testing::context(folder.path());
    match rendered(&context, &asked) {
        Ok(rendered) => {
            let json = rendered.to_string();
            assert!(!json.contains('\u{E000}') && !json.contains("hunter"), "{json}");
            let text = as_text(&rendered);
            text.split("\nactions\n").last().unwrap_or_default().to_owned()
        }
        Err(failure) => format!("{failure:?}"),
    }
}

#[test]
fn secrets_are_masked_and_conditions_told() {
    insta::assert_snapshot!(vault(&["password=DB_PASSWORD"], "create"), @r#"
    make  rest-api  (left out, by `when`)
      body:
        contentTemplate:
          password: "(sensitive)"
          replicas: 1
      endpoint:
        method: "PUT"
        url: "https://vault.example.com/example-service"
      headers:
        X-Key: "(sensitive)"
        X-Run: "(known after apply)"
    "#);
    let refused = vault(&["password=hunter22"], "create");
    assert!(refused.contains("Failure") && !refused.contains("hunter"), "{refused}");
}

#[test]
fn an_operation_without_a_state_can_be_rendered_too() {
    insta::assert_snapshot!(vault(&["password=DB_PASSWORD"], "rotate"), @r#"
    rotate~turn  manual-task
      title: "rotate example-service"
    "#);
}
