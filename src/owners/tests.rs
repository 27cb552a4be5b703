//! Tests of patterns and files: GitHub's own examples, a naive matcher beside ours, hostile input.

use std::time::{Duration, Instant};

use proptest::prelude::*;

use super::pattern::Pattern;
use super::{MAX_BYTES, Owners};
use crate::catalog::Snapshot;

fn owners(text: &str) -> Owners {
    Owners::read("CODEOWNERS", text.as_bytes())
}

/// Expects the owners of paths: `path owner…` a line, with `-` for nobody.
#[track_caller]
fn check(file: &str, expected: &[&str]) {
    let owners = owners(file);
    for line in expected {
        let (path, expected) = line.split_once(' ').unwrap();
        let found = owners.owners_of(path).join(" ");
        let found = if found.is_empty() { "-" } else { &found };
        assert_eq!(found, expected, "{path}");
    }
}

/// Expects the findings of a file, one a line.
#[track_caller]
fn found(file: &[u8], expected: &str) {
    let owners = Owners::read("CODEOWNERS", file);
    let shown: Vec<String> =
        owners.findings.iter().map(|one| format!("{one} [{}]", one.place.length)).collect();
    let expected: Vec<&str> = expected.trim().lines().map(str::trim).collect();
    assert_eq!(shown.join("\n"), expected.join("\n"));
}

/// The example of GitHub's documentation, line by line.
const EXAMPLE: &str = "\
# This is a comment.
*       @global-owner1 @global-owner2
*.js    @js-owner #This is an inline comment.
*.go docs@example.com
*.txt @octo-org/octocats
/build/logs/ @doctocat
docs/*  docs2@example.com
apps/ @octocat
/docs/ @doctocat
/scripts/ @doctocat @octocat
**/logs @octocat
/apps/ @octocat
/apps/github
";

#[test]
fn the_example_of_the_documentation() {
    check(
        EXAMPLE,
        &[
            "README.md @global-owner1 @global-owner2",
            "a.js @js-owner",
            "src/deep/a.js @js-owner",
            "src/a.jsx @global-owner1 @global-owner2",
            "cmd/main.go docs@example.com",
            "notes.txt @octo-org/octocats",
            "build/output/x @global-owner1 @global-owner2",
            "docs/getting-started.md @doctocat",
            "src/docs/getting-started.md @global-owner1 @global-owner2",
            "src/apps/a.js @octocat",
            "apps/main.rs @octocat",
            "apps @global-owner1 @global-owner2",
            "docs/build-app/troubleshooting.md @doctocat",
            "scripts/x.sh @doctocat @octocat",
            "build/logs @octocat",
            "build/logs/deep/x @octocat",
            "scripts/logs/x @octocat",
            "deeply/nested/logs/x @octocat",
            "logs @octocat",
            "catalogs/x @global-owner1 @global-owner2",
            "apps/github -",
            "apps/github/x/y -",
            "apps/githubs/x @octocat",
        ],
    );
    // The lines that later ones of the example hide, each alone.
    check(
        "/build/logs/ @d",
        &["build/logs/a @d", "build/logs/a/b @d", "build/logs -", "x/build/logs/a -"],
    );
    check("docs/* @d", &["docs/a.md @d", "docs/a/b.md -", "x/docs/a.md -", "docs -"]);
    check("/docs/ @d", &["docs/a @d", "docs/a/b @d", "x/docs/a -"]);
    check("apps/ @d", &["apps/a @d", "x/apps/a/b @d", "apps -", "x/apps -"]);
    check("/apps/ @a\n/apps/github @b", &["apps/x @a", "apps/github/x @b"]);
}

#[test]
fn patterns_match_as_gitignore_says() {
    for (pattern, paths, others) in [
        ("*", "a a/b a/b/c .hidden", ""),
        ("**", "a a/b", ""),
        ("/*", "a .a", "a/b"),
        ("/**", "a a/b", ""),
        ("**/", "a/b a/b/c", "a"),
        ("*/", "a/b a/b/c", "a"),
        ("/*/", "a/b a/b/c", "a"),
        ("a", "a a/b b/a b/a/c", "ab b/ab"),
        ("/a", "a a/b", "b/a"),
        ("a/b", "a/b a/b/c", "b x/a/b"),
        ("a/", "a/b b/a/c", "a b/a"),
        ("a/**", "a/b a/b/c", "a b/a/c"),
        ("a/**/b", "a/b a/x/b a/x/y/b a/x/b/c", "a/x b x/a/b"),
        ("**/a/b", "a/b x/a/b x/y/a/b/c", "a/x/b"),
        ("**/a", "a x/a x/a/y", "xa"),
        ("a/**/*.md", "a/x.md a/b/c/x.md", "x.md b/a/x.md a/x.mdx"),
        ("a/*/c", "a/b/c a/x/c/d", "a/c a/b/x/c"),
        ("*.md", "x.md a/x.md .md x.md/y", "x.mdx md"),
        ("/*.md", "x.md", "a/x.md"),
        ("a?c", "abc x/aéc", "ac abbc a/c"),
        ("a*c*e", "ace abcde axxcxxe", "ac a/c/e aec"),
        ("a**b", "ab axb", "a/b a/x/b"),
        ("***", "a a/b", ""),
        ("Docs", "Docs", "docs DOCS"),
        ("a\\*b", "a*b", "axb"),
        ("a#b", "a#b", "a"),
        ("a/b*", "a/b a/bc a/bc/d", "a/c"),
        ("{a,b}", "{a,b}", "a b"),
        ("é/ü", "é/ü é/ü/x", "e/u"),
        ("@acme", "@acme x/@acme", "acme"),
    ] {
        let read = Pattern::parse(pattern).unwrap();
        for path in paths.split_whitespace() {
            assert!(read.matches(path), "{pattern} matches {path}");
            assert!(naive(pattern, path), "naive: {pattern} matches {path}");
        }
        for path in others.split_whitespace() {
            assert!(!read.matches(path), "{pattern} does not match {path}");
            assert!(!naive(pattern, path), "naive: {pattern} does not match {path}");
        }
    }
}

#[test]
fn escapes_comments_and_line_ends() {
    let read =
        owners("\u{feff}a\\ b\t@x   @y # @z\r\n  c#d @y\r\n\r\n# e @z\r\nf # @z\r\ng\\\\h @z");
    assert_eq!(read.findings, []);
    assert_eq!(read.owners_of("a b"), ["@x", "@y"]);
    assert_eq!(read.owners_of("c#d"), ["@y"]);
    assert_eq!(read.owners_of("e").len(), 0);
    assert_eq!(read.line_of("f").unwrap().owners.len(), 0);
    assert_eq!(read.owners_of("g\\h"), ["@z"]);
    let line = read.line_of("c#d").unwrap();
    assert_eq!((line.number, line.column), (2, 3));
    assert_eq!(owners("a\\#b @x").owners_of("a#b"), ["@x"]);
}

#[test]
fn bad_lines_are_skipped_and_told() {
    let file = "\
* @a
!x @a
  src/[ab].c @a
\\#x @a
/ @a
a//b @a
./a @a
a/../b @a
a\\
b @a acme/platform c
c @a,
d @a#why
/ok/ @b
";
    found(
        file.as_bytes(),
        "
        CODEOWNERS:2:1: error owners/syntax the line is skipped: a pattern cannot be negated with `!` (write the exception without `!` on a line further down, with its owners or none) [1]
        CODEOWNERS:3:7: error owners/syntax the line is skipped: a pattern cannot hold `[`: there are no ranges of characters (write `?` for one character, or a line for each of them) [1]
        CODEOWNERS:4:1: error owners/syntax the line is skipped: GitHub takes a line that begins with `\\#` for a comment (write `?` where the name has its `#`) [2]
        CODEOWNERS:5:1: error owners/syntax the line is skipped: the pattern `/` matches nothing (did you mean `*`?) [1]
        CODEOWNERS:6:1: error owners/syntax the line is skipped: the pattern has two slashes side by side and matches nothing (take one of them away) [4]
        CODEOWNERS:7:1: error owners/syntax the line is skipped: the pattern has `.` or `..` as a name and matches nothing (write it from the root of the repository: `/docs/`) [3]
        CODEOWNERS:8:1: error owners/syntax the line is skipped: the pattern has `.` or `..` as a name and matches nothing (write it from the root of the repository: `/docs/`) [6]
        CODEOWNERS:9:2: error owners/syntax the line is skipped: a lone `\\` ends the pattern, and nothing is escaped by it (take it away, or write `\\\\`) [1]
        CODEOWNERS:10:6: error owners/syntax the line is skipped: `acme/platform` is not an owner (did you mean `@acme/platform`?) [13]
        CODEOWNERS:11:3: error owners/syntax the line is skipped: `@a,` is not an owner (write `@a`; owners are separated by spaces) [3]
        CODEOWNERS:12:3: error owners/syntax the line is skipped: `@a#why` is not an owner (write `@a`, and a space before the comment) [6]
        ",
    );
    check(file, &["b @a", "src/a.c @a", "ok/x @b"]);
    let read = owners(file);
    assert_eq!(read.skipped_line_of("b").unwrap().number, 10);
    assert_eq!(read.skipped_line_of("ok/c"), None);
    assert_eq!(read.skipped_line_of("x"), None);
}

#[test]
fn what_is_not_text_is_told() {
    found(
        b"a @a\n\xc3\xbcb\xff @b\nc @c",
        "CODEOWNERS:2:3: error owners/unreadable the line is skipped: from here on it is not UTF-8 (save the file as UTF-8) [1]",
    );
    for file in [&b"\xff\xfea\0"[..], b"a\0 @a", b"\0"] {
        found(
            file,
            "CODEOWNERS:1:1: error owners/unreadable the file is not text in UTF-8, so nobody owns anything (save it as UTF-8) [0]",
        );
    }
    found(
        b"a\x1b[2J @a",
        "CODEOWNERS:1:2: error owners/syntax the line is skipped: a pattern cannot hold the control character \\u{1b} (take it away) [1]",
    );
    found(b"", "");
}

#[test]
fn a_file_over_the_limit_is_not_used() {
    let fits = [b"* @a\n".to_vec(), vec![b'#'; MAX_BYTES - 5]].concat();
    assert_eq!(Owners::read("CODEOWNERS", &fits).owners_of("x"), ["@a"]);
    let large = [fits, vec![b'#']].concat();
    let read = Owners::read("CODEOWNERS", &large);
    assert_eq!(read.owners_of("x").len(), 0);
    assert_eq!(read.findings[0].rule, "owners/too-large");
}

#[test]
fn the_first_location_counts() {
    let at = |paths: &[&str]| {
        let files =
            paths.iter().map(|path| ((*path).to_owned(), format!("* @{}", path.len()).into()));
        Owners::of(&Snapshot::of_files(files))
    };
    let all = at(&["CODEOWNERS", "docs/CODEOWNERS", ".github/CODEOWNERS"]);
    assert_eq!(all.path.as_deref(), Some(".github/CODEOWNERS"));
    assert_eq!(all.owners_of("x"), ["@18"]);
    let told: Vec<String> = all.findings.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"), @r"
    CODEOWNERS:1:1: note owners/several-files this file is not used: .github/CODEOWNERS comes before it (move its lines there, and delete it)
    docs/CODEOWNERS:1:1: note owners/several-files this file is not used: .github/CODEOWNERS comes before it (move its lines there, and delete it)
    ");
    assert_eq!(at(&["CODEOWNERS", "docs/CODEOWNERS"]).owners_of("x"), ["@10"]);
    assert_eq!(at(&["docs/CODEOWNERS", "other/CODEOWNERS"]).owners_of("x"), ["@15"]);
    assert_eq!(at(&["src/CODEOWNERS"]).path, None);
}

#[test]
fn a_file_that_could_not_be_taken_in_hides_the_next() {
    let files = [("CODEOWNERS".to_owned(), b"* @a".to_vec())];
    let mut snapshot = Snapshot::of_files(files);
    let place = crate::finding::Place::start_of(".github/CODEOWNERS");
    snapshot.findings.push(crate::finding::Finding::error("source/symlink", place, "a link"));
    let read = Owners::of(&snapshot);
    assert_eq!((read.path.as_deref(), read.owners_of("x").len()), (Some(".github/CODEOWNERS"), 0));
}

#[test]
fn lines_that_never_decide_are_found() {
    let read = |file: &str| {
        let owners = owners(file);
        let pairs = owners.shadowed();
        pairs
            .iter()
            .map(|(one, by)| format!("{}<{}", one.number, by.number))
            .collect::<Vec<_>>()
            .join(" ")
    };
    assert_eq!(read("* @a\n/b/ @b\n/b/c @c"), "");
    assert_eq!(read("/b/ @b\n/b/ @c"), "1<2");
    assert_eq!(read("/b/ @b\n*.md @c\n* @d"), "1<3 2<3");
    assert_eq!(read("/b/c/ @b\n/b/ @c"), "1<2");
    assert_eq!(read("/b/c @b\n/b/ @c\n/b @d"), "1<3 2<3");
    assert_eq!(read("/b @b\n/b/ @c"), "");
    assert_eq!(read("/b/*.md @b\n/b/** @c"), "1<2");
    assert_eq!(read("/x/b/c @b\nb/ @c"), "1<2");
    assert_eq!(read("/x/b @b\nb/ @c"), "");
    assert_eq!(read("/x/b @b\nb @c"), "1<2");
    assert_eq!(read("**/b @b\nb"), "1<2");
    assert_eq!(read("docs/ @b\n/docs/ @c"), "");
    assert_eq!(read("/b/* @b\n/b/ @c"), "1<2");
}

/// Matches the slow way, as the documentation reads: does the pattern name the path, or a folder that it is in?
fn naive(pattern: &str, path: &str) -> bool {
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
        let file: String = rules.iter().map(|rule| format!("{rule} @a\n")).collect();
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
        let file: String = rules.iter().map(|rule| format!("{rule} @a\n")).collect();
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

/// Far above what linear work takes on a busy machine, far below what anything worse would.
const PATIENCE: Duration = Duration::from_secs(20);

#[test]
fn hostile_files_take_linear_time() {
    let chain = format!("{}x @a", "**/".repeat(1000));
    let twisted = format!("{}x @a", "**/a/".repeat(1000));
    let stars = format!("{}x @a", "*a".repeat(100_000));
    let long = format!("a {}", "@b ".repeat(200_000));
    let deep = format!("{}* @a", "a/".repeat(200_000));
    let many = "*a*b*c @a\n".repeat(50_000);
    let wrong = "! x\n".repeat(100_000);
    let folders = format!("{} @a\n", "a/".repeat(15)).repeat(20_000);
    let path = "a/".repeat(500) + &"a".repeat(2000);
    for file in [chain, twisted, stars, long, deep, many, wrong, folders] {
        let started = Instant::now();
        let read = owners(&file);
        for path in [&path, "a", "a/b", "x", ""] {
            let _ = (read.line_of(path), read.skipped_line_of(path));
        }
        let _ = read.shadowed();
        assert!(started.elapsed() < PATIENCE, "{}…: {:?}", &file[..20], started.elapsed());
        assert!(read.findings.len() <= 1001);
    }
}
