//! Secrets that a program prints. It is started by its absolute path, without a shell and without our environment;
//! what it writes besides the secret is never shown.

use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;

use async_trait::async_trait;
use tokio::io::AsyncReadExt as _;
use tokio::process::Command;

use super::source::{MAX_SECRET_BYTES, Owner, Pattern, SecretKeeper, checked};
use crate::run::Fault;
use crate::secret::Secret;

/// A program that prints secrets.
#[derive(Debug)]
pub(super) struct CommandSecrets {
    pub(super) program: PathBuf,
    pub(super) arguments: Vec<String>,
    pub(super) operator: Option<String>,
    /// Variables of our environment that it is given.
    pub(super) environment: Vec<String>,
    /// Exit codes by which it says that there is no such secret.
    pub(super) missing: Vec<i32>,
    pub(super) timeout: Duration,
}

impl CommandSecrets {
    fn arguments(&self, owner: Owner<'_>, name: &str) -> Option<Vec<String>> {
        let fill = |text: &String| {
            Pattern { text: text.clone(), operator: self.operator.clone() }.fill(owner, name)
        };
        // Also a program that is told no team has no secrets of the operator unless it is said to.
        Pattern { text: String::new(), operator: self.operator.clone() }.fill(owner, name)?;
        self.arguments.iter().map(fill).collect()
    }

    async fn run(&self, arguments: Vec<String>) -> Result<(Option<i32>, Vec<u8>), Fault> {
        let program = self.program.display();
        let wrong = |why: &dyn std::fmt::Display| Fault::terminal(format!("{program}: {why}"));
        let kept = ["PATH", "HOME"].into_iter().chain(self.environment.iter().map(String::as_str));
        let kept = kept.filter_map(|name| Some((name.to_owned(), std::env::var_os(name)?)));
        let mut child = Command::new(&self.program)
            .args(arguments)
            .env_clear()
            .envs(kept)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .map_err(|error| wrong(&error.kind()))?;
        let mut bytes = Vec::new();
        if let Some(out) = child.stdout.take() {
            let limit = u64::try_from(MAX_SECRET_BYTES).unwrap_or(u64::MAX) + 8;
            out.take(limit).read_to_end(&mut bytes).await.map_err(|error| wrong(&error.kind()))?;
        }
        if bytes.len() > MAX_SECRET_BYTES {
            return Err(wrong(&"it printed more than 64 KiB"));
        }
        let status = child.wait().await.map_err(|error| wrong(&error.kind()))?;
        Ok((status.code(), bytes))
    }
}

#[async_trait]
impl SecretKeeper for CommandSecrets {
    async fn get(&self, owner: Owner<'_>, name: &str) -> Result<Option<Secret>, Fault> {
        let Some(arguments) = self.arguments(owner, name) else { return Ok(None) };
        let program = self.program.display();
        let ended = tokio::time::timeout(self.timeout, self.run(arguments)).await;
        let (code, bytes) = ended.map_err(|_| {
            Fault::transient(format!("{program} did not end within {} s", self.timeout.as_secs()))
        })??;
        match code {
            Some(0) => {}
            Some(code) if self.missing.contains(&code) => return Ok(None),
            Some(code) => return Err(Fault::terminal(format!("{program} ended with {code}"))),
            None => return Err(Fault::transient(format!("{program} was killed"))),
        }
        let text = String::from_utf8(bytes).map_err(|_| {
            Fault::terminal(format!("{program} printed something for `{name}` that is not UTF-8"))
        })?;
        checked(&text, owner, name).map(Some)
    }

    fn place(&self, _: Owner<'_>, _: &str) -> String {
        format!("what {} prints", self.program.display())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::action::SecretSource as _;
    use crate::run::FaultClass;

    /// `sh -c SCRIPT sh {team} {name}`: what a wrapper of `sops` would be.
    fn script(script: &str) -> CommandSecrets {
        let words = ["-c", script, "sh", "{team}", "[\"{name}\"]"];
        CommandSecrets {
            program: PathBuf::from("/bin/sh"),
            arguments: words.map(str::to_owned).into(),
            operator: Some("operator".to_owned()),
            environment: Vec::new(),
            missing: vec![44],
            timeout: Duration::from_secs(20),
        }
    }

    async fn check(text: &str, owner: Owner<'_>, expected: Result<&str, FaultClass>) {
        let found = script(text).find(owner, "KEY").await;
        let found = found.as_ref().map(Secret::reveal).map_err(|fault| fault.class);
        assert_eq!(found, expected, "{text}");
    }

    #[tokio::test]
    async fn what_it_prints_is_the_secret_and_names_are_arguments_of_their_own() {
        let team = Owner::Team("payments");
        check("printf '%s\\n' \"$1 $2\"", team, Ok("payments [\"KEY\"]")).await;
        check("printf '%s' \"$1 $2\"", Owner::Operator, Ok("operator [\"KEY\"]")).await;
        check("printf 'a\\nb\\n'", team, Ok("a\nb")).await;
        check("echo \"${CARGO_MANIFEST_DIR:-clean}\"", team, Ok("clean")).await;
        check("printf x; exit 44", team, Err(FaultClass::Terminal)).await;
        check("echo leaked >&2; exit 1", team, Err(FaultClass::Terminal)).await;
        check("kill -9 $$", team, Err(FaultClass::Transient)).await;
        check("true", team, Err(FaultClass::Terminal)).await;
        check("printf '\\377\\376'", team, Err(FaultClass::Terminal)).await;
        check("yes", team, Err(FaultClass::Terminal)).await;
        assert_eq!(script("exit 44").get(team, "KEY").await, Ok(None));
        assert_eq!(script("echo x").get(Owner::Team("operator"), "KEY").await, Ok(None));
    }

    #[tokio::test]
    async fn a_program_that_hangs_or_is_not_there_is_a_fault() {
        let slow = CommandSecrets { timeout: Duration::from_millis(50), ..script("exec sleep 60") };
        assert_eq!(
            slow.find(Owner::Operator, "KEY").await.unwrap_err().class,
            FaultClass::Transient
        );
        let none = CommandSecrets { program: "/no/such".into(), ..script("") };
        let fault = none.find(Owner::Operator, "KEY").await.unwrap_err();
        insta::assert_snapshot!(fault, @"/no/such: entity not found");
    }
}
