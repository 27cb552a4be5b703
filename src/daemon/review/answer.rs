//! Does what people ask for in comments, where they may; a refusal answers with the reason, once. Anything that is not a
//! command is left alone.

use std::collections::{BTreeMap, BTreeSet};

use super::bench::at;
use super::command::{Command, command};
use super::error::ReviewError;
use super::notes::{ProposalNote, Showing};
use super::pass::Reviewer;
use super::people::{Keepers, owner};
use crate::catalog::Team;
use crate::digest::Digest;
use crate::forge::{Comment, ProposalState, Reviewable};
use crate::owners::{Owners, is_owner};
use crate::reconcile::show::code;
use crate::store::DecisionKind;
use crate::validate::explain;

/// How many digits the beginning of a digest must have.
const LEAST_DIGITS: usize = 8;

const HELP: &str = "\
What can be asked for here, as the first line of a comment:

- `/trueline plan`: judge and plan this proposal again
- `/trueline approve`: approve all changes of the plan that is shown; not for who wrote them
- `/trueline approve DIGEST`: approve one change, or the plan, by 8 or more digits of its digest
- `/trueline retry`: try again what stopped, once this is merged
- `/trueline explain RULE`: what a rule is about
- `/trueline help`: this
";

/// What comes of a command.
enum Answer {
    /// Nothing needs to be said; the review is to be made again.
    Again,
    /// It was done, or refused: what is said.
    Said(String),
}

impl Reviewer {
    /// Answers the comments that are new; tells whether the review is to be made again.
    pub(super) async fn answer(&mut self, proposal: &Reviewable) -> Result<bool, ReviewError> {
        let number = proposal.proposal.number;
        let mut again = false;
        let heard = self.notes.proposal(number).await?.heard;
        let mut comments = self.forge.comments(number).await?;
        comments.retain(|comment| comment.id > heard);
        comments.sort_by_key(|comment| comment.id);
        for comment in comments {
            if let Some(asked) = command(&comment.body) {
                self.forge.acknowledge(number, comment.id).await?;
                match self.obey(proposal, &comment, asked).await? {
                    Answer::Again => again = true,
                    Answer::Said(text) => {
                        let marker = format!("trueline-answer-{}", comment.id);
                        let now = self.now();
                        self.forge.put_comment(number, &marker, Some(&text), now).await?;
                    }
                }
            }
            let mut note = self.notes.proposal(number).await?;
            note.heard = comment.id;
            self.notes.keep(number, &note).await?;
        }
        Ok(again)
    }

    async fn obey(
        &mut self,
        proposal: &Reviewable,
        comment: &Comment,
        asked: Command,
    ) -> Result<Answer, ReviewError> {
        let say = |text: &str| Ok(Answer::Said(text.to_owned()));
        match asked {
            Command::Help => say(HELP),
            Command::Unknown(word) => {
                Ok(Answer::Said(format!("`/trueline` knows no {}.\n\n{HELP}", code(&word))))
            }
            Command::Explain(rule) => Ok(Answer::Said(match explain(&rule) {
                Some(text) => format!("````text\n{}\n````\n", text.replace("````", "")),
                None => format!(
                    "There is no rule {}; `trueline explain` lists all of them.\n",
                    code(&rule)
                ),
            })),
            Command::Plan => match self.concern(proposal, comment, true).await? {
                Some(why) => Ok(Answer::Said(why)),
                None => Ok(Answer::Again),
            },
            Command::Approve(digest) => match self.concern(proposal, comment, false).await? {
                Some(why) => Ok(Answer::Said(why)),
                None => self.approve(proposal, comment, digest.as_deref()).await,
            },
            Command::Retry => match self.concern(proposal, comment, true).await? {
                Some(why) => Ok(Answer::Said(why)),
                None => self.retry(proposal, comment).await,
            },
        }
    }

    /// Says why somebody may not ask; nothing where they may: owners of what it touches, those that approvals are
    /// asked of, and its authors where that is enough.
    async fn concern(
        &mut self,
        proposal: &Reviewable,
        comment: &Comment,
        authors: bool,
    ) -> Result<Option<String>, ReviewError> {
        let who = owner(&comment.by.login);
        let is_author = proposal.authors.iter().any(|author| author.is(&comment.by));
        if is_author && authors {
            return Ok(None);
        }
        let shown = code(comment.by.login.trim_start_matches('@'));
        if is_author {
            return Ok(Some(format!(
                "{shown} had a hand in this, so their approval does not count.\n"
            )));
        }
        if proposal.has_unknown_author && !authors {
            let why =
                "Somebody had a hand in this whom nobody knows, so nobody's approval counts.\n";
            return Ok(Some(why.to_owned()));
        }
        let (asked, listed) = self.asked(proposal).await?;
        let now = self.now();
        let keepers = Keepers { forge: &*self.forge, listed: &listed, store: &*self.engine.store };
        let members = self.teams.members(keepers, &asked, now).await?;
        let is = |name: &String| name.eq_ignore_ascii_case(&who);
        let may = asked.iter().any(is) || members.values().flatten().any(is);
        Ok((!may).then(|| {
            format!(
                "{shown} is neither an owner of what this changes nor one of those whose approval it takes.\n"
            )
        }))
    }

    /// Returns who is asked about a proposal, as owners are written, and the teams of its base.
    async fn asked(
        &mut self,
        proposal: &Reviewable,
    ) -> Result<(BTreeSet<String>, BTreeMap<String, Team>), ReviewError> {
        let base = match &proposal.proposal.merge_commit {
            Some(merge) => format!("{merge}^"),
            None => self.head.clone(),
        };
        let head = proposal.proposal.head.clone();
        let (number, theirs) = (proposal.proposal.number, proposal.head_ref.clone());
        let found = at(&mut self.bench, move |bench| {
            bench.fetch((number, &theirs, &head))?;
            let repository = bench.repository()?;
            let base = repository.revparse_single(&base).ok();
            let base = base.map(|found| found.id().to_string()).unwrap_or_default();
            let mirror = bench.source.mirror().ok_or(ReviewError::Broken)?;
            let common = mirror.merge_base(&base, &head)?.unwrap_or_else(|| base.clone());
            let changed = crate::source::changed_paths(repository, &common, &head)?;
            let snapshot = bench.snapshot(&base)?;
            let owners = Owners::of(&snapshot);
            let settings = bench.judge.judge(&snapshot).catalog.settings.clone();
            let of_paths = changed.iter().flat_map(|one| owners.owners_of(&one.path).to_vec());
            let mut asked: BTreeSet<String> = of_paths.collect();
            asked.extend(settings.owners.fallback.iter().cloned());
            Ok((asked, settings))
        });
        let (mut asked, settings) = found.await?;
        let note = self.notes.proposal(proposal.proposal.number).await?;
        let digests: BTreeSet<Digest> = shown(&note).map(|change| change.digest).collect();
        let plan = self.engine.store.latest_plan().await?;
        let plans = plan.iter().flat_map(|plan| &plan.changes);
        for change in plans.filter(|change| digests.contains(&change.digest)) {
            for from in change.needs.iter().flat_map(|need| &need.from) {
                match settings.teams.get(from) {
                    Some(team) => asked.extend(team.owners.iter().cloned()),
                    None if is_owner(from) => drop(asked.insert(from.clone())),
                    None => {}
                }
            }
        }
        Ok((asked, settings.teams.clone()))
    }

    /// Records an approval of what was shown last.
    async fn approve(
        &mut self,
        proposal: &Reviewable,
        comment: &Comment,
        digest: Option<&str>,
    ) -> Result<Answer, ReviewError> {
        let note = self.notes.proposal(proposal.proposal.number).await?;
        let is_open = proposal.proposal.state == ProposalState::Open;
        let Some(last) =
            note.showings.last().filter(|last| !is_open || last.head == proposal.proposal.head)
        else {
            return Ok(Answer::Said(
                "Nothing of the newest push was shown yet: look at the plan first.\n".to_owned(),
            ));
        };
        let by = code(comment.by.login.trim_start_matches('@'));
        let all: Vec<Digest> = last.changes.iter().map(|change| change.digest).collect();
        let chosen = match digest {
            None => all.clone(),
            Some(begin) => match self.chosen(begin, (&note, last), is_open).await? {
                Ok(chosen) => chosen,
                Err(why) => return Ok(Answer::Said(why)),
            },
        };
        if chosen.is_empty() {
            return Ok(Answer::Said("The plan that is shown has no changes.\n".to_owned()));
        }
        let is_plan = chosen == all && chosen.len() > 1;
        let subjects = if is_plan { vec![last.plan] } else { chosen.clone() };
        for subject in subjects {
            let changes = if is_plan { chosen.clone() } else { vec![subject] };
            let decision = DecisionKind::Approve { subject, changes, comment: String::new() };
            let now = self.now();
            self.engine.store.decide(&comment.by.login, now, &decision).await?;
        }
        let digests: Vec<String> = chosen.iter().map(|it| format!("`{}`", it.short())).collect();
        let proven = if self.forge.is_authenticated() { "" } else { " (self-declared)" };
        Ok(Answer::Said(format!(
            "Approved by {by}{proven}: {}. It counts for as long as the changes stay the same.\n",
            digests.join(", ")
        )))
    }

    /// Returns what of a proposal begins with a digest, or why nothing does.
    async fn chosen(
        &self,
        begin: &str,
        (note, last): (&ProposalNote, &Showing),
        is_open: bool,
    ) -> Result<Result<Vec<Digest>, String>, ReviewError> {
        if begin.len() < LEAST_DIGITS {
            let short = code(begin);
            return Ok(Err(format!("{short} is too short: give {LEAST_DIGITS} or more digits.\n")));
        }
        let all: Vec<Digest> = last.changes.iter().map(|change| change.digest).collect();
        if last.plan.to_string().starts_with(begin) {
            return Ok(Ok(all));
        }
        let mut found = all;
        if !is_open {
            // What became different since is approved as it is now, of the same services only.
            let services: BTreeSet<&String> = shown(note).map(|change| &change.service).collect();
            let plans = self.engine.store.plans_by_prefix(begin).await?;
            let changes = plans.iter().flat_map(|plan| &plan.changes);
            let of = changes.filter(|change| services.contains(&change.service));
            found.extend(of.map(|change| change.digest));
        }
        found.retain(|digest| digest.to_string().starts_with(begin));
        found.sort_unstable();
        found.dedup();
        Ok(match found.len() {
            1 => Ok(found),
            _ => Err(format!(
                "No one change that is shown here begins with {}; the plan may have become different.\n",
                code(begin)
            )),
        })
    }

    /// Asks for what stopped to be tried again.
    async fn retry(
        &mut self,
        proposal: &Reviewable,
        comment: &Comment,
    ) -> Result<Answer, ReviewError> {
        let note = self.notes.proposal(proposal.proposal.number).await?;
        if proposal.proposal.state != ProposalState::Merged {
            return Ok(Answer::Again);
        }
        let memory = self.memory().await?;
        let services: BTreeSet<&String> = shown(&note).map(|change| &change.service).collect();
        let stopped: Vec<&String> =
            services.into_iter().filter(|service| memory.stalled.contains_key(*service)).collect();
        for service in &stopped {
            let decision = DecisionKind::Apply { service: Some((*service).clone()) };
            let now = self.now();
            self.engine.store.decide(&comment.by.login, now, &decision).await?;
        }
        let mut note = note.clone();
        if let Some(after) = note.after.as_mut().filter(|_| !stopped.is_empty()) {
            after.done = false;
            self.notes.keep(proposal.proposal.number, &note).await?;
        }
        let names: Vec<String> = stopped.iter().map(|service| code(service)).collect();
        Ok(Answer::Said(match names.as_slice() {
            [] => "Nothing of this has stopped.\n".to_owned(),
            names => format!("Tried again: {}.\n", names.join(", ")),
        }))
    }
}

fn shown(note: &ProposalNote) -> impl Iterator<Item = &super::notes::Shown> {
    note.showings.iter().flat_map(|showing| &showing.changes)
}
