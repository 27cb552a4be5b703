//! Who had a hand in a pull request, and so can't approve it. Who can't be named is told, and never left away.

use jiff::Timestamp;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::client::GitHub;
use super::judge::Refused;
use super::pulls::{Login, Pull};
use crate::forge::Person;
use crate::run::FaultClass;

/// How many commits GitHub lists of a pull request at most («List commits on a pull request»); there may be more.
const MOST_COMMITS: usize = 250;

/// How many pages of pushes are looked through, newest first.
const PAGES_OF_PUSHES: usize = 5;

/// How many pull requests are remembered.
const MOST_REMEMBERED: usize = 2000;

/// Who commits in the name of people who use GitHub's pages.
const WEB_FLOW: &str = "web-flow";

/// Who had a hand in a pull request.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Authors {
    pub(super) people: Vec<Person>,
    pub(super) has_unknown: bool,
}

/// The same, as long as neither its head nor anything else of it changes.
#[derive(Clone, Debug)]
pub(super) struct Remembered {
    head: String,
    updated_at: Timestamp,
    authors: Authors,
}

/// A commit («commit» of the description); an account that can't be told is absent, or an object without anything.
#[derive(Deserialize)]
struct Commit {
    sha: String,
    #[serde(rename = "commit")]
    inner: Inner,
    author: Option<Account>,
    committer: Option<Account>,
}

#[derive(Deserialize)]
struct Inner {
    #[serde(default)]
    verification: Option<Verification>,
}

#[derive(Deserialize)]
struct Verification {
    verified: bool,
}

#[derive(Deserialize)]
struct Account {
    login: Option<String>,
    id: Option<u64>,
}

impl Account {
    fn person(this: Option<&Self>) -> Option<Person> {
        let this = this?;
        Some(Person { login: this.login.clone()?, id: this.id })
    }
}

/// Something that happened to a branch («List repository activities»).
#[derive(Deserialize)]
struct Activity {
    after: String,
    timestamp: Timestamp,
    #[serde(rename = "activity_type")]
    kind: String,
    actor: Option<Login>,
}

/// Who pushed.
struct Pushers {
    people: Vec<Person>,
    has_unknown: bool,
    /// Whether the push of the head was among them.
    has_head: bool,
}

impl Authors {
    fn add(&mut self, person: Option<Person>) {
        match person {
            Some(person) if self.people.iter().any(|known| known.is(&person)) => {}
            Some(person) => self.people.push(person),
            None => self.has_unknown = true,
        }
    }
}

impl GitHub {
    /// Returns who opened a pull request, wrote or committed one of its commits, or pushed to its branch.
    pub(super) async fn authors(&self, pull: &Pull) -> Result<Authors, Refused> {
        let key = (self.repository().to_string(), pull.number);
        let known = self.core().memory.authors().get(&key).cloned();
        let holds = |it: &Remembered| it.head == pull.head.sha && it.updated_at == pull.updated_at;
        if let Some(known) = known.filter(holds) {
            return Ok(known.authors);
        }
        let (authors, is_settled) = match self.find_authors(pull).await {
            Ok(found) => found,
            // What GitHub will never tell keeps nobody from reading the others.
            Err(refused) if refused.status > 400 && refused.fault.class == FaultClass::Terminal => {
                tracing::warn!(number = pull.number, %refused, "the authors of a pull request can't be told");
                (Authors { has_unknown: true, ..opener(pull) }, false)
            }
            Err(refused) => return Err(refused),
        };
        if is_settled {
            let mut remembered = self.core().memory.authors();
            if remembered.len() >= MOST_REMEMBERED {
                remembered.clear();
            }
            let (head, updated_at) = (pull.head.sha.clone(), pull.updated_at);
            remembered.insert(key, Remembered { head, updated_at, authors: authors.clone() });
        }
        Ok(authors)
    }

    /// Returns the authors, and whether all there is to know of them was to be seen.
    async fn find_authors(&self, pull: &Pull) -> Result<(Authors, bool), Refused> {
        let mut authors = opener(pull);
        let commits: Vec<Commit> = self.whole(&format!("/pulls/{}/commits", pull.number)).await?;
        let pushers = self.pushers(pull, &commits).await?;
        let us = self.whoami().await?;
        // What we pushed ourselves is ours, whatever name stands in its commits.
        let is_ours = pushers.as_ref().is_some_and(|it| {
            it.has_head && !it.has_unknown && it.people.iter().all(|person| person.is(&us))
        });
        for commit in &commits {
            let (author, committer) = (
                Account::person(commit.author.as_ref()),
                Account::person(commit.committer.as_ref()),
            );
            let verified = commit.inner.verification.as_ref().is_some_and(|it| it.verified);
            let by_web = verified && committer.as_ref().is_some_and(|it| it.login == WEB_FLOW);
            for (person, counts) in [(author, true), (committer, !by_web)] {
                if counts && !(is_ours && person.is_none()) {
                    authors.add(person);
                }
            }
        }
        let has_head = commits.iter().any(|commit| commit.sha == pull.head.sha);
        // GitHub lists no more, or something was pushed since.
        authors.has_unknown |= commits.len() >= MOST_COMMITS || !has_head;
        let is_settled = has_head && pushers.as_ref().is_none_or(|it| it.has_head);
        if let Some(pushers) = pushers {
            pushers.people.into_iter().for_each(|person| authors.add(Some(person)));
            authors.has_unknown |= pushers.has_unknown;
        }
        Ok((authors, is_settled))
    }

    /// Returns who pushed to the branch since the pull request was opened, or one of its commits; nothing where the
    /// branch is in another repository, or where GitHub does not tell.
    async fn pushers(&self, pull: &Pull, commits: &[Commit]) -> Result<Option<Pushers>, Refused> {
        if self.is_from_fork(pull) {
            return Ok(None);
        }
        let branch = format!("refs/heads/{}", pull.head.branch);
        let path = format!("/activity?ref={}", utf8_percent_encode(&branch, NON_ALPHANUMERIC));
        let listed = match self.list::<Activity>(&path, PAGES_OF_PUSHES).await {
            Ok(listed) => listed,
            Err(refused) if matches!(refused.status, 403 | 404) => {
                if refused.fault.retry_after_ms.is_some() {
                    return Err(refused);
                }
                return Ok(None);
            }
            Err(refused) => return Err(refused),
        };
        let is_long_ago = listed.items.last().is_some_and(|last| last.timestamp < pull.created_at);
        let mut found = Pushers {
            people: Vec::new(),
            has_unknown: !listed.complete && !is_long_ago,
            has_head: false,
        };
        for it in listed.items {
            let pushed = matches!(it.kind.as_str(), "push" | "force_push" | "branch_creation");
            let ours = commits.iter().any(|commit| commit.sha == it.after);
            if !pushed || !(ours || it.timestamp >= pull.created_at) {
                continue;
            }
            found.has_head |= it.after == pull.head.sha;
            match it.actor {
                Some(actor) => found.people.push(actor.person()),
                None => found.has_unknown = true,
            }
        }
        Ok(Some(found))
    }

    /// Tells whether the head lies in another repository, or in one that is gone.
    pub(super) fn is_from_fork(&self, pull: &Pull) -> bool {
        let own = self.repository().to_string();
        let name = pull.head.repo.as_ref().map(|repository| &repository.full_name);
        name.is_none_or(|name| !name.eq_ignore_ascii_case(&own))
    }
}

/// Who opened it, and whose repository it comes from.
fn opener(pull: &Pull) -> Authors {
    let mut authors = Authors::default();
    authors.add(pull.user.as_ref().map(Login::person));
    let owner = pull.head.repo.as_ref().and_then(|repository| repository.owner.as_ref());
    let base = pull.base.repo.as_ref().and_then(|repository| repository.owner.as_ref());
    if let Some(owner) = owner.map(Login::person)
        && base.is_none_or(|base| !base.person().is(&owner))
    {
        authors.add(Some(owner));
    }
    authors
}
