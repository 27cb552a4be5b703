//! `trueline proposal`: lists, shows, merges and closes the proposals of repositories on this machine.
//! It knows the repositories that actions filed proposals on, the catalog's own, and the one that is named.

use std::collections::BTreeMap;

use clap::{Args, Subcommand};
use jiff::Timestamp;
use serde::Serialize;

use super::context::Context;
use super::output::{Exit, Failure};
use super::proposal_ours;
use super::proposal_review::{self, Says, TalkWire};
use super::table::{Limit, Listed, ago, block, cell, short_commit, table};
use crate::clock::Clock;
use crate::daemon::SystemClock;
use crate::forge::{ForgeError, ForgeRead, ForgeWrite, LocalForge, Proposal, ProposalState};
use crate::reconcile::show::visible;
use crate::source::Location;
use crate::store::{self, Store};

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
    },
    /// Says what you think of a proposal as it is now, in your name.
    Review {
        /// Its number.
        number: u64,
        #[command(flatten)]
        says: Says,
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
        Command::Close { number } => {
            let counter = desk.of(*number).await?;
            let closed = counter.forge.close(*number, &person, now).await?;
            desk.tell(context, counter, &closed)?;
        }
        Command::Review { number, says } => {
            let forge = &desk.of(*number).await?.forge;
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
        let line = self.wire(proposal, counter);
        let wire = ShowWire { version: VERSION, proposal: line, diff: None, talk: None };
        context.show(&wire, || {
            let commit = proposal.merge_commit.as_deref().map(short_commit);
            format!(
                "{} proposal {} of {}{} as {} (self-declared)",
                proposal.state,
                proposal.number,
                cell(&counter.repository),
                commit.map(|commit| format!(" by commit {commit}")).unwrap_or_default(),
                cell(proposal.settled_by.as_deref().unwrap_or_default())
            )
        })
    }
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

fn list_text(wire: &ProposalsWire, now: Timestamp) -> String {
    if wire.proposals.total == 0 {
        return "no proposals".to_owned();
    }
    let rows = wire.proposals.items.iter().map(|line| {
        [
            line.number.to_string(),
            line.repository.clone(),
            line.state.to_string(),
            ago(now, line.created_at),
            line.service.clone().unwrap_or_default(),
            line.title.clone(),
        ]
    });
    let head = ["PROPOSAL", "REPOSITORY", "STATE", "AGE", "SERVICE", "TITLE"];
    table(head, rows) + &wire.proposals.rest()
}

fn show_text(wire: &ShowWire, now: Timestamp) -> String {
    let line = &wire.proposal;
    let settled = line.settled_by.as_ref().map(|by| format!(" by {by}")).unwrap_or_default();
    let mut rows = vec![
        ["Proposal".to_owned(), format!("{} {}", line.number, line.title)],
        ["Repository".to_owned(), line.repository.clone()],
        ["State".to_owned(), format!("{}{settled}", line.state)],
        ["Author".to_owned(), format!("{}, {}", line.author, ago(now, line.created_at))],
        ["Branch".to_owned(), format!("{} into {}", line.source_branch, line.base_branch)],
        ["Head".to_owned(), short_commit(&line.head)],
    ];
    rows.extend(line.comment.as_ref().map(|said| ["Comment".to_owned(), said.clone()]));
    rows.extend(line.merge_commit.as_ref().map(|id| ["Merged as".to_owned(), short_commit(id)]));
    let run = line.run.as_ref().map(|run| format!(", run {run}")).unwrap_or_default();
    let service = line.service.as_ref();
    rows.extend(service.map(|service| ["Service".to_owned(), format!("{service}{run}")]));
    let mut text = table([""; 2], rows);
    if !line.body.trim().is_empty() {
        text.push('\n');
        text += &block("  ", &line.body);
    }
    if let Some(talk) = &wire.talk {
        text += &proposal_review::text(talk, now);
    }
    if let Some(diff) = &wire.diff {
        text.push('\n');
        text.extend(diff.lines().map(|line| visible(line) + "\n"));
    }
    text
}

#[cfg(test)]
#[path = "proposal_tests.rs"]
mod tests;
