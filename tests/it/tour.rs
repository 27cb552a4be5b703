//! The tour: one story in a catalog as a company has it, from which the pictures of `docs/tour.md` are taken. `ci/tour` puts them
//! there.

use std::collections::BTreeSet;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use serde_json::json;

use crate::browser::{Browser, How};
use crate::visit::{PASSWORD, approve, begun, follow, sign_in_as, site};
use crate::world::{World, has};

/// What is shown, in its order: the names of the pictures.
const PICTURES: [&str; 14] = [
    "catalog", "form", "review", "request", "proposal", "plan", "change", "inbox", "task", "run",
    "service", "failed", "insights", "phone",
];

/// The largest picture, in bytes.
const LARGEST: u64 = 150 << 10;

const HOW: How = How { scripts: true, width: 1120 };

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Keeps a picture of the tour: the first screens of the page.
fn taken(browser: &Browser, name: &str) {
    assert!(PICTURES.contains(&name), "{name}");
    // Neither a focus nor where somebody scrolled to is in the picture.
    browser.run("document.activeElement.blur(); window.scrollTo(0, 0)", &[]);
    browser.picture_to(&format!("tour/{name}"), 1_000.0);
}

/// All files below a folder with their texts.
fn texts(folder: &Path, below: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder.join(below)).unwrap() {
        let entry = entry.unwrap();
        let name = format!("{below}{}", entry.file_name().to_str().unwrap());
        if entry.path().is_dir() {
            found.extend(texts(folder, &format!("{name}/")));
        } else {
            found.push((name.clone(), std::fs::read_to_string(folder.join(&name)).unwrap()));
        }
    }
    found
}

/// A world with the catalog of the tour.
fn world() -> World {
    let world = World::new();
    let config = std::fs::read_to_string(world.path("trueline.toml")).unwrap();
    std::fs::write(world.path("trueline.toml"), config.replace("\"test\"", "\"acme\"")).unwrap();
    let api = world.counterpart.api.to_string();
    let texts = texts(&root().join("tests/support/tour"), "");
    let texts: Vec<_> =
        texts.into_iter().map(|(name, text)| (name, text.replace("API", &api))).collect();
    let files: Vec<_> = texts.iter().map(|(name, text)| (name.as_str(), text.as_str())).collect();
    world.commit(&files);
    world.counterpart.ledger().refused.insert("storefront-search-db".to_owned());
    world
}

/// Lets somebody in who may ask for services.
fn requester(world: &World, name: &str, team: &str) {
    let role = format!("requester={team}");
    let all = ["user", "add", name, "--role", &role, "--team", team, "--password-stdin"];
    let mut child = world.command(&all).stdin(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(PASSWORD.as_bytes()).unwrap();
    assert!(child.wait().unwrap().success());
}

/// A run fails, and the last thing to do is found on its page.
fn what_fails(world: &World, grace: &Browser) {
    grace.until("a run that failed", || {
        grace.open("/runs?state=failed");
        grace.text().contains("storefront-search")
    });
    follow(grace, "tbody th a");
    taken(grace, "failed");
    world.counterpart.ledger().refused.clear();
    follow(grace, "main p.actions a[href$='/retry']");
    grace.fill("#reason", "The quota was raised.");
    follow(grace, "main form button[type=submit]");
    world.settled();
}

/// Somebody finds what they need, and asks for it.
fn asked_for(tom: &Browser) {
    tom.until("the catalog", || {
        tom.open("/catalog");
        tom.text().contains("Web shop")
    });
    taken(tom, "catalog");
    tom.open("/catalog/bundles/web-shop");
    follow(tom, "main p.actions a.button");
    for (field, text) in [
        ("#field-name", "storefront-shop"),
        ("#field-host", "www.shop.acme.example"),
        ("#field-seats", "90"),
    ] {
        tom.fill(field, text);
    }
    tom.run("document.activeElement.blur()", &[]);
    tom.until("what is wrong", || tom.shows("[data-field=seats] .wrong"));
    taken(tom, "form");
    tom.refill("#field-seats", "6");
    tom.until("all of it to fit", || tom.text().contains("All of it fits."));
    tom.click("button[value=review]");
    tom.until("the review", || tom.text().contains("Submit the request"));
    taken(tom, "review");
    tom.fill("#reason", "The shop opens in March.");
    tom.click("button[value=submit]");
    tom.until("the request", || tom.place().starts_with("/requests/q-"));
    tom.until("its proposal", || tom.text().contains("Its proposal waits for people"));
    let request = tom.place();
    tom.open(&request);
    taken(tom, "request");
}

/// Its proposal is looked at and merged, and the plan of that is read and approved.
fn agreed_to(world: &World, grace: &Browser) {
    grace.until("the proposal", || {
        grace.open("/proposals");
        grace.text().contains("storefront-shop")
    });
    follow(grace, "tbody th a");
    let proposal = grace.place();
    grace.until("its checks", || {
        grace.open(&proposal);
        grace.text().contains("trueline/plan") && grace.shows("a[href$='/merge']")
    });
    taken(grace, "proposal");
    // Whoever merges it counts as its author, and her word on the plan would not count.
    let merge = ["proposal", "merge", "1"];
    let said = world.command(&merge).env("TRUELINE_USER", "hugo").output().unwrap();
    assert!(said.status.success(), "{}", String::from_utf8_lossy(&said.stderr));
    grace.until("both in the plan", || {
        grace.open("/plan");
        let text = grace.text();
        text.contains("storefront-shop") && text.contains("payments-db")
    });
    taken(grace, "plan");
    let plan = world.plan();
    let changes = plan["changes"].as_array().unwrap();
    let update = changes.iter().find(|change| change["service"] == "payments-db").unwrap();
    let digest = update["digest"].as_str().unwrap();
    grace.open(&format!("/changes/{digest}?view=split"));
    taken(grace, "change");
    approve(grace);
}

/// What waits for people is answered, and the run is followed to its end.
fn done_by_people(world: &World, grace: &Browser) {
    grace.until("an approval and a task", || {
        grace.open("/inbox");
        let text = grace.text();
        text.contains("exposure") && text.contains("Order 6 seats")
    });
    taken(grace, "inbox");
    let run = world.json(&["run", "list", "--service", "storefront-shop"])["runs"][0]["id"].clone();
    let run = format!("/runs/{}", run.as_str().unwrap());
    grace.open(&run);
    taken(grace, "run");
    grace.open("/inbox");
    follow(grace, "section[aria-labelledby=tasks] tbody th a");
    taken(grace, "task");
    grace.fill("input[name='output-contractNumber']", "NW-4711");
    grace.click("form[action$='/complete'] button");
    grace.until("it to be said", || grace.text().contains("The task is done"));
    grace.open("/inbox");
    follow(grace, "section[aria-labelledby=approvals] tbody th a");
    grace.click("form[action$='/grant'] button");
    grace.until("it to be said", || grace.text().contains("Your approval was recorded"));
    grace.open(&run);
    grace.until("the end", || grace.text().contains("All steps are done"));
    world.settled();
}

#[test]
fn the_tour_is_walked_and_its_pictures_are_taken() {
    let Some((world, _daemon, grace)) = begun("grace", world, HOW) else { return };
    requester(&world, "tom", "storefront");
    approve(&grace);
    what_fails(&world, &grace);
    // A larger database is wanted, by a commit.
    let place = "services/payments/payments-db.yaml";
    let text = std::fs::read_to_string(world.path("work").join(place)).unwrap();
    world
        .commit(&[(place, &text.replace("size: small, storage: 50", "size: large, storage: 200"))]);
    world.eventually("the change", |world| has(&world.plan()["changes"]));
    let tom = Browser::start(&site(&world), HOW);
    sign_in_as("tom", &tom, "/catalog");
    asked_for(&tom);
    agreed_to(&world, &grace);
    done_by_people(&world, &grace);
    tom.open("/services/storefront-shop");
    assert!(tom.text().contains("NW-4711"), "{}", tom.text());
    taken(&tom, "service");
    grace.open("/insights?days=7");
    grace.run("document.documentElement.dataset.theme = 'dark'", &[]);
    taken(&grace, "insights");
    tom.narrow(400);
    tom.open("/");
    taken(&tom, "phone");
    for browser in [&tom, &grace] {
        // What does not fit is answered so while somebody types.
        let mut complaints = browser.complaints();
        complaints.retain(|one| !one.contains("422 (Unprocessable"));
        assert_eq!(complaints, Vec::<String>::new());
    }
    assert_eq!(tom.run("return document.querySelectorAll('h1').length", &[]), json!(1));
}

#[test]
fn the_tour_shows_all_pictures_and_no_others() {
    let page = std::fs::read_to_string(root().join("docs/tour.md")).unwrap();
    let shown = page.split("](tour/").skip(1).map(|rest| rest.split(".png)").next().unwrap());
    let shown: Vec<&str> = shown.collect();
    assert_eq!(shown, PICTURES, "docs/tour.md shows each picture once, in their order");
    let kept = std::fs::read_dir(root().join("docs/tour")).unwrap().map(|entry| entry.unwrap());
    let kept: BTreeSet<String> =
        kept.map(|entry| entry.file_name().to_str().unwrap().to_owned()).collect();
    let expected: BTreeSet<String> = PICTURES.iter().map(|name| format!("{name}.png")).collect();
    assert_eq!(kept, expected, "ci/tour takes them");
    for name in &kept {
        let path = root().join("docs/tour").join(name);
        let size = path.metadata().unwrap().len();
        assert!(size < LARGEST, "{name} has {size} bytes");
        assert!(std::fs::read(&path).unwrap().starts_with(b"\x89PNG"), "{name}");
    }
    for picture in page.lines().filter(|line| line.contains("](tour/")) {
        assert!(!picture.contains("![]"), "each picture says what it shows: {picture}");
    }
}
