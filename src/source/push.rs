//! Pushes one commit to one ref, only where the ref is what we expect it to be. It never forces blindly.

use git2::Oid;

use super::error::SourceError;
use super::git::Mirror;
use super::location::branch_ref;
use super::program::{Call, fault};

/// One push.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Push {
    /// The commit, in the mirror's objects.
    pub commit: Oid,
    /// The branch, short or as `refs/heads/…`.
    pub branch: String,
    /// What the branch must be before; nothing where it must not exist.
    pub expected: Option<Oid>,
}

/// Pushes to the repository that a mirror is of. A ref that already is at the commit counts as pushed.
pub fn push(mirror: &Mirror, push: &Push) -> Result<(), SourceError> {
    let reference = branch_ref(&push.branch)?;
    let expected = push.expected.map(|id| id.to_string()).unwrap_or_default();
    let location = mirror.location();
    let url = location.to_string();
    let lease = format!("--force-with-lease={reference}:{expected}");
    let refspec = format!("{}:{reference}", push.commit);
    let arguments = [
        "push",
        "--porcelain",
        "--no-verify",
        "--no-signed",
        "--no-recurse-submodules",
        &lease,
        "--",
        &url,
        &refspec,
    ];
    let (program, token) = mirror.transport();
    let call = Call { repository: mirror.repository().path(), location, token, lock: None };
    let ended = program.run(&call, &arguments)?;
    if ended.success {
        return Ok(());
    }
    let Some(answer) = ended.stdout.lines().find(|line| line.starts_with('!')) else {
        return Err(fault(location, &ended.detail));
    };
    let detail = said(answer, &ended.detail);
    let moved = answer.contains("[rejected]")
        || [
            "failed to update ref",
            "cannot lock ref",
            "failed to lock",
            "reference already exists",
            "incorrect old value",
        ]
        .iter()
        .any(|text| answer.contains(text));
    let reference = reference.clone();
    if moved {
        return Err(SourceError::Rejected { location: url, reference, detail });
    }
    Err(SourceError::Forbidden { location: url, reference, detail })
}

/// Joins git's verdict with what the other side's hooks said.
fn said(answer: &str, detail: &str) -> String {
    let verdict = answer.rsplit('\t').next().unwrap_or(answer);
    let verdict = super::names::escaped(verdict.as_bytes());
    let remote: Vec<&str> = detail.split("; ").filter(|line| line.starts_with("remote:")).collect();
    if remote.is_empty() { verdict } else { format!("{verdict}; {}", remote.join("; ")) }
}
