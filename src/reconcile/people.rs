//! Who people are, as far as names tell: by what they call themselves, by the author of a commit, by the team that lists
//! them. It proves nobody's name.

use std::collections::BTreeSet;

use super::change::{Change, Need, NeedKind};
use super::facts::Facts;
use super::landed::concerns;
use crate::catalog::{Catalog, Settings};

/// Returns the one form of a name, by which people are told apart.
pub fn bare(name: &str) -> String {
    name.trim().trim_start_matches('@').to_lowercase()
}

/// Tells whether somebody is the author of a commit: by name, by mail address, or by the account that it names.
pub fn wrote(author: &str, who: &str) -> bool {
    let (name, mail) = author.split_once(" <").unwrap_or((author, ""));
    let mail = bare(mail.trim_end_matches('>'));
    let account = mail.split('@').next().unwrap_or_default();
    // A forge that hides addresses puts the number of the account before its name.
    let account = account.rsplit('+').next().unwrap_or_default();
    let who = bare(who);
    !who.is_empty() && [bare(name).as_str(), mail.as_str(), account].contains(&who.as_str())
}

/// Who wrote what a change comes from, as `name <email>`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Authors {
    /// Who wrote the newest of it.
    pub author: Option<String>,
    /// Who else wrote or committed some of it.
    pub coauthors: Vec<String>,
}

impl Authors {
    /// Returns who wrote what a change comes from.
    pub fn of(change: &Change) -> Self {
        Self { author: change.author.clone(), coauthors: change.coauthors.clone() }
    }

    /// Returns as whom of the authors somebody is known; nothing where they wrote none of it.
    pub fn known_as(&self, who: &str) -> Option<&str> {
        let mut all = self.author.iter().chain(&self.coauthors);
        all.find(|author| wrote(author, who)).map(String::as_str)
    }
}

/// Says of a change who wrote it: as it was known when the same was planned before, else whoever wrote the files that it comes from
/// since the catalog was looked at before, else who wrote the head.
pub(super) fn sign(change: &mut Change, catalog: &Catalog, facts: &Facts) {
    let authors = facts.authors.get(&change.digest).cloned().unwrap_or_else(|| {
        let service = catalog.services.get(&change.service);
        let former = service.map(|entry| entry.body.metadata.former_ids.clone());
        let former = former.unwrap_or_default();
        let ids = std::iter::once(change.service.as_str()).chain(former.iter().map(String::as_str));
        let people = facts.written.of_service(ids, |path| concerns(path, change, catalog));
        let mut people = people.into_iter();
        let author = people.next().or_else(|| facts.author.clone());
        Authors { author, coauthors: people.collect() }
    });
    (change.author, change.coauthors) = (authors.author, authors.coauthors);
}

/// Says why somebody's approval does not count for a need; nothing where it does.
///
/// Of a team whose members nobody knows here everybody may be one.
pub(super) fn refusal(
    need: &Need,
    who: &str,
    (authors, settings): (&Authors, &Settings),
) -> Option<&'static str> {
    if need.kind == NeedKind::Rule && authors.known_as(who).is_some() {
        return Some("wrote it");
    }
    if need.from.is_empty() {
        return None;
    }
    let mut people: BTreeSet<String> = BTreeSet::new();
    for name in &need.from {
        let owners = settings.teams.get(name).map(|team| &team.owners[..]);
        let owners = owners.or(name.contains('@').then_some(std::slice::from_ref(name)))?;
        if owners.is_empty() || owners.iter().any(|owner| owner.contains('/')) {
            return None;
        }
        people.extend(owners.iter().map(|owner| bare(owner)));
    }
    (!people.contains(&bare(who))).then_some("is not among them")
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::Authors;
    use crate::reconcile::policies::check;
    use crate::reconcile::world::World;

    /// Tells what a change in production waits for that some people approved; Ada wrote it.
    fn waits(from: &Value, required: u32, people: &[&str], expected: &[&str]) {
        let mut world = World::new();
        let teams = json!({
            "leads": {"owners": ["@ada", "@Bob", "cem@acme.example"]},
            "platform": {"owners": ["@acme/platform"]},
        });
        world.set("trueline.yaml", "/teams", teams);
        world.set(
            "environments/production.yaml",
            "/approval",
            json!({"required": required, "from": from}),
        );
        world.facts.author = Some("Ada Lovelace <ada@acme.example>".to_owned());
        let plan = world.service("db", "database", json!({})).plan();
        let people = people.iter().map(|who| (*who).to_owned()).collect();
        world.facts.approvals.insert(plan.changes[0].digest, people);
        let expected: Vec<&str> = std::iter::once(&"create db").chain(expected).copied().collect();
        check(&world.plan(), &expected);
    }

    #[test]
    fn only_people_of_the_teams_that_are_named_count_and_never_the_author() {
        let leads = json!(["leads"]);
        waits(&leads, 1, &["bob"], &[]);
        waits(&leads, 1, &["cem@acme.example"], &[]);
        waits(
            &leads,
            1,
            &["ada"],
            &["  waits for 1 approval (environment production; ada wrote it, from leads)"],
        );
        waits(
            &leads,
            1,
            &["eve"],
            &["  waits for 1 approval (environment production; eve is not among them, from leads)"],
        );
        waits(
            &leads,
            2,
            &["bob", "@Bob"],
            &["  waits for 1 approval (environment production, from leads)"],
        );
        waits(&leads, 2, &["bob", "cem@acme.example"], &[]);
        waits(&json!(["leads", "@eve"]), 1, &["eve"], &[]);
    }

    #[test]
    fn what_was_planned_stays_its_authors_whoever_writes_the_head() {
        let mut world = World::new();
        world.set("environments/production.yaml", "/approval", json!({"required": 1}));
        world.facts.author = Some("Ada Lovelace <ada@acme.example>".to_owned());
        let first = world.service("db", "database", json!({})).plan();
        let change = &first.changes[0];
        world.facts.authors = [(change.digest, Authors::of(change))].into();
        world.facts.author = Some("Bob <bob@acme.example>".to_owned());
        for (who, counts) in [("ada", false), ("bob", true)] {
            world.facts.approvals.insert(change.digest, [who.to_owned()].into());
            let plan = world.plan();
            assert_eq!(plan.changes[0].author, change.author);
            assert_eq!(plan.pending.is_empty(), counts, "{who}: {:?}", plan.pending);
        }
        // What became another change is of who made it so.
        let other = world.service("db", "database", json!({"fields": {"size": 30}})).plan();
        assert_ne!(other.changes[0].digest, change.digest);
        assert_eq!(other.changes[0].author, world.facts.author);
    }

    #[test]
    fn of_a_team_whose_members_nobody_knows_everybody_but_the_author_may_be_one() {
        for from in [json!(["platform"]), json!(["dba"]), json!([])] {
            waits(&from, 1, &["eve"], &[]);
            let mut expected =
                "  waits for 1 approval (environment production; ada wrote it".to_owned();
            if let Some(team) = from[0].as_str() {
                expected.extend([", from ", team]);
            }
            waits(&from, 1, &["ada"], &[&(expected + ")")]);
        }
    }
}
