//! The portal as people use it: a real browser, beside a running daemon. Each page is looked at light and dark by axe, and
//! kept as a picture in `target/screenshots/`.

use serde_json::json;

use crate::browser::{Browser, ENTER, How};
use crate::kit::{Order, chain_item, licence_item, place, service, service_of};
use crate::visit::{WIDE, begun, follow, looked_at, sign_in, site};
use crate::world::World;

/// A world with a service that people fulfil and one that fulfils itself, and a document that is wrong.
fn world() -> World {
    let world = World::new();
    let api = world.counterpart.api;
    world.commit(&[
        ("catalog/tests/licence.yaml", &licence_item()),
        ("catalog/tests/chain.yaml", &chain_item(api, &["network", "database"], Order::Sequential)),
        (&place("alpha-seats"), &service_of("licence", "alpha-seats", 5)),
        (&place("alpha-db"), &service("alpha-db", 3)),
    ]);
    world
}

#[test]
fn a_person_goes_from_the_first_start_to_a_service_that_is_there() {
    let Some((world, _daemon, browser)) = begun("ada", world, WIDE) else { return };
    // The plan waits for its first approval, of a digest.
    browser.until("the plan", || {
        browser.open("/plan");
        browser.text().contains("Approve all of it")
    });
    looked_at(&browser, ("plan", "/plan"));
    follow(&browser, "tbody tr:first-child th a");
    let change = browser.place();
    looked_at(&browser, ("change", &change));
    browser.open("/plan");
    follow(&browser, "main p.actions a.button");
    follow(&browser, "main form button[type=submit]");
    // The run waits for a task, and is followed live.
    browser.until("a task", || {
        browser.open("/inbox");
        browser.text().contains("alpha-seats")
    });
    looked_at(&browser, ("inbox", "/inbox"));
    follow(&browser, "section[aria-labelledby=tasks] tbody th a");
    let task = browser.place();
    looked_at(&browser, ("task", &task));
    follow(&browser, "main p.lead a[href^='/runs/']");
    let run = browser.place();
    looked_at(&browser, ("run-waiting", &run));
    // Somebody else completes it while the page stands open.
    let live = Browser::start(&site(&world), WIDE);
    sign_in(&live, &run);
    browser.open(&task);
    browser.fill("input[name='output-contractNumber']", "NW-8");
    browser.click("form[action$='/complete'] button");
    browser.until("it to be said", || browser.text().contains("The task is done"));
    live.until("the run to be over without being loaded again", || {
        live.text().contains("All steps are done")
    });
    assert_eq!(live.complaints(), Vec::<String>::new());
    world.settled();
    looked_at(&browser, ("run", &run));
    looked_at(&browser, ("service", "/services/alpha-seats"));
    assert!(browser.text().contains("NW-8"));
    for (name, path) in [
        ("overview", "/"),
        ("services", "/services"),
        ("runs", "/runs"),
        ("catalog", "/catalog"),
        ("item", "/catalog/items/chain"),
        ("findings", "/findings"),
        ("drift", "/drift"),
        ("audit", "/audit"),
        ("audit-verify", "/audit/verify"),
        ("health", "/status"),
        ("settings", "/settings"),
        ("users", "/settings/users"),
        ("user", "/settings/users/ada"),
        ("approvals", "/approvals"),
        ("tasks", "/tasks"),
        ("hold", "/services/alpha-db/hold"),
        ("missing", "/services/none"),
    ] {
        looked_at(&browser, (name, path));
    }
    world.audit_is_whole();
}

#[test]
fn the_keyboard_leads_everywhere() {
    let Some((_world, _daemon, browser)) = begun("ada", world, WIDE) else { return };
    browser.open("/");
    browser.tab_to("a.skip");
    browser.press(&[ENTER]);
    browser.until("the content", || {
        browser.run("return document.activeElement.id", &[]) == json!("content")
    });
    for (keys, path) in [
        (["g", "s"], "/services"),
        (["g", "r"], "/runs"),
        (["g", "i"], "/inbox"),
        (["g", "p"], "/plan"),
    ] {
        browser.press(&keys);
        browser.until(path, || browser.place() == path);
    }
    browser.press(&["?"]);
    browser.sees("the keys", "dialog[open]");
    browser.press(&["\u{e00c}"]);
    browser.until("no dialog", || {
        browser.run("return !document.querySelector('dialog[open]')", &[]) == json!(true)
    });
    browser.press(&["/"]);
    browser.until("the search", || {
        browser.run("return document.activeElement.id", &[]) == json!("search")
    });
    let word: Vec<String> = "seats".chars().map(|one| one.to_string()).collect();
    browser.press(&word.iter().map(String::as_str).collect::<Vec<_>>());
    browser.press(&[ENTER]);
    browser.until("what was searched for", || browser.place() == "/services?q=seats");
    // A plan is approved without a mouse.
    browser.until("the plan", || {
        browser.open("/plan");
        browser.text().contains("Approve all of it")
    });
    browser.tab_to("main p.actions a.button");
    browser.press(&[ENTER]);
    browser.until("the question", || browser.place().ends_with("/approve"));
    browser.tab_to("main form button[type=submit]");
    browser.press(&[ENTER]);
    browser.until("it to be said", || browser.text().contains("Your approval was recorded."));
}

#[test]
fn without_scripts_and_on_a_small_screen_all_is_there() {
    let how = How { scripts: false, width: 500 };
    let Some((world, _daemon, browser)) = begun("ada", world, how) else { return };
    world.approve_plan();
    for (name, path) in [
        ("overview", "/"),
        ("services", "/services"),
        ("plan", "/plan"),
        ("catalog", "/catalog"),
        ("item", "/catalog/items/chain"),
        ("settings", "/settings"),
    ] {
        browser.open(path);
        browser.sees("the page", "h1");
        browser.picture(&format!("small-{name}"));
    }
    browser.until("a task", || {
        browser.open("/inbox");
        browser.text().contains("alpha-seats")
    });
    follow(&browser, "section[aria-labelledby=tasks] tbody th a");
    browser.picture("small-task");
    browser.fill("input[name='output-contractNumber']", "NW-9");
    browser.click("form[action$='/complete'] button");
    browser.until("it to be said", || browser.text().contains("The task is done"));
    world.settled();
    // A service is held and released.
    for (word, state) in [("hold", "Release…"), ("release", "Hold…")] {
        browser.open(&format!("/services/alpha-db/{word}"));
        browser.fill("#reason", "a test");
        follow(&browser, "main form button[type=submit]");
        browser.until(state, || {
            browser.open("/services/alpha-db");
            browser.text().contains(state)
        });
    }
    browser.open("/");
    follow(&browser, "form[action='/sign-out'] button");
    assert!(browser.text().contains("You are signed out."));
}
