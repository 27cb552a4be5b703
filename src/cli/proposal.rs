//! `trueline proposal`: lists, shows, merges and closes the proposals of repositories on this machine.
//! It knows the repositories that actions filed proposals on, the catalog's own, and the one that is named.

mod remote;
mod text;

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Serialize;

use super::context::Context;
use super::output::{Exit, Failure};
use super::proposal_ours;
use super::proposal_review::{self, Says, TalkWire};
use super::table::{Limit, Listed, cell, short_commit};
use crate::clock::Clock;
use crate::daemon::SystemClock;
use crate::forge::{ForgeError, ForgeRead, ForgeWrite, LocalForge, Proposal, ProposalState};
use crate::source::Location;
use crate::store::{self, Store};

use text::{list_text, show_text};

const VERSION: &str = "trueline.proposal/v1";

/// What `proposal` takes.
#[derive(Debug, Args)]
pub struct Options {
    /// Only this repository: a path or a file:// URL.
    #[arg(long, global = true, value_name = "PATH")]
    repository: Option<String>,
    /// What to do.
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Lists open proposals.
    List {
        /// Also those that were merged or closed.
        #[arg(long)]
        all: bool,
        /// What Trueline filed itself, here and on GitHub: open, edited by people, waiting for its turn, declined.
        #[arg(long, conflicts_with = "all")]
        ours: bool,
        #[command(flatten)]
        limit: Limit,
    },
    /// Shows a proposal.
    Show {
        /// Its number.
        number: u64,
        /// With what it changes.
        #[arg(long)]
        diff: bool,
    },
    /// Merges a proposal by a merge commit, in your name.
    Merge {
        /// Its number.
        number: u64,
    },
    /// Closes a proposal without merging it, in your name.
    Close {
        /// Its number.
        number: u64,
        /// Why; a server demands it.
        #[arg(long, default_value = "", value_name = "TEXT")]
        reason: String,
    },
    /// Says what you think of a proposal as it is now, in your name.
    Review {
        /// Its number.
        number: u64,
        #[command(flatten)]
        says: Says,
        /// What is said to it; a server demands it with `--request-changes`.
        #[arg(long, default_value = "", value_name = "TEXT")]
        reason: String,
    },
    /// Says something to a proposal, in your name; `/trueline help` as its first line asks what Trueline can be told.
    Comment {
        /// Its number.
        number: u64,
        /// What is said.
        text: String,
    },
}

/// Runs it.
pub(super) async fn run(context: &Context, options: &Options) -> Result<Exit, Failure> {
    if let Some(server) = context.asks()? {
        return Box::pin(remote::run(context, &server, options)).await;
    }
    if let Command::List { ours: true, limit, .. } = &options.command {
        return proposal_ours::run(context, *limit).await;
    }
    let desk = Desk::open(context, options.repository.as_deref()).await?;
    let now = SystemClock.now();
    let person = context.person();
    match &options.command {
        Command::List { all, limit, .. } => {
            let wire = desk.list(*all, *limit).await?;
            context.show(&wire, || list_text(&wire, now))?;
        }
        Command::Show { number, diff } => {
            let counter = desk.of(*number).await?;
            let shown = counter.forge.show(*number).await?;
            let line = desk.wire(&shown.proposal, counter);
            let diff = diff.then_some(shown.diff);
            let talk = Some(proposal_review::talk(&counter.forge, *number).await?);
            let wire = ShowWire { version: VERSION, proposal: line, diff, talk };
            context.show(&wire, || show_text(&wire, now))?;
        }
        Command::Merge { number } => {
            let counter = desk.of(*number).await?;
            let merged = counter.forge.merge(*number, &person, now).await?;
            desk.tell(context, counter, &merged)?;
        }
        Command::Close { number, reason } => {
            let counter = desk.of(*number).await?;
            let closed = match reason.trim() {
                "" => counter.forge.close(*number, &person, now).await?,
                reason => counter.forge.withdraw(*number, &person, reason, now).await?,
            };
            desk.tell(context, counter, &closed)?;
        }
        Command::Review { number, says, reason } => {
            let forge = &desk.of(*number).await?.forge;
            if !reason.trim().is_empty() {
                forge.say(*number, (&person, reason), now).await?;
            }
            let said = forge.give_opinion(*number, (&person, says.opinion()), now).await?;
            let head = short_commit(&said.head);
            context.remark(format!("said of {head} as {} (self-declared)", cell(&person)));
        }
        Command::Comment { number, text } => {
            let forge = &desk.of(*number).await?.forge;
            let id = forge.say(*number, (&person, text), now).await?;
            context.remark(format!("comment {id} as {} (self-declared)", cell(&person)));
        }
    }
    Ok(Exit::Success)
}

/// One repository.
struct Counter {
    repository: String,
    place: String,
    forge: LocalForge,
}

/// All repositories, and what runs filed on them, by place and number.
struct Desk {
    counters: Vec<Counter>,
    filed: BTreeMap<(String, u64), store::Proposal>,
}

impl Desk {
    async fn open(context: &Context, named: Option<&str>) -> Result<Self, Failure> {
        let rows = if context.state.join("trueline.db").is_file() {
            context.store().await?.proposals().await?
        } else {
            Vec::new()
        };
        let mut places: BTreeMap<String, String> = BTreeMap::new();
        for row in &rows {
            places.entry(row.repository.clone()).or_insert_with_key(|text| place(text));
        }
        let filed = rows.into_iter().filter_map(|row| {
            let place = places.get(&row.repository)?.clone();
            Some(((place, row.number), row))
        });
        let mut desk = Self { counters: Vec::new(), filed: filed.collect() };
        if let Some(named) = named {
            desk.add(named).map_err(|error| {
                Failure::from(error).hint("--repository takes the path of a bare repository")
            })?;
            return Ok(desk);
        }
        for repository in places.keys() {
            if let Err(error) = desk.add(repository) {
                context.remark(format!(
                    "left out {}: {}",
                    cell(repository),
                    cell(&error.to_string())
                ));
            }
        }
        // A catalog that is a plain directory, or elsewhere, has no proposals here.
        let catalog = context.catalog.strip_prefix("git+").unwrap_or(&context.catalog);
        let _ = desk.add(catalog);
        Ok(desk)
    }

    fn add(&mut self, repository: &str) -> Result<(), ForgeError> {
        let place = place(repository);
        if self.counters.iter().any(|known| known.place == place) {
            return Ok(());
        }
        let forge = LocalForge::open_at(repository)?;
        self.counters.push(Counter { repository: repository.to_owned(), place, forge });
        Ok(())
    }

    fn wire(&self, proposal: &Proposal, counter: &Counter) -> ProposalWire {
        let filed = self.filed.get(&(counter.place.clone(), proposal.number));
        ProposalWire::of(proposal, counter, filed)
    }

    async fn list(&self, all: bool, limit: Limit) -> Result<ProposalsWire, Failure> {
        let state = (!all).then_some(ProposalState::Open);
        let mut lines = Vec::new();
        for counter in &self.counters {
            let listed = counter.forge.list(state).await?;
            let listed = listed.iter().rev();
            lines.extend(listed.map(|one| self.wire(one, counter)));
        }
        let proposals = Listed::of(lines, limit);
        Ok(ProposalsWire { version: "trueline.proposals/v1", proposals })
    }

    /// Finds the repository that has a number; a failure where it is none or several.
    async fn of(&self, number: u64) -> Result<&Counter, Failure> {
        let mut found = Vec::new();
        for counter in &self.counters {
            match counter.forge.show(number).await {
                Ok(_) => found.push(counter),
                Err(ForgeError::Unknown { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        match found.as_slice() {
            [counter] => Ok(counter),
            [] => Err(Failure::usage(format!("there is no proposal {number}")).hint(
                "`trueline proposal list` shows those that are open; --repository PATH names another repository",
            )),
            several => {
                let names: Vec<String> =
                    several.iter().map(|counter| cell(&counter.repository)).collect();
                Err(Failure::usage(format!(
                    "{} repositories have a proposal {number}: {}",
                    names.len(),
                    names.join(", ")
                ))
                .hint("say which with --repository PATH"))
            }
        }
    }

    fn tell(
        &self,
        context: &Context,
        counter: &Counter,
        proposal: &Proposal,
    ) -> Result<(), Failure> {
        settled(context, self.wire(proposal, counter), " (self-declared)")
    }
}

/// Shows a proposal that was merged or closed, and in whose name.
fn settled(context: &Context, proposal: ProposalWire, known: &str) -> Result<(), Failure> {
    let wire = ShowWire { version: VERSION, proposal, diff: None, talk: None };
    context.show(&wire, || {
        let line = &wire.proposal;
        let commit = line.merge_commit.as_deref().map(short_commit);
        format!(
            "{} proposal {} of {}{} as {}{known}",
            line.state,
            line.number,
            cell(&line.repository),
            commit.map(|commit| format!(" by commit {commit}")).unwrap_or_default(),
            cell(line.settled_by.as_deref().unwrap_or_default())
        )
    })
}

/// Names the place of a repository, so that two ways to write it are one.
fn place(repository: &str) -> String {
    let Ok(location) = Location::parse(repository) else { return repository.to_owned() };
    let path = location.local_path().map(|path| {
        let real = std::fs::canonicalize(path);
        real.unwrap_or_else(|_| path.to_owned()).to_string_lossy().into_owned()
    });
    path.unwrap_or_else(|| location.to_string())
}

#[derive(Debug, Serialize)]
struct ProposalsWire {
    version: &'static str,
    #[serde(flatten)]
    proposals: Listed<ProposalWire>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ShowWire {
    version: &'static str,
    #[serde(flatten)]
    proposal: ProposalWire,
    #[serde(flatten, skip_serializing_if = "Option::is_none")]
    talk: Option<TalkWire>,
    #[serde(skip_serializing_if = "Option::is_none")]
    diff: Option<String>,
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct ProposalWire {
    number: u64,
    repository: String,
    state: ProposalState,
    title: String,
    body: String,
    author: String,
    source_branch: String,
    base_branch: String,
    head: String,
    merge_commit: Option<String>,
    settled_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    created_at: Timestamp,
    updated_at: Timestamp,
    service: Option<String>,
    run: Option<String>,
}

impl ProposalWire {
    fn of(proposal: &Proposal, counter: &Counter, filed: Option<&store::Proposal>) -> Self {
        Self {
            number: proposal.number,
            repository: counter.repository.clone(),
            state: proposal.state,
            title: proposal.title.clone(),
            body: proposal.body.clone(),
            author: proposal.author.clone(),
            source_branch: proposal.source_branch.clone(),
            base_branch: proposal.base_branch.clone(),
            head: proposal.head.clone(),
            merge_commit: proposal.merge_commit.clone(),
            settled_by: proposal.settled_by.clone(),
            comment: proposal.comment.clone(),
            created_at: proposal.created_at,
            updated_at: proposal.updated_at,
            service: filed.map(|filed| filed.service.clone()),
            run: filed.and_then(|filed| Some(filed.run.as_ref()?.to_string())),
        }
    }
}

#[cfg(test)]
#[path = "proposal_tests.rs"]
mod tests;
