//! Reviews, comments and checks in a plain repository. Who says something only says who they are: it is never proven.

use async_trait::async_trait;
use git2::{Oid, Repository};
use jiff::Timestamp;

use super::error::ForgeError;
use super::history::{contains, settled, tip};
use super::local::{LocalForge, all};
use super::proposal::{Proposal, ProposalState};
use super::record;
use super::review::{Check, Comment, Opinion, Person, Review, ReviewRead, ReviewWrite, Reviewable};
use super::talk::{self, Talk};
use crate::source::escaped;

/// Who writes what Trueline says.
const OURSELVES: &str = "Trueline";

/// What our labels begin with.
const OURS: &str = "trueline/";

/// How many commits of a proposal are asked for their authors; of more, somebody is unknown.
const MOST_COMMITS: usize = 10_000;

impl LocalForge {
    /// Records what a person thinks of an open proposal, as it is now.
    pub async fn give_opinion(
        &self,
        number: u64,
        (by, opinion): (&str, Opinion),
        at: Timestamp,
    ) -> Result<Review, ForgeError> {
        let by = Person { login: by.to_owned(), id: None };
        self.write(move |forge, repository| {
            let proposal = settled(repository, record::read(repository, number)?)?;
            if proposal.state != ProposalState::Open {
                return Err(ForgeError::Settled { number, state: proposal.state });
            }
            let review = Review { by: by.clone(), opinion, head: proposal.head, at };
            let mut talk = Talk::read(repository, number)?;
            talk.asked
                .retain(|asked| !asked.trim_start_matches('@').eq_ignore_ascii_case(&by.login));
            talk.reviews.push(review.clone());
            forge.keep(repository, (number, &talk), ("review a proposal", &by.login, at))?;
            Ok(review)
        })
        .await
    }

    /// Records what a person says about a proposal; returns the comment's number.
    pub async fn say(
        &self,
        number: u64,
        (by, body): (&str, &str),
        at: Timestamp,
    ) -> Result<u64, ForgeError> {
        let (by, body) = (by.to_owned(), body.to_owned());
        self.write(move |forge, repository| {
            record::read(repository, number)?;
            let mut talk = Talk::read(repository, number)?;
            let person = Person { login: by.clone(), id: None };
            let id = talk.say(person, (&body, None), at);
            forge.keep(repository, (number, &talk), ("comment on a proposal", &by, at))?;
            Ok(id)
        })
        .await
    }

    /// Returns all checks of a commit.
    pub async fn checks(&self, commit: &str) -> Result<Vec<Check>, ForgeError> {
        let commit = commit.to_owned();
        self.work(move |forge| talk::checks(&forge.repository()?, &commit)).await
    }

    fn keep(
        &self,
        repository: &Repository,
        (number, talk): (u64, &Talk),
        why: (&str, &str, Timestamp),
    ) -> Result<(), ForgeError> {
        if self.dry_run { Ok(()) } else { talk.write(repository, number, why) }
    }
}

#[async_trait]
impl ReviewRead for LocalForge {
    fn is_authenticated(&self) -> bool {
        false
    }

    async fn reviewable(
        &self,
        base_branch: &str,
        since: Option<Timestamp>,
    ) -> Result<Vec<Reviewable>, ForgeError> {
        let branch = base_branch.to_owned();
        self.work(move |forge| {
            let repository = forge.repository()?;
            let mut found = Vec::new();
            for recorded in record::all(&repository)? {
                let proposal = settled(&repository, recorded.clone())?;
                // A merge by hand is nowhere recorded.
                let is_news = recorded.state == ProposalState::Open
                    || since.is_some_and(|since| proposal.updated_at > since);
                if proposal.base_branch == branch && is_news {
                    found.push(seen(&repository, proposal)?);
                }
            }
            Ok(found)
        })
        .await
    }

    async fn review_of(&self, number: u64) -> Result<Reviewable, ForgeError> {
        self.work(move |forge| {
            let repository = forge.repository()?;
            let proposal = settled(&repository, record::read(&repository, number)?)?;
            seen(&repository, proposal)
        })
        .await
    }

    async fn reviews(&self, number: u64) -> Result<Vec<Review>, ForgeError> {
        self.work(move |forge| Ok(Talk::read(&forge.repository()?, number)?.reviews)).await
    }

    async fn comments(&self, number: u64) -> Result<Vec<Comment>, ForgeError> {
        self.work(move |forge| {
            let talk = Talk::read(&forge.repository()?, number)?;
            Ok(talk.comments.into_iter().map(|said| said.comment).collect())
        })
        .await
    }

    /// A repository keeps no teams; the catalog and the users tell who is in them.
    async fn members(&self, _team: &str) -> Result<Option<Vec<Person>>, ForgeError> {
        Ok(None)
    }

    async fn landed_by(&self, commit: &str) -> Result<Vec<Reviewable>, ForgeError> {
        let commit = commit.to_owned();
        self.work(move |forge| {
            let repository = forge.repository()?;
            let Ok(id) = Oid::from_str(&commit) else { return Ok(Vec::new()) };
            let mut found = Vec::new();
            for proposal in all(&repository)? {
                if proposal.state == ProposalState::Merged && brought(&repository, &proposal, id)? {
                    found.push(seen(&repository, proposal)?);
                }
            }
            Ok(found)
        })
        .await
    }

    async fn check_of(&self, commit: &str, name: &str) -> Result<Option<Check>, ForgeError> {
        Ok(self.checks(commit).await?.into_iter().find(|check| check.name == name))
    }
}

#[async_trait]
impl ReviewWrite for LocalForge {
    async fn put_check(&self, check: &Check) -> Result<(), ForgeError> {
        let check = check.clone();
        self.write(
            move |forge, repository| {
                if forge.dry_run { Ok(()) } else { talk::put_check(repository, &check) }
            },
        )
        .await
    }

    async fn put_comment(
        &self,
        number: u64,
        marker: &str,
        body: Option<&str>,
        at: Timestamp,
    ) -> Result<(), ForgeError> {
        let (marker, body) = (marker.to_owned(), body.map(str::to_owned));
        self.write(move |forge, repository| {
            record::read(repository, number)?;
            let mut talk = Talk::read(repository, number)?;
            let before = talk.clone();
            let own = |said: &talk::Said| said.marker.as_ref() == Some(&marker);
            let known = talk.comments.iter_mut().find(|said| own(said));
            match (known, &body) {
                (Some(known), Some(body)) if known.comment.body != *body => {
                    known.comment.body.clone_from(body);
                    known.comment.updated_at = at;
                }
                (Some(_), Some(_)) => {}
                (_, None) => talk.comments.retain(|said| !own(said)),
                (None, Some(body)) => {
                    let by = Person { login: OURSELVES.to_owned(), id: None };
                    talk.say(by, (body, Some(&marker)), at);
                }
            }
            if talk == before {
                return Ok(());
            }
            forge.keep(repository, (number, &talk), ("say what was found", OURSELVES, at))
        })
        .await
    }

    async fn ask(
        &self,
        number: u64,
        reviewers: &[String],
        labels: &[String],
    ) -> Result<(), ForgeError> {
        let (reviewers, labels) = (reviewers.to_vec(), labels.to_vec());
        self.write(move |forge, repository| {
            let proposal = record::read(repository, number)?;
            let mut talk = Talk::read(repository, number)?;
            let before = talk.clone();
            let bare = |name: &str| name.trim_start_matches('@').to_lowercase();
            for reviewer in &reviewers {
                let known = talk.asked.iter().any(|asked| bare(asked) == bare(reviewer));
                let answered = talk.reviews.iter().any(|it| bare(&it.by.login) == bare(reviewer));
                if !known && !answered {
                    talk.asked.push(reviewer.clone());
                }
            }
            talk.labels.retain(|label| !label.starts_with(OURS) || labels.contains(label));
            let fresh: Vec<&String> =
                labels.iter().filter(|label| !talk.labels.contains(label)).collect();
            talk.labels.extend(fresh.into_iter().cloned());
            if talk == before {
                return Ok(());
            }
            let why = ("ask for reviews", OURSELVES, proposal.updated_at);
            forge.keep(repository, (number, &talk), why)
        })
        .await
    }

    async fn acknowledge(&self, number: u64, comment: u64) -> Result<(), ForgeError> {
        self.write(move |forge, repository| {
            let proposal = record::read(repository, number)?;
            let mut talk = Talk::read(repository, number)?;
            let found = talk.comments.iter_mut().find(|said| said.comment.id == comment);
            let Some(found) = found.filter(|said| !said.seen) else { return Ok(()) };
            found.seen = true;
            let why = ("see a comment", OURSELVES, proposal.updated_at);
            forge.keep(repository, (number, &talk), why)
        })
        .await
    }
}

/// Puts together what is known of a proposal.
fn seen(repository: &Repository, proposal: Proposal) -> Result<Reviewable, ForgeError> {
    let talk = Talk::read(repository, proposal.number)?;
    let head_ref = match tip(repository, &proposal.source_branch) {
        Ok(tip) if tip.to_string() == proposal.head => {
            format!("refs/heads/{}", proposal.source_branch.trim_start_matches("refs/heads/"))
        }
        _ => record::head_ref(proposal.number),
    };
    let (authors, has_unknown_author) = authors(repository, &proposal)?;
    Ok(Reviewable {
        head_ref,
        from_fork: false,
        is_draft: false,
        authors,
        has_unknown_author,
        labels: talk.labels,
        asked: talk.asked,
        proposal,
    })
}

/// Names everybody who had a hand in a proposal, by each of the names that they may be called by here.
fn authors(
    repository: &Repository,
    proposal: &Proposal,
) -> Result<(Vec<Person>, bool), ForgeError> {
    let mut names = names_of(&proposal.author);
    let operation = "read the commits of a proposal";
    let head = Oid::from_str(&proposal.head).map_err(ForgeError::git(operation))?;
    let mut walk = repository.revwalk().map_err(ForgeError::git(operation))?;
    walk.push(head).map_err(ForgeError::git(operation))?;
    if let Some(base) = before(repository, proposal) {
        walk.hide(base).map_err(ForgeError::git(operation))?;
    }
    let mut count = 0;
    for id in walk.take(MOST_COMMITS) {
        let commit =
            id.and_then(|id| repository.find_commit(id)).map_err(ForgeError::git(operation))?;
        for signature in [commit.author(), commit.committer()] {
            names.push(escaped(signature.name_bytes()));
            names.extend(names_of_mail(&escaped(signature.email_bytes())));
        }
        count += 1;
    }
    names.retain(|name| !name.trim().is_empty());
    names.sort();
    names.dedup();
    let people = names.into_iter().map(|login| Person { login, id: None }).collect();
    Ok((people, count >= MOST_COMMITS))
}

/// Returns the commit of the base branch that a proposal is, or was, to be merged into.
fn before(repository: &Repository, proposal: &Proposal) -> Option<Oid> {
    let merge = proposal.merge_commit.as_ref().and_then(|merge| Oid::from_str(merge).ok());
    match merge.and_then(|merge| repository.find_commit(merge).ok()) {
        Some(merge) => merge.parent_id(0).ok(),
        None => tip(repository, &proposal.base_branch).ok(),
    }
}

fn names_of(person: &str) -> Vec<String> {
    let (name, mail) = person.split_once(" <").unwrap_or((person, ""));
    let mut names = vec![name.trim().to_owned()];
    names.extend(names_of_mail(mail.trim_end_matches('>')));
    names
}

/// An address names its account, too; a forge that hides addresses puts a number before it.
fn names_of_mail(mail: &str) -> [String; 2] {
    let account = mail.split('@').next().unwrap_or_default();
    let account = account.rsplit('+').next().unwrap_or_default();
    [mail.to_owned(), account.to_owned()]
}

/// Tells whether a commit got to the base branch through a merged proposal.
fn brought(repository: &Repository, proposal: &Proposal, commit: Oid) -> Result<bool, ForgeError> {
    if proposal.merge_commit.as_deref() == Some(commit.to_string().as_str()) {
        return Ok(true);
    }
    let Ok(head) = Oid::from_str(&proposal.head) else { return Ok(false) };
    if repository.find_commit(commit).is_err() || !contains(repository, head, commit)? {
        return Ok(false);
    }
    match before(repository, proposal) {
        Some(base) if base != commit => Ok(!contains(repository, base, commit)?),
        _ => Ok(false),
    }
}

#[cfg(test)]
#[path = "local_review_tests.rs"]
mod tests;
