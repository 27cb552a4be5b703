//! Who wrote what of a catalog between two looks at it: nobody approves what they wrote.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

/// Who wrote or committed which file, by its path from the root of the catalog: as `name <email>`, newest first, each once.
///
/// The empty path stands for all that services share.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Written(BTreeMap<String, Vec<String>>);

impl Written {
    /// Takes in that people wrote a file, before whoever is known to have written it.
    pub fn add<'a>(&mut self, path: &str, people: impl IntoIterator<Item = &'a String>) {
        let known = self.0.entry(path.to_owned()).or_default();
        for person in people {
            if !known.contains(person) {
                known.push(person.clone());
            }
        }
    }

    /// Takes in what was written before this.
    pub fn add_older(&mut self, older: &Self) {
        for (path, people) in &older.0 {
            self.add(path, people);
        }
    }

    /// Returns what was written of some paths.
    #[must_use]
    pub fn only(&self, wanted: impl Fn(&str) -> bool) -> Self {
        let kept = self.0.iter().filter(|(path, _)| wanted(path));
        Self(kept.map(|(path, people)| (path.clone(), people.clone())).collect())
    }

    /// Tells whether nobody wrote anything.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Returns who wrote the file of a service or those beside it, and then who wrote what services share.
    pub fn of_service(&self, path: &str) -> Vec<String> {
        let files = path.rsplit_once('/').and_then(|(folder, name)| {
            Some(format!("{folder}/files/{}/", name.strip_suffix(".yaml")?))
        });
        let beside = files.iter().flat_map(|files| {
            self.0.range(files.clone()..).take_while(move |(path, _)| path.starts_with(files))
        });
        let shared = self.0.iter().filter(|(path, _)| is_shared(path));
        let mut seen = BTreeSet::new();
        self.0
            .get_key_value(path)
            .into_iter()
            .chain(beside)
            .chain(shared)
            .flat_map(|(_, people)| people)
            .filter(|person| seen.insert(*person))
            .cloned()
            .collect()
    }
}

/// Tells whether services share what stands at a path: definitions and what belongs to them, and the settings.
fn is_shared(path: &str) -> bool {
    let folder = path.split_once('/').map(|(folder, _)| folder);
    matches!(
        (folder, path),
        (Some("catalog" | "bundles" | "environments"), _) | (_, "trueline.yaml" | "")
    )
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
    fn a_service_is_of_who_wrote_its_files_and_what_all_share() {
        let written = written(&[
            ("services/pay/db.yaml", &["ada", "bob"]),
            ("services/pay/files/db/policy.json", &["cem", "ada"]),
            ("services/pay/files/db2/policy.json", &["dan"]),
            ("services/pay/db2.yaml", &["eve"]),
            ("catalog/database.yaml", &["fay"]),
            ("", &["gil"]),
            ("trueline.yaml", &["hal"]),
            ("README.md", &["ian"]),
        ]);
        let check = |path: &str, expected: &[&str]| {
            assert_eq!(written.of_service(path), expected, "{path}");
        };
        check("services/pay/db.yaml", &["ada", "bob", "cem", "gil", "fay", "hal"]);
        check("services/pay/db2.yaml", &["eve", "dan", "gil", "fay", "hal"]);
        check("services/web/db.yaml", &["gil", "fay", "hal"]);
        check("", &["gil", "fay", "hal"]);
    }

    #[test]
    fn what_was_written_before_comes_after() {
        let mut new = written(&[("services/pay/db.yaml", &["bob"])]);
        let old =
            written(&[("services/pay/db.yaml", &["ada", "bob"]), ("trueline.yaml", &["cem"])]);
        new.add_older(&old.only(|path| path.starts_with("services/")));
        assert_eq!(new, written(&[("services/pay/db.yaml", &["bob", "ada"])]));
    }
}
