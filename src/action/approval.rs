//! The `approval` action: asks people for a yes or no, and waits. It never answers itself, and decides nothing: the
//! engine counts what people say.

use std::time::Duration;

use async_trait::async_trait;
use serde::Deserialize;
use serde_json::{Map, json};

use super::action::{Action, ApprovalRequest, Call, Outcome, Ports};
use super::scrub::Scrub;
use crate::catalog::{Form, duration};
use crate::reconcile::Observation;
use crate::run::{Ask, Fault, OnTimeout, Wait};

/// The `approval` action.
pub(super) struct Approval;

/// The rendered `config`.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Config {
    approvers: Named,
    #[serde(default = "one")]
    required: u32,
    #[serde(default)]
    timeout: Option<String>,
    #[serde(default)]
    on_timeout: OnTimeout,
    #[serde(default)]
    form: Form,
}

#[derive(Deserialize)]
struct Named {
    #[serde(default)]
    teams: Vec<String>,
    #[serde(default)]
    users: Vec<String>,
}

fn one() -> u32 {
    1
}

/// Returns what is asked, secrets masked: it is shown to whoever may answer.
fn request(call: &Call) -> Result<ApprovalRequest, Fault> {
    let scrub = Scrub::of(call);
    let config = Config::deserialize(&scrub.value(&call.config))
        .map_err(|error| Fault::terminal(format!("`config` cannot be read: {error}")))?;
    let timeout = config.timeout.as_deref().map(read).transpose()?;
    let Config { approvers: Named { teams, users }, required, on_timeout, form, .. } = config;
    if teams.is_empty() && users.is_empty() {
        return Err(Fault::terminal("`approvers` names nobody, so nobody can approve"));
    }
    Ok(ApprovalRequest { ask: Ask { teams, users, required, on_timeout, form }, timeout })
}

fn read(text: &str) -> Result<Duration, Fault> {
    duration(text)
        .ok_or_else(|| Fault::terminal(format!("`timeout` is `{text}`, not a duration such as 4h")))
}

#[async_trait]
impl Action for Approval {
    fn kind(&self) -> &'static str {
        "approval"
    }

    async fn perform(&self, _: &Ports, call: &Call) -> Result<Outcome, Fault> {
        request(call).map(Outcome::Approval)
    }

    /// The engine goes on with the step when people answered; until then it waits on.
    async fn look(&self, _: &Ports, _: &Call, on: &Wait) -> Result<Outcome, Fault> {
        Ok(Outcome::Waiting { on: on.clone() })
    }

    async fn observe(&self, _: &Ports, _: &Call) -> Result<Observation, Fault> {
        Ok(Observation::Same)
    }

    /// A word that was given stays given: there is nothing to take away.
    async fn undo(&self, _: &Ports, _: &Call) -> Result<Outcome, Fault> {
        Ok(Outcome::Done { result: json!({}), outputs: Map::new() })
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;
    use crate::action::testing::{call, ports};
    use crate::run::FaultClass;

    async fn asked(config: Value) -> Result<ApprovalRequest, Fault> {
        match Approval.perform(&ports(), &call(config)).await? {
            Outcome::Approval(request) => Ok(request),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn it_asks_the_same_however_often_it_is_asked() {
        let config = json!({
            "approvers": {"teams": ["leads"], "users": ["ada"]}, "required": 2, "timeout": "4h",
            "onTimeout": "continue",
            "form": {"groups": [{"id": "main", "name": "Use hunter22", "fields": [
                {"id": "until", "name": "Until", "type": "date", "required": true}]}]},
        });
        let first = asked(config.clone()).await.expect("asks");
        assert_eq!(Ok(&first), asked(config).await.as_ref());
        assert_eq!((first.ask.required, first.timeout), (2, Some(Duration::from_hours(4))));
        assert_eq!((first.ask.teams, first.ask.users), (vec!["leads".into()], vec!["ada".into()]));
        assert_eq!(first.ask.on_timeout, OnTimeout::Continue);
        assert_eq!(first.ask.form.groups[0].name, "Use (sensitive)");
    }

    #[tokio::test]
    async fn one_is_enough_and_there_is_time_where_nothing_is_said() {
        let asked = asked(json!({"approvers": {"users": ["ada"]}})).await.expect("asks");
        assert_eq!((asked.ask.required, asked.timeout), (1, None));
        assert_eq!(asked.ask.on_timeout, OnTimeout::Fail);
        assert_eq!(asked.ask.form, Form::default());
    }

    #[tokio::test]
    async fn a_config_that_cannot_be_asked_is_final() {
        for (config, expected) in [
            (json!(null), "cannot be read"),
            (json!({}), "approvers"),
            (json!({"approvers": {}}), "names nobody"),
            (json!({"approvers": {"users": "ada"}}), "cannot be read"),
            (json!({"approvers": {"users": ["ada"]}, "required": -1}), "cannot be read"),
            (json!({"approvers": {"users": ["ada"]}, "timeout": "soon"}), "not a duration"),
            (json!({"approvers": {"users": ["ada"]}, "form": {"groups": [1]}}), "cannot be read"),
        ] {
            let fault = asked(config.clone()).await.expect_err("refused");
            assert_eq!(fault.class, FaultClass::Terminal);
            assert!(fault.message.contains(expected), "{config}: {fault}");
        }
    }

    #[tokio::test]
    async fn it_waits_on_and_leaves_nothing_behind() {
        let on =
            Wait { on: "approval".into(), reference: json!({"approval": 3}), what: "3".into() };
        let call = call(json!({}));
        let outcome = Approval.look(&ports(), &call, &on).await;
        assert_eq!(outcome, Ok(Outcome::Waiting { on }));
        let undone = Approval.undo(&ports(), &call).await;
        assert!(matches!(undone, Ok(Outcome::Done { .. })), "{undone:?}");
    }
}
