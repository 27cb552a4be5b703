//! The portal as people use it: a real browser, beside a running daemon. Each page is looked at light and dark by axe, and
//! kept as a picture in `target/screenshots/`.

use serde_json::{Value, json};

use crate::browser::{Browser, ENTER, How, is_there};
use crate::kit::{Order, chain_item, licence_item, place, service, service_of};
use crate::world::World;

pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) const WIDE: How = How { scripts: true, width: 1280 };

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

pub(crate) fn site(world: &World) -> String {
    format!("http://{}", world.address())
}

/// The link that the first start prints.
fn setup_link(world: &World) -> String {
    let mut link = None;
    world.eventually("the link of the first start", |world| {
        let log = std::fs::read_to_string(world.path("serve.log")).unwrap_or_default();
        let found = log.lines().find_map(|line| line.split_once("/setup?code="));
        link = found.map(|(_, code)| format!("/setup?code={}", code.trim()));
        link.is_some()
    });
    link.unwrap()
}

/// Becomes the first user, and is signed in.
pub(crate) fn set_up(world: &World, browser: &Browser) {
    set_up_as("ada", world, browser);
}

/// The same under another name.
pub(crate) fn set_up_as(name: &str, world: &World, browser: &Browser) {
    browser.open(&setup_link(world));
    browser.fill("#user", name);
    browser.fill("#password", PASSWORD);
    browser.click("main button[type=submit]");
    browser.until("the overview", || {
        browser.place().starts_with('/') && browser.text().contains("You are the first user")
    });
}

pub(crate) fn sign_in(browser: &Browser, path: &str) {
    browser.open(path);
    browser.fill("#user", "ada");
    browser.fill("#password", PASSWORD);
    browser.click("main button[type=submit]");
    browser.until("to be sent back", || browser.place().starts_with(path));
}

pub(crate) fn follow(browser: &Browser, css: &str) {
    let before = browser.place();
    browser.click(css);
    browser.until("another page", || browser.place() != before);
}

/// What axe finds that is serious or critical.
pub(crate) fn serious(browser: &Browser) -> Vec<String> {
    let Some(axe) = std::env::var_os("TRUELINE_TEST_AXE") else { return Vec::new() };
    let axe = std::fs::read_to_string(axe).unwrap();
    browser.run(&axe, &[]);
    let found = browser.run_async(
        "const done = arguments[arguments.length - 1]; axe.run(document).then((found) => done(found.violations.map((one) => \
         [one.impact, one.id, one.nodes.map((node) => node.target + ' ' + node.html + ' ' + (node.failureSummary || '')).join('; ')])))",
        &[],
    );
    let all = found.as_array().cloned().unwrap_or_default();
    let serious = all.iter().filter(|one| one[0] == "serious" || one[0] == "critical");
    serious.map(Value::to_string).collect()
}

/// Looks at a page in the light and in the dark.
pub(crate) fn looked_at(browser: &Browser, (name, path): (&str, &str)) {
    for theme in ["light", "dark"] {
        set_theme(browser, theme);
        browser.open(path);
        browser.sees("the page", "h1");
        assert_eq!(browser.run("return document.documentElement.dataset.theme", &[]), json!(theme));
        assert_eq!(serious(browser), Vec::<String>::new(), "{path} {theme}");
        let wide =
            browser.run("return document.documentElement.scrollWidth <= window.innerWidth", &[]);
        assert_eq!(wide, json!(true), "{path} is wider than its window");
        browser.picture(&format!("{name}-{theme}"));
    }
    let mut complaints = browser.complaints();
    complaints.retain(|one| name != "missing" || !one.contains("404 (Not Found)"));
    // What does not fit is answered so while somebody types.
    complaints.retain(|one| !one.contains("/request - ") || !one.contains("422 (Unprocessable"));
    assert_eq!(complaints, Vec::<String>::new(), "{path}");
}

/// Presses the button until the theme is as wanted.
fn set_theme(browser: &Browser, theme: &str) {
    for _ in 0..3 {
        browser.until("a theme", || browser.theme().is_some());
        let before = browser.theme();
        if before.as_deref() == Some(theme) {
            return;
        }
        browser.click("form[action='/theme'] button");
        browser.until("another theme", || browser.theme().is_some_and(|now| Some(now) != before));
    }
}

#[test]
fn a_person_goes_from_the_first_start_to_a_service_that_is_there() {
    if !is_there() {
        return;
    }
    let world = world();
    let _daemon = world.serve();
    let browser = Browser::start(&site(&world), WIDE);
    set_up(&world, &browser);
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
    if !is_there() {
        return;
    }
    let world = world();
    let _daemon = world.serve();
    let browser = Browser::start(&site(&world), WIDE);
    set_up(&world, &browser);
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
    if !is_there() {
        return;
    }
    let world = world();
    let _daemon = world.serve();
    world.approve_plan();
    let browser = Browser::start(&site(&world), How { scripts: false, width: 500 });
    set_up(&world, &browser);
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
