//! The starter library of `catalog-example`: each item is asked for as its page shows, fulfilled by its counterpart,
//! changed, and removed.

use serde_json::Value;

use crate::library_aws::CANARY;
use crate::library_world::{Library, examples, shipped_file};
use crate::terraform::is_missing;
use crate::world::{World, has};

const LIMITS: &str = "/staging/payments/checkout-limits";
const KEY: &str = "staging/payments/payment-provider-key";

#[test]
fn it_is_valid_and_all_of_it_is_planned() {
    let library = Library::new();
    let all = examples();
    assert_eq!(all.len(), 11, "the page shows a service of each");
    let files: Vec<(&str, &str)> = all.iter().map(|(path, text)| (&**path, &**text)).collect();
    library.world.commit(&files);
    let said = library.world.trueline(&["validate", "--catalog", "work"]);
    assert!(said.status.success() && !said.all().contains("warning"), "{}", said.all());
    let plan = library.world.json(&["plan", "--catalog", "work"]);
    assert_eq!(plan["changes"].as_array().unwrap().len(), all.len(), "{plan:#}");
    assert!(!has(&plan["blocked"]), "{plan:#}");
    let shown = library.world.ok(&["plan", "--catalog", "work"]);
    assert!(!shown.contains(CANARY), "{shown}");

    // One word gives each of them to people.
    let flipped = by_hand(&library);
    assert!(flipped >= 9, "{flipped}");
    let said = library.world.trueline(&["validate", "--catalog", "work"]);
    assert!(said.status.success() && !said.all().contains("warning"), "{}", said.all());
    let plan = library.world.ok(&["plan", "--catalog", "work"]);
    for action in ["rest-api", "terraform", "github-workflow", "git-commit"] {
        assert!(!plan.contains(action), "{action} in {plan}");
    }
}

/// Has people do what machines did; returns how many items there were.
fn by_hand(library: &Library) -> usize {
    let mut flipped = 0;
    for category in std::fs::read_dir(library.world.path("work/catalog")).unwrap() {
        for item in std::fs::read_dir(category.unwrap().path()).unwrap() {
            let path = item.unwrap().path();
            let text = std::fs::read_to_string(&path).unwrap();
            flipped += usize::from(text.contains("mode: automatic"));
            std::fs::write(path, text.replace("mode: automatic", "mode: manual")).unwrap();
        }
    }
    flipped
}

#[test]
fn a_parameter_and_a_secret() {
    let library = Library::new();
    library.ask(&["checkout-limits", "provider-key"]);
    let daemon = library.world.serve();
    library.approved_and_settled();
    assert_eq!(library.aws.parameter(LIMITS).as_deref(), Some(r#"{"perMinute": 60}"#));
    let secret = library.aws.state().secrets[KEY].clone();
    assert_eq!(secret["SecretString"], CANARY);
    assert!(library.shown("checkout-limits").contains(LIMITS));
    assert!(library.shown("provider-key").contains("arn:aws:secretsmanager"));

    // Changed and taken away by hand: both are put right.
    library.aws.state().parameters.get_mut(LIMITS).unwrap()["Value"] = "9".into();
    library.world.eventually("the parameter to be put right", |_| {
        library.aws.parameter(LIMITS).as_deref() == Some(r#"{"perMinute": 60}"#)
    });
    library.aws.state().parameters.clear();
    library
        .world
        .eventually("the parameter to be back", |_| library.aws.parameter(LIMITS).is_some());

    // Of a secret, what may be read is looked at; it is reported.
    library.aws.state().secrets.get_mut(KEY).unwrap()["Description"] = "by hand".into();
    library.world.eventually("the drift to be seen", |world| {
        world.plan()["drifted"].to_string().contains("provider-key")
    });

    library.change("checkout-limits", "60", "90");
    library.change("provider-key", "Signs requests", "Signs all requests");
    library.approved_and_settled();
    assert_eq!(library.aws.parameter(LIMITS).as_deref(), Some(r#"{"perMinute": 90}"#));
    let changed = library.aws.state().secrets[KEY].clone();
    assert_eq!((&changed["SecretString"], &changed["SecretId"]), (&CANARY.into(), &KEY.into()));
    assert!(changed["Description"].as_str().unwrap().starts_with("Signs all"), "{changed}");
    assert_ne!(changed["ClientRequestToken"], secret["ClientRequestToken"], "another version");

    library.remove(&["checkout-limits", "provider-key"]);
    library.world.settled();
    assert_eq!(library.aws.parameter(LIMITS), None);
    assert!(!library.aws.state().secrets[KEY]["DeletionDate"].is_null());
    drop(daemon);
    for file in [".trueline/trueline.db", "serve.log"] {
        let bytes = std::fs::read(library.world.path(file)).unwrap();
        assert!(!bytes.windows(CANARY.len()).any(|part| part == CANARY.as_bytes()), "in {file}");
    }
    library.world.audit_is_whole();
}

#[test]
fn a_dns_record() {
    let library = Library::new();
    library.ask(&["shop-name"]);
    let _daemon = library.world.serve();
    library.approved_and_settled();
    let is = |content: &str, ttl: u64| {
        library.dns.record("shop", "A") == Some((content.to_owned(), ttl))
    };
    assert!(is("203.0.113.20", 300), "{:?}", library.dns.record("shop", "A"));
    assert!(library.shown("shop-name").contains("shop.staging.acme.example"));
    for tampered in [Some("198.51.100.7"), None] {
        library.dns.tamper("shop", "A", tampered);
        library.world.eventually("the record to be put right", |_| is("203.0.113.20", 300));
    }
    library.world.settled();
    library.change("shop-name", "203.0.113.20\n  ttl: 300", "203.0.113.21\n  ttl: 60");
    library.world.eventually("the change", |_| is("203.0.113.21", 60));
    library.world.settled();
    library.remove(&["shop-name"]);
    library.world.settled();
    assert_eq!(library.dns.record("shop", "A"), None);
}

/// Waits for a pull request and merges it.
fn merged(library: &Library, number: u64) {
    library.world.eventually("the pull request", |_| {
        library.github.pulls("acme/shop") == usize::try_from(number).unwrap()
    });
    library.github.merge("acme/shop", number);
    library.world.settled();
}

#[test]
fn a_repository_with_ci() {
    let library = Library::new();
    library.ask(&["shop-repository"]);
    let _daemon = library.world.serve();
    library.world.approve_plan();
    merged(&library, 1);
    let read =
        |file: &str| library.github.git("acme/shop", &["show", &format!("main:.github/{file}")]);
    let ci = read("workflows/ci.yml");
    assert!(ci.contains("uses: acme/ci/.github/workflows/node.yml@v1"), "{ci}");
    assert!(ci.contains("container: true\n      registry: \"ghcr.io\""), "{ci}");
    assert!(ci.contains("group: \"ci-${{ github.ref }}\""), "{ci}");
    assert!(read("dependabot.yml").contains("package-ecosystem: npm"));
    assert!(library.shown("shop-repository").contains("/acme/shop/pull/1"));

    library.change("shop-repository", "stack: node", "stack: rust\n  container: false");
    merged(&library, 2);
    let ci = read("workflows/ci.yml");
    assert!(ci.contains("rust.yml@v1") && ci.ends_with("container: false"), "{ci}");

    library.remove(&["shop-repository"]);
    merged(&library, 3);
    let left = library.github.git("acme/shop", &["ls-tree", "-r", "--name-only", "main"]);
    assert_eq!(left, "README.md");
}

#[test]
fn a_dashboard_and_alerts() {
    let library = Library::new();
    let world = &library.world;
    library.ask(&["shop-dashboard", "shop-alerts"]);
    let _daemon = world.serve();
    library.approved_and_settled();
    let (board, rules) =
        ("dashboards/storefront/shop-overview.json", "rules/storefront/shop-alerts.yaml");
    let dashboard: Value = serde_json::from_str(&world.target_file(board).unwrap()).unwrap();
    assert_eq!(
        (&dashboard["title"], &dashboard["refresh"]),
        (&"Shop \"staging\"".into(), &"1m".into())
    );
    let query = dashboard["panels"][0]["targets"][0]["expr"].as_str().unwrap();
    assert!(query.contains(r#"{job="storefront/shop"}"#), "{query}");
    let alerts = world.target_file(rules).unwrap();
    assert!(
        alerts.contains("severity: page") && alerts.contains("https://wiki.acme.example/shop"),
        "{alerts}"
    );

    // Changed by hand: it is put right.
    world.git(&["clone", "-q", "target.git", "by-hand"]);
    std::fs::write(world.path("by-hand").join(rules), "groups: []\n").unwrap();
    world.git(&["-C", "by-hand", "commit", "-q", "-am", "by hand"]);
    world.git(&["-C", "by-hand", "push", "-q", "origin", "main"]);
    world.eventually("the rules to be put right", |world| {
        world.target_file(rules).as_ref() == Some(&alerts)
    });
    world.settled();

    library.change(
        "shop-alerts",
        "severity: page\n  runbook: https://wiki.acme.example/shop",
        "severity: ticket",
    );
    library.approved_and_settled();
    let alerts = world.target_file(rules).unwrap();
    assert!(alerts.contains("severity: ticket") && !alerts.contains("runbook_url"), "{alerts}");

    library.remove(&["shop-dashboard", "shop-alerts"]);
    world.settled();
    assert_eq!((world.target_file(board), world.target_file(rules)), (None, None));
}

/// Names of the inputs that a shipped workflow declares.
fn declared(workflow: &str) -> Vec<String> {
    let text = shipped_file(&format!("workflows/{workflow}"));
    let inputs = text.split("    inputs:\n").nth(1).unwrap();
    let lines = inputs.lines().take_while(|line| line.starts_with("      "));
    lines.map(|line| line.trim().split(':').next().unwrap().to_owned()).collect()
}

/// Lets the workflows take the inputs that the shipped ones declare, and no others.
fn as_shipped(library: &Library, workflow: &str) {
    library.github.state().declared = Some(declared(workflow));
}

#[test]
fn a_container_application() {
    let library = Library::new();
    as_shipped(&library, "deploy-app.yml");
    library.ask(&["checkout-api"]);
    let _daemon = library.world.serve();
    library.world.approve_plan();
    let inputs = library.end_workflow("deploy-app.yml", 1);
    assert_eq!(
        inputs.as_object().unwrap().len(),
        declared("deploy-app.yml").len(),
        "all are given"
    );
    assert_eq!(
        (&inputs["image"], &inputs["replicas"]),
        (&"ghcr.io/acme/checkout:1.4.0".into(), &"2".into())
    );
    library.world.settled();
    let shown = library.shown("checkout-api");
    assert!(
        shown.contains("http://checkout.payments.svc") && shown.contains("ingress.internal"),
        "{shown}"
    );

    library.change("checkout-api", "1.4.0", "1.5.0");
    assert_eq!(library.end_workflow("deploy-app.yml", 2)["image"], "ghcr.io/acme/checkout:1.5.0");
    library.world.settled();

    as_shipped(&library, "remove-app.yml");
    library.remove(&["checkout-api"]);
    let inputs = library.end_workflow("remove-app.yml", 1);
    assert_eq!((&inputs["name"], &inputs["team"]), (&"checkout-api".into(), &"payments".into()));
    library.world.settled();
}

#[test]
fn a_database_and_a_bucket() {
    if is_missing() {
        return;
    }
    let library = Library::new();
    library.ask(&["checkout-db", "checkout-receipts"]);
    let _daemon = library.world.serve();
    library.world.eventually("both forecasts", |world| {
        world.ok(&["plan"]).matches("terraform: 1 to add, 0 to change, 0 to destroy").count() == 2
    });
    assert_eq!(library.book(), Vec::<String>::new(), "nothing is made before it is approved");
    library.approved_and_settled();
    let mut made = library.book();
    made.sort();
    assert_eq!(made, ["terraform made acme-checkout-receipts", "terraform made checkout-db"]);
    assert!(library.shown("checkout-db").contains("checkout-db.db.internal:5432"));
    assert!(library.shown("checkout-receipts").contains("arn:aws:s3:::acme-checkout-receipts"));

    library.change("checkout-db", "storage: 20", "storage: 40");
    library.change("checkout-receipts", "expires: true\n  expireDays: 90", "expires: false");
    library.approved_and_settled();
    assert_eq!(library.book().len(), 2, "changed in place");

    library.remove(&["checkout-db", "checkout-receipts"]);
    library.world.settled();
    let mut destroyed = library.book().split_off(2);
    destroyed.sort();
    assert_eq!(
        destroyed,
        ["terraform destroyed acme-checkout-receipts", "terraform destroyed checkout-db"]
    );
}

/// Waits for the one open task, whose title begins so, and completes it.
fn done(world: &World, title: &str, outputs: &[&str]) -> String {
    let mut task = Value::Null;
    world.eventually(&format!("the task {title}"), |world| {
        task = world.json(&["task", "list"])["items"][0].clone();
        task["title"].as_str().is_some_and(|it| it.starts_with(title))
    });
    let number = task["number"].to_string();
    let shown = task["instructions"].as_str().unwrap().to_owned();
    let outputs = outputs.iter().flat_map(|output| ["--output", output]);
    let arguments: Vec<&str> = ["task", "complete", &number].into_iter().chain(outputs).collect();
    world.ok(&arguments);
    shown
}

#[test]
fn a_person_comes_aboard() {
    let library = Library::new();
    let world = &library.world;
    library.ask(&["ada-lovelace"]);
    let _daemon = world.serve();
    world.approve_plan();
    let told = done(world, "create accounts of Ada Lovelace", &["account=ada"]);
    assert!(told.contains("+49 30 5550100"), "{told}");
    let told = done(world, "Welcome Ada Lovelace on 2027-02-01", &[]);
    assert!(told.contains("whose account is ada"), "{told}");
    world.settled();
    assert!(library.shown("ada-lovelace").contains("\"ada\""));

    library.change("ada-lovelace", "2027-02-01", "2027-03-01");
    done(world, "update accounts of Ada Lovelace", &["account=ada"]);
    done(world, "Welcome Ada Lovelace on 2027-03-01", &[]);
    world.settled();

    library.remove(&["ada-lovelace"]);
    world.eventually("all to be taken back by people", |world| {
        let task = world.json(&["task", "list"])["items"][0]["number"].as_u64();
        if let Some(number) = task {
            world.trueline(&["task", "complete", &number.to_string()]);
        }
        world.is_settled()
    });
}

#[test]
fn a_web_application_from_its_database_to_its_name() {
    if is_missing() {
        return;
    }
    let library = Library::new();
    library.ask(&["orders-stack"]);
    let _daemon = library.world.serve();
    library
        .world
        .eventually("the forecast", |world| world.ok(&["plan"]).contains("terraform: 1 to add"));
    library.world.approve_plan();
    // Each is made of what the one before it offers.
    let inputs = library.end_workflow("deploy-app.yml", 1);
    let parameter = "/staging/payments/orders-settings";
    assert_eq!((&inputs["parameter"], &inputs["name"]), (&parameter.into(), &"orders-app".into()));
    let value = library.aws.parameter(parameter).unwrap();
    assert_eq!(
        value,
        "postgresql://orders-db.db.internal:5432/app?password-secret=arn:aws:secretsmanager:orders-db"
    );
    assert_eq!(
        library.dns.record("orders", "CNAME"),
        None,
        "before the application says where it is"
    );
    library.world.settled();
    assert_eq!(library.dns.record("orders", "CNAME"), Some(("ingress.internal.".to_owned(), 300)));
    let made = [
        "terraform made orders-db",
        "aws PutParameter /staging/payments/orders-settings",
        "dns REPLACE orders.staging.acme.example.",
    ];
    assert_eq!(library.book(), made);
    let shown = library.shown("orders-stack");
    assert!(shown.contains("orders.staging.acme.example"), "{shown}");

    // An update reaches the part that it is about, and no other.
    library.change("orders-stack", "1.4.0", "1.5.0");
    assert_eq!(library.end_workflow("deploy-app.yml", 2)["image"], "ghcr.io/acme/orders:1.5.0");
    library.world.settled();
    assert_eq!(library.book(), made);

    // What was made last goes first, and nothing goes before it.
    library.remove(&["orders-stack"]);
    library.world.eventually("the removal to be dispatched", |_| {
        library.github.state().runs.values().any(|run| run.workflow == "remove-app.yml")
    });
    assert_eq!(library.dns.record("orders", "CNAME"), None);
    assert!(library.aws.parameter(parameter).is_some(), "the application may still read it");
    library.end_workflow("remove-app.yml", 1);
    library.world.settled();
    let gone = [
        "dns DELETE orders.staging.acme.example.",
        "aws DeleteParameter /staging/payments/orders-settings",
        "terraform destroyed orders-db",
    ];
    assert_eq!(library.book()[3..], gone);
    library.world.audit_is_whole();
}
