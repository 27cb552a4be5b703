//! What people do at the fake GitHub, and what tests see there.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::state::{CheckRun, Comment, Pull, Repository, Review, State, Status, Token};
use super::{FakeGitHub, git};

impl FakeGitHub {
    /// Gives somebody a token that has their name.
    pub(crate) fn add_token(&self, token: &str, login: &str) {
        let token_of = Token { login: login.to_owned(), ..Token::personal() };
        self.state().tokens.insert(token.to_owned(), token_of);
    }

    /// Makes a team, or changes who is in it: `acme/payments`.
    pub(crate) fn set_team(&self, team: &str, members: &[&str]) {
        let members = members.iter().map(|login| (*login).to_owned()).collect();
        self.state().teams.insert(team.to_owned(), members);
    }

    /// Commits a file to a branch, which somebody writes and pushes.
    pub(crate) fn push_as(
        &self,
        login: &str,
        name: &str,
        branch: &str,
        (file, content): (&str, &str),
    ) -> String {
        self.push_of((login, login), name, branch, (file, content))
    }

    /// Pushes a commit that somebody else wrote; who has no account is `nobody`.
    pub(crate) fn push_of(
        &self,
        (pusher, author): (&str, &str),
        name: &str,
        branch: &str,
        (file, content): (&str, &str),
    ) -> String {
        let path = self.path(name);
        let before = git::tip(&path, branch);
        let commit = git::commit(&path, author, branch, (file, content));
        let mut state = self.state();
        state.pushed(name, (pusher, branch), (before, commit.clone()));
        state.follow_fork(name);
        commit
    }

    /// Sets a branch to another commit, as a forced push does.
    pub(crate) fn force_push(&self, login: &str, name: &str, (branch, commit): (&str, &str)) {
        let path = self.path(name);
        let before = git::tip(&path, branch);
        git::run(&path, &["update-ref", &format!("refs/heads/{branch}"), commit], b"");
        self.state().pushed(name, (login, branch), (before, commit.to_owned()));
    }

    /// Makes somebody's fork of a repository: `acme/app` becomes `eve/app`.
    pub(crate) fn fork(&self, name: &str, login: &str) -> String {
        let fork = format!("{login}/{}", name.split_once('/').unwrap().1);
        let path = self.path(&fork);
        git::init(&path);
        let from = self.path(name);
        git::run(
            &path,
            &["fetch", "-q", "-f", from.to_str().unwrap(), "refs/heads/*:refs/heads/*"],
            b"",
        );
        let mut state = self.state();
        let id = state.next();
        state.repositories.insert(fork.clone(), Repository { id, ..Repository::default() });
        fork
    }

    /// Opens a pull request to `main` as somebody; the head may be `owner:branch`.
    pub(crate) fn open(&self, login: &str, name: &str, head: &str) -> u64 {
        let body = json!({"title": format!("Change {head}"), "head": head, "base": "main", "body": "Please."});
        let mut state = self.state();
        let answer = state.open_pull(name, login, &body);
        assert_eq!(answer.status, 201, "{}", String::from_utf8_lossy(&answer.body));
        *state.repositories[name].pulls.keys().max().unwrap()
    }

    /// Changes a pull request in whatever way.
    pub(crate) fn with_pull<T>(
        &self,
        name: &str,
        number: u64,
        change: impl FnOnce(&mut Pull) -> T,
    ) -> T {
        let mut state = self.state();
        let pull = state.repositories.get_mut(name).unwrap().pulls.get_mut(&number).unwrap();
        pull.updated_at = Timestamp::now();
        change(pull)
    }

    /// Reviews the head as somebody: `APPROVED`, `CHANGES_REQUESTED`, `COMMENTED`, `PENDING`.
    pub(crate) fn review(&self, login: &str, name: &str, (number, word): (u64, &str)) -> u64 {
        let mut state = self.state();
        let commit = state.head_of(name, &state.repositories[name].pulls[&number].clone());
        let id = state.next();
        let (by, state_word, at) = (login.to_owned(), word.to_owned(), Timestamp::now());
        let pull = state.repositories.get_mut(name).unwrap().pulls.get_mut(&number).unwrap();
        pull.reviews.push(Review { id, by, state: state_word, commit, at });
        pull.reviewers.retain(|other| other != login);
        pull.updated_at = at;
        state.tell_review(name, number, "submitted");
        id
    }

    /// Dismisses a review.
    pub(crate) fn dismiss(&self, name: &str, number: u64, id: u64) {
        self.with_pull(name, number, |pull| {
            let review = pull.reviews.iter_mut().find(|review| review.id == id).unwrap();
            "DISMISSED".clone_into(&mut review.state);
        });
        self.state().tell_review(name, number, "dismissed");
    }

    /// Comments as somebody.
    pub(crate) fn comment(&self, login: &str, name: &str, (number, body): (u64, &str)) -> u64 {
        self.state().commented(name, (number, login), body)
    }

    /// Returns what was said below a pull request.
    pub(crate) fn comments(&self, name: &str, number: u64) -> Vec<String> {
        self.all_comments(name, number).into_iter().map(|comment| comment.body).collect()
    }

    /// Returns the comments with all that is known of them.
    pub(crate) fn all_comments(&self, name: &str, number: u64) -> Vec<Comment> {
        self.state().repositories[name].pulls[&number].comments.clone()
    }

    /// Returns all check runs of a repository, oldest first.
    pub(crate) fn checks(&self, name: &str) -> Vec<CheckRun> {
        self.state().repositories[name].checks.clone()
    }

    /// Returns all statuses of a repository, oldest first.
    pub(crate) fn statuses(&self, name: &str) -> Vec<Status> {
        self.state().repositories[name].statuses.clone()
    }
}

impl State {
    /// Remembers a push, and what follows of it.
    pub(super) fn pushed(
        &mut self,
        name: &str,
        (login, branch): (&str, &str),
        (before, after): (Option<String>, String),
    ) {
        let (by, branch, at) = (login.to_owned(), branch.to_owned(), Timestamp::now());
        let tell = json!({
            "ref": format!("refs/heads/{branch}"), "after": after,
            "before": before.clone().unwrap_or_else(|| "0".repeat(40)),
        });
        let Some(repository) = self.repositories.get_mut(name) else { return };
        repository.pushes.push(super::state::Push {
            by,
            branch: branch.clone(),
            before,
            after,
            at,
        });
        for pull in repository.pulls.values_mut().filter(|pull| pull.state == "open") {
            if pull.head == branch && pull.fork.is_none() {
                pull.updated_at = at;
            }
        }
        self.follow_pulls(name);
        self.tell(name, "push", tell);
        let numbers: Vec<u64> = self.repositories[name]
            .pulls
            .iter()
            .filter(|(_, pull)| pull.state == "open" && pull.head == branch && pull.fork.is_none())
            .map(|(number, _)| *number)
            .collect();
        for number in numbers {
            self.tell_pull(name, number, "synchronize");
        }
    }

    /// Sees what a push over HTTP changed.
    pub(super) fn received(&mut self, name: &str, login: &str, before: &[(String, String)]) {
        for (branch, after) in git::branches(&self.path(name)) {
            let old =
                before.iter().find(|(other, _)| *other == branch).map(|(_, commit)| commit.clone());
            if old.as_ref() != Some(&after) {
                self.pushed(name, (login, &branch), (old, after));
            }
        }
    }

    /// Keeps what pull requests from a fork are of as GitHub does.
    fn follow_fork(&self, fork: &str) {
        let of_it = |repository: &Repository| {
            repository.pulls.values().any(|pull| pull.fork.as_deref() == Some(fork))
        };
        let followed = self.repositories.iter().filter(|(_, repository)| of_it(repository));
        followed.for_each(|(name, _)| self.follow_pulls(name));
    }

    /// Keeps `refs/pull/N/head` and `refs/pull/N/merge` as GitHub does.
    pub(super) fn follow_pulls(&self, name: &str) {
        let path = self.path(name);
        for (number, pull) in &self.repositories[name].pulls {
            if pull.state != "open" {
                continue;
            }
            let head = self.head_of(name, pull);
            let (own, merged) =
                (format!("refs/pull/{number}/head"), format!("refs/pull/{number}/merge"));
            if let Some(fork) = &pull.fork {
                let from = self.path(fork);
                git::run(
                    &path,
                    &["fetch", "-q", from.to_str().unwrap(), &format!("refs/heads/{}", pull.head)],
                    b"",
                );
            }
            git::run(&path, &["update-ref", &own, &head], b"");
            let Some(base) = git::tip(&path, &pull.base) else { continue };
            let parents = git::try_run(
                &path,
                &["rev-parse", &format!("{merged}^1"), &format!("{merged}^2")],
                b"",
            );
            if parents.is_ok_and(|parents| parents == format!("{base}\n{head}")) {
                continue;
            }
            match git::try_run(&path, &["merge-tree", "--write-tree", &base, &head], b"") {
                Ok(tree) => {
                    let words = ["commit-tree", &tree, "-p", &base, "-p", &head, "-m", "Merge"];
                    let commit = git::run(&path, &words, b"");
                    git::run(&path, &["update-ref", &merged, &commit], b"");
                }
                Err(_) => {
                    let _ = git::try_run(&path, &["update-ref", "-d", &merged], b"");
                }
            }
        }
    }

    /// Returns the commits of a pull request, oldest first.
    pub(super) fn commits_of(&self, name: &str, pull: &Pull) -> Vec<String> {
        let path = self.path(name);
        let head = self.head_of(name, pull);
        let below = match &pull.merged {
            Some((_, merge)) => format!("{merge}^1"),
            None => format!("refs/heads/{}", pull.base),
        };
        let range = format!("{below}..{head}");
        let listed = git::try_run(&path, &["rev-list", "--reverse", "--topo-order", &range], b"");
        listed.unwrap_or_default().lines().map(str::to_owned).collect()
    }

    pub(super) fn commented(
        &mut self,
        name: &str,
        (number, login): (u64, &str),
        body: &str,
    ) -> u64 {
        let id = self.next();
        let (created_at, updated_at) = (Timestamp::now(), Timestamp::now());
        let (by, body) = (login.to_owned(), body.to_owned());
        let pull = self.repositories.get_mut(name).unwrap().pulls.get_mut(&number).unwrap();
        pull.comments.push(Comment { id, by, body, created_at, updated_at, reactions: Vec::new() });
        self.tell_comment(name, number, id);
        id
    }

    /// Returns a comment as it is answered («issue-comment»).
    pub(super) fn comment(&self, name: &str, id: u64) -> Option<Value> {
        let pulls = self.repositories[name].pulls.iter();
        let mut all =
            pulls.flat_map(|(number, pull)| pull.comments.iter().map(move |it| (*number, it)));
        let (number, it) = all.find(|(_, it)| it.id == id)?;
        let url = format!("{}/issues/comments/{id}", self.api(name));
        Some(json!({
            "id": id, "node_id": "IC_1", "url": url, "body": it.body,
            "html_url": format!("{}/{name}/pull/{number}#issuecomment-{id}", self.base),
            "user": super::shapes::user(&self.base, &it.by), "author_association": "MEMBER",
            "created_at": it.created_at.to_string(), "updated_at": it.updated_at.to_string(),
            "issue_url": format!("{}/issues/{number}", self.api(name)),
        }))
    }
}
