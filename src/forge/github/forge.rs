//! Proposals as pull requests on GitHub. What is ours is known again by a hidden marker and by its branch; it says of
//! nothing that it is gone, and closes nothing that it did not open.

use async_trait::async_trait;
use jiff::Timestamp;
use serde_json::{Value, json};

use super::client::GitHub;
use super::judge::{Refused, classed_safe};
use super::pulls::Pull;
use super::pulls_write::AutoMerge;
use crate::forge::{
    ForgeError, ForgeRead, ForgeWrite, NewProposal, Proposal, ProposalDetail, ProposalState,
};
use crate::run::Fault;

const MARKER: &str = "<!-- Trueline-Marker: ";
const CLOSED_BY: &str = "<!-- Trueline-Closed-By: ";
const END: &str = " -->";

/// The pull requests of one repository on GitHub.
#[derive(Clone, Debug)]
pub struct GitHubForge {
    pub(super) github: GitHub,
    /// The branches that a proposal of ours may come from.
    branches: Vec<String>,
}

impl From<Refused> for ForgeError {
    fn from(refused: Refused) -> Self {
        // Whoever writes here has looked first, and will look first again.
        Self::Remote(classed_safe(refused.fault))
    }
}

impl GitHubForge {
    /// Reads and writes pull requests that come from these branches.
    pub fn new(github: GitHub, branches: Vec<String>) -> Self {
        Self { github, branches }
    }

    async fn of_marker(&self, marker: &str) -> Result<Option<(Pull, Proposal)>, ForgeError> {
        let mut found: Option<(Pull, Proposal)> = None;
        for branch in &self.branches {
            for pull in self.github.pulls_from(branch).await? {
                let proposal = read(&pull);
                let rank = |it: &Proposal| (it.state == ProposalState::Open, it.number);
                let better = found.as_ref().is_none_or(|(_, best)| rank(best) < rank(&proposal));
                if proposal.marker == marker && better {
                    found = Some((pull, proposal));
                }
            }
        }
        Ok(found)
    }

    async fn open_one(&self, number: u64) -> Result<Pull, ForgeError> {
        let pull = self.github.pull(number).await?;
        match read(&pull).state {
            ProposalState::Open => Ok(pull),
            state => Err(ForgeError::Settled { number, state }),
        }
    }

    async fn create(&self, new: &NewProposal) -> Result<Pull, ForgeError> {
        let body = json!({
            "title": new.title,
            "body": written(new),
            "head": new.source_branch,
            "base": new.base_branch,
            "draft": new.asked.draft,
            "maintainer_can_modify": true,
        });
        match self.github.open_pull(&body).await {
            Ok(pull) => {
                self.github.remember_filed(&pull);
                Ok(pull)
            }
            Err(refused) if refused.said.contains("already exists") => {
                match self.of_marker(&new.marker).await? {
                    Some((pull, known)) if known.state == ProposalState::Open => Ok(pull),
                    _ => Err(ForgeError::Remote(Fault::terminal(format!(
                        "a pull request that is not ours is open from `{}`; close it and try again",
                        new.source_branch
                    )))),
                }
            }
            Err(refused) if refused.said.contains("No commits between") => {
                let (branch, base) = (new.source_branch.clone(), new.base_branch.clone());
                Err(ForgeError::NothingToPropose { branch, base })
            }
            Err(refused) => Err(refused.into()),
        }
    }

    async fn end(&self, number: u64, by: &str) -> Result<Proposal, ForgeError> {
        let pull = self.open_one(number).await?;
        let body = pull.body.clone().unwrap_or_default();
        let by: String = by.chars().filter(|c| !c.is_control()).collect();
        let body = format!("{}\n{CLOSED_BY}{by}{END}", body.trim_end());
        let closed =
            self.github.change_pull(number, &json!({"state": "closed", "body": body})).await?;
        Ok(read(&closed))
    }
}

/// Returns what the body of a pull request is to be.
fn written(new: &NewProposal) -> String {
    format!("{MARKER}{}{END}\n{}", new.marker, new.body)
}

/// Returns what stands in the first comment of a kind.
fn hidden<'a>(body: &'a str, start: &str) -> Option<&'a str> {
    body.lines().find_map(|line| line.trim().strip_prefix(start)?.strip_suffix(END))
}

/// Reads a pull request as a proposal, without what we hid in its body.
pub(super) fn read(pull: &Pull) -> Proposal {
    let text = pull.body.clone().unwrap_or_default().replace("\r\n", "\n");
    let ours = |line: &&str| !line.starts_with(MARKER) && !line.starts_with(CLOSED_BY);
    let body = text.lines().filter(ours).collect::<Vec<_>>().join("\n");
    let state = match (pull.state.as_str(), pull.merged_at) {
        (_, Some(_)) => ProposalState::Merged,
        ("closed", None) => ProposalState::Closed,
        _ => ProposalState::Open,
    };
    let login = |user: &Option<super::pulls::Login>| user.as_ref().map(|user| user.login.clone());
    let closed_by = hidden(&text, CLOSED_BY).map(str::to_owned);
    Proposal {
        number: pull.number,
        title: pull.title.clone(),
        body: body.trim().to_owned(),
        author: login(&pull.user).unwrap_or_else(|| "ghost".to_owned()),
        source_branch: pull.head.branch.clone(),
        head: pull.head.sha.clone(),
        base_branch: pull.base.branch.clone(),
        state,
        merge_commit: pull.merge_commit_sha.clone().filter(|_| state == ProposalState::Merged),
        settled_by: match state {
            ProposalState::Merged => login(&pull.merged_by),
            ProposalState::Closed => closed_by,
            ProposalState::Open => None,
        },
        comment: None,
        created_at: pull.created_at,
        updated_at: pull.updated_at,
        marker: hidden(&text, MARKER).unwrap_or_default().to_owned(),
    }
}

#[async_trait]
impl ForgeRead for GitHubForge {
    async fn list(&self, state: Option<ProposalState>) -> Result<Vec<Proposal>, ForgeError> {
        let asked = match state {
            None => "all",
            Some(ProposalState::Open) => "open",
            Some(ProposalState::Merged | ProposalState::Closed) => "closed",
        };
        let pulls = self.github.pulls(asked).await?;
        let fits =
            |it: &Proposal| !it.marker.is_empty() && state.is_none_or(|state| it.state == state);
        Ok(pulls.iter().map(read).filter(fits).collect())
    }

    /// The patch is left to GitHub's own page.
    async fn show(&self, number: u64) -> Result<ProposalDetail, ForgeError> {
        Ok(ProposalDetail { proposal: self.find(number).await?, diff: String::new() })
    }

    async fn find(&self, number: u64) -> Result<Proposal, ForgeError> {
        Ok(read(&self.github.pull(number).await?))
    }

    async fn ours(&self, since: Timestamp) -> Result<Vec<Proposal>, ForgeError> {
        Ok(self.github.filed_since(since).await?)
    }

    async fn is_edited(&self, proposal: &Proposal) -> Result<bool, ForgeError> {
        Ok(self.github.is_edited(proposal.number).await?)
    }

    async fn find_by_marker(&self, marker: &str) -> Result<Option<Proposal>, ForgeError> {
        let Some((_, proposal)) = self.of_marker(marker).await? else { return Ok(None) };
        Ok(Some(proposal))
    }
}

#[async_trait]
impl ForgeWrite for GitHubForge {
    async fn open(&self, new: NewProposal) -> Result<Proposal, ForgeError> {
        let known = self.of_marker(&new.marker).await?;
        let known = known.filter(|(_, known)| known.state == ProposalState::Open);
        let Some((pull, proposal)) = known else {
            let pull = self.create(&new).await?;
            self.ask_once(&pull, &new.asked, true).await?;
            return Ok(read(&pull));
        };
        let mut change = serde_json::Map::new();
        if proposal.title != new.title {
            change.insert("title".to_owned(), json!(new.title));
        }
        if proposal.body != new.body.trim() {
            change.insert("body".to_owned(), json!(written(&new)));
        }
        if proposal.base_branch != new.base_branch {
            change.insert("base".to_owned(), json!(new.base_branch));
        }
        let pull = match change.is_empty() {
            true => pull,
            false => self.github.change_pull(pull.number, &Value::Object(change)).await?,
        };
        self.ask_once(&pull, &new.asked, false).await?;
        Ok(read(&pull))
    }

    async fn merge(&self, number: u64, _: &str, _: Timestamp) -> Result<Proposal, ForgeError> {
        let pull = self.open_one(number).await?;
        self.github.merge_pull(number, &pull.head.sha).await?;
        self.find(number).await
    }

    async fn merge_when_ready(
        &self,
        number: u64,
        by: &str,
        at: Timestamp,
    ) -> Result<Proposal, ForgeError> {
        let pull = self.github.pull(number).await?;
        let proposal = read(&pull);
        let asked_before = pull.auto_merge.as_ref().is_some_and(|it| !it.is_null());
        if proposal.state != ProposalState::Open || asked_before || pull.draft == Some(true) {
            return Ok(proposal);
        }
        match self.github.merge_when_ready(&pull).await? {
            AutoMerge::Ready => self.merge(number, by, at).await,
            AutoMerge::Enabled | AutoMerge::Declined => Ok(proposal),
        }
    }

    async fn close(&self, number: u64, by: &str, _: Timestamp) -> Result<Proposal, ForgeError> {
        self.end(number, by).await
    }

    async fn withdraw(
        &self,
        number: u64,
        by: &str,
        why: &str,
        _: Timestamp,
    ) -> Result<Proposal, ForgeError> {
        let closed = self.end(number, by).await?;
        // It is closed, which is what matters; it is not opened again for want of a word.
        if let Err(refused) = self.github.comment(number, why).await {
            tracing::warn!(number, %refused, "why a pull request was closed could not be said there");
        }
        Ok(closed)
    }
}
