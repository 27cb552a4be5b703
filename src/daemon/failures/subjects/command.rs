//! `command` with a program that keeps a ledger by the key that it is given.

use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;

use async_trait::async_trait;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::failure::Failure;
use super::super::programs::Programs;
use super::super::subject::{Between, Shared, Subject};
use crate::action::Operator;

const MINT: &str = r#"#!/bin/sh
key=$TRUELINE_IDEMPOTENCY_KEY
grep -qx "$key" "$0.ledger" 2>/dev/null || echo "$key" >> "$0.ledger"
printf '{"id": "%s"}' "$1"
"#;

struct Command {
    folder: TempDir,
    programs: Programs,
}

pub(super) fn made() -> Shared {
    let folder = tempfile::tempdir().unwrap();
    let mint = folder.path().join("mint");
    std::fs::write(&mint, MINT).unwrap();
    std::fs::set_permissions(&mint, std::fs::Permissions::from_mode(0o755)).unwrap();
    let programs = Programs::instead_of(folder.path(), &mint.display().to_string());
    Arc::new(Command { folder, programs })
}

#[async_trait]
impl Subject for Command {
    fn document(&self) -> (Value, Value) {
        let env = json!({"KEY": "{{secrets.TOKEN}}"});
        (
            json!({"program": "program", "args": ["{{fields.size}}"], "env": env, "idempotent": true}),
            json!({"id": "/id"}),
        )
    }

    fn between(&self) -> Between<'_> {
        Between::Programs(&self.programs)
    }

    fn operator(&self) -> Operator {
        Operator { programs: vec![self.programs.path()], ..Operator::default() }
    }

    fn is_effect(&self, _: &str) -> bool {
        true
    }

    fn effects(&self) -> Vec<usize> {
        let ledger = std::fs::read_to_string(self.folder.path().join("mint.ledger"));
        vec![ledger.unwrap_or_default().lines().count()]
    }

    fn can(&self, failure: Failure) -> bool {
        failure != Failure::Redirect
    }
}
