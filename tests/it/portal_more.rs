//! More stories of the portal in a real browser: a proposal is merged there, a plan change voids an approval, a failed run is
//! tried again, several tasks are done at once; and the pages that tell what happened and how well it went.

use crate::browser::{Browser, How};
use crate::kit::{Order, chain_item, licence_item, page_item, place, service, service_of};
use crate::visit::{WIDE, approve, begun, follow, looked_at, sign_in, site};
use crate::world::World;

/// An item that people fulfil, and that asks them for nothing.
fn plain_item() -> String {
    let asked = "          outputs:\n            - {name: contractNumber, type: string}\n";
    let text = licence_item().replace("id: licence", "id: plain").replace(asked, "");
    text.split("outputs:\n").next().unwrap().to_owned()
}

#[test]
fn a_proposal_is_found_looked_at_and_merged_in_the_portal() {
    let with_a_page = || {
        let world = World::new();
        let target = world.path("target.git");
        world.commit(&[
            ("catalog/tests/page.yaml", &page_item("page", &target, true)),
            (&place("alpha-page"), &service_of("page", "alpha-page", 3)),
        ]);
        world
    };
    let Some((world, _daemon, browser)) = begun("ada", with_a_page, WIDE) else { return };
    approve(&browser);
    browser.until("the proposal", || {
        browser.open("/proposals");
        browser.text().contains("Page alpha-page")
    });
    looked_at(&browser, ("proposals", "/proposals"));
    follow(&browser, "tbody th a");
    let proposal = browser.place();
    looked_at(&browser, ("proposal", &proposal));
    assert!(browser.text().contains("size 3"), "{}", browser.text());
    follow(&browser, "main p.actions a[href$='/comment']");
    browser.fill("#reason", "Looks good to <b>me</b>.");
    follow(&browser, "main form button[type=submit]");
    assert!(browser.text().contains("Looks good to <b>me</b>."));
    follow(&browser, "main p.actions a[href$='/merge']");
    looked_at(&browser, ("proposal-merge", &browser.place()));
    follow(&browser, "main form button[type=submit]");
    browser.until("it to be merged", || browser.text().contains("merged by ada"));
    world.settled();
    browser.until("it to be listed so", || {
        browser.open("/proposals?standing=merged");
        browser.text().contains("Page alpha-page")
    });
    world.audit_is_whole();
}

#[test]
fn a_plan_change_voids_an_approval_and_says_what_changed() {
    let with_seats = || {
        let world = World::new();
        let strategy = "  strategy: {mode: manual}\n";
        let item =
            licence_item().replace(strategy, &format!("{strategy}  approval: {{required: 2}}\n"));
        world.commit(&[
            ("catalog/tests/licence.yaml", &item),
            (&place("alpha-seats"), &service_of("licence", "alpha-seats", 5)),
        ]);
        world
    };
    // Ada wrote it, and her word would not count.
    let Some((world, _daemon, browser)) = begun("bob", with_seats, WIDE) else { return };
    approve(&browser);
    browser.until("one of two", || {
        browser.open("/services/alpha-seats");
        browser.text().contains("waits for 1 approval")
    });
    // The number beside the inbox moves on by itself while a page stands open.
    browser.open("/settings");
    let badge = || browser.run("return document.querySelector('.badge')?.textContent ?? ''", &[]);
    let before = badge();
    world.commit(&[
        (&place("alpha-seats"), &service_of("licence", "alpha-seats", 7)),
        (&place("alpha-more"), &service_of("licence", "alpha-more", 7)),
    ]);
    browser.until("another number", || badge() != before);
    assert!(browser.text().contains("wait for you in the inbox"), "{}", browser.text());
    browser.until("it to be void", || {
        browser.open("/services/alpha-seats");
        let text = browser.text();
        text.contains("the approval of bob is void") && text.contains("size is 7")
    });
    looked_at(&browser, ("void", "/services/alpha-seats"));
    assert!(browser.text().contains("waits for 2 approvals"), "{}", browser.text());
}

#[test]
fn a_failed_run_is_tried_again_and_followed_until_it_is_done() {
    let that_is_refused = || {
        let world = World::new();
        let api = world.counterpart.api;
        world.commit(&[
            ("catalog/tests/chain.yaml", &chain_item(api, &["one", "two"], Order::Sequential)),
            (&place("alpha-one"), &service("alpha-one", 1)),
        ]);
        world.counterpart.ledger().refused.insert("alpha-one-two".to_owned());
        world
    };
    let Some((world, _daemon, browser)) = begun("ada", that_is_refused, WIDE) else { return };
    approve(&browser);
    browser.until("a run that failed", || {
        browser.open("/runs?state=failed");
        browser.text().contains("alpha-one")
    });
    follow(&browser, "tbody th a");
    let run = browser.place();
    looked_at(&browser, ("run-failed", &run));
    world.counterpart.ledger().refused.clear();
    follow(&browser, "main p.actions a[href$='/retry']");
    browser.fill("#reason", "the other side is mended");
    follow(&browser, "main form button[type=submit]");
    browser.until("the run to be done", || {
        browser.open(&run);
        browser.text().contains("All steps are done")
    });
    world.settled();
    for (name, path) in [("activity", "/activity"), ("insights", "/insights?days=7")] {
        looked_at(&browser, (name, path));
    }
    browser.open("/insights?days=7");
    let text = browser.text();
    assert!(text.contains("50.0 %") && text.contains("chain"), "{text}");
    browser.open("/activity?item=chain");
    let text = browser.text();
    assert!(text.contains("done") && text.contains("The other side is mended."), "{text}");
    let small = Browser::start(&site(&world), How { scripts: false, width: 500 });
    sign_in(&small, "/insights");
    for (name, path) in [("insights", "/insights?days=7"), ("activity", "/activity")] {
        small.open(path);
        small.sees("the page", "h1");
        small.picture(&format!("small-{name}"));
    }
}

#[test]
fn several_tasks_are_done_at_once_without_scripts_too() {
    let two = ["alpha-one", "alpha-two"];
    let with_two = || {
        let world = World::new();
        world.commit(&[
            ("catalog/tests/plain.yaml", &plain_item()),
            (&place(two[0]), &service_of("plain", two[0], 1)),
            (&place(two[1]), &service_of("plain", two[1], 1)),
        ]);
        world
    };
    let how = How { scripts: false, width: 1280 };
    let Some((world, _daemon, browser)) = begun("ada", with_two, how) else { return };
    approve(&browser);
    browser.until("two tasks", || {
        browser.open("/inbox");
        let text = browser.text();
        two.iter().all(|service| text.contains(service))
    });
    browser.picture("inbox-many");
    browser.click("tbody tr:nth-child(1) input[type=checkbox]");
    browser.click("tbody tr:nth-child(2) input[type=checkbox]");
    follow(&browser, "form[action='/inbox/tasks'] button[type=submit]");
    browser.until("the outcomes", || browser.text().contains("All 2 were recorded."));
    browser.picture("inbox-outcomes");
    world.settled();
    drop(browser);
    let browser = Browser::start(&site(&world), WIDE);
    sign_in(&browser, "/inbox/history");
    looked_at(&browser, ("inbox-history", "/inbox/history"));
    assert!(browser.text().contains("task done"), "{}", browser.text());
    looked_at(&browser, ("operating", "/settings/operating"));
}
