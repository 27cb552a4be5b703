//! Tests of the `terraform` action with the real program and resources that are built into it. A ledger is kept by
//! what the resources run when they are made and destroyed.

use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::action::testing::{call, is_missing, ports};
use crate::action::{Operator, TerraformSettings};
use crate::digest::Digest;
use crate::id::RunId;
use crate::reconcile::StepRecord;
use crate::run::FaultClass;
use crate::secret::sensitive_output;

const MAIN: &str = r#"
variable "size" { type = number }
variable "ledger" {}
variable "password" { sensitive = true }
resource "terraform_data" "db" {
  input = { size = var.size, password = var.password }
  provisioner "local-exec" { command = "echo made >> LEDGER" }
  provisioner "local-exec" {
    when = destroy
    command = "echo destroyed >> LEDGER"
  }
}
output "id" { value = terraform_data.db.id }
output "password" {
  value = var.password
  sensitive = true
}
"#;

struct World {
    folder: tempfile::TempDir,
    settings: TerraformSettings,
}

impl World {
    fn new() -> Self {
        Self { folder: tempfile::tempdir().unwrap(), settings: TerraformSettings::default() }
    }

    fn ports(&self) -> Ports {
        let operator = Operator { terraform: self.settings.clone(), ..Operator::default() };
        let state_dir = self.folder.path().to_owned();
        Ports { operator: Arc::new(operator), state_dir, ..ports() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    fn ledger(&self) -> String {
        std::fs::read_to_string(self.path("ledger")).unwrap_or_default().replace('\n', " ")
    }

    fn config(&self, size: u32) -> Value {
        let main = MAIN.replace("LEDGER", &self.path("ledger").display().to_string());
        json!({"contentTemplate": main, "variables": {"size": size, "ledger": "x", "password": "hunter22"}})
    }

    async fn perform(&self, call: &Call) -> Result<(Value, Map<String, Value>), Fault> {
        match Terraform.perform(&self.ports(), call).await? {
            Outcome::Done { result, outputs } => Ok((result, outputs)),
            other => panic!("{other:?}"),
        }
    }

    async fn forecast(&self, call: &Call) -> Forecast {
        Terraform.forecast(&self.ports(), call).await.unwrap().unwrap()
    }

    async fn observe(&self, call: &Call) -> Observation {
        Terraform.observe(&self.ports(), call).await.unwrap()
    }

    fn state_file(&self) -> PathBuf {
        self.path("terraform/trueline-demo-u1-provision/config/terraform.tfstate")
    }

    /// Changes the state behind everybody's back.
    fn tamper(&self, change: impl FnOnce(&mut Value)) {
        let text = std::fs::read(self.state_file()).unwrap();
        let mut state: Value = serde_json::from_slice(&text).unwrap();
        change(&mut state);
        state["serial"] = json!(state["serial"].as_u64().unwrap() + 1);
        std::fs::write(self.state_file(), state.to_string()).unwrap();
    }
}

fn of(config: Value) -> Call {
    let outputs = [("id", "/id"), ("password", "/password")];
    let outputs = outputs.map(|(name, pointer)| (name.to_owned(), pointer.to_owned()));
    Call { outputs: outputs.into(), timeout: Duration::from_mins(2), ..call(config) }
}

/// Returns a later call of the same step.
fn after(call: &Call, result: Value) -> Call {
    let previous = StepRecord {
        action: "terraform".to_owned(),
        digest: Digest::of_bytes(b""),
        sent: call.config.clone(),
        result,
        outputs: Map::new(),
        run: RunId("r1".to_owned()),
        at: jiff::Timestamp::UNIX_EPOCH,
    };
    Call { previous: Some(previous), forecast: None, ..call.clone() }
}

#[tokio::test]
async fn what_was_forecast_is_applied_looked_at_and_destroyed() {
    if is_missing("terraform") {
        return;
    }
    let world = World::new();
    // What is not there yet goes by another name than what it becomes.
    let call = of(world.config(3));
    let asking = Call { marker: "forecast-demo-payments-db-provision".to_owned(), ..call.clone() };
    let forecast = world.forecast(&asking).await;
    assert_eq!(world.forecast(&asking).await.digest, forecast.digest, "the same says the same");
    insta::assert_snapshot!(forecast.lines.join("\n"), @r"
    + output id
        (known after apply)
    + output password
        (sensitive)
    + terraform_data.db
        id: (known after apply)
        input.password: (sensitive)
        input.size: 3
        output: (known after apply)
    ");
    assert_eq!(forecast.summary, "1 to add, 0 to change, 0 to destroy, 2 outputs change");
    assert_eq!(world.ledger(), "", "a forecast changes nothing");
    let call = Call { forecast: Some(forecast.reference), ..call };
    let (result, outputs) = world.perform(&call).await.unwrap();
    assert_eq!(result["resources"], 1);
    assert!(outputs["id"].is_string());
    assert_eq!(sensitive_output(&outputs["password"]), Some(&json!("hunter22")));
    assert!(!result.to_string().contains("hunter22"));
    // The answer was lost: nothing is done a second time.
    let (again, same) = world.perform(&call).await.unwrap();
    assert_eq!((&again["serial"], &same), (&result["serial"], &outputs));
    assert_eq!(world.ledger(), "made ");
    let call = after(&call, result);
    assert_eq!(world.observe(&call).await, Observation::Same);
    let undo = Call { marker: format!("{}.undo", call.marker), outputs: [].into(), ..call };
    for _ in 0..2 {
        let Outcome::Done { result, .. } = Terraform.undo(&world.ports(), &undo).await.unwrap()
        else {
            panic!("it is done");
        };
        assert_eq!(result["resources"], 0);
    }
    assert_eq!(world.ledger(), "made destroyed ");
    let inputs = world.state_file().with_file_name("trueline.auto.tfvars.json");
    assert!(!inputs.exists(), "values that hold a secret do not stay");
}

#[tokio::test]
async fn drift_is_told_attribute_by_attribute() {
    if is_missing("terraform") {
        return;
    }
    let world = World::new();
    let call = of(world.config(3));
    let (result, _) = world.perform(&call).await.unwrap();
    let call = after(&call, result);
    world.tamper(|state| {
        let attributes = &mut state["resources"][0]["instances"][0]["attributes"];
        attributes["input"]["value"]["size"] = json!(4);
        attributes["input"]["value"]["password"] = json!("other-secret");
    });
    let seen = world.observe(&call).await;
    let Observation::Different { changes } = &seen else { panic!("{seen:?}") };
    let size = changes.iter().find(|change| change.name == "terraform_data.db/input/size").unwrap();
    assert_eq!((&size.before, &size.after), (&Some(json!(3)), &Some(json!(4))));
    let told = json!(seen).to_string();
    assert!(!told.contains("hunter22") && !told.contains("other-secret"), "{told}");
    // Put right by what made it: in place, so nothing is made again.
    let (result, _) = world.perform(&call).await.unwrap();
    assert_eq!(world.observe(&after(&call, result)).await, Observation::Same);
    assert_eq!(world.ledger(), "made ");
    world.tamper(|state| state["resources"] = json!([]));
    assert_eq!(world.observe(&call).await, Observation::Absent);
}

#[tokio::test]
async fn a_lost_state_is_no_empty_state() {
    if is_missing("terraform") {
        return;
    }
    let world = World::new();
    let call = of(world.config(3));
    let (result, _) = world.perform(&call).await.unwrap();
    let call = after(&call, result);
    std::fs::remove_file(world.state_file()).unwrap();
    let fault = world.perform(&call).await.unwrap_err();
    assert!(fault.message.contains("the state of what was applied is gone"), "{fault}");
    assert!(Terraform.undo(&world.ports(), &call).await.is_err());
    assert!(matches!(world.observe(&call).await, Observation::Unknown { .. }));
    assert_eq!(world.ledger(), "made ");
}

#[tokio::test]
async fn a_plan_that_is_stale_is_not_applied() {
    if is_missing("terraform") {
        return;
    }
    let world = World::new();
    let call = of(world.config(3));
    let (result, _) = world.perform(&call).await.unwrap();
    let wanted = after(&Call { config: world.config(5), ..call }, result);
    let forecast = world.forecast(&wanted).await;
    assert!(forecast.lines.contains(&"    input.size: 3 → 5".to_owned()), "{:?}", forecast.lines);
    world.tamper(|state| {
        state["resources"][0]["instances"][0]["attributes"]["input"]["value"]["size"] = json!(4);
    });
    let fault = world.perform(&Call { forecast: Some(forecast.reference), ..wanted.clone() }).await;
    let fault = fault.unwrap_err();
    assert_eq!(fault.class, FaultClass::Terminal);
    assert!(fault.message.contains("the state was changed after it was made"), "{fault}");
    // A new forecast says what there is to do now.
    let forecast = world.forecast(&wanted).await;
    assert!(forecast.lines.contains(&"    input.size: 4 → 5".to_owned()), "{:?}", forecast.lines);
    world.perform(&Call { forecast: Some(forecast.reference), ..wanted }).await.unwrap();
}

#[tokio::test]
async fn what_failed_half_way_is_finished_within_what_was_approved() {
    if is_missing("terraform") {
        return;
    }
    let world = World::new();
    let ledger = world.path("ledger").display().to_string();
    let main = format!(
        r#"
resource "terraform_data" "a" {{
  provisioner "local-exec" {{ command = "echo a >> {ledger}" }}
}}
resource "terraform_data" "b" {{
  input = terraform_data.a.id
  provisioner "local-exec" {{ command = "test -e {ledger}.ready && echo b >> {ledger}" }}
}}
"#
    );
    let call = Call { outputs: [].into(), ..of(json!({"contentTemplate": main})) };
    let forecast = world.forecast(&call).await;
    let call = Call { forecast: Some(forecast.reference), ..call };
    let fault = world.perform(&call).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Terminal);
    assert!(fault.message.contains("exit code 1"), "{fault}");
    std::fs::write(format!("{ledger}.ready"), "").unwrap();
    world.perform(&call).await.unwrap();
    assert_eq!(world.ledger(), "a b ");
}

#[tokio::test]
async fn one_that_takes_too_long_saves_its_state() {
    if is_missing("terraform") {
        return;
    }
    let world = World::new();
    let main = r#"
resource "terraform_data" "a" {}
resource "terraform_data" "b" {
  input = terraform_data.a.id
  provisioner "local-exec" { command = "while :; do sleep 0.1; done" }
}
"#;
    let mut call = of(json!({"contentTemplate": main}));
    (call.outputs, call.timeout) = ([].into(), Duration::from_secs(12));
    let fault = world.perform(&call).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Unknown, "{fault}");
    assert!(fault.message.contains("saved what it had"), "{fault}");
    let state: Value = serde_json::from_slice(&std::fs::read(world.state_file()).unwrap()).unwrap();
    assert_eq!(state["resources"].as_array().unwrap().len(), 2, "{state:#}");
}

#[tokio::test]
async fn a_module_is_called_in_a_workspace_and_tells_what_is_sensitive() {
    if is_missing("terraform") {
        return;
    }
    let world = World::new();
    let module = r#"
variable "name" {}
output "shown" { value = "https://${var.name}" }
output "hidden" {
  value = { deep = sensitive("s3cret-value") }
}
"#;
    let config = json!({"module": {"source": "./m"}, "files": {"m/main.tf": module},
                        "variables": {"name": "${x}"}, "workspace": "team-a"});
    let mut call = of(config);
    call.outputs = [("url", "/shown"), ("deep", "/hidden/deep")]
        .map(|(name, pointer)| (name.to_owned(), pointer.to_owned()))
        .into();
    let (result, outputs) = world.perform(&call).await.unwrap();
    assert_eq!((&result["workspace"], &outputs["url"]), (&json!("team-a"), &json!("https://${x}")));
    assert_eq!(sensitive_output(&outputs["deep"]), Some(&json!("s3cret-value")));
    let place = world.state_file().with_file_name("terraform.tfstate.d").join("team-a");
    assert!(place.join("terraform.tfstate").is_file());
}

#[tokio::test]
async fn what_terraform_says_is_told_without_secrets() {
    if is_missing("terraform") {
        return;
    }
    let world = World::new();
    let wrong = "output \"x\" { value = hunter22.nope.x }";
    let fault = world.perform(&of(json!({"contentTemplate": wrong}))).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Terminal);
    assert!(fault.message.contains("Reference to undeclared resource"), "{fault}");
    assert!(!fault.message.contains("hunter22") && !fault.message.contains('╷'), "{fault}");
}

#[tokio::test]
async fn a_program_that_is_missing_or_too_old_is_told() {
    let mut world = World::new();
    let call = of(world.config(1));
    world.settings.program = Some("no-such-terraform".to_owned());
    let fault = world.perform(&call).await.unwrap_err();
    assert!(fault.message.contains("[actions.terraform] program"), "{fault}");
    let old = world.path("old");
    std::fs::write(&old, "#!/bin/sh\necho '{\"terraform_version\": \"1.5.7\"}'\n").unwrap();
    std::fs::set_permissions(&old, std::fs::Permissions::from_mode(0o755)).unwrap();
    world.settings.program = Some(old.display().to_string());
    let fault = world.perform(&call).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Terminal);
    assert!(fault.message.contains("is version 1.5.7; 1.8.0 or newer is needed"), "{fault}");
}

#[tokio::test]
async fn a_state_that_somebody_else_has_locked_is_waited_for() {
    if is_missing("terraform") {
        return;
    }
    let world = World::new();
    let locked = world.path("locked");
    let script = "#!/bin/sh\ncase $1 in version) echo '{\"terraform_version\": \"1.9.0\"}';; plan) \
                  printf '╷\\n│ Error: Error acquiring the state lock\\n│ Lock Info:\\n│   ID:        4f2a\\n│   Who:       ada@laptop\\n' >&2; exit 1;; esac\n";
    std::fs::write(&locked, script).unwrap();
    std::fs::set_permissions(&locked, std::fs::Permissions::from_mode(0o755)).unwrap();
    let settings =
        TerraformSettings { program: Some(locked.display().to_string()), ..Default::default() };
    let world = World { settings, ..world };
    let fault = world.perform(&of(world.config(1))).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Transient);
    assert!(
        fault.message.contains("terraform force-unlock 4f2a")
            && fault.message.contains("ada@laptop"),
        "{fault}"
    );
}

#[tokio::test]
async fn the_documented_example_is_valid_and_runs() {
    if is_missing("terraform") {
        return;
    }
    let config =
        crate::action::testing::documented(include_str!("../../../docs/actions/terraform.md"));
    let kind = crate::kinds::find("terraform").unwrap();
    assert_eq!(crate::kinds::config_problems(kind, &config), []);
    let text = config.to_string().replace("{{service.id}}", "db").replace("{{fields.size}}", "3");
    let mut call = of(serde_json::from_str(&text).unwrap());
    call.outputs = [("url".to_owned(), "/url".to_owned())].into();
    let (_, outputs) = World::new().perform(&call).await.unwrap();
    assert_eq!(outputs["url"], "db://db");
}
