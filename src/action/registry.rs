//! The registry of actions: one line each.

use super::action::Action;
use super::approval::Approval;
use super::command::Command;
use super::git_commit::GitCommit;
use super::github::GitHubSender;
use super::github_workflow::GitHubWorkflow;
use super::incoming::Sender;
use super::jira_ticket::{JiraSender, JiraTicket};
use super::manual_task::ManualTask;
use super::notify::Notify;
use super::rest_api::{REST_API, VERIFY};
use super::terraform::Terraform;
use super::webhook::Webhook;

static ALL: &[&dyn Action] = &[
    &Approval,
    &Command,
    &GitCommit,
    &GitHubWorkflow::new(),
    &JiraTicket::new(),
    &ManualTask,
    &Notify,
    &REST_API,
    &Terraform,
    &VERIFY,
    &Webhook,
];

static SENDERS: &[&dyn Sender] = &[&GitHubSender, &JiraSender];

/// Returns all actions that this build can perform.
pub fn all() -> &'static [&'static dyn Action] {
    ALL
}

/// Returns all who post signed messages to us.
pub fn senders() -> &'static [&'static dyn Sender] {
    SENDERS
}

/// Returns the action of a type.
pub fn find(kind: &str) -> Option<&'static dyn Action> {
    all().iter().copied().find(|action| action.kind() == kind)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn every_action_has_a_word_of_its_own() {
        let words: BTreeSet<&str> = all().iter().map(|action| action.kind()).collect();
        assert_eq!(words.len(), all().len());
        assert!(find("rest-api").is_some() && find("no-such").is_none());
    }

    #[test]
    fn what_is_called_available_can_be_performed_and_the_other_way_round() {
        for kind in crate::kinds::all() {
            assert_eq!(kind.available, find(kind.name).is_some(), "{}", kind.name);
        }
        if !crate::kinds::all().is_empty() {
            assert!(all().iter().all(|action| crate::kinds::find(action.kind()).is_some()));
        }
    }
}
