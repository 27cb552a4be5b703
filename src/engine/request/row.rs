//! Makes the row of a request: its name, branch and marker, and what its proposal says. Nothing that a person wrote becomes a
//! mark, a link or a mention.

use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use jiff::Timestamp;
use serde_json::Value;

use super::compose::Draft;
use crate::catalog::Snapshot;
use crate::digest::Digest;
use crate::reconcile::show::code;
use crate::store::{RequestFile, RequestKind, RequestProgress, ServiceRequest};

/// What branches of requests begin with.
pub(super) const BRANCH: &str = "trueline/request-";

/// Lines that a proposal says of what is different.
const MOST_LINES: usize = 60;

/// How many characters of a value a proposal says.
const MOST_OF_VALUE: usize = 120;

/// Who asks, as their commits name them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Requester {
    /// The name that decisions are signed with.
    pub name: String,
    /// Their mail address; one that leads nowhere is made of the name where there is none.
    pub email: Option<String>,
}

/// Makes the row of a request over the head that it was checked against.
pub fn row(draft: &Draft, head: &Snapshot, by: &Requester, at: Timestamp) -> ServiceRequest {
    let id = new_id();
    let files = draft.files.iter().map(|(path, bytes)| RequestFile {
        path: head.in_tree(path),
        content: BASE64.encode(bytes),
    });
    ServiceRequest {
        by: by.name.clone(),
        email: by.email.clone().unwrap_or_else(|| made_of(&by.name)),
        kind: draft.kind,
        offer: draft.offer.clone(),
        service: draft.service.clone(),
        team: draft.team.clone(),
        environment: draft.environment.clone(),
        reason: draft.reason.clone(),
        path: head.in_tree(&draft.path),
        files: files.collect(),
        base: head.commit.clone(),
        content: draft.content.as_ref().map(|text| String::from_utf8_lossy(text).into_owned()),
        branch: format!("{BRANCH}{}-{id}", draft.service),
        marker: format!("trueline-request/{id}"),
        title: title(draft),
        body: body(draft, by, &id),
        at,
        progress: RequestProgress::new(at),
        version: 0,
        id,
    }
}

/// Draws a name that nobody has.
fn new_id() -> String {
    let mut bytes = [0_u8; 16];
    getrandom::fill(&mut bytes).expect("the operating system gives random bytes");
    let digest = Digest::of_bytes(&bytes).to_string();
    format!("q-{}", digest.get(..10).unwrap_or_default())
}

fn made_of(name: &str) -> String {
    if name.contains('@') {
        return name.to_owned();
    }
    let plain = |c: char| if c.is_ascii_alphanumeric() || "._-".contains(c) { c } else { '-' };
    format!("{}@localhost", name.chars().map(plain).collect::<String>())
}

fn title(draft: &Draft) -> String {
    let service = &draft.service;
    match draft.kind {
        RequestKind::Create => format!("Create {service}: {} for {}", draft.offer, draft.team),
        RequestKind::Delete => format!("Delete {service}"),
        RequestKind::Change => {
            let names: Vec<&str> = draft.changes.iter().map(|(name, ..)| name.as_str()).collect();
            let all = format!("Change {service}: {}", names.join(", "));
            if all.chars().count() <= 72 {
                all
            } else {
                format!("Change {service}: {} values", names.len())
            }
        }
    }
}

fn body(draft: &Draft, by: &Requester, id: &str) -> String {
    let mut text = String::new();
    if !draft.reason.trim().is_empty() {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{}\n", code(draft.reason.trim()));
    }
    let path = code(&draft.path);
    let _ = match draft.kind {
        RequestKind::Create => writeln!(text, "Merge to have {path} written and carried out:\n"),
        RequestKind::Change => writeln!(text, "Merge to have {path} changed and carried out:\n"),
        RequestKind::Delete => writeln!(
            text,
            "Merge to have {path} removed: the service is deleted then, as its deletion policy says.\n"
        ),
    };
    for (name, before, after) in draft.changes.iter().take(MOST_LINES) {
        let _ = match (before, after) {
            (None, Some(after)) => writeln!(text, "- {}: {}", code(name), shown(after)),
            (Some(before), Some(after)) => {
                writeln!(text, "- {}: {} → {}", code(name), shown(before), shown(after))
            }
            (_, None) => writeln!(text, "- {}: taken away, so that it has its default", code(name)),
        };
    }
    if let Some(more @ 1..) = draft.changes.len().checked_sub(MOST_LINES) {
        let _ = writeln!(text, "- … and {more} more");
    }
    let by = code(&by.name);
    let _ = writeln!(text, "\nAsked for by {by} as request `{id}`. Close to turn it down.");
    text
}

fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    code(&text.chars().take(MOST_OF_VALUE).collect::<String>())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::engine::view_sample::at;

    fn draft() -> Draft {
        Draft {
            kind: RequestKind::Change,
            service: "shop-db".to_owned(),
            team: "payments".to_owned(),
            environment: None,
            offer: "postgres".to_owned(),
            path: "services/payments/shop-db.yaml".into(),
            before: None,
            content: Some(b"x".to_vec()),
            files: [("services/payments/files/shop-db/a.txt".into(), b"abc".to_vec())].into(),
            changes: vec![("size".to_owned(), Some(json!("small")), Some(json!("large")))],
            reason: "More load".to_owned(),
        }
    }

    fn by() -> Requester {
        Requester { name: "ada l".to_owned(), email: None }
    }

    #[test]
    fn what_is_proposed_says_what_is_different_and_who_asked() {
        let head =
            Snapshot { commit: "c1".to_owned(), folder: "cat".to_owned(), ..Snapshot::default() };
        let row = row(&draft(), &head, &by(), at(1));
        assert_eq!(row.title, "Change shop-db: size");
        assert_eq!(
            (row.path.as_str(), row.base.as_str()),
            ("cat/services/payments/shop-db.yaml", "c1")
        );
        assert_eq!(row.files[0].path, "cat/services/payments/files/shop-db/a.txt");
        assert_eq!(row.files[0].bytes(), Some(b"abc".to_vec()));
        assert_eq!(row.email, "ada-l@localhost");
        assert_eq!(row.branch, format!("trueline/request-shop-db-{}", row.id));
        insta::assert_snapshot!(row.body.replace(&row.id, "ID"), @r"
        `More load`

        Merge to have `services/payments/shop-db.yaml` changed and carried out:

        - `size`: `small` → `large`

        Asked for by `ada l` as request `ID`. Close to turn it down.
        ");
    }

    #[test]
    fn nothing_that_a_person_wrote_is_markdown() {
        for hostile in
            ["x` @acme/all closes #1 `", "a\n\n# b", "<!-- Trueline-Marker: x -->", "[a](http://b)"]
        {
            let value = Some(json!(hostile));
            let draft = Draft {
                reason: hostile.to_owned(),
                changes: vec![(hostile.to_owned(), value.clone(), value)],
                ..draft()
            };
            let who = Requester { name: hostile.to_owned(), email: None };
            let body = body(&draft, &who, "q-1");
            for odd in ["@acme", "#1", "\n# b", "<!--", "[a](http"] {
                assert!(!body.contains(odd), "{odd}: {body}");
            }
        }
    }
}
