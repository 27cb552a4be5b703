//! Laws of patterns: a naive matcher beside ours, the index beside a search through all, hostile input.

use proptest::prelude::*;

use super::pattern::Pattern;
use super::{Owners, steps};

/// Matches the slow way, as the documentation reads: does the pattern name the path, or a folder that it is in?
pub(super) fn naive(pattern: &str, path: &str) -> bool {
    let inner = pattern.strip_prefix('/').unwrap_or(pattern);
    let (inner, folder) = match inner.strip_suffix('/') {
        Some(inner) => (inner, true),
        None => (inner, false),
    };
    let anchored = pattern.starts_with('/') || inner.contains('/');
    let wanted: Vec<&str> = inner.split('/').collect();
    let names: Vec<&str> = path.split('/').collect();
    let stars = |name: &str| name.chars().all(|c| c == '*') && name.len() != 2;
    let only_direct = anchored && !folder && wanted.last().is_some_and(|last| stars(last));
    (1..=names.len()).any(|count| {
        let is_folder = count < names.len();
        let named = if anchored {
            whole(&wanted, &names[..count])
        } else {
            wanted[0] == "**" || name(wanted[0], names[count - 1])
        };
        named && (is_folder || !folder) && !(only_direct && is_folder)
    })
}

fn whole(wanted: &[&str], names: &[&str]) -> bool {
    match wanted {
        [] => names.is_empty(),
        ["**"] => !names.is_empty(),
        ["**", rest @ ..] => (0..=names.len()).any(|from| whole(rest, &names[from..])),
        [first, rest @ ..] => {
            !names.is_empty() && name(first, names[0]) && whole(rest, &names[1..])
        }
    }
}

fn name(wanted: &str, there: &str) -> bool {
    let mut chars = wanted.chars();
    let mut after = there.chars();
    match chars.next() {
        None => there.is_empty(),
        Some('*') => there
            .char_indices()
            .map(|(at, _)| at)
            .chain([there.len()])
            .any(|at| name(chars.as_str(), &there[at..])),
        Some('?') => after.next().is_some() && name(chars.as_str(), after.as_str()),
        Some('\\') => {
            let literal = chars.next();
            after.next() == literal && name(chars.as_str(), after.as_str())
        }
        Some(c) => after.next() == Some(c) && name(chars.as_str(), after.as_str()),
    }
}

fn patterns() -> impl Strategy<Value = String> {
    let part = prop::sample::select(vec![
        "a", "b", "c.a", "*", "**", "***", "*.a", "a*", "*b*", "?", "??", "\\*", "a.?", "*.a.b",
        "é",
    ]);
    let parts = prop::collection::vec(part, 1..5);
    (any::<bool>(), parts, any::<bool>()).prop_map(|(root, parts, folder)| {
        format!(
            "{}{}{}",
            if root { "/" } else { "" },
            parts.join("/"),
            if folder { "/" } else { "" }
        )
    })
}

fn paths() -> impl Strategy<Value = String> {
    let name = prop::sample::select(vec!["a", "b", "c.a", "ab", "*", "a.b", "c.a.b", "é", "bb"]);
    prop::collection::vec(name, 1..6).prop_map(|names| names.join("/"))
}

fn file(rules: &[String]) -> String {
    rules.iter().flat_map(|rule| [rule.as_str(), " @a\n"]).collect()
}

fn owners(text: &str) -> Owners {
    Owners::read("CODEOWNERS", text.as_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn a_pattern_matches_what_the_naive_one_does(pattern in patterns(), path in paths()) {
        let read = Pattern::parse(&pattern).unwrap();
        prop_assert_eq!(read.matches(&path), naive(&pattern, &path), "{} {}", pattern, path);
    }

    #[test]
    fn the_index_finds_the_last_match(
        rules in prop::collection::vec(patterns(), 0..24),
        paths in prop::collection::vec(paths(), 1..8),
    ) {
        let file = file(&rules);
        let read = owners(&file);
        prop_assert_eq!(read.lines.len(), rules.len());
        for path in paths {
            let expected = rules.iter().rposition(|rule| naive(rule, &path));
            let found = read.line_of(&path).map(|line| line.number as usize - 1);
            prop_assert_eq!(found, expected, "{}", path);
        }
    }

    #[test]
    fn a_shadowed_line_never_decides(
        rules in prop::collection::vec(patterns(), 0..12),
        paths in prop::collection::vec(paths(), 1..30),
    ) {
        let file = file(&rules);
        let read = owners(&file);
        for path in paths {
            let decides = read.line_of(&path);
            prop_assert!(!read.shadowed().iter().any(|(line, _)| Some(*line) == decides), "{}", path);
        }
    }

    #[test]
    fn garbage_is_read(bytes in prop::collection::vec(any::<u8>(), 0..400)) {
        let read = Owners::read("CODEOWNERS", &bytes);
        let _ = (read.line_of("a/b.c"), read.shadowed());
        for finding in read.findings {
            prop_assert!(finding.place.line > 0 && finding.place.column > 0);
        }
    }

    #[test]
    fn garbage_of_the_alphabet_is_read(text in "[ab/*?\\\\# \t!\\[@\r\n.]{0,80}", path in "[ab/*.]{0,40}") {
        let read = owners(&text);
        let _ = (read.line_of(&path), read.shadowed(), read.skipped_line_of(&path));
    }
}

/// Reads a file and asks it about paths; returns how many steps that took.
fn work(file: &str) -> u64 {
    let path = "a/".repeat(500) + &"a".repeat(2000);
    steps::counted(|| {
        let read = owners(file);
        for path in [&path, "a", "a/b", "x", ""] {
            let _ = (read.line_of(path), read.skipped_line_of(path));
        }
        let _ = read.shadowed();
        assert!(read.findings.len() <= 1001);
    })
}

#[test]
fn twice_a_hostile_file_is_twice_the_work() {
    let files: [fn(usize) -> String; 8] = [
        |size| format!("{}x @a", "**/".repeat(size)),
        |size| format!("{}x @a", "**/a/".repeat(size)),
        |size| format!("{}x @a", "*a".repeat(size * 10)),
        |size| format!("a {}", "@b ".repeat(size * 20)),
        |size| format!("{}* @a", "a/".repeat(size * 20)),
        |size| "*a*b*c @a\n".repeat(size),
        |size| "! x\n".repeat(size * 10),
        |size| format!("{} @a\n", "a/".repeat(15)).repeat(size),
    ];
    for file in files {
        let (once, twice) = (work(&file(1000)), work(&file(2000)));
        let start: String = file(1).chars().take(20).collect();
        assert!(once > 1000, "{start}…: only {once} steps are counted");
        assert!(
            twice <= once * 2 + once / 5,
            "{start}…: {once} steps, and {twice} for twice as much"
        );
    }
}
