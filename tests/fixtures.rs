//! Documents as people write them, right and wrong, and what is said of each. `UPDATE_FIXTURES=1` writes that down anew.
//!
//! `tests/fixtures/README.md` says how they are laid out.
#![allow(missing_docs, reason = "tests tell what they are by their names")]
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::format_push_string,
    reason = "a test may fail"
)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use trueline::catalog::Snapshot;
use trueline::finding::Finding;
use trueline::source::DirectoryReader;
use trueline::validate::{Against, Judge, rules};

const ROOT: &str = "tests/fixtures";
const TODAY: &str = "2026-11-21";

/// Folders of single documents, and where in a catalog such a document stands.
const PLACES: [(&str, &str); 6] = [
    ("yaml", "services/payments/"),
    ("service", "services/payments/"),
    ("item", "catalog/databases/"),
    ("bundle", "bundles/"),
    ("environment", "environments/"),
    ("settings", ""),
];

/// Rules that no file can break, with why.
const WITHOUT_FIXTURE: [(&str, &str); 2] = [
    ("source/submodule", "a submodule is an entry of a git tree; `source` has its tests"),
    ("source/unreadable", "whoever runs as root can read everything; `source` has its tests"),
];

type Files = BTreeMap<String, Vec<u8>>;

/// A fixture: files over those of the common catalog, before and after.
struct Fixture {
    /// Where it is, without the ending.
    path: PathBuf,
    base: Option<Files>,
    head: Files,
    setup: String,
}

fn read_folder(folder: &Path) -> Files {
    let mut files = Files::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(each) = folders.pop() {
        for entry in fs::read_dir(&each).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else {
                let name = path.strip_prefix(folder).unwrap().to_str().unwrap().to_owned();
                files.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    files
}

/// The fixtures below a folder, by their paths.
fn fixtures(folder: &str) -> Vec<Fixture> {
    let root = Path::new(ROOT).join(folder);
    let mut found = Vec::new();
    for (kind, prefix) in PLACES {
        for (name, bytes) in read_folder(&root.join(kind)) {
            let Some(stem) = name.strip_suffix(".yaml") else { continue };
            let at = if kind == "settings" {
                "trueline.yaml".to_owned()
            } else {
                format!("{prefix}{name}")
            };
            let head = Files::from([(at, bytes)]);
            found.push(Fixture {
                path: root.join(kind).join(stem),
                base: None,
                head,
                setup: String::new(),
            });
        }
    }
    for entry in fs::read_dir(root.join("cases")).unwrap() {
        let path = entry.unwrap().path();
        if !path.is_dir() {
            continue;
        }
        let is_change = path.join("head").is_dir();
        let base = is_change.then(|| read_folder(&path.join("base")));
        let mut head = if is_change { read_folder(&path.join("head")) } else { read_folder(&path) };
        let setup = head.remove("SETUP").unwrap_or_default();
        found.push(Fixture { path, base, head, setup: String::from_utf8(setup).unwrap() });
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

/// Puts files over the common catalog.
fn over_common(files: &Files) -> Files {
    let mut all = read_folder(&Path::new(ROOT).join("catalog"));
    all.extend(files.clone());
    all
}

/// Reads a path in which a character stands as `%` and its number in four digits.
fn unescaped(path: &str) -> String {
    let mut parts = path.split('%');
    let first = parts.next().unwrap().to_owned();
    parts.fold(first, |path, part| {
        let (number, rest) = part.split_at(4);
        let character = char::from_u32(u32::from_str_radix(number, 16).unwrap()).unwrap();
        path + &character.to_string() + rest
    })
}

/// Makes what no file of a repository should be: links, hostile names, and files that are too large.
fn set_up(mut files: Files, setup: &str) -> Snapshot {
    let orders: Vec<Vec<&str>> = setup
        .lines()
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_whitespace().collect())
        .collect();
    for order in &orders {
        match order.as_slice() {
            ["grow", path, bytes] => {
                files.get_mut(*path).unwrap().resize(bytes.parse().unwrap(), b'\n');
            }
            ["move", path, to] => {
                let file = files.remove(*path).unwrap();
                files.insert(unescaped(to), file);
            }
            _ => {}
        }
    }
    if orders.iter().all(|order| ["grow", "move"].contains(&order[0])) {
        return Snapshot::of_files(files);
    }
    let folder = tempfile::TempDir::new().unwrap();
    let at = |path: &str| {
        let path = folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        path
    };
    for (path, bytes) in &files {
        fs::write(at(path), bytes).unwrap();
    }
    for order in &orders {
        match order.as_slice() {
            // Read as the program reads it, not as files in memory.
            ["folder"] | ["grow" | "move", ..] => {}
            ["link", path, target] => symlink(target, at(path)).unwrap(),
            ["name", path] => {
                fs::write(at(&unescaped(path)), "kind: Service\n").unwrap();
            }
            other => panic!("{other:?} is nothing that can be set up"),
        }
    }
    DirectoryReader::new(folder.path()).read().unwrap()
}

fn judge(fixture: &Fixture) -> Vec<Finding> {
    let files = over_common(&fixture.head);
    let snapshot = match fixture.setup.as_str() {
        "" => Snapshot::of_files(files),
        setup => set_up(files, setup),
    };
    let before = fixture.base.as_ref().map(|base| Snapshot::of_files(over_common(base)));
    let base = before.map(|before| Judge::default().judge(&before).catalog);
    let against = Against { base, today: Some(TODAY.parse().unwrap()) };
    Judge::default().judge_against(&snapshot, &against).findings
}

/// The invalid fixtures, each with what is found in it.
fn invalid() -> &'static [(Fixture, Vec<Finding>)] {
    static JUDGED: LazyLock<Vec<(Fixture, Vec<Finding>)>> = LazyLock::new(|| {
        let judged = fixtures("invalid").into_iter().map(|fixture| {
            let findings = judge(&fixture);
            (fixture, findings)
        });
        judged.collect()
    });
    &JUDGED
}

fn shown(findings: &[Finding]) -> String {
    let mut text = String::new();
    for finding in findings {
        text += &format!(
            "{} {} {}\n  {}\n",
            finding.place, finding.severity, finding.rule, finding.message
        );
        if let Some(hint) = &finding.hint {
            text += &format!("  hint: {hint}\n");
        }
        for (place, what) in &finding.related {
            text += &format!("  {place}: {what}\n");
        }
    }
    text
}

#[test]
fn valid_documents_have_no_findings() {
    let mut wrong = String::new();
    let fixtures = fixtures("valid");
    for fixture in &fixtures {
        let findings = judge(fixture);
        if !findings.is_empty() {
            wrong += &format!("{}\n{}\n", fixture.path.display(), shown(&findings));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
    assert!(fixtures.len() >= 40, "{} valid fixtures", fixtures.len());
}

#[test]
fn invalid_documents_have_exactly_these_findings() {
    let update = std::env::var_os("UPDATE_FIXTURES").is_some();
    let mut wrong = String::new();
    for (fixture, findings) in invalid() {
        let found = shown(findings);
        if found.is_empty() {
            wrong += &format!("{} is not wrong\n", fixture.path.display());
        }
        let file = PathBuf::from(format!("{}.expected", fixture.path.display()));
        if update {
            fs::write(&file, &found).unwrap();
        }
        let expected = fs::read_to_string(&file).unwrap_or_default();
        if expected != found {
            wrong += &format!("{}\nexpected\n{expected}\nfound\n{found}\n", file.display());
        }
    }
    assert!(wrong.is_empty(), "{wrong}UPDATE_FIXTURES=1 writes down what is found");
}

#[test]
fn there_are_many_documents_and_none_is_forgotten() {
    let (valid, invalid) = (fixtures("valid"), fixtures("invalid"));
    let documents: usize = valid.iter().chain(&invalid).map(|fixture| fixture.head.len()).sum();
    assert!(documents >= 150, "{documents} documents");
    let known: BTreeSet<String> =
        invalid.iter().map(|fixture| format!("{}.expected", fixture.path.display())).collect();
    for (name, _) in read_folder(&Path::new(ROOT).join("invalid")) {
        let file = format!("{ROOT}/invalid/{name}");
        assert!(!name.ends_with(".expected") || known.contains(&file), "{file} belongs to nothing");
    }
}

#[test]
fn every_rule_has_a_fixture() {
    let mut found = BTreeSet::new();
    for (_, findings) in invalid() {
        found.extend(findings.iter().map(|finding| finding.rule.as_str()));
    }
    let excused: BTreeSet<&str> = WITHOUT_FIXTURE.iter().map(|(rule, _)| *rule).collect();
    let missing: Vec<&str> = rules()
        .iter()
        .map(|rule| rule.id)
        .filter(|id| !found.contains(id) && !excused.contains(id))
        .collect();
    assert_eq!(missing, Vec::<&str>::new(), "rules without a fixture in {ROOT}/invalid");
    let needless: Vec<&&str> = excused.iter().filter(|id| found.contains(**id)).collect();
    assert!(needless.is_empty(), "{needless:?} have one");
}

#[test]
fn messages_are_one_sentence_and_say_what_to_do() {
    for (fixture, findings) in invalid() {
        for finding in findings {
            let (message, hint) = (&finding.message, finding.hint.as_deref().unwrap_or_default());
            let at = format!("{}: {finding}", fixture.path.display());
            assert!(!message.ends_with('.') && !hint.ends_with('.'), "{at}");
            assert!(!message.contains('\n') && !hint.contains('\n'), "{at}");
            assert!(finding.place.line > 0 && finding.place.column > 0, "{at}");
        }
    }
}
