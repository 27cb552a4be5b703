//! `trueline request submit`: makes the file, checks it, takes the request down and files its proposal. Nothing is pushed that
//! the rules find fault with.

use std::collections::BTreeMap;
use std::time::Duration;

use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value};

use super::desk::desk;
use super::follow::{exit_of, wait};
use super::{RequestLine, standing_text};
use crate::catalog::{Catalog, Snapshot};
use crate::cli::context::Context;
use crate::cli::output::{Exit, Failure};
use crate::cli::plan::only;
use crate::cli::service_rollback::no_history;
use crate::cli::table::{block, cell};
use crate::clock::Clock;
use crate::daemon::{SystemClock, compare};
use crate::engine::request::{
    Ask, Checked, Desk, Draft, Sight, Wrong, check, compose, form_of, row, typed,
};
use crate::finding::Finding;
use crate::reconcile::show;
use crate::source::Source;
use crate::store::{RequestAdded, RequestKind, ServiceRequest, ServiceRequestStore as _};
use crate::validate::Judge;

/// Version of the wire form of what a request would do.
pub(super) const PREVIEW: &str = "trueline.request-preview/v1";

/// What `submit` takes.
#[derive(Clone, Debug, Default, Args)]
pub(super) struct Options {
    /// The item or bundle that a new service is of.
    #[arg(value_name = "ITEM", required_unless_present = "service", conflicts_with = "service")]
    pub(super) item: Option<String>,
    /// The service that is to be different, or gone.
    #[arg(long, value_name = "ID")]
    pub(super) service: Option<String>,
    /// Id of the new service; made of its name, or of team and item, where it is left out.
    #[arg(long, value_name = "ID")]
    pub(super) id: Option<String>,
    /// Team of the new service; the only one, where there is one.
    #[arg(long, value_name = "ID")]
    pub(super) team: Option<String>,
    /// Environment; of a new service the only one, where there is one.
    #[arg(long, value_name = "ID")]
    pub(super) environment: Option<String>,
    /// What it is for.
    #[arg(long, value_name = "TEXT")]
    pub(super) description: Option<String>,
    /// A field, read by its type; `NAME:=JSON` takes the value as it stands, such as `{"secret": "NAME"}`.
    #[arg(long, value_name = "NAME=VALUE")]
    pub(super) field: Vec<String>,
    /// A field that is to have its default again.
    #[arg(long, value_name = "NAME")]
    pub(super) unset: Vec<String>,
    /// A service that must be there first.
    #[arg(long, value_name = "ID")]
    pub(super) depends_on: Vec<String>,
    /// The state to bring it to: active, suspended, or one that an operation of the item leads to.
    #[arg(long, value_name = "STATE")]
    pub(super) to: Option<String>,
    /// The day after which it should be gone; an empty one takes the day away.
    #[arg(long, value_name = "DATE")]
    pub(super) expires: Option<String>,
    /// Asks for the end of the service.
    #[arg(long, requires = "service")]
    pub(super) delete: bool,
    /// Why; people read it in the proposal.
    #[arg(long, default_value = "", value_name = "TEXT")]
    pub(super) reason: String,
    /// Shows the file and the plan, and asks for nothing.
    #[arg(long)]
    pub(super) dry_run: bool,
    /// Waits until it is carried out, was turned down, or failed.
    #[arg(long)]
    pub(super) wait: bool,
    /// How long is waited at most.
    #[arg(long, value_name = "DURATION", value_parser = crate::cli::args::duration, requires = "wait")]
    pub(super) timeout: Option<Duration>,
}

/// A request that fits, and what it was made from.
struct Made {
    head: Snapshot,
    draft: Draft,
    checked: Checked,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct MisfitWire {
    version: &'static str,
    fits: bool,
    errors: Vec<WrongWire>,
}

/// One thing that does not fit.
#[derive(Debug, Serialize)]
pub(super) struct WrongWire {
    pub(super) pointer: String,
    pub(super) message: String,
    pub(super) hint: Option<String>,
    pub(super) place: Option<crate::finding::Place>,
}

/// What a request would do.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct DryWire {
    pub(super) version: &'static str,
    pub(super) fits: bool,
    pub(super) kind: RequestKind,
    pub(super) service: String,
    pub(super) path: String,
    pub(super) content: Option<String>,
    pub(super) diff: String,
    pub(super) remarks: Vec<Finding>,
    pub(super) plan: Value,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct SubmittedWire<'a> {
    version: &'static str,
    fits: bool,
    /// It was asked for before, and is open.
    known: bool,
    #[serde(flatten)]
    line: &'a RequestLine,
}

/// Asks for it.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    let (source, asked) = (context.source()?, options.clone());
    if source.mirror().is_none() {
        return Err(no_history());
    }
    let made = tokio::task::spawn_blocking(move || made(source, &asked));
    let made = made.await.map_err(|_| Failure::usage("making the request broke down"))??;
    match made {
        Err(wrong) => misfit(context, wrong),
        Ok(made) if options.dry_run => dry(context, made).await,
        Ok(made) => submit(context, options, made).await,
    }
}

fn made(mut source: Source, options: &Options) -> Result<Result<Made, Vec<Wrong>>, Failure> {
    let head = source.poll()?;
    let head = source.snapshot(&head)?;
    let mut judge = Judge::new(Vec::new());
    let catalog = judge.judge(&head).catalog;
    let drafted = asked(options, &catalog)
        .and_then(|ask| compose(&ask, (&catalog, &head.files), &sight(&catalog)));
    let draft = match drafted {
        Ok(draft) => draft,
        Err(wrong) => return Ok(Err(wrong)),
    };
    let today = SystemClock.now().to_zoned(jiff::tz::TimeZone::UTC).date();
    let checked = check(&mut judge, &head, &draft, today);
    Ok(checked.map(|checked| Made { head, draft, checked }))
}

/// Whoever has the repository at hand sees all of it.
fn sight(catalog: &Catalog) -> Sight<'static> {
    let mut teams = catalog.settings.teams.keys();
    let (first, more) = (teams.next(), teams.next());
    let team = first.filter(|_| more.is_none()).cloned();
    Sight { offers: &|_| true, services: &|_| true, team }
}

fn asked(options: &Options, catalog: &Catalog) -> Result<Ask, Vec<Wrong>> {
    let offer = match (&options.item, &options.service) {
        (Some(item), _) => Some(item.clone()),
        (None, Some(service)) => catalog.services.get(service).map(|it| it.offer().to_owned()),
        (None, None) => None,
    };
    let form = offer.map(|offer| form_of(catalog, &offer, &sight(catalog)).map(|(form, _)| form));
    let mut fields = match form {
        Some(Ok(form)) => typed(form, &options.field)?,
        Some(Err(wrong)) => return Err(vec![wrong]),
        // That there is no such service is told once it is looked for.
        None => Map::new(),
    };
    for name in &options.unset {
        if fields.insert(name.clone(), Value::Null).is_some() {
            let pointer = format!("/fields/{name}");
            return Err(vec![Wrong::at(&pointer, "it is given and taken away at once")]);
        }
    }
    let list = &options.depends_on;
    Ok(Ask {
        item: options.item.clone(),
        service: options.service.clone(),
        id: options.id.clone(),
        team: options.team.clone(),
        environment: options.environment.clone(),
        description: options.description.clone(),
        fields,
        uploads: BTreeMap::new(),
        depends_on: (!list.is_empty()).then(|| list.clone()),
        state: options.to.clone(),
        expires: options.expires.clone(),
        delete: options.delete,
        reason: options.reason.clone(),
    })
}

/// Shows why a request does not fit, found here.
pub(super) fn misfit(context: &Context, wrong: Vec<Wrong>) -> Result<Exit, Failure> {
    let lines: Vec<String> = wrong.iter().map(|one| format!("  - {one}")).collect();
    let errors = wrong
        .into_iter()
        .map(|one| WrongWire {
            pointer: one.pointer,
            message: one.message,
            hint: one.hint,
            place: one.place,
        })
        .collect();
    show_misfit(context, &lines, errors)
}

/// Shows why a request does not fit.
pub(super) fn show_misfit(
    context: &Context,
    lines: &[String],
    errors: Vec<WrongWire>,
) -> Result<Exit, Failure> {
    let wire = MisfitWire { version: "trueline.request-misfit/v1", fits: false, errors };
    context.show(&wire, || {
        format!("it does not fit, and nothing was asked for:\n{}", lines.join("\n"))
    })?;
    Ok(Exit::Findings)
}

async fn dry(context: &Context, made: Made) -> Result<Exit, Failure> {
    let name = context.name.clone();
    let Made { head, draft, checked } = made;
    let after = checked.snapshot.clone();
    let planned =
        tokio::task::spawn_blocking(move || compare(&head, &after, &name, &SystemClock).plan);
    let plan = planned.await.map_err(|_| Failure::usage("planning broke down"))?;
    let plan = only(plan, &draft.service);
    let content = draft.content.as_ref().map(|it| String::from_utf8_lossy(it).into_owned());
    let wire = DryWire {
        version: PREVIEW,
        fits: true,
        kind: draft.kind,
        service: draft.service.clone(),
        path: draft.path.to_string(),
        diff: draft.diff(),
        content,
        remarks: checked.remarks,
        plan: show::json(&plan),
    };
    context.show(&wire, || {
        let shown = show::text(&plan, show::Style { color: context.color, width: 100 });
        dry_text(&wire, &shown)
    })?;
    Ok(Exit::Success)
}

/// Says what a request would do.
pub(super) fn dry_text(wire: &DryWire, plan: &str) -> String {
    let remark = |it: &Finding| cell(&format!("{}: {}", it.place, it.message)) + "\n";
    let remarks: String = wire.remarks.iter().map(remark).collect();
    format!("{}\n{plan}{remarks}nothing is asked for", block("", &wire.diff))
}

/// Takes a request down and files it as far as that goes now; tells whether it was asked for before.
pub(in crate::cli) async fn put_down(
    context: &Context,
    request: ServiceRequest,
) -> Result<(Desk, ServiceRequest, bool), Failure> {
    let store = context.store().await?;
    let desk = desk(context, store.clone()).await?;
    let (actor, now) = (context.actor(), SystemClock.now());
    let added = store.add_service_requests(&actor, now, std::slice::from_ref(&request)).await?;
    let (request, known) = match added.into_iter().next() {
        Some(RequestAdded::Same(known)) => (*known, true),
        Some(RequestAdded::Taken(other)) => {
            let (service, by) = (cell(&other.service), cell(&other.by));
            return Err(Failure::failed(format!(
                "{by} asked for a service {service} already, as request {}",
                other.id
            ))
            .hint("choose another --id"));
        }
        _ => (request, false),
    };
    let request = desk.look(request, true).await?;
    Ok((desk, request, known))
}

async fn submit(context: &Context, options: &Options, made: Made) -> Result<Exit, Failure> {
    let request = row(&made.draft, &made.head, &context.requester(), SystemClock.now());
    let (desk, mut request, known) = put_down(context, request).await?;
    if options.wait {
        context.remark(standing_text(&RequestLine::of(&request)));
        request = wait(context, &desk, request, options.timeout).await?;
    }
    let line = RequestLine::of(&request);
    show_submitted(context, (known, &line))?;
    for remark in &made.checked.remarks {
        context.remark(format!("{}: {}", remark.place, cell(&remark.message)));
    }
    if options.wait {
        return Ok(exit_of(request.progress.state));
    }
    follow_remark(context, &line);
    Ok(Exit::Success)
}

/// Shows a request that was taken down.
pub(super) fn show_submitted(
    context: &Context,
    (known, line): (bool, &RequestLine),
) -> Result<(), Failure> {
    let version = "trueline.request-submitted/v1";
    let wire = SubmittedWire { version, fits: true, known, line };
    context.show(&wire, || standing_text(line))?;
    if known {
        context.remark("you asked for the same before; it is that request");
    }
    Ok(())
}

/// Says how it goes on with a request.
pub(in crate::cli) fn follow_remark(context: &Context, line: &RequestLine) {
    match line.proposal {
        Some(number) if line.url.is_none() => context.remark(format!(
            "`trueline proposal merge {number}` has it carried out; `trueline request status {}` follows it",
            cell(&line.id)
        )),
        _ => context
            .remark(format!("`trueline request status {} --watch` follows it", cell(&line.id))),
    }
}

/// Tells what came of asking for a change; of a look nothing.
pub(in crate::cli) fn outcome_text(request: Option<&RequestLine>, what: &str) -> String {
    let Some(line) = request else { return format!("{what}; nothing is proposed") };
    let id = cell(&line.id);
    match (line.proposal, &line.why) {
        (Some(number), _) => format!("proposal {number}, request {id}: {what}"),
        (None, why) => {
            let why = why.as_ref().map(|why| format!(", {}", cell(why))).unwrap_or_default();
            format!("request {id}, not proposed yet{why}: {what}")
        }
    }
}
