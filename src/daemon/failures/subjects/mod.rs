//! The registry of what is tried: one line for each way in which an action is used.

mod command;
mod git;
mod jira;
mod mail;
mod notices;
mod people;
mod rest;
mod terraform;
mod webhook;
mod workflow;

use std::future::ready;
use std::pin::Pin;

use super::subject::Shared;

/// What makes a subject with its counterpart.
pub(super) type Made = Pin<Box<dyn Future<Output = Shared> + Send>>;

/// One way in which an action is used.
pub(super) struct Row {
    pub(super) name: &'static str,
    pub(super) kind: &'static str,
    /// What is tried is how it is taken away again.
    pub(super) removes: bool,
    pub(super) make: fn() -> Made,
}

const fn row(name: &'static str, kind: &'static str, make: fn() -> Made) -> Row {
    Row { name, kind, removes: false, make }
}

const fn undone(name: &'static str, kind: &'static str, make: fn() -> Made) -> Row {
    Row { name, kind, removes: true, make }
}

/// Every row of the table.
pub(super) const ROWS: &[Row] = &[
    row("`command`", "command", || Box::pin(ready(command::made()))),
    row("`git-commit`", "git-commit", || Box::pin(git::direct())),
    undone("`git-commit`, undone", "git-commit", || Box::pin(git::direct())),
    row("`git-commit`, pull request", "git-commit", || Box::pin(git::proposed())),
    row("`github-workflow`", "github-workflow", || Box::pin(workflow::made())),
    row("`jira-ticket`", "jira-ticket", || Box::pin(jira::made())),
    row("`manual-task`", "manual-task", || Box::pin(ready(people::made()))),
    row("`notify`, mail", "notify", || Box::pin(mail::made())),
    row("`notify`, Slack", "notify", || Box::pin(notices::slack())),
    row("`notify`, Teams", "notify", || Box::pin(notices::teams())),
    row("`notify`, webhook", "notify", || Box::pin(notices::webhook())),
    row("`rest-api`", "rest-api", || Box::pin(rest::made())),
    undone("`rest-api`, undone", "rest-api", || Box::pin(rest::made())),
    row("`terraform`", "terraform", || Box::pin(ready(terraform::made()))),
    undone("`terraform`, undone", "terraform", || Box::pin(ready(terraform::made()))),
    row("`webhook`", "webhook", || Box::pin(webhook::made())),
];
