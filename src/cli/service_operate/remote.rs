//! `trueline service operate`, `suspend` and `resume` over the API of a server: it makes a request of what leads to a state, and
//! records what leads to none.

use serde::Deserialize;
use serde_json::{Value, json};

use super::super::server::{Recorded, Server, segment};
use super::{
    Context, Exit, Failure, OperateWire, RequestLine, Wanted, What, cell, demand_reason,
    follow_remark, outcome_text,
};

/// What became of it: a request, or a word that was recorded.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Became {
    Asked { items: Vec<RequestLine> },
    Recorded(Recorded),
}

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
    let (request, recorded) = match sent(server, &wanted, state.as_deref()).await? {
        Became::Asked { items } => (items.into_iter().next(), None),
        Became::Recorded(recorded) => (None, Some(recorded)),
    };
    if request.is_none() && recorded.is_none() {
        return Err(Failure::usage("the server took nothing down"));
    }
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

async fn sent(server: &Server, wanted: &Wanted, state: Option<&str>) -> Result<Became, Failure> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::local::testing::context;
    use crate::cli::server::testing::{PATIENT, Stub, answer};

    #[tokio::test]
    async fn an_answer_that_is_none_is_told_without_being_repeated() {
        let folder = tempfile::tempdir().expect("a folder");
        for hostile in
            [r#"{"items": [{"id": "\u001b[2J", "state": "\u001b[2J"}]}"#, "{}", r#"{"items": []}"#]
        {
            let stub = Stub::answering(move |_, _| answer(202, hostile)).await;
            let (id, reason) = ("alpha-db".to_owned(), "a pause".to_owned());
            let wanted = Wanted { id, what: What::Suspend, reason, dry_run: false };
            let said = ask_server(&context(folder.path()), &stub.server(PATIENT), wanted).await;
            let said = format!("{:?}", said.err().map(|it| it.to_string()));
            let expected = ["does not understand", "took nothing down"];
            assert!(expected.iter().any(|words| said.contains(words)), "{hostile}: {said}");
            assert!(!said.contains("\\u{1b}") && !said.contains('\u{1b}'), "{said}");
        }
    }
}
