//! A proposal as those who judge it see it: who took part, what they said, what is shown to them. It judges nothing.

use async_trait::async_trait;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::error::ForgeError;
use super::proposal::Proposal;

/// Somebody, as a forge knows them.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Person {
    /// The name they go by; it can change.
    pub login: String,
    /// The forge's number for them, which can't; absent where people only say who they are.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<u64>,
}

impl Person {
    /// Tells whether two are the same person: by number where both have one, otherwise by name without regard to case.
    pub fn is(&self, other: &Self) -> bool {
        match (self.id, other.id) {
            (Some(one), Some(two)) => one == two,
            _ => self.login.eq_ignore_ascii_case(&other.login),
        }
    }
}

/// A proposal with what a review of it needs to know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reviewable {
    /// The proposal.
    pub proposal: Proposal,
    /// Where its head is fetched from in the base repository, such as `refs/pull/7/head`.
    pub head_ref: String,
    /// Whether its head lies in a repository that is not ours to trust.
    pub from_fork: bool,
    /// Whether it is not meant to be merged yet.
    pub is_draft: bool,
    /// Who had a hand in it, and so can't approve it: opener, authors and committers of its commits, last pusher.
    pub authors: Vec<Person>,
    /// Whether somebody had a hand in it whom the forge can't name; then nobody's approval counts.
    pub has_unknown_author: bool,
    /// Its labels.
    pub labels: Vec<String>,
    /// Who was asked for a review and has not answered: users as `@user`, teams as `@owner/team`.
    pub asked: Vec<String>,
}

/// What a reviewer said.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Opinion {
    /// It may be merged.
    Approved,
    /// It must change first.
    ChangesRequested,
    /// Neither.
    Commented,
    /// An earlier opinion that was taken away.
    Dismissed,
}

/// One review.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Review {
    /// Who.
    pub by: Person,
    /// What.
    pub opinion: Opinion,
    /// The head commit that they looked at.
    pub head: String,
    /// When.
    pub at: Timestamp,
}

/// One comment on a proposal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    /// Its number.
    pub id: u64,
    /// Who wrote it.
    pub by: Person,
    /// What it says, as it was written.
    pub body: String,
    /// When it was written.
    pub at: Timestamp,
    /// When it was last changed.
    pub updated_at: Timestamp,
}

/// How a check stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum CheckState {
    /// It will be made.
    Queued,
    /// It is being made.
    Running,
    /// All is well.
    Success,
    /// Somebody should look, and nothing is in the way.
    Neutral,
    /// It is in the way.
    Failure,
    /// It was overtaken by a newer one.
    Cancelled,
    /// People must do something first.
    ActionRequired,
}

impl CheckState {
    /// Tells whether it will not change by itself.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// How bad a remark is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    /// In the way.
    Failure,
    /// Worth a look.
    Warning,
    /// Good to know.
    Notice,
}

/// A remark at lines of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    /// The file, from the root of the repository.
    pub path: String,
    /// First and last line, from 1.
    pub lines: (u32, u32),
    /// First and last column, from 1, where both are on one line.
    pub columns: Option<(u32, u32)>,
    /// How bad it is.
    pub level: Level,
    /// One line, such as the rule's name.
    pub title: String,
    /// What it says, as plain text.
    pub message: String,
}

/// A check of one commit: the newest of a name is what counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Check {
    /// Its name, such as `trueline/plan`.
    pub name: String,
    /// The commit that it is about.
    pub head: String,
    /// How it stands.
    pub state: CheckState,
    /// One line.
    pub title: String,
    /// What it found, as Markdown; cut at 60 000 characters by whoever writes it.
    pub summary: String,
    /// Remarks at lines; a forge that takes few at once is given them in parts.
    pub annotations: Vec<Annotation>,
    /// Where more is to be seen.
    pub link: Option<String>,
}

/// Reads what people do with the proposals of one repository. Nothing here changes anything.
#[async_trait]
pub trait ReviewRead: Send + Sync {
    /// Tells whether people prove to this forge who they are.
    fn is_authenticated(&self) -> bool;

    /// Lists proposals to this branch that are open, and others that changed since a time.
    async fn reviewable(
        &self,
        base_branch: &str,
        since: Option<Timestamp>,
    ) -> Result<Vec<Reviewable>, ForgeError>;

    /// Returns one proposal.
    async fn review_of(&self, number: u64) -> Result<Reviewable, ForgeError>;

    /// Lists reviews, oldest first, of every head that there was.
    async fn reviews(&self, number: u64) -> Result<Vec<Review>, ForgeError>;

    /// Lists comments, oldest first.
    async fn comments(&self, number: u64) -> Result<Vec<Comment>, ForgeError>;

    /// Returns the members of a team, written `@owner/team` or `@team`; `None` where it knows no such team, or may not look.
    async fn members(&self, team: &str) -> Result<Option<Vec<Person>>, ForgeError>;

    /// Lists the merged proposals through which a commit of the base branch got there; none for a direct push.
    async fn landed_by(&self, commit: &str) -> Result<Vec<Reviewable>, ForgeError>;

    /// Returns the newest check of a name on a commit.
    async fn check_of(&self, commit: &str, name: &str) -> Result<Option<Check>, ForgeError>;
}

/// Shows people what was found. Saying the same again changes nothing, and makes no noise.
#[async_trait]
pub trait ReviewWrite: Send + Sync {
    /// Makes a check, or brings the one of its name and commit up to date.
    async fn put_check(&self, check: &Check) -> Result<(), ForgeError>;

    /// Writes the comment that bears a hidden marker, or changes it in place; `None` leaves it away.
    async fn put_comment(
        &self,
        number: u64,
        marker: &str,
        body: Option<&str>,
        at: Timestamp,
    ) -> Result<(), ForgeError>;

    /// Asks for reviews and adds labels; nobody is asked again who was asked or has answered. Labels of ours that are
    /// not among the wanted ones are taken off: they begin with `trueline/`.
    async fn ask(
        &self,
        number: u64,
        reviewers: &[String],
        labels: &[String],
    ) -> Result<(), ForgeError>;

    /// Marks a comment as seen, such as with a thumb.
    async fn acknowledge(&self, number: u64, comment: u64) -> Result<(), ForgeError>;
}

#[cfg(test)]
mod tests {
    use super::*;

    fn person(login: &str, id: Option<u64>) -> Person {
        Person { login: login.to_owned(), id }
    }

    #[test]
    fn a_number_counts_more_than_a_name() {
        assert!(person("ada", Some(1)).is(&person("countess", Some(1))));
        assert!(!person("ada", Some(1)).is(&person("ada", Some(2))));
        assert!(person("Ada", None).is(&person("ada", Some(2))));
    }
}
