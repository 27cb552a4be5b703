//! `trueline service` over the API of a server.

use serde_json::{Value, json};

use super::super::args::Format;
use super::super::output::demand_reason;
use super::super::run::RunLine;
use super::super::server::{Server, segment};
use super::super::service_hold;
use super::super::service_operate;
use super::super::table::{Listed, cell};
use super::{
    Command, Context, Exit, Failure, HistoryWire, ServiceLine, ServiceWire, ServicesWire,
    history_text, list_text, service_show,
};
use crate::clock::Clock as _;
use crate::daemon::SystemClock;

/// Runs it.
pub(super) async fn run(
    context: &Context,
    server: &Server,
    command: &Command,
) -> Result<Exit, Failure> {
    let now = SystemClock.now();
    let path = |id: &str, rest: &str| format!("/services/{}{rest}", segment(id));
    match command {
        Command::List { limit } => {
            let (items, more): (Vec<ServiceLine>, _) =
                server.list("/services", &[], limit.items()).await?;
            let services = Listed::page(items, more);
            let wire = ServicesWire { version: "trueline.services/v1", services };
            context.show(&wire, || list_text(&wire))?;
        }
        Command::Show { id } => {
            let wire: ServiceWire = server.get(&path(id, "")).await?;
            let (commands, plan) = planned(context, server, id).await?;
            let wire = wire.told(commands, plan);
            context.show(&wire, || service_show::text(&wire, (now, context.color)))?;
        }
        Command::History { id, limit } => {
            let (runs, _): (Vec<RunLine>, _) =
                server.list(&path(id, "/history"), &[], limit.items()).await?;
            let wire = HistoryWire { version: "trueline.history/v1", service: id.clone(), runs };
            context.show(&wire, || history_text(&wire, now))?;
        }
        Command::Hold(options) => {
            let (id, reason) = options.said();
            demand_reason(reason)?;
            let recorded = server.say(&path(id, "/hold"), &json!({"reason": reason})).await?;
            service_hold::told(context, (id, true), (recorded.decision, &recorded.by))?;
            recorded.remark(context);
        }
        Command::Release(options) => {
            let (id, reason) = options.said();
            demand_reason(reason)?;
            let recorded = server.say(&path(id, "/release"), &json!({"reason": reason})).await?;
            service_hold::told(context, (id, false), (recorded.decision, &recorded.by))?;
            recorded.remark(context);
        }
        Command::Reconcile { id } => {
            let recorded = server.say(&path(id, "/reconcile"), &json!({})).await?;
            context.remark(format!("asked for {} to be converged", cell(id)));
            recorded.remark(context);
        }
        Command::Operate(options) => {
            return service_operate::ask_server(context, server, options.wanted()).await;
        }
        Command::Suspend(options) => {
            return service_operate::ask_server(context, server, options.suspended()).await;
        }
        Command::Resume(options) => {
            return service_operate::ask_server(context, server, options.resumed()).await;
        }
        Command::Rollback(_) => return Err(context.no_form("service rollback")),
    }
    Ok(Exit::Success)
}

/// Reads what the newest plan does to a service: what a person can do about it, the plan, and that as text.
async fn planned(
    context: &Context,
    server: &Server,
    id: &str,
) -> Result<(Vec<String>, Option<(Value, String)>), Failure> {
    let path = format!("/services/{}/plan", segment(id));
    let Some(plan) = server.find::<Value>(&path).await? else { return Ok((Vec::new(), None)) };
    let Some(change) = plan.get("changes").and_then(|changes| changes.get(0)).cloned() else {
        return Ok((Vec::new(), None));
    };
    let text = match context.format {
        Format::Text => server.text(&same_plan(&path, &plan)).await?,
        Format::Json | Format::Yaml => String::new(),
    };
    Ok((commands(&plan, &change), Some((plan, text))))
}

/// Names what a plan that was read does to a service, whatever was planned since.
pub(in crate::cli) fn same_plan(path: &str, plan: &Value) -> String {
    let digest = plan.get("digest").and_then(Value::as_str).map(segment);
    digest.map_or_else(|| path.to_owned(), |digest| format!("{path}?digest={digest}"))
}

/// Returns what a person can do about a change that does not start.
fn commands(plan: &Value, change: &Value) -> Vec<String> {
    let text = |of: &Value, name: &str| of.get(name)?.as_str().map(str::to_owned);
    let short = |of: &Value| Some(text(of, "digest")?.get(..12)?.to_owned());
    let mut commands: Vec<String> = Vec::new();
    for why in change.get("pending").and_then(Value::as_array).into_iter().flatten() {
        let command = match text(why, "on").unwrap_or_default().as_str() {
            "approval" | "owner" => short(change).map(|it| format!("trueline approve {it}")),
            "guard" => short(plan).map(|it| format!("trueline approve {it}")),
            "stalled" | "flapping" => {
                text(change, "service").map(|id| format!("trueline service reconcile {id}"))
            }
            "dependency" => text(why, "service").map(|id| format!("trueline service show {id}")),
            _ => None,
        };
        commands.extend(command.filter(|command| !commands.contains(command)));
    }
    commands
}
