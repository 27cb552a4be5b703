//! `trueline approval`: lists what runs ask people to approve, and records what they say to it. Sensitive answers are
//! sealed before they are written.

mod remote;
mod text;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use super::approve::record;
use super::context::Context;
use super::output::{Exit, Failure};
use super::render_ask::given;
use super::table::{Limit, Listed, ago, block, cell};
use crate::catalog::{Field, Form};
use crate::clock::Clock;
use crate::daemon::SystemClock;
use crate::engine::seal_outputs;
use crate::id::{RunId, StepPath};
use crate::reconcile::show::{masked, visible};
use crate::run::{Ask, agrees};
use crate::store::{Approval, ApprovalState, Decision, DecisionKind, Sealer, Store};

use text::{show_text, text};

/// What `approval` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists what runs wait for people to approve, newest first.
    List {
        /// Also those that were granted, rejected, or are void or expired.
        #[arg(long)]
        all: bool,
        #[command(flatten)]
        limit: Limit,
    },
    /// Shows one: who may answer, what was said, and what is to be filled in.
    Show {
        /// Its number.
        number: i64,
    },
    /// Grants one.
    Grant {
        /// Its number.
        number: i64,
        /// What to say to it.
        #[arg(long, default_value = "")]
        comment: String,
        /// What its form asks for; once for each field. Whoever grants first fills it in.
        #[arg(long = "field", value_name = "NAME=VALUE")]
        fields: Vec<String>,
    },
    /// Rejects one: its step fails.
    Reject {
        /// Its number.
        number: i64,
        /// Why.
        #[arg(long)]
        reason: String,
    },
}

/// Runs it.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    if let Some(server) = context.asks()? {
        return Box::pin(remote::run(context, &server, &options.command)).await;
    }
    let store = context.existing_store().await?;
    let now = SystemClock.now();
    match &options.command {
        Command::List { all, limit } => {
            let approvals = lines(&*store, !all, *limit).await?;
            let wire = ApprovalsWire { version: "trueline.approvals/v1", approvals };
            context.show(&wire, || text(&wire, now))?;
            return Ok(Exit::Success);
        }
        Command::Show { number } => {
            let (approval, said) = find(&*store, *number).await?;
            let approval = ApprovalLine::of(&approval, &said);
            let wire = ApprovalWire { version: "trueline.approval/v1", approval };
            context.show(&wire, || show_text(&wire.approval, now))?;
            return Ok(Exit::Success);
        }
        Command::Grant { number, comment, fields } => {
            let sealer = context.sealer()?;
            let who = (context.person(), now);
            let answers = granting(&*store, *number, (&who, fields), &sealer).await?;
            let comment = comment.clone();
            let decision = DecisionKind::Grant { approval: *number, comment, answers };
            record(context, &decision).await?;
            let who = cell(&who.0);
            context.remark(format!("granted approval {number} as {who} (self-declared)"));
        }
        Command::Reject { number, reason } => {
            let who = (context.person(), now);
            answerable(&*store, *number, &who).await?;
            let decision = DecisionKind::Refuse { approval: *number, reason: reason.clone() };
            record(context, &decision).await?;
            let who = cell(&who.0);
            context.remark(format!("rejected approval {number} as {who} (self-declared)"));
        }
    }
    if store.holder().await?.is_none() {
        context.remark("nobody drives: `trueline serve` or `trueline apply` goes on with it");
    }
    Ok(Exit::Success)
}

/// One approval, as listed.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ApprovalLine {
    number: i64,
    service: String,
    run: RunId,
    step: StepPath,
    state: ApprovalState,
    why: Option<String>,
    required: u32,
    granted: Vec<String>,
    comment: String,
    may: String,
    missing: String,
    #[serde(skip_deserializing)]
    fields: Vec<FieldLine>,
    answers: Map<String, Value>,
    opened_at: Timestamp,
    expires_at: Option<Timestamp>,
}

/// One field of its form.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct FieldLine {
    id: String,
    name: String,
    #[serde(rename = "type")]
    kind: &'static str,
    required: bool,
    description: Option<String>,
}

impl ApprovalLine {
    fn of(approval: &Approval, said: &[Decision]) -> Self {
        let tally = approval.tally(said);
        let is_filled = !tally.granted.is_empty();
        Self {
            number: approval.number,
            service: approval.service.clone(),
            run: approval.run.clone(),
            step: approval.step.clone(),
            state: approval.state,
            why: approval.why.clone(),
            required: approval.ask.required,
            missing: approval.missing(&tally),
            granted: tally.granted,
            comment: tally.comment,
            may: approval.may.to_string(),
            fields: fields_of(&approval.ask.form, is_filled),
            answers: tally.answers.iter().map(|(id, one)| (id.clone(), masked(one))).collect(),
            opened_at: approval.opened_at,
            expires_at: approval.expires_at,
        }
    }

    /// Returns its cells where it is open: number, service, age, what is missing.
    pub(super) fn cells_of_open(&self, now: Timestamp) -> [String; 4] {
        let age = ago(now, self.opened_at);
        [self.number.to_string(), self.service.clone(), age, self.missing.clone()]
    }

    /// Says how it is answered.
    fn how(&self) -> String {
        let field = |field: &FieldLine| format!(" --field {}=<{}>", field.id, field.kind);
        let wanted: String = self.fields.iter().filter(|field| field.required).map(field).collect();
        block("  ", &format!("trueline approval grant {}{}", self.number, visible(&wanted)))
            + &block("  ", &format!("trueline approval reject {} --reason …", self.number))
    }
}

/// Lists what is to be filled in: the first who grants does, and after that there is nothing any more.
fn fields_of(form: &Form, is_filled: bool) -> Vec<FieldLine> {
    let field = |field: &Field| FieldLine {
        id: field.id.clone(),
        name: field.name.clone(),
        kind: field.kind.word(),
        required: field.is_demanded(),
        description: field.description.clone(),
    };
    form.fields().filter(|_| !is_filled).map(field).collect()
}

/// Lists approvals, newest first.
pub(super) async fn lines(
    store: &dyn Store,
    only_open: bool,
    limit: Limit,
) -> Result<Listed<ApprovalLine>, Failure> {
    let listed = Listed::of(store.approvals(only_open).await?, limit);
    let mut items = Vec::new();
    for approval in &listed.items {
        let said = store.approval(approval.number).await?.map(|(_, said)| said);
        items.push(ApprovalLine::of(approval, &said.unwrap_or_default()));
    }
    Ok(Listed { total: listed.total, items, more: listed.more })
}

#[derive(Debug, Serialize)]
struct ApprovalsWire {
    version: &'static str,
    #[serde(flatten)]
    approvals: Listed<ApprovalLine>,
}

#[derive(Debug, Serialize)]
struct ApprovalWire {
    version: &'static str,
    #[serde(flatten)]
    approval: ApprovalLine,
}

async fn find(store: &dyn Store, number: i64) -> Result<(Approval, Vec<Decision>), Failure> {
    store.approval(number).await?.ok_or_else(|| {
        Failure::usage(format!("there is no approval {number}"))
            .hint("`trueline approval list` shows those that are open")
    })
}

/// Finds an approval that is open still, to which somebody may say something.
async fn answerable(
    store: &dyn Store,
    number: i64,
    (who, now): &(String, Timestamp),
) -> Result<(Approval, Vec<Decision>), Failure> {
    let (approval, said) = find(store, number).await?;
    let why = |why: String| Failure::usage(format!("approval {number}: {}", cell(&why)));
    if approval.state != ApprovalState::Open {
        let how = approval.why.as_ref().map(|why| format!(" ({why})")).unwrap_or_default();
        return Err(why(format!("it is {} already{how}", approval.state)));
    }
    if let Some(until) = approval.expires_at.filter(|until| until < now) {
        return Err(why(format!("its time passed at {until:.0}")));
    }
    if let Some(refusal) = approval.may.refusal(who) {
        let failure = why(refusal);
        return Err(match approval.may.unknown.as_slice() {
            [] => failure,
            teams => failure.hint(format!(
                "members are people (`@name` or a mail address) among `teams.{}.owners` of \
                 `trueline.yaml`, or name people under `approvers.users`",
                cell(&teams.join(", "))
            )),
        });
    }
    let tally = approval.tally(&said);
    if let Some((by, reason)) = tally.rejected {
        return Err(why(format!("{by} rejected it already: {reason}")));
    }
    if tally.is_enough {
        return Err(why(format!("{} granted it already", tally.granted.join(", "))));
    }
    Ok((approval, said))
}

/// Checks that somebody may grant an approval, and what they fill in; seals what is sensitive of it.
async fn granting(
    store: &dyn Store,
    number: i64,
    (who, texts): (&(String, Timestamp), &[String]),
    sealer: &Sealer,
) -> Result<Map<String, Value>, Failure> {
    let (approval, said) = answerable(store, number, who).await?;
    let tally = approval.tally(&said);
    let mut counted = said.clone();
    let word = DecisionKind::Grant {
        approval: number,
        comment: String::new(),
        answers: tally.answers.clone(),
    };
    counted.push(Decision { seq: i64::MAX, at: who.1, by: who.0.clone(), decision: word });
    if approval.tally(&counted).granted == tally.granted {
        let missing = cell(&approval.missing(&tally));
        return Err(Failure::usage(format!("approval {number}: you granted it already"))
            .hint(format!("it takes somebody else: {missing}")));
    }
    let answers = given(&approval.ask.form, texts)?;
    if tally.granted.is_empty() {
        check(number, &approval.ask, &answers)?;
    }
    let answers = sealed(store, &approval, answers, sealer).await?;
    if !tally.granted.is_empty() && !agrees(&answers, &tally.answers) {
        let first = tally.granted.first().map(|by| cell(by)).unwrap_or_default();
        return Err(Failure::usage(format!("approval {number}: {first} filled it in differently"))
            .hint("leave --field out to agree with what was filled in, or reject it"));
    }
    Ok(answers)
}

/// Checks answers as the fields of a service are checked, and tells all that is wrong.
fn check(number: i64, ask: &Ask, answers: &Map<String, Value>) -> Result<(), Failure> {
    let problems = ask.form.check(answers).into_iter().map(|problem| match problem.hint {
        Some(hint) => format!("{} ({hint})", problem.message),
        None => problem.message,
    });
    let problems: Vec<String> = problems.collect();
    if problems.is_empty() {
        return Ok(());
    }
    let said = cell(&problems.join("; "));
    Err(Failure::usage(format!("approval {number}: {said}"))
        .hint(format!("`trueline approval show {number}` shows what is to be filled in")))
}

async fn sealed(
    store: &dyn Store,
    approval: &Approval,
    answers: Map<String, Value>,
    sealer: &Sealer,
) -> Result<Map<String, Value>, Failure> {
    let run = store.run(&approval.run).await?;
    let found = run.as_ref().and_then(|run| {
        run.change.units.iter().find_map(|unit| {
            let step = unit.steps.iter().find(|step| step.path == approval.step)?;
            Some((&unit.definition, &step.action.id))
        })
    });
    let Some((definition, action)) = found else {
        return Err(Failure::usage(format!(
            "approval {} belongs to step `{}` of run {}, which is not in the store",
            approval.number,
            visible(&approval.step.0),
            visible(&approval.run.0)
        )));
    };
    Ok(seal_outputs(definition, action, answers, sealer))
}

#[cfg(test)]
#[path = "approval_tests.rs"]
mod tests;
