//! Tests of the files that requests make, and of what the rules say of them.

use proptest::prelude::*;

use super::*;
use crate::catalog::Snapshot;
use crate::engine::request::{check, seen_by};
use crate::validate::Judge;

const SETTINGS: &str = "schemaVersion: catalog/v1\nkind: Catalog\nmetadata: {id: tests, name: Tests}\n\
teams:\n  platform: {owners: [\"@acme/platform\"]}\n  payments: {owners: [\"@ada\"]}\n  search: {owners: [\"@eve\"]}\n";

const ITEM: &str = r"schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: postgres
  name: Database
  description: What the tests ask for, at a length that the rules of the catalog accept.
  version: 1.0.0
  category: tests
  owner: {team: platform, contact: platform@example.com}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: name, name: Name, type: string, required: true}
          - {id: size, name: Size, type: select, enum: [small, large], default: small}
          - {id: notes, name: Notes, type: textarea}
          - {id: admin, name: Admin, type: password}
          - {id: tags, name: Tags, type: multiselect, enum: [a, b, c]}
fulfillment:
  strategy: {mode: manual}
  manual:
    actions:
      - {id: by-hand, type: manual-task, config: {title: Do it, instructions: By hand}}
";

const SERVICE: &str = "# mine\nschemaVersion: catalog/v1\nkind: Service\nmetadata: {id: shop-db, team: payments} # ours\ncatalogItem: postgres\nfields:\n  # small will do\n  size: small\n  name: shop # its name\ndependsOn: [] # none\n";

fn head() -> Snapshot {
    let web = SERVICE.replace("shop-db", "site-web").replace("payments", "search");
    let web = web.replace("dependsOn: []", "dependsOn: [shop-db]");
    let hidden = ITEM
        .replace("id: postgres", "id: secretive")
        .replace("  category", "  visibility: {teams: [search]}\n  category");
    Snapshot::of_files([
        ("trueline.yaml".to_owned(), SETTINGS.as_bytes().to_vec()),
        ("catalog/tests/postgres.yaml".to_owned(), ITEM.as_bytes().to_vec()),
        ("catalog/tests/secretive.yaml".to_owned(), hidden.into_bytes()),
        ("services/payments/shop-db.yaml".to_owned(), SERVICE.as_bytes().to_vec()),
        ("services/search/site-web.yaml".to_owned(), web.into_bytes()),
    ])
}

/// Makes a request as somebody of payments, and has it judged.
fn asked(ask: &Ask) -> Result<Draft, Vec<Wrong>> {
    let head = head();
    let mut judge = Judge::new(Vec::new());
    let catalog = judge.judge(&head).catalog;
    let offers = |metadata: &Metadata| metadata.visibility.is_none();
    let services = |team: &str| team == "payments";
    let sight = Sight { offers: &offers, services: &services, team: Some("payments".to_owned()) };
    let draft = compose(ask, (&catalog, &head.files), &sight)?;
    let checked = check(&mut judge, &head, &draft, jiff::civil::date(2026, 3, 1));
    checked.map(|_| draft).map_err(|wrong| seen_by(wrong, services))
}

fn said(ask: &Ask) -> String {
    match asked(ask) {
        Ok(draft) => draft.content.map_or_else(
            || format!("{} goes", draft.path),
            |content| String::from_utf8(content).expect("text"),
        ),
        Err(wrong) => {
            let line = |it: &Wrong| {
                format!("{}: {} ({})", it.pointer, it.message, it.hint.as_deref().unwrap_or("-"))
            };
            wrong.iter().map(line).collect::<Vec<_>>().join("\n")
        }
    }
}

fn fields(value: &Value) -> Map<String, Value> {
    value.as_object().cloned().expect("a map")
}

fn new(value: &Value) -> Ask {
    Ask { item: Some("postgres".to_owned()), fields: fields(value), ..Ask::default() }
}

fn change(value: &Value) -> Ask {
    Ask { service: Some("shop-db".to_owned()), fields: fields(value), ..Ask::default() }
}

#[test]
fn a_new_service_is_written_as_people_write_it() {
    let ask = Ask {
        id: Some("pay-db".to_owned()),
        description: Some("Keeps: payments".to_owned()),
        expires: Some("2030-01-31".to_owned()),
        ..new(&json!({
            "size": "large", "notes": "one\n\ntwo", "admin": {"secret": "DB_ADMIN"}, "tags": ["a", "b"],
        }))
    };
    insta::assert_snapshot!(said(&ask), @r#"
    # yaml-language-server: $schema=../../schemas/service.json
    schemaVersion: catalog/v1
    kind: Service
    metadata:
      id: pay-db
      team: payments
      description: "Keeps: payments"
    catalogItem: postgres
    fields:
      name: pay-db
      size: large
      notes: |-
        one

        two
      admin:
        secret: DB_ADMIN
      tags:
        - a
        - b
    expires: 2030-01-31
    "#);
    let draft = asked(&new(&json!({"name": "shop"}))).expect("fits");
    assert_eq!(&*draft.path, "services/payments/shop.yaml");
    let draft = asked(&new(&json!({"name": "shop-db"}))).expect("fits");
    assert_eq!(draft.service, "shop-db-2", "that name is taken");
    let draft = asked(&new(&json!({"name": "No Id"}))).expect("fits");
    assert_eq!(draft.service, "payments-postgres");
}

#[test]
fn what_is_changed_is_changed_where_it_stands() {
    let ask = change(&json!({"size": "large", "tags": ["c"]}));
    let text = said(&ask);
    let expected = SERVICE.replace("size: small", "tags: [\"c\"]\n  size: large");
    assert_eq!(text, expected);
    let ask = Ask { state: Some("suspended".to_owned()), ..change(&json!({"size": null})) };
    let expected = SERVICE.replace("  size: small\n", "") + "state: suspended\n";
    assert_eq!(said(&ask), expected);
    let draft = asked(&change(&json!({"size": "large"}))).expect("fits");
    insta::assert_snapshot!(draft.diff(), @r"
    --- a/services/payments/shop-db.yaml
    +++ b/services/payments/shop-db.yaml
    @@ -5,6 +5,6 @@
     catalogItem: postgres
     fields:
       # small will do
    -  size: small
    +  size: large
       name: shop # its name
     dependsOn: [] # none
    ");
}

#[test]
fn what_does_not_fit_is_told_with_its_place_in_the_request() {
    let ask = new(&json!({"siz": "x", "size": "huge", "admin": "hunter22"}));
    let told = said(&ask);
    assert!(!told.contains("hunter22"), "{told}");
    insta::assert_snapshot!(told, @r"
    /fields/size: expected one of `small`, `large`, found `huge` (-)
    /fields/admin: a password is named, never written down (write the name of a secret: {secret: PAYMENTS_DB_ADMIN})
    /fields/siz: unknown field `siz` (did you mean `size`?)
    ");
    let ask = Ask { item: Some("postgrse".to_owned()), ..Ask::default() };
    assert_eq!(
        said(&ask),
        "/item: there is no item or bundle `postgrse` (did you mean `postgres`?)"
    );
    let ask = Ask { item: Some("secretive".to_owned()), ..Ask::default() };
    assert_eq!(said(&ask), "/item: there is no item or bundle `secretive` (-)");
    let ask = Ask { service: Some("site-web".to_owned()), ..change(&json!({"size": "large"})) };
    assert_eq!(said(&ask), "/service: there is no service `site-web` (-)");
    let ask = Ask { id: Some("site-web".to_owned()), ..new(&json!({})) };
    assert!(said(&ask).starts_with("/id: `site-web` is taken"), "{}", said(&ask));
    let ask =
        Ask { team: Some("../../x".to_owned()), id: Some("A b".to_owned()), ..new(&json!({})) };
    assert!(said(&ask).contains("/team: `../../x` is no name of a team"), "{}", said(&ask));
    assert!(said(&ask).contains("/id: `A b` is no id"), "{}", said(&ask));
    assert!(said(&change(&json!({"size": "small"}))).contains("says all of that already"));
    let gone = Ask { service: Some("shop-db".to_owned()), delete: true, ..Ask::default() };
    let told = said(&gone);
    assert!(told.contains("other documents of the catalog would be wrong then"), "{told}");
    assert!(!told.contains("site-web"), "{told}");
}

proptest! {
    #[test]
    fn garbage_is_written_as_it_is_or_refused(
        key in "[a-z]{1,5}|.{0,6}", text in ".{0,40}|[ -~\\n\\t#:{}'\"-]{0,20}", id in "[a-z-]{0,8}|.{0,6}",
    ) {
        let mut given = Map::from_iter([("notes".to_owned(), json!(text)), ("name".to_owned(), json!("x"))]);
        given.insert(key, json!(text));
        let ask = Ask { id: Some(id), fields: given.clone(), ..new(&json!({})) };
        if let Ok(draft) = asked(&ask) {
            let content = draft.content.expect("a file");
            let (tree, _) = yaml::parse(&draft.path, &content);
            prop_assert_eq!(&tree.expect("reads").to_json()["fields"], &Value::Object(given));
            prop_assert!(draft.path.starts_with("services/payments/"));
        }
    }
}
