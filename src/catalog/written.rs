//! Who wrote what of a catalog between two looks at it: nobody approves what they wrote.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Who wrote or committed what: as `name <email>`, newest first, each once. What is no part of the catalog is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written {
    /// Of the files of each service, by its id: wherever they stand, and where they are gone.
    services: BTreeMap<String, Vec<String>>,
    /// Of what services share, by its path; the empty one stands for all of it.
    shared: BTreeMap<String, Vec<String>>,
}

impl Written {
    /// Takes in that people wrote a file, before whoever is known to have written it.
    pub fn add<'a>(&mut self, path: &str, people: impl IntoIterator<Item = &'a String>) {
        let known = match (service_of(path), is_shared(path)) {
            (Some(service), _) => self.services.entry(service.to_owned()).or_default(),
            (None, true) => self.shared.entry(path.to_owned()).or_default(),
            (None, false) => return,
        };
        extend(known, people);
    }

    /// Takes in what was written before this.
    pub fn add_older(&mut self, older: &Self) {
        let own = [(&mut self.services, &older.services), (&mut self.shared, &older.shared)];
        for (known, older) in own {
            for (name, people) in older {
                extend(known.entry(name.clone()).or_default(), people);
            }
        }
    }

    /// Returns what was written of some services, by their ids, and of some paths that services share.
    #[must_use]
    pub fn only(&self, service: impl Fn(&str) -> bool, shared: impl Fn(&str) -> bool) -> Self {
        let services = self.services.iter().filter(|(id, _)| service(id));
        let shared = self.shared.iter().filter(|(path, _)| shared(path));
        let own = |(name, people): (&String, &Vec<String>)| (name.clone(), people.clone());
        Self { services: services.map(own).collect(), shared: shared.map(own).collect() }
    }

    /// Tells whether nobody wrote anything.
    pub fn is_empty(&self) -> bool {
        self.services.is_empty() && self.shared.is_empty()
    }

    /// Returns who wrote the files of a service, which may have had other ids, and then who wrote what concerns it of what
    /// services share.
    pub fn of_service<'i>(
        &self,
        ids: impl IntoIterator<Item = &'i str>,
        concerns: impl Fn(&str) -> bool,
    ) -> Vec<String> {
        let own = ids.into_iter().filter_map(|id| self.services.get(id));
        let shared = self.shared.iter().filter(|(path, _)| path.is_empty() || concerns(path));
        let mut seen = BTreeSet::new();
        let all = own.chain(shared.map(|(_, people)| people)).flatten();
        all.filter(|person| seen.insert(*person)).cloned().collect()
    }
}

fn extend<'a>(known: &mut Vec<String>, people: impl IntoIterator<Item = &'a String>) {
    for person in people {
        if !known.contains(person) {
            known.push(person.clone());
        }
    }
}

/// Returns the service that a file is of: its document, or one beside it.
fn service_of(path: &str) -> Option<&str> {
    let (_, below) = path.strip_prefix("services/")?.split_once('/')?;
    match below.split_once('/') {
        Some(("files", rest)) => rest.split_once('/').map(|(service, _)| service),
        Some(_) => None,
        None => below.strip_suffix(".yaml"),
    }
}

/// Tells whether services share what stands at a path: definitions and what belongs to them, and the settings.
fn is_shared(path: &str) -> bool {
    let folder = path.split_once('/').map(|(folder, _)| folder);
    let is_definition = matches!(folder, Some("catalog" | "bundles" | "environments"));
    is_definition || path == "trueline.yaml" || path.is_empty()
}

#[cfg(test)]
mod tests {
    use super::Written;

    fn written(rows: &[(&str, &[&str])]) -> Written {
        let mut written = Written::default();
        for (path, people) in rows {
            let people: Vec<String> = people.iter().map(|who| (*who).to_owned()).collect();
            written.add(path, &people);
        }
        written
    }

    #[test]
    fn a_service_is_of_who_wrote_its_files_wherever_they_stand_and_what_it_shares() {
        let written = written(&[
            ("services/pay/db.yaml", &["ada", "bob"]),
            ("services/web/db.yaml", &["ada", "mover"]),
            ("services/pay/files/db/policy.json", &["cem", "ada"]),
            ("services/pay/files/db2/policy.json", &["dan"]),
            ("services/pay/db2.yaml", &["eve"]),
            ("catalog/data/database.yaml", &["fay"]),
            ("catalog/data/other.yaml", &["joe"]),
            ("", &["gil"]),
            ("trueline.yaml", &["hal"]),
            ("README.md", &["ian"]),
            ("services/README.md", &["ian"]),
        ]);
        let concerns = |path: &str| path == "catalog/data/database.yaml" || path == "trueline.yaml";
        let check = |ids: &[&str], expected: &[&str]| {
            assert_eq!(written.of_service(ids.iter().copied(), concerns), expected, "{ids:?}");
        };
        check(&["db"], &["ada", "bob", "mover", "cem", "gil", "fay", "hal"]);
        check(&["db2"], &["dan", "eve", "gil", "fay", "hal"]);
        check(&["db3", "db2"], &["dan", "eve", "gil", "fay", "hal"]);
        check(&["db3"], &["gil", "fay", "hal"]);
    }

    #[test]
    fn what_was_written_before_comes_after() {
        let mut new = written(&[("services/pay/db.yaml", &["bob"])]);
        let old =
            written(&[("services/web/db.yaml", &["ada", "bob"]), ("trueline.yaml", &["cem"])]);
        new.add_older(&old.only(|id| id == "db", |_| false));
        assert_eq!(new, written(&[("services/pay/db.yaml", &["bob", "ada"])]));
    }
}
