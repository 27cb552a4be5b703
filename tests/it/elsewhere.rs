//! The command line as a client of a server: the same words over the API, from a folder that holds nothing.

use std::io::Write as _;
use std::process::Stdio;

use serde_json::Value;

use crate::kit::{Order, chain_item, licence_item, place, service, service_of};
use crate::lossy::{Lossy, answering};
use crate::world::{Daemon, Said, World, has};

/// Somebody at another machine.
struct Elsewhere<'w> {
    world: &'w World,
    server: String,
    token: String,
    folder: tempfile::TempDir,
}

impl<'w> Elsewhere<'w> {
    fn at(world: &'w World, server: &str, token: &str) -> Self {
        let (server, token) = (server.to_owned(), token.to_owned());
        Self { world, server, token, folder: tempfile::tempdir().unwrap() }
    }

    /// The same with a key of a new user.
    fn of(world: &'w World, name: &str, role: &str) -> Self {
        world.ok(&["user", "add", name, "--role", role]);
        let key = world.ok(&["auth", "token", "create", "--user", name, "--note", "tests"]);
        let server = format!("http://{}", world.address());
        Self::at(world, &server, key.lines().next().unwrap().trim())
    }

    fn trueline(&self, arguments: &[&str]) -> Said {
        let mut command = self.world.command(arguments);
        command.current_dir(self.folder.path());
        command.env("TRUELINE_SERVER", &self.server).env("TRUELINE_TOKEN", &self.token);
        let ended = command.stdout(Stdio::piped()).stderr(Stdio::piped()).output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let said =
            Said { status: ended.status, out: text(&ended.stdout), err: text(&ended.stderr) };
        let tells = !self.token.is_empty() && said.all().contains(&self.token);
        assert!(!tells, "{arguments:?} tells the token");
        assert_eq!(std::fs::read_dir(self.folder.path()).unwrap().count(), 0, "{arguments:?}");
        said
    }

    fn ok(&self, arguments: &[&str]) -> String {
        let said = self.trueline(arguments);
        assert!(said.status.success(), "trueline {arguments:?}: {}: {}", said.status, said.all());
        said.out
    }

    fn json(&self, arguments: &[&str]) -> Value {
        serde_json::from_str(&self.ok(&[arguments, &["-o", "json"]].concat())).unwrap()
    }

    /// Runs a command that must be refused, and returns its exit code and why.
    fn refused(&self, arguments: &[&str]) -> (i32, String) {
        let said = self.trueline(arguments);
        assert!(!said.status.success(), "trueline {arguments:?}: {}", said.all());
        (said.status.code().unwrap(), said.err)
    }
}

/// A server with a task for people and a chain of calls, and somebody who may do all of it.
fn served(world: &World) -> (Daemon, Elsewhere<'_>) {
    let api = world.counterpart.api;
    world.commit(&[
        ("catalog/tests/licence.yaml", &licence_item()),
        ("catalog/tests/chain.yaml", &chain_item(api, &["network"], Order::Sequential)),
        (&place("alpha-seats"), &service_of("licence", "alpha-seats", 5)),
        (&place("alpha-db"), &service("alpha-db", 3)),
    ]);
    let daemon = world.serve();
    let ann = Elsewhere::of(world, "ann", "maintainer=*");
    world.eventually("the plan", |_| ann.trueline(&["plan"]).out.contains("alpha-seats"));
    (daemon, ann)
}

/// Approves the plan as it is then.
fn approves(ann: &Elsewhere<'_>) {
    ann.world.eventually("the plan to be approved from elsewhere", |_| {
        let plan = ann.json(&["plan"]);
        let digest = plan["digest"].as_str().unwrap_or_default();
        has(&plan["changes"]) && ann.trueline(&["approve", &digest[..12]]).status.success()
    });
}

fn without(mut value: Value, names: &[&str]) -> Value {
    let map = value.as_object_mut().unwrap();
    names.iter().for_each(|name| drop(map.remove(*name)));
    value
}

#[test]
fn the_same_words_are_said_over_the_api() {
    let world = World::new();
    let (_daemon, ann) = served(&world);
    assert_eq!(ann.json(&["plan"]), world.plan(), "the same, wherever it is asked");
    assert_eq!(ann.trueline(&["plan", "--detailed-exitcode", "-q"]).status.code(), Some(2));
    assert_eq!(ann.trueline(&["diff", "--service", "nobody", "-q"]).status.code(), Some(2));
    let shown = ann.ok(&["service", "show", "alpha-db"]);
    assert!(shown.contains("trueline approve") && shown.contains("+ create alpha-db"), "{shown}");
    approves(&ann);

    world.eventually("the task", |_| has(&ann.json(&["task", "list"])["items"]));
    let tasks = ann.json(&["task", "list"]);
    assert_eq!(tasks, world.json(&["task", "list"]));
    let number = tasks["items"][0]["number"].to_string();
    let (_, why) = ann.refused(&["task", "complete", &number]);
    assert!(why.contains("contractNumber"), "{why}");
    ann.ok(&["task", "complete", &number, "--output", "contractNumber=NW-9"]);
    world.settled();

    assert_eq!(ann.json(&["status"]), world.json(&["status"]));
    let cut = ann.trueline(&["status", "--limit", "500"]);
    assert!(cut.status.success() && cut.err.contains("at most 200 of each list"), "{}", cut.err);
    let (there, here) = (ann.ok(&["status"]), world.ok(&["status"]));
    assert!(there.contains("Ready: all is as") && here.contains("Ready: all is as"), "{there}");
    assert_eq!(ann.json(&["run", "list"]), world.json(&["run", "list"]));
    let runs = world.json(&["run", "list"]);
    let run = runs["runs"][0]["id"].as_str().unwrap();
    let there = ann.json(&["run", "show", &run[..run.len() - 1]]);
    assert_eq!(there, world.json(&["run", "show", run]));
    assert_eq!(ann.json(&["run", "logs", run]), world.json(&["run", "logs", run]));
    for from in [&ann.ok(&["run", "logs", run, "--follow"]), &world.ok(&["run", "logs", run, "-f"])]
    {
        assert!(from.contains("succeeded"), "{from}");
    }
    let list = ann.ok(&["service", "list"]);
    assert!(list.contains("alpha-db") && list.contains("ready"), "{list}");
    let shown = ann.ok(&["service", "show", "alpha-seats"]);
    assert!(shown.contains("NW-9") && shown.contains("ready"), "{shown}");
    let show = ["service", "show", "alpha-seats"];
    let here = without(world.json(&show), &["plan"]);
    assert_eq!(without(ann.json(&show), &["plan"]), here);
    let history = ["service", "history", "alpha-db"];
    assert_eq!(ann.json(&history), world.json(&history));
    world.audit_is_whole();
}

#[test]
fn words_on_services_and_the_audit_chain_are_those_of_whoever_says_them() {
    let world = World::new();
    let (_daemon, ann) = served(&world);
    let held = ann.json(&["service", "hold", "alpha-db", "--reason", "an audit"]);
    assert_eq!((&held["by"], &held["held"]), (&"ann".into(), &true.into()));
    world.eventually("it to be held", |_| {
        ann.ok(&["service", "show", "alpha-db"]).contains("trueline service release alpha-db")
    });
    let (code, why) = ann.refused(&["service", "hold", "alpha-db", "--reason", "again"]);
    assert!(code == 1 && why.contains("answered 409 Conflict"), "{why}");
    ann.ok(&["service", "release", "alpha-db", "--reason", "over"]);
    ann.ok(&["service", "reconcile", "alpha-db"]);
    let audit = ann.json(&["audit", "list", "--actor", "ann"]);
    assert!(
        has(&audit["entries"]) && audit.to_string().contains("\"type\":\"person\""),
        "{audit:#}"
    );
    let whole = ann.json(&["audit", "verify"]);
    assert_eq!(whole["whole"], true);
    let head = whole["head"].as_str().unwrap();
    ann.ok(&["audit", "verify", "--head", head]);
    let forged = format!("1:{}", "0".repeat(64));
    let (code, _) = ann.refused(&["audit", "verify", "--head", &forged, "-q"]);
    assert_eq!(code, 1);
    let page = ann.json(&["audit", "list", "--limit", "2"]);
    let next = page["next"].to_string();
    assert!(ann.ok(&["audit", "list", "--limit", "2"]).contains(&format!("--before {next}")));
    let older = ["audit", "list", "--limit", "2", "--before", &next];
    assert_eq!(ann.json(&older), world.json(&older));
    let exported = ann.ok(&["audit", "export"]);
    assert_eq!(exported.lines().next(), world.ok(&["audit", "export"]).lines().next());
    assert!(exported.lines().count() > 5, "{exported}");
    assert_eq!(ann.json(&["auth", "can-i", "approve", "plan"])["allowed"], true);
    let (code, _) = ann.refused(&["auth", "can-i", "manage", "user"]);
    assert_eq!(code, 1);
    let why = ann.ok(&["auth", "explain", "manage", "user", "--user", "ann"]);
    assert!(why.starts_with("no"), "{why}");
    let (code, why) = ann.refused(&["auth", "can-i", "read", "run", "--user", "ada"]);
    assert!(code == 2 && why.contains("you are ann there"), "{why}");
    assert!(ann.ok(&["auth", "token", "list"]).contains("tests"));
    assert_eq!(ann.json(&["breaker", "list"]), world.json(&["breaker", "list"]));
}

#[test]
fn a_service_is_asked_for_merged_and_followed() {
    let world = World::new();
    let (_daemon, ann) = served(&world);
    let submit = ["request", "submit", "chain", "--id", "alpha-new", "--team", "alpha"];
    let dry = [&submit[..], &["--field", "size=4", "--dry-run"]].concat();
    let preview = ann.json(&dry);
    assert_eq!((&preview["fits"], &preview["service"]), (&true.into(), &"alpha-new".into()));
    let misfit = ann.trueline(&[&submit[..], &["--field", "size=many", "-o", "json"]].concat());
    assert_eq!(misfit.status.code(), Some(1), "{}", misfit.all());
    let misfit: Value = serde_json::from_str(&misfit.out).unwrap();
    assert_eq!(misfit["errors"][0]["pointer"], "/fields/size", "{misfit:#}");
    let misfit = ann.trueline(&[&submit[..], &["-o", "json"]].concat());
    assert!(misfit.out.contains("\"fits\": false"), "{}", misfit.all());

    let asked = ann.json(&[&submit[..], &["--field", "size=4", "--reason", "more"]].concat());
    let id = asked["id"].as_str().unwrap();
    world.eventually("the proposal", |_| {
        ann.json(&["request", "list", "--mine"])["items"][0]["state"] == "proposed"
    });
    let got = ann.json(&["request", "get", &id[..6]]);
    assert_eq!(got, world.json(&["request", "get", id]));
    let (code, _) = ann.refused(&["request", "status", id, "-q"]);
    assert_eq!(code, 4, "it is not there yet");
    let number = got["proposal"].to_string();
    world.eventually("it to be listed", |_| has(&ann.json(&["proposal", "list"])["items"]));
    let shown = ann.ok(&["proposal", "show", &number, "--diff"]);
    assert!(shown.contains("alpha-new") && shown.contains("+  size: 4"), "{shown}");
    ann.ok(&["proposal", "comment", &number, "looks fine"]);
    let (code, why) = ann.refused(&["proposal", "close", &number]);
    assert!(code == 2 && why.contains("--reason"), "{why}");
    world.eventually("its checks to pass", |_| {
        ann.trueline(&["proposal", "merge", &number]).status.success()
    });
    let all = ["proposal", "list", "--all"];
    assert_eq!(ann.json(&all)["items"][0]["number"], world.json(&all)["items"][0]["number"]);
    let shown = ann.json(&["proposal", "show", &number]);
    assert_eq!((&shown["state"], &shown["settledBy"]), (&"merged".into(), &"ann".into()));
    assert!(shown["comments"].to_string().contains("looks fine"), "{shown:#}");
    world.eventually("the change to be planned", |_| ann.ok(&["plan"]).contains("alpha-new"));
    approves(&ann);
    let ended = ann.trueline(&["request", "status", id, "--watch"]);
    assert!(ended.status.success() && ended.out.contains("completed"), "{}", ended.all());
    let logs = ann.ok(&["request", "logs", id, "--follow"]);
    assert!(logs.contains("merged") || logs.contains("processing"), "{logs}");
    let (code, why) = ann.refused(&["request", "retry", id, "--reason", "x"]);
    assert!(code == 1 && why.contains("answered 409"), "{why}");
    let suspend = ["service", "suspend", "alpha-new", "--reason", "a pause"];
    let asked = ann.json(&suspend);
    assert_eq!(
        (&asked["state"], &asked["request"]["kind"]),
        (&"suspended".into(), &"change".into())
    );
}

#[test]
fn what_is_refused_is_told_with_what_to_do() {
    let world = World::new();
    world.commit(&[("catalog/tests/licence.yaml", &licence_item())]);
    let _daemon = world.serve();
    let server = format!("http://{}", world.address());
    let with = |server: &str, token: &str| Elsewhere::at(&world, server, token);
    let check = |(code, said): (i32, String), expected: i32, words: &[&str]| {
        let holds = words.iter().all(|word| said.contains(word));
        assert!(code == expected && holds, "{code} {words:?}: {said}");
    };
    let list = ["run", "list"];
    let stranger = with(&server, "tl_00000000_0123456789012345678901234567890123456789012");
    let words = ["answered 401 Unauthorized", "trueline auth token create"];
    check(stranger.refused(&list), 2, &words);
    check(stranger.refused(&["diff"]), 2, &words);
    check(stranger.refused(&["auth", "can-i", "read", "run"]), 2, &words);
    check(stranger.refused(&["audit", "verify"]), 2, &words);
    check(with(&server, "").refused(&list), 2, &["TRUELINE_TOKEN is not set"]);
    check(with(&server, "a\nb").refused(&list), 2, &["a line break"]);
    check(with("http://trueline.example.com", "t1").refused(&list), 2, &["begin with `https://`"]);
    check(with("http://127.0.0.1:1", "t1").refused(&list), 2, &["can't be asked", "/livez"]);
    let viewer = Elsewhere::of(&world, "vera", "viewer=*");
    let words = ["answered 403 Forbidden", "trueline auth explain"];
    check(viewer.refused(&["audit", "list"]), 2, &words);
    viewer.ok(&["auth", "token", "list", "--user", "vera"]);
    check(viewer.refused(&["auth", "token", "list", "--user", "ada"]), 2, &words);
    check(viewer.refused(&["service", "show", ".."]), 2, &["nothing on a server is named"]);
    check(viewer.refused(&["run", "show", "nobody"]), 2, &["there is no run `nobody`"]);
    for line in [
        &["user", "list"][..],
        &["service", "rollback", "x"],
        &["run", "export", "x"],
        &["auth", "token", "create", "--user", "vera", "--note", "x"],
        &["approve", "00000000", "--break-glass", "--reason", "x"],
    ] {
        check(viewer.refused(line), 2, &["works on the store of this machine"]);
    }
    // What needs no store is done where one is.
    assert!(viewer.trueline(&["version"]).status.success());
    let elsewhere = answering("HTTP/1.1 302 Found\r\nlocation: http://127.0.0.1:9/\r\n", "");
    check(with(&elsewhere, "t1").refused(&list), 2, &["answered 302", "not sent elsewhere"]);
    let page = answering("HTTP/1.1 200 OK\r\ncontent-type: text/html\r\n", "<html>hello</html>");
    check(with(&page, "t1").refused(&list), 2, &["does not understand"]);
    check(with(&page, "t1").refused(&["plan"]), 2, &["does not understand"]);
    let other = answering("HTTP/1.1 404 Not Found\r\n", "<html>nothing here</html>");
    check(with(&other, "t1").refused(&list), 2, &["something else seems to answer"]);
    let endless = answering("HTTP/1.1 200 OK\r\n", &" ".repeat(2 << 20));
    check(with(&endless, "t1").refused(&list), 2, &["more than 1 MiB"]);
}

#[test]
fn a_lost_answer_is_asked_for_again_and_nothing_is_done_twice() {
    let world = World::new();
    let (_daemon, ann) = served(&world);
    let lossy = Lossy::before(&world.address());
    let far = Elsewhere::at(&world, &lossy.url(), &ann.token);
    let held = far.json(&["service", "hold", "alpha-db", "--reason", "an audit"]);
    assert_eq!(held["held"], true);
    assert_eq!(lossy.lost(), 1, "the first answer did not come back");
    let audit = ann.json(&["audit", "list", "--actor", "ann"]);
    let held = audit["entries"].as_array().unwrap().iter().filter(|it| it["what"] == "hold");
    assert_eq!(held.count(), 1, "{audit:#}");
}

#[test]
fn a_certificate_is_trusted_where_its_authority_is_named() {
    let world = World::new();
    let made = rcgen::generate_simple_self_signed(["127.0.0.1".to_owned()]).unwrap();
    std::fs::write(world.path("cert.pem"), made.cert.pem()).unwrap();
    std::fs::write(world.path("key.pem"), made.signing_key.serialize_pem()).unwrap();
    let tls = "[server.tls]\ncertificateFile = \"cert.pem\"\nprivateKeyFile = \"key.pem\"\n";
    let mut config =
        std::fs::File::options().append(true).open(world.path("trueline.toml")).unwrap();
    config.write_all(tls.as_bytes()).unwrap();
    world.commit(&[("catalog/tests/licence.yaml", &licence_item())]);
    let _daemon = world.serve();
    let mut address = String::new();
    world.eventually("the daemon to serve", |world| {
        let log = std::fs::read_to_string(world.path("serve.log")).unwrap_or_default();
        let last = log.lines().rev().find_map(|line| line.split_once("on https://"));
        address = last.map(|(_, address)| address.trim().to_owned()).unwrap_or_default();
        !address.is_empty()
    });
    world.ok(&["user", "add", "ann", "--role", "viewer=*"]);
    let key = world.ok(&["auth", "token", "create", "--user", "ann", "--note", "tests"]);
    let ann = Elsewhere::at(&world, &format!("https://{address}"), key.lines().next().unwrap());
    let (code, why) = ann.refused(&["run", "list"]);
    assert!(code == 2 && why.contains("certificate") && why.contains("--config"), "{why}");
    let trusting = world.path("client.toml");
    let authority = world.path("cert.pem");
    std::fs::write(&trusting, format!("[egress]\nauthorities = {authority:?}\n")).unwrap();
    ann.ok(&["--config", trusting.to_str().unwrap(), "run", "list"]);
    // One that only lies here is not asked whom to trust.
    let here = tempfile::tempdir().unwrap();
    std::fs::copy(&trusting, here.path().join("trueline.toml")).unwrap();
    let mut command = world.command(&["run", "list"]);
    command.env("TRUELINE_SERVER", &ann.server).env("TRUELINE_TOKEN", &ann.token);
    let said = command.current_dir(here.path()).output().unwrap();
    let why = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.code() == Some(2) && why.contains("certificate"), "{why}");
}
