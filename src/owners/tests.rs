//! Tests of patterns and files: GitHub's own examples, what is told about bad lines.

use super::laws::naive;
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
fn the_repository_counts_before_a_folder_of_it() {
    let below = |folder: &str, files: &[(&str, &str)]| {
        let files = files.iter().map(|(path, text)| ((*path).to_owned(), (*text).into()));
        Owners::of(&Snapshot { folder: folder.to_owned(), ..Snapshot::of_files(files) })
    };
    let own = ("CODEOWNERS", "/services/ @own\n");
    let above = ("../../docs/CODEOWNERS", "/infra/catalog/services/ @above\n/docs/ @docs\n");
    let alone = below("infra/catalog", &[own]);
    assert_eq!(alone.path.as_deref(), Some("CODEOWNERS"));
    assert_eq!(alone.owners_of("services/x"), ["@own"]);
    let both = below("infra/catalog", &[own, above]);
    assert_eq!(both.path.as_deref(), Some("../../docs/CODEOWNERS"));
    assert_eq!(both.owners_of("services/x"), ["@above"]);
    assert_eq!(both.owners_of("../../docs/CODEOWNERS"), ["@docs"]);
    assert_eq!(both.in_patterns("services/x"), "infra/catalog/services/x");
    assert!(both.is_location("../../.github/CODEOWNERS") && both.is_location("CODEOWNERS"));
    let told: Vec<String> = both.findings.iter().map(ToString::to_string).collect();
    insta::assert_snapshot!(told.join("\n"), @"CODEOWNERS:1:1: note owners/several-files this file is not used: ../../docs/CODEOWNERS comes before it (move its lines there, with `/infra/catalog/` before their paths, and delete it)");
    // GitHub looks into `docs` of the repository, whatever else that is.
    let docs = below("docs", &[("CODEOWNERS", "/docs/services/ @docs\n")]);
    assert_eq!(docs.owners_of("services/x"), ["@docs"]);
    assert_eq!(docs.findings, []);
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
