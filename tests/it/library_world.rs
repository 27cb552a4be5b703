//! The starter library of `catalog-example` in a world of its counterparts: its documents as they are, with the
//! variables of the environment pointed at loopback, and the services that its page shows.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::github::FakeGitHub;
use crate::library_aws::{self, Aws};
use crate::library_dns::{self, Dns};
use crate::world::{World, has};

const TOKEN: &str = "t0ken-of-acme";

pub(crate) struct Library {
    pub(crate) world: World,
    pub(crate) aws: Aws,
    pub(crate) dns: Dns,
    pub(crate) github: FakeGitHub,
    _runtime: tokio::runtime::Runtime,
}

fn shipped() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("catalog-example")
}

/// Reads a file of the example.
pub(crate) fn shipped_file(name: &str) -> String {
    std::fs::read_to_string(shipped().join(name)).unwrap_or_else(|error| panic!("{name}: {error}"))
}

/// Path and text of all files below a folder of the example.
fn walk(folder: &Path, found: &mut Vec<(String, String)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, found);
            continue;
        }
        let name = path.strip_prefix(shipped()).unwrap().to_str().unwrap().to_owned();
        found.push((name, std::fs::read_to_string(&path).unwrap()));
    }
}

/// Returns the services that the page of the example shows, by the paths that they belong to.
pub(crate) fn examples() -> Vec<(String, String)> {
    let page = shipped_file("README.md");
    let blocks = page.split("```yaml\n").skip(1).map(|rest| rest.split("```").next().unwrap());
    let services = blocks.filter(|block| block.contains("kind: Service"));
    services
        .map(|block| {
            let part = |name: &str| {
                let rest = block.split(&format!("{name}: ")).nth(1).unwrap();
                rest.split([',', '}']).next().unwrap().to_owned()
            };
            (format!("services/{}/{}.yaml", part("team"), part("id")), block.to_owned())
        })
        .collect()
}

/// One of them.
pub(crate) fn example(id: &str) -> (String, String) {
    let found = examples().into_iter().find(|(path, _)| path.ends_with(&format!("/{id}.yaml")));
    found.unwrap_or_else(|| panic!("the page shows no {id}"))
}

impl Library {
    pub(crate) fn new() -> Self {
        let world = World::new();
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(1)
            .enable_all()
            .build()
            .unwrap();
        let book = world.path("ledger");
        let (github, aws, dns) = runtime.block_on(async {
            (FakeGitHub::start().await, Aws::start(&book).await, Dns::start(&book).await)
        });
        for name in ["acme/shop", "acme/deployments"] {
            github.add_repository(name);
        }
        let library = Self { world, aws, dns, github, _runtime: runtime };
        library.set_up();
        library
    }

    /// The operator's side, as the page says.
    fn set_up(&self) {
        let secrets = self.world.path("secrets");
        for (name, value) in [
            ("GITHUB_TOKEN", TOKEN),
            ("platform-compute/AWS_ACCESS_KEY_ID", library_aws::KEY_ID),
            ("platform-compute/AWS_SECRET_ACCESS_KEY", library_aws::KEY),
            ("platform-security/AWS_ACCESS_KEY_ID", library_aws::KEY_ID),
            ("platform-security/AWS_SECRET_ACCESS_KEY", library_aws::KEY),
            ("platform-network/DNS_API_KEY", library_dns::KEY),
            ("payments/PAYMENT_PROVIDER_KEY", library_aws::CANARY),
        ] {
            std::fs::create_dir_all(secrets.join(name).parent().unwrap()).unwrap();
            std::fs::write(secrets.join(name), value).unwrap();
        }
        let config = format!(
            "[[catalog]]\nname = \"test\"\nurl = \"catalog.git\"\n[egress]\nallow = [\"127.0.0.1:*\"]\n\
             [secrets]\nfolder = \"{}\"\n[forge.github]\napiUrl = \"{}\"\ntoken = {{secret = \"GITHUB_TOKEN\"}}\n",
            secrets.display(),
            self.github.api_url(),
        );
        std::fs::write(self.world.path("trueline.toml"), config).unwrap();
        self.push_modules();
        let mut files = Vec::new();
        walk(&shipped(), &mut files);
        files.retain(|(name, _)| !name.starts_with("services/"));
        for (name, text) in &mut files {
            if name.starts_with("environments/") {
                *text = self.pointed_at_loopback(text);
            }
        }
        let files: Vec<(&str, &str)> =
            files.iter().map(|(name, text)| (&**name, &**text)).collect();
        self.world.commit(&files);
    }

    /// Gives the variables of an environment other values; each of them must be there.
    fn pointed_at_loopback(&self, text: &str) -> String {
        let target = format!("file://{}", self.world.path("target.git").display());
        let modules = format!("git::file://{}//modules", self.world.path("modules.git").display());
        let values = [
            ("observabilityRepository", target),
            ("terraformModules", modules),
            ("awsParameterStore", self.aws.url()),
            ("awsSecretsManager", self.aws.url()),
            ("dnsApi", self.dns.url()),
        ];
        let mut text = text.to_owned();
        for (name, value) in values {
            let begin = format!("\n  {name}: ");
            let (before, after) = text.split_once(&begin).unwrap_or_else(|| panic!("no {name}"));
            let rest = after.split_once('\n').unwrap().1;
            text = format!("{before}{begin}{value}\n{rest}");
        }
        text
    }

    /// Pushes modules with the inputs and outputs of the shipped ones, whose resources need no account anywhere.
    fn push_modules(&self) {
        let book = self.world.path("ledger").display().to_string();
        for (name, outputs) in [
            (
                "aws-postgresql",
                &[
                    ("endpoint", "${var.name}.db.internal:5432"),
                    ("password_secret", "arn:aws:secretsmanager:${var.name}"),
                ][..],
            ),
            (
                "aws-object-storage",
                &[
                    ("bucket", "${var.name}"),
                    ("arn", "arn:aws:s3:::${var.name}"),
                    ("endpoint", "https://${var.name}.s3.internal"),
                ],
            ),
        ] {
            let path = self.world.path(&format!("modules/modules/{name}/main.tf"));
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            let text = stand_in(&shipped_file(&format!("modules/{name}/main.tf")), outputs, &book);
            std::fs::write(path, text).unwrap();
        }
        self.world.git(&["init", "-q", "-b", "main", "modules"]);
        self.world.git(&["-C", "modules", "add", "-A"]);
        self.world.git(&["-C", "modules", "commit", "-q", "-m", "stand-ins"]);
        self.world.git(&["clone", "-q", "--bare", "modules", "modules.git"]);
    }

    /// Commits services of the page.
    pub(crate) fn ask(&self, ids: &[&str]) {
        let found: Vec<(String, String)> = ids.iter().map(|id| example(id)).collect();
        let files: Vec<(&str, &str)> =
            found.iter().map(|(path, text)| (&**path, &**text)).collect();
        self.world.commit(&files);
    }

    /// Commits one of them changed.
    pub(crate) fn change(&self, id: &str, from: &str, to: &str) {
        let (path, text) = example(id);
        assert!(text.contains(from), "{id} has no `{from}`");
        self.world.commit(&[(&path, &text.replace(from, to))]);
    }

    /// Removes services, and approves that they are deleted.
    pub(crate) fn remove(&self, ids: &[&str]) {
        let found: Vec<(String, String)> = ids.iter().map(|id| example(id)).collect();
        let files: Vec<(&str, &str)> = found.iter().map(|(path, _)| (&**path, "")).collect();
        self.world.commit(&files);
        self.world.eventually("the deletion to be planned", |world| {
            let plan = world.plan();
            let changes = plan["changes"].as_array().unwrap();
            changes.len() == ids.len() && changes.iter().all(|change| change["kind"] == "delete")
        });
        self.world.approve_plan();
    }

    /// Approves until nothing waits for it: a forecast makes another plan of the same change.
    pub(crate) fn approved_and_settled(&self) {
        self.world.eventually("all to be approved and settled", |world| {
            let plan = world.plan();
            if has(&plan["changes"]) {
                world.trueline(&["approve", plan["digest"].as_str().unwrap()]);
                return false;
            }
            !has(&plan["running"])
        });
    }

    /// Waits until a service is at rest, and returns it as it is shown.
    pub(crate) fn shown(&self, id: &str) -> String {
        self.world.ok(&["service", "show", id, "-o", "json"])
    }

    /// Lines of what was done by Terraform, AWS and the DNS, in their order.
    pub(crate) fn book(&self) -> Vec<String> {
        let text = std::fs::read_to_string(self.world.path("ledger")).unwrap_or_default();
        text.lines().map(str::to_owned).collect()
    }

    /// Ends the newest run of a workflow once it is there, with what the shipped workflow hands out.
    pub(crate) fn end_workflow(&self, workflow: &str, count: usize) -> Value {
        let mut found = None;
        self.world.eventually(&format!("run {count} of {workflow}"), |_| {
            let state = self.github.state();
            let runs: Vec<u64> = state
                .runs
                .iter()
                .filter(|(_, run)| run.workflow == workflow)
                .map(|(id, _)| *id)
                .collect();
            assert!(runs.len() <= count, "{workflow} was dispatched {} times", runs.len());
            found = runs.get(count - 1).copied();
            found.is_some()
        });
        let id = found.unwrap();
        let inputs = self.github.state().runs[&id].inputs.clone();
        let text = br#"{"host": "ingress.internal", "url": "http://checkout.payments.svc"}"#;
        let zip = crate::github::zip(&[("outputs.json", text)]);
        self.github.end_run(id, "success", Some(("outputs", zip)));
        inputs
    }
}

/// The top-level blocks of a file of Terraform as `terraform fmt` writes it, each with its first line.
fn blocks(text: &str) -> Vec<(String, String)> {
    let mut found: Vec<(String, String)> = Vec::new();
    let mut open = false;
    for line in text.lines() {
        let opens = !open && line.ends_with('{') && !line.starts_with([' ', '#']);
        if opens {
            found.push((line.trim_end_matches(" {").to_owned(), String::new()));
        }
        open |= opens;
        if open {
            let last = &mut found.last_mut().unwrap().1;
            last.push_str(line);
            last.push('\n');
        }
        open &= line != "}";
    }
    found
}

/// Keeps the variables of a module as they are, and gives each of its outputs a value of its own.
fn stand_in(text: &str, outputs: &[(&str, &str)], book: &str) -> String {
    let blocks = blocks(text);
    let names = |kind: &str| -> Vec<String> {
        let of = blocks.iter().filter_map(|(head, _)| head.strip_prefix(kind));
        of.map(|name| name.trim().trim_matches('"').to_owned()).collect()
    };
    let variables = blocks.iter().filter(|(head, _)| head.starts_with("variable "));
    let mut module: String = variables.map(|(_, block)| block.clone()).collect();
    let input: Vec<String> =
        names("variable").iter().map(|name| format!("{name} = var.{name}")).collect();
    module += &format!(
        "resource \"terraform_data\" \"this\" {{\n  input = {{ {} }}\n  \
         provisioner \"local-exec\" {{\n    command = \"echo terraform made ${{var.name}} >> {book}\"\n  }}\n  \
         provisioner \"local-exec\" {{\n    when = destroy\n    command = \"echo terraform destroyed ${{self.input.name}} >> {book}\"\n  }}\n}}\n",
        input.join(", ")
    );
    let mut wanted = names("output");
    wanted.sort();
    let mut given: Vec<&str> = outputs.iter().map(|(name, _)| *name).collect();
    given.sort_unstable();
    assert_eq!(wanted, given, "the shipped module has other outputs");
    for (name, value) in outputs {
        let value = value.replace("var.name", "terraform_data.this.output.name");
        module += &format!("output \"{name}\" {{ value = \"{value}\" }}\n");
    }
    module
}
