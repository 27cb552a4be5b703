//! Tests of the `command` action: real programs that keep a ledger.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use super::*;
use crate::action::Operator;
use crate::action::testing::{call, ports};
use crate::run::FaultClass;

struct World {
    folder: tempfile::TempDir,
}

impl World {
    fn new(script: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let world = Self { folder };
        std::fs::write(world.program(), format!("#!/bin/sh\n{script}\n")).unwrap();
        let mode = std::fs::Permissions::from_mode(0o755);
        std::fs::set_permissions(world.program(), mode).unwrap();
        world
    }

    fn program(&self) -> PathBuf {
        self.folder.path().join("mint")
    }

    fn ledger(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("ledger")).unwrap_or_default()
    }

    async fn perform(&self, mut config: Value) -> Result<(Value, Map<String, Value>), Fault> {
        config["env"]["LEDGER"] = json!(self.folder.path().join("ledger").display().to_string());
        let mut call = call(config);
        call.outputs = [("id".to_owned(), "/id".to_owned())].into();
        self.call(&call).await
    }

    async fn call(&self, call: &Call) -> Result<(Value, Map<String, Value>), Fault> {
        let operator = Operator { programs: vec![self.program()], ..Operator::default() };
        let state_dir = self.folder.path().to_owned();
        let ports = Ports { operator: Arc::new(operator), state_dir, ..ports() };
        match Command.perform(&ports, call).await? {
            Outcome::Done { result, outputs } => Ok((result, outputs)),
            other => panic!("{other:?}"),
        }
    }
}

const MINT: &str = r#"grep -q "$TRUELINE_IDEMPOTENCY_KEY" "$LEDGER" 2>/dev/null || echo "$TRUELINE_IDEMPOTENCY_KEY $1" >> "$LEDGER"
printf '{"id": "%s", "stdin": "%s", "token": "hunter22", "service": "%s"}' "$1" "$(cat)" "$TRUELINE_SERVICE""#;

#[tokio::test]
async fn what_is_printed_is_the_result_and_done_twice_is_done_once() {
    let world = World::new(MINT);
    let config = json!({"program": "mint", "args": ["a b; $(x)", 7], "stdin": "in"});
    for _ in 0..2 {
        let (result, outputs) = world.perform(config.clone()).await.unwrap();
        let expected = json!({"id": "a b; $(x)", "stdin": "in", "token": "(sensitive)", "service": "payments-db"});
        assert_eq!(result["printed"], expected);
        assert_eq!(outputs["id"], "a b; $(x)");
    }
    assert_eq!(world.ledger(), "trueline-demo-u1-provision-1 a b; $(x)\n");
    assert_eq!(std::fs::read_dir(world.folder.path().join("command")).unwrap().count(), 0);
}

async fn check(script: &str, class: FaultClass, message: &str) {
    let fault = World::new(script).perform(json!({"program": "mint"})).await.unwrap_err();
    assert_eq!(fault.class, class, "{script}: {fault}");
    assert!(fault.message.contains(message), "{script}: {fault}");
    assert!(!fault.message.contains("hunter22") && fault.message.len() < 4000, "{fault}");
}

#[tokio::test]
async fn every_end_is_told_for_what_it_is() {
    check("echo no hunter22 >&2; exit 3", FaultClass::Terminal, "exit code 3: no (sensitive)")
        .await;
    check("exit 75", FaultClass::Transient, "asks to be tried again").await;
    check("kill -9 $$", FaultClass::Unknown, "signal 9").await;
    check("echo hello hunter22", FaultClass::Terminal, "not JSON (expected value").await;
    check("echo '{}'", FaultClass::Terminal, "output `id` is missing").await;
    check("head -c 2000000 /dev/zero | tr '\\0' 1", FaultClass::Terminal, "more than the").await;
    check("printf '\\377\\033[31mx' >&2; exit 1", FaultClass::Terminal, "exit code 1: \u{fffd}x")
        .await;
}

#[tokio::test]
async fn one_that_writes_without_end_is_ended_and_told_in_short() {
    let polite = "echo begins hunter22; cat /dev/zero";
    // It asks for more of the disk although it is asked to end.
    let deaf = "trap '' INT; echo begins hunter22 >&2; cat /dev/zero >&2";
    for script in [polite, deaf] {
        check(
            script,
            FaultClass::Unknown,
            "wrote more than 64 MiB and was ended: begins (sensitive)",
        )
        .await;
    }
}

#[tokio::test]
async fn one_that_takes_too_long_is_ended_and_nobody_knows() {
    let world = World::new("sleep 300");
    let mut slow = call(json!({"program": "mint"}));
    slow.timeout = Duration::from_secs(1);
    let fault = world.call(&slow).await.unwrap_err();
    assert_eq!(fault.class, FaultClass::Unknown);
    assert!(fault.message.contains("took too long"), "{fault}");
}

#[tokio::test]
async fn what_may_not_run_is_refused() {
    let world = World::new("echo '{\"id\": 1}'");
    for (config, message) in [
        (json!({"program": "/bin/sh", "args": ["-c", "id"]}), "does not allow `/bin/sh`"),
        (json!({"program": "../mint"}), "does not allow"),
        (json!({"program": "mint", "env": {"LD_PRELOAD": "x"}}), "decides what code runs"),
        (json!({"program": "mint", "env": {"A=B": "x"}}), "is not a name"),
        (json!({"program": "mint", "args": ["a\u{0}b"]}), "zero byte"),
    ] {
        let fault = world.perform(config).await.unwrap_err();
        assert!(fault.class == FaultClass::Terminal && fault.message.contains(message), "{fault}");
    }
    std::fs::set_permissions(world.program(), std::fs::Permissions::from_mode(0o644)).unwrap();
    let fault = world.perform(json!({"program": "mint"})).await.unwrap_err();
    assert!(fault.message.contains("chmod +x"), "{fault}");
    std::fs::remove_file(world.program()).unwrap();
    let fault = world.perform(json!({"program": "mint"})).await.unwrap_err();
    assert!(fault.message.contains("there is no"), "{fault}");
}

#[tokio::test]
async fn the_documented_example_is_valid_and_runs() {
    let mut config =
        crate::action::testing::documented(include_str!("../../../docs/actions/command.md"));
    let kind = crate::kinds::find("command").unwrap();
    assert_eq!(crate::kinds::config_problems(kind, &config), []);
    config["program"] = json!("mint");
    let world = World::new("echo \"{\\\"id\\\": \\\"$2 $4 $TEAM\\\"}\"");
    let (_, outputs) = world.perform(config).await.unwrap();
    assert_eq!(outputs["id"], "{{service.id}} 90 {{service.team}}");
}
