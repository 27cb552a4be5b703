//! One attempt at a configuration: its work folder locked, its files written, Terraform initialised. What it leaves
//! behind is the state, and the plans that are to be applied.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::changes::Changes;
use super::config::{Config, initialised_by, stays};
use super::program::{Program, failed, plugin_cache};
use super::state::State;
use crate::action::folder::{WorkFolder, place_of};
use crate::action::process::{Cause, Ended, Patience, private_folder};
use crate::action::scrub::Scrub;
use crate::action::{Call, Ports};
use crate::run::Fault;

/// Where the folders of all configurations are.
const AREA: &str = "terraform";
/// What the marker of a step that undoes adds to that of the step itself.
const UNDO: &str = ".undo";
/// How long Terraform waits for the lock of a state.
const LOCK_TIMEOUT: &str = "-lock-timeout=10s";

/// One attempt at a configuration.
pub(super) struct Session<'a> {
    call: &'a Call,
    pub(super) config: Config,
    work: WorkFolder,
    pub(super) program: Program,
    pub(super) scrub: &'a mut Scrub,
    patience: Patience,
    /// Files that hold a secret, and go with the session.
    secret_files: Vec<PathBuf>,
}

impl Drop for Session<'_> {
    fn drop(&mut self) {
        for file in &self.secret_files {
            let _ = fs::remove_file(file);
        }
    }
}

/// Names the folder of a step: where it was before, or else what its effects are known by.
pub(super) fn folder_of(call: &Call) -> String {
    let before = call.previous.as_ref().and_then(|left| left.result.get("folder")?.as_str());
    let own = call.marker.strip_suffix(UNDO).unwrap_or(&call.marker);
    before.unwrap_or(own).to_owned()
}

/// Tells whether a step has a folder.
pub(super) fn has_folder(ports: &Ports, call: &Call) -> bool {
    place_of(&ports.state_dir, (AREA, &folder_of(call))).is_dir()
}

fn io(doing: &str, path: &Path) -> impl FnOnce(std::io::Error) -> Fault {
    let text = format!("can't {doing} {}", path.display());
    move |error| Fault::transient(format!("{text}: {error}"))
}

impl<'a> Session<'a> {
    /// Opens the folder, writes the files and initialises Terraform.
    pub(super) async fn open(
        ports: &Ports,
        call: &'a Call,
        what: &str,
        scrub: &'a mut Scrub,
    ) -> Result<Self, Fault> {
        let config = Config::read(call)?;
        let patience = Patience::of(call.timeout);
        adopt(ports, call)?;
        let work = WorkFolder::open(&ports.state_dir, (AREA, &folder_of(call)), what).await?;
        if let Some(left) = work.left()
            && !left.wait(patience.until).await
        {
            return Err(Fault::transient(format!(
                "process {} of an earlier attempt still works on this configuration in {}; it is waited for",
                left.pid,
                work.path().display()
            )));
        }
        let place = work.path().join("config");
        for folder in [&place, &work.path().join("plans")] {
            private_folder(folder).map_err(io("make", folder))?;
        }
        let program = Program::find(ports, &work, (&place, patience), scrub)?;
        let mut session =
            Self { call, config, work, program, scrub, patience, secret_files: Vec::new() };
        session.refuse_lost_state()?;
        let files = session.config.files(&call.outputs)?;
        session.write(&files)?;
        session.initialise(ports, &files).await?;
        Ok(session)
    }

    pub(super) fn folder_name(&self) -> String {
        folder_of(self.call)
    }

    fn place(&self) -> PathBuf {
        self.work.path().join("config")
    }

    /// Returns where a plan is kept.
    pub(super) fn plan_file(&self, name: &str) -> PathBuf {
        self.work.path().join("plans").join(format!("{name}.tfplan"))
    }

    /// A state that was there and is gone is never taken for an empty one.
    fn refuse_lost_state(&self) -> Result<(), Fault> {
        let left =
            self.call.previous.as_ref().and_then(|left| left.result.get("resources")?.as_u64());
        if !self.config.is_local() || left.unwrap_or_default() == 0 {
            return Ok(());
        }
        let place = self.place();
        let file = match self.config.workspace.as_deref() {
            None | Some("default") => place.join("terraform.tfstate"),
            Some(name) => place.join("terraform.tfstate.d").join(name).join("terraform.tfstate"),
        };
        if file.is_file() {
            return Ok(());
        }
        Err(Fault::terminal(format!(
            "the state of what was applied is gone: there is no {}; put it back from a backup, for without it everything would be made a second time",
            file.display()
        )))
    }

    fn write(&mut self, files: &BTreeMap<String, String>) -> Result<(), Fault> {
        let place = self.place();
        let list = self.work.path().join("files.json");
        let known = fs::read(&list).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let known: Vec<String> = known.unwrap_or_default();
        let mut written: Vec<&String> = files.keys().collect();
        for name in &known {
            match files.contains_key(name) {
                true => {}
                false if stays(name) => written.push(name),
                false => drop(fs::remove_file(place.join(name))),
            }
        }
        let text = serde_json::to_vec(&written).unwrap_or_default();
        fs::write(&list, text).map_err(io("write", &list))?;
        for (name, text) in files {
            let path = place.join(name);
            if self.scrub.text(text) != *text {
                self.secret_files.push(path.clone());
            }
            let folder = path.parent().unwrap_or(&place);
            private_folder(folder).map_err(io("make", folder))?;
            let mut options = fs::OpenOptions::new();
            let opened = options.create(true).truncate(true).write(true).mode(0o600).open(&path);
            opened
                .and_then(|mut file| file.write_all(text.as_bytes()))
                .map_err(io("write", &path))?;
        }
        Ok(())
    }

    async fn initialise(
        &self,
        ports: &Ports,
        files: &BTreeMap<String, String>,
    ) -> Result<(), Fault> {
        let note = self.work.path().join("initialised");
        let wanted = initialised_by(files, &self.program.path.display().to_string());
        let is_there = self.place().join(".terraform").is_dir() || self.config.is_local();
        if is_there && fs::read_to_string(&note).is_ok_and(|known| known == wanted) {
            return self.select_workspace().await;
        }
        self.program.check_version(self.scrub).await?;
        {
            // Terraform's cache of providers is not made for two that write to it.
            let cache = plugin_cache(&ports.state_dir).map_err(io("make", &ports.state_dir))?;
            let until = self.patience.until;
            let _one = WorkFolder::open_until(&cache, ("", "one-at-a-time"), "init", until).await?;
            self.program.ok(&["init", "-input=false", "-no-color"], self.scrub).await?;
        }
        self.select_workspace().await?;
        fs::write(&note, wanted).map_err(io("write", &note))
    }

    async fn select_workspace(&self) -> Result<(), Fault> {
        let Some(name) = self.config.workspace.as_deref() else { return Ok(()) };
        let selected = self.place().join(".terraform/environment");
        if fs::read_to_string(selected).is_ok_and(|known| known.trim() == name) {
            return Ok(());
        }
        let arguments = ["workspace", "select", "-or-create", name];
        self.program.ok(&arguments, self.scrub).await.map(drop)
    }

    /// Plans, and saves the plan under a name.
    pub(super) async fn plan(&self, name: &str, more: &[&str]) -> Result<Value, Fault> {
        let file = self.plan_file(name).display().to_string();
        let out = format!("-out={file}");
        let usual = ["plan", "-input=false", "-no-color", LOCK_TIMEOUT, "-detailed-exitcode", &out];
        let arguments = [&usual[..], more].concat();
        let ended = self.program.call(&arguments).await?;
        if !matches!(ended.cause, Cause::Exit(0 | 2)) {
            return Err(failed(&arguments, &ended, self.scrub));
        }
        let shown = self.program.ok(&["show", "-json", &file], self.scrub).await?;
        serde_json::from_slice(&shown)
            .map_err(|error| Fault::terminal(format!("the plan can't be read: {error}")))
    }

    /// Plans, and returns what would change.
    pub(super) async fn changes(&self, name: &str, more: &[&str]) -> Result<Changes, Fault> {
        Ok(Changes::of_plan(&self.plan(name, more).await?, self.scrub))
    }

    /// Applies a saved plan, exactly.
    pub(super) async fn apply(&self, name: &str) -> Result<Ended, Fault> {
        let file = self.plan_file(name).display().to_string();
        self.program.call(&["apply", "-input=false", "-no-color", LOCK_TIMEOUT, &file]).await
    }

    /// Applies a saved plan, exactly; anything but success is a fault.
    pub(super) async fn apply_or_fail(&self, name: &str) -> Result<(), Fault> {
        let ended = self.apply(name).await?;
        match ended.cause {
            Cause::Exit(0) => Ok(()),
            _ => Err(failed(&["apply"], &ended, self.scrub)),
        }
    }

    /// Reads the state; what is sensitive in it is never said from then on.
    pub(super) async fn state(&mut self) -> Result<State, Fault> {
        let state = State::read(&self.program.ok(&["state", "pull"], self.scrub).await?)?;
        self.scrub.add(state.secrets());
        Ok(state)
    }

    /// Removes all plans but those of one name: a plan holds secrets in clear.
    pub(super) fn keep_plans(&self, name: &str) {
        let Ok(entries) = fs::read_dir(self.work.path().join("plans")) else { return };
        for entry in entries.flatten() {
            let path = entry.path();
            if path.file_stem().is_none_or(|stem| stem != name) {
                let _ = fs::remove_file(path);
            }
        }
    }

    /// Removes what can be fetched again.
    pub(super) fn forget_plugins(&self) {
        let _ = fs::remove_dir_all(self.place().join(".terraform"));
        let _ = fs::remove_file(self.work.path().join("initialised"));
    }
}

/// What was forecast of a unit that was not there yet becomes the folder of the unit.
fn adopt(ports: &Ports, call: &Call) -> Result<(), Fault> {
    let forecast = call.forecast.as_ref().and_then(|forecast| forecast.get("folder")?.as_str());
    let Some(forecast) = forecast else { return Ok(()) };
    let from = place_of(&ports.state_dir, (AREA, forecast));
    let to = place_of(&ports.state_dir, (AREA, &folder_of(call)));
    if from == to || to.exists() || !from.is_dir() {
        return Ok(());
    }
    fs::rename(&from, &to).map_err(io("move", &from))
}
