//! Looks up how commits reached the branch, and with whose approvals; what owners did not approve stays open.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use super::bench::{Bench, at};
use super::error::ReviewError;
use super::line::{committed, difference, line};
use super::notes::{AfterNote, LandedNote};
use super::pass::Reviewer;
use super::people::{Keepers, owner, owners_of, said};
use crate::catalog::{OwnerSettings, Snapshot, Team};
use crate::forge::{ProposalState, Review, Reviewable};
use crate::owners::{Landing, Ledger, Owners, People, Touched, Way, approval, standing};
use crate::reconcile::concerns;
use crate::store::DecisionKind;
use crate::validate::{Against, Judge, breaking_items};

/// The catalog's own settings.
const SETTINGS: &str = "trueline.yaml";

/// How many seconds a forge may take after a merge until it tells of it («List pull requests associated with a commit»
/// of GitHub takes some).
const SETTLES: i64 = 60;

/// What the owners, settings and teams of a commit are.
#[derive(Clone)]
struct Rules {
    owners: Owners,
    settings: OwnerSettings,
    teams: BTreeMap<String, Team>,
}

/// Commits that reached the branch at once.
struct Group {
    before: String,
    after: String,
    through: Option<Reviewable>,
    way: Way,
}

impl Reviewer {
    /// Looks at what reached the branch since the last time; tells whether anything is different now.
    pub(super) async fn verify(&mut self, head: &str) -> Result<bool, ReviewError> {
        let known = self.notes.landed().await?;
        let mut note = match known.clone() {
            Some(note) => note,
            None => self.beginning(head).await?,
        };
        self.accept(&mut note, head).await?;
        if note.ledger.commit != head {
            for group in self.groups(&note.ledger.commit, head).await? {
                self.take(&mut note.ledger, &group).await?;
            }
        }
        if Some(&note) == known.as_ref() {
            return Ok(false);
        }
        let settled = known.is_some_and(|known| known.ledger == note.ledger);
        self.notes.keep_landed(&note).await?;
        Ok(!settled)
    }

    /// What was acted upon before anybody looked is taken for approved.
    async fn beginning(&mut self, head: &str) -> Result<LandedNote, ReviewError> {
        let state = self.engine.store.catalog_state().await?;
        let start = state.applied_revision.unwrap_or_else(|| head.to_owned());
        let decisions = self.engine.store.last_decision().await?;
        let from = start.clone();
        let found = at(&mut self.bench, move |bench| Ok(rules(bench, &from).ok())).await?;
        let (start, rules) = if let Some(rules) = found {
            (start, rules)
        } else {
            let to = head.to_owned();
            (head.to_owned(), at(&mut self.bench, move |bench| rules(bench, &to)).await?)
        };
        let ledger = Ledger::begin(&start, rules.settings.required);
        Ok(LandedNote { ledger, decisions })
    }

    /// Groups the commits from one to another by how they got there.
    async fn groups(&mut self, from: &str, to: &str) -> Result<Vec<Group>, ReviewError> {
        let ends = (from.to_owned(), to.to_owned());
        let commits =
            at(&mut self.bench, move |bench| line(bench.repository()?, &ends.0, &ends.1)).await?;
        let Some(commits) = commits else {
            let (before, after) = (from.to_owned(), to.to_owned());
            return Ok(vec![Group { before, after, through: None, way: Way::Rewritten }]);
        };
        let mut groups: Vec<Group> = Vec::new();
        let mut before = from.to_owned();
        for commit in commits {
            let landed = self.forge.landed_by(&commit).await?;
            let through = landed.into_iter().find(|one| {
                one.proposal.state == ProposalState::Merged
                    && one.proposal.base_branch.trim_start_matches("refs/heads/") == self.branch
            });
            let way = match &through {
                Some(one) => Way::Proposal(one.proposal.number),
                None if self.is_fresh(&commit).await? => break,
                None => Way::Direct,
            };
            match groups.last_mut().filter(|last| last.way == way) {
                Some(last) => last.after.clone_from(&commit),
                None => {
                    groups.push(Group {
                        before: before.clone(),
                        after: commit.clone(),
                        through,
                        way,
                    });
                }
            }
            before = commit;
        }
        Ok(groups)
    }

    /// Tells whether a forge elsewhere may not know yet how a commit got there; it is asked again at the next look.
    async fn is_fresh(&mut self, commit: &str) -> Result<bool, ReviewError> {
        if !self.forge.is_authenticated() {
            return Ok(false);
        }
        let commit = commit.to_owned();
        let committed =
            at(&mut self.bench, move |bench| Ok(committed(bench.repository()?, &commit)?));
        let committed = committed.await?;
        let age = self.now().as_second() - committed;
        // Who wrote a time that is to come is not waited for.
        Ok((0..SETTLES).contains(&age))
    }

    /// Judges one group by the rules that count, and counts the approvals of what was shown.
    async fn take(&mut self, ledger: &mut Ledger, group: &Group) -> Result<(), ReviewError> {
        let (rules_at, ends) =
            (ledger.rules_at.clone(), (group.before.clone(), group.after.clone()));
        let head = group
            .through
            .as_ref()
            .map(|one| (one.proposal.number, one.head_ref.clone(), one.proposal.head.clone()));
        let today = self.now().to_zoned(TimeZone::UTC).date();
        let (rules, difference, breaking) = at(&mut self.bench, move |bench| {
            let rules = rules(bench, &rules_at)?;
            if let Some((number, theirs, head)) = &head {
                // A head that is gone can't be compared with, and then nothing counts as approved.
                let _ = bench.fetch((*number, theirs, head));
            }
            let head = head.as_ref().map(|(_, _, head)| head.as_str());
            let between = (ends.0.as_str(), ends.1.as_str());
            let difference = difference(bench.repository()?, between, head)?;
            let asks = rules.settings.required && rules.settings.breaking_change.is_some();
            let breaking = if asks { broken(bench, between, today)? } else { BTreeSet::new() };
            Ok((rules, difference, breaking))
        })
        .await?;
        let breaking = breaking.intersection(&difference.paths).cloned().collect();
        let touched = Touched { paths: difference.paths, breaking };
        let (people, reviews) = self.people(group, (&rules, &touched)).await?;
        let landing = Landing {
            commit: group.after.clone(),
            way: group.way,
            touched,
            by_hand: difference.by_hand,
            blobs: difference.blobs,
            people,
        };
        if let Some(proposal) = &group.through {
            self.count(proposal, (&rules, &landing), &reviews).await?;
            self.begin_after(proposal, group).await?;
        }
        ledger.take(&rules.owners, &rules.settings, &landing);
        self.follow_rules(ledger).await
    }

    /// Lets newer rules count where they are approved.
    async fn follow_rules(&mut self, ledger: &mut Ledger) -> Result<(), ReviewError> {
        let commit = ledger.rules_at.clone();
        let rules = at(&mut self.bench, move |bench| rules(bench, &commit)).await?;
        if ledger.follow_rules(&rules.owners) {
            let commit = ledger.rules_at.clone();
            let newest = at(&mut self.bench, move |bench| self::rules(bench, &commit)).await?;
            ledger.required = newest.settings.required;
        }
        Ok(())
    }

    /// Returns who took part in what landed.
    async fn people(
        &mut self,
        group: &Group,
        (rules, touched): (&Rules, &Touched),
    ) -> Result<(People, Vec<Review>), ReviewError> {
        let breaking = rules.settings.breaking_change.iter().flat_map(|rule| rule.from.clone());
        let asked: BTreeSet<String> = touched
            .paths
            .iter()
            .flat_map(|path| rules.owners.owners_of(path).to_vec())
            .chain(rules.settings.fallback.clone())
            .chain(breaking)
            .collect();
        let now = self.now();
        let keepers =
            Keepers { forge: &*self.forge, listed: &rules.teams, store: &*self.engine.store };
        let members = self.teams.members(keepers, &asked, now).await?;
        let Some(proposal) = &group.through else {
            let authors = self.pushers(group).await?;
            return Ok((People { authors, members, ..People::default() }, Vec::new()));
        };
        let reviews = self.forge.reviews(proposal.proposal.number).await?;
        let people = People {
            approved_by: standing(&said(&reviews), &proposal.proposal.head),
            authors: owners_of(&proposal.authors),
            stranger: proposal.has_unknown_author,
            members,
        };
        Ok((people, reviews))
    }

    /// Names who wrote commits that were pushed; the forge is not asked about them.
    async fn pushers(&mut self, group: &Group) -> Result<BTreeSet<String>, ReviewError> {
        let commit = group.after.clone();
        let author = at(&mut self.bench, move |bench| {
            let mirror = bench.source.mirror().ok_or(ReviewError::Broken)?;
            Ok(mirror.author_of(&commit)?)
        });
        let author = author.await?;
        let (name, mail) = author.split_once(" <").unwrap_or((&author, ""));
        let mail = mail.trim_end_matches('>');
        let account = mail.split('@').next().unwrap_or_default();
        let account = account.rsplit('+').next().unwrap_or_default();
        let names = [name, mail, account].into_iter().filter(|name| !name.trim().is_empty());
        Ok(names.map(owner).collect())
    }

    /// An owner's approval of a proposal approves the changes that it showed, wherever they are the same now.
    async fn count(
        &mut self,
        proposal: &Reviewable,
        (rules, landing): (&Rules, &Landing),
        reviews: &[Review],
    ) -> Result<(), ReviewError> {
        let note = self.notes.proposal(proposal.proposal.number).await?;
        if note.after.is_some() {
            return Ok(());
        }
        let needed = approval(&rules.owners, &rules.settings, &landing.touched, &landing.people);
        for by in &landing.people.approved_by {
            let last = reviews.iter().rev().find(|review| owner(&review.by.login) == *by);
            let Some(last) = last else { continue };
            let Some(seen) = note.seen(&proposal.proposal.head, last.at) else { continue };
            let demands = needed.demands.iter().filter(|demand| demand.by.contains(by));
            let owned: BTreeSet<&String> =
                demands.flat_map(|demand| &demand.paths).map(|asked| &asked.path).collect();
            // What a change of another document leads to is approved by who owns all that was touched.
            let mut paths = landing.touched.paths.iter();
            let owns_all = !owned.is_empty() && paths.all(|path| owned.contains(path));
            for change in &seen.changes {
                let touched = landing.touched.paths.contains(&change.path);
                if !(owns_all || touched && owned.contains(&change.path)) {
                    continue;
                }
                let (subject, changes) = (change.digest, vec![change.digest]);
                let decision = DecisionKind::Approve { subject, changes, comment: String::new() };
                self.engine.store.decide(&last.by.login, self.now(), &decision).await?;
            }
        }
        Ok(())
    }

    /// Follows a merged proposal until it is carried out.
    async fn begin_after(
        &mut self,
        proposal: &Reviewable,
        group: &Group,
    ) -> Result<(), ReviewError> {
        let number = proposal.proposal.number;
        let mut note = self.notes.proposal(number).await?;
        if note.after.is_some() {
            return Ok(());
        }
        let head = &proposal.proposal.head;
        let last = note.showings.iter().rev().find(|showing| showing.head == *head);
        let services: BTreeSet<String> = if let Some(showing) = last {
            showing.changes.iter().map(|change| change.service.clone()).collect()
        } else {
            // It was merged before anybody could look at it.
            let (before, after) = (group.before.clone(), group.after.clone());
            at(&mut self.bench, move |bench| changed(bench, (&before, &after))).await?
        };
        let services = services.into_iter().collect();
        let (commit, merged_at) = (group.after.clone(), self.now());
        note.after = Some(AfterNote { commit, merged_at, services, done: false });
        self.notes.keep(number, &note).await
    }

    /// Lets owners accept what landed without them: by approving the change that it leads to.
    async fn accept(&mut self, note: &mut LandedNote, head: &str) -> Result<(), ReviewError> {
        let store = self.engine.store.clone();
        if store.last_decision().await? <= note.decisions {
            return Ok(());
        }
        for decision in store.decisions_after(note.decisions).await? {
            note.decisions = decision.seq;
            let DecisionKind::Approve { subject, changes, .. } = &decision.decision else {
                continue;
            };
            if note.ledger.open.is_empty() {
                continue;
            }
            let digests: BTreeSet<_> = changes.iter().chain([subject]).copied().collect();
            let commit = head.to_owned();
            let catalog = at(&mut self.bench, move |bench| {
                let snapshot = bench.snapshot(&commit)?;
                Ok(bench.judge.judge(&snapshot).catalog)
            });
            let catalog = catalog.await?;
            let mut paths = BTreeSet::new();
            for plan in store.plans_by_prefix(&subject.to_string()).await? {
                for change in plan.changes.iter().filter(|it| digests.contains(&it.digest)) {
                    let open = note.ledger.open.keys();
                    paths.extend(open.filter(|path| concerns(path, change, &catalog)).cloned());
                }
            }
            let names = self.names(&decision.by, &note.ledger).await?;
            for path in note.ledger.accept(&paths, &names) {
                tracing::info!(path, by = decision.by, "an owner accepts what landed without them");
            }
        }
        self.follow_rules(&mut note.ledger).await
    }

    /// Returns all names that somebody goes by where owners are missing: their own, and the teams that they are in.
    async fn names(&mut self, by: &str, ledger: &Ledger) -> Result<BTreeSet<String>, ReviewError> {
        let asked: BTreeSet<String> =
            ledger.open.values().flat_map(|open| open.missing.iter().flatten().cloned()).collect();
        let now = self.now();
        let commit = ledger.rules_at.clone();
        let listed = at(&mut self.bench, move |bench| Ok(rules(bench, &commit)?.teams)).await?;
        let keepers = Keepers { forge: &*self.forge, listed: &listed, store: &*self.engine.store };
        let members = self.teams.members(keepers, &asked, now).await?;
        let own = owner(by);
        let is_in = |members: &BTreeSet<String>| {
            members.iter().any(|member| member.eq_ignore_ascii_case(&own))
        };
        let teams = members.iter().filter(|(_, members)| is_in(members));
        Ok(teams.map(|(team, _)| team.clone()).chain([own.clone()]).collect())
    }
}

/// Reads the owners and settings of a commit.
fn rules(bench: &mut Bench, commit: &str) -> Result<Rules, ReviewError> {
    let snapshot = bench.snapshot(commit)?;
    let owners = Owners::of(&snapshot);
    let own = snapshot.files.iter().filter(|(path, _)| &***path == SETTINGS);
    let files = own.map(|(path, blob)| (path.clone(), blob.clone())).collect();
    let alone = Snapshot { files, ..Snapshot::default() };
    let judged = Judge::default().judge(&alone);
    let settings = &judged.catalog.settings;
    Ok(Rules { owners, settings: settings.owners.clone(), teams: settings.teams.clone() })
}

/// Returns the services that differ between two commits.
fn changed(
    bench: &mut Bench,
    (before, after): (&str, &str),
) -> Result<BTreeSet<String>, ReviewError> {
    let before = bench.snapshot(before)?;
    let before = bench.judge.judge(&before).catalog;
    let after = bench.snapshot(after)?;
    Ok(before.changed_services(&bench.judge.judge(&after).catalog))
}

/// Returns the documents whose change breaks those who use them.
fn broken(
    bench: &mut Bench,
    (before, after): (&str, &str),
    today: jiff::civil::Date,
) -> Result<BTreeSet<String>, ReviewError> {
    let against = Against { base: None, today: Some(today) };
    let before = bench.snapshot(before)?;
    bench.judge.forget();
    let before = bench.judge.judge_against(&before, &against).catalog;
    let after = bench.snapshot(after)?;
    let after = bench.judge.judge_against(&after, &against).catalog;
    Ok(breaking_items(&before, &after).iter().map(ToString::to_string).collect())
}
