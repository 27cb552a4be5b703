//! `terraform` with the real program, whose resource keeps a ledger of when it is made and destroyed.

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tempfile::TempDir;

use super::super::failure::Failure;
use super::super::programs::Programs;
use super::super::subject::{Between, Shared, Subject};
use crate::action::{Operator, TerraformSettings};

const MAIN: &str = r#"
variable "size" { type = number }
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
"#;

struct Terraform {
    folder: TempDir,
    programs: Programs,
}

pub(super) fn made() -> Shared {
    let folder = tempfile::tempdir().unwrap();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::env::split_paths(&path).map(|folder| folder.join("terraform"));
    let real = places.find(|path| path.is_file()).expect("terraform is there");
    let programs = Programs::instead_of(folder.path(), &real.display().to_string());
    Arc::new(Terraform { folder, programs })
}

impl Terraform {
    fn told(&self, word: &str) -> Vec<usize> {
        let ledger = std::fs::read_to_string(self.folder.path().join("ledger"));
        vec![ledger.unwrap_or_default().lines().filter(|line| *line == word).count()]
    }
}

#[async_trait]
impl Subject for Terraform {
    fn document(&self) -> (Value, Value) {
        let ledger = self.folder.path().join("ledger").display().to_string();
        let variables = json!({"size": "{{fields.size}}", "password": "{{secrets.TOKEN}}"});
        let main = MAIN.replace("LEDGER", &ledger);
        (json!({"contentTemplate": main, "variables": variables}), json!({"id": "/id"}))
    }

    fn between(&self) -> Between<'_> {
        Between::Programs(&self.programs)
    }

    fn operator(&self) -> Operator {
        let program = Some(self.programs.path().display().to_string());
        let terraform = TerraformSettings { program, environment: Vec::new() };
        Operator { terraform, ..Operator::default() }
    }

    fn is_effect(&self, line: &str) -> bool {
        line.starts_with("apply")
    }

    fn effects(&self) -> Vec<usize> {
        self.told("made")
    }

    fn removals(&self) -> Vec<usize> {
        self.told("destroyed")
    }

    fn limit(&self) -> Duration {
        Duration::from_secs(24)
    }

    fn can(&self, failure: Failure) -> bool {
        failure != Failure::Redirect
    }
}
