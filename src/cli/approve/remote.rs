//! `trueline approve` and `reject` over the API of a server.

use serde::Deserialize;
use serde_json::json;

use super::super::output::{Exit, Failure};
use super::super::server::Server;
use super::{Context, checked};
use crate::digest::Digest;

/// How many digits a whole digest has.
const WHOLE: usize = 64;

/// A plan or a change, as lists tell it.
#[derive(Debug, Deserialize)]
struct Named {
    digest: Digest,
}

/// Says a word on what a digest names: one plan or one change, never two.
pub(super) async fn say(
    context: &Context,
    server: &Server,
    (prefix, reason): (&str, Option<&str>),
) -> Result<Exit, Failure> {
    let prefix = checked(prefix)?;
    let (what, digest) = found(server, &prefix).await?;
    let (word, body) = match reason {
        None => ("approve", json!({})),
        Some(reason) => ("reject", json!({"reason": reason})),
    };
    let recorded = server.say(&format!("/{what}s/{digest}/{word}"), &body).await?;
    let done = if reason.is_none() { "approved" } else { "rejected" };
    context.remark(format!("{done} {what} {}", digest.short()));
    recorded.remark(context);
    Ok(Exit::Success)
}

/// Finds it among the newest plans, and the changes of the newest one; what is named in full, wherever it is.
async fn found(server: &Server, prefix: &str) -> Result<(&'static str, Digest), Failure> {
    if let (WHOLE, Ok(digest)) = (prefix.len(), prefix.parse::<Digest>()) {
        let is_plan = server.has(&format!("/plans/{digest}")).await?;
        return Ok((if is_plan { "plan" } else { "change" }, digest));
    }
    let (plans, _): (Vec<Named>, _) = server.list("/plans", &[], 50).await?;
    let changes: Vec<Named> = match plans.first() {
        Some(Named { digest }) => {
            server.list(&format!("/plans/{digest}/changes"), &[], usize::MAX).await?.0
        }
        None => Vec::new(),
    };
    let plans = plans.into_iter().map(|it| ("plan", it.digest));
    let all = plans.chain(changes.into_iter().map(|it| ("change", it.digest)));
    let mut all = all.filter(|(_, digest)| digest.to_string().starts_with(prefix));
    match (all.next(), all.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => {
            Err(Failure::usage(format!("`{prefix}` begins more than one digest"))
                .hint("give more digits"))
        }
        (None, _) => Err(Failure::usage(format!(
            "no plan and no change of the newest one begins with `{prefix}`"
        ))
        .hint(
            "the server's portal shows them under Plan; give the whole digest of an older change",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::server::testing::{PATIENT, Stub, answer, problem};

    const PLAN: &str = "3f9c2a1b44de3f9c2a1b44de3f9c2a1b44de3f9c2a1b44de3f9c2a1b44de3f9c";

    #[tokio::test]
    async fn what_is_named_in_full_is_what_it_is_however_old() {
        for (known, what) in [(true, "plan"), (false, "change")] {
            let stub = Stub::answering(move |_, _| match known {
                true => answer(200, "{}"),
                false => problem(404, "not-found"),
            });
            let stub = stub.await;
            let found = found(&stub.server(PATIENT), PLAN).await.map_err(|it| it.to_string());
            assert_eq!(
                found.map(|(what, digest)| (what, digest.to_string())),
                Ok((what, PLAN.to_owned()))
            );
            assert_eq!(stub.paths(), [format!("/api/v1/plans/{PLAN}")]);
        }
    }

    #[tokio::test]
    async fn a_digest_that_is_none_is_not_believed() {
        let hostile = r#"{"items": [{"digest": "3f9c2a1b\u001b[2J/../../x"}]}"#;
        let stub = Stub::answering(move |_, _| answer(200, hostile)).await;
        let said = found(&stub.server(PATIENT), &PLAN[..8]).await.err().map(|it| it.to_string());
        let said = said.unwrap_or_default();
        assert!(said.contains("does not understand") && !said.contains('\u{1b}'), "{said}");
        assert_eq!(stub.asked().len(), 1);
    }
}
