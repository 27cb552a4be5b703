//! `trueline service operate`, `suspend` and `resume` over the API of a server: it makes a request of what leads to a state, and
//! records what leads to none.

use serde_json::{Value, json};

use super::super::server::{Recorded, Server, segment};
use super::{
    Context, Exit, Failure, OperateWire, RequestLine, Wanted, What, cell, demand_reason,
    follow_remark, outcome_text,
};

/// Asks for it.
pub(in crate::cli) async fn ask_server(
    context: &Context,
    server: &Server,
    wanted: Wanted,
) -> Result<Exit, Failure> {
    demand_reason(&wanted.reason)?;
    if wanted.dry_run {
        return Err(context.no_form("service operate --dry-run"));
    }
    let (operation, mut state) = match &wanted.what {
        What::Operation(operation) => (Some(operation.clone()), None),
        What::Suspend => (None, Some("suspended".to_owned())),
        What::Resume(_) => (None, Some(state_left(server, &wanted.id).await?)),
    };
    let answer = sent(server, &wanted, state.as_deref()).await?;
    let request = answer.get("items").and_then(|items| items.get(0));
    let request: Option<RequestLine> =
        request.map(|line| serde_json::from_value(line.clone())).transpose()?;
    let recorded: Option<Recorded> = match request {
        None => Some(serde_json::from_value(answer)?),
        Some(_) => None,
    };
    if operation.is_some() && request.is_some() {
        state = None;
    }
    let what = operation.as_deref().or(state.as_deref()).map(cell).unwrap_or_default();
    let said = format!("{what} of {}", cell(&wanted.id));
    let wire = OperateWire {
        version: "trueline.operate/v1",
        service: wanted.id.clone(),
        operation,
        state,
        plan: None,
        proposal: request.as_ref().and_then(|request| request.proposal),
        request,
        decision: recorded.as_ref().map(|recorded| recorded.decision),
    };
    context.show(&wire, || match &wire.request {
        Some(line) => outcome_text(Some(line), &said),
        None => format!("{said} is asked for, once"),
    })?;
    wire.request.iter().for_each(|line| follow_remark(context, line));
    recorded.iter().for_each(|recorded| recorded.remark(context));
    Ok(Exit::Success)
}

async fn sent(server: &Server, wanted: &Wanted, state: Option<&str>) -> Result<Value, Failure> {
    match (&wanted.what, state) {
        (What::Operation(operation), _) => {
            let (id, name) = (segment(&wanted.id), segment(operation));
            let body = json!({"reason": wanted.reason});
            server.post(&format!("/services/{id}/operations/{name}"), &body).await
        }
        (_, state) => {
            let body = json!({"service": wanted.id, "state": state, "reason": wanted.reason});
            server.post("/requests", &body).await
        }
    }
}

/// Returns the state in which a service was left.
async fn state_left(server: &Server, id: &str) -> Result<String, Failure> {
    let service: Value = server.get(&format!("/services/{}", segment(id))).await?;
    let units = service.get("units").and_then(Value::as_array).into_iter().flatten();
    let mut states = units.filter_map(|unit| unit.get("applied")?.get("state")?.as_str());
    Ok(states.next().unwrap_or("active").to_owned())
}
