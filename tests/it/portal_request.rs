//! Asking for services in the portal, as people do: from the form of a bundle to services that are there; by the keyboard alone; and
//! without scripts.

use serde_json::{Value, json};

use crate::browser::{Browser, ENTER, How};
use crate::kit::{bundle, licence_item};
use crate::visit::{WIDE, begun, follow, looked_at, serious, sign_in, site};
use crate::world::{World, has};

const SUITE: &str = "schemaVersion: catalog/v1
kind: CatalogBundle
metadata:
  id: suite
  name: A suite
  description: A base that makes itself, and seats that people order, asked for as one thing.
  version: 1.0.0
  owner: {team: platform, contact: platform@example.com}
components:
  - id: base
    catalogItem: part
    config: {name: \"{{fields.name}}-base\", size: \"{{fields.size}}\"}
    outputs: [endpoint]
  - id: seats
    catalogItem: licence
    dependsOn: [base]
    config: {size: \"{{fields.size}}\"}
    outputs: [contractNumber]
presentation:
  form:
    groups:
      - id: main
        name: The suite
        description: What it is called, and for how many it is.
        fields:
          - {id: name, name: Name, type: string, required: true, description: Small letters and hyphens., validation: {pattern: \"^[a-z-]+$\"}}
          - {id: size, name: Size, type: number, required: true, description: For how many people., validation: {min: 1, max: 50, step: 1}}
          - {id: plan, name: Plan, type: select, default: usual, enum: [{value: usual, label: The usual}, {value: premium, label: With support}]}
          - {id: support, name: Whom to call, type: email, required: true, conditional: {field: plan, operator: eq, value: premium}}
      - id: more
        name: More
        fields:
          - {id: tools, name: Tools, type: multiselect, enum: [chat, board, wiki]}
          - {id: certificate, name: Certificate, type: file, validation: {maxBytes: 4096}}
fulfillment:
  orchestration: {mode: sequential, errorHandling: stop}
";

/// A world that offers a bundle of which a part fulfils itself and people do the other.
fn world() -> World {
    let world = World::new();
    let (part, _) = bundle(world.counterpart.api, &["base"], &["network"]);
    world.commit(&[
        ("catalog/tests/part.yaml", &part),
        ("catalog/tests/licence.yaml", &licence_item()),
        ("bundles/suite.yaml", SUITE),
        (
            "environments/production.yaml",
            "schemaVersion: catalog/v1\nkind: Environment\nmetadata: {id: production, name: Production}\n",
        ),
    ]);
    world
}

const FORM: &str = "/catalog/bundles/suite/request";

/// Looks at the page that is open, which came of a form and can't be opened again.
fn looked_at_here(browser: &Browser, name: &str) {
    for theme in ["light", "dark"] {
        browser.run("document.documentElement.dataset.theme = arguments[0]", &[json!(theme)]);
        assert_eq!(serious(browser), Vec::<String>::new(), "{name} {theme}");
        browser.picture(&format!("{name}-{theme}"));
    }
    browser.narrow(400);
    let wide = browser.run("return document.documentElement.scrollWidth <= window.innerWidth", &[]);
    assert_eq!(wide, json!(true), "{name} is wider than a telephone");
    browser.picture(&format!("{name}-small"));
    browser.narrow(0);
    browser.run("document.documentElement.dataset.theme = 'light'", &[]);
}

/// Waits for the proposal of a request, and merges it.
fn merge(world: &World) {
    let mut number = Value::Null;
    world.eventually("the proposal", |world| {
        number = world.json(&["request", "list"])["items"][0]["proposal"].clone();
        number.is_u64()
    });
    world.ok(&["proposal", "merge", &number.to_string()]);
}

/// Opens the form once the catalog was read.
fn open_form(browser: &Browser) {
    browser.until("the form", || {
        browser.open(FORM);
        browser.shows("form.request")
    });
}

#[test]
fn a_person_requests_a_bundle_and_follows_it_until_it_is_there() {
    let Some((world, _daemon, browser)) = begun("ada", world, WIDE) else { return };
    open_form(&browser);
    browser.open("/catalog/bundles/suite");
    follow(&browser, "main p.actions a.button");
    looked_at(&browser, ("request-form", FORM));
    // What is not asked for is not shown; what is wrong is said while somebody types.
    assert!(!browser.shows("#field-support"));
    browser.click("input[name='field.plan'][value='premium']");
    browser.until("the field that this asks for", || browser.shows("#field-support"));
    browser.fill("#team", "alpha");
    browser.fill("#field-size", "90");
    browser.until("what is wrong", || browser.shows("[data-field=size] .wrong"));
    assert!(!browser.shows("[data-field=name] .wrong"), "nobody was there yet");
    looked_at_here(&browser, "request-form-wrong");
    browser.refill("#field-size", "5");
    browser.until("nothing wrong", || !browser.shows("[data-field=size] .wrong"));
    browser.fill("#field-name", "alpha-suite");
    browser.click("input[name='field.plan'][value='usual']");
    browser.click("input[name='field.tools'][value='wiki']");
    browser.until("all of it to fit", || browser.text().contains("All of it fits."));
    // The address keeps what was typed.
    browser.until("the draft", || {
        let place = browser.place();
        ["field.name=alpha-suite", "field.tools=wiki"].iter().all(|one| place.contains(one))
    });
    let draft = browser.place();
    browser.open(&draft);
    assert_eq!(browser.run("return document.querySelector('#field-size').value", &[]), json!("5"));
    follow_button(&browser, "button[value=review]", "Submit the request");
    assert!(browser.text().contains("services/alpha/alpha-suite.yaml"));
    looked_at_here(&browser, "request-review");
    follow_button(&browser, "button[name=view]", "One below the other");
    looked_at_here(&browser, "request-review-split");
    browser.fill("#reason", "The shop opens");
    browser.click("button[value=submit]");
    browser.until("the request", || browser.place().starts_with("/requests/q-"));
    let request = browser.place();
    browser.until("its proposal, without being loaded again", || {
        browser.text().contains("Its proposal waits for people")
    });
    looked_at(&browser, ("request", request.split('?').next().unwrap()));
    looked_at(&browser, ("requests", "/requests"));
    merge(&world);
    world.approve_plan();
    browser.open(&request);
    browser.until("its run", || browser.shows("dl.facts a[href^='/runs/']"));
    follow(&browser, "dl.facts a[href^='/runs/']");
    let run = browser.place();
    browser.until("a step to wait for a person", || {
        browser.text().contains("It waits for people or other sides")
            || browser.text().contains("task")
    });
    let hands = Browser::start(&site(&world), WIDE);
    sign_in(&hands, "/inbox");
    hands.until("the task", || {
        hands.open("/inbox");
        hands.text().contains("alpha-suite")
    });
    follow(&hands, "section[aria-labelledby=tasks] tbody th a");
    hands.fill("input[name='output-contractNumber']", "NW-8");
    hands.click("form[action$='/complete'] button");
    hands.until("it to be said", || hands.text().contains("The task is done"));
    browser.until("the run to be over without being loaded again", || {
        browser.place() == run && browser.text().contains("All steps are done")
    });
    world.settled();
    browser.open("/services/alpha-suite");
    assert!(browser.text().contains("NW-8"), "{}", browser.text());
    looked_at(&browser, ("service-bundle", "/services/alpha-suite"));
    browser.open(&request);
    browser.until("the end", || browser.text().contains("It is as asked for."));
    for (name, path) in [
        ("service-change", "/services/alpha-suite/change"),
        ("service-suspend", "/services/alpha-suite/wish/suspend"),
        ("service-expire", "/services/alpha-suite/wish/expire"),
        ("service-delete", "/services/alpha-suite/wish/delete"),
    ] {
        looked_at(&browser, (name, path));
    }
    assert!(world.resource("alpha-suite-base-network").is_some());
    world.audit_is_whole();
}

/// Presses a button of a form that leads to a page of the same address.
fn follow_button(browser: &Browser, css: &str, text: &str) {
    browser.click(css);
    browser.until(text, || browser.text().contains(text));
}

/// Types letter by letter, wherever the focus is.
fn types(browser: &Browser, text: &str) {
    let letters: Vec<String> = text.chars().map(|one| one.to_string()).collect();
    browser.press(&letters.iter().map(String::as_str).collect::<Vec<_>>());
}

#[test]
fn a_request_is_made_by_the_keyboard_alone() {
    let Some((world, _daemon, browser)) = begun("ada", world, WIDE) else { return };
    open_form(&browser);
    for (field, text) in
        [("#team", "alpha"), ("#field-name", "alpha-keys"), ("#field-size", "many")]
    {
        browser.tab_to(field);
        types(&browser, text);
    }
    browser.tab_to("input[name='field.tools'][value='board']");
    browser.press(&[" "]);
    browser.tab_to("button[value=review]");
    browser.press(&[ENTER]);
    // What is wrong is told first, and leads to its field.
    browser.until("what is wrong", || browser.text().contains("That does not fit yet."));
    assert_eq!(browser.run("return document.activeElement.id", &[]), json!("wrong"));
    browser.tab_to("#wrong a");
    browser.press(&[ENTER]);
    browser.until("the field", || browser.run("return location.hash", &[]) == json!("#field-size"));
    browser.tab_to("#field-size");
    browser.press(&["\u{e010}"]);
    browser.press(&["\u{e003}"; 6]);
    types(&browser, "7");
    browser.tab_to("button[value=review]");
    browser.press(&[ENTER]);
    browser.until("the review", || browser.text().contains("Submit the request"));
    browser.tab_to("#reason");
    types(&browser, "Keys");
    browser.tab_to("button[value=submit]");
    browser.press(&[ENTER]);
    browser.until("the request", || browser.place().starts_with("/requests/q-"));
    let asked = world.json(&["request", "list"]);
    assert_eq!(asked["items"][0]["service"], "alpha-keys", "{asked:#}");
}

#[test]
fn a_request_is_made_without_scripts() {
    let how = How { scripts: false, width: 500 };
    let Some((world, _daemon, browser)) = begun("ada", world, how) else { return };
    std::fs::write(world.path("ca.pem"), "-----BEGIN CERTIFICATE-----\n").unwrap();
    open_form(&browser);
    assert!(browser.text().contains("Only where Plan is With support."), "{}", browser.text());
    browser.narrow(400);
    browser.picture("small-request-form");
    browser.fill("#team", "alpha");
    browser.fill("#field-name", "Alpha Plain");
    browser.click("button[value=review]");
    browser.until("what is wrong", || browser.text().contains("That does not fit yet."));
    let (summed, beside) =
        (browser.shows("#wrong a[href='#field-size']"), browser.shows("[data-field=name] .wrong"));
    assert!(summed && beside, "{summed} {beside} {}", browser.text());
    browser.picture("small-request-form-wrong");
    browser.refill("#field-name", "alpha-plain");
    browser.fill("#field-size", "9");
    browser.fill("#field-certificate", world.path("ca.pem").to_str().unwrap());
    browser.click("button[value=draft]");
    browser.until("the link", || browser.text().contains("This address keeps what you filled in"));
    assert!(browser.place().contains("field.size=9"));
    browser.fill("#field-certificate", world.path("ca.pem").to_str().unwrap());
    browser.click("button[value=review]");
    browser.until("the review", || browser.text().contains("Submit the request"));
    assert!(browser.text().contains("files/alpha-plain/certificate-ca.pem"), "{}", browser.text());
    browser.picture("small-request-review");
    browser.click("button[value=edit]");
    browser.until("the form again", || browser.text().contains("Taken in: ca.pem"));
    browser.click("button[value=review]");
    browser.until("the review", || browser.text().contains("Submit the request"));
    browser.fill("#reason", "No scripts");
    browser.click("button[value=submit]");
    browser.until("the request", || browser.place().starts_with("/requests/q-"));
    browser.picture("small-request");
    merge(&world);
    let held = world.git(&["-C", "catalog.git", "ls-tree", "-r", "--name-only", "main"]);
    assert!(held.contains("services/alpha/files/alpha-plain/certificate-ca.pem"), "{held}");
    // The end of another is asked for, and called off.
    world.approve_plan();
    world.eventually("the service", |world| has(&world.json(&["service", "list"])["items"]));
    browser.open("/services/alpha-plain");
    follow(&browser, "a[href$='/wish/suspend']");
    browser.fill("#reason", "a test");
    browser.click("button[value=submit]");
    browser.until("the request", || browser.place().starts_with("/requests/q-"));
    follow(&browser, "a[href$='/abort']");
    browser.fill("#reason", "a mistake");
    browser.click("main form button[type=submit]");
    browser.until("it to be called off", || {
        browser.open("/requests?state=aborted");
        browser.text().contains("alpha-plain")
    });
}
