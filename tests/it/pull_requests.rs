//! A catalog on GitHub, an App, and `trueline serve` beside it: what people do there is reviewed and carried out. The hook
//! is posted to the process, or never comes.

use std::net::SocketAddr;

use crate::github::{APP, APP_KEY, FakeGitHub, Trick};
use crate::world::{Daemon, World};

const NAME: &str = "acme/app";
const HOOK: &str = "of the hook";
const SERVICE: &str = "services/payments/pay-note.yaml";

const ITEM: &str = "schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: note
  name: A note
  description: Writes a note down in the target, which is all that it does.
  version: 1.0.0
  category: notes
  owner: {team: platform, contact: platform@example.com}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {id: text, name: Text, type: string, required: true}
fulfillment:
  strategy: {mode: automatic}
  manual:
    actions:
      - {id: by-hand, type: manual-task, config: {title: Do it, instructions: By hand}}
  automatic:
    actions:
      - id: write
        type: git-commit
        config:
          repository: TARGET
          branch: main
          commitMessage: \"notes: {{service.id}}\"
          files:
            - {path: \"notes/{{service.id}}.txt\", contentTemplate: \"{{fields.text}}\\n\"}
        outputs: {commit: /commit}
outputs:
  written: {value: \"{{outputs.write.commit}}\"}
";

fn service(text: &str) -> String {
    format!(
        "schemaVersion: catalog/v1\nkind: Service\nmetadata: {{id: pay-note, team: payments}}\ncatalogItem: note\nfields: {{text: {text}}}\n"
    )
}

/// The catalog on GitHub, the operator's files, and who is there.
struct Hub {
    world: World,
    github: FakeGitHub,
    runtime: tokio::runtime::Runtime,
}

impl Hub {
    fn new() -> Self {
        let world = World::new();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let github = runtime.block_on(FakeGitHub::start());
        let hub = Self { world, github, runtime };
        let target = format!("file://{}", hub.world.path("target.git").display());
        let settings = "schemaVersion: catalog/v1\nkind: Catalog\nowners: {required: true}\n";
        for (path, text) in [
            ("trueline.yaml", settings),
            (".github/CODEOWNERS", "* @ola\n/services/payments/ @pat\n"),
            ("catalog/notes/note.yaml", &ITEM.replace("TARGET", &target)),
        ] {
            hub.github.push_as("ola", NAME, "main", (path, text));
        }
        hub.settled_deliveries();
        hub.set_up();
        hub
    }

    fn set_up(&self) {
        let secrets = self.world.path("secrets");
        std::fs::create_dir_all(&secrets).unwrap();
        std::fs::write(secrets.join("HOOK"), HOOK).unwrap();
        let key = self.world.path("app.pem");
        std::fs::write(&key, APP_KEY).unwrap();
        let config = format!(
            "[[catalog]]\nname = \"test\"\nurl = \"http://{}/{NAME}.git\"\nbranch = \"main\"\n\
             [egress]\nallow = [\"127.0.0.1:*\"]\n[secrets]\nfolder = \"{}\"\n[forge.github]\napiUrl = \"{}\"\n\
             appId = {APP}\nprivateKeyFile = \"{}\"\nwebhookSecrets = [{{secret = \"HOOK\"}}]\n",
            self.github.address(),
            secrets.display(),
            self.github.api_url(),
            key.display(),
        );
        std::fs::write(self.world.path("trueline.toml"), config).unwrap();
    }

    /// Starts the daemon, and returns where it is posted to.
    fn serve(&self) -> (Daemon, SocketAddr) {
        // What one before it said of its address holds no more.
        let _ = std::fs::remove_file(self.world.path("serve.log"));
        let daemon = self.world.serve();
        let address = self.world.address().parse().unwrap();
        (daemon, address)
    }

    fn settled_deliveries(&self) {
        self.github.undelivered().iter().for_each(|sent| self.github.take(sent));
    }

    /// Posts all that is to be told, each twice, newest first, and each forged before.
    fn deliver(&self, to: SocketAddr) {
        let mut sent = self.github.undelivered();
        sent.reverse();
        for one in &sent {
            let status = |secret| self.runtime.block_on(self.github.deliver(to, secret, one));
            assert_eq!(status("a guess"), 401);
            assert_eq!((status(HOOK), status(HOOK)), (202, 202));
        }
    }

    /// The newest check of a commit: what it came to, and its title.
    fn check(&self, head: &str, name: &str) -> String {
        let mut checks = self.github.checks(NAME).into_iter();
        let newest = checks.rfind(|it| it.head == head && it.name == name);
        newest.map_or_else(String::new, |it| {
            format!("{}: {}", it.conclusion.unwrap_or_default(), it.title)
        })
    }

    fn eventually_checked(&self, head: &str, name: &str, expected: &str) {
        self.world.eventually(&format!("{name} to be {expected}"), |_| {
            self.check(head, name).starts_with(expected)
        });
    }

    fn written(&self) -> Option<String> {
        self.world.target_file("notes/pay-note.txt")
    }
}

#[test]
fn a_pull_request_goes_from_findings_to_what_was_done() {
    let hub = Hub::new();
    let (daemon, address) = hub.serve();
    let wrong = service("one").replace("text:", "txet:");
    let head = hub.github.push_as("bob", NAME, "topic", (SERVICE, &wrong));
    let number = hub.github.open("bob", NAME, "topic");
    hub.deliver(address);
    hub.eventually_checked(&head, "trueline/validate", "failure: ");
    let head = hub.github.push_as("bob", NAME, "topic", (SERVICE, &service("one")));
    hub.deliver(address);
    hub.eventually_checked(&head, "trueline/validate", "success: ");
    hub.eventually_checked(&head, "trueline/plan", "action_required: ");
    hub.github.review("pat", NAME, (number, "APPROVED"));
    hub.deliver(address);
    hub.eventually_checked(&head, "trueline/plan", "success: 1 to create");
    // It ends between the approval and the merge, and goes on where it was.
    daemon.kill();
    let (daemon, address) = hub.serve();
    let merged = hub.github.merge(NAME, number);
    hub.deliver(address);
    hub.eventually_checked(&merged, "trueline/apply", "success: 1 of 1 done");
    assert_eq!(hub.written().as_deref(), Some("one\n"));
    let said = |text: &str| {
        let said = hub.github.comments(NAME, number);
        said.iter().filter(|body| body.contains(text)).count()
    };
    hub.world.eventually("what was done to be said", |_| said("### Trueline: 1 of 1 done") == 1);
    assert_eq!(said("### Trueline: 1 to create"), 1);
    assert_eq!(daemon.stop(), Some(0));
    hub.world.audit_is_whole();
}

#[test]
fn without_a_hook_and_with_github_away_for_a_while_it_comes_to_the_same() {
    let hub = Hub::new();
    hub.github.push_as("bob", NAME, "topic", (SERVICE, &service("one")));
    let number = hub.github.open("bob", NAME, "topic");
    let (daemon, _) = hub.serve();
    hub.world.eventually("a review", |_| !hub.github.comments(NAME, number).is_empty());
    hub.github.review("pat", NAME, (number, "APPROVED"));
    // Nothing is told; a look finds it. The first two requests are answered with faults.
    for _ in 0..2 {
        hub.github.play("GET", "/pulls", Trick::Answer(503, Vec::new(), "{}".to_owned()));
    }
    hub.settled_deliveries();
    daemon.kill();
    let (_daemon, _) = hub.serve();
    let merged = hub.github.merge(NAME, number);
    hub.eventually_checked(&merged, "trueline/apply", "success: 1 of 1 done");
    assert_eq!(hub.written().as_deref(), Some("one\n"));
}
