//! Who wrote and who committed what a change consists of. It believes what git says.

use std::collections::BTreeSet;

use git2::{Commit, Oid};

use super::changed::changed_in_trees;
use super::error::SourceError;
use super::git::signed;
use super::names::escaped;
use super::repository::Repository;
use crate::catalog::Written;

/// How many commits of one change are looked at.
const MAX_COMMITS: usize = 100_000;

/// Of how many commits it is found out what they changed, the newest first; more come only after a long time without a look.
const MAX_COMPARED: usize = 1000;

impl Repository {
    /// Returns the mail addresses of authors and committers of the commits that one commit has and another has not.
    pub fn authors(&self, base: &str, head: &str) -> Result<BTreeSet<String>, SourceError> {
        let id = |commit: &str| {
            let gone = |_| SourceError::Gone { commit: escaped(commit.as_bytes()) };
            Oid::from_str(commit).map_err(gone)
        };
        let (base, head) = (id(base)?, id(head)?);
        let mut authors = BTreeSet::new();
        let damaged = || SourceError::git("read the commits of the change");
        let mut walk = self.git.revwalk().map_err(damaged())?;
        walk.push(head).and_then(|()| walk.hide(base)).map_err(damaged())?;
        for (count, id) in walk.enumerate() {
            if count >= MAX_COMMITS {
                return Err(SourceError::TooLarge {
                    what: "the change".to_owned(),
                    limit: format!("{MAX_COMMITS} commits"),
                });
            }
            let commit = id.and_then(|id| self.git.find_commit(id)).map_err(damaged())?;
            for signature in [commit.author(), commit.committer()] {
                authors.insert(escaped(signature.email_bytes()));
            }
        }
        Ok(authors)
    }
}

/// How many characters of somebody who is named in a message are kept.
const MAX_NAMED: usize = 240;

/// Finds out who wrote which file in the commits that one commit has and another has not.
///
/// Who merged wrote what is as in none of the parents, and what nobody else wrote of all that differs: a merge can undo what others
/// wrote. Who wrote a commit that can't be compared, for there are too many or it is damaged, counts for all that services share.
/// Where the other commit is not known, nothing is found out.
pub(super) fn written(git: &git2::Repository, base: &str, head: &str) -> Written {
    let known = |commit: &str| git.find_commit(Oid::from_str(commit).ok()?).ok();
    let (Some(base), Some(head)) = (known(base), known(head)) else {
        return Written::default();
    };
    walked(git, &base, &head).unwrap_or_else(|fault| {
        tracing::warn!(
            %fault,
            "who wrote what since {} is not known: only who wrote {} is kept from approving it; look at who approves",
            base.id(),
            head.id()
        );
        Written::default()
    })
}

fn walked(
    git: &git2::Repository,
    base: &Commit<'_>,
    head: &Commit<'_>,
) -> Result<Written, SourceError> {
    let damaged = || SourceError::git("read the commits since the last look");
    let mut walk = git.revwalk().map_err(damaged())?;
    walk.set_sorting(git2::Sort::TOPOLOGICAL | git2::Sort::TIME).map_err(damaged())?;
    walk.push(head.id()).and_then(|()| walk.hide(base.id())).map_err(damaged())?;
    let (mut written, mut seen, mut mergers) =
        (Written::default(), BTreeSet::new(), BTreeSet::new());
    for (count, id) in walk.take(MAX_COMMITS).enumerate() {
        let commit = id.and_then(|id| git.find_commit(id)).map_err(damaged())?;
        let people = people_of(&commit);
        if commit.parent_count() > 1 {
            mergers.extend(people.iter().cloned());
        }
        let paths = (count < MAX_COMPARED).then(|| paths_of(git, &commit));
        match paths {
            Some(Ok(paths)) => {
                paths.iter().for_each(|path| written.add(path, &people));
                seen.extend(paths);
            }
            _ => written.add("", &people),
        }
    }
    if mergers.is_empty() {
        return Ok(written);
    }
    match changed_in_trees(git, Some(base.tree_id()), Some(head.tree_id())) {
        Ok(changed) => {
            let unseen = changed.iter().filter(|changed| !seen.contains(&changed.path));
            unseen.for_each(|changed| written.add(&changed.path, &mergers));
        }
        Err(_) => written.add("", &mergers),
    }
    Ok(written)
}

/// Returns the paths that are in a commit as in none of its parents.
fn paths_of(git: &git2::Repository, commit: &Commit<'_>) -> Result<BTreeSet<String>, SourceError> {
    let mut parents = commit.parents().map(|parent| Some(parent.tree_id())).collect::<Vec<_>>();
    if parents.is_empty() {
        parents.push(None);
    }
    let mut common: Option<BTreeSet<String>> = None;
    for parent in parents {
        let changed = changed_in_trees(git, parent, Some(commit.tree_id()))?;
        let paths = changed.into_iter().map(|changed| changed.path);
        common = Some(match common {
            None => paths.collect(),
            Some(before) => paths.filter(|path| before.contains(path)).collect(),
        });
    }
    Ok(common.unwrap_or_default())
}

/// Returns who wrote a commit, with whom, and who committed it.
fn people_of(commit: &Commit<'_>) -> Vec<String> {
    let mut people = vec![signed(&commit.author())];
    let trailers = commit.message().and_then(git2::message_trailers_strs).ok();
    for (name, who) in trailers.iter().flat_map(|trailers| trailers.iter()) {
        if name.eq_ignore_ascii_case("co-authored-by") {
            people.push(escaped(who.as_bytes()).chars().take(MAX_NAMED).collect());
        }
    }
    people.push(signed(&commit.committer()));
    people
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::source::fixture::Repo;

    /// Commits of several people: Ada's branch with Cem, Bob's work beside it, and a merge.
    fn history(merge_writes: &str) -> (Repo, Written) {
        let repo = Repo::bare();
        let commit = |name: &str, (who, by): (&str, &str), text: &str, rest: &str| {
            let at = "1700000000 +0000";
            let (who, by) = (format!("{who} <{who}@t.example>"), format!("{by} <{by}@t.example>"));
            let length = text.len();
            format!(
                "commit refs/heads/{name}\nauthor {who} {at}\ncommitter {by} {at}\ndata {length}\n{text}\n{rest}\n"
            )
        };
        let file = |path: &str, text: &str| {
            format!("M 100644 inline {path}\ndata {}\n{text}\n", text.len())
        };
        let (a, b) = ("services/t/a.yaml", "services/t/b.yaml");
        let stream = [
            commit("main", ("ann", "ann"), "base", &(file(a, "1") + &file("catalog/x.yaml", "1"))),
            commit(
                "side",
                ("ada", "ada"),
                "one",
                &format!("from refs/heads/main\n{}", file(a, "2")),
            ),
            commit(
                "side",
                ("ada", "bot"),
                "two\n\nco-authored-by: Cem <cem@t.example>\n",
                &file("services/t/c.yaml", "1"),
            ),
            commit("main", ("bob", "bob"), "beside", &file(b, "1")),
            commit(
                "main",
                ("max", "max"),
                "merge",
                &format!(
                    "merge refs/heads/side\n{}{}{merge_writes}",
                    file(a, "2"),
                    file("services/t/c.yaml", "1")
                ),
            ),
        ];
        repo.git(&["fast-import", "--quiet"], &stream.concat());
        let (base, head) =
            (repo.git(&["rev-parse", "main~2"], ""), repo.git(&["rev-parse", "main"], ""));
        let git = git2::Repository::open_bare(&repo.path).unwrap();
        let found = written(&git, &base, &head);
        (repo, found)
    }

    fn names(written: &Written, path: &str) -> Vec<String> {
        let id = path.rsplit('/').next().and_then(|name| name.strip_suffix(".yaml"));
        let people = written.of_service(id, |path| path == "catalog/x.yaml").into_iter();
        people.map(|who| who.split(' ').next().unwrap_or_default().to_owned()).collect()
    }

    #[test]
    fn each_file_is_of_whoever_wrote_it_and_not_of_who_merged() {
        let (_repo, written) = history("");
        for (path, expected) in [
            ("services/t/a.yaml", vec!["ada"]),
            ("services/t/b.yaml", vec!["bob"]),
            ("services/t/c.yaml", vec!["ada", "Cem", "bot"]),
            ("services/t/d.yaml", vec![]),
        ] {
            assert_eq!(names(&written, path), expected, "{path}");
        }
    }

    #[test]
    fn a_merge_that_writes_something_of_its_own_is_of_who_merged() {
        let own = "M 100644 inline catalog/x.yaml\ndata 1\n9\nM 100644 inline services/t/a.yaml\ndata 1\n9\n";
        let (_repo, written) = history(own);
        assert_eq!(names(&written, "services/t/a.yaml"), ["max", "ada"]);
        assert_eq!(names(&written, "services/t/b.yaml"), ["bob", "max"]);
    }

    #[test]
    fn a_merge_that_undoes_what_others_wrote_is_of_who_merged() {
        // It takes the old content, which one of its parents has.
        let own = "M 100644 inline services/t/a.yaml\ndata 1\n1\n";
        let (repo, _) = history(own);
        let git = git2::Repository::open_bare(&repo.path).unwrap();
        let rev = |name: &str| repo.git(&["rev-parse", name], "");
        let found = written(&git, &rev("side"), &rev("main"));
        assert_eq!(names(&found, "services/t/a.yaml"), ["max"]);
    }

    #[test]
    fn nothing_is_found_out_from_a_commit_that_is_not_there() {
        let (repo, _) = history("");
        let head = repo.git(&["rev-parse", "main"], "");
        let git = git2::Repository::open_bare(&repo.path).unwrap();
        for base in ["", "x", &"0".repeat(40), &head] {
            assert!(written(&git, base, &head).is_empty(), "{base}");
        }
    }
}
