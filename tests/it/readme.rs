//! The commands that the pages tell people to type: they are typed, and what they say and how they end is looked at.
//!
//! A fenced block `console` or `sh` is run in the order of its page, in a fresh folder for each page. A comment
//! `# exits N` behind a command says how it ends, 0 where there is none; lines of a `console` block that are no
//! command are what it says, of which the first two words count. `<!-- not run: why -->` before a block leaves it out.

use std::path::{Path, PathBuf};

use crate::demo::command;

/// A command of a page.
#[derive(Debug, PartialEq)]
struct Typed {
    line: usize,
    words: Vec<String>,
    exits: i32,
    says: Vec<String>,
}

/// Returns the commands of a page that are to be run; fails where a block has one that can't be.
fn commands(name: &str, page: &str) -> Vec<Typed> {
    let mut found: Vec<Typed> = Vec::new();
    let mut fence: Option<(&str, bool)> = None;
    let mut above = "";
    for (line, text) in (1..).zip(page.lines()) {
        match fence {
            None => {
                if let Some(language) = text.strip_prefix("```") {
                    fence = Some((language, above.starts_with("<!-- not run: ")));
                }
                if !text.trim().is_empty() {
                    above = text.trim();
                }
            }
            Some(_) if text.starts_with("```") => {
                (fence, above) = (None, "");
            }
            Some(("console", false)) if !text.starts_with("$ ") => {
                let last = found.last_mut().unwrap_or_else(|| panic!("{name}:{line}: no command"));
                last.says.extend((!text.trim().is_empty()).then(|| text.to_owned()));
            }
            Some(("console" | "sh", false)) if !text.trim().is_empty() => {
                found.push(typed(name, line, text.trim_start_matches("$ ")));
            }
            Some(_) => {}
        }
    }
    found
}

fn typed(name: &str, line: usize, text: &str) -> Typed {
    let (text, comment) = text.split_once(" #").unwrap_or((text, ""));
    let exits = comment.trim().strip_prefix("exits ").map_or(0, |rest| {
        let digits: String = rest.chars().take_while(char::is_ascii_digit).collect();
        digits.parse().unwrap_or_else(|_| panic!("{name}:{line}: exits how?"))
    });
    let words: Vec<String> = text.split_whitespace().map(str::to_owned).collect();
    let known = matches!(words.first().map(String::as_str), Some("trueline" | "cd"));
    let plain = !text.contains(['|', '>', '<', '"', '\'', '$', ';', '&', '\\', '*']);
    assert!(
        known && plain,
        "{name}:{line}: `{text}` can't be run by the test; write `<!-- not run: why -->` before its block"
    );
    Typed { line, words, exits, says: Vec::new() }
}

/// Runs the commands of a page; returns how many there were.
fn follow(name: &str, page: &str) -> usize {
    let folder = tempfile::tempdir().expect("a folder");
    let mut here = folder.path().to_owned();
    let all = commands(name, page);
    for Typed { line, words, exits, says } in &all {
        let arguments: Vec<&str> = words[1..].iter().map(String::as_str).collect();
        if words[0] == "cd" {
            here = here.join(arguments[0]);
            assert!(here.is_dir(), "{name}:{line}: there is no folder {}", arguments[0]);
            continue;
        }
        let ended = command(&here, &arguments).output().expect("the binary runs");
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let told = text(&ended.stdout) + &text(&ended.stderr);
        assert_eq!(ended.status.code(), Some(*exits), "{name}:{line}: {words:?} said\n{told}");
        for expected in says.iter().filter(|expected| expected.trim() != "…") {
            let begins = |text: &str| text.split_whitespace().take(2).collect::<Vec<_>>().join(" ");
            let said = told.lines().any(|line| begins(line) == begins(expected));
            assert!(said, "{name}:{line}: {words:?} does not say `{expected}` but\n{told}");
        }
    }
    all.len()
}

/// Returns the pages below a folder, and the folder's own where it is one.
pub(crate) fn pages(place: &Path) -> Vec<PathBuf> {
    if place.is_file() {
        return vec![place.to_owned()];
    }
    let entries = std::fs::read_dir(place).expect("a folder").map(|entry| entry.expect("an entry"));
    let mut found: Vec<PathBuf> = entries.flat_map(|entry| pages(&entry.path())).collect();
    found.retain(|path| path.extension().is_some_and(|ending| ending == "md"));
    found.sort();
    found
}

#[test]
fn what_the_pages_say_to_type_does_what_they_say() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut run = 0;
    for place in ["README.md", "CONTRIBUTING.md", "catalog-example/README.md", "docs"] {
        for path in pages(&root.join(place)) {
            let name = path.strip_prefix(root).expect("below").display().to_string();
            let page = std::fs::read_to_string(&path).expect("a text");
            let count = follow(&name, &page);
            assert!(name != "README.md" || count >= 8, "the first page leads somewhere");
            run += count;
        }
    }
    assert!(run >= 8, "{run}");
}

#[test]
fn blocks_are_read_as_they_are_meant() {
    let page = "\
<!-- not run: takes long -->
```console
$ cargo run
```

```yaml
$ no: command
```
```console
$ trueline status --all   # exits 4: waits for people
Units 1

…
$ cd there
```
```sh
trueline version
```
";
    let typed = |line, words: &str, exits, says: &[&str]| Typed {
        line,
        words: words.split(' ').map(str::to_owned).collect(),
        exits,
        says: says.iter().map(|text| (*text).to_owned()).collect(),
    };
    let expected = [
        typed(10, "trueline status --all", 4, &["Units 1", "…"]),
        typed(14, "cd there", 0, &[]),
        typed(17, "trueline version", 0, &[]),
    ];
    assert_eq!(commands("page", page), expected);
}

#[test]
#[should_panic(expected = "page:2: `cargo build` can't be run by the test")]
fn a_command_that_is_not_run_needs_a_reason() {
    commands("page", "```console\n$ cargo build\n```\n");
}

#[test]
#[should_panic(expected = "does not say `nothing of it` but")]
fn what_a_command_does_not_say_is_missed() {
    follow("page", "```console\n$ trueline version\nnothing of it\n```\n");
}

#[test]
#[should_panic(expected = "[\"trueline\", \"status\", \"--no-such\"] said")]
fn a_command_that_ends_otherwise_is_seen() {
    follow("page", "```console\n$ trueline status --no-such\n```\n");
}
