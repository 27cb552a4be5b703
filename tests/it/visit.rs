//! Somebody in front of the portal: how they come in, go from page to page, and what every page is looked at for.

use serde_json::{Value, json};

use crate::browser::{Browser, How, is_there};
use crate::world::{Daemon, World};

pub(crate) const PASSWORD: &str = "correct horse battery";

pub(crate) const WIDE: How = How { scripts: true, width: 1280 };

/// Makes a world, has it served, and somebody become its first user before a browser; nothing where there is no browser.
pub(crate) fn begun(
    name: &str,
    world: impl FnOnce() -> World,
    how: How,
) -> Option<(World, Daemon, Browser)> {
    if !is_there() {
        return None;
    }
    let world = world();
    let daemon = world.serve();
    let browser = Browser::start(&site(&world), how);
    set_up(name, &world, &browser);
    Some((world, daemon, browser))
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
fn set_up(name: &str, world: &World, browser: &Browser) {
    browser.open(&setup_link(world));
    browser.fill("#user", name);
    browser.fill("#password", PASSWORD);
    browser.click("main button[type=submit]");
    browser.until("the overview", || {
        browser.place().starts_with('/') && browser.text().contains("You are the first user")
    });
}

pub(crate) fn sign_in(browser: &Browser, path: &str) {
    sign_in_as("ada", browser, path);
}

/// The same as somebody else.
pub(crate) fn sign_in_as(name: &str, browser: &Browser, path: &str) {
    browser.open(path);
    browser.fill("#user", name);
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

/// Approves the plan in the portal, once there is one.
pub(crate) fn approve(browser: &Browser) {
    browser.until("the plan", || {
        browser.open("/plan");
        browser.text().contains("Approve all of it")
    });
    follow(browser, "main p.actions a.button");
    follow(browser, "main form button[type=submit]");
}
