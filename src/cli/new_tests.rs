//! Tests of `trueline new`: what it writes can be read, and nothing is overwritten.

use clap::Parser;

use super::super::init;
use super::super::local::testing::{context, example};
use super::*;

#[derive(Parser)]
struct Line {
    #[command(flatten)]
    options: Options,
}

fn options(line: &str) -> Options {
    Line::parse_from(std::iter::once("new").chain(line.split(' '))).options
}

/// Writes a document of the example catalog into an empty folder; returns its path and text.
fn written(line: &str) -> Result<(String, String), String> {
    let folder = tempfile::tempdir().unwrap();
    let catalog = example().judged().unwrap().catalog;
    let path = write(folder.path(), &catalog, &options(line)).map_err(|why| format!("{why:?}"))?;
    let text = std::fs::read_to_string(folder.path().join(&path)).unwrap();
    Ok((path, text))
}

#[test]
fn a_service_has_the_fields_of_its_form() {
    let (path, text) = written("service shop-www --team storefront --item dns-record").unwrap();
    assert_eq!(path, "services/storefront/shop-www.yaml");
    insta::assert_snapshot!(text, @r#"
    # yaml-language-server: $schema=../../schemas/service.json
    schemaVersion: catalog/v1
    kind: Service
    metadata:
      id: shop-www
      team: storefront
      # environment: production
      # description: What it is for.
    catalogItem: dns-record # DNS record
    # version: "^1" # a requirement on the version of the item
    fields:
      zone: acme.example # Zone; required; one of acme.example, shop.acme.example, internal.acme.example
      host: www # Host; required; 1 to 63 lower-case letters, digits and hyphens, without a dot
      # recordType: CNAME # Type; one of A, CNAME, TXT
      target: 203.0.113.20 # Target; required
      # ttl: 300 # Seconds that resolvers may keep it
    # dependsOn: [] # services that must be there first
    # deletionPolicy: confirm # when this file is gone: confirm, delete, retain, deny
    # expires: 2030-01-31
    "#);
}

#[test]
fn every_offer_makes_a_service_without_an_error_in_its_document() {
    let catalog = example().judged().unwrap().catalog;
    for id in catalog.items.keys().chain(catalog.bundles.keys()) {
        let line = format!("service new-one --team data --item {id} --environment staging");
        let made = written(&line);
        assert!(made.is_ok(), "{id}: {made:?}");
    }
}

#[test]
fn what_is_added_to_a_new_catalog_validates() {
    let folder = tempfile::tempdir().unwrap();
    let context = context(folder.path());
    let new = init::Options { directory: folder.path().to_owned(), force: false };
    init::run(&context, &new).unwrap();
    for line in [
        "environment production",
        "item queue-standard --category queues --team platform",
        "bundle web-standard --item repository-standard --item queue-standard --item repository-standard",
        "service platform-queue --team platform --item queue-standard --environment production",
        "service platform-tools --team platform --item repository-standard --environment staging",
        "service platform-web --team platform --item web-standard --environment staging",
    ] {
        let done = run(&context, &options(line));
        assert!(done.is_ok(), "{line}: {done:?}");
    }
    let judged = context.judged().unwrap();
    let errors: Vec<String> =
        judged.findings.iter().filter(|f| f.is_error()).map(ToString::to_string).collect();
    assert_eq!(errors, Vec::<String>::new());
    assert_eq!(judged.catalog.services.len(), 4);
    assert!(judged.misfits.is_empty(), "{:?}", judged.misfits);
}

#[test]
fn what_is_there_stays() {
    let folder = tempfile::tempdir().unwrap();
    let context = context(folder.path());
    run(&context, &options("environment production")).unwrap();
    let again = run(&context, &options("environment production")).unwrap_err();
    assert!(format!("{again:?}").contains("is taken"), "{again:?}");
    let file = folder.path().join("environments/staging.yaml");
    std::fs::write(&file, "mine").unwrap();
    let other = run(&context, &options("environment staging")).unwrap_err();
    assert!(format!("{other:?}").contains("is there already"), "{other:?}");
    assert_eq!(std::fs::read_to_string(file).unwrap(), "mine");
}

#[test]
fn what_is_wrong_is_said_and_nothing_is_written() {
    for (line, expected) in [
        ("item queue-standard", "needs a category"),
        ("item Queue --category queues", "Queue"),
        ("item queue-standard --category ../out", "not read at this depth"),
        ("item queue-standard --category ..", "expected a lower-case word"),
        ("item dns-record --category network", "is taken: catalog/network/dns-record.yaml"),
        ("bundle dns-record --item dns-record", "is taken"),
        ("bundle my-bundle", "needs items"),
        ("bundle my-bundle --item dns-recrod", "did you mean `dns-record`?"),
        ("service shop-two --item dns-record", "needs a team"),
        ("service shop-two --team data", "needs one item or bundle"),
        ("service shop-two --team data --item dns", "there is no item or bundle `dns`"),
        (
            "service shop-two --team data --item dns-record --environment prod",
            "there is no environment `prod`",
        ),
        ("service x --team data --item dns-record", "found `x`"),
        ("service a/b --team data --item dns-record", "not read at this depth"),
    ] {
        let made = written(line);
        let why = made.as_ref().err().map(String::as_str).unwrap_or_default();
        assert!(why.contains(expected), "{line}: {made:?}");
    }
}

#[test]
fn the_modeline_names_a_schema_that_is_there() {
    let folder = tempfile::tempdir().unwrap();
    let context = context(folder.path());
    std::fs::create_dir(folder.path().join("schemas")).unwrap();
    std::fs::write(folder.path().join("schemas/service.json"), "mine").unwrap();
    for (line, path) in [
        ("environment production", "environments/production.yaml"),
        ("item queue-standard --category queues", "catalog/queues/queue-standard.yaml"),
        ("bundle web-standard --item queue-standard", "bundles/web-standard.yaml"),
        ("service data-queue --team data --item queue-standard", "services/data/data-queue.yaml"),
    ] {
        run(&context, &options(line)).unwrap();
        let file = folder.path().join(path);
        let text = std::fs::read_to_string(&file).unwrap();
        let first = text.lines().next().unwrap();
        let schema = first.strip_prefix("# yaml-language-server: $schema=").unwrap();
        assert!(file.parent().unwrap().join(schema).is_file(), "{path}: {schema}");
    }
    let read = |name: &str| std::fs::read_to_string(folder.path().join("schemas").join(name));
    assert_eq!(read("service.json").unwrap(), "mine");
    assert!(read("common.json").is_ok(), "the others refer to it");
}
