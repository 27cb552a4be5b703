//! `trueline service operate`, `suspend` and `resume`: proposes the state that an operation leads to, with the plan of that
//! shown first, or records that a person asked for one that leads to none. It carries out nothing.

mod remote;

use std::collections::BTreeMap;
use std::sync::Arc;

use clap::Args;
use serde::Serialize;
use serde_json::Value;

use super::approve::record;
use super::context::Context;
use super::output::{Exit, Failure, demand_reason};
use super::plan::only;
use super::request::{RequestLine, follow_remark, outcome_text, put_down};
use super::service_rollback::{no_history, path_of, told_of, unknown};
use super::table::cell;
use crate::catalog::{Blob, Catalog, Item, Service};
use crate::clock::Clock;
use crate::daemon::{Preview, SystemClock, compare};
use crate::engine::request::{Draft, Requester, row};
use crate::engine::{View, may_operate};
use crate::id::UnitKey;
use crate::reconcile::{UnitRow, show};
use crate::source::Source;
use crate::store::{DecisionKind, RequestKind, ServiceRequest, Store};
use crate::yaml;

pub(super) use remote::ask_server;

/// What `operate` takes.
#[derive(Debug, Args)]
pub(super) struct Options {
    /// Id of the service.
    id: String,
    /// Name of the operation, as the item calls it.
    operation: String,
    /// Why; it is kept with who says so.
    #[arg(long)]
    reason: String,
    /// Shows the plan, and proposes or asks for nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What `suspend` and `resume` take.
#[derive(Debug, Args)]
pub(super) struct StateOptions {
    /// Id of the service.
    id: String,
    /// Why; it is kept with who says so.
    #[arg(long)]
    reason: String,
    /// Shows the plan, and proposes nothing.
    #[arg(long)]
    dry_run: bool,
}

/// What somebody wants.
#[derive(Clone, Debug)]
pub(super) struct Wanted {
    id: String,
    what: What,
    reason: String,
    dry_run: bool,
}

#[derive(Clone, Debug)]
enum What {
    Operation(String),
    Suspend,
    /// To go on in the state in which it was left.
    Resume(String),
}

impl Options {
    pub(super) fn wanted(&self) -> Wanted {
        let what = What::Operation(self.operation.clone());
        let (id, reason) = (self.id.clone(), self.reason.clone());
        Wanted { id, what, reason, dry_run: self.dry_run }
    }
}

impl StateOptions {
    pub(super) fn suspended(&self) -> Wanted {
        self.wanted(What::Suspend)
    }

    pub(super) fn resumed(&self) -> Wanted {
        self.wanted(What::Resume(String::new()))
    }

    fn wanted(&self, what: What) -> Wanted {
        let (id, reason) = (self.id.clone(), self.reason.clone());
        Wanted { id, what, reason, dry_run: self.dry_run }
    }
}

/// What comes of it.
enum Comes {
    /// The file says another state.
    Written(Box<Written>),
    /// An operation that leads to no state.
    Asked(String),
}

struct Written {
    request: ServiceRequest,
    state: String,
    preview: Preview,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct OperateWire {
    version: &'static str,
    service: String,
    operation: Option<String>,
    state: Option<String>,
    plan: Option<Value>,
    request: Option<RequestLine>,
    proposal: Option<u64>,
    decision: Option<i64>,
}

/// Proposes it, or records that it is asked for.
pub(super) async fn run(context: &Context, mut wanted: Wanted) -> Result<Exit, Failure> {
    demand_reason(&wanted.reason)?;
    if let What::Resume(state) = &mut wanted.what {
        *state = applied_state(context, &wanted.id).await?;
    }
    let (mut source, name, asked) = (context.source()?, context.name.clone(), wanted.clone());
    let who = context.requester();
    let found = tokio::task::spawn_blocking(move || comes_of(&mut source, &asked, (&name, &who)));
    let comes = found.await.map_err(|_| Failure::usage("looking at the catalog broke down"))??;
    match comes {
        Comes::Written(written) => propose(context, &wanted, *written).await,
        Comes::Asked(operation) => ask(context, &wanted, operation).await,
    }
}

/// Returns the state in which a service was left, where that is recorded.
async fn applied_state(context: &Context, id: &str) -> Result<String, Failure> {
    let active = || "active".to_owned();
    let Ok(store) = context.existing_store().await else { return Ok(active()) };
    let rows = store.unit_rows().await?.into_iter();
    let own: Vec<UnitKey> = rows.map(|row| row.key).filter(|key| key.service == id).collect();
    let mut records = store.units(&own).await?.into_iter();
    let applied = records.find_map(|record| record.applied.map(|applied| applied.state));
    Ok(applied.unwrap_or_else(active))
}

/// Tells what comes of it, or why it makes no sense.
fn comes_of(
    source: &mut Source,
    wanted: &Wanted,
    (name, who): (&str, &Requester),
) -> Result<Comes, Failure> {
    let head = source.poll()?;
    let now = source.snapshot(&head)?;
    let path = path_of(&now, &wanted.id).ok_or_else(|| unknown(&wanted.id))?;
    let clock: &dyn Clock = &SystemClock;
    let catalog = compare(&now, &now, name, clock).judged.catalog.clone();
    let service = catalog.services.get(&wanted.id).map(|entry| &*entry.body);
    let service = service.ok_or_else(|| does_not_fit(&wanted.id, "it can't be read"))?;
    let Some(state) = state_of(service, &catalog, wanted)? else {
        let What::Operation(operation) = &wanted.what else { return Err(unknown(&wanted.id)) };
        return Ok(Comes::Asked(operation.clone()));
    };
    if source.mirror().is_none() {
        let hint = format!("write `state: {state}` into {}", cell(&path));
        return Err(no_history().hint(hint));
    }
    let before = now.files.get(&path).ok_or_else(|| unknown(&wanted.id))?.bytes.get().to_vec();
    let content = with_state(&path, &before, &state).ok_or_else(|| {
        Failure::failed(format!("`state` can't be written into {} in place", cell(&path)))
            .hint(format!("write `state: {state}` into it by hand"))
    })?;
    let mut after = now.clone();
    let id: Arc<str> = format!("{head} as {state}").into();
    after.files.insert(path.clone(), Blob { id, bytes: content.clone().into() });
    let preview = compare(&now, &after, name, clock);
    let mut findings = preview.judged.findings.iter();
    let wrong = findings.find(|it| it.is_error() && *it.place.path == *path);
    let why = wrong.map(|finding| finding.message.clone());
    let why = why.or_else(|| preview.plan.blocked.get(&wanted.id).map(|why| why.join("; ")));
    if let Some(why) = why {
        return Err(does_not_fit(&wanted.id, &why));
    }
    let draft = Draft {
        kind: RequestKind::Change,
        service: wanted.id.clone(),
        team: service.metadata.team.clone(),
        environment: service.metadata.environment.clone(),
        offer: service.offer().to_owned(),
        path,
        before: Some(before),
        content: Some(content),
        changes: vec![(
            "state".to_owned(),
            Some(service.state.as_str().into()),
            Some(state.as_str().into()),
        )],
        files: BTreeMap::new(),
        reason: wanted.reason.clone(),
    };
    let mut request = row(&draft, &now, who, clock.now());
    request.title = format!("Bring {} to the state {state}", wanted.id);
    Ok(Comes::Written(Box::new(Written { request, state, preview })))
}

/// Returns the state that the file is to say; nothing where an operation leads to none.
fn state_of(
    service: &Service,
    catalog: &Catalog,
    wanted: &Wanted,
) -> Result<Option<String>, Failure> {
    let (id, now) = (cell(&wanted.id), service.state.as_str());
    let already = |state: &str| Failure::failed(format!("`state` of {id} is {state} already"));
    match &wanted.what {
        What::Suspend if now == "suspended" => Err(already(now)),
        What::Suspend => Ok(Some("suspended".to_owned())),
        What::Resume(_) if now != "suspended" => {
            Err(Failure::failed(format!("{id} is not suspended, its `state` is {now}")))
        }
        What::Resume(state) => Ok(Some(state.clone())),
        What::Operation(operation) => {
            let items = items_of(service, catalog);
            let mut own = items.iter().filter_map(|it| it.fulfillment.operations.get(operation));
            let Some(first) = own.next() else {
                return Err(no_operation(&id, operation, &items));
            };
            if now == "suspended" {
                return Err(Failure::failed(format!("{id} is suspended"))
                    .hint(format!("trueline service resume {id} --reason …")));
            }
            let state = std::iter::once(first).chain(own).find_map(|it| it.state.clone());
            match state {
                Some(state) if state == now => Err(already(&state)),
                state => Ok(state),
            }
        }
    }
}

fn items_of<'c>(service: &Service, catalog: &'c Catalog) -> Vec<&'c Item> {
    let bundle = service.catalog_bundle.as_ref().and_then(|id| catalog.bundles.get(id));
    let parts = bundle.into_iter().flat_map(|bundle| &bundle.body.components);
    let ids = service.catalog_item.iter().chain(parts.map(|part| &part.catalog_item));
    ids.filter_map(|id| catalog.items.get(id)).map(|entry| &*entry.body).collect()
}

fn no_operation(id: &str, operation: &str, items: &[&Item]) -> Failure {
    let known = items.iter().flat_map(|item| item.fulfillment.operations.keys());
    let known: Vec<String> = known.map(|name| cell(name)).collect();
    let hint = match known.as_slice() {
        [] => "its item has no operations".to_owned(),
        known => format!("it has: {}", known.join(", ")),
    };
    Failure::usage(format!("{id} has no operation `{}`", cell(operation))).hint(hint)
}

fn does_not_fit(id: &str, why: &str) -> Failure {
    Failure::failed(format!("{} does not fit then: {}", cell(id), cell(why)))
        .hint("`trueline validate` shows what is wrong")
}

/// Writes the state into a document; nothing where it would not read back as meant.
fn with_state(path: &Arc<str>, source: &[u8], state: &str) -> Option<Vec<u8>> {
    let read = |text: &[u8]| {
        let (root, findings) = yaml::parse(path, text);
        root.filter(|_| !findings.iter().any(crate::finding::Finding::is_error))
    };
    let root = read(source)?;
    let text = if let Some(node) = root.get("state") {
        let old = yaml::edit::range_of(source, node.span())?;
        let (before, after) = (source.get(..old.start)?, source.get(old.end..)?);
        [before, state.as_bytes(), after].concat()
    } else {
        let line = yaml::edit::line_break(source);
        let gap = if source.ends_with(b"\n") { "" } else { line };
        [source, format!("{gap}state: {state}{line}").as_bytes()].concat()
    };
    let mut expected = root.to_json();
    expected.as_object_mut()?.insert("state".to_owned(), state.into());
    (read(&text)?.to_json() == expected).then_some(text)
}

/// Shows the plan, and asks for the change.
async fn propose(context: &Context, wanted: &Wanted, written: Written) -> Result<Exit, Failure> {
    let plan = only(written.preview.plan, &wanted.id);
    let mut request = written.request;
    request.body.push_str(&told_of(&plan));
    let request = match wanted.dry_run {
        true => None,
        false => Some(put_down(context, request).await?.1),
    };
    let operation = match &wanted.what {
        What::Operation(operation) => Some(operation.clone()),
        What::Suspend | What::Resume(_) => None,
    };
    let number = request.as_ref().and_then(|request| request.progress.proposal);
    let wire = OperateWire {
        version: "trueline.operate/v1",
        service: wanted.id.clone(),
        operation,
        state: Some(written.state.clone()),
        plan: Some(show::json(&plan)),
        request: request.as_ref().map(RequestLine::of),
        proposal: number,
        decision: None,
    };
    context.show(&wire, || {
        let text = show::text(&plan, show::Style { color: context.color, width: 100 });
        let said = format!("`state: {}` of {}", cell(&written.state), cell(&wanted.id));
        format!("{text}\n{}", outcome_text(wire.request.as_ref(), &said))
    })?;
    wire.request.iter().for_each(|line| follow_remark(context, line));
    Ok(Exit::Success)
}

/// Records that a person asks for an operation that leads to no state.
async fn ask(context: &Context, wanted: &Wanted, operation: String) -> Result<Exit, Failure> {
    let store = context.existing_store().await?;
    may_ask(&View::read(&*store).await?, wanted, &operation)?;
    let (service, reason) = (wanted.id.clone(), wanted.reason.clone());
    let word = DecisionKind::Operate { service, operation: operation.clone(), reason };
    let decision = match wanted.dry_run {
        true => None,
        false => Some(record(context, &word).await?),
    };
    let wire = OperateWire {
        version: "trueline.operate/v1",
        service: wanted.id.clone(),
        operation: Some(operation.clone()),
        state: None,
        plan: None,
        request: None,
        proposal: None,
        decision,
    };
    context.show(&wire, || {
        let said = format!("{} of {}", cell(&operation), cell(&wanted.id));
        match decision {
            Some(_) => format!("{said} is asked for, once"),
            None => format!("{said} could be asked for; nothing is recorded"),
        }
    })?;
    if decision.is_some() {
        context.remark(format!("said as {} (self-declared)", cell(&context.person())));
        if store.holder().await?.is_none() {
            context.remark("nobody drives: `trueline serve` or `trueline apply` acts on it");
        }
    }
    Ok(Exit::Success)
}

/// Refuses to ask for what can't be carried out now, and says why.
fn may_ask(view: &View, wanted: &Wanted, operation: &str) -> Result<(), Failure> {
    let rows: Vec<UnitRow> = view.rows.values().cloned().collect();
    let words = (&view.state.held, &view.state.operating);
    may_operate(words, &rows, (&wanted.id, operation))
        .map_err(|refused| Failure::failed(cell(&refused.message)).hint(cell(&refused.hint)))
}

#[cfg(test)]
#[path = "service_operate_tests.rs"]
mod tests;
