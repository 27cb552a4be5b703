//! `trueline approve` and `reject` over the API of a server.

use serde_json::{Value, json};

use super::super::output::{Exit, Failure};
use super::super::server::{Server, segment};
use super::{Context, checked};

/// How many digits a whole digest has.
const WHOLE: usize = 64;

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
    context.remark(format!("{done} {what} {}", digest.get(..12).unwrap_or(&digest)));
    recorded.remark(context);
    Ok(Exit::Success)
}

/// Finds it among the newest plans, and the changes of the newest one.
async fn found(server: &Server, prefix: &str) -> Result<(&'static str, String), Failure> {
    let (plans, _): (Vec<Value>, _) = server.list("/plans", &[], 50).await?;
    let digest = |it: &Value| it.get("digest").and_then(Value::as_str).map(str::to_owned);
    let digests: Vec<String> = plans.iter().filter_map(digest).collect();
    // What is named in full is not looked for.
    let newest = digests.first().filter(|_| prefix.len() < WHOLE);
    let changes: Vec<Value> = match newest {
        Some(newest) => {
            server.list(&format!("/plans/{}/changes", segment(newest)), &[], usize::MAX).await?.0
        }
        None => Vec::new(),
    };
    let changes: Vec<String> = changes.iter().filter_map(digest).collect();
    let changes = changes.into_iter().map(|it| ("change", it));
    let all = digests.into_iter().map(|it| ("plan", it)).chain(changes);
    let mut all = all.filter(|(_, digest)| digest.starts_with(prefix));
    match (all.next(), all.next()) {
        (Some(one), None) => Ok(one),
        (Some(_), Some(_)) => {
            Err(Failure::usage(format!("`{prefix}` begins more than one digest"))
                .hint("give more digits"))
        }
        (None, _) if prefix.len() == WHOLE => Ok(("change", prefix.to_owned())),
        (None, _) => Err(Failure::usage(format!(
            "no plan and no change of the newest one begins with `{prefix}`"
        ))
        .hint(
            "the server's portal shows them under Plan; give the whole digest of an older change",
        )),
    }
}
