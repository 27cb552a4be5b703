//! Proves what ARCHITECTURE.md says: rooms import only upwards, pure rooms are pure, files stay readable.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The rooms in their order: a room imports only from those before it. The words are leaves.
const ROOMS: [(&str, bool); 19] = [
    ("words", true),
    ("yaml", true),
    ("template", true),
    ("kinds", true),
    ("catalog", true),
    ("owners", true),
    ("validate", true),
    ("reconcile", true),
    ("run", true),
    ("net", false),
    ("source", false),
    ("forge", false),
    ("store", false),
    ("action", false),
    ("engine", false),
    ("daemon", false),
    ("serve", false),
    ("cli", false),
    ("main", false),
];

const WORDS: [&str; 7] = ["causes", "clock", "digest", "finding", "id", "remembered", "secret"];

/// What no pure room may touch.
const IMPURE: [&str; 14] = [
    "std::fs",
    "std::net",
    "std::env",
    "std::process",
    "std::thread",
    "std::time::Instant",
    "Instant::now",
    "SystemTime",
    "Timestamp::now",
    "Zoned::now",
    "tokio",
    "getrandom",
    "reqwest",
    "git2",
];

const MOST_LINES: usize = 400;
const MOST_LINES_OF_MOD: usize = 90;
const MOST_LINES_OF_FUNCTION: usize = 60;

struct File {
    path: PathBuf,
    room: String,
    text: String,
}

impl File {
    fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// Code and comments up to the tests that stand beside them; nothing of a file that is only tests.
    fn code(&self) -> &str {
        if self.is_test() {
            return "";
        }
        self.text.split("#[cfg(test)]\nmod ").next().unwrap_or_default()
    }

    fn is_test(&self) -> bool {
        test_only(&self.path)
    }
}

/// Tells whether a file is declared with `#[cfg(test)]` where its module is declared.
fn test_only(path: &Path) -> bool {
    let stem = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
    if stem == "tests" || stem.ends_with("_tests") {
        return true;
    }
    let Some(folder) = path.parent() else { return false };
    let declared_in = |file: PathBuf| {
        let text = std::fs::read_to_string(file).unwrap_or_default();
        text.contains(&format!("#[cfg(test)]\nmod {stem};"))
            || text.contains(&format!("#[cfg(test)]\npub(crate) mod {stem};"))
            || text.contains(&format!("#[cfg(test)]\npub(super) mod {stem};"))
    };
    declared_in(folder.join("mod.rs")) || declared_in(folder.with_extension("rs")) || {
        folder.starts_with("src") && folder != Path::new("src") && test_only(folder)
    }
}

fn files() -> Vec<File> {
    let mut found = Vec::new();
    let mut folders = vec![PathBuf::from("src")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).expect("src can be listed") {
            let path = entry.expect("an entry").path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let text = std::fs::read_to_string(&path).expect("a source file is text");
                found.push(File { room: room_of(&path), path, text });
            }
        }
    }
    found.sort_by(|one, other| one.path.cmp(&other.path));
    found
}

fn room_of(path: &Path) -> String {
    let inside = path.strip_prefix("src").expect("below src");
    let first = inside.components().next().expect("a name").as_os_str().to_string_lossy();
    let name = first.trim_end_matches(".rs");
    if WORDS.contains(&name) { "words".to_owned() } else { name.to_owned() }
}

fn order() -> BTreeMap<&'static str, usize> {
    ROOMS.iter().enumerate().map(|(index, (room, _))| (*room, index)).collect()
}

#[test]
fn every_room_stands_in_the_order() {
    let order = order();
    for file in files() {
        let known = file.room == "lib" || order.contains_key(file.room.as_str());
        assert!(known, "{} is in no room of tests/architecture.rs", file.name());
    }
}

#[test]
fn rooms_import_only_rooms_above_them() {
    let order = order();
    let mut wrong = Vec::new();
    for file in files().iter().filter(|file| file.room != "lib") {
        let own = order[file.room.as_str()];
        for (number, line) in file.code().lines().enumerate() {
            for imported in imports_of(line) {
                let room =
                    if WORDS.contains(&imported.as_str()) { "words" } else { imported.as_str() };
                if order.get(room).is_some_and(|other| *other > own) {
                    wrong.push(format!(
                        "{}:{}: {} imports {room}",
                        file.name(),
                        number + 1,
                        file.room
                    ));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Returns the first name of each path below `crate::` in a line of code.
fn imports_of(line: &str) -> Vec<String> {
    if line.trim_start().starts_with("//") {
        return Vec::new();
    }
    let name = |text: &str| -> String {
        text.chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '_').collect()
    };
    line.match_indices("crate::").map(|(at, found)| name(&line[at + found.len()..])).collect()
}

#[test]
fn pure_rooms_are_pure() {
    let pure: Vec<&str> = ROOMS.iter().filter(|(_, pure)| *pure).map(|(room, _)| *room).collect();
    let mut wrong = Vec::new();
    for file in files().iter().filter(|file| pure.contains(&file.room.as_str())) {
        for (number, line) in file.code().lines().enumerate() {
            let code = line.split("//").next().unwrap_or_default();
            for word in IMPURE.iter().filter(|word| code.contains(**word)) {
                wrong.push(format!("{}:{}: {word}", file.name(), number + 1));
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn files_open_with_what_they_are_for_and_stay_readable() {
    let mut wrong = Vec::new();
    for file in files() {
        if !file.text.starts_with("//!") {
            wrong.push(format!("{} does not open with `//!`", file.name()));
        }
        let lines = file.text.lines().count();
        let most = if file.path.ends_with("mod.rs") { MOST_LINES_OF_MOD } else { MOST_LINES };
        if lines > most {
            wrong.push(format!("{} has {lines} lines, more than {most}", file.name()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn functions_fit_a_screen() {
    let mut wrong = Vec::new();
    for file in files() {
        let mut open: Option<(usize, String, usize)> = None;
        for (number, line) in file.code().lines().enumerate() {
            let indent = line.len() - line.trim_start().len();
            let trimmed = line.trim_start();
            let is_function = [
                "fn ",
                "pub fn ",
                "async fn ",
                "pub async fn ",
                "pub(super) fn ",
                "pub(super) async fn ",
            ]
            .iter()
            .any(|start| trimmed.starts_with(start));
            if is_function && open.is_none() && !trimmed.ends_with(';') {
                open = Some((number, trimmed.to_owned(), indent));
            }
            if let Some((start, name, at)) = &open
                && trimmed == "}"
                && indent == *at
            {
                let lines = number - start + 1;
                if lines > MOST_LINES_OF_FUNCTION {
                    wrong.push(format!("{}:{}: {lines} lines: {name}", file.name(), start + 1));
                }
                open = None;
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_tick_and_main_fit_forty_lines() {
    let tick = std::fs::read_to_string("src/daemon/tick.rs").expect("the tick");
    let body = tick.split("impl Daemon").nth(1).expect("the tick's body");
    assert!(body.lines().count() <= 40, "the tick has {} lines", body.lines().count());
    let main = std::fs::read_to_string("src/main.rs").expect("main");
    assert!(main.lines().count() <= 40);
}

#[test]
fn the_map_names_every_room_and_stays_short() {
    let map = std::fs::read_to_string("ARCHITECTURE.md").expect("ARCHITECTURE.md");
    assert!(map.lines().count() < 150, "ARCHITECTURE.md has {} lines", map.lines().count());
    let there: std::collections::BTreeSet<String> = files()
        .into_iter()
        .map(|file| file.room)
        .filter(|room| room != "lib" && room != "main")
        .collect();
    for room in there {
        assert!(map.contains(&format!("`{room}`")), "ARCHITECTURE.md does not name `{room}`");
    }
}
