//! Calls the program `terraform`, and says what it means that it failed. It keeps nothing.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::action::Ports;
use crate::action::folder::WorkFolder;
use crate::action::process::{self, Cause, Ended, Order, Orphan, Patience, private_folder};
use crate::action::scrub::Scrub;
use crate::action::stop::Stop;
use crate::run::Fault;

/// The oldest version that has all that is used: `issensitive` came with it.
const OLDEST: semver::Version = semver::Version::new(1, 8, 0);
/// Words by which a fault of the network is recognised; what caused it may pass.
const NETWORK: [&str; 10] = [
    "connection refused",
    "connection reset",
    "i/o timeout",
    "no such host",
    "TLS handshake timeout",
    "context deadline exceeded",
    "503 Service Unavailable",
    "502 Bad Gateway",
    "429 Too Many Requests",
    "temporary failure in name resolution",
];

/// The program with all that its calls have in common.
pub(super) struct Program {
    pub(super) path: PathBuf,
    environment: Vec<(OsString, OsString)>,
    folder: PathBuf,
    note: PathBuf,
    patience: Patience,
    stop: Stop,
}

impl Program {
    /// Finds it, and prepares what it sees.
    pub(super) fn find(
        ports: &Ports,
        work: &WorkFolder,
        (folder, patience): (&Path, Patience),
        scrub: &mut Scrub,
    ) -> Result<Self, Fault> {
        let settings = &ports.operator.terraform;
        let name = settings.program.as_deref().unwrap_or("terraform");
        let path = process::find(name).map_err(|why| {
            Fault::terminal(format!(
                "{why}; install Terraform {OLDEST} or newer, or name the program in `[actions.terraform] program`"
            ))
        })?;
        let failed = |error: std::io::Error| {
            Fault::transient(format!("the work folder can't be prepared: {error}"))
        };
        let (mut environment, secrets) =
            process::environment(work.path(), &settings.environment).map_err(failed)?;
        scrub.add(secrets);
        let plugins = plugin_cache(&ports.state_dir).map_err(failed)?;
        for (name, value) in [
            ("TF_IN_AUTOMATION", "1".into()),
            ("TF_INPUT", "0".into()),
            ("CHECKPOINT_DISABLE", "1".into()),
            ("TF_PLUGIN_CACHE_DIR", plugins.into_os_string()),
        ] {
            environment.push((name.into(), value));
        }
        let folder = folder.to_owned();
        Ok(Self {
            path,
            environment,
            folder,
            note: work.note(),
            patience,
            stop: ports.stop.clone(),
        })
    }

    /// Calls it, and returns how it ended.
    pub(super) async fn call(&self, arguments: &[&str]) -> Result<Ended, Fault> {
        let order = Order {
            program: self.path.clone(),
            arguments: arguments.iter().map(Into::into).collect(),
            environment: self.environment.clone(),
            folder: self.folder.clone(),
            stdin: Vec::new(),
            note: self.note.clone(),
            // What was begun with everybody's approval comes to its end, and saves its state.
            orphan: if arguments.first() == Some(&"apply") {
                Orphan::Finish
            } else {
                Orphan::Interrupt
            },
        };
        process::run(order, self.patience, &self.stop).await
    }

    /// Calls it, and returns what it printed; anything but success is a fault.
    pub(super) async fn ok(&self, arguments: &[&str], scrub: &Scrub) -> Result<Vec<u8>, Fault> {
        let ended = self.call(arguments).await?;
        match ended.cause {
            Cause::Exit(0) => Ok(ended.stdout),
            _ => Err(failed(arguments, &ended, scrub)),
        }
    }

    /// Checks that it is new enough.
    pub(super) async fn check_version(&self, scrub: &Scrub) -> Result<(), Fault> {
        let printed = self.ok(&["version", "-json"], scrub).await?;
        let told: Value = serde_json::from_slice(&printed).unwrap_or_default();
        let version = told.get("terraform_version").and_then(Value::as_str).unwrap_or_default();
        let path = self.path.display();
        match semver::Version::parse(version) {
            Ok(version) if version >= OLDEST => Ok(()),
            Ok(version) => Err(Fault::terminal(format!(
                "{path} is version {version}; {OLDEST} or newer is needed"
            ))),
            Err(_) => Err(Fault::terminal(format!("{path} does not say which version it is"))),
        }
    }
}

/// Where providers are kept that several services use.
pub(super) fn plugin_cache(state: &Path) -> std::io::Result<PathBuf> {
    let place = state.join("terraform-plugins");
    private_folder(&place)?;
    place.canonicalize()
}

/// Says what it means that a call failed.
pub(super) fn failed(arguments: &[&str], ended: &Ended, scrub: &Scrub) -> Fault {
    let name = arguments.first().copied().unwrap_or_default();
    let said = ended.said(scrub);
    let colon = if said.is_empty() { "" } else { ": " };
    let all = String::from_utf8_lossy(&ended.stderr);
    let cut = |why: String| {
        let message = format!("`terraform {name}` {why}{colon}{said}");
        // Only what was applied may have had an effect.
        if name == "apply" { Fault::unknown(message) } else { Fault::transient(message) }
    };
    match ended.cause {
        Cause::Exit(_) if all.contains("Error acquiring the state lock") => {
            let id = all.lines().find_map(|line| line.split("ID:").nth(1)).unwrap_or("ID").trim();
            Fault::transient(format!(
                "the state is locked by somebody else; it is tried again. Where whoever holds it is gone for certain: terraform force-unlock {id}. Terraform says: {said}"
            ))
        }
        Cause::Exit(_) if NETWORK.iter().any(|words| all.contains(words)) => Fault::transient(
            format!("`terraform {name}` could not reach what it needs{colon}{said}"),
        ),
        Cause::Exit(code) => {
            Fault::terminal(format!("`terraform {name}` failed with exit code {code}{colon}{said}"))
        }
        Cause::Signal(signal) => cut(format!("was killed by signal {signal}")),
        Cause::TimedOut => cut("took too long, was asked to end and saved what it had".to_owned()),
        Cause::Stopped => cut("was asked to end because this process ends".to_owned()),
        Cause::Abandoned => cut("was ended".to_owned()),
        Cause::TooMuch => cut("wrote more than 64 MiB and was ended".to_owned()),
    }
}

/// Tells whether a saved plan was refused because the state is not what it was made from.
pub(super) fn is_stale(ended: &Ended) -> bool {
    let said = String::from_utf8_lossy(&ended.stderr);
    ended.cause == Cause::Exit(1)
        && (said.contains("Saved plan is stale")
            || said.contains("plan does not match the given state")
            || said.contains("different state lineage"))
}
