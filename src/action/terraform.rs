//! The `terraform` action: plans with the real program, applies exactly what was planned, looks at what became of it.
//! The state is Terraform's; it is never edited here.

mod changes;
mod config;
mod mapping;
mod program;
mod session;
mod state;
#[cfg(test)]
mod tests;

use std::fs;
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Map, json};

use self::changes::Changes;
use self::program::{failed, is_stale};
use self::session::{Session, has_folder};
use super::action::{Action, Call, Outcome, Ports, Withdrawn};
use super::git_commit::GitCommit;
use super::process::Cause;
use super::scrub::Scrub;
use crate::digest::Digest;
use crate::reconcile::{FieldChange, Forecast, Observation};
use crate::run::{Fault, Wait};

/// The most values of drift that are told.
const MAX_DRIFT: usize = 100;

/// The `terraform` action.
pub(super) struct Terraform;

/// Plans, and keeps the plan under the digest of what it says.
async fn forecast(ports: &Ports, call: &Call, scrub: &mut Scrub) -> Result<Forecast, Fault> {
    let session = Session::open(ports, call, "forecast", scrub).await?;
    let changes = session.changes("new", &[]).await?;
    let digest = Digest::of_json(&json!(changes));
    let name = digest.to_string();
    let kept = |error: std::io::Error| Fault::transient(format!("the plan can't be kept: {error}"));
    let file = session.plan_file(&name);
    fs::write(file.with_extension("json"), json!(changes).to_string()).map_err(kept)?;
    fs::rename(session.plan_file("new"), &file).map_err(kept)?;
    let _ = fs::remove_file(file.with_extension("attempted"));
    session.keep_plans(&name);
    let reference = json!({"folder": session.folder_name(), "plan": name});
    Ok(Forecast { digest, summary: changes.summary(), lines: changes.lines(), reference })
}

/// Brings about what the `config` says: what was approved where something was, else what is planned now.
async fn perform(ports: &Ports, call: &Call, scrub: &mut Scrub) -> Result<Outcome, Fault> {
    let mut session = Session::open(ports, call, "apply", scrub).await?;
    let approved = call.forecast.as_ref().and_then(|forecast| forecast.get("plan")?.as_str());
    match approved {
        Some(plan) => apply_approved(&session, plan).await?,
        None => {
            // After a lost answer nothing is left to be done, and the plan is empty.
            if !session.changes("late", &[]).await?.is_empty() {
                session.apply_or_fail("late").await?;
            }
        }
    }
    let state = session.state().await?;
    let outputs = state.outputs(call)?;
    session.keep_plans("");
    let result = json!({
        "folder": session.folder_name(),
        "workspace": session.config.workspace,
        "serial": state.serial,
        "lineage": state.lineage,
        "resources": state.resources(),
    });
    Ok(Outcome::Done { result: session.scrub.value(&result), outputs })
}

/// Applies exactly the plan that was approved. Where an earlier attempt may have applied some of it, what is left must
/// have been in it.
async fn apply_approved(session: &Session<'_>, plan: &str) -> Result<(), Fault> {
    let file = session.plan_file(plan);
    let attempted = file.with_extension("attempted");
    let was_attempted = attempted.exists();
    if !was_attempted && file.is_file() {
        fs::write(&attempted, "").map_err(|error| {
            Fault::transient(format!("can't write {}: {error}", attempted.display()))
        })?;
        let ended = session.apply(plan).await?;
        return match ended.cause {
            Cause::Exit(0) => Ok(()),
            _ if is_stale(&ended) => Err(stale("the state was changed after it was made")),
            _ => Err(failed(&["apply"], &ended, session.scrub)),
        };
    }
    let left = session.changes("left", &[]).await?;
    if left.is_empty() {
        return Ok(());
    }
    if file.is_file() {
        let ended = session.apply(plan).await?;
        match ended.cause {
            Cause::Exit(0) => return Ok(()),
            _ if is_stale(&ended) => {}
            _ => return Err(failed(&["apply"], &ended, session.scrub)),
        }
    }
    let known = fs::read(file.with_extension("json")).ok();
    let approved: Option<Changes> = known.and_then(|text| serde_json::from_slice(&text).ok());
    match approved {
        Some(approved) if left.is_part_of(&approved) => session.apply_or_fail("left").await,
        Some(_) => Err(stale("what is left to be done was not in it")),
        None => Err(stale("it is no longer there")),
    }
}

fn stale(why: &str) -> Fault {
    Fault::terminal(format!(
        "the plan that was approved can't be applied: {why}; `trueline service reconcile` makes a new forecast, which is approved anew"
    ))
}

/// Plans against what is there: whatever would change, or was changed, is drift.
async fn observe(ports: &Ports, call: &Call, scrub: &mut Scrub) -> Result<Observation, Fault> {
    let left = call.previous.as_ref().and_then(|left| left.result.get("resources")?.as_u64());
    if !has_folder(ports, call) && config::Config::read(call)?.is_local() {
        let reason = "its work folder is gone, and the state with it".to_owned();
        return Ok(Observation::Unknown { reason });
    }
    let mut session = Session::open(ports, call, "observe", scrub).await?;
    if session.state().await?.resources() == 0 && left.unwrap_or_default() > 0 {
        return Ok(Observation::Absent);
    }
    let plan = session.plan("seen", &[]).await?;
    let _ = fs::remove_file(session.plan_file("seen"));
    let wanted = Changes::of(&plan, "resource_changes", session.scrub);
    let drifted = Changes::of(&plan, "resource_drift", session.scrub);
    // What would be put right stands there; what only was refreshed was written otherwise.
    let mut changes: Vec<FieldChange> = Vec::new();
    for (name, attribute) in wanted.attributes() {
        let (before, after) = (attribute.after.clone(), attribute.before.clone());
        changes.push(FieldChange { name, before, after, immutable: false });
    }
    for (name, attribute) in drifted.attributes() {
        if !changes.iter().any(|change| change.name == name) {
            let (before, after) = (attribute.before.clone(), attribute.after.clone());
            changes.push(FieldChange { name, before, after, immutable: false });
        }
    }
    if changes.is_empty() && !wanted.is_empty() {
        changes.push(FieldChange {
            name: wanted.lines().first().cloned().unwrap_or_default(),
            before: None,
            after: None,
            immutable: false,
        });
    }
    changes.truncate(MAX_DRIFT);
    Ok(if changes.is_empty() { Observation::Same } else { Observation::Different { changes } })
}

/// Destroys what there is; nothing is done where there is nothing.
async fn undo(ports: &Ports, call: &Call, scrub: &mut Scrub) -> Result<Outcome, Fault> {
    let mut session = Session::open(ports, call, "destroy", scrub).await?;
    let state = session.state().await?;
    if state.resources() > 0 {
        session.plan("destroy", &["-destroy"]).await?;
        session.apply_or_fail("destroy").await?;
    }
    let state = session.state().await?;
    if state.resources() > 0 {
        return Err(Fault::terminal(format!(
            "{} resources are still in the state after everything was destroyed",
            state.resources()
        )));
    }
    session.keep_plans("");
    session.forget_plugins();
    let result = json!({"folder": session.folder_name(), "serial": state.serial, "resources": 0});
    Ok(Outcome::Done { result, outputs: Map::new() })
}

/// Takes secrets out of what comes back.
fn clean<T>(outcome: Result<T, Fault>, scrub: &Scrub) -> Result<T, Fault> {
    outcome.map_err(|fault| scrub.fault(&fault))
}

#[async_trait]
impl Action for Terraform {
    fn kind(&self) -> &'static str {
        "terraform"
    }

    async fn forecast(&self, ports: &Ports, call: &Call) -> Result<Option<Forecast>, Fault> {
        if mapping::is_mapped(&call.config) {
            return Ok(None);
        }
        let mut scrub = Scrub::of(call);
        let made = forecast(ports, call, &mut scrub).await;
        clean(made, &scrub).map(Some)
    }

    async fn perform(&self, ports: &Ports, call: &Call) -> Result<Outcome, Fault> {
        let mut scrub = Scrub::of(call);
        if mapping::is_mapped(&call.config) {
            let call = clean(mapping::filed(call, &scrub), &scrub)?;
            return GitCommit.perform(ports, &call).await;
        }
        let done = perform(ports, call, &mut scrub).await;
        clean(done, &scrub)
    }

    async fn look(&self, ports: &Ports, call: &Call, on: &Wait) -> Result<Outcome, Fault> {
        if mapping::is_mapped(&call.config) {
            return GitCommit.look(ports, &mapping::filed(call, &Scrub::of(call))?, on).await;
        }
        Ok(Outcome::Waiting { on: on.clone() })
    }

    async fn observe(&self, ports: &Ports, call: &Call) -> Result<Observation, Fault> {
        let mut scrub = Scrub::of(call);
        if mapping::is_mapped(&call.config) {
            return GitCommit.observe(ports, &mapping::filed(call, &scrub)?).await;
        }
        let seen = observe(ports, call, &mut scrub).await;
        let unknown = |fault: Fault| Observation::Unknown { reason: scrub.text(&fault.message) };
        Ok(seen.unwrap_or_else(unknown))
    }

    async fn adopt(&self, ports: &Ports, call: &Call) -> Result<Outcome, Fault> {
        if mapping::is_mapped(&call.config) {
            return GitCommit.adopt(ports, &mapping::filed(call, &Scrub::of(call))?).await;
        }
        // What terraform has not in its state, it would make a second time; `import` in the configuration takes it over.
        Err(Fault::terminal(
            "it can't be taken over: terraform knows only what is in its state; put `import` blocks into the \
             configuration, and have it created",
        ))
    }

    async fn undo(&self, ports: &Ports, call: &Call) -> Result<Outcome, Fault> {
        let mut scrub = Scrub::of(call);
        if mapping::is_mapped(&call.config) {
            return GitCommit.undo(ports, &mapping::filed(call, &scrub)?).await;
        }
        let done = undo(ports, call, &mut scrub).await;
        clean(done, &scrub)
    }

    fn takes_up(&self) -> bool {
        true
    }

    async fn withdraw(&self, ports: &Ports, call: &Call, on: &Wait) -> Result<Withdrawn, Fault> {
        if mapping::is_mapped(&call.config) {
            return GitCommit.withdraw(ports, &mapping::filed(call, &Scrub::of(call))?, on).await;
        }
        Ok(Withdrawn::Nothing)
    }

    /// A look may have to fetch providers.
    fn patience(&self) -> Duration {
        Duration::from_mins(5)
    }
}
