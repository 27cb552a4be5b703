//! What the fake GitHub remembers.

use std::collections::{BTreeMap, VecDeque};
use std::path::PathBuf;

use jiff::{SignedDuration, Timestamp};
use serde_json::Value;

use super::hooks::Sent;

/// What it does to a request instead of answering it well.
#[derive(Clone, Debug)]
pub(crate) enum Trick {
    /// Hangs up before it does the work.
    CutBefore,
    /// Does the work, and hangs up in the middle of the answer.
    CutAfter,
    /// Does the work, and answers this status.
    FailAfter(u16),
    /// Does no work, and answers this.
    Answer(u16, Vec<(&'static str, String)>, String),
}

/// A limit, as the headers tell it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rate {
    pub(crate) limit: u64,
    pub(crate) remaining: u64,
    pub(crate) reset: Timestamp,
}

#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// The only repository that it reaches, where there is one.
    pub(crate) repository: Option<String>,
    pub(crate) expires_at: Option<Timestamp>,
    /// Who acts with it.
    pub(crate) login: String,
}

impl Token {
    pub(crate) fn personal() -> Self {
        Self { repository: None, expires_at: None, login: "robot".to_owned() }
    }

    /// Tells whether it is one of the App's.
    pub(crate) fn is_of_app(&self) -> bool {
        self.login.ends_with("[bot]")
    }

    pub(crate) fn installed(repository: Option<String>) -> Self {
        let expires_at = Some(Timestamp::now() + SignedDuration::from_hours(1));
        Self { repository, expires_at, login: OUR_APP.to_owned() }
    }
}

/// Who acts as the App.
pub(crate) const OUR_APP: &str = "trueline[bot]";

#[derive(Debug, Default)]
pub(crate) struct Repository {
    pub(crate) id: u64,
    pub(crate) checks: Vec<CheckRun>,
    pub(crate) statuses: Vec<Status>,
    pub(crate) pushes: Vec<Push>,
    pub(crate) pulls: BTreeMap<u64, Pull>,
    pub(crate) issues: BTreeMap<u64, Issue>,
    /// Whether pull requests may merge by themselves, and whether their checks have passed.
    pub(crate) auto_merge: bool,
    pub(crate) clean: bool,
}

/// An issue that is no pull request.
#[derive(Clone, Debug)]
pub(crate) struct Issue {
    pub(crate) title: String,
    pub(crate) body: String,
    pub(crate) state: String,
    /// Who opened it.
    pub(crate) author: String,
    /// How often it was changed.
    pub(crate) changes: u32,
    pub(crate) at: Timestamp,
}

#[derive(Clone, Debug)]
pub(crate) struct Pull {
    pub(crate) title: String,
    pub(crate) body: Option<String>,
    pub(crate) head: String,
    /// As it was when it was merged; else the branch tells.
    pub(crate) head_sha: Option<String>,
    pub(crate) base: String,
    pub(crate) state: String,
    pub(crate) draft: bool,
    pub(crate) merged: Option<(Timestamp, String)>,
    pub(crate) labels: Vec<String>,
    pub(crate) reviewers: Vec<String>,
    pub(crate) teams: Vec<String>,
    pub(crate) reviews: Vec<Review>,
    pub(crate) comments: Vec<Comment>,
    pub(crate) auto_merge: bool,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// Who opened it.
    pub(crate) author: String,
    /// The repository that its head lies in, where that is another.
    pub(crate) fork: Option<String>,
}

#[derive(Clone, Debug)]
pub(crate) struct Review {
    pub(crate) id: u64,
    pub(crate) by: String,
    pub(crate) state: String,
    /// The head that it is of.
    pub(crate) commit: String,
    pub(crate) at: Timestamp,
}

impl Review {
    /// A remark, of whatever head.
    pub(crate) fn remark(by: &str) -> Self {
        let (state, commit) = ("COMMENTED".to_owned(), "0".repeat(40));
        Self { id: 1, by: by.to_owned(), state, commit, at: Timestamp::now() }
    }
}

#[derive(Clone, Debug)]
pub(crate) struct Comment {
    pub(crate) id: u64,
    pub(crate) by: String,
    pub(crate) body: String,
    pub(crate) created_at: Timestamp,
    pub(crate) updated_at: Timestamp,
    /// Who reacted, and how.
    pub(crate) reactions: Vec<(String, String)>,
}

/// A check run.
#[derive(Clone, Debug)]
pub(crate) struct CheckRun {
    pub(crate) id: u64,
    pub(crate) name: String,
    pub(crate) head: String,
    pub(crate) status: String,
    pub(crate) conclusion: Option<String>,
    pub(crate) external_id: String,
    pub(crate) link: Option<String>,
    pub(crate) title: String,
    pub(crate) summary: String,
    pub(crate) annotations: Vec<Value>,
    pub(crate) completed_at: Option<Timestamp>,
}

/// A commit status.
#[derive(Clone, Debug)]
pub(crate) struct Status {
    pub(crate) id: u64,
    pub(crate) head: String,
    pub(crate) context: String,
    pub(crate) state: String,
    pub(crate) description: String,
    pub(crate) link: Option<String>,
}

/// A push to a branch.
#[derive(Clone, Debug)]
pub(crate) struct Push {
    pub(crate) by: String,
    pub(crate) branch: String,
    pub(crate) before: Option<String>,
    pub(crate) after: String,
    pub(crate) at: Timestamp,
}

#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) repository: String,
    pub(crate) workflow: String,
    pub(crate) branch: String,
    pub(crate) inputs: Value,
    pub(crate) title: String,
    pub(crate) status: String,
    pub(crate) conclusion: Option<String>,
    pub(crate) created_at: Timestamp,
    /// Names and numbers of its artifacts.
    pub(crate) artifacts: Vec<(String, u64)>,
    /// It is not shown yet.
    pub(crate) hidden: bool,
}

/// All that is remembered.
pub(crate) struct State {
    pub(crate) base: String,
    pub(crate) root: tempfile::TempDir,
    pub(crate) tokens: BTreeMap<String, Token>,
    pub(crate) repositories: BTreeMap<String, Repository>,
    pub(crate) runs: BTreeMap<u64, Run>,
    pub(crate) artifacts: BTreeMap<u64, Vec<u8>>,
    pub(crate) tricks: VecDeque<(String, String, Trick)>,
    pub(crate) ledger: Vec<String>,
    pub(crate) seen: Vec<String>,
    /// What was asked or answered otherwise than documented.
    pub(crate) problems: Vec<String>,
    pub(crate) rate: Option<Rate>,
    /// Answers a dispatch without the run, as older servers do.
    pub(crate) silent_dispatch: bool,
    /// Shows new runs only later.
    pub(crate) hide_runs: bool,
    /// Inputs that workflows declare besides those that it is asked with; all where absent.
    pub(crate) declared: Option<Vec<String>>,
    /// Answers nothing but that it is broken, on every path.
    pub(crate) down: bool,
    /// Issues are turned off everywhere.
    pub(crate) no_issues: bool,
    /// Installs the App nowhere.
    pub(crate) not_installed: bool,
    pub(crate) minted: usize,
    /// Logins of the members of each team, by `owner/slug`.
    pub(crate) teams: BTreeMap<String, Vec<String>>,
    /// Who sits in front of the browser; whoever it is says no where absent.
    pub(crate) visitor: Option<String>,
    /// Codes that were given and not used yet.
    pub(crate) codes: BTreeMap<String, super::oauth::Given>,
    /// Who was asked into every organisation and did not answer.
    pub(crate) invited: Vec<String>,
    /// No organisation lets the app see who is in it.
    pub(crate) hides_organizations: bool,
    /// What was or is to be posted to the App's hook.
    pub(crate) deliveries: Vec<Sent>,
    last: u64,
}

impl State {
    pub(crate) fn new(base: String) -> Self {
        Self {
            base,
            root: tempfile::tempdir().unwrap(),
            tokens: BTreeMap::new(),
            repositories: BTreeMap::new(),
            runs: BTreeMap::new(),
            artifacts: BTreeMap::new(),
            tricks: VecDeque::new(),
            ledger: Vec::new(),
            seen: Vec::new(),
            problems: Vec::new(),
            rate: None,
            silent_dispatch: false,
            hide_runs: false,
            declared: None,
            down: false,
            no_issues: false,
            not_installed: false,
            minted: 0,
            teams: BTreeMap::new(),
            visitor: None,
            codes: BTreeMap::new(),
            invited: Vec::new(),
            hides_organizations: false,
            deliveries: Vec::new(),
            last: 100,
        }
    }

    /// Returns where a repository lies.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(format!("{name}.git"))
    }

    /// Returns the next number of anything.
    pub(crate) fn next(&mut self) -> u64 {
        self.last += 1;
        self.last
    }

    pub(crate) fn trick(&mut self, method: &str, path: &str) -> Option<Trick> {
        let fits =
            |(on, part, _): &(String, String, Trick)| on == method && path.contains(part.as_str());
        let at = self.tricks.iter().position(fits)?;
        self.tricks.remove(at).map(|(_, _, trick)| trick)
    }
}
