//! What the language server answers an editor: completion, explanations, definitions, symbols.

use serde_json::{Value, json};

use crate::editor::{BUNDLE, Client, DATABASE, ITEM, SERVICE, cursor, find, service};

#[test]
fn a_service_is_completed() {
    let mut client = Client::start();
    client.open(SERVICE, "");
    let head = "schemaVersion: catalog/v1\nkind: Service\nmetadata: {id: payments-cache, team: payments}\n";
    for (rest, expected) in [
        // Ids, also while the line is all there is of it.
        ("catalogItem: ¦", vec!["network-private", "database-postgresql-standard"]),
        ("catalogItem: net¦work\n", vec!["network-private"]),
        ("catalogItem: \"¦", vec!["network-private"]),
        ("catalogBundle: ¦\n", vec!["bundle-webapp-standard"]),
        ("dependsOn: [¦\nfields: {}\n", vec!["payments-db"]),
        ("dependsOn:\n  - ¦\n", vec!["payments-db"]),
        ("state: ¦", vec!["active", "suspended"]),
        ("priority: ¦\n", vec!["critical", "background"]),
        // Keys that are not there yet.
        ("cat¦", vec!["catalogItem", "fields", "dependsOn"]),
        ("¦\ncatalogItem: network-private\n", vec!["fields", "version"]),
        // Fields of the form.
        ("catalogItem: network-private\nfields:\n  ¦", vec!["name", "size"]),
        ("catalogItem: network-private\nfields: {name: x, ¦}\n", vec!["size"]),
        ("catalogItem: network-private\nfields:\n  size: ¦\n", vec!["small", "medium"]),
        (
            "catalogItem: database-postgresql-standard\nfields:\n  highAvailability: ¦\n",
            vec!["true", "false"],
        ),
        (
            "catalogItem: database-postgresql-standard\nfields:\n  extensions: [pgvector, ¦",
            vec!["postgis"],
        ),
        ("catalogBundle: bundle-webapp-standard\nfields:\n  app¦\n", vec!["appName", "appSize"]),
        // Outputs of other services.
        ("catalogItem: network-private\nfields:\n  name: \"{{¦", vec!["services"]),
        (
            "catalogItem: network-private\nfields:\n  name: \"{{services.¦}}\"\n",
            vec!["payments-db"],
        ),
        (
            "catalogItem: network-private\nfields:\n  name: \"{{services.payments-db.¦}}\"\n",
            vec!["outputs"],
        ),
        (
            "catalogItem: network-private\nfields:\n  name: \"{{services.payments-db.outputs.¦}}\"\n",
            vec!["endpoint", "host"],
        ),
        ("# trueline: allow ¦", vec!["fields/missing", "yaml/syntax"]),
    ] {
        let words = client.typed(SERVICE, &format!("{head}{rest}"));
        for word in expected {
            assert!(words.iter().any(|found| found == word), "{rest}: {word} in {words:?}");
        }
    }
    let none = client
        .typed(SERVICE, &format!("{head}catalogItem: network-private\nfields: {{name: x, ¦}}\n"));
    assert!(!none.contains(&"name".to_owned()), "{none:?}");
    let head = "schemaVersion: catalog/v1\nkind: Service\nmetadata:\n";
    let keys = client.typed(SERVICE, &format!("{head}  ¦\n"));
    assert_eq!(&keys[..2], ["id", "team"], "required ones come first");
    assert_eq!(
        client
            .typed(SERVICE, &format!("{head}  team: ¦"))
            .iter()
            .filter(|team| *team == "payments")
            .count(),
        1
    );
    assert!(
        client
            .typed(SERVICE, &format!("{head}  environment: p¦\n"))
            .contains(&"production".to_owned())
    );
    assert_eq!(client.typed(SERVICE, "kind: Service # ¦"), [""; 0]);
}

#[test]
fn what_is_chosen_fits_where_it_is_put() {
    let mut client = Client::start();
    let marked = service("  name: payments-cache\n").replace("network-private", "net¦wrk");
    let (text, line, character) = cursor(&marked);
    client.open(SERVICE, &text);
    let words = client.complete(SERVICE, line, character);
    let word = words.iter().find(|word| word["label"] == "network-private").unwrap();
    assert_eq!(word["detail"], "Private network 1.2.0");
    assert!(word["documentation"]["value"].as_str().unwrap().contains("owner: "), "{word}");
    assert_eq!(word["textEdit"]["range"]["start"], json!({"line": 6, "character": 13}));
    assert_eq!(word["textEdit"]["range"]["end"], json!({"line": 6, "character": 19}));
    client.edit(
        SERVICE,
        json!([{"range": word["textEdit"]["range"], "text": word["textEdit"]["newText"]}]),
    );
    assert_eq!(client.settled(SERVICE), [""; 0]);
    // A text that would be read as a number comes with its quotes.
    let marked = "schemaVersion: catalog/v1\nkind: Service\ncatalogItem: database-postgresql-standard\nfields:\n  engineVersion: ¦\n";
    let (text, line, character) = cursor(marked);
    client.change(SERVICE, &text);
    let words = client.complete(SERVICE, line, character);
    let word = words.iter().find(|word| word["label"] == "16").unwrap();
    assert_eq!(
        (&word["textEdit"]["newText"], &word["detail"]),
        (&json!("'16'"), &json!("PostgreSQL 16 (recommended)"))
    );
}

#[test]
fn items_bundles_environments_and_settings_are_completed() {
    let mut client = Client::start();
    let item = "kind: CatalogItem\nmetadata:\n  id: network-private\n  constants: {port: 1}\npresentation:\n  form:\n    groups:\n      - id: g\n        fields:\n          - {id: name, name: Name, type: string}\n          - id: size\n            type: ¦T\nfulfillment:\n  strategy: {mode: automatic}\n  automatic:\n    actions:\n      - id: make\n        type: rest-api\n        config:\n          endpoint:\n            url: \"https://x/{{¦U\"\n        outputs: {url: /u}\n      - id: note\n        type: ¦K\n        dependsOn: [¦D]\n        config:\n          ¦C\n      - id: last\n        type: notify\n        config: {message: \"{{outputs.¦O}}\", subject: \"{{outputs.make.¦P}}\"}\noutputs:\n  url: {value: \"{{outputs.make.¦Q}}\"}\n";
    let at = |place: &str| {
        let mut text = item.replace(&format!("¦{place}"), "\u{1}");
        for other in ["T", "U", "K", "D", "C", "O", "P", "Q"] {
            text = text.replace(&format!("¦{other}"), "");
        }
        text.replace('\u{1}', "¦")
    };
    client.open(ITEM, "");
    for (place, expected) in [
        ("T", vec!["string", "password"]),
        (
            "U",
            vec![
                "fields",
                "metadata",
                "service",
                "request",
                "system",
                "environment",
                "secrets",
                "outputs",
                "upper",
                "json",
            ],
        ),
        ("K", vec!["rest-api", "manual-task"]),
        ("D", vec!["make", "last"]),
        ("C", vec![]),
        ("O", vec!["make", "note"]),
        ("P", vec!["url"]),
        ("Q", vec!["url"]),
    ] {
        let words = client.typed(ITEM, &at(place));
        for word in expected {
            assert!(words.iter().any(|found| found == word), "{place}: {word} in {words:?}");
        }
    }
    let endpoint = at("C").replace("type: \n", "type: git-commit\n");
    assert!(client.typed(ITEM, &endpoint).contains(&"repository".to_owned()));
    let fields = at("U").replace("{{¦", "{{fields.¦");
    assert_eq!(client.typed(ITEM, &fields), ["name", "size"]);
    assert!(
        client.typed(ITEM, &at("U").replace("{{¦", "{{metadata.¦")).contains(&"port".to_owned())
    );
    assert!(
        client.typed(ITEM, &at("U").replace("{{¦", "{{system.¦")).contains(&"shortId".to_owned())
    );
    assert!(!client.typed(ITEM, &at("U").replace("{{¦", "{{environment.¦")).is_empty());

    let good = client.disk(ITEM);
    client.change(ITEM, &good);
    client.open(BUNDLE, "");
    let bundle = "kind: CatalogBundle\npresentation: {form: {groups: [{id: g, fields: [{id: appName, type: string}]}]}}\ncomponents:\n  - id: net\n    catalogItem: network-private\n  - id: db\n    catalogItem: ¦I\n    dependsOn: [¦D]\n    config:\n      name: \"{{¦V\"\n      ¦F\n  - id: other\n    catalogItem: network-private\n    outputs: [¦O]\n  - ¦N\n";
    for (place, put, expected) in [
        ("I", "", vec!["network-private"]),
        ("D", "", vec!["net"]),
        ("V", "", vec!["fields", "components", "services"]),
        ("V", "fields.", vec!["appName"]),
        ("V", "components.", vec!["net"]),
        ("V", "components.net.outputs.", vec!["cidr", "networkId"]),
        ("F", "", vec!["instanceClass"]),
        ("N", "", vec!["catalogItem", "dependsOn"]),
        ("O", "", vec!["cidr", "networkId"]),
    ] {
        let mut text = bundle.replace(&format!("¦{place}"), &format!("{put}\u{1}"));
        text = text.replace("¦I", "database-postgresql-standard");
        for other in ["D", "V", "F", "O", "N"] {
            text = text.replace(&format!("¦{other}"), "");
        }
        let words = client.typed(BUNDLE, &text.replace('\u{1}', "¦"));
        for word in expected {
            assert!(words.iter().any(|found| found == word), "{place}: {word} in {words:?}");
        }
    }

    for (path, text, expected) in [
        ("trueline.yaml", "kind: Catalog\nvalidation:\n  rules:\n    ¦", "fields/missing"),
        ("trueline.yaml", "kind: Catalog\nvalidation:\n  rules: {form/pattern: ¦}", "off"),
        ("environments/staging.yaml", "kind: Environment\ndefaults:\n  ¦", "network-private"),
        (
            "environments/staging.yaml",
            "kind: Environment\ndefaults:\n  network-private:\n    ¦",
            "size",
        ),
        ("environments/staging.yaml", "kind: Environment\n¦", "changeWindows"),
    ] {
        client.open(path, "");
        let words = client.typed(path, text);
        assert!(words.iter().any(|found| found == expected), "{text}: {words:?}");
    }
}

#[test]
fn what_the_pointer_is_on_is_explained() {
    let mut client = Client::start();
    let text =
        service("  name: payments-cache\n  size: small # trueline: allow fields/unknown because\n")
            + "priority: high\n# trueline: allow fields/missing it is so\n";
    client.open(SERVICE, &text);
    let database = client.disk(DATABASE);
    client.open(DATABASE, &database);
    for (path, text, needle, expected) in [
        (SERVICE, &text, "metad¦ata:", "Who and where the service is."),
        (SERVICE, &text, "network-pri¦vate", "**Private network** 1.2.0"),
        (SERVICE, &text, "team: pay¦ments", "**payments**"),
        (SERVICE, &text, "environment: stag¦ing", "**staging**"),
        (SERVICE, &text, "  si¦ze", "one of `small`"),
        (SERVICE, &text, "size: sm¦all", "one of `small`"),
        (SERVICE, &text, "prio¦rity", "allowed: `critical`"),
        (SERVICE, &text, "allow fields/miss¦ing", "How to mend it"),
        (DATABASE, &database, "on¦Failure:", "What follows the last retry"),
        (DATABASE, &database, "{{fields.na¦me", "Instance name"),
        (DATABASE, &database, "ow¦ner:", "The team that answers for it."),
    ] {
        let (line, column) = find(text, needle);
        let said = client.hover(path, line, column);
        assert!(said.contains(expected), "{needle}: {said}");
    }
    assert_eq!(client.hover(SERVICE, 99, 0), "nothing");
}

#[test]
fn definitions_are_found() {
    let mut client = Client::start();
    let service = service("  name: \"{{services.payments-db.outputs.endpoint}}\"\n")
        + "dependsOn: [payments-db]\n";
    let texts: Vec<(&str, String)> =
        vec![(SERVICE, service), (BUNDLE, client.disk(BUNDLE)), (DATABASE, client.disk(DATABASE))];
    for (path, text) in &texts {
        client.open(path, text);
    }
    for (path, needle, target, expected) in [
        (SERVICE, "network-pri¦vate", ITEM, "id: ¦network-private"),
        (
            SERVICE,
            "dependsOn: [pay¦ments-db",
            "services/payments/payments-db.yaml",
            "id: ¦payments-db",
        ),
        (
            SERVICE,
            "services.pay¦ments-db",
            "services/payments/payments-db.yaml",
            "id: ¦payments-db",
        ),
        (SERVICE, "outputs.end¦point", DATABASE, "outputs:\n¦  endpoint"),
        (SERVICE, "environment: sta¦ging", "environments/staging.yaml", "id: ¦staging"),
        (SERVICE, "team: pay¦ments", "trueline.yaml", "¦payments:"),
        (SERVICE, "  na¦me:", ITEM, "- id: ¦name"),
        (BUNDLE, "database-postgresql-sta¦ndard", DATABASE, "id: ¦database-postgresql-standard"),
        (BUNDLE, "dependsOn: [net¦work]", BUNDLE, "- id: ¦network"),
        (BUNDLE, "components.net¦work.outputs.networkId", BUNDLE, "- id: ¦network"),
        (BUNDLE, "components.network.outputs.ci¦dr", ITEM, "¦cidr:"),
        (BUNDLE, "{{fields.app¦Name}}-network", BUNDLE, "- id: ¦appName"),
        (BUNDLE, "outputs: [network¦Id", ITEM, "¦networkId:"),
        (DATABASE, "{{fields.na¦me", DATABASE, "- id: ¦name"),
    ] {
        let (_, text) = texts.iter().find(|(known, _)| *known == path).unwrap();
        let (line, column) = find(text, needle);
        let found = client.definition(path, line, column);
        let there = texts.iter().find(|(known, _)| *known == target);
        let there = there.map_or_else(|| client.disk(target), |(_, text)| text.clone());
        // Outputs are named like other keys: the last of that name is meant.
        let plain = expected.replacen('¦', "", 1);
        let at = match expected {
            "outputs:\n¦  endpoint" => there.rfind("  endpoint:").unwrap() + 2,
            _ if expected.ends_with(':') => {
                there.rfind(&plain).unwrap() + expected.find('¦').unwrap()
            }
            _ => there.find(&plain).unwrap() + expected.find('¦').unwrap(),
        };
        let before = &there[..at];
        let place = format!(
            "{target}:{}:{}",
            before.matches('\n').count() + 1,
            before.rsplit('\n').next().unwrap().chars().count() + 1
        );
        assert_eq!(found, [place], "{needle}");
    }
    assert_eq!(client.definition(SERVICE, 0, 0), [""; 0]);
}

#[test]
fn fixes_and_symbols_are_asked_for() {
    let mut client = Client::start();
    client.open(SERVICE, &service("  name: payments-cache\n"));
    let uri = client.uri(SERVICE);
    let range = json!({"start": {"line": 0, "character": 0}, "end": {"line": 9, "character": 0}});
    let params =
        json!({"textDocument": {"uri": uri}, "range": range, "context": {"diagnostics": []}});
    assert_eq!(client.ask("textDocument/codeAction", params)["result"], json!([]));
    let symbols = client.ask("textDocument/documentSymbol", json!({"textDocument": {"uri": uri}}));
    let names: Vec<&Value> =
        symbols["result"].as_array().unwrap().iter().map(|symbol| &symbol["name"]).collect();
    assert_eq!(names, ["schemaVersion", "kind", "metadata", "catalogItem", "fields"]);
}
