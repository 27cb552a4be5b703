//! The portal beside others: what they say meanwhile is told, and nothing jumps; several approvals are answered at once; accounts and
//! sessions are taken off by the keyboard.

use serde_json::{Value, json};

use crate::browser::{Browser, ENTER};
use crate::kit::{MANUAL, head, place, service_of};
use crate::visit::{WIDE, approve, begun, follow, looked_at, sign_in_as, site};
use crate::world::{World, has};

/// An item whose steps follow a word of bob's.
fn asking_item(api: std::net::SocketAddr, steps: usize) -> String {
    let mut text = head("asking")
        + &format!(
            "fulfillment:\n  strategy: {{mode: automatic}}\n{MANUAL}  automatic:\n    actions:\n      \
             - {{id: word, type: approval, config: {{approvers: {{users: [bob]}}}}}}\n"
        );
    for step in 0..steps {
        let url = format!("http://{api}/v1/{{{{service.id}}}}-{step}");
        text += &format!(
            "      - id: step-{step}\n        type: rest-api\n        dependsOn: [word]\n        config:\n          \
             endpoint: {{url: \"{url}\", method: PUT}}\n          \
             body: {{type: json, contentTemplate: '{{\"size\": {{{{json fields.size}}}}}}'}}\n          \
             delete: {{url: \"{url}\"}}\n        outputs: {{endpoint: /endpoint}}\n"
        );
    }
    let outputs = (0..steps)
        .map(|step| format!("  e{step}: {{value: \"{{{{outputs.step-{step}.endpoint}}}}\"}}\n"));
    text + "outputs:\n" + &outputs.collect::<String>()
}

/// A world in which services of the item wait for bob.
fn world(services: &[&str], steps: usize) -> World {
    let world = World::new();
    let api = world.counterpart.api;
    world.commit(&[("catalog/tests/asking.yaml", &asking_item(api, steps))]);
    for service in services {
        world.commit(&[(&place(service), &service_of("asking", service, 1))]);
    }
    world
}

/// Says a word as bob, who did not write the commit.
fn says(world: &World, words: &[&str]) {
    let said = world.command(words).env("TRUELINE_USER", "bob").output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
}

fn approvals(world: &World, count: usize) {
    world.eventually("the approvals", |world| {
        let all = world.json(&["approval", "list"]);
        all["items"].as_array().is_some_and(|items| items.len() == count)
    });
}

#[test]
fn several_approvals_are_granted_at_once_and_what_is_not_taken_is_told() {
    let services = ["alpha-one", "alpha-three", "alpha-two"];
    let Some((world, _daemon, browser)) = begun("bob", || world(&services, 1), WIDE) else {
        return;
    };
    approve(&browser);
    approvals(&world, 3);
    looked_at(&browser, ("inbox-approvals", "/inbox"));
    for row in 1..=3 {
        let tick = format!("form[action='/inbox/approvals'] tbody tr:nth-child({row}) input");
        browser.tab_to(&tick);
        browser.press(&[" "]);
    }
    browser.tab_to("#many-comment");
    let comment: Vec<String> = "all but one".chars().map(|one| one.to_string()).collect();
    browser.press(&comment.iter().map(String::as_str).collect::<Vec<_>>());
    // Meanwhile one of them is answered elsewhere.
    let first = world.json(&["approval", "list"])["items"][0]["number"].to_string();
    says(&world, &["approval", "reject", &first, "--reason", "not this one"]);
    world.eventually("it to be rejected", |world| {
        world.json(&["approval", "show", &first])["state"] == "rejected"
    });
    browser.press(&[ENTER]);
    browser.until("the outcomes", || browser.text().contains("2 were recorded, 1 were not."));
    let text = browser.text();
    assert!(text.contains("granted") && text.contains("not taken"), "{text}");
    browser.picture("inbox-approvals-outcomes");
    world.eventually("two to be done", |world| {
        let runs = world.json(&["run", "list"])["runs"].clone();
        let of = |state: &str| {
            runs.as_array().unwrap().iter().filter(|run| run["state"] == state).count()
        };
        (of("succeeded"), of("failed")) == (2, 1)
    });
    browser.open("/inbox/history");
    assert_eq!(browser.text().matches("All but one.").count(), 2, "{}", browser.text());
    world.audit_is_whole();
}

#[test]
fn what_others_say_is_told_and_nothing_jumps() {
    let Some((world, _daemon, browser)) = begun("bob", || world(&["alpha-one"], 9), WIDE) else {
        return;
    };
    approve(&browser);
    approvals(&world, 1);
    let run = world.json(&["run", "list"])["runs"][0]["id"].as_str().unwrap().to_owned();
    let run = format!("/runs/{run}");
    let watch = Browser::start(&site(&world), WIDE);
    sign_in_as("bob", &watch, &run);
    watch.sees("the run", "#state .mark.wait");
    // A word is told once to who says it, and to who watches.
    browser.open(&format!("{run}/pause"));
    browser.fill("#reason", "a break");
    follow(&browser, "main form button[type=submit]");
    browser.sees("that it was recorded", "[role=status][data-done]");
    watch.until("the toast", || watch.text().contains("It is now: paused."));
    let polite = "return document.querySelector('#toasts').ariaLive";
    assert_eq!(watch.run(polite, &[]), json!("polite"));
    let place = browser.place();
    assert!(!place.contains("done="), "it is told once: {place}");
    browser.open(&place);
    assert!(!browser.text().contains("It was recorded."), "{}", browser.text());
    browser.open(&format!("{run}/resume"));
    browser.fill("#reason", "it was short");
    follow(&browser, "main form button[type=submit]");
    watch.until("the toast", || watch.text().contains("It is now: waiting."));
    // Somebody has read down to the journal, with the keyboard in it, when all steps above it move on.
    watch.run(
        "window.kept = document.querySelector('#journal .scroll'); window.kept.focus(); \
         window.scrollTo(0, window.kept.getBoundingClientRect().top + window.scrollY - 200);",
        &[],
    );
    let top = || {
        let script = "const kept = window.kept; return kept.isConnected && document.activeElement === kept \
                      ? kept.getBoundingClientRect().top : null";
        watch.run(script, &[]).as_f64()
    };
    let before = (top().expect("it has the focus"), watch.run("return window.scrollY", &[]));
    let number = world.json(&["approval", "list"])["items"][0]["number"].to_string();
    says(&world, &["approval", "grant", &number]);
    watch.until("the end", || watch.text().contains("All steps are done"));
    watch.until("all of it", || watch.text().contains("alpha-one-8.example"));
    let after = top().expect("the focus stays where it was");
    assert!((after - before.0).abs() < 3.0, "{before:?} {after}");
    let scrolled: Value = watch.run("return window.scrollY", &[]);
    assert_ne!(scrolled, before.1, "what stands above has grown");
    assert_eq!(watch.complaints(), Vec::<String>::new());
}

#[test]
fn accounts_and_sessions_are_taken_off_by_the_keyboard() {
    let with_a_provider = || {
        let world = world(&[], 1);
        let config = std::fs::read_to_string(world.path("trueline.toml")).unwrap();
        let more = "[server]\npublicUrl = \"http://127.0.0.1:1\"\n[auth.oidc.corp]\ntitle = \"Acme\"\n\
                    issuer = \"https://id.example.com\"\nclientId = \"trueline\"\n";
        std::fs::write(world.path("trueline.toml"), config + more).unwrap();
        world
    };
    let Some((world, _daemon, browser)) = begun("bob", with_a_provider, WIDE) else { return };
    world.ok(&["user", "set", "bob", "--link", "corp=00u1a2b3c4"]);
    looked_at(&browser, ("settings-accounts", "/settings"));
    assert!(browser.text().contains("Acme") && browser.text().contains("00u1a2b3c4"));
    let other = Browser::start(&site(&world), WIDE);
    sign_in_as("bob", &other, "/settings");
    browser.open("/settings");
    let newest = "section[aria-labelledby=sessions] tbody tr:first-child form button";
    browser.tab_to(newest);
    browser.press(&[ENTER]);
    browser.until("it to be ended", || browser.text().contains("The session is ended."));
    other.open("/settings");
    assert!(other.place().starts_with("/sign-in"), "{}", other.place());
    browser.tab_to("section[aria-labelledby=accounts] summary");
    browser.press(&[ENTER]);
    browser.until("what it does", || browser.text().contains("Only an operator links it again."));
    browser.picture("settings-unlink");
    browser.tab_to("section[aria-labelledby=accounts] button");
    browser.press(&[ENTER]);
    browser.until("it to be said", || browser.text().contains("The account is unlinked"));
    assert!(!browser.shows("section[aria-labelledby=accounts]"));
    let users = world.json(&["user", "list"]);
    assert!(!has_links(&users), "{users:#}");
    world.audit_is_whole();
}

fn has_links(users: &Value) -> bool {
    users["users"].as_array().unwrap().iter().any(|user| user.get("links").is_some_and(has))
}
