//! Terraform through the daemon: what it would change is shown and approved, exactly that is applied, drift is seen,
//! a deletion destroys, and a killed daemon makes nothing twice. The real program, and resources built into it.

use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use crate::kit::{place, service_of};
use crate::world::{World, has};

/// Tells whether the real program is missing, which no package manager of Debian brings.
pub(crate) fn is_missing() -> bool {
    let missing = std::process::Command::new("terraform").arg("version").output().is_err();
    if missing {
        eprintln!("skipped: there is no `terraform` on PATH");
    }
    missing
}

/// An item whose resource keeps a ledger, and takes as long to be made as a file is missing.
fn item(world: &World) -> String {
    let ledger = world.path("ledger").display().to_string();
    format!(
        r#"schemaVersion: catalog/v1
kind: CatalogItem
metadata:
  id: store
  name: A store
  description: A store that the tests look for, made by the real Terraform.
  version: 1.0.0
  category: tests
  owner: {{team: platform, contact: platform@example.com}}
presentation:
  form:
    groups:
      - id: main
        name: Main
        fields:
          - {{id: size, name: Size, type: number, required: true}}
fulfillment:
  strategy: {{mode: automatic}}
  manual:
    actions:
      - {{id: by-hand, type: manual-task, config: {{title: Do it, instructions: By hand}}}}
  automatic:
    actions:
      - id: provision
        type: terraform
        retry: {{attempts: 5, delay: 200ms}}
        config:
          variables: {{size: "{{{{fields.size}}}}"}}
          contentTemplate: |
            variable "size" {{ type = number }}
            resource "terraform_data" "store" {{
              input = {{ name = "{{{{service.id}}}}", size = var.size }}
              provisioner "local-exec" {{
                command = "echo made >> {ledger}; while test -e {ledger}.hold; do sleep 0.05; done"
              }}
              provisioner "local-exec" {{
                when    = destroy
                command = "echo destroyed >> {ledger}"
              }}
            }}
            output "endpoint" {{ value = "store://${{terraform_data.store.input.name}}" }}
            output "password" {{
              value     = "p-s3cret-${{terraform_data.store.input.name}}"
              sensitive = true
            }}
        outputs: {{endpoint: /endpoint, password: /password}}
outputs:
  endpoint: {{value: "{{{{outputs.provision.endpoint}}}}"}}
  password: {{value: "{{{{outputs.provision.password}}}}", sensitive: true}}
"#
    )
}

fn prepared() -> World {
    let world = World::new();
    world.commit(&[
        ("catalog/tests/store.yaml", &item(&world)),
        (&place("alpha-one"), &service_of("store", "alpha-one", 3)),
    ]);
    world
}

fn ledger(world: &World) -> String {
    std::fs::read_to_string(world.path("ledger")).unwrap_or_default().replace('\n', " ")
}

fn forecast(plan: &Value) -> Value {
    plan["changes"][0]["units"][0]["steps"][0]["forecast"].clone()
}

/// Approves the plan once it says what Terraform would do.
fn approve_forecast(world: &World) -> Value {
    let mut said = Value::Null;
    world.eventually("the forecast to be approved", |world| {
        let plan = world.plan();
        said = forecast(&plan);
        let digest = plan["digest"].as_str().unwrap();
        !said.is_null() && world.trueline(&["approve", digest]).status.success()
    });
    said
}

/// Finds the one work folder.
fn state_folder(world: &World) -> PathBuf {
    let entries = std::fs::read_dir(world.path(".trueline/terraform")).unwrap();
    let folders: Vec<PathBuf> = entries.map(|entry| entry.unwrap().path()).collect();
    let [folder] = folders.as_slice() else { panic!("{folders:?}") };
    folder.clone()
}

fn state_file(world: &World) -> PathBuf {
    state_folder(world).join("config/terraform.tfstate")
}

fn read(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

#[test]
fn from_the_forecast_to_the_end() {
    if is_missing() {
        return;
    }
    let world = prepared();
    let daemon = world.serve();
    world.eventually("the forecast", |world| !forecast(&world.plan()).is_null());
    let text = world.ok(&["plan"]);
    assert!(text.contains("terraform: 1 to add, 0 to change, 0 to destroy"), "{text}");
    assert!(text.contains("+ terraform_data.store") && text.contains("input.size: 3"), "{text}");
    assert_eq!(ledger(&world), "", "nothing is made before it is approved");
    approve_forecast(&world);
    world.settled();
    assert_eq!(ledger(&world), "made ");
    let shown = world.ok(&["service", "show", "alpha-one", "-o", "json"]);
    assert!(shown.contains("store://alpha-one") && !shown.contains("p-s3cret"), "{shown}");

    // Changed in place.
    world.commit(&[(&place("alpha-one"), &service_of("store", "alpha-one", 4))]);
    world.eventually("the change to be applied", |world| {
        // Terraform writes it in place: what is half written is read once more.
        let written = std::fs::read(state_file(world)).unwrap();
        let state: Value = serde_json::from_slice(&written).unwrap_or_default();
        state["resources"][0]["instances"][0]["attributes"]["input"]["value"]["size"] == 4
    });
    world.settled();
    assert_eq!(ledger(&world), "made ");

    // Tampered with.
    let file = state_file(&world);
    let mut state = read(&file);
    state["resources"][0]["instances"][0]["attributes"]["input"]["value"]["size"] = json!(9);
    state["serial"] = json!(state["serial"].as_u64().unwrap() + 1);
    std::fs::write(&file, state.to_string()).unwrap();
    world.eventually("the drift to be seen", |world| has(&world.plan()["drifted"]));
    let drifted = world.plan()["drifted"].to_string();
    assert!(drifted.contains("terraform_data.store/input/size"), "{drifted}");

    // Gone.
    world.commit(&[(&place("alpha-one"), ""), ("README.md", "gone")]);
    world.approve_plan();
    world.settled();
    assert_eq!(ledger(&world), "made destroyed ");
    assert_eq!(read(&state_file(&world))["resources"], json!([]));
    drop(daemon);
    world.audit_is_whole();
    let kept = std::fs::read(world.path(".trueline/trueline.db")).unwrap();
    let log = std::fs::read(world.path("serve.log")).unwrap();
    for bytes in [kept, log] {
        // The item's text, which says how it is made, may stand there; the value may not.
        let value = b"p-s3cret-alpha-one";
        let found = bytes.windows(value.len()).any(|part| part == value);
        assert!(!found, "it is in the store or the log");
    }
}

#[test]
fn killed_while_it_applies_makes_nothing_twice() {
    if is_missing() {
        return;
    }
    let world = prepared();
    std::fs::write(world.path("ledger.hold"), "").unwrap();
    let daemon = world.serve();
    approve_forecast(&world);
    world.eventually("the resource to be made", |world| ledger(world) == "made ");
    daemon.kill();
    // The program goes on; whoever comes next waits for it instead of beginning again.
    let daemon = world.serve();
    world.eventually("the step to be taken up", |world| {
        std::fs::read_to_string(world.path("serve.log")).unwrap().contains("resuming a step")
    });
    assert_eq!(ledger(&world), "made ");
    std::fs::remove_file(world.path("ledger.hold")).unwrap();
    world.settled();
    assert_eq!(ledger(&world), "made ");
    let runs = world.json(&["run", "list", "--service", "alpha-one"]);
    assert_eq!(runs["runs"][0]["state"], "succeeded", "{runs:#}");
    assert_eq!(runs["runs"].as_array().unwrap().len(), 1);
    // Whoever is told to stop tells its programs, and leaves none behind.
    assert_eq!(daemon.stop(), Some(0));
    world.audit_is_whole();
}

#[test]
fn told_to_stop_it_lets_terraform_save_its_state() {
    if is_missing() {
        return;
    }
    let world = prepared();
    std::fs::write(world.path("ledger.hold"), "").unwrap();
    let daemon = world.serve();
    approve_forecast(&world);
    world.eventually("the resource to be made", |world| ledger(world) == "made ");
    let note = || state_folder(&world).join("running.json");
    world.eventually("the program to be noted", |_| note().is_file());
    let pid = read(&note())["pid"].to_string();
    assert_eq!(daemon.stop(), Some(0));
    let gone = !Path::new("/proc").join(&pid).exists();
    assert!(gone && !note().exists(), "process {pid} is left behind");
    let state = read(&state_file(&world));
    assert_eq!(state["resources"][0]["instances"][0]["status"], "tainted", "{state:#}");
    // What was cut off half-way is made once more, within what was approved.
    std::fs::remove_file(world.path("ledger.hold")).unwrap();
    let _daemon = world.serve();
    world.settled();
    let runs = world.json(&["run", "list", "--service", "alpha-one"]);
    assert_eq!(runs["runs"].as_array().unwrap().len(), 1, "{runs:#}");
    assert_eq!(runs["runs"][0]["state"], "succeeded", "{runs:#}");
    assert_eq!(ledger(&world), "made made ");
}
