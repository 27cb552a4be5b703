//! Whether somebody may answer an approval, and whether what they fill in fits. It records nothing.

use axum::http::StatusCode;
use jiff::Timestamp;
use serde_json::{Map, Value};

use super::app::App;
use crate::engine::seal_outputs;
use crate::run::agrees;
use crate::serve::problem::{Pointed, Problem};
use crate::store::{Approval, ApprovalState, Decision, DecisionKind};

/// Refuses an approval that is not open, or that somebody may not answer.
pub(super) fn answerable(
    approval: &Approval,
    said: &[Decision],
    (who, now): (&str, Timestamp),
) -> Result<(), Problem> {
    let number = approval.number;
    if approval.state != ApprovalState::Open {
        let how = approval.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        let detail = format!("approval {number} is {} already{how}", approval.state);
        return Err(Problem::conflict(detail));
    }
    if let Some(until) = approval.expires_at.filter(|until| *until < now) {
        return Err(Problem::conflict(format!("its time passed at {until:.0}")));
    }
    if let Some(refusal) = approval.may.refusal(who) {
        return Err(Problem::forbidden(refusal));
    }
    let tally = approval.tally(said);
    if let Some((by, reason)) = tally.rejected {
        return Err(Problem::conflict(format!("{by} rejected it already: {reason}")));
    }
    if tally.is_enough {
        let detail = format!("{} granted it already", tally.granted.join(", "));
        return Err(Problem::conflict(detail));
    }
    Ok(())
}

/// Checks that somebody may grant an approval, and what they fill in; seals what is sensitive of it.
pub(super) async fn granting(
    app: &App,
    (approval, said): (&Approval, &[Decision]),
    (who, fields): (&str, Map<String, Value>),
) -> Result<Map<String, Value>, Problem> {
    let now = app.now();
    answerable(approval, said, (who, now))?;
    let tally = approval.tally(said);
    let mut counted = said.to_vec();
    let word = DecisionKind::Grant {
        approval: approval.number,
        comment: String::new(),
        answers: tally.answers.clone(),
    };
    counted.push(Decision { seq: i64::MAX, at: now, by: who.to_owned(), decision: word });
    if approval.tally(&counted).granted == tally.granted {
        return Err(Problem::conflict(format!(
            "you granted it already: it takes somebody else: {}",
            approval.missing(&tally)
        )));
    }
    if tally.granted.is_empty() {
        fits(approval, &fields)?;
    }
    let answers = sealed(app, approval, fields).await?;
    if !tally.granted.is_empty() && !agrees(&answers, &tally.answers) {
        let first = tally.granted.first().map(String::as_str).unwrap_or_default();
        return Err(Problem::conflict(format!(
            "{first} filled it in differently: leave `fields` out to agree, or reject it"
        )));
    }
    Ok(answers)
}

/// Checks answers as the fields of a service are checked, and tells all that is wrong.
fn fits(approval: &Approval, fields: &Map<String, Value>) -> Result<(), Problem> {
    let problems = approval.ask.form.check(fields);
    if problems.is_empty() {
        return Ok(());
    }
    let detail = "what was filled in does not fit the form";
    let problem = Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "unfit", detail);
    Err(problems.into_iter().fold(problem, |problem, one| {
        let said = match one.hint {
            Some(hint) => format!("{} ({hint})", one.message),
            None => one.message,
        };
        problem.with(Pointed::Pointer(format!("/fields{}", one.pointer)), said)
    }))
}

async fn sealed(
    app: &App,
    approval: &Approval,
    answers: Map<String, Value>,
) -> Result<Map<String, Value>, Problem> {
    let run = app.store().run(&approval.run).await?;
    let found = run.as_ref().and_then(|run| {
        run.change.units.iter().find_map(|unit| {
            let step = unit.steps.iter().find(|step| step.path == approval.step)?;
            Some((&unit.definition, &step.action.id))
        })
    });
    let Some((definition, action)) = found else {
        return Err(Problem::conflict("the run that asks for it is not in the store any more"));
    };
    Ok(seal_outputs(definition, action, answers, app.sealer()))
}
