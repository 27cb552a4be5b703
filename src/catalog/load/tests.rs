//! Tests of reading: one for each rule, on catalogs written as one text.

use insta::assert_snapshot;

use super::*;

/// Takes a catalog apart: each file begins with a line `#- path`.
fn snapshot(text: &str) -> Snapshot {
    let files = text.split("#- ").skip(1).map(|file| {
        let (path, content) = file.split_once('\n').expect("a file has a path");
        (path.to_owned(), content.as_bytes().to_vec())
    });
    Snapshot::of_files(files)
}

fn read_all(snapshot: &Snapshot) -> Vec<Arc<Document>> {
    Reader::default().read(snapshot).values().cloned().collect()
}

/// Reads a catalog and lists its findings, or each document that has none.
fn check(text: &str) -> String {
    let lines: Vec<String> = Reader::default()
        .read(&snapshot(text))
        .values()
        .flat_map(|document| {
            let kind = document.kind.map_or("?", Kind::word);
            let id = document.id.as_deref().unwrap_or("?");
            let wrong = document.findings.iter().any(Finding::is_error);
            assert_eq!(wrong, document.body.is_none(), "{}", document.path);
            let fine = (!wrong).then(|| format!("{}: {kind} {id}", document.path));
            let findings: Vec<String> = document.findings.iter().map(Finding::to_string).collect();
            fine.into_iter().chain(findings)
        })
        .collect();
    lines.join("\n")
}

const SERVICE: &str = "schemaVersion: catalog/v1
kind: Service
metadata: {id: payments-db, team: payments}
catalogItem: database-postgresql
";

const ITEM: &str = "schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: database-postgresql
  name: PostgreSQL database
  description: A managed PostgreSQL database with daily backups and a private address.
  version: 1.4.0
  category: databases
  owner: {team: platform-databases, contact: dba@example.com}
fulfillment:
  strategy: {mode: manual}
  manual: {actions: [{type: manual-task, config: {}}, {id: tell, type: notify, config: {}}, {type: notify, config: {}}]}
  operations: {rotate: {actions: [{type: command, config: {}}]}}
";

#[test]
fn documents_are_read_by_kind() {
    let text = format!(
        "#- services/payments/payments-db.yaml\n{SERVICE}#- catalog/databases/database-postgresql.yaml\n{ITEM}\
         #- bundles/bundle-webapp-standard.yaml\n{}#- environments/production.yaml\n{}#- trueline.yaml\n{}#- README.md\nhello\n",
        include_str!("../schema/fixtures/bundle.yaml"),
        include_str!("../schema/fixtures/environment.yaml"),
        include_str!("../schema/fixtures/trueline.yaml"),
    );
    assert_snapshot!(check(&text), @r"
bundles/bundle-webapp-standard.yaml: CatalogBundle bundle-webapp-standard
catalog/databases/database-postgresql.yaml: CatalogItem database-postgresql
environments/production.yaml: Environment production
services/payments/payments-db.yaml: Service payments-db
trueline.yaml: Catalog platform
");
}

#[test]
fn everything_on_the_page_of_the_format_makes_a_typed_item() {
    let text = include_str!("../schema/fixtures/item.yaml");
    let text = format!("#- catalog/databases/database-postgresql-standard.yaml\n{text}");
    assert_snapshot!(check(&text), @"catalog/databases/database-postgresql-standard.yaml: CatalogItem database-postgresql-standard");
}

#[test]
fn an_unreadable_document_has_a_kind_and_no_id() {
    let snapshot = snapshot("#- services/payments/payments-db.yaml\nmetadata: {id: [\n");
    let documents = read_all(&snapshot);
    assert_eq!((documents[0].kind, &documents[0].id), (Some(Kind::Service), &None));
    assert!(documents[0].body.is_none() && documents[0].findings.iter().any(Finding::is_error));
}

#[test]
fn an_invalid_document_keeps_its_id() {
    let text = SERVICE.replace("team: payments", "team: 7");
    let snapshot = snapshot(&format!("#- services/payments/payments-db.yaml\n{text}"));
    let documents = read_all(&snapshot);
    assert_eq!(documents[0].id.as_deref(), Some("payments-db"));
    assert!(documents[0].body.is_none());
}

#[test]
fn actions_without_an_id_are_named_by_position() {
    let snapshot = snapshot(&format!("#- catalog/databases/database-postgresql.yaml\n{ITEM}"));
    let documents = read_all(&snapshot);
    let Some(Body::Item(item)) = documents.first().and_then(|document| document.body.clone())
    else {
        panic!("it is an item: {documents:?}");
    };
    let ids: Vec<&str> = item.fulfillment.manual.actions.iter().map(|action| &*action.id).collect();
    assert_eq!(ids, ["action-1", "tell", "action-3"]);
    assert_eq!(item.fulfillment.operations["rotate"].actions[0].id, "action-1");
}

#[test]
fn document_schema_version() {
    let with = |version: &str| {
        let text = SERVICE.replace("schemaVersion: catalog/v1\n", version);
        check(&format!("#- services/payments/payments-db.yaml\n{text}"))
    };
    assert_snapshot!(with(""), @"services/payments/payments-db.yaml:1:1: error document/schema-version missing property `schemaVersion` (write `schemaVersion: catalog/v1` at the top)");
    assert_snapshot!(with("schemaVersion: catalog/v2\nfuture: true\n"), @"services/payments/payments-db.yaml:1:16: error document/schema-version unknown schemaVersion `catalog/v2` (this program knows `schemaVersion: catalog/v1`)");
    assert_snapshot!(with("schemaVersion: 1\n"), @"services/payments/payments-db.yaml:1:16: error document/schema-version unknown schemaVersion `1` (this program knows `schemaVersion: catalog/v1`)");
}

#[test]
fn document_kind() {
    let with = |kind: &str| {
        let text = SERVICE.replace("kind: Service\n", kind);
        check(&format!("#- services/payments/payments-db.yaml\n{text}"))
    };
    assert_snapshot!(with(""), @"services/payments/payments-db.yaml:1:1: error document/kind missing property `kind` (write `kind: Service`)");
    assert_snapshot!(with("kind: Servce\n"), @"services/payments/payments-db.yaml:2:7: error document/kind unknown kind `Servce`, expected one of `CatalogItem`, `CatalogBundle`, `Service`, `Environment`, `Catalog` (did you mean `Service`?)");
    assert_snapshot!(with("kind: [Service]\n"), @r#"services/payments/payments-db.yaml:2:7: error document/kind unknown kind `["Service"]`, expected one of `CatalogItem`, `CatalogBundle`, `Service`, `Environment`, `Catalog` (by its path this is a `Service`: write `kind: Service`)"#);
    assert_snapshot!(check(&format!("#- catalog/databases/payments-db.yaml\n{SERVICE}")), @"catalog/databases/payments-db.yaml:2:7: error document/kind a `Service` stands where a `CatalogItem` belongs (write `kind: CatalogItem`, or move it to `services/payments/payments-db.yaml`)");
    assert_snapshot!(check(&format!("#- trueline.yaml\n{SERVICE}")), @"trueline.yaml:2:7: error document/kind a `Service` stands where a `Catalog` belongs (write `kind: Catalog`, or move it to `services/payments/payments-db.yaml`)");
}

#[test]
fn document_misplaced() {
    assert_snapshot!(check(&format!("#- team/x.yml\n{SERVICE}#- deploy/x.yaml\nkind: Service\n#- x.md\n{SERVICE}")), @"team/x.yml:1:16: error document/misplaced a document of a catalog stands where none is read (move it to `services/payments/payments-db.yaml`, or remove `schemaVersion`)");
    assert_snapshot!(check("#- a/b.yaml\nschemaVersion: catalog/v1\n#- a/c.yaml\nimage: catalog/v1\n#- a/d.yaml\n[catalog/v1\n"), @"a/b.yaml:1:16: error document/misplaced a document of a catalog stands where none is read (move it to the folder of its kind, or remove `schemaVersion`)");
}

#[test]
fn document_ending() {
    assert_snapshot!(check(&format!("#- services/payments/payments-db.yml\n{SERVICE}#- services/deep/er/x.yaml\n#- bundles/a.json\n")), @r"
bundles/a.json:1:1: error document/ending a file that ends in `.json` is not read (write it as YAML and name it `bundles/a.yaml`)
services/deep/er/x.yaml:1:1: error document/ending a document is not read at this depth (`services` is laid out as `services/<team>/<id>.yaml`)
services/payments/payments-db.yml:1:1: error document/ending a file that ends in `.yml` is not read (write it as YAML and name it `services/payments/payments-db.yaml`)
");
}

#[test]
fn document_id_and_folder() {
    assert_snapshot!(check(&format!("#- services/billing/payments-database.yaml\n{SERVICE}")), @r"
services/billing/payments-database.yaml:3:16: error document/id the id is `payments-db`, and the file is named `payments-database` (rename the id to `payments-database`, or the file to `payments-db.yaml`)
services/billing/payments-database.yaml:3:35: error document/folder the team is `payments`, and the folder is `billing` (move the file to `services/payments/payments-db.yaml`, or write `team: billing`)
");
    assert_snapshot!(check(&format!("#- catalog/storage/database-postgresql.yaml\n{ITEM}")), @"catalog/storage/database-postgresql.yaml:8:13: error document/folder the category is `databases`, and the folder is `storage` (move the file to `catalog/databases/database-postgresql.yaml`, or write `category: storage`)");
}

#[test]
fn schema_rules_have_places() {
    assert_snapshot!(
        check(
            "#- services/payments/payments-db.yaml
schemaVersion: catalog/v1
kind: Service
metadata:
  id: payments-db
  labels: {tier: 1}
catalogItem: database-postgresql
prioritiy: high
priority: hihg
expires: 2027-02-30
"
        ),
        @r#"
services/payments/payments-db.yaml:4:3: error schema/missing-key missing property `team` (`team`: the folder under `services/` that it stands in)
services/payments/payments-db.yaml:5:18: error schema/type expected text, found number `1` (put it in quotes: "1")
services/payments/payments-db.yaml:7:1: error schema/unknown-key unknown property `prioritiy` (did you mean `priority`?)
services/payments/payments-db.yaml:8:11: error schema/value expected one of `critical`, `high`, `normal`, `low`, `background`, found `hihg` (did you mean `high`?)
services/payments/payments-db.yaml:9:10: error schema/value expected a date written as year, month and day, found `2027-02-30` (for example `2027-01-31`)
"#
    );
}

#[test]
fn a_document_that_is_too_large_is_a_finding() {
    let text = format!(
        "#- services/payments/payments-db.yaml\n{SERVICE}# {}\n",
        "x".repeat(yaml::MAX_BYTES)
    );
    let told = check(&text);
    assert!(told.contains("yaml/size"), "{told}");
}

#[test]
fn what_is_unchanged_is_not_read_again() {
    let mut reader = Reader::default();
    let text = format!(
        "#- services/payments/payments-db.yaml\n{SERVICE}#- deploy/x.yaml\nimage: catalog/v1\n"
    );
    let first = reader.read(&snapshot(&text));
    let second = reader.read(&snapshot(&text));
    assert!(first.values().zip(second.values()).all(|(a, b)| a == b) && first.len() == 1);
    let third = reader.read(&snapshot(&text.replace("kind: Service", "kind: Servce")));
    assert!(third.values().all(|document| document.body.is_none()));
    assert!(reader.read(&Snapshot::default()).is_empty());
}

#[test]
fn hostile_bytes_never_panic() {
    for bytes in [
        &b""[..],
        b"\xff\xfe\0",
        b"\0\0\0",
        b"- - - -",
        b"a: &a [*a]",
        b"schemaVersion: catalog/v1\nkind: Service",
    ] {
        for path in [
            "services/a/b.yaml",
            "catalog/a/b.yaml",
            "trueline.yaml",
            "x/y.yml",
            "bundles/x.json",
            "services//.yaml",
        ] {
            let blob = Blob { id: "x".into(), bytes: bytes.into() };
            if let Some(document) = read(&path.into(), &blob) {
                assert!(!document.findings.is_empty() && document.body.is_none(), "{path}");
            }
        }
    }
}
