//! Links between tickets: what kinds there are, which a ticket has, and new ones. A link that is there is not made again.

use reqwest::Method;
use serde_json::{Value, json};

use super::api::{Api, again, escaped};
use crate::run::Fault;

/// What kinds of links an instance has: name, words inward and outward.
pub(super) struct LinkTypes(Vec<(String, String, String)>);

impl Api<'_> {
    /// Returns the links of a ticket: type, whether it is their inward end, the other ticket.
    pub(super) async fn links(&self, key: &str) -> Result<Vec<(String, bool, String)>, Fault> {
        let path = format!("issue/{}?fields=issuelinks", escaped(key));
        let response = self.send(Method::GET, &path, None).await?;
        let told = self.read(&response, "asked for links")?;
        let links = told.pointer("/fields/issuelinks").and_then(Value::as_array);
        let read = |link: &Value| {
            let text = |pointer: &str| link.pointer(pointer).and_then(Value::as_str);
            let name = text("/type/name")?.to_owned();
            let inward = text("/inwardIssue/key").map(|key| (true, key.to_owned()));
            let outward = || text("/outwardIssue/key").map(|key| (false, key.to_owned()));
            let (is_inward, other) = inward.or_else(outward)?;
            Some((name, is_inward, other))
        };
        Ok(links.into_iter().flatten().filter_map(read).collect())
    }

    /// Returns the kinds of links that the instance has.
    pub(super) async fn link_types(&self) -> Result<LinkTypes, Fault> {
        let response = self.send(Method::GET, "issueLinkType", None).await?;
        let told = self.read(&response, "asked for its links")?;
        let types = told.get("issueLinkTypes").and_then(Value::as_array);
        let read = |kind: &Value| {
            let text = |name: &str| Some(kind.get(name)?.as_str()?.to_owned());
            Some((text("name")?, text("inward")?, text("outward")?))
        };
        Ok(LinkTypes(types.into_iter().flatten().filter_map(read).collect()))
    }
}

impl LinkTypes {
    /// Links two tickets, unless they are: `kind` is what the first is to the second, `blocks` or `is blocked by`.
    pub(super) async fn link(
        &self,
        api: &Api<'_>,
        linked: &[(String, bool, String)],
        (kind, first, second): (&str, &str, &str),
    ) -> Result<(), Fault> {
        let is = |text: &str| text.eq_ignore_ascii_case(kind);
        let outward = self.0.iter().find(|(name, _, outward)| is(outward) || is(name));
        let found = outward.map(|kind| (kind, false));
        let found =
            found.or_else(|| Some((self.0.iter().find(|(_, inward, _)| is(inward))?, true)));
        let Some(((name, _, _), is_inward)) = found else {
            let known: Vec<&str> = self.0.iter().map(|(_, _, outward)| outward.as_str()).collect();
            let known = known.join("`, `");
            return Err(Fault::terminal(format!(
                "there is no link `{kind}`; JIRA knows `{known}`"
            )));
        };
        let is_there = |link: &&(String, bool, String)| {
            link.0 == *name && link.1 == is_inward && link.2 == second
        };
        if linked.iter().any(|link| is_there(&link)) {
            return Ok(());
        }
        // The inward issue is the one that blocks: its page shows the other one as what it “blocks”.
        let (from, to) = if is_inward { (second, first) } else { (first, second) };
        let body = json!({
            "type": {"name": name},
            "inwardIssue": {"key": from},
            "outwardIssue": {"key": to},
        });
        // JIRA keeps one link of a kind between two tickets, however often it is asked for.
        let response = api.send(Method::POST, "issueLink", Some(&body)).await.map_err(again)?;
        api.read(&response, "asked to link tickets").map(drop)
    }
}
